// The customer's bill: a period between two local midnights, as a tariff counts them, priced and proved from
// what the customer has checked. It is made on the customer's device and gives away its lines and no reading.
import { type Proving, proveGeneralBill } from "../proofs/general-bill.js";
import { proveLinearBill } from "../proofs/linear-bill.js";
import type { ProvedBill } from "../proofs/proved-bill.js";
import type { SignedTariff } from "../tariff/document.js";
import { intervalOfDate } from "../tariff/evaluate.js";
import type { CheckedMeter } from "./check.js";

/** Local dates YYYY-MM-DD: from the midnight that begins `from` to the one that begins `to`. */
export interface BillDates {
  readonly from: string;
  readonly to: string;
}

/**
 * Bills the days [from, to) of a meter under a tariff. All channels that the tariff prices are billed: by a linear
 * bill if the tariff has no charge, else by a general one, which takes seconds.
 * @param meter as `checkMeter` returned it.
 * @param certificate the COSE_Sign1 that it was checked with.
 * @param proving what a general bill's proof is made with.
 * @throws FormatError for a text that is no date, a midnight outside the tariff's validity or within an
 *   interval, or prices that do not fit the meter's intervals; VerificationError if the customer's readings
 *   do not cover the period, naming the first interval that is missing, or if one is beyond what the tariff can
 *   bill, naming its interval.
 */
export function makeBill(
  meter: CheckedMeter,
  certificate: Uint8Array,
  signed: SignedTariff,
  { from, to }: BillDates,
  proving: Proving,
): ProvedBill {
  const { intervalSeconds } = meter.certificate;
  const period = {
    from: intervalOfDate(signed.tariff, from, intervalSeconds),
    to: intervalOfDate(signed.tariff, to, intervalSeconds),
  };
  return signed.tariff.charge === undefined
    ? proveLinearBill(meter, certificate, signed, period)
    : proveGeneralBill(meter, certificate, signed, period, proving);
}
