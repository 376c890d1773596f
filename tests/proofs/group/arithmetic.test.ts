// The arithmetic of both groups on vectors: the fast one against noble's, and against what any group fulfils.
import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Group, Points } from "../../../src/proofs/group/group.js";
import { GROUPS, hexOf, joined, ORDER, scalars, spread, spreadPoints, TORSION, uniform } from "./kit.js";

/** The same of each group: what it gives, encoded. */
const bothGive = (work: (group: Group) => Points) => {
  const [noble, wasm] = GROUPS.map((group) => hexOf(group, work(group)));
  expect(wasm).toBe(noble);
};

/** Points that formulas stumble over: the neutral one, B, -B, 2B, and others of their cosets, then any. */
function awkward(group: Group, count: number): Points {
  const shifts = group.decodeEd25519(joined(TORSION));
  const first = group.concat([group.zero, group.base, group.negate(group.base), group.double(group.base)]);
  const again = group.concat([first, first]);
  return group.concat([first, group.add(again, shifts), spreadPoints(group, count)]);
}

const AWKWARD = 12;

describe("both groups", () => {
  it("add, double and negate alike, whatever the two points are", () => {
    const [n, all] = [AWKWARD + 2, Array.from({ length: AWKWARD + 2 }, (_, at) => at)];
    const pairs = all.flatMap((a) => all.map((b) => [a, b] as const));
    const picked = (group: Group, side: 0 | 1) => {
      const points = awkward(group, 2);
      return group.concat(pairs.map((pair) => points.slice(pair[side], pair[side] + 1)));
    };
    // Sums times 8, as elements: encodings are of cosets, and not every point's shift is in one.
    const cleared = (group: Group, points: Points) => group.double(group.double(group.double(points)));
    bothGive((group) => cleared(group, group.add(picked(group, 0), picked(group, 1))));
    bothGive((group) => cleared(group, group.add(picked(group, 0), group.negate(picked(group, 1)))));
    bothGive((group) => cleared(group, awkward(group, 2)));
    expect(pairs).toHaveLength(n * n);
  });

  it.each([0, 1, 2, 31, 33, 170, 500])("sum up %i points alike", (count) => {
    const factors = spread(count, ORDER).map((factor, at) => [factor, 0n, 1n, ORDER - 1n][at % 5] ?? factor);
    const points = (group: Group) =>
      awkward(group, count).slice(AWKWARD - Math.min(count, 3), AWKWARD + count);
    const taken = (group: Group) => points(group).slice(0, count);
    bothGive((group) => group.double(group.double(group.sum(factors, taken(group)))));
  });

  it.each([0, 1, 2, 5, 17])("sum up %i points in secret alike, and as in public", (count) => {
    const factors = spread(count, ORDER).map((factor, at) => [0n, factor, 1n, ORDER - 1n][at % 5] ?? factor);
    bothGive((group) => group.sumSecret(factors, spreadPoints(group, count)));
    for (const group of GROUPS) {
      const points = spreadPoints(group, count);
      expect(hexOf(group, group.sumSecret(factors, points))).toBe(hexOf(group, group.sum(factors, points)));
    }
  });

  it("sum up by any scalars alike", () => {
    const terms = fc.array(fc.tuple(scalars, uniform), { maxLength: 6 });
    fc.assert(
      fc.property(terms, (list) => {
        const factors = list.map(([scalar]) => scalar);
        const points = (group: Group) => group.fromUniform(joined(list.map(([, bytes]) => bytes)));
        bothGive((group) => group.sum(factors, points(group)));
        bothGive((group) => group.sumSecret(factors, points(group)));
      }),
      { numRuns: 25 },
    );
  });

  it("fold alike", () => {
    fc.assert(
      fc.property(scalars, scalars, fc.integer({ min: 0, max: 3 }), (low, high, half) => {
        bothGive((group) => group.fold(spreadPoints(group, 2 * half), low, high));
      }),
      { numRuns: 15 },
    );
    bothGive((group) => group.fold(group.concat([group.base, group.negate(group.base)]), 5n, 5n));
  });
});

describe.each(GROUPS.map((group) => [group.name, group] as const))("the %s group", (_, group) => {
  it("has a neutral element, of which only cosets of it are one", () => {
    const elements = group.concat([group.zero, group.base, group.negate(group.base)]);
    expect(hexOf(group, group.add(elements, group.concat([group.zero, group.zero, group.zero])))).toBe(
      hexOf(group, elements),
    );
    expect(group.isZero(group.zero)).toBe(true);
    expect(group.isZero(group.sum([], group.base.slice(0, 0)))).toBe(true);
    expect(group.isZero(group.add(group.base, group.negate(group.base)))).toBe(true);
    expect(group.isZero(group.base)).toBe(false);
    expect(group.isZero(group.concat([group.zero, group.base]))).toBe(false);
    expect(group.isZero(group.concat([]))).toBe(true);
  });

  it("tells the order of points apart from that of elements", () => {
    const small = group.decodeEd25519(joined(TORSION));
    expect(group.isTorsion(small)).toBe(true);
    const zeros = TORSION.map((_, at) => group.isZero(small.slice(at, at + 1)));
    const orders = TORSION.map((bytes) => {
      const point = ed25519.Point.fromBytes(bytes);
      return point.double().double().is0();
    });
    expect(zeros).toEqual(orders);
    expect(zeros.filter((is) => is)).toHaveLength(4);
    expect(group.isTorsion(group.base)).toBe(false);
    expect(group.isTorsion(group.concat([small, group.base]))).toBe(false);
    const shifted = group.add(group.concat(TORSION.map(() => group.base)), small);
    expect(group.isTorsion(shifted)).toBe(false);
    expect(group.isTorsion(group.sum([5n, ORDER - 5n], group.concat([group.base, group.base])))).toBe(true);
  });

  it("takes scalars as they are, not modulo l, to points with a part of small order", () => {
    const order8 = TORSION.map((bytes) => group.decodeEd25519(bytes)).find((point) => !group.isZero(point));
    expect(order8).toBeDefined();
    const point = order8 ?? group.zero;
    for (const scalar of [1n, 3n, 7n, ORDER - 1n, ORDER - 4n]) {
      expect([scalar, group.isZero(group.sum([scalar], point))]).toEqual([scalar, scalar % 2n === 0n]);
    }
  });

  it("splits vectors and puts them together", () => {
    const points = spreadPoints(group, 5);
    expect(points).toHaveLength(5);
    expect(points.slice(1, 3)).toHaveLength(2);
    const again = group.concat([points.slice(0, 2), points.slice(2, 2), points.slice(2, 5)]);
    expect(hexOf(group, again)).toBe(hexOf(group, points));
    expect(hexOf(group, points.slice(1, 4).slice(1, 2))).toBe(hexOf(group, points.slice(2, 3)));
  });

  it("keeps points as they are while others are computed", () => {
    const points = spreadPoints(group, 3);
    const before = hexOf(group, points);
    const [sum, folded] = [group.sum([1n, 2n, 3n], points), group.fold(points.slice(0, 2), 1n, 2n)];
    const after = [hexOf(group, sum), hexOf(group, folded)];
    group.double(points);
    group.negate(points);
    group.sumSecret([1n, 2n, 3n], points);
    expect(hexOf(group, points)).toBe(before);
    expect([hexOf(group, sum), hexOf(group, folded)]).toEqual(after);
  });

  it("asserts lengths and scalars", () => {
    expect(() => group.add(group.base, group.concat([]))).toThrow("0 for 1 points");
    expect(() => group.sum([1n, 2n], group.base)).toThrow("2 for 1 points");
    expect(() => group.sumSecret([], group.base)).toThrow("0 for 1 points");
    expect(() => group.fold(group.base, 1n, 1n)).toThrow("no halves");
    for (const scalar of [-1n, ORDER, 2n ** 256n]) {
      expect(() => group.sum([scalar], group.base)).toThrow("0 to l - 1");
      expect(() => group.sumSecret([scalar], group.base)).toThrow("0 to l - 1");
      expect(() => group.fold(group.concat([group.base, group.base]), 1n, scalar)).toThrow("0 to l - 1");
    }
  });
});

describe("the wasm group", () => {
  it("takes more points than fit into a call", () => {
    const group = GROUPS[1] ?? expect.unreachable();
    const count = 2 ** 16 + 3;
    const points = group.concat(new Array<Points>(count).fill(group.base));
    const ones = new Array<bigint>(count).fill(1n);
    const minus = group.negate(group.sum([BigInt(count)], group.base));
    expect(group.isZero(group.add(group.sum(ones, points), minus))).toBe(true);
    const last = (all: Points) => hexOf(group, all.slice(all.length - 1, all.length));
    expect(last(group.add(points, points))).toBe(hexOf(group, group.double(group.base)));
    expect(last(group.fold(points.slice(0, 2 ** 16 + 2), 1n, 2n))).toBe(
      hexOf(group, group.sum([3n], group.base)),
    );
    expect(group.isZero(group.concat([points, group.zero]))).toBe(false);
    expect(
      group.isZero(group.concat([group.concat(new Array<Points>(count).fill(group.zero)), points])),
    ).toBe(false);
    const secret = group.sumSecret(ones.slice(0, 1025), points.slice(0, 1025));
    expect(hexOf(group, secret)).toBe(hexOf(group, group.sum([1025n], group.base)));
  });
});
