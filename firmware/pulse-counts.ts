// The front end of the demonstration board: the S0 pulse outputs (IEC 62053-31) of meters that are there already,
// counted in hardware: electricity, gas, water. What a pulse is worth stands in the meter's signed configuration, and
// so does how fast they may come. Sampling a voltage and a current is another front end and not this one.
import type { FrontEnd, FrontEndReading } from "../src/trusted/ports.js";

/** A counter that runs from 0 and overflows at 2^32. */
export interface Counter {
  read(): number;
}

export class PulseCounts implements FrontEnd {
  readonly #counters: readonly Counter[];
  #counted: readonly number[];

  /** @param counters in the order in which the configuration numbers its inputs; what they count from now on counts. */
  constructor(counters: readonly Counter[]) {
    this.#counters = counters;
    this.#counted = counters.map((counter) => counter.read());
  }

  read(): FrontEndReading {
    const counted = this.#counters.map((counter) => counter.read());
    // Unsigned 32-bit differences: right across the overflow.
    const counts = counted.map((count, at) => (count - (this.#counted[at] ?? 0)) >>> 0);
    this.#counted = counted;
    return { counts, status: 0 };
  }
}
