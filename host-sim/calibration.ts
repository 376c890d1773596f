// What front ends are worth, as an authority writes it into a meter's configuration.
import type { Calibration, CountSource } from "../src/trusted/metrology/calibration.js";

/** Pulses of an S0 output last 30 ms and are 30 ms apart at least (IEC 62053-31): no more than these come in a second. */
const S0_PER_SECOND = 16;
export const MJ_PER_KWH = 3_600_000_000;
/** The same of gas and water, which registers count in dm3 where they count energy in Wh. */
export const MJ_PER_DM3 = 3_600_000;

/** An S0 input that gives `pulses` for each `unit_mJ`: so many in a kWh, or one for so many dm3. */
export const pulseSource = (input: number, unit_mJ: number, pulses: number): CountSource => ({
  input,
  isBackward: false,
  numerator: unit_mJ,
  denominator: pulses,
  maxPerSecond: S0_PER_SECOND,
});

/** Of a meter that counts pulses only; its test output is the counted meters' own. */
export const pulseCalibration = (...sources: readonly CountSource[]): Calibration => ({
  sources,
  waveform: null,
  testPulses: 0,
});
