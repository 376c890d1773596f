// A decoder as it is attacked: what it is tried with, when it is right to take something, and which mutants of it
// cost the check of a signature or a proof.
import { concatBytes } from "@noble/hashes/utils.js";
import { isOneOf } from "./meter.js";
import type { Mutator } from "./mutator.js";
import { type Attack, attempt } from "./target.js";

/** Draws of a mutant that is cheap, or is one at all. */
const DRAWS_MAX = 8;

/** A decoder and what it is tried with. */
export interface Subject {
  readonly name: string;
  readonly share: number;
  readonly originals: readonly Uint8Array[];
  /** Takes a mutant; says whether it was right to. Throws what it refuses with. */
  readonly take: (bytes: Uint8Array) => "valid" | "accepted";
  /** Whether the bytes come to a signature or a proof. */
  readonly isDeep: (bytes: Uint8Array) => boolean;
  /** A mutant that does. */
  readonly deep: (mutator: Mutator) => Uint8Array;
}

/** Whether this comes to an end: what goes wrong otherwise goes wrong again where it is judged. */
export function isTaken(decode: () => unknown): boolean {
  try {
    return decode() !== false;
  } catch {
    return false;
  }
}

export function attackOn(subject: Subject, mutator: Mutator): Attack {
  const isMutant = (bytes: Uint8Array) => !isOneOf(bytes, subject.originals);
  const cheap = () => {
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const bytes = mutator.mutate(mutator.pick(subject.originals));
      if (isMutant(bytes) && !subject.isDeep(bytes)) return bytes;
    }
    return concatBytes(mutator.pick(subject.originals), mutator.bytes(1));
  };
  const deep = () => {
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const bytes = subject.deep(mutator);
      if (isMutant(bytes)) return bytes;
    }
    return cheap();
  };
  return {
    shoot(wantsDeep) {
      const bytes = wantsDeep ? deep() : cheap();
      return attempt(bytes, subject.isDeep(bytes), () => subject.take(bytes));
    },
  };
}
