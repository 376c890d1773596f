// The driver of the ADE7953 against the register-accurate model of the chip: whatever the bus and the chip do, what is
// counted is what the chip counted, and what cannot be known is flagged and left out.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ADE7953, type ADE7953Options, type EnergyRegister } from "../../firmware/ade7953.js";
import { ADE7953Model, type ADE7953Quirks, type Power } from "../../host-sim/ade7953.js";
import { VirtualClock } from "../../host-sim/clock.js";
import { I2cLine, i2cModule, type LineFault } from "../../host-sim/ecma419/i2c.js";
import { Machine } from "../../host-sim/ecma419/machine.js";
import { Pins } from "../../host-sim/ecma419/pins.js";
import { Scheduler } from "../../host-sim/ecma419/scheduler.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { Status } from "../../src/trusted/metrology/interval.js";

const { INCOMPLETE, FAULT } = Status;
const LOST = INCOMPLETE | FAULT;
const FULL_PPM = 1_000_000;
const FULL_SCALE_PER_S = 206_900;
const REGISTERS: readonly EnergyRegister[] = ["activeA", "reactiveA", "activeB", "reactiveB"];
const MODULUS = 2 ** 48;
/** Registers of the configuration and what the driver of these tests sets them to. */
const CONFIGURED = [
  [0x004, 0x00],
  [0x007, 0x00],
  [0x008, 0x00],
  [0x009, 0x00],
  [0x001, 0x07],
  [0x102, 0x0104],
  [0x120, 0x0030],
  [0x040, 0x07],
] as const;

const scheduler = new Scheduler(new VirtualClock(0));
const machine = new Machine({
  name: "bench",
  scheduler,
  code: "((platform) => ({}))",
  modules: () => ({}),
  abort: () => {},
  systemTime: { now_ms: () => 0, set: () => {} },
  trace: () => {},
  pace: { turn_ms: 1, look_ms: 0 },
  queueLength: 1,
  turned: null,
});

/** A board with the chip, powered a second ago, and the driver on it. */
class Bench {
  readonly line = new I2cLine();
  readonly chip: ADE7953Model;
  readonly driver: ADE7953;
  now_ms = 0;
  /** What the chip had counted when the driver began to count. */
  #base = new Map<EnergyRegister, number>();
  #counted_ms = 0;

  constructor(quirks: ADE7953Quirks = {}, options: Partial<ADE7953Options> = {}) {
    this.chip = new ADE7953Model(quirks);
    this.line.attach(this.chip);
    this.chip.powerUp();
    this.pass(1000);
    const { default: I2C } = i2cModule(machine, new Pins("esp32"), this.line, () => {});
    this.driver = new ADE7953({
      sensor: { io: I2C, data: 21, clock: 22 },
      registers: REGISTERS,
      countsPerSecondMax: FULL_SCALE_PER_S,
      gainCodes: { voltage: 0, currentA: 0, currentB: 0 },
      now_ms: () => this.now_ms,
      ...options,
    });
  }

  /** One whose driver has configured the chip. */
  static counting(quirks: ADE7953Quirks = {}, options: Partial<ADE7953Options> = {}): Bench {
    const bench = new Bench(quirks, options);
    expect(bench.driver.read().status).toBe(INCOMPLETE);
    bench.begin();
    return bench;
  }

  /** Everything counted from now on is energy. */
  begin(): void {
    this.#base = new Map(REGISTERS.map((name) => [name, this.chip.counts[name]]));
    this.#counted_ms = this.now_ms;
  }

  pass(time_ms: number): void {
    this.now_ms += time_ms;
    this.chip.advance(time_ms);
  }

  power(...ppm: readonly number[]): void {
    const [activeA = 0, reactiveA = 0, activeB = 0, reactiveB = 0] = ppm;
    const power: Power = { activeA, reactiveA, activeB, reactiveB };
    this.chip.power = power;
  }

  /** What the counters must be when nothing is outstanding. */
  get truth(): number[] {
    return REGISTERS.map(
      (name) => (((this.chip.counts[name] - (this.#base.get(name) ?? 0)) % MODULUS) + MODULUS) % MODULUS,
    );
  }

  get unread_ms(): number {
    return this.now_ms - this.#counted_ms;
  }

  poll() {
    const reading = this.driver.read();
    if (reading.status === 0) this.#counted_ms = this.now_ms;
    return reading;
  }

  /** A second and a reading of a bus at rest. */
  settle() {
    this.line.calm();
    this.line.state = "whole";
    this.pass(1000);
    return this.poll();
  }

  get isConfigured(): boolean {
    return CONFIGURED.every(([register, value]) => this.chip.peek(register) === value);
  }
}

/** Transfers of a reading of four registers, and bytes of the longest. */
const transfers = (() => {
  const bench = Bench.counting();
  const before = bench.line.transfers;
  bench.poll();
  return bench.line.transfers - before;
})();
const BYTES = 8;
/** Transfers of the reading that configures the chip. */
const configuring = (() => {
  const bench = new Bench();
  bench.driver.read();
  return bench.line.transfers;
})();

const ppm = fc.integer({ min: -FULL_PPM, max: FULL_PPM });
const fault = fc.oneof(
  fc.record({ kind: fc.constant("nack" as const), byte: fc.nat(BYTES) }),
  fc.record({ kind: fc.constant("cut" as const), byte: fc.nat(BYTES) }),
  fc.record({
    kind: fc.constant("flip" as const),
    byte: fc.nat(BYTES),
    bits: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({ kind: fc.constant("pass" as const), byte: fc.nat(BYTES), time_ms: fc.nat(50) }),
);
/** A reading, so long after the last, at this power, with this done to the bus. */
const step = fc.record({
  power: fc.option(fc.tuple(ppm, ppm, ppm, ppm), { nil: null }),
  time_ms: fc.oneof({ weight: 4, arbitrary: fc.nat(2000) }, fc.nat(9000)),
  state: fc.oneof(
    { weight: 6, arbitrary: fc.constant("whole" as const) },
    fc.constantFrom("open" as const, "ones" as const),
  ),
  /** Of each four transfers in a row at most one is spoilt: an access and its proof are four. */
  faults: fc.array(fc.record({ after: fc.nat(3), fault }), { maxLength: 12 }),
});
const quirks = fc.record({ lastReadsCount: fc.boolean(), lockedReadsBack: fc.boolean() });

describe("energy from an ADE7953", () => {
  it("is what the chip counted, under any order of power, pauses and faults of the bus", () => {
    fc.assert(
      fc.property(quirks, fc.array(step, { minLength: 1, maxLength: 60 }), (quirk, steps) => {
        const bench = Bench.counting(quirk);
        for (const { power, time_ms, state, faults } of steps) {
          // 40 s unread is more than a register may be: a test of its own.
          if (bench.unread_ms + time_ms > 38_000) expect(bench.settle().status & ~INCOMPLETE).toBe(0);
          if (power) bench.power(...power);
          bench.pass(time_ms);
          bench.line.state = state;
          faults.forEach(({ after, fault: what }, at) => {
            const happens = what.kind === "pass" ? () => bench.pass(what.time_ms) : () => {};
            const disturbance: LineFault =
              what.kind === "pass" ? { kind: "meanwhile", byte: what.byte, happens } : what;
            bench.line.disturb(7 * at + after, disturbance);
          });
          const reading = bench.poll();
          expect(reading.faults).toBe(0);
          if (reading.status === 0 && faults.every(({ fault: { kind } }) => kind !== "pass"))
            expect(reading.counters).toEqual(bench.truth);
          bench.line.calm();
        }
        expect(bench.settle().counters).toEqual(bench.truth);
        expect(bench.isConfigured || (!quirk.lockedReadsBack && bench.chip.peek(0x120) === 0x30)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("is right to the count after hours at full scale in both directions, a register running round each 81 s", () => {
    const bench = Bench.counting();
    bench.power(FULL_PPM, -FULL_PPM, 123_456, -1);
    for (let second = 0; second < 4 * 3600; second++) {
      bench.pass(1000);
      expect(bench.poll().status).toBe(0);
    }
    const { counters } = bench.settle();
    expect(counters).toEqual(bench.truth);
    expect(counters[0]).toBe(14_401 * FULL_SCALE_PER_S);
    expect(counters[1]).toBe(MODULUS - 14_401 * FULL_SCALE_PER_S);
  });

  it("is read once in 10 s at full scale without loss", () => {
    const bench = Bench.counting();
    bench.power(FULL_PPM, -FULL_PPM);
    for (let turn = 0; turn < 100; turn++) {
      bench.pass(9990);
      expect(bench.poll()).toMatchObject({ status: 0, counters: bench.truth });
    }
    bench.pass(12_000);
    expect(bench.poll()).toMatchObject({ status: INCOMPLETE, counters: bench.truth });
  });

  it("comes in the order that the board asks for", () => {
    const bench = Bench.counting({}, { registers: ["reactiveB", "activeA"] });
    bench.power(1000, 0, 0, -2000);
    bench.pass(10_000);
    expect(bench.poll().counters).toEqual([MODULUS - 4138, 2069]);
  });
});

describe("a spoiled transfer of an ADE7953", () => {
  /** One reading for each fault, each of its own bench's seconds. */
  function everywhere(faults: (byte: number) => readonly LineFault[], taken: (status: number) => void) {
    const bench = Bench.counting();
    bench.power(300_000, -200_000, 100_000, -400_000);
    for (let transfer = 0; transfer < transfers; transfer++) {
      for (let byte = 0; byte < BYTES; byte++) {
        for (const one of faults(byte)) {
          bench.pass(1000);
          bench.line.disturb(transfer, one);
          const { status, counters, faults: lost } = bench.poll();
          expect(lost).toBe(0);
          expect(counters).toEqual(bench.truth);
          taken(status);
          bench.line.calm();
        }
      }
    }
  }

  it("is read again, whichever bit of whichever byte arrived wrong", () => {
    everywhere(
      (byte) => Array.from({ length: 8 }, (_, bit) => ({ kind: "flip", byte, bits: 1 << bit }) as const),
      (status) => expect(status).toBe(0),
    );
  });

  it("is read again, wherever an acknowledge was missing or the bus was lost", () => {
    everywhere(
      (byte) => [
        { kind: "nack", byte },
        { kind: "cut", byte },
      ],
      (status) => expect(status).toBe(0),
    );
  });

  it("that stays spoiled is not taken: the reading is incomplete, and the next has its energy", () => {
    const bench = Bench.counting();
    bench.power(FULL_PPM);
    for (let access = 0; access < transfers / 4; access++) {
      bench.pass(1000);
      const before = bench.driver.read().counters;
      bench.pass(1000);
      for (let after = 4 * access; after < 4 * access + 3; after++) {
        bench.line.disturb(after, { kind: "cut", byte: 1 });
      }
      const reading = bench.poll();
      expect(reading).toMatchObject({ status: INCOMPLETE, faults: 0, counters: before });
      expect(bench.settle()).toMatchObject({ status: 0, counters: bench.truth });
    }
  });

  it("while it is being configured is written again at once", () => {
    for (let transfer = 0; transfer < configuring; transfer++) {
      for (const kind of ["nack", "cut", "flip"] as const) {
        const bench = new Bench();
        bench.line.disturb(transfer, { kind, byte: 3, bits: 0x44 });
        bench.driver.read();
        expect(bench.isConfigured).toBe(true);
      }
    }
  });
});

/** Settings that the checksum covers, that it does not, and what nobody of ours writes. */
const CORRUPTIBLE = [
  0x001, 0x004, 0x007, 0x008, 0x009, 0x040, 0x102, 0x108, 0x201, 0x282, 0x28e, 0x297, 0x800,
];

describe("an ADE7953 that loses its configuration", () => {
  it("by a reset at any byte of a reading is flagged and configured anew; no energy is lost but of that time", () => {
    for (let transfer = 0; transfer < transfers; transfer++) {
      for (let byte = 0; byte < BYTES; byte++) {
        for (const back_ms of [0, 200]) {
          const bench = Bench.counting();
          bench.power(500_000, -250_000);
          bench.settle();
          const counted = bench.truth;
          let resets = 0;
          const happens = () => {
            resets++;
            bench.chip.reset();
            bench.pass(back_ms);
          };
          bench.pass(1000);
          bench.line.disturb(transfer, { kind: "meanwhile", byte, happens });
          const [first, second] = [bench.poll(), bench.settle()];
          expect(second.faults).toBe(resets);
          if (resets > 0) {
            expect([first.status, second.status].includes(LOST)).toBe(true);
            // The reading before it was complete, or it was not taken at all.
            const [importing = 0] = second.counters;
            expect([counted[0], (counted[0] ?? 0) + FULL_SCALE_PER_S / 2]).toContain(importing);
          }
          expect(bench.isConfigured).toBe(true);
          if (second.status === 0) continue;
          bench.begin();
          const third = bench.settle();
          expect(third.status).toBe(0);
          expect((third.counters[0] ?? 0) - (second.counters[0] ?? 0)).toBe(bench.truth[0]);
        }
      }
    }
  });

  it("by a change of any register that matters is flagged, reset and configured, and counts nothing of that time", () => {
    for (const register of CORRUPTIBLE) {
      for (const bits of [0x01, 0x40]) {
        const bench = Bench.counting();
        bench.power(20_000, -10_000, 30_000, 40_000);
        bench.settle();
        const counted = bench.truth;
        bench.chip.corrupt(register, bits);
        bench.pass(1000);
        expect(bench.poll()).toMatchObject({ status: LOST, faults: 1, counters: counted });
        bench.pass(1000);
        expect(bench.poll()).toMatchObject({ status: INCOMPLETE, faults: 1, counters: counted });
        expect(bench.isConfigured).toBe(true);
        expect(bench.chip.peek(register)).toBe(settingOf(register));
        bench.pass(1000);
        expect(bench.poll().status).toBe(0);
      }
    }
  });

  it("by a reset at any byte of being configured is not counted from before it is: read-with-reset stays off", () => {
    for (let transfer = 0; transfer < configuring; transfer++) {
      for (let byte = 0; byte < BYTES; byte++) {
        const bench = new Bench();
        bench.power(FULL_PPM);
        const happens = () => {
          bench.chip.reset();
          bench.pass(200);
        };
        bench.line.disturb(transfer, { kind: "meanwhile", byte, happens });
        bench.driver.read();
        // Half configured it is reset once more: a reading for that, one to configure it.
        let turn = bench.settle();
        for (let more = 0; more < 3 && turn.status !== 0; more++) turn = bench.settle();
        expect(turn.status).toBe(0);
        expect(bench.isConfigured).toBe(true);
        const next = bench.settle();
        expect(next).toMatchObject({ status: 0, faults: 0 });
        expect((next.counters[0] ?? 0) - (turn.counters[0] ?? 0)).toBe(FULL_SCALE_PER_S);
      }
    }
  });

  it("by a loss of its supply is one fault, and silent until it has started", () => {
    const bench = Bench.counting();
    bench.power(FULL_PPM);
    const before = bench.settle();
    bench.chip.powerDown();
    for (let second = 0; second < 5; second++) {
      expect(bench.settle()).toEqual({ ...before, status: INCOMPLETE });
    }
    bench.chip.powerUp();
    expect(bench.settle()).toEqual({ ...before, status: LOST, faults: 1 });
    const [counted = 0] = before.counters;
    expect(bench.settle()).toEqual({ status: 0, faults: 1, counters: [counted + FULL_SCALE_PER_S, 0, 0, 0] });
  });

  it("by its checksum being switched off, and nothing else, is configured without a reset", () => {
    const bench = Bench.counting();
    bench.power(FULL_PPM);
    bench.chip.corrupt(0x102, 0x100);
    bench.pass(1000);
    expect(bench.poll()).toEqual({ status: LOST, faults: 1, counters: [0, 0, 0, 0] });
    expect(bench.isConfigured).toBe(true);
    expect(bench.settle()).toMatchObject({ status: 0, counters: [FULL_SCALE_PER_S, 0, 0, 0] });
  });

  it("before anybody has configured it is configured with the first reading that it answers", () => {
    const bench = new Bench();
    bench.chip.powerUp();
    expect(bench.driver.read()).toEqual({ counters: [0, 0, 0, 0], status: INCOMPLETE, faults: 0 });
    bench.pass(66);
    expect(bench.driver.read().status).toBe(INCOMPLETE);
    bench.begin();
    bench.power(FULL_PPM);
    expect(bench.settle()).toEqual({ counters: bench.truth, status: 0, faults: 0 });
  });

  it("that was left configured by a program before this one is reset first", () => {
    const bench = Bench.counting();
    bench.power(FULL_PPM);
    bench.chip.corrupt(0x282, 0x100);
    const { default: I2C } = i2cModule(machine, new Pins("esp32"), bench.line, () => {});
    const driver = new ADE7953({
      sensor: { io: I2C, data: 4, clock: 5 },
      registers: ["activeA"],
      countsPerSecondMax: FULL_SCALE_PER_S,
      gainCodes: { voltage: 4, currentA: 5, currentB: 4 },
      now_ms: () => bench.now_ms,
    });
    expect(driver.read()).toEqual({ counters: [0], status: INCOMPLETE, faults: 0 });
    // Its answer is not asked for while it starts.
    bench.pass(60);
    expect(driver.read().status).toBe(INCOMPLETE);
    expect(bench.chip.peek(0x102)).toBe(0x8004);
    bench.pass(940);
    expect(driver.read().status).toBe(INCOMPLETE);
    expect([bench.chip.peek(0x007), bench.chip.peek(0x008), bench.chip.peek(0x282)]).toEqual([
      4, 5, 0x400000,
    ]);
    bench.pass(1000);
    expect(driver.read()).toEqual({ counters: [FULL_SCALE_PER_S], status: 0, faults: 0 });
  });

  it("to something that a reset does not mend is known by its other checksum, and reset once more", () => {
    const bench = Bench.counting();
    bench.chip.reset();
    bench.pass(1000);
    bench.chip.corrupt(0x28e, 0x8000);
    expect(bench.poll()).toMatchObject({ status: LOST, faults: 1 });
    expect(bench.isConfigured).toBe(false);
    bench.pass(1000);
    expect(bench.poll()).toMatchObject({ status: INCOMPLETE, faults: 1 });
    expect([bench.isConfigured, bench.chip.peek(0x28e)]).toEqual([true, 0x400000]);
  });

  const event = fc.oneof(
    { weight: 6, arbitrary: fc.constant(null) },
    fc.record({ kind: fc.constant("reset" as const) }),
    fc.record({
      kind: fc.constant("corrupt" as const),
      register: fc.constantFrom(...CORRUPTIBLE),
      bits: fc.constantFrom(1, 2, 4, 0x40),
    }),
    fc.record({
      kind: fc.constant("jump" as const),
      name: fc.constantFrom(...REGISTERS),
      by: fc.integer({ min: 0x400000, max: 0xbfffff }),
    }),
  );
  const turn = fc.record({
    power: fc.tuple(ppm, ppm, ppm, ppm),
    time_ms: fc.integer({ min: 200, max: 9000 }),
    event,
    state: fc.oneof({ weight: 5, arbitrary: fc.constant("whole" as const) }, fc.constant("open" as const)),
  });

  it("or whose registers jump, in any order, is given neither too much nor twice", () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 60 }), (turns) => {
        const bench = Bench.counting();
        /** What the chip and the driver had when the driver last counted, or began to. */
        let base = { chip: { ...bench.chip.counts }, driver: [0, 0, 0, 0], at_ms: bench.now_ms };
        for (const { power, time_ms, event: what, state } of turns) {
          bench.power(...power);
          const wasConfigured = bench.isConfigured;
          // A jump is told from energy only where little of that is possible.
          const jumps = what?.kind === "jump" && bench.now_ms + time_ms - base.at_ms < 9500;
          const unread = bench.now_ms + time_ms - base.at_ms > 38_000;
          if (what?.kind === "reset") bench.chip.reset();
          if (what?.kind === "corrupt") bench.chip.corrupt(what.register, what.bits);
          if (jumps) bench.chip.jump(what.name, what.by);
          bench.pass(unread ? 0 : time_ms);
          bench.line.state = unread || jumps ? "whole" : state;
          const { counters, status } = bench.poll();
          const gained = counters.map((count, at) => count - (base.driver[at] ?? 0));
          const given = REGISTERS.map((name) => bench.chip.counts[name] - base.chip[name]);
          if (status === 0) expect(gained.map(aroundZero)).toEqual(given);
          for (const [at, gain] of gained.map(aroundZero).entries()) expect([0, given[at]]).toContain(gain);
          const began = !wasConfigured && bench.isConfigured;
          const isCounted =
            status === 0 || (status !== INCOMPLETE && jumps) || gained.some((gain) => gain !== 0);
          if (began || isCounted || (what && bench.isConfigured && bench.line.state === "whole"))
            base = { chip: { ...bench.chip.counts }, driver: [...counters], at_ms: bench.now_ms };
        }
        bench.settle();
        bench.settle();
        bench.begin();
        const { counters: before } = bench.settle();
        bench.begin();
        const after = bench.settle();
        expect(after.status).toBe(0);
        expect(after.counters.map((count, at) => aroundZero(count - (before[at] ?? 0)))).toEqual(
          bench.truth.map(aroundZero),
        );
      }),
      { numRuns: 150 },
    );
  });
});

/** A difference of counters modulo 2^48 as the signed number that it stands for. */
const aroundZero = (step: number) => {
  const within = ((step % MODULUS) + MODULUS) % MODULUS;
  return within < MODULUS / 2 ? within : within - MODULUS;
};
/** What the driver sets a register to, or leaves in it. */
const settingOf = (register: number) =>
  CONFIGURED.find(([address]) => address === register)?.[1] ?? new ADE7953Model().peek(register);

describe("a register of an ADE7953 that jumps", () => {
  it("is flagged and not counted, and counted on from where it is", () => {
    const bench = Bench.counting();
    bench.power(100_000, 50_000);
    const before = bench.settle();
    bench.chip.jump("activeA", 3_000_000);
    bench.pass(1000);
    const jumped = bench.poll();
    expect(jumped).toMatchObject({ status: LOST, faults: 0 });
    // The other register did not jump.
    expect(jumped.counters).toEqual([before.counters[0], bench.truth[1], 0, 0]);
    expect(bench.settle()).toMatchObject({
      status: 0,
      counters: [(before.counters[0] ?? 0) + FULL_SCALE_PER_S / 10, bench.truth[1], 0, 0],
    });
  });

  it("and is back when it is read again costs nothing", () => {
    const bench = Bench.counting();
    bench.power(100_000);
    bench.settle();
    bench.pass(1000);
    bench.chip.jump("activeA", -3_000_000);
    const happens = () => bench.chip.jump("activeA", 3_000_000);
    // Of the next look at the registers.
    bench.line.disturb(transfers, { kind: "meanwhile", byte: 0, happens });
    expect(bench.poll()).toEqual({ status: 0, faults: 0, counters: bench.truth });
  });

  it("is told from energy by the board's largest load, not the chip's", () => {
    const bench = Bench.counting({}, { countsPerSecondMax: 50_000 });
    bench.power(240_000);
    expect(bench.settle()).toMatchObject({ status: 0, counters: bench.truth });
    bench.power(250_000);
    expect(bench.settle().status).toBe(LOST);
  });
});

describe("a silent ADE7953", () => {
  it("is flagged with each reading, as a fault after 10 s, and gives its energy when it is back within 40 s", () => {
    for (const state of ["open", "ones"] as const) {
      const bench = Bench.counting();
      bench.power(FULL_PPM, -FULL_PPM);
      const before = bench.settle();
      bench.line.state = state;
      for (let second = 1; second <= 38; second++) {
        bench.pass(1000);
        const status = second > 10 ? LOST : INCOMPLETE;
        expect(bench.poll()).toEqual({ status, counters: before.counters, faults: 0 });
      }
      // Late, but all of it.
      expect(bench.settle()).toEqual({ status: INCOMPLETE, counters: bench.truth, faults: 0 });
      expect(bench.settle()).toEqual({ status: 0, counters: bench.truth, faults: 0 });
    }
  });

  it("for so long that a register may have run round gives nothing of that time, and is right from then on", () => {
    const bench = Bench.counting();
    bench.power(FULL_PPM);
    const before = bench.settle();
    bench.line.state = "open";
    bench.pass(50_000);
    expect(bench.poll().status).toBe(LOST);
    expect(bench.settle()).toEqual({ status: LOST, counters: before.counters, faults: 0 });
    expect(bench.settle()).toMatchObject({
      status: 0,
      counters: [(before.counters[0] ?? 0) + FULL_SCALE_PER_S, 0, 0, 0],
    });
  });

  it("that never answers is a fault after 10 s and takes little of the bus", () => {
    const bench = new Bench();
    bench.line.state = "open";
    bench.pass(10_001);
    const before = bench.line.transfers;
    expect(bench.driver.read().status).toBe(LOST);
    expect(bench.line.transfers - before).toBe(3);
  });
});

describe("reading an ADE7953", () => {
  const options: Omit<ADE7953Options, "sensor"> = {
    registers: ["activeA"],
    countsPerSecondMax: FULL_SCALE_PER_S,
    gainCodes: { voltage: 0, currentA: 0, currentB: 0 },
    now_ms: () => 0,
  };

  it("never throws, whatever the class of the bus throws or gives, at whatever call", () => {
    const answers = [
      () => {
        throw new Error("writeRead failed");
      },
      () => new ArrayBuffer(0),
      () => new ArrayBuffer(9),
      (count: number) => new ArrayBuffer(count),
    ];
    for (const answer of answers) {
      let opened = 0;
      class Broken {
        constructor() {
          if (opened++ > 0 && opened % 2 === 0) throw new RangeError("inUse");
        }
        write(): void {
          answer(0);
        }
        writeRead(_: Uint8Array, count: number): ArrayBuffer {
          return answer(count);
        }
        close(): void {
          throw new Error("no such bus");
        }
      }
      const driver = new ADE7953({ ...options, sensor: { io: Broken, data: 1, clock: 2 } });
      for (let turns = 0; turns < 5; turns++) {
        expect(driver.read()).toEqual({ counters: [0], status: INCOMPLETE, faults: 0 });
      }
      expect(() => driver.close()).not.toThrow();
    }
  });

  it("is refused at the start for settings and pins that cannot be", () => {
    const { default: I2C } = i2cModule(machine, new Pins("esp32"), new I2cLine(), () => {});
    const sensor = { io: I2C, data: 21, clock: 22 };
    const refused = (changed: Partial<ADE7953Options>) =>
      expect(() => new ADE7953({ sensor, ...options, ...changed }));
    refused({ sensor: { io: I2C, data: 34, clock: 22 } }).toThrow("unusable pins");
    refused({ registers: [] }).toThrow("one at least");
    refused({ registers: ["activeA", "activeA"] }).toThrow("counted once");
    refused({ countsPerSecondMax: 838_861 }).toThrow("half round");
    refused({ countsPerSecondMax: 0 }).toThrow("half round");
    refused({ gainCodes: { voltage: 5, currentA: 0, currentB: 0 } }).toThrow("voltage: 0 to 4");
    refused({ gainCodes: { voltage: 0, currentA: 6, currentB: 0 } }).toThrow("currentA: 0 to 5");
    expect(() => new ADE7953({ sensor, ...options })).not.toThrow();
  });

  it("takes the pins anew after a reading that failed, and gives them back when closed", () => {
    const pins = new Pins("esp32");
    const line = new I2cLine();
    const { default: I2C } = i2cModule(machine, pins, line, () => {});
    const driver = new ADE7953({ ...options, sensor: { io: I2C, data: 21, clock: 22 } });
    expect([pins.at(21).used, pins.at(22).used]).toEqual([true, true]);
    driver.read();
    expect(pins.at(21).used).toBe(false);
    driver.read();
    driver.close();
    expect([pins.at(21).used, pins.at(22).used]).toEqual([false, false]);
  });

  it("takes 32 transfers and 19 ms of the bus at 100 kHz for four registers", () => {
    const bench = Bench.counting();
    const before = bench.line.bits;
    bench.poll();
    expect(transfers).toBe(32);
    expect(Math.ceil((bench.line.bits - before) / 100)).toBe(19);
  });

  it("over a noisy bus costs flags, not energy: 1 in 12,000 with a bit in 10,000 wrong, 6 % with one in 1,000", () => {
    for (const [bitErrors, flaggedMax] of [
      [1e-5, 0],
      [1e-4, 1],
      [1e-3, 288],
    ] as const) {
      const bench = Bench.counting();
      const random = new SeededRandom(7).fork(`${bitErrors}`);
      bench.line.noise = () => {
        let bits = 0;
        for (let bit = 0; bit < 9; bit++) if (random.fraction() < bitErrors) bits |= 1 << bit;
        return bits;
      };
      bench.power(FULL_PPM, -FULL_PPM, 10_000, -10_000);
      let incomplete = 0;
      for (let second = 0; second < 3600; second++) {
        bench.pass(1000);
        if (bench.poll().status !== 0) incomplete++;
      }
      bench.line.noise = null;
      expect(bench.settle().counters).toEqual(bench.truth);
      expect(incomplete).toBeLessThanOrEqual(flaggedMax);
    }
  });
});
