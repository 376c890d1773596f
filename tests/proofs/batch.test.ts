import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeStatement,
  parseLeaves,
  rebuildRoot,
  type Trust,
  verifyBatch,
  verifyStatement,
} from "../../src/proofs/batch.js";
import { encodeRevocation, verifyCertificate, verifyRevocation } from "../../src/proofs/certificate.js";
import { BatchLedger } from "../../src/proofs/ledger.js";
import { signWithKey, VerificationError } from "../../src/proofs/signed.js";
import type { Certificate } from "../../src/trusted/authority/certificate.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { decodeSign1, encodeSign1 } from "../../src/trusted/encoding/cose.js";
import {
  type BatchStatement,
  encodeLeaf,
  encodeStatement,
  LEAF_BYTES,
} from "../../src/trusted/sealing/batch.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { example, leavesOf, seedOf, signBatch, signCertificate, vector } from "../example.js";
import { cutOrExtended, flipBit, flips, isRefused, nonCanonical, strictly, survivors } from "../mutants.js";

const U32_MAX = 0xffffffff;
const { certificate } = example;
const [first, second] = example.batches as [(typeof example.batches)[0], (typeof example.batches)[0]];
const trust = { certificate, revocation: null };
const verify = (
  document: Uint8Array = first.document,
  leaves: Uint8Array = first.leaves,
  given: Trust = trust,
  ledger = new BatchLedger(),
) => verifyBatch(document, leaves, given, ledger);
const refusal = (text: string) => new VerificationError(`batch 0 of SM-0001: ${text}`);

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const u32 = fc.nat({ max: U32_MAX });
const statements: fc.Arbitrary<BatchStatement> = fc
  .record({
    meterId: fc.stringMatching(/^[A-Z0-9][A-Z0-9-]{0,31}$/),
    batchNumber: u32,
    epoch: fc.nat({ max: 0xffff }),
    intervalSeconds: fc.constantFrom(900, 1800),
    merkleRoot: bytes32,
    previousBatchDigest: bytes32,
    softwareId: bytes32,
    eventDigest: bytes32,
    statusUnion: fc.nat({ max: 255 }),
    channelCount: fc.integer({ min: 1, max: 8 }),
    day: fc.nat({ max: 40_000_000 }),
    run: fc.uniqueArray(fc.nat({ max: 48 }), { minLength: 2, maxLength: 2 }),
  })
  .map(({ day, run, ...rest }) => {
    const [from = 0, to = 1] = [...run].sort((a, b) => a - b);
    return { ...rest, firstInterval: (day * 86_400) / rest.intervalSeconds + from, intervalCount: to - from };
  });

/** The leaves of the first batch, one of them changed. */
function withLeaf(at: number, changes: { interval?: number; channel?: number; status?: number }): Uint8Array {
  const leaves = parseLeaves(first.leaves).map((leaf, place) =>
    place === at ? { ...leaf, ...changes } : leaf,
  );
  return concatBytes(
    ...leaves.map(({ interval, channel, status, commitment }) =>
      encodeLeaf(interval, channel, status, commitment),
    ),
  );
}

/** A batch that states the root of these leaves, and else what the first one says. */
const sealing = (leaves: Uint8Array, changes: Partial<BatchStatement> = {}) =>
  signBatch({ merkleRoot: rebuildRoot(leaves), ...changes });

describe("a batch statement", () => {
  it("of the worked example says what it should", () => {
    const statement = decodeStatement(hexToBytes(vector.batchStatement));
    expect(bytesToHex(encodeStatement(statement))).toBe(vector.batchStatement);
    expect(statement).toMatchObject({
      meterId: vector.meterId,
      batchNumber: 0,
      epoch: 0,
      firstInterval: 727488,
      intervalSeconds: 1800,
      intervalCount: 3,
      channelCount: 2,
      statusUnion: 16,
    });
    expect(bytesToHex(statement.merkleRoot)).toBe(vector.merkleRoot);
    expect(bytesToHex(statement.eventDigest)).toBe(vector.eventDigest);
    expect(bytesToHex(signBatch({}))).toBe(vector.batch);
  });

  it("comes back from its bytes as it was", () => {
    fc.assert(
      fc.property(statements, (statement) => {
        fc.pre(statement.firstInterval + statement.intervalCount - 1 <= U32_MAX);
        expect(decodeStatement(encodeStatement(statement))).toEqual(statement);
      }),
    );
  });

  it("is refused cut short, extended or in other words; a flipped bit makes it another or none", () => {
    const payload = hexToBytes(vector.batchStatement);
    expect(survivors([...cutOrExtended(payload), ...nonCanonical(payload)], decodeStatement)).toEqual([]);
    expect(survivors(flips(payload), strictly(decodeStatement, encodeStatement))).toEqual([]);
  });

  it.each<[string, Partial<BatchStatement>]>([
    ["no interval", { intervalCount: 0 }],
    ["no channel", { channelCount: 0 }],
    ["nine channels", { channelCount: 9 }],
    ["intervals of two days", { firstInterval: 727488 + 46 }],
    ["more intervals than a day has", { intervalCount: 49 }],
    ["more than 768 leaves", { intervalCount: 97, channelCount: 8, intervalSeconds: 900, firstInterval: 0 }],
    ["intervals beyond u32", { firstInterval: U32_MAX - 1 }],
    ["an epoch beyond u16", { epoch: 65536 }],
    ["a batch number beyond u32", { batchNumber: U32_MAX + 1 }],
    ["a status union of nine bits", { statusUnion: 256 }],
    ["an interval of an hour", { intervalSeconds: 3600 }],
    ["a root of 31 bytes", { merkleRoot: new Uint8Array(31) }],
    ["a meter id in lower case", { meterId: "sm-0001" }],
  ])("is refused with %s", (_, changes) => {
    expect(() => decodeStatement(encodeStatement({ ...first.statement, ...changes }))).toThrow(FormatError);
  });
});

describe("leaves", () => {
  it("of the worked example come apart, and give the signed root", () => {
    const parsed = parseLeaves(first.leaves);
    expect(parsed.map(({ interval, channel, status }) => [interval, channel, status])).toEqual([
      [727488, 0, 0],
      [727488, 1, 0],
      [727489, 0, 16],
      [727489, 1, 16],
      [727490, 0, 0],
      [727490, 1, 0],
    ]);
    const commitments = vector.readings.flatMap(({ channels }) =>
      channels.map(({ commitment }) => commitment),
    );
    expect(parsed.map(({ commitment }) => bytesToHex(commitment))).toEqual(commitments);
    expect(bytesToHex(rebuildRoot(first.leaves))).toBe(vector.merkleRoot);
    expect(bytesToHex(rebuildRoot(second.leaves))).toBe(vector.second.merkleRoot);
  });

  it("come back as they were", () => {
    const leaf = fc.tuple(u32, fc.nat({ max: 255 }), fc.nat({ max: 255 }), bytes32);
    fc.assert(
      fc.property(fc.array(leaf, { minLength: 1, maxLength: 20 }), (leaves) => {
        const bytes = concatBytes(...leaves.map((fields) => encodeLeaf(...fields)));
        const parsed = parseLeaves(bytes).map(({ interval, channel, status, commitment }) => [
          interval,
          channel,
          status,
          commitment,
        ]);
        expect(parsed).toEqual(leaves);
      }),
    );
  });

  it("are 1 to 768, and whole", () => {
    expect(parseLeaves(new Uint8Array(768 * LEAF_BYTES))).toHaveLength(768);
    for (const length of [0, LEAF_BYTES - 1, LEAF_BYTES + 1, 769 * LEAF_BYTES]) {
      expect(() => parseLeaves(new Uint8Array(length))).toThrow(FormatError);
      expect(() => rebuildRoot(new Uint8Array(length))).toThrow(FormatError);
    }
  });
});

describe("a batch", () => {
  it("and its successor of the worked example verify, with the digests as given", () => {
    const ledger = new BatchLedger();
    const before = verify(first.document, first.leaves, trust, ledger);
    const after = verify(second.document, second.leaves, trust, ledger);
    expect(bytesToHex(before.digest)).toBe(vector.batchDigest);
    expect(after.statement.previousBatchDigest).toEqual(before.digest);
    expect(before.leaves).toHaveLength(6);
    expect(bytesToHex(after.document)).toBe(vector.second.batch);
    expect(ledger.size).toBe(2);
  });

  it("is refused with any bit of document or leaves flipped", () => {
    const bits = fc.nat({ max: 8 * first.document.length - 1 });
    fc.assert(fc.property(bits, (bit) => isRefused(() => verify(flipBit(first.document, bit)))));
    expect(
      survivors(
        flips(first.leaves).filter((_, bit) => bit % 7 === 0),
        (leaves) => verify(first.document, leaves),
      ),
    ).toEqual([]);
  });

  it("is refused cut short, extended or encoded in any other way", () => {
    const mutants = [...cutOrExtended(first.document), ...nonCanonical(first.document)];
    expect(survivors(mutants, (document) => verify(document))).toEqual([]);
    expect(survivors(cutOrExtended(first.leaves), (leaves) => verify(first.document, leaves))).toEqual([]);
  });

  it.each<[string, string, Partial<Certificate>]>([
    ["of another meter", "the certificate is of SM-0002", { meterId: "SM-0002" }],
    ["of other software", "software is not the certified", { softwareId: new Uint8Array(32) }],
    ["of another interval length", "interval is not the certified", { intervalSeconds: 900 }],
    ["of fewer channels", "channels are not the certified", { channels: ["1-0:1.8.0"] }],
    ["that begins too late", "not within the certificate's validity", { notBefore_s: 727488 * 1800 + 1 }],
    ["that ends too early", "not within the certificate's validity", { notAfter_s: 727491 * 1800 - 1 }],
  ])("is refused under a certificate %s", (_, why, changes) => {
    const other = verifyCertificate(signCertificate(changes), example.authorityKey);
    expect(() => verify(first.document, first.leaves, { ...trust, certificate: other })).toThrow(
      refusal(why),
    );
  });

  it("is good to the second under a certificate valid for just its intervals", () => {
    const tight = { ...certificate, notBefore_s: 727488 * 1800, notAfter_s: 727491 * 1800 };
    expect(verify(first.document, first.leaves, { ...trust, certificate: tight }).leaves).toHaveLength(6);
  });

  it("is refused after the last good one of a revoked key, and good up to it", () => {
    const entry = { meterId: vector.meterId, signingKey: certificate.signingKey, lastGoodBatchNumber: 0 };
    const signed = signWithKey(
      "revocation-1",
      encodeRevocation({ issuedAt_s: 0, revoked: [entry] }),
      seedOf("authority"),
    );
    const revocation = verifyRevocation(signed, example.authorityKey);
    const ledger = new BatchLedger();
    expect(verify(first.document, first.leaves, { certificate, revocation }, ledger).leaves).toHaveLength(6);
    expect(() => verify(second.document, second.leaves, { certificate, revocation }, ledger)).toThrow(
      new VerificationError("batch 1 of SM-0001: the key is revoked before this batch"),
    );
    expect(ledger.size).toBe(1);
  });

  it("is refused if signed by anyone but its meter, whatever key id it bears", () => {
    const foreign = signBatch({}, seedOf("aggregator"));
    expect(() => verify(foreign)).toThrow(new VerificationError("batch-1: signed by another key"));
    const { kid } = decodeSign1(first.document, "batch-1", 512);
    const renamed = encodeSign1("batch-1", { ...decodeSign1(foreign, "batch-1", 512), kid });
    expect(() => verify(renamed)).toThrow(new VerificationError("batch-1: signature does not verify"));
  });

  it("is refused as another type of document, though its meter has signed it", () => {
    const pairing = signWithKey("pairing-1", hexToBytes(vector.batchStatement), seedOf("signing"));
    expect(() => verify(pairing)).toThrow(FormatError);
  });

  it("reads its reasons in order: certificate, validity, revocation, signature, leaves, chain", () => {
    const ledger = new BatchLedger();
    ledger.record({
      meterId: "SM-0001",
      batchNumber: 0,
      digest: digest(),
      previousBatchDigest: new Uint8Array(32),
    });
    const leaves = flipBit(first.leaves, 100);
    const foreign = signBatch({}, seedOf("aggregator"));
    const entry = { meterId: "SM-0001", signingKey: certificate.signingKey, lastGoodBatchNumber: 0 };
    const late = { ...certificate, notAfter_s: certificate.notBefore_s + 1 };
    const revocation = { issuedAt_s: 0, revoked: [entry] };
    const numbered = signBatch({ batchNumber: 1 }, seedOf("aggregator"));
    const other = { certificate: { ...late, softwareId: digest() }, revocation };
    expect(() => verify(numbered, leaves, other, ledger)).toThrow("software is not the certified");
    expect(() => verify(numbered, leaves, { certificate: late, revocation }, ledger)).toThrow("validity");
    expect(() => verify(numbered, leaves, { certificate, revocation }, ledger)).toThrow("revoked");
    expect(() => verify(foreign, leaves, trust, ledger)).toThrow("signed by another key");
    expect(() => verify(first.document, leaves, trust, ledger)).toThrow(
      "leaves are not under the signed root",
    );
    expect(() => verify(first.document, first.leaves, trust, ledger)).toThrow("two different batches 0");
  });

  it("is refused with a forged reading: another commitment in a leaf", () => {
    const forged = first.leaves.slice();
    forged.set(second.leaves.subarray(6, 38), 6);
    expect(() => verify(first.document, forged)).toThrow(refusal("leaves are not under the signed root"));
  });

  it("is refused with the channels of an interval swapped", () => {
    const [a, b, ...rest] = Array.from({ length: 6 }, (_, at) => first.leaves.slice(at * 38, (at + 1) * 38));
    const swapped = concatBytes(b as Uint8Array, a as Uint8Array, ...rest);
    expect(() => verify(first.document, swapped)).toThrow(
      refusal("leaf 0 is not interval 727488, channel 0"),
    );
    const renamed = first.leaves.slice();
    renamed.set((b as Uint8Array).subarray(6), 6);
    renamed.set((a as Uint8Array).subarray(6), 44);
    expect(() => verify(first.document, renamed)).toThrow(refusal("leaves are not under the signed root"));
  });

  it("is refused with leaves missing or left over", () => {
    expect(() => verify(first.document, first.leaves.slice(0, -38))).toThrow(
      refusal("5 leaves instead of 6"),
    );
    const more = concatBytes(first.leaves, second.leaves);
    expect(() => verify(first.document, more)).toThrow(refusal("8 leaves instead of 6"));
  });

  it("is refused with a gap, even under a root that its meter has signed", () => {
    const gap = withLeaf(4, { interval: 727491 });
    expect(() => verify(sealing(gap), gap)).toThrow(refusal("leaf 4 is not interval 727490, channel 0"));
    const channel = withLeaf(3, { channel: 0 });
    expect(() => verify(sealing(channel), channel)).toThrow(
      refusal("leaf 3 is not interval 727489, channel 1"),
    );
  });

  it("is refused with a status altered: under the root, between channels, or against the union", () => {
    const altered = withLeaf(0, { status: 16 });
    expect(() => verify(first.document, altered)).toThrow(refusal("interval 727488 has two statuses"));
    expect(() => verify(sealing(altered), altered)).toThrow(refusal("interval 727488 has two statuses"));
    const leaves = leavesOf({
      firstInterval: 727488,
      readings: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      status: 8,
    });
    const document = sealing(leaves, { statusUnion: 12 });
    expect(() => verify(document, leaves)).toThrow(refusal("leaf statuses are not those stated"));
    expect(verify(sealing(leaves, { statusUnion: 8 }), leaves).leaves).toHaveLength(6);
  });

  it("is refused if it forks the chain, and so is the one it forks from", () => {
    const ledger = new BatchLedger();
    const leaves = leavesOf({
      firstInterval: 727488,
      readings: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      status: 0,
    });
    verify(first.document, first.leaves, trust, ledger);
    const fork = sealing(leaves, { statusUnion: 0 });
    const why = new VerificationError("SM-0001: two different batches 0 are signed");
    expect(() => verify(fork, leaves, trust, ledger)).toThrow(why);
    expect(() => verify(first.document, first.leaves, trust, ledger)).toThrow(why);
  });

  it("is refused if it does not follow its predecessor, and so is the predecessor", () => {
    const ledger = new BatchLedger();
    const document = signBatch({ ...second.statement, previousBatchDigest: digest() });
    verify(document, second.leaves, trust, ledger);
    expect(() => verify(first.document, first.leaves, trust, ledger)).toThrow("does not follow");
    expect(() => verify(document, second.leaves, trust, ledger)).toThrow("does not follow");
    expect(ledger.conflicts.map(({ batchNumber }) => batchNumber)).toEqual([0, 1]);
  });

  it("leaves no trace in the ledger unless its signature and leaves verify", () => {
    const ledger = new BatchLedger();
    expect(() => verify(signBatch({}, seedOf("aggregator")), first.leaves, trust, ledger)).toThrow();
    expect(() => verify(first.document, second.leaves, trust, ledger)).toThrow();
    expect(ledger.size).toBe(0);
  });

  it("can be verified up to its signature by those who have no leaves", () => {
    expect(bytesToHex(verifyStatement(first.document, trust).digest)).toBe(vector.batchDigest);
  });
});
