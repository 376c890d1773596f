import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NorFlash, type NorFlashOptions, PowerCut } from "../../host-sim/flash.js";
import { SeededRandom } from "../../host-sim/seeded.js";

const SECTORS = 3;
const SECTOR = 4096;
const MODES = ["plain", "encrypted"] as const;

const flashOf = (options: Partial<NorFlashOptions> = {}, seed = 1) =>
  new NorFlash({ sectors: SECTORS, mode: "plain", random: new SeededRandom(seed), ...options });

function readFrom(flash: NorFlash, address: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  flash.read(address, bytes);
  return bytes;
}

function noise(length: number, seed = 7): Uint8Array {
  const bytes = new Uint8Array(length);
  new SeededRandom(seed).fill(bytes);
  return bytes;
}

const seeds = fc.integer({ min: 0, max: 0xffff_ffff });
const blocks = fc.integer({ min: 1, max: 40 });
/** A program of whole blocks somewhere in the flash. */
const programs = fc
  .tuple(fc.integer({ min: 0, max: SECTORS * 256 - 1 }), blocks, seeds)
  .map(([first, count, seed]) => ({
    address: first * 16,
    bytes: noise(Math.min(count, SECTORS * 256 - first) * 16, seed),
  }));

describe.each(MODES)("%s flash", (mode) => {
  it("returns what was programmed, read at any alignment", () => {
    fc.assert(
      fc.property(programs, fc.nat(), fc.nat(), ({ address, bytes }, skip, take) => {
        const flash = flashOf({ mode });
        flash.program(address, bytes);
        const from = skip % bytes.length;
        const to = from + (take % (bytes.length - from + 1));
        expect(readFrom(flash, address + from, to - from)).toEqual(bytes.slice(from, to));
      }),
    );
  });

  it("only clears bits when it programs, and only where it programs", () => {
    fc.assert(
      fc.property(fc.array(programs, { minLength: 1, maxLength: 5 }), (writes) => {
        const flash = flashOf({ mode, reprogramming: "counted" });
        for (const { address, bytes } of writes) {
          const before = flash.image();
          flash.program(address, bytes);
          const after = flash.image();
          expect(after.every((byte, at) => (byte & ~(before[at] ?? 0)) === 0)).toBe(true);
          before.set(after.subarray(address, address + bytes.length), address);
          expectSame(after, before);
        }
      }),
    );
  });

  it("refuses a second program of a block until an erase has completed, and changes nothing by it", () => {
    const flash = flashOf({ mode });
    flash.program(32, noise(16));
    const before = flash.image();
    expect(() => flash.program(0, noise(64))).toThrow("programmed once");
    expectSame(flash.image(), before);
    expect(flash.reprogrammedBlocks).toBe(1);
    flash.erase(0);
    flash.program(0, noise(64));
    expect(readFrom(flash, 0, 64)).toEqual(noise(64));
  });

  it("refuses what is misaligned, not of whole blocks or out of range", () => {
    const flash = flashOf({ mode });
    const end = SECTORS * SECTOR;
    for (const [address, length] of [
      [8, 16],
      [0, 15],
      [-16, 16],
      [end - 16, 32],
      [Number.NaN, 16],
    ] as const) {
      expect(() => flash.program(address, noise(length))).toThrow("assertion failed");
    }
    for (const [address, length] of [
      [-1, 2],
      [end - 1, 2],
      [0.5, 1],
    ] as const) {
      expect(() => readFrom(flash, address, length)).toThrow("assertion failed");
    }
    for (const sector of [-1, SECTORS, 0.5]) expect(() => flash.erase(sector)).toThrow("assertion failed");
    expect(flash.image().every((byte) => byte === 0xff)).toBe(true);
  });

  it("leaves the bytes before a cut whole and everything outside the page untouched, at every byte", () => {
    const start = SECTOR - 320;
    const bytes = noise(640);
    const flash = flashOf({ mode });
    flash.program(0, noise(64, 8));
    flash.program(2 * SECTOR, noise(64, 9));
    const before = flash.snapshot();
    const complete = flashOf({ mode });
    complete.program(start, bytes);
    const whole = complete.image();
    for (let at = 0; at < bytes.length; at++) {
      flash.restore(before);
      flash.cutAfter(at);
      expect(() => flash.program(start, bytes)).toThrow(PowerCut);
      const cells = flash.image();
      const cut = start + at;
      const pageEnd = cut - (cut % 256) + 256;
      expectSame(cells.subarray(start, cut), whole.subarray(start, cut));
      expect(cells.subarray(cut, pageEnd).every((byte, k) => (~byte & (whole[cut + k] ?? 0)) === 0)).toBe(
        true,
      );
      expectSame(cells.subarray(0, start), before.cells.subarray(0, start));
      expectSame(cells.subarray(pageEnd), before.cells.subarray(pageEnd));
      flash.powerUp();
      const wholeBlocks = at - (at % 16);
      expectSame(readFrom(flash, start, wholeBlocks), bytes.slice(0, wholeBlocks));
    }
  });

  it("leaves other sectors untouched by a cut erase, and takes no program there until an erase completes", () => {
    fc.assert(
      fc.property(seeds, fc.nat(SECTOR - 1), (seed, after) => {
        const flash = flashOf({ mode }, seed);
        flash.program(0, noise(SECTORS * SECTOR));
        const before = flash.image();
        flash.cutAfter(after);
        expect(() => flash.erase(1)).toThrow(PowerCut);
        flash.powerUp();
        before.set(flash.image().subarray(SECTOR, 2 * SECTOR), SECTOR);
        expectSame(flash.image(), before);
        expect(() => flash.program(SECTOR, noise(16))).toThrow("programmed once");
        flash.erase(1);
        flash.program(SECTOR, noise(16));
        expect(readFrom(flash, SECTOR, 16)).toEqual(noise(16));
      }),
      { numRuns: 40 },
    );
  });

  it("answers nothing but PowerCut until the power is back", () => {
    const flash = flashOf({ mode });
    flash.cutAfter(0);
    expect(() => flash.program(0, noise(16))).toThrow(PowerCut);
    expect(() => readFrom(flash, 0, 1)).toThrow(PowerCut);
    expect(() => flash.program(SECTOR, noise(16))).toThrow(PowerCut);
    expect(() => flash.erase(0)).toThrow(PowerCut);
    flash.powerUp();
    flash.program(SECTOR, noise(16));
    expect(readFrom(flash, SECTOR, 16)).toEqual(noise(16));
  });

  it("counts a programmed byte as one and an erase as a sector towards the cut, and completes what fits", () => {
    const flash = flashOf({ mode });
    flash.cutAfter(SECTOR + 64);
    flash.program(0, noise(32));
    flash.erase(1);
    flash.program(32, noise(32));
    expect(() => flash.program(64, noise(16))).toThrow(PowerCut);
    expect(flash.programmedBytes).toBe(64);
  });

  it("may read torn bits differently from read to read, until its sector is erased", () => {
    const differ = (seed: number, marginal: boolean) => {
      const flash = flashOf({ mode, marginal }, seed);
      flash.cutAfter(0);
      expect(() => flash.program(0, noise(256))).toThrow(PowerCut);
      flash.powerUp();
      const looks = new Set(Array.from({ length: 8 }, () => readFrom(flash, 0, 256).join()));
      flash.erase(0);
      flash.program(0, noise(256));
      for (let look = 0; look < 8; look++) expectSame(readFrom(flash, 0, 256), noise(256));
      return looks.size > 1;
    };
    const tried = Array.from({ length: 40 }, (_, seed) => seed);
    expect(tried.some((seed) => differ(seed, true))).toBe(true);
    expect(tried.some((seed) => !differ(seed, true))).toBe(true);
    expect(tried.some((seed) => differ(seed, false))).toBe(false);
  });

  it("comes back from a snapshot, and a snapshot is a copy", () => {
    fc.assert(
      fc.property(seeds, programs, (seed, { address, bytes }) => {
        const flash = flashOf({ mode }, seed);
        flash.program(0, noise(512));
        const snapshot = flash.snapshot();
        const before = flash.image();
        for (let sector = 0; sector < SECTORS; sector++) flash.erase(sector);
        flash.program(address, bytes);
        flash.restore(snapshot);
        expectSame(flash.image(), before);
        expectSame(readFrom(flash, 0, 512), noise(512));
        expect(() => flash.program(496, noise(16))).toThrow("programmed once");
        flash.program(512, noise(16));
        flash.restore(snapshot);
        expectSame(flash.image(), before);
      }),
    );
  });

  it("puts back all that an attempt changed, also an attempt within another, and draws on as if it had not been", () => {
    fc.assert(
      fc.property(seeds, fc.nat(255), fc.nat(SECTOR - 1), (seed, inProgram, inErase) => {
        const begun = () => {
          const flash = flashOf({ mode }, seed);
          flash.program(0, noise(512));
          flash.cutAfter(inProgram);
          expect(() => flash.program(512, noise(256))).toThrow(PowerCut);
          flash.powerUp();
          return flash;
        };
        const wreck = (flash: NorFlash) => {
          flash.cutAfter(SECTOR + inErase);
          flash.erase(0);
          expect(() => flash.erase(1)).toThrow(PowerCut);
        };
        const looks = (flash: NorFlash) =>
          Buffer.concat([flash.image(), ...[1, 2, 3].map(() => readFrom(flash, 0, SECTORS * SECTOR))]);
        const [untouched, flash] = [begun(), begun()];
        flash.attempt(new SeededRandom(seed + 1), () => {
          flash.erase(0);
          flash.program(16, noise(32, 9));
          const between = flash.image();
          flash.attempt(new SeededRandom(seed + 2), () => {
            flash.rotBit(SECTOR, 0);
            wreck(flash);
          });
          expectSame(flash.image(), between);
          flash.program(48, noise(32, 9));
          expect(() => flash.program(16, noise(16))).toThrow("programmed once");
          expect([...flash.eraseCounts]).toEqual([1, 0, 0]);
        });
        expect([...flash.eraseCounts]).toEqual([0, 0, 0]);
        expectSame(looks(flash), looks(untouched));
        wreck(flash);
        wreck(untouched);
        flash.powerUp();
        untouched.powerUp();
        expectSame(looks(flash), looks(untouched));
      }),
      { numRuns: 30 },
    );
  });

  it("starts from the image of another flash of the same seed, and knows which blocks are erased", () => {
    const flash = flashOf({ mode });
    flash.program(64, noise(64));
    const again = flashOf({ mode, content: flash.image() });
    expect(readFrom(again, 64, 64)).toEqual(noise(64));
    expect(() => again.program(112, noise(16))).toThrow("programmed once");
    again.program(128, noise(16));
    expect(readFrom(again, 128, 16)).toEqual(noise(16));
  });

  it("does silently nothing in a stuck sector", () => {
    const flash = flashOf({ mode });
    flash.program(0, noise(16));
    const before = flash.image();
    flash.stuckSector(0);
    flash.erase(0);
    flash.program(0, noise(32, 8));
    expectSame(flash.image(), before);
    expect(flash.reprogrammedBlocks).toBe(0);
  });

  it("flips one cell where a bit rots", () => {
    const flash = flashOf({ mode });
    flash.program(0, noise(32));
    const expected = flash.image();
    expected[5] = (expected[5] ?? 0) ^ 8;
    flash.rotBit(5, 3);
    expectSame(flash.image(), expected);
    expect(readFrom(flash, 0, 16)).not.toEqual(noise(32).slice(0, 16));
    expect(readFrom(flash, 16, 16)).toEqual(noise(32).slice(16));
  });

  it("draws the same faults from the same seed", () => {
    const wreck = (seed: number) => {
      const flash = flashOf({ mode }, seed);
      flash.program(SECTOR, noise(SECTOR));
      flash.cutAfter(100);
      expect(() => flash.program(0, noise(256))).toThrow(PowerCut);
      flash.powerUp();
      flash.cutAfter(0);
      expect(() => flash.erase(1)).toThrow(PowerCut);
      flash.powerUp();
      return Buffer.concat([flash.image(), readFrom(flash, 0, 2 * SECTOR), readFrom(flash, 0, 2 * SECTOR)]);
    };
    for (let seed = 0; seed < 10; seed++) expectSame(wreck(seed), wreck(seed));
  });
});

describe("plain flash", () => {
  it("reads ones after an erase and the AND of what was programmed twice", () => {
    const flash = flashOf({ reprogramming: "counted" });
    flash.program(0, Uint8Array.of(...new Array(16).fill(0b1100)));
    flash.program(0, Uint8Array.of(...new Array(16).fill(0b1010)));
    expect(readFrom(flash, 0, 16)).toEqual(new Uint8Array(16).fill(0b1000));
    expect(flash.reprogrammedBlocks).toBe(1);
    flash.erase(0);
    expect(readFrom(flash, 0, 16)).toEqual(new Uint8Array(16).fill(0xff));
  });

  it("leaves by its cuts anything from nothing to everything of a page", () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const flash = flashOf({}, seed);
      flash.cutAfter(0);
      expect(() => flash.program(0, new Uint8Array(256))).toThrow(PowerCut);
      const ones = distance(flash.image().subarray(0, 256), new Uint8Array(256));
      outcomes.add(
        ones === 0
          ? "all"
          : ones < 5
            ? "nearly all"
            : ones === 2048
              ? "none"
              : ones > 2043
                ? "hardly any"
                : "some",
      );
    }
    expect([...outcomes].sort()).toEqual(["all", "hardly any", "nearly all", "none", "some"]);
  });
});

describe("encrypted flash", () => {
  it("does not read ones where it is erased, nor the same in two places", () => {
    const flash = flashOf({ mode: "encrypted" });
    flash.erase(0);
    const seen = new Set<string>();
    for (let at = 0; at < SECTOR; at += 16) seen.add(readFrom(flash, at, 16).join());
    expect(seen.size).toBe(256);
    const ones = distance(readFrom(flash, 0, SECTOR), new Uint8Array(SECTOR));
    expect(ones / (8 * SECTOR)).toBeCloseTo(0.5, 1);
  });

  it("turns a block to noise both ways when one bit changes", () => {
    const changed = { cells: 0, bytes: 0 };
    for (let bit = 0; bit < 128; bit++) {
      const one = flashOf({ mode: "encrypted" });
      const other = flashOf({ mode: "encrypted" });
      const bytes = noise(16);
      one.program(0, bytes);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      other.program(0, bytes);
      const cells = distance(one.image(), other.image());
      one.rotBit(bit >> 3, bit & 7);
      const read = distance(readFrom(one, 0, 16), noise(16));
      expect(Math.min(cells, read)).toBeGreaterThan(32);
      changed.cells += cells;
      changed.bytes += read;
    }
    expect(changed.cells / 128).toBeCloseTo(64, -1);
    expect(changed.bytes / 128).toBeCloseTo(64, -1);
  });
});

describe("what the flash counts", () => {
  it("knows the erases of each sector and the bytes programmed", () => {
    const flash = flashOf();
    flash.erase(1);
    flash.erase(1);
    flash.erase(2);
    flash.program(0, noise(48));
    expect([...flash.eraseCounts]).toEqual([0, 2, 1]);
    expect(flash.programmedBytes).toBe(48);
  });

  it("knows the bytes read and the sectors touched since the last reset", () => {
    const flash = flashOf();
    readFrom(flash, 0, 10);
    flash.resetStatistics();
    readFrom(flash, SECTOR - 1, 2);
    readFrom(flash, SECTOR - 1, 1);
    expect(flash.reads).toEqual({ bytes: 3, sectors: 2 });
  });
});

/** `toEqual` takes milliseconds for a kilobyte. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected), "both have the same bytes").toBe(0);
}

/** Number of bits that differ. */
function distance(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, byte, at) => sum + (byte ^ (b[at] ?? 0)).toString(2).replaceAll("0", "").length, 0);
}
