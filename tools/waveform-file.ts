// Files of recorded waveforms: CSV of two columns, voltage and current, or raw pairs of little-endian int16 codes.

import type { Recording } from "../host-sim/waveform/recording.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";
import { readFile, UsageError } from "./command-line.js";

/** What 1 in the file stands for. */
export interface Scale {
  readonly volts: number;
  readonly amperes: number;
}

const INT16_MIN = -0x8000;
const INT16_MAX = 0x7fff;
const PAIR_BYTES = 4;
/** Values that are no codes are rounded so that the largest has nearly all of 16 bits. */
const PEAK_CODES = 32_000;

/** By the name's ending: .csv or .txt, else raw. @throws UsageError, FormatError with the file's line. */
export function readRecording(path: string, rate_Hz: number, scale: Scale | null): Recording {
  const isText = /\.(csv|txt)$/i.test(path);
  if (!isText && scale === null)
    throw new UsageError(`${path}: raw codes need --volts and --amperes, what a code stands for`);
  const bytes = readFile(path);
  const pairs = isText ? parseText(path, new TextDecoder().decode(bytes)) : parseRaw(path, bytes);
  const { volts, amperes } = scale ?? { volts: 1, amperes: 1 };
  const isCodes = pairs.every((values) => values.every(isCode));
  const [v, i] = pairs.map((values) => Float64Array.from(values));
  if (v === undefined || i === undefined) throw new UsageError(`${path}: nothing in it`);
  return {
    rate_Hz,
    volts: v.map((value) => value * volts),
    amperes: i.map((value) => value * amperes),
    volt_step: volts * (isCodes ? 1 : stepOf(v)),
    ampere_step: amperes * (isCodes ? 1 : stepOf(i)),
  };
}

const isCode = (value: number) => Number.isInteger(value) && value >= INT16_MIN && value <= INT16_MAX;

/** Any step does for a column of zeros. */
const stepOf = (values: Float64Array) =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / PEAK_CODES || 1;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i;

function parseText(path: string, text: string): readonly [number[], number[]] {
  const lines = text.split(/\r?\n/);
  if (lines[lines.length - 1] === "") lines.pop();
  if (lines.length === 0) throw new FormatError(`${path}:1: the file is empty`);
  const [volts, amperes]: [number[], number[]] = [[], []];
  for (const [at, line] of lines.entries()) {
    const cells = line.split(/[,;\t]/).map((cell) => cell.trim());
    const refuse = (why: string): never => {
      throw new FormatError(`${path}:${at + 1}: ${why}`);
    };
    if (cells.length !== 2) refuse(`${cells.length} cells where voltage and current are expected`);
    // A first line may name the columns.
    if (at === 0 && cells.every((cell) => /^[\p{L}]/u.test(cell))) continue;
    for (const [column, cell] of cells.entries()) {
      const value = NUMBER.test(cell) ? Number(cell) : Number.NaN;
      if (!Number.isFinite(value)) refuse(`not a number: "${cell.slice(0, 40)}"`);
      (column === 0 ? volts : amperes).push(value);
    }
  }
  if (volts.length === 0) throw new FormatError(`${path}:2: no line follows the names of the columns`);
  return [volts, amperes];
}

function parseRaw(path: string, bytes: Uint8Array): readonly [number[], number[]] {
  if (bytes.length === 0) throw new FormatError(`${path}: the file is empty`);
  if (bytes.length % PAIR_BYTES !== 0) {
    const whole = bytes.length - (bytes.length % PAIR_BYTES);
    throw new FormatError(`${path}: ends in the middle of a pair, at byte ${whole} of ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const column = (offset: number) =>
    Array.from({ length: bytes.length / PAIR_BYTES }, (_, at) =>
      view.getInt16(PAIR_BYTES * at + offset, true),
    );
  return [column(0), column(2)];
}
