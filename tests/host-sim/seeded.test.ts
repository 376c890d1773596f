import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom, xoshiroStep } from "../../host-sim/seeded.js";

const seeds = fc.nat({ max: Number.MAX_SAFE_INTEGER });

function firstWords(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.nextU32());
}

describe("the seeded generator", () => {
  it("steps like xoshiro128**: the words that its authors' C code gives from the state 1, 2, 3, 4", () => {
    const state = { a: 1, b: 2, c: 3, d: 4 };
    const words = Array.from({ length: 10 }, () => xoshiroStep(state));
    expect(words).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it("gives the same words for a seed for ever", () => {
    // From a second implementation of seeding and stepping, written in Python with big integers.
    expect(firstWords(new SeededRandom(0), 4)).toEqual([758572548, 3191961275, 2262813832, 3534880344]);
    expect(firstWords(new SeededRandom(1), 4)).toEqual([776716733, 142514713, 3223199218, 1612392995]);
    expect(firstWords(new SeededRandom(Number.MAX_SAFE_INTEGER), 4)).toEqual([
      615491322, 1002135668, 3356970649, 380990714,
    ]);
    expect(firstWords(new SeededRandom(1).fork("weather"), 4)).toEqual([
      986506173, 2389446171, 1070908852, 3369664737,
    ]);
  });

  it("tells seeds apart that differ only above 32 bits", () => {
    expect(firstWords(new SeededRandom(5), 4)).not.toEqual(firstWords(new SeededRandom(5 + 2 ** 32), 4));
  });

  it.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d as a seed", (seed) => {
    expect(() => new SeededRandom(seed)).toThrow(
      new RangeError(`a seed is a whole number from 0 to 2^53 - 1, not ${seed}`),
    );
  });

  it("draws fractions of [0, 1) that spread evenly over tenths", () => {
    const random = new SeededRandom(42);
    const tenths = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) {
      const tenth = Math.floor(random.fraction() * 10);
      tenths[tenth] = (tenths[tenth] ?? Number.NaN) + 1;
    }
    // 10,000 expected in each; the standard deviation is 95.
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(475);
  });

  it("draws below(n) from 0 to n - 1 for every n up to 2^32", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 2 ** 32 }), (seed, n) => {
        const drawn = new SeededRandom(seed).below(n);
        expect(Number.isInteger(drawn) && drawn >= 0 && drawn < n).toBe(true);
      }),
    );
  });

  it("favours no residue: below(3 * 2^30) is in its lower third a third of the time", () => {
    // Without rejection the lower third would come up half of the time, for 2^32 mod n is 2^30.
    const random = new SeededRandom(9);
    let lower = 0;
    for (let draw = 0; draw < 30_000; draw++) if (random.below(3 * 2 ** 30) < 2 ** 30) lower++;
    expect(Math.abs(lower - 10_000)).toBeLessThan(410);
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])("refuses below(%d)", (n) => {
    expect(() => new SeededRandom(1).below(n)).toThrow(
      new RangeError(`below() takes a whole number from 1 to 2^32, not ${n}`),
    );
  });

  it("fills bytes with its words, little-endian, and drops the rest of the last word", () => {
    fc.assert(
      fc.property(seeds, fc.nat({ max: 40 }), (seed, length) => {
        const filled = new Uint8Array(length);
        const filler = new SeededRandom(seed);
        filler.fill(filled);
        const source = new SeededRandom(seed);
        const words = firstWords(source, Math.ceil(length / 4));
        const expected = words.flatMap((word) => [0, 8, 16, 24].map((shift) => (word >>> shift) & 0xff));
        expect([...filled]).toEqual(expected.slice(0, length));
        expect(filler.nextU32()).toBe(source.nextU32());
      }),
    );
  });

  it("forks streams that do not depend on how much was drawn before", () => {
    fc.assert(
      fc.property(seeds, fc.string(), fc.nat({ max: 20 }), (seed, label, drawn) => {
        const random = new SeededRandom(seed);
        const early = random.fork(label);
        firstWords(random, drawn);
        expect(firstWords(random.fork(label), 4)).toEqual(firstWords(early, 4));
      }),
    );
  });

  it("forks different streams for different labels, and draws from none when it forks", () => {
    fc.assert(
      fc.property(seeds, fc.string(), fc.string(), (seed, one, other) => {
        fc.pre(one !== other);
        const random = new SeededRandom(seed);
        const streams = [random.fork(one), random.fork(other), random.fork(one).fork(other), random];
        const seen = new Set(streams.map((stream) => firstWords(stream, 4).join()));
        expect(seen.size).toBe(4);
        expect(firstWords(new SeededRandom(seed, one, other), 4)).toEqual(
          firstWords(new SeededRandom(seed).fork(one).fork(other), 4),
        );
      }),
    );
  });

  it("keeps labels apart that read the same when strung together", () => {
    const random = new SeededRandom(3);
    const one = random.fork("ab").fork("c");
    const other = random.fork("a").fork("bc");
    expect(firstWords(one, 4)).not.toEqual(firstWords(other, 4));
  });
});
