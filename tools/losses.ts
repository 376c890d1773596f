// sealmeter losses: what is lost between a feeder's meter and the street behind it, and whether it steps up.
import type { Command } from "commander";
import { estimateLosses, type LossEstimate } from "../src/aggregation/losses.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";
import { ExitCode, kWh, print, table, utc, wholeNumber, writeFile } from "./command-line.js";
import { type IntervalSeries, readFeeder, readStreetSums, type StreetSums } from "./interval-series.js";
import { drawLosses } from "./loss-picture.js";

interface Options {
  readonly aggregates: string;
  readonly feeder: string;
  readonly unverified?: boolean;
  readonly maxNoLoad?: number;
  readonly svg?: string;
  readonly json?: boolean;
}

/** Iron loss of a 250 kVA transformer (Regulation (EU) 548/2014), and a meter's own 2 W a phase (IEC 62053-21). */
const [TRANSFORMER_W, METER_W] = [300, 6];
/** Changes of the street that are listed. */
const CHANGES_MAX = 20;

const HELP = `
Exit code 0: no step; 1: the loss steps up or down for good; 2: bad input.
The feeder's readings are what 'sealmeter readings --csv' prints. Intervals in which a group's sum or the feeder's
reading is missing are not compared. Repaired sums leave members out, whose energy then looks lost.

Example:
  $ sealmeter losses --aggregates street.csv --feeder feeder.csv --svg losses.svg`;

export function addLosses(program: Command): void {
  program
    .command("losses")
    .description(
      "as the aggregator: technical loss of a street, and whether somebody begins to bypass a meter",
    )
    .requiredOption("--aggregates <file>", "sums of the street, CSV of 'sealmeter aggregate'")
    .requiredOption("--feeder <file>", "readings of the feeder's meter, CSV of 'sealmeter readings'")
    .option("--unverified", "take every sum, also unverified and repaired ones, and provisional readings")
    .option(
      "--max-no-load <W>",
      "no-load loss that is plausible (default: 300 and 6 a member)",
      wholeNumber(0, 1e6),
    )
    .option("--svg <file>", "draw feeder, street and loss")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(runLosses);
}

/** Both series over the intervals that both files span. */
interface Overlap {
  readonly intervalSeconds: number;
  readonly firstInterval: number;
  readonly feeder_Wh: readonly (number | null)[];
  readonly street_Wh: readonly (number | null)[];
  readonly members: readonly (number | null)[];
}

/** @throws FormatError unless the two measure the same, at the same pace, in some common time. */
function overlapOf(feeder: IntervalSeries, street: StreetSums): Overlap {
  const { intervalSeconds } = feeder;
  if (intervalSeconds !== street.intervalSeconds) {
    throw new FormatError(
      `the feeder has intervals of ${intervalSeconds} s, the street of ${street.intervalSeconds} s`,
    );
  }
  if (feeder.hasExport !== street.hasExport) {
    throw new FormatError(
      `only the ${feeder.hasExport ? "feeder" : "street"} measures export: no loss follows`,
    );
  }
  const first = Math.max(feeder.firstInterval, street.firstInterval);
  const end = Math.min(...[feeder, street].map(({ firstInterval, net_Wh }) => firstInterval + net_Wh.length));
  if (end <= first) throw new FormatError("feeder and street have no time in common");
  const cut = <T>(values: readonly T[], from: number) => values.slice(first - from, end - from);
  return {
    intervalSeconds,
    firstInterval: first,
    feeder_Wh: cut(feeder.net_Wh, feeder.firstInterval),
    street_Wh: cut(street.net_Wh, street.firstInterval),
    members: cut(street.members, street.firstInterval),
  };
}

/** The number of meters in the sums changes: the households that come or go are a step that is no bypass. */
interface MembersChange {
  readonly interval: number;
  readonly from: number;
  readonly to: number;
}

function membersChanges({ members, firstInterval }: Overlap): MembersChange[] {
  const known = members.flatMap((count, at) =>
    count === null ? [] : [{ count, interval: firstInterval + at }],
  );
  return known.flatMap(({ count, interval }, at) => {
    const before = known[at - 1]?.count ?? count;
    return before === count ? [] : [{ interval, from: before, to: count }];
  });
}

function runLosses(options: Options): void {
  const isEverySumTaken = options.unverified === true;
  const street = readStreetSums(options.aggregates, isEverySumTaken);
  const overlap = overlapOf(readFeeder(options.feeder, isEverySumTaken), street);
  const { intervalSeconds } = overlap;
  const members = overlap.members.reduce<number>((most, count) => Math.max(most, count ?? 0), 0);
  const noLoadLimit_W = options.maxNoLoad ?? TRANSFORMER_W + METER_W * members;
  const estimate = estimateLosses(overlap, { noLoadLimit_W });
  const changes = membersChanges(overlap);
  if (options.svg !== undefined) writeFile(options.svg, drawLosses(estimate, intervalSeconds, street.groups));
  const at = (interval: number) => utc(interval * intervalSeconds);
  const result = {
    groups: street.groups,
    members,
    intervalSeconds,
    from: at(overlap.firstInterval),
    to: at(overlap.firstInterval + overlap.feeder_Wh.length),
    openRows: street.openRows,
    leftOutRows: street.leftOutRows,
    noLoadLimit_W,
    membersChanges: changes.slice(0, CHANGES_MAX),
    ...estimate,
    step: estimate.step && { ...estimate.step, start: at(estimate.step.interval) },
  };
  const lines = [
    `${street.groups.join(", ")}: ${members} meters, ${result.from} to ${result.to}`,
    `  ${estimate.compared} intervals of ${intervalSeconds} s compared, ${estimate.missing} not (a share or reading is missing)`,
    ...(street.leftOutRows > 0 ? [`  ${street.leftOutRows} sums are not verified and were left out`] : []),
    ...changes
      .slice(0, CHANGES_MAX)
      .map(
        ({ interval, from, to }) => `  from ${at(interval)} the sums are of ${to} meters instead of ${from}`,
      ),
    "",
    ...dayTable(estimate),
    "",
    ...modelLines(estimate, noLoadLimit_W),
    "",
    ...stepLines(estimate, at),
  ];
  print(options.json, result, lines);
  if (estimate.step !== null) process.exitCode = ExitCode.REFUSED;
}

function dayTable({ days }: LossEstimate): string[] {
  const rows = days.map(({ day, intervals, feeder_Wh, street_Wh, loss_Wh, explained_Wh }) => [
    utc(day * 86_400).slice(0, 10),
    `${intervals}`,
    ...[feeder_Wh, street_Wh, loss_Wh, explained_Wh, loss_Wh - explained_Wh].map(kWh),
  ]);
  return table([
    ["day", "intervals", "feeder kWh", "street kWh", "loss kWh", "explained", "not explained"],
    ...rows,
  ]);
}

function modelLines(
  { model, technical_Wh, technical_percent, isNoLoadImplausible }: LossEstimate,
  limit_W: number,
) {
  const { noLoad_W, resistive_W_per_kW2, calibration_permille } = model;
  const share =
    technical_percent === null ? "" : `, ${technical_percent.toFixed(2)} % of the feeder's energy`;
  return [
    `technical loss: ${kWh(technical_Wh)} kWh${share}`,
    `  ${noLoad_W.toFixed(0)} W without load, and ${(100 * resistive_W_per_kW2).toFixed(0)} W more at 10 kW, growing with the square`,
    `  the meters are calibrated ${calibration_permille.toFixed(2)} per mille apart, which is no loss`,
    ...(isNoLoadImplausible
      ? [
          `  more than the ${limit_W} W that transformer and meters plausibly take: something may be tapped since the start`,
        ]
      : []),
  ];
}

function stepLines(
  { step, judgedDays, smallestStep_W, tells, doesNotTell }: LossEstimate,
  at: (i: number) => string,
) {
  if (smallestStep_W === null)
    return [`not judged: ${judgedDays} days are at least half compared, and 14 are needed`];
  const limits = ["what this cannot tell:", ...doesNotTell.map((text) => `  ${text}`)];
  if (step === null) {
    return [
      `no step: over ${judgedDays} days, one halfway through of ${smallestStep_W.toFixed(0)} W would be found nine times in ten`,
      ...limits,
    ];
  }
  const { direction, interval, interval_min, interval_max, size_W, size_Wh_per_interval, energy_Wh } = step;
  const chance = step.falseAlarm.toExponential(0);
  return [
    `STEP: the loss ${direction === "rise" ? "rises" : "falls"} at ${at(interval)} (interval ${interval}) and stays so`,
    `  the beginning lies from ${at(interval_min)} to ${at(interval_max)}`,
    `  by ${size_W.toFixed(0)} W (95 %: ${step.size_W_min.toFixed(0)} to ${step.size_W_max.toFixed(0)} W), ${size_Wh_per_interval.toFixed(0)} Wh an interval, ${kWh(energy_Wh)} kWh in all`,
    `  a street without one looks like this with a chance of at most ${chance}, if days scatter independently`,
    "what follows:",
    ...tells.map((text) => `  ${text}`),
    ...limits,
  ];
}
