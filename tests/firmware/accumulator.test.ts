// What can be said of the accumulator's C code without a compiler: it is small, it needs nothing, and its numbers are
// the reference's. That it gives the same records: tests/engines/accumulator.test.ts.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const LINES_MAX = 250;
const sources = ["accumulator.c", "accumulator.h"].map((name) =>
  readFileSync(`firmware/native/${name}`, "utf8"),
);
const code = sources.map((text) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "")).join("\n");
const reference = readFileSync("host-sim/waveform/accumulator.ts", "utf8");

/** Numbers by name: `#define NAME 1` there, `const NAME = 1;` here. */
const numbersOf = (text: string, pattern: RegExp) =>
  new Map(Array.from(text.matchAll(pattern), ([, name = "", value]) => [name, Number(value)]));
const inC = numbersOf(code, /^#define (?:ACCUMULATOR_)?([A-Z_]+) (\d+)$/gm);
const inReference = numbersOf(reference, /^(?:export )?const ([A-Z_]+) = (\d+);$/gm);

describe("the accumulator's C code", () => {
  it(`has at most ${LINES_MAX} lines without comments and blank lines`, () => {
    expect(code.split("\n").filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(LINES_MAX);
  });

  it("includes three headers of types and nothing else, and so allocates nothing", () => {
    const included = Array.from(code.matchAll(/^#include (.*)$/gm), ([, header]) => header);
    expect(included.sort()).toEqual(['"accumulator.h"', "<stdbool.h>", "<stddef.h>", "<stdint.h>"]);
    expect(code).not.toMatch(/alloc|extern|__builtin|\bfloat\b|\bdouble\b/);
  });

  it("has no function over 60 lines, and none that calls itself", () => {
    const functions = (sources[0] ?? "").split(/^(?=(?:static )?\w+ \w+\()/m).slice(1);
    expect(functions.length).toBeGreaterThan(8);
    for (const text of functions) {
      const name = /(\w+)\(/.exec(text)?.[1] ?? "";
      const body = text.split("\n}\n")[0] ?? "";
      expect(body.split("\n").length, name).toBeLessThanOrEqual(60);
      expect(body.split(`${name}(`).length, name).toBe(2);
    }
  });

  it("has the reference's numbers", () => {
    expect(inC.size).toBe(14);
    for (const [name, value] of inC) {
      expect(inReference.get(name === "CYCLES" ? "QUEUE_CYCLES" : name), name).toBe(value);
    }
  });
});
