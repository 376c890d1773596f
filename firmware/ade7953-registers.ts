// The ADE7953's registers over I2C, each access verified by the chip's own record of its last operation (data
// sheet Rev. C, "Communication Verification"): a byte that noise changed, an address that arrived as another
// one and a transfer that broke off are told from an answer. It never throws once it is open: what cannot be
// had is null or false.
//
// The data sheet does not say whether reading a last-operation register is itself the last operation. Both
// are borne: the address is asked for first, then the data, which has a register of its own for each width,
// then the kind.

/**
 * Of ECMA-419's I2C class what is used here; `writeRead`, with its repeated start, is the Moddable SDK's own.
 */
export interface I2CBus {
  write(bytes: Uint8Array): void;
  writeRead(bytes: Uint8Array, count: number): ArrayBuffer;
  close(): void;
}

export interface I2CSensor {
  readonly io: new (options: {
    readonly data: number;
    readonly clock: number;
    readonly hz: number;
    readonly address: number;
    readonly timeout: number;
  }) => I2CBus;
  /** Pins. */
  readonly data: number;
  readonly clock: number;
}

/** "I2C Interface": 0111000 before the read/write bit. */
const ADDRESS = 0x38;
/** Table 3 allows 400 kHz; at a quarter of that the chips' own pull-ups do. */
const HZ = 100_000;
/** Of a transfer, ms: the longest here takes 0.8. */
const TIMEOUT_MS = 10;
/**
 * An access that fails this often is given up: a quiet bus loses one in a million, a dead one is not worth
 * more time.
 */
const ATTEMPTS = 3;

/** Table 13. */
const LAST_OP = 0x0fd;
const WAS_READ = 0x35;
/** Table 14. */
const LAST_ADD = 0x1fe;

export class ADE7953Registers {
  readonly #sensor: I2CSensor;
  /** Null after `close`, until the next access. */
  #bus: I2CBus | null;

  /** @throws what the I2C class throws for pins that cannot be had. */
  constructor(sensor: I2CSensor) {
    this.#sensor = sensor;
    this.#bus = open(sensor);
  }

  /** Gives the pins back; the next access takes them anew, which frees a peripheral that has hung up. */
  close(): void {
    try {
      this.#bus?.close();
    } catch {
      // What fails to close is left behind; opening it anew tells whether that matters.
    }
    this.#bus = null;
  }

  /** @returns the register's value as an unsigned number, or null if no read of it could be verified. */
  read(register: number): number | null {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const value = this.#read(register);
      if (value !== null && this.#confirms(register, value)) return value;
    }
    return null;
  }

  /** Writes, and reads what is there then. @returns whether it is what was written. */
  set(register: number, value: number): boolean {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.write(register, value) && this.read(register) === value) return true;
    }
    return false;
  }

  /**
   * Writes a register that opens only to a key written immediately before ("Required Register Setting").
   * Whether such a register can be read is not known: that the chip's last data of 16 bits is the value
   * stands for it.
   */
  unlockAndSet(key: readonly [register: number, value: number], register: number, value: number): boolean {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const written = this.write(...key) && this.write(register, value);
      if (written && this.#read(lastDataOf(register)) === value) return true;
    }
    return false;
  }

  /**
   * Writes once, unverified: a software reset leaves nobody to ask. @returns whether all was acknowledged.
   */
  write(register: number, value: number): boolean {
    const bytes = [register >> 8, register & 0xff];
    for (let at = widthOf(register) - 1; at >= 0; at--) bytes.push((value >>> (8 * at)) & 0xff);
    try {
      this.#open().write(Uint8Array.from(bytes));
      return true;
    } catch {
      return false;
    }
  }

  /** Whether the chip says that it was this register that was read, and this value that it sent. */
  #confirms(register: number, value: number): boolean {
    if (this.#read(LAST_ADD) !== register) return false;
    // LAST_ADD is of 16 bits too, and may have put itself in the place of their data: those are read again
    // instead.
    const echo = widthOf(register) === 2 ? register : lastDataOf(register);
    return this.#read(echo) === value && this.#read(LAST_OP) === WAS_READ;
  }

  #read(register: number): number | null {
    const width = widthOf(register);
    try {
      const pointer = Uint8Array.of(register >> 8, register & 0xff);
      const bytes = new Uint8Array(this.#open().writeRead(pointer, width));
      let value = 0;
      for (const byte of bytes) value = value * 256 + byte;
      return value;
    } catch {
      return null;
    }
  }

  #open(): I2CBus {
    this.#bus ??= open(this.#sensor);
    return this.#bus;
  }
}

const open = ({ io, data, clock }: I2CSensor): I2CBus =>
  new io({ data, clock, hz: HZ, address: ADDRESS, timeout: TIMEOUT_MS });

/** Bytes of a register, by hundreds of its address (Tables 13 to 15): 0x7xx and 0x8xx are of one byte. */
function widthOf(register: number): number {
  const hundreds = register >> 8;
  return hundreds <= 3 ? hundreds + 1 : 1;
}

/** LAST_RWDATA of the register's width (Table 11): 0x0ff, 0x1ff, 0x2ff, 0x3ff. */
const lastDataOf = (register: number) => 0x100 * (widthOf(register) - 1) + 0xff;
