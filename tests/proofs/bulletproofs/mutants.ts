// Spoiled proofs: elements of 32 bytes, spoiled in each of the ways that a verifier must notice.
import { concatBytes } from "@noble/hashes/utils.js";
import { L, P } from "../../../src/trusted/sealing/edwards.js";
import { flipBit, type Mutant } from "../../mutants.js";

const BYTES = 32;

/** A little-endian number of 32 bytes with `summand` added; null if that does not fit. */
function plus(element: Uint8Array, summand: bigint): Uint8Array | null {
  const sum = BigInt(`0x${Buffer.from(element).reverse().toString("hex")}`) + summand;
  const isFitting = sum < 1n << 256n;
  return isFitting ? Buffer.from(sum.toString(16).padStart(2 * BYTES, "0"), "hex").reverse() : null;
}

/** What may stand in place of an element. */
const SPOILS: Readonly<Record<string, (element: Uint8Array) => Uint8Array | null>> = {
  "zero, or the identity": () => new Uint8Array(BYTES),
  "more by l": (element) => plus(element, L),
  "more by p": (element) => plus(element, P),
  "its highest bit set": (element) => flipBit(element, 8 * BYTES - 8),
};

/**
 * A proof with every element spoiled: a bit flipped in a low and in a high byte, another representative, the
 * identity, and the next element in its place.
 * @param head bytes before the first element.
 */
export function spoiledElements(proof: Uint8Array, head = 0): Mutant[] {
  const places = Array.from({ length: (proof.length - head) / BYTES }, (_, at) => head + at * BYTES);
  const replaced = (at: number, element: Uint8Array) =>
    concatBytes(proof.subarray(0, at), element, proof.subarray(at + BYTES));
  return places.flatMap((at) => {
    const element = proof.slice(at, at + BYTES);
    const next = proof.slice(at + BYTES, at + 2 * BYTES);
    const flipped = [1, 8 * 30 + 5].map((bit) => ({
      what: `bit ${bit}`,
      bytes: flipBit(element, bit),
    }));
    const spoiled = Object.entries(SPOILS).map(([what, spoil]) => ({ what, bytes: spoil(element) }));
    const swapped = next.length === BYTES ? [swap(proof, at, element, next)] : [];
    const mutants = [...flipped, ...spoiled].flatMap(({ what, bytes }) =>
      bytes ? [{ what: `${what} at byte ${at}`, bytes: replaced(at, bytes) }] : [],
    );
    return [...mutants, ...swapped];
  });
}

const swap = (proof: Uint8Array, at: number, element: Uint8Array, next: Uint8Array): Mutant => ({
  what: `the elements at byte ${at} and after it swapped`,
  bytes: concatBytes(proof.subarray(0, at), next, element, proof.subarray(at + 2 * BYTES)),
});

/** A proof cut and extended by bytes, elements and pairs of elements. */
export function wrongLengths(proof: Uint8Array): Mutant[] {
  const cut = [1, BYTES, 2 * BYTES, proof.length].map((by) => proof.slice(0, proof.length - by));
  const extended = [1, BYTES, 2 * BYTES].map((by) => concatBytes(proof, proof.slice(-by)));
  return [...cut, ...extended].map((bytes) => ({ what: `${bytes.length} bytes`, bytes }));
}
