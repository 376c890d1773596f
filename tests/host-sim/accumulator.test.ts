// The accumulator's reference by what it is for: nothing is lost or counted twice, cycles are those of the mains,
// reactive energy is right, and what goes wrong is told. That the C code does the same: tests/engines.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../host-sim/seeded.js";
import {
  Accumulator,
  type AccumulatorOptions,
  RATE_HZ_MAX,
  RATE_HZ_MIN,
} from "../../host-sim/waveform/accumulator.js";
import { referenceResult, TRIAL_CYCLES, trialBytes } from "../../host-sim/waveform/trials.js";
import type { Cycle } from "../../src/trusted/ports.js";

interface Wave {
  readonly rate_Hz: number;
  readonly mains_Hz: number;
  /** Codes; a power of 2 keeps rounding of codes out of the way. */
  readonly voltage: number;
  readonly current: number;
  /** Of the current behind the voltage, radians. */
  readonly lag: number;
  readonly offset: number;
  /** Standard deviation, codes. */
  readonly noise: number;
  /** Of the 7th harmonic in the voltage, relative. */
  readonly seventh: number;
}

const WAVE: Wave = {
  rate_Hz: 4000,
  mains_Hz: 50,
  voltage: 16384,
  current: 8192,
  lag: 0,
  offset: 0,
  noise: 0,
  seventh: 0,
};

/** Frames of one element. */
function framesOf(given: Partial<Wave>, seconds: number): Int16Array {
  const { rate_Hz, mains_Hz, voltage, current, lag, offset, noise, seventh } = { ...WAVE, ...given };
  const random = new SeededRandom(1, "noise");
  const gauss = () => Array.from({ length: 12 }, () => random.fraction()).reduce((a, b) => a + b, -6);
  const samples = new Int16Array(2 * Math.round(seconds * rate_Hz));
  for (let at = 0; at < samples.length; at += 2) {
    const angle = (Math.PI * at * mains_Hz) / rate_Hz;
    const disturbance = noise > 0 ? noise * gauss() : 0;
    samples[at] = Math.round(
      voltage * (Math.sin(angle) + seventh * Math.sin(7 * angle)) + offset + disturbance,
    );
    samples[at + 1] = Math.round(current * Math.sin(angle - lag));
  }
  return samples;
}

/** Feeds at once and reads all, with room for all. */
function cyclesOf(samples: Int16Array, options: Partial<AccumulatorOptions> = {}): Cycle[] {
  const accumulator = new Accumulator({ elements: 1, rate_Hz: 4000, capacity: 10_000, ...options });
  accumulator.feed(samples);
  return accumulator.read();
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const mean = (numbers: readonly number[]) => sum(numbers) / numbers.length;
const lengths = (cycles: readonly Cycle[]) => cycles.map(({ samples }) => samples);
const sumOf = (cycles: readonly Cycle[], place: number) => sum(cycles.map(({ sums }) => sums[place] ?? 0));
/** Without those in which it finds the mains. */
const settled = (cycles: readonly Cycle[]) => cycles.slice(20);

describe("no sample is lost or counted twice", () => {
  it("whatever is fed, in whatever blocks: the records' sums are the sums over all samples", () => {
    const frame = fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: -32768, max: 32767 })));
    const blocks = fc.array(fc.tuple(frame, fc.integer({ min: 1, max: 300 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(blocks, fc.integer({ min: RATE_HZ_MIN, max: RATE_HZ_MAX }), (drawn, rate_Hz) => {
        const accumulator = new Accumulator({ elements: 2, rate_Hz, capacity: 10_000 });
        const fed: number[] = [];
        for (const [codes, length] of drawn) {
          // Each block is noise between its own bounds.
          const block = Int16Array.from({ length: 4 * length }, (_, at) =>
            Math.imul((codes[at % 4] ?? 0) ^ at, 40503),
          );
          accumulator.feed(block);
          fed.push(...block);
        }
        const cycles = accumulator.read();
        const closed = sum(lengths(cycles));
        const codesOf = (channel: number) => fed.filter((_, at) => at % 4 === channel).slice(0, closed);
        const products = (one: number, other: number) => {
          const [a, b] = [codesOf(one), codesOf(other)];
          return sum(a.map((code, at) => code * (b[at] ?? 0)));
        };
        // What is not in a record is in the open cycle, which is shorter than the longest.
        expect(fed.length / 4 - closed).toBeLessThan(rate_Hz / 40);
        for (const element of [0, 1]) {
          const [v, i] = [2 * element, 2 * element + 1];
          const expected = [sum(codesOf(v)), sum(codesOf(i)), products(v, v), products(i, i), products(v, i)];
          const found = expected.map((_, place) => sumOf(cycles, 6 * element + place));
          expect(found).toEqual(expected);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("has records of rate/70 to rate/40 samples, whatever comes", () => {
    for (let trial = 0; trial < 10; trial++) {
      const bytes = trialBytes(5, trial);
      const rate_Hz = new Uint32Array(bytes.buffer, bytes.byteOffset, 2)[1] ?? 0;
      const { records } = referenceResult(bytes, ({ samples }) => {
        expect(samples).toBeGreaterThanOrEqual(Math.floor(rate_Hz / 70));
        expect(samples).toBeLessThanOrEqual(Math.floor(rate_Hz / 40));
      });
      expect(records).toBeGreaterThan(TRIAL_CYCLES / 50);
    }
  });

  it("gives the same records for any blocks", () => {
    const samples = framesOf({ mains_Hz: 49.7, noise: 30 }, 2);
    const accumulator = new Accumulator({ elements: 1, rate_Hz: 4000 });
    const random = new SeededRandom(3);
    for (let at = 0; at < samples.length; ) {
      const next = at + 2 * random.below(200);
      accumulator.feed(samples.subarray(at, next));
      at = next;
    }
    expect(accumulator.read()).toEqual(cyclesOf(samples));
  });
});

describe("a record is a cycle of the mains", () => {
  it.each([45, 47.5, 49.98, 50, 55, 60, 62.3, 65])("at %d Hz, at any rate", (mains_Hz) => {
    for (const rate_Hz of [2000, 4000, 7813, 16000]) {
      const cycles = settled(cyclesOf(framesOf({ mains_Hz, rate_Hz }, 4), { rate_Hz }));
      const length = rate_Hz / mains_Hz;
      expect(Math.min(...lengths(cycles))).toBeGreaterThanOrEqual(Math.floor(length));
      expect(Math.max(...lengths(cycles))).toBeLessThanOrEqual(Math.ceil(length));
      expect(Math.abs(mean(lengths(cycles)) - length)).toBeLessThan(1 / (cycles.length - 1) + 1e-9);
    }
  });

  it.each([
    ["noise of 1 % of the amplitude", { noise: 164 }],
    ["an offset of a third of it", { offset: 5461 }],
    ["a 7th harmonic of 30 %", { seventh: 0.3 }],
    ["a voltage of 1 %", { voltage: 164 }],
    ["all of them", { noise: 30, offset: 4000, seventh: 0.2 }],
  ])("with %s", (_, wave) => {
    const cycles = settled(cyclesOf(framesOf(wave, 10)));
    for (const samples of lengths(cycles)) expect(Math.abs(samples - 80)).toBeLessThanOrEqual(4);
    expect(Math.abs(mean(lengths(cycles)) - 80)).toBeLessThan(0.02);
  });

  it("finds the mains within 10 cycles, from any phase and offset", () => {
    for (const mains_Hz of [45, 50, 60, 65]) {
      for (let part = 0; part < 40; part++) {
        const samples = framesOf({ mains_Hz, offset: 200 * part }, 1).subarray(2 * part);
        const found = lengths(cyclesOf(samples).slice(10));
        for (const length of found) expect(Math.abs(length - 4000 / mains_Hz)).toBeLessThan(1);
      }
    }
  });

  it("is as long as one of 40 Hz without a voltage, with dc, and below 40 Hz", () => {
    for (const wave of [{ voltage: 0 }, { voltage: 0, offset: 12_000 }]) {
      expect(new Set(lengths(cyclesOf(framesOf(wave, 1))))).toEqual(new Set([100]));
    }
    expect(Math.max(...lengths(cyclesOf(framesOf({ mains_Hz: 20 }, 1))))).toBe(100);
  });

  it("counts a current without a voltage all the same", () => {
    const cycles = cyclesOf(framesOf({ voltage: 0 }, 1));
    expect(sumOf(cycles, 3) / 4000).toBeCloseTo(8192 ** 2 / 2, -4);
  });
});

describe("reactive energy", () => {
  const reactive = (wave: Partial<Wave>, seconds = 4) => {
    const { rate_Hz } = { ...WAVE, ...wave };
    const cycles = settled(cyclesOf(framesOf(wave, seconds), { rate_Hz }));
    return cycles.map(({ sums, samples }) => (sums[5] ?? 0) / samples);
  };
  const apparent = (16384 * 8192) / 2;
  /** Interpolating on a straight line between two samples takes that much off at most, half-way between them. */
  const droop = (mains_Hz: number, rate_Hz: number) => 1 - Math.cos((Math.PI * mains_Hz) / rate_Hz);

  it.each([
    45, 50, 53.1, 60, 65,
  ])("is U·I·sin(phi) at %d Hz, for any phi, to the interpolation's droop", (mains_Hz) => {
    for (const rate_Hz of [2000, 4000, 8000]) {
      for (const lag of [-Math.PI / 2, -1, 0, 0.5, Math.PI / 2, 2.5]) {
        const found = mean(reactive({ mains_Hz, rate_Hz, lag })) / apparent;
        const expected = Math.sin(lag);
        expect(Math.abs(found - expected), `${rate_Hz} Hz, ${lag}`).toBeLessThan(
          droop(mains_Hz, rate_Hz) + 3e-4,
        );
      }
    }
  });

  it("of a resistive load stays noise when the crossings jitter", () => {
    // One sample of jitter in the quarter period would be sin(2 pi / 80) = 8 %.
    const values = reactive({ noise: 164 }, 20).map((value) => value / apparent);
    expect(Math.abs(mean(values))).toBeLessThan(2e-4);
    expect(Math.max(...values.map(Math.abs))).toBeLessThan(0.012);
  });

  it("is right again 1.5 s after a step from 50 to 60 Hz", () => {
    const accumulator = new Accumulator({ elements: 1, rate_Hz: 4000 });
    accumulator.feed(framesOf({}, 2));
    accumulator.read();
    accumulator.feed(framesOf({ mains_Hz: 60, lag: 0.5 }, 3));
    const cycles = accumulator.read().slice(90);
    const found = cycles.map(({ sums, samples }) => (sums[5] ?? 0) / samples / apparent);
    // Cycles of 66 and 67 samples differ; three of them are 200.
    for (let at = 0; at + 3 <= found.length; at++) {
      expect(Math.abs(mean(found.slice(at, at + 3)) - Math.sin(0.5))).toBeLessThan(0.004);
    }
  });
});

describe("what is missing is told", () => {
  it("frames that the driver lost count as cycles, in the record that they are missing from", () => {
    const accumulator = new Accumulator({ elements: 1, rate_Hz: 4000 });
    const samples = framesOf({}, 2);
    accumulator.feed(samples.subarray(0, 2 * 4040));
    const before = accumulator.read();
    accumulator.lose(1);
    accumulator.feed(samples.subarray(2 * 4041));
    const [first, ...rest] = accumulator.read();
    expect(before.every(({ lost }) => lost === 0)).toBe(true);
    expect(first?.lost).toBe(1);
    expect(rest.every(({ lost }) => lost === 0)).toBe(true);
    expect(sum(lengths([...before, ...(first ? [first] : []), ...rest]))).toBeGreaterThan(7999 - 101);
  });

  it.each([
    [0, 0],
    [1, 1],
    [80, 1],
    [81, 2],
    [4000, 50],
  ])("%d frames at 50 Hz and 4 kHz are %d cycles", (frames, cycles) => {
    const accumulator = new Accumulator({ elements: 1, rate_Hz: 4000 });
    accumulator.feed(framesOf({}, 1));
    accumulator.read();
    accumulator.lose(frames);
    accumulator.feed(framesOf({}, 0.1));
    expect(accumulator.read()[0]?.lost).toBe(cycles);
  });

  it("the count stays at 2^32 - 1", () => {
    const accumulator = new Accumulator({ elements: 1, rate_Hz: 2000 });
    for (let times = 0; times < 100; times++) accumulator.lose(0xffffffff);
    accumulator.feed(framesOf({ rate_Hz: 2000 }, 0.1));
    expect(accumulator.read()[0]?.lost).toBe(0xffffffff);
  });

  it("a loss does not disturb the measured period", () => {
    const accumulator = new Accumulator({ elements: 1, rate_Hz: 4000 });
    const samples = framesOf({ lag: Math.PI / 2 }, 8);
    accumulator.feed(samples.subarray(0, 2 * 4013));
    accumulator.read();
    accumulator.lose(33);
    accumulator.feed(samples.subarray(2 * 4046));
    // The first has the gap in it; the next may begin with voltages of before it, a quarter of a period long.
    for (const { sums, samples: length } of accumulator.read().slice(5)) {
      expect((sums[5] ?? 0) / length / ((16384 * 8192) / 2)).toBeCloseTo(1, 2);
    }
  });

  it("a queue of 5 s holds 5 s at 65 Hz; what finds no room is counted in the next record", () => {
    const accumulator = new Accumulator({ elements: 1, rate_Hz: 4000 });
    accumulator.feed(framesOf({ mains_Hz: 65 }, 5));
    expect(accumulator.take()?.lost).toBe(0);
    accumulator.read();
    accumulator.feed(framesOf({}, 10));
    const kept = accumulator.read();
    expect(kept.length).toBe(325);
    expect(kept.every(({ lost }) => lost === 0)).toBe(true);
    accumulator.feed(framesOf({}, 0.1));
    const lost = accumulator.read()[0]?.lost ?? 0;
    expect(lost).toBeGreaterThanOrEqual(500 - 325 - 2);
    expect(lost).toBeLessThanOrEqual(500 - 325 + 2);
  });
});

describe("what cannot be", () => {
  it.each([
    { elements: 0, rate_Hz: 4000 },
    { elements: 4, rate_Hz: 4000 },
    { elements: 1, rate_Hz: 1999 },
    { elements: 1, rate_Hz: 16001 },
    { elements: 1, rate_Hz: 4000.5 },
    { elements: 1, rate_Hz: 4000, capacity: 0 },
  ])("is refused: %o", (options) => {
    expect(() => new Accumulator(options)).toThrow(RangeError);
  });
});
