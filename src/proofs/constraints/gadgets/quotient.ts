// Division by public integers, with a rest and with rounding: for levies, taxes and unit prices. Exact for every
// divisor, not only for powers of two.
import { assert } from "../../../trusted/encoding/bytes.js";
import { type FirstPhase, Linear, modulo } from "../system.js";
import { isAtLeast } from "./comparison.js";
import { bitLength, floorDivide, signed } from "./domain.js";
import { freeWires } from "./free-wires.js";
import type { RangeTable } from "./range-table.js";

/** Quotients lie in [-2^120, 2^120) at most. */
export const QUOTIENT_BITS_MAX = 120;
/** Divisors are below 2^64. */
export const DIVISOR_MAX = 2n ** 64n - 1n;

/**
 * The greatest integer at most dividend/divisor: the one q with dividend = q·divisor + rest and 0 <= rest <
 * divisor. A dividend may be negative: -1/2 gives -1.
 *
 * No wrapped value passes: q·divisor + rest is an integer below 2^185 in size, so equal to the dividend modulo l
 * means equal, and then q is unique.
 *
 * Cost: 1 multiplier, a range of bits + 1 and two of the divisor's bits, one if it is a power of two.
 * @param divisor 1 to 2^64 - 1.
 * @param bits the quotient is in [-2^bits, 2^bits), which is proved, too; 1 to 120.
 * @param what names the quotient to a prover for whom it is out of bounds.
 * @throws OutOfDomainError in a prover's system in which it is not so.
 */
export function quotient(
  system: FirstPhase,
  ranges: RangeTable,
  dividend: Linear,
  divisor: bigint,
  bits: number,
  what: string,
): Linear {
  assert(divisor >= 1n && divisor <= DIVISOR_MAX, "a divisor is in [1, 2^64)");
  assert(bits >= 1 && bits <= QUOTIENT_BITS_MAX, "a quotient has 1 to 120 bits");
  const value = system.evaluate(dividend);
  const witness = value === null ? null : modulo(floorDivide(signed(value), divisor));
  const result = Linear.sum(freeWires(system, [witness]));
  ranges.check(result.plus(Linear.constant(2n ** BigInt(bits))), bits + 1, what);
  checkRest(system, ranges, dividend.minus(result.times(divisor)), divisor);
  return result;
}

/** That a rest is in [0, divisor): not negative, and if that is not enough, not above divisor - 1. */
function checkRest(system: FirstPhase, ranges: RangeTable, rest: Linear, divisor: bigint): void {
  const restBits = bitLength(divisor - 1n);
  if (restBits === 0) {
    system.constrain(rest);
    return;
  }
  const what = `rest of a division by ${divisor}`;
  ranges.check(rest, restBits, what);
  if (divisor === 2n ** BigInt(restBits)) return;
  ranges.check(Linear.constant(divisor - 1n).minus(rest), restBits, what);
}

/**
 * dividend/divisor to the nearest integer, a half away from zero, as every tax line of a bill is rounded.
 *
 * A half away from zero differs from a half up only for a negative dividend that leaves just a half: with s = 1
 * for a dividend of 0 or more, else 0, it is the greatest integer at most (2·dividend + divisor - 1 + s) /
 * (2·divisor).
 *
 * Cost: as `quotient` by 2·divisor, and `isAtLeast` of bits + the divisor's bits. Where the dividend is known not
 * to be negative, `roundedHalfUp` does the same without the latter.
 * @param divisor 1 to 2^63 - 1; other parameters and errors as of `quotient`.
 */
export function roundedHalfAway(
  system: FirstPhase,
  ranges: RangeTable,
  dividend: Linear,
  divisor: bigint,
  bits: number,
  what: string,
): Linear {
  const size = bits + bitLength(divisor);
  const sign = isAtLeast(system, ranges, dividend, Linear.constant(0n), size, what);
  const numerator = dividend
    .times(2n)
    .plus(Linear.constant(divisor - 1n))
    .plus(sign);
  return quotient(system, ranges, numerator, 2n * divisor, bits, what);
}

/**
 * dividend/divisor to the nearest integer, a half up. Cost: as `quotient` by 2·divisor.
 * @param divisor 1 to 2^63 - 1; other parameters and errors as of `quotient`.
 */
export function roundedHalfUp(
  system: FirstPhase,
  ranges: RangeTable,
  dividend: Linear,
  divisor: bigint,
  bits: number,
  what: string,
): Linear {
  const numerator = dividend.times(2n).plus(Linear.constant(divisor));
  return quotient(system, ranges, numerator, 2n * divisor, bits, what);
}
