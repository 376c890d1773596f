// Signed documents as their readers see them: an envelope of one type, strictly verified under a key that
// the reader already trusts. And signing for the parties that are no meter; the meter signs by itself, over
// tables of its own (sealing/signature.ts).
import { ed25519 } from "@noble/curves/ed25519.js";
import type { Certificate } from "../trusted/authority/certificate.js";
import { sameBytes } from "../trusted/encoding/bytes.js";
import {
  type DocumentType,
  decodeSign1,
  encodeSign1,
  type Sign1,
  toBeSigned,
} from "../trusted/encoding/cose.js";
import { keyId, verifyDocument } from "../trusted/sealing/signature.js";
import { makeCommitmentKey } from "./generators.js";
import type { Hashes } from "./group/hashes.js";

/**
 * Well-formed evidence that does not prove what it is shown for; its text is the reason. Bytes that are not
 * what their format says throw FormatError instead.
 */
export class VerificationError extends Error {
  override readonly name = "VerificationError";
}

/**
 * Throws VerificationError with this reason unless the condition holds.
 * @param reason or what gives it, where it is asked for so often that texts which nobody reads would cost.
 */
export function ensure(condition: boolean, reason: string | (() => string)): asserts condition {
  if (!condition) throw new VerificationError(typeof reason === "string" ? reason : reason());
}

/**
 * Checks that `publicKey` (Ed25519, 32 bytes) has signed a document of `type`. The key id is a hint and proves
 * nothing, but one of another key is refused, so that no bit of a document can change unseen.
 * @throws VerificationError for another key or another signature.
 */
export function checkSignature(type: DocumentType, document: Sign1, publicKey: Uint8Array): void {
  ensure(sameBytes(document.kid, keyId(publicKey)), `${type}: signed by another key`);
  ensure(
    verifyDocument(type, document, publicKey, makeCommitmentKey().base),
    `${type}: signature does not verify`,
  );
}

/**
 * How a verifier checks what needs arithmetic on the curve: at once, or taken down and checked together with much
 * else. What a check that is put off throws, it throws when its verifier comes to it.
 */
export interface EvidenceChecks {
  readonly hashes: Hashes;
  /** That `publicKey` has signed the document. @throws VerificationError */
  signature(type: DocumentType, document: Sign1, publicKey: Uint8Array): void;
  /**
   * That the signing key is a canonical point and not of small order, and the agreement key a canonical element
   * and not the identity. @throws FormatError
   */
  keys(certificate: Certificate): void;
}

/**
 * The payload of a document of `type` that `publicKey` has signed; what it says is not yet looked at.
 * @param maxPayload largest payload accepted, bytes.
 * @param checks how; by default at once.
 * @throws FormatError for bytes that are no such document, VerificationError for another key or signature.
 */
export function verifySigned(
  type: DocumentType,
  bytes: Uint8Array,
  publicKey: Uint8Array,
  maxPayload: number,
  checks: Pick<EvidenceChecks, "signature"> = { signature: checkSignature },
): Uint8Array {
  const document = decodeSign1(bytes, type, maxPayload);
  checks.signature(type, document, publicKey);
  return document.payload;
}

/**
 * A COSE_Sign1 of `type` around `payload`, for the authority, a supplier, a network or an aggregator.
 * @param payload deterministic CBOR, by the caller's promise.
 * @param seed the 32-byte secret key of RFC 8032. Signing is deterministic.
 */
export function signWithKey(type: DocumentType, payload: Uint8Array, seed: Uint8Array): Uint8Array {
  const signature = ed25519.sign(toBeSigned(type, payload), seed);
  return encodeSign1(type, { kid: keyId(ed25519.getPublicKey(seed)), payload, signature });
}
