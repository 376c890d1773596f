// The Companion beside the unit: what it is asked and told, and that its state is the unit's to keep.
import { afterEach, describe, expect, it, vi } from "vitest";
import { EventType } from "../../src/trusted/authority/events.js";
import { bstr, int, NIL } from "../../src/trusted/encoding/cbor.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { CountingCompanion, countsIn } from "../bench-devices.js";
import { BenchMeter, DAY_S, HALF_HOUR_S, MIDNIGHT_S } from "../bench-meter.js";
import { cutEverywhere, expectConsistent, MODES, type Mode } from "../cut-everywhere.js";
import { quick } from "../quick.js";

vi.mock("../../src/trusted/sealing/self-test.js", async (original) => {
  const { quickSelfTest } = await import("../quick.js");
  return quickSelfTest(await original());
});
vi.mock("../../src/trusted/sealing/signature.js", async (original) => {
  const { quickSignature } = await import("../quick.js");
  return quickSignature(await original());
});
afterEach(() => {
  quick.on = false;
});

const FIRST = MIDNIGHT_S / HALF_HOUR_S;
const { POWER_LOST, CLOCK_SET, INCOMPLETE, SWITCH_OPEN } = Status;

/** A meter of one channel with a Companion whose first interval is over. */
function meterWithCompanion(mode: Mode = "encrypted") {
  const companion = new CountingCompanion();
  const configuration = { channels: ["1-0:1.8.0"] };
  const meter = new BenchMeter({ mode, sectors: 8, configuration, devices: { companion } });
  meter.confirm();
  meter.passUntil(HALF_HOUR_S, [1000]);
  return { companion, meter };
}

const keptBy = (meter: BenchMeter) => countsIn(meter.stored.state.companion);
const switchEvents = (meter: BenchMeter) =>
  meter.events.filter(({ type }) => type === EventType.LOAD_SWITCH).map(({ detail }) => detail);
const statusesOf = (meter: BenchMeter) => meter.readings.slice(1).map(({ status }) => status);
const order = (meter: BenchMeter, kind: number, argument: Uint8Array, counter = 1) =>
  meter.receive(meter.command({ by: "supplier", kind, argument, counter }));

describe("at each interval's close", () => {
  it("it is handed the interval, its status and its readings, and its new state is kept", () => {
    const { companion, meter } = meterWithCompanion();
    meter.passUntil(3 * HALF_HOUR_S, [1000]);
    expect(companion.closed).toEqual([
      { interval: FIRST, status: CLOCK_SET | INCOMPLETE, readings: [516] },
      { interval: FIRST + 1, status: 0, readings: [500] },
      { interval: FIRST + 2, status: 0, readings: [500] },
    ]);
    expect(keptBy(meter)).toEqual({ closed: 3, commands: 0, energy_Wh: 1516 });
    meter.boot();
    meter.confirm();
    meter.passUntil(4 * HALF_HOUR_S, [1000]);
    expect(keptBy(meter)).toEqual({ closed: 4, commands: 0, energy_Wh: meter.total_Wh() });
  });

  it("also when a power cut has left it open, and when the clock is set forward", () => {
    const { companion, meter } = meterWithCompanion();
    meter.pass(600, [1000]);
    meter.clock.advance(3 * HALF_HOUR_S * 1000);
    meter.boot();
    meter.confirm();
    expect(companion.closed.at(-1)).toEqual({
      interval: FIRST + 1,
      status: POWER_LOST | INCOMPLETE,
      readings: [167],
    });
    meter.passUntil(DAY_S + 600, [1000]);
    expect(keptBy(meter).closed).toBe(meter.readings.length);
    expect(keptBy(meter).energy_Wh).toBe(meter.total_Wh());
  });

  it("it may open the switch, which is told so once that is durable, and closed again", () => {
    const { companion, meter } = meterWithCompanion();
    companion.loadSwitch = 0;
    meter.passUntil(2 * HALF_HOUR_S, [1000]);
    expect(meter.stored.state.loadSwitch).toBe(0);
    expect(companion.told).toEqual([2, 0]);
    expect(switchEvents(meter)).toEqual([0]);
    companion.loadSwitch = 1;
    meter.passUntil(4 * HALF_HOUR_S);
    companion.loadSwitch = 2;
    meter.passUntil(6 * HALF_HOUR_S);
    expect(switchEvents(meter)).toEqual([0, 1, 2]);
    expect(companion.told).toEqual([2, 0, 1, 2]);
    // Open in 2, ready in 3 and 4, closed at the end of 4.
    expect(statusesOf(meter)).toEqual(
      [0, SWITCH_OPEN, SWITCH_OPEN, SWITCH_OPEN, 0].slice(0, statusesOf(meter).length),
    );
    expect(companion.closed.map(({ status }) => status & SWITCH_OPEN)).toEqual(
      meter.readings.map(({ status }) => status & SWITCH_OPEN),
    );
    meter.passUntil(DAY_S + 60);
    meter.check();
  });
});

describe("at every step", () => {
  it("it is told at power-up what it is beside, and is shown the time and what has flowed since the last close", () => {
    const { companion, meter } = meterWithCompanion();
    expect(companion.meter).toEqual([["1-0:1.8.0"], HALF_HOUR_S]);
    meter.pass(600, [6000]);
    expect(companion.looked).toEqual([meter.uptime_ms, meter.now_s, [1000]]);
    meter.boot();
    meter.run();
    expect(companion.looked?.[1]).toBeNull();
    meter.pass(600, [6000]);
    // Untimed energy is with what was open at the cut.
    expect(companion.looked?.[2]).toEqual([2000]);
  });

  it("what it answers is kept at once with the events that tell of it, and nothing that it answers in the next 10 s", () => {
    const { companion, meter } = meterWithCompanion();
    const kept = new Uint8Array(64).fill(7);
    companion.answer = { companion: kept, loadSwitch: 0, crossed: true };
    meter.pass(60, [1000]);
    expect(meter.events.slice(-2).map(({ type, detail }) => [type, detail])).toEqual([
      [EventType.LOAD_SWITCH, 0],
      [EventType.CREDIT, null],
    ]);
    expect(meter.stored.state).toMatchObject({ companion: kept, loadSwitch: 0 });
    expect(companion.told).toEqual([2, 0]);
    companion.answer = { companion: kept, loadSwitch: 1 };
    meter.pass(9, [1000], 9);
    expect(companion.told).toEqual([2, 0]);
    meter.pass(1);
    expect(companion.told).toEqual([2, 0, 1]);
    expect(meter.stored.state.loadSwitch).toBe(1);
  });

  it("what it keeps without an event is kept too", () => {
    const { companion, meter } = meterWithCompanion();
    const before = meter.events.length;
    const kept = new Uint8Array(64).fill(9);
    companion.answer = { companion: kept, loadSwitch: 2 };
    meter.pass(60);
    expect(meter.stored.state.companion).toEqual(kept);
    expect(meter.events).toHaveLength(before);
  });

  it("the switch and the last seal are on the display", () => {
    const { companion, meter } = meterWithCompanion();
    const shown = () => meter.unit.display(meter.uptime_ms).slice(4);
    expect(shown()).toEqual(["load switch closed"]);
    companion.answer = { companion: meter.stored.state.companion, loadSwitch: 1 };
    meter.passUntil(DAY_S + 60);
    expect(shown()).toEqual(["load switch ready", "batch 0 sealed to 2011-07-02T00:00:00.000Z"]);
  });
});

describe("a command of kind 4 to 7", () => {
  it("goes to it as it came, with the state that it gave last", () => {
    const { companion, meter } = meterWithCompanion();
    const given = vi.spyOn(companion, "command");
    const sent = [int(1), int(5000), bstr(new Uint8Array(32).fill(3)), int(9)];
    for (const [at, argument] of sent.entries()) {
      const { companion: kept } = meter.stored.state;
      order(meter, 4 + at, argument, at + 1);
      expect(given.mock.calls.at(-1)).toEqual([kept, 4 + at, argument, meter.now_s]);
      expect(keptBy(meter).commands).toBe(at + 1);
    }
    expect(meter.stored.state.counters).toEqual([0, 4, 0, 0]);
  });

  it("that it refuses changes nothing, not even the turn", () => {
    const { meter } = meterWithCompanion();
    order(meter, 5, NIL);
    expect(meter.events.at(-1)?.type).toBe(EventType.COMMAND_REFUSED);
    expect([keptBy(meter).commands, meter.stored.state.counters]).toEqual([0, [0, 0, 0, 0]]);
    order(meter, 5, int(1));
    expect([keptBy(meter).commands, meter.stored.state.counters]).toEqual([1, [0, 1, 0, 0]]);
  });

  it("moves the switch at once: an event of the same record, a flag of every interval in which it was not closed", () => {
    const { companion, meter } = meterWithCompanion();
    meter.pass(600, [1000]);
    order(meter, 4, int(0));
    expect(meter.events.slice(-2).map(({ type }) => type)).toEqual([
      EventType.COMMAND_ACCEPTED,
      EventType.LOAD_SWITCH,
    ]);
    expect(companion.told).toEqual([2, 0]);
    meter.pass(600);
    order(meter, 4, int(2), 2);
    meter.passUntil(3 * HALF_HOUR_S, [1000]);
    expect(switchEvents(meter)).toEqual([0, 2]);
    // It was open for ten minutes of interval 1 only, and closed when that ended.
    expect(statusesOf(meter)).toEqual([SWITCH_OPEN, 0]);
    order(meter, 4, int(2), 3);
    expect(switchEvents(meter)).toEqual([0, 2]);
    expect(companion.told).toEqual([2, 0, 2]);
  });

  it("tells it at power-up what is durable, also while the time is not confirmed", () => {
    const { companion, meter } = meterWithCompanion();
    order(meter, 4, int(1));
    meter.boot();
    expect(companion.told).toEqual([2, 1, 1]);
    order(meter, 4, int(0), 2);
    expect(companion.told).toEqual([2, 1, 1, 0]);
    expect(meter.events.at(-1)).toMatchObject({ type: EventType.LOAD_SWITCH, time_s: null, detail: 0 });
    meter.clock.advance(HALF_HOUR_S * 1000);
    meter.confirm();
    meter.passUntil(3 * HALF_HOUR_S);
    expect(statusesOf(meter).every((status) => (status & SWITCH_OPEN) !== 0)).toBe(true);
  });
});

describe.each(MODES)("in %s flash, a power cut at every byte that is written", (mode) => {
  it("while an interval closes leaves it with every interval counted once", () => {
    quick.on = true;
    const { companion, meter } = meterWithCompanion(mode);
    meter.passUntil(2 * HALF_HOUR_S - 60, [1000]);
    const closed = new Set<number>();
    cutEverywhere(meter, mode, {
      before() {
        companion.loadSwitch = 2;
        meter.boot();
        meter.confirm();
        companion.loadSwitch = 0;
      },
      act: () => meter.pass(60, [1000]),
      after(cut) {
        meter.boot();
        const { state } = meter.stored;
        closed.add(keptBy(meter).closed);
        // The switch is asked to move by the state that has counted the interval, and told no sooner.
        expect(state.loadSwitch).toBe(keptBy(meter).closed === 2 ? 0 : 2);
        expect(companion.told.at(-1)).toBe(state.loadSwitch);
        companion.loadSwitch = 0;
        meter.run();
        if (cut % 16 >= 2) return;
        meter.clock.advance(HALF_HOUR_S * 1000);
        meter.confirm();
        meter.pass(HALF_HOUR_S, [], HALF_HOUR_S);
        expect(keptBy(meter).closed).toBe(meter.readings.length);
        expect(keptBy(meter).energy_Wh).toBe(meter.total_Wh());
        expectConsistent(meter);
      },
    });
    expect(closed).toEqual(new Set([1, 2]));
  });
});
