import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withHints } from "../../src/proofs/bill-hints.js";
import { nobleGroup } from "../../src/proofs/group/noble.js";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { encodeLinearBill, type LinearBill } from "../../src/proofs/linear-bill.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { BillSet } from "../../src/supplier/bill-set.js";
import { verifyBill } from "../../src/supplier/verify-bill.js";
import { BILLS_TOGETHER_MAX, BillVerifier } from "../../src/supplier/verify-bills.js";
import { billLines } from "../../src/tariff/evaluate.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { bytesOf, L, numberOf } from "../../src/trusted/sealing/edwards.js";
import { example, seedOf } from "../example.js";
import { flipBit } from "../mutants.js";
import { ARITHMETICS } from "../proofs/arithmetics.js";
import { billOf, DAY, meterOf, planOf, signedTariff } from "../proofs/billing.js";

const TARIFF = signedTariff();
const TRUST = { authorityKey: example.authorityKey, tariff: TARIFF };
const DAYS = [DAY, DAY + 48, DAY + 96];
const METER = meterOf(DAYS.map((first) => planOf(first, 2)));
const FORKED = meterOf(DAYS.map((first, at) => planOf(first, at === 1 ? 1 : 2)));
const FIRST = billOf(METER, TARIFF, DAY, DAY + 2);
const SECOND = billOf(METER, TARIFF, DAY + 47, DAY + 98);
const RIGHT = [FIRST, SECOND, withHints(SECOND, nobleGroup)].map(encodeLinearBill);

/** Unforeseeable enough for tests: SHA-512 would do no better here than a counter that never repeats. */
function entropyOf(seed: number) {
  let state = seed >>> 0;
  return (length: number) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

/** The bill with T moved, and lines that follow. */
const withEnergy = (bill: LinearBill, by: bigint): LinearBill => ({
  ...bill,
  lines: billLines(TARIFF.tariff, bill.lines.energy + by, bill.to - bill.from > 40 ? 2 : 1),
});

/** A signed document with S moved, still below l. */
function withS(document: Uint8Array, by: bigint): Uint8Array {
  const S = (numberOf(document.subarray(document.length - 32)) + by + L) % L;
  const moved = document.slice();
  moved.set(bytesOf(S), document.length - 32);
  return moved;
}

const withFirstBatch = (bill: LinearBill, change: (document: Uint8Array) => Uint8Array): LinearBill => ({
  ...bill,
  batches: bill.batches.map((batch, at) =>
    at === 0 ? { ...batch, document: change(batch.document) } : batch,
  ),
});

/** The certificate with so many bytes of its payload replaced, signed by the authority. */
function certificateWith(key: Uint8Array, replacement: Uint8Array): Uint8Array {
  const { payload } = decodeSign1(example.certificateBytes, "certificate-1", 512);
  const at = Buffer.from(payload).indexOf(key);
  const changed = payload.slice();
  changed.set(replacement, at);
  return signWithKey("certificate-1", changed, seedOf("authority"));
}

/** What `verifyBill` says: the reason, or null. */
function reasonAlone(file: Uint8Array): string | null {
  try {
    verifyBill(file, { ...TRUST, ledger: new BatchLedger() });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe.each(ARITHMETICS)("bills verified together, by %s", (_, arithmetic) => {
  const verifierOf = (seed: number) => new BillVerifier(TRUST, arithmetic, entropyOf(seed));

  it("are each verified as they are alone", () => {
    const alone = RIGHT.map((file) => verifyBill(file, { ...TRUST, ledger: new BatchLedger() }));
    const verdicts = verifierOf(1).verify(RIGHT);
    expect(verdicts.map(({ verified }) => verified)).toEqual(alone);
    expect(verdicts.map(({ links }) => links.map(({ batchNumber }) => batchNumber))).toEqual([
      [0],
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });

  it("leave nothing of their bytes in the links, which go to another thread", () => {
    const links = verifierOf(8)
      .verify(RIGHT.slice(1))
      .flatMap((verdict) => verdict.links);
    const sizes = links
      .flatMap((link) => [link.digest, link.previousBatchDigest])
      .map((of) => of.buffer.byteLength);
    expect([...new Set(sizes)]).toEqual([32]);
  });

  it("are accepted and refused as alone, with the same reasons, whatever is wrong among them", () => {
    const spoiled = fc.tuple(fc.constantFrom(...RIGHT), fc.nat()).map(([file, bit]) => {
      return flipBit(file, bit % (8 * file.length));
    });
    const set = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...RIGHT) }, spoiled), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(set, fc.nat(), (files, seed) => {
        const verdicts = verifierOf(seed).verify(files);
        expect(verdicts.map(({ reason }) => reason)).toEqual(files.map(reasonAlone));
        expect(verdicts.map(({ verified }) => verified === null)).toEqual(
          verdicts.map(({ reason }) => reason !== null),
        );
      }),
      { numRuns: 12 },
    );
  });

  const totals = [withEnergy(FIRST, 1n), withEnergy(SECOND, -1n)].map(encodeLinearBill);
  const signatures = [
    withFirstBatch(FIRST, (document) => withS(document, 5n)),
    withFirstBatch(SECOND, (document) => withS(document, -5n)),
  ].map(encodeLinearBill);
  it.each([
    ["totals", totals, "the total is not that of the readings which the meter sealed"],
    ["signatures", signatures, "batch-1: signature does not verify"],
  ])("are refused if their %s are wrong by opposite amounts", (__, wrong, reason) => {
    const files = [...wrong, ...RIGHT];
    const reasons = verifierOf(7)
      .verify(files)
      .map((verdict) => verdict.reason);
    expect(reasons).toEqual([reason, reason, null, null, null]);
  });

  it.each([
    ["agreement key", example.certificate.agreementKey, new Uint8Array(32)],
    ["agreement key", example.certificate.agreementKey, new Uint8Array(32).fill(0xff)],
    ["signing key", example.certificate.signingKey, bytesOf(1n)],
  ])("are refused if the authority has certified an impossible %s", (name, key, replacement) => {
    const bill = encodeLinearBill({ ...FIRST, certificate: certificateWith(key, replacement) });
    const [verdict] = verifierOf(3).verify([bill, ...RIGHT]);
    expect(verdict?.reason).toBe(reasonAlone(bill));
    if (name === "agreement key") expect(verdict?.reason).toContain("agreement key is not a canonical");
    else expect(verdict?.reason).toBeTruthy();
  });

  it("show of a refused bill the batches that were verified before what is wrong", () => {
    const late = encodeLinearBill({
      ...SECOND,
      batches: SECOND.batches.map((batch, at) =>
        at === 2 ? { ...batch, document: withS(batch.document, 1n) } : batch,
      ),
    });
    const [verdict] = verifierOf(4).verify([late]);
    expect([verdict?.verified, verdict?.links.length]).toEqual([null, 2]);
  });

  it("are bounded in number", () => {
    const many = new Array<Uint8Array>(BILLS_TOGETHER_MAX + 1).fill(new Uint8Array(0));
    expect(() => verifierOf(5).verify(many)).toThrow(`more than ${BILLS_TOGETHER_MAX} bills at once`);
    expect(verifierOf(5).verify([])).toEqual([]);
  });

  describe("over a set", () => {
    const settle = (named: Readonly<Record<string, Uint8Array>>, ledger = new BatchLedger()) => {
      const set = new BillSet(ledger);
      const verdicts = verifierOf(6).verify(Object.values(named));
      for (const [at, name] of Object.keys(named).entries()) {
        const verdict = verdicts[at];
        if (verdict) set.add(name, verdict);
      }
      return set.result();
    };
    const [first = new Uint8Array(0), second = new Uint8Array(0)] = RIGHT;
    const fork = encodeLinearBill(billOf(FORKED, TARIFF, DAY + 48, DAY + 49));
    const last = encodeLinearBill(billOf(METER, TARIFF, DAY + 96, DAY + 98));

    it("add up, with those named that are refused", () => {
      const junk = Uint8Array.of(0xa0);
      expect(settle({ b: second, c: first, a: junk })).toEqual({
        verified: 2,
        readings: 12,
        total: FIRST.lines.total + SECOND.lines.total,
        overlaps: [],
        refused: [{ name: "a", reason: reasonAlone(junk) }],
      });
    });

    it("are named where two of them count the same interval", () => {
      const { verified, overlaps } = settle({ a: second, b: first, c: last, d: first });
      expect([verified, overlaps]).toEqual([
        4,
        [
          { name: "d", other: "b" },
          { name: "c", other: "a" },
        ],
      ]);
    });

    it("find a full memory, and say so", () => {
      expect(() => settle({ a: second }, new BatchLedger(1))).toThrow(RangeError);
    });

    it.each([
      ["first", { a: first, b: second, c: fork }],
      ["last", { c: fork, b: second, a: first }],
    ])("are refused on both branches of a forked history, whichever comes %s", (__, named) => {
      const { verified, refused, readings } = settle(named);
      expect([verified, readings]).toEqual([1, 4]);
      expect(refused.map(({ name }) => name)).toEqual(["b", "c"]);
      for (const { reason } of refused) expect(reason).toBe("SM-0001: two different batches 1 are signed");
    });

    it("are refused if they break the chain of what the supplier has seen, now or before", () => {
      const ledger = new BatchLedger();
      expect(settle({ fork }, ledger).verified).toBe(1);
      expect(settle({ last, first }, ledger)).toMatchObject({
        verified: 1,
        refused: [{ name: "last", reason: "SM-0001: batch 2 does not follow batch 1, both are refused" }],
      });
      expect(settle({ fork }, ledger).verified).toBe(0);
    });

    it("remember the signed batches of a refused bill too", () => {
      const ledger = new BatchLedger();
      const wrong = encodeLinearBill(withEnergy(SECOND, 1n));
      expect(settle({ wrong }, ledger).refused.length).toBe(1);
      expect(settle({ fork }, ledger).refused).toEqual([
        { name: "fork", reason: "SM-0001: two different batches 1 are signed" },
      ]);
    });
  });
});
