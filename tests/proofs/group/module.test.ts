// The committed module is what the compiler makes of its sources, and its sums of secrets run the same whatever
// the secrets are.
import { readFileSync } from "node:fs";
import binaryen from "assemblyscript/binaryen";
import { describe, expect, it } from "vitest";
import type { Exports } from "../../../src/proofs/group/machine.js";
import { MODULE } from "../../../src/proofs/group/module.js";
import { compileModule, MODULE_PATH, moduleSource } from "../../../tools/group-module.js";
import { le32, ORDER, spread } from "./kit.js";

const WASM = Uint8Array.from(Buffer.from(MODULE, "base64"));

describe("the module", () => {
  it("is byte for byte what its sources compile to", async () => {
    const bytes = await compileModule();
    expect(readFileSync(MODULE_PATH, "utf8")).toBe(moduleSource(bytes));
  });

  it("imports nothing, and its memory has a limit", () => {
    const module = binaryen.readBinary(WASM);
    expect(module.getMemoryInfo()).toMatchObject({ initial: 2, max: 512, shared: false });
    const imported = Array.from({ length: module.getNumFunctions() }, (_, at) =>
      binaryen.getFunctionInfo(module.getFunctionByIndex(at)),
    ).filter(({ module: from }) => from !== "");
    expect(imported).toEqual([]);
    module.dispose();
  });
});

/** The module with a call before each load and store, with its address, and at each function, loop and return. */
function instrumented(): Uint8Array {
  const module = binaryen.readBinary(WASM);
  module.setFeatures(binaryen.Features.All);
  module.runPasses(["log-execution", "instrument-memory"]);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

type Run = (module: Exports, sum: number, scalars: number, points: number, work: number) => void;
const POINTS = 2;
const SCALAR_BYTES = 32;
const POINT_BYTES = 144;

/** A digest of all that a run over two points does, and how many steps that were. */
function traceOf(wasm: Uint8Array, scalars: readonly bigint[], run: Run): { steps: number; digest: number } {
  const trace = { steps: 0, digest: 0 };
  const note = (...values: readonly number[]) => {
    trace.steps++;
    for (const value of values) trace.digest = (Math.imul(trace.digest, 0x01000193) ^ value) >>> 0;
  };
  const access = (place: number, _bytes: number, _offset: number, at: number) => {
    note(place, at);
    return at;
  };
  // Of loads and stores the addresses count, not what is there.
  const watched = new Map<string, unknown>([
    ["log_execution", (place: number) => note(place)],
    ["load_ptr", access],
    ["store_ptr", access],
  ]);
  const unwatched = (_place: number, value: unknown) => value;
  const module = new WebAssembly.Module(wasm);
  const env = WebAssembly.Module.imports(module).map(({ name }) => [name, watched.get(name) ?? unwatched]);
  const { exports } = new WebAssembly.Instance<Exports>(module, { env: Object.fromEntries(env) });
  const [sum, first] = [exports.heap(), exports.heap() + POINT_BYTES];
  const points = first + POINTS * SCALAR_BYTES;
  const memory = new Uint8Array(exports.memory.buffer);
  scalars.forEach((scalar, at) => {
    memory.set(le32(scalar), first + at * SCALAR_BYTES);
  });
  exports.doubleAll(points, exports.BASE.value, 1);
  exports.doubleAll(points + POINT_BYTES, points, 1);
  trace.steps = 0;
  trace.digest = 0;
  run(exports, sum, first, points, points + POINTS * POINT_BYTES);
  return trace;
}

describe("the sum of secrets", () => {
  const wasm = instrumented();
  const secret: Run = (module, sum, scalars, points, work) =>
    module.sumSecret(sum, scalars, points, POINTS, work);
  const open: Run = (module, sum, scalars, points, work) => module.straus(sum, scalars, points, POINTS, work);
  const choices = [
    [0n, 0n],
    [1n, ORDER - 1n],
    [2n ** 252n, 8n],
    [0x8888888888888888n, 0x7777777777777777n],
    ...Array.from({ length: 4 }, (_, at) => spread(2 * at + 2, ORDER).slice(2 * at)),
  ];

  it("calls, loops, loads and stores the same way for any scalars", () => {
    const traces = choices.map((scalars) => traceOf(wasm, scalars, secret));
    expect(traces[0]?.steps).toBeGreaterThan(10_000);
    for (const trace of traces) expect(trace).toEqual(traces[0]);
  });

  it("differs in that from the sum of public scalars", () => {
    const traces = choices.map((scalars) => traceOf(wasm, scalars, open).digest);
    expect(new Set(traces).size).toBe(choices.length);
  });
});
