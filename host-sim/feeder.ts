/**
 * The feeder above a street: what its meter would measure, made from the traces of the households behind it.
 * What they draw, the losses of the cable, the errors that meters of their class may have, and, if asked for,
 * one household that takes a part of its energy past its meter.
 *
 * The losses are the textbook's two: a constant one (transformer, the meters' own consumption) and one in
 * proportion to the square of the current. The same options give the same whole mJ on every engine: the
 * figures are drawn as whole numbers, and of floating point there are only +, -, *, / and one rounding a row.
 */

import { SeededRandom } from "./seeded.js";
import { EXPORT_OBIS, IMPORT_OBIS, type Trace } from "./trace.js";

/** One household's energy past its meter: from a time on, for good. */
export interface Bypass {
  /** Position in `households`. */
  readonly household: number;
  /** Unix seconds, UTC: from the first row that starts then or later. */
  readonly from_s: number;
  /** 1 to 100: how much of what it draws above `above_W` goes past the meter. */
  readonly share_percent: number;
  /** W; 0 for all the time, or as much as only the car or the heat pump draws. */
  readonly above_W: number;
}

export interface FeederOptions {
  /** 1 to 128 traces of import and export with the same start, step and number of rows. */
  readonly households: readonly Trace[];
  /** A whole number from 0 to 2^53 - 1: which cable, and which meters. */
  readonly seed: number;
  readonly bypass?: Bypass;
}

/** What the seed draws. */
export interface FeederFigures {
  /** 20 to 120 W and 2 to 5 W a household. */
  readonly noLoad_W: number;
  /** Of one conductor of a balanced three-phase cable, as one lumped load at its end would see it. */
  readonly resistance_mOhm: number;
  /** How much too much the feeder's meter shows: within 2,000 ppm, as class 0.2 S allows. */
  readonly feederError_ppm: number;
  /** The same of each household's meter: within 5,000 ppm, half of what class 1 allows. */
  readonly meterErrors_ppm: readonly number[];
}

export interface FeederTraces {
  /** What the feeder's meter measures, netted each row: import is what flows into the street. */
  readonly feeder: Trace;
  /** What each household's meter measures: its trace, less what goes past the meter. */
  readonly metered: readonly Trace[];
  readonly figures: FeederFigures;
}

const HOUSEHOLDS_MAX = 128;
const FEEDER_ERROR_MAX_ppm = 2_000;
const METER_ERROR_MAX_ppm = 5_000;
/** Volts between two conductors: loss = 3 R I^2 with I = P / (sqrt(3) U), so R P^2 / U^2. */
const VOLTS = 400;
const MJ_PER_WH = 3_600_000;

/**
 * The traces of a street's feeder and meters. A row without power in a household counts as nothing drawn; one
 * without power in all of them has none at the feeder either.
 *
 * @throws RangeError unless the households are 1 to 128 traces of the same rows of import and export, the
 *   seed one for SeededRandom, and the bypass one of a household that is there
 */
export function feederTraces({ households, seed, bypass }: FeederOptions): FeederTraces {
  const [first] = households;
  if (first === undefined || households.length > HOUSEHOLDS_MAX) {
    throw new RangeError(`a feeder has 1 to ${HOUSEHOLDS_MAX} households, not ${households.length}`);
  }
  for (const household of households) checkAlike(household, first);
  if (bypass !== undefined) checkBypass(bypass, households.length);
  const figures = drawFigures(seed, households.length);
  const rows = first.rows.map((_, row) => feederRow(households, row, first.step_s, figures));
  const metered = households.map((household, at) =>
    bypass?.household === at ? bypassed(household, bypass) : household,
  );
  return { feeder: { ...first, rows }, metered, figures };
}

/**
 * What a meter makes of a trace: whole Wh of each channel an interval, the remainder carried into the next.
 * Null for an interval in which a row is without power.
 *
 * @throws RangeError unless the trace starts on an interval and its rows divide it
 */
export function intervalReadings(trace: Trace, intervalSeconds: number): (readonly number[] | null)[] {
  const { start_s, step_s, rows, channels } = trace;
  const rowCount = intervalSeconds / step_s;
  if (!Number.isInteger(rowCount) || !Number.isInteger(start_s / intervalSeconds)) {
    throw new RangeError(
      `rows of ${step_s} s from ${start_s} s do not fill intervals of ${intervalSeconds} s`,
    );
  }
  const carried_mJ = channels.map(() => 0);
  const readings: (readonly number[] | null)[] = [];
  for (let from = 0; from + rowCount <= rows.length; from += rowCount) {
    const own = rows.slice(from, from + rowCount);
    for (const row of own)
      for (const [at, mJ] of (row ?? []).entries()) carried_mJ[at] = (carried_mJ[at] ?? 0) + mJ;
    if (own.includes(null)) {
      readings.push(null);
      continue;
    }
    readings.push(carried_mJ.map((mJ) => Math.floor(mJ / MJ_PER_WH)));
    for (const [at, mJ] of carried_mJ.entries()) carried_mJ[at] = mJ % MJ_PER_WH;
  }
  return readings;
}

function checkAlike(household: Trace, first: Trace): void {
  const { start_s, step_s, channels, rows } = household;
  const isAlike = start_s === first.start_s && step_s === first.step_s && rows.length === first.rows.length;
  if (!isAlike || channels.join() !== `${IMPORT_OBIS},${EXPORT_OBIS}`) {
    throw new RangeError("a feeder's households are traces of the same rows of import and export");
  }
}

function checkBypass({ household, from_s, share_percent, above_W }: Bypass, count: number): void {
  const isWhole = [household, from_s, share_percent, above_W].every((value) => Number.isSafeInteger(value));
  const isInRange = household >= 0 && household < count && from_s >= 0 && above_W >= 0;
  if (!isWhole || !isInRange || share_percent < 1 || share_percent > 100) {
    throw new RangeError(
      `a bypass is of one of the ${count} households, from a whole second on, of 1 to 100 %`,
    );
  }
}

function drawFigures(seed: number, count: number): FeederFigures {
  const random = new SeededRandom(seed, "feeder");
  const either = (most: number, from: SeededRandom) => from.below(2 * most + 1) - most;
  const meters = random.fork("meters");
  return {
    noLoad_W: 20 + random.below(101) + count * (2 + random.below(4)),
    resistance_mOhm: 20 + random.below(61),
    feederError_ppm: either(FEEDER_ERROR_MAX_ppm, random.fork("feeder meter")),
    meterErrors_ppm: Array.from({ length: count }, () => either(METER_ERROR_MAX_ppm, meters)),
  };
}

/** One row of the feeder's meter; null if all households are without power. */
function feederRow(
  households: readonly Trace[],
  row: number,
  step_s: number,
  { noLoad_W, resistance_mOhm, feederError_ppm, meterErrors_ppm }: FeederFigures,
): readonly number[] | null {
  if (households.every(({ rows }) => rows[row] === null)) return null;
  let drawn_mJ = 0;
  for (const [at, { rows }] of households.entries()) {
    const [import_mJ = 0, export_mJ = 0] = rows[row] ?? [];
    const shown_mJ = import_mJ - export_mJ;
    drawn_mJ += shown_mJ - partOf(shown_mJ, meterErrors_ppm[at] ?? 0);
  }
  const power_W = drawn_mJ / (1_000 * step_s);
  // mOhm times W^2 over V^2 are mW, and over the row mJ.
  const cable_mJ = Math.round((resistance_mOhm * power_W * power_W * step_s) / (VOLTS * VOLTS));
  const flowing_mJ = drawn_mJ + noLoad_W * 1_000 * step_s + cable_mJ;
  const measured_mJ = flowing_mJ + partOf(flowing_mJ, feederError_ppm);
  return [Math.max(0, measured_mJ), Math.max(0, -measured_mJ)];
}

/** Parts in a million of an energy, whole mJ. */
const partOf = (energy_mJ: number, ppm: number) => Math.round((energy_mJ * ppm) / 1_000_000);

/** The trace of a meter that part of the import goes past. */
function bypassed(household: Trace, { from_s, share_percent, above_W }: Bypass): Trace {
  const { start_s, step_s } = household;
  const rows = household.rows.map((row, at) => {
    if (row === null || start_s + at * step_s < from_s) return row;
    const [import_mJ = 0, export_mJ = 0] = row;
    const above_mJ = Math.max(0, import_mJ - above_W * 1_000 * step_s);
    return [import_mJ - Math.round((above_mJ * share_percent) / 100), export_mJ];
  });
  return { ...household, rows };
}
