// Least squares that a few wrong rows cannot pull away, with bounds that physics sets on the coefficients: Huber's
// M-estimator by iteratively reweighted least squares (Huber, "Robust Estimation of a Location Parameter", Ann.
// Math. Stat. 35, 1964; Holland & Welsch, Commun. Stat. A6, 1977). For a handful of columns; it knows no units.

/** From least to most; one that is Infinity bounds nothing. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Rows beyond this many standard deviations count by their sign alone: 95 % efficient if noise is normal. */
const HUBER_SIGMAS = 1.345;
/** Median absolute deviation of normal noise to its standard deviation. */
export const MAD_TO_SIGMA = 1.4826;
const ROUNDS_MAX = 30;
/** Columns that are so nearly a sum of others are left out: relative to the column's own square. */
const PIVOT_MIN = 1e-10;

export interface RobustFit {
  readonly coefficients: readonly number[];
  /** Standard deviation of the bulk of the residuals, from their median absolute deviation; at least `floor`. */
  readonly sigma: number;
}

/**
 * Coefficients within their bounds that make the sum of Huber's losses of `y - rows * coefficients` least.
 * Deterministic; at most 30 rounds over the rows, and 3 to the power of the columns small systems a round.
 * @param rows of as many columns, 1 to 4, as there are bounds.
 * @param floor of sigma, above 0: residuals below it are never taken for outliers.
 */
export function fitRobustly(
  rows: readonly (readonly number[])[],
  y: readonly number[],
  bounds: readonly Bounds[],
  floor: number,
): RobustFit {
  let coefficients: readonly number[] = bounds.map(() => 0);
  let weights: readonly number[] = y.map(() => 1);
  let sigma = floor;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = coefficients;
    coefficients = solveBounded(rows, y, weights, bounds);
    const residuals = rows.map((row, at) => (y[at] as number) - dot(row, coefficients));
    sigma = Math.max(floor, MAD_TO_SIGMA * median(residuals.map(Math.abs)));
    const clip = HUBER_SIGMAS * sigma;
    weights = residuals.map((residual) => Math.min(1, clip / Math.max(clip, Math.abs(residual))));
    const moved = coefficients.some(
      (value, at) => Math.abs(value - (before[at] as number)) > 1e-9 * (1 + Math.abs(value)),
    );
    if (!moved) break;
  }
  return { coefficients, sigma };
}

/** The middle value, or the mean of the two in the middle; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const [low = 0, high = low] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);

/** The normal equations of weighted least squares: G x = h. */
interface NormalEquations {
  readonly G: readonly (readonly number[])[];
  readonly h: readonly number[];
}

function normalEquations(
  rows: readonly (readonly number[])[],
  y: readonly number[],
  weights: readonly number[],
  columns: number,
): NormalEquations {
  const G = Array.from({ length: columns }, () => new Array<number>(columns).fill(0));
  const h = new Array<number>(columns).fill(0);
  for (const [at, row] of rows.entries()) {
    const weight = weights[at] as number;
    for (let j = 0; j < columns; j++) {
      const weighted = weight * (row[j] as number);
      h[j] = (h[j] as number) + weighted * (y[at] as number);
      const own = G[j] as number[];
      for (let k = 0; k < columns; k++) own[k] = (own[k] as number) + weighted * (row[k] as number);
    }
  }
  return { G, h };
}

/** A free column, or one held at a bound. */
type Held = number | null;

/**
 * Least squares within bounds, exactly: every choice of columns held at one of their bounds is solved, and the
 * best that keeps within all of them is the minimum, since the problem is convex.
 */
function solveBounded(
  rows: readonly (readonly number[])[],
  y: readonly number[],
  weights: readonly number[],
  bounds: readonly Bounds[],
): readonly number[] {
  const equations = normalEquations(rows, y, weights, bounds.length);
  let best: readonly number[] = bounds.map(({ least, most }) => Math.min(Math.max(0, least), most));
  let bestLoss = lossOf(equations, best);
  for (const held of choicesOf(bounds)) {
    const x = solveHeld(equations, held);
    const isWithin = x.every((value, at) => {
      const { least, most } = bounds[at] as Bounds;
      return value >= least && value <= most;
    });
    const loss = isWithin ? lossOf(equations, x) : Number.POSITIVE_INFINITY;
    if (loss < bestLoss) [best, bestLoss] = [x, loss];
  }
  return best;
}

function choicesOf(bounds: readonly Bounds[]): readonly (readonly Held[])[] {
  return bounds.reduce<readonly (readonly Held[])[]>(
    (choices, { least, most }) => {
      const own: Held[] = [null, ...[least, most].filter(Number.isFinite)];
      return choices.flatMap((choice) => own.map((held) => [...choice, held]));
    },
    [[]],
  );
}

/** The sum of squares but for a constant: x' G x - 2 h' x. */
function lossOf({ G, h }: NormalEquations, x: readonly number[]): number {
  return x.reduce((sum, value, at) => sum + value * (dot(G[at] as number[], x) - 2 * (h[at] as number)), 0);
}

/** Gaussian elimination of the free columns; one that the others already make up is held at 0 if it may be. */
function solveHeld({ G, h }: NormalEquations, held: readonly Held[]): readonly number[] {
  const x = held.map((value) => value ?? 0);
  const free = held.flatMap((value, at) => (value === null ? [at] : []));
  const system = free.map((row) => {
    const own = G[row] as readonly number[];
    const known = held.reduce<number>((sum, value, at) => sum + (value ?? 0) * (own[at] as number), 0);
    return [...free.map((column) => own[column] as number), (h[row] as number) - known];
  });
  const isPivot = free.map((column, at) => {
    const pivotRow = system[at] as number[];
    const pivot = pivotRow[at] as number;
    if (!(pivot > PIVOT_MIN * ((G[column] as number[])[column] as number))) return false;
    for (const [other, row] of system.entries()) {
      if (other === at) continue;
      const factor = (row[at] as number) / pivot;
      for (let k = at; k < row.length; k++) row[k] = (row[k] as number) - factor * (pivotRow[k] as number);
    }
    return true;
  });
  for (const [at, column] of free.entries()) {
    const row = system[at] as number[];
    x[column] = isPivot[at] ? (row[free.length] as number) / (row[at] as number) : 0;
  }
  return x;
}
