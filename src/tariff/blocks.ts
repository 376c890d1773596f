// What stepped rates come to. On its own, since a meter that draws credit needs it without the rest of a charge.
import type { Blocks } from "./charge.js";

/** Each part of a quantity at the rate of its block; the first block has no beginning. */
export function blocksCost({ steps, rate }: Blocks, quantity: bigint, per: bigint): bigint {
  let cost = 0n;
  let begin: bigint | null = null;
  for (const step of steps) {
    const end = BigInt(step.upTo) * per;
    const part = (quantity < end ? quantity : end) - (begin ?? 0n);
    if (begin === null || part > 0n) cost += part * BigInt(step.rate);
    begin = end;
  }
  const rest = quantity - (begin ?? 0n);
  return begin === null || rest > 0n ? cost + rest * BigInt(rate) : cost;
}
