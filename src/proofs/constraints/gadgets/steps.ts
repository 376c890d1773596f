// Block (stepped) rates of a secret quantity: what lies below the first threshold at the first rate, what lies
// between the first and the second at the second, and so on.
import { assert } from "../../../trusted/encoding/bytes.js";
import { type FirstPhase, Linear } from "../system.js";
import { isAtLeast } from "./comparison.js";
import { product } from "./logic.js";
import type { RangeTable } from "./range-table.js";
import { splineValues } from "./spline.js";
import type { Segment } from "./spline-plan.js";

/** Most thresholds. */
export const THRESHOLDS_MAX = 64;
/** With more thresholds than this, a look-up of the step costs less than comparisons with all of them. */
const COMPARED_MAX = 2;

/**
 * The slides' "piecewise linear function": the charge for x under stepped rates.
 *
 * Cost: up to two thresholds, 1 multiplier and a range of `bits` for each, and 1 more: with s_k = 1 if x >=
 * threshold_k, else 0, and d_k the step in the rate there, the charge is x·(rate_0 + sum d_k·s_k) - sum
 * d_k·threshold_k·s_k. With n > 2 thresholds the look-up of a segment: 3 + (n + 1)/2 and two ranges.
 * @param thresholds 1 to 64, ascending, in (0, 2^bits).
 * @param rates one more than thresholds, integers of either sign.
 * @param bits x is in [0, 2^bits), by the caller's promise (with more than two thresholds it is proved); 1 to 64.
 * @param what names x to a prover for whom it is out of bounds.
 * @throws OutOfDomainError in a prover's system in which it is not so.
 */
export function steps(
  system: FirstPhase,
  ranges: RangeTable,
  x: Linear,
  thresholds: readonly bigint[],
  rates: readonly bigint[],
  bits: number,
  what: string,
): Linear {
  const limit = 2n ** BigInt(bits);
  assert(thresholds.length >= 1 && thresholds.length <= THRESHOLDS_MAX, "steps have 1 to 64 thresholds");
  assert(rates.length === thresholds.length + 1, "steps have one rate more than thresholds");
  assert(
    thresholds.every((at, k) => at > (thresholds[k - 1] ?? 0n) && at < limit),
    "thresholds ascend",
  );
  if (thresholds.length > COMPARED_MAX) {
    const spline = { segments: segmentsOf(thresholds, rates), limit };
    return Linear.sum(splineValues(system, ranges, [x], spline, () => what));
  }
  const reached = thresholds.map((threshold, k) => {
    const bit = isAtLeast(system, ranges, x, Linear.constant(threshold), bits, what);
    const step = (rates[k + 1] ?? 0n) - (rates[k] ?? 0n);
    return { rate: bit.times(step), base: bit.times(step * threshold) };
  });
  const rate = Linear.sum([Linear.constant(rates[0] ?? 0n), ...reached.map((part) => part.rate)]);
  return product(system, x, rate).minus(Linear.sum(reached.map(({ base }) => base)));
}

function segmentsOf(thresholds: readonly bigint[], rates: readonly bigint[]): Segment[] {
  let base = 0n;
  let from = 0n;
  return rates.map((rate, k) => {
    const segment = { from, coefficients: [base, rate] };
    const to = thresholds[k] ?? from;
    base += rate * (to - from);
    from = to;
    return segment;
  });
}
