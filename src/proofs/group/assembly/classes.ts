// Sums of encoded elements: decodes two at a time, and adds the one in the low lanes to one running sum, the one in the
// high lanes to another. The addition is the dedicated one of Hisil, Wong, Carter and Dawson (2008), section 3.2,
// which needs no d and so one product less.
//
// It is not complete. It gives Z = FG with F = 2(x y' - y x') and G = 2(y y' - x x') up to factors that are not zero.
// F = 0 for points of the curve says (x', y') = l·(x, y) with l^2 = 1 or l^2 = 1/(d x^2 y^2), which is no square; G = 0
// says (x', y') = l·(y, x) with l^2 = -1 or -1/(d x^2 y^2), no square either. So it fails exactly if the points differ
// by one of order 1, 2 or 4, and then E or H is zero too and so are all four coordinates. They stay zero through
// all further additions: a sum that ends with Z = 0 is done again, with the complete addition.
import { zeroLanes } from "./canonical";
import { add, carry, copy, highs, lows, subtract } from "./linear";
import { ONE, PAIR, Pair, ZERO } from "./pair";
import { addPoint, D, POINT, Point } from "./point";
import { multiply } from "./products";
import { decodePair, decodePairHinted, HINT, storePoints, T, X, Y } from "./ristretto";

/** The base point, which the running sums start from, the high one from its negative: no identity to begin with. */
export const BASE: Point = memory.data<u32>(
  [
    0xf25d51a, 0x6666658, 0xab16b04, 0x13333333, 0x969ecb2, 0x19999999, 0x198ec12a, 0xccccccc, 0xdc5c692,
    0x6666666, 0x1118feeb, 0x13333333, 0xffb0293, 0x19999999, 0x1a79adca, 0xccccccc, 0x216936, 0x666666,
    0x5b7dda3, 1, 0xef4559d, 0, 0x1454bd5b, 0, 0x13f00ee, 0, 0x1e37d20f, 0, 0x7473255, 0, 0x19959ba9, 0,
    0x1faf16e, 0, 0x67875f, 0,
  ],
  16,
);

/** The running sums' coordinates. */
const SX: Pair = memory.data(72, 16);
const SY: Pair = memory.data(72, 16);
const SZ: Pair = memory.data(72, 16);
const ST: Pair = memory.data(72, 16);

const A: Pair = memory.data(72, 16);
const B: Pair = memory.data(72, 16);
const C: Pair = memory.data(72, 16);
const E: Pair = memory.data(72, 16);
const F: Pair = memory.data(72, 16);
const G: Pair = memory.data(72, 16);
const H: Pair = memory.data(72, 16);
const NEGATIVE: Point = memory.data(144, 16);
const SUMS: Point = memory.data(288, 16);

/** Where encodings stand, and the hints, or 0 if there are none. */
class Elements {
  static encodings: usize = 0;
  static stride: usize = 0;
  static hints: usize = 0;
  /** Numbers of the elements that are taken, 32 bits each. */
  static order: usize = 0;
  static count: i32 = 0;
}

/** Number of the element that is taken at this place. */
function numberOf(at: i32): i32 {
  return load<i32>(Elements.order + ((at as usize) << 2));
}

function encodingOf(number: i32): usize {
  return Elements.encodings + (number as usize) * Elements.stride;
}

/** Decodes two elements to X, Y, T; returns lanes that are refused. */
function decodeNumbers(low: i32, high: i32): v128 {
  if (Elements.hints == 0) return decodePair(encodingOf(low), encodingOf(high));
  const hints = Elements.hints;
  return decodePairHinted(
    encodingOf(low),
    encodingOf(high),
    hints + (low as usize) * HINT,
    hints + (high as usize) * HINT,
  );
}

/** Decodes the elements `at` and at + 1; past the last is the identity. Returns the number that is refused, or -1. */
function decodeNext(at: i32): i32 {
  const low = numberOf(at);
  const isLast = at + 1 == Elements.count;
  const high = isLast ? low : numberOf(at + 1);
  const failed = decodeNumbers(low, high);
  if (v128.any_true(failed)) return i32x4.extract_lane(failed, 0) != 0 ? low : high;
  if (isLast) dropHigh();
  return -1;
}

/** Puts the identity in the high lanes of X, Y and T. */
function dropHigh(): void {
  lows(A, X, ZERO);
  copy(X, A);
  lows(A, Y, ONE);
  copy(Y, A);
  lows(A, T, ZERO);
  copy(T, A);
}

/** The running sums begin with B and -B. */
function begin(): void {
  subtract(NEGATIVE, ZERO, BASE);
  carry(NEGATIVE, NEGATIVE);
  lows(SX, BASE, NEGATIVE);
  highs(SY, BASE, BASE);
  subtract(A, ZERO, BASE + PAIR);
  carry(A, A);
  lows(ST, BASE + PAIR, A);
  copy(SZ, ONE);
}

/** S = S + (X, Y) but for points that differ by one of order 1, 2 or 4, which give zeros. */
function addDedicated(): void {
  subtract(A, SY, SX);
  add(B, Y, X);
  multiply(A, A, B); // (Y1 - X1)(y2 + x2), of weights 3 and 2
  add(B, SY, SX);
  subtract(C, Y, X);
  multiply(B, B, C); // (Y1 + X1)(y2 - x2), of weights 2 and 3
  add(C, SZ, SZ);
  multiply(C, C, T); // 2 Z1 t2
  add(H, ST, ST); // D = 2 T1
  add(E, H, C);
  carry(E, E);
  subtract(H, H, C);
  carry(H, H);
  subtract(F, B, A);
  add(G, B, A);
  multiply(SX, E, F);
  multiply(SY, G, H);
  multiply(SZ, F, G);
  multiply(ST, E, H);
}

/** S = S + (X, Y) for any points (section 3.1). */
function addComplete(): void {
  subtract(A, SY, SX);
  subtract(B, Y, X);
  carry(B, B);
  multiply(A, A, B);
  add(B, SY, SX);
  add(C, Y, X);
  multiply(B, B, C);
  add(C, ST, ST);
  multiply(C, C, T);
  multiply(C, C, D);
  add(G, SZ, SZ);
  subtract(F, G, C);
  carry(F, F);
  add(G, G, C);
  subtract(E, B, A);
  add(H, B, A);
  multiply(SX, E, F);
  multiply(SY, G, H);
  multiply(SZ, F, G);
  multiply(ST, E, H);
}

/** r = the sum of the running sums. */
function finish(r: Point): void {
  lows(SUMS, SX, SY);
  lows(SUMS + PAIR, ST, SZ);
  highs(SUMS + POINT, SX, SY);
  highs(SUMS + POINT + PAIR, ST, SZ);
  addPoint(r, SUMS, SUMS + POINT);
}

function sumDedicated(): i32 {
  begin();
  for (let at = 0; at < Elements.count; at += 2) {
    const failed = decodeNext(at);
    if (failed >= 0) return failed;
    addDedicated();
  }
  return -1;
}

/** The same of elements that have been decoded before, so that none is refused. */
function sumComplete(): void {
  begin();
  for (let at = 0; at < Elements.count; at += 2) {
    decodeNext(at);
    addComplete();
  }
}

/** From here on elements are those of `encodings` that `order` numbers, `count` of them; `hints` may be 0. */
export function setElements(encodings: usize, stride: usize, hints: usize, order: usize, count: i32): void {
  Elements.encodings = encodings;
  Elements.stride = stride;
  Elements.hints = hints;
  Elements.order = order;
  Elements.count = count;
}

/** r = the sum of the elements; returns the number of the first that is refused, in their order, or -1. */
export function sumElements(r: Point): i32 {
  const failed = sumDedicated();
  if (failed >= 0) return failed;
  if (v128.any_true(zeroLanes(SZ))) sumComplete();
  finish(r);
  return -1;
}

/**
 * Adds each element to the sum of its class, one by one: for many classes of few elements. `classes` has the class of
 * each number, 32 bits. Returns as `sumElements`.
 */
export function addElements(sums: Point, classes: usize): i32 {
  for (let at = 0; at < Elements.count; at += 2) {
    const failed = decodeNext(at);
    if (failed >= 0) return failed;
    storePoints(SUMS, SUMS + POINT);
    addToClass(sums, classes, at, SUMS);
    if (at + 1 < Elements.count) addToClass(sums, classes, at + 1, SUMS + POINT);
  }
  return -1;
}

function addToClass(sums: Point, classes: usize, at: i32, point: Point): void {
  const sum = sums + (load<u32>(classes + ((numberOf(at) as usize) << 2)) as usize) * POINT;
  addPoint(sum, sum, point);
}
