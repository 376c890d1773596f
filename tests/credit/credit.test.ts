// The rules of pre-payment, one by one.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Account, Level, NEW_ACCOUNT } from "../../src/credit/account.js";
import {
  balanceNow,
  beginDay,
  changeSettings,
  changeTariff,
  drawInterval,
  isProtected,
  levelOf,
  mustBeOpen,
  relevel,
  topUp,
} from "../../src/credit/credit.js";
import { CreditTariff } from "../../src/credit/valuation.js";
import { array, int, map } from "../../src/trusted/encoding/cbor.js";
import { CHANNELS, DAY_AND_NIGHT, euros, FULL, HALF_HOUR_S, settings, sign } from "./kit.js";

const tariff = new CreditTariff(sign(DAY_AND_NIGHT), CHANNELS, HALF_HOUR_S);
const terms = { tariff, channels: CHANNELS, intervalSeconds: HALF_HOUR_S };
const nothing = { ...terms, tariff: null };
const EURO = 1_000_000_000n;
const started: Account = { ...NEW_ACCOUNT, prepayment: true, day: 15_000 };
/** Friday 1 July 2011, local midnight in UTC seconds. */
const FRIDAY_S = 1_309_471_200;
const HOUR_S = 3600;

describe("a top-up", () => {
  it("adds its millionths, four times a day, and on the next day again", () => {
    let account = started;
    for (let count = 1; count <= 4; count++) {
      account = topUp(account, euros(1.5)) ?? account;
      expect(account.settled).toBe((BigInt(count) * 3n * EURO) / 2n);
    }
    expect(topUp(account, euros(1))).toBeNull();
    expect(topUp(beginDay(account, 15_001), euros(1))?.settled).toBe(7n * EURO);
  });

  it("of nothing, of more than 100,000, or of another form is refused, whatever the balance is", () => {
    const balances = [-(10n ** 15n), 0n, 10n ** 15n].map((settled) => ({ ...started, settled }));
    for (const account of balances) {
      expect(topUp(account, int(0))).toBeNull();
      for (const malformed of [int(100_000_000_001), int(-1), array(int(1)), Uint8Array.of(1, 1)])
        expect(() => topUp(account, malformed)).toThrow("top-up");
      expect(topUp(account, int(100_000_000_000))).not.toBeNull();
    }
  });
});

describe("a day", () => {
  const indebted = { ...started, debt: 2_500, debtPerDay: 1_000 };

  it("collects its instalment of the debt until there is none", () => {
    let account: Account = indebted;
    const days = [15_001, 15_002, 15_003, 15_004].map((day) => {
      account = beginDay(account, day);
      return account;
    });
    expect(days.map(({ debt, settled }) => [debt, settled])).toEqual([
      [1_500, -EURO],
      [500, -2n * EURO],
      [0, (-5n * EURO) / 2n],
      [0, (-5n * EURO) / 2n],
    ]);
  });

  it("collects for the days in the dark, never back in time, and not without pre-payment or before there was a day", () => {
    expect(beginDay(indebted, 15_002)).toMatchObject({ debt: 500, settled: -2n * EURO });
    expect(beginDay(indebted, 14_000)).toMatchObject({ debt: 2_500, settled: 0n, day: 14_000 });
    expect(beginDay({ ...indebted, prepayment: false }, 15_002).debt).toBe(2_500);
    expect(beginDay({ ...indebted, day: 0 }, 15_002).debt).toBe(2_500);
  });
});

describe("the level", () => {
  const account = { ...started, low: 2_000, emergency: 5_000 };
  it.each([
    [2n * EURO + 1n, Level.GOOD],
    [2n * EURO, Level.LOW],
    [1n, Level.LOW],
    [0n, Level.EMERGENCY],
    [-5n * EURO + 1n, Level.EMERGENCY],
    [-5n * EURO, Level.USED_UP],
  ])("at %s is %s", (nano, level) => {
    expect(levelOf(account, nano)).toBe(level);
  });

  it("of used-up credit stays so until emergency credit is paid back", () => {
    const usedUp = { ...account, level: Level.USED_UP };
    expect(levelOf(usedUp, 0n)).toBe(Level.USED_UP);
    expect(levelOf(usedUp, 1n)).toBe(Level.LOW);
  });

  it("without emergency credit is used up at zero", () => {
    expect(levelOf({ ...account, emergency: 0 }, 0n)).toBe(Level.USED_UP);
  });

  it("is told of when it is crossed downward, and only then", () => {
    expect(relevel(account, 1n).crossed).toBe(true);
    expect(relevel({ ...account, level: Level.EMERGENCY }, 9n * EURO).crossed).toBe(false);
    expect(relevel({ ...account, prepayment: false }, -9n * EURO).crossed).toBe(false);
    expect(relevel({ ...account, crossed: true }, 9n * EURO).crossed).toBe(true);
  });
});

describe("protected times", () => {
  const at = (account: Partial<Account>, hour: number) =>
    isProtected({ ...started, ...account }, terms, FRIDAY_S + hour * HOUR_S);

  it("are hours of the local day, over midnight if they begin later than they end", () => {
    const evening = { protectedFrom: 64, protectedTo: 36 };
    expect([15.75, 16, 23, 24, 32.75, 33].map((hour) => at(evening, hour))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
    const noon = { protectedFrom: 48, protectedTo: 52 };
    expect([11.75, 12, 12.75, 13].map((hour) => at(noon, hour))).toEqual([false, true, true, false]);
    const all = { protectedFrom: 0, protectedTo: 96 };
    expect([0, 12, 23.99].map((hour) => at(all, hour))).toEqual([true, true, true]);
    expect([0, 5, 12].map((hour) => at({ protectedFrom: 20, protectedTo: 20 }, hour))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it("are weekdays, and a range of days with its last", () => {
    expect([0, 23.99, 24].map((hour) => at({ protectedWeekdays: 1 << 4 }, hour))).toEqual([
      true,
      true,
      false,
    ]);
    // 2 July 2011 is day 15,157.
    const range = { protectedFirst: 15_157, protectedLast: 15_158 };
    expect([23.99, 24, 71.99, 72].map((hour) => at(range, hour))).toEqual([false, true, true, false]);
  });

  it("keep used-up credit from opening the switch while the time is known, and keep no order from it", () => {
    const usedUp = { ...started, level: Level.USED_UP, protectedFrom: 0, protectedTo: 96 };
    expect(mustBeOpen(usedUp, terms, FRIDAY_S)).toBe(false);
    expect(mustBeOpen(usedUp, terms, null)).toBe(true);
    expect(mustBeOpen({ ...usedUp, protectedTo: 0 }, terms, FRIDAY_S)).toBe(true);
    expect(mustBeOpen({ ...usedUp, isOrderedOpen: true }, terms, FRIDAY_S)).toBe(true);
    expect(mustBeOpen({ ...usedUp, prepayment: false }, terms, null)).toBe(false);
  });
});

describe("what flows", () => {
  const from = FRIDAY_S / HALF_HOUR_S;
  const drawn = drawInterval({ ...started, settled: 10n * EURO }, terms, from, [0, 0]);

  it("costs the rate of now, and the highest while the time is unknown", () => {
    expect(balanceNow(drawn, terms, FRIDAY_S + HOUR_S, [1000, 0])).toBe(10n * EURO - 200_000_000n);
    expect(balanceNow(drawn, terms, null, [1000, 0])).toBe(10n * EURO - 300_000_000n);
    const lost = { ...drawn, highest: 500_000 };
    expect(balanceNow(lost, nothing, FRIDAY_S, [1000, 700])).toBe(10n * EURO - 500_000_000n);
  });

  it("costs a standing charge from each local midnight on", () => {
    const full = { ...terms, tariff: new CreditTariff(sign(FULL), CHANNELS, HALF_HOUR_S) };
    const first = drawInterval({ ...started, valuedTo: from }, full, from, [0, 0]);
    const day = (hours: number) => balanceNow(first, full, FRIDAY_S + hours * HOUR_S, [0, 0]);
    expect(day(23.9)).toBe(balanceNow(first, full, FRIDAY_S + HOUR_S, [0, 0]));
    expect(day(24.1)).toBeLessThan(day(23.9));
  });

  it("never costs less while the time is unknown than in whatever interval it is then placed", () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(100_000), fc.nat(47), (later, taken, skipped) => {
        const unknown = balanceNow(drawn, terms, null, [taken, 0]);
        const interval = from + 1 + later + skipped;
        const placed = drawInterval(drawn, terms, interval, [taken, 0]);
        expect(unknown).toBeLessThanOrEqual(balanceNow(placed, terms, null, [0, 0]));
      }),
      { numRuns: 100 },
    );
  });
});

describe("another tariff", () => {
  const full = new CreditTariff(sign(FULL), CHANNELS, HALF_HOUR_S);
  it("settles what was drawn by the last one, once a day", () => {
    const drawn = drawInterval({ ...started, settled: EURO }, terms, FRIDAY_S / HALF_HOUR_S, [1000, 0]);
    const changed = changeTariff(drawn, terms, full) ?? drawn;
    expect(changed).toMatchObject({ settled: EURO - 200_000_000n, energy: 0n, block_Wh: 0, days: 0 });
    expect(changed.tariffId).toEqual(full.signed.digest.slice(0, 6));
    expect(changed.highest).toBe(full.highestGross);
    expect(changeTariff(changed, { ...terms, tariff: full }, tariff)).toBeNull();
    expect(changeTariff(beginDay(changed, 15_001), { ...terms, tariff: full }, tariff)).not.toBeNull();
  });
});

describe("settings", () => {
  const change = (argument: Uint8Array, given = terms, account = started) =>
    changeSettings(account, given, argument);

  it("each set what they name, and leave the rest", () => {
    const values = { 2: 22, 3: 33, 4: 44, 5: 55, 6: 66, 7: 77, 8: 8, 9: 99, 10: 1010 };
    expect(change(settings(values))).toEqual({
      ...started,
      low: 22,
      emergency: 33,
      debt: 44,
      debtPerDay: 55,
      protectedFrom: 66,
      protectedTo: 77,
      protectedWeekdays: 8,
      protectedFirst: 99,
      protectedLast: 1010,
    });
  });

  it("begin pre-payment with a tariff only, and end it with what was drawn settled", () => {
    expect(changeSettings(NEW_ACCOUNT, nothing, settings({ 1: 1 }))).toBeNull();
    expect(changeSettings(NEW_ACCOUNT, terms, settings({ 1: 1 }))?.prepayment).toBe(true);
    const drawn = drawInterval({ ...started, level: 3 }, terms, FRIDAY_S / HALF_HOUR_S, [1000, 0]);
    expect(change(settings({ 1: 1 }), terms, drawn)).toEqual(drawn);
    const ended = change(settings({ 1: 0 }), terms, drawn);
    expect(ended).toMatchObject({
      prepayment: false,
      settled: -200_000_000n,
      energy: 0n,
      valuedTo: 0,
      level: 0,
    });
  });

  it.each([
    ["none", map()],
    ["an unknown one", settings({ 11: 1 })],
    ["number 0", settings({ 0: 1 })],
    ["hours beyond the day", settings({ 6: 97 })],
    ["an eighth weekday", settings({ 8: 128 })],
    ["a mode that there is not", settings({ 1: 2 })],
    ["no map", int(1)],
    ["falling numbers", Uint8Array.of(0xa2, 3, 1, 2, 1)],
    ["a number twice", Uint8Array.of(0xa2, 2, 1, 2, 1)],
    ["bytes after them", Uint8Array.of(0xa1, 2, 1, 0)],
  ])("are refused whole with %s", (_, argument) => {
    expect(() => change(argument)).toThrow("credit settings");
  });
});
