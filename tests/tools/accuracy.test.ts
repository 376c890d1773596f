// The command line of accuracy and calibrate: what they say and write, and how they refuse.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decodeCalibration } from "../../src/supplier/command.js";
import { ok, run } from "./run.js";

const root = mkdtempSync(join(tmpdir(), "sealmeter-accuracy-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const path = (name: string) => join(root, name);

describe("sealmeter accuracy", () => {
  it("measures a model, says its class, and draws its curves", async () => {
    const out = path("curves");
    const said = await ok("accuracy", "--model", "a-shunt", "--seeds", "1", "--seconds", "20", "--out", out);
    expect(said).toContain("external 16-bit, shunt (a-shunt), 1 element, 1 unit");
    expect(said).toMatch(/class 1: met; at most \d+ % of a limit \(.+\)/);
    expect(said).toMatch(/no load: at most 0 pulses in 2609 s/);
    const svg = readFileSync(join(out, "errors-a-shunt-1.svg"), "utf8");
    expect(svg.match(/<polyline/g)?.length).toBe(6 + 4);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    const { models } = JSON.parse(readFileSync(join(out, "accuracy.json"), "utf8"));
    expect(models[0]).toMatchObject({ model: "a-shunt", elements: 1, classes: { "1": { isMet: true } } });
    expect(models[0].units[0].points.length).toBeGreaterThan(70);
  });

  it.each([
    [["--model", "d"], "there is no model 'd'; there are a-shunt, a-transformer, b, c"],
    [["--model", "a-shunt", "--elements", "3"], "no such model has 3 elements"],
    [["--seeds", "0"], "expected a whole number from 1 to 10000"],
    [["--volts", "-1"], "expected a number above 0"],
    [["--waveform", "x.csv", "--rate", "1000"], "expected a whole number from 2000 to 16000"],
  ])("refuses %s", async (args, what) => {
    const { code, err } = await run("accuracy", ...args);
    expect(code).toBe(2);
    expect(err).toContain(what);
  });
});

/** Lines of 2 s at 4,000 a second; `change` may spoil them. */
function csv(name: string, change: (lines: string[]) => void = () => {}): string {
  const lines = Array.from({ length: 8000 }, (_, at) => {
    const sine = Math.sin((2 * Math.PI * at) / 80);
    return `${(325 * sine).toFixed(3)},${(7 * sine).toFixed(4)}`;
  });
  lines.unshift("voltage,current");
  change(lines);
  writeFileSync(path(name), `${lines.join("\n")}\n`);
  return path(name);
}

function raw(name: string, bytes: number): string {
  const content = Buffer.alloc(4 * 8000);
  for (let at = 0; at < 8000; at++) {
    const sine = Math.sin((2 * Math.PI * at) / 80);
    content.writeInt16LE(Math.round(16_250 * sine), 4 * at);
    content.writeInt16LE(Math.round(-7000 * sine), 4 * at + 2);
  }
  writeFileSync(path(name), content.subarray(0, bytes));
  return path(name);
}

describe("sealmeter accuracy --waveform", () => {
  it("compares a recording in V and A, or in codes, with floating point", async () => {
    const scales = ["--volts", "0.02", "--amperes", "0.001"];
    for (const [args, obis] of [
      [[csv("good.csv")], 0],
      [[csv("bare.csv", (lines) => lines.shift())], 0],
      [[raw("good.i16", 32_000), ...scales], 1],
    ] as const) {
      const said = JSON.parse(await ok("accuracy", "--waveform", ...args, "--json"));
      const register = said.registers[obis];
      expect(said.windows).toBe(8);
      expect(register.reference_mJ / (1000 * said.seconds)).toBeCloseTo((325 * 7) / 2, 1);
      expect(Math.abs(register.pipeline_mJ - register.reference_mJ) / register.reference_mJ).toBeLessThan(
        1e-4,
      );
    }
    expect(await ok("accuracy", "--waveform", path("good.csv"))).toContain("apart, ppm of apparent");
  });

  it.each([
    ["a word", (lines: string[]) => lines.splice(5, 1, "1.5,x"), ':6: not a number: "x"'],
    ["nothing in a cell", (lines: string[]) => lines.splice(5, 1, "1.5,"), ':6: not a number: ""'],
    ["infinity", (lines: string[]) => lines.splice(5, 1, "1e999,1"), ':6: not a number: "1e999"'],
    ["a third column", (lines: string[]) => lines.splice(5, 1, "1,2,3"), ":6: 3 cells where"],
    ["an empty line", (lines: string[]) => lines.splice(5, 1, ""), ":6: 1 cells where"],
    ["names alone", (lines: string[]) => lines.splice(1), ":2: no line follows"],
    ["nothing", (lines: string[]) => lines.splice(0, lines.length, ""), ":1: 1 cells where"],
    ["too little", (lines: string[]) => lines.splice(500), ": there are no two windows"],
  ])("refuses %s with file and line, exit code 2", async (_, change, what) => {
    const file = csv("bad.csv", change);
    const { code, out, err } = await run("accuracy", "--waveform", file);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(`error: ${file}${what}`);
  });

  it("refuses raw codes without their scale, half a pair, an empty file, and one that is not there", async () => {
    const scales = ["--volts", "0.02", "--amperes", "0.001"];
    writeFileSync(path("empty.i16"), "");
    for (const [args, what] of [
      [[raw("a.i16", 32_000)], "raw codes need --volts and --amperes"],
      [[raw("a.i16", 32_000), "--volts", "1"], "--volts and --amperes come together"],
      [[raw("b.i16", 31_999), ...scales], "ends in the middle of a pair, at byte 31996 of 31999"],
      [[path("empty.i16"), ...scales], "the file is empty"],
      [[path("none.csv")], "cannot be read (ENOENT)"],
    ] as const) {
      const { code, err } = await run("accuracy", "--waveform", ...args);
      expect(code).toBe(2);
      expect(err).toContain(what);
    }
  });
});

describe("sealmeter calibrate", () => {
  it("writes the same calibration as JSON and as a command takes it", async () => {
    const [json, cbor] = [path("calibration.json"), path("calibration.cbor")];
    const args = ["--model", "b", "--elements", "3", "--seed", "5"];
    const said = await ok("calibrate", ...args, "--out", json, "--cbor", cbor);
    expect(said).toContain("12-bit dual range, corrected, unit of seed 5");
    const calibration = JSON.parse(readFileSync(json, "utf8"));
    expect(decodeCalibration(Uint8Array.from(readFileSync(cbor)))).toEqual(calibration);
    expect(calibration.waveform.elements.length).toBe(3);
    const again = JSON.parse(await ok("calibrate", ...args, "--json"));
    expect(again.calibration).toEqual(calibration);
    expect(again.cbor).toBe(readFileSync(cbor).toString("hex"));
  });

  it("by one load finds nearly what it finds by two", async () => {
    const found = async (points: string) =>
      JSON.parse(await ok("calibrate", "--points", points, "--json")).calibration.waveform.elements[0];
    const [one, two] = [await found("1"), await found("2")];
    expect(one.gain / two.gain).toBeCloseTo(1, 3);
    expect(Math.abs(one.delay_ns - two.delay_ns)).toBeLessThan(500);
  });

  it("its file is signed into a configuration command", async () => {
    const cbor = path("signed.cbor");
    await ok("calibrate", "--cbor", cbor);
    writeFileSync(path("authority.key"), `${"07".repeat(32)}\n`);
    const sign = (file: string, out: string) =>
      run(
        ...["command", "sign", "configuration", `calibration=${file}`, "--meter", "SM-0001"],
        ...["--counter", "1", "--key", path("authority.key"), "--out", out],
      );
    expect((await sign(cbor, path("command.cbor"))).code).toBe(0);
    const command = readFileSync(path("command.cbor"));
    expect(command.includes(Buffer.concat([Buffer.of(0xa1, 14), readFileSync(cbor)]))).toBe(true);
    writeFileSync(path("cut.cbor"), readFileSync(cbor).subarray(0, -1));
    const { code, err } = await sign(path("cut.cbor"), path("other.cbor"));
    expect(code).toBe(2);
    expect(err).toContain("cut.cbor: calibration");
    expect(existsSync(path("other.cbor"))).toBe(false);
  });

  it.each([
    [["--model", "d"], "there is no model 'd'"],
    [["--model", "a-shunt", "--elements", "3"], "a-shunt is built with 1 elements, not 3"],
    [["--channels", "1-0:1.8.0,7-0:3.0.0"], '"7-0:3.0.0" is no quantity'],
    [["--channels", "1-0:41.8.0"], '"1-0:41.8.0" is no quantity that a waveform of 1 element has'],
    [["--channels", "1-0:1.8.0,1-0:1.8.0"], "each once"],
    [["--points", "3"], "expected a whole number from 1 to 2"],
  ])("refuses %s", async (args, what) => {
    const { code, err } = await run("calibrate", ...args);
    expect(code).toBe(2);
    expect(err).toContain(what);
  });
});
