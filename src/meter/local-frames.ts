// What goes over the local stream, as bytes: frames of a two-byte length and one CBOR item, from the meter to a
// gateway and, of one kind alone, back. The meter's side writes here, a gateway's side reads; docs/protocol.md has it
// for those who write another.
import { FormatError, readUint, uintBytes } from "../trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, orNil, tstr } from "../trusted/encoding/cbor.js";

export const FRAME_HEAD_BYTES = 2;
/** Largest item of a frame: a message of the unit and its kind. */
export const FRAME_BYTES_MAX = 4_200;
/** Version of the stream, in each status. */
export const STREAM_VERSION = 1;
/** First number of an item, beside the kinds of messages (docs/protocol.md, section 9). */
export const FrameKind = { STATUS: 8, PAIRING_ANSWER: 9 } as const;
const MESSAGE_BYTES_MAX = 4_096;
const METER_ID_MAX = 32;
const MESSAGE_KIND_MAX = 7;
const U32_MAX = 0xffffffff;
const U8_MAX = 0xff;
const SWITCH_STATE_MAX = 2;

/** What a gateway is told beside the messages: no energy, and nothing that is secret in the home. */
export interface LocalStatus {
  readonly meterId: string;
  /** Of the meter's network side, whole seconds. */
  readonly uptime_s: number;
  /** Whether the WAN's other end is reached. */
  readonly connected: boolean;
  /** Messages that have not arrived there. */
  readonly waiting: number;
  /** The newest one that the network side has carried since it began. */
  readonly lastReading: { readonly interval: number; readonly status: number } | null;
  readonly lastBatch: number | null;
  /** As the last event of the load switch said, since then too: 0 open, 1 ready, 2 closed. */
  readonly loadSwitch: number | null;
}

export type LocalFrame =
  | { readonly kind: "status"; readonly status: LocalStatus }
  | { readonly kind: "message"; readonly messageKind: number; readonly message: Uint8Array }
  | { readonly kind: "pairing answer"; readonly taken: boolean };

export const encodeMessage = (kind: number, message: Uint8Array) => array(int(kind), bstr(message));

/** Whether the unit took the request to pair: its window was open. */
export const encodePairingAnswer = (taken: boolean) =>
  array(int(FrameKind.PAIRING_ANSWER), int(taken ? 1 : 0));

export function encodeStatus(status: LocalStatus): Uint8Array {
  const { meterId, uptime_s, connected, waiting, lastReading, lastBatch, loadSwitch } = status;
  const reading = lastReading && array(int(lastReading.interval), int(lastReading.status));
  const fields = map(
    [1, int(STREAM_VERSION)],
    [2, tstr(meterId)],
    [3, int(uptime_s)],
    [4, int(connected ? 1 : 0)],
    [5, int(waiting)],
    [6, orNil(reading)],
    [7, orNil(lastBatch === null ? null : int(lastBatch))],
    [8, orNil(loadSwitch === null ? null : int(loadSwitch))],
  );
  return array(int(FrameKind.STATUS), fields);
}

/** An item under its length. */
export function frame(item: Uint8Array): Uint8Array {
  const out = new Uint8Array(FRAME_HEAD_BYTES + item.length);
  out.set(uintBytes(item.length, FRAME_HEAD_BYTES));
  out.set(item, FRAME_HEAD_BYTES);
  return out;
}

/** The whole of what a gateway may say: `[4, U]` in a frame, 38 bytes. */
export const pairingRequest = (user: Uint8Array) => frame(array(int(4), bstr(user)));

/** @throws FormatError for an item that this version does not have. */
export function decodeItem(item: Uint8Array): LocalFrame {
  const reader = new CborReader(item, "local stream");
  reader.array(2);
  const kind = reader.uint(FrameKind.PAIRING_ANSWER);
  const decoded = readItem(reader, kind);
  reader.end();
  return decoded;
}

function readItem(reader: CborReader, kind: number): LocalFrame {
  if (kind === FrameKind.STATUS) return { kind: "status", status: readStatus(reader) };
  if (kind === FrameKind.PAIRING_ANSWER) return { kind: "pairing answer", taken: reader.uint(1) === 1 };
  if (kind < 1 || kind > MESSAGE_KIND_MAX) reader.refuse(`message of kind ${kind}`);
  return { kind: "message", messageKind: kind, message: reader.bytes(1, MESSAGE_BYTES_MAX) };
}

function readStatus(reader: CborReader): LocalStatus {
  reader.map(8);
  const version = reader.key(1).uint(U8_MAX);
  if (version !== STREAM_VERSION) reader.refuse(`version ${version} of the stream`);
  const head = {
    meterId: reader.key(2).text(METER_ID_MAX),
    uptime_s: reader.key(3).uint(),
    connected: reader.key(4).uint(1) === 1,
    waiting: reader.key(5).uint(U32_MAX),
  };
  reader.key(6);
  const lastReading = reader.nil() ? null : readLastReading(reader);
  reader.key(7);
  const lastBatch = reader.nil() ? null : reader.uint(U32_MAX);
  reader.key(8);
  const loadSwitch = reader.nil() ? null : reader.uint(SWITCH_STATE_MAX);
  return { ...head, lastReading, lastBatch, loadSwitch };
}

function readLastReading(reader: CborReader): { interval: number; status: number } {
  reader.array(2);
  return { interval: reader.uint(U32_MAX), status: reader.uint(U8_MAX) };
}

/** Puts frames together from the pieces in which they come; holds one frame at most. */
export class FrameReader {
  #held = new Uint8Array(0);

  /**
   * The items that are whole now.
   * @throws FormatError for a length of 0 or above FRAME_BYTES_MAX.
   */
  push(bytes: Uint8Array): Uint8Array[] {
    const all = new Uint8Array(this.#held.length + bytes.length);
    all.set(this.#held);
    all.set(bytes, this.#held.length);
    const items: Uint8Array[] = [];
    let at = 0;
    while (all.length - at >= FRAME_HEAD_BYTES) {
      const length = readUint(all, at, FRAME_HEAD_BYTES);
      if (length === 0 || length > FRAME_BYTES_MAX)
        throw new FormatError(`local stream: frame of ${length} bytes`);
      if (all.length - at - FRAME_HEAD_BYTES < length) break;
      items.push(all.slice(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + length));
      at += FRAME_HEAD_BYTES + length;
    }
    this.#held = all.slice(at);
    return items;
  }
}
