/**
 * All tests of a unit: it is calibrated, its error is taken at every point, and it is tried without a load, at
 * starting current and at power-up. Then which classes it is within, and with how much to spare.
 */

import type { WaveformCalibration } from "../../src/trusted/metrology/calibration.js";
import { WaveformEnergy } from "../../src/trusted/metrology/waveform.js";
import { MJ_PER_KWH } from "../calibration.js";
import { calibrate } from "./calibration.js";
import { steady } from "./supply.js";
import { type ErrorMeasured, measureError, Setup, type Specimen } from "./test-bench.js";
import {
  type ClassName,
  type Influence,
  influenceOf,
  mainsOf,
  NO_LOAD_PULSES_MAX,
  NO_LOAD_VOLTAGE,
  noLoadTime_s,
  type PowerFactor,
  REFERENCE,
  type Setting,
  START_UP_S_MAX,
  STARTING_Ib,
  startingPower_mW,
  TEST_PULSES,
  type TestPoint,
  testPoints,
} from "./test-points.js";

/** A point's error, or its change, of one unit. */
export interface PointResult {
  readonly point: TestPoint;
  /** % */
  readonly error: number;
  /** Half of the 95 % interval, %. */
  readonly uncertainty: number;
  readonly seconds: number;
  /**
   * Of an intrinsic error, with what the MID adds: the square root of the sum of squares of it and of its largest
   * changes with voltage, frequency and temperature, %. Null for a change.
   */
  readonly composite: number | null;
}

export interface NoLoad {
  readonly seconds: number;
  readonly pulses: number;
}

export interface Starting {
  /** Until the first pulse and from it to the second, as parts of the time that each should take; null if none came. */
  readonly first: number | null;
  readonly second: number | null;
}

export interface UnitResult {
  readonly seed: number;
  readonly calibration: WaveformCalibration;
  readonly points: readonly PointResult[];
  readonly noLoad: NoLoad;
  readonly starting: Starting;
  /** From power-up to the first energy, the front end's and the pipeline's part; null if none came in time. */
  readonly startUp_s: number | null;
  /** Simulated in all, s. */
  readonly seconds: number;
}

/** A point is measured until the uncertainty is below this part of its limit. */
const UNCERTAINTY_PART = 1 / 5;
/** Registers of the total. */
const REGISTERS = ["1-0:1.8.0", "1-0:2.8.0"] as const;
/** Of the time that a pulse should take, how late it may come: EN 50470-3's test of starting. */
const PULSE_LATE_MAX = 1.5;
/** Before the starting current comes, the meter has none, s. */
const IDLE_S = 5;
const LOOK_FRAMES = 400;

/** @param seconds_max of each point. @param progress is told of the part that is done, 0 to 1. */
export function testUnit(
  specimen: Specimen,
  seconds_max: number,
  progress: (part: number) => void = () => {},
): UnitResult {
  const { calibration, seconds: calibrated_s } = calibrate(specimen);
  const points = testPoints(specimen.elements);
  const bench = new Bench(specimen, calibration, points, seconds_max);
  const measured = points.map((point, at) => {
    progress(at / (points.length + 1));
    return bench.measure(point);
  });
  const noLoad = withoutLoad(specimen, calibration);
  const { starting, seconds: starting_s } = atStartingCurrent(specimen, calibration);
  progress(1);
  return {
    seed: specimen.seed,
    calibration,
    points: withComposites(measured),
    noLoad,
    starting,
    startUp_s: startUp(specimen, calibration),
    seconds: calibrated_s + bench.seconds + noLoad.seconds + starting_s,
  };
}

/** Measures settings once each, as well as the most demanding point that takes them wants. */
class Bench {
  readonly #specimen: Specimen;
  readonly #calibration: WaveformCalibration;
  readonly #seconds_max: number;
  readonly #targets = new Map<string, number>();
  readonly #errors = new Map<string, ErrorMeasured>();

  constructor(
    specimen: Specimen,
    calibration: WaveformCalibration,
    points: readonly TestPoint[],
    seconds_max: number,
  ) {
    this.#specimen = specimen;
    this.#calibration = calibration;
    this.#seconds_max = seconds_max;
    for (const { setting, reference, limits } of points) {
      const target = (limits["1"] ?? Number.POSITIVE_INFINITY) * UNCERTAINTY_PART;
      // A difference has both uncertainties.
      const each = reference === null ? target : target / Math.SQRT2;
      for (const one of reference === null ? [setting] : [setting, reference]) {
        const key = keyOf(one);
        this.#targets.set(key, Math.min(each, this.#targets.get(key) ?? each));
      }
    }
  }

  get seconds(): number {
    return [...this.#errors.values()].reduce((sum, { seconds }) => sum + seconds, 0);
  }

  measure(point: TestPoint): Omit<PointResult, "composite"> {
    const { error, uncertainty, seconds } = this.#errorAt(point.setting);
    if (point.reference === null) return { point, error, uncertainty, seconds };
    const reference = this.#errorAt(point.reference);
    return {
      point,
      error: error - reference.error,
      uncertainty: Math.hypot(uncertainty, reference.uncertainty),
      seconds,
    };
  }

  #errorAt(setting: Setting): ErrorMeasured {
    const key = keyOf(setting);
    const known = this.#errors.get(key);
    if (known !== undefined) return known;
    const mains = mainsOf(setting, this.#specimen.elements);
    const measured = measureError(
      this.#specimen,
      this.#calibration,
      { mains, label: key, temperature_C: setting.temperature_C },
      { target: this.#targets.get(key) ?? 0, seconds_max: this.#seconds_max },
    );
    this.#errors.set(key, measured);
    return measured;
  }
}

const keyOf = (setting: Setting) => JSON.stringify(setting);

function withComposites(measured: readonly Omit<PointResult, "composite">[]): PointResult[] {
  return measured.map((result) => {
    if (result.point.reference !== null) return { ...result, composite: null };
    const changes = (["voltage", "frequency", "temperature"] as const).map((influence) =>
      largestChange(measured, influence, result.point.setting.powerFactor),
    );
    return { ...result, composite: Math.hypot(result.error, ...changes) };
  });
}

/** At this power factor, whatever the current; a capacitive one, which is not varied, has the larger of the others. */
function largestChange(
  measured: readonly Omit<PointResult, "composite">[],
  influence: Influence,
  powerFactor: PowerFactor,
): number {
  const changes = measured.filter(
    ({ point }) =>
      influenceOf(point) === influence &&
      (powerFactor === "0.8 capacitive" || point.setting.powerFactor === powerFactor),
  );
  return Math.max(...changes.map(({ error }) => Math.abs(error)));
}

// ---- no load, starting, start-up ----

/** Registers and test output of a meter on its source. */
class Counting {
  readonly #setup: Setup;
  readonly #pipeline = new WaveformEnergy(REGISTERS);
  readonly #calibration: WaveformCalibration;
  /** Of both registers together, as the test output shows them, mJ. */
  energy_mJ = 0;
  seconds = 0;

  constructor(setup: Setup, calibration: WaveformCalibration) {
    this.#setup = setup;
    this.#calibration = calibration;
  }

  get pulses(): number {
    return Math.floor((this.energy_mJ * TEST_PULSES) / MJ_PER_KWH);
  }

  /** Until it is so, or the time has passed; whether it is. */
  until(isSo: () => boolean, seconds_max: number): boolean {
    while (!isSo()) {
      if (this.seconds >= seconds_max) return false;
      this.seconds += this.#setup.frontEnd.run(LOOK_FRAMES).duration_s;
      this.#pipeline.take(this.#setup.frontEnd.read().cycles ?? [], this.#calibration);
      for (const channel of REGISTERS.keys()) this.energy_mJ += this.#pipeline.drain(channel);
    }
    return true;
  }
}

function withoutLoad(specimen: Specimen, calibration: WaveformCalibration): NoLoad {
  const mains = mainsOf({ ...REFERENCE, voltage: NO_LOAD_VOLTAGE, current_Ib: 0 }, specimen.elements);
  const setup = new Setup(specimen, steady(mains), "no load", REFERENCE.temperature_C);
  const counting = new Counting(setup, calibration);
  counting.until(() => false, noLoadTime_s(specimen.elements));
  return { seconds: counting.seconds, pulses: counting.pulses };
}

function atStartingCurrent(specimen: Specimen, calibration: WaveformCalibration) {
  const at = (current_Ib: number) => mainsOf({ ...REFERENCE, current_Ib }, specimen.elements);
  const supply = [
    { duration_s: IDLE_S, mains: at(0) },
    { duration_s: Number.POSITIVE_INFINITY, mains: at(STARTING_Ib) },
  ];
  const setup = new Setup(specimen, supply, "starting", REFERENCE.temperature_C);
  const counting = new Counting(setup, calibration);
  const pulse_s = MJ_PER_KWH / TEST_PULSES / startingPower_mW(specimen.elements);
  counting.until(() => false, IDLE_S);
  const begun = counting.pulses;
  const parts: (number | null)[] = [1, 2].map((pulse) => {
    const from_s = counting.seconds;
    const came = counting.until(() => counting.pulses >= begun + pulse, from_s + PULSE_LATE_MAX * pulse_s);
    return came ? (counting.seconds - from_s) / pulse_s : null;
  });
  const [first = null, second = null] = parts;
  return { starting: { first, second }, seconds: counting.seconds };
}

function startUp(specimen: Specimen, calibration: WaveformCalibration): number | null {
  const setup = new Setup(
    specimen,
    steady(mainsOf(REFERENCE, specimen.elements)),
    "start-up",
    REFERENCE.temperature_C,
  );
  const counting = new Counting(setup, calibration);
  return counting.until(() => counting.energy_mJ > 0, START_UP_S_MAX) ? counting.seconds : null;
}

// ---- classes ----

export interface Verdict {
  /** Largest error over its limit, of all points of all units; above 1 the class is missed. */
  readonly share: number;
  /** The point at which it is. */
  readonly worst: string;
  readonly isMet: boolean;
}

/** Whether all these units are of the class. */
export function verdictOf(units: readonly UnitResult[], name: ClassName): Verdict {
  let worst = { share: 0, worst: "" };
  for (const { points } of units) {
    for (const result of points) {
      const limit = result.point.limits[name];
      if (limit === null) continue;
      const part = Math.abs(errorFor(result, name)) / limit;
      const share = Number.isNaN(part) ? Number.POSITIVE_INFINITY : part;
      if (share > worst.share) worst = { share, worst: result.point.name };
    }
  }
  return { ...worst, isMet: worst.share <= 1 && units.every(isSound) };
}

/** The error that a class limits: with its influences under the MID. */
export const errorFor = ({ error, composite }: PointResult, name: ClassName): number =>
  name === "1" || name === "2" ? error : (composite ?? error);

/** The tests that are passed or not, alike for all classes. */
export const isSound = ({ noLoad, starting, startUp_s }: UnitResult): boolean =>
  noLoad.pulses <= NO_LOAD_PULSES_MAX &&
  starting.first !== null &&
  starting.second !== null &&
  startUp_s !== null;

/** Points at which time ran out before the uncertainty was a fifth of class 1's limit. */
export const uncertainPoints = ({ points }: UnitResult): number =>
  points.filter(({ point, uncertainty }) => {
    const limit = point.limits["1"];
    return limit !== null && uncertainty > limit * UNCERTAINTY_PART;
  }).length;
