// The hashes of both backends: by examples of FIPS 180-4, and the fast ones against noble's and the meter's own tree.
import { bytesToHex } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { nobleHashes } from "../../../src/proofs/group/hashes.js";
import { fastHashes } from "../../../src/proofs/group/wasm-hashes.js";

const BOTH = [nobleHashes, fastHashes()];
const ascii = (text: string) => new TextEncoder().encode(text);
/** Bytes that look random. */
const noise = (length: number, seed = 1) =>
  Uint8Array.from({ length }, (_, at) => Math.imul(at + seed, 0x9e3779b1) >>> 19);

describe.each(BOTH.map((hashes) => [hashes.name, hashes] as const))("the %s hashes", (_, hashes) => {
  it("are those of the examples of FIPS 180-4", () => {
    expect(bytesToHex(hashes.sha256(ascii("abc")))).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(bytesToHex(hashes.sha256(ascii("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")))).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
    expect(bytesToHex(hashes.sha512(ascii("abc")))).toBe(
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    expect(bytesToHex(hashes.sha512(ascii("")))).toBe(
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    );
  });

  it("asserts how many leaves there are, and of what size", () => {
    expect(() => hashes.merkleRoots([new Uint8Array(38), new Uint8Array()], 38)).toThrow("0 leaves");
    expect(() => hashes.merkleRoots([new Uint8Array(769 * 38)], 38)).toThrow("769 leaves");
    expect(() => hashes.merkleRoots([new Uint8Array(39)], 38)).toThrow("39 bytes");
    expect(() => hashes.merkleRoots([new Uint8Array(55)], 55)).toThrow("leaves of 55 bytes");
    expect(() => hashes.merkleRoots([new Uint8Array()], 0)).toThrow("leaves of 0 bytes");
  });

  it("asserts how many trees there are", () => {
    const trees = new Array<Uint8Array>(4097).fill(new Uint8Array(1));
    expect(() => hashes.merkleRoots(trees, 1)).toThrow("4097 trees");
    expect(hashes.merkleRoots([], 38)).toHaveLength(0);
  });

  it("asserts how long a message is", () => {
    expect(() => hashes.sha256(new Uint8Array(2 ** 20 + 1))).toThrow("1048577 bytes");
    expect(() => hashes.sha512(new Uint8Array(2 ** 20 + 1))).toThrow("1048577 bytes");
  });
});

describe("both hashes", () => {
  it("give the same digests of messages of any length about blocks", () => {
    const lengths = [...Array.from({ length: 270 }, (_, at) => at), 1000, 4096, 100_003];
    for (const length of lengths) {
      const message = noise(length, length);
      const [noble, wasm] = BOTH.map((hashes) => [hashes.sha256(message), hashes.sha512(message)]);
      expect(wasm).toEqual(noble);
    }
  });

  it("give the same root over any number of leaves, of any size", () => {
    const cases = [
      ...Array.from({ length: 100 }, (_, at) => [at + 1, 38] as const),
      ...[1, 2, 37, 53, 54].map((size) => [13, size] as const),
      [767, 38] as const,
      [768, 38] as const,
      [768, 54] as const,
    ];
    for (const [count, size] of cases) {
      const leaves = noise(count * size, count);
      const [noble, wasm] = BOTH.map((hashes) => bytesToHex(hashes.merkleRoots([leaves], size)));
      expect([count, size, wasm]).toEqual([count, size, noble]);
    }
  });

  it("give the roots of many trees as of each alone", () => {
    const mixes = [
      [3, 2],
      [1, 1, 1, 1, 1],
      [48, 47, 1, 46, 5, 48],
      [7, 768, 6, 1, 33],
      [10, 100, 232],
    ];
    for (const counts of [...mixes, Array.from({ length: 70 }, (_, at) => ((at * 37) % 99) + 1)]) {
      const trees = counts.map((count, at) => noise(count * 38, at + count));
      const alone = trees.map((leaves) => bytesToHex(nobleHashes.merkleRoots([leaves], 38)));
      for (const hashes of BOTH) {
        expect(bytesToHex(hashes.merkleRoots(trees, 38))).toBe(alone.join(""));
      }
    }
  });

  it("give the roots of more trees than share lanes", () => {
    const trees = Array.from({ length: 13 }, (_, at) => noise((768 - at) * 2, at));
    const single = Array.from({ length: 4096 }, (_, at) => noise(1, at));
    for (const [leaves, size] of [
      [trees, 2],
      [single, 1],
    ] as const) {
      const [noble, wasm] = BOTH.map((hashes) => bytesToHex(hashes.merkleRoots(leaves, size)));
      expect(wasm).toBe(noble);
    }
  });
});
