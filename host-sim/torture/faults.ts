// Cells that rot, sectors that get stuck and blocks that do not take what they are given. A rotten record is
// lost and nothing else is, nothing else is taken for a record, and writing goes on beside what is worn out.

import { assert } from "../../src/trusted/encoding/bytes.js";
import { RecordType } from "../../src/trusted/journal/journal.js";
import { recordBytes } from "../../src/trusted/journal/record.js";
import { type Found, HEADER_BYTES, sequenceOf } from "../../src/trusted/journal/sector-ring.js";
import { BLOCK_BYTES, SECTOR_BYTES } from "../../src/trusted/ports.js";
import { NorFlash } from "../flash.js";
import { SeededRandom } from "../seeded.js";
import { act, SMALL_LOG_SECTORS, SMALL_SECTORS, WatchedFlash } from "./cuts.js";
import { JournalBroken, Specimen } from "./specimen.js";
import { type FlashMode, failPower, type Outcome, type TrialOptions, Trials } from "./trials.js";

const ROT_TRIALS = 2_000;
const ROT_STEPS = 80;
const WORN_TRIALS = 400;
const WORN_STEPS = 90;

/** Flips cells of records, of a sector's header, or of the newest state. */
export function rot(mode: FlashMode, options: TrialOptions): Outcome {
  const trials = new Trials(options, ROT_TRIALS);
  const flash = new NorFlash({
    sectors: SMALL_SECTORS,
    mode,
    random: new SeededRandom(options.seed, "rot"),
  });
  const specimen = new Specimen(flash, { tally: trials.tally }).provision();
  for (let step = 0; step < ROT_STEPS; step++) act(specimen, step);
  specimen.restart();
  const kinds = [rotRecords, rotRecords, rotHeader, rotState];
  for (let trial = 0; trial < ROT_TRIALS; trial++) {
    trials.next((random) => {
      const twin = specimen.fork();
      flash.attempt(random, () => {
        twin.boot();
        kinds[trial % kinds.length]?.(twin, random);
        twin.restart();
        twin.restart();
      });
    });
  }
  return trials.outcome(flash);
}

/** Every record of the log, configurations included. */
function recordsOf({ journal: { log } }: Specimen): Found[] {
  const records: Found[] = [];
  for (let found = log.find(log.start); found; found = log.find(found.next)) records.push(found);
  return records;
}

const sectorOf = ({ place }: Found) => sequenceOf(place) % SMALL_LOG_SECTORS;
/** A place's offset in its sector: a place counts twice the sector's length a sector. */
const offsetOf = ({ place }: Found) => place % SECTOR_BYTES;

function flip(flash: NorFlash, address: number, length: number, random: SeededRandom): void {
  flash.rotBit(address + random.below(length), random.below(8));
}

/** One to three cells, of one record or of several; of the configuration in force there is only one copy. */
function rotRecords(specimen: Specimen, random: SeededRandom): void {
  const inForce = specimen.journal.log.configuration;
  const records = recordsOf(specimen).filter(({ type, place }) => {
    return type !== RecordType.KEPT && place !== inForce;
  });
  for (let flips = 1 + random.below(3); flips > 0; flips--) {
    const found = records[random.below(records.length)];
    const stored = found && specimen.storedAs(found);
    assert(found !== undefined && stored !== undefined, "a record that was found was stored");
    const address = SECTOR_BYTES * sectorOf(found) + offsetOf(found);
    flip(specimen.flash, address, recordBytes(found.body.length), random);
    specimen.rotten.add(stored);
  }
}

/** A header takes its whole sector with it; in the tail, the newest records, whose numbers would then come again. */
function rotHeader(specimen: Specimen, random: SeededRandom): void {
  const { log } = specimen.journal;
  const records = recordsOf(specimen);
  const kept = [log.tail, sequenceOf(log.configuration)];
  const others = records.filter(({ place }) => !kept.includes(sequenceOf(place)));
  const chosen = others[random.below(others.length)];
  assert(chosen !== undefined, "there are other sectors");
  flip(specimen.flash, SECTOR_BYTES * sectorOf(chosen), HEADER_BYTES - 4, random);
  for (const found of records.filter((one) => sectorOf(one) === sectorOf(chosen))) {
    const stored = specimen.storedAs(found);
    if (stored) specimen.rotten.add(stored);
  }
}

/** The state written last: the one before it counts. */
function rotState(specimen: Specimen, random: SeededRandom): void {
  let last = { address: 0, length: 0 };
  const programmed = (address: number, length: number) => {
    last = { address, length };
  };
  specimen.port = new WatchedFlash(specimen.flash, { programmed });
  specimen.boot();
  specimen.writeState();
  for (let writes = random.below(12); writes >= 0; writes--) specimen.writeState();
  flip(specimen.flash, last.address, last.length, random);
  specimen.stateRotted();
}

/** Sectors get stuck and blocks go bad in the middle of a life with power cuts. */
export function wear(mode: FlashMode, options: TrialOptions): Outcome {
  const trials = new Trials(options, WORN_TRIALS);
  for (let trial = 0; trial < WORN_TRIALS; trial++) {
    trials.next((random) => wearOut(new NorFlash({ sectors: SMALL_SECTORS, mode, random }), random, trials));
  }
  return trials.outcome(null);
}

/** When, which sector, and which of its blocks; block 0 stands for all of them. */
interface Fault {
  readonly step: number;
  readonly sector: number;
  readonly block: number;
}

function wearOut(flash: NorFlash, random: SeededRandom, trials: Trials): void {
  const faults = drawFaults(random);
  const spoilt = new Set<number>();
  // A block that does not keep what it is given: a bit of it flips at once.
  const programmed = (address: number, length: number) => {
    for (let at = address; at < address + length; at += BLOCK_BYTES) if (spoilt.has(at)) flash.rotBit(at, 3);
  };
  const port = new WatchedFlash(flash, { programmed });
  const specimen = new Specimen(flash, { port, tally: trials.tally }).provision();
  for (let step = 0; step < WORN_STEPS; step++) {
    for (const { sector, block } of faults.filter((fault) => fault.step === step)) {
      if (block === 0) flash.stuckSector(sector);
      else spoilt.add(sector * SECTOR_BYTES + BLOCK_BYTES * block);
      // What lies in it is passed by, and so are the records that it did not take.
      specimen.spoilt += 2;
    }
    if (random.below(4) === 0) {
      trials.cuts++;
      failPower(flash, random.below(random.below(2) === 0 ? 700 : 9_000), () => act(specimen, step));
      specimen.restart();
      specimen.appendPending();
    } else {
      act(specimen, step);
    }
  }
  specimen.restart();
  const named = specimen.journal.badSectors;
  if (named.some((sector) => !faults.some((fault) => fault.sector === sector))) {
    throw new JournalBroken(`sectors ${named} are called bad`);
  }
}

/** Up to three in the log and one among the four sectors of the state. */
function drawFaults(random: SeededRandom): Fault[] {
  const draw = (from: number, sectors: number): Fault => ({
    step: random.below(WORN_STEPS),
    sector: from + random.below(sectors),
    block: random.below(2) === 0 ? 0 : 1 + random.below(255),
  });
  const inLog = Array.from({ length: 1 + random.below(3) }, () => draw(0, SMALL_LOG_SECTORS));
  return random.below(2) === 0 ? inLog : [...inLog, draw(SMALL_LOG_SECTORS, 4)];
}
