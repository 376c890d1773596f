import { describe, expect, it } from "vitest";
import { Display } from "../../src/display/display.js";
import { drawPage, pagesOf } from "../../src/display/pages.js";
import { Picture } from "../../src/display/picture.js";

const UNIT = [
  "SM-0001",
  "software 0123456789abcdef",
  "1-0:1.8.0 000001.234 kWh",
  "1-0:2.8.0 000000.000 kWh",
  "time unconfirmed",
];
const CREDIT = ["credit 12.34 EUR"];
const QUESTION = "pair with 0123456789abcdef? press again";

/** A display, and which of the pages of its lines it shows. */
class Viewer {
  readonly #display = new Display();

  constructor(
    public unit: readonly string[] = UNIT,
    public credit: readonly string[] = [],
  ) {}

  at(now_ms: number): string {
    return this.#shown(now_ms, false);
  }

  tap(now_ms: number): string {
    return this.#shown(now_ms, true);
  }

  #shown(now_ms: number, tapped: boolean): string {
    const bytes = this.#display.step(now_ms, this.unit, this.credit, tapped).bytes.join();
    const page = pagesOf(this.unit, this.credit).find((candidate) => {
      const picture = new Picture();
      drawPage(candidate, picture);
      return picture.bytes.join() === bytes;
    });
    return page?.rows[0]?.text.trim() ?? "nothing";
  }
}

describe("a display", () => {
  it("turns every five seconds and begins again after the last page", () => {
    const viewer = new Viewer();
    const shown = [1_000, 5_999, 6_000, 10_999, 11_000, 16_000, 21_000].map((now_ms) => viewer.at(now_ms));
    const [first, second] = ["1-0:1.8.0", "1-0:2.8.0"];
    expect(shown).toEqual([first, first, second, second, "SM-0001", "time unconfirmed", first]);
  });

  it("turns at a tap, stays for a minute, and turns by itself again", () => {
    const viewer = new Viewer();
    viewer.at(0);
    expect(viewer.tap(100)).toBe("1-0:2.8.0");
    expect(viewer.tap(200)).toBe("SM-0001");
    expect(viewer.at(60_199)).toBe("SM-0001");
    expect(viewer.at(60_200)).toBe("time unconfirmed");
    expect(viewer.at(65_200)).toBe("1-0:1.8.0");
  });

  it("turns one page at a time after it was not asked for long", () => {
    const viewer = new Viewer();
    viewer.at(0);
    expect(viewer.at(1e9)).toBe("1-0:2.8.0");
  });

  it("shows a question at once and until it is answered, whatever is tapped, and goes on where it was", () => {
    const viewer = new Viewer();
    viewer.at(0);
    viewer.tap(100);
    viewer.unit = [...UNIT, QUESTION];
    for (const now_ms of [200, 6_000, 30_000]) expect(viewer.at(now_ms)).toBe("pair with");
    expect(viewer.tap(31_000)).toBe("pair with");
    viewer.unit = UNIT;
    expect(viewer.at(32_000)).toBe("1-0:2.8.0");
  });

  it("does not take the word of credit for a question", () => {
    const viewer = new Viewer(UNIT, [QUESTION]);
    expect(viewer.at(0)).toBe("1-0:1.8.0");
  });

  it("stays on its page when others come before it or go", () => {
    const viewer = new Viewer(UNIT, CREDIT);
    viewer.at(0);
    for (let tap = 1; tap <= 4; tap++) viewer.tap(tap);
    expect(viewer.at(5)).toBe("credit 12.34 EUR");
    viewer.unit = [...UNIT, "tamper"];
    expect(viewer.at(6)).toBe("credit 12.34 EUR");
    viewer.unit = UNIT;
    expect(viewer.at(7)).toBe("credit 12.34 EUR");
    viewer.credit = [];
    expect(viewer.at(8)).toBe("1-0:1.8.0");
  });

  it("is dark where there is nothing to show", () => {
    const display = new Display();
    display.step(0, UNIT, [], false);
    expect(display.step(1, [], [], true).bytes.every((byte) => byte === 0)).toBe(true);
    expect(display.step(9_000, UNIT, [], false).bytes.some((byte) => byte !== 0)).toBe(true);
  });
});
