// The Merkle tree of RFC 9162 section 2.1 with SHA-256, kept as its frontier: the roots of the complete
// subtrees, largest first. A leaf is folded in as it comes, so a day's end costs a few hashes, and the RAM is
// at most ten nodes.
import { assert } from "../encoding/bytes.js";
import { digest } from "./keys.js";

/** A batch has at most 96 intervals of 8 channels. */
export const LEAVES_MAX = 96 * 8;

export const leafHash = (leaf: Uint8Array) => digest(Uint8Array.of(0), leaf);
export const nodeHash = (left: Uint8Array, right: Uint8Array) => digest(Uint8Array.of(1), left, right);

export class MerkleFrontier {
  /** Complete subtrees of falling size; their sizes are the bits of `#leaves`, highest first. */
  #nodes: Uint8Array[] = [];
  #leaves = 0;

  /** Folds in the next leaf; asserts that there are fewer than LEAVES_MAX. */
  append(leaf: Uint8Array): void {
    assert(this.#leaves < LEAVES_MAX, "tree has room");
    let node = leafHash(leaf);
    for (let size = this.#leaves; size % 2 === 1; size = (size - 1) / 2) {
      node = nodeHash(this.#nodes.pop() as Uint8Array, node);
    }
    this.#nodes.push(node);
    this.#leaves++;
  }

  /** The root over all leaves so far; asserts that there is one. */
  root(): Uint8Array {
    assert(this.#leaves > 0, "tree has a leaf");
    return this.#nodes.reduceRight((right, left) => nodeHash(left, right));
  }
}
