import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OutOfDomainError } from "../../../../src/proofs/constraints/gadgets/domain.js";
import { planRanges } from "../../../../src/proofs/constraints/gadgets/range-plan.js";
import { RangeTable } from "../../../../src/proofs/constraints/gadgets/range-table.js";
import { Linear, modulo } from "../../../../src/proofs/constraints/system.js";
import { L } from "../../../../src/trusted/sealing/edwards.js";
import { isRefused, isRefusedAlways, looseWires, prove, type Statement, verify } from "./cheating-system.js";

const Fn = ed25519.Point.Fn;

/** That the committed values are in ranges of these bits, one each. */
const inRanges =
  (...bits: number[]): Statement =>
  (system, committed) => {
    const ranges = new RangeTable(system);
    committed.forEach((number, at) => {
      ranges.check(number, bits[at] ?? bits[0] ?? 1, `value ${at}`);
    });
    ranges.finish();
    return [];
  };

const bitsArbitrary = fc.integer({ min: 1, max: 128 });
const rangeArbitrary = bitsArbitrary.chain((bits) =>
  fc.tuple(fc.constant(bits), fc.bigInt(0n, 2n ** BigInt(bits) - 1n)),
);
const everyWidth = Array.from({ length: 66 }, (_, at) => at + 1);

describe("a range", () => {
  test("proves every number in it, of any bits, alone and among others", () => {
    fc.assert(
      fc.property(fc.array(rangeArbitrary, { minLength: 1, maxLength: 12 }), (ranges) => {
        const bits = ranges.map(([width]) => width);
        const values = ranges.map(([, value]) => value);
        expect([...prove(inRanges(...bits), values).broken.keys()]).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  test("of any bits is proved at both of its ends", () => {
    for (const bits of everyWidth) {
      const values = [0n, 2n ** BigInt(bits) - 1n];
      expect(isRefused(prove(inRanges(bits), values)), `${bits} bits`).toBe(false);
    }
  });

  test("tells an honest prover what is out of it", () => {
    expect(() => prove(inRanges(8), [256n])).toThrow(OutOfDomainError);
    expect(() => prove(inRanges(8), [256n])).toThrow("value 0: 256 is not in [0, 2^8)");
    expect(() => prove(inRanges(8), [-1n])).toThrow("value 0: -1 is not in [0, 2^8)");
  });

  test("refuses, at every width, numbers past its ends, negative ones and wrapped ones, whatever limbs are claimed", () => {
    for (const bits of everyWidth) {
      const limit = 2n ** BigInt(bits);
      for (const value of [limit, limit + 1n, 2n * limit - 1n, -1n, -limit, L - 2n, L / 2n, 2n ** 250n]) {
        for (const claimed of [0n, limit - 1n, value & (limit - 1n)]) {
          const cheat = { believe: () => claimed };
          expect(isRefused(prove(inRanges(bits), [value], cheat)), `${value} in ${bits} bits`).toBe(true);
        }
      }
    }
  });

  test("refuses a number out of range among many that are in it, in the first place and in the last", () => {
    const values = Array.from({ length: 40 }, (_, at) => BigInt(at * 100));
    const believe = (value: bigint) => value % 4096n;
    for (const place of [0, 39]) {
      const cheated = values.map((value, at) => (at === place ? 4096n + value : value));
      expect(isRefusedAlways(inRanges(12), cheated, { believe })).toBe(true);
    }
  });

  test("refuses fractions of the field, whose multiples are small", () => {
    const half = (L + 1n) / 2n;
    for (const bits of [3, 5, 7, 16, 64]) {
      expect(isRefusedAlways(inRanges(bits), [half], { believe: () => 1n })).toBe(true);
      expect(isRefusedAlways(inRanges(bits), [half], { believe: () => 0n })).toBe(true);
    }
  });

  test("refuses a limb that is too large although the limbs add up to the number", () => {
    // 64 bits: 16 limbs of 4, of which the upper 15 are wires; the lowest is what they leave.
    const value = 2n ** 40n + 5n;
    const upper = Array.from({ length: 15 }, (_, at) => (value >> BigInt(4 * (at + 1))) & 15n);
    const carried = upper.map((limb, at) => (at === 9 ? 0n : at === 8 ? 16n : limb)); // 2^40 as 16·2^36
    const wires = Object.fromEntries(
      carried.map((limb, at) => [`${at % 2 === 0 ? "left" : "right"} ${at >> 1}`, limb]),
    );
    expect(isRefused(prove(inRanges(64), [value]))).toBe(false);
    expect(isRefusedAlways(inRanges(64), [value], { wires })).toBe(true);
  });

  test("has no wire that can be changed, but the one that is left over of a pair", () => {
    expect(looseWires(inRanges(64), [123_456_789_012n])).toEqual(["right 7"]);
    expect(looseWires(inRanges(9, 9), [300n, 33n])).toEqual([]);
  });
});

describe("multiplicities", () => {
  // One number of 4 bits: one free limb, then how often each of 0, 1, 2 and 3 is looked up.
  const statement = inRanges(4);
  const wireOf = (entry: number) => `${entry % 2 === 0 ? "left" : "right"} ${1 + (entry >> 1)}`;

  test("that are altered, moved or fractions of the field are refused", () => {
    expect(planRanges(new Map([[4, 1]]))).toMatchObject({ tables: [2], first: 3, second: 2 });
    const half = (L + 1n) / 2n;
    const five = [5n]; // 1 twice
    expect(isRefused(prove(statement, five, { wires: { [wireOf(1)]: 2n } }))).toBe(false);
    for (const wires of [
      { [wireOf(1)]: 1n },
      { [wireOf(1)]: 1n, [wireOf(2)]: 1n },
      { [wireOf(0)]: 1n, [wireOf(1)]: 0n, [wireOf(2)]: 1n },
      { [wireOf(1)]: 2n + half, [wireOf(2)]: half },
      { [wireOf(0)]: half, [wireOf(3)]: L - half },
      { [wireOf(1)]: L - 2n },
    ]) {
      expect(isRefusedAlways(statement, five, { wires })).toBe(true);
    }
  });

  test("make any number pass for a prover who knows the challenge before choosing them, and only for that one", () => {
    const challenge = 0x1234567890abcdefn;
    const cheat = { believe: () => 5n, challenge };
    const { broken } = prove(statement, [-3n], cheat);
    expect(broken.size).toBe(1);
    const [missing] = broken.values();
    // The sum of reciprocals is off by `missing`; the multiplicity of entry 0 counts 1/challenge.
    const wires = { [wireOf(0)]: ((missing ?? 0n) * challenge) % L };
    expect(isRefused(prove(statement, [-3n], { ...cheat, wires }))).toBe(false);
    expect(isRefused(prove(statement, [-3n], { ...cheat, wires, challenge: challenge + 1n }))).toBe(true);
    expect(isRefusedAlways(statement, [-3n], { believe: () => 5n, wires })).toBe(true);
  });
});

describe("a reciprocal in the second phase", () => {
  // -3 taken for 5: the sum of reciprocals is off, by an amount that the prover knows by then.
  const statement = inRanges(4);
  const cheat = { believe: () => 5n };
  const { broken, wires, first } = prove(statement, [-3n], cheat);
  const [missing] = broken.values();
  const fitting = modulo((wires.get(`left ${first}`) ?? 0n) - (missing ?? 0n));

  test("is not made to fit the sum", () => {
    const fitted = prove(statement, [-3n], { ...cheat, wires: { [`left ${first}`]: fitting } });
    expect(fitted.broken.size).toBe(1);
    expect([...fitted.broken.keys()]).not.toEqual([...broken.keys()]);
  });

  test("is not of another number", () => {
    const other = { [`left ${first}`]: fitting, [`right ${first}`]: Fn.inv(fitting) };
    expect(prove(statement, [-3n], { ...cheat, wires: other }).broken.size).toBe(1);
    const product = {
      ...other,
      [`right ${first}`]: wires.get(`right ${first}`) ?? 0n,
      [`output ${first}`]: 1n,
    };
    expect([...prove(statement, [-3n], { ...cheat, wires: product }).broken.keys()]).toEqual([
      `multiplier ${first}`,
    ]);
  });
});

describe("ranges of one statement", () => {
  test("are the same system for prover and verifier", () => {
    const bits = [64, 3, 12, 12, 17];
    const statement = inRanges(...bits);
    const prover = prove(statement, [2n ** 63n, 5n, 4095n, 0n, 99_999n], { challenge: 77n });
    const verifier = verify(statement, 5, 77n);
    expect(verifier.constraints).toEqual(prover.constraints);
    expect([verifier.first, verifier.second]).toEqual([prover.first, prover.second]);
  });

  test("cost what their plan says", () => {
    const counts = fc.dictionary(
      fc.integer({ min: 1, max: 64 }).map(String),
      fc.integer({ min: 1, max: 12 }),
      { minKeys: 1, maxKeys: 4 },
    );
    fc.assert(
      fc.property(counts, (sizes) => {
        const bits = Object.entries(sizes).flatMap(([width, count]) =>
          new Array<number>(count).fill(Number(width)),
        );
        const plan = planRanges(
          new Map(Object.entries(sizes).map(([width, count]) => [Number(width), count])),
        );
        const { first, second } = prove(inRanges(...bits), new Array<bigint>(bits.length).fill(1n));
        expect([first, second]).toEqual([plan.first, plan.second]);
      }),
      { numRuns: 30 },
    );
  });

  test("that are not finished stop both parties", () => {
    const unfinished: Statement = (system, [value]) => {
      new RangeTable(system).check(value ?? Linear.constant(0n), 8, "value");
      return [];
    };
    expect(() => prove(unfinished, [1n])).toThrow("ranges are finished in the first phase");
    expect(() => verify(unfinished, 1, 1n)).toThrow("ranges are finished in the first phase");
  });

  test("refuse widths out of 1 to 128 bits", () => {
    expect(() => prove(inRanges(0), [0n])).toThrow("1 to 128 bits");
    expect(() => prove(inRanges(129), [0n])).toThrow("1 to 128 bits");
  });
});
