// The hashes that a verifier of much evidence computes, SHA-256 and SHA-512: by noble here.
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { leafHash, nodeHash } from "../../trusted/sealing/merkle.js";

export interface Hashes {
  /** The root of RFC 9162, section 2.1, over leaves of `leafBytes` bytes each, at least one. */
  merkleRoot(leaves: Uint8Array, leafBytes: number): Uint8Array;
  sha256(message: Uint8Array): Uint8Array;
  sha512(message: Uint8Array): Uint8Array;
}

export const nobleHashes: Hashes = {
  merkleRoot(leaves, leafBytes) {
    const nodes: Uint8Array[] = [];
    for (let at = 0; at < leaves.length / leafBytes; at++) {
      let node = leafHash(leaves.subarray(at * leafBytes, (at + 1) * leafBytes));
      for (let size = at; size % 2 === 1; size = (size - 1) / 2) {
        node = nodeHash(nodes.pop() ?? node, node);
      }
      nodes.push(node);
    }
    return nodes.reduceRight((right, left) => nodeHash(left, right));
  },
  sha256: (message) => sha256(message),
  sha512: (message) => sha512(message),
};
