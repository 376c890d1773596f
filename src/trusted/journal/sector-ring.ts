// A ring of flash sectors that records are appended to: what the log and the state have in common. A sector is
// written only after an erase in this boot and a header that read back, and a record counts once it read back.
// Nothing is inferred from flash that looks erased. A sector's sequence number is its position modulo the number
// of sectors, so it names the position too; the live sectors' numbers rise along the ring up to the tail.
import { concatBytes } from "@noble/hashes/utils.js";
import { assert, sameBytes, uintBytes } from "../encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../ports.js";
import { crc32c } from "./crc32c.js";
import { encodeRecord, type JournalRecord, readRecord, recordBytes } from "./record.js";

const MAGIC = 0x534d4c32; // "SML2"
export const HEADER_BYTES = 32;
/** Where in a header its CRC stands, over all that is before it, and the complement of the sequence number. */
const CRC_AT = 24;
const COMPLEMENT_AT = 28;
/** Sectors tried one after the other before the flash counts as dead. */
export const TRIES_MAX = 8;

/** For intervals, batches and events (Mark) the lowest number that no earlier sector holds. */
export type Marks = [interval: number, batch: number, event: number];
export const Mark = { INTERVAL: 0, BATCH: 1, EVENT: 2 } as const;

export interface Header {
  readonly sequence: number;
  /** In a copy, the number of the first sector that it repeats: it stands for all from that one on; else 0. */
  readonly base: number;
  readonly marks: Marks;
}

/**
 * Where a record lies: its sector's sequence number times twice the sector's length, and its offset in it. So the
 * end of a full sector is a place of that sector and not the beginning of the next.
 */
export type Place = number;
const PLACES = 2 * SECTOR_BYTES;
export const placeOf = (sequence: number, offset: number): Place => sequence * PLACES + offset;
export const sequenceOf = (place: Place) => Math.floor(place / PLACES);

/** A record, where it lies, and where to look for the one after it. */
export type Found = JournalRecord & { readonly place: Place; readonly next: Place };

function encodeHeader({ sequence, base, marks }: Header): Uint8Array {
  const head = concatBytes(...[MAGIC, sequence, base, ...marks].map((value) => uintBytes(value, 4)));
  return concatBytes(head, uintBytes(crc32c(head), 4), uintBytes(~sequence >>> 0, 4));
}

export class SectorRing {
  readonly #flash: Flash;
  readonly #first: number;
  readonly sectors: number;
  /** Sequence number of the sector at each position; 0 where there is none, or what it holds counts no more. */
  readonly live: Uint32Array;
  /** Sequence number of the sector being written, and where in it the next record goes. */
  tail = 0;
  #end = SECTOR_BYTES;
  #highest: number;
  /** The header last looked at: every restart looks at all of them, and one buffer makes no garbage. */
  readonly #head = new Uint8Array(HEADER_BYTES);
  readonly #view = new DataView(this.#head.buffer);
  base = 0;
  readonly #bad: number[];

  /**
   * @param first the ring's first sector. @param sectors its length, at least 4.
   * @param bad where sectors that could not be written are added, in the flash's numbering.
   */
  constructor(flash: Flash, first: number, sectors: number, bad: number[]) {
    assert(sectors >= 4 && first + sectors <= flash.sectors, "a ring has at least 4 sectors of the flash");
    this.#flash = flash;
    this.#bad = bad;
    this.#first = first;
    this.sectors = sectors;
    this.live = new Uint32Array(sectors);
    this.#highest = sectors - 1;
  }

  /**
   * The sequence number in the header at a position, or 0. It stands there twice: the CRC costs too much to compute
   * for all sectors. The header's base is in `base` until the next look.
   */
  look(position: number): number {
    this.#flash.read(this.#address(position), this.#head);
    this.base = this.#view.getUint32(8);
    const sequence = this.#view.getUint32(4);
    const isWhole =
      this.#view.getUint32(0) === MAGIC && this.#view.getUint32(COMPLEMENT_AT) === ~sequence >>> 0;
    return isWhole && sequence % this.sectors === position ? sequence : 0;
  }

  /** The header of the sector at a position, or null. What is begun later has a higher number than any seen. */
  header(position: number): Header | null {
    const sequence = this.look(position);
    const view = this.#view;
    if (sequence === 0 || crc32c(this.#head.subarray(0, CRC_AT)) !== view.getUint32(CRC_AT)) return null;
    this.#highest = Math.max(this.#highest, sequence);
    const marks: Marks = [view.getUint32(12), view.getUint32(16), view.getUint32(20)];
    return { sequence, base: this.base, marks };
  }

  /** Erases the whole ring: nothing of what it held is found again. */
  clear(): void {
    for (let position = 0; position < this.sectors; position++) this.#flash.erase(this.#first + position);
  }

  /**
   * Erases and begins the sector at `position`, or the first one after it that takes a header. Sectors that are
   * known to be bad are passed by.
   * @param kept position of the sector that must not be erased.
   * @throws Error when no sector can be begun any more.
   */
  begin(position: number, kept: number, { base, marks }: Omit<Header, "sequence">): void {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const at = (position + attempt) % this.sectors;
      if (at === kept) continue;
      this.live[at] = 0;
      if (this.#bad.includes(this.#first + at)) continue;
      this.#flash.erase(this.#first + at);
      const next = this.#highest + 1;
      const sequence = next + ((at - (next % this.sectors) + this.sectors) % this.sectors);
      this.#flash.program(this.#address(at), encodeHeader({ sequence, base, marks }));
      this.#highest = sequence;
      if (this.header(at)?.sequence === sequence) {
        this.live[at] = sequence;
        this.tail = sequence;
        this.#end = HEADER_BYTES;
        return;
      }
      this.#bad.push(this.#first + at);
    }
    throw new Error("journal: no sector can be begun");
  }

  /**
   * Appends a record, in the next sector if it does not fit the tail or does not read back from it.
   * @param marks for the header of a sector that is begun. @param kept as for `begin`.
   * @throws Error when no sector can be written any more.
   */
  append(record: JournalRecord, marks: Marks, kept: number): Place {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      if (this.#end + recordBytes(record.body.length) > SECTOR_BYTES) {
        this.begin((this.tail + 1) % this.sectors, kept, { base: 0, marks });
      }
      const place = this.write(record);
      if (place !== null) return place;
    }
    throw new Error("journal: no sector can be written");
  }

  /** Programs a record at the tail's end, where it must fit; null, and the tail is bad, if it does not read back. */
  write(record: JournalRecord): Place | null {
    const place = placeOf(this.tail, this.#end);
    const blocks = encodeRecord(this.tail, this.#end, record);
    const address = this.#address(this.tail % this.sectors) + this.#end;
    this.#flash.program(address, blocks);
    this.#end += blocks.length;
    const written = new Uint8Array(blocks.length);
    this.#flash.read(address, written);
    if (sameBytes(written, blocks)) return place;
    this.#bad.push(this.#first + (this.tail % this.sectors));
    this.#end = SECTOR_BYTES;
    return null;
  }

  /** The first whole record at or after a place within its sector, or null. */
  findInSector(from: Place): Found | null {
    const sequence = sequenceOf(from);
    const position = sequence % this.sectors;
    const end = sequence === this.tail ? this.#end : SECTOR_BYTES;
    let offset = from % PLACES;
    for (; this.live[position] === sequence && offset < end; offset += BLOCK_BYTES) {
      const record = readRecord(this.#flash, this.#address(position), sequence, offset);
      const place = placeOf(sequence, offset);
      if (record) return { ...record, place, next: place + recordBytes(record.body.length) };
    }
    return null;
  }

  #address(position: number): number {
    return (this.#first + position) * SECTOR_BYTES;
  }
}
