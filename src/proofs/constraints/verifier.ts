// The verifier of a constraint system: it collects what the same gadgets ask of it, without values, and turns a proof
// into one equation (Bünz et al. 2018, "Bulletproofs", sections 5 and 6.2; in dalek's form).
import { concatBytes } from "@noble/hashes/utils.js";
import { L } from "../../trusted/sealing/edwards.js";
import { readElement } from "../bulletproofs/elements.js";
import { type Equation, holds } from "../bulletproofs/equation.js";
import { combiner, foldedScalars, type Replay, replayInnerProduct } from "../bulletproofs/inner-product.js";
import type { Group } from "../group/group.js";
import { innerProduct, inverse, modulo, powers } from "../scalars.js";
import { ensure } from "../signed.js";
import type { Transcript } from "../transcript.js";
import { Circuit, type Flattened } from "./circuit.js";
import { type ConstraintProof, decodeConstraintProof, steps } from "./proof.js";
import type { FirstPhase, Linear, Multiplier, RandomizedSystem, Variable } from "./system.js";

/** The challenges of a proof, and c, which joins its two checks. */
interface Challenges {
  readonly y: bigint;
  readonly z: bigint;
  readonly u: bigint;
  readonly x: bigint;
  readonly w: bigint;
  readonly c: bigint;
}

export class Verifier implements FirstPhase {
  private readonly circuit = new Circuit();
  private readonly group: Group;
  private readonly transcript: Transcript;
  private readonly commitments: Uint8Array[] = [];

  /** @param transcript holds all that the proof is about beyond the commitments. */
  constructor(group: Group, transcript: Transcript) {
    this.group = group;
    this.transcript = transcript;
    steps.begin(transcript);
  }

  /** A committed value that the proof is about, by its commitment. @throws FormatError unless that is of 32 bytes. */
  commit(commitment: Uint8Array): Variable {
    steps.commit(this.transcript, readElement(commitment, "commitment"));
    this.commitments.push(commitment);
    return this.circuit.commit();
  }

  multiply(left: Linear, right: Linear): Multiplier {
    return this.circuit.multiply(left, right);
  }

  allocate(_inputs: readonly [bigint, bigint] | null): Multiplier {
    return this.circuit.allocate();
  }

  constrain(zero: Linear): void {
    this.circuit.constrain(zero);
  }

  evaluate(_sum: Linear): null {
    return null;
  }

  randomize(callback: (system: RandomizedSystem) => void): void {
    this.circuit.randomize(callback);
  }

  /**
   * Verifies a proof; once. Many are verified faster by `refusals` of their equations.
   * @throws VerificationError if it does not prove the statement; FormatError as `equation`.
   */
  verify(proof: Uint8Array): void {
    ensure(holds(this.group, this.equation(proof)), "the constraint proof does not verify");
  }

  /**
   * The equation that holds if, and but for a negligible chance only if, the proof is right; once.
   * @throws FormatError for bytes that are no proof or commitment; VerificationError for a proof about another number
   *   of multipliers, or with a point that is the identity.
   */
  equation(bytes: Uint8Array): Equation {
    const { circuit, transcript, group } = this;
    const proof = decodeConstraintProof(bytes);
    steps.committed(transcript, this.commitments.length);
    const split = circuit.multipliers;
    steps.firstPhase(transcript, proof.first, circuit.isRandomized);
    this.runSecondPhase();

    const n = circuit.paddedMultipliers;
    ensure(2 ** proof.innerProduct.rounds.length === n, `the proof is not about ${n} multipliers`);
    const hasSecond = circuit.multipliers > split;
    ensure((proof.second !== null) === hasSecond, "the proof has not the phases of the statement");
    const { y, z } = steps.secondPhase(transcript, proof.second);
    const { u, x } = steps.polynomial(transcript, proof.polynomial);
    const w = steps.evaluation(transcript, proof.evaluation);
    const replay = replayInnerProduct(transcript, n, proof.innerProduct);
    const c = combiner(transcript, proof.innerProduct);

    const challenges = { y, z, u, x, w, c };
    const flattened = circuit.flatten(z);
    const points = group.decode(concatBytes(...pointsOf(proof), ...this.commitments));
    return assemble(proof, points, flattened, split, replay, challenges);
  }

  private runSecondPhase(): void {
    const { transcript } = this;
    this.circuit.runSecondPhase({
      multiply: (left, right) => this.multiply(left, right),
      allocate: (inputs) => this.allocate(inputs),
      constrain: (zero) => this.constrain(zero),
      evaluate: (sum) => this.evaluate(sum),
      challenge: (label) => transcript.challenge(label),
    });
  }
}

/** The points of a proof in the order of their scalars in the equation. */
function pointsOf({ first, second, polynomial, innerProduct }: ConstraintProof): Uint8Array[] {
  const { rounds } = innerProduct;
  return [
    ...first,
    ...(second ?? []),
    ...polynomial,
    ...rounds.map(({ left }) => left),
    ...rounds.map(({ right }) => right),
  ];
}

/** The sum that is zero: the check of the vectors, and c times that of t(x). */
function assemble(
  proof: ConstraintProof,
  points: Equation["points"],
  flattened: Flattened,
  split: number,
  replay: Replay,
  challenges: Challenges,
): Equation {
  const { u, x, w, c, y } = challenges;
  const { tx, txBlinding, eBlinding } = proof.evaluation;
  const { a, b, rounds } = proof.innerProduct;
  const [, , x2 = 0n, x3 = 0n, x4 = 0n, x5 = 0n, x6 = 0n] = powers(x, 7);
  const yInverses = powers(inverse(y), 2 ** rounds.length);
  const rights = flattened.right.map((weight, at) => (weight * (yInverses[at] ?? 0n)) % L);
  const delta = innerProduct(rights, flattened.left);
  const factor = (at: number) => (at < split ? 1n : u);

  const g = foldedScalars(replay, a).map((folded, at) =>
    modulo(factor(at) * ((rights[at] ?? 0n) * x - folded)),
  );
  const bs = foldedScalars(replay, b).reverse();
  const h = bs.map((folded, at) => {
    const weights = (flattened.left[at] ?? 0n) * x + (flattened.output[at] ?? 0n) - folded;
    return modulo(factor(at) * (((yInverses[at] ?? 0n) * weights) % L) - factor(at));
  });
  const wireScalars = [x, x2, x3];
  return {
    base: modulo(w * (tx - a * b) + c * (x2 * (flattened.constant + delta) - tx)),
    blinding: modulo(-eBlinding - c * txBlinding),
    shares: [{ g, h }],
    points,
    scalars: [
      ...wireScalars,
      ...(proof.second ? wireScalars.map((scalar) => scalar * u) : []),
      ...[x, x3, x4, x5, x6].map((power) => c * power),
      ...replay.squares,
      ...replay.inverseSquares,
      ...flattened.committed.map((weight) => c * x2 * weight),
    ].map((scalar) => scalar % L),
  };
}
