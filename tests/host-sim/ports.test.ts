import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../host-sim/clock.js";
import { PowerCut } from "../../host-sim/flash.js";
import { MemorySecretStore, ScriptedButton, SeededEntropy, TraceEnergy } from "../../host-sim/ports.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import type { Trace } from "../../host-sim/trace.js";

const bytesOf = (length: number, value: number) => new Uint8Array(length).fill(value);

describe("SeededEntropy", () => {
  it("goes on where it was, and is the same for the same seed", () => {
    const draw = (entropy: SeededEntropy) => {
      const bytes = new Uint8Array(64);
      entropy.fill(bytes);
      return bytes;
    };
    const entropy = new SeededEntropy(new SeededRandom(1));
    const first = draw(entropy);
    expect(draw(entropy)).not.toEqual(first);
    expect(draw(new SeededEntropy(new SeededRandom(1)))).toEqual(first);
    expect(draw(new SeededEntropy(new SeededRandom(2)))).not.toEqual(first);
  });
});

describe("MemorySecretStore", () => {
  const storeOf = (seed = 1) => new MemorySecretStore(new SeededRandom(seed));

  it("is empty at first and then holds a copy of what was saved last", () => {
    const store = storeOf();
    expect(store.load()).toBeNull();
    for (let value = 0; value < 5; value++) {
      const secrets = bytesOf(40 + value, value);
      store.save(secrets);
      secrets.fill(0xee);
      expect(store.load()).toEqual(bytesOf(40 + value, value));
      store.load()?.fill(0xee);
      expect(store.load()).toEqual(bytesOf(40 + value, value));
    }
  });

  it("holds 1,024 bytes, and an empty set, but refuses a byte more", () => {
    const store = storeOf();
    store.save(bytesOf(1024, 1));
    expect(store.load()).toEqual(bytesOf(1024, 1));
    expect(() => store.save(bytesOf(1025, 2))).toThrow("assertion failed");
    expect(store.load()).toEqual(bytesOf(1024, 1));
    store.save(bytesOf(0, 0));
    expect(store.load()).toEqual(bytesOf(0, 0));
  });

  it.each([
    ["before", "old"],
    ["torn", "old"],
    ["between", "new"],
  ] as const)("holds after a cut at stage %s the %s set, and saves again", (stage, survivor) => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 4 }), (seed, earlier) => {
        const store = storeOf(seed);
        for (const length of earlier) store.save(bytesOf(length, length));
        const old = store.load();
        store.cutAtNextSave(stage);
        expect(() => store.save(bytesOf(70, 255))).toThrow(PowerCut);
        expect(() => store.load()).toThrow(PowerCut);
        expect(() => store.save(bytesOf(1, 1))).toThrow(PowerCut);
        store.powerUp();
        expect(store.load()).toEqual(survivor === "old" ? old : bytesOf(70, 255));
        store.save(bytesOf(71, 254));
        expect(store.load()).toEqual(bytesOf(71, 254));
      }),
    );
  });
});

describe("ScriptedButton", () => {
  it("tells of presses once", () => {
    const button = new ScriptedButton();
    expect(button.pressed()).toBe(false);
    button.press();
    button.press();
    expect(button.pressed()).toBe(true);
    expect(button.pressed()).toBe(false);
  });
});

describe("VirtualClock", () => {
  it("moves as told and never back", () => {
    const clock = new VirtualClock(1000);
    clock.advance(500);
    expect(clock.now_ms).toBe(1500);
    for (const by_ms of [-1, 0.5, Number.NaN]) expect(() => clock.advance(by_ms)).toThrow(RangeError);
    expect(clock.now_ms).toBe(1500);
  });
});

describe("TraceEnergy", () => {
  const START_S = 1_000_000_800;
  const traceOf = (rows: Trace["rows"], step_s = 60): Trace => ({
    start_s: START_S,
    step_s,
    channels: ["1-0:1.8.0", "1-0:2.8.0"],
    rows,
  });
  const energies = fc.oneof(fc.nat(1_000_000), fc.maxSafeNat());

  it("adds up exactly to the row's energy at the end of every row, however it is read", () => {
    const rows = fc.array(fc.option(fc.tuple(energies, energies)), { minLength: 1, maxLength: 6 });
    const steps = fc.constantFrom(60, 900, 3600);
    fc.assert(
      fc.property(rows, steps, fc.array(fc.nat(100_000), { maxLength: 20 }), (rows, step_s, pauses) => {
        const clock = new VirtualClock(START_S * 1000);
        const source = new TraceEnergy(traceOf(rows, step_s), clock);
        rows.forEach((row, at) => {
          const end_ms = (START_S + (at + 1) * step_s) * 1000;
          const total = [0n, 0n];
          const read = () => {
            const { counts, status } = source.read();
            expect(status).toBe(0);
            counts.forEach((energy, channel) => {
              expect(Number.isSafeInteger(energy) && energy >= 0).toBe(true);
              total[channel] = (total[channel] ?? 0n) + BigInt(energy);
            });
            const into_ms = BigInt(step_s * 1000 - (end_ms - clock.now_ms));
            const exact = (row ?? [0, 0]).map((energy) => (BigInt(energy) * into_ms) / BigInt(step_s * 1000));
            expect(total).toEqual(exact);
          };
          for (const pause of pauses) {
            clock.advance(Math.min(pause, end_ms - 1 - clock.now_ms));
            read();
          }
          // The row's last increment is read with the first moment of the next row, of which nothing has flowed.
          clock.advance(end_ms - clock.now_ms);
          read();
        });
        clock.advance(10 * step_s * 1000);
        expect(source.read().counts).toEqual([0, 0]);
      }),
    );
  });

  it("gives all of the rows that passed since the last read at once", () => {
    const clock = new VirtualClock(START_S * 1000 + 30_000);
    const source = new TraceEnergy(traceOf([[100, 7], null, [1000, 1], [60, 0]]), clock);
    clock.advance(180_000);
    expect(source.read().counts).toEqual([50 + 1000 + 30, 4 + 1]);
  });

  it("measures nothing before power-up, before the trace or without power", () => {
    const clock = new VirtualClock((START_S - 60) * 1000);
    const early = new TraceEnergy(traceOf([[100, 100], null]), clock);
    clock.advance(60_000);
    expect(early.read().counts).toEqual([0, 0]);
    clock.advance(59_999);
    const late = new TraceEnergy(traceOf([[100, 100], null]), clock);
    expect(early.read().counts).toEqual([99, 99]);
    clock.advance(1);
    expect(late.read().counts).toEqual([1, 1]);
    clock.advance(30_000);
    expect(late.read().counts).toEqual([0, 0]);
  });
});
