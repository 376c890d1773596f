// The unit over front ends whose counts and codes are worth what its signed configuration says: electricity and gas
// in one meter, faults that are told once, the test output, and a new calibration by command.
import { describe, expect, it } from "vitest";
import { MJ_PER_DM3, MJ_PER_KWH, pulseCalibration, pulseSource } from "../../host-sim/calibration.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { array, int, map } from "../../src/trusted/encoding/cbor.js";
import { type Calibration, encodeCalibration } from "../../src/trusted/metrology/calibration.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { BenchMeter, HALF_HOUR_S } from "../bench-meter.js";

const CHANNELS = ["1-0:1.8.0", "1-0:2.8.0", "7-0:3.0.0"];
/** A chip's signed register at 250 mJ a count, and a gas meter that gives a pulse for 10 dm3. */
const chip = { input: 0, numerator: 250, denominator: 1, maxPerSecond: 100_000 };
const CALIBRATION: Calibration = {
  sources: [
    { ...chip, isBackward: false },
    { ...chip, isBackward: true },
    pulseSource(1, 10 * MJ_PER_DM3, 1),
  ],
  waveform: null,
  testPulses: 0,
};
const WH = 3_600_000;

function meterWith(calibration: Calibration, devices = {}): BenchMeter {
  const meter = new BenchMeter({ configuration: { channels: CHANNELS, calibration }, devices });
  meter.confirm();
  meter.passUntil(HALF_HOUR_S);
  return meter;
}

/** Steps of the inputs in each of so many seconds. */
function count(meter: BenchMeter, seconds: number, ...steps: readonly number[]): void {
  for (let at = 0; at < seconds; at++) {
    meter.energy.waiting_mJ = steps;
    meter.pass(1);
  }
}

describe("a meter of electricity and gas", () => {
  it("records, seals and gives both, and its customer's check adds them up", () => {
    const meter = meterWith(CALIBRATION);
    // 14,400 counts of 250 mJ are a watt hour.
    count(meter, 100, 14_400 * 3, 1);
    count(meter, 50, -14_400 * 2, 0);
    meter.energy.waiting_mJ = [0, 0];
    meter.passUntil(2 * 86_400 + 60, [], HALF_HOUR_S);
    expect(meter.check().totals_Wh).toEqual([300, 100, 1000]);
    expect(meter.unit.display(meter.uptime_ms).slice(2, 5)).toEqual([
      "1-0:1.8.0 000000.300 kWh",
      "1-0:2.8.0 000000.100 kWh",
      "7-0:3.0.0 000001.000 m3",
    ]);
  });

  it("tells of a storm on one input once an interval, and measures the other", () => {
    const meter = meterWith(CALIBRATION);
    count(meter, 30, 14_400, 500);
    count(meter, 30, 14_400, 0);
    count(meter, 30, 14_400, 500);
    meter.energy.waiting_mJ = [0, 0];
    meter.pass(HALF_HOUR_S);
    const faults = meter.events.filter(({ type }) => type === EventType.SELF_TEST_FAILED);
    expect(faults.map(({ detail }) => detail)).toEqual([101]);
    expect(meter.readings.at(-1)?.status).toBe(Status.FAULT);
    meter.passUntil(2 * 86_400 + 60, [], HALF_HOUR_S);
    expect(meter.check().totals_Wh).toEqual([90, 0, 0]);
  });
});

describe("the test output", () => {
  it("gives the pulses of active energy, in either direction, from the very energy that is registered", () => {
    let pulses = 0;
    const testOutput = {
      pulse: (more: number) => {
        pulses += more;
      },
    };
    const meter = meterWith({ ...CALIBRATION, testPulses: 1000 }, { testOutput });
    count(meter, 100, 14_400 * 5, 1);
    expect(pulses).toBe(500);
    count(meter, 100, -14_400 - 7200, 0);
    expect(pulses).toBe(650);
    count(meter, 1, 14_399, 0);
    expect(pulses).toBe(650);
    count(meter, 1, 1, 0);
    expect(pulses).toBe(651);
  });

  it("is silent without a constant", () => {
    let pulses = 0;
    const meter = meterWith(CALIBRATION, { testOutput: { pulse: () => pulses++ } });
    count(meter, 10, 14_400 * 5, 0);
    expect(pulses).toBe(0);
  });
});

describe("a calibration by command", () => {
  const recalibrated = pulseCalibration(
    pulseSource(0, MJ_PER_KWH, 500),
    pulseSource(1, MJ_PER_KWH, 500),
    pulseSource(2, MJ_PER_DM3, 1),
  );
  const argument = map([14, encodeCalibration(recalibrated)]);

  it("of the authority counts from then on, and outlives a power cut", () => {
    const meter = meterWith(CALIBRATION);
    count(meter, 10, 14_400, 0);
    meter.receive(meter.command({ by: "authority", kind: 2, argument }));
    count(meter, 10, 1, 0, 3);
    meter.cutPower();
    meter.boot();
    count(meter, 10, 1, 0, 3);
    meter.confirm();
    meter.energy.waiting_mJ = [0, 0, 0];
    meter.passUntil(2 * 86_400 + 60, [], HALF_HOUR_S);
    const [imported = 0, , gas = 0] = meter.check().totals_Wh;
    // Ten Wh of the chip, then 2 Wh a pulse and 1 dm3; what the cut took is below what the state is written for.
    expect(imported).toBeGreaterThanOrEqual(10 + 20);
    expect(imported).toBeLessThanOrEqual(10 + 40);
    expect(gas).toBeGreaterThanOrEqual(30);
    expect(gas).toBeLessThanOrEqual(60);
  });

  it("of anyone else, or for other channels, changes nothing", () => {
    const meter = meterWith(CALIBRATION);
    meter.receive(meter.command({ by: "supplier", kind: 2, argument }));
    const fewer = map([14, array(array(), int(0), int(0))]);
    meter.receive(meter.command({ by: "authority", kind: 2, argument: fewer, counter: 1 }));
    count(meter, 10, 14_400, 1);
    meter.energy.waiting_mJ = [0, 0];
    meter.passUntil(2 * 86_400 + 60, [], HALF_HOUR_S);
    expect(meter.check().totals_Wh).toEqual([10, 0, 100]);
    expect(meter.total_Wh()).toBe(10);
    expect(WH * 10).toBe(14_400 * 250 * 10);
  });
});
