// Arithmetic modulo p = 2^255 - 19, on two elements at once: each lives in a lane of 128-bit vectors, so that an
// addition of points, whose formulas fall into pairs of independent products, and a batch of decodings, two points
// at a time, fill both. Everything is straight-line code without a branch or an address that depends on an element.
//
// An element is nine limbs of 29 bits, x = sum of x_i·2^(29 i), unsigned and lazily carried: 2^261 = 1216 (mod p). What
// keeps it right are bounds on limbs. Let an element be of *weight* w if its limbs are below w·(2^29 + 2^17).
// Products and `carry` give weight 1, which is called reduced. A product takes weights whose product is at most 6,
// and each below 4: a column is a sum of at most nine products of limbs, 9·6·2^58·(1 + 2^-12)^2 + 2^36 < 2^64, and
// sums of two limbs stay below 2^32.

/** Address of two elements: limbs of 32 bits, x_0 y_0 x_1 y_1 ... x_8 y_8. x is the low one, y the high one. */
export type Pair = usize;

/** Bytes of a pair. */
export const PAIR: usize = 72;

/** The bits of a limb. */
export const LIMB = 0x1fffffff;

export const ZERO: Pair = memory.data(72, 16);
/** (1, 1). */
export const ONE: Pair = memory.data<u32>([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 16);
