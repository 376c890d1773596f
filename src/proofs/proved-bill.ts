// Bills of either kind. Which kind it has to be is the tariff's matter alone: under one without a charge totals are
// linear and a linear bill proves them, under one with a charge only a general bill does. A bill's bytes never choose.
import type { Arithmetic } from "./arithmetic.js";
import type { BillTrust, VerifiedBill } from "./completeness.js";
import { decodeGeneralBill, encodeGeneralBill, type GeneralBill, verifyGeneralBill } from "./general-bill.js";
import { decodeLinearBill, encodeLinearBill, type LinearBill, verifyLinearBill } from "./linear-bill.js";
import { ensure } from "./signed.js";

export type ProvedBill = LinearBill | GeneralBill;

/** @throws FormatError for what the decoder of its kind would refuse. */
export const encodeProvedBill = (bill: ProvedBill): Uint8Array =>
  "opening" in bill ? encodeLinearBill(bill) : encodeGeneralBill(bill);

/**
 * Verifies the bytes of a bill of the kind that the verifier's tariff asks for.
 * @param arithmetic what to compute with; by default the fast pair.
 * @throws FormatError for malformed bytes, VerificationError with the reason for which the bill is refused.
 */
export function verifyProvedBill(bytes: Uint8Array, trust: BillTrust, arithmetic?: Arithmetic): VerifiedBill {
  if (trust.tariff.tariff.charge === undefined) {
    const reason = "the bill is general, and the tariff has no charge: its bills are linear";
    return verifyLinearBill(decodeAs(decodeLinearBill, decodeGeneralBill, bytes, reason), trust, arithmetic);
  }
  const reason = "the bill is linear, and the tariff has a charge, of which it proves nothing";
  return verifyGeneralBill(decodeAs(decodeGeneralBill, decodeLinearBill, bytes, reason), trust, arithmetic);
}

/** What bytes hold, or, where they hold a bill of the other kind, the reason why that will not do. */
function decodeAs<Bill>(
  decode: (bytes: Uint8Array) => Bill,
  decodeOther: (bytes: Uint8Array) => ProvedBill,
  bytes: Uint8Array,
  reason: string,
): Bill {
  try {
    return decode(bytes);
  } catch (error) {
    ensure(!isDecoded(decodeOther, bytes), reason);
    throw error;
  }
}

function isDecoded(decode: (bytes: Uint8Array) => ProvedBill, bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch {
    return false;
  }
}
