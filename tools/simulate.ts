// sealmeter simulate: one meter's life over a trace of a real household, or the built-in one, written as the
// files that its customer, supplier and authority would hold.

import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { FAULTS, parseFaults } from "../host-sim/faults/plan.js";
import { failureLines, replayOf, runFaults, ScenarioFailure } from "../host-sim/faults/scenario.js";
import { FRONT_END_NAMES, type FrontEndName, frontEndOver } from "../host-sim/front-ends.js";
import { householdTrace } from "../host-sim/household.js";
import { customerOf, recordOf, simulate, type World } from "../host-sim/simulation.js";
import { parseTrace, type Trace, utcOffsetSeconds } from "../host-sim/trace.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import {
  calendarDate,
  ExitCode,
  FileMode,
  print,
  progressBar,
  readText,
  toHex,
  UsageError,
  utc,
  wholeNumber,
  writeFile,
} from "./command-line.js";
import { assertNew, createDirectory, encodeCustomer, writeFlash, writeMeter } from "./meter-directory.js";

/** Days that the journal holds, and so the longest simulation. */
const DAYS_MAX = 396;
const METER_ID = "SM-0001";
/** Days of a scenario of faults, unless told otherwise. */
const SCENARIO_DAYS = 3;
/**
 * Unix seconds that a simulation may begin and end at: a meter is enrolled a minute before it begins, and its
 * certificate runs for 15 years, in which every instant is a u32.
 */
const [EARLIEST_S, LATEST_S] = [Date.UTC(1970, 0, 2) / 1000, Date.UTC(2091, 0, 1) / 1000];

interface Options {
  readonly out?: string;
  readonly faults?: string;
  readonly trace?: string;
  readonly columns?: string;
  readonly household?: string;
  readonly days?: number;
  readonly interval: "900" | "1800";
  readonly seed: number;
  readonly from?: string;
  readonly utcOffset: number;
  readonly gaps: "refuse" | "absent";
  readonly frontEnd: FrontEndName;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ sealmeter simulate --out out/home --days 31 --seed 7 --from 2026-01-01
  $ sealmeter simulate --out out/sydney --trace trace.csv --columns import=GC:kW,export=GG:kW --utc-offset 10
  $ sealmeter simulate --out out/chip --days 7 --front-end chip
  $ sealmeter simulate --seed 7 --days 3 --faults all`;

export function addSimulate(program: Command): void {
  program
    .command("simulate")
    .description("run a meter over a CSV trace or the built-in household and write what it sends")
    .option("--out <dir>", "new folder for the files")
    .option("--trace <file>", "CSV trace; without it a seeded household of ours")
    .option("--columns <map>", "which columns, in which unit (Wh, kWh, W, kW): import=GC:kW,export=GG:kW")
    .option("--household <id>", "which household of a trace that holds several")
    .option("--days <n>", "days to run (default: the whole trace, or 31)", wholeNumber(1, DAYS_MAX))
    .addOption(
      new Option("--interval <seconds>", "length of an interval").choices(["900", "1800"]).default("1800"),
    )
    .option("--seed <n>", "seed of all chance: keys, household, faults", wholeNumber(0, 0xffffffff), 1)
    .option("--from <date>", "first local day (of the trace, or of the built-in household)", calendarDate)
    .option("--utc-offset <hours>", "local time of stamps without a zone, and of the household", hours, 0)
    .addOption(
      new Option("--gaps <how>", "gaps and nulls in a trace").choices(["refuse", "absent"]).default("refuse"),
    )
    .addOption(
      new Option("--front-end <which>", "what the meter measures the load with")
        .choices([...FRONT_END_NAMES])
        .default("trace"),
    )
    .option("--faults <list>", `no trace, but faults drawn from the seed: all, or of ${FAULTS.join(",")}`)
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLES)
    .action((options: Options) => {
      if (options.faults === undefined) runSimulate(options);
      else runScenario(options, options.faults);
    });
}

/** Parser of an offset from UTC, hours. */
function hours(text: string): number {
  const value = Number(text);
  try {
    if (!/^[+-]?\d{1,2}(\.\d+)?$/.test(text)) throw new RangeError("expected hours such as -3.5");
    utcOffsetSeconds(value);
    return value;
  } catch (error) {
    throw new InvalidArgumentError(`${error instanceof Error ? error.message : error}.`);
  }
}

/** The local days asked for, out of a trace. @throws UsageError when it does not hold them. */
export function cutTrace(trace: Trace, from_s: number | null, days: number | null): Trace {
  const first = from_s === null ? 0 : (from_s - trace.start_s) / trace.step_s;
  const rows = days === null ? trace.rows.length - first : (days * DAY_SECONDS) / trace.step_s;
  if (!Number.isInteger(first) || first < 0 || first >= trace.rows.length) {
    throw new UsageError(`the trace begins ${utc(trace.start_s)} and has no row at ${utc(from_s ?? 0)}`);
  }
  if (first + rows > trace.rows.length) {
    const end_s = trace.start_s + trace.rows.length * trace.step_s;
    throw new UsageError(`the trace ends ${utc(end_s)}, before the ${days} days are over`);
  }
  return {
    ...trace,
    start_s: trace.start_s + first * trace.step_s,
    rows: trace.rows.slice(first, first + rows),
  };
}

function loadTrace(options: Options): Trace {
  const { trace: path, days, from, seed, gaps, columns, household } = options;
  const { utcOffset: utcOffset_h } = options;
  const offset_s = utcOffsetSeconds(utcOffset_h);
  const from_s = from === undefined ? null : Date.parse(`${from}T00:00:00Z`) / 1000 - offset_s;
  if (path === undefined) {
    if (columns !== undefined || household !== undefined)
      throw new UsageError("--columns and --household need --trace");
    const start_s = from_s ?? Date.UTC(2026, 0, 1) / 1000 - offset_s;
    return householdTrace({ seed, start_s, days: days ?? 31, step_s: 900, utcOffset_h });
  }
  const wanted = { utcOffset_h, gaps, ...(columns && { columns }), ...(household && { household }) };
  const whole = parseTrace(readText(path), path, wanted);
  const available = Math.floor((whole.rows.length * whole.step_s) / DAY_SECONDS);
  if (days === undefined && available > DAYS_MAX) {
    throw new UsageError(
      `the trace has ${available} days and the meter keeps ${DAYS_MAX}: choose with --days`,
    );
  }
  return cutTrace(whole, from_s, days ?? null);
}

/** @throws UsageError unless a meter can live at these times. */
function checkTimes({ start_s, step_s, rows }: Trace): void {
  const end_s = start_s + rows.length * step_s;
  if (start_s < EARLIEST_S || end_s > LATEST_S) {
    const bounds = `between ${utc(EARLIEST_S)} and ${utc(LATEST_S)}`;
    throw new UsageError(`a simulation lies ${bounds}, not ${utc(start_s)} to ${utc(end_s)}`);
  }
}

/**
 * Writes everything that a simulated world leaves behind into a new folder.
 * @param more writes further files into the same folder, which appears whole or not at all.
 * @param isReplaced as for `createDirectory`.
 */
export function writeWorld(
  directory: string,
  world: World,
  { more = () => {}, isReplaced = false }: { more?: (partial: string) => void; isReplaced?: boolean } = {},
): void {
  const { parties, flash, configuration } = world;
  const { meterId } = configuration;
  const fill = (partial: string) => {
    writeMeter(partial, meterId, recordOf(world));
    writeFlash(partial, meterId, flash.image());
    writeFile(join(partial, "authority.pub"), `${toHex(parties.authority.publicKey)}\n`);
    writeFile(join(partial, "supplier.key"), `${toHex(parties.supplier.seed)}\n`, FileMode.SECRET);
    writeFile(join(partial, "supplier.pub"), `${toHex(parties.supplier.publicKey)}\n`);
    const customer = join(partial, "customer", `${meterId}.json`);
    writeFile(customer, encodeCustomer(customerOf(world)), FileMode.SECRET);
    more(partial);
  };
  createDirectory(directory, fill, { isReplaced });
}

/** A scenario of faults: a meter's life in which what its seed draws goes wrong, and all that must hold is checked. */
function runScenario(options: Options, list: string): void {
  const { seed, days = SCENARIO_DAYS, out, json, trace, columns, household, from } = options;
  if (trace !== undefined || columns !== undefined || household !== undefined || from !== undefined)
    throw new UsageError("--faults draws its own load and days: no --trace, --columns, --household, --from");
  const scenario = { seed, days, faults: parseFaults(list) };
  if (out !== undefined) assertNew(out);
  try {
    const { actions, ...result } = runFaults(scenario);
    writeActions(out, actions);
    const { boots, readings, batches, events, epochs, accepted, refused, rosters, shares } = result;
    const lines = [
      `held: ${boots} power-ups, ${readings} readings, ${batches} batches, ${events} events, ${epochs} epochs,`,
      `${shares} shares of ${rosters} rosters,`,
      `${accepted} commands accepted and ${refused} documents refused in ${days} days`,
    ];
    print(json, { ...scenario, faults: list, ...result }, lines);
  } catch (error) {
    if (!(error instanceof ScenarioFailure)) throw error;
    const { reason, at_ms, actions } = error;
    writeActions(out, actions);
    const replay = replayOf(scenario);
    print(json, { failure: { reason, at_ms, actions }, replay }, failureLines(error, replay));
    process.exitCode = ExitCode.REFUSED;
  }
}

function writeActions(out: string | undefined, actions: readonly string[]): void {
  if (out !== undefined) writeFile(join(out, "actions.txt"), `${actions.join("\n")}\n`);
}

function runSimulate(options: Options): void {
  const { out } = options;
  if (out === undefined)
    throw new UsageError("required option '--out <dir>' not specified (--help tells the options)");
  assertNew(out);
  const trace = loadTrace(options);
  checkTimes(trace);
  const intervalSeconds = Number(options.interval);
  const bar = progressBar("meter");
  try {
    const world = simulate({
      trace,
      meterId: METER_ID,
      intervalSeconds,
      seed: options.seed,
      frontEnd: frontEndOver(options.frontEnd, trace, options.seed),
      progress: bar.update,
    });
    bar.stop();
    writeWorld(out, world);
    const result = {
      meterId: METER_ID,
      directory: out,
      from: utc(trace.start_s),
      days: (trace.rows.length * trace.step_s) / DAY_SECONDS,
      readings: world.headEnd.messages("reading").length,
      batches: world.headEnd.messages("batch").length,
      events: world.headEnd.messages("event").length,
      bytesSent: world.headEnd.bytes,
      display: world.device.display(),
    };
    const lines = [
      `${result.readings} readings, ${result.batches} batches, ${result.events} events from ${result.from}`,
      ...result.display.map((line) => `  ${line}`),
      `in ${out}`,
    ];
    print(options.json, result, lines);
  } finally {
    bar.stop();
  }
}
