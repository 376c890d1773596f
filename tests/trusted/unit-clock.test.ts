// What the unit does while it does not know the time, when it is told, and when it is lied to.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventType } from "../../src/trusted/authority/events.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import type { Image } from "../../src/trusted/ports.js";
import { TestRtc } from "../bench-devices.js";
import {
  type Answer,
  BenchMeter,
  benchImage,
  DAY_S,
  HALF_HOUR_S,
  METER_ID,
  MIDNIGHT_S,
  MJ_PER_WH,
} from "../bench-meter.js";

const { POWER_LOST, CLOCK_SET, INCOMPLETE } = Status;
const FIRST = MIDNIGHT_S / HALF_HOUR_S;
const HOUR_S = 3600;

/** A meter whose first interval is over: the next one begins with nothing to explain. */
function runningMeter(): BenchMeter {
  const meter = new BenchMeter();
  meter.confirm();
  meter.passUntil(HALF_HOUR_S, [1000]);
  return meter;
}

/** A meter that asks for the time again, at 05:50: twenty minutes into its twelfth interval. */
function askingMeter(): BenchMeter {
  const meter = new BenchMeter({ provisioned_s: MIDNIGHT_S - 600 });
  meter.confirm();
  meter.passUntil(6 * HOUR_S - 600, [1000]);
  return meter;
}

const timeOf = (meter: BenchMeter) => meter.unit.display(meter.uptime_ms)[4];
const setsOf = (meter: BenchMeter) => meter.eventTypes.filter((type) => type === EventType.CLOCK_SET).length;
const refusalsOf = (meter: BenchMeter) =>
  meter.events.filter(({ type }) => type === EventType.COMMAND_REFUSED);
/** Status and readings of intervals from the second on. */
const intervalsOf = (meter: BenchMeter) =>
  meter.readings.slice(1).map(({ interval, status, readings }) => [interval - FIRST, status, readings[0]]);

describe("after power-up", () => {
  it("registers count at once, but no interval closes before the time is confirmed", () => {
    const meter = runningMeter();
    meter.boot();
    meter.pass(2 * HOUR_S, [1000]);
    expect(timeOf(meter)).toBe("time unconfirmed");
    expect(meter.shown_Wh[0]).toBe(516 + 2000);
    expect(meter.readings.length).toBe(1);
    expect(meter.events.slice(-3)).toMatchObject([
      { type: EventType.POWER_DOWN, time_s: MIDNIGHT_S + HALF_HOUR_S },
      { type: EventType.POWER_UP, time_s: null },
      { type: EventType.CLOCK_UNCONFIRMED, time_s: null },
    ]);
  });

  it("a confirmation in the interval of the power cut lets it go on", () => {
    const meter = runningMeter();
    meter.pass(600, [1000]);
    meter.boot();
    meter.pass(300, [1000]);
    meter.confirm();
    meter.passUntil(3 * HALF_HOUR_S, [1000]);
    expect(intervalsOf(meter)).toEqual([
      [1, POWER_LOST | CLOCK_SET, 500],
      [2, 0, 500],
    ]);
  });

  it("a confirmation in a later interval closes the open one with what it had and takes the rest along", () => {
    const meter = runningMeter();
    meter.pass(600, [1000]);
    meter.clock.advance(HOUR_S * 1000);
    meter.boot();
    meter.pass(HALF_HOUR_S, [1000]);
    meter.confirm();
    meter.passUntil(6 * HALF_HOUR_S, [1000]);
    expect(intervalsOf(meter)).toEqual([
      [1, POWER_LOST | INCOMPLETE, 167],
      // Powered up in interval 3; confirmed in interval 4, which gets the untimed half hour.
      [4, CLOCK_SET | INCOMPLETE, 833],
      [5, 0, 500],
    ]);
    meter.passUntil(DAY_S + 60);
    expect(meter.batches.map(({ intervalCount }) => intervalCount)).toEqual([2, 44]);
    meter.check();
  });

  it("an interval in which the power came back says so", () => {
    const meter = runningMeter();
    meter.clock.advance(HOUR_S * 1000 + 60_000);
    meter.boot();
    meter.confirm();
    meter.passUntil(5 * HALF_HOUR_S);
    expect(intervalsOf(meter)).toEqual([
      [1, POWER_LOST | INCOMPLETE, 0],
      [3, POWER_LOST | CLOCK_SET | INCOMPLETE, 0],
      [4, 0, 0],
    ]);
  });

  it("what the front end flags before the time is known lands in the interval of the confirmation", () => {
    const meter = runningMeter();
    meter.pass(60);
    meter.boot();
    meter.energy.status = Status.TAMPER;
    meter.clock.advance(HOUR_S * 1000);
    meter.run();
    meter.energy.status = 0;
    meter.confirm();
    meter.passUntil(5 * HALF_HOUR_S);
    expect(intervalsOf(meter).slice(0, 2)).toEqual([
      [1, POWER_LOST | INCOMPLETE, 0],
      [3, CLOCK_SET | INCOMPLETE | Status.TAMPER, 0],
    ]);
  });

  it("energy that was not timed before another power cut is not lost either", () => {
    const meter = runningMeter();
    meter.boot();
    meter.pass(HOUR_S, [1000]);
    meter.boot();
    meter.pass(HOUR_S, [1000]);
    meter.confirm();
    meter.passUntil(DAY_S + 60);
    expect(meter.total_Wh()).toBe(516 + 2000);
    expect(meter.total_Wh()).toBe(meter.check().totals_Wh[0]);
  });

  it("a time one interval back is taken: the open interval stays open until its end", () => {
    const meter = runningMeter();
    meter.boot();
    meter.confirm({ unix_s: meter.now_s - 60 });
    expect(timeOf(meter)).toBe("2011-07-01T00:29:00.000Z");
    // The meter's clock is a minute late from here on.
    meter.passUntil(2 * HALF_HOUR_S, [1000], 60);
    expect(intervalsOf(meter)).toEqual([]);
    meter.passUntil(3 * HALF_HOUR_S + 60, [1000], 60);
    expect(intervalsOf(meter)).toEqual([
      [1, POWER_LOST | CLOCK_SET, 517],
      [2, 0, 500],
    ]);
  });

  it("a time more than one interval back needs the authority", () => {
    const meter = runningMeter();
    meter.boot();
    meter.confirm({ unix_s: meter.now_s - HALF_HOUR_S - 1 });
    expect(timeOf(meter)).toBe("time unconfirmed");
    expect(refusalsOf(meter).length).toBe(1);
    meter.pass(60);
    meter.confirm({ unix_s: meter.now_s - DAY_S, by: "authority" });
    expect(timeOf(meter)).toBe("2011-06-30T00:31:00.000Z");
    meter.pass(DAY_S, [1000]);
    expect(meter.readings.length).toBe(1);
    meter.pass(HALF_HOUR_S, [1000]);
    expect(intervalsOf(meter)).toEqual([[1, POWER_LOST | CLOCK_SET | Status.FAULT, 24_484]]);
    meter.pass(DAY_S);
    expect(meter.total_Wh()).toBe(meter.shown_Wh[0]);
    meter.check();
  });

  it("a time more than 45 days after the last known one needs the authority", () => {
    const meter = runningMeter();
    const known_s = meter.now_s;
    meter.clock.advance((45 * DAY_S + 1) * 1000);
    meter.boot();
    meter.confirm();
    expect([timeOf(meter), refusalsOf(meter).length]).toEqual(["time unconfirmed", 1]);
    meter.pass(60);
    meter.confirm({ unix_s: known_s + 45 * DAY_S });
    expect(timeOf(meter)).toBe("2011-08-15T00:30:00.000Z");
    meter.boot();
    meter.clock.advance(46 * DAY_S * 1000);
    meter.confirm({ by: "authority" });
    expect(timeOf(meter)).toBe("2011-09-30T00:31:01.000Z");
  });
});

describe("while the time is known", () => {
  it("the meter asks every six hours, and every minute while it is not", () => {
    const meter = runningMeter();
    const first = meter.nonce;
    meter.passUntil(6 * HOUR_S - 61);
    expect(meter.nonce).toEqual(first);
    meter.passUntil(6 * HOUR_S);
    expect(meter.nonce).not.toEqual(first);
    meter.boot();
    const nonces = new Set<string>();
    for (let second = 0; second < 600; second += 20) {
      meter.run();
      nonces.add(`${meter.nonce}`);
      meter.clock.advance(20_000);
    }
    expect(nonces.size).toBe(10);
  });

  it("a correction within 9 s is a synchronisation: no event, no flag", () => {
    const meter = askingMeter();
    meter.confirm({ unix_s: meter.now_s + 9 });
    expect(timeOf(meter)).toBe("2011-07-01T05:50:09.000Z");
    meter.passUntil(7 * HOUR_S);
    expect(setsOf(meter)).toBe(1);
    expect(intervalsOf(meter).every(([, status]) => status === 0)).toBe(true);
  });

  it("an answer that agrees to the second changes nothing", () => {
    const meter = askingMeter();
    meter.confirm({ unix_s: meter.now_s + 1 });
    expect(timeOf(meter)).toBe("2011-07-01T05:50:00.000Z");
    expect([setsOf(meter), refusalsOf(meter).length]).toEqual([1, 0]);
  });

  it("a larger one is a set: an event, and the flag", () => {
    const meter = askingMeter();
    meter.confirm({ unix_s: meter.now_s + 10 });
    meter.passUntil(7 * HOUR_S, [1000]);
    expect(setsOf(meter)).toBe(2);
    expect(meter.events.at(-1)).toMatchObject({ time_s: MIDNIGHT_S + 6 * HOUR_S - 590, detail: null });
    expect(intervalsOf(meter).slice(9, 12)).toEqual([
      [10, 0, 500],
      [11, CLOCK_SET, 500],
      [12, 0, 500],
    ]);
  });

  it("set forward, the open interval closes and those that are skipped have no reading", () => {
    const meter = askingMeter();
    meter.confirm({ unix_s: meter.now_s + 2 * HOUR_S });
    meter.pass(DAY_S, [1000]);
    expect(intervalsOf(meter).slice(9, 13)).toEqual([
      [10, 0, 500],
      [11, CLOCK_SET, 334],
      [15, CLOCK_SET, 166],
      [16, 0, 500],
    ]);
    expect(meter.batches).toMatchObject([
      { firstInterval: FIRST, intervalCount: 12 },
      { firstInterval: FIRST + 15, intervalCount: 33 },
    ]);
    meter.check();
  });

  it("set back by one interval, the open one goes on; by more, the network is refused", () => {
    const meter = askingMeter();
    meter.confirm({ unix_s: meter.now_s - HALF_HOUR_S });
    expect(timeOf(meter)).toBe("2011-07-01T05:20:00.000Z");
    meter.pass(6 * HOUR_S, [1000]);
    expect(intervalsOf(meter).slice(10, 12)).toEqual([
      [11, CLOCK_SET, 1000],
      [12, 0, 500],
    ]);
    meter.confirm({ unix_s: meter.now_s - 3 * HALF_HOUR_S });
    expect(refusalsOf(meter).length).toBe(1);
    expect(timeOf(meter)).toBe("2011-07-01T11:20:00.000Z");
  });
});

describe("an answer that is", () => {
  /** Signed by one of the meter's anchors, all of them. */
  const wrong: readonly (readonly [string, Answer])[] = [
    ["for another nonce", { nonce: new Uint8Array(16).fill(1) }],
    ["for another meter", { meterId: "SM-0002" }],
    ["signed by the supplier", { by: "supplier" }],
    ["signed by the aggregator", { by: "aggregator" }],
    ["of an unknown kind", { kind: 2 }],
    ["numbered", { counter: 1 }],
    ["limited in time", { notAfter: int(MIDNIGHT_S + DAY_S) }],
    ["with a nonce that is too short", { nonce: new Uint8Array(15) }],
    ["of a time beyond 32 bits", { unix_s: 2 ** 32 }],
    ["for a meter id that is none", { meterId: "sm/0001" }],
  ];

  it.each(wrong)("%s changes nothing and is an event", (_, answer) => {
    const meter = new BenchMeter();
    meter.run();
    const document = meter.answer(answer);
    meter.receive(document);
    expect(timeOf(meter)).toBe("time unconfirmed");
    expect(refusalsOf(meter).length).toBe(1);
    expect(meter.unit.display(meter.uptime_ms)).toContain("1 messages refused");
    expect(setsOf(meter)).toBe(0);
    meter.receive(meter.answer());
    expect(setsOf(meter)).toBe(1);
  });

  it("signed by a stranger, or altered, is only counted", () => {
    const meter = new BenchMeter();
    const stranger = new BenchMeter({ seed: 2 });
    meter.run();
    meter.receive(stranger.answer({ nonce: meter.nonce ?? new Uint8Array(16) }));
    const genuine = meter.answer();
    for (const at of [20, 60, genuine.length - 1]) {
      meter.receive(genuine.map((byte, place) => (place === at ? byte ^ 1 : byte)));
    }
    expect(timeOf(meter)).toBe("time unconfirmed");
    expect(meter.unit.display(meter.uptime_ms)).toContain("4 messages refused");
    expect(refusalsOf(meter)).toEqual([]);
  });

  it("replayed is refused: a nonce is answered once", () => {
    const meter = new BenchMeter();
    meter.run();
    const answer = meter.answer();
    meter.receive(answer);
    meter.pass(1800);
    meter.receive(answer);
    expect([setsOf(meter), refusalsOf(meter).length]).toEqual([1, 1]);
    expect(timeOf(meter)).toBe("2011-07-01T00:29:00.000Z");
  });

  it("given 30 s after the question is taken, and later is refused", () => {
    const inTime = new BenchMeter();
    inTime.run();
    inTime.clock.advance(30_000);
    inTime.receive(inTime.answer());
    expect(setsOf(inTime)).toBe(1);
    const late = new BenchMeter();
    late.run();
    late.clock.advance(30_001);
    late.receive(late.answer());
    expect([setsOf(late), refusalsOf(late).length]).toEqual([0, 1]);
  });

  it("judged late counts from when it arrived", () => {
    const meter = new BenchMeter();
    meter.run();
    meter.clock.advance(30_000);
    const arrived_s = meter.now_s;
    expect(meter.unit.receive(meter.uptime_ms, meter.answer())).toBe(true);
    meter.clock.advance(600_000);
    meter.run();
    expect(setsOf(meter)).toBe(1);
    expect(timeOf(meter)).toBe(new Date((arrived_s + 600) * 1000).toISOString());
  });

  it("refused over and over makes eight events a day and then one count", () => {
    const meter = runningMeter();
    const junk = meter.answer({ meterId: "SM-0002" });
    for (let again = 0; again < 20; again++) meter.receive(junk);
    expect(refusalsOf(meter).length).toBe(8);
    meter.passUntil(DAY_S + 60);
    expect(refusalsOf(meter).length).toBe(9);
    expect(refusalsOf(meter).at(-1)).toMatchObject({ detail: 12 });
    meter.receive(junk);
    expect(refusalsOf(meter).length).toBe(10);
    meter.passUntil(2 * DAY_S + 60);
    expect(refusalsOf(meter).length).toBe(10);
  });
});

describe("a question", () => {
  it("names the meter and a nonce, and is given once", () => {
    const meter = new BenchMeter();
    while (meter.unit.step(meter.uptime_ms)) {}
    const frame = meter.unit.take(meter.uptime_ms);
    meter.takeAll();
    expect(meter.nonce).toBeNull();
    const nonce = frame?.slice(3, 19) ?? new Uint8Array(0);
    const message = array(int(1), Uint8Array.of(0x67, ...Buffer.from(METER_ID)), bstr(nonce));
    expect(frame).toEqual(array(int(7), bstr(nonce), bstr(message)));
  });

  it("that nobody took while it could be answered is not given any more", () => {
    const meter = new BenchMeter();
    while (meter.unit.step(meter.uptime_ms)) {}
    meter.clock.advance(30_001);
    meter.takeAll();
    expect(meter.nonce).toBeNull();
    meter.clock.advance(30_000);
    meter.confirm();
    expect(setsOf(meter)).toBe(1);
  });
});

describe("a clock that runs without power", () => {
  /** A running meter with such a clock. */
  function clockedMeter(image?: Image) {
    const meter = new BenchMeter({ provisioned: false, ...(image ? { image } : {}) });
    const rtc = new TestRtc(() => meter.now_s);
    meter.devices = { rtc };
    meter.provision();
    meter.boot();
    meter.run();
    meter.passUntil(HALF_HOUR_S, [1000]);
    return { meter, rtc };
  }
  /** Dark until this long after midnight, s; then light for a step. */
  function darkUntil(meter: BenchMeter, after_s: number): void {
    meter.clock.advance((MIDNIGHT_S + after_s - meter.now_s) * 1000);
    meter.boot();
    meter.run();
  }

  it("confirms the time at power-up: no set, no flag, and intervals close without a network", () => {
    const { meter, rtc } = clockedMeter();
    expect(rtc.sets).toEqual([MIDNIGHT_S - 60]);
    expect(timeOf(meter)).toBe("2011-07-01T00:30:00.000Z");
    expect(setsOf(meter)).toBe(0);
    expect(meter.readings[0]).toMatchObject({ interval: FIRST, readings: [516, 0] });
    // What the first interval has to explain is the minute on the bench before it.
    expect(meter.readings[0]?.status).toBe(INCOMPLETE);
    meter.passUntil(DAY_S + 60, [1000]);
    expect(intervalsOf(meter).every(([, status]) => status === 0)).toBe(true);
    expect(meter.check().totals_Wh).toEqual([24_016, 0]);
  });

  it("lets an interval go on that was cut and lit again: power was lost in it, and nothing else", () => {
    const { meter } = clockedMeter();
    meter.pass(600, [1000]);
    darkUntil(meter, HALF_HOUR_S + 900);
    meter.passUntil(3 * HALF_HOUR_S, [1000]);
    expect(intervalsOf(meter)).toEqual([
      [1, POWER_LOST, 417],
      [2, 0, 500],
    ]);
    expect(setsOf(meter)).toBe(0);
  });

  it("closes the interval of the power cut with what it had, and the new one says that it began dark", () => {
    const { meter } = clockedMeter();
    meter.pass(600, [1000]);
    darkUntil(meter, 3 * HALF_HOUR_S + 900);
    meter.passUntil(5 * HALF_HOUR_S, [1000]);
    expect(intervalsOf(meter)).toEqual([
      [1, POWER_LOST | INCOMPLETE, 167],
      [3, POWER_LOST, 250],
      [4, 0, 500],
    ]);
    darkUntil(meter, 6 * HALF_HOUR_S);
    meter.passUntil(7 * HALF_HOUR_S, [1000]);
    // Back at an interval's first moment: in this one no power was missed.
    expect(intervalsOf(meter).slice(3)).toEqual([
      [5, POWER_LOST | INCOMPLETE, 0],
      [6, 0, 500],
    ]);
  });

  it("is asked once, when the unit has tested itself: energy of an interval before that is untimed", () => {
    const { meter } = clockedMeter();
    meter.pass(600, [1000]);
    meter.clock.advance((2 * HALF_HOUR_S - 3 - 1200 - HALF_HOUR_S + 600) * 1000);
    meter.boot();
    // Powered up three seconds before the interval's end, and tested after it.
    meter.clock.advance(10_000);
    meter.feed(10 * MJ_PER_WH);
    meter.run();
    meter.passUntil(3 * HALF_HOUR_S, [1000]);
    const [, second] = intervalsOf(meter);
    expect(second).toEqual([2, CLOCK_SET | INCOMPLETE, 508]);
    expect(meter.total_Wh()).toBe(meter.shown_Wh[0]);
  });

  it("does not make timed energy of what was untimed when the power failed once more", () => {
    const { meter } = clockedMeter();
    meter.boot();
    // Much energy before the self-test is over: it is written, untimed, and then the power fails again.
    meter.clock.advance(1000);
    meter.feed(100 * MJ_PER_WH);
    meter.unit.step(meter.uptime_ms);
    darkUntil(meter, 3 * HALF_HOUR_S);
    meter.passUntil(4 * HALF_HOUR_S);
    expect(intervalsOf(meter)).toEqual([
      [1, POWER_LOST | INCOMPLETE, 0],
      [3, CLOCK_SET, 100],
    ]);
  });

  it.each([
    ["stopped", null, 0],
    ["before the last known time", -601, 600],
    ["more than 45 days after it", 45 * DAY_S + 1, 0],
  ])("is left alone when it is %s", (_, off_s, dark_s) => {
    const { meter, rtc } = clockedMeter();
    rtc.off_s = off_s;
    meter.clock.advance(1000 * dark_s);
    meter.boot();
    meter.run();
    expect(timeOf(meter)).toBe("time unconfirmed");
    meter.confirm();
    expect(setsOf(meter)).toBe(1);
    expect(rtc.sets.slice(1)).toEqual([meter.now_s]);
    meter.passUntil(2 * HALF_HOUR_S, [1000]);
    expect(meter.total_Wh()).toBe(meter.shown_Wh[0]);
  });

  it.each([
    ["at the last known time", -600, 600],
    ["45 days after it", 45 * DAY_S, 0],
  ])("is believed %s", (_, off_s, dark_s) => {
    const { meter, rtc } = clockedMeter();
    rtc.off_s = off_s;
    meter.clock.advance(1000 * dark_s);
    meter.boot();
    meter.run();
    expect(timeOf(meter)).toBe(new Date((meter.now_s + off_s) * 1000).toISOString());
  });

  it("is set at each set and synchronisation to the time that it is by then, and not by what agrees", () => {
    const { meter, rtc } = clockedMeter();
    meter.passUntil(6 * HOUR_S);
    meter.confirm({ unix_s: meter.now_s + 1 });
    expect(rtc.sets.length).toBe(1);
    meter.passUntil(12 * HOUR_S);
    meter.confirm({ unix_s: meter.now_s + 5 });
    expect(setsOf(meter)).toBe(0);
    expect(rtc.sets.slice(1)).toEqual([MIDNIGHT_S + 12 * HOUR_S + 5]);
    meter.passUntil(18 * HOUR_S);
    meter.run();
    const answer = meter.answer({ unix_s: meter.now_s + 100 });
    meter.unit.receive(meter.uptime_ms, answer);
    meter.clock.advance(20_000);
    meter.run();
    expect(setsOf(meter)).toBe(1);
    expect(rtc.sets.slice(2)).toEqual([MIDNIGHT_S + 18 * HOUR_S + 120]);
    meter.boot();
    meter.run();
    expect(timeOf(meter)).toBe(new Date((meter.now_s + 100) * 1000).toISOString());
  });

  it("closes nothing while the self-test fails, however often the meter is lit: the reading waits", () => {
    const image = benchImage(new BenchMeter({ provisioned: false }).parties.authority.publicKey);
    const { meter } = clockedMeter({ ...image, tableB: image.tableB.slice() });
    meter.pass(600, [1000]);
    const { tableB } = meter.image;
    tableB[256] = (tableB[256] as number) ^ 1;
    for (let again = 2; again < 6; again++) {
      darkUntil(meter, again * HALF_HOUR_S + 60);
      meter.pass(600, [1000]);
      expect(timeOf(meter)).toBe("time unconfirmed");
    }
    tableB[256] = (tableB[256] as number) ^ 1;
    darkUntil(meter, 7 * HALF_HOUR_S);
    meter.passUntil(8 * HALF_HOUR_S);
    expect(meter.total_Wh()).toBe(1350);
    expect(meter.total_Wh()).toBe(meter.shown_Wh[0]);
  });
});

describe("an hour without the time", () => {
  const unconfirmedOf = (meter: BenchMeter) =>
    meter.events.filter(({ type }) => type === EventType.CLOCK_UNCONFIRMED);

  it("is an event, once after each power-up", () => {
    const meter = runningMeter();
    meter.boot();
    meter.pass(HOUR_S - 60);
    expect(unconfirmedOf(meter)).toEqual([]);
    meter.pass(120);
    expect(unconfirmedOf(meter)).toMatchObject([{ time_s: null, detail: null }]);
    meter.pass(5 * HOUR_S);
    expect(unconfirmedOf(meter).length).toBe(1);
    meter.boot();
    meter.pass(2 * HOUR_S);
    expect(unconfirmedOf(meter).length).toBe(2);
  });

  it("is none when the time was confirmed within it", () => {
    const meter = runningMeter();
    meter.boot();
    meter.pass(HOUR_S - 60);
    meter.confirm();
    meter.pass(2 * HOUR_S);
    expect(unconfirmedOf(meter)).toEqual([]);
  });
});

describe("whatever happens to the clock", () => {
  const offset_s = fc.oneof(fc.integer({ min: -12, max: 12 }), fc.integer({ min: -4000, max: 200_000 }));
  const happening = fc.oneof(
    { weight: 3, arbitrary: fc.record({ passes_s: fc.integer({ min: 1, max: 8000 }) }) },
    { weight: 2, arbitrary: fc.record({ dark_s: fc.oneof(fc.constant(0), fc.nat(4000), fc.nat(400_000)) }) },
    { weight: 2, arbitrary: fc.record({ told_s: offset_s, byAuthority: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ replayed: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ drifts_s: offset_s }) },
  );
  type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;
  interface Life {
    readonly meter: BenchMeter;
    readonly rtc: TestRtc | undefined;
    /** Answers that were given once already, or whose nonce was answered otherwise. */
    readonly used: Uint8Array[];
  }

  function live({ meter, rtc, used }: Life, happened: Happening): void {
    if ("passes_s" in happened) meter.pass(happened.passes_s, [1700], 997);
    if ("drifts_s" in happened && rtc) rtc.off_s = (rtc.off_s ?? 0) + happened.drifts_s;
    if ("dark_s" in happened) {
      meter.clock.advance(1000 * happened.dark_s);
      meter.boot();
      meter.run();
    }
    if ("told_s" in happened) {
      meter.run();
      const by = happened.byAuthority ? "authority" : "network";
      const answer = meter.answer({ by, unix_s: meter.now_s + happened.told_s });
      const delayed = meter.answer({ by: "network", unix_s: meter.now_s + 7000 });
      meter.receive(answer);
      used.push(answer, delayed);
    }
    if ("replayed" in happened) {
      const answer = used[happened.replayed % Math.max(1, used.length)];
      if (!answer) return;
      meter.run();
      const seen = () => [meter.unit.display(meter.uptime_ms).slice(0, 4), setsOf(meter), rtc?.off_s];
      const before = [...seen(), meter.readings];
      meter.receive(answer);
      expect([...seen(), meter.readings]).toEqual(before);
    }
  }

  it.each([
    [true, "with"],
    [false, "without"],
  ])("readings are of rising intervals and add up to the register, and a used answer does nothing (%s RTC)", (has) => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 3, maxLength: 14 }), (happenings) => {
        const configuration = { channels: ["1-0:1.8.0"] };
        const meter = new BenchMeter({
          provisioned: false,
          configuration,
          provisioned_s: MIDNIGHT_S + 40_000,
        });
        const rtc = has ? new TestRtc(() => meter.now_s) : undefined;
        meter.devices = rtc ? { rtc } : {};
        meter.provision();
        meter.boot();
        meter.run();
        const life: Life = { meter, rtc, used: [] };
        for (const happened of happenings) live(life, happened);
        // The authority leads the clock behind every interval that was ever open; then all is closed.
        meter.boot();
        meter.run();
        const end_s = (meter.stored.state.openInterval + 2) * HALF_HOUR_S;
        meter.receive(meter.answer({ by: "authority", unix_s: Math.max(end_s, meter.now_s) }));
        meter.pass(2 * HALF_HOUR_S);
        // What a power cut kept from being acknowledged comes again, and it is the same.
        const given = meter.messages.filter(({ kind }) => kind === 1);
        const first = given.filter(
          ({ sequence }, at) => given.findIndex((one) => one.sequence === sequence) === at,
        );
        const intervals = first.map(({ sequence }) => sequence);
        expect(intervals).toEqual([...intervals].sort((a, b) => a - b));
        expect(new Set(given.map(({ message }) => `${message}`)).size).toBe(first.length);
        expect(meter.total_Wh()).toBe(meter.shown_Wh[0]);
      }),
      { numRuns: 50 },
    );
  });
});
