// The board with contacts in the supply: commands that open and arm them, the person who closes them, contacts that do
// not do as they are told, and credit by a tariff that comes over the network. On the firmware's own files.
import { describe, expect, it } from "vitest";
import { type RelayPins, WiredRelay } from "../../host-sim/ecma419/relay.js";
import { BistableRelay } from "../../host-sim/relay.js";
import { CreditSetting } from "../../src/credit/settings.js";
import { topicOf } from "../../src/meter/outbox.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { encodeTariff } from "../../src/tariff/document.js";
import { signTariff } from "../../src/tariff/signed-tariff.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { int, map, tstr } from "../../src/trusted/encoding/cbor.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { HALF_HOUR_S, METER_ID, MIDNIGHT_S, Site } from "./site.js";

const HOUR_S = 3600;
const SELECT = { selectPin: 26 };
const PINS = { relayClosePin: 32, relayOpenPin: 33, relaySensePin: 27, ...SELECT };
/** The unit asks the credit logic 10 s after an answer again, and contacts stay open for 10 s. */
const CLOSED_WITHIN_S = 25;

interface Wired {
  readonly site: Site;
  readonly relay: BistableRelay;
  readonly coils: WiredRelay;
}

/** A board on the wall whose relay came closed from the factory, some minutes after midnight. */
async function wired(config: Readonly<Record<string, unknown>> = PINS, closed = true): Promise<Wired> {
  const site = await Site.open({ config, provisioned: false });
  const pin = (name: string) => Number(config[name] ?? -1);
  const pins: RelayPins = {
    close: pin("relayClosePin"),
    open: pin("relayOpenPin"),
    sense: pin("relaySensePin"),
  };
  const relay = new BistableRelay(closed);
  const coils = new WiredRelay(site.board.pins, pins, relay);
  site.provision();
  site.runUntil(180);
  return { site, relay, coils };
}

/** Lets seconds pass in long turns. */
const pass = (site: Site, seconds: number, ...power_W: readonly number[]) =>
  site.runUntil(site.now_s - MIDNIGHT_S + seconds, ...power_W);

function hold(site: Site, seconds: number): void {
  site.contact("selectPin", true);
  site.board.run(seconds * 1000);
  site.contact("selectPin", false);
  site.run(1);
}

const details = (site: Site, type: number) =>
  site.events.filter((event) => event.type === type).map(({ detail }) => detail);
const switched = (site: Site) => details(site, EventType.LOAD_SWITCH);
const open = { kind: "load-switch", action: "open" } as const;
const arm = { kind: "load-switch", action: "arm" } as const;

describe("contacts in the supply", () => {
  it("are opened by a command, and closed by a person once a command allows it", async () => {
    const { site, relay, coils } = await wired();
    expect(relay.conducting).toBe(true);
    site.order(open);
    site.run(3);
    expect(relay.conducting).toBe(false);
    expect(site.display).toContain("load switch open");
    hold(site, 5);
    pass(site, CLOSED_WITHIN_S);
    expect(relay.conducting).toBe(false);
    site.order(arm);
    pass(site, 30);
    expect(site.display).toEqual(expect.arrayContaining(["load switch ready", "| hold the button to close"]));
    hold(site, 1);
    pass(site, CLOSED_WITHIN_S);
    expect(relay.conducting).toBe(false);
    hold(site, 3);
    pass(site, CLOSED_WITHIN_S);
    expect(relay.conducting).toBe(true);
    expect(site.display).toContain("load switch closed");
    pass(site, 60);
    expect(switched(site)).toEqual([0, 1, 2]);
    expect(details(site, EventType.TAMPER)).toEqual([]);
    expect(coils.fought).toBe(false);
    expect(coils.longest_ms).toBeLessThanOrEqual(60);
    expect(site.board.incidents).toEqual([]);
  });

  it("are not closed by who held the button before it was allowed, nor by one that is stuck through a power cut", async () => {
    const { site, relay } = await wired();
    site.order(open);
    pass(site, 20);
    hold(site, 3);
    pass(site, 20);
    site.contact("selectPin", true);
    pass(site, 20);
    site.order(arm);
    pass(site, 60);
    expect(site.display).toContain("load switch ready");
    site.board.powerDown();
    site.board.powerUp();
    pass(site, 120);
    expect(relay.conducting).toBe(false);
    site.contact("selectPin", false);
    pass(site, 60);
    expect(relay.conducting).toBe(false);
    expect(switched(site)).toEqual([0, 1]);
  });

  it("stay as they were put through a power cut, and are opened again where somebody moved them meanwhile", async () => {
    const { site, relay } = await wired();
    site.order(open);
    pass(site, 20);
    const { operations } = relay;
    site.board.powerDown();
    site.run(10);
    expect(relay.operations).toBe(operations);
    relay.drive(true);
    site.board.powerUp();
    site.run(6);
    expect(relay.conducting).toBe(false);
    pass(site, HOUR_S);
    expect(relay.conducting).toBe(false);
    expect(switched(site)).toEqual([0]);
  });

  it("of a blank board are left alone", async () => {
    for (const closed of [true, false]) {
      const site = await Site.open({ provisioned: false, config: PINS });
      const relay = new BistableRelay(closed);
      new WiredRelay(site.board.pins, { close: 32, open: 33, sense: 27 }, relay);
      pass(site, 120);
      expect([relay.operations, relay.conducting]).toEqual([0, closed]);
    }
  });

  it("that are welded are tamper input 5, flag the readings, and say so on a board without other sensors", async () => {
    const { site, relay } = await wired();
    relay.jam = "welded";
    site.order(open);
    pass(site, 30);
    expect(site.display).toEqual(expect.arrayContaining(["tamper", "| contacts welded"]));
    expect(details(site, EventType.TAMPER)).toEqual([5]);
    const { operations } = relay;
    site.runUntil(2 * HOUR_S + 60, 1000);
    expect(relay.operations - operations).toBeLessThanOrEqual(3);
    const reading = site
      .check()
      .provisional.find(({ interval }) => interval === MIDNIGHT_S / HALF_HOUR_S + 2);
    expect((reading?.status ?? 0) & (Status.TAMPER | 32)).toBe(Status.TAMPER | 32);
  });

  it("that are welded do not hide an open cover", async () => {
    const { site, relay } = await wired({ ...PINS, coverPin: 13 });
    relay.jam = "welded";
    site.order(open);
    pass(site, 30);
    site.contact("coverPin", true);
    site.run(5);
    expect(details(site, EventType.TAMPER)).toEqual([5, 1]);
  });

  it("may be a contactor's with one pin, and nothing need look at them", async () => {
    const { site, relay } = await wired({ relayClosePin: 32, ...SELECT }, false);
    const level = () => site.board.pins.at(32).level;
    expect([level(), relay.conducting]).toEqual([1, true]);
    site.order(open);
    site.run(3);
    expect([level(), relay.conducting]).toEqual([0, false]);
    site.order(arm);
    pass(site, 15);
    hold(site, 3);
    pass(site, CLOSED_WITHIN_S);
    expect(level()).toBe(1);
    site.board.powerDown();
    expect(relay.conducting).toBe(false);
    site.board.powerUp();
    site.run(5);
    expect(relay.conducting).toBe(false);
    pass(site, 20);
    expect(relay.conducting).toBe(true);
    expect(details(site, EventType.TAMPER)).toEqual([]);
  });

  it("that are not there cannot be switched: the command is refused", async () => {
    const site = await Site.open({ config: SELECT });
    site.runUntil(120);
    site.order(open);
    pass(site, 60);
    expect(site.events.map(({ type }) => type)).toContain(EventType.COMMAND_REFUSED);
    expect(switched(site)).toEqual([]);
    expect(site.display.join("\n")).not.toMatch(/load switch/);
    expect(site.board.incidents).toEqual([]);
  });
});

describe("credit", () => {
  /** 1 nano-currency a Wh is a millionth a kWh: here 1.00 a kWh. */
  const payload = encodeTariff({
    name: "Flat",
    currency: "EUR",
    notBefore_s: MIDNIGHT_S - 86_400,
    notAfter_s: MIDNIGHT_S + 30 * 86_400,
    offsets: [{ from_s: MIDNIGHT_S - 86_400, offset_s: 0 }],
    energy: [{ obis: "1-0:1.8.0", policy: { kind: "time-of-use", rate: 1_000_000, bands: [] } }],
    standing: 0,
    levies: [],
    vat_ppm: 0,
  });

  const creditOf = (site: Site) => site.display.find((line) => line.startsWith("| credit "));

  it("is drawn by a tariff that came over the network, and opens the contacts when it is used up", async () => {
    const { site, relay } = await wired();
    site.broker.publish(topicOf(METER_ID, "tariff"), signTariff(payload, site.parties.supplier.seed));
    site.run(5);
    site.order({ kind: "credit-tariff", digest: digest(payload) });
    site.order({ kind: "top-up", amount: 2_000_000 });
    // Last: without credit it would open at once.
    site.order({ kind: "credit-settings", settings: new Map([[CreditSetting.MODE, 1]]) });
    pass(site, 20);
    expect(creditOf(site)).toBe("| credit 2.00 EUR");
    pass(site, HOUR_S / 2, 2000);
    site.board.powerDown();
    site.board.powerUp();
    pass(site, 60);
    const left = Number(/[\d.]+/.exec(creditOf(site) ?? "")?.[0]);
    expect(left).toBeGreaterThanOrEqual(0.97);
    expect(left).toBeLessThanOrEqual(1.01);
    expect(relay.conducting).toBe(true);
    pass(site, HOUR_S, 2000);
    expect(relay.conducting).toBe(false);
    expect(switched(site)).toEqual([0]);
    expect(site.board.incidents).toEqual([]);
  });

  it("is not moved by a tariff that no command names, nor stopped by a command that is malformed", async () => {
    const { site, relay } = await wired();
    site.broker.publish(topicOf(METER_ID, "tariff"), signTariff(payload, site.parties.supplier.seed));
    site.order({ kind: "credit-tariff", digest: digest(Uint8Array.of(1)) });
    // Authentic, and with an order that there is none of.
    const unknown = map(
      [1, tstr(METER_ID)],
      [2, int(1)],
      [3, int(site.now_s + 3600)],
      [4, int(4)],
      [5, int(7)],
    );
    const malformed = signWithKey("command-1", unknown, site.parties.supplier.seed);
    site.broker.publish(topicOf(METER_ID, "command"), malformed);
    pass(site, 120);
    expect(creditOf(site)).toBeUndefined();
    expect([...site.credit.eraseCounts]).toEqual([0, 0, 0, 0]);
    expect(site.events.map(({ type }) => type)).toContain(EventType.COMMAND_REFUSED);
    expect(relay.conducting).toBe(true);
    expect(site.board.incidents).toEqual([]);
  });
});

describe("settings of the supply", () => {
  it.each([
    [{ relayOpenPin: 33, ...SELECT }, "config relayClosePin: a relay has a pin that closes it"],
    [{ relaySensePin: 33 }, "config relayClosePin: a relay has a pin that closes it"],
    [{ relayClosePin: 32 }, "config selectPin: what a relay has opened, a button closes"],
    [
      { relayClosePin: 32, relayOpenPin: 32, ...SELECT },
      "config relayOpenPin: GPIO 32 is relayClosePin already",
    ],
    [{ ...PINS, relaySensePin: 34 }, "config relaySensePin: expected a whole number from -1 to 33"],
    [{ ...PINS, relayOpenPin: 35 }, "config relayOpenPin: GPIO 35: input only"],
    [{ selectPin: 0 }, "config selectPin: GPIO 0 is buttonPin already"],
  ])("that cannot be are refused by name: %o", async (config, why) => {
    const site = await Site.open({ provisioned: false, config });
    site.run(10);
    expect(site.board.incidents[0]).toMatchObject({ what: "chip restarted", why });
  });
});
