import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BASE, BLINDING, type GroupElement, makeTables } from "../../../src/proofs/generators.js";
import { windowCount } from "../../../src/trusted/sealing/edwards.js";
import { encodeEdwards, encodeRistretto } from "../../../src/trusted/sealing/encodings.js";
import { ENTRY_BYTES, FixedBaseTable } from "../../../src/trusted/sealing/fixed-base.js";
import vectors from "../../vectors/rfc9496-ristretto255.json" with { type: "json" };

const L = ed25519.Point.Fn.ORDER;
const littleEndian = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));

/** Scalars as bytes of every length, the edges among them. */
const edges = [0n, 1n, 2n, 8n, L - 1n, L, L + 1n, 2n * L, 2n ** 252n, 2n ** 255n - 1n, 2n ** 256n - 1n];
const scalars = fc.oneof(
  fc.constantFrom(...edges.map(littleEndian)),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.uint8Array({ minLength: 1, maxLength: 32 }),
  fc.constantFrom(Uint8Array.of(0), Uint8Array.of(255), new Uint8Array(4).fill(255)),
);

const expected = (point: GroupElement, scalar: Uint8Array) =>
  point.multiplyUnsafe(bytesToNumberLE(scalar) % L).toHex();

describe.each([3, 4, 5, 6])("fixed-base tables with windows of %i bits", (window) => {
  const tables = makeTables(window);
  const base = new FixedBaseTable(tables.tableB, window);
  const blinding = new FixedBaseTable(tables.tableBlinding, window);

  it("multiply B as noble does", () => {
    fc.assert(
      fc.property(scalars, (scalar) => {
        expect(bytesToHex(encodeRistretto(base.multiply(scalar)))).toBe(expected(BASE, scalar));
      }),
      { numRuns: 30, examples: edges.map((edge) => [littleEndian(edge)]) },
    );
  });

  it("multiply B~ as noble does", () => {
    fc.assert(
      fc.property(scalars, (scalar) => {
        expect(bytesToHex(encodeRistretto(blinding.multiply(scalar)))).toBe(expected(BLINDING, scalar));
      }),
      { numRuns: 30, examples: edges.map((edge) => [littleEndian(edge)]) },
    );
  });

  it("give the very Edwards points that Ed25519 needs, not only their classes", () => {
    for (const scalar of [1n, 2n, 1000n, L - 1n]) {
      const product = encodeEdwards(base.multiply(littleEndian(scalar)));
      expect(bytesToHex(product)).toBe(ed25519.Point.BASE.multiply(scalar).toHex());
    }
  });

  it("give the multiples of the generator of RFC 9496 appendix A.1", () => {
    vectors.multiples.forEach((encoding, k) => {
      expect(bytesToHex(encodeRistretto(base.multiply(Uint8Array.of(k))))).toBe(encoding);
      expect(bytesToHex(encodeRistretto(base.multiply(littleEndian(BigInt(k)))))).toBe(encoding);
    });
  });

  it("have the stated size, and are refused with any other", () => {
    expect(tables.tableB.length).toBe(windowCount(window) * 2 ** window * ENTRY_BYTES);
    expect(tables.tableB.length / 1024).toBe([43, 64, 104, 172][window - 3]);
    expect(() => new FixedBaseTable(tables.tableB.subarray(ENTRY_BYTES), window)).toThrow("full length");
  });

  it("take scalars of 1 to 32 bytes only", () => {
    for (const length of [0, 33]) {
      expect(() => base.multiply(new Uint8Array(length))).toThrow("scalar has 1 to 32 bytes");
    }
  });
});

describe("a fixed-base table", () => {
  it("is refused with another window than 3 to 6 bits", () => {
    for (const window of [2, 7])
      expect(() => new FixedBaseTable(new Uint8Array(64), window)).toThrow("window");
  });

  it("is used in place, wherever it lies 4-byte aligned in its buffer", () => {
    const { tableB } = makeTables(3);
    const image = new Uint8Array(tableB.length + 12);
    image.set(tableB, 4);
    const table = new FixedBaseTable(image.subarray(4, 4 + tableB.length), 3);
    expect(bytesToHex(encodeRistretto(table.multiply(Uint8Array.of(1))))).toBe(vectors.multiples[1]);
    image.fill(0);
    expect(encodeEdwards(table.multiply(Uint8Array.of(1)))).not.toEqual(ed25519.Point.BASE.toBytes());
  });
});
