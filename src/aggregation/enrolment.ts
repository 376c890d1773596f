// Who may be in a group: household meters by their certificates. And how many meters are cut into groups: close to
// equal, none too small to hide a household, none too large for a meter to pair with.

import { bytesToHex } from "@noble/hashes/utils.js";
import { type Revocation, verifyCertificate } from "../proofs/certificate.js";
import { ensure } from "../proofs/signed.js";
import { type Certificate, Role } from "../trusted/authority/certificate.js";
import { MEMBERS_MAX, type Member } from "../trusted/blinding/roster.js";
import { FormatError, sameBytes } from "../trusted/encoding/bytes.js";

/** Largest document that a unit takes, bytes. */
export const DOCUMENT_BYTES_MAX = 512;
/** Least meters that any group can have. */
export const GROUP_MIN = 10;

/** A household meter whose certificate was verified. */
export interface Enrolled extends Member {
  readonly certificate: Certificate;
  /** The certificate's COSE_Sign1, at most 512 bytes. */
  readonly document: Uint8Array;
}

export interface GroupSizes {
  /** Meters that a group should have at most, up to 128: fewer groups leak less. */
  readonly target?: number;
  /** Meters that a group must have, 10 to 128. */
  readonly minimum?: number;
}

/**
 * Admits a meter by its certificate.
 * @param revocation the newest, as `verifyRevocation` returned it. A revoked key is refused whatever its last good
 *   batch was: those batches were sealed before, and the shares of a roster come after.
 * @throws FormatError for malformed bytes, VerificationError for another signer, a revoked key or a feeder.
 */
export function enrolMeter(
  document: Uint8Array,
  authorityKey: Uint8Array,
  revocation: Revocation | null,
): Enrolled {
  if (document.length > DOCUMENT_BYTES_MAX)
    throw new FormatError(`a certificate of ${document.length} bytes`);
  const certificate = verifyCertificate(document, authorityKey);
  const { meterId, signingKey, agreementKey: X, role } = certificate;
  ensure(role === Role.HOUSEHOLD, `${meterId} is certified for a feeder, not for a household`);
  const isRevoked = revocation?.revoked.some(
    (key) => key.meterId === meterId && sameBytes(key.signingKey, signingKey),
  );
  ensure(isRevoked !== true, `${meterId}: the key is revoked`);
  return { meterId, X, certificate, document };
}

/**
 * The members in the order of a roster, ascending by meterId.
 * @throws VerificationError for two of one name or one agreement key.
 */
export function inOrder<M extends Member>(members: readonly M[]): M[] {
  const sorted = [...members].sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
  const keys = new Map<string, string>();
  sorted.forEach(({ meterId, X }, at) => {
    ensure(meterId !== sorted[at - 1]?.meterId, `${meterId} is named twice`);
    const key = bytesToHex(X);
    ensure(!keys.has(key), `${meterId} and ${keys.get(key)} have one agreement key`);
    keys.set(key, meterId);
  });
  return sorted;
}

/**
 * Cuts meters into groups: neighbours by meterId, sizes that differ by one at most. There are as few groups as the
 * target allows, and fewer where they would fall below the minimum.
 * @throws VerificationError if no sizes from the minimum to 128 add up to so many meters, or two are the same.
 */
export function formGroups<M extends Member>(
  meters: readonly M[],
  { target = MEMBERS_MAX, minimum = 40 }: GroupSizes = {},
): M[][] {
  const isSize = (size: number) => Number.isInteger(size) && size <= MEMBERS_MAX;
  ensure(isSize(minimum) && minimum >= GROUP_MIN, `a minimum of ${minimum} is not 10 to ${MEMBERS_MAX}`);
  ensure(isSize(target) && target >= minimum, `a target of ${target} is not ${minimum} to ${MEMBERS_MAX}`);
  const sorted = inOrder(meters);
  const count = Math.min(Math.ceil(sorted.length / target), Math.floor(sorted.length / minimum));
  const fits = count > 0 && sorted.length <= count * MEMBERS_MAX;
  ensure(fits, `${sorted.length} meters make no groups of ${minimum} to ${MEMBERS_MAX}`);
  return cutEvenly(sorted, count);
}

/** Cuts a list into so many pieces, whose sizes differ by one at most. */
export function cutEvenly<T>(list: readonly T[], pieces: number): T[][] {
  const edge = (piece: number) => Math.floor((piece * list.length) / pieces);
  return Array.from({ length: pieces }, (_, piece) => list.slice(edge(piece), edge(piece + 1)));
}
