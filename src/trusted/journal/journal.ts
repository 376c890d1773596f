// The journal: what is recorded, in which order, and what a restart makes of it. The state goes first with
// the closed interval's readings in it, the log record follows; batches, events and pairings carry what they
// change, so a record that is newer than the state brings the state up to date.
import { concatBytes } from "@noble/hashes/utils.js";
import { assert, readUint, uintBytes } from "../encoding/bytes.js";
import type { Flash } from "../ports.js";
import { Log } from "./log.js";
import { type LogRecord, RecordType } from "./record.js";
import { decodeState, encodeState, type MeterState, NO_INTERVAL, newState } from "./state.js";
import { StateRing } from "./state-ring.js";

/** Share of the flash that is the state ring: 32 of 576 sectors. */
const STATE_SHARE = 18;
const STATE_SECTORS_MIN = 4;

/** An interval as the log keeps it: readings as they are sent, xored with their pads. */
export interface IntervalRecord {
  readonly interval: number;
  readonly status: number;
  readonly epoch: number;
  readonly padded: Uint8Array;
}

export interface BatchRecord {
  readonly batchNumber: number;
  /** The first interval after the batch. */
  readonly sealedTo: number;
  readonly statementDigest: Uint8Array;
  readonly document: Uint8Array;
}

export interface EventRecord {
  readonly sequence: number;
  readonly type: number;
  /** The event chain's digest with this event in it. */
  readonly digest: Uint8Array;
  readonly message: Uint8Array;
}

/** An event as the log keeps it, with the pairing that is in force from it on. */
interface StoredEvent extends EventRecord {
  readonly epoch: number;
  readonly epochFirst: number;
}

export interface PairingRecord {
  readonly epoch: number;
  readonly firstInterval: number;
  readonly document: Uint8Array;
}

export const decodeInterval = (payload: Uint8Array): IntervalRecord => ({
  interval: readUint(payload, 0, 4),
  status: readUint(payload, 4, 1),
  epoch: readUint(payload, 5, 2),
  padded: payload.slice(7),
});

export const decodeBatch = (payload: Uint8Array): BatchRecord => ({
  batchNumber: readUint(payload, 0, 4),
  sealedTo: readUint(payload, 4, 4),
  statementDigest: payload.slice(8, 40),
  document: payload.slice(40),
});

export const decodeEvent = (payload: Uint8Array): StoredEvent => ({
  sequence: readUint(payload, 0, 4),
  type: readUint(payload, 4, 1),
  epoch: readUint(payload, 5, 2),
  epochFirst: readUint(payload, 7, 4),
  digest: payload.slice(11, 43),
  message: payload.slice(43),
});

export const decodePairing = (payload: Uint8Array): PairingRecord => ({
  epoch: readUint(payload, 0, 2),
  firstInterval: readUint(payload, 2, 4),
  document: payload.slice(6),
});

/** Type of the event that makes the pairing stored before it one. */
export const PAIRING_EVENT = 7;

export class Journal {
  readonly log: Log;
  readonly #ring: StateRing;
  /** A pairing stored since power-up that its event has not confirmed yet. */
  #pairing: PairingRecord | null = null;
  /** The living state. What is in it counts once `writeState` has returned. */
  state: MeterState = newState(0);

  constructor(flash: Flash) {
    const logSectors = flash.sectors - Math.max(STATE_SECTORS_MIN, Math.floor(flash.sectors / STATE_SHARE));
    this.log = new Log(flash, logSectors);
    this.#ring = new StateRing(flash, logSectors);
  }

  /** Finds state and log after power-up and brings them together; false for a flash never provisioned. */
  recover(): boolean {
    const stored = this.#ring.recover();
    if (!stored) return false;
    this.state = decodeState(stored);
    this.log.configuration = {
      sequence: this.state.configurationSequence,
      offset: this.state.configurationOffset,
    };
    // The state found may be torn at its end, and not be found again. Nothing of the log is erased on its word
    // before it stands whole in another sector.
    this.writeState();
    if (!this.log.recover(this.state.logSequence)) return false;
    this.#replay();
    this.state.logSequence = this.log.tailStart.sequence;
    this.writeState();
    return true;
  }

  /** Begins an empty journal, whatever the flash held. */
  format(channels: number): void {
    this.log.format();
    this.state = newState(channels);
  }

  /** Makes the living state durable: a power cut from now on leaves it or a later one. */
  writeState(): void {
    const place = this.log.configuration;
    if (place) {
      this.state.configurationSequence = place.sequence;
      this.state.configurationOffset = place.offset;
    }
    this.#ring.write(encodeState(this.state));
  }

  /** Whether the state holds a closed interval that the log lacks. */
  get intervalPending(): boolean {
    return this.state.closedInterval !== NO_INTERVAL && this.state.closedInterval >= this.log.marks.interval;
  }

  appendInterval({ interval, status, epoch, padded }: IntervalRecord): void {
    const head = concatBytes(uintBytes(interval, 4), uintBytes(status, 1), uintBytes(epoch, 2));
    this.log.append({ type: RecordType.INTERVAL, payload: concatBytes(head, padded) });
    this.log.marks = { ...this.log.marks, interval: interval + 1 };
  }

  appendBatch({ batchNumber, sealedTo, statementDigest, document }: BatchRecord): void {
    const head = concatBytes(uintBytes(batchNumber, 4), uintBytes(sealedTo, 4));
    this.#appendAndReplay(RecordType.BATCH, concatBytes(head, statementDigest, document));
  }

  appendEvent({ sequence, type, digest, message }: EventRecord): void {
    const confirmed = type === PAIRING_EVENT ? this.#pairing : null;
    const { epoch, epochFirst } = this.state;
    const head = concatBytes(
      uintBytes(sequence, 4),
      uintBytes(type, 1),
      uintBytes(confirmed?.epoch ?? epoch, 2),
      uintBytes(confirmed?.firstInterval ?? epochFirst, 4),
    );
    this.#appendAndReplay(RecordType.EVENT, concatBytes(head, digest, message));
  }

  /** Takes effect with the pairing event that follows. */
  appendPairing(pairing: PairingRecord): void {
    const { epoch, firstInterval, document } = pairing;
    const head = concatBytes(uintBytes(epoch, 2), uintBytes(firstInterval, 4));
    this.log.append({ type: RecordType.PAIRING, payload: concatBytes(head, document) });
    this.#pairing = pairing;
  }

  /** Stores the configuration with this number; it is in force once the state names the number. */
  appendConfiguration(number: number, configuration: Uint8Array): void {
    const payload = concatBytes(uintBytes(number, 4), configuration);
    this.log.configuration = this.log.append({ type: RecordType.CONFIGURATION, payload });
  }

  /** The configuration in force, as it was stored. */
  configuration(): Uint8Array {
    const found = this.log.configuration && this.log.find(this.log.configuration);
    assert(found?.type === RecordType.CONFIGURATION, "the configuration in force is in the log");
    return found.payload.slice(4);
  }

  /** Sectors that failed since power-up. */
  get badSectors(): readonly number[] {
    return [...this.log.badSectors, ...this.#ring.badSectors];
  }

  #appendAndReplay(type: number, payload: Uint8Array): void {
    this.log.append({ type, payload });
    this.#apply({ type, payload });
  }

  #replay(): void {
    const batches = this.log.seek("batch", this.state.nextBatch);
    const events = this.log.seek("event", this.state.nextEvent);
    let found = this.log.find(batches.sequence < events.sequence ? batches : events);
    for (; found; found = this.log.find(found.next)) {
      if (
        found.type === RecordType.CONFIGURATION &&
        readUint(found.payload, 0, 4) === this.state.configurationNumber
      ) {
        this.log.configuration = found.place;
      }
      this.#apply(found);
    }
  }

  /** Brings marks and state up to a record of the log; a record older than the state changes nothing. */
  #apply({ type, payload }: LogRecord): void {
    const { marks } = this.log;
    if (type === RecordType.INTERVAL) {
      this.log.marks = { ...marks, interval: Math.max(marks.interval, decodeInterval(payload).interval + 1) };
    }
    if (type === RecordType.BATCH) this.#applyBatch(decodeBatch(payload));
    if (type === RecordType.EVENT) this.#applyEvent(decodeEvent(payload));
  }

  #applyBatch({ batchNumber, sealedTo, statementDigest }: BatchRecord): void {
    this.log.marks = { ...this.log.marks, batch: Math.max(this.log.marks.batch, batchNumber + 1) };
    if (batchNumber < this.state.nextBatch) return;
    Object.assign(this.state, { nextBatch: batchNumber + 1, sealedTo, batchDigest: statementDigest });
  }

  #applyEvent({ sequence, epoch, epochFirst, digest }: StoredEvent): void {
    this.log.marks = { ...this.log.marks, event: Math.max(this.log.marks.event, sequence + 1) };
    if (sequence < this.state.nextEvent) return;
    Object.assign(this.state, { nextEvent: sequence + 1, eventDigest: digest, epoch, epochFirst });
  }
}
