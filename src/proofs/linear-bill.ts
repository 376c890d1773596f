// The linear bill: what a period costs when no rate depends on a reading. The sum of commitments, each times
// its public rate, is a commitment to the sum of readings times rates; so the customer opens that one sum, and
// the supplier learns that one number (Rial & Danezis 2011, section 5). That the sum is over all readings of
// the period, each once, follows from the signed batches (completeness.ts).
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import type { SignedTariff, Tariff } from "../tariff/document.js";
import { type BillLines, billLines, daysOf, type Period, rates } from "../tariff/evaluate.js";
import { bstr } from "../trusted/encoding/cbor.js";
import { LEAF_BYTES } from "../trusted/sealing/batch.js";
import { bytesOf } from "../trusted/sealing/edwards.js";
import { type Bill, decodeBill, encodeBill } from "./billed-period.js";
import {
  type BillTrust,
  COMMITMENT_AT,
  checkPeriod,
  type LeafRun,
  readingsOf,
  statusUnionOf,
  type VerifiedBill,
  verifyBatches,
  verifyPeriod,
} from "./completeness.js";
import { BASE, BLINDING, Group, type GroupElement } from "./generators.js";
import { type OpenedMeter, openPeriod } from "./opened-meter.js";
import { ensure, VerificationError } from "./signed.js";

const Fn = ed25519.Point.Fn;

const TOTAL_LIMIT = 2n ** 80n;
const SCALAR_BYTES = 32;

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
  const table = rateTable(tariff, channels, period);
  const { billed, opened } = openPeriod(meter, certificate, digest, period);
  let energy = 0n;
  let opening = 0n;
  for (const { interval, readings, openings } of opened.flatMap((batch) => batch.intervals)) {
    channels.forEach((_, channel) => {
      const rate = BigInt(table[channel]?.[interval - from] ?? 0);
      energy += rate * BigInt(readings[channel] ?? 0);
      opening += rate * (openings[channel] ?? 0n);
    });
  }
  const lines = billLines(tariff, energy, daysOf(tariff, period));
  const bill = { ...billed, opening: bytesOf(Fn.create(opening)), lines };
  checkBounds(bill);
  return bill;
}

/**
 * Verifies a bill: the documents, that no interval of the period is left out, and that the amounts are those
 * of the readings that the meter sealed.
 * @throws VerificationError with the reason; FormatError for malformed documents in the bill.
 */
export function verifyLinearBill(bill: LinearBill, trust: BillTrust): VerifiedBill {
  const { tariff } = trust.tariff;
  const { lines } = bill;
  const opening = checkBounds(bill);
  const certified = verifyPeriod(bill, trust);
  const { period, certificate } = certified;
  const table = rateTable(tariff, certificate.channels, period);
  const standingDays = daysOf(tariff, period);
  ensure(
    sameLines(lines, billLines(tariff, lines.energy, standingDays)),
    "the lines do not follow from the total",
  );
  const runs = verifyBatches(bill, certified, trust);
  const sum = weightedSum(sumsByRate(runs, table, period.from));
  const opened = BASE.multiplyUnsafe(Fn.create(lines.energy)).add(BLINDING.multiplyUnsafe(opening));
  ensure(sum.equals(opened), "the total is not that of the readings which the meter sealed");
  const readings = readingsOf(runs);
  return {
    meterId: bill.meterId,
    epoch: bill.epoch,
    ...period,
    standingDays,
    lines,
    readings,
    absentIntervals: period.to - period.from - readings / certificate.channels.length,
    statusUnion: statusUnionOf(runs),
  };
}

/**
 * What keeps T from being another number of the same class modulo l, and O from being written in two ways.
 * @returns O.
 */
function checkBounds({ lines, opening }: LinearBill): bigint {
  const { energy } = lines;
  ensure(energy < TOTAL_LIMIT && energy > -TOTAL_LIMIT, "the total is 2^80 nano-currency or more");
  const scalar = bytesToNumberLE(opening);
  ensure(opening.length === SCALAR_BYTES && scalar < Fn.ORDER, "the opening is not a canonical scalar");
  return scalar;
}

/** Rates by channel, then by interval from the period's first on; null for a channel without a price. */
function rateTable(tariff: Tariff, channels: readonly string[], period: Period) {
  const table = channels.map((obis) => rates(tariff, obis, period));
  ensure(
    table.some((row) => row !== null),
    "the tariff prices no channel of this meter",
  );
  return table;
}

function sameLines(a: BillLines, b: BillLines): boolean {
  const all = ({ energy, standing, levies, vat, total }: BillLines) => [
    energy,
    standing,
    ...levies,
    vat,
    total,
  ];
  return all(a).join() === all(b).join();
}

type RateTable = ReturnType<typeof rateTable>;

/** The commitments of each rate, added. Of a rate of zero nothing is needed. */
function sumsByRate(runs: readonly LeafRun[], table: RateTable, from: number): Map<number, GroupElement> {
  const sums = new Map<number, GroupElement>();
  for (const { firstInterval, channelCount, leaves } of runs) {
    for (let at = 0; at < leaves.length / LEAF_BYTES; at++) {
      const interval = firstInterval + Math.floor(at / channelCount);
      const channel = at % channelCount;
      const rate = table[channel]?.[interval - from] ?? 0;
      if (rate === 0) continue;
      const commitment = leaves.subarray(at * LEAF_BYTES + COMMITMENT_AT, (at + 1) * LEAF_BYTES);
      const point = decodeCommitment(commitment, interval, channel);
      sums.set(rate, sums.get(rate)?.add(point) ?? point);
    }
  }
  return sums;
}

function decodeCommitment(commitment: Uint8Array, interval: number, channel: number): GroupElement {
  try {
    return Group.fromBytes(commitment);
  } catch {
    throw new VerificationError(`commitment of interval ${interval}, channel ${channel} is no group element`);
  }
}

const WINDOW_BITS = 4;
const BUCKETS = 2 ** WINDOW_BITS;
const RATE_BITS = 32;

/**
 * The sum of rate·point, by Pippenger's buckets over 4-bit digits of the rates: about 8 additions a point,
 * a thirtieth of one multiplication. Rates are whole, of either sign, not zero, and below 2^31 in size.
 */
export function weightedSum(points: ReadonlyMap<number, GroupElement>): GroupElement {
  let sum = Group.ZERO;
  for (let shift = RATE_BITS - WINDOW_BITS; shift >= 0; shift -= WINDOW_BITS) {
    for (let bit = 0; bit < WINDOW_BITS; bit++) sum = sum.double();
    const buckets = new Array<GroupElement>(BUCKETS).fill(Group.ZERO);
    for (const [rate, point] of points) {
      const digit = (Math.abs(rate) >>> shift) & (BUCKETS - 1);
      const bucket = buckets[digit] ?? Group.ZERO;
      if (digit > 0) buckets[digit] = bucket.add(rate < 0 ? point.negate() : point);
    }
    let running = Group.ZERO;
    for (let digit = BUCKETS - 1; digit > 0; digit--) {
      running = running.add(buckets[digit] ?? Group.ZERO);
      sum = sum.add(running);
    }
  }
  return sum;
}
