/**
 * A recorded waveform through accumulator and pipeline, beside a reference in floating point: the same windows, their
 * energies by the definitions instead of by whole numbers. What differs is the rounding to codes, the accumulator's
 * quarter period and the pipeline's arithmetic; nothing is calibrated here, and no load is too small. The first window
 * is left out: in it the accumulator knows neither the period nor the quarter of it before the recording began.
 */

import type { WaveformCalibration } from "../../src/trusted/metrology/calibration.js";
import { WaveformEnergy } from "../../src/trusted/metrology/waveform.js";
import { Accumulator } from "./accumulator.js";

/** Voltage and current of one element. */
export interface Recording {
  /** Whole, 2,000 to 16,000 a second. */
  readonly rate_Hz: number;
  readonly volts: Float64Array;
  /** As many. */
  readonly amperes: Float64Array;
  /** A code of the converter, V and A: the values are rounded to these. */
  readonly volt_step: number;
  readonly ampere_step: number;
}

export interface Compared {
  readonly seconds: number;
  readonly windows: number;
  readonly frequency_Hz: number;
  /** Rms voltage times rms current times the time, mJ. */
  readonly apparent_mJ: number;
  readonly registers: readonly ComparedRegister[];
  /** Flags that the pipeline raised. */
  readonly status: number;
}

export interface ComparedRegister {
  readonly obis: string;
  readonly pipeline_mJ: number;
  readonly reference_mJ: number;
}

const REGISTERS = ["1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0"] as const;
const CODE_MAX = 0x7fff;
/** Frames handed over at once: less than the accumulator's queue holds. */
const BLOCK_FRAMES = 2000;

/** Frames [from, to), and how many cycles they are. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly cycles: number;
}

/** @throws RangeError if there are no two windows in it, or a value does not fit its step. */
export function compareRecording(recording: Recording): Compared {
  const { rate_Hz, volt_step, ampere_step } = recording;
  const gain = Math.round((2 ** 40 * 1000 * volt_step * ampere_step) / rate_Hz);
  if (!Number.isSafeInteger(gain) || gain < 1)
    throw new RangeError("a product of codes is more or less energy than a calibration can say");
  const calibration = { samplesPerSecond: rate_Hz, starting_mW: 0, elements: [{ gain, delay_ns: 0 }] };
  const { spans, energy_mJ, status } = throughPipeline(recording, calibration);
  const [first, last] = [spans[0], spans[spans.length - 1]];
  if (first === undefined || last === undefined)
    throw new RangeError("there are no two windows of ten cycles of 40 to 70 Hz with energy in them");
  const energies = spans.map((span) => energyOf(recording, span));
  const sum = (of: (energy: WindowEnergy) => number) =>
    energies.reduce((total, energy) => total + Math.max(0, of(energy)), 0);
  const reference_mJ = [
    sum(({ active_mJ }) => active_mJ),
    sum(({ active_mJ }) => -active_mJ),
    sum(({ reactive_mJ }) => reactive_mJ),
    sum(({ reactive_mJ }) => -reactive_mJ),
  ];
  const seconds = (last.to - first.from) / rate_Hz;
  return {
    seconds,
    windows: spans.length,
    frequency_Hz: spans.reduce((total, { cycles }) => total + cycles, 0) / seconds,
    apparent_mJ: sum(({ apparent_mJ }) => apparent_mJ),
    registers: REGISTERS.map((obis, at) => ({
      obis,
      pipeline_mJ: energy_mJ[at] ?? 0,
      reference_mJ: reference_mJ[at] ?? 0,
    })),
    status,
  };
}

/** The windows that the pipeline made but for the first, and what it counted in them. */
function throughPipeline(recording: Recording, calibration: WaveformCalibration) {
  const frames = codesOf(recording);
  const accumulator = new Accumulator({ elements: 1, rate_Hz: recording.rate_Hz });
  const pipeline = new WaveformEnergy(REGISTERS);
  const energy_mJ = REGISTERS.map(() => 0);
  const spans: Span[] = [];
  let [from, to, cycles, status] = [0, 0, 0, 0];
  for (let at = 0; at < frames.length; at += 2 * BLOCK_FRAMES) {
    accumulator.feed(frames.subarray(at, at + 2 * BLOCK_FRAMES));
    for (const cycle of accumulator.read()) {
      status |= pipeline.take([cycle], calibration);
      to += cycle.samples;
      cycles++;
      const window_mJ = REGISTERS.map((_, channel) => pipeline.drain(channel));
      if (window_mJ.every((mJ) => mJ === 0)) continue;
      if (from > 0) {
        for (const [channel, mJ] of window_mJ.entries()) energy_mJ[channel] = (energy_mJ[channel] ?? 0) + mJ;
        spans.push({ from, to, cycles });
      }
      [from, cycles] = [to, 0];
    }
  }
  return { spans, energy_mJ, status };
}

function codesOf({ volts, amperes, volt_step, ampere_step }: Recording): Int16Array {
  const frames = new Int16Array(2 * volts.length);
  for (let at = 0; at < volts.length; at++) {
    const codes = [Math.round((volts[at] ?? 0) / volt_step), Math.round((amperes[at] ?? 0) / ampere_step)];
    for (const [channel, code] of codes.entries()) {
      if (!(Math.abs(code) <= CODE_MAX + 1) || code > CODE_MAX)
        throw new RangeError(`frame ${at + 1}: ${code} is no code of 16 bits`);
      frames[2 * at + channel] = code;
    }
  }
  return frames;
}

interface WindowEnergy {
  readonly active_mJ: number;
  /** Of the fundamental, inductive import positive. */
  readonly reactive_mJ: number;
  readonly apparent_mJ: number;
}

/** By definition: the mean of v·i without dc, and the fundamentals by their Fourier sums. */
function energyOf({ volts, amperes, rate_Hz }: Recording, { from, to, cycles }: Span): WindowEnergy {
  const samples = to - from;
  let [v, i, vv, ii, vi] = [0, 0, 0, 0, 0];
  let [vCosine, vSine, iCosine, iSine] = [0, 0, 0, 0];
  const step = (2 * Math.PI * cycles) / samples;
  for (let at = from; at < to; at++) {
    const [volt, ampere] = [volts[at] ?? 0, amperes[at] ?? 0];
    const [cosine, sine] = [Math.cos(step * (at - from)), Math.sin(step * (at - from))];
    v += volt;
    i += ampere;
    vv += volt * volt;
    ii += ampere * ampere;
    vi += volt * ampere;
    vCosine += volt * cosine;
    vSine += volt * sine;
    iCosine += ampere * cosine;
    iSine += ampere * sine;
  }
  const perPower_mJ = 1000 / rate_Hz;
  return {
    active_mJ: perPower_mJ * (vi - (v * i) / samples),
    // The peaks are 2/n times the sums, and V I sin(phi) half of the product of peaks.
    reactive_mJ: (perPower_mJ * 2 * (vCosine * iSine - vSine * iCosine)) / samples,
    apparent_mJ: perPower_mJ * Math.sqrt(vv * ii),
  };
}
