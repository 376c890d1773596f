import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  halfWave,
  type Line,
  type Spectrum,
  sinusoidal,
  spectrumOf,
} from "../../../host-sim/waveform/mains.js";
import { DC_TOLERANT_TRANSFORMER, ORDINARY_TRANSFORMER } from "../../../host-sim/waveform/models.js";
import {
  type CurrentTransformer,
  type Divider,
  driftOf,
  highPassed,
  type Sensor,
  type Shunt,
  sensed,
} from "../../../host-sim/waveform/sensors.js";
import { POINT } from "./ideal.js";

const NOMINAL = { ratio: 0, lead: 0 };

const sineOf = (current_A: number): Spectrum => {
  const [element] = sinusoidal({ ...POINT, currents_A: [current_A] }).elements;
  return element === undefined ? [] : spectrumOf(element.current, 1);
};

function fundamentalThrough(sensor: Sensor, input: Spectrum, frequency_Hz = 50, draw = NOMINAL): Line {
  const line = sensed(sensor, draw, input, frequency_Hz, 16).find(({ order }) => order === 1);
  if (line === undefined) throw new Error("the fundamental is gone");
  return line;
}

const lead_min = ({ sine, cosine }: Line) => (Math.atan2(cosine, sine) * 180 * 60) / Math.PI;
const rms = ({ sine, cosine }: Line) => Math.hypot(sine, cosine) / Math.SQRT2;

describe("a capacitor in series", () => {
  it("leads by an angle that falls with frequency, as a transformer does, and passes no dc", () => {
    const one = { order: 1, sine: 1, cosine: 0 };
    for (const x of [0.5, 1, 14]) {
      const out = highPassed(one, x);
      expect(lead_min(out)).toBeCloseTo((Math.atan(1 / x) * 180 * 60) / Math.PI, 8);
      expect(Math.hypot(out.sine, out.cosine)).toBeCloseTo(x / Math.hypot(1, x), 12);
    }
    expect(highPassed({ order: 0, sine: 0, cosine: 3 }, 0)).toEqual({ order: 0, sine: 0, cosine: 0 });
  });
});

describe("a divider", () => {
  const divider: Divider = {
    kind: "divider",
    ratio: 1e-3,
    lag_s: 1e-5,
    ratioSpread_ppm: 1000,
    drift_ppmPerK: 25,
  };

  it("divides, and lags by its time constant", () => {
    const out = fundamentalThrough(divider, sineOf(230));
    expect(rms(out)).toBeCloseTo(0.23, 5);
    expect(lead_min(out)).toBeCloseTo((-Math.atan(2 * Math.PI * 50 * 1e-5) * 180 * 60) / Math.PI, 6);
  });

  it("of one unit is off by its draw of the spread", () => {
    const ratio = rms(fundamentalThrough(divider, sineOf(230), 50, { ratio: -1, lead: 0 }));
    expect(ratio / rms(fundamentalThrough(divider, sineOf(230)))).toBeCloseTo(0.999, 12);
  });

  it("drifts from 23 degrees by its coefficient", () => {
    expect(driftOf(divider, 23)).toBe(1);
    expect(driftOf(divider, 43)).toBeCloseTo(1.0005, 12);
  });
});

describe("a shunt", () => {
  it("leads by its inductance, more at higher frequencies", () => {
    const shunt: Shunt = {
      kind: "shunt",
      resistance_ohm: 200e-6,
      inductance_H: 2e-9,
      ratioSpread_ppm: 0,
      drift_ppmPerK: 0,
    };
    const angle = (w: number) => (Math.atan((w * 2e-9) / 200e-6) * 180 * 60) / Math.PI;
    expect(lead_min(fundamentalThrough(shunt, sineOf(5)))).toBeCloseTo(angle(2 * Math.PI * 50), 6);
    expect(lead_min(fundamentalThrough(shunt, sineOf(5), 60))).toBeCloseTo(angle(2 * Math.PI * 60), 6);
    expect(rms(fundamentalThrough(shunt, sineOf(5)))).toBeCloseTo(1e-3, 7);
  });
});

describe("a current transformer", () => {
  it("leads by the data sheet's angle at each of its currents, and straight between them", () => {
    for (const { current_A, lead_min: told } of ORDINARY_TRANSFORMER.errors) {
      expect(lead_min(fundamentalThrough(ORDINARY_TRANSFORMER, sineOf(current_A)))).toBeCloseTo(told, 6);
    }
    expect(lead_min(fundamentalThrough(ORDINARY_TRANSFORMER, sineOf(3)))).toBeCloseTo(11.5, 6);
    expect(lead_min(fundamentalThrough(ORDINARY_TRANSFORMER, sineOf(0.02)))).toBeCloseTo(15, 6);
  });

  it("has the data sheet's ratio error", () => {
    const error = rms(fundamentalThrough(ORDINARY_TRANSFORMER, sineOf(5))) / (5 * (12 / 2500)) - 1;
    // What the magnetising current takes away is half of the angle squared: 4 ppm.
    expect(error * 1e6).toBeCloseTo(-1000 - 4, 0);
  });

  it("leads less at a higher frequency, as an inductance does", () => {
    const at60 = lead_min(fundamentalThrough(DC_TOLERANT_TRANSFORMER, sineOf(5), 60));
    const tangent = (minutes: number) => Math.tan((minutes * Math.PI) / 180 / 60);
    expect(tangent(at60)).toBeCloseTo((tangent(248) * 50) / 60, 9);
  });

  it("of one unit leads by its draw of the spread", () => {
    const out = fundamentalThrough(DC_TOLERANT_TRANSFORMER, sineOf(5), 50, { ratio: 0, lead: 1 });
    expect(lead_min(out)).toBeCloseTo(260, 6);
  });

  const half = (current_A: number): Spectrum => {
    const [element] = halfWave({ ...POINT, currents_A: [current_A] }).elements;
    return element === undefined ? [] : spectrumOf(element.current, 128);
  };
  /** Fundamental out over fundamental in, less 1. */
  const halfWaveError = (sensor: CurrentTransformer, current_A: number) => {
    const [out, sine] = [
      fundamentalThrough(sensor, half(current_A)),
      fundamentalThrough(sensor, sineOf(current_A)),
    ];
    return rms(out) / (rms(sine) / 2) - 1;
  };

  it("of dc tolerant make carries the half wave of Imax", () => {
    expect(Math.abs(halfWaveError(DC_TOLERANT_TRANSFORMER, 60))).toBeLessThan(0.002);
  });

  it("of ordinary make saturates under it and loses most of the wave", () => {
    expect(halfWaveError(ORDINARY_TRANSFORMER, 60)).toBeLessThan(-0.3);
  });

  it("lets no dc through", () => {
    const dc = sensed(DC_TOLERANT_TRANSFORMER, NOMINAL, half(60), 50, 16).find(({ order }) => order === 0);
    expect(Math.abs(dc?.cosine ?? 0)).toBeLessThan(1e-6);
  });

  it("followed in time agrees with the formula while its core is linear", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 40, noNaN: true }), (current_A) => {
        const formula = fundamentalThrough(DC_TOLERANT_TRANSFORMER, sineOf(current_A));
        const withDc: Spectrum = [{ order: 0, sine: 0, cosine: 1e-5 * current_A }, ...sineOf(current_A)];
        const followed = fundamentalThrough(DC_TOLERANT_TRANSFORMER, withDc);
        expect(Math.abs(lead_min(followed) - lead_min(formula))).toBeLessThan(0.3);
        expect(Math.abs(rms(followed) / rms(formula) - 1)).toBeLessThan(1e-4);
      }),
      { numRuns: 10 },
    );
  });

  it("saturates by a sine that is too large", () => {
    const third = sensed(ORDINARY_TRANSFORMER, NOMINAL, sineOf(200), 50, 16).find(({ order }) => order === 3);
    expect(rms(third ?? { order: 3, sine: 0, cosine: 0 })).toBeGreaterThan(0.05 * 200 * (12 / 2500));
  });
});
