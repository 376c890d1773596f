import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { brailleLines, displaySvg, halfBlockLines } from "../../host-sim/display.js";
import { HEIGHT, Picture, WIDTH } from "../../src/display/picture.js";

const anyPicture = fc.uint8Array({ minLength: 1024, maxLength: 1024 }).map((bytes) => {
  const picture = new Picture();
  picture.bytes.set(bytes);
  return picture;
});

const inside = (lines: readonly string[]) => lines.slice(1, -1).map((line) => line.slice(1, -1));

/** A picture again of what was drawn, dot by dot. */
function dotsOf(isLit: (x: number, y: number) => boolean): Picture {
  const picture = new Picture();
  for (let y = 0; y < HEIGHT; y++) for (let x = 0; x < WIDTH; x++) if (isLit(x, y)) picture.set(x, y);
  return picture;
}

/** Dots 1 to 8 of Braille, as Unicode numbers them: (column, row). */
const BRAILLE_BIT = [
  [0, 1, 2, 6],
  [3, 4, 5, 7],
];

describe("a picture in a terminal", () => {
  it("has every dot of it in Braille, 64 by 16 letters in a frame", () => {
    fc.assert(
      fc.property(anyPicture, (picture) => {
        const lines = brailleLines(picture);
        expect([lines.length, ...new Set(lines.map(({ length }) => length))]).toEqual([18, 66]);
        const shown = inside(lines);
        const again = dotsOf((x, y) => {
          const code = (shown[y >> 2] ?? "").charCodeAt(x >> 1) - 0x2800;
          return ((code >> (BRAILLE_BIT[x & 1]?.[y & 3] ?? 0)) & 1) === 1;
        });
        expect(again.bytes).toEqual(picture.bytes);
      }),
      { numRuns: 10 },
    );
  });

  it("has every dot of it in half blocks, 128 by 32", () => {
    fc.assert(
      fc.property(anyPicture, (picture) => {
        const lines = halfBlockLines(picture);
        expect([lines.length, ...new Set(lines.map(({ length }) => length))]).toEqual([34, 130]);
        const shown = inside(lines);
        const again = dotsOf((x, y) =>
          ((y & 1) === 0 ? "▀█" : "▄█").includes((shown[y >> 1] ?? "")[x] ?? "?"),
        );
        expect(again.bytes).toEqual(picture.bytes);
      }),
      { numRuns: 10 },
    );
  });
});

describe("pictures as SVG", () => {
  it("have every dot of each in one path of runs", () => {
    fc.assert(
      fc.property(fc.array(anyPicture, { minLength: 1, maxLength: 3 }), (pictures) => {
        const paths = Array.from(displaySvg(pictures).matchAll(/ d="([^"]*)"/g), ([, path = ""]) => path);
        const again = paths.map((path) => {
          const runs = Array.from(path.matchAll(/M(\d+) (\d+)h(\d+)/g), (run) => run.slice(1).map(Number));
          expect(runs.length).toBe(path.split("M").length - 1);
          const dots = new Set<number>();
          for (const [x = 0, y = 0, length = 0] of runs)
            for (let at = x; at < x + length; at++) dots.add(y * WIDTH + at);
          return dotsOf((x, y) => dots.has(y * WIDTH + x)).bytes;
        });
        expect(again).toEqual(pictures.map(({ bytes }) => bytes));
      }),
      { numRuns: 10 },
    );
  });

  it("are a small file, two modules in a row and none beyond the edge", () => {
    const picture = new Picture();
    picture.text("000001.234", 1, 2, "large");
    const svg = displaySvg([picture, picture, picture]);
    expect(svg.length).toBeLessThan(9_000);
    const [, width = 0, height = 0] = svg.match(/viewBox="0 0 (\d+) (\d+)"/)?.map(Number) ?? [];
    const places = Array.from(svg.matchAll(/<g transform="translate\((\d+) (\d+)\)/g), ([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    expect(new Set(places.map(String)).size).toBe(3);
    for (const [x = 0, y = 0] of places) expect(x + 140 <= width && y + 76 <= height).toBe(true);
  });
});
