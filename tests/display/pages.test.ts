import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inLetters } from "../../src/display/font.js";
import { drawPage, type Page, pagesOf } from "../../src/display/pages.js";
import { LINES, linesOf, Picture } from "../../src/display/picture.js";
import { litDots, read } from "./reader.js";

const UNIT = [
  "SM-0001",
  "software 0123456789abcdef",
  "1-0:1.8.0 000001.234 kWh",
  "1-0:2.8.0 000000.000 kWh",
  "2026-01-01T12:34:56.000Z",
  "load switch closed",
  "batch 12 sealed to 2026-01-01T00:00:00.000Z",
];
const FAULTS = ["self-test 5 failed: not sealing", "flash fault", "tamper", "3 messages refused"];
const QUESTION = "pair with 0123456789abcdef? press again";

const isUnits = ({ kind }: Page) => kind !== "credit";
const textOf = (pages: readonly Page[]) => pages.flatMap(({ rows }) => rows.map(({ text }) => text)).join("");
const kindsOf = (pages: readonly Page[]) => pages.map(({ kind }) => kind);

/** Draws a page and reads every row of it back from its dots. */
function expectLegible(page: Page): void {
  const picture = new Picture();
  picture.invert();
  drawPage(page, picture);
  if (page.kind === "credit") picture.invert();
  const heading = { text: page.heading, size: "small", x: 1, line: 0 } as const;
  let dots = 0;
  for (const row of [heading, ...page.rows]) {
    expect(read(picture, row)).toBe(row.text.trimEnd());
    expect(row.line + linesOf(row.size)).toBeLessThanOrEqual(LINES);
    const alone = new Picture();
    alone.text(row.text.trimEnd(), row.x, row.line, row.size);
    dots += litDots(alone);
  }
  // Nothing else is lit, and no two texts share a dot.
  expect(litDots(picture)).toBe(dots);
}

const anyText = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(...UNIT, ...FAULTS, QUESTION, "", "   "),
);

describe("what the unit says", () => {
  it("is on the pages whole and as it is, whatever it says and in whatever letters", () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { maxLength: 12 }),
        fc.array(anyText, { maxLength: 4 }),
        (unit, credit) => {
          const pages = pagesOf(unit, credit);
          for (const page of pages) expectLegible(page);
          const shown = textOf(pages.filter(isUnits));
          expect(shown.length).toBe(unit.map(inLetters).join("").length);
          for (const line of unit) expect(shown).toContain(inLetters(line));
          expect(textOf(pages.filter((page) => !isUnits(page)))).toBe(credit.map(inLetters).join(""));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("has its pages in this order, and none without anything to say", () => {
    const expected = ["register", "register", "identity", "time", "supply"];
    expect(kindsOf(pagesOf(UNIT, []))).toEqual(expected);
    expect(kindsOf(pagesOf([...UNIT, ...FAULTS, QUESTION], ["credit 1.00 EUR"]))).toEqual([
      ...expected,
      "notice",
      "pairing",
      "credit",
    ]);
    expect(kindsOf(pagesOf([], []))).toEqual([]);
  });

  it("names the meter and its software on one page", () => {
    const [page] = pagesOf(UNIT, []).filter(({ kind }) => kind === "identity");
    expect(page?.rows.map(({ text }) => text)).toEqual(["SM-0001", "software ", "0123456789abcdef"]);
    const longest = "A-METER-ID-OF-32-LETTERS-0123456";
    const pages = pagesOf([longest, ...UNIT.slice(1)], []);
    expect(pages.filter(({ kind }) => kind === "identity")).toHaveLength(1);
    expect(textOf(pages)).toContain(longest);
  });

  it("is not taken for a register, a fault or a question because of the meter's name", () => {
    for (const meterId of ["TAMPER", "0", "2026-01-01T12-34-56Z"])
      expect(kindsOf(pagesOf([meterId, ...UNIT.slice(1)], []))).toEqual(kindsOf(pagesOf(UNIT, [])));
  });

  it("is a time that is confirmed, or one that is said to be not", () => {
    const timePage = (line: string) =>
      pagesOf([...UNIT.slice(0, 4), line], []).find(({ kind }) => kind === "time");
    expect(timePage("2026-01-01T12:34:56.000Z")).toMatchObject({
      heading: "time confirmed, UTC",
      rows: [{ text: "2026-01-01T" }, { text: "12:34:56.000Z" }],
    });
    expect(timePage("time unconfirmed")).toMatchObject({
      heading: "time",
      rows: [{ text: "time unconfirmed" }],
    });
  });

  it("breaks at spaces and between date and time", () => {
    const [page] = pagesOf(UNIT, []).filter(({ kind }) => kind === "supply");
    expect(page?.rows.map(({ text }) => text)).toEqual([
      "load switch closed",
      "batch 12 sealed to ",
      "2026-01-01T",
      "00:00:00.000Z",
    ]);
  });

  it("is shown too where there is no unit, and at any length", () => {
    expect(pagesOf(["not provisioned"], [])).toMatchObject([{ kind: "notice" }]);
    const trouble = `stopped: ${"a flash that reads otherwise each time ".repeat(10)}`;
    const pages = pagesOf([trouble], []);
    expect(pages.length).toBeGreaterThan(2);
    expect(textOf(pages)).toBe(trouble);
    for (const page of pages) expectLegible(page);
  });
});

describe("a register", () => {
  const rowsOf = (value: string) => pagesOf([`1-0:1.8.0 ${value} kWh`], []).flatMap(({ rows }) => rows);

  it("is large for 4,000 h at full load of 3 x 100 A x 230 V, and for ten times that", () => {
    const fullLoad_Wh = 3 * 100 * 230 * 4000;
    for (const Wh of [fullLoad_Wh, 10 * fullLoad_Wh]) {
      const value = `${Wh / 1000}.000`;
      expect(rowsOf(value)).toMatchObject([
        { text: "1-0:1.8.0 ", size: "small" },
        { text: `${value} `, size: "large" },
        { text: "kWh", size: "tall" },
      ]);
    }
    expect(`${fullLoad_Wh / 1000}`).toHaveLength(6);
  });

  it("shrinks, then takes more lines and pages, and never loses a digit", () => {
    const sizes = [7, 8, 17, 18, 40, 400].map((digits) => {
      const value = `${"123456789".repeat(50).slice(0, digits)}.042`;
      const line = `1-0:1.8.0 ${value} kWh`;
      const pages = pagesOf([line], []);
      for (const page of pages) expectLegible(page);
      expect(textOf(pages)).toBe(line);
      return rowsOf(value)[1]?.size;
    });
    expect(sizes).toEqual(["large", "tall", "tall", "small", "small", "small"]);
  });
});

describe("a question", () => {
  it("shows its 16 digits in one line and tall", () => {
    const [page] = pagesOf([...UNIT, QUESTION], []).filter(({ kind }) => kind === "pairing");
    expect(page?.rows).toMatchObject([
      { text: "pair with ", size: "small" },
      { text: "0123456789abcdef", size: "tall" },
      { text: "? press again", size: "small" },
    ]);
  });
});

describe("what is not the unit's", () => {
  it("is on pages of its own, dark on lit under a heading, even if it speaks like the unit", () => {
    const pages = pagesOf(UNIT, [...UNIT, ...FAULTS, QUESTION]);
    expect(kindsOf(pages.filter(isUnits))).toEqual(kindsOf(pagesOf(UNIT, [])));
    const credit = pages.filter((page) => !isUnits(page));
    expect(credit.length).toBeGreaterThan(1);
    for (const page of pages) {
      const picture = new Picture();
      drawPage(page, picture);
      const isLit = litDots(picture) > (128 * 64) / 2;
      expect([page.heading === "CREDIT", isLit]).toEqual([!isUnits(page), !isUnits(page)]);
    }
  });
});
