// The meter's code as a bare-metal image: the same bytes as Node's after a plug pulled within a program,
// deterministic counts within their limits, and locked memory. Needs the RISC-V tools and QEMU.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Rv32Run, runRv32 } from "../../host-sim/rv32/image.js";
import { creditFigures, overLimit, rv32Figures } from "../../host-sim/xs/budgets.js";
import { installSources } from "../../host-sim/xs/engine.js";
import {
  bootOnRv32,
  creditOnRv32,
  differences,
  fileDifferences,
  imageOf,
  operationsOnRv32,
  scenarioOnRv32,
} from "../../host-sim/xs/engines.js";
import { creditReference, type Reference, runReference } from "../../host-sim/xs/reference.js";

let reference: Reference;
beforeAll(() => {
  installSources();
  reference = runReference({ seed: 7, hours: 6 });
});

describe("the scenario on the bare board", () => {
  it("leaves the bytes that it leaves on Node, with built-ins in RAM", async () => {
    // Without a roster, which such a machine has the room for and hardly any to spare.
    const alone = runReference({ seed: 7, hours: 6, peers: 0 });
    expect(differences(alone, await scenarioOnRv32("ram", alone))).toEqual([]);
  });

  it("leaves them with built-ins in read-only memory, and every figure keeps its limit", async () => {
    const run = await scenarioOnRv32("rom", reference);
    expect(differences(reference, run)).toEqual([]);
    const operations = await operationsOnRv32("rom", reference);
    const boot = await bootOnRv32("rom", reference);
    const { size } = await imageOf("boot", "rom", reference);
    expect(overLimit(rv32Figures(operations, boot, run.costs, size))).toEqual([]);
    expect(await operationsOnRv32("rom", reference), "the counts of a second run").toEqual(operations);
  });
});

describe("weeks of credit on the bare board", () => {
  it("leave the bytes that they leave on Node, and every figure keeps its limit", async () => {
    const weeks = creditReference(reference);
    const { files, costs } = await creditOnRv32("rom", weeks);
    expect(fileDifferences(weeks.files, files)).toEqual([]);
    expect(overLimit(creditFigures(costs))).toEqual([]);
  });
});

describe("the board's memory", () => {
  it.each([
    "WRITE_CODE",
    "WRITE_ROM",
    "RUN_DATA",
  ] as const)("is locked: %s ends in a trap", async (trespass) => {
    const image = await imageOf("boot", "rom", reference);
    const folder = mkdtempSync(join(tmpdir(), "sealmeter-"));
    try {
      const run: Rv32Run = {
        flash: join(folder, "flash"),
        sectors: 1,
        input: new Uint8Array(0),
        out: join(folder, "files"),
        trespass,
      };
      const { exitCode, stdout } = await runRv32(image, run);
      expect(exitCode).not.toBe(0);
      expect(stdout).toContain("mcause");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
