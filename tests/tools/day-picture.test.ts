import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DayPicture, type DrawnInterval, drawDay } from "../../tools/day-picture.js";

const [WIDTH, HEIGHT] = [1120, 430];
const commitment = Uint8Array.from({ length: 32 }, (_, at) => 8 * at);

const interval = (import_Wh: number, export_Wh = 0): DrawnInterval => ({ import_Wh, export_Wh, commitment });
const draw = (intervals: readonly DrawnInterval[], more: Partial<DayPicture> = {}) =>
  drawDay({ title: "a day", intervals, supplierLines: ["no reading"], ...more });

interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** The elements of an XML document without comments, sections or entities beyond the three; throws if malformed. */
function parseXml(xml: string): Element[] {
  const elements: Element[] = [];
  const open: string[] = [];
  const token = /<(\/?)([a-z]+)((?: [A-Za-z0-9:-]+="[^"<]*")*) *(\/?)>|([^<]+)/gy;
  for (let at = 0; at < xml.length; at = token.lastIndex) {
    token.lastIndex = at;
    const match = token.exec(xml);
    if (!match) throw new Error(`malformed at ${xml.slice(at, at + 60)}`);
    const [, isClosing, name = "", attributes = "", isEmpty, content = ""] = match;
    if (/&(?!(?:amp|lt|gt|quot);)/.test(content + attributes)) throw new Error(`a bare & in ${match[0]}`);
    if (content.trim() !== "" && open.length < 2) throw new Error("text outside of elements");
    if (isClosing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes another`);
    } else if (name !== "") {
      const pairs = Array.from(attributes.matchAll(/ ([A-Za-z0-9:-]+)="([^"]*)"/g), (pair) => [
        pair[1],
        pair[2],
      ]);
      const map = new Map(pairs.map(([key = "", value = ""]) => [key, value]));
      if (map.size !== pairs.length) throw new Error(`an attribute twice in ${match[0]}`);
      elements.push({ name, attributes: map });
      if (!isEmpty) open.push(name);
    }
  }
  if (open.length > 0) throw new Error(`${open} not closed`);
  return elements;
}

const bars = (xml: string, fill: string) =>
  parseXml(xml)
    .filter(
      ({ name, attributes }) =>
        name === "rect" && attributes.get("fill") === fill && attributes.get("height") !== "12",
    )
    .map(({ attributes }) => Number(attributes.get("height")));
const [IMPORT, EXPORT] = ["#2364aa", "#e08e0b"];

function expectInside(xml: string): void {
  for (const { name, attributes } of parseXml(xml)) {
    if (name === "svg") continue;
    const number = (key: string) => Number(attributes.get(key) ?? 0);
    const [x, y] = [number("x"), number("y")];
    const [right, bottom] = [x + number("width"), y + number("height")];
    const all = [x, y, right, bottom, number("x1"), number("x2"), number("y1"), number("y2")];
    expect(all.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
    expect(number("width")).toBeGreaterThanOrEqual(0);
    expect(number("height")).toBeGreaterThanOrEqual(0);
    expect(Math.max(right, number("x1"), number("x2"))).toBeLessThanOrEqual(WIDTH);
    expect(Math.max(bottom, number("y1"), number("y2"))).toBeLessThanOrEqual(HEIGHT);
  }
}

describe("the picture of a day", () => {
  it("is well-formed, with all that is drawn inside it, for any readings", () => {
    const Wh = fc.oneof(fc.nat(5000), fc.nat(0xffff_ffff));
    const one = fc.record({ import_Wh: Wh, export_Wh: Wh, commitment: fc.constant(commitment) });
    fc.assert(
      fc.property(fc.array(one, { minLength: 0, maxLength: 96 }), (intervals) =>
        expectInside(draw(intervals)),
      ),
      { numRuns: 20 },
    );
  });

  it("has a bar for every import in proportion to it", () => {
    const [first = 0, second = 0] = bars(draw([interval(1000), interval(250)]), IMPORT);
    expect(first / second).toBeCloseTo(4, 1);
  });

  it("of a day without export has no area below zero", () => {
    const xml = draw(Array.from({ length: 48 }, () => interval(500)));
    expect(Math.max(...bars(xml, EXPORT), 0)).toBe(0);
    expect(Math.max(...bars(xml, IMPORT))).toBe(230);
  });

  it("of a day without anything draws no bar of any height", () => {
    const xml = draw(Array.from({ length: 48 }, () => interval(0)));
    expectInside(xml);
    expect(Math.max(...bars(xml, IMPORT), ...bars(xml, EXPORT))).toBe(0);
  });

  it("of quarter hours has 96 columns", () => {
    const xml = draw(Array.from({ length: 96 }, () => interval(10, 10)));
    expectInside(xml);
    expect(bars(xml, IMPORT)).toHaveLength(96);
  });

  it("leaves room where the meter had no power", () => {
    const day = Array.from({ length: 48 }, (_, at) => (at >= 4 && at < 10 ? null : interval(100)));
    const xml = drawDay({ title: "a day", intervals: day, supplierLines: [] });
    expectInside(xml);
    expect(bars(xml, IMPORT)).toHaveLength(42);
    const xs = parseXml(xml)
      .filter(({ attributes }) => attributes.get("fill") === IMPORT && attributes.get("height") !== "12")
      .map(({ attributes }) => Number(attributes.get("x")));
    const step = 460 / 48;
    expect((xs[4] ?? 0) - (xs[3] ?? 0)).toBeCloseTo(7 * step, 0);
  });

  it("escapes what it is given", () => {
    const xml = draw([interval(1)], {
      title: 'A & B <script>"1"</script>',
      supplierLines: ["a < b && c > d"],
    });
    expectInside(xml);
    expect(xml).toContain("A &amp; B &lt;script&gt;");
    expect(xml).not.toContain("<script>");
  });
});
