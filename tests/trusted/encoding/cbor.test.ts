import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import {
  array,
  bstr,
  CborReader,
  int,
  map,
  NIL,
  orNil,
  tagged,
  tstr,
} from "../../../src/trusted/encoding/cbor.js";

const read = (hex: string) => new CborReader(hexToBytes(hex), "document");

/** RFC 8949 appendix A, the integers that the formats can hold, and the edges of each head form. */
const INTEGERS: readonly (readonly [number, string])[] = [
  [0, "00"],
  [1, "01"],
  [10, "0a"],
  [23, "17"],
  [24, "1818"],
  [25, "1819"],
  [100, "1864"],
  [255, "18ff"],
  [256, "190100"],
  [1000, "1903e8"],
  [65535, "19ffff"],
  [65536, "1a00010000"],
  [1000000, "1a000f4240"],
  [4294967295, "1affffffff"],
  [4294967296, "1b0000000100000000"],
  [1000000000000, "1b000000e8d4a51000"],
  [Number.MAX_SAFE_INTEGER, "1b001fffffffffffff"],
  [-1, "20"],
  [-10, "29"],
  [-24, "37"],
  [-25, "3818"],
  [-100, "3863"],
  [-1000, "3903e7"],
  [-4294967297, "3b0000000100000000"],
  [-Number.MAX_SAFE_INTEGER, "3b001ffffffffffffe"],
];

describe("deterministic CBOR", () => {
  it("gives every integer its shortest head", () => {
    for (const [value, hex] of INTEGERS) {
      expect(bytesToHex(int(value))).toBe(hex);
      expect(read(hex).int(Number.MAX_SAFE_INTEGER)).toBe(value);
    }
  });

  it("encodes the examples of RFC 8949 appendix A", () => {
    expect(bytesToHex(bstr(new Uint8Array(0)))).toBe("40");
    expect(bytesToHex(bstr(hexToBytes("01020304")))).toBe("4401020304");
    expect(bytesToHex(tstr(""))).toBe("60");
    expect(bytesToHex(tstr("IETF"))).toBe("6449455446");
    expect(bytesToHex(tstr('"\\'))).toBe("62225c");
    expect(bytesToHex(array())).toBe("80");
    expect(bytesToHex(array(int(1), array(int(2), int(3)), array(int(4), int(5))))).toBe("8301820203820405");
    const numbers = Array.from({ length: 25 }, (_, at) => int(at + 1));
    expect(bytesToHex(array(...numbers))).toBe("98190102030405060708090a0b0c0d0e0f101112131415161718181819");
    expect(bytesToHex(map())).toBe("a0");
    expect(bytesToHex(map([1, int(2)], [3, int(4)]))).toBe("a201020304");
    expect(bytesToHex(tagged(1, int(1363896240)))).toBe("c11a514b67b0");
    expect(bytesToHex(NIL)).toBe("f6");
    expect([orNil(null), orNil(int(7))]).toEqual([NIL, int(7)]);
  });

  it("stops at what is no integer, at keys that do not ascend and at text that is not ASCII", () => {
    for (const value of [1.5, 30.5, -0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => int(value)).toThrow("assertion failed");
    }
    expect(() => map([2, NIL], [1, NIL])).toThrow("map keys ascend");
    expect(() => map([1, NIL], [1, NIL])).toThrow("map keys ascend");
    expect(() => tstr("Zähler")).toThrow("printable ASCII");
  });

  it("reads back every item that it wrote", () => {
    const safe = fc.maxSafeInteger();
    fc.assert(fc.property(safe, (value) => readAll(int(value), (r) => r.int(2 ** 53 - 1)) === value));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (value) => {
        expect(readAll(bstr(value), (r) => r.bytes(0, 300))).toEqual(value);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 300 }), (value) => {
        expect(readAll(tstr(value), (r) => r.text(300))).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat()), { maxLength: 300 }), (values) => {
        const bytes = array(...values.map((value) => orNil(value === null ? null : int(value))));
        const back = readAll(bytes, (r) =>
          Array.from({ length: r.array(0, 300) }, () => (r.nil() ? null : r.uint())),
        );
        expect(back).toEqual(values);
      }),
    );
  });

  it("copies byte strings out", () => {
    const bytes = bstr(Uint8Array.of(1, 2, 3));
    const out = new CborReader(bytes, "document").bytes(3);
    out[0] = 9;
    expect(bytes[1]).toBe(1);
  });
});

function readAll<T>(bytes: Uint8Array, decode: (reader: CborReader) => T): T {
  const reader = new CborReader(bytes, "document");
  const value = decode(reader);
  reader.end();
  expect(reader.position).toBe(bytes.length);
  return value;
}

describe("the reader refuses", () => {
  it("integers that are not in their shortest form", () => {
    for (const hex of [
      "1817",
      "1800",
      "1900ff",
      "190000",
      "1a0000ffff",
      "1b00000000ffffffff",
      "3817",
      "581700",
      "781700",
      "9817",
      "b817",
      "d812",
    ]) {
      const reader = read(`${hex}${"00".repeat(32)}`);
      const kinds = [
        () => reader.uint(),
        () => reader.int(1e6),
        () => reader.bytes(0, 99),
        () => reader.text(99),
        () => reader.array(0, 99),
        () => reader.map(0, 99),
        () => reader.tag(18),
      ];
      const kind = kinds[Number.parseInt(hex.slice(0, 2), 16) >> 5];
      expect(kind).toThrow("integer not in its shortest form");
    }
  });

  it("indefinite lengths, reserved heads, floats and simple values", () => {
    for (const hex of [
      "1c",
      "1f",
      "5f4100ff",
      "7f6100ff",
      "9f00ff",
      "bf0000ff",
      "f4",
      "f7",
      "f90000",
      "fb",
    ]) {
      for (const kind of [
        (r: CborReader) => r.uint(),
        (r: CborReader) => r.bytes(0, 9),
        (r: CborReader) => r.text(9),
        (r: CborReader) => r.array(0, 9),
        (r: CborReader) => r.map(0, 9),
        (r: CborReader) => r.tag(18),
      ]) {
        expect(() => kind(read(hex))).toThrow("not a definite");
      }
    }
    expect(read("f7").nil()).toBe(false);
  });

  it("numbers out of range, 2^53 and above included", () => {
    expect(() => read("1864").uint(99)).toThrow("unsigned integer 100 instead of 0 to 99");
    expect(read("1863").uint(99)).toBe(99);
    expect(() => read("1b0020000000000000").uint()).toThrow(FormatError);
    expect(() => read("1bffffffffffffffff").uint()).toThrow(FormatError);
    expect(read("3863").int(100)).toBe(-100);
    expect(() => read("3864").int(100)).toThrow("integer 100 instead of 0 to 99");
    expect(() => read("1865").int(100)).toThrow("101");
  });

  it("lengths out of range, and items of another kind than expected", () => {
    expect(() => read("420000").bytes(3)).toThrow("byte string of length 2 instead of 3");
    expect(() => read("420000").bytes(0, 1)).toThrow("byte string of length 2 instead of 0 to 1");
    expect(() => read("626161").text(1)).toThrow("text of length 2");
    expect(() => read("820000").array(1)).toThrow("array of length 2 instead of 1");
    expect(() => read("a100f6").map(2)).toThrow("map of size 1 instead of 2");
    expect(() => read("d3").tag(18)).toThrow("tag 19 instead of 18");
    expect(() => read("60").bytes(0)).toThrow("document: not a definite byte string of length at byte 0");
  });

  it("text that is not printable ASCII", () => {
    for (const hex of ["6109", "617f", "62c3a4"]) {
      expect(() => read(hex).text(9)).toThrow("text that is not printable ASCII");
    }
  });

  it("a key other than the next one: missing, repeated or out of order", () => {
    const two = (hex: string) => {
      const reader = read(hex);
      reader.map(2);
      return [reader.key(1).uint(), reader.key(2).uint()];
    };
    expect(two("a201070208")).toEqual([7, 8]);
    expect(() => two("a201070108")).toThrow("key 1 instead of 2");
    expect(() => two("a202070108")).toThrow("key 2 instead of 1");
    expect(() => two("a261310702")).toThrow("not a definite key");
  });

  it("lengths that promise more than there is, whatever they promise", () => {
    for (const hex of ["", "18", "1b0000", "41", "5affffffff00", "7affffffff20", "5b001fffffffffffff00"]) {
      const reader = () => read(hex);
      const text = hex.startsWith("7");
      const long = hex.startsWith("5") || hex.startsWith("4");
      const kind = () =>
        long
          ? reader().bytes(0, Number.MAX_SAFE_INTEGER)
          : text
            ? reader().text(Number.MAX_SAFE_INTEGER)
            : reader().uint();
      expect(kind).toThrow("cut short");
    }
    expect(() => read("").nil()).toThrow("cut short");
    expect(() => read("").int(5)).toThrow("cut short");
  });
});

interface Sample {
  readonly id: string;
  readonly count: number;
  readonly offset: number;
  readonly key: Uint8Array;
  readonly until: number | null;
  readonly list: readonly number[];
}

const samples: fc.Arbitrary<Sample> = fc.record({
  id: fc.string({ unit: "grapheme-ascii", maxLength: 32 }),
  count: fc.nat(0xffffffff),
  offset: fc.integer({ min: -70000, max: 70000 }),
  key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  until: fc.option(fc.nat(0xffffffff)),
  list: fc.array(fc.nat(300), { maxLength: 30 }),
});

const encodeSample = ({ id, count, offset, key, until, list }: Sample) =>
  tagged(
    18,
    map(
      [1, tstr(id)],
      [2, int(count)],
      [3, int(offset)],
      [4, bstr(key)],
      [5, orNil(until === null ? null : int(until))],
      [6, array(...list.map(int))],
    ),
  );

function decodeSample(bytes: Uint8Array): Sample {
  const reader = new CborReader(bytes, "sample");
  reader.tag(18);
  reader.map(6);
  const sample = {
    id: reader.key(1).text(32),
    count: reader.key(2).uint(0xffffffff),
    offset: reader.key(3).int(70000),
    key: reader.key(4).bytes(4),
    until: reader.key(5).nil() ? null : reader.uint(0xffffffff),
    list: Array.from({ length: reader.key(6).array(0, 30) }, () => reader.uint(300)),
  };
  reader.end();
  return sample;
}

/** What decoding gives: the sample, or the FormatError that it must throw otherwise. */
function decoded(bytes: Uint8Array): Sample | FormatError {
  try {
    return decodeSample(bytes);
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
}

describe("a document of every kind of item", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(samples, (sample) => {
        expect(decodeSample(encodeSample(sample))).toEqual(sample);
      }),
    );
  });

  it("is refused cut short at any byte, and extended by anything", () => {
    fc.assert(
      fc.property(samples, fc.uint8Array({ minLength: 1, maxLength: 3 }), (sample, more) => {
        const bytes = encodeSample(sample);
        for (let length = 0; length < bytes.length; length++) {
          expect(() => decodeSample(bytes.subarray(0, length))).toThrow(FormatError);
        }
        expect(() => decodeSample(Uint8Array.of(...bytes, ...more))).toThrow("trailing bytes");
      }),
      { numRuns: 30 },
    );
  });

  it("with any bit flipped is refused, or is the one encoding of another document", () => {
    fc.assert(
      fc.property(samples, fc.nat(), (sample, choice) => {
        const bytes = encodeSample(sample);
        const bit = choice % (8 * bytes.length);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const other = decoded(bytes);
        if (other instanceof FormatError) return;
        expect(other).not.toEqual(sample);
        expect(bytesToHex(encodeSample(other))).toBe(bytesToHex(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it("made of arbitrary bytes is refused, or is the one encoding of what was read", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const sample = decoded(bytes);
        if (!(sample instanceof FormatError)) expect(encodeSample(sample)).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});
