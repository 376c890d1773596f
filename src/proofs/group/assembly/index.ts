// What the module exports. Callers put bytes into memory from `heap()` on, where nothing else lives.
export { addElements, BASE, setElements, sumElements } from "./classes";
export { merkleBytes, merkleRoots } from "./merkle";
export { pippenger, pippengerBytes } from "./pippenger";
export { NEUTRAL, POINT } from "./point";
export { decode, decodeEd25519, decodeHinted, encode, fromUniform, hints } from "./ristretto";
export { secretBytes, sumSecret } from "./secret";
export { sha256 } from "./sha256";
export { sha512 } from "./sha512";
export { FOLD_WORK, fold, straus, strausBytes } from "./straus";
export { addAll, areIdentity, areTorsion, doubleAll, negateAll } from "./vectors";

/** The first address that is the callers'. */
export function heap(): usize {
  return __heap_base;
}
