// Random tariffs, and the plain one that tests change a thing or two of.
import fc from "fast-check";
import { DAILY_AMOUNT_MAX, PROPORTION_MAX, type Tariff } from "../../src/tariff/document.js";
import { type EnergyPolicy, RATE_MAX } from "../../src/tariff/policy.js";

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

const band = fc
  .record({
    weekdays: fc.integer({ min: 1, max: 127 }),
    months: fc.integer({ min: 1, max: 4095 }),
    minutes: fc.uniqueArray(fc.integer({ min: 0, max: 1440 }), { minLength: 2, maxLength: 2 }),
    rate,
  })
  .map(({ minutes, ...rest }) => ({
    ...rest,
    fromMinute: Math.min(...minutes),
    toMinute: Math.max(...minutes),
  }));

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
