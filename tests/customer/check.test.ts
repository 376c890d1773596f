import { ed25519 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CustomerKeys, checkMeter, type MeterRecord } from "../../src/customer/check.js";
import { verifyBatch } from "../../src/proofs/batch.js";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { Role } from "../../src/trusted/authority/certificate.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, tstr } from "../../src/trusted/encoding/cbor.js";
import { bytesOf } from "../../src/trusted/sealing/edwards.js";
import {
  type BatchPlan,
  example,
  keyOf,
  messagesOf,
  readingOf,
  sealRecord,
  signBatch,
  signCertificate,
  vector,
} from "../example.js";

const { record, keys, authorityKey } = example;
const ORDER = ed25519.Point.Fn.ORDER;
const START = 727488;
const DAY = 48;
const K = { meterId: keys.meterId, epoch: 0, K: keys.K };

const check = (changes: Partial<MeterRecord> = {}, given: Partial<CustomerKeys> = {}) =>
  checkMeter({ ...record, ...changes }, { ...keys, ...given }, authorityKey);
/** The check of a made-up record by the customer of an epoch. */
const checkSealed = (sealed: MeterRecord, epoch = 0) =>
  checkMeter(sealed, { ...K, epoch, K: keyOf(epoch) }, authorityKey);
const messages = [...vector.readings, ...vector.second.readings].map(({ message }) => hexToBytes(message));
/** The example's readings with the message at a place exchanged, or left out. */
const readingsWith = (place: number, message: Uint8Array | null) => ({
  readings: concatBytes(...messages.flatMap((given, at) => (at !== place ? given : (message ?? [])))),
});
const batch = (text: string) => new VerificationError(`batch ${text}`);

describe("the customer's check", () => {
  it("reproduces the worked example value for value", () => {
    const checked = check();
    expect(bytesToHex(checked.certificate.signingKey)).toBe(vector.signingPublic);
    expect(checked.pairing.epoch).toBe(0);
    const expected = [vector.readings, vector.second.readings];
    checked.batches.forEach(({ intervals, leafBytes, leaves, document }, at) => {
      const { batch, leaves: leafHexes } = at === 0 ? vector : vector.second;
      expect(bytesToHex(document)).toBe(batch);
      expect(bytesToHex(leafBytes)).toBe(leafHexes.join(""));
      expect(leaves).toHaveLength(leafHexes.length);
      expect(
        intervals.map(({ interval, status, readings, openings }) => ({
          interval,
          status,
          readings,
          openings: openings.map((t) => bytesToHex(bytesOf(t))),
        })),
      ).toEqual(
        expected[at]?.map(({ interval, status, channels }) => ({
          interval,
          status,
          readings: channels.map(({ reading }) => reading),
          openings: channels.map(({ opening }) => opening),
        })),
      );
    });
    expect(checked.batches).toHaveLength(2);
    expect(bytesToHex(checked.batches[0]?.digest ?? new Uint8Array())).toBe(vector.batchDigest);
    expect(checked.totals_Wh).toEqual([196 + 4294967295 + 289 + 310, 0 + 1 + 0 + 2]);
    expect(checked.gaps).toEqual([{ first: START + 3, last: START + 47 }]);
    expect([checked.provisional, checked.otherBatches]).toEqual([[], []]);
    expect([checked.events.length, checked.sealedEvents]).toEqual([2, 2]);
  });

  it("gives leaves with which anyone can verify the batches", () => {
    const ledger = new BatchLedger();
    for (const { document, leafBytes } of check().batches) {
      const trust = { certificate: example.certificate, revocation: null };
      expect(verifyBatch(document, leafBytes, trust, ledger).leaves.length).toBeGreaterThan(0);
    }
  });

  it("gives back whatever readings were sealed, with their sums, and tells its progress", () => {
    const reading = fc.oneof(fc.nat({ max: 3000 }), fc.constantFrom(0, 0xffffffff));
    const day = fc.array(fc.tuple(reading, reading), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(day, { minLength: 1, maxLength: 3 }), (days) => {
        const plans = days.map((readings, at) => ({ firstInterval: START + DAY * at, readings }));
        const steps: string[] = [];
        const progress = (done: number, total: number) => steps.push(`${done}/${total}`);
        const { batches, totals_Wh } = checkMeter(sealRecord(plans), K, authorityKey, { progress });
        expect(batches.map(({ intervals }) => intervals.map(({ readings }) => readings))).toEqual(days);
        const all = days.flat();
        expect(totals_Wh).toEqual([0, 1].map((c) => all.reduce((sum, both) => sum + (both[c] ?? 0), 0)));
        expect(steps).toHaveLength(days.length);
        expect(steps.at(-1)).toBe(`${2 * all.length}/${2 * all.length}`);
      }),
      { numRuns: 15 },
    );
  });

  it("opens whole days, one batch a day, each under its own day's key", () => {
    const readings = Array.from({ length: DAY }, (_, at) => [100 + at, at % 3]);
    const plans = Array.from({ length: 3 }, (_, day) => ({ firstInterval: START + DAY * day, readings }));
    const { batches, gaps } = checkSealed(sealRecord(plans));
    expect(batches.map(({ intervals }) => intervals.map((opened) => opened.readings))).toEqual([
      readings,
      readings,
      readings,
    ]);
    expect(gaps).toEqual([]);
  });
});

describe("the customer's keys", () => {
  it("may be K alone, K and U, or K and u", () => {
    for (const given of [{ user: undefined, userSecret: undefined }, { userSecret: undefined }, {}]) {
      expect(check({}, given).batches).toHaveLength(2);
    }
  });

  it("are refused if they are of another meter or epoch, or another U, u or K", () => {
    expect(() => check({}, { meterId: "SM-0002" })).toThrow("certificate of SM-0001 instead of SM-0002");
    expect(() => check({}, { epoch: 1 })).toThrow("SM-0001: no pairing of epoch 1");
    const pairing = "pairing of epoch 0 of SM-0001";
    expect(() => check({}, { user: example.certificate.agreementKey })).toThrow(
      `${pairing}: not with the customer's U`,
    );
    expect(() => check({}, { userSecret: numberToBytesLE(5n, 32) })).toThrow(
      `${pairing}: not with the customer's u`,
    );
    expect(() => check({}, { K: keyOf(1) })).toThrow(`${pairing}: gives another K`);
    const wrong = { K: keyOf(1), userSecret: undefined };
    expect(() => check({}, wrong)).toThrow(
      `batch 0 of SM-0001: the readings of intervals ${START} to ${START + 2}`,
    );
  });

  it("are refused malformed", () => {
    expect(() => check({}, { K: new Uint8Array(31) })).toThrow(FormatError);
    for (const u of [0n, ORDER, ORDER + 1n]) {
      expect(() => check({}, { userSecret: numberToBytesLE(u, 32) })).toThrow(FormatError);
    }
    expect(() => check({}, { userSecret: numberToBytesLE(5n, 33) })).toThrow(FormatError);
  });

  it("is of a feeder's meter where its operator says so", () => {
    const certificate = signCertificate({ role: Role.FEEDER });
    expect(check({ certificate }, { role: Role.FEEDER }).certificate.role).toBe(Role.FEEDER);
    expect(() => check({}, { role: Role.FEEDER })).toThrow("certified for a household, not for a feeder");
  });
});

describe("what the check refuses", () => {
  it("a certificate of a feeder, of another meter, or from anyone but the authority", () => {
    expect(() => check({ certificate: signCertificate({ role: 1 }) })).toThrow("certified for a feeder");
    expect(() => check({ certificate: signCertificate({ meterId: "SM-0002" }) })).toThrow(
      "certificate of SM-0002",
    );
    expect(() => checkMeter(record, keys, example.certificate.signingKey)).toThrow("signed by another key");
  });

  it("a batch beyond the last good one of a revoked key", () => {
    const { meterId, signingKey } = example.certificate;
    const revocation = { issuedAt_s: 0, revoked: [{ meterId, signingKey, lastGoodBatchNumber: 0 }] };
    expect(() => checkMeter(record, keys, authorityKey, { revocation })).toThrow(
      "batch 1 of SM-0001: the key is revoked",
    );
  });

  it("a batch that forks from what the customer saw before", () => {
    const ledger = new BatchLedger();
    checkMeter(record, keys, authorityKey, { ledger });
    const forked = { ...record, batches: [signBatch({ statusUnion: 0 })] };
    expect(() => checkMeter(forked, keys, authorityKey, { ledger })).toThrow("two different batches 0");
  });

  it("a forged reading, naming batch and intervals", () => {
    const forged = readingOf({ interval: START, readings: [195, 0], status: 0 });
    const why = "are not those that the meter has sealed";
    expect(() => check(readingsWith(0, forged))).toThrow(
      batch(`0 of SM-0001: the readings of intervals ${START} to ${START + 2} ${why}`),
    );
    const alone = readingOf({ interval: START + DAY, readings: [311, 2], status: 2 });
    expect(() => check(readingsWith(3, alone))).toThrow(
      batch(`1 of SM-0001: the readings of intervals ${START + DAY} to ${START + DAY} ${why}`),
    );
  });

  it("a reading with its channels swapped", () => {
    const swapped = readingOf({ interval: START + DAY, readings: [2, 310], status: 2 });
    expect(() => check(readingsWith(3, swapped))).toThrow("batch 1 of SM-0001: the readings");
  });

  it("an altered status, naming the interval where it cannot be right", () => {
    const flagged = readingOf({ interval: START + 2, readings: [289, 0], status: 8 });
    expect(() => check(readingsWith(2, flagged))).toThrow(
      batch(`0 of SM-0001: the status of interval ${START + 2} is not what the meter has sealed`),
    );
    const cleared = readingOf({ interval: START + 1, readings: [4294967295, 1], status: 0 });
    expect(() => check(readingsWith(1, cleared))).toThrow(
      batch("0 of SM-0001: a status flag that the meter has sealed is in no reading"),
    );
    const plan: BatchPlan = {
      firstInterval: START,
      readings: [
        [1, 2],
        [3, 4],
      ],
      status: 16,
    };
    const hidden = [
      readingOf({ interval: START, readings: [1, 2], status: 0 }),
      messagesOf(plan)[1] as Uint8Array,
    ];
    expect(() => checkSealed({ ...sealRecord([plan]), readings: concatBytes(...hidden) })).toThrow(
      "the readings of",
    );
  });

  it("a reading left out", () => {
    expect(() => check(readingsWith(1, null))).toThrow(
      batch(`0 of SM-0001: the reading of interval ${START + 1} is missing`),
    );
  });

  it("two different readings of an interval, but not one that came twice", () => {
    const again = concatBytes(record.readings, messages[2] as Uint8Array, messages[0] as Uint8Array);
    expect(check({ readings: again }).totals_Wh[1]).toBe(3);
    const other = readingOf({ interval: START, readings: [1, 1], status: 0 });
    expect(() => check({ readings: concatBytes(record.readings, other) })).toThrow(
      new VerificationError(`reading of interval ${START} of SM-0001: there are two different ones`),
    );
  });

  it("readings in another order", () => {
    const backwards = concatBytes(...[...messages].reverse());
    expect(check({ readings: backwards }).totals_Wh[1]).toBe(3);
  });

  it("a reading of another meter or with other channels", () => {
    const items = (id: string, channels: number) =>
      array(int(1), tstr(id), int(0), int(START + DAY + 1), int(0), bstr(new Uint8Array(4 * channels)));
    const foreign = concatBytes(record.readings, items("SM-0002", 2));
    expect(() => check({ readings: foreign })).toThrow("of SM-0002 instead of SM-0001");
    const narrow = concatBytes(record.readings, items("SM-0001", 1));
    expect(() => check({ readings: narrow })).toThrow("1 channels instead of 2");
  });

  it("a reading between batches, where the meter has sealed that there is none", () => {
    const between = readingOf({ interval: START + 5, readings: [7, 7], status: 0 });
    expect(() => check({ readings: concatBytes(record.readings, between) })).toThrow(
      new VerificationError(
        `reading of interval ${START + 5} of SM-0001: in no batch, though later ones are`,
      ),
    );
    const before = readingOf({ interval: START - 1, readings: [7, 7], status: 0 });
    expect(() => check({ readings: concatBytes(record.readings, before) })).toThrow("in no batch");
  });

  it("a reading that claims another epoch than its batch", () => {
    const moved = readingOf(
      { interval: START + DAY, readings: [310, 2], status: 2 },
      { K: keyOf(1), epoch: 1 },
    );
    expect(() => check(readingsWith(3, moved))).toThrow(
      `reading of interval ${START + DAY} of SM-0001: epoch 1 in batch 1, which is of epoch 0`,
    );
  });
});

describe("what the check cannot open", () => {
  const plans: BatchPlan[] = [
    { firstInterval: START, readings: [[1, 2]], epoch: 0 },
    {
      firstInterval: START + 1,
      readings: [
        [3, 4],
        [5, 6],
      ],
      epoch: 1,
    },
    { firstInterval: START + DAY, readings: [[7, 8]], epoch: 1 },
    { firstInterval: START + DAY + 1, readings: [[9, 10]], epoch: 2 },
  ];
  const sealed = sealRecord(plans);

  it("are batches of other epochs: it says so, and has checked their chain", () => {
    const checked = checkSealed(sealed, 1);
    expect(checked.batches.map(({ statement }) => statement.batchNumber)).toEqual([1, 2]);
    expect(checked.otherBatches.map(({ statement }) => statement.batchNumber)).toEqual([0, 3]);
    expect(checked.totals_Wh).toEqual([15, 18]);
    expect(checked.gaps).toEqual([{ first: START + 3, last: START + DAY - 1 }]);
    expect(checked.pairing.firstInterval).toBe(START + 1);
    const own = concatBytes(...plans.filter(({ epoch }) => epoch === 1).flatMap(messagesOf));
    expect(checkSealed({ ...sealed, readings: own }, 1).totals_Wh).toEqual([15, 18]);
  });

  it("are readings after the last batch: they are decrypted, and called provisional", () => {
    const late = { interval: START + DAY + 2, readings: [11, 12], status: 4 };
    const noise = readingOf({ interval: START + DAY + 3, readings: [1, 1], status: 0 });
    const given = { K: keyOf(2), epoch: 2 };
    const checked = checkSealed(
      { ...sealed, readings: concatBytes(sealed.readings, readingOf(late, given), noise) },
      2,
    );
    expect(checked.provisional).toEqual([late]);
    expect(checked.totals_Wh).toEqual([9, 10]);
  });

  it("are readings before the first batch given, if that is not the meter's first", () => {
    const checked = checkSealed({ ...sealed, batches: sealed.batches.slice(2) }, 1);
    expect(checked.provisional.map(({ readings }) => readings)).toEqual([
      [3, 4],
      [5, 6],
    ]);
    expect(checked.totals_Wh).toEqual([7, 8]);
    expect(checked.gaps).toEqual([]);
  });

  it("are no gap: what lies before the first batch given may have been withheld", () => {
    const own = plans.filter(({ epoch }) => epoch === 1).flatMap(messagesOf);
    const withheld = { ...sealed, batches: sealed.batches.slice(2), readings: own[2] ?? new Uint8Array(0) };
    expect(checkSealed(withheld, 1).gaps).toEqual([]);
  });

  it("is a record without batches: all of it is provisional", () => {
    const { provisional, totals_Wh, gaps } = check({ batches: [] });
    expect(provisional.map(({ readings }) => readings[0])).toEqual([196, 4294967295, 289, 310]);
    expect([totals_Wh, gaps]).toEqual([[0, 0], []]);
  });
});
