// What verification is tested with: each arithmetic that a verifier may be given.
import { type Arithmetic, fastArithmetic, nobleArithmetic } from "../../src/proofs/arithmetic.js";

export const ARITHMETICS: readonly (readonly [name: string, arithmetic: Arithmetic])[] = [
  ["noble", nobleArithmetic],
  ["our own in WebAssembly", fastArithmetic()],
];
