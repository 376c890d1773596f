// The pulse front end: every pulse is counted once, whenever it is read and across the counters' overflow.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PulseCounts } from "../../firmware/pulse-counts.js";

/** A counter as the hardware's: it overflows at 2^32. */
class ScriptedCounter {
  count: number;

  constructor(count = 0) {
    this.count = count;
  }

  add(pulses: number): void {
    this.count = (this.count + pulses) % 2 ** 32;
  }

  read(): number {
    return this.count;
  }
}

describe("pulses", () => {
  it("are counted once each, for each input, across a counter's overflow", () => {
    const steps = fc.array(fc.tuple(fc.nat(30_000), fc.nat(30_000)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.nat(2 ** 32 - 1), (pulses, first) => {
        const counters = [new ScriptedCounter(first), new ScriptedCounter()] as const;
        const frontEnd = new PulseCounts(counters);
        for (const [a, b] of pulses) {
          counters[0].add(a);
          counters[1].add(b);
          expect(frontEnd.read()).toEqual({ counts: [a, b], status: 0 });
        }
      }),
    );
  });

  it("are counted from the front end's beginning, not from the counter's", () => {
    expect(new PulseCounts([new ScriptedCounter(12_345)]).read()).toEqual({ counts: [0], status: 0 });
  });
});
