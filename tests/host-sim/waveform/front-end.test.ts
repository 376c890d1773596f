// Sampler and accumulator as one front end: every frame is in a cycle or told as lost, and on a virtual clock the
// meter that reads it counts what flowed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../host-sim/clock.js";
import { SeededRandom } from "../../../host-sim/seeded.js";
import { nominalCalibration } from "../../../host-sim/waveform/calibration.js";
import { ClockedWaveform, WaveformFrontEnd } from "../../../host-sim/waveform/front-end.js";
import { sinusoidal } from "../../../host-sim/waveform/mains.js";
import { type FrontEnd, Sampler } from "../../../host-sim/waveform/sampler.js";
import { steady } from "../../../host-sim/waveform/supply.js";
import { EnergyMeter } from "../../../src/trusted/metrology/energy-meter.js";
import { Status } from "../../../src/trusted/metrology/interval.js";
import { IDEAL, POINT, samplerOf } from "./ideal.js";

const RATE_Hz = 4000;
const lossy: FrontEnd = { ...IDEAL, drops: { every_s: 0.5, lasts_s: 0.03 } };
const CHANNELS = ["1-0:1.8.0", "1-0:2.8.0"];
const calibration = (elements: number) => ({
  sources: CHANNELS.map(() => null),
  waveform: nominalCalibration({ model: IDEAL, elements, seed: 0 }),
  testPulses: 0,
});

const samplesOf = (frontEnd: WaveformFrontEnd) =>
  (frontEnd.read().cycles ?? []).reduce((sum, { samples }) => sum + samples, 0);

describe("the waveform front end", () => {
  it("puts every frame into one cycle, in whatever portions it runs", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 8 }), (portions) => {
        const frontEnd = new WaveformFrontEnd({ sampler: samplerOf(IDEAL), rate_Hz: RATE_Hz });
        const taken = portions.reduce((sum, frames) => {
          frontEnd.run(frames);
          return sum + samplesOf(frontEnd);
        }, 0);
        const open = portions.reduce((sum, frames) => sum + frames, 0) - taken;
        expect(open).toBeGreaterThanOrEqual(0);
        expect(open).toBeLessThanOrEqual(RATE_Hz / 40);
      }),
      { numRuns: 20 },
    );
  });

  it("tells of lost frames as lost cycles, and of the energy that flowed meanwhile", () => {
    const frontEnd = new WaveformFrontEnd({ sampler: samplerOf(lossy), rate_Hz: RATE_Hz });
    let [lost, duration_s, flowed_mJ, samples] = [0, 0, 0, 0];
    for (let second = 0; second < 20; second++) {
      const block = frontEnd.run(RATE_Hz);
      duration_s += block.duration_s;
      flowed_mJ += block.energy[0]?.active_mJ ?? 0;
      for (const cycle of frontEnd.read().cycles ?? []) {
        lost += cycle.lost;
        samples += cycle.samples;
      }
    }
    expect(duration_s).toBeGreaterThan(20.5);
    expect(flowed_mJ / (1_150_000 * duration_s)).toBeCloseTo(1, 3);
    // Each gap of 15 to 45 ms is told as whole cycles, and none of what did come is missing.
    expect(lost).toBeGreaterThan((duration_s - 20) * 50);
    expect(lost).toBeLessThan((duration_s - 20) * 50 * 2.5);
    expect(20 * RATE_Hz - samples).toBeLessThanOrEqual(RATE_Hz / 40);
  });

  it("loses cycles, and says how many, when nobody reads it for longer than the queue holds", () => {
    const frontEnd = new WaveformFrontEnd({ sampler: samplerOf(IDEAL), rate_Hz: RATE_Hz });
    frontEnd.run(3 * RATE_Hz);
    expect(frontEnd.read().cycles?.every(({ lost }) => lost === 0)).toBe(true);
    frontEnd.run(10 * RATE_Hz);
    frontEnd.read();
    frontEnd.run(RATE_Hz);
    expect(frontEnd.read().cycles?.[0]?.lost).toBeGreaterThan(150);
  });
});

describe("on a virtual clock", () => {
  /** Reads a meter once a step; what it counted of each channel and which flags it raised. */
  function meterFor(model: FrontEnd, seconds: number, step_ms: number) {
    const clock = new VirtualClock(1_750_000_000_000);
    const frontEnd = new ClockedWaveform({ sampler: samplerOf(model), rate_Hz: RATE_Hz }, clock);
    const meter = new EnergyMeter(frontEnd, CHANNELS);
    const own = calibration(1);
    let [imported_mJ, exported_mJ, status] = [0, 0, 0];
    for (let at_ms = 0; at_ms < 1000 * seconds; at_ms += step_ms) {
      clock.advance(step_ms);
      const reading = meter.read(own, CHANNELS.length, step_ms);
      imported_mJ += reading.energy_mJ[0] ?? 0;
      exported_mJ += reading.energy_mJ[1] ?? 0;
      status |= reading.status;
    }
    return { imported_mJ, exported_mJ, status, flowed: frontEnd.flowed };
  }

  it("a meter counts what has flowed, to the window that is open", () => {
    for (const step_ms of [100, 777, 3000]) {
      const { imported_mJ, exported_mJ, status, flowed } = meterFor(IDEAL, 60, step_ms);
      const flowed_mJ = flowed[0]?.active_mJ ?? 0;
      expect(flowed_mJ).toBeGreaterThanOrEqual(60 * 1_150_000 - 1000);
      // Rounding to codes makes some parts in 10^5.
      expect(flowed_mJ - imported_mJ).toBeGreaterThan(-3e-5 * flowed_mJ);
      expect(flowed_mJ - imported_mJ).toBeLessThan(0.3 * 1_150_000);
      expect([exported_mJ, status]).toEqual([0, 0]);
    }
  });

  it("goes on when frames were lost, with a flag, and time does not run away", () => {
    const { imported_mJ, status, flowed } = meterFor(lossy, 60, 1000);
    expect(status).toBe(Status.INCOMPLETE);
    expect(flowed[0]?.active_mJ).toBeCloseTo(60 * 1_150_000, -6);
    // 30 ms in every 530 are lost, and no more than what they cut short with them.
    expect(imported_mJ / (60 * 1_150_000)).toBeGreaterThan(0.92);
    expect(imported_mJ / (60 * 1_150_000)).toBeLessThan(0.97);
  });

  it("a sampler outlives a power cut, and nothing of it is measured", () => {
    const clock = new VirtualClock(0);
    const sampler = new Sampler({
      frontEnd: IDEAL,
      supply: steady(sinusoidal(POINT)),
      rate_Hz: RATE_Hz,
      random: new SeededRandom(3),
    });
    const before = new ClockedWaveform({ sampler, rate_Hz: RATE_Hz }, clock);
    clock.advance(1000);
    before.read();
    clock.advance(3_600_000);
    const after = new ClockedWaveform({ sampler, rate_Hz: RATE_Hz }, clock);
    expect(after.read().cycles).toEqual([]);
    clock.advance(1000);
    expect(after.read().cycles?.length).toBeGreaterThan(45);
    expect(after.flowed[0]?.active_mJ).toBeCloseTo(1_150_000, -3);
  });
});
