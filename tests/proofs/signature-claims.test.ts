import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { areSigned, claimOf, type SignatureClaim, signingKeys } from "../../src/proofs/signature-claims.js";
import { decodeSign1, type Sign1 } from "../../src/trusted/encoding/cose.js";
import { bytesOf } from "../../src/trusted/sealing/edwards.js";
import { example } from "../example.js";
import { flipBit } from "../mutants.js";
import hostile from "../vectors/ed25519-hostile.json" with { type: "json" };
import { ARITHMETICS } from "./arithmetics.js";

const L = ed25519.Point.Fn.ORDER;
const seedOf = (at: number) => new Uint8Array(32).fill(at + 1);
const coefficient = fc.bigInt({ min: 1n, max: 2n ** 128n - 1n });

function claim(signature: Uint8Array, message: Uint8Array, key: Uint8Array): SignatureClaim {
  return { key, signature, challenge: sha512(concatBytes(signature.subarray(0, 32), key, message)) };
}

/** Right claims under two keys, one of which has signed twice. */
const RIGHT = [0, 1, 1].map((at, place) => {
  const message = Uint8Array.of(place);
  return claim(ed25519.sign(message, seedOf(at)), message, ed25519.getPublicKey(seedOf(at)));
});

/** The claim with S moved by so much, still below l. */
function moved({ signature, ...rest }: SignatureClaim, by: bigint): SignatureClaim {
  const S = (bytesToNumberLE(signature.subarray(32)) + by + L) % L;
  return { ...rest, signature: concatBytes(signature.subarray(0, 32), bytesOf(S)) };
}

describe.each(ARITHMETICS)("claims of signatures, by %s", (_, { group, hashes }) => {
  it("are true of a document and of no other, nor under another key", () => {
    const { certificateBytes, authorityKey, certificate } = example;
    const document = decodeSign1(certificateBytes, "certificate-1", 512);
    const holds = (changes: Partial<Sign1>, key: Uint8Array = authorityKey) =>
      areSigned([claimOf("certificate-1", { ...document, ...changes }, key, hashes)], [1n], group);
    expect(holds({})).toBe(true);
    expect(holds({ payload: flipBit(document.payload, 99) })).toBe(false);
    expect(holds({ signature: flipBit(document.signature, 300) })).toBe(false);
    expect(holds({ signature: document.signature.subarray(1) })).toBe(false);
    expect(holds({}, certificate.signingKey)).toBe(false);
    expect(areSigned([claimOf("batch-1", document, authorityKey, hashes)], [1n], group)).toBe(false);
  });

  it("are judged in a batch as the strict, cofactored rules judge them alone", () => {
    const cases = [...hostile.speccheck, ...hostile.wycheproof].filter(
      ({ signature, publicKey }) => signature.length === 128 && publicKey.length === 64,
    );
    expect(cases.length).toBeGreaterThan(30);
    for (const { publicKey, message, signature, accepted } of cases) {
      const claimed = claim(hexToBytes(signature), hexToBytes(message), hexToBytes(publicKey));
      expect(areSigned([claimed], [1n], group)).toBe(accepted);
      expect(areSigned([...RIGHT, claimed], [3n, 5n, 7n, 2n ** 127n + 8n], group)).toBe(accepted);
    }
  });

  it("hold together with any coefficients if each is true, and not if one is false", () => {
    const one = fc.tuple(coefficient, coefficient, coefficient, fc.nat(2), fc.bigInt(1n, L - 1n));
    fc.assert(
      fc.property(one, ([a, b, c, wrong, by]) => {
        expect(areSigned(RIGHT, [a, b, c], group)).toBe(true);
        const claims = RIGHT.map((right, at) => (at === wrong ? moved(right, by) : right));
        expect(areSigned(claims, [a, b, c], group)).toBe(false);
      }),
      { numRuns: 10 },
    );
  });

  it("that are wrong by opposite amounts cancel only under equal coefficients", () => {
    const claims = RIGHT.map((right, at) => moved(right, [1n, -1n, 0n][at] ?? 0n));
    expect(areSigned(claims, [9n, 9n, 9n], group)).toBe(true);
    expect(areSigned(claims, [9n, 10n, 9n], group)).toBe(false);
  });

  it("with an S of l or more are false, though it is the same scalar", () => {
    const claims = RIGHT.map(({ signature, ...rest }) => {
      const S = bytesToNumberLE(signature.subarray(32)) + L;
      return { ...rest, signature: concatBytes(signature.subarray(0, 32), bytesOf(S)) };
    });
    expect(areSigned(claims, [1n, 2n, 3n], group)).toBe(false);
  });

  it("are none without any, and hold", () => {
    expect(areSigned([], [], group)).toBe(true);
  });

  it("have keys of which none is of small order or written otherwise", () => {
    const keys = RIGHT.map(({ key }) => key);
    const neutral = bytesOf(1n);
    expect(signingKeys(keys, group)?.length).toBe(3);
    expect(signingKeys([...keys, neutral], group)).toBeNull();
    expect(signingKeys([bytesOf(2n ** 255n - 18n), ...keys], group)).toBeNull();
  });
});
