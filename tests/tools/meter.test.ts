import { EventEmitter } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { householdTrace } from "../../host-sim/household.js";
import { LiveMeter } from "../../host-sim/live-meter.js";
import { createWorld } from "../../host-sim/simulation.js";
import { drawPage, pagesOf } from "../../src/display/pages.js";
import { Picture } from "../../src/display/picture.js";
import { LiveTerminal } from "../../tools/live-terminal.js";
import { MeterWatch, type WatchOptions } from "../../tools/meter-watch.js";
import { ok, run } from "./run.js";

const folder = mkdtempSync(join(tmpdir(), "sealmeter-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("sealmeter meter", () => {
  it("prints all pages of a day's display once, and a picture of them", async () => {
    const svg = join(folder, "display.svg");
    const out = await ok("meter", "--svg", svg);
    expect(out.match(/^page .*$/gm)).toEqual([
      "page 1: register",
      "page 2: register",
      "page 3: identity",
      "page 4: time",
      "page 5: supply",
      "page 6: credit",
    ]);
    expect(out.match(/^│.*│$/gm)).toHaveLength(6 * 16);
    expect(readFileSync(svg, "utf8").match(/<path/g)).toHaveLength(6);
  });

  it("tells the same lines as JSON, and each of them is on the pages whole", async () => {
    const options = [
      "meter",
      "--credit",
      "0",
      "--for",
      "7200",
      "--seed",
      "7",
      "--from",
      "2026-06-30",
      "--json",
    ];
    const told = JSON.parse(await ok(...options));
    expect(told).toMatchObject({ meterId: "SM-0001", time: "2026-06-30T02:00:00Z", creditLines: [] });
    expect(told.lines).toContain("2026-06-30T02:00:00.000Z");
    const shown = told.pages.flatMap(({ rows }: { rows: { text: string }[] }) =>
      rows.map(({ text }) => text),
    );
    for (const line of told.lines) expect(shown.join("")).toContain(line);
    expect(JSON.parse(await ok(...options))).toEqual(told);
  });

  it("prints one page where one is asked for", async () => {
    const out = await ok("meter", "--for", "60", "--page", "3");
    expect(out.match(/^page .*$/gm)).toEqual(["page 3: identity"]);
  });

  it("prints pictures one after the other where it is watched without a terminal", async () => {
    const out = await ok("meter", "--watch", "--for", "900", "--speed", "60");
    expect(out.match(/^2026-01-01T\S* {3}x60$/gm)).toEqual(
      ["00:00:01", "00:05:01", "00:10:01", "00:15:00"].map((time) => `2026-01-01T${time}Z   x60`),
    );
    expect(out).not.toContain("\x1b");
  });

  it.each([
    ["a terminal that is none", ["--watch"], "--watch needs a terminal, or --for"],
    ["a speed without watching", ["--speed", "2"], "--speed needs --watch"],
    ["a speed of nothing", ["--watch", "--speed", "0"], "a whole number from 1 to 86400"],
    ["pictures of what is watched", ["--watch", "--svg", "x"], "neither --svg nor --json"],
    ["a page that is not", ["--credit", "0", "--for", "60", "--page", "9"], "the display has 4 pages, not 9"],
    ["a time before meters", ["--from", "1969-12-31"], "a simulation begins between"],
    ["credit that nobody has", ["--credit", "100001"], "a whole number from 0 to 100000"],
    [
      "a port without files for a gateway",
      ["--watch", "--listen", "6419"],
      "--listen and --keys go together",
    ],
    [
      "a port without a terminal",
      ["--watch", "--listen", "6419", "--keys", join(folder, "live")],
      "and a terminal",
    ],
    ["no time", ["--for", "0"], "a whole number from 1 to 34214400"],
  ])("refuses %s", async (_, options, what) => {
    const { code, out, err } = await run("meter", ...options);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toMatch(/^error: .*\n$/);
    expect(err).toContain(what);
  });
});

describe("a watched meter", () => {
  const START_S = 1_767_225_600; // 1 January 2026, 00:00 UTC
  const trace = householdTrace({ seed: 1, start_s: START_S, days: 2, step_s: 900, utcOffset_h: 0 });
  const SIZE = { columns: 80, rows: 24 };
  let meter: LiveMeter;
  let watch: MeterWatch;

  const start = (options: Partial<WatchOptions> = {}) => {
    meter = new LiveMeter(createWorld({ trace, meterId: "SM-0001", intervalSeconds: 1800, seed: 1 }), trace);
    meter.runUntil(meter.now_ms + 1000, 1000, () => true);
    watch = new MeterWatch(meter, { speed: 60, until_ms: Number.MAX_SAFE_INTEGER, taps: 0, ...options });
  };
  /** Real time in frames, as a terminal has it. */
  const pass = (seconds: number) => {
    for (let frame = 0; frame < seconds * 4; frame++) watch.pass(250, () => true);
  };
  /** The kind of the page that is shown. */
  const shown = () => {
    const bytes = watch.picture().bytes.join();
    const pages = pagesOf(meter.unitLines(), meter.creditLines());
    const isShown = (page: (typeof pages)[number]) => {
      const picture = new Picture();
      drawPage(page, picture);
      return picture.bytes.join() === bytes;
    };
    return pages.find(isShown)?.kind ?? "dark";
  };
  const lived_s = () => meter.now_ms / 1000 - START_S - 1;

  beforeAll(() => start());

  it("lives as many times faster as it is told to", () => {
    start();
    pass(1);
    expect(lived_s()).toBe(60);
    watch.press("+");
    pass(1);
    expect(lived_s()).toBe(360);
    for (let key = 0; key < 20; key++) watch.press("-");
    pass(1);
    expect(lived_s()).toBe(361);
    for (let key = 0; key < 20; key++) watch.press("+");
    pass(0.25);
    expect(lived_s()).toBe(361 + 86_400 / 4);
  });

  it("lags where there is no time for it, and does not make up for a long pause", () => {
    start();
    let ticks = 0;
    watch.pass(250, () => ++ticks <= 3);
    expect(lived_s()).toBe(3);
    watch.pass(3_600_000, () => true);
    expect(lived_s()).toBe(3 + 15);
  });

  it("turns its pages in the time of who looks, and at the space bar", () => {
    start({ taps: 2 });
    expect(shown()).toBe("identity");
    watch.press(" ");
    expect(shown()).toBe("time");
    pass(30);
    expect(shown()).toBe("time");
    watch.press(" ");
    expect(shown()).toBe("register");
  });

  it("stands nearly still while it asks whether to pair, and asks no longer when it was answered", () => {
    start();
    pass(2);
    watch.press("p");
    pass(1);
    expect(shown()).toBe("pairing");
    expect(watch.status()).toContain("slowed down while the meter asks");
    const before_s = lived_s();
    pass(2);
    expect(lived_s()).toBe(before_s + 2);
    watch.press("p");
    pass(1);
    expect(shown()).not.toBe("pairing");
    expect(lived_s()).toBeGreaterThan(before_s + 30);
  });

  it("is dark for two seconds after a power cut while its time goes on, and shows the first page then", () => {
    start({ taps: 2 });
    pass(2);
    expect(shown()).toBe("identity");
    watch.press("c");
    watch.press(" ");
    watch.press("c");
    const before_s = lived_s();
    pass(1.5);
    expect([shown(), lived_s()]).toEqual(["dark", before_s + 90]);
    expect(watch.status()).toContain("no power");
    pass(1);
    expect(meter.powered).toBe(true);
    watch.press("x");
    expect(["register", "identity"]).toContain(shown());
  });

  it("sells no credit where there is none, and names its local port, in whose time the window is open", () => {
    watch.press("t");
    expect(watch.screen(SIZE)).toContain("no pre-payment here");
    const served = new MeterWatch(meter, {
      speed: 300,
      until_ms: meter.now_ms + 1e6,
      taps: 0,
      localPort: "127.0.0.1:1",
    });
    expect(served.status()).toContain("x300   local port 127.0.0.1:1");
    served.press("p");
    expect(served.status()).toContain("x1   local port");
    served.pass(200, () => true);
    expect(meter.asks).toBe(false);
  });

  it("says that it has no load switch, for a while", () => {
    start();
    watch.press("h");
    expect(watch.screen(SIZE)).toContain("this meter has no load switch");
    pass(5);
    expect(watch.screen(SIZE)).not.toContain("this meter has no load switch");
  });

  it("fits 80 by 24, and is larger where there is room", () => {
    start();
    const small = watch.screen(SIZE);
    expect(small.length).toBeLessThanOrEqual(24);
    expect(Math.max(...small.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(watch.screen({ columns: 140, rows: 40 })[0]).toHaveLength(130);
    expect(watch.screen({ columns: 140, rows: 30 })[0]).toHaveLength(66);
  });

  it("ends at q, at Ctrl-C and at the end of input", () => {
    for (const key of ["q", "\x03", "end"]) {
      const other = new MeterWatch(meter, { speed: 60, until_ms: Number.MAX_SAFE_INTEGER, taps: 0 });
      expect(other.isOver).toBe(false);
      other.press(key);
      expect(other.isOver).toBe(true);
    }
  });

  it("ends when its time is up, or its load", () => {
    start({ until_ms: (START_S + 100) * 1000, speed: 900 });
    pass(1);
    expect([watch.isOver, meter.now_ms]).toEqual([true, (START_S + 100) * 1000]);
    start({ speed: 86_400 });
    pass(3);
    expect([watch.isOver, meter.isOver]).toEqual([true, true]);
  });
});

describe("a terminal", () => {
  class FakeInput extends EventEmitter {
    readonly isTTY = true;
    raw: boolean[] = [];
    isPaused = true;
    setRawMode(isRaw: boolean): void {
      this.raw.push(isRaw);
    }
    resume(): void {
      this.isPaused = false;
    }
    pause(): void {
      this.isPaused = true;
    }
  }
  const open = () => {
    const input = new FakeInput();
    const written: string[] = [];
    const keys: string[] = [];
    const output = { isTTY: true, columns: 10, rows: 2, write: (text: string) => void written.push(text) };
    const terminal = new LiveTerminal(input, output, (key) => keys.push(key));
    return { input, written, keys, terminal };
  };
  const [ENTERED, LEFT] = ["\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"];

  it("is given back once, with its cursor, screen and lines, and hears nothing any more", () => {
    const { input, written, keys, terminal } = open();
    expect([written.join(""), input.raw, input.isPaused]).toEqual([ENTERED, [true], false]);
    terminal.close();
    terminal.close();
    terminal.show(["late"]);
    input.emit("data", "q");
    expect([written.join(""), input.raw, input.isPaused]).toEqual([ENTERED + LEFT, [true, false], true]);
    expect([keys, input.listenerCount("data"), input.listenerCount("end")]).toEqual([[], 0, 0]);
  });

  it("is given back when the process ends, and leaves no listeners behind", () => {
    const before = ["exit", "SIGINT", "SIGTERM", "SIGHUP"].map((event) => process.listenerCount(event));
    const { written, terminal } = open();
    const [close] = process.listeners("exit").slice(-1);
    expect(close).toBe(terminal.close);
    terminal.close();
    expect(written.at(-1)).toBe(LEFT);
    const after = ["exit", "SIGINT", "SIGTERM", "SIGHUP"].map((event) => process.listenerCount(event));
    expect(after).toEqual(before);
  });

  it("hears each key, and keys with names not as the letters in theirs", () => {
    const { input, keys, terminal } = open();
    input.emit("data", Buffer.from("p \x1b[C\x1b[15~\x1bOPc"));
    input.emit("data", "\x03");
    input.emit("end");
    terminal.close();
    expect(keys).toEqual(["p", " ", "c", "\x03", "end"]);
  });

  it("shows what fits, and writes nothing where nothing changed", () => {
    const { written, terminal } = open();
    terminal.show(["0123456789abc", "second", "third"]);
    terminal.show(["0123456789abc", "second", "third"]);
    expect(written).toEqual([ENTERED, "\x1b[H0123456789\x1b[K\r\nsecond\x1b[K\x1b[J"]);
    terminal.close();
  });
});
