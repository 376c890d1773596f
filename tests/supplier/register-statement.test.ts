import { describe, expect, it } from "vitest";
import { signWithKey, VerificationError } from "../../src/proofs/signed.js";
import { verifyRegisterStatement } from "../../src/supplier/register-statement.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { array, int, map, tstr } from "../../src/trusted/encoding/cbor.js";
import type { DocumentType } from "../../src/trusted/encoding/cose.js";
import { example, seedOf } from "../example.js";
import { cutOrExtended, flips, nonCanonical, survivors } from "../mutants.js";

const { certificate } = example;
const { meterId, channels, intervalSeconds } = certificate;
const interval = Math.ceil(certificate.notBefore_s / intervalSeconds) + 48;
const registers = channels.map((_, channel) => 1_234_567_890_123 + channel);

interface Spoilt {
  readonly meterId: string;
  readonly interval: number;
  readonly registers: readonly number[];
}

const payloadOf = (changes: Partial<Spoilt> = {}) => {
  const stated = { meterId, interval, registers, ...changes };
  const values = array(...stated.registers.map(int));
  return map([1, tstr(stated.meterId)], [2, int(stated.interval)], [3, values]);
};
/** A statement by the example's meter, or whose seed it is. */
const statement = (
  changes: Partial<Spoilt> = {},
  { seed = seedOf("signing"), type = "register-1" as DocumentType } = {},
) => signWithKey(type, payloadOf(changes), seed);
const verify = (
  document: Uint8Array,
  revocation: Parameters<typeof verifyRegisterStatement>[1]["revocation"] = null,
) => verifyRegisterStatement(document, { certificate, revocation });

describe("a register statement", () => {
  it("says what the meter's registers were when an interval began", () => {
    expect(verify(statement())).toEqual({ meterId, interval, registers });
    expect(verify(statement({ registers: registers.map(() => 0) })).registers[0]).toBe(0);
    const most = registers.map(() => Number.MAX_SAFE_INTEGER);
    expect(verify(statement({ registers: most })).registers).toEqual(most);
  });

  it.each<[what: string, document: () => Uint8Array, why: string]>([
    ["forged under another key", () => statement({}, { seed: seedOf("supplier") }), "signed by another key"],
    ["of another meter", () => statement({ meterId: "SM-9999" }), `the certificate is of ${meterId}`],
    [
      "with a register too few",
      () => statement({ registers: registers.slice(1) }),
      `${registers.length - 1} registers for ${registers.length} channels`,
    ],
    [
      "with a register too many",
      () => statement({ registers: [...registers, 1] }),
      `${registers.length + 1} registers for ${registers.length} channels`,
    ],
    [
      "from before the certificate",
      () => statement({ interval: Math.floor(certificate.notBefore_s / intervalSeconds) - 1 }),
      "not within the certificate's validity",
    ],
    [
      "from when the certificate had ended",
      () => statement({ interval: Math.ceil(certificate.notAfter_s / intervalSeconds) }),
      "not within the certificate's validity",
    ],
  ])("%s is refused", (_, document, why) => {
    expect(() => verify(document())).toThrow(VerificationError);
    expect(() => verify(document())).toThrow(why);
  });

  it("is refused when the meter's key is revoked, from whatever batch on", () => {
    const { signingKey } = certificate;
    const revoked = (of: string) => ({
      issuedAt_s: certificate.notBefore_s,
      revoked: [{ meterId: of, signingKey, lastGoodBatchNumber: 0xffffffff }],
    });
    expect(() => verify(statement(), revoked(meterId))).toThrow("the key is revoked");
    expect(verify(statement(), revoked("SM-9999")).interval).toBe(interval);
  });

  it("is no document of another type, though the meter has signed it", () => {
    expect(() => verify(statement({}, { type: "pairing-1" }))).toThrow(FormatError);
    expect(() => verify(example.batches[0]?.document ?? new Uint8Array())).toThrow(FormatError);
  });

  it("is refused cut, extended, spoiled in any bit or written in other words", () => {
    expect(survivors(cutOrExtended(statement()), verify)).toEqual([]);
    expect(
      survivors(
        flips(statement()).filter((_, bit) => bit % 7 === 0),
        verify,
      ),
    ).toEqual([]);
    const inside = nonCanonical(payloadOf()).map(({ what, bytes }) => ({
      what,
      bytes: signWithKey("register-1", bytes, seedOf("signing")),
    }));
    expect(survivors(inside, verify)).toEqual([]);
  });

  it.each([0, 9])("of %i registers is none", (length) => {
    const document = statement({ registers: Array.from({ length }, () => 1) });
    expect(() => verify(document)).toThrow(FormatError);
  });
});
