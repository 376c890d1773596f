// The log: records in the order in which they were appended, the oldest sector erased when a new one is begun.
// It ends at its last whole record. At a restart the last sector's records are first copied on, since a torn cell
// may read otherwise next time. The state says which copy was completed, never the log itself: an erase that was
// cut may leave anything of what the log says (docs/journal.md has the drawings and the reasons).
import type { JournalRecord } from "./record.js";
import {
  type Found,
  HEADER_BYTES,
  type Header,
  type Marks,
  type Place,
  placeOf,
  type SectorRing,
  sequenceOf,
  TRIES_MAX,
} from "./sector-ring.js";

/** How many sectors ahead of the writer what must survive is moved out of the way. */
const MOVE_AHEAD = 8;

export class Log {
  /** What can come after the last record. */
  marks: Marks = [0, 0, 0];
  /** Of the record that holds the configuration in force; 0 before there is one. */
  configuration: Place = 0;

  constructor(readonly ring: SectorRing) {}

  /**
   * Finds the log in the flash, then copies its last sector on so that writing can go on. Reads all headers
   * and one sector whole.
   * @param completed the sequence number of the last copy that was completed, as the state has it: of a later
   *   one anything may be missing. It must be durable already, lest the next restart finds an earlier state.
   * @returns whether there was a log at all.
   */
  recover(completed: number): boolean {
    const { live, sectors } = this.ring;
    const bases = new Uint32Array(sectors);
    for (let position = 0; position < sectors; position++) {
      const sequence = this.ring.look(position);
      const { base } = this.ring;
      // What a copy says of others must be right.
      if (base !== 0 && (!this.ring.header(position) || sequence > completed)) continue;
      live[position] = sequence;
      bases[position] = base;
    }
    const last = this.#newest();
    if (!last) return false;
    bases[this.#copyOn(last)] = last.base || last.sequence;
    this.#dropReplaced(bases);
    this.marks = last.marks;
    return true;
  }

  /** Erases the ring and begins its first sector. */
  format(): void {
    this.ring.clear();
    this.ring.begin(0, -1, { base: 0, marks: this.marks });
  }

  /**
   * Appends a record, verified by reading it back.
   * @throws Error when no sector can be written any more.
   */
  append(record: JournalRecord): Place {
    return this.ring.append(record, this.marks, this.ring.tail % this.ring.sectors);
  }

  /** The first whole record at or after a place, in the order they were appended, or null. */
  find(from: Place): Found | null {
    let place = from;
    for (let sector = 0; sector <= this.ring.sectors; sector++) {
      const found = this.ring.findInSector(place);
      if (found || sequenceOf(place) >= this.ring.tail) return found;
      // From the tail on, since the place's own sector may be long overwritten.
      place = placeOf(this.#liveAfter(this.ring.tail, sequenceOf(place)), HEADER_BYTES);
    }
    return null;
  }

  /** A record with this number was appended. */
  raise(mark: number, number: number): void {
    this.marks[mark] = Math.max(this.marks[mark] as number, number + 1);
  }

  /** The start of the youngest sector before which no record that `mark` counts lies from `number` on. */
  seek(mark: number, number: number): Place {
    const { live, sectors, tail } = this.ring;
    let youngest = tail;
    // Mostly it is near: what is looked for was not sealed, sent or replayed yet.
    for (let step = 0; step < sectors; step++) {
      const position = (tail + sectors - step) % sectors;
      if (live[position] === 0) continue;
      youngest = live[position] as number;
      const header = this.ring.header(position);
      if (header && (header.marks[mark] as number) <= number) break;
    }
    return placeOf(youngest, HEADER_BYTES);
  }

  /** The start of the oldest sector. */
  get start(): Place {
    return placeOf(this.#liveAfter(this.ring.tail, 0), HEADER_BYTES);
  }

  /**
   * What the oldest sector still held begins with; records before it were overwritten. The header of a sector
   * whose erase was cut may come and go: then it is the next one's.
   */
  oldestMarks(): Marks {
    let sequence = sequenceOf(this.start);
    let header = this.ring.header(sequence % this.ring.sectors);
    while (!header) {
      sequence = this.#liveAfter(sequence, sequence);
      header = this.ring.header(sequence % this.ring.sectors);
    }
    return header.marks;
  }

  /** Whether the writer will soon erase the sector of a place; never of the one that is being written. */
  isInTheWay(place: Place): boolean {
    const { sectors } = this.ring;
    const ahead = (((sequenceOf(place) - this.ring.tail) % sectors) + sectors) % sectors;
    return ahead > 0 && ahead <= MOVE_AHEAD;
  }

  /** The first live sector numbered above `above` in the order of the ring after a sector; 0 for none. */
  #liveAfter(sequence: number, above: number): number {
    const { live, sectors } = this.ring;
    for (let step = 1; step <= sectors; step++) {
      const next = live[(sequence + step) % sectors] as number;
      if (next > above) return next;
    }
    return 0;
  }

  /** The header of the sector begun last, by its number; a torn one may pass for it at first. */
  #newest(): Header | null {
    const { live } = this.ring;
    for (;;) {
      const position = live.reduce(
        (newest, sequence, at) => (sequence > (live[newest] as number) ? at : newest),
        0,
      );
      if (live[position] === 0) return null;
      const header = this.ring.header(position);
      if (header) return header;
      live[position] = 0;
    }
  }

  /**
   * Copies the last sector's records into the sector after it; while that has room, restarts alternate
   * between the two, so a restart costs an erase and never history.
   * @returns the copy's position.
   */
  #copyOn(last: Header): number {
    const { sectors } = this.ring;
    const copy = { base: last.base || last.sequence, marks: last.marks };
    do {
      this.ring.begin(copy.base % sectors, last.sequence % sectors, copy); // throws when none is left to try
    } while (!this.#copyRecords(last.sequence));
    return this.ring.tail % sectors;
  }

  #copyRecords(sequence: number): boolean {
    let from = placeOf(sequence, HEADER_BYTES);
    for (let found = this.ring.findInSector(from); found; found = this.ring.findInSector(from)) {
      const place = this.ring.write(found);
      if (place === null) return false;
      from = found.next;
    }
    return true;
  }

  /**
   * Forgets what a copy repeats, which lies within a few sectors of the first that it repeats, and what lies in
   * sectors that the ring has passed by because they would not be erased: their numbers are lower than one before.
   * @param bases for each position the base of its header.
   */
  #dropReplaced(bases: Uint32Array): void {
    const { live, sectors } = this.ring;
    for (let position = 0; position < sectors; position++) {
      const base = bases[position] as number;
      for (let step = 0; base !== 0 && step <= TRIES_MAX; step++) {
        const at = (base + step) % sectors;
        if ((live[at] as number) >= base && (live[at] as number) < (live[position] as number)) live[at] = 0;
      }
    }
    let highest = 0;
    for (let step = 1; step <= sectors; step++) {
      const position = (this.ring.tail + step) % sectors;
      if ((live[position] as number) < highest) live[position] = 0;
      highest = Math.max(highest, live[position] as number);
    }
  }
}
