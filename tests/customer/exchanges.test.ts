import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Column } from "../../src/customer/column.js";
import { type Exchanges, findExchanges, type Unknown } from "../../src/customer/exchanges.js";
import { U32_MAX } from "../../src/trusted/metrology/interval.js";

/** Readings of no symmetric function: `rates[answer][reading]`. */
function unknownsOf(rates: readonly (readonly number[])[], values: readonly (number | null)[]): Unknown[] {
  return values.map((value, at) => ({
    column: rates.flatMap((row, answer): Column[number][] => (row[at] ? [[answer, row[at]]] : [])),
    tags: "",
    value,
    up: value === null || value < U32_MAX,
    down: value === null || value > 0,
  }));
}

const search = (rates: readonly (readonly number[])[], values: readonly (number | null)[]): Exchanges =>
  findExchanges(unknownsOf(rates, values));

/** The places of those that are not hidden. */
const pinnedIn = ({ isHidden }: Exchanges) => isHidden.flatMap((hidden, at) => (hidden ? [] : [at]));

const of = <T>(length: number, value: T): T[] => Array.from({ length }, () => value);

/** Numbers below 2^32 from a seed (xorshift of 32 bits, Marsaglia 2003). */
function numbersOf(seed: number, length: number): number[] {
  let state = seed;
  return Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  });
}

describe("an exchange of readings", () => {
  it("hides readings of one rate, and not the one odd rate among equal ones", () => {
    expect(pinnedIn(search([of(48, 300_000)], of(48, 250)))).toEqual([]);
    const odd = [...of(47, 300_000), 310_000];
    expect(pinnedIn(search([odd], of(48, 250)))).toEqual([47]);
    expect(pinnedIn(search([odd], of(48, null)))).toEqual([47]);
  });

  it("does not help readings below 2^16 whose rates are powers of 2^16", () => {
    expect(pinnedIn(search([[1, 2 ** 16, 2 ** 32]], [7, 8, 9]))).toEqual([0, 1, 2]);
  });

  it("is not undone by a sum that hashes alike but is another", () => {
    // 1 + 2^48 and 2^32 + 2^48 are equal modulo 2^32, and so are 2^32 and 2^48.
    expect(pinnedIn(search([[2 ** 32, 2 ** 33, 2 ** 48]], [7, 8, 9]))).toEqual([0, 1, 2]);
  });

  it("fails where a second answer has another rate for one reading", () => {
    const rates = [of(48, 300_000), [...of(20, 300_000), 250_000, ...of(27, 300_000)]];
    expect(pinnedIn(search(rates, of(48, 250)))).toEqual([20]);
    // Two such readings hide each other.
    const two = [of(48, 300_000), [...of(20, 300_000), 250_000, 250_000, ...of(26, 300_000)]];
    expect(pinnedIn(search(two, of(48, 250)))).toEqual([]);
  });

  it("of four finds two sums that are equal in every answer", () => {
    const rates = [
      [10, 21, 33, 44],
      [5, 3, 9, 7],
    ];
    expect(pinnedIn(search(rates, of(4, 250)))).toEqual([]);
    expect(pinnedIn(search([...rates, [1, 1, 1, 2]], of(4, 250)))).toEqual([0, 1, 2, 3]);
  });

  it("of three leaves a reading outside all answers alone", () => {
    expect(pinnedIn(search([[10, 21, 31]], of(3, 250)))).toEqual([]);
    expect(pinnedIn(search([[10, 21, 32]], of(3, 250)))).toEqual([0, 1, 2]);
  });

  it("cannot lower a reading of 0 Wh nor raise the largest", () => {
    expect(pinnedIn(search([of(20, 300_000)], of(20, 0)))).toEqual(of(20, 0).map((_, at) => at));
    expect(pinnedIn(search([of(3, 300_000)], of(3, U32_MAX)))).toEqual([0, 1, 2]);
    expect(pinnedIn(search([of(3, 300_000)], [0, 0, 1]))).toEqual([]);
    expect(pinnedIn(search([[10, 21, 33, 44]], [0, 5, 5, 0]))).toEqual([]);
    expect(pinnedIn(search([[10, 21, 33, 44]], [0, 0, 0, 0]))).toEqual([0, 1, 2, 3]);
  });

  it("moves sixteen readings of 0 Wh together, so that a home without a producer is not refused its bill", () => {
    const rates = [...of(48, 312_700), ...of(48, -81_100)];
    const values = [...of(48, 250), ...of(48, 0)];
    expect(pinnedIn(search([rates], values))).toEqual([]);
    // With their register's sum they are known to be zero.
    const register = [...of(48, 0), ...of(48, 1)];
    expect(pinnedIn(search([rates, register], values)).length).toBe(48);
    // Fifteen may each have to move by more than a Wh, which counts for none.
    expect(pinnedIn(search([rates.slice(0, 63)], values.slice(0, 63))).length).toBe(15);
  });

  it("moves them together beside prices that differ from interval to interval", () => {
    const prices = numbersOf(7, 48).map((number) => 100 * (1000 + (number % 2500)));
    const rates = [...prices, ...of(48, -81_100)];
    expect(pinnedIn(search([rates], [...of(48, 250), ...of(48, 0)]))).toEqual([]);
  });

  it("leaves none of 1,488 random prices of 31 bits without one, within a bounded search", () => {
    for (const seed of [1, 2]) {
      const prices = numbersOf(seed, 1488).map((number) => number % 2 ** 31);
      const { isHidden, alike, steps } = search([prices], of(1488, 250));
      expect(isHidden).not.toContain(false);
      expect(Math.max(...alike)).toBe(1);
      expect(steps).toBeLessThan(1.5e7);
    }
  });

  it("is found among readings of the same answers, however many there are of others", () => {
    const prices = numbersOf(3, 3100).map((number) => 100_000 + (number % 250_000));
    const months = [0, 1, 2].map((month) =>
      prices.map((price, at) => (Math.floor(at / 1100) === month ? price : 0)),
    );
    const { isHidden, steps } = search([...months, of(3100, 1)], of(3100, 250));
    expect(isHidden).not.toContain(false);
    expect(steps).toBeLessThan(3e6);
  });

  it("stays within its bound where there is none to be found", () => {
    const rates = [1, 2, 3].map((seed) => numbersOf(seed, 200).map((number) => number % 2 ** 31));
    const { isHidden, steps } = search(rates, of(200, 250));
    expect(isHidden).not.toContain(true);
    expect(steps).toBeLessThan(2 ** 25);
  });

  it("is a change of place for readings that a symmetric function sees, unless they are equal", () => {
    const tagged = (values: readonly number[], tags: readonly string[]): Unknown[] =>
      values.map((value, at) => ({ column: [[0, 5]], tags: tags[at] ?? "", value, up: false, down: false }));
    const places = (values: readonly number[], tags: readonly string[]) =>
      pinnedIn(findExchanges(tagged(values, tags)));
    expect(places([1, 2, 3], ["a", "a", "a"])).toEqual([]);
    expect(places([2, 2, 3], ["a", "a", "b"])).toEqual([0, 1, 2]);
    expect(places([2, 1, 3], ["a", "a", "b"])).toEqual([2]);
  });

  it("exists for every reading that is called hidden, found again by trying all readings", () => {
    const instance = fc.integer({ min: 1, max: 5 }).chain((count) =>
      fc.record({
        rates: fc.array(fc.array(fc.integer({ min: -3, max: 4 }), { minLength: count, maxLength: count }), {
          minLength: 1,
          maxLength: 3,
        }),
        values: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: count, maxLength: count }),
        tags: fc.array(fc.constantFrom("", "", "", "a", "b"), { minLength: count, maxLength: count }),
      }),
    );
    let hidden = 0;
    let left = 0;
    fc.assert(
      fc.property(instance, ({ rates, values, tags }) => {
        const unknowns = unknownsOf(rates, values).map((unknown, at) => {
          const tag = tags[at] ?? "";
          return tag === "" ? unknown : { ...unknown, tags: tag, up: false, down: false };
        });
        const open = openPlaces(rates, values, tags);
        findExchanges(unknowns).isHidden.forEach((isHidden, at) => {
          if (isHidden) expect(open.has(at)).toBe(true);
          if (isHidden) hidden++;
          else left++;
        });
      }),
      { numRuns: 1000 },
    );
    // Both kinds occur: a search that calls nothing hidden, or everything, is none.
    expect(hidden).toBeGreaterThan(100);
    expect(left).toBeGreaterThan(100);
  });
});

/** Largest reading that is tried. */
const TRIED_MAX = 4;

/**
 * The places whose reading is not the same in all vectors of readings up to 4 that give the same answers. A symmetric
 * function is the multiset of its readings, of which every other is a function.
 */
function openPlaces(
  rates: readonly (readonly number[])[],
  values: readonly number[],
  tags: readonly string[],
): Set<number> {
  const answersOf = (readings: readonly number[]) =>
    [
      ...rates.map((row) => row.reduce((sum, rate, at) => sum + rate * (readings[at] ?? 0), 0)),
      ...["a", "b"].map((tag) => readings.filter((_, at) => tags[at] === tag).sort()),
    ].join(";");
  const given = answersOf(values);
  const open = new Set<number>();
  const total = (TRIED_MAX + 1) ** values.length;
  for (let code = 0; code < total; code++) {
    const readings = values.map((_, at) => Math.floor(code / (TRIED_MAX + 1) ** at) % (TRIED_MAX + 1));
    if (answersOf(readings) !== given) continue;
    readings.forEach((reading, at) => {
      if (reading !== values[at]) open.add(at);
    });
  }
  return open;
}
