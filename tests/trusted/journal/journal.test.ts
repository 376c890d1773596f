import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flashOf, JournalUnderTest, MODES } from "./model.js";

type Step =
  | { readonly do: "interval" | "state" | "pair" | "restart" }
  | { readonly do: "batch" | "event" | "configuration"; readonly length: number };
interface Act {
  readonly step: Step;
  /** Bytes of work before the power fails, or null. */
  readonly cut: number | null;
  /** The same within each of the recoveries that follow. */
  readonly again: readonly number[];
}

const lengths = fc.oneof(fc.constantFrom(0, 1, 9, 10, 24, 25), fc.nat(590));
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ do: "interval" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("batch" as const, "event" as const), length: lengths }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ do: "state" as const }, { do: "pair" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("configuration" as const), length: fc.nat(400) }) },
  { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
);
const cuts = fc.oneof(
  fc.nat(700),
  fc.nat(9000),
  fc.nat(4200).map((n) => n + 4000),
);
const acts: fc.Arbitrary<Act> = fc.record({
  step: steps,
  cut: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: cuts }),
  again: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(cuts, { minLength: 1, maxLength: 5 }) },
  ),
});

function perform(world: JournalUnderTest, step: Step): void {
  if (step.do === "interval") world.closeInterval();
  if (step.do === "batch") world.sealBatch(step.length);
  if (step.do === "event") world.raise(step.length);
  if (step.do === "state") world.writeState();
  if (step.do === "pair") world.pair();
  if (step.do === "configuration") world.configure(step.length);
}

const runs = Number(process.env.JOURNAL_RUNS ?? 60);
const seed = process.env.JOURNAL_SEED;

describe.each(MODES)("the journal on %s flash", (mode) => {
  it("keeps what it reported stored, whatever is written and wherever the power fails", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(acts, { minLength: 1, maxLength: 250, size: "max" }),
        (flashSeed, given) => {
          const world = new JournalUnderTest(flashOf({ mode }, flashSeed));
          for (const { step, cut, again } of given) {
            if (cut !== null) {
              world.cutting(cut, () => perform(world, step));
              world.restart(again);
              world.appendPending();
            } else if (step.do === "restart") {
              world.restart(again);
              world.appendPending();
            } else {
              perform(world, step);
            }
          }
          world.restart();
          expect(world.recoveries).toBeGreaterThan(0);
        },
      ),
      { numRuns: runs, ...(seed ? { seed: Number(seed) } : {}) },
    );
  });
});
