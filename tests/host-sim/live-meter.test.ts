import { beforeEach, describe, expect, it } from "vitest";
import { householdTrace } from "../../host-sim/household.js";
import { LiveMeter } from "../../host-sim/live-meter.js";
import { createWorld, type World } from "../../host-sim/simulation.js";

const START_S = 1_767_225_600; // 1 January 2026, 00:00 UTC
const trace = householdTrace({ seed: 1, start_s: START_S, days: 1, step_s: 900, utcOffset_h: 0 });
const always = () => true;

describe("a meter to look at and to touch", () => {
  let world: World;
  let meter: LiveMeter;
  const live = (seconds: number) => meter.runUntil(meter.now_ms + seconds * 1000, 1000, always);
  const pairings = () => world.headEnd.messages("pairing").length;

  beforeEach(() => {
    world = createWorld({ trace, meterId: "SM-0001", intervalSeconds: 1800, seed: 1 });
    meter = new LiveMeter(world, trace);
  });

  it("begins with its trace, measures it and is told the time", () => {
    expect(meter.now_ms).toBe(START_S * 1000);
    expect(meter.unitLines()).toContain("time unconfirmed");
    expect(live(3600)).toBe(true);
    expect(meter.unitLines()).toContain("2026-01-01T01:00:00.000Z");
    expect(meter.unitLines().join()).toMatch(/1-0:1\.8\.0 \d{6}\.\d*[1-9]\d* kWh/);
    expect(meter.creditLines()).toEqual([]);
  });

  it("lives for as long as there is time for, tick by tick", () => {
    let ticks = 0;
    expect(meter.runUntil(meter.now_ms + 10_000, 1000, () => ++ticks <= 4)).toBe(false);
    expect(meter.now_ms).toBe(START_S * 1000 + 4000);
  });

  it("ends with its trace", () => {
    meter.runUntil((START_S + 2 * 86_400) * 1000, 60_000, always);
    expect([meter.isOver, meter.now_ms]).toEqual([true, (START_S + 86_400) * 1000]);
  });

  it("is asked by a phone when its window opens, and pairs at the second press only", () => {
    live(60);
    const before = pairings();
    meter.pressPairing();
    live(2);
    expect(meter.asks).toBe(true);
    live(30);
    expect(pairings()).toBe(before);
    meter.pressPairing();
    live(5);
    expect([meter.asks, pairings()]).toEqual([false, before + 1]);
  });

  it("does not pair when nobody answers", () => {
    live(60);
    const before = pairings();
    meter.pressPairing();
    live(2);
    expect(meter.asks).toBe(true);
    live(300);
    expect([meter.asks, pairings()]).toEqual([false, before]);
  });

  it("shows nothing without power, takes no button, and knows its register when the power is back", () => {
    live(3600);
    const [, , register] = meter.unitLines();
    meter.cutPower();
    meter.pressPairing();
    live(100);
    expect([meter.powered, meter.unitLines(), meter.asks]).toEqual([false, [], false]);
    meter.restorePower();
    expect(meter.unitLines()[2]).toBe(register);
    expect(meter.unitLines()).toContain("time unconfirmed");
    live(60);
    expect(meter.unitLines()).not.toContain("time unconfirmed");
    expect(meter.asks).toBe(false);
  });

  it("has credit where it has a load switch: it runs out, is sold, and a held button closes the switch again", () => {
    expect([meter.holdClosing(), meter.topUp(100), meter.creditLines()]).toEqual([false, false, []]);
    const options = { trace, meterId: "SM-0001", intervalSeconds: 1800, seed: 1, hasSwitch: true };
    const prepaid = new LiveMeter(createWorld(options), trace, 50);
    const pass = (seconds: number) => prepaid.runUntil(prepaid.now_ms + seconds * 1000, 10_000, () => true);
    pass(60);
    expect(prepaid.creditLines()[0]).toMatch(/^credit 0\.\d\d EUR$/);
    pass(16 * 3600);
    expect(prepaid.unitLines()).toContain("load switch open");
    expect(prepaid.topUp(2000)).toBe(true);
    pass(60);
    expect(prepaid.creditLines()).toContain("hold the button to close");
    expect(prepaid.holdClosing()).toBe(true);
    pass(60);
    expect(prepaid.unitLines()).toContain("load switch closed");
    prepaid.cutPower();
    expect(prepaid.creditLines()).toEqual([]);
  });
});
