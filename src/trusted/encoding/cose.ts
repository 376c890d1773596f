// COSE_Sign1 (RFC 9052) in the single shape that Sealmeter signs: tag 18, protected {1: -8, 16: typ}
// (EdDSA; RFC 9596 explicit type), unprotected {4: kid}, attached payload, empty external_aad. Each kind of
// document has a typ of its own, so a signature for one never serves as another.
import { sameBytes } from "./bytes.js";
import { array, bstr, CborReader, int, map, tagged, tstr } from "./cbor.js";

const SIGN1_TAG = 18;
/** Where in a document its protected header begins: after the tag and the array's head. */
const HEADER_AT = 2;
const KID = 4;
/** kid is the first 8 bytes of H(public key): a hint for look-ups, never trusted. */
const KID_BYTES = 8;

/** The kinds of signed document; each stands as `sealmeter/<kind>` in the protected header. */
export type DocumentType = `${"certificate" | "batch" | "pairing" | "register" | "command"}-1` | OuterType;
type OuterType = `${"tariff" | "roster" | "revocation"}-1`;

export interface Sign1 {
  readonly kid: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** {alg: EdDSA, typ}. It has one encoding, so a reader compares it. */
const protectedHeader = (type: DocumentType) => map([1, int(-8)], [16, tstr(`sealmeter/${type}`)]);

/** Whether bytes begin as a document of this type does; nothing of them is checked. */
export function isOfType(bytes: Uint8Array, type: DocumentType): boolean {
  const header = bstr(protectedHeader(type));
  return sameBytes(bytes.subarray(HEADER_AT, HEADER_AT + header.length), header);
}

/** The bytes that are signed: RFC 9052 section 4.4, Sig_structure with context "Signature1". */
export function toBeSigned(type: DocumentType, payload: Uint8Array): Uint8Array {
  return array(tstr("Signature1"), bstr(protectedHeader(type)), bstr(new Uint8Array(0)), bstr(payload));
}

/** The envelope around a payload (deterministic CBOR by the caller's promise) and its 64-byte signature. */
export function encodeSign1(type: DocumentType, { kid, payload, signature }: Sign1): Uint8Array {
  const unprotected = map([KID, bstr(kid)]);
  const header = bstr(protectedHeader(type));
  return tagged(SIGN1_TAG, array(header, unprotected, bstr(payload), bstr(signature)));
}

/**
 * Takes an envelope of one type apart without trusting any of it: the signature is not checked here.
 * @param maxPayload largest payload accepted, bytes.
 * @throws FormatError for another type or algorithm, an additional header, a missing tag, trailing or
 *   non-canonical bytes.
 */
export function decodeSign1(bytes: Uint8Array, type: DocumentType, maxPayload: number): Sign1 {
  const reader = new CborReader(bytes, type);
  reader.tag(SIGN1_TAG);
  reader.array(4);
  const header = reader.bytes(0, 64);
  if (!sameBytes(header, protectedHeader(type))) reader.refuse("protected header of something else");
  reader.map(1);
  const kid = reader.key(KID).bytes(KID_BYTES);
  const payload = reader.bytes(0, maxPayload);
  const signature = reader.bytes(64);
  reader.end();
  return { kid, payload, signature };
}
