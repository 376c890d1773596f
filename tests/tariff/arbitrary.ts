// Random tariffs, and the plain one that tests change a thing or two of.
import fc from "fast-check";
import { CONSTANT_MAX, type Expression, FACTOR_MAX, type Unit } from "../../src/tariff/charge.js";
import { DAILY_AMOUNT_MAX, PROPORTION_MAX, type Tariff } from "../../src/tariff/document.js";
import { type EnergyPolicy, type Hours, RATE_MAX } from "../../src/tariff/policy.js";

export const IMPORT = "1-0:1.8.0";
export const EXPORT = "1-0:2.8.0";

/** UTC+1, one rate for import, one for feed-in, nothing else; valid 2026-01-01 to 2027-01-01 in UTC. */
export const PLAIN: Tariff = {
  name: "Plain",
  currency: "EUR",
  notBefore_s: 1_767_225_600,
  notAfter_s: 1_798_761_600,
  offsets: [{ from_s: 0, offset_s: 3600 }],
  energy: [
    { obis: IMPORT, policy: { kind: "time-of-use", rate: 300_000, bands: [] } },
    { obis: EXPORT, policy: { kind: "time-of-use", rate: -80_000, bands: [] } },
  ],
  standing: 0,
  levies: [],
  vat_ppm: 0,
};

const rate = fc.integer({ min: -RATE_MAX, max: RATE_MAX });
const name = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 64 });

const hours: fc.Arbitrary<Hours> = fc
  .record({
    weekdays: fc.integer({ min: 1, max: 127 }),
    months: fc.integer({ min: 1, max: 4095 }),
    minutes: fc.uniqueArray(fc.integer({ min: 0, max: 1440 }), { minLength: 2, maxLength: 2 }),
  })
  .map(({ minutes, ...rest }) => ({
    ...rest,
    fromMinute: Math.min(...minutes),
    toMinute: Math.max(...minutes),
  }));

const band = fc.tuple(hours, rate).map(([times, price]) => ({ ...times, rate: price }));

const timeOfUse = fc.record({
  kind: fc.constant("time-of-use" as const),
  rate,
  bands: fc.array(band, { maxLength: 5 }),
});

const dynamic = (notBefore_s: number, notAfter_s: number) =>
  fc
    .record({ price_s: fc.integer({ min: 1, max: 8 }).map((quarters) => 900 * quarters), early: fc.nat(3) })
    .chain(({ price_s, early }) => {
      const start_s = 900 * (Math.floor(notBefore_s / 900) - early);
      const needed = Math.ceil((notAfter_s - start_s) / price_s);
      return fc.record({
        kind: fc.constant("dynamic" as const),
        start_s: fc.constant(start_s),
        price_s: fc.constant(price_s),
        prices: fc.array(rate, { minLength: needed, maxLength: needed + 2 }),
      });
    });

const levy = fc.oneof(
  fc.record({
    kind: fc.constant("per-day" as const),
    name,
    amount: fc.integer({ min: -DAILY_AMOUNT_MAX, max: DAILY_AMOUNT_MAX }),
  }),
  fc.record({
    kind: fc.constant("proportional" as const),
    name,
    ppm: fc.integer({ min: -PROPORTION_MAX, max: PROPORTION_MAX }),
  }),
);

/** Any valid tariff of at most 8 days. */
export const tariffs: fc.Arbitrary<Tariff> = fc
  .record({
    notBefore_s: fc.integer({ min: 2700, max: 0x80000000 }),
    length_s: fc.integer({ min: 1, max: 691_200 }),
  })
  .chain(({ notBefore_s, length_s }) => {
    const notAfter_s = notBefore_s + length_s;
    const policy: fc.Arbitrary<EnergyPolicy["policy"]> = fc.oneof(
      timeOfUse,
      dynamic(notBefore_s, notAfter_s),
    );
    return fc.record({
      name,
      currency: fc.constantFrom("EUR", "GBP", "AUD"),
      notBefore_s: fc.constant(notBefore_s),
      notAfter_s: fc.constant(notAfter_s),
      offsets: fc
        .record({
          times: fc.uniqueArray(fc.integer({ min: 0, max: notAfter_s }), { maxLength: 4 }),
          first: fc.integer({ min: 0, max: notBefore_s }),
          offsets: fc.array(fc.integer({ min: -72, max: 72 }), { minLength: 5, maxLength: 5 }),
        })
        .map(({ times, first, offsets }) =>
          [...new Set([first, ...times])]
            .sort((a, b) => a - b)
            .map((from_s, at) => ({ from_s, offset_s: 900 * (offsets[at] ?? 0) })),
        ),
      energy: fc.tuple(policy, policy).map(([imported, exported]) => [
        { obis: IMPORT, policy: imported },
        { obis: EXPORT, policy: exported },
      ]),
      standing: fc.integer({ min: 0, max: DAILY_AMOUNT_MAX }),
      levies: fc.array(levy, { maxLength: 3 }),
      vat_ppm: fc.integer({ min: 0, max: 1_000_000 }),
    });
  });

const ascending = (max: number, lengths: { minLength: number; maxLength: number }) =>
  fc
    .uniqueArray(fc.oneof(fc.integer({ min: 1, max }), fc.integer({ min: 1, max: 2000 })), lengths)
    .map((limits) => limits.sort((a, b) => a - b));

const channel = {
  obis: fc.constantFrom(IMPORT, EXPORT, "1-0:3.8.0"),
  during: fc.oneof(fc.constant([]), fc.array(hours, { maxLength: 2 })),
};

/** Small coefficients, so that a sum of cubes stays in bounds. */
const coefficient = fc.integer({ min: -2_000_000, max: 2_000_000 });

/** Limits of readings; the last is high enough for every reading below 2^20. */
const limits = ascending(2 ** 20 - 1, { minLength: 0, maxLength: 3 }).map((list) => [...list, 2 ** 20]);

const per = fc.constantFrom("period" as const, "day" as const);

const constant = (unit: Unit) =>
  fc.record({
    kind: fc.constant("constant" as const),
    unit: fc.constant(unit),
    per,
    value: fc.oneof(
      fc.integer({ min: unit === "money" ? -CONSTANT_MAX : 0, max: CONSTANT_MAX }),
      fc.integer({ min: 0, max: 100_000 }),
    ),
  });

const flat = (policy: number): EnergyPolicy["policy"] => ({ kind: "time-of-use", rate: policy, bands: [] });

/** Expressions that look at readings of at most 2^20 Wh, of a unit and of at most a depth. */
export function expressions(unit: Unit, depth: number): fc.Arbitrary<Expression> {
  const below = (of: Unit) => expressions(of, depth - 1);
  const leaves: Readonly<Record<Unit, readonly fc.Arbitrary<Expression>[]>> = {
    energy: [fc.record({ kind: fc.constant("energy" as const), ...channel })],
    power: [
      fc.record({
        kind: fc.constant("demand" as const),
        ...channel,
        below_Wh: fc.constantFrom(2 ** 20, 2 ** 20 + 1, 2 ** 32),
      }),
    ],
    money: [
      rate.map((price) => ({ kind: "cost", policies: [{ obis: IMPORT, policy: flat(price) }] }) as const),
      fc.tuple(fc.record(channel), limits, fc.array(rate, { minLength: 4, maxLength: 4 })).map(
        ([of, list, rateList]) =>
          ({
            kind: "by-reading",
            ...of,
            ranges: list.map((below_Wh, at) => ({ below_Wh, rate: rateList[at] ?? 0 })),
          }) as const,
      ),
      fc.record({
        kind: fc.constant("spline" as const),
        ...channel,
        segments: limits.chain((list) =>
          fc.tuple(
            ...list.map((below_Wh) =>
              fc
                .tuple(coefficient, coefficient, coefficient, coefficient)
                .map((coefficients) => ({ below_Wh, coefficients })),
            ),
          ),
        ),
      }),
    ],
  };
  const ends = [constant(unit), ...leaves[unit]];
  if (depth <= 1) return fc.oneof(...ends);
  const parts = fc.array(below(unit), { minLength: 2, maxLength: 3 });
  const inner = [
    fc.record({ kind: fc.constantFrom("min" as const, "max" as const, "sum" as const), parts }),
    fc.record({
      kind: fc.constant("times" as const),
      ppm: fc.oneof(fc.integer({ min: -FACTOR_MAX, max: FACTOR_MAX }), fc.integer({ min: -9, max: 9 })),
      of: below(unit),
    }),
    fc.constantFrom<Unit>("energy", "power", "money").chain((of) =>
      fc.record({
        kind: fc.constant("when" as const),
        quantity: below(of),
        atLeast: below(of),
        met: below(unit),
        unmet: below(unit),
      }),
    ),
  ];
  const blocks = fc.record({
    kind: fc.constant("blocks" as const),
    of: fc.oneof(below("energy"), below("power")),
    per,
    steps: fc
      .tuple(
        ascending(CONSTANT_MAX, { minLength: 0, maxLength: 3 }),
        fc.array(rate, { minLength: 3, maxLength: 3 }),
      )
      .map(([list, rateList]) => list.map((upTo, at) => ({ upTo, rate: rateList[at] ?? 0 }))),
    rate,
  });
  return fc.oneof(...ends, ...inner, ...(unit === "money" ? [blocks] : []));
}

/** Any tariff with a charge of a depth of 3 or less. */
export const chargedTariffs: fc.Arbitrary<Tariff> = fc
  .tuple(tariffs, expressions("money", 3), fc.boolean())
  .map(([tariff, charge, isLinearToo]) => ({ ...tariff, charge, energy: isLinearToo ? tariff.energy : [] }));
