import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/seeded.js";
import { findBeginning } from "../../src/aggregation/beginning.js";
import { fitRobustly, median } from "../../src/aggregation/robust-fit.js";
import { quantile, testForStep, twoSidedTail } from "../../src/aggregation/step-test.js";

/** Near enough to normal: the sum of twelve throws. */
function normal(random: SeededRandom): number {
  let sum = -6;
  for (let k = 0; k < 12; k++) sum += random.fraction();
  return sum;
}

const noise = (seed: number, count: number, sigma = 50) => {
  const random = new SeededRandom(seed, "noise");
  return Array.from({ length: count }, () => sigma * normal(random));
};

describe("Student's tail", () => {
  // Abramowitz & Stegun, table 26.10.
  it.each([
    [1, 12.706, 0.05],
    [2, 4.303, 0.05],
    [3, 3.182, 0.05],
    [10, 2.228, 0.05],
    [30, 2.75, 0.01],
    [5, 6.869, 0.001],
    [60, 3.46, 0.001],
  ])("of %d degrees of freedom beyond %d is %d", (freedom, t, chance) => {
    expect(twoSidedTail(t, freedom) / chance).toBeCloseTo(1, 2);
    expect(quantile(chance, freedom) / t).toBeCloseTo(1, 3);
  });
});

describe("the test for a step", () => {
  it("keeps its bound on false alarms where days are independent: at most 1 % at 1 % over 2,000 series", () => {
    const chances = Array.from(
      { length: 2_000 },
      (_, seed) => testForStep(noise(seed, 28), 1, 0.001)?.chance ?? 1,
    );
    expect(chances.filter((chance) => chance <= 0.01).length).toBeLessThanOrEqual(20);
    expect(chances.filter((chance) => chance <= 0.001).length).toBeLessThanOrEqual(2);
  });

  it("finds the smallest step that it claims nine times in ten", () => {
    let found = 0;
    const [series, alarm] = [400, 0.001];
    for (let seed = 0; seed < series; seed++) {
      const values = noise(seed, 60);
      const smallest = testForStep(values, 1, alarm)?.smallest ?? 0;
      const stepped = values.map((value, at) => (at < 30 ? value : value + smallest));
      if ((testForStep(stepped, 1, alarm)?.chance ?? 1) <= alarm) found++;
    }
    expect(found / series).toBeGreaterThan(0.8);
    expect(found / series).toBeLessThan(1);
  });

  it("names the day, the size and its sign", () => {
    for (const size of [400, -400]) {
      const test = testForStep(
        noise(1, 40).map((value, at) => (at < 25 ? value : value + size)),
        1,
        0.001,
      );
      expect(test?.at).toBe(25);
      expect(Math.abs((test?.size ?? 0) - size)).toBeLessThan(80);
      expect(test?.chance).toBeLessThan(1e-6);
    }
  });

  it("does not judge fewer than 14 values", () => {
    expect(testForStep(noise(1, 13), 1, 0.001)).toBeNull();
    expect(testForStep(noise(1, 14), 1, 0.001)).not.toBeNull();
  });

  it("sees nothing in a constant", () => {
    expect(testForStep(new Array<number>(30).fill(5), 1, 0.001)).toMatchObject({ size: 0, chance: 1 });
  });

  it("sees less in days that resemble their neighbours", () => {
    const random = new SeededRandom(4, "walk");
    let level = 0;
    const walk = Array.from({ length: 40 }, () => {
      level = 0.9 * level + normal(random);
      return 100 * level;
    });
    expect(testForStep(walk, 1, 0.001)?.chance).toBeGreaterThan(0.001);
  });
});

describe("the beginning", () => {
  it("of a level that rises is found from a guess days off", () => {
    for (let seed = 0; seed < 30; seed++) {
      const values = noise(seed, 1_000, 10).map((value, at) => (at < 613 ? value : value + 60));
      const { at, at_min, at_max } = findBeginning(values, 500, 10, 144);
      expect(Math.abs(at - 613)).toBeLessThanOrEqual(2);
      expect(at_min <= 613 && 613 <= at_max).toBe(true);
      expect(at_max - at_min).toBeLessThan(20);
    }
  });

  it("of a load that is on for 4 intervals in 40 is found within one pause", () => {
    for (let seed = 0; seed < 30; seed++) {
      const values = noise(seed, 1_000, 10).map((value, at) =>
        at >= 600 && at % 40 < 4 ? value + 2_000 : value,
      );
      expect(Math.abs(findBeginning(values, 650, 10, 144).at - 600)).toBeLessThanOrEqual(40);
    }
  });
});

describe("the fit", () => {
  const free = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };
  const rows = Array.from({ length: 200 }, (_, at) => [1, at / 10]);
  const line = rows.map(([, x = 0]) => 3 + 2 * x);

  it("is exact where nothing scatters", () => {
    const [a = 0, b = 0] = fitRobustly(rows, line, [free, free], 0.1).coefficients;
    expect(a).toBeCloseTo(3, 9);
    expect(b).toBeCloseTo(2, 9);
  });

  it("is hardly moved by a tenth of wild values", () => {
    const y = line.map((value, at) => value + (normal(new SeededRandom(at)) + (at % 10 === 0 ? 1_000 : 0)));
    const [a = 0, b = 0] = fitRobustly(rows, y, [free, free], 0.1).coefficients;
    expect(Math.abs(a - 3)).toBeLessThan(1);
    expect(Math.abs(b - 2)).toBeLessThan(0.1);
  });

  it("keeps to its bounds, and is the best within them", () => {
    const bounds = [free, { least: 0, most: 1.5 }];
    const [a = 0, b = 0] = fitRobustly(rows, line, bounds, 100).coefficients;
    expect(b).toBe(1.5);
    // With the slope held, the mean is what is left.
    expect(a).toBeCloseTo(3 + 0.5 * (19.9 / 2), 6);
  });

  it("leaves out a column that another already makes up", () => {
    const doubled = rows.map(([one = 0, x = 0]) => [one, x, x]);
    const { coefficients } = fitRobustly(doubled, line, [free, free, free], 0.1);
    expect((coefficients[1] ?? 0) + (coefficients[2] ?? 0)).toBeCloseTo(2, 6);
  });
});

it("the median is the middle, or the mean of the two in the middle", () => {
  expect([median([]), median([3]), median([5, 1, 2]), median([4, 1, 2, 10])]).toEqual([0, 3, 2, 3]);
});
