import { ristretto255 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeEvent,
  decodeEvents,
  decodePairing,
  decodeReading,
  decodeReadings,
  type EventMessage,
  type ReadingMessage,
} from "../../src/customer/messages.js";
import { encodePairing, type Pairing } from "../../src/trusted/authority/pairing.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int, NIL, tstr } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { example, vector } from "../example.js";
import { cutOrExtended, flips, nonCanonical, strictly, survivors } from "../mutants.js";

const U32_MAX = 0xffffffff;
const u32 = fc.nat({ max: U32_MAX });
const u8 = fc.nat({ max: 255 });
const meterId = fc.stringMatching(/^[A-Z0-9][A-Z0-9-]{0,31}$/);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const encodeReading = ({ meterId, epoch, interval, status, padded }: ReadingMessage) =>
  array(int(1), tstr(meterId), int(epoch), int(interval), int(status), bstr(padded));

const encodeDetail = (detail: EventMessage["detail"]) => {
  if (detail === null) return NIL;
  if (typeof detail === "number") return int(detail);
  if (detail instanceof Uint8Array) return bstr(detail);
  return array(int(detail.kind), int(detail.first), int(detail.last));
};
const encodeEvent = ({ meterId, sequence, time_s, type, detail }: EventMessage) => {
  const time = time_s === null ? NIL : int(time_s);
  return array(int(1), tstr(meterId), int(sequence), time, int(type), encodeDetail(detail));
};

const readings: fc.Arbitrary<ReadingMessage> = fc.record({
  meterId,
  epoch: fc.nat({ max: 0xffff }),
  interval: u32,
  status: u8,
  padded: fc.integer({ min: 1, max: 8 }).chain((channels) => bytes(4 * channels)),
});
const ranges = fc.tuple(fc.integer({ min: 1, max: 7 }), u32, u32).map(([kind, a, b]) => ({
  kind,
  first: Math.min(a, b),
  last: Math.max(a, b),
}));
const events: fc.Arbitrary<EventMessage> = fc.record({
  meterId,
  sequence: u32,
  time_s: fc.option(u32),
  type: fc.integer({ min: 1, max: 255 }),
  detail: fc.oneof(fc.constant(null), u32, bytes(32), ranges),
});

const first: ReadingMessage = {
  meterId: "SM-0001",
  epoch: 0,
  interval: 727488,
  status: 0,
  padded: new Uint8Array(8),
};
const event: EventMessage = { meterId: "SM-0001", sequence: 3, time_s: 1309565400, type: 14, detail: null };
const reading = hexToBytes(vector.readings[1]?.message ?? "");

describe("a reading message", () => {
  it("of the worked example says what it should", () => {
    expect(decodeReading(reading)).toEqual({
      meterId: "SM-0001",
      epoch: 0,
      interval: 727489,
      status: 16,
      padded: hexToBytes("b5fbf0439ee164f8"),
    });
  });

  it("comes back from its bytes as it was", () => {
    fc.assert(
      fc.property(readings, (message) => {
        expect(decodeReading(encodeReading(message))).toEqual(message);
      }),
    );
  });

  it("is refused cut short, extended or in other words; a flipped bit makes it another or none", () => {
    expect(survivors([...cutOrExtended(reading), ...nonCanonical(reading)], decodeReading)).toEqual([]);
    expect(survivors(flips(reading), strictly(decodeReading, encodeReading))).toEqual([]);
  });

  it.each<[string, Partial<ReadingMessage>]>([
    ["a meter id in lower case", { meterId: "sm-0001" }],
    ["an epoch beyond u16", { epoch: 65536 }],
    ["an interval beyond u32", { interval: U32_MAX + 1 }],
    ["a status of nine bits", { status: 256 }],
    ["no channel", { padded: new Uint8Array(0) }],
    ["nine channels", { padded: new Uint8Array(36) }],
    ["a reading cut short", { padded: new Uint8Array(7) }],
  ])("is refused with %s", (_, changes) => {
    expect(() => decodeReading(encodeReading({ ...first, ...changes }))).toThrow(FormatError);
  });

  it("is refused in another format or with another number of items", () => {
    const items = [tstr("SM-0001"), int(0), int(727488), int(0), bstr(new Uint8Array(8))];
    expect(() => decodeReading(array(int(2), ...items))).toThrow("reading: format 2");
    expect(() => decodeReading(array(int(1), ...items, NIL))).toThrow(FormatError);
  });
});

describe("an event message", () => {
  it("of the worked example says what it should", () => {
    expect(decodeEvent(hexToBytes(vector.pairingEvent))).toEqual({
      meterId: "SM-0001",
      sequence: 0,
      time_s: 1309478340,
      type: 7,
      detail: hexToBytes("f54e06a4b1f693b73c1b8e9cb9c03b6a0fa5a6c46ba9702a0aed02f2679beee6"),
    });
    expect(decodeEvent(hexToBytes(vector.second.event))).toEqual({
      meterId: "SM-0001",
      sequence: 1,
      time_s: 1309565400,
      type: 3,
      detail: null,
    });
  });

  it("comes back from its bytes as it was", () => {
    fc.assert(
      fc.property(events, (message) => {
        expect(decodeEvent(encodeEvent(message))).toEqual(message);
      }),
    );
  });

  it("is refused cut short, extended or in other words; a flipped bit makes it another or none", () => {
    for (const detail of [null, 5, new Uint8Array(32), { kind: 1, first: 2, last: 3 }]) {
      const message = encodeEvent({ ...event, detail });
      expect(survivors([...cutOrExtended(message), ...nonCanonical(message)], decodeEvent)).toEqual([]);
      expect(survivors(flips(message), strictly(decodeEvent, encodeEvent))).toEqual([]);
    }
  });

  it.each<[string, Partial<EventMessage>]>([
    ["a sequence beyond u32", { sequence: U32_MAX + 1 }],
    ["a time beyond u32", { time_s: U32_MAX + 1 }],
    ["type 0", { type: 0 }],
    ["a type of nine bits", { type: 256 }],
    ["a count beyond u32", { detail: U32_MAX + 1 }],
    ["a digest of 31 bytes", { detail: new Uint8Array(31) }],
    ["a range that runs backwards", { detail: { kind: 1, first: 3, last: 2 } }],
    ["a range of no kind", { detail: { kind: 0, first: 2, last: 3 } }],
    ["a range of kind 8", { detail: { kind: 8, first: 2, last: 3 } }],
  ])("is refused with %s", (_, changes) => {
    expect(() => decodeEvent(encodeEvent({ ...event, ...changes }))).toThrow(FormatError);
  });

  it("is refused with a detail of any other kind", () => {
    const items = [int(1), tstr("SM-0001"), int(3), NIL, int(14)];
    for (const detail of [tstr("hello"), int(-1), array(int(1), int(2)), Uint8Array.of(0xf5)]) {
      expect(() => decodeEvent(array(...items, detail))).toThrow(FormatError);
    }
  });
});

describe("a CBOR sequence", () => {
  it("is cut where its messages end", () => {
    fc.assert(
      fc.property(
        fc.array(readings, { maxLength: 10 }),
        fc.array(events, { maxLength: 10 }),
        (some, others) => {
          const kept = decodeReadings(concatBytes(...some.map(encodeReading)));
          expect(kept.map(({ message }) => message)).toEqual(some);
          expect(kept.map(({ bytes }) => bytesToHex(bytes))).toEqual(
            some.map((m) => bytesToHex(encodeReading(m))),
          );
          const events = decodeEvents(concatBytes(...others.map(encodeEvent)));
          expect(events.map(({ message }) => message)).toEqual(others);
        },
      ),
    );
  });

  it("is refused where a message is cut, is none, or is of another kind, naming the byte", () => {
    const { record } = example;
    expect(decodeReadings(record.readings)).toHaveLength(4);
    const cuts = cutOrExtended(record.readings).filter(({ bytes }) => bytes.length % reading.length !== 0);
    expect(survivors(cuts, decodeReadings)).toEqual([]);
    expect(() => decodeReadings(concatBytes(reading, Uint8Array.of(0xff)))).toThrow(
      `at byte ${reading.length}`,
    );
    expect(() => decodeReadings(concatBytes(reading, encodeEvent(event)))).toThrow(FormatError);
    expect(() => decodeEvents(concatBytes(record.events, reading))).toThrow(FormatError);
    expect(
      survivors(
        nonCanonical(reading).map(({ what, bytes }) => ({ what, bytes: concatBytes(reading, bytes) })),
        decodeReadings,
      ),
    ).toEqual([]);
  });

  it("may be empty", () => {
    expect(decodeReadings(new Uint8Array(0))).toEqual([]);
    expect(decodeEvents(new Uint8Array(0))).toEqual([]);
  });

  it("holds as many messages as it may and not one more", () => {
    expect(decodeReadings(example.record.readings, 4)).toHaveLength(4);
    expect(() => decodeReadings(example.record.readings, 3)).toThrow("more than 3 messages");
    expect(() => decodeEvents(example.record.events, 1)).toThrow("more than 1 messages");
  });
});

describe("a pairing", () => {
  const { payload } = decodeSign1(hexToBytes(vector.pairing), "pairing-1", 512);
  const pairing = decodePairing(payload);
  const element = fc
    .bigInt({ min: 1n, max: ristretto255.Point.Fn.ORDER - 1n })
    .map((scalar) => ristretto255.Point.BASE.multiply(scalar).toBytes());

  it("of the worked example says what it should", () => {
    expect(pairing).toEqual({
      meterId: "SM-0001",
      epoch: 0,
      user: hexToBytes(vector.customerPublic),
      ephemeral: hexToBytes(vector.ephemeralPublic),
      firstInterval: 727488,
    });
  });

  it("comes back from its bytes as it was", () => {
    const pairings = fc.record({
      meterId,
      epoch: fc.nat({ max: 0xffff }),
      user: element,
      ephemeral: element,
      firstInterval: u32,
    });
    fc.assert(
      fc.property(pairings, (message) => {
        expect(decodePairing(encodePairing(message))).toEqual(message);
      }),
      { numRuns: 30 },
    );
  });

  it("is refused cut short, extended or in other words; a flipped bit makes it another or none", () => {
    expect(survivors([...cutOrExtended(payload), ...nonCanonical(payload)], decodePairing)).toEqual([]);
    expect(survivors(flips(payload), strictly(decodePairing, encodePairing))).toEqual([]);
  });

  it.each<[string, Partial<Pairing>]>([
    ["an epoch beyond u16", { epoch: 65536 }],
    ["a first interval beyond u32", { firstInterval: U32_MAX + 1 }],
    ["the identity for U", { user: new Uint8Array(32) }],
    ["the identity for E", { ephemeral: new Uint8Array(32) }],
    ["a U that is no element", { user: numberToBytesLE(1n, 32) }],
    ["an E above the field prime", { ephemeral: new Uint8Array(32).fill(0xff) }],
    ["a U of 31 bytes", { user: new Uint8Array(31) }],
  ])("is refused with %s", (_, changes) => {
    expect(() => decodePairing(encodePairing({ ...pairing, ...changes }))).toThrow(FormatError);
  });
});
