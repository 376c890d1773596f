// What a customer answers, as far as it tells of readings: linear sums with public rates, symmetric functions,
// readings told outright, and sums of a group. A bill tells one sum of readings times rates; a register statement the
// sum so far; a delegated day every reading of it. No answer holds a reading: what was asked is kept, not what was said.
import type { SignedTariff } from "../tariff/document.js";
import { type Period, rates } from "../tariff/evaluate.js";
import { DAY_SECONDS, Status } from "../trusted/metrology/interval.js";
import type { CheckedMeter } from "./check.js";

export const ANSWER_KINDS = ["bill", "reading", "day", "register", "top-up", "aggregate", "other"] as const;
export type AnswerKind = (typeof ANSWER_KINDS)[number];

/** A number for each of consecutive intervals of a channel, from `from` on: [number, how many intervals]. */
export interface Row {
  readonly channel: number;
  readonly from: number;
  readonly runs: readonly (readonly [value: number, count: number])[];
}

/** Readings of a channel in intervals [from, to). */
export interface ReadingRange {
  readonly channel: number;
  readonly from: number;
  readonly to: number;
}

/**
 * A function of readings that does not change when readings of one tag change places: a sum of functions of each
 * reading (splines, tables), the tag naming the function; or the maximum of all, whose readings below it are free.
 */
export interface SymmetricFunction {
  readonly kind: "maximum" | "function";
  /** Tags from 1 on, 0 for readings that are not in it; at most one row a channel. */
  readonly rows: readonly Row[];
}

/** Published sums, interval by interval, of a channel over the customer's group. */
export interface GroupSum extends ReadingRange {
  /** Members beside the customer whose readings none of the askers knows; with 0 the sum tells the reading. */
  readonly others: number;
}

export interface Answer {
  /** Who gets it: 1 to 64 printable ASCII characters. */
  readonly asker: string;
  readonly kind: AnswerKind;
  /** Sums of readings times rates, exact; at most one row a channel in each. */
  readonly linear: readonly (readonly Row[])[];
  readonly symmetric: readonly SymmetricFunction[];
  readonly told: readonly ReadingRange[];
  readonly groupSums: readonly GroupSum[];
}

const nothing = { linear: [], symmetric: [], told: [], groupSums: [] };

/**
 * A linear bill: it tells the sum of readings times rates, from which all of its lines follow.
 * Intervals without a reading are in no sum; nor are readings of 0 Wh with an open load switch, which everyone may
 * take for known: none of them can stand in for another.
 * @throws FormatError if the tariff's prices do not fit the meter's intervals or do not cover the period.
 */
export function billAnswer(
  asker: string,
  meter: CheckedMeter,
  { tariff }: SignedTariff,
  { from, to }: Pick<Period, "from" | "to">,
): Answer {
  const { channels, intervalSeconds } = meter.certificate;
  const table = channels.map((obis) => rates(tariff, obis, { from, to, intervalSeconds }));
  const rows = rowsOf(meter, { from, to }, (channel, interval) => table[channel]?.[interval - from] ?? 0);
  return { ...nothing, asker, kind: "bill", linear: [rows] };
}

/**
 * What top-ups tell, and when the credit ran out between them: the cost of the period, taken as exact though it
 * is known from crossings only.
 */
export const topUpAnswer = (...bill: Parameters<typeof billAnswer>): Answer => ({
  ...billAnswer(...bill),
  kind: "top-up",
});

/**
 * A register statement at the beginning of an interval: of each channel the sum of the epoch's readings before it.
 * What the register held when the epoch began is taken as known.
 */
export function registerAnswer(asker: string, meter: CheckedMeter, interval: number): Answer {
  const first = meter.batches[0]?.statement.firstInterval ?? interval;
  const rows = rowsOf(meter, { from: Math.min(first, interval), to: interval }, () => 1);
  return { ...nothing, asker, kind: "register", linear: rows.map((row) => [row]) };
}

/** One disclosed reading. */
export const readingAnswer = (asker: string, channel: number, interval: number): Answer => ({
  ...nothing,
  asker,
  kind: "reading",
  told: [{ channel, from: interval, to: interval + 1 }],
});

/** A delegated day, by its index: all readings of all channels. */
export function dayAnswer(asker: string, day: number, intervalSeconds: number, channels: number): Answer {
  const a_day = DAY_SECONDS / intervalSeconds;
  const told = Array.from({ length: channels }, (_, channel) => ({
    channel,
    from: day * a_day,
    to: (day + 1) * a_day,
  }));
  return { ...nothing, asker, kind: "day", told };
}

/** Published sums of the customer's groups: told to everyone, so that each asker has them. */
export const groupAnswer = (groupSums: readonly GroupSum[]): Answer => ({
  ...nothing,
  asker: EVERYONE,
  kind: "aggregate",
  groupSums,
});

/** The asker of what is published: it counts among the answers of every asker. */
export const EVERYONE = "*";

/** A number for every reading of a period that is not known to all beforehand, as one row a channel. */
function rowsOf(
  { batches, certificate }: CheckedMeter,
  { from, to }: Pick<Period, "from" | "to">,
  numberOf: (channel: number, interval: number) => number,
): Row[] {
  const values = certificate.channels.map(() => Array.from({ length: to - from }, () => 0));
  for (const { interval, status, readings } of batches.flatMap((batch) => batch.intervals)) {
    if (interval < from || interval >= to) continue;
    const isOpen = (status & Status.SWITCH_OPEN) !== 0;
    values.forEach((row, channel) => {
      const isKnown = isOpen && readings[channel] === 0;
      row[interval - from] = isKnown ? 0 : numberOf(channel, interval);
    });
  }
  return values.map((row, channel) => ({ channel, from, runs: runsOf(row) }));
}

/** Run lengths. */
export function runsOf(values: readonly number[]): (readonly [value: number, count: number])[] {
  const runs: [number, number][] = [];
  for (const value of values) {
    const last = runs.at(-1);
    if (last?.[0] === value) last[1]++;
    else runs.push([value, 1]);
  }
  return runs;
}
