import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type HouseholdOptions, householdMinutes, householdTrace } from "../../host-sim/household.js";
import type { Trace } from "../../host-sim/trace.js";

const DAY_MIN = 1_440;
const NEW_YEAR_2024_S = Date.UTC(2024, 0, 1) / 1_000;
/** A leap year of half hours from a Monday. */
const year: HouseholdOptions = {
  seed: 1,
  start_s: NEW_YEAR_2024_S,
  days: 366,
  step_s: 1_800,
  utcOffset_h: 0,
};
const seeds = [1, 2, 3, 4, 5];

function digest(trace: Trace): string {
  return createHash("sha256").update(JSON.stringify(trace)).digest("hex");
}

/** Mean kWh a day of whole watts a minute, over days counted from the start. */
function daily_kWh(power_W: Int32Array, fromDay = 0, toDay = power_W.length / DAY_MIN): number {
  const sum = power_W.subarray(fromDay * DAY_MIN, toDay * DAY_MIN).reduce((total, watts) => total + watts, 0);
  return sum / 60_000 / (toDay - fromDay);
}

/** Mean W of the minutes [from, to) of the days that `when` picks. */
function mean_W(power_W: Int32Array, from: number, to: number, when: (day: number) => boolean): number {
  let sum = 0;
  let count = 0;
  power_W.forEach((watts, minute) => {
    const ofDay = minute % DAY_MIN;
    if (ofDay < from || ofDay >= to || !when(Math.floor(minute / DAY_MIN))) return;
    sum += watts;
    count++;
  });
  return sum / count;
}

describe("the built-in household", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("gives the same rows for a seed for ever", () => {
    const month = householdTrace({ ...year, days: 31, utcOffset_h: 1 });
    expect(month.rows.slice(0, 3)).toEqual([
      [1_336_200_000, 0],
      [208_800_000, 0],
      [199_800_000, 0],
    ]);
    expect(digest(month)).toBe("946f66d84fdb4d1974cfb4ec3e72fd9aa2706dcd12e5e24d2cefaefe25224a7e");
    expect(digest(householdTrace({ ...year, seed: 2 ** 53 - 1, step_s: 900 }))).toBe(
      "b0a74845b0bffbbcb954e861a0da85b1184af04c33d5bcf7557fdac0111e2793",
    );
  });

  it("gives the same rows on an engine whose cosine and square root end in other bits", async () => {
    const here = digest(householdTrace(year));
    const { cos, sqrt } = Math;
    for (const last of [1 - 2 ** -50, 1 + 2 ** -50]) {
      vi.spyOn(Math, "cos").mockImplementation((angle) => cos(angle) * last + 2 ** -50);
      vi.spyOn(Math, "sqrt").mockImplementation((square) => sqrt(square) * last);
      vi.resetModules();
      const elsewhere = await import("../../host-sim/household.js");
      expect(digest(elsewhere.householdTrace(year))).toBe(here);
    }
  });

  it("differs from seed to seed", () => {
    expect(new Set(seeds.map((seed) => digest(householdTrace({ ...year, seed, days: 2 })))).size).toBe(5);
  });

  it("has a row of import and export in whole mJ for each step", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.nat({ max: 71_582_788 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(60, 300, 900, 1_800, 3_600),
        fc.integer({ min: -14 * 60, max: 14 * 60 }),
        (seed, start_min, days, step_s, offset_min) => {
          const start_s = start_min * 60;
          const trace = householdTrace({ seed, start_s, days, step_s, utcOffset_h: offset_min / 60 });
          expect(trace).toMatchObject({ start_s, step_s, channels: ["1-0:1.8.0", "1-0:2.8.0"] });
          expect(trace.rows).toHaveLength((days * 86_400) / step_s);
          const sound = trace.rows.every(
            (row) => row?.length === 2 && row.every((mJ) => Number.isSafeInteger(mJ) && mJ >= 0),
          );
          expect(sound).toBe(true);
        },
      ),
    );
  });

  it("nets consumption and solar power minute by minute, then sums, and loses nothing", () => {
    const { home_W, car_W, solar_W } = householdMinutes(year);
    const rows: [number, number][] = [];
    home_W.forEach((home, minute) => {
      if (minute % 30 === 0) rows.push([0, 0]);
      const row = rows.at(-1) ?? [0, 0];
      const net_mJ = (home + (car_W[minute] ?? 0) - (solar_W[minute] ?? 0)) * 60_000;
      row[net_mJ > 0 ? 0 : 1] += Math.abs(net_mJ);
    });
    expect(householdTrace(year).rows).toEqual(rows);
    expect(rows.some(([imported, exported]) => imported > 0 && exported > 0)).toBe(true);
  });

  it("draws the same minutes however long a row is", () => {
    const fine = householdTrace({ ...year, days: 7, step_s: 60 }).rows;
    const coarse = householdTrace({ ...year, days: 7, step_s: 3_600 }).rows;
    const summed = coarse.map((_, hour) =>
      fine
        .slice(hour * 60, hour * 60 + 60)
        .reduce<number[]>((sums, row) => sums.map((sum, channel) => sum + (row?.[channel] ?? 0)), [0, 0]),
    );
    expect(summed).toEqual(coarse);
  });

  it("starts the same however many days follow", () => {
    const long = householdTrace({ ...year, days: 40 }).rows;
    for (const days of [1, 10, 39]) {
      expect(householdTrace({ ...year, days }).rows).toEqual(long.slice(0, days * 48));
    }
  });

  it("lives by its own clock: the same local days one hour earlier in UTC", () => {
    const there = householdTrace({ ...year, days: 3 });
    const east = householdTrace({ ...year, days: 3, start_s: year.start_s - 3_600, utcOffset_h: 1 });
    expect(east.rows).toEqual(there.rows);
  });

  it.each<[string, Partial<HouseholdOptions>, string]>([
    ["a broken seed", { seed: 0.5 }, "a seed is a whole number from 0 to 2^53 - 1, not 0.5"],
    [
      "half a minute",
      { start_s: 30 },
      "a household starts on a whole minute from 0 to 2^32 - 1 s, not at 30 s",
    ],
    [
      "a start before 1970",
      { start_s: -60 },
      "a household starts on a whole minute from 0 to 2^32 - 1 s, not at -60 s",
    ],
    [
      "a start after 2106",
      { start_s: 60 * 71_582_789 },
      "a household starts on a whole minute from 0 to 2^32 - 1 s, not at 4294967340 s",
    ],
    ["no days", { days: 0 }, "a household runs for 1 to 1,100 whole days, not 0"],
    ["half a day", { days: 0.5 }, "a household runs for 1 to 1,100 whole days, not 0.5"],
    ["too many days", { days: 1_101 }, "a household runs for 1 to 1,100 whole days, not 1101"],
    ["rows of 90 s", { step_s: 90 }, "a household's rows are whole minutes that divide an hour, not 90 s"],
    [
      "rows of 7 minutes",
      { step_s: 420 },
      "a household's rows are whole minutes that divide an hour, not 420 s",
    ],
    [
      "rows of 2 h",
      { step_s: 7_200 },
      "a household's rows are whole minutes that divide an hour, not 7200 s",
    ],
    ["rows of no length", { step_s: 0 }, "a household's rows are whole minutes that divide an hour, not 0 s"],
    ["backward rows", { step_s: -60 }, "a household's rows are whole minutes that divide an hour, not -60 s"],
    ["an offset of 15 h", { utcOffset_h: 15 }, "a UTC offset is -14 to 14 hours in whole seconds, not 15 h"],
    [
      "an offset of seconds",
      { utcOffset_h: 0.01 },
      "a household's UTC offset is in whole minutes, not 0.01 h",
    ],
  ])("refuses %s", (_, wrong, what) => {
    expect(() => householdTrace({ ...year, ...wrong })).toThrow(new RangeError(what));
  });
});

describe.each(seeds)("a year of household %d", (seed) => {
  const { home_W, car_W, solar_W } = householdMinutes({ ...year, seed });
  const always = () => true;
  const weekend = (day: number) => day % 7 >= 5;

  it("uses 8 to 14 kWh a day without the car, more in winter than in summer", () => {
    expect(daily_kWh(home_W)).toBeGreaterThan(8);
    expect(daily_kWh(home_W)).toBeLessThan(14);
    const january = daily_kWh(home_W, 0, 31);
    const june = daily_kWh(home_W, 152, 182);
    expect(january / june).toBeGreaterThan(1.3);
    expect(january / june).toBeLessThan(2.5);
  });

  it("is never off and never beyond a household's fuse", () => {
    const load_W = home_W.map((watts, minute) => watts + (car_W[minute] ?? 0));
    expect(load_W.every((watts) => watts >= 60 && watts < 17_000)).toBe(true);
  });

  it("has quiet nights, and peaks at breakfast and dinner", () => {
    const night = mean_W(home_W, 60, 300, (day) => day >= 120 && day < 270);
    const dinner = mean_W(home_W, 1_080, 1_200, always);
    const morning = mean_W(home_W, 390, 480, (day) => !weekend(day));
    const forenoon = mean_W(home_W, 570, 690, (day) => !weekend(day));
    expect(night).toBeLessThan(220);
    expect(dinner).toBeGreaterThan(3 * night);
    expect(morning).toBeGreaterThan(1.15 * forenoon);
  });

  it("is busier on weekend forenoons than on working days", () => {
    const forenoon = (when: (day: number) => boolean) => mean_W(home_W, 540, 720, when);
    expect(forenoon(weekend)).toBeGreaterThan(1.05 * forenoon((day) => !weekend(day)));
  });

  it("charges the car at 7 kW, in the night, on 20 to 50 % of the nights", () => {
    expect(new Set(car_W)).toEqual(new Set([0, 7_000]));
    expect(mean_W(car_W, 6 * 60, 22 * 60, always)).toBe(0);
    const starts = car_W.filter((watts, minute) => watts > 0 && (car_W[minute - 1] ?? 0) === 0).length;
    expect(starts / 366).toBeGreaterThan(0.2);
    expect(starts / 366).toBeLessThan(0.5);
  });

  it("makes 750 to 1,100 kWh a kWp of solar power, over three times as much in June as in December", () => {
    const perYear_kWh = daily_kWh(solar_W) * 366;
    expect(perYear_kWh / 4).toBeGreaterThan(750);
    expect(perYear_kWh / 4).toBeLessThan(1_100);
    expect(daily_kWh(solar_W, 152, 182)).toBeGreaterThan(3 * daily_kWh(solar_W, 335, 366));
    expect(solar_W.every((watts) => watts >= 0 && watts <= 4_000)).toBe(true);
  });

  it("makes none at night, which ends before five in June and after seven in December", () => {
    const december = (day: number) => day >= 345 && day < 365;
    const june = (day: number) => day >= 160 && day < 180;
    expect(mean_W(solar_W, 700, 740, december)).toBeGreaterThan(200);
    expect(mean_W(solar_W, 17 * 60, DAY_MIN, december)).toBe(0);
    expect(mean_W(solar_W, 0, 7 * 60, december)).toBe(0);
    expect(mean_W(solar_W, 5 * 60, 6 * 60, june)).toBeGreaterThan(10);
    expect(mean_W(solar_W, 0, 3 * 60, june)).toBe(0);
    expect(mean_W(solar_W, 21 * 60, DAY_MIN, june)).toBe(0);
  });

  it("has weather that persists: a bright day is likelier after a bright day", () => {
    // Against the same season's mean, so that summer and winter alone do not look like persistence.
    const perDay = Array.from({ length: 366 }, (_, day) => daily_kWh(solar_W, day, day + 1));
    const apart = perDay.map((kWh, day) => {
      const around = perDay.slice(Math.max(0, day - 20), day + 21);
      return kWh - around.reduce((sum, one) => sum + one, 0) / around.length;
    });
    const product = (lag: number) =>
      apart.slice(lag).reduce((sum, one, day) => sum + one * (apart[day] ?? 0), 0);
    expect(product(1) / product(0)).toBeGreaterThan(0.2);
  });
});
