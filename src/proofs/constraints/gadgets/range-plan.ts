// How ranges are proved at the least cost: into limbs of which width secret numbers are cut, and by which tables
// the limbs are looked up. A function of public counts alone, so that prover and verifier arrive at the same plan.
import { assert } from "../../../trusted/encoding/bytes.js";

/** Widest range, bits: far enough from the 252 of l that no limb or its multiple is reduced modulo l. */
export const RANGE_BITS_MAX = 128;
/** Widest limb, bits: a table of 2^14 entries alone costs 8,192 multipliers. */
export const LIMB_BITS_MAX = 14;

/** How a number of so many bits is proved. */
export interface LimbPlan {
  /** Limbs, the top one included. */
  readonly limbs: number;
  /** Bits of the top limb: 1 to the plan's width. */
  readonly topBits: number;
  /** What shows that the top limb has no more bits. */
  readonly top: "full" | "scaled" | "table";
}

export interface RangePlan {
  /** Bits of every limb but the top one. */
  readonly width: number;
  /** By the bits of a range. */
  readonly limbs: ReadonlyMap<number, LimbPlan>;
  /** Widths of the tables, ascending. */
  readonly tables: readonly number[];
  /** Multipliers of all ranges together, in the first phase and in the second. */
  readonly first: number;
  readonly second: number;
}

/**
 * The cheapest plan for so many numbers of so many bits each.
 * @param counts numbers by bits, 1 to 128.
 */
export function planRanges(counts: ReadonlyMap<number, number>): RangePlan {
  for (const bits of counts.keys()) {
    assert(Number.isInteger(bits) && bits >= 1 && bits <= RANGE_BITS_MAX, "a range has 1 to 128 bits");
  }
  const plans = Array.from({ length: LIMB_BITS_MAX }, (_, at) => planWidth(counts, at + 1));
  return plans.reduce((best, plan) => (cost(plan) < cost(best) ? plan : best));
}

const cost = ({ first, second }: RangePlan) => first + second;

function planWidth(counts: ReadonlyMap<number, number>, width: number): RangePlan {
  const topBitsOf = (bits: number) => ((bits - 1) % width) + 1;
  const tops = new Map<number, number>();
  for (const [bits, count] of counts) {
    tops.set(topBitsOf(bits), (tops.get(topBitsOf(bits)) ?? 0) + count);
  }
  const limbs = new Map<number, LimbPlan>();
  const tables = new Set<number>();
  let wires = 0;
  let second = 0;
  for (const [bits, count] of counts) {
    const topBits = topBitsOf(bits);
    const plan = { limbs: Math.ceil(bits / width), topBits, top: topPlan(topBits, tops, width) };
    limbs.set(bits, plan);
    if (plan.limbs > 1 || plan.top === "scaled") tables.add(width);
    if (plan.top !== "scaled") tables.add(topBits);
    wires += count * (plan.limbs - 1);
    second += count * (plan.limbs + (plan.top === "scaled" ? 1 : 0));
  }
  for (const table of tables) wires += 2 ** table;
  const ascending = [...tables].sort((a, b) => a - b);
  return { width, limbs, tables: ascending, first: Math.ceil(wires / 2), second };
}

/** A second look-up for each top limb of this length, or a table for all of them: whichever costs less. */
function topPlan(topBits: number, tops: ReadonlyMap<number, number>, width: number): LimbPlan["top"] {
  if (topBits === width) return "full";
  return (tops.get(topBits) ?? 0) <= 2 ** topBits / 2 ? "scaled" : "table";
}
