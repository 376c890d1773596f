// Calibration on the bench finds the gain and the delay that a front end has, of each element, by two points or one.
import { describe, expect, it } from "vitest";
import { calibrate, nominalCalibration } from "../../../host-sim/waveform/calibration.js";
import { DUAL_12, EXTERNAL_16_TRANSFORMER } from "../../../host-sim/waveform/models.js";
import type { FrontEnd } from "../../../host-sim/waveform/sampler.js";
import { measureError, type Specimen } from "../../../host-sim/waveform/test-bench.js";
import {
  mainsOf,
  REFERENCE,
  type Setting,
  startingPower_mW,
} from "../../../host-sim/waveform/test-points.js";
import { IDEAL } from "./ideal.js";

const PATIENCE = { target: 0.02, seconds_max: 60 };

/** The ideal front end, its shunt up to 3 % off, its voltage sampled 40 us late: so late the current seems to come. */
const KNOWN: FrontEnd = {
  ...IDEAL,
  voltage: { ...IDEAL.voltage, sampled_s: 40e-6 },
  current: {
    ...IDEAL.current,
    sensor: {
      kind: "shunt",
      resistance_ohm: 0.01,
      inductance_H: 0,
      ratioSpread_ppm: 30_000,
      drift_ppmPerK: 0,
    },
  },
};

const errorAt = (
  specimen: Specimen,
  setting: Partial<Setting>,
  calibration = calibrate(specimen).calibration,
) =>
  measureError(
    specimen,
    calibration,
    { mains: mainsOf({ ...REFERENCE, ...setting }, specimen.elements), label: "a test", temperature_C: 23 },
    PATIENCE,
  );

describe("calibration", () => {
  it.each([1, 2] as const)("by %i of two points recovers a known delay and a gain that is off", (points) => {
    const specimen = { model: KNOWN, elements: 1, seed: 4 };
    const [nominal] = nominalCalibration(specimen).elements;
    const { calibration, uncertainty } = calibrate(specimen, points, PATIENCE);
    const [found] = calibration.elements;
    expect(Math.abs((found?.delay_ns ?? 0) - 40_000)).toBeLessThan(600);
    // The unit's ratio is drawn from the seed; with the nominal gain its error is that of the ratio.
    const raw = errorAt(
      specimen,
      {},
      { ...calibration, elements: [{ gain: nominal?.gain ?? 0, delay_ns: 40_000 }] },
    );
    expect(Math.abs(raw.error)).toBeGreaterThan(0.1);
    const ratio = (found?.gain ?? 0) / (nominal?.gain ?? 1);
    expect(ratio * (1 + raw.error / 100)).toBeCloseTo(1, 3);
    expect(uncertainty[0]).toBeLessThan(0.02);
    expect(calibration.starting_mW).toBe(4600);
  });

  it("finds each element's own", () => {
    const specimen = { model: EXTERNAL_16_TRANSFORMER, elements: 3, seed: 2 };
    const { calibration } = calibrate(specimen);
    expect(new Set(calibration.elements.map(({ gain }) => gain)).size).toBe(3);
    expect(calibration.starting_mW).toBe(startingPower_mW(3));
    for (const powerFactor of ["1", "0.5 inductive", "0.8 capacitive"] as const)
      expect(Math.abs(errorAt(specimen, { powerFactor }, calibration).error)).toBeLessThan(0.05);
  });

  it("makes both directions right, and a power factor that it has not seen", () => {
    const specimen = { model: DUAL_12, elements: 1, seed: 9 };
    const { calibration } = calibrate(specimen);
    for (const direction of ["import", "export"] as const)
      for (const powerFactor of ["1", "0.8 capacitive"] as const)
        expect(Math.abs(errorAt(specimen, { direction, powerFactor }, calibration).error)).toBeLessThan(0.1);
  });

  it("is the same for the same seed", () => {
    const specimen = { model: DUAL_12, elements: 1, seed: 5 };
    expect(calibrate(specimen)).toEqual(calibrate(specimen));
    expect(calibrate({ ...specimen, seed: 6 }).calibration).not.toEqual(calibrate(specimen).calibration);
  });
});
