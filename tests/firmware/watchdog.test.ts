// The unit's place on the task watchdog's list, on the firmware's own files: what hangs is restarted and says so at
// the next start, and what restarts for another reason does not say so.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UNIT_LIMIT_MS } from "../../host-sim/ecma419/watchdog.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { Site, WATCHDOG_MS } from "./site.js";

const HOUR_S = 3600;
const WATCHDOG_FAULT = 255;

const faults = (site: Site) =>
  site.events.filter(({ type }) => type === EventType.SELF_TEST_FAILED).map(({ detail }) => detail);

describe("the watchdog", () => {
  it("bites when the unit's loop hangs, and the next start says so", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S + 60, 1000);
    const hung_ms = site.clock.now_ms;
    site.board.unit?.hang();
    site.run(UNIT_LIMIT_MS / 1000 + 5, 1000);
    expect(site.board.incidents).toMatchObject([{ what: "chip restarted" }]);
    expect(site.board.incidents[0]?.why).toContain("task watchdog");
    expect((site.board.incidents[0]?.at_ms ?? 0) - hung_ms).toBeLessThanOrEqual(UNIT_LIMIT_MS + 1000);
    site.runUntil(2 * HOUR_S + 60, 1000);
    expect(faults(site)).toEqual([WATCHDOG_FAULT]);
    const flagged = site.check().provisional.filter(({ status }) => status & Status.FAULT);
    expect(flagged.length).toBe(1);
    expect(site.board.incidents.length).toBe(1);
  });

  it("takes a minute over a unit that hangs at every start, which would wear the flash out", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S);
    for (let start = 0; start < 4; start++) {
      site.board.unit?.hang();
      site.run(start === 0 ? 15 : 65);
    }
    const restarts = site.board.incidents.map(({ at_ms }) => at_ms);
    expect(restarts.length).toBe(4);
    const waits = restarts.slice(1).map((at_ms, before) => at_ms - (restarts[before] ?? 0));
    expect(Math.min(...waits)).toBeGreaterThan(WATCHDOG_MS);
  });

  it("is silent about a loss of power", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    site.board.powerDown();
    site.board.powerUp();
    site.runUntil(2 * HOUR_S, 1000);
    expect(faults(site)).toEqual([]);
  });

  it("leaves a fault of the unit its minute on the display, and is silent about the restart after it", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    site.entropyFails = true;
    site.press();
    site.run(1);
    site.askToPair(site.parties.customer.user);
    site.press();
    site.run(50);
    site.entropyFails = false;
    expect(site.display).toEqual(["stopped: no entropy"]);
    site.run(20);
    expect(site.board.incidents).toMatchObject([{ what: "chip restarted", why: "no entropy" }]);
    site.runUntil(2 * HOUR_S, 1000);
    expect(faults(site)).toEqual([]);
  });

  it("lets a blank meter wait for its installer", async () => {
    const site = await Site.open({ provisioned: false });
    site.run(3 * (WATCHDOG_MS / 1000));
    expect(site.board.incidents).toEqual([]);
    site.provision();
    expect(site.display[0]).toBe("SM-0001");
  });

  it("bears steps and turns as long as the unit's may be", async () => {
    const site = await Site.open();
    Object.assign(site.board.pace, { turn_ms: 3000, look_ms: 500 });
    site.run(HOUR_S, 1000);
    expect(site.board.incidents).toEqual([]);
  });

  it("has the limit of the native in its fake", () => {
    const native = readFileSync("firmware/native/watchdog.c", "utf8");
    expect(Number(/^#define LIMIT_MS (\d+)$/m.exec(native)?.[1])).toBe(UNIT_LIMIT_MS);
  });
});
