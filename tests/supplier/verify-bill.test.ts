import { describe, expect, it } from "vitest";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { encodeLinearBill } from "../../src/proofs/linear-bill.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { verifyBill } from "../../src/supplier/verify-bill.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { example } from "../example.js";
import { billOf, DAY, meterOf, planOf, signedTariff } from "../proofs/billing.js";

const TARIFF = signedTariff();
const DAYS = [DAY, DAY + 48, DAY + 96];
const METER = meterOf(DAYS.map((first) => planOf(first, 2)));
const FORKED = meterOf(DAYS.map((first, at) => planOf(first, at === 1 ? 1 : 2)));
const trustWith = (ledger: BatchLedger) => ({ authorityKey: example.authorityKey, tariff: TARIFF, ledger });

describe("a supplier", () => {
  it("verifies a bill from its bytes and remembers every batch in it", () => {
    const ledger = new BatchLedger();
    const bill = encodeLinearBill(billOf(METER, TARIFF, DAY, DAY + 60));
    expect(verifyBill(bill, trustWith(ledger))).toMatchObject({ readings: 8, absentIntervals: 56 });
    expect(ledger.size).toBe(3);
    expect(verifyBill(bill, trustWith(ledger)).readings).toBe(8);
  });

  it("refuses a second history of a meter in a later bill, and knows what to report", () => {
    const ledger = new BatchLedger();
    verifyBill(encodeLinearBill(billOf(METER, TARIFF, DAY, DAY + 50)), trustWith(ledger));
    const later = encodeLinearBill(billOf(FORKED, TARIFF, DAY + 96, DAY + 98));
    expect(() => verifyBill(later, trustWith(ledger))).toThrow(VerificationError);
    expect(ledger.conflicts.map(({ batchNumber }) => batchNumber).sort()).toEqual([1, 2]);
  });

  it("refuses bytes that are no bill", () => {
    expect(() => verifyBill(Uint8Array.of(0xa0), trustWith(new BatchLedger()))).toThrow(FormatError);
  });
});
