// The slides' "range": that secret numbers are not negative and have no more than so many bits. Cut into limbs,
// and every limb is looked up in one table of all numbers of a limb's width: by the argument of
// look-up-argument.ts that costs a few multipliers a number, where one a bit is usual.
//
// Why no wrapped number passes: limbs that are looked up are integers in [0, 2^width), so the sum of limbs times
// powers of two is an integer in [0, 2^bits), at most 2^128, which is far below l; and it equals the number modulo
// l. A number that is negative or too large has no such limbs.
import { assert } from "../../../trusted/encoding/bytes.js";
import { type FirstPhase, Linear, modulo } from "../system.js";
import { OutOfDomainError } from "./domain.js";
import { freeWires } from "./free-wires.js";
import { countEntries, proveLookUps } from "./look-up-argument.js";
import { type LimbPlan, planRanges, RANGE_BITS_MAX, type RangePlan } from "./range-plan.js";

interface Check {
  readonly number: Linear;
  readonly bits: number;
  readonly value: bigint | null;
}

interface Limb {
  readonly number: Linear;
  readonly value: bigint | null;
}

/** Looked up in the table of this width. */
interface LookUp extends Limb {
  readonly table: number;
}

/**
 * All ranges of one statement. They are collected, and proved together by `finish`, since the best width of limbs
 * depends on how many there are (range-plan.ts).
 *
 * Cost with limbs of w bits: in the first phase 2^w/2 multipliers once, and half of one for every limb of a number
 * but its lowest (which is what the others leave of the number); in the second 1 a limb. A top limb of fewer bits
 * costs either one more look-up, of the limb times a power of two, or all such limbs together have a table of
 * their own. 1,488 numbers of 16 bits: 872 + 2,976 (w = 8); one number of 64 bits: 16 + 16 (w = 4).
 */
export class RangeTable {
  readonly #system: FirstPhase;
  readonly #checks: Check[] = [];
  #plan: RangePlan | null = null;

  /** A statement that is proved without `finish` fails by an assertion of both parties. */
  constructor(system: FirstPhase) {
    this.#system = system;
    system.randomize(() => assert(this.#plan !== null, "ranges are finished in the first phase"));
  }

  /**
   * That `number` is in [0, 2^bits).
   * @param bits 1 to 128.
   * @param what names the number to a prover for whom it is not so.
   * @throws OutOfDomainError in a prover's system in which it is not so.
   */
  check(number: Linear, bits: number, what: string): void {
    assert(this.#plan === null, "ranges are not finished yet");
    assert(Number.isInteger(bits) && bits >= 1 && bits <= RANGE_BITS_MAX, "a range has 1 to 128 bits");
    const value = this.#system.evaluate(number);
    if (value !== null && value >> BigInt(bits) !== 0n) {
      throw new OutOfDomainError(what, value, `in [0, 2^${bits})`);
    }
    this.#checks.push({ number, bits, value });
  }

  /** Proves all ranges; once, after the last `check`. */
  finish(): RangePlan {
    assert(this.#plan === null, "ranges are finished once");
    const counts = new Map<number, number>();
    for (const { bits } of this.#checks) counts.set(bits, (counts.get(bits) ?? 0) + 1);
    const plan = planRanges(counts);
    this.#plan = plan;
    const values = this.#checks.map((check) => upperLimbs(check, plan));
    const wires = freeWires(this.#system, values.flat());
    let used = 0;
    const lookUps = this.#checks.flatMap((check, at) => {
      const upper = values[at] ?? [];
      const numbers = wires.slice(used, used + upper.length);
      used += upper.length;
      return lookUpsOf(
        check,
        numbers.map((number, limb) => ({ number, value: upper[limb] ?? null })),
        plan,
      );
    });
    for (const table of plan.tables)
      this.#prove(
        table,
        lookUps.filter((lookUp) => lookUp.table === table),
      );
    return plan;
  }

  /** Commits to how often each entry is looked up; that closes the first phase's part of the argument. */
  #prove(width: number, lookUps: readonly LookUp[]): void {
    const entries = Array.from({ length: 2 ** width }, (_, entry) => BigInt(entry));
    const counts = countEntries(
      entries.length,
      lookUps.map(({ value }) => (value === null ? null : Number(value))),
    );
    const multiplicities = freeWires(this.#system, counts);
    this.#system.randomize((system) => {
      const beta = system.challenge("range");
      const numbers = lookUps.map(({ number }) => number.plus(Linear.constant(beta)));
      const shifted = entries.map((entry) => modulo(entry + beta));
      proveLookUps(system, numbers, shifted, multiplicities);
    });
  }
}

function limbsOf({ limbs }: RangePlan, bits: number): LimbPlan {
  const plan = limbs.get(bits);
  assert(plan !== undefined, "the plan covers every range");
  return plan;
}

/** All limbs but the lowest, lowest first. */
function upperLimbs({ value, bits }: Check, plan: RangePlan): (bigint | null)[] {
  const mask = 2n ** BigInt(plan.width) - 1n;
  return Array.from({ length: limbsOf(plan, bits).limbs - 1 }, (_, at) =>
    value === null ? null : (value >> BigInt(plan.width * (at + 1))) & mask,
  );
}

function lookUpsOf({ number, value, bits }: Check, upper: readonly Limb[], plan: RangePlan): LookUp[] {
  const { width } = plan;
  const { top, topBits } = limbsOf(plan, bits);
  const high = Linear.sum(upper.map((limb, at) => limb.number.times(2n ** BigInt(width * (at + 1)))));
  const low = value === null ? null : value % 2n ** BigInt(width);
  const lookUps = [{ number: number.minus(high), value: low }, ...upper].map((limb) => ({
    ...limb,
    table: width,
  }));
  const topmost = lookUps.pop();
  assert(topmost !== undefined, "a number has a limb");
  if (top === "table") return [...lookUps, { ...topmost, table: topBits }];
  lookUps.push(topmost);
  if (top === "full") return lookUps;
  // The limb itself is looked up as well, so it is an integer below 2^width and its multiple is not reduced.
  const factor = 2n ** BigInt(width - topBits);
  const scaled = { number: topmost.number.times(factor), value: topmost.value, table: width };
  return [...lookUps, { ...scaled, value: scaled.value === null ? null : scaled.value * factor }];
}
