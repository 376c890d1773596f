// Power cuts at every byte that a life writes. The life is lived once; before each of its writes the flash is
// cut within that write as often as there are points, and each time a twin of the journal recovers, is
// compared, goes on a little and restarts once more. Then the flash takes all that back, and the life goes on.
import { type Flash, SECTOR_BYTES } from "../../src/trusted/ports.js";
import { NorFlash } from "../flash.js";
import { SeededRandom } from "../seeded.js";
import { type Scope, Specimen } from "./specimen.js";
import { type FlashMode, type Outcome, type TrialOptions, Trials } from "./trials.js";

/** Where an erase is cut: what is left of it is drawn anew each time. */
const ERASE_POINTS = [0, 1, 700, 1500, 2048, 2700, 4000, 4095];

/** A write that is about to happen, and its length as `cutAfter` counts. */
export interface Write {
  readonly length: number;
  readonly perform: () => void;
}

/** Points of a write at which the power may fail: every byte of a program, some of an erase. */
const pointsOf = ({ length }: Write): readonly number[] =>
  length === SECTOR_BYTES ? ERASE_POINTS : Array.from({ length }, (_, at) => at);

export interface Watch {
  readonly before?: (write: Write) => void;
  readonly programmed?: (address: number, length: number) => void;
}

/** A flash that tells of each write before it, or after it. */
export class WatchedFlash implements Flash {
  readonly sectors: number;

  constructor(
    private readonly inner: NorFlash,
    private readonly watch: Watch,
  ) {
    this.sectors = inner.sectors;
  }

  read(address: number, into: Uint8Array): void {
    this.inner.read(address, into);
  }

  program(address: number, bytes: Uint8Array): void {
    const perform = () => this.inner.program(address, bytes);
    this.watch.before?.({ length: bytes.length, perform });
    perform();
    this.watch.programmed?.(address, bytes.length);
  }

  erase(sector: number): void {
    const perform = () => this.inner.erase(sector);
    this.watch.before?.({ length: SECTOR_BYTES, perform });
    perform();
  }
}

/** Things that a journal writes, whatever has happened before: `number` says which and how long. */
export function act(specimen: Specimen, number: number, scope: Scope = "all"): void {
  const length = (number * 37) % 300;
  const acts = [
    () => specimen.closeInterval(),
    () => specimen.raise(length % 90, 1 + (number % 3)),
    () => specimen.sealBatch(260 + (length % 120)),
    () => specimen.closeInterval(),
    () => specimen.command(60 + Math.floor(length / 2)),
    () => specimen.configure(150 + length),
    () => specimen.closeInterval(),
    () => specimen.writeState(),
    () => specimen.pair(),
    () => specimen.sealBatch(300 + length),
    () => specimen.raise(length, 2),
    () => specimen.restart(scope),
    () => {
      specimen.configure(180 + length);
      specimen.restart(scope);
    },
  ];
  acts[number % acts.length]?.();
}

/** After the cut: recovery and comparison, some more work, and a second restart that must agree. */
function recoverFrom(specimen: Specimen, random: SeededRandom, scope: Scope = "all"): void {
  specimen.restart(scope);
  specimen.appendPending();
  if (random.below(8) !== 0) act(specimen, random.below(1000), scope);
  specimen.restart(scope);
}

/** What is done at each point of each write of a life. */
type AtPoint = (specimen: Specimen, at: number, write: Write) => void;

/** The small geometry: 12 sectors of log and 4 of state. */
export const SMALL_SECTORS = 16;
export const SMALL_LOG_SECTORS = 12;
const SMALL_STEPS = 66;

/** A life with every kind of record, in which both rings come round. */
function smallLife(mode: FlashMode, seed: number, trials: Trials, atPoint: AtPoint): Specimen {
  const flash = new NorFlash({ sectors: SMALL_SECTORS, mode, random: new SeededRandom(seed, "small life") });
  const specimen = new Specimen(flash, { tally: trials.tally }).provision();
  live(specimen, SMALL_STEPS, "all", atPoint);
  return specimen;
}

function live(specimen: Specimen, steps: number, scope: Scope, atPoint: AtPoint): void {
  const before = (write: Write) => {
    for (const at of pointsOf(write)) atPoint(specimen, at, write);
  };
  specimen.port = new WatchedFlash(specimen.flash, { before });
  specimen.restart(scope);
  for (let step = 0; step < steps; step++) {
    act(specimen, step, scope);
    specimen.check(scope);
  }
}

/** How often something happens in a life. */
function count(live: (happens: () => void) => void): number {
  let times = 0;
  live(() => times++);
  return times;
}

const NO_TRIALS: TrialOptions = { seed: 0, most: 0, only: null, progress: () => {} };
const smallPoints = (mode: FlashMode, seed: number) =>
  count((happens) => smallLife(mode, seed, new Trials(NO_TRIALS, 1), happens));

/** A cut at every byte of every program and at points of every erase, in the small geometry. */
export function cutEverywhere(mode: FlashMode, options: TrialOptions): Outcome {
  const trials = new Trials(options, smallPoints(mode, options.seed));
  const { flash } = smallLife(mode, options.seed, trials, (specimen, at, { perform }) =>
    trials.next((random) => {
      const twin = specimen.fork();
      trials.cut(twin.flash, at, perform, random, () => recoverFrom(twin, random));
    }),
  );
  return trials.outcome(flash);
}

/** After a second cut the whole log is compared every so often, else so many records at its end. */
const WHOLE_EVERY = 8;
const LATEST_RECORDS = 16;

/** Sampled first cuts, and for each a second one at every point of the recovery from it. */
export function cutRecoveries(mode: FlashMode, options: TrialOptions): Outcome {
  const trials = new Trials(options, smallPoints(mode, options.seed));
  const { flash } = smallLife(mode, options.seed, trials, (specimen, at, { perform }) =>
    trials.next((random) => {
      const twin = specimen.fork();
      const before = (write: Write) => {
        for (const again of pointsOf(write)) {
          const third = twin.fork();
          const scope = trials.cuts % WHOLE_EVERY === 0 ? "all" : { last: LATEST_RECORDS, random };
          trials.cut(twin.flash, again, write.perform, random, () => third.restart(scope));
        }
      };
      twin.port = new WatchedFlash(twin.flash, { before });
      trials.cut(twin.flash, at, perform, random, () => twin.restart());
    }),
  );
  return trials.outcome(flash);
}

/** The journal's partition of a device. */
export const FULL_SECTORS = 576;
const FULL_STEPS = 130;
/** Records at the log's end that are compared after each cut of the full geometry. */
export const LAST_RECORDS = 40;

/** A log that has come round, then a life. */
function fullLife(mode: FlashMode, seed: number, trials: Trials, atPoint: AtPoint): Specimen {
  const random = new SeededRandom(seed, "full life");
  const flash = new NorFlash({ sectors: FULL_SECTORS, mode, random });
  const specimen = new Specimen(flash, { tally: trials.tally }).provision();
  for (let day = 0; (flash.eraseCounts[40] ?? 0) < 3; day++) {
    specimen.closeInterval();
    for (let batch = 0; batch < 10; batch++) specimen.sealBatch(600 + (day % 300));
  }
  specimen.restart();
  live(specimen, FULL_STEPS, { last: LAST_RECORDS, random }, atPoint);
  specimen.restart();
  return specimen;
}

/** Sampled cuts in the full geometry. */
export function cutFullSize(mode: FlashMode, options: TrialOptions): Outcome {
  const points = count((happens) => fullLife(mode, options.seed, new Trials(NO_TRIALS, 1), happens));
  const trials = new Trials(options, points);
  const { flash } = fullLife(mode, options.seed, trials, (specimen, at, { perform }) =>
    trials.next((random) => {
      const twin = specimen.fork();
      const scope = { last: LAST_RECORDS, random };
      trials.cut(twin.flash, at, perform, random, () => recoverFrom(twin, random, scope));
    }),
  );
  return trials.outcome(flash);
}
