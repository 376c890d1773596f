// How a journal record lies in flash: whole 16-byte blocks from a block's beginning, zeros after the body. The
// CRC covers the sector's sequence number and the offset as well as every byte of the blocks: what an incomplete
// erase left of an earlier use of the sector is not taken for a record, and a reader that meets a rotten record
// tries each block after it without trusting any length.
//
//   0x80 | type (1)   body length (2)   CRC-32C (4)   number (4)   body
import { assert, putUint, readUint, uintBytes } from "../encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../ports.js";
import { crc32c } from "./crc32c.js";

const START = 0x80;
const TYPES_MAX = 15;
const CRC_AT = 3;
const NUMBER_AT = CRC_AT + 4;
const HEAD_BYTES = NUMBER_AT + 4;

/** Largest body of a record, bytes: an event with all that is remembered of rosters. */
export const BODY_MAX = 1360;

export interface JournalRecord {
  /** 1 to 15. */
  readonly type: number;
  /** Orders the records of a type, u32. */
  readonly number: number;
  readonly body: Uint8Array;
}

/** Bytes that a record with this body length takes in flash. */
export const recordBytes = (bodyLength: number) =>
  BLOCK_BYTES * Math.ceil((HEAD_BYTES + bodyLength) / BLOCK_BYTES);

function checksum(sequence: number, offset: number, blocks: Uint8Array): number {
  const place = [uintBytes(sequence, 4), uintBytes(offset, 2)];
  return crc32c(...place, blocks.subarray(0, CRC_AT), blocks.subarray(NUMBER_AT));
}

/** The blocks of a record that will lie at `offset` of the sector with this sequence number. */
export function encodeRecord(sequence: number, offset: number, record: JournalRecord): Uint8Array {
  const { type, number, body } = record;
  assert(type >= 1 && type <= TYPES_MAX && body.length <= BODY_MAX, "body fits a record");
  const blocks = new Uint8Array(recordBytes(body.length));
  blocks[0] = START | type;
  putUint(blocks, 1, body.length, 2);
  putUint(blocks, NUMBER_AT, number, 4);
  blocks.set(body, HEAD_BYTES);
  putUint(blocks, CRC_AT, checksum(sequence, offset, blocks), 4);
  return blocks;
}

/**
 * Reads the record that begins at `offset` of the sector at `address` with this sequence number.
 * @returns null if none begins there or it is not whole.
 */
export function readRecord(flash: Flash, address: number, sequence: number, offset: number) {
  const head = new Uint8Array(BLOCK_BYTES);
  flash.read(address + offset, head);
  const length = readUint(head, 1, 2);
  if ((head[0] as number) >> 4 !== START >> 4 || length > BODY_MAX) return null;
  const blocks = new Uint8Array(recordBytes(length));
  if (offset + blocks.length > SECTOR_BYTES) return null;
  flash.read(address + offset, blocks);
  if (checksum(sequence, offset, blocks) !== readUint(blocks, CRC_AT, 4)) return null;
  // Type and length as the CRC covers them: a marginal bit may have read otherwise before.
  const end = HEAD_BYTES + readUint(blocks, 1, 2);
  return {
    type: (blocks[0] as number) - START,
    number: readUint(blocks, NUMBER_AT, 4),
    body: blocks.slice(HEAD_BYTES, end),
  };
}
