// The state ring: the last sectors of the journal's flash, filled with self-contained state records. A new one
// replaces the old whole; recovery takes the newest that is whole. After a restart the first goes into a new
// sector, since the last one's torn cells may read otherwise next time.
import { HEADER_BYTES, placeOf, SectorRing } from "./sector-ring.js";

const STATE_RECORD = { type: 15, number: 0 };

export class StateRing extends SectorRing {
  /** The newest whole state, or null. Reads all headers, and of the newest sectors what they hold. */
  recover(): Uint8Array | null {
    const { live, sectors } = this;
    for (let position = 0; position < sectors; position++)
      live[position] = this.header(position)?.sequence ?? 0;
    for (const sequence of [...live].filter((number) => number > 0).sort((a, b) => b - a)) {
      let state: Uint8Array | null = null;
      let found = this.findInSector(placeOf(sequence, HEADER_BYTES));
      for (; found; found = this.findInSector(found.next)) state = found.body;
      if (!state) continue;
      // Writing goes on after this sector, not after the newest: if the power fails again and again between a
      // header and its first record, the ring must not come round to the only state there is.
      this.tail = sequence;
      this.newest = sequence % sectors;
      return state;
    }
    return null;
  }

  /**
   * Makes `body` the state; when it returns, a power cut leaves this record or a later one.
   * @throws Error when no sector can be written any more.
   */
  write(body: Uint8Array): void {
    this.append({ ...STATE_RECORD, body });
  }
}
