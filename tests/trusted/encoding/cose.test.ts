import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, tagged, tstr } from "../../../src/trusted/encoding/cbor.js";
import {
  type DocumentType,
  decodeSign1,
  encodeSign1,
  type Sign1,
  toBeSigned,
} from "../../../src/trusted/encoding/cose.js";

const TYPES: readonly DocumentType[] = [
  "certificate-1",
  "batch-1",
  "pairing-1",
  "register-1",
  "command-1",
  "tariff-1",
  "roster-1",
  "revocation-1",
];

const types = fc.constantFrom(...TYPES);
const documents: fc.Arbitrary<Sign1> = fc.record({
  kid: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  payload: fc.uint8Array({ maxLength: 300 }),
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
});

const sample: Sign1 = {
  kid: hexToBytes("0102030405060708"),
  payload: int(1),
  signature: new Uint8Array(64).fill(0xaa),
};

describe("COSE_Sign1", () => {
  it("has the bytes of RFC 9052 section 4.2 with the typ of RFC 9596", () => {
    const header = "a2012710737365616c6d657465722f636f6d6d616e642d31";
    expect(bytesToHex(encodeSign1("command-1", sample))).toBe(
      `d2845818${header}a104480102030405060708410158${"40"}${"aa".repeat(64)}`,
    );
    expect(bytesToHex(toBeSigned("command-1", int(1)))).toBe(`846a5369676e6174757265315818${header}404101`);
  });

  it("comes back as it was, for every type", () => {
    fc.assert(
      fc.property(types, documents, (type, document) => {
        expect(decodeSign1(encodeSign1(type, document), type, 300)).toEqual(document);
      }),
    );
  });

  it("is never read as another type, and no two types sign the same bytes", () => {
    for (const type of TYPES) {
      for (const other of TYPES.filter((candidate) => candidate !== type)) {
        expect(() => decodeSign1(encodeSign1(type, sample), other, 300)).toThrow(FormatError);
        expect(toBeSigned(type, sample.payload)).not.toEqual(toBeSigned(other, sample.payload));
      }
    }
    expect(() => decodeSign1(encodeSign1("roster-1", sample), "tariff-1", 300)).toThrow(
      "tariff-1: protected header of something else at byte 26",
    );
  });

  it("is refused with a payload beyond the limit, cut short at any byte, or extended", () => {
    const bytes = encodeSign1("batch-1", { ...sample, payload: new Uint8Array(20) });
    expect(() => decodeSign1(bytes, "batch-1", 19)).toThrow("byte string of length 20 instead of 0 to 19");
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSign1(bytes.subarray(0, length), "batch-1", 20)).toThrow(FormatError);
    }
    expect(() => decodeSign1(Uint8Array.of(...bytes, 0), "batch-1", 20)).toThrow("trailing bytes");
  });

  it("with any bit flipped is refused, or differs in kid, payload or signature alone", () => {
    const bytes = encodeSign1("batch-1", sample);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let document: Sign1;
      try {
        document = decodeSign1(flipped, "batch-1", 300);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        continue;
      }
      expect(document).not.toEqual(sample);
      expect(bytesToHex(encodeSign1("batch-1", document))).toBe(bytesToHex(flipped));
    }
  });

  it("is refused with any header but the two protected and the one unprotected", () => {
    const typ = tstr("sealmeter/batch-1");
    const good = map([1, int(-8)], [16, typ]);
    const kid = map([4, bstr(sample.kid)]);
    const envelope = (header: Uint8Array, unprotected: Uint8Array, tag = 18) =>
      tagged(tag, array(bstr(header), unprotected, bstr(sample.payload), bstr(sample.signature)));
    const open = (bytes: Uint8Array) => decodeSign1(bytes, "batch-1", 300);
    expect(open(envelope(good, kid))).toEqual(sample);
    const bad = {
      "another algorithm": envelope(map([1, int(-7)], [16, typ]), kid),
      "no typ": envelope(map([1, int(-8)]), kid),
      "no algorithm": envelope(map([16, typ]), kid),
      "an additional protected header": envelope(map([1, int(-8)], [3, int(0)], [16, typ]), kid),
      "bytes after the protected headers": envelope(Uint8Array.of(...good, 0), kid),
      "a critical header": envelope(map([1, int(-8)], [2, array(int(16))], [16, typ]), kid),
      "no kid": envelope(good, map()),
      "a kid of another length": envelope(good, map([4, bstr(new Uint8Array(7))])),
      "an additional unprotected header": envelope(good, map([4, bstr(sample.kid)], [5, int(0)])),
      "another tag": envelope(good, kid, 98),
      "no tag": envelope(good, kid).subarray(1),
      "a short signature": tagged(18, array(bstr(good), kid, bstr(sample.payload), bstr(new Uint8Array(63)))),
      "a detached payload": tagged(18, array(bstr(good), kid, Uint8Array.of(0xf6), bstr(sample.signature))),
      "five items": tagged(18, array(bstr(good), kid, bstr(sample.payload), bstr(sample.signature), int(0))),
    };
    for (const [what, bytes] of Object.entries(bad)) expect(() => open(bytes), what).toThrow(FormatError);
  });
});
