// Plain byte work that every room of the unit needs. The meter's engine has no TextEncoder, so text on the
// wire is printable ASCII by definition (docs/protocol.md).

/** A message, document or stored record that is not what its format says. Its text names what and where. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/** A fault of the program itself, never of its input: stop at once. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}

/** Writes an unsigned integer below 2^53 big-endian at `offset`; `width` 1..8 bytes. Asserts that it fits. */
export function putUint(out: Uint8Array, offset: number, value: number, width: number): void {
  let rest = value;
  for (let at = offset + width - 1; at >= offset; at--) {
    out[at] = rest; // which keeps its lowest 8 bits
    rest = Math.floor(rest / 256);
  }
  assert(Number.isSafeInteger(value) && value >= 0 && rest === 0, "integer fits its field");
}

/** Big-endian bytes of an unsigned integer below 2^53; `width` 1..8 bytes. Asserts that it fits. */
export function uintBytes(value: number, width: number): Uint8Array {
  const out = new Uint8Array(width);
  putUint(out, 0, value, width);
  return out;
}

/** Reads a big-endian unsigned integer of `width` 1..6 bytes; asserts that the bytes are there. */
export function readUint(bytes: Uint8Array, offset: number, width: number): number {
  assert(offset >= 0 && offset + width <= bytes.length, "integer lies within its bytes");
  let value = 0;
  for (let at = offset; at < offset + width; at++) value = value * 256 + (bytes[at] as number);
  return value;
}

/** Equal length and content. Not for secrets: it stops at the first difference. */
export const sameBytes = (a: Uint8Array, b: Uint8Array) =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

export const PRINTABLE_ASCII = /^[ -~]*$/;

/** Bytes of printable ASCII text; asserts that it is printable ASCII. */
export function asciiBytes(text: string): Uint8Array {
  assert(PRINTABLE_ASCII.test(text), "text is printable ASCII");
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
