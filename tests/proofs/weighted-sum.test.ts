import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LeafRun } from "../../src/proofs/completeness.js";
import { BASE } from "../../src/proofs/generators.js";
import { RateTables } from "../../src/proofs/rate-classes.js";
import { sumOfRates, WeightedSums } from "../../src/proofs/weighted-sum.js";
import { RATE_MAX } from "../../src/tariff/policy.js";
import { encodeLeaf } from "../../src/trusted/sealing/batch.js";
import { ARITHMETICS } from "./arithmetics.js";
import { DAY, EXPORT, IMPORT, pricedTariff, SECONDS } from "./billing.js";

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const positive = (value: bigint) => ((value % ORDER) + ORDER) % ORDER;

describe.each(ARITHMETICS)("a weighted sum of points, by %s", (_, { group }) => {
  const multiple = (scalar: bigint) => group.sum([positive(scalar)], group.base);
  const isEqual = (a: ReturnType<typeof multiple>, b: ReturnType<typeof multiple>) =>
    Buffer.compare(group.encode(a), group.encode(b)) === 0;

  it("is that of single multiplications, whatever the signs of the rates", () => {
    const rate = fc.oneof(
      fc.integer({ min: -RATE_MAX, max: RATE_MAX }).filter((value) => value !== 0),
      fc.constantFrom(1, -1, RATE_MAX, -RATE_MAX),
    );
    fc.assert(
      fc.property(fc.uniqueArray(rate, { maxLength: 6 }), (unsorted) => {
        const weights = unsorted.sort((a, b) => b - a);
        const points = group.concat(weights.map((_, at) => multiple(BigInt(at + 2))));
        const expected = weights.reduce((sum, weight, at) => sum + BigInt(weight) * BigInt(at + 2), 0n);
        expect(isEqual(sumOfRates(weights, points, group), multiple(expected))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("takes every leaf of every run once, hinted or not, from where its run begins", () => {
    const prices = [3, 1, -4, 1, 5, -9];
    const feedIn = [2, 6, 5, 3, 0, 8];
    const table = new RateTables(pricedTariff(prices, feedIn).tariff).of([IMPORT, EXPORT], {
      from: DAY,
      to: DAY + 6,
      intervalSeconds: SECONDS,
    });
    const run = (first: number, count: number, isHinted: boolean): LeafRun => {
      const points = Array.from({ length: 2 * count }, (_, at) => BASE.multiply(BigInt(first * 2 + at + 1)));
      const leaves = Buffer.concat(
        points.map((point, at) => encodeLeaf(DAY + first + (at >> 1), at & 1, 0, point.toBytes())),
      );
      const encoded = Buffer.concat(points.map((point) => point.toBytes()));
      const hints = isHinted ? group.hints(group.decode(encoded)) : null;
      return { firstInterval: DAY + first, channelCount: 2, leaves, hints };
    };
    const total = (from: number, to: number) =>
      [prices, feedIn].reduce(
        (sum, row, channel) =>
          row.reduce(
            (sub, rate, at) => sub + (at >= from && at < to ? rate * (2 * at + channel + 1) : 0),
            sum,
          ),
        0,
      );
    const sums = new WeightedSums(group);
    const runs = [run(1, 2, true), run(3, 1, false), run(4, 2, true)];
    expect(isEqual(sums.of(runs, table), multiple(BigInt(total(1, 6))))).toBe(true);
    expect(isEqual(sums.of(runs.slice(1, 2), table), multiple(BigInt(total(3, 4))))).toBe(true);
    expect(group.isZero(sums.of([], table))).toBe(true);
  });
});
