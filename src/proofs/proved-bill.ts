// Bills of either kind. Which kind it has to be is the tariff's matter alone: under one without a charge totals are
// linear and a linear bill proves them, under one with a charge only a general bill does. A bill's bytes never choose.
import type { Arithmetic } from "./arithmetic.js";
import type { BillTrust, VerifiedBill } from "./completeness.js";
import { decodeGeneralBill, encodeGeneralBill, type GeneralBill, verifyGeneralBill } from "./general-bill.js";
import { decodeLinearBill, encodeLinearBill, type LinearBill, verifyLinearBill } from "./linear-bill.js";

export type ProvedBill = LinearBill | GeneralBill;

/** @throws FormatError for what the decoder of its kind would refuse. */
export const encodeProvedBill = (bill: ProvedBill): Uint8Array =>
  "opening" in bill ? encodeLinearBill(bill) : encodeGeneralBill(bill);

/**
 * Verifies the bytes of a bill of the kind that the verifier's tariff asks for.
 * @param arithmetic what to compute with; by default the fast pair.
 * @throws FormatError for malformed bytes or a bill of the other kind, VerificationError with the reason for which
 *   the bill is refused.
 */
export function verifyProvedBill(bytes: Uint8Array, trust: BillTrust, arithmetic?: Arithmetic): VerifiedBill {
  return trust.tariff.tariff.charge === undefined
    ? verifyLinearBill(decodeLinearBill(bytes), trust, arithmetic)
    : verifyGeneralBill(decodeGeneralBill(bytes), trust, arithmetic);
}
