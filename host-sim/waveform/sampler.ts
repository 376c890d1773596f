/**
 * The waveform front end: mains, sensors and converters together, as the accumulator's DMA sees them. Frames
 * of codes around zero come out, v1, i1, v2, i2, v3, i3, with the energy that truly flowed meanwhile.
 *
 * The same model, supply, rate and seed give the same codes on every engine, however the frames are asked for.
 */

import type { SeededRandom } from "../seeded.js";
import {
  Converter,
  convert,
  convertRanges,
  even,
  Gaussian,
  nominalCountsPerVolt,
  PHASE_UNITS,
  type Range,
  type Run,
  type Take,
} from "./adc.js";
import { sineOfTurns, squareRoot } from "./elementary.js";
import { ElementTruth, type ElementWaves, PERIOD_TURNS, type Spectrum, spectrumOf } from "./mains.js";
import { type CubicTable, cubicTable } from "./periodic.js";
import {
  driftOf,
  highPassed,
  lowPassed,
  multiplied,
  nominalRatio,
  REFERENCE_C,
  type Sensor,
  sensed,
} from "./sensors.js";
import type { Stretch, Supply } from "./supply.js";

/** A voltage or a current input. */
export interface Channel {
  readonly sensor: Sensor;
  readonly filter: Filter;
  /** One converter, or a fine and a coarse one that sample at once and whose counts mean the same. */
  readonly ranges: readonly [Range] | readonly [fine: Range, coarse: Range];
  /** How near to its ends a fine converter's code is not used any more. */
  readonly guard_codes: number;
  /** When in the frame it is sampled. */
  readonly sampled_s: number;
}

/** Against aliases. */
export interface Filter {
  /** Corner of the RC in front of the converter, Hz, and how much a unit's channel is off at most, evenly. */
  readonly corner_Hz: number;
  readonly cornerSpread: number;
  /** A delta-sigma converter's sinc^3 over one output sample, without its delay, which v and i share. */
  readonly sinc3: boolean;
  /** A capacitor in series, with the corner that it has with its load, if there is one. */
  readonly coupling?: Coupling;
}

/** A first-order high pass: it leads as a current transformer does, by an angle that falls with frequency. */
export interface Coupling {
  readonly corner_Hz: number;
  /** A unit's is off by at most this, evenly. */
  readonly cornerSpread: number;
}

/** A kind of front end: everything there is to know but the unit. */
export interface FrontEnd {
  readonly name: string;
  readonly voltage: Channel;
  readonly current: Channel;
  /** Of the sampling clock; a unit's is off by at most this, evenly. Positive is fast. */
  readonly clockSpread_ppm: number;
  /** Of the sampling instant, standard deviation, white. */
  readonly jitter_s: number;
  readonly reference: Reference;
  readonly radio?: Radio;
  /** Frames lost by a DMA that was not served in time. */
  readonly drops?: Occurrence;
}

/** Of the converters' reference voltage, each unit's slopes at most these, evenly. */
export interface Reference {
  readonly drift_ppmPerK: number;
  readonly ageing_ppmPerYear: number;
}

/** Something now and then: gaps are drawn evenly from half to one and a half of the mean. */
export interface Occurrence {
  readonly every_s: number;
  /** Drawn evenly from half to one and a half of this. */
  readonly lasts_s: number;
}

/** What a transmitter next to the converter does while it sends. */
export interface Radio extends Occurrence {
  /** White, at the input, standard deviation; on top of the converter's own. */
  readonly noise_codes: number;
  /** At most, evenly, another for each burst. */
  readonly shift_codes: number;
}

/** What surrounds the meter. Set it between blocks. */
export interface Conditions {
  temperature_C: number;
  age_years: number;
}

export interface SamplerOptions {
  readonly frontEnd: FrontEnd;
  readonly supply: Supply;
  /** Nominal, frames a second. */
  readonly rate_Hz: number;
  /** Which unit and what noise: a fork for this sampler alone. */
  readonly random: SeededRandom;
  /** What noise, if the same unit is to be seen again at another time: noise, jitter, radio, losses. */
  readonly noise?: SeededRandom;
}

/** What came of one call of {@link Sampler.fill}. */
export interface Block {
  /** True time from the first frame of this block to the first of the next, lost frames included. */
  readonly duration_s: number;
  /** In order. */
  readonly gaps: readonly Gap[];
  /** Of each element, over `duration_s`: what flowed during a gap is in it. */
  readonly energy: readonly ElementEnergy[];
}

export interface Gap {
  /** Frames of this block that come before the gap, from 0; a gap after the last belongs to the next block. */
  readonly after: number;
  readonly lost: number;
}

export interface ElementEnergy {
  /** Of all harmonics, import positive. */
  readonly active_mJ: number;
  /** Of the fundamental, inductive import positive. */
  readonly reactive_mJ: number;
}

/** Counts a V or A on the wires, as the model's nominal values have it: where calibration starts. */
export interface Scale {
  readonly countsPerVolt: number;
  readonly countsPerAmpere: number;
}

export function scaleOf({ voltage, current }: FrontEnd): Scale {
  const counts = ({ sensor, ranges }: Channel) => {
    const coarse = ranges[ranges.length - 1] ?? ranges[0];
    return nominalRatio(sensor) * nominalCountsPerVolt(coarse);
  };
  return { countsPerVolt: counts(voltage), countsPerAmpere: counts(current) };
}

/**
 * Orders that are kept of a fired current; the filters are down by then, and what is left out of a step of a
 * peak is less than 0.3 % of it at each order.
 */
const ORDER_MAX = 128;

/** Frames converted at once: noise for them is drawn before. */
const RUN_FRAMES_MAX = 1024;

/** One meter's front end, running. */
export class Sampler {
  /** Numbers in a frame. */
  readonly channels: number;
  readonly scale: Scale;
  readonly conditions: Conditions = { temperature_C: REFERENCE_C, age_years: 0 };
  readonly #frontEnd: FrontEnd;
  readonly #rate_Hz: number;
  readonly #clock: number;
  readonly #referenceSlope: { readonly perK: number; readonly perYear: number };
  readonly #inputs: Input[] = [];
  readonly #supply: Iterator<Stretch>;
  readonly #radio: Chance | null;
  readonly #drops: Chance | null;
  readonly #jitter: Gaussian;
  readonly #jitters = new Float64Array(RUN_FRAMES_MAX);
  readonly #sampled_s: number[];
  #stretch: OpenStretch;
  /** Frames since the start, lost ones included; radio and losses are laid out in it. */
  #frame = 0;

  /** @throws RangeError for no or more than three elements, or a supply without a stretch */
  constructor({ frontEnd, supply, rate_Hz, random, noise = random }: SamplerOptions) {
    this.#frontEnd = frontEnd;
    this.#rate_Hz = rate_Hz;
    this.scale = scaleOf(frontEnd);
    const unit = random.fork("unit");
    this.#clock = 1 + frontEnd.clockSpread_ppm * 1e-6 * even(unit.fork("clock"));
    this.#referenceSlope = {
      perK: frontEnd.reference.drift_ppmPerK * 1e-6 * even(unit.fork("reference drift")),
      perYear: frontEnd.reference.ageing_ppmPerYear * 1e-6 * even(unit.fork("reference ageing")),
    };
    this.#supply = supply[Symbol.iterator]();
    const first = this.#supply.next();
    if (first.done === true) throw new RangeError("a supply has one stretch at least");
    const elements = first.value.mains.elements.length;
    if (elements < 1 || elements > 3) throw new RangeError(`a meter has 1 to 3 elements, not ${elements}`);
    for (let element = 1; element <= elements; element++) {
      for (const [name, channel] of [
        [`v${element}`, frontEnd.voltage],
        [`i${element}`, frontEnd.current],
      ] as const) {
        this.#inputs.push(new Input(channel, random.fork(name), noise.fork(name)));
      }
    }
    this.channels = this.#inputs.length;
    this.#sampled_s = this.#inputs.map(({ channel }) => channel.sampled_s);
    this.#jitter = new Gaussian(noise.fork("jitter"));
    const chance = (occurrence: Occurrence | undefined, label: string) =>
      occurrence === undefined ? null : new Chance(occurrence, rate_Hz, noise.fork(label));
    this.#radio = chance(frontEnd.radio, "radio");
    this.#drops = chance(frontEnd.drops, "drops");
    this.#stretch = this.#open(first.value, 0, 0);
  }

  /** True frames a second. */
  get trueRate_Hz(): number {
    return this.#rate_Hz * this.#clock;
  }

  /**
   * The next frames, v1, i1, v2, i2, ... each.
   *
   * @param into room for the frames; what is beyond them stays as it is
   * @throws RangeError if they do not fit
   */
  fill(into: Int16Array, frames = Math.floor(into.length / this.channels)): Block {
    if (frames * this.channels > into.length) throw new RangeError(`${frames} frames do not fit`);
    const gaps: Gap[] = [];
    const tally = new Tally(this.channels / 2);
    const before = this.#frame;
    for (let done = 0; done < frames; ) {
      const lost = this.#drops?.left(this.#frame) ?? 0;
      if (lost > 0) {
        gaps.push({ after: done, lost });
        this.#pass(lost, tally);
        continue;
      }
      const run = Math.min(frames - done, RUN_FRAMES_MAX, this.#framesAlike());
      this.#convert(into, done, run);
      this.#pass(run, tally);
      done += run;
    }
    this.#stretch.settle(tally, this.trueRate_Hz);
    return { duration_s: (this.#frame - before) / this.trueRate_Hz, gaps, energy: tally.energy() };
  }

  /** Frames until something begins or ends. */
  #framesAlike(): number {
    const untilEdge = (chance: Chance | null) => chance?.untilEdge(this.#frame) ?? Number.POSITIVE_INFINITY;
    return Math.min(this.#stretch.end - this.#frame, untilEdge(this.#radio), untilEdge(this.#drops));
  }

  #convert(into: Int16Array, done: number, frames: number): void {
    const { jitter_s, radio } = this.#frontEnd;
    const { frequency_Hz, tables, phase, step } = this.#stretch;
    if (jitter_s > 0) this.#jitter.fill(this.#jitters, frames);
    const sending = (this.#radio?.left(this.#frame) ?? 0) > 0;
    const noise_codes = sending ? (radio?.noise_codes ?? 0) : 0;
    const shift_codes = sending ? (radio?.shift_codes ?? 0) * (this.#radio?.strength ?? 0) : 0;
    for (const [at, input] of this.#inputs.entries()) {
      const table = tables[at];
      if (table === undefined) continue;
      const run: Run = {
        table,
        phase: phase + Math.round((this.#sampled_s[at] ?? 0) * frequency_Hz * PHASE_UNITS),
        step,
        frames,
        noise: input.noiseFor(frames),
        jitter: this.#jitters,
        jitter_turns: jitter_s * frequency_Hz,
      };
      const scale = driftOf(input.channel.sensor, this.conditions.temperature_C) / this.#reference();
      input.take(run, { scale, noise_codes, shift_codes }, into, done * this.channels + at, this.channels);
    }
  }

  /** The reference over its nominal. */
  #reference(): number {
    const { temperature_C, age_years } = this.conditions;
    const { perK, perYear } = this.#referenceSlope;
    return 1 + perK * (temperature_C - REFERENCE_C) + perYear * age_years;
  }

  /** Time goes on by this many frames, into the next stretches if need be. */
  #pass(frames: number, tally: Tally): void {
    let left = frames;
    while (left > 0) {
      const part = Math.min(left, this.#stretch.end - this.#frame);
      this.#stretch.pass(part);
      this.#frame += part;
      left -= part;
      if (this.#frame === this.#stretch.end) this.#next(tally);
    }
  }

  #next(tally: Tally): void {
    this.#stretch.settle(tally, this.trueRate_Hz);
    const next = this.#supply.next();
    if (next.done === true) this.#stretch.end = Number.POSITIVE_INFINITY;
    else this.#stretch = this.#open(next.value, this.#stretch.phase, this.#stretch.ends_s);
  }

  #open({ duration_s, mains }: Stretch, phase: number, from_s: number): OpenStretch {
    const tables = mains.elements.flatMap(({ voltage, current }, element) => [
      this.#tableOf(voltage, 2 * element, mains.frequency_Hz),
      this.#tableOf(current, 2 * element + 1, mains.frequency_Hz),
    ]);
    const ends_s = from_s + duration_s;
    return new OpenStretch({
      frequency_Hz: mains.frequency_Hz,
      truths: mains.elements.map((element) => new ElementTruth(element)),
      tables,
      phase,
      step: Math.round((mains.frequency_Hz / this.trueRate_Hz) * PHASE_UNITS),
      ends_s,
      // At least one frame, so that a supply of nothings ends.
      end: Math.max(this.#frame + 1, Math.round(ends_s * this.trueRate_Hz)),
    });
  }

  #tableOf(wave: ElementWaves["current"], at: number, frequency_Hz: number): CubicTable {
    const input = this.#inputs[at];
    if (input === undefined) throw new RangeError("all stretches of a supply have the same elements");
    return cubicTable(input.seen(spectrumOf(wave, ORDER_MAX), frequency_Hz, this.#rate_Hz));
  }
}

/** One channel of one unit. */
class Input {
  readonly channel: Channel;
  readonly #converters: readonly Converter[];
  readonly #draw: { readonly ratio: number; readonly lead: number };
  readonly #corner_Hz: number;
  readonly #coupled_Hz: number | null;
  readonly #noise: Gaussian;
  readonly #noises = new Float64Array(RUN_FRAMES_MAX);

  constructor(channel: Channel, random: SeededRandom, noise: SeededRandom) {
    this.channel = channel;
    this.#converters = channel.ranges.map((range, at) => new Converter(range, random.fork(`range ${at}`)));
    this.#draw = { ratio: even(random.fork("ratio")), lead: even(random.fork("lead")) };
    this.#corner_Hz =
      channel.filter.corner_Hz * (1 + channel.filter.cornerSpread * even(random.fork("corner")));
    const { coupling } = channel.filter;
    this.#coupled_Hz =
      coupling === undefined
        ? null
        : coupling.corner_Hz * (1 + coupling.cornerSpread * even(random.fork("coupling")));
    this.#noise = new Gaussian(noise.fork("noise"));
  }

  /** From the wires to the converter's pin. */
  seen(wires: Spectrum, frequency_Hz: number, rate_Hz: number): Spectrum {
    const { sensor, filter } = this.channel;
    return sensed(sensor, this.#draw, wires, frequency_Hz, ORDER_MAX).map((line) => {
      const line_Hz = line.order * frequency_Hz;
      const coupled = this.#coupled_Hz === null ? line : highPassed(line, line_Hz / this.#coupled_Hz);
      const filtered = lowPassed(coupled, 1, line_Hz / this.#corner_Hz);
      return filter.sinc3 ? multiplied(filtered, sinc3(line_Hz / rate_Hz), 0) : filtered;
    });
  }

  noiseFor(frames: number): Float64Array {
    this.#noise.fill(this.#noises, frames);
    return this.#noises;
  }

  take(run: Run, all: Omit<Take, "converter">, into: Int16Array, at: number, stride: number): void {
    const [first, second] = this.#converters.map((converter): Take => {
      const own = converter.range.noise_codes;
      const noise_codes = squareRoot(own * own + all.noise_codes * all.noise_codes);
      return { converter, scale: all.scale, noise_codes, shift_codes: all.shift_codes };
    });
    if (first === undefined) return;
    if (second === undefined) convert(run, first, into, at, stride);
    else convertRanges(run, [first, second], this.channel.guard_codes, into, at, stride);
  }
}

/** Three averages over one sample each: (sin(pi x) / (pi x))^3 at x times the sampling rate. */
function sinc3(x: number): number {
  if (x === 0) return 1;
  const sinc = sineOfTurns(x / 2) / (Math.PI * x);
  return sinc * sinc * sinc;
}

/** The stretch that runs, and how far. */
class OpenStretch {
  readonly frequency_Hz: number;
  readonly truths: readonly ElementTruth[];
  readonly tables: readonly CubicTable[];
  /** Phase of the next frame and between frames, {@link PHASE_UNITS}. */
  phase: number;
  readonly step: number;
  /** When it ends, s since the start. */
  readonly ends_s: number;
  /** The frame that is the next stretch's first. */
  end: number;
  #settledPhase: number;
  #unsettled = 0;

  constructor(of: {
    frequency_Hz: number;
    truths: readonly ElementTruth[];
    tables: readonly CubicTable[];
    phase: number;
    step: number;
    ends_s: number;
    end: number;
  }) {
    this.frequency_Hz = of.frequency_Hz;
    this.truths = of.truths;
    this.tables = of.tables;
    this.phase = of.phase;
    this.step = of.step;
    this.ends_s = of.ends_s;
    this.end = of.end;
    this.#settledPhase = of.phase;
  }

  pass(frames: number): void {
    this.#unsettled += frames;
    // Both factors are below 2^50 units and 1,024 frames or a gap: reduced often enough to stay exact.
    for (let left = frames; left > 0; left -= PASS_FRAMES) {
      this.phase = (this.phase + Math.min(left, PASS_FRAMES) * this.step) % (PERIOD_TURNS * PHASE_UNITS);
    }
  }

  /** Adds what flowed since it was last asked. */
  settle(tally: Tally, rate_Hz: number): void {
    const time_s = this.#unsettled / rate_Hz;
    for (const [element, truth] of this.truths.entries()) {
      const swing_Wt = truth.swing_Wt(this.#settledPhase / PHASE_UNITS, this.phase / PHASE_UNITS);
      tally.add(element, truth.active_W * time_s + swing_Wt / this.frequency_Hz, truth.reactive_var * time_s);
    }
    this.#unsettled = 0;
    this.#settledPhase = this.phase;
  }
}

/** A step is under a quarter of a turn at any useful rate: 64 of them stay below 2^53 with the phase. */
const PASS_FRAMES = 64;

/** Energies of one block. */
class Tally {
  readonly #active_J: Float64Array;
  readonly #reactive_J: Float64Array;

  constructor(elements: number) {
    this.#active_J = new Float64Array(elements);
    this.#reactive_J = new Float64Array(elements);
  }

  add(element: number, active_J: number, reactive_J: number): void {
    this.#active_J[element] = (this.#active_J[element] ?? 0) + active_J;
    this.#reactive_J[element] = (this.#reactive_J[element] ?? 0) + reactive_J;
  }

  energy(): ElementEnergy[] {
    return Array.from(this.#active_J, (active_J, element) => ({
      active_mJ: active_J * 1_000,
      reactive_mJ: (this.#reactive_J[element] ?? 0) * 1_000,
    }));
  }
}

/** When something happens, in frames; asked with frames that never fall. */
class Chance {
  /** -1 to 1, another for each time. */
  strength = 0;
  readonly #every: number;
  readonly #lasts: number;
  readonly #random: SeededRandom;
  #from = 0;
  #to = 0;

  constructor({ every_s, lasts_s }: Occurrence, rate_Hz: number, random: SeededRandom) {
    this.#every = every_s * rate_Hz;
    this.#lasts = lasts_s * rate_Hz;
    this.#random = random;
  }

  /** Frames left of what happens at this frame, 0 if nothing does. */
  left(frame: number): number {
    this.#reach(frame);
    return frame >= this.#from ? this.#to - frame : 0;
  }

  /** Frames until it begins or ends. */
  untilEdge(frame: number): number {
    this.#reach(frame);
    return frame < this.#from ? this.#from - frame : this.#to - frame;
  }

  #reach(frame: number): void {
    while (frame >= this.#to) {
      this.#from = this.#to + this.#drawn(this.#every);
      this.#to = this.#from + this.#drawn(this.#lasts);
      this.strength = even(this.#random);
    }
  }

  /** A whole number of frames around the mean, at least 1. */
  #drawn(mean: number): number {
    return Math.max(1, Math.round(mean * (0.5 + this.#random.fraction())));
  }
}
