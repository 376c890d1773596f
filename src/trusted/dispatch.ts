// What the unit sends: a cursor into the journal. Messages are derived from stored records in the order of
// the log, so nothing is measured, drawn or encrypted twice; acknowledgements move what a restart begins
// from, and nothing else. A network side that lies loses delivery and no data.

import { array, bstr, int, tstr } from "./encoding/cbor.js";
import {
  decodeInterval,
  decodeMessages,
  type Journal,
  type Message,
  MessageKind,
  RecordType,
} from "./journal/journal.js";
import type { JournalRecord } from "./journal/record.js";
import { Mark, type Place } from "./journal/sector-ring.js";

/** The kinds that the journal keeps. */
export type StoredKind = 1 | 3 | 4 | 5 | 6;
export const STORED_KINDS: readonly StoredKind[] = [1, 3, 4, 5, 6];

/** Messages sent again on request, an hour. */
const AGAIN_MAX = 1_000;
const HOUR_MS = 3_600_000;
/** Records looked at in one call. */
const RECORDS_MAX = 256;

/** The kinds that sector headers count; the others are rare and looked for from the log's start. */
const MARKS: Readonly<Record<number, number>> = { 1: Mark.INTERVAL, 3: Mark.BATCH, 4: Mark.EVENT };
const COUNTED_KINDS: readonly StoredKind[] = [1, 3, 4];

/** What is left of a request to send again. */
type Again = { readonly kind: StoredKind; readonly last: number; cursor: Place; next: number };

const frame = ({ kind, number, bytes }: Message) => array(int(kind), int(number), bstr(bytes));

export class Dispatch {
  readonly #journal: Journal;
  readonly #meterId: string;
  /** Where the next new message is looked for. */
  #cursor: Place = 0;
  /** For each kind from 1 on, the lowest number not given since power-up or since the network side restarted. */
  #given: number[] = [];
  #again: Again | null = null;
  #againHour = { hour: 0, count: 0 };

  constructor(journal: Journal, meterId: string) {
    this.#journal = journal;
    this.#meterId = meterId;
    this.rewind();
  }

  /** The next message of the journal to send, framed, or null; looks at RECORDS_MAX records at most. */
  take(now_ms: number): Uint8Array | null {
    const again = this.#again && this.#takeAgain(this.#again, now_ms);
    if (again) return again;
    const { message, cursor } = this.#next(this.#cursor, ({ kind, number }) => number >= this.#ungiven(kind));
    this.#cursor = cursor;
    if (!message) return null;
    this.#given[message.kind - 1] = message.number + 1;
    return frame(message);
  }

  /** Everything of `kind` up to `number` has arrived; what was not given since the last restart cannot have. */
  acknowledge(kind: StoredKind, number: number): void {
    const { acknowledged } = this.#journal.state;
    if (number >= (acknowledged[kind - 1] as number) && number < this.#ungiven(kind)) {
      acknowledged[kind - 1] = number + 1;
    }
  }

  /** Gives again, before anything new, what was already given of `kind` from `first` to `last`. */
  sendAgain(kind: StoredKind, first: number, last: number): void {
    const { log } = this.#journal;
    const mark = MARKS[kind];
    const cursor = mark === undefined ? log.start : log.seek([mark, first]);
    this.#again = { kind, last: Math.min(last, this.#ungiven(kind) - 1), cursor, next: first };
  }

  /** Of each kind the range that the journal has overwritten before it was acknowledged; it is given up. */
  overwritten(): { kind: StoredKind; first: number; last: number }[] {
    const { state, log } = this.#journal;
    const oldest = log.oldestMarks();
    return COUNTED_KINDS.flatMap((kind) => {
      const first = state.acknowledged[kind - 1] as number;
      const kept = oldest[MARKS[kind] as number] as number;
      if (kept <= first) return [];
      state.acknowledged[kind - 1] = kept;
      return [{ kind, first, last: kept - 1 }];
    });
  }

  /** Gives everything again that is not acknowledged. */
  rewind(): void {
    const { state, log } = this.#journal;
    this.#given = [...state.acknowledged];
    const { PAIRING, REGISTER } = MessageKind;
    const rareWaits =
      this.#ungiven(PAIRING) <= state.epoch ||
      (state.statementDay > 0 && this.#ungiven(REGISTER) <= state.statementInterval);
    const wanted = COUNTED_KINDS.map((kind) => [MARKS[kind] as number, this.#ungiven(kind)] as const);
    this.#cursor = rareWaits ? log.start : log.seek(...wanted);
  }

  #takeAgain(again: Again, now_ms: number): Uint8Array | null {
    const hour = Math.floor(now_ms / HOUR_MS);
    if (hour !== this.#againHour.hour) this.#againHour = { hour, count: 0 };
    if (this.#againHour.count >= AGAIN_MAX) return null;
    const { message, cursor } = this.#next(again.cursor, ({ kind, number }) => {
      return kind === again.kind && number >= again.next && number <= again.last;
    });
    again.cursor = cursor;
    if (!message) {
      if (again.next > again.last || !this.#journal.log.find(cursor)) this.#again = null;
      return null;
    }
    again.next = message.number + 1;
    this.#againHour.count++;
    return frame(message);
  }

  #ungiven(kind: number): number {
    return this.#given[kind - 1] as number;
  }

  /** The reading message: readings under their pads, for the customer of the epoch. */
  #reading(record: JournalRecord): Message {
    const { interval, status, epoch, padded } = decodeInterval(record);
    const head = [int(1), tstr(this.#meterId), int(epoch), int(interval), int(status)];
    return { kind: MessageKind.READING, number: interval, bytes: array(...head, bstr(padded)) };
  }

  /** The first wanted message from a place on, and where to look for the one after it. */
  #next(from: Place, wanted: (message: Message) => boolean): { message: Message | null; cursor: Place } {
    let cursor = from;
    for (let looked = 0; looked < RECORDS_MAX; looked++) {
      const found = this.#journal.log.find(cursor);
      if (!found) break;
      const messages = found.type === RecordType.INTERVAL ? [this.#reading(found)] : decodeMessages(found);
      const [message, another] = messages.filter(wanted);
      if (!another) cursor = found.next;
      if (message) return { message, cursor };
    }
    return { message: null, cursor };
  }
}
