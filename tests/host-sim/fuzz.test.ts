// The fuzzer finds nothing in the code as it is, and finds what is planted in it.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseTree } from "../../host-sim/fuzz/cbor-tree.js";
import type { Fuzzer } from "../../host-sim/fuzz/fuzz.js";
import { array, bstr, int, map, tstr } from "../../src/trusted/encoding/cbor.js";
import { encodeSign1 } from "../../src/trusted/encoding/cose.js";
import { ok, run } from "../tools/run.js";

const BLOCKS_MAX = 80;

describe("20,000 mutants and as many junk messages", () => {
  it("are refused at every target, and cost a measuring meter no reading", async () => {
    const { mutants, accepted, uncaught, deep, targets, junk, findings } = JSON.parse(
      await ok("fuzz", "--messages", "20000", "--json"),
    );
    expect({ mutants, accepted, uncaught, findings }).toEqual({
      mutants: 20_000,
      accepted: 0,
      uncaught: 0,
      findings: [],
    });
    expect(targets.length).toBeGreaterThan(35);
    expect(deep / mutants).toBeLessThan(0.06);
    expect(junk).toMatchObject({ messages: 20_000, harm: null });
    expect(junk.refused).toBe(20_000 - junk.deliveries);
  });

  it("follow from the seed and their numbers alone", async () => {
    const again = async (seed: string, mutant: string) =>
      ok("fuzz", "--seed", seed, "--only", mutant, "--json");
    const first = await again("3", "777");
    expect(await again("3", "777")).toBe(first);
    expect(await again("3", "778")).not.toBe(first);
    expect(await again("4", "777")).not.toBe(first);
  });

  it.each([[["--messages", "0"]], [["--seed", "-1"]], [["--only", "one"]]])("are not %j", async (options) => {
    expect((await run("fuzz", ...options)).code).toBe(2);
  });
});

/** Plays blocks until something is found, and plays that alone again. */
async function findPlanted(seed = 1) {
  const { Fuzzer: Anew } = await import("../../host-sim/fuzz/fuzz.js");
  const fuzzer: Fuzzer = new Anew(seed);
  for (let block = 0; block < BLOCKS_MAX; block++) {
    const [finding] = fuzzer.playBlock(block).findings;
    if (finding) return { finding, again: fuzzer.playOnly(finding.mutant) };
  }
  throw new Error("nothing was found");
}

describe("a fault that is planted is found", () => {
  afterEach(() => {
    vi.doUnmock("../../src/trusted/authority/command.js");
    vi.doUnmock("../../src/trusted/authority/pairing.js");
    vi.doUnmock("../../src/trusted/blinding/memory.js");
    vi.doUnmock("../../src/trusted/sealing/signature.js");
    vi.restoreAllMocks();
    vi.resetModules();
  });

  it("in decoders that take trailing bytes", async () => {
    vi.resetModules();
    const { CborReader } = await import("../../src/trusted/encoding/cbor.js");
    vi.spyOn(CborReader.prototype, "end").mockReturnValue(undefined);
    const { again } = await findPlanted();
    expect(again.shot).toMatchObject({ verdict: "accepted" });
  });

  it("in a unit that takes a command with any counter", async () => {
    vi.resetModules();
    vi.doMock("../../src/trusted/authority/command.js", async (original) => {
      const actual = await original<typeof import("../../src/trusted/authority/command.js")>();
      const effectOf: typeof actual.effectOf = (command, receipt, circumstances) => {
        const counter = (circumstances.state.counters[actual.ROLES.indexOf(command.role)] ?? 0) + 1;
        return actual.effectOf({ ...command, counter }, receipt, circumstances);
      };
      return { ...actual, effectOf };
    });
    const { finding, again } = await findPlanted();
    expect(finding.target).toMatch(/^unit, time/);
    expect(again.shot).toMatchObject({ verdict: "accepted", what: finding.what });
  });

  it("in a unit that accepts any repair of its aggregator's", async () => {
    vi.resetModules();
    vi.doMock("../../src/trusted/blinding/memory.js", async (original) => ({
      ...(await original<typeof import("../../src/trusted/blinding/memory.js")>()),
      checkRepair: () => {},
    }));
    const { finding, again } = await findPlanted();
    expect(finding.target).toBe("unit, time known");
    expect(again.shot).toMatchObject({ verdict: "accepted", what: finding.what });
  });

  it("in a verifier that takes S + l for S", async () => {
    vi.resetModules();
    vi.doMock("../../src/trusted/sealing/signature.js", async (original) => {
      const actual = await original<typeof import("../../src/trusted/sealing/signature.js")>();
      const verifyDocument: typeof actual.verifyDocument = (type, document, key, base) => {
        const { Fn } = ed25519.Point;
        const S = Fn.toBytes(Fn.create(bytesToNumberLE(document.signature.slice(32))));
        return actual.verifyDocument(
          type,
          { ...document, signature: concatBytes(document.signature.slice(0, 32), S) },
          key,
          base,
        );
      };
      return { ...actual, verifyDocument };
    });
    expect((await findPlanted()).again.shot.verdict).toBe("accepted");
  });

  it("in an error that is none of ours", async () => {
    vi.resetModules();
    vi.doMock("../../src/trusted/authority/pairing.js", async (original) => {
      const actual = await original<typeof import("../../src/trusted/authority/pairing.js")>();
      const agree: typeof actual.agree = (scalar, point) => {
        if ((point[31] ?? 0) > 127) throw new TypeError("planted");
        return actual.agree(scalar, point);
      };
      return { ...actual, agree };
    });
    expect((await findPlanted()).finding.what).toBe("TypeError: planted");
  });
});

describe("a tree of CBOR", () => {
  it("opens what byte strings hold, and no digest or signature", () => {
    const document = encodeSign1("batch-1", {
      kid: new Uint8Array(8),
      payload: map([1, tstr("more than a digest is")]),
      signature: new Uint8Array(64),
    });
    const root = parseTree(array(int(3), bstr(document)));
    const [, held] = root?.items ?? [];
    const [, , payload, signature] = held?.items[0]?.items[0]?.items ?? [];
    expect(payload?.items[0]?.items).toHaveLength(2);
    expect(signature?.items).toEqual([]);
  });

  it.each([
    ["cut short", Uint8Array.of(0x82, 1)],
    ["followed by more", Uint8Array.of(1, 1)],
    ["of an indefinite length", Uint8Array.of(0x9f, 0xff)],
    ["nested without end", new Uint8Array(1000).fill(0x81)],
  ])("is none for bytes that are %s", (_, bytes) => {
    expect(parseTree(bytes)).toBeNull();
  });
});
