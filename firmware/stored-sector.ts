// Bytes in a sector of flash of their own, whole or not there: u32be sequence, from 1; u32be length; u32be CRC-32C of
// those and the bytes; zeros up to HEAD_BYTES; the bytes. Which sector is written when is for the store that uses it.
import { putUint, readUint, sameBytes } from "../src/trusted/encoding/bytes.js";
import { crc32c } from "../src/trusted/journal/crc32c.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../src/trusted/ports.js";

const HEAD_BYTES = 16;

export interface Stored {
  readonly sector: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** What a sector holds, or null for what is torn, erased or longer than `bytesMax`. */
export function readStored(flash: Flash, sector: number, bytesMax: number): Stored | null {
  const head = new Uint8Array(HEAD_BYTES);
  flash.read(sector * SECTOR_BYTES, head);
  const [sequence, length] = [readUint(head, 0, 4), readUint(head, 4, 4)];
  if (sequence === 0 || length > bytesMax) return null;
  const bytes = new Uint8Array(length);
  flash.read(sector * SECTOR_BYTES + HEAD_BYTES, bytes);
  if (readUint(head, 8, 4) !== crc32c(head.subarray(0, 8), bytes)) return null;
  return { sector, sequence, bytes };
}

/** Erases a sector, writes it and reads it back. @returns null where it does not hold what was written. */
export function writeStored(flash: Flash, { sector, sequence, bytes }: Stored): Stored | null {
  flash.erase(sector);
  flash.program(sector * SECTOR_BYTES, encode(sequence, bytes));
  const written = readStored(flash, sector, bytes.length);
  return written?.sequence === sequence && sameBytes(written.bytes, bytes) ? written : null;
}

function encode(sequence: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEAD_BYTES + Math.ceil(bytes.length / BLOCK_BYTES) * BLOCK_BYTES);
  putUint(out, 0, sequence, 4);
  putUint(out, 4, bytes.length, 4);
  out.set(bytes, HEAD_BYTES);
  putUint(out, 8, crc32c(out.subarray(0, 8), bytes), 4);
  return out;
}
