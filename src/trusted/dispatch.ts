// What the unit sends: a cursor into the journal. Messages are derived from stored records in the order of
// the log, so nothing is measured, drawn or encrypted twice; acknowledgements move what a restart begins
// from, and nothing else. A network side that lies loses delivery and no data.

import { EventType } from "./authority/events.js";
import { array, bstr, int, tstr } from "./encoding/cbor.js";
import { decodeBatch, decodeEvent, decodeInterval, decodePairing, type Journal } from "./journal/journal.js";
import type { Found, Marks, Place } from "./journal/log.js";
import { RecordType } from "./journal/record.js";
import type { MeterState } from "./journal/state.js";

/** Kinds of messages, the first item of what `take` gives. */
export const MessageKind = { READING: 1, BATCH: 3, EVENT: 4, PAIRING: 5, TIME: 7 } as const;
export type StoredKind = 1 | 3 | 4 | 5;
export const STORED_KINDS: readonly StoredKind[] = [1, 3, 4, 5];

/** Messages given and not acknowledged, at most. */
const UNACKNOWLEDGED_MAX = 64;
/** After this long without an acknowledgement, sending begins again at the first unacknowledged message. */
const REWIND_MS = 600_000;
/** Messages sent again on request, an hour. */
const AGAIN_MAX = 1_000;
const HOUR_MS = 3_600_000;
/** Records looked at in one call. */
const RECORDS_MAX = 256;

type AcknowledgedField = keyof MeterState & `${string}Acknowledged`;
const ACKNOWLEDGED: Readonly<Record<StoredKind, AcknowledgedField>> = {
  1: "readingAcknowledged",
  3: "batchAcknowledged",
  4: "eventAcknowledged",
  5: "pairingAcknowledged",
};
const MARKS: Readonly<Partial<Record<StoredKind, keyof Marks>>> = { 1: "interval", 3: "batch", 4: "event" };

interface Message {
  readonly kind: StoredKind;
  readonly sequence: number;
  readonly message: Uint8Array;
}

/** What is left of a request to send again. */
interface Again {
  readonly kind: StoredKind;
  readonly last: number;
  cursor: Place;
  next: number;
}

const frame = ({ kind, sequence, message }: Message) => array(int(kind), int(sequence), bstr(message));

/** The reading message: readings under their pads, for the customer of the epoch. */
function readingMessage(meterId: string, payload: Uint8Array): Message {
  const { interval, status, epoch, padded } = decodeInterval(payload);
  const message = array(int(1), tstr(meterId), int(epoch), int(interval), int(status), bstr(padded));
  return { kind: MessageKind.READING, sequence: interval, message };
}

export class Dispatch {
  readonly #journal: Journal;
  readonly #meterId: string;
  /** Where the next new message is looked for. */
  #cursor: Place;
  /** Per kind, the lowest sequence that was not given yet since power-up or the last rewind. */
  #given: Record<StoredKind, number>;
  /** Per kind, the lowest sequence that was never given. */
  #ever: Record<StoredKind, number>;
  /** What was given and not acknowledged, at most UNACKNOWLEDGED_MAX. */
  #outstanding: Pick<Message, "kind" | "sequence">[] = [];
  #progress_ms = 0;
  #again: Again | null = null;
  #againHour = { hour: 0, count: 0 };

  constructor(journal: Journal, meterId: string) {
    this.#journal = journal;
    this.#meterId = meterId;
    this.#given = this.#acknowledged();
    this.#ever = { ...this.#given };
    this.#cursor = this.#firstUnacknowledged();
  }

  /** The next message of the journal to send, framed, or null; looks at RECORDS_MAX records at most. */
  take(now_ms: number): Uint8Array | null {
    const again = this.#again && this.#takeAgain(this.#again, now_ms);
    if (again) return again;
    const waiting = this.#outstanding.length;
    if (waiting > 0 && now_ms - this.#progress_ms >= REWIND_MS) this.rewind(now_ms);
    else if (waiting >= UNACKNOWLEDGED_MAX) return null;
    for (let looked = 0; looked < RECORDS_MAX; looked++) {
      const found = this.#journal.log.find(this.#cursor);
      if (!found) return null;
      this.#cursor = found.next;
      const message = this.#messageOf(found);
      if (!message || message.sequence < this.#given[message.kind]) continue;
      const { kind, sequence } = message;
      if (this.#outstanding.length === 0) this.#progress_ms = now_ms;
      this.#outstanding.push({ kind, sequence });
      this.#given[kind] = sequence + 1;
      this.#ever[kind] = Math.max(this.#ever[kind], sequence + 1);
      return frame(message);
    }
    return null;
  }

  /** Everything of `kind` up to `sequence` has arrived; what was never given cannot have. */
  acknowledge(kind: StoredKind, sequence: number, now_ms: number): void {
    const { state } = this.#journal;
    if (sequence < state[ACKNOWLEDGED[kind]] || sequence >= this.#ever[kind]) return;
    state[ACKNOWLEDGED[kind]] = sequence + 1;
    this.#given[kind] = Math.max(this.#given[kind], sequence + 1);
    this.#outstanding = this.#outstanding.filter((given) => given.kind !== kind || given.sequence > sequence);
    this.#progress_ms = now_ms;
  }

  /** Gives again, before anything new, what was already given of `kind` from `first` to `last`. */
  sendAgain(kind: StoredKind, first: number, last: number): void {
    const cursor = this.#placeOf(kind, first);
    this.#again = { kind, last: Math.min(last, this.#ever[kind] - 1), cursor, next: first };
  }

  /** Of each kind the range that the journal has overwritten before it was acknowledged; it is given up. */
  overwritten(): { kind: StoredKind; first: number; last: number }[] {
    const { state, log } = this.#journal;
    const oldest = log.oldestMarks();
    return STORED_KINDS.flatMap((kind) => {
      const mark = MARKS[kind];
      const first = state[ACKNOWLEDGED[kind]];
      if (!mark || oldest[mark] <= first) return [];
      state[ACKNOWLEDGED[kind]] = oldest[mark];
      return [{ kind, first, last: oldest[mark] - 1 }];
    });
  }

  #takeAgain(again: Again, now_ms: number): Uint8Array | null {
    const hour = Math.floor(now_ms / HOUR_MS);
    if (hour !== this.#againHour.hour) this.#againHour = { hour, count: 0 };
    if (this.#againHour.count >= AGAIN_MAX) return null;
    for (let looked = 0; looked < RECORDS_MAX && again.next <= again.last; looked++) {
      const found = this.#journal.log.find(again.cursor);
      if (!found) break;
      again.cursor = found.next;
      const message = this.#messageOf(found);
      if (message?.kind !== again.kind || message.sequence < again.next || message.sequence > again.last)
        continue;
      again.next = message.sequence + 1;
      this.#againHour.count++;
      return frame(message);
    }
    if (again.next > again.last || !this.#journal.log.find(again.cursor)) this.#again = null;
    return null;
  }

  #messageOf({ type, payload, next }: Found): Message | null {
    if (type === RecordType.INTERVAL) return readingMessage(this.#meterId, payload);
    if (type === RecordType.BATCH) {
      const { batchNumber, document } = decodeBatch(payload);
      return { kind: MessageKind.BATCH, sequence: batchNumber, message: document };
    }
    if (type === RecordType.EVENT) {
      const { sequence, message } = decodeEvent(payload);
      return { kind: MessageKind.EVENT, sequence, message };
    }
    if (type !== RecordType.PAIRING || !this.#isConfirmed(next)) return null;
    const { epoch, document } = decodePairing(payload);
    return { kind: MessageKind.PAIRING, sequence: epoch, message: document };
  }

  /** A pairing counts if its event follows it: a power cut between the two makes it void. */
  #isConfirmed(next: Place): boolean {
    let found = this.#journal.log.find(next);
    if (found?.type === RecordType.CONFIGURATION) found = this.#journal.log.find(found.next);
    return found?.type === RecordType.EVENT && decodeEvent(found.payload).type === EventType.PAIRING;
  }

  /** Gives everything again that is not acknowledged. */
  rewind(now_ms: number): void {
    this.#given = this.#acknowledged();
    this.#cursor = this.#firstUnacknowledged();
    this.#outstanding = [];
    this.#progress_ms = now_ms;
  }

  #acknowledged(): Record<StoredKind, number> {
    const { readingAcknowledged, batchAcknowledged, eventAcknowledged, pairingAcknowledged } =
      this.#journal.state;
    return { 1: readingAcknowledged, 3: batchAcknowledged, 4: eventAcknowledged, 5: pairingAcknowledged };
  }

  #placeOf(kind: StoredKind, sequence: number): Place {
    const mark = MARKS[kind];
    return mark ? this.#journal.log.seek(mark, sequence) : this.#journal.log.start;
  }

  #firstUnacknowledged(): Place {
    const { state, log } = this.#journal;
    const next = { 1: log.marks.interval, 3: state.nextBatch, 4: state.nextEvent, 5: state.epoch + 1 };
    let first = log.tailStart;
    for (const kind of STORED_KINDS) {
      if (this.#given[kind] >= next[kind]) continue;
      const place = this.#placeOf(kind, this.#given[kind]);
      if (place.sequence < first.sequence) first = place;
    }
    return first;
  }
}
