// What the unit does while it does not know the time, when it is told, and when it is lied to.
import { describe, expect, it } from "vitest";
import { EventType } from "../../src/trusted/authority/events.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { type Answer, BenchMeter, DAY_S, HALF_HOUR_S, METER_ID, MIDNIGHT_S } from "../bench-meter.js";

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
      [1, CLOCK_SET, 517],
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
    expect(intervalsOf(meter)).toEqual([[1, CLOCK_SET | Status.FAULT, 24_484]]);
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
