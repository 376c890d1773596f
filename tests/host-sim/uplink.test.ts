import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../host-sim/clock.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { MemoryUplink, type MemoryUplinkOptions } from "../../host-sim/uplink.js";
import type { UplinkEvent } from "../../src/meter/uplink.js";

function linkOf(options: Partial<MemoryUplinkOptions> = {}, seed = 1) {
  const clock = new VirtualClock(0);
  const arrived: { topic: string; payload: Uint8Array }[] = [];
  const deliver = (topic: string, payload: Uint8Array) => void arrived.push({ topic, payload });
  const link = new MemoryUplink({ clock, random: new SeededRandom(seed), deliver, ...options });
  const events = () => {
    const seen: UplinkEvent[] = [];
    for (let event = link.poll(); event !== null; event = link.poll()) seen.push(event);
    return seen;
  };
  return { clock, link, arrived, events };
}

describe("MemoryUplink", () => {
  it("delivers in order after its latency, and says so then", () => {
    const { clock, link, arrived, events } = linkOf({ latency_ms: 100 });
    expect(link.publish(1, "a", Uint8Array.of(1))).toBe(true);
    clock.advance(50);
    expect(link.publish(2, "b", Uint8Array.of(2))).toBe(true);
    clock.advance(49);
    expect(events()).toEqual([]);
    expect(arrived).toEqual([]);
    clock.advance(1);
    expect(events()).toEqual([{ kind: "delivered", id: 1 }]);
    expect(arrived).toEqual([{ topic: "a", payload: Uint8Array.of(1) }]);
    clock.advance(50);
    expect(events()).toEqual([{ kind: "delivered", id: 2 }]);
  });

  it("brings commands and tariffs as what they are, in the order of sending, as they were when sent", () => {
    const { link, events } = linkOf();
    const bytes = Uint8Array.of(1);
    expect([link.sendTariff(bytes), link.sendCommand(bytes), link.sendTariff(bytes)]).toEqual([
      true,
      true,
      true,
    ]);
    bytes[0] = 2;
    const kinds = events().map((event) => [event.kind, "payload" in event ? event.payload[0] : null]);
    expect(kinds).toEqual([
      ["tariff", 1],
      ["command", 1],
      ["tariff", 1],
    ]);
  });

  it("takes nothing either way during an outage, whose end is not part of it", () => {
    const { clock, link, arrived, events } = linkOf({
      outages: [
        [10, 20],
        [20, 30],
      ],
    });
    const tryBoth = () => [link.publish(1, "a", Uint8Array.of(1)), link.sendCommand(Uint8Array.of(2))];
    clock.advance(9);
    expect(tryBoth()).toEqual([true, true]);
    clock.advance(1);
    expect(tryBoth()).toEqual([false, false]);
    clock.advance(19);
    expect(tryBoth()).toEqual([false, false]);
    clock.advance(1);
    expect(tryBoth()).toEqual([true, true]);
    expect(events().map(({ kind }) => kind)).toEqual(["delivered", "command", "delivered", "command"]);
    expect(arrived.length).toBe(2);
  });

  it("reports messages in flight at the start of an outage lost, of which some have arrived", () => {
    const { clock, link, arrived, events } = linkOf({ latency_ms: 100, outages: [[150, 1000]] });
    for (let id = 0; id < 40; id++) link.publish(id, "a", Uint8Array.of(id));
    clock.advance(100);
    for (let id = 40; id < 64; id++) link.publish(id, "a", Uint8Array.of(id));
    expect(events().filter(({ kind }) => kind === "delivered").length).toBe(40);
    clock.advance(49);
    expect(events()).toEqual([]);
    clock.advance(1);
    expect(events().filter(({ kind }) => kind === "lost").length).toBe(24);
    const ids = arrived.map(({ payload }) => payload[0] ?? 0);
    expect(ids.filter((id) => id < 40).length).toBe(40);
    expect(ids.filter((id) => id >= 40).length).toBeGreaterThan(4);
    expect(ids.filter((id) => id >= 40).length).toBeLessThan(20);
  });

  it("reports every message it took exactly once, and what it calls delivered has arrived", () => {
    const pauses = fc.array(fc.nat(200), { minLength: 1, maxLength: 60 });
    const lengths = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(), pauses, lengths, fc.nat(300), (seed, pauses, lengths, latency_ms) => {
        let at = 50;
        const outages = lengths.map((length): [number, number] => {
          const from_ms = at;
          at += 2 * length;
          return [from_ms, from_ms + length];
        });
        const { clock, link, arrived, events } = linkOf({ latency_ms, outages }, seed);
        const taken: number[] = [];
        const seen: UplinkEvent[] = [];
        pauses.forEach((pause, id) => {
          if (link.publish(id, "a", Uint8Array.of(id))) taken.push(id);
          clock.advance(pause);
          seen.push(...events());
        });
        clock.advance(10_000);
        seen.push(...events());
        const reported = seen.flatMap((event) => ("id" in event ? [event.id] : []));
        expect(reported).toEqual(taken);
        const ids = new Set(arrived.map(({ payload }) => payload[0]));
        expect(ids.size).toBe(arrived.length);
        for (const event of seen) if (event.kind === "delivered") expect(ids.has(event.id)).toBe(true);
      }),
    );
  });

  it("drops a command that an outage would meet on its way", () => {
    const { clock, link, events } = linkOf({ latency_ms: 100, outages: [[50, 60]] });
    expect(link.sendCommand(Uint8Array.of(1))).toBe(false);
    clock.advance(60);
    expect(link.sendCommand(Uint8Array.of(2))).toBe(true);
    clock.advance(100);
    expect(events()).toEqual([{ kind: "command", payload: Uint8Array.of(2) }]);
  });

  it("holds 64 messages and 64 commands", () => {
    const { link, events } = linkOf();
    for (let id = 0; id < 64; id++) {
      expect(link.publish(id, "a", Uint8Array.of(id))).toBe(true);
      expect(link.sendCommand(Uint8Array.of(id))).toBe(true);
    }
    expect(link.publish(64, "a", Uint8Array.of(64))).toBe(false);
    expect(link.sendCommand(Uint8Array.of(64))).toBe(false);
    expect(events().length).toBe(128);
    expect(link.publish(64, "a", Uint8Array.of(64))).toBe(true);
  });

  it("copies what it is given", () => {
    const { link, arrived, events } = linkOf();
    const payload = Uint8Array.of(1);
    link.publish(1, "a", payload);
    link.sendCommand(payload);
    payload[0] = 9;
    expect(events()).toContainEqual({ kind: "command", payload: Uint8Array.of(1) });
    expect(arrived).toEqual([{ topic: "a", payload: Uint8Array.of(1) }]);
  });

  it("lets the head end answer at once", () => {
    const clock = new VirtualClock(0);
    const link: MemoryUplink = new MemoryUplink({
      clock,
      random: new SeededRandom(1),
      deliver: (_topic, payload) => void link.sendCommand(payload),
    });
    link.publish(1, "a", Uint8Array.of(5));
    expect(link.poll()).toEqual({ kind: "delivered", id: 1 });
    expect(link.poll()).toEqual({ kind: "command", payload: Uint8Array.of(5) });
  });

  it("forgets without an event what it held when the meter loses power", () => {
    const { clock, link, arrived, events } = linkOf({ latency_ms: 100 });
    link.publish(0, "a", Uint8Array.of(0));
    link.sendCommand(Uint8Array.of(0));
    clock.advance(100);
    for (let id = 1; id < 40; id++) link.publish(id, "a", Uint8Array.of(id));
    link.restart();
    clock.advance(1000);
    expect(events()).toEqual([]);
    expect(arrived[0]).toEqual({ topic: "a", payload: Uint8Array.of(0) });
    expect(arrived.length).toBeGreaterThan(5);
    expect(arrived.length).toBeLessThan(35);
  });

  it("refuses outages that overlap, run backwards or are out of order", () => {
    for (const outages of [
      [
        [0, 10],
        [5, 20],
      ],
      [[10, 10]],
      [
        [20, 30],
        [0, 10],
      ],
    ] as [number, number][][]) {
      expect(() => linkOf({ outages })).toThrow("assertion failed");
    }
  });
});
