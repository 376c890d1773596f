// The network operator's answer to a meter that asks for the time (docs/protocol.md).
import { signWithKey } from "../src/proofs/signed.js";
import { CommandKind } from "../src/trusted/authority/command.js";
import { array, bstr, int, map, NIL, tstr } from "../src/trusted/encoding/cbor.js";

/** The signed answer to a request. @param seed the operator's Ed25519 seed. */
export function signTime(meterId: string, nonce: Uint8Array, time_s: number, seed: Uint8Array): Uint8Array {
  const payload = map(
    [1, tstr(meterId)],
    [2, int(0)],
    [3, NIL],
    [4, int(CommandKind.TIME)],
    [5, array(bstr(nonce), int(time_s))],
  );
  return signWithKey("command-1", payload, seed);
}
