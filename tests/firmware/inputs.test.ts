// Sensors of the case and the mains at the board's pins, on the firmware's own files: what the unit makes of a
// contact that somebody closes, and what of one that bounces or chatters.
import { describe, expect, it } from "vitest";
import { EventType } from "../../src/trusted/authority/events.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { HALF_HOUR_S, MIDNIGHT_S, Site } from "./site.js";

const HOUR_S = 3600;
const PINS = { coverPin: 13, magnetPin: 14, reversedPin: 25, voltagePin: 26, mainsFailPin: 27 };
const SENSORS = ["coverPin", "magnetPin", "reversedPin", "voltagePin"];

const eventsOf = (site: Site, type: number) => site.events.filter((event) => event.type === type);
const tampers = (site: Site) => eventsOf(site, EventType.TAMPER).map(({ detail }) => detail);
/** Of the interval so many after the first midnight, as the customer reads it. */
const statusOf = (site: Site, number: number) =>
  site.check().provisional.find(({ interval }) => interval === MIDNIGHT_S / HALF_HOUR_S + number)?.status;

describe("a sensor of the case", () => {
  it("that is closed when the cover is opened is an event and flags the reading that arrives", async () => {
    const site = await Site.open({ config: PINS });
    site.runUntil(HOUR_S, 1000);
    site.run(60, 1000);
    site.contact("coverPin", true);
    site.run(5, 1000);
    expect(site.display).toContain("tamper");
    site.contact("coverPin", false);
    site.run(5, 1000);
    expect(site.display).not.toContain("tamper");
    site.runUntil(2 * HOUR_S + 60, 1000);
    expect(tampers(site)).toEqual([1]);
    expect((statusOf(site, 2) ?? 0) & Status.TAMPER).toBe(Status.TAMPER);
    expect((statusOf(site, 3) ?? 0) & Status.TAMPER).toBe(0);
    expect(site.board.incidents).toEqual([]);
  });

  it("has its number: cover, magnet, reversed current, missing voltage", async () => {
    const site = await Site.open({ config: PINS });
    site.runUntil(HOUR_S);
    for (const sensor of SENSORS) {
      site.contact(sensor, true);
      site.run(2);
    }
    site.runUntil(2 * HOUR_S);
    expect(tampers(site)).toEqual([1, 2, 3, 4]);
  });

  it("that bounces or is touched for a moment says nothing", async () => {
    const site = await Site.open({ config: PINS });
    site.runUntil(HOUR_S);
    for (let bounce = 0; bounce < 100; bounce++) {
      site.contact("coverPin", bounce % 2 === 0);
      site.board.run(40);
    }
    site.contact("coverPin", false);
    site.runUntil(2 * HOUR_S + 60);
    expect(tampers(site)).toEqual([]);
    expect(statusOf(site, 2)).toBe(0);
  });

  it("that is active since before power-up is told after it", async () => {
    const site = await Site.open({ config: PINS });
    site.runUntil(HOUR_S);
    site.board.powerDown();
    site.contact("magnetPin", true);
    site.board.powerUp();
    site.runUntil(2 * HOUR_S);
    expect(tampers(site)).toEqual([2]);
  });

  it("without a pin is never active", async () => {
    const site = await Site.open({ config: { coverPin: 13 } });
    site.runUntil(HOUR_S);
    for (const pin of [14, 25, 26, 27]) site.board.pins.ground(pin, true);
    site.run(10);
    expect(site.display).not.toContain("tamper");
    expect(site.board.incidents).toEqual([]);
  });
});

describe("the mains", () => {
  /** From the first sign to the end of the supply. */
  const WARNING_MS = 40;
  /** Pulses that a power cut costs, with a sensor that gives the sign or without. */
  async function lost(warned: boolean): Promise<number> {
    const site = await Site.open({ config: PINS });
    site.runUntil(HOUR_S + 20, 1000);
    site.run(1);
    if (warned) site.contact("mainsFailPin", true);
    site.board.run(WARNING_MS);
    site.board.powerDown();
    site.contact("mainsFailPin", false);
    site.board.powerUp();
    site.settle();
    return (site.pulses[0] ?? 0) - (site.registers_Wh[0] ?? 0);
  }

  it("failing make the state durable at once: the cut that follows 40 ms later costs no pulse", async () => {
    expect(await lost(true)).toBe(0);
    expect(await lost(false)).toBeGreaterThan(0);
  });

  it("that only flicker are two events, and the unit works on ten seconds after they are back", async () => {
    const site = await Site.open({ config: PINS });
    site.runUntil(HOUR_S, 1000);
    const before = site.events.length;
    for (let flicker = 0; flicker < 200; flicker++) {
      site.contact("mainsFailPin", flicker % 2 === 0);
      site.board.run(30);
    }
    site.contact("mainsFailPin", false);
    site.runUntil(2 * HOUR_S + 60, 1000);
    const types = site.events.slice(before).map(({ type }) => type);
    expect(types).toEqual([EventType.POWER_DOWN, EventType.POWER_UP]);
    expect((statusOf(site, 2) ?? 0) & Status.POWER_LOST).toBe(Status.POWER_LOST);
    expect(site.headEnd.messages("reading").length).toBe(4);
  });

  it("that chatter for an hour wear the flash less than five erases a sector in it", async () => {
    const site = await Site.open({ config: PINS });
    site.runUntil(HOUR_S);
    const before = [...site.journal.eraseCounts];
    for (let second = 0; second < HOUR_S; second += 13) {
      site.contact("mainsFailPin", true);
      site.run(1);
      site.contact("mainsFailPin", false);
      site.run(12);
    }
    const worn = site.journal.eraseCounts.map((erases, sector) => erases - (before[sector] ?? 0));
    expect(Math.max(...worn)).toBeLessThan(5);
  });
});

describe("a pin in the configuration", () => {
  it.each([
    [{ coverPin: 34 }, "config coverPin: expected a whole number from -1 to 33"],
    [{ coverPin: "" }, "config coverPin: expected a whole number from -1 to 33"],
    [{ magnetPin: 4 }, "config magnetPin: GPIO 4 is importPin already"],
    [{ coverPin: 13, mainsFailPin: 13 }, "config mainsFailPin: GPIO 13 is coverPin already"],
    [{ reversedPin: 3 }, "config reversedPin: GPIO 3 is localReceivePin already"],
    [{ voltagePin: 6 }, "config voltagePin: GPIO 6 is the flash's"],
    [{ voltagePin: 24 }, "config voltagePin: GPIO 24: invalid pin"],
  ])("that cannot be, %o, is an error at boot with its name", async (config, why) => {
    const site = await Site.open({ provisioned: false, config });
    expect(site.display).toEqual([`stopped: ${why}`]);
    site.run(10);
    expect(site.board.incidents[0]).toMatchObject({ what: "chip restarted", why });
  });

  it("of the ESP32-C3 is its own: GPIO 6 is free there, and 12 is the flash's", async () => {
    const free = await Site.open({ chip: "esp32c3", provisioned: false, config: { coverPin: 6 } });
    expect(free.display).toEqual(["not provisioned"]);
    const flash = await Site.open({ chip: "esp32c3", provisioned: false, config: { coverPin: 12 } });
    expect(flash.display).toEqual(["stopped: config coverPin: GPIO 12 is the flash's"]);
  });
});
