// A picture of 128 by 64 dots, lit or dark, in the byte order of the SSD1306's memory (data sheet, 8.7: 8 pages of
// 128 columns, the lowest bit on top), so that a driver sends it as it is. Text stands on the pages, which are its
// lines. It never draws a part of a text: what does not fit is the caller's error.
import {
  DIGIT_COLUMNS,
  digitColumn,
  LETTER_COLUMNS,
  letterColumn,
  POINT_COLUMN,
  POINT_COLUMNS,
} from "./font.js";

/** Dots. */
export const WIDTH = 128;
export const HEIGHT = 64;
/** Lines of small text, 8 dots high. */
export const LINES = HEIGHT / 8;
/** Letters that a line holds, small or tall. */
export const LINE_LETTERS = 21;

const CELL_COLUMNS = LETTER_COLUMNS + 1;
/** Dots between large digits. */
const DIGIT_GAP = 2;
/** The point leans on its digit. */
const POINT_GAP = 1;

/** Small letters take one line, tall ones two, digits of seven segments three. */
export type Size = "small" | "tall" | "large";

export const linesOf = (size: Size): number => (size === "small" ? 1 : size === "tall" ? 2 : 3);

/** Dots that a text is wide; large is for digits and points only. */
export function widthOf(text: string, size: Size): number {
  if (size !== "large") return text.length * CELL_COLUMNS;
  let width = 0;
  for (let at = 0; at < text.length; at++)
    width += text.charAt(at) === "." ? POINT_COLUMNS + POINT_GAP : DIGIT_COLUMNS + DIGIT_GAP;
  return width;
}

/** The four lowest bits, each twice. */
const doubled = (bits: number) => (bits & 1) * 3 + (bits & 2) * 6 + (bits & 4) * 12 + (bits & 8) * 24;

export class Picture {
  /** 1,024 bytes: the dot at (x, y) is bit y % 8 of byte 128 * floor(y / 8) + x. */
  readonly bytes = new Uint8Array((WIDTH * HEIGHT) / 8);

  clear(): void {
    this.bytes.fill(0);
  }

  /** Lights a dot. @throws Error for one beyond the picture. */
  set(x: number, y: number): void {
    if (!this.#holds(x, y)) throw new Error(`there is no dot at ${x}, ${y}`);
    const at = (y >> 3) * WIDTH + x;
    this.bytes[at] = (this.bytes[at] ?? 0) | (1 << (y & 7));
  }

  /** Whether a dot is lit; beyond the picture none is. */
  has(x: number, y: number): boolean {
    return this.#holds(x, y) && (((this.bytes[(y >> 3) * WIDTH + x] ?? 0) >> (y & 7)) & 1) === 1;
  }

  /** Dark dots become lit, lit ones dark. */
  invert(): void {
    for (let at = 0; at < this.bytes.length; at++) this.bytes[at] = (this.bytes[at] ?? 0) ^ 0xff;
  }

  /**
   * Draws a text whole, onto dark dots.
   * @param text of the font's letters; large, of digits and points.
   * @param x of its first column. @param line of its upper edge, 0 to 7.
   * @throws Error when it does not fit.
   */
  text(text: string, x: number, line: number, size: Size): void {
    if (x < 0 || line < 0 || x + widthOf(text, size) > WIDTH || line + linesOf(size) > LINES)
      throw new Error(`"${text}" does not fit at ${x}, line ${line}`);
    let at = x;
    for (let index = 0; index < text.length; index++) {
      const character = text.charAt(index);
      if (size === "large") this.#digit(character, at, line);
      else this.#letter(character.charCodeAt(0), at, line, size);
      at += widthOf(character, size);
    }
  }

  #letter(code: number, x: number, line: number, size: Size): void {
    for (let column = 0; column < LETTER_COLUMNS; column++) {
      const bits = letterColumn(code, column);
      if (size === "small") this.#put(x + column, line, bits);
      else this.#put(x + column, line, doubled(bits) + doubled(bits >> 4) * 256);
    }
  }

  #digit(character: string, x: number, line: number): void {
    const isPoint = character === ".";
    const columns = isPoint ? POINT_COLUMNS : DIGIT_COLUMNS;
    for (let column = 0; column < columns; column++)
      this.#put(x + column, line, isPoint ? POINT_COLUMN : digitColumn(Number(character), column));
  }

  /** Puts the bits of a column into a line and those below it. */
  #put(x: number, line: number, bits: number): void {
    let rest = bits;
    for (let at = line * WIDTH + x; rest > 0; at += WIDTH) {
      this.bytes[at] = rest & 0xff;
      rest >>>= 8;
    }
  }

  #holds(x: number, y: number): boolean {
    return x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT;
  }
}
