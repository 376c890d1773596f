// sealmeter torture: the journal under power cuts at every byte, rotten cells, worn sectors and years of use. Parts
// run side by side in processes of their own; a part alone, or one trial of it, runs in this one.
import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { PARTS, type Report, TrialFailed, torture } from "../host-sim/torture/torture.js";
import type { Wear } from "../host-sim/torture/trials.js";
import { VerificationError } from "../src/proofs/signed.js";
import { print, progressBar, table, UsageError, wholeNumber } from "./command-line.js";

interface Options {
  readonly seed: number;
  readonly quick?: boolean;
  readonly part?: string;
  readonly trial?: number;
  /** Takes the names of parts from its parent. */
  readonly worker?: boolean;
  readonly json?: boolean;
}

type Progress = (done: number, of: number) => void;

const SEALMETER = fileURLToPath(new URL("sealmeter.mjs", import.meta.url));

export function addTorture(program: Command): void {
  program
    .command("torture")
    .description("cut the journal's power at every byte, let its flash rot and wear, and run it for months")
    .option("--seed <n>", "seed of everything that is drawn", wholeNumber(0, 0xffffffff), 1)
    .option("--quick", "a sample of each part, in less than a minute")
    .option("--part <name>", `one part alone: ${[...PARTS.keys()].join(", ")}`)
    .option("--trial <n>", "one trial of the part alone, as a failure names it", wholeNumber(0, 0xffffffff))
    .addOption(new Option("--worker").hideHelp())
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  $ sealmeter torture --quick\n  $ sealmeter torture --part every-cut/plain --trial 1234",
    )
    .action(runTorture);
}

async function runTorture(options: Options): Promise<void> {
  const { part, trial } = options;
  if (part !== undefined && !PARTS.has(part)) {
    throw new UsageError(`there is no part '${part}'; there are ${[...PARTS.keys()].join(", ")}`);
  }
  if (trial !== undefined && part === undefined) throw new UsageError("--trial is of a --part");
  if (options.worker) {
    serve(options);
    return;
  }
  const progress = progressBar("cutting the power");
  const begun_ms = performance.now();
  try {
    const reports =
      part === undefined
        ? await runSideBySide(options, progress.update)
        : [runHere(part, options, progress.update)];
    progress.stop();
    const seconds = (performance.now() - begun_ms) / 1000;
    print(options.json, { seed: options.seed, seconds, parts: reports }, linesOf(reports, seconds, options));
  } finally {
    progress.stop();
  }
}

/** @throws VerificationError that says how to run the failed trial again. */
function runHere(part: string, { seed, quick, trial }: Options, progress: Progress): Report {
  try {
    return torture(part, quick ? "quick" : "whole", { seed, only: trial ?? null, progress });
  } catch (error) {
    const failed = error instanceof TrialFailed ? ` --trial ${error.trial}` : quick ? " --quick" : "";
    const again = `npx sealmeter torture --seed ${seed} --part ${part}${failed}`;
    const what = error instanceof Error ? error.message : String(error);
    throw new VerificationError(`${part}: ${what}; again by: ${again}`);
  }
}

/** What a process beside the first says of the part that it was given. */
interface Said {
  readonly share?: number;
  readonly report?: Report;
  readonly failure?: string;
}

/** Runs the parts that the parent names, one after the other, until it goes. */
function serve(options: Options): void {
  const parent = process.ppid;
  const say = (said: Said) => void process.send?.(said);
  const progress: Progress = (done, of) => {
    // In the middle of a part nothing else tells that the parent was killed.
    if (process.ppid !== parent) process.exit();
    say({ share: done / of });
  };
  process.on("message", (part: string) => {
    try {
      say({ report: runHere(part, options, progress) });
    } catch (error) {
      say({ failure: error instanceof Error ? error.message : String(error) });
    }
  });
  process.once("disconnect", () => process.exit());
}

/** All parts, as many at a time as there are processors; the first failure ends them. */
async function runSideBySide({ seed, quick }: Options, update: Progress): Promise<Report[]> {
  const waiting = [...PARTS.keys()];
  const shares = new Map(waiting.map((part) => [part, 0]));
  const reports = new Map<string, Report>();
  const args = ["torture", "--worker", "--seed", `${seed}`, ...(quick ? ["--quick"] : [])];
  const children = Array.from({ length: availableParallelism() }, () => fork(SEALMETER, args));
  const work = async (child: ChildProcess) => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const name = part;
      const report = await partOf(child, name, (share) => {
        shares.set(name, share);
        update(
          [...shares.values()].reduce((sum, one) => sum + one, 0),
          shares.size,
        );
      });
      reports.set(name, report);
    }
  };
  try {
    await Promise.all(children.map(work));
  } finally {
    for (const child of children) child.kill();
  }
  return [...PARTS.keys()].flatMap((part) => reports.get(part) ?? []);
}

/** Has a process run a part. @throws VerificationError if that failed, or the process ended. */
function partOf(child: ChildProcess, part: string, share: (share: number) => void): Promise<Report> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`the process that ran ${part} ended`));
    child.once("exit", ended);
    const listen = (said: Said) => {
      if (said.share !== undefined) {
        share(said.share);
        return;
      }
      child.off("message", listen);
      child.off("exit", ended);
      if (said.report) resolve(said.report);
      else reject(new VerificationError(said.failure ?? part));
    };
    child.on("message", listen);
    child.send(part);
  });
}

const span = (wear: Wear | null) => (wear ? `${wear.min} to ${wear.max}` : "-");

function linesOf(reports: readonly Report[], seconds: number, { seed }: Options): string[] {
  const total = (of: (report: Report) => number) => `${reports.reduce((sum, report) => sum + of(report), 0)}`;
  const rows = reports.map((report) => [
    report.does,
    `${report.cuts}`,
    `${report.recoveries}`,
    `${report.records}`,
    span(report.log),
    span(report.state),
    report.seconds.toFixed(1),
    report.cpuSeconds.toFixed(1),
  ]);
  return [
    ...table([
      ["", "cuts", "recoveries", "records checked", "erases of log", "of state", "seconds", "of CPU"],
      ...rows,
      [
        "all",
        total(({ cuts }) => cuts),
        total(({ recoveries }) => recoveries),
        total(({ records }) => records),
        "",
        "",
        seconds.toFixed(1),
        reports.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0).toFixed(1),
      ],
    ]),
    "",
    ...reports.flatMap(({ does, notes }) => notes.map((note) => `${does}: ${note}`)),
    `No stored record was lost, none was taken for another, and no state went back (seed ${seed}).`,
  ];
}
