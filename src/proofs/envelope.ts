// The envelope of signed documents (trusted/encoding/cose.ts) taken apart without copying.

import { type DocumentType, encodeSign1, type Sign1 } from "../trusted/encoding/cose.js";
import { ViewReader } from "./cbor-views.js";
import { equalBytes } from "./equal-bytes.js";

const SIGN1_TAG = 18;
const KID = 4;
/** Bytes of a key id (trusted/sealing/signature.ts). */
export const KID_BYTES = 8;
const SIGNATURE_BYTES = 64;
const HEADER_BYTES_MAX = 64;

const HEADERS = new Map<DocumentType, Uint8Array>();

/** The protected header of a type: it has one encoding. */
function headerOf(type: DocumentType): Uint8Array {
  const known = HEADERS.get(type);
  if (known) return known;
  const nothing = new Uint8Array(0);
  const document = encodeSign1(type, { kid: nothing, payload: nothing, signature: nothing });
  const reader = new ViewReader(document, type);
  reader.tag(SIGN1_TAG);
  reader.array(4);
  const header = reader.bytes(0, HEADER_BYTES_MAX);
  HEADERS.set(type, header);
  return header;
}

/**
 * `decodeSign1`, but what it gives are views of `bytes`.
 * @param maxPayload largest payload accepted, bytes.
 * @throws FormatError for what `decodeSign1` refuses.
 */
export function openSign1(bytes: Uint8Array, type: DocumentType, maxPayload: number): Sign1 {
  const reader = new ViewReader(bytes, type);
  reader.tag(SIGN1_TAG);
  reader.array(4);
  const header = reader.bytes(0, HEADER_BYTES_MAX);
  if (!equalBytes(header, headerOf(type))) reader.refuse("protected header of something else");
  reader.map(1);
  const kid = reader.key(KID).bytes(KID_BYTES);
  const payload = reader.bytes(0, maxPayload);
  const signature = reader.bytes(SIGNATURE_BYTES);
  reader.end();
  return { kid, payload, signature };
}
