// The board's front end: every pulse and every step of the chip is given once, whenever it is read and across the
// counters' ends.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoardFrontEnd } from "../../firmware/front-end.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import type { Cycle } from "../../src/trusted/ports.js";

const PULSES = 2 ** 32;
const CHIP = 2 ** 48;

/** A counter that runs round. */
class ScriptedCounter {
  readonly #modulus: number;
  count: number;

  constructor(modulus: number, count: number) {
    this.#modulus = modulus;
    this.count = count;
  }

  add(steps: number): void {
    this.count = (this.count + steps + this.#modulus) % this.#modulus;
  }

  read(): number {
    return this.count;
  }
}

describe("the board's front end", () => {
  let now_ms = 0;

  it("gives what the chip and the pulses counted since it was last read, across the counters' ends", () => {
    const steps = fc.tuple(
      fc.integer({ min: -1e6, max: 1e6 }),
      fc.integer({ min: -1e6, max: 1e6 }),
      fc.nat(30_000),
    );
    const starts = fc.tuple(fc.maxSafeNat(), fc.nat(PULSES - 1));
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 60 }), starts, (turns, [first, pulses]) => {
        const chip = [new ScriptedCounter(CHIP, first % CHIP), new ScriptedCounter(CHIP, 0)] as const;
        const input = new ScriptedCounter(PULSES, pulses);
        const reading = () => ({ counters: chip.map(({ count }) => count), status: 0 });
        const frontEnd = new BoardFrontEnd(() => (now_ms += 1000), [input], { read: reading });
        for (const [a, b, more] of turns) {
          chip[0].add(a);
          chip[1].add(b);
          input.add(more);
          expect(frontEnd.read()).toEqual({ counts: [a, b, more], status: 0 });
        }
      }),
    );
  });

  it("counts from its own beginning, and without a chip gives pulses alone", () => {
    expect(new BoardFrontEnd(() => 0, [new ScriptedCounter(PULSES, 12_345)]).read()).toEqual({
      counts: [0],
      status: 0,
    });
  });

  it("asks the chip once a second, however often it is read itself, and loses nothing", () => {
    let [asked, counter, now_ms] = [0, 0, 0];
    const read = () => {
      asked++;
      return { counters: [counter], status: 0 };
    };
    const frontEnd = new BoardFrontEnd(() => now_ms, [], { read });
    let given = 0;
    for (let turn = 0; turn < 500; turn++) {
      now_ms += 20;
      counter += 7;
      given += frontEnd.read().counts[0] ?? 0;
    }
    expect(given).toBe(counter);
    expect(asked).toBe(1 + 10);
  });

  it("passes on the chip's flags, and the cycles of a converter", () => {
    const cycle: Cycle = { samples: 80, lost: 0, sums: [1, 2, 3, 4, 5, 6] };
    const chip = { read: () => ({ counters: [], status: 0xff }) };
    const frontEnd = new BoardFrontEnd(() => (now_ms += 1000), [], chip, { read: () => [cycle] });
    expect(frontEnd.read()).toEqual({
      counts: [],
      status: Status.INCOMPLETE | Status.FAULT,
      cycles: [cycle],
    });
  });
});
