// firmware/native/waveform.c on a computer, over a converter that tests/engines/native/converter.c plays: conversions of
// several channels become frames, and what is lost is told at its place. Needs gcc; it proves nothing about a board.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Accumulator } from "../../host-sim/waveform/accumulator.js";

const CHIPS = { esp32: [], esp32c3: ["-DNO_PCNT"] } as const;
type Chip = keyof typeof CHIPS;
/** What is asked for in the place of each header: the stand-ins that are there already. */
const HEADERS: Readonly<Record<string, string>> = {
  "xsmc.h": "xs.h",
  "xsHost.h": "xs.h",
  "mc.xs.h": "xs.h",
  "esp_adc/adc_continuous.h": "idf.h",
  "esp_attr.h": "idf.h",
  "freertos/FreeRTOS.h": "idf.h",
  "freertos/semphr.h": "idf.h",
  "freertos/task.h": "idf.h",
};
const MIDDLE = 2048;
const BLOCK_FRAMES = 32;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sealmeter-"));
  for (const [header, stand] of Object.entries(HEADERS)) {
    const path = join(folder, header);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#include "${stand}"\n`);
  }
  const folders = [folder, "tests/engines/native", "firmware/hostile", "firmware/native"].map(
    (path) => `-I${path}`,
  );
  const flags = ["-std=gnu17", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined,address"];
  for (const [chip, defines] of Object.entries(CHIPS)) {
    const sources = ["tests/engines/native/converter.c", "firmware/native/accumulator.c"];
    const made = spawnSync(
      "gcc",
      [...flags, "-fno-sanitize-recover=all", ...defines, ...folders, ...sources, "-o", join(folder, chip)],
      { encoding: "utf8" },
    );
    expect(made.stderr).toBe("");
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the program prints for these results. */
function converted(chip: Chip, rate_Hz: number, pins: readonly number[], lines: readonly string[]): string[] {
  const { stdout, stderr } = spawnSync(join(folder, chip), [rate_Hz, ...pins].map(String), {
    input: `${lines.join("\n")}\nend\n`,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

const cyclesIn = (printed: readonly string[]) => printed.filter((line) => line.startsWith("cycle "));

/** Conversions of 50 Hz in turn, and what the accumulator makes of the frames. */
class Mains {
  readonly lines: string[] = [];
  readonly #accumulator: Accumulator;
  #conversions = 0;

  constructor(
    readonly rate_Hz: number,
    readonly pins: readonly number[],
    readonly perSample: number,
  ) {
    this.#accumulator = new Accumulator({ elements: pins.length / 2, rate_Hz });
  }

  /** @param isSwapped two neighbours come in the other order. */
  frames(count: number, isSwapped = false): void {
    for (let frame = 0; frame < count; frame++) {
      const sums = this.pins.map(() => 0);
      const results: string[] = [];
      for (let scan = 0; scan < this.perSample; scan++) {
        for (const [place, pin] of this.pins.entries()) {
          const angle = (2 * Math.PI * 50 * this.#conversions++) / (this.rate_Hz * this.#perFrame());
          const code = MIDDLE + Math.round((1800 - 300 * place) * Math.sin(angle - place / 3));
          sums[place] = (sums[place] ?? 0) + code - MIDDLE;
          results.push(`${pin} ${code}`);
        }
      }
      if (isSwapped) {
        for (let at = 0; at < results.length; at += 2) {
          results.splice(at, 2, results[at + 1] ?? "", results[at] ?? "");
        }
      }
      this.lines.push(...results);
      this.#accumulator.feed(Int16Array.from(sums));
    }
  }

  lose(frames: number): void {
    this.#accumulator.lose(frames);
  }

  expected(): string[] {
    return this.#accumulator
      .read()
      .map(({ samples, lost, sums }) => ["cycle", ...sums, samples, lost].join(" "));
  }

  #perFrame(): number {
    return this.perSample * this.pins.length;
  }
}

describe("the converter's results become the accumulator's records", () => {
  it.each([
    ["esp32", [0, 3], 4],
    ["esp32", [0, 3, 4, 5, 6, 7], 1],
    ["esp32c3", [0, 1], 1],
    ["esp32c3", [4, 2, 1, 3], 1],
  ] as const)("%s, pins %j, %d conversions a sample", (chip, pins, perSample) => {
    const mains = new Mains(4000, pins, perSample);
    mains.frames(BLOCK_FRAMES * 60);
    const printed = converted(chip, 4000, pins, mains.lines);
    expect(printed).toContain(`conversions ${4000 * pins.length * perSample} of ${pins.length} channels`);
    expect(cyclesIn(printed)).toEqual(mains.expected());
    expect(cyclesIn(printed).length).toBeGreaterThan(20);
  });

  it("in either order of two neighbours", () => {
    const mains = new Mains(4000, [0, 3], 4);
    mains.frames(BLOCK_FRAMES * 20, true);
    expect(cyclesIn(converted("esp32", 4000, [0, 3], mains.lines))).toEqual(mains.expected());
  });

  it("from one end of the range to the other, as often as 16 conversions a sample", () => {
    const lines = Array.from({ length: 16 * BLOCK_FRAMES * 10 }, (_, at) => {
      const code = Math.floor(at / (16 * 40)) % 2 === 0 ? 4095 : 0;
      return [`0 ${code}`, `3 ${code}`];
    }).flat();
    const [, , ...cycles] = converted("esp32", 2000, [0, 3], lines);
    // 2 kHz and two channels take 8 conversions each to be 20,000 a second.
    expect(cycles.length).toBeGreaterThan(10);
    for (const cycle of cycles) expect(cycle).not.toMatch(/-\d+ -\d+ -\d+/);
  });
});

describe("what is lost is told at its place", () => {
  it("a pool that was full: as many frames as the blocks held", () => {
    const mains = new Mains(4000, [0, 3], 4);
    mains.frames(BLOCK_FRAMES * 20);
    mains.lines.push("dropped 3");
    mains.lose(3 * BLOCK_FRAMES);
    mains.frames(BLOCK_FRAMES * 20);
    const printed = cyclesIn(converted("esp32", 4000, [0, 3], mains.lines));
    const lost = printed.map((line) => Number(line.split(" ").at(-1)));
    expect(lost.filter((count) => count > 0)).toEqual([2]);
    expect(printed).toEqual(mains.expected());
  });

  it.each([
    ["a conversion is missing", 1, []],
    ["one comes twice", 0, ["3 2048"]],
    ["one is of a channel that nobody asked for", 0, ["9 2048"]],
  ])("%s: the converter begins again, and the gap counts", (_, missing, more) => {
    const mains = new Mains(4000, [0, 3], 4);
    mains.frames(700);
    const good = mains.lines.length;
    const spoilt = new Mains(4000, [0, 3], 4);
    spoilt.frames(10);
    mains.lines.push(...spoilt.lines.slice(0, 3), ...more, ...spoilt.lines.slice(3 + missing), "started");
    // A pool of 200 ms and a pause of 50.
    mains.lose(1000);
    mains.frames(19 * BLOCK_FRAMES);
    expect(good).toBe(700 * 8);
    const printed = cyclesIn(converted("esp32", 4000, [0, 3], mains.lines));
    const lost = printed.map((line) => Number(line.split(" ").at(-1)));
    expect(lost.filter((count) => count > 0)).toEqual([Math.ceil(1000 / 80)]);
    expect(lost.findIndex((count) => count > 0)).toBe(8);
    expect(printed).toEqual(mains.expected());
  });
});

describe("what the chip does not have is refused", () => {
  it.each([
    ["an odd number of pins", "esp32", 4000, [0], "RangeError: a voltage and a current"],
    ["four elements", "esp32", 4000, [0, 1, 2, 3, 4, 5, 6, 7], "RangeError: a voltage and a current"],
    ["a pin twice", "esp32", 4000, [0, 0], "RangeError: no pin of the first"],
    ["a pin of the radio's converter", "esp32", 4000, [0, 12], "RangeError: no pin of the first"],
    ["no pin of a converter", "esp32", 4000, [0, 30], "RangeError: no pin of the first"],
    ["a rate that is too low", "esp32", 1999, [0, 3], "RangeError: no such rate"],
    ["more conversions than it makes", "esp32c3", 16000, [0, 1, 2, 3, 4, 5], "RangeError: the chip does not"],
  ] as const)("%s", (_, chip, rate_Hz, pins, words) => {
    expect(converted(chip, rate_Hz, pins, []).at(-1)).toContain(words);
  });
});
