// The unit's own encodings of points against the vectors of RFC 9496 and against noble's, whose strict decoders must
// take and refuse the same bytes: also points of small order, with a part of it, and in other coordinates.
import { ED25519_TORSION_SUBGROUP, ed25519, ristretto255 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { type Extended, P } from "../../../src/trusted/sealing/edwards.js";
import {
  decodeEdwards,
  decodeRistretto,
  encodeEdwards,
  encodeRistretto,
} from "../../../src/trusted/sealing/encodings.js";
import vectors from "../../vectors/rfc9496-ristretto255.json" with { type: "json" };

const { Point } = ed25519;
const Group = ristretto255.Point;
const TORSION = ED25519_TORSION_SUBGROUP.map((encoding) => Point.fromHex(encoding));

const scalars = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, Point.Fn.ORDER - 1n),
  fc.bigInt({ min: 0n, max: Point.Fn.ORDER - 1n }),
);
const points = fc
  .tuple(scalars, fc.constantFrom(...TORSION))
  .map(([scalar, torsion]) => Point.BASE.multiplyUnsafe(scalar).add(torsion));
const factors = fc.bigInt({ min: 1n, max: P - 1n });
const scaled = ({ X, Y, Z, T }: Extended, f: bigint): Extended => {
  return { X: (X * f) % P, Y: (Y * f) % P, Z: (Z * f) % P, T: (T * f) % P };
};
const refused = (decode: (bytes: Uint8Array) => Extended, bytes: Uint8Array) => {
  try {
    decode(bytes);
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return true;
  }
};
const throws = (work: () => unknown) => {
  try {
    work();
    return false;
  } catch {
    return true;
  }
};

/** Numbers about which decoders differ: 0, 1, p and what is just beyond, and all of it with the highest bit. */
const EDGES = [0n, 1n, 2n, P - 2n, P - 1n, P, P + 1n, P + 2n, 2n ** 255n - 1n].flatMap((edge) => [
  numberToBytesLE(edge, 32),
  numberToBytesLE(edge + 2n ** 255n, 32),
]);
const anything = fc.oneof(
  fc.constantFrom(...EDGES),
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.uint8Array({ maxLength: 70 }),
);

describe("the encoding of a ristretto255 element", () => {
  it("is that of the multiples of RFC 9496 appendix A.1", () => {
    vectors.multiples.forEach((encoding, k) => {
      expect(bytesToHex(encodeRistretto(Point.BASE.multiplyUnsafe(BigInt(k))))).toBe(encoding);
      expect(bytesToHex(encodeRistretto(decodeRistretto(hexToBytes(encoding))))).toBe(encoding);
    });
  });

  it("is refused if it is one of RFC 9496 appendix A.2", () => {
    for (const encoding of vectors.invalid) {
      expect(refused(decodeRistretto, hexToBytes(encoding)), encoding).toBe(true);
    }
  });

  it("is noble's for every point, in any coordinates, and the same for all points of a class", () => {
    fc.assert(
      fc.property(points, factors, fc.constantFrom(0, 2, 4, 6), (point, factor, even) => {
        const expected = bytesToHex(new Group(point).toBytes());
        expect(bytesToHex(encodeRistretto(scaled(point, factor)))).toBe(expected);
        const other = point.add(TORSION.find((one) => isOrder(one, even)) ?? Point.ZERO);
        expect(bytesToHex(encodeRistretto(other))).toBe(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("is decoded, or refused, as noble does", () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const isRefused = throws(() => Group.fromBytes(bytes));
        expect(refused(decodeRistretto, bytes)).toBe(isRefused);
        if (!isRefused) expect(encodeRistretto(decodeRistretto(bytes))).toEqual(bytes);
      }),
      { numRuns: 300, examples: EDGES.map((edge) => [edge]) },
    );
  });
});

/** The even multiples of a point of order 8: what a class of ristretto255 is made of. */
const isOrder = (point: typeof Point.BASE, even: number) => {
  let sum = Point.ZERO;
  for (let k = 0; k < even; k++) sum = sum.add(TORSION[1] as typeof Point.BASE);
  return point.equals(sum);
};

describe("the encoding of an Edwards point", () => {
  it("is noble's, and comes back, in any coordinates", () => {
    fc.assert(
      fc.property(points, factors, (point, factor) => {
        const bytes = encodeEdwards(scaled(point, factor));
        expect(bytesToHex(bytes)).toBe(point.toHex());
        const { X, Y, Z, T } = decodeEdwards(bytes);
        expect(new Point(X, Y, Z, T).equals(point)).toBe(true);
        expect(T).toBe((X * Y) % P);
      }),
      { numRuns: 60 },
    );
  });

  it("is decoded, or refused, as noble does strictly", () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const isRefused = throws(() => Point.fromBytes(bytes));
        expect(refused(decodeEdwards, bytes)).toBe(isRefused);
        if (!isRefused) expect(encodeEdwards(decodeEdwards(bytes))).toEqual(bytes);
      }),
      { numRuns: 300, examples: EDGES.map((edge) => [edge]) },
    );
  });
});
