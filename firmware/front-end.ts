// The board's front ends as the unit's one: what its metering chip has counted, the pulses of other meters, and the
// cycles of its own converter, in the order in which the meter's configuration numbers the counts: the chip's
// registers first, then the pulse inputs. What any of it is worth is the configuration's to say.
import { Status } from "../src/trusted/metrology/interval.js";
import type { Cycle, FrontEnd, FrontEndReading } from "../src/trusted/ports.js";

/** A counter that runs from 0 and overflows at 2^32. */
export interface PulseInput {
  read(): number;
}

export interface ChipReading {
  /** Signed, modulo 2^48. */
  readonly counters: readonly number[];
  readonly status: number;
}

export interface MeteringChip {
  read(): ChipReading;
}

/** Mains cycles of the board's own converter since they were last read. */
export interface CycleInput {
  read(): readonly Cycle[];
}

const CHIP_MODULUS = 2 ** 48;
/** The chip is asked no oftener: its bus takes 20 ms for an answer, and the unit steps every 20 ms. */
const CHIP_EVERY_MS = 1_000;

export class BoardFrontEnd implements FrontEnd {
  readonly #now_ms: () => number;
  readonly #chip: MeteringChip | null;
  readonly #pulses: readonly PulseInput[];
  readonly #waveform: CycleInput | null;
  #chipAsked_ms: number;
  #chipCounters: readonly number[];
  #pulseCounters: readonly number[];

  /** What has been counted before is not this front end's. @param now_ms uptime. */
  constructor(
    now_ms: () => number,
    pulses: readonly PulseInput[],
    chip: MeteringChip | null = null,
    waveform: CycleInput | null = null,
  ) {
    this.#now_ms = now_ms;
    this.#chipAsked_ms = now_ms();
    this.#chip = chip;
    this.#pulses = pulses;
    this.#waveform = waveform;
    this.#chipCounters = chip?.read().counters ?? [];
    this.#pulseCounters = pulses.map((input) => input.read());
  }

  read(): FrontEndReading {
    const chip = this.#askChip();
    const pulses = this.#pulses.map((input) => input.read());
    const before = [this.#chipCounters, this.#pulseCounters] as const;
    this.#chipCounters = chip.counters;
    this.#pulseCounters = pulses;
    const counts = [
      ...chip.counters.map((count, at) => signed(count - (before[0][at] ?? 0))),
      // Unsigned 32-bit differences: right across the overflow.
      ...pulses.map((count, at) => (count - (before[1][at] ?? 0)) >>> 0),
    ];
    const reading = { counts, status: chip.status & (Status.INCOMPLETE | Status.FAULT) };
    return this.#waveform ? { ...reading, cycles: this.#waveform.read() } : reading;
  }

  /** The chip's word, or what it last counted while it need not be asked. */
  #askChip(): ChipReading {
    const idle = { counters: this.#chipCounters, status: 0 };
    if (!this.#chip || this.#now_ms() - this.#chipAsked_ms < CHIP_EVERY_MS) return idle;
    this.#chipAsked_ms = this.#now_ms();
    return this.#chip.read();
  }
}

/** A difference of two counters modulo 2^48 as the signed number that it stands for. */
function signed(difference: number): number {
  const steps = ((difference % CHIP_MODULUS) + CHIP_MODULUS) % CHIP_MODULUS;
  return steps < CHIP_MODULUS / 2 ? steps : steps - CHIP_MODULUS;
}
