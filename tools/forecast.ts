// sealmeter forecast: a street's sum of the coming day, and how good such forecasts were on the days before.
import type { Command } from "commander";
import { forecastSeries, HORIZON_DAYS_MAX } from "../src/aggregation/forecast.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { kWh, print, progressBar, table, utc, wholeNumber, writeFile } from "./command-line.js";
import { drawForecast } from "./forecast-picture.js";
import { readStreetSums } from "./interval-series.js";
import { forecastModels } from "./smoothing.js";

interface Options {
  readonly aggregates: string;
  readonly horizon?: number;
  readonly unverified?: boolean;
  readonly svg?: string;
  readonly json?: boolean;
}

const HELP = `
The forecast is of import less export. Four models are tried on up to 14 days that are held out, and the best
forecasts: the day before, the week before, and exponential smoothing (ETS) of each time of the day by itself, with
and without a week's season (STL). It is not Holt-Winters, which no kept library for this platform does.

Example:
  $ sealmeter forecast --aggregates street.csv --horizon 48 --svg tomorrow.svg`;

export function addForecast(program: Command): void {
  program
    .command("forecast")
    .description("as the aggregator: forecast a street's sum, and tell how good forecasts have been")
    .requiredOption("--aggregates <file>", "sums of the street, CSV of 'sealmeter aggregate'")
    .option("--horizon <n>", "intervals to forecast (default: a day)", wholeNumber(1, HORIZON_DAYS_MAX * 96))
    .option("--unverified", "take every sum, also unverified and repaired ones")
    .option("--svg <file>", "draw the last days and the forecast")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(runForecast);
}

function runForecast(options: Options): void {
  const street = readStreetSums(options.aggregates, options.unverified === true);
  const { intervalSeconds, firstInterval, net_Wh } = street;
  const perDay = DAY_SECONDS / intervalSeconds;
  let length = net_Wh.length;
  while (length > 0 && net_Wh[length - 1] === null) length--;
  const known = net_Wh.slice(0, length);
  const bar = progressBar("models");
  const result = forecastSeries(known, forecastModels(perDay), {
    perDay,
    horizon: options.horizon ?? perDay,
  });
  bar.stop();
  const start = (at: number) => utc((firstInterval + known.length + at) * intervalSeconds);
  if (options.svg !== undefined) {
    const from_s = (firstInterval + known.length) * intervalSeconds;
    writeFile(options.svg, drawForecast({ known, forecast: result, from_s, intervalSeconds }));
  }
  const { model, forecast_Wh, errors, origins, historyDays, missing } = result;
  const intervals = forecast_Wh.map((net, at) => ({ start: start(at), net_Wh: net }));
  print(
    options.json,
    { groups: street.groups, intervalSeconds, ...result, forecast_Wh: undefined, intervals },
    [
      `${street.groups.join(", ")}: ${known.length} intervals, ${missing} of those used have no sum`,
      `tried on ${origins} held-out days, each from ${historyDays} days before it:`,
      ...table([
        ["  model", "MAE Wh", "RMSE Wh", "MASE"],
        ...errors.map(({ name, mae_Wh, rmse_Wh, mase }) => [
          `  ${name}`,
          mae_Wh.toFixed(0),
          rmse_Wh.toFixed(0),
          mase === null ? "-" : mase.toFixed(2),
        ]),
      ]),
      `forecast (${model}), ${kWh(forecast_Wh.reduce((sum, Wh) => sum + Wh, 0))} kWh in all:`,
      ...table([
        ["  start", "net Wh"],
        ...intervals.map((interval) => [`  ${interval.start}`, `${interval.net_Wh}`]),
      ]),
    ],
  );
}
