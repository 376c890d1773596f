import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isAtLeast,
  maximum,
  maximumOf,
  minimum,
} from "../../../../src/proofs/constraints/gadgets/comparison.js";
import { OutOfDomainError } from "../../../../src/proofs/constraints/gadgets/domain.js";
import { RangeTable } from "../../../../src/proofs/constraints/gadgets/range-table.js";
import { Linear, modulo } from "../../../../src/proofs/constraints/system.js";
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

const BITS = 10;
const ZERO = Linear.constant(0n);

/** Whether a >= b, the lesser and the greater. */
const compared: Statement = (system, [a = ZERO, b = ZERO]) => {
  const ranges = new RangeTable(system);
  const results = [
    isAtLeast(system, ranges, a, b, BITS, "difference"),
    minimum(system, ranges, a, b, BITS, "difference"),
    maximum(system, ranges, a, b, BITS, "difference"),
  ];
  ranges.finish();
  return results;
};

const greatest: Statement = (system, numbers) => {
  const ranges = new RangeTable(system);
  const result = maximumOf(system, ranges, numbers, BITS, "quarter-hours");
  ranges.finish();
  return [result];
};

/** Finds every distance in range. */
const believe = (value: bigint) => (value < 2n ** BigInt(BITS) ? value : 0n);

const pair = fc
  .tuple(fc.bigInt(-(2n ** 60n), 2n ** 60n), fc.bigInt(-1024n, 1023n))
  .map(([b, difference]) => [b + difference, b] as const);

describe("a comparison", () => {
  test("tells the greater and the lesser, of signed numbers and of equal ones", () => {
    fc.assert(
      fc.property(pair, ([a, b]) => {
        const { broken, values } = prove(compared, [a, b]);
        expect(broken.size).toBe(0);
        expect(values).toEqual([a >= b ? 1n : 0n, modulo(a < b ? a : b), modulo(a < b ? b : a)]);
      }),
      { numRuns: 40, examples: [[[7n, 7n]], [[-1n, 0n]], [[-1024n, 0n]], [[1023n, 0n]]] },
    );
  });

  test("of numbers that are too far apart is not proved, and refused of a prover who claims it", () => {
    expect(() => prove(compared, [1024n, 0n])).toThrow(OutOfDomainError);
    expect(() => prove(compared, [0n, 1025n])).toThrow("difference");
    for (const difference of [1024n, -1025n, L / 2n, 2n ** 200n]) {
      for (const bit of [0n, 1n]) {
        const wires = Object.fromEntries(
          [0, 1, 3].flatMap((at) => [
            [`left ${at}`, bit],
            [`right ${at}`, 1n - bit],
          ]),
        );
        expect(isRefusedAlways(compared, [difference, 0n], { wires, believe })).toBe(true);
      }
    }
  });

  test("leaves no bit to choose", () => {
    const once: Statement = (system, [a = ZERO, b = ZERO]) => {
      const ranges = new RangeTable(system);
      const bit = isAtLeast(system, ranges, a, b, BITS, "difference");
      ranges.finish();
      return [bit];
    };
    for (const [a, b, bit] of [
      [5n, 5n, 0n],
      [6n, 5n, 0n],
      [1023n, 0n, 0n],
      [5n, 6n, 1n],
      [0n, 1024n, 1n],
    ] as const) {
      const wires = { "left 0": bit, "right 0": 1n - bit };
      expect(isRefused(prove(once, [a, b]))).toBe(false);
      expect(isRefusedAlways(once, [a, b], { wires, believe })).toBe(true);
    }
    const noBit = { "left 0": (L + 1n) / 2n, "right 0": (L + 1n) / 2n };
    expect(isRefusedAlways(once, [5n, 6n], { wires: noBit, believe })).toBe(true);
    expect(looseWires(compared, [5n, 9n])).toEqual(["right 9"]);
  });

  test("is the same system for prover and verifier", () => {
    for (const statement of [compared, greatest]) {
      expect(verify(statement, 2, 5n).constraints).toEqual(
        prove(statement, [6n, 9n], { challenge: 5n }).constraints,
      );
    }
  });
});

describe("the greatest of many", () => {
  test("is found and proved, wherever and however often it stands", () => {
    const numbers = fc.array(fc.bigInt(0n, 1023n), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(numbers, fc.bigInt(-(2n ** 40n), 2n ** 40n), (offsets, base) => {
        const all = offsets.map((offset) => base + offset);
        const { broken, values } = prove(greatest, all);
        expect([broken.size, values[0]]).toEqual([0, modulo(all.reduce((a, b) => (a > b ? a : b)))]);
      }),
      { numRuns: 40 },
    );
  });

  test("is neither greater nor less, nor what is none of them", () => {
    const numbers = [300n, 100n, 700n, 700n, 5n];
    const claim = (value: bigint): Cheat => ({
      wires: { "left 0": value - 300n, "right 0": value - 100n },
      believe,
    });
    expect(prove(greatest, numbers, claim(700n))).toMatchObject({ broken: new Map(), values: [700n] });
    for (const value of [701n, 699n, 300n, 5n, 0n, 1024n, -1n, modulo(700n + L / 2n)]) {
      expect(isRefusedAlways(greatest, numbers, claim(value))).toBe(true);
    }
  });

  test("is not proved by a product that is said to be zero", () => {
    const numbers = [300n, 100n, 700n];
    const wires = { "left 0": 500n, "right 0": 700n, "output 1": 0n };
    expect([...prove(greatest, numbers, { wires, believe }).broken.keys()]).toEqual(["multiplier 1"]);
    expect(isRefusedAlways(greatest, numbers, { wires: { ...wires, "left 1": 0n }, believe })).toBe(true);
  });

  test("leaves no wire to choose", () => {
    expect(looseWires(greatest, [300n, 700n, 100n])).toEqual(["right 6"]); // beside the last of 9 upper limbs
  });
});
