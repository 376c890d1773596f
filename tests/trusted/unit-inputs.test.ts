// Sensors of the case, the mains, the watchdog, and the unit's daily test of itself.
import { describe, expect, it, vi } from "vitest";
import { EventType } from "../../src/trusted/authority/events.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { CommitmentKey } from "../../src/trusted/sealing/commitment.js";
import { SELF_TESTS } from "../../src/trusted/sealing/self-test.js";
import { TestInputs, TestWatchdog } from "../bench-devices.js";
import { BenchMeter, benchImage, DAY_S, HALF_HOUR_S, MIDNIGHT_S } from "../bench-meter.js";

const FIRST = MIDNIGHT_S / HALF_HOUR_S;
const { POWER_LOST, CLOCK_SET, INCOMPLETE, TAMPER, FAULT } = Status;

/** A meter with sensors whose first interval is over: the next one begins with nothing to explain. */
function sensingMeter() {
  const inputs = new TestInputs();
  const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] }, devices: { inputs } });
  meter.confirm();
  meter.passUntil(HALF_HOUR_S, [1000]);
  return { inputs, meter };
}

const statusOf = (meter: BenchMeter, interval: number) =>
  meter.readings.find((reading) => reading.interval === FIRST + interval)?.status;
const eventsOf = (meter: BenchMeter, type: number) => meter.events.filter((event) => event.type === type);
const detailsOf = (meter: BenchMeter, type: number) => eventsOf(meter, type).map(({ detail }) => detail);

describe("a tamper input", () => {
  it.each([
    1, 2, 3, 4,
  ])("number %d is an event as it rises, and a flag of every interval in which it is active", (input) => {
    const { inputs, meter } = sensingMeter();
    meter.pass(600);
    inputs.bits = 1 << (input - 1);
    meter.pass(HALF_HOUR_S);
    expect(meter.unit.display(meter.uptime_ms)).toContain("tamper");
    inputs.bits = 0;
    meter.pass(2 * HALF_HOUR_S - 600);
    expect(meter.unit.display(meter.uptime_ms)).not.toContain("tamper");
    expect([1, 2, 3].map((interval) => statusOf(meter, interval))).toEqual([TAMPER, TAMPER, 0]);
    const first_s = MIDNIGHT_S + HALF_HOUR_S + 900;
    expect(eventsOf(meter, EventType.TAMPER)).toMatchObject([{ time_s: first_s, detail: input }]);
    meter.passUntil(DAY_S + 60);
    expect(meter.batches[0]?.statusUnion).toBe(TAMPER | CLOCK_SET | INCOMPLETE);
    meter.check();
  });

  it("that rises again is another event, and two that rise at once are two", () => {
    const { inputs, meter } = sensingMeter();
    for (const bits of [0b1001, 0b1000, 0b1001, 0b1011, 0b0100, 0]) {
      inputs.bits = bits;
      meter.pass(10);
    }
    expect(detailsOf(meter, EventType.TAMPER)).toEqual([1, 4, 1, 2, 3]);
  });

  it("active since before power-up is an event of each power-up, and flags the interval of the confirmation", () => {
    const { inputs, meter } = sensingMeter();
    inputs.bits = 1;
    meter.boot();
    meter.run();
    inputs.bits = 0;
    meter.clock.advance(HALF_HOUR_S * 1000);
    meter.confirm();
    meter.passUntil(3 * HALF_HOUR_S);
    expect(eventsOf(meter, EventType.TAMPER)).toMatchObject([{ time_s: null, detail: 1 }]);
    expect(statusOf(meter, 2)).toBe(TAMPER | CLOCK_SET | INCOMPLETE);
  });

  it("that chatters is written eight times a day singly, and then as one count", () => {
    const { inputs, meter } = sensingMeter();
    for (let time = 0; time < 40; time++) {
      inputs.bits = 1 - inputs.bits;
      meter.pass(1);
    }
    meter.passUntil(DAY_S + 60);
    expect(detailsOf(meter, EventType.TAMPER)).toEqual([...new Array<number>(8).fill(1), 12]);
  });
});

describe("failing mains", () => {
  it("have the state written at once, and no other work begun until they are back", () => {
    const { inputs, meter } = sensingMeter();
    meter.pass(60, [300]);
    inputs.failing = true;
    meter.clock.advance(1000);
    meter.feed(3_600_000);
    const shown_Wh = meter.shown_Wh[0] ?? 0;
    meter.unit.step(meter.uptime_ms);
    expect(meter.shown_Wh[0]).toBe(shown_Wh + 5 + 1);
    const written = meter.flash.programmedBytes;
    meter.button.press();
    meter.unit.receive(
      meter.uptime_ms,
      meter.command({ by: "authority", kind: 8, argument: Uint8Array.of(0x80) }),
    );
    for (let step = 0; step < 20; step++) expect(meter.unit.step(meter.uptime_ms)).toBe(false);
    expect(meter.flash.programmedBytes).toBe(written);
    expect(eventsOf(meter, EventType.COMMAND_ACCEPTED)).toEqual([]);
    const failed_s = meter.now_s;

    inputs.failing = false;
    meter.clock.advance(2000);
    meter.run();
    expect(eventsOf(meter, EventType.COMMAND_ACCEPTED).length).toBe(1);
    const power = meter.events.slice(3).filter(({ type }) => type <= EventType.POWER_DOWN);
    expect(power).toMatchObject([
      { type: EventType.POWER_DOWN, time_s: failed_s },
      { type: EventType.POWER_UP, time_s: failed_s + 2 },
    ]);
    meter.passUntil(3 * HALF_HOUR_S);
    expect([1, 2].map((interval) => statusOf(meter, interval))).toEqual([POWER_LOST, 0]);
  });

  it("that fail indeed lose nothing that was measured, and the interval says so", () => {
    const { inputs, meter } = sensingMeter();
    meter.pass(60, [1000]);
    inputs.failing = true;
    meter.feed(3_599_999);
    meter.unit.step(meter.uptime_ms);
    const shown_Wh = meter.shown_Wh[0];
    meter.clock.advance(60_000);
    inputs.failing = false;
    meter.boot();
    expect(meter.shown_Wh[0]).toBe(shown_Wh);
    meter.confirm();
    meter.passUntil(2 * HALF_HOUR_S);
    expect(statusOf(meter, 1)).toBe(POWER_LOST | CLOCK_SET);
  });

  it("are noted while the time is not known, too, and keep intervals closing", () => {
    const { inputs, meter } = sensingMeter();
    meter.boot();
    inputs.failing = true;
    meter.run();
    inputs.failing = false;
    meter.clock.advance(HALF_HOUR_S * 1000);
    meter.confirm();
    const power = meter.events.filter(({ type }) => type <= EventType.POWER_DOWN).slice(-4);
    const { POWER_DOWN, POWER_UP } = EventType;
    expect(power.map(({ type }) => type)).toEqual([POWER_DOWN, POWER_UP, POWER_DOWN, POWER_UP]);
    expect(power.slice(1).map(({ time_s }) => time_s)).toEqual([null, null, null]);
    meter.passUntil(3 * HALF_HOUR_S);
    expect(statusOf(meter, 2)).toBe(POWER_LOST | CLOCK_SET | INCOMPLETE);
    inputs.failing = true;
    meter.passUntil(4 * HALF_HOUR_S + 60);
    expect(statusOf(meter, 3)).toBeUndefined();
    inputs.failing = false;
    meter.run();
    expect(statusOf(meter, 3)).toBe(POWER_LOST);
  });
});

describe("the watchdog", () => {
  it("is fed in every step, whatever it does and also when there is nothing to do", () => {
    const watchdog = new TestWatchdog();
    const inputs = new TestInputs();
    const meter = new BenchMeter({ devices: { watchdog, inputs } });
    for (let step = 1; step <= 30; step++) {
      if (step === 25) inputs.failing = true;
      meter.unit.step(meter.uptime_ms);
      expect(watchdog.fed).toBe(step);
    }
  });

  it("that restarted the device is event 13 with detail 255, and a flag of the interval", () => {
    const watchdog = new TestWatchdog();
    const meter = new BenchMeter({ devices: { watchdog } });
    meter.confirm();
    meter.passUntil(HALF_HOUR_S + 600);
    expect(eventsOf(meter, EventType.SELF_TEST_FAILED)).toEqual([]);
    watchdog.restarted = true;
    meter.boot();
    watchdog.restarted = false;
    meter.confirm();
    expect(eventsOf(meter, EventType.SELF_TEST_FAILED)).toMatchObject([{ time_s: null, detail: 255 }]);
    meter.passUntil(3 * HALF_HOUR_S);
    expect(statusOf(meter, 1)).toBe(FAULT | POWER_LOST | CLOCK_SET);
    expect(statusOf(meter, 2)).toBe(0);
    expect(meter.unit.display(meter.uptime_ms).join()).not.toContain("failed");
  });
});

describe("the daily self-test", () => {
  it("comes with the day's first step, and does not make the unit commit to the day before again", () => {
    const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] } });
    meter.confirm();
    meter.passUntil(DAY_S - 60, [1000]);
    const commit = vi.spyOn(CommitmentKey.prototype, "commit");
    meter.passUntil(DAY_S, [1000]);
    meter.run();
    // Two of the tests commit; of the readings only the last one was not committed to.
    expect(commit.mock.calls.length).toBe(2 + 1);
    commit.mockRestore();
    expect(meter.batches.length).toBe(1);
    meter.check();
  });

  it("that fails stops sealing, is event 13 with its number, and flags what is measured on", () => {
    const image = benchImage(new BenchMeter({ provisioned: false }).parties.authority.publicKey);
    const meter = new BenchMeter({ image: { ...image, tableB: image.tableB.slice() } });
    meter.confirm();
    meter.passUntil(DAY_S - 60, [1000]);
    const table = meter.image.tableB;
    table[4 * 64] = (table[4 * 64] as number) ^ 1;
    meter.passUntil(DAY_S + 4 * HALF_HOUR_S, [1000]);
    const failed = eventsOf(meter, EventType.SELF_TEST_FAILED);
    expect(failed).toMatchObject([{ time_s: MIDNIGHT_S + DAY_S, detail: 5 }]);
    expect(meter.unit.display(meter.uptime_ms)).toContain("self-test 5 failed: not sealing");
    expect([meter.batches.length, meter.readings.length]).toEqual([0, 47]);
    expect(meter.shown_Wh[0]).toBe(24_016 + 2000);
    // Not even the right table, while the power is on: what failed may fail again.
    table[4 * 64] = (table[4 * 64] as number) ^ 1;
    meter.passUntil(2 * DAY_S + 60, [1000]);
    expect(meter.batches.length).toBe(0);
    meter.boot();
    meter.confirm();
    meter.passUntil(3 * DAY_S, [1000]);
    expect(eventsOf(meter, EventType.SELF_TEST_FAILED).length).toBe(1);
    expect((statusOf(meter, 48) ?? 0) & FAULT).toBe(FAULT);
    expect(statusOf(meter, 2 * 48 + 1)).toBe(0);
    expect(meter.check().totals_Wh).toEqual([meter.total_Wh(), 0]);
    expect(meter.total_Wh()).toBe(meter.shown_Wh[0]);
  });

  it("runs each of the tests at power-up and on every day, one a step", () => {
    const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] } });
    const tested = SELF_TESTS.map((test) => ({ test, runs: 0 }));
    expect(tested.length).toBe(6);
    meter.confirm();
    meter.passUntil(DAY_S - 60);
    meter.clock.advance(60_000);
    const busy = SELF_TESTS.map(() => meter.unit.step(meter.uptime_ms));
    expect(busy).toEqual(SELF_TESTS.map(() => true));
    expect(meter.kept(1).length).toBe(47);
    meter.run();
    expect(meter.kept(1).length).toBe(48);
  });
});
