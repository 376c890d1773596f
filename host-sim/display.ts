// The meter's display on a computer: in a terminal, by Braille dots (64 letters wide) or by half blocks (128), in a
// frame; and as an SVG of the little module that it is on a board. Both show the dots as they are and add nothing.
import { HEIGHT, type Picture, WIDTH } from "../src/display/picture.js";

/** Dots that a letter of the terminal stands for, across and down. */
interface Cells {
  readonly columns: number;
  readonly rows: number;
  /** @param lit by dot of the cell: row by row, from the left. */
  readonly letter: (lit: readonly boolean[]) => string;
}

/** Unicode's Braille patterns: the bit of each of the 2 by 4 dots, row by row. */
const BRAILLE_BITS = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
const BRAILLE: Cells = {
  columns: 2,
  rows: 4,
  letter: (lit) =>
    String.fromCharCode(lit.reduce((code, dot, at) => (dot ? code + (BRAILLE_BITS[at] ?? 0) : code), 0x2800)),
};

const HALF_BLOCKS: Cells = {
  columns: 1,
  rows: 2,
  letter: ([upper, lower]) => (upper ? (lower ? "█" : "▀") : lower ? "▄" : " "),
};

function framed(picture: Picture, { columns, rows, letter }: Cells): readonly string[] {
  const lines = Array.from({ length: HEIGHT / rows }, (_, row) =>
    Array.from({ length: WIDTH / columns }, (_, column) =>
      letter(
        Array.from({ length: columns * rows }, (_, at) =>
          picture.has(column * columns + (at % columns), row * rows + Math.floor(at / columns)),
        ),
      ),
    ).join(""),
  );
  const edge = "─".repeat(WIDTH / columns);
  return [`╭${edge}╮`, ...lines.map((line) => `│${line}│`), `╰${edge}╯`];
}

/** 18 lines of 66 letters. */
export const brailleLines = (picture: Picture): readonly string[] => framed(picture, BRAILLE);

/** 34 lines of 130 letters: larger, where a terminal has the room. */
export const halfBlockLines = (picture: Picture): readonly string[] => framed(picture, HALF_BLOCKS);

/** Dots of glass around the picture, and between modules side by side. */
const GLASS = 6;
const GAP = 8;
/** Pixels of the image a dot. */
const SCALE = 3;
const COLUMNS_MAX = 2;

/** Runs of lit dots, each a stroke: dashes make them dots. */
function strokes(picture: Picture): string {
  let path = "";
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      let end = x;
      while (picture.has(end, y)) end++;
      if (end > x) path += `M${x} ${y}h${end - x}`;
      x = end;
    }
  return path;
}

function moduleAt(picture: Picture, x: number, y: number): string {
  const [width, height] = [WIDTH + 2 * GLASS, HEIGHT + 2 * GLASS];
  return [
    `<g transform="translate(${x} ${y})">`,
    `<rect width="${width}" height="${height}" rx="4" fill="#0b0f14" stroke="#2d3742"/>`,
    `<rect x="${GLASS - 2}" y="${GLASS - 2}" width="${WIDTH + 4}" height="${HEIGHT + 4}" fill="#05080b"/>`,
    `<path transform="translate(${GLASS} ${GLASS}.5)" stroke="#8fe3ff" stroke-width=".88" stroke-dasharray=".88 .12" d="${strokes(picture)}"/>`,
    "</g>",
  ].join("\n");
}

/** A whole SVG document: the pictures as modules side by side, two in a row. */
export function displaySvg(pictures: readonly Picture[]): string {
  const [stepX, stepY] = [WIDTH + 2 * GLASS + GAP, HEIGHT + 2 * GLASS + GAP];
  const columns = Math.min(COLUMNS_MAX, pictures.length);
  const [width, height] = [columns * stepX + GAP, Math.ceil(pictures.length / COLUMNS_MAX) * stepY + GAP];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width * SCALE}" height="${height * SCALE}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="${width}" height="${height}" fill="#e4e8ec"/>`,
    ...pictures.map((picture, at) =>
      moduleAt(picture, GAP + (at % COLUMNS_MAX) * stepX, GAP + Math.floor(at / COLUMNS_MAX) * stepY),
    ),
    "</svg>",
    "",
  ].join("\n");
}
