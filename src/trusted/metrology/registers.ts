// From energy to readings and registers, all in integers. A channel integrates mJ; when an interval closes,
// its whole Wh become the reading and the rest stays, so the readings always add up to the register's
// advance. Registers are never reset and never seen to fall: what is shown is what was persisted.
import { assert } from "../encoding/bytes.js";
import type { Channel } from "../journal/state.js";
import { READING_MAX } from "../sealing/commitment.js";

export const MILLIJOULES_PER_WH = 3_600_000;
/** Largest energy of a channel between two readings of the front end: 1 MWh, far above any fuse. */
const INCREMENT_MAX_MJ = 1e6 * MILLIJOULES_PER_WH;
/** What a channel may hold before it is closed: stored in 6 bytes (78 MWh). */
const OPEN_MAX_MJ = 2 ** 48 - 1;

/** Whether this can be a channel's energy between two readings: whole mJ, not negative, in bounds. */
export const isEnergy = (mJ: number) => Number.isSafeInteger(mJ) && mJ >= 0 && mJ <= INCREMENT_MAX_MJ;

/** Adds energy to the open interval, or to the untimed energy while the clock is unconfirmed. */
export function integrate(channel: Channel, energy_mJ: number, timed: boolean): void {
  if (timed) channel.open_mJ += energy_mJ;
  else channel.untimed_mJ += energy_mJ;
  assert(channel.open_mJ + channel.untimed_mJ <= OPEN_MAX_MJ, "interval's energy fits the state record");
}

/** Once the time is known, what was measured before goes into the open interval. */
export function placeUntimed(channel: Channel): void {
  channel.open_mJ += channel.untimed_mJ;
  channel.untimed_mJ = 0;
}

/** Closes the open interval: the whole Wh become its reading, which saturates at 2^32 - 1; the rest is carried. */
export function closeChannel(channel: Channel): void {
  const total_mJ = channel.open_mJ + channel.carried_mJ;
  const reading = Math.min(Math.floor(total_mJ / MILLIJOULES_PER_WH), READING_MAX);
  channel.closed_Wh = reading;
  channel.register_Wh += reading;
  channel.carried_mJ = total_mJ - reading * MILLIJOULES_PER_WH;
  channel.open_mJ = 0;
}

/** The register's value now, whole Wh: at the interval's start, and what came since. */
export function registerNow_Wh(channel: Channel): number {
  const since_mJ = channel.open_mJ + channel.untimed_mJ + channel.carried_mJ;
  return channel.register_Wh + Math.floor(since_mJ / MILLIJOULES_PER_WH);
}
