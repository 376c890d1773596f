// Sums of products of public numbers, such as sum z_i·k_i over thousands of signatures: a BigInt is made of the sum
// alone. Making one of each factor would cost as much as the rest of verifying.

/** Bits of a limb: products of two are below 2^32, so that a double holds 2^21 of them exactly. */
const LIMB_BITS = 16;
const LIMB_BYTES = LIMB_BITS / 8;
/** Limbs of the shorter and of the longer factor, at most: 128 and 512 bits. */
const SHORT_LIMBS = 8;
const LONG_LIMBS = 32;
/** Products after which carries are propagated. Of one product at most SHORT_LIMBS go into a limb. */
const PRODUCTS_MAX = 2 ** 21 / SHORT_LIMBS / 2;

export class ProductSum {
  readonly #limbs = new Float64Array(SHORT_LIMBS + LONG_LIMBS);
  #pending = 0;
  #carried = 0n;

  /**
   * Adds a product.
   * @param short 128 bits in limbs of 16, the lowest first.
   * @param long at most 512 bits, little-endian, an even number of bytes.
   */
  add(short: Uint16Array, long: Uint8Array): void {
    const longLimbs = long.length / LIMB_BYTES;
    if (short.length !== SHORT_LIMBS || longLimbs > LONG_LIMBS) throw new Error("a factor is too long");
    const limbs = this.#limbs;
    // Eight rows at once: each limb of the sum is read and written once, and not eight times.
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = short;
    let [x1, x2, x3, x4, x5, x6, x7] = [0, 0, 0, 0, 0, 0, 0];
    for (let at = 0; at < longLimbs + SHORT_LIMBS - 1; at++) {
      // Bytes beyond the factor's end are zeros.
      const x = (long[LIMB_BYTES * at] ?? 0) | ((long[LIMB_BYTES * at + 1] ?? 0) << 8);
      const column = a * x + b * x1 + c * x2 + d * x3 + e * x4 + f * x5 + g * x6 + h * x7;
      limbs[at] = (limbs[at] ?? 0) + column;
      x7 = x6;
      x6 = x5;
      x5 = x4;
      x4 = x3;
      x3 = x2;
      x2 = x1;
      x1 = x;
    }
    this.#pending++;
    if (this.#pending === PRODUCTS_MAX) this.#carry();
  }

  /** The sum of all products. */
  value(): bigint {
    this.#carry();
    return this.#carried;
  }

  #carry(): void {
    for (const [at, limb] of this.#limbs.entries()) this.#carried += BigInt(limb) << BigInt(at * LIMB_BITS);
    this.#limbs.fill(0);
    this.#pending = 0;
  }
}

/** The limbs of numbers below 2^128, a view of each. */
export function limbsOf(values: readonly bigint[]): Uint16Array[] {
  const longs = new BigUint64Array(2 * values.length);
  for (const [at, value] of values.entries()) {
    longs[2 * at] = value; // which keeps its lowest 64 bits
    longs[2 * at + 1] = value >> 64n;
  }
  const limbs = new Uint16Array(longs.buffer);
  return values.map((_, at) => limbs.subarray(at * SHORT_LIMBS, (at + 1) * SHORT_LIMBS));
}
