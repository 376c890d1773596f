// The state ring: the last sectors of the journal's flash, filled with self-contained state records. A new one
// replaces the old whole; recovery takes the newest that is whole. After a restart the first goes into a new
// sector, since the last one's torn cells may read otherwise next time.
import { HEADER_BYTES, type Header, placeOf, type SectorRing } from "./sector-ring.js";

const STATE_RECORD = { type: 15, number: 0 };

export class StateRing {
  /** Position of the sector that holds the newest state: never erased before a newer one is whole elsewhere. */
  #newest = 0;

  constructor(readonly ring: SectorRing) {}

  /** The newest whole state, or null. Reads all headers, and of the newest sectors what they hold. */
  recover(): Uint8Array | null {
    const headers = Array.from({ length: this.ring.sectors }, (_, position) => this.ring.header(position));
    const newestFirst = headers.filter((header): header is Header => header !== null);
    newestFirst.sort((a, b) => b.sequence - a.sequence);
    for (const { sequence } of newestFirst) {
      const position = sequence % this.ring.sectors;
      this.ring.live[position] = sequence;
      let newest: Uint8Array | null = null;
      let from = placeOf(sequence, HEADER_BYTES);
      for (let found = this.ring.findInSector(from); found; found = this.ring.findInSector(from)) {
        newest = found.body;
        from = found.next;
      }
      if (!newest) continue;
      // Writing goes on after this sector, not after the newest: if the power fails again and again between a
      // header and its first record, the ring must not come round to the only state there is.
      this.ring.tail = sequence;
      this.#newest = position;
      return newest;
    }
    return null;
  }

  /**
   * Makes `body` the state; when it returns, a power cut leaves this record or a later one.
   * @throws Error when no sector can be written any more.
   */
  write(body: Uint8Array): void {
    this.ring.append({ ...STATE_RECORD, body }, [0, 0, 0], this.#newest);
    this.#newest = this.ring.tail % this.ring.sectors;
  }
}
