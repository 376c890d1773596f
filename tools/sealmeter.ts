// The command line: one command a file, all of them listed here.
import { Command, CommanderError } from "commander";
import { addBench } from "./bench.js";
import { addBill } from "./bill.js";
import { addCheck } from "./check.js";
import { ExitCode, report } from "./command-line.js";
import { addDisclose } from "./disclose.js";
import { addReadings } from "./readings.js";
import { addSimulate } from "./simulate.js";
import { addStart } from "./start.js";
import { addTariff } from "./tariff.js";
import { addVerifyBill } from "./verify-bill.js";
import { addVerifyReading } from "./verify-reading.js";

const COMMANDS = [
  addStart,
  addSimulate,
  addCheck,
  addReadings,
  addDisclose,
  addVerifyReading,
  addTariff,
  addBill,
  addVerifyBill,
  addBench,
];

/** Runs one command line and sets the exit code of the process; nothing is thrown. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("sealmeter")
    .description("A smart meter that never reveals its readings, and that anyone can check")
    .exitOverride()
    .showHelpAfterError("(add --help for the options)");
  for (const add of COMMANDS) add(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError)
      process.exitCode = error.exitCode === 0 ? ExitCode.OK : ExitCode.BAD_INPUT;
    else process.exitCode = report(error);
  }
}
