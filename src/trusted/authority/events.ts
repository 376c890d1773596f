// The event log: a hash chain over the meter's life whose newest link stands in every batch. Of each type at
// most eight a day are written singly and the rest as one count at the day's end, so that noise cannot push
// readings out of the journal.

import { array, bstr, int, NIL, tstr } from "../encoding/cbor.js";
import { type Journal, PAIRING_EVENT } from "../journal/journal.js";
import { EVENT_TYPES } from "../journal/state.js";
import { digest } from "../sealing/keys.js";

/** Event types (docs/protocol.md). */
export const EventType = {
  POWER_UP: 1,
  POWER_DOWN: 2,
  CLOCK_SET: 3,
  PAIRING: PAIRING_EVENT,
  COMMAND_REFUSED: 9,
  FLASH_FAULT: 12,
  SELF_TEST_FAILED: 13,
  OVERWRITTEN: 14,
  CLOCK_UNCONFIRMED: 15,
} as const;

const SINGLY_A_DAY = 8;
const COUNT_MAX = 0xffff;

/** The detail of an event as an encoded CBOR item. */
export const Detail = {
  none: NIL,
  number: int,
  digest: bstr,
  range: (kind: number, first: number, last: number) => array(int(kind), int(first), int(last)),
};

interface Pending {
  readonly type: number;
  readonly time_s: number | null;
  readonly detail: Uint8Array;
}

export class EventLog {
  readonly #journal: Journal;
  readonly #meterId: string;
  /** At most eight of each type a day, and a count of each. */
  readonly #pending: Pending[] = [];

  constructor(journal: Journal, meterId: string) {
    this.#journal = journal;
    this.#meterId = meterId;
  }

  /** Notes an event; it is written by a later `writeOne`. Beyond eight of its type today it is only counted. */
  raise(type: number, time_s: number | null, detail: Uint8Array = Detail.none): void {
    const isSingle = this.hasRoom(type);
    this.#count(type);
    if (isSingle) this.#pending.push({ type, time_s, detail });
  }

  /** Whether another event of this type would be written singly today. */
  hasRoom(type: number): boolean {
    return (this.#journal.state.eventCounts[type - 1] as number) < SINGLY_A_DAY;
  }

  /** Starts a new day's counts, noting what yesterday was only counted; false if the day has begun before. */
  beginDay(day: number, time_s: number): boolean {
    const { state } = this.#journal;
    if (day === state.eventDay) return false;
    for (let type = 1; type <= EVENT_TYPES; type++) {
      const unwritten = (state.eventCounts[type - 1] as number) - SINGLY_A_DAY;
      if (unwritten > 0) this.#pending.push({ type, time_s, detail: Detail.number(unwritten) });
      state.eventCounts[type - 1] = 0;
    }
    state.eventDay = day;
    return true;
  }

  /** Counts and writes an event at once: for one that something else waits for. */
  record(type: number, time_s: number | null, detail: Uint8Array): void {
    this.#count(type);
    this.#write({ type, time_s, detail });
  }

  /** Writes the oldest noted event to the journal; false if there was none. */
  writeOne(): boolean {
    const next = this.#pending.shift();
    if (next) this.#write(next);
    return next !== undefined;
  }

  #count(type: number): void {
    const counts = this.#journal.state.eventCounts;
    counts[type - 1] = Math.min((counts[type - 1] as number) + 1, COUNT_MAX);
  }

  #write({ type, time_s, detail }: Pending): void {
    const { nextEvent: sequence, eventDigest } = this.#journal.state;
    const time = time_s === null ? NIL : int(time_s);
    const message = array(int(1), tstr(this.#meterId), int(sequence), time, int(type), detail);
    this.#journal.appendEvent({ sequence, type, digest: digest(eventDigest, message), message });
  }
}
