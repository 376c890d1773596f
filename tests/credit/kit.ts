// Tariffs that credit is drawn by, and what a companion needs besides, for its tests.
import { drawParties } from "../../host-sim/parties.js";
import { MemoryTariffStore, ScriptedButton } from "../../host-sim/ports.js";
import { BistableRelay } from "../../host-sim/relay.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { CreditCompanion } from "../../src/credit/companion.js";
import type { Blocks, Expression } from "../../src/tariff/charge.js";
import { energyCost } from "../../src/tariff/charge-evaluation.js";
import { encodeTariff, type Tariff } from "../../src/tariff/document.js";
import { billLines, daysOf, localMidnight_s, offsetAt_s } from "../../src/tariff/evaluate.js";
import { signTariff } from "../../src/tariff/signed-tariff.js";
import { bstr, int, map } from "../../src/trusted/encoding/cbor.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { digest } from "../../src/trusted/sealing/keys.js";

export const IMPORT = "1-0:1.8.0";
export const EXPORT = "1-0:2.8.0";
export const CHANNELS = [IMPORT, EXPORT];
export const HALF_HOUR_S = 1800;

const supplier = drawParties(new SeededRandom(77)).supplier;

/** UTC+1 and summer time from 27 March to 30 October 2011; valid from 2011 to 2021. Day and night, feed-in, no taxes. */
export const DAY_AND_NIGHT: Tariff = {
  name: "Day and night",
  currency: "EUR",
  notBefore_s: 1_293_840_000,
  notAfter_s: 1_609_459_200,
  offsets: [
    { from_s: 0, offset_s: 3600 },
    { from_s: 1_301_187_600, offset_s: 7200 },
    { from_s: 1_319_936_400, offset_s: 3600 },
  ],
  energy: [
    {
      obis: IMPORT,
      policy: {
        kind: "time-of-use",
        rate: 300_000,
        bands: [{ weekdays: 127, months: 4095, fromMinute: 0, toMinute: 360, rate: 200_000 }],
      },
    },
    { obis: EXPORT, policy: { kind: "time-of-use", rate: -80_000, bands: [] } },
  ],
  standing: 0,
  levies: [],
  vat_ppm: 0,
};

/** The same with everything that a credit tariff may have. */
export const FULL: Tariff = {
  ...DAY_AND_NIGHT,
  name: "Full",
  standing: 327_500_001,
  levies: [
    { kind: "proportional", name: "concession", ppm: 16_600 },
    { kind: "per-day", name: "meter", amount: 12_345_679 },
  ],
  vat_ppm: 190_000,
  charge: {
    kind: "sum",
    parts: [
      {
        kind: "blocks",
        of: { kind: "energy", obis: IMPORT, during: [] },
        per: "period",
        steps: [{ upTo: 20_000, rate: 7 }],
        rate: 50_003,
      },
      { kind: "constant", unit: "money", per: "period", value: 1_000_000_007 },
      { kind: "constant", unit: "money", per: "day", value: 3_000_001 },
      {
        kind: "cost",
        policies: [{ obis: IMPORT, policy: { kind: "time-of-use", rate: 11, bands: [] } }],
      },
    ],
  },
};

export const blocksOf = (of: Expression): Blocks => ({
  kind: "blocks",
  of,
  per: "period",
  steps: [],
  rate: 5,
});

export const sign = (tariff: Tariff) => signTariff(encodeTariff(tariff), supplier.seed);
export const digestOf = (tariff: Tariff) => digest(encodeTariff(tariff));
export const tariffOrder = (tariff: Tariff) => bstr(digestOf(tariff));
export const settings = (values: Readonly<Record<number, number>>) =>
  map(...Object.entries(values).map(([number, value]) => [Number(number), int(value)] as const));
/** Millionths of the currency. */
export const euros = (amount: number) => int(Math.round(amount * 1_000_000));

/** A companion and what outlives it. */
export function supplyWith(...stored: readonly Tariff[]) {
  const relay = new BistableRelay();
  const tariffs = new MemoryTariffStore();
  for (const [slot, tariff] of stored.entries()) tariffs.save(slot === 0 ? 0 : 1, sign(tariff));
  const closing = new ScriptedButton();
  return { relay, tariffs, closing, make: () => new CreditCompanion({ relay, tariffs, closing }) };
}

/** An interval and its readings by channel, Wh. */
export type Interval = readonly [interval: number, Wh: readonly number[]];

/** Total of the bill of intervals [from, to), nano-currency. */
export function billed(
  tariff: Tariff,
  intervals: readonly Interval[],
  from: number,
  to: number,
  intervalSeconds: number,
) {
  const period = { from, to, intervalSeconds };
  const within = new Map(intervals.filter(([interval]) => interval >= from && interval < to));
  const readings = CHANNELS.map((_, channel) =>
    Array.from({ length: to - from }, (_each, at) => within.get(from + at)?.[channel] ?? null),
  );
  const energy = energyCost(tariff, { period, channels: CHANNELS, readings });
  return billLines(tariff, energy, daysOf(tariff, period)).total;
}

/** Boundaries of local months between two intervals, as a calendar has them. */
export function monthsBetween(tariff: Tariff, from: number, to: number, intervalSeconds: number): number[] {
  const bounds: number[] = [];
  const begin_s = from * intervalSeconds;
  const date = new Date((begin_s + offsetAt_s(tariff, begin_s)) * 1000);
  for (let month = date.getUTCMonth() + 1; ; month++) {
    const day = Date.UTC(date.getUTCFullYear(), month, 1) / 1000 / DAY_SECONDS;
    const interval = Math.floor(localMidnight_s(tariff, day) / intervalSeconds);
    if (interval >= to) return bounds;
    bounds.push(interval);
  }
}
