// Range proofs: that each of the committed values is below 2^bits, for 1 to 16 values in one proof (Bünz et al. 2018,
// "Bulletproofs", section 4.2). Transcript and bytes are those of dalek's bulletproofs, so that either side may be
// theirs. Everything else that a proof is about must be in the transcript before it comes here.
import { concatBytes } from "@noble/hashes/utils.js";
import { asciiBytes, assert } from "../../trusted/encoding/bytes.js";
import { bytesOf, L } from "../../trusted/sealing/edwards.js";
import type { Group, Points } from "../group/group.js";
import { innerProduct, inverse, modulo, powers, readScalar, sumOfPowers } from "../scalars.js";
import { ensure } from "../signed.js";
import type { Entropy, Transcript } from "../transcript.js";
import { ELEMENT_BYTES, ensureNoIdentity, readElement, readElements } from "./elements.js";
import { type Equation, holds } from "./equation.js";
import { generatorsOf, PARTIES_MAX, pedersen } from "./generators.js";
import {
  combiner,
  foldedScalars,
  type InnerProductProof,
  innerProductElements,
  proveInnerProduct,
  readInnerProduct,
  replayInnerProduct,
} from "./inner-product.js";

export type RangeBits = 8 | 16 | 32 | 64;

/** That every one of the commitments is to a value in [0, 2^bits). */
export interface RangeStatement {
  readonly bits: RangeBits;
  /** 1, 2, 4, 8 or 16 of them, 32 bytes each. */
  readonly commitments: readonly Uint8Array[];
}

/** The prover's side: values and their blinding scalars, in the order of the commitments. */
export interface RangeWitness {
  readonly bits: RangeBits;
  readonly values: readonly bigint[];
  readonly blindings: readonly bigint[];
}

/** A, S, T_1 and T_2, encoded, and the scalars of the proof. */
interface RangeProof {
  readonly bitPoints: readonly Uint8Array[];
  readonly polynomialPoints: readonly Uint8Array[];
  readonly tx: bigint;
  readonly txBlinding: bigint;
  readonly eBlinding: bigint;
  readonly innerProduct: InnerProductProof;
}

/** A, S, T_1, T_2, t_x, its blinding and e's. */
const HEAD_ELEMENTS = 7;
const elementCount = (n: number) => HEAD_ELEMENTS + 2 * Math.log2(n) + 2;

/** Bytes of a proof: `32·(9 + 2·log2(bits·parties))`. */
export const rangeProofBytes = (bits: RangeBits, parties: number) =>
  ELEMENT_BYTES * elementCount(bits * parties);

function assertParties(count: number): void {
  assert(count >= 1 && count <= PARTIES_MAX && Number.isInteger(Math.log2(count)), "1 to 16 parties, 2^k");
}

/** The steps of the transcript before the inner product, for prover and verifier. */
const steps = {
  begin(transcript: Transcript, { bits, commitments }: RangeStatement): void {
    transcript.append("dom-sep", asciiBytes("rangeproof v1"));
    transcript.appendUint("n", bits);
    transcript.appendUint("m", commitments.length);
    for (const commitment of commitments) transcript.append("V", commitment);
  },

  bits(transcript: Transcript, points: readonly Uint8Array[]): { y: bigint; z: bigint } {
    appendPoints(transcript, ["A", "S"], points);
    return { y: transcript.challenge("y"), z: transcript.challenge("z") };
  },

  polynomial(transcript: Transcript, points: readonly Uint8Array[]): bigint {
    appendPoints(transcript, ["T_1", "T_2"], points);
    return transcript.challenge("x");
  },

  evaluation(transcript: Transcript, proof: Pick<RangeProof, "tx" | "txBlinding" | "eBlinding">): bigint {
    transcript.appendScalar("t_x", proof.tx);
    transcript.appendScalar("t_x_blinding", proof.txBlinding);
    transcript.appendScalar("e_blinding", proof.eBlinding);
    return transcript.challenge("w");
  },
};

function appendPoints(transcript: Transcript, labels: readonly string[], points: readonly Uint8Array[]) {
  labels.forEach((label, at) => {
    transcript.append(label, points[at] ?? new Uint8Array(0));
  });
}

function encodeRangeProof(proof: RangeProof): Uint8Array {
  return concatBytes(
    ...proof.bitPoints,
    ...proof.polynomialPoints,
    ...[proof.tx, proof.txBlinding, proof.eBlinding].map(bytesOf),
    ...innerProductElements(proof.innerProduct),
  );
}

/** @throws FormatError for another length or scalars that are not canonical; VerificationError for an identity. */
function decodeRangeProof(bytes: Uint8Array, n: number): RangeProof {
  const elements = readElements(bytes, elementCount(n), "range proof");
  const [tx = 0n, txBlinding = 0n, eBlinding = 0n] = elements
    .slice(4, HEAD_ELEMENTS)
    .map((element) => readScalar(element, "range proof"));
  ensureNoIdentity([...elements.slice(0, 4), ...elements.slice(HEAD_ELEMENTS, -2)], "range proof");
  return {
    bitPoints: elements.slice(0, 2),
    polynomialPoints: elements.slice(2, 4),
    tx,
    txBlinding,
    eBlinding,
    innerProduct: readInnerProduct(elements.slice(HEAD_ELEMENTS), n),
  };
}

/** The vectors G and H of all parties, one after the other, `bits` points of each. */
function rangeGenerators(group: Group, bits: number, parties: number): { g: Points; h: Points } {
  const shares = Array.from({ length: parties }, (_, party) => generatorsOf(group).share(party, bits));
  return { g: group.concat(shares.map(({ g }) => g)), h: group.concat(shares.map(({ h }) => h)) };
}

/** z^(2+j) for party j. */
const valueWeights = (z: bigint, parties: number) => powers(z, parties + 2).slice(2);

/** z^(2+j)·2^i for bit i of party j. */
const bitWeights = (z: bigint, bits: number, parties: number) =>
  valueWeights(z, parties).flatMap((weight) =>
    Array.from({ length: bits }, (_, bit) => (weight << BigInt(bit)) % L),
  );

/** l(x) = l0 + l1·x and r(x) = r0 + r1·x of section 4.1. */
interface Vectors {
  readonly l0: readonly bigint[];
  readonly l1: readonly bigint[];
  readonly r0: readonly bigint[];
  readonly r1: readonly bigint[];
}

/** Bits of all values, least significant first. */
const bitsOf = ({ bits, values }: RangeWitness) =>
  values.flatMap((value) => Array.from({ length: bits }, (_, bit) => (value >> BigInt(bit)) & 1n));

function vectorsOf(
  left: readonly bigint[],
  blinds: { readonly left: readonly bigint[]; readonly right: readonly bigint[] },
  weights: readonly bigint[],
  { y, z }: { readonly y: bigint; readonly z: bigint },
): Vectors {
  const ys = powers(y, left.length);
  const at = (list: readonly bigint[], index: number) => list[index] ?? 0n;
  return {
    l0: left.map((bit) => modulo(bit - z)),
    l1: blinds.left,
    r0: left.map((bit, i) => modulo(at(ys, i) * (bit - 1n + z) + at(weights, i))),
    r1: blinds.right.map((blind, i) => (at(ys, i) * blind) % L),
  };
}

/** Commits to the bits: A = α·B~ + <bits, G> + <bits - 1, H> and S likewise of the blinds. */
function commitVectors(
  group: Group,
  generators: { readonly g: Points; readonly h: Points },
  blinding: bigint,
  left: readonly bigint[],
  right: readonly bigint[],
): Uint8Array {
  const blindingBase = generatorsOf(group).pedersen.slice(1, 2);
  const points = group.concat([blindingBase, generators.g, generators.h]);
  return group.encode(group.sumSecret([blinding, ...left, ...right], points));
}

function assertWitness({ bits, values, blindings }: RangeWitness): void {
  assertParties(values.length);
  assert(blindings.length === values.length, "a blinding scalar for each value");
  const inRange = values.every((value) => value >= 0n && value < 1n << BigInt(bits));
  if (!inRange) throw new Error(`a value is not below 2^${bits}: no proof is made`);
}

/**
 * Proves that all values are in [0, 2^bits).
 * @returns the proof, of `rangeProofBytes`, and the commitments.
 * @throws Error for a value out of range: nothing leaves.
 */
export function proveRange(
  group: Group,
  transcript: Transcript,
  witness: RangeWitness,
  entropy: Entropy,
): { proof: Uint8Array; commitments: Uint8Array[] } {
  assertWitness(witness);
  return proveDigits(group, transcript, witness, bitsOf(witness), entropy);
}

/**
 * The proof itself, for any digits, least significant first. One that verifies comes only of bits whose sums are the
 * values; nobody checks here whether they are.
 */
export function proveDigits(
  group: Group,
  transcript: Transcript,
  { bits, values, blindings }: RangeWitness,
  digits: readonly bigint[],
  entropy: Entropy,
): { proof: Uint8Array; commitments: Uint8Array[] } {
  const commitments = values.map((value, at) => pedersen(group, value, blindings[at] ?? 0n));
  steps.begin(transcript, { bits, commitments });
  const nonces = transcript.nonces([...values, ...blindings], entropy);
  const [alpha, rho, tau1, tau2] = [nonces.scalar(), nonces.scalar(), nonces.scalar(), nonces.scalar()];
  const blinds = { left: nonces.scalars(digits.length), right: nonces.scalars(digits.length) };
  const generators = rangeGenerators(group, bits, values.length);
  const right = digits.map((digit) => modulo(digit - 1n));
  const bitPoints = [
    commitVectors(group, generators, alpha, digits, right),
    commitVectors(group, generators, rho, blinds.left, blinds.right),
  ];
  const { y, z } = steps.bits(transcript, bitPoints);

  const { l0, l1, r0, r1 } = vectorsOf(digits, blinds, bitWeights(z, bits, values.length), { y, z });
  const t0 = innerProduct(l0, r0);
  const t1 = (innerProduct(l0, r1) + innerProduct(l1, r0)) % L;
  const t2 = innerProduct(l1, r1);
  const polynomialPoints = [pedersen(group, t1, tau1), pedersen(group, t2, tau2)];
  const x = steps.polynomial(transcript, polynomialPoints);

  const evaluation = {
    tx: (t0 + x * (t1 + x * t2)) % L,
    txBlinding: (innerProduct(valueWeights(z, values.length), blindings) + x * (tau1 + x * tau2)) % L,
    eBlinding: (alpha + x * rho) % L,
  };
  const w = steps.evaluation(transcript, evaluation);
  const basis = { ...generators, split: digits.length, scale: 1n, hRatio: inverse(y) };
  const [l, r] = [evaluateVector(l0, l1, x), evaluateVector(r0, r1, x)];
  const innerProductProof = proveInnerProduct(group, transcript, w, basis, l, r);
  const proof = encodeRangeProof({
    bitPoints,
    polynomialPoints,
    ...evaluation,
    innerProduct: innerProductProof,
  });
  return { proof, commitments };
}

/** zero + one·x, element by element. */
const evaluateVector = (zero: readonly bigint[], one: readonly bigint[], x: bigint) =>
  zero.map((value, at) => (value + x * (one[at] ?? 0n)) % L);

/**
 * The equation that holds if, and but for a chance of 2^-240 only if, the proof is right: both checks of section 4.1
 * in one, the first times a challenge `c` which is drawn from everything that the prover has said.
 * @throws FormatError for bytes that are no proof or commitment, VerificationError for a point of the proof that is
 *   the identity.
 */
export function rangeEquation(
  group: Group,
  transcript: Transcript,
  statement: RangeStatement,
  bytes: Uint8Array,
): Equation {
  const { bits, commitments } = statement;
  const parties = commitments.length;
  assertParties(parties);
  const n = bits * parties;
  const proof = decodeRangeProof(bytes, n);
  for (const commitment of commitments) readElement(commitment, "commitment");
  steps.begin(transcript, statement);
  const { y, z } = steps.bits(transcript, proof.bitPoints);
  const x = steps.polynomial(transcript, proof.polynomialPoints);
  const w = steps.evaluation(transcript, proof);
  const replay = replayInnerProduct(transcript, n, proof.innerProduct);
  const c = combiner(transcript, proof.innerProduct);

  const { a, b, rounds } = proof.innerProduct;
  const as = foldedScalars(replay, a);
  const bs = foldedScalars(replay, b).reverse();
  const yInverses = powers(inverse(y), n);
  const weights = bitWeights(z, bits, parties);
  const g = as.map((scalar) => modulo(-z - scalar));
  const h = bs.map((scalar, i) => modulo(z + (yInverses[i] ?? 0n) * ((weights[i] ?? 0n) - scalar)));
  const valueScalars = valueWeights(z, parties).map((weight) => (c * weight) % L);
  const encodings = [
    ...proof.bitPoints,
    ...proof.polynomialPoints,
    ...rounds.map(({ left }) => left),
    ...rounds.map(({ right }) => right),
    ...commitments,
  ];
  return {
    base: modulo(w * (proof.tx - a * b) + c * (delta(y, z, bits, parties) - proof.tx)),
    blinding: modulo(-proof.eBlinding - c * proof.txBlinding),
    shares: Array.from({ length: parties }, (_, party) => ({
      g: g.slice(party * bits, (party + 1) * bits),
      h: h.slice(party * bits, (party + 1) * bits),
    })),
    points: group.decode(concatBytes(...encodings)),
    scalars: [
      ...[1n, x, (c * x) % L, (((c * x) % L) * x) % L],
      ...replay.squares,
      ...replay.inverseSquares,
      ...valueScalars,
    ],
  };
}

/** δ(y, z) of section 4.2: (z - z^2)·<1, y^n> - Σ z^(3+j)·<1, 2^bits>. */
function delta(y: bigint, z: bigint, bits: number, parties: number): bigint {
  const ones = (1n << BigInt(bits)) - 1n;
  const zz = (z * z) % L;
  const zSum = (((zz * z) % L) * sumOfPowers(z, parties)) % L;
  return modulo((z - zz) * sumOfPowers(y, bits * parties) - zSum * ones);
}

/**
 * Verifies a proof. Many are verified faster by `refusals` of their equations.
 * @throws VerificationError if it does not prove the statement; FormatError as `rangeEquation`.
 */
export function verifyRange(
  group: Group,
  transcript: Transcript,
  statement: RangeStatement,
  proof: Uint8Array,
): void {
  ensure(holds(group, rangeEquation(group, transcript, statement, proof)), "the range proof does not verify");
}
