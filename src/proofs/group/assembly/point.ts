// Points of edwards25519 in extended coordinates (Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited", 2008):
// x = X/Z, y = Y/Z, T = XY/Z. Their formulas for several processors fall into pairs of products, which two lanes
// compute at once. The addition is complete: it holds for any two points of the curve. No branch and no address
// depends on a coordinate.
import { zeroLanes } from "./canonical";
import { butterfly, carry, copy, highs, lessAndTwice, lows, negateLow, sumAndHigh, swap } from "./linear";
import { PAIR, Pair } from "./pair";
import { multiply, square } from "./products";

/** Address of a point: the pairs (X, Y) and (T, Z), reduced. */
export type Point = usize;
/** Address of a point as the second one of additions: the pairs (Y - X, Y + X) and (2dT, 2Z), reduced. */
export type Addend = usize;

/** Bytes of a point, and of an addend. */
export const POINT: usize = 2 * PAIR;

/** d = -121665/121666: 52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3. */
export const D: Pair = memory.data<u32>(
  [
    0x135978a3, 0x135978a3, 0xf5a6e50, 0xf5a6e50, 0x10762add, 0x10762add, 0x149a82, 0x149a82, 0x1e898007,
    0x1e898007, 0x3cbbbc, 0x3cbbbc, 0x19ce331d, 0x19ce331d, 0x1dc56dff, 0x1dc56dff, 0x52036c, 0x52036c,
  ],
  16,
);

/** (2d, 2). */
const TWICE_D_TWO: Pair = memory.data<u32>(
  [
    0x6b2f159, 2, 0x1eb4dca1, 0, 0xec55ba, 0, 0x293505, 0, 0x1d13000e, 0, 0x797779, 0, 0x139c663a, 0,
    0x1b8adbff, 0, 0x2406d9, 0,
  ],
  16,
);

/** The neutral point, and as an addend. */
export const NEUTRAL: Point = memory.data<u32>(
  [
    0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0,
  ],
  16,
);
export const NEUTRAL_ADDEND: Addend = memory.data<u32>(
  [
    1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0,
  ],
  16,
);

const U: Pair = memory.data(72, 16);
const V: Pair = memory.data(72, 16);
const LOWS: Pair = memory.data(72, 16);
const HIGHS: Pair = memory.data(72, 16);

export function copyPoint(r: Point, p: Point): void {
  copy(r, p);
  copy(r + PAIR, p + PAIR);
}

/** r = (EF, GH, EH, FG) from U = (E, H) and V = (F, G): the ends of additions. */
function finishSum(r: Point): void {
  lows(LOWS, U, V);
  highs(HIGHS, U, V);
  multiply(r, U, V);
  multiply(r + PAIR, LOWS, HIGHS);
}

/** r = p + q, for q as the pairs (y - x, y + x) of weight 1 and (2dt, 2z) of weight up to 2. */
function addPairs(r: Point, p: Point, sums: Pair, products: Pair): void {
  butterfly(U, p);
  multiply(U, U, sums); // (A, B)
  butterfly(U, U); // (E, H) = (B - A, B + A), of weights 3 and 2
  multiply(V, p + PAIR, products); // (C, D)
  butterfly(V, V);
  carry(V, V); // (F, G) = (D - C, D + C)
  finishSum(r);
}

/** r = p + q. */
export function addAddend(r: Point, p: Point, q: Addend): void {
  addPairs(r, p, q, q + PAIR);
}

const SWAPPED: Pair = memory.data(72, 16);
const NEGATED: Pair = memory.data(72, 16);

/** r = p - q. */
export function subtractAddend(r: Point, p: Point, q: Addend): void {
  swap(SWAPPED, q);
  negateLow(NEGATED, q + PAIR);
  addPairs(r, p, SWAPPED, NEGATED);
}

/** r = p as an addend; r is not p. */
export function toAddend(r: Addend, p: Point): void {
  butterfly(r, p);
  carry(r, r);
  multiply(r + PAIR, p + PAIR, TWICE_D_TWO);
}

const ADDEND: Addend = memory.data(144, 16);

/** r = p + q. */
export function addPoint(r: Point, p: Point, q: Point): void {
  toAddend(ADDEND, q);
  addAddend(r, p, ADDEND);
}

/**
 * r = 2p, with all of section 3.3's E, F, G and H negated, which leaves the products as they are:
 * E = X^2 + Y^2 - (X + Y)^2, F = 2 Z^2 + G, G = X^2 - Y^2, H = X^2 + Y^2.
 */
export function doublePoint(r: Point, p: Point): void {
  swap(V, p);
  square(V, V); // (Y^2, X^2)
  butterfly(V, V); // (G, H), of weights 3 and 2
  sumAndHigh(U, p, p + PAIR);
  square(U, U); // ((X + Y)^2, Z^2)
  lessAndTwice(U, V, U);
  carry(U, U); // (E, F) = (H - (X + Y)^2, G + 2 Z^2)
  swap(V, V); // (H, G)
  lows(LOWS, U, V); // (E, H)
  highs(HIGHS, U, V); // (F, G)
  multiply(r, LOWS, HIGHS);
  multiply(r + PAIR, U, V);
}

/** r = -p. */
export function negatePoint(r: Point, p: Point): void {
  negateLow(r, p);
  carry(r, r);
  negateLow(r + PAIR, p + PAIR);
  carry(r + PAIR, r + PAIR);
}

/** Whether p is the identity of ristretto255, which is any point of order 1, 2 or 4: X = 0 or Y = 0. */
export function isIdentity(p: Point): bool {
  return v128.any_true(zeroLanes(p));
}

const MULTIPLE: Point = memory.data(144, 16);

/** Whether 8p is the neutral point: 4p is of order 1 or 2 if X = 0. */
export function isTorsion(p: Point): bool {
  doublePoint(MULTIPLE, p);
  doublePoint(MULTIPLE, MULTIPLE);
  return i32x4.extract_lane(zeroLanes(MULTIPLE), 0) != 0;
}
