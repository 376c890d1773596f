// The supplier's side of a bill: bytes from outside, the tariff of this customer's contract (never one that the
// bill chooses among several), and a memory of every batch ever shown, so that a meter whose history was
// forked cannot bill one branch this month and the other the next.
import type { Arithmetic } from "../proofs/arithmetic.js";
import type { BillTrust, VerifiedBill } from "../proofs/completeness.js";
import type { BatchLedger } from "../proofs/ledger.js";
import { verifyProvedBill } from "../proofs/proved-bill.js";

/** What a supplier checks bills with; the ledger is theirs for good and records every batch shown. */
export type SupplierTrust = BillTrust & { readonly ledger: BatchLedger };

/**
 * Verifies a bill as it came: linear or general, as the tariff in `trust` asks for.
 * @param arithmetic what to compute with; by default the fast pair.
 * @throws FormatError for malformed bytes, VerificationError with the reason for which the bill is refused.
 */
export const verifyBill = (bytes: Uint8Array, trust: SupplierTrust, arithmetic?: Arithmetic): VerifiedBill =>
  verifyProvedBill(bytes, trust, arithmetic);
