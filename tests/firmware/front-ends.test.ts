// The demonstration board with other front ends than pulses: a metering chip on its two wires, and its own converter.
import { describe, expect, it } from "vitest";
import { ADE7953Model } from "../../host-sim/ade7953.js";
import { MJ_PER_KWH, pulseCalibration, pulseSource } from "../../host-sim/calibration.js";
import { EventType } from "../../src/trusted/authority/events.js";
import type { Calibration } from "../../src/trusted/metrology/calibration.js";
import type { Cycle } from "../../src/trusted/ports.js";
import { Site } from "./site.js";

const HOUR_S = 3600;
const CHIP_PINS = { chipDataPin: 21, chipClockPin: 22 };
/** The chip's full scale is 23 kW here. */
const FULL_SCALE = 206_900;
const active = { input: 0, numerator: 23_000_000, denominator: FULL_SCALE, maxPerSecond: 2 * FULL_SCALE };
const CHIP: Calibration = {
  sources: [
    { ...active, isBackward: false },
    { ...active, isBackward: true },
  ],
  waveform: null,
  testPulses: 0,
};
const PPM_OF_2300_W = 100_000;

async function siteWithChip(config: Readonly<Record<string, unknown>> = CHIP_PINS) {
  const site = await Site.open({ config, calibration: CHIP, provisioned: false });
  const chip = new ADE7953Model();
  chip.powerUp();
  site.board.i2c.attach(chip);
  site.everySecond = () => chip.advance(1000);
  const power = (activeA: number) => {
    chip.power = { activeA, reactiveA: 0, activeB: 0, reactiveB: 0 };
  };
  site.run(2);
  site.provision();
  return { site, chip, power };
}

describe("a board with a metering chip", () => {
  it("registers what the chip counts, in both directions, and seals it", async () => {
    const { site, power } = await siteWithChip();
    site.runUntil(0);
    power(PPM_OF_2300_W);
    site.runUntil(HOUR_S);
    power(-PPM_OF_2300_W);
    site.runUntil(2 * HOUR_S);
    power(0);
    site.runUntil(24 * HOUR_S + 120);
    const [imported = 0, exported = 0] = site.check().totals_Wh;
    expect(Math.abs(imported - 2300)).toBeLessThanOrEqual(2);
    expect(Math.abs(exported - 2300)).toBeLessThanOrEqual(2);
    expect(site.registers_Wh).toEqual([imported, exported]);
  });

  it("says so when the chip falls silent, and has the energy of a short silence afterwards", async () => {
    const { site, power } = await siteWithChip();
    site.runUntil(0);
    power(PPM_OF_2300_W);
    site.run(HOUR_S / 2);
    site.board.i2c.state = "open";
    site.run(30);
    site.board.i2c.state = "whole";
    site.run(HOUR_S / 2 - 30);
    power(0);
    site.run(600);
    expect(Math.abs((site.registers_Wh[0] ?? 0) - 2300)).toBeLessThanOrEqual(2);
    const faults = site.events.filter(({ type }) => type === EventType.SELF_TEST_FAILED);
    expect(faults.map(({ detail }) => detail)).toEqual([101]);
  });

  it("does not start with pins that cannot be", async () => {
    const site = await Site.open({ provisioned: false, config: { chipDataPin: 21, chipClockPin: 21 } });
    site.run(10);
    const why = "config chipClockPin: GPIO 21 is chipDataPin already";
    expect(site.board.incidents[0]).toMatchObject({ what: "chip restarted", why });
  });
});

describe("a board that samples waveforms", () => {
  const PINS = { voltage1Pin: 34, current1Pin: 35 };
  /** 4,600 W in cycles of 80 samples: 92 J, and 2^-19 mJ a product. */
  const WAVEFORM: Calibration = {
    sources: [null, null],
    waveform: { samplesPerSecond: 4000, starting_mW: 4600, elements: [{ gain: 2 ** 21, delay_ns: 0 }] },
    testPulses: 0,
  };
  const cycle: Cycle = { samples: 80, lost: 0, sums: [0, 0, 0, 0, 46_000 * 2 ** 20, 0] };

  it("registers the energy of the cycles that its converter queues", async () => {
    const site = await Site.open({ config: PINS, calibration: WAVEFORM });
    expect(site.board.waveform.sampling).toEqual({ rate_Hz: 4000, pins: [34, 35] });
    site.everySecond = () => site.board.waveform.cycles.push(...new Array<Cycle>(50).fill(cycle));
    site.run(HOUR_S);
    site.everySecond = () => {};
    site.run(600);
    const [imported = 0, exported] = site.registers_Wh;
    expect(Math.abs(imported - 4600)).toBeLessThanOrEqual(2);
    expect(exported).toBe(0);
    const faults = site.events.filter(({ type }) => type === EventType.SELF_TEST_FAILED);
    // The converter was silent before the first second, and stopped at the end: an interval each.
    expect(new Set(faults.map(({ detail }) => detail))).toEqual(new Set([101]));
  });

  it("does not start with half an element", async () => {
    const site = await Site.open({ provisioned: false, config: { voltage1Pin: 34 } });
    site.run(10);
    const why = "config current1Pin: an element has two pins";
    expect(site.board.incidents[0]).toMatchObject({ what: "chip restarted", why });
  });
});

describe("the test output", () => {
  it("gives a pulse of 30 ms or more for each watt hour, and none between", async () => {
    const calibration = {
      ...pulseCalibration(pulseSource(0, MJ_PER_KWH, 1000), pulseSource(1, MJ_PER_KWH, 1000)),
      testPulses: 1000,
    };
    const site = await Site.open({ config: { testOutputPin: 13 }, calibration });
    let [pulses, lit_ms, before] = [0, 0, 0];
    for (let second = 0; second < 120; second++) {
      if (second < 100) site.pulse(0, 1);
      for (let turn = 0; turn < 100; turn++) {
        site.board.run(10);
        const level = site.board.pins.at(13).level ?? 0;
        if (level > before) pulses++;
        lit_ms += 10 * level;
        before = level;
      }
    }
    expect(pulses).toBe(100);
    expect(lit_ms / pulses).toBeGreaterThanOrEqual(30);
    expect(lit_ms / pulses).toBeLessThanOrEqual(70);
  });
});
