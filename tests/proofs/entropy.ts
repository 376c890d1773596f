// Entropy that is the same in every run, for provers and for the weights of batches.
import { shake256 } from "@noble/hashes/sha3.js";
import type { Entropy } from "../../src/proofs/transcript.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";

/** Never repeats; another seed gives other bytes. */
export function entropyOf(seed: string): Entropy {
  const shake = shake256.create({}).update(asciiBytes(seed));
  return (length) => shake.xof(length);
}
