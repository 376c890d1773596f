import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forecastModels } from "../../tools/smoothing.js";
import { ok, run } from "./run.js";
import { cells, StreetFiles } from "./street-files.js";
import { expectInside, svgElements } from "./svg.js";

const street = new StreetFiles();
beforeAll(() => street.build(12, 28));
afterAll(() => street.remove());

const forecast = (aggregates = street.aggregates, ...more: string[]) =>
  run("forecast", "--aggregates", aggregates, ...more);

describe("sealmeter forecast", () => {
  it("forecasts a day after the last sum, by the model that did best, which beats the day before", async () => {
    const { errors, model, intervals, origins, historyDays } = JSON.parse(
      (await forecast(undefined, "--json")).out,
    );
    expect([origins, historyDays]).toEqual([7, 21]);
    expect(errors.map(({ name }: { name: string }) => name)).toEqual([
      "as the day before",
      "as 7 days before",
      "smoothed by time of day",
      "smoothed by time of day and week",
    ]);
    const best = errors.find(({ name }: { name: string }) => name === model);
    expect(best.mae_Wh).toBe(Math.min(...errors.map(({ mae_Wh }: { mae_Wh: number }) => mae_Wh)));
    expect(model).toMatch(/^smoothed/);
    expect(best.mase).toBeLessThan(0.95);
    expect(intervals).toHaveLength(48);
    expect(intervals[0].start).toBe("2026-02-02T00:00:00Z");
    expect(intervals.every(({ net_Wh }: { net_Wh: number }) => Number.isSafeInteger(net_Wh))).toBe(true);
  });

  it("says so in words, and gives the same twice", async () => {
    const out = await ok("forecast", "--aggregates", street.aggregates, "--horizon", "3");
    expect(out).toContain("tried on 7 held-out days, each from 21 days before it:");
    expect(out).toMatch(/ {2}as the day before +\d+ +\d+ +\d\.\d\d\n/);
    expect(out.match(/^ {2}2026-02-02T\d\d:\d\d:00Z +-?\d+$/gm)).toHaveLength(3);
    expect(await ok("forecast", "--aggregates", street.aggregates, "--horizon", "3")).toBe(out);
  });

  it("draws the last week and the forecast, and nothing across a gap", async () => {
    const svg = street.path("forecast.svg");
    const gap = cells({ 6: "", 9: "open" }, (_, at) => at >= 2_401 && at <= 2_410);
    expect(await forecast(street.altered(street.aggregates, gap), "--svg", svg)).toMatchObject({ code: 0 });
    const drawn = readFileSync(svg, "utf8");
    expectInside(drawn);
    expect(svgElements(drawn).filter(({ name }) => name === "polyline")).toHaveLength(3);
  });

  it("begins after the last sum that there is", async () => {
    const open = cells({ 6: "", 9: "open" }, (_, at) => at > 2_688 - 20);
    const { out } = await forecast(street.altered(street.aggregates, open), "--json");
    expect(JSON.parse(out).intervals[0].start).toBe("2026-02-01T19:00:00Z");
  });

  it("does without the week's season when there are too few days for it", async () => {
    const short = street.altered(street.aggregates, (lines) => lines.slice(0, 1 + 16 * 96));
    const { errors } = JSON.parse((await forecast(short, "--json")).out);
    expect(errors).toHaveLength(3);
  });

  it.each<[string, (lines: string[]) => string[], string]>([
    ["a few days", (lines) => lines.slice(0, 200), "2 days are too few for a forecast of 1 and to try it"],
    ["many gaps", cells({ 6: "", 9: "open" }, (row) => Number(row[0]) % 3 === 0), "intervals have no value"],
    ["another file", () => ["start,interval"], "the header does not begin with interval,start"],
  ])("refuses %s with exit code 2", async (_, change, what) => {
    const { code, out, err } = await forecast(street.altered(street.aggregates, change));
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(what);
    expect(err.indexOf("\n")).toBe(err.length - 1);
  });

  it.each(["0", "1345", "x"])("refuses a horizon of %s", async (horizon) => {
    expect(await forecast(undefined, "--horizon", horizon)).toMatchObject({ code: 2, out: "" });
  });

  it("refuses more half hours than two weeks", async () => {
    const { code, err } = await forecast(undefined, "--horizon", "673");
    expect([code, err]).toEqual([2, "error: a forecast is of 1 to 672 intervals, not 673\n"]);
  });
});

describe("the smoothing models", () => {
  const [, , daily, weekly] = forecastModels(2);

  it("follow a level, and a week that repeats", () => {
    const level = Array.from({ length: 60 }, (_, at) => (at % 2 === 0 ? 100 : -50) + ((at * 7) % 5));
    const [first = 0, second = 0] = daily?.forecast(level, 2) ?? [];
    expect(Math.abs(first - 102)).toBeLessThan(5);
    expect(Math.abs(second + 48)).toBeLessThan(5);
    const week = Array.from({ length: 84 }, (_, at) => ((at >> 1) % 7) * 100 + ((at * 7) % 5));
    const next = weekly?.forecast(week, 14) ?? [];
    next.forEach((value, at) => {
      expect(Math.abs(value - (at >> 1) * 100)).toBeLessThan(60);
    });
  });

  it("continue what has no model by its last value", () => {
    expect(daily?.forecast(new Array<number>(40).fill(7), 3).map(Math.round)).toEqual([7, 7, 7]);
    for (const value of weekly?.forecast(new Array<number>(84).fill(0), 2) ?? [1])
      expect(value).toBeCloseTo(0, 6);
  });
});
