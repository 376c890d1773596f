// A model of the ADE7953 as its I2C pins show it: registers with their widths and access rules,
// last-operation registers, signed energy accumulation, no-load, checksum, write protection, reset. From the
// data sheet, Rev. C (12/2016); tables and sections are named at the line. It is written without looking at
// the driver, and shares no constant with it: an address wrong in one of them does not hide in the other.
//
// Where the data sheet is silent the model takes what is worst for a driver, or lets the test choose
// (ADE7953Quirks): docs in firmware/README.md list those. Not modelled: waveforms, RMS, power factor,
// periods, peaks, line-cycle accumulation (those registers rest at their defaults), SPI and UART.
import type { I2cDevice } from "./ecma419/i2c.js";

/** "I2C Interface": 0111000 and the read/write bit. */
const ADDRESS = 0x38;
/** "Active Energy Calculation": counts a second at full scale, 206.9 kHz; here in tenths of a count a ms. */
const FULL_SCALE_TENTHS_PER_MS = 2069;
/** Of one count: millionths of full scale x tenths of a count. */
const COUNT_UNITS = 10_000_000;
/** "ADE7953 Power-Up Procedure": 26 ms of supply monitor, then about 40 ms. */
const POWER_UP_MS = 66;
/** Not in the data sheet: the second part of a power-up. */
const RESET_MS = 40;
const FULL_SCALE_PPM = 1_000_000;
/** Gain registers: 1.0. */
const UNITY = 0x400000;
const MASK_24 = 0xffffff;
const SIGN_24 = 0x800000;
/** "Communication Verification". */
const WAS_READ = 0x35;
const WAS_WRITE = 0xca;
/** "Required Register Setting": the key and the register that it opens for the next write. */
const KEY_ADDRESS = 0x0fe;
const KEY = 0xad;
const LOCKED_ADDRESS = 0x120;
/** "Checksum Register": value while disabled, and with every register at its default. */
const CRC_DISABLED = 0xffffffff;
const CRC_OF_DEFAULTS = 0x48739163;
/** IEEE 802.3. Equation 50 lists g31 where the polynomial beside it has x^23: the polynomial is taken. */
const CRC_POLYNOMIAL = 0x04c11db7;

type Access = "read" | "write" | "clear";
interface Register {
  readonly bytes: 1 | 2 | 3;
  readonly access: Access;
  readonly initial: number;
  readonly signed: boolean;
}

/** Tables 13 to 15, with addresses of 24-bit access for the third; 0x3xx is the same register in 32 bits. */
const REGISTERS = new Map<number, Register>();
const define = (bytes: 1 | 2 | 3, access: Access, rows: readonly (readonly [number, number])[]) => {
  for (const [address, initial] of rows) REGISTERS.set(address, { bytes, access, initial, signed: false });
};
define(1, "write", [
  [0x000, 0x00],
  [0x001, 0x00],
  [0x004, 0x40],
  [0x007, 0x00],
  [0x008, 0x00],
  [0x009, 0x00],
  [0x040, 0x00],
  [KEY_ADDRESS, 0x00],
  [0x800, 0x00],
]);
define(1, "read", [
  [0x0fd, 0x00],
  [0x0ff, 0x00],
  // Version: the silicon's number is not in the data sheet.
  [0x702, 0x01],
]);
define(2, "write", [
  [0x100, 0xffff],
  [0x101, 0x0000],
  [0x102, 0x8004],
  [0x103, 0x003f],
  [0x104, 0x003f],
  [0x107, 0x0300],
  [0x108, 0x0000],
  [0x109, 0x0000],
  [0x110, 0x0000],
  [LOCKED_ADDRESS, 0x0000],
]);
define(2, "read", [
  [0x10a, 0],
  [0x10b, 0],
  [0x10c, 0],
  [0x10d, 0],
  [0x10e, 0],
  [0x1fe, 0],
  [0x1ff, 0],
]);
define(3, "write", [
  [0x200, 0],
  [0x201, 0],
  [0x203, 0x00e419],
  [0x204, 0x00e419],
  [0x205, 0],
  [0x224, MASK_24],
  [0x225, MASK_24],
  [0x22c, 0x100000],
  [0x22f, 0],
]);
define(3, "read", [
  [0x226, 0],
  [0x228, 0],
  [0x22a, 0],
  [0x22d, 0],
  [0x230, 0],
  [0x2ff, 0],
]);
define(3, "clear", [
  [0x22e, 0],
  [0x231, 0],
]);
const GAINS = [0x280, 0x281, 0x282, 0x283, 0x284, 0x28c, 0x28d, 0x28e, 0x28f, 0x290];
for (let address = 0x280; address <= 0x297; address++) {
  define(3, "write", [[address, GAINS.includes(address) ? UNITY : 0]]);
}
for (let address = 0x210; address <= 0x223; address++) {
  if (address === 0x219 || address === 0x21d) continue;
  REGISTERS.set(address, {
    bytes: 3,
    access: "read",
    initial: 0,
    signed: address < 0x219 || address >= 0x21e,
  });
}
const CRC_ADDRESS = 0x37f;

/** Table 12, in its order: left column, then right. */
const CHECKED = [
  ...[
    0x004, 0x007, 0x008, 0x009, 0x040, 0x102, 0x103, 0x104, 0x107, 0x108, 0x109, 0x110, 0x201, 0x22c, 0x22f,
  ],
  ...Array.from({ length: 24 }, (_, at) => 0x280 + at),
];

const LAST_OP = 0x0fd;
const LAST_ADDRESS = 0x1fe;
const LAST_DATA = { 1: 0x0ff, 2: 0x1ff, 3: 0x2ff } as const;
const LAST_REGISTERS: readonly number[] = [LAST_OP, LAST_ADDRESS, 0x0ff, 0x1ff, 0x2ff, 0x3ff];

/** An accumulation register, what gates it and what scales it. */
interface Accumulation {
  readonly name: EnergyName;
  readonly address: number;
  readonly channel: "A" | "B";
  readonly pgaAddress: number;
  readonly gainAddress: number;
  /** DISNOLOAD (Table 16), the threshold's register, the no-load bit of IRQSTATx. */
  readonly noLoadBit: number;
  readonly noLoadAddress: number;
  /** First bit of its mode in ACCMODE (Table 21). */
  readonly modeBit: number;
  readonly statusAddress: number;
  /** Half-full and overflow bits of IRQSTATx (Table 23). */
  readonly halfBit: number;
}
export type EnergyName = "activeA" | "activeB" | "reactiveA" | "reactiveB";

const ofChannel = {
  A: { pgaAddress: 0x008, statusAddress: 0x22d },
  B: { pgaAddress: 0x009, statusAddress: 0x230 },
};
const ofKind = {
  active: { noLoadBit: 0, noLoadAddress: 0x203, halfBit: 0 },
  reactive: { noLoadBit: 1, noLoadAddress: 0x204, halfBit: 1 },
};
const ACCUMULATIONS: readonly Accumulation[] = [
  {
    name: "activeA",
    address: 0x21e,
    channel: "A",
    gainAddress: 0x282,
    modeBit: 0,
    ...ofChannel.A,
    ...ofKind.active,
  },
  {
    name: "activeB",
    address: 0x21f,
    channel: "B",
    gainAddress: 0x28e,
    modeBit: 2,
    ...ofChannel.B,
    ...ofKind.active,
  },
  {
    name: "reactiveA",
    address: 0x220,
    channel: "A",
    gainAddress: 0x283,
    modeBit: 4,
    ...ofChannel.A,
    ...ofKind.reactive,
  },
  {
    name: "reactiveB",
    address: 0x221,
    channel: "B",
    gainAddress: 0x28f,
    modeBit: 6,
    ...ofChannel.B,
    ...ofKind.reactive,
  },
];
/** Table 6, by code. */
const PGA = [1, 2, 4, 8, 16, 22];
const HALF_FULL = 0x400000;
const OVERFLOW_AFTER_HALF = 3;
const RESET_DONE = 1 << 20;
const CRC_CHANGED = 1 << 21;

/** What the data sheet does not say. */
export interface ADE7953Quirks {
  /** Whether reading a last-operation register is itself the last operation. */
  readonly lastReadsCount?: boolean;
  /** Whether register 0x120 tells what was written to it. */
  readonly lockedReadsBack?: boolean;
}

/** Power of each register in millionths of full scale at gain 1, -1,000,000 to 1,000,000. */
export type Power = Readonly<Record<EnergyName, number>>;

const zeros = (): Record<EnergyName, number> => ({ activeA: 0, activeB: 0, reactiveA: 0, reactiveB: 0 });

export class ADE7953Model implements I2cDevice {
  readonly address = ADDRESS;
  readonly #quirks: Required<ADE7953Quirks>;
  readonly #values = new Map<number, number>();
  /** Below a count, in COUNT_UNITS; signed. */
  #fraction = zeros();
  #power = zeros();
  /** ms until it answers; infinite while it has no supply. */
  #asleep_ms = Number.POSITIVE_INFINITY;
  #crc = CRC_DISABLED;
  #opens = false;
  #transfer: Transfer = IDLE;
  /** All that each register was ever given by power, in counts: what a driver has to find. */
  readonly counts = zeros();

  constructor(quirks: ADE7953Quirks = {}) {
    this.#quirks = { lastReadsCount: false, lockedReadsBack: true, ...quirks };
    this.#setDefaults();
  }

  // Its surroundings.

  /** Supply on; it answers POWER_UP_MS later. */
  powerUp(): void {
    this.#restart(POWER_UP_MS);
  }

  powerDown(): void {
    this.#restart(Number.POSITIVE_INFINITY);
  }

  /** What its reset pin, or a dip of its supply, does. */
  reset(): void {
    this.#restart(RESET_MS);
  }

  set power(power: Power) {
    this.#power = { ...power };
  }

  /** Lets time pass, whole ms. */
  advance(by_ms: number): void {
    const asleep_ms = Math.min(by_ms, this.#asleep_ms);
    this.#asleep_ms -= asleep_ms;
    if (this.#asleep_ms > 0) return;
    if (asleep_ms > 0) this.#raise(0x22d, RESET_DONE);
    for (const accumulation of ACCUMULATIONS) this.#accumulate(accumulation, by_ms - asleep_ms);
  }

  /** A register is suddenly elsewhere, by a defect: no energy. */
  jump(name: EnergyName, by: number): void {
    const { address } = accumulationOf(name);
    this.#values.set(address, (this.#value(address) + by) & MASK_24);
  }

  /** Bits of a register change, by radiation or a disturbance. */
  corrupt(address: number, bits: number): void {
    this.#values.set(address, this.#value(address) ^ bits);
    this.#check();
  }

  /** A register as it is, whatever reading it over the bus would do. */
  peek(address: number): number {
    return this.#value(address);
  }

  // Its pins.

  start(reading: boolean): boolean {
    if (this.#asleep_ms > 0) return false;
    if (!reading) {
      this.#transfer = { ...IDLE, stage: "address" };
      return true;
    }
    const { pointer } = this.#transfer;
    const data = this.#isThere(pointer) ? bytesOf(this.#latch(pointer), widthOf(pointer)) : [];
    this.#transfer = { stage: "read", pointer, data, at: 0 };
    return true;
  }

  write(byte: number): boolean {
    const transfer = this.#transfer;
    if (this.#asleep_ms > 0 || transfer.stage !== "address") return false;
    if (transfer.at < 2) transfer.pointer = ((transfer.pointer << 8) | byte) & 0xffff;
    else transfer.data = [...transfer.data, byte];
    transfer.at++;
    return transfer.at <= 2 + widthOf(transfer.pointer);
  }

  read(): number {
    const transfer = this.#transfer;
    if (this.#asleep_ms > 0 || transfer.stage !== "read") return 0xff;
    return transfer.data[transfer.at++] ?? 0xff;
  }

  end(complete: boolean): void {
    const { stage, pointer, data, at } = this.#transfer;
    const width = widthOf(pointer);
    if (this.#asleep_ms === 0 && complete && this.#isThere(pointer)) {
      if (stage === "address" && data.length === width) this.#store(pointer, data);
      if (stage === "read" && at === width) this.#remember(WAS_READ, pointer, numberOf(data));
    }
    // The pointer stays for the read after the repeated start.
    this.#transfer = { ...IDLE, pointer };
  }

  // Its inside.

  #restart(asleep_ms: number): void {
    this.#setDefaults();
    this.#fraction = zeros();
    this.#asleep_ms = asleep_ms;
    this.#transfer = { ...IDLE };
    this.#opens = false;
    this.#crc = CRC_DISABLED;
  }

  #setDefaults(): void {
    for (const [address, { initial }] of REGISTERS) this.#values.set(address, initial);
  }

  #value(address: number): number {
    return this.#values.get(address) ?? 0;
  }

  #raise(status: number, bits: number): void {
    this.#values.set(status, this.#value(status) | bits);
  }

  #isThere(address: number): boolean {
    return address === CRC_ADDRESS || REGISTERS.has(homeOf(address));
  }

  /** What a read begins to send: at this moment a register that is read with reset is empty. */
  #latch(pointer: number): number {
    if (pointer === CRC_ADDRESS) return this.#crc;
    const home = homeOf(pointer);
    const register = REGISTERS.get(home);
    if (pointer === LOCKED_ADDRESS && !this.#quirks.lockedReadsBack) return 0;
    if (register?.access === "clear") return this.#clear(home - 1);
    const value = this.#value(home);
    const isEnergy = home >= 0x21e && home <= 0x223;
    if (isEnergy && (this.#value(0x004) & 0x40) !== 0) this.#values.set(home, 0);
    const extends32 = pointer !== home && register?.signed === true && (value & SIGN_24) !== 0;
    return extends32 ? (value | ~MASK_24) >>> 0 : value;
  }

  /** RSTIRQSTATx: the status, which it clears. */
  #clear(status: number): number {
    const value = this.#value(status);
    this.#values.set(status, 0);
    return value;
  }

  #store(pointer: number, data: readonly number[]): void {
    const home = homeOf(pointer);
    const register = REGISTERS.get(home);
    const opened = this.#opens;
    this.#opens = pointer === KEY_ADDRESS && data[0] === KEY;
    if (!register || register.access !== "write") return;
    // Table 13: bits 0, 1, 2 for registers of 8, 16 and 24 or 32 bits; WRITE_PROTECT itself stays open.
    const isProtected = (this.#value(0x040) & (1 << (register.bytes - 1))) !== 0;
    if (isProtected && home !== 0x040) return;
    if (home === LOCKED_ADDRESS && !opened) return;
    const value = numberOf(data);
    this.#remember(WAS_WRITE, pointer, value);
    this.#values.set(home, register.bytes === 3 ? value & MASK_24 : value);
    this.#check();
    // Table 18: SWRST.
    if (home === 0x102 && (value & 0x80) !== 0) this.#restart(RESET_MS);
  }

  #remember(operation: number, pointer: number, value: number): void {
    if (operation === WAS_READ) this.#opens = false;
    if (!this.#quirks.lastReadsCount && LAST_REGISTERS.includes(pointer)) return;
    this.#values.set(LAST_OP, operation);
    this.#values.set(LAST_ADDRESS, pointer);
    const width = widthOf(pointer);
    // 32 bits: 0x3ff, which shares its place with 0x2ff but for the sign.
    this.#values.set(LAST_DATA[width === 4 ? 3 : width], value);
  }

  #accumulate(accumulation: Accumulation, time_ms: number): void {
    const { name, address, statusAddress, halfBit } = accumulation;
    const ppm = this.#accumulating_ppm(accumulation);
    const units = this.#fraction[name] + ppm * FULL_SCALE_TENTHS_PER_MS * time_ms;
    const counts = Math.trunc(units / COUNT_UNITS);
    this.#fraction[name] = units - counts * COUNT_UNITS;
    this.counts[name] += counts;
    const before = signed(this.#value(address));
    const after = before + counts;
    this.#values.set(address, after & MASK_24);
    if (Math.abs(after) >= HALF_FULL) this.#raise(statusAddress, 1 << halfBit);
    if (signed(after & MASK_24) !== after) this.#raise(statusAddress, 1 << (halfBit + OVERFLOW_AFTER_HALF));
  }

  /** Millionths of full scale that go into the register now. */
  #accumulating_ppm({ name, channel, pgaAddress, gainAddress, modeBit, ...gates }: Accumulation): number {
    // Table 17: in line-cycle mode the register waits for the end of cycles, which are not modelled.
    const lineCycleBit = ({ activeA: 0, activeB: 1, reactiveA: 2, reactiveB: 3 } as const)[name];
    if ((this.#value(0x004) & (1 << lineCycleBit)) !== 0) return 0;
    const ppm = this.#measured_ppm(name, pgaAddress, gainAddress);
    if (this.#idle(ppm, gates.noLoadBit, gates.noLoadAddress)) {
      this.#raise(gates.statusAddress, 1 << (6 + gates.noLoadBit));
      return 0;
    }
    const mode = (this.#value(0x201) >> modeBit) & 3;
    if (mode === 2) return Math.abs(ppm);
    if (mode !== 1) return ppm;
    if (name === "activeA" || name === "activeB") return Math.max(0, ppm);
    // Antitamper: reactive energy of a negative active power counts the other way.
    return this.#power[`active${channel}`] < 0 ? -ppm : ppm;
  }

  #measured_ppm(name: EnergyName, pgaAddress: number, gainAddress: number): number {
    const amplified = this.#power[name] * pgaOf(this.#value(0x007)) * pgaOf(this.#value(pgaAddress));
    const within = Math.max(-FULL_SCALE_PPM, Math.min(FULL_SCALE_PPM, amplified));
    return Math.round((within * this.#value(gainAddress)) / UNITY);
  }

  /** Equation 39: below one Y-th of full scale. */
  #idle(ppm: number, bit: number, thresholdAddress: number): boolean {
    if ((this.#value(0x001) & (1 << bit)) !== 0) return false;
    const y = 1.4 * (65_536 - this.#value(thresholdAddress));
    return Math.abs(ppm) * y < FULL_SCALE_PPM;
  }

  /** What the chip does 6,990 times a second: nothing but a change of a register changes it. */
  #check(): void {
    const isOn = (this.#value(0x102) & 0x100) !== 0;
    const crc = isOn ? (checksum((address) => this.#value(address)) ^ CRC_OF_RESERVED) >>> 0 : CRC_DISABLED;
    if (isOn && this.#crc !== CRC_DISABLED && crc !== this.#crc) this.#raise(0x22d, CRC_CHANGED);
    this.#crc = crc;
  }
}

interface Transfer {
  stage: "idle" | "address" | "read";
  pointer: number;
  data: readonly number[];
  /** Bytes after the device's own address. */
  at: number;
}
const IDLE: Transfer = { stage: "idle", pointer: 0, data: [], at: 0 };

const accumulationOf = (name: EnergyName): Accumulation => {
  const found = ACCUMULATIONS.find((accumulation) => accumulation.name === name);
  if (!found) throw new RangeError(`no register accumulates ${name}`);
  return found;
};
/** Where a register lives: 0x3xx is 0x2xx read in 32 bits. */
const homeOf = (address: number) =>
  address >= 0x300 && address <= 0x3ff && address !== CRC_ADDRESS ? address - 0x100 : address;
/** By hundreds of the address; 0x702 and 0x800 are of 8 bits. */
const widthOf = (address: number): 1 | 2 | 3 | 4 => {
  if (address >= 0x100 && address < 0x200) return 2;
  if (address >= 0x200 && address < 0x300) return 3;
  return address >= 0x300 && address < 0x400 ? 4 : 1;
};
const signed = (value: number) => (value & SIGN_24 ? value - 2 * SIGN_24 : value);
const pgaOf = (code: number) => PGA[code & 7] ?? 1;
const numberOf = (data: readonly number[]) => data.reduce((value, byte) => ((value << 8) | byte) >>> 0, 0);
const bytesOf = (value: number, width: number) =>
  Array.from({ length: width }, (_, at) => (value >>> (8 * (width - 1 - at))) & 0xff);

/** "Checksum Register", equations 51 to 53: least significant bit of each register first. */
function checksum(value: (address: number) => number): number {
  let crc = CRC_DISABLED;
  for (const address of CHECKED) {
    const bits = 8 * (REGISTERS.get(address)?.bytes ?? 0);
    for (let bit = 0; bit < bits; bit++) {
      const feedback = ((value(address) >>> bit) & 1) ^ (crc >>> 31);
      crc = ((crc << 1) ^ (feedback ? CRC_POLYNOMIAL : 0)) >>> 0;
    }
  }
  return crc;
}

/**
 * The eight reserved registers that are in the checksum too, and whose values nobody knows, as one constant:
 * what makes the checksum of the defaults, CRC_ENABLE set, the data sheet's. Where in the sequence they enter
 * is unknown as well, so checksums of other settings are as telling as the chip's, but not its very values.
 */
const CRC_OF_RESERVED =
  (checksum((address) => (REGISTERS.get(address)?.initial ?? 0) | (address === 0x102 ? 0x100 : 0)) ^
    CRC_OF_DEFAULTS) >>>
  0;
