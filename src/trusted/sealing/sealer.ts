// Seals what the journal holds: takes the recorded intervals in order, commits to one reading a step, folds
// its leaf into the frontier, and signs a statement when the batch is complete. It keeps nothing that a
// restart needs: the log is read again from the first interval that no batch holds.
import { concatBytes } from "@noble/hashes/utils.js";
import { assert, readUint, uintBytes } from "../encoding/bytes.js";
import {
  decodeInterval,
  type IntervalRecord,
  type Journal,
  MessageKind,
  RecordType,
} from "../journal/journal.js";
import { Mark, type Place } from "../journal/sector-ring.js";
import { dayOf, U32_MAX } from "../metrology/interval.js";
import { encodeLeaf, encodeStatement } from "./batch.js";
import type { CommitmentKey } from "./commitment.js";
import { dayKey, digest, ReadingKeys } from "./keys.js";
import { MerkleFrontier } from "./merkle.js";
import type { SigningKey } from "./signature.js";

/** What sealing is done with and for. */
export interface SealingContext {
  readonly meterId: string;
  readonly intervalSeconds: number;
  readonly channelCount: number;
  readonly softwareId: Uint8Array;
  readonly key: CommitmentKey;
  readonly signer: SigningKey;
  /** K of an epoch, or null if it was erased. */
  readonly customerKey: (epoch: number) => Uint8Array | null;
}

/** u32be(reading) xor pad for each channel: the readings of one interval as they are stored and sent. */
export function padReadings(readings: readonly number[], keys: ReadingKeys, interval: number): Uint8Array {
  const padded = readings.map((reading, channel) => {
    const mask = keys.pad(channel, interval);
    return uintBytes(reading, 4).map((byte, at) => byte ^ (mask[at] as number));
  });
  return concatBytes(...padded);
}

interface OpenBatch {
  readonly frontier: MerkleFrontier;
  readonly first: IntervalRecord;
  /** The interval that would continue the batch. */
  next: number;
  statusUnion: number;
}

export class Sealer {
  readonly #context: SealingContext;
  readonly #journal: Journal;
  #cursor: Place;
  #batch: OpenBatch | null = null;
  /** The interval being committed to, and its next channel. */
  #current: { record: IntervalRecord; channel: number } | null = null;
  #daily: { epoch: number; day: number; keys: ReadingKeys } | null = null;

  constructor(context: SealingContext, journal: Journal) {
    this.#context = context;
    this.#journal = journal;
    this.#cursor = journal.log.seek(Mark.INTERVAL, journal.state.sealedTo);
  }

  /** The readings' keys of an interval's day; the last day's are kept. Asserts that the epoch's K lives. */
  dailyKeys(epoch: number, interval: number): ReadingKeys {
    const day = dayOf(interval, this.#context.intervalSeconds);
    if (this.#daily?.epoch !== epoch || this.#daily.day !== day) {
      const customer = this.#context.customerKey(epoch);
      assert(customer !== null, "the K of an unsealed interval lives");
      this.#daily = { epoch, day, keys: new ReadingKeys(dayKey(customer, day)) };
    }
    return this.#daily.keys;
  }

  /**
   * One commitment, one signature, or nothing.
   * @param openInterval the interval being measured: no earlier one can still be recorded.
   * @param flush whether to sign what there is, before other software takes over.
   * @returns whether there was something to do.
   */
  step(openInterval: number, flush: boolean): boolean {
    if (this.#current) {
      this.#commit(this.#current);
      return true;
    }
    const next = this.#nextRecord();
    if (this.#batch && this.#isComplete(this.#batch, next, flush ? U32_MAX : openInterval)) {
      this.#seal(this.#batch);
      return true;
    }
    if (!next) return false;
    this.#current = { record: next, channel: 0 };
    return true;
  }

  /** The first interval record from the cursor on that is neither sealed nor in the open batch. */
  #nextRecord(): IntervalRecord | null {
    const from = this.#batch?.next ?? this.#journal.state.sealedTo;
    for (
      let found = this.#journal.log.find(this.#cursor);
      found;
      found = this.#journal.log.find(found.next)
    ) {
      const record = found.type === RecordType.INTERVAL ? decodeInterval(found) : null;
      if (record && record.interval >= from) return record;
      this.#cursor = found.next;
    }
    return null;
  }

  /** A batch is gapless and lies within one day and one epoch; it ends where the next interval is none of it. */
  #isComplete(batch: OpenBatch, next: IntervalRecord | null, openInterval: number): boolean {
    const { intervalSeconds } = this.#context;
    const dayIsOver = dayOf(batch.next, intervalSeconds) !== dayOf(batch.first.interval, intervalSeconds);
    if (next) return dayIsOver || next.interval !== batch.next || next.epoch !== batch.first.epoch;
    return dayIsOver || openInterval > batch.next;
  }

  #commit(current: { record: IntervalRecord; channel: number }): void {
    const { interval, status, epoch, padded } = current.record;
    const { channel } = current;
    const { opening, pad } = this.dailyKeys(epoch, interval).of(channel, interval);
    const reading = (readUint(padded, 4 * channel, 4) ^ readUint(pad, 0, 4)) >>> 0;
    const commitment = this.#context.key.commit(reading, opening);
    this.#batch ??= { frontier: new MerkleFrontier(), first: current.record, next: interval, statusUnion: 0 };
    this.#batch.frontier.append(encodeLeaf(interval, channel, status, commitment));
    this.#batch.statusUnion |= status;
    this.#batch.next = interval + 1;
    current.channel++;
    if (current.channel === this.#context.channelCount) this.#current = null;
  }

  #seal(batch: OpenBatch): void {
    const { meterId, intervalSeconds, channelCount, softwareId, signer } = this.#context;
    const { state } = this.#journal;
    const { interval: firstInterval, epoch } = batch.first;
    const batchNumber = state.nextBatch;
    const payload = encodeStatement({
      meterId,
      batchNumber,
      epoch,
      firstInterval,
      intervalSeconds,
      intervalCount: batch.next - firstInterval,
      channelCount,
      merkleRoot: batch.frontier.root(),
      previousBatchDigest: state.batchDigest,
      softwareId,
      eventDigest: state.eventDigest,
      statusUnion: batch.statusUnion,
    });
    const document = signer.signDocument("batch-1", payload);
    Object.assign(state, { sealedTo: batch.next, batchDigest: digest(payload) });
    const message = { kind: MessageKind.BATCH, number: batchNumber, bytes: document };
    this.#journal.appendHappening(RecordType.BATCH, batchNumber, [message]);
    this.#batch = null;
  }
}
