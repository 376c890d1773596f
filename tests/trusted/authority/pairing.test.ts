import { ristretto255 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeCommitmentKey } from "../../../src/proofs/generators.js";
import { agree, makePairing, randomScalar } from "../../../src/trusted/authority/pairing.js";
import { asciiBytes, FormatError } from "../../../src/trusted/encoding/bytes.js";
import { decodeSign1 } from "../../../src/trusted/encoding/cose.js";
import { customerKey } from "../../../src/trusted/sealing/keys.js";
import { SigningKey, verifyDocument } from "../../../src/trusted/sealing/signature.js";
import vectors from "../../vectors/rfc9496-ristretto255.json" with { type: "json" };
import example from "../../vectors/sealmeter-example.json" with { type: "json" };

const key = makeCommitmentKey();
const signer = new SigningKey(hexToBytes(example.signingSeed), key.base);

/** Entropy that fills with these bytes. */
const filling = (bytes: Uint8Array) => ({ fill: (into: Uint8Array) => into.set(bytes) });
const scalars = fc
  .uint8Array({ minLength: 64, maxLength: 64 })
  .map((bytes) => randomScalar(filling(Uint8Array.of(...bytes.slice(1), 1))));

describe("a random scalar", () => {
  it("is 64 bytes little-endian mod l", () => {
    const bytes = sha512(asciiBytes("sealmeter example ephemeral"));
    expect(randomScalar(filling(bytes))).toBe(bytesToNumberLE(hexToBytes(example.ephemeralSecret)));
  });

  it("stops at entropy that is stuck at zero", () => {
    expect(() => randomScalar(filling(new Uint8Array(64)))).toThrow("entropy is not stuck at zero");
  });
});

describe("agreement", () => {
  it("gives both sides the same point", () => {
    fc.assert(
      fc.property(scalars, scalars, (mine, yours) => {
        const { BASE } = ristretto255.Point;
        expect(agree(mine, BASE.multiply(yours).toBytes())).toEqual(
          agree(yours, BASE.multiply(mine).toBytes()),
        );
      }),
      { numRuns: 20 },
    );
  });

  it("refuses the invalid encodings of RFC 9496 appendix A.2, and other lengths", () => {
    for (const hex of [...vectors.invalid, "", "00", `${vectors.multiples[1]}00`]) {
      expect(() => agree(5n, hexToBytes(hex)), hex).toThrow(FormatError);
    }
  });

  it("refuses the identity, which would make a key that everybody knows", () => {
    expect(() => agree(5n, new Uint8Array(32))).toThrow(FormatError);
  });
});

describe("a pairing", () => {
  const names = {
    meterId: example.meterId,
    epoch: example.epoch,
    user: hexToBytes(example.customerPublic),
    firstInterval: example.readings[0]?.interval ?? 0,
  };

  it("is that of the worked example, from the same entropy", () => {
    const entropy = filling(sha512(asciiBytes("sealmeter example ephemeral")));
    const { customer, payload, document } = makePairing(entropy, key, signer, names);
    expect(bytesToHex(document)).toBe(example.pairing);
    expect(bytesToHex(customer)).toBe(example.K);
    const envelope = decodeSign1(document, "pairing-1", 200);
    expect(envelope.payload).toEqual(payload);
    expect(verifyDocument("pairing-1", envelope, signer.publicKey, key.base)).toBe(true);
  });

  it("gives the customer the same K from u and E", () => {
    fc.assert(
      fc.property(scalars, fc.uint8Array({ minLength: 64, maxLength: 64 }), (secret, seed) => {
        const user = ristretto255.Point.BASE.multiply(secret).toBytes();
        const { customer, payload } = makePairing(filling(Uint8Array.of(...seed.slice(1), 1)), key, signer, {
          ...names,
          user,
        });
        const at = bytesToHex(payload).indexOf("045820") / 2 + 3;
        const ephemeral = payload.slice(at, at + 32);
        const shared = agree(secret, ephemeral);
        expect(customerKey(shared, { ...names, user, ephemeral })).toEqual(customer);
      }),
      { numRuns: 20 },
    );
  });

  it("is refused with a U that is no point", () => {
    const user = hexToBytes(vectors.invalid[0] ?? "");
    expect(() => makePairing(filling(new Uint8Array(64).fill(1)), key, signer, { ...names, user })).toThrow(
      "no element of ristretto255",
    );
  });
});
