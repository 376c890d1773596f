// Hardware entropy: see entropy.c.
export function fill(into) {
  return native("xs_sealmeter_entropy_fill").call(this, into);
}
