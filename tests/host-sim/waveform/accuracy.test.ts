// What a class is: the worst of all points of all units, and the tests that are passed or not.
import { describe, expect, it } from "vitest";
import {
  isSound,
  type PointResult,
  testUnit,
  type UnitResult,
  uncertainPoints,
  verdictOf,
} from "../../../host-sim/waveform/accuracy.js";
import { nominalCalibration } from "../../../host-sim/waveform/calibration.js";
import { testPoints } from "../../../host-sim/waveform/test-points.js";
import { IDEAL } from "./ideal.js";

/** A unit whose errors are these parts of class 1's limit, in the order of the points; 0 elsewhere. */
function unitOf(parts: readonly number[], change: Partial<UnitResult> = {}): UnitResult {
  const points = testPoints(1).map((point, at): PointResult => {
    const error = (parts[at] ?? 0) * (point.limits["1"] ?? 0);
    return {
      point,
      error,
      uncertainty: 0.01,
      seconds: 20,
      composite: point.reference === null ? error : null,
    };
  });
  return {
    seed: 1,
    calibration: nominalCalibration({ model: IDEAL, elements: 1, seed: 1 }),
    points,
    noLoad: { seconds: 2609, pulses: 1 },
    starting: { first: 1, second: 1 },
    startUp_s: 0.3,
    seconds: 0,
    ...change,
  };
}

describe("a class", () => {
  it("is met by units all of whose points are within it, and the worst is told", () => {
    const { isMet, share, worst } = verdictOf([unitOf([0.2, -0.9]), unitOf([0.3])], "1");
    expect([isMet, worst]).toEqual([true, "import, cos phi 1, 0.1 Ib"]);
    expect(share).toBeCloseTo(0.9, 12);
    expect(verdictOf([unitOf([1.01])], "1").isMet).toBe(false);
    expect(verdictOf([unitOf([0, 1.01])], "2").share).toBeCloseTo(0.505, 12);
    expect(verdictOf([unitOf([0, 1.01])], "B").isMet).toBe(true);
    expect(verdictOf([unitOf([0, 1.01])], "C").isMet).toBe(false);
  });

  it("is not met by a meter that creeps, does not start, or is not there in time", () => {
    for (const change of [
      { noLoad: { seconds: 2609, pulses: 2 } },
      { starting: { first: null, second: null } },
      { starting: { first: 1, second: null } },
      { startUp_s: null },
    ]) {
      expect(isSound(unitOf([], change))).toBe(false);
      expect(verdictOf([unitOf([]), unitOf([], change)], "2").isMet).toBe(false);
    }
    expect(verdictOf([unitOf([])], "1").isMet).toBe(true);
  });

  it("is not met by an error that is no number", () => {
    expect(verdictOf([unitOf([Number.NaN])], "1").isMet).toBe(false);
  });
});

describe("the tests of a unit", () => {
  it("of an ideal front end find next to nothing, and the time that each point took", () => {
    const unit = testUnit({ model: IDEAL, elements: 1, seed: 1 }, 20);
    expect(isSound(unit)).toBe(true);
    expect(uncertainPoints(unit)).toBe(0);
    // Without a filter what is fired between two samples is not told; all else is rounding.
    for (const { point, error, composite, seconds } of unit.points) {
      const isFired = /fired|half waves/.test(point.name);
      expect(Math.abs(error)).toBeLessThan(isFired ? 1 : 0.15);
      expect(seconds).toBeGreaterThan(19);
      if (composite !== null) expect(composite).toBeGreaterThanOrEqual(Math.abs(error));
      else expect(point.reference).not.toBeNull();
    }
    expect(unit.noLoad).toMatchObject({ pulses: 0 });
    expect(unit.starting.second).toBeCloseTo(1, 1);
    expect(unit.startUp_s).toBeLessThan(1);
  });
});
