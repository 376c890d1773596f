// Equality of bytes where it is asked for a hundred times a bill: the trusted room's `sameBytes`, which is made to be
// short, calls a function for each byte.

/** Equal length and content. Not for secrets: it stops at the first difference. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
