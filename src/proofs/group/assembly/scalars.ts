// Digits of scalars below 2^253, which come as 32 little-endian bytes.

/** Bytes of a scalar. */
export const SCALAR: usize = 32;

/** Bits of the largest of `count` scalars, 0 if all are zero. */
export function bitLength(scalars: usize, count: usize): i32 {
  let w0: u64 = 0,
    w1: u64 = 0,
    w2: u64 = 0,
    w3: u64 = 0;
  for (let at: usize = 0; at < count; at++) {
    const scalar = scalars + at * SCALAR;
    w0 |= load<u64>(scalar);
    w1 |= load<u64>(scalar, 8);
    w2 |= load<u64>(scalar, 16);
    w3 |= load<u64>(scalar, 24);
  }
  if (w3 != 0) return 256 - (clz(w3) as i32);
  if (w2 != 0) return 192 - (clz(w2) as i32);
  if (w1 != 0) return 128 - (clz(w1) as i32);
  return 64 - (clz(w0) as i32);
}

/** `width` bits of a scalar from `bit` on; zeros beyond bit 255. width < 32. */
export function bitsOf(scalar: usize, bit: i32, width: i32): i32 {
  if (bit > 255) return 0;
  const word = (bit >> 6) as usize;
  const shift = bit & 63;
  let bits = load<u64>(scalar + 8 * word) >> shift;
  if (shift + width > 64 && word < 3) bits |= load<u64>(scalar + 8 * word + 8) << (64 - shift);
  return (bits & ((1 << width) - 1)) as i32;
}

/** Bits of a window of `writeNaf`. */
export const NAF_WIDTH = 5;
/** Digits that `writeNaf` writes at most, for scalars of 253 bits. */
export const NAF_DIGITS = 254;

/**
 * Non-adjacent form: the digits are 0 or odd from -15 to 15, of five in a row one at most is not zero. Stores
 * bits + 1 of them, a byte each, `stride` bytes apart, the lowest first.
 */
export function writeNaf(digits: usize, stride: usize, scalar: usize, bits: i32): void {
  let carry = 0;
  let skip = 0;
  for (let bit = 0; bit <= bits; bit++) {
    let digit = 0;
    if (skip > 0) {
      skip--;
    } else if (((bitsOf(scalar, bit, 1) + carry) & 1) != 0) {
      digit = bitsOf(scalar, bit, NAF_WIDTH) + carry;
      carry = digit > 15 ? 1 : 0;
      digit -= carry << NAF_WIDTH;
      skip = NAF_WIDTH - 1;
    }
    store<i8>(digits + (bit as usize) * stride, digit as i8);
  }
}
