// What the journal's tests share: flashes in both modes, and a look at all that a log holds. The reference model
// that they compare with is the torture's own (host-sim/torture/specimen.ts).
import { NorFlash, type NorFlashOptions } from "../../../host-sim/flash.js";
import { SeededRandom } from "../../../host-sim/seeded.js";
import type { Log } from "../../../src/trusted/journal/log.js";
import type { Found } from "../../../src/trusted/journal/sector-ring.js";

export const MODES = ["plain", "encrypted"] as const;

export const flashOf = (options: Partial<NorFlashOptions>, seed = 1) =>
  new NorFlash({ sectors: 16, mode: "plain", random: new SeededRandom(seed), ...options });

/** All records of a log in its order. */
export function recordsOf(log: Log): Found[] {
  const records: Found[] = [];
  for (let found = log.find(log.start); found; found = log.find(found.next)) records.push(found);
  return records;
}

export const hex = (bytes: Uint8Array | null | undefined) => bytes && Buffer.from(bytes).toString("hex");
