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

/** Writes an unsigned integer big-endian at `offset`; `width` 1..7 bytes. Asserts that it fits. */
export function putUint(out: Uint8Array, offset: number, value: number, width: number): void {
  let rest = value;
  for (let at = offset + width - 1; at >= offset; at--) {
    const byte = rest % 256;
    out[at] = byte;
    rest = (rest - byte) / 256;
  }
  assert(Number.isSafeInteger(value) && value >= 0 && rest === 0, "integer fits its field");
}

/** Big-endian bytes of an unsigned integer; `width` 1..7 bytes. Asserts that it fits. */
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
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** Bytes of printable ASCII text; asserts that it is printable ASCII. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    assert(code >= 0x20 && code <= 0x7e, "text is printable ASCII");
    return code;
  });
}
