// The encodings of points as bytes: those of RFC 8032 (Ed25519) and those of RFC 9496 (ristretto255). Decoding
// takes the one encoding of a point and nothing else. Comparisons are by order and not by equality, which an engine
// gets wrong where one of two BigInts is part of its read-only image (sealing/self-test.ts).
import { FormatError } from "../encoding/bytes.js";
import { bytesOf, D, type Extended, fromAffine, isZero, negative, numberOf, P } from "./edwards.js";

/** sqrt(-1), and 1/sqrt(a - d) of RFC 9496 section 4.1. */
const SQRT_M1 = 0x2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0n;
const INVSQRT_A_MINUS_D = 0x786c8905cfaffca216c27b91fe01d8409d2f16175a4172be99c8fdaa805d40ean;
const SIGN = 1n << 255n;

const isNegative = (x: bigint) => (x & 1n) > 0n;
const absolute = (x: bigint) => (isNegative(x) ? P - x : x);

function numberOf32(bytes: Uint8Array): bigint {
  if (bytes.length !== 32) throw new FormatError(`${bytes.length} bytes are no encoding of a point`);
  return numberOf(bytes);
}

/** x^(2^times)·y: appends bits to an exponent. */
function raise(x: bigint, times: number, y: bigint): bigint {
  let power = x;
  for (let time = 0; time < times; time++) power = (power * power) % P;
  return (power * y) % P;
}

/** x^((p - 5) / 8) = x^(2^252 - 3), by exponents of ever more ones. */
function root8(x: bigint): bigint {
  const ones2 = raise(x, 1, x);
  const ones5 = raise(raise(ones2, 2, ones2), 1, x);
  const ones10 = raise(ones5, 5, ones5);
  const ones20 = raise(ones10, 10, ones10);
  const ones50 = raise(raise(ones20, 20, ones20), 10, ones10);
  const ones100 = raise(ones50, 50, ones50);
  return raise(raise(raise(ones100, 100, ones100), 50, ones50), 2, x);
}

/** 1/x = x^(p - 2); 0 for 0. */
const inverse = (x: bigint) => raise(root8(x), 3, (x * x * x) % P);

/** SQRT_RATIO_M1 of RFC 9496 section 4.2: the non-negative root of u/v, or of i·u/v where u/v is no square. */
function squareRootOfRatio(u: bigint, v: bigint): { isSquare: boolean; root: bigint } {
  const v3 = (((v * v) % P) * v) % P;
  const root = (u * v3 * root8((((u * v3) % P) * v3 * v) % P)) % P;
  const check = (v * ((root * root) % P)) % P;
  const isFlipped = isZero(check + u);
  const turned = isFlipped || isZero(check + u * SQRT_M1) ? (root * SQRT_M1) % P : root;
  return { isSquare: isFlipped || isZero(check + negative(u)), root: absolute(turned) };
}

/** RFC 8032 section 5.1.2. */
export function encodeEdwards({ X, Y, Z }: Extended): Uint8Array {
  const inverted = inverse(Z);
  const [x, y] = [(X * inverted) % P, (Y * inverted) % P];
  return bytesOf(isNegative(x) ? y | SIGN : y);
}

/** RFC 8032 section 5.1.3, strictly. @throws FormatError for 32 bytes that are no point's encoding. */
export function decodeEdwards(bytes: Uint8Array): Extended {
  const encoded = numberOf32(bytes);
  const y = encoded & (SIGN - 1n);
  const { isSquare, root } = squareRootOfRatio((y * y + P - 1n) % P, (D * y * y + 1n) % P);
  const x = encoded < SIGN ? root : negative(root);
  const isCanonical = y < P && isNegative(x) === encoded >= SIGN;
  if (!isSquare || !isCanonical) throw new FormatError("bytes are no point of edwards25519");
  return fromAffine(x, y);
}

/** RFC 9496 section 4.3.2: of the point's class in ristretto255. */
export function encodeRistretto({ X, Y, Z, T }: Extended): Uint8Array {
  const u1 = ((Z + Y) * (Z + P - Y)) % P;
  const u2 = (X * Y) % P;
  const { root } = squareRootOfRatio(1n, (u1 * ((u2 * u2) % P)) % P);
  const [den1, den2] = [(root * u1) % P, (root * u2) % P];
  const inverted = (((den1 * den2) % P) * T) % P;
  const isRotated = isNegative((T * inverted) % P);
  const x = isRotated ? (Y * SQRT_M1) % P : X;
  const y = isRotated ? (X * SQRT_M1) % P : Y;
  const denominator = isRotated ? (den1 * INVSQRT_A_MINUS_D) % P : den2;
  const signed = isNegative((x * inverted) % P) ? P - y : y;
  return bytesOf(absolute((denominator * (Z + P - signed)) % P));
}

/** RFC 9496 section 4.3.1. @throws FormatError for 32 bytes that are no element's encoding. */
export function decodeRistretto(bytes: Uint8Array): Extended {
  const s = numberOf32(bytes);
  const u1 = negative((s * s + P - 1n) % P);
  const u2 = (s * s + 1n) % P;
  const squared = (u2 * u2) % P;
  const v = negative((D * ((u1 * u1) % P) + squared) % P);
  const { isSquare, root } = squareRootOfRatio(1n, (v * squared) % P);
  const x = absolute((((2n * s * root) % P) * u2) % P);
  const y = (u1 * ((((root * root) % P) * ((u2 * v) % P)) % P)) % P;
  const isCanonical = s < P && !isNegative(s);
  if (!isCanonical || !isSquare || isNegative((x * y) % P) || isZero(y))
    throw new FormatError("bytes are no element of ristretto255");
  return fromAffine(x, y);
}
