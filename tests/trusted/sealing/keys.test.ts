import { createHash, createHmac, hkdfSync } from "node:crypto";
import { ristretto255 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  customerKey,
  dayKey,
  digest,
  prf,
  ReadingKeys,
  scalarFrom,
} from "../../../src/trusted/sealing/keys.js";
import hmacVectors from "../../vectors/rfc4231-hmac-sha256.json" with { type: "json" };
import hkdfVectors from "../../vectors/rfc5869-hkdf-sha256.json" with { type: "json" };
import example from "../../vectors/sealmeter-example.json" with { type: "json" };

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const key32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("the PRF", () => {
  it("is HMAC-SHA-256: the test cases of RFC 4231", () => {
    for (const { name, key, data, mac } of hmacVectors.cases) {
      expect(bytesToHex(prf(hexToBytes(key), hexToBytes(data))).slice(0, mac.length), name).toBe(mac);
    }
  });

  it("takes its message in parts", () => {
    fc.assert(
      fc.property(key32, fc.array(fc.uint8Array(), { maxLength: 4 }), (key, parts) => {
        const mac = createHmac("sha256", key);
        for (const part of parts) mac.update(part);
        expect(bytesToHex(prf(key, ...parts))).toBe(mac.digest("hex"));
        expect(bytesToHex(digest(...parts))).toBe(
          createHash("sha256").update(Buffer.concat(parts)).digest("hex"),
        );
      }),
    );
  });
});

describe("a customer's key", () => {
  it("comes from an HKDF that gives the test cases of RFC 5869", () => {
    for (const { name, ikm, salt, info, length, okm } of hkdfVectors.cases) {
      const out = hkdf(sha256, hexToBytes(ikm), hexToBytes(salt), hexToBytes(info), length);
      expect(bytesToHex(out), name).toBe(okm);
    }
  });

  it("binds meter, epoch and both points", () => {
    fc.assert(
      fc.property(key32, key32, key32, fc.nat(0xffff), (shared, user, ephemeral, epoch) => {
        const info = Buffer.concat([
          Buffer.from("sealmeter/1/user"),
          Buffer.from([epoch >> 8, epoch & 255]),
          user,
          ephemeral,
        ]);
        const expected = hkdfSync("sha256", shared, "SM-7", info, 32);
        expect(customerKey(shared, { meterId: "SM-7", epoch, user, ephemeral })).toEqual(
          new Uint8Array(expected),
        );
      }),
    );
  });

  it("is that of the worked example, whichever side computes it", () => {
    const names = {
      meterId: example.meterId,
      epoch: example.epoch,
      user: hexToBytes(example.customerPublic),
      ephemeral: hexToBytes(example.ephemeralPublic),
    };
    const agreed = (secret: string, point: Uint8Array) =>
      ristretto255.Point.fromBytes(point)
        .multiply(bytesToNumberLE(hexToBytes(secret)))
        .toBytes();
    const byMeter = agreed(example.ephemeralSecret, names.user);
    expect(agreed(example.customerSecret, names.ephemeral)).toEqual(byMeter);
    expect(bytesToHex(customerKey(byMeter, names))).toBe(example.K);
  });
});

describe("what a day's key opens", () => {
  it("is that of the worked example", () => {
    const daily = dayKey(hexToBytes(example.K), example.day);
    expect(bytesToHex(daily)).toBe(example.Kday);
    const keys = new ReadingKeys(daily);
    for (const { interval, channels } of example.readings) {
      for (const { channel, pad: expectedPad, opening: expectedOpening } of channels) {
        const { opening, pad } = keys.of(channel, interval);
        expect(bytesToHex(pad)).toBe(expectedPad);
        expect(opening).toBe(bytesToNumberLE(hexToBytes(expectedOpening)));
      }
    }
  });

  it("is z[0..48] mod l and z[48..52] of two PRFs over label, channel and interval", () => {
    fc.assert(
      fc.property(key32, fc.nat(255), fc.nat(0xffffffff), (daily, channel, interval) => {
        const z = Buffer.concat(
          ["open1", "open2"].map((label) => {
            const message = Buffer.alloc(10);
            message.write(label);
            message.writeUInt8(channel, 5);
            message.writeUInt32BE(interval, 6);
            return createHmac("sha256", daily).update(message).digest();
          }),
        );
        const reversed = Buffer.from(z.subarray(0, 48)).reverse().toString("hex");
        const keys = new ReadingKeys(daily);
        expect(keys.of(channel, interval).opening).toBe(BigInt(`0x${reversed}`) % ORDER);
        for (const pad of [keys.of(channel, interval).pad, keys.pad(channel, interval)]) {
          expect(bytesToHex(pad)).toBe(z.subarray(48, 52).toString("hex"));
        }
      }),
    );
  });
});

describe("a scalar from uniform bytes", () => {
  it("is the little-endian number mod l", () => {
    const bytes = new Uint8Array(64);
    bytes[0] = 7;
    expect(scalarFrom(bytes)).toBe(7n);
    expect(scalarFrom(new Uint8Array(64).fill(255))).toBe((2n ** 512n - 1n) % ORDER);
    expect(scalarFrom(new Uint8Array(48))).toBe(0n);
  });
});
