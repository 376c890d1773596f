import { hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { makeCommitmentKey } from "../../../src/proofs/generators.js";
import {
  claimedRole,
  DOCUMENT_BYTES_MAX,
  decodeCommand,
  decodeEnvelope,
  isSignedBy,
} from "../../../src/trusted/authority/command.js";
import type { Configuration } from "../../../src/trusted/authority/configuration.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { array, bstr, int, map, NIL, tstr } from "../../../src/trusted/encoding/cbor.js";
import { SigningKey } from "../../../src/trusted/sealing/signature.js";

const { base } = makeCommitmentKey();
const signerOf = (name: number) => new SigningKey(new Uint8Array(32).fill(name), base);
const [authority, supplier, network, aggregator, stranger] = [1, 2, 3, 4, 5].map(signerOf) as [
  SigningKey,
  SigningKey,
  SigningKey,
  SigningKey,
  SigningKey,
];
const anchors: Configuration = {
  meterId: "SM-0001",
  intervalSeconds: 1800,
  channels: ["1-0:1.8.0"],
  maximum_Wh: 1000,
  elements: 1,
  nominal_V: 230,
  maximum_A: 63,
  supplier: supplier.publicKey,
  network: network.publicKey,
  aggregator: aggregator.publicKey,
  minGroup: 10,
};

const nonce = hexToBytes("000102030405060708090a0b0c0d0e0f");
type Field = readonly [number, Uint8Array];
const fields = (changes: Readonly<Record<number, Uint8Array>> = {}): Field[] => {
  const items = {
    1: tstr("SM-0001"),
    2: int(0),
    3: NIL,
    4: int(1),
    5: array(bstr(nonce), int(1309521600)),
    ...changes,
  };
  return Object.entries(items).map(([key, item]) => [Number(key), item] as const);
};
const payloadWith = (changes: Readonly<Record<number, Uint8Array>> = {}) => map(...fields(changes));

describe("a command's envelope", () => {
  it("claims the role whose key it was signed with, and verifies under that key alone", () => {
    for (const [role, signer] of [
      ["authority", authority],
      ["supplier", supplier],
      ["network", network],
      ["aggregator", aggregator],
    ] as const) {
      const envelope = decodeEnvelope(signer.signDocument("command-1", payloadWith()));
      expect(claimedRole(envelope, authority.publicKey, anchors)).toBe(role);
      expect(isSignedBy(envelope, signer.publicKey, base)).toBe(true);
      expect(isSignedBy(envelope, stranger.publicKey, base)).toBe(false);
    }
  });

  it("of a stranger claims no role", () => {
    const envelope = decodeEnvelope(stranger.signDocument("command-1", payloadWith()));
    expect(claimedRole(envelope, authority.publicKey, anchors)).toBeNull();
  });

  it("with another's kid claims the role in vain", () => {
    const envelope = decodeEnvelope(stranger.signDocument("command-1", payloadWith()));
    const { kid } = decodeEnvelope(network.signDocument("command-1", payloadWith()));
    const forged = { ...envelope, kid };
    expect(claimedRole(forged, authority.publicKey, anchors)).toBe("network");
    expect(isSignedBy(forged, network.publicKey, base)).toBe(false);
  });

  it("is refused as any other document, or with too long a payload", () => {
    expect(() => decodeEnvelope(network.signDocument("roster-1", payloadWith()))).toThrow(FormatError);
    const long = network.signDocument("command-1", new Uint8Array(DOCUMENT_BYTES_MAX + 1));
    expect(() => decodeEnvelope(long)).toThrow(FormatError);
  });
});

describe("a command", () => {
  it("answers the meter's request for the time", () => {
    expect(decodeCommand(payloadWith())).toEqual({ meterId: "SM-0001", kind: 1, nonce, unix_s: 1309521600 });
  });

  it("is refused with a counter, a notAfter, another kind or malformed arguments", () => {
    const bad: Readonly<Record<string, Readonly<Record<number, Uint8Array>>>> = {
      "a time answer has counter 0": { 2: int(1) },
      "a time answer has no notAfter": { 3: int(1309521600) },
      "unknown kind 4": { 4: int(4) },
      "array of length 1 instead of 2": { 5: array(bstr(nonce)) },
      "byte string of length 15 instead of 16": { 5: array(bstr(nonce.slice(1)), int(1)) },
      "unsigned integer 4294967296": { 5: array(bstr(nonce), int(2 ** 32)) },
      "no meter id": { 1: tstr("sm-0001") },
      "map of size 6": { 6: NIL },
    };
    for (const [why, changes] of Object.entries(bad)) {
      expect(() => decodeCommand(payloadWith(changes)), why).toThrow(why);
    }
  });

  it("is refused cut short at any byte, or extended", () => {
    const bytes = payloadWith();
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeCommand(bytes.subarray(0, length))).toThrow(FormatError);
    }
    expect(() => decodeCommand(Uint8Array.of(...bytes, 0))).toThrow("trailing bytes");
  });
});
