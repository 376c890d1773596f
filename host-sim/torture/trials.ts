// What the parts of the torture share: trials that are numbered, so that a failed one can be run again alone,
// and of which a share can be taken.
import { type NorFlash, PowerCut } from "../flash.js";
import { SeededRandom } from "../seeded.js";
import { JournalBroken, type Tally } from "./specimen.js";

export type FlashMode = "plain" | "encrypted";

export interface TrialOptions {
  readonly seed: number;
  /** Trials to run of those that there are, evenly spread; all of them if there are fewer. */
  readonly most: number;
  /** The only one to run, by its number. */
  readonly only: number | null;
  readonly progress: (done: number, of: number) => void;
}

/** Erases of the sectors of a ring: the least and the most. */
export interface Wear {
  readonly min: number;
  readonly max: number;
}

/** What a part has done and found. */
export interface Outcome extends Tally {
  readonly cuts: number;
  readonly state: Wear | null;
  readonly log: Wear | null;
  readonly notes: readonly string[];
}

/** A trial that failed, and how it is run again. */
export class TrialFailed extends JournalBroken {
  constructor(
    readonly trial: number,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export class Trials {
  readonly tally: Tally = { recoveries: 0, records: 0 };
  cuts = 0;
  readonly #options: TrialOptions;
  readonly #of: number;
  #number = 0;
  #run = 0;

  /** @param of how many trials there are */
  constructor(options: TrialOptions, of: number) {
    this.#options = options;
    this.#of = of;
  }

  /** Runs the next trial if it is one of those to run. @throws TrialFailed */
  next(work: (random: SeededRandom) => void): void {
    const number = this.#number++;
    const { seed, only, progress } = this.#options;
    if (only === null ? !this.#isChosen(number) : number !== only) return;
    try {
      work(new SeededRandom(seed, "trial", `${number}`));
    } catch (error) {
      throw new TrialFailed(number, error);
    }
    this.#run++;
    if (this.#run % 64 === 0) progress(number, this.#of);
  }

  /** A power cut `at` so many bytes of a write, and what comes after it; the flash takes it back. */
  cut(flash: NorFlash, at: number, write: () => void, random: SeededRandom, after: () => void): void {
    this.cuts++;
    flash.attempt(random, () => {
      failPower(flash, at, write);
      after();
    });
  }

  /** @param flash whose wear is told */
  outcome(flash: NorFlash | null, notes: readonly string[] = []): Outcome {
    const { cuts, tally } = this;
    return { cuts, ...tally, ...wearOf(flash), notes };
  }

  /** Which of them: as many as wanted, at equal distances. */
  #isChosen(number: number): boolean {
    const share = Math.min(1, this.#options.most / this.#of);
    return Math.floor((number + 1) * share) > Math.floor(number * share);
  }
}

/** The journal's state has one sector in 18, but at least four, at the flash's end. */
export const logSectorsOf = (sectors: number) => sectors - Math.max(4, Math.floor(sectors / 18));

export function wearOf(flash: NorFlash | null): Pick<Outcome, "state" | "log"> {
  if (!flash) return { state: null, log: null };
  const { sectors, eraseCounts } = flash;
  const log = eraseCounts.subarray(0, logSectorsOf(sectors));
  const state = eraseCounts.subarray(logSectorsOf(sectors));
  return { state: extremes(state), log: extremes(log) };
}

const extremes = (counts: Uint32Array): Wear => ({ min: Math.min(...counts), max: Math.max(...counts) });

/** Does `work` until the power fails, `bytes` from now (an erase counts a sector); it stays off then. */
export function failPower(flash: NorFlash, bytes: number, work: () => void): void {
  flash.cutAfter(bytes);
  try {
    work();
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
}
