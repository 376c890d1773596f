import { describe, expect, it } from "vitest";
import { NO_CLASS, RateTables, rateOf } from "../../src/proofs/rate-classes.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { rates } from "../../src/tariff/evaluate.js";
import { DAY, EXPORT, IMPORT, pricedTariff, SECONDS } from "./billing.js";

const { tariff } = pricedTariff([5, -3, 0, 5], [7, 0, 7, -3]);
const PERIOD = { from: DAY, to: DAY + 4, intervalSeconds: SECONDS };

describe("classes of rates", () => {
  it("give every leaf its rate, and none to a rate of zero or a channel without a price", () => {
    const channels = [EXPORT, "7-0:3.0.0", IMPORT];
    const table = new RateTables(tariff).of(channels, PERIOD);
    expect(table.rates).toEqual([7, 5, -3]);
    expect(Array.from(table.classes)).toEqual([0, -1, 1, -1, -1, 2, 0, -1, -1, 2, -1, 1]);
    expect(table.classes).toContain(NO_CLASS);
    for (const [channel, obis] of channels.entries()) {
      const expected = rates(tariff, obis, PERIOD) ?? [0, 0, 0, 0];
      expect(expected.map((_, at) => rateOf(table, DAY + at, channel))).toEqual(expected);
    }
  });

  it("are made once for equal channels and periods, and again for others", () => {
    const tables = new RateTables(tariff);
    const made = tables.of([IMPORT], PERIOD);
    expect(tables.of([IMPORT], { ...PERIOD })).toBe(made);
    expect(tables.of([EXPORT], PERIOD)).not.toEqual(made);
    expect(tables.of([IMPORT], { ...PERIOD, from: DAY + 1 }).classes.length).toBe(3);
  });

  it("are refused of a meter of which the tariff prices nothing", () => {
    expect(() => new RateTables(tariff).of(["7-0:3.0.0"], PERIOD)).toThrow(VerificationError);
  });
});
