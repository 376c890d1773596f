// The worked example (tests/vectors/sealmeter-example.json) as bytes, and more of the same meter: documents
// signed by its authority and by itself, and whole records of readings that a test makes up.
import { createHash } from "node:crypto";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import type { CustomerKeys, MeterRecord } from "../src/customer/check.js";
import { decodeStatement, rebuildRoot } from "../src/proofs/batch.js";
import { decodeCertificate, encodeCertificate } from "../src/proofs/certificate.js";
import { makeCommitmentKey } from "../src/proofs/generators.js";
import { signWithKey } from "../src/proofs/signed.js";
import type { Certificate } from "../src/trusted/authority/certificate.js";
import { encodePairing, type Pairing } from "../src/trusted/authority/pairing.js";
import { array, bstr, int, NIL, tstr } from "../src/trusted/encoding/cbor.js";
import { type DocumentType, decodeSign1 } from "../src/trusted/encoding/cose.js";
import { dayOf } from "../src/trusted/metrology/interval.js";
import { type BatchStatement, encodeLeaf, encodeStatement } from "../src/trusted/sealing/batch.js";
import { dayKey, digest, ReadingKeys } from "../src/trusted/sealing/keys.js";
import { padReadings } from "../src/trusted/sealing/sealer.js";
import vector from "./vectors/sealmeter-example.json" with { type: "json" };

export { vector };

const bytesOf = (hexes: readonly string[]) => concatBytes(...hexes.map((hex) => hexToBytes(hex)));

/** The Ed25519 seed of a party of the example: "authority", "signing" (the meter's), "aggregator" or another. */
export function seedOf(name: string): Uint8Array {
  return Uint8Array.from(createHash("sha512").update(`sealmeter example ${name}`).digest().subarray(0, 32));
}

const payloadOf = (type: DocumentType, hex: string) => decodeSign1(hexToBytes(hex), type, 512).payload;

/** What the example's customer is given, and what stands in it. */
export const example = {
  authorityKey: hexToBytes(vector.authorityPublic),
  certificateBytes: hexToBytes(vector.certificate),
  certificate: decodeCertificate(payloadOf("certificate-1", vector.certificate)),
  /** The two batches: document, statement, and leaves concatenated. */
  batches: [vector, vector.second].map(({ batch, leaves }) => ({
    document: hexToBytes(batch),
    statement: decodeStatement(payloadOf("batch-1", batch)),
    leaves: bytesOf(leaves),
  })),
  record: {
    certificate: hexToBytes(vector.certificate),
    batches: [vector.batch, vector.second.batch].map((hex) => hexToBytes(hex)),
    readings: bytesOf([...vector.readings, ...vector.second.readings].map(({ message }) => message)),
    events: bytesOf([vector.pairingEvent, vector.second.event]),
    pairings: [hexToBytes(vector.pairing)],
  } satisfies MeterRecord,
  keys: {
    meterId: vector.meterId,
    epoch: vector.epoch,
    K: hexToBytes(vector.K),
    user: hexToBytes(vector.customerPublic),
    userSecret: hexToBytes(vector.customerSecret),
  } satisfies CustomerKeys,
};

/** A certificate like the example's but for `changes`, by the authority or another seed. */
export function signCertificate(changes: Partial<Certificate>, seed = seedOf("authority")): Uint8Array {
  return signWithKey("certificate-1", encodeCertificate({ ...example.certificate, ...changes }), seed);
}

/** A batch like the example's first but for `changes`, by the meter or another seed. */
export function signBatch(changes: Partial<BatchStatement>, seed = seedOf("signing")): Uint8Array {
  const first = example.batches[0]?.statement as BatchStatement;
  return signWithKey("batch-1", encodeStatement({ ...first, ...changes }), seed);
}

/** A pairing like the example's but for `changes`, by the meter or another seed. */
export function signPairing(changes: Partial<Pairing>, seed = seedOf("signing")): Uint8Array {
  return signWithKey("pairing-1", encodePairing(pairingLike(changes)), seed);
}

function pairingLike(changes: Partial<Pairing>): Pairing {
  const { meterId, epoch, user } = example.keys;
  const ephemeral = hexToBytes(vector.ephemeralPublic);
  return { meterId, epoch, user, ephemeral, firstInterval: 727488, ...changes };
}

/** An event message of the example's meter. */
export function eventOf(sequence: number, type: number, detail: Uint8Array = NIL): Uint8Array {
  return array(int(1), tstr(vector.meterId), int(sequence), int(1309478340), int(type), detail);
}

/** A reading message of the example's meter. */
export function readingOf(
  { interval, readings, status }: { interval: number; readings: readonly number[]; status: number },
  { K, epoch }: { readonly K: Uint8Array; readonly epoch: number } = example.keys,
): Uint8Array {
  const padded = padReadings(
    readings,
    new ReadingKeys(dayKey(K, dayOf(interval, vector.intervalSeconds))),
    interval,
  );
  return array(int(1), tstr(vector.meterId), int(epoch), int(interval), int(status), bstr(padded));
}

/** A batch to be: the readings of each interval, by channel. */
export interface BatchPlan {
  readonly firstInterval: number;
  readonly readings: readonly (readonly number[])[];
  /** Of every interval; 0 by default. */
  readonly status?: number;
  /** 0 by default; another is sealed with a K of its own. */
  readonly epoch?: number;
}

/** K of an epoch of a made-up record: that of the example in epoch 0. */
export const keyOf = (epoch: number) => (epoch === 0 ? example.keys.K : digest(Uint8Array.of(epoch)));

const commitmentKey = makeCommitmentKey();

/** The leaves of a plan, concatenated. */
export function leavesOf({ firstInterval, readings, status = 0, epoch = 0 }: BatchPlan): Uint8Array {
  const keys = new ReadingKeys(dayKey(keyOf(epoch), dayOf(firstInterval, vector.intervalSeconds)));
  const leaves = readings.flatMap((channels, at) =>
    channels.map((reading, channel) => {
      const interval = firstInterval + at;
      const commitment = commitmentKey.commit(reading, keys.of(channel, interval).opening);
      return encodeLeaf(interval, channel, status, commitment);
    }),
  );
  return concatBytes(...leaves);
}

/** The batches of these plans in one chain, and everything else that the meter would have sent with them. */
export function sealRecord(plans: readonly BatchPlan[]): MeterRecord {
  const first = example.batches[0]?.statement as BatchStatement;
  const epochs = [...new Set(plans.map(({ epoch = 0 }) => epoch))];
  const pairings = epochs.map((epoch) => {
    const firstInterval = Math.min(...plans.filter((plan) => (plan.epoch ?? 0) === epoch).map(firstOf));
    return encodePairing(pairingLike({ epoch, firstInterval }));
  });
  const events = pairings.map((payload, at) => eventOf(at, 7, bstr(digest(payload))));
  const eventDigest = events.reduce((link, event) => digest(link, event), new Uint8Array(32));
  let previousBatchDigest: Uint8Array = new Uint8Array(32);
  const batches = plans.map((plan, batchNumber) => {
    const { firstInterval, readings, status: statusUnion = 0, epoch = 0 } = plan;
    const merkleRoot = rebuildRoot(leavesOf(plan));
    const chain = { batchNumber, previousBatchDigest, eventDigest, merkleRoot };
    const intervalCount = readings.length;
    const payload = encodeStatement({ ...first, ...chain, epoch, firstInterval, intervalCount, statusUnion });
    previousBatchDigest = digest(payload);
    return signWithKey("batch-1", payload, seedOf("signing"));
  });
  return {
    certificate: example.certificateBytes,
    batches,
    readings: concatBytes(...plans.flatMap(messagesOf)),
    events: concatBytes(...events),
    pairings: pairings.map((payload) => signWithKey("pairing-1", payload, seedOf("signing"))),
  };
}

const firstOf = ({ firstInterval }: BatchPlan) => firstInterval;

/** The reading messages of a plan, in order. */
export function messagesOf({ firstInterval, readings, status = 0, epoch = 0 }: BatchPlan): Uint8Array[] {
  return readings.map((channels, at) =>
    readingOf({ interval: firstInterval + at, readings: channels, status }, { K: keyOf(epoch), epoch }),
  );
}
