/** The time of a simulation. It moves only when told to: nothing in a scenario depends on the wall clock. */
export class VirtualClock {
  #now_ms: number;

  /**
   * @param now_ms true UTC when the simulation begins, whole milliseconds since 1970
   * @throws RangeError for anything but a whole number from 0 to 2^53 - 1
   */
  constructor(now_ms: number) {
    this.#now_ms = wholeTime(now_ms);
  }

  /** True UTC, whole milliseconds since 1970. What the meter believes is another matter. */
  get now_ms(): number {
    return this.#now_ms;
  }

  /**
   * Lets time pass.
   *
   * @param by_ms whole milliseconds, 0 or more: true time never goes back
   * @throws RangeError for anything else
   */
  advance(by_ms: number): void {
    this.#now_ms += wholeTime(by_ms);
  }
}

function wholeTime(time_ms: number): number {
  if (Number.isSafeInteger(time_ms) && time_ms >= 0) return time_ms;
  throw new RangeError(`simulated time is in whole milliseconds from 0, not ${time_ms}`);
}
