/**
 * Elementary functions with the same last bit on every engine: JavaScript fixes + - * / and rounding, and
 * leaves Math.sin, Math.sqrt and Math.exp to the engine. Everything that ends in a simulated code is made of
 * these instead. They serve the making of tables and set-up; no sample is computed with them.
 */

/** Terms of the Taylor series below: for |x| <= pi/4 the first one left out is under 1e-18. */
const SERIES_TERMS = 9;

/** sin(2 pi turns), wrong by less than 1e-15 plus what the argument's own rounding makes. */
export function sineOfTurns(turns: number): number {
  const eighths = Math.floor((turns - Math.floor(turns)) * 8);
  const quarter = Math.floor((eighths + 1) / 2);
  // The angle left over from the nearest quarter turn, -pi/4 to pi/4.
  const x = (turns - Math.floor(turns) - quarter / 4) * 2 * Math.PI;
  const value = quarter % 2 === 0 ? sineSeries(x) : cosineSeries(x);
  return quarter % 4 < 2 ? value : -value;
}

/** cos(2 pi turns), as exact as {@link sineOfTurns}. */
export const cosineOfTurns = (turns: number): number => sineOfTurns(turns + 0.25);

function sineSeries(x: number): number {
  let sum = 0;
  for (let term = SERIES_TERMS; term > 0; term--) {
    sum = (-x * x * (1 + sum)) / (2 * term * (2 * term + 1));
  }
  return x * (1 + sum);
}

function cosineSeries(x: number): number {
  let sum = 0;
  for (let term = SERIES_TERMS; term > 0; term--) {
    sum = (-x * x * (1 + sum)) / (2 * term * (2 * term - 1));
  }
  return 1 + sum;
}

/** The square root, by Newton's method from above, to a part in 1e15. Of 0 or less it is 0. */
export function squareRoot(value: number): number {
  if (value <= 0) return 0;
  let root = value > 1 ? value : 1;
  // Each step from above is below the one before until rounding ends it.
  for (let next = (root + value / root) / 2; next < root; next = (root + value / root) / 2) root = next;
  return root;
}

/** log2 of the quantiles in {@link NORMAL_QUANTILES}. */
export const NORMAL_BITS = 12;

/**
 * The means of 4,096 equally likely slices of a normal distribution, scaled to variance 1. The sum of two
 * draws divided by the square root of 2 is what the simulator calls Gaussian: variance exactly 1, its fourth
 * moment within 0.2 % of 3, nothing beyond 5.2 standard deviations.
 */
export const NORMAL_QUANTILES = makeQuantiles();

function makeQuantiles(): Float64Array {
  const count = 1 << NORMAL_BITS;
  const quantiles = new Float64Array(count);
  let squares = 0;
  for (let at = count / 2; at < count; at++) {
    const quantile = normalQuantile((at + 0.5) / count);
    quantiles[at] = quantile;
    quantiles[count - 1 - at] = -quantile;
    squares += 2 * quantile * quantile;
  }
  const scale = squareRoot(count / squares);
  return quantiles.map((quantile) => quantile * scale);
}

/** Where the normal distribution reaches this share, 0.5 to 1 - 1e-6, by halving. */
function normalQuantile(share: number): number {
  let low = 0;
  let high = 6;
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return low;
}

/** 1/2 + density(x) (x + x^3/3 + x^5/(3*5) + ...), x from 0 to 6. Abramowitz and Stegun, 26.2.11. */
function normalShare(x: number): number {
  let term = x;
  let sum = x;
  for (let odd = 3; term > 1e-17 * sum; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  // 1/sqrt(2 pi).
  return 0.5 + 0.3989422804014327 * exponentialOfMinus((x * x) / 2) * sum;
}

/** exp(-x), x from 0 to 20: a series for x/32, squared five times. */
function exponentialOfMinus(x: number): number {
  let sum = 0;
  for (let term = 16; term > 0; term--) sum = ((-x / 32) * (1 + sum)) / term;
  let power = 1 + sum;
  for (let squaring = 0; squaring < 5; squaring++) power *= power;
  return power;
}
