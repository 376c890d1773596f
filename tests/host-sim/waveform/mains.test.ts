import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { householdMinutes } from "../../../host-sim/household.js";
import { SeededRandom } from "../../../host-sim/seeded.js";
import {
  cosineOfTurns,
  NORMAL_QUANTILES,
  sineOfTurns,
  squareRoot,
} from "../../../host-sim/waveform/elementary.js";
import {
  burstFired,
  ElementTruth,
  type ElementWaves,
  fifthHarmonic,
  halfWave,
  LAG_TURNS,
  type Mains,
  type OperatingPoint,
  PERIOD_TURNS,
  phaseFired,
  rmsOf,
  sinusoidal,
  spectrumOf,
  type Wave,
} from "../../../host-sim/waveform/mains.js";
import { cubicTable, valueAt } from "../../../host-sim/waveform/periodic.js";
import { householdSupply } from "../../../host-sim/waveform/supply.js";
import { POINT } from "./ideal.js";

/** The definition, with the engine's sine. */
function instant(wave: Wave, turns: number): number {
  const own = turns - wave.delay_turns;
  const into = own - PERIOD_TURNS * Math.floor(own / PERIOD_TURNS);
  if (wave.windows !== undefined && !wave.windows.some(([from, to]) => into >= from && into < to)) return 0;
  return wave.sines.reduce(
    (sum, { order, rms, lag_turns }) =>
      sum + Math.SQRT2 * rms * Math.sin(2 * Math.PI * (order * into - lag_turns)),
    0,
  );
}

/** Mean of `f` over turns, by midpoints: windows begin and end between them. */
function mean(f: (turns: number) => number, from: number, to: number, steps = 96_000): number {
  let sum = 0;
  for (let step = 0; step < steps; step++) sum += f(from + ((step + 0.5) * (to - from)) / steps);
  return sum / steps;
}

const first = (mains: Mains): ElementWaves => {
  const [element] = mains.elements;
  if (element === undefined) throw new Error("no element");
  return element;
};

const SIGNALS: readonly (readonly [string, (point: OperatingPoint) => Mains])[] = [
  ["a sine", sinusoidal],
  ["fifth harmonics", fifthHarmonic],
  ["a phase-fired current", phaseFired],
  ["a burst-fired current", burstFired],
  ["a half-wave rectified current", halfWave],
];

describe("elementary functions", () => {
  it("give sines within 1e-15 of the engine's", () => {
    fc.assert(
      fc.property(fc.double({ min: -1, max: 1, noNaN: true }), (turns) => {
        expect(Math.abs(sineOfTurns(turns) - Math.sin(2 * Math.PI * turns))).toBeLessThan(2e-15);
        expect(Math.abs(cosineOfTurns(turns) - Math.cos(2 * Math.PI * turns))).toBeLessThan(2e-15);
      }),
    );
  });

  it("give square roots within a part in 1e15", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1e12, noNaN: true }), (value) => {
        expect(Math.abs(squareRoot(value) / Math.sqrt(value) - 1)).toBeLessThan(1e-15);
      }),
    );
    expect(squareRoot(0)).toBe(0);
  });

  it("give normal quantiles of variance 1", () => {
    const count = NORMAL_QUANTILES.length;
    const moment = (power: number) => NORMAL_QUANTILES.reduce((sum, q) => sum + q ** power, 0) / count;
    expect(moment(1)).toBeCloseTo(0, 12);
    expect(moment(2)).toBeCloseTo(1, 12);
    // Of the sum of two, (m4 + 3) / 2.
    expect(Math.abs((moment(4) + 3) / 2 - 3)).toBeLessThan(0.01);
    expect(NORMAL_QUANTILES[count - 1]).toBeGreaterThan(3.6);
    // 84.134 % of a normal distribution is below one deviation.
    const below = NORMAL_QUANTILES.filter((quantile) => quantile < 1).length / count;
    expect(Math.abs(below - 0.841345)).toBeLessThan(0.001);
  });
});

describe("the power of a test signal", () => {
  for (const [name, signal] of SIGNALS) {
    it.each([
      ["at unity", LAG_TURNS.unity, "import"],
      ["at 0.5 inductive", LAG_TURNS.inductive05, "import"],
      ["at 0.8 capacitive, exported", LAG_TURNS.capacitive08, "export"],
    ] as const)(`of ${name} %s is that of numeric integration`, (_, lag_turns, direction) => {
      const element = first(signal({ ...POINT, lag_turns, direction }));
      const p = (turns: number) => instant(element.voltage, turns) * instant(element.current, turns);
      const truth = new ElementTruth(element);
      // Midpoints beside an edge are wrong by half a step of the peak power.
      expect(Math.abs(truth.active_W - mean(p, 0, PERIOD_TURNS))).toBeLessThan(0.3);
      const v1 = (turns: number) => Math.cos(2 * Math.PI * turns) * instant(element.current, turns);
      // Voltage's fundamental is a sine from 0; the current's part in quadrature is twice its mean with cos.
      const reactive = -230 * Math.SQRT2 * mean(v1, 0, PERIOD_TURNS);
      expect(Math.abs(truth.reactive_var - reactive)).toBeLessThan(0.3);
    });

    it(`of ${name} and its swing add up to the energy of any stretch of time`, () => {
      const element = first(signal({ ...POINT, lag_turns: 0.1 }));
      const truth = new ElementTruth(element);
      const p = (turns: number) => instant(element.voltage, turns) * instant(element.current, turns);
      fc.assert(
        fc.property(
          fc.double({ min: 0, max: 4, noNaN: true }),
          fc.double({ min: 0.01, max: 4, noNaN: true }),
          (from, length) => {
            const flowed = mean(p, from, from + length, 20_000) * length;
            const told = truth.active_W * length + truth.swing_Wt(from, from + length);
            expect(Math.abs(told - flowed)).toBeLessThan(4);
          },
        ),
        { numRuns: 15 },
      );
    });
  }

  it("is voltage times current times power factor, and its sine for reactive", () => {
    const at = (lag_turns: number, direction: "import" | "export" = "import") =>
      new ElementTruth(first(sinusoidal({ ...POINT, lag_turns, direction })));
    expect(at(LAG_TURNS.unity).active_W).toBeCloseTo(1150, 9);
    expect(at(LAG_TURNS.unity).reactive_var).toBeCloseTo(0, 9);
    expect(at(LAG_TURNS.inductive05).active_W).toBeCloseTo(575, 9);
    expect(at(LAG_TURNS.inductive05).reactive_var).toBeCloseTo(1150 * Math.sqrt(0.75), 9);
    expect(at(LAG_TURNS.capacitive08).active_W).toBeCloseTo(920, 9);
    expect(at(LAG_TURNS.capacitive08).reactive_var).toBeCloseTo(-690, 9);
    expect(at(LAG_TURNS.inductive08, "export").active_W).toBeCloseTo(-920, 9);
    expect(at(LAG_TURNS.inductive025).active_W).toBeCloseTo(287.5, 9);
    expect(at(LAG_TURNS.reactive).active_W).toBeCloseTo(0, 9);
  });

  it("of fifth harmonics is 1.04 times the fundamental's", () => {
    expect(new ElementTruth(first(fifthHarmonic(POINT))).active_W).toBeCloseTo(1150 * 1.04, 9);
  });

  it.each([
    ["phase-fired", phaseFired],
    ["burst-fired", burstFired],
    ["half-wave", halfWave],
  ])("of a %s current is half of the sine's", (_, signal) => {
    expect(new ElementTruth(first(signal(POINT))).active_W).toBeCloseTo(575, 9);
  });

  it("is the same in each element of a reversed sequence, whose L2 comes before L1", () => {
    const three = { ...POINT, currents_A: [5, 5, 5] };
    const delays = (mains: Mains) => mains.elements.map(({ voltage }) => voltage.delay_turns);
    expect(delays(sinusoidal(three))).toEqual([0, 1 / 3, 2 / 3]);
    const reversed = sinusoidal({ ...three, sequence: "reversed" });
    expect(delays(reversed)).toEqual([-0, -1 / 3, -2 / 3]);
    for (const element of reversed.elements) expect(new ElementTruth(element).active_W).toBeCloseTo(1150, 9);
  });

  it("is nothing without current", () => {
    const { active_W, reactive_var } = new ElementTruth(first(sinusoidal({ ...POINT, currents_A: [0] })));
    expect([active_W, reactive_var]).toEqual([0, 0]);
  });
});

describe("a spectrum", () => {
  it("of a half wave has the dc and the rms of a half wave: Imax / sqrt(2)", () => {
    const lines = spectrumOf(first(halfWave({ ...POINT, currents_A: [60] })).current, 128);
    expect(lines[0]).toMatchObject({ order: 0 });
    expect(lines[0]?.cosine).toBeCloseTo((60 * Math.SQRT2) / Math.PI, 9);
    expect(rmsOf(lines)).toBeCloseTo(60 / Math.SQRT2, 3);
  });

  it("of a phase-fired current has odd orders only, of a burst-fired one odd quarters and the first", () => {
    const orders = (signal: (point: OperatingPoint) => Mains) =>
      spectrumOf(first(signal(POINT)).current, 8).map(({ order }) => order);
    expect(orders(phaseFired)).toEqual([1, 3, 5, 7]);
    expect(orders(burstFired).slice(0, 4)).toEqual([0.25, 0.75, 1, 1.25]);
  });

  it("has at the fundamental what the true power needs, so that cutting it off loses nothing", () => {
    for (const [, signal] of SIGNALS) {
      const element = first(signal({ ...POINT, lag_turns: 0.07 }));
      const current = spectrumOf(element.current, 16);
      let power = 0;
      for (const u of spectrumOf(element.voltage, 16)) {
        const i = current.find(({ order }) => order === u.order);
        if (i !== undefined) power += (u.sine * i.sine + u.cosine * i.cosine) / 2;
      }
      expect(power).toBeCloseTo(new ElementTruth(element).active_W, 9);
    }
  });

  it("read from its table is wrong by less than 1e-9 of its peaks", () => {
    for (const [, signal] of SIGNALS) {
      const lines = spectrumOf(first(signal({ ...POINT, lag_turns: 0.07 })).current, 128);
      const peaks = lines.reduce((sum, { sine, cosine }) => sum + Math.abs(sine) + Math.abs(cosine), 0);
      const { cubics, mask, placesPerTurn } = cubicTable(lines);
      for (let at = 0; at < 200; at++) {
        const turns = (at * PERIOD_TURNS) / 199.7;
        const place = turns * placesPerTurn;
        const f = place - Math.floor(place);
        const k = 4 * (Math.floor(place) & mask);
        const [c0, c1, c2, c3] = [cubics[k], cubics[k + 1], cubics[k + 2], cubics[k + 3]].map(Number);
        const value = Number(c0) + f * (Number(c1) + f * (Number(c2) + f * Number(c3)));
        expect(Math.abs(value - valueAt(lines, turns))).toBeLessThan(1e-9 * peaks);
      }
    }
  });
});

describe("a household's supply", () => {
  const minutes = householdMinutes({ seed: 7, start_s: 1_750_000_020, days: 1, step_s: 60, utcOffset_h: 0 });

  it.each([1, 3] as const)("carries the household's power of each minute on %d phases", (phases) => {
    let second = 0;
    for (const { duration_s, mains } of householdSupply(minutes, phases, 50, new SeededRandom(1))) {
      const minute = Math.floor(second / 60);
      expect(duration_s).toBe(1);
      expect(mains.elements.length).toBe(phases);
      const power = mains.elements.reduce((sum, element) => sum + new ElementTruth(element).active_W, 0);
      const net =
        Number(minutes.home_W[minute]) + Number(minutes.car_W[minute]) - Number(minutes.solar_W[minute]);
      expect(Math.abs(power - net)).toBeLessThan(1e-6);
      if (++second === 900) break;
    }
    expect(second).toBe(900);
  });

  it("keeps its voltages within 2 % and a house's drop of nominal", () => {
    for (const { mains } of householdSupply(minutes, 1, 50, new SeededRandom(1))) {
      const voltage_V = rmsOf(spectrumOf(first(mains).voltage, 1));
      expect(voltage_V).toBeGreaterThan(210);
      expect(voltage_V).toBeLessThan(240);
    }
  });
});
