/**
 * What turns the wires' voltage and current into a small voltage: a divider, a shunt, a current transformer.
 * A sensor is a map from spectrum to spectrum in the steady state; only a transformer's core is followed in
 * time, and only if the current has a dc part or drives the core into saturation.
 */

import { cosineOfTurns, sineOfTurns } from "./elementary.js";
import { type Line, PERIOD_TURNS, rmsOf, type Spectrum } from "./mains.js";
import { PeriodicGrid } from "./periodic.js";

/** What all sensors have: a unit's own ratio and what the weather does to it. */
interface Ratio {
  /** A unit's ratio is off by at most this, evenly: what calibration takes out. */
  readonly ratioSpread_ppm: number;
  /** Of the ratio, counted from {@link REFERENCE_C}. */
  readonly drift_ppmPerK: number;
}

/** V in, V out. */
export interface Divider extends Ratio {
  readonly kind: "divider";
  readonly ratio: number;
  /** First-order lag of its resistance with stray and filter capacitance. */
  readonly lag_s: number;
}

/** A in, V out. */
export interface Shunt extends Ratio {
  readonly kind: "shunt";
  readonly resistance_ohm: number;
  /** Of the loop of its sense wires with the current: a lead that grows with frequency. */
  readonly inductance_H: number;
}

/** A in, V over its burden out. */
export interface CurrentTransformer extends Ratio {
  readonly kind: "transformer";
  readonly turns: number;
  readonly burden_ohm: number;
  readonly winding_ohm: number;
  /** Errors at {@link NOMINAL_Hz}, by ascending rms current; straight between the points, flat beyond. */
  readonly errors: readonly TransformerError[];
  /** A unit's lead is off by at most this, evenly, at all currents. Minutes of arc. */
  readonly leadSpread_min: number;
  /** Flux linkage of the secondary at which the core saturates, V s. */
  readonly saturation_Vs: number;
  /** Inductance of the secondary once saturated, H: that of little more than its copper. */
  readonly saturated_H: number;
}

export interface TransformerError {
  readonly current_A: number;
  readonly ratio_ppm: number;
  /** By which the secondary current comes ahead of the primary, minutes of arc. */
  readonly lead_min: number;
}

export type Sensor = Divider | Shunt | CurrentTransformer;

/** Where drifts are zero: the reference temperature of IEC 62053-21. */
export const REFERENCE_C = 23;

/** Frequency at which a transformer's errors are given. */
export const NOMINAL_Hz = 50;

/** What is one unit's own, drawn evenly from -1 to 1 and scaled by the sensor's spreads. */
export interface SensorDraw {
  readonly ratio: number;
  readonly lead: number;
}

/** V out for each V or A in, before any error. */
export function nominalRatio(sensor: Sensor): number {
  if (sensor.kind === "divider") return sensor.ratio;
  if (sensor.kind === "shunt") return sensor.resistance_ohm;
  return sensor.burden_ohm / sensor.turns;
}

/** The factor on the output at a temperature. */
export function driftOf(sensor: Sensor, temperature_C: number): number {
  return 1 + sensor.drift_ppmPerK * 1e-6 * (temperature_C - REFERENCE_C);
}

/**
 * The sensor's output at {@link REFERENCE_C}, V.
 *
 * @param order_max the highest order that a saturated core's output is given to
 */
export function sensed(
  sensor: Sensor,
  draw: SensorDraw,
  input: Spectrum,
  frequency_Hz: number,
  order_max: number,
): Spectrum {
  const ratio = nominalRatio(sensor) * (1 + sensor.ratioSpread_ppm * 1e-6 * draw.ratio);
  if (sensor.kind === "transformer") {
    return transformed(sensor, draw, ratio, input, frequency_Hz, order_max);
  }
  return input.map((line) => {
    const w = 2 * Math.PI * frequency_Hz * line.order;
    if (sensor.kind === "shunt")
      return multiplied(line, ratio, (ratio * w * sensor.inductance_H) / sensor.resistance_ohm);
    return lowPassed(line, ratio, w * sensor.lag_s);
  });
}

/** Times the complex number re + j im, which turns a line ahead by its angle. */
export function multiplied({ order, sine, cosine }: Line, re: number, im: number): Line {
  return { order, sine: sine * re - cosine * im, cosine: cosine * re + sine * im };
}

/** Times gain / (1 + j x): a first-order low pass, x the frequency over its corner's. */
export function lowPassed(line: Line, gain: number, x: number): Line {
  const norm = gain / (1 + x * x);
  return multiplied(line, norm, -norm * x);
}

/** Times j x / (1 + j x): a first-order high pass, x the frequency over its corner's. */
export function highPassed(line: Line, x: number): Line {
  const norm = x / (1 + x * x);
  return multiplied(line, norm * x, norm);
}

// ---- current transformer ----

/**
 * The core as one inductance L, chosen so that at 50 Hz the lead is what the data sheet gives at this rms
 * current: the secondary's resistance R drives flux into the core, d(flux)/dt = R i2, and the core takes
 * flux / L away from the ideal secondary current. So the lead is atan(R / (w L)) and falls with frequency.
 */
function transformed(
  sensor: CurrentTransformer,
  draw: SensorDraw,
  ratio: number,
  input: Spectrum,
  frequency_Hz: number,
  order_max: number,
): Spectrum {
  const rms_A = rmsOf(input);
  const errors = errorsAt(sensor.errors, rms_A);
  const lead_turns = (errors.lead_min + sensor.leadSpread_min * draw.lead) / (360 * 60);
  const gain = ratio * (1 + errors.ratio_ppm * 1e-6);
  const resistance_ohm = sensor.burden_ohm + sensor.winding_ohm;
  const cotangent = cosineOfTurns(lead_turns) / sineOfTurns(lead_turns);
  const core: Core = {
    inductance_H: (resistance_ohm * cotangent) / (2 * Math.PI * NOMINAL_Hz),
    resistance_ohm,
    // Seen from the primary, the flux linkage is that of the secondary times the turns.
    saturation_Vs: sensor.saturation_Vs * sensor.turns,
    saturated_H: sensor.saturated_H,
  };
  if (saturates(core, input, frequency_Hz)) {
    return throughCore(core, input, frequency_Hz, order_max).map((line) => multiplied(line, gain, 0));
  }
  return input
    .filter(({ order }) => order > 0)
    .map((line) => {
      // Secondary over primary is 1 / (1 - j x), x = R / (w L); the given ratio error comes on top.
      const x = core.resistance_ohm / (2 * Math.PI * frequency_Hz * line.order * core.inductance_H);
      return multiplied(line, gain / (1 + x * x), (gain * x) / (1 + x * x));
    });
}

/** With dc of a millionth of the rest, or a flux that could pass the knee. */
function saturates(core: Core, input: Spectrum, frequency_Hz: number): boolean {
  let dc_A = 0;
  let ac_A = 0;
  let flux_Vs = 0;
  for (const { order, sine, cosine } of input) {
    const peak_A = Math.abs(sine) + Math.abs(cosine);
    if (order === 0) dc_A = peak_A;
    else {
      ac_A += peak_A;
      flux_Vs += (core.resistance_ohm * peak_A) / (2 * Math.PI * frequency_Hz * order);
    }
  }
  return dc_A > 1e-6 * ac_A || flux_Vs > core.saturation_Vs;
}

function errorsAt(errors: readonly TransformerError[], current_A: number): TransformerError {
  const [first] = errors;
  if (first === undefined) throw new RangeError("a current transformer has an error at one current at least");
  let below = first;
  for (const point of errors) {
    if (point.current_A > current_A) {
      if (point === first) return first;
      const share = (current_A - below.current_A) / (point.current_A - below.current_A);
      return {
        current_A,
        ratio_ppm: below.ratio_ppm + share * (point.ratio_ppm - below.ratio_ppm),
        lead_min: below.lead_min + share * (point.lead_min - below.lead_min),
      };
    }
    below = point;
  }
  return below;
}

interface Core {
  readonly inductance_H: number;
  readonly resistance_ohm: number;
  readonly saturation_Vs: number;
  readonly saturated_H: number;
}

/** Steps per turn of the core's differential equation; the phase it adds is 2 pi / 4096 of the core's lead. */
const STEPS_PER_TURN = 4096;

/** A core of 0.01 degree has a time constant of 900 turns; what is left after this many is nothing. */
const SETTLING_PERIODS_MAX = 2_000;

/**
 * Primary current into secondary current, both as seen by the primary, through a core whose magnetising
 * current is flux / L up to saturation and rises by flux / L_saturated above it. No hysteresis. Backward
 * Euler, which for a curve of straight pieces needs no iteration, until a period ends where it began.
 */
function throughCore(core: Core, input: Spectrum, frequency_Hz: number, order_max: number): Spectrum {
  const whole = input.every(({ order }) => Number.isInteger(order));
  const grid = new PeriodicGrid(STEPS_PER_TURN, whole ? 1 : PERIOD_TURNS);
  const primary = grid.sampled(input);
  const secondary = new Float64Array(primary.length);
  const step_s = 1 / (frequency_Hz * STEPS_PER_TURN);
  const gain = step_s * core.resistance_ohm;
  let flux = 0;
  for (let period = 0; period < SETTLING_PERIODS_MAX; period++) {
    const before = flux;
    for (let at = 0; at < primary.length; at++) {
      const drive = flux + gain * (primary[at] ?? 0);
      flux = settled(core, drive, gain);
      secondary[at] = (primary[at] ?? 0) - magnetising(core, flux);
    }
    if (Math.abs(flux - before) < 1e-10 * core.saturation_Vs) break;
  }
  return grid.analysed(secondary, order_max);
}

function magnetising(core: Core, flux: number): number {
  const excess = Math.abs(flux) - core.saturation_Vs;
  if (excess <= 0) return flux / core.inductance_H;
  const size = core.saturation_Vs / core.inductance_H + excess / core.saturated_H;
  return flux < 0 ? -size : size;
}

/** The flux that solves flux + gain * magnetising(flux) = drive. */
function settled(core: Core, drive: number, gain: number): number {
  const linear = drive / (1 + gain / core.inductance_H);
  if (Math.abs(linear) <= core.saturation_Vs) return linear;
  const knee = core.saturation_Vs * (1 + gain / core.inductance_H);
  const size = core.saturation_Vs + (Math.abs(drive) - knee) / (1 + gain / core.saturated_H);
  return drive < 0 ? -size : size;
}
