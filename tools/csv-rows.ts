// Rows of a CSV file with a known header: within bounds, and with the line for what is wrong in one.
import { CsvError, parse } from "csv-parse/sync";
import { FormatError } from "../src/trusted/encoding/bytes.js";
import { readText } from "./command-line.js";

/** Rows that are read, at most. */
const ROWS_MAX = 2_000_000;

/** One row's cells by their column's name. */
export interface CsvRow {
  /** FormatError that names file and line. */
  readonly refuse: (what: string) => FormatError;
  /** The cell of a column of the header. */
  readonly cell: (column: string) => string;
}

export interface CsvFile {
  readonly header: readonly string[];
  readonly rows: readonly CsvRow[];
}

/**
 * @param columns that the header must begin with; what follows them is the caller's to judge.
 * @throws UsageError when the file cannot be read; FormatError when it is not CSV, its header is another, or a
 *   row has not as many cells as the header.
 */
export function readCsv(path: string, columns: readonly string[]): CsvFile {
  const [header, ...records] = parseCsv(path);
  if (columns.some((column, at) => header?.cells[at] !== column) || header === undefined) {
    throw new FormatError(`${path}:1: the header does not begin with ${columns.join(",")}`);
  }
  const positions = new Map(header.cells.map((column, at) => [column, at]));
  const rows = records.map(({ cells, line }): CsvRow => {
    const refuse = (what: string) => new FormatError(`${path}:${line}: ${what}`);
    if (cells.length !== header.cells.length) {
      throw refuse(`${cells.length} cells where the header has ${header.cells.length}`);
    }
    return { refuse, cell: (column) => cells[positions.get(column) ?? -1] ?? "" };
  });
  return { header: header.cells, rows };
}

function parseCsv(path: string): { readonly cells: readonly string[]; readonly line: number }[] {
  const text = readText(path);
  const records: { cells: readonly string[]; line: number }[] = [];
  try {
    parse(text, {
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (cells: string[], { lines }: { lines: number }) => {
        if (records.length > ROWS_MAX) throw new FormatError(`${path}:${lines}: more than ${ROWS_MAX} rows`);
        records.push({ cells, line: lines });
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line: unknown = Reflect.get(error, "lines");
    throw new FormatError(`${path}:${typeof line === "number" ? line : 1}: ${error.message}`);
  }
  return records;
}

/** Text of a file in an error: quoted and short. */
export const quoted = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);

/** A whole number of a cell. @throws FormatError unless it is one from min to max. */
export function wholeCell(row: CsvRow, column: string, min: number, max: number): number {
  const text = row.cell(column);
  const value = Number(text);
  if (!/^-?\d{1,16}$/.test(text) || value < min || value > max) {
    throw row.refuse(`${column} is ${quoted(text)}, not a whole number from ${min} to ${max}`);
  }
  return value;
}
