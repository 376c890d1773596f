// What a meter sends to its customer besides signed documents: readings under their pads, and events. They
// are kept as CBOR sequences (RFC 8742), the bytes of each as they came, since commitments and the event
// chain are over bytes. Nothing here is proved yet: a message is what its format says, no more.

import { readElement } from "../proofs/certificate.js";
import { CHANNELS_MAX, readMeterId } from "../trusted/authority/configuration.js";
import type { Pairing } from "../trusted/authority/pairing.js";
import { CborReader } from "../trusted/encoding/cbor.js";
import { U32_MAX } from "../trusted/metrology/interval.js";

/** Most messages of a sequence unless told otherwise: 20 years of quarter hours and more. */
const MESSAGES_MAX = 2 ** 20;
const FORMAT = 1;
const READING_BYTES = 4;
const U16_MAX = 0xffff;
const U8_MAX = 0xff;
const MESSAGE_KIND_MAX = 7;
const BYTE_STRING = 2;
const ARRAY = 4;

export interface ReadingMessage {
  readonly meterId: string;
  /** u16: the pairing whose K opens it. */
  readonly epoch: number;
  readonly interval: number;
  /** Quality flags. */
  readonly status: number;
  /** u32be(reading) xor pad of each channel in order, 4 bytes each. */
  readonly padded: Uint8Array;
}

/** Messages of a kind that were overwritten before they were sent. */
export interface MessageRange {
  readonly kind: number;
  readonly first: number;
  readonly last: number;
}

export interface EventMessage {
  readonly meterId: string;
  /** From 0 over the meter's life, u32. */
  readonly sequence: number;
  /** Unix seconds; null while the meter's clock was unconfirmed. */
  readonly time_s: number | null;
  /** 1 to 255: types that this program does not know are kept, for the chain holds them. */
  readonly type: number;
  /** A count or number, a digest of 32 bytes, or a range; what it means depends on the type. */
  readonly detail: null | number | Uint8Array | MessageRange;
}

/** A message of a sequence, and its bytes. */
export interface Kept<Message> {
  readonly message: Message;
  readonly bytes: Uint8Array;
}

function readFormat(reader: CborReader, items: number): void {
  reader.array(items);
  const format = reader.uint(U8_MAX);
  if (format !== FORMAT) reader.refuse(`format ${format}`);
}

function readReading(reader: CborReader): ReadingMessage {
  readFormat(reader, 6);
  const message = {
    meterId: readMeterId(reader),
    epoch: reader.uint(U16_MAX),
    interval: reader.uint(U32_MAX),
    status: reader.uint(U8_MAX),
    padded: reader.bytes(READING_BYTES, READING_BYTES * CHANNELS_MAX),
  };
  if (message.padded.length % READING_BYTES !== 0) reader.refuse("a reading cut short");
  return message;
}

function readRange(reader: CborReader): MessageRange {
  reader.array(3);
  const range = {
    kind: reader.uint(MESSAGE_KIND_MAX),
    first: reader.uint(U32_MAX),
    last: reader.uint(U32_MAX),
  };
  return range.kind > 0 && range.first <= range.last ? range : reader.refuse("no range of messages");
}

function readEvent(reader: CborReader, bytes: Uint8Array): EventMessage {
  readFormat(reader, 6);
  const meterId = readMeterId(reader);
  const sequence = reader.uint(U32_MAX);
  const time_s = reader.nil() ? null : reader.uint(U32_MAX);
  const type = reader.uint(U8_MAX);
  if (type === 0) reader.refuse("event type 0");
  return { meterId, sequence, time_s, type, detail: readDetail(reader, bytes) };
}

function readDetail(reader: CborReader, bytes: Uint8Array): EventMessage["detail"] {
  if (reader.nil()) return null;
  const major = (bytes[reader.position] ?? 0) >> 5;
  if (major === BYTE_STRING) return reader.bytes(32);
  return major === ARRAY ? readRange(reader) : reader.uint(U32_MAX);
}

type Read<Message> = (reader: CborReader, bytes: Uint8Array) => Message;

function decodeOne<Message>(bytes: Uint8Array, what: string, read: Read<Message>): Message {
  const reader = new CborReader(bytes, what);
  const message = read(reader, bytes);
  reader.end();
  return message;
}

/** Cuts a CBOR sequence (RFC 8742) where its messages end. */
function decodeSequence<Message>(
  bytes: Uint8Array,
  what: string,
  read: Read<Message>,
  messagesMax: number,
): Kept<Message>[] {
  const reader = new CborReader(bytes, what);
  const messages: Kept<Message>[] = [];
  while (reader.position < bytes.length) {
    if (messages.length === messagesMax) reader.refuse(`more than ${messagesMax} messages`);
    const start = reader.position;
    const message = read(reader, bytes);
    messages.push({ message, bytes: bytes.subarray(start, reader.position) });
  }
  return messages;
}

/** One reading message. @throws FormatError for malformed bytes or a value out of its range. */
export const decodeReading = (bytes: Uint8Array) => decodeOne(bytes, "reading", readReading);

/** One event message. @throws FormatError for malformed bytes or a value out of its range. */
export const decodeEvent = (bytes: Uint8Array) => decodeOne(bytes, "event", readEvent);

/**
 * A sequence of reading messages, in its order; `bytes` of each are a view into it.
 * @throws FormatError at the first malformed message, and for more than `messagesMax`.
 */
export const decodeReadings = (bytes: Uint8Array, messagesMax = MESSAGES_MAX) =>
  decodeSequence(bytes, "readings", readReading, messagesMax);

/**
 * A sequence of event messages, in its order; `bytes` of each are a view into it.
 * @throws FormatError at the first malformed message, and for more than `messagesMax`.
 */
export const decodeEvents = (bytes: Uint8Array, messagesMax = MESSAGES_MAX) =>
  decodeSequence(bytes, "events", readEvent, messagesMax);

/**
 * The payload of a pairing document; its signature is the caller's to have checked.
 * @throws FormatError for malformed bytes, or a U or E that is not a canonical element or is the identity.
 */
export function decodePairing(payload: Uint8Array): Pairing {
  const reader = new CborReader(payload, "pairing");
  reader.map(5);
  const pairing = {
    meterId: readMeterId(reader.key(1)),
    epoch: reader.key(2).uint(U16_MAX),
    user: readElement(reader.key(3), "U"),
    ephemeral: readElement(reader.key(4), "E"),
    firstInterval: reader.key(5).uint(U32_MAX),
  };
  reader.end();
  return pairing;
}
