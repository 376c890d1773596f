import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CUSTOMER_KEYS_MAX,
  decodeSecrets,
  encodeSecrets,
  type Secrets,
} from "../../../src/trusted/authority/secrets.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const customers = fc.record({ epoch: fc.nat(0xffff), firstInterval: fc.nat(0xffffffff), key });
const sets: fc.Arbitrary<Secrets> = fc.record({
  signingSeed: key,
  agreement: key,
  customers: fc.array(customers, { maxLength: CUSTOMER_KEYS_MAX }),
});

const full: Secrets = {
  signingSeed: new Uint8Array(32).fill(1),
  agreement: new Uint8Array(32).fill(2),
  customers: Array.from({ length: CUSTOMER_KEYS_MAX }, (_, at) => ({
    epoch: 0xfff0 + at,
    firstInterval: 0xfffffff0 + at,
    key: new Uint8Array(32).fill(at),
  })),
};

describe("the set of secrets", () => {
  it("comes back as it was", () => {
    fc.assert(
      fc.property(sets, (secrets) => {
        expect(decodeSecrets(encodeSecrets(secrets))).toEqual(secrets);
      }),
    );
  });

  it("fits the store when it is full, and takes no more customers", () => {
    expect(encodeSecrets(full).length).toBeLessThanOrEqual(1024);
    const more = [...full.customers, { epoch: 1, firstInterval: 1, key: new Uint8Array(32) }];
    expect(() => encodeSecrets({ ...full, customers: more })).toThrow("customer keys are bounded");
  });

  it("is refused cut short at any byte, or extended", () => {
    const bytes = encodeSecrets(full);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSecrets(bytes.subarray(0, length))).toThrow(FormatError);
    }
    expect(() => decodeSecrets(Uint8Array.of(...bytes, 0))).toThrow("trailing bytes");
  });
});
