// Encodings of points and scalars that a careless verifier takes: points of small order, encodings above the
// prime, the identity, scalars at and above the group order. After "Taming the many EdDSAs" (Chalkias,
// Garillot, Nikolaenko, 2020) and RFC 9496 section 4.3.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { concatBytes } from "@noble/hashes/utils.js";

const P = ed25519.Point.Fp.ORDER;
const L = ed25519.Point.Fn.ORDER;
const SIGN = 1n << 255n;
const HALF = 32;

/** y of a point of order 8. */
const Y8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
/** y of all points of small order. */
const SMALL_ORDER_Y = [0n, 1n, P - 1n, Y8, P - Y8];

const points = SMALL_ORDER_Y.flatMap((y) => [y, y | SIGN]);
/** The 19 values that 255 bits can write twice, by their second way. */
const aboveTheField = Array.from({ length: 19 }, (_, y) => P + BigInt(y)).flatMap((y) => [y, y | SIGN]);
const scalars = [0n, 1n, L - 1n, L, L + 1n, 2n * L, 8n * L, (1n << 252n) - 1n, (1n << 256n) - 1n];

/** 32 bytes each, in the place of a key, of R, of S, of an opening or of a group element. */
export const HOSTILE_32: readonly Uint8Array[] = [...points, ...aboveTheField, ...scalars].map((value) =>
  numberToBytesLE(value, HALF),
);

/** The same S modulo l, as far as 32 bytes hold it: S + l, S + 2l ... */
export function raisedScalar(bytes: Uint8Array, times: number): Uint8Array {
  return numberToBytesLE((bytesToNumberLE(bytes) + L * BigInt(times)) % (1n << 256n), HALF);
}

/** The same point with y + p, if 255 bits hold it; else with the other sign. */
export function otherPoint(bytes: Uint8Array): Uint8Array {
  const value = bytesToNumberLE(bytes);
  const y = (value & (SIGN - 1n)) + P;
  return numberToBytesLE(y < SIGN ? y | (value & SIGN) : value ^ SIGN, HALF);
}

/** The point of a public key or of R with a point of order 8 added: equal to it only under a cofactor. */
export function torsioned(bytes: Uint8Array): Uint8Array {
  try {
    const order8 = ed25519.Point.fromBytes(numberToBytesLE(Y8, HALF));
    return ed25519.Point.fromBytes(bytes).add(order8).toBytes();
  } catch {
    return otherPoint(bytes);
  }
}

/** Hostile signatures out of a good one. */
export const signatureMutants: readonly ((signature: Uint8Array) => Uint8Array)[] = [
  (good) => concatBytes(good.slice(0, HALF), raisedScalar(good.slice(HALF), 1)),
  (good) => concatBytes(good.slice(0, HALF), raisedScalar(good.slice(HALF), 2)),
  (good) => concatBytes(otherPoint(good.slice(0, HALF)), good.slice(HALF)),
  (good) => concatBytes(torsioned(good.slice(0, HALF)), good.slice(HALF)),
  (good) => concatBytes(good.slice(HALF), good.slice(0, HALF)),
  () => new Uint8Array(2 * HALF),
  () => concatBytes(numberToBytesLE(1n, HALF), new Uint8Array(HALF)),
];
