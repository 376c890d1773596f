/**
 * At which points a meter's error is measured, and what it may be there: the points of IEC 62053-21:2003 (classes 1
 * and 2, direct connection) and the errors that 2014/32/EU, annex V (MID, classes A, B and C) allows at them. The
 * figures are of what is public of the two texts; check them against your own copy,
 * and against the edition of 2020, before you rely on one (docs/accuracy.md).
 */

import {
  burstFired,
  fifthHarmonic,
  halfWave,
  LAG_TURNS,
  type Mains,
  type OperatingPoint,
  phaseFired,
  sinusoidal,
} from "./mains.js";
import { RATED } from "./models.js";
import { REFERENCE_C } from "./sensors.js";

/** Classes of IEC 62053-21, then those of the MID. */
export const CLASSES = ["1", "2", "A", "B", "C"] as const;
export type ClassName = (typeof CLASSES)[number];

/** What an error, or its change, may be either way, %; null where the class sets no limit. */
export type Limits = Readonly<Record<ClassName, number | null>>;

const limits = (
  ...of: readonly [Limits["1"], Limits["2"], Limits["A"], Limits["B"], Limits["C"]]
): Limits => ({
  "1": of[0],
  "2": of[1],
  A: of[2],
  B: of[3],
  C: of[4],
});

const SIGNALS = { sine: sinusoidal, fifthHarmonic, phaseFired, burstFired, halfWave } as const;

/** The power factors of the tests. */
export type PowerFactor = "1" | "0.5 inductive" | "0.8 capacitive";
const LAGS: Readonly<Record<PowerFactor, number>> = {
  "1": LAG_TURNS.unity,
  "0.5 inductive": LAG_TURNS.inductive05,
  "0.8 capacitive": LAG_TURNS.capacitive08,
};

/** What the test bench sets. */
export interface Setting {
  readonly signal: keyof typeof SIGNALS;
  /** Rms of each element's current, of Ib; of windowed ones before the windows. */
  readonly current_Ib: number;
  readonly powerFactor: PowerFactor;
  readonly direction: OperatingPoint["direction"];
  /** Of the nominal voltage and of the nominal frequency. */
  readonly voltage: number;
  readonly frequency: number;
  readonly sequence: OperatingPoint["sequence"];
  readonly temperature_C: number;
}

export const REFERENCE: Setting = {
  signal: "sine",
  current_Ib: 1,
  powerFactor: "1",
  direction: "import",
  voltage: 1,
  frequency: 1,
  sequence: "forward",
  temperature_C: REFERENCE_C,
};

/** The wires of a meter with so many elements, all alike. */
export function mainsOf(setting: Setting, elements: number): Mains {
  return SIGNALS[setting.signal]({
    frequency_Hz: RATED.frequency_Hz * setting.frequency,
    voltage_V: RATED.voltage_V * setting.voltage,
    currents_A: Array.from({ length: elements }, () => RATED.basic_A * setting.current_Ib),
    lag_turns: LAGS[setting.powerFactor],
    direction: setting.direction,
    sequence: setting.sequence,
  });
}

export interface TestPoint {
  readonly name: string;
  readonly setting: Setting;
  /** Where the error is taken that this point's is compared with; null for the error itself. */
  readonly reference: Setting | null;
  readonly limits: Limits;
}

// ---- intrinsic error ----

const MAXIMUM_Ib = RATED.maximum_A / RATED.basic_A;
/** The transition current of the MID for such a meter: the tenth part of Ib (EN 50470-1), so that Imin is Ib / 20. */
const TRANSITION_Ib = 0.1;

export const CURRENTS_Ib: Readonly<Record<PowerFactor, readonly number[]>> = {
  "1": [0.05, 0.1, 0.2, 0.5, 1, 2, 6, MAXIMUM_Ib],
  "0.5 inductive": [0.1, 0.2, 0.5, 1, 2, 6, MAXIMUM_Ib],
  "0.8 capacitive": [0.1, 0.2, 0.5, 1, 2, 6, MAXIMUM_Ib],
};

/** Table 6 of the standard, and table 2 of the MID's annex V at +5 to +30 degrees. */
export function intrinsicLimits(powerFactor: PowerFactor, current_Ib: number): Limits {
  const isLow = current_Ib < (powerFactor === "1" ? 0.1 : 0.2);
  const class2 = powerFactor === "0.8 capacitive" ? null : isLow ? 2.5 : 2;
  const [A, B, C] = current_Ib < TRANSITION_Ib ? [3.5, 2, 1] : [3.5, 2, 0.7];
  return limits(isLow ? 1.5 : 1, class2, A ?? null, B ?? null, C ?? null);
}

function intrinsicPoints(): TestPoint[] {
  const factors: readonly PowerFactor[] = ["1", "0.5 inductive", "0.8 capacitive"];
  return (["import", "export"] as const).flatMap((direction) =>
    factors.flatMap((powerFactor) =>
      CURRENTS_Ib[powerFactor].map((current_Ib) => ({
        name: `${direction}, cos phi ${powerFactor}, ${current_Ib} Ib`,
        setting: { ...REFERENCE, direction, powerFactor, current_Ib },
        reference: null,
        limits: intrinsicLimits(powerFactor, current_Ib),
      })),
    ),
  );
}

// ---- variation ----

/** The same limits at unity and at 0.5 inductive, from Ib to Imax. */
function varied(
  name: string,
  change: Partial<Setting>,
  [unity, inductive]: readonly [Limits, Limits],
  currents_Ib: readonly number[],
): TestPoint[] {
  return (["1", "0.5 inductive"] as const).flatMap((powerFactor) =>
    currents_Ib.map((current_Ib) => {
      const reference = { ...REFERENCE, powerFactor, current_Ib };
      return {
        name: `${name}, cos phi ${powerFactor}, ${current_Ib} Ib`,
        setting: { ...reference, ...change },
        reference,
        limits: powerFactor === "1" ? unity : inductive,
      };
    }),
  );
}

const WIDE_Ib = [0.1, 1, MAXIMUM_Ib] as const;
const VOLTAGE = [limits(0.7, 1, null, null, null), limits(1, 1.5, null, null, null)] as const;
const FREQUENCY = [limits(0.5, 0.8, null, null, null), limits(0.7, 1, null, null, null)] as const;

/** Coefficients of class 1 and 2 are per K: at unity 0.05 and 0.10, at 0.5 inductive 0.07 and 0.15 %. */
function temperatureLimits(temperature_C: number): readonly [Limits, Limits] {
  const kelvin = Math.abs(temperature_C - REFERENCE_C);
  const rounded = (perK: number) => Math.round(1000 * perK * kelvin) / 1000;
  return [
    limits(rounded(0.05), rounded(0.1), null, null, null),
    limits(rounded(0.07), rounded(0.15), null, null, null),
  ];
}

/** Before the windows a fired or rectified current is sqrt(2) times what it is after them. */
const fired = (current_Ib: number) => current_Ib * Math.SQRT2;

const HALF = { ...REFERENCE, current_Ib: 0.5 } as const;
const WAVES: readonly TestPoint[] = [
  {
    name: "5th harmonic, 0.5 Imax",
    setting: { ...REFERENCE, signal: "fifthHarmonic", current_Ib: MAXIMUM_Ib / 2 },
    reference: { ...REFERENCE, current_Ib: MAXIMUM_Ib / 2 },
    limits: limits(0.8, 1, 1, 0.8, 0.5),
  },
  {
    name: "odd harmonics (phase-fired), 0.5 Ib",
    setting: { ...HALF, signal: "phaseFired", current_Ib: fired(0.5) },
    reference: HALF,
    limits: limits(3, 6, 6, 3, 1.5),
  },
  {
    name: "sub-harmonics (burst-fired), 0.5 Ib",
    setting: { ...HALF, signal: "burstFired", current_Ib: fired(0.5) },
    reference: HALF,
    limits: limits(3, 6, 6, 3, 1.5),
  },
  {
    name: "dc and even harmonics (half waves), Imax / sqrt(2)",
    setting: { ...REFERENCE, signal: "halfWave", current_Ib: MAXIMUM_Ib },
    reference: { ...REFERENCE, current_Ib: MAXIMUM_Ib / Math.SQRT2 },
    limits: limits(3, 6, 6, 3, 1.5),
  },
];

const REVERSED: TestPoint = {
  name: "reversed phase sequence, 0.1 Ib",
  setting: { ...REFERENCE, current_Ib: 0.1, sequence: "reversed" },
  reference: { ...REFERENCE, current_Ib: 0.1 },
  limits: limits(1.5, 1.5, 1.5, 1.5, 0.3),
};

export type Influence = "voltage" | "frequency" | "temperature";
/** What an operating meter meets, and the MID therefore adds to the intrinsic error. */
const INFLUENCES: Readonly<Record<Influence, readonly TestPoint[]>> = {
  voltage: [
    ...varied("voltage -10 %", { voltage: 0.9 }, VOLTAGE, WIDE_Ib),
    ...varied("voltage +10 %", { voltage: 1.1 }, VOLTAGE, WIDE_Ib),
  ],
  frequency: [
    ...varied("frequency -2 %", { frequency: 0.98 }, FREQUENCY, WIDE_Ib),
    ...varied("frequency +2 %", { frequency: 1.02 }, FREQUENCY, WIDE_Ib),
  ],
  temperature: [
    ...varied("5 degrees", { temperature_C: 5 }, temperatureLimits(5), [1]),
    ...varied("30 degrees", { temperature_C: 30 }, temperatureLimits(30), [1]),
  ],
};

/** Every point of a meter with so many elements; the sequence of phases takes three. */
export function testPoints(elements: number): TestPoint[] {
  const influences = Object.values(INFLUENCES).flat();
  return [...intrinsicPoints(), ...influences, ...WAVES, ...(elements === 3 ? [REVERSED] : [])];
}

/** Which influence a point is of, if any. */
export function influenceOf(point: TestPoint): Influence | null {
  for (const name of ["voltage", "frequency", "temperature"] as const)
    if (INFLUENCES[name].some((other) => other.name === point.name)) return name;
  return null;
}

// ---- no load, starting, start-up ----

/** Pulses a kWh of the test output in all tests. */
export const TEST_PULSES = 1000;
/** Of the nominal voltage, without a current. */
export const NO_LOAD_VOLTAGE = 1.15;
export const NO_LOAD_PULSES_MAX = 1;
/** Of Ib, at unity; class 2 takes 0.005. */
export const STARTING_Ib = 0.004;
export const START_UP_S_MAX = 5;

/** How long a meter of class 1 may give no second pulse, s: 600 * 10^6 / (k m Un Imax) minutes. */
export const noLoadTime_s = (elements: number) =>
  (60 * 600e6) / (TEST_PULSES * elements * RATED.voltage_V * RATED.maximum_A);

/** At starting current, all elements, mW. */
export const startingPower_mW = (elements: number) =>
  Math.round(1000 * elements * RATED.voltage_V * RATED.basic_A * STARTING_Ib);
