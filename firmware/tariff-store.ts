// The tariffs that credit is drawn by, in a flash partition of their own: two slots of two sectors. What is saved goes
// to the sector of its slot that does not hold the newest document, and is read back; what it replaces stays until the
// next save. So a power cut at any byte leaves the other slot whole, and of this one the old document or the new.
//
// What a cut left may read as whole at one boot and not at the next. Nobody has been told yet that it is stored; but
// for that reason a document counts as stored only if it was written since power-up, and is else written once more.
import { CREDIT_TARIFF_BYTES_MAX, type TariffStore } from "../src/credit/ports.js";
import { assert, sameBytes } from "../src/trusted/encoding/bytes.js";
import type { Flash } from "../src/trusted/ports.js";
import { readStored, type Stored, writeStored } from "./stored-sector.js";

/** Sectors of the partition. */
export const TARIFF_SECTORS = 4;
const SECTORS_PER_SLOT = 2;

export class FlashTariffStore implements TariffStore {
  readonly #flash: Flash;
  /** By slot, the sequence of what was written since power-up. */
  readonly #written = new Map<number, number>();

  /** @param flash the partition, of TARIFF_SECTORS. */
  constructor(flash: Flash) {
    assert(flash.sectors === TARIFF_SECTORS, "the partition of the tariffs has four sectors");
    this.#flash = flash;
  }

  /** Reads two sectors; writes nothing. */
  load(slot: 0 | 1): Uint8Array | null {
    return this.#newest(slot)?.bytes ?? null;
  }

  /**
   * Takes an erase and a program, or nothing if the document was saved there last since power-up.
   * @returns false when neither sector of the slot takes it.
   */
  save(slot: 0 | 1, document: Uint8Array): boolean {
    assert(document.length <= CREDIT_TARIFF_BYTES_MAX, "a tariff fits its sector");
    const living = this.#newest(slot);
    if (living && this.#written.get(slot) === living.sequence && sameBytes(living.bytes, document))
      return true;
    const sequence = (living?.sequence ?? 0) + 1;
    const first = SECTORS_PER_SLOT * slot;
    const spare = living?.sector === first ? first + 1 : first;
    if (!writeStored(this.#flash, { sector: spare, sequence, bytes: document })) {
      // The slot is to be overwritten whole anyway, unless it holds this very document.
      if (living && sameBytes(living.bytes, document)) return true;
      const other = 2 * first + 1 - spare;
      if (!writeStored(this.#flash, { sector: other, sequence, bytes: document })) return false;
    }
    this.#written.set(slot, sequence);
    return true;
  }

  #newest(slot: 0 | 1): Stored | null {
    const first = SECTORS_PER_SLOT * slot;
    const read = (sector: number) => readStored(this.#flash, sector, CREDIT_TARIFF_BYTES_MAX);
    const [a, b] = [read(first), read(first + 1)];
    if (!a || !b) return a ?? b;
    return a.sequence > b.sequence ? a : b;
  }
}
