// Scalar multiplication of a fixed point from a table kept as bytes in flash, by plain windows: entry d of
// window k is d·2^(w·k)·P, and a product is one addition a window. The secret decides no branch, no index
// and no skipped addition: every entry of a window is read and masked, and the neutral element is added like
// any other. What remains is the timing of BigInt arithmetic inside the engine (docs/security.md).
// A table of window w has ceil(256 / w)·2^w entries of 64 bytes: w = 4 is 64 KiB and 64 additions a scalar.
import { ed25519 } from "@noble/curves/ed25519.js";
import { assert } from "../encoding/bytes.js";

export type EdwardsPoint = ReturnType<typeof ed25519.Point.fromAffine>;

/** Bytes of an entry: affine x, then y, each 32 bytes little-endian. */
export const ENTRY_BYTES = 64;
const ENTRY_WORDS = ENTRY_BYTES / 4;
const SCALAR_BITS = 256;

/** Number of windows of `window` bits that cover a 256-bit scalar. */
export const windowCount = (window: number) => Math.ceil(SCALAR_BITS / window);

export class FixedBaseTable {
  readonly #words: Uint32Array;
  readonly #window: number;
  /** The selected entry: two coordinates of four 64-bit words. Overwritten by every selection. */
  readonly #entry = new Uint32Array(ENTRY_WORDS);
  readonly #coordinates = new BigUint64Array(this.#entry.buffer);

  /**
   * @param bytes the table, 4-byte aligned in its buffer; it is used in place, not copied.
   * @param window bits a window, 2 to 6.
   */
  constructor(bytes: Uint8Array, window: number) {
    assert(window >= 2 && window <= 6, "window is 2 to 6 bits");
    assert(bytes.length === windowCount(window) * 2 ** window * ENTRY_BYTES, "table has its full length");
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.#window = window;
  }

  /** scalar·P for a little-endian scalar of at most 32 bytes; the cost depends on its length alone. */
  multiply(scalar: Uint8Array): EdwardsPoint {
    assert(scalar.length >= 1 && 8 * scalar.length <= SCALAR_BITS, "scalar has 1 to 32 bytes");
    const windows = Math.ceil((8 * scalar.length) / this.#window);
    let sum = this.#select(0, this.#digit(scalar, 0));
    for (let k = 1; k < windows; k++) sum = sum.add(this.#select(k, this.#digit(scalar, k)));
    return sum;
  }

  #digit(scalar: Uint8Array, k: number): number {
    const bit = k * this.#window;
    const low = scalar[bit >> 3] as number;
    const high = scalar[(bit >> 3) + 1] ?? 0;
    return ((low | (high << 8)) >> (bit & 7)) & (2 ** this.#window - 1);
  }

  #select(k: number, digit: number): EdwardsPoint {
    const words = this.#words;
    const entries = 2 ** this.#window;
    for (let word = 0; word < ENTRY_WORDS; word++) {
      let selected = 0;
      for (let d = 0, at = k * entries * ENTRY_WORDS + word; d < entries; d++, at += ENTRY_WORDS) {
        selected |= (words[at] as number) & (((d ^ digit) - 1) >> 31); // all ones where d is the digit
      }
      this.#entry[word] = selected;
    }
    return ed25519.Point.fromAffine({ x: this.#coordinate(0), y: this.#coordinate(4) });
  }

  /** The coordinate whose lowest 64-bit word is the entry's word `first`. */
  #coordinate(first: number): bigint {
    let value = 0n;
    for (let word = first + 3; word >= first; word--) {
      value = (value << 64n) | (this.#coordinates[word] as bigint);
    }
    return value;
  }
}
