import { describe, expect, it } from "vitest";
import { modelBill } from "../../host-sim/model-bills.js";
import { ModelStreet } from "../../host-sim/model-street.js";
import { encodeLinearBill, verifyLinearBill } from "../../src/proofs/linear-bill.js";
import { BillVerifier } from "../../src/supplier/verify-bills.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { ARITHMETICS } from "../proofs/arithmetics.js";
import { signedTariff } from "../proofs/billing.js";

const DAYS = 2;
const street = new ModelStreet({ meters: 3, intervalSeconds: 1800, channels: ["1-0:1.8.0", "1-0:2.8.0"] });
const start_s = street.firstDay * DAY_SECONDS;
const tariff = signedTariff({ notBefore_s: start_s, notAfter_s: start_s + 30 * DAY_SECONDS });
const trust = { authorityKey: street.authorityKey, tariff };

describe("bills of a model street", () => {
  const bills = street.meters.map((_, meter) => modelBill(street, meter, DAYS, tariff));

  it("are right, each of a meter of its own and over what that has measured", () => {
    const [bill] = bills;
    const energy = Array.from({ length: 48 * DAYS }, (_, at) =>
      street.openingsOf(0, street.firstOf(0) + at).map(({ reading }) => BigInt(reading)),
    ).reduce((sum, [imported = 0n, exported = 0n]) => sum + imported * 300_000n - exported * 80_000n, 0n);
    expect(bill?.lines.energy).toBe(energy);
    if (bill) expect(verifyLinearBill(bill, trust)).toMatchObject({ meterId: "SM-00001", readings: 192 });
  });

  it.each(
    ARITHMETICS,
  )("are verified together by %s, and one of them in another's name is not", (_, arithmetic) => {
    const verifier = new BillVerifier(trust, arithmetic, (length) => new Uint8Array(length).fill(0x5a));
    const [first, second] = bills;
    const swapped = first && second ? [{ ...first, batches: second.batches }] : [];
    const verdicts = verifier.verify([...bills, ...swapped].map(encodeLinearBill));
    expect(verdicts.map(({ verified }) => verified?.meterId ?? null)).toEqual([
      "SM-00001",
      "SM-00002",
      "SM-00003",
      null,
    ]);
    expect(verdicts[3]?.reason).toBe("batch 0 of SM-00002: the certificate is of SM-00001");
  });
});
