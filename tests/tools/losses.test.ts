import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { utc } from "../../tools/command-line.js";
import { ticksFor } from "../../tools/plot-ticks.js";
import { run } from "./run.js";
import { cells, StreetFiles } from "./street-files.js";
import { expectInside, svgElements } from "./svg.js";

const street = new StreetFiles();
beforeAll(() => street.build(10, 20));
afterAll(() => street.remove());

const FIRST = Date.UTC(2026, 0, 5) / 1_000 / 1_800;
/** 60 % of 20 days, and 10:30. */
const BEGAN = FIRST + 12 * 48 + 21;
const [INTERVAL, START, CHANNEL, GROUP, MEMBERS, SUM, STATE] = [0, 1, 2, 3, 5, 6, 9];

const losses = (options: { aggregates?: string; feeder?: string } = {}, ...more: string[]) => {
  const { aggregates = street.aggregates, feeder = street.feeder } = options;
  return run("losses", "--aggregates", aggregates, "--feeder", feeder, ...more);
};
const json = async (options: { aggregates?: string; feeder?: string } = {}, ...more: string[]) => {
  const { code, out } = await losses(options, "--json", ...more);
  return { code, ...JSON.parse(out) };
};
const until = (interval: number) => (lines: string[]) =>
  lines.filter((line) => !(Number(line.split(",").find((cell) => /^\d{6,}$/.test(cell))) >= interval));

describe("sealmeter losses", () => {
  it("finds a bypass, says since when and how much, and ends with exit code 1", async () => {
    const result = await json();
    expect(result).toMatchObject({ code: 1, groups: ["STREET-1"], members: 10, compared: 960, missing: 0 });
    expect(result.step.direction).toBe("rise");
    expect(Math.abs(result.step.interval - BEGAN)).toBeLessThanOrEqual(48);
    expect(result.step.start).toBe(utc(result.step.interval * 1_800));
    expect(result.days).toHaveLength(20);
  });

  it("says in words what follows and what does not, and names no member", async () => {
    const { code, out, err } = await losses();
    expect([code, err]).toEqual([1, ""]);
    for (const words of [
      "STREET-1: 10 meters, 2026-01-05T00:00:00Z to 2026-01-25T00:00:00Z",
      "technical loss: ",
      "STEP: the loss rises at 2026-01-1",
      "what follows:",
      "what this cannot tell:\n  who: there are only sums",
    ]) {
      expect(out).toContain(words);
    }
    expect(out.match(/^2026-01-\d\d +48 /gm)).toHaveLength(20);
    expect(out).not.toMatch(/SM-\d/);
  });

  it("finds none in the days before it, with exit code 0, and says how small one could be", async () => {
    const feeder = street.altered(street.feeder, until(FIRST + 12 * 48 - 1));
    const result = await json({ feeder });
    // Half a day of the twelfth is not there: twelve days are too few.
    expect(result).toMatchObject({ code: 0, step: null, smallestStep_W: null });
    const { code, out } = await losses({ feeder });
    expect(code).toBe(0);
    expect(out).toContain("not judged: 12 days are at least half compared, and 14 are needed");
  });

  it("draws it, with the step marked", async () => {
    const svg = street.path("losses.svg");
    await losses({}, "--svg", svg);
    const drawn = readFileSync(svg, "utf8");
    expectInside(drawn);
    expect(svgElements(drawn).filter(({ name }) => name === "polyline")).toHaveLength(4);
    expect(drawn).toMatch(/step of \d+ W/);
  });

  it("tells that the no-load part is more than plausible when it is", async () => {
    expect(await json({}, "--max-no-load", "5")).toMatchObject({
      isNoLoadImplausible: true,
      noLoadLimit_W: 5,
    });
    expect(await json()).toMatchObject({ isNoLoadImplausible: false, noLoadLimit_W: 360 });
  });
});

describe("sums that are missing or not verified", () => {
  const every = (n: number) => (_: readonly string[], at: number) => at % n === 0;

  it("are not compared, and counted", async () => {
    const aggregates = street.altered(street.aggregates, cells({ [SUM]: "", [STATE]: "open" }, every(7)));
    const open = Math.floor((960 * 2) / 7);
    // A row in seven: never both channels of an interval.
    expect(await json({ aggregates })).toMatchObject({ code: 1, openRows: open, missing: open });
  });

  it.each(["unverified", "repaired"])("are taken only with --unverified if they are %s", async (state) => {
    const aggregates = street.altered(street.aggregates, cells({ [STATE]: state }, every(9)));
    const taken = Math.floor((960 * 2) / 9);
    expect(await json({ aggregates })).toMatchObject({ leftOutRows: taken, missing: taken });
    expect(await json({ aggregates }, "--unverified")).toMatchObject({ leftOutRows: 0, missing: 0 });
  });

  it("are in no sum of several groups unless all of them are there", async () => {
    const aggregates = street.altered(street.aggregates, (lines) => [
      ...lines,
      ...lines
        .slice(1, 101)
        .map((line) => line.replace("STREET-1", "STREET-2").replace(/,\d+,[\d.-]+,,/, ",0,0,,")),
    ]);
    expect(await json({ aggregates })).toMatchObject({
      groups: ["STREET-1", "STREET-2"],
      members: 20,
      compared: 50,
    });
  });

  it("and a change of the number of meters are told: it looks like a step and is none", async () => {
    const later = cells({ [MEMBERS]: "9" }, (row) => Number(row[INTERVAL]) >= BEGAN);
    const aggregates = street.altered(street.aggregates, later);
    const change = { interval: BEGAN, from: 10, to: 9 };
    expect(await json({ aggregates })).toMatchObject({ membersChanges: [change] });
    expect((await losses({ aggregates })).out).toContain("the sums are of 9 meters instead of 10");
  });
});

describe("the feeder's readings", () => {
  it.each([1, 2, 4, 16, 20])("of status %d are not compared", async (status) => {
    const feeder = street.altered(
      street.feeder,
      cells({ 2: `${status}` }, (_, at) => at <= 10),
    );
    expect(await json({ feeder })).toMatchObject({ compared: 950, missing: 10 });
  });

  it("are compared before they are sealed only with --unverified", async () => {
    const feeder = street.altered(
      street.feeder,
      cells({ 3: "provisional" }, (_, at) => at > 950),
    );
    expect(await json({ feeder })).toMatchObject({ missing: 10 });
    expect(await json({ feeder }, "--unverified")).toMatchObject({ missing: 0 });
  });

  it("may begin later and end earlier", async () => {
    const feeder = street.altered(street.feeder, ([header = "", ...rows]) => [
      header,
      ...rows.slice(48, -48),
    ]);
    expect(await json({ feeder })).toMatchObject({ compared: 864, from: "2026-01-06T00:00:00Z" });
  });

  it("need export if the street has it", async () => {
    const feeder = street.altered(street.feeder, (lines) => lines.map((line) => line.replace(/,[^,]*$/, "")));
    const { code, err } = await losses({ feeder });
    expect([code, err]).toEqual([2, "error: only the street measures export: no loss follows\n"]);
    const imports = street.altered(street.aggregates, (lines) =>
      lines.filter((line) => !line.includes(":2.8.0")),
    );
    const aggregates = street.path("imports.csv");
    writeFileSync(aggregates, readFileSync(imports));
    const onlyImport = street.altered(street.feeder, (lines) =>
      lines.map((line) => line.replace(/,[^,]*$/, "")),
    );
    expect(await json({ aggregates, feeder: onlyImport })).toMatchObject({ compared: 960 });
  });
});

describe("a file that is no such CSV is refused with exit code 2 and the line", () => {
  const aggregatesLine = (column: number, text: string) => cells({ [column]: text }, (_, at) => at === 4);

  it.each<[string, (lines: string[]) => string[], string]>([
    ["an empty file", () => [""], ":1: the header does not begin with interval,start,"],
    [
      "another header",
      ([, ...rows]) => ["a,b", ...rows],
      ":1: the header does not begin with interval,start,",
    ],
    ["nothing but the header", ([header = ""]) => [header], ": no sum that may be used (0 not verified)"],
    ["an interval that is none", aggregatesLine(INTERVAL, "x"), ':5: interval is "x", not a whole number'],
    ["an interval beyond u32", aggregatesLine(INTERVAL, "4294967296"), ":5: interval is "],
    ["another time", aggregatesLine(START, "2026-01-05T00:00:01Z"), ":5: interval 981985 does not start at"],
    ["no time", aggregatesLine(START, "yesterday"), ':5: interval 981985 does not start at "yesterday"'],
    ["a group that is none", aggregatesLine(GROUP, "../x"), ':5: "../x" is no group id'],
    ["a state that is none", aggregatesLine(STATE, "fine"), ':5: "fine" is none of verified, unverified'],
    ["members that are none", aggregatesLine(MEMBERS, "-1"), ':5: members is "-1", not a whole number'],
    ["a negative sum", aggregatesLine(SUM, "-1"), ':5: sum_Wh is "-1", not a whole number'],
    ["a missing sum", aggregatesLine(SUM, ""), ':5: sum_Wh is "", not a whole number'],
    ["a huge sum", aggregatesLine(SUM, "9007199254740993"), ":5: sum_Wh is "],
    [
      "a row twice",
      (lines) => [...lines, lines[4] ?? ""],
      "a second sum of 1-0:2.8.0 of STREET-1 in interval 981985",
    ],
    [
      "a row cut short",
      (lines) => lines.map((line, at) => (at === 4 ? "1,2" : line)),
      ":5: 2 cells where the header has 10",
    ],
    ["an open quote", (lines) => [...lines, '"'], ":1922: "],
    [
      "years between",
      (lines) => [...lines, "1,1970-01-01T00:30:00Z,1-0:1.8.0,G,1,1,1,1,,verified"],
      "is more than 38016 intervals",
    ],
    ["nothing verified", cells({ [STATE]: "unverified" }), ": no sum that may be used (1920 not verified)"],
    ["no channel of energy", cells({ [CHANNEL]: "7-0:3.0.0" }), ": no sum that may be used"],
  ])("for %s", async (_, change, what) => {
    const aggregates = street.altered(street.aggregates, change);
    const { code, out, err } = await losses({ aggregates });
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(`error: ${aggregates}`);
    expect(err).toContain(what);
    expect(err.indexOf("\n")).toBe(err.length - 1);
  });

  it.each<[string, (lines: string[]) => string[], string]>([
    ["no readings", ([header = ""]) => [header], ": there are no rows below the header"],
    [
      "no import",
      (lines) => lines.map((line) => line.split(",").slice(0, 4).join(",")),
      ":1: no column is named 1-0:1.8.0",
    ],
    ["a status that is none", cells({ 2: "256" }, (_, at) => at === 1), ':2: status is "256"'],
    [
      "a state that is none",
      cells({ 3: "open" }, (_, at) => at === 1),
      ':2: "open" is no state of a reading',
    ],
    ["a reading that is none", cells({ 4: "1.5" }, (_, at) => at === 1), ':2: 1-0:1.8.0 is "1.5"'],
    ["a reading twice", (lines) => [...lines, lines[1] ?? ""], ":962: a second reading of interval 981984"],
    [
      "a street's sums",
      () => readFileSync(street.aggregates, "utf8").trim().split("\n"),
      ":1: the header does not begin with start,interval,",
    ],
  ])("for a feeder's file with %s", async (_, change, what) => {
    const feeder = street.altered(street.feeder, change);
    const { code, err } = await losses({ feeder });
    expect(code).toBe(2);
    expect(err).toContain(`error: ${feeder}${what}`);
  });

  it("and files that do not belong together", async () => {
    const quarter = street.altered(street.feeder, (lines) => [
      lines[0] ?? "",
      ...lines.slice(1).map((line, at) => {
        const row = line.split(",");
        return [utc((2 * FIRST + at) * 900), 2 * FIRST + at, ...row.slice(2)].join(",");
      }),
    ]);
    expect((await losses({ feeder: quarter })).err).toContain(
      "the feeder has intervals of 900 s, the street of 1800 s",
    );
    const another = street.altered(street.feeder, (lines) => [
      lines[0] ?? "",
      ...lines
        .slice(1)
        .map((line, at) => [utc((at + 1) * 1_800), at + 1, ...line.split(",").slice(2)].join(",")),
    ]);
    expect((await losses({ feeder: another })).err).toContain("feeder and street have no time in common");
    expect(await losses({ feeder: street.path("nowhere") })).toMatchObject({ code: 2, out: "" });
  });
});

it("ticks are round, and hold 0 and all values", () => {
  expect(ticksFor([0, 37])).toEqual([0, 10, 20, 30, 40]);
  expect(ticksFor([-4, 11])).toEqual([-5, 0, 5, 10, 15]);
  expect(ticksFor([])).toEqual([0, 0.5]);
});
