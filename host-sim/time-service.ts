// The network operator's answer to a meter that asks for the time (docs/protocol.md).
import { signCommand } from "../src/supplier/command.js";

/** The signed answer to a request. @param seed the operator's Ed25519 seed. */
export const signTime = (meterId: string, nonce: Uint8Array, unix_s: number, seed: Uint8Array) =>
  signCommand({ meterId, counter: 0, notAfter_s: null, kind: "time", nonce, unix_s }, seed);
