// sealmeter rv32: the meter's code on a bare RV32IMC board in QEMU, with its budgets, and beside native code.
import type { Command } from "commander";
import type { Rv32Variant } from "../host-sim/rv32/image.js";
import { fetchNative, measureNative, type NativeOperation, nativeVersion } from "../host-sim/rv32/native.js";
import { budgetRows, creditFigures, overLimit, rv32Figures } from "../host-sim/xs/budgets.js";
import { installSources } from "../host-sim/xs/engine.js";
import {
  type BlindingCosts,
  blindingOnRv32,
  bootOnRv32,
  creditOnRv32,
  differences,
  fileDifferences,
  imageOf,
  type OperationCosts,
  operationsOnRv32,
  type ScenarioCosts,
  scenarioOnRv32,
} from "../host-sim/xs/engines.js";
import { creditReference, type Reference, runReference } from "../host-sim/xs/reference.js";
import { print, progressBar, table, wholeNumber } from "./command-line.js";
import { differenceText, filesLine, refuseDifferences } from "./xs.js";

interface Options {
  readonly seed: number;
  readonly hours: number;
  readonly native?: string | true;
  readonly shares?: true;
  readonly json?: boolean;
}

const VARIANTS: Readonly<Record<Rv32Variant, string>> = {
  ram: "built-ins in RAM",
  rom: "built-ins in read-only memory",
};
/** Two scenarios, single operations, a full journal, credit. */
const STAGES = 5;
/** Operations of operations.ts beside the same in native code. */
const BESIDE: readonly (readonly [ours: string, native: NativeOperation])[] = [
  ["SHA-256 of 64 B", "SHA-256 of 64 B"],
  ["SHA-512 of 64 B", "SHA-512 of 64 B"],
  ["HMAC-SHA-256", "HMAC-SHA-256"],
  ["Pedersen commitment", "Pedersen commitment, two tables"],
  ["Ed25519 sign", "Ed25519 sign"],
  ["Ed25519 verify", "Ed25519 verify"],
  ["ristretto255 DH", "ristretto255 DH"],
];

export function addRv32(program: Command): void {
  program
    .command("rv32")
    .description("build the bare-metal image, run the same scenario in QEMU, and count instructions")
    .option("--seed <n>", "seed of everything that is drawn", wholeNumber(0, 0xffffffff), 1)
    .option("--hours <n>", "hours of meter time", wholeNumber(4, 96), 6)
    .option("--native [tree]", "count libsodium too: its sources, or fetched by apt-get")
    .option("--shares", "count the shares of groups of 10, 40 and 128 too: two minutes more")
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter rv32 --native")
    .action(runOnBoard);
}

async function runOnBoard(options: Options): Promise<void> {
  const progress = progressBar("building, running");
  try {
    await measureBoard(options, progress);
  } finally {
    progress.stop();
  }
}

async function measureBoard(
  { seed, hours, native, shares, json }: Options,
  progress: ReturnType<typeof progressBar>,
): Promise<void> {
  // First, since it may miss its sources, and the rest takes a minute and more.
  const tree = native === true ? fetchNative() : native;
  const yardstick = tree === undefined ? null : { name: nativeVersion(tree), counts: measureNative(tree) };
  installSources();
  const reference = runReference({ seed, hours });
  const found: string[] = [];
  const costs: Partial<Record<Rv32Variant, ScenarioCosts>> = {};
  // Built-ins in RAM leave a roster hardly any room.
  const references = { rom: reference, ram: runReference({ seed, hours, peers: 0 }) };
  for (const variant of ["rom", "ram"] as const) {
    const run = await scenarioOnRv32(variant, references[variant]);
    costs[variant] = run.costs;
    progress.update(Object.keys(costs).length, STAGES);
    found.push(
      ...differences(references[variant], run).map((one) => `${VARIANTS[variant]}: ${differenceText(one)}`),
    );
  }
  const operations = await operationsOnRv32("rom", reference);
  progress.update(STAGES - 2, STAGES);
  const weeks = creditReference(reference);
  const credit = await creditOnRv32("rom", weeks);
  const onCredit = fileDifferences(weeks.files, credit.files).map((one) => `credit: ${differenceText(one)}`);
  found.push(...onCredit);
  progress.update(STAGES - 1, STAGES);
  const figures = [...(await figuresOf(reference, operations, costs.rom)), ...creditFigures(credit.costs)];
  const { size } = await imageOf("main", "rom", reference);
  const blinding = shares ? await blindingOnRv32("rom", reference) : null;
  const beside = yardstick ? nativeRows(operations, yardstick.counts) : [];
  progress.stop();
  const lines = [
    filesLine(reference),
    ...Object.entries(VARIANTS).map(([, name]) => {
      const differing = found.filter((text) => text.startsWith(name));
      return `RV32IMC, ${name}: ${differing.length === 0 ? "the same bytes as on Node" : differing.join(", ")}`;
    }),
    `RV32IMC, weeks of credit: ${onCredit.length === 0 ? "the same bytes as on Node" : onCredit.join(", ")}`,
    "",
    ...table([["figure", "measured", "budget", ""], ...budgetRows(figures)]),
    ...(blinding ? ["", ...table(shareRows(blinding))] : []),
    ...(yardstick ? ["", `beside ${yardstick.name}, -O2:`, ...table(beside)] : []),
  ];
  print(json, { seed, differences: found, figures, size, native: beside, blinding }, lines);
  refuseDifferences(
    found,
    overLimit(figures).map(({ name }) => name),
  );
}

async function figuresOf(reference: Reference, operations: OperationCosts, scenario?: ScenarioCosts) {
  const boot = await bootOnRv32("rom", reference);
  const { size } = await imageOf("boot", "rom", reference);
  if (!scenario) throw new Error("the scenario was run");
  return rv32Figures(operations, boot, scenario, size);
}

/** Of each group and choice of statistics what a share costs, and what all pairings do that come before the first. */
function shareRows({ costs }: BlindingCosts): string[][] {
  const millions = (instructions: number) => `${(instructions / 1e6).toFixed(0)} M`;
  const rows = costs.flatMap(({ members, pairing, shares }) =>
    shares.map(({ statistics, instructions, step, bytes }) => [
      `${members}`,
      statistics.join(" "),
      millions(instructions),
      millions(step),
      `${bytes}`,
      millions(pairing.instructions),
    ]),
  );
  return [
    ["members", "statistics", "a share", "its dearest step", "bytes", "pairings and first share"],
    ...rows,
  ];
}

/** Millions of instructions here and there, and their ratio. */
function nativeRows(operations: OperationCosts, native: ReturnType<typeof measureNative>): string[][] {
  const rows = BESIDE.map(([ours, theirs]) => {
    const [xs, c] = [operations[ours]?.instructions ?? 0, native[theirs]];
    return [ours, `${(xs / 1e6).toFixed(1)} M`, `${(c / 1e6).toFixed(3)} M`, `${(xs / c).toFixed(0)} times`];
  });
  return [["operation", "unit on XS", "native", "ratio"], ...rows];
}
