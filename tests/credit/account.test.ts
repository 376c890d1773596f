// The account's 64 bytes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeAccount, encodeAccount, NEW_ACCOUNT } from "../../src/credit/account.js";

const u = (bytes: number) => fc.integer({ min: 0, max: 2 ** (8 * bytes) - 1 });
const wide = fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n });
const accounts = fc.record({
  prepayment: fc.boolean(),
  isOrderedOpen: fc.boolean(),
  crossed: fc.boolean(),
  tariffChangedToday: fc.boolean(),
  isBegun: fc.boolean(),
  topUpsToday: fc.integer({ min: 0, max: 4 }),
  level: fc.integer({ min: 0, max: 3 }),
  settled: wide,
  energy: wide,
  tariffId: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  day: u(2),
  valuedTo: u(4),
  days: u(2),
  block_Wh: u(5),
  highest: u(4),
  debt: u(4),
  debtPerDay: u(4),
  emergency: u(4),
  low: u(4),
  protectedFrom: u(1),
  protectedTo: u(1),
  protectedWeekdays: u(1),
  protectedFirst: u(2),
  protectedLast: u(2),
});

describe("the account", () => {
  it("comes back from its 64 bytes as it was", () => {
    fc.assert(
      fc.property(accounts, (account) => {
        const bytes = encodeAccount(account);
        expect(bytes).toHaveLength(64);
        expect(decodeAccount(bytes)).toEqual(account);
      }),
      { numRuns: 300 },
    );
  });

  it("lies where docs/protocol.md says", () => {
    const account = {
      ...NEW_ACCOUNT,
      prepayment: true,
      topUpsToday: 3,
      level: 2,
      settled: -2n,
      energy: 0x0102030405060708n,
      tariffId: new Uint8Array(6).fill(0xaa),
      day: 0x1112,
      valuedTo: 0x13141516,
      block_Wh: 0x2122232425,
      protectedLast: 0x3132,
    };
    const hex = Buffer.from(encodeAccount(account)).toString("hex");
    expect(hex).toBe(
      `0661fffffffffffffffe0102030405060708aaaaaaaaaaaa11121314151600002122232425${"00".repeat(25)}3132`,
    );
  });

  it("is new where the unit has kept nothing yet", () => {
    expect(decodeAccount(new Uint8Array(64))).toEqual(NEW_ACCOUNT);
  });

  it("stays at the end of its range where a balance is beyond it", () => {
    const beyond = { ...NEW_ACCOUNT, settled: -(2n ** 70n), energy: 2n ** 70n };
    expect(decodeAccount(encodeAccount(beyond))).toMatchObject({
      settled: -(2n ** 63n) + 1n,
      energy: 2n ** 63n - 1n,
    });
  });

  it("of another version, length or with an impossible count is refused", () => {
    const whole = encodeAccount(NEW_ACCOUNT);
    const spoilt = (at: number, value: number) => whole.map((byte, each) => (each === at ? value : byte));
    for (const bytes of [spoilt(0, 8), spoilt(1, 0xa0), whole.subarray(1), new Uint8Array(65)])
      expect(() => decodeAccount(bytes)).toThrow("credit account");
  });
});
