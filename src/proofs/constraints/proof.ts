// Proofs of constraint systems: their bytes, and what is said in which order, for prover and verifier. Protocol,
// transcript and bytes are those of the r1cs module of dalek's bulletproofs (after Bünz et al. 2018, section 5).
import { concatBytes } from "@noble/hashes/utils.js";
import { asciiBytes, FormatError } from "../../trusted/encoding/bytes.js";
import { bytesOf } from "../../trusted/sealing/edwards.js";
import { ELEMENT_BYTES, ensureNoIdentity, readElements } from "../bulletproofs/elements.js";
import {
  type InnerProductProof,
  innerProductElements,
  readInnerProduct,
} from "../bulletproofs/inner-product.js";
import { readScalar } from "../scalars.js";
import type { Transcript } from "../transcript.js";
import { MULTIPLIERS_MAX } from "./circuit.js";

/** A_I, A_O and S of one phase, encoded. */
export type WirePoints = readonly [Uint8Array, Uint8Array, Uint8Array];

export interface ConstraintProof {
  readonly first: WirePoints;
  /** Null if the second phase has no multiplier: then all three count as the identity. */
  readonly second: WirePoints | null;
  /** T_1, T_3, T_4, T_5 and T_6, encoded. */
  readonly polynomial: readonly Uint8Array[];
  readonly evaluation: Evaluation;
  readonly innerProduct: InnerProductProof;
}

/** t(x), its blinding scalar, and that of the vectors' commitment. */
export interface Evaluation {
  readonly tx: bigint;
  readonly txBlinding: bigint;
  readonly eBlinding: bigint;
}

/** The first byte: whether the points of the second phase are there. */
const ONE_PHASE = 0;
const TWO_PHASES = 1;
const WIRE_POINTS = 3;
const POLYNOMIAL_POINTS = 5;
const SCALARS = 3;
const ROUNDS_MAX = Math.log2(MULTIPLIERS_MAX);
const WHAT = "constraint proof";

/**
 * Bytes of a proof: `1 + 32·(13 + 2·log2(n))`, 96 more if the second phase has multipliers.
 * @param n multipliers, rounded up to a power of two.
 */
export const constraintProofBytes = (n: number, hasSecondPhase: boolean) =>
  1 + ELEMENT_BYTES * (fixedElements(hasSecondPhase ? TWO_PHASES : ONE_PHASE) + 2 * Math.log2(n));

/** Elements before those of the rounds, and a and b after them. */
const fixedElements = (version: number) => WIRE_POINTS * (1 + version) + POLYNOMIAL_POINTS + SCALARS + 2;

export function encodeConstraintProof(proof: ConstraintProof): Uint8Array {
  const { tx, txBlinding, eBlinding } = proof.evaluation;
  return concatBytes(
    Uint8Array.of(proof.second ? TWO_PHASES : ONE_PHASE),
    ...proof.first,
    ...(proof.second ?? []),
    ...proof.polynomial,
    ...[tx, txBlinding, eBlinding].map(bytesOf),
    ...innerProductElements(proof.innerProduct),
  );
}

/**
 * Takes a proof apart; whether it fits the circuit is for the verifier to see.
 * @throws FormatError for another version or length, or a scalar that is not canonical; VerificationError for a point
 *   that is the identity.
 */
export function decodeConstraintProof(bytes: Uint8Array): ConstraintProof {
  const [version] = bytes;
  if (version !== ONE_PHASE && version !== TWO_PHASES) throw new FormatError(`${WHAT}: of no known version`);
  const rounds = ((bytes.length - 1) / ELEMENT_BYTES - fixedElements(version)) / 2;
  if (!Number.isInteger(rounds) || rounds < 0 || rounds > ROUNDS_MAX) {
    throw new FormatError(`${WHAT}: ${bytes.length} bytes are of no number of rounds`);
  }
  const elements = readElements(bytes.subarray(1), fixedElements(version) + 2 * rounds, WHAT);
  const points = elements.splice(0, WIRE_POINTS * (1 + version) + POLYNOMIAL_POINTS);
  const scalars = elements.splice(0, SCALARS).map((element) => readScalar(element, WHAT));
  const [tx = 0n, txBlinding = 0n, eBlinding = 0n] = scalars;
  ensureNoIdentity([...points, ...elements.slice(0, -2)], WHAT);
  return {
    first: wirePoints(points, 0),
    second: version === TWO_PHASES ? wirePoints(points, WIRE_POINTS) : null,
    polynomial: points.slice(-POLYNOMIAL_POINTS),
    evaluation: { tx, txBlinding, eBlinding },
    innerProduct: readInnerProduct(elements, 2 ** rounds),
  };
}

const IDENTITY = new Uint8Array(ELEMENT_BYTES);

function wirePoints(points: readonly Uint8Array[], from: number): WirePoints {
  const [inputs = IDENTITY, outputs = IDENTITY, masks = IDENTITY] = points.slice(from);
  return [inputs, outputs, masks];
}

function appendAll(transcript: Transcript, labels: readonly string[], points: readonly Uint8Array[]): void {
  labels.forEach((label, at) => {
    transcript.append(label, points[at] ?? IDENTITY);
  });
}

/** The steps of the transcript before the inner product. What the proof is about has been appended before. */
export const steps = {
  begin(transcript: Transcript): void {
    transcript.append("dom-sep", asciiBytes("r1cs v1"));
  },

  commit(transcript: Transcript, commitment: Uint8Array): void {
    transcript.append("V", commitment);
  },

  /** Ends the commitments, `count` of them. */
  committed(transcript: Transcript, count: number): void {
    transcript.appendUint("m", count);
  },

  /** Ends the first phase: from here on the second may draw challenges. */
  firstPhase(transcript: Transcript, points: WirePoints, isRandomized: boolean): void {
    appendAll(transcript, ["A_I1", "A_O1", "S1"], points);
    transcript.append("dom-sep", asciiBytes(isRandomized ? "r1cs-2phase" : "r1cs-1phase"));
  },

  secondPhase(transcript: Transcript, points: WirePoints | null): { y: bigint; z: bigint } {
    appendAll(transcript, ["A_I2", "A_O2", "S2"], points ?? []);
    return { y: transcript.challenge("y"), z: transcript.challenge("z") };
  },

  polynomial(transcript: Transcript, points: readonly Uint8Array[]): { u: bigint; x: bigint } {
    appendAll(transcript, ["T_1", "T_3", "T_4", "T_5", "T_6"], points);
    return { u: transcript.challenge("u"), x: transcript.challenge("x") };
  },

  evaluation(transcript: Transcript, { tx, txBlinding, eBlinding }: Evaluation): bigint {
    transcript.appendScalar("t_x", tx);
    transcript.appendScalar("t_x_blinding", txBlinding);
    transcript.appendScalar("e_blinding", eBlinding);
    return transcript.challenge("w");
  },
};
