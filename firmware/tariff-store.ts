// The tariffs that credit is drawn by, in a flash partition of their own: two slots of two sectors. What is saved goes
// to the sector of its slot that does not hold the newest document, and is read back; what it replaces stays until the
// next save. So a power cut at any byte leaves the other slot whole, and of this one the old document or the new.
//
// What a cut left may read as whole at one boot and not at the next. Nobody has been told yet that it is stored; but
// for that reason a document counts as stored only if it was written since power-up, and is else written once more.
import { CREDIT_TARIFF_BYTES_MAX, type TariffStore } from "../src/credit/ports.js";
import { assert, putUint, readUint, sameBytes } from "../src/trusted/encoding/bytes.js";
import { crc32c } from "../src/trusted/journal/crc32c.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../src/trusted/ports.js";

/** Sectors of the partition. */
export const TARIFF_SECTORS = 4;
const SECTORS_PER_SLOT = 2;
/** u32be sequence, from 1; u32be length; u32be CRC-32C of those and the document; zeros. */
const HEAD_BYTES = 16;

interface Stored {
  readonly sector: number;
  readonly sequence: number;
  readonly document: Uint8Array;
}

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
    return this.#newest(slot)?.document ?? null;
  }

  /**
   * Takes an erase and a program, or nothing if the document was saved there last since power-up.
   * @returns false when neither sector of the slot takes it.
   */
  save(slot: 0 | 1, document: Uint8Array): boolean {
    assert(document.length <= CREDIT_TARIFF_BYTES_MAX, "a tariff fits its sector");
    const living = this.#newest(slot);
    if (living && this.#written.get(slot) === living.sequence && sameBytes(living.document, document))
      return true;
    const sequence = (living?.sequence ?? 0) + 1;
    const first = SECTORS_PER_SLOT * slot;
    const spare = living?.sector === first ? first + 1 : first;
    if (!this.#write(spare, sequence, document)) {
      // The slot is to be overwritten whole anyway, unless it holds this very document.
      if (living && sameBytes(living.document, document)) return true;
      const other = 2 * first + 1 - spare;
      if (!this.#write(other, sequence, document)) return false;
    }
    this.#written.set(slot, sequence);
    return true;
  }

  /** @returns whether it reads back. */
  #write(sector: number, sequence: number, document: Uint8Array): boolean {
    this.#flash.erase(sector);
    this.#flash.program(sector * SECTOR_BYTES, encode(sequence, document));
    const written = this.#read(sector);
    return written?.sequence === sequence && sameBytes(written.document, document);
  }

  #newest(slot: 0 | 1): Stored | null {
    const first = SECTORS_PER_SLOT * slot;
    const [a, b] = [this.#read(first), this.#read(first + 1)];
    if (!a || !b) return a ?? b;
    return a.sequence > b.sequence ? a : b;
  }

  #read(sector: number): Stored | null {
    const head = new Uint8Array(HEAD_BYTES);
    this.#flash.read(sector * SECTOR_BYTES, head);
    const [sequence, length] = [readUint(head, 0, 4), readUint(head, 4, 4)];
    if (sequence === 0 || length > CREDIT_TARIFF_BYTES_MAX) return null;
    const document = new Uint8Array(length);
    this.#flash.read(sector * SECTOR_BYTES + HEAD_BYTES, document);
    if (readUint(head, 8, 4) !== crc32c(head.subarray(0, 8), document)) return null;
    return { sector, sequence, document };
  }
}

function encode(sequence: number, document: Uint8Array): Uint8Array {
  const out = new Uint8Array(HEAD_BYTES + Math.ceil(document.length / BLOCK_BYTES) * BLOCK_BYTES);
  putUint(out, 0, sequence, 4);
  putUint(out, 4, document.length, 4);
  out.set(document, HEAD_BYTES);
  putUint(out, 8, crc32c(out.subarray(0, 8), document), 4);
  return out;
}
