// What is lost between a feeder's meter and the sum of the meters behind it: how much of it the cable and the
// transformer explain, and whether the rest steps up or down for good, as it does when somebody begins to take
// energy past a meter. It works on sums alone: it can tell THAT a meter is bypassed, never WHOSE, and nothing
// here could be asked.

import { FormatError } from "../trusted/encoding/bytes.js";
import { DAY_SECONDS, dayOf, INTERVAL_SECONDS, U32_MAX } from "../trusted/metrology/interval.js";
import { findBeginning } from "./beginning.js";
import { fitRobustly } from "./robust-fit.js";
import { mean, quantile, SIDE_DAYS_MIN, type StepTest, testForStep } from "./step-test.js";

/** 13 months of quarter hours, as long as meters remember. */
export const INTERVALS_MAX = 396 * 96;
/** One comparison in so many shows a step without there being one, if days scatter as the test supposes. */
export const FALSE_ALARM = 0.001;
/** How far apart two classes of meters may be calibrated: 2 % of class 2, and the feeder's own. */
const CALIBRATION_MAX = 0.025;
/** Nobody knows a street better than to a watt. */
const FLOOR_W = 1;
/** An interval's unexplained power counts as at most so many standard deviations in one of the two tests. */
const CLIP_SIGMAS = 3;
/** A day counts in the test if at least this share of its intervals can be compared. */
const DAY_SHARE_MIN = 0.5;
/**
 * Steps below this share of the feeder's mean power, either direction, are not told: meters of class 1 may change by
 * 0.05 % a kelvin (IEC 62053-21), and the make-up of a street changes with the season.
 */
const STEP_SHARE_MIN = 0.003;

/** Net energy of the same intervals at both ends, import minus export, whole Wh. */
export interface FeederComparison {
  /** 900 or 1,800. */
  readonly intervalSeconds: number;
  /** Index of the first interval. */
  readonly firstInterval: number;
  /** By the feeder's meter; null where it has no whole reading. */
  readonly feeder_Wh: readonly (number | null)[];
  /** Summed over all meters behind it; null where any of them is missing. */
  readonly street_Wh: readonly (number | null)[];
}

/**
 * Loss in W at a mean power of P kW = noLoad_W + resistive_W_per_kW2 * P^2 + calibration_permille * P. The first two
 * are the technical loss and never negative; the third is no loss but how far the feeder's meter and the others
 * are calibrated apart, at most 25 permille either way.
 */
export interface LossModel {
  readonly noLoad_W: number;
  readonly resistive_W_per_kW2: number;
  readonly calibration_permille: number;
}

/** One UTC day; energies over the intervals that are compared. */
export interface DailyLoss {
  readonly day: number;
  readonly intervals: number;
  readonly feeder_Wh: number;
  readonly street_Wh: number;
  /** Feeder minus street. */
  readonly loss_Wh: number;
  /** What the model gives, its calibration term included; rounded to whole Wh. */
  readonly explained_Wh: number;
}

/** A loss that no model explains begins (a rise) or ends (a fall), and stays so for at least three days. */
export interface LossStep {
  readonly direction: "rise" | "fall";
  /** The interval from which on the loss is another, and the range that cannot be told from it. */
  readonly interval: number;
  readonly interval_min: number;
  readonly interval_max: number;
  /** Mean over the intervals after, minus before; below 0 for a fall. */
  readonly size_W: number;
  readonly size_Wh_per_interval: number;
  /** 95 % confidence interval of the size. */
  readonly size_W_min: number;
  readonly size_W_max: number;
  /** Energy of the step over the intervals compared: after a rise, or before a fall. Whole Wh. */
  readonly energy_Wh: number;
  /** At most this is the chance of such a step in a street without one. */
  readonly falseAlarm: number;
}

export interface LossEstimate {
  /** Intervals with both ends, and without. */
  readonly compared: number;
  readonly missing: number;
  readonly feeder_Wh: number;
  readonly street_Wh: number;
  readonly loss_Wh: number;
  readonly model: LossModel;
  /** The model's two loss terms over the intervals compared, whole Wh, and their share of the feeder's energy. */
  readonly technical_Wh: number;
  readonly technical_percent: number | null;
  readonly days: readonly DailyLoss[];
  /** Days that count in the test: at least half of their intervals are compared. Below 14 nothing is judged. */
  readonly judgedDays: number;
  readonly step: LossStep | null;
  /** A steady loss that began halfway would be found nine times in ten from here on; null if nothing is judged. */
  readonly smallestStep_W: number | null;
  /** Whether the no-load part is more than `noLoadLimit_W`: what was there from the first day is in it. */
  readonly isNoLoadImplausible: boolean;
  readonly tells: readonly string[];
  readonly doesNotTell: readonly string[];
}

export interface LossOptions {
  /** The most that transformer and meters can plausibly take without load, W. */
  readonly noLoadLimit_W?: number;
}

/** What is in every result, for whoever reads only that. */
const TELLS: readonly string[] = [
  "that from some interval on, energy reaches the street that no meter of it measures (a rise), or no longer does (a fall)",
  "how much, and since when",
];
const DOES_NOT_TELL: readonly string[] = [
  "who: there are only sums, and every household adds to them alike",
  "why: a bypass, a faulty meter, a connection without a meter and a member that left the roster look the same",
  "a bypass smaller than the noise, or of a load that is seldom on",
  "one that is there from the first interval on: it is taken for no-load loss or calibration, unless it is more than these can be",
  "anything of intervals in which a share is missing: these are not compared",
  "a second step beside the largest",
];

/**
 * Splits the loss into what cable, transformer and calibration explain and the rest, and tests the rest for one
 * lasting step.
 *
 * The model is fitted by Huber's M-estimator with bounds; the daily means of the rest (UTC days at least half
 * compared) go through a likelihood-ratio test for one shift, whose chance of a false alarm is at most
 * FALSE_ALARM if days scatter normally; the step's beginning within the days is where the cumulative sum of the
 * rest turns (Hinkley, Biometrika 57, 1970). If a step is found, the model is fitted again beside it, so that it
 * describes the street without the unexplained loss.
 *
 * It finds that somebody takes energy past a meter, never who. `doesNotTell` of the result lists the limits.
 * Floating point, but no chance: the same input gives the same result.
 *
 * @throws FormatError unless both series have the same length, 1 to 38,016, of null and safe integers; intervals are
 *   900 or 1,800 s and within u32; and at least one of them is compared
 */
export function estimateLosses(comparison: FeederComparison, options: LossOptions = {}): LossEstimate {
  checkComparison(comparison);
  const { intervalSeconds, firstInterval, street_Wh } = comparison;
  const hours = intervalSeconds / 3_600;
  const points: Point[] = comparison.feeder_Wh.flatMap((feeder, at) => {
    const street = street_Wh[at] ?? null;
    if (feeder === null || street === null) return [];
    const power_kW = feeder / hours / 1_000;
    return [{ interval: firstInterval + at, feeder, street, power_kW, loss_W: (feeder - street) / hours }];
  });
  if (points.length === 0) throw new FormatError("feeder and street have no interval in common");
  const alone = fitModel(points, () => 0);
  const days = groupByDay(points, intervalSeconds);
  const judged = days.filter((day) => day.length >= (DAY_SHARE_MIN * DAY_SECONDS) / intervalSeconds);
  const test = testDays(judged, alone);
  const least_W = Math.max(
    FLOOR_W,
    STEP_SHARE_MIN * mean(points.map(({ power_kW }) => Math.abs(1_000 * power_kW))),
  );
  const isAlarm = test !== null && test.chance <= FALSE_ALARM;
  const candidate = isAlarm ? findStep(points, judged, { test, least_W, intervalSeconds }) : null;
  const found = candidate !== null && Math.abs(candidate.step.size_W) >= least_W ? candidate : null;
  const model = found?.model ?? alone.model;
  const technical_Wh = Math.round(hours * sumOf(points, (point) => technicalOf(point, model)));
  const feeder_Wh = sumOf(points, ({ feeder }) => feeder);
  return {
    compared: points.length,
    missing: comparison.feeder_Wh.length - points.length,
    feeder_Wh,
    street_Wh: sumOf(points, ({ street }) => street),
    loss_Wh: sumOf(points, ({ feeder, street }) => feeder - street),
    model,
    technical_Wh,
    technical_percent: feeder_Wh > 0 ? (100 * technical_Wh) / feeder_Wh : null,
    days: days.map((day) => dailyLoss(day, model, intervalSeconds)),
    judgedDays: judged.length,
    step: found?.step ?? null,
    smallestStep_W: test === null ? null : Math.max(least_W, test.smallest),
    isNoLoadImplausible: model.noLoad_W > (options.noLoadLimit_W ?? Number.POSITIVE_INFINITY),
    tells: TELLS,
    doesNotTell: DOES_NOT_TELL,
  };
}

/** An interval with both ends. */
interface Point {
  readonly interval: number;
  readonly feeder: number;
  readonly street: number;
  readonly power_kW: number;
  readonly loss_W: number;
}

interface Fitted {
  readonly model: LossModel;
  /** Standard deviation of the bulk of what it does not explain. */
  readonly sigma_W: number;
}

function checkComparison({ intervalSeconds, firstInterval, feeder_Wh, street_Wh }: FeederComparison): void {
  const count = feeder_Wh.length;
  if (!INTERVAL_SECONDS.includes(intervalSeconds)) {
    throw new FormatError(`intervals of ${intervalSeconds} s instead of 900 or 1800 s`);
  }
  if (count !== street_Wh.length) {
    throw new FormatError(`${count} intervals of the feeder and ${street_Wh.length} of the street`);
  }
  if (count < 1 || count > INTERVALS_MAX)
    throw new FormatError(`${count} intervals instead of 1 to ${INTERVALS_MAX}`);
  if (!Number.isInteger(firstInterval) || firstInterval < 0 || firstInterval + count - 1 > U32_MAX) {
    throw new FormatError(`intervals from ${firstInterval} on are not within 0 to ${U32_MAX}`);
  }
  for (const series of [feeder_Wh, street_Wh]) {
    const at = series.findIndex((value) => value !== null && !Number.isSafeInteger(value));
    if (at >= 0)
      throw new FormatError(`interval ${firstInterval + at}: ${series[at]} is no whole number of Wh`);
  }
}

/**
 * The model beside an unexplained loss that is there where `share` is 1 and absent where it is 0.
 * Powers, not energies, so that the coefficients do not depend on the length of an interval.
 */
function fitModel(points: readonly Point[], share: (point: Point) => 0 | 1): Fitted {
  const { coefficients, sigma } = fitRobustly(
    points.map((point) => [1, point.power_kW ** 2, point.power_kW, share(point)]),
    points.map(({ loss_W }) => loss_W),
    [
      { least: 0, most: Number.POSITIVE_INFINITY },
      { least: 0, most: Number.POSITIVE_INFINITY },
      { least: -1_000 * CALIBRATION_MAX, most: 1_000 * CALIBRATION_MAX },
      { least: 0, most: Number.POSITIVE_INFINITY },
    ],
    FLOOR_W,
  );
  const [noLoad_W = 0, resistive_W_per_kW2 = 0, calibration_permille = 0] = coefficients;
  return { model: { noLoad_W, resistive_W_per_kW2, calibration_permille }, sigma_W: sigma };
}

const technicalOf = ({ power_kW }: Point, { noLoad_W, resistive_W_per_kW2 }: LossModel) =>
  noLoad_W + resistive_W_per_kW2 * power_kW * power_kW;
const explainedOf = (point: Point, model: LossModel) =>
  technicalOf(point, model) + model.calibration_permille * point.power_kW;
/** W that the model does not explain. */
const restOf = (point: Point, model: LossModel) => point.loss_W - explainedOf(point, model);
const sumOf = (points: readonly Point[], value: (point: Point) => number) =>
  points.reduce((sum, point) => sum + value(point), 0);

function groupByDay(points: readonly Point[], intervalSeconds: number): readonly (readonly Point[])[] {
  const days = new Map<number, Point[]>();
  for (const point of points) {
    const day = dayOf(point.interval, intervalSeconds);
    const own = days.get(day);
    if (own === undefined) days.set(day, [point]);
    else own.push(point);
  }
  return [...days.values()];
}

function dailyLoss(day: readonly Point[], model: LossModel, intervalSeconds: number): DailyLoss {
  const hours = intervalSeconds / 3_600;
  const feeder_Wh = sumOf(day, ({ feeder }) => feeder);
  const street_Wh = sumOf(day, ({ street }) => street);
  return {
    day: dayOf(day[0]?.interval ?? 0, intervalSeconds),
    intervals: day.length,
    feeder_Wh,
    street_Wh,
    loss_Wh: feeder_Wh - street_Wh,
    explained_Wh: Math.round(hours * sumOf(day, (point) => explainedOf(point, model))),
  };
}

/**
 * The days' means, twice: of all that is unexplained, in which a load that is seldom on shows, and of as much of it
 * as the bulk of intervals scatters, in which a small steady one shows and a car's nights do not drown it. Each
 * gets half of the false alarms.
 */
function testDays(judged: readonly (readonly Point[])[], { model, sigma_W }: Fitted): StepTest | null {
  const clip_W = CLIP_SIGMAS * sigma_W;
  const whole = judged.map((day) => levelOf(day, model));
  const clipped = judged.map((day) =>
    mean(day.map((point) => Math.max(-clip_W, Math.min(clip_W, restOf(point, model))))),
  );
  const ofWhole = testForStep(whole, FLOOR_W, FALSE_ALARM / 2);
  const ofClipped = testForStep(clipped, FLOOR_W, FALSE_ALARM / 2);
  if (ofWhole === null || ofClipped === null) return null;
  const likelier = ofClipped.chance < ofWhole.chance ? ofClipped : ofWhole;
  return { ...ofWhole, at: likelier.at, size: likelier.size, chance: Math.min(1, 2 * likelier.chance) };
}

/** The step that the test has found, to the interval, and the model of the street without it. */
function findStep(
  points: readonly Point[],
  judged: readonly (readonly Point[])[],
  {
    test,
    least_W,
    intervalSeconds,
  }: { readonly test: StepTest; readonly least_W: number; readonly intervalSeconds: number },
): { readonly step: LossStep; readonly model: LossModel } {
  const sign = test.size > 0 ? 1 : -1;
  const dayStart = judged[test.at]?.[0]?.interval ?? 0;
  const modelFrom = (interval: number) =>
    fitModel(points, (point) => (point.interval >= interval === sign > 0 ? 1 : 0));
  const rough = modelFrom(dayStart);
  const begins = beginningOf(points, rough, { dayStart, intervalSeconds });
  const { model } = modelFrom(begins.interval);
  const isAfter = ({ interval }: Point) => interval >= begins.interval;
  const after = points.filter(isAfter);
  const before = points.filter((point) => !isAfter(point));
  const size_W = levelOf(after, model) - levelOf(before, model);
  // What the seasons do to the meters is not in the scatter of days.
  const margin_W = quantile(0.05, test.freedom) * test.error + least_W;
  const hours = intervalSeconds / 3_600;
  const step: LossStep = {
    direction: sign > 0 ? "rise" : "fall",
    ...begins,
    size_W,
    size_Wh_per_interval: size_W * hours,
    size_W_min: size_W - margin_W,
    size_W_max: size_W + margin_W,
    energy_Wh: Math.round(Math.abs(size_W) * hours * (sign > 0 ? after : before).length),
    falseAlarm: test.chance,
  };
  return { step, model };
}

/** Mean unexplained power of some intervals. */
const levelOf = (points: readonly Point[], model: LossModel) =>
  mean(points.map((point) => restOf(point, model)));

/** The interval at which the step begins, looked for around no day in particular. */
function beginningOf(
  points: readonly Point[],
  { model, sigma_W }: Fitted,
  { dayStart, intervalSeconds }: { readonly dayStart: number; readonly intervalSeconds: number },
): Pick<LossStep, "interval" | "interval_min" | "interval_max"> {
  const guess = points.findIndex(({ interval }) => interval >= dayStart);
  const before_W = levelOf(points.slice(0, guess), model);
  const rests_W = points.map((point) => restOf(point, model) - before_W);
  const side = Math.min(guess, points.length - guess, (SIDE_DAYS_MIN * DAY_SECONDS) / intervalSeconds);
  const { at, at_min, at_max } = findBeginning(rests_W, guess, sigma_W, side);
  const intervalOf = (position: number) => points[position]?.interval ?? dayStart;
  return { interval: intervalOf(at), interval_min: intervalOf(at_min), interval_max: intervalOf(at_max) };
}
