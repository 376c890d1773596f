// Forecasts of a street's sum, and how good they have been: every model is tried on the last days as if they were
// not known yet (rolling origin; Tashman, Int. J. Forecasting 16, 2000), against the seasonal naive forecast, which
// says that tomorrow is as today or as a week ago. The mathematics of smoothing are a library's and come in from
// outside; this never touches one.

import { FormatError } from "../trusted/encoding/bytes.js";
import { INTERVALS_MAX } from "./losses.js";
import { mean } from "./step-test.js";

/** Days of history that a model is given, at most: eight weeks, so that a season of the year weighs little. */
export const HISTORY_DAYS_MAX = 56;
/** Days on which models are tried, at most. */
export const HELD_OUT_DAYS_MAX = 14;
/** Two weeks ahead, no further. */
export const HORIZON_DAYS_MAX = 14;
/** A series with more missing is no basis. */
const MISSING_SHARE_MAX = 0.2;

export interface ForecastModel {
  readonly name: string;
  /** Whole days of history that it needs. */
  readonly days_min: number;
  /**
   * @param history_Wh whole days without gaps, at least `days_min`, the newest value last.
   * @param horizon how many values, 1 or more.
   */
  readonly forecast: (history_Wh: readonly number[], horizon: number) => readonly number[];
}

/** Continues one value a day by so many days: what a library of exponential smoothing is asked for. */
export type Smoother = (daily: readonly number[], days: number) => readonly number[];

/** The last season again and again. @param days of a season: 1 or 7. */
export function seasonalNaive(perDay: number, days: number): ForecastModel {
  const season = perDay * days;
  return {
    name: days === 1 ? "as the day before" : `as ${days} days before`,
    days_min: days,
    forecast: (history_Wh, horizon) =>
      Array.from({ length: horizon }, (_, at) => history_Wh[history_Wh.length - season + (at % season)] ?? 0),
  };
}

/**
 * Smooths each time of the day by itself: as many series as a day has intervals, one value a day each. So the
 * season of a day is exact by construction, and the smoother sees only days (the multiple-equation approach of
 * Ramanathan et al., Int. J. Forecasting 13, 1997).
 */
export function byTimeOfDay(name: string, perDay: number, days_min: number, smooth: Smoother): ForecastModel {
  return {
    name,
    days_min,
    forecast: (history_Wh, horizon) => {
      const days = Math.ceil(horizon / perDay);
      const slots = Array.from({ length: perDay }, (_, slot) =>
        smooth(
          history_Wh.filter((_value, at) => at % perDay === slot),
          days,
        ),
      );
      return Array.from({ length: horizon }, (_, at) => slots[at % perDay]?.[Math.floor(at / perDay)] ?? 0);
    },
  };
}

export interface ModelErrors {
  readonly name: string;
  /** Mean absolute error and root of the mean square, Wh an interval. */
  readonly mae_Wh: number;
  readonly rmse_Wh: number;
  /**
   * Mean absolute error over that of the naive daily forecast, one day ahead, within the history of each origin
   * (Hyndman & Koehler, Int. J. Forecasting 22, 2006). Below 1 is better than that; null if that makes no error.
   */
  readonly mase: number | null;
}

export interface Forecast {
  /** The model whose mean absolute error was least. */
  readonly model: string;
  readonly forecast_Wh: readonly number[];
  /** All models that there was history enough for, in the order given. */
  readonly errors: readonly ModelErrors[];
  /** Origins, a day apart, from which every model forecast `horizon` intervals. */
  readonly origins: number;
  readonly historyDays: number;
  /** Intervals of the series without a value. In a history they are taken from another day; no error counts them. */
  readonly missing: number;
}

/**
 * Tries all models on up to 14 held-out days, and forecasts with the best.
 * @param net_Wh the series, null where there is no value; the forecast begins after its end.
 * @param perDay intervals a day, 48 or 96.
 * @param horizon 1 to 14 days of intervals.
 * @throws FormatError if the series is longer than 13 months, more than a fifth of its last weeks or all of the days
 *   held out is missing, or it is too short for a model and one origin; RangeError for another horizon.
 */
export function forecastSeries(
  net_Wh: readonly (number | null)[],
  models: readonly ForecastModel[],
  { perDay, horizon }: { readonly perDay: number; readonly horizon: number },
): Forecast {
  if (!Number.isInteger(horizon) || horizon < 1 || horizon > HORIZON_DAYS_MAX * perDay) {
    throw new RangeError(`a forecast is of 1 to ${HORIZON_DAYS_MAX * perDay} intervals, not ${horizon}`);
  }
  if (net_Wh.length > INTERVALS_MAX)
    throw new FormatError(`${net_Wh.length} intervals are more than ${INTERVALS_MAX}`);
  const horizonDays = Math.ceil(horizon / perDay);
  const days = Math.floor(net_Wh.length / perDay);
  const leastDays = Math.min(...models.map(({ days_min }) => days_min));
  // A quarter of what is there, at most, is held out, so that four weeks leave three for a week's season.
  const origins = Math.min(HELD_OUT_DAYS_MAX, Math.floor(days / 4));
  const historyDays = Math.min(HISTORY_DAYS_MAX, days - horizonDays - origins + 1);
  if (origins < 1 || historyDays < Math.max(2, leastDays)) {
    throw new FormatError(`${days} days are too few for a forecast of ${horizonDays} and to try it`);
  }
  const used = net_Wh.slice(-perDay * (historyDays + origins + horizonDays - 1));
  const missing = used.filter((value) => value === null).length;
  if (missing > MISSING_SHARE_MAX * used.length) {
    throw new FormatError(`${missing} of the last ${used.length} intervals have no value`);
  }
  const whole = fillGaps(used, perDay);
  const able = models.filter(({ days_min }) => days_min <= historyDays);
  const errors = able.map((model) => errorsOf(model, used, whole, { perDay, horizon, origins, historyDays }));
  const best = able.reduce(
    (top, model, at) =>
      (errors[at]?.mae_Wh ?? 0) < top.mae_Wh ? { model, mae_Wh: errors[at]?.mae_Wh ?? 0 } : top,
    { model: able[0] as ForecastModel, mae_Wh: Number.POSITIVE_INFINITY },
  );
  const latest = best.model.forecast(whole.slice(-historyDays * perDay), horizon);
  // Of -0.3 Math.round makes -0.
  const forecast_Wh = latest.map((value) => Math.round(value) + 0);
  return { model: best.model.name, forecast_Wh, errors, origins, historyDays, missing };
}

/** A missing value is that of the same time on the day before; on the first days, of the first day that has one. */
function fillGaps(values: readonly (number | null)[], perDay: number): readonly number[] {
  const filled: number[] = [];
  for (const [at, value] of values.entries())
    filled.push(value ?? filled[at - perDay] ?? laterDay(values, at, perDay));
  return filled;
}

function laterDay(values: readonly (number | null)[], from: number, perDay: number): number {
  for (let at = from; at < values.length; at += perDay) {
    const value = values[at] ?? null;
    if (value !== null) return value;
  }
  return 0;
}

function errorsOf(
  model: ForecastModel,
  known: readonly (number | null)[],
  whole: readonly number[],
  { perDay, horizon, origins, historyDays }: Record<"perDay" | "horizon" | "origins" | "historyDays", number>,
): ModelErrors {
  const absolute: number[] = [];
  const scaled: number[] = [];
  const horizonDays = Math.ceil(horizon / perDay);
  for (let late = origins - 1; late >= 0; late--) {
    const origin = whole.length - (horizonDays + late) * perDay;
    const history = whole.slice(origin - historyDays * perDay, origin);
    const naive = mean(history.slice(perDay).map((value, at) => Math.abs(value - (history[at] as number))));
    for (const [at, value] of model.forecast(history, horizon).entries()) {
      const actual = known[origin + at] ?? null;
      if (actual === null) continue;
      absolute.push(Math.abs(value - actual));
      scaled.push(Math.abs(value - actual) / naive);
    }
  }
  if (absolute.length === 0) throw new FormatError("no interval of the days held out has a value");
  const mase = mean(scaled);
  return {
    name: model.name,
    mae_Wh: mean(absolute),
    rmse_Wh: Math.sqrt(mean(absolute.map((error) => error * error))),
    mase: Number.isFinite(mase) ? mase : null,
  };
}
