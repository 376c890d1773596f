// What a tariff says about a period: where its local days begin, what each interval's energy costs, and the
// lines of a bill that follow from the energy's total. Integers throughout; whoever proves a bill and whoever
// checks it run the same lines of code.
import { FormatError } from "../trusted/encoding/bytes.js";
import { DAY_SECONDS, intervalStart_s } from "../trusted/metrology/interval.js";
import type { Levy, OffsetChange, Tariff } from "./document.js";
import type { DynamicPrices, EnergyPolicy, Hours, TimeOfUse, Validity } from "./policy.js";

const MINUTE_S = 60;
const MILLION = 1_000_000n;
/** 1 January 1970 was a Thursday; weekdays count from Monday. */
const WEEKDAY_OF_DAY_0 = 3;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** A day of the local calendar, as days since 1 January 1970. */
type LocalDay = number;

/** A stretch of time with one offset: Unix seconds [from, to). */
interface Segment {
  readonly from_s: number;
  readonly to_s: number;
  readonly offset_s: number;
}

/** The offsets as stretches of time; the first one also holds for what came before it. */
function segments(offsets: readonly OffsetChange[]): Segment[] {
  return offsets.map(({ from_s, offset_s }, at) => ({
    from_s: at === 0 ? Number.NEGATIVE_INFINITY : from_s,
    to_s: offsets[at + 1]?.from_s ?? Number.POSITIVE_INFINITY,
    offset_s,
  }));
}

/** Seconds that local time is ahead of UTC. */
export function offsetAt_s({ offsets }: Pick<Tariff, "offsets">, unix_s: number): number {
  let at = offsets.length - 1;
  while (at > 0 && (offsets[at]?.from_s ?? 0) > unix_s) at--;
  return offsets[at]?.offset_s ?? 0;
}

/**
 * Unix time of the midnight that begins a local day: the first second of that day or, where the clocks jump
 * over its midnight, of what comes after. A day whose midnight comes twice begins at the first.
 */
export function localMidnight_s({ offsets }: Pick<Tariff, "offsets">, day: LocalDay): number {
  for (const { from_s, to_s, offset_s } of segments(offsets)) {
    const midnight_s = Math.max(from_s, day * DAY_SECONDS - offset_s);
    if (midnight_s < to_s) return midnight_s;
  }
  throw new Error("the last offset has no end");
}

/** The latest local day that has begun at a Unix time; it does not fall when the clocks go back. */
function latestDay({ offsets }: Pick<Tariff, "offsets">, unix_s: number): LocalDay {
  const begun = segments(offsets)
    .filter(({ from_s }) => from_s <= unix_s)
    .map(({ to_s, offset_s }) => Math.floor((Math.min(unix_s, to_s - 1) + offset_s) / DAY_SECONDS));
  // Not spread over arguments: each takes a slot of a meter's stack.
  return begun.reduce((latest, day) => Math.max(latest, day), Number.NEGATIVE_INFINITY);
}

/** Standing days of a period [from, to) in Unix seconds: the local midnights in it. */
export function standingDays(tariff: Pick<Tariff, "offsets">, from_s: number, to_s: number): number {
  return latestDay(tariff, to_s - 1) - latestDay(tariff, from_s - 1);
}

/** @throws FormatError unless `date` is a day of the calendar written YYYY-MM-DD. */
export function parseDate(date: string): LocalDay {
  const [, year, month, day] = DATE.exec(date) ?? [];
  const time_ms = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const valid = !Number.isNaN(time_ms) && new Date(time_ms).toISOString().startsWith(date);
  if (!valid) throw new FormatError(`"${date}" is no date such as 2026-01-31`);
  return time_ms / 1000 / DAY_SECONDS;
}

/**
 * The interval that begins at a local midnight, by the tariff's own offsets.
 * @param date YYYY-MM-DD, of a day whose midnight lies in the tariff's validity, its end included.
 * @throws FormatError for another text, a midnight outside the validity, or one within an interval.
 */
export function intervalOfDate(tariff: Tariff, date: string, intervalSeconds: number): number {
  const midnight_s = localMidnight_s(tariff, parseDate(date));
  const instant = isoInstant(midnight_s);
  const { notBefore_s, notAfter_s } = tariff;
  if (midnight_s < notBefore_s || midnight_s > notAfter_s) {
    const validity = `${isoInstant(notBefore_s)} to ${isoInstant(notAfter_s)}`;
    throw new FormatError(`${date} begins at ${instant}, outside the tariff's validity ${validity}`);
  }
  if (midnight_s % intervalSeconds !== 0) {
    throw new FormatError(`${date} begins at ${instant}, within an interval of ${intervalSeconds} s`);
  }
  return midnight_s / intervalSeconds;
}

/** A Unix time as people read it: 2026-01-31T23:00:00Z. */
export const isoInstant = (unix_s: number) => new Date(unix_s * 1000).toISOString().replace(".000", "");

/** Intervals [from, to) of 900 or 1,800 s. */
export interface Period {
  readonly from: number;
  readonly to: number;
  readonly intervalSeconds: number;
}

/** Standing days of a period. */
export const daysOf = (tariff: Pick<Tariff, "offsets">, { from, to, intervalSeconds }: Period): number =>
  standingDays(tariff, intervalStart_s(from, intervalSeconds), intervalStart_s(to, intervalSeconds));

/** Whether the tariff is valid in every second of a period. */
export function covers(tariff: Validity, period: Period): boolean {
  const { from, to, intervalSeconds } = period;
  return (
    intervalStart_s(from, intervalSeconds) >= tariff.notBefore_s &&
    intervalStart_s(to, intervalSeconds) <= tariff.notAfter_s
  );
}

/**
 * The rates of one channel in a period, nano-currency per Wh, one an interval; null for a channel that the
 * tariff does not price.
 * @param period within the tariff's validity.
 * @throws FormatError as `policyRates` does.
 */
export function rates(tariff: Tariff, obis: string, period: Period): readonly number[] | null {
  const found = tariff.energy.find((energy) => energy.obis === obis);
  return found ? policyRates(tariff, found, period) : null;
}

/**
 * The rates of a policy in a period, nano-currency per Wh, one an interval. An interval has the rate of the time
 * at which it starts, whatever band begins within it.
 * @param period within the validity of the policy's tariff.
 * @throws FormatError if the prices are for shorter times than the meter's intervals, or do not end with them:
 *   no rate would then be right.
 */
export function policyRates(
  { offsets }: Pick<Tariff, "offsets">,
  { obis, policy }: EnergyPolicy,
  period: Period,
): readonly number[] {
  const { from, to, intervalSeconds } = period;
  if (policy.kind === "dynamic") checkLengths(obis, policy, intervalSeconds);
  return Array.from({ length: to - from }, (_, at) => {
    const start_s = intervalStart_s(from + at, intervalSeconds);
    return policy.kind === "dynamic" ? price(policy, start_s) : bandRate({ offsets }, policy, start_s);
  });
}

/** For each interval of a period whether it starts within any of the hours; all do, if there are none. */
export function intervalsDuring(
  tariff: Pick<Tariff, "offsets">,
  hours: readonly Hours[],
  { from, to, intervalSeconds }: Period,
): readonly boolean[] {
  return Array.from({ length: to - from }, (_, at) => {
    const local = localTime(tariff, intervalStart_s(from + at, intervalSeconds));
    return hours.length === 0 || hours.some((some) => isWithin(some, local));
  });
}

function checkLengths(obis: string, { start_s, price_s }: DynamicPrices, intervalSeconds: number): void {
  if (price_s % intervalSeconds === 0 && start_s % intervalSeconds === 0) return;
  const prices = `prices for ${price_s} s each from ${isoInstant(start_s)} on`;
  throw new FormatError(`${obis}: ${prices} do not fit intervals of ${intervalSeconds} s`);
}

function price({ start_s, price_s, prices }: DynamicPrices, unix_s: number): number {
  const rate = prices[Math.floor((unix_s - start_s) / price_s)];
  if (rate === undefined) throw new FormatError(`no price at ${isoInstant(unix_s)}`);
  return rate;
}

/** A moment on the clock and the calendar on the wall: one bit each for weekday and month. */
interface LocalTime {
  readonly day: LocalDay;
  readonly weekday: number;
  readonly month: number;
  readonly minute: number;
}

/** The moment on the wall at a Unix time. */
export function localTime(tariff: Pick<Tariff, "offsets">, unix_s: number): LocalTime {
  const local_s = unix_s + offsetAt_s(tariff, unix_s);
  const day = Math.floor(local_s / DAY_SECONDS);
  return {
    day,
    weekday: 1 << ((((day + WEEKDAY_OF_DAY_0) % 7) + 7) % 7),
    month: 1 << new Date(local_s * 1000).getUTCMonth(),
    minute: Math.floor((local_s - day * DAY_SECONDS) / MINUTE_S),
  };
}

const isWithin = ({ weekdays, months, fromMinute, toMinute }: Hours, { weekday, month, minute }: LocalTime) =>
  (weekdays & weekday) !== 0 && (months & month) !== 0 && fromMinute <= minute && minute < toMinute;

function bandRate(tariff: Pick<Tariff, "offsets">, { rate, bands }: TimeOfUse, unix_s: number): number {
  const local = localTime(tariff, unix_s);
  return bands.find((band) => isWithin(band, local))?.rate ?? rate;
}

/** The amounts of a bill, nano-currency; negative is in the customer's favour. */
export interface BillLines {
  /** Energy of all channels, feed-in subtracted. */
  readonly energy: bigint;
  readonly standing: bigint;
  /** In the tariff's order. */
  readonly levies: readonly bigint[];
  readonly vat: bigint;
  /** The sum of all of them. */
  readonly total: bigint;
}

/**
 * The lines that follow from the energy's total.
 * @param energy T, nano-currency.
 * @param days standing days of the period.
 */
export function billLines(tariff: Tariff, energy: bigint, days: number): BillLines {
  const standing = BigInt(tariff.standing) * BigInt(days);
  const levies = tariff.levies.map((levy) => levyAmount(levy, energy + standing, days));
  const taxed = levies.reduce((sum, levy) => sum + levy, energy + standing);
  const vat = partsPerMillion(taxed, tariff.vat_ppm);
  return { energy, standing, levies, vat, total: taxed + vat };
}

function levyAmount(levy: Levy, base: bigint, days: number): bigint {
  return levy.kind === "per-day" ? BigInt(levy.amount) * BigInt(days) : partsPerMillion(base, levy.ppm);
}

/** amount·ppm / 10^6, rounded half away from zero. */
export const partsPerMillion = (amount: bigint, ppm: number): bigint =>
  roundedQuotient(amount * BigInt(ppm), MILLION);

/** value / divisor, rounded half away from zero; the divisor is even and positive. */
export function roundedQuotient(value: bigint, divisor: bigint): bigint {
  const half = value < 0n ? -divisor / 2n : divisor / 2n;
  return (value + half) / divisor; // BigInt division truncates towards zero
}
