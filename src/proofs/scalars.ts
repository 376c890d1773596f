// Vectors of scalars modulo l, as proofs need them. Sums are reduced once at their end and not term by term,
// because a reduction costs three times a multiplication.
import { ed25519 } from "@noble/curves/ed25519.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { L, numberOf } from "../trusted/sealing/edwards.js";

const Fn = ed25519.Point.Fn;

export const SCALAR_BYTES = 32;
/** Bytes of uniform randomness that a uniform scalar is made from. */
export const WIDE_BYTES = 64;

/** The representative of any integer in [0, l). */
export function modulo(value: bigint): bigint {
  const rest = value % L;
  return rest < 0n ? rest + L : rest;
}

/** 1, x, x^2, ... */
export function powers(x: bigint, count: number): bigint[] {
  const list = new Array<bigint>(count);
  let power = 1n;
  for (let at = 0; at < count; at++) {
    list[at] = power;
    power = (power * x) % L;
  }
  return list;
}

/** 1 + x + ... + x^(count - 1), for a count that is a power of two. */
export function sumOfPowers(x: bigint, count: number): bigint {
  let [sum, power] = [1n, x];
  for (let done = 1; done < count; done *= 2) {
    sum = (sum * (1n + power)) % L;
    power = (power * power) % L;
  }
  return sum;
}

/** Of vectors of one length. */
export function innerProduct(a: readonly bigint[], b: readonly bigint[]): bigint {
  if (a.length !== b.length) throw new Error(`vectors of ${a.length} and ${b.length}`);
  let sum = 0n;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0n) * (b[at] ?? 0n);
  return sum % L;
}

/** 1/x; asserts that x is not zero, which no challenge is but with a chance of 2^-252. */
export const inverse = (x: bigint): bigint => Fn.inv(x);

/** The inverses of non-zero scalars, for the price of one (Montgomery's trick). */
export function inverses(list: readonly bigint[]): bigint[] {
  const before: bigint[] = [];
  let product = 1n;
  for (const x of list) {
    before.push(product);
    product = (product * x) % L;
  }
  let rest = inverse(product);
  const result = new Array<bigint>(list.length);
  for (let at = list.length - 1; at >= 0; at--) {
    result[at] = (rest * (before[at] ?? 0n)) % L;
    rest = (rest * (list[at] ?? 0n)) % L;
  }
  return result;
}

/** The scalar that 64 uniform bytes stand for: little-endian, modulo l. */
export const wideScalar = (bytes: Uint8Array): bigint => numberOf(bytes) % L;

/** The scalar of 32 little-endian bytes. @throws FormatError naming `what` for l or more. */
export function readScalar(bytes: Uint8Array, what: string): bigint {
  const scalar = numberOf(bytes);
  if (bytes.length !== SCALAR_BYTES || scalar >= L) throw new FormatError(`${what}: no canonical scalar`);
  return scalar;
}
