/**
 * Load traces: what a household drew and fed in, row by row, read from CSV text.
 *
 * A trace decides what every later number of a run is, so nothing in it is guessed: a row that is missing,
 * doubled, negative or unreadable stops the reading with the line to look at, and the only leniency
 * (`gaps: "absent"`) turns missing data into time without power, never into energy. This never touches a
 * file: the caller brings the text and the name to show in errors.
 */

import { CsvError, parse } from "csv-parse/sync";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";

/** A load over time. Mean power is constant within a row. */
export interface Trace {
  /** Unix seconds, UTC, of the start of the first row; never negative. */
  readonly start_s: number;
  /** Seconds that a row covers, 60 to 3,600. */
  readonly step_s: number;
  /** OBIS codes: `["1-0:1.8.0"]` (import) or `["1-0:1.8.0", "1-0:2.8.0"]` (import, export). */
  readonly channels: readonly string[];
  /** Energy of the row in mJ for each channel, whole and from 0 to 2^53 - 1; null where there was no power. */
  readonly rows: readonly (readonly number[] | null)[];
}

export interface TraceOptions {
  /** `import=NAME:UNIT[,export=NAME:UNIT]`; without it the layout is told by the header. */
  columns?: string;
  /** Hours, -14 to 14, that stamps without a zone are ahead of UTC. */
  utcOffset_h: number;
  /** What to do with missing rows and empty or `Null` cells: refuse the file, or take them as no power. */
  gaps: "refuse" | "absent";
  /** The LCLid to read, in the London layout; may be left out if the file holds one household. */
  household?: string;
}

/** Why a file is not a trace. The message reads `FILE:LINE: what is wrong`, the line counted from 1. */
export class TraceError extends Error {
  override readonly name = "TraceError";

  constructor(file: string, line: number, what: string) {
    super(`${file}:${line}: ${what}`);
  }
}

export const IMPORT_OBIS = "1-0:1.8.0";
export const EXPORT_OBIS = "1-0:2.8.0";

// Far above a year of minutes for one household, and well within what a process can hold as text.
const BYTES_MAX = 64_000_000;
const ROWS_MAX = 2_000_000;

const STEP_MIN_S = 60;
const STEP_MAX_S = 3_600;
// A meter's history is 396 days long: a longer gap is two traces, or a mistyped year.
const GAP_MAX_S = 400 * DAY_SECONDS;

/** Energy in mJ of one unit, or power in mJ a second, as `perSecond` says. */
const UNITS = {
  Wh: { mJ: 3_600_000, perSecond: false },
  kWh: { mJ: 3_600_000_000, perSecond: false },
  W: { mJ: 1_000, perSecond: true },
  kW: { mJ: 1_000_000, perSecond: true },
};
type Unit = keyof typeof UNITS;

const LONDON_HEADER = ["LCLid", "stdorToU", "DateTime", "KWH/hh (per half hour)"];
const PLAIN_HEADER = ["timestamp", "import_kWh", "export_kWh"];
const COLUMNS_HELP =
  "--columns import=NAME:UNIT[,export=NAME:UNIT] with units Wh, kWh, W or kW, for example --columns import=GC:kW,export=GG:kW";

/** Where to find what in a row. */
interface Layout {
  readonly width: number;
  readonly stampAt: number;
  /** In the order of the trace's channels. */
  readonly values: readonly ValueColumn[];
  /** The column that names the household, if the layout has one. */
  readonly householdAt: number | null;
  /** Seconds a row covers if the layout says so, else null: the distance of the first two rows. */
  readonly step_s: number | null;
}

interface ValueColumn {
  readonly at: number;
  readonly name: string;
  readonly unit: Unit;
}

/** A number as it is written: digits / 10^places, not negative. */
interface Decimal {
  readonly text: string;
  readonly digits: bigint;
  readonly places: number;
}

interface Row {
  readonly line: number;
  readonly stamp: string;
  /** Unix seconds, UTC. */
  readonly time_s: number;
  /** One for each channel, or null if any of them has no value. */
  readonly values: readonly Decimal[] | null;
}

/**
 * Reads a trace from CSV text with a header. Three layouts are known:
 *
 * - any, with `columns`: stamps in the column named timestamp, DateTime or time (in any case), else in the
 *   first; Wh and kWh are the energy of the row, W and kW the mean power over it;
 * - the Low Carbon London layout, told by its header `LCLid,stdorToU,DateTime,KWH/hh (per half hour) `;
 * - `timestamp,import_kWh[,export_kWh]`.
 *
 * Stamps read `YYYY-MM-DD HH:MM[:SS[.fff]]` (or with T), with Z, +hh:mm or no zone. Rows must follow one
 * another by exactly one step. With gaps `"absent"` missing rows (at most 400 days on end) and rows without
 * a value become null, and a row that repeats its predecessor exactly is dropped.
 *
 * An energy is taken from the decimal text without a detour through floating point and rounded once, half
 * up, to whole mJ: it is within half a mJ of what the text says.
 *
 * @param name shown in errors, usually the file's name
 * @throws TraceError for text that is not such a trace, or longer than 64 MB or 2,000,000 rows
 * @throws RangeError if `utcOffset_h` is outside -14..14 or not a whole number of seconds
 */
export function parseTrace(csv: string, name: string, options: TraceOptions): Trace {
  const offset_s = utcOffsetSeconds(options.utcOffset_h);
  checkSize(csv, name);
  const layout = findLayout(readHeader(csv, name), name, options.columns);
  const household = chooseHousehold(csv, name, layout, options.household);
  const rows = new RowSequence(name, layout, options.gaps);
  eachRow(csv, name, layout, (cells, line) => {
    if (layout.householdAt !== null && cells[layout.householdAt] !== household) return;
    rows.append(readRow(cells, line, { name, layout, offset_s, gaps: options.gaps }));
  });
  return rows.finish();
}

/**
 * Whole seconds of an offset from UTC in hours.
 *
 * @throws RangeError if it is outside -14..14 h or not a whole number of seconds
 */
export function utcOffsetSeconds(utcOffset_h: number): number {
  const offset_s = Math.round(utcOffset_h * 3_600);
  // Most minutes are no finite binary fraction of an hour: 2 h 3 min are 122.99999999999999 min.
  if (!(Math.abs(utcOffset_h * 3_600 - offset_s) < 1e-6 && Math.abs(offset_s) <= 14 * 3_600)) {
    throw new RangeError(`a UTC offset is -14 to 14 hours in whole seconds, not ${utcOffset_h} h`);
  }
  return offset_s;
}

// ---- CSV ----

/** Before any parsing: counting lines takes milliseconds, parsing so many takes a quarter of a minute. */
function checkSize(csv: string, name: string): void {
  if (Buffer.byteLength(csv) > BYTES_MAX) {
    throw new TraceError(name, 1, `the file is longer than ${BYTES_MAX} bytes`);
  }
  let lines = 1;
  for (let at = csv.indexOf("\n"); at >= 0; at = csv.indexOf("\n", at + 1)) lines++;
  // The header and what follows the last line feed are two more.
  if (lines > ROWS_MAX + 2) throw new TraceError(name, ROWS_MAX + 2, `the file has over ${ROWS_MAX} rows`);
}

function readHeader(csv: string, name: string): string[] {
  const [header] = recordsOf(csv, name, { to: 1 });
  if (header === undefined) throw new TraceError(name, 1, "the file is empty");
  return header;
}

/** Hands over the rows below the header, cells trimmed, each with its line. */
function eachRow(
  csv: string,
  name: string,
  layout: Layout,
  visit: (cells: readonly string[], line: number) => void,
): void {
  recordsOf(csv, name, {
    from: 2,
    // Rows are consumed here and dropped (null): the parser's own list would hold every cell at once.
    on_record: (record: string[], { lines }: { lines: number }) => {
      if (record.length !== layout.width) {
        throw new TraceError(name, lines, `${record.length} cells where the header has ${layout.width}`);
      }
      visit(trimmed(record), lines);
      return null;
    },
  });
}

function recordsOf(
  csv: string,
  name: string,
  how: { to: number } | { from: number; on_record: (record: string[], context: { lines: number }) => null },
): string[][] {
  try {
    return parse(csv, { bom: true, skip_empty_lines: true, relax_column_count: true, ...how }).map(trimmed);
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line: unknown = Reflect.get(error, "lines");
    throw new TraceError(name, typeof line === "number" ? line : 1, error.message);
  }
}

function trimmed(cells: readonly string[]): string[] {
  return cells.map((cell) => cell.trim());
}

// ---- layouts ----

function findLayout(header: readonly string[], name: string, columns: string | undefined): Layout {
  if (columns !== undefined) return layoutFromColumns(header, name, columns);
  if (LONDON_HEADER.every((column, at) => header[at] === column)) {
    // The published files carry further columns about the household to the right of these four.
    const values: ValueColumn[] = [{ at: 3, name: "KWH/hh", unit: "kWh" }];
    return { width: header.length, stampAt: 2, values, householdAt: 0, step_s: 1_800 };
  }
  if (
    header.length >= 2 &&
    header.length <= PLAIN_HEADER.length &&
    header.every((column, at) => column === PLAIN_HEADER[at])
  ) {
    const values = header.map((column, at): ValueColumn => ({ at, name: column, unit: "kWh" })).slice(1);
    return { width: header.length, stampAt: 0, values, householdAt: null, step_s: null };
  }
  throw new TraceError(
    name,
    1,
    `this layout is not known. The columns are ${listed(header, 20)}; say which to read with ${COLUMNS_HELP}`,
  );
}

function layoutFromColumns(header: readonly string[], name: string, columns: string): Layout {
  const pattern = /^import=(.+?):(Wh|kWh|W|kW)(?:,export=(.+):(Wh|kWh|W|kW))?$/;
  const match = pattern.exec(columns);
  if (match === null) throw new TraceError(name, 1, `${show(columns)} does not read ${COLUMNS_HELP}`);
  const values: ValueColumn[] = [];
  for (const [column, unit] of [match.slice(1, 3), match.slice(3, 5)]) {
    if (column === undefined || !isUnit(unit)) continue;
    const at = header.indexOf(column.trim());
    if (at < 0 || header.lastIndexOf(column.trim()) !== at) {
      const found = at < 0 ? "no column" : "more than one column";
      throw new TraceError(
        name,
        1,
        `${found} is named ${show(column)}; the columns are ${listed(header, 20)}`,
      );
    }
    values.push({ at, name: column.trim(), unit });
  }
  const stampAt = header.findIndex((column) => /^(timestamp|datetime|time)$/i.test(column));
  return { width: header.length, stampAt: Math.max(stampAt, 0), values, householdAt: null, step_s: null };
}

function isUnit(text: string | undefined): text is Unit {
  return text !== undefined && Object.hasOwn(UNITS, text);
}

function chooseHousehold(
  csv: string,
  name: string,
  { householdAt, ...layout }: Layout,
  wanted: string | undefined,
): string | undefined {
  if (householdAt === null) {
    if (wanted === undefined) return undefined;
    throw new TraceError(name, 1, `household ${show(wanted)} was asked for, but this layout names none`);
  }
  const present = new Set<string>();
  eachRow(csv, name, { householdAt, ...layout }, (cells) => present.add(cells[householdAt] ?? ""));
  if (wanted !== undefined && present.has(wanted)) return wanted;
  const [only, ...others] = present;
  if (wanted === undefined && others.length === 0) return only;
  const asked = wanted === undefined ? "name one of the households" : `household ${show(wanted)} is not here`;
  throw new TraceError(name, 1, `${asked}; the file holds ${present.size}: ${listed([...present], 5)}`);
}

// ---- one row ----

function readRow(
  cells: readonly string[],
  line: number,
  context: { name: string; layout: Layout; offset_s: number; gaps: TraceOptions["gaps"] },
): Row {
  const { name, layout, offset_s, gaps } = context;
  const stamp = cells[layout.stampAt] ?? "";
  const time_s = parseStamp(stamp, offset_s);
  if (typeof time_s === "string") throw new TraceError(name, line, time_s);
  const values: Decimal[] = [];
  for (const column of layout.values) {
    const text = cells[column.at] ?? "";
    if (/^(null)?$/i.test(text)) {
      if (gaps === "absent") continue;
      const what = text === "" ? "empty" : text;
      throw new TraceError(
        name,
        line,
        `${stamp}: ${column.name} is ${what} (--gaps absent takes it as no power)`,
      );
    }
    const value = parseDecimal(text);
    if (typeof value === "string") throw new TraceError(name, line, `${stamp}: ${column.name} is ${value}`);
    values.push(value);
  }
  return { line, stamp, time_s, values: values.length === layout.values.length ? values : null };
}

/** Unix seconds of a stamp, or what is wrong with it. */
function parseStamp(text: string, offset_s: number): number | string {
  const match =
    /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):(\d\d))?$/.exec(
      text,
    );
  if (match === null) return `${show(text)} is not a stamp like 2012-10-12 00:30:00`;
  const part = (at: number) => Number(match[at] ?? 0);
  const date = new Date(Date.UTC(part(1), part(2) - 1, part(3)));
  const exists =
    // Date.UTC carries a 30 February into March: only dates that come back unchanged exist.
    date.getUTCFullYear() === part(1) &&
    date.getUTCMonth() === part(2) - 1 &&
    date.getUTCDate() === part(3) &&
    part(4) < 24 &&
    part(5) < 60 &&
    part(6) < 60 &&
    part(9) <= 14 &&
    part(10) < 60;
  if (!exists) return `${show(text)} is not a date and time that exists`;
  if (part(7) !== 0) return `${show(text)} is not on a whole second`;
  const zone_s = (part(9) * 60 + part(10)) * (match[8] === "-" ? -60 : 60);
  const ahead_s = match[8] !== undefined || text.endsWith("Z") ? zone_s : offset_s;
  const time_s = date.getTime() / 1_000 + part(4) * 3_600 + part(5) * 60 + part(6) - ahead_s;
  return time_s < 0 ? `${show(text)} is before 1970` : time_s;
}

/** A number that is not negative, or what is wrong with it. */
function parseDecimal(text: string): Decimal | string {
  // Exponents occur: data frames write small numbers as 5e-05. The lengths bound the work on hostile text.
  const match = /^([+-]?)(\d{0,30})(?:\.(\d{0,30}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text);
  const [, sign, whole = "", fraction = "", exponent = "0"] = match ?? [];
  if (whole + fraction === "") return `not a number: ${show(text)}`;
  const digits = BigInt(whole + fraction);
  if (sign === "-" && digits !== 0n) return `negative: ${show(text)}`;
  return { text, digits, places: fraction.length - Number(exponent) };
}

/** Whole mJ, rounded half up; may be beyond what a trace holds. */
function energyOf(value: Decimal, unit: Unit, step_s: number): bigint {
  const { mJ, perSecond } = UNITS[unit];
  const scaled = value.digits * BigInt(perSecond ? mJ * step_s : mJ);
  if (value.places <= 0) return scaled * 10n ** BigInt(-value.places);
  const one = 10n ** BigInt(value.places);
  return (2n * scaled + one) / (2n * one);
}

// ---- the sequence of rows ----

/** Checks that rows follow one another, and gathers their energies. */
class RowSequence {
  readonly #name: string;
  readonly #layout: Layout;
  readonly #gaps: TraceOptions["gaps"];
  readonly #rows: (readonly number[] | null)[] = [];
  #start_s = 0;
  #step_s: number | null;
  /** The newest row, whose energies are not in `#rows` yet: power needs the step, so the second row. */
  #last: Row | null = null;

  constructor(name: string, layout: Layout, gaps: TraceOptions["gaps"]) {
    this.#name = name;
    this.#layout = layout;
    this.#gaps = gaps;
    this.#step_s = layout.step_s;
  }

  append(row: Row): void {
    const last = this.#last;
    if (last === null) {
      this.#start_s = row.time_s;
      this.#last = row;
      return;
    }
    const distance_s = row.time_s - last.time_s;
    if (distance_s === 0) {
      this.#checkRepeated(row, last);
      return;
    }
    if (distance_s < 0) this.#refuse(row, `the stamp lies before that of line ${last.line} (${last.stamp})`);
    this.#step_s ??= this.#stepFrom(row, distance_s);
    const missing = distance_s / this.#step_s - 1;
    if (!Number.isInteger(missing)) {
      // London's files have a few Null rows at odd seconds, between the half hours, that stand for nothing.
      if (row.values === null) return;
      this.#refuse(row, `${distance_s} s after line ${last.line}, but a row covers ${this.#step_s} s`);
    }
    if (missing > 0) this.#checkGap(row, last, missing, distance_s);
    // This row, its predecessor and what is missing between them.
    if (this.#rows.length + missing + 2 > ROWS_MAX) this.#refuse(row, `the trace has over ${ROWS_MAX} rows`);
    this.#push(last, this.#step_s);
    for (let filled = 0; filled < missing; filled++) this.#rows.push(null);
    this.#last = row;
  }

  finish(): Trace {
    const last = this.#last;
    if (last === null) throw new TraceError(this.#name, 1, "there are no rows below the header");
    if (this.#step_s === null) this.#refuse(last, "one row alone does not tell how long a row is");
    this.#push(last, this.#step_s);
    return {
      start_s: this.#start_s,
      step_s: this.#step_s,
      channels: this.#layout.values.length === 1 ? [IMPORT_OBIS] : [IMPORT_OBIS, EXPORT_OBIS],
      rows: this.#rows,
    };
  }

  /** Returns if a row with the stamp of its predecessor may be dropped. */
  #checkRepeated(row: Row, last: Row): void {
    if (this.#gaps === "refuse") this.#refuse(row, `the stamp is already on line ${last.line}`);
    const written = (one: Row) => one.values?.map((value) => value.text).join();
    if (written(row) !== written(last)) this.#refuse(row, `contradicts line ${last.line} of the same stamp`);
  }

  #stepFrom(row: Row, distance_s: number): number {
    if (distance_s < STEP_MIN_S || distance_s > STEP_MAX_S) {
      this.#refuse(
        row,
        `the second row is ${distance_s} s after the first; a row covers ${STEP_MIN_S} to ${STEP_MAX_S} s`,
      );
    }
    return distance_s;
  }

  #checkGap(row: Row, last: Row, missing: number, distance_s: number): void {
    if (this.#gaps === "refuse") {
      const rows = missing === 1 ? "1 row is" : `${missing} rows are`;
      this.#refuse(
        row,
        `a gap: ${rows} missing after line ${last.line} (--gaps absent takes it as no power)`,
      );
    }
    if (distance_s > GAP_MAX_S) {
      this.#refuse(
        row,
        `a gap of over ${GAP_MAX_S / DAY_SECONDS} days after line ${last.line} (${last.stamp})`,
      );
    }
  }

  #push(row: Row, step_s: number): void {
    const energies = row.values?.map((value, channel) => {
      const column = this.#layout.values[channel];
      const energy_mJ = column === undefined ? 0n : energyOf(value, column.unit, step_s);
      if (energy_mJ > Number.MAX_SAFE_INTEGER) {
        this.#refuse(row, `${column?.name} is absurd: ${show(value.text)} is over 2,501 MWh in a row`);
      }
      return Number(energy_mJ);
    });
    this.#rows.push(energies ?? null);
  }

  #refuse(row: Row, what: string): never {
    throw new TraceError(this.#name, row.line, `${row.stamp}: ${what}`);
  }
}

// ---- text from the file in errors ----

/** Quoted, short, and without characters that would act on a terminal. */
function show(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}

function listed(names: readonly string[], count_max: number): string {
  const shown = names.slice(0, count_max).map(show).join(", ");
  return names.length > count_max ? `${shown}, ...` : shown;
}
