// Deterministic CBOR (RFC 8949 section 4.2.1), only as much as Sealmeter's formats use: integers within
// 2^53, byte strings, printable ASCII text, arrays and maps of stated size, null, tag 18. Encoding composes
// encoded items. Decoding follows the schema of the caller, item by item, so there is no recursion, no tree
// and nothing to skip: the first item that is not the one encoding of what is expected is refused.
import { concatBytes } from "@noble/hashes/utils.js";
import { asciiBytes, assert, FormatError, uintBytes } from "./bytes.js";

const UINT = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;

function head(major: number, argument: number): Uint8Array {
  assert(Number.isSafeInteger(argument), "integer or length is within 2^53");
  const type = major << 5;
  if (argument < 24) return Uint8Array.of(type | argument);
  if (argument < 0x100) return Uint8Array.of(type | 24, argument);
  if (argument < 0x10000) return concatBytes(Uint8Array.of(type | 25), uintBytes(argument, 2));
  if (argument < 0x100000000) return concatBytes(Uint8Array.of(type | 26), uintBytes(argument, 4));
  return concatBytes(Uint8Array.of(type | 27, 0), uintBytes(argument, 7));
}

/** An integer, |value| < 2^53. */
export const int = (value: number) => (value < 0 ? head(NEGATIVE, -1 - value) : head(UINT, value));
export const bstr = (value: Uint8Array) => concatBytes(head(BYTES, value.length), value);
/** Printable ASCII. */
export const tstr = (value: string) => concatBytes(head(TEXT, value.length), asciiBytes(value));
export const array = (...items: readonly Uint8Array[]) => concatBytes(head(ARRAY, items.length), ...items);
export const tagged = (tag: number, item: Uint8Array) => concatBytes(head(TAG, tag), item);
export const NIL = Uint8Array.of(0xf6);
export const orNil = (item: Uint8Array | null) => item ?? NIL;

/** A map of encoded items under unsigned keys; asserts that the keys ascend. */
export function map(...entries: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  let last = -1;
  const items = entries.map(([key, item]) => {
    assert(key > last, "map keys ascend");
    last = key;
    return concatBytes(int(key), item);
  });
  return concatBytes(head(MAP, items.length), ...items);
}

/**
 * Reads items in the order that the caller expects. Every method throws FormatError, naming the document
 * and the byte, when the next item is another, is out of its stated range, is cut short, or is not in its
 * shortest form. Byte strings are copied out. Where a range is asked for, `max` defaults to `min`.
 */
export class CborReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** @param what the document's name, for error texts. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** Bytes consumed so far: where the next item of a CBOR sequence (RFC 8742) begins. */
  get position(): number {
    return this.#at;
  }

  /** Throws the FormatError of this document at the current byte. */
  refuse(why: string): never {
    throw new FormatError(`${this.#what}: ${why} at byte ${this.#at}`);
  }

  /** An unsigned integer of at most `max` (by default 2^53 - 1). */
  uint(max = Number.MAX_SAFE_INTEGER): number {
    return this.#head(UINT, 0, max, "unsigned integer");
  }

  /** An integer of either sign, |value| <= max. */
  int(max: number): number {
    if (this.#peek() >> 5 !== NEGATIVE) return this.uint(max);
    return -1 - this.#head(NEGATIVE, 0, max - 1, "integer");
  }

  /** A byte string of `min` to `max` bytes. */
  bytes(min: number, max = min): Uint8Array {
    return this.#take(this.#head(BYTES, min, max, "byte string of length"));
  }

  /** Printable ASCII of at most `max` characters. */
  text(max: number): string {
    let text = "";
    for (const code of this.#take(this.#head(TEXT, 0, max, "text of length"))) {
      if (code < 0x20 || code > 0x7e) this.refuse("text that is not printable ASCII");
      text += String.fromCharCode(code);
    }
    return text;
  }

  /** The head of an array of `min` to `max` items. */
  array(min: number, max = min): number {
    return this.#head(ARRAY, min, max, "array of length");
  }

  /** The head of a map of `min` to `max` entries. */
  map(min: number, max = min): number {
    return this.#head(MAP, min, max, "map of size");
  }

  /** The next map key, which must be `expected`. */
  key(expected: number): this {
    this.#head(UINT, expected, expected, "key");
    return this;
  }

  tag(expected: number): void {
    this.#head(TAG, expected, expected, "tag");
  }

  /** Consumes a null if the next item is one, and says whether it was. */
  nil(): boolean {
    if (this.#peek() !== NIL[0]) return false;
    this.#at++;
    return true;
  }

  /** All that is left, unread. */
  rest(): Uint8Array {
    return this.#take(this.#bytes.length - this.#at);
  }

  /** The document must end here. */
  end(): void {
    if (this.#at !== this.#bytes.length) this.refuse("trailing bytes");
  }

  #peek(): number {
    return this.#bytes[this.#at] ?? this.refuse("cut short");
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) this.refuse("cut short");
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  #head(major: number, min: number, max: number, what: string): number {
    const first = this.#peek();
    const low = first & 31;
    if (first >> 5 !== major || low > 27) this.refuse(`not a definite ${what}`);
    this.#at++;
    let argument = low;
    if (low >= 24) {
      const width = 1 << (low - 24);
      argument = this.#take(width).reduce((sum, byte) => sum * 256 + byte, 0);
      if (argument < (width === 1 ? 24 : 2 ** (4 * width))) this.refuse("integer not in its shortest form");
    }
    if (argument < min || argument > max) {
      this.refuse(`${what} ${argument} instead of ${min === max ? min : `${min} to ${max}`}`);
    }
    return argument;
  }
}
