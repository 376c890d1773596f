import { hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { proveRange, verifyRange } from "../../../src/proofs/bulletproofs/range-proof.js";
import { Transcript } from "../../../src/proofs/transcript.js";
import vectors from "../../vectors/bulletproofs-dalek.json" with { type: "json" };
import { GROUPS } from "../groups.js";

const rangeBits = (bits: number) => ([8, 16, 32, 64] as const).find((known) => known === bits) ?? 64;

describe.each(GROUPS)("range proofs ($name)", (group) => {
  it.each(vectors.rangeProofs)("of dalek's for $parties parties of $bits bits verify", ({
    bits,
    parties,
    proof,
  }) => {
    const commitments = vectors.valueCommitments.slice(0, parties).map(hexToBytes);
    verifyRange(
      group,
      new Transcript(vectors.transcriptLabel),
      { bits: rangeBits(bits), commitments },
      hexToBytes(proof),
    );
  });
  it("own", () => {
    const { proof, commitments } = proveRange(
      group,
      new Transcript("t"),
      { bits: 8, values: [3n, 255n], blindings: [5n, 6n] },
      (n) => new Uint8Array(n),
    );
    verifyRange(group, new Transcript("t"), { bits: 8, commitments }, proof);
  });
});
