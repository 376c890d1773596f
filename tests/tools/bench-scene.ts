// A board that was provisioned once, for tests to send commands to copies of it: they cannot spoil it for each
// other, and the events of one are not counted for another.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ok, run } from "./run.js";

/** What `command send --json` prints. */
export interface Said {
  readonly outcome: "accepted" | "refused" | "unanswered" | "offered";
  readonly digest: string;
  readonly time: string;
  readonly sent: {
    readonly events: readonly {
      readonly sequence: number;
      readonly type: number;
      readonly detail: unknown;
    }[];
    readonly registers: readonly { readonly interval: number; readonly registers: readonly number[] }[];
    readonly readings: number;
    readonly batches: number;
  };
  readonly display: readonly string[];
  readonly credit: readonly string[];
}

export interface Sent {
  readonly code: number;
  readonly said: Said;
  readonly err: string;
}

export interface SignOptions {
  /** Whose key signs: a file of the bench without its `.key`. */
  readonly by: string;
  readonly counter: number;
  readonly notAfter?: string;
  readonly meter?: string;
}

export class BenchScene {
  readonly root = mkdtempSync(join(tmpdir(), "sealmeter-bench-"));
  readonly #fresh = this.path("fresh");
  #boards = 0;
  #documents = 0;

  async build(...options: string[]): Promise<this> {
    await ok("provision", "--out", this.#fresh, ...options);
    return this;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** The folder of a board that was never powered up. */
  board(): string {
    const copy = this.path(`board-${this.#boards++}`);
    cpSync(this.#fresh, copy, { recursive: true });
    return copy;
  }

  /** Signs a command. @returns its file. */
  async sign(words: string, { by, counter, notAfter, meter = "SM-0001" }: SignOptions): Promise<string> {
    const out = this.path(`command-${this.#documents++}.cbor`);
    const key = join(this.#fresh, `${by}.key`);
    const terms = ["--meter", meter, "--counter", `${counter}`, "--key", key, "--out", out];
    if (notAfter !== undefined) terms.push("--not-after", notAfter);
    await ok("command", "sign", ...words.split(" "), ...terms);
    return out;
  }

  async send(board: string, file: string, ...options: string[]): Promise<Sent> {
    const { code, out, err } = await run("command", "send", board, file, "--json", ...options);
    return { code, said: JSON.parse(out), err };
  }

  /** Signs and sends. */
  async order(board: string, words: string, options: SignOptions): Promise<Sent> {
    return this.send(board, await this.sign(words, options));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
