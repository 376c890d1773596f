import { ed25519, ristretto255 } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeCertificate,
  decodeRevocation,
  encodeCertificate,
  encodeRevocation,
  isRevoked,
  REVOKED_MAX,
  type RevokedKey,
  verifyCertificate,
  verifyRevocation,
} from "../../src/proofs/certificate.js";
import { signWithKey, VerificationError } from "../../src/proofs/signed.js";
import { type Certificate, Role } from "../../src/trusted/authority/certificate.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, int, map } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { example, seedOf, signCertificate, vector } from "../example.js";
import { cutOrExtended, flipBit, flips, isRefused, nonCanonical, strictly, survivors } from "../mutants.js";

const U32_MAX = 0xffffffff;
const PRIME = ed25519.Point.Fp.ORDER;
const payload = encodeCertificate(example.certificate);
const verify = (bytes: Uint8Array) => verifyCertificate(bytes, example.authorityKey);
const changed = (changes: Partial<Certificate>) => encodeCertificate({ ...example.certificate, ...changes });

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const meterIds = fc.stringMatching(/^[A-Z0-9][A-Z0-9-]{0,31}$/);
const u32 = fc.nat({ max: U32_MAX });
const obis = fc
  .tuple(...Array.from({ length: 5 }, () => fc.nat({ max: 255 })))
  .map(([a, b, c, d, e]) => `${a}-${b}:${c}.${d}.${e}`);
const certificates: fc.Arbitrary<Certificate> = fc
  .record({
    meterId: meterIds,
    signingKey: bytes32.map((seed) => ed25519.getPublicKey(seed)),
    agreementKey: fc
      .bigInt({ min: 1n, max: ristretto255.Point.Fn.ORDER - 1n })
      .map((scalar) => ristretto255.Point.BASE.multiply(scalar).toBytes()),
    softwareId: bytes32,
    intervalSeconds: fc.constantFrom(900, 1800),
    channels: fc.uniqueArray(obis, { minLength: 1, maxLength: 8 }),
    validity: fc.uniqueArray(u32, { minLength: 2, maxLength: 2 }),
    role: fc.constantFrom(Role.HOUSEHOLD, Role.FEEDER),
  })
  .map(({ validity, ...rest }) => {
    const [notBefore_s = 0, notAfter_s = 1] = [...validity].sort((a, b) => a - b);
    return { ...rest, notBefore_s, notAfter_s };
  });

describe("a certificate", () => {
  it("of the worked example says what it should, and is made the same", () => {
    const certificate = verify(example.certificateBytes);
    expect(certificate).toEqual({
      meterId: vector.meterId,
      signingKey: hexToBytes(vector.signingPublic),
      agreementKey: hexToBytes(vector.agreementPublic),
      softwareId: hexToBytes(vector.softwareId),
      intervalSeconds: 1800,
      channels: ["1-0:1.8.0", "1-0:2.8.0"],
      notBefore_s: 1309392000,
      notAfter_s: 1625097600,
      role: Role.HOUSEHOLD,
    });
    expect(bytesToHex(signCertificate({}))).toBe(vector.certificate);
  });

  it("comes back from its bytes as it was", () => {
    fc.assert(
      fc.property(certificates, (certificate) => {
        expect(decodeCertificate(encodeCertificate(certificate))).toEqual(certificate);
      }),
      { numRuns: 30 },
    );
  });

  it("fits its largest envelope with 32 characters of id and 8 long channels", () => {
    const channels = Array.from({ length: 8 }, (_, at) => `255-255:255.255.25${at}`);
    const largest = signCertificate({
      meterId: "M".repeat(32),
      channels,
      notBefore_s: U32_MAX - 1,
      notAfter_s: U32_MAX,
    });
    expect(decodeSign1(largest, "certificate-1", 512).payload.length).toBe(321);
    expect(largest.length).toBeLessThanOrEqual(512);
    expect(verify(largest).channels).toEqual(channels);
  });

  it("with a bit flipped is refused or another certificate, never the same in other words", () => {
    expect(survivors(flips(payload), strictly(decodeCertificate, encodeCertificate))).toEqual([]);
  });

  it("is refused cut short, extended or encoded in any other way", () => {
    const mutants = [...cutOrExtended(payload), ...nonCanonical(payload)];
    expect(survivors(mutants, decodeCertificate)).toEqual([]);
    const signed = [...cutOrExtended(example.certificateBytes), ...nonCanonical(example.certificateBytes)];
    expect(survivors(signed, verify)).toEqual([]);
  });

  it("is refused with any bit of the signed document flipped", () => {
    const bits = fc.nat({ max: 8 * example.certificateBytes.length - 1 });
    fc.assert(fc.property(bits, (bit) => isRefused(() => verify(flipBit(example.certificateBytes, bit)))));
  });

  it.each<[string, Partial<Certificate>]>([
    ["a meter id in lower case", { meterId: "sm-0001" }],
    ["a meter id that climbs a path", { meterId: "../X" }],
    ["an empty meter id", { meterId: "" }],
    ["an hour for an interval", { intervalSeconds: 3600 }],
    ["no channel", { channels: [] }],
    ["the same channel twice", { channels: ["1-0:1.8.0", "1-0:1.8.0"] }],
    ["a channel that is no OBIS code", { channels: ["1.8.0"] }],
    ["nine channels", { channels: Array.from({ length: 9 }, (_, at) => `1-0:${at}.8.0`) }],
    ["a role that is neither household nor feeder", { role: 2 }],
    ["a validity that is empty", { notBefore_s: 5, notAfter_s: 5 }],
    ["a validity that ends before it begins", { notBefore_s: 6, notAfter_s: 5 }],
    ["a validity beyond u32", { notAfter_s: U32_MAX + 1 }],
    ["a software identity of 31 bytes", { softwareId: new Uint8Array(31) }],
    ["a signing key that is the identity", { signingKey: numberToBytesLE(1n, 32) }],
    ["a signing key above the field prime", { signingKey: numberToBytesLE(PRIME + 3n, 32) }],
    ["a signing key that is no point", { signingKey: numberToBytesLE(2n, 32) }],
    ["an agreement key that is the identity", { agreementKey: new Uint8Array(32) }],
    ["an agreement key above the field prime", { agreementKey: numberToBytesLE(PRIME, 32) }],
    ["an agreement key with a negative field element", { agreementKey: numberToBytesLE(1n, 32) }],
  ])("is refused with %s, by maker and reader", (_, changes) => {
    expect(() => changed(changes)).toThrow(FormatError);
  });

  it("is refused with each of the eight points of small order for a signing key", () => {
    const order8 = ed25519.Point.fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    let point = order8;
    for (let k = 1; k <= 8; k++, point = point.add(order8)) {
      expect(() => changed({ signingKey: point.toBytes() })).toThrow("small order");
    }
  });

  it("is refused from anyone but the authority, and as another type", () => {
    const foreign = signCertificate({}, seedOf("supplier"));
    expect(() => verify(foreign)).toThrow(new VerificationError("certificate-1: signed by another key"));
    const asTariff = signWithKey("tariff-1", payload, seedOf("authority"));
    expect(() => verify(asTariff)).toThrow(FormatError);
  });
});

describe("a revocation", () => {
  const entry: RevokedKey = {
    meterId: vector.meterId,
    signingKey: example.certificate.signingKey,
    lastGoodBatchNumber: 7,
  };
  const entries = fc.record({ meterId: meterIds, signingKey: bytes32, lastGoodBatchNumber: u32 });
  const bytes = encodeRevocation({
    issuedAt_s: 1309478340,
    revoked: [entry, { ...entry, meterId: "SM-0002" }],
  });

  it("comes back from its bytes as it was", () => {
    const revocations = fc.record({
      issuedAt_s: u32,
      revoked: fc.uniqueArray(entries, { maxLength: 20, selector: ({ meterId }) => meterId }),
    });
    fc.assert(
      fc.property(revocations, (revocation) => {
        expect(decodeRevocation(encodeRevocation(revocation))).toEqual(revocation);
      }),
    );
  });

  it("holds 4,096 keys and not one more", () => {
    const revoked = Array.from({ length: REVOKED_MAX }, (_, at) => ({
      ...entry,
      meterId: `${at}`.padStart(32, "M"),
      lastGoodBatchNumber: U32_MAX,
    }));
    const full = signWithKey(
      "revocation-1",
      encodeRevocation({ issuedAt_s: U32_MAX, revoked }),
      seedOf("authority"),
    );
    expect(verifyRevocation(full, example.authorityKey).revoked).toHaveLength(REVOKED_MAX);
    const more = { issuedAt_s: 0, revoked: [...revoked, { ...entry, meterId: "N" }] };
    expect(() => encodeRevocation(more)).toThrow(FormatError);
  });

  it("names no key twice, but may name two keys of a meter", () => {
    const twice = { issuedAt_s: 0, revoked: [entry, { ...entry, lastGoodBatchNumber: 9 }] };
    expect(() => encodeRevocation(twice)).toThrow("the same key is revoked twice");
    const two = { issuedAt_s: 0, revoked: [entry, { ...entry, signingKey: example.authorityKey }] };
    expect(decodeRevocation(encodeRevocation(two)).revoked).toHaveLength(2);
  });

  it("is refused cut short, extended, encoded in any other way or with other entries", () => {
    expect(survivors([...cutOrExtended(bytes), ...nonCanonical(bytes)], decodeRevocation)).toEqual([]);
    const short = map([1, int(0)], [2, array(array(int(1)))]);
    expect(() => decodeRevocation(short)).toThrow(FormatError);
  });

  it("is refused from anyone but the authority, and with any bit flipped", () => {
    const signed = signWithKey("revocation-1", bytes, seedOf("authority"));
    const verifyIt = (document: Uint8Array) => verifyRevocation(document, example.authorityKey);
    expect(verifyIt(signed).issuedAt_s).toBe(1309478340);
    expect(() => verifyIt(signWithKey("revocation-1", bytes, seedOf("signing")))).toThrow(VerificationError);
    const bits = fc.nat({ max: 8 * signed.length - 1 });
    fc.assert(fc.property(bits, (bit) => isRefused(() => verifyIt(flipBit(signed, bit)))));
  });

  it("takes back the batches after the last good one, of this meter and key alone", () => {
    const { certificate } = example;
    const revocation = { issuedAt_s: 0, revoked: [entry] };
    expect(isRevoked(revocation, certificate, 7)).toBe(false);
    expect(isRevoked(revocation, certificate, 8)).toBe(true);
    expect(isRevoked(revocation, { ...certificate, meterId: "SM-0002" }, 8)).toBe(false);
    expect(isRevoked(revocation, { ...certificate, signingKey: example.authorityKey }, 8)).toBe(false);
    expect(isRevoked({ issuedAt_s: 0, revoked: [] }, certificate, 8)).toBe(false);
  });
});
