// Pedersen commitments over ristretto255 (RFC 9496): C = r·B + t·B~. B is the basepoint; nobody knows the
// discrete logarithm of B~ to it, so C binds the meter to r, and a uniform t hides r from everybody.
import { hexToBytes } from "@noble/hashes/utils.js";
import { uintBytes } from "../encoding/bytes.js";
import type { Image } from "../ports.js";
import { add, bytesOf } from "./edwards.js";
import { encodeRistretto } from "./encodings.js";
import { FixedBaseTable } from "./fixed-base.js";

/** encode(B~): the ristretto255 one-way map of SHA3-512(encode(B)), as in dalek bulletproofs. */
export const BLINDING_BASE = hexToBytes("8c9240b456a9e6dc65c377a1048d745f94a08cdb7f44cbcd7b46f34048871134");

/** Largest reading, Wh: an unsigned 32-bit number. */
export const READING_MAX = 0xffffffff;

/** The two bases of every commitment, as tables in flash. */
export class CommitmentKey {
  readonly base: FixedBaseTable;
  readonly blinding: FixedBaseTable;

  constructor(image: Pick<Image, "tableWindow" | "tableB" | "tableBlinding">) {
    this.base = new FixedBaseTable(image.tableB, image.tableWindow);
    this.blinding = new FixedBaseTable(image.tableBlinding, image.tableWindow);
  }

  /**
   * Commits to one reading.
   * @param reading Wh (or varh, dm3), 0 to 2^32 - 1; asserts that it is.
   * @param opening t, a scalar below l, uniform and secret.
   * @returns C, 32 bytes.
   */
  commit(reading: number, opening: bigint): Uint8Array {
    const r = uintBytes(reading, 4).reverse();
    return encodeRistretto(add(this.base.multiply(r), this.blinding.multiply(bytesOf(opening))));
  }
}
