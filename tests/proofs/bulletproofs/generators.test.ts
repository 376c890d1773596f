import { ristretto255_hasher } from "@noble/curves/ed25519.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import {
  GENERATORS_MAX,
  generatorsOf,
  PARTIES_MAX,
  pedersen,
} from "../../../src/proofs/bulletproofs/generators.js";
import { makeCommitmentKey } from "../../../src/proofs/generators.js";
import { asciiBytes } from "../../../src/trusted/encoding/bytes.js";
import { GROUPS } from "../groups.js";

/** Point `at` of a party's vector, by noble alone. */
function derived(letter: string, party: number, at: number): Uint8Array {
  const label = concatBytes(asciiBytes(`GeneratorsChain${letter}`), Uint8Array.of(party, 0, 0, 0));
  const uniform = shake256(label, { dkLen: 64 * (at + 1) }).subarray(64 * at);
  const element = ristretto255_hasher.deriveToCurve?.(uniform);
  return element?.toBytes() ?? new Uint8Array(0);
}

describe.each(GROUPS)("generators in the group of $name", (group) => {
  it("are what SHAKE256 and the one-way map of RFC 9496 give, by party and vector", () => {
    const { g, h } = generatorsOf(group).share(1, 3);
    const expected = (letter: string) => concatBytes(...[0, 1, 2].map((at) => derived(letter, 1, at)));
    expect(group.encode(g)).toEqual(expected("G"));
    expect(group.encode(h)).toEqual(expected("H"));
  });

  it("stay the same when more are asked for, and fewer", () => {
    const few = group.encode(generatorsOf(group).share(2, 2).g);
    const more = group.encode(generatorsOf(group).share(2, 5).g);
    expect(more.slice(0, 64)).toEqual(few);
    expect(more.slice(128)).toEqual(derived("G", 2, 4));
    expect(group.encode(generatorsOf(group).share(2, 2).g)).toEqual(few);
    expect(generatorsOf(group)).toBe(generatorsOf(group));
  });

  it("are bounded", () => {
    expect(() => generatorsOf(group).share(PARTIES_MAX, 1)).toThrow("bounds");
    expect(() => generatorsOf(group).share(0, GENERATORS_MAX + 1)).toThrow("bounds");
  });

  it("give the meter's commitments", () => {
    expect(pedersen(group, 1234n, 5678n)).toEqual(makeCommitmentKey().commit(1234, 5678n));
  });
});
