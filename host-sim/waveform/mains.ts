/**
 * What is on the wires: voltage and current of each metering element as functions of time, and the power that
 * a perfect meter would measure. Every test signal of IEC 62053-21 is a few sines and, for fired and rectified
 * currents, windows in which the current flows; so powers, energies and spectra are closed forms and nothing
 * here is integrated by steps.
 *
 * Time is counted in turns, cycles of the fundamental. Every signal repeats after {@link PERIOD_TURNS}.
 */

import { cosineOfTurns, sineOfTurns, squareRoot } from "./elementary.js";

/** Cycles after which every signal repeats: those of a burst fired two on, two off. */
export const PERIOD_TURNS = 4;

/** sqrt(2) rms sin(2 pi (order x - lag)), x in turns of the fundamental, the lag in turns of this sine. */
export interface Sine {
  /** A whole number from 1. */
  readonly order: number;
  readonly rms: number;
  readonly lag_turns: number;
}

/** A sum of sines that flows in windows; a voltage or a load's current. V or A. */
export interface Wave {
  readonly sines: readonly Sine[];
  /** Turns of the fundamental by which the wave, windows included, comes after that of a delay of 0. */
  readonly delay_turns: number;
  /** When it flows, [from, to) in turns of its own period, 0 to 4, ascending; always if absent. */
  readonly windows?: readonly (readonly [from: number, to: number])[];
}

export interface ElementWaves {
  /** Without windows: a supply does not switch its voltage with the load. */
  readonly voltage: Omit<Wave, "windows">;
  readonly current: Wave;
}

/** A steady state of the supply and its loads. */
export interface Mains {
  readonly frequency_Hz: number;
  /** One to three. */
  readonly elements: readonly ElementWaves[];
}

// ---- test signals ----

/** How far a current comes after its voltage, in turns. acos(0.8), acos(0.5), acos(0.25) over 2 pi. */
export const LAG_TURNS = {
  unity: 0,
  inductive08: 0.10241638234956672,
  inductive05: 1 / 6,
  inductive025: 0.2097846883724169,
  capacitive08: -0.10241638234956672,
  capacitive05: -1 / 6,
  reactive: 0.25,
} as const;

/** What a test bench sets. */
export interface OperatingPoint {
  readonly frequency_Hz: number;
  /** Rms, of each phase. */
  readonly voltage_V: number;
  /** Rms of each element's current, one to three; 0 for no current. For windowed ones before the windows. */
  readonly currents_A: readonly number[];
  /** Of the current after its voltage ({@link LAG_TURNS}). */
  readonly lag_turns: number;
  readonly direction: "import" | "export";
  /** Whether L2 comes after L1 or before it. */
  readonly sequence: "forward" | "reversed";
}

/** Voltage and current are sines. Also starting current and no load. */
export function sinusoidal(point: OperatingPoint): Mains {
  return mainsOf(point, [], [], undefined);
}

/**
 * Fifth harmonics in both circuits (IEC 62053-21:2003, 8.2.1): 10 % of the voltage, 40 % of the current, in
 * phase with their fundamentals where these rise through zero. The rms values of the point are those of the
 * fundamentals; at unity power factor the true power is 1.04 times the fundamental's.
 */
export function fifthHarmonic(point: OperatingPoint): Mains {
  return mainsOf(point, [{ order: 5, share: 0.1 }], [{ order: 5, share: 0.4 }], undefined);
}

/** Odd harmonics (Annex A): the current is fired at 90 degrees of each half cycle and flows to its end. */
export function phaseFired(point: OperatingPoint): Mains {
  const halves = Array.from({ length: 2 * PERIOD_TURNS }, (_, half) => half / 2);
  return mainsOf(
    point,
    [],
    [],
    halves.map((from) => [from + 0.25, from + 0.5]),
  );
}

/** Sub-harmonics (Annex A): two cycles on, two off. */
export function burstFired(point: OperatingPoint): Mains {
  return mainsOf(point, [], [], [[0, 2]]);
}

/**
 * Dc and even harmonics (Annex A): the positive half waves. With the point's current at Imax the rms is
 * Imax/sqrt(2), the current of the standard's test for directly connected meters.
 */
export function halfWave(point: OperatingPoint): Mains {
  const cycles = Array.from({ length: PERIOD_TURNS }, (_, cycle) => cycle);
  return mainsOf(
    point,
    [],
    [],
    cycles.map((from) => [from, from + 0.5]),
  );
}

interface Harmonic {
  readonly order: number;
  /** Of the fundamental's rms. */
  readonly share: number;
}

function mainsOf(
  point: OperatingPoint,
  voltageHarmonics: readonly Harmonic[],
  currentHarmonics: readonly Harmonic[],
  windows: Wave["windows"],
): Mains {
  const elements = point.currents_A.map((current_A, element): ElementWaves => {
    // A single phase; two poles of a three-wire system, half a turn apart; three phases.
    const behind = element / Math.max(2, point.currents_A.length);
    const delay_turns = point.sequence === "forward" ? behind : -behind;
    const lag_turns = point.lag_turns + (point.direction === "import" ? 0 : 0.5);
    return {
      voltage: { sines: sinesOf(point.voltage_V, voltageHarmonics), delay_turns },
      current: {
        sines: sinesOf(current_A, currentHarmonics),
        delay_turns: delay_turns + lag_turns,
        ...(windows !== undefined && { windows }),
      },
    };
  });
  return { frequency_Hz: point.frequency_Hz, elements };
}

function sinesOf(rms: number, harmonics: readonly Harmonic[]): Sine[] {
  const fundamental = { order: 1, rms, lag_turns: 0 };
  return [fundamental, ...harmonics.map(({ order, share }) => ({ order, rms: rms * share, lag_turns: 0 }))];
}

// ---- spectra ----

/** One line of a spectrum: peak values of sin(2 pi order x) and cos(2 pi order x). */
export interface Line {
  /** A multiple of 1/{@link PERIOD_TURNS}; 0 is dc, all of it in `cosine`. */
  readonly order: number;
  readonly sine: number;
  readonly cosine: number;
}

/** Each order at most once. */
export type Spectrum = readonly Line[];

/** The lines of a wave up to an order. A fired current has some beyond it; they are left out. */
export function spectrumOf(wave: Wave, order_max: number): Spectrum {
  if (wave.windows === undefined) return wave.sines.map((sine) => delayed(lineOf(sine), wave.delay_turns));
  const peak = wave.sines.reduce((sum, { rms }) => sum + rms, 0);
  const lines: Line[] = [];
  for (let step = 0; step <= order_max * PERIOD_TURNS; step++) {
    const line = lineOfWindows(wave.sines, wave.windows, step / PERIOD_TURNS);
    // What is only rounding is no line.
    if (Math.abs(line.sine) + Math.abs(line.cosine) > 1e-14 * peak) {
      lines.push(delayed(line, wave.delay_turns));
    }
  }
  return lines;
}

function lineOf({ order, rms, lag_turns }: Sine): Line {
  const peak = rms * Math.SQRT2;
  return { order, sine: peak * cosineOfTurns(lag_turns), cosine: -peak * sineOfTurns(lag_turns) };
}

function delayed({ order, sine, cosine }: Line, delay_turns: number): Line {
  const [turnSine, turnCosine] = [sineOfTurns(order * delay_turns), cosineOfTurns(order * delay_turns)];
  return {
    order,
    sine: sine * turnCosine + cosine * turnSine,
    cosine: cosine * turnCosine - sine * turnSine,
  };
}

/** Fourier's integrals of sines over windows. */
function lineOfWindows(sines: readonly Sine[], windows: NonNullable<Wave["windows"]>, order: number): Line {
  let sine = 0;
  let cosine = 0;
  for (const { order: own, rms, lag_turns } of sines) {
    // sin a sin b and sin a cos b as sums of cosines and sines of a - b and a + b.
    const half = (rms * Math.SQRT2) / 2;
    for (const [from, to] of windows) {
      sine += half * integralOfCosine(own - order, -lag_turns, from, to);
      sine -= half * integralOfCosine(own + order, -lag_turns, from, to);
      cosine += half * integralOfCosine(own - order, -lag_turns - 0.25, from, to);
      cosine += half * integralOfCosine(own + order, -lag_turns - 0.25, from, to);
    }
  }
  const norm = (order === 0 ? 1 : 2) / PERIOD_TURNS;
  return { order, sine: sine * norm, cosine: cosine * norm };
}

/** Of cos(2 pi (order x + ahead)) over x. */
function integralOfCosine(order: number, ahead_turns: number, from: number, to: number): number {
  if (order === 0) return (to - from) * cosineOfTurns(ahead_turns);
  const difference = sineOfTurns(order * to + ahead_turns) - sineOfTurns(order * from + ahead_turns);
  return difference / (2 * Math.PI * order);
}

/** Root mean square of the sum of all lines. */
export function rmsOf(spectrum: Spectrum): number {
  let squares = 0;
  for (const { order, sine, cosine } of spectrum) {
    squares += (sine * sine + cosine * cosine) / (order === 0 ? 1 : 2);
  }
  return squareRoot(squares);
}

// ---- the perfect meter ----

/** What a perfect meter measures of one element of a steady state. */
export class ElementTruth {
  /** Mean of voltage times current, all harmonics; positive is import. W. */
  readonly active_W: number;
  /** Of the fundamental; positive if the fundamental of an imported current lags (inductive). var. */
  readonly reactive_var: number;
  readonly #waves: ElementWaves;
  /** Integral of voltage times current over one period, W turns. */
  readonly #period_Wt: number;

  constructor(waves: ElementWaves) {
    this.#waves = waves;
    this.#period_Wt = this.#flowed_Wt(PERIOD_TURNS);
    this.active_W = this.#period_Wt / PERIOD_TURNS;
    const [voltage, current] = [fundamentalOf(waves.voltage), fundamentalOf(waves.current)];
    this.reactive_var = (voltage.cosine * current.sine - voltage.sine * current.cosine) / 2;
  }

  /**
   * Integral of voltage times current from a turn to another, less what the mean power makes of it: the
   * energy that swings within a cycle. W turns; divide by the frequency for J.
   */
  swing_Wt(from_turns: number, to_turns: number): number {
    return this.#swungBy_Wt(to_turns) - this.#swungBy_Wt(from_turns);
  }

  #swungBy_Wt(turns: number): number {
    const { delay_turns } = this.#waves.current;
    const own = turns - delay_turns;
    const into = own - PERIOD_TURNS * Math.floor(own / PERIOD_TURNS);
    return this.#flowed_Wt(into) - this.active_W * into;
  }

  /** From the current's own start of a period to `until`, 0 to 4 turns after it. */
  #flowed_Wt(until: number): number {
    const { voltage, current } = this.#waves;
    // In the current's own time the voltage comes this much ahead.
    const ahead = current.delay_turns - voltage.delay_turns;
    let sum = 0;
    for (const [from, to] of current.windows ?? [[0, PERIOD_TURNS] as const]) {
      if (from >= until) break;
      const end = Math.min(to, until);
      for (const u of voltage.sines) {
        const uAhead = u.order * ahead - u.lag_turns;
        for (const i of current.sines) {
          const difference = integralOfCosine(u.order - i.order, uAhead + i.lag_turns, from, end);
          const total = integralOfCosine(u.order + i.order, uAhead - i.lag_turns, from, end);
          // Peaks are sqrt(2) rms each, and sin a sin b = (cos(a - b) - cos(a + b)) / 2.
          sum += u.rms * i.rms * (difference - total);
        }
      }
    }
    return sum;
  }
}

function fundamentalOf(wave: Wave): Line {
  const none = { order: 1, sine: 0, cosine: 0 };
  return spectrumOf(wave, 1).find(({ order }) => order === 1) ?? none;
}
