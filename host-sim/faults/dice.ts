// Draws of a scenario, in the words that a scenario uses. One stream a purpose: who draws more does not disturb
// the others.
import type { SeededRandom } from "../seeded.js";

export class Dice {
  readonly random: SeededRandom;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  fork(label: string): Dice {
    return new Dice(this.random.fork(label));
  }

  /** True `times` in `of`. */
  chance(times: number, of: number): boolean {
    return this.random.below(of) < times;
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.random.below(max - min + 1);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)] as T;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.random.fill(bytes);
    return bytes;
  }
}
