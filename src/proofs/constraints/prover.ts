// The prover of a constraint system (Bünz et al. 2018, "Bulletproofs", section 5; two phases as in dalek's
// bulletproofs): it collects what gadgets ask of it with all values, and makes a proof that tells no value. It makes
// none of what does not hold.
import { concatBytes } from "@noble/hashes/utils.js";
import { assert } from "../../trusted/encoding/bytes.js";
import { L } from "../../trusted/sealing/edwards.js";
import { generatorsOf, pedersen } from "../bulletproofs/generators.js";
import { proveInnerProduct } from "../bulletproofs/inner-product.js";
import type { Group } from "../group/group.js";
import { innerProduct, inverse, powers } from "../scalars.js";
import type { Entropy, Nonces, Transcript } from "../transcript.js";
import { Assignment, type Wires } from "./assignment.js";
import type { Flattened } from "./circuit.js";
import { type ConstraintProof, encodeConstraintProof, steps, type WirePoints } from "./proof.js";
import type { FirstPhase, Linear, Multiplier, RandomizedSystem, Variable } from "./system.js";

/** What hides the wires of one phase: the blinding scalars of A_I, A_O and S, and the vectors s_L and s_R. */
interface Blinds {
  readonly input: bigint;
  readonly output: bigint;
  readonly mask: bigint;
  readonly left: readonly bigint[];
  readonly right: readonly bigint[];
}

const NO_BLINDS: Blinds = { input: 0n, output: 0n, mask: 0n, left: [], right: [] };

function drawBlinds(nonces: Nonces, count: number): Blinds {
  return {
    input: nonces.scalar(),
    output: nonces.scalar(),
    mask: nonces.scalar(),
    left: nonces.scalars(count),
    right: nonces.scalars(count),
  };
}

export class Prover implements FirstPhase {
  protected readonly assignment = new Assignment();
  private readonly group: Group;
  private readonly transcript: Transcript;
  private readonly commitments: Uint8Array[] = [];
  private readonly blindings: bigint[] = [];

  /** @param transcript holds all that the proof is about beyond the commitments. */
  constructor(group: Group, transcript: Transcript) {
    this.group = group;
    this.transcript = transcript;
    steps.begin(transcript);
  }

  /**
   * A value that has been committed to before, `value·B + blinding·B~`: a reading, say. Whether it has is checked
   * before a proof is made.
   * @param value, blinding in [0, l).
   */
  commitExisting(commitment: Uint8Array, value: bigint, blinding: bigint): Variable {
    steps.commit(this.transcript, commitment);
    this.commitments.push(commitment);
    this.blindings.push(blinding);
    return this.assignment.commit(value);
  }

  multiply(left: Linear, right: Linear): Multiplier {
    return this.assignment.multiply(left, right);
  }

  allocate(inputs: readonly [bigint, bigint] | null): Multiplier {
    return this.assignment.allocate(inputs);
  }

  constrain(zero: Linear): void {
    this.assignment.constrain(zero);
  }

  evaluate(sum: Linear): bigint {
    return this.assignment.evaluate(sum);
  }

  randomize(callback: (system: RandomizedSystem) => void): void {
    this.assignment.randomize(callback);
  }

  /**
   * The proof, of `constraintProofBytes`; once.
   * @throws Error if a constraint does not hold, or a commitment does not open to its value: nothing leaves.
   */
  prove(entropy: Entropy): Uint8Array {
    const { transcript, assignment } = this;
    const { circuit } = assignment;
    steps.committed(transcript, this.commitments.length);
    const firstNonces = transcript.nonces(this.secrets(0), entropy);
    this.assertOpenings(firstNonces);
    const split = circuit.multipliers;
    const firstBlinds = drawBlinds(firstNonces, split);
    const first = this.commitWires(firstBlinds, 0);
    steps.firstPhase(transcript, first, circuit.isRandomized);

    assignment.runSecondPhase((label) => transcript.challenge(label));
    this.assertWitness();
    const nonces = transcript.nonces(this.secrets(split), entropy);
    const added = circuit.multipliers - split;
    const secondBlinds = added > 0 ? drawBlinds(nonces, added) : NO_BLINDS;
    const second = added > 0 ? this.commitWires(secondBlinds, split) : null;
    const rest = this.proveVectors([firstBlinds, secondBlinds], second, split, nonces);
    return encodeConstraintProof({ first, second, ...rest });
  }

  /** From the second phase's points on: the vectors l(x) and r(x), and that their inner product is t(x). */
  private proveVectors(
    blinds: readonly [Blinds, Blinds],
    second: WirePoints | null,
    split: number,
    nonces: Nonces,
  ): Pick<ConstraintProof, "polynomial" | "evaluation" | "innerProduct"> {
    const { group, transcript } = this;
    const { circuit, wires } = this.assignment;
    const { y, z } = steps.secondPhase(transcript, second);
    const flattened = circuit.flatten(z);
    const ys = powers(y, circuit.paddedMultipliers);
    const hRatio = inverse(y);
    const vectors = vectorPolynomials(wires, blinds, flattened, ys, powers(hRatio, circuit.multipliers));
    const coefficients = productCoefficients(vectors);
    // t_2 is bound by the commitments themselves, and its blinding follows from theirs.
    const tau2 = innerProduct(flattened.committed, this.blindings);
    const tau = [nonces.scalar(), tau2, ...nonces.scalars(4)];
    const polynomial = [0, 2, 3, 4, 5].map((at) => pedersen(group, coefficients[at] ?? 0n, tau[at] ?? 0n));
    const { u, x } = steps.polynomial(transcript, polynomial);

    const [one, two] = blinds;
    const wireBlindings = [one.input + u * two.input, one.output + u * two.output, one.mask + u * two.mask];
    const evaluation = {
      tx: evaluateAt(coefficients, x),
      txBlinding: evaluateAt(tau, x),
      eBlinding: evaluateAt(wireBlindings, x),
    };
    const w = steps.evaluation(transcript, evaluation);
    const { l, r } = evaluateVectors(vectors, ys, x);
    const basis = { ...generatorsOf(group).share(0, ys.length), split, scale: u, hRatio };
    return { polynomial, evaluation, innerProduct: proveInnerProduct(group, transcript, w, basis, l, r) };
  }

  /** Throws unless everything holds. */
  protected assertWitness(): void {
    const fault = this.assignment.firstFault();
    if (fault !== null) throw new Error(`${fault}: no proof is made`);
  }

  /** All that the blinding scalars of a phase should depend on, of multipliers from `from` on. */
  private secrets(from: number): bigint[] {
    const { committed, left, right } = this.assignment.wires;
    return [...committed, ...this.blindings, ...left.slice(from), ...right.slice(from)];
  }

  /** A_I, A_O and S of the multipliers from `from` on. */
  private commitWires(blinds: Blinds, from: number): WirePoints {
    const { group } = this;
    const { left, right, output } = this.assignment.wires;
    const generators = generatorsOf(this.group);
    const share = generators.share(0, output.length);
    const blinding = generators.pedersen.slice(1, 2);
    const g = share.g.slice(from, output.length);
    const both = group.concat([blinding, g, share.h.slice(from, output.length)]);
    const one = group.concat([blinding, g]);
    return [
      group.encode(group.sumSecret([blinds.input, ...left.slice(from), ...right.slice(from)], both)),
      group.encode(group.sumSecret([blinds.output, ...output.slice(from)], one)),
      group.encode(group.sumSecret([blinds.mask, ...blinds.left, ...blinds.right], both)),
    ];
  }

  /** That the commitments open to the values, all at once by random weights; else no verifier would accept. */
  private assertOpenings(nonces: Nonces): void {
    const { group, commitments } = this;
    const weights = nonces.scalars(commitments.length);
    const sum = group.sum(weights, group.decode(concatBytes(...commitments)));
    const opened = group.sumSecret(
      [innerProduct(weights, this.assignment.wires.committed), innerProduct(weights, this.blindings)],
      generatorsOf(group).pedersen,
    );
    const isOpened = group.isZero(group.add(sum, group.negate(opened)));
    assert(isOpened, "every commitment opens to its value: no proof is made");
  }
}

/** x·(c_0 + x·(c_1 + ...)). */
const evaluateAt = (coefficients: readonly bigint[], x: bigint) =>
  coefficients.reduceRight((sum, coefficient) => ((sum + coefficient) * x) % L, 0n);

/**
 * l(x) = l1·x + l2·x^2 + l3·x^3 and r(x) = r0 + r1·x + r3·x^3 of section 5.1, for the multipliers of both phases.
 */
interface VectorPolynomials {
  readonly l1: readonly bigint[];
  readonly l2: readonly bigint[];
  readonly l3: readonly bigint[];
  readonly r0: readonly bigint[];
  readonly r1: readonly bigint[];
  readonly r3: readonly bigint[];
}

/** @param ys, yInverses powers of y and of 1/y, as many as multipliers or more. */
function vectorPolynomials(
  { left, right, output }: Wires,
  blinds: readonly Blinds[],
  flattened: Flattened,
  ys: readonly bigint[],
  yInverses: readonly bigint[],
): VectorPolynomials {
  const at = (list: readonly bigint[], index: number) => list[index] ?? 0n;
  return {
    l1: left.map((wire, i) => (wire + at(yInverses, i) * at(flattened.right, i)) % L),
    l2: output,
    l3: blinds.flatMap((blind) => blind.left),
    r0: flattened.output.map((weight, i) => (weight + L - at(ys, i)) % L),
    r1: right.map((wire, i) => (at(ys, i) * wire + at(flattened.left, i)) % L),
    r3: blinds.flatMap((blind) => blind.right).map((blind, i) => (at(ys, i) * blind) % L),
  };
}

/** The coefficients of <l(x), r(x)>, of x to x^6. */
function productCoefficients({ l1, l2, l3, r0, r1, r3 }: VectorPolynomials): bigint[] {
  return [
    innerProduct(l1, r0),
    (innerProduct(l1, r1) + innerProduct(l2, r0)) % L,
    (innerProduct(l2, r1) + innerProduct(l3, r0)) % L,
    (innerProduct(l1, r3) + innerProduct(l3, r1)) % L,
    innerProduct(l2, r3),
    innerProduct(l3, r3),
  ];
}

/**
 * l(x) and r(x), as many elements as there are powers of y: those beyond the multipliers are as of multipliers
 * whose wires are zero.
 */
function evaluateVectors(
  { l1, l2, l3, r0, r1, r3 }: VectorPolynomials,
  ys: readonly bigint[],
  x: bigint,
): { l: bigint[]; r: bigint[] } {
  const [, , x2 = 0n, x3 = 0n] = powers(x, 4);
  const l = l1.map((one, i) => (one * x + (l2[i] ?? 0n) * x2 + (l3[i] ?? 0n) * x3) % L);
  const r = r0.map((zero, i) => (zero + (r1[i] ?? 0n) * x + (r3[i] ?? 0n) * x3) % L);
  const padding = ys.slice(l.length);
  return { l: l.concat(padding.map(() => 0n)), r: r.concat(padding.map((power) => L - power)) };
}
