// The display of the board on the firmware's own files: it shows what the unit says and nothing else, page by page, turns
// with the button, shares its wires with a metering chip, and is missed by nobody when it is gone.
import { describe, expect, it } from "vitest";
import { ADE7953Model } from "../../host-sim/ade7953.js";
import { SSD1306Model } from "../../host-sim/ssd1306.js";
import { drawPage, type Page, pagesOf } from "../../src/display/pages.js";
import { Picture } from "../../src/display/picture.js";
import { Site, type SiteOptions } from "./site.js";

const PINS = { displayDataPin: 21, displayClockPin: 22, selectPin: 26 };
const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString("hex");

function pictureOf(page: Page): string | null {
  const picture = new Picture();
  drawPage(page, picture);
  return hex(picture.bytes);
}

async function withDisplay(options: SiteOptions = {}) {
  const site = await Site.open({ ...options, config: { ...PINS, ...options.config }, provisioned: false });
  const glass = new SSD1306Model();
  site.board.i2c.attach(glass);
  if (options.provisioned !== false) site.provision();
  site.run(30);
  return { site, glass };
}

/** Which of the pages is on the glass; its time of day is of another second. */
function shown(site: Site, glass: SSD1306Model): string | undefined {
  const seen = hex(glass.picture());
  const pages = pagesOf(site.display, []);
  const found = pages.find((page) => pictureOf(page) === seen);
  return found ? (found.rows[0]?.text ?? "").trim() : undefined;
}

describe("the display of the board", () => {
  it("shows in turn each page of what the unit says", async () => {
    const { site, glass } = await withDisplay({ config: { ssid: "" } });
    const seen = new Set<string | undefined>();
    for (let second = 0; second < 60; second++) {
      site.board.run(1000);
      seen.add(shown(site, glass));
    }
    const pages = pagesOf(site.display, []).map(({ rows }) => (rows[0]?.text ?? "").trim());
    expect(pages.length).toBeGreaterThanOrEqual(4);
    expect([...seen].sort()).toEqual([...pages].sort());
    expect(glass.unknown).toBe(0);
  });

  it("turns to the next page within a moment when the button is tapped, and stays there", async () => {
    const { site, glass } = await withDisplay({ config: { ssid: "" } });
    const tap = () => {
      site.contact("selectPin", true);
      site.board.run(200);
      site.contact("selectPin", false);
      site.board.run(400);
    };
    tap();
    const first = hex(glass.picture());
    tap();
    const second = hex(glass.picture());
    expect(second).not.toBe(first);
    site.board.run(30_000);
    expect(hex(glass.picture())).toBe(second);
  });

  it("says why there is no meter", async () => {
    const { site, glass } = await withDisplay({ provisioned: false });
    site.board.run(3000);
    const [page] = pagesOf(["not provisioned"], []);
    expect(hex(glass.picture())).toBe(page && pictureOf(page));
  });

  it("is on the same two wires as a metering chip, and both do their work", async () => {
    const { site, glass } = await withDisplay({
      provisioned: false,
      config: { chipDataPin: 21, chipClockPin: 22 },
    });
    const chip = new ADE7953Model();
    chip.powerUp();
    site.board.i2c.attach(chip);
    site.everySecond = () => chip.advance(1000);
    site.provision();
    site.run(30);
    expect(glass.picture()).not.toBeNull();
    expect(site.board.incidents).toEqual([]);
    const [transfers] = [site.board.i2c.transfers];
    site.run(10);
    expect(site.board.i2c.transfers).toBeGreaterThan(transfers);
  });

  it("may be missing, die and come back: the meter counts on", async () => {
    const { site, glass } = await withDisplay();
    glass.powered = false;
    site.run(600, 3600);
    glass.powerUp();
    site.run(90, 3600);
    expect(glass.picture()).not.toBeNull();
    site.settle();
    expect(site.registers_Wh[0]).toBe(site.pulses[0]);
    expect(site.board.incidents).toEqual([]);
  });

  it.each([
    [{ chipDataPin: 21, chipClockPin: 23 }, "config displayDataPin: a bus is shared by both its wires"],
    [{ exportPin: 22 }, "config displayClockPin: GPIO 22 is exportPin already"],
    [{ chipDataPin: 22, chipClockPin: 21 }, "config displayDataPin: GPIO 21 is chipClockPin already"],
  ])("with pins that cannot be is refused by name: %o", async (config, why) => {
    const site = await Site.open({ provisioned: false, config: { ...PINS, ...config } });
    site.run(10);
    expect(site.board.incidents[0]).toMatchObject({ what: "chip restarted", why });
  });
});
