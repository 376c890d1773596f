// Takes SVG documents apart as strictly as a test needs, and checks that all that is drawn lies inside them.
import { expect } from "vitest";

export interface SvgElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
}

/** The elements of an XML document without comments, sections or entities beyond the four. @throws if malformed. */
export function svgElements(xml: string): SvgElement[] {
  const open: string[] = [];
  const elements: SvgElement[] = [];
  const token = /<(\/?)([a-z]+)((?: [A-Za-z0-9:-]+="[^"<]*")*) *(\/?)>|([^<]+)/gy;
  for (let at = 0; at < xml.length; at = token.lastIndex) {
    token.lastIndex = at;
    const match = token.exec(xml);
    if (!match) throw new Error(`malformed at ${xml.slice(at, at + 60)}`);
    const [all, isClosing, name = "", attributes = "", isEmpty] = match;
    if (/&(?!(?:amp|lt|gt|quot);)/.test(all)) throw new Error(`a bare & in ${all}`);
    if (isClosing && open.pop() !== name) throw new Error(`</${name}> closes another`);
    if (isClosing || name === "") continue;
    const pairs = attributes.matchAll(/ ([A-Za-z0-9:-]+)="([^"]*)"/g);
    elements.push({
      name,
      attributes: new Map(Array.from(pairs, ([, key = "", value = ""]) => [key, value])),
    });
    if (!isEmpty) open.push(name);
  }
  if (open.length > 0) throw new Error(`${open} not closed`);
  return elements;
}

/** Every place of every element lies within the document's width and height. */
export function expectInside(xml: string): void {
  const [svg, ...elements] = svgElements(xml);
  const [width, height] = ["width", "height"].map((key) => Number(svg?.attributes.get(key))) as [
    number,
    number,
  ];
  const within = (value: number, most: number) => Number.isFinite(value) && value >= 0 && value <= most;
  for (const { attributes } of elements) {
    for (const [key, value] of attributes) {
      if (["x", "x1", "x2", "width"].includes(key)) expect(within(Number(value), width)).toBe(true);
      if (["y", "y1", "y2", "height"].includes(key)) expect(within(Number(value), height)).toBe(true);
      if (key !== "points") continue;
      for (const point of value.split(" ").filter((each) => each !== "")) {
        const [x = Number.NaN, y = Number.NaN] = point.split(",").map(Number);
        expect(within(x, width) && within(y, height)).toBe(true);
      }
    }
  }
}
