// The unit's keys in an encrypted flash partition of their own, as one set that is replaced whole. A set is
// written to another sector than the living one, read back, and only then are the others erased. What a power
// cut leaves is never trusted twice: a set that was found beside another at a boot is written anew before it
// is used, since the cells of a cut program may read differently the next time.
import { assert } from "../src/trusted/encoding/bytes.js";
import type { Flash, SecretStore } from "../src/trusted/ports.js";
import { readStored, type Stored, writeStored } from "./stored-sector.js";

/** Largest set, bytes (SecretStore). */
const SECRETS_BYTES_MAX = 1024;

export class FlashSecretStore implements SecretStore {
  readonly #flash: Flash;
  #living: Stored | null | undefined;

  /**
   * @param flash the partition: at least 2 sectors. With 4 a second and a third power cut within the
   *   milliseconds of a save, each leaving cells in between, still lose no set.
   */
  constructor(flash: Flash) {
    assert(flash.sectors >= 2, "the partition of the keys has at least two sectors");
    this.#flash = flash;
  }

  load(): Uint8Array | null {
    if (this.#living === undefined) this.#living = this.#settle();
    return this.#living?.bytes.slice() ?? null;
  }

  /** @throws Error when no other sector holds what is written to it: the old set is then still the living one. */
  save(secrets: Uint8Array): void {
    assert(secrets.length <= SECRETS_BYTES_MAX, "secrets fit their sector");
    this.load();
    this.#living = this.#replace(this.#living ?? null, secrets.slice());
  }

  /** The newest set of the partition, written anew if an interrupted save may have left it. */
  #settle(): Stored | null {
    const found = this.#all();
    const newest = found.at(-1);
    if (!newest) return null;
    if (found.length > 1) return this.#replace(newest, newest.bytes);
    // What a cut save left may read as a set at a later boot.
    this.#eraseOthers(newest.sector);
    return newest;
  }

  /** Writes a set beside the living one, and erases all others once it reads back. */
  #replace(living: Stored | null, secrets: Uint8Array): Stored {
    const sequence = (living?.sequence ?? 0) + 1;
    for (const sector of this.#targets(living)) {
      const written = writeStored(this.#flash, { sector, sequence, bytes: secrets });
      if (!written) continue;
      this.#eraseOthers(sector);
      return written;
    }
    throw new Error("no sector of the key store takes a new set");
  }

  #eraseOthers(sector: number): void {
    for (let other = 0; other < this.#flash.sectors; other++) {
      if (other !== sector) this.#flash.erase(other);
    }
  }

  /** Sectors to write to, best first: those without a set, then the oldest sets; never the living one. */
  #targets(living: Stored | null): number[] {
    const whole = this.#all().map(({ sector }) => sector);
    const empty = Array.from({ length: this.#flash.sectors }, (_, sector) => sector).filter(
      (sector) => !whole.includes(sector),
    );
    return [...empty, ...whole].filter((sector) => sector !== living?.sector);
  }

  /** All whole sets by rising sequence. */
  #all(): Stored[] {
    const found: Stored[] = [];
    for (let sector = 0; sector < this.#flash.sectors; sector++) {
      const stored = readStored(this.#flash, sector, SECRETS_BYTES_MAX);
      if (stored) found.push(stored);
    }
    return found.sort((a, b) => a.sequence - b.sequence);
  }
}
