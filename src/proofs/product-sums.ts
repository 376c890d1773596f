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
   * @param short at most 128 bits in limbs of 16, the lowest first.
   * @param long at most 512 bits likewise.
   */
  add(short: Uint16Array, long: Uint16Array): void {
    if (short.length > SHORT_LIMBS || long.length > LONG_LIMBS) throw new Error("a factor is too long");
    const limbs = this.#limbs;
    for (let at = 0; at < short.length; at++) {
      const factor = short[at] ?? 0;
      for (let to = 0; to < long.length; to++) {
        limbs[at + to] = (limbs[at + to] ?? 0) + factor * (long[to] ?? 0);
      }
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

/** The limbs of a number below 2^128. */
export function limbsOfNumber(value: bigint): Uint16Array {
  return new Uint16Array(BigUint64Array.of(BigInt.asUintN(64, value), value >> 64n).buffer);
}

/** The limbs of a little-endian number of an even number of bytes: a copy. */
export function limbsOf(bytes: Uint8Array): Uint16Array {
  const limbs = new Uint16Array(bytes.length / LIMB_BYTES);
  for (let at = 0; at < limbs.length; at++) {
    limbs[at] = (bytes[LIMB_BYTES * at] ?? 0) | ((bytes[LIMB_BYTES * at + 1] ?? 0) << 8);
  }
  return limbs;
}
