// The far end of the uplink: keeps what arrives, once each and in order, and answers requests for the time
// with the network operator's signature. It holds no key that opens anything, and trusts nothing it stores.
import { concatBytes } from "@noble/hashes/utils.js";
import { decodeShare } from "../src/aggregation/share.js";
import { decodeEvent, decodePairing, decodeReading } from "../src/customer/messages.js";
import { nonceOf } from "../src/meter/time-request.js";
import { decodeStatement } from "../src/proofs/batch.js";
import { readMeterId } from "../src/trusted/authority/configuration.js";
import { CborReader } from "../src/trusted/encoding/cbor.js";
import { type DocumentType, decodeSign1 } from "../src/trusted/encoding/cose.js";
import { U32_MAX } from "../src/trusted/metrology/interval.js";
import { signTime } from "./time-service.js";

const PAYLOAD_MAX = 4096;

/** Kinds of messages that are kept by a number, by the last part of their topic; shares are kept beside them. */
export type StoredTopic = "reading" | "batch" | "event" | "pairing" | "register";

const payloadOf = (type: DocumentType, message: Uint8Array) =>
  decodeSign1(message, type, PAYLOAD_MAX).payload;

/** The number that orders the messages of a topic. @throws FormatError for one that no meter sends. */
function sequenceOf(topic: StoredTopic, message: Uint8Array): number {
  if (topic === "reading") return decodeReading(message).interval;
  if (topic === "event") return decodeEvent(message).sequence;
  if (topic === "batch") return decodeStatement(payloadOf("batch-1", message)).batchNumber;
  if (topic === "pairing") return decodePairing(payloadOf("pairing-1", message)).epoch;
  return registerInterval(payloadOf("register-1", message));
}

/** The interval of a register statement; its registers are for who holds the certificate to check. */
function registerInterval(payload: Uint8Array): number {
  const reader = new CborReader(payload, "register statement");
  reader.map(3);
  readMeterId(reader.key(1));
  return reader.key(2).uint(U32_MAX);
}

/** A share's sequence: its interval and its roster's number. @throws FormatError for what is none. */
function shareName(message: Uint8Array): string {
  const { interval, rosterNumber } = decodeShare(message);
  return `${interval} ${rosterNumber}`;
}

export interface HeadEndOptions {
  readonly meterId: string;
  /** Ed25519 seed of the network operator. */
  readonly networkSeed: Uint8Array;
  /** True time, Unix seconds. */
  readonly time_s: () => number;
  readonly sendCommand: (document: Uint8Array) => void;
}

export class HeadEnd {
  readonly #options: HeadEndOptions;
  readonly #kept: Record<StoredTopic, Map<number, Uint8Array>> = {
    reading: new Map(),
    batch: new Map(),
    event: new Map(),
    pairing: new Map(),
    register: new Map(),
  };
  /** By `shareName`, in the order in which they came. */
  readonly #shares = new Map<string, Uint8Array>();
  /** Messages that arrived more than once, and all bytes that arrived, on the topics that are kept. */
  duplicates = 0;
  bytes = 0;

  constructor(options: HeadEndOptions) {
    this.#options = options;
  }

  /** Takes a message from the uplink. @throws FormatError for one that no meter sends. */
  deliver(topic: string, message: Uint8Array): void {
    const name = topic.slice(topic.lastIndexOf("/") + 1);
    if (name === "time") {
      this.#answerTime(message);
      return;
    }
    if (name === "share") {
      this.#keep(this.#shares, shareName(message), message);
      return;
    }
    const kept = Object.hasOwn(this.#kept, name) ? this.#kept[name as StoredTopic] : null;
    if (!kept) throw new Error(`head end: no topic "${topic}"`);
    this.#keep(kept, sequenceOf(name as StoredTopic, message), message);
  }

  /** The shares, once each, in the order in which they came. */
  get shares(): readonly Uint8Array[] {
    return [...this.#shares.values()];
  }

  /** The sequences of a topic that have arrived, in the order in which they came. */
  sequences(topic: StoredTopic): readonly number[] {
    return [...this.#kept[topic].keys()];
  }

  /** The messages of a topic by rising sequence. */
  messages(topic: StoredTopic): readonly Uint8Array[] {
    return [...this.#kept[topic]].sort(([a], [b]) => a - b).map(([, message]) => message);
  }

  /** The same as one CBOR sequence (RFC 8742). */
  sequence(topic: StoredTopic): Uint8Array {
    return concatBytes(...this.messages(topic));
  }

  #keep<Name>(kept: Map<Name, Uint8Array>, name: Name, message: Uint8Array): void {
    this.bytes += message.length;
    if (kept.has(name)) this.duplicates++;
    else kept.set(name, message);
  }

  #answerTime(message: Uint8Array): void {
    const { meterId, networkSeed, time_s, sendCommand } = this.#options;
    sendCommand(signTime(meterId, nonceOf(message), time_s(), networkSeed));
  }
}
