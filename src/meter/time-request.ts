// A meter's request for the time, as who answers it sees it (docs/protocol.md).
import { CborReader } from "../trusted/encoding/cbor.js";

/** The nonce of a request for the time. @throws FormatError for what is none. */
export function nonceOf(message: Uint8Array): Uint8Array {
  const reader = new CborReader(message, "time request");
  reader.array(3);
  reader.uint(1);
  reader.text(32);
  const nonce = reader.bytes(16);
  reader.end();
  return nonce;
}
