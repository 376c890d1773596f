// A batch as everyone but its meter sees it: a signed statement, and the leaves under its root from whoever
// can rebuild them. Commitments are bytes here: a leaf proves what the meter has signed, and whether its 32
// bytes encode a group element is found out, and refused, where the element is used.

import type { Certificate } from "../trusted/authority/certificate.js";
import { CHANNELS_MAX, METER_ID } from "../trusted/authority/configuration.js";
import { FormatError, readUint } from "../trusted/encoding/bytes.js";
import { dayOf, INTERVAL_SECONDS, intervalStart_s, U32_MAX } from "../trusted/metrology/interval.js";
import { type BatchStatement, LEAF_BYTES } from "../trusted/sealing/batch.js";
import { LEAVES_MAX } from "../trusted/sealing/merkle.js";
import { ViewReader } from "./cbor-views.js";
import { atOnce, isRevoked, type Renewal, type Revocation } from "./certificate.js";
import { openSign1 } from "./envelope.js";
import { equalBytes } from "./equal-bytes.js";
import { type Hashes, ROOT_BYTES } from "./group/hashes.js";
import type { BatchLedger, ChainLink } from "./ledger.js";
import { type EvidenceChecks, ensure, VerificationError } from "./signed.js";

/** The largest statement has 206 bytes. */
const STATEMENT_BYTES_MAX = 256;
const METER_ID_CHARACTERS_MAX = 32;
const U16_MAX = 0xffff;
const DIGEST_BYTES = 32;
/** Where in a leaf its channel, its status and its commitment stand, after the interval. */
const CHANNEL_AT = 4;
export const STATUS_AT = 5;
export const COMMITMENT_AT = 6;

/** One reading of a batch, hidden: in the order of intervals, then channels. */
export interface Leaf {
  readonly interval: number;
  readonly channel: number;
  readonly status: number;
  /** C, 32 bytes; not yet known to encode a group element. */
  readonly commitment: Uint8Array;
}

/** A batch whose signature was verified under a certificate. */
export interface SignedBatch {
  readonly statement: BatchStatement;
  /** H of the statement's bytes: what the next batch chains to. */
  readonly digest: Uint8Array;
  /** The COSE_Sign1, as it was sent. */
  readonly document: Uint8Array;
}

/** A signed batch whose leaves were found under its root. */
export interface VerifiedBatch extends SignedBatch {
  readonly leaves: readonly Leaf[];
}

/** Whom to believe about a meter. */
export interface Trust {
  /** As `verifyCertificate` returned it: what it says is not checked again. */
  readonly certificate: Certificate;
  /** As `verifyRenewals` returned them: each batch is verified under the one of its software and time. */
  readonly renewals?: readonly Renewal[];
  /** The newest that the verifier has, as `verifyRevocation` returned it; null if there is none. */
  readonly revocation: Revocation | null;
}

/**
 * Takes the payload of a batch apart; the inverse of `encodeStatement`. Its digests are views of the payload.
 * @throws FormatError for malformed bytes, a value out of its range, or intervals of more than one UTC day.
 */
export function decodeStatement(payload: Uint8Array): BatchStatement {
  const reader = new ViewReader(payload, "batch statement");
  reader.map(12);
  const statement = {
    meterId: reader.key(1).text(METER_ID_CHARACTERS_MAX, METER_ID),
    batchNumber: reader.key(2).uint(U32_MAX),
    epoch: reader.key(3).uint(U16_MAX),
    firstInterval: reader.key(4).uint(U32_MAX),
    intervalSeconds: reader.key(5).uint(U32_MAX),
    intervalCount: reader.key(6).uint(LEAVES_MAX),
    channelCount: reader.key(7).uint(CHANNELS_MAX),
    merkleRoot: reader.key(8).bytes(DIGEST_BYTES),
    previousBatchDigest: reader.key(9).bytes(DIGEST_BYTES),
    softwareId: reader.key(10).bytes(DIGEST_BYTES),
    eventDigest: reader.key(11).bytes(DIGEST_BYTES),
    statusUnion: reader.key(12).uint(0xff),
  };
  reader.end();
  const { firstInterval, intervalSeconds, intervalCount, channelCount } = statement;
  const leaves = intervalCount * channelCount;
  const last = firstInterval + intervalCount - 1;
  if (!INTERVAL_SECONDS.includes(intervalSeconds))
    reader.refuse(`${intervalSeconds} s is no interval length`);
  if (leaves < 1 || leaves > LEAVES_MAX) reader.refuse(`${leaves} leaves`);
  if (last > U32_MAX || dayOf(firstInterval, intervalSeconds) !== dayOf(last, intervalSeconds)) {
    reader.refuse(`intervals ${firstInterval} to ${last} are not of one day`);
  }
  return statement;
}

/**
 * Cuts leaves apart: `u32be(interval) || u8(channel) || u8(status) || C` each. Their order, and whether they
 * are anybody's, is for `verifyLeaves` to say.
 * @throws FormatError unless there are 1 to 768 whole leaves.
 */
export function parseLeaves(bytes: Uint8Array): Leaf[] {
  const length = leafCount(bytes);
  return Array.from({ length }, (_, at) => {
    const offset = at * LEAF_BYTES;
    return {
      interval: readUint(bytes, offset, 4),
      channel: readUint(bytes, offset + CHANNEL_AT, 1),
      status: readUint(bytes, offset + STATUS_AT, 1),
      commitment: bytes.slice(offset + COMMITMENT_AT, offset + LEAF_BYTES),
    };
  });
}

function leafCount(bytes: Uint8Array): number {
  const count = bytes.length / LEAF_BYTES;
  if (Number.isInteger(count) && count >= 1 && count <= LEAVES_MAX) return count;
  throw new FormatError(`leaves: ${bytes.length} bytes are not 1 to ${LEAVES_MAX} leaves`);
}

/** The Merkle root over concatenated leaves. @throws FormatError unless there are 1 to 768 whole ones. */
export function rebuildRoot(leaves: Uint8Array): Uint8Array {
  leafCount(leaves);
  return atOnce.hashes.merkleRoots([leaves], LEAF_BYTES);
}

/** Whether a batch is of the software and the time of a certificate. */
export function isCertified(statement: BatchStatement, certificate: Certificate): boolean {
  const { firstInterval, intervalCount, intervalSeconds } = statement;
  const begins_s = intervalStart_s(firstInterval, intervalSeconds);
  const ends_s = intervalStart_s(firstInterval + intervalCount, intervalSeconds);
  const isValid = begins_s >= certificate.notBefore_s && ends_s <= certificate.notAfter_s;
  return isValid && equalBytes(statement.softwareId, certificate.softwareId);
}

/** What a batch is called in a reason. */
export const nameOf = ({ batchNumber, meterId }: Pick<BatchStatement, "batchNumber" | "meterId">): string =>
  `batch ${batchNumber} of ${meterId}`;

/** The statement is of the certificate's meter, as certified, over intervals for which it was certified. */
function checkCertified(statement: BatchStatement, certificate: Certificate): void {
  const { meterId, softwareId, intervalSeconds, channelCount } = statement;
  const refusal = (why: string) => () => `${nameOf(statement)}: ${why}`;
  ensure(meterId === certificate.meterId, refusal(`the certificate is of ${certificate.meterId}`));
  ensure(equalBytes(softwareId, certificate.softwareId), refusal("software is not the certified"));
  ensure(intervalSeconds === certificate.intervalSeconds, refusal("interval is not the certified"));
  ensure(channelCount === certificate.channels.length, refusal("channels are not the certified"));
  ensure(isCertified(statement, certificate), refusal("not within the certificate's validity"));
}

/**
 * Verifies a batch up to its signature: that the certificate is its meter's and matches, is valid over its
 * intervals and not revoked, and that the meter has signed. Whether it is the meter's only batch of this
 * number is for the ledger to say.
 * @param checks how; by default at once.
 * @throws FormatError for malformed bytes, VerificationError with the reason.
 */
export function verifyStatement(
  document: Uint8Array,
  trust: Trust,
  checks: EvidenceChecks = atOnce,
): SignedBatch {
  const envelope = openSign1(document, "batch-1", STATEMENT_BYTES_MAX);
  const statement = decodeStatement(envelope.payload);
  const { certificate: first, renewals = [], revocation } = trust;
  const renewal = renewals.find((candidate) => isCertified(statement, candidate.certificate));
  const certificate = renewal?.certificate ?? first;
  checkCertified(statement, certificate);
  const revoked = revocation !== null && isRevoked(revocation, certificate, statement.batchNumber);
  ensure(!revoked, () => `${nameOf(statement)}: the key is revoked before this batch`);
  checks.signature("batch-1", envelope, certificate.signingKey);
  return { statement, digest: checks.hashes.sha256(envelope.payload), document };
}

/**
 * Verifies all of a signed batch's leaves but that they are under its root: without gaps in their order, one status
 * for all channels of an interval, and the union of statuses as stated. No object is made of a leaf: there may be a
 * billion of them.
 * @param leaves 38 bytes each, concatenated.
 * @throws FormatError for cut leaves, VerificationError with the reason.
 */
export function checkOrder({ statement }: SignedBatch, leaves: Uint8Array): void {
  const { firstInterval, intervalCount, channelCount } = statement;
  const refusal = (why: string) => new VerificationError(`${nameOf(statement)}: ${why}`);
  const count = leafCount(leaves);
  const expected = intervalCount * channelCount;
  if (count !== expected) throw refusal(`${count} leaves instead of ${expected}`);
  let union = 0;
  for (let at = 0; at < count; at++) {
    const channel = at % channelCount;
    const interval = firstInterval + (at - channel) / channelCount;
    const status = leaves[at * LEAF_BYTES + STATUS_AT] ?? 0;
    if (!isLeafOf(leaves, at, interval, channel)) {
      throw refusal(`leaf ${at} is not interval ${interval}, channel ${channel}`);
    }
    if (channel > 0 && status !== leaves[(at - 1) * LEAF_BYTES + STATUS_AT]) {
      throw refusal(`interval ${interval} has two statuses`);
    }
    union |= status;
  }
  if (union !== statement.statusUnion) throw refusal("leaf statuses are not those stated");
}

/** A signed batch, and the leaves that somebody says are its. */
export interface ClaimedLeaves {
  readonly batch: SignedBatch;
  /** As `checkOrder` has let them pass; or none, of which nothing is claimed. */
  readonly leaves: Uint8Array;
}

/**
 * Verifies that leaves are under the signed roots, of many batches together, for that is faster.
 * @param claimed at most BILL_BATCHES_MAX.
 * @param passed is given each batch that is right, in their order, before the next is judged.
 * @throws VerificationError for the first whose leaves are not.
 */
export function checkRoots(
  claimed: readonly ClaimedLeaves[],
  hashes: Hashes,
  passed: (batch: SignedBatch) => void,
): void {
  const trees = claimed.map(({ leaves }) => leaves).filter(({ length }) => length > 0);
  const roots = hashes.merkleRoots(trees, LEAF_BYTES);
  let at = 0;
  for (const { batch, leaves } of claimed) {
    if (leaves.length > 0) {
      const isRoot = equalBytes(roots.subarray(at, at + ROOT_BYTES), batch.statement.merkleRoot);
      ensure(isRoot, () => `${nameOf(batch.statement)}: leaves are not under the signed root`);
      at += ROOT_BYTES;
    }
    passed(batch);
  }
}

/** Whether leaf `at` is of this interval and channel. */
function isLeafOf(leaves: Uint8Array, at: number, interval: number, channel: number): boolean {
  const offset = at * LEAF_BYTES;
  return (
    leaves[offset + 3] === (interval & 0xff) &&
    leaves[offset + 2] === ((interval >>> 8) & 0xff) &&
    leaves[offset + 1] === ((interval >>> 16) & 0xff) &&
    leaves[offset] === interval >>> 24 &&
    leaves[offset + CHANNEL_AT] === channel
  );
}

/**
 * Verifies that `leaves` are the leaves of a signed batch, in their order and under the signed root.
 * @param leaves 38 bytes each, concatenated.
 * @returns them cut apart.
 * @throws FormatError for cut leaves, VerificationError with the reason.
 */
export function verifyLeaves(batch: SignedBatch, leaves: Uint8Array): Leaf[] {
  checkOrder(batch, leaves);
  checkRoots([{ batch, leaves }], atOnce.hashes, () => undefined);
  return parseLeaves(leaves);
}

/**
 * Verifies a batch whole, in the order of docs/protocol.md: certified, valid, not revoked, signed by the
 * meter, leaves under the root, and one unforked chain with all that the ledger has seen.
 * @param leaves 38 bytes each, concatenated.
 * @param ledger the verifier's own; it is the only thing that changes.
 * @throws FormatError for malformed bytes, VerificationError with the reason.
 */
export function verifyBatch(
  document: Uint8Array,
  leaves: Uint8Array,
  trust: Trust,
  ledger: BatchLedger,
): VerifiedBatch {
  const signed = verifyStatement(document, trust);
  const verified = { ...signed, leaves: verifyLeaves(signed, leaves) };
  ledger.record(linkOf(signed));
  return verified;
}

/** What the ledger keeps of a signed batch: copies, for whoever keeps or sends a view keeps or sends a whole bill. */
export function linkOf({ statement, digest }: SignedBatch): ChainLink {
  const { meterId, batchNumber, previousBatchDigest } = statement;
  return { meterId, batchNumber, digest, previousBatchDigest: previousBatchDigest.slice() };
}
