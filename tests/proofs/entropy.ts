// Entropy that is the same in every run, for provers and for the weights of batches; and none at all.
import { shake256 } from "@noble/hashes/sha3.js";
import { type Entropy, type Nonces, Transcript } from "../../src/proofs/transcript.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";

/** Never repeats; another seed gives other bytes. */
export function entropyOf(seed: string): Entropy {
  const shake = shake256.create({}).update(asciiBytes(seed));
  return (length) => shake.xof(length);
}

/** A prover's transcript that blinds nothing: every blinding scalar is zero. */
export class UnblindedTranscript extends Transcript {
  override nonces(): Nonces {
    return { scalar: () => 0n, scalars: (count) => new Array<bigint>(count).fill(0n) };
  }
}
