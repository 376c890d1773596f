// What every command shares: exit codes, errors in words, files read within bounds and written whole.
// 0 ok; 1 refused or verification failed; 2 bad use or bad input.
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import cliProgress from "cli-progress";
import { InvalidArgumentError } from "commander";
import { TraceError } from "../host-sim/trace.js";
import { EngineMissing } from "../host-sim/xs/engine.js";
import { VerificationError } from "../src/proofs/signed.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";

/** INTERNAL is a fault of the program itself (EX_SOFTWARE of sysexits.h), never of what it is given. */
export const ExitCode = { OK: 0, REFUSED: 1, BAD_INPUT: 2, INTERNAL: 70 } as const;

/** The user asked for something that cannot be: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * The exit code of an error, which is told on standard error in one line.
 * @param isJson print `{"error": text, "exitCode": code}` on standard output as well.
 */
export function report(error: unknown, isJson = false): number {
  const [code, label] = kindOf(error);
  // Text of a file may stand in a message: nothing in it may act on a terminal or begin a second line.
  const text = (error instanceof Error ? error.message : String(error)).replace(/[\p{Cc}\s]+/gu, " ");
  process.stderr.write(`${label}: ${text}\n`);
  if (isJson) process.stdout.write(`${JSON.stringify({ error: text, exitCode: code }, null, 2)}\n`);
  return code;
}

function kindOf(error: unknown): readonly [code: number, label: string] {
  if (error instanceof VerificationError) return [ExitCode.REFUSED, "refused"];
  const isExpected = [FormatError, TraceError, UsageError, EngineMissing, RangeError].some(
    (kind) => error instanceof kind,
  );
  return isExpected ? [ExitCode.BAD_INPUT, "error"] : [ExitCode.INTERNAL, "internal error, please report"];
}

/**
 * For the process that runs a command: a reader that closes the pipe early (`| head -1`) has what it wanted
 * and changes no exit code; output that cannot be written for another reason (a full disk) is exit code 2.
 */
export function guardOutput(): void {
  process.stdout.on("error", (error) => {
    if (systemReason(error) === "EPIPE") return;
    process.exitCode = report(new UsageError(`standard output cannot be written (${systemReason(error)})`));
  });
  process.stderr.on("error", () => {});
}

/** Signals that would end the process in the middle of a write. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs work that must not be left half done, such as writing files: it is synchronous, so a signal that comes
 * meanwhile is only noticed by its handler when the work is done, and then ends the process as it would have.
 */
export function uninterrupted<T>(work: () => T): T {
  for (const signal of SIGNALS) if (process.listenerCount(signal) === 0) process.once(signal, endBy);
  try {
    return work();
  } finally {
    // Not at once: signals that have come are handed out in the poll phase of the event loop, before this.
    setImmediate(() => setImmediate(forgetSignals));
  }
}

function forgetSignals(): void {
  for (const signal of SIGNALS) process.removeListener(signal, endBy);
}

function endBy(signal: NodeJS.Signals): void {
  forgetSignals();
  process.kill(process.pid, signal);
}

/** Largest file that a command reads, bytes. */
const FILE_BYTES_MAX = 64_000_000;
const CHUNK_BYTES = 1 << 16;

/** @throws UsageError naming the file when it is missing, a folder, or too large. */
export function readFile(path: string, maxBytes = FILE_BYTES_MAX): Uint8Array {
  let file: number | null = null;
  try {
    file = openSync(path, "r");
    if (fstatSync(file).isDirectory()) throw new UsageError(`${path}: is a folder, not a file`);
    return readAll(file, path, maxBytes);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path}: cannot be read (${systemReason(error)})`);
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** To the end, in chunks: of a pipe or a device nobody knows the size beforehand. */
function readAll(file: number, path: string, maxBytes: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const length = readSync(file, chunk);
    if (length === 0) break;
    total += length;
    if (total > maxBytes) throw new UsageError(`${path}: longer than the ${maxBytes} bytes that are read`);
    chunks.push(chunk.subarray(0, length));
  }
  return new Uint8Array(Buffer.concat(chunks));
}

export const readText = (path: string, maxBytes?: number) =>
  new TextDecoder().decode(readFile(path, maxBytes));

/** @throws UsageError when the file is not JSON. */
export function readJson(path: string, maxBytes?: number): unknown {
  try {
    return JSON.parse(readText(path, maxBytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(`${path}: not JSON`);
    throw error;
  }
}

/** Runs the decoding or checking of a file's content, so that what is wrong is told with the file's name. */
export function inFile<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // A RangeError is the stack's end: JSON nested ten thousand deep.
    if (error instanceof FormatError || error instanceof RangeError)
      throw new FormatError(`${path}: ${error.message}`);
    if (error instanceof VerificationError) throw new VerificationError(`${path}: ${error.message}`);
    throw error;
  }
}

/** The short name of a file system's error: ENOENT, EACCES ... */
export const systemReason = (error: unknown) =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

/**
 * Makes a folder and those above it. Not by `mkdirSync`'s own `recursive`, which never returns where folders
 * cannot be made (/proc).
 * @throws the file system's error.
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) mkdirSync(folder);
}

/** Who may read a written file: everyone, or its owner alone for keys. */
export const FileMode = { PUBLIC: 0o644, SECRET: 0o600 } as const;

/** Writes a file whole or not at all. @throws UsageError when it cannot be written. */
export function writeFile(path: string, content: Uint8Array | string, mode: number = FileMode.PUBLIC): void {
  const partial = `${path}.partial-${process.pid}`;
  // As root, a rename onto /dev/null would replace it.
  if (existsSync(path) && !statSync(path).isFile()) {
    throw new UsageError(`${path}: exists and is not a regular file`);
  }
  uninterrupted(() => {
    try {
      makeFolder(dirname(path));
    } catch (error) {
      throw new UsageError(`${dirname(path)}: cannot be made (${systemReason(error)})`);
    }
    try {
      writeFileSync(partial, content, { mode });
      renameSync(partial, path);
    } catch (error) {
      if (existsSync(partial)) rmSync(partial);
      throw new UsageError(`${path}: cannot be written (${systemReason(error)})`);
    }
  });
}

/** 32 bytes in hex, as keys lie in files. @throws UsageError for anything else. */
export function readHexKey(path: string): Uint8Array {
  const text = readText(path).trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw new UsageError(`${path}: not 32 bytes in lower-case hex`);
  return fromHex(text);
}

export const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
export const fromHex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

/** Parser of a whole number option. */
export const wholeNumber = (min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
  }
  return value;
};

/** Parser of a calendar date option, kept as text. */
export function calendarDate(text: string): string {
  const parsed = new Date(`${text}T00:00:00Z`);
  if (
    !/^\d{4}-\d{2}-\d{2}$/.test(text) ||
    Number.isNaN(parsed.getTime()) ||
    !parsed.toISOString().startsWith(text)
  ) {
    throw new InvalidArgumentError("expected a date YYYY-MM-DD.");
  }
  return text;
}

/** A progress bar on standard error: drawn on a terminal, silent elsewhere. */
export function progressBar(label: string): {
  update: (done: number, total: number) => void;
  stop: () => void;
} {
  const bar = new cliProgress.SingleBar({
    format: `${label.padEnd(24)} {bar} {percentage}%`,
    stream: process.stderr,
    // The terminal is left as it is, so that ctrl-C, which ends the process at once, leaves it in order.
    linewrap: true,
    clearOnComplete: true,
    fps: 10,
  });
  bar.start(100, 0);
  return {
    update: (done, total) => bar.update(Math.floor((100 * done) / Math.max(1, total))),
    stop: () => bar.stop(),
  };
}

/** Prints a result: as JSON for machines, else the lines for people. */
export function print(json: boolean | undefined, value: unknown, lines: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${lines.join("\n")}\n`);
}

/** Columns of equal width, the first left-aligned and the rest right-aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}

export const kWh = (Wh: number) => (Wh / 1000).toFixed(3);
export const utc = (unix_s: number) => new Date(unix_s * 1000).toISOString().replace(".000Z", "Z");
