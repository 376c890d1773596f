// Comparison of secret numbers, and the lesser and the greater of them: caps, rebates, maximum demand.
import { assert } from "../../../trusted/encoding/bytes.js";
import { type FirstPhase, Linear, modulo } from "../system.js";
import { signed } from "./domain.js";
import { boolean, product } from "./logic.js";
import type { RangeTable } from "./range-table.js";

/**
 * 1 if a >= b, else 0: the one bit s for which a - b + 2^bits·(1 - s) is in [0, 2^bits).
 *
 * Cost: 1 multiplier and a range of `bits`.
 * @param bits -2^bits <= a - b < 2^bits, which is proved, too; 1 to 128.
 * @param what names the difference to a prover for whom it is out of bounds.
 * @throws OutOfDomainError in a prover's system in which it is not so.
 */
export function isAtLeast(
  system: FirstPhase,
  ranges: RangeTable,
  a: Linear,
  b: Linear,
  bits: number,
  what: string,
): Linear {
  const difference = a.minus(b);
  const value = system.evaluate(difference);
  const bit = boolean(system, value === null ? null : signed(value) >= 0n ? 1n : 0n);
  const below = Linear.constant(1n).minus(bit);
  ranges.check(difference.plus(below.times(2n ** BigInt(bits))), bits, what);
  return bit;
}

/** max(a - b, 0). Cost: 2 multipliers and a range of `bits`; parameters and errors as of `isAtLeast`. */
export function excess(
  system: FirstPhase,
  ranges: RangeTable,
  a: Linear,
  b: Linear,
  bits: number,
  what: string,
): Linear {
  return product(system, isAtLeast(system, ranges, a, b, bits, what), a.minus(b));
}

/** The lesser: a - max(a - b, 0). Cost, parameters and errors as of `excess`. */
export function minimum(
  system: FirstPhase,
  ranges: RangeTable,
  a: Linear,
  b: Linear,
  bits: number,
  what: string,
): Linear {
  return a.minus(excess(system, ranges, a, b, bits, what));
}

/** The greater: b + max(a - b, 0). Cost, parameters and errors as of `excess`. */
export function maximum(
  system: FirstPhase,
  ranges: RangeTable,
  a: Linear,
  b: Linear,
  bits: number,
  what: string,
): Linear {
  return b.plus(excess(system, ranges, a, b, bits, what));
}

/** Most numbers of which the greatest is proved: as many as a bill has leaves. */
export const NUMBERS_MAX = 131_072;

/**
 * The greatest of n numbers: M such that every M - r_j is in [0, 2^bits), so none is greater, and the product of
 * all M - r_j is 0, so it is one of them (a field has no divisors of zero).
 *
 * Cost: n - 1 multipliers and n ranges of `bits`. M itself is free: it is r_1 and the left input of the first
 * product. Pairwise maxima would cost 2(n - 1) and n - 1 ranges, a selection by bits s_j (sum s_j = 1, s_j·(M -
 * r_j) = 0) n, a look-up of M among the r_j 1.5·n.
 * @param numbers 1 to 131,072; of one, it is the greatest without a proof.
 * @param bits any two differ by less than 2^bits, which is proved, too; 1 to 128.
 * @param what names the numbers to a prover for whom they are further apart.
 * @throws OutOfDomainError in a prover's system in which they are.
 */
export function maximumOf(
  system: FirstPhase,
  ranges: RangeTable,
  numbers: readonly Linear[],
  bits: number,
  what: string,
): Linear {
  const [first, second, ...others] = numbers;
  assert(first !== undefined && numbers.length <= NUMBERS_MAX, "a maximum is of 1 to 131,072 numbers");
  if (second === undefined) return first;
  const [r1, r2] = [system.evaluate(first), system.evaluate(second)];
  const greatest = greatestOf(numbers.map((number) => system.evaluate(number)));
  const multiplier = system.allocate(
    r1 === null || r2 === null || greatest === null ? null : [modulo(greatest - r1), modulo(greatest - r2)],
  );
  const result = first.plus(Linear.of(multiplier.left));
  system.constrain(Linear.of(multiplier.right).minus(result.minus(second)));
  const chain = others.reduce(
    (zero, number) => product(system, zero, result.minus(number)),
    Linear.of(multiplier.output),
  );
  system.constrain(chain);
  for (const number of numbers) ranges.check(result.minus(number), bits, what);
  return result;
}

/** By signed integers; null if one is unknown. */
function greatestOf(values: readonly (bigint | null)[]): bigint | null {
  let greatest: bigint | null = null;
  for (const value of values) {
    if (value === null) return null;
    if (greatest === null || signed(value) > greatest) greatest = signed(value);
  }
  return greatest;
}
