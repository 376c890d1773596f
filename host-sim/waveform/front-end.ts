/**
 * A waveform front end as the unit sees one: frames of the sampler go through the accumulator, frames that are
 * missing are told to it at their place, and cycles come out. It stands in for the converter, its DMA and the
 * native accumulator of the device, and does no more than they do: whoever does not read for longer than the
 * queue holds loses cycles, and is told how many.
 */

import type { FrontEnd, FrontEndReading } from "../../src/trusted/ports.js";
import { Accumulator } from "./accumulator.js";
import type { Block, ElementEnergy, Gap, Sampler } from "./sampler.js";

/** Frames made at once. */
const BLOCK_FRAMES = 400;

export interface WaveformOptions {
  readonly sampler: Sampler;
  /** Nominal, frames a second. */
  readonly rate_Hz: number;
}

/** Frames come when {@link WaveformFrontEnd.run} says so, as often as a test bench likes. */
export class WaveformFrontEnd implements FrontEnd {
  readonly #sampler: Sampler;
  readonly #accumulator: Accumulator;
  readonly #frames: Int16Array;

  constructor({ sampler, rate_Hz }: WaveformOptions) {
    this.#sampler = sampler;
    this.#accumulator = new Accumulator({ elements: sampler.channels / 2, rate_Hz });
    this.#frames = new Int16Array(BLOCK_FRAMES * sampler.channels);
  }

  /** Lets this many frames come, and what is lost between them; what truly flowed meanwhile is the answer. */
  run(frames: number): Omit<Block, "gaps"> {
    const energies: (readonly ElementEnergy[])[] = [];
    let duration_s = 0;
    for (let left = frames; left > 0; left -= BLOCK_FRAMES) {
      const count = Math.min(left, BLOCK_FRAMES);
      const block = this.#sampler.fill(this.#frames, count);
      this.#feed(count, block.gaps);
      duration_s += block.duration_s;
      energies.push(block.energy);
    }
    return { duration_s, energy: sumOf(energies, this.#sampler.channels / 2) };
  }

  /** The cycles that have ended since it was last read. A waveform has no counts, and its losses are in the cycles. */
  read(): FrontEndReading {
    return { counts: [], cycles: this.#accumulator.read(), status: 0 };
  }

  #feed(count: number, gaps: readonly Gap[]): void {
    const { channels } = this.#sampler;
    let done = 0;
    for (const { after, lost } of gaps) {
      this.#accumulator.feed(this.#frames.subarray(done * channels), after - done);
      this.#accumulator.lose(lost);
      done = after;
    }
    this.#accumulator.feed(this.#frames.subarray(done * channels), count - done);
  }
}

function sumOf(energies: readonly (readonly ElementEnergy[])[], elements: number): ElementEnergy[] {
  return Array.from({ length: elements }, (_, element) => {
    const sum = (of: keyof ElementEnergy) =>
      energies.reduce((total, block) => total + (block[element]?.[of] ?? 0), 0);
    return { active_mJ: sum("active_mJ"), reactive_mJ: sum("reactive_mJ") };
  });
}

/**
 * The same on a virtual clock, for a simulated meter: at each reading the frames of the time that has passed have
 * come. Make a new one at each power-up, of a sampler that goes on: it measures from then on.
 */
export class ClockedWaveform implements FrontEnd {
  readonly #frontEnd: WaveformFrontEnd;
  readonly #sampler: Sampler;
  readonly #clock: { readonly now_ms: number };
  readonly #from_ms: number;
  #passed_s = 0;
  #flowed: readonly ElementEnergy[] = [];

  constructor(options: WaveformOptions, clock: { readonly now_ms: number }) {
    this.#frontEnd = new WaveformFrontEnd(options);
    this.#sampler = options.sampler;
    this.#clock = clock;
    this.#from_ms = clock.now_ms;
  }

  /** What truly flowed through each element since power-up, up to the last reading. */
  get flowed(): readonly ElementEnergy[] {
    return this.#flowed;
  }

  read(): FrontEndReading {
    const due_s = (this.#clock.now_ms - this.#from_ms) / 1000 - this.#passed_s;
    // A gap that runs beyond this moment is all of it in the past: the next frames come the later.
    const frames = Math.max(0, Math.round(due_s * this.#sampler.trueRate_Hz));
    const { duration_s, energy } = this.#frontEnd.run(frames);
    this.#passed_s += duration_s;
    this.#flowed = sumOf([this.#flowed, energy], energy.length);
    return this.#frontEnd.read();
  }
}
