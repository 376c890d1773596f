import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../src/trusted/journal/crc32c.js";
import {
  encodeRecord,
  type LogRecord,
  PAYLOAD_MAX,
  RecordType,
  readRecord,
  recordBytes,
} from "../../../src/trusted/journal/record.js";
import { BLOCK_BYTES, SECTOR_BYTES } from "../../../src/trusted/ports.js";
import { contentOf, flashOf } from "./model.js";

const SEQUENCE = 77;

const records: fc.Arbitrary<LogRecord> = fc.record({
  type: fc.constantFrom(...Object.values(RecordType)),
  payload: fc
    .oneof(fc.constantFrom(0, 1, 8, 9, 10, 23, 24, 25, 39, PAYLOAD_MAX), fc.nat(PAYLOAD_MAX))
    .map((length) => contentOf(length, length)),
});
/** Where a record of the largest size still fits. */
const offsets = fc.nat((SECTOR_BYTES - recordBytes(PAYLOAD_MAX)) / BLOCK_BYTES).map((block) => block * 16);

/** A flash of one sector with these bytes in it. */
function holding(bytes: Uint8Array, offset: number) {
  const flash = flashOf({ sectors: 1 });
  flash.program(offset, bytes);
  return flash;
}

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");

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
  it("comes back as it was, at any place of a sector", () => {
    fc.assert(
      fc.property(records, offsets, (record, offset) => {
        const blocks = encodeRecord(SEQUENCE, offset, record);
        expect(blocks.length).toBe(recordBytes(record.payload.length));
        const found = readRecord(holding(blocks, offset), 0, SEQUENCE, offset);
        expect(found?.type).toBe(record.type);
        expect(hex(found?.payload)).toBe(hex(record.payload));
      }),
    );
  });

  it("takes 32 bytes for an interval of 2 channels and 48 for one of 8", () => {
    expect([recordBytes(7 + 8), recordBytes(7 + 32)]).toEqual([32, 48]);
    expect([recordBytes(0), recordBytes(9), recordBytes(10), recordBytes(25)]).toEqual([16, 16, 32, 48]);
  });

  it("is not whole with any bit of it flipped", () => {
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
  });

  it("is not one in another sector, in another use of its sector, or at another offset", () => {
    const blocks = encodeRecord(SEQUENCE, 64, { type: RecordType.EVENT, payload: contentOf(50, 1) });
    expect(readRecord(holding(blocks, 64), 0, SEQUENCE, 64)).not.toBeNull();
    expect(readRecord(holding(blocks, 64), 0, SEQUENCE + 1, 64)).toBeNull();
    expect(readRecord(holding(blocks, 80), 0, SEQUENCE, 80)).toBeNull();
  });

  it("is not read across the end of its sector", () => {
    const offset = SECTOR_BYTES - 16;
    const blocks = encodeRecord(SEQUENCE, offset, { type: RecordType.EVENT, payload: contentOf(50, 1) });
    const flash = flashOf({ sectors: 2 });
    flash.program(offset, blocks);
    expect(readRecord(flash, 0, SEQUENCE, offset)).toBeNull();
  });

  it("is never seen within another, whatever the other holds", () => {
    const inner = encodeRecord(SEQUENCE, 80, { type: RecordType.BATCH, payload: contentOf(100, 2) });
    const payload = new Uint8Array(9 + inner.length);
    payload.set(inner, 9); // begins with the second block, as near as content can come
    const flash = holding(encodeRecord(SEQUENCE, 64, { type: RecordType.EVENT, payload }), 64);
    for (let offset = 80; offset < 64 + recordBytes(payload.length); offset += BLOCK_BYTES) {
      expect(readRecord(flash, 0, SEQUENCE, offset)).toBeNull();
    }
  });

  it("is not made larger than a reader takes", () => {
    const payload = new Uint8Array(PAYLOAD_MAX + 1);
    expect(() => encodeRecord(SEQUENCE, 0, { type: RecordType.EVENT, payload })).toThrow("fits a record");
  });
});
