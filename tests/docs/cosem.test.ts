// Keeps docs/cosem.md true: what the code can have is a row of the page, and what a row refers to is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CREDIT_SETTINGS, CreditSetting } from "../../src/credit/settings.js";
import { KINDS } from "../../src/supplier/command.js";
import { OBIS } from "../../src/trusted/authority/configuration.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import { quantityOf } from "../../src/trusted/metrology/waveform.js";

interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const page = readFileSync("docs/cosem.md", "utf8");
const protocol = readFileSync("docs/protocol.md", "utf8");
const cellsOf = (line: string) =>
  line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());

/** Runs of lines that begin with a bar: header, rule, rows. */
const tables: readonly Table[] = (page.match(/(?:^\|.*\n)+/gm) ?? []).map((text) => {
  const [header = [], , ...rows] = text.trimEnd().split("\n").map(cellsOf);
  return { header, rows };
});

/** Rows of the one table whose first column is called so. */
function rowsOf(first: string): Table["rows"] {
  const [table, ...others] = tables.filter(({ header }) => header[0] === first);
  expect(table, `a table of "${first}"`).toBeDefined();
  expect(others).toEqual([]);
  return table?.rows ?? [];
}

/** The number at the beginning of each row. */
const numbersOf = (first: string) => rowsOf(first).map(([cell = ""]) => Number(/^\d+/.exec(cell)?.[0]));
const registers = rowsOf("OBIS").map(([cell = ""]) => cell.replaceAll("`", ""));

const textsUnder = (folder: string, ending: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => ending.test(name))
    .map((name) => readFileSync(`${folder}/${name}`, "utf8"));

describe("docs/cosem.md has a row for", () => {
  it("each event type, and for no other", () => {
    expect(numbersOf("our event")).toEqual(Object.values(EventType));
  });

  it("each status flag", () => {
    expect(numbersOf("our flag")).toEqual(Object.values(Status));
  });

  it("each kind of command, by its name", () => {
    const kinds = Object.entries(KINDS).map(([name, { number }]) => `${number} \`${name}\``);
    expect(rowsOf("our command").map(([cell]) => cell)).toEqual(kinds);
  });

  it("each credit setting, by the number and the name that the command line takes", () => {
    const named = [...CREDIT_SETTINGS].map(([name, { number }]) => [`${number}`, `\`${name}\``]);
    expect(rowsOf("setting").map((cells) => cells.slice(0, 2))).toEqual(named);
    expect(numbersOf("setting")).toEqual(Object.values(CreditSetting));
  });

  it("each tamper input that a device has", () => {
    const port = readFileSync("src/trusted/ports.ts", "utf8");
    const described = /tamper input n is active:([^.]*)\./.exec(port)?.[1] ?? "";
    expect(numbersOf("tamper input")).toEqual((described.match(/\d+(?= )/g) ?? []).map(Number));
  });

  it("each quantity of a waveform, and a register that a meter can be told to have in every row", () => {
    const codes = Array.from({ length: 256 }, (_, C) => `1-0:${C}.8.0`).filter((code) => quantityOf(code));
    expect(codes).toHaveLength(16);
    expect(new Set(registers.slice(0, 16))).toEqual(new Set(codes));
    expect(registers.slice(16).filter((code) => quantityOf(code))).toEqual([]);
    for (const code of registers) expect(code).toMatch(OBIS);
    expect(new Set(registers).size).toBe(registers.length);
  });

  it("each register of the simulator, of the tools and of the examples", () => {
    const texts = [
      ...textsUnder("host-sim", /\.ts$/),
      ...textsUnder("tools", /\.ts$/),
      ...textsUnder("docs/examples", /\.json$/),
    ];
    const used = texts.flatMap((text) => text.match(/(?<=")\d+-\d+:\d+\.\d+\.\d+(?=")/g) ?? []);
    expect(used.length).toBeGreaterThan(10);
    expect([...new Set(used)].filter((code) => !registers.includes(code))).toEqual([]);
  });
});

describe("what docs/cosem.md says of a register", () => {
  it.each(rowsOf("OBIS"))("%s, %s, in %s", (code = "", _, unit = "", scaler) => {
    const quantity = quantityOf(code.replaceAll("`", ""));
    const ofWaveform = quantity?.isReactive ? "32 varh" : "30 Wh";
    const ofOthers = code.startsWith("`1-") ? "31 VAh" : "13 m3";
    expect(unit).toBe(quantity ? ofWaveform : ofOthers);
    // The meter counts Wh, varh and dm3.
    expect(scaler).toBe(unit === "13 m3" ? "-3" : "0");
  });
});

describe("docs/cosem.md refers to what is there:", () => {
  const sources = tables.flatMap(({ header, rows }) => {
    const at = header.indexOf("from");
    return at < 0 ? [] : rows.map((cells) => [cells[0] ?? "", cells[at] ?? ""] as const);
  });

  it("every row says where it comes from", () => {
    expect(sources.length).toBeGreaterThan(100);
    for (const [row, from] of sources)
      expect(from, row).toMatch(/§\d|\.ts|\.md|src\/credit|setting \d|proposed/);
  });

  it("sections of the protocol", () => {
    const numbers = new Set([...page.matchAll(/§(\d+)/g)].map(([, number]) => number));
    expect(numbers.size).toBeGreaterThan(5);
    for (const number of numbers) expect(protocol).toMatch(new RegExp(`^## ${number}\\. `, "m"));
  });

  it("files", () => {
    const names = new Set(sources.flatMap(([, from]) => from.match(/[\w/-]+\.(?:ts|md)/g) ?? []));
    expect(names.size).toBeGreaterThan(5);
    for (const name of names)
      expect(
        ["src/trusted", "src", "docs"].some((folder) => existsSync(`${folder}/${name}`)),
        name,
      ).toBe(true);
  });

  it("its own sections, also from the protocol", () => {
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );
    const links = [...page.matchAll(/\]\(#([^)]+)\)/g), ...protocol.matchAll(/\]\(cosem\.md#([^)]+)\)/g)];
    expect(links.length).toBeGreaterThan(10);
    for (const [, anchor] of links) expect(headings).toContain(anchor);
  });

  it("sources by their letters", () => {
    const letters = rowsOf("letter").map(([letter]) => letter);
    const confirmed = tables.flatMap(({ header, rows }) =>
      header.at(-1) === "DLMS" ? rows.map((cells) => cells.at(-1) ?? "") : [],
    );
    const inText = [...page.matchAll(/\[([A-Z](?:, [A-Z])*)\]/g)].map(([, list = ""]) => list);
    const used = [...confirmed, ...inText].flatMap((cell) => cell.match(/\b[A-Z]\b/g) ?? []);
    expect(new Set(used)).toEqual(new Set(letters));
  });
});
