// Signatures and keys of evidence, checked by any group: at once, so that the first that is wrong is named; or
// taken down, and checked together with those of much other evidence, which says only whether all are right.
import { concatBytes } from "@noble/hashes/utils.js";
import type { Certificate } from "../trusted/authority/certificate.js";
import type { DocumentType, Sign1 } from "../trusted/encoding/cose.js";
import type { Arithmetic } from "./arithmetic.js";
import { badAgreementKey, badSigningKey } from "./certificate.js";
import { KID_BYTES } from "./envelope.js";
import { equalBytes } from "./equal-bytes.js";
import type { Group } from "./group/group.js";
import type { Hashes } from "./group/hashes.js";
import { areSigned, claimOf, decodedOrNull, type SignatureClaim, signingKeys } from "./signature-claims.js";
import { type EvidenceChecks, ensure } from "./signed.js";
import type { Entropy } from "./transcript.js";

/** Bytes of a random coefficient. */
const COEFFICIENT_BYTES = 16;
const COEFFICIENT_BITS = 128n;

/** 128 random bits for each of `count` equations that are checked as one. */
export function coefficientsFor(count: number, entropy: Entropy): bigint[] {
  const bytes = entropy(count * COEFFICIENT_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * COEFFICIENT_BYTES);
  return Array.from({ length: count }, (_, at) => {
    const low = view.getBigUint64(at * COEFFICIENT_BYTES, true);
    const high = view.getBigUint64(at * COEFFICIENT_BYTES + COEFFICIENT_BYTES / 2, true);
    return (high << (COEFFICIENT_BITS / 2n)) | low;
  });
}

const areElements = (encodings: readonly Uint8Array[], group: Group) => {
  const points = decodedOrNull(() => group.decode(concatBytes(...encodings)));
  if (points === null) return false;
  return encodings.every((_, at) => !group.isZero(points.slice(at, at + 1)));
};

/** What `checkSignature` (signed.ts) says of a document with another key's id. */
function ensureKid(type: DocumentType, kid: Uint8Array, keyId: Uint8Array): void {
  ensure(equalBytes(kid, keyId), `${type}: signed by another key`);
}

const keyIdOf = (publicKey: Uint8Array, hashes: Hashes) => hashes.sha256(publicKey).slice(0, KID_BYTES);

/** Each check at once. */
export const checksAtOnce = ({ group, hashes }: Arithmetic): EvidenceChecks => ({
  hashes,
  signature(type, document, publicKey) {
    ensureKid(type, document.kid, keyIdOf(publicKey, hashes));
    const isSigned = areSigned([claimOf(type, document, publicKey, hashes)], [1n], group);
    ensure(isSigned, `${type}: signature does not verify`);
  },
  keys({ signingKey, agreementKey }) {
    if (signingKeys([signingKey], group) === null) throw badSigningKey();
    if (!areElements([agreementKey], group)) throw badAgreementKey();
  },
});

/** Takes down what one piece of evidence claims. Only key ids are checked at once, being cheap. */
export class NotedChecks implements EvidenceChecks {
  readonly hashes: Hashes;
  readonly #claims: SignatureClaim[] = [];
  readonly #certificates: Certificate[] = [];
  /** Key ids by key: one evidence has few keys. */
  readonly #keyIds = new Map<Uint8Array, Uint8Array>();

  constructor(hashes: Hashes) {
    this.hashes = hashes;
  }

  signature(type: DocumentType, document: Sign1, publicKey: Uint8Array): void {
    const keyId = this.#keyIds.get(publicKey) ?? keyIdOf(publicKey, this.hashes);
    this.#keyIds.set(publicKey, keyId);
    ensureKid(type, document.kid, keyId);
    this.#claims.push(claimOf(type, document, publicKey, this.hashes));
  }

  keys(certificate: Certificate): void {
    this.#certificates.push(certificate);
  }

  /** Whether all that any of `noted` claims is right; if not, which of them is wrong is not said. */
  static hold(noted: readonly NotedChecks[], { group }: Arithmetic, entropy: Entropy): boolean {
    const claims = noted.flatMap((checks) => checks.#claims);
    const certificates = noted.flatMap((checks) => checks.#certificates);
    // A key under which something is claimed is checked with the claim.
    const claimed = new Set(claims.map(({ key }) => key));
    const unclaimed = certificates.map(({ signingKey }) => signingKey).filter((key) => !claimed.has(key));
    return (
      signingKeys(unclaimed, group) !== null &&
      areElements(
        certificates.map(({ agreementKey }) => agreementKey),
        group,
      ) &&
      areSigned(claims, coefficientsFor(claims.length, entropy), group)
    );
  }
}
