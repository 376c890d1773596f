// A meter's request for the time, as who answers it sees it (docs/protocol.md).
import { readMeterId } from "../trusted/authority/configuration.js";
import { CborReader } from "../trusted/encoding/cbor.js";

const FORMAT = 1;

/** The nonce of a request for the time. @throws FormatError for what is none. */
export function nonceOf(message: Uint8Array): Uint8Array {
  const reader = new CborReader(message, "time request");
  reader.array(3);
  if (reader.uint(0xff) !== FORMAT) reader.refuse("format of another version");
  readMeterId(reader);
  const nonce = reader.bytes(16);
  reader.end();
  return nonce;
}
