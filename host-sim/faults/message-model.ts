// What has left the unit, and what that binds it to: a number of a kind names the same bytes for ever, numbers go on
// as their kinds say, what was not acknowledged is given again, and batches, events, pairings and readings fit each
// other as their receivers will check. It holds every customer's secret, and so reads every reading.
import { bytesToHex } from "@noble/hashes/utils.js";
import { decodeEvent, decodePairing, decodeReading, type EventMessage } from "../../src/customer/messages.js";
import { decodeStatement } from "../../src/proofs/batch.js";
import { agree } from "../../src/trusted/authority/pairing.js";
import { readUint, sameBytes } from "../../src/trusted/encoding/bytes.js";
import { CborReader } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { dayOf } from "../../src/trusted/metrology/interval.js";
import { customerKey, dayKey, digest, ReadingKeys } from "../../src/trusted/sealing/keys.js";
import type { Customer } from "../parties.js";
import type { ClosedInterval } from "./companion.js";
import { holds } from "./violation.js";

export const Kind = { READING: 1, BATCH: 3, EVENT: 4, PAIRING: 5, REGISTER: 6, TIME: 7 } as const;
/** Kinds that are kept, and what each is called. */
export const NAMES: Readonly<Record<number, string>> = {
  1: "reading",
  3: "batch",
  4: "event",
  5: "pairing",
  6: "register",
};
/** Kinds whose numbers rise by one. */
const COUNTED: readonly number[] = [Kind.BATCH, Kind.EVENT, Kind.PAIRING];
const DOCUMENT_BYTES_MAX = 1024;

const NOTHING = { kind: 0, first: 0, last: -1 };

/** What is known of a kind of messages. */
interface Stream {
  readonly known: Map<number, Uint8Array>;
  /** The numbers, ascending. */
  readonly numbers: number[];
  /** The lowest number not given since power-up or since the network side was made anew; 0 before the first. */
  next: number;
  /** What the unit may hold for acknowledged ends below this. */
  acknowledged: number;
}

export interface Epoch {
  readonly epoch: number;
  readonly firstInterval: number;
  readonly K: Uint8Array;
  readonly user: Uint8Array;
}

export interface OpenedReading {
  readonly epoch: number;
  readonly status: number;
  readonly readings: readonly number[];
}

export interface MessageModelOptions {
  readonly meterId: string;
  readonly intervalSeconds: number;
  readonly channels: number;
  readonly customers: readonly Customer[];
  /** Software identities that have run so far, hex, in the order of their versions. */
  readonly softwareIds: readonly string[];
  readonly closedAs: (interval: number) => ClosedInterval | null;
  readonly shown_Wh: () => readonly number[];
  /** Whether the journal holds a message no more; only where it is small is that forgiven. */
  readonly isOverwritten: (kind: number, number: number) => boolean;
  readonly isSmall: boolean;
  readonly event: (event: EventMessage) => void;
}

export class MessageModel {
  readonly #options: MessageModelOptions;
  readonly #streams = new Map<number, Stream>();
  readonly epochs: Epoch[] = [];
  /** Of each kind the highest number that was overwritten, and with it all below. */
  readonly gone = new Map<number, number>();
  readonly readings = new Map<number, OpenedReading>();
  readonly #sums_Wh: number[];
  /** The event chain: its newest link, and all of them. */
  #link: Uint8Array = new Uint8Array(32);
  readonly #links = new Set<string>([bytesToHex(new Uint8Array(32))]);
  #batchDigest: Uint8Array = new Uint8Array(32);
  /** Every interval below is in a batch. */
  sealedTo = 0;
  #softwareAt = 0;
  /** Questions for the time: how many, and the nonce that can still be answered. */
  questions = 0;
  nonce: Uint8Array | null = null;
  /** What the network side has asked for last: it comes between what is due. */
  #again = NOTHING;
  #heard: { readonly kind: number; readonly numbers: Set<number> } = { kind: 0, numbers: new Set() };

  constructor(options: MessageModelOptions) {
    this.#options = options;
    this.#sums_Wh = new Array<number>(options.channels).fill(0);
    for (const kind of Object.keys(NAMES)) {
      this.#streams.set(Number(kind), { known: new Map(), numbers: [], next: 0, acknowledged: 0 });
    }
  }

  /** Numbers of a kind that have left the unit, ascending. */
  numbers(kind: number): readonly number[] {
    return this.#stream(kind).numbers;
  }

  bytes(kind: number, number: number): Uint8Array | null {
    return this.#stream(kind).known.get(number) ?? null;
  }

  /** An answer was followed: a nonce is answered once. */
  answered(): void {
    this.nonce = null;
  }

  /** Begins to note which numbers of a kind are given from now on. */
  hearAgain(kind: number): ReadonlySet<number> {
    this.#heard = { kind, numbers: new Set() };
    return this.#heard.numbers;
  }

  /** The unit was powered up, or told that its network side was made anew. */
  begin(): void {
    for (const stream of this.#streams.values()) stream.next = 0;
  }

  /** The network side may have made the unit believe that all up to a number has arrived. */
  acknowledge(kind: number, number: number): void {
    const stream = this.#streams.get(kind);
    if (stream && number < stream.next) stream.acknowledged = Math.max(stream.acknowledged, number + 1);
  }

  /** The network side has asked for messages again. */
  ask(kind: number, first: number, last: number): void {
    this.#again = { kind, first, last };
  }

  /** Whether a message was acknowledged since it was given: nobody needs it any more. */
  isAcknowledged(kind: number, number: number): boolean {
    return number < (this.#streams.get(kind)?.acknowledged ?? 0);
  }

  /** Takes a frame that the unit gave. @returns its kind and number; of a question for the time number 0. */
  given(frame: Uint8Array): { readonly kind: number; readonly number: number } {
    const reader = new CborReader(frame, "frame of the unit");
    reader.array(3);
    const kind = reader.uint(7);
    if (kind === Kind.TIME) {
      this.nonce = reader.bytes(16);
      this.questions++;
      return { kind, number: 0 };
    }
    const number = reader.uint(0xffffffff);
    const bytes = reader.bytes(1, 4096);
    reader.end();
    this.#give(kind, number, bytes);
    return { kind, number };
  }

  #stream(kind: number): Stream {
    const stream = this.#streams.get(kind);
    holds(stream !== undefined, "the unit gives messages of known kinds", () => `kind ${kind}`);
    return stream;
  }

  #give(kind: number, number: number, bytes: Uint8Array): void {
    if (kind === this.#heard.kind) this.#heard.numbers.add(number);
    const stream = this.#stream(kind);
    const name = () => `${NAMES[kind]} ${number}`;
    const known = stream.known.get(number);
    holds(!known || sameBytes(known, bytes), "a number names the same bytes for ever", name);
    const { first, last } = this.#again.kind === kind ? this.#again : NOTHING;
    if (
      number < stream.next ||
      (known && number >= first && number <= last && number !== this.#due(kind, number))
    ) {
      holds(known !== undefined, "only what was given is given again", name);
      return;
    }
    const due = this.#due(kind, number);
    holds(due === undefined || due >= number, "what is not acknowledged is given again, in order", () => {
      return `${name()} before ${due}`;
    });
    stream.next = number + 1;
    if (known) return;
    const newest = stream.numbers.at(-1) ?? -1;
    const isNext = COUNTED.includes(kind) ? number === newest + 1 : number > newest;
    holds(isNext, "numbers of a kind rise", () => `${name()} after ${newest}`);
    stream.known.set(number, bytes);
    stream.numbers.push(number);
    this.#learn(kind, number, bytes);
  }

  /** The number of a kind that is to be given next, if it is known; what the journal has overwritten is not. */
  #due(kind: number, given: number): number | undefined {
    const { numbers, next, acknowledged } = this.#stream(kind);
    const from = Math.max(next, acknowledged);
    return numbers.find((waiting) => waiting >= from && !this.#isGone(kind, waiting, given));
  }

  /** A small journal overwrites what was not acknowledged; it is then the oldest that goes. */
  #isGone(kind: number, waiting: number, given: number): boolean {
    const { isSmall, isOverwritten } = this.#options;
    if (!isSmall || waiting >= given) return false;
    const gone = this.gone.get(kind) ?? -1;
    if (waiting <= gone) return true;
    if (!isOverwritten(kind, waiting)) return false;
    this.gone.set(kind, waiting);
    return true;
  }

  #learn(kind: number, number: number, bytes: Uint8Array): void {
    if (kind === Kind.READING) this.#learnReading(number, bytes);
    if (kind === Kind.BATCH) this.#learnBatch(number, bytes);
    if (kind === Kind.EVENT) this.#learnEvent(number, bytes);
    if (kind === Kind.PAIRING) this.#learnPairing(number, bytes);
    if (kind === Kind.REGISTER) this.#learnStatement(number, bytes);
  }

  #learnPairing(number: number, bytes: Uint8Array): void {
    const pairing = decodePairing(decodeSign1(bytes, "pairing-1", DOCUMENT_BYTES_MAX).payload);
    const { epoch, user, ephemeral, firstInterval } = pairing;
    const customer = this.#options.customers.find((one) => sameBytes(one.user, user));
    holds(
      customer !== undefined && epoch === number,
      "a pairing is with who asked for it",
      () => `epoch ${epoch}`,
    );
    const before = this.epochs.at(-1);
    holds(
      !before || firstInterval > before.firstInterval,
      "epochs begin one after the other",
      () => `epoch ${epoch}`,
    );
    const K = customerKey(agree(customer.secret, ephemeral), pairing);
    this.epochs.push({ epoch, firstInterval, K, user });
  }

  #learnReading(number: number, bytes: Uint8Array): void {
    const { interval, epoch, status, padded, meterId } = decodeReading(bytes);
    const { intervalSeconds, channels, closedAs, shown_Wh } = this.#options;
    const name = () => `interval ${interval}, epoch ${epoch}`;
    const isFramed =
      meterId === this.#options.meterId && interval === number && padded.length === 4 * channels;
    holds(isFramed, "a reading is of its interval", name);
    const own = this.epochs.filter(({ firstInterval }) => firstInterval <= interval).at(-1);
    holds(own?.epoch === epoch, "a reading is of the epoch that its interval lies in", name);
    const keys = new ReadingKeys(dayKey(own.K, dayOf(interval, intervalSeconds)));
    const readings = Array.from({ length: channels }, (_, channel) => {
      const mask = readUint(keys.pad(channel, interval), 0, 4);
      return (readUint(padded, 4 * channel, 4) ^ mask) >>> 0;
    });
    const closed = closedAs(interval);
    if (closed) {
      const same = closed.status === status && closed.readings.every((Wh, at) => Wh === readings[at]);
      holds(same, "a reading opens under the K of its epoch to what was measured", () => {
        return `${name()}: ${readings} (${status}) for ${closed.readings} (${closed.status})`;
      });
    }
    for (const [at, Wh] of readings.entries()) {
      const sum_Wh = (this.#sums_Wh[at] as number) + Wh;
      const limit_Wh = shown_Wh()[at] as number;
      holds(sum_Wh <= limit_Wh, "readings add up to no more than the register shows", () => {
        return `${name()}: ${sum_Wh} Wh, shown ${limit_Wh} Wh`;
      });
      this.#sums_Wh[at] = sum_Wh;
    }
    this.readings.set(interval, { epoch, status, readings });
  }

  get sums_Wh(): readonly number[] {
    return this.#sums_Wh;
  }

  #learnBatch(number: number, bytes: Uint8Array): void {
    const { payload } = decodeSign1(bytes, "batch-1", DOCUMENT_BYTES_MAX);
    const statement = decodeStatement(payload);
    const { firstInterval, intervalCount, epoch } = statement;
    const name = () => `batch ${number}, ${intervalCount} intervals from ${firstInterval}`;
    const follows = statement.batchNumber === number && firstInterval >= this.sealedTo;
    holds(follows, "no interval is sealed twice", () => `${name()}, sealed to ${this.sealedTo}`);
    const chained = sameBytes(statement.previousBatchDigest, this.#batchDigest);
    holds(chained, "batches are in one chain", name);
    const eventDigest = bytesToHex(statement.eventDigest);
    holds(this.#links.has(eventDigest), "a batch seals events that were given", name);
    const software = this.#options.softwareIds.indexOf(bytesToHex(statement.softwareId));
    holds(software >= this.#softwareAt, "a batch names the software that sealed it", name);
    const passed = this.numbers(Kind.READING).find((interval) => {
      return interval >= this.sealedTo && !this.#isGone(Kind.READING, interval, firstInterval);
    });
    holds(
      passed === firstInterval,
      "every recorded interval is sealed",
      () => `${name()}, but not ${passed}`,
    );
    let union = 0;
    for (let interval = firstInterval; interval < firstInterval + intervalCount; interval++) {
      const reading = this.readings.get(interval);
      holds(reading?.epoch === epoch, "a batch holds recorded intervals of one epoch, without a gap", () => {
        return `${name()}: ${interval}`;
      });
      union |= reading.status;
    }
    holds(union === statement.statusUnion, "a batch seals the statuses of its intervals", name);
    this.#softwareAt = software;
    this.#batchDigest = digest(payload);
    this.sealedTo = firstInterval + intervalCount;
  }

  #learnEvent(number: number, bytes: Uint8Array): void {
    const event = decodeEvent(bytes);
    const isFramed = event.sequence === number && event.meterId === this.#options.meterId;
    holds(isFramed, "an event has its number", () => `event ${number}`);
    this.#link = digest(this.#link, bytes);
    this.#links.add(bytesToHex(this.#link));
    this.#options.event(event);
  }

  #learnStatement(number: number, bytes: Uint8Array): void {
    const { payload } = decodeSign1(bytes, "register-1", DOCUMENT_BYTES_MAX);
    const reader = new CborReader(payload, "register statement");
    reader.map(3);
    const meterId = reader.key(1).text(32);
    const interval = reader.key(2).uint(0xffffffff);
    reader.key(3).array(this.#options.channels);
    const registers = Array.from({ length: this.#options.channels }, () => reader.uint());
    reader.end();
    const recorded = [...this.readings].filter(([at]) => at < interval);
    const sums = registers.map((_, at) =>
      recorded.reduce((sum, [, { readings }]) => sum + (readings[at] ?? 0), 0),
    );
    const isTrue = meterId === this.#options.meterId && interval === number && `${registers}` === `${sums}`;
    holds(isTrue, "a register statement says what the readings add up to", () => {
      return `interval ${interval}: ${registers} for ${sums}`;
    });
  }
}
