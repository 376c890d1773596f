/**
 * Analogue to digital converters. All that is fixed in a converter, its non-linearity, dead ends, gain and
 * offset, is one curve from input to code; what moves is noise, jitter and a scale that drifts. A unit of a
 * model is drawn from a seed and gives the same codes on every engine: the loop that makes them adds,
 * multiplies, rounds and looks up, nothing else.
 */

import { type SeededRandom, type XoshiroState, xoshiroStep } from "../seeded.js";
import { NORMAL_BITS, NORMAL_QUANTILES } from "./elementary.js";
import type { CubicTable } from "./periodic.js";

/** One converter's range. */
export interface Range {
  /** 8 to 16. */
  readonly bits: number;
  /** From the lowest input to the highest, V. */
  readonly span_V: number;
  /** Where in the span, from its low end, the front end puts 0 V of the sensor, V. */
  readonly bias_V: number;
  readonly curve: Curve;
  /** A unit's gain is off by at most this, evenly. */
  readonly gainSpread_ppm: number;
  /** A unit's offset is at most this, evenly, in codes. */
  readonly offsetSpread_codes: number;
  /** White noise at the input, one standard deviation, in codes. */
  readonly noise_codes: number;
  /** If the firmware corrects codes by a table: how well. */
  readonly correction?: Correction;
}

/** From input to code, all but gain and offset. */
export type Curve = SmoothCurve | BinaryCurve | MeasuredCurve;

/**
 * A delta-sigma converter's: a cubic, 0 at both ends and in the middle, and a bow, mixed as the seed says. The
 * larger of their extremes is `inl_ppm` of the span. No steps.
 */
export interface SmoothCurve {
  readonly kind: "smooth";
  readonly inl_ppm: number;
}

/**
 * A successive approximation converter's: a bow of at most `bow_codes`, and binary weights that are each off as
 * 2^bit unit capacitors of this relative deviation would be, which steps at the major transitions.
 */
export interface BinaryCurve {
  readonly kind: "binary";
  readonly bow_codes: number;
  readonly unitMismatch: number;
}

/**
 * Straight lines between measured points, flat beyond the first and the last (dead ends); on it a wave of
 * irregular steps within `inl_codes`, code widths off by at most `dnl_codes`.
 */
export interface MeasuredCurve {
  readonly kind: "measured";
  readonly points: readonly (readonly [input_V: number, code: number])[];
  readonly inl_codes: number;
  readonly dnl_codes: number;
}

/** The unit's curve as calibration found it at evenly spaced points; straight between them. */
export interface Correction {
  /** A power of two. */
  readonly intervals: number;
  /** Each point is wrong by at most this, evenly, in codes. */
  readonly error_codes: number;
  /** Counts that a corrected code is given in: 16 to keep fractions, 1 for a fine range beside such a one. */
  readonly countsPerCode: number;
}

/** Counts a V at the bias, before a unit's own errors. */
export function nominalCountsPerVolt(range: Range): number {
  return nominalSlope(range) * (range.correction?.countsPerCode ?? 1);
}

function nominalSlope({ curve, bias_V, span_V, bits }: Range): number {
  if (curve.kind !== "measured") return codesOf(bits) / span_V;
  const [[fromV, fromCode], [toV, toCode]] = segmentOf(curve.points, bias_V);
  return (toCode - fromCode) / (toV - fromV);
}

/** The code that the firmware takes for 0 V of the sensor: the model's, not the unit's. */
export function zeroCode(range: Range): number {
  const { curve, bias_V, span_V, bits } = range;
  if (curve.kind !== "measured") return Math.round((bias_V / span_V) * codesOf(bits));
  const [[fromV, fromCode]] = segmentOf(curve.points, bias_V);
  return Math.round(fromCode + (bias_V - fromV) * nominalSlope(range));
}

/** The exact power of two. */
const codesOf = (bits: number) => 1 << bits;

type Point = readonly [input_V: number, code: number];

function segmentOf(points: readonly Point[], input_V: number): readonly [Point, Point] {
  for (const [at, to] of points.entries()) {
    const from = points[at - 1];
    if (from !== undefined && (input_V < to[0] || at === points.length - 1)) return [from, to];
  }
  throw new RangeError("a measured curve has two points at least");
}

/** Pieces of the curve's table; for 12 bits one a code. */
export const CURVE_PIECES = 4096;

/** One unit of a range. */
export class Converter {
  readonly range: Range;
  /** Code, not rounded, at each 1/4096 of the span; a straight line between. */
  readonly curve: Float64Array;
  /** Counts of each code around zero; null if they are codes less {@link zero}. */
  readonly counts: Int16Array | null;
  readonly zero: number;
  /** A unit's own, of the input. */
  readonly gain: number;
  readonly offset_codes: number;

  constructor(range: Range, random: SeededRandom) {
    this.range = range;
    this.gain = 1 + range.gainSpread_ppm * 1e-6 * even(random.fork("gain"));
    this.offset_codes = range.offsetSpread_codes * even(random.fork("offset"));
    this.zero = zeroCode(range);
    this.curve = curveOf(range, random.fork("curve"));
    this.counts =
      range.correction === undefined
        ? null
        : correctedCounts(range, range.correction, this, random.fork("correction"));
  }

  /** The code, not rounded, of a place in the span (0 to {@link CURVE_PIECES}); for tests and drawings. */
  codeAt(place: number): number {
    const inside = Math.min(Math.max(place, 0), CURVE_PIECES - 1e-9);
    const piece = Math.floor(inside);
    const [from, to] = [this.curve[piece] ?? 0, this.curve[piece + 1] ?? 0];
    return from + (inside - piece) * (to - from);
  }
}

/** A number drawn evenly from -1 to 1. */
export const even = (random: SeededRandom): number => 2 * random.fraction() - 1;

function curveOf(range: Range, random: SeededRandom): Float64Array {
  const { curve } = range;
  if (curve.kind === "smooth") return smoothCurve(range.bits, curve, random);
  if (curve.kind === "binary") return binaryCurve(range.bits, curve, random);
  return measuredCurve(range, curve, random);
}

const piecesFilled = (value: (piece: number) => number) =>
  Float64Array.from({ length: CURVE_PIECES + 1 }, (_, piece) => value(piece));

function smoothCurve(bits: number, { inl_ppm }: SmoothCurve, random: SeededRandom): Float64Array {
  const [cubic, bow] = [even(random), even(random)];
  const shape = (piece: number) => {
    const x = (2 * piece) / CURVE_PIECES - 1;
    // 3 sqrt(3) / 2 makes the cubic's extreme 1.
    return cubic * 2.598076211353316 * (x - x * x * x) + bow * (1 - x * x);
  };
  const extreme = piecesFilled(shape).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const codes = codesOf(bits);
  return piecesFilled(
    (piece) => (piece * codes) / CURVE_PIECES + (codes * inl_ppm * 1e-6 * shape(piece)) / extreme,
  );
}

function binaryCurve(bits: number, { bow_codes, unitMismatch }: BinaryCurve, random: SeededRandom) {
  const codes = codesOf(bits);
  const noise = new Gaussian(random);
  // Bit b is 2^b unit capacitors: its deviation grows with their number's square root.
  const weights: number[] = [];
  let size = 1;
  for (let bit = 0; bit < bits; bit++, size *= Math.SQRT2) {
    weights.push(codesOf(bit) + size * unitMismatch * noise.next());
  }
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const level = (code: number) =>
    weights.reduce((total, weight, bit) => total + ((code >> bit) & 1) * weight, 0) * ((codes - 1) / sum);
  const bow = bow_codes * even(random);
  return piecesFilled((piece) => {
    const ideal = (piece * codes) / CURVE_PIECES;
    const x = (2 * piece) / CURVE_PIECES - 1;
    const code = Math.min(Math.round(ideal), codes - 1);
    // The inverse of the levels to first order: what it leaves out is an error of the error.
    return ideal - (level(code) - code) + bow * (1 - x * x);
  });
}

function measuredCurve({ bits, span_V }: Range, curve: MeasuredCurve, random: SeededRandom): Float64Array {
  const code_max = codesOf(bits) - 1;
  const { points, inl_codes, dnl_codes } = curve;
  let wander = 0;
  return piecesFilled((piece) => {
    // A walk that turns back at its limits; with the codes' own slope it can be steep, never endless.
    wander = Math.max(-inl_codes, Math.min(inl_codes, 0.98 * wander + dnl_codes * even(random)));
    const input_V = (piece / CURVE_PIECES) * span_V;
    const [first, last] = [points[0] ?? [0, 0], points[points.length - 1] ?? [0, 0]];
    if (input_V <= first[0]) return first[1];
    if (input_V >= last[0]) return last[1];
    const [[fromV, fromCode], [toV, toCode]] = segmentOf(points, input_V);
    const code = fromCode + ((input_V - fromV) * (toCode - fromCode)) / (toV - fromV);
    return Math.min(Math.max(code + wander, 0), code_max);
  });
}

/** What the firmware makes of each code: the input that calibration found for it. */
function correctedCounts(
  { bits, bias_V, span_V }: Range,
  { intervals, error_codes, countsPerCode }: Correction,
  converter: Pick<Converter, "curve">,
  random: SeededRandom,
): Int16Array {
  const codes = codesOf(bits);
  const width = codes / intervals;
  // By how much codes are too high at each point.
  const excess = Array.from({ length: intervals + 1 }, (_, point) => {
    const piece = (point * CURVE_PIECES) / intervals;
    return (converter.curve[piece] ?? 0) - point * width + error_codes * even(random);
  });
  const zero = (bias_V / span_V) * codes;
  return Int16Array.from({ length: codes }, (_, code) => {
    const point = Math.floor(code / width);
    const [from, to] = [excess[point] ?? 0, excess[point + 1] ?? 0];
    const input = code - (from + ((code - point * width) / width) * (to - from));
    const counts = Math.round((input - zero) * countsPerCode);
    return Math.min(Math.max(counts, -0x8000), 0x7fff);
  });
}

// ---- noise ----

/** A stream of Gaussian numbers: two quantiles of one word ({@link NORMAL_QUANTILES}). */
export class Gaussian {
  readonly #state: XoshiroState;

  constructor(random: SeededRandom) {
    const word = () => random.nextU32() | 0;
    this.#state = { a: word(), b: word(), c: word(), d: word() };
  }

  /** Mean 0, standard deviation 1. */
  next(): number {
    return gaussianOf(xoshiroStep(this.#state));
  }

  fill(into: Float64Array, count: number): void {
    const state = this.#state;
    for (let at = 0; at < count; at++) into[at] = gaussianOf(xoshiroStep(state));
  }
}

const LOW_QUANTILE = (1 << NORMAL_BITS) - 1;

/** From the middle and the top of a word: xoshiro128**'s lowest bits are its weakest. */
function gaussianOf(word: number): number {
  const sum =
    (NORMAL_QUANTILES[word >>> (32 - NORMAL_BITS)] ?? 0) +
    (NORMAL_QUANTILES[(word >>> 8) & LOW_QUANTILE] ?? 0);
  return sum * Math.SQRT1_2;
}

// ---- the loop ----

/** Units of a phase in a turn: whole numbers, so that no rounding builds up over a day. */
export const PHASE_UNITS = 0x1_0000_0000_0000;

/** A run of samples over which nothing but the wave, the noise and the jitter changes. */
export interface Run {
  readonly table: CubicTable;
  /** Of the first sample and between samples, whole {@link PHASE_UNITS}; the first may be negative. */
  readonly phase: number;
  readonly step: number;
  readonly frames: number;
  /** One of each per frame, standard deviation 1. */
  readonly noise: Float64Array;
  readonly jitter: Float64Array;
  /** Standard deviation of the sampling instant, turns. 0 leaves the jitter unread. */
  readonly jitter_turns: number;
}

/** How one converter takes a run. */
export interface Take {
  readonly converter: Converter;
  /** Factor on the sensor's output: drifts and gains. */
  readonly scale: number;
  readonly noise_codes: number;
  /** Radio that rectifies in the input shifts it. */
  readonly shift_codes: number;
}

/** Converts a run: frame n's counts go to `into[at + n * stride]`. */
export function convert(run: Run, take: Take, into: Int16Array, at: number, stride: number): void {
  const { curve, counts, zero } = take.converter;
  const code_max = codesOf(take.converter.range.bits) - 1;
  const { perVolt, origin, perNoise } = scalesOf(take);
  const { cubics, mask } = run.table;
  const { noise, jitter } = run;
  const { step, period, perJitter } = pacesOf(run);
  let { place } = pacesOf(run);
  for (let frame = 0, to = at; frame < run.frames; frame++, to += stride) {
    const moment = perJitter === 0 ? place : place + perJitter * (jitter[frame] ?? 0);
    const value = waveAt(cubics, mask, moment);
    const code = codeOf(curve, code_max, origin + perVolt * value + perNoise * (noise[frame] ?? 0));
    into[to] = counts === null ? code - zero : (counts[code] ?? 0);
    place += step;
    if (place >= 2 * period) place -= period;
  }
}

/**
 * As {@link convert} with two ranges at once, whose counts mean the same: the fine one's, unless its code is
 * within `guard_codes` of an end, and then the coarse one's. Both see the same noise, each scaled to its own.
 */
export function convertRanges(
  run: Run,
  [fine, coarse]: readonly [Take, Take],
  guard_codes: number,
  into: Int16Array,
  at: number,
  stride: number,
): void {
  const fineMax = codesOf(fine.converter.range.bits) - 1;
  const coarseMax = codesOf(coarse.converter.range.bits) - 1;
  const [fineScales, coarseScales] = [scalesOf(fine), scalesOf(coarse)];
  const { curve: fineCurve, counts: fineCounts, zero: fineZero } = fine.converter;
  const { curve: coarseCurve, counts: coarseCounts, zero: coarseZero } = coarse.converter;
  const { cubics, mask } = run.table;
  const { noise, jitter } = run;
  const { step, period, perJitter } = pacesOf(run);
  let { place } = pacesOf(run);
  for (let frame = 0, to = at; frame < run.frames; frame++, to += stride) {
    const moment = perJitter === 0 ? place : place + perJitter * (jitter[frame] ?? 0);
    const value = waveAt(cubics, mask, moment);
    const wobble = noise[frame] ?? 0;
    const finePlace = fineScales.origin + fineScales.perVolt * value + fineScales.perNoise * wobble;
    const fineCode = codeOf(fineCurve, fineMax, finePlace);
    if (fineCode >= guard_codes && fineCode <= fineMax - guard_codes) {
      into[to] = fineCounts === null ? fineCode - fineZero : (fineCounts[fineCode] ?? 0);
    } else {
      const coarsePlace = coarseScales.origin + coarseScales.perVolt * value + coarseScales.perNoise * wobble;
      const code = codeOf(coarseCurve, coarseMax, coarsePlace);
      into[to] = coarseCounts === null ? code - coarseZero : (coarseCounts[code] ?? 0);
    }
    place += step;
    if (place >= 2 * period) place -= period;
  }
}

/** A wave at a place from 0; places beyond the table come round again. */
function waveAt(cubics: Float64Array, mask: number, moment: number): number {
  const whole = moment | 0;
  const f = moment - whole;
  const k = (whole & mask) << 2;
  const c0 = cubics[k] ?? 0;
  const c1 = cubics[k + 1] ?? 0;
  const c2 = cubics[k + 2] ?? 0;
  const c3 = cubics[k + 3] ?? 0;
  return ((c3 * f + c2) * f + c1) * f + c0;
}

/** Through the curve to the nearest code, halves upward; beyond the span is its end. */
function codeOf(curve: Float64Array, code_max: number, place: number): number {
  const inside = place > 0 ? (place < PLACE_MAX ? place : PLACE_MAX) : 0;
  const piece = inside | 0;
  const from = curve[piece] ?? 0;
  const code = (from + (inside - piece) * ((curve[piece + 1] ?? 0) - from) + 0.5) | 0;
  return code > code_max ? code_max : code > 0 ? code : 0;
}

const PLACE_MAX = CURVE_PIECES - 1 / 0x10_0000;

/** Places of the curve for a V of the sensor, for 0 V, and for one standard deviation of noise. */
function scalesOf({ converter, scale, noise_codes, shift_codes }: Take) {
  const { bits, span_V, bias_V } = converter.range;
  // A measured curve's codes are not even over the span: noise in codes is meant where the bias is.
  const perCode = CURVE_PIECES / span_V / nominalSlope(converter.range);
  const evenPerCode = CURVE_PIECES / codesOf(bits);
  return {
    perVolt: (CURVE_PIECES / span_V) * converter.gain * scale,
    origin: (bias_V / span_V) * CURVE_PIECES + converter.offset_codes * evenPerCode + shift_codes * perCode,
    perNoise: noise_codes * perCode,
  };
}

/**
 * A run in places of its table. The first place lies in the table's second period, so that no jitter makes
 * one negative; it, the step and every sum of them are exact.
 */
function pacesOf({ table, phase, step, jitter_turns }: Run) {
  const period = table.mask + 1;
  const place = (phase / PHASE_UNITS) * table.placesPerTurn;
  return {
    place: period + place - period * Math.floor(place / period),
    step: (step / PHASE_UNITS) * table.placesPerTurn,
    period,
    perJitter: jitter_turns * table.placesPerTurn,
  };
}
