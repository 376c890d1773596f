// What a meter draws is what the bill of the same intervals says, to the last nano-currency.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Account, NEW_ACCOUNT } from "../../src/credit/account.js";
import { balance, drawInterval } from "../../src/credit/credit.js";
import { CREDIT_TARIFF_BYTES_MAX } from "../../src/credit/ports.js";
import { CreditTariff } from "../../src/credit/valuation.js";
import type { Tariff } from "../../src/tariff/document.js";
import { daysOf } from "../../src/tariff/evaluate.js";
import { tariffs } from "../tariff/arbitrary.js";
import {
  billed,
  blocksOf,
  CHANNELS,
  DAY_AND_NIGHT,
  EXPORT,
  FULL,
  HALF_HOUR_S,
  IMPORT,
  type Interval,
  monthsBetween,
  sign,
} from "./kit.js";

const creditTariff = (tariff: Tariff, seconds = HALF_HOUR_S) =>
  new CreditTariff(sign(tariff), CHANNELS, seconds);
const termsOf = (tariff: Tariff, intervalSeconds = HALF_HOUR_S) => ({
  tariff: creditTariff(tariff, intervalSeconds),
  channels: CHANNELS,
  intervalSeconds,
});
const STARTED: Account = { ...NEW_ACCOUNT, prepayment: true };

function drawn(tariff: Tariff, intervals: readonly Interval[], intervalSeconds: number): bigint {
  const terms = termsOf(tariff, intervalSeconds);
  const account = intervals.reduce<Account>(
    (now, [interval, Wh]) => drawInterval(now, terms, interval, Wh),
    STARTED,
  );
  return -balance(account, terms);
}

const gappy = fc.array(fc.tuple(fc.constantFrom(1, 1, 1, 1, 2, 7, 60, 500), fc.nat(20_000), fc.nat(5_000)), {
  minLength: 1,
  maxLength: 60,
});

describe("what is drawn", () => {
  it("is the bill's total of each local month, with gaps and summer time, for rates, blocks, standing charge, levies and VAT", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(DAY_AND_NIGHT, FULL),
        fc.constantFrom(900, 1800),
        gappy,
        fc.nat(40_000),
        (tariff, seconds, steps, skip) => {
          let interval = Math.ceil(tariff.notBefore_s / seconds) + skip;
          const first = interval;
          const intervals = steps.map(([gap, taken, fed], at): Interval => {
            if (at > 0) interval += gap;
            return [interval, [taken, fed]];
          });
          const to = interval + 1;
          const bounds = [first, ...monthsBetween(tariff, first, to, seconds), to];
          const bills = bounds
            .slice(1)
            .map((end, at) => billed(tariff, intervals, bounds[at] ?? 0, end, seconds));
          // A gap is shorter than a month: no month is without an interval.
          expect(drawn(tariff, intervals, seconds)).toBe(bills.reduce((sum, bill) => sum + bill, 0n));
        },
      ),
      { numRuns: 150, seed: 8 },
    );
  });

  it("is the bill's total for any tariff of rates", () => {
    fc.assert(
      fc.property(
        tariffs,
        fc.array(fc.tuple(fc.nat(1e6), fc.nat(1e6)), { minLength: 1, maxLength: 30 }),
        (any, rows) => {
          const from = Math.ceil(any.notBefore_s / 900);
          const fits = Math.floor(any.notAfter_s / 900) - from;
          const intervals = rows.slice(0, Math.max(0, fits)).map((Wh, at): Interval => [from + at, Wh]);
          fc.pre(intervals.length > 0 && sign(any).length <= CREDIT_TARIFF_BYTES_MAX);
          const to = from + intervals.length;
          fc.pre(monthsBetween(any, from, to, 900).length === 0);
          expect(drawn(any, intervals, 900)).toBe(billed(any, intervals, from, to, 900));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("by hand: 2 kWh at night, 1 by day, 0.5 fed in", () => {
    // 1 July 2011, 00:00 local time is 22:00 UTC.
    const midnight = 1_309_471_200 / HALF_HOUR_S;
    const terms = termsOf(DAY_AND_NIGHT);
    const night = drawInterval(STARTED, terms, midnight, [2000, 0]);
    expect(balance(night, terms)).toBe(-400_000_000n);
    const day = drawInterval(night, terms, midnight + 12, [1000, 500]);
    expect(balance(day, terms)).toBe(-(400_000_000n + 300_000_000n - 40_000_000n));
  });

  it("is nothing while there is no pre-payment, and the most there can be outside the validity", () => {
    const terms = termsOf(FULL);
    expect(drawInterval(NEW_ACCOUNT, terms, 1, [5, 5])).toEqual(NEW_ACCOUNT);
    const after = FULL.notAfter_s / HALF_HOUR_S;
    expect(terms.tariff.interval(after, [1000, 0])).toEqual({
      energy: 1000n * (300_000n + 11n + 50_003n),
      block_Wh: 0,
    });
    expect(terms.tariff.interval(after - 1, [1000, 0])).toEqual({ energy: 1000n * 200_011n, block_Wh: 1000 });
  });

  it("is at the highest price, with all taxes, while the tariff is lost, and days are caught up with", () => {
    const { tariff, ...rest } = termsOf(FULL);
    const lost = { ...rest, tariff: null };
    const from = FULL.notBefore_s / HALF_HOUR_S + 48 * 180;
    const before = {
      ...drawInterval(STARTED, { ...rest, tariff }, from, [0, 0]),
      highest: tariff.highestGross,
    };
    const during = drawInterval(before, lost, from + 1, [1000, 9999]);
    expect(during.settled).toBe(-1000n * BigInt(tariff.highestGross));
    const gross = 350_014 * 1.0166 * 1.19;
    expect(tariff.highestGross).toBe(Math.ceil(gross));
    const again = drawInterval(during, { ...rest, tariff }, from + 97, [0, 0]);
    expect(again.days).toBe(daysOf(FULL, { from, to: from + 98, intervalSeconds: HALF_HOUR_S }));
  });
});

describe("a tariff that credit cannot be drawn by", () => {
  const energy = { kind: "energy", obis: IMPORT, during: [] } as const;
  const other = { kind: "energy", obis: EXPORT, during: [] } as const;
  it.each([
    [
      "a demand",
      { ...FULL, charge: { ...blocksOf({ kind: "demand", obis: IMPORT, during: [], below_Wh: 9 }) } },
    ],
    ["a choice", { ...FULL, charge: { kind: "max", parts: [blocksOf(energy), blocksOf(energy)] } }],
    ["two quantities", { ...FULL, charge: { kind: "sum", parts: [blocksOf(energy), blocksOf(other)] } }],
    [
      "prices shorter than its intervals",
      {
        ...DAY_AND_NIGHT,
        notAfter_s: DAY_AND_NIGHT.notBefore_s + 1800,
        energy: [
          {
            obis: IMPORT,
            policy: { kind: "dynamic", start_s: DAY_AND_NIGHT.notBefore_s, price_s: 900, prices: [1, 2] },
          },
        ],
      },
    ],
  ] as const)("with %s is refused", (_, tariff) => {
    expect(() => creditTariff(tariff as Tariff)).toThrow(/credit tariff|do not fit/);
  });

  it("of more bytes than a meter takes is refused, and so is what is no tariff", () => {
    const bands = Array.from({ length: 64 }, () => ({
      weekdays: 127,
      months: 4095,
      fromMinute: 0,
      toMinute: 1440,
      rate: 2 ** 30,
    }));
    const policies = ["1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0", "1-0:21.8.0"].map((obis) => ({
      obis,
      policy: { kind: "time-of-use", rate: 1, bands } as const,
    }));
    expect(() => creditTariff({ ...DAY_AND_NIGHT, energy: policies })).toThrow("more than");
    expect(() => new CreditTariff(new Uint8Array(9), CHANNELS, 1800)).toThrow();
  });
});
