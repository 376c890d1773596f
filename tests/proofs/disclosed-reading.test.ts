import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rebuildRoot } from "../../src/proofs/batch.js";
import { encodeRevocation, verifyRevocation } from "../../src/proofs/certificate.js";
import {
  type DisclosedReading,
  decodeDisclosedReading,
  encodeDisclosedReading,
  inclusionPath,
  makeDisclosedReading,
  rootOfPath,
  verifyDisclosedReading,
} from "../../src/proofs/disclosed-reading.js";
import { signWithKey, VerificationError } from "../../src/proofs/signed.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { LEAF_BYTES } from "../../src/trusted/sealing/batch.js";
import { example, seedOf, signBatch, signCertificate, vector } from "../example.js";
import { cutOrExtended, flipBit, flips, isRefused, nonCanonical, strictly, survivors } from "../mutants.js";

const ORDER = ed25519.Point.Fn.ORDER;
const [first, second] = example.batches as [(typeof example.batches)[0], (typeof example.batches)[0]];
const openingsOf = (readings: readonly { channels: readonly { reading: number; opening: string }[] }[]) =>
  readings.flatMap(({ channels }) =>
    channels.map(({ reading, opening }) => ({ reading, opening: bytesToNumberLE(hexToBytes(opening)) })),
  );
const sealed = openingsOf(vector.readings);

/** The disclosure of a leaf of the first batch of the example. */
function disclose(leafIndex: number): Uint8Array {
  const { reading = 0, opening = 0n } = sealed[leafIndex] ?? {};
  const { certificateBytes: certificate } = example;
  const { document: batch, leaves } = first;
  return makeDisclosedReading({ certificate, batch, leaves, leafIndex, reading, opening });
}
const verify = (bytes: Uint8Array) => verifyDisclosedReading(bytes, example.authorityKey);
const disclosed = disclose(2);
const altered = (changes: Partial<DisclosedReading>) =>
  encodeDisclosedReading({ ...decodeDisclosedReading(disclosed), ...changes });
const refusal = (text: string) => new VerificationError(`reading 2 of batch 0 of SM-0001: ${text}`);

describe("a Merkle path", () => {
  it("leads from every leaf of a tree of any size to its root, and from no other place or size", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 768 }),
        fc.nat({ max: 767 }),
        fc.nat({ max: 767 }),
        (size, a, b) => {
          const leaves = new Uint8Array(size * LEAF_BYTES).map((_, at) => at >> 3);
          const [index, other] = [a % size, b % size];
          const leaf = leaves.subarray(index * LEAF_BYTES, (index + 1) * LEAF_BYTES);
          const path = inclusionPath(leaves, index);
          const root = bytesToHex(rebuildRoot(leaves));
          const given = (place: number, of: number, hashes = path) => {
            const found = rootOfPath(leaf, place, of, hashes);
            return found && bytesToHex(found);
          };
          expect(path.length).toBeLessThanOrEqual(10);
          expect(given(index, size)).toBe(root);
          if (other !== index) expect(given(other, size)).not.toBe(root);
          expect(given(index, size, [...path, new Uint8Array(32)])).toBeNull();
          if (path.length > 0) expect(given(index, size, path.slice(1))).toBeNull();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("over the worked example consists of its leaf hashes and nodes", () => {
    expect(inclusionPath(first.leaves, 4).map(bytesToHex)[0]).toBe(vector.leafHashes[5]);
    expect(inclusionPath(first.leaves, 1).map(bytesToHex)[0]).toBe(vector.leafHashes[0]);
    expect(inclusionPath(first.leaves, 4)).toHaveLength(2);
    expect(inclusionPath(first.leaves, 1)).toHaveLength(3);
  });
});

describe("a disclosed reading", () => {
  it("proves each reading of the worked example with the authority's key alone", () => {
    sealed.forEach(({ reading }, leafIndex) => {
      const { batch, ...proven } = verify(disclose(leafIndex));
      expect(proven).toEqual({
        meterId: "SM-0001",
        obis: leafIndex % 2 === 0 ? "1-0:1.8.0" : "1-0:2.8.0",
        interval: 727488 + Math.floor(leafIndex / 2),
        start_s: 1309478400 + 1800 * Math.floor(leafIndex / 2),
        intervalSeconds: 1800,
        reading,
        status: leafIndex === 2 || leafIndex === 3 ? 16 : 0,
      });
      expect(bytesToHex(batch.digest)).toBe(vector.batchDigest);
    });
  });

  it("comes back from its bytes as it was", () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const documents = fc.record({
      certificate: fc.uint8Array({ minLength: 1, maxLength: 512 }),
      batch: fc.uint8Array({ minLength: 1, maxLength: 512 }),
      leafIndex: fc.nat({ max: 767 }),
      status: fc.nat({ max: 255 }),
      reading: fc.nat({ max: 0xffffffff }),
      opening: fc.bigInt({ min: 0n, max: ORDER - 1n }),
      path: fc.array(bytes(32), { maxLength: 10 }),
    });
    fc.assert(
      fc.property(documents, (document) => {
        expect(decodeDisclosedReading(encodeDisclosedReading(document))).toEqual(document);
      }),
      { numRuns: 50 },
    );
  });

  it("is refused with any bit flipped", () => {
    const bits = fc.nat({ max: 8 * disclosed.length - 1 });
    fc.assert(fc.property(bits, (bit) => isRefused(() => verify(flipBit(disclosed, bit)))));
  });

  it("is refused cut short, extended or encoded in any other way", () => {
    const mutants = [...cutOrExtended(disclosed), ...nonCanonical(disclosed)];
    expect(survivors(mutants, decodeDisclosedReading)).toEqual([]);
    expect(survivors(flips(disclosed), strictly(decodeDisclosedReading, encodeDisclosedReading))).toEqual([]);
  });

  it("is refused with another reading, status, place or opening", () => {
    const { opening } = sealed[2] as (typeof sealed)[0];
    const notSealed = refusal("not what the meter has sealed");
    expect(() => verify(altered({ reading: 300 }))).toThrow(notSealed);
    expect(() => verify(altered({ status: 0 }))).toThrow(notSealed);
    expect(() => verify(altered({ opening: opening + 1n }))).toThrow(notSealed);
    expect(() => verify(altered({ leafIndex: 3 }))).toThrow(VerificationError);
    expect(() => verify(altered({ leafIndex: 6 }))).toThrow("the batch has 6 leaves");
  });

  it("is refused with a path too short or too long", () => {
    const { path } = decodeDisclosedReading(disclosed);
    expect(() => verify(altered({ path: path.slice(0, -1) }))).toThrow(refusal("the path has 2 nodes"));
    expect(() => verify(altered({ path: [...path, new Uint8Array(32)] }))).toThrow(
      refusal("the path has 4 nodes"),
    );
    expect(() => altered({ path: Array.from({ length: 11 }, () => new Uint8Array(32)) })).not.toThrow();
    const tooLong = altered({ path: Array.from({ length: 11 }, () => new Uint8Array(32)) });
    expect(() => verify(tooLong)).toThrow(FormatError);
  });

  it("is refused with an opening that is not below the group order", () => {
    const { opening } = sealed[2] as (typeof sealed)[0];
    const hex = bytesToHex(disclosed);
    const canonical = bytesToHex(numberToBytesLE(opening, 32));
    expect(hex.split(canonical)).toHaveLength(2);
    const larger = hexToBytes(hex.replace(canonical, bytesToHex(numberToBytesLE(opening + ORDER, 32))));
    expect(() => verify(larger)).toThrow("opening is not below the group order");
  });

  it("is refused with the certificate or the batch of another", () => {
    expect(() => verify(altered({ certificate: signCertificate({ meterId: "SM-0002" }) }))).toThrow(
      "batch 0 of SM-0001: the certificate is of SM-0002",
    );
    const foreign = signCertificate({}, seedOf("supplier"));
    expect(() => verify(altered({ certificate: foreign }))).toThrow("signed by another key");
    expect(() => verify(altered({ batch: signBatch({}, seedOf("supplier")) }))).toThrow(
      "signed by another key",
    );
    expect(() => verify(altered({ batch: second.document }))).toThrow("the batch has 2 leaves");
  });

  it("is refused with a status flag that its batch denies, though its leaf is sealed", () => {
    const batch = signBatch({ statusUnion: 0 });
    expect(() => verify(altered({ batch }))).toThrow(refusal("a status flag that its batch does not state"));
  });

  it("is refused after the last good batch of a revoked key", () => {
    const { meterId, signingKey } = example.certificate;
    const revoked = [{ meterId, signingKey, lastGoodBatchNumber: 0 }];
    const signed = signWithKey(
      "revocation-1",
      encodeRevocation({ issuedAt_s: 0, revoked }),
      seedOf("authority"),
    );
    const revocation = verifyRevocation(signed, example.authorityKey);
    expect(verifyDisclosedReading(disclosed, example.authorityKey, revocation).reading).toBe(0xffffffff);
    const { document: batch, leaves } = second;
    const [{ reading, opening }] = openingsOf(vector.second.readings) as [(typeof sealed)[0]];
    const { certificateBytes: certificate } = example;
    const later = makeDisclosedReading({ certificate, batch, leaves, leafIndex: 0, reading, opening });
    expect(verify(later).reading).toBe(310);
    expect(() => verifyDisclosedReading(later, example.authorityKey, revocation)).toThrow("revoked");
  });

  it("is not made for a leaf that the batch has not, nor from cut leaves", () => {
    expect(() => disclose(6)).toThrow("assertion failed");
    expect(() => inclusionPath(concatBytes(first.leaves, Uint8Array.of(0)), 0)).toThrow(FormatError);
  });
});
