import { describe, expect, it } from "vitest";
import {
  DIGIT_COLUMNS,
  digitColumn,
  FIRST_CODE,
  inLetters,
  LAST_CODE,
  LETTER_COLUMNS,
  letterColumn,
} from "../../src/display/font.js";

const codes = Array.from({ length: LAST_CODE - FIRST_CODE + 1 }, (_, at) => FIRST_CODE + at);
const letter = (code: number) =>
  Array.from({ length: LETTER_COLUMNS }, (_, column) => letterColumn(code, column));
const digit = (value: number) =>
  Array.from({ length: DIGIT_COLUMNS }, (_, column) => digitColumn(value, column));

describe("the letters", () => {
  it("are no two alike, and none but the space is empty", () => {
    expect(new Set(codes.map((code) => letter(code).join())).size).toBe(95);
    for (const code of codes) expect(letter(code).some((column) => column > 0)).toBe(code !== 32);
  });

  it("stand on the line: of capitals and digits none goes below it, and all fill their height", () => {
    for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") {
      const union = letter(character.charCodeAt(0)).reduce((bits, column) => bits | column, 0);
      expect([character, union]).toEqual([character, 0x7f]);
    }
  });

  it("are as drawn: an F", () => {
    expect(letter("F".charCodeAt(0))).toEqual([0x7f, 0x09, 0x09, 0x09, 0x01]);
  });

  it("differ by more than a dot where a person confuses them", () => {
    const distance = (a: string, b: string) => {
      const [first, second] = [letter(a.charCodeAt(0)), letter(b.charCodeAt(0))];
      return first.reduce(
        (sum, column, at) => sum + (column ^ (second[at] ?? 0)).toString(2).replaceAll("0", "").length,
        0,
      );
    };
    for (const pair of ["0O", "1l", "1I", "lI", "5S", "8B", "2Z", "6b", "9g", "0D"])
      expect([pair, distance(pair.charAt(0), pair.charAt(1)) > 2]).toEqual([pair, true]);
  });

  it("write what they have not as an escape, and what they have as it is", () => {
    expect(inLetters("12.34 \u20ac\n~")).toBe("12.34 \\u20ac\\u000a~");
    expect(inLetters("\u{1f50c}")).toBe("\\ud83d\\udd0c");
    const all = String.fromCharCode(...codes);
    expect(inLetters(all)).toBe(all);
  });
});

describe("the digits of segments", () => {
  it("are no two alike and 21 dots high at most", () => {
    const digits = Array.from({ length: 10 }, (_, value) => digit(value));
    expect(new Set(digits.map((columns) => columns.join())).size).toBe(10);
    for (const column of digits.flat()) expect(column).toBeLessThan(2 ** 21);
  });

  it("have an 8 that holds every other, and a 1 of its right side only", () => {
    for (let value = 0; value < 10; value++)
      digit(value).forEach((bits, column) => {
        expect(bits & ~digitColumn(8, column)).toBe(0);
      });
    expect(digit(1).slice(0, 7)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });
});
