// Counts to energy: exact for any constant, whatever the reading's rhythm; and what is no meter's is not counted.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CountedEnergy } from "../../../src/trusted/metrology/counted.js";

const MJ_PER_KWH = 3_600_000_000;
const S0 = { input: 0, isBackward: false, numerator: MJ_PER_KWH, denominator: 1000, maxPerSecond: 16 };

describe("energy from counts", () => {
  it("is that of all counts, in whole mJ, for any constant, forward and backward kept apart", () => {
    const constants = fc.tuple(
      fc.integer({ min: 1, max: MJ_PER_KWH }),
      fc.integer({ min: 1, max: 1_000_000 }),
    );
    fc.assert(
      fc.property(
        constants,
        fc.array(fc.integer({ min: -300, max: 300 })),
        ([numerator, denominator], steps) => {
          const rate = { numerator, denominator, maxPerSecond: 1000 };
          const channels = [false, true].map((isBackward) => {
            const energy = new CountedEnergy({ input: 0, isBackward, ...rate });
            return { energy, isBackward, counts: 0n, total_mJ: 0n };
          });
          for (const step of steps) {
            for (const channel of channels) {
              channel.counts += BigInt(Math.max(0, channel.isBackward ? -step : step));
              channel.total_mJ += BigInt(channel.energy.convert(step, 1000));
              expect(channel.total_mJ).toBe((channel.counts * BigInt(numerator)) / BigInt(denominator));
            }
          }
        },
      ),
    );
  });

  it("takes what may come in 3 s without a reading, and no more", () => {
    expect(new CountedEnergy(S0).convert(48, 3000)).toBe(48 * 3_600_000);
    expect(new CountedEnergy(S0).convert(49, 3000)).toBeNaN();
    expect(new CountedEnergy({ ...S0, isBackward: true }).convert(-48, 0)).toBe(48 * 3_600_000);
    expect(new CountedEnergy({ ...S0, isBackward: true }).convert(-49, 0)).toBeNaN();
  });

  it("counts nothing of a storm, however often it is read, and all of what comes after", () => {
    for (const every_ms of [20, 100, 1000]) {
      const energy = new CountedEnergy(S0);
      let counted = 0;
      for (let at_ms = 0; at_ms < 60_000; at_ms += every_ms) {
        const mJ = energy.convert(every_ms, every_ms);
        if (!Number.isNaN(mJ)) counted += mJ / 3_600_000;
      }
      // What the 3 s had room for when it began.
      expect(counted).toBeLessThanOrEqual(48);
      expect(energy.convert(0, 1000)).toBe(0);
      expect(energy.convert(16, 1000)).toBe(16 * 3_600_000);
    }
  });

  it("takes 16 pulses a second for ever, and not 17", () => {
    const [allowed, tooFast] = [new CountedEnergy(S0), new CountedEnergy(S0)];
    const counted = (energy: CountedEnergy, pulses: number) =>
      Array.from({ length: 600 }, () => energy.convert(pulses, 1000)).filter(Number.isNaN).length;
    expect(counted(allowed, 16)).toBe(0);
    expect(counted(tooFast, 17)).toBeGreaterThan(500);
  });

  it("is none for what is no number of steps, or too much to add up", () => {
    for (const counts of [0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const energy = new CountedEnergy(S0);
      expect(energy.convert(counts, 1000)).toBeNaN();
      expect(energy.convert(0, 3000)).toBe(0);
    }
    const huge = { ...S0, numerator: Number.MAX_SAFE_INTEGER, denominator: 1 };
    expect(new CountedEnergy(huge).convert(1, 1000)).toBe(Number.MAX_SAFE_INTEGER);
    expect(new CountedEnergy(huge).convert(2, 1000)).toBeNaN();
  });
});
