import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import type { MeterRecord } from "../../src/customer/check.js";
import { verifyHistory } from "../../src/customer/history.js";
import { rebuildRoot } from "../../src/proofs/batch.js";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { bstr } from "../../src/trusted/encoding/cbor.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import {
  type BatchPlan,
  eventOf,
  example,
  leavesOf,
  sealRecord,
  seedOf,
  signBatch,
  signPairing,
  vector,
} from "../example.js";
import { cutOrExtended, flips, survivors } from "../mutants.js";

const { certificate, record } = example;
const [first, second] = example.batches as [(typeof example.batches)[0], (typeof example.batches)[0]];
const trust = { certificate, revocation: null };
const verify = (changes: Partial<MeterRecord> = {}, ledger = new BatchLedger()) =>
  verifyHistory({ ...record, ...changes }, trust, ledger);

const DAY = 48;
const START = 727488;
const one: BatchPlan = { firstInterval: START, readings: [[1, 2]] };
/** A batch of one interval on each of some days, in the epochs given. */
const days = (...epochs: number[]): BatchPlan[] =>
  epochs.map((epoch, day) => ({ ...one, firstInterval: START + DAY * day, epoch }));
/** The record of these batches, a document of it exchanged. */
function exchanged(
  list: "batches" | "pairings",
  at: number,
  document: Uint8Array,
  epochs = [0, 0, 0],
): MeterRecord {
  const sealed = sealRecord(days(...epochs));
  return { ...sealed, [list]: sealed[list].map((given, place) => (place === at ? document : given)) };
}

describe("a meter's history", () => {
  it("of the worked example verifies, with all its events sealed", () => {
    const ledger = new BatchLedger();
    const history = verify({}, ledger);
    expect(history.batches.map(({ digest }) => bytesToHex(digest))[0]).toBe(vector.batchDigest);
    expect(history.batches.map(({ statement }) => statement.batchNumber)).toEqual([0, 1]);
    expect(history.pairings.map(({ epoch, firstInterval }) => [epoch, firstInterval])).toEqual([[0, START]]);
    expect(history.events.map(({ type }) => type)).toEqual([7, 3]);
    expect(history.sealedEvents).toBe(2);
    expect(ledger.size).toBe(2);
  });

  it("may come in any order, its batches more than once", () => {
    const sealed = sealRecord(days(0, 0, 1, 1));
    const shuffled = [3, 1, 0, 2, 1].map((at) => sealed.batches[at] as Uint8Array);
    const pairings = [...sealed.pairings].reverse();
    const { batches, ...history } = verify({ ...sealed, batches: shuffled, pairings });
    expect(batches.map(({ statement }) => statement.batchNumber)).toEqual([0, 1, 2, 3]);
    expect(history.pairings.map(({ epoch }) => epoch)).toEqual([0, 1]);
  });

  it("may begin after the meter's first batch, and may be of none", () => {
    expect(verify({ batches: [second.document] }).sealedEvents).toBe(2);
    expect(verify({ batches: [] }).sealedEvents).toBe(0);
  });
});

describe("the chain of batches", () => {
  it("is refused without one in its middle", () => {
    const sealed = sealRecord(days(0, 0, 0));
    const batches = [sealed.batches[0], sealed.batches[2]] as Uint8Array[];
    const why = "batch 1 of SM-0001 is missing, batch 2 is there";
    expect(() => verify({ ...sealed, batches })).toThrow(new VerificationError(why));
  });

  it("is refused forked, whether both come at once or one came before", () => {
    const fork = signBatch({ statusUnion: 0 });
    const why = new VerificationError("SM-0001: two different batches 0 are signed");
    expect(() => verify({ batches: [first.document, fork] })).toThrow(why);
    const ledger = new BatchLedger();
    verify({}, ledger);
    expect(() => verify({ batches: [fork] }, ledger)).toThrow(why);
    expect(() => verify({}, ledger)).toThrow(why);
  });

  it("is refused broken", () => {
    const broken = signBatch({ ...second.statement, previousBatchDigest: digest() });
    expect(() => verify({ batches: [first.document, broken] })).toThrow("batch 1 does not follow batch 0");
    const claiming = signBatch({ previousBatchDigest: digest() });
    expect(() => verify({ batches: [claiming] })).toThrow("batch 0 claims a predecessor");
  });

  it("is refused if a batch goes back in time or epoch, though it chains", () => {
    const back = [...days(0, 0), { ...one, firstInterval: START + DAY - 1 }];
    expect(() => verify(sealRecord(back))).toThrow("batch 2 of SM-0001: goes back behind batch 1");
    const pairings = sealRecord(days(1)).pairings;
    expect(() => verify({ ...sealRecord(days(1, 0)), pairings })).toThrow("batch 1 of SM-0001: goes back");
  });

  it("is refused with a batch of another meter or signer, or that is none", () => {
    const leaves = leavesOf(one);
    const foreign = signBatch({ merkleRoot: rebuildRoot(leaves) }, seedOf("aggregator"));
    expect(() => verify(exchanged("batches", 0, foreign))).toThrow("signed by another key");
    const other = signBatch({ meterId: "SM-0002" });
    expect(() => verify(exchanged("batches", 0, other))).toThrow("the certificate is of SM-0001");
    expect(() => verify({ batches: [record.certificate] })).toThrow(FormatError);
    expect(() => verify({ batches: Array.from({ length: 65537 }, () => first.document) })).toThrow(
      FormatError,
    );
  });
});

describe("the chain of events", () => {
  const [paired, set] = [eventOf(0, 7, bstr(digest())), eventOf(1, 3)];
  const events = (...list: Uint8Array[]) => ({ events: concatBytes(...list) });

  it("is refused with an event dropped, reordered, repeated or of another meter", () => {
    const all = sealRecord(days(0));
    expect(() => verify(events(set))).toThrow("event 0 of SM-0001 is missing: event 1 stands in its place");
    expect(() => verify(events(set, paired))).toThrow("event 0 of SM-0001 is missing");
    expect(() => verify({ events: concatBytes(all.events, all.events) })).toThrow(
      "event 1 of SM-0001 is missing",
    );
    const foreign = vector.pairingEvent.replace("30303031", "30303032");
    expect(() => verify(events(hexToBytes(foreign)))).toThrow("event 0: of SM-0002 instead of SM-0001");
  });

  it("is refused if it lacks what a batch has sealed: cut, or with any bit of an event changed", () => {
    const why = "batch 0 of SM-0001: seals events that are not the 0 given";
    expect(() => verify({ events: new Uint8Array(0) })).toThrow(new VerificationError(why));
    const mutants = [...flips(record.events), ...cutOrExtended(record.events)].filter(
      (_, at) => at % 5 === 0,
    );
    expect(survivors(mutants, (bytes) => verifyEventsAlone(bytes))).toEqual([]);
  });

  it("may go on after the last batch, with what nobody has sealed yet", () => {
    const longer = concatBytes(record.events, eventOf(2, 1));
    const { events, sealedEvents } = verify({ events: longer });
    expect([events.length, sealedEvents]).toEqual([3, 2]);
  });

  it("never goes back from one batch to the next", () => {
    const later = signBatch({ eventDigest: second.statement.eventDigest });
    const { digest: previousBatchDigest } = verify({ batches: [later] }).batches[0] as { digest: Uint8Array };
    const earlier = signBatch({
      ...second.statement,
      previousBatchDigest,
      eventDigest: first.statement.eventDigest,
    });
    expect(() => verify({ batches: [later, earlier] })).toThrow(
      new VerificationError("batch 1 of SM-0001: seals fewer events than the batch before it"),
    );
  });

  /** The mutants are many, and signatures slow: one batch that seals both events is enough. */
  function verifyEventsAlone(bytes: Uint8Array): void {
    verify({ events: bytes, batches: [second.document], pairings: [] });
  }
});

describe("the pairings", () => {
  it("are refused if the meter has not signed them, or another meter has", () => {
    const foreign = signPairing({}, seedOf("aggregator"));
    expect(() => verify({ pairings: [foreign] })).toThrow("pairing-1: signed by another key");
    expect(() => verify({ pairings: [signPairing({ meterId: "SM-0002" })] })).toThrow("pairing of SM-0002");
    expect(() => verify({ pairings: [first.document] })).toThrow(FormatError);
    expect(() => verify({ pairings: Array.from({ length: 1025 }, () => foreign) })).toThrow(FormatError);
  });

  it("are refused with two of an epoch, or an epoch that begins before its predecessor", () => {
    const [given] = record.pairings as [Uint8Array];
    const again = signPairing({ firstInterval: START + 1 });
    expect(() => verify({ pairings: [given, again] })).toThrow("two pairings of epoch 0");
    expect(() => verify({ pairings: [given, signPairing({ epoch: 1 })] })).toThrow("epoch 1 begins before");
  });

  it("are refused if a batch lies outside its epoch, before its beginning or beyond its end", () => {
    const late = signPairing({ firstInterval: START + 1 });
    const outside = "batch 0 of SM-0001: not within epoch 0 of the pairings";
    expect(() => verify({ pairings: [late] })).toThrow(outside);
    const next = signPairing({ epoch: 1, firstInterval: START + 2 });
    expect(() => verify({ pairings: [...record.pairings, next] })).toThrow(outside);
    const later = signPairing({ epoch: 1, firstInterval: START + DAY + 1 });
    expect(verify({ pairings: [...record.pairings, later] }).pairings).toHaveLength(2);
  });

  it("are refused without their event before the first batch of their epoch", () => {
    const why = new VerificationError("batch 0 of SM-0001: no event of the pairing of epoch 0 precedes it");
    const other = signPairing({ firstInterval: START - 1 });
    expect(() => verify({ pairings: [other] })).toThrow(why);
  });

  it("of epochs without a batch need no event yet, and epochs without a pairing none at all", () => {
    const later = signPairing({ epoch: 1, firstInterval: START + 2 * DAY });
    expect(verify({ pairings: [...record.pairings, later] }).pairings).toHaveLength(2);
    expect(verify({ pairings: [] }).batches).toHaveLength(2);
  });
});
