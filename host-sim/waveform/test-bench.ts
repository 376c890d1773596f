/**
 * A test bench in the simulator: one unit of a front end's model is put on a source whose power is known by formula,
 * and what the unit's own pipeline counts (trusted/metrology/waveform.ts) is compared with it. A unit is the same at
 * every point, its noise another; the mains are a little off their frequency, as mains are, so that no sample falls
 * on the same place of every cycle.
 */

import type { WaveformCalibration } from "../../src/trusted/metrology/calibration.js";
import { WaveformEnergy } from "../../src/trusted/metrology/waveform.js";
import { SeededRandom } from "../seeded.js";
import { WaveformFrontEnd } from "./front-end.js";
import { ElementTruth, type Mains } from "./mains.js";
import { RATED } from "./models.js";
import { type FrontEnd, Sampler } from "./sampler.js";
import { type Supply, steady } from "./supply.js";
import { type Estimate, estimate } from "./uncertainty.js";

/** Which unit of which model. */
export interface Specimen {
  readonly model: FrontEnd;
  /** 1 to 3. */
  readonly elements: number;
  readonly seed: number;
}

/** How long a point is measured. */
export interface Patience {
  /** Half of the 95 % interval that is enough, %. */
  readonly target: number;
  /** After this the point is left as it is, s. */
  readonly seconds_max: number;
}

export interface ErrorMeasured {
  /** Of the register, %. */
  readonly error: number;
  /** Half of its 95 % interval, %. */
  readonly uncertainty: number;
  readonly seconds: number;
  /** Flags that the pipeline raised. */
  readonly status: number;
}

/** One window of the pipeline. */
export interface Window {
  /** By channel. */
  readonly energy_mJ: readonly number[];
  /** True time, what was lost of it included. */
  readonly duration_s: number;
  readonly status: number;
}

/** Frames between looks at the accumulator: five cycles. */
const LOOK_FRAMES = 400;
/** The accumulator's period settles within this. */
const SETTLING_S = 2;
/** Windows in a chunk: 2 s, a hundred cycles, and so whole patterns of a burst-fired current. */
export const CHUNK_WINDOWS = 10;
/** A window lasts 0.2 s; what has given nothing for ten of them has no load. */
const SILENT_MAX_S = 2;

/** By this the mains are off their frequency, up or down: 5 to 15 mHz. */
const DETUNING = [1e-4, 3e-4] as const;

function detuned(mains: Mains, random: SeededRandom): Mains {
  const [least, most] = DETUNING;
  const size = least + (most - least) * random.fraction();
  return { ...mains, frequency_Hz: mains.frequency_Hz * (random.below(2) === 0 ? 1 + size : 1 - size) };
}

/** A unit on its source, running. */
export class Setup {
  readonly frontEnd: WaveformFrontEnd;
  readonly sampler: Sampler;

  /** @param label of the point: each has a noise of its own. */
  constructor({ model, seed }: Specimen, supply: Supply, label: string, temperature_C: number) {
    const random = new SeededRandom(seed).fork(model.name);
    const noise = random.fork("noise").fork(label);
    this.sampler = new Sampler({ frontEnd: model, supply, rate_Hz: RATED.rate_Hz, random, noise });
    this.sampler.conditions.temperature_C = temperature_C;
    this.frontEnd = new WaveformFrontEnd({ sampler: this.sampler, rate_Hz: RATED.rate_Hz });
  }
}

/** A setup on a steady state, with the power that it truly has. */
export function steadySetup(specimen: Specimen, mains: Mains, label: string, temperature_C: number) {
  const random = new SeededRandom(specimen.seed).fork("mains").fork(label);
  const own = detuned(mains, random);
  const truths = own.elements.map((element) => new ElementTruth(element));
  return { setup: new Setup(specimen, steady(own), label, temperature_C), truths };
}

/**
 * The windows of the pipeline, after what it takes to settle: cycles go in one by one, and with the one that ends a
 * window energy comes out. Ends when none comes any more.
 * @param channels OBIS codes.
 */
export function* windowsOf(
  { frontEnd, sampler }: Setup,
  channels: readonly string[],
  calibration: WaveformCalibration,
): Generator<Window> {
  const pipeline = new WaveformEnergy(channels);
  let [samples, lost_s, status, passed_s, silent_s] = [0, 0, 0, 0, 0];
  while (silent_s < SILENT_MAX_S) {
    const { duration_s } = frontEnd.run(LOOK_FRAMES);
    passed_s += duration_s;
    silent_s += duration_s;
    lost_s += duration_s - LOOK_FRAMES / sampler.trueRate_Hz;
    for (const cycle of frontEnd.read().cycles ?? []) {
      status |= pipeline.take([cycle], calibration);
      samples += cycle.samples;
      const energy_mJ = channels.map((_, channel) => pipeline.drain(channel));
      if (energy_mJ.every((mJ) => mJ === 0)) continue;
      if (passed_s > SETTLING_S)
        yield { energy_mJ, duration_s: samples / sampler.trueRate_Hz + lost_s, status };
      [samples, lost_s, status, silent_s] = [0, 0, 0, 0];
    }
  }
}

/** Sums of windows. */
export interface Chunk {
  readonly energy_mJ: readonly number[];
  readonly duration_s: number;
  readonly status: number;
}

/** The next windows together; null if there are no more. */
export function chunkOf(windows: Iterator<Window>): Chunk | null {
  let chunk: Chunk = { energy_mJ: [], duration_s: 0, status: 0 };
  for (let left = CHUNK_WINDOWS; left > 0; left--) {
    const next = windows.next();
    if (next.done === true) return null;
    const { energy_mJ, duration_s, status } = next.value;
    chunk = {
      energy_mJ: energy_mJ.map((mJ, channel) => mJ + (chunk.energy_mJ[channel] ?? 0)),
      duration_s: chunk.duration_s + duration_s,
      status: chunk.status | status,
    };
  }
  return chunk;
}

const REGISTERS = ["1-0:1.8.0", "1-0:2.8.0"] as const;

/** The error of the register that the true power runs into, %. */
export function measureError(
  specimen: Specimen,
  calibration: WaveformCalibration,
  { mains, label, temperature_C }: { mains: Mains; label: string; temperature_C: number },
  { target, seconds_max }: Patience,
): ErrorMeasured {
  const { setup, truths } = steadySetup(specimen, mains, label, temperature_C);
  const power_mW = 1000 * truths.reduce((sum, { active_W }) => sum + active_W, 0);
  const windows = windowsOf(setup, REGISTERS, calibration);
  const errors: number[] = [];
  let [seconds, status] = [0, 0];
  let known: Estimate = { mean: Number.NaN, uncertainty: Number.POSITIVE_INFINITY };
  while (known.uncertainty > target && seconds < seconds_max) {
    const chunk = chunkOf(windows);
    // A meter that counts nothing has lost all of it.
    if (chunk === null) return { error: -100, uncertainty: 0, seconds, status };
    const measured_mJ = chunk.energy_mJ[power_mW > 0 ? 0 : 1] ?? 0;
    errors.push(100 * (measured_mJ / (Math.abs(power_mW) * chunk.duration_s) - 1));
    seconds += chunk.duration_s;
    status |= chunk.status;
    // Looking at each would stop at the luckiest of many looks.
    if (errors.length % LOOK_CHUNKS === 0) known = estimate(errors);
  }
  return { error: known.mean, uncertainty: known.uncertainty, seconds, status };
}

const LOOK_CHUNKS = 10;
