import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../../host-sim/seeded.js";
import { Converter, CURVE_PIECES, Gaussian, type Range } from "../../../host-sim/waveform/adc.js";
import { sinusoidal } from "../../../host-sim/waveform/mains.js";
import { DUAL_12, ESP32_BARE, EXTERNAL_16 } from "../../../host-sim/waveform/models.js";
import type { FrontEnd } from "../../../host-sim/waveform/sampler.js";
import {
  channelsOf,
  deviationOf,
  fundamental,
  IDEAL,
  IDEAL_RANGE,
  meanOf,
  POINT,
  power_W,
  samplerOf,
  withRange,
} from "./ideal.js";

const seeds = fc.nat({ max: 1_000_000 });
const [ESP32_RANGE] = ESP32_BARE.voltage.ranges;
const [SAR_RANGE] = DUAL_12.voltage.ranges;

/** Largest distance of a curve from the straight line through the ideal codes, in codes. */
function inlOf({ curve, range }: Converter): number {
  const perPiece = 2 ** range.bits / CURVE_PIECES;
  return curve.reduce((most, code, piece) => Math.max(most, Math.abs(code - piece * perPiece)), 0);
}

const voltageOf = (frontEnd: FrontEnd, frames = 8_000): readonly number[] =>
  channelsOf(samplerOf(frontEnd), frames)[0] ?? [];

describe("an ideal converter", () => {
  it("is wrong by half a code at most: quantisation, of any amplitude and phase", () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 690, noNaN: true }), (voltage_V) => {
        const sampler = samplerOf(IDEAL, sinusoidal({ ...POINT, voltage_V }));
        const [codes] = channelsOf(sampler, 80);
        for (const [at, code] of (codes ?? []).entries()) {
          const exact =
            voltage_V * Math.SQRT2 * Math.sin((2 * Math.PI * at) / 80) * sampler.scale.countsPerVolt;
          expect(Math.abs(code - exact)).toBeLessThan(0.5 + 1e-4);
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each([8, 12, 16])("of %d bits has codes that are the mains over a step", (bits) => {
    const codes = voltageOf(withRange({ bits }), 80);
    expect(Math.max(...codes)).toBe(Math.round(230 * Math.SQRT2 * 1e-3 * 2 ** (bits - 1)));
  });

  it("clips at the ends of its span", () => {
    const [codes] = channelsOf(samplerOf(IDEAL, sinusoidal({ ...POINT, voltage_V: 1000 })), 80);
    expect([Math.min(...(codes ?? [])), Math.max(...(codes ?? []))]).toEqual([-32_768, 32_767]);
  });

  it("measures the true power", () => {
    const sampler = samplerOf(IDEAL, sinusoidal({ ...POINT, lag_turns: 0.1 }));
    // 80 codes that repeat: their rounding does not average out.
    const [v, i] = channelsOf(sampler, 4_000);
    const exact = 1150 * Math.cos(0.2 * Math.PI);
    expect(Math.abs(power_W(sampler, v ?? [], i ?? []) / exact - 1)).toBeLessThan(3e-4);
  });
});

describe("a non-linearity", () => {
  it("of a smooth curve is of its size and 0 at the ends, whatever the seed", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const range: Range = { ...IDEAL_RANGE, curve: { kind: "smooth", inl_ppm: 36 } };
        const converter = new Converter(range, new SeededRandom(seed));
        expect(inlOf(converter)).toBeCloseTo(36e-6 * 65_536, 9);
        expect([converter.curve[0], converter.curve[CURVE_PIECES]]).toEqual([0, 65_536]);
      }),
      { numRuns: 30 },
    );
  });

  it("of binary weights steps at the major transitions, within what data sheets allow", () => {
    let widest = 0;
    for (let seed = 0; seed < 20; seed++) {
      const converter = new Converter(SAR_RANGE, new SeededRandom(seed));
      expect(inlOf(converter)).toBeLessThan(3.5);
      // The largest step of a curve is where the highest bits change.
      const { curve } = converter;
      for (let code = 0; code < 4095; code++) {
        const width = Math.abs((curve[code + 1] ?? 0) - (curve[code] ?? 0) - 1);
        if (width > 0.9) expect((code + 1) % 256).toBe(0);
        widest = Math.max(widest, width);
      }
    }
    expect(widest).toBeGreaterThan(0.5);
    expect(widest).toBeLessThan(3);
  });

  it("is taken out by a table but for what lies between its points", () => {
    // Seen where it matters: as the error of a mean of noisy codes at many inputs.
    const uncorrected = { ...SAR_RANGE } as { -readonly [K in keyof Range]: Range[K] };
    delete uncorrected.correction;
    let [before, after] = [0, 0];
    for (let seed = 0; seed < 10; seed++) {
      const converter = new Converter(SAR_RANGE, new SeededRandom(seed));
      const raw = new Converter(uncorrected, new SeededRandom(seed));
      for (let code = 32; code < 4064; code++) {
        const place = Math.min(Math.max(Math.round(converter.curve[code] ?? 0), 0), 4095);
        before += (place - code) ** 2;
        after += ((converter.counts?.[place] ?? 0) / 16 - (code - 2048)) ** 2;
      }
      expect(raw.counts).toBeNull();
    }
    expect(after).toBeLessThan(before / 2);
  });
});

describe("dead ends", () => {
  it("of ADC1 read 0 below 135 mV and 4095 above 3,135 mV, and nothing is even between", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const converter = new Converter(ESP32_RANGE, new SeededRandom(seed));
        const at = (input_V: number) => converter.codeAt((input_V / 3.3) * CURVE_PIECES);
        expect([at(0), at(0.05), at(0.13)]).toEqual([0, 0, 0]);
        expect([at(3.14), at(3.3)]).toEqual([4095, 4095]);
        for (const [input_V, code] of [
          [0.819, 823],
          [1.641, 1814],
          [2.462, 2811],
        ] as const) {
          expect(Math.abs(at(input_V) - code)).toBeLessThan(13);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("flatten what a sensor puts below them", () => {
    const range = { ...ESP32_RANGE, noise_codes: 0, offsetSpread_codes: 0, gainSpread_ppm: 0, bias_V: 0.3 };
    const codes = voltageOf(withRange(range), 80);
    // 0.325 V peak around 0.3 V: everything below 0.135 V is one code.
    const lowest = Math.min(...codes);
    expect(codes.filter((code) => code === lowest).length).toBeGreaterThan(20);
  });
});

describe("noise", () => {
  it("is white and Gaussian", () => {
    const values = new Float64Array(200_000);
    new Gaussian(new SeededRandom(3)).fill(values, values.length);
    const list = Array.from(values);
    expect(Math.abs(meanOf(list))).toBeLessThan(0.01);
    expect(Math.abs(deviationOf(list) - 1)).toBeLessThan(0.01);
    expect(Math.abs(meanOf(list.map((value) => value ** 4)) - 3)).toBeLessThan(0.08);
    expect(Math.abs(meanOf(list.slice(1).map((value, at) => value * (list[at] ?? 0))))).toBeLessThan(0.01);
  });

  it.each([1, 2.5, 10])("of %d codes is of that level in the codes", (noise_codes) => {
    const sampler = samplerOf(withRange({ noise_codes }), sinusoidal({ ...POINT, currents_A: [0] }));
    const [, current] = channelsOf(sampler, 40_000);
    // Quantisation adds 1/12.
    const told = Math.sqrt(noise_codes ** 2 + 1 / 12);
    expect(Math.abs(deviationOf(current ?? []) / told - 1)).toBeLessThan(0.02);
  });

  it("of the voltage and of the current are not alike", () => {
    const sampler = samplerOf(
      withRange({ noise_codes: 10 }),
      sinusoidal({ ...POINT, voltage_V: 1e-9, currents_A: [0] }),
    );
    const [v, i] = channelsOf(sampler, 40_000);
    const product = meanOf((v ?? []).map((value, at) => value * (i?.[at] ?? 0)));
    expect(Math.abs(product) / 100).toBeLessThan(0.025);
  });

  it("of radio comes in bursts of its share of the time", () => {
    const radio = { every_s: 0.1, lasts_s: 0.02, noise_codes: 100, shift_codes: 0 };
    const sampler = samplerOf({ ...IDEAL, radio }, sinusoidal({ ...POINT, currents_A: [0] }));
    const [, current] = channelsOf(sampler, 40_000);
    const loud = (current ?? []).filter((code) => code !== 0).length / 40_000;
    expect(loud).toBeGreaterThan(0.13);
    expect(loud).toBeLessThan(0.2);
    expect(deviationOf((current ?? []).filter((code) => code !== 0))).toBeGreaterThan(90);
  });
});

describe("time", () => {
  it("between voltage and current is a phase: skew times frequency", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e-4, max: 1e-4, noNaN: true }), (sampled_s) => {
        const noisy = withRange({ noise_codes: 1 });
        const sampler = samplerOf({ ...noisy, current: { ...noisy.current, sampled_s } });
        const [v, i] = channelsOf(sampler, 8_000);
        const ahead = fundamental(i ?? []).ahead_turns - fundamental(v ?? []).ahead_turns;
        // To 0.15 microsecond: six deviations of what a code of noise does to 2,317 of current.
        expect(Math.abs(ahead - sampled_s * 50)).toBeLessThan(7.5e-6);
      }),
      { numRuns: 20 },
    );
  });

  it("jitters: noise as large as the slope, none at the peaks", () => {
    const sampler = samplerOf({ ...IDEAL, jitter_s: 20e-6 });
    const quiet = voltageOf(IDEAL, 40_000);
    const [codes] = channelsOf(sampler, 40_000);
    const errors = (codes ?? []).map((code, at) => code - (quiet[at] ?? 0));
    const peak = 230 * Math.SQRT2 * sampler.scale.countsPerVolt;
    const atCrossings = errors.filter((_, at) => at % 40 === 0);
    expect(deviationOf(atCrossings) / (peak * 2 * Math.PI * 50 * 20e-6)).toBeCloseTo(1, 1);
    expect(deviationOf(errors.filter((_, at) => at % 40 === 20))).toBeLessThan(1.5);
  });

  it("runs by a clock that is off by at most its spread, and shows as frequency", () => {
    const trueRates = Array.from({ length: 40 }, (_, seed) => {
      const sampler = samplerOf({ ...IDEAL, clockSpread_ppm: 1000 }, sinusoidal(POINT), seed);
      const codes = channelsOf(sampler, 80 * 100)[0] ?? [];
      // Over 100 cycles of the sampling clock the mains gain or lose the clock's error.
      const drift_turns =
        fundamental(codes.slice(-80)).ahead_turns - fundamental(codes.slice(0, 80)).ahead_turns;
      expect(drift_turns / 99).toBeCloseTo(4_000 / sampler.trueRate_Hz - 1, 5);
      return sampler.trueRate_Hz / 4_000;
    });
    expect(Math.max(...trueRates)).toBeLessThanOrEqual(1.001);
    expect(Math.max(...trueRates) - Math.min(...trueRates)).toBeGreaterThan(0.001);
  });
});

describe("drift", () => {
  const warm = (frontEnd: FrontEnd, temperature_C: number, age_years = 0) => {
    const sampler = samplerOf(frontEnd);
    sampler.conditions.temperature_C = temperature_C;
    sampler.conditions.age_years = age_years;
    return fundamental(channelsOf(sampler, 8_000)[0] ?? []).peak / fundamental(voltageOf(frontEnd)).peak - 1;
  };

  it("of a sensor is its coefficient times the distance from 23 degrees", () => {
    const voltage = { ...IDEAL.voltage, sensor: { ...IDEAL.voltage.sensor, drift_ppmPerK: 100 } };
    expect(warm({ ...IDEAL, voltage }, 43) * 1e6).toBeCloseTo(2000, -2);
    expect(warm({ ...IDEAL, voltage }, 3) * 1e6).toBeCloseTo(-2000, -2);
  });

  it("of the reference moves all channels by at most its coefficient", () => {
    const drifting = { ...IDEAL, reference: { drift_ppmPerK: 100, ageing_ppmPerYear: 500 } };
    const by20K = warm(drifting, 43) * 1e6;
    expect(Math.abs(by20K)).toBeGreaterThan(10);
    expect(Math.abs(by20K)).toBeLessThan(2001);
    expect(warm(drifting, 3) * 1e6).toBeCloseTo(-by20K, -2);
    expect(Math.abs(warm(drifting, 23, 10)) * 1e6).toBeLessThan(5010);
  });
});

describe("offset and gain", () => {
  it("of units spread evenly within their limits", () => {
    const range: Range = { ...IDEAL_RANGE, gainSpread_ppm: 10_000, offsetSpread_codes: 20 };
    const units = Array.from({ length: 50 }, (_, seed) => new Converter(range, new SeededRandom(seed)));
    const gains = units.map(({ gain }) => gain);
    expect(Math.max(...gains)).toBeLessThanOrEqual(1.01);
    expect(Math.min(...gains)).toBeLessThan(0.995);
    expect(deviationOf(units.map(({ offset_codes }) => offset_codes))).toBeGreaterThan(8);
  });

  it("of an offset is the mean of the codes", () => {
    const frontEnd = withRange({ offsetSpread_codes: 20 });
    const codes = voltageOf(frontEnd);
    expect(Math.abs(meanOf(codes))).toBeGreaterThan(0.1);
    expect(Math.abs(meanOf(codes))).toBeLessThan(20);
  });
});

describe("two ranges", () => {
  it("join: a current that crosses from fine to coarse has one scale", () => {
    for (const current_A of [0.5, 3.5, 4.5, 10, 60]) {
      const sampler = samplerOf(DUAL_12, sinusoidal({ ...POINT, currents_A: [current_A] }));
      const { peak } = fundamental(channelsOf(sampler, 40_000)[1] ?? []);
      const ratio = peak / (current_A * Math.SQRT2 * sampler.scale.countsPerAmpere);
      // The filter takes 0.06 %, the transformer's unit 0.2 %, its lead 0.26 %.
      expect(Math.abs(ratio - 1)).toBeLessThan(0.008);
    }
  });

  it("resolve a small current sixteen times better than the coarse one alone", () => {
    const [, coarse] = DUAL_12.current.ranges as readonly [Range, Range];
    const one: FrontEnd = { ...DUAL_12, current: { ...DUAL_12.current, ranges: [coarse] } };
    const none = sinusoidal({ ...POINT, currents_A: [0] });
    const noise = (frontEnd: FrontEnd) => deviationOf(channelsOf(samplerOf(frontEnd, none), 4_000)[1] ?? []);
    expect(noise(one) / noise(DUAL_12)).toBeGreaterThan(12);
  });
});

describe("the external converter", () => {
  it("has the noise of its data sheet: 1.33 microvolt of a shunt's 200 microohm are 6.7 mA", () => {
    const quiet: FrontEnd = {
      ...EXTERNAL_16,
      radio: { every_s: 1e6, lasts_s: 1, noise_codes: 0, shift_codes: 0 },
    };
    const sampler = samplerOf(quiet, sinusoidal({ ...POINT, currents_A: [0] }));
    const noise_A = deviationOf(channelsOf(sampler, 40_000)[1] ?? []) / sampler.scale.countsPerAmpere;
    expect(Math.abs(noise_A / 0.00665 - 1)).toBeLessThan(0.02);
  });
});
