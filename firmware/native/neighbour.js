// The second machine, as the first one holds it: see neighbour.c.
export default class NeighbourMachine extends Native("xs_sealmeter_neighbour_destructor") {
  constructor(module, allowed, creation) {
    super();
    native("xs_sealmeter_neighbour").call(this, module, allowed, creation);
  }
  post(bytes) {
    return native("xs_sealmeter_neighbour_post").call(this, bytes);
  }
  poll() {
    return native("xs_sealmeter_neighbour_poll").call(this);
  }
  get alive() {
    return native("xs_sealmeter_neighbour_get_alive").call(this);
  }
  close() {
    return native("xs_sealmeter_neighbour_close").call(this);
  }
}
