// Pre-payment and load switch beside the real unit, through its port: what is ordered, what flows, who closes, and
// what of it can be seen from outside.
import { describe, expect, it, vi } from "vitest";
import { Level } from "../../src/credit/account.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { bstr, int } from "../../src/trusted/encoding/cbor.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { DAY_S, HALF_HOUR_S } from "../bench-meter.js";
import {
  blocksOf,
  DAY_AND_NIGHT,
  digestOf,
  euros,
  FULL,
  IMPORT,
  settings,
  sign,
  tariffOrder,
} from "./kit.js";

import { prepaid } from "./prepaid-meter.js";

vi.mock("../../src/trusted/sealing/self-test.js", async (original) => {
  const { quickSelfTest } = await import("../quick.js");
  return quickSelfTest(await original());
});

const ENERGY = { kind: "energy", obis: IMPORT, during: [] } as const;
const HOUR_S = 3600;
const EURO = 1_000_000_000n;

describe("credit that runs out", () => {
  it("opens the switch within the interval, and a top-up arms it, and a person closes it", () => {
    const meter = prepaid();
    meter.begin(DAY_AND_NIGHT, 1);
    meter.pass(60);
    expect(meter.companion.lines()).toEqual(["credit 1.00 EUR"]);
    // 20 kW at 0.20 a kWh: 15 minutes.
    meter.pass(14 * 60, [20_000], 60);
    expect([meter.relay.conducting, meter.account.level]).toEqual([true, Level.LOW - 1]);
    meter.pass(120, [20_000], 60);
    expect([meter.relay.conducting, meter.account.level]).toEqual([false, Level.USED_UP]);
    expect(meter.eventsOf(EventType.LOAD_SWITCH)).toEqual([0]);
    meter.hold();
    expect(meter.relay.conducting).toBe(false);
    expect(meter.order(5, euros(2))).toBe(true);
    meter.pass(60);
    expect(meter.companion.lines()).toContain("hold the button to close");
    expect(meter.relay.conducting).toBe(false);
    meter.hold();
    meter.pass(15, [], 15);
    expect(meter.relay.conducting).toBe(true);
    expect(meter.eventsOf(EventType.LOAD_SWITCH)).toEqual([0, 1, 2]);
    meter.passUntil(3 * HALF_HOUR_S);
    expect(meter.readings.map(({ status }) => status & Status.SWITCH_OPEN)).toEqual([0, 32, 0]);
  });

  it("takes emergency credit first, and does not close again before that is paid back", () => {
    const meter = prepaid();
    meter.begin(DAY_AND_NIGHT, 1, { 3: 1_000, 2: 500 });
    meter.pass(11 * 60, [20_000], 60);
    expect(meter.companion.lines()).toContain("credit is low");
    meter.pass(10 * 60, [20_000], 60);
    expect(meter.companion.lines()).toContain("emergency credit of 1.00 in use");
    expect(meter.relay.conducting).toBe(true);
    meter.pass(15 * 60, [20_000], 60);
    expect(meter.companion.lines()).toContain("credit is used up");
    expect(meter.relay.conducting).toBe(false);
    meter.order(5, euros(0.5));
    meter.passUntil(4 * HALF_HOUR_S);
    meter.hold();
    expect([meter.relay.conducting, meter.account.level]).toEqual([false, Level.USED_UP]);
    meter.order(5, euros(2));
    meter.pass(60);
    meter.hold();
    meter.pass(15, [], 15);
    expect(meter.relay.conducting).toBe(true);
  });

  it("does not open it in a protected time, and does when that ends", () => {
    const meter = prepaid();
    // Protected until 04:00 on the wall, 02:00 UTC.
    meter.begin(DAY_AND_NIGHT, 1, { 6: 64, 7: 16 });
    meter.passUntil(2 * HOUR_S - 60, [20_000]);
    expect([meter.relay.conducting, meter.account.level]).toEqual([true, Level.USED_UP]);
    meter.pass(120, [20_000], 60);
    expect(meter.relay.conducting).toBe(false);
    expect(meter.companion.lines()[0]).toMatch(/^credit -\d+\.\d\d EUR$/);
  });

  it("is told of by one event at the day's end, without an amount", () => {
    const meter = prepaid();
    meter.begin(DAY_AND_NIGHT, 1, { 2: 900, 3: 500 });
    meter.passUntil(DAY_S - 60, [20_000]);
    expect(meter.eventsOf(EventType.CREDIT)).toEqual([]);
    meter.passUntil(DAY_S + 60);
    expect(meter.eventsOf(EventType.CREDIT)).toEqual([null]);
    meter.passUntil(2 * DAY_S + 60);
    expect(meter.eventsOf(EventType.CREDIT)).toEqual([null]);
    meter.check();
  });
});

describe("who blocks the network and cycles the power", () => {
  it("pays at the highest price, is cut off when credit is used up, and is charged right once the time is known", () => {
    const meter = prepaid();
    meter.begin(DAY_AND_NIGHT, 3);
    const paid = () => meter.account.settled - (meter.account.energy as bigint);
    for (let cycle = 0; cycle < 12; cycle++) {
      meter.boot();
      meter.pass(300, [10_000], 60);
    }
    // 12 times 833 Wh at 0.30 are 3 euros, at 0.20 they would be 2.
    expect(meter.companion.lines()[0]).toMatch(/^credit (-0\.|0\.0)/);
    for (let cycle = 0; cycle < 2; cycle++) {
      meter.boot();
      meter.pass(300, [10_000], 60);
    }
    expect(meter.relay.conducting).toBe(false);
    expect(paid()).toBe(3n * EURO);
    meter.clock.advance(HALF_HOUR_S * 1000);
    meter.confirm();
    meter.pass(60);
    // It is 03:25 on the wall: 14 times 833 Wh at 0.20 leave 0.67.
    expect(meter.companion.lines()[0]).toBe("credit 0.66 EUR");
    expect(meter.companion.lines()).toContain("hold the button to close");
    meter.hold();
    meter.passUntil(6 * HALF_HOUR_S);
    const sum_Wh = meter.readings.slice(1).reduce((sum, { readings }) => sum + (readings[0] ?? 0), 0);
    expect(paid()).toBe(3n * EURO - BigInt(sum_Wh) * 200_000n);
    expect(meter.relay.conducting).toBe(true);
  });
});

describe("orders", () => {
  it("open and arm the switch, and nothing remote closes it", () => {
    const meter = prepaid();
    expect(meter.order(4, int(0))).toBe(true);
    meter.pass(15, [], 15);
    expect([meter.relay.conducting, meter.companion.lines()]).toEqual([false, ["switched off by order"]]);
    meter.hold();
    expect(meter.relay.conducting).toBe(false);
    expect(meter.order(4, int(1))).toBe(true);
    meter.passUntil(2 * HALF_HOUR_S);
    expect([meter.relay.conducting, meter.companion.lines()]).toEqual([false, ["hold the button to close"]]);
    meter.hold();
    meter.pass(15, [], 15);
    expect(meter.relay.conducting).toBe(true);
    expect(meter.eventsOf(EventType.LOAD_SWITCH)).toEqual([0, 1, 2]);
    expect(meter.order(4, int(1))).toBe(true);
    expect(meter.stored.state.loadSwitch).toBe(2);
  });

  it("survive a power cut: the contacts are put where the durable state is, closed after a while", () => {
    const meter = prepaid();
    meter.order(4, int(0));
    meter.pass(15, [], 15);
    meter.boot();
    meter.relay.drive(true);
    meter.pass(15, [], 15);
    expect(meter.relay.conducting).toBe(false);
  });

  it("of a tariff need its bytes, once a day, within its validity, of a kind that credit can be drawn by", () => {
    const meter = prepaid();
    const { companion } = meter;
    expect(meter.order(6, tariffOrder(FULL))).toBe(false);
    expect(companion.offer(Uint8Array.of(1, 2, 3))).toBe(false);
    const charge = { kind: "max", parts: [blocksOf(ENERGY), blocksOf(ENERGY)] } as const;
    const undrawable = { ...FULL, charge };
    expect(companion.offer(sign(undrawable))).toBe(true);
    expect(meter.order(6, tariffOrder(undrawable))).toBe(false);
    const expired = { ...FULL, notAfter_s: FULL.notBefore_s + DAY_S };
    expect(companion.offer(sign(expired))).toBe(true);
    expect(meter.order(6, tariffOrder(expired))).toBe(false);
    expect(companion.offer(sign(FULL))).toBe(true);
    expect(meter.order(6, bstr(digestOf(DAY_AND_NIGHT)))).toBe(false);
    expect(meter.order(6, tariffOrder(FULL))).toBe(true);
    expect(companion.offer(sign(DAY_AND_NIGHT))).toBe(true);
    expect(meter.order(6, tariffOrder(DAY_AND_NIGHT))).toBe(false);
    meter.passUntil(DAY_S + 60);
    expect(meter.order(6, tariffOrder(DAY_AND_NIGHT))).toBe(true);
    expect(meter.account.tariffId).toEqual(digestOf(DAY_AND_NIGHT).slice(0, 6));
  });

  it("of a tariff that cannot be stored are refused, and the one before stays in force", () => {
    const meter = prepaid();
    meter.begin(DAY_AND_NIGHT, 5);
    meter.passUntil(DAY_S + 60);
    const before = meter.account.tariffId;
    vi.spyOn(meter.supply.tariffs, "save").mockReturnValue(false);
    expect(meter.companion.offer(sign(FULL))).toBe(true);
    expect(meter.order(6, tariffOrder(FULL))).toBe(false);
    expect(meter.account.tariffId).toEqual(before);
  });

  it("that are malformed, or of settings without a tariff, change nothing", () => {
    const meter = prepaid();
    const before = meter.stored.state.companion;
    for (const [kind, argument] of [
      [4, int(2)],
      [5, bstr(new Uint8Array(1))],
      [6, int(1)],
      [7, settings({ 1: 1 })],
    ] as const)
      expect(meter.order(kind, argument)).toBe(false);
    expect(meter.stored.state.companion).toEqual(before);
  });
});

describe("the tariff", () => {
  it("is found again after a power cut, and a lost one costs the highest price until it is handed in again", () => {
    const meter = prepaid();
    meter.begin(DAY_AND_NIGHT, 5);
    meter.passUntil(2 * HALF_HOUR_S, [2000]);
    meter.boot();
    meter.confirm();
    meter.passUntil(3 * HALF_HOUR_S, [2000]);
    expect(meter.companion.lines()[0]).toBe("credit 4.60 EUR");
    for (const slot of [0, 1] as const) meter.supply.tariffs.save(slot, Uint8Array.of(1));
    meter.boot();
    meter.confirm();
    meter.passUntil(4 * HALF_HOUR_S, [2000]);
    expect(meter.companion.lines()).toEqual(["credit 4.30", "tariff lost: highest price"]);
    expect(meter.companion.offer(sign(FULL))).toBe(true);
    expect(meter.companion.lines()).toContain("tariff lost: highest price");
    expect(meter.companion.offer(sign(DAY_AND_NIGHT))).toBe(true);
    meter.passUntil(5 * HALF_HOUR_S, [2000]);
    expect(meter.companion.lines()).toEqual(["credit 4.10 EUR"]);
    meter.boot();
    expect(meter.companion.lines()).toEqual(["credit 4.10 EUR", "time unknown: highest price"]);
  });
});

describe("contacts that weld", () => {
  it("are a tamper input: an event and a flag of the interval, and energy is measured on", () => {
    const meter = prepaid();
    meter.relay.jam = "welded";
    meter.order(4, int(0));
    meter.passUntil(2 * HALF_HOUR_S, [1000], 10);
    expect(meter.eventsOf(EventType.TAMPER)).toEqual([5]);
    expect(meter.companion.lines()).toContain("contacts welded");
    const last = meter.readings.at(-1);
    expect(last?.status).toBe(Status.SWITCH_OPEN | Status.TAMPER);
    expect(last?.readings[0]).toBeGreaterThan(0);
  });
});

describe("debt", () => {
  it("is collected day by day and shown", () => {
    const meter = prepaid();
    meter.begin(DAY_AND_NIGHT, 10, { 4: 1_500, 5: 1_000 });
    meter.pass(60);
    expect(meter.companion.lines()).toEqual(["credit 10.00 EUR", "debt 1.50, 1.00 a day"]);
    meter.passUntil(DAY_S + 60);
    expect(meter.companion.lines()).toEqual(["credit 9.00 EUR", "debt 0.50, 1.00 a day"]);
    meter.passUntil(2 * DAY_S + 60);
    expect(meter.companion.lines()).toEqual(["credit 8.50 EUR"]);
  });
});
