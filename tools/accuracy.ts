// sealmeter accuracy: the models of front ends at every point of the standard, over drawn units; or a recorded
// waveform beside a reference in floating point.
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import {
  errorFor,
  isSound,
  type PointResult,
  testUnit,
  type UnitResult,
  uncertainPoints,
  type Verdict,
  verdictOf,
} from "../host-sim/waveform/accuracy.js";
import { MODELS, RATED } from "../host-sim/waveform/models.js";
import { type Compared, compareRecording } from "../host-sim/waveform/recording.js";
import type { FrontEnd } from "../host-sim/waveform/sampler.js";
import { CLASSES, type ClassName, CURRENTS_Ib, intrinsicLimits } from "../host-sim/waveform/test-points.js";
import { VerificationError } from "../src/proofs/signed.js";
import { print, progressBar, table, UsageError, wholeNumber, writeFile } from "./command-line.js";
import { drawErrors, type ErrorCurve } from "./error-curves.js";
import { readRecording } from "./waveform-file.js";

interface Options {
  readonly seed: number;
  readonly seeds: number;
  readonly model?: string;
  readonly elements?: number;
  readonly seconds: number;
  readonly out?: string;
  readonly waveform?: string;
  readonly rate: number;
  readonly volts?: number;
  readonly amperes?: number;
  readonly json?: boolean;
}

/** What is claimed of each model: a class, and which part of its limits may be used up. */
const CLAIMS: ReadonlyMap<string, { readonly name: ClassName; readonly part: number }> = new Map([
  ["a-shunt", { name: "1", part: 0.5 }],
  ["a-transformer", { name: "1", part: 0.5 }],
  ["b", { name: "1", part: 1 }],
]);

const EXAMPLES = `
Examples:
  $ sealmeter accuracy --out out/accuracy
  $ sealmeter accuracy --model b --elements 3 --seeds 20 --json
  $ sealmeter accuracy --waveform oven.csv --rate 4000
  $ sealmeter accuracy --waveform oven.i16 --rate 8000 --volts 0.0216 --amperes 0.0026

A waveform is one element: CSV (.csv, .txt) with a voltage and a current a line, or any other name for raw pairs of
little-endian int16 codes. --volts and --amperes say what 1 in the file stands for.`;

export function addAccuracy(program: Command): void {
  program
    .command("accuracy")
    .description("the front ends' errors at every point of IEC 62053-21, over drawn units; or of a recording")
    .option("--seed <n>", "seed of the first unit", wholeNumber(0, 0xffffffff), 1)
    .option("--seeds <n>", "units of each model", wholeNumber(1, 10_000), 2)
    .option("--model <name>", `one model alone: ${[...MODELS.keys()].join(", ")}`)
    .option("--elements <n>", "meters of so many elements alone: 1 or 3", wholeNumber(1, 3))
    .option("--seconds <n>", "no point is measured for longer", wholeNumber(20, 86_400), 120)
    .option("--out <dir>", "error curves as SVG, and all results as JSON")
    .option("--waveform <file>", "a recording instead: CSV of two columns, or raw int16 pairs")
    .option("--rate <hz>", "its pairs a second", wholeNumber(2_000, 16_000), RATED.rate_Hz)
    .option("--volts <v>", "what 1 of its voltages stands for", scale)
    .option("--amperes <a>", "what 1 of its currents stands for", scale)
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLES)
    .action(runAccuracy);
}

/** Parser of a positive decimal. */
function scale(text: string): number {
  const value = /^\d*\.?\d+(e[+-]?\d{1,2})?$/i.test(text) ? Number(text) : 0;
  if (!(value > 0 && value < 1e9)) throw new InvalidArgumentError("expected a number above 0.");
  return value;
}

function runAccuracy(options: Options): void {
  if (options.waveform !== undefined) showRecording(options.waveform, options);
  else showModels(options);
}

// ---- models ----

/** Units of one model with so many elements. */
interface Batch {
  readonly model: string;
  readonly frontEnd: FrontEnd;
  readonly elements: number;
  readonly units: UnitResult[];
}

function batchesOf({ model, elements }: Options): Batch[] {
  if (model !== undefined && !MODELS.has(model))
    throw new UsageError(`there is no model '${model}'; there are ${[...MODELS.keys()].join(", ")}`);
  const batches = [...MODELS]
    .filter(([name]) => model === undefined || name === model)
    .flatMap(([name, { frontEnd, elements: builds }]) =>
      builds
        .filter((count) => elements === undefined || count === elements)
        .map((count) => ({ model: name, frontEnd, elements: count, units: [] })),
    );
  if (batches.length === 0) throw new UsageError(`no such model has ${elements} elements`);
  return batches;
}

function showModels(options: Options): void {
  const { seed, seeds, seconds: seconds_max, out, json } = options;
  const batches = batchesOf(options);
  const progress = progressBar("measuring");
  const begun_ms = performance.now();
  try {
    const total = batches.length * seeds;
    for (let unit = 0; unit < seeds; unit++) {
      for (const [at, { frontEnd, elements, units }] of batches.entries()) {
        const done = unit * batches.length + at;
        const specimen = { model: frontEnd, elements, seed: seed + unit };
        units.push(testUnit(specimen, seconds_max, (part) => progress.update(done + part, total)));
      }
    }
  } finally {
    progress.stop();
  }
  const seconds = (performance.now() - begun_ms) / 1000;
  const result = { seed, seeds, seconds, models: batches.map(summaryOf) };
  if (out !== undefined) {
    for (const batch of batches)
      writeFile(join(out, `errors-${batch.model}-${batch.elements}.svg`), pictureOf(batch));
    writeFile(join(out, "accuracy.json"), `${JSON.stringify(result, null, 2)}\n`);
  }
  const simulated_s = batches.flatMap(({ units }) => units).reduce((sum, unit) => sum + unit.seconds, 0);
  print(json, result, [
    ...batches.flatMap(linesOf),
    `${Math.round(simulated_s)} s of meters in ${seconds.toFixed(0)} s: ${Math.round(simulated_s / seconds)} a second`,
    ...(out === undefined ? [] : [`error curves and all results in ${out}`]),
  ]);
  refuse(batches);
}

/** Of all units of a batch at one point the largest error, with the largest uncertainty. */
interface Row {
  readonly name: string;
  readonly result: PointResult;
  readonly uncertainty: number;
  readonly composite: number | null;
}

function rowsOf({ units }: Batch): Row[] {
  const [first] = units;
  return (first?.points ?? []).map(({ point }, at) => {
    const results = units.flatMap((unit) => unit.points[at] ?? []);
    const [result, ...others] = results.sort((a, b) => Math.abs(b.error) - Math.abs(a.error));
    if (result === undefined) throw new RangeError("a point without a result");
    const composites = results.flatMap(({ composite }) => composite ?? []);
    return {
      name: point.name,
      result,
      uncertainty: Math.max(result.uncertainty, ...others.map(({ uncertainty }) => uncertainty)),
      composite: composites.length > 0 ? Math.max(...composites) : null,
    };
  });
}

const verdictsOf = ({ units }: Batch) =>
  Object.fromEntries(CLASSES.map((name) => [name, verdictOf(units, name)])) as Readonly<
    Record<ClassName, Verdict>
  >;

function summaryOf(batch: Batch) {
  const { model, frontEnd, elements, units } = batch;
  return { model, name: frontEnd.name, elements, classes: verdictsOf(batch), units };
}

const percent = (value: number, digits = 3) => `${value > 0 ? "+" : ""}${value.toFixed(digits)}`;
const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;

function linesOf(batch: Batch): string[] {
  const { model, frontEnd, elements, units } = batch;
  const rows = rowsOf(batch).map(({ name, result, uncertainty, composite }) => {
    const limit = result.point.limits["1"] ?? Number.NaN;
    return [
      name,
      percent(result.error),
      uncertainty.toFixed(3),
      ...CLASSES.slice(0, 2).map((one) => `${result.point.limits[one] ?? "-"}`),
      `${((100 * Math.abs(result.error)) / limit).toFixed(0)} %`,
      composite === null ? "-" : composite.toFixed(3),
      ...CLASSES.slice(2).map((one) => `${result.point.limits[one] ?? "-"}`),
    ];
  });
  const head = ["largest of all units, %", "error", "+-", "class 1", "2", "used of 1", "MID", "A", "B", "C"];
  const unsure = Math.max(...units.map(uncertainPoints));
  return [
    `${frontEnd.name} (${model}), ${plural(elements, "element")}, ${plural(units.length, "unit")}`,
    ...table([head, ...rows]),
    ...(unsure > 0
      ? [
          `at up to ${plural(unsure, "point")} of a unit time ran out before the uncertainty was a fifth of the limit`,
        ]
      : []),
    ...soundLines(units),
    ...Object.entries(verdictsOf(batch)).map(
      ([name, { isMet, share, worst }]) =>
        `class ${name}: ${isMet ? "met" : "missed"}; at most ${(100 * share).toFixed(0)} % of a limit (${worst})`,
    ),
    "",
  ];
}

function soundLines(units: readonly UnitResult[]): string[] {
  const most = (of: (unit: UnitResult) => number) => Math.max(...units.map(of));
  const started = units.every(({ starting }) => starting.first !== null && starting.second !== null);
  const late = most(({ starting }) => Math.max(starting.first ?? 0, starting.second ?? 0));
  const startUps = units.flatMap(({ startUp_s }) => startUp_s ?? []);
  return [
    `no load: at most ${plural(
      most(({ noLoad }) => noLoad.pulses),
      "pulse",
    )} in ${most(({ noLoad }) => noLoad.seconds).toFixed(0)} s (1 is allowed)`,
    started
      ? `starting: each pulse within ${late.toFixed(3)} of its time (1.5 is allowed)`
      : "starting: a pulse did not come within 1.5 of its time",
    startUps.length === units.length
      ? `start-up: energy after ${Math.max(...startUps).toFixed(1)} s (5 are allowed)`
      : "start-up: no energy within 5 s",
  ];
}

function pictureOf({ model, frontEnd, elements, units }: Batch): string {
  const curves = units.flatMap(({ points }) =>
    (["import", "export"] as const).flatMap((direction) =>
      Object.keys(CURRENTS_Ib).map((powerFactor): ErrorCurve => {
        const own = points.filter(
          ({ point: { setting, reference } }) =>
            reference === null && setting.direction === direction && setting.powerFactor === powerFactor,
        );
        return {
          powerFactor,
          direction,
          points: own.map(({ point, error }) => [point.setting.current_Ib, error] as const),
        };
      }),
    ),
  );
  const limits = (["1", "2"] as const).map((name) => ({
    name,
    steps: [0.05, 0.1].map((current) => [current, intrinsicLimits("1", current)[name] ?? 0] as const),
  }));
  const title = `${frontEnd.name} (${model}), ${plural(elements, "element")}, ${plural(units.length, "unit")}`;
  return drawErrors({ title, curves, limits });
}

/** @throws VerificationError for a model that misses what is claimed of it. */
function refuse(batches: readonly Batch[]): void {
  for (const { model, elements, units } of batches) {
    const claim = CLAIMS.get(model);
    if (claim === undefined) continue;
    const { name, part } = claim;
    for (const unit of units) {
      const { share, worst } = verdictOf([unit], name);
      const again = `again by: npx sealmeter accuracy --model ${model} --elements ${elements} --seed ${unit.seed} --seeds 1`;
      if (!isSound(unit))
        throw new VerificationError(`${model}: no load, starting or start-up failed; ${again}`);
      const found = unit.points.find(({ point }) => point.name === worst);
      if (share > part)
        throw new VerificationError(
          `${model}: ${worst}: ${found ? percent(errorFor(found, name)) : ""} % is more than ${100 * part} % of class ${name}'s limit; ${again}`,
        );
    }
  }
}

// ---- recordings ----

function showRecording(path: string, { rate, volts, amperes, json }: Options): void {
  if ((volts === undefined) !== (amperes === undefined))
    throw new UsageError("--volts and --amperes come together");
  const known = volts === undefined || amperes === undefined ? null : { volts, amperes };
  const recording = readRecording(path, rate, known);
  const compared = comparedIn(path, () => compareRecording(recording));
  const rows = compared.registers.map(({ obis, pipeline_mJ, reference_mJ }) => [
    obis,
    (pipeline_mJ / 1000).toFixed(3),
    (reference_mJ / 1000).toFixed(3),
    ((1e6 * (pipeline_mJ - reference_mJ)) / compared.apparent_mJ).toFixed(1),
  ]);
  print(json, { file: path, rate_Hz: rate, ...compared }, [
    `${path}: ${plural(compared.windows, "window")}, ${compared.seconds.toFixed(2)} s at ${compared.frequency_Hz.toFixed(3)} Hz`,
    `rounded to codes of ${recording.volt_step.toPrecision(4)} V and ${recording.ampere_step.toPrecision(4)} A; apparent energy ${(compared.apparent_mJ / 1000).toFixed(3)} VAs`,
    ...table([["register", "pipeline, Ws or vars", "floating point", "apart, ppm of apparent"], ...rows]),
    ...(compared.status === 0 ? [] : [`the pipeline raised flags ${compared.status}`]),
  ]);
}

/** What a recording is refused for is told with its name. */
function comparedIn(path: string, work: () => Compared): Compared {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}
