// "embedded:io/i2c" as the ESP32 build has it, and the two wires behind it: transfers byte by byte, with what
// noise, loose contacts and dying chips do to them. Read in SDK 8.2.3 (modules/io/i2c/esp32/_i2c.c): `write`
// and `read` end with a stop whatever their second argument says, only `writeRead` has the repeated start; a
// failure is an Error that does not say of what.
import type { Machine } from "./machine.js";
import { type Pins, usePin } from "./pins.js";
import { bufferOf, bytesOf, toInteger } from "./realm.js";

/** A device as its own two pins see the bus. */
export interface I2cDevice {
  /** 7 bits. */
  readonly address: number;
  /** Its address came after a start. @returns whether it acknowledges. */
  start(reading: boolean): boolean;
  /** @returns whether it acknowledges. */
  write(byte: number): boolean;
  read(): number;
  /** A stop, or the start that ends what went before. @param complete whether the master went to its end. */
  end(complete: boolean): void;
}

/**
 * What goes wrong with one byte of a transfer; bytes count from 0, address bytes included.
 * - `nack`: its acknowledge is not seen; the master stops there
 * - `cut`: after it the master loses the bus: no stop, and the device never hears the rest
 * - `flip`: these bits of it arrive wrong
 * - `meanwhile`: something happens to the device before it
 */
export type LineFault =
  | { readonly kind: "nack"; readonly byte: number }
  | { readonly kind: "cut"; readonly byte: number }
  | { readonly kind: "flip"; readonly byte: number; readonly bits: number }
  | { readonly kind: "meanwhile"; readonly byte: number; readonly happens: () => void };

/** Nobody pulls the wire down: an acknowledge that is missing, a byte of ones. */
const RELEASED = 0xff;
/** Start, stop and a byte with its acknowledge, in bits of the clock. */
const BITS_PER_BYTE = 9;
const BITS_OF_FRAME = 2;

/** The transfer failed; how, only the test's log knows. */
class LineError extends Error {}

/** One bus and what hangs on it. Without faults it is a perfect wire. */
export class I2cLine {
  readonly #devices = new Map<number, I2cDevice>();
  /** Faults of transfers to come, by the number of the transfer. */
  readonly #faults = new Map<number, LineFault[]>();
  /**
   * "open": no device is heard. "ones": all acknowledge, and every byte read is ones: a bridge without its
   * far side.
   */
  state: "whole" | "open" | "ones" = "whole";
  /** Bits of each byte that arrive wrong, from bit 0; bit 8 is a lost acknowledge. Null: a quiet bus. */
  noise: (() => number) | null = null;
  /** Transfers so far. */
  transfers = 0;
  /** Bits so far, for the time that they take. */
  bits = 0;
  #byte = 0;

  attach(device: I2cDevice): void {
    this.#devices.set(device.address, device);
  }

  /** @param transfers how many transfers to let pass before the one that this fault is for. */
  disturb(transfers: number, fault: LineFault): void {
    const at = this.transfers + transfers;
    this.#faults.set(at, [...(this.#faults.get(at) ?? []), fault]);
  }

  /** Forgets faults that were not met. */
  calm(): void {
    this.#faults.clear();
  }

  /** Writes, then reads after a repeated start if there is anything to read. @throws Error when it fails. */
  transfer(address: number, written: Uint8Array, count: number): Uint8Array {
    const faults = this.#faults.get(this.transfers) ?? [];
    this.#faults.delete(this.transfers);
    this.transfers++;
    this.#byte = 0;
    this.bits += BITS_OF_FRAME;
    const answer = new Uint8Array(count);
    if (written.length > 0) this.#write(address, written, faults);
    if (count > 0) this.#read(address, answer, faults);
    return answer;
  }

  #write(address: number, written: Uint8Array, faults: readonly LineFault[]): void {
    const device = this.#open(address, false, faults);
    for (const byte of written) {
      const { flip, cut, nack } = this.#next(faults);
      const acknowledged = device ? device.write(byte ^ flip) : true;
      if (cut) throw new LineError("cut");
      if (!acknowledged || nack) this.#fail(device);
    }
    device?.end(true);
  }

  #read(address: number, answer: Uint8Array, faults: readonly LineFault[]): void {
    const device = this.#open(address, true, faults);
    for (let at = 0; at < answer.length; at++) {
      const { flip, cut } = this.#next(faults);
      answer[at] = (device ? device.read() : RELEASED) ^ flip;
      // The master acknowledges what it reads: a missing acknowledge is its own and no failure.
      if (cut) throw new LineError("cut");
    }
    device?.end(true);
  }

  /** Sends the address byte. @returns who answers; null when only ones do. */
  #open(address: number, reading: boolean, faults: readonly LineFault[]): I2cDevice | null {
    const { flip, cut, nack } = this.#next(faults);
    if (this.state === "ones") return null;
    const first = ((address << 1) | Number(reading)) ^ flip;
    const device = this.state === "open" ? undefined : this.#devices.get(first >> 1);
    const acknowledged = device?.start((first & 1) === 1) ?? false;
    if (cut) throw new LineError("cut");
    if (!device || !acknowledged || nack) return this.#fail(device ?? null);
    // The master reads, but the device was told to be written to: it hears ones and says nothing.
    if (reading !== ((first & 1) === 1)) return reading ? deaf(device) : mute(device);
    return device;
  }

  #fail(device: I2cDevice | null): never {
    device?.end(false);
    throw new LineError("no acknowledge");
  }

  #next(faults: readonly LineFault[]) {
    const byte = this.#byte++;
    this.bits += BITS_PER_BYTE;
    const here = faults.filter((fault) => fault.byte === byte);
    const noise = this.noise?.() ?? 0;
    let flip = noise & 0xff;
    for (const fault of here) {
      if (fault.kind === "meanwhile") fault.happens();
      if (fault.kind === "flip") flip ^= fault.bits & 0xff;
    }
    return {
      flip,
      cut: here.some(({ kind }) => kind === "cut"),
      nack: noise > 0xff || here.some(({ kind }) => kind === "nack"),
    };
  }
}

/** The device listens while the master clocks bytes in: it takes the released wire for data. */
const deaf = (device: I2cDevice): I2cDevice => ({
  address: device.address,
  start: () => true,
  write: () => true,
  read: () => {
    device.write(RELEASED);
    return RELEASED;
  },
  end: (complete) => device.end(complete),
});

/**
 * The device sends while the master does: what the master sent is nobody's, and the device's zeros spoil it.
 */
const mute = (device: I2cDevice): I2cDevice => ({
  address: device.address,
  start: () => true,
  write: () => {
    device.read();
    return true;
  },
  read: () => RELEASED,
  end: (complete) => device.end(complete),
});

export interface I2cOptions {
  readonly data: number;
  readonly clock: number;
  readonly hz: number;
  /** 7 bits. */
  readonly address: number;
  /** Of a transfer, ms; -1 waits for ever. */
  readonly timeout?: number;
}

const HZ_MAX = 20_000_000;
const ADDRESS_MAX = 127;

/** Who has the bus, by pins and address: a bus is shared, an address is not. */
type Taken = Map<string, number[]>;

/** @throws what the native throws for options that it does not take. */
function check({ realm }: Machine, pins: Pins, taken: Taken, options: I2cOptions): void {
  const fail = (why: string): never => {
    throw new realm.RangeError(why);
  };
  const { data, clock, hz, address, timeout = -1 } = options;
  for (const name of ["data", "clock", "address"] as const) {
    if (options[name] === undefined) fail(`${name} required`);
  }
  const shared = taken.get(`${data},${clock}`);
  if (!shared && [data, clock].some((pin) => !pins.exists(pin) || pins.at(pin).used)) fail("inUse");
  if (address < 0 || address > ADDRESS_MAX) fail("invalid address");
  if (shared?.includes(address)) fail("duplicate address");
  if (![data, clock].every((pin) => pins.drives(pin))) fail("unusable pins");
  if (!(hz > 0 && hz <= HZ_MAX)) fail("invalid hz");
  if (timeout < -1) fail("invalid timeout");
}

/** @param line what is wired to the pins. */
export function i2cModule(machine: Machine, pins: Pins, line: I2cLine, powered: () => void) {
  const { realm } = machine;
  const taken: Taken = new Map();
  /** Of what transfers took, what is less than the clock's millisecond. */
  let owed_ms = 0;
  return {
    default: class I2C {
      readonly #options: I2cOptions;
      #close: (() => void) | null;

      constructor(options: I2cOptions) {
        powered();
        check(machine, pins, taken, options);
        this.#options = options;
        const key = `${options.data},${options.clock}`;
        const sharers = taken.get(key) ?? [];
        const free = [options.data, options.clock].map((pin) => usePin(machine, pins, pin));
        taken.set(key, [...sharers, options.address]);
        this.#close = () => {
          const left = (taken.get(key) ?? []).filter((address) => address !== options.address);
          if (left.length > 0) return void taken.set(key, left);
          taken.delete(key);
          for (const release of free) release();
        };
      }
      read(count: number): ArrayBuffer {
        return bufferOf(realm, this.#transfer(new Uint8Array(0), toInteger(count), "read failed"));
      }
      write(buffer: ArrayBufferLike | ArrayBufferView): void {
        this.#transfer(bytesOf(realm, buffer), 0, "write failed");
      }
      /** The SDK's own, not ECMA-419's. */
      writeRead(buffer: ArrayBufferLike | ArrayBufferView, count: number): ArrayBuffer {
        return bufferOf(realm, this.#transfer(bytesOf(realm, buffer), toInteger(count), "writeRead failed"));
      }
      #transfer(written: Uint8Array, count: number, failure: string): Uint8Array {
        powered();
        if (!this.#close) throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
        const begun = line.bits;
        try {
          return line.transfer(this.#options.address, written, count);
        } catch (error) {
          if (error instanceof LineError) throw new realm.Error(failure);
          throw error;
        } finally {
          owed_ms += ((line.bits - begun) * 1000) / this.#options.hz;
          machine.spend(Math.floor(owed_ms));
          owed_ms %= 1;
        }
      }
      close(): void {
        this.#close?.();
        this.#close = null;
      }
      get format(): string {
        return "buffer";
      }
    },
  };
}
