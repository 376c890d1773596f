// The meter's code on the real XS engine: the same bytes as Node's for the same seed, in a hard arena, whatever
// the network machine beside it does. Needs a C compiler for 64 and 32 bits (docs/performance.md).
import { concatBytes } from "@noble/hashes/utils.js";
import { beforeAll, describe, expect, it } from "vitest";
import { computronFigures, heldFigures, overLimit } from "../../host-sim/xs/budgets.js";
import { installSources } from "../../host-sim/xs/engine.js";
import {
  creditOnXs,
  differences,
  fileDifferences,
  guardedOnXs,
  heldOnXs,
  operationsOnXs,
  scenarioOnXs,
} from "../../host-sim/xs/engines.js";
import { bundleProgram } from "../../host-sim/xs/programs.js";
import { creditReference, type Reference, type RunFiles, runReference } from "../../host-sim/xs/reference.js";
import { checkMeter } from "../../src/customer/check.js";
import { decodePairing } from "../../src/customer/messages.js";
import { agree } from "../../src/trusted/authority/pairing.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { customerKey } from "../../src/trusted/sealing/keys.js";
import { FATAL, MEDDLING, NUISANCES } from "./neighbours.js";

const SEED = 7;
let reference: Reference;
beforeAll(() => {
  installSources();
  reference = runReference({ seed: SEED, hours: 6 });
});

/** Items of a file that is a CBOR sequence of documents tagged 18 or of arrays, each found by decoding. */
function batchesIn(sequence: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let from = 0; from < sequence.length; ) {
    let to = from + 1;
    while (to <= sequence.length && !isDocument(sequence.subarray(from, to))) to++;
    found.push(sequence.slice(from, to));
    from = to;
  }
  return found;
}

function isDocument(bytes: Uint8Array): boolean {
  try {
    decodeSign1(bytes, "batch-1", 1024);
    return true;
  } catch {
    return false;
  }
}

/** The customer's whole check of what a run left. */
function checkFiles({ files }: RunFiles): number {
  const { parties, enrolment } = reference;
  const file = (name: string) => files.get(name) ?? new Uint8Array(0);
  const { epoch, ephemeral } = decodePairing(decodeSign1(file("pairing"), "pairing-1", 512).payload);
  const { secret, user } = parties.customer;
  const { meterId } = reference.input.plan;
  const K = customerKey(agree(secret, ephemeral), { meterId, epoch, user, ephemeral });
  const record = {
    certificate: enrolment.certificate,
    batches: batchesIn(file("batch")),
    readings: file("reading"),
    events: file("event"),
    pairings: [file("pairing")],
  };
  const checked = checkMeter(record, { meterId, epoch, K }, parties.authority.publicKey);
  return checked.batches.reduce((sum, { statement }) => sum + statement.intervalCount, 0);
}

describe.each([64, 32] as const)("the scenario on XS for %i bits", (bits) => {
  it("leaves the files and the chip that it leaves on Node, after a plug pulled within a program", async () => {
    const run = await scenarioOnXs(bits, reference);
    expect(differences(reference, run)).toEqual([]);
  });
});

describe("a meter on pre-payment", () => {
  let prepaid: Reference;
  beforeAll(() => {
    prepaid = runReference({ seed: SEED, hours: 6, prepaid: true });
  });

  it.each([64, 32] as const)("leaves on XS for %i bits what it leaves on Node", async (bits) => {
    expect(differences(prepaid, await scenarioOnXs(bits, prepaid))).toEqual([]);
  });

  it("goes through all that there is to go through: the comparison is of something", () => {
    const told = new TextDecoder().decode(prepaid.files.get("credit"));
    for (const line of ["switched off by order", "hold the button to close", "time unknown", "is used up"])
      expect(told).toContain(line);
    expect(new TextDecoder().decode(prepaid.files.get("display"))).toContain("load switch closed");
    expect(prepaid.files.get("pages")?.length).toBe(8 * 1024);
  });

  it.each([64, 32] as const)("draws weeks of credit on XS for %i bits as on Node", async (bits) => {
    const weeks = creditReference(reference);
    const { files } = await creditOnXs(bits, weeks);
    expect(fileDifferences(weeks.files, files)).toEqual([]);
    expect(files.get("accounts")?.length).toBeGreaterThan(40_000);
  });

  it("holds no more memory beside the unit than its limit", async () => {
    expect(overLimit(heldFigures(await heldOnXs(reference)))).toEqual([]);
  });
});

describe("the comparison", () => {
  it("finds a single changed bit, a missing file and a longer one", () => {
    const { cells } = reference;
    const changed = new Map(reference.files);
    const reading = concatBytes(changed.get("reading") ?? new Uint8Array(0));
    reading[5] = (reading[5] ?? 0) ^ 1;
    changed
      .set("reading", reading)
      .set("batch", concatBytes(changed.get("batch") ?? cells, Uint8Array.of(0)));
    changed.delete("event");
    const flipped = cells.slice();
    flipped[9] = (flipped[9] ?? 0) ^ 128;
    const batchBytes = reference.files.get("batch")?.length ?? 0;
    expect(differences(reference, { files: changed, cells: flipped })).toEqual([
      { file: "batch", byte: batchBytes },
      { file: "event", byte: -1 },
      { file: "reading", byte: 5 },
      { file: "flash", byte: 9 },
    ]);
  });

  it("is of something: the files pass the customer's check, and hold a signed batch", () => {
    expect(checkFiles(reference)).toBeGreaterThan(8);
  });
});

describe("the work on XS", () => {
  it("costs the same computrons on 64 and 32 bits, and no more than its limits", async () => {
    const [wide, narrow] = [await operationsOnXs(64, reference), await operationsOnXs(32, reference)];
    const names = computronFigures(narrow).map(({ name }) => name);
    for (const name of names) expect(narrow[name]?.computrons, name).toBe(wide[name]?.computrons);
    expect(overLimit(computronFigures(narrow))).toEqual([]);
  });
});

describe("a unit beside a network machine", () => {
  const wellBehaved = async () => guardedOnXs(await bundleProgram("neighbour"), reference);
  let expected: Awaited<ReturnType<typeof wellBehaved>>;
  beforeAll(async () => {
    expected = await wellBehaved();
  });
  const faultsOf = ({ stdout }: { stdout: string }) => (JSON.parse(stdout) as { faults: number }).faults;

  it("that is well-behaved seals and sends what the customer's check accepts, and is never restarted", () => {
    expect([expected.exitCode, faultsOf(expected)]).toEqual([0, 0]);
    expect(checkFiles(expected)).toBeGreaterThan(8);
  });

  const same = (actual: RunFiles) => {
    const files = ({ files: all }: RunFiles) =>
      [...all].map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")]).sort();
    expect(files(actual)).toEqual(files(expected));
  };

  it.each(Object.entries(FATAL))("that %s is restarted, and the same bytes are sealed", async (_, source) => {
    const run = await guardedOnXs(new TextEncoder().encode(source), reference);
    expect(run.exitCode).toBe(0);
    same(run);
    expect(faultsOf(run)).toBeGreaterThan(0);
  });

  it.each(Object.entries(NUISANCES))("that %s changes no byte that is sealed", async (_, source) => {
    const run = await guardedOnXs(new TextEncoder().encode(source), reference);
    expect(run.exitCode).toBe(0);
    same(run);
  });

  it.each(Object.entries(MEDDLING))("that %s records and seals the same bytes", async (_, source) => {
    const program = new TextDecoder().decode(await bundleProgram("neighbour"));
    const run = await guardedOnXs(new TextEncoder().encode(`${source}\n${program}`), reference);
    expect(run.exitCode).toBe(0);
    same(run);
  });
});
