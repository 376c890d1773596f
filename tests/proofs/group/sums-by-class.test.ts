// Sums by class, the verifier's hot path: the fast group adds with formulas that fail for some pairs of points, so that
// such pairs are put everywhere here, and it works class by class, but must name the first wrong element of all.
import { hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Encodings, Group } from "../../../src/proofs/group/group.js";
import vectors from "../../vectors/rfc9496-ristretto255.json" with { type: "json" };
import { GROUPS, hexOf, joined, refusedIndex, spreadPoints } from "./kit.js";

const STRIDE = 38;
const OFFSET = 6;
const [BAD = new Uint8Array(32)] = vectors.invalid.slice(-1).map(hexToBytes);

/** Few elements, so that classes have equal ones, opposites and the identity: n·B for n from -4 to 4. */
function palette(group: Group): Uint8Array[] {
  const list = [0n, 1n, 2n, 3n, 4n].map((n) => group.sum([n], group.base));
  const all = group.encode(group.concat([...list, ...list.map((point) => group.negate(point))]));
  return Array.from({ length: 10 }, (_, at) => all.slice(32 * at, 32 * at + 32));
}

/** Encodings as they stand in leaves. */
function inLeaves(elements: readonly Uint8Array[]): Encodings {
  const bytes = new Uint8Array(elements.length * STRIDE).fill(0xaa);
  elements.forEach((element, at) => {
    bytes.set(element, at * STRIDE + OFFSET);
  });
  return { bytes, offset: OFFSET, stride: STRIDE, count: elements.length };
}

const sums = (group: Group, elements: readonly Uint8Array[], classes: readonly number[], count: number) => {
  const of = Int32Array.from(classes);
  const leaves = inLeaves(elements);
  const hints = group.hints(group.decode(joined(elements)));
  const plain = hexOf(group, group.sumsByClass(leaves, null, of, count));
  expect(hexOf(group, group.sumsByClass(leaves, hints, of, count))).toBe(plain);
  return plain;
};

describe.each(
  GROUPS.map((group) => [group.name, group] as const),
)("sums by class of the %s group", (_, group) => {
  const elements = palette(group);
  const numbers = [0n, 1n, 2n, 3n, 4n, 0n, -1n, -2n, -3n, -4n];

  it.each([
    ["a class", 3, 40],
    ["all classes together", 12, 14],
  ])("are right for equal, opposite and neutral elements in any order, %s at a time", (_way, count, maxLength) => {
    const entry = fc.tuple(fc.nat(9), fc.integer({ min: -1, max: 2 }));
    fc.assert(
      fc.property(fc.array(entry, { minLength: maxLength / 2, maxLength }), (list) => {
        const taken = list.map(([which]) => elements[which] ?? BAD);
        const classes = list.map(([, of]) => of);
        const totals = Array.from({ length: count }, (_, of) =>
          list.reduce((total, [which, own]) => total + (own === of ? (numbers[which] ?? 0n) : 0n), 0n),
        );
        const multiples = totals.map((n) => {
          const point = group.sum([n < 0n ? -n : n], group.base);
          return n < 0n ? group.negate(point) : point;
        });
        expect(sums(group, taken, classes, count)).toBe(hexOf(group, group.concat(multiples)));
      }),
      { numRuns: 20 },
    );
  });

  it("are right for a class of equal elements, of any number", () => {
    const which = group.encode(spreadPoints(group, 1));
    for (const count of [1, 2, 3, 4, 5, 8, 31, 32]) {
      const equal = Array.from({ length: count }, () => which);
      const is = sums(group, equal, new Array<number>(count).fill(0), 1);
      expect(is).toBe(hexOf(group, group.sum([BigInt(count)], group.decode(which))));
    }
  });

  it("are right in pieces, and name elements of later ones", () => {
    // Elements so far apart that a call into the module takes two.
    const stride = 2 ** 21;
    const bytes = new Uint8Array(4 * stride + 32);
    const put = (at: number, element: Uint8Array) => bytes.set(element, at * stride);
    for (let at = 0; at < 5; at++) put(at, elements[at + 1] ?? BAD);
    const encodings = { bytes, offset: 0, stride, count: 5 };
    const run = () => group.sumsByClass(encodings, null, Int32Array.of(0, 1, 0, 1, 1), 2);
    expect(hexOf(group, run())).toBe(
      hexOf(group, group.concat([group.sum([4n], group.base), group.sum([6n], group.base)])),
    );
    put(3, BAD);
    expect(refusedIndex(run)).toBe(3);
  });

  it("of no element are the identity", () => {
    expect(hexOf(group, group.sumsByClass(inLeaves([]), null, new Int32Array(), 2))).toBe("00".repeat(64));
    expect(group.sumsByClass(inLeaves([]), null, new Int32Array(), 0)).toHaveLength(0);
    const none = group.sumsByClass(inLeaves([BAD]), new Uint8Array(64), Int32Array.of(-1), 1);
    expect(group.isZero(none)).toBe(true);
  });

  it.each([
    ["a class", 3],
    ["all classes together", 50],
  ])("name the first element that is refused, of whatever class, %s at a time", (_way, count) => {
    const list = Array.from({ length: 15 }, (_, at) => elements[at % 10] ?? BAD);
    const hints = group.hints(group.decode(joined(list)));
    const classes = Int32Array.from(list, (_, at) => 2 - (at % 3));
    for (let first = 0; first < 15; first++) {
      const bad = list.map((element, at) => (at === first || at === 14 ? BAD : element));
      const run = (of: Int32Array, which: Uint8Array | null) =>
        refusedIndex(() => group.sumsByClass(inLeaves(bad), which, of, count));
      expect(run(classes, null)).toBe(first);
      expect(run(classes, hints)).toBe(first);
      const left = classes.map((of, at) => (at === first ? -1 : of));
      expect(run(left, hints)).toBe(first === 14 ? "none" : 14);
      const wrong = hints.slice();
      wrong.fill(0, first * 64, first * 64 + 64);
      expect(refusedIndex(() => group.sumsByClass(inLeaves(list), wrong, classes, count))).toBe(first);
    }
  });

  it("assert where encodings end, and classes", () => {
    const leaves = inLeaves(elements);
    const classes = new Int32Array(10);
    const run = (encodings: Encodings, of: Int32Array, hints: Uint8Array | null) => () =>
      group.sumsByClass(encodings, hints, of, 2);
    expect(run({ ...leaves, offset: 7 }, classes, null)).toThrow("after their bytes");
    expect(run({ ...leaves, stride: 39 }, classes, null)).toThrow("after their bytes");
    expect(run(leaves, classes.subarray(1), null)).toThrow("9 for 10");
    expect(run(leaves, classes, new Uint8Array(64))).toThrow("1 for 10");
    expect(run(leaves, classes.fill(2), null)).toThrow("no class 2");
    expect(run(leaves, classes.fill(-2), null)).toThrow("no class -2");
  });
});

describe("both groups", () => {
  it("sum up by class alike", () => {
    const [noble, wasm] = GROUPS.map((group) => {
      const all = group.encode(spreadPoints(group, 60));
      const list = Array.from({ length: 60 }, (_, at) => all.slice(32 * at, 32 * at + 32));
      const classes = list.map((_, at) => ((at * at) % 7) - 1);
      return sums(group, list, classes, 6);
    });
    expect(wasm).toBe(noble);
  });
});
