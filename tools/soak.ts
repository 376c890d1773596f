// sealmeter soak: scenarios of faults, seed after seed on every core, until the time is over or one fails.
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Command } from "commander";
import { parseFaults } from "../host-sim/faults/plan.js";
import { type Failure, failureLines, replayOf, type ScenarioResult } from "../host-sim/faults/scenario.js";
import { ExitCode, print, wholeNumber } from "./command-line.js";

const MINUTE_MS = 60_000;
const SEED_MAX = 0xffffffff;
/** Off a terminal the progress is told this often, ms. */
const TELL_EVERY_MS = 30_000;

interface Options {
  readonly minutes: number;
  readonly seeds?: number;
  readonly fromSeed: number;
  readonly days: number;
  readonly faults: string;
  readonly keepGoing?: boolean;
  readonly json?: boolean;
}

/** What a worker answers (soak-worker.mjs). */
interface Outcome {
  readonly seed: number;
  readonly result: ScenarioResult | null;
  readonly failure: Failure | null;
}

const EXAMPLES = `
Examples:
  $ sealmeter soak --minutes 30
  $ sealmeter soak --minutes 10 --from-seed 5000 --days 10 --faults power,flash --keep-going`;

export function addSoak(program: Command): void {
  program
    .command("soak")
    .description("run scenarios of faults, seed after seed on every core, until one does not hold")
    .option("--minutes <n>", "how long", wholeNumber(1, 10_000), 10)
    .option("--seeds <n>", "how many seeds at most", wholeNumber(1, SEED_MAX))
    .option("--from-seed <n>", "the first seed", wholeNumber(0, SEED_MAX), 1)
    .option("--days <n>", "days of each scenario", wholeNumber(1, 60), 3)
    .option("--faults <list>", "which faults, as of simulate", "all")
    .option("--keep-going", "go on after a failure, and tell of all at the end")
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLES)
    .action(runSoak);
}

async function runSoak(options: Options): Promise<void> {
  const faults = parseFaults(options.faults);
  const soak = new Soak(options);
  await soak.run();
  const { passed, failed } = soak;
  const replays = failed.map(({ seed, failure }) => {
    const scenario = { seed, days: options.days, faults };
    return { seed, ...(failure as Failure), replay: replayOf(scenario) };
  });
  const lines = [
    ...replays.flatMap(({ replay, ...failure }) => failureLines(failure, replay)),
    `${passed} seeds held from ${options.fromSeed} on, ${failed.length} failed`,
  ];
  print(options.json, { passed, failed: replays }, lines);
  if (failed.length > 0) process.exitCode = ExitCode.REFUSED;
}

/** Hands out seeds to workers in order. A failure ends the soak once every seed before it has been heard of. */
class Soak {
  readonly #options: Options;
  readonly #begun_ms = Date.now();
  readonly failed: Outcome[] = [];
  passed = 0;
  #next: number;
  #told_ms = Date.now();

  constructor(options: Options) {
    this.#options = options;
    this.#next = options.fromSeed;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: availableParallelism() }, () => this.#work()));
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    this.failed.sort((a, b) => a.seed - b.seed);
    if (!this.#options.keepGoing) this.failed.splice(1);
  }

  /** The next seed, or null when there is no more to do. */
  #take(): number | null {
    const { minutes, seeds = SEED_MAX, fromSeed, keepGoing } = this.#options;
    const isOver = Date.now() - this.#begun_ms >= minutes * MINUTE_MS || this.#next - fromSeed >= seeds;
    if (isOver || (this.failed.length > 0 && !keepGoing)) return null;
    return this.#next++;
  }

  #work(): Promise<void> {
    const { days, faults } = this.#options;
    const worker = new Worker(new URL("./soak-worker.mjs", import.meta.url), {
      workerData: { days, faults },
    });
    return new Promise((resolve, reject) => {
      const goOn = () => {
        const seed = this.#take();
        if (seed !== null) worker.postMessage(seed);
        else void worker.terminate().then(() => resolve());
      };
      worker.on("error", reject);
      worker.on("message", (outcome: Outcome) => {
        if (outcome.failure) this.failed.push(outcome);
        else this.passed++;
        this.#tell();
        goOn();
      });
      goOn();
    });
  }

  /** One line on standard error, drawn over itself on a terminal. */
  #tell(): void {
    const isTerminal = process.stderr.isTTY;
    if (!isTerminal && Date.now() - this.#told_ms < TELL_EVERY_MS) return;
    this.#told_ms = Date.now();
    const seconds = (Date.now() - this.#begun_ms) / 1000;
    const done = this.passed + this.failed.length;
    const rate = (done / seconds).toFixed(2);
    const line = `soak: ${done} seeds, next ${this.#next}, ${this.failed.length} failed, ${rate} seeds/s`;
    process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
  }
}
