// The modules of our own that the firmware imports by name: what `npm run firmware:build` generates, and the
// native code in firmware/native.

declare module "sealmeter/image" {
  /** SHA-256 identity of the trusted room and its tables, 64 hex digits. */
  export const softwareId: string;
  export const version: number;
  /** The authority's Ed25519 public key, 64 hex digits. */
  export const authorityKey: string;
  /** Bits a window of both tables. */
  export const tableWindow: number;
  /** When this image was built, Unix seconds: certificates are judged by no earlier time. */
  export const built_s: number;
}

declare module "sealmeter/entropy" {
  /** Fills from the hardware's noise, radio on or off. */
  export function fill(into: Uint8Array): void;
}

declare module "sealmeter/pulse" {
  /**
   * Counts S0 pulses on a pin from now on: in hardware, or, on a chip without a pulse counter (ESP32-C3), in
   * an interrupt that a busy flash does not delay.
   * @throws Error if there is no counter left.
   */
  export class PulseCounter {
    constructor(pin: number);
    /** Pulses since construction, modulo 2^32, as an unsigned number. */
    read(): number;
    close(): void;
  }

  /** Counts closings of a contact to ground that last 10 ms or more; contacts that bounce count once. */
  export class ContactCounter {
    constructor(pin: number);
    read(): number;
    close(): void;
  }
}

declare module "sealmeter/waveform" {
  type Cycle = import("../src/trusted/ports.js").Cycle;

  /**
   * Samples voltages and currents with the chip's own converter from now on, without a gap, and queues a record for
   * each cycle of the mains: 5 s of them. There is one at most.
   */
  export class WaveformInput {
    /**
     * @param rate_Hz samples of each channel a second, 2,000 to 16,000. A code is in units of the converter's 12 bits
     * divided by the conversions that the chip makes for a sample (ESP32: as many as make 20,000 a second).
     * @param pins of voltage and current, for each of 1 to 3 elements, all of the first converter.
     * @throws RangeError for a rate or pins that the chip does not have; Error without memory, or when in use.
     */
    constructor(rate_Hz: number, pins: readonly number[]);
    /** The oldest records in the queue, at most 70. No record for a second and more is a fault of the converter. */
    read(): Cycle[];
    close(): void;
  }
}

declare module "sealmeter/watchdog" {
  /** Whether one of the chip's watchdogs restarted it, and not the power, a fault or a person. */
  export function restarted(): boolean;
  /**
   * From the first call on a release build restarts 10 s after the last one; 60 s, if it was started by a
   * watchdog. It never throws.
   */
  export function feed(): void;
}

declare module "sealmeter/neighbour" {
  /** Memory of a machine, in bytes but for counts of slots of 16 bytes. */
  export interface Creation {
    readonly static: number;
    readonly chunk: { readonly initial: number; readonly incremental: number };
    readonly heap: { readonly initial: number; readonly incremental: number };
    readonly stack: number;
    readonly keys: { readonly initial: number; readonly incremental: number };
    readonly nativeStack: number;
  }

  /** A second machine with memory, modules and a task of its own; there is one at most. */
  export default class NeighbourMachine {
    /**
     * Starts the machine and returns at once.
     * @param module what it imports first.
     * @param allowed the modules that can be imported in it at all, besides those in ROM.
     * @throws Error when there is no memory for it.
     */
    constructor(module: string, allowed: readonly string[], creation: Creation);
    /** False when its queue is full. The bytes are copied. */
    post(bytes: Uint8Array): boolean;
    /** The next message, copied, or undefined. */
    poll(): ArrayBuffer | undefined;
    /** False once the machine has aborted (memory, stack, an exception that nobody caught) or ended. */
    readonly alive: boolean;
    /** Ends it, whatever it is doing, within 0.3 s; its memory is free afterwards. */
    close(): void;
  }
}

declare module "sealmeter/port" {
  /** To the unit's machine, from the network machine. False when the queue is full. The bytes are copied. */
  export function post(bytes: Uint8Array): boolean;
  /** The next message from the unit's machine, or undefined. */
  export function poll(): ArrayBuffer | undefined;
}

declare module "sealmeter/station" {
  /** Joins the network as a station and stays with it: it connects again by itself, for ever. */
  export function join(ssid: string, password: string): void;
  /** Whether there is an address now. */
  export function isOnline(): boolean;
}

// Here and not with the SDK's other modules, since its typings lack `writeRead`.
declare module "embedded:io/i2c" {
  /**
   * One device on a bus: several may share the pins, each with its own address. In SDK 8.2.3's ESP32 build a failure
   * is an Error that does not say of what ("write failed"), a transfer lasts `timeout` at most, and `read` and
   * `write` end with a stop whatever else they are given: ECMA-419's `stop` argument is not there.
   */
  export default class I2C {
    constructor(options: {
      readonly data: number;
      readonly clock: number;
      readonly hz: number;
      /** 7 bits. */
      readonly address: number;
      /** ms, 400 unless told otherwise; -1 waits for ever. */
      readonly timeout?: number;
    });
    read(count: number): ArrayBuffer;
    write(bytes: Uint8Array): void;
    /** The SDK's own: writes, then reads after a repeated start. The SDK's typings do not have it. */
    writeRead(bytes: Uint8Array, count: number): ArrayBuffer;
    close(): void;
  }
}
