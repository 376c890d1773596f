// Entropy that is the same in every run, for provers and for the weights of batches; and none at all.
import { shake256 } from "@noble/hashes/sha3.js";
import { type Entropy, type Nonces, Transcript } from "../../src/proofs/transcript.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";

/** Never repeats; another seed gives other bytes. */
export function entropyOf(seed: string): Entropy {
  const shake = shake256.create({}).update(asciiBytes(seed));
  return (length) => shake.xof(length);
}

/** A prover's transcript whose blinding scalars are zero, but for those that the caller says. */
export class UnblindedTranscript extends Transcript {
  private draws = 0;
  private readonly isBlinded: (draw: number, request: number) => boolean;

  /** @param isBlinded by the sources that the prover draws and what it asks of each, both counted from 0. */
  constructor(label: string, isBlinded: (draw: number, request: number) => boolean = () => false) {
    super(label);
    this.isBlinded = isBlinded;
  }

  override nonces(secrets: readonly bigint[], entropy: Entropy): Nonces {
    const blinding = super.nonces(secrets, entropy);
    const draw = this.draws++;
    let requests = 0;
    const scalars = (count: number) =>
      this.isBlinded(draw, requests++) ? blinding.scalars(count) : new Array<bigint>(count).fill(0n);
    return { scalars, scalar: () => scalars(1)[0] ?? 0n };
  }
}
