// What the metrology unit needs from outside, and all that it gets: flash, a store for its keys, entropy,
// energy, a button, and where a device has them a clock that runs without power, sensors of the case and the
// mains, a watchdog, a counter that cannot be rolled back, a loader of new software, and the credit logic.
// Every port is synchronous and polled: nothing outside ever calls into the unit, and a port's answer is
// bounded. The same interfaces are met by the ESP32, by the bare-metal image and by the simulator.

/** Bytes in a flash sector, the unit of erasing. */
export const SECTOR_BYTES = 4096;
/** Alignment and granularity of programming (flash encryption works on 16-byte blocks). */
export const BLOCK_BYTES = 16;

/** NOR flash holding the journal. Addresses are byte offsets in the journal's partition. */
export interface Flash {
  /** Number of sectors of SECTOR_BYTES. */
  readonly sectors: number;
  /** Fills `into` with the bytes at `address`. What an erased or torn block reads as is undefined. */
  read(address: number, into: Uint8Array): void;
  /** Writes `bytes` to blocks erased before; address and length are multiples of BLOCK_BYTES. */
  program(address: number, bytes: Uint8Array): void;
  erase(sector: number): void;
}

/** Keys live here and never in the journal. Replacing is atomic: after a power cut the old or the new set. */
export interface SecretStore {
  /** The living set, or null when nothing was ever saved; at most 1,024 bytes. */
  load(): Uint8Array | null;
  save(secrets: Uint8Array): void;
}

/** Hardware entropy, fit for keys. */
export interface Entropy {
  fill(into: Uint8Array): void;
}

/** One mains cycle of a waveform, in codes of the converter; no sample is in two cycles or in none. */
export interface Cycle {
  readonly samples: number;
  /** Cycles missing since the record before, for want of room or of samples; this one may then be cut short. */
  readonly lost: number;
  /** Of each element in order the sums of v, i, v², i², v·i, and of v a quarter of a period ago times i. */
  readonly sums: readonly number[];
}

/** What a front end measured since it was last read. */
export interface FrontEndReading {
  /** Steps of each count: pulses, or what a metering chip's registers moved by; whole, negative for back. */
  readonly counts: readonly number[];
  /** Of a waveform the cycles, oldest first. */
  readonly cycles?: readonly Cycle[];
  /** Quality flags of metrology/interval.ts that the front end raises (INCOMPLETE, TAMPER, FAULT), else 0. */
  readonly status: number;
}

/** A front end; it tolerates 3 s without being read. What its counts and codes are worth is not its to say. */
export interface FrontEnd {
  read(): FrontEndReading;
}

/** A lamp or an output that shows measured energy, for who tests the meter (IEC 62053-31). */
export interface TestOutput {
  pulse(pulses: number): void;
}

/** The pairing button. */
export interface Button {
  /** Whether it was pressed since the last call. */
  pressed(): boolean;
}

/** A clock that runs without power. It is believed within bounds (authority/clock.ts), never over a signature. */
export interface RealTimeClock {
  /** Unix time, s, or null when it has stopped or was never set. */
  read(): number | null;
  set(unix_s: number): void;
}

/** Sensors of the case and the connection, and the mains itself; debounced by the device. */
export interface Inputs {
  /**
   * Bit n - 1 is set while tamper input n is active: 1 cover, 2 magnet, 3 reversed current, 4 missing voltage, 5 the
   * load switch's contacts are not where they were put.
   */
  tamper(): number;
  /** Whether the mains are failing: the supply may last for milliseconds only. */
  mainsFailing(): boolean;
}

/** Resets the device when it is not fed for some seconds. */
export interface Watchdog {
  /** Whether it was the watchdog that restarted the device. */
  readonly restarted: boolean;
  feed(): void;
}

/** A counter that outlives a copy of the flash put back: a fuse row or a secure element. */
export interface MonotonicCounter {
  read(): number;
  /** Raises it to `value`, which is not below it. */
  advance(value: number): void;
}

/** Puts approved software in place of the running. */
export interface Loader {
  /** Restarts into the image with this SHA-256 digest; returns if it has no such image. */
  install(imageDigest: Uint8Array): void;
}

/**
 * COMPANION_BYTES of its state, kept in the unit's state record; what the load switch shall be: 0 open, 1 ready for
 * reconnection, 2 closed; and, of a look or a command, whether to tell that the credit has crossed a limit.
 */
export interface CompanionAnswer {
  readonly companion: Uint8Array;
  readonly loadSwitch: number;
  readonly crossed?: boolean;
}

/** Pre-payment and the load switch: beside the unit, without its keys, its flash or a network. */
export interface Companion {
  /** At power-up, before all else: its state, the OBIS codes of the channels, seconds of an interval. */
  begin(state: Uint8Array, channels: readonly string[], intervalSeconds: number): void;
  /** An interval has just closed. @param Wh its readings by channel. */
  intervalClosed(state: Uint8Array, interval: number, status: number, Wh: readonly number[]): CompanionAnswer;
  /**
   * At every step. An answer is a record: another one is heard 10 s later at the earliest.
   * @param now_ms uptime. @param time_s Unix time, or null while it is unconfirmed.
   * @param Wh what has flowed and is in no closed interval yet, by channel.
   * @returns null to leave everything as it is.
   */
  look(
    state: Uint8Array,
    now_ms: number,
    time_s: number | null,
    Wh: readonly number[],
  ): CompanionAnswer | null;
  /**
   * An authentic command of kind 4 to 7 in its turn.
   * @param item its argument in CBOR as it came, to be checked whole.
   * @returns null to refuse it.
   */
  command(state: Uint8Array, kind: number, item: Uint8Array, time_s: number | null): CompanionAnswer | null;
  /** The state of the switch is durable now: at power-up, and after each change. */
  switched(loadSwitch: number): void;
}

/** The parts of the installed image that are data, made at build time. */
export interface Image {
  /** SHA-256 over the unit's built code and tables: its software identity (WELMEC 7.2). */
  readonly softwareId: Uint8Array;
  /** Rises with each release; u32. */
  readonly version: number;
  /** The authority's Ed25519 public key, 32 bytes. */
  readonly authorityKey: Uint8Array;
  /** Window width of both tables, bits: 3 to 6. */
  readonly tableWindow: number;
  /** Fixed-base tables of B and of B~ (sealing/fixed-base.ts). */
  readonly tableB: Uint8Array;
  readonly tableBlinding: Uint8Array;
}

export interface Ports {
  readonly image: Image;
  readonly flash: Flash;
  readonly secrets: SecretStore;
  readonly entropy: Entropy;
  readonly energy: FrontEnd;
  readonly button: Button;
  readonly rtc?: RealTimeClock;
  readonly inputs?: Inputs;
  readonly watchdog?: Watchdog;
  readonly counter?: MonotonicCounter;
  readonly loader?: Loader;
  readonly companion?: Companion;
  readonly testOutput?: TestOutput;
}
