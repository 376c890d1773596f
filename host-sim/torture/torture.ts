// The torture of the journal in parts that can run one by one or side by side. What each part must not find is
// in the part; here is how much of it there is.
import { cutEverywhere, cutFullSize, cutRecoveries, FULL_SECTORS, SMALL_SECTORS } from "./cuts.js";
import { rot, wear } from "./faults.js";
import type { Outcome, TrialOptions } from "./trials.js";
import { bootOften, liveMonths } from "./years.js";

export { TrialFailed } from "./trials.js";

/** How much of a part there is: all of it, a sample for every change, or a smaller one for the tests. */
export type Extent = "whole" | "quick" | "brief";
type Amount = Readonly<Record<Extent, number>>;

/** A part: what it does, and how much of it, in trials, days or boots. */
interface Part {
  readonly does: string;
  readonly amount: Amount;
  readonly run: (amount: number, options: TrialOptions) => Outcome;
}

const EVERY_CUT: Amount = { whole: Number.POSITIVE_INFINITY, quick: 1_500, brief: 60 };
const SECOND_CUTS: Amount = { whole: 250, quick: 2, brief: 1 };
const FULL_SIZE: Amount = { whole: 10_000, quick: 200, brief: 10 };
const ROT: Amount = { whole: 2_000, quick: 300, brief: 40 };
const WORN: Amount = { whole: 400, quick: 30, brief: 4 };
const MONTHS: Amount = { whole: 396, quick: 20, brief: 2 };
const BOOTS: Amount = { whole: 5_000, quick: 300, brief: 40 };

const MODES = ["plain", "encrypted"] as const;

const inBothModes = (
  name: string,
  does: string,
  amount: Amount,
  run: (mode: (typeof MODES)[number], options: TrialOptions) => Outcome,
): [string, Part][] =>
  MODES.map((mode) => [
    `${name}/${mode}`,
    { does: `${does}, ${mode} flash`, amount, run: (most, options) => run(mode, { ...options, most }) },
  ]);

/** The longest first. */
export const PARTS: ReadonlyMap<string, Part> = new Map([
  ...inBothModes("second-cuts", "a second cut at every byte of recoveries", SECOND_CUTS, cutRecoveries),
  ...inBothModes("every-cut", "a cut at every byte that a life writes", EVERY_CUT, cutEverywhere),
  ...inBothModes("full-size", "cuts in a log of 544 sectors", FULL_SIZE, cutFullSize),
  ...inBothModes("worn", "stuck sectors, blocks that fail, and cuts", WORN, wear),
  ...([2, 8] as const).map((channels): [string, Part] => [
    `months/${channels}`,
    {
      does: `13 months of a household, ${channels} channels`,
      amount: MONTHS,
      run: (days, options) => liveMonths(channels, days, options),
    },
  ]),
  ...[SMALL_SECTORS, FULL_SECTORS].map((sectors): [string, Part] => [
    `boots/${sectors}`,
    {
      does: `boots in a row, ${sectors} sectors`,
      amount: BOOTS,
      run: (boots, options) => bootOften("encrypted", sectors, boots, options),
    },
  ]),
  ...inBothModes("rot", "rotten cells", ROT, rot),
]);

export interface Report extends Outcome {
  readonly part: string;
  readonly does: string;
  readonly seconds: number;
  /** Of the processor: on a busy machine they say more than the clock on the wall. */
  readonly cpuSeconds: number;
}

/**
 * Runs one part.
 * @throws Error if the journal broke its word: a TrialFailed names the trial that shows it.
 */
export function torture(name: string, extent: Extent, options: Omit<TrialOptions, "most">): Report {
  const part = PARTS.get(name);
  if (!part) throw new RangeError(`there is no part ${name} of the torture: ${[...PARTS.keys()].join(", ")}`);
  const amount = part.amount[extent];
  const [begun_ms, begun] = [performance.now(), process.cpuUsage()];
  const outcome = part.run(amount, { ...options, most: amount });
  const { user, system } = process.cpuUsage(begun);
  const seconds = (performance.now() - begun_ms) / 1000;
  return { part: name, does: part.does, seconds, cpuSeconds: (user + system) / 1e6, ...outcome };
}
