// From answers to unknowns: every reading that an answer tells something of and none tells outright, with its column
// of rates, its tags in symmetric functions, and whether it can move by one Wh at its actual value.
import { U32_MAX } from "../trusted/metrology/interval.js";
import type { Answer, ReadingRange, Row } from "./answers.js";
import type { CheckedMeter } from "./check.js";
import type { Unknown } from "./exchanges.js";

/** A reading's place. */
export interface Place {
  readonly channel: number;
  readonly interval: number;
}

/** The customer's reading at a place, null if they do not say or do not have it. */
export type ReadingAt = (place: Place) => number | null;

/** The sealed readings of a checked meter. */
export function readingsOf({ batches }: CheckedMeter): ReadingAt {
  const intervals = batches.flatMap((batch) => batch.intervals);
  const known = new Map(intervals.map(({ interval, readings }) => [interval, readings]));
  return ({ channel, interval }) => known.get(interval)?.[channel] ?? null;
}

export interface PlacedUnknown extends Unknown, Place {}

/** Places as numbers: intervals are u32, channels fewer than 2^8. */
const U32_RANGE = U32_MAX + 1;
export const placeKey = ({ channel, interval }: Place) => channel * U32_RANGE + interval;

/** The unknowns of all answers together, in the order of channels and intervals. */
export function unknownsOf(answers: readonly Answer[], readingAt: ReadingAt): PlacedUnknown[] {
  const told = toldBy(answers);
  const drafts = new Map<number, Draft>();
  const draftAt = (place: Place): Draft => {
    const key = placeKey(place);
    const draft = drafts.get(key) ?? {
      ...place,
      column: [],
      tags: "",
      value: readingAt(place),
      isFree: true,
    };
    drafts.set(key, draft);
    return draft;
  };
  answers
    .flatMap(({ linear }) => linear)
    .forEach((rows, form) => {
      for (const [place, rate] of valuesOf(rows))
        if (!told.has(placeKey(place))) draftAt(place).column.push([form, rate]);
    });
  answers
    .flatMap(({ symmetric }) => symmetric)
    .forEach(({ kind, rows }, part) => {
      const places = [...valuesOf(rows)];
      const maximum = kind === "maximum" ? largest(places.map(([place]) => readingAt(place))) : null;
      for (const [place, tag] of places) {
        if (told.has(placeKey(place))) continue;
        const draft = draftAt(place);
        draft.tags += `${part}:${tag};`;
        draft.isFree &&= maximum !== null && draft.value !== null && draft.value < maximum;
      }
    });
  return [...drafts.values()].sort((a, b) => placeKey(a) - placeKey(b)).map(unknownOf);
}

interface Draft extends Place {
  readonly column: [number, number][];
  tags: string;
  readonly value: number | null;
  /** Whether no symmetric function sees it move by one. */
  isFree: boolean;
}

function unknownOf({ isFree, ...draft }: Draft): PlacedUnknown {
  const { value } = draft;
  return {
    ...draft,
    up: isFree && (value === null || value < U32_MAX),
    down: isFree && (value === null || value > 0),
  };
}

/** Null if one of them is. */
const largest = (values: readonly (number | null)[]) =>
  values.reduce<number | null>(
    (most, value) => (most === null || value === null ? null : Math.max(most, value)),
    0,
  );

/** Readings told outright; a sum over a group whose other members are all known is one. */
function toldBy(answers: readonly Answer[]): Set<number> {
  const ranges: ReadingRange[] = answers.flatMap(({ told, groupSums }) => [
    ...told,
    ...groupSums.filter(({ others }) => others === 0),
  ]);
  const keys = new Set<number>();
  for (const { channel, from, to } of ranges)
    for (let interval = from; interval < to; interval++) keys.add(placeKey({ channel, interval }));
  return keys;
}

/** The places of rows whose value is not 0. */
function* valuesOf(rows: readonly Row[]): Generator<readonly [Place, number]> {
  for (const { channel, from, runs } of rows) {
    let interval = from;
    for (const [value, count] of runs) {
      const end = interval + count;
      if (value !== 0) for (let at = interval; at < end; at++) yield [{ channel, interval: at }, value];
      interval = end;
    }
  }
}

/** The ranges that an answer is about, each as often as it is. */
function rangesOf({ linear, symmetric, told, groupSums }: Answer): { from: number; to: number }[] {
  const rows = [...linear.flat(), ...symmetric.flatMap((part) => part.rows)];
  return [...rows.map(({ from, runs }) => ({ from, to: from + lengthOf(runs) })), ...told, ...groupSums];
}

/** How many readings an answer asks for, each counted in each sum and range. */
export const askedBy = (answer: Answer) => rangesOf(answer).reduce((sum, { from, to }) => sum + to - from, 0);

/** Intervals [from, to) that an answer is about; an empty range for one about none. */
function spanOf(answer: Answer): { from: number; to: number } {
  return rangesOf(answer).reduce(
    (span, { from, to }) => ({ from: Math.min(span.from, from), to: Math.max(span.to, to) }),
    { from: Number.POSITIVE_INFINITY, to: 0 },
  );
}

export const lengthOf = (runs: Row["runs"]) => runs.reduce((sum, [, count]) => sum + count, 0);

/** The answers that may bear on one of them: those whose spans overlap with it, directly or by others between. */
export function answersAround(answer: Answer, others: readonly Answer[]): Answer[] {
  const spans = [...others, answer].map((one) => ({ one, ...spanOf(one) })).sort((a, b) => a.from - b.from);
  let cluster: Answer[] = [];
  let end = -1;
  for (const { one, from, to } of spans) {
    if (from >= end) {
      if (cluster.includes(answer)) break;
      cluster = [];
    }
    cluster.push(one);
    end = Math.max(end, to);
  }
  return cluster;
}
