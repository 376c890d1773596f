// What a journal must be, as a list: the records that were reported stored, the state that was reported
// written, and at most one of each in flight when the power failed. A specimen does to a real journal on a NOR
// flash what the unit does, and after each recovery compares. It knows which fields a record carries and how
// a message reads by itself, not from the journal.
import { assert, sameBytes } from "../../src/trusted/encoding/bytes.js";
import {
  decodeInterval,
  decodeMessages,
  type HappeningType,
  type IntervalRecord,
  Journal,
  type Message,
  MessageKind,
  RecordType,
} from "../../src/trusted/journal/journal.js";
import { recordBytes } from "../../src/trusted/journal/record.js";
import { type Found, HEADER_BYTES, Mark } from "../../src/trusted/journal/sector-ring.js";
import { type MeterState, NO_INTERVAL, type StateField } from "../../src/trusted/journal/state.js";
import { type Flash, SECTOR_BYTES } from "../../src/trusted/ports.js";
import type { NorFlash } from "../flash.js";
import { SeededRandom } from "../seeded.js";

/** The journal broke its word. */
export class JournalBroken extends Error {
  override readonly name = "JournalBroken";
}

const FIRST_INTERVAL = 1000;
const PAIRING_BYTES = 190;
/** A meter that restarts alternates between sectors; one erased so lately holds no history that its next erase could cost. */
const LATELY_ERASED = 4;

/** What each kind of record changes in the state, by docs/journal.md. */
const EVENT_FIELDS: readonly StateField[] = [
  "epoch",
  "epochFirst",
  "statementDay",
  "statementInterval",
  "counters",
  "eventDigest",
];
const FIELDS: Readonly<Record<HappeningType, readonly StateField[]>> = {
  [RecordType.BATCH]: ["sealedTo", "batchDigest"],
  [RecordType.EVENT]: EVENT_FIELDS,
  [RecordType.COMMAND]: [...EVENT_FIELDS, "companion", "loadSwitch"],
};

/** A record that was handed to the journal. */
export interface Stored {
  readonly type: number;
  readonly number: number;
  readonly interval?: IntervalRecord;
  readonly messages: readonly Message[];
  /** What it changes in the state, and the configuration in force with it. */
  readonly changes: Partial<MeterState>;
  readonly configuration: Uint8Array;
  /** Its body as it was found when all that it says had been compared. */
  body: Uint8Array | null;
}

/** A state that a recovery may find, and how many records there were. */
interface Written {
  readonly state: MeterState;
  readonly configuration: Uint8Array;
  readonly records: number;
}

/** How much of a log `check` looks at: all of it, or the last so many records, the oldest, and one in between. */
export type Scope = { readonly last: number; readonly random: SeededRandom } | "all";

/** What all specimens of a run have done. */
export interface Tally {
  recoveries: number;
  records: number;
}

export interface SpecimenOptions {
  readonly channels?: number;
  /** What the journal sees of the flash; the flash itself if not given. */
  readonly port?: Flash;
  readonly tally?: Tally;
}

/** A journal that tells how often it wrote the state. */
class CountingJournal extends Journal {
  written = 0;

  override writeState(): void {
    super.writeState();
    this.written++;
  }
}

export class Specimen {
  readonly flash: NorFlash;
  port: Flash;
  readonly tally: Tally;
  #journal: CountingJournal;
  readonly channels: number;
  readonly #logSectors: number;
  #stored: Stored[] = [];
  #inFlight: Stored | null = null;
  /** States that a recovery may find: the last written, or the one being written. */
  #written: readonly Written[] = [];
  /** Every content that was to be a configuration. */
  #configurations: readonly Uint8Array[] = [];
  #inForce: Uint8Array = new Uint8Array(0);
  #drawn = 0;
  /** Erases of each sector at the last comparison, and the sectors erased last before it. */
  #erases: Uint32Array;
  #lately: readonly number[] = [];
  /** For intervals, batches and events the number after the last that was ever stored. */
  #ends: readonly number[] = [0, 0, 0];
  /** Sectors that may be lost unerased, since they went bad. */
  spoilt = 0;
  /** With bad sectors, the records that were lost: one that can no longer be erased may show them again. */
  #gone: readonly Stored[] = [];
  /** Records that may be gone since their cells have rotted. What is found of them must be right. */
  readonly rotten = new Set<Stored>();
  #writtenBefore: readonly Written[] = [];

  /** Unpowered so far: `provision` or `boot` begins its life. */
  constructor(flash: NorFlash, { channels = 2, port = flash, tally }: SpecimenOptions = {}) {
    this.flash = flash;
    this.port = port;
    this.tally = tally ?? { recoveries: 0, records: 0 };
    this.channels = channels;
    this.#logSectors = flash.sectors - Math.max(4, Math.floor(flash.sectors / 18));
    this.#erases = flash.eraseCounts.slice();
    this.#journal = new CountingJournal(port);
  }

  get journal(): Journal {
    return this.#journal;
  }

  /** The same journal at the same moment, on the same flash: for an attempt that the flash takes back. */
  fork(port: Flash = this.flash): Specimen {
    const { flash, tally } = this;
    const fork = new Specimen(flash, { channels: this.channels, port, tally });
    fork.#stored = this.#stored.slice();
    fork.#inFlight = this.#inFlight;
    fork.#written = this.#written;
    fork.#configurations = this.#configurations;
    fork.#inForce = this.#inForce;
    fork.#drawn = this.#drawn;
    fork.#erases = this.#erases.slice();
    fork.#lately = this.#lately;
    fork.#ends = this.#ends;
    fork.spoilt = this.spoilt;
    fork.#gone = this.#gone;
    return fork;
  }

  get stored(): readonly Stored[] {
    return this.#stored;
  }

  /** Formats the flash and provisions, with the power on. @param configuration bytes of the first one */
  provision(configuration = 200): this {
    this.journal.format(this.channels);
    this.#happen(RecordType.EVENT, [
      this.#pairing(0),
      ...this.#events(1, 80),
      this.#configured(configuration),
    ]);
    this.writeState();
    return this;
  }

  /** Energy and time, which are in the living state only. */
  live(): void {
    const { state } = this.journal;
    state.lastTime_s = ++this.#drawn;
    for (const channel of state.channels) channel.open_mJ = (channel.open_mJ + 977 * this.#drawn) % 2 ** 40;
  }

  /** Closes the next interval as the unit does: the state first, the record after it. */
  closeInterval(): void {
    this.live();
    const { state } = this.journal;
    const interval = state.closedInterval === NO_INTERVAL ? FIRST_INTERVAL : state.closedInterval + 1;
    Object.assign(state, {
      closedInterval: interval,
      closedStatus: interval % 64,
      openInterval: interval + 1,
    });
    for (const channel of state.channels) {
      channel.closed_Wh = ++this.#drawn % 1000;
      channel.register_Wh += channel.closed_Wh;
    }
    this.writeState();
    this.appendPending();
  }

  /** Appends the interval that the state has and the log lacks, if there is one. */
  appendPending(): void {
    const { closedInterval: interval, closedStatus: status, epoch } = this.journal.state;
    const pending = interval !== NO_INTERVAL && interval >= (this.#ends[Mark.INTERVAL] ?? 0);
    if (pending !== this.journal.intervalPending) broken(`interval ${interval} pends: ${!pending}`);
    if (!pending) return;
    const record = { interval, status, epoch, padded: contentOf(4 * this.channels, interval) };
    this.#append(
      { type: RecordType.INTERVAL, number: interval, interval: record, ...this.#unchanged() },
      () => this.journal.appendInterval(record),
    );
  }

  /** @param length bytes of the signed document */
  sealBatch(length: number): void {
    this.live();
    const { state } = this.journal;
    const sealedTo = state.closedInterval === NO_INTERVAL ? 0 : state.closedInterval + 1;
    Object.assign(state, { sealedTo, batchDigest: this.#content(32) });
    const bytes = this.#content(length);
    this.#happen(RecordType.BATCH, [{ kind: MessageKind.BATCH, number: state.nextBatch, bytes }]);
  }

  /** Some events in one record. @param length bytes of each message */
  raise(length: number, count = 1): void {
    this.live();
    this.#happen(RecordType.EVENT, this.#events(count, length));
  }

  /** An accepted command: a counter, what the Companion keeps, two events, and a register statement. */
  command(length: number): void {
    this.live();
    const { state } = this.journal;
    const anchor = ++this.#drawn % state.counters.length;
    state.counters[anchor] = (state.counters[anchor] ?? 0) + 1;
    Object.assign(state, { companion: this.#content(state.companion.length), loadSwitch: this.#drawn % 3 });
    Object.assign(state, { statementDay: this.#drawn, statementInterval: state.openInterval });
    const statement = {
      kind: MessageKind.REGISTER,
      number: state.openInterval,
      bytes: this.#content(length),
    };
    this.#happen(RecordType.COMMAND, [...this.#events(2, 60), statement]);
  }

  /** A pairing: its event and its document in one record. */
  pair(): void {
    this.live();
    const { state } = this.journal;
    Object.assign(state, { epoch: state.epoch + 1, epochFirst: state.openInterval + 1 });
    this.#happen(RecordType.EVENT, [...this.#events(1, 80), this.#pairing(state.epoch)]);
  }

  /** Another configuration, stored with the events that tell of it. @param length its bytes */
  configure(length: number): void {
    this.live();
    this.#happen(RecordType.EVENT, [...this.#events(2, 90), this.#configured(length)]);
  }

  writeState(): void {
    this.live();
    const before = this.#written;
    const living = this.#living();
    this.#written = [...before, living];
    this.journal.writeState();
    this.#writtenBefore = before;
    this.#written = [living];
  }

  /** The state written last has rotted: the one before it is what there is. */
  stateRotted(): void {
    this.#written = this.#writtenBefore;
  }

  /** What was stored as this record. */
  storedAs({ type, number }: Found): Stored | undefined {
    return this.#stored.find((record) => record.type === type && record.number === number);
  }

  /** Power off and on, and everything is compared: state, log and configuration. */
  restart(scope: Scope = "all"): void {
    this.flash.powerUp();
    this.boot();
    this.check(scope);
    this.#checkState();
    this.#written = [this.#living()];
  }

  /** Begins anew with what the flash holds; the power must be on, and a cut may come. */
  boot(): void {
    this.#journal = new CountingJournal(this.port);
    if (!this.journal.recover()) broken("no journal is found");
    this.tally.recoveries++;
  }

  /** Compares the log with what was reported stored. From now on that is what must be there. */
  check(scope: Scope = "all"): void {
    const expected = this.#inFlight ? [...this.#stored, this.#inFlight] : this.#stored.slice();
    const floor = this.#lossFloor(expected);
    const first = scope === "all" ? this.#checkAll(expected) : this.#checkSome(expected, floor, scope);
    if (first > floor) {
      broken(`${nameOf(expected[floor])} is lost, and all before ${nameOf(expected[first])}`);
    }
    this.#ends = endsOf(this.#ends, expected.slice(-1));
    const { marks } = this.journal.log;
    if (this.rotten.size === 0 && this.#ends.join() !== marks.join())
      broken(`the log's marks are ${marks}, not ${this.#ends}`);
    if (this.spoilt > 0) this.#gone = [...this.#gone, ...expected.slice(0, first)];
    this.#stored = expected.slice(first);
    this.#inFlight = null;
    this.#written = this.#written.map((written) => ({ ...written, records: written.records - first }));
  }

  /**
   * Every record in the log, in order.
   * @returns index of the first expected record from which on none is missing; removes one in flight that did
   *   not arrive from `expected`.
   */
  #checkAll(expected: Stored[]): number {
    const { log } = this.journal;
    let [next, first] = [0, 0];
    for (let found = log.find(log.start); found; found = log.find(found.next)) {
      if (found.type === RecordType.KEPT) {
        this.#checkConfiguration(found);
        continue;
      }
      if (next === 0 && this.#gone.some((record) => this.#isSame(record, found))) continue;
      const at = this.#match(expected, found, next);
      // A sector whose erase was cut may have lost some of its records and not others.
      if (this.#missing(expected, next, at)) first = at;
      next = at + 1;
    }
    if (this.#inFlight && next === expected.length - 1) expected.pop();
    const lost = this.#missing(expected, next, expected.length);
    if (lost) broken(`${nameOf(lost)} is lost, after what was found`);
    return first;
  }

  /** The first of the expected records from one index to before another that had no reason to go. */
  #missing(expected: readonly Stored[], from: number, to: number): Stored | undefined {
    return expected.slice(from, to).find((record) => !this.rotten.has(record));
  }

  /** The last records, the oldest, and one in between. */
  #checkSome(expected: Stored[], floor: number, { last, random }: Exclude<Scope, "all">): number {
    const { log } = this.journal;
    const from = Math.max(0, expected.length - last);
    let next = from;
    for (let found = this.#placeOf(expected[from]); found; found = log.find(found.next)) {
      if (found.type === RecordType.KEPT) this.#checkConfiguration(found);
      else if (this.#match(expected, found, next) > next) broken(`${nameOf(expected[next])} is lost`);
      else next++;
    }
    if (this.#inFlight && next === expected.length - 1) expected.pop();
    if (next < expected.length) broken(`${nameOf(expected[next])} is lost, after what was found`);
    let oldest = log.find(log.start);
    while (oldest?.type === RecordType.KEPT) oldest = log.find(oldest.next);
    const first = oldest ? this.#match(expected, oldest, 0) : expected.length;
    const between = expected[Math.min(floor + random.below(Math.max(1, from - floor)), from)];
    if (!this.#placeOf(between)) broken(`${nameOf(between)} is lost`);
    return first;
  }

  /** The place of a record by the log's own search. */
  #placeOf(record: Stored | undefined): Found | null {
    if (!record) return null;
    const { log } = this.journal;
    const { INTERVAL, BATCH } = RecordType;
    const mark = record.type === INTERVAL ? Mark.INTERVAL : record.type === BATCH ? Mark.BATCH : Mark.EVENT;
    let found = log.find(log.seek([mark, record.number]));
    while (found && (found.type !== record.type || found.number !== record.number))
      found = log.find(found.next);
    if (found && !this.#isSame(record, found)) broken(`${nameOf(record)} is not what was stored`);
    return found;
  }

  /** Index of the expected record, at or after `from`, that was found. */
  #match(expected: readonly Stored[], found: Found, from: number): number {
    this.tally.records++;
    for (let at = from; at < expected.length; at++) {
      if (this.#isSame(expected[at], found)) return at;
    }
    return broken(`${nameOf(found)} is found after ${nameOf(expected[from - 1])}, where it was never stored`);
  }

  #isSame(expected: Stored | undefined, found: Found): boolean {
    if (expected?.type !== found.type || expected.number !== found.number) return false;
    if (expected.body) return sameBytes(expected.body, found.body);
    const says = expected.interval
      ? sameInterval(expected.interval, decodeInterval(found))
      : sameMessages(expected.messages, decodeMessages(found));
    if (says) expected.body = found.body;
    return says;
  }

  #checkConfiguration(found: Found): void {
    const [message, more] = decodeMessages(found);
    const known = this.#configurations.some((content) => message && sameBytes(content, message.bytes));
    if (!known || more) broken("a configuration is not what was stored");
  }

  /** Index of the first expected record that the erases since the last comparison cannot have taken. */
  #lossFloor(expected: readonly Stored[]): number {
    const { eraseCounts } = this.flash;
    const erased: number[] = [];
    for (let sector = 0; sector < this.#logSectors; sector++) {
      if (eraseCounts[sector] !== this.#erases[sector]) erased.push(sector);
    }
    const costly = erased.filter((sector) => !this.#lately.includes(sector)).length + this.spoilt;
    this.#erases = eraseCounts.slice();
    const lately = [...this.#lately.filter((sector) => !erased.includes(sector)), ...erased];
    // In which order so many were erased is not known.
    this.#lately = erased.length > LATELY_ERASED ? [] : lately.slice(-LATELY_ERASED);
    let floor = 0;
    for (let left = costly * (SECTOR_BYTES - HEADER_BYTES); floor < expected.length; floor++) {
      left -= sizeOf(expected[floor]);
      if (left < 0) break;
    }
    return floor;
  }

  /** The state must be one that was written, brought up to date by the records that are newer. */
  #checkState(): void {
    const { state } = this.journal;
    const found = fingerprint(state);
    const candidates = this.#written.map((written) => replayed(written, this.#stored));
    const living = candidates.find((candidate) => fingerprint(candidate.state) === found);
    if (!living) {
      const wanted = candidates.map((written) => fingerprint(written.state));
      broken(`the state is\n${found}, not\n${wanted.join("\n")}`);
    }
    if (!sameBytes(this.journal.configuration(), living.configuration)) {
      broken("the configuration is not the one in force");
    }
    this.#inForce = living.configuration;
  }

  #living(): Written {
    const { state } = this.journal;
    return { state: cloneState(state), configuration: this.#inForce, records: this.#stored.length };
  }

  #content(length: number): Uint8Array {
    return contentOf(length, ++this.#drawn);
  }

  #events(count: number, length: number): Message[] {
    const { state } = this.journal;
    state.eventDigest = this.#content(32);
    state.eventCounts[3] = (state.eventCounts[3] ?? 0) + count;
    return Array.from({ length: count }, (_, at) => {
      return { kind: MessageKind.EVENT, number: state.nextEvent + at, bytes: this.#content(length) };
    });
  }

  #pairing(epoch: number): Message {
    return { kind: MessageKind.PAIRING, number: epoch, bytes: this.#content(PAIRING_BYTES) };
  }

  #unchanged(): Pick<Stored, "messages" | "changes" | "configuration" | "body"> {
    return { messages: [], changes: {}, configuration: this.#inForce, body: null };
  }

  #happen(type: HappeningType, messages: readonly Message[]): void {
    const { state } = this.journal;
    const events = messages.filter(({ kind }) => kind === MessageKind.EVENT).length;
    const next = type === RecordType.BATCH ? "nextBatch" : "nextEvent";
    const number = type === RecordType.BATCH ? state.nextBatch : state.nextEvent + events - 1;
    const carried = Object.entries(cloneState(state)).filter(([field]) =>
      FIELDS[type].some((one) => one === field),
    );
    const changes = { ...Object.fromEntries(carried), [next]: number + 1 };
    this.#append({ ...this.#unchanged(), type, number, messages, changes }, () =>
      this.journal.appendHappening(type, number, messages),
    );
  }

  /** A new configuration, in force from its record on. */
  #configured(length: number): Message {
    this.#inForce = this.#content(length);
    this.#configurations = [...this.#configurations, this.#inForce];
    return { kind: MessageKind.CONFIGURATION, number: 0, bytes: this.#inForce };
  }

  #append(record: Stored, append: () => void): void {
    this.#inFlight = record;
    this.#writing(append);
    this.#stored.push(record);
    this.#ends = endsOf(this.#ends, [record]);
    this.#inFlight = null;
  }

  /** Moving the configuration in force out of the way writes the state: the living one, as it is now. */
  #writing(append: () => void): void {
    const before = this.#written;
    const { written } = this.#journal;
    const living = this.#living();
    this.#written = [...before, living];
    append();
    this.#written = this.#journal.written > written ? [living] : before;
  }
}

function broken(what: string): never {
  throw new JournalBroken(what);
}

/** Bytes that look like nothing else and are the same for the same number. */
export function contentOf(length: number, number: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new SeededRandom(number).fill(bytes);
  return bytes;
}

/** Bytes that a record takes in the log. */
function sizeOf(record: Stored | undefined): number {
  assert(record !== undefined, "there is a record");
  // Before its body was ever found: no record is smaller.
  return recordBytes(record.body?.length ?? 0);
}

const sameInterval = (a: IntervalRecord, b: IntervalRecord) =>
  a.interval === b.interval && a.status === b.status && a.epoch === b.epoch && sameBytes(a.padded, b.padded);

const sameMessages = (a: readonly Message[], b: readonly Message[]) =>
  a.length === b.length &&
  a.every(({ kind, number, bytes }, at) => {
    const other = b[at];
    return other?.kind === kind && other.number === number && sameBytes(other.bytes, bytes);
  });

const kindOf = (type: number) => Object.entries(RecordType).find(([, value]) => value === type)?.[0];
const nameOf = (record: { readonly type: number; readonly number: number } | undefined) =>
  record ? `${kindOf(record.type)} ${record.number}` : "nothing";

/** The numbers after the last interval, batch and event; a COMMAND is numbered with the events. */
function endsOf(ends: readonly number[], records: readonly Stored[]): number[] {
  const [interval = 0, batch = 0, event = 0] = ends;
  const after = (before: number, types: readonly number[]) =>
    records.reduce(
      (end, { type, number }) => (types.includes(type) ? Math.max(end, number + 1) : end),
      before,
    );
  return [
    after(interval, [RecordType.INTERVAL]),
    after(batch, [RecordType.BATCH]),
    after(event, [RecordType.EVENT, RecordType.COMMAND]),
  ];
}

function replayed({ state: written, configuration, records }: Written, expected: readonly Stored[]): Written {
  const state = { ...written };
  let inForce = configuration;
  for (const record of expected.slice(Math.max(0, records))) {
    const next = record.type === RecordType.BATCH ? "nextBatch" : "nextEvent";
    if (record.interval || record.number < state[next]) continue;
    Object.assign(state, record.changes);
    if (record.type !== RecordType.BATCH) inForce = record.configuration;
  }
  return { state, configuration: inForce, records };
}

const cloneState = (state: MeterState): MeterState => ({
  ...state,
  counters: state.counters.slice(),
  acknowledged: state.acknowledged.slice(),
  eventCounts: state.eventCounts.slice(),
  batchDigest: state.batchDigest.slice(),
  eventDigest: state.eventDigest.slice(),
  companion: state.companion.slice(),
  channels: state.channels.map((channel) => ({ ...channel })),
});

/** All of a state but where its configuration and the log's end lie, which move. */
export function fingerprint(state: MeterState): string {
  const { channels, configurationPlace: _place, logSequence: _sequence, ...rest } = state;
  const fields = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return [...fields, ...channels.flatMap((channel) => Object.values(channel))].join("; ");
}
