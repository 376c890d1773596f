// What the journal must be, as a list: the records that were reported stored, the state that was reported
// written, and at most one of each in flight when the power failed. A `JournalUnderTest` does to a real
// journal on a NOR flash what the unit does, cuts its power, and after each recovery compares.
import { expect } from "vitest";
import { NorFlash, type NorFlashOptions, PowerCut } from "../../../host-sim/flash.js";
import { SeededRandom } from "../../../host-sim/seeded.js";
import { uintBytes } from "../../../src/trusted/encoding/bytes.js";
import {
  decodeBatch,
  decodeEvent,
  decodeInterval,
  decodePairing,
  Journal,
} from "../../../src/trusted/journal/journal.js";
import type { Found, Log } from "../../../src/trusted/journal/log.js";
import { RecordType } from "../../../src/trusted/journal/record.js";
import type { MeterState } from "../../../src/trusted/journal/state.js";
import { digest } from "../../../src/trusted/sealing/keys.js";

const PAIRING_EVENT = 7;
/** The interval before the first. */
const BEFORE_FIRST = 0xffffffff;
/** Bytes that a filled sector holds at least: the largest record may not have fitted, and a copy of the configuration is in it. */
const FILLED_BYTES = 4096 - 32 - 16 - 704 - 448;

export const MODES = ["plain", "encrypted"] as const;

export const flashOf = (options: Partial<NorFlashOptions>, seed = 1) =>
  new NorFlash({ sectors: 16, mode: "plain", random: new SeededRandom(seed), ...options });

/** Bytes that look like nothing else and are the same for the same number. */
export function contentOf(length: number, number: number): Uint8Array {
  const bytes = new Uint8Array(length);
  new SeededRandom(number).fill(bytes);
  return bytes;
}

/** A record, by what it says. */
export type Stored =
  | { readonly kind: "interval"; readonly interval: number; readonly content: string }
  | {
      readonly kind: "batch";
      readonly batchNumber: number;
      readonly sealedTo: number;
      readonly content: string;
    }
  | { readonly kind: "event"; readonly sequence: number; readonly type: number; readonly content: string }
  | { readonly kind: "pairing"; readonly epoch: number; readonly content: string };

const hex = (...parts: readonly Uint8Array[]) =>
  parts.map((part) => Buffer.from(part).toString("hex")).join();

/** What a record of the log says, or null for the journal's own (configurations). */
export function say({ type, payload }: Pick<Found, "type" | "payload">): Stored | null {
  if (type === RecordType.INTERVAL) {
    const { interval, status, epoch, padded } = decodeInterval(payload);
    return { kind: "interval", interval, content: `${status} ${epoch} ${hex(padded)}` };
  }
  if (type === RecordType.BATCH) {
    const { batchNumber, sealedTo, statementDigest, document } = decodeBatch(payload);
    return { kind: "batch", batchNumber, sealedTo, content: hex(statementDigest, document) };
  }
  if (type === RecordType.EVENT) {
    const { sequence, type: event, digest: link, message } = decodeEvent(payload);
    return { kind: "event", sequence, type: event, content: hex(link, message) };
  }
  if (type === RecordType.PAIRING) {
    const { epoch, document } = decodePairing(payload);
    return { kind: "pairing", epoch, content: hex(document) };
  }
  expect(type).toBe(RecordType.CONFIGURATION);
  return null;
}

/** All records of a log in its order. */
export function recordsOf(log: Log): Found[] {
  const records: Found[] = [];
  for (let found = log.find(log.start); found; found = log.find(found.next)) records.push(found);
  return records;
}

interface PairingStored {
  readonly epoch: number;
  readonly firstInterval: number;
}

export class JournalUnderTest {
  readonly flash: NorFlash;
  journal: Journal;
  readonly #stored: Stored[] = [];
  #inFlight: Stored | null = null;
  /** States that a recovery may find: the last written, or the one being written. */
  #states: MeterState[];
  readonly #configurations = new Map<number, string>();
  readonly #pairings = new Map<number, PairingStored>();
  #number = 0;
  recoveries = 0;
  /** Sectors that records may have lost to bad cells, beyond those that restarts use up. */
  sectorsLost = 0;

  /** Formats and provisions, with the power on. @param configuration bytes of the first one */
  constructor(flash: NorFlash, channels = 2, configuration = 200) {
    this.flash = flash;
    this.journal = new Journal(flash);
    this.#states = [this.journal.state];
    this.journal.format(channels);
    this.journal.state.configurationNumber = 0;
    this.#configure(0, configuration);
    this.pair();
    this.writeState();
  }

  get stored(): readonly Stored[] {
    return this.#stored;
  }

  /** Closes the next interval as the unit does: the state first, the record after it. */
  closeInterval(channels = 2): void {
    const { state } = this.journal;
    const interval = state.closedInterval === BEFORE_FIRST ? 1000 : state.closedInterval + 1;
    state.closedInterval = interval;
    state.openInterval = interval + 1;
    for (const channel of state.channels) channel.register_Wh += ++this.#number % 1000;
    this.writeState();
    this.appendPending(channels);
  }

  /** Appends the interval that the state has and the log lacks, if there is one. */
  appendPending(channels = 2): void {
    if (!this.journal.intervalPending) return;
    const { closedInterval: interval, epoch } = this.journal.state;
    const record = { interval, status: interval % 64, epoch, padded: contentOf(4 * channels, interval) };
    const content = `${record.status} ${epoch} ${hex(record.padded)}`;
    this.#append({ kind: "interval", interval, content }, () => this.journal.appendInterval(record));
  }

  /** @param length bytes of the signed document, at most 600 */
  sealBatch(length: number): void {
    const { nextBatch: batchNumber, closedInterval } = this.journal.state;
    const sealedTo = closedInterval === BEFORE_FIRST ? 0 : closedInterval + 1;
    const statementDigest = digest(uintBytes(batchNumber, 4));
    const document = contentOf(length, ++this.#number);
    this.#append({ kind: "batch", batchNumber, sealedTo, content: hex(statementDigest, document) }, () =>
      this.journal.appendBatch({ batchNumber, sealedTo, statementDigest, document }),
    );
  }

  /** @param length bytes of the message, at most 600 */
  raise(length: number, type = 4): void {
    const { nextEvent: sequence, eventDigest } = this.journal.state;
    const message = contentOf(length, ++this.#number);
    const link = digest(eventDigest, message);
    this.#append({ kind: "event", sequence, type, content: hex(link, message) }, () =>
      this.journal.appendEvent({ sequence, type, digest: link, message }),
    );
  }

  /** A pairing and the event that makes it one. */
  pair(): void {
    const { state } = this.journal;
    const epoch = state.nextEvent === 0 ? 0 : state.epoch + 1;
    const firstInterval = state.openInterval + 1;
    const document = contentOf(190, ++this.#number);
    this.#append({ kind: "pairing", epoch, content: hex(document) }, () => {
      this.#pairings.set(epoch, { epoch, firstInterval });
      this.journal.appendPairing({ epoch, firstInterval, document });
    });
    this.raise(80, PAIRING_EVENT);
  }

  /** Stores another configuration and puts it in force. @param length its bytes, at most 400 */
  configure(length: number): void {
    const number = this.journal.state.configurationNumber + 1;
    this.#configure(number, length);
    this.journal.state.configurationNumber = number;
    this.writeState();
  }

  writeState(): void {
    const { state } = this.journal;
    state.lastTime_s = ++this.#number;
    const written = structuredClone(state);
    this.#states.push(written);
    this.journal.writeState();
    this.#states = [written];
  }

  /** Runs `work` with a power cut after so many bytes (an erase counts a sector), and recovers if it came. */
  cutting(bytes: number, work: () => void): void {
    this.flash.cutAfter(bytes);
    try {
      work();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
  }

  /** Power off and on; `cuts` are further cuts during the recoveries. Then everything is compared. */
  restart(cuts: readonly number[] = []): void {
    for (const cut of cuts) {
      this.flash.powerUp();
      this.cutting(cut, () => this.boot());
    }
    this.flash.powerUp();
    this.boot();
    this.check();
  }

  /** Compares what the journal says with what was reported stored. */
  check(): void {
    const { state, log } = this.journal;
    const found = recordsOf(log)
      .map(say)
      .filter((record) => record !== null);
    const inFlight = this.#inFlight;
    const arrived = inFlight && found.some((record) => same(record, inFlight));
    const expected = arrived ? [...this.#stored, inFlight] : this.#stored.slice();
    const required = this.#required(expected);
    const last = (records: readonly Stored[]) => records.slice(records.length - required).map(name);
    if (found.length < required || last(found).join() !== last(expected).join()) {
      expect(last(found)).toEqual(last(expected));
    }
    const places = new Map(expected.map((record, at) => [name(record), at]));
    found.reduce((before, record) => {
      const place = places.get(name(record)) ?? -1;
      if (place <= before) expect.fail(`${name(record)} comes after ${name(expected[before])}`);
      if (!same(record, expected[place])) expect(record).toEqual(expected[place]);
      return place;
    }, -1);
    this.#checkState(expected);
    expect(hex(this.journal.configuration())).toBe(this.#configurations.get(state.configurationNumber));
    this.#stored.splice(0, this.#stored.length, ...expected);
    this.#inFlight = null;
    this.#states = [structuredClone(state)];
  }

  /** A restart with whatever cut is armed, and without comparing. */
  boot(): void {
    this.journal = new Journal(this.flash);
    expect(this.journal.recover(), "the journal is found").toBe(true);
    this.recoveries++;
  }

  #configure(number: number, length: number): void {
    const content = contentOf(length, ++this.#number);
    this.#configurations.set(number, hex(content));
    this.journal.appendConfiguration(number, content);
  }

  #append(record: Stored, append: () => void): void {
    this.#inFlight = record;
    append();
    this.#stored.push(record);
    this.#inFlight = null;
  }

  /** How many of the last records must be there: restarts use up at most two sectors for each that is filled. */
  #required(expected: readonly Stored[]): number {
    const sectors = this.flash.sectors - 4 - this.sectorsLost;
    let left = Math.floor((sectors - 3) / 3) * FILLED_BYTES;
    let count = 0;
    for (const record of expected.slice().reverse()) {
      left -= record.content.length / 2 + 64;
      if (left < 0) break;
      count++;
    }
    return count;
  }

  /** The state must be one that was written, brought up to date by the records that are newer. */
  #checkState(expected: readonly Stored[]): void {
    const { state, log } = this.journal;
    const candidates = this.#states.map((written) => this.#replayed(written, expected));
    if (!candidates.includes(fingerprint(state)))
      expect.fail(`the state is\n${fingerprint(state)}, not\n${candidates.join("\n")}`);
    const highest = (kind: Stored["kind"], number: (record: Stored) => number) =>
      Math.max(-1, ...expected.filter((record) => record.kind === kind).map(number)) + 1;
    expect(log.marks).toEqual({
      interval: highest("interval", (record) => ("interval" in record ? record.interval : -1)),
      batch: highest("batch", (record) => ("batchNumber" in record ? record.batchNumber : -1)),
      event: highest("event", (record) => ("sequence" in record ? record.sequence : -1)),
    });
  }

  #replayed(written: MeterState, records: readonly Stored[]): string {
    const state = structuredClone(written);
    let pairing: PairingStored | undefined;
    for (const record of records) {
      if (record.kind === "batch" && record.batchNumber >= state.nextBatch) {
        state.nextBatch = record.batchNumber + 1;
        state.sealedTo = record.sealedTo;
        state.batchDigest = Uint8Array.from(Buffer.from(record.content.slice(0, 64), "hex"));
      }
      if (record.kind === "pairing") pairing = this.#pairings.get(record.epoch);
      if (record.kind === "event" && record.sequence >= state.nextEvent) {
        state.nextEvent = record.sequence + 1;
        state.eventDigest = Uint8Array.from(Buffer.from(record.content.slice(0, 64), "hex"));
        if (record.type === PAIRING_EVENT && pairing) {
          state.epoch = pairing.epoch;
          state.epochFirst = pairing.firstInterval;
        }
      }
    }
    return fingerprint(state);
  }
}

/** All of a state but where its configuration lies, which moves. */
const fingerprint = (state: MeterState) =>
  JSON.stringify({ ...state, configurationSequence: 0, configurationOffset: 0, logSequence: 0 });

const same = (a: Stored, b: Stored | undefined) => name(a) === name(b) && a.content === b?.content;

function name(record: Stored | undefined): string {
  if (!record) return "nothing";
  if (record.kind === "interval") return `interval ${record.interval}`;
  if (record.kind === "batch") return `batch ${record.batchNumber}`;
  if (record.kind === "event") return `event ${record.sequence}`;
  return `pairing ${record.content.slice(0, 8)}`;
}
