// The command line: one command a file, all of them listed here.
import { Command, CommanderError } from "commander";
import { addAccumulator } from "./accumulator.js";
import { addAccuracy } from "./accuracy.js";
import { addAggregate } from "./aggregate.js";
import { addBench } from "./bench.js";
import { addBenchAggregation } from "./bench-aggregation.js";
import { addBenchBills } from "./bench-bills.js";
import { addBenchProofs } from "./bench-proofs.js";
import { addBill } from "./bill.js";
import { addCalibrate } from "./calibrate.js";
import { addCheck } from "./check.js";
import { addCommand } from "./command.js";
import { report, UsageError } from "./command-line.js";
import { addDisclose } from "./disclose.js";
import { addFirmwareBuild } from "./firmware-build.js";
import { addFirmwareCheck } from "./firmware-check.js";
import { addFirmwareProvision } from "./firmware-provision.js";
import { addForecast } from "./forecast.js";
import { addFuzz } from "./fuzz.js";
import { addGateway } from "./gateway.js";
import { addLosses } from "./losses.js";
import { addLossesTrial } from "./losses-trial.js";
import { addMeter } from "./meter.js";
import { addProvision } from "./provision.js";
import { addReadings } from "./readings.js";
import { addRv32 } from "./rv32.js";
import { addSimulate } from "./simulate.js";
import { addSoak } from "./soak.js";
import { addStart } from "./start.js";
import { addStreet } from "./street.js";
import { addTariff } from "./tariff.js";
import { addTorture } from "./torture.js";
import { addVerifyBill } from "./verify-bill.js";
import { addVerifyBills } from "./verify-bills.js";
import { addVerifyReading } from "./verify-reading.js";
import { addXs } from "./xs.js";

const COMMANDS = [
  addStart,
  addSimulate,
  addMeter,
  addStreet,
  addSoak,
  addCheck,
  addReadings,
  addGateway,
  addDisclose,
  addVerifyReading,
  addTariff,
  addBill,
  addVerifyBill,
  addVerifyBills,
  addAggregate,
  addLosses,
  addForecast,
  addLossesTrial,
  addProvision,
  addCommand,
  addBench,
  addBenchAggregation,
  addBenchBills,
  addBenchProofs,
  addFuzz,
  addTorture,
  addXs,
  addRv32,
  addAccumulator,
  addAccuracy,
  addCalibrate,
  addFirmwareBuild,
  addFirmwareProvision,
  addFirmwareCheck,
];

/** All commands with their options; errors of use are thrown and not printed. */
export function makeProgram(): Command {
  const program = new Command("sealmeter")
    .description("A smart meter that never reveals its readings, and that anyone can check")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText("after", "\nExample:\n  $ sealmeter simulate --out out/home --days 31");
  for (const add of COMMANDS) add(program);
  return program;
}

/**
 * Runs one command line and sets the exit code of the process; nothing is thrown. An error is one line on
 * standard error, and with --json also the one JSON value on standard output.
 * @param argv as `process.argv`: the first two are skipped.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const isJson = argv.includes("--json");
  try {
    await makeProgram().parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) process.exitCode = report(error, isJson);
    else if (error.exitCode !== 0) process.exitCode = report(new UsageError(wordsOf(error)), isJson);
  }
}

/** Commander's errors begin with "error: " and may suggest on a second line; of bare help it has none. */
function wordsOf({ code, message }: CommanderError): string {
  if (code === "commander.help") return "a command is missing";
  return `${message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ")} (--help tells the options)`;
}
