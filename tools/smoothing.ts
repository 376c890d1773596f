// Exponential smoothing by augurs (WebAssembly, from Rust; a port of statsforecast's AutoETS, and MSTL). Its ETS has no
// seasons of its own: the season of the day is taken care of by smoothing each time of the day by itself, that of
// the week by STL before. That is not Holt-Winters, whose level follows every interval: no npm library that is kept
// does the additive seasonal one.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { AutoETS, initSync as startEts } from "@bsull/augurs/ets";
import { MSTL, initSync as startMstl } from "@bsull/augurs/mstl";
import {
  byTimeOfDay,
  type ForecastModel,
  type Smoother,
  seasonalNaive,
} from "../src/aggregation/forecast.js";

/** Additive errors, a trend or none, no season: values may be negative where a street feeds in. */
const ETS_FORM = "AZN";
const ETS_DAYS_MIN = 10;
const WEEK_DAYS = 7;
/** STL needs two seasons and no less; with three it has something to smooth. */
const STL_DAYS_MIN = 3 * WEEK_DAYS;

let isStarted = false;

function start(): void {
  if (isStarted) return;
  const { resolve } = createRequire(import.meta.url);
  const code = (name: string) => readFileSync(resolve(`@bsull/augurs/${name}`).replace(/\.js$/, "_bg.wasm"));
  startEts({ module: code("ets") });
  startMstl({ module: code("mstl") });
  isStarted = true;
}

interface Fitting {
  fit(values: number[]): void;
  predict(days: number): { readonly point: number[] };
  free(): void;
}

/** Where the library finds no model, as for a constant, the last value stands. */
const smoother =
  (make: () => Fitting): Smoother =>
  (daily, days) => {
    start();
    const model = make();
    try {
      model.fit([...daily]);
      const { point } = model.predict(days);
      if (point.every(Number.isFinite)) return point;
    } catch {
      // It throws text, and says no more than that it found nothing.
    } finally {
      model.free();
    }
    return new Array<number>(days).fill(daily.at(-1) ?? 0);
  };

/** All models that are tried, the naive ones first. @param perDay intervals a day. */
export const forecastModels = (perDay: number): readonly ForecastModel[] => [
  seasonalNaive(perDay, 1),
  seasonalNaive(perDay, WEEK_DAYS),
  byTimeOfDay(
    "smoothed by time of day",
    perDay,
    ETS_DAYS_MIN,
    smoother(() => new AutoETS(1, ETS_FORM)),
  ),
  byTimeOfDay(
    "smoothed by time of day and week",
    perDay,
    STL_DAYS_MIN,
    smoother(() => MSTL.ets([WEEK_DAYS])),
  ),
];
