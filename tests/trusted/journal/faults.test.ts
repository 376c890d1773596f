// What the journal does when sectors fail, and how much it holds and reads when all is well.
import { describe, expect, it } from "vitest";
import { NorFlash } from "../../../host-sim/flash.js";
import { SeededRandom } from "../../../host-sim/seeded.js";
import { Specimen } from "../../../host-sim/torture/specimen.js";
import { Journal, MessageKind, RecordType } from "../../../src/trusted/journal/journal.js";
import { Log } from "../../../src/trusted/journal/log.js";
import { Mark, sequenceOf } from "../../../src/trusted/journal/sector-ring.js";
import { StateRing } from "../../../src/trusted/journal/state-ring.js";
import { type Flash, SECTOR_BYTES } from "../../../src/trusted/ports.js";

const flashOf = (sectors: number, mode: "plain" | "encrypted" = "plain") =>
  new NorFlash({ sectors, mode, random: new SeededRandom(1) });

/** Flash whose cells stopped taking programs at the addresses that `fails` names, once `broken` is set. */
class WornFlash implements Flash {
  readonly sectors: number;
  broken = false;

  constructor(
    private readonly inner: NorFlash,
    private readonly fails: (address: number) => boolean,
  ) {
    this.sectors = inner.sectors;
  }

  read(address: number, into: Uint8Array): void {
    this.inner.read(address, into);
  }

  program(address: number, bytes: Uint8Array): void {
    if (!this.broken || !this.fails(address)) this.inner.program(address, bytes);
  }

  erase(sector: number): void {
    this.inner.erase(sector);
  }
}

const headersOnly = (address: number) => address % SECTOR_BYTES !== 0;
const everything = () => true;
const record = { type: RecordType.EVENT, number: 0, body: new Uint8Array(40) };

function wornLog(fails: (address: number) => boolean) {
  const flash = new WornFlash(flashOf(12), fails);
  const log = new Log(flash, 0, 12);
  log.format();
  log.append(record);
  flash.broken = true;
  return { flash, log };
}

describe("a log with worn sectors", () => {
  it("writes the record again in the next sector, names the worn one, and keeps what was there", () => {
    const { log } = wornLog((address) => address < SECTOR_BYTES);
    const place = log.append(record);
    expect(sequenceOf(place)).toBe(13);
    expect(log.badSectors).toEqual([0]);
    const first = log.find(log.start);
    expect(first && sequenceOf(first.place)).toBe(12);
    expect(first && log.find(first.next)?.place).toEqual(place);
  });

  it("passes by a sector that takes no header", () => {
    const { log } = wornLog((address) => address < 2 * SECTOR_BYTES);
    expect(sequenceOf(log.append(record))).toBe(14);
    expect(log.badSectors).toEqual([0, 1]);
  });

  it("gives up when no sector can be begun, or none can be written", () => {
    expect(() => wornLog(everything).log.append(record)).toThrow("no sector can be begun");
    expect(() => wornLog(headersOnly).log.append(record)).toThrow("no sector can be written");
  });

  it("gives up at a restart when its last sector cannot be copied anywhere", () => {
    const { flash } = wornLog(headersOnly);
    expect(() => new Log(flash, 0, 12).recover(0)).toThrow("no sector can be begun");
  });

  it("names its bad sectors by the flash's numbers, after those of the state", () => {
    const inner = flashOf(16);
    const specimen = new Specimen(inner).provision();
    inner.stuckSector(1);
    inner.stuckSector(14);
    for (let count = 0; count < 60; count++) specimen.raise(300);
    for (let count = 0; count < 60; count++) specimen.writeState();
    expect(specimen.journal.badSectors).toEqual([1, 14]);
  });
});

describe("a log that came round", () => {
  it("seeks what it has overwritten at its oldest sector", () => {
    const log = new Log(flashOf(4), 0, 4);
    log.format();
    for (let event = 0; event < 600; event++) {
      log.append({ ...record, number: event });
      log.raiseMark(Mark.EVENT, event);
    }
    expect(log.oldestMarks()[Mark.EVENT]).toBeGreaterThan(0);
    expect(log.seek([Mark.EVENT, 0])).toEqual(log.start);
    expect(log.seek([Mark.EVENT, 600])).toEqual(log.tailStart);
  });
});

describe("a state ring with worn sectors", () => {
  const wornRing = (fails: (address: number) => boolean) => {
    const flash = new WornFlash(flashOf(12), fails);
    const ring = new StateRing(flash, 0, 12);
    ring.write(Uint8Array.of(1));
    flash.broken = true;
    return { flash, ring };
  };

  it("writes the state in another sector and names the worn one", () => {
    const { flash, ring } = wornRing((address) => address < 2 * SECTOR_BYTES);
    ring.write(Uint8Array.of(2));
    expect(ring.badSectors.length).toBeGreaterThan(0);
    expect(new StateRing(flash, 0, 12).recover()?.[0]).toBe(2);
  });

  it("gives up when no sector can be begun, or none can be written", () => {
    expect(() => wornRing(everything).ring.write(Uint8Array.of(2))).toThrow("can be begun");
    expect(() => wornRing(headersOnly).ring.write(Uint8Array.of(2))).toThrow("can be written");
  });
});

const configured = (bytes: Uint8Array) => ({ kind: MessageKind.CONFIGURATION, number: 0, bytes });

const CHANNELS = 8;
const DAYS = 396;
const INTERVALS_A_DAY = 96;
const FIRST = 2_000_000;

function fullJournal(): { flash: NorFlash; journal: Journal } {
  const flash = flashOf(576);
  const journal = new Journal(flash);
  journal.format(CHANNELS);
  journal.appendHappening(RecordType.EVENT, 0, [configured(new Uint8Array(300))]);
  const padded = new Uint8Array(4 * CHANNELS);
  for (let day = 0; day < DAYS; day++) {
    for (let at = 0; at < INTERVALS_A_DAY; at++) {
      const interval = FIRST + day * INTERVALS_A_DAY + at;
      Object.assign(journal.state, { openInterval: interval + 1, closedInterval: interval });
      journal.appendInterval({ interval, status: 0, epoch: 0, padded });
    }
    journal.state.sealedTo = FIRST + (day + 1) * INTERVALS_A_DAY;
    journal.appendHappening(RecordType.BATCH, day, [{ kind: 3, number: day, bytes: new Uint8Array(300) }]);
    for (let event = 0; event < 3; event++) {
      const number = 3 * day + event;
      journal.appendHappening(RecordType.EVENT, number, [{ kind: 4, number, bytes: new Uint8Array(60) }]);
    }
    journal.writeState();
  }
  return { flash, journal };
}

describe("a journal of 396 days at 900 s with 8 channels", () => {
  const { flash, journal } = fullJournal();

  it("still holds its first interval, and every one after it", () => {
    const { log } = journal;
    const first = log.find(log.seek([Mark.INTERVAL, FIRST]));
    expect(first?.place).toBe(log.find(log.start)?.place);
    let next = FIRST;
    for (let found = log.find(log.start); found; found = log.find(found.next)) {
      if (found.type === RecordType.INTERVAL) expect(found.number === next++).toBe(true);
    }
    expect(next).toBe(FIRST + DAYS * INTERVALS_A_DAY);
    expect(flash.eraseCounts.slice(0, 544).every((count) => count <= 2)).toBe(true);
  });

  it("is recovered from all headers, the newest state and two log sectors", () => {
    flash.resetStatistics();
    const restarted = new Journal(flash);
    expect(restarted.recover()).toBe(true);
    expect(restarted.state.nextBatch).toBe(DAYS);
    expect(restarted.log.marks).toEqual([FIRST + DAYS * INTERVALS_A_DAY, DAYS, 3 * DAYS]);
    // 544 headers of 32 bytes, once, and 32; each record of two sectors is read in two pieces.
    expect(flash.reads.bytes).toBeLessThan(544 * 32 + 32 * 16 + 8 * SECTOR_BYTES);
  });

  it("is not recovered without its log, and can be formatted then", () => {
    for (let sector = 0; sector < 544; sector++) flash.erase(sector);
    const lost = new Journal(flash);
    expect(lost.recover()).toBe(false);
    lost.format(2);
    expect(new Journal(flash).recover()).toBe(false);
    lost.appendHappening(RecordType.EVENT, 0, [configured(Uint8Array.of(7))]);
    lost.writeState();
    const restarted = new Journal(flash);
    expect(restarted.recover()).toBe(true);
    expect([...restarted.configuration()]).toEqual([7]);
    expect(restarted.state.channels.length).toBe(2);
  });
});
