// What both groups assert of their arguments: a caller's mistakes, not what came from outside.
import { ed25519 } from "@noble/curves/ed25519.js";
import { ENCODING_BYTES, type Encodings } from "./group.js";

/** The order of the group. */
const ORDER = ed25519.Point.Fn.ORDER;

export function assertLength(is: number, shouldBe: number): void {
  if (is !== shouldBe) throw new Error(`${is} for ${shouldBe} points`);
}

/** The number of pieces of `size` bytes in `bytes`, which there must be whole. */
export function countPieces(bytes: Uint8Array, size: number): number {
  if (bytes.length % size !== 0) throw new Error(`${bytes.length} bytes are not pieces of ${size}`);
  return bytes.length / size;
}

export function assertScalars(scalars: readonly bigint[]): void {
  for (const scalar of scalars) {
    if (scalar < 0n || scalar >= ORDER) throw new Error("a scalar is not from 0 to l - 1");
  }
}

/** Half of a number of points. */
export function halfOf(length: number): number {
  if (length % 2 !== 0) throw new Error(`${length} points have no halves`);
  return length / 2;
}

/** That all encodings lie within their bytes, and have a class from -1 to classCount - 1 each. */
export function assertClasses(
  { bytes, offset, stride, count }: Encodings,
  classes: Int32Array,
  classCount: number,
): void {
  assertLength(classes.length, count);
  if (
    count > 0 &&
    (offset < 0 || stride < 0 || offset + (count - 1) * stride + ENCODING_BYTES > bytes.length)
  ) {
    throw new Error("encodings end after their bytes");
  }
  for (const of of classes) if (of < -1 || of >= classCount) throw new Error(`no class ${of}`);
}
