// Figures of a bench, how it measures, and the figures of another command in a process of its own: what ran before in
// the same process would slow it down or count as its memory.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Figure {
  readonly name: string;
  readonly value: string;
}

/** 27 million meters x 1,008 readings in 12 days (Rial & Danezis, slides). */
export const SLIDES_PER_SECOND = 26_000;

const COMMAND = fileURLToPath(new URL("./sealmeter.mjs", import.meta.url));
const OUTPUT_MAX = 1_000_000;

/** CPU time of this process, ms, and what the work gave: on a shared machine it says more than the clock on the wall. */
export function timed<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const begun = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(begun);
  return { ms: (user + system) / 1000, result };
}

/** CPU time alone, ms. */
export const milliseconds = (work: () => void): number => timed(work).ms;

/** What a bench command prints with `--json`. @throws Error if it fails. */
export function figuresOf(...words: readonly string[]): readonly Figure[] {
  const args = [COMMAND, ...words, "--json"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    maxBuffer: OUTPUT_MAX,
  });
  if (status !== 0) throw new Error(`${words.join(" ")} ends with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
