// A meter whose software changed in the middle of a day, as its customer, its supplier and anyone see it: each
// batch under the certificate of its software.
import { concatBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { makeBill } from "../../src/customer/bill.js";
import { checkMeter, type MeterRecord } from "../../src/customer/check.js";
import { encodeCertificate, verifyCertificate } from "../../src/proofs/certificate.js";
import { decodeLinearBill, verifyLinearBill } from "../../src/proofs/linear-bill.js";
import { encodeProvedBill, verifyProvedBill } from "../../src/proofs/proved-bill.js";
import { signWithKey } from "../../src/proofs/signed.js";
import type { Certificate } from "../../src/trusted/authority/certificate.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { BenchMeter, DAY_S, METER_ID, MIDNIGHT_S } from "../bench-meter.js";
import { PROVING, signedTariff } from "../proofs/billing.js";

const LATER_SOFTWARE = digest(Uint8Array.of(2));
const IMAGE = digest(Uint8Array.of(3));
const HOUR_S = 3600;

/** Lives two days; at noon of the first the authority's update is installed. */
function updatedMeter() {
  let installs = 0;
  const loader = { install: () => void installs++ };
  const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] }, devices: { loader } });
  meter.confirm();
  meter.passUntil(12 * HOUR_S + 60, [1000], 1800);
  const argument = array(bstr(IMAGE), bstr(LATER_SOFTWARE), int(2));
  meter.receive(meter.command({ by: "authority", kind: 9, argument }));
  expect(installs).toBe(1);
  meter.image = { ...meter.image, softwareId: LATER_SOFTWARE, version: 2 };
  meter.boot();
  meter.confirm();
  meter.passUntil(2 * DAY_S + 60, [1000], 1800);
  const { authority } = meter.parties;
  const first = verifyCertificate(meter.enrolment.certificate, authority.publicKey);
  const sign = (certificate: Certificate, seed = authority.seed) =>
    signWithKey("certificate-1", encodeCertificate(certificate), seed);
  const later = { ...first, softwareId: LATER_SOFTWARE };
  const record = (renewals: readonly Uint8Array[]): MeterRecord => ({
    certificate: meter.enrolment.certificate,
    renewals,
    batches: meter.kept(3),
    readings: concatBytes(...meter.kept(1)),
    events: concatBytes(...meter.kept(4)),
    pairings: meter.kept(5),
  });
  const check = (...renewals: readonly Uint8Array[]) =>
    checkMeter(record(renewals), { meterId: METER_ID, epoch: 0, K: meter.K(0) }, authority.publicKey);
  return { meter, later, sign, check, authority };
}

const { meter, later, sign, check, authority } = updatedMeter();

describe("a meter whose software changed at noon", () => {
  it("has a batch of each software on that day, and its customer checks both", () => {
    const checked = check(sign(later));
    const statements = checked.batches.map(({ statement }) => statement);
    expect(statements.map(({ intervalCount }) => intervalCount)).toEqual([24, 24, 48]);
    expect(statements.map(({ softwareId }) => softwareId)).toEqual([
      digest(new TextEncoder().encode("bench software")),
      LATER_SOFTWARE,
      LATER_SOFTWARE,
    ]);
    // A minute of energy from before the first interval is carried into it.
    expect(checked.totals_Wh).toEqual([48_016]);
    expect(meter.shown_Wh[0]).toBeGreaterThanOrEqual(48_016);
  });

  it("is refused without the new certificate, or with one that is not the authority's or not for its keys", () => {
    expect(() => check()).toThrow("software is not the certified");
    expect(() => check(sign(later, new Uint8Array(32).fill(9)))).toThrow("signed by another key");
    for (const wrong of [
      { ...later, meterId: "SM-0002" },
      { ...later, signingKey: authority.publicKey },
      { ...later, intervalSeconds: 900 },
      { ...later, channels: ["1-0:2.8.0"] },
      { ...later, role: 1 },
    ]) {
      expect(() => check(sign(wrong))).toThrow("renews none of SM-0001 and its keys");
    }
    expect(() => check(sign({ ...later, notBefore_s: MIDNIGHT_S + DAY_S }))).toThrow(
      "software is not the certified",
    );
    expect(() => check(...Array.from({ length: 65 }, () => sign(later)))).toThrow(
      "more than 64 certificates",
    );
  });

  it("is billed over that day, and the supplier verifies the bill with both certificates", () => {
    const from_s = MIDNIGHT_S - DAY_S;
    const tariff = signedTariff({
      notBefore_s: from_s,
      notAfter_s: MIDNIGHT_S + 10 * DAY_S,
      energy: [{ obis: "1-0:1.8.0", policy: { kind: "time-of-use", rate: 300, bands: [] } }],
    });
    const made = makeBill(
      check(sign(later)),
      meter.enrolment.certificate,
      tariff,
      {
        from: "2011-07-01",
        to: "2011-07-03",
      },
      PROVING,
    );
    const bill = decodeLinearBill(encodeProvedBill(made));
    expect(bill.renewals).toEqual([sign(later)]);
    const trust = { authorityKey: authority.publicKey, tariff };
    expect(verifyLinearBill(bill, trust).lines.energy).toBe(48_016n * 300n);
    expect(() => verifyLinearBill({ ...bill, renewals: [] }, trust)).toThrow("software is not the certified");
    // The day after is all of the later software: only then is the first certificate of no use.
    const second = makeBill(
      check(sign(later)),
      meter.enrolment.certificate,
      tariff,
      {
        from: "2011-07-02",
        to: "2011-07-03",
      },
      PROVING,
    );
    expect(verifyProvedBill(encodeProvedBill(second), trust).readings).toBe(48);
  });
});
