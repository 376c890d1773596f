// Hints in a bill: the points of its commitments, by whoever has time to decode them, so that the verifier of many
// bills needs no square root. They prove nothing and give nothing away: anyone computes them from the leaves.
import { concatBytes } from "@noble/hashes/utils.js";
import { parseLeaves } from "./batch.js";
import type { Bill, SuppliedBatch } from "./billed-period.js";
import type { Group } from "./group/group.js";

/**
 * The bill with hints for all of its leaves.
 * @throws FormatError if a commitment is no group element, or leaves are cut.
 */
export function withHints<AnyBill extends Bill>(bill: AnyBill, group: Group): AnyBill {
  return { ...bill, batches: bill.batches.map((batch) => hinted(batch, group)) };
}

function hinted({ document, leaves }: SuppliedBatch, group: Group): SuppliedBatch {
  if (leaves.length === 0) return { document, leaves };
  const commitments = parseLeaves(leaves).map(({ commitment }) => commitment);
  return { document, leaves, hints: group.hints(group.decode(concatBytes(...commitments))) };
}
