import { createHash } from "node:crypto";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { LEAVES_MAX, leafHash, MerkleFrontier, nodeHash } from "../../../src/trusted/sealing/merkle.js";
import vectors from "../../vectors/certificate-transparency-tree.json" with { type: "json" };
import example from "../../vectors/sealmeter-example.json" with { type: "json" };

const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest();

/** MTH of RFC 9162 section 2.1.1, word for word, over `leaves[from..to)`; node hashes are remembered. */
function treeHash(leaves: readonly Uint8Array[], known = new Map<string, Uint8Array>()) {
  const over = (from: number, to: number): Uint8Array => {
    const name = `${from} ${to}`;
    const found = known.get(name);
    if (found) return found;
    let k = 1;
    while (2 * k < to - from) k *= 2;
    const hash =
      to - from === 1
        ? sha256(Uint8Array.of(0), leaves[from] ?? new Uint8Array(0))
        : sha256(Uint8Array.of(1), over(from, from + k), over(from + k, to));
    known.set(name, hash);
    return hash;
  };
  return (size: number) => bytesToHex(over(0, size));
}

describe("the Merkle frontier", () => {
  it("has the roots of the Certificate Transparency reference tree at each of its sizes", () => {
    const frontier = new MerkleFrontier();
    vectors.leaves.forEach((leaf, at) => {
      frontier.append(hexToBytes(leaf));
      expect(bytesToHex(frontier.root())).toBe(vectors.roots[at]);
    });
  });

  it("has the root of RFC 9162 section 2.1.1 at every size up to the largest batch", () => {
    const leaves = Array.from({ length: LEAVES_MAX }, (_, at) => Uint8Array.of(at >> 8, at & 255));
    const expected = treeHash(leaves);
    const frontier = new MerkleFrontier();
    leaves.forEach((leaf, at) => {
      frontier.append(leaf);
      expect(bytesToHex(frontier.root())).toBe(expected(at + 1));
    });
    expect(leaves.length).toBe(768);
  });

  it("has the leaf hashes and the roots of the worked example", () => {
    const rootOf = (leaves: readonly string[]) => {
      const frontier = new MerkleFrontier();
      for (const leaf of leaves) frontier.append(hexToBytes(leaf));
      return bytesToHex(frontier.root());
    };
    expect(example.leaves.map((leaf) => bytesToHex(leafHash(hexToBytes(leaf))))).toEqual(example.leafHashes);
    expect(rootOf(example.leaves)).toBe(example.merkleRoot);
    expect(rootOf(example.second.leaves)).toBe(example.second.merkleRoot);
  });

  it("tells leaves from nodes", () => {
    const [left, right] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))];
    expect(leafHash(Uint8Array.of(...left, ...right))).not.toEqual(nodeHash(left, right));
  });

  it("takes no more leaves than a day has, and has no root without any", () => {
    const frontier = new MerkleFrontier();
    expect(() => frontier.root()).toThrow("tree has a leaf");
    for (let leaf = 0; leaf < LEAVES_MAX; leaf++) frontier.append(Uint8Array.of(leaf & 255));
    expect(() => frontier.append(Uint8Array.of(0))).toThrow("tree has room");
  });
});
