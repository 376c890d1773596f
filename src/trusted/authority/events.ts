// The event log: a hash chain over the meter's life whose newest link stands in every batch. Of each type at
// most eight a day are written singly and the rest as one count at the day's end, so that noise cannot push
// readings out of the journal.

import { array, int, NIL, tstr } from "../encoding/cbor.js";
import {
  type HappeningType,
  type Journal,
  type Message,
  MessageKind,
  RecordType,
} from "../journal/journal.js";
import { EVENT_TYPES } from "../journal/state.js";
import { digest } from "../sealing/keys.js";

/** Event types (docs/protocol.md). */
export const EventType = {
  POWER_UP: 1,
  POWER_DOWN: 2,
  CLOCK_SET: 3,
  TAMPER: 4,
  CONFIGURATION: 5,
  ROSTER: 6,
  PAIRING: 7,
  COMMAND_ACCEPTED: 8,
  COMMAND_REFUSED: 9,
  LOAD_SWITCH: 10,
  CREDIT: 11,
  FLASH_FAULT: 12,
  SELF_TEST_FAILED: 13,
  OVERWRITTEN: 14,
  CLOCK_UNCONFIRMED: 15,
  REGISTER_STATEMENT: 16,
} as const;

const SINGLY_A_DAY = 8;
const COUNT_MAX = 0xffff;

/** Something that happens now: its type, and its detail as an encoded CBOR item. */
export type Occurrence = readonly [type: number, detail: Uint8Array];

export class EventLog {
  readonly #journal: Journal;
  readonly #meterId: string;
  /** At most eight of each type a day, and a count of each. */
  readonly #pending: (readonly [occurrence: Occurrence, time_s: number | null])[] = [];
  /** Unix time of what happens, s; null while it is unconfirmed. */
  now_s: number | null = null;

  constructor(journal: Journal, meterId: string) {
    this.#journal = journal;
    this.#meterId = meterId;
  }

  /** Notes an event; it is written by a later `writeOne`. Beyond eight of its type today it is only counted. */
  raise(type: number, detail: Uint8Array = NIL, time_s: number | null = this.now_s): void {
    if (this.#count(type)) this.#pending.push([[type, detail], time_s]);
  }

  /** Events of this type today, written or only counted. */
  count(type: number): number {
    return this.#journal.state.eventCounts[type - 1] as number;
  }

  /** Whether another event of this type would be written singly today. */
  hasRoom(type: number): boolean {
    return this.count(type) < SINGLY_A_DAY;
  }

  /** Starts a new day's counts, noting what yesterday was only counted; false if the day has begun before. */
  beginDay(day: number): boolean {
    const { state } = this.#journal;
    if (day === state.eventDay) return false;
    for (let type = 1; type <= EVENT_TYPES; type++) {
      const unwritten = this.count(type) - SINGLY_A_DAY;
      if (unwritten > 0) this.#pending.push([[type, int(unwritten)], this.now_s]);
      state.eventCounts[type - 1] = 0;
    }
    state.eventDay = day;
    return true;
  }

  /**
   * Makes what was changed in the living state durable, all at once, with the events and documents that tell of it.
   * Of an event that can only be counted today the change is durable all the same.
   */
  commit(events: readonly Occurrence[], documents: readonly Message[] = [], type?: HappeningType): void {
    const written = events.filter(([event]) => this.#count(event));
    if (written.length > 0) this.#write(written, this.now_s, documents, type);
    else this.#journal.writeState();
  }

  /** Writes the oldest noted event to the journal; false if there was none. */
  writeOne(): boolean {
    const next = this.#pending.shift();
    if (next) this.#write([next[0]], next[1]);
    return next !== undefined;
  }

  /** Counts one more of a type today; false if it is one too many to be written singly. */
  #count(type: number): boolean {
    const isSingle = this.hasRoom(type);
    this.#journal.state.eventCounts[type - 1] = Math.min(this.count(type) + 1, COUNT_MAX);
    return isSingle;
  }

  #write(
    events: readonly Occurrence[],
    time_s: number | null,
    documents: readonly Message[] = [],
    record: HappeningType = RecordType.EVENT,
  ): void {
    const { state } = this.#journal;
    const time = time_s === null ? NIL : int(time_s);
    const messages = events.map(([type, detail], at) => {
      const number = state.nextEvent + at;
      const bytes = array(int(1), tstr(this.#meterId), int(number), time, int(type), detail);
      state.eventDigest = digest(state.eventDigest, bytes);
      return { kind: MessageKind.EVENT, number, bytes };
    });
    this.#journal.appendHappening(record, state.nextEvent + events.length - 1, [...messages, ...documents]);
  }
}
