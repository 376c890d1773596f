// Spoiled encodings for the tests of decoders: every bit flipped, cut and extended, and the ways in which
// CBOR lets one say the same thing otherwise, which deterministic encoding (RFC 8949 section 4.2.1) forbids.
import { concatBytes } from "@noble/hashes/utils.js";
import { VerificationError } from "../src/proofs/signed.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";

const FIRST_STRING = 2;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const BREAK = Uint8Array.of(0xff);

/** An item of well-formed, definite CBOR; the items of a map are key, value, key, value. */
interface Item {
  readonly major: number;
  readonly argument: number;
  /** Simple values and 8-byte arguments keep their head as it is. */
  readonly head: Uint8Array;
  readonly content: Uint8Array;
  readonly items: readonly Item[];
}

function parse(bytes: Uint8Array, at: number): { item: Item; end: number } {
  const first = bytes[at] ?? 0;
  const major = first >> 5;
  const width = (first & 31) < 24 || major === 7 ? 0 : 1 << ((first & 31) - 24);
  const head = bytes.slice(at, at + 1 + width);
  const argument = width === 0 ? first & 31 : head.slice(1).reduce((sum, byte) => sum * 256 + byte, 0);
  let end = at + head.length;
  const length = major === FIRST_STRING || major === FIRST_STRING + 1 ? argument : 0;
  const content = bytes.slice(end, end + length);
  end += length;
  const children = major === ARRAY ? argument : major === MAP ? 2 * argument : major === TAG ? 1 : 0;
  const items: Item[] = [];
  for (let child = 0; child < children; child++) {
    const parsed = parse(bytes, end);
    items.push(parsed.item);
    end = parsed.end;
  }
  return { item: { major, argument, head, content, items }, end };
}

const flatten = (item: Item): Item[] => [item, ...item.items.flatMap(flatten)];

type Spoil = (item: Item, body: Uint8Array) => Uint8Array | null;

function encode(item: Item, target: Item, spoil: Spoil): Uint8Array {
  const body = concatBytes(item.content, ...item.items.map((child) => encode(child, target, spoil)));
  const spoiled = item === target ? spoil(item, body) : null;
  return spoiled ?? concatBytes(item.head, body);
}

const bodyOf = (items: readonly Item[]) =>
  concatBytes(...items.map((item) => encode(item, item, () => null)));
const shortHead = (major: number, argument: number) =>
  argument < 24 ? Uint8Array.of((major << 5) | argument) : Uint8Array.of((major << 5) | 24, argument);

const SPOILS: Readonly<Record<string, Spoil>> = {
  "a head longer than needed": ({ major, head }, body) => {
    if (major === 7 || head.length === 9) return null;
    const width = head.length === 1 ? 1 : (head.length - 1) * 2;
    const value = head.length === 1 ? Uint8Array.of((head[0] ?? 0) & 31) : head.slice(1);
    const longer = new Uint8Array(1 + width);
    longer[0] = (major << 5) | (24 + Math.log2(width));
    longer.set(value, longer.length - value.length);
    return concatBytes(longer, body);
  },
  "an indefinite length": ({ major, argument, content }, body) => {
    if (major < FIRST_STRING || major > MAP) return null;
    const start = Uint8Array.of((major << 5) | 31);
    if (major >= ARRAY) return concatBytes(start, body, BREAK);
    if (argument > 0xff) return null;
    return concatBytes(start, shortHead(major, argument), content, BREAK);
  },
  "keys out of order": ({ major, head, items }) => {
    const [key, value, nextKey, nextValue, ...rest] = items;
    if (major !== MAP || !key || !value || !nextKey || !nextValue) return null;
    return concatBytes(head, bodyOf([nextKey, nextValue, key, value, ...rest]));
  },
  "a key twice": ({ major, argument, items }, body) =>
    major === MAP ? concatBytes(shortHead(major, argument + 1), body, bodyOf(items.slice(-2))) : null,
  "a key once, in place of another": ({ major, head, items }) =>
    major === MAP && items.length >= 4
      ? concatBytes(head, bodyOf([...items.slice(0, 2), ...items.slice(0, -2)]))
      : null,
  "a key missing": ({ major, argument, items }) =>
    major === MAP ? concatBytes(shortHead(major, argument - 1), bodyOf(items.slice(0, -2))) : null,
  "an unknown key": ({ major, argument }, body) =>
    major === MAP ? concatBytes(shortHead(major, argument + 1), body, Uint8Array.of(0x18, 0x63, 0)) : null,
};

export interface Mutant {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** The same content in other words, for each item of a document; byte strings are not looked into. */
export function nonCanonical(document: Uint8Array): Mutant[] {
  const { item: root } = parse(document, 0);
  return flatten(root).flatMap((target, place) =>
    Object.entries(SPOILS).flatMap(([what, spoil]) => {
      const bytes = encode(root, target, spoil);
      const isSpoiled = Buffer.compare(bytes, document) !== 0;
      return isSpoiled ? [{ what: `${what} at item ${place}`, bytes }] : [];
    }),
  );
}

/** Every shorter beginning, and the document with a byte more. */
export function cutOrExtended(document: Uint8Array): Mutant[] {
  const cut = Array.from(document, (_, length) => ({
    what: `cut to ${length} bytes`,
    bytes: document.slice(0, length),
  }));
  const extended = [0, 0xf6, 0xff].map((byte) => ({
    what: `followed by ${byte}`,
    bytes: concatBytes(document, Uint8Array.of(byte)),
  }));
  return [...cut, ...extended];
}

/** The document with bit `bit` flipped, counted from the first byte's highest. */
export function flipBit(document: Uint8Array, bit: number): Uint8Array {
  const bytes = document.slice();
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
  return bytes;
}

/** The document with each of its bits flipped in turn. */
export function flips(document: Uint8Array): Mutant[] {
  return Array.from({ length: 8 * document.length }, (_, bit) => ({
    what: `bit ${bit} flipped`,
    bytes: flipBit(document, bit),
  }));
}

/**
 * The names of the mutants that `take` takes although it should refuse them; an error that is none of ours
 * goes through.
 */
export function survivors(mutants: readonly Mutant[], take: (bytes: Uint8Array) => unknown): string[] {
  return mutants.filter(({ bytes }) => !isRefused(() => take(bytes))).map(({ what }) => what);
}

/** Whether the attempt ends in a FormatError or VerificationError. */
export function isRefused(attempt: () => unknown): boolean {
  try {
    attempt();
    return false;
  } catch (error) {
    if (error instanceof FormatError || error instanceof VerificationError) return true;
    throw error;
  }
}

/**
 * For formats in which a spoiled byte may be other content: a decoder that refuses also what is written as it
 * came, so that the survivors are those of which another encoding says the same.
 */
export const strictly = <Value>(
  decode: (bytes: Uint8Array) => Value,
  encode: (value: Value) => Uint8Array,
) => {
  return (bytes: Uint8Array) => {
    const isOnlyEncoding = Buffer.compare(encode(decode(bytes)), bytes) === 0;
    if (isOnlyEncoding) throw new FormatError("another document, in its one encoding");
  };
};
