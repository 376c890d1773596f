// Random input for the accumulator and the records that the reference makes of it: voltages and currents of 45 to
// 65 Hz with harmonics, offsets, noise and steps, and what no mains should be but may: silence, dc, noise alone, square
// waves from one end of the range to the other. Blocks of any length, lost frames, queues that overflow. A trial is
// bytes that trial.c reads, so both implementations have the same samples whatever an engine's Math.sin gives.

import type { Cycle } from "../../src/trusted/ports.js";
import { SeededRandom } from "../seeded.js";
import { Accumulator, ELEMENTS_MAX, RATE_HZ_MAX, RATE_HZ_MIN } from "./accumulator.js";

/** Orders in a trial, as in trial.c: two words each, the order and a count; FEED's frames follow. */
const Order = { END: 0, FEED: 1, LOSE: 2, TAKE: 3 } as const;
/** As in trial.c. */
const FRAMES_MAX = 2048;
const QUEUE_MAX = 400;
const HEAD_WORDS = 4;
const CODE_MAX = 32767;
const CODE_MIN = -32768;

/** Cycles of a trial's signal; some records more or fewer come of it. */
export const TRIAL_CYCLES = 1000;
const SEGMENT_CYCLES_MAX = 60;
/** Points of a period's shape. */
const SHAPE = 1024;
/** Rates that meters have, more often than any other. */
const USUAL_RATES_HZ = [2000, 3200, 4000, 4000, 6400, 8000, 16000];

/** One period of a channel, in codes, and the noise's span. */
interface Channel {
  readonly shape: Float64Array;
  readonly noise: number;
}

/** What trial.c prints of a trial. */
export interface TrialResult {
  readonly records: number;
  /** 16 hex digits. */
  readonly digest: string;
}

/** The bytes of a trial. @param isPrinted has trial.c print each record. */
export function trialBytes(seed: number, trial: number, isPrinted = false): Uint8Array {
  const random = new SeededRandom(seed, `trial ${trial}`);
  const elements = 1 + random.below(ELEMENTS_MAX);
  const rate_Hz =
    random.below(3) > 0
      ? (USUAL_RATES_HZ[random.below(USUAL_RATES_HZ.length)] as number)
      : RATE_HZ_MIN + random.below(RATE_HZ_MAX - RATE_HZ_MIN + 1);
  const capacity = random.below(4) > 0 ? 325 : 1 + random.below(QUEUE_MAX);
  const writer = new TrialWriter(random, 2 * elements);
  writer.words(elements, rate_Hz, capacity, isPrinted ? 1 : 0);
  for (let cycles = 0; cycles < TRIAL_CYCLES; ) {
    const segment = Math.min(1 + random.below(SEGMENT_CYCLES_MAX), TRIAL_CYCLES - cycles);
    const mains_Hz = 45 + 20 * random.fraction();
    const frames = Math.round((segment * rate_Hz) / mains_Hz);
    writer.signal(channelsOf(random, 2 * elements), frames, mains_Hz / rate_Hz);
    if (random.below(8) === 0) writer.words(Order.LOSE, lostFrames(random));
    cycles += segment;
  }
  writer.words(Order.TAKE, QUEUE_MAX, Order.END, 0);
  return writer.bytes();
}

function lostFrames(random: SeededRandom): number {
  const drawn = random.below(10);
  if (drawn === 0) return random.nextU32();
  return drawn === 1 ? 0 : 1 + random.below(2000);
}

/** Shapes of a segment, in the order of a frame. */
function channelsOf(random: SeededRandom, count: number): Channel[] {
  const kind = random.below(16);
  return Array.from({ length: count }, () => {
    if (kind === 0) return { shape: flat(0), noise: random.below(12) };
    if (kind === 1) return { shape: flat(CODE_MIN + random.below(65536)), noise: random.below(3) };
    if (kind === 2) return { shape: flat(0), noise: 65535 };
    if (kind === 3) return { shape: square(random), noise: 0 };
    return { shape: mainsShape(random), noise: random.below(4) === 0 ? random.below(2000) : random.below(8) };
  });
}

const flat = (code: number) => new Float64Array(SHAPE).fill(code);

/** Full scale, where nothing may overflow. */
function square(random: SeededRandom): Float64Array {
  const from = random.below(SHAPE);
  return new Float64Array(SHAPE).map((_, at) => ((at + from) % SHAPE < SHAPE / 2 ? CODE_MAX : CODE_MIN));
}

function mainsShape(random: SeededRandom): Float64Array {
  const amplitude = 2 ** (1 + 14 * random.fraction());
  const offset = random.below(3) === 0 ? random.below(4001) - 2000 : random.below(41) - 20;
  const harmonics = Array.from({ length: 1 + random.below(5) }, (_, at) => ({
    order: at === 0 ? 1 : 2 + random.below(14),
    part: at === 0 ? 1 : random.fraction() * 0.3,
    phase: 2 * Math.PI * random.fraction(),
  }));
  return new Float64Array(SHAPE).map((_, at) =>
    harmonics.reduce(
      (sum, { order, part, phase }) =>
        sum + amplitude * part * Math.sin((2 * Math.PI * order * at) / SHAPE + phase),
      offset,
    ),
  );
}

/** Writes words and blocks of frames one after the other, into memory that grows. */
class TrialWriter {
  readonly #random: SeededRandom;
  readonly #channels: number;
  #memory = new Uint8Array(1 << 20);
  #length = 0;
  /** Of the period, goes on from one segment to the next now and then. */
  #turn = 0;

  constructor(random: SeededRandom, channels: number) {
    this.#random = random;
    this.#channels = channels;
  }

  words(...words: readonly number[]): void {
    this.#reserve(4 * words.length);
    new Uint32Array(this.#memory.buffer, this.#length, words.length).set(words);
    this.#length += 4 * words.length;
  }

  /** Blocks of random lengths, with records taken and frames lost in between. */
  signal(channels: readonly Channel[], frames: number, step: number): void {
    const random = this.#random;
    if (random.below(3) === 0) this.#turn = random.fraction();
    const blockMax = random.below(4) === 0 ? 1 + random.below(8) : 1 + random.below(FRAMES_MAX);
    for (let left = frames; left > 0; ) {
      const block = Math.min(left, 1 + random.below(blockMax));
      this.frames(channels, block, step);
      left -= block;
      if (random.below(6) === 0) this.words(Order.TAKE, random.below(QUEUE_MAX));
      if (random.below(200) === 0) this.words(Order.LOSE, lostFrames(random));
    }
  }

  bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** One block. @param step periods between two frames. */
  frames(channels: readonly Channel[], frames: number, step: number): void {
    this.words(Order.FEED, frames);
    const length = 2 * frames * this.#channels;
    this.#reserve(length);
    const codes = new Int16Array(this.#memory.buffer, this.#length, frames * this.#channels);
    for (let channel = 0; channel < channels.length; channel++) {
      this.#fill(codes, channel, channels[channel] as Channel, step);
    }
    this.#turn = (this.#turn + frames * step) % 1;
    this.#length += length;
  }

  #fill(codes: Int16Array, channel: number, { shape, noise }: Channel, step: number): void {
    const random = this.#random;
    let turn = this.#turn;
    for (let at = channel; at < codes.length; at += this.#channels) {
      // Two halves make a triangle, near enough to a converter's noise.
      const drawn = noise === 0 ? 0 : random.nextU32();
      const noised = (((drawn & 0xffff) + (drawn >>> 16) - 65535) * noise) / 131070;
      const code = Math.round((shape[Math.floor(turn * SHAPE) % SHAPE] as number) + noised);
      codes[at] = code > CODE_MAX ? CODE_MAX : code < CODE_MIN ? CODE_MIN : code;
      turn += step;
    }
  }

  #reserve(length: number): void {
    if (this.#length + length <= this.#memory.length) return;
    const larger = new Uint8Array(2 * (this.#memory.length + length));
    larger.set(this.#memory);
    this.#memory = larger;
  }
}

/**
 * A steady signal for measuring cost: a voltage at half of the range and a current at a third of it, with the blocks
 * that a converter's driver hands over.
 */
export function steadyTrialBytes(
  elements: number,
  rate_Hz: number,
  seconds: number,
  block: number,
): Uint8Array {
  const random = new SeededRandom(1, "steady");
  const writer = new TrialWriter(random, 2 * elements);
  const sine = (amplitude: number, phase: number) =>
    new Float64Array(SHAPE).map((_, at) => amplitude * Math.sin((2 * Math.PI * at) / SHAPE - phase));
  const channels = Array.from({ length: elements }, (_, element) => (element * 2 * Math.PI) / 3).flatMap(
    (phase) => [
      { shape: sine(16384, phase), noise: 4 },
      { shape: sine(10923, phase + 0.5), noise: 4 },
    ],
  );
  writer.words(elements, rate_Hz, 325, 0);
  for (let left = seconds * rate_Hz; left > 0; left -= block) {
    writer.frames(channels, Math.min(left, block), 50 / rate_Hz);
    writer.words(Order.TAKE, QUEUE_MAX);
  }
  writer.words(Order.END, 0);
  return writer.bytes();
}

/** Runs the trial through the reference. @param onCycle is given each record as it is taken. */
export function referenceResult(bytes: Uint8Array, onCycle?: (cycle: Cycle) => void): TrialResult {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const [elements = 0, rate_Hz = 0, capacity = 0] = words;
  const accumulator = new Accumulator({ elements, rate_Hz, capacity });
  const digest = new Digest();
  for (let at = HEAD_WORDS; words[at] !== Order.END; ) {
    const [order, count] = [words[at++], words[at++] as number];
    if (order === Order.LOSE) accumulator.lose(count);
    else if (order === Order.TAKE) takeSome(accumulator, count, digest, onCycle);
    else {
      accumulator.feed(new Int16Array(bytes.buffer, bytes.byteOffset + 4 * at, count * 2 * elements), count);
      at += count * elements;
    }
  }
  return { records: digest.records, digest: digest.text() };
}

function takeSome(from: Accumulator, count: number, digest: Digest, onCycle?: (cycle: Cycle) => void): void {
  for (let left = count; left > 0; left--) {
    const cycle = from.take();
    if (cycle === null) return;
    digest.add(cycle);
    onCycle?.(cycle);
  }
}

/** The words of a record as trial.c prints them, in hex. */
export function recordText({ samples, lost, sums }: Cycle): string {
  const words = sums.map((sum) => (sum < 0 ? 0x1_0000_0000_0000_0000n + BigInt(sum) : BigInt(sum)));
  const hex = (value: bigint | number, digits: number) => value.toString(16).padStart(digits, "0");
  return [hex(samples, 8), hex(lost, 8), ...words.map((word) => hex(word, 16))].join(" ");
}

/** As in trial.c: two lanes of 32 bits, so that a record's place counts. */
class Digest {
  records = 0;
  #a = 0;
  #b = 0;

  add({ samples, lost, sums }: Cycle): void {
    this.records++;
    this.#word(samples);
    this.#word(lost);
    for (const sum of sums) {
      // Two's complement: the low word modulo 2^32, the high one rounded down.
      this.#word((sum % 0x1_0000_0000) | 0);
      this.#word(Math.floor(sum / 0x1_0000_0000));
    }
  }

  text(): string {
    return [this.#a, this.#b].map((lane) => (lane >>> 0).toString(16).padStart(8, "0")).join("");
  }

  #word(word: number): void {
    const a = Math.imul(this.#a ^ word, 0x01000193);
    const b = Math.imul(((this.#b << 13) | (this.#b >>> 19)) + word, 0x85ebca6b);
    this.#a = a ^ (a >>> 15);
    this.#b = b ^ (a >>> 7);
  }
}
