// Sums and multiples on edwards25519 in bare BigInts: on the meter's engine the checks and the garbage of a
// library's point objects cost ten times what the multiplications do. Points are in extended coordinates (Hisil, Wong,
// Carter and Dawson, "Twisted Edwards Curves Revisited", 2008): x = X/Z, y = Y/Z, T = XY/Z. The formulas are
// complete: they hold for all points of the curve. No branch and no index depends on a value here; what
// remains is the timing of BigInt arithmetic inside the engine (docs/security.md).
import { assert } from "../encoding/bytes.js";

/** A point: X, Y, Z and T, from 0 to p - 1; noble's points have them too. */
export interface Extended {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
  readonly T: bigint;
}

/** The field's prime, the group's order, and d = -121665/121666 (RFC 8032 section 5.1). */
export const P = 2n ** 255n - 19n;
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;
export const D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n;
const TWICE_D = (2n * D) % P;
/** Bits a window of `multiply`. */
const WINDOW = 3;

export const NEUTRAL: Extended = { X: 0n, Y: 1n, Z: 1n, T: 0n };

/** The point of affine coordinates, from 0 to p - 1. */
export const fromAffine = (x: bigint, y: bigint): Extended => ({ X: x, Y: y, Z: 1n, T: (x * y) % P });

/** Whether a number that is not negative is 0 modulo p. */
export const isZero = (value: bigint) => value % P < 1n;

export const isNeutral = ({ X, Y, Z }: Extended) => isZero(X) && isZero(Y + P - Z);

/** -x for x from 0 to p - 1. */
export const negative = (x: bigint) => (P - x) % P;

export const negate = ({ X, Y, Z, T }: Extended): Extended => ({ X: negative(X), Y, Z, T: negative(T) });

/** The number of at most 64 little-endian bytes. */
export function numberOf(bytes: Uint8Array): bigint {
  const longs = new BigUint64Array(8);
  new Uint8Array(longs.buffer).set(bytes);
  return longs.reduceRight((sum, long) => (sum << 64n) | long, 0n);
}

/** 32 little-endian bytes of a number; asserts that it is from 0 to 2^256 - 1. */
export function bytesOf(value: bigint): Uint8Array {
  assert(value >= 0n && value < 1n << 256n, "number fits 32 bytes");
  const longs = BigUint64Array.from([0n, 64n, 128n, 192n], (bit) => BigInt.asUintN(64, value >> bit));
  return new Uint8Array(longs.buffer);
}

// No array is taken apart in these formulas: on the meter's engine that costs as much as a multiplication.

/** The sum; section 3.1 with k = 2d. */
export function add(a: Extended, b: Extended): Extended {
  const A = ((a.Y + P - a.X) * (b.Y + P - b.X)) % P;
  const B = ((a.Y + a.X) * (b.Y + b.X)) % P;
  const C = (TWICE_D * a.T * b.T) % P;
  const D = (2n * a.Z * b.Z) % P;
  const E = B + P - A;
  const F = D + P - C;
  const G = D + C;
  const H = B + A;
  return { X: (E * F) % P, Y: (G * H) % P, Z: (F * G) % P, T: (E * H) % P };
}

/** Number of windows of `window` bits that cover a scalar of `bytes` bytes. */
export const windowCount = (window: number, bytes = 32) => Math.ceil((8 * bytes) / window);

/** Digit k of a little-endian scalar in windows of at most 8 bits; zero above its end. */
export function digitOf(scalar: Uint8Array, k: number, window: number): number {
  const bit = k * window;
  const two = (scalar[bit >> 3] ?? 0) | ((scalar[(bit >> 3) + 1] ?? 0) << 8);
  return (two >> (bit & 7)) & ((1 << window) - 1);
}

/** A point in one number, so that it is selected by one multiplication. */
const pack = ({ X, Y, Z, T }: Extended) => X | (Y << 256n) | (Z << 512n) | (T << 768n);

/** The point at `digit`, out of a sum over all of them. */
function select(packed: readonly bigint[], digit: number): Extended {
  // The factor is 1 if both are equal, else 0.
  const point = packed.reduce((sum, one, at) => sum + one * BigInt(((at ^ digit) - 1) >>> 31), 0n);
  const coordinate = (bit: bigint) => BigInt.asUintN(256, point >> bit);
  return { X: coordinate(0n), Y: coordinate(256n), Z: coordinate(512n), T: coordinate(768n) };
}

/** scalar·point for 32 little-endian bytes: windows from the top, each an addition, by 0 like by any other. */
export function multiply(point: Extended, scalar: Uint8Array): Extended {
  const multiples = [NEUTRAL];
  for (let d = 1; d < 1 << WINDOW; d++) multiples.push(add(multiples[d - 1] as Extended, point));
  const packed = multiples.map(pack);
  let sum = NEUTRAL;
  for (let k = windowCount(WINDOW) - 1; k >= 0; k--) {
    for (let bit = 0; bit < WINDOW; bit++) sum = add(sum, sum);
    sum = add(sum, select(packed, digitOf(scalar, k, WINDOW)));
  }
  return sum;
}
