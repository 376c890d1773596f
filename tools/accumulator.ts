// sealmeter accumulator: the accumulator in C against its reference, bit for bit, on three builds, and its cost.
import type { Command } from "commander";
import {
  BUILDS,
  type BuildName,
  CORE_HZ,
  type Cost,
  compareAccumulator,
  type Difference,
  measureCost,
  referenceSpeed,
  withBuilds,
} from "../host-sim/waveform/comparison.js";
import { VerificationError } from "../src/proofs/signed.js";
import { print, progressBar, table, UsageError, wholeNumber } from "./command-line.js";

interface Options {
  readonly seed: number;
  readonly cycles: number;
  readonly trial?: number;
  readonly build?: string;
  readonly json?: boolean;
}

const CYCLES_MAX = 1_000_000_000;
/** What is measured: elements and frames a second. */
const COSTS = [
  [1, 4000],
  [3, 4000],
] as const;
const DESCRIPTIONS: Readonly<Record<BuildName, string>> = {
  linux64: "Linux, 64 bits, undefined behaviour and memory checked",
  linux32: "Linux, 32 bits, undefined behaviour checked",
  rv32: "RV32IMC in QEMU",
};

export function addAccumulator(program: Command): void {
  program
    .command("accumulator")
    .description("compare the accumulator in C with its reference bit for bit, and count its instructions")
    .option("--seed <n>", "seed of everything that is drawn", wholeNumber(0, 0xffffffff), 1)
    .option(
      "--cycles <n>",
      "random cycles to compare on each build, at least",
      wholeNumber(1, CYCLES_MAX),
      1_000_000,
    )
    .option("--trial <n>", "one trial alone, as a difference names it", wholeNumber(0, CYCLES_MAX))
    .option("--build <name>", `one build alone: ${BUILDS.join(", ")}`)
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ sealmeter accumulator\n  $ sealmeter accumulator --seed 7 --trial 12 --build rv32",
    )
    .action(runAccumulator);
}

async function runAccumulator({ seed, cycles, trial, build, json }: Options): Promise<void> {
  const names = BUILDS.filter((name) => build === undefined || name === build);
  if (names.length === 0)
    throw new UsageError(`there is no build '${build}'; there are ${BUILDS.join(", ")}`);
  const span = trial === undefined ? { first: 0, cycles } : { first: trial, cycles: 1 };
  const progress = progressBar("comparing");
  const begun_ms = performance.now();
  try {
    const { comparison, costs } = await withBuilds(names, async (builds) => {
      const update = (done: number) => progress.update(done, span.cycles);
      const compared = await compareAccumulator(seed, span, builds, update);
      const rv32 = builds.find(({ name }) => name === "rv32");
      const measured: Cost[] = [];
      for (const [elements, rate_Hz] of rv32 ? COSTS : []) {
        if (rv32) measured.push(await measureCost(rv32, elements, rate_Hz));
      }
      return { comparison: compared, costs: measured };
    });
    const reference = COSTS.map(([elements, rate_Hz]) => referenceSpeed(elements, rate_Hz));
    progress.stop();
    const seconds = (performance.now() - begun_ms) / 1000;
    const { records, bytes, differences } = comparison;
    print(json, { seed, seconds, builds: names, ...comparison, costs, reference }, [
      `${records} cycles of ${(bytes / 1e6).toFixed(0)} MB of samples (seed ${seed}), in ${seconds.toFixed(0)} s`,
      ...names.map((name) => verdict(name, differences)),
      ...(costs.length > 0 ? ["", ...costTable(costs)] : []),
      "",
      ...COSTS.map(
        ([elements, rate_Hz], at) =>
          `the reference here: ${elementsText(elements, rate_Hz)}: ${Math.round(reference[at] ?? 0)} s of samples a second`,
      ),
    ]);
    refuse(differences, seed);
  } finally {
    progress.stop();
  }
}

function verdict(name: BuildName, differences: readonly Difference[]): string {
  const found = differences.find((one) => one.build === name);
  return `${DESCRIPTIONS[name]}: ${found ? `another record ${found.record} in trial ${found.trial}` : "the same records"}`;
}

const elementsText = (elements: number, rate_Hz: number) =>
  `${elements} element${elements === 1 ? "" : "s"}, ${rate_Hz} Hz`;

function costTable(costs: readonly Cost[]): string[] {
  const rows = costs.map(({ elements, rate_Hz, instructionsPerSample, instructionsPerFrame, duty }) => [
    elementsText(elements, rate_Hz),
    instructionsPerSample.toFixed(1),
    instructionsPerFrame.toFixed(1),
    `${(100 * duty).toFixed(2)} %`,
  ]);
  return table([["rv32, -O2", "instructions a sample", "a frame", `of ${CORE_HZ / 1e6} MHz`], ...rows]);
}

/** @throws VerificationError that says how to see it again. */
function refuse(differences: readonly Difference[], seed: number): void {
  const [first] = differences;
  if (!first) return;
  const { build, trial, record, expected, found } = first;
  throw new VerificationError(
    `${build}: record ${record} is ${found ?? "missing"} instead of ${expected ?? "nothing"}; ` +
      `again by: npx sealmeter accumulator --seed ${seed} --trial ${trial} --build ${build}`,
  );
}
