import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signWithKey, VerificationError, verifySigned } from "../../src/proofs/signed.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { bstr } from "../../src/trusted/encoding/cbor.js";
import { type DocumentType, decodeSign1, encodeSign1, toBeSigned } from "../../src/trusted/encoding/cose.js";
import { keyId } from "../../src/trusted/sealing/signature.js";
import { example, seedOf, vector } from "../example.js";
import { cutOrExtended, flipBit, isRefused, nonCanonical, survivors } from "../mutants.js";

const ORDER = ed25519.Point.Fn.ORDER;
const PRIME = ed25519.Point.Fp.ORDER;
const seed = seedOf("authority");
const key = ed25519.getPublicKey(seed);
const payload = bstr(Uint8Array.of(1, 2, 3));
const open = (bytes: Uint8Array, publicKey = key, type: DocumentType = "tariff-1") =>
  verifySigned(type, bytes, publicKey, 512);

/** A tariff's envelope with a signature made by hand. */
const signedBy = (publicKey: Uint8Array, R: Uint8Array, S: bigint) =>
  encodeSign1("tariff-1", {
    kid: keyId(publicKey),
    payload,
    signature: concatBytes(R, numberToBytesLE(S, 32)),
  });

/** R and S for a chosen nonce r and encoding of R = r·B, under `seed`. */
function signature(r: bigint, R: Uint8Array): { R: Uint8Array; S: bigint } {
  const challenge = bytesToNumberLE(sha512(concatBytes(R, key, toBeSigned("tariff-1", payload))));
  const { scalar } = ed25519.utils.getExtendedPublicKey(seed);
  return { R, S: ed25519.Point.Fn.create(r + challenge * scalar) };
}

describe("a signed document", () => {
  it("is made for the parties outside the meter byte for byte as in the worked example", () => {
    const certificate = decodeSign1(example.certificateBytes, "certificate-1", 512);
    expect(bytesToHex(signWithKey("certificate-1", certificate.payload, seed))).toBe(vector.certificate);
    expect(bytesToHex(key)).toBe(vector.authorityPublic);
  });

  it("gives back its payload under its key, whatever the payload", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(bytesToHex(open(signWithKey("tariff-1", bytes, seed)))).toBe(bytesToHex(bytes));
      }),
      { numRuns: 20 },
    );
  });

  it("is refused under another key, as another type and above its largest size", () => {
    const document = signWithKey("tariff-1", payload, seed);
    const other = ed25519.getPublicKey(seedOf("supplier"));
    expect(() => open(document, other)).toThrow(new VerificationError("tariff-1: signed by another key"));
    expect(() => open(document, key, "roster-1")).toThrow(FormatError);
    expect(() => verifySigned("tariff-1", document, key, payload.length - 1)).toThrow(FormatError);
    expect(bytesToHex(verifySigned("tariff-1", document, key, payload.length))).toBe(bytesToHex(payload));
  });

  it("is refused with the key id of the trusted key and a signature of another", () => {
    const forged = decodeSign1(signWithKey("tariff-1", payload, seedOf("supplier")), "tariff-1", 512);
    const document = encodeSign1("tariff-1", { ...forged, kid: keyId(key) });
    expect(() => open(document)).toThrow(new VerificationError("tariff-1: signature does not verify"));
  });

  it("is refused with any bit flipped", () => {
    const document = signWithKey("tariff-1", payload, seed);
    const bits = fc.nat({ max: 8 * document.length - 1 });
    fc.assert(fc.property(bits, (bit) => isRefused(() => open(flipBit(document, bit)))));
  });

  it("is refused cut short, extended or encoded in any other way", () => {
    const document = signWithKey("tariff-1", payload, seed);
    const mutants = [...cutOrExtended(document), ...nonCanonical(document)];
    expect(mutants.length).toBeGreaterThan(document.length + 12);
    expect(survivors(mutants, (bytes) => open(bytes))).toEqual([]);
  });

  it("is refused with its protected header in other words, for another algorithm or with one entry more", () => {
    const plain = bytesToHex(signWithKey("tariff-1", payload, seed));
    const [alg, typ] = ["57a20127", "10727365616c6d657465722f7461726966662d31"];
    expect(plain.startsWith(`d284${alg}${typ}`)).toBe(true);
    for (const header of [`5818a2013807${typ}`, `57a20126${typ}`, `5819a301270400${typ}`, `57a2${typ}0127`]) {
      expect(() => open(hexToBytes(plain.replace(alg + typ, header)))).toThrow(FormatError);
    }
  });

  it("is refused with S not below the group order, though the equation holds", () => {
    const { R, S } = signature(5n, ed25519.Point.BASE.multiply(5n).toBytes());
    expect(bytesToHex(open(signedBy(key, R, S)))).toBe(bytesToHex(payload));
    expect(() => open(signedBy(key, R, S + ORDER))).toThrow(VerificationError);
  });

  it("is refused with R encoded above the field prime, though the equation holds", () => {
    const canonical = signature(0n, numberToBytesLE(1n, 32));
    expect(bytesToHex(open(signedBy(key, canonical.R, canonical.S)))).toBe(bytesToHex(payload));
    const { R, S } = signature(0n, numberToBytesLE(PRIME + 1n, 32));
    const message = toBeSigned("tariff-1", payload);
    const encoded = concatBytes(R, numberToBytesLE(S, 32));
    expect(ed25519.verify(encoded, message, key, { zip215: true })).toBe(true);
    expect(() => open(signedBy(key, R, S))).toThrow(VerificationError);
  });

  it("is refused under a key of small order, under which everything else would verify", () => {
    const identity = numberToBytesLE(1n, 32);
    const order8 = hexToBytes("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a");
    for (const weak of [identity, order8]) {
      const message = toBeSigned("tariff-1", payload);
      const encoded = concatBytes(identity, numberToBytesLE(0n, 32));
      expect(ed25519.verify(encoded, message, weak, { zip215: true })).toBe(true);
      expect(() => open(signedBy(weak, identity, 0n), weak)).toThrow(VerificationError);
    }
  });
});
