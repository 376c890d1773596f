import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NorFlash, PowerCut } from "../../../host-sim/flash.js";
import { act } from "../../../host-sim/torture/cuts.js";
import { contentOf, Specimen } from "../../../host-sim/torture/specimen.js";
import { PARTS, torture } from "../../../host-sim/torture/torture.js";
import { failPower } from "../../../host-sim/torture/trials.js";
import {
  decodeMessages,
  type HappeningType,
  Journal,
  MessageKind,
  RecordType,
} from "../../../src/trusted/journal/journal.js";
import { HEADER_BYTES, Mark, placeOf, sequenceOf } from "../../../src/trusted/journal/sector-ring.js";
import { type MeterState, newState } from "../../../src/trusted/journal/state.js";
import { SECTOR_BYTES } from "../../../src/trusted/ports.js";
import { flashOf, hex, MODES, recordsOf } from "./model.js";

type Step =
  | { readonly do: "interval" | "state" | "pair" | "restart" }
  | { readonly do: "batch" | "event" | "command" | "configuration"; readonly length: number };
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
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("configuration" as const, "command" as const),
      length: fc.nat(400),
    }),
  },
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

function perform(specimen: Specimen, step: Step): void {
  if (step.do === "interval") specimen.closeInterval();
  if (step.do === "batch") specimen.sealBatch(step.length);
  if (step.do === "event") specimen.raise(step.length);
  if (step.do === "command") specimen.command(step.length);
  if (step.do === "state") specimen.writeState();
  if (step.do === "pair") specimen.pair();
  if (step.do === "configuration") specimen.configure(step.length);
}

/** Power off and on; `cuts` are further cuts during the recoveries. Then everything is compared. */
function restart(specimen: Specimen, cuts: readonly number[] = []): void {
  for (const cut of cuts) {
    specimen.flash.powerUp();
    failPower(specimen.flash, cut, () => specimen.boot());
  }
  specimen.restart();
}

/** More by JOURNAL_RUNS=1000, for a night. */
const runs = Number(process.env.JOURNAL_RUNS ?? 10);

describe.each(MODES)("the journal on %s flash", (mode) => {
  it("keeps what it reported stored, whatever is written and wherever the power fails", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(acts, { minLength: 1, maxLength: 250, size: "max" }),
        (flashSeed, given) => {
          const specimen = new Specimen(flashOf({ mode }, flashSeed)).provision();
          for (const { step, cut, again } of given) {
            if (cut !== null) failPower(specimen.flash, cut, () => perform(specimen, step));
            else perform(specimen, step);
            if (cut !== null || step.do === "restart") {
              restart(specimen, again);
              specimen.appendPending();
            }
          }
          specimen.restart();
          expect(specimen.tally.recoveries).toBeGreaterThan(0);
        },
      ),
      { numRuns: runs, endOnFailure: true },
    );
  });

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
          const flash = flashOf({ mode, sectors: 8 }, flashSeed);
          const specimen = new Specimen(flash).provision();
          for (const { length, torn, cuts: failures } of rounds) {
            if (torn === null) specimen.raise(length);
            else failPower(flash, torn, () => specimen.raise(length));
            flash.powerUp();
            const before = flash.snapshot();
            const { programmedBytes } = flash;
            new Journal(flash).recover();
            // Of a restart: the state's erase, header and record; the log's erase, header and records; the state.
            const total = 2 * SECTOR_BYTES + flash.programmedBytes - programmedBytes;
            flash.restore(before);
            const at = [
              (n: number) => n,
              (n: number) => SECTOR_BYTES + (n % 256),
              (n: number) => SECTOR_BYTES + 256 + n,
              (n: number) => total - 240 - (n % 300),
              (n: number) => total - 1 - (n % 240),
            ];
            restart(
              specimen,
              failures.map(([kind, n]) => at[kind]?.(n) ?? n),
            );
          }
        },
      ),
      { numRuns: 4 * runs, endOnFailure: true },
    );
  });

  it("is provisioned whole or not at all, wherever the power fails meanwhile", () => {
    const flash = flashOf({ mode, sectors: 8 });
    const used = new Specimen(flash).provision();
    for (let step = 0; step < 30; step++) act(used, step);
    const before = flash.snapshot();
    const stateErased = 4 * SECTOR_BYTES;
    const [erases, { programmedBytes }] = [flash.eraseCounts.slice(), flash];
    new Specimen(flash).provision();
    const erased = flash.eraseCounts.reduce((sum, count, at) => sum + count - (erases[at] ?? 0), 0);
    const total = erased * SECTOR_BYTES + flash.programmedBytes - programmedBytes;
    let whole = 0;
    for (let cut = 100; cut < total + 20; cut += cut < total - 500 ? 311 : 7) {
      flash.restore(before);
      const specimen = new Specimen(flash);
      failPower(flash, cut, () => specimen.provision());
      flash.powerUp();
      // Before the whole state ring is erased the old journal may still be there, and is whole.
      if (!new Journal(flash).recover()) new Specimen(flash).provision().restart();
      else if (cut >= stateErased) {
        specimen.restart();
        whole++;
      }
    }
    expect(whole).toBeGreaterThan(0);
  });
});

const configured = (bytes: Uint8Array) => ({ kind: MessageKind.CONFIGURATION, number: 0, bytes });
/** What a record of a configuration alone holds: one message of kind 0. */
const bodyOf = (configuration: Uint8Array) =>
  Uint8Array.of(0, 0, 0, 0, 0, configuration.length >> 8, configuration.length & 0xff, ...configuration);

/** A journal with one configuration and its state written. */
function provisioned(flash: NorFlash, configuration: Uint8Array = Uint8Array.of(1)): Journal {
  const journal = new Journal(flash);
  journal.format(2);
  journal.log.append({ type: RecordType.KEPT, number: 0, body: bodyOf(configuration) });
  journal.log.configuration = placeOf(journal.log.tail, HEADER_BYTES);
  journal.writeState();
  return journal;
}

function restarted(flash: NorFlash): Journal {
  const journal = new Journal(flash);
  expect(journal.recover()).toBe(true);
  return journal;
}

const event = (number: number, length = 40) => ({
  kind: MessageKind.EVENT,
  number,
  bytes: contentOf(length, number),
});

describe("what has happened", () => {
  it("is replayed from its one record, all that it changes and nothing else", () => {
    const flash = flashOf({});
    const journal = provisioned(flash);
    const changes: Partial<MeterState> = {
      epoch: 1,
      epochFirst: 77,
      statementDay: 20_000,
      statementInterval: 78,
      counters: [1, 2, 3, 4],
      eventDigest: contentOf(32, 1),
      companion: contentOf(64, 2),
      loadSwitch: 1,
    };
    const living = { lastTime_s: 99, eventDay: 5, softwareVersion: 3, acknowledged: [9, 9, 9, 9, 9, 9] };
    Object.assign(journal.state, changes, living);
    journal.appendHappening(RecordType.COMMAND, 4, [event(3), event(4)]);
    Object.assign(journal.state, { sealedTo: 80, batchDigest: contentOf(32, 3) });
    journal.appendHappening(RecordType.BATCH, 0, [{ ...event(0), kind: MessageKind.BATCH }]);
    const { state } = restarted(flash);
    const places = { configurationPlace: state.configurationPlace, logSequence: state.logSequence };
    const sealed = { sealedTo: 80, batchDigest: contentOf(32, 3), nextBatch: 1 };
    expect(state).toEqual({ ...newState(2), ...changes, nextEvent: 5, ...sealed, ...places });
  });

  it("leaves the Companion and its switch alone unless it is a command's", () => {
    const flash = flashOf({});
    const journal = provisioned(flash);
    Object.assign(journal.state, { companion: contentOf(64, 2), loadSwitch: 1, epoch: 1 });
    journal.appendHappening(RecordType.EVENT, 0, [event(0)]);
    const { epoch, loadSwitch, companion } = restarted(flash).state;
    expect([epoch, loadSwitch, companion.every((byte) => byte === 0)]).toEqual([1, 2, true]);
  });

  it("is not replayed over a state that is newer", () => {
    const flash = flashOf({});
    const journal = provisioned(flash);
    journal.state.epoch = 1;
    journal.appendHappening(RecordType.EVENT, 0, [event(0)]);
    journal.state.epoch = 2;
    journal.writeState();
    for (let restart = 0; restart < 5; restart++) expect(restarted(flash).state.epoch).toBe(2);
  });

  it("is not but half, cut at any byte of its record", () => {
    const flash = flashOf({});
    const journal = provisioned(flash);
    const before = flash.snapshot();
    const tried = new Set<string>();
    for (let cut = 0; cut <= 256; cut++) {
      flash.restore(before);
      const again = restarted(flash);
      Object.assign(again.state, { epoch: 1, companion: contentOf(64, 2), eventDigest: contentOf(32, 1) });
      failPower(flash, cut, () => again.appendHappening(RecordType.COMMAND, 0, [event(0)]));
      flash.powerUp();
      const found = restarted(flash);
      const { epoch, companion, eventDigest, nextEvent } = found.state;
      const records = recordsOf(found.log).filter(({ type }) => type === RecordType.COMMAND).length;
      const sums = [companion, eventDigest].map((bytes) => (bytes.some((byte) => byte > 0) ? 1 : 0));
      tried.add([epoch, nextEvent, records, ...sums].join());
    }
    expect([...tried].sort()).toEqual(["0,0,0,0,0", "1,1,1,1,1"]);
    expect(journal.log.tail).toBeGreaterThan(0);
  });

  it("carries its messages, whatever their kinds and lengths", () => {
    const messages = fc.array(
      fc.record({
        kind: fc.integer({ min: 1, max: 7 }),
        number: fc.integer({ min: 0, max: 0xffffffff }),
        bytes: fc.uint8Array({ maxLength: 200 }),
      }),
      { maxLength: 4 },
    );
    const types = fc.constantFrom<HappeningType>(RecordType.BATCH, RecordType.EVENT, RecordType.COMMAND);
    fc.assert(
      fc.property(types, messages, (type, given) => {
        const flash = flashOf({});
        provisioned(flash).appendHappening(type, 0, given);
        const last = recordsOf(restarted(flash).log).at(-1);
        expect(last?.type).toBe(type);
        expect(
          last && decodeMessages(last).map(({ bytes, ...rest }) => ({ ...rest, bytes: hex(bytes) })),
        ).toEqual(given.map(({ bytes, ...rest }) => ({ ...rest, bytes: hex(bytes) })));
      }),
      { numRuns: 40 },
    );
  });

  it("has no messages where it is an interval, and its bytes where it is a configuration", () => {
    const journal = provisioned(flashOf({}), Uint8Array.of(5));
    journal.appendInterval({ interval: 1, status: 0, epoch: 0, padded: new Uint8Array(8) });
    const messages = recordsOf(journal.log).map((record) => decodeMessages(record));
    expect(messages).toEqual([[configured(Uint8Array.of(5))], []]);
  });
});

describe("an interval", () => {
  it("pends from its state on until its record, and the first one ever too", () => {
    const flash = flashOf({});
    const journal = provisioned(flash);
    expect(journal.intervalPending).toBe(false);
    for (const interval of [0, 1, 7]) {
      journal.state.closedInterval = interval;
      expect(journal.intervalPending).toBe(true);
      journal.writeState();
      const again = restarted(flash);
      expect(again.intervalPending).toBe(true);
      again.appendInterval({ interval, status: 0, epoch: 0, padded: new Uint8Array(8) });
      expect(again.intervalPending).toBe(false);
      expect(restarted(flash).intervalPending).toBe(false);
      journal.recover();
    }
  });
});

describe("the configuration in force", () => {
  it("survives any number of rings, moved ahead of the writer, and restarts meanwhile", () => {
    for (const mode of MODES) {
      const specimen = new Specimen(flashOf({ mode })).provision(400);
      for (let count = 0; count < 900; count++) {
        specimen.raise(300);
        if (count % 70 === 69) specimen.restart();
      }
      expect(Math.min(...specimen.flash.eraseCounts.slice(0, 12))).toBeGreaterThan(3);
    }
  });

  it("survives a ring of intervals alone, with neither an event nor a state written meanwhile", () => {
    for (let count = 300; count < 1600; count += 40) {
      const flash = flashOf({});
      const journal = provisioned(flash, contentOf(300, 1));
      for (let interval = 0; interval < count; interval++) {
        journal.appendInterval({ interval, status: 0, epoch: 0, padded: new Uint8Array(8) });
      }
      for (let restart = 0; restart < 3; restart++) {
        expect(hex(restarted(flash).configuration())).toBe(hex(contentOf(300, 1)));
      }
    }
  });

  it("is the old one or the new one, with the event that tells of it, wherever the power fails", () => {
    for (const mode of MODES) {
      const kept = new Set<number>();
      for (let cut = 0; cut < 600; cut += 1) {
        const flash = flashOf({ mode });
        const journal = provisioned(flash, Uint8Array.of(10));
        flash.cutAfter(cut);
        try {
          journal.appendHappening(RecordType.EVENT, 0, [event(0), configured(contentOf(300, 12))]);
          journal.writeState();
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
        }
        for (let restart = 0; restart < 3; restart++) {
          flash.powerUp();
          const again = restarted(flash);
          kept.add(again.state.nextEvent);
          const expected = again.state.nextEvent === 1 ? contentOf(300, 12) : Uint8Array.of(10);
          expect(hex(again.configuration())).toBe(hex(expected));
        }
      }
      expect(kept).toEqual(new Set([0, 1]));
    }
  });

  it("is the new one whatever it shares its sector with, and when the old one is moved just then", () => {
    for (const mode of MODES) {
      for (let filled = 0; filled < 3 * 4064; filled += 464) {
        const flash = flashOf({ mode, sectors: 8 });
        const journal = provisioned(flash, Uint8Array.of(10));
        let number = 0;
        for (let left = filled; left >= 464; left -= 464) {
          journal.appendHappening(RecordType.BATCH, number, [event(number, 400)]);
          number++;
        }
        // So that a restart has no reason to look at what was before.
        journal.writeState();
        journal.appendHappening(RecordType.EVENT, 0, [event(0), configured(contentOf(300, 11))]);
        for (let restart = 0; restart < 3; restart++) {
          const again = restarted(flash);
          expect(again.state.nextEvent).toBe(1);
          expect(hex(again.configuration())).toBe(hex(contentOf(300, 11)));
        }
      }
    }
  });

  it("is asked for by mistake when there is none", () => {
    const journal = new Journal(flashOf({}));
    journal.format(2);
    expect(() => journal.configuration()).toThrow("configuration in force is in the log");
  });
});

describe("restarts", () => {
  it("alternate between two sectors of the log and cost no record, whatever the power does meanwhile", () => {
    const specimen = new Specimen(flashOf({ mode: "encrypted" })).provision();
    for (let count = 0; count < 400; count++) specimen.raise(100);
    specimen.restart();
    specimen.restart();
    const { length } = specimen.stored;
    specimen.flash.eraseCounts.fill(0);
    for (let count = 0; count < 200; count++) restart(specimen, count % 4 === 0 ? [(count * 97) % 9000] : []);
    expect(specimen.stored.length).toBe(length);
    const erased = specimen.flash.eraseCounts.slice(0, 12).filter((times) => times > 0);
    expect(erased.length).toBe(2);
  });

  it("find a record at the number after every boot, and read nothing of the log but headers and two sectors", () => {
    const flash = flashOf({});
    const journal = provisioned(flash);
    for (let number = 0; number < 200; number++)
      journal.appendHappening(RecordType.EVENT, number, [event(number)]);
    journal.writeState();
    flash.resetStatistics();
    const again = restarted(flash);
    expect(again.log.marks[Mark.EVENT]).toBe(200);
    expect(sequenceOf(again.log.tailStart)).toBe(again.state.logSequence);
    expect(flash.reads.bytes).toBeLessThan(16 * 32 + 9 * SECTOR_BYTES);
  });

  it("throw nothing but the power's failure", () => {
    const flash = flashOf({});
    provisioned(flash);
    flash.cutAfter(10);
    expect(() => new Journal(flash).recover()).toThrow(PowerCut);
  });
});

describe("the torture (npm run torture)", () => {
  it.each([...PARTS.keys()])("finds nothing in a brief run of %s", (part) => {
    const { recoveries, records } = torture(part, "brief", { seed: 5, only: null, progress: () => {} });
    expect(recoveries).toBeGreaterThan(0);
    expect(records).toBeGreaterThan(0);
  });

  it("takes what a sector shows again that can no longer be erased for what it is: stored once", () => {
    for (const part of ["worn/plain", "worn/encrypted"]) {
      const { recoveries } = torture(part, "whole", { seed: 1, only: 397, progress: () => {} });
      expect(recoveries).toBeGreaterThan(0);
    }
  });
});
