import { describe, expect, it } from "vitest";
import type { NorFlash } from "../../../host-sim/flash.js";
import { contentOf } from "../../../host-sim/torture/specimen.js";
import { RecordType } from "../../../src/trusted/journal/journal.js";
import { Log } from "../../../src/trusted/journal/log.js";
import { recordBytes } from "../../../src/trusted/journal/record.js";
import { Mark, type Place, placeOf, sequenceOf } from "../../../src/trusted/journal/sector-ring.js";
import { SECTOR_BYTES } from "../../../src/trusted/ports.js";
import { flashOf, hex, MODES, recordsOf } from "./model.js";

const SECTORS = 12;
const HEADER_BYTES = 32;
const LARGE_BYTES = 560;
const LARGE_RECORD_BYTES = recordBytes(LARGE_BYTES);
/** So many of these fill a sector. */
const A_SECTOR = 7;
/** Bodies of 16-block records: a sector holds exactly 254 of its blocks in them and one of 14. */
const EXACT_BYTES = 16 * 16 - 11;

/** A log and the events in it, numbered from 0. */
class Events {
  readonly flash: NorFlash;
  log: Log;
  next = 0;
  /** What the state would name. */
  completed = 0;

  constructor(mode: (typeof MODES)[number] = "plain", seed = 1) {
    this.flash = flashOf({ mode, sectors: SECTORS }, seed);
    this.log = new Log(this.flash, 0, SECTORS);
    this.log.format();
  }

  append(length = LARGE_BYTES): Place {
    const body = contentOf(length, this.next);
    const place = this.log.append({ type: RecordType.EVENT, number: this.next, body });
    this.log.raiseMark(Mark.EVENT, this.next++);
    return place;
  }

  restart(): void {
    this.flash.powerUp();
    this.log = new Log(this.flash, 0, SECTORS);
    expect(this.log.recover(this.completed)).toBe(true);
    this.log.raiseMark(Mark.EVENT, this.next - 1);
    this.completed = this.log.tail;
  }

  /** The numbers of the events in the log, in its order; -1 for one that says what was never stored. */
  get found(): number[] {
    return recordsOf(this.log)
      .filter(({ type }) => type === RecordType.EVENT)
      .map(({ number, body }) => (hex(body) === hex(contentOf(body.length, number)) ? number : -1));
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

describe.each(MODES)("the log on %s flash", (mode) => {
  it("holds the latest records, in order, however often the ring wraps", () => {
    const events = new Events(mode);
    for (let round = 0; round < 3 * A_SECTOR * SECTORS; round++) {
      events.append();
      const { found } = events;
      expect(found).toEqual(range(events.next - found.length, events.next));
      expect(found.length).toBeGreaterThanOrEqual(Math.min(events.next, A_SECTOR * (SECTORS - 1)));
    }
  });

  it("is not found in flash that never held one", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    expect(new Log(flash, 0, SECTORS).recover(0)).toBe(false);
  });

  it("alternates between two sectors at restarts, an erase each, and loses no history by them", () => {
    const events = new Events(mode);
    for (let count = 0; count < A_SECTOR * SECTORS + 3; count++) events.append();
    const before = events.found;
    events.flash.eraseCounts.fill(0);
    for (let restart = 0; restart < 50; restart++) {
      events.restart();
      expect(events.found).toEqual(before.slice(-events.found.length));
      expect(events.found.length).toBeGreaterThanOrEqual(before.length - A_SECTOR);
    }
    expect([...events.flash.eraseCounts].filter((count) => count > 0)).toEqual([25, 25]);
  });

  it("drops nothing by any number of restarts, whatever the bytes of its last sector", () => {
    for (const lengths of [[LARGE_BYTES], [5], [EXACT_BYTES, 3 * 16 - 11]]) {
      const events = new Events(mode);
      for (let count = 0; count < 400; count++) events.append(lengths[count % lengths.length]);
      events.restart();
      events.restart();
      const before = events.found;
      for (let restart = 0; restart < 30; restart++) {
        events.restart();
        expect(events.found).toEqual(before);
      }
    }
  });

  it("goes on after restarts with every record once", () => {
    const events = new Events(mode);
    for (let count = 0; count < 200; count++) {
      events.append();
      if (count % 3 === 0) events.restart();
      const { found } = events;
      expect(found).toEqual(range(events.next - found.length, events.next));
      expect(found.length).toBeGreaterThanOrEqual(Math.min(events.next, A_SECTOR * 3));
    }
  });

  it("says what is in the way of the writer some sectors before it is erased, and of nothing that it writes", () => {
    const events = new Events(mode);
    let place = events.log.append({ type: RecordType.KEPT, number: 0, body: contentOf(300, 1) });
    for (let count = 0; count < 40 * SECTORS; count++) {
      events.append();
      expect(events.log.find(place)?.place).toEqual(place);
      expect(events.log.isInTheWay(placeOf(events.log.tail, HEADER_BYTES))).toBe(false);
      if (!events.log.isInTheWay(place)) continue;
      place = events.log.append({ type: RecordType.KEPT, number: 0, body: contentOf(300, 1) });
    }
    expect(sequenceOf(place)).toBeGreaterThan(2 * SECTORS);
  });

  it("shows nothing of a copy that was not completed, whatever a cut erase leaves of it", () => {
    for (let seed = 0; seed < 40; seed++) {
      const events = new Events(mode, seed);
      for (let count = 0; count < 5; count++) events.append();
      for (const cut of [
        SECTOR_BYTES + HEADER_BYTES + 5 * LARGE_RECORD_BYTES - 1 - (seed % 16),
        (seed * 97) % SECTOR_BYTES,
      ]) {
        events.flash.cutAfter(cut);
        expect(() => new Log(events.flash, 0, SECTORS).recover(0)).toThrow();
        events.flash.powerUp();
      }
      events.restart();
      expect(events.found).toEqual(range(0, 5));
    }
  });
});

describe.each(MODES)("a sector of %s flash that is full to its last byte", (mode) => {
  /** 253 blocks in all: 15 records of 16 blocks and one of 14 are 254, which is a sector without its header. */
  function fill(events: Events): void {
    for (let count = 0; count < 15; count++) events.append(EXACT_BYTES);
    events.append(14 * 16 - 11);
  }

  it("is left for the sector after it, whatever that one's number", () => {
    const events = new Events(mode);
    events.append();
    events.restart();
    events.restart();
    // Now the tail's number is one ring further: its neighbours' are not next to it.
    const { tail } = events.log;
    fill(events);
    for (let count = 0; count < 3 * SECTORS; count++) {
      events.append(count % 2 === 0 ? EXACT_BYTES : 14 * 16 - 11);
      expect(events.found).toEqual(range(0, events.next));
    }
    expect(events.log.tail).toBeGreaterThan(tail);
  });

  it("is copied on once, and nothing is programmed beyond the copy", () => {
    const events = new Events(mode);
    fill(events);
    for (let restart = 0; restart < 4; restart++) {
      events.restart();
      expect(events.found).toEqual(range(0, 16));
    }
    events.append();
    expect(events.found).toEqual(range(0, 17));
    events.restart();
    expect(events.found).toEqual(range(0, 17));
  });
});

describe("looking for records", () => {
  it("begins at the youngest sector before which a number cannot lie", () => {
    const events = new Events();
    const places = range(0, 40).map(() => events.append());
    for (const [number, place] of places.entries()) {
      const start = sequenceOf(events.log.seek([Mark.EVENT, number]));
      expect(start).toBe(sequenceOf(place));
    }
    expect(sequenceOf(events.log.seek([Mark.INTERVAL, 0]))).toBe(events.log.tail);
    expect(events.log.seek([Mark.INTERVAL, 0])).toBe(events.log.tailStart);
  });

  it("begins at the oldest sector for what was overwritten", () => {
    const events = new Events();
    for (let count = 0; count < 20 * SECTORS; count++) events.append();
    const oldest = events.log.oldestMarks()[Mark.EVENT];
    expect(oldest).toBeGreaterThan(0);
    expect(events.found[0]).toBe(oldest);
    expect(events.log.seek([Mark.EVENT, oldest - 1])).toBe(events.log.start);
    expect(events.log.seek([Mark.EVENT, oldest])).toBe(events.log.start);
  });

  it("goes on from a place whose sector was overwritten with the oldest that is left", () => {
    const events = new Events();
    const first = events.append();
    for (let count = 0; count < 10 * SECTORS; count++) {
      events.append();
      const inOrder = events.log.find(first)?.place ?? 0;
      expect(inOrder).toBe(events.log.find(events.log.start)?.place);
    }
    expect(sequenceOf(events.log.start)).toBeGreaterThan(sequenceOf(first));
  });

  it("ends with the last record, also from beyond it", () => {
    const events = new Events();
    const last = events.append();
    expect(events.log.find(last)?.place).toBe(last);
    expect(events.log.find(events.log.find(last)?.next ?? 0)).toBeNull();
    expect(events.log.find(last + 8 * SECTOR_BYTES)).toBeNull();
  });

  it("passes by a rotten record to the next one, and by a rotten header to the sector before it", () => {
    const events = new Events();
    events.append();
    events.append();
    for (const at of [3, 16, 100]) {
      events.flash.rotBit(HEADER_BYTES + at, 2);
      expect(events.found).toEqual([1]);
      events.flash.rotBit(HEADER_BYTES + at, 2);
    }
    expect(events.found).toEqual([0, 1]);
    for (let count = 0; count < 3 * A_SECTOR; count++) events.append();
    const number = 2 * A_SECTOR;
    const sought = events.log.seek([Mark.EVENT, number]);
    const sector = sequenceOf(sought) % SECTORS;
    events.flash.rotBit(sector * SECTOR_BYTES + 5, 1);
    expect(sequenceOf(events.log.seek([Mark.EVENT, number]))).toBe(sequenceOf(sought) - 1);
  });
});

describe("a log whose oldest sector was cut in its erase", () => {
  it("calls nothing overwritten while the header comes and goes", () => {
    const events = new Events();
    for (let count = 0; count < A_SECTOR * (SECTORS + 1); count++) events.append();
    const oldest = events.log.oldestMarks()[Mark.EVENT];
    const header = SECTOR_BYTES * (sequenceOf(events.log.start) % SECTORS);
    const read = events.flash.read.bind(events.flash);
    let looks = 0;
    events.flash.read = (address, into) => {
      read(address, into);
      if (address === header) into[4] = (into[4] ?? 0) ^ (looks++ & 1);
    };
    const seen = range(0, 4).map(() => events.log.oldestMarks()[Mark.EVENT]);
    expect(seen).toEqual([oldest, 0, oldest, 0]);
  });
});

describe("a header", () => {
  it("counts at the position only that its number gives", () => {
    const events = new Events();
    for (let count = 0; count < 5 * A_SECTOR; count++) events.append();
    const { found } = events;
    const moved = flashOf({ sectors: SECTORS + 1, content: shifted(events.flash) });
    const where = (first: number, sectors: number) => new Log(moved, first, sectors).recover(0);
    expect(where(0, SECTORS)).toBe(false);
    expect(where(1, SECTORS - 1)).toBe(false);
    const log = new Log(moved, 1, SECTORS);
    expect(log.recover(0)).toBe(true);
    expect(recordsOf(log).map(({ number }) => number)).toEqual(found);
  });

  /** The same sectors behind an erased one. */
  const shifted = (flash: NorFlash) =>
    Uint8Array.of(...new Uint8Array(SECTOR_BYTES).fill(0xff), ...flash.image());
});

describe("a log with sectors that cannot be written", () => {
  it("goes on elsewhere, names them, and does not bring back what they held", () => {
    for (const mode of MODES) {
      const events = new Events(mode);
      for (let count = 0; count < 30; count++) events.append();
      const stuck = [2, 3, 7];
      for (const sector of stuck) events.flash.stuckSector(sector);
      const named = new Set<number>();
      for (let count = 0; count < 300; count++) {
        events.append();
        for (const sector of events.log.badSectors) named.add(sector);
        if (count % 41 === 0) events.restart();
        const { found } = events;
        const last = found.slice(-A_SECTOR * 4);
        expect(last).toEqual(range(events.next - last.length, events.next));
        expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
      }
      expect([...named].sort((a, b) => a - b)).toEqual(stuck);
    }
  });

  it("does not repeat the records of a copy that a bad cell stopped, once the ring has come round", () => {
    const events = new Events("plain");
    for (let count = 0; count < 5; count++) events.append();
    const program = events.flash.program.bind(events.flash);
    events.flash.program = (address, bytes) => {
      program(address, bytes);
      if (address === SECTOR_BYTES + HEADER_BYTES + 3 * LARGE_RECORD_BYTES) events.flash.rotBit(address, 7);
    };
    events.restart();
    expect(events.log.badSectors).toEqual([1]);
    for (let count = 0; count < 300; count++) {
      if (count % 5 === 0) events.restart();
      const { found } = events;
      expect(found).toEqual(range(events.next - found.length, events.next));
      events.append();
    }
  });
});
