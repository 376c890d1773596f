// The picture of error curves: all of it inside, errors and limits where they belong, nothing that acts as markup.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawErrors, type ErrorCurve } from "../../tools/error-curves.js";

const limits = [
  { name: "1", steps: [[0.05, 1.5] as const, [0.1, 1] as const] },
  { name: "2", steps: [[0.05, 2.5] as const, [0.1, 2] as const] },
];
const curveOf = (errors: readonly number[], direction: ErrorCurve["direction"] = "import"): ErrorCurve => ({
  powerFactor: "1",
  direction,
  points: errors.map((error, at) => [0.05 * 1.4 ** at, error] as const),
});
const places = (svg: string) =>
  Array.from(svg.matchAll(/points="([^"]+)"/g), ([, list = ""]) =>
    list.split(" ").map((pair) => pair.split(",").map(Number)),
  );

describe("the picture of error curves", () => {
  it("is inside its frame for any errors", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -200, max: 200, noNaN: true }), { minLength: 1, maxLength: 14 }),
        (errors) => {
          const svg = drawErrors({ title: "units", curves: [curveOf(errors)], limits });
          for (const [x = Number.NaN, y = Number.NaN] of places(svg).flat()) {
            expect(x).toBeGreaterThan(72);
            expect(x).toBeLessThan(872);
            expect(y).toBeGreaterThanOrEqual(64);
            expect(y).toBeLessThanOrEqual(384);
          }
        },
      ),
    );
  });

  it("draws a positive error above the middle, in proportion to the limits, and export dashed", () => {
    const svg = drawErrors({ title: "units", curves: [curveOf([1, -2]), curveOf([0], "export")], limits });
    const lines = places(svg);
    // Two classes, above and below; then the curves. 3 % are half of the 320 px.
    expect(lines.length).toBe(4 + 2);
    const heights = lines[4]?.map(([, y = 0]) => (224 - y) / 160);
    expect(heights?.[0]).toBeCloseTo(1 / 3, 2);
    expect(heights?.[1]).toBeCloseTo(-2 / 3, 2);
    expect((224 - (lines[0]?.[0]?.[1] ?? 0)) / 160).toBeCloseTo(1.5 / 3, 2);
    expect(svg.match(/stroke-dasharray/g)?.length).toBe(1);
  });

  it("escapes its title", () => {
    const svg = drawErrors({ title: "a < b & c", curves: [curveOf([1])], limits });
    expect(svg).toContain("a &lt; b &amp; c");
  });
});
