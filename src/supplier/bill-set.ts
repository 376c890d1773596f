// What came of a set of bills, and the supplier's memory over it: batches of all bills are recorded, of refused ones
// too, and at the end every bill is refused that shows a batch with which its meter's history forks; of two bills
// with different histories both, whichever came first. Bills come in any order, from any number of verifiers.
import type { BatchLedger, ChainLink } from "../proofs/ledger.js";
import { reasonOf, type Verdict } from "./verify-bills.js";

export interface RefusedBill {
  /** What its file or sender is called. */
  readonly name: string;
  readonly reason: string;
}

/** Two right bills of one meter that hold the same interval: its energy is in the sum twice. */
export interface Overlap {
  readonly name: string;
  readonly other: string;
}

export interface BillSetResult {
  /** Bills that are right. */
  readonly verified: number;
  /** Readings that went into them. */
  readonly readings: number;
  /** The sum of their totals, nano-currency. */
  readonly total: bigint;
  /** A pair for each of them that begins before another of its meter has ended; by meter and time. */
  readonly overlaps: readonly Overlap[];
  /** By name. */
  readonly refused: readonly RefusedBill[];
}

/** One meter's bills all count in the same intervals: their length is certified for its key. */
function overlapsOf(bills: readonly SoundBill[]): Overlap[] {
  const ordered = [...bills].sort((a, b) =>
    a.meterId === b.meterId ? a.from - b.from : a.meterId < b.meterId ? -1 : 1,
  );
  const overlaps: Overlap[] = [];
  let latest: SoundBill | null = null;
  for (const bill of ordered) {
    const isSameMeter = latest?.meterId === bill.meterId;
    if (latest && isSameMeter && bill.from < latest.to)
      overlaps.push({ name: bill.name, other: latest.name });
    if (!latest || !isSameMeter || bill.to > latest.to) latest = bill;
  }
  return overlaps;
}

/** A bill that is right by itself. Its batches are consecutive. */
interface SoundBill {
  readonly name: string;
  readonly meterId: string;
  /** Intervals [from, to). */
  readonly from: number;
  readonly to: number;
  readonly firstBatch: number;
  readonly lastBatch: number;
  readonly readings: number;
  readonly total: bigint;
}

export class BillSet {
  readonly #ledger: BatchLedger;
  readonly #sound: SoundBill[] = [];
  readonly #refused: RefusedBill[] = [];

  /** @param ledger the supplier's own, for good. It, and the caller, bound how many bills a set has. */
  constructor(ledger: BatchLedger) {
    this.#ledger = ledger;
  }

  /** Takes a bill's verdict. @throws RangeError if the ledger is full. */
  add(name: string, { verified, reason, links }: Verdict): void {
    for (const link of links) this.#record(link);
    const numbers = links.map(({ batchNumber }) => batchNumber);
    if (verified === null) this.#refused.push({ name, reason: reason ?? "" });
    else {
      const { meterId, from, to, readings, lines } = verified;
      const [firstBatch = 0, lastBatch = firstBatch] = [numbers[0], numbers.at(-1)];
      const { total } = lines;
      this.#sound.push({ name, meterId, from, to, firstBatch, lastBatch, readings, total });
    }
  }

  /** What came of all bills so far. */
  result(): BillSetResult {
    const refused = [...this.#refused];
    const right = this.#sound.filter((bill) => {
      const reason = this.#forkOf(bill);
      if (reason !== null) refused.push({ name: bill.name, reason });
      return reason === null;
    });
    return {
      verified: right.length,
      readings: right.reduce((sum, { readings }) => sum + readings, 0),
      total: right.reduce((sum, { total }) => sum + total, 0n),
      overlaps: overlapsOf(right),
      refused: refused.sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  }

  /** A conflict is kept in the ledger, where it is found when all is recorded. */
  #record(link: ChainLink): void {
    try {
      this.#ledger.record(link);
    } catch (error) {
      reasonOf(error);
    }
  }

  /** Why one of the bill's batches is refused for good; null if none is. */
  #forkOf({ meterId, firstBatch, lastBatch }: SoundBill): string | null {
    for (let batchNumber = firstBatch; batchNumber <= lastBatch; batchNumber++) {
      const reason = this.#ledger.refusalOf({ meterId, batchNumber });
      if (reason !== null) return reason;
    }
    return null;
  }
}
