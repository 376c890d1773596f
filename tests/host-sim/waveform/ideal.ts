import { SeededRandom } from "../../../host-sim/seeded.js";
import type { Range } from "../../../host-sim/waveform/adc.js";
import type { Mains, OperatingPoint } from "../../../host-sim/waveform/mains.js";
import { sinusoidal } from "../../../host-sim/waveform/mains.js";
import { type FrontEnd, Sampler } from "../../../host-sim/waveform/sampler.js";
import { steady } from "../../../host-sim/waveform/supply.js";

/** 16 bits over +-1 V and nothing wrong with it: tests say what they add. */
export const IDEAL_RANGE: Range = {
  bits: 16,
  span_V: 2,
  bias_V: 1,
  curve: { kind: "smooth", inl_ppm: 0 },
  gainSpread_ppm: 0,
  offsetSpread_codes: 0,
  noise_codes: 0,
};

const NO_FILTER = { corner_Hz: 1e12, cornerSpread: 0, sinc3: false };

/** 1 mV a V and 10 mV an A. */
export const IDEAL: FrontEnd = {
  name: "ideal",
  voltage: {
    sensor: { kind: "divider", ratio: 1e-3, lag_s: 0, ratioSpread_ppm: 0, drift_ppmPerK: 0 },
    filter: NO_FILTER,
    ranges: [IDEAL_RANGE],
    guard_codes: 0,
    sampled_s: 0,
  },
  current: {
    sensor: { kind: "shunt", resistance_ohm: 0.01, inductance_H: 0, ratioSpread_ppm: 0, drift_ppmPerK: 0 },
    filter: NO_FILTER,
    ranges: [IDEAL_RANGE],
    guard_codes: 0,
    sampled_s: 0,
  },
  clockSpread_ppm: 0,
  jitter_s: 0,
  reference: { drift_ppmPerK: 0, ageing_ppmPerYear: 0 },
};

/** The ideal front end with these in place of its own current and voltage ranges. */
export function withRange(range: Partial<Range>): FrontEnd {
  const ranges = [{ ...IDEAL_RANGE, ...range }] as const;
  return { ...IDEAL, voltage: { ...IDEAL.voltage, ranges }, current: { ...IDEAL.current, ranges } };
}

export const POINT: OperatingPoint = {
  frequency_Hz: 50,
  voltage_V: 230,
  currents_A: [5],
  lag_turns: 0,
  direction: "import",
  sequence: "forward",
};

export function samplerOf(frontEnd: FrontEnd, mains: Mains = sinusoidal(POINT), seed = 1): Sampler {
  return new Sampler({ frontEnd, supply: steady(mains), rate_Hz: 4_000, random: new SeededRandom(seed) });
}

/** Frames of a sampler, one array for each channel. */
export function channelsOf(sampler: Sampler, frames: number): number[][] {
  const into = new Int16Array(frames * sampler.channels);
  sampler.fill(into);
  return Array.from({ length: sampler.channels }, (_, channel) =>
    Array.from({ length: frames }, (_, frame) => into[frame * sampler.channels + channel] ?? Number.NaN),
  );
}

/** Amplitude and phase, turns ahead of a sine, of the fundamental of 80 samples a cycle, whole cycles. */
export function fundamental(codes: readonly number[]): {
  readonly peak: number;
  readonly ahead_turns: number;
} {
  let [sine, cosine] = [0, 0];
  for (const [at, code] of codes.entries()) {
    sine += code * Math.sin((2 * Math.PI * at) / 80);
    cosine += code * Math.cos((2 * Math.PI * at) / 80);
  }
  return {
    peak: (2 * Math.hypot(sine, cosine)) / codes.length,
    ahead_turns: Math.atan2(cosine, sine) / (2 * Math.PI),
  };
}

export const meanOf = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

/** Mean of products of two channels, in W, by the nominal scale. */
export function power_W(sampler: Sampler, voltage: readonly number[], current: readonly number[]): number {
  const sum = voltage.reduce((total, v, at) => total + v * (current[at] ?? Number.NaN), 0);
  return sum / voltage.length / sampler.scale.countsPerVolt / sampler.scale.countsPerAmpere;
}
