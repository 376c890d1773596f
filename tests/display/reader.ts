// Reads a picture as a person does: finds the letter whose dots stand at a place. It knows how letters look only by
// having each drawn alone.
import type { Row } from "../../src/display/pages.js";
import { linesOf, Picture, type Size, WIDTH, widthOf } from "../../src/display/picture.js";

const ASCII = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));
const FIGURES = [..."0123456789."];

const columnAt = ({ bytes }: Picture, x: number, line: number, size: Size) =>
  Array.from({ length: linesOf(size) }, (_, at) => bytes[(line + at) * WIDTH + x] ?? 0).join();

const columnsAt = (picture: Picture, x: number, line: number, size: Size, width: number) =>
  Array.from({ length: Math.min(width, WIDTH - x) }, (_, at) => columnAt(picture, x + at, line, size));

function drawn(character: string, size: Size): readonly string[] {
  const picture = new Picture();
  picture.text(character, 0, 0, size);
  return columnsAt(picture, 0, 0, size, widthOf(character, size));
}

const letters = (["small", "tall", "large"] as const).map((size) => ({
  size,
  letters: (size === "large" ? FIGURES : ASCII).map((character) => ({
    character,
    columns: drawn(character, size),
  })),
}));

/** The text that stands at a row's place, over the length of the row's own without spaces at its end. */
export function read(picture: Picture, { text, size, x, line }: Row): string {
  const known = letters.find((font) => font.size === size)?.letters ?? [];
  const length = text.trimEnd().length;
  let [at, seen] = [x, ""];
  while (seen.length < length) {
    const found = known.find(
      ({ columns }) => columnsAt(picture, at, line, size, columns.length).join(";") === columns.join(";"),
    );
    if (!found) return `${seen}<nothing known>`;
    seen += found.character;
    at += found.columns.length;
  }
  return seen;
}

/** Lit dots of a picture. */
export const litDots = ({ bytes }: Picture) =>
  bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
