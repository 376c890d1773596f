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
import { decodeState, encodeState, type MeterState, NO_INTERVAL, newState, StateChange } from "./state.js";
import { StateRing } from "./state-ring.js";

/** Share of the flash that is the state ring: 32 of 576 sectors. */
const STATE_SHARE = 18;
const STATE_SECTORS_MIN = 4;

/** Types of log records; the numbers are stored. A COMMAND is an event that changes the Companion's state too. */
export const RecordType = { INTERVAL: 1, BATCH: 2, EVENT: 3, CONFIGURATION: 4, COMMAND: 5 } as const;
/** A record that messages come from and that changes the state. */
export type HappeningType = 2 | 3 | 5;

const EVENT_FIELDS = [
  "epoch",
  "epochFirst",
  "configurationNumber",
  "configurationPlace",
  "statementDay",
  "statementInterval",
  "counters",
  "eventDigest",
] as const;
const HAPPENINGS = {
  [RecordType.BATCH]: {
    mark: Mark.BATCH,
    next: "nextBatch",
    change: new StateChange(["sealedTo", "batchDigest"]),
  },
  [RecordType.EVENT]: { mark: Mark.EVENT, next: "nextEvent", change: new StateChange(EVENT_FIELDS) },
  [RecordType.COMMAND]: {
    mark: Mark.EVENT,
    next: "nextEvent",
    change: new StateChange([...EVENT_FIELDS, "companion", "loadSwitch"]),
  },
} as const;
const happeningOf = (type: number) => HAPPENINGS[type as HappeningType] ?? null;

/** An interval as the log keeps it: readings as they are sent, xored with their pads. */
export interface IntervalRecord {
  readonly interval: number;
  readonly status: number;
  readonly epoch: number;
  readonly padded: Uint8Array;
}

/** Kinds of messages, the first item of what the unit gives. */
export const MessageKind = { READING: 1, BATCH: 3, EVENT: 4, PAIRING: 5, REGISTER: 6, TIME: 7 } as const;

/** What is sent: its kind, its number among those of its kind, u32, and its bytes. */
export interface Message {
  readonly kind: number;
  readonly number: number;
  readonly bytes: Uint8Array;
}

const MESSAGE_HEAD_BYTES = 7;

const encodeMessage = ({ kind, number, bytes }: Message) =>
  concatBytes(uintBytes(kind, 1), uintBytes(number, 4), uintBytes(bytes.length, 2), bytes);

export const decodeInterval = ({ number, body }: JournalRecord): IntervalRecord => ({
  interval: number,
  status: readUint(body, 0, 1),
  epoch: readUint(body, 1, 2),
  padded: body.slice(3),
});

/** The messages that a record carries; none for an interval or a configuration. */
export function decodeMessages({ type, body }: JournalRecord): Message[] {
  const messages: Message[] = [];
  const happening = happeningOf(type);
  for (let at = happening ? happening.change.bytes : body.length; at < body.length; ) {
    const start = at + MESSAGE_HEAD_BYTES;
    const end = start + readUint(body, at + 5, 2);
    messages.push({
      kind: readUint(body, at, 1),
      number: readUint(body, at + 1, 4),
      bytes: body.slice(start, end),
    });
    at = end;
  }
  return messages;
}

export class Journal {
  readonly log: Log;
  readonly #ring: StateRing;
  /** The living state. What is in it counts once `writeState` or `appendHappening` has returned. */
  state: MeterState = newState(0);

  constructor(flash: Flash) {
    const logSectors = flash.sectors - Math.max(STATE_SECTORS_MIN, Math.floor(flash.sectors / STATE_SHARE));
    this.log = new Log(flash, 0, logSectors);
    this.#ring = new StateRing(flash, logSectors, flash.sectors - logSectors);
  }

  /** Finds state and log after power-up and brings them together; false for a flash never provisioned. */
  recover(): boolean {
    const stored = this.#ring.recover();
    if (!stored) return false;
    this.state = decodeState(stored);
    this.log.configuration = this.state.configurationPlace;
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
    this.#ring.clear();
    this.log.format();
    this.state = newState(channels);
  }

  /** Makes the living state durable: a power cut from now on leaves it or a later one. */
  writeState(): void {
    this.state.configurationPlace = this.log.configuration;
    this.#ring.write(encodeState(this.state));
  }

  /** Whether the state holds a closed interval that the log lacks. */
  get intervalPending(): boolean {
    return (
      this.state.closedInterval !== NO_INTERVAL && this.state.closedInterval >= this.log.marks[Mark.INTERVAL]
    );
  }

  appendInterval({ interval, status, epoch, padded }: IntervalRecord): void {
    const body = concatBytes(uintBytes(status, 1), uintBytes(epoch, 2), padded);
    this.#append({ type: RecordType.INTERVAL, number: interval, body });
    this.log.raiseMark(Mark.INTERVAL, interval);
  }

  /**
   * Makes what has changed in the living state durable with the messages that tell of it.
   * @param number of the batch, or of the last event; the state's next number follows it.
   */
  appendHappening(type: HappeningType, number: number, messages: readonly Message[]): void {
    const { change, mark, next } = HAPPENINGS[type];
    this.state.configurationPlace = this.log.configuration;
    const body = concatBytes(change.encode(this.state), ...messages.map(encodeMessage));
    this.#append({ type, number, body });
    this.state[next] = number + 1;
    this.log.raiseMark(mark, number);
  }

  /**
   * Stores the configuration with this number. The happening that puts it in force, with the state's number raised,
   * must be what is written next.
   */
  appendConfiguration(number: number, configuration: Uint8Array): void {
    this.log.configuration = this.#append({ type: RecordType.CONFIGURATION, number, body: configuration });
  }

  /** The configuration in force, as it was stored. */
  configuration(): Uint8Array {
    const found = this.log.find(this.log.configuration);
    assert(found?.type === RecordType.CONFIGURATION, "the configuration in force is in the log");
    return found.body;
  }

  /** Sectors that failed since power-up. */
  get badSectors(): readonly number[] {
    return [...this.log.badSectors, ...this.#ring.badSectors];
  }

  #append(record: JournalRecord): Place {
    const { configuration } = this.log;
    const place = this.log.append(record);
    // Where it was moved to must be known before its old sector is erased.
    if (this.log.configuration !== configuration) this.writeState();
    return place;
  }

  /** Applies what the log has and the state lacks, and finds where the configuration in force lies now. */
  #replay(): void {
    const batches = this.log.seek(Mark.BATCH, this.state.nextBatch);
    const events = this.log.seek(Mark.EVENT, this.state.nextEvent);
    const configurations = new Map<number, Place>();
    let found = this.log.find(Math.min(batches, events));
    for (; found; found = this.log.find(found.next)) {
      const { type, number } = found;
      if (type === RecordType.INTERVAL) this.log.raiseMark(Mark.INTERVAL, number);
      if (type === RecordType.CONFIGURATION) configurations.set(number, found.place);
      const happening = happeningOf(type);
      if (!happening) continue;
      this.log.raiseMark(happening.mark, number);
      if (number < this.state[happening.next]) continue;
      Object.assign(this.state, happening.change.decode(found.body), { [happening.next]: number + 1 });
    }
    this.log.configuration =
      configurations.get(this.state.configurationNumber) ?? this.state.configurationPlace;
  }
}
