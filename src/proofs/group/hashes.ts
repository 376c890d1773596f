// The hashes that take the time when many batches are verified, and two ways to compute them: noble's with the meter's
// own tree, which everything is tested against, and the module's, which hashes four leaves or nodes at once.
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { LEAVES_MAX, MerkleFrontier } from "../../trusted/sealing/merkle.js";
import { countPieces } from "./assertions.js";

/** Bytes of a leaf, at most: with its prefix and the padding it fills one block of SHA-256. */
export const LEAF_BYTES_MAX = 54;
/** Bytes of a message, at most. */
export const MESSAGE_BYTES_MAX = 1 << 20;

/** Trees at once, at most. */
export const TREES_MAX = 4096;
export const ROOT_BYTES = 32;

export interface Hashes {
  readonly name: "noble" | "wasm";
  /** Of at most MESSAGE_BYTES_MAX bytes. */
  sha256(message: Uint8Array): Uint8Array;
  sha512(message: Uint8Array): Uint8Array;
  /**
   * The roots of trees of RFC 9162, section 2.1, with SHA-256: 32 bytes of each, one after the other.
   * @param trees at most TREES_MAX. Of each its leaves, one after the other, 1 to 768 of `leafBytes` each, which are
   *   1 to LEAF_BYTES_MAX; asserted.
   */
  merkleRoots(trees: readonly Uint8Array[], leafBytes: number): Uint8Array;
}

export function assertTrees({ length }: readonly Uint8Array[]): void {
  if (length > TREES_MAX) throw new Error(`${length} trees are more than ${TREES_MAX}`);
}

/** The number of leaves, asserted to be one that a batch has. */
export function countLeaves(leaves: Uint8Array, leafBytes: number): number {
  if (!(leafBytes >= 1 && leafBytes <= LEAF_BYTES_MAX)) throw new Error(`leaves of ${leafBytes} bytes`);
  const count = countPieces(leaves, leafBytes);
  if (count < 1 || count > LEAVES_MAX) throw new Error(`${count} leaves are not 1 to ${LEAVES_MAX}`);
  return count;
}

export function assertMessage({ length }: Uint8Array): void {
  if (length > MESSAGE_BYTES_MAX) throw new Error(`${length} bytes are more than ${MESSAGE_BYTES_MAX}`);
}

export const nobleHashes: Hashes = {
  name: "noble",

  sha256(message) {
    assertMessage(message);
    return sha256(message);
  },

  sha512(message) {
    assertMessage(message);
    return sha512(message);
  },

  merkleRoots(trees, leafBytes) {
    assertTrees(trees);
    return concatBytes(...trees.map((leaves) => rootOf(leaves, leafBytes)));
  },
};

function rootOf(leaves: Uint8Array, leafBytes: number): Uint8Array {
  const count = countLeaves(leaves, leafBytes);
  const tree = new MerkleFrontier();
  for (let at = 0; at < count; at++) tree.append(leaves.subarray(at * leafBytes, (at + 1) * leafBytes));
  return tree.root();
}
