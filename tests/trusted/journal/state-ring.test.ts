import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NorFlash, PowerCut } from "../../../host-sim/flash.js";
import { decodeState, encodeState, type MeterState, newState } from "../../../src/trusted/journal/state.js";
import { StateRing } from "../../../src/trusted/journal/state-ring.js";
import { contentOf, flashOf, MODES } from "./model.js";

const hex = (bytes: Uint8Array | null | undefined) => bytes && Buffer.from(bytes).toString("hex");

describe("the state record", () => {
  const states: fc.Arbitrary<MeterState> = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.infiniteStream(fc.nat(255)))
    .map(([channels, stream]) => {
      const numbers = stream[Symbol.iterator]();
      const number = () => (numbers.next().value as number) * 257;
      const state = newState(channels);
      Object.assign(state, { openInterval: number(), nextEvent: number(), lastTime_s: number() * 60_000 });
      Object.assign(state, { logSequence: number(), configurationOffset: number(), epochFirst: number() });
      for (const channel of state.channels)
        Object.assign(channel, { register_Wh: number(), closed_Wh: number() });
      state.eventCounts = state.eventCounts.map(number);
      state.batchDigest = contentOf(32, number());
      return state;
    });

  it("comes back as it was, also with the padding of its slot behind it", () => {
    fc.assert(
      fc.property(states, fc.nat(15), (state, padding) => {
        const bytes = encodeState(state);
        expect(decodeState(Uint8Array.of(...bytes, ...new Uint8Array(padding)))).toEqual(state);
      }),
    );
  });

  it("has with its slot at most 336 bytes for 2 channels and 496 for 8", () => {
    const slotOf = (channels: number) => 16 * Math.ceil((encodeState(newState(channels)).length + 4) / 16);
    expect([encodeState(newState(2)).length, encodeState(newState(8)).length]).toEqual([221, 389]);
    expect(slotOf(2)).toBeLessThanOrEqual(336);
    expect(slotOf(8)).toBeLessThanOrEqual(496);
  });

  it("of another program is not taken for one", () => {
    const bytes = encodeState(newState(2));
    bytes[0] = 2;
    expect(() => decodeState(bytes)).toThrow("this program's format");
  });
});

describe.each(MODES)("the state ring on %s flash", (mode) => {
  const SECTORS = 4;
  const payloadOf = (number: number) => contentOf(211, number);
  /** The number of the record that a restart finds. */
  const found = (flash: NorFlash, upTo: number) => {
    const payload = new StateRing(flash, 0).recover();
    for (let number = upTo; number >= 0; number--) {
      if (hex(payload)?.startsWith(hex(payloadOf(number)) ?? "")) return number;
    }
    return -1;
  };

  it("holds nothing at first, then always the last that was written", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = new StateRing(flash, 0);
    expect(ring.recover()).toBeNull();
    for (let number = 0; number < 200; number++) {
      ring.write(payloadOf(number));
      expect(found(flash, number)).toBe(number);
    }
    expect(Math.max(...flash.eraseCounts) - Math.min(...flash.eraseCounts)).toBeLessThanOrEqual(1);
  });

  it("goes on after a restart, in another sector", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    for (let number = 0; number < 50; number++) {
      const ring = new StateRing(flash, 0);
      ring.recover();
      ring.write(payloadOf(number));
      ring.write(payloadOf(number + 1));
      expect(found(flash, number + 1)).toBe(number + 1);
    }
  });

  it("takes records of another size from one write to the next", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = new StateRing(flash, 0);
    for (const length of [10, 500, 12, 300, 4060]) {
      ring.write(contentOf(length, length));
      expect(hex(new StateRing(flash, 0).recover())?.startsWith(hex(contentOf(length, length)) ?? "")).toBe(
        true,
      );
    }
  });

  it("holds the last or the one in flight, wherever the power fails, time after time", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.oneof(fc.nat(300), fc.nat(4400)), { minLength: 1, maxLength: 60, size: "max" }),
        (seed, cuts) => {
          const flash = flashOf({ mode, sectors: SECTORS }, seed);
          const first = new StateRing(flash, 0);
          first.write(payloadOf(0));
          let known = 0;
          for (const cut of cuts) {
            flash.cutAfter(cut);
            try {
              const ring = new StateRing(flash, 0);
              ring.recover();
              ring.write(payloadOf(known + 1));
              known++;
            } catch (error) {
              if (!(error instanceof PowerCut)) throw error;
            }
            flash.powerUp();
            const now = found(flash, known + 1);
            if (now !== known && now !== known + 1) expect(now).toBe(known);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("keeps its only record though the power fails at the same point of every restart", () => {
    for (const cut of [4096 + 8, 4096 + 16, 4096 + 17, 4096 + 100]) {
      const flash = flashOf({ mode, sectors: SECTORS });
      new StateRing(flash, 0).write(payloadOf(7));
      for (let restart = 0; restart < 20; restart++) {
        flash.cutAfter(cut);
        const ring = new StateRing(flash, 0);
        ring.recover();
        expect(() => ring.write(payloadOf(7))).toThrow(PowerCut);
        flash.powerUp();
      }
      expect(found(flash, 7)).toBe(7);
    }
  });

  it("goes on beside sectors that cannot be written, and names each once", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = new StateRing(flash, 0);
    ring.write(payloadOf(0));
    flash.stuckSector(1);
    flash.stuckSector(2);
    for (let number = 1; number < 200; number++) {
      ring.write(payloadOf(number));
      expect(found(flash, number)).toBe(number);
    }
    expect([...new Set(ring.badSectors)].sort()).toEqual([1, 2]);
  });
});

it("a state ring has at least 3 sectors", () => {
  expect(() => new StateRing(flashOf({ sectors: 4 }), 2)).toThrow("at least 3 sectors");
});
