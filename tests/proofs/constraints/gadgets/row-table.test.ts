import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RowTable } from "../../../../src/proofs/constraints/gadgets/row-table.js";
import { Linear, modulo } from "../../../../src/proofs/constraints/system.js";
import { L } from "../../../../src/trusted/sealing/edwards.js";
import { isRefused, isRefusedAlways, looseWires, prove, type Statement, verify } from "./cheating-system.js";

const ROWS = [
  [0n, 120n, -5n],
  [1n, 250n, 7n],
  [2n, 310n, 0n],
  [5n, 120n, 7n],
];

/** The rows whose keys are the committed values; the columns beside the keys are the result. */
const selected: Statement = (system, keys) => {
  const table = new RowTable(system, ROWS);
  const columns = keys.flatMap((key) => {
    const value = system.evaluate(key);
    const [found = Linear.constant(0n), ...others] = table.select(
      value === null
        ? null
        : Math.max(
            0,
            ROWS.findIndex(([first]) => first === value),
          ),
    );
    system.constrain(found.minus(key));
    return others;
  });
  table.finish();
  return columns;
};

/** That the committed values, three by three, are rows; `claimed` are their places as a prover tells them. */
const required =
  (...claimed: number[]): Statement =>
  (system, values) => {
    const table = new RowTable(system, ROWS);
    claimed.forEach((row, at) => {
      const columns = values.slice(3 * at, 3 * at + 3);
      const isProver = columns.every((column) => system.evaluate(column) !== null);
      table.require(columns, isProver ? row : null);
    });
    table.finish();
    return [table.total([10n, 100n, -1000n, 10_000n])];
  };

describe("a look-up", () => {
  test("gives the row of its key", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(ROWS.length - 1), { maxLength: 9 }), (places) => {
        const keys = places.map((place) => ROWS[place]?.[0] ?? 0n);
        const { broken, values } = prove(selected, keys);
        expect(broken.size).toBe(0);
        expect(values).toEqual(places.flatMap((place) => (ROWS[place] ?? []).slice(1).map(modulo)));
      }),
      { numRuns: 30 },
    );
  });

  test("of a key that no row has is refused", () => {
    for (const key of [3n, 4n, 6n, L - 1n]) expect(isRefusedAlways(selected, [key], {})).toBe(true);
  });

  test("refuses the values of another row, swapped columns and a mixture of two rows", () => {
    for (const columns of [
      [1n, 120n, -5n],
      [1n, 7n, 250n],
      [0n, 250n, 7n],
      [1n, 250n, -5n],
      [3n, 430n, 7n],
    ]) {
      for (const claimed of [0, 1, 2, 3]) {
        expect(isRefusedAlways(required(claimed), columns, {})).toBe(true);
      }
    }
  });

  test("refuses half of one row and half of another, even half of each multiplicity", () => {
    const half = (L + 1n) / 2n;
    const mean = [0, 1, 2].map((at) => modulo(((ROWS[0]?.[at] ?? 0n) + (ROWS[2]?.[at] ?? 0n)) * half));
    const wires = { "left 0": half, "left 1": half };
    expect(isRefusedAlways(required(0), mean, {})).toBe(true);
    expect(isRefusedAlways(required(0), mean, { wires })).toBe(true);
  });

  test("refuses columns exchanged between two rows that are looked up", () => {
    const rows = [1n, 250n, 7n, 0n, 120n, -5n];
    expect(isRefused(prove(required(1, 0), rows))).toBe(false);
    expect(isRefusedAlways(required(1, 0), [1n, 120n, 7n, 0n, 250n, -5n], {})).toBe(true);
    expect(isRefusedAlways(required(1, 0), [0n, 250n, 7n, 1n, 120n, -5n], {})).toBe(true);
  });

  test("leaves only the spare wire of an odd row to choose", () => {
    expect(looseWires(selected, [2n])).toEqual(["right 1"]);
    expect(looseWires(required(1), [1n, 250n, 7n])).toEqual([]);
  });
});

describe("a total of a table", () => {
  test("is the sum of a further column over all look-ups", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(ROWS.length - 1), { minLength: 1, maxLength: 9 }), (places) => {
        const { broken, values } = prove(
          required(...places),
          places.flatMap((place) => ROWS[place] ?? []),
        );
        const sum = places.reduce((total, place) => total + ([10n, 100n, -1000n, 10_000n][place] ?? 0n), 0n);
        expect([broken.size, values[0]]).toEqual([0, modulo(sum)]);
      }),
      { numRuns: 20 },
    );
  });

  test("of rows other than those looked up is refused", () => {
    const row = ROWS[3] ?? [];
    expect(prove(required(3), row).values).toEqual([10_000n]);
    for (const claimed of [0, 1, 2]) expect(isRefusedAlways(required(claimed), row, {})).toBe(true);
  });
});

describe("a table", () => {
  test("is the same system for prover and verifier", () => {
    const prover = prove(selected, [5n, 0n], { challenge: 99n });
    const verifier = verify(selected, 2, 99n);
    expect(verifier.constraints).toEqual(prover.constraints);
    expect([verifier.first, verifier.second]).toEqual([prover.first, prover.second]);
  });

  test("that nobody looks up costs nothing", () => {
    expect(prove(selected, [])).toMatchObject({ first: 0, second: 0 });
  });

  test("with a row twice, of no rows, or of uneven rows is a fault of the program", () => {
    const made =
      (rows: bigint[][]): Statement =>
      (system) => {
        new RowTable(system, rows).finish();
        return [];
      };
    expect(() => prove(made([[1n], [1n + L]]), [])).toThrow("rows are distinct");
    expect(() => prove(made([]), [])).toThrow("a table has its size");
    expect(() => prove(made([[1n], [1n, 2n]]), [])).toThrow("the same columns");
  });

  test("that is not finished stops both parties", () => {
    const unfinished: Statement = (system) => {
      new RowTable(system, ROWS);
      return [];
    };
    expect(() => prove(unfinished, [])).toThrow("finished in the first phase");
    expect(() => verify(unfinished, 0, 1n)).toThrow("finished in the first phase");
  });

  test("refuses a challenge that is minus one of its rows", () => {
    const onlyKeys: Statement = (system, [key = Linear.constant(0n)]) => {
      const table = new RowTable(system, [[3n], [4n]]);
      table.require([key], system.evaluate(key) === null ? null : 0);
      table.finish();
      return [];
    };
    expect(() => verify(onlyKeys, 1, L - 3n)).toThrow("a challenge is minus an entry");
    expect(() => verify(onlyKeys, 1, L - 5n)).not.toThrow();
  });
});
