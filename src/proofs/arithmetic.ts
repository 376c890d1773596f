// What a verifier computes with: a group and hashes, which belong together because both come as a small audited
// implementation and as a fast one. Whoever verifies passes the pair that they want.
import type { Group } from "./group/group.js";
import { type Hashes, nobleHashes } from "./group/hashes.js";
import { nobleGroup } from "./group/noble.js";
import { fastGroup } from "./group/wasm.js";
import { fastHashes } from "./group/wasm-hashes.js";

export interface Arithmetic {
  readonly group: Group;
  readonly hashes: Hashes;
}

/** All by noble. */
export const nobleArithmetic: Arithmetic = { group: nobleGroup, hashes: nobleHashes };

/** In WebAssembly. */
export const fastArithmetic = (): Arithmetic => ({ group: fastGroup(), hashes: fastHashes() });
