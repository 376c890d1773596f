// What all proofs here come down to: a sum of generators and of the proof's own points, each times a scalar, is the
// identity. Equations of many proofs are checked as one, each times a random weight: the generators, which are the
// most points, are then multiplied once for all of them (Bünz et al. 2018, "Bulletproofs", section 6.2).
import { FormatError } from "../../trusted/encoding/bytes.js";
import { L, numberOf } from "../../trusted/sealing/edwards.js";
import type { Group, Points } from "../group/group.js";
import { VerificationError } from "../signed.js";
import type { Entropy } from "../transcript.js";
import { generatorsOf } from "./generators.js";

/** Most proofs of a batch. */
export const BATCH_MAX = 4096;
const WEIGHT_BYTES = 16;

/** The scalars of one party's generators; all shares of an equation have their own length. */
export interface ShareScalars {
  readonly g: readonly bigint[];
  readonly h: readonly bigint[];
}

/** Scalars in [0, l). */
export interface Equation {
  /** Of B. */
  readonly base: bigint;
  /** Of B~. */
  readonly blinding: bigint;
  /** By party. */
  readonly shares: readonly ShareScalars[];
  readonly points: Points;
  /** Of `points`. */
  readonly scalars: readonly bigint[];
}

/** A proof that is refused. */
export interface Refusal {
  /** Its place in the batch. */
  readonly index: number;
  readonly reason: string;
}

/** to[i] += weight·scalars[i], unreduced. */
function addTo(to: bigint[], scalars: readonly bigint[], weight: bigint): void {
  scalars.forEach((scalar, at) => {
    to[at] = (to[at] ?? 0n) + weight * scalar;
  });
}

/** A sum of equations times weights. */
class WeightedSum {
  private base = 0n;
  private blinding = 0n;
  private readonly shares: { readonly g: bigint[]; readonly h: bigint[] }[] = [];
  private readonly points: Points[] = [];
  private readonly scalars: bigint[] = [];

  add(equation: Equation, weight: bigint): void {
    this.base += weight * equation.base;
    this.blinding += weight * equation.blinding;
    equation.shares.forEach(({ g, h }, party) => {
      const share = this.shares[party] ?? { g: [], h: [] };
      this.shares[party] = share;
      addTo(share.g, g, weight);
      addTo(share.h, h, weight);
    });
    this.points.push(equation.points);
    for (const scalar of equation.scalars) this.scalars.push(weight * scalar);
  }

  isZero(group: Group): boolean {
    const generators = generatorsOf(group);
    const shares = this.shares.flatMap(({ g }, party) => {
      const share = generators.share(party, g.length);
      return [share.g, share.h];
    });
    const scalars = [this.base, this.blinding, ...this.shares.flatMap(({ g, h }) => [g, h])].flat();
    const sum = group.sum(
      scalars.concat(this.scalars).map((scalar) => scalar % L),
      group.concat([generators.pedersen, ...shares, ...this.points]),
    );
    return group.isZero(sum);
  }
}

/** Whether the equation holds. */
export function holds(group: Group, equation: Equation): boolean {
  const sum = new WeightedSum();
  sum.add(equation, 1n);
  return sum.isZero(group);
}

/** The equation of a proof, or why there is none. */
function attempt(claim: () => Equation): Equation | string {
  try {
    return claim();
  } catch (error) {
    if (error instanceof FormatError || error instanceof VerificationError) return error.message;
    throw error;
  }
}

/**
 * Verifies many proofs by one sum, and one by one if that is not zero.
 * @param claims each gives its proof's equation, from a transcript of its own, or throws FormatError or
 *   VerificationError; it is called again if the batch fails. At most 4,096.
 * @param entropy for the weights of 128 bits: who can foresee them can have wrong proofs accepted.
 * @returns the proofs to refuse; of proofs that are all right, none.
 */
export function refusals(group: Group, claims: readonly (() => Equation)[], entropy: Entropy): Refusal[] {
  if (claims.length > BATCH_MAX) throw new Error(`a batch of ${claims.length} proofs`);
  const sum = new WeightedSum();
  const refused: Refusal[] = [];
  claims.forEach((claim, index) => {
    const equation = attempt(claim);
    if (typeof equation === "string") refused.push({ index, reason: equation });
    else sum.add(equation, numberOf(entropy(WEIGHT_BYTES)));
  });
  if (sum.isZero(group)) return refused;
  const wrong = claims.flatMap((claim, index) => {
    const equation = attempt(claim);
    const isRefused = typeof equation !== "string" && !holds(group, equation);
    return isRefused ? [{ index, reason: "the proof does not verify" }] : [];
  });
  if (wrong.length === 0) throw new Error("a batch fails of which no proof does: claims must be repeatable");
  return [...refused, ...wrong].sort((a, b) => a.index - b.index);
}
