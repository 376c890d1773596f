// Elements of ristretto255 and points of edwards25519 as bytes (RFC 9496 and RFC 8032), two at a time, one in each
// lane.
import { absolute, bothZeroLanes, fromBytes, isCanonical, oddLanes, toBytes, zeroLanes } from "./canonical";
import { add, carry, highs, lows, negateLanes, select, subtract } from "./linear";
import { ONE, PAIR, Pair, ZERO } from "./pair";
import { addPoint, D, POINT, Point } from "./point";
import { combine, multiply, square } from "./products";
import { rootOfRatio, SQRT_M1 } from "./roots";

/** Bytes of an encoding, of a hint, and what the one-way map takes. */
export const ENCODING: usize = 32;
export const HINT: usize = 64;
const UNIFORM: usize = 64;

/** 1/sqrt(-1 - d): 786c8905cfaffca216c27b91fe01d8409d2f16175a4172be99c8fdaa805d40ea. */
const INVERSE_ROOT: Pair = memory.data<u32>(
  [
    0x5d40ea, 0x5d40ea, 0xe47ed54, 0xe47ed54, 0x105cafa6, 0x105cafa6, 0x1e2c2eb4, 0x1e2c2eb4, 0x1d8409d2,
    0x1d8409d2, 0x1dc8ff00, 0x1dc8ff00, 0x12885b09, 0x12885b09, 0xb9f5ff, 0xb9f5ff, 0x786c89, 0x786c89,
  ],
  16,
);
/** sqrt(-d - 1): 4896ce40d47cb753f0c30336ce0a2e02506271f3e487ab428168095fb684d1d2; its negative is RFC 9496's. */
const ROOT: Pair = memory.data<u32>(
  [
    0x1684d1d2, 0x1684d1d2, 0xb404afd, 0xb404afd, 0x1ead0a0, 0x1ead0a0, 0x4e3e7c9, 0x4e3e7c9, 0x2e02506,
    0x2e02506, 0x19b6705, 0x19b6705, 0x1d4fc30c, 0x1d4fc30c, 0x81a8f96, 0x81a8f96, 0x4896ce, 0x4896ce,
  ],
  16,
);
/** 1 - d^2: 29072a8b2b3e0d79994abddbe70dfe42c81a138cd5e350fe27c09c1945fc176. */
const ONE_LESS_D2: Pair = memory.data<u32>(
  [
    0x145fc176, 0x145fc176, 0x13e04e0c, 0x13e04e0c, 0x178d43f8, 0x178d43f8, 0x342719a, 0x342719a, 0xdfe42c8,
    0xdfe42c8, 0x15eedf38, 0x15eedf38, 0x35e6652, 0x35e6652, 0x1516567c, 0x1516567c, 0x29072, 0x29072,
  ],
  16,
);
/** (d - 1)^2: 5968b37af66c22414cdcd32f529b4eebd29e4a2cb01e199931ad5aaa44ed4d20. */
const D_LESS_ONE_2: Pair = memory.data<u32>(
  [
    0x4ed4d20, 0x4ed4d20, 0xd6ad552, 0xd6ad552, 0x786664c, 0x786664c, 0x1c945960, 0x1c945960, 0x14eebd29,
    0x14eebd29, 0x997a94d, 0x997a94d, 0x9053373, 0x9053373, 0xf5ecd84, 0xf5ecd84, 0x5968b3, 0x5968b3,
  ],
  16,
);

/** d = -121665/121666. */
const MINUS_D_DIVIDEND = 121665;
const D_DIVISOR = 121666;

/** What the last decoding gave: x, y and x·y. */
export const X: Pair = memory.data(72, 16);
export const Y: Pair = memory.data(72, 16);
export const T: Pair = memory.data(72, 16);

const S: Pair = memory.data(72, 16);
const SS: Pair = memory.data(72, 16);
const U1: Pair = memory.data(72, 16);
const U2: Pair = memory.data(72, 16);
const V: Pair = memory.data(72, 16);
const W: Pair = memory.data(72, 16);
const I: Pair = memory.data(72, 16);

/** Whether 32 bytes are a canonical even number: the form of an encoding, and of a hint's x. */
function isCanonicalEven(bytes: usize): bool {
  return (load<u8>(bytes) & 1) == 0 && isCanonical(bytes);
}

/** Lanes of which these are so. */
function lanes(low: bool, high: bool): v128 {
  return i64x2.splat((low ? 0xffffffff : 0) | (high ? -1 << 32 : 0));
}

/** U1 = 1 - s^2 and U2 = 1 + s^2, of weights 3 and 2. */
function readEncodings(low: usize, high: usize): void {
  fromBytes(S, low, high);
  square(SS, S);
  subtract(U1, ONE, SS);
  add(U2, ONE, SS);
}

/**
 * Decodes to X, Y and T (RFC 9496, section 4.3.1).
 * @returns lanes that are refused.
 */
export function decodePair(low: usize, high: usize): v128 {
  readEncodings(low, high);
  carry(U1, U1);
  square(V, U1);
  multiply(V, V, D);
  square(W, U2);
  add(V, V, W);
  carry(V, V);
  subtract(V, ZERO, V);
  carry(V, V);
  multiply(W, W, V);
  const isSquare = rootOfRatio(I, ONE, W);
  multiply(W, I, U2); // 1/sqrt(v)
  multiply(X, S, W);
  add(X, X, X);
  carry(X, X);
  absolute(X, X);
  multiply(Y, I, W);
  multiply(Y, Y, V);
  multiply(Y, Y, U1);
  multiply(T, X, Y);
  const form = lanes(isCanonicalEven(low), isCanonicalEven(high));
  return v128.or(v128.not(v128.and(isSquare, form)), v128.or(oddLanes(T), zeroLanes(Y)));
}

/**
 * Decodes to X, Y and T with hints, which say x and y. Equivalent to RFC 9496 by this: with u1 = 1 - s^2 and
 * u2 = 1 + s^2 decoding gives y = u1/u2, and the even x with x^2 = 4 s^2/v, v = -d u1^2 - u2^2, if there is one (v is a
 * square for s = 0). The curve's equation for this y says x^2 = (y^2 - 1)/(d y^2 + 1) = 4 s^2/v, where no divisor is
 * zero as neither d nor -d is a square. So a canonical y with y·u2 = u1 (which no y fulfils for u2 = 0) and a canonical
 * even x on the curve are the ones; that x·y is even and y is not zero is checked as there.
 * @returns lanes that are refused.
 */
export function decodePairHinted(low: usize, high: usize, lowHint: usize, highHint: usize): v128 {
  readEncodings(low, high);
  fromBytes(X, lowHint, highHint);
  fromBytes(Y, lowHint + ENCODING, highHint + ENCODING);
  multiply(T, X, Y);
  multiply(W, Y, U2);
  subtract(W, U1, W); // u1 - y·u2
  square(U1, X);
  square(U2, Y);
  square(V, T);
  subtract(U2, U2, U1);
  subtract(U2, U2, ONE);
  combine(V, D_DIVISOR, U2, MINUS_D_DIVIDEND, V); // 121666 (y^2 - x^2 - 1 - d x^2 y^2)
  const form = lanes(isHintedForm(low, lowHint), isHintedForm(high, highHint));
  return v128.or(v128.not(v128.and(form, bothZeroLanes(W, V))), oddLanes(T));
}

function isHintedForm(encoding: usize, hint: usize): bool {
  const y = hint + ENCODING;
  const some = load<u64>(y) | load<u64>(y, 8) | load<u64>(y, 16) | load<u64>(y, 24);
  return isCanonicalEven(encoding) && isCanonicalEven(hint) && isCanonical(y) && some != 0;
}

/** Stores the points of X, Y and T with Z = 1. If both go to one place, the low one stays. */
export function storePoints(low: Point, high: Point): void {
  highs(high, X, Y);
  highs(high + PAIR, T, ONE);
  lows(low, X, Y);
  lows(low + PAIR, T, ONE);
}

/** Number of the first element that lanes refuse. */
function refused(failed: v128, low: usize, high: usize): i32 {
  return (i32x4.extract_lane(failed, 0) != 0 ? low : high) as i32;
}

/** Decodes `count` encodings to points; returns the number of the first that is refused, or -1. */
export function decode(points: Point, encodings: usize, count: usize): i32 {
  for (let low: usize = 0; low < count; low += 2) {
    const high = min(low + 1, count - 1);
    const failed = decodePair(encodings + low * ENCODING, encodings + high * ENCODING);
    if (v128.any_true(failed)) return refused(failed, low, high);
    storePoints(points + low * POINT, points + high * POINT);
  }
  return -1;
}

/** As `decode`, with hints. */
export function decodeHinted(points: Point, encodings: usize, hints: usize, count: usize): i32 {
  for (let low: usize = 0; low < count; low += 2) {
    const high = min(low + 1, count - 1);
    const failed = decodePairHinted(
      encodings + low * ENCODING,
      encodings + high * ENCODING,
      hints + low * HINT,
      hints + high * HINT,
    );
    if (v128.any_true(failed)) return refused(failed, low, high);
    storePoints(points + low * POINT, points + high * POINT);
  }
  return -1;
}

/** Decodes Ed25519 points strictly (RFC 8032, section 5.1.3); returns as `decode`. */
export function decodeEd25519(points: Point, encodings: usize, count: usize): i32 {
  for (let low: usize = 0; low < count; low += 2) {
    const high = min(low + 1, count - 1);
    const failed = decodeEd25519Pair(encodings + low * ENCODING, encodings + high * ENCODING);
    if (v128.any_true(failed)) return refused(failed, low, high);
    storePoints(points + low * POINT, points + high * POINT);
  }
  return -1;
}

const UNSIGNED: usize = memory.data(64, 16);

/** Copies an encoding without its sign bit, and returns that. */
function takeSign(r: usize, bytes: usize): bool {
  v128.store(r, v128.load(bytes));
  store<u64>(r, load<u64>(bytes, 16), 16);
  const top = load<u64>(bytes, 24);
  store<u64>(r, top & 0x7fffffffffffffff, 24);
  return top >> 63 != 0;
}

function decodeEd25519Pair(low: usize, high: usize): v128 {
  const signs = lanes(takeSign(UNSIGNED, low), takeSign(UNSIGNED + ENCODING, high));
  fromBytes(Y, UNSIGNED, UNSIGNED + ENCODING);
  square(SS, Y);
  subtract(U1, SS, ONE);
  carry(U1, U1);
  multiply(U2, SS, D);
  add(U2, U2, ONE);
  carry(U2, U2);
  const isSquare = rootOfRatio(X, U1, U2);
  const isSignedZero = v128.and(signs, zeroLanes(X));
  negateLanes(X, signs, X);
  multiply(T, X, Y);
  const form = lanes(isCanonical(UNSIGNED), isCanonical(UNSIGNED + ENCODING));
  return v128.or(v128.not(v128.and(isSquare, form)), isSignedZero);
}

const X0: Pair = memory.data(72, 16);
const Y0: Pair = memory.data(72, 16);
const Z0: Pair = memory.data(72, 16);
const T0: Pair = memory.data(72, 16);
const DEN: Pair = memory.data(72, 16);
const INVERSE: Pair = memory.data(72, 16);

/** X0 ... T0 = the coordinates of two points. */
function loadPoints(low: Point, high: Point): void {
  lows(X0, low, high);
  highs(Y0, low, high);
  lows(T0, low + PAIR, high + PAIR);
  highs(Z0, low + PAIR, high + PAIR);
}

/** S = the encodings of the points that are loaded (RFC 9496, section 4.3.2). */
function encodePair(): void {
  add(U1, Z0, Y0);
  subtract(W, Z0, Y0);
  multiply(U1, U1, W);
  multiply(U2, X0, Y0);
  square(W, U2);
  multiply(W, W, U1);
  rootOfRatio(I, ONE, W);
  multiply(U1, U1, I); // den1
  multiply(U2, U2, I); // den2
  multiply(INVERSE, U1, U2);
  multiply(INVERSE, INVERSE, T0);
  multiply(W, T0, INVERSE);
  const isRotated = oddLanes(W);
  multiply(W, Y0, SQRT_M1);
  multiply(V, X0, SQRT_M1);
  select(X0, isRotated, W, X0);
  select(Y0, isRotated, V, Y0);
  multiply(U1, U1, INVERSE_ROOT);
  select(DEN, isRotated, U1, U2);
  multiply(W, X0, INVERSE);
  negateLanes(Y0, oddLanes(W), Y0);
  subtract(S, Z0, Y0);
  multiply(S, S, DEN);
  absolute(S, S);
}

/** Encodes `count` points. */
export function encode(encodings: usize, points: Point, count: usize): void {
  for (let low: usize = 0; low < count; low += 2) {
    const high = min(low + 1, count - 1);
    loadPoints(points + low * POINT, points + high * POINT);
    encodePair();
    toBytes(encodings + low * ENCODING, encodings + high * ENCODING, S);
  }
}

const ENCODED: usize = memory.data(64, 16);

/** Hints for `count` points: x and y of what their encodings decode to. */
export function hints(r: usize, points: Point, count: usize): void {
  for (let low: usize = 0; low < count; low += 2) {
    const high = min(low + 1, count - 1);
    loadPoints(points + low * POINT, points + high * POINT);
    encodePair();
    toBytes(ENCODED, ENCODED + ENCODING, S);
    decodePair(ENCODED, ENCODED + ENCODING);
    toBytes(r + low * HINT, r + high * HINT, X);
    toBytes(r + low * HINT + ENCODING, r + high * HINT + ENCODING, Y);
  }
}

const R: Pair = memory.data(72, 16);
const NS: Pair = memory.data(72, 16);
const C: Pair = memory.data(72, 16);

/** X0 ... T0 = the map of section 4.3.4 of two field elements. */
function mapPair(low: usize, high: usize): void {
  fromBytes(S, low, high);
  square(R, S);
  multiply(R, R, SQRT_M1);
  add(U1, R, ONE);
  multiply(U1, U1, ONE_LESS_D2); // u
  multiply(W, R, D);
  add(W, W, ONE);
  carry(W, W);
  subtract(W, ZERO, W);
  carry(W, W); // -1 - r·d
  add(V, R, D);
  multiply(V, V, W);
  const isSquare = rootOfRatio(I, U1, V);
  multiply(W, I, S);
  absolute(W, W);
  subtract(W, ZERO, W);
  carry(W, W); // s' = -|s·t|
  select(S, isSquare, I, W);
  subtract(C, ZERO, ONE);
  carry(C, C);
  select(C, isSquare, C, R);
  subtract(NS, R, ONE);
  multiply(NS, NS, C);
  multiply(NS, NS, D_LESS_ONE_2);
  subtract(NS, NS, V); // N
  carry(NS, NS);
  mapToCurve();
}

/** X0 ... T0 from S, N in NS and the divisor in V. */
function mapToCurve(): void {
  multiply(U1, S, V);
  add(U1, U1, U1); // w0
  subtract(U2, ZERO, NS);
  carry(U2, U2);
  multiply(U2, U2, ROOT); // w1 = N·sqrt(ad - 1) for the root that is odd
  square(SS, S);
  subtract(W, ONE, SS); // w2
  add(V, ONE, SS); // w3
  carry(W, W);
  multiply(X0, U1, V);
  multiply(Y0, W, U2);
  multiply(Z0, U2, V);
  multiply(T0, U1, W);
}

const HALVES: Point = memory.data(288, 16);

/** The one-way map of RFC 9496, section 4.3.4, for `count` times 64 bytes. */
export function fromUniform(points: Point, bytes: usize, count: usize): void {
  for (let at: usize = 0; at < count; at++) {
    mapPair(bytes + at * UNIFORM, bytes + at * UNIFORM + 32);
    lows(HALVES, X0, Y0);
    lows(HALVES + PAIR, T0, Z0);
    highs(HALVES + POINT, X0, Y0);
    highs(HALVES + POINT + PAIR, T0, Z0);
    addPoint(points + at * POINT, HALVES, HALVES + POINT);
  }
}
