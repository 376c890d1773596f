// Deterministic CBOR read without copying: what a verifier of many bills reads by the gigabyte. It is as strict as the
// CborReader of the trusted room, and reads the same formats in the same way; only its byte strings are views of the
// document, so that whoever changes the document changes them too.
import { FormatError } from "../trusted/encoding/bytes.js";

/** Major types. */
const Major = { UINT: 0, BYTES: 2, TEXT: 3, ARRAY: 4, MAP: 5, TAG: 6 } as const;
/** Arguments from here on stand in 1, 2, 4 or 8 bytes of their own. */
const ONE_BYTE = 24;
/** The longest argument that is read: nothing here is counted in more than 32 bits. */
const FOUR_BYTES = 26;

/**
 * Reads items in the order that the caller expects. Every method throws FormatError, naming
 * the document and the byte, when the next item is another, is out of its stated range, is cut short, or is not in
 * its shortest form.
 */
export class ViewReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at: number;

  /**
   * @param what the document's name, for error texts.
   * @param at where to begin.
   */
  constructor(bytes: Uint8Array, what: string, at = 0) {
    this.#bytes = bytes;
    this.#what = what;
    this.#at = at;
  }

  /** Where the next item begins. */
  get position(): number {
    return this.#at;
  }

  /** Throws the FormatError of this document at the current byte. */
  refuse(why: string): never {
    throw new FormatError(`${this.#what}: ${why} at byte ${this.#at}`);
  }

  /** An unsigned integer of at most `max`, which is below 2^32. */
  uint(max: number): number {
    return this.#head(Major.UINT, 0, max, "unsigned integer");
  }

  /** A byte string of `min` to `max` bytes, as a view. */
  bytes(min: number, max = min): Uint8Array {
    return this.#take(this.#head(Major.BYTES, min, max, "byte string of length"));
  }

  /** Text of at most `max` characters, of which the caller knows a pattern in ASCII. */
  text(max: number, pattern: RegExp): string {
    const text = String.fromCharCode(...this.#take(this.#head(Major.TEXT, 0, max, "text of length")));
    return pattern.test(text) ? text : this.refuse("text of another pattern");
  }

  /** The head of an array of `min` to `max` items. */
  array(min: number, max = min): number {
    return this.#head(Major.ARRAY, min, max, "array of length");
  }

  /** The head of a map of `size` entries. */
  map(size: number): void {
    this.#head(Major.MAP, size, size, "map of size");
  }

  /** The next map key, which must be `expected`. */
  key(expected: number): this {
    this.#head(Major.UINT, expected, expected, "key");
    return this;
  }

  tag(expected: number): void {
    this.#head(Major.TAG, expected, expected, "tag");
  }

  /** The document must end here. */
  end(): void {
    if (this.#at !== this.#bytes.length) this.refuse("trailing bytes");
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) this.refuse("cut short");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #next(): number {
    const byte = this.#bytes[this.#at] ?? this.refuse("cut short");
    this.#at++;
    return byte;
  }

  #head(major: number, min: number, max: number, what: string): number {
    const first = this.#next();
    const low = first & 31;
    if (first >> 5 !== major || low > FOUR_BYTES) this.refuse(`not a definite ${what}`);
    let argument = low;
    if (low >= ONE_BYTE) {
      const width = 1 << (low - ONE_BYTE);
      argument = 0;
      for (let byte = 0; byte < width; byte++) argument = argument * 256 + this.#next();
      if (argument < (width === 1 ? ONE_BYTE : 2 ** (4 * width)))
        this.refuse("integer not in its shortest form");
    }
    if (argument < min || argument > max) {
      this.refuse(`${what} ${argument} instead of ${min === max ? min : `${min} to ${max}`}`);
    }
    return argument;
  }
}
