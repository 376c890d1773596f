// The log ring: records appended sector after sector over the first part of the journal's flash, the oldest
// sector erased when a new one is begun. Nothing is inferred from erased-looking flash: the log ends at its
// last whole record, a sector is written only after an erase in this boot and a header that read back, and at
// a restart the last sector's records are first copied on, since a torn cell may read otherwise next time. The
// state says which copy was completed, never the log itself: an erase that was cut may leave anything of what
// the log says (docs/journal.md has the drawings and the reasons).

import { concatBytes } from "@noble/hashes/utils.js";
import { assert, sameBytes, uintBytes } from "../encoding/bytes.js";
import { BLOCK_BYTES, type Flash, SECTOR_BYTES } from "../ports.js";
import { crc32c } from "./crc32c.js";
import { encodeRecord, type LogRecord, RecordType, readRecord, recordBytes } from "./record.js";

const MAGIC = 0x534d4c31; // "SML1"
const HEADER_BYTES = 32;
/** Where in a header its CRC stands, over all that is before it. */
const CRC_AT = 28;
/** How many sectors ahead of the writer the configuration is moved out of the way. */
const MOVE_AHEAD = 8;
/** Sectors tried one after the other before the flash counts as dead. */
const TRIES_MAX = 8;

/** Where a record lies: its sector's sequence number, which names the sector for good, and its offset. */
export interface Place {
  readonly sequence: number;
  readonly offset: number;
}

/** For each numbered kind of record, the lowest number that can come next in the log. */
export interface Marks {
  readonly interval: number;
  readonly batch: number;
  readonly event: number;
}

export interface Found extends LogRecord {
  readonly place: Place;
  /** Where to look for the record after it. */
  readonly next: Place;
}

interface Header {
  readonly sequence: number;
  /** In a copy, the sequence number and the position of the sector that restarts began to copy on; else 0. */
  readonly copyOf: number;
  readonly chainStart: number;
  readonly marks: Marks;
}

function encodeHeader({ sequence, copyOf, chainStart, marks }: Header): Uint8Array {
  const body = concatBytes(
    uintBytes(MAGIC, 4),
    uintBytes(sequence, 4),
    uintBytes(copyOf, 4),
    uintBytes(chainStart, 4),
    uintBytes(marks.interval, 4),
    uintBytes(marks.batch, 4),
    uintBytes(marks.event, 4),
  );
  return concatBytes(body, uintBytes(crc32c(body), 4));
}

export class Log {
  readonly #flash: Flash;
  readonly #sectors: number;
  /** Sequence number of the sector at each position; 0 where there is none or a copy has replaced it. */
  readonly #sequences: Uint32Array;
  /** In a copy the first of the sectors that it repeats, else 0. */
  readonly #copyOf: Uint32Array;
  #tail = { position: 0, sequence: 0, end: SECTOR_BYTES };
  #highest = 0;
  #lastFound = 0;
  /** What can come after the last record; the owner of the records keeps it rising. */
  marks: Marks = { interval: 0, batch: 0, event: 0 };
  /** Record that must survive, and where it is; it is moved ahead of the writer. */
  configuration: Place | null = null;
  /** Sectors that could not be written, until the owner reports and clears them. */
  readonly badSectors: number[] = [];

  /** @param sectors how many sectors, from the first of the flash, are the log's; at least 4. */
  constructor(flash: Flash, sectors: number) {
    assert(sectors >= 4 && sectors <= flash.sectors, "log has at least 4 sectors");
    this.#flash = flash;
    this.#sectors = sectors;
    this.#sequences = new Uint32Array(sectors);
    this.#copyOf = new Uint32Array(sectors);
  }

  /**
   * Finds the log in the flash, then copies its last sector on so that writing can go on. Reads all headers
   * and one sector whole.
   * @param completed the sequence number of the last copy that was completed, as the state has it: of a later
   *   one anything may be missing. It must be durable already, lest the next restart finds an earlier state.
   * @returns whether there was a log at all.
   */
  recover(completed: number): boolean {
    let last: { header: Header; position: number } | null = null;
    for (let position = 0; position < this.#sectors; position++) {
      const header = this.#readHeader(position);
      if (!header) continue;
      this.#highest = Math.max(this.#highest, header.sequence);
      if (header.copyOf !== 0 && header.sequence > completed) continue;
      this.#sequences[position] = header.sequence;
      this.#copyOf[position] = header.copyOf;
      if (!last || header.sequence > last.header.sequence) last = { header, position };
    }
    if (!last) return false;
    this.#copyOn(last.header, last.position);
    this.#dropReplaced();
    return true;
  }

  /** Erases the ring and begins its first sector. */
  format(): void {
    for (let position = 0; position < this.#sectors; position++) this.#flash.erase(position);
    this.#open(0, { sequence: 0, copyOf: 0, chainStart: 0, marks: this.marks }, this.#sectors);
  }

  /**
   * Appends a record, verified by reading it back.
   * @throws Error when no sector can be written any more.
   */
  append(record: LogRecord): Place {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      if (this.#tail.end + recordBytes(record.payload.length) > SECTOR_BYTES) this.#openNext();
      const place = { sequence: this.#tail.sequence, offset: this.#tail.end };
      if (this.#write(record)) return place;
      this.badSectors.push(this.#tail.position);
      this.#tail.end = SECTOR_BYTES;
    }
    throw new Error("journal: no sector of the log can be written");
  }

  /** The first whole record at or after a place, in the order they were appended, or null. */
  find(from: Place): Found | null {
    let { sequence, offset } = from;
    while (sequence !== 0) {
      const found = this.#findInSector(sequence, offset);
      if (found || sequence === this.#tail.sequence) return found;
      sequence = this.#sequenceAfter(sequence); // strictly rising: at most every sector once
      offset = HEADER_BYTES;
    }
    return null;
  }

  /** The start of the youngest sector before which no record of `kind` from `number` on can lie. */
  seek(kind: keyof Marks, number: number): Place {
    const rising = new Uint16Array(this.#sectors);
    let count = 0;
    for (let step = 1; step <= this.#sectors; step++) {
      const position = (this.#tail.position + step) % this.#sectors; // numbers rise along the ring to the tail
      if (this.#sequences[position] !== 0) rising[count++] = position;
    }
    let first = 0;
    for (let last = count - 1; first < last; ) {
      const middle = Math.ceil((first + last) / 2);
      const header = this.#readHeader(rising[middle] as number);
      if (header && header.marks[kind] <= number) first = middle;
      else last = middle - 1;
    }
    return { sequence: this.#sequences[rising[first] as number] as number, offset: HEADER_BYTES };
  }

  /** The start of the oldest sector. */
  get start(): Place {
    return { sequence: this.#sequenceAfter(0), offset: HEADER_BYTES };
  }

  /** The start of the sector that is being written. */
  get tailStart(): Place {
    return { sequence: this.#tail.sequence, offset: HEADER_BYTES };
  }

  /**
   * What the oldest sector still held begins with; records before it were overwritten. The header of a sector
   * whose erase was cut may come and go: then it is the next one's.
   */
  oldestMarks(): Marks {
    let sequence = 0;
    let header: Header | null = null;
    while (!header) {
      sequence = this.#sequenceAfter(sequence);
      header = this.#readHeader(this.#position(sequence));
    }
    return header.marks;
  }

  #readHeader(position: number): Header | null {
    const bytes = new Uint8Array(HEADER_BYTES);
    this.#flash.read(position * SECTOR_BYTES, bytes);
    const view = new DataView(bytes.buffer);
    const sequence = view.getUint32(4);
    if (view.getUint32(0) !== MAGIC || sequence === 0) return null;
    if (crc32c(bytes.subarray(0, CRC_AT)) !== view.getUint32(CRC_AT)) return null;
    return {
      sequence,
      copyOf: view.getUint32(8),
      chainStart: view.getUint32(12),
      marks: { interval: view.getUint32(16), batch: view.getUint32(20), event: view.getUint32(24) },
    };
  }

  /**
   * Forgets what a copy repeats, complete or given up on the way to it, and what lies in sectors that the ring
   * has passed by because they would not be erased: their numbers are lower than one before them.
   */
  #dropReplaced(): void {
    const found = this.#sequences.slice();
    found.forEach((copy, at) => {
      const original = this.#copyOf[at] as number;
      if (original === 0) return;
      found.forEach((sequence, position) => {
        if (sequence >= original && sequence < copy) this.#sequences[position] = 0;
      });
    });
    let highest = 0;
    for (let step = 1; step <= this.#sectors; step++) {
      const position = (this.#tail.position + step) % this.#sectors;
      if ((this.#sequences[position] as number) < highest) this.#sequences[position] = 0;
      highest = Math.max(highest, this.#sequences[position] as number);
    }
  }

  /**
   * Copies the last sector's records into the sector after it; while that has room, restarts alternate
   * between the two, so a restart costs an erase and never history.
   */
  #copyOn(header: Header, position: number): void {
    const chain = { copyOf: header.sequence, chainStart: position };
    const copy = header.copyOf === 0 ? { ...header, ...chain } : header;
    this.#open(copy.chainStart, copy, position);
    while (!this.#copyRecords(header.sequence)) {
      this.badSectors.push(this.#tail.position);
      this.#open(copy.chainStart, copy, position); // throws when there is no other sector left to try
    }
    this.marks = header.marks;
  }

  #copyRecords(sequence: number): boolean {
    let found = this.#findInSector(sequence, HEADER_BYTES);
    for (; found; found = this.#findInSector(sequence, found.next.offset)) {
      if (!this.#write(found)) return false;
    }
    return true;
  }

  #findInSector(sequence: number, from: number): Found | null {
    const position = this.#position(sequence);
    const end = sequence === this.#tail.sequence ? this.#tail.end : SECTOR_BYTES;
    for (let offset = from; position >= 0 && offset < end; offset += BLOCK_BYTES) {
      const record = readRecord(this.#flash, position * SECTOR_BYTES, sequence, offset);
      if (!record) continue;
      const next = { sequence, offset: offset + recordBytes(record.payload.length) };
      return { ...record, place: { sequence, offset }, next };
    }
    return null;
  }

  #openNext(): void {
    const position = (this.#tail.position + 1) % this.#sectors;
    const header = { sequence: 0, copyOf: 0, chainStart: 0, marks: this.marks };
    this.#open(position, header, this.#tail.position);
    if (!this.configuration) return;
    const ahead = this.#position(this.configuration.sequence) - this.#tail.position;
    if ((ahead + this.#sectors) % this.#sectors > MOVE_AHEAD) return;
    const found = this.find(this.configuration);
    assert(found?.type === RecordType.CONFIGURATION, "the configuration lies where it was put");
    const place = { sequence: this.#tail.sequence, offset: this.#tail.end };
    if (this.#write(found)) this.configuration = place;
  }

  /** Erases and begins a sector at `position`, or the first one after it that takes a header; never `kept`. */
  #open(position: number, header: Header, kept: number): void {
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const at = (position + attempt) % this.#sectors;
      if (at === kept) continue;
      this.#sequences[at] = 0;
      this.#copyOf[at] = 0;
      if (this.badSectors.includes(at)) continue;
      this.#flash.erase(at);
      this.#highest++;
      const written = { ...header, sequence: this.#highest };
      this.#flash.program(at * SECTOR_BYTES, encodeHeader(written));
      if (this.#readHeader(at)?.sequence === this.#highest) {
        this.#sequences[at] = this.#highest;
        this.#copyOf[at] = header.copyOf;
        this.#tail = { position: at, sequence: this.#highest, end: HEADER_BYTES };
        return;
      }
      this.badSectors.push(at);
    }
    throw new Error("journal: no sector of the log can be begun");
  }

  /** Programs a record at the tail's end and reads it back; false when it does not read as written. */
  #write(record: LogRecord): boolean {
    const { position, sequence, end } = this.#tail;
    const blocks = encodeRecord(sequence, end, record);
    this.#flash.program(position * SECTOR_BYTES + end, blocks);
    this.#tail.end += blocks.length;
    const written = new Uint8Array(blocks.length);
    this.#flash.read(position * SECTOR_BYTES + end, written);
    return sameBytes(written, blocks);
  }

  #position(sequence: number): number {
    if (this.#sequences[this.#lastFound] !== sequence) this.#lastFound = this.#sequences.indexOf(sequence);
    return this.#lastFound;
  }

  /** The next sector in the order of writing, or 0. */
  #sequenceAfter(sequence: number): number {
    let next = 0;
    for (let position = 0; position < this.#sectors; position++) {
      const candidate = this.#sequences[position] as number;
      if (candidate > sequence && (next === 0 || candidate < next)) next = candidate;
    }
    return next;
  }
}
