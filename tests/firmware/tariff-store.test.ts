// The store of the tariffs under power cuts at every byte, in plain and in encrypted flash, with cells that read
// differently afterwards: the slot that is not written never changes, and the one that is has the old document or the
// new, as whole.
import { describe, expect, it } from "vitest";
import { FlashTariffStore, TARIFF_SECTORS } from "../../firmware/tariff-store.js";
import { NorFlash, PowerCut } from "../../host-sim/flash.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { CREDIT_TARIFF_BYTES_MAX } from "../../src/credit/ports.js";
import { type Flash, SECTOR_BYTES } from "../../src/trusted/ports.js";

const tariff = (fill: number, length = 300) => new Uint8Array(length).fill(fill);
const hex = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString("hex");
/** Of a tariff of 300 bytes with its head. */
const PROGRAM_BYTES = 320;

function chip(mode: "plain" | "encrypted", seed = 1): NorFlash {
  return new NorFlash({ sectors: TARIFF_SECTORS, mode, random: new SeededRandom(seed).fork(mode) });
}

/** @returns whether the power failed. */
function failing(work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    if (error instanceof PowerCut) return true;
    throw error;
  }
}

const erases = (flash: NorFlash) => [...flash.eraseCounts].reduce((sum, count) => sum + count, 0);

describe.each(["plain", "encrypted"] as const)("the store of tariffs in %s flash", (mode) => {
  it("is empty in a blank chip, and has two slots that outlive the power", () => {
    const flash = chip(mode);
    const store = new FlashTariffStore(flash);
    expect([store.load(0), store.load(1)]).toEqual([null, null]);
    store.save(1, tariff(1, CREDIT_TARIFF_BYTES_MAX));
    expect(store.load(0)).toBeNull();
    store.save(0, tariff(2, 0));
    flash.powerUp();
    const after = new FlashTariffStore(flash);
    expect([hex(after.load(0)), hex(after.load(1))]).toEqual(["", hex(tariff(1, CREDIT_TARIFF_BYTES_MAX))]);
  });

  it("gives the last of many, and wears the sectors of its slot alike", () => {
    const flash = chip(mode);
    const store = new FlashTariffStore(flash);
    for (let day = 1; day <= 20; day++) store.save(1, tariff(day));
    expect(hex(store.load(1))).toBe(hex(tariff(20)));
    expect([...flash.eraseCounts]).toEqual([0, 0, 10, 10]);
  });

  it("after a cut at any byte has the other slot whole, and in this one the old tariff or the new", () => {
    const work = SECTOR_BYTES + PROGRAM_BYTES;
    let [olds, news] = [0, 0];
    // Each byte of the program; an erase's cuts differ less.
    for (let byte = 0; byte <= work; byte += byte < SECTOR_BYTES ? 32 : 1) {
      const flash = chip(mode, 1 + byte);
      const store = new FlashTariffStore(flash);
      store.save(0, tariff(1));
      for (const fill of [2, 3]) store.save(1, tariff(fill));
      flash.cutAfter(byte);
      const cut = failing(() => store.save(1, tariff(4)));
      for (let boot = 0; boot < 3; boot++) {
        flash.powerUp();
        const after = new FlashTariffStore(flash);
        expect(hex(after.load(0))).toBe(hex(tariff(1)));
        const loaded = hex(after.load(1));
        expect(cut ? [hex(tariff(3)), hex(tariff(4))] : [hex(tariff(4))]).toContain(loaded);
        loaded === hex(tariff(4)) ? news++ : olds++;
      }
    }
    expect(Math.min(olds, news)).toBeGreaterThan(0);
  });

  it("has what is saved once more after a cut, at every boot from then on", () => {
    for (let byte = SECTOR_BYTES; byte <= SECTOR_BYTES + PROGRAM_BYTES; byte++) {
      const flash = chip(mode, 1 + byte);
      flash.cutAfter(byte);
      failing(() => new FlashTariffStore(flash).save(0, tariff(4)));
      flash.powerUp();
      // Whatever it seems to be: cells at their threshold are not taken for stored.
      new FlashTariffStore(flash).save(0, tariff(4));
      for (let boot = 0; boot < 5; boot++) {
        flash.powerUp();
        expect(hex(new FlashTariffStore(flash).load(0))).toBe(hex(tariff(4)));
      }
    }
  });

  it("writes nothing when it is read, nor for a tariff that it has written since power-up", () => {
    const flash = chip(mode);
    const store = new FlashTariffStore(flash);
    store.save(0, tariff(1));
    for (let again = 0; again < 5; again++) {
      store.save(0, tariff(1));
      store.load(0);
      new FlashTariffStore(flash).load(1);
    }
    expect(erases(flash)).toBe(1);
    store.save(0, tariff(2));
    expect(erases(flash)).toBe(2);
  });

  it("goes round a sector that holds nothing, and says so when its slot has no other", () => {
    const flash = chip(mode);
    const store = new FlashTariffStore(flash);
    store.save(0, tariff(1));
    flash.stuckSector(0);
    store.save(0, tariff(2));
    store.save(0, tariff(3));
    expect(hex(store.load(0))).toBe(hex(tariff(3)));
    flash.stuckSector(1);
    expect(store.save(0, tariff(4))).toBe(false);
    store.save(1, tariff(5));
    expect(hex(store.load(1))).toBe(hex(tariff(5)));
  });

  it("takes a tariff with a rotten bit for none, in favour of the one before", () => {
    const flash = chip(mode);
    const store = new FlashTariffStore(flash);
    store.save(0, tariff(1));
    store.save(0, tariff(2));
    flash.rotBit(SECTOR_BYTES + 20, 3);
    expect(hex(store.load(0))).toBe(hex(tariff(1)));
    flash.rotBit(20, 3);
    expect(store.load(0)).toBeNull();
  });
});

it("refuses a partition of another size and a tariff that does not fit", () => {
  const two: Flash = { sectors: 2, read: () => {}, program: () => {}, erase: () => {} };
  expect(() => new FlashTariffStore(two)).toThrow("four sectors");
  expect(() => new FlashTariffStore(chip("plain")).save(0, tariff(1, 4001))).toThrow("fits its sector");
});
