// sealmeter xs: the meter's code on the real XS engine, 64 and 32 bits, beside Node.
import type { Command } from "commander";
import { budgetRows, computronFigures, heldFigures, overLimit } from "../host-sim/xs/budgets.js";
import { installSources, type XsBits } from "../host-sim/xs/engine.js";
import { differences, heldOnXs, operationsOnXs, scenarioOnXs } from "../host-sim/xs/engines.js";
import { type RunFiles, runReference } from "../host-sim/xs/reference.js";
import { VerificationError } from "../src/proofs/signed.js";
import { print, progressBar, table, wholeNumber } from "./command-line.js";

interface Options {
  readonly seed: number;
  readonly hours: number;
  readonly days?: number;
  readonly json?: boolean;
}

const ENGINES: readonly XsBits[] = [64, 32];
/** Two scenarios on each, and single operations. */
const STAGES = 2 * ENGINES.length + 1;

export function addXs(program: Command): void {
  program
    .command("xs")
    .description("build the XS engine and run a seeded scenario on it: the same bytes as on Node")
    .option("--seed <n>", "seed of everything that is drawn", wholeNumber(0, 0xffffffff), 1)
    .option("--hours <n>", "hours of meter time", wholeNumber(4, 96), 6)
    .option("--days <n>", "days of meter time instead", wholeNumber(1, 4))
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter xs --days 3")
    .action(runOnEngines);
}

async function runOnEngines(options: Options): Promise<void> {
  const progress = progressBar("building, running");
  try {
    await compareEngines(options, progress);
  } finally {
    progress.stop();
  }
}

async function compareEngines(
  { seed, hours, days, json }: Options,
  progress: ReturnType<typeof progressBar>,
): Promise<void> {
  installSources();
  const reference = runReference({ seed, hours: days === undefined ? hours : 24 * days });
  const runs: { engine: string; steps: number; heap: number; differences: ReturnType<typeof differences> }[] =
    [];
  for (const bits of ENGINES) {
    const run = await scenarioOnXs(bits, reference);
    const { step, heap } = run.costs;
    runs.push({ engine: `XS ${bits}`, steps: step.times, heap, differences: differences(reference, run) });
    progress.update(runs.length, STAGES);
  }
  const prepaid = runReference({ seed, hours: 6, prepaid: true });
  for (const bits of ENGINES) {
    const run = await scenarioOnXs(bits, prepaid);
    const { step, heap } = run.costs;
    const engine = `XS ${bits}, pre-payment`;
    runs.push({ engine, steps: step.times, heap, differences: differences(prepaid, run) });
    progress.update(runs.length, STAGES);
  }
  const figures = [
    ...computronFigures(await operationsOnXs(32, reference)),
    ...heldFigures(await heldOnXs(reference)),
  ];
  progress.stop();
  const lines = [
    `${filesLine(reference)}; the plug was pulled after ${reference.input.plan.cutBytes} bytes of a program`,
    ...table([
      ["engine", "steps after the cut", "heap, bytes", "compared with Node"],
      ...runs.map(({ engine, steps, heap, differences: found }) => [
        engine,
        `${steps}`,
        `${heap}`,
        found.length === 0 ? "the same bytes" : found.map(differenceText).join(", "),
      ]),
    ]),
    ...table(budgetRows(figures)),
  ];
  print(json, { seed, runs, figures }, lines);
  refuseDifferences(
    runs.flatMap(({ engine, differences: found }) => found.map((one) => `${engine}: ${differenceText(one)}`)),
    overLimit(figures).map(({ name }) => name),
  );
}

/** What was compared: the files of a run, and its chip. */
export const filesLine = ({ files, cells }: RunFiles) =>
  `${[...files].map(([name, bytes]) => `${name} ${bytes.length}`).join(", ")} and flash ${cells.length} bytes`;

export const differenceText = ({ file, byte }: ReturnType<typeof differences>[number]) =>
  byte < 0 ? `${file} is not in both` : `${file} differs at byte ${byte}`;

/** @throws VerificationError if an engine left other bytes, or a figure is over its limit. */
export function refuseDifferences(found: readonly string[], over: readonly string[]): void {
  if (found.length > 0) throw new VerificationError(`other bytes than on Node: ${found.join("; ")}`);
  if (over.length > 0) throw new VerificationError(`over the limit: ${over.join("; ")}`);
}
