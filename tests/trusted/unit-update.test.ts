// New software: approved by the authority, handed over to when all that the old one recorded is sealed; and what
// a unit does that finds itself, or its flash, older than what has run.
import { bytesToHex } from "@noble/hashes/utils.js";
import { afterEach, describe, expect, it, vi } from "vitest";
import { EventType } from "../../src/trusted/authority/events.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import type { Image } from "../../src/trusted/ports.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { Restarted, TestCounter, TestLoader } from "../bench-devices.js";
import { BenchMeter, DAY_S, HALF_HOUR_S, MIDNIGHT_S, MJ_PER_WH } from "../bench-meter.js";
import { cutEverywhere, MODES } from "../cut-everywhere.js";
import { quick } from "../quick.js";

vi.mock("../../src/trusted/sealing/self-test.js", async (original) => {
  const { quickSelfTest } = await import("../quick.js");
  return quickSelfTest(await original());
});
vi.mock("../../src/trusted/sealing/signature.js", async (original) => {
  const { quickSignature } = await import("../quick.js");
  return quickSignature(await original());
});
afterEach(() => {
  quick.on = false;
});

const { COMMAND_ACCEPTED, COMMAND_REFUSED, CONFIGURATION, SELF_TEST_FAILED } = EventType;
const FIRST = MIDNIGHT_S / HALF_HOUR_S;
const imageDigest = (version: number) => digest(asciiBytes(`image ${version}`));
const softwareId = (version: number) => digest(asciiBytes(`software ${version}`));
const newer = (image: Image, version: number): Image => ({
  ...image,
  version,
  softwareId: softwareId(version),
});

/** A meter of one channel with a loader, confirmed, at 00:30. */
function loadedMeter() {
  const loader = new TestLoader();
  const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] }, devices: { loader } });
  meter.confirm();
  meter.passUntil(HALF_HOUR_S, [1000]);
  return { loader, meter };
}

const approval = (meter: BenchMeter, version: number, counter = 1) => {
  const argument = array(bstr(imageDigest(version)), bstr(softwareId(version)), int(version));
  return meter.command({ by: "authority", kind: 9, argument, counter });
};
const eventsOf = (meter: BenchMeter, type: number) => meter.events.filter((event) => event.type === type);
const softwareOf = (meter: BenchMeter) =>
  meter.batches.map((batch) => bytesToHex(batch.softwareId).slice(0, 8));
const named = (id: Uint8Array) => bytesToHex(id).slice(0, 8);
/** Lets the loader restart into an approved image, and the unit boot with it. */
function install(meter: BenchMeter, loader: TestLoader, version: number, act: () => void): void {
  loader.has = imageDigest(version);
  expect(act).toThrow(Restarted);
  meter.image = newer(meter.image, version);
  meter.boot();
  meter.confirm();
}

describe("an approval", () => {
  it("must rise above what runs and above what was approved before, used or not", () => {
    const { meter } = loadedMeter();
    const told = (version: number, counter: number) => {
      meter.receive(approval(meter, version, counter));
      return meter.stored.configuration.update?.version ?? null;
    };
    expect([told(0, 1), told(1, 1)]).toEqual([null, null]);
    expect([told(3, 1), told(3, 2), told(2, 2)]).toEqual([3, 3, 3]);
    expect(told(4, 2)).toBe(4);
    expect([eventsOf(meter, COMMAND_ACCEPTED).length, eventsOf(meter, COMMAND_REFUSED).length]).toEqual([
      2, 4,
    ]);
    expect(meter.stored.configuration.update).toEqual({
      imageDigest: imageDigest(4),
      softwareId: softwareId(4),
      version: 4,
    });
  });

  it("has the unit seal what is recorded and ask the loader, once a day and after a restart", () => {
    const { loader, meter } = loadedMeter();
    meter.passUntil(5 * HALF_HOUR_S + 600, [1000]);
    meter.receive(approval(meter, 2));
    expect(meter.batches).toMatchObject([{ firstInterval: FIRST, intervalCount: 5 }]);
    const asked = bytesToHex(imageDigest(2));
    expect(loader.asked).toEqual([asked]);
    meter.passUntil(DAY_S - 60, [1000]);
    expect([loader.asked.length, meter.batches.length]).toEqual([1, 1]);
    // The loader has no such image yet: sealing goes on as ever.
    meter.passUntil(2 * DAY_S + 60, [1000]);
    expect(loader.asked).toEqual([asked, asked, asked]);
    expect(meter.batches.map(({ intervalCount }) => intervalCount)).toEqual([5, 43, 48]);
    meter.boot();
    meter.run();
    expect(loader.asked.length).toBe(4);
    meter.confirm();
    expect(meter.check().totals_Wh[0]).toBe(meter.total_Wh());
  });

  it("waits for a meter that has no loader", () => {
    const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] } });
    meter.confirm();
    meter.receive(approval(meter, 2));
    meter.passUntil(DAY_S + 60, [1000]);
    expect(meter.batches.map(({ intervalCount }) => intervalCount)).toEqual([48]);
  });
});

describe("new software", () => {
  it("goes on where the old one stopped: registers, history, keys and the chain", () => {
    const { loader, meter } = loadedMeter();
    const old = named(meter.image.softwareId);
    meter.passUntil(5 * HALF_HOUR_S + 600, [1000]);
    meter.clock.advance(1000);
    meter.feed(2 * MJ_PER_WH);
    const { readings } = meter;
    install(meter, loader, 2, () => meter.receive(approval(meter, 2)));
    expect(meter.batches.length).toBe(1);
    // The energy of the step in which the loader took over was made durable before.
    expect(meter.shown_Wh[0]).toBe(516 + 2000 + 167 + 2);
    expect(eventsOf(meter, CONFIGURATION)).toMatchObject([{ detail: null }, { time_s: null, detail: null }]);
    meter.passUntil(DAY_S + 60, [1000]);
    expect(meter.readings.slice(0, readings.length)).toEqual(readings);
    expect(meter.readings.map(({ epoch }) => epoch).every((epoch) => epoch === 0)).toBe(true);
    expect(softwareOf(meter)).toEqual([old, named(softwareId(2))]);
    const [first, second] = meter.batches;
    expect([first?.intervalCount, second?.firstInterval, second?.intervalCount]).toEqual([5, FIRST + 5, 43]);
    const [, document] = meter.kept(3);
    expect(document).toBeDefined();
    expect(loader.asked.length).toBe(1);
    meter.boot();
    meter.confirm();
    expect(eventsOf(meter, CONFIGURATION).length).toBe(2);
    meter.receive(approval(meter, 2, 2));
    expect(eventsOf(meter, COMMAND_REFUSED).length).toBe(1);
  });

  it("is marked by an event wherever the power fails as it starts for the first time", () => {
    quick.on = true;
    const { loader, meter } = loadedMeter();
    loader.has = imageDigest(2);
    expect(() => meter.receive(approval(meter, 2))).toThrow(Restarted);
    meter.image = newer(meter.image, 2);
    meter.cutPower();
    const cuts = cutEverywhere(meter, "encrypted", {
      act() {
        meter.boot();
        meter.run();
      },
      after() {
        meter.boot();
        meter.confirm();
        const marks = eventsOf(meter, CONFIGURATION).length - 1;
        // A cut between the event and the version that it tells of has it told twice, and never not at all.
        expect(marks === 1 || marks === 2).toBe(true);
        expect(meter.stored.state.softwareVersion).toBe(2);
      },
    });
    expect(cuts).toBeGreaterThan(150);
  });

  it("that is older than what has run measures on, and seals nothing", () => {
    const { loader, meter } = loadedMeter();
    const old = meter.image;
    install(meter, loader, 2, () => meter.receive(approval(meter, 2)));
    meter.passUntil(2 * HALF_HOUR_S, [1000]);
    const { length } = meter.readings;
    meter.image = old;
    meter.boot();
    meter.run();
    expect(meter.unit.display(meter.uptime_ms)).toContain("self-test 100 failed: not sealing");
    expect(eventsOf(meter, SELF_TEST_FAILED)).toMatchObject([{ time_s: null, detail: 100 }]);
    const shown = meter.shown_Wh[0] ?? 0;
    meter.pass(DAY_S, [1000]);
    expect(meter.shown_Wh[0]).toBe(shown + 24_000);
    expect([meter.readings.length, meter.batches.length]).toEqual([length, 1]);
    expect(meter.nonce).toBeNull();
    // Its word is asked for in vain, and the newer software takes over where it stopped.
    meter.image = newer(old, 2);
    meter.boot();
    meter.confirm();
    meter.pass(DAY_S, [1000]);
    expect(
      softwareOf(meter)
        .slice(1)
        .every((id) => id === named(softwareId(2))),
    ).toBe(true);
    expect(
      (meter.readings.find(({ status }) => (status & Status.FAULT) !== 0)?.interval ?? 0) >= FIRST + 2,
    ).toBe(true);
  });
});

describe.each(
  MODES,
)("in %s flash, a power cut at every byte that is written while an update is obeyed", (mode) => {
  it("leaves it for later or done: what the old software recorded is sealed once, by it", () => {
    quick.on = true;
    const loader = new TestLoader();
    loader.has = imageDigest(2);
    const configuration = { channels: ["1-0:1.8.0"] };
    const meter = new BenchMeter({ mode, sectors: 8, configuration, devices: { loader } });
    const old = meter.image;
    meter.confirm();
    meter.passUntil(HALF_HOUR_S, [1000]);
    const frame = approval(meter, 2);
    const outcomes = { undone: 0, done: 0 };
    /** Runs until the loader restarts the meter into the image, if it does. */
    const settle = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        if (!(error instanceof Restarted)) throw error;
        meter.image = newer(old, 2);
        meter.boot();
        meter.confirm();
      }
    };
    cutEverywhere(meter, mode, {
      before() {
        meter.image = old;
        meter.boot();
        meter.confirm();
      },
      act() {
        try {
          meter.receive(frame);
        } catch (error) {
          if (!(error instanceof Restarted)) throw error;
        }
      },
      after(cut) {
        settle(() => {
          meter.boot();
          meter.confirm();
        });
        const done = meter.stored.state.counters[0] === 1;
        outcomes[done ? "done" : "undone"]++;
        settle(() => meter.receive(frame));
        expect(eventsOf(meter, COMMAND_ACCEPTED).length).toBe(1);
        expect(meter.image.version).toBe(2);
        expect(meter.stored.state).toMatchObject({ softwareVersion: 2, counters: [1, 0, 0, 0] });
        expect(meter.batches.map(({ intervalCount }) => intervalCount)).toEqual([1]);
        expect(softwareOf(meter)).toEqual([named(old.softwareId)]);
        if (cut % 128 >= 2) return;
        meter.passUntil(DAY_S + 60, [1000], HALF_HOUR_S);
        expect(softwareOf(meter)).toEqual([named(old.softwareId), named(softwareId(2))]);
        expect(meter.total_Wh()).toBe(meter.stored.state.channels[0]?.register_Wh);
      },
    });
    expect(outcomes.undone).toBeGreaterThan(50);
    expect(outcomes.done).toBeGreaterThan(50);
  });
});

describe("a flash that is put back to what it was", () => {
  /** A meter that has sealed a day, its flash at that time, and another day sealed since. */
  function rolledBack(counter?: TestCounter) {
    const meter = new BenchMeter({
      configuration: { channels: ["1-0:1.8.0"] },
      devices: counter ? { counter } : {},
    });
    meter.confirm();
    meter.passUntil(DAY_S + 600, [1000]);
    meter.pass(300);
    const cells = meter.flash.snapshot();
    meter.passUntil(2 * DAY_S + 600, [1000]);
    expect(meter.batches.length).toBe(2);
    meter.cutPower();
    meter.flash.restore(cells);
    meter.boot();
    meter.run();
    return meter;
  }

  it("seals nothing more where a counter cannot be put back with it, and says so", () => {
    const counter = new TestCounter();
    const meter = rolledBack(counter);
    expect(counter.value).toBe(2);
    expect(meter.unit.display(meter.uptime_ms)).toContain("self-test 100 failed: not sealing");
    expect(eventsOf(meter, SELF_TEST_FAILED).at(-1)).toMatchObject({ detail: 100 });
    const shown = meter.shown_Wh[0] ?? 0;
    meter.confirm();
    meter.pass(2 * DAY_S, [1000]);
    expect([meter.batches.length, counter.value]).toEqual([2, 2]);
    expect(meter.shown_Wh[0]).toBe(shown + 48_000);
  });

  it("is found by whoever has seen both, where there is no such counter: a number names two batches", () => {
    const meter = rolledBack();
    meter.confirm();
    meter.passUntil(3 * DAY_S + 600, [3000]);
    const second = meter.messages.filter(({ kind, sequence }) => kind === 3 && sequence === 1);
    expect(new Set(second.map(({ message }) => bytesToHex(message))).size).toBe(2);
  });

  it("costs nothing where it is not put back: the counter follows the batches", () => {
    const counter = new TestCounter();
    const meter = new BenchMeter({ configuration: { channels: ["1-0:1.8.0"] }, devices: { counter } });
    meter.confirm();
    for (let day = 1; day <= 3; day++) {
      meter.passUntil(day * DAY_S + 60, [1000]);
      expect(counter.value).toBe(day);
      meter.boot();
      meter.confirm();
    }
    expect(meter.batches.length).toBe(3);
    expect(meter.unit.display(meter.uptime_ms).join()).not.toContain("failed");
  });
});
