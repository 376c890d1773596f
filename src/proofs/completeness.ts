// Completeness: that a bill's batches are the meter's own and hold all readings of its period, each once. It is
// most of the work of verifying a bill of any kind, and what a customer selects their batches by (Rial & Danezis
// 2011, section 5, have one signed list of readings a period; here batches chain). What the readings cost is not
// asked here.
import type { SignedTariff, Tariff } from "../tariff/document.js";
import { type BillLines, covers, isoInstant, type Period } from "../tariff/evaluate.js";
import type { Certificate } from "../trusted/authority/certificate.js";
import { intervalStart_s } from "../trusted/metrology/interval.js";
import { type BatchStatement, LEAF_BYTES } from "../trusted/sealing/batch.js";
import {
  type ClaimedLeaves,
  checkOrder,
  checkRoots,
  isCertified,
  linkOf,
  nameOf,
  type SignedBatch,
  STATUS_AT,
  type Trust,
  verifyStatement,
} from "./batch.js";
import {
  BILL_BATCHES_MAX,
  BILL_LEAVES_MAX,
  type Bill,
  type BilledPeriod,
  type SuppliedBatch,
} from "./billed-period.js";
import { atOnce, type Renewal, type Revocation, verifyCertificate, verifyRenewals } from "./certificate.js";
import { equalBytes } from "./equal-bytes.js";
import { HINT_BYTES } from "./group/group.js";
import { BatchLedger } from "./ledger.js";
import { type EvidenceChecks, ensure, VerificationError } from "./signed.js";

/** Leaves of one batch without a gap: by interval from `firstInterval` on, then by channel. */
export interface LeafRun {
  readonly firstInterval: number;
  readonly channelCount: number;
  /** 38 bytes each, the commitment from COMMITMENT_AT on; not yet known to encode a group element. */
  readonly leaves: Uint8Array;
  /** A hint for each, 64 bytes, from nobody that is to be believed; or null. */
  readonly hints: Uint8Array | null;
}

/** Readings of runs. */
export const readingsOf = (runs: readonly LeafRun[]): number =>
  runs.reduce((sum, { leaves }) => sum + leaves.length / LEAF_BYTES, 0);

/** Bitwise or of the statuses of all leaves. */
export function statusUnionOf(runs: readonly LeafRun[]): number {
  let union = 0;
  for (const { leaves } of runs) {
    for (let at = STATUS_AT; at < leaves.length; at += LEAF_BYTES) union |= leaves[at] ?? 0;
  }
  return union;
}

/** Whom the verifier believes, and the tariff that they hold themselves. */
export interface BillTrust {
  /** Ed25519 public key, 32 bytes. */
  readonly authorityKey: Uint8Array;
  readonly tariff: SignedTariff;
  /** The newest that the verifier has, as `verifyRevocation` returned it. */
  readonly revocation?: Revocation | null;
  /** The verifier's memory of batches; by default an empty one. Every batch of the bill is recorded in it. */
  readonly ledger?: Pick<BatchLedger, "record">;
}

/** A bill that is right, and all that its verifier learns beyond what the meter sends to everyone. */
export interface VerifiedBill {
  readonly meterId: string;
  readonly epoch: number;
  readonly from: number;
  readonly to: number;
  readonly intervalSeconds: number;
  readonly standingDays: number;
  /** Of the energy, its total price is all that there is to see. */
  readonly lines: BillLines;
  /** Readings that went into the total, each of them still hidden. */
  readonly readings: number;
  /** Intervals of the period without a reading: the meter was off. */
  readonly absentIntervals: number;
  /** Bitwise or of the statuses of the period's intervals. */
  readonly statusUnion: number;
}

const endOf = ({ firstInterval, intervalCount }: BatchStatement) => firstInterval + intervalCount;

/** Whether a batch holds intervals of a period. */
export const overlaps = (statement: BatchStatement, { from, to }: Pick<Period, "from" | "to">): boolean =>
  statement.firstInterval < to && endOf(statement) > from;

/**
 * The batches that a bill of the period has to bring, by number: from the last that begins by the period's begin
 * to the first that ends at its end or later. Whether they are enough is for `checkComplete` to say.
 */
export function selectBatches(batches: readonly SignedBatch[], { from, to }: Period): SignedBatch[] {
  const sorted = [...batches].sort((a, b) => a.statement.batchNumber - b.statement.batchNumber);
  const first = sorted.filter(({ statement }) => statement.firstInterval <= from).length - 1;
  const beyond = sorted.filter(({ statement }) => endOf(statement) < to).length;
  return sorted.slice(Math.max(0, first), beyond + 1);
}

/** The COSE_Sign1 of those renewals under which any of the batches was sealed. */
export const renewalsOf = (
  renewals: readonly Renewal[] | undefined,
  batches: readonly SignedBatch[],
): Uint8Array[] =>
  (renewals ?? [])
    .filter(({ certificate }) => batches.some(({ statement }) => isCertified(statement, certificate)))
    .map(({ document }) => document);

/** @throws VerificationError for more leaves or batches than a bill may have. */
export function checkSize(batches: readonly SuppliedBatch[]): void {
  const leafBytes = batches.reduce((sum, { leaves }) => sum + leaves.length, 0);
  ensure(leafBytes <= BILL_LEAVES_MAX * LEAF_BYTES, `the bill has more than ${BILL_LEAVES_MAX} leaves`);
  ensure(batches.length <= BILL_BATCHES_MAX, `the bill has more than ${BILL_BATCHES_MAX} batches`);
}

/** @throws VerificationError for a period that is empty, too long, or outside the tariff's validity. */
export function checkPeriod(tariff: Tariff, period: Period): void {
  ensure(period.from < period.to, "the period ends before it begins");
  ensure(covers(tariff, period), "the period is outside the tariff's validity");
  const isBounded = period.to - period.from <= BILL_LEAVES_MAX;
  ensure(isBounded, `the period has more than ${BILL_LEAVES_MAX} intervals`);
}

/** Whose period a bill is of, as the authority has certified it. */
export interface CertifiedPeriod {
  readonly certificate: Certificate;
  readonly renewals: readonly Renewal[];
  readonly period: Period;
}

/**
 * Verifies what a bill says of its tariff, meter and period: all but its batches.
 * @param checks how; by default at once.
 * @throws VerificationError with the reason; FormatError for malformed documents.
 */
export function verifyPeriod(
  bill: BilledPeriod,
  { authorityKey, tariff }: BillTrust,
  checks: EvidenceChecks = atOnce,
): CertifiedPeriod {
  const { meterId, from, to } = bill;
  ensure(equalBytes(bill.tariffDigest, tariff.digest), "the bill is for another tariff");
  checkSize(bill.batches);
  const certificate = verifyCertificate(bill.certificate, authorityKey, checks);
  const certified = certificate.meterId;
  ensure(meterId === certified, `the bill of ${meterId} has a certificate of ${certified}`);
  const renewals = verifyRenewals(bill.renewals ?? [], certificate, authorityKey, checks);
  const period = { from, to, intervalSeconds: certificate.intervalSeconds };
  checkPeriod(tariff.tariff, period);
  return { certificate, renewals, period };
}

/**
 * Verifies all batches of a bill and that they hold the period whole.
 *
 * A batch of which no interval is billed may come without leaves, and may be of another epoch: it is there to
 * show that nothing lies between it and its neighbour, and for that its signed statement says where it begins,
 * where it ends and which batch it follows. Its readings, perhaps another tenant's, enter no sum.
 * @param checks how; by default at once. A ledger takes only what is verified: with checks that are put off, pass
 *   one that keeps the batches apart until then.
 * @returns the leaves of the period.
 * @throws VerificationError with the reason; FormatError for malformed documents.
 */
export function verifyBatches(
  bill: BilledPeriod,
  { certificate, renewals, period }: CertifiedPeriod,
  { revocation = null, ledger = new BatchLedger() }: Pick<BillTrust, "revocation" | "ledger">,
  checks: EvidenceChecks = atOnce,
): LeafRun[] {
  const trust: Trust = { certificate, renewals, revocation };
  const runs: LeafRun[] = [];
  const claimed: ClaimedLeaves[] = [];
  try {
    for (const supplied of bill.batches) {
      const batch = verifyStatement(supplied.document, trust, checks);
      const isBilled = overlaps(batch.statement, period);
      const isBare = supplied.leaves.length === 0;
      ensure(!isBilled || !isBare, () => `${nameOf(batch.statement)}: comes without its leaves`);
      if (!isBare) checkOrder(batch, supplied.leaves);
      claimed.push({ batch, leaves: supplied.leaves });
      if (isBilled) runs.push(runOf(batch.statement, supplied, period));
    }
  } finally {
    // Before whatever is wrong with a batch comes what is wrong with those before it, and these are recorded.
    checkRoots(claimed, checks.hashes, (batch) => ledger.record(linkOf(batch)));
  }
  checkComplete(
    claimed.map(({ batch }) => batch),
    period,
    bill.epoch,
  );
  return runs;
}

/** What a verifier of a bill learns; the bill is right, or what was put off has still to show it. */
export function verifiedBill(
  { meterId, epoch, lines }: Bill,
  { certificate, period }: CertifiedPeriod,
  standingDays: number,
  runs: readonly LeafRun[],
): VerifiedBill {
  const readings = readingsOf(runs);
  return {
    meterId,
    epoch,
    ...period,
    standingDays,
    lines,
    readings,
    absentIntervals: period.to - period.from - readings / certificate.channels.length,
    statusUnion: statusUnionOf(runs),
  };
}

/** The leaves of a batch that lie within the period. */
function runOf(statement: BatchStatement, { leaves, hints }: SuppliedBatch, { from, to }: Period): LeafRun {
  const { firstInterval, channelCount } = statement;
  const begin = Math.max(from, firstInterval);
  const end = Math.min(to, endOf(statement));
  const billed = (bytes: Uint8Array, each: number) =>
    bytes.subarray(
      (begin - firstInterval) * channelCount * each,
      (end - firstInterval) * channelCount * each,
    );
  return {
    firstInterval: begin,
    channelCount,
    leaves: billed(leaves, LEAF_BYTES),
    hints: hints ? billed(hints, HINT_BYTES) : null,
  };
}

/**
 * Every interval of the period lies in one of the batches, or between two that follow one another, where the
 * meter had nothing to seal. An edge of the period outside all batches needs the batch beyond it for that.
 * @throws VerificationError naming the batch or the first interval where this fails.
 */
export function checkComplete(batches: readonly SignedBatch[], period: Period, epoch: number): void {
  const { from, to, intervalSeconds } = period;
  batches.forEach(({ statement }, at) => {
    const { batchNumber, firstInterval } = statement;
    const refusal = (why: string) => () => `${nameOf(statement)}: ${why}`;
    const isOfEpoch = statement.epoch === epoch || !overlaps(statement, period);
    ensure(isOfEpoch, refusal(`is of epoch ${statement.epoch}, the bill of epoch ${epoch}`));
    const before = batches[at - 1];
    if (!before) return;
    const next = before.statement.batchNumber + 1;
    ensure(batchNumber === next, refusal(`stands where batch ${next} is missing`));
    const follows = equalBytes(statement.previousBatchDigest, before.digest);
    ensure(follows, refusal("does not follow the batch before it"));
    const isAfter = firstInterval >= endOf(before.statement);
    ensure(isAfter, refusal("begins before the batch before it ends"));
  });
  const first = batches[0]?.statement.firstInterval ?? to;
  const last = batches[batches.length - 1]?.statement;
  const end = last ? endOf(last) : from;
  const uncovered = first > from ? from : Math.max(from, end);
  if (first <= from && end >= to) return;
  const instant = isoInstant(intervalStart_s(uncovered, intervalSeconds));
  throw new VerificationError(`interval ${uncovered} (${instant}) is in no batch, nor between two of them`);
}
