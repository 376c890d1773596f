import { bytesToHex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CHANNELS_MAX,
  CONFIGURATION_BYTES_MAX,
  type Configuration,
  changeConfiguration,
  decodeConfiguration,
  encodeConfiguration,
  METER_ID,
  OBIS,
  readRevokedPeers,
} from "../../../src/trusted/authority/configuration.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map } from "../../../src/trusted/encoding/cbor.js";

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
  revokedPeers: [new Uint8Array(8), new Uint8Array(8).fill(7)],
  update: { imageDigest: new Uint8Array(32).fill(4), softwareId: new Uint8Array(32).fill(5), version: 6 },
  calibration: {
    sources: [null, { input: 0, isBackward: true, numerator: 3_600_000, denominator: 7, maxPerSecond: 16 }],
    waveform: {
      samplesPerSecond: 4000,
      starting_mW: 4600,
      elements: Array.from({ length: 3 }, () => ({ gain: 14_400_000, delay_ns: -125 })),
    },
    testPulses: 1000,
  },
};
const PEERS_MAX = 32;
/** So many peers, ascending by their last byte. */
const peersOf = (count: number) =>
  Array.from({ length: count }, (_, at) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, at));

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
    peers: fc.nat(PEERS_MAX),
    update: fc.option(fc.record({ imageDigest: keys, softwareId: keys, version: fc.nat(0xffffffff) })),
    isCounted: fc.boolean(),
    source: fc.record({
      input: fc.nat(15),
      isBackward: fc.boolean(),
      numerator: fc.maxSafeNat(),
      denominator: fc.integer({ min: 1, max: 0xffffffff }),
      maxPerSecond: fc.nat(0xffffffff),
    }),
  })
  .filter(({ supplier, network, aggregator }) => {
    return new Set([supplier, network, aggregator].map(bytesToHex)).size === 3;
  })
  .map(({ share, peers, isCounted, source, ...given }) => {
    const sources = given.channels.map(() => source);
    const calibration = isCounted ? { sources, waveform: null, testPulses: 500 } : null;
    const rest = { ...given, revokedPeers: peersOf(peers), calibration };
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
    const longest = { meterId: `A${"-".repeat(31)}`, channels, minGroup: 128, maximum_Wh: 500_000 };
    const rating = { intervalSeconds: 1800, nominal_V: 1000, maximum_A: 1000 };
    const update = { imageDigest: sample.supplier, softwareId: sample.supplier, version: 0xffffffff };
    const source = {
      input: 15,
      isBackward: true,
      numerator: Number.MAX_SAFE_INTEGER,
      denominator: 0xffffffff,
      maxPerSecond: 0xffffffff,
    };
    const element = { gain: Number.MAX_SAFE_INTEGER, delay_ns: -1_000_000 };
    const waveform = {
      samplesPerSecond: 16_000,
      starting_mW: 0xffffffff,
      elements: [element, element, element],
    };
    const calibration = { sources: channels.map(() => source), waveform, testPulses: 100_000 };
    const largest = {
      ...sample,
      ...longest,
      ...rating,
      update,
      revokedPeers: peersOf(PEERS_MAX),
      calibration,
    };
    expect(encodeConfiguration(largest).length).toBeLessThanOrEqual(CONFIGURATION_BYTES_MAX);
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

  it("has another key for every role", () => {
    const { supplier, network } = sample;
    for (const changes of [{ network: supplier }, { aggregator: supplier }, { aggregator: network }]) {
      expect(() => decodeWith(changes)).toThrow("two roles with one key");
    }
  });

  it("has at most 32 revoked peers of 8 bytes, ascending, each once", () => {
    expect(decodeWith({ revokedPeers: peersOf(PEERS_MAX) }).revokedPeers).toEqual(peersOf(PEERS_MAX));
    expect(() => decodeWith({ revokedPeers: peersOf(PEERS_MAX + 1) })).toThrow(FormatError);
    for (const revokedPeers of [peersOf(2).reverse(), [...peersOf(1), ...peersOf(1)]]) {
      expect(() => decodeWith({ revokedPeers })).toThrow("revoked peers do not ascend");
    }
    for (const length of [7, 9]) {
      expect(() => decodeWith({ revokedPeers: [new Uint8Array(length)] })).toThrow(FormatError);
    }
    const wrong = array(...peersOf(3).map(bstr), int(1));
    expect(() => readRevokedPeers(new CborReader(wrong, "peers"))).toThrow(FormatError);
  });
});

describe("a change of the configuration", () => {
  const change = (...fields: readonly (readonly [number, Uint8Array])[]) =>
    changeConfiguration(sample, new CborReader(map(...fields), "change"));
  const key = new Uint8Array(32).fill(9);

  it("sets the fields that it names and leaves the others as they were", () => {
    expect(change([4, int(17_250)])).toEqual({ ...sample, maximum_Wh: 17_250 });
    expect(change([8, bstr(key)])).toEqual({ ...sample, supplier: key });
    expect(change([9, bstr(key)])).toEqual({ ...sample, network: key });
    expect(change([10, bstr(key)])).toEqual({ ...sample, aggregator: key });
    expect(change([11, int(3)])).toEqual({ ...sample, minGroup: 3 });
    const [supplier, network, aggregator] = [9, 10, 11].map((fill) => new Uint8Array(32).fill(fill));
    const all = change(
      [4, int(0)],
      [8, bstr(supplier ?? key)],
      [9, bstr(network ?? key)],
      [10, bstr(aggregator ?? key)],
      [11, int(128)],
    );
    expect(all).toEqual({ ...sample, maximum_Wh: 0, supplier, network, aggregator, minGroup: 128 });
  });

  it("may let two anchors change places", () => {
    const { supplier, network } = sample;
    expect(change([8, bstr(network)], [9, bstr(supplier)])).toEqual({
      ...sample,
      supplier: network,
      network: supplier,
    });
  });

  it("names at least one field, each once and ascending, and none that is fixed for life or unknown", () => {
    expect(() => change()).toThrow("map of size 0");
    for (const field of [0, 1, 2, 3, 5, 6, 7, 12, 13]) {
      expect(() => change([field, int(1)])).toThrow(`field ${field} is not to be changed here`);
    }
    for (const field of [14, 0xffffffff]) expect(() => change([field, int(1)])).toThrow(FormatError);
    const twice = Uint8Array.of(0xa2, 11, 5, 11, 6);
    const falling = Uint8Array.of(0xa2, 11, 5, 4, 6);
    for (const bytes of [twice, falling]) {
      expect(() => changeConfiguration(sample, new CborReader(bytes, "change"))).toThrow(
        "is not to be changed here",
      );
    }
  });

  it("is refused whole for a value that the configuration could not have", () => {
    expect(() => change([4, int(17_251)])).toThrow("maximum above fuse rating x interval");
    expect(() => change([11, int(2)])).toThrow("least group below 3");
    expect(() => change([11, int(129)])).toThrow(FormatError);
    expect(() => change([8, bstr(sample.network)])).toThrow("two roles with one key");
    expect(() => change([8, bstr(key.slice(1))])).toThrow(FormatError);
    expect(() => change([8, bstr(key)], [9, bstr(key)])).toThrow("two roles with one key");
  });
});
