import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OutOfDomainError } from "../../../../src/proofs/constraints/gadgets/domain.js";
import { RangeTable } from "../../../../src/proofs/constraints/gadgets/range-table.js";
import { steps } from "../../../../src/proofs/constraints/gadgets/steps.js";
import { Linear, modulo } from "../../../../src/proofs/constraints/system.js";
import { isRefusedAlways, looseWires, prove, type Statement, verify } from "./cheating-system.js";

const BITS = 24;

const stepped =
  (thresholds: readonly bigint[], rates: readonly bigint[]): Statement =>
  (system, [x = Linear.constant(0n)]) => {
    const ranges = new RangeTable(system);
    const charge = steps(system, ranges, x, thresholds, rates, BITS, "total");
    ranges.finish();
    return [charge];
  };

/** What lies in each step, at its rate. */
const inClear = (x: bigint, thresholds: readonly bigint[], rates: readonly bigint[]) =>
  rates.reduce((charge, rate, k) => {
    const [from, to] = [thresholds[k - 1] ?? 0n, thresholds[k] ?? x];
    const within = x <= from ? 0n : (x < to ? x : to) - from;
    return charge + rate * within;
  }, 0n);

const limit = 2n ** BigInt(BITS);
const cases = fc.uniqueArray(fc.bigInt(1n, limit - 1n), { minLength: 1, maxLength: 6 }).chain((thresholds) =>
  fc.tuple(
    fc.constant(thresholds.sort((a, b) => (a < b ? -1 : 1))),
    fc.array(fc.bigInt(-1000n, 1000n), {
      minLength: thresholds.length + 1,
      maxLength: thresholds.length + 1,
    }),
    fc.oneof(fc.bigInt(0n, limit - 1n), fc.constantFrom(0n, limit - 1n, ...thresholds)),
  ),
);

describe("stepped rates", () => {
  test("charge what lies in each step at its rate, for any number of steps", () => {
    fc.assert(
      fc.property(cases, ([thresholds, rates, x]) => {
        const { broken, values } = prove(stepped(thresholds, rates), [x]);
        expect([broken.size, values[0]]).toEqual([0, modulo(inClear(x, thresholds, rates))]);
      }),
      { numRuns: 60 },
    );
  });

  const TWO = stepped([1000n], [120n, 250n]);
  const FOUR = stepped([10n, 1000n, 5000n], [1n, 120n, 250n, 20n]);
  const BOTH = [TWO, FOUR];

  test("cannot be charged as if the total were in another step", () => {
    const inRange = (value: bigint) => (value < 2n ** 23n ? value : 0n);
    for (const claimed of [0n, 500n, 999n, 4500n, 6000n]) {
      const believe = (value: bigint) => (value === 4000n ? claimed : inRange(value));
      expect(isRefusedAlways(FOUR, [4000n], { believe })).toBe(true);
    }
    for (const [x, bit] of [
      [4000n, 0n],
      [1000n, 0n],
      [999n, 1n],
    ] as const) {
      const wires = { "left 0": bit, "right 0": 1n - bit };
      expect(isRefusedAlways(TWO, [x], { wires, believe: inRange })).toBe(true);
    }
  });

  test("leave no wire to choose but spare ones", () => {
    expect(looseWires(TWO, [4000n])).toEqual(["right 5"]);
    expect(looseWires(FOUR, [4000n])).toEqual([]);
  });

  test("tell a prover of a total beyond their bits", () => {
    for (const statement of BOTH) {
      expect(() => prove(statement, [limit * 2n])).toThrow(OutOfDomainError);
      expect(() => prove(statement, [limit * 2n])).toThrow("total");
    }
  });

  test("are the same system for prover and verifier", () => {
    for (const statement of BOTH) {
      const { constraints } = prove(statement, [4000n], { challenge: 3n });
      expect(verify(statement, 1, 3n).constraints).toEqual(constraints);
    }
  });

  test("with thresholds out of order, or a rate too few, are a fault of the program", () => {
    expect(() => prove(stepped([5n, 5n], [1n, 2n, 3n]), [1n])).toThrow("thresholds ascend");
    expect(() => prove(stepped([5n], [1n]), [1n])).toThrow("one rate more");
  });
});
