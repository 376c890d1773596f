// The bytes of a proof are elements of 32 bytes: encoded points and scalars. Here they are taken apart and refused
// where a decoder must refuse them; whether points decode shows when the equation is made.
import { FormatError } from "../../trusted/encoding/bytes.js";
import { ensure } from "../signed.js";

export const ELEMENT_BYTES = 32;

/** @throws FormatError unless there are exactly `count` elements. */
export function readElements(bytes: Uint8Array, count: number, what: string): Uint8Array[] {
  if (bytes.length !== count * ELEMENT_BYTES) {
    throw new FormatError(`${what}: ${bytes.length} bytes instead of ${count * ELEMENT_BYTES}`);
  }
  return Array.from({ length: count }, (_, at) => bytes.slice(at * ELEMENT_BYTES, (at + 1) * ELEMENT_BYTES));
}

/** The bytes, if they are 32. @throws FormatError naming `what` otherwise. */
export function readElement(bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length !== ELEMENT_BYTES) throw new FormatError(`${what}: ${bytes.length} bytes instead of 32`);
  return bytes;
}

/** Whether these 32 bytes are the encoding of the identity. */
export const isIdentity = (element: Uint8Array) => element.every((byte) => byte === 0);

/**
 * What dalek's validate_and_append_point asks of a point of the prover's.
 * @throws VerificationError if one of them is the identity.
 */
export function ensureNoIdentity(points: readonly Uint8Array[], what: string): void {
  ensure(!points.some(isIdentity), `${what}: a point is the identity`);
}
