// Sums and multiples on edwards25519, bare of noble's point objects: on the meter's engine their checks and
// their garbage cost ten times what the multiplications do. Points are in extended coordinates (Hisil, Wong,
// Carter and Dawson, "Twisted Edwards Curves Revisited", 2008): x = X/Z, y = Y/Z, T = XY/Z. The formulas are
// complete: they hold for all points of the curve. No branch and no index depends on a value here; what
// remains is the timing of BigInt arithmetic inside the engine (docs/security.md).
import { ed25519 } from "@noble/curves/ed25519.js";

export type EdwardsPoint = ReturnType<typeof ed25519.Point.fromAffine>;

const P = ed25519.Point.Fp.ORDER;
const TWICE_D = (2n * ed25519.Point.CURVE().d) % P;
/** Bits a window of `multiply`, and windows of a 256-bit scalar. */
const WINDOW = 3;
const WINDOWS = 86;

/** Coordinates are from 0 to p - 1. */
export interface Extended {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
  readonly T: bigint;
}

/** A point as it is added: Y - X, Y + X, 2Z and 2dT, each modulo p, from 0 to below 2p. */
export interface Addend {
  readonly minus: bigint;
  readonly plus: bigint;
  readonly twiceZ: bigint;
  readonly twiceDT: bigint;
}

export const NEUTRAL: Extended = { X: 0n, Y: 1n, Z: 1n, T: 0n };

export const toPoint = ({ X, Y, Z, T }: Extended): EdwardsPoint => new ed25519.Point(X, Y, Z, T);

export const addendOf = ({ X, Y, Z, T }: Extended): Addend => ({
  minus: Y + P - X,
  plus: Y + X,
  twiceZ: Z + Z,
  twiceDT: (T * TWICE_D) % P,
});

/** The addend of affine coordinates, from 0 to p - 1. */
export const affineAddend = (x: bigint, y: bigint): Addend => addendOf({ X: x, Y: y, Z: 1n, T: (x * y) % P });

// No array is taken apart in these formulas: on the meter's engine that costs as much as a multiplication.

/** The sum; section 3.1 with k = 2d, eight multiplications. */
export function add({ X, Y, Z, T }: Extended, { minus, plus, twiceZ, twiceDT }: Addend): Extended {
  const A = ((Y + P - X) * minus) % P;
  const B = ((Y + X) * plus) % P;
  const C = (T * twiceDT) % P;
  const D = (Z * twiceZ) % P;
  const E = B + P - A;
  const F = D + P - C;
  const G = D + C;
  const H = B + A;
  return { X: (E * F) % P, Y: (G * H) % P, Z: (F * G) % P, T: (E * H) % P };
}

/** Twice the point; section 3.3. */
export function double({ X, Y, Z }: Extended): Extended {
  const A = (X * X) % P;
  const B = (Y * Y) % P;
  const C = (2n * Z * Z) % P;
  const sum = X + Y;
  const H = A + B;
  const E = H + P - ((sum * sum) % P);
  const G = A + P - B;
  const F = C + G;
  return { X: (E * F) % P, Y: (G * H) % P, Z: (F * G) % P, T: (E * H) % P };
}

/** All ones if both are equal, else zero; both from 0 to below 2^31. */
export const mask = (a: number, b: number) => ((a ^ b) - 1) >> 31;

/** Digit k of a little-endian scalar in windows of at most 8 bits; zero above its end. */
export function digitOf(scalar: Uint8Array, k: number, window: number): number {
  const bit = k * window;
  const low = scalar[bit >> 3] ?? 0;
  const high = scalar[(bit >> 3) + 1] ?? 0;
  return ((low | (high << 8)) >> (bit & 7)) & ((1 << window) - 1);
}

/** The addend at `digit`, out of a sum over all of them. */
function select(addends: readonly Addend[], digit: number): Addend {
  const sum = { minus: 0n, plus: 0n, twiceZ: 0n, twiceDT: 0n };
  addends.forEach((addend, at) => {
    const one = BigInt(mask(at, digit) & 1);
    sum.minus += one * addend.minus;
    sum.plus += one * addend.plus;
    sum.twiceZ += one * addend.twiceZ;
    sum.twiceDT += one * addend.twiceDT;
  });
  return sum;
}

/** scalar·point for 32 little-endian bytes: windows from the top, each an addition, by 0 like by any other. */
export function multiply(point: EdwardsPoint, scalar: Uint8Array): EdwardsPoint {
  const step = addendOf(point);
  const multiples = [NEUTRAL];
  for (let d = 1; d < 1 << WINDOW; d++) multiples.push(add(multiples[d - 1] as Extended, step));
  const addends = multiples.map(addendOf);
  let sum = NEUTRAL;
  for (let k = WINDOWS - 1; k >= 0; k--) {
    for (let bit = 0; bit < WINDOW; bit++) sum = double(sum);
    sum = add(sum, select(addends, digitOf(scalar, k, WINDOW)));
  }
  return toPoint(sum);
}
