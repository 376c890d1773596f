// The unit's keys in an encrypted flash partition of their own, as one set that is replaced whole. A set is
// written to another sector than the living one, read back, and only then are the others erased. What a power
// cut leaves is never trusted twice: a set that was found beside another at a boot is written anew before it
// is used, since the cells of a cut program may read differently the next time.
import { assert, putUint, readUint, sameBytes } from "../src/trusted/encoding/bytes.js";
import { crc32c } from "../src/trusted/journal/crc32c.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES, type SecretStore } from "../src/trusted/ports.js";

/** Largest set, bytes (SecretStore). */
const SECRETS_BYTES_MAX = 1024;
/** u32be sequence, from 1; u32be length; u32be CRC-32C of those and the set; zeros. */
const HEAD_BYTES = 16;

interface Stored {
  readonly sector: number;
  readonly sequence: number;
  readonly secrets: Uint8Array;
}

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
    return this.#living?.secrets.slice() ?? null;
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
    if (found.length > 1) return this.#replace(newest, newest.secrets);
    // What a cut save left may read as a set at a later boot.
    this.#eraseOthers(newest.sector);
    return newest;
  }

  /** Writes a set beside the living one, and erases all others once it reads back. */
  #replace(living: Stored | null, secrets: Uint8Array): Stored {
    const sequence = (living?.sequence ?? 0) + 1;
    for (const sector of this.#targets(living)) {
      this.#flash.erase(sector);
      this.#flash.program(sector * SECTOR_BYTES, encode(sequence, secrets));
      const written = this.#read(sector);
      if (written?.sequence !== sequence || !sameBytes(written.secrets, secrets)) continue;
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
      const stored = this.#read(sector);
      if (stored) found.push(stored);
    }
    return found.sort((a, b) => a.sequence - b.sequence);
  }

  #read(sector: number): Stored | null {
    const head = new Uint8Array(HEAD_BYTES);
    this.#flash.read(sector * SECTOR_BYTES, head);
    const [sequence, length] = [readUint(head, 0, 4), readUint(head, 4, 4)];
    if (sequence === 0 || length > SECRETS_BYTES_MAX) return null;
    const secrets = new Uint8Array(length);
    this.#flash.read(sector * SECTOR_BYTES + HEAD_BYTES, secrets);
    if (readUint(head, 8, 4) !== crc32c(head.subarray(0, 8), secrets)) return null;
    return { sector, sequence, secrets };
  }
}

function encode(sequence: number, secrets: Uint8Array): Uint8Array {
  const length = HEAD_BYTES + Math.ceil(secrets.length / BLOCK_BYTES) * BLOCK_BYTES;
  const out = new Uint8Array(length);
  putUint(out, 0, sequence, 4);
  putUint(out, 4, secrets.length, 4);
  out.set(secrets, HEAD_BYTES);
  putUint(out, 8, crc32c(out.subarray(0, 8), secrets), 4);
  return out;
}
