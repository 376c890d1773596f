// The log: records in the order in which they were appended, the oldest sector erased when a new one is begun.
// It ends at its last whole record. At a restart the last sector's records are first copied on, since a torn cell
// may read otherwise next time. The state says which copy was completed, never the log itself: an erase that was
// cut may leave anything of what the log says (docs/journal.md has the drawings and the reasons).
import {
  type Found,
  HEADER_BYTES,
  type Header,
  type Marks,
  type Place,
  placeOf,
  SectorRing,
  sequenceOf,
  TRIES_MAX,
} from "./sector-ring.js";

/** How many sectors ahead of the writer what must survive is moved out of the way. */
const MOVE_AHEAD = 8;

export class Log extends SectorRing {
  /** Of the records that hold the configuration and the rosters in force; 0 before there is one. */
  configuration: Place = 0;
  rosters: Place = 0;

  /**
   * Finds the log in the flash, then copies its last sector on so that writing can go on. Reads all headers
   * and one sector whole.
   * @param completed the sequence number of the last copy that was completed, as the state has it: of a later
   *   one anything may be missing. It must be durable already, lest the next restart finds an earlier state.
   * @returns whether there was a log at all.
   */
  recover(completed: number): boolean {
    const bases = new Uint32Array(this.sectors);
    let last: Header | null = null;
    for (let position = 0; position < this.sectors; position++) {
      const header = this.header(position);
      if (!header || (header.base !== 0 && header.sequence > completed)) continue;
      this.live[position] = header.sequence;
      bases[position] = header.base;
      if (!last || header.sequence > last.sequence) last = header;
    }
    if (!last) return false;
    const base = last.base || last.sequence;
    this.marks = last.marks;
    this.#copyOn(last.sequence, base);
    bases[this.tail % this.sectors] = base;
    this.#dropRepeated(bases);
    return true;
  }

  /** Erases the ring and begins its first sector. */
  format(): void {
    this.clear();
    this.begin(0, 0);
  }

  /** What can come after the last record: the owner of the records says the number of each. */
  raiseMark(mark: number, number: number): void {
    this.marks[mark] = Math.max(this.marks[mark] as number, number + 1);
  }

  /** The first whole record at or after a place, in the order they were appended, or null. */
  find(from: Place): Found | null {
    let place = from;
    let found = this.findInSector(place);
    while (!found && sequenceOf(place) < this.tail) {
      place = placeOf(this.#liveFrom(sequenceOf(place) + 1), HEADER_BYTES);
      found = this.findInSector(place);
    }
    return found;
  }

  /** The start of the youngest sector before which none of these lies: records that a mark counts, from a number on. */
  seek(...wanted: readonly (readonly [mark: number, number: number])[]): Place {
    let first = this.tail;
    for (let step = 0; step < this.sectors; step++) {
      const sequence = this.live[(this.tail + this.sectors - step) % this.sectors] as number;
      if (sequence === 0) continue;
      first = sequence;
      const marks = this.header(sequence % this.sectors)?.marks;
      if (marks && wanted.every(([mark, number]) => (marks[mark] as number) <= number)) break;
    }
    return placeOf(first, HEADER_BYTES);
  }

  /** The start of the oldest sector. */
  get start(): Place {
    return placeOf(this.#liveFrom(1), HEADER_BYTES);
  }

  /** The start of the sector that is being written. */
  get tailStart(): Place {
    return placeOf(this.tail, HEADER_BYTES);
  }

  /** What the oldest sector begins with: what was before was overwritten. Zeros while its header, torn, is not read. */
  oldestMarks(): Marks {
    return this.header(sequenceOf(this.start) % this.sectors)?.marks ?? [0, 0, 0];
  }

  /** Whether the writer will soon erase the sector of a place; never of the one that is being written, or of no place. */
  isInTheWay(place: Place): boolean {
    if (place === 0) return false;
    const ahead = (((sequenceOf(place) - this.tail) % this.sectors) + this.sectors) % this.sectors;
    return ahead > 0 && ahead <= MOVE_AHEAD;
  }

  /**
   * The oldest live sector numbered `sequence` or higher; the tail if none is. Numbers rise along the ring up to the
   * tail but for sectors that it has passed by because they would not be erased: those are not met again.
   */
  #liveFrom(sequence: number): number {
    for (let step = 1; step < this.sectors; step++) {
      const next = this.live[(this.tail + step) % this.sectors] as number;
      if (next >= sequence) return next;
    }
    return this.tail;
  }

  /**
   * Copies a sector's records into the sector after its base; while that has room, restarts alternate between
   * the two, so a restart costs an erase and never history.
   * @throws Error when no sector takes them.
   */
  #copyOn(sequence: number, base: number): void {
    this.newest = sequence % this.sectors;
    do this.begin(base % this.sectors, base);
    while (!this.#copyRecords(sequence));
    this.newest = this.tail % this.sectors;
  }

  #copyRecords(sequence: number): boolean {
    let found = this.findInSector(placeOf(sequence, HEADER_BYTES));
    for (; found; found = this.findInSector(found.next)) if (this.program(found) === null) return false;
    return true;
  }

  /**
   * Forgets what a copy repeats, which lies within a few sectors of the first that it repeats.
   * @param bases for each position the base of its header.
   */
  #dropRepeated(bases: Uint32Array): void {
    const { live, sectors } = this;
    for (let position = 0; position < sectors; position++) {
      const base = bases[position] as number;
      for (let step = 0; base !== 0 && step < TRIES_MAX; step++) {
        const at = (base + step) % sectors;
        if ((live[at] as number) >= base && (live[at] as number) < (live[position] as number)) live[at] = 0;
      }
    }
  }
}
