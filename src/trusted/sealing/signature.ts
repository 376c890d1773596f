// Ed25519 (RFC 8032) over the unit's own table of B, and strict verification. Signing is deterministic: it
// needs no entropy, so a weak generator cannot leak the key.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { type DocumentType, encodeSign1, type Sign1, toBeSigned } from "../encoding/cose.js";
import { scalarBytes } from "./commitment.js";
import { type EdwardsPoint, multiply } from "./edwards.js";
import type { FixedBaseTable } from "./fixed-base.js";
import { digest, scalarFrom } from "./keys.js";

const Fn = ed25519.Point.Fn;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

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
    const clamped = expanded.slice(0, 32);
    clamped[0] = (clamped[0] as number) & 248;
    clamped[31] = ((clamped[31] as number) & 127) | 64;
    this.#table = table;
    this.#scalar = Fn.create(bytesToNumberLE(clamped));
    this.#prefix = expanded.slice(32);
    this.publicKey = table.multiply(scalarBytes(this.#scalar)).toBytes();
  }

  /** The 64-byte signature of RFC 8032 section 5.1.6. */
  sign(message: Uint8Array): Uint8Array {
    const nonce = scalarFrom(sha512(concatBytes(this.#prefix, message)));
    const commitment = this.#table.multiply(scalarBytes(nonce)).toBytes();
    const challenge = scalarFrom(sha512(concatBytes(commitment, this.publicKey, message)));
    return concatBytes(commitment, scalarBytes(Fn.create(nonce + challenge * this.#scalar)));
  }

  /** A COSE_Sign1 of `type` around `payload`, which must be deterministic CBOR. */
  signDocument(type: DocumentType, payload: Uint8Array): Uint8Array {
    const signature = this.sign(toBeSigned(type, payload));
    return encodeSign1(type, { kid: keyId(this.publicKey), payload, signature });
  }
}

/** The point of a canonical encoding (RFC 8032 section 5.1.3), or null. */
function decodePoint(bytes: Uint8Array): EdwardsPoint | null {
  try {
    return ed25519.Point.fromBytes(bytes);
  } catch {
    return null;
  }
}

/**
 * Strict verification: canonical A and R, S < l, A not of small order, then the cofactored equation
 * 8·S·B = 8·R + 8·k·A. False for whatever is not a valid signature; it does not throw. Nothing is secret here,
 * so its time may depend on what it is given.
 * @param base the table of B: noble's own table would take 300 KB of a meter's RAM.
 */
export function verify(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
  base: FixedBaseTable,
): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== KEY_BYTES) return false;
  const encodedR = signature.subarray(0, KEY_BYTES);
  const encodedS = signature.subarray(KEY_BYTES);
  const [A, R] = [decodePoint(publicKey), decodePoint(encodedR)];
  if (!A || !R || A.isSmallOrder() || !Fn.isValid(bytesToNumberLE(encodedS))) return false;
  const challenge = scalarFrom(sha512(concatBytes(encodedR, publicKey, message)));
  const difference = R.add(multiply(A, scalarBytes(challenge))).subtract(base.multiply(encodedS));
  return difference.clearCofactor().is0();
}

/** Whether a document is of `type` and signed by `publicKey`: `verify` over what COSE signs. */
export const verifyDocument = (
  type: DocumentType,
  { payload, signature }: Sign1,
  publicKey: Uint8Array,
  base: FixedBaseTable,
) => verify(signature, toBeSigned(type, payload), publicKey, base);
