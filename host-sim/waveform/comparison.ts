// firmware/native/accumulator.c against its reference: builds it for Linux, 64 bits (with the compiler's checks of
// undefined behaviour and of memory) and 32 bits, and for a bare RV32IMC core in QEMU; feeds all of them the same
// trials and compares digests of the records, and the records themselves where digests differ. The core's counter
// of retired instructions gives the cost of a sample.
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { COMPILER, CORE_OPTIONS, EMULATOR, EMULATOR_OPTIONS, INSTALL, LINK_OPTIONS } from "../rv32/native.js";
import { EngineMissing } from "../xs/engine.js";
import { Accumulator } from "./accumulator.js";
import {
  recordText,
  referenceResult,
  steadyTrialBytes,
  TRIAL_CYCLES,
  type TrialResult,
  trialBytes,
} from "./trials.js";

export const BUILDS = ["linux64", "linux32", "rv32"] as const;
export type BuildName = (typeof BUILDS)[number];

/** A program that reads trials from the file "input" in its working folder. */
export interface Build {
  readonly name: BuildName;
  readonly command: readonly [program: string, ...options: string[]];
}

/** The first record that differs, as trial.c prints records; null where one side has none. */
export interface Difference {
  readonly build: BuildName;
  readonly trial: number;
  readonly record: number;
  readonly expected: string | null;
  readonly found: string | null;
}

export interface Comparison {
  /** Records compared, in each build. */
  readonly records: number;
  /** Of input, all but a few of them samples. */
  readonly bytes: number;
  /** At most one of each build; then that build is left out of what follows. */
  readonly differences: readonly Difference[];
}

/** What a steady signal costs on rv32, and how much of a core that is. */
export interface Cost {
  readonly elements: number;
  readonly rate_Hz: number;
  /** A sample is one code of one channel. */
  readonly instructionsPerSample: number;
  readonly instructionsPerFrame: number;
  /** Part of a core that retires CORE_HZ instructions a second. */
  readonly duty: number;
}

/** The device's clock, and an instruction a cycle, which no device quite reaches. */
export const CORE_HZ = 240_000_000;

const SOURCE = fileURLToPath(new URL("../../firmware/native/accumulator.c", import.meta.url));
const HEADERS = fileURLToPath(new URL("../../firmware/native", import.meta.url));
const DRIVER = fileURLToPath(new URL("trial.c", import.meta.url));
const STORE = fileURLToPath(new URL("../../out/accumulator", import.meta.url));

const OWN_OPTIONS = words("-std=gnu11 -Wall -Wextra -Werror -I").concat(HEADERS);
const COMPILERS: Readonly<Record<BuildName, readonly [compiler: string, ...options: string[]]>> = {
  linux64: ["gcc", ...words("-m64 -O2 -fsanitize=undefined,address -fno-sanitize-recover=all")],
  linux32: ["gcc", ...words("-m32 -O2 -fsanitize=undefined -fno-sanitize-recover=all")],
  rv32: [COMPILER, ...words(CORE_OPTIONS)],
};
const PACKAGES: Readonly<Record<BuildName, string>> = {
  linux64: "apt-get install gcc",
  linux32: "apt-get install gcc gcc-multilib",
  rv32: INSTALL,
};

/** Trials in one file, some 12 MB. */
const BATCH = 10;
const RUN_MS_MAX = 1_800_000;
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
const COST_SECONDS = 10;
const COST_BLOCK = 128;
/** How long the reference is timed, after a run that compiles it. */
const REFERENCE_MS = 500;

function words(options: string): string[] {
  return options.split(" ");
}
const run = promisify(execFile);

/**
 * Builds programs in a folder of their own, hands them over, and removes them afterwards.
 * @param source of the accumulator, if not the project's own.
 * @throws EngineMissing if a compiler or the emulator is missing.
 */
export async function withBuilds<T>(
  names: readonly BuildName[],
  work: (builds: readonly Build[]) => Promise<T>,
  source = SOURCE,
): Promise<T> {
  mkdirSync(STORE, { recursive: true });
  const folder = mkdtempSync(join(STORE, "build-"));
  try {
    return await work(names.map((name) => build(name, source, join(folder, name))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function build(name: BuildName, source: string, program: string): Build {
  const [compiler, ...options] = COMPILERS[name];
  checkTools(name, compiler);
  const link = name === "rv32" ? words(LINK_OPTIONS) : [];
  const { status, stderr } = spawnSync(
    compiler,
    [...options, ...OWN_OPTIONS, DRIVER, source, ...link, "-o", program],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`${compiler} failed: ${stderr.trim().slice(0, 2000)}`);
  const command: Build["command"] =
    name === "rv32" ? [EMULATOR, ...words(EMULATOR_OPTIONS), program] : [program];
  return { name, command };
}

function checkTools(name: BuildName, compiler: string): void {
  const empty = "int main(void) { return 0; }";
  const [, ...options] = COMPILERS[name];
  const made = spawnSync(compiler, [...options, "-xc", "-", "-c", "-o", "/dev/null"], { input: empty });
  const emulated = name === "rv32" ? spawnSync(EMULATOR, ["--version"]) : made;
  if (made.status !== 0 || emulated.status !== 0) {
    throw new EngineMissing(`the accumulator cannot be built and run for ${name}: ${PACKAGES[name]}`);
  }
}

/**
 * Compares builds with the reference, trial by trial, until enough records have been compared.
 * @param span the first trial's number, and records to compare at least.
 * @param progress is told how many records have been compared.
 */
export async function compareAccumulator(
  seed: number,
  span: { readonly first: number; readonly cycles: number },
  builds: readonly Build[],
  progress: (records: number) => void = () => {},
): Promise<Comparison> {
  let [records, bytes] = [0, 0];
  let left = builds;
  const differences: Difference[] = [];
  for (let trial = span.first; records < span.cycles && left.length > 0; ) {
    const count = Math.min(BATCH, Math.ceil((span.cycles - records) / TRIAL_CYCLES));
    const inputs = Array.from({ length: count }, (_, at) => trialBytes(seed, trial + at));
    // The builds run while the reference does.
    const running = runBuilds(left, inputs);
    const expected = inputs.map((input) => referenceResult(input));
    const results = await running;
    for (const [at, one] of left.entries()) {
      const wrong = expected.findIndex((result, place) => !isEqual(result, results[at]?.[place]));
      if (wrong >= 0) differences.push(await firstDifference(one, seed, trial + wrong));
    }
    left = left.filter(({ name }) => differences.every(({ build }) => build !== name));
    records += expected.reduce((sum, result) => sum + result.records, 0);
    bytes += inputs.reduce((sum, input) => sum + input.length, 0);
    trial += count;
    progress(records);
  }
  return { records, bytes, differences };
}

const isEqual = (one: TrialResult, other?: TrialResult) =>
  one.records === other?.records && one.digest === other.digest;

/** Of each build, what it says of each trial. */
async function runBuilds(
  builds: readonly Build[],
  inputs: readonly Uint8Array[],
): Promise<readonly (readonly TrialResult[])[]> {
  const printed = await runAll(builds, inputs);
  return printed.map((text) =>
    Array.from(text.matchAll(/^trial (\d+) ([0-9a-f]{8}) ([0-9a-f]{8})/gm), ([, records, a, b]) => ({
      records: Number(records),
      digest: `${a}${b}`,
    })),
  );
}

/** What each build prints about the same inputs. @throws Error if one ends otherwise than well. */
async function runAll(builds: readonly Build[], inputs: readonly Uint8Array[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(STORE, "run-"));
  try {
    writeFileSync(join(folder, "input"), Buffer.concat(inputs));
    const options = { cwd: folder, timeout: RUN_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX };
    return await Promise.all(
      builds.map(async ({ command: [program, ...rest] }) => (await run(program, rest, options)).stdout),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a trial again and looks for the first record that is not the reference's. */
async function firstDifference(build: Build, seed: number, trial: number): Promise<Difference> {
  const input = trialBytes(seed, trial, true);
  const expected: string[] = [];
  referenceResult(input, (cycle) => expected.push(recordText(cycle)));
  const [printed = ""] = await runAll([build], [input]);
  const found = Array.from(printed.matchAll(/^cycle (.*)$/gm), ([, text = ""]) => text);
  const record = expected.findIndex((text, at) => text !== found[at]);
  const at = record < 0 ? expected.length : record;
  return {
    build: build.name,
    trial,
    record: at,
    expected: expected[at] ?? null,
    found: found[at] ?? null,
  };
}

/**
 * Instructions on rv32 for 50 Hz in the blocks of a converter's driver, cycles and their queue included.
 * @param build of rv32.
 */
export async function measureCost(build: Build, elements: number, rate_Hz: number): Promise<Cost> {
  const [printed = ""] = await runAll(
    [build],
    [steadyTrialBytes(elements, rate_Hz, COST_SECONDS, COST_BLOCK)],
  );
  const instructions = Number(/^trial .* (\d+)$/m.exec(printed)?.[1]);
  const frames = COST_SECONDS * rate_Hz;
  return {
    elements,
    rate_Hz,
    instructionsPerSample: instructions / (frames * 2 * elements),
    instructionsPerFrame: instructions / frames,
    duty: instructions / COST_SECONDS / CORE_HZ,
  };
}

/** Seconds of samples, 50 Hz at this rate, that the reference adds up in a second of this machine. */
export function referenceSpeed(elements: number, rate_Hz: number): number {
  const samples = new Int16Array(2 * elements * rate_Hz).map((_, at) => {
    const frame = Math.floor(at / (2 * elements));
    return 16384 * Math.sin((2 * Math.PI * 50 * frame) / rate_Hz);
  });
  const accumulator = new Accumulator({ elements, rate_Hz });
  const run_s = (until_ms: number) => {
    const begun_ms = performance.now();
    let seconds = 0;
    for (; performance.now() - begun_ms < until_ms; seconds++) {
      for (let at = 0; at < samples.length; at += 2 * elements * COST_BLOCK) {
        accumulator.feed(samples.subarray(at, at + 2 * elements * COST_BLOCK));
      }
      accumulator.read();
    }
    return seconds / ((performance.now() - begun_ms) / 1000);
  };
  run_s(REFERENCE_MS / 5);
  return run_s(REFERENCE_MS);
}
