// Ed25519 (RFC 8032) over the unit's own table of B, and strict verification. Signing is deterministic: it
// needs no entropy, so a weak generator cannot leak the key.
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { type DocumentType, encodeSign1, type Sign1, toBeSigned } from "../encoding/cose.js";
import { add, bytesOf, type Extended, isNeutral, L, multiply, negate, numberOf } from "./edwards.js";
import { decodeEdwards, encodeEdwards } from "./encodings.js";
import type { FixedBaseTable } from "./fixed-base.js";
import { digest, scalarFrom } from "./keys.js";

/** Hint that names a public key in a COSE header: H(key)[0..8]. */
export const keyId = (publicKey: Uint8Array) => digest(publicKey).slice(0, 8);

export class SigningKey {
  readonly publicKey: Uint8Array;
  readonly #table: FixedBaseTable;
  readonly #scalar: bigint;
  readonly #prefix: Uint8Array;

  /**
   * @param seed the 32-byte secret key of RFC 8032.
   * @param table the table of B.
   */
  constructor(seed: Uint8Array, table: FixedBaseTable) {
    const expanded = sha512(seed);
    expanded[0] = (expanded[0] as number) & 248;
    expanded[31] = ((expanded[31] as number) & 127) | 64;
    this.#table = table;
    this.#scalar = scalarFrom(expanded.subarray(0, 32));
    this.#prefix = expanded.subarray(32);
    this.publicKey = encodeEdwards(table.multiply(bytesOf(this.#scalar)));
  }

  /** The 64-byte signature of RFC 8032 section 5.1.6. */
  sign(message: Uint8Array): Uint8Array {
    const nonce = scalarFrom(sha512(concatBytes(this.#prefix, message)));
    const commitment = encodeEdwards(this.#table.multiply(bytesOf(nonce)));
    const challenge = scalarFrom(sha512(concatBytes(commitment, this.publicKey, message)));
    return concatBytes(commitment, bytesOf((nonce + challenge * this.#scalar) % L));
  }

  /** A COSE_Sign1 of `type` around `payload`, which must be deterministic CBOR. */
  signDocument(type: DocumentType, payload: Uint8Array): Uint8Array {
    const signature = this.sign(toBeSigned(type, payload));
    return encodeSign1(type, { kid: keyId(this.publicKey), payload, signature });
  }
}

const twice = (point: Extended) => add(point, point);
const eightfold = (point: Extended) => twice(twice(twice(point)));

/**
 * Strict verification: canonical A and R, S < l, A not of small order, then the cofactored equation
 * 8·S·B = 8·R + 8·k·A. False for whatever is not a valid signature; it does not throw. Nothing is secret here,
 * so its time may depend on what it is given.
 * @param key the public key, A.
 * @param base the table of B: noble's own table would take 300 KB of a meter's RAM.
 */
export function verify(signature: Uint8Array, message: Uint8Array, key: Uint8Array, base: FixedBaseTable) {
  try {
    const encodedR = signature.subarray(0, 32);
    const [A, R] = [decodeEdwards(key), decodeEdwards(encodedR)];
    const S = signature.subarray(32);
    if (isNeutral(eightfold(A)) || S.length !== 32 || numberOf(S) >= L) return false;
    const challenge = scalarFrom(sha512(concatBytes(encodedR, key, message)));
    const right = add(R, multiply(A, bytesOf(challenge)));
    return isNeutral(eightfold(add(right, negate(base.multiply(S)))));
  } catch {
    return false;
  }
}

/** Whether a document is of `type` and signed by the public key `key`: `verify` over what COSE signs. */
export const verifyDocument = (type: DocumentType, document: Sign1, key: Uint8Array, base: FixedBaseTable) =>
  verify(document.signature, toBeSigned(type, document.payload), key, base);
