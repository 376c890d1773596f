// The 95 % interval of a mean holds the truth 95 times in a hundred, and is not fooled by chunks that are alike.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../host-sim/seeded.js";
import { Gaussian } from "../../../host-sim/waveform/adc.js";
import { estimate } from "../../../host-sim/waveform/uncertainty.js";

const TRIALS = 1000;

/** In how many of a thousand trials the interval around the mean of these chunks holds 0. */
function coverage(chunks: (noise: Gaussian) => number[]): number {
  const noise = new Gaussian(new SeededRandom(11));
  const held = Array.from({ length: TRIALS }, () => estimate(chunks(noise))).filter(
    ({ mean, uncertainty }) => Math.abs(mean) <= uncertainty,
  );
  return held.length / TRIALS;
}

describe("the uncertainty of a mean", () => {
  it.each([5, 10, 40])("of %i independent chunks is a 95 %% interval or a little more", (count) => {
    const held = coverage((noise) => Array.from({ length: count }, () => noise.next()));
    expect(held).toBeGreaterThan(0.93);
    expect(held).toBeLessThanOrEqual(1);
  });

  it("of chunks that are alike grows with their likeness", () => {
    const walk = (noise: Gaussian) => {
      let last = noise.next();
      return Array.from({ length: 80 }, () => {
        last = 0.7 * last + Math.sqrt(1 - 0.49) * noise.next();
        return last;
      });
    };
    expect(coverage(walk)).toBeGreaterThan(0.9);
  });

  it("is not known from fewer than five", () => {
    expect(estimate([1, 2, 3, 4])).toEqual({ mean: 2.5, uncertainty: Number.POSITIVE_INFINITY });
    expect(estimate([1, 1, 1, 1, 1]).uncertainty).toBe(0);
  });
});
