import { concatBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { makeBill } from "../../src/customer/bill.js";
import { checkMeter } from "../../src/customer/check.js";
import { decodeLinearBill } from "../../src/proofs/linear-bill.js";
import { encodeProvedBill } from "../../src/proofs/proved-bill.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { type BatchPlan, example, readingOf, sealRecord } from "../example.js";
import { DAY, INTERVALS_A_DAY, meterOf, PROVING, planOf, signedTariff, verify } from "../proofs/billing.js";

/** Local time is UTC+2: local midnights are at 22:00 UTC. */
const TARIFF = signedTariff({ offsets: [{ from_s: 0, offset_s: 7200 }] });
const MIDNIGHT = DAY + INTERVALS_A_DAY - 4;

/** A reading of 1 Wh in, 2 Wh out in every interval [from, to), in the batches that the meter makes of them. */
function plansOf(from: number, to: number): BatchPlan[] {
  const plans: BatchPlan[] = [];
  for (let first = from; first < to; ) {
    const end = Math.min(to, (Math.floor(first / INTERVALS_A_DAY) + 1) * INTERVALS_A_DAY);
    plans.push({ firstInterval: first, readings: Array.from({ length: end - first }, () => [1, 2]) });
    first = end;
  }
  return plans;
}

const bill = (meter: ReturnType<typeof meterOf>, from: string, to: string, tariff = TARIFF) =>
  decodeLinearBill(
    encodeProvedBill(makeBill(meter, example.certificateBytes, tariff, { from, to }, PROVING)),
  );

describe("a customer's bill", () => {
  const meter = meterOf(plansOf(DAY + 40, DAY + 3 * INTERVALS_A_DAY));

  it("runs from local midnight to local midnight", () => {
    const { from, to, lines, batches } = bill(meter, "2011-07-02", "2011-07-03");
    expect([from, to]).toEqual([MIDNIGHT, MIDNIGHT + 48]);
    expect(lines.energy).toBe(48n * (300_000n - 2n * 80_000n));
    expect(lines.standing).toBe(300_000_000n);
    expect(batches.length).toBe(2);
  });

  it("is accepted by whoever holds the tariff and the authority's key", () => {
    const made = bill(meter, "2011-07-02", "2011-07-04");
    expect(verify(made, TARIFF)).toMatchObject({ standingDays: 2, readings: 192, lines: made.lines });
  });

  it("has a day of 23 hours when the clocks go forward", () => {
    const change_s = (DAY + INTERVALS_A_DAY) * 1800; // 2 July, 02:00 becomes 03:00
    const offsets = [
      { from_s: 0, offset_s: 7200 },
      { from_s: change_s, offset_s: 10_800 },
    ];
    const made = bill(meter, "2011-07-02", "2011-07-03", signedTariff({ offsets }));
    expect(made.to - made.from).toBe(46);
    expect(made.lines.energy).toBe(46n * 140_000n);
  });

  it("names the first interval that no batch covers, at either end", () => {
    const reason = "is in no batch, nor between two of them";
    expect(() => bill(meter, "2011-07-01", "2011-07-03", signedTariff())).toThrow(
      `interval ${DAY} (2011-07-01T00:00:00Z) ${reason}`,
    );
    const late = () => bill(meter, "2011-07-03", "2011-07-05");
    expect(late).toThrow(`interval ${DAY + 3 * INTERVALS_A_DAY} (2011-07-04T00:00:00Z) ${reason}`);
    expect(late).toThrow(VerificationError);
  });

  it("does not count readings that are in no batch yet", () => {
    const record = sealRecord(plansOf(DAY, DAY + 94));
    const provisional = [94, 95].map((at) => readingOf({ interval: DAY + at, readings: [5, 5], status: 0 }));
    const readings = concatBytes(record.readings, ...provisional);
    const checked = checkMeter({ ...record, readings }, example.keys, example.authorityKey);
    expect(checked.provisional.length).toBe(2);
    expect(() => bill(checked, "2011-07-02", "2011-07-03", signedTariff())).toThrow(
      `interval ${DAY + 94} (2011-07-02T23:00:00Z) is in no batch`,
    );
  });

  it("shows nothing of another tenant's batch but its statement", () => {
    const plans = [
      planOf(DAY, 10),
      planOf(MIDNIGHT + 2, 2, { epoch: 1 }),
      planOf(MIDNIGHT + 60, 2, { epoch: 1 }),
    ];
    const made = bill(meterOf(plans, 1), "2011-07-02", "2011-07-03");
    expect(made.batches.map(({ leaves }) => leaves.length > 0)).toEqual([false, true, false]);
    expect(verify(made, TARIFF)).toMatchObject({ epoch: 1, readings: 4, absentIntervals: 46 });
  });

  it.each([
    ["2011-07-32", "2011-08-01", "is no date"],
    ["2011-06-29", "2011-07-02", "outside the tariff's validity"],
    ["2011-07-02", "2011-08-02", "outside the tariff's validity"],
  ])("refuses the dates %s to %s", (from, to, reason) => {
    expect(() => bill(meter, from, to)).toThrow(reason);
    expect(() => bill(meter, from, to)).toThrow(FormatError);
  });

  it("refuses dates in the wrong order", () => {
    expect(() => bill(meter, "2011-07-03", "2011-07-02")).toThrow("the period ends before it begins");
    expect(() => bill(meter, "2011-07-03", "2011-07-03")).toThrow("the period ends before it begins");
  });

  it("refuses local midnights within its intervals", () => {
    const tariff = signedTariff({ offsets: [{ from_s: 0, offset_s: 20_700 }] });
    expect(() => bill(meter, "2011-07-02", "2011-07-03", tariff)).toThrow("within an interval of 1800 s");
  });
});
