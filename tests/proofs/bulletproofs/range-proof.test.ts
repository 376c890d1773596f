import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { pedersen } from "../../../src/proofs/bulletproofs/generators.js";
import {
  proveDigits,
  proveRange,
  type RangeBits,
  rangeProofBytes,
  verifyRange,
} from "../../../src/proofs/bulletproofs/range-proof.js";
import { Transcript } from "../../../src/proofs/transcript.js";
import { isRefused, survivors } from "../../mutants.js";
import vectors from "../../vectors/bulletproofs-dalek.json" with { type: "json" };
import madeByDalek from "../../vectors/bulletproofs-dalek-made.json" with { type: "json" };
import { entropyOf, UnblindedTranscript } from "../entropy.js";
import { GROUPS } from "../groups.js";
import { spoiledElements, wrongLengths } from "./mutants.js";

const LABEL = "range proof test";
const dalekCommitments = vectors.valueCommitments.map(hexToBytes);
const dalekProofs = vectors.rangeProofs.map(({ parties, proof }) => ({
  parties,
  bytes: hexToBytes(proof),
  commitments: dalekCommitments.slice(0, parties),
}));
const BITS = [8, 16, 32, 64] as const;
const made = madeByDalek.rangeProofs.map(({ bits, values, proof }) => ({
  bits: BITS.find((known) => known === bits) ?? 64,
  parties: values.length,
  values: values.map(BigInt),
  bytes: hexToBytes(proof),
}));
const [dalekSingle, dalekPair] = dalekProofs as [(typeof dalekProofs)[0], (typeof dalekProofs)[0]];

describe.each(GROUPS)("range proofs over the group of $name", (group) => {
  const verifyDalek = (proof: Uint8Array, commitments: readonly Uint8Array[], bits: RangeBits = 32) =>
    verifyRange(group, new Transcript(vectors.transcriptLabel), { bits, commitments }, proof);
  const prove = (bits: RangeBits, values: readonly bigint[], seed = "seed") => {
    const blindings = values.map((_, at) => BigInt(at) + 7n);
    return proveRange(group, new Transcript(LABEL), { bits, values, blindings }, entropyOf(seed));
  };
  const verify = (bits: RangeBits, commitments: readonly Uint8Array[], proof: Uint8Array) =>
    verifyRange(group, new Transcript(LABEL), { bits, commitments }, proof);

  it.each(dalekProofs)("verify where dalek made them, 32 bits for $parties parties", ({
    bytes,
    commitments,
  }) => {
    verifyDalek(bytes, commitments);
    expect(bytes.length).toBe(rangeProofBytes(32, commitments.length));
  });

  it.each(
    made,
  )("of $bits bits and $parties parties verify where dalek made them, and where they are made here", (dalek) => {
    const { bits, values } = dalek;
    const { proof, commitments } = prove(bits, values);
    verify(bits, commitments, proof);
    verify(bits, commitments, dalek.bytes);
    expect(proof.length).toBe(32 * (9 + 2 * Math.log2(bits * values.length)));
    expect(proof.length).toBe(dalek.bytes.length);
    expect(commitments[0]).toEqual(pedersen(group, values[0] ?? 0n, 7n));
  });

  it("are a function of statement, witness and entropy, and with other entropy another", () => {
    expect(prove(8, [5n])).toEqual(prove(8, [5n]));
    const [one, other] = [prove(8, [5n]).proof, prove(8, [5n], "other").proof];
    const elements = Array.from({ length: one.length / 32 }, (_, at) => at * 32);
    const isAlike = (at: number) => Buffer.compare(one.slice(at, at + 32), other.slice(at, at + 32)) === 0;
    expect(elements.filter(isAlike)).toEqual([]);
  });

  it("do not verify once any element is another, another's, the identity or not canonical", () => {
    const mutants = spoiledElements(dalekSingle.bytes);
    expect(mutants.length).toBeGreaterThan(19 * 5);
    expect(survivors(mutants, (bytes) => verifyDalek(bytes, dalekSingle.commitments))).toEqual([]);
  });

  it("do not verify cut or extended", () => {
    const mutants = wrongLengths(dalekSingle.bytes);
    expect(survivors(mutants, (bytes) => verifyDalek(bytes, dalekSingle.commitments))).toEqual([]);
  });

  it("do not verify for other commitments, another order, another range, label or beginning of the transcript", () => {
    const { bytes, commitments } = dalekPair;
    const [first, second, third] = dalekCommitments as [Uint8Array, Uint8Array, Uint8Array];
    const verifyAfter = (label: string, message: Uint8Array | null) => () => {
      const transcript = new Transcript(label);
      if (message) transcript.append("public", message);
      verifyRange(group, transcript, { bits: 32, commitments }, bytes);
    };
    const attempts = {
      "another commitment": () => verifyDalek(bytes, [first, third]),
      "another order": () => verifyDalek(bytes, [second, first]),
      "the identity": () => verifyDalek(bytes, [first, new Uint8Array(32)]),
      "no element": () => verifyDalek(bytes, [first, second.map((byte) => byte ^ 1)]),
      "one of 64 bits": () => verifyDalek(bytes, [first], 64),
      "four of 16 bits": () => verifyDalek(bytes, dalekCommitments.slice(0, 4), 16),
      "another label": verifyAfter("another", null),
      "another beginning": verifyAfter(vectors.transcriptLabel, new Uint8Array(1)),
    };
    const taken = Object.entries(attempts).filter(([, attempt]) => !isRefused(attempt));
    expect(taken.map(([what]) => what)).toEqual([]);
    expect(isRefused(verifyAfter(vectors.transcriptLabel, null))).toBe(false);
  });

  it("are of commitments of 32 bytes each, not of as many in all", () => {
    const [first, second] = dalekCommitments as [Uint8Array, Uint8Array];
    const shifted = [first.subarray(0, 31), concatBytes(first.subarray(31), second)];
    expect(() => verifyDalek(dalekPair.bytes, shifted)).toThrow("commitment: 31 bytes");
  });

  it("do not verify where a point is the identity because nothing was blinded", () => {
    const witness = { bits: 8, values: [5n], blindings: [0n] } as const;
    const { proof, commitments } = proveRange(
      group,
      new UnblindedTranscript(LABEL),
      witness,
      entropyOf("none"),
    );
    expect(() => verify(8, commitments, proof)).toThrow("identity");
    expect(proof.slice(32, 64)).toEqual(new Uint8Array(32));
  });

  it("are not made for a value out of range, in any place", () => {
    for (const wrong of [256n, -1n, 2n ** 252n]) {
      expect(() => prove(8, [wrong])).toThrow("not below 2^8");
      expect(() => prove(8, [1n, wrong])).toThrow("not below 2^8");
    }
    expect(() => prove(8, [1n, 2n, 3n])).toThrow("parties");
  });

  it("do not verify where a prover writes a value out of range, or a wrong one, with digits that are no bits", () => {
    const take = (values: readonly bigint[], digits: readonly bigint[]) => {
      const witness = { bits: 8, values, blindings: values.map(() => 9n) } as const;
      const { proof, commitments } = proveDigits(
        group,
        new Transcript(LABEL),
        witness,
        digits,
        entropyOf("forged"),
      );
      verify(8, commitments, proof);
    };
    const five = [1n, 0n, 1n, 0n, 0n, 0n, 0n, 0n];
    expect(isRefused(() => take([5n], five))).toBe(false);
    expect(isRefused(() => take([300n], [0n, 0n, 1n, 1n, 0n, 1n, 0n, 2n]))).toBe(true);
    expect(isRefused(() => take([261n], five))).toBe(true);
    expect(isRefused(() => take([5n, 300n], [...five, 0n, 0n, 1n, 1n, 0n, 1n, 0n, 2n]))).toBe(true);
  });
});
