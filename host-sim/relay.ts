// A bistable relay in the supply of a home, and what senses its load side: two coils move one armature, which stays
// where it was put without power. It wears, its contacts weld or stick when a test says so, and a neighbour's
// extension cord puts voltage behind open contacts, which looks as if they conducted.
import type { ContactFault } from "../src/credit/load-switch.js";
import type { Relay } from "../src/credit/ports.js";

export class BistableRelay implements Relay {
  /** What the contacts do whatever the armature does. */
  jam: ContactFault | null = null;
  /** Voltage behind the contacts that does not come through them. */
  backFed = false;
  /** Pulses of its coils so far, whether or not they moved anything. */
  operations = 0;
  readonly #sensed: boolean;
  #armature: boolean;

  /** @param closed where it comes from the factory. @param sensed false where nothing looks at the load side. */
  constructor(closed = true, sensed = true) {
    this.#armature = closed;
    this.#sensed = sensed;
  }

  drive(closed: boolean): void {
    this.operations++;
    this.#armature = closed;
  }

  /** Whether current can flow through the contacts. */
  get conducting(): boolean {
    return this.jam === null ? this.#armature : this.jam === "welded";
  }

  feedback(): boolean | null {
    return this.#sensed ? this.conducting || this.backFed : null;
  }
}
