// The form of a roster: every field in its range, in its order, and nothing else; and what its rules count.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeRoster, maskOf, membersDigest } from "../../../src/aggregation/roster.js";
import { encodeCertificate } from "../../../src/proofs/certificate.js";
import { signWithKey } from "../../../src/proofs/signed.js";
import { DOCUMENT_BYTES_MAX } from "../../../src/trusted/authority/command.js";
import {
  decodeRoster,
  encodeMember,
  isFairRepair,
  isMarked,
  isRepair,
  leastMembers,
  MEMBERS_MAX,
  type Roster,
} from "../../../src/trusted/blinding/roster.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, NIL, tstr } from "../../../src/trusted/encoding/cbor.js";
import { U32_MAX } from "../../../src/trusted/metrology/interval.js";
import { digest } from "../../../src/trusted/sealing/keys.js";
import { numbersTo } from "../../bench-street.js";
import { neighbours } from "../../street.js";

type Fields = Readonly<Record<number, Uint8Array>>;

const bytes = (count: number, value = 7) => new Uint8Array(count).fill(value);
const STANDING: Fields = {
  1: tstr("street-1"),
  2: int(5),
  3: int(40),
  4: int(727_536),
  5: NIL,
  6: array(int(1)),
  7: bstr(bytes(32)),
  8: int(1800),
  9: array(tstr("1-0:1.8.0"), tstr("1-0:2.8.0")),
};
const { 7: _, ...ALIKE } = STANDING;
const REPAIR: Fields = { ...ALIKE, 5: int(727_540), 10: bstr(bytes(32)), 11: bstr(bytes(5)) };

const payloadOf = (fields: Fields) =>
  map(...Object.entries(fields).map(([key, item]) => [Number(key), item] as const));
const without = (fields: Fields, ...keys: readonly number[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.includes(Number(key))));

/** An OBIS code of 19 characters. */
const longCode = (at: number) => `100-100:100.100.1${`${at}`.padStart(2, "0")}`;

const roster: fc.Arbitrary<Roster> = fc
  .record({
    groupId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/),
    rosterNumber: fc.integer({ min: 0, max: U32_MAX }),
    memberCount: fc.integer({ min: 2, max: MEMBERS_MAX }),
    range: fc.tuple(fc.integer({ min: 0, max: U32_MAX }), fc.integer({ min: 0, max: U32_MAX })),
    isOpen: fc.boolean(),
    statistics: fc.constantFrom([1], [1, 2], [1, 3], [1, 2, 3]),
    intervalSeconds: fc.constantFrom(900, 1800),
    channels: fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 8 }),
    terms: fc.oneof(
      fc.record({ membersDigest: fc.uint8Array({ minLength: 32, maxLength: 32 }) }),
      fc.record({
        standing: fc.uint8Array({ minLength: 32, maxLength: 32 }),
        mask: fc.uint8Array({ minLength: 1, maxLength: 16 }),
      }),
    ),
  })
  .map(({ range, isOpen, channels, terms, ...head }) => {
    const [firstInterval, last] = [Math.min(...range), Math.max(...range)];
    const lastInterval = isOpen && !isRepair(terms) ? null : last;
    return { ...head, firstInterval, lastInterval, channels: channels.map(longCode), terms };
  });

describe("a roster", () => {
  it("comes out of its bytes as it went in, and its bytes out of it", () => {
    fc.assert(
      fc.property(roster, (each) => {
        const payload = encodeRoster(each);
        expect(decodeRoster(payload)).toEqual(each);
        expect(encodeRoster(decodeRoster(payload))).toEqual(payload);
      }),
    );
  });

  it("is read field by field", () => {
    const terms = { membersDigest: bytes(32) };
    const channels = ["1-0:1.8.0", "1-0:2.8.0"];
    const head = { groupId: "street-1", rosterNumber: 5, memberCount: 40, firstInterval: 727_536 };
    const tail = { statistics: [1], intervalSeconds: 1800, channels };
    expect(decodeRoster(payloadOf(STANDING))).toEqual({ ...head, lastInterval: null, ...tail, terms });
    const repair = { standing: bytes(32), mask: bytes(5) };
    expect(decodeRoster(payloadOf(REPAIR))).toEqual({
      ...head,
      lastInterval: 727_540,
      ...tail,
      terms: repair,
    });
  });

  it.each<[string, Fields]>([
    ["the least of everything", { 2: int(0), 3: int(2), 4: int(0), 5: int(0) }],
    ["the most of everything", { 2: int(U32_MAX), 3: int(128), 4: int(U32_MAX), 5: int(U32_MAX) }],
    ["a group id of 32 characters", { 1: tstr(`a-${"B".repeat(30)}`) }],
    ["a group id of one", { 1: tstr("0") }],
    ["all statistics", { 6: array(int(1), int(2), int(3)) }],
    ["statistics 1 and 3", { 6: array(int(1), int(3)) }],
    ["quarter hours", { 8: int(900) }],
    ["8 channels", { 9: array(...numbersTo(8).map((at) => tstr(longCode(at)))) }],
  ])("may have %s", (_, changes) => {
    const payload = payloadOf({ ...STANDING, ...changes });
    expect(encodeRoster(decodeRoster(payload))).toEqual(payload);
  });

  const WRONG: readonly [string, Fields][] = [
    ["an empty group id", { 1: tstr("") }],
    ["a group id that begins with a hyphen", { 1: tstr("-a") }],
    ["a group id with a slash", { 1: tstr("street/1") }],
    ["a group id with an underscore", { 1: tstr("street_1") }],
    ["a group id of 33 characters", { 1: tstr("a".repeat(33)) }],
    ["a group id that is no text", { 1: bstr(bytes(8)) }],
    ["a number above 2^32 - 1", { 2: int(2 ** 32) }],
    ["a number below 0", { 2: int(-1) }],
    ["no member", { 3: int(0) }],
    ["one member", { 3: int(1) }],
    ["129 members", { 3: int(129) }],
    ["a first interval above 2^32 - 1", { 4: int(2 ** 32), 5: int(2 ** 32) }],
    ["a first interval of null", { 4: NIL }],
    ["a last interval above 2^32 - 1", { 5: int(2 ** 32) }],
    ["a last interval below 0", { 5: int(-1) }],
    ["a last interval before the first", { 5: int(727_535) }],
    ["no statistic", { 6: array() }],
    ["statistic 0", { 6: array(int(0), int(1)) }],
    ["statistic 4", { 6: array(int(1), int(4)) }],
    ["statistic 2 without 1", { 6: array(int(2)) }],
    ["statistics 2 and 3 without 1", { 6: array(int(2), int(3)) }],
    ["statistics that fall", { 6: array(int(1), int(3), int(2)) }],
    ["a statistic twice", { 6: array(int(1), int(1)) }],
    ["the last statistic twice", { 6: array(int(1), int(2), int(2)) }],
    ["four statistics", { 6: array(int(1), int(2), int(3), int(3)) }],
    ["one statistic and no list", { 6: int(1) }],
    ["another interval length", { 8: int(3600) }],
    ["no channel", { 9: array() }],
    ["a channel twice", { 9: array(tstr("1-0:1.8.0"), tstr("1-0:1.8.0")) }],
    ["a channel that is no OBIS code", { 9: array(tstr("1.8.0")) }],
    ["9 channels", { 9: array(...numbersTo(9).map((at) => tstr(longCode(at)))) }],
  ];
  it.each(WRONG)("with %s is refused, standing or repair", (_, changes) => {
    const bad = [STANDING, REPAIR].map((fields) => payloadOf({ ...fields, ...changes }));
    for (const payload of bad) expect(() => decodeRoster(payload)).toThrow(FormatError);
  });

  it.each<[string, Fields]>([
    ["a digest of 31 bytes", { ...STANDING, 7: bstr(bytes(31)) }],
    ["a digest of 33 bytes", { ...STANDING, 7: bstr(bytes(33)) }],
    ["both a digest of members and a roster to repair", { ...STANDING, ...REPAIR }],
    ["a digest and bits", { ...without(REPAIR, 10), 7: bstr(bytes(32)) }],
    ["a roster to repair and no bits", without(REPAIR, 11)],
    ["bits of no roster", without(REPAIR, 10)],
    ["neither", without(STANDING, 7)],
    ["S of 31 bytes", { ...REPAIR, 10: bstr(bytes(31)) }],
    ["no bits at all", { ...REPAIR, 11: bstr(bytes(0)) }],
    ["bits for more than 128 members", { ...REPAIR, 11: bstr(bytes(17)) }],
    ["a field 0", { 0: int(1), ...STANDING }],
    ["a field 12", { ...REPAIR, 12: NIL }],
    ["a field 10 of a standing roster", { ...STANDING, 10: bstr(bytes(32)) }],
  ])("with %s is refused", (_, fields) => {
    expect(() => decodeRoster(payloadOf(fields))).toThrow(FormatError);
  });

  it("that repairs without an end is refused", () => {
    expect(() => decodeRoster(payloadOf({ ...REPAIR, 5: NIL }))).toThrow("a repair without an end");
  });

  it("with a field missing, or two in the wrong order, is refused", () => {
    for (const fields of [STANDING, REPAIR]) {
      const entries = Object.entries(fields);
      for (const at of entries.keys()) {
        const [key] = entries[at] as [string, Uint8Array];
        expect(() => decodeRoster(payloadOf(without(fields, Number(key))))).toThrow(FormatError);
        const swapped = [...entries];
        swapped.splice(at, 2, ...swapped.slice(at, at + 2).reverse());
        if (at === entries.length - 1) continue;
        const items = swapped.flatMap(([name, item]) => [...int(Number(name)), ...item]);
        expect(() => decodeRoster(Uint8Array.of(0xa0 | entries.length, ...items))).toThrow(FormatError);
      }
    }
  });

  it("is refused cut short anywhere, followed by anything, or in a longer encoding", () => {
    for (const payload of [STANDING, REPAIR].map(payloadOf)) {
      for (let length = 0; length < payload.length; length++)
        expect(() => decodeRoster(payload.subarray(0, length))).toThrow(FormatError);
      expect(() => decodeRoster(Uint8Array.of(...payload, 0))).toThrow("trailing bytes");
      const indefinite = Uint8Array.of(0xbf, ...payload.subarray(1), 0xff);
      const longHead = Uint8Array.of(0xb8, (payload[0] as number) & 31, ...payload.subarray(1));
      for (const other of [indefinite, longHead, new Uint8Array(0), array()])
        expect(() => decodeRoster(other)).toThrow(FormatError);
    }
  });

  it("with any bit flipped is refused or another roster: no two encodings are of one", () => {
    for (const payload of [STANDING, REPAIR].map(payloadOf)) {
      for (let bit = 0; bit < 8 * payload.length; bit++) {
        const flipped = payload.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        let other: Roster;
        try {
          other = decodeRoster(flipped);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          continue;
        }
        expect(encodeRoster(other)).toEqual(flipped);
      }
    }
  });

  it("is no junk", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (junk) => {
        expect(() => decodeRoster(junk)).toThrow(FormatError);
      }),
    );
  });

  it("and every certificate of a member fit the 512 bytes that a unit takes, whatever they hold", () => {
    const channels = numbersTo(8).map(longCode);
    const most = { groupId: "g".repeat(32), rosterNumber: U32_MAX, memberCount: 128, firstInterval: U32_MAX };
    const rest = { lastInterval: U32_MAX, statistics: [1, 2, 3], intervalSeconds: 1800, channels };
    const kinds = [{ membersDigest: bytes(32) }, { standing: bytes(32), mask: bytes(16) }];
    const seed = bytes(32);
    const [standing = 0, repair = 0] = kinds.map(
      (terms) => signWithKey("roster-1", encodeRoster({ ...most, ...rest, terms }), seed).length,
    );
    expect([standing, repair]).toEqual([369, 387]);
    const [member] = neighbours(1);
    const certificate = encodeCertificate({
      meterId: "M".repeat(32),
      signingKey: hexKey,
      agreementKey: member?.X ?? bytes(32),
      softwareId: bytes(32),
      intervalSeconds: 1800,
      channels,
      notBefore_s: U32_MAX - 1,
      notAfter_s: U32_MAX,
      role: 1,
    });
    const document = signWithKey("certificate-1", certificate, seed);
    expect(document.length).toBeLessThanOrEqual(DOCUMENT_BYTES_MAX);
    expect(Math.max(standing, repair, document.length)).toBe(document.length);
  });
});

/** Public key of RFC 8032, 7.1, test 1. */
const hexKey = Uint8Array.from(
  Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex"),
);

describe("the members of a roster", () => {
  it("enter its digest by length, id and X, one after the other", () => {
    const [member] = neighbours(1);
    const X = member?.X ?? bytes(32);
    expect(encodeMember("SM-0001", X)).toEqual(Uint8Array.of(7, ...Buffer.from("SM-0001"), ...X));
    const members = neighbours(3);
    const joined = members.flatMap(({ meterId, X }) => [...encodeMember(meterId, X)]);
    expect(membersDigest(members)).toEqual(digest(Uint8Array.from(joined)));
    expect(() => membersDigest([...members].reverse())).toThrow("ascend");
  });

  it("that a repair marks are bits, least significant first, and none beyond the last byte", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(127)), fc.integer({ min: 1, max: 128 }), (marked, count) => {
        const mask = maskOf(
          count,
          marked.filter((member) => member < count),
        );
        for (let member = 0; member < 2 * MEMBERS_MAX; member++)
          expect(isMarked(mask, member)).toBe(member < count && marked.includes(member));
      }),
    );
    expect(maskOf(9, [0, 2, 8])).toEqual(Uint8Array.of(0b101, 1));
  });

  it("are as many as the least group, and twice as many where squares are known", () => {
    for (const minGroup of [3, 10, 40]) {
      expect([[1], [1, 3]].map((list) => leastMembers(minGroup, list))).toEqual([minGroup, minGroup]);
      expect(
        [
          [1, 2],
          [1, 2, 3],
        ].map((list) => leastMembers(minGroup, list)),
      ).toEqual([2 * minGroup, 2 * minGroup]);
    }
  });

  it("that stay in a repair are two thirds at least, and so are least in it and least out of it", () => {
    expect([20, 19, 21, 9, 10].map((members) => isFairRepair(members, 30, 10))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect([81, 79, 80, 110, 111].map((members) => isFairRepair(members, 120, 10))).toEqual([
      true,
      false,
      true,
      true,
      false,
    ]);
    // Groups below three times the least cannot be repaired at all.
    for (let standing = 2; standing < 30; standing++)
      expect(numbersTo(standing + 1).some((members) => isFairRepair(members, standing, 10))).toBe(false);
    expect(isFairRepair(2, 3, 1)).toBe(true);
    expect(isFairRepair(1, 2, 2)).toBe(false);
    // The least in it holds by the other two for any least of 1 or more: 3·m >= 2·s and s - m >= least.
    for (let standing = 2; standing <= 128; standing++) {
      for (let members = 0; members <= standing; members++) {
        if (isFairRepair(members, standing, 3)) expect(2 * (standing - members)).toBeLessThanOrEqual(members);
      }
    }
  });
});
