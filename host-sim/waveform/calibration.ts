/**
 * What an element's codes are worth, found on the test bench against the source's truth: the gain, and how much later
 * than the voltage the current appears. The pipeline turns active energy A by reactive energy R, k (A + tan(a) R), and
 * so two powers are two linear equations for k and k tan(a); or one power, active and reactive. Either is exact at the
 * frequency at which it is done.
 */

import type { ElementCalibration, WaveformCalibration } from "../../src/trusted/metrology/calibration.js";
import type { ElementTruth } from "./mains.js";
import { RATED } from "./models.js";
import { scaleOf } from "./sampler.js";
import { chunkOf, type Patience, type Specimen, steadySetup, windowsOf } from "./test-bench.js";
import { mainsOf, type PowerFactor, REFERENCE, startingPower_mW } from "./test-points.js";
import { type Estimate, estimate } from "./uncertainty.js";

/** 1: at 0.5 inductive alone, active and reactive; 2: at unity and 0.5 inductive, active alone. */
export type CalibrationPoints = 1 | 2;

export interface Calibrated {
  readonly calibration: WaveformCalibration;
  /** Of each element: what was found, and how well its active energy was known at the worst point, %. */
  readonly uncertainty: readonly number[];
  readonly seconds: number;
}

/** What a bench is patient enough for, %: small beside half of the narrowest limit, 0.5. */
const PATIENCE: Patience = { target: 0.02, seconds_max: 300 };
/** Of gain and delay: 2^40 per mJ, and what the pipeline takes. */
const GAIN_UNIT = 2 ** 40;
const PHASES = ["2", "4", "6"] as const;

/** Active and reactive power of each element as the pipeline has it, and as it is; W and var. */
interface Observed {
  readonly active: readonly Estimate[];
  readonly reactive: readonly Estimate[];
  readonly truths: readonly ElementTruth[];
  readonly seconds: number;
}

/** As the model's nominal values have it: what calibration starts from. */
export function nominalCalibration({ model, elements }: Specimen): WaveformCalibration {
  const { countsPerVolt, countsPerAmpere } = scaleOf(model);
  const gain = Math.round((GAIN_UNIT * 1000) / (RATED.rate_Hz * countsPerVolt * countsPerAmpere));
  const element: ElementCalibration = { gain, delay_ns: 0 };
  return {
    samplesPerSecond: RATED.rate_Hz,
    starting_mW: 0,
    elements: Array.from({ length: elements }, () => element),
  };
}

/** Calibrates at Ib, the nominal voltage and frequency. */
export function calibrate(
  specimen: Specimen,
  points: CalibrationPoints = 2,
  patience: Patience = PATIENCE,
): Calibrated {
  const nominal = nominalCalibration(specimen);
  const factors: readonly PowerFactor[] = points === 2 ? ["1", "0.5 inductive"] : ["0.5 inductive"];
  const observed = factors.map((factor) => observe(specimen, nominal, factor, patience));
  const elements = nominal.elements.map(({ gain }, element) => {
    const { k, tangent } = solve(equationsOf(observed, element));
    const delay_ns = Math.round((1e9 * tangent) / (2 * Math.PI * RATED.frequency_Hz));
    return { gain: Math.round(gain * k), delay_ns };
  });
  const starting_mW = startingPower_mW(specimen.elements);
  return {
    calibration: { ...nominal, starting_mW, elements },
    uncertainty: elements.map((_, element) =>
      Math.max(...observed.map(({ active, truths }) => relative(active[element], truths[element]))),
    ),
    seconds: observed.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

const relative = (active: Estimate | undefined, truth: ElementTruth | undefined) =>
  (100 * (active?.uncertainty ?? Number.NaN)) / Math.abs(truth?.active_W ?? Number.NaN);

function observe(
  specimen: Specimen,
  calibration: WaveformCalibration,
  powerFactor: PowerFactor,
  { target, seconds_max }: Patience,
): Observed {
  const { setup, truths } = steadySetup(
    specimen,
    mainsOf({ ...REFERENCE, powerFactor }, specimen.elements),
    `calibration, cos phi ${powerFactor}`,
    REFERENCE.temperature_C,
  );
  const channels = PHASES.slice(0, specimen.elements).flatMap((phase) =>
    ["1", "2", "3", "4"].map((quantity) => `1-0:${phase}${quantity}.8.0`),
  );
  const windows = windowsOf(setup, channels, calibration);
  const chunks: { readonly active: number[]; readonly reactive: number[] }[] = truths.map(() => ({
    active: [],
    reactive: [],
  }));
  let seconds = 0;
  for (;;) {
    const chunk = chunkOf(windows);
    if (chunk === null) throw new RangeError(`${specimen.model.name}: nothing is measured at Ib`);
    seconds += chunk.duration_s;
    const power = (channel: number) => (chunk.energy_mJ[channel] ?? 0) / chunk.duration_s / 1000;
    for (const [element, { active, reactive }] of chunks.entries()) {
      active.push(power(4 * element) - power(4 * element + 1));
      reactive.push(power(4 * element + 2) - power(4 * element + 3));
    }
    const active = chunks.map((of) => estimate(of.active));
    const isKnown = active.every((one, element) => relative(one, truths[element]) <= target);
    if (isKnown || seconds >= seconds_max)
      return { active, reactive: chunks.map((of) => estimate(of.reactive)), truths, seconds };
  }
}

/** k a + (k tan) r = truth. */
interface Equation {
  readonly a: number;
  readonly r: number;
  readonly truth: number;
}

function equationsOf(observed: readonly Observed[], element: number): readonly [Equation, Equation] {
  const equations = observed.map(({ active, reactive, truths }): Equation => {
    const [a, r] = [active[element]?.mean ?? 0, reactive[element]?.mean ?? 0];
    return { a, r, truth: truths[element]?.active_W ?? 0 };
  });
  const [first, second] = equations;
  if (first === undefined) throw new RangeError("no point was observed");
  if (second !== undefined) return [first, second];
  // Of one point the reactive energy as well: k (R - tan(a) A).
  return [first, { a: first.r, r: -first.a, truth: observed[0]?.truths[element]?.reactive_var ?? 0 }];
}

/** Two linear equations, by Cramer's rule. */
function solve([one, two]: readonly [Equation, Equation]): { readonly k: number; readonly tangent: number } {
  const determinant = one.a * two.r - two.a * one.r;
  const k = (one.truth * two.r - two.truth * one.r) / determinant;
  const product = (one.a * two.truth - two.a * one.truth) / determinant;
  return { k, tangent: product / k };
}
