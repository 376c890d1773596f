// The slides' "look-up": that several secret numbers together are a row of a public table, without telling which.
// A row is looked up as one number, its columns weighted by powers of a challenge, in the argument of
// look-up-argument.ts.
import { assert } from "../../../trusted/encoding/bytes.js";
import { type FirstPhase, Linear, modulo } from "../system.js";
import { freeWires } from "./free-wires.js";
import { countEntries, proveLookUps } from "./look-up-argument.js";

/** Most rows of one table. */
export const ROWS_MAX = 65_536;
/** Most columns. */
export const COLUMNS_MAX = 16;

/**
 * One public table of integers, and all its look-ups in one statement.
 *
 * Cost: in the first phase half a multiplier a row once (none at all for a table that is not used), and half of
 * one for every column that `select` returns (rounded up for each row; `require` costs none); in the second phase
 * 1 a look-up, of however many columns.
 *
 * Soundness beyond that of the argument: columns are weighted by 1, gamma, gamma^2, ..., so what differs, numbers
 * from a row or two rows, agrees in weight for fewer gammas than there are columns. With N look-ups and R rows that
 * happens with a probability below (N + R)·R·columns/l: for 2^11, 2^16 and 2^4 2^-215.
 */
export class RowTable {
  readonly #system: FirstPhase;
  readonly #rows: readonly (readonly bigint[])[];
  readonly #width: number;
  readonly #lookUps: { readonly columns: readonly Linear[]; readonly row: number | null }[] = [];
  #multiplicities: readonly Linear[] | null = null;

  /**
   * @param rows 1 to 65,536, distinct, each of the same 1 to 16 columns; any integers, taken modulo l. A statement
   *   that is proved without `finish` fails by an assertion of both parties.
   */
  constructor(system: FirstPhase, rows: readonly (readonly bigint[])[]) {
    this.#system = system;
    this.#rows = rows.map((row) => row.map(modulo));
    this.#width = rows[0]?.length ?? 0;
    assert(rows.length <= ROWS_MAX && this.#width >= 1 && this.#width <= COLUMNS_MAX, "a table has its size");
    assert(
      rows.every((row) => row.length === this.#width),
      "all rows have the same columns",
    );
    assert(new Set(this.#rows.map((row) => row.join())).size === rows.length, "rows are distinct");
    system.randomize(() => assert(this.#multiplicities !== null, "a table is finished in the first phase"));
  }

  /**
   * Wires for the columns of a row that the prover chooses: nothing else is proved of it, so that the caller
   * constrains the column that is the key.
   * @param row its place in the table, from 0 on; null in a verifier's system.
   */
  select(row: number | null): Linear[] {
    const values = row === null ? null : this.#rows[row];
    assert(values !== undefined, "a row is of the table");
    const wires = Array.from({ length: this.#width }, (_, column) => values?.[column] ?? null);
    const columns = freeWires(this.#system, wires);
    this.require(columns, row);
    return columns;
  }

  /**
   * That these numbers are a row.
   * @param row its place, from 0 on; null in a verifier's system.
   */
  require(columns: readonly Linear[], row: number | null): void {
    assert(this.#multiplicities === null, "a table is not finished yet");
    assert(columns.length === this.#width, "a look-up has the table's columns");
    this.#lookUps.push({ columns, row });
  }

  /** Proves all look-ups; once, after the last of them. */
  finish(): void {
    assert(this.#multiplicities === null, "a table is finished once");
    const lookUps = this.#lookUps;
    if (lookUps.length === 0) {
      this.#multiplicities = [];
      return;
    }
    const counts = countEntries(
      this.#rows.length,
      lookUps.map(({ row }) => row),
    );
    const multiplicities = freeWires(this.#system, counts);
    this.#multiplicities = multiplicities;
    this.#system.randomize((system) => {
      const beta = system.challenge("row");
      const gamma = system.challenge("column");
      const powers: bigint[] = [1n];
      while (powers.length < this.#width) powers.push(modulo((powers[powers.length - 1] ?? 0n) * gamma));
      const numbers = lookUps.map(({ columns }) =>
        Linear.sum([Linear.constant(beta), ...columns.map((sum, at) => sum.times(powers[at] ?? 0n))]),
      );
      const entries = this.#rows.map((row) =>
        modulo(row.reduce((sum, value, at) => sum + value * (powers[at] ?? 0n), beta)),
      );
      proveLookUps(system, numbers, entries, multiplicities);
    });
  }

  /**
   * The sum, over all look-ups, of a further column that no look-up brings: since the multiplicities are the true
   * numbers of look-ups of each row, it is linear in them. Cost: nothing. After `finish`.
   * @param column any integers, one a row.
   */
  total(column: readonly bigint[]): Linear {
    assert(this.#multiplicities !== null, "a table is finished before its totals");
    assert(column.length === this.#rows.length, "a column has a value for every row");
    return Linear.sum(this.#multiplicities.map((multiplicity, row) => multiplicity.times(column[row] ?? 0n)));
  }
}
