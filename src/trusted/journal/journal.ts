// The journal: what is recorded, in which order, and what a restart makes of it. An interval goes into the state
// first, with its readings, and the log record follows. All else that happens is one log record: what it changes
// in the state, and the messages that tell of it. So it has happened, whole and once, when its record is; a
// record that is newer than the state brings the state up to date.
import { concatBytes } from "@noble/hashes/utils.js";
import { assert, readUint, uintBytes } from "../encoding/bytes.js";
import type { Flash } from "../ports.js";
import { Log } from "./log.js";
import type { JournalRecord } from "./record.js";
import { Mark, type Place } from "./sector-ring.js";
import { decodeState, encodeState, type MeterState, NO_INTERVAL, newState, stateChange } from "./state.js";
import { StateRing } from "./state-ring.js";

/** Share of the flash that is the state ring: 32 of 576 sectors. */
const STATE_SHARE = 18;
const STATE_SECTORS_MIN = 4;

/**
 * Types of log records; the numbers are stored. A COMMAND is an event that changes the Companion's state too, a KEPT
 * record a message of a kept kind, alone, MEMBERS some members of a roster.
 */
export const RecordType = { INTERVAL: 1, BATCH: 2, EVENT: 3, KEPT: 4, COMMAND: 5, MEMBERS: 6 } as const;
/** A record that messages come from and that changes the state. */
export type HappeningType = 2 | 3 | 5;

const BATCH = ["sealedTo", "batchDigest"] as const;
const EVENT = [
  "epoch",
  "epochFirst",
  "statementDay",
  "statementInterval",
  "counters",
  "eventDigest",
] as const;
const COMMAND = [...EVENT, "companion", "loadSwitch"] as const;
/** What each changes, the number that it raises, and where sector headers count it. */
const HAPPENINGS = {
  [RecordType.BATCH]: { change: stateChange(BATCH), next: "nextBatch", mark: Mark.BATCH },
  [RecordType.EVENT]: { change: stateChange(EVENT), next: "nextEvent", mark: Mark.EVENT },
  [RecordType.COMMAND]: { change: stateChange(COMMAND), next: "nextEvent", mark: Mark.EVENT },
} as const;
const happeningOf = (type: number) => HAPPENINGS[type as HappeningType] ?? null;

/** Kinds of messages, the first item of what the unit gives. Shares are not stored; what is kept is not given. */
export const MessageKind = {
  CONFIGURATION: 0,
  READING: 1,
  SHARE: 2,
  BATCH: 3,
  EVENT: 4,
  PAIRING: 5,
  REGISTER: 6,
  TIME: 7,
  ROSTERS: 8,
} as const;

/** Kinds of which the one in force is kept out of the writer's way. */
export type KeptKind = 0 | 8;

/** What is sent: its kind, its number among those of its kind, u32, and its bytes. */
export interface Message {
  readonly kind: number;
  readonly number: number;
  readonly bytes: Uint8Array;
}

const MESSAGE_HEAD_BYTES = 7;

const encodeMessage = ({ kind, number, bytes }: Message) =>
  concatBytes(uintBytes(kind, 1), uintBytes(number, 4), uintBytes(bytes.length, 2), bytes);

/** An interval as the log keeps it: readings as they are sent, xored with their pads. */
export type IntervalRecord = Readonly<
  Record<"interval" | "status" | "epoch", number> & { padded: Uint8Array }
>;

export const decodeInterval = ({ number, body }: JournalRecord): IntervalRecord => ({
  interval: number,
  status: readUint(body, 0, 1),
  epoch: readUint(body, 1, 2),
  padded: body.slice(3),
});

/** The messages that a record carries; none for an interval or members. */
export function decodeMessages({ type, body }: JournalRecord): Message[] {
  const messages: Message[] = [];
  if (type === RecordType.INTERVAL || type === RecordType.MEMBERS) return messages;
  for (let at = happeningOf(type)?.change.bytes ?? 0; at < body.length; ) {
    const [kind, number, length] = [
      readUint(body, at, 1),
      readUint(body, at + 1, 4),
      readUint(body, at + 5, 2),
    ];
    at += MESSAGE_HEAD_BYTES + length;
    messages.push({ kind, number, bytes: body.slice(at - length, at) });
  }
  return messages;
}

export class Journal {
  readonly log: Log;
  readonly #states: StateRing;
  /** Sectors that failed since power-up, in the order in which they did. */
  readonly badSectors: number[] = [];
  /** The living state. What is in it counts once `writeState` or `appendHappening` has returned. */
  state: MeterState = newState(0);

  constructor(flash: Flash) {
    const logSectors = flash.sectors - Math.max(STATE_SECTORS_MIN, Math.floor(flash.sectors / STATE_SHARE));
    this.log = new Log(flash, 0, logSectors, this.badSectors);
    this.#states = new StateRing(flash, logSectors, flash.sectors - logSectors, this.badSectors);
  }

  /** Finds state and log after power-up and brings them together; false for a flash never provisioned. */
  recover(): boolean {
    const stored = this.#states.recover();
    if (!stored) return false;
    this.state = decodeState(stored);
    this.log.configuration = this.state.configurationPlace;
    this.log.rosters = this.state.rostersPlace;
    // The state found may be torn at its end, and not be found again. Nothing of the log is erased on its word
    // before it stands whole in another sector.
    this.writeState();
    if (!this.log.recover(this.state.logSequence)) return false;
    this.#replay();
    this.state.logSequence = this.log.tail;
    this.writeState();
    return true;
  }

  /** Begins an empty journal, whatever the flash held. */
  format(channels: number): void {
    this.#states.clear();
    this.log.format();
    this.state = newState(channels);
  }

  /** Makes the living state durable: a power cut from now on leaves it or a later one. */
  writeState(): void {
    this.state.configurationPlace = this.log.configuration;
    this.state.rostersPlace = this.log.rosters;
    this.#states.write(encodeState(this.state));
  }

  /** Whether the state holds a closed interval that the log lacks. */
  get intervalPending(): boolean {
    return (
      this.state.closedInterval !== NO_INTERVAL && this.state.closedInterval >= this.log.marks[Mark.INTERVAL]
    );
  }

  appendInterval({ interval, status, epoch, padded }: IntervalRecord): void {
    const body = concatBytes(uintBytes(status, 1), uintBytes(epoch, 2), padded);
    this.log.append({ type: RecordType.INTERVAL, number: interval, body });
    this.log.raiseMark(Mark.INTERVAL, interval);
    this.#moveKept();
  }

  /** Stores some members of a roster; that they count is for a later record of kind ROSTERS to say. */
  appendMembers(rosterNumber: number, body: Uint8Array): Place {
    const place = this.log.append({ type: RecordType.MEMBERS, number: rosterNumber, body });
    this.#moveKept();
    return place;
  }

  /**
   * Makes what has changed in the living state durable with the messages that tell of it.
   * @param number of the batch, or of the last event; the state's next number follows it.
   */
  appendHappening(type: HappeningType, number: number, messages: readonly Message[]): void {
    const { change, mark, next } = HAPPENINGS[type];
    const body = concatBytes(change.encode(this.state), ...messages.map(encodeMessage));
    const place = this.log.append({ type, number, body });
    this.#notePlaces(messages, place);
    this.state[next] = number + 1;
    this.log.raiseMark(mark, number);
    this.#moveKept();
  }

  /** The configuration in force, as it was stored. */
  configuration(): Uint8Array {
    const configuration = this.#kept(MessageKind.CONFIGURATION, this.log.configuration);
    assert(configuration !== null, "the configuration in force is in the log");
    return configuration;
  }

  /** What was kept of rosters; null before there was one, or if it has rotted: a meter measures without. */
  rosters(): Uint8Array | null {
    return this.log.rosters === 0 ? null : this.#kept(MessageKind.ROSTERS, this.log.rosters);
  }

  /** Stores a message of a kept kind alone: from now on it is the one in force. */
  keep(kind: KeptKind, bytes: Uint8Array): void {
    const message = { kind, number: 0, bytes };
    const record = { type: RecordType.KEPT, number: 0, body: encodeMessage(message) };
    this.#notePlaces([message], this.log.append(record));
    // Where it lies now must be known before its old sector is erased.
    this.writeState();
  }

  #kept(wanted: number, place: Place): Uint8Array | null {
    const found = this.log.find(place);
    const message = found && decodeMessages(found).find(({ kind }) => kind === wanted);
    return message?.bytes ?? null;
  }

  /** After each append: what is in force lies where the writer will not erase it soon. */
  #moveKept(): void {
    if (this.log.isInTheWay(this.log.configuration))
      this.keep(MessageKind.CONFIGURATION, this.configuration());
    if (!this.log.isInTheWay(this.log.rosters)) return;
    const rosters = this.rosters();
    if (rosters) this.keep(MessageKind.ROSTERS, rosters);
    else this.log.rosters = 0;
  }

  #notePlaces(messages: readonly Message[], place: Place): void {
    for (const { kind } of messages) {
      if (kind === MessageKind.CONFIGURATION) this.log.configuration = place;
      if (kind === MessageKind.ROSTERS) this.log.rosters = place;
    }
  }

  /** Applies what the log has and the state lacks, and finds where what is in force lies now. */
  #replay(): void {
    const { nextBatch, nextEvent } = this.state;
    let found = this.log.find(this.log.seek([Mark.BATCH, nextBatch], [Mark.EVENT, nextEvent]));
    for (; found; found = this.log.find(found.next)) {
      const { type, number } = found;
      if (type === RecordType.INTERVAL) this.log.raiseMark(Mark.INTERVAL, number);
      this.#notePlaces(decodeMessages(found), found.place);
      const happening = happeningOf(type);
      if (!happening) continue;
      this.log.raiseMark(happening.mark, number);
      if (number < this.state[happening.next]) continue;
      Object.assign(this.state, happening.change.decode(found.body), { [happening.next]: number + 1 });
    }
  }
}
