// The pulse front end: whatever the constant and however the pulses come, the energy handed out is exactly the
// energy of all pulses so far, rounded down once.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PulseEnergy } from "../../firmware/pulse-energy.js";
import { Status } from "../../src/trusted/metrology/interval.js";

const MJ_PER_KWH = 3_600_000_000n;

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

describe("energy from pulses", () => {
  it("is that of all pulses, in whole mJ, for any constant and across the counter's overflow", () => {
    const reads = fc.array(fc.nat(30_000), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        reads,
        fc.nat(2 ** 32 - 1),
        (constant, steps, first) => {
          const counter = new ScriptedCounter(first);
          const energy = new PulseEnergy([{ counter, pulsesPer_kWh: constant }]);
          let [pulses, total_mJ] = [0n, 0n];
          for (const step of steps) {
            counter.add(step);
            pulses += BigInt(step);
            const { energy_mJ, status } = energy.read();
            expect(status).toBe(0);
            expect(Number.isSafeInteger(energy_mJ[0])).toBe(true);
            total_mJ += BigInt(energy_mJ[0] ?? -1);
            expect(total_mJ).toBe((pulses * MJ_PER_KWH) / BigInt(constant));
          }
        },
      ),
    );
  });

  it("keeps import and export apart, each with its own constant and remainder", () => {
    const [imported, exported] = [new ScriptedCounter(), new ScriptedCounter()];
    const energy = new PulseEnergy([
      { counter: imported, pulsesPer_kWh: 7 },
      { counter: exported, pulsesPer_kWh: 1000 },
    ]);
    imported.add(1);
    expect(energy.read().energy_mJ).toEqual([514_285_714, 0]);
    imported.add(1);
    exported.add(2);
    expect(energy.read().energy_mJ).toEqual([514_285_714, 7_200_000]);
    imported.add(5);
    expect(energy.read().energy_mJ).toEqual([2_571_428_572, 0]);
  });

  it("counts from its own beginning, not from the counter's", () => {
    const counter = new ScriptedCounter(12_345);
    const energy = new PulseEnergy([{ counter, pulsesPer_kWh: 1000 }]);
    expect(energy.read()).toEqual({ energy_mJ: [0], status: 0 });
  });

  it("is flagged, and still counted, when there are more pulses than any meter gives", () => {
    const counter = new ScriptedCounter();
    const energy = new PulseEnergy([{ counter, pulsesPer_kWh: 1_000_000 }]);
    counter.add(2_500_000);
    expect(energy.read()).toEqual({ energy_mJ: [9_000_000_000], status: Status.FAULT });
  });
});
