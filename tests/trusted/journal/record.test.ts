import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf } from "../../../host-sim/torture/specimen.js";
import { crc32c } from "../../../src/trusted/journal/crc32c.js";
import {
  BODY_MAX,
  encodeRecord,
  type JournalRecord,
  readRecord,
  recordBytes,
} from "../../../src/trusted/journal/record.js";
import { BLOCK_BYTES, SECTOR_BYTES } from "../../../src/trusted/ports.js";
import { flashOf, hex } from "./model.js";

const SEQUENCE = 77;

const records: fc.Arbitrary<JournalRecord> = fc.record({
  type: fc.integer({ min: 1, max: 15 }),
  number: fc.integer({ min: 0, max: 0xffffffff }),
  body: fc
    .oneof(fc.constantFrom(0, 1, 4, 5, 6, 20, 21, 22, 37, BODY_MAX), fc.nat(BODY_MAX))
    .map((length) => contentOf(length, length)),
});
/** Where a record of the largest size still fits. */
const offsets = fc.nat((SECTOR_BYTES - recordBytes(BODY_MAX)) / BLOCK_BYTES).map((block) => block * 16);

/** A flash of one sector with these bytes in it. */
function holding(bytes: Uint8Array, offset: number) {
  const flash = flashOf({ sectors: 1 });
  flash.program(offset, bytes);
  return flash;
}

describe("CRC-32C", () => {
  it("has the values of RFC 3720 appendix B.4", () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => 31 - at))).toBe(0x113fdb5c);
  });

  it("takes its input in parts", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(crc32c(a, b)).toBe(crc32c(Uint8Array.of(...a, ...b)));
      }),
    );
  });
});

describe("a record in flash", () => {
  const event = (length: number): JournalRecord => ({ type: 3, number: 7, body: contentOf(length, 1) });

  it("comes back as it was, at any place of a sector", () => {
    fc.assert(
      fc.property(records, offsets, (record, offset) => {
        const blocks = encodeRecord(SEQUENCE, offset, record);
        expect(blocks.length).toBe(recordBytes(record.body.length));
        const found = readRecord(holding(blocks, offset), 0, SEQUENCE, offset);
        expect(found && { ...found, body: hex(found.body) }).toEqual({ ...record, body: hex(record.body) });
      }),
    );
  });

  it("lies there byte for byte as docs/journal.md says", () => {
    const blocks = encodeRecord(0x01020304, 0x0560, {
      type: 3,
      number: 0x0a0b0c0d,
      body: Uint8Array.of(1, 2, 3),
    });
    const covered = "01020304" + "0560" + "830003" + "0a0b0c0d" + "010203" + "0000";
    const crc = crc32c(Uint8Array.from(Buffer.from(covered, "hex")))
      .toString(16)
      .padStart(8, "0");
    expect(hex(blocks)).toBe(`830003${crc}0a0b0c0d0102030000`);
  });

  it("takes 32 bytes for an interval of 2 channels and 48 for one of 8", () => {
    expect([recordBytes(3 + 8), recordBytes(3 + 32)]).toEqual([32, 48]);
    expect([recordBytes(0), recordBytes(5), recordBytes(6), recordBytes(21), recordBytes(22)]).toEqual([
      16, 16, 32, 32, 48,
    ]);
  });

  it("is not whole with any bit of it flipped, its padding included", () => {
    fc.assert(
      fc.property(records, fc.nat(), (record, choice) => {
        const blocks = encodeRecord(SEQUENCE, 64, record);
        const flash = holding(blocks, 64);
        const bit = choice % (8 * blocks.length);
        flash.rotBit(64 + (bit >> 3), bit & 7);
        expect(readRecord(flash, 0, SEQUENCE, 64)).toBeNull();
      }),
      { numRuns: 300 },
    );
    const blocks = encodeRecord(SEQUENCE, 64, event(20));
    for (let bit = 0; bit < 8 * blocks.length; bit++) {
      const flash = holding(blocks, 64);
      flash.rotBit(64 + (bit >> 3), bit & 7);
      expect(readRecord(flash, 0, SEQUENCE, 64)).toBeNull();
    }
  });

  it("is not one in another sector, in another use of its sector, or at another offset", () => {
    const blocks = encodeRecord(SEQUENCE, 64, event(50));
    expect(readRecord(holding(blocks, 64), 0, SEQUENCE, 64)).not.toBeNull();
    expect(readRecord(holding(blocks, 64), 0, SEQUENCE + 1, 64)).toBeNull();
    expect(readRecord(holding(blocks, 80), 0, SEQUENCE, 80)).toBeNull();
  });

  it("is not read across the end of its sector", () => {
    const offset = SECTOR_BYTES - 16;
    const flash = flashOf({ sectors: 2 });
    flash.program(offset, encodeRecord(SEQUENCE, offset, event(50)));
    expect(readRecord(flash, 0, SEQUENCE, offset)).toBeNull();
  });

  it("is not longer than any record, whatever its length says", () => {
    const blocks = encodeRecord(SEQUENCE, 64, event(50));
    blocks[1] = BODY_MAX >> 8;
    blocks[2] = (BODY_MAX & 0xff) + 1;
    expect(readRecord(holding(blocks, 64), 0, SEQUENCE, 64)).toBeNull();
  });

  it("is whole or not, and never half, when its length reads differently from one time to the next", () => {
    const flash = holding(encodeRecord(SEQUENCE, 64, event(50)), 64);
    const read = flash.read.bind(flash);
    for (const bit of [0, 1, 2, 3, 4, 5, 6, 7]) {
      let looks = 0;
      flash.read = (address, into) => {
        read(address, into);
        if (looks++ === 0) into[2] = (into[2] ?? 0) ^ (1 << bit);
      };
      const found = readRecord(flash, 0, SEQUENCE, 64);
      const fits = recordBytes(50) === recordBytes(50 ^ (1 << bit));
      expect(hex(found?.body ?? null)).toBe(fits ? hex(event(50).body) : null);
    }
  });

  it("is not seen within another at a place that it was not made for", () => {
    const inner = encodeRecord(SEQUENCE, 64, event(100));
    const body = new Uint8Array(5 + inner.length);
    body.set(inner, 5); // begins with the second block, as near as content can come
    const flash = holding(encodeRecord(SEQUENCE, 64, { type: 2, number: 1, body }), 64);
    for (let offset = 80; offset < 64 + recordBytes(body.length); offset += BLOCK_BYTES) {
      expect(readRecord(flash, 0, SEQUENCE, offset)).toBeNull();
    }
  });

  it("is not made larger than a reader takes, nor of a type that has no room", () => {
    expect(() => encodeRecord(SEQUENCE, 0, event(BODY_MAX + 1))).toThrow("fits a record");
    for (const type of [0, 16]) {
      expect(() => encodeRecord(SEQUENCE, 0, { ...event(1), type })).toThrow("fits a record");
    }
  });
});
