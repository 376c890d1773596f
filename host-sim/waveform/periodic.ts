/**
 * Periodic functions as tables: a spectrum laid out on a grid of times, a grid taken apart into a spectrum,
 * and a table of cubics that gives any moment of a wave for five multiplications.
 */

import { cosineOfTurns, sineOfTurns } from "./elementary.js";
import { type Line, PERIOD_TURNS, type Spectrum } from "./mains.js";

/** Evenly spaced moments of one period of one or more turns. */
export class PeriodicGrid {
  readonly #turns: number;
  /** Sine of each moment's share of the period. */
  readonly #sine: Float64Array;

  /** @param perTurn a power of two from 8 */
  constructor(perTurn: number, turns: number) {
    this.#turns = turns;
    this.#sine = sinesOf(perTurn * turns);
  }

  /** The values of a spectrum whose orders are multiples of 1 / turns. */
  sampled(spectrum: Spectrum): Float64Array {
    return this.#sum(spectrum, (line) => [line.sine, line.cosine]);
  }

  /** Their derivatives by turns. */
  slopes(spectrum: Spectrum): Float64Array {
    return this.#sum(spectrum, ({ order, sine, cosine }) => {
      const w = 2 * Math.PI * order;
      return [-w * cosine, w * sine];
    });
  }

  /** Orders 0 to `order_max` of what was sampled. */
  analysed(values: Float64Array, order_max: number): Spectrum {
    const lines: Line[] = [];
    for (let step = 0; step <= order_max * this.#turns; step++) lines.push(this.#line(values, step));
    return lines;
  }

  #sum(spectrum: Spectrum, peaks: (line: Line) => readonly [sine: number, cosine: number]): Float64Array {
    const [table, count] = [this.#sine, this.#sine.length];
    const values = new Float64Array(count);
    for (const line of spectrum) {
      const [sine, cosine] = peaks(line);
      const step = line.order * this.#turns;
      for (let at = 0, place = 0; at < count; at++, place = (place + step) & (count - 1)) {
        const quarterOn = (place + (count >> 2)) & (count - 1);
        values[at] = (values[at] ?? 0) + sine * (table[place] ?? 0) + cosine * (table[quarterOn] ?? 0);
      }
    }
    return values;
  }

  #line(values: Float64Array, step: number): Line {
    const [table, count] = [this.#sine, this.#sine.length];
    let sine = 0;
    let cosine = 0;
    for (let at = 0, place = 0; at < count; at++, place = (place + step) & (count - 1)) {
      const value = values[at] ?? 0;
      sine += value * (table[place] ?? 0);
      cosine += value * (table[(place + (count >> 2)) & (count - 1)] ?? 0);
    }
    const norm = (step === 0 ? 1 : 2) / count;
    return { order: step / this.#turns, sine: sine * norm, cosine: cosine * norm };
  }
}

/** A wave ready to be read at any moment: value = ((c3 f + c2) f + c1) f + c0 at a place k + f. */
export interface CubicTable {
  /** c0, c1, c2, c3 of each place, 4 * (mask + 1) numbers. */
  readonly cubics: Float64Array;
  /** Places of the table less one; a power of two less one. */
  readonly mask: number;
  readonly placesPerTurn: number;
}

/** What a table may be wrong by, of the sum of its lines' peaks. */
const ERROR_MAX = 2.5e-10;
const PLACES_PER_TURN_MIN = 64;
/** 4 MB for a wave of four turns. No test signal needs it at the orders that the simulator keeps. */
const PLACES_PER_TURN_MAX = 32_768;

/**
 * Hermite's cubics through the values and slopes of a spectrum, on a grid so fine that the sum over all lines
 * of their error bounds, peak (2 pi order / places)^4 / 384, is at most 2.5e-10 of the sum of the peaks.
 */
export function cubicTable(spectrum: Spectrum): CubicTable {
  const placesPerTurn = placesFor(spectrum);
  const turns = spectrum.every(({ order }) => Number.isInteger(order)) ? 1 : PERIOD_TURNS;
  const grid = new PeriodicGrid(placesPerTurn, turns);
  const [values, slopes] = [grid.sampled(spectrum), grid.slopes(spectrum)];
  const mask = values.length - 1;
  const cubics = new Float64Array(4 * values.length);
  for (let at = 0; at <= mask; at++) {
    const next = (at + 1) & mask;
    const [from, to] = [values[at] ?? 0, values[next] ?? 0];
    const [leaving, arriving] = [(slopes[at] ?? 0) / placesPerTurn, (slopes[next] ?? 0) / placesPerTurn];
    cubics[4 * at] = from;
    cubics[4 * at + 1] = leaving;
    cubics[4 * at + 2] = 3 * (to - from) - 2 * leaving - arriving;
    cubics[4 * at + 3] = 2 * (from - to) + leaving + arriving;
  }
  return { cubics, mask, placesPerTurn };
}

function placesFor(spectrum: Spectrum): number {
  let total = 0;
  let weighted = 0;
  for (const { order, sine, cosine } of spectrum) {
    const peak = Math.abs(sine) + Math.abs(cosine);
    const w = 2 * Math.PI * order;
    total += peak;
    weighted += (peak * w * w * w * w) / 384;
  }
  let places = PLACES_PER_TURN_MIN;
  // 64^4 is 2^24. A grid twice as fine is 16 times as exact.
  for (let error = weighted / 0x100_0000; error > ERROR_MAX * total; error /= 16) {
    if (places === PLACES_PER_TURN_MAX) break;
    places *= 2;
  }
  return places;
}

const sineTables = new Map<number, Float64Array>();

function sinesOf(count: number): Float64Array {
  const known = sineTables.get(count);
  if (known !== undefined) return known;
  const table = Float64Array.from({ length: count }, (_, at) => sineOfTurns(at / count));
  sineTables.set(count, table);
  return table;
}

/** A wave's value at a moment, for tests and drawings; the converter has its own loop. */
export function valueAt(spectrum: Spectrum, turns: number): number {
  return spectrum.reduce(
    (sum, { order, sine, cosine }) =>
      sum + sine * sineOfTurns(order * turns) + cosine * cosineOfTurns(order * turns),
    0,
  );
}
