// The border to the unit's machine, as the network machine holds it: see neighbour.c.
export function post(bytes) {
  return native("xs_sealmeter_port_post").call(this, bytes);
}
export function poll() {
  return native("xs_sealmeter_port_poll").call(this);
}
