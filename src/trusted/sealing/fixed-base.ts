// Scalar multiplication of a fixed point from a table kept as bytes in flash, by plain windows: entry d of
// window k is d·2^(w·k)·P, and a product is one addition a window. The secret decides no branch, no index
// and no skipped addition: every entry of a window is read and masked, and the neutral element is added like
// any other. What remains is the timing of BigInt arithmetic inside the engine (docs/security.md).
// A table of window w has ceil(256 / w)·2^w entries of 64 bytes: w = 3 is 43 KiB and 86 additions a scalar.
import { assert } from "../encoding/bytes.js";
import { add, affineAddend, digitOf, type EdwardsPoint, mask, NEUTRAL, toPoint } from "./edwards.js";

/** Bytes of an entry: affine x, then y, each 32 bytes little-endian. */
export const ENTRY_BYTES = 64;
const ENTRY_WORDS = ENTRY_BYTES / 4;
const SCALAR_BITS = 256;

/** Number of windows of `window` bits that cover a 256-bit scalar. */
export const windowCount = (window: number) => Math.ceil(SCALAR_BITS / window);

export class FixedBaseTable {
  /** Signed words: the meter's engine keeps those as integers, and others as floating point. */
  readonly #words: Int32Array;
  readonly #window: number;
  /** The selected entry: two coordinates of four 64-bit words. Overwritten by every selection. */
  readonly #entry = new Int32Array(ENTRY_WORDS);
  readonly #coordinates = new BigUint64Array(this.#entry.buffer);

  /**
   * @param bytes the table, 4-byte aligned in its buffer; it is used in place, not copied.
   * @param window bits a window, 3 to 6.
   */
  constructor(bytes: Uint8Array, window: number) {
    assert(window >= 3 && window <= 6, "window is 3 to 6 bits");
    assert(bytes.length === windowCount(window) * 2 ** window * ENTRY_BYTES, "table has its full length");
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    this.#window = window;
  }

  /** scalar·P for a little-endian scalar of at most 32 bytes; the cost depends on its length alone. */
  multiply(scalar: Uint8Array): EdwardsPoint {
    assert(scalar.length >= 1 && 8 * scalar.length <= SCALAR_BITS, "scalar has 1 to 32 bytes");
    const windows = Math.ceil((8 * scalar.length) / this.#window);
    let sum = NEUTRAL;
    for (let k = 0; k < windows; k++) {
      this.#select(k, digitOf(scalar, k, this.#window));
      sum = add(sum, affineAddend(this.#coordinate(0), this.#coordinate(4)));
    }
    return toPoint(sum);
  }

  /** Leaves entry `digit` of window k in `#entry`. */
  #select(k: number, digit: number): void {
    const words = this.#words;
    const entry = this.#entry.fill(0);
    const entries = 1 << this.#window;
    // Eight entries a turn: on the meter's engine a loop costs more than what is done in it.
    for (let d = 0, row = k * entries * ENTRY_WORDS; d < entries; d += 8, row += 8 * ENTRY_WORDS) {
      const m0 = mask(d, digit);
      const m1 = mask(d + 1, digit);
      const m2 = mask(d + 2, digit);
      const m3 = mask(d + 3, digit);
      const m4 = mask(d + 4, digit);
      const m5 = mask(d + 5, digit);
      const m6 = mask(d + 6, digit);
      const m7 = mask(d + 7, digit);
      for (let word = 0, at = row; word < ENTRY_WORDS; word++, at++) {
        entry[word] =
          (entry[word] as number) |
          ((words[at] as number) & m0) |
          ((words[at + 16] as number) & m1) |
          ((words[at + 32] as number) & m2) |
          ((words[at + 48] as number) & m3) |
          ((words[at + 64] as number) & m4) |
          ((words[at + 80] as number) & m5) |
          ((words[at + 96] as number) & m6) |
          ((words[at + 112] as number) & m7);
      }
    }
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
