// CBOR as a tree, to be spoiled: every item of a well-formed document, byte strings opened where they hold CBOR
// themselves (a protected header, a payload, a document in a frame), and written again with any one of its
// items replaced. Lengths around the replaced item are made right again, so that a mutant is wrong in one
// place and not in all of them. For documents of our own making only: it trusts its input.
import { concatBytes } from "@noble/hashes/utils.js";

export const Major = {
  UINT: 0,
  NEGATIVE: 1,
  BYTES: 2,
  TEXT: 3,
  ARRAY: 4,
  MAP: 5,
  TAG: 6,
  SIMPLE: 7,
} as const;

/** An item of definite CBOR; the items of a map are key, value, key, value. */
export interface Item {
  readonly major: number;
  readonly argument: number;
  /** Of a byte or text string. */
  readonly content: Uint8Array;
  /** Of an array, a map or a tag; of a byte string what it holds, if that is one CBOR container. */
  readonly items: readonly Item[];
}

const DEPTH_MAX = 8;
/** Lengths of key ids, pads, digests, keys and signatures: one that happens to be CBOR holds none. */
const OPAQUE_BYTES = [4, 8, 16, 32, 64];

/** The shortest head, or one of 1, 2, 4 or 8 bytes after the first. */
export function head(
  major: number,
  argument: number | bigint,
  width: number = widthOf(argument),
): Uint8Array {
  const out = new Uint8Array(1 + width);
  out[0] = (major << 5) | (width === 0 ? Number(argument) : 24 + Math.log2(width));
  let rest = BigInt(argument);
  for (let at = width; at > 0; at--) {
    out[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

export function widthOf(argument: number | bigint): number {
  if (argument < 24) return 0;
  if (argument < 0x100) return 1;
  if (argument < 0x10000) return 2;
  return argument < 0x100000000 ? 4 : 8;
}

/** The tree of one whole document, or null for bytes that are no definite CBOR of bounded depth. */
export function parseTree(bytes: Uint8Array): Item | null {
  const parsed = parse(bytes, 0, 0);
  return parsed && parsed.end === bytes.length ? parsed.item : null;
}

function parse(bytes: Uint8Array, at: number, depth: number): { item: Item; end: number } | null {
  const first = bytes[at];
  if (first === undefined || depth > DEPTH_MAX || (first & 31) > 27) return null;
  const major = first >> 5;
  const width = (first & 31) < 24 ? 0 : 1 << ((first & 31) - 24);
  let end = at + 1 + width;
  const argument =
    width === 0 ? first & 31 : bytes.subarray(at + 1, end).reduce((sum, byte) => sum * 256 + byte, 0);
  if (end > bytes.length || argument > Number.MAX_SAFE_INTEGER) return null;
  if (major === Major.BYTES || major === Major.TEXT) {
    const content = bytes.slice(end, end + argument);
    if (content.length < argument) return null;
    const opened =
      major === Major.BYTES && !OPAQUE_BYTES.includes(argument) ? parse(content, 0, depth + 1) : null;
    const isHolder = opened !== null && opened.item.major >= Major.ARRAY && opened.end === content.length;
    return { item: { major, argument, content, items: isHolder ? [opened.item] : [] }, end: end + argument };
  }
  const count =
    major === Major.ARRAY ? argument : major === Major.MAP ? 2 * argument : major === Major.TAG ? 1 : 0;
  if (count > bytes.length) return null;
  const items: Item[] = [];
  for (let left = count; left > 0; left--) {
    const child = parse(bytes, end, depth + 1);
    if (!child) return null;
    items.push(child.item);
    end = child.end;
  }
  return { item: { major, argument, content: new Uint8Array(0), items }, end };
}

/** All items of a tree, its root first. */
export const flatten = (item: Item): Item[] => [item, ...item.items.flatMap(flatten)];

/** The bytes of a tree, with `target` written by `write` instead of as it is. */
export function encodeTree(item: Item, target?: Item, write?: (target: Item) => Uint8Array): Uint8Array {
  if (item === target && write) return write(item);
  const body = concatBytes(...item.items.map((child) => encodeTree(child, target, write)));
  if (item.major === Major.BYTES && item.items.length > 0)
    return concatBytes(head(Major.BYTES, body.length), body);
  if (item.major === Major.BYTES || item.major === Major.TEXT) {
    return concatBytes(head(item.major, item.content.length), item.content);
  }
  return concatBytes(head(item.major, item.argument), body);
}

/** The bytes of the items alone, without the head of what holds them. */
export const encodeItems = (items: readonly Item[]) => concatBytes(...items.map((item) => encodeTree(item)));
