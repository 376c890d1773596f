// When did it begin? Given that a series changes for good, the position of the change, whatever the change looks
// like: a level that rises at once, or a load that is sometimes on. The values before and after are counted in
// classes, and the position is the one at which the classes' odds speak loudest for "after" from there on: the
// estimate of Carlstein, "Nonparametric Change-Point Estimation", Ann. Stat. 16, 1988, with likelihoods for
// distances.

/** Bounds of the classes, in standard deviations of the bulk. */
const CLASS_BOUNDS: readonly number[] = [-30, -10, -3, -1, 1, 3, 10, 30];
/** Added to each class's count, so that one never seen before has odds that are large but not endless. */
const PRIOR_COUNT = 0.5;
const ROUNDS_MAX = 8;
/**
 * Positions whose log-likelihood falls behind by no more than this cannot be told from the best. For independent
 * values 3 would do; neighbouring intervals scatter together, and so say less than their number.
 */
const LIKELIHOOD_DROP = 8;

export interface Beginning {
  /** Position of the first value after the change. */
  readonly at: number;
  /** The positions that cannot be told from it lie from here to there. */
  readonly at_min: number;
  readonly at_max: number;
}

/**
 * @param values around 0 before the change.
 * @param guess a position within the values, from which the odds are first counted.
 * @param sigma of the bulk of the values, above 0.
 * @param side how many values must be left on either side; the guess leaves so many.
 */
export function findBeginning(
  values: readonly number[],
  guess: number,
  sigma: number,
  side: number,
): Beginning {
  const classes = values.map((value) => {
    const at = CLASS_BOUNDS.findIndex((bound) => value < bound * sigma);
    return at < 0 ? CLASS_BOUNDS.length : at;
  });
  let at = guess;
  let gains: readonly number[] = [];
  for (let round = 0; round < ROUNDS_MAX; round++) {
    gains = gainsOf(classes, at);
    const better = likeliest(gains, side);
    if (better === at) break;
    at = better;
  }
  const best = gains[at] as number;
  const isLikely = (gain: number, position: number) =>
    position >= side && position <= values.length - side && best - gain <= LIKELIHOOD_DROP;
  const likely = gains.flatMap((gain, position) => (isLikely(gain, position) ? [position] : []));
  return { at, at_min: likely[0] ?? at, at_max: likely.at(-1) ?? at };
}

/** For each position, by how much the values from it on are likelier after a change at `split` than before. */
function gainsOf(classes: readonly number[], split: number): readonly number[] {
  const before = oddsOf(classes.slice(0, split));
  const after = oddsOf(classes.slice(split));
  const gains = new Array<number>(classes.length).fill(0);
  let gain = 0;
  for (let at = classes.length - 1; at >= 0; at--) {
    const own = classes[at] as number;
    gain += Math.log((after[own] as number) / (before[own] as number));
    gains[at] = gain;
  }
  return gains;
}

/** Share of each class. */
function oddsOf(classes: readonly number[]): readonly number[] {
  const counts = new Array<number>(CLASS_BOUNDS.length + 1).fill(PRIOR_COUNT);
  for (const own of classes) counts[own] = (counts[own] as number) + 1;
  const total = classes.length + PRIOR_COUNT * counts.length;
  return counts.map((count) => count / total);
}

function likeliest(gains: readonly number[], side: number): number {
  let best = side;
  for (let at = side; at <= gains.length - side; at++) {
    if ((gains[at] as number) > (gains[best] as number)) best = at;
  }
  return best;
}
