// The network side between a unit and a transport that fails. The unit is played by what sends for it, over a
// journal without keys; what counts is what the head end has got when the unit is told that it arrived.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../host-sim/clock.js";
import { NorFlash } from "../../host-sim/flash.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { MemoryUplink } from "../../host-sim/uplink.js";
import { Outbox, topicOf, type UnitSide } from "../../src/meter/outbox.js";
import type { Uplink, UplinkEvent } from "../../src/meter/uplink.js";
import { Dispatch, type StoredKind } from "../../src/trusted/dispatch.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int } from "../../src/trusted/encoding/cbor.js";
import { Journal, RecordType } from "../../src/trusted/journal/journal.js";

const METER_ID = "SM-0001";
const [READING, BATCH, EVENT, TIME] = [1, 3, 4, 7] as const;

/** Takes whatever is published until told otherwise, and reports what a test says. */
class ScriptedUplink implements Uplink {
  readonly published: { id: number; topic: string; payload: Uint8Array }[] = [];
  readonly events: UplinkEvent[] = [];
  online = true;

  publish(id: number, topic: string, payload: Uint8Array): boolean {
    if (this.online) this.published.push({ id, topic, payload });
    return this.online;
  }

  poll(): UplinkEvent | null {
    return this.events.shift() ?? null;
  }

  /** Reports the fate of the published messages at these places. */
  report(kind: "delivered" | "lost", ...places: readonly number[]): void {
    for (const at of places) this.events.push({ kind, id: this.published[at]?.id ?? -1 });
  }
}

/** A unit that gives these frames, and keeps what it receives as long as it has room. */
class ScriptedUnit implements UnitSide {
  readonly received: Uint8Array[] = [];
  readonly tariffs: Uint8Array[] = [];
  room = Number.POSITIVE_INFINITY;
  readonly #frames: Uint8Array[];

  constructor(...frames: readonly Uint8Array[]) {
    this.#frames = [...frames];
  }

  give(...frames: readonly Uint8Array[]): void {
    this.#frames.push(...frames);
  }

  take(): Uint8Array | null {
    return this.#frames.shift() ?? null;
  }

  receive(bytes: Uint8Array): boolean {
    if (this.received.length >= this.room) return false;
    this.received.push(bytes);
    return true;
  }

  receiveLocal(): boolean {
    throw new Error("the outbox asks for no pairing");
  }

  /** Refuses each second one. */
  offerTariff(document: Uint8Array): boolean {
    return this.tariffs.push(document) % 2 === 1;
  }
}

const SHARE = 2;
/** A share's sequence is its interval and its roster's number. */
const shareSequence = (interval: number, rosterNumber: number) => array(int(interval), int(rosterNumber));
const share = (interval: number, rosterNumber: number) =>
  array(
    int(SHARE),
    shareSequence(interval, rosterNumber),
    bstr(Uint8Array.of(SHARE, interval, rosterNumber)),
  );
const shareAcknowledgement = (interval: number, rosterNumber: number) =>
  array(int(1), int(SHARE), shareSequence(interval, rosterNumber));
const frame = (kind: number, sequence: number) =>
  kind === SHARE ? share(sequence, 1) : array(int(kind), int(sequence), bstr(Uint8Array.of(kind, sequence)));
const timeRequest = (first: number) =>
  array(int(TIME), bstr(new Uint8Array(16).fill(first)), bstr(Uint8Array.of(first)));
const acknowledgement = (kind: number, sequence: number) => array(int(1), int(kind), int(sequence));

function scripted(...frames: readonly Uint8Array[]) {
  const [unit, uplink] = [new ScriptedUnit(...frames), new ScriptedUplink()];
  return { unit, uplink, outbox: new Outbox(unit, uplink, METER_ID) };
}

describe("what the unit gives", () => {
  it("goes out in its order, under the topic of its kind", () => {
    const { uplink, outbox } = scripted(...[1, 2, 3, 4, 5, 6].map((kind) => frame(kind, 9)), timeRequest(9));
    outbox.step();
    const names = ["reading", "share", "batch", "event", "pairing", "register", "time"];
    expect(uplink.published.map(({ topic }) => topic)).toEqual(names.map((name) => topicOf(METER_ID, name)));
    expect(uplink.published[3]?.payload).toEqual(Uint8Array.of(4, 9));
    expect(topicOf(METER_ID, "command")).toBe("sealmeter/1/SM-0001/command");
  });

  it("is acknowledged when it is delivered, and in order within its kind", () => {
    const { unit, uplink, outbox } = scripted(frame(READING, 1), frame(READING, 2), frame(EVENT, 0));
    outbox.step();
    uplink.report("delivered", 1, 2);
    outbox.step();
    expect(unit.received).toEqual([acknowledgement(EVENT, 0)]);
    uplink.report("delivered", 0);
    outbox.step();
    expect(unit.received.slice(1)).toEqual([acknowledgement(READING, 1), acknowledgement(READING, 2)]);
  });

  it("is acknowledged in turns with the commands that come, so that neither waits behind the other", () => {
    const readings = Array.from({ length: 40 }, (_, at) => frame(READING, at));
    const { unit, uplink, outbox } = scripted(...readings);
    outbox.step();
    unit.room = 0;
    uplink.report("delivered", ...readings.keys());
    for (let at = 0; at < 40; at++) uplink.events.push({ kind: "command", payload: Uint8Array.of(at) });
    outbox.step();
    unit.room = Number.POSITIVE_INFINITY;
    outbox.step();
    const command = (at: number) => array(int(3), bstr(Uint8Array.of(at)));
    const turns = readings.flatMap((_, at) => [command(at), acknowledgement(READING, at)]);
    expect(unit.received).toEqual(turns);
  });

  it("goes out again when the transport lost it", () => {
    const { unit, uplink, outbox } = scripted(frame(BATCH, 0), frame(BATCH, 1));
    outbox.step();
    uplink.report("lost", 0);
    outbox.step();
    expect(uplink.published.map(({ payload }) => payload[1])).toEqual([0, 1, 0]);
    uplink.report("delivered", 2, 1);
    outbox.step();
    expect(unit.received).toEqual([acknowledgement(BATCH, 0), acknowledgement(BATCH, 1)]);
  });

  it("waits while the transport takes nothing, at most 64 messages", () => {
    const { unit, uplink, outbox } = scripted(...Array.from({ length: 70 }, (_, at) => frame(READING, at)));
    uplink.online = false;
    outbox.step();
    outbox.step();
    expect(uplink.published).toEqual([]);
    expect(unit.take()).toEqual(frame(READING, 64));
    uplink.online = true;
    outbox.step();
    expect(uplink.published.length).toBe(64);
  });

  it("a second time while it is held is not sent twice", () => {
    const { uplink, outbox } = scripted(frame(READING, 1), frame(READING, 1), frame(EVENT, 1));
    outbox.step();
    expect(uplink.published.length).toBe(2);
  });

  it("a request for the time goes at once or never, and is not acknowledged", () => {
    const { unit, uplink, outbox } = scripted(timeRequest(1));
    uplink.online = false;
    outbox.step();
    uplink.online = true;
    outbox.step();
    expect(uplink.published).toEqual([]);
    unit.give(timeRequest(2), timeRequest(3));
    outbox.step();
    expect(uplink.published.length).toBe(2);
    uplink.report("delivered", 0, 1);
    outbox.step();
    expect(unit.received).toEqual([]);
  });

  it("of shares goes out under their topic, and is acknowledged by interval and roster", () => {
    const { unit, uplink, outbox } = scripted(share(5, 1), share(6, 1), share(5, 2), frame(READING, 5));
    outbox.step();
    const topics = uplink.published.map(({ topic }) => topic);
    expect(topics).toEqual(["share", "share", "share", "reading"].map((name) => topicOf(METER_ID, name)));
    expect(uplink.published[2]?.payload).toEqual(Uint8Array.of(2, 5, 2));
    uplink.report("delivered", 1, 2, 3);
    outbox.step();
    // The first one is on its way: an acknowledgement of a later one would cover it.
    expect(unit.received).toEqual([acknowledgement(READING, 5)]);
    uplink.report("delivered", 0);
    outbox.step();
    const shares = [shareAcknowledgement(5, 1), shareAcknowledgement(6, 1), shareAcknowledgement(5, 2)];
    expect(unit.received.slice(1)).toEqual(shares);
    expect(shares[2]).toEqual(Uint8Array.of(0x83, 1, 2, 0x82, 5, 2));
  });

  it("of one interval by two rosters is two shares, and by one roster again is one", () => {
    const [low, high] = [share(5, 1), share(5, 2)];
    const { uplink, outbox } = scripted(low, high, low, high, share(6, 1), low);
    outbox.step();
    expect(uplink.published.map(({ payload }) => [...payload.subarray(1)])).toEqual([
      [5, 1],
      [5, 2],
      [6, 1],
    ]);
    uplink.report("delivered", 0, 1, 2);
    outbox.step();
    // Once it has arrived, a share that the unit gives again goes out again.
    const { unit, ...again } = scripted(low);
    again.outbox.step();
    expect(again.uplink.published.length).toBe(1);
    again.uplink.report("lost", 0);
    again.outbox.step();
    again.uplink.report("delivered", 1);
    again.outbox.step();
    unit.give(low);
    again.outbox.step();
    expect(again.uplink.published.length).toBe(3);
    expect(unit.received).toEqual([shareAcknowledgement(5, 1)]);
  });

  it.each([
    ["of a share under one number", array(int(SHARE), int(5), bstr(Uint8Array.of(1)))],
    ["of a share under three", array(int(SHARE), array(int(5), int(1), int(1)), bstr(Uint8Array.of(1)))],
    ["of a share above 2^32 - 1", array(int(SHARE), array(int(5), int(2 ** 32)), bstr(Uint8Array.of(1)))],
    ["of a reading under two numbers", array(int(READING), shareSequence(5, 1), bstr(Uint8Array.of(1)))],
    ["of no kind", array(int(0), int(1), bstr(Uint8Array.of(1)))],
    ["of an unknown kind", array(int(8), int(1), bstr(Uint8Array.of(1)))],
    ["without a message", array(int(1), int(1), bstr(new Uint8Array(0)))],
    ["too long", array(int(1), int(1), bstr(new Uint8Array(4097)))],
    ["cut short", frame(1, 1).slice(0, -1)],
    ["that goes on", Uint8Array.of(...frame(1, 1), 0)],
  ])("%s is a fault of the unit", (_, bytes) => {
    const { outbox } = scripted(bytes);
    expect(() => outbox.step()).toThrow(FormatError);
  });
});

describe("what comes in", () => {
  it("is passed to the unit as it is, in order, as fast as the unit takes it", () => {
    const { unit, uplink, outbox } = scripted();
    unit.room = 1;
    for (const first of [1, 2, 3]) uplink.events.push({ kind: "command", payload: Uint8Array.of(first) });
    outbox.step();
    expect(unit.received).toEqual([array(int(3), bstr(Uint8Array.of(1)))]);
    unit.room = 2;
    outbox.step();
    expect(unit.received[1]).toEqual(array(int(3), bstr(Uint8Array.of(2))));
  });

  it("beyond 128 that wait is dropped, but no acknowledgement is", () => {
    const { unit, uplink, outbox } = scripted(frame(READING, 1));
    unit.room = 0;
    outbox.step();
    for (let at = 0; at < 200; at++) uplink.events.push({ kind: "command", payload: Uint8Array.of(at) });
    uplink.report("delivered", 0, 7);
    outbox.step();
    outbox.step();
    unit.room = 1000;
    outbox.step();
    outbox.step();
    expect(unit.received.length).toBe(129);
    expect(unit.received).toContainEqual(acknowledgement(READING, 1));
  });
});

describe("a tariff that comes in", () => {
  const tariff = (...bytes: readonly number[]) =>
    ({ kind: "tariff", payload: Uint8Array.from(bytes) }) as const;

  it("is offered once, whatever the answer, also while the unit takes no commands", () => {
    const { unit, uplink, outbox } = scripted();
    unit.room = 0;
    uplink.events.push({ kind: "command", payload: Uint8Array.of(1) }, tariff(2), tariff(3));
    for (let turn = 0; turn < 3; turn++) outbox.step();
    expect(unit.tariffs).toEqual([Uint8Array.of(2), Uint8Array.of(3)]);
    expect(unit.received).toEqual([]);
  });

  it("is dropped above 2,000 bytes, and never reaches the unit as a command", () => {
    const { unit, uplink, outbox } = scripted();
    const [largest, larger] = [new Uint8Array(2_000), new Uint8Array(2_001)];
    for (const payload of [larger, largest, larger]) uplink.events.push({ kind: "tariff", payload });
    outbox.step();
    expect(unit.tariffs).toEqual([largest]);
    expect(unit.received).toEqual([]);
  });
});

describe("over a link that fails", () => {
  const MINUTE_MS = 60_000;
  /** What happens in a minute: records that appear, and whether the meter loses power after it. */
  const minute = fc.record({
    readings: fc.nat(3),
    events: fc.nat(2),
    batches: fc.nat(1),
    restarts: fc.boolean(),
  });
  const outages = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 400_000 }), fc.integer({ min: 1, max: 900_000 })), {
      maxLength: 6,
    })
    .map((stretches) => {
      let at = 0;
      return stretches.map(([after, length]) => {
        const from = at + after;
        at = from + length;
        return [from, at] as const;
      });
    });

  /** A meter that sends from a journal, and the head end's view of it. */
  function street(latency_ms: number, failures: readonly (readonly [number, number])[], seed: number) {
    const random = new SeededRandom(seed);
    const clock = new VirtualClock(0);
    const journal = new Journal(new NorFlash({ sectors: 16, mode: "plain", random }));
    journal.format(1);
    const arrived = new Map<string, number[]>();
    const uplink = new MemoryUplink({
      clock,
      random,
      latency_ms,
      outages: failures,
      deliver: (topic, [, sequence]) => {
        const sequences = arrived.get(topic) ?? [];
        if (!sequences.includes(sequence ?? -1)) sequences.push(sequence ?? -1);
        arrived.set(topic, sequences);
      },
    });
    return { clock, journal, uplink, arrived };
  }
  const NAMES: Readonly<Record<number, string>> = { 1: "reading", 3: "batch", 4: "event" };

  function append(journal: Journal, kind: StoredKind, sequence: number): void {
    const message = { kind, number: sequence, bytes: Uint8Array.of(kind, sequence) };
    if (kind === BATCH) journal.appendHappening(RecordType.BATCH, sequence, [message]);
    else if (kind === EVENT) journal.appendHappening(RecordType.EVENT, sequence, [message]);
    else journal.appendInterval({ interval: sequence, status: 0, epoch: 0, padded: new Uint8Array(4) });
  }

  it.each([
    0, 2000,
  ])("nothing is lost, and nothing acknowledged that has not arrived (latency %d ms)", (latency_ms) => {
    fc.assert(
      fc.property(fc.nat(), outages, fc.array(minute, { maxLength: 30 }), (seed, failures, minutes) => {
        const { clock, journal, uplink, arrived } = street(latency_ms, failures, seed);
        const next = { [READING]: 0, [BATCH]: 0, [EVENT]: 0 };
        const has = (kind: number) => arrived.get(topicOf(METER_ID, NAMES[kind] ?? "")) ?? [];
        const powerUp = () => {
          const dispatch = new Dispatch(journal, METER_ID);
          const side: UnitSide = {
            // The message of a reading is not two bytes: its sequence is put where the head end looks.
            take: () => shorten(dispatch.take(clock.now_ms)),
            receive: (bytes) => {
              const reader = new CborReader(bytes, "acknowledgement");
              reader.array(3);
              reader.uint(1);
              const [kind, sequence] = [reader.uint(5) as StoredKind, reader.uint()];
              expect(has(kind).filter((one) => one <= sequence).length).toBe(sequence + 1);
              dispatch.acknowledge(kind, sequence);
              return true;
            },
            receiveLocal: () => false,
            offerTariff: () => false,
          };
          return new Outbox(side, uplink, METER_ID);
        };
        let outbox = powerUp();
        const live = (until_ms: number) => {
          while (clock.now_ms < until_ms) {
            outbox.step();
            clock.advance(5000);
          }
        };
        for (const { readings, events, batches, restarts } of minutes) {
          for (const [kind, count] of [
            [READING, readings],
            [EVENT, events],
            [BATCH, batches],
          ] as const) {
            for (let at = 0; at < count; at++) append(journal, kind, next[kind]++);
          }
          live(clock.now_ms + MINUTE_MS);
          if (!restarts) continue;
          uplink.restart();
          outbox = powerUp();
        }
        live(Math.max(clock.now_ms, failures.at(-1)?.[1] ?? 0) + 30 * MINUTE_MS);
        for (const kind of [READING, BATCH, EVENT]) {
          const sequences = [...has(kind)];
          // A link that fails under messages may lose one and not the next; otherwise order is kept.
          if (latency_ms > 0) sequences.sort((a, b) => a - b);
          expect(sequences).toEqual(Array.from({ length: next[kind] }, (_, at) => at));
        }
      }),
      { numRuns: 60 },
    );
  });

  function shorten(bytes: Uint8Array | null): Uint8Array | null {
    if (!bytes) return null;
    const reader = new CborReader(bytes, "frame");
    reader.array(3);
    const [kind, sequence] = [reader.uint(5), reader.uint(255)];
    return array(int(kind), int(sequence), bstr(Uint8Array.of(kind, sequence)));
  }
});
