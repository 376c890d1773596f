import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OutOfDomainError } from "../../../../src/proofs/constraints/gadgets/domain.js";
import { RangeTable } from "../../../../src/proofs/constraints/gadgets/range-table.js";
import { splineSum, splineValues } from "../../../../src/proofs/constraints/gadgets/spline.js";
import {
  planSpline,
  type Spline,
  type SplinePlan,
  valueAt,
  type Wanted,
} from "../../../../src/proofs/constraints/gadgets/spline-plan.js";
import { modulo } from "../../../../src/proofs/constraints/system.js";
import { L } from "../../../../src/trusted/sealing/edwards.js";
import {
  type Cheat,
  isRefused,
  isRefusedAlways,
  looseWires,
  prove,
  type Statement,
  verify,
} from "./cheating-system.js";

const what = (at: number) => `reading ${at}`;

const each =
  (spline: Spline): Statement =>
  (system, numbers) => {
    const ranges = new RangeTable(system);
    const values = splineValues(system, ranges, numbers, spline, what);
    ranges.finish();
    return values;
  };

const sum =
  (spline: Spline): Statement =>
  (system, numbers) => {
    const ranges = new RangeTable(system);
    const total = splineSum(system, ranges, numbers, spline, what);
    ranges.finish();
    return [total];
  };

/** A prover who takes x for another number, of another piece, and finds every distance in range. */
function pretending(spline: Spline, x: bigint, claimed: bigint): Cheat {
  const limit = 2n ** BigInt(planSpline(spline, 1, "each").bits);
  return {
    believe: (value) => (value === modulo(x) ? modulo(claimed) : value < limit ? value : 0n),
  };
}

/** What the spline says, by its own definition. */
function inClear({ segments }: Spline, x: bigint): bigint {
  const segment = segments.filter(({ from }) => from <= x).at(-1);
  return (segment?.coefficients ?? []).reduceRight((total, c) => total * (x - (segment?.from ?? 0n)) + c, 0n);
}

/** Four cubics that join smoothly nowhere: whatever is taken from the wrong one shows. */
const CUBIC: Spline = {
  segments: [
    { from: 0n, coefficients: [5n, 200n, -3n, 1n] },
    { from: 100n, coefficients: [70_000n, 10n, 40n, -2n] },
    { from: 500n, coefficients: [-9n, 0n, 1n] },
    { from: 2000n, coefficients: [1_000_000n, 300n, 0n, 2n] },
  ],
  limit: 50_000n,
};
/** Few numbers of a narrow first segment, so that whole segments are the cheapest. */
const WIDE: Spline = {
  segments: [
    { from: -3n, coefficients: [1n, 2n] },
    { from: 4n, coefficients: [100n, 30n] },
    { from: 1_000_003n, coefficients: [7n, 0n] },
  ],
  limit: 2n ** 32n,
};
const TABLE: Spline = {
  segments: [
    { from: 0n, coefficients: [1n, 1n, 1n] },
    { from: 3n, coefficients: [0n] },
    { from: 9n, coefficients: [50n, -1n] },
  ],
  limit: 16n,
};
const CONSTANT: Spline = {
  segments: [
    { from: 0n, coefficients: [120n] },
    { from: 1000n, coefficients: [250n] },
    { from: 5000n, coefficients: [310n] },
  ],
  limit: 60_000n,
};
const SPLINES = { CUBIC, WIDE, TABLE, CONSTANT };

const splineArbitrary: fc.Arbitrary<Spline> = fc
  .tuple(
    fc.bigInt(-50n, 50n),
    fc.array(fc.tuple(fc.bigInt(1n, 40n), fc.array(fc.bigInt(-9n, 9n), { minLength: 1, maxLength: 5 })), {
      minLength: 1,
      maxLength: 4,
    }),
  )
  .map(([begin, parts]) => {
    let from = begin;
    const segments = parts.map(([length, coefficients]) => {
      const segment = { from, coefficients };
      from += length;
      return segment;
    });
    return { segments, limit: from };
  });

describe("a plan of a spline", () => {
  test("has pieces that say what the spline says, of every kind", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(
        splineArbitrary,
        fc.nat(60),
        fc.constantFrom<Wanted>("each", "sum"),
        (spline, uses, wanted) => {
          const plan = planSpline(spline, uses, wanted);
          kinds.add(plan.kind);
          const first = spline.segments[0]?.from ?? 0n;
          for (let x = first; x < spline.limit; x++) {
            const covering = plan.pieces.filter(({ start, end }) => start <= x && x <= end);
            expect(covering.length).toBeGreaterThan(0);
            for (const piece of covering) expect(valueAt(piece, x)).toBe(inClear(spline, x));
          }
          for (const { start, end } of plan.pieces) {
            expect(start >= first && end < spline.limit).toBe(true);
            if (plan.kind === "block") expect(end - start + 1n).toBe(2n ** BigInt(plan.bits));
            if (plan.kind === "segment") expect(end - start < 2n ** BigInt(plan.bits)).toBe(true);
          }
        },
      ),
      // A seed of which all kinds come: whole segments are seldom the cheapest for so short ones.
      { numRuns: 60, seed: 1 },
    );
    expect([...kinds].sort()).toEqual(["block", "number", "segment"]);
  });

  test("is of single numbers for a small domain, of blocks for many numbers, of segments for few", () => {
    const kindOf = (spline: Spline, uses: number): SplinePlan["kind"] =>
      planSpline(spline, uses, "each").kind;
    expect(kindOf(TABLE, 3)).toBe("number");
    expect(kindOf(CUBIC, 1488)).toBe("block");
    expect(kindOf(CONSTANT, 100)).toBe("block");
    expect(kindOf(WIDE, 2)).toBe("segment");
  });
});

describe("a spline", () => {
  test("of any shape has its value at any numbers, and its sum", () => {
    const cases = splineArbitrary.chain((spline) => {
      const number = fc.bigInt(spline.segments[0]?.from ?? 0n, spline.limit - 1n);
      return fc.tuple(fc.constant(spline), fc.array(number, { maxLength: 12 }));
    });
    fc.assert(
      fc.property(cases, ([spline, numbers]) => {
        const values = numbers.map((x) => inClear(spline, x));
        const proved = prove(each(spline), numbers);
        expect([...proved.broken.keys()]).toEqual([]);
        expect(proved.values).toEqual(values.map(modulo));
        const summed = prove(sum(spline), numbers);
        expect([...summed.broken.keys()]).toEqual([]);
        expect(summed.values).toEqual([modulo(values.reduce((a, b) => a + b, 0n))]);
      }),
      { numRuns: 50 },
    );
  });

  test("has its value at both ends of every segment", () => {
    for (const [name, spline] of Object.entries(SPLINES)) {
      const ends = spline.segments.flatMap(({ from }, at) => [
        from,
        (spline.segments[at + 1]?.from ?? spline.limit) - 1n,
      ]);
      const { broken, values } = prove(each(spline), ends);
      expect([name, broken.size, values]).toEqual([name, 0, ends.map((x) => modulo(inClear(spline, x)))]);
    }
  });

  test("tells an honest prover which number is out of its domain", () => {
    expect(() => prove(each(CUBIC), [7n, 50_000n])).toThrow(OutOfDomainError);
    expect(() => prove(each(CUBIC), [7n, 50_000n])).toThrow("reading 1: 50000 is not in [0, 49999]");
    expect(() => prove(sum(WIDE), [-4n])).toThrow("reading 0: -4 is not in [-3, 4294967295]");
  });

  test("refuses every number beyond its domain, wrapped ones included, whatever the prover pretends it is", () => {
    for (const spline of Object.values(SPLINES)) {
      const first = spline.segments[0]?.from ?? 0n;
      for (const x of [spline.limit, first - 1n, spline.limit * 2n, L / 2n, first - 2n ** 32n]) {
        for (const claimed of [first, spline.limit - 1n, (first + spline.limit) / 2n]) {
          expect(isRefusedAlways(each(spline), [x], pretending(spline, x, claimed))).toBe(true);
        }
      }
    }
  });

  test("refuses the polynomial of another segment", () => {
    for (const spline of [CUBIC, WIDE, CONSTANT]) {
      const starts = spline.segments.map(({ from }) => from);
      for (const x of starts.map((from) => from + 1n)) {
        for (const claimed of starts.map((from) => from + 2n)) {
          const isSame = starts.every((from) => from <= x === from <= claimed);
          const outcome = prove(each(spline), [x], pretending(spline, x, claimed));
          expect([x, claimed, isRefused(outcome)]).toEqual([x, claimed, x !== claimed]);
          if (!isSame) expect(isRefusedAlways(each(spline), [x], pretending(spline, x, claimed))).toBe(true);
        }
      }
    }
  });

  test("refuses the polynomial of another segment although its row and x - start are right", () => {
    const even: Spline = {
      segments: [
        { from: 0n, coefficients: [3n, 2n] },
        { from: 2n ** 20n, coefficients: [50n, 30n] },
      ],
      limit: 2n ** 21n,
    };
    expect([planSpline(WIDE, 1, "each").kind, planSpline(even, 1, "each").kind]).toEqual([
      "segment",
      "block",
    ]);
    for (const [spline, x, claimed] of [
      [WIDE, 5n, -3n],
      [WIDE, -2n, 4n],
      [WIDE, 1_000_003n, 4n],
      [WIDE, 2n ** 32n, 1_000_003n],
      [WIDE, 2n ** 32n + 1_000_002n, 1_000_003n],
      [even, 2n ** 20n, 0n],
      [even, 2n ** 20n - 1n, 2n ** 20n],
      [even, 2n ** 21n, 2n ** 20n],
      [even, -1n, 0n],
    ] as const) {
      // After the wires of its own (end and c0, or c0 alone) the multiplier of c1 and x - start.
      const cheat = { ...pretending(spline, x, claimed), wires: { "right 1": modulo(x - claimed) } };
      const { broken } = prove(each(spline), [x], cheat);
      expect([x, claimed, broken.size]).toEqual([x, claimed, 1]);
      expect(isRefusedAlways(each(spline), [x], cheat)).toBe(true);
    }
  });

  test("leaves no wire to choose but spare ones", () => {
    expect(looseWires(sum(WIDE), [-3n, 5n])).toEqual(["right 4"]); // beside the multiplicity of the third row;
    expect(looseWires(each(TABLE), [3n, 9n])).toEqual([]);
    expect(looseWires(sum(TABLE), [3n, 9n])).toEqual([]);
  });

  test("is the same system for prover and verifier", () => {
    for (const statement of [each(CUBIC), sum(CUBIC), each(WIDE), sum(WIDE), each(TABLE), sum(CONSTANT)]) {
      const prover = prove(statement, [1n, 9n], { challenge: 12_345n });
      const verifier = verify(statement, 2, 12_345n);
      expect(verifier.constraints).toEqual(prover.constraints);
      expect([verifier.first, verifier.second]).toEqual([prover.first, prover.second]);
    }
  });

  test("whose segments do not ascend, or of too high a degree, is a fault of the program", () => {
    const segment = { from: 0n, coefficients: [1n] };
    expect(() => planSpline({ segments: [segment, segment], limit: 5n }, 1, "each")).toThrow("ascend");
    expect(() => planSpline({ segments: [segment], limit: 0n }, 1, "each")).toThrow("ascend");
    const steep = { from: 0n, coefficients: new Array<bigint>(10).fill(1n) };
    expect(() => planSpline({ segments: [steep], limit: 5n }, 1, "each")).toThrow("degree");
    expect(() => planSpline({ segments: [], limit: 5n }, 1, "each")).toThrow("1 to 65,536 segments");
  });
});
