// Does a series of daily values step from one level to another, and stay there? The likelihood-ratio test for one
// shift in the mean of normal values at an unknown day (Worsley, "On the Likelihood Ratio Test for a Shift in
// Location of Normal Populations", JASA 74, 1979): the largest of Student's t over all days, judged by Bonferroni's
// bound, so that the chance of an alarm without a step is at most what is stated.

import { MAD_TO_SIGMA, median } from "./robust-fit.js";

/** Days on either side of a step, at least: less is no sustained step. */
export const SIDE_DAYS_MIN = 3;
/** Fewer days are not judged. */
export const JUDGED_DAYS_MIN = 14;
/** A value further from the median counts as this far, so that no odd day or two look like a step. */
const CLIP_SIGMAS = 3;
/** However much days resemble their neighbours, no more than this is allowed for. */
const CORRELATION_MAX = 0.8;
/** The tail below is a difference of numbers near 1: smaller chances are told as this. */
const CHANCE_MIN = 1e-12;
/** 90 % of a normal distribution lies below so many standard deviations. */
const NINE_TENTHS_SIGMAS = 1.2816;

export interface StepTest {
  /** The most likely position of the first value after the step. */
  readonly at: number;
  /** Mean after minus mean before; of clipped values, so rather too small. */
  readonly size: number;
  /** At most this is the chance that values without a step would look as much like one. */
  readonly chance: number;
  /** Standard error of the size, neighbours' likeness allowed for. */
  readonly error: number;
  /** Student's degrees of freedom of the error, neighbours' likeness allowed for. */
  readonly freedom: number;
  /** Variance of one value around its level, as it counts for means over many: neighbours' likeness allowed for. */
  readonly variance: number;
  /** The least step halfway along that would be found nine times in ten at a chance of `alarm`. */
  readonly smallest: number;
}

/**
 * Tests for one step, up or down. The bound on the chance supposes values that scatter normally around their
 * level; where a value resembles the one before, the variance of means is raised as for a first-order
 * autoregression. That is estimated, and from few values not well: at a bound of 0.1 %, 28 independent values give a
 * false alarm in 0.03 % of series, but 28 with a correlation of 0.5 in 1.5 %, 180 such in 0.1 %.
 * @param floor above 0: values are not told apart more finely than that.
 * @param alarm the chance of a false alarm that `smallest` is for, above 0 and below 1.
 * @returns null for fewer than 14 values.
 */
export function testForStep(values: readonly number[], floor: number, alarm: number): StepTest | null {
  const count = values.length;
  if (count < JUDGED_DAYS_MIN) return null;
  const clipped = clip(values, floor);
  const { at, size } = likeliest(clipped);
  const levels = levelsOf(clipped, at);
  const residuals = clipped.map((value, k) => value - (k < at ? levels.before : levels.after));
  const correlation = neighbourCorrelation(residuals);
  const inflation = (1 + correlation) / (1 - correlation);
  const squares = residuals.reduce((sum, residual) => sum + residual * residual, 0);
  const variance = Math.max(floor * floor, squares / (count - 2)) * inflation;
  const freedom = count - 3;
  const error = Math.sqrt(variance * (1 / at + 1 / (count - at)));
  const candidates = count - 2 * SIDE_DAYS_MIN + 1;
  const chance = Math.min(1, candidates * twoSidedTail(Math.abs(size) / error, freedom));
  const smallest =
    Math.sqrt((4 * variance) / count) * (quantile(alarm / candidates, freedom) + NINE_TENTHS_SIGMAS);
  return { at, size, chance: Math.max(CHANCE_MIN, chance), error, freedom, variance, smallest };
}

/** Winsorised: what lies far from the median counts as near enough to it. */
function clip(values: readonly number[], floor: number): readonly number[] {
  const middle = median(values);
  const sigma = Math.max(floor, MAD_TO_SIGMA * median(values.map((value) => Math.abs(value - middle))));
  const reach = CLIP_SIGMAS * sigma;
  return values.map((value) => Math.max(middle - reach, Math.min(middle + reach, value)));
}

function levelsOf(
  values: readonly number[],
  at: number,
): { readonly before: number; readonly after: number } {
  return { before: mean(values.slice(0, at)), after: mean(values.slice(at)) };
}

/** The position at which two levels explain most, which is where Student's t is largest. */
function likeliest(values: readonly number[]): { readonly at: number; readonly size: number } {
  const total = values.reduce((sum, value) => sum + value, 0);
  const count = values.length;
  let [best, bestGain, bestSize] = [SIDE_DAYS_MIN, -1, 0];
  let before = values.slice(0, SIDE_DAYS_MIN).reduce((sum, value) => sum + value, 0);
  for (let at = SIDE_DAYS_MIN; at <= count - SIDE_DAYS_MIN; at++) {
    const size = (total - before) / (count - at) - before / at;
    const gain = (size * size * at * (count - at)) / count;
    if (gain > bestGain) [best, bestGain, bestSize] = [at, gain, size];
    before += values[at] as number;
  }
  return { at: best, size: bestSize };
}

/**
 * Lag-one autocorrelation, not below 0. The estimate is too small by about (1 + 4 r) / n for each mean that was
 * taken away (Kendall, Biometrika 41, 1954).
 */
function neighbourCorrelation(residuals: readonly number[]): number {
  const squares = residuals.reduce((sum, residual) => sum + residual * residual, 0);
  if (squares === 0) return 0;
  const products = residuals
    .slice(1)
    .reduce((sum, residual, k) => sum + residual * (residuals[k] as number), 0);
  const raw = products / squares;
  const corrected = raw + (2 * (1 + 4 * raw)) / residuals.length;
  return Math.max(0, Math.min(CORRELATION_MAX, corrected));
}

export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/**
 * Chance that Student's t of whole degrees of freedom lies beyond plus or minus t: the finite series of Abramowitz
 * & Stegun, 26.7.3 and 26.7.4. Good to about 1e-14.
 */
export function twoSidedTail(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const isOdd = freedom % 2 === 1;
  let term = isOdd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine;
    sum += term;
  }
  const within = isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return Math.max(0, Math.min(1, 1 - within));
}

/** The t beyond whose plus and minus lies a chance; by halving, to 1e-9. */
export function quantile(chance: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (twoSidedTail(high, freedom) > chance && high < 1e6) high *= 2;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (twoSidedTail(middle, freedom) > chance) low = middle;
    else high = middle;
  }
  return high;
}
