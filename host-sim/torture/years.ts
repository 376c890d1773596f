// Thirteen months of a real load: what is recorded in them must all be there at their end, and the erases in
// them, taken on to 20 years, must be within what a flash bears. And thousands of restarts, which must cost
// nothing.
import { assert } from "../../src/trusted/encoding/bytes.js";
import { recordBytes } from "../../src/trusted/journal/record.js";
import { NorFlash } from "../flash.js";
import { type HouseholdMinutes, householdMinutes } from "../household.js";
import { SeededRandom } from "../seeded.js";
import { act, FULL_SECTORS, LAST_RECORDS } from "./cuts.js";
import { JournalBroken, Specimen } from "./specimen.js";
import { type FlashMode, failPower, type Outcome, type TrialOptions, Trials, wearOf } from "./trials.js";

/** A single-phase meter of 230 V and 100 A. */
const RATING_VA = 23_000;
/** As src/trusted/metrology/measurement.ts: 0.7e-6 m Un Imax kWh, and five minutes. */
const PERSIST_MJ = 2520 * RATING_VA;
const PERSIST_EVERY_S = 300;
const INTERVAL_S = 900;
const DAY_S = 86_400;
const YEAR_DAYS = 365.25;
const YEARS = 20;
/** Energy that flows through the meter in a year, import and export together. */
const YEAR_KWH = 4_000;
const RESTART_EVERY_DAYS = 30;
/** A signed batch a day, and an event besides those of the restarts. */
const BATCH_BYTES = 300;
const EVENT_BYTES = 60;
const LOG_SECTORS = 544;
/** Of the interval's record: status and epoch. */
const INTERVAL_HEAD_BYTES = 3;

/** What a meter may cost: bytes of an interval's record, erases in 20 years. */
const LIMITS: Readonly<Record<number, { readonly bytes: number; readonly state: number }>> = {
  2: { bytes: 32, state: 30_000 },
  8: { bytes: 48, state: 45_000 },
};
const LOG_ERASES_MAX = 40;

/** @param days of the 396 */
export function liveMonths(channels: 2 | 8, days: number, { seed, progress }: TrialOptions): Outcome {
  const random = new SeededRandom(seed, "months");
  const flash = new NorFlash({ sectors: FULL_SECTORS, mode: "plain", random });
  const specimen = new Specimen(flash, { channels }).provision();
  const { home_W, car_W, solar_W } = household(seed, days);
  const scale = YEAR_KWH / yearOf({ home_W, car_W, solar_W }, days);
  let [unwritten_mJ, written_s, stateWrites, boots] = [0, 0, 0, 0];
  const write = (now_s: number, how: () => void) => {
    how();
    stateWrites++;
    [unwritten_mJ, written_s] = [0, now_s];
  };
  for (let now_s = 1; now_s <= days * DAY_S; now_s++) {
    const minute = Math.floor((now_s - 1) / 60);
    const power_W = Math.abs(at(home_W, minute) + at(car_W, minute) - at(solar_W, minute));
    const step_mJ = power_W * scale * 1000;
    unwritten_mJ += step_mJ;
    if (now_s % INTERVAL_S === 0) write(now_s, () => specimen.closeInterval());
    else if (unwritten_mJ + step_mJ >= PERSIST_MJ || now_s - written_s >= PERSIST_EVERY_S) {
      write(now_s, () => specimen.writeState());
    }
    if (now_s % DAY_S !== 0) continue;
    const day = now_s / DAY_S;
    specimen.sealBatch(BATCH_BYTES);
    specimen.raise(EVENT_BYTES);
    if (day % RESTART_EVERY_DAYS === 0) {
      boots++;
      specimen.restart({ last: LAST_RECORDS, random });
      // Power down, and up.
      for (let event = 0; event < 2; event++) specimen.raise(EVENT_BYTES);
    }
    progress(day, days);
  }
  specimen.restart();
  return judged(specimen, days, [`${stateWrites} writes of the state, ${boots} boots`]);
}

function judged(specimen: Specimen, days: number, notes: readonly string[]): Outcome {
  const { flash, stored, tally, channels } = specimen;
  const intervals = stored.filter(({ interval }) => interval).length;
  const bytes = recordBytes(INTERVAL_HEAD_BYTES + 4 * channels);
  const wear = wearOf(flash);
  const periods = (YEARS * YEAR_DAYS) / days;
  const state_erases = Math.round((wear.state?.max ?? 0) * periods);
  // A full log comes round once in the days that fill it; what formatting and restarts cost is counted apart.
  const log_erases = Math.ceil((sectorsFilled(flash) / LOG_SECTORS) * periods);
  const limits = LIMITS[channels];
  assert(limits !== undefined, "the number of channels has limits");
  const broken = [
    intervals === (days * DAY_S) / INTERVAL_S ? "" : `${intervals} intervals are there`,
    bytes <= limits.bytes ? "" : `an interval takes ${bytes} bytes`,
    state_erases <= limits.state ? "" : `a state sector is erased ${state_erases} times in 20 years`,
    log_erases <= LOG_ERASES_MAX ? "" : `a log sector is erased ${log_erases} times in 20 years`,
  ].filter((fault) => fault !== "");
  if (broken.length > 0) throw new JournalBroken(broken.join("; "));
  const found = [
    `${intervals} intervals of ${days} days, all there, ${bytes} bytes each`,
    ...notes,
    `${sectorsFilled(flash)} of ${LOG_SECTORS} sectors of the log begun`,
    `in 20 years ${state_erases} erases of a state sector, ${log_erases} of a log sector and one a boot`,
  ];
  return { cuts: 0, ...tally, ...wear, notes: found };
}

/** Sectors of the log begun since it was formatted. */
function sectorsFilled(flash: NorFlash): number {
  return flash.eraseCounts.subarray(0, LOG_SECTORS).reduce((sum, count) => sum + count - 1, 0);
}

const at = (minutes: Int32Array, minute: number) => minutes[minute] ?? 0;

function household(seed: number, days: number): HouseholdMinutes {
  const start_s = Date.UTC(2026, 0, 1) / 1000;
  return householdMinutes({ seed, start_s, days, step_s: 60, utcOffset_h: 0 });
}

/** What flows through the meter in a year, kWh. */
function yearOf({ home_W, car_W, solar_W }: HouseholdMinutes, days: number): number {
  const sum_W = home_W.reduce(
    (sum, W, minute) => sum + Math.abs(W + at(car_W, minute) - at(solar_W, minute)),
    0,
  );
  return ((sum_W / 60 / 1000) * YEAR_DAYS) / days;
}

/** Restarts in a row, every third of them cut in the middle, some of those again. */
export function bootOften(mode: FlashMode, sectors: number, boots: number, options: TrialOptions): Outcome {
  const trials = new Trials(options, boots);
  const random = new SeededRandom(options.seed, "boots");
  const flash = new NorFlash({ sectors, mode, random });
  const specimen = new Specimen(flash, { tally: trials.tally }).provision();
  for (let step = 0; step < 120; step++) act(specimen, step);
  specimen.restart();
  specimen.restart();
  flash.eraseCounts.fill(0);
  specimen.restart();
  const { length } = specimen.stored;
  for (let boot = 0; boot < boots; boot++) {
    for (let again = boot % 3 === 0 ? 1 + random.below(2) : 0; again > 0; again--) {
      trials.cuts++;
      flash.powerUp();
      failPower(flash, random.below(14_000), () => specimen.boot());
    }
    specimen.restart();
    if (specimen.stored.length < length) {
      throw new JournalBroken(`boot ${boot} lost ${length - specimen.stored.length} records`);
    }
    options.progress(boot, boots);
  }
  return trials.outcome(flash, [`${boots} boots in a row, and not one of ${length} records is gone`]);
}
