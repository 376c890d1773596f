// The network machine gone wrong in every way that it can, beside the firmware's own unit: the meter measures on,
// the supervisor ends the machine and starts it anew, and an honest one catches up. And what keeps the network
// machine's program away from flash, keys and pins.
import { describe, expect, it } from "vitest";
import { bundle, filesOf } from "../../host-sim/ecma419/bundle.js";
import { NETWORK_MODULES } from "../../host-sim/ecma419/platform.js";
import { networkProgram, Site } from "./site.js";

const HOUR_S = 3600;
/** Until then the network machine is bad, from the first hour on. */
const BAD_S = 3 * HOUR_S;

/** A second machine of the test's own making, with what an honest one may import. */
const bad = (source: string) => bundle({ machine: "network", entry: "", modules: NETWORK_MODULES, source });

const TIMER = `import Timer from "timer";`;
const PORT = `import { poll, post } from "sealmeter/port";`;
/** Asks for messages as an honest machine does, so that what comes after it is not taken for silence. */
const ASKING = `Timer.repeat(() => { post(Uint8Array.of(1)); while (poll()); }, 1000);`;

const GONE_BAD: readonly (readonly [how: string, source: string])[] = [
  ["throws as it is loaded", `throw new Error("no");`],
  ["throws when it is started", `export default () => { throw new Error("no"); };`],
  [
    "throws after a while",
    `${TIMER} export default () => Timer.set(() => { throw new Error("no"); }, 90_000);`,
  ],
  [
    "rejects everything it is told",
    `${TIMER} ${PORT} export default () => Timer.repeat(() => { const m = poll(); if (m) throw m; }, 10);`,
  ],
  ["says nothing at all", `export default () => {};`],
  [
    "floods the unit with questions",
    `${TIMER} ${PORT} export default () => Timer.repeat(() => { for (let i = 0; i < 100; i++) post(Uint8Array.of(1)); while (poll()); }, 10);`,
  ],
  [
    "floods the unit with commands",
    `${TIMER} ${PORT} export default () => Timer.repeat(() => { for (let i = 0; i < 100; i++) post(Uint8Array.of(2, 0x82, 3, 0x41, 0)); while (poll()); }, 10);`,
  ],
  [
    "speaks nonsense",
    `${TIMER} ${PORT} export default () => Timer.repeat(() => post(Uint8Array.of(9, 9, 9)), 500);`,
  ],
  [
    "says nothing, in many messages",
    `${TIMER} ${PORT} export default () => Timer.repeat(() => post(new Uint8Array(0)), 500);`,
  ],
  [
    "sends more than there is room for",
    `${TIMER} ${PORT} export default () => Timer.repeat(() => post(new Uint8Array(4600).fill(2)), 500);`,
  ],
  [
    "acknowledges what was never sent",
    `${TIMER} ${PORT} ${ASKING.replace("while (poll());", "while (poll()); for (const kind of [1, 3, 4, 5]) post(Uint8Array.of(2, 0x83, 1, kind, 0x1a, 0xff, 0xff, 0xff, 0xff));")}`,
  ],
  [
    "spoils its world and changes what it has sent",
    `${TIMER} ${PORT}
    const buffer = Uint8Array.of(1);
    Uint8Array.prototype.slice = () => { throw 1; };
    Array.prototype.push = Object.prototype.toString = JSON.parse = () => { throw 2; };
    Timer.repeat(() => { buffer[0] = 1; post(buffer); buffer[0] = 99; buffer.fill(255); while (poll()); }, 1000);`,
  ],
];

/** What the unit may not have shown yet when the state was last written, pulses. */
const OPEN_PULSES = 17;

describe("beside a network machine that", () => {
  it.each(GONE_BAD)("%s the unit measures on, and an honest one catches up", async (_, source) => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    const honest = site.board.options.networkPrograms.get("network") ?? "";
    site.board.options.networkPrograms.set("network", await bad(source));
    site.board.network?.hang();
    site.runUntil(BAD_S, 2300, 600);
    const shown = site.registers_Wh;
    shown.forEach((register_Wh, input) => {
      expect((site.pulses[input] ?? 0) - register_Wh).toBeLessThanOrEqual(OPEN_PULSES + OPEN_PULSES);
    });
    expect(site.board.spawned.length).toBeGreaterThan(1);
    expect(site.board.incidents.every(({ what }) => what === "network machine died")).toBe(true);
    site.board.options.networkPrograms.set("network", honest);
    site.board.network?.hang();
    site.runUntil(BAD_S + HOUR_S + 300, 1000);
    site.settle();
    expect(site.registers_Wh).toEqual(site.pulses);
    expect(site.headEnd.messages("reading").length).toBe(8);
    expect(site.check().gaps).toEqual([]);
  });

  it("goes round for ever, the unit ends it after three minutes and starts another", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    site.board.network?.hang();
    site.run(150, 1000);
    expect(site.board.spawned.length).toBe(1);
    site.run(40, 1000);
    expect(site.board.spawned.length).toBe(2);
    expect(site.board.spawned[0]?.machine.deleted).toBe(true);
    expect(site.board.network?.running).toBe(true);
    site.runUntil(2 * HOUR_S, 1000);
    expect(site.broker.connected).toEqual(["SM-0001"]);
  });

  // Known fault: the unit gives again what was not acknowledged only after ten minutes without any
  // acknowledgement, and an acknowledgement covers what came before it. What an ended machine had taken is covered
  // by the first acknowledgement of the one after it, and is never sent: the dispatch would have to begin again at
  // the first unacknowledged message whenever the supervisor starts a machine.
  it("dies twice with messages in its hands, those are sent by the one after it", async () => {
    const site = await Site.open({ intervalSeconds: 900 });
    const die = () =>
      site.board.network?.guard(() => {
        throw new Error("memory full");
      });
    site.runUntil(HOUR_S, 1000);
    site.board.internet.setUp(false);
    site.runUntil(14 * HOUR_S - 400, 1000);
    die();
    site.run(120, 1000);
    die();
    site.board.internet.setUp(true);
    site.runUntil(15 * HOUR_S + 300, 1000);
    expect(site.headEnd.messages("reading").length).toBe(60);
  });

  // Known fault: with 64 messages in its hands an honest machine asks for nothing more, and that is taken for
  // silence: it is ended and started every few minutes until the network is back.
  it("waits with all the messages that it can hold, it is not taken for dead", async () => {
    const site = await Site.open({ intervalSeconds: 900 });
    site.runUntil(HOUR_S, 1000);
    site.board.internet.setUp(false);
    site.runUntil(18 * HOUR_S, 1000);
    expect(site.board.spawned.length).toBe(1);
  });

  it("dies again and again is restarted ever more seldom, and at once again after a good hour", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    const honest = site.board.options.networkPrograms.get("network") ?? "";
    site.board.options.networkPrograms.set("network", await bad(`throw new Error("no");`));
    site.board.network?.hang();
    site.runUntil(4 * HOUR_S);
    const deaths = site.board.incidents.map(({ at_ms }) => at_ms);
    const waits = deaths.slice(1).map((at_ms, before) => at_ms - (deaths[before] ?? 0));
    expect(deaths.length).toBeLessThan(40);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(600_000);
    expect(waits[0]).toBeLessThan(10_000);
    site.board.options.networkPrograms.set("network", honest);
    site.runUntil(6 * HOUR_S);
    expect(site.broker.connected).toEqual(["SM-0001"]);
  });

  it("is honest, nothing is ever restarted", async () => {
    const site = await Site.open();
    site.runUntil(6 * HOUR_S, 1000);
    expect(site.board.spawned.length).toBe(1);
    expect(site.board.incidents).toEqual([]);
  });
});

describe("the network machine's program", () => {
  it.each([
    "embedded:storage/flash",
    "embedded:io/digital",
    "embedded:io/serial",
    "sealmeter/entropy",
    "sealmeter/pulse",
    "sealmeter/watchdog",
    "sealmeter/neighbour",
    "sealmeter/unit",
    "embedded:storage/key-value",
    "worker",
    "flash",
  ])("does not build if it imports %s", async (specifier) => {
    const source = `import * as reached from "${specifier}"; export default () => reached;`;
    const program = { ...networkProgram, source };
    await expect(bundle(program)).rejects.toThrow(`the network machine has no module "${specifier}"`);
  });

  it("has nothing of the trusted room but the encoding of its messages", async () => {
    const files = await filesOf(networkProgram);
    const trusted = files.filter((file) => file.startsWith("src/trusted/"));
    expect(trusted).toEqual(["src/trusted/encoding/bytes.ts", "src/trusted/encoding/cbor.ts"]);
    expect(files.filter((file) => file.includes("@noble"))).toEqual(["node_modules/@noble/hashes/utils.js"]);
  });

  it("is started in 96 KB, and allowed nothing with flash, pins, entropy or the unit in it", async () => {
    const site = await Site.open();
    site.run(10);
    const [{ allowed, creation, module } = { allowed: [], creation: null, module: "" }] = site.board.spawned;
    expect(module).toBe("network");
    expect(creation?.static).toBe(96 * 1024);
    expect([...allowed].sort()).toEqual([
      "mc/config",
      "network",
      "sealmeter/image",
      "sealmeter/port",
      "sealmeter/station",
    ]);
    const { inRom } = site.board.options;
    expect(inRom.filter((name) => /storage|io\/(?!socket)|sealmeter/.test(name))).toEqual([]);
  });
});
