// Whatever a front end says: what is energy is counted, and everything else is a flag.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Calibration } from "../../../src/trusted/metrology/calibration.js";
import { EnergyMeter } from "../../../src/trusted/metrology/energy-meter.js";
import { Status } from "../../../src/trusted/metrology/interval.js";
import type { Cycle, FrontEndReading } from "../../../src/trusted/ports.js";

const CHANNELS = ["1-0:1.8.0", "1-0:2.8.0", "7-0:3.0.0"];
const gas = { input: 1, isBackward: false, numerator: 36_000_000, denominator: 1, maxPerSecond: 16 };
const chip = { input: 0, numerator: 7, denominator: 2, maxPerSecond: 100_000 };
const CHIP: Calibration = {
  sources: [{ ...chip, isBackward: false }, { ...chip, isBackward: true }, gas],
  waveform: null,
  testPulses: 0,
};
const WAVEFORM: Calibration = {
  sources: [null, null, gas],
  waveform: { samplesPerSecond: 4000, starting_mW: 0, elements: [{ gain: 2 ** 40, delay_ns: 0 }] },
  testPulses: 0,
};
/** A cycle in which products add up to this. */
const cycle = (products: number): Cycle => ({ samples: 80, lost: 0, sums: [0, 0, 0, 0, products, 0] });

function meterOf(...readings: readonly Partial<FrontEndReading>[]) {
  const queue = [...readings];
  return new EnergyMeter({ read: () => ({ counts: [0, 0], status: 0, ...queue.shift() }) }, CHANNELS);
}

describe("an energy meter", () => {
  it("splits a chip's steps into import and export, and counts gas beside them", () => {
    const meter = meterOf({ counts: [1001, 2] }, { counts: [-3, 0] }, { counts: [0, 1] });
    const read = () => meter.read(CHIP, 3, 1000);
    expect(read()).toEqual({ energy_mJ: [3503, 0, 72_000_000], status: 0 });
    expect(read()).toEqual({ energy_mJ: [0, 10, 0], status: 0 });
    expect(read()).toEqual({ energy_mJ: [0, 0, 36_000_000], status: 0 });
  });

  it("measures a waveform and counts gas beside it", () => {
    const meter = meterOf({ counts: [0, 1], cycles: new Array<Cycle>(10).fill(cycle(500)) });
    expect(meter.read(WAVEFORM, 3, 1000)).toEqual({ energy_mJ: [5000, 0, 36_000_000], status: 0 });
  });

  it("takes counts as mJ where there is no calibration, and cycles for nothing", () => {
    const meter = meterOf({ counts: [5, 6, 7], cycles: [cycle(500)] });
    expect(meter.read(null, 3, 1000)).toEqual({ energy_mJ: [5, 6, 7], status: 0 });
  });

  it("flags a channel that has no energy, and counts the others", () => {
    const storm = meterOf({ counts: [2, 1000] });
    expect(storm.read(CHIP, 3, 1000)).toEqual({ energy_mJ: [7, 0, 0], status: Status.FAULT });
    const missing = meterOf({ counts: [2] });
    expect(missing.read(CHIP, 3, 1000)).toEqual({ energy_mJ: [7, 0, 0], status: Status.FAULT });
    const none = meterOf({ counts: [] });
    expect(none.read(CHIP, 3, 1000)).toEqual({ energy_mJ: [0, 0, 0], status: Status.FAULT });
    for (const counts of [[1], [1, 2, 3, 4], [-1, 2, 3], [0.5, 2, 3], [3.6e12 + 1, 2, 3]]) {
      const { energy_mJ, status } = meterOf({ counts }).read(null, 3, 1000);
      expect(status).toBe(Status.FAULT);
      expect(energy_mJ.length).toBe(3);
      expect(energy_mJ[0]).toBe(counts[0] === 1 ? 1 : 0);
    }
  });

  it("passes on what flags a front end may raise, and no others", () => {
    fc.assert(
      fc.property(fc.nat(0xff), (status) => {
        const may = Status.INCOMPLETE | Status.TAMPER | Status.FAULT;
        expect(meterOf({ status }).read(CHIP, 3, 1000).status).toBe(status & may);
      }),
    );
  });

  it("flags a waveform that has fallen silent for more than 3 s, until it is heard again", () => {
    const meter = meterOf({}, {}, {}, {}, { cycles: [cycle(0)] }, {});
    const flags = Array.from({ length: 6 }, () => meter.read(WAVEFORM, 3, 1000).status);
    expect(flags).toEqual([0, 0, 0, Status.INCOMPLETE | Status.FAULT, 0, 0]);
  });

  it("flags what the waveform flags", () => {
    const meter = meterOf({ cycles: [{ ...cycle(0), lost: 2 }] }, { cycles: [{ ...cycle(0), samples: 1 }] });
    expect(meter.read(WAVEFORM, 3, 20).status).toBe(Status.INCOMPLETE);
    expect(meter.read(WAVEFORM, 3, 20).status).toBe(Status.FAULT);
  });

  it("goes over to a new calibration at once, and keeps its remainders while it is the same", () => {
    const meter = meterOf({ counts: [1, 0] }, { counts: [1, 0] }, { counts: [1, 0] }, { counts: [1, 0] });
    const energies = [CHIP, CHIP, { ...CHIP }, null].map((calibration) => {
      return meter.read(calibration, 3, 1000).energy_mJ[0];
    });
    // 3.5 mJ each: the half is carried, and begins anew with the new calibration.
    expect(energies).toEqual([3, 4, 3, 1]);
  });
});
