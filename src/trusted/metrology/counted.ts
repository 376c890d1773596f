// Counts to energy: S0 pulses (IEC 62053-31) and the energy registers of a metering chip. A constant that does not
// divide leaves a remainder, which is carried as a fraction: no energy is lost or made by rounding. Faster counts
// than the calibration allows are a storm on the line or a broken register: none of them is energy.
import type { CountSource } from "./calibration.js";

/** A front end may go unread for 3 s, so as many seconds' counts may come at once. */
const UNREAD_MS = 3_000;

export class CountedEnergy {
  readonly #source: CountSource;
  /** mJ times the denominator, below the denominator. */
  #remainder = 0;
  /** Thousandths of counts that may come now: they grow with the time, up to UNREAD_MS, and each count takes 1000. */
  #room: number;

  constructor(source: CountSource) {
    this.#source = source;
    this.#room = source.maxPerSecond * UNREAD_MS;
  }

  /**
   * The energy of the steps that the input has made since it was last read, whole mJ; NaN for what is no number of
   * steps, or for too many.
   * @param counts whole, negative for steps back. @param elapsed_ms since the last reading.
   */
  convert(counts: number, elapsed_ms: number): number {
    const { maxPerSecond, isBackward, numerator, denominator } = this.#source;
    const room = Math.min(this.#room + maxPerSecond * elapsed_ms, maxPerSecond * UNREAD_MS);
    const steps = Math.max(0, isBackward ? -counts : counts);
    const total = steps * numerator + this.#remainder;
    const isTooMany = !(Math.abs(counts) * 1000 <= room) || total > Number.MAX_SAFE_INTEGER;
    this.#room = isTooMany ? 0 : room - Math.abs(counts) * 1000;
    if (isTooMany || !Number.isSafeInteger(counts)) return Number.NaN;
    this.#remainder = total % denominator;
    return (total - this.#remainder) / denominator;
  }
}
