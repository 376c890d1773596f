// Figures of a bench, and those of another command in a process of its own: what ran before in the same process would
// slow it down or count as its memory.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Figure {
  readonly name: string;
  readonly value: string;
}

const COMMAND = fileURLToPath(new URL("./sealmeter.mjs", import.meta.url));
const OUTPUT_MAX = 1_000_000;

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
