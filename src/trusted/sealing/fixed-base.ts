// Scalar multiplication of a fixed point from a table kept as bytes in flash, by plain windows: entry d of
// window k is d·2^(w·k)·P, and a product is one addition a window. The secret decides no branch, no index
// and no skipped addition: every entry of a window is read and masked, and the neutral element is added like
// any other. What remains is the timing of BigInt arithmetic inside the engine (docs/security.md).
// A table of window w has ceil(256 / w)·2^w entries of 64 bytes: w = 3 is 43 KiB and 86 additions a scalar.
import { assert } from "../encoding/bytes.js";
import { add, digitOf, type Extended, fromAffine, NEUTRAL, windowCount } from "./edwards.js";

/** Bytes of an entry: affine x, then y, each 32 bytes little-endian. */
export const ENTRY_BYTES = 64;

export class FixedBaseTable {
  /** Signed words: the meter's engine keeps those as integers, and others as floating point. */
  readonly #words: Int32Array;
  readonly #window: number;
  /** The selected entry, as words of 32 and of 64 bits. Overwritten by every selection. */
  readonly #entry = new Int32Array(16);
  readonly #longs = new BigUint64Array(this.#entry.buffer);

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
  multiply(scalar: Uint8Array): Extended {
    assert(scalar.length >= 1 && scalar.length <= 32, "scalar has 1 to 32 bytes");
    const windows = windowCount(this.#window, scalar.length);
    let sum = NEUTRAL;
    for (let k = 0; k < windows; k++) {
      sum = add(sum, this.#select(k, digitOf(scalar, k, this.#window)));
    }
    return sum;
  }

  /** Entry `digit` of window k. */
  #select(k: number, digit: number) {
    const words = this.#words;
    const entry = this.#entry.fill(0);
    const entries = 1 << this.#window;
    // A mask is all ones for the entry of the digit, else zero; entries are 16 words apart. Four a turn, and
    // written out: on the meter's engine a loop or a call costs more than what is done in it.
    for (let d = 0, row = 16 * k * entries; d < entries; d += 4, row += 64) {
      const m0 = ((d ^ digit) - 1) >> 31;
      const m1 = (((d + 1) ^ digit) - 1) >> 31;
      const m2 = (((d + 2) ^ digit) - 1) >> 31;
      const m3 = (((d + 3) ^ digit) - 1) >> 31;
      for (let word = 0, at = row; word < 16; word++, at++) {
        entry[word] =
          (entry[word] as number) |
          ((words[at] as number) & m0) |
          ((words[at + 16] as number) & m1) |
          ((words[at + 32] as number) & m2) |
          ((words[at + 48] as number) & m3);
      }
    }
    let point = 0n;
    for (let at = 7; at >= 0; at--) point = (point << 64n) | (this.#longs[at] as bigint);
    return fromAffine(BigInt.asUintN(256, point), point >> 256n);
  }
}
