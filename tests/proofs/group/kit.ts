// What the tests of both groups share: the two, numbers as bytes, and the points of small order.
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import type { Group, Points } from "../../../src/proofs/group/group.js";
import { EncodingError } from "../../../src/proofs/group/group.js";
import { nobleGroup } from "../../../src/proofs/group/noble.js";
import { fastGroup } from "../../../src/proofs/group/wasm.js";

export const GROUPS: readonly Group[] = [nobleGroup, fastGroup()];
export const ORDER = ed25519.Point.Fn.ORDER;
export const P = ed25519.Point.Fp.ORDER;
/** Ed25519 encodings of the eight points of small order; those of order 1, 2 and 4 are in every coset. */
export const TORSION = ED25519_TORSION_SUBGROUP.map(hexToBytes);

export const le32 = (value: bigint) => numberToBytesLE(value, 32);
export const joined = (parts: readonly Uint8Array[]) => concatBytes(...parts);
export const hexOf = (group: Group, points: Points) => bytesToHex(group.encode(points));

/** Scalars at the ends of the range, short ones, and any. */
export const scalars = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 15n, 16n, 2n ** 128n - 1n, 2n ** 252n - 1n, 2n ** 252n, ORDER - 2n, ORDER - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
  fc.bigInt({ min: 0n, max: ORDER - 1n }),
);
export const uniform = fc.uint8Array({ minLength: 64, maxLength: 64 });

/** `count` numbers below `bound` that look random and are always the same. */
export function spread(count: number, bound: bigint): bigint[] {
  let state = 1n;
  return Array.from({ length: count }, () => {
    state = (state * 0x9e3779b97f4a7c15f39cc0605cedc834n + 0x1082276bf3a27251n) % 2n ** 255n;
    return ((state * state) >> 3n) % bound;
  });
}

/** Points that look random: the same in every group. */
export const spreadPoints = (group: Group, count: number) =>
  group.fromUniform(joined(spread(2 * count, 2n ** 255n).map(le32)));

/** The number of the element that is refused. @throws what is no EncodingError. */
export function refusedIndex(decode: () => unknown): number | "none" {
  try {
    decode();
  } catch (error) {
    if (error instanceof EncodingError) return error.index;
    throw error;
  }
  return "none";
}
