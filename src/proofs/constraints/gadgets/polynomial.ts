// Polynomials of bounded degree with secret coefficients, by Horner's rule: c0 + x·(c1 + x·(c2 + ...)).
import { assert } from "../../../trusted/encoding/bytes.js";
import { type ConstraintSystem, Linear, modulo } from "../system.js";
import { product } from "./logic.js";

export const DEGREE_MAX = 8;

/**
 * The slides' "polynomial". Cost: as many multipliers as its degree.
 * @param coefficients c0, c1, ...: 1 to 9, so a degree of at most 8.
 */
export function polynomial(system: ConstraintSystem, coefficients: readonly Linear[], x: Linear): Linear {
  const degree = coefficients.length - 1;
  assert(degree >= 0 && degree <= DEGREE_MAX, "a polynomial has 1 to 9 coefficients");
  return coefficients
    .slice(0, degree)
    .reduceRight(
      (sum, coefficient) => product(system, sum, x).plus(coefficient),
      coefficients[degree] ?? Linear.constant(0n),
    );
}

/** A polynomial whose argument and coefficients are the wires of its own multipliers. */
export interface FreePolynomial {
  readonly x: Linear;
  /** c1, c2, ...; c0 is no part of it. */
  readonly coefficients: readonly Linear[];
  /** c1·x + c2·x^2 + ... */
  readonly value: Linear;
}

/**
 * Horner's rule turned round. A multiplier's left input is what has been summed plus the next coefficient; leave
 * it free, and the coefficient is the difference, without a wire of its own. So is x, the right input of each.
 * Coefficients and x are the prover's choice until the caller has them looked up.
 *
 * Cost: as many multipliers as the degree, 0 to 8.
 * @param witness x and c1, c2, ... in [0, l); null in a verifier's system.
 */
export function freePolynomial(
  system: ConstraintSystem,
  degree: number,
  witness: { readonly x: bigint; readonly coefficients: readonly bigint[] } | null,
): FreePolynomial {
  assert(degree >= 1 && degree <= DEGREE_MAX, "a free polynomial has a degree of 1 to 8");
  const coefficients: Linear[] = [];
  let value = Linear.constant(0n);
  let x: Linear | null = null;
  let known = 0n;
  for (let power = degree; power >= 1; power--) {
    const left = modulo(known + (witness?.coefficients[power - 1] ?? 0n));
    const multiplier = system.allocate(witness === null ? null : [left, witness.x]);
    coefficients.unshift(Linear.of(multiplier.left).minus(value));
    const right = Linear.of(multiplier.right);
    if (x !== null) system.constrain(right.minus(x));
    x ??= right;
    value = Linear.of(multiplier.output);
    known = left * (witness?.x ?? 0n);
  }
  return { x: x ?? Linear.constant(0n), coefficients, value };
}
