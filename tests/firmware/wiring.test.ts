// The firmware's own files on a board: provisioned through the local port, counting pulses, sending over MQTT,
// and what arrives passes the customer's whole check. Nothing below is the simulator's device: firmware/unit.ts
// and firmware/network.ts run as they are built for the chip.
import { describe, expect, it } from "vitest";
import { topicOf } from "../../src/meter/outbox.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { BROKER, BROKER_PORT, HALF_HOUR_S, METER_ID, MIDNIGHT_S, Site } from "./site.js";

const DAY_S = 86_400;
const HOUR_S = 3600;
/** Energy that a power cut may cost, in pulses of a Wh: 0.7e-6 of a metre-hour at 230 V and 100 A, EN 50470-1. */
const LOST_PULSES_MAX = 17;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** What the customer knows of a channel when the check has passed: sealed and not yet sealed, Wh. */
function told_Wh(site: Site, channel: number): number {
  const { totals_Wh, provisional } = site.check();
  return (totals_Wh[channel] ?? 0) + sum(provisional.map(({ readings }) => readings[channel] ?? 0));
}

describe("a board on a wall", () => {
  it("counts a day's pulses to the last, and the customer's check accepts the day", async () => {
    const site = await Site.open();
    site.runUntil(DAY_S + HOUR_S, 2300, 600);
    site.settle();
    expect(site.board.incidents).toEqual([]);
    expect(site.registers_Wh).toEqual(site.pulses);
    const checked = site.check();
    expect(checked.batches.map(({ statement }) => statement.batchNumber)).toEqual([0]);
    expect(checked.gaps).toEqual([]);
    expect(site.board.writtenResources).toEqual([]);
  });

  it("may be an ESP32-C3 with the pins of its manifest, and flash that is not encrypted", async () => {
    const site = await Site.open({ chip: "esp32c3", mode: "plain" });
    site.runUntil(2 * HOUR_S, 2300, 600);
    site.settle();
    expect(site.board.incidents).toEqual([]);
    expect(site.registers_Wh).toEqual(site.pulses);
    expect(site.check().provisional.length).toBe(4);
  });

  it("tells the customer each interval's energy as it was counted", async () => {
    const site = await Site.open();
    site.runUntil(HALF_HOUR_S - 10, 1000);
    site.run(20);
    const before = [...site.pulses];
    site.runUntil(2 * HALF_HOUR_S - 10, 2000, 400);
    const counted = site.pulses.map((pulses, input) => pulses - (before[input] ?? 0));
    site.runUntil(2 * HALF_HOUR_S + 60);
    const { provisional } = site.check();
    expect(provisional.at(-1)).toMatchObject({ interval: MIDNIGHT_S / HALF_HOUR_S + 1, readings: counted });
  });

  it("connects by TLS 1.2 to the broker that it knows, as itself, and keeps its session", async () => {
    const site = await Site.open();
    site.runUntil(300);
    expect(site.board.handshakes).toEqual([
      { serverName: BROKER, protocolVersion: 0x303, port: BROKER_PORT },
    ]);
    expect(site.broker.connects).toEqual([
      {
        kind: "connect",
        id: METER_ID,
        user: METER_ID,
        password: "its password",
        clean: false,
        keepalive_s: 60,
      },
    ]);
    const topics = ["command", "tariff"].map((name) => ({ topic: topicOf(METER_ID, name), QoS: 1 }));
    expect(site.broker.subscriptions(METER_ID)).toEqual(topics);
  });

  it("has its request for the time answered", async () => {
    const site = await Site.open();
    expect(site.display).toContain("time unconfirmed");
    site.runUntil(120);
    expect(site.display.join("\n")).toMatch(/2026-01-01T00:0\d:/);
    expect(site.events.map(({ type }) => type)).toContain(EventType.CLOCK_SET);
  });

  it("blinks, and shows nothing new while nothing changes", async () => {
    const site = await Site.open();
    site.run(120);
    const lines = site.terminal.shown.length;
    const levels = new Set<number | null>();
    for (let second = 0; second < 8; second++) {
      site.run(1);
      levels.add(site.board.pins.at(2).level);
    }
    expect([...levels].sort()).toEqual([0, 1]);
    expect(site.terminal.shown.length).toBe(lines);
  });

  it("measures and sends on a chip so slow that a turn takes a second", async () => {
    const site = await Site.open();
    Object.assign(site.board.pace, { turn_ms: 1000, look_ms: 30 });
    site.run(3 * HOUR_S, 2300, 600);
    Object.assign(site.board.pace, { turn_ms: 1, look_ms: 0 });
    site.settle();
    expect(site.registers_Wh).toEqual(site.pulses);
    expect(site.headEnd.messages("reading").length).toBe(6);
    expect(site.board.incidents).toEqual([]);
  });
});

describe("a power cut", () => {
  it.each([
    5, 300, 4100,
  ])("in the middle of the flash's work, after %i bytes, loses no reading and less energy than the standard allows", async (bytes) => {
    const site = await Site.open({ seed: 1 + bytes });
    site.runUntil(HOUR_S, 3000, 1000);
    site.journal.cutAfter(bytes);
    for (let minute = 0; minute < 120 && site.board.powered; minute++) site.run(60, 3000, 1000);
    expect(site.board.incidents.map(({ what }) => what)).toEqual(["power failed"]);
    site.board.powerUp();
    site.settle();
    const lost = site.registers_Wh.map((register_Wh, input) => (site.pulses[input] ?? 0) - register_Wh);
    expect(Math.min(...lost)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lost)).toBeLessThanOrEqual(LOST_PULSES_MAX);
    site.runUntil(DAY_S + HOUR_S, 1000);
    site.settle();
    const shown = site.registers_Wh;
    expect(shown.map((register_Wh, input) => (site.pulses[input] ?? 0) - register_Wh)).toEqual(lost);
    const types = site.events.map(({ type }) => type);
    expect(types.filter((type) => type === EventType.POWER_DOWN).length).toBe(2);
    const { batches, gaps } = site.check();
    expect(batches.length).toBe(1 + gaps.length);
    expect(gaps.length).toBeLessThanOrEqual(1);
    expect(told_Wh(site, 0)).toBeLessThanOrEqual(shown[0] ?? 0);
    expect(site.board.writtenResources).toEqual([]);
  });

  it("while keys are saved leaves the old set or the new one", async () => {
    for (const bytes of [100, 4200, 12_400]) {
      const site = await Site.open({ seed: 1 + bytes });
      site.runUntil(120);
      site.press();
      site.run(1);
      expect(site.askToPair(site.parties.customer.user)).toBe("ok");
      site.secrets.cutAfter(bytes);
      site.press();
      site.run(30);
      if (!site.board.powered) site.board.powerUp();
      site.runUntil(2 * HOUR_S, 1000);
      expect(site.board.incidents.length).toBeLessThanOrEqual(1);
      expect(site.check().provisional.length).toBeGreaterThan(0);
    }
  });
});

describe("the network", () => {
  it("may be away for hours: measuring goes on, and everything arrives afterwards", async () => {
    const site = await Site.open();
    site.runUntil(2 * HOUR_S, 2300, 600);
    const before = site.headEnd.messages("reading").length;
    site.board.internet.setUp(false);
    site.runUntil(9 * HOUR_S, 2300, 600);
    site.settle();
    expect(site.headEnd.messages("reading").length).toBe(before);
    expect(site.registers_Wh).toEqual(site.pulses);
    site.board.internet.setUp(true);
    site.runUntil(10 * HOUR_S + 300, 2300, 600);
    expect(site.headEnd.messages("reading").length).toBe(20);
    expect(site.board.incidents).toEqual([]);
    expect(told_Wh(site, 0)).toBeGreaterThan(0);
  });

  it("may come back with messages in flight: none is missing and what came twice is the same", async () => {
    const site = await Site.open();
    for (let hour = 1; hour <= 6; hour++) {
      site.broker.withholdsAcknowledgements = hour % 2 === 0;
      site.runUntil(hour * HOUR_S, 2300, 600);
      site.broker.dropAll();
    }
    site.broker.withholdsAcknowledgements = false;
    site.runUntil(7 * HOUR_S + 300, 2300, 600);
    expect(site.headEnd.messages("reading").length).toBe(14);
    expect(site.headEnd.duplicates).toBeGreaterThan(0);
    expect(site.board.incidents).toEqual([]);
    site.check();
  });

  it("may refuse the meter for hours, and the meter does not give up", async () => {
    const site = await Site.open();
    site.runUntil(60);
    site.broker.rejectsAll = true;
    site.broker.dropAll();
    site.runUntil(5 * HOUR_S, 1000);
    expect(site.broker.connects.length).toBeLessThan(100);
    site.broker.rejectsAll = false;
    site.runUntil(6 * HOUR_S + 300, 1000);
    expect(site.headEnd.messages("reading").length).toBe(12);
  });

  it("may send commands of any length: none does harm, and an empty one, which stops the client, not for long", async () => {
    const site = await Site.open();
    site.runUntil(300, 1000);
    const command = topicOf(METER_ID, "command");
    for (const length of [1, 199, 200, 201, 599, 600, 601, 5000]) {
      site.broker.publish(command, new Uint8Array(length).fill(0x81));
    }
    site.run(10);
    expect(site.display).toContain("6 messages refused");
    site.broker.publish(command, new Uint8Array(0));
    site.runUntil(2 * HOUR_S + 60, 1000);
    expect(site.broker.connects.length).toBeLessThan(5);
    expect(site.headEnd.messages("reading").length).toBe(4);
    expect(site.board.incidents).toEqual([]);
  });

  it("may send tariffs of any length: none is taken for a command, and none does harm", async () => {
    const site = await Site.open();
    site.runUntil(300, 1000);
    const tariff = topicOf(METER_ID, "tariff");
    for (const length of [1, 600, 3999, 4000, 4001, 20_000]) {
      site.broker.publish(tariff, new Uint8Array(length).fill(0x81));
    }
    site.run(20);
    expect(site.display.join("\n")).not.toContain("refused");
    site.runUntil(HOUR_S + 60, 1000);
    expect(site.headEnd.messages("reading").length).toBe(2);
    expect(site.broker.connects.length).toBe(1);
    expect(site.board.incidents).toEqual([]);
  });

  it("is not trusted when its certificate is of an unknown authority or out of date", async () => {
    for (const identity of [{ authority: Uint8Array.of(1) }, { notAfter_ms: (MIDNIGHT_S - HOUR_S) * 1000 }]) {
      const site = await Site.open({ provisioned: false });
      Object.assign(site.broker.identity, identity);
      site.provision();
      site.runUntil(HOUR_S, 1000);
      site.settle();
      expect(site.broker.connects).toEqual([]);
      expect(site.board.handshakes).toEqual([]);
      expect(site.registers_Wh).toEqual(site.pulses);
    }
  });

  it("need not tell the time: then the image's date judges certificates", async () => {
    const site = await Site.open({ config: { timeServer: "" } });
    site.runUntil(HOUR_S + 60, 1000);
    expect(site.headEnd.messages("reading").length).toBe(2);
  });

  it("may lack a time server that answers", async () => {
    const site = await Site.open({ config: { timeServer: "nowhere.example" } });
    site.runUntil(HOUR_S + 60, 1000);
    expect(site.headEnd.messages("reading").length).toBe(2);
  });

  it("need not be there at all", async () => {
    const site = await Site.open({ config: { ssid: "" } });
    site.runUntil(2 * HOUR_S, 2300, 600);
    site.settle();
    expect(site.registers_Wh).toEqual(site.pulses);
    expect(site.display).toContain("time unconfirmed");
    expect(site.board.incidents).toEqual([]);
  });
});
