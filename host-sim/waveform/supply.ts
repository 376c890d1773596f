/**
 * What the mains do over time: stretches of steady states, one after another. A test signal is one stretch
 * without end; a household's day is one for each second, made of the loads that the trace simulator knows.
 */

import type { HouseholdMinutes } from "../household.js";
import type { SeededRandom } from "../seeded.js";
import type { ElementWaves, Mains } from "./mains.js";

/** A steady state and how long it lasts; the wave's phase runs on from stretch to stretch. */
export interface Stretch {
  /** Infinity for ever. Taken to the nearest sample. */
  readonly duration_s: number;
  readonly mains: Mains;
}

/** Ends never: what runs out is followed by its last stretch for ever. */
export type Supply = Iterable<Stretch>;

/** The same for ever. */
export const steady = (mains: Mains): Supply => [{ duration_s: Number.POSITIVE_INFINITY, mains }];

/** Nominal of the European low voltage supply (EN 60038), V between a phase and neutral. */
const NOMINAL_V = 230;

// Assumptions: the supply wanders evenly within 1 % from second to second, and falls by 0.3 V for each A
// imported (the 0.4 ohm of IEC 60725's reference impedance, less the return of a three-phase feeder).
const WANDER = 0.01;
const FEEDER_ohm = 0.3;

/** Assumption: tan(phi) of all consumption but the car's: power factor 0.97, inductive. */
const HOME_TANGENT = 0.25;

/**
 * A household as stretches of 1 s: its home's power with a lagging current, car and panels without one, and a
 * supply that wanders and gives way. Powers change by the minute, voltages by the second.
 *
 * @param elements how many phases share the load evenly
 */
export function* householdSupply(
  { home_W, car_W, solar_W }: HouseholdMinutes,
  elements: 1 | 3,
  frequency_Hz: number,
  random: SeededRandom,
): Generator<Stretch> {
  const wander = random.fork("supply voltage");
  for (const [minute, homeNow_W] of home_W.entries()) {
    const active_W = (homeNow_W + (car_W[minute] ?? 0) - (solar_W[minute] ?? 0)) / elements;
    const reactive_var = (homeNow_W * HOME_TANGENT) / elements;
    for (let second = 0; second < 60; second++) {
      const open_V = NOMINAL_V * (1 + WANDER * (2 * wander.fraction() - 1));
      const voltage_V = open_V - (FEEDER_ohm * active_W) / open_V;
      const phases = Array.from({ length: elements }, (_, phase) =>
        loaded(voltage_V, active_W, reactive_var, phase / elements),
      );
      yield { duration_s: 1, mains: { frequency_Hz, elements: phases } };
    }
  }
}

function loaded(
  voltage_V: number,
  active_W: number,
  reactive_var: number,
  delay_turns: number,
): ElementWaves {
  const inPhase = { order: 1, rms: active_W / voltage_V, lag_turns: 0 };
  const lagging = { order: 1, rms: reactive_var / voltage_V, lag_turns: 0.25 };
  return {
    voltage: { sines: [{ order: 1, rms: voltage_V, lag_turns: 0 }], delay_turns },
    current: { sines: [inPhase, lagging], delay_turns },
  };
}
