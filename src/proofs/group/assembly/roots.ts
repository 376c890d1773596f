// Inverse square roots and ratios modulo p, on two elements at once: section 4.2 of RFC 9496. The exponent is fixed, so
// is the time.
import { absolute, zeroLanes } from "./canonical";
import { add, select, subtract } from "./linear";
import { Pair } from "./pair";
import { multiply, square, squareTimes } from "./products";

/** sqrt(-1): 2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0. */
export const SQRT_M1: Pair = memory.data<u32>(
  [
    0xa0ea0b0, 0xa0ea0b0, 0x770d93a, 0x770d93a, 0xbf91e31, 0xbf91e31, 0x6300d5a, 0x6300d5a, 0x1d7a72f4,
    0x1d7a72f4, 0x4c9efd, 0x4c9efd, 0x1c2cad34, 0x1c2cad34, 0x1009f83b, 0x1009f83b, 0x2b8324, 0x2b8324,
  ],
  16,
);

const T0: Pair = memory.data(72, 16);
const T1: Pair = memory.data(72, 16);
const T2: Pair = memory.data(72, 16);

/** r = a^((p - 5)/8) = a^(2^252 - 3), by exponents of ever more ones; r is not a. */
function power(r: Pair, a: Pair): void {
  square(T0, a);
  multiply(T0, T0, a); // 2 ones
  squareTimes(T1, T0, 2);
  multiply(T0, T1, T0); // 4
  square(T1, T0);
  multiply(T0, T1, a); // 5
  squareTimes(T1, T0, 5);
  multiply(T0, T1, T0); // 10
  squareTimes(T1, T0, 10);
  multiply(T1, T1, T0); // 20
  squareTimes(T2, T1, 20);
  multiply(T1, T2, T1); // 40
  squareTimes(T1, T1, 10);
  multiply(T0, T1, T0); // 50
  squareTimes(T1, T0, 50);
  multiply(T1, T1, T0); // 100
  squareTimes(T2, T1, 100);
  multiply(T1, T2, T1); // 200
  squareTimes(T1, T1, 50);
  multiply(T1, T1, T0); // 250
  squareTimes(T1, T1, 2);
  multiply(r, T1, a);
}

const V3: Pair = memory.data(72, 16);
const BASE: Pair = memory.data(72, 16);
const ROOT: Pair = memory.data(72, 16);
const CHECK: Pair = memory.data(72, 16);
const TURNED: Pair = memory.data(72, 16);

/**
 * r = the even square root of u/v, or of sqrt(-1)·u/v where u/v is no square; 0 where u or v is 0.
 * @returns lanes in which u/v is a square, which for v = 0 means u = 0. u and v are reduced.
 */
export function rootOfRatio(r: Pair, u: Pair, v: Pair): v128 {
  square(V3, v);
  multiply(V3, V3, v);
  square(BASE, V3);
  multiply(BASE, BASE, v);
  multiply(BASE, BASE, u);
  power(ROOT, BASE);
  multiply(ROOT, ROOT, V3);
  multiply(ROOT, ROOT, u);
  square(CHECK, ROOT);
  multiply(CHECK, CHECK, v);
  subtract(TURNED, CHECK, u);
  const isRoot = zeroLanes(TURNED);
  add(TURNED, CHECK, u);
  const isFlipped = zeroLanes(TURNED);
  multiply(TURNED, u, SQRT_M1);
  add(TURNED, TURNED, CHECK);
  const isFlippedTurned = zeroLanes(TURNED);
  multiply(TURNED, ROOT, SQRT_M1);
  select(ROOT, v128.or(isFlipped, isFlippedTurned), TURNED, ROOT);
  absolute(r, ROOT);
  return v128.or(isRoot, isFlipped);
}
