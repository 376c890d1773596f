// A recorded waveform: pipeline and floating point agree to the rounding of codes, in every quadrant.
import { describe, expect, it } from "vitest";
import { compareRecording, type Recording } from "../../../host-sim/waveform/recording.js";

/** 10 s of a sine, with a third harmonic in the current and an offset on both. */
function recordingOf(lag_turns: number, change: Partial<Recording> = {}, seconds = 10): Recording {
  const rate_Hz = change.rate_Hz ?? 4000;
  const wave = (peak: number, offset: number, lag: number, third: number) =>
    Float64Array.from({ length: seconds * rate_Hz }, (_, at) => {
      const turns = (49.93 * at) / rate_Hz - lag;
      return offset + peak * (Math.sin(2 * Math.PI * turns) + third * Math.sin(6 * Math.PI * turns));
    });
  return {
    rate_Hz,
    volts: wave(325, 1.5, 0, 0),
    amperes: wave(7, -0.04, lag_turns, 0.2),
    volt_step: 0.0125,
    ampere_step: 0.001,
    ...change,
  };
}

describe("a recording", () => {
  it.each([0, 1 / 6, 0.25, 0.4, 0.5, 0.7, 0.9])("whose current comes %d turns late", (lag_turns) => {
    const compared = compareRecording(recordingOf(lag_turns));
    expect(compared.frequency_Hz).toBeCloseTo(49.93, 1);
    // The first window is left out, and what is not a whole one at the end.
    expect(compared.windows).toBe(48);
    expect(compared.status).toBe(0);
    const angle = 2 * Math.PI * lag_turns;
    const power = ((325 * 7) / 2) * 1000 * compared.seconds;
    const expected = [Math.cos(angle), -Math.cos(angle), Math.sin(angle), -Math.sin(angle)];
    for (const [at, { pipeline_mJ, reference_mJ }] of compared.registers.entries()) {
      expect(Math.abs(pipeline_mJ - reference_mJ) / compared.apparent_mJ).toBeLessThan(at < 2 ? 1e-5 : 3e-4);
      expect(Math.abs(reference_mJ - Math.max(0, (expected[at] ?? 0) * power)) / power).toBeLessThan(2e-4);
    }
  });

  it("at another rate is the same", () => {
    const [slow, fast] = [2000, 16_000].map((rate_Hz) => compareRecording(recordingOf(0, { rate_Hz })));
    const perSecond = (of: typeof slow) => (of?.registers[0]?.pipeline_mJ ?? 0) / (of?.seconds ?? 1);
    expect(perSecond(slow) / perSecond(fast)).toBeCloseTo(1, 4);
  });

  it("is refused without two windows, with a value beyond 16 bits, or a step that no calibration says", () => {
    expect(() => compareRecording(recordingOf(0, {}, 0.3))).toThrow("no two windows of ten cycles");
    const { volts, amperes } = recordingOf(0);
    expect(() => compareRecording(recordingOf(0, { amperes: amperes.map(() => 0) }))).toThrow(
      "no two windows",
    );
    volts[6] = 500;
    expect(() => compareRecording(recordingOf(0, { volts }))).toThrow("frame 7: 40000 is no code of 16 bits");
    for (const ampere_step of [1e9, 1e-12])
      expect(() => compareRecording(recordingOf(0, { ampere_step }))).toThrow(
        "a product of codes is more or less",
      );
  });
});
