import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BistableRelay } from "../../host-sim/relay.js";
import {
  LoadSwitch,
  MENDED_MS,
  OPEN_MS,
  OPERATION_MS,
  REDRIVES,
  REDRIVES_BACK_MS,
  SETTLE_MS,
} from "../../src/credit/load-switch.js";

const [OPEN, READY, CLOSED] = [0, 1, 2];
const STEP_MS = 20;

interface Operation {
  readonly at_ms: number;
  readonly closed: boolean;
}

/** A switch and its relay, stepped as the device does, with each operation written down. */
class Bench {
  readonly relay: BistableRelay;
  readonly operations: Operation[] = [];
  now_ms = 0;
  loadSwitch: LoadSwitch;

  constructor(closed = false, sensed = true) {
    this.relay = new BistableRelay(closed, sensed);
    this.loadSwitch = this.#make();
  }

  #make(): LoadSwitch {
    return new LoadSwitch({
      drive: (closed) => {
        this.operations.push({ at_ms: this.now_ms, closed });
        this.relay.drive(closed);
      },
      feedback: () => this.relay.feedback(),
    });
  }

  /** Only the relay outlives it. */
  cyclePower(): void {
    this.loadSwitch = this.#make();
  }

  run(time_ms: number): void {
    for (const end_ms = this.now_ms + time_ms; this.now_ms < end_ms; this.now_ms += STEP_MS) {
      this.loadSwitch.step(this.now_ms);
    }
  }

  /** Closed, for longer than any rest lasts. */
  static closed(): Bench {
    const bench = new Bench();
    bench.loadSwitch.put(CLOSED);
    bench.run(OPEN_MS + 60_000);
    bench.operations.length = 0;
    return bench;
  }
}

describe("the load switch", () => {
  it.each([true, false])("leaves contacts as they were until the unit has spoken (closed: %s)", (closed) => {
    const bench = new Bench(closed);
    bench.run(120_000);
    expect(bench.operations).toEqual([]);
    expect(bench.relay.conducting).toBe(closed);
    expect(bench.loadSwitch.fault).toBeNull();
  });

  it.each([OPEN, READY, 3, -1, Number.NaN])("opens at once at power-up when the state is %s", (state) => {
    const bench = new Bench(true);
    bench.loadSwitch.put(state);
    bench.run(STEP_MS);
    expect(bench.operations).toEqual([{ at_ms: 0, closed: false }]);
    bench.run(600_000);
    expect(bench.operations.length).toBe(1);
  });

  it("closes after power-up only when the supply has lasted, and once", () => {
    const bench = new Bench();
    bench.loadSwitch.put(CLOSED);
    bench.run(600_000);
    expect(bench.operations).toEqual([{ at_ms: OPEN_MS, closed: true }]);
    expect(bench.relay.conducting).toBe(true);
  });

  it("does not hammer the contacts while the supply flickers", () => {
    const bench = new Bench(true);
    for (let flicker = 0; flicker < 100; flicker++) {
      bench.cyclePower();
      bench.loadSwitch.put(CLOSED);
      bench.run(OPEN_MS - STEP_MS);
    }
    expect(bench.operations).toEqual([]);
  });

  it("opens in the step after the state is durable", () => {
    const bench = Bench.closed();
    const at_ms = bench.now_ms;
    bench.loadSwitch.put(OPEN);
    bench.run(STEP_MS);
    expect(bench.operations).toEqual([{ at_ms, closed: false }]);
  });

  it("opens no later than the relay can after it has closed", () => {
    const bench = new Bench();
    bench.loadSwitch.put(CLOSED);
    bench.run(OPEN_MS + STEP_MS);
    bench.loadSwitch.put(OPEN);
    bench.run(60_000);
    expect(bench.operations.map(({ at_ms }) => at_ms)).toEqual([OPEN_MS, OPEN_MS + OPERATION_MS]);
    expect(bench.relay.conducting).toBe(false);
  });

  it("opens at once after a power cycle, whatever the relay did just before", () => {
    const bench = new Bench();
    bench.loadSwitch.put(CLOSED);
    bench.run(OPEN_MS + STEP_MS);
    bench.cyclePower();
    bench.loadSwitch.put(OPEN);
    bench.run(STEP_MS);
    expect(bench.relay.conducting).toBe(false);
  });

  it("keeps contacts open for the rest before it closes them again", () => {
    const bench = Bench.closed();
    const opened_ms = bench.now_ms;
    bench.loadSwitch.put(OPEN);
    bench.run(1000);
    bench.loadSwitch.put(CLOSED);
    bench.run(60_000);
    expect(bench.operations).toEqual([
      { at_ms: opened_ms, closed: false },
      { at_ms: opened_ms + OPEN_MS, closed: true },
    ]);
  });

  it("does not close what was closed and taken back during the rest", () => {
    const bench = Bench.closed();
    for (const state of [OPEN, CLOSED, READY]) {
      bench.loadSwitch.put(state);
      bench.run(1000);
    }
    bench.run(600_000);
    expect(bench.operations.map(({ closed }) => closed)).toEqual([false]);
  });
});

describe("the feedback of the contacts", () => {
  it("says welded when they conduct though they were put open, after its time and not sooner", () => {
    const bench = Bench.closed();
    bench.relay.jam = "welded";
    bench.loadSwitch.put(OPEN);
    bench.run(2 * SETTLE_MS);
    expect(bench.loadSwitch.fault).toBeNull();
    bench.run(STEP_MS);
    expect(bench.loadSwitch.fault).toBe("welded");
  });

  it("says stuck open when they do not conduct though they were put closed", () => {
    const bench = new Bench();
    bench.relay.jam = "stuck open";
    bench.loadSwitch.put(CLOSED);
    bench.run(OPEN_MS + 2 * SETTLE_MS + STEP_MS);
    expect(bench.loadSwitch.fault).toBe("stuck open");
  });

  it("takes voltage from a neighbour for welded contacts, since it supplies as they would", () => {
    const bench = Bench.closed();
    bench.loadSwitch.put(OPEN);
    bench.run(60_000);
    expect(bench.loadSwitch.fault).toBeNull();
    bench.relay.backFed = true;
    bench.run(SETTLE_MS + 2 * STEP_MS);
    expect(bench.loadSwitch.fault).toBe("welded");
    expect(bench.relay.conducting).toBe(false);
  });

  it("of a moment says nothing", () => {
    const bench = Bench.closed();
    bench.loadSwitch.put(OPEN);
    bench.run(60_000);
    for (let flash = 0; flash < 20; flash++) {
      bench.relay.backFed = flash % 2 === 0;
      bench.run(SETTLE_MS - STEP_MS);
    }
    expect(bench.loadSwitch.fault).toBeNull();
    expect(bench.operations.length).toBe(1);
  });

  it("ends a fault when it has been right for some seconds, and not at the first look", () => {
    const bench = Bench.closed();
    bench.relay.jam = "welded";
    bench.loadSwitch.put(OPEN);
    bench.run(60_000);
    bench.relay.jam = null;
    bench.run(MENDED_MS - STEP_MS);
    expect(bench.loadSwitch.fault).toBe("welded");
    bench.run(2 * STEP_MS);
    expect(bench.loadSwitch.fault).toBeNull();
  });

  it("that is missing is no fault", () => {
    const bench = new Bench(true, false);
    bench.relay.jam = "welded";
    bench.loadSwitch.put(OPEN);
    bench.run(60_000);
    expect(bench.loadSwitch.fault).toBeNull();
    expect(bench.operations.length).toBe(1);
  });

  it("has contacts driven again, a bounded number of times, then left alone", () => {
    const bench = Bench.closed();
    bench.relay.jam = "welded";
    bench.loadSwitch.put(OPEN);
    bench.run(600_000);
    expect(bench.operations.map(({ closed }) => closed)).toEqual(Array(1 + REDRIVES).fill(false));
    expect(bench.loadSwitch.fault).toBe("welded");
  });

  it("that somebody fakes again and again wears nothing out", () => {
    const bench = Bench.closed();
    bench.loadSwitch.put(OPEN);
    const hours = 3;
    for (let minute = 0; minute < 60 * hours; minute++) {
      bench.relay.backFed = minute % 2 === 0;
      bench.run(60_000);
    }
    expect(bench.operations.length).toBe(1 + REDRIVES);
    bench.relay.backFed = false;
    bench.run(REDRIVES_BACK_MS + 60_000);
    bench.relay.backFed = true;
    bench.run(60_000);
    expect(bench.operations.length).toBe(1 + 2 * REDRIVES);
  });

  it("does not drive contacts back while another state waits for its rest", () => {
    const bench = new Bench();
    bench.relay.jam = "stuck open";
    bench.loadSwitch.put(CLOSED);
    bench.run(OPEN_MS + STEP_MS);
    bench.loadSwitch.put(READY);
    bench.run(60_000);
    expect(bench.operations.map(({ closed }) => closed)).toEqual([true, false]);
    expect(bench.loadSwitch.fault).toBeNull();
  });

  it("has a relay that was knocked out of its place driven back there", () => {
    const bench = Bench.closed();
    bench.relay.drive(false);
    bench.run(60_000);
    expect(bench.relay.conducting).toBe(true);
    expect(bench.operations.map(({ closed }) => closed)).toEqual([true]);
    expect(bench.loadSwitch.fault).toBeNull();
  });
});

type Happening =
  | { readonly kind: "put"; readonly state: number }
  | { readonly kind: "wait"; readonly time_ms: number }
  | { readonly kind: "jam"; readonly jam: BistableRelay["jam"] }
  | { readonly kind: "feed"; readonly backFed: boolean }
  | { readonly kind: "cycle"; readonly off_ms: number };

const time_ms = fc.integer({ min: 0, max: 750 }).map((steps) => steps * STEP_MS);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), state: fc.integer({ min: 0, max: 2 }) }),
  fc.record({ kind: fc.constant("wait" as const), time_ms }),
  fc.record({
    kind: fc.constant("jam" as const),
    jam: fc.constantFrom<BistableRelay["jam"]>(null, "welded", "stuck open"),
  }),
  fc.record({ kind: fc.constant("feed" as const), backFed: fc.boolean() }),
  fc.record({ kind: fc.constant("cycle" as const), off_ms: time_ms }),
);

/** A bench whose unit has spoken; what is durable outlives the power. */
class Trial extends Bench {
  durable = OPEN;
  /** When power last came. */
  power_ms = 0;
  changes = 0;

  happen(what: Happening): void {
    if (what.kind === "wait") this.run(what.time_ms);
    else if (what.kind === "jam") this.relay.jam = what.jam;
    else if (what.kind === "feed") this.relay.backFed = what.backFed;
    else if (what.kind === "put") this.speak(what.state);
    else {
      this.now_ms += what.off_ms;
      this.power_ms = this.now_ms;
      this.cyclePower();
      this.speak(this.durable);
    }
  }

  speak(state: number): void {
    this.durable = state;
    this.changes++;
    this.loadSwitch.put(state);
  }

  override run(time_ms: number): void {
    for (let passed_ms = 0; passed_ms < time_ms; passed_ms += STEP_MS) {
      const before = this.operations.length;
      super.run(STEP_MS);
      const [operation, ...more] = this.operations.slice(before);
      if (more.length > 0) throw new Error("more than one operation in a step");
      if (operation) this.#judge(operation, this.operations.slice(0, before));
    }
  }

  #judge({ at_ms, closed }: Operation, earlier: readonly Operation[]): void {
    expect(closed).toBe(this.durable === CLOSED);
    const last = earlier.at(-1);
    if (last && last.at_ms >= this.power_ms) expect(at_ms - last.at_ms).toBeGreaterThanOrEqual(OPERATION_MS);
    const opened = earlier.filter((operation) => !operation.closed).at(-1);
    if (closed && opened) expect(at_ms - opened.at_ms).toBeGreaterThanOrEqual(OPEN_MS);
  }
}

it("closes only what is durable as closed, rested, and puts whatever happened right within its bounds", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 30 }), (happenings) => {
      const trial = new Trial(true);
      trial.speak(OPEN);
      for (const what of happenings) trial.happen(what);
      expect(trial.operations.length).toBeLessThanOrEqual(trial.changes * (1 + REDRIVES));
      Object.assign(trial.relay, { jam: null, backFed: false });
      trial.run(trial.durable === CLOSED ? OPEN_MS + STEP_MS : OPERATION_MS + STEP_MS);
      expect(trial.operations.at(-1)?.closed ?? false).toBe(trial.durable === CLOSED);
    }),
    { numRuns: 120 },
  );
});
