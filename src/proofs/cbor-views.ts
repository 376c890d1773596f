// Arrays of byte strings in deterministic CBOR, read without copying: what is megabytes of a bill. Everything else is
// read by the CborReader of the trusted room, which copies what it reads; both are equally strict.
import { FormatError } from "../trusted/encoding/bytes.js";

/** Major types. */
const BYTES = 2;
const ARRAY = 4;
/** Heads of 1, 2 and 4 more bytes; nothing here is so long that it needs 8. */
const ONE_BYTE = 24;
const FOUR_BYTES = 26;

/**
 * Reads array heads and byte strings in the order that the caller expects. Every method throws FormatError, naming
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
  constructor(bytes: Uint8Array, what: string, at: number) {
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

  /** The head of an array of `min` to `max` items. */
  array(min: number, max = min): number {
    return this.#head(ARRAY, min, max, "array of length");
  }

  /** A byte string of `min` to `max` bytes: a view, so that whoever changes the document changes it too. */
  bytes(min: number, max = min): Uint8Array {
    const length = this.#head(BYTES, min, max, "byte string of length");
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
