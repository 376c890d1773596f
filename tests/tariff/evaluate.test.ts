import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Tariff } from "../../src/tariff/document.js";
import {
  billLines,
  covers,
  intervalOfDate,
  isoInstant,
  localMidnight_s,
  offsetAt_s,
  parseDate,
  partsPerMillion,
  rates,
  standingDays,
} from "../../src/tariff/evaluate.js";
import type { TimeOfUse } from "../../src/tariff/policy.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { EXPORT, IMPORT, PLAIN, tariffs } from "./arbitrary.js";

const at = (instant: string) => Date.parse(instant) / 1000;

/** Germany in 2026: summer time from 29 March to 25 October. */
const BERLIN: Tariff = {
  ...PLAIN,
  notBefore_s: at("2025-12-31T23:00Z"),
  notAfter_s: at("2026-12-31T23:00Z"),
  offsets: [
    { from_s: at("2025-10-26T01:00Z"), offset_s: 3600 },
    { from_s: at("2026-03-29T01:00Z"), offset_s: 7200 },
    { from_s: at("2026-10-25T01:00Z"), offset_s: 3600 },
  ],
};

const timeOfUse = (policy: Partial<TimeOfUse>): Tariff => ({
  ...BERLIN,
  energy: [{ obis: IMPORT, policy: { kind: "time-of-use", rate: 1, bands: [], ...policy } }],
});

const EVERY = { weekdays: 127, months: 4095, fromMinute: 0, toMinute: 1440 };

/** Rates of the half hours in [from, to). */
function ratesBetween(tariff: Tariff, from: string, to: string) {
  return rates(tariff, IMPORT, { from: at(from) / 1800, to: at(to) / 1800, intervalSeconds: 1800 });
}

describe("local time", () => {
  it("has days of 23 and of 25 hours when the clocks change", () => {
    const midnight = (date: string) => isoInstant(localMidnight_s(BERLIN, parseDate(date)));
    expect(midnight("2026-03-29")).toBe("2026-03-28T23:00:00Z");
    expect(midnight("2026-03-30")).toBe("2026-03-29T22:00:00Z");
    expect(midnight("2026-10-25")).toBe("2026-10-24T22:00:00Z");
    expect(midnight("2026-10-26")).toBe("2026-10-25T23:00:00Z");
  });

  it("begins a day whose midnight is jumped over where the clocks land", () => {
    const santiago = {
      offsets: [
        { from_s: 0, offset_s: -14_400 },
        { from_s: at("2026-09-06T04:00Z"), offset_s: -10_800 },
      ],
    };
    expect(isoInstant(localMidnight_s(santiago, parseDate("2026-09-06")))).toBe("2026-09-06T04:00:00Z");
  });

  it("begins a day whose midnight comes twice at the first", () => {
    const back = {
      offsets: [
        { from_s: 0, offset_s: 3600 },
        { from_s: at("2026-09-05T23:30Z"), offset_s: 0 },
      ],
    };
    expect(isoInstant(localMidnight_s(back, parseDate("2026-09-06")))).toBe("2026-09-05T23:00:00Z");
    expect(isoInstant(localMidnight_s(back, parseDate("2026-09-07")))).toBe("2026-09-07T00:00:00Z");
  });

  it("counts as standing days the local midnights in the period", () => {
    const days = (from: string, to: string) => standingDays(BERLIN, at(from), at(to));
    expect(days("2025-12-31T23:00Z", "2026-12-31T23:00Z")).toBe(365);
    expect(days("2026-03-28T23:00Z", "2026-03-29T22:00Z")).toBe(1);
    expect(days("2026-03-28T23:00Z", "2026-03-29T22:00:01Z")).toBe(2);
    expect(days("2026-10-24T22:00Z", "2026-10-25T23:00Z")).toBe(1);
    expect(days("2026-10-25T00:30Z", "2026-10-25T01:30Z")).toBe(0);
    expect(days("2026-06-01T22:00:01Z", "2026-06-02T22:00Z")).toBe(0);
  });

  it("agrees, of any tariff, between the days it counts and the midnights it finds", () => {
    fc.assert(
      fc.property(tariffs, fc.nat(691_200), fc.nat(691_200), (tariff, a, b) => {
        const from_s = tariff.notBefore_s + Math.min(a, b);
        const to_s = tariff.notBefore_s + Math.max(a, b);
        const around = Array.from(
          { length: 16 },
          (_, day) => Math.floor(tariff.notBefore_s / 86_400) - 3 + day,
        );
        const midnights = around.map((day) => localMidnight_s(tariff, day));
        expect(standingDays(tariff, from_s, to_s)).toBe(
          midnights.filter((midnight) => from_s <= midnight && midnight < to_s).length,
        );
      }),
    );
  });

  it("adds up over neighbouring periods", () => {
    fc.assert(
      fc.property(tariffs, fc.nat(691_200), (tariff, middle) => {
        const from_s = tariff.notBefore_s;
        const sum =
          standingDays(tariff, from_s, from_s + middle) +
          standingDays(tariff, from_s + middle, from_s + 691_200);
        expect(sum).toBe(standingDays(tariff, from_s, from_s + 691_200));
      }),
    );
  });

  it("takes the first offset for what came before it", () => {
    expect(offsetAt_s(BERLIN, 0)).toBe(3600);
  });
});

describe("a date on the command line", () => {
  it("becomes the interval that begins at its local midnight", () => {
    expect(intervalOfDate(BERLIN, "2026-07-01", 1800)).toBe(at("2026-06-30T22:00Z") / 1800);
    expect(intervalOfDate(BERLIN, "2026-07-01", 900)).toBe(at("2026-06-30T22:00Z") / 900);
    expect(intervalOfDate(BERLIN, "2027-01-01", 1800)).toBe(at("2026-12-31T23:00Z") / 1800);
  });

  it.each([
    "2026-02-30",
    "2026-13-01",
    "26-01-01",
    "2026-1-1",
    "0026-01-01",
    "2026-01-01T00:00",
    "",
  ])("refuses %j", (date) => {
    expect(() => intervalOfDate(BERLIN, date, 1800)).toThrow(/is no date such as 2026-01-31/);
    expect(() => intervalOfDate(BERLIN, date, 1800)).toThrow(FormatError);
  });

  it("refuses a day outside the tariff's validity, with both", () => {
    expect(() => intervalOfDate(BERLIN, "2025-12-31", 1800)).toThrow(
      "2025-12-31 begins at 2025-12-30T23:00:00Z, outside the tariff's validity 2025-12-31T23:00:00Z to 2026-12-31T23:00:00Z",
    );
    expect(() => intervalOfDate(BERLIN, "2027-01-02", 1800)).toThrow(/outside the tariff's validity/);
  });

  it("refuses a midnight within an interval", () => {
    const nepal = { ...BERLIN, offsets: [{ from_s: 0, offset_s: 20_700 }] };
    expect(intervalOfDate(nepal, "2026-05-01", 900)).toBe(at("2026-04-30T18:15Z") / 900);
    expect(() => intervalOfDate(nepal, "2026-05-01", 1800)).toThrow(
      "2026-05-01 begins at 2026-04-30T18:15:00Z, within an interval of 1800 s",
    );
  });
});

describe("the validity", () => {
  it("covers a period to its last second", () => {
    const from = BERLIN.notBefore_s / 1800;
    const to = BERLIN.notAfter_s / 1800;
    expect(covers(BERLIN, { from, to, intervalSeconds: 1800 })).toBe(true);
    expect(covers(BERLIN, { from: from - 1, to, intervalSeconds: 1800 })).toBe(false);
    expect(covers(BERLIN, { from, to: to + 1, intervalSeconds: 1800 })).toBe(false);
  });
});

describe("rates", () => {
  it("follow local hours over the change to summer time", () => {
    const night = timeOfUse({ bands: [{ ...EVERY, toMinute: 360, rate: 7 }] });
    expect(ratesBetween(night, "2026-03-28T22:30Z", "2026-03-29T04:30Z")).toEqual([
      1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 1,
    ]);
    expect(ratesBetween(night, "2026-10-24T22:00Z", "2026-10-25T05:30Z")).toEqual([...Array(14).fill(7), 1]);
  });

  it("take the first band that fits", () => {
    const two = timeOfUse({
      bands: [
        { ...EVERY, weekdays: 0b1100000, rate: 5 },
        { ...EVERY, fromMinute: 600, rate: 6 },
      ],
    });
    expect(ratesBetween(two, "2026-01-09T22:30Z", "2026-01-09T23:30Z")).toEqual([6, 5]);
    expect(ratesBetween(two, "2026-01-11T22:30Z", "2026-01-11T23:30Z")).toEqual([5, 1]);
    expect(ratesBetween(two, "2026-01-12T08:30Z", "2026-01-12T09:30Z")).toEqual([1, 6]);
  });

  it("know the months of the local calendar", () => {
    const june = timeOfUse({ bands: [{ ...EVERY, months: 1 << 5, rate: 4 }] });
    expect(ratesBetween(june, "2026-05-31T21:30Z", "2026-05-31T22:30Z")).toEqual([1, 4]);
    expect(ratesBetween(june, "2026-06-30T21:30Z", "2026-06-30T22:30Z")).toEqual([4, 1]);
  });

  it("are those of the time at which an interval starts", () => {
    const odd = timeOfUse({ bands: [{ ...EVERY, fromMinute: 10, toMinute: 31, rate: 3 }] });
    expect(ratesBetween(odd, "2026-01-01T23:00Z", "2026-01-02T00:30Z")).toEqual([1, 3, 1]);
  });

  it("are null for a channel that the tariff does not price", () => {
    expect(rates(timeOfUse({}), EXPORT, { from: 1, to: 2, intervalSeconds: 1800 })).toBeNull();
  });

  it("are the prices of their time, an hourly price for both half hours", () => {
    const dynamic = (price_s: number, prices: number[]): Tariff => ({
      ...BERLIN,
      energy: [{ obis: IMPORT, policy: { kind: "dynamic", start_s: BERLIN.notBefore_s, price_s, prices } }],
    });
    const [from, to] = ["2025-12-31T23:30Z", "2026-01-01T01:30Z"];
    expect(ratesBetween(dynamic(1800, [1, 2, 3, 4, 5, 6]), from, to)).toEqual([2, 3, 4, 5]);
    expect(ratesBetween(dynamic(3600, [1, 2, 3]), from, to)).toEqual([1, 2, 2, 3]);
    expect(() => ratesBetween(dynamic(900, [1, 2, 3]), from, to)).toThrow(/do not fit intervals of 1800 s/);
    expect(() => ratesBetween(dynamic(2700, [1, 2, 3]), from, to)).toThrow(/do not fit/);
    expect(() => ratesBetween(dynamic(1800, [1, 2, 3]), from, to)).toThrow(
      /no price at 2026-01-01T00:30:00Z/,
    );
  });
});

describe("the lines of a bill", () => {
  it("round half away from zero, once", () => {
    expect(partsPerMillion(1n, 499_999)).toBe(0n);
    expect(partsPerMillion(1n, 500_000)).toBe(1n);
    expect(partsPerMillion(-1n, 500_000)).toBe(-1n);
    expect(partsPerMillion(-1n, 499_999)).toBe(0n);
    expect(partsPerMillion(3n, 500_000)).toBe(2n);
    expect(partsPerMillion(-3n, 500_000)).toBe(-2n);
    expect(partsPerMillion(3n, -500_000)).toBe(-2n);
    expect(partsPerMillion(0n, 190_000)).toBe(0n);
  });

  it("round to within half a nano-currency, alike on both sides of zero", () => {
    const amounts = fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n });
    fc.assert(
      fc.property(amounts, fc.integer({ min: -10_000_000, max: 10_000_000 }), (amount, ppm) => {
        const rounded = partsPerMillion(amount, ppm);
        const rest = amount * BigInt(ppm) - rounded * 1_000_000n;
        expect(rest >= -500_000n && rest <= 500_000n).toBe(true);
        expect(partsPerMillion(-amount, ppm)).toBe(-rounded);
      }),
    );
  });

  it("come in the order energy, standing, levies, VAT", () => {
    const tariff: Tariff = {
      ...PLAIN,
      standing: 1_000,
      levies: [
        { kind: "proportional", name: "a", ppm: 100_000 },
        { kind: "per-day", name: "b", amount: -7 },
      ],
      vat_ppm: 190_000,
    };
    // Levies are on energy and standing charge, not on one another; VAT is on everything.
    expect(billLines(tariff, 10_000n, 3)).toEqual({
      energy: 10_000n,
      standing: 3_000n,
      levies: [1_300n, -21n],
      vat: 2_713n,
      total: 16_992n,
    });
    expect(billLines(tariff, -10_000n, 3)).toEqual({
      energy: -10_000n,
      standing: 3_000n,
      levies: [-700n, -21n],
      vat: -1_467n,
      total: -9_188n,
    });
  });
});
