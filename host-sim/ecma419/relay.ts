// A relay at the chip's pins, with the transistors and the sense circuit between: a coil that has current for long
// enough moves the armature, and the sense pin is pulled to ground by voltage behind the contacts. It writes down what
// would harm a coil.
import type { BistableRelay } from "../relay.js";
import type { Pins } from "./pins.js";

/** A pulse that is shorter moves nothing, ms: twice the operate time that data sheets of such relays give. */
const COIL_MS = 30;

export interface RelayPins {
  readonly close: number;
  /** -1: a contactor with a spring, closed while its one coil has current. */
  readonly open: number;
  /** -1: nothing senses. */
  readonly sense: number;
}

export class WiredRelay {
  readonly relay: BistableRelay;
  /** Of each coil the moment from which it has had current, or null. */
  readonly #since_ms = { open: null as number | null, close: null as number | null };
  /** Longest pulse so far, ms. */
  longest_ms = 0;
  /** Whether both coils ever had current at the same time. */
  fought = false;

  constructor(pins: Pins, { close, open, sense }: RelayPins, relay: BistableRelay) {
    this.relay = relay;
    if (open < 0) {
      pins.wire(close, { hear: (level) => relay.drive(level === 1) });
    } else {
      pins.wire(close, { hear: (level, at_ms) => this.#coil("close", level, at_ms) });
      pins.wire(open, { hear: (level, at_ms) => this.#coil("open", level, at_ms) });
    }
    if (sense >= 0) pins.wire(sense, { grounds: () => relay.feedback() === true });
  }

  #coil(coil: "open" | "close", level: 0 | 1 | null, at_ms: number): void {
    const begun_ms = this.#since_ms[coil];
    if (level === 1) {
      this.#since_ms[coil] ??= at_ms;
      this.fought ||= this.#since_ms.open !== null && this.#since_ms.close !== null;
    } else if (begun_ms !== null) {
      this.#since_ms[coil] = null;
      const lasted_ms = at_ms - begun_ms;
      this.longest_ms = Math.max(this.longest_ms, lasted_ms);
      if (lasted_ms >= COIL_MS) this.relay.drive(coil === "close");
    }
  }
}
