// The linear bill: what a period costs when no rate depends on a reading. The sum of commitments, each times
// its public rate, is a commitment to the sum of readings times rates; so the customer opens that one sum, and
// the supplier learns that one number (Rial & Danezis 2011, section 5). That the sum is over all readings of
// the period, each once, follows from the signed batches (completeness.ts).
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import type { SignedTariff } from "../tariff/document.js";
import { billLines, daysOf } from "../tariff/evaluate.js";
import { bstr } from "../trusted/encoding/cbor.js";
import { bytesOf } from "../trusted/sealing/edwards.js";
import { type Arithmetic, fastArithmetic } from "./arithmetic.js";
import { checkLines, checkTotal } from "./bill-lines.js";
import { type Bill, decodeBill, encodeBill } from "./billed-period.js";
import { generatorsOf } from "./bulletproofs/generators.js";
import {
  type BillTrust,
  checkPeriod,
  type VerifiedBill,
  verifiedBill,
  verifyBatches,
  verifyPeriod,
} from "./completeness.js";
import { checksAtOnce } from "./evidence-checks.js";
import type { Group, Points } from "./group/group.js";
import { type OpenedMeter, openPeriod } from "./opened-meter.js";
import { RateTables, rateOf } from "./rate-classes.js";
import { SCALAR_BYTES } from "./scalars.js";
import { type EvidenceChecks, ensure } from "./signed.js";
import { WeightedSums } from "./weighted-sum.js";

const Fn = ed25519.Point.Fn;

/** A bill with its proof. */
export interface LinearBill extends Bill {
  /** O, the sum of openings times rates modulo l: 32 bytes little-endian, below l. */
  readonly opening: Uint8Array;
}

/**
 * The bytes of a bill, with O (bstr32) as its proof: see `encodeBill`.
 * @throws FormatError for what `decodeLinearBill` would refuse.
 */
export function encodeLinearBill(bill: LinearBill): Uint8Array {
  const bytes = encodeBill(bill, bstr(bill.opening));
  decodeLinearBill(bytes);
  return bytes;
}

/**
 * Takes a bill apart; nothing in it is verified.
 * @throws FormatError for malformed bytes, or more of them than a bill can have.
 */
export function decodeLinearBill(bytes: Uint8Array): LinearBill {
  const { bill, proof } = decodeBill(bytes, (reader) => reader.bytes(SCALAR_BYTES));
  return { ...bill, opening: proof };
}

/**
 * Makes the bill of intervals [from, to) and its proof.
 * @param certificate the COSE_Sign1 of `meter.certificate`.
 * @throws VerificationError if an interval of the period is neither sealed nor known to be absent, which is
 *   then named, if the tariff is not for this meter or period, or if the bill is too long; FormatError if the
 *   tariff's prices do not fit the meter's intervals.
 */
export function proveLinearBill(
  meter: OpenedMeter,
  certificate: Uint8Array,
  { tariff, digest }: SignedTariff,
  { from, to }: { readonly from: number; readonly to: number },
): LinearBill {
  const { channels, intervalSeconds } = meter.certificate;
  const period = { from, to, intervalSeconds };
  checkPeriod(tariff, period);
  const table = new RateTables(tariff).of(channels, period);
  const { billed, opened } = openPeriod(meter, certificate, digest, period);
  let energy = 0n;
  let opening = 0n;
  for (const { interval, readings, openings } of opened.flatMap((batch) => batch.intervals)) {
    channels.forEach((_, channel) => {
      const isBilled = interval >= from && interval < to;
      const rate = isBilled ? BigInt(rateOf(table, interval, channel)) : 0n;
      energy += rate * BigInt(readings[channel] ?? 0);
      opening += rate * (openings[channel] ?? 0n);
    });
  }
  const lines = billLines(tariff, energy, daysOf(tariff, period));
  const bill = { ...billed, opening: bytesOf(Fn.create(opening)), lines };
  checkBounds(bill);
  return bill;
}

/** What is left to check of a bill: that the sum of rate·C opens to T and O. */
export interface LinearEquation {
  /** The sum of rate·C over all leaves of the period, one point. */
  readonly sum: Points;
  /** T, |T| < 2^80. */
  readonly energy: bigint;
  /** O, below l. */
  readonly opening: bigint;
}

/** How a bill is examined. */
export interface Examination {
  readonly checks: EvidenceChecks;
  readonly sums: WeightedSums;
  /** Of the tariff in `BillTrust`. */
  readonly tables: RateTables;
}

/** A bill that is right if what the examination has put off is, and its equation. */
export interface ExaminedBill {
  readonly verified: VerifiedBill;
  readonly equation: LinearEquation;
}

/**
 * Verifies a bill: the documents, that no interval of the period is left out, and that the amounts are those
 * of the readings that the meter sealed.
 * @param arithmetic what to compute with.
 * @throws VerificationError with the reason; FormatError for malformed documents in the bill.
 */
export function verifyLinearBill(
  bill: LinearBill,
  trust: BillTrust,
  arithmetic: Arithmetic = fastArithmetic(),
): VerifiedBill {
  const { group } = arithmetic;
  const tables = new RateTables(trust.tariff.tariff);
  const { verified, equation } = examineLinearBill(bill, trust, {
    checks: checksAtOnce(arithmetic),
    sums: new WeightedSums(group),
    tables,
  });
  ensure(areOpened([equation], [1n], group), "the total is not that of the readings which the meter sealed");
  return verified;
}

/**
 * All of `verifyLinearBill` but the equation and what the examination's checks put off.
 * @throws as `verifyLinearBill`.
 */
export function examineLinearBill(
  bill: LinearBill,
  trust: BillTrust,
  { checks, sums, tables }: Examination,
): ExaminedBill {
  const { tariff } = trust.tariff;
  const { lines } = bill;
  const opening = checkBounds(bill);
  const certified = verifyPeriod(bill, trust, checks);
  const { period, certificate } = certified;
  const table = tables.of(certificate.channels, period);
  const standingDays = daysOf(tariff, period);
  checkLines(lines, tariff, standingDays);
  const runs = verifyBatches(bill, certified, trust, checks);
  const verified = verifiedBill(bill, certified, standingDays, runs);
  const sum = sums.of(runs, table);
  return { verified, equation: { sum, energy: lines.energy, opening } };
}

/**
 * Whether each sum opens to its T and O: sum w_i·(sum_i - T_i·B - O_i·B~) = 0.
 * @param coefficients w_i: of more than one equation, 128 random bits each that nobody who made a bill could
 *   foresee; a false equation then passes with a probability of 2^-128.
 */
export function areOpened(
  equations: readonly LinearEquation[],
  coefficients: readonly bigint[],
  group: Group,
): boolean {
  let ofBase = 0n;
  let ofBlinding = 0n;
  for (const [at, { energy, opening }] of equations.entries()) {
    const coefficient = coefficients[at] ?? 0n;
    ofBase -= coefficient * energy;
    ofBlinding -= coefficient * opening;
  }
  const points = [generatorsOf(group).pedersen, ...equations.map(({ sum }) => sum)];
  const scalars = [Fn.create(ofBase), Fn.create(ofBlinding), ...coefficients];
  return group.isZero(group.sum(scalars, group.concat(points)));
}

/**
 * What keeps T from being another number of the same class modulo l, and O from being written in two ways.
 * @returns O.
 */
function checkBounds({ lines, opening }: LinearBill): bigint {
  checkTotal(lines);
  const scalar = bytesToNumberLE(opening);
  ensure(opening.length === SCALAR_BYTES && scalar < Fn.ORDER, "the opening is not a canonical scalar");
  return scalar;
}
