// The reference of firmware/native/accumulator.c: the same algorithm, function by function, and the same records bit
// for bit (tests/engines/accumulator.test.ts). It is also the front end of the waveform simulator on Node, and so it
// allocates nothing for a sample. accumulator.h and accumulator.c say what is done and why; here is only what differs.
//
// Numbers suffice for 64-bit integers: a cycle has at most 400 samples of at most 2^15, so the largest value, a sum of
// products in Q8, is below 400 · 2^15 · 2^8 · 2^15 < 2^47, and the largest product in setLevels is below 2^48. Every
// intermediate value is an integer below 2^53, and exact; divisions are Math.trunc, as C's are.

import type { Cycle } from "../../src/trusted/ports.js";

/** Sums of an element. */
export const SUMS = 6;
export const ELEMENTS_MAX = 3;
/** Frames a second. */
export const RATE_HZ_MIN = 2000;
export const RATE_HZ_MAX = 16000;
/** Records in 5 s at 65 Hz: what the queue is to hold. */
export const QUEUE_CYCLES = 325;

const CYCLE_HZ_MAX = 70;
const CYCLE_HZ_MIN = 40;
const NOMINAL_HZ = 50;
const HYSTERESIS_MIN = 8;
const HYSTERESIS_MAX = 2048;
const HYSTERESIS_PART_SQUARED = 256;
const MEAN_SMOOTHING = 4;
const PERIOD_SMOOTHING = 16;
const HISTORY = 128;
const HISTORY_MASK = HISTORY - 1;
const U32_MAX = 0xffffffff;
/** Places in a sum's block: v, i, v², i², v·i, v_q·i. */
const [SUM_V, SUM_I, SUM_VV, SUM_II, SUM_VI, SUM_QI] = [0, 1, 2, 3, 4, 5] as const;

export interface AccumulatorOptions {
  /** 1 to 3. */
  readonly elements: number;
  /** 2,000 to 16,000 frames a second. */
  readonly rate_Hz: number;
  /** Records that the queue holds; 5 s of them if absent. */
  readonly capacity?: number;
}

export class Accumulator {
  readonly #elements: number;
  readonly #samplesMin: number;
  readonly #samplesMax: number;

  readonly #queue: Float64Array;
  readonly #capacity: number;
  readonly #words: number;
  #first = 0;
  #queued = 0;
  #lost = 0;

  #samples = 0;
  readonly #sums: Float64Array;
  #isTimed = false;
  #phase_Q8 = 0;

  #mean_Q8 = 0;
  #low_Q8 = -HYSTERESIS_MIN * 256;
  #last_Q8 = 0;
  #isArmed = false;

  #period_Q16: number;
  #isSmoothed = false;
  #delay = 0;
  #delayLeft_Q8 = 0;
  #place = 0;
  readonly #history: Int16Array;

  /** What findCrossing found besides its count. */
  #isCrossing = false;
  #nextPhase_Q8 = 0;

  /** @throws RangeError for what the C code refuses. */
  constructor({ elements, rate_Hz, capacity = QUEUE_CYCLES }: AccumulatorOptions) {
    const isRight = Number.isInteger(elements) && elements >= 1 && elements <= ELEMENTS_MAX;
    if (!isRight || !Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`an accumulator has 1 to ${ELEMENTS_MAX} elements and a queue`);
    }
    if (!Number.isInteger(rate_Hz) || rate_Hz < RATE_HZ_MIN || rate_Hz > RATE_HZ_MAX) {
      throw new RangeError(`${rate_Hz} frames a second are not ${RATE_HZ_MIN} to ${RATE_HZ_MAX}`);
    }
    this.#elements = elements;
    this.#samplesMin = Math.trunc(rate_Hz / CYCLE_HZ_MAX);
    this.#samplesMax = Math.trunc(rate_Hz / CYCLE_HZ_MIN);
    this.#capacity = capacity;
    this.#words = 2 + SUMS * elements;
    this.#queue = new Float64Array(capacity * this.#words);
    this.#sums = new Float64Array(SUMS * elements);
    this.#history = new Int16Array(HISTORY * elements);
    this.#period_Q16 = Math.trunc((rate_Hz * 65536) / NOMINAL_HZ);
    this.#setDelay();
  }

  /**
   * Takes frames in the order of time, any number at once.
   * @param samples v1, i1, v2, i2 ... of each frame, with the middle of the converter's range at 0.
   */
  feed(samples: Int16Array, frames = Math.trunc(samples.length / (2 * this.#elements))): void {
    const channels = 2 * this.#elements;
    let at = 0;
    let left = frames;
    while (left > 0) {
      const count = this.#findCrossing(samples, at, left);
      for (let element = 0; element < this.#elements; element++) {
        this.#addFrames(element, samples, at + 2 * element, count);
      }
      this.#place = (this.#place + count) & HISTORY_MASK;
      this.#samples += count;
      at += count * channels;
      left -= count;
      if (this.#isCrossing || this.#samples === this.#samplesMax) this.#closeCycle();
    }
  }

  /** To be told, at its place in the stream, when frames are missing. */
  lose(frames: number): void {
    if (frames === 0) return;
    const period = Math.trunc(this.#period_Q16 / 65536);
    this.#addLost(Math.ceil(frames / period));
    this.#isTimed = false;
    this.#isArmed = false;
  }

  /** Takes the oldest record out of the queue; null if it is empty. */
  take(): Cycle | null {
    if (this.#queued === 0) return null;
    const record = this.#queue.subarray(this.#first * this.#words, (this.#first + 1) * this.#words);
    const [samples = 0, lost = 0, ...sums] = record;
    this.#first = (this.#first + 1) % this.#capacity;
    this.#queued--;
    return { samples, lost, sums };
  }

  /** All that is queued, as the native module's read() gives it. */
  read(): Cycle[] {
    const cycles: Cycle[] = [];
    for (let cycle = this.take(); cycle !== null; cycle = this.take()) cycles.push(cycle);
    return cycles;
  }

  #addLost(cycles: number): void {
    this.#lost = Math.min(U32_MAX, this.#lost + cycles);
  }

  #setDelay(): void {
    const quarter_Q8 = Math.trunc((this.#period_Q16 + 512) / 1024);
    this.#delay = Math.trunc(quarter_Q8 / 256);
    this.#delayLeft_Q8 = quarter_Q8 % 256;
  }

  #queueCycle(): void {
    if (this.#queued === this.#capacity) {
      this.#addLost(1);
      return;
    }
    const queue = this.#queue;
    const sums = this.#sums;
    let at = ((this.#first + this.#queued) % this.#capacity) * this.#words;
    queue[at++] = this.#samples;
    queue[at++] = this.#lost;
    for (let sum = 0; sum < sums.length; sum++) {
      const value = sums[sum] ?? 0;
      queue[at++] = sum % SUMS === SUM_QI ? roundQ8(value) : value;
    }
    this.#queued++;
    this.#lost = 0;
  }

  #measurePeriod(): void {
    const period_Q16 = (this.#samples * 256 + this.#phase_Q8 - this.#nextPhase_Q8) * 256;
    const step_Q16 = period_Q16 - this.#period_Q16;
    this.#period_Q16 = this.#isSmoothed
      ? this.#period_Q16 + Math.trunc(step_Q16 / PERIOD_SMOOTHING)
      : period_Q16;
    this.#isSmoothed = true;
  }

  #setLevels(): void {
    const sum = this.#sums[SUM_V] ?? 0;
    const samples = this.#samples;
    const variance = samples * (this.#sums[SUM_VV] ?? 0) - sum * sum;
    const part = HYSTERESIS_PART_SQUARED * samples * samples;
    let hysteresis = HYSTERESIS_MIN;
    while (hysteresis < HYSTERESIS_MAX && part * hysteresis * hysteresis < variance) hysteresis *= 2;
    const mean_Q8 = Math.trunc((sum * 256) / samples);
    this.#mean_Q8 += Math.trunc((mean_Q8 - this.#mean_Q8) / MEAN_SMOOTHING);
    this.#low_Q8 = this.#mean_Q8 - hysteresis * 256;
  }

  #closeCycle(): void {
    if (this.#isCrossing && this.#isTimed) this.#measurePeriod();
    if (!this.#isCrossing) this.#isSmoothed = false;
    this.#setDelay();
    this.#setLevels();
    this.#queueCycle();
    this.#sums.fill(0);
    this.#samples = 0;
    this.#isTimed = this.#isCrossing;
    this.#phase_Q8 = this.#nextPhase_Q8;
    this.#isArmed = false;
  }

  /** Leaves whether there is a crossing in #isCrossing, and its place in #nextPhase_Q8. */
  #findCrossing(samples: Int16Array, from: number, frames: number): number {
    const channels = 2 * this.#elements;
    const most = Math.min(frames, this.#samplesMax - this.#samples);
    const mean_Q8 = this.#mean_Q8;
    const low_Q8 = this.#low_Q8;
    const countMin = this.#samplesMin - this.#samples;
    let last_Q8 = this.#last_Q8;
    let isArmed = this.#isArmed;
    let at = from;
    let count = 0;
    this.#isCrossing = false;
    this.#nextPhase_Q8 = 0;
    for (; count < most; count++) {
      const v_Q8 = (samples[at] as number) << 8;
      if (v_Q8 < low_Q8) isArmed = true;
      else if (isArmed && v_Q8 >= mean_Q8) {
        isArmed = false;
        if (count >= countMin) {
          this.#nextPhase_Q8 = 256 - Math.trunc((mean_Q8 - last_Q8) / ((v_Q8 - last_Q8) / 256));
          this.#isCrossing = true;
          break;
        }
      }
      last_Q8 = v_Q8;
      at += channels;
    }
    this.#last_Q8 = last_Q8;
    this.#isArmed = isArmed;
    return count;
  }

  #addFrames(element: number, samples: Int16Array, from: number, frames: number): void {
    const channels = 2 * this.#elements;
    const history = this.#history;
    const base = element * HISTORY;
    const left_Q8 = this.#delayLeft_Q8;
    let place = this.#place;
    let delayed = place - this.#delay;
    let older = history[base + ((delayed - 1) & HISTORY_MASK)] as number;
    let [vSum, iSum, vv, ii, vi, qi_Q8] = [0, 0, 0, 0, 0, 0];
    let at = from;
    for (let left = frames; left > 0; left--) {
      const v = samples[at] as number;
      const i = samples[at + 1] as number;
      const newer = history[base + (delayed & HISTORY_MASK)] as number;
      history[base + (place & HISTORY_MASK)] = v;
      vSum += v;
      iSum += i;
      vv += v * v;
      ii += i * i;
      vi += v * i;
      qi_Q8 += ((newer << 8) + (older - newer) * left_Q8) * i;
      older = newer;
      delayed++;
      place++;
      at += channels;
    }
    const sums = this.#sums;
    const first = SUMS * element;
    sums[first + SUM_V] = (sums[first + SUM_V] ?? 0) + vSum;
    sums[first + SUM_I] = (sums[first + SUM_I] ?? 0) + iSum;
    sums[first + SUM_VV] = (sums[first + SUM_VV] ?? 0) + vv;
    sums[first + SUM_II] = (sums[first + SUM_II] ?? 0) + ii;
    sums[first + SUM_VI] = (sums[first + SUM_VI] ?? 0) + vi;
    sums[first + SUM_QI] = (sums[first + SUM_QI] ?? 0) + qi_Q8;
  }
}

/** To the nearest, halves away from 0; never -0. */
function roundQ8(value_Q8: number): number {
  return Math.trunc((value_Q8 < 0 ? value_Q8 - 128 : value_Q8 + 128) / 256) + 0;
}
