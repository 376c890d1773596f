// What a customer holds of their meter, readings and openings included, and the part of it that a bill needs: the
// evidence to hand over, and the readings to prove with. Nothing is proved here.
import type { Period } from "../tariff/evaluate.js";
import type { Certificate } from "../trusted/authority/certificate.js";
import type { SignedBatch } from "./batch.js";
import type { BilledPeriod } from "./billed-period.js";
import type { Renewal } from "./certificate.js";
import { checkComplete, checkSize, overlaps, renewalsOf, selectBatches } from "./completeness.js";

/** A batch of which the customer knows the readings and their openings. */
export interface OpenedBatch extends SignedBatch {
  /** 38 bytes each. */
  readonly leafBytes: Uint8Array;
  /** By interval; readings and openings by channel. */
  readonly intervals: readonly {
    readonly interval: number;
    readonly readings: readonly number[];
    readonly openings: readonly bigint[];
  }[];
}

/** What a customer holds of their meter after checking it (customer/check.ts). */
export interface OpenedMeter {
  readonly certificate: Certificate;
  readonly renewals?: readonly Renewal[];
  readonly pairing: { readonly epoch: number };
  /** Batches of the customer's epoch, by number. */
  readonly batches: readonly OpenedBatch[];
  /** Batches of other epochs: only where they begin and end is used. */
  readonly otherBatches: readonly SignedBatch[];
}

/** A period as a bill names it, with its evidence, and what the customer alone knows of it. */
export interface OpenedPeriod {
  readonly billed: BilledPeriod;
  /** The batches that hold intervals of the period; they may hold others too. */
  readonly opened: readonly OpenedBatch[];
}

/**
 * Opens a period. Besides the batches of the period it brings the one before and the one after only where the
 * period's edge lies outside all batches.
 * @param certificate the COSE_Sign1 of `meter.certificate`.
 * @param tariffDigest H of the tariff's payload.
 * @throws VerificationError if an interval of the period is neither sealed nor known to be absent, which is
 *   then named, or if there is more of it than a bill may hold.
 */
export function openPeriod(
  meter: OpenedMeter,
  certificate: Uint8Array,
  tariffDigest: Uint8Array,
  period: Period,
): OpenedPeriod {
  const { epoch } = meter.pairing;
  const supplied = selectBatches([...meter.batches, ...meter.otherBatches], period);
  checkComplete(supplied, period, epoch);
  const opened = meter.batches.filter(({ statement }) => overlaps(statement, period));
  const leavesOf = new Map(opened.map(({ document, leafBytes }) => [document, leafBytes]));
  const batches = supplied.map(({ document }) => ({
    document,
    leaves: leavesOf.get(document) ?? new Uint8Array(0),
  }));
  checkSize(batches);
  const { from, to } = period;
  const renewals = renewalsOf(meter.renewals, supplied);
  const names = { meterId: meter.certificate.meterId, epoch, from, to, tariffDigest, certificate };
  return { billed: { ...names, renewals, batches }, opened };
}
