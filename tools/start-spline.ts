// The story's month at a price that depends on each reading: every half-hour is looked up in a spline of four
// segments, and the total proved by a constraint system over the commitments that the meter has signed.
import { fileURLToPath } from "node:url";
import { type BillDates, makeBill } from "../src/customer/bill.js";
import type { CheckedMeter } from "../src/customer/check.js";
import { encodeProvedBill } from "../src/proofs/proved-bill.js";
import { type SupplierTrust, verifyBill } from "../src/supplier/verify-bill.js";
import { encodeTariff } from "../src/tariff/document.js";
import { signTariff, verifyTariff } from "../src/tariff/signed-tariff.js";
import { parseTariff } from "../src/tariff/source.js";
import { money, proving } from "./bill.js";
import { readText } from "./command-line.js";

const EXAMPLE = fileURLToPath(new URL("../docs/examples/congestion.json", import.meta.url));

/** Whose tariff it is, and what its supplier believes and remembers. */
export interface SplineParties {
  readonly supplier: { readonly seed: Uint8Array; readonly publicKey: Uint8Array };
  readonly trust: Omit<SupplierTrust, "tariff">;
}

export interface SplineBill {
  /** COSE_Sign1. */
  readonly tariff: Uint8Array;
  readonly bill: Uint8Array;
  readonly total: string;
  readonly proofBytes: number;
}

/** Makes the bill, which takes seconds, and verifies it as its supplier. */
export function billBySpline(
  checked: CheckedMeter,
  certificate: Uint8Array,
  dates: BillDates,
  { supplier, trust }: SplineParties,
): SplineBill {
  const document = signTariff(encodeTariff(parseTariff(readText(EXAMPLE))), supplier.seed);
  const tariff = verifyTariff(document, supplier.publicKey);
  const made = makeBill(checked, certificate, tariff, dates, proving());
  const bill = encodeProvedBill(made);
  const { lines } = verifyBill(bill, { ...trust, tariff });
  return {
    tariff: document,
    bill,
    total: money(lines.total, tariff.tariff.currency),
    proofBytes: "proof" in made ? made.proof.length : 0,
  };
}
