import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NorFlash, PowerCut } from "../../../host-sim/flash.js";
import { contentOf, fingerprint } from "../../../host-sim/torture/specimen.js";
import { recordBytes } from "../../../src/trusted/journal/record.js";
import {
  decodeState,
  encodeState,
  type MeterState,
  newState,
  stateChange,
} from "../../../src/trusted/journal/state.js";
import { StateRing } from "../../../src/trusted/journal/state-ring.js";
import { flashOf, hex, MODES } from "./model.js";

describe("the state record", () => {
  /** Every field with a value of its own, as large as its width allows. */
  const states: fc.Arbitrary<MeterState> = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.infiniteStream(fc.nat(0xff)))
    .map(([channels, stream]) => {
      const bytes = stream[Symbol.iterator]();
      const draw = (width: number) =>
        Array.from({ length: width }).reduce((sum: number) => sum * 256 + (bytes.next().value as number), 0);
      const empty = newState(channels);
      const drawn = encodeState(empty).map((_, at) => (at === 0 ? empty.format : draw(1)));
      return decodeState(drawn);
    });

  it("comes back as it was, in every field", () => {
    fc.assert(
      fc.property(states, (state) => {
        const again = decodeState(encodeState(state));
        expect(again).toEqual(state);
        expect(fingerprint(again)).toBe(fingerprint(state));
      }),
    );
  });

  it("has its fields where docs/journal.md says", () => {
    const state = newState(2);
    Object.assign(state, {
      openInterval: 0x01020304,
      lastTime_s: 0x05060708,
      configurationPlace: 0x0a0b0c0d0e,
      rostersPlace: 0x1a1b1c1d1e,
    });
    state.counters = [1, 2, 3, 0x04040404];
    state.eventCounts[15] = 0x0606;
    state.companion.fill(0xcc);
    const [first, second] = state.channels;
    Object.assign(first ?? {}, { register_Wh: 0x010203040506, closed_Wh: 7 });
    Object.assign(second ?? {}, { open_mJ: 8, untimed_mJ: 9, carried_mJ: 10 });
    const bytes = encodeState(state);
    const at = (offset: number, length: number) => hex(bytes.subarray(offset, offset + length));
    expect(at(0, 7)).toBe("03010203040000");
    expect(at(7, 4)).toBe("ffffffff");
    expect(at(12, 4)).toBe("05060708");
    expect(at(36, 5)).toBe("0a0b0c0d0e");
    expect(at(41, 5)).toBe("1a1b1c1d1e");
    expect(at(60, 1)).toBe("02");
    expect(at(61, 16)).toBe("00000001000000020000000304040404");
    expect(at(101 + 30, 2)).toBe("0606");
    expect(at(197, 64)).toBe("cc".repeat(64));
    expect(at(261, 6)).toBe("010203040506");
    expect(at(261 + 24, 4)).toBe("00000007");
    expect(at(261 + 28 + 6, 18)).toBe("000000000008" + "000000000009" + "00000000000a");
  });

  it("has at most 336 bytes of flash for 2 channels and 496 for 8", () => {
    expect([encodeState(newState(2)).length, encodeState(newState(8)).length]).toEqual([317, 485]);
    expect(recordBytes(encodeState(newState(2)).length)).toBeLessThanOrEqual(336);
    expect(recordBytes(encodeState(newState(8)).length)).toBeLessThanOrEqual(496);
  });

  it("of another program is not taken for one", () => {
    const bytes = encodeState(newState(2));
    bytes[0] = 1;
    expect(() => decodeState(bytes)).toThrow("this program's format");
  });

  it("is carried by a change in the fields that are named, and in no other", () => {
    fc.assert(
      fc.property(states, states, (state, other) => {
        const change = stateChange(["counters", "sealedTo", "eventDigest", "configurationPlace"]);
        const bytes = change.encode(state);
        expect(bytes.length).toBe(change.bytes);
        expect(change.bytes).toBe(4 + 5 + 16 + 32);
        const { sealedTo, configurationPlace, counters, eventDigest } = state;
        const changed = { ...other, ...change.decode(Uint8Array.of(...bytes, 1, 2, 3)) };
        expect(changed).toEqual({ ...other, sealedTo, configurationPlace, counters, eventDigest });
      }),
      { numRuns: 30 },
    );
  });
});

describe.each(MODES)("the state ring on %s flash", (mode) => {
  const SECTORS = 4;
  const ringOf = (flash: NorFlash) => new StateRing(flash, 0, SECTORS);
  const bodyOf = (number: number) => contentOf(211, number);
  /** The number of the record that a restart finds. */
  const found = (flash: NorFlash, upTo: number) => {
    const body = hex(ringOf(flash).recover());
    for (let number = upTo; number >= 0; number--) if (body === hex(bodyOf(number))) return number;
    return -1;
  };

  it("holds nothing at first, then always the last that was written", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = ringOf(flash);
    expect(ring.recover()).toBeNull();
    for (let number = 0; number < 200; number++) {
      ring.write(bodyOf(number));
      expect(found(flash, number)).toBe(number);
    }
    expect(Math.max(...flash.eraseCounts) - Math.min(...flash.eraseCounts)).toBeLessThanOrEqual(1);
  });

  it("goes on after a restart, in another sector", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    for (let number = 0; number < 50; number++) {
      const ring = ringOf(flash);
      ring.recover();
      ring.write(bodyOf(number));
      ring.write(bodyOf(number + 1));
      expect(found(flash, number + 1)).toBe(number + 1);
    }
  });

  it("takes records of another size from one write to the next", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = ringOf(flash);
    for (const length of [10, 500, 12, 300, 1024, 0, 1]) {
      ring.write(contentOf(length, length));
      expect(hex(ringOf(flash).recover())).toBe(hex(contentOf(length, length)));
    }
  });

  it("holds the last or the one in flight, wherever the power fails, time after time", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.oneof(fc.nat(300), fc.nat(4400)), { minLength: 1, maxLength: 60, size: "max" }),
        (seed, cuts) => {
          const flash = flashOf({ mode, sectors: SECTORS }, seed);
          const first = ringOf(flash);
          first.write(bodyOf(0));
          let known = 0;
          for (const cut of cuts) {
            flash.cutAfter(cut);
            try {
              const ring = ringOf(flash);
              ring.recover();
              ring.write(bodyOf(known + 1));
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
      ringOf(flash).write(bodyOf(7));
      for (let restart = 0; restart < 20; restart++) {
        flash.cutAfter(cut);
        const ring = ringOf(flash);
        ring.recover();
        expect(() => ring.write(bodyOf(7))).toThrow(PowerCut);
        flash.powerUp();
      }
      expect(found(flash, 7)).toBe(7);
    }
  });

  it("takes the newest whole record of a sector, whatever rots beside it", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = ringOf(flash);
    for (let number = 0; number < 5; number++) ring.write(bodyOf(number));
    const bytes = recordBytes(bodyOf(0).length);
    const begin = 4096 * (ring.tail % SECTORS) + 32;
    flash.rotBit(begin + 2 * bytes + 50, 3);
    expect(found(flash, 4)).toBe(4);
    flash.rotBit(begin + 4 * bytes + 50, 3);
    expect(found(flash, 4)).toBe(3);
  });

  it("takes no header that is not where its number says, nor a rotten one", () => {
    const flash = flashOf({ mode: "plain", sectors: 2 * SECTORS });
    const ring = ringOf(flash);
    for (let number = 0; number < 40; number++) ring.write(bodyOf(number));
    const newest = ring.tail % SECTORS;
    // The same sectors, one further: each number is another position's.
    const cells = flash.image();
    const moved = flashOf({
      mode: "plain",
      sectors: SECTORS + 1,
      content: rotated(cells.subarray(0, 5 * 4096)),
    });
    expect(new StateRing(moved, 1, SECTORS).recover()).not.toBeNull();
    expect(new StateRing(moved, 0, SECTORS).recover()).toBeNull();
    // Longer by a sector: modulo another length.
    expect(new StateRing(flash, 0, SECTORS + 1).recover()).toBeNull();
    flash.rotBit(newest * 4096, 0);
    expect(found(flash, 39)).toBeLessThan(39);
  });

  it("goes on beside sectors that cannot be written, and names each once", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = ringOf(flash);
    ring.write(bodyOf(0));
    flash.stuckSector(1);
    flash.stuckSector(2);
    for (let number = 1; number < 200; number++) {
      ring.write(bodyOf(number));
      expect(found(flash, number)).toBe(number);
    }
    expect([...ring.badSectors].sort()).toEqual([1, 2]);
  });

  it("never erases its only state, though no other sector can be written, at any restart", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = ringOf(flash);
    for (let number = 0; number < 30; number++) ring.write(bodyOf(number));
    const only = ring.tail % SECTORS;
    for (let sector = 0; sector < SECTORS; sector++) if (sector !== only) flash.stuckSector(sector);
    const erased = flash.eraseCounts[only];
    // In this boot the sector that holds it still has room.
    let known = 30;
    expect(() => {
      for (; known < 60; known++) ring.write(bodyOf(known));
    }).toThrow("no sector can be begun");
    for (let restart = 0; restart < 10; restart++) {
      expect(found(flash, known)).toBe(known - 1);
      const again = ringOf(flash);
      again.recover();
      expect(() => again.write(bodyOf(99))).toThrow("no sector can be begun");
      expect(again.badSectors.length).toBe(SECTORS - 1);
    }
    expect(flash.eraseCounts[only]).toBe(erased);
  });

  it("holds nothing once it is cleared, and takes a first state again", () => {
    const flash = flashOf({ mode, sectors: SECTORS });
    const ring = ringOf(flash);
    for (let number = 0; number < 30; number++) ring.write(bodyOf(number));
    ring.clear();
    expect(ringOf(flash).recover()).toBeNull();
    // The ring that was cleared has been writing: it must not go on in the middle of an erased sector.
    ring.write(bodyOf(31));
    expect(found(flash, 31)).toBe(31);
  });
});

/** The image's sectors, the last of them first. */
function rotated(image: Uint8Array): Uint8Array {
  return Uint8Array.of(...image.subarray(-4096), ...image.subarray(0, -4096));
}

it("a ring has at least 4 sectors, and they are the flash's", () => {
  expect(() => new StateRing(flashOf({ sectors: 4 }), 1, 3)).toThrow("at least 4 sectors");
  expect(() => new StateRing(flashOf({ sectors: 4 }), 1, 4)).toThrow("at least 4 sectors");
});
