// Strict verification beside another implementation of it: hostile keys, hostile R and S, forgeries that work
// under a key of small order, and good signatures with one thing changed. Only what both take is a signature.
import { ed25519 } from "@noble/curves/ed25519.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { makeCommitmentKey } from "../../src/proofs/generators.js";
import { verify } from "../../src/trusted/sealing/signature.js";
import type { SeededRandom } from "../seeded.js";
import { HOSTILE_32, otherPoint, signatureMutants, torsioned } from "./hostile-points.js";
import type { Mutator } from "./mutator.js";
import { type Attack, attempt, type Target } from "./target.js";

const { Point } = ed25519;
const MESSAGE_MAX = 100;

/** R = S·B: the equation holds under every key of small order. */
function forgery(mutator: Mutator): Uint8Array {
  const S = Point.Fn.create(BigInt(1 + mutator.random.nextU32()));
  return concatBytes(Point.BASE.multiply(S).toBytes(), Point.Fn.toBytes(S));
}

function attack(mutator: Mutator): Attack {
  const seed = mutator.bytes(32);
  const key = ed25519.getPublicKey(seed);
  const { base } = makeCommitmentKey();
  const keys: readonly (() => Uint8Array)[] = [
    () => key,
    () => mutator.pick(HOSTILE_32),
    () => torsioned(key),
    () => otherPoint(key),
  ];
  return {
    shoot() {
      const message = mutator.bytes(mutator.random.below(MESSAGE_MAX));
      const good = ed25519.sign(message, seed);
      const signatures: readonly (() => Uint8Array)[] = [
        () => mutator.pick(signatureMutants)(good),
        () => forgery(mutator),
        () => concatBytes(mutator.pick(HOSTILE_32), mutator.pick(HOSTILE_32)),
        () => concatBytes(mutator.pick(HOSTILE_32), good.slice(32)),
        () => mutator.mutate(good),
        () => good,
      ];
      const [signature, publicKey] = [mutator.pick(signatures)(), mutator.pick(keys)()];
      const bytes = concatBytes(publicKey, signature, message);
      const isGood = strictly(signature, message, publicKey);
      return attempt(bytes, true, () => {
        if (verify(signature, message, publicKey, base) !== isGood) return "accepted";
        return isGood ? "valid" : "refused";
      });
    },
  };
}

/** By noble itself, which throws for what has not the form. */
function strictly(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

export const signatureTarget = (mutatorOf: (random: SeededRandom) => Mutator): Target => ({
  name: "signature",
  share: 6,
  begin: (random) => attack(mutatorOf(random)),
});
