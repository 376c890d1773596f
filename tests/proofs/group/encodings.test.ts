// Encodings, hints and maps of both groups: by the vectors of RFC 9496, and by hostile bytes. What one refuses the other
// must refuse, whatever hint comes with it.
import { ed25519, ristretto255 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, concatBytes } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Group } from "../../../src/proofs/group/group.js";
import hostile from "../../vectors/ed25519-hostile.json" with { type: "json" };
import vectors from "../../vectors/rfc9496-ristretto255.json" with { type: "json" };
import { GROUPS, hexOf, joined, le32, ORDER, P, refusedIndex, spread, spreadPoints, TORSION } from "./kit.js";

const { Fp } = ed25519.Point;
const { d: D } = ed25519.Point.CURVE();
const SQRT_M1 = Fp.sqrt(P - 1n);
const MULTIPLES = joined(vectors.multiples.map(hexToBytes));

/** Numbers where decoders and limbs of 29 bits go wrong: about 0, p, 2^255 and 2^256, and limbs of all ones or none. */
const EDGES = [
  ...[0n, P, 2n ** 255n, 2n ** 256n - 9n].flatMap((base) =>
    Array.from({ length: 17 }, (_, at) => base + BigInt(at - 8)),
  ),
  ...Array.from({ length: 9 }, (_, at) => 2n ** BigInt(29 * at)).flatMap((bit) => [
    bit - 1n,
    bit,
    bit * 2n - 1n,
  ]),
  ...Array.from({ length: 8 }, (_, at) => P - 2n ** BigInt(29 * at + 1)),
  ...spread(20, 2n ** 255n),
]
  .filter((value) => value >= 0n && value < 2n ** 256n)
  .map(le32);

const hintBytes = (x: bigint, y: bigint) => concatBytes(le32(x), le32(y));

/** x and y that the equations of decoding give for a number that encodes nothing, as far as there are any. */
function plausibleHints(encoding: Uint8Array): Uint8Array[] {
  const s = bytesToNumberLE(encoding) % P;
  const [u1, u2] = [Fp.create(1n - s * s), Fp.create(1n + s * s)];
  const v = Fp.create(-(D * u1 * u1) - u2 * u2);
  const y = u2 === 0n ? 0n : Fp.div(u1, u2);
  const squared = Fp.div(Fp.create(4n * s * s), v);
  const root = Fp.pow(squared, (P + 3n) / 8n);
  const xs = [root, Fp.create(root * SQRT_M1)];
  return xs.flatMap((x) => [hintBytes(x, y), hintBytes(Fp.neg(x), y)]);
}

/** What is not the hint of this element: [why, hint]. */
function wrongHints(encoding: Uint8Array): [string, Uint8Array][] {
  const element = ristretto255.Point.fromBytes(encoding);
  const { x, y } = element.toAffine();
  const shifted = TORSION.slice(1).map((bytes) => {
    const point = ed25519.Point.fromAffine({ x, y }).add(ed25519.Point.fromBytes(bytes)).toAffine();
    return ["a point that differs by one of small order", hintBytes(point.x, point.y)] as [
      string,
      Uint8Array,
    ];
  });
  const other = element.add(ristretto255.Point.BASE).toAffine();
  return [
    ...shifted,
    ["x negated", hintBytes(Fp.neg(x), y)],
    ["y negated", hintBytes(x, Fp.neg(y))],
    ["x and y exchanged", hintBytes(y, x)],
    ["x not below p", hintBytes(x + P, y)],
    ["y not below p", hintBytes(x, y + P)],
    ["the highest bit of x", hintBytes(x + 2n ** 255n, y)],
    ["the highest bit of y", hintBytes(x, y + 2n ** 255n)],
    ["another x", hintBytes(Fp.create(x + 2n), y)],
    ["another y", hintBytes(x, Fp.create(y + 1n))],
    ["another point", hintBytes(other.x, other.y)],
    ["zeros", new Uint8Array(64)],
    ["ones", new Uint8Array(64).fill(255)],
  ].filter(([, hint]) => bytesToHex(hint as Uint8Array) !== bytesToHex(hintBytes(x, y))) as [
    string,
    Uint8Array,
  ][];
}

/** Verifies by the group's means as docs/protocol.md says: strict encodings, the equation times eight. */
function verifies(group: Group, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const [R, scalar] = [signature.subarray(0, 32), bytesToNumberLE(signature.subarray(32))];
  if (signature.length !== 64 || scalar >= ORDER) return false;
  if (refusedIndex(() => group.decodeEd25519(concatBytes(publicKey, R))) !== "none") return false;
  const points = group.decodeEd25519(concatBytes(publicKey, R));
  if (group.isTorsion(points.slice(0, 1))) return false;
  const k = bytesToNumberLE(sha512(concatBytes(R, publicKey, message))) % ORDER;
  const right = group.add(group.sum([k], points.slice(0, 1)), points.slice(1, 2));
  return group.isTorsion(group.add(group.sum([scalar], group.base), group.negate(right)));
}

describe.each(
  GROUPS.map((group) => [group.name, group] as const),
)("the encodings of the %s group", (_, group) => {
  it("are those of RFC 9496 for the multiples of B", () => {
    const sums = vectors.multiples.map((_, at) => group.sum([BigInt(at)], group.base));
    expect(group.encode(group.concat(sums))).toEqual(MULTIPLES);
    expect(group.encode(group.decode(MULTIPLES))).toEqual(MULTIPLES);
    expect(group.encode(group.decode(MULTIPLES, group.hints(group.decode(MULTIPLES))))).toEqual(MULTIPLES);
  });

  it("are the same for all points of a coset", () => {
    const points = spreadPoints(group, 3);
    for (const order of TORSION.filter((bytes) => group.isZero(group.decodeEd25519(bytes)))) {
      const shift = group.decodeEd25519(order);
      const shifted = group.add(points, group.concat([shift, shift, shift]));
      expect(group.encode(shifted)).toEqual(group.encode(points));
      expect(group.hints(shifted)).toEqual(group.hints(points));
    }
  });

  it("are refused where RFC 9496 says so, with any hint, and the first one is named", () => {
    const hint = group.hints(group.base);
    for (const bad of vectors.invalid.map(hexToBytes)) {
      const all = concatBytes(MULTIPLES.slice(0, 96), bad, bad);
      expect(refusedIndex(() => group.decode(all))).toBe(3);
      for (const plausible of [...plausibleHints(bad), hint]) {
        expect(refusedIndex(() => group.decode(bad, plausible))).toBe(0);
      }
    }
  });

  it("map uniform bytes as RFC 9496 does", () => {
    const { oneWayMap } = vectors;
    const mapped = group.fromUniform(joined(oneWayMap.map(({ input }) => hexToBytes(input))));
    expect(group.encode(mapped)).toEqual(joined(oneWayMap.map(({ output }) => hexToBytes(output))));
  });

  it("come with no hint but the one", () => {
    const encoding = group.encode(spreadPoints(group, 1));
    const good = group.encode(group.base);
    for (const element of [encoding, group.encode(group.base), group.encode(group.zero)]) {
      expect(refusedIndex(() => group.decode(element, group.hints(group.decode(element))))).toBe("none");
      for (const [why, hint] of wrongHints(element)) {
        expect([why, refusedIndex(() => group.decode(element, hint))]).toEqual([why, 0]);
        const hints = concatBytes(group.hints(group.base), hint);
        expect(refusedIndex(() => group.decode(concatBytes(good, element), hints))).toBe(1);
      }
    }
  });

  it("of Ed25519 verify signatures as strictly as docs/protocol.md asks", () => {
    for (const { publicKey, message, signature, accepted } of [...hostile.speccheck, ...hostile.wycheproof]) {
      expect(verifies(group, hexToBytes(publicKey), hexToBytes(message), hexToBytes(signature))).toBe(
        accepted,
      );
    }
  });

  it("asserts the number of bytes", () => {
    expect(() => group.decode(new Uint8Array(33))).toThrow("33 bytes");
    expect(() => group.decode(new Uint8Array(32), new Uint8Array(32))).toThrow("32 bytes");
    expect(() => group.decode(new Uint8Array(32), new Uint8Array(128))).toThrow("2 for 1 points");
    expect(() => group.fromUniform(new Uint8Array(32))).toThrow("32 bytes");
  });
});

describe("both groups", () => {
  const outcome = (group: Group, decode: "decode" | "decodeEd25519", bytes: Uint8Array) => {
    const refused = refusedIndex(() => group[decode](bytes));
    if (refused !== "none") return refused;
    const point = group[decode](bytes);
    return [hexOf(group, group.double(point)), group.isTorsion(point), group.isZero(point)];
  };
  const agree = (decode: "decode" | "decodeEd25519", bytes: Uint8Array) => {
    const [noble, wasm] = GROUPS.map((group) => outcome(group, decode, bytes));
    expect([bytesToHex(bytes), wasm]).toEqual([bytesToHex(bytes), noble]);
  };

  it("take and refuse the same numbers as encodings", () => {
    for (const edge of [...EDGES, ...TORSION]) {
      agree("decode", edge);
      agree("decodeEd25519", edge);
    }
  });

  it("take and refuse the same random bytes as encodings", () => {
    const anything = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(anything, (bytes) => {
        agree("decode", bytes);
        agree("decodeEd25519", bytes);
      }),
      { numRuns: 60 },
    );
  });

  it("map the same numbers to the same elements", () => {
    const pairs = joined(EDGES.flatMap((edge, at) => [edge, EDGES[EDGES.length - 1 - at] ?? edge]));
    const [noble, wasm] = GROUPS.map((group) => group.fromUniform(pairs)).map((points, at) => {
      const group = GROUPS[at];
      return group && [hexOf(group, points), bytesToHex(group.hints(points))];
    });
    expect(wasm).toEqual(noble);
  });

  it("take no points of the other", () => {
    const [noble, wasm] = GROUPS;
    expect(() => noble?.encode(wasm?.base ?? noble.base)).toThrow("another group");
    expect(() => wasm?.encode(noble?.base ?? wasm.base)).toThrow("another group");
  });
});
