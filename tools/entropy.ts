// The machine's own entropy, as provers and verifiers of sets are handed it.
import { randomBytes } from "node:crypto";

/** So many bytes, fit for keys. */
export const entropy = (length: number) => new Uint8Array(randomBytes(length));
