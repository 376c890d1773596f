import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Neighbourhood } from "../../host-sim/neighbourhood.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import {
  estimateLosses,
  FALSE_ALARM,
  type FeederComparison,
  INTERVALS_MAX,
} from "../../src/aggregation/losses.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";

const PER_DAY = 48;
const FIRST = (Date.UTC(2026, 0, 5) / 1_000 / 1_800) | 0;
const DAYS = 28;

/** A street by formula: a load that wavers over the day, the model's loss of it, and noise of a few Wh. */
function formulaStreet({
  seed = 1,
  days = DAYS,
  noLoad_W = 200,
  resistive = 0.3,
  permille = 2,
  extra_W = (_at: number): number => 0,
} = {}): FeederComparison {
  const random = new SeededRandom(seed, "formula");
  const feeder_Wh = Array.from({ length: days * PER_DAY }, (_, at) => {
    const swing = Math.round(6_000 * Math.sin((2 * Math.PI * at) / PER_DAY));
    return 12_000 + swing + random.below(8_000);
  });
  const street_Wh = feeder_Wh.map((feeder, at) => {
    const P_kW = feeder / 500;
    const loss_W = noLoad_W + resistive * P_kW ** 2 + permille * P_kW + extra_W(at);
    return Math.round(feeder - loss_W / 2) + random.below(11) - 5;
  });
  return { intervalSeconds: 1_800, firstInterval: FIRST, feeder_Wh, street_Wh };
}

/** Twelve households of four weeks, and the beginning of a bypass on the seventeenth day at 10:30. */
const place = new Neighbourhood({
  members: 12,
  days: DAYS,
  start_s: FIRST * 1_800,
  intervalSeconds: 1_800,
});
const BEGAN = FIRST + 16 * PER_DAY + 21;
const from_s = BEGAN * 1_800;
const seedsOf = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

describe("the technical loss", () => {
  it.each([1, 2, 3])("comes out as it was put in (seed %d)", (seed) => {
    const { model, technical_percent, step } = estimateLosses(formulaStreet({ seed }));
    expect(model.noLoad_W).toBeCloseTo(200, -1);
    expect(model.resistive_W_per_kW2).toBeGreaterThan(0.27);
    expect(model.resistive_W_per_kW2).toBeLessThan(0.33);
    expect(Math.abs(model.calibration_permille - 2)).toBeLessThan(1);
    expect(technical_percent).toBeGreaterThan(1.2);
    expect(technical_percent).toBeLessThan(2);
    expect(step).toBeNull();
  });

  it("is never negative, whatever the meters say", () => {
    const Wh = fc.option(fc.integer({ min: -200_000, max: 200_000 }), { freq: 8 });
    const pairs = fc.array(fc.tuple(Wh, Wh), { minLength: 1, maxLength: 20 * PER_DAY });
    fc.assert(
      fc.property(pairs, (all) => {
        fc.pre(all.some(([feeder, street]) => feeder !== null && street !== null));
        const [feeder_Wh, street_Wh] = [all.map(([feeder]) => feeder), all.map(([, street]) => street)];
        const { model, compared, missing, days, loss_Wh } = estimateLosses({
          intervalSeconds: 1_800,
          firstInterval: FIRST,
          feeder_Wh,
          street_Wh,
        });
        expect(model.noLoad_W).toBeGreaterThanOrEqual(0);
        expect(model.resistive_W_per_kW2).toBeGreaterThanOrEqual(0);
        expect(Math.abs(model.calibration_permille)).toBeLessThanOrEqual(25);
        expect(compared + missing).toBe(all.length);
        expect(days.reduce((sum, day) => sum + day.loss_Wh, 0)).toBe(loss_Wh);
      }),
      { numRuns: 60 },
    );
  });

  it("does not depend on the length of an interval", () => {
    const coarse = formulaStreet({});
    const split = (values: readonly (number | null)[]) =>
      values.flatMap((value) =>
        value === null ? [null, null] : [Math.floor(value / 2), Math.ceil(value / 2)],
      );
    const fine = {
      intervalSeconds: 900,
      firstInterval: 2 * FIRST,
      feeder_Wh: split(coarse.feeder_Wh),
      street_Wh: split(coarse.street_Wh),
    };
    const [ofCoarse, ofFine] = [estimateLosses(coarse), estimateLosses(fine)];
    expect(ofFine.model.noLoad_W / ofCoarse.model.noLoad_W).toBeCloseTo(1, 1);
    expect(ofFine.loss_Wh).toBe(ofCoarse.loss_Wh);
    expect(ofFine.technical_Wh / ofCoarse.technical_Wh).toBeCloseTo(1, 2);
  });

  it("takes in a bypass that was there from the first day, and says so if it is too much for that", () => {
    const tapped = formulaStreet({ extra_W: () => 900 });
    const { step, model, isNoLoadImplausible } = estimateLosses(tapped, { noLoadLimit_W: 540 });
    expect(step).toBeNull();
    expect(model.noLoad_W).toBeGreaterThan(1_000);
    expect(isNoLoadImplausible).toBe(true);
    expect(estimateLosses(formulaStreet(), { noLoadLimit_W: 540 }).isNoLoadImplausible).toBe(false);
    expect(estimateLosses(tapped).isNoLoadImplausible).toBe(false);
  });
});

describe("a street without a bypass", () => {
  it("raises no alarm: none in 100 streets of households", () => {
    const alarms = seedsOf(100).filter((seed) => estimateLosses(place.street(seed).comparison).step !== null);
    expect(alarms).toEqual([]);
  });

  it("raises none for single wrong intervals, or for a day or two that are odd", () => {
    for (const seed of seedsOf(10)) {
      const { comparison } = place.street(seed);
      const odd = new SeededRandom(seed, "odd");
      const street_Wh = [...comparison.street_Wh];
      const day = odd.below(DAYS - 1) * PER_DAY;
      for (let at = day; at < day + 2 * PER_DAY; at++) street_Wh[at] = (street_Wh[at] ?? 0) - 400;
      for (let k = 0; k < 5; k++) street_Wh[odd.below(street_Wh.length)] = odd.below(40_000);
      expect(estimateLosses({ ...comparison, street_Wh }).step).toBeNull();
    }
  });
});

describe("a bypass", () => {
  it("of half a household's load is found in each of 40 streets, most often to the hour", () => {
    const steps = seedsOf(40).map((seed) => {
      const { comparison, taken_Wh } = place.street(1_000 + seed, { from_s, share_percent: 50, above_W: 0 });
      const { step } = estimateLosses(comparison);
      const true_W = taken_Wh.reduce((sum, Wh) => sum + Wh, 0) / ((FIRST + DAYS * PER_DAY - BEGAN) / 2);
      return { step, true_W };
    });
    for (const { step, true_W } of steps) {
      expect(step?.direction).toBe("rise");
      expect(step?.falseAlarm).toBeLessThanOrEqual(FALSE_ALARM);
      expect(Math.abs((step?.interval ?? 0) - BEGAN)).toBeLessThanOrEqual(PER_DAY);
      expect(step?.size_W_min).toBeLessThan(true_W);
      expect(step?.size_W_max).toBeGreaterThan(true_W);
      expect(step?.size_Wh_per_interval).toBeCloseTo((step?.size_W ?? 0) / 2, 9);
    }
    const count = (holds: (interval: number, min: number, max: number) => boolean) =>
      steps.filter(({ step }) => step && holds(step.interval, step.interval_min, step.interval_max)).length;
    expect(count((interval) => Math.abs(interval - BEGAN) <= 2)).toBeGreaterThanOrEqual(30);
    expect(count((_, min, max) => min <= BEGAN && BEGAN <= max)).toBeGreaterThanOrEqual(36);
  });

  it("of what is drawn above 500 W is found too: a load that is on and off", () => {
    const found = seedsOf(20).filter((seed) => {
      const { comparison } = place.street(2_000 + seed, { from_s, share_percent: 100, above_W: 500 });
      return estimateLosses(comparison).step?.direction === "rise";
    });
    expect(found.length).toBeGreaterThanOrEqual(18);
  });

  it("is left out of the technical loss", () => {
    const { comparison } = place.street(7, { from_s, share_percent: 100, above_W: 0 });
    const [without, tapped] = [estimateLosses(place.street(7).comparison), estimateLosses(comparison)];
    expect(tapped.step).not.toBeNull();
    expect(Math.abs(tapped.technical_Wh - without.technical_Wh)).toBeLessThan(0.2 * without.technical_Wh);
    const energy_Wh = tapped.loss_Wh - without.loss_Wh;
    expect(Math.abs((tapped.step?.energy_Wh ?? 0) / energy_Wh - 1)).toBeLessThan(0.1);
  });

  it("that ends is a fall", () => {
    const ends = formulaStreet({ extra_W: (at) => (at < 700 ? 600 : 0) });
    const { step, model } = estimateLosses(ends);
    expect(step).toMatchObject({ direction: "fall", interval: FIRST + 700 });
    expect(step?.size_W).toBeCloseTo(-600, -2);
    expect(step?.energy_Wh).toBeGreaterThan(0.9 * 600 * 350);
    expect(model.noLoad_W).toBeCloseTo(200, -1);
  });

  it("below what the meters themselves may change is not told", () => {
    const { step, smallestStep_W } = estimateLosses(formulaStreet({ extra_W: (at) => (at < 700 ? 0 : 40) }));
    expect(step).toBeNull();
    expect(smallestStep_W).toBeGreaterThan(40);
  });

  it("is told by sums alone: nothing in the result could name a member", () => {
    const { comparison } = place.street(7, { from_s, share_percent: 100, above_W: 0 });
    const { step, ...rest } = estimateLosses(comparison);
    expect(Object.keys(step ?? {}).sort()).toEqual([
      "direction",
      "energy_Wh",
      "falseAlarm",
      "interval",
      "interval_max",
      "interval_min",
      "size_W",
      "size_W_max",
      "size_W_min",
      "size_Wh_per_interval",
    ]);
    expect(JSON.stringify([step, rest])).not.toMatch(/meterId|SM-\d/);
    expect(rest.doesNotTell.join()).toContain("who: there are only sums");
  });
});

describe("missing intervals", () => {
  const { comparison } = place.street(3, { from_s, share_percent: 100, above_W: 0 });

  it("are not compared, and change neither the step nor its beginning by much", () => {
    const random = new SeededRandom(3, "missing");
    const holed = (values: readonly (number | null)[]) =>
      values.map((Wh) => (random.below(10) === 0 ? null : Wh));
    const feeder_Wh = holed(comparison.feeder_Wh);
    const street_Wh = holed(comparison.street_Wh);
    const both = feeder_Wh.filter((Wh, at) => Wh !== null && street_Wh[at] !== null).length;
    const [whole, partly] = [
      estimateLosses(comparison),
      estimateLosses({ ...comparison, feeder_Wh, street_Wh }),
    ];
    expect(partly).toMatchObject({ compared: both, missing: DAYS * PER_DAY - both, judgedDays: DAYS });
    expect(Math.abs((partly.step?.interval ?? 0) - (whole.step?.interval ?? 0))).toBeLessThan(PER_DAY / 4);
    expect((partly.step?.size_W ?? 0) / (whole.step?.size_W ?? 1)).toBeCloseTo(1, 1);
  });

  it("of more than half a day take the day out of the test", () => {
    const street_Wh = comparison.street_Wh.map((Wh, at) => (at % PER_DAY < 25 && at < 240 ? null : Wh));
    expect(estimateLosses({ ...comparison, street_Wh })).toMatchObject({ judgedDays: DAYS - 5 });
  });

  it("may leave fewer than 14 days: then nothing is judged, and the loss is still told", () => {
    const cut = { ...comparison, feeder_Wh: comparison.feeder_Wh.slice(0, 13 * PER_DAY) };
    const short = { ...cut, street_Wh: comparison.street_Wh.slice(0, 13 * PER_DAY) };
    expect(estimateLosses(short)).toMatchObject({ judgedDays: 13, step: null, smallestStep_W: null });
    expect(estimateLosses(short).loss_Wh).toBeGreaterThan(0);
  });
});

it("gives the same result twice", () => {
  const { comparison } = place.street(5, { from_s, share_percent: 50, above_W: 0 });
  expect(estimateLosses(comparison)).toEqual(estimateLosses(comparison));
});

describe("a comparison is refused", () => {
  const good = formulaStreet({ days: 1 });
  it.each<[string, Partial<FeederComparison>, string]>([
    ["of another pace", { intervalSeconds: 3_600 }, "intervals of 3600 s instead of 900 or 1800 s"],
    ["of unequal lengths", { street_Wh: [1] }, "48 intervals of the feeder and 1 of the street"],
    ["of nothing", { feeder_Wh: [], street_Wh: [] }, `0 intervals instead of 1 to ${INTERVALS_MAX}`],
    ["of no time", { firstInterval: -1 }, "intervals from -1 on are not within 0 to 4294967295"],
    [
      "beyond u32",
      { firstInterval: 0xffffffff },
      "intervals from 4294967295 on are not within 0 to 4294967295",
    ],
    [
      "of fractions",
      { feeder_Wh: good.feeder_Wh.map((Wh, at) => (at === 2 ? 0.5 : Wh)) },
      `interval ${FIRST + 2}: 0.5 is no whole number of Wh`,
    ],
    [
      "with nothing in common",
      { feeder_Wh: good.feeder_Wh.map(() => null) },
      "feeder and street have no interval in common",
    ],
  ])("%s", (_, wrong, what) => {
    expect(() => estimateLosses({ ...good, ...wrong })).toThrow(new FormatError(what));
  });

  it("of more than 13 months", () => {
    const long = new Array<number>(INTERVALS_MAX + 1).fill(0);
    expect(() => estimateLosses({ ...good, feeder_Wh: long, street_Wh: long })).toThrow(FormatError);
  });
});
