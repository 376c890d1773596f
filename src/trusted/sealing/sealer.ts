// Seals what the journal holds: takes the recorded intervals in order, commits to one reading a step, folds
// its leaf into the frontier, and signs a statement when the batch is complete. It keeps nothing that a
// restart needs: the log is read again from the first interval that no batch holds.
import { concatBytes } from "@noble/hashes/utils.js";
import type { Configuration } from "../authority/configuration.js";
import { assert, readUint, uintBytes } from "../encoding/bytes.js";
import {
  decodeInterval,
  type IntervalRecord,
  type Journal,
  MessageKind,
  RecordType,
} from "../journal/journal.js";
import { Mark, type Place } from "../journal/sector-ring.js";
import { dayOf } from "../metrology/interval.js";
import { encodeLeaf, encodeStatement } from "./batch.js";
import type { CommitmentKey } from "./commitment.js";
import { DailyKeys, digest, type ReadingKeys } from "./keys.js";
import { MerkleFrontier } from "./merkle.js";
import type { SigningKey } from "./signature.js";

/** What sealing is done with and for. */
export interface SealingContext {
  readonly configuration: Pick<Configuration, "meterId" | "intervalSeconds" | "channels">;
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

/** A channel's reading in Wh, and the opening of its commitment, out of a record. */
export function openReading({ interval, padded }: IntervalRecord, channel: number, keys: ReadingKeys) {
  const { opening, pad } = keys.of(channel, interval);
  return { reading: (readUint(padded, 4 * channel, 4) ^ readUint(pad, 0, 4)) >>> 0, opening };
}

interface OpenBatch {
  readonly frontier: MerkleFrontier;
  readonly first: IntervalRecord;
  /** The interval that would continue the batch. */
  next: number;
  statusUnion: number;
}

export class Sealer {
  readonly context: SealingContext;
  readonly #journal: Journal;
  #cursor: Place;
  #batch: OpenBatch | null = null;
  /** The interval to commit to next, and the channel of it. */
  #record: IntervalRecord | null = null;
  #channel = 0;
  readonly #daily: DailyKeys;

  constructor(context: SealingContext, journal: Journal) {
    this.context = context;
    this.#journal = journal;
    this.#daily = new DailyKeys(context.customerKey);
    this.#cursor = journal.log.seek([Mark.INTERVAL, journal.state.sealedTo]);
  }

  /** Appends the closed interval's record, which the state holds and the log lacks; false if it lacks none. */
  store(): boolean {
    if (!this.#journal.intervalPending) return false;
    const { closedInterval: interval, closedStatus: status, ...state } = this.#journal.state;
    const epoch = interval < state.epochFirst ? state.epoch - 1 : state.epoch;
    const readings = state.channels.map(({ closed_Wh }) => closed_Wh);
    const padded = padReadings(readings, this.#dailyKeys(epoch, interval), interval);
    this.#journal.appendInterval({ interval, status, epoch, padded });
    return true;
  }

  /**
   * One commitment, one signature, or nothing.
   * @param flush whether to sign what there is, before other software takes over.
   * @returns whether there was something to do.
   */
  step(flush: boolean): boolean {
    this.#record ??= this.#nextRecord();
    const [batch, record] = [this.#batch, this.#record];
    if (batch && this.#channel === 0 && (this.#isComplete(batch, record) || (flush && !record)))
      this.#seal(batch);
    else if (record) this.#commit(record);
    else return false;
    return true;
  }

  /** The readings' keys of an interval's day. Asserts that the epoch's K lives. */
  #dailyKeys(epoch: number, interval: number): ReadingKeys {
    const keys = this.#daily.of(epoch, this.#dayOf(interval));
    assert(keys !== null, "the K of an unsealed interval lives");
    return keys;
  }

  #dayOf(interval: number): number {
    return dayOf(interval, this.context.configuration.intervalSeconds);
  }

  /** The first interval record from the cursor on that is neither sealed nor in the open batch. */
  #nextRecord(): IntervalRecord | null {
    const { log, state } = this.#journal;
    const from = this.#batch?.next ?? state.sealedTo;
    for (let found = log.find(this.#cursor); found; found = log.find(this.#cursor)) {
      this.#cursor = found.next;
      if (found.type === RecordType.INTERVAL && found.number >= from) return decodeInterval(found);
    }
    return null;
  }

  /** A batch is gapless and lies within one day and one epoch; it ends where the next interval is none of it. */
  #isComplete({ first, next }: OpenBatch, record: IntervalRecord | null): boolean {
    if (this.#dayOf(next) !== this.#dayOf(first.interval)) return true;
    if (record) return record.interval !== next || record.epoch !== first.epoch;
    return this.#journal.state.openInterval > next; // no earlier one can still be recorded
  }

  #commit(record: IntervalRecord): void {
    const { interval, status, epoch } = record;
    const channel = this.#channel;
    const { reading, opening } = openReading(record, channel, this.#dailyKeys(epoch, interval));
    const commitment = this.context.key.commit(reading, opening);
    this.#batch ??= { frontier: new MerkleFrontier(), first: record, next: interval, statusUnion: 0 };
    this.#batch.frontier.append(encodeLeaf(interval, channel, status, commitment));
    this.#batch.statusUnion |= status;
    this.#batch.next = interval + 1;
    this.#channel = (channel + 1) % this.context.configuration.channels.length;
    if (this.#channel === 0) this.#record = null;
  }

  #seal({ first, next, frontier, statusUnion }: OpenBatch): void {
    const { configuration, softwareId, signer } = this.context;
    const { state } = this.#journal;
    const payload = encodeStatement({
      meterId: configuration.meterId,
      batchNumber: state.nextBatch,
      epoch: first.epoch,
      firstInterval: first.interval,
      intervalSeconds: configuration.intervalSeconds,
      intervalCount: next - first.interval,
      channelCount: configuration.channels.length,
      merkleRoot: frontier.root(),
      previousBatchDigest: state.batchDigest,
      softwareId,
      eventDigest: state.eventDigest,
      statusUnion,
    });
    const message = {
      kind: MessageKind.BATCH,
      number: state.nextBatch,
      bytes: signer.signDocument("batch-1", payload),
    };
    Object.assign(state, { sealedTo: next, batchDigest: digest(payload) });
    this.#journal.appendHappening(RecordType.BATCH, message.number, [message]);
    this.#batch = null;
  }
}
