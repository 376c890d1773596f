// The memory of everyone who checks batches: the digest of each batch ever seen. A meter that signs two
// statements of one number, or one that does not follow its predecessor, has been rolled back or copied, and
// nobody can tell which history is true: both statements are refused, now and later. Only statements whose
// signature was verified may be recorded; anyone could spoil a meter's name with others.
import { bytesToHex } from "@noble/hashes/utils.js";
import { METER_ID } from "../trusted/authority/configuration.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { VerificationError } from "./signed.js";

/** What the ledger needs of a batch. */
export interface ChainLink {
  readonly meterId: string;
  readonly batchNumber: number;
  /** H of the statement, 32 bytes. */
  readonly digest: Uint8Array;
  /** H of the statement before it, 32 bytes; zeros for batch 0. */
  readonly previousBatchDigest: Uint8Array;
}

/** A batch that is refused for good, and why: to be reported to supplier and authority. */
export interface Conflict {
  readonly meterId: string;
  readonly batchNumber: number;
  readonly reason: string;
}

interface Entry {
  readonly digest: string;
  readonly previous: string;
}

const DIGEST_HEX = /^[0-9a-f]{64}$/;
const NO_DIGEST = "0".repeat(64);
/** Batches a ledger holds unless told otherwise: 20 years of 16 meters, or a month of 4,000. */
const BATCHES_MAX = 2 ** 17;
const REASON_CHARACTERS_MAX = 200;

export class BatchLedger {
  readonly #batchesMax: number;
  readonly #entries = new Map<string, Map<number, Entry>>();
  readonly #conflicts = new Map<string, Conflict>();
  #size = 0;

  /**
   * @param batchesMax most batches held, of all meters; about 300 bytes each. It never forgets to make room,
   *   because a forgotten digest would let a fork pass: a full ledger refuses to record.
   */
  constructor(batchesMax = BATCHES_MAX) {
    this.#batchesMax = batchesMax;
  }

  /** Batches held. */
  get size(): number {
    return this.#size;
  }

  /** Every batch that is refused for good; at most one conflict a batch, the first. */
  get conflicts(): readonly Conflict[] {
    return [...this.#conflicts.values()];
  }

  /**
   * Records a batch whose signature was verified; the same one again changes nothing.
   * @throws VerificationError if it forks or breaks the meter's chain, or was refused before: see `conflicts`
   *   for every batch that is refused with it. RangeError if the ledger is full.
   */
  record({ meterId, batchNumber, digest, previousBatchDigest }: ChainLink): void {
    const entry = { digest: bytesToHex(digest), previous: bytesToHex(previousBatchDigest) };
    const known = this.#entries.get(meterId)?.get(batchNumber);
    if (!known) this.#insert(meterId, batchNumber, entry);
    else if (known.digest !== entry.digest) {
      this.#refuse(meterId, batchNumber, `${meterId}: two different batches ${batchNumber} are signed`);
    }
    for (const break_ of this.#breaksAround(meterId, batchNumber)) {
      for (const refused of break_.batchNumbers) this.#refuse(meterId, refused, break_.reason);
    }
    const conflict = this.#conflicts.get(nameOf(meterId, batchNumber));
    if (conflict) throw new VerificationError(conflict.reason);
  }

  /** Why a batch is refused for good; null if it is not. */
  refusalOf({ meterId, batchNumber }: Pick<ChainLink, "meterId" | "batchNumber">): string | null {
    return this.#conflicts.get(nameOf(meterId, batchNumber))?.reason ?? null;
  }

  /** The ledger as a JSON value; `fromJSON` reads it. */
  toJSON(): unknown {
    const batches = [...this.#entries].flatMap(([meterId, entries]) =>
      [...entries].map(([number, { digest, previous }]) => [meterId, number, digest, previous]),
    );
    const conflicts = this.conflicts.map(({ meterId, batchNumber, reason }) => [
      meterId,
      batchNumber,
      reason,
    ]);
    return { batches, conflicts };
  }

  /**
   * Restores a stored ledger.
   * @throws FormatError if the value is not one that `toJSON` gives, or a broken chain stands in it
   *   without its conflict.
   */
  static fromJSON(value: unknown, batchesMax = BATCHES_MAX): BatchLedger {
    const ledger = new BatchLedger(batchesMax);
    for (const row of rowsOf(value, "batches", batchesMax)) ledger.#restoreBatch(row);
    for (const row of rowsOf(value, "conflicts", batchesMax)) ledger.#restoreConflict(row);
    for (const [meterId, entries] of ledger.#entries) {
      for (const number of entries.keys()) {
        const broken = ledger.#breaksAround(meterId, number).length > 0;
        if (broken && !ledger.#conflicts.has(nameOf(meterId, number))) {
          refuseStored(`the chain of ${meterId} breaks at batch ${number} without a conflict`);
        }
      }
    }
    return ledger;
  }

  #insert(meterId: string, batchNumber: number, entry: Entry): void {
    if (this.#size >= this.#batchesMax) throw new RangeError(`ledger is full with ${this.#size} batches`);
    const entries = this.#entries.get(meterId) ?? new Map<number, Entry>();
    this.#entries.set(meterId, entries.set(batchNumber, entry));
    this.#size++;
  }

  /** Where a batch does not chain to its known neighbours. */
  #breaksAround(meterId: string, batchNumber: number): readonly Break[] {
    const entries = this.#entries.get(meterId);
    const breaks: Break[] = [];
    if (batchNumber === 0 && entries?.get(0)?.previous !== NO_DIGEST) {
      breaks.push({ batchNumbers: [0], reason: `${meterId}: batch 0 claims a predecessor` });
    }
    for (const number of [batchNumber - 1, batchNumber]) {
      const before = entries?.get(number);
      const after = entries?.get(number + 1);
      if (!before || !after || before.digest === after.previous) continue;
      const reason = `${meterId}: batch ${number + 1} does not follow batch ${number}, both are refused`;
      breaks.push({ batchNumbers: [number, number + 1], reason });
    }
    return breaks;
  }

  /** Keeps the first reason for which a batch is refused. */
  #refuse(meterId: string, batchNumber: number, reason: string): void {
    const name = nameOf(meterId, batchNumber);
    if (!this.#conflicts.has(name)) this.#conflicts.set(name, { meterId, batchNumber, reason });
  }

  #restoreBatch(row: readonly unknown[]): void {
    const [meterId, batchNumber, digest, previous] = row;
    if (row.length !== 4 || !isMeterId(meterId) || !isNumber(batchNumber)) refuseStored("no batch");
    if (!isDigest(digest) || !isDigest(previous)) refuseStored(`no digests of ${meterId} ${batchNumber}`);
    if (this.#entries.get(meterId)?.has(batchNumber)) refuseStored(`${meterId} ${batchNumber} stands twice`);
    this.#insert(meterId, batchNumber, { digest, previous });
  }

  #restoreConflict(row: readonly unknown[]): void {
    const [meterId, batchNumber, reason] = row;
    if (row.length !== 3 || !isMeterId(meterId) || !isNumber(batchNumber)) refuseStored("no conflict");
    if (typeof reason !== "string" || reason.length > REASON_CHARACTERS_MAX) refuseStored("no reason");
    const known = this.#entries.get(meterId)?.has(batchNumber) ?? false;
    if (!known || this.#conflicts.has(nameOf(meterId, batchNumber))) {
      refuseStored(`conflict about ${meterId} ${batchNumber}, unknown or named before`);
    }
    this.#refuse(meterId, batchNumber, reason);
  }
}

interface Break {
  readonly batchNumbers: readonly number[];
  readonly reason: string;
}

const nameOf = (meterId: string, batchNumber: number) => `${meterId} ${batchNumber}`;

const isMeterId = (value: unknown): value is string => typeof value === "string" && METER_ID.test(value);
const isDigest = (value: unknown): value is string => typeof value === "string" && DIGEST_HEX.test(value);
const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= U32_MAX;

function refuseStored(why: string): never {
  throw new FormatError(`stored ledger: ${why}`);
}

/** The arrays in a list of the stored object. */
function rowsOf(value: unknown, list: "batches" | "conflicts", max: number): readonly unknown[][] {
  const rows = value instanceof Object && list in value ? (value as Record<string, unknown>)[list] : null;
  if (!Array.isArray(rows) || rows.length > max) refuseStored(`no list of at most ${max} ${list}`);
  if (!rows.every(Array.isArray)) refuseStored(`${list} that are no lists`);
  return rows;
}
