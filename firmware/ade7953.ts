// The ADE7953, a metering chip for one phase, over I2C: energy by the difference of its signed 24-bit
// accumulation registers. Register facts are from the data sheet, Rev. C (12/2016); its tables and sections
// are named at the line.
//
// Read-with-reset is off: a transfer that fails after such a read has lost the energy, a difference finds it
// again with the next read that is good. Each value is verified (ade7953-registers.ts) and counts only if the
// checksum over the chip's configuration was the right one before it and after it, so that no reset and no
// changed setting comes between. What cannot be told from a defect is flagged and not counted: this driver
// gives too little rather than energy that was not there. Counts become energy in the trusted room, never
// here.
import { Status } from "../src/trusted/metrology/interval.js";
import { ADE7953Registers, type I2CSensor } from "./ade7953-registers.js";

/** Table 15, in the 24-bit form: the 32-bit one only repeats the sign. */
const ENERGY = { activeA: 0x21e, activeB: 0x21f, reactiveA: 0x220, reactiveB: 0x221 } as const;
export type EnergyRegister = keyof typeof ENERGY;

/** Table 13. */
const DISNOLOAD = 0x001;
const LCYCMODE = 0x004;
const PGA_V = 0x007;
const PGA_IA = 0x008;
const PGA_IB = 0x009;
const WRITE_PROTECT = 0x040;
const EX_REF = 0x800;
/** Table 14. */
const CONFIG = 0x102;
/** Table 15; "Checksum Register": all ones while CRC_ENABLE is 0, as it is after each reset. */
const CRC = 0x37f;
const CRC_OFF = 0xffffffff;
/** "Required Register Setting". */
const KEY = [0x0fe, 0xad] as const;
const TIMING = 0x120;
const TIMING_OPTIMUM = 0x0030;

/** Table 18: HPFEN, CRC_ENABLE; COMM_LOCK 0 ties the chip to I2C ("Locking the Communication Interface"). */
const CONFIG_SET = 0x0104;
/** Its default, with SWRST. */
const CONFIG_RESET = 0x8084;
/**
 * Table 16: all off. What is no load is for the trusted room to say, which has one threshold for all front
 * ends.
 */
const NO_LOAD_OFF = 0x07;
/**
 * What measures and is not in the checksum (Table 12): looked at by itself. EX_REF 0 is the chip's own
 * reference.
 */
const UNCHECKED = [
  [DISNOLOAD, NO_LOAD_OFF],
  [EX_REF, 0],
] as const;
/** "Write Protection": registers of all widths. Noise that makes a write of a read then changes nothing. */
const PROTECTED = 0x07;

/** "ADE7953 Power-Up Procedure" asks to wait 100 ms without the interrupt. */
const START_MS = 100;
/** Unread for longer is a fault to be seen, ms; far below the 40.5 s in which a register can run round. */
const UNREAD_MS = 10_000;
/** A 24-bit difference is the energy only while less than half its range was counted. */
const HALF_RANGE = 0x800000;
const COUNTER_MODULUS = 2 ** 48;
/** Table 6: the voltage and Channel B go up to 16, Channel A to 22. */
const PGA_CODE_MAX = { voltage: 4, currentA: 5, currentB: 4 };

export interface ADE7953Options {
  readonly sensor: I2CSensor;
  /** In the order in which their counters are wanted. */
  readonly registers: readonly EnergyRegister[];
  /**
   * What no register of this board exceeds, counts a second; 206,900 is the chip's full scale at gain 1.0. A
   * larger step is taken for a defect, so it is not the place to be generous.
   */
  readonly countsPerSecondMax: number;
  /** Codes of Table 6: 0 to 4 for gains of 1, 2, 4, 8, 16; 5 for 22. */
  readonly gainCodes: { readonly voltage: number; readonly currentA: number; readonly currentB: number };
  /** Uptime: whole ms that never go back. */
  readonly now_ms: () => number;
}

export interface ADE7953Reading {
  /** Signed accumulations modulo 2^48, from 0 at the start: a step back is energy in the other direction. */
  readonly counters: readonly number[];
  /**
   * Of this reading: `INCOMPLETE` if energy is missing from it, which a later one has unless `FAULT` is there
   * too: then it is lost, or nothing was read for 10 s.
   */
  readonly status: number;
  /** Resets and losses of the configuration so far. */
  readonly faults: number;
}

interface Account {
  readonly register: number;
  /** The register when it was last counted. */
  last: number;
  counter: number;
}

/** Why the registers are not known: no answer, or the chip is not configured as it was. */
type Trouble = "silent" | "changed";

interface Look {
  /** Not after the moment of the sample. */
  readonly begun_ms: number;
  readonly elapsed_ms: number;
  readonly sample: readonly number[];
  readonly steps: readonly number[];
  readonly isPossible: (step: number) => boolean;
}

export class ADE7953 {
  readonly #options: ADE7953Options;
  readonly #chip: ADE7953Registers;
  readonly #accounts: readonly Account[];
  /** Registers with what they must hold, in the order in which they are written. */
  readonly #settings: readonly (readonly [register: number, value: number])[];
  /** The checksum of the chip as configured; null until it has been. */
  #checksum: number | null = null;
  #configured = false;
  /** When this driver last reset the chip, and whether it has not been configured since. */
  #restarted_ms = Number.NEGATIVE_INFINITY;
  #restarted = false;
  /** A moment not after the one at which the registers were last counted. */
  #counted_ms: number;
  #faults = 0;

  /**
   * Opens the bus and asks nothing of the chip, which may still be starting: the first readings configure it.
   * @throws RangeError for settings that cannot be; what the I2C class throws for its pins.
   */
  constructor(options: ADE7953Options) {
    checkOptions(options);
    const { gainCodes, registers, sensor } = options;
    this.#options = options;
    this.#chip = new ADE7953Registers(sensor);
    this.#accounts = registers.map((name) => ({ register: ENERGY[name], last: 0, counter: 0 }));
    this.#settings = [
      // Table 17: RSTREAD and all line-cycle modes off.
      [LCYCMODE, 0],
      [PGA_V, gainCodes.voltage],
      [PGA_IA, gainCodes.currentA],
      [PGA_IB, gainCodes.currentB],
      [DISNOLOAD, NO_LOAD_OFF],
      [CONFIG, CONFIG_SET],
    ];
    this.#counted_ms = options.now_ms();
  }

  /**
   * To be called about once a second. Never throws. Takes 19 ms of the bus with four registers, twice that
   * for a step that cannot be, and waits 30 ms for a bus that hangs.
   */
  read(): ADE7953Reading {
    const status = this.#configured ? this.#measure() : this.#configure();
    return { counters: this.#accounts.map(({ counter }) => counter), status, faults: this.#faults };
  }

  close(): void {
    this.#chip.close();
  }

  #measure(): number {
    let look = this.#look();
    // A step that cannot be is read again, before it is taken for what the register really holds.
    if (typeof look !== "string" && !look.steps.every(look.isPossible)) look = this.#look();
    if (look === "silent") return this.#missed();
    if (look === "changed") return this.#lost();
    return this.#count(look);
  }

  /** The registers, how far they have moved since they were last counted, and how far they can have moved. */
  #look(): Look | Trouble {
    const begun_ms = this.#options.now_ms();
    const sample = this.#sample();
    if (typeof sample === "string") return sample;
    const elapsed_ms = this.#options.now_ms() - this.#counted_ms + 1;
    const most = Math.ceil((this.#options.countsPerSecondMax * elapsed_ms) / 1000) + 1;
    // So long unread that a register may have run round: any step would be a guess.
    const isPossible = (step: number) => most < HALF_RANGE && Math.abs(step) <= most;
    const steps = this.#accounts.map(({ last }, at) => difference(sample[at] ?? last, last));
    return { begun_ms, elapsed_ms, sample, steps, isPossible };
  }

  /** Counts what is possible; what is not is lost, and counted on from where the register is. */
  #count({ begun_ms, elapsed_ms, sample, steps, isPossible }: Look): number {
    this.#accounts.forEach((account, at) => {
      const step = steps[at] ?? 0;
      if (isPossible(step)) account.counter = modulo(account.counter + step, COUNTER_MODULUS);
    });
    this.#countFrom(sample, begun_ms);
    if (!steps.every(isPossible)) return Status.INCOMPLETE | Status.FAULT;
    return elapsed_ms > UNREAD_MS ? Status.INCOMPLETE : 0;
  }

  #countFrom(sample: readonly number[], begun_ms: number): void {
    this.#accounts.forEach((account, at) => {
      account.last = sample[at] ?? account.last;
    });
    this.#counted_ms = begun_ms;
  }

  /** All registers, with the configuration checked before and after them. */
  #sample(): readonly number[] | Trouble {
    const before = this.#holds(CRC, this.#checksum);
    if (before !== "kept") return before;
    const values = this.#energies();
    if (values === null) return "silent";
    for (const [register, value] of UNCHECKED) {
      const outcome = this.#holds(register, value);
      if (outcome !== "kept") return outcome;
    }
    const after = this.#holds(CRC, this.#checksum);
    return after === "kept" ? values : after;
  }

  #energies(): readonly number[] | null {
    const values: number[] = [];
    for (const { register } of this.#accounts) {
      const value = this.#chip.read(register);
      if (value === null) return null;
      values.push(value);
    }
    return values;
  }

  /**
   * Another value is believed when it was read twice: a reset costs energy, and noise may forge a proof once.
   */
  #holds(register: number, expected: number | null): "kept" | Trouble {
    for (let look = 0; look < 2; look++) {
      const value = this.#chip.read(register);
      if (value === null) return "silent";
      if (value === expected) return "kept";
    }
    return "changed";
  }

  /** What was counted since the last good reading was counted by nobody knows what: it is lost. */
  #lost(): number {
    this.#faults++;
    this.#configured = false;
    this.#configure();
    return Status.INCOMPLETE | Status.FAULT;
  }

  /** The chip did not answer as it should: the bus is taken anew with the next reading. */
  #missed(): number {
    this.#chip.close();
    return this.#uncounted();
  }

  /** @returns the status of a reading that has no energy: it is still in the chip. */
  #uncounted(): number {
    const unread_ms = this.#options.now_ms() - this.#counted_ms;
    return unread_ms > UNREAD_MS ? Status.INCOMPLETE | Status.FAULT : Status.INCOMPLETE;
  }

  /**
   * Configures a chip that has just been reset, and resets any other: the data sheet's advice ("Checksum
   * Register"), as reserved registers may have changed too. Counting begins with the registers as they are
   * then.
   */
  #configure(): number {
    const begun_ms = this.#options.now_ms();
    if (begun_ms - this.#restarted_ms < START_MS) return this.#uncounted();
    const before = this.#chip.read(CRC);
    if (before === null) return this.#missed();
    if (before !== CRC_OFF) return this.#restart(begun_ms);
    const sample = this.#writeSettings() ? this.#energies() : null;
    if (sample === null) return this.#missed();
    // Last of all: a reset amid all this would have turned it off again. The chip computes it 6,990 times a
    // second, and a read takes 2 ms.
    const checksum = this.#chip.read(CRC);
    if (checksum === null || checksum === CRC_OFF) return this.#missed();
    // Other registers than ours are not as they were the last time; after a reset of ours they are as they
    // should be.
    if (this.#checksum !== null && checksum !== this.#checksum && !this.#restarted)
      return this.#restart(begun_ms);
    this.#checksum = checksum;
    this.#restarted = false;
    this.#configured = true;
    this.#countFrom(sample, begun_ms);
    return Status.INCOMPLETE;
  }

  #writeSettings(): boolean {
    const chip = this.#chip;
    // Of a chip that was not reset but lost CRC_ENABLE: it still refuses to be written to.
    if (!chip.set(WRITE_PROTECT, 0)) return false;
    if (!this.#settings.every(([register, value]) => chip.set(register, value))) return false;
    // Not to be read back, perhaps, so after CONFIG: while the checksum is on there was no reset since.
    if (!chip.unlockAndSet(KEY, TIMING, TIMING_OPTIMUM)) return false;
    if (!chip.set(WRITE_PROTECT, PROTECTED)) return false;
    // All of them once more: a reset between two of them would have taken the first.
    return this.#settings.every(([register, value]) => chip.read(register) === value);
  }

  #restart(begun_ms: number): number {
    if (this.#chip.write(WRITE_PROTECT, 0) && this.#chip.write(CONFIG, CONFIG_RESET)) {
      this.#restarted_ms = begun_ms;
      this.#restarted = true;
    }
    return this.#uncounted();
  }
}

function checkOptions({ registers, countsPerSecondMax, gainCodes }: ADE7953Options): void {
  if (registers.length === 0 || new Set(registers).size !== registers.length) {
    throw new RangeError("each register is counted once, and one at least");
  }
  const most = (HALF_RANGE * 1000) / UNREAD_MS;
  if (!(countsPerSecondMax > 0 && countsPerSecondMax < most)) {
    throw new RangeError(`a register must not run half round in ${UNREAD_MS} ms`);
  }
  for (const name of ["voltage", "currentA", "currentB"] as const) {
    const code = gainCodes[name];
    if (!Number.isInteger(code) || code < 0 || code > PGA_CODE_MAX[name]) {
      throw new RangeError(`gain code of ${name}: 0 to ${PGA_CODE_MAX[name]}`);
    }
  }
}

/** From one value of a 24-bit register to a later one, the shorter way round. */
const difference = (value: number, last: number) => ((value - last) << 8) >> 8;

const modulo = (value: number, modulus: number) => ((value % modulus) + modulus) % modulus;
