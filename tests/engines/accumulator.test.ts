// firmware/native/accumulator.c gives the records of its reference, bit for bit, on 64 and 32 bits with the compiler's
// checks of undefined behaviour, and on a bare RV32IMC core. `npx sealmeter accumulator` does it with a million cycles
// on each. Needs gcc for both and, for the third, the RISC-V tools and QEMU.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  BUILDS,
  type BuildName,
  type Comparison,
  compareAccumulator,
  measureCost,
  withBuilds,
} from "../../host-sim/waveform/comparison.js";

const CYCLES: Readonly<Record<BuildName, number>> = { linux64: 50_000, linux32: 50_000, rv32: 10_000 };
const SEED = 2;
const SOURCE = "firmware/native/accumulator.c";

const compare = (name: BuildName, cycles: number, source?: string): Promise<Comparison> =>
  withBuilds([name], (builds) => compareAccumulator(SEED, { first: 0, cycles }, builds), source);

async function compareSpoilt(from: string, to: string): Promise<Comparison> {
  const folder = mkdtempSync(join(tmpdir(), "sealmeter-"));
  try {
    const text = readFileSync(SOURCE, "utf8");
    expect(text).toContain(from);
    const source = join(folder, "accumulator.c");
    writeFileSync(source, text.replace(from, to));
    return await compare("linux64", CYCLES.linux64, source);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the accumulator in C", () => {
  it.each(BUILDS)("gives the reference's records on %s", async (name) => {
    const { records, differences } = await compare(name, CYCLES[name]);
    expect(differences).toEqual([]);
    expect(records).toBeGreaterThanOrEqual(CYCLES[name]);
  });

  it.each([
    ["rounds otherwise", "value_Q8 - 128", "value_Q8 - 127"],
    ["smooths the period otherwise", "PERIOD_SMOOTHING 16", "PERIOD_SMOOTHING 15"],
    ["takes what is at the mean to be below it", "v_Q8 >= mean_Q8", "v_Q8 > mean_Q8"],
    ["forgets to say that a period is not whole", "a->isTimed = false;", ""],
  ])("is found out when it %s", async (_, from, to) => {
    const { differences } = await compareSpoilt(from, to);
    expect(differences.length).toBe(1);
    expect(differences[0]?.found).not.toBe(differences[0]?.expected);
    expect(differences[0]?.found).toMatch(/^[0-9a-f ]+$/);
  });

  it("ends the comparison when it does what C leaves undefined", async () => {
    const spoilt = compareSpoilt("isArmed = false;\n\t\t\tif", "if");
    await expect(spoilt).rejects.toThrow("division by zero");
  });

  it.each([
    ["no element", [0, 4000, 10]],
    ["four elements", [4, 4000, 10]],
    ["1,999 Hz", [1, 1999, 10]],
    ["16,001 Hz", [1, 16001, 10]],
    ["a queue without room", [1, 4000, 0]],
  ])("refuses %s", async (_, head) => {
    await withBuilds(["linux64"], async ([build]) => {
      const [program = "", ...options] = build?.command ?? [];
      const folder = mkdtempSync(join(tmpdir(), "sealmeter-"));
      writeFileSync(join(folder, "input"), new Uint8Array(Uint32Array.from([...head, 0]).buffer));
      const { stdout } = spawnSync(program, options, { cwd: folder, encoding: "utf8" });
      rmSync(folder, { recursive: true });
      expect(stdout).toBe("wrong input: the head\n");
    });
  });

  it("costs what docs/performance.md says", async () => {
    await withBuilds(["rv32"], async ([build]) => {
      if (!build) throw new Error("it was built");
      const one = await measureCost(build, 1, 4000);
      const three = await measureCost(build, 3, 4000);
      expect(one.duty).toBeLessThan(0.0015);
      expect(three.duty).toBeLessThan(0.0035);
      expect(await measureCost(build, 3, 4000), "the count of a second run").toEqual(three);
    });
  });
});
