// A ring of flash sectors that records are appended to: what the log and the state have in common. A sector is
// written only after an erase in this boot and a header that read back, and a record counts once it read back.
// Nothing is inferred from flash that looks erased. A sector's sequence number is its position modulo the number
// of sectors, so it names the position too.
import { concatBytes } from "@noble/hashes/utils.js";
import { assert, sameBytes, uintBytes } from "../encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../ports.js";
import { crc32c } from "./crc32c.js";
import { encodeRecord, type JournalRecord, readRecord, recordBytes } from "./record.js";

const MAGIC = 0x534d4c32; // "SML2"
export const HEADER_BYTES = 32;
/** Where in a header its CRC stands, over all that is before it. */
const CRC_AT = 24;
/** Sectors tried one after the other before the flash counts as dead. */
export const TRIES_MAX = 8;

/** For intervals, batches and events (Mark) the lowest number that no earlier sector holds. */
export type Marks = [number, number, number];
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

export interface Found extends JournalRecord {
  readonly place: Place;
  /** Where to look for the record after it. */
  readonly next: Place;
}

function encodeHeader({ sequence, base, marks }: Header): Uint8Array {
  const head = concatBytes(...[MAGIC, sequence, base, ...marks].map((value) => uintBytes(value, 4)));
  return concatBytes(head, uintBytes(crc32c(head), 4), new Uint8Array(HEADER_BYTES - CRC_AT - 4));
}

export class SectorRing {
  readonly #flash: Flash;
  readonly #first: number;
  readonly sectors: number;
  /** Sequence number of the sector at each position; 0 where there is none, or what it holds counts no more. */
  protected readonly live: Uint32Array;
  /** Sequence number of the sector being written, and where in it the next record goes. */
  tail = 0;
  #end = SECTOR_BYTES;
  #highest: number;
  /** The header last read. A restart reads all of them: on the meter's engine a buffer for each is dear garbage. */
  readonly #head = new Uint8Array(HEADER_BYTES);
  readonly #view = new DataView(this.#head.buffer);
  readonly #checked = this.#head.subarray(0, CRC_AT);
  /** Position of the sector that holds the newest record: never erased before a newer one is whole elsewhere. */
  protected newest = -1;
  /** For the header of a sector that is begun. */
  marks: Marks = [0, 0, 0];

  /** Sectors that could not be written since power-up, in the flash's numbering. */
  readonly badSectors: number[];

  /**
   * @param first the ring's first sector. @param sectors its length, at least 4.
   * @param bad the list of bad sectors, which two rings may share.
   */
  constructor(flash: Flash, first: number, sectors: number, bad: number[] = []) {
    assert(sectors >= 4 && first + sectors <= flash.sectors, "a ring has at least 4 sectors of the flash");
    this.#flash = flash;
    this.#first = first;
    this.badSectors = bad;
    this.sectors = sectors;
    this.live = new Uint32Array(sectors);
    this.#highest = sectors - 1;
  }

  /** Erases the whole ring: nothing of what it held is found again. */
  clear(): void {
    for (let position = 0; position < this.sectors; position++) this.#flash.erase(this.#first + position);
    this.#end = SECTOR_BYTES;
  }

  /** The header of the sector at a position, or null. What is begun later has a higher number than any seen. */
  protected header(position: number): Header | null {
    this.#flash.read(this.#address(position), this.#head);
    const view = this.#view;
    const sequence = view.getUint32(4);
    if (view.getUint32(0) !== MAGIC || sequence % this.sectors !== position) return null;
    if (crc32c(this.#checked) !== view.getUint32(CRC_AT)) return null;
    this.#highest = Math.max(this.#highest, sequence);
    return {
      sequence,
      base: view.getUint32(8),
      marks: [view.getUint32(12), view.getUint32(16), view.getUint32(20)],
    };
  }

  /**
   * Erases and begins the sector at `position`, or the first one after it that takes a header. Sectors that are
   * known to be bad are passed by.
   * @throws Error when no sector can be begun any more.
   */
  protected begin(position: number, base: number): void {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const at = (position + attempt) % this.sectors;
      if (at === this.newest) continue;
      this.live[at] = 0;
      if (this.badSectors.includes(this.#first + at)) continue;
      this.#flash.erase(this.#first + at);
      const next = this.#highest + 1;
      const sequence = next + ((at - (next % this.sectors) + this.sectors) % this.sectors);
      this.#flash.program(this.#address(at), encodeHeader({ sequence, base, marks: this.marks }));
      this.#highest = sequence;
      if (this.header(at)?.sequence === sequence) {
        this.live[at] = sequence;
        this.tail = sequence;
        this.#end = HEADER_BYTES;
        return;
      }
      this.badSectors.push(this.#first + at);
    }
    throw new Error("journal: no sector can be begun");
  }

  /**
   * Appends a record, in the next sector if it does not fit the tail or does not read back from it. When it
   * returns, a power cut leaves the record.
   * @throws Error when no sector can be written any more.
   */
  append(record: JournalRecord): Place {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      if (this.#end + recordBytes(record.body.length) > SECTOR_BYTES) {
        this.begin((this.tail + 1) % this.sectors, 0);
      }
      const place = this.program(record);
      if (place === null) continue;
      this.newest = this.tail % this.sectors;
      return place;
    }
    throw new Error("journal: no sector can be written");
  }

  /** Programs a record at the tail's end, where it must fit; null, and the tail is bad, if it does not read back. */
  protected program(record: JournalRecord): Place | null {
    const place = placeOf(this.tail, this.#end);
    const blocks = encodeRecord(this.tail, this.#end, record);
    const address = this.#address(this.tail % this.sectors) + this.#end;
    this.#flash.program(address, blocks);
    this.#end += blocks.length;
    const written = new Uint8Array(blocks.length);
    this.#flash.read(address, written);
    if (sameBytes(written, blocks)) return place;
    this.badSectors.push(this.#first + (this.tail % this.sectors));
    this.#end = SECTOR_BYTES;
    return null;
  }

  /** The first whole record at or after a place within its sector, or null. */
  protected findInSector(from: Place): Found | null {
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
