// The committed values that a general bill's proof is about, from either side: the customer's, who knows what they open
// to, and the supplier's, who has the leaves. Sums of readings by public weights are sums of their commitments by
// the same weights, so neither has to be proved.
import { ed25519 } from "@noble/curves/ed25519.js";
import type { PeriodReadings } from "../tariff/charge-evaluation.js";
import type { CostInputs, Weights } from "../tariff/circuit-inputs.js";
import type { Period } from "../tariff/evaluate.js";
import { LEAF_BYTES } from "../trusted/sealing/batch.js";
import { COMMITMENT_AT } from "./batch.js";
import { pedersen } from "./bulletproofs/generators.js";
import type { LeafRun } from "./completeness.js";
import type { Group } from "./group/group.js";
import type { OpenedBatch } from "./opened-meter.js";
import { rateClasses } from "./rate-classes.js";
import { WeightedSums } from "./weighted-sum.js";

const Fn = ed25519.Point.Fn;

type ByChannel<T> = readonly (readonly (T | null)[])[];

/** What the customer knows of a period: by channel, then by interval from the first; null where there is nothing. */
export interface KnownPeriod {
  readonly measured: PeriodReadings;
  readonly openings: ByChannel<bigint>;
  /** For each interval of the period whether the meter has readings. */
  readonly present: readonly boolean[];
}

/** Readings and openings of a period, out of batches that may hold others too. */
export function knownOf(
  batches: readonly OpenedBatch[],
  channels: readonly string[],
  period: Period,
): KnownPeriod {
  const { from, to } = period;
  const present = new Array<boolean>(to - from).fill(false);
  const readings = channels.map(() => new Array<number | null>(to - from).fill(null));
  const openings = channels.map(() => new Array<bigint | null>(to - from).fill(null));
  for (const opened of batches.flatMap(({ intervals }) => intervals)) {
    const at = opened.interval - from;
    if (at < 0 || at >= present.length) continue;
    present[at] = true;
    for (const [channel, row] of readings.entries()) row[at] = opened.readings[channel] ?? null;
    for (const [channel, row] of openings.entries()) row[at] = opened.openings[channel] ?? null;
  }
  return { measured: { period, channels, readings }, openings, present };
}

/** The leaves of batches as a verifier has them. */
export const runsOf = (batches: readonly OpenedBatch[]): LeafRun[] =>
  batches.map(({ statement, leafBytes }) => ({
    firstInterval: statement.firstInterval,
    channelCount: statement.channelCount,
    leaves: leafBytes,
    hints: null,
  }));

/** The encoded commitment of each reading that is looked at by itself. */
function readingCommitments(
  { readings }: CostInputs,
  runs: readonly LeafRun[],
  { from }: Period,
): Uint8Array[] {
  const found = new Map<number, Uint8Array>();
  for (const { firstInterval, channelCount, leaves } of runs) {
    const bytes = channelCount * LEAF_BYTES;
    for (let at = 0; at < leaves.length / bytes; at++) {
      found.set(firstInterval + at, leaves.subarray(at * bytes, (at + 1) * bytes));
    }
  }
  return readings.map(({ at, channel }) => {
    const leaf = found.get(from + at)?.subarray(channel * LEAF_BYTES, (channel + 1) * LEAF_BYTES);
    if (!leaf) throw new Error("a reading that is there has a leaf");
    return leaf.slice(COMMITMENT_AT);
  });
}

/** What the customer commits with. */
export interface Opening {
  readonly measured: PeriodReadings;
  readonly openings: ByChannel<bigint>;
  readonly runs: readonly LeafRun[];
  readonly group: Group;
}

/** A committed value, value·B + opening·B~; both in [0, l). */
export interface OpenedValue {
  readonly commitment: Uint8Array;
  readonly value: bigint;
  readonly opening: bigint;
}

/** The committed values of a statement, in order, with what they open to. */
export function openedValues(
  inputs: CostInputs,
  { measured, openings, runs, group }: Opening,
): OpenedValue[] {
  const sums = inputs.sums.map(({ weights }) => {
    const value = Fn.create(weighted(weights, measured.readings));
    const opening = Fn.create(weighted(weights, openings));
    return { commitment: pedersen(group, value, opening), value, opening };
  });
  const commitments = readingCommitments(inputs, runs, measured.period);
  const readings = inputs.readings.map(({ channel, at }, index) => ({
    commitment: commitments[index] ?? new Uint8Array(0),
    value: BigInt(measured.readings[channel]?.[at] ?? 0),
    opening: openings[channel]?.[at] ?? 0n,
  }));
  return [...sums, ...readings];
}

/** The sum of weight times number, over what is there. */
function weighted(weights: Weights, numbers: ByChannel<number | bigint>): bigint {
  let sum = 0n;
  for (const [channel, row] of weights.entries()) {
    for (const [at, weight] of (row ?? []).entries()) {
      sum += BigInt(weight) * BigInt(numbers[channel]?.[at] ?? 0);
    }
  }
  return sum;
}

/**
 * The commitments of a statement, in order, encoded.
 * @throws VerificationError naming a leaf of a sum whose commitment is no group element, or comes with a wrong hint.
 */
export function commitmentsOf(
  inputs: CostInputs,
  runs: readonly LeafRun[],
  period: Period,
  group: Group,
): Uint8Array[] {
  const adder = new WeightedSums(group);
  const sums = inputs.sums.map(({ weights }) => group.encode(adder.of(runs, rateClasses(weights, period))));
  return [...sums, ...readingCommitments(inputs, runs, period)];
}

/** For each interval of the period whether it has leaves. */
export function presentIn(runs: readonly LeafRun[], { from, to }: Period): boolean[] {
  const present = new Array<boolean>(to - from).fill(false);
  for (const { firstInterval, channelCount, leaves } of runs) {
    const begin = firstInterval - from;
    present.fill(true, begin, begin + leaves.length / LEAF_BYTES / channelCount);
  }
  return present;
}
