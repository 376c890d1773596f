// sealmeter street: a street of real units, written as the files that their customers, their authority and their
// aggregator would hold.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { concatBytes } from "@noble/hashes/utils.js";
import { type Command, InvalidArgumentError, Option } from "commander";
import { SeededRandom } from "../host-sim/seeded.js";
import { stationTraces } from "../host-sim/station.js";
import {
  type Darkness,
  FEEDER_ID,
  METERS_MAX,
  meterIdOf,
  planStreet,
  type Silence,
  type Street,
} from "../host-sim/street.js";
import type { MeterLife } from "../host-sim/street-meter.js";
import { Statistic } from "../src/trusted/blinding/roster.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import {
  calendarDate,
  FileMode,
  print,
  progressBar,
  toHex,
  UsageError,
  utc,
  wholeNumber,
  writeFile,
} from "./command-line.js";
import { assertNew, createDirectory, encodeCustomer, writeMeter } from "./meter-directory.js";
import { liveAll } from "./street-lives.js";

const DAYS_MAX = 366;
const JOBS_MAX = 64;
/** Whoever is dark is so for three hours from the middle of the run on; who is late, for as long before it too. */
const FAULT_S = 10_800;

interface Options {
  readonly out: string;
  readonly meters: number;
  readonly days: number;
  readonly seed: number;
  readonly from: string;
  readonly interval: "900" | "1800";
  readonly statistics: readonly number[];
  readonly groupSize: number;
  readonly minGroup: number;
  readonly dark: number;
  readonly late: number;
  readonly bypass?: number;
  readonly jobs: number;
  readonly json?: boolean;
}

const HELP = `
The files are laid out as those of simulate, and beside the meters' own lie aggregator.pub and rosters/: NNNNN.cbor as
the meters have got it, NNNNN.members with their names. A meter's shares.cbor holds its shares as they have arrived.

Examples:
  $ sealmeter street --out out/street
  $ sealmeter street --out out/street --meters 40 --days 7 --dark 2 --bypass 0.5 --seed 3
  $ sealmeter check out/street/SM-00001 --key out/street/customer/SM-00001.json --authority out/street/authority.pub`;

export function addStreet(program: Command): void {
  program
    .command("street")
    .description("run a street of meters with groups, shares and a feeder, and write what they send")
    .requiredOption("--out <dir>", "new folder for the files")
    .option("--meters <n>", "how many households", wholeNumber(2, METERS_MAX), 100)
    .option("--days <n>", "UTC days to run", wholeNumber(1, DAYS_MAX), 1)
    .option("--seed <n>", "seed of all chance: keys, households, faults", wholeNumber(0, 0xffffffff), 1)
    .option("--from <date>", "first UTC day", calendarDate, "2026-01-01")
    .addOption(
      new Option("--interval <seconds>", "length of an interval").choices(["900", "1800"]).default("1800"),
    )
    .option("--statistics <list>", "1 sums, 2 squares, 3 openings", statistics, [1, 2, 3])
    .option("--group-size <n>", "members of a group, at most", wholeNumber(2, 128), 128)
    .option("--min-group <n>", "least members that the meters accept", wholeNumber(3, 128), 10)
    .option("--dark <n>", "meters without power for three hours in the middle", wholeNumber(0, METERS_MAX), 0)
    .option("--late <n>", "meters without uplink for six hours in the middle", wholeNumber(0, METERS_MAX), 0)
    .option("--bypass <fraction>", "of what one household draws from the middle on", fraction)
    .option("--jobs <n>", "threads (default: one a core)", wholeNumber(1, JOBS_MAX), defaultJobs())
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(runStreet);
}

const defaultJobs = () => Math.min(availableParallelism(), JOBS_MAX);

/** Parser of a list of statistics. */
function statistics(text: string): readonly number[] {
  const list = text.split(",").map(Number);
  const ascends = list.every((one, at) => one > (list[at - 1] ?? 0));
  if (!/^[123](,[123])*$/.test(text) || !ascends || !list.includes(Statistic.SUM))
    throw new InvalidArgumentError("expected 1 and perhaps 2 and 3, such as 1,3.");
  return list;
}

/** Parser of a part of a whole, to the hundredth. */
function fraction(text: string): number {
  const value = Number(text);
  if (!/^[01](\.\d{1,2})?$/.test(text) || value === 0 || value > 1)
    throw new InvalidArgumentError("expected a fraction from 0.01 to 1.");
  return value;
}

/** What goes wrong in a street, and for whom. */
interface Faults {
  readonly dark: readonly Darkness[];
  readonly silent: readonly Silence[];
  /** Number of the household that goes past its meter, or null. */
  readonly bypassed: number | null;
  readonly middle_s: number;
}

/** Draws whom it befalls: nobody twice. @throws UsageError where there are too few. */
function drawFaults(options: Options, start_s: number): Faults {
  const { seed, meters, days, dark, late, bypass } = options;
  const affected = dark + late + (bypass === undefined ? 0 : 1);
  if (affected > meters) throw new UsageError(`faults for ${affected} meters, and there are ${meters}`);
  const random = new SeededRandom(seed, "street", "faults");
  const left = Array.from({ length: meters }, (_, number) => number);
  const draw = () => left.splice(random.below(left.length), 1)[0] as number;
  const drawn = Array.from({ length: affected }, draw);
  const middle_s = start_s + (days * DAY_SECONDS) / 2;
  const first = middle_s / Number(options.interval);
  const darkness = {
    meters: drawn.slice(0, dark),
    first,
    last: first + FAULT_S / Number(options.interval) - 1,
  };
  const span = { from_s: middle_s - FAULT_S, to_s: middle_s + FAULT_S };
  return {
    dark: dark > 0 ? [darkness] : [],
    silent: drawn.slice(dark, dark + late).map((meter) => ({ meter, ...span })),
    bypassed: bypass === undefined ? null : (drawn.at(-1) as number),
    middle_s,
  };
}

function plan(options: Options, start_s: number, { dark, silent, bypassed, middle_s }: Faults): Street {
  const { seed, meters, days, interval, groupSize, minGroup } = options;
  const share_percent = Math.round(100 * (options.bypass ?? 0));
  const bypass =
    bypassed === null ? null : { household: bypassed, from_s: middle_s, share_percent, above_W: 0 };
  return planStreet({
    seed,
    meters,
    start_s,
    days,
    intervalSeconds: Number(interval),
    statistics: options.statistics,
    groupSize,
    minGroup,
    dark,
    silent,
    feed: (households) => stationTraces(households, seed, bypass),
  });
}

async function runStreet(options: Options): Promise<void> {
  const { out, meters, days, from } = options;
  assertNew(out);
  const start_s = Date.parse(`${from}T00:00:00Z`) / 1000;
  const faults = drawFaults(options, start_s);
  const street = plan(options, start_s, faults);
  const bar = progressBar("meters");
  try {
    const lives = await liveAll(street.plans, options.jobs, bar.update);
    bar.stop();
    createDirectory(out, (partial) => writeStreet(partial, street, lives));
    const result = {
      directory: out,
      from: utc(start_s),
      to: utc(start_s + days * DAY_SECONDS),
      meters,
      ...summaryOf(street, lives, days),
      ...namesOf(faults),
    };
    print(options.json, result, linesOf(result));
  } finally {
    bar.stop();
  }
}

function writeStreet(directory: string, { parties, rosters }: Street, lives: readonly MeterLife[]): void {
  const { authority, aggregator } = parties;
  writeFile(join(directory, "authority.pub"), `${toHex(authority.publicKey)}\n`);
  writeFile(join(directory, "aggregator.pub"), `${toHex(aggregator.publicKey)}\n`);
  writeFile(join(directory, "aggregator.key"), `${toHex(aggregator.seed)}\n`, FileMode.SECRET);
  for (const { roster, document, meterIds, repaired } of rosters) {
    const path = join(directory, "rosters", `${roster.rosterNumber}`.padStart(5, "0"));
    writeFile(`${path}.cbor`, document);
    if (!repaired) writeFile(`${path}.members`, `${meterIds.join("\n")}\n`);
  }
  for (const { meterId, record, shares, keys } of lives) {
    writeMeter(directory, meterId, record);
    if (meterId !== FEEDER_ID) writeFile(join(directory, meterId, "shares.cbor"), concatBytes(...shares));
    writeFile(join(directory, "customer", `${meterId}.json`), encodeCustomer(keys), FileMode.SECRET);
  }
}

function summaryOf({ rosters }: Street, lives: readonly MeterLife[], days: number) {
  const shares = lives.flatMap((life) => life.shares);
  const bytes = shares.reduce((sum, { length }) => sum + length, 0);
  const repairs = rosters.filter(({ repaired }) => repaired).length;
  return {
    groups: rosters.length - repairs,
    repairs,
    shares: shares.length,
    batches: lives.reduce((sum, { record }) => sum + record.batches.length, 0),
    shareBytesPerMeterAndDay: Math.round(bytes / (lives.length - 1) / days),
  };
}

/** Whom the faults have befallen: the truth that nobody else is told. */
function namesOf({ dark, silent, bypassed }: Faults) {
  return {
    dark: dark.flatMap(({ meters }) => meters.map(meterIdOf)).sort(),
    late: silent.map(({ meter }) => meterIdOf(meter)).sort(),
    bypassed: bypassed === null ? null : meterIdOf(bypassed),
  };
}

type Result = ReturnType<typeof summaryOf> &
  ReturnType<typeof namesOf> & {
    readonly directory: string;
    readonly from: string;
    readonly to: string;
    readonly meters: number;
  };

const linesOf = (result: Result) => [
  `${result.meters} meters and their feeder, from ${result.from} to ${result.to}`,
  `groups: ${result.groups}, repairs: ${result.repairs}, shares: ${result.shares}, batches: ${result.batches}`,
  `bytes of shares a meter and day: ${result.shareBytesPerMeterAndDay}`,
  ...(result.dark.length > 0 ? [`without power for three hours: ${result.dark.join(" ")}`] : []),
  ...(result.late.length > 0 ? [`without uplink for six hours: ${result.late.join(" ")}`] : []),
  ...(result.bypassed === null ? [] : [`past its meter from the middle on: ${result.bypassed}`]),
  `in ${result.directory}`,
];
