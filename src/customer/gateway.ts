// A home gateway at the meter's local stream: what comes is taken apart, readings are opened with K as they come, and
// each batch is checked against them, as the customer's whole check would. Until then a reading is what somebody in the
// house's network says that the meter says. It opens no connection: bytes in, news out.
import { concatBytes } from "@noble/hashes/utils.js";
import { decodeItem, FrameReader, type LocalFrame, type LocalStatus } from "../meter/local-frames.js";
import { type SignedBatch, type Trust, verifyStatement } from "../proofs/batch.js";
import { ensure, VerificationError, verifySigned } from "../proofs/signed.js";
import type { Pairing } from "../trusted/authority/pairing.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import type { BatchStatement } from "../trusted/sealing/batch.js";
import { type CustomerKeys, checkKeys, type MeterRecord, type OpenedInterval, Opener } from "./check.js";
import { endOf } from "./history.js";
import {
  decodeEvent,
  decodeEvents,
  decodePairing,
  decodeReading,
  decodeReadings,
  type EventMessage,
  type ReadingMessage,
} from "./messages.js";

const Kind = { READING: 1, BATCH: 3, EVENT: 4, PAIRING: 5 } as const;
const PAIRING_PAYLOAD_MAX = 128;
/** Messages of a kind that are kept, at most: 13 months of quarter hours; the oldest give way. */
const KEPT_MAX = 40_000;
const UNSEALED_MAX = 64;

export type GatewayNews =
  | { readonly kind: "status"; readonly status: LocalStatus }
  | { readonly kind: "pairing answer"; readonly taken: boolean }
  /** Of the customer's epoch, opened and not sealed yet. */
  | { readonly kind: "reading"; readonly opened: OpenedInterval }
  /** Every reading of it is what the meter has sealed. */
  | { readonly kind: "sealed"; readonly statement: BatchStatement }
  /** Of a pairing under the meter's signature. */
  | { readonly kind: "paired"; readonly pairing: Pairing }
  | { readonly kind: "event"; readonly event: EventMessage }
  /** What proves nothing, and why. */
  | { readonly kind: "unproved"; readonly reason: string };

/** Messages by their number, the newest of each; no more than KEPT_MAX. */
class KeptMessages {
  readonly #messages = new Map<number, Uint8Array>();

  set(number: number, message: Uint8Array): void {
    this.#messages.delete(number);
    this.#messages.set(number, message);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > KEPT_MAX && oldest !== undefined) this.#messages.delete(oldest);
  }

  /** By number, ascending. */
  all(): Uint8Array[] {
    return [...this.#messages].sort(([a], [b]) => a - b).map(([, message]) => message);
  }
}

export class Gateway {
  readonly #frames = new FrameReader();
  readonly #trust: Trust;
  readonly #keys: CustomerKeys | null;
  readonly #opener: Opener | null;
  readonly #readings = new Map<number, ReadingMessage>();
  /** Batches of the epoch that the readings do not bear out yet. */
  #unsealed: readonly SignedBatch[] = [];
  readonly #kept = {
    [Kind.READING]: new KeptMessages(),
    [Kind.BATCH]: new KeptMessages(),
    [Kind.EVENT]: new KeptMessages(),
    [Kind.PAIRING]: new KeptMessages(),
  };

  /** @param keys of the epoch whose readings are opened; null while there is none. */
  constructor(trust: Trust, keys: CustomerKeys | null) {
    this.#trust = trust;
    this.#keys = keys;
    this.#opener = keys && new Opener(keys, trust.certificate.intervalSeconds);
  }

  /**
   * Takes bytes as the connection gives them.
   * @throws FormatError for what no meter sends: the connection is then worth nothing.
   */
  hear(bytes: Uint8Array): GatewayNews[] {
    return this.#frames.push(bytes).flatMap((item) => this.#news(decodeItem(item)));
  }

  /** Takes in what is known from before, as `record` gave it. @throws FormatError for what no meter sends. */
  remember({ pairings, readings, events, batches }: MeterRecord): void {
    const messages: readonly (readonly [kind: number, messages: readonly Uint8Array[]])[] = [
      [Kind.PAIRING, pairings],
      [Kind.READING, decodeReadings(readings).map(({ bytes }) => bytes)],
      [Kind.EVENT, decodeEvents(events).map(({ bytes }) => bytes)],
      [Kind.BATCH, batches],
    ];
    for (const [messageKind, kept] of messages)
      for (const message of kept) this.#news({ kind: "message", messageKind, message });
  }

  /** All that has come and is well-formed, as `checkMeter` takes it. */
  record(certificate: Uint8Array): MeterRecord {
    return {
      certificate,
      readings: concatBytes(...this.#kept[Kind.READING].all()),
      batches: this.#kept[Kind.BATCH].all(),
      events: concatBytes(...this.#kept[Kind.EVENT].all()),
      pairings: this.#kept[Kind.PAIRING].all(),
    };
  }

  #news(item: LocalFrame): GatewayNews[] {
    if (item.kind === "status" || item.kind === "pairing answer") return [item];
    try {
      return this.#message(item.messageKind, item.message);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      return [{ kind: "unproved", reason: error.message }];
    }
  }

  /** Kinds that this version does not know are passed over. */
  #message(kind: number, message: Uint8Array): GatewayNews[] {
    if (kind === Kind.READING) return this.#reading(message);
    if (kind === Kind.BATCH) return this.#batch(message);
    if (kind === Kind.PAIRING) return this.#pairing(message);
    if (kind !== Kind.EVENT) return [];
    const event = decodeEvent(message);
    this.#ensureOwn(event, "event");
    this.#kept[Kind.EVENT].set(event.sequence, message);
    return [{ kind: "event", event }];
  }

  #ensureOwn({ meterId }: { readonly meterId: string }, what: string): void {
    const own = this.#trust.certificate.meterId;
    ensure(meterId === own, `${what} of ${meterId} instead of ${own}`);
  }

  #reading(message: Uint8Array): GatewayNews[] {
    const reading = decodeReading(message);
    this.#ensureOwn(reading, "reading");
    const { interval, epoch } = reading;
    const channels = this.#trust.certificate.channels.length;
    if (reading.padded.length !== 4 * channels)
      throw new FormatError(`reading of interval ${interval}: channels`);
    this.#kept[Kind.READING].set(interval, message);
    if (!this.#opener || epoch !== this.#keys?.epoch) return [];
    this.#readings.set(interval, reading);
    const [oldest] = this.#readings.keys();
    if (this.#readings.size > KEPT_MAX && oldest !== undefined) this.#readings.delete(oldest);
    const opened: GatewayNews = { kind: "reading", opened: this.#opener.decrypt(reading) };
    const waiting = this.#unsealed.filter(
      ({ statement }) => statement.firstInterval <= interval && interval < endOf(statement),
    );
    return [opened, ...waiting.filter((batch) => this.#isWhole(batch)).flatMap((batch) => this.#seal(batch))];
  }

  /** A batch of another epoch is kept and no news. */
  #batch(message: Uint8Array): GatewayNews[] {
    const batch = verifyStatement(message, this.#trust);
    const { statement } = batch;
    this.#kept[Kind.BATCH].set(statement.batchNumber, message);
    if (statement.epoch !== this.#keys?.epoch) return [];
    this.#unsealed = [...this.#unsealed.slice(1 - UNSEALED_MAX), batch];
    return this.#seal(batch);
  }

  #isWhole({ statement: { firstInterval, intervalCount } }: SignedBatch): boolean {
    return Array.from({ length: intervalCount }, (_, at) => firstInterval + at).every((interval) =>
      this.#readings.has(interval),
    );
  }

  /** Until it holds, a batch is tried again with each reading of it that comes. */
  #seal(batch: SignedBatch): GatewayNews[] {
    try {
      this.#opener?.openBatch(batch, this.#readings);
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      return [{ kind: "unproved", reason: error.message }];
    }
    this.#unsealed = this.#unsealed.filter((one) => one !== batch);
    return [{ kind: "sealed", statement: batch.statement }];
  }

  #pairing(document: Uint8Array): GatewayNews[] {
    const { signingKey } = this.#trust.certificate;
    const pairing = decodePairing(verifySigned("pairing-1", document, signingKey, PAIRING_PAYLOAD_MAX));
    this.#ensureOwn(pairing, "pairing");
    this.#kept[Kind.PAIRING].set(pairing.epoch, document);
    if (this.#keys && pairing.epoch === this.#keys.epoch) checkKeys(pairing, this.#keys);
    return [{ kind: "paired", pairing }];
  }
}
