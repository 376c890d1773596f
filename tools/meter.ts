// sealmeter meter: a simulated household's meter as its owner sees it: the pages of its display, or, watched, the
// display live with its buttons as keys.
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { brailleLines, displaySvg, halfBlockLines } from "../host-sim/display.js";
import { householdTrace } from "../host-sim/household.js";
import { LiveMeter } from "../host-sim/live-meter.js";
import { LocalPortServer, localStreamOf } from "../host-sim/local-port.js";
import { createWorld, customerOf, type World } from "../host-sim/simulation.js";
import { drawPage, type Page, pagesOf } from "../src/display/pages.js";
import { Picture } from "../src/display/picture.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import {
  calendarDate,
  FileMode,
  print,
  systemReason,
  toHex,
  UsageError,
  utc,
  wholeNumber,
  writeFile,
} from "./command-line.js";
import { isTerminal, LiveTerminal } from "./live-terminal.js";
import { assertNew, createDirectory, encodeCustomer } from "./meter-directory.js";
import { MeterWatch, SPEED_MAX } from "./meter-watch.js";

const METER_ID = "SM-0001";
const INTERVAL_S = 1800;
/** Days of load: as many as the journal holds. */
const DAYS = 396;
const FOR_S_MAX = DAYS * DAY_SECONDS;
/** Long enough for a first day to be sealed. */
const FOR_S = 26 * 3600;
const SPEED = 60;
const TICK_MS = 10_000;
/** Days that a simulation may begin on: see simulate. */
const [FIRST_DATE, LAST_DATE] = ["1970-01-02", "2089-12-01"];
/** Pages of a display are few; a larger number is a slip. */
const PAGE_MAX = 99;
/** Between two pictures, and how long of this the meter may take, ms. */
const [FRAME_MS, SLICE_MS] = [50, 30];
/** Between two pictures on plain paper: as pages turn. */
const PRINT_MS = 5_000;
const PRINT_STEP_MS = 250;
/** Between two looks at what the local stream has to send. */
const SERVE_MS = 100;
const LARGE_COLUMNS = 130;
/** Credit to begin with, and the most there is for one top-up, whole currency. */
const [CREDIT, CREDIT_MAX] = [10, 100_000];
const CENTS = 100;

interface Options {
  readonly seed: number;
  readonly from: string;
  readonly speed?: number;
  readonly watch?: boolean;
  readonly page?: number;
  readonly credit: number;
  readonly listen?: number;
  readonly keys?: string;
  readonly svg?: string;
  readonly for?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ sealmeter meter
  $ sealmeter meter --watch --speed 300 --credit 2
  $ sealmeter meter --for 7200 --svg out/display.svg
  $ sealmeter meter --watch --listen 6419 --keys out/live`;

export function addMeter(program: Command): void {
  program
    .command("meter")
    .description("the display of a simulated household's meter: its pages, or the meter live")
    .option("--watch", "live in the terminal: turn pages, pair, pull the plug")
    .option("--seed <n>", "seed of all chance: keys, household", wholeNumber(0, 0xffffffff), 1)
    .option("--from <date>", "first day, from 00:00 UTC", calendarDate, "2026-01-01")
    .option(
      "--for <seconds>",
      "the meter's time to run (default: 26 hours, or until q)",
      wholeNumber(1, FOR_S_MAX),
    )
    .option("--speed <x>", `the meter's time for real time (default: ${SPEED})`, wholeNumber(1, SPEED_MAX))
    .option("--credit <eur>", "pre-payment with this credit; 0 for none", wholeNumber(0, CREDIT_MAX), CREDIT)
    .option("--listen <port>", "serve the local stream at a port of this computer", wholeNumber(1, 65_535))
    .option("--keys <dir>", "with --listen: write what a gateway needs")
    .option("--page <n>", "this page only, or at first", wholeNumber(1, PAGE_MAX))
    .option("--svg <file>", "write the pages as a picture")
    .option("--json", "print the lines and pages as JSON")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => {
      check(options);
      const { meter, world } = householdMeter(options);
      if (!options.watch) show(meter, options);
      else if (options.listen === undefined) await watch(meter, options);
      else await listen(meter, world, options.listen, options);
    });
}

/** @throws UsageError for options that do not go together. */
function check({ watch, from, speed, svg, json, listen, keys, for: for_s }: Options): void {
  if (from < FIRST_DATE || from > LAST_DATE)
    throw new UsageError(`a simulation begins between ${FIRST_DATE} and ${LAST_DATE}, not on ${from}`);
  if ((listen === undefined) !== (keys === undefined))
    throw new UsageError("--listen and --keys go together");
  if (listen !== undefined && !(watch && isTerminal(process.stdin, process.stdout)))
    throw new UsageError("--listen needs --watch and a terminal");
  if (keys !== undefined) assertNew(keys);
  if (!watch && speed !== undefined) throw new UsageError("--speed needs --watch");
  if (!watch) return;
  if (svg !== undefined || json) throw new UsageError("--watch goes with neither --svg nor --json");
  if (for_s === undefined && !isTerminal(process.stdin, process.stdout))
    throw new UsageError("--watch needs a terminal, or --for to print pictures one after the other");
}

/** A meter of the built-in household, put up at the beginning of the day, and as many days of load as it needs. */
function householdMeter({ seed, from, watch, credit, for: for_s }: Options): {
  meter: LiveMeter;
  world: World;
} {
  const start_s = Date.parse(`${from}T00:00:00Z`) / 1000;
  const wanted_s = for_s ?? (watch ? FOR_S_MAX : FOR_S);
  const days = Math.min(DAYS, Math.ceil((wanted_s + 1) / DAY_SECONDS));
  const trace = householdTrace({ seed, start_s, days, step_s: 900, utcOffset_h: 0 });
  const hasSwitch = credit > 0;
  const world = createWorld({ trace, meterId: METER_ID, intervalSeconds: INTERVAL_S, seed, hasSwitch });
  return { world, meter: new LiveMeter(world, trace, hasSwitch ? credit * CENTS : null) };
}

const say = (lines: readonly string[], ...more: readonly string[]) => print(false, null, [...lines, ...more]);

function drawn(page: Page): Picture {
  const picture = new Picture();
  drawPage(page, picture);
  return picture;
}

/** Pages by their numbers from 1, or the one asked for. @throws UsageError when there is none of this number. */
function chosen(pages: readonly Page[], number: number | undefined): readonly (readonly [number, Page])[] {
  const numbered = pages.map((page, at) => [at + 1, page] as const);
  if (number === undefined) return numbered;
  if (number > pages.length) throw new UsageError(`the display has ${pages.length} pages, not ${number}`);
  return numbered.slice(number - 1, number);
}

function show(meter: LiveMeter, { for: for_s = FOR_S, page, svg, json }: Options): void {
  meter.runUntil(meter.now_ms + for_s * 1000, TICK_MS, () => true);
  const [lines, creditLines] = [meter.unitLines(), meter.creditLines()];
  const pages = chosen(pagesOf(lines, creditLines), page);
  const pictures = pages.map(([, shown]) => drawn(shown));
  if (svg !== undefined) writeFile(svg, displaySvg(pictures));
  const linesOf = (process.stdout.columns ?? 0) >= LARGE_COLUMNS ? halfBlockLines : brailleLines;
  const shown = pages.flatMap(([number, { kind }], at) => [
    `page ${number}: ${kind}`,
    ...linesOf(pictures[at] ?? new Picture()),
  ]);
  const told = pages.map(([number, { kind, heading, rows }]) => ({ number, kind, heading, rows }));
  const time = utc(Math.floor(meter.now_ms / 1000));
  print(json, { meterId: METER_ID, time, lines, creditLines, pages: told }, [
    ...shown,
    ...(svg === undefined ? [] : [`in ${svg}`]),
  ]);
}

/** The meter live, and its local stream for a gateway, whose files are written first. @throws UsageError for a port. */
async function listen(meter: LiveMeter, world: World, port: number, options: Options): Promise<void> {
  const { parties, enrolment, device, uplink } = world;
  createDirectory(options.keys ?? "", (partial) => {
    writeFile(join(partial, "certificate.cbor"), enrolment.certificate);
    writeFile(join(partial, "authority.pub"), `${toHex(parties.authority.publicKey)}\n`);
    writeFile(join(partial, "customer.json"), encodeCustomer(customerOf(world)), FileMode.SECRET);
  });
  const stream = localStreamOf({ device, uplink, meterId: METER_ID });
  const server = await LocalPortServer.listen(stream, port).catch((error: unknown) => {
    throw new UsageError(`port ${port}: ${systemReason(error)}`);
  });
  const begun_ms = performance.now();
  const pump = setInterval(() => server.step(Math.round(performance.now() - begun_ms)), SERVE_MS);
  try {
    await watch(meter, options, `127.0.0.1:${port}`);
  } finally {
    clearInterval(pump);
    await server.close();
  }
}

async function watch(
  meter: LiveMeter,
  { speed = SPEED, page = 1, for: for_s }: Options,
  localPort?: string,
): Promise<void> {
  const until_ms = for_s === undefined ? Number.MAX_SAFE_INTEGER : meter.now_ms + for_s * 1000;
  meter.runUntil(meter.now_ms + 1000, 1000, () => true);
  chosen(pagesOf(meter.unitLines(), meter.creditLines()), page);
  const shown = new MeterWatch(meter, {
    speed,
    until_ms,
    taps: page - 1,
    ...(localPort !== undefined && { localPort }),
  });
  if (!isTerminal(process.stdin, process.stdout)) printFrames(shown);
  else await live(shown);
  if (meter.isOver) say([`the household's ${DAYS} days are over`]);
}

/** Without a terminal nobody waits: pictures as they would be seen, one after the other. */
function printFrames(shown: MeterWatch): void {
  while (!shown.isOver) {
    say(brailleLines(shown.picture()), shown.status());
    for (let ms = 0; ms < PRINT_MS && !shown.isOver; ms += PRINT_STEP_MS)
      shown.pass(PRINT_STEP_MS, () => true);
  }
  say(brailleLines(shown.picture()), shown.status());
}

async function live(shown: MeterWatch): Promise<void> {
  const terminal = new LiveTerminal(process.stdin, process.stdout, (key) => shown.press(key));
  try {
    for (let last_ms = performance.now(); !shown.isOver; ) {
      const now_ms = performance.now();
      shown.pass(Math.round(now_ms - last_ms), () => performance.now() - now_ms < SLICE_MS);
      last_ms = now_ms;
      terminal.show(shown.screen(terminal.size));
      await sleep(FRAME_MS);
    }
  } finally {
    terminal.close();
  }
}
