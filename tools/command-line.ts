// What every command shares: exit codes, errors in words, files read within bounds and written whole.
// 0 ok; 1 refused or verification failed; 2 bad use or bad input.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import cliProgress from "cli-progress";
import { InvalidArgumentError } from "commander";
import { TraceError } from "../host-sim/trace.js";
import { VerificationError } from "../src/proofs/signed.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";

export const ExitCode = { OK: 0, REFUSED: 1, BAD_INPUT: 2, INTERNAL: 70 } as const;

/** The user asked for something that cannot be: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The exit code of an error, which is told on standard error in one line. */
export function report(error: unknown): number {
  if (error instanceof VerificationError) {
    process.stderr.write(`refused: ${error.message}\n`);
    return ExitCode.REFUSED;
  }
  const expected = [FormatError, TraceError, UsageError, RangeError].some((kind) => error instanceof kind);
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${expected ? "error" : "internal error, please report"}: ${text}\n`);
  return expected ? ExitCode.BAD_INPUT : ExitCode.INTERNAL;
}

/** Largest file that a command reads, bytes. */
const FILE_BYTES_MAX = 64_000_000;

/** @throws UsageError naming the file when it is missing, no file, or too large. */
export function readFile(path: string, maxBytes = FILE_BYTES_MAX): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > maxBytes) throw new UsageError(`${path}: ${size} bytes, at most ${maxBytes} are read`);
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path}: cannot be read (${systemReason(error)})`);
  }
}

export const readText = (path: string) => new TextDecoder().decode(readFile(path));

const systemReason = (error: unknown) =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

/** Writes a file whole or not at all. @throws UsageError when it cannot be written. */
export function writeFile(path: string, content: Uint8Array | string): void {
  const partial = `${path}.partial-${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(partial, content);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new UsageError(`${path}: cannot be written (${systemReason(error)})`);
  }
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
    hideCursor: true,
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
