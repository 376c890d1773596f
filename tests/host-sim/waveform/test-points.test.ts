// The limits as the issue that asked for them lists them, and a setting's wires.
import { describe, expect, it } from "vitest";
import { ElementTruth } from "../../../host-sim/waveform/mains.js";
import {
  CURRENTS_Ib,
  influenceOf,
  intrinsicLimits,
  type Limits,
  mainsOf,
  noLoadTime_s,
  type PowerFactor,
  REFERENCE,
  startingPower_mW,
  testPoints,
} from "../../../host-sim/waveform/test-points.js";

const row = ({ "1": one, "2": two, A, B, C }: Limits) => [one, two, A, B, C];

describe("the limits of the intrinsic error", () => {
  it.each<[PowerFactor, number, (number | null)[]]>([
    ["1", 0.05, [1.5, 2.5, 3.5, 2, 1]],
    ["1", 0.0999, [1.5, 2.5, 3.5, 2, 1]],
    ["1", 0.1, [1, 2, 3.5, 2, 0.7]],
    ["1", 12, [1, 2, 3.5, 2, 0.7]],
    ["0.5 inductive", 0.1, [1.5, 2.5, 3.5, 2, 0.7]],
    ["0.5 inductive", 0.2, [1, 2, 3.5, 2, 0.7]],
    ["0.5 inductive", 12, [1, 2, 3.5, 2, 0.7]],
    ["0.8 capacitive", 0.1, [1.5, null, 3.5, 2, 0.7]],
    ["0.8 capacitive", 0.2, [1, null, 3.5, 2, 0.7]],
  ])("at cos phi %s and %d Ib", (powerFactor, current_Ib, expected) => {
    expect(row(intrinsicLimits(powerFactor, current_Ib))).toEqual(expected);
  });

  it("hold from the standard's lowest current to Imax, in both directions", () => {
    for (const [factor, lowest] of [
      ["1", 0.05],
      ["0.5 inductive", 0.1],
      ["0.8 capacitive", 0.1],
    ] as const) {
      expect([CURRENTS_Ib[factor][0], CURRENTS_Ib[factor].at(-1)]).toEqual([lowest, 12]);
      for (const direction of ["import", "export"] as const) {
        const own = testPoints(1).filter(
          ({ reference, setting }) =>
            reference === null && setting.direction === direction && setting.powerFactor === factor,
        );
        expect(own.map(({ setting }) => setting.current_Ib)).toEqual(CURRENTS_Ib[factor]);
      }
    }
  });
});

describe("the limits of variation", () => {
  const limitsOf = (name: string, elements = 3) => {
    const point = testPoints(elements).find((one) => one.name === name);
    return point && row(point.limits);
  };

  it.each<[string, (number | null)[]]>([
    ["voltage -10 %, cos phi 1, 1 Ib", [0.7, 1, null, null, null]],
    ["voltage +10 %, cos phi 0.5 inductive, 12 Ib", [1, 1.5, null, null, null]],
    ["frequency -2 %, cos phi 1, 0.1 Ib", [0.5, 0.8, null, null, null]],
    ["frequency +2 %, cos phi 0.5 inductive, 1 Ib", [0.7, 1, null, null, null]],
    ["5 degrees, cos phi 1, 1 Ib", [0.9, 1.8, null, null, null]],
    ["30 degrees, cos phi 0.5 inductive, 1 Ib", [0.49, 1.05, null, null, null]],
    ["5th harmonic, 0.5 Imax", [0.8, 1, 1, 0.8, 0.5]],
    ["odd harmonics (phase-fired), 0.5 Ib", [3, 6, 6, 3, 1.5]],
    ["sub-harmonics (burst-fired), 0.5 Ib", [3, 6, 6, 3, 1.5]],
    ["dc and even harmonics (half waves), Imax / sqrt(2)", [3, 6, 6, 3, 1.5]],
    ["reversed phase sequence, 0.1 Ib", [1.5, 1.5, 1.5, 1.5, 0.3]],
  ])("of %s", (name, expected) => {
    expect(limitsOf(name)).toEqual(expected);
  });

  it("have no phase sequence to reverse with one element", () => {
    expect(limitsOf("reversed phase sequence, 0.1 Ib", 1)).toBeUndefined();
    expect(testPoints(3).length).toBe(testPoints(1).length + 1);
  });

  it("are of changes against the same load at reference conditions", () => {
    const points = testPoints(3);
    expect(new Set(points.map(({ name }) => name)).size).toBe(points.length);
    for (const { setting, reference, ...point } of points) {
      if (reference === null) continue;
      const power_W = (one: typeof setting) =>
        new ElementTruth(mainsOf(one, 1).elements[0] ?? expect.fail("no element")).active_W;
      expect(power_W(reference)).toBeGreaterThan(0);
      // Fired at their quarter and half, or every second pair, currents of the same rms have half to all of the power.
      const share = power_W(setting) / power_W(reference);
      expect(share).toBeGreaterThan(0.45);
      expect(share).toBeLessThan(1.15);
      expect(influenceOf({ setting, reference, ...point }) === null).toBe(
        !/^(volt|freq|\d+ deg)/.test(point.name),
      );
    }
  });
});

describe("no load and starting", () => {
  it("take 600e6 / (k m Un Imax) minutes, and 0.004 Ib", () => {
    expect(noLoadTime_s(1) / 60).toBeCloseTo(43.478, 3);
    expect(noLoadTime_s(3) / 60).toBeCloseTo(14.493, 3);
    expect([startingPower_mW(1), startingPower_mW(3)]).toEqual([4600, 13_800]);
  });
});

describe("a setting's wires", () => {
  it("carry the same through each element, a third of a turn apart", () => {
    const { elements, frequency_Hz } = mainsOf({ ...REFERENCE, frequency: 1.02, current_Ib: 2 }, 3);
    expect(frequency_Hz).toBeCloseTo(51, 12);
    expect(elements.map(({ voltage }) => voltage.delay_turns)).toEqual([0, 1 / 3, 2 / 3]);
    for (const element of elements) expect(new ElementTruth(element).active_W).toBeCloseTo(2300, 6);
  });
});
