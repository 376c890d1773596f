// Bills of a made-up meter: records sealed from plans, tariffs that say only what a test is about.
import { type CheckedMeter, checkMeter } from "../../src/customer/check.js";
import type { BillTrust } from "../../src/proofs/completeness.js";
import type { Proving } from "../../src/proofs/general-bill.js";
import { fastGroup } from "../../src/proofs/group/wasm.js";
import { type LinearBill, proveLinearBill, verifyLinearBill } from "../../src/proofs/linear-bill.js";
import { encodeTariff, type SignedTariff, type Tariff } from "../../src/tariff/document.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { type BatchPlan, example, keyOf, sealRecord } from "../example.js";
import { entropyOf } from "./entropy.js";

/** Interval 0 of 1 July 2011 in UTC, the first of the example's certificate that a batch begins with. */
export const DAY = 727_488;
export const INTERVALS_A_DAY = 48;
export const SECONDS = 1800;
export const IMPORT = "1-0:1.8.0";
export const EXPORT = "1-0:2.8.0";

/** July 2011 in UTC: 300,000 nano-currency per Wh, 80,000 for feed-in, and every other line. */
export const JULY: Tariff = {
  name: "July",
  currency: "EUR",
  notBefore_s: DAY * SECONDS,
  notAfter_s: (DAY + 31 * INTERVALS_A_DAY) * SECONDS,
  offsets: [{ from_s: 0, offset_s: 0 }],
  energy: [
    { obis: IMPORT, policy: { kind: "time-of-use", rate: 300_000, bands: [] } },
    { obis: EXPORT, policy: { kind: "time-of-use", rate: -80_000, bands: [] } },
  ],
  standing: 300_000_000,
  levies: [
    { kind: "proportional", name: "Concession", ppm: 16_600 },
    { kind: "per-day", name: "Metering", amount: 54_800_000 },
  ],
  vat_ppm: 190_000,
};

export function signedTariff(changes: Partial<Tariff> = {}): SignedTariff {
  const tariff = { ...JULY, ...changes };
  return { tariff, digest: digest(encodeTariff(tariff)) };
}

/** Import and feed-in priced interval by interval from DAY on. */
export function pricedTariff(prices: readonly number[], feedIn: readonly number[]): SignedTariff {
  const dynamic = (obis: string, list: readonly number[]) =>
    ({ obis, policy: { kind: "dynamic", start_s: DAY * SECONDS, price_s: SECONDS, prices: list } }) as const;
  const notAfter_s = (DAY + prices.length) * SECONDS;
  return signedTariff({ notAfter_s, energy: [dynamic(IMPORT, prices), dynamic(EXPORT, feedIn)] });
}

/** A batch plan of `count` intervals with readings 100, 101, ... and 7, 8, ... */
export function planOf(firstInterval: number, count: number, more: Partial<BatchPlan> = {}): BatchPlan {
  const readings = Array.from({ length: count }, (_, at) => [100 + at, 7 + at]);
  return { firstInterval, readings, ...more };
}

/** What the customer of an epoch knows of a meter that sealed these plans. */
export function meterOf(plans: readonly BatchPlan[], epoch = 0): CheckedMeter {
  const keys = { meterId: example.keys.meterId, epoch, K: keyOf(epoch) };
  return checkMeter(sealRecord(plans), keys, example.authorityKey);
}

/** What general bills are proved with here: blinding scalars that are the same in every run. */
export const PROVING: Proving = { group: fastGroup(), entropy: entropyOf("billing") };

export const billOf = (meter: CheckedMeter, tariff: SignedTariff, from: number, to: number): LinearBill =>
  proveLinearBill(meter, example.certificateBytes, tariff, { from, to });

export const verify = (bill: LinearBill, tariff: SignedTariff, more: Partial<BillTrust> = {}) =>
  verifyLinearBill(bill, { authorityKey: example.authorityKey, tariff, ...more });
