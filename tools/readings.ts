// sealmeter readings: the customer's readings, after the whole check.
import type { Command } from "commander";
import type { CheckedMeter } from "../src/customer/check.js";
import { print, table, utc } from "./command-line.js";
import { type CheckSources, checkDirectory } from "./meter-directory.js";

interface Options extends CheckSources {
  readonly csv?: boolean;
  readonly json?: boolean;
}

export function addReadings(program: Command): void {
  program
    .command("readings")
    .description("as the customer: the readings in clear, after the whole check")
    .argument("<meterdir>", "the meter's folder")
    .requiredOption("--key <file>", "the customer's file")
    .option("--authority <file>", "the authority's public key (default: authority.pub beside <meterdir>)")
    .option("--csv", "print comma-separated values")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter readings out/home/SM-0001 --key out/home/customer/SM-0001.json --csv",
    )
    .action(runReadings);
}

/** One row an interval: start, interval, status, sealed or not, and the channels' readings. */
function rowsOf({ certificate, batches, provisional }: CheckedMeter) {
  const sealed = batches.flatMap(({ intervals }) => intervals.map((opened) => ({ ...opened, sealed: true })));
  const open = provisional.map((opened) => ({ ...opened, sealed: false }));
  return [...sealed, ...open]
    .sort((a, b) => a.interval - b.interval)
    .map(({ interval, status, readings, sealed }) => ({
      start: utc(interval * certificate.intervalSeconds),
      interval,
      status,
      sealed,
      readings,
    }));
}

function runReadings(directory: string, options: Options): void {
  const checked = checkDirectory(directory, options);
  const { channels } = checked.certificate;
  const rows = rowsOf(checked);
  const cells = rows.map(({ start, interval, status, sealed, readings }) => [
    start,
    `${interval}`,
    `${status}`,
    sealed ? "sealed" : "provisional",
    ...readings.map(String),
  ]);
  const header = ["start", "interval", "status", "state", ...channels];
  const lines = options.csv ? [header, ...cells].map((row) => row.join(",")) : table([header, ...cells]);
  print(options.json, { meterId: checked.certificate.meterId, channels, readings: rows }, lines);
}
