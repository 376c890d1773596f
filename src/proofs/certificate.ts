// What the authority says of a meter: whose keys these are, which software, what it measures, and until when
// to believe it (certificate); and up to which batch a lost or broken key is still believed (revocation).
import { ed25519, ristretto255 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type Certificate, readCertificate } from "../trusted/authority/certificate.js";
import { readMeterId } from "../trusted/authority/configuration.js";
import { FormatError, sameBytes } from "../trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, tstr } from "../trusted/encoding/cbor.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { nobleHashes } from "./group/hashes.js";
import { checkSignature, type EvidenceChecks, ensure, verifySigned } from "./signed.js";

const KEY_BYTES = 32;
/** The largest certificate has 321 bytes: 8 channels, a meter id of 32 characters. */
const CERTIFICATE_PAYLOAD_MAX = 384;
/** Most entries of a revocation; the authority drops those whose certificates have expired. */
export const REVOKED_MAX = 4096;
/** An entry has at most 74 bytes. */
const REVOCATION_PAYLOAD_MAX = 16 + 74 * REVOKED_MAX;

export interface RevokedKey {
  readonly meterId: string;
  readonly signingKey: Uint8Array;
  /** Batches with a higher number are not believed, u32. */
  readonly lastGoodBatchNumber: number;
}

export interface Revocation {
  /** Unix seconds, u32: of two revocations the later holds. */
  readonly issuedAt_s: number;
  /** At most REVOKED_MAX, each meter's key once. */
  readonly revoked: readonly RevokedKey[];
}

/** Whether this is a canonical Ed25519 point that is not of small order: under such a key anything would verify. */
const isSigningKey = (key: Uint8Array) =>
  isCanonical(() => ed25519.Point.fromBytes(key).isSmallOrder() === false);

const isElement = (bytes: Uint8Array) =>
  isCanonical(() => ristretto255.Point.fromBytes(bytes).is0() === false);

/**
 * The next item, a public point of a key agreement.
 * @throws FormatError unless it is a canonical ristretto255 element and not the identity.
 */
export function readElement(reader: CborReader, what: string): Uint8Array {
  const element = reader.bytes(KEY_BYTES);
  return isElement(element)
    ? element
    : reader.refuse(`${what} is not a canonical element, or is the identity`);
}

/** False also when decoding throws, as noble does for every encoding that is not the canonical one. */
function isCanonical(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}

/** The payload to be signed. @throws FormatError for whatever `decodeCertificate` would refuse. */
export function encodeCertificate(certificate: Certificate): Uint8Array {
  const payload = map(
    [1, tstr(certificate.meterId)],
    [2, bstr(certificate.signingKey)],
    [3, bstr(certificate.agreementKey)],
    [4, bstr(certificate.softwareId)],
    [5, int(certificate.intervalSeconds)],
    [6, array(...certificate.channels.map(tstr))],
    [7, int(certificate.notBefore_s)],
    [8, int(certificate.notAfter_s)],
    [9, int(certificate.role)],
  );
  decodeCertificate(payload);
  return payload;
}

/**
 * Takes the payload of a certificate apart; its signature is the caller's to have checked.
 * @throws FormatError for malformed bytes, a value out of its range, or a key that cannot be one.
 */
export function decodeCertificate(payload: Uint8Array): Certificate {
  const certificate = readCertificate(payload);
  checkKeys(certificate);
  return certificate;
}

/** @throws FormatError for a key that cannot be one. */
function checkKeys({ signingKey, agreementKey }: Certificate): void {
  if (!isSigningKey(signingKey)) throw badSigningKey();
  if (!isElement(agreementKey)) throw badAgreementKey();
}

/** What a key that cannot be one is refused with, whoever finds it out. */
export const badSigningKey = () =>
  new FormatError("certificate: signing key is not a canonical point, or is of small order");
export const badAgreementKey = () =>
  new FormatError("certificate: agreement key is not a canonical element, or is the identity");

/** Each check at once, by noble. */
export const atOnce: EvidenceChecks = { hashes: nobleHashes, signature: checkSignature, keys: checkKeys };

/**
 * @param authorityKey Ed25519 public key, 32 bytes.
 * @param checks how; by default at once.
 * @throws FormatError for malformed bytes, VerificationError if the authority has not signed it.
 */
export function verifyCertificate(
  bytes: Uint8Array,
  authorityKey: Uint8Array,
  checks: EvidenceChecks = atOnce,
): Certificate {
  const payload = verifySigned("certificate-1", bytes, authorityKey, CERTIFICATE_PAYLOAD_MAX, checks);
  const certificate = readCertificate(payload);
  checks.keys(certificate);
  return certificate;
}

/** A certificate that follows another for the same meter and keys, and its COSE_Sign1. */
export interface Renewal {
  readonly certificate: Certificate;
  readonly document: Uint8Array;
}

/** Most renewals of a certificate that anyone looks at. */
export const RENEWALS_MAX = 64;

/**
 * Verifies renewals: what else the authority has certified of the same meter and keys, for software that came
 * later or for a later time.
 * @throws FormatError for malformed or too many documents, VerificationError if the authority has not signed one,
 *   or it is of another meter, other keys, channels or interval length.
 */
export function verifyRenewals(
  documents: readonly Uint8Array[],
  certificate: Certificate,
  authorityKey: Uint8Array,
  checks: EvidenceChecks = atOnce,
): Renewal[] {
  if (documents.length > RENEWALS_MAX) throw new FormatError(`more than ${RENEWALS_MAX} certificates`);
  return documents.map((document) => {
    const renewal = verifyCertificate(document, authorityKey, checks);
    const { softwareId, notBefore_s, notAfter_s } = certificate;
    const same = encodeCertificate({ ...renewal, softwareId, notBefore_s, notAfter_s });
    const isSame = sameBytes(same, encodeCertificate(certificate));
    ensure(isSame, `certificate of ${renewal.meterId}: renews none of ${certificate.meterId} and its keys`);
    return { certificate: renewal, document };
  });
}

/** The payload to be signed. @throws FormatError for whatever `decodeRevocation` would refuse. */
export function encodeRevocation({ issuedAt_s, revoked }: Revocation): Uint8Array {
  const entries = revoked.map(({ meterId, signingKey, lastGoodBatchNumber }) =>
    array(tstr(meterId), bstr(signingKey), int(lastGoodBatchNumber)),
  );
  const payload = map([1, int(issuedAt_s)], [2, array(...entries)]);
  decodeRevocation(payload);
  return payload;
}

function readRevokedKey(reader: CborReader): RevokedKey {
  reader.array(3);
  return {
    meterId: readMeterId(reader),
    signingKey: reader.bytes(KEY_BYTES),
    lastGoodBatchNumber: reader.uint(U32_MAX),
  };
}

/**
 * Takes the payload of a revocation apart; its signature is the caller's to have checked.
 * @throws FormatError for malformed bytes, more than REVOKED_MAX entries, or a key listed twice.
 */
export function decodeRevocation(payload: Uint8Array): Revocation {
  const reader = new CborReader(payload, "revocation");
  reader.map(2);
  const issuedAt_s = reader.key(1).uint(U32_MAX);
  const length = reader.key(2).array(0, REVOKED_MAX);
  const revoked = Array.from({ length }, () => readRevokedKey(reader));
  reader.end();
  const names = new Set(revoked.map(({ meterId, signingKey }) => `${meterId} ${bytesToHex(signingKey)}`));
  if (names.size !== revoked.length) reader.refuse("the same key is revoked twice");
  return { issuedAt_s, revoked };
}

/**
 * @param authorityKey Ed25519 public key, 32 bytes.
 * @throws FormatError for malformed bytes, VerificationError if the authority has not signed it.
 */
export function verifyRevocation(bytes: Uint8Array, authorityKey: Uint8Array): Revocation {
  return decodeRevocation(verifySigned("revocation-1", bytes, authorityKey, REVOCATION_PAYLOAD_MAX));
}

/** Whether a batch of the certificate's meter and key is one that the revocation says not to believe. */
export function isRevoked(revocation: Revocation, certificate: Certificate, batchNumber: number): boolean {
  return revocation.revoked.some(
    ({ meterId, signingKey, lastGoodBatchNumber }) =>
      meterId === certificate.meterId &&
      sameBytes(signingKey, certificate.signingKey) &&
      batchNumber > lastGoodBatchNumber,
  );
}
