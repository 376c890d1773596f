import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ok, run } from "./run.js";

const root = mkdtempSync(join(tmpdir(), "sealmeter-traces-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Writes a plain trace of half hours from midnight on; `change` may spoil its lines. */
function traceFile(name: string, rows: number, change: (lines: string[]) => void = () => {}): string {
  const lines = Array.from({ length: rows }, (_, at) => {
    const stamp = new Date(Date.UTC(2024, 0, 1, 0, 30 * at)).toISOString().slice(0, 16);
    return `${stamp},0.${at % 10}25,0`;
  });
  lines.unshift("timestamp,import_kWh,export_kWh");
  change(lines);
  const path = join(root, name);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

const partials = () => readdirSync(root).filter((name) => name.includes("partial"));
const totals = async (home: string) => {
  const args = ["--key", join(home, "customer", "SM-0001.json"), "--authority", join(home, "authority.pub")];
  return JSON.parse(await ok("check", join(home, "SM-0001"), ...args, "--json"));
};

describe("a trace that is refused", () => {
  it.each([
    ["a gap", (lines: string[]) => lines.splice(5, 1), 6, "a gap: 1 row is missing after line 5"],
    ["a duplicate", (lines: string[]) => lines.splice(5, 0, lines[4] ?? ""), 6, "is already on line 5"],
    ["a negative", (lines: string[]) => lines.splice(5, 1, "2024-01-01T02:00,-0.1,0"), 6, 'negative: "-0.1"'],
    ["a non-number", (lines: string[]) => lines.splice(5, 1, "2024-01-01T02:00,x,0"), 6, 'not a number: "x"'],
    [
      "a null",
      (lines: string[]) => lines.splice(5, 1, "2024-01-01T02:00,Null,0"),
      6,
      "--gaps absent takes it",
    ],
    ["a row cut short", (lines: string[]) => lines.splice(5, 1, "2024-01-01T02:00,1"), 6, "2 cells where"],
    ["nothing", (lines: string[]) => lines.splice(0), 1, "the file is empty"],
  ])("for %s names file and line with exit code 2, and leaves no folder", async (_, change, line, what) => {
    const trace = traceFile("bad.csv", 48, change);
    const out = join(root, "refused");
    const { code, out: said, err } = await run("simulate", "--out", out, "--trace", trace);
    expect([code, said]).toEqual([2, ""]);
    expect(err.toLowerCase()).toContain(`error: ${trace}:${line}: `.toLowerCase());
    expect(err.toLowerCase()).toContain(what.toLowerCase());
    expect(err.endsWith("\n") && err.indexOf("\n") === err.length - 1).toBe(true);
    expect([existsSync(out), partials()]).toEqual([false, []]);
  });

  it.each([
    ["is a folder", () => root, "is a folder, not a file"],
    ["is missing", () => join(root, "none.csv"), "cannot be read (ENOENT)"],
    ["has no end", () => "/dev/zero", "longer than the 64000000 bytes that are read"],
    ["is before the years of a meter", () => years("1970"), "a simulation lies between 1970-01-02"],
    ["is after the years of a meter", () => years("2105"), "a simulation lies between 1970-01-02"],
  ])("because it %s is bad input", async (_, trace, what) => {
    const out = join(root, "refused");
    const { code, err } = await run("simulate", "--out", out, "--trace", trace());
    expect(code).toBe(2);
    expect(err).toContain(what);
    expect([existsSync(out), partials()]).toEqual([false, []]);
  });

  const years = (year: string) =>
    traceFile("years.csv", 4, (lines) => {
      lines.forEach((line, at) => {
        lines[at] = line.replace("2024", year);
      });
    });

  it("because it does not hold the days asked for says what it holds", async () => {
    const trace = traceFile("short.csv", 48);
    const out = join(root, "refused");
    const long = await run("simulate", "--out", out, "--trace", trace, "--days", "2");
    expect([long.code, long.err]).toEqual([
      2,
      "error: the trace ends 2024-01-02T00:00:00Z, before the 2 days are over\n",
    ]);
    const late = await run("simulate", "--out", out, "--trace", trace, "--from", "2024-01-02");
    expect([late.code, late.err]).toEqual([
      2,
      "error: the trace begins 2024-01-01T00:00:00Z and has no row at 2024-01-02T00:00:00Z\n",
    ]);
  });
});

describe("a trace becomes readings", () => {
  it("that add up to its energy, with gaps and nulls as times without power", async () => {
    const trace = traceFile("gaps.csv", 96, (lines) => {
      lines.splice(20, 4);
      lines.splice(60, 1, (lines[60] ?? "").replace(/,.*/, ",Null,0"));
    });
    const home = join(root, "gaps");
    await ok("simulate", "--out", home, "--trace", trace, "--gaps", "absent", "--interval", "900");
    const lines = readFileSync(trace, "utf8").trim().split("\n").slice(1);
    const Wh = lines.reduce((sum, line) => sum + (Number(line.split(",")[1]) || 0) * 1000, 0);
    const checked = await totals(home);
    expect(checked.totals_Wh["1-0:1.8.0"]).toBe(Math.round(Wh));
    expect(checked.gaps.length).toBeGreaterThanOrEqual(2);
  }, 20_000);

  it("named by --columns, in a layout of its own and in local time", async () => {
    const trace = traceFile("columns.csv", 48, (lines) => {
      lines[0] = "when,GC,GG";
    });
    const home = join(root, "columns");
    const columns = ["--columns", "import=GC:kW,export=GG:W", "--utc-offset", "-3.5"];
    const result = JSON.parse(await ok("simulate", "--out", home, "--trace", trace, ...columns, "--json"));
    expect(result).toMatchObject({ from: "2024-01-01T03:30:00Z", days: 1, directory: home });
  });

  it("the same for the same seed, to the last byte of the flash", async () => {
    const trace = traceFile("same.csv", 48);
    for (const name of ["one", "two"])
      await ok("simulate", "--out", join(root, name), "--trace", trace, "--seed", "9");
    const [one, two] = ["one", "two"].map((name) => readFileSync(join(root, name, "SM-0001", "flash.bin")));
    expect(one && two && Buffer.compare(one, two)).toBe(0);
  });
});

describe("the folder of a simulation", () => {
  it("may be there already if it is empty, and otherwise stays as it is", async () => {
    const out = join(root, "there");
    mkdirSync(out);
    const trace = traceFile("day.csv", 48);
    await ok("simulate", "--out", out, "--trace", trace);
    const before = readdirSync(out, { recursive: true });
    const { code, err } = await run("simulate", "--out", out, "--trace", trace);
    expect([code, err]).toEqual([2, `error: ${out}: exists and is not an empty folder\n`]);
    expect(readdirSync(out, { recursive: true })).toEqual(before);
    expect(partials()).toEqual([]);
  });

  it.each([
    ["under a file", () => join(traceFile("file.csv", 4), "home"), "is a file"],
    ["where no folder can be", () => "/proc/sealmeter", "cannot be made"],
  ])("%s is refused", async (_, out, what) => {
    const { code, err } = await run("simulate", "--out", out(), "--days", "1");
    expect(code).toBe(2);
    expect(err).toContain(what);
  });

  it("of somebody else is not replaced by start", async () => {
    const out = join(root, "precious");
    mkdirSync(out);
    writeFileSync(join(out, "letter.txt"), "keep me");
    const { code, err } = await run("start", "--out", out);
    expect([code, err]).toEqual([2, `error: ${out}: exists and is not an empty folder\n`]);
    expect(readdirSync(out)).toEqual(["letter.txt"]);
  });
});

// The file is not ours to publish: whoever has it gives its path.
const ausgrid = process.env.SEALMETER_AUSGRID ?? "";

describe.skipIf(ausgrid === "")(
  "two weeks of a real home, if SEALMETER_AUSGRID names the Ausgrid file",
  () => {
    it("are sealed and checked, and add up to what the file says", async () => {
      const home = join(root, "sydney");
      const columns = ["--columns", "import=GC:kW,export=GG:kW", "--utc-offset", "10", "--days", "14"];
      await ok("simulate", "--out", home, "--trace", ausgrid, ...columns);
      const rows = readFileSync(ausgrid, "utf8")
        .split("\n")
        .slice(1, 1 + 14 * 48);
      const sum_Wh = (column: number) =>
        Math.floor(rows.reduce((sum, row) => sum + 500 * Number(row.split(",")[column]), 0) + 1e-6);
      const checked = await totals(home);
      expect(checked).toMatchObject({ intervals: 673, gaps: [], provisionalIntervals: 0 });
      expect(checked.totals_Wh).toEqual({ "1-0:1.8.0": sum_Wh(1), "1-0:2.8.0": sum_Wh(2) });
    }, 30_000);
  },
);
