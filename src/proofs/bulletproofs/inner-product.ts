// The inner-product argument of Bünz et al. 2018, "Bulletproofs", section 3, with dalek's transcript and bytes: that
// the prover knows a and b with P = <a, G> + <b, H'> + w·<a, b>·B, in 2·log2(n) points and two scalars. The vectors
// are no secret here: whoever uses the argument has blinded them before, so the arithmetic takes variable time.
import { asciiBytes, FormatError } from "../../trusted/encoding/bytes.js";
import { bytesOf, L } from "../../trusted/sealing/edwards.js";
import type { Group, Points } from "../group/group.js";
import { innerProduct, inverse, inverses, powers, readScalar } from "../scalars.js";
import { Transcript } from "../transcript.js";

/** Two vectors of points, and the factors by which they are to be multiplied before use. */
export interface Basis {
  readonly g: Points;
  readonly h: Points;
  /** From this index on, both vectors count times `scale`. */
  readonly split: number;
  readonly scale: bigint;
  /** Point i of h counts times this to the i-th. */
  readonly hRatio: bigint;
}

/** A proof: a pair of points each round, encoded, and what is left of the vectors. */
export interface InnerProductProof {
  readonly rounds: readonly { readonly left: Uint8Array; readonly right: Uint8Array }[];
  readonly a: bigint;
  readonly b: bigint;
}

/** `32·(2·log2(n) + 2)` bytes: L and R of each round, then a and b. */
export function innerProductElements({ rounds, a, b }: InnerProductProof): Uint8Array[] {
  return [...rounds.flatMap(({ left, right }) => [left, right]), bytesOf(a), bytesOf(b)];
}

/**
 * Reads what `innerProductElements` gives, for vectors of n elements.
 * @throws FormatError for another number of elements, or a scalar that is not canonical.
 */
export function readInnerProduct(elements: readonly Uint8Array[], n: number): InnerProductProof {
  const points = 2 * Math.log2(n);
  const [a, b] = elements.slice(points);
  if (a === undefined || b === undefined || elements.length !== points + 2) {
    throw new FormatError(`inner product: ${elements.length} elements instead of ${points + 2}`);
  }
  const rounds = Array.from({ length: points / 2 }, (_, round) => ({
    left: elements[2 * round] ?? a,
    right: elements[2 * round + 1] ?? a,
  }));
  return { rounds, a: readScalar(a, "inner product, a"), b: readScalar(b, "inner product, b") };
}

/** The domain separator, for prover and verifier. */
function begin(transcript: Transcript, n: number): void {
  transcript.append("dom-sep", asciiBytes("ipp v1"));
  transcript.appendUint("n", n);
}

/** Appends a round's points and draws its challenge. */
function challengeOf(transcript: Transcript, left: Uint8Array, right: Uint8Array): bigint {
  transcript.append("L", left);
  transcript.append("R", right);
  return transcript.challenge("u");
}

/**
 * A prover's vectors between two rounds. The points and the vectors are kept up to a factor each, so that one of
 * the two scalars of every fold is 1: the true a is `a·product of all challenges`, the true b `b / product`.
 */
class Folding {
  private g: Points;
  private h: Points;
  private a: readonly bigint[];
  private b: readonly bigint[];
  private readonly group: Group;
  private readonly basis: Basis;
  /** hRatio^i. */
  private readonly ratios: readonly bigint[];
  private product = 1n;

  constructor(group: Group, basis: Basis, a: readonly bigint[], b: readonly bigint[]) {
    this.group = group;
    this.basis = basis;
    [this.g, this.h, this.a, this.b] = [basis.g, basis.h, a, b];
    this.ratios = powers(basis.hRatio, a.length);
  }

  get length(): number {
    return this.a.length;
  }

  /** The factor of point i of both vectors, the ratio of h apart. */
  private factor(at: number): bigint {
    return at < this.basis.split ? 1n : this.basis.scale;
  }

  /** Σ a_(aFrom+i)·G_(gFrom+i) + Σ b_(gFrom+i)·H_(aFrom+i) + w·<a, b>·B: L and R are this with halves swapped. */
  private cross(w: bigint, aFrom: number, gFrom: number): Uint8Array {
    const half = this.length / 2;
    const a = this.a.slice(aFrom, aFrom + half);
    const b = this.b.slice(gFrom, gFrom + half);
    const gScalars = a.map((scalar, at) => {
      const factor = this.factor(gFrom + at);
      return factor === 1n ? scalar : (scalar * factor) % L;
    });
    const hScalars = b.map((scalar, at) => {
      const scaled = (scalar * (this.ratios[aFrom + at] ?? 0n)) % L;
      const factor = this.factor(aFrom + at);
      return factor === 1n ? scaled : (scaled * factor) % L;
    });
    const { group } = this;
    const points = group.concat([
      this.g.slice(gFrom, gFrom + half),
      this.h.slice(aFrom, aFrom + half),
      group.base,
    ]);
    const scalars = gScalars.concat(hScalars, [(w * innerProduct(a, b)) % L]);
    return group.encode(group.sum(scalars, points));
  }

  left(w: bigint): Uint8Array {
    return this.cross(w, 0, this.length / 2);
  }

  right(w: bigint): Uint8Array {
    return this.cross(w, this.length / 2, 0);
  }

  /** Halves everything by a round's challenge. */
  fold(challenge: bigint): void {
    const half = this.length / 2;
    const square = (challenge * challenge) % L;
    const inverseSquare = inverse(square);
    // After the last round nobody asks for the points again.
    if (half > 1) {
      this.g = this.foldPoints(this.g, square);
      this.h = this.foldPoints(this.h, (inverseSquare * (this.ratios[half] ?? 0n)) % L);
    }
    this.a = foldScalars(this.a, inverseSquare);
    this.b = foldScalars(this.b, square);
    this.product = (this.product * challenge) % L;
  }

  /**
   * P_i + high·q·P_(half+i), where q is `scale` if the split lies between both points and 1 otherwise. Point i keeps
   * the factor that it had.
   */
  private foldPoints(points: Points, high: bigint): Points {
    const half = points.length / 2;
    const { split, scale } = this.basis;
    const between = [Math.min(half, Math.max(0, split - half)), Math.min(half, split)] as const;
    const pieces = [
      [0, between[0], 1n] as const,
      [...between, scale] as const,
      [between[1], half, 1n] as const,
    ];
    const folded = pieces
      .filter(([from, to]) => from < to)
      .map(([from, to, factor]) => {
        const pair = [points.slice(from, to), points.slice(half + from, half + to)];
        return this.group.fold(this.group.concat(pair), 1n, (high * factor) % L);
      });
    return this.group.concat(folded);
  }

  /** The true a and b, when one element is left. */
  end(): { a: bigint; b: bigint } {
    const [a = 0n] = this.a;
    const [b = 0n] = this.b;
    return { a: (a * this.product) % L, b: (b * inverse(this.product)) % L };
  }
}

/** low_i + factor·high_i. */
function foldScalars(list: readonly bigint[], factor: bigint): bigint[] {
  const half = list.length / 2;
  return Array.from({ length: half }, (_, at) => ((list[at] ?? 0n) + factor * (list[half + at] ?? 0n)) % L);
}

/**
 * Proves that `a` and `b` have the inner product that the transcript's user says they have.
 * @param w B counts times this.
 * @param a, b scalars in [0, l), as many as points in each vector of the basis: a power of two.
 */
export function proveInnerProduct(
  group: Group,
  transcript: Transcript,
  w: bigint,
  basis: Basis,
  a: readonly bigint[],
  b: readonly bigint[],
): InnerProductProof {
  begin(transcript, a.length);
  const folding = new Folding(group, basis, a, b);
  const rounds: { left: Uint8Array; right: Uint8Array }[] = [];
  while (folding.length > 1) {
    const round = { left: folding.left(w), right: folding.right(w) };
    rounds.push(round);
    folding.fold(challengeOf(transcript, round.left, round.right));
  }
  return { rounds, ...folding.end() };
}

/** A verifier's part: by which scalars the points of a proof, and the generators, go into the equation. */
export interface Replay {
  /** u^2 of each round: the scalars of L. */
  readonly squares: readonly bigint[];
  /** u^-2 of each round: the scalars of R. */
  readonly inverseSquares: readonly bigint[];
  /** 1 / the product of all u. */
  readonly first: bigint;
}

/** Draws the challenges of a proof about vectors of n elements. */
export function replayInnerProduct(transcript: Transcript, n: number, proof: InnerProductProof): Replay {
  begin(transcript, n);
  const challenges = proof.rounds.map(({ left, right }) => challengeOf(transcript, left, right));
  const inverted = inverses(challenges);
  return {
    squares: challenges.map((u) => (u * u) % L),
    inverseSquares: inverted.map((u) => (u * u) % L),
    first: inverted.reduce((product, u) => (product * u) % L, 1n),
  };
}

/**
 * factor·s of section 3.1: s_i is the product over the rounds of u, or of 1/u where the round's bit of i is not set.
 * Backwards, s is 1/s.
 */
export function foldedScalars({ squares, first }: Replay, factor: bigint): bigint[] {
  const list = [(first * factor) % L];
  for (const square of [...squares].reverse()) {
    for (let at = 0, half = list.length; at < half; at++) list.push(((list[at] ?? 0n) * square) % L);
  }
  return list;
}

/** A challenge after all of a proof, of a copy: whoever goes on with the transcript goes on where dalek's does. */
export function combiner(transcript: Transcript, { a, b }: InnerProductProof): bigint {
  const copy = new Transcript(transcript);
  copy.appendScalar("a", a);
  copy.appendScalar("b", b);
  return copy.challenge("c");
}
