import { bytesToHex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CHANNELS_MAX,
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  METER_ID,
  OBIS,
} from "../../../src/trusted/authority/configuration.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";

const sample: Configuration = {
  meterId: "SM-0001",
  intervalSeconds: 900,
  channels: ["1-0:1.8.0", "1-0:2.8.0"],
  maximum_Wh: 17_250,
  elements: 3,
  nominal_V: 230,
  maximum_A: 100,
  supplier: new Uint8Array(32).fill(1),
  network: new Uint8Array(32).fill(2),
  aggregator: new Uint8Array(32).fill(3),
  minGroup: 10,
};

const decodeWith = (changes: Partial<Configuration>) =>
  decodeConfiguration(encodeConfiguration({ ...sample, ...changes }));

const number = fc.nat(255);
const codes = fc
  .tuple(number, number, number, number, number)
  .map(([a, b, c, d, e]) => `${a}-${b}:${c}.${d}.${e}`);
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });
const configurations: fc.Arbitrary<Configuration> = fc
  .record({
    meterId: fc.stringMatching(METER_ID),
    intervalSeconds: fc.constantFrom(900, 1800),
    channels: fc.uniqueArray(codes, { minLength: 1, maxLength: CHANNELS_MAX }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    elements: fc.integer({ min: 1, max: 3 }),
    nominal_V: fc.integer({ min: 1, max: 1000 }),
    maximum_A: fc.integer({ min: 1, max: 1000 }),
    supplier: keys,
    network: keys,
    aggregator: keys,
    minGroup: fc.integer({ min: 3, max: 128 }),
  })
  .map(({ share, ...rest }) => {
    const fuse_Wh = (rest.elements * rest.nominal_V * rest.maximum_A * rest.intervalSeconds) / 3600;
    return { ...rest, maximum_Wh: Math.floor(share * fuse_Wh) };
  });

describe("a configuration", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(configurations, (configuration) => {
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
      }),
    );
  });

  it("fits the space that provisioning and the journal have for it", () => {
    const channels = Array.from({ length: CHANNELS_MAX }, (_, at) => `255-255:255.255.10${at}`);
    const largest = { ...sample, meterId: `A${"-".repeat(31)}`, channels, minGroup: 128 };
    expect(encodeConfiguration(largest).length).toBeLessThanOrEqual(400);
    expect(decodeConfiguration(encodeConfiguration(largest))).toEqual(largest);
  });

  it("is refused cut short at any byte, extended, or with any bit flipped unless it is another's encoding", () => {
    const bytes = encodeConfiguration(sample);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeConfiguration(bytes.subarray(0, length))).toThrow(FormatError);
    }
    expect(() => decodeConfiguration(Uint8Array.of(...bytes, 0))).toThrow("trailing bytes");
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let other: Configuration;
      try {
        other = decodeConfiguration(flipped);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
        continue;
      }
      expect(bytesToHex(encodeConfiguration(other))).toBe(bytesToHex(flipped));
    }
  });

  it("names no meter that could leave its topic or path", () => {
    for (const meterId of ["", "sm-1", "-1", "A/B", "A.B", "A+", "A#", "..", "A B", "A".repeat(33)]) {
      expect(() => decodeWith({ meterId }), meterId).toThrow(FormatError);
    }
    for (const meterId of ["0", "A", "SM-0001", "A".repeat(32)]) {
      expect(decodeWith({ meterId }).meterId).toBe(meterId);
    }
  });

  it("has intervals of 900 or 1,800 s and no other", () => {
    for (const intervalSeconds of [0, 1, 600, 1799, 3600, 86_400, 90_000]) {
      expect(() => decodeWith({ intervalSeconds })).toThrow(FormatError);
    }
  });

  it("has 1 to 8 distinct channels with OBIS codes", () => {
    const nine = Array.from({ length: 9 }, (_, at) => `1-0:${at}.8.0`);
    for (const channels of [
      [],
      nine,
      ["1-0:1.8.0", "1-0:1.8.0"],
      ["1-0:1.8"],
      ["1-0:1.8.0*255"],
      ["1.8.0"],
      ["1000-0:1.8.0"],
      ["a-0:1.8.0"],
    ]) {
      expect(() => decodeWith({ channels }), channels.join()).toThrow(FormatError);
    }
    expect(nine.every((code) => OBIS.test(code))).toBe(true);
  });

  it("never allows more than the fuses do", () => {
    expect(() => decodeWith({ maximum_Wh: 17_251 })).toThrow("maximum above fuse rating x interval");
    expect(decodeWith({ maximum_Wh: 34_500, intervalSeconds: 1800 }).maximum_Wh).toBe(34_500);
    for (const changes of [{ elements: 0 }, { nominal_V: 0 }, { maximum_A: 0 }]) {
      expect(() => decodeWith({ ...changes, maximum_Wh: 0 })).toThrow("maximum above fuse rating x interval");
    }
    for (const changes of [{ elements: 4 }, { nominal_V: 1001 }, { maximum_A: 1001 }]) {
      expect(() => decodeWith(changes)).toThrow(FormatError);
    }
  });

  it("has anchors of 32 bytes and a least group of 3 to 128", () => {
    for (const anchor of ["supplier", "network", "aggregator"]) {
      expect(() => decodeWith({ [anchor]: new Uint8Array(31) })).toThrow(FormatError);
    }
    expect(() => decodeWith({ minGroup: 2 })).toThrow("least group below 3");
    expect(() => decodeWith({ minGroup: 129 })).toThrow(FormatError);
  });
});
