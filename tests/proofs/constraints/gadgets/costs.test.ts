// What gadgets cost, as docs/proofs.md tells it: multipliers of the first phase and of the second, of a statement
// that holds nothing else.
import { expect, test } from "vitest";
import { isAtLeast, maximum, maximumOf } from "../../../../src/proofs/constraints/gadgets/comparison.js";
import { boolean, nand, product } from "../../../../src/proofs/constraints/gadgets/logic.js";
import { polynomial } from "../../../../src/proofs/constraints/gadgets/polynomial.js";
import { quotient, roundedHalfAway } from "../../../../src/proofs/constraints/gadgets/quotient.js";
import { RangeTable } from "../../../../src/proofs/constraints/gadgets/range-table.js";
import { RowTable } from "../../../../src/proofs/constraints/gadgets/row-table.js";
import { splineSum, splineValues } from "../../../../src/proofs/constraints/gadgets/spline.js";
import type { Spline } from "../../../../src/proofs/constraints/gadgets/spline-plan.js";
import { steps } from "../../../../src/proofs/constraints/gadgets/steps.js";
import { type FirstPhase, Linear } from "../../../../src/proofs/constraints/system.js";
import { verify } from "./cheating-system.js";

type Gadget = (system: FirstPhase, ranges: RangeTable, numbers: readonly Linear[]) => unknown;

/** Multipliers of the first phase and of the second, the ranges' included. */
function costOf(numbers: number, gadget: Gadget): [number, number] {
  const { first, second } = verify(
    (system, committed) => {
      const ranges = new RangeTable(system);
      gadget(system, ranges, committed);
      ranges.finish();
      return [];
    },
    numbers,
    1_000_003n,
  );
  return [first, second];
}

const MONTH = 1488;
const ZERO = Linear.constant(0n);
const name = () => "value";

const inRange =
  (bits: number): Gadget =>
  (_, ranges, numbers) => {
    for (const number of numbers) ranges.check(number, bits, "value");
  };

const rowsOf =
  (rows: number): Gadget =>
  (system, _, numbers) => {
    const table = new RowTable(
      system,
      Array.from({ length: rows }, (_row, at) => [BigInt(at), 7n, 9n]),
    );
    for (const number of numbers) system.constrain((table.select(null)[0] ?? ZERO).minus(number));
    table.finish();
  };

const spline = (limit: bigint, degree: number): Spline => ({
  segments: [0n, 250n, 750n, 2000n].map((from) => ({
    from,
    coefficients: new Array<bigint>(degree + 1).fill(from + 1n),
  })),
  limit,
});

const summed =
  (limit: bigint, degree: number): Gadget =>
  (system, ranges, numbers) =>
    splineSum(system, ranges, numbers, spline(limit, degree), name);

const valued =
  (limit: bigint, degree: number): Gadget =>
  (system, ranges, numbers) =>
    splineValues(system, ranges, numbers, spline(limit, degree), name);

const stepped =
  (thresholds: number): Gadget =>
  (system, ranges, [x = ZERO]) =>
    steps(
      system,
      ranges,
      x,
      Array.from({ length: thresholds }, (_, at) => BigInt(at + 1) * 100_000n),
      Array.from({ length: thresholds + 1 }, (_, at) => BigInt(at)),
      32,
      "total",
    );

const TABLE: readonly (readonly [string, number, Gadget, number, number])[] = [
  ["product", 2, (system, _, [a = ZERO, b = ZERO]) => product(system, a, b), 1, 0],
  ["boolean", 0, (system) => boolean(system, null), 1, 0],
  ["NAND", 2, (system, _, [a = ZERO, b = ZERO]) => nand(system, a, b), 1, 0],
  ["polynomial of degree 3", 5, (system, _, [x = ZERO, ...c]) => polynomial(system, c, x), 3, 0],
  ["range of 8 bits, 1 number", 1, inRange(8), 4, 4],
  ["range of 16 bits, 1 number", 1, inRange(16), 6, 8],
  ["range of 32 bits, 1 number", 1, inRange(32), 12, 8],
  ["range of 64 bits, 1 number", 1, inRange(64), 16, 16],
  ["range of 16 bits, 48 numbers", 48, inRange(16), 88, 144],
  ["range of 32 bits, 48 numbers", 48, inRange(32), 200, 192],
  ["range of 16 bits, 1,488 numbers", MONTH, inRange(16), 872, 2976],
  ["range of 32 bits, 1,488 numbers", MONTH, inRange(32), 3024, 4464],
  ["look-up in 24 rows of 3 columns, 1 number", 1, rowsOf(24), 14, 1],
  ["look-up in 24 rows of 3 columns, 1,488 numbers", MONTH, rowsOf(24), 2988, 1488],
  ["look-up in 4,096 rows of 3 columns, 1,488 numbers", MONTH, rowsOf(4096), 5024, 1488],
  [
    "comparison of 32 bits",
    2,
    (system, ranges, [a = ZERO, b = ZERO]) => isAtLeast(system, ranges, a, b, 32, "value"),
    13,
    8,
  ],
  [
    "minimum or maximum of two, 32 bits",
    2,
    (system, ranges, [a = ZERO, b = ZERO]) => maximum(system, ranges, a, b, 32, "value"),
    14,
    8,
  ],
  [
    "maximum of 1,488, 14 bits",
    MONTH,
    (system, ranges, numbers) => maximumOf(system, ranges, numbers, 14, "value"),
    2295,
    2976,
  ],
  [
    "quotient by 1,000,000, 48 bits",
    1,
    (system, ranges, [a = ZERO]) => quotient(system, ranges, a, 1_000_000n, 48, "value"),
    19,
    24,
  ],
  [
    "rounding by 1,000,000, 48 bits, a half away from zero",
    1,
    (system, ranges, [a = ZERO]) => roundedHalfAway(system, ranges, a, 1_000_000n, 48, "value"),
    34,
    36,
  ],
  ["steps with 1 threshold, 32 bits", 1, stepped(1), 14, 8],
  ["steps with 2 thresholds, 32 bits", 1, stepped(2), 18, 16],
  ["steps with 5 thresholds, 32 bits", 1, stepped(5), 20, 17],
  ["sum of 1,488 look-ups by range, below 2^14", MONTH, summed(2n ** 14n, 0), 873, 2976],
  ["sum of 1,488 linear splines, below 2^14", MONTH, summed(2n ** 14n, 1), 1617, 2976],
  ["sum of 1,488 cubic splines, below 11,500", MONTH, summed(11_500n, 3), 5750, 1488],
  ["sum of 1,488 cubic splines, below 2^14", MONTH, summed(2n ** 14n, 3), 4593, 2976],
  ["sum of 1,488 cubic splines, below 2^16", MONTH, summed(2n ** 16n, 3), 4785, 2976],
  ["sum of 1,488 cubic splines, below 2^20", MONTH, summed(2n ** 20n, 3), 8625, 2976],
  ["sum of 1,488 cubic splines, below 2^32", MONTH, summed(2n ** 32n, 3), 9722, 10416],
  ["each of 1,488 cubic splines, below 2^14", MONTH, valued(2n ** 14n, 3), 5337, 2976],
  ["each of 1,488 cubic splines, below 2^16", MONTH, valued(2n ** 16n, 3), 5529, 2976],
  ["each of 1,488 look-ups by range, below 2^16", MONTH, valued(2n ** 16n, 0), 1809, 2976],
];

test("gadgets cost what the table says", () => {
  const measured = TABLE.map(([what, numbers, gadget]) => [what, ...costOf(numbers, gadget)]);
  expect(measured).toEqual(TABLE.map(([what, , , first, second]) => [what, first, second]));
});
