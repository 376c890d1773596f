import { createHash } from "node:crypto";
import { ed25519, ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BASE, BLINDING, makeCommitmentKey } from "../../../src/proofs/generators.js";
import { BLINDING_BASE, READING_MAX } from "../../../src/trusted/sealing/commitment.js";
import vectors from "../../vectors/rfc9496-ristretto255.json" with { type: "json" };
import example from "../../vectors/sealmeter-example.json" with { type: "json" };

const L = ed25519.Point.Fn.ORDER;
const key = makeCommitmentKey();

describe("the blinding base", () => {
  it("is the ristretto255 one-way map of SHA3-512 of the encoding of B", () => {
    const uniform = createHash("sha3-512").update(BASE.toBytes()).digest();
    expect(ristretto255_hasher.deriveToCurve?.(Uint8Array.from(uniform)).toHex()).toBe(
      bytesToHex(BLINDING_BASE),
    );
    expect(bytesToHex(BLINDING_BASE)).toBe(example.Btilde);
  });

  it("comes from a map that gives the vectors of RFC 9496 appendix A.3", () => {
    for (const { input, output } of vectors.oneWayMap) {
      expect(ristretto255_hasher.deriveToCurve?.(hexToBytes(input)).toHex()).toBe(output);
    }
  });
});

describe("a commitment", () => {
  const readings = fc.oneof(fc.constantFrom(0, 1, 255, 256, 2 ** 31, READING_MAX), fc.nat(READING_MAX));
  const openings = fc.oneof(
    fc.constantFrom(0n, 1n, L - 1n),
    fc.uint8Array({ minLength: 48, maxLength: 48 }).map((bytes) => bytesToNumberLE(bytes) % L),
  );

  it("is r·B + t·B~", () => {
    fc.assert(
      fc.property(readings, openings, (reading, opening) => {
        const naive = BASE.multiplyUnsafe(BigInt(reading)).add(BLINDING.multiplyUnsafe(opening));
        expect(bytesToHex(key.commit(reading, opening))).toBe(naive.toHex());
      }),
      { numRuns: 50 },
    );
  });

  it("has the values of the worked example", () => {
    for (const { channels } of [...example.readings, ...example.second.readings]) {
      for (const { reading, opening, commitment } of channels) {
        expect(bytesToHex(key.commit(reading, bytesToNumberLE(hexToBytes(opening))))).toBe(commitment);
      }
    }
  });

  it("adds up: the sum of commitments opens to the sum of readings and of openings", () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31 - 1),
        openings,
        fc.nat(2 ** 31 - 1),
        openings,
        (reading, opening, other, otherOpening) => {
          const { Point } = ristretto255;
          const sum = Point.fromBytes(key.commit(reading, opening)).add(
            Point.fromBytes(key.commit(other, otherOpening)),
          );
          expect(bytesToHex(key.commit(reading + other, (opening + otherOpening) % L))).toBe(sum.toHex());
        },
      ),
      { numRuns: 20 },
    );
  });

  it("takes no reading beyond 32 bits, negative or broken, and no negative opening", () => {
    for (const reading of [-1, READING_MAX + 1, 0.5, Number.NaN]) {
      expect(() => key.commit(reading, 1n)).toThrow("integer fits its field");
    }
    expect(() => key.commit(1, -1n)).toThrow();
  });
});
