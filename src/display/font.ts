// The letters of the display, drawn for it: printable ASCII, 5 columns each in a cell of 6 by 8 dots, so that a line
// holds 21; and digits of seven segments, as meters show them, which are geometry and take no table. No two letters
// look alike, zero has a stroke, and what has no letter is written as an escape: nothing is left out or replaced.

export const FIRST_CODE = 32;
export const LAST_CODE = 126;
/** Columns of dots of a letter; one more parts it from the next. */
export const LETTER_COLUMNS = 5;

/** Two hex digits a column, the lowest bit on top, from the space to the tilde. */
const LETTERS =
  "000000000000005f00000003000300147f147f14242a7f2a12631308646336495522500000030000" +
  "001c2241000041221c0014083e081408083e080800e0600000080808080800606000006010080403" +
  "3e5149453e00427f400062514949462141454b311814127f1027454545393c4a4949300161190503" +
  "3649494936064949291e006666000000e66600000814224100141414141400412214080201590906" +
  "3e415d551e7c1211127c7f494949363e414141227f4141221c7f494949417f090909013e4141493a" +
  "7f0808087f00417f41002040413f017f081422417f404040407f020c027f7f0608307f3e4141413e" +
  "7f090909063e4151215e7f09192946464949493101017f01013f4040403f0f3040300f7f2018207f" +
  "631408146303047804036151494543007f41410003040810600041417f0004020102044040404040" +
  "000102000020545454787f484444383844444428384444487f3854545418047e05010018a4a4a47c" +
  "7f0804047800447d40000080847d007f10284400003f4040007c047804787c080404783844444438" +
  "fc2424241818242424fc7c080404084854545424043f4440203c4040207c1c2040201c3c4030403c" +
  "44281028441ca0a0a07c4464544c44000836410000007f000000413608000804081008";

const columns = Uint8Array.from({ length: LETTERS.length / 2 }, (_, at) =>
  Number.parseInt(LETTERS.slice(2 * at, 2 * at + 2), 16),
);

/**
 * A column of dots of a letter, one byte, the lowest bit on top.
 * @param code of the character, from FIRST_CODE to LAST_CODE.
 * @param column from 0 to LETTER_COLUMNS - 1.
 */
export const letterColumn = (code: number, column: number): number =>
  columns[(code - FIRST_CODE) * LETTER_COLUMNS + column] ?? 0;

/** The text in letters that the display has: any other UTF-16 code unit as a backslash, u and four hex digits. */
export function inLetters(text: string): string {
  let letters = "";
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    letters +=
      code >= FIRST_CODE && code <= LAST_CODE ? text.charAt(at) : `\\u${code.toString(16).padStart(4, "0")}`;
  }
  return letters;
}

/** Dots of a digit of seven segments; one is 21 dots high. */
export const DIGIT_COLUMNS = 10;
/** Dots of the point between such digits. */
export const POINT_COLUMNS = 3;

/** Segments of 0 to 9: top 1, upper right 2, lower right 4, bottom 8, lower left 16, upper left 32, middle 64. */
const SEGMENTS = [63, 6, 91, 79, 102, 109, 125, 7, 127, 111];

/** Dots from one to another, inclusive, of a column; none where `to` is less. */
const dots = (from: number, to: number) => (to < from ? 0 : (2 ** (to - from + 1) - 1) * 2 ** from);

/**
 * A column of dots of a large digit, 21 bits, the lowest on top.
 * @param digit from 0 to 9. @param column from 0 to DIGIT_COLUMNS - 1.
 */
export function digitColumn(digit: number, column: number): number {
  const segments = SEGMENTS[digit] ?? 0;
  const isRight = column >= DIGIT_COLUMNS / 2;
  // Segments taper towards their ends, so that those that meet stay apart.
  const depth = Math.min(column, DIGIT_COLUMNS - 1 - column);
  const [upper, lower] = isRight ? [2, 4] : [32, 16];
  let bits = 0;
  if (segments & 1) bits |= dots(0, Math.min(depth, 3) - 1);
  if (segments & 8) bits |= dots(21 - Math.min(depth, 3), 20);
  if (segments & 64 && depth >= 2) bits |= depth === 2 ? dots(10, 10) : dots(9, 11);
  if (depth > 2) return bits;
  if (segments & upper) bits |= dots(1 + depth, 9 - depth);
  if (segments & lower) bits |= dots(11 + depth, 19 - depth);
  return bits;
}

/** A column of the point: at the feet of the digits. */
export const POINT_COLUMN = dots(18, 20);
