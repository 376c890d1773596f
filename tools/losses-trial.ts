// sealmeter losses-trial: how often the loss test is right, counted on synthetic streets with and without a bypass.
import { join } from "node:path";
import type { Command } from "commander";
import { intervalReadings } from "../host-sim/feeder.js";
import { Neighbourhood } from "../host-sim/neighbourhood.js";
import { EXPORT_OBIS, IMPORT_OBIS } from "../host-sim/trace.js";
import { estimateLosses, FALSE_ALARM } from "../src/aggregation/losses.js";
import { calendarDate, print, progressBar, table, utc, wholeNumber, writeFile } from "./command-line.js";
import { assertNew, createDirectory } from "./meter-directory.js";

interface Options {
  readonly seeds: number;
  readonly members: number;
  readonly days: number;
  readonly from: string;
  readonly out?: string;
  readonly json?: boolean;
}

const INTERVAL_SECONDS = 1_800;
/** A bypass begins after this part of the days, in the forenoon. */
const [BEGINS_AT, BEGINS_HOUR] = [0.6, 10.5];
/** From so many W on nothing but the car draws. */
const CAR_W = 3_000;

/** What is tried: a share of the load past the meter, always or only of the car. */
const KINDS: readonly { readonly name: string; readonly share_percent: number; readonly above_W: number }[] =
  [
    { name: "none", share_percent: 0, above_W: 0 },
    { name: "a quarter", share_percent: 25, above_W: 0 },
    { name: "half", share_percent: 50, above_W: 0 },
    { name: "all", share_percent: 100, above_W: 0 },
    { name: "the car", share_percent: 100, above_W: CAR_W },
  ];

export function addLossesTrial(program: Command): void {
  program
    .command("losses-trial")
    .description("count false alarms and found bypasses of 'losses' on synthetic streets")
    .option("--seeds <n>", "streets of each kind", wholeNumber(1, 10_000), 50)
    .option("--members <n>", "households of a street", wholeNumber(2, 128), 40)
    .option("--days <n>", "days that are compared", wholeNumber(14, 396), 28)
    .option("--from <date>", "first day", calendarDate, "2026-01-05")
    .option(
      "--out <dir>",
      "new folder for a street with half a household's load bypassed: aggregates.csv, feeder.csv",
    )
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter losses-trial --seeds 100 --days 60 --out out/street")
    .action(runTrial);
}

const beginningOf = ({ start_s }: Neighbourhood, days: number) =>
  start_s + Math.floor(BEGINS_AT * days) * 86_400 + BEGINS_HOUR * 3_600;

/** The value below which a share of them lies; null of none. */
function percentile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}

function tryKind(
  place: Neighbourhood,
  { name, share_percent, above_W }: (typeof KINDS)[number],
  options: Options,
) {
  const from_s = beginningOf(place, options.days);
  const bypass = share_percent > 0 ? { from_s, share_percent, above_W } : undefined;
  const began = from_s / INTERVAL_SECONDS;
  const after = options.days * 48 - (began - place.start_s / INTERVAL_SECONDS);
  const [sizes_W, errors_h, smallest_W]: [number[], number[], number[]] = [[], [], []];
  let [found, inRange] = [0, 0];
  // Streets without and with a bypass are different ones.
  const offset = KINDS.findIndex((kind) => kind.name === name) * 1_000_000;
  for (let seed = 1; seed <= options.seeds; seed++) {
    const { comparison, taken_Wh } = place.street(offset + seed, bypass);
    const estimate = estimateLosses(comparison);
    const { step } = estimate;
    sizes_W.push((2 * taken_Wh.reduce((sum, Wh) => sum + Wh, 0)) / after);
    smallest_W.push(estimate.smallestStep_W ?? 0);
    if (step === null || (bypass !== undefined && step.direction === "fall")) continue;
    found++;
    errors_h.push(Math.abs(step.interval - began) / 2);
    if (step.interval_min <= began && began <= step.interval_max) inRange++;
  }
  return {
    bypassed: name,
    streets: options.seeds,
    found,
    size_W: percentile(sizes_W, 0.5),
    smallestStep_W: percentile(smallest_W, 0.5),
    error_h_median: percentile(errors_h, 0.5),
    error_h_90: percentile(errors_h, 0.9),
    inRange,
  };
}

function runTrial(options: Options): void {
  const { out, seeds, members, days } = options;
  if (out !== undefined) assertNew(out);
  const bar = progressBar("streets");
  const start_s = Date.parse(`${options.from}T00:00:00Z`) / 1_000;
  const place = new Neighbourhood({ members, days, start_s, intervalSeconds: INTERVAL_SECONDS });
  const rows = KINDS.map((kind, at) => {
    bar.update(at, KINDS.length);
    return tryKind(place, kind, options);
  });
  bar.stop();
  if (out !== undefined) createDirectory(out, (folder) => writeStreet(folder, place, days));
  const shown = (value: number | null, digits = 0) => (value === null ? "-" : value.toFixed(digits));
  print(options.json, { seeds, members, days, from: options.from, falseAlarm: FALSE_ALARM, rows }, [
    `${seeds} streets of ${members} households over ${days} days from ${options.from}, each kind`,
    ...table([
      ["bypassed", "median W", "found", "beginning off by h: median", "90 %", "within the range told"],
      ...rows.map((row) => [
        row.bypassed,
        shown(row.size_W),
        `${row.found}`,
        shown(row.error_h_median, 1),
        shown(row.error_h_90, 1),
        `${row.inRange}`,
      ]),
    ]),
    `a steady step halfway through of ${shown(rows[0]?.smallestStep_W ?? null)} W should be found nine times in ten`,
  ]);
}

/** The files that `sealmeter losses` reads, of a street in which half of a household's load is bypassed. */
function writeStreet(folder: string, place: Neighbourhood, days: number): void {
  const { feeder, metered } = place.street(1, {
    from_s: beginningOf(place, days),
    share_percent: 50,
    above_W: 0,
  });
  const first = place.start_s / INTERVAL_SECONDS;
  const start = (at: number) => utc((first + at) * INTERVAL_SECONDS);
  const readings = intervalReadings(feeder, INTERVAL_SECONDS);
  const meters = metered.map((trace) => intervalReadings(trace, INTERVAL_SECONDS));
  const sums = readings.flatMap((_, at) =>
    [IMPORT_OBIS, EXPORT_OBIS].map((channel, k) => {
      const sum = meters.reduce((total, own) => total + (own[at]?.[k] ?? 0), 0);
      const mean = (sum / meters.length).toFixed(1);
      return `${first + at},${start(at)},${channel},STREET-1,1,${meters.length},${sum},${mean},,verified`;
    }),
  );
  const header = "interval,start,channel,group,roster,members,sum_Wh,mean_Wh,deviation_Wh,state";
  writeFile(join(folder, "aggregates.csv"), `${[header, ...sums].join("\n")}\n`);
  const rows = readings.map((reading, at) =>
    [start(at), first + at, 0, "sealed", ...(reading ?? [])].join(","),
  );
  writeFile(
    join(folder, "feeder.csv"),
    `${[`start,interval,status,state,${IMPORT_OBIS},${EXPORT_OBIS}`, ...rows].join("\n")}\n`,
  );
}
