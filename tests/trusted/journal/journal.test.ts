import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NorFlash } from "../../../host-sim/flash.js";
import { Journal } from "../../../src/trusted/journal/journal.js";
import { SECTOR_BYTES } from "../../../src/trusted/ports.js";
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

/** More by JOURNAL_RUNS=1000, for a night. */
const runs = Number(process.env.JOURNAL_RUNS ?? 15);

/** A flash that counts the work which `cutAfter` counts: bytes programmed, 4,096 an erase. */
function metered(flash: NorFlash): { readonly spans: readonly { from: number; length: number }[] } {
  const spans: { from: number; length: number }[] = [];
  let from = 0;
  const count = (length: number) => {
    spans.push({ from, length });
    from += length;
  };
  const program = flash.program.bind(flash);
  const erase = flash.erase.bind(flash);
  flash.program = (address, bytes) => {
    count(bytes.length);
    program(address, bytes);
  };
  flash.erase = (sector) => {
    count(SECTOR_BYTES);
    erase(sector);
  };
  return { spans };
}

/** Every byte of each program and some points of each erase of `work`, done once to a journal like `begun()`. */
function cutsOf(begun: () => JournalUnderTest, work: (world: JournalUnderTest) => void): number[] {
  const world = begun();
  const { spans } = metered(world.flash);
  work(world);
  const within = (length: number) =>
    length === SECTOR_BYTES ? [0, 1, 700, 2048, 4000, 4095] : Array.from({ length }, (_, at) => at);
  return spans.flatMap(({ from, length }) => within(length).map((at) => from + at));
}

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
      { numRuns: runs, endOnFailure: true },
    );
  });

  const scenarios: Readonly<Record<string, (world: JournalUnderTest) => void>> = {
    "an interval, an event and a restart": (world) => {
      world.closeInterval();
      world.raise(10);
      world.boot();
    },
    "a batch, a pairing and a new configuration": (world) => {
      world.sealBatch(100);
      world.pair();
      world.configure(30);
    },
    "a restart after a torn record": (world) => {
      world.boot();
      world.appendPending();
    },
  };
  for (const [what, work] of Object.entries(scenarios)) {
    it(`loses nothing in ${what}, cut at any byte of any program`, () => {
      const begun = (flash: NorFlash) => {
        const world = new JournalUnderTest(flash, 2, 20);
        if (what.startsWith("a restart")) world.cutting(7, () => world.raise(10));
        flash.powerUp();
        return world;
      };
      const flash = flashOf({ mode, sectors: 8 });
      const blank = flash.snapshot();
      const cuts = cutsOf(() => begun(flashOf({ mode, sectors: 8 })), work);
      expect(cuts.length).toBeGreaterThan(600);
      for (const cut of cuts) {
        flash.restore(blank);
        const world = begun(flash);
        world.cutting(cut, () => work(world));
        world.restart();
        world.appendPending();
        world.raise(10);
        world.restart();
      }
    });
  }

  it("loses nothing by restarts that fail one after the other, most of them near the end of what they write", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(
          fc.record({
            length: fc.nat(60),
            torn: fc.option(fc.nat(100)),
            cuts: fc.array(fc.tuple(fc.nat(4), fc.nat(4095)), { minLength: 1, maxLength: 6, size: "max" }),
          }),
          { minLength: 1, maxLength: 6, size: "max" },
        ),
        (flashSeed, rounds) => {
          const world = new JournalUnderTest(flashOf({ mode, sectors: 8 }, flashSeed));
          for (const { length, torn, cuts: failures } of rounds) {
            if (torn === null) world.raise(length);
            else world.cutting(torn, () => world.raise(length));
            world.flash.powerUp();
            const before = world.flash.snapshot();
            const { programmedBytes } = world.flash;
            new Journal(world.flash).recover();
            // Of a restart: the state's erase, header and record; the log's erase, header and records; the state.
            const total = 2 * SECTOR_BYTES + world.flash.programmedBytes - programmedBytes;
            world.flash.restore(before);
            const at = [
              (n: number) => n,
              (n: number) => SECTOR_BYTES + (n % 256),
              (n: number) => SECTOR_BYTES + 256 + n,
              (n: number) => total - 240 - (n % 300),
              (n: number) => total - 1 - (n % 240),
            ];
            world.restart(failures.map(([kind, n]) => at[kind]?.(n) ?? n));
          }
        },
      ),
      { numRuns: 4 * runs, endOnFailure: true },
    );
  });

  it("goes on beside sectors that cannot be written and blocks that do not take what they are given", () => {
    const faults = fc.record({
      after: fc.nat(60),
      sector: fc.nat(11),
      block: fc.option(fc.integer({ min: 1, max: 255 })),
    });
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(acts, { minLength: 60, maxLength: 120, size: "max" }),
        fc.array(faults, { minLength: 1, maxLength: 3 }),
        (flashSeed, given, worn) => {
          const world = new JournalUnderTest(flashOf({ mode }, flashSeed));
          const spoilt = new Set<number>();
          const program = world.flash.program.bind(world.flash);
          world.flash.program = (address, bytes) => {
            program(address, bytes);
            for (let at = address; at < address + bytes.length; at += 16) {
              if (spoilt.has(at)) world.flash.rotBit(at, 3);
            }
          };
          world.sectorsLost = 2 * worn.length;
          for (const [at, { step, cut, again }] of given.entries()) {
            for (const { sector, block } of worn.filter(({ after }) => after === at)) {
              if (block === null) world.flash.stuckSector(sector);
              else spoilt.add(sector * SECTOR_BYTES + 16 * block);
            }
            world.cutting(cut ?? Number.MAX_SAFE_INTEGER, () => perform(world, step));
            if (cut !== null || step.do === "restart") world.restart(again);
            world.appendPending();
          }
          world.restart();
          const known = worn.map(({ sector }) => sector);
          for (const sector of world.journal.badSectors) expect(known).toContain(sector);
        },
      ),
      { numRuns: runs, endOnFailure: true },
    );
  });
});
