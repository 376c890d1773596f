// The rates of a period's leaves as classes of equal rates: leaves of one class are added before anything is
// multiplied. Many bills of one tariff and period share a table, so tables are kept.
import type { Tariff } from "../tariff/document.js";
import { type Period, rates } from "../tariff/evaluate.js";
import { ensure } from "./signed.js";

/** The class of a leaf that has no rate, or a rate of zero: nothing is needed of it. */
export const NO_CLASS = -1;

export interface RateClasses {
  readonly from: number;
  readonly channelCount: number;
  /** By interval from `from` on, then by channel: the leaf's class, or NO_CLASS. */
  readonly classes: Int32Array;
  /** The rate of each class, nano-currency per Wh: each once, none zero, falling. */
  readonly rates: readonly number[];
}

/** Most classes of leaves that are kept at once: 16 MB. */
const KEPT_MAX = 2 ** 22;

/** The tables of one tariff. */
export class RateTables {
  readonly #tariff: Tariff;
  readonly #kept = new Map<string, RateClasses>();
  #size = 0;

  constructor(tariff: Tariff) {
    this.#tariff = tariff;
  }

  /**
   * The classes of a meter's leaves in a period.
   * @param channels their OBIS codes.
   * @param period within the tariff's validity and of bounded length: see `checkPeriod`.
   * @throws VerificationError if the tariff prices none of the channels, or has a charge besides; FormatError if its prices do not fit the
   *   period's intervals.
   */
  of(channels: readonly string[], period: Period): RateClasses {
    const { from, to, intervalSeconds } = period;
    const name = [from, to, intervalSeconds, ...channels].join(" ");
    const known = this.#kept.get(name);
    if (known) return known;
    const made = classesOf(this.#tariff, channels, period);
    this.#size += made.classes.length;
    if (this.#size > KEPT_MAX) {
      this.#kept.clear();
      this.#size = made.classes.length;
    }
    this.#kept.set(name, made);
    return made;
  }
}

function classesOf(tariff: Tariff, channels: readonly string[], period: Period): RateClasses {
  ensure(tariff.charge === undefined, "the tariff has a charge, of which a linear bill proves nothing");
  const table = channels.map((obis) => rates(tariff, obis, period));
  ensure(
    table.some((row) => row !== null),
    "the tariff prices no channel of this meter",
  );
  return rateClasses(table, period);
}

/**
 * Classes of equal rates.
 * @param table rates by channel, then by interval from the period's first on, whole and below 2^31 in size; null
 *   for a channel without any.
 */
export function rateClasses(table: readonly (readonly number[] | null)[], period: Period): RateClasses {
  const channelCount = table.length;
  const distinct = new Set(table.flatMap((row) => [...new Set(row ?? [])]));
  distinct.delete(0);
  const falling = [...distinct].sort((a, b) => b - a);
  const classOf = new Map(falling.map((rate, at) => [rate, at]));
  const classes = new Int32Array((period.to - period.from) * channelCount).fill(NO_CLASS);
  for (const [channel, row] of table.entries()) {
    for (const [at, rate] of (row ?? []).entries()) {
      classes[at * channelCount + channel] = classOf.get(rate) ?? NO_CLASS;
    }
  }
  return { from: period.from, channelCount, classes, rates: falling };
}

/** The rate of a leaf; 0 if it has none. */
export function rateOf(
  { from, channelCount, classes, rates }: RateClasses,
  interval: number,
  channel: number,
) {
  return rates[classes[(interval - from) * channelCount + channel] ?? NO_CLASS] ?? 0;
}
