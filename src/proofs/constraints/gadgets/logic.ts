// Multiplication and NAND, the first gadgets of the slides. NAND alone builds every circuit, so whatever can be
// computed in bounded time can be proved; the other gadgets are there because they cost less.
import { type ConstraintSystem, Linear } from "../system.js";

/** The slides' "multiplication": a·b. Cost: 1 multiplier. */
export const product = (system: ConstraintSystem, a: Linear, b: Linear): Linear =>
  Linear.of(system.multiply(a, b).output);

/**
 * A wire that is 0 or 1: bit·(1 - bit) = 0. Cost: 1 multiplier.
 * @param bit null in a verifier's system.
 */
export function boolean(system: ConstraintSystem, bit: 0n | 1n | null): Linear {
  const { left, right, output } = system.allocate(bit === null ? null : [bit, 1n - bit]);
  system.constrain(Linear.of(left).plus(Linear.of(right)).minus(Linear.constant(1n)));
  system.constrain(Linear.of(output));
  return Linear.of(left);
}

/**
 * The slides' "NAND": 1 - a·b. The caller ensures that both are 0 or 1 (`boolean`, or the result of another
 * gate), and then it is, too. Cost: 1 multiplier.
 */
export const nand = (system: ConstraintSystem, a: Linear, b: Linear): Linear =>
  Linear.constant(1n).minus(product(system, a, b));
