// Virtual time for everything on a simulated board: what is to happen when, in an order that depends on nothing
// but the calls. No wall clock, no timer of the host: time passes only in `runUntil`.
import { assert } from "../../src/trusted/encoding/bytes.js";
import type { VirtualClock } from "../clock.js";

/** Events at one moment, at most: beyond this something goes round without letting time pass. */
const EVENTS_PER_MOMENT_MAX = 100_000;

interface Due {
  readonly due_ms: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Something that is to happen; `cancel` is without effect once it has. */
export interface Appointment {
  cancel(): void;
}

export class Scheduler {
  readonly clock: VirtualClock;
  /** By time, then in the order of making. */
  readonly #due: Due[] = [];
  #order = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  get now_ms(): number {
    return this.clock.now_ms;
  }

  /** Runs `run` after a whole number of ms; after 0 ms at this moment, behind what is due already. */
  after(delay_ms: number, run: () => void): Appointment {
    assert(Number.isSafeInteger(delay_ms) && delay_ms >= 0, "an appointment is made for now or later");
    const one: Due = { due_ms: this.now_ms + delay_ms, order: this.#order++, run, cancelled: false };
    let [low, high] = [0, this.#due.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const there = this.#due[middle];
      if (there && there.due_ms <= one.due_ms) low = middle + 1;
      else high = middle;
    }
    this.#due.splice(low, 0, one);
    const cancel = () => {
      one.cancelled = true;
    };
    return { cancel };
  }

  /** Lets time pass until `until_ms` of the clock and everything happen that is due by then. */
  runUntil(until_ms: number): void {
    let [moment_ms, events] = [this.now_ms, 0];
    for (let next = this.#due[0]; next && next.due_ms <= until_ms; next = this.#due[0]) {
      this.#due.shift();
      if (next.cancelled) continue;
      this.clock.advance(Math.max(0, next.due_ms - this.now_ms));
      events = this.now_ms === moment_ms ? events + 1 : 1;
      moment_ms = this.now_ms;
      if (events > EVENTS_PER_MOMENT_MAX) throw new Error(`no time passes any more at ${moment_ms} ms`);
      next.run();
    }
    this.clock.advance(Math.max(0, until_ms - this.now_ms));
  }
}
