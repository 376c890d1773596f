// Deterministic CBOR (RFC 8949 section 4.2.1), only as much as Sealmeter's formats use: integers within
// 2^53, byte strings, printable ASCII text, arrays and maps of stated size, null, tag 18. Encoding composes
// encoded items. Decoding follows the schema of the caller, item by item, so there is no recursion, no tree
// and nothing to skip: the first item that is not the one encoding of what is expected is refused.
import { concatBytes } from "@noble/hashes/utils.js";
import { asciiBytes, assert, FormatError, PRINTABLE_ASCII, uintBytes } from "./bytes.js";

/** Major types. */
const Major = { UINT: 0, NEGATIVE: 1, BYTES: 2, TEXT: 3, ARRAY: 4, MAP: 5, TAG: 6 } as const;

function head(major: number, argument: number): Uint8Array {
  assert(Number.isSafeInteger(argument), "integer or length is within 2^53");
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  const power = [0x100, 0x10000, 0x100000000].filter((limit) => argument >= limit).length;
  return concatBytes(Uint8Array.of((major << 5) | (24 + power)), uintBytes(argument, 1 << power));
}

/** An integer, |value| < 2^53. */
export const int = (value: number) =>
  value < 0 ? head(Major.NEGATIVE, -1 - value) : head(Major.UINT, value);
export const bstr = (value: Uint8Array) => concatBytes(head(Major.BYTES, value.length), value);
/** Printable ASCII. */
export const tstr = (value: string) => concatBytes(head(Major.TEXT, value.length), asciiBytes(value));
export const array = (...items: readonly Uint8Array[]) =>
  concatBytes(head(Major.ARRAY, items.length), ...items);
export const tagged = (tag: number, item: Uint8Array) => concatBytes(head(Major.TAG, tag), item);
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
  return concatBytes(head(Major.MAP, items.length), ...items);
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
    return this.#head(Major.UINT, 0, max, "unsigned integer");
  }

  /** An integer of either sign, |value| <= max. */
  int(max: number): number {
    if (this.#peek() >> 5 !== Major.NEGATIVE) return this.uint(max);
    return -1 - this.#head(Major.NEGATIVE, 0, max - 1, "integer");
  }

  /** A byte string of `min` to `max` bytes. */
  bytes(min: number, max = min): Uint8Array {
    return this.#take(this.#head(Major.BYTES, min, max, "byte string of length"));
  }

  /** Printable ASCII of at most `max` characters. */
  text(max: number): string {
    const codes = this.#take(this.#head(Major.TEXT, 0, max, "text of length"));
    const text = Array.from(codes, (code) => String.fromCharCode(code)).join("");
    if (!PRINTABLE_ASCII.test(text)) this.refuse("text that is not printable ASCII");
    return text;
  }

  /** The head of an array of `min` to `max` items. */
  array(min: number, max = min): number {
    return this.#head(Major.ARRAY, min, max, "array of length");
  }

  /** The head of a map of `min` to `max` entries. */
  map(min: number, max = min): number {
    return this.#head(Major.MAP, min, max, "map of size");
  }

  /** The next map key, which must be `expected`. */
  key(expected: number): this {
    this.#head(Major.UINT, expected, expected, "key");
    return this;
  }

  tag(expected: number): void {
    this.#head(Major.TAG, expected, expected, "tag");
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
