import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { enrolMeter, formGroups, inOrder } from "../../src/aggregation/enrolment.js";
import { VerificationError } from "../../src/proofs/signed.js";
import { Role } from "../../src/trusted/authority/certificate.js";
import { uintBytes } from "../../src/trusted/encoding/bytes.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { seedOf, signCertificate } from "../example.js";

const street = new ModelStreet({ meters: 2 });
const [first, second] = street.meters as [(typeof street.meters)[0], (typeof street.meters)[0]];
const { authorityKey } = street;

describe("enrolment", () => {
  const revoking = (signingKey: Uint8Array, meterId = first.meterId) => ({
    issuedAt_s: 1,
    revoked: [{ meterId, signingKey, lastGoodBatchNumber: 0xffffffff }],
  });

  it("takes a household meter by its certificate", () => {
    const { meterId, X, certificate } = enrolMeter(first.document, authorityKey, revoking(second.X));
    expect(meterId).toBe("SM-00001");
    expect(X).toEqual(certificate.agreementKey);
  });

  it("refuses another authority, a feeder, and what is too long", () => {
    expect(() => enrolMeter(signCertificate({}), authorityKey, null)).toThrow("signed by another key");
    const feeder = street.enrol(7, { role: Role.FEEDER });
    expect(() => enrolMeter(feeder.document, authorityKey, null)).toThrow("certified for a feeder");
    expect(() => enrolMeter(new Uint8Array(513), authorityKey, null)).toThrow("513 bytes");
  });

  it("refuses a revoked key, whatever its last good batch, and no other of that name", () => {
    const { signingKey } = first.certificate;
    expect(() => enrolMeter(first.document, authorityKey, revoking(signingKey))).toThrow(
      "the key is revoked",
    );
    expect(() => enrolMeter(first.document, authorityKey, revoking(signingKey, "SM-9"))).not.toThrow();
    expect(() => enrolMeter(first.document, authorityKey, revoking(seedOf("other")))).not.toThrow();
  });
});

describe("groups", () => {
  const meters = Array.from({ length: 10_000 }, (_, at) => ({
    meterId: ModelStreet.meterId(at),
    X: digest(uintBytes(at, 4)),
  }));

  it("are 79 of 126 or 127 for ten thousand meters", () => {
    const groups = formGroups(meters);
    expect(groups).toHaveLength(79);
    expect(new Set(groups.map(({ length }) => length))).toEqual(new Set([126, 127]));
    expect(groups.flat()).toEqual(meters);
  });

  it("are within their bounds and close to equal, hold every meter once, and do not depend on the order", () => {
    const sizes = fc
      .tuple(fc.integer({ min: 10, max: 128 }), fc.integer({ min: 10, max: 128 }))
      .map(([a, b]) => ({ minimum: Math.min(a, b), target: Math.max(a, b) }));
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 0, max: 600 }),
        fc.integer(),
        ({ minimum, target }, count, turn) => {
          const some = meters.slice(0, count);
          const turned = [...some.slice(turn % (count + 1)), ...some.slice(0, turn % (count + 1))];
          const isPossible = Array.from({ length: count + 1 }, (_, n) => n).some(
            (n) => n * minimum <= count && count <= n * 128 && n > 0,
          );
          const form = () => formGroups(turned, { minimum, target });
          if (!isPossible) {
            expect(form).toThrow(VerificationError);
            return;
          }
          const groups = form();
          const lengths = groups.map(({ length }) => length);
          expect(Math.min(...lengths)).toBeGreaterThanOrEqual(minimum);
          expect(Math.max(...lengths)).toBeLessThanOrEqual(128);
          expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
          expect(groups.flat()).toEqual(some);
          expect(groups.length).toBeLessThanOrEqual(Math.ceil(count / target));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("of bounds that there cannot be are refused", () => {
    for (const sizes of [
      { minimum: 9 },
      { minimum: 129 },
      { target: 129 },
      { minimum: 50, target: 49 },
      { minimum: 40.5 },
    ]) {
      expect(() => formGroups(meters, sizes)).toThrow(VerificationError);
    }
  });

  it("hold no meter and no agreement key twice", () => {
    const [a, b] = meters as [(typeof meters)[0], (typeof meters)[0]];
    expect(() => inOrder([a, b, { ...a, X: b.X.map((byte) => byte ^ 1) }])).toThrow(
      "SM-00001 is named twice",
    );
    expect(() => inOrder([b, { ...a, X: b.X }])).toThrow("have one agreement key");
    expect(inOrder([b, a])).toEqual([a, b]);
  });
});
