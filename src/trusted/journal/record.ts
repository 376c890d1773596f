// How a log record lies in flash. A record fills whole 16-byte blocks; the first byte of each block tells a
// record's start from its continuation, so a reader that meets a rotten record finds the next one without
// trusting any length, and no content can pass for a record. The CRC covers the sector's sequence number and
// the offset as well: what an incomplete erase left of an earlier use of the sector is not taken for a record.
//
//   first block    0x80 | type (1)   payload length (2)   CRC-32C (4)   payload (9)
//   next blocks    0x00 (1)          payload (15)                     zeros after the payload's end
import { assert, putUint, readUint, sameBytes } from "../encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../ports.js";
import { crc32c } from "./crc32c.js";

const START = 0x80;
const CONTINUATION = 0;
const FIRST_PAYLOAD = 9;
const NEXT_PAYLOAD = BLOCK_BYTES - 1;
const FIRST_AT = BLOCK_BYTES - FIRST_PAYLOAD;

/** What a log record holds; the numbers are stored. */
export const RecordType = {
  INTERVAL: 1,
  BATCH: 2,
  EVENT: 3,
  CONFIGURATION: 4,
  PAIRING: 5,
} as const;

/** Largest payload of a record, bytes. */
export const PAYLOAD_MAX = 640;

export interface LogRecord {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Bytes that a record with this payload length takes in flash. */
export function recordBytes(payloadLength: number): number {
  return BLOCK_BYTES * (1 + Math.ceil(Math.max(0, payloadLength - FIRST_PAYLOAD) / NEXT_PAYLOAD));
}

function checksum(sequence: number, offset: number, { type, payload }: LogRecord): number {
  const place = new Uint8Array(7);
  putUint(place, 0, sequence, 4);
  putUint(place, 4, offset, 2);
  place[6] = type;
  return crc32c(place, payload);
}

/** The blocks of a record that will lie at `offset` of the sector with this sequence number. */
export function encodeRecord(sequence: number, offset: number, record: LogRecord): Uint8Array {
  const { type, payload } = record;
  assert(payload.length <= PAYLOAD_MAX, "payload fits a record");
  const out = new Uint8Array(recordBytes(payload.length));
  out[0] = START | type;
  putUint(out, 1, payload.length, 2);
  putUint(out, 3, checksum(sequence, offset, record), 4);
  out.set(payload.subarray(0, FIRST_PAYLOAD), FIRST_AT);
  for (let from = FIRST_PAYLOAD, at = BLOCK_BYTES + 1; from < payload.length; at += BLOCK_BYTES) {
    out.set(payload.subarray(from, from + NEXT_PAYLOAD), at);
    from += NEXT_PAYLOAD;
  }
  return out;
}

/**
 * Reads the record that begins at `offset` of the sector at `address` with this sequence number.
 * @returns null if none begins there or it is not whole.
 */
export function readRecord(
  flash: Flash,
  address: number,
  sequence: number,
  offset: number,
): LogRecord | null {
  const first = new Uint8Array(BLOCK_BYTES);
  flash.read(address + offset, first);
  const start = first[0] as number;
  const length = readUint(first, 1, 2);
  if ((start & START) === 0 || length > PAYLOAD_MAX) return null;
  const blocks = new Uint8Array(recordBytes(length));
  if (offset + blocks.length > SECTOR_BYTES) return null;
  flash.read(address + offset, blocks);
  const payload = new Uint8Array(length);
  payload.set(blocks.subarray(FIRST_AT, FIRST_AT + Math.min(length, FIRST_PAYLOAD)));
  for (let at = BLOCK_BYTES, to = FIRST_PAYLOAD; at < blocks.length; at += BLOCK_BYTES, to += NEXT_PAYLOAD) {
    if (blocks[at] !== CONTINUATION) return null;
    payload.set(blocks.subarray(at + 1, at + 1 + Math.min(NEXT_PAYLOAD, length - to)), to);
  }
  const record = { type: start & ~START, payload };
  const capacity = FIRST_PAYLOAD + NEXT_PAYLOAD * (blocks.length / BLOCK_BYTES - 1);
  const padding = blocks.subarray(blocks.length - capacity + length);
  const isWhole = padding.every((byte) => byte === 0) && sameBytes(first, blocks.subarray(0, BLOCK_BYTES));
  return isWhole && readUint(first, 3, 4) === checksum(sequence, offset, record) ? record : null;
}
