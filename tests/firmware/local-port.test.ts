// What the installer does at the local port and the customer at the button, on the firmware's own files; and what
// the board does when its image, its configuration or its flash is not what it was built for.
import { describe, expect, it } from "vitest";
import { makeTables } from "../../src/proofs/generators.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { Site } from "./site.js";

const HOUR_S = 3600;
const isErased = (bytes: Uint8Array) => bytes.every((byte) => byte === 0xff);
const corrupted = (bytes: Uint8Array) => bytes.map((byte, at) => (at % 64 === 7 ? byte ^ 0x10 : byte));

describe("a blank board", () => {
  it("says that it is blank, and keeps its flash as it is whatever it is told", async () => {
    const site = await Site.open({ provisioned: false });
    expect(site.display).toEqual(["not provisioned"]);
    const refused: readonly (readonly [line: string, answer: string])[] = [
      ["provision", "refused provisioning request"],
      ["provision 00", "refused provisioning request"],
      ["provision 85018190", "refused provisioning request"],
      ["provision 1", "refused the argument has half a byte"],
      ["provision AB", "refused the argument is no lower-case hex"],
      ["provision 00 00", "refused the argument has half a byte"],
      ["provision 00 000", "refused the argument is no lower-case hex"],
      [`provision ${"00".repeat(700)}`, "refused the line is too long"],
      [`provision ${"85".repeat(600)}`, "refused provisioning request"],
      ["pair 00", "refused the meter is not provisioned"],
      ["dance", "refused the words are: show, provision, pair"],
      ["\u0000\u0001\u001b[2J", "refused the words are: show, provision, pair"],
    ];
    for (const [line, answer] of refused) expect(site.ask(line)).toContain(answer);
    expect(isErased(site.journal.image())).toBe(true);
    expect(isErased(site.secrets.image())).toBe(true);
    expect(site.board.incidents).toEqual([]);
  });

  it("is provisioned once", async () => {
    const site = await Site.open({ provisioned: false });
    site.provision();
    expect(() => site.provision()).toThrow("refused the meter is provisioned already");
    site.board.powerDown();
    site.board.powerUp();
    site.run(5);
    expect(() => site.provision()).toThrow("refused the meter is provisioned already");
    expect(site.display[0]).toBe("SM-0001");
  });

  it("can be provisioned after a power cut in the middle of it", async () => {
    for (const bytes of [4096 * 3, 4096 * 544, 4096 * 544 + 100, 4096 * 544 + 4400]) {
      const site = await Site.open({ seed: bytes, provisioned: false });
      site.journal.cutAfter(bytes);
      expect(() => site.provision()).toThrow("no answer");
      site.board.powerUp();
      site.run(5);
      site.provision();
      site.runUntil(HOUR_S + 60, 1000);
      expect(site.headEnd.messages("reading").length).toBe(2);
      site.check();
    }
  });

  it("is provisioned before the task watchdog bites", async () => {
    const site = await Site.open({ provisioned: false });
    site.provision();
    expect(site.board.incidents).toEqual([]);
  });

  it("pays no attention to half a line, and to one that came too fast for a busy chip", async () => {
    const site = await Site.open({ provisioned: false });
    site.board.pace.turn_ms = 400;
    site.terminal.send(`provision ${"85".repeat(300)}\r\n`);
    site.run(10);
    site.board.pace.turn_ms = 1;
    site.terminal.send("\r\n");
    site.run(1);
    site.provision();
    expect(site.display[0]).toBe("SM-0001");
  });

  it("tells its registers to whoever asks at the port", async () => {
    const site = await Site.open();
    site.run(60, 3600);
    site.settle();
    expect(site.registers_Wh).toEqual([60, 0]);
  });
});

describe("the pairing button", () => {
  it("opens the port for a customer for two minutes, and a second press takes the one that is shown", async () => {
    const site = await Site.open();
    site.runUntil(600, 1000);
    const { user } = site.parties.customer;
    expect(site.askToPair(user)).toBe("refused the pairing window is not open");
    site.press();
    site.run(1);
    expect(site.askToPair(user)).toBe("ok");
    expect(site.askToPair(user)).toBe("refused the pairing window is not open");
    expect(site.display.join("\n")).toMatch(/pair with [0-9a-f]{16}\? press again/);
    site.press();
    site.run(5);
    site.runUntil(3 * HOUR_S, 1000);
    expect(site.headEnd.messages("pairing").length).toBe(2);
    expect(site.check(1).provisional.length).toBeGreaterThan(3);
  });

  it("does nothing when it is pressed once, too late, or by noise", async () => {
    const site = await Site.open();
    site.runUntil(600);
    site.press();
    site.run(130);
    expect(site.askToPair(site.parties.customer.user)).toBe("refused the pairing window is not open");
    site.board.pins.close(0, 5);
    site.run(1);
    expect(site.askToPair(site.parties.customer.user)).toBe("refused the pairing window is not open");
    site.runUntil(HOUR_S + 60);
    expect(site.headEnd.messages("pairing").length).toBe(1);
  });

  it("refuses a customer's key that is no point, and says so on the display", async () => {
    const site = await Site.open();
    site.runUntil(60);
    site.press();
    site.run(1);
    expect(site.askToPair(new Uint8Array(32).fill(0xff))).toBe("ok");
    site.press();
    site.run(5);
    expect(site.display).toContain("1 messages refused");
    expect(site.board.incidents).toEqual([]);
  });
});

describe("a fault", () => {
  it("of a table in the image leaves the meter measuring, sealing nothing, and saying so", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    site.board.powerDown();
    site.board.options.resources.set("tableB.bin", corrupted(makeTables(4).tableB));
    site.board.powerUp();
    const before = site.headEnd.messages("reading").length;
    site.runUntil(5 * HOUR_S, 2000, 500);
    site.settle();
    expect(site.display.join("\n")).toMatch(/self-test \d failed: not sealing/);
    expect(site.events.map(({ type }) => type)).toContain(EventType.SELF_TEST_FAILED);
    expect(site.headEnd.messages("reading").length).toBe(before);
    expect(site.headEnd.messages("batch")).toEqual([]);
    const [imported = 0] = site.registers_Wh;
    expect((site.pulses[0] ?? 0) - imported).toBeLessThanOrEqual(17);
    expect(site.board.incidents).toEqual([]);
  });

  it("of the same table before provisioning is found by the authority, whose challenge fails", async () => {
    const site = await Site.open({ provisioned: false });
    site.board.powerDown();
    site.board.options.resources.set("tableB.bin", corrupted(makeTables(4).tableB));
    site.board.powerUp();
    site.run(2);
    expect(() => site.provision()).toThrow();
  });

  it.each([
    ["a partition that is missing", (site: Site) => void site.partitions.delete("secrets")],
    [
      "a table that is missing",
      (site: Site) => void site.board.options.resources.delete("tableBlinding.bin"),
    ],
  ])("of the build, such as %s, restarts the chip for ever and touches nothing", async (_, spoil) => {
    const site = await Site.open({ provisioned: false });
    site.board.powerDown();
    spoil(site);
    site.board.powerUp();
    site.run(120);
    expect(new Set(site.board.incidents.map(({ what }) => what))).toEqual(new Set(["chip restarted"]));
    expect(isErased(site.journal.image())).toBe(true);
  });

  it.each([
    [{ lampPin: 3 }, "config lampPin: GPIO 3 is localReceivePin already"],
    [{ buttonPin: 99 }, "config buttonPin: expected a whole number from 0 to 48"],
    [{ gasPin: "many" }, "config gasPin: expected a whole number from -1 to 48"],
    [{ localPort: 3 }, "config localPort: expected a whole number from 0 to 2"],
  ])("of the configuration, %o, is an error at boot with its name", async (config, why) => {
    const site = await Site.open({ provisioned: false, config });
    site.run(10);
    expect(site.board.incidents[0]).toMatchObject({ what: "chip restarted", why });
  });

  it("of the key store leaves a meter without keys that nobody can make another meter of", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    site.board.powerDown();
    const keys = site.secrets.snapshot();
    site.secrets.restore({ ...keys, cells: keys.cells.map(() => 0xff) });
    site.board.powerUp();
    site.run(5);
    expect(site.display).toEqual(["not provisioned"]);
    expect(() => site.provision()).toThrow("refused the meter is provisioned already");
    site.board.powerDown();
    site.secrets.restore(keys);
    site.board.powerUp();
    site.runUntil(3 * HOUR_S, 1000);
    expect(site.check().provisional.length).toBeGreaterThan(1);
  });

  it("of the hardware stops the unit, is shown, and restarts the chip a minute later", async () => {
    const site = await Site.open();
    site.runUntil(HOUR_S, 1000);
    site.settle();
    const before = site.registers_Wh;
    site.entropyFails = true;
    site.press();
    site.run(1);
    expect(site.askToPair(site.parties.customer.user)).toBe("ok");
    site.press();
    site.run(1);
    expect(site.display).toEqual(["stopped: no entropy"]);
    site.entropyFails = false;
    site.run(70, 1000);
    expect(site.board.incidents).toMatchObject([{ what: "chip restarted", why: "no entropy" }]);
    site.runUntil(2 * HOUR_S, 1000);
    site.settle();
    expect(site.registers_Wh[0]).toBeGreaterThan((before[0] ?? 0) + 700);
    site.check();
  });
});
