// The tariffs under docs/examples on made-up readings, with lines computed by hand, and what a proof of each costs.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { energyCost, type PeriodReadings } from "../../src/tariff/charge-evaluation.js";
import { decodeTariff, encodeTariff, type Tariff } from "../../src/tariff/document.js";
import { billLines, daysOf, intervalOfDate } from "../../src/tariff/evaluate.js";
import { parseTariff } from "../../src/tariff/source.js";
import { isRefused, prove, verify } from "../proofs/constraints/gadgets/cheating-system.js";
import { EXPORT, IMPORT } from "./arbitrary.js";
import { committedValues, costStatement, inputsOf } from "./measured.js";

const FOLDER = new URL("../../docs/examples/", import.meta.url);
const example = (name: string): Tariff => parseTariff(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));

/** Half-hours of a day: 24,000 Wh taken, most of it from 16:00 to 20:00, and 2,000 fed in at noon. */
const HALF_HOURS = Array.from({ length: 48 }, (_, at) => {
  if (at < 16) return 100;
  if (at < 32) return 300;
  return at < 40 ? 1500 : 700;
});
const FED_IN = HALF_HOURS.map((_, at) => (at >= 24 && at < 28 ? 500 : 0));

/** Two days: 49,100 Wh, since at 18:00 of the second it is 2,600 Wh instead of 1,500. */
const TWO_DAYS = [...HALF_HOURS, ...HALF_HOURS].map((reading, at) => (at === 48 + 36 ? 2600 : reading));

/** From a local midnight on. */
function measuredFrom(tariff: Tariff, date: string, taken: readonly number[]): PeriodReadings {
  const from = intervalOfDate(tariff, date, 1800);
  return {
    period: { from, to: from + taken.length, intervalSeconds: 1800 },
    channels: [IMPORT, EXPORT],
    readings: [taken, taken.map((_, at) => FED_IN[at % 48] ?? 0)],
  };
}

/** Amounts in whole currency. */
const nano = (amount: string) => {
  const [whole = "", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(9, "0"));
};

const EXPECTED: readonly (readonly [
  name: string,
  date: string,
  energy: string,
  total: string,
  sum: string,
])[] = [
  ["block-rates", "2026-06-03", "22.55", "22.55", "20 kWh at 0.40 and 29.1 at 0.50"],
  // 5.2 kW at 3.37 are 17.524; (29.799 + 0.08) · 1.06.
  ["capacity", "2023-02-01", "29.799", "31.67174", "49.1 kWh at 0.25 and 5.2 kW at 3.37"],
  // By contract 43.5 kWh at 0.62 and 5.6 at 0.48 are 29.658.
  ["price-cap", "2023-02-01", "26.9462", "27.4462", "15.89 kWh at 0.40 and 33.21 at 0.62"],
  // (2.555 + 25) · 1.25.
  ["subscribed-capacity", "2026-02-02", "2.555", "34.44375", "49.1 kWh at 0.05 and 0.1 at 1 more"],
  // (32 · 0.1 + 32 · 0.3 + 16 · 0.7) · 0.2 = 4.8; 15 · (0.2 + 0.1 + 0.0125 + 0.00125) = 4.70625; 0.46 + 0.198 + 0.018 +
  // 0.00216 = 0.67816; less 4 kWh at 0.08. (9.86441 + 0.6) · 1.0166 = 10.638119206; times 1.19, rounded.
  ["congestion", "2026-02-02", "9.86441", "12.659361855", "the sum of 96 polynomials, less 0.32 of feed-in"],
  // 12.555 + 6.36 - 0.2 = 18.715, less 3.783: two days below 50 kWh.
  [
    "saving-rebate",
    "2026-06-03",
    "14.932",
    "15.532",
    "27.9 kWh at 0.45 and 21.2 at 0.30, less 20 %, less feed-in",
  ],
  ["primary-units", "2026-02-02", "13.173", "13.83165", "2.8 kWh at 0.14, 4 at 0.34 and 42.3 at 0.27"],
  // (15.736 + 0.5 + 0.1) · 1.19.
  ["rate-by-reading", "2026-02-02", "15.736", "19.43984", "12.8 kWh at 0.20, 11.2 at 0.28 and 25.1 at 0.40"],
];

describe("the example tariffs", () => {
  it("are all here", () => {
    const named = [...EXPECTED.map(([name]) => name), "dynamic", "time-of-use"];
    const files = readdirSync(FOLDER).map((file) => file.replace(".json", ""));
    expect(files.sort()).toEqual(named.sort());
  });

  it.each(EXPECTED)("%s: from %s on two days cost %s, and %s in all: %s", (name, date, energy, total) => {
    const tariff = example(name);
    expect(decodeTariff(encodeTariff(tariff))).toEqual(tariff);
    const measured = measuredFrom(tariff, date, TWO_DAYS);
    const cost = energyCost(tariff, measured);
    expect(cost).toBe(nano(energy));
    expect(billLines(tariff, cost, daysOf(tariff, measured.period)).total).toBe(nano(total));
  });

  it("bill at least 2.5 kW, whatever the demand", () => {
    const tariff = example("capacity");
    const measured = measuredFrom(tariff, "2023-02-01", [100, 200]);
    expect(energyCost(tariff, measured)).toBe(nano("0.075") + nano("8.425"));
  });

  it("bill by contract what is dearer by the cap", () => {
    const tariff = example("price-cap");
    const night = HALF_HOURS.map((_, at) => (at < 14 ? 1000 : 0));
    expect(energyCost(tariff, measuredFrom(tariff, "2023-02-01", night))).toBe(nano("6.72"));
  });

  it("give no rebate from the threshold on", () => {
    const tariff = example("saving-rebate");
    const at = (reading: number) => [...HALF_HOURS.slice(0, 47), reading];
    // 24.999 kWh and 25 kWh: 13.4 at 0.45 and the rest at 0.30, and 2 kWh of feed-in.
    const day = (reading: number) => energyCost(tariff, measuredFrom(tariff, "2026-06-03", at(reading)));
    expect(day(1699)).toBe((nano("9.5097") * 8n) / 10n - nano("0.1"));
    expect(day(1700)).toBe(nano("9.51") - nano("0.1"));
  });

  it("refuse a half-hour that they cannot bill", () => {
    const tariff = example("rate-by-reading");
    const measured = measuredFrom(tariff, "2026-02-02", [100, 30_000]);
    expect(() => energyCost(tariff, measured)).toThrow(
      `interval ${measured.period.from + 1} (2026-02-01T23:30:00Z): the reading of 1-0:1.8.0 is not below 30000 Wh`,
    );
  });
});

/** Committed values and multipliers of a month of half-hours; a proof's vectors have the next power of two. */
const COSTS: readonly (readonly [name: string, committed: number, multipliers: number])[] = [
  ["time-of-use", 1, 0],
  ["block-rates", 1, 27],
  ["capacity", 1489, 5406],
  ["price-cap", 2, 54],
  ["subscribed-capacity", 1488, 4682],
  ["congestion", 1489, 7611],
  ["saving-rebate", 3, 66],
  ["primary-units", 2, 27],
  ["rate-by-reading", 1488, 4646],
];

describe("proofs of a month of 1,488 half-hours", () => {
  const months = new Map(EXPECTED.map(([name, date]) => [name, date]));

  it.each(COSTS)("under %s are of %d committed values and %d multipliers", (name, committed, multipliers) => {
    const tariff = example(name);
    const month = Array.from({ length: 31 }, () => HALF_HOURS).flat();
    const measured = measuredFrom(tariff, months.get(name) ?? "2026-02-02", month);
    const inputs = inputsOf(tariff, measured);
    expect(inputs.sums.length + inputs.readings.length).toBe(committed);
    const { first, second } = verify(costStatement(tariff, measured, 0n), committed, 7n);
    expect(first + second).toBe(multipliers);
  });

  it("hold for the total and no other", () => {
    for (const [name] of EXPECTED) {
      const tariff = example(name);
      const measured = measuredFrom(tariff, months.get(name) ?? "", TWO_DAYS);
      const values = committedValues(inputsOf(tariff, measured), measured);
      const total = energyCost(tariff, measured);
      expect(isRefused(prove(costStatement(tariff, measured, total), values))).toBe(false);
      expect(isRefused(prove(costStatement(tariff, measured, total - 1n), values))).toBe(true);
    }
  });
});
