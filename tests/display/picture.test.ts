import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HEIGHT, LINE_LETTERS, Picture, WIDTH, widthOf } from "../../src/display/picture.js";

describe("a picture", () => {
  it("has its bytes in the SSD1306's order: pages of 128 columns, the lowest bit on top", () => {
    const picture = new Picture();
    for (const [x, y] of [
      [0, 0],
      [127, 7],
      [5, 8],
      [127, 63],
    ] as const)
      picture.set(x, y);
    expect(picture.bytes.length).toBe(1024);
    const lit = Array.from(picture.bytes, (byte, at) => [at, byte]).filter(([, byte]) => byte !== 0);
    expect(lit).toEqual([
      [0, 1],
      [127, 0x80],
      [128 + 5, 1],
      [1023, 0x80],
    ]);
  });

  it("tells of each dot whether it was lit, and of none beyond itself", () => {
    const dot = fc.tuple(fc.nat(WIDTH - 1), fc.nat(HEIGHT - 1));
    fc.assert(
      fc.property(fc.array(dot, { maxLength: 20 }), dot, (dots, [x, y]) => {
        const picture = new Picture();
        for (const [atX, atY] of dots) picture.set(atX, atY);
        const isLit = dots.some(([atX, atY]) => atX === x && atY === y);
        expect(picture.has(x, y)).toBe(isLit);
        picture.invert();
        expect(picture.has(x, y)).toBe(!isLit);
        picture.clear();
        expect(picture.has(x, y)).toBe(false);
      }),
    );
    const full = new Picture();
    full.invert();
    for (const [x, y] of [
      [-1, 0],
      [128, 0],
      [0, -1],
      [0, 64],
    ] as const) {
      expect(full.has(x, y)).toBe(false);
      expect(() => full.set(x, y)).toThrow("there is no dot");
    }
  });

  it("draws an F small, tall and at its place", () => {
    const small = new Picture();
    small.text("F", 10, 2, "small");
    expect(Array.from(small.bytes.slice(2 * 128 + 9, 2 * 128 + 16))).toEqual([
      0, 0x7f, 0x09, 0x09, 0x09, 0x01, 0,
    ]);
    const tall = new Picture();
    tall.text("F", 0, 0, "tall");
    for (let y = 0; y < 16; y++)
      for (let x = 0; x < 6; x++) expect(tall.has(x, y)).toBe(small.has(10 + x, 16 + (y >> 1)));
  });

  it("holds 21 letters a line, and never draws a part of a text", () => {
    const picture = new Picture();
    const line = "m".repeat(LINE_LETTERS);
    picture.text(line, 1, 7, "small");
    picture.clear();
    for (const draw of [
      () => picture.text(`${line}m`, 0, 0, "small"),
      () => picture.text(line, 3, 0, "small"),
      () => picture.text("m", 0, 7, "tall"),
      () => picture.text("8", 0, 6, "large"),
      () => picture.text("8", -1, 0, "large"),
      () => picture.text("8", 0, -1, "large"),
    ])
      expect(draw).toThrow("does not fit");
    expect(picture.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it("gives the point of large digits less room than a digit", () => {
    expect(widthOf("000001.234", "large")).toBe(9 * 12 + 4);
    expect(widthOf("1234567.890", "large")).toBeLessThanOrEqual(WIDTH);
  });
});
