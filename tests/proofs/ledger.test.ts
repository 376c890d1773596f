import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchLedger, type ChainLink } from "../../src/proofs/ledger.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { asciiBytes, FormatError } from "../../src/trusted/encoding/bytes.js";
import { digest } from "../../src/trusted/sealing/keys.js";

const meterId = "SM-0001";
const zeros = new Uint8Array(32);
const H = (text: string) => digest(asciiBytes(text));

/** The link of batch n of a chain by name; the names of two chains differ from some number on. */
function linkOf(name: (n: number) => string, batchNumber: number): ChainLink {
  const at = (n: number) => H(`${name(n)} ${n}`);
  const previousBatchDigest = batchNumber === 0 ? zeros : at(batchNumber - 1);
  return { meterId, batchNumber, digest: at(batchNumber), previousBatchDigest };
}
const honest = (n: number) => linkOf(() => "a", n);
/** A chain that leaves the honest one at batch 3. */
const forked = (n: number) => linkOf((k) => (k < 3 ? "a" : "b"), n);

const record = (ledger: BatchLedger, links: readonly ChainLink[]) =>
  links.map((link) => {
    try {
      ledger.record(link);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(VerificationError);
      return false;
    }
  });

const stored = (ledger: BatchLedger): unknown => JSON.parse(JSON.stringify(ledger));
const refusedIn = (ledger: BatchLedger) => ledger.conflicts.map(({ batchNumber }) => batchNumber).sort();

describe("a batch ledger", () => {
  it("takes one chain in any order, each link as often as it comes", () => {
    const links = Array.from({ length: 8 }, (_, n) => honest(n));
    fc.assert(
      fc.property(fc.shuffledSubarray([...links, ...links]), (order) => {
        const ledger = new BatchLedger();
        expect(record(ledger, order)).not.toContain(false);
        expect(ledger.conflicts).toEqual([]);
        expect(ledger.size).toBe(new Set(order).size);
      }),
    );
  });

  it("refuses both statements of a number, in any order, now and later", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([2, 3, 3.5, 4], { minLength: 4 }), (order) => {
        const ledger = new BatchLedger();
        const links = order.map((n) => (n === 3.5 ? forked(3) : honest(n)));
        record(ledger, links);
        expect(refusedIn(ledger)).toContain(3);
        expect(record(ledger, [honest(3), forked(3)])).toEqual([false, false]);
      }),
    );
  });

  it("refuses both ends of a broken link, whichever comes first", () => {
    for (const order of [
      [honest(3), forked(4)],
      [forked(4), honest(3)],
    ]) {
      const ledger = new BatchLedger();
      expect(record(ledger, order)).toEqual([true, false]);
      expect(refusedIn(ledger)).toEqual([3, 4]);
      expect(record(ledger, order)).toEqual([false, false]);
      expect(record(ledger, [honest(2)])).toEqual([true]);
    }
  });

  it("refuses a batch that breaks with both its neighbours, and them", () => {
    const ledger = new BatchLedger();
    const between = linkOf(() => "c", 3);
    expect(record(ledger, [honest(2), honest(4), between])).toEqual([true, true, false]);
    expect(refusedIn(ledger)).toEqual([2, 3, 4]);
  });

  it("refuses a first batch that claims a predecessor", () => {
    const ledger = new BatchLedger();
    const first = { ...honest(0), previousBatchDigest: H("x") };
    expect(() => ledger.record(first)).toThrow(
      new VerificationError("SM-0001: batch 0 claims a predecessor"),
    );
    expect(refusedIn(ledger)).toEqual([0]);
  });

  it("says what it refused and why, once a batch", () => {
    const ledger = new BatchLedger();
    record(ledger, [honest(3), forked(3), forked(3), forked(4)]);
    expect(ledger.conflicts).toEqual([
      { meterId, batchNumber: 3, reason: "SM-0001: two different batches 3 are signed" },
      { meterId, batchNumber: 4, reason: "SM-0001: batch 4 does not follow batch 3, both are refused" },
    ]);
  });

  it("keeps meters apart", () => {
    const ledger = new BatchLedger();
    const other = { ...forked(3), meterId: "SM-0002" };
    expect(record(ledger, [honest(3), other])).toEqual([true, true]);
  });

  it("refuses to record more than it can hold, but knows what it holds", () => {
    const ledger = new BatchLedger(2);
    record(ledger, [honest(0), honest(1), honest(0)]);
    expect(() => ledger.record(honest(2))).toThrow(new RangeError("ledger is full with 2 batches"));
    expect(record(ledger, [honest(1), { ...honest(1), digest: H("x") }])).toEqual([true, false]);
  });

  it("comes back from its stored form with all that it knew", () => {
    const links = [0, 1, 2, 3, 4].flatMap((n) => [
      honest(n),
      forked(n),
      { ...honest(n), meterId: "SM-0002" },
    ]);
    fc.assert(
      fc.property(fc.shuffledSubarray(links), fc.shuffledSubarray(links), (before, after) => {
        const ledger = new BatchLedger();
        record(ledger, before);
        const restored = BatchLedger.fromJSON(stored(ledger));
        expect(stored(restored)).toEqual(stored(ledger));
        expect(record(restored, after)).toEqual(record(ledger, after));
        expect(restored.conflicts).toEqual(ledger.conflicts);
      }),
    );
  });

  const hex = "00".repeat(32);
  const batch = [meterId, 1, hex, hex];
  const conflict = [meterId, 1, "forked"];
  const store = (batches: unknown, conflicts: unknown = []) => ({ batches, conflicts });
  it.each<[string, unknown]>([
    ["nothing", null],
    ["a text", "ledger"],
    ["a list", []],
    ["no conflicts", { batches: [] }],
    ["batches that are none", store({})],
    ["a batch that is no list", store([meterId])],
    ["a batch of three items", store([batch.slice(0, 3)])],
    ["a batch of five items", store([[...batch, 0]])],
    ["an id that is none", store([["sm", 1, hex, hex]])],
    ["an id that is no text", store([[1, 1, hex, hex]])],
    ["a number below zero", store([[meterId, -1, hex, hex]])],
    ["a number beyond u32", store([[meterId, 2 ** 32, hex, hex]])],
    ["a number with a fraction", store([[meterId, 0.5, hex, hex]])],
    ["a number as text", store([[meterId, "1", hex, hex]])],
    ["a short digest", store([[meterId, 1, "00", hex]])],
    ["a digest in capitals", store([[meterId, 1, hex, "AA".repeat(32)]])],
    ["a batch twice", store([batch, batch])],
    ["a conflict about an unknown batch", store([], [conflict])],
    ["a conflict twice", store([batch], [conflict, conflict])],
    ["a conflict of two items", store([batch], [[meterId, 1]])],
    ["a conflict without a meter", store([batch], [[null, 1, "forked"]])],
    ["a conflict without a reason", store([batch], [[meterId, 1, null]])],
    ["a conflict with an endless reason", store([batch], [[meterId, 1, "x".repeat(201)]])],
    ["a broken chain that nobody noticed", store([batch, [meterId, 2, hex, "11".repeat(32)]])],
    ["half of a broken chain noticed", store([batch, [meterId, 2, hex, "11".repeat(32)]], [conflict])],
    ["a first batch with a predecessor", store([[meterId, 0, hex, "11".repeat(32)]])],
  ])("is not restored from %s", (_, value) => {
    expect(() => BatchLedger.fromJSON(value)).toThrow(FormatError);
  });

  it("is not restored from more batches than it may hold", () => {
    expect(BatchLedger.fromJSON(store([batch]), 1).size).toBe(1);
    expect(() => BatchLedger.fromJSON(store([batch, [meterId, 3, hex, hex]]), 1)).toThrow(FormatError);
  });
});
