import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VerificationError } from "../../src/proofs/signed.js";
import { decodeTariff, encodeTariff, readTariff, type Tariff } from "../../src/tariff/document.js";
import { signTariff, verifyTariff } from "../../src/tariff/signed-tariff.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { EXPORT, IMPORT, PLAIN, tariffs } from "./arbitrary.js";

const SEED = new Uint8Array(32).fill(7);
const KEY = ed25519.getPublicKey(SEED);

const withBand = (change: object): Tariff => ({
  ...PLAIN,
  energy: [
    {
      obis: IMPORT,
      policy: {
        kind: "time-of-use",
        rate: 1,
        bands: [{ weekdays: 1, months: 1, fromMinute: 0, toMinute: 1440, rate: 2, ...change }],
      },
    },
  ],
});

const withPrices = (change: object): Tariff => ({
  ...PLAIN,
  notAfter_s: PLAIN.notBefore_s + 3600,
  energy: [
    {
      obis: IMPORT,
      policy: { kind: "dynamic", start_s: PLAIN.notBefore_s, price_s: 1800, prices: [5, 6], ...change },
    },
  ],
});

describe("the tariff's codec", () => {
  it("gives back every tariff that it took", () => {
    fc.assert(
      fc.property(tariffs, (tariff) => {
        expect(decodeTariff(encodeTariff(tariff))).toEqual(tariff);
      }),
      { numRuns: 60 },
    );
  });

  it("has one encoding for a tariff: a flipped bit is another tariff or none", () => {
    fc.assert(
      fc.property(tariffs, fc.nat(), (tariff, where) => {
        const payload = encodeTariff(tariff);
        const bit = where % (8 * payload.length);
        payload[bit >> 3] = (payload[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        let changed: Tariff;
        try {
          changed = decodeTariff(payload);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          return;
        }
        expect(bytesToHex(encodeTariff(changed))).toBe(bytesToHex(payload));
      }),
      { numRuns: 300 },
    );
  });

  it("refuses every truncation and every extension", () => {
    const payload = encodeTariff(withBand({}));
    for (let length = 0; length < payload.length; length++) {
      expect(() => decodeTariff(payload.slice(0, length))).toThrow(FormatError);
    }
    expect(() => decodeTariff(Uint8Array.of(...payload, 0))).toThrow(/trailing bytes/);
  });

  const refused: readonly (readonly [string, Tariff, RegExp])[] = [
    ["an empty name", { ...PLAIN, name: "" }, /empty name/],
    ["a name of 65 characters", { ...PLAIN, name: "x".repeat(65) }, /text of length 65/],
    ["a currency in small letters", { ...PLAIN, currency: "eur" }, /currency/],
    ["a validity that ends as it begins", { ...PLAIN, notAfter_s: PLAIN.notBefore_s }, /validity/],
    ["a validity beyond u32", { ...PLAIN, notAfter_s: 2 ** 32 }, /unsigned integer/],
    ["no offset", { ...PLAIN, offsets: [] }, /array of length 0/],
    [
      "a first offset after the validity begins",
      { ...PLAIN, offsets: [{ from_s: PLAIN.notBefore_s + 1, offset_s: 0 }] },
      /first UTC offset/,
    ],
    ["an offset of 10 minutes", { ...PLAIN, offsets: [{ from_s: 0, offset_s: 600 }] }, /multiple of 900/],
    ["an offset of 18:15", { ...PLAIN, offsets: [{ from_s: 0, offset_s: -65_700 }] }, /integer/],
    [
      "offsets that do not ascend",
      {
        ...PLAIN,
        offsets: [
          { from_s: 5, offset_s: 0 },
          { from_s: 5, offset_s: 900 },
        ],
      },
      /ascend/,
    ],
    [
      "513 offsets",
      { ...PLAIN, offsets: Array.from({ length: 513 }, (_, at) => ({ from_s: at, offset_s: 0 })) },
      /array of length 513/,
    ],
    ["no energy", { ...PLAIN, energy: [] }, /array of length 0/],
    ["an OBIS code twice", { ...PLAIN, energy: [...PLAIN.energy, ...PLAIN.energy] }, /OBIS code twice/],
    [
      "a text that is no OBIS code",
      { ...PLAIN, energy: [{ ...PLAIN.energy[0], obis: "1.8.0" } as Tariff["energy"][0]] },
      /no OBIS/,
    ],
    ["a rate of 2^31", withBand({ rate: 2 ** 31 }), /unsigned integer/],
    ["a rate of -2^31", withBand({ rate: -(2 ** 31) }), /integer/],
    ["a band on no weekday", withBand({ weekdays: 0 }), /no day/],
    ["a band in no month", withBand({ months: 0 }), /no day/],
    ["a band on an eighth weekday", withBand({ weekdays: 128 }), /128/],
    ["a band over midnight", withBand({ fromMinute: 1320, toMinute: 360 }), /ends before/],
    ["a price of -2^31", withPrices({ prices: [0, -(2 ** 31)] }), /price 1/],
    ["no price", withPrices({ prices: [] }), /byte string/],
    ["prices that end before the validity", withPrices({ prices: [1] }), /do not cover/],
    [
      "prices that begin after the validity",
      withPrices({ start_s: PLAIN.notBefore_s + 900 }),
      /do not cover/,
    ],
    ["a price for 10 minutes", withPrices({ price_s: 600 }), /multiple of 900/],
    ["a price for no time", withPrices({ price_s: 0 }), /no time/],
    ["a price for more than a day", withPrices({ price_s: 87_300 }), /unsigned integer/],
    ["a negative standing charge", { ...PLAIN, standing: -1 }, /unsigned integer/],
    [
      "nine levies",
      {
        ...PLAIN,
        levies: Array.from({ length: 9 }, () => ({ kind: "per-day", name: "a", amount: 1 }) as const),
      },
      /array of length 9/,
    ],
    [
      "a levy of more than ten times",
      { ...PLAIN, levies: [{ kind: "proportional", name: "a", ppm: 10_000_001 }] },
      /10000001/,
    ],
    ["a VAT of more than 100 %", { ...PLAIN, vat_ppm: 1_000_001 }, /1000001/],
  ];
  it.each(refused)("refuses %s, on either side", (_, tariff, reason) => {
    expect(() => encodeTariff(tariff)).toThrow(reason);
    expect(() => encodeTariff(tariff)).toThrow(FormatError);
  });

  it("refuses more than 262,144 bytes whatever they say", () => {
    expect(() => decodeTariff(new Uint8Array(262_145))).toThrow(/262145 bytes/);
  });

  it("takes as many prices as fit, and refuses one channel too many of them", () => {
    const prices = {
      kind: "dynamic",
      start_s: PLAIN.notBefore_s,
      price_s: 1800,
      prices: Array.from({ length: 36_000 }, () => 9),
    } as const;
    const one = { ...PLAIN, energy: [{ obis: IMPORT, policy: prices }] };
    expect(decodeTariff(encodeTariff(one))).toEqual(one);
    const two = {
      ...PLAIN,
      energy: [
        { obis: IMPORT, policy: prices },
        { obis: EXPORT, policy: prices },
      ],
    };
    expect(() => encodeTariff(two)).toThrow(/at most 262144/);
  });

  it("refuses policies and levies of unknown kinds", () => {
    const hex = bytesToHex(encodeTariff({ ...PLAIN, levies: [{ kind: "per-day", name: "a", amount: 1 }] }));
    const changed = (from: string, to: string) => Uint8Array.from(Buffer.from(hex.replace(from, to), "hex"));
    expect(hex).toContain("616101");
    expect(() => decodeTariff(changed("616101", "616100"))).toThrow(/no levy of kind 0/);
    expect(() => decodeTariff(changed("382e30011a", "382e30001a"))).toThrow(
      /no policy of kind 0 with 4 items/,
    );
    expect(() => decodeTariff(changed("382e30011a", "382e30021a"))).toThrow(
      /no policy of kind 2 with 4 items/,
    );
  });
});

describe("a signed tariff", () => {
  const document = signTariff(encodeTariff(PLAIN), SEED);

  it("is known by the digest of its payload", () => {
    const { tariff, digest: name } = verifyTariff(document, KEY);
    expect(tariff).toEqual(PLAIN);
    expect(bytesToHex(name)).toBe(bytesToHex(digest(encodeTariff(PLAIN))));
    expect(readTariff(document)).toEqual({ tariff, digest: name });
  });

  it("is refused when a bit of it is flipped, cut or added", () => {
    for (let bit = 0; bit < 8 * document.length; bit += 5) {
      const changed = document.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => verifyTariff(changed, KEY)).toThrow();
    }
    expect(() => verifyTariff(document.slice(0, -1), KEY)).toThrow(FormatError);
    expect(() => verifyTariff(Uint8Array.of(...document, 0), KEY)).toThrow(FormatError);
  });

  it("is refused under another supplier's key", () => {
    const other = ed25519.getPublicKey(new Uint8Array(32).fill(8));
    expect(() => verifyTariff(document, other)).toThrow(VerificationError);
  });

  it("is not made of what is no tariff", () => {
    expect(() => signTariff(Uint8Array.of(0xa0), SEED)).toThrow(FormatError);
  });
});
