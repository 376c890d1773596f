import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/seeded.js";
import {
  byTimeOfDay,
  type ForecastModel,
  forecastSeries,
  HISTORY_DAYS_MAX,
  seasonalNaive,
} from "../../src/aggregation/forecast.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";

const PER_DAY = 48;
const terms = { perDay: PER_DAY, horizon: PER_DAY };
const naive = [seasonalNaive(PER_DAY, 1), seasonalNaive(PER_DAY, 7)];
const series = (days: number, value: (day: number, slot: number) => number) =>
  Array.from({ length: days * PER_DAY }, (_, at) => value(Math.floor(at / PER_DAY), at % PER_DAY));

describe("the seasonal naive forecast", () => {
  it("is the last day, or the last week, again and again", () => {
    const week = series(7, (day, slot) => 100 * day + slot);
    expect(seasonalNaive(PER_DAY, 1).forecast(week, 50)).toEqual([
      ...week.slice(-PER_DAY),
      ...week.slice(-PER_DAY, -PER_DAY + 2),
    ]);
    expect(seasonalNaive(PER_DAY, 7).forecast(week, 3)).toEqual([0, 1, 2]);
  });
});

describe("smoothing by time of day", () => {
  it("hands each time of the day its own days, and puts their forecasts in order", () => {
    const seen: number[][] = [];
    const model = byTimeOfDay("seen", 2, 1, (daily, days) => {
      seen.push([...daily]);
      return Array.from({ length: days }, (_, day) => (daily.at(-1) ?? 0) + 10 * (day + 1));
    });
    expect(model.forecast([1, 2, 3, 4], 3)).toEqual([13, 14, 23]);
    expect(seen).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });
});

describe("the trial on held-out days", () => {
  it("chooses the week where weeks repeat and days do not", () => {
    const weekly = series(35, (day, slot) => slot + 50 * (day % 7));
    const { model, errors, forecast_Wh, origins } = forecastSeries(weekly, naive, terms);
    expect(model).toBe("as 7 days before");
    expect(errors[1]).toMatchObject({ mae_Wh: 0, rmse_Wh: 0, mase: 0 });
    // Six steps up of 50 a week and one down of 300: the mean is 600 / 7.
    expect(errors[0]?.mae_Wh).toBeCloseTo(600 / 7, -1);
    expect(forecast_Wh).toEqual(weekly.slice(0, PER_DAY));
    expect(origins).toBe(8);
  });

  it("tells mean absolute error, root mean square and scaled error as they are defined", () => {
    // One more each day: the naive forecast is 1 too small, which is its error within history too.
    const rising = series(16, (day) => day);
    const [errors] = forecastSeries(rising, naive.slice(0, 1), terms).errors;
    expect(errors).toEqual({ name: "as the day before", mae_Wh: 1, rmse_Wh: 1, mase: 1 });
  });

  it("has no scale where the naive forecast makes no error", () => {
    const [errors] = forecastSeries(
      series(14, (_, slot) => slot),
      naive,
      terms,
    ).errors;
    expect(errors).toMatchObject({ mae_Wh: 0, mase: null });
  });

  it("never shows a model what it is to forecast", () => {
    const days = 40;
    const numbered = series(days, (day, slot) => day * PER_DAY + slot);
    const ends: number[] = [];
    const spy: ForecastModel = {
      name: "spy",
      days_min: 1,
      forecast: (history_Wh, horizon) => {
        ends.push(history_Wh.at(-1) ?? 0);
        expect(history_Wh.length % PER_DAY).toBe(0);
        expect(history_Wh.length).toBeLessThanOrEqual(HISTORY_DAYS_MAX * PER_DAY);
        return new Array<number>(horizon).fill(0);
      },
    };
    const { origins } = forecastSeries(numbered, [spy], { perDay: PER_DAY, horizon: 2 * PER_DAY });
    const expected = Array.from({ length: origins }, (_, at) => (days - 1 - origins + at) * PER_DAY - 1);
    expect(ends).toEqual([...expected, days * PER_DAY - 1]);
  });

  it("leaves out models that need more days than there are", () => {
    const short = forecastSeries(
      series(8, (day) => day),
      naive,
      terms,
    );
    expect(short.errors.map(({ name }) => name)).toEqual(["as the day before"]);
  });

  it("takes a missing value from the day before in a history, and counts no error of it", () => {
    const random = new SeededRandom(1, "gaps");
    const whole = series(28, (_, slot) => 100 + slot);
    const holed = whole.map((value) => (random.below(10) === 0 ? null : value));
    const { errors, missing, forecast_Wh } = forecastSeries(holed, naive, terms);
    expect(missing).toBe(holed.filter((value) => value === null).length);
    expect(errors.map(({ mae_Wh }) => mae_Wh)).toEqual([0, 0]);
    expect(forecast_Wh).toEqual(whole.slice(0, PER_DAY));
  });
});

describe("a series is refused", () => {
  it("if it is too short", () => {
    expect(() =>
      forecastSeries(
        series(3, () => 1),
        naive,
        terms,
      ),
    ).toThrow(new FormatError("3 days are too few for a forecast of 1 and to try it"));
    expect(() => forecastSeries([], naive, terms)).toThrow(FormatError);
  });

  it("if more than a fifth is missing, or all of the days held out", () => {
    const holed = series(28, () => 1).map((value, at) => (at % 4 === 0 ? null : value));
    expect(() => forecastSeries(holed, naive, terms)).toThrow("336 of the last 1344 intervals have no value");
    const ended = series(80, () => 1).map((value, at) => (at >= 66 * PER_DAY ? null : value));
    expect(() => forecastSeries(ended, naive, terms)).toThrow("no interval of the days held out has a value");
  });

  it("if it is longer than 13 months", () => {
    expect(() => forecastSeries(new Array<number>(396 * 96 + 1).fill(0), naive, terms)).toThrow(FormatError);
  });

  it.each([0, -1, 0.5, 14 * PER_DAY + 1])("for %d intervals", (horizon) => {
    expect(() =>
      forecastSeries(
        series(28, () => 1),
        naive,
        { perDay: PER_DAY, horizon },
      ),
    ).toThrow(RangeError);
  });
});
