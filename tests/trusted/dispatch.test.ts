// What the unit gives to send, in which order, how often, and what an acknowledgement does: through the unit's
// face, with the network side played by the test.
import { describe, expect, it } from "vitest";
import { NorFlash } from "../../host-sim/flash.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import type { MessageRange } from "../../src/customer/messages.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { Dispatch } from "../../src/trusted/dispatch.js";
import { Journal, RecordType } from "../../src/trusted/journal/journal.js";
import {
  acknowledgement,
  BenchMeter,
  DAY_S,
  HALF_HOUR_S,
  METER_ID,
  type Message,
  MIDNIGHT_S,
  sendAgain,
} from "../bench-meter.js";

const FIRST = MIDNIGHT_S / HALF_HOUR_S;
const HOUR_MS = 3_600_000;
const [READING, BATCH, EVENT, PAIRING, REGISTER] = [1, 3, 4, 5, 6] as const;

/** A meter with one channel that nobody took anything from for so many days, nor acknowledges anything to. */
function unheardMeter(days: number, sectors = 16): BenchMeter {
  const meter = new BenchMeter({ sectors, configuration: { channels: ["1-0:1.8.0"] } });
  meter.run();
  meter.acknowledges = false;
  meter.takes = false;
  meter.receive(meter.answer());
  meter.passUntil(days * DAY_S + 60, [1000], HALF_HOUR_S);
  return meter;
}

/** Takes everything that the unit gives at this moment. */
function takeAll(meter: BenchMeter): readonly Message[] {
  meter.messages = [];
  meter.takeAll();
  return meter.messages;
}

/** A journal that holds so many readings, and what sends from it, made when the test has set its state. */
function filledJournal(intervals: number) {
  const flash = new NorFlash({ sectors: 24, mode: "plain", random: new SeededRandom(1) });
  const journal = new Journal(flash);
  journal.format(1);
  for (let interval = 0; interval < intervals; interval++) {
    journal.appendInterval({ interval, status: 0, epoch: 0, padded: new Uint8Array(4) });
  }
  let made: Dispatch | null = null;
  const dispatch = () => {
    made ??= new Dispatch(journal, METER_ID);
    return made;
  };
  /** How many messages there are to take at this uptime; a call that looks in vain gives none. */
  const takes = (now_ms: number) =>
    Array.from({ length: 1300 }, () => dispatch().take(now_ms)).filter((frame) => frame !== null).length;
  return { journal, dispatch, takes };
}

const names = (messages: readonly Message[]) => messages.map(({ kind, sequence }) => `${kind}/${sequence}`);
/** Whether a message is a reading up to this one. */
const covered = (name: string, interval: number) =>
  name.startsWith(`${READING}/`) && Number(name.split("/")[1]) <= interval;
const hear = (meter: BenchMeter, frame: Uint8Array) => {
  meter.unit.receive(meter.uptime_ms, frame);
  while (meter.unit.step(meter.uptime_ms)) {}
};

/** Boots the meter, once what it knows is persisted, and takes what it gives. */
function takeAfterRestart(meter: BenchMeter): readonly string[] {
  meter.pass(300);
  meter.boot();
  meter.run();
  return names(takeAll(meter));
}

describe("what is new", () => {
  it("is given once, in the order of the journal", () => {
    const meter = unheardMeter(0);
    meter.pass(HALF_HOUR_S);
    expect(names(takeAll(meter))).toEqual([`${EVENT}/3`, `${READING}/${FIRST}`]);
    expect(takeAll(meter)).toEqual([]);
    meter.passUntil(2 * DAY_S - HALF_HOUR_S, [], HALF_HOUR_S);
    const given = names(takeAll(meter));
    expect(given.indexOf(`${BATCH}/0`)).toBe(given.indexOf(`${READING}/${FIRST + 47}`) + 1);
  });

  it("is given at once after a restart when all before it has arrived, however long the journal is", () => {
    const { journal, dispatch } = filledJournal(1000);
    journal.state.acknowledged = [1000, 0, 0, 0, 1, 0];
    dispatch();
    journal.appendInterval({ interval: 1000, status: 0, epoch: 0, padded: new Uint8Array(4) });
    expect(dispatch().take(0)).not.toBeNull();
  });

  it("is given however little is acknowledged: the network side takes no more than it can hold", () => {
    const meter = unheardMeter(3);
    const given = names(takeAll(meter));
    expect(given.filter((name) => name.startsWith(`${READING}/`))).toEqual(
      Array.from({ length: 3 * 48 }, (_, at) => `${READING}/${FIRST + at}`),
    );
    expect(given.filter((name) => name.startsWith(`${BATCH}/`))).toEqual(
      [0, 1, 2].map((at) => `${BATCH}/${at}`),
    );
    expect(given.length).toBe(new Set(given).size);
    meter.clock.advance(HOUR_MS);
    expect(takeAll(meter)).toEqual([]);
  });

  it("gives everything unacknowledged again to a network side that was made anew, before anything later", () => {
    const meter = unheardMeter(3);
    const given = names(takeAll(meter));
    hear(meter, acknowledgement(READING, FIRST + 4));
    meter.unit.networkRestarted();
    expect(names(takeAll(meter))).toEqual(given.filter((name) => !covered(name, FIRST + 4)));
  });

  it("begins after a restart at the first unacknowledged message of each kind", () => {
    const meter = unheardMeter(2);
    const before = names(takeAll(meter));
    hear(meter, acknowledgement(READING, FIRST + 20));
    const expected = before.filter((name) => !covered(name, FIRST + 20));
    const restarts = [`${EVENT}/4`, `${EVENT}/5`];
    expect(takeAfterRestart(meter)).toEqual([...expected, ...restarts]);
  });
});

describe("an acknowledgement", () => {
  it("counts for everything of its kind before it", () => {
    const meter = new BenchMeter();
    meter.acknowledges = false;
    meter.run();
    meter.takes = false;
    hear(meter, acknowledgement(EVENT, 2));
    hear(meter, acknowledgement(EVENT, 1));
    expect(takeAfterRestart(meter)).toEqual([`${PAIRING}/0`, `${EVENT}/3`, `${EVENT}/4`]);
  });

  it("of what was never given counts for nothing", () => {
    const meter = unheardMeter(3);
    takeAll(meter);
    hear(meter, acknowledgement(READING, 0xffffffff));
    hear(meter, acknowledgement(BATCH, 3));
    hear(meter, acknowledgement(EVENT, 4));
    hear(meter, acknowledgement(REGISTER, 0));
    hear(meter, acknowledgement(PAIRING, 1));
    const given = takeAfterRestart(meter);
    expect(given.slice(0, 2)).toEqual([`${EVENT}/3`, `${READING}/${FIRST}`]);
    expect(given).toContain(`${BATCH}/0`);
  });

  it("counts only for what was given since the network side began anew: before, it had nothing", () => {
    const meter = unheardMeter(3);
    const given = names(takeAll(meter));
    meter.unit.networkRestarted();
    hear(meter, acknowledgement(READING, FIRST + 30));
    expect(names(takeAll(meter))).toEqual(given);
    hear(meter, acknowledgement(READING, FIRST + 30));
    meter.unit.networkRestarted();
    expect(names(takeAll(meter))).toEqual(given.filter((name) => !covered(name, FIRST + 30)));
  });

  it("never goes back behind a later one", () => {
    const meter = unheardMeter(3);
    const given = names(takeAll(meter));
    hear(meter, acknowledgement(READING, FIRST + 30));
    hear(meter, acknowledgement(READING, FIRST + 10));
    meter.unit.networkRestarted();
    expect(names(takeAll(meter))).toEqual(given.filter((name) => !covered(name, FIRST + 30)));
  });
});

describe("a request to send again", () => {
  it("yields what was given of the range, before anything new, to the byte", () => {
    const meter = unheardMeter(3);
    const given = new Map(takeAll(meter).map((one) => [`${one.kind}/${one.sequence}`, one.message]));
    hear(meter, acknowledgement(READING, FIRST + 30));
    hear(meter, sendAgain(READING, FIRST + 10, FIRST + 12));
    meter.clock.advance(HALF_HOUR_S * 1000);
    while (meter.unit.step(meter.uptime_ms)) {}
    const again = takeAll(meter);
    const asked = [10, 11, 12].map((at) => `${READING}/${FIRST + at}`);
    expect(names(again)).toEqual([...asked, `${READING}/${FIRST + 3 * 48}`]);
    for (const { kind, sequence, message } of again.slice(0, 3)) {
      expect(Buffer.compare(message, given.get(`${kind}/${sequence}`) ?? new Uint8Array(0))).toBe(0);
    }
  });

  it("yields nothing that was never given, nothing for an empty range, and nothing that is not there", () => {
    const meter = unheardMeter(3);
    takeAll(meter);
    for (const frame of [
      sendAgain(READING, FIRST + 3 * 48, FIRST + 3 * 48 + 20),
      sendAgain(READING, FIRST + 12, FIRST + 10),
      sendAgain(READING, 0, FIRST - 1),
      sendAgain(BATCH, 3, 0xffffffff),
      sendAgain(PAIRING, 1, 7),
      sendAgain(REGISTER, 0, 0xffffffff),
    ]) {
      hear(meter, frame);
      expect(names(takeAll(meter))).toEqual([]);
    }
    hear(meter, sendAgain(PAIRING, 0, 0xffffffff));
    expect(names(takeAll(meter))).toEqual([`${PAIRING}/0`]);
    hear(meter, sendAgain(EVENT, 1, 0xffffffff));
    expect(names(takeAll(meter))).toEqual([`${EVENT}/1`, `${EVENT}/2`, `${EVENT}/3`]);
  });

  it("yields at most 1,000 messages an hour, and the rest in the next", () => {
    const { journal, dispatch, takes } = filledJournal(1200);
    journal.state.acknowledged[0] = 1200;
    dispatch().sendAgain(READING, 0, 0xffffffff);
    expect([takes(0), takes(3_599_999), takes(3_600_000), takes(7_200_000)]).toEqual([1000, 0, 200, 0]);
  });

  it("goes on looking in the next call where it has looked at 256 records in vain", () => {
    const { journal, dispatch, takes } = filledJournal(600);
    const messages = [
      { kind: EVENT, number: 0, bytes: Uint8Array.of(3) },
      { kind: PAIRING, number: 1, bytes: Uint8Array.of(1) },
    ];
    const configuration = { kind: 0, number: 0, bytes: Uint8Array.of(2) };
    journal.appendHappening(RecordType.EVENT, 0, [...messages, configuration]);
    journal.state.acknowledged = [600, 0, 0, 1, 2, 0];
    dispatch().sendAgain(PAIRING, 0, 7);
    expect([dispatch().take(0), dispatch().take(0)]).toEqual([null, null]);
    expect(takes(0)).toBe(1);
  });
});

describe("when nobody listens for longer than the journal reaches", () => {
  it("each kind's overwritten records become an event with their range, and the meter goes on", () => {
    const meter = unheardMeter(20, 8);
    [meter.takes, meter.acknowledges] = [true, true];
    const before = meter.messages.length;
    meter.passUntil(21 * DAY_S + 60, [1000], HALF_HOUR_S);
    const ranges = meter.events
      .filter(({ type }) => type === EventType.OVERWRITTEN)
      .map(({ detail }) => detail as MessageRange);
    for (const kind of [READING, BATCH, EVENT]) {
      // The first reports were overwritten themselves; those that are left lead up to what arrived.
      const [oldest, ...later] = ranges.filter((range) => range.kind === kind);
      let next = (oldest?.last ?? 0) + 1;
      for (const { first, last } of later) {
        expect(first).toBe(next);
        next = last + 1;
      }
      const messages = meter.messages.slice(before).filter((message) => message.kind === kind);
      const arrived = messages.map(({ sequence }) => sequence);
      expect(arrived).toEqual(arrived.map((_, at) => next + at));
    }
    expect(meter.readings.at(-1)?.interval).toBe(FIRST + 21 * 48 - 1);
    expect(meter.batches.at(-1)?.batchNumber).toBe(20);
  });
});
