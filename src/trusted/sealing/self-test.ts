// Known answers that must come out before anything is sealed: a fault in the engine, in the tables or in the
// flash of the program must stop sealing, not sign wrong commitments. One test a step; energy is measured
// meanwhile.
import { sha256 } from "@noble/hashes/sha2.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import { asciiBytes, sameBytes } from "../encoding/bytes.js";
import { BLINDING_BASE, type CommitmentKey } from "./commitment.js";
import { prf, scalarFrom } from "./keys.js";
import { SigningKey } from "./signature.js";

const ZERO = 0n;
/** RFC 4231 test case 2. */
const MAC = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
/** The first reading of the worked example (docs/protocol.md). */
const OPENING = "c3103f1d0cc8d9706bbf55f127b73590ad470b4637ab9cc033f3f20f59ed8d01";
const COMMITMENT = "4e5ef08fb27eb6891df9d23daa8a8dc21b73b4bd5db208a81dc69dd7bd1c2d50";
/** RFC 8032 section 7.1, TEST 2. */
const SEED = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
const SIGNATURE =
  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
  "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

const expect = (actual: Uint8Array, expected: string) => sameBytes(actual, hexToBytes(expected));

export type SelfTest = (key: CommitmentKey) => boolean;

/** Whether a test comes out. One that throws does not: with a broken table a sum may be no point. */
export function passes(test: SelfTest, key: CommitmentKey): boolean {
  try {
    return test(key);
  } catch {
    return false;
  }
}

/** The tests in order; a failed one is reported by its place here, from 1, in event 13. */
export const SELF_TESTS: readonly SelfTest[] = [
  // FIPS 180-2 appendix B.1.
  () => expect(sha256(asciiBytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  () => expect(prf(asciiBytes("Jefe"), asciiBytes("what do ya want for nothing?")), MAC),
  // XS before its fix answers equality wrongly between BigInts of the image and of the heap.
  () => [5n].map((five) => five - five).every((zero) => zero === ZERO && zero + 1n !== ZERO),
  (key) => sameBytes(key.commit(0, 1n), BLINDING_BASE),
  (key) => expect(key.commit(196, scalarFrom(hexToBytes(OPENING))), COMMITMENT),
  (key) => expect(new SigningKey(hexToBytes(SEED), key.base).sign(Uint8Array.of(0x72)), SIGNATURE),
];
