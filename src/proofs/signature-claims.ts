// Ed25519 signatures claimed and not yet verified, and their verification, of one or of many together. The equation
// is the cofactored one, so that a signature is accepted in a batch exactly if it is accepted alone (Chalkias,
// Garillot and Nikolaenko, "Taming the many EdDSAs", 2020); everything else is as strict as the meter's own
// verification (trusted/sealing/signature.ts).
import { concatBytes } from "@noble/hashes/utils.js";
import { type DocumentType, type Sign1, toBeSigned } from "../trusted/encoding/cose.js";
import { L, numberOf } from "../trusted/sealing/edwards.js";
import { ENCODING_BYTES, EncodingError, type Group, type Points } from "./group/group.js";
import type { Hashes } from "./group/hashes.js";
import { limbsOf, ProductSum } from "./product-sums.js";

export interface SignatureClaim {
  /** A, 32 bytes. Claims under one key share the array, so that the key is decoded once. */
  readonly key: Uint8Array;
  /** R and S, 64 bytes. */
  readonly signature: Uint8Array;
  /** k = SHA-512(R || A || M), 64 bytes little-endian, not yet reduced modulo l. */
  readonly challenge: Uint8Array;
}

const PREFIXES = new Map<string, Uint8Array>();
/** Most prefixes that are kept: documents of a type differ in length by a few bytes. */
const PREFIXES_MAX = 1024;

/** What stands before a payload of `length` bytes in `toBeSigned`: the same for all of them. */
function prefixOf(type: DocumentType, length: number): Uint8Array {
  const name = `${type} ${length}`;
  const known = PREFIXES.get(name);
  if (known) return known;
  if (PREFIXES.size >= PREFIXES_MAX) PREFIXES.clear();
  const message = toBeSigned(type, new Uint8Array(length));
  const prefix = message.slice(0, message.length - length);
  PREFIXES.set(name, prefix);
  return prefix;
}

/** The claim that `key` has signed a document of `type`. */
export function claimOf(
  type: DocumentType,
  { payload, signature }: Sign1,
  key: Uint8Array,
  hashes: Hashes,
): SignatureClaim {
  const prefix = prefixOf(type, payload.length);
  const before = 2 * ENCODING_BYTES + prefix.length;
  const message = new Uint8Array(before + payload.length);
  message.set(signature.subarray(0, ENCODING_BYTES));
  message.set(key, ENCODING_BYTES);
  message.set(prefix, 2 * ENCODING_BYTES);
  message.set(payload, before);
  return { key, signature, challenge: hashes.sha512(message) };
}

/**
 * Whether all claims are true: canonical A and R, S < l, no A of small order, and
 * 8·(sum z_i·(S_i·B - R_i - k_i·A_i)) = 0.
 * @param coefficients z_i: of more than one claim, 128 random bits each that no signer could foresee; a false
 *   claim then passes with a probability of 2^-128.
 */
export function areSigned(
  claims: readonly SignatureClaim[],
  coefficients: readonly bigint[],
  group: Group,
): boolean {
  const limbs = limbsOf(coefficients);
  const ofBase = new ProductSum();
  const ofKeys = new Map<Uint8Array, ProductSum>();
  const encodedRs = new Uint8Array(claims.length * ENCODING_BYTES);
  for (const [at, { key, signature, challenge }] of claims.entries()) {
    const S = signature.subarray(ENCODING_BYTES);
    if (!isBelowOrder(S)) return false;
    const coefficient = limbs[at];
    if (!coefficient) throw new Error("a claim has no coefficient");
    ofBase.add(coefficient, S);
    const ofKey = ofKeys.get(key) ?? new ProductSum();
    ofKey.add(coefficient, challenge);
    ofKeys.set(key, ofKey);
    encodedRs.set(signature.subarray(0, ENCODING_BYTES), at * ENCODING_BYTES);
  }
  const keys = signingKeys([...ofKeys.keys()], group);
  const Rs = decodedOrNull(() => group.decodeEd25519(encodedRs));
  if (keys === null || Rs === null) return false;
  const reduced = [...ofKeys.values()].map((sum) => sum.value() % L);
  const scalars = [(L - (ofBase.value() % L)) % L, ...reduced, ...coefficients];
  return group.isTorsion(group.sum(scalars, group.concat([group.base, keys, Rs])));
}

/** The highest byte of l: a scalar that has a lower one is below l. */
const ORDER_TOP = Number(L >> 248n);

/** Whether 32 bytes are a scalar below l. */
function isBelowOrder(scalar: Uint8Array): boolean {
  if (scalar.length !== ENCODING_BYTES) return false;
  return (scalar[ENCODING_BYTES - 1] ?? 0) < ORDER_TOP || numberOf(scalar) < L;
}

/** The points of signing keys; null unless all are canonical, and none of small order. */
export function signingKeys(keys: readonly Uint8Array[], group: Group): Points | null {
  const points = decodedOrNull(() => group.decodeEd25519(concatBytes(...keys)));
  if (points === null) return null;
  for (let at = 0; at < points.length; at++) {
    if (group.isTorsion(points.slice(at, at + 1))) return null;
  }
  return points;
}

/** Decoded points, or null where an encoding is refused. */
export function decodedOrNull(decode: () => Points): Points | null {
  try {
    return decode();
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}
