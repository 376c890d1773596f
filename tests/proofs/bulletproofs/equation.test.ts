import { hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { type Equation, holds, refusals } from "../../../src/proofs/bulletproofs/equation.js";
import { rangeEquation } from "../../../src/proofs/bulletproofs/range-proof.js";
import { Transcript } from "../../../src/proofs/transcript.js";
import { L } from "../../../src/trusted/sealing/edwards.js";
import { flipBit } from "../../mutants.js";
import vectors from "../../vectors/bulletproofs-dalek.json" with { type: "json" };
import { commitmentsOf, commitTo, product, prove, verifierOf } from "../constraints/statements.js";
import { entropyOf } from "../entropy.js";
import { GROUPS } from "../groups.js";

describe.each(GROUPS)("a batch of proofs over the group of $name", (group) => {
  const commitments = vectors.valueCommitments.map(hexToBytes);
  const proofs = vectors.rangeProofs.map(({ proof }) => hexToBytes(proof));
  const range = (parties: number, proof: Uint8Array) => () =>
    rangeEquation(
      group,
      new Transcript(vectors.transcriptLabel),
      { bits: 32, commitments: commitments.slice(0, parties) },
      proof,
    );
  const [single, pair] = proofs as [Uint8Array, Uint8Array];
  const opened = commitTo(group, [3n, 5n]);
  const constraintProof = prove(group, opened, product(15n));
  const constraint = (result: bigint) => () =>
    verifierOf(group, commitmentsOf(opened), product(result)).equation(constraintProof);
  const check = (claims: readonly (() => Equation)[]) => refusals(group, claims, entropyOf("weights"));

  it("of both kinds and several sizes is accepted where each proof is right, and so is an empty one", () => {
    expect(check([range(2, pair), constraint(15n), range(1, single), range(1, single)])).toEqual([]);
    expect(check([])).toEqual([]);
  });

  it("names each proof that is wrong or malformed, and no other", () => {
    const reason = "the proof does not verify";
    const claims = [
      range(1, single.subarray(1)),
      range(1, single),
      constraint(14n),
      range(1, flipBit(single, 8 * 32 * 5)),
      constraint(15n),
      range(1, pair),
    ];
    expect(check(claims)).toEqual([
      { index: 0, reason: "range proof: 607 bytes instead of 608" },
      { index: 2, reason },
      { index: 3, reason },
      { index: 5, reason: "range proof: 672 bytes instead of 608" },
    ]);
  });

  it("names wrong proofs whose faults cancel each other out", () => {
    const off = (by: bigint) => (): Equation => {
      const equation = range(1, single)();
      return { ...equation, blinding: (equation.blinding + by) % L };
    };
    expect(check([off(1n), off(L - 1n)]).map(({ index }) => index)).toEqual([0, 1]);
    const foreseen = refusals(group, [off(1n), off(L - 1n)], (length) => new Uint8Array(length).fill(1));
    expect(foreseen).toEqual([]);
  });

  it("counts every scalar of an equation", () => {
    const equation = constraint(15n)();
    const more = (scalars: readonly bigint[], at: number) =>
      scalars.map((scalar, index) => (index === at ? (scalar + 1n) % L : scalar));
    const [share = { g: [], h: [] }] = equation.shares;
    const changed: Equation[] = [
      { ...equation, base: (equation.base + 1n) % L },
      { ...equation, blinding: (equation.blinding + 1n) % L },
      { ...equation, shares: [{ ...share, g: more(share.g, 0) }] },
      { ...equation, shares: [{ ...share, h: more(share.h, 0) }] },
      ...equation.scalars.map((_, at) => ({ ...equation, scalars: more(equation.scalars, at) })),
    ];
    expect(holds(group, equation)).toBe(true);
    expect(changed.filter((other) => holds(group, other))).toEqual([]);
  });

  it("is of claims that can be made twice, and passes on errors that are no refusals", () => {
    let times = 0;
    const once = (): Equation => {
      times += 1;
      return times === 1 ? constraint(14n)() : constraint(15n)();
    };
    expect(() => check([once])).toThrow("repeatable");
    const broken = () => {
      throw new Error("broken");
    };
    expect(() => check([broken])).toThrow("broken");
  });
});
