// The group that proofs are made over: ristretto255 (RFC 9496) on edwards25519. Proofs work on vectors of
// points, not on single ones, so that a backend can keep them in its own form and work on all at once. There are
// two: noble's arithmetic with BigInt, small and audited, which everything is tested against; and our own in
// WebAssembly, which is fast. Whoever proves or verifies passes the one that they want.
//
// Points of a vector are points of edwards25519; as elements of ristretto255 they stand for their cosets. Only
// `isTorsion` sees the difference, for Ed25519's cofactored equation.
import { FormatError } from "../../trusted/encoding/bytes.js";

/** Bytes of an encoded element or point, and of a scalar. */
export const ENCODING_BYTES = 32;
/** Bytes of a hint: x and y of the decoded point, little-endian. */
export const HINT_BYTES = 64;
/** Bytes that the one-way map takes for an element (RFC 9496, section 4.3.4). */
export const UNIFORM_BYTES = 64;

/** Bytes that encode no element, or come with a wrong hint. `index` counts from the first of the vector. */
export class EncodingError extends FormatError {
  readonly index: number;

  constructor(index: number, what = "no canonical encoding of a group element") {
    super(`element ${index}: ${what}`);
    this.index = index;
  }
}

/** Points in a backend's own form; never changed. Those of one backend are of no use to another. */
export interface Points {
  readonly length: number;
  /** Points [from, to). */
  slice(from: number, to: number): Points;
}

/** Where encodings stand in bytes: the first at `offset`, each `stride` bytes after the one before it. */
export interface Encodings {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly stride: number;
  readonly count: number;
}

/**
 * Arithmetic on vectors of points. Scalars are in [0, l). All of it takes variable time and is for public
 * values only, but `sumSecret`. Vectors of different lengths are the caller's mistake and assert.
 */
export interface Group {
  readonly name: "noble" | "wasm";
  /** B alone. */
  readonly base: Points;
  /** The identity alone. */
  readonly zero: Points;
  /**
   * Decodes elements, 32 bytes each, strictly by RFC 9496: canonical and non-negative, or refused.
   * @param hints what `hints` gives for these elements, from anyone: each is checked, and a wrong one refused
   *   like a wrong encoding. It saves the square root.
   * @throws EncodingError naming the first that is refused.
   */
  decode(encodings: Uint8Array, hints?: Uint8Array): Points;
  /** Encodes elements, 32 bytes each. */
  encode(points: Points): Uint8Array;
  /** x and y, 64 bytes each, of the very point to which an element's encoding decodes. */
  hints(points: Points): Uint8Array;
  /**
   * Decodes Ed25519 points strictly (RFC 8032, 5.1.3): y below p, and no sign on an x of zero. Points of small
   * order are points too.
   * @throws EncodingError naming the first that is refused.
   */
  decodeEd25519(encodings: Uint8Array): Points;
  /** The one-way map of RFC 9496, section 4.3.4, from 64 uniform bytes each. */
  fromUniform(bytes: Uint8Array): Points;
  concat(parts: readonly Points[]): Points;
  /** Point by point. */
  add(a: Points, b: Points): Points;
  negate(points: Points): Points;
  double(points: Points): Points;
  /** The sum of scalar times point, one point; of none, the identity. */
  sum(scalars: readonly bigint[], points: Points): Points;
  /**
   * The same by the same operations and memory accesses whatever the scalars are: for a prover's secrets. The
   * number of points is public. (BigInt itself promises nothing; docs/security.md says what that leaves.)
   */
  sumSecret(scalars: readonly bigint[], points: Points): Points;
  /** low·P_i + high·P_(n/2+i) for each i of the lower half; for an even number of points. */
  fold(points: Points, low: bigint, high: bigint): Points;
  /**
   * Decodes elements and adds them up by class.
   * @param hints as for `decode`, one after the other; or null.
   * @param classes for each element a class from 0 up, or -1: it is then neither decoded nor added.
   * @returns a sum for each of `classCount` classes.
   * @throws EncodingError naming the first that is refused.
   */
  sumsByClass(
    encodings: Encodings,
    hints: Uint8Array | null,
    classes: Int32Array,
    classCount: number,
  ): Points;
  /** Whether all are the identity of ristretto255. */
  isZero(points: Points): boolean;
  /** Whether all, as points of edwards25519, are of an order that divides 8. */
  isTorsion(points: Points): boolean;
}
