// Pairing at the local port: who may ask and when, and what becomes of the old customer's key.
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { PowerCut } from "../../host-sim/flash.js";
import type { SaveStage } from "../../host-sim/ports.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { CUSTOMER_KEYS_MAX, decodeSecrets } from "../../src/trusted/authority/secrets.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { Journal } from "../../src/trusted/journal/journal.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { BenchMeter, DAY_S, HALF_HOUR_S, MIDNIGHT_S } from "../bench-meter.js";
import vectors from "../vectors/rfc9496-ristretto255.json" with { type: "json" };

const FIRST = MIDNIGHT_S / HALF_HOUR_S;

function confirmedMeter(): BenchMeter {
  const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] } });
  meter.confirm();
  meter.passUntil(HALF_HOUR_S, [1000]);
  return meter;
}

const requestOf = (meter: BenchMeter) => array(int(4), bstr(meter.parties.customer.user));
const promptOf = (meter: BenchMeter) =>
  meter.unit.display(meter.uptime_ms).find((line) => line.startsWith("pair with"));
const press = (meter: BenchMeter) => {
  meter.button.press();
  meter.run();
};
const pairingsOf = (meter: BenchMeter) =>
  meter.eventTypes.filter((type) => type === EventType.PAIRING).length - 1;
const epochsIn = (meter: BenchMeter) =>
  decodeSecrets(meter.secrets.load() ?? new Uint8Array(0)).customers.map(({ epoch }) => epoch);

/** Pulls the plug until this time after midnight, s, and confirms the time again. */
function darkUntil(meter: BenchMeter, after_s: number): void {
  meter.clock.advance((MIDNIGHT_S + after_s - meter.now_s) * 1000);
  meter.boot();
  meter.confirm();
}

describe("the local port", () => {
  it("is closed until the button is pressed, and open for 120 s", () => {
    const meter = confirmedMeter();
    expect(meter.unit.receiveLocal(requestOf(meter))).toBe(false);
    press(meter);
    meter.pass(121);
    expect(meter.unit.receiveLocal(requestOf(meter))).toBe(false);
    press(meter);
    meter.pass(120);
    expect(meter.unit.receiveLocal(requestOf(meter))).toBe(true);
  });

  it("takes one request a window, shows H(U) of it, and pairs at the second press", () => {
    const meter = confirmedMeter();
    press(meter);
    expect(promptOf(meter)).toBeUndefined();
    expect(meter.unit.receiveLocal(requestOf(meter))).toBe(true);
    const { user } = new BenchMeter({ seed: 2, provisioned: false }).parties.customer;
    expect(meter.unit.receiveLocal(array(int(4), bstr(user)))).toBe(false);
    const shown = bytesToHex(digest(meter.parties.customer.user).slice(0, 8));
    expect(promptOf(meter)).toBe(`pair with ${shown}? press again`);
    expect(pairingsOf(meter)).toBe(0);
    press(meter);
    expect([pairingsOf(meter), promptOf(meter)]).toEqual([1, undefined]);
    expect(meter.unit.receiveLocal(requestOf(meter))).toBe(false);
    expect(meter.kept(5).length).toBe(2);
    expect(meter.events.at(-1)?.time_s).toBe(MIDNIGHT_S + HALF_HOUR_S);
  });

  it("forgets a request that is not confirmed within the window", () => {
    const meter = confirmedMeter();
    press(meter);
    meter.unit.receiveLocal(requestOf(meter));
    meter.pass(121);
    expect(promptOf(meter)).toBeUndefined();
    press(meter);
    expect(pairingsOf(meter)).toBe(0);
  });

  it.each([
    ["another action", (user: Uint8Array) => array(int(3), bstr(user))],
    ["a short U", (user: Uint8Array) => array(int(4), bstr(user.slice(1)))],
    ["more than it asks for", (user: Uint8Array) => Uint8Array.of(...array(int(4), bstr(user)), 0)],
    ["junk", () => new Uint8Array(100_000)],
  ])("refuses %s and stays open for a proper request", (_, request) => {
    const meter = confirmedMeter();
    press(meter);
    expect(meter.unit.receiveLocal(request(meter.parties.customer.user))).toBe(false);
    expect(meter.unit.display(meter.uptime_ms)).toContain("1 messages refused");
    expect(meter.unit.receiveLocal(requestOf(meter))).toBe(true);
  });

  it.each([
    ["is not canonical", new Uint8Array(32).fill(0xff)],
    ["is the identity", new Uint8Array(32)],
    ["has no point", hexToBytes(vectors.invalid[20] ?? "")],
  ])("refuses a U that %s, at the second press", (_, user) => {
    const meter = confirmedMeter();
    meter.pair(user);
    expect(pairingsOf(meter)).toBe(0);
    expect(epochsIn(meter)).toEqual([0]);
    expect(meter.unit.display(meter.uptime_ms)).toContain("1 messages refused");
    meter.pair();
    expect(pairingsOf(meter)).toBe(1);
  });

  it("does not pair while the time is unconfirmed", () => {
    const meter = confirmedMeter();
    meter.boot();
    meter.pair();
    meter.confirm();
    expect([pairingsOf(meter), epochsIn(meter)]).toEqual([0, [0]]);
  });
});

describe("a new epoch", () => {
  it("begins with the next interval: the open one belongs wholly to the old", () => {
    const meter = confirmedMeter();
    meter.pass(600, [1000]);
    meter.pair();
    meter.passUntil(DAY_S + 60, [1000]);
    expect(meter.readings.map(({ epoch }) => epoch)).toEqual([0, 0, ...new Array<number>(46).fill(1)]);
    expect(meter.readings.slice(1).every(({ readings }) => Math.abs((readings[0] ?? 0) - 500) <= 1)).toBe(
      true,
    );
    expect(meter.batches).toMatchObject([
      { epoch: 0, firstInterval: FIRST, intervalCount: 2 },
      { epoch: 1, firstInterval: FIRST + 2, intervalCount: 46 },
    ]);
    const [old, fresh] = [meter.check(0), meter.check(1)];
    expect(fresh.pairing.firstInterval).toBe(FIRST + 2);
    expect((old.totals_Wh[0] ?? 0) + (fresh.totals_Wh[0] ?? 0)).toBe(meter.total_Wh());
  });

  it("comes at most once an interval", () => {
    const meter = confirmedMeter();
    meter.pair();
    meter.pair();
    expect(pairingsOf(meter)).toBe(1);
    meter.passUntil(2 * HALF_HOUR_S);
    meter.pair();
    expect(pairingsOf(meter)).toBe(2);
    meter.passUntil(DAY_S + 60);
    for (const epoch of [0, 1, 2]) meter.check(epoch);
  });

  it("comes at most eight times while their keys live", () => {
    const meter = confirmedMeter();
    for (let interval = 2; interval <= 10; interval++) {
      meter.pair();
      meter.passUntil(interval * HALF_HOUR_S);
    }
    expect(epochsIn(meter).length).toBe(CUSTOMER_KEYS_MAX);
    expect(pairingsOf(meter)).toBe(CUSTOMER_KEYS_MAX - 1);
    darkUntil(meter, 9 * DAY_S);
    meter.pass(HALF_HOUR_S);
    darkUntil(meter, 10 * DAY_S);
    expect(epochsIn(meter)).toEqual([7]);
    meter.pair();
    expect(epochsIn(meter)).toEqual([7, 8]);
    meter.check(0);
  });

  it("comes at most eight times a day, and never after number 65,535", () => {
    const meter = confirmedMeter();
    meter.pass(600, [1000]);
    const journal = new Journal(meter.flash);
    journal.recover();
    journal.state.eventCounts[EventType.PAIRING - 1] = 8;
    journal.writeState();
    meter.boot();
    meter.confirm();
    meter.pair();
    expect(epochsIn(meter)).toEqual([0]);
    const ended = new Journal(meter.flash);
    ended.recover();
    ended.state.eventCounts[EventType.PAIRING - 1] = 0;
    ended.state.epoch = 0xffff;
    ended.writeState();
    meter.boot();
    meter.confirm();
    meter.pair();
    expect(epochsIn(meter)).toEqual([0]);
  });
});

describe("the old customer's key", () => {
  it("is erased eight days after its last interval, not before, and goes for good", () => {
    const meter = confirmedMeter();
    meter.pair();
    meter.pass(HALF_HOUR_S);
    // Its last interval ends at 01:00 of the first day, and days are looked at as they begin.
    for (const day of [1, 8]) {
      darkUntil(meter, day * DAY_S + 60);
      meter.pass(HALF_HOUR_S);
      expect(epochsIn(meter)).toEqual([0, 1]);
    }
    meter.passUntil(9 * DAY_S - 1, [1000], HALF_HOUR_S);
    expect(epochsIn(meter)).toEqual([0, 1]);
    meter.passUntil(9 * DAY_S);
    expect(epochsIn(meter)).toEqual([1]);
    meter.boot();
    meter.confirm();
    expect(epochsIn(meter)).toEqual([1]);
    meter.pass(HALF_HOUR_S);
    meter.check(0);
    meter.check(1);
  });

  it("is kept while its last batch is not sealed, however long that takes", () => {
    const meter = confirmedMeter();
    meter.passUntil(2 * HALF_HOUR_S - 300, [1000]);
    meter.pair();
    meter.pass(240, [1000]);
    // Dark for twenty days, with an interval of epoch 0 neither closed nor sealed.
    darkUntil(meter, 20 * DAY_S);
    expect(epochsIn(meter)).toEqual([0, 1]);
    meter.pass(2 * HALF_HOUR_S, [1000], HALF_HOUR_S);
    darkUntil(meter, 21 * DAY_S);
    meter.pass(2 * HALF_HOUR_S, [1000], HALF_HOUR_S);
    darkUntil(meter, 22 * DAY_S);
    expect(epochsIn(meter)).toEqual([1]);
    expect(meter.readings.map(({ epoch }) => epoch).slice(0, 3)).toEqual([0, 0, 1]);
    expect(meter.check(0).totals_Wh[0]).toBe(1000);
    meter.check(1);
  });

  it.each<SaveStage>([
    "before",
    "torn",
    "between",
  ])("survives a power cut as the new one is saved (%s), and that pairing never was", (stage) => {
    const meter = confirmedMeter();
    meter.secrets.cutAtNextSave(stage);
    expect(() => meter.pair()).toThrow(PowerCut);
    meter.boot();
    meter.confirm();
    meter.passUntil(2 * HALF_HOUR_S, [1000]);
    expect(pairingsOf(meter)).toBe(0);
    expect(meter.readings.map((reading) => reading.epoch)).toEqual([0, 0]);
    meter.pair();
    meter.passUntil(DAY_S + 60, [1000]);
    expect(epochsIn(meter)).toEqual([0, 1]);
    meter.check(1);
  });
});
