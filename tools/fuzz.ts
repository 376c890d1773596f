// sealmeter fuzz: a million spoiled messages at the unit and at every decoder of the other parties, none of which
// may be accepted or end in an error that is not ours; and as many at a meter that measures, which must cost no
// reading. The work is shared by processes of this program, in blocks that follow from the seed alone.
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import {
  type BlockResult,
  blocksOf,
  type Counts,
  Fuzzer,
  mutantsIn,
  mutantsOf,
  Tally,
} from "../host-sim/fuzz/fuzz.js";
import { floodMeter, type JunkResult } from "../host-sim/fuzz/junk.js";
import { ExitCode, print, progressBar, table, toHex, wholeNumber } from "./command-line.js";

const MESSAGES_MAX = 100_000_000;
const JOBS_MAX = 64;
/** Blocks that a process is given at a time. */
const PORTION_BLOCKS = 8;
/** Below this, other processes cost more than they do. */
const SHARED_MIN = 50_000;
const SHOWN_FINDINGS = 20;
const PROGRAM = fileURLToPath(new URL("sealmeter.mjs", import.meta.url));

interface Options {
  readonly messages: number;
  readonly seed: number;
  readonly jobs: number;
  readonly only?: number;
  readonly junk: boolean;
  readonly json?: boolean;
  readonly worker?: boolean;
}

/** A portion of the work, and its outcome; both go between processes. */
type Task = { readonly messages: number } & (
  | { readonly junk: true }
  | { readonly from: number; readonly to: number }
);
type Outcome = { readonly junk: JunkResult } | { readonly blocks: readonly BlockResult[] };

const EXAMPLES = `
Of a finding, the exit code is 1 and a command is told that plays exactly that mutant again.

Examples:
  $ sealmeter fuzz --messages 20000 --seed 7
  $ sealmeter fuzz --seed 7 --only 8271`;

export function addFuzz(program: Command): void {
  program
    .command("fuzz")
    .description("spoil messages and documents: none may be accepted, and none may crash its reader")
    .option("--messages <n>", "mutants, and junk messages", wholeNumber(1, MESSAGES_MAX), 1_000_000)
    .option("--seed <n>", "seed of the documents and of all mutants", wholeNumber(0, 0xffffffff), 1)
    .option("--jobs <n>", "processes", wholeNumber(1, JOBS_MAX), Math.min(2, availableParallelism()))
    .option("--only <n>", "play this one mutant again, and show it", wholeNumber(0, MESSAGES_MAX))
    .option("--no-junk", "leave out the meter that measures under junk")
    .addOption(new Option("--worker", "do what the parent process says").hideHelp())
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLES)
    .action(runFuzz);
}

async function runFuzz(options: Options): Promise<void> {
  if (options.worker && process.send) serve(options.seed);
  else if (options.only !== undefined) playOnly(options.seed, options.only, options.json);
  else await playAll(options);
}

async function playAll(options: Options): Promise<void> {
  const { messages, seed, json } = options;
  const begun_ms = performance.now();
  const tally = new Tally();
  let junk: JunkResult | null = null;
  const bar = progressBar("fuzzing");
  const take = (outcome: Outcome) => {
    if ("junk" in outcome) junk = outcome.junk;
    else for (const block of outcome.blocks) tally.add(block);
    bar.update(mutantsIn(tally.total), messages);
  };
  try {
    await share(tasksOf(options), options, take);
  } finally {
    bar.stop();
  }
  const seconds = Math.round((performance.now() - begun_ms) / 1000);
  report({ seed, seconds, tally, junk }, json);
}

/** The flood first: it is one meter's life, and takes the longest in one piece. */
function tasksOf({ messages, junk }: Options): Task[] {
  const blocks = blocksOf(messages);
  const portions = Array.from({ length: Math.ceil(blocks / PORTION_BLOCKS) }, (_, at) => {
    const from = at * PORTION_BLOCKS;
    return { messages, from, to: Math.min(blocks, from + PORTION_BLOCKS) };
  });
  return junk ? [{ messages, junk: true }, ...portions] : portions;
}

/** Does all tasks, here or in other processes. */
async function share(
  tasks: Task[],
  { messages, jobs, seed }: Options,
  take: (outcome: Outcome) => void,
): Promise<void> {
  if (jobs === 1 || messages < SHARED_MIN) {
    const worker = new Worker(seed);
    for (const task of tasks) take(worker.play(task));
    return;
  }
  await Promise.all(Array.from({ length: jobs }, () => employ(tasks, seed, take)));
}

/** A process of this program that is given one task after another, until none is left. */
function employ(tasks: Task[], seed: number, take: (outcome: Outcome) => void): Promise<void> {
  const child = fork(PROGRAM, ["fuzz", "--worker", "--seed", `${seed}`]);
  const next = () => {
    const task = tasks.shift();
    if (task) child.send(task);
    else child.disconnect();
  };
  return new Promise((resolve, reject) => {
    child.on("message", (outcome) => {
      take(outcome as Outcome);
      next();
    });
    child.on("exit", (code) => {
      if (code === 0) return resolve();
      // The other processes end with what they have.
      tasks.length = 0;
      reject(new Error(`a process of the fuzzer ended with ${code}`));
    });
    next();
  });
}

function serve(seed: number): void {
  const worker = new Worker(seed);
  process.on("message", (task) => process.send?.(worker.play(task as Task)));
}

class Worker {
  readonly #seed: number;
  #fuzzer: Fuzzer | null = null;

  constructor(seed: number) {
    this.#seed = seed;
  }

  play(task: Task): Outcome {
    if ("junk" in task) return { junk: floodMeter(this.#seed, task.messages) };
    this.#fuzzer ??= new Fuzzer(this.#seed);
    const blocks: BlockResult[] = [];
    for (let block = task.from; block < task.to; block++) {
      blocks.push(this.#fuzzer.playBlock(block, mutantsOf(block, task.messages)));
    }
    return { blocks };
  }
}

interface Result {
  readonly seed: number;
  readonly seconds: number;
  readonly tally: Tally;
  readonly junk: JunkResult | null;
}

function report({ seed, seconds, tally, junk }: Result, json: boolean | undefined): void {
  const { targets, total } = tally;
  const findings = tally.findings.map((finding) => ({ ...finding, replay: replayOf(seed, finding.mutant) }));
  const isClean = findings.length === 0 && !junk?.harm;
  const mutants = mutantsIn(total);
  print(json, { seed, seconds, mutants, ...total, targets, junk, findings }, [
    ...table([
      ["target", "mutants", "refused", "other and valid", "to a signature or proof", "accepted", "uncaught"],
      ...targets.map((counts) => rowOf(counts.target, counts)),
      rowOf("all", total),
    ]),
    ...(junk ? junkLines(junk) : []),
    ...findings
      .slice(0, SHOWN_FINDINGS)
      .map(({ target, mutant, what, replay }) => `${target}, mutant ${mutant}: ${what}\n  ${replay}`),
    ...(findings.length > SHOWN_FINDINGS ? [`and ${findings.length - SHOWN_FINDINGS} more`] : []),
    `${isClean ? "nothing" : "something"} was accepted or uncaught; seed ${seed}, ${seconds} s`,
  ]);
  if (!isClean) process.exitCode = ExitCode.REFUSED;
}

const replayOf = (seed: number, mutant: number) => `npx sealmeter fuzz --seed ${seed} --only ${mutant}`;

const rowOf = (name: string, counts: Counts) => [
  name,
  ...[mutantsIn(counts), counts.refused, counts.valid, counts.deep, counts.accepted, counts.uncaught].map(
    String,
  ),
];

function junkLines(junk: JunkResult): string[] {
  const { messages, days, refused, deliveries, deep, readings, batches, refusedEvents, harm } = junk;
  return [
    `junk: ${messages} messages at one meter in ${days} days: ${refused} refused, ${deep} of them after a signature was checked; ` +
      `${deliveries} were acknowledgements and the like`,
    harm === null
      ? `  its ${readings} readings and ${batches} batches are those of the same meter in peace; ${refusedEvents} events tell of refused commands`
      : `  ${harm}`,
  ];
}

function playOnly(seed: number, mutant: number, json: boolean | undefined): void {
  const { target, shot, late } = new Fuzzer(seed).playOnly(mutant);
  const what = shot.what || late || shot.verdict;
  const isFinding = shot.verdict === "accepted" || shot.verdict === "uncaught" || late !== null;
  const bytes = toHex(shot.bytes);
  print(json, { seed, mutant, target, verdict: shot.verdict, what, isFinding, bytes }, [
    `${target}, mutant ${mutant}: ${shot.verdict}${what === shot.verdict ? "" : `, ${what}`}`,
    bytes,
  ]);
  if (isFinding) process.exitCode = ExitCode.REFUSED;
}
