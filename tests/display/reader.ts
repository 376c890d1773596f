// Reads a picture as a person does: finds the letter whose dots stand at a place. It knows how letters look only by
// having each drawn alone.
import type { Row } from "../../src/display/pages.js";
import { linesOf, Picture, type Size, WIDTH, widthOf } from "../../src/display/picture.js";

const ASCII = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));
const FIGURES = [..."0123456789."];

/** The dots of some columns, as one text. */
function columnsAt({ bytes }: Picture, x: number, line: number, size: Size, width: number): string {
  let dots = "";
  for (let at = x; at < Math.min(x + width, WIDTH); at++)
    for (let below = 0; below < linesOf(size); below++) dots += `${bytes[(line + below) * WIDTH + at]} `;
  return dots;
}

function drawn(character: string, size: Size): string {
  const picture = new Picture();
  picture.text(character, 0, 0, size);
  return columnsAt(picture, 0, 0, size, widthOf(character, size));
}

const fontOf = (size: Size, characters: readonly string[]) =>
  new Map(characters.map((character) => [drawn(character, size), character]));
const FONTS = { small: fontOf("small", ASCII), tall: fontOf("tall", ASCII), large: fontOf("large", FIGURES) };

/** The text that stands at a row's place, over the length of the row's own without spaces at its end. */
export function read(picture: Picture, { text, size, x, line }: Row): string {
  const widths = new Set([...FONTS[size].values()].map((character) => widthOf(character, size)));
  const length = text.trimEnd().length;
  let [at, seen] = [x, ""];
  while (seen.length < length) {
    const [found] = [...widths].flatMap(
      (width) => FONTS[size].get(columnsAt(picture, at, line, size, width)) ?? [],
    );
    if (found === undefined) return `${seen}<nothing known>`;
    seen += found;
    at += widthOf(found, size);
  }
  return seen;
}

/** Lit dots of a picture. */
export function litDots({ bytes }: Picture): number {
  let dots = 0;
  for (const byte of bytes) for (let bits = byte; bits > 0; bits >>= 1) dots += bits & 1;
  return dots;
}
