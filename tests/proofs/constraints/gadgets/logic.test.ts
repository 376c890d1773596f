import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boolean, nand, product } from "../../../../src/proofs/constraints/gadgets/logic.js";
import { freePolynomial, polynomial } from "../../../../src/proofs/constraints/gadgets/polynomial.js";
import { Linear, modulo } from "../../../../src/proofs/constraints/system.js";
import { L } from "../../../../src/trusted/sealing/edwards.js";
import { isRefused, isRefusedAlways, looseWires, prove, type Statement, verify } from "./cheating-system.js";

const scalar = fc.bigInt(0n, L - 1n);
const ZERO = Linear.constant(0n);

describe("a product", () => {
  const multiplied: Statement = (system, [a = ZERO, b = ZERO]) => [product(system, a, b)];

  test("is that of its factors, modulo l", () => {
    fc.assert(
      fc.property(scalar, scalar, (a, b) => {
        const { broken, values } = prove(multiplied, [a, b]);
        expect([broken.size, values[0]]).toEqual([0, (a * b) % L]);
      }),
      { numRuns: 30 },
    );
  });

  test("of other factors, or another product, is refused", () => {
    expect(looseWires(multiplied, [6n, 7n])).toEqual([]);
    expect(isRefused(prove(multiplied, [6n, 7n], { wires: { "output 0": 43n } }))).toBe(true);
  });
});

describe("a bit", () => {
  const bitOf =
    (bit: 0n | 1n): Statement =>
    (system, [first]) => [boolean(system, first && system.evaluate(first) === null ? null : bit)];

  test("is 0 or 1", () => {
    expect(prove(bitOf(0n), []).values).toEqual([0n]);
    expect(prove(bitOf(1n), []).values).toEqual([1n]);
    expect(isRefused(prove(bitOf(0n), []))).toBe(false);
    expect(isRefused(prove(bitOf(1n), []))).toBe(false);
  });

  test("of any other value is refused, whatever its complement is said to be", () => {
    for (const value of [2n, L - 1n, (L + 1n) / 2n]) {
      for (const complement of [0n, 1n, modulo(1n - value)]) {
        const wires = { "left 0": value, "right 0": complement };
        expect(isRefused(prove(bitOf(1n), [], { wires }))).toBe(true);
        expect(isRefused(prove(bitOf(1n), [], { wires: { ...wires, "output 0": 0n } }))).toBe(true);
      }
    }
  });
});

describe("NAND", () => {
  /** A full adder of three bits from nothing but nine NANDs: sum and carry. */
  const adder: Statement = (system, inputs) => {
    const [a = ZERO, b = ZERO, c = ZERO] = inputs.map((input) => {
      const value = system.evaluate(input);
      const bit = boolean(system, value === null ? null : value === 1n ? 1n : 0n);
      system.constrain(bit.minus(input));
      return bit;
    });
    const ab = nand(system, a, b);
    const half = nand(system, nand(system, a, ab), nand(system, b, ab));
    const hc = nand(system, half, c);
    return [nand(system, nand(system, half, hc), nand(system, c, hc)), nand(system, hc, ab)];
  };

  test("builds a circuit that adds", () => {
    for (let inputs = 0; inputs < 8; inputs++) {
      const bits = [inputs & 1, (inputs >> 1) & 1, inputs >> 2];
      const { broken, values } = prove(adder, bits.map(BigInt));
      const sum = bits.reduce((a, b) => a + b);
      expect([broken.size, ...values]).toEqual([0, BigInt(sum & 1), BigInt(sum >> 1)]);
    }
  });

  test("leaves no wire of the circuit to choose", () => {
    expect(looseWires(adder, [1n, 0n, 1n])).toEqual([]);
    expect(isRefused(prove(adder, [2n, 0n, 1n]))).toBe(true);
  });
});

describe("a polynomial", () => {
  const evaluated: Statement = (system, [x = ZERO, ...coefficients]) => [polynomial(system, coefficients, x)];
  const inClear = (coefficients: readonly bigint[], x: bigint) =>
    coefficients.reduceRight((sum, coefficient) => modulo(sum * x + coefficient), 0n);

  test("of degrees 0 to 8 has its value at every argument", () => {
    fc.assert(
      fc.property(scalar, fc.array(scalar, { minLength: 1, maxLength: 9 }), (x, coefficients) => {
        const { broken, values, first } = prove(evaluated, [x, ...coefficients]);
        expect([broken.size, values[0]]).toEqual([0, inClear(coefficients, x)]);
        expect(first).toBe(coefficients.length - 1);
      }),
      { numRuns: 30 },
    );
  });

  test("has no other value", () => {
    expect(looseWires(evaluated, [3n, 1n, 2n, 5n, 7n])).toEqual([]);
  });

  test("of a degree beyond 8, or of none, is a fault of the program", () => {
    expect(() => prove(evaluated, new Array<bigint>(11).fill(1n))).toThrow("1 to 9 coefficients");
    expect(() => prove(evaluated, [1n])).toThrow("1 to 9 coefficients");
  });

  test("with free coefficients and argument is bound by constraints on these alone", () => {
    const witness = { x: 10n, coefficients: [3n, L - 2n, 1n] };
    const bound: Statement = (system, [known]) => {
      const isProver = !known || system.evaluate(known) !== null;
      const free = freePolynomial(system, 3, isProver ? witness : null);
      system.constrain(free.x.minus(Linear.constant(witness.x)));
      free.coefficients.forEach((coefficient, at) => {
        system.constrain(coefficient.minus(Linear.constant(witness.coefficients[at] ?? 0n)));
      });
      return [free.value];
    };
    const { broken, values, first } = prove(bound, []);
    expect([broken.size, values[0], first]).toEqual([0, 3n * 10n - 2n * 100n + 1000n, 3]);
    expect(looseWires(bound, [])).toEqual([]);
    expect(isRefusedAlways(bound, [], { wires: { "left 2": 0n } })).toBe(true);
    expect(verify(bound, 1, 1n).constraints).toEqual(prove(bound, []).constraints);
  });
});
