import { createPublicKey, verify as nodeVerify } from "node:crypto";
import { ED25519_TORSION_SUBGROUP, ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeTables } from "../../../src/proofs/generators.js";
import { array, bstr, int, tstr } from "../../../src/trusted/encoding/cbor.js";
import { decodeSign1, encodeSign1, toBeSigned } from "../../../src/trusted/encoding/cose.js";
import { FixedBaseTable } from "../../../src/trusted/sealing/fixed-base.js";
import { digest, scalarFrom } from "../../../src/trusted/sealing/keys.js";
import { keyId, SigningKey, verify, verifyDocument } from "../../../src/trusted/sealing/signature.js";
import cose from "../../vectors/cose-eddsa-sig-01.json" with { type: "json" };
import hostile from "../../vectors/ed25519-hostile.json" with { type: "json" };
import rfc8032 from "../../vectors/rfc8032-ed25519.json" with { type: "json" };
import example from "../../vectors/sealmeter-example.json" with { type: "json" };

const L = ed25519.Point.Fn.ORDER;
const P = 2n ** 255n - 19n;
const { Point } = ed25519;
const table = new FixedBaseTable(makeTables(4).tableB, 4);
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** What verifyDocument calls, over a bare message; noble's own strict verification must agree. */
function strictly(signature: string, message: string, publicKey: string): boolean {
  const [s, m, key] = [hexToBytes(signature), hexToBytes(message), hexToBytes(publicKey)];
  const verdict = verify(s, m, key, table);
  if (s.length === 64 && key.length === 32)
    expect(ed25519.verify(s, m, key, { zip215: false })).toBe(verdict);
  return verdict;
}

const spki = (publicKey: Uint8Array) =>
  createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]),
    format: "der",
    type: "spki",
  });

describe("a signing key", () => {
  it("signs as RFC 8032 section 7.1", () => {
    for (const { name, seed, publicKey, message, signature } of rfc8032.cases) {
      const key = new SigningKey(hexToBytes(seed), table);
      expect(bytesToHex(key.publicKey), name).toBe(publicKey);
      expect(bytesToHex(key.sign(hexToBytes(message))), name).toBe(signature);
      expect(strictly(signature, message, publicKey), name).toBe(true);
    }
  });

  it("signs as noble does, any message with any seed", () => {
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 300 }), (seed, message) => {
        const key = new SigningKey(seed, table);
        expect(bytesToHex(key.publicKey)).toBe(bytesToHex(ed25519.getPublicKey(seed)));
        expect(bytesToHex(key.sign(message))).toBe(bytesToHex(ed25519.sign(message, seed)));
      }),
      { numRuns: 40 },
    );
  });

  it("makes the batches and the pairing of the worked example", () => {
    const key = new SigningKey(hexToBytes(example.signingSeed), table);
    expect(bytesToHex(key.publicKey)).toBe(example.signingPublic);
    for (const [type, document] of [
      ["batch-1", example.batch],
      ["batch-1", example.second.batch],
      ["pairing-1", example.pairing],
    ] as const) {
      const { payload, kid } = decodeSign1(hexToBytes(document), type, 400);
      expect(kid).toEqual(keyId(key.publicKey));
      expect(bytesToHex(key.signDocument(type, payload))).toBe(document);
    }
  });

  it("leaves the seed that it was given alone", () => {
    const seed = new Uint8Array(32).fill(255);
    new SigningKey(seed, table).sign(seed);
    expect(seed).toEqual(new Uint8Array(32).fill(255));
  });
});

describe("the example of the COSE working group", () => {
  it("has the signed structure that our encoder makes, and its signature is ours", () => {
    const message = array(
      tstr("Signature1"),
      bstr(hexToBytes(cose.protected)),
      bstr(new Uint8Array(0)),
      bstr(hexToBytes(cose.payload)),
    );
    expect(bytesToHex(message)).toBe(cose.toBeSigned);
    const signature = cose.document.slice(-128);
    expect(bytesToHex(new SigningKey(hexToBytes(cose.seed), table).sign(message))).toBe(signature);
    expect(strictly(signature, cose.toBeSigned, cose.publicKey)).toBe(true);
  });

  it("is refused as a document: it has headers of its own", () => {
    expect(() => decodeSign1(hexToBytes(cose.document), "batch-1", 100)).toThrow("protected header");
  });
});

describe("hostile signatures", () => {
  it("of Chalkias, Garillot and Nikolaenko are judged by the strict, cofactored rules", () => {
    for (const { why, publicKey, message, signature, accepted } of hostile.speccheck) {
      expect(strictly(signature, message, publicKey), why).toBe(accepted);
    }
  });

  it("of Wycheproof are refused, and its valid ones accepted", () => {
    for (const { tcId, flag, publicKey, message, signature, accepted } of hostile.wycheproof) {
      const document = {
        kid: new Uint8Array(8),
        payload: new Uint8Array(0),
        signature: hexToBytes(signature),
      };
      if (document.signature.length === 64) {
        expect(strictly(signature, message, publicKey), `${tcId} ${flag}`).toBe(accepted);
      }
      expect(verifyDocument("batch-1", document, hexToBytes(publicKey), table)).toBe(false);
    }
  });
});

const seed = new Uint8Array(32).fill(7);
const signer = new SigningKey(seed, table);
const payload = int(42);
const message = toBeSigned("batch-1", payload);
const kid = keyId(signer.publicKey);
const secret = Point.Fn.create(
  bytesToNumberLE(
    sha512(seed)
      .slice(0, 32)
      .map((byte, at) => (at === 0 ? byte & 248 : at === 31 ? (byte & 127) | 64 : byte)),
  ),
);
const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex, true));
const challenge = (R: Uint8Array, A: Uint8Array) => scalarFrom(sha512(concatBytes(R, A, message)));
const accepts = (R: Uint8Array, S: bigint, A: Uint8Array) =>
  verifyDocument("batch-1", { kid, payload, signature: concatBytes(R, numberToBytesLE(S, 32)) }, A, table);

/** The encodings with y >= p that decode when nobody checks: y - p is 0 to 18. */
const nonCanonical = Array.from({ length: 19 }, (_, excess) => P + BigInt(excess))
  .flatMap((y) => [y, y + 2n ** 255n])
  .map((y) => numberToBytesLE(y, 32))
  .filter((bytes) => ed25519.utils.isValidPublicKey(bytes, true));

describe("verifying a document", () => {
  it("accepts what its key signed, as node's own Ed25519 does", () => {
    const document = signer.signDocument("batch-1", payload);
    const { signature } = decodeSign1(document, "batch-1", 100);
    expect(verifyDocument("batch-1", { kid, payload, signature }, signer.publicKey, table)).toBe(true);
    expect(nodeVerify(null, message, spki(signer.publicKey), signature)).toBe(true);
    expect(kid).toEqual(digest(signer.publicKey).slice(0, 8));
  });

  it("refuses it as another type, under another key, with another payload or any bit of it flipped", () => {
    const signature = signer.sign(message);
    const other = new SigningKey(new Uint8Array(32), table).publicKey;
    expect(verifyDocument("command-1", { kid, payload, signature }, signer.publicKey, table)).toBe(false);
    expect(verifyDocument("batch-1", { kid, payload, signature }, other, table)).toBe(false);
    expect(verifyDocument("batch-1", { kid, payload: int(43), signature }, signer.publicKey, table)).toBe(
      false,
    );
    for (let bit = 0; bit < 512; bit += 7) {
      const flipped = signature.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyDocument("batch-1", { kid, payload, signature: flipped }, signer.publicKey, table)).toBe(
        false,
      );
    }
  });

  it("does not heed the kid, which is a hint", () => {
    const signature = signer.sign(message);
    const document = { kid: new Uint8Array(8), payload, signature };
    expect(verifyDocument("batch-1", document, signer.publicKey, table)).toBe(true);
    expect(decodeSign1(encodeSign1("batch-1", document), "batch-1", 100)).toEqual(document);
  });

  it("refuses S + l, and every S from l to 2^256", () => {
    const signature = signer.sign(message);
    const [R, S] = [signature.slice(0, 32), bytesToNumberLE(signature.slice(32))];
    expect(accepts(R, S, signer.publicKey)).toBe(true);
    for (let more = 1n; S + more * L < 2n ** 256n; more++) {
      expect(accepts(R, S + more * L, signer.publicKey)).toBe(false);
    }
    for (const large of [L, 2n ** 253n, 2n ** 255n, 2n ** 256n - 1n]) {
      expect(accepts(R, large, signer.publicKey)).toBe(false);
    }
  });

  it("refuses A of small order, under which anything would verify", () => {
    for (const A of torsion) {
      for (const S of [0n, 1n, 12345n]) {
        const R = S === 0n ? Point.ZERO : Point.BASE.multiply(S);
        expect(accepts(R.toBytes(), S, A.toBytes())).toBe(false);
      }
    }
  });

  it("accepts R of small order and A and R of mixed order: only the cofactored equation counts", () => {
    for (const T of torsion) {
      const A = Point.BASE.multiply(secret).add(T).toBytes();
      const small = T.toBytes();
      expect(accepts(small, Point.Fn.create(challenge(small, A) * secret), A)).toBe(true);
      const mixed = Point.BASE.multiply(99n).add(T).toBytes();
      expect(accepts(mixed, Point.Fn.create(99n + challenge(mixed, A) * secret), A)).toBe(true);
    }
  });

  it("refuses A and R that are not canonical, whoever hashes what", () => {
    expect(nonCanonical.length).toBeGreaterThan(10);
    for (const bytes of nonCanonical) {
      const T = Point.fromBytes(bytes, true);
      const reduced = T.toBytes();
      for (const hashed of [bytes, reduced]) {
        const S = Point.Fn.create(challenge(hashed, signer.publicKey) * secret);
        expect(accepts(bytes, S, signer.publicKey)).toBe(false);
      }
      expect(accepts(Point.BASE.toBytes(), 1n, bytes)).toBe(false);
    }
    const minusZero = numberToBytesLE(1n + 2n ** 255n, 32);
    expect(
      accepts(minusZero, Point.Fn.create(challenge(minusZero, signer.publicKey) * secret), signer.publicKey),
    ).toBe(false);
    expect(accepts(Point.BASE.toBytes(), 1n, minusZero)).toBe(false);
  });

  it("refuses what is no point, and signatures and keys of another length, without throwing", () => {
    const signature = signer.sign(message);
    const notOnCurve = numberToBytesLE(2n, 32);
    expect(accepts(notOnCurve, 1n, signer.publicKey)).toBe(false);
    expect(accepts(signature.slice(0, 32), 1n, notOnCurve)).toBe(false);
    for (const length of [0, 32, 63]) {
      const cut = { kid, payload, signature: signature.slice(0, length) };
      expect(verifyDocument("batch-1", cut, signer.publicKey, table)).toBe(false);
    }
    const long = { kid, payload, signature: Uint8Array.of(...signature, 0) };
    expect(verifyDocument("batch-1", long, signer.publicKey, table)).toBe(false);
    const document = { kid, payload, signature };
    expect(verifyDocument("batch-1", document, signer.publicKey.slice(1), table)).toBe(false);
    expect(verifyDocument("batch-1", document, Uint8Array.of(...signer.publicKey, 0), table)).toBe(false);
  });
});
