import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeTariff, encodeTariff } from "../../src/tariff/document.js";
import { intervalOfDate, isoInstant, rates } from "../../src/tariff/evaluate.js";
import type { EnergyPolicy } from "../../src/tariff/policy.js";
import { parseTariff } from "../../src/tariff/source.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";

const example = (name: string) =>
  readFileSync(new URL(`../../docs/examples/${name}.json`, import.meta.url), "utf8");

const BASE = {
  name: "Test",
  currency: "EUR",
  validFrom: "2026-01-01",
  validBefore: "2027-01-01",
  utcOffset: "+01:00" as unknown,
  energy: { "1-0:1.8.0": { rate: "0.3" } } as Record<string, unknown>,
  standingPerDay: "0",
  levies: [] as unknown[],
  vat: "19 %",
};

const parse = (change: object) => parseTariff(JSON.stringify({ ...BASE, ...change }));

function policyOf(policy: object, change: object = {}): EnergyPolicy["policy"] | undefined {
  return parse({ ...change, energy: { "1-0:1.8.0": policy } }).energy[0]?.policy;
}

describe("the examples", () => {
  it("show a time-of-use tariff with night, weekend, feed-in, standing charge, levy and VAT", () => {
    const tariff = parseTariff(example("time-of-use"));
    expect(decodeTariff(encodeTariff(tariff))).toEqual(tariff);
    const from = intervalOfDate(tariff, "2026-07-03", 1800); // a Friday in summer
    const hourly = (day: number, hour: number) =>
      rates(tariff, "1-0:1.8.0", { from, to: from + 240, intervalSeconds: 1800 })?.[48 * day + 2 * hour];
    expect([hourly(0, 3), hourly(0, 12), hourly(0, 22), hourly(1, 12), hourly(1, 3)]).toEqual([
      228_700, 314_900, 228_700, 273_600, 228_700,
    ]);
    expect(tariff.energy[1]).toEqual({
      obis: "1-0:2.8.0",
      policy: { kind: "time-of-use", rate: -81_100, bands: [] },
    });
    expect([tariff.standing, tariff.vat_ppm]).toEqual([327_500_000, 190_000]);
    expect(tariff.levies).toEqual([{ kind: "proportional", name: "Concession levy", ppm: 16_600 }]);
    expect(isoInstant(intervalOfDate(tariff, "2031-01-01", 1800) * 1800)).toBe("2030-12-31T23:00:00Z");
  });

  it("change their clocks by the rule of the EU", () => {
    const { offsets } = parseTariff(example("time-of-use"));
    const of2026 = offsets.filter(({ from_s }) => isoInstant(from_s).startsWith("2026"));
    expect(of2026.map(({ from_s, offset_s }) => [isoInstant(from_s), offset_s])).toEqual([
      ["2026-03-29T01:00:00Z", 7200],
      ["2026-10-25T01:00:00Z", 3600],
    ]);
    expect(offsets.length).toBe(41);
  });

  it("show a week of half-hourly prices", () => {
    const tariff = parseTariff(example("dynamic"));
    const from = intervalOfDate(tariff, "2026-01-05", 1800);
    const to = intervalOfDate(tariff, "2026-01-12", 1800);
    const prices = rates(tariff, "1-0:1.8.0", { from, to, intervalSeconds: 1800 }) ?? [];
    expect(prices.length).toBe(336);
    expect(prices[0]).toBe(238_200);
    expect(Math.min(...prices)).toBe(-52_300);
  });
});

describe("decimals", () => {
  it("become integers without a float between", () => {
    const rate = (text: string) => policyOf({ rate: text });
    expect(rate("0.2874")).toMatchObject({ rate: 287_400 });
    expect(rate("0.000001")).toMatchObject({ rate: 1 });
    expect(rate("-2147.483647")).toMatchObject({ rate: -2_147_483_647 });
    expect(rate("-0")).toMatchObject({ rate: 0 });
    expect(rate("12")).toMatchObject({ rate: 12_000_000 });
    expect(parse({ standingPerDay: "999999.999999999" }).standing).toBe(999_999_999_999_999);
    expect(parse({ vat: "7.7%" }).vat_ppm).toBe(77_000);
    expect(parse({ vat: "0.0001 %" }).vat_ppm).toBe(1);
    expect(
      parse({
        levies: [
          { name: "Rebate", perDay: "-0.5" },
          { name: "x", proportion: "-2 %" },
        ],
      }).levies,
    ).toEqual([
      { kind: "per-day", name: "Rebate", amount: -500_000_000 },
      { kind: "proportional", name: "x", ppm: -20_000 },
    ]);
  });
});

describe("bands", () => {
  it("name days and months singly or by ranges, which may run over the end", () => {
    const bands = [
      { days: ["Mon", "Sat-Sun"], months: ["Nov-Feb"], hours: ["06:00-22:00", "23:30-24:00"], rate: "1" },
    ];
    const rest = { weekdays: 0b1100001, months: 0b110000000011, rate: 1_000_000 };
    expect(policyOf({ rate: "0", bands })).toEqual({
      kind: "time-of-use",
      rate: 0,
      bands: [
        { ...rest, fromMinute: 360, toMinute: 1320 },
        { ...rest, fromMinute: 1410, toMinute: 1440 },
      ],
    });
  });

  it("are of every hour, day and month where they do not say", () => {
    expect(policyOf({ rate: "0", bands: [{ rate: "1" }] })).toMatchObject({
      bands: [{ weekdays: 127, months: 4095, fromMinute: 0, toMinute: 1440 }],
    });
  });
});

describe("UTC offsets", () => {
  const list = (...changes: [string, string][]) => changes.map(([from, offset]) => ({ from, offset }));

  it("may be a list of changes, of which the document carries those around the validity", () => {
    const utcOffset = list(
      ["1970-01-01T00:00Z", "+00:00"],
      ["2025-03-30T01:00Z", "+02:00"],
      ["2025-10-26T01:00:00Z", "+01:00"],
      ["2026-03-29T01:00Z", "+02:00"],
      ["2027-03-28T01:00Z", "+02:00"],
    );
    const { offsets, notBefore_s } = parse({ utcOffset });
    expect(isoInstant(notBefore_s)).toBe("2025-12-31T23:00:00Z");
    expect(offsets.map(({ from_s, offset_s }) => [isoInstant(from_s), offset_s])).toEqual([
      ["2025-10-26T01:00:00Z", 3600],
      ["2026-03-29T01:00:00Z", 7200],
    ]);
  });

  it("keep the change in whose moment the validity begins or ends, and the one before", () => {
    const utcOffset = list(["1970-01-01T00:00Z", "-04:00"], ["2026-09-06T04:00Z", "-03:00"]);
    const tariff = parse({ utcOffset, validFrom: "2026-09-06", validBefore: "2026-09-08" });
    expect(intervalOfDate(tariff, "2026-09-06", 1800) * 1800).toBe(tariff.notBefore_s);
    expect(isoInstant(tariff.notBefore_s)).toBe("2026-09-06T04:00:00Z");
    const before = parse({ utcOffset, validBefore: "2026-09-06" });
    expect(intervalOfDate(before, "2026-09-06", 1800) * 1800).toBe(before.notAfter_s);
  });

  it("may be west of Greenwich, and in quarters of an hour", () => {
    expect(parse({ utcOffset: "-03:30" }).offsets).toEqual([{ from_s: 0, offset_s: -12_600 }]);
    expect(parse({ utcOffset: "+05:45" }).offsets).toEqual([{ from_s: 0, offset_s: 20_700 }]);
  });
});

describe("an error in the JSON", () => {
  const prices = (change: object) => ({
    validBefore: "2026-01-02",
    energy: {
      "1-0:1.8.0": { start: "2025-12-31T23:00Z", priceMinutes: 720, prices: ["0.1", "0.2"], ...change },
    },
  });
  const band = (change: object) => ({
    energy: { "1-0:1.8.0": { rate: "1", bands: [{ rate: "1", ...change }] } },
  });
  const rule = { standard: "+01:00", daylight: "+02:00", rule: "EU" };
  const where = '$.energy["1-0:1.8.0"]';

  const cases: readonly (readonly [object, string])[] = [
    [{ name: undefined }, '$: expected a field "name"'],
    [{ extra: 1 }, '$: expected no field "extra"'],
    [{ name: "" }, '$.name: expected 1 to 64 characters of printable ASCII, found ""'],
    [{ name: "x".repeat(65) }, "$.name: expected 1 to 64 characters"],
    [{ name: "Wärme" }, "$.name: expected 1 to 64 characters of printable ASCII"],
    [{ currency: "Euro" }, '$.currency: expected three capital letters such as "EUR", found "Euro"'],
    [{ currency: 5 }, "$.currency: expected three capital letters"],
    [{ validFrom: "1.1.2026" }, '$.validFrom: expected a date such as "2026-01-31", found "1.1.2026"'],
    [{ validFrom: "1969-06-01" }, "$.validFrom: expected a date from 1970 on"],
    [{ validBefore: "2026-01-01" }, "$.validBefore: expected a date after validFrom"],
    [{ validBefore: "2107-01-01" }, "$.validBefore: expected a date after validFrom, at most in 2106"],
    [
      { utcOffset: "1:00" },
      '$.utcOffset: expected an offset from UTC in quarters of an hour within 18 hours, such as "+01:00", found "1:00"',
    ],
    [{ utcOffset: "+01:10" }, "$.utcOffset: expected an offset"],
    [{ utcOffset: "+18:15" }, "$.utcOffset: expected an offset"],
    [{ utcOffset: 1 }, "$.utcOffset: expected an object, found 1"],
    [{ utcOffset: null }, "$.utcOffset: expected an object, found null"],
    [{ utcOffset: [] }, "$.utcOffset: expected a list of 1 to 512"],
    [
      { utcOffset: [{ from: "2026-02-01T00:00Z", offset: "+01:00" }] },
      "$.utcOffset: expected a first change at or before 2025-12-31T23:00:00Z",
    ],
    [
      { utcOffset: [{ from: "2025-02-30T00:00Z", offset: "+01:00" }] },
      "$.utcOffset[0].from: expected a UTC instant",
    ],
    [
      { utcOffset: [{ from: "2025-02-01T00:00+01:00", offset: "+01:00" }] },
      "$.utcOffset[0].from: expected a UTC instant",
    ],
    [
      { utcOffset: [{ from: "2025-02-01T25:00Z", offset: "+01:00" }] },
      "$.utcOffset[0].from: expected a UTC instant",
    ],
    [
      {
        utcOffset: [
          { from: "2025-02-01T00:00Z", offset: "+01:00" },
          { from: "2025-02-01T00:00Z", offset: "+02:00" },
        ],
      },
      "$.utcOffset[1].from: expected an instant after the one before it",
    ],
    [{ utcOffset: { ...rule, rule: "US" } }, '$.utcOffset.rule: expected "EU", found "US"'],
    [{ utcOffset: { ...rule, daylight: 2 } }, "$.utcOffset.daylight: expected an offset"],
    [
      { utcOffset: rule, validFrom: "1995-01-01" },
      "$.utcOffset: expected a list of changes for a validity outside 1997 to 2106",
    ],
    [{ utcOffset: rule, validBefore: "2020-01-01" }, "$.utcOffset: expected a list of changes"],
    [{ energy: {} }, "$.energy: expected an object of 1 to 8 fields"],
    [{ energy: [] }, "$.energy: expected an object, found []"],
    [
      { energy: { "1.8.0": { rate: "1" } } },
      '$.energy["1.8.0"]: expected an OBIS code such as "1-0:1.8.0" as the name of this field',
    ],
    [{ energy: { "1-0:1.8.0": "0.3" } }, `${where}: expected an object, found "0.3"`],
    [
      { energy: { "1-0:1.8.0": { rate: 0.3 } } },
      `${where}.rate: expected a decimal in quotes from -2147.483647 to 2147.483647 of at most 6 places such as "0.2874", found 0.3`,
    ],
    [{ energy: { "1-0:1.8.0": { rate: "0.1234567" } } }, `${where}.rate: expected a decimal`],
    [{ energy: { "1-0:1.8.0": { rate: "0,3" } } }, `${where}.rate: expected a decimal`],
    [{ energy: { "1-0:1.8.0": { rate: "1e3" } } }, `${where}.rate: expected a decimal`],
    [{ energy: { "1-0:1.8.0": { rate: "2147.483648" } } }, `${where}.rate: expected a decimal`],
    [{ energy: { "1-0:1.8.0": { bands: [] } } }, `${where}: expected a field "rate"`],
    [
      { energy: { "1-0:1.8.0": { rate: "1", bands: Array(65).fill({ rate: "1" }) } } },
      `${where}.bands: expected a list of 0 to 64`,
    ],
    [
      {
        energy: {
          "1-0:1.8.0": {
            rate: "1",
            bands: [{ rate: "1", hours: Array(64).fill("01:00-02:00") }, { rate: "1" }],
          },
        },
      },
      `${where}.bands: expected at most 64 bands`,
    ],
    [band({ hour: "" }), `${where}.bands[0]: expected no field "hour"`],
    [band({ days: [] }), `${where}.bands[0].days: expected a list of 1 to 7`],
    [
      band({ days: ["Monday"] }),
      `${where}.bands[0].days[0]: expected one of Mon Tue Wed Thu Fri Sat Sun, or a range such as "Mon-Fri", found "Monday"`,
    ],
    [band({ days: ["Mon-Tue-Wed"] }), `${where}.bands[0].days[0]: expected one of`],
    [band({ months: ["Jan", "-"] }), `${where}.bands[0].months[1]: expected one of Jan`],
    [
      band({ hours: ["22:00-06:00"] }),
      `${where}.bands[0].hours[0]: expected hours of one day such as "06:00-22:00", at the latest "24:00"; over midnight in two parts, found "22:00-06:00"`,
    ],
    [band({ hours: ["22:00-24:30"] }), `${where}.bands[0].hours[0]: expected hours`],
    [band({ hours: ["6-22"] }), `${where}.bands[0].hours[0]: expected hours`],
    [
      prices({ start: "2026-01-01T00:00Z" }),
      `${where}.start: expected a quarter of an hour at or before 2025-12-31T23:00:00Z`,
    ],
    [prices({ start: "2025-12-31T22:50Z" }), `${where}.start: expected a quarter of an hour`],
    [
      prices({ priceMinutes: "30" }),
      `${where}.priceMinutes: expected a multiple of 15, at most 1440, found "30"`,
    ],
    [prices({ priceMinutes: 1455 }), `${where}.priceMinutes: expected a multiple of 15`],
    [prices({ priceMinutes: 20 }), `${where}.priceMinutes: expected a multiple of 15`],
    [
      prices({ prices: ["0.1"] }),
      `${where}.prices: expected 2 prices, to cover the validity, to 36000 of them (1 here)`,
    ],
    [prices({ prices: ["0.1 0.2 x"] }), `${where}.prices[0] word 3: expected a decimal`],
    [
      prices({ prices: [0.1, 0.2] }),
      `${where}.prices[0]: expected one or more decimals such as "0.2874 0.2791", found 0.1`,
    ],
    [prices({ rate: "1" }), `${where}: expected no field "rate"`],
    [{ standingPerDay: "-1" }, "$.standingPerDay: expected a decimal in quotes from 0 to 1000000"],
    [{ standingPerDay: "1.0000000001" }, "$.standingPerDay: expected a decimal"],
    [{ levies: {} }, "$.levies: expected a list of 0 to 8"],
    [{ levies: [{ name: "a" }] }, '$.levies[0]: expected a field "perDay"'],
    [{ levies: [{ name: "a", perDay: "1", proportion: "1 %" }] }, '$.levies[0]: expected no field "perDay"'],
    [
      { levies: [{ name: "a", proportion: "1" }] },
      '$.levies[0].proportion: expected a percentage from -1000 to 1000 of at most 4 places such as "19 %", found "1"',
    ],
    [{ vat: "101 %" }, "$.vat: expected a percentage from 0 to 100"],
    [{ vat: "19.00001 %" }, "$.vat: expected a percentage"],
  ];
  it.each(cases)("of %j is named by its path with what belongs there", (change, message) => {
    expect(() => parse(change)).toThrow(FormatError);
    expect(() => parse(change)).toThrow(message);
  });

  it("is named too where there is no JSON at all, or too much", () => {
    expect(() => parseTariff("{")).toThrow(/^\$: not JSON: /);
    expect(() => parseTariff("[]")).toThrow("$: expected an object, found []");
    expect(() => parseTariff(" ".repeat(4_000_001))).toThrow(/more than 4000000 characters/);
  });

  it("shows only the beginning of a long value", () => {
    expect(() => parse({ currency: "x".repeat(1000) })).toThrow(/found "x{39}\.\.\.$/);
  });
});
