/**
 * How well a mean is known, from the scatter of chunks of the measurement. Chunks next to each other may be alike
 * (noise is slow, or beats with the sampling), and their scatter then promises too much: so the scatter of means of
 * two, four and more chunks is looked at as well, and the largest uncertainty of all counts (H. Flyvbjerg and
 * H. G. Petersen, "Error estimates on averages of correlated data", J. Chem. Phys. 91, 1989).
 */

/** Means that a scatter is told from, at least. */
const BLOCKS_MIN = 5;

/** Two-sided 95 % quantiles of Student's t for 1, 2, 3 ... degrees of freedom; 1.96 and a little beyond. */
const STUDENT_95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086,
];
/** For `freedom` beyond the table: exact to 0.2 %. */
const student95 = (freedom: number) => STUDENT_95[freedom - 1] ?? 1.96 + 2.4 / freedom;

export interface Estimate {
  readonly mean: number;
  /** Half of the 95 % interval; infinite while there are too few chunks to tell. */
  readonly uncertainty: number;
}

/** Of the mean of chunks of equal length. */
export function estimate(chunks: readonly number[]): Estimate {
  const mean = meanOf(chunks);
  let uncertainty = Number.POSITIVE_INFINITY;
  for (let blocks = chunks; blocks.length >= BLOCKS_MIN; blocks = paired(blocks)) {
    const own = student95(blocks.length - 1) * standardError(blocks);
    uncertainty = Number.isFinite(uncertainty) ? Math.max(uncertainty, own) : own;
  }
  return { mean, uncertainty };
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function standardError(values: readonly number[]): number {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/** Means of two neighbours each; an odd one at the end is left out. */
const paired = (values: readonly number[]) =>
  Array.from(
    { length: Math.floor(values.length / 2) },
    (_, at) => ((values[2 * at] ?? 0) + (values[2 * at + 1] ?? 0)) / 2,
  );
