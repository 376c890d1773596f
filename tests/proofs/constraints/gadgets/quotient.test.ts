import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { floorDivide, OutOfDomainError } from "../../../../src/proofs/constraints/gadgets/domain.js";
import {
  quotient,
  roundedHalfAway,
  roundedHalfUp,
} from "../../../../src/proofs/constraints/gadgets/quotient.js";
import { RangeTable } from "../../../../src/proofs/constraints/gadgets/range-table.js";
import { Linear, modulo } from "../../../../src/proofs/constraints/system.js";
import { isRefused, isRefusedAlways, looseWires, prove, type Statement, verify } from "./cheating-system.js";

const Fn = ed25519.Point.Fn;
const BITS = 20;
const ZERO = Linear.constant(0n);

const divided =
  (gadget: typeof quotient, divisor: bigint): Statement =>
  (system, [dividend = ZERO]) => {
    const ranges = new RangeTable(system);
    const result = gadget(system, ranges, dividend, divisor, BITS, "levy");
    ranges.finish();
    return [result];
  };

/** By its definition: the magnitude's nearest integer, a half up, with the sign. */
function halfAway(dividend: bigint, divisor: bigint): bigint {
  const size = dividend < 0n ? -dividend : dividend;
  const rounded = (2n * size + divisor) / (2n * divisor);
  return dividend < 0n ? -rounded : rounded;
}

const divisors = [1n, 2n, 3n, 7n, 8n, 1000n, 1024n, 1_000_000n, 2n ** 40n - 1n];
const cases = fc.constantFrom(...divisors).chain((divisor) => {
  const size = divisor * 2n ** BigInt(BITS - 1);
  return fc.tuple(fc.constant(divisor), fc.bigInt(-size, size));
});
const ties = divisors.flatMap((divisor) =>
  [-3n, -1n, 0n, 1n, 3n].map((odd): [[bigint, bigint]] => [[divisor, (odd * divisor) / 2n]]),
);

describe("a quotient", () => {
  test("is the greatest integer not above, and roundings are to the nearest, a half away from zero or up", () => {
    fc.assert(
      fc.property(cases, ([divisor, dividend]) => {
        for (const [gadget, expected] of [
          [quotient, floorDivide(dividend, divisor)],
          [roundedHalfAway, halfAway(dividend, divisor)],
          [roundedHalfUp, floorDivide(2n * dividend + divisor, 2n * divisor)],
        ] as const) {
          const { broken, values } = prove(divided(gadget, divisor), [dividend]);
          expect([dividend, divisor, broken.size, values[0]]).toEqual([
            dividend,
            divisor,
            0,
            modulo(expected),
          ]);
        }
      }),
      { numRuns: 60, examples: ties },
    );
  });

  test("rounds halves of either sign as a tax line is rounded", () => {
    const rounded = (dividend: bigint) => prove(divided(roundedHalfAway, 2n), [dividend]).values[0];
    expect([-3n, -1n, 0n, 1n, 3n].map(rounded)).toEqual([modulo(-2n), modulo(-1n), 0n, 1n, 2n]);
  });

  test("has no rest of the divisor or more, and none below zero", () => {
    for (const divisor of [3n, 7n, 8n, 1_000_000n]) {
      const dividend = 5n * divisor + 1n;
      for (const claimed of [4n, 6n, 0n, -1n]) {
        for (const rest of [0n, 1n, divisor - 1n]) {
          const replay = [dividend, claimed + 2n ** BigInt(BITS), rest, divisor - 1n - rest];
          const cheat = { wires: { "left 0": claimed }, replay };
          expect(isRefusedAlways(divided(quotient, divisor), [dividend], cheat)).toBe(true);
        }
      }
    }
  });

  test("is no fraction of the field, which leaves no rest at all", () => {
    const statement = divided(quotient, 7n);
    const fraction = Fn.mul(36n, Fn.inv(7n));
    const believe = (value: bigint) => (value < 2n ** 21n ? value : 5n);
    const { broken } = prove(statement, [36n], { wires: { "left 0": fraction }, believe });
    expect(broken.size).toBeGreaterThan(0);
    expect(isRefusedAlways(statement, [36n], { wires: { "left 0": fraction }, believe })).toBe(true);
  });

  test("by 1 is the dividend", () => {
    expect(isRefused(prove(divided(quotient, 1n), [99n]))).toBe(false);
    expect(isRefusedAlways(divided(quotient, 1n), [99n], { wires: { "left 0": 98n } })).toBe(true);
  });

  test("beyond its bits is not proved", () => {
    const limit = 2n ** BigInt(BITS);
    expect(isRefused(prove(divided(quotient, 3n), [3n * limit - 1n]))).toBe(false);
    expect(isRefused(prove(divided(quotient, 3n), [-3n * limit]))).toBe(false);
    expect(() => prove(divided(quotient, 3n), [3n * limit])).toThrow(OutOfDomainError);
    expect(() => prove(divided(quotient, 3n), [-3n * limit - 1n])).toThrow("levy");
  });

  test("leaves no wire to choose but its spare one", () => {
    expect(looseWires(divided(quotient, 7n), [-36n])).toEqual(["right 0"]);
    expect(looseWires(divided(roundedHalfAway, 7n), [-35n])).toEqual(["right 1"]);
  });

  test("has a sign that cannot be chosen where it decides a half", () => {
    const statement = divided(roundedHalfAway, 2n);
    const replay = prove(statement, [-1n]).evaluations;
    expect(isRefusedAlways(statement, [-1n], { wires: { "left 0": 1n, "right 0": 0n }, replay })).toBe(true);
    const believe = (value: bigint) => (value < 2n ** 22n ? value : 0n);
    expect(isRefusedAlways(statement, [-1n], { wires: { "left 0": 1n, "right 0": 0n }, believe })).toBe(true);
  });

  test("is the same system for prover and verifier", () => {
    const statement = divided(roundedHalfAway, 1_000_000n);
    const { constraints } = prove(statement, [123_456_789n], { challenge: 31n });
    expect(verify(statement, 1, 31n).constraints).toEqual(constraints);
  });

  test("by zero, or by 2^64, is a fault of the program", () => {
    expect(() => prove(divided(quotient, 0n), [1n])).toThrow("a divisor is in [1, 2^64)");
    expect(() => prove(divided(quotient, 2n ** 64n), [1n])).toThrow("a divisor is in [1, 2^64)");
  });
});
