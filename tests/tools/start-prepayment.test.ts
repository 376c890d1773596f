// The day on pre-payment that ends the story of start: it goes as told for whatever seed, and its picture shows it.
import { describe, expect, it } from "vitest";
import { type CreditPicture, chartCredit, drawCredit } from "../../tools/prepayment-picture.js";
import { tellPrepaidDay } from "../../tools/start-prepayment.js";
import { expectInside, svgElements } from "./svg.js";

describe("the story's day on pre-payment", () => {
  it.each([7, 0, 0xffffffff])("of seed %i goes as it is told, and draws the day's bill exactly", (seed) => {
    const { result, lines, picture } = tellPrepaidDay(seed);
    expect(result.drawn).toBe(result.billed);
    expect(result.drawn).toMatch(/^[1-9]\d*\.\d{9} EUR$/);
    const { low, emergency, "used up": usedUp } = result.levels;
    expect([low < emergency, emergency < usedUp, usedUp < "09:00"]).toEqual([true, true, true]);
    expect(result.cutOff).toEqual({ intervals: 2, energy_Wh: 0 });
    // Credit falls through three limits in a day, and the supplier hears of one crossing.
    expect(result.supplier).toEqual({ accepted: 4, switchStates: [0, 1, 2], crossedLimits: 1 });
    const [, before = "", during = "", after = ""] =
      /: (\d+\.\d\d) falls to (\d+\.\d\d), .*: (\d+\.\d\d), at the price/.exec(lines.join(" ")) ?? [];
    expect(Number(before)).toBeGreaterThan(Number(after));
    expect(Number(after)).toBeGreaterThan(Number(during));
    expectInside(picture);
  });
});

const picture: CreditPicture = {
  title: "a day",
  currency: "EUR",
  points: [
    { hour: 0, credit: 200, loadSwitch: 2 },
    { hour: 6, credit: -100, loadSwitch: 0 },
    { hour: 12, credit: -100, loadSwitch: 1 },
    { hour: 18, credit: 300, loadSwitch: 2 },
  ],
  topUps: [{ hour: 18, cents: 400n }],
  emergency: 100,
  protectedTimes: [],
  blocked: { from: 20, to: 21 },
  captions: ["a caption"],
};

describe("the picture of credit", () => {
  it("has a band of the switch's states that covers the day, each from when it was reached", () => {
    const bands = svgElements(drawCredit(picture))
      .map(({ attributes }) => ["y", "x", "width"].map((name) => Number(attributes.get(name))))
      .filter(([y]) => y === 330);
    expect(bands.map(([, x, width]) => [x, width])).toEqual([
      [70, 250],
      [320, 250],
      [570, 250],
      [820, 250],
    ]);
  });

  it("stands in a terminal as columns of half-hours, empty at the least credit and full at the most", () => {
    const [top = "", , , bottom = "", states = "", hours = ""] = chartCredit(picture);
    expect(top).toBe(`        3.00 ${" ".repeat(36)}${"█".repeat(12)}`);
    expect(bottom).toBe(`       -1.00 ${"█".repeat(12)}${" ".repeat(24)}${"█".repeat(12)}`);
    expect(states.slice(13, 61)).toBe(["━", "·", "o", "━"].map((mark) => mark.repeat(12)).join(""));
    expect(hours.indexOf("12")).toBe(13 + 24);
  });
});
