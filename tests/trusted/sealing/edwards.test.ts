// The unit's own sums and multiples against noble's, on all kinds of points: also those of small order and
// with a part of small order, which a hostile public key may be.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  bytesOf,
  D,
  digitOf,
  type Extended,
  fromAffine,
  isNeutral,
  L,
  multiply,
  NEUTRAL,
  negate,
  numberOf,
  P,
  windowCount,
} from "../../../src/trusted/sealing/edwards.js";

const { Point } = ed25519;
type EdwardsPoint = typeof Point.BASE;
const toPoint = ({ X, Y, Z, T }: Extended) => new Point(X, Y, Z, T);

/** A point of order 8 (one of four): its multiples are the whole torsion subgroup. */
const ORDER_8 = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");
const TORSION = Array.from({ length: 8 }, (_, k) => times(ORDER_8, k));

function times(point: EdwardsPoint, k: number): EdwardsPoint {
  let sum = Point.ZERO;
  for (let at = 0; at < k; at++) sum = sum.add(point);
  return sum;
}

const scalars = fc.oneof(fc.constantFrom(0n, 1n, 2n, 7n, 8n, L - 1n), fc.bigInt({ min: 0n, max: L - 1n }));
/** Multiples of B, plus a point of the torsion subgroup. */
const points = fc
  .tuple(scalars, fc.constantFrom(...TORSION))
  .map(([scalar, torsion]) => Point.BASE.multiplyUnsafe(scalar).add(torsion));
/** The same point in other coordinates: all of them times a factor. */
const scaled = fc
  .tuple(points, fc.bigInt({ min: 1n, max: P - 1n }))
  .map(
    ([{ X, Y, Z, T }, f]): Extended => ({ X: (X * f) % P, Y: (Y * f) % P, Z: (Z * f) % P, T: (T * f) % P }),
  );
const hex = (point: EdwardsPoint) => point.toHex();

describe("sums on edwards25519", () => {
  it("are noble's for all points, equal, opposite, neutral and of small order among them", () => {
    fc.assert(
      fc.property(scaled, scaled, (a, b) => {
        const expected = toPoint(a).add(toPoint(b));
        expect(hex(toPoint(add(a, b)))).toBe(hex(expected));
        const { x, y } = toPoint(b).toAffine();
        expect(hex(toPoint(add(a, fromAffine(x, y))))).toBe(hex(expected));
        // The formula is complete: it doubles too.
        expect(hex(toPoint(add(a, a)))).toBe(hex(toPoint(a).double()));
        expect(isNeutral(add(a, negate(a)))).toBe(true);
        expect(hex(toPoint(negate(a)))).toBe(hex(toPoint(a).negate()));
        expect(isNeutral(a)).toBe(toPoint(a).is0());
        expect(hex(toPoint(add(a, NEUTRAL)))).toBe(hex(toPoint(a)));
      }),
      { numRuns: 60 },
    );
  });

  it("keep T·Z = X·Y and all coordinates from 0 to p - 1", () => {
    fc.assert(
      fc.property(scaled, scaled, (a, b) => {
        for (const { X, Y, Z, T } of [add(a, b), add(a, a)]) {
          expect((T * Z - X * Y) % P).toBe(0n);
          expect([X, Y, Z, T].every((value) => value >= 0n && value < P)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("multiples on edwards25519", () => {
  it("are noble's for all points and reduced scalars", () => {
    fc.assert(
      fc.property(points, scalars, (point, scalar) => {
        const product = toPoint(multiply(point, numberToBytesLE(scalar, 32)));
        expect(hex(product)).toBe(hex(point.multiplyUnsafe(scalar)));
      }),
      { numRuns: 40 },
    );
  });

  it("take all 256 bits of a scalar", () => {
    fc.assert(
      fc.property(scalars, fc.uint8Array({ minLength: 32, maxLength: 32 }), (k, bytes) => {
        const point = Point.BASE.multiplyUnsafe(k);
        const expected = point.multiplyUnsafe(bytesToNumberLE(bytes) % L);
        expect(hex(toPoint(multiply(point, bytes)))).toBe(hex(expected));
      }),
      { numRuns: 30, examples: [[1n, new Uint8Array(32).fill(255)]] },
    );
  });
});

describe("numbers", () => {
  it("are the field's, the group's and the curve's of RFC 8032, as noble has them", () => {
    expect([P, L, D]).toEqual([Point.Fp.ORDER, Point.Fn.ORDER, Point.CURVE().d]);
    expect(toPoint(NEUTRAL).is0()).toBe(true);
  });

  it("are read from up to 64 little-endian bytes and written as 32", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const value = numberOf(bytes);
        expect(value).toBe(bytesToNumberLE(bytes));
        if (value < 2n ** 256n) expect(bytesOf(value)).toEqual(numberToBytesLE(value, 32));
        else expect(() => bytesOf(value)).toThrow("fits 32 bytes");
      }),
      { examples: [[new Uint8Array(0)], [new Uint8Array(32).fill(255)], [new Uint8Array(64).fill(255)]] },
    );
    expect(() => bytesOf(-1n)).toThrow("fits 32 bytes");
    expect(() => numberOf(new Uint8Array(65))).toThrow(RangeError);
  });
});

describe("digits", () => {
  it("put together are the scalar again, in windows of any width", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 32 }),
        fc.integer({ min: 1, max: 8 }),
        (bytes, window) => {
          let value = 0n;
          for (let k = windowCount(window); k >= 0; k--) {
            value = (value << BigInt(window)) | BigInt(digitOf(bytes, k, window));
          }
          expect(value).toBe(bytesToNumberLE(bytes));
        },
      ),
    );
  });
});
