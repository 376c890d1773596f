import { describe, expect, it } from "vitest";
import { makeTables } from "../../../src/proofs/generators.js";
import { CommitmentKey } from "../../../src/trusted/sealing/commitment.js";
import { ENTRY_BYTES } from "../../../src/trusted/sealing/fixed-base.js";
import { passes, SELF_TESTS } from "../../../src/trusted/sealing/self-test.js";

const tables = makeTables(4);

/** Which self-tests fail with these tables, by their number in event 13. */
function failures(changes: Partial<typeof tables>): number[] {
  const key = new CommitmentKey({ ...tables, ...changes });
  return SELF_TESTS.map((test, at) => (passes(test, key) ? 0 : at + 1)).filter((number) => number > 0);
}

describe("the self-test", () => {
  it("passes with sound tables of any window", () => {
    for (const window of [3, 4, 5, 6]) expect(failures(makeTables(window))).toEqual([]);
  });

  it("fails when a table is not of its base", () => {
    expect(failures({ tableB: tables.tableBlinding })).toEqual([5, 6]);
    expect(failures({ tableBlinding: tables.tableB })).toEqual([4, 5]);
  });

  it("fails when a test throws, as noble does for a point without an inverse", () => {
    const throwing = () => {
      throw new Error("invZ was invalid");
    };
    expect(passes(throwing, new CommitmentKey(tables))).toBe(false);
  });

  it("fails, and does not throw, with tables of nothing but zeros or ones", () => {
    for (const byte of [0, 255]) {
      const blank = new Uint8Array(tables.tableB.length).fill(byte);
      expect(failures({ tableB: blank, tableBlinding: blank })).toEqual([4, 5, 6]);
    }
  });

  it("fails when one coordinate that it uses is damaged", () => {
    const damaged = tables.tableB.slice();
    const secondOfFirstWindow = 4 * ENTRY_BYTES; // 196 = 0xc4: the lowest digit is 4
    damaged[secondOfFirstWindow] = (damaged[secondOfFirstWindow] ?? 0) ^ 1;
    expect(failures({ tableB: damaged })).toContain(5);
  });
});
