import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asciiBytes, assert, readUint, sameBytes, uintBytes } from "../../../src/trusted/encoding/bytes.js";

describe("plain byte work", () => {
  it("writes unsigned integers big-endian and reads them back", () => {
    expect(uintBytes(0x010203, 4)).toEqual(Uint8Array.of(0, 1, 2, 3));
    const widths = fc.integer({ min: 1, max: 6 }).chain((width) =>
      fc.record({
        width: fc.constant(width),
        value: fc.oneof(fc.constantFrom(0, 2 ** (8 * width) - 1), fc.maxSafeNat()).map((value) => {
          return value % 2 ** (8 * width);
        }),
        before: fc.uint8Array({ maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(widths, ({ width, value, before }) => {
        const bytes = Uint8Array.of(...before, ...uintBytes(value, width), 0xaa);
        expect(readUint(bytes, before.length, width)).toBe(value);
      }),
    );
    expect(uintBytes(Number.MAX_SAFE_INTEGER, 7)).toEqual(
      Uint8Array.of(0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    );
  });

  it("stops at an integer that is too large for its field, negative or no integer", () => {
    for (const [value, width] of [
      [256, 1],
      [2 ** 32, 4],
      [2 ** 53, 7],
      [-1, 4],
      [1.5, 4],
      [Number.NaN, 4],
    ] as const) {
      expect(() => uintBytes(value, width)).toThrow("integer fits its field");
    }
  });

  it("stops at an integer that is not wholly within its bytes", () => {
    expect(() => readUint(new Uint8Array(4), 1, 4)).toThrow("lies within its bytes");
    expect(() => readUint(new Uint8Array(4), -1, 4)).toThrow("lies within its bytes");
  });

  it("tells bytes apart by length and by content", () => {
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(sameBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
  });

  it("takes printable ASCII as text and stops at anything else", () => {
    expect(asciiBytes(" ~A0")).toEqual(Uint8Array.of(0x20, 0x7e, 0x41, 0x30));
    for (const text of ["\n", "\x7f", "ä", "€", "😀"]) {
      expect(() => asciiBytes(text)).toThrow("text is printable ASCII");
    }
  });

  it("names the assertion that failed", () => {
    expect(() => assert(false, "the sky is blue")).toThrow("assertion failed: the sky is blue");
    expect(() => assert(true, "the sky is blue")).not.toThrow();
  });
});
