// Sums over mains cycles to energy. Ten cycles (twelve at 60 Hz) are a window; in a window what the elements take and
// give is netted, and never across windows. Each sum has the product of its means taken out, so that offsets of the
// converter are no energy; phase errors of sensors and sampling are undone by turning active into reactive energy
// and back. Whole numbers throughout, divisions symmetric in sign, remainders carried.
import type { Cycle } from "../ports.js";
import type { WaveformCalibration } from "./calibration.js";
import { Status } from "./interval.js";

/** Of an element in a cycle: sums of v, i, v², i², v·i, and of v a quarter of a period ago times i. */
const SUMS = 6;
const [V, I, ACTIVE, REACTIVE] = [0, 1, 4, 5] as const;
/** Products of two 16-bit codes are at most this. */
const PRODUCT_MAX = 2 ** 30;
/** Mains are from 40 to 70 Hz: a cycle has this part of a second's samples, and one of rounding. */
const SLOWEST_Hz = 40;
const FASTEST_Hz = 70;
/** A window ends with the cycle in which it is this long: the tenth at 50 Hz, the twelfth at 60 Hz. */
const WINDOW_MIN_MS = 190;
/** Windows in which it is decided whether there is a load at all: a second. */
const LOAD_WINDOWS = 5;
/** Cycles taken at once: what a front end queues while it goes unread, and a few. */
const CYCLES_MAX = 400;
/** 2π ns in 2^-30 of a radian-second, times 10^9. */
const TURN = 6_746_518_852n;
const NANO = 1_000_000_000n;
const SCALE = 40n;
const SCALE_MASK = (1n << SCALE) - 1n;

const magnitude = (value: bigint) => (value < 0n ? -value : value);
const larger = (a: bigint, b: bigint) => (a > b ? a : b);

/** Active and reactive energy of an element in a window, 2^-40 mJ, positive when taken (inductive). */
type Energies = readonly [active: bigint, reactive: bigint];

/** A channel of a waveform, by its OBIS code (IEC 62056-6-1). */
interface Quantity {
  /** One element, or null for the sum of all. */
  readonly element: number | null;
  readonly isReactive: boolean;
  readonly isBackward: boolean;
}

/** What an OBIS code names: 1 to 4, 21 to 24, 41 to 44, 61 to 64, each with .8.0; null for another. */
export function quantityOf(obis: string): Quantity | null {
  const [, phase, quantity] = /^1-\d+:([246]?)([1-4])\.8\.0$/.exec(obis) ?? [];
  if (quantity === undefined) return null;
  const element = phase === "" ? null : Number(phase) / 2 - 1;
  return { element, isReactive: quantity > "2", isBackward: quantity === "2" || quantity === "4" };
}

export class WaveformEnergy {
  readonly #quantities: readonly (Quantity | null)[];
  /** Sums of the window, its samples and its cycles. */
  #sums: number[] = [];
  #samples = 0;
  #cycles = 0;
  /** Of each channel what is not yet whole mJ, and what waits for the decision on the load, 2^-40 mJ. */
  readonly #carried: bigint[];
  #waiting: bigint[];
  /** Windows of this second, and the energy in them that may be a load's. */
  #windows = 0;
  #load = 0n;
  #second_mJ = 0n;
  #isIdle = false;

  /** @param channels OBIS codes; of those that name no quantity of a waveform nothing is measured here. */
  constructor(channels: readonly string[]) {
    this.#quantities = channels.map(quantityOf);
    this.#carried = channels.map(() => 0n);
    this.#waiting = channels.map(() => 0n);
  }

  /**
   * Takes the cycles since the last reading.
   * @returns the quality flags that they raise.
   */
  take(cycles: readonly Cycle[], calibration: WaveformCalibration): number {
    let status = cycles.length > CYCLES_MAX ? Status.FAULT : 0;
    for (const cycle of cycles.slice(0, CYCLES_MAX)) {
      if (cycle.lost > 0) status |= Status.INCOMPLETE;
      if (isCycle(cycle, calibration)) this.#add(cycle, calibration);
      else status |= Status.FAULT;
    }
    return status;
  }

  /** Whole mJ of a channel that have come together; the rest is carried. */
  drain(channel: number): number {
    const carried = this.#carried[channel] as bigint;
    this.#carried[channel] = carried & SCALE_MASK;
    return Number(carried >> SCALE);
  }

  #add({ samples, sums }: Cycle, calibration: WaveformCalibration): void {
    this.#sums = sums.map((sum, at) => sum + (this.#sums[at] ?? 0));
    this.#samples += samples;
    this.#cycles++;
    if (this.#samples * 1000 < WINDOW_MIN_MS * calibration.samplesPerSecond) return;
    const energies = calibration.elements.map((_, element) => this.#energies(element, calibration));
    this.#net(energies, calibration);
    this.#sums = [];
    [this.#samples, this.#cycles] = [0, 0];
  }

  #energies(element: number, { samplesPerSecond, elements }: WaveformCalibration): Energies {
    const { gain, delay_ns } = elements[element] as WaveformCalibration["elements"][number];
    const sum = (which: number) => BigInt(this.#sums[SUMS * element + which] as number);
    const samples = BigInt(this.#samples);
    const scaled = (which: number) => ((samples * sum(which) - sum(V) * sum(I)) * BigInt(gain)) / samples;
    const [active, reactive] = [scaled(ACTIVE), scaled(REACTIVE)];
    const angle = (BigInt(delay_ns * this.#cycles * samplesPerSecond) * TURN) / (samples * NANO);
    const turned = (energy: bigint) => (energy * angle) / (1n << 30n);
    return [active + turned(reactive), reactive - turned(active)];
  }

  #net(energies: readonly Energies[], calibration: WaveformCalibration): void {
    const zero: Energies = [0n, 0n];
    const total = energies.reduce(([a, b], [active, reactive]) => [a + active, b + reactive], zero);
    this.#waiting = this.#quantities.map((quantity, channel) => {
      const waiting = this.#waiting[channel] as bigint;
      if (!quantity) return waiting;
      const energy = (quantity.element === null ? total : (energies[quantity.element] ?? zero))[
        quantity.isReactive ? 1 : 0
      ];
      return waiting + larger(0n, quantity.isBackward ? -energy : energy);
    });
    for (const [active, reactive] of energies) this.#load += larger(magnitude(active), magnitude(reactive));
    this.#windows++;
    this.#decide(calibration);
  }

  /** Below half of the starting power, over a second, there is no load; from three quarters of it on there is. */
  #decide({ samplesPerSecond, starting_mW }: WaveformCalibration): void {
    const window_mJ = (BigInt(starting_mW * this.#samples) << SCALE) / BigInt(samplesPerSecond);
    this.#second_mJ += window_mJ;
    const isOver = this.#windows === LOAD_WINDOWS;
    const started = 4n * this.#load >= 3n * BigInt(LOAD_WINDOWS) * window_mJ;
    if (this.#isIdle) this.#isIdle = !started;
    else if (isOver) this.#isIdle = 2n * this.#load < this.#second_mJ;
    if (!this.#isIdle)
      for (const [at, energy] of this.#waiting.entries())
        this.#carried[at] = (this.#carried[at] as bigint) + energy;
    if (!this.#isIdle || isOver) this.#waiting = this.#waiting.map(() => 0n);
    if (!isOver) return;
    this.#windows = 0;
    [this.#load, this.#second_mJ] = [0n, 0n];
  }
}

/** Whether a front end's record can be a cycle's: its length, and no sum larger than its samples can add up to. */
function isCycle(
  { samples, lost, sums }: Cycle,
  { samplesPerSecond, elements }: WaveformCalibration,
): boolean {
  if (!Number.isSafeInteger(samples) || sums.length !== SUMS * elements.length) return false;
  const shortest = lost > 0 ? 1 : samplesPerSecond / FASTEST_Hz - 1;
  const isLong = samples >= shortest && samples <= samplesPerSecond / SLOWEST_Hz + 1;
  return isLong && sums.every((sum) => Number.isSafeInteger(sum) && Math.abs(sum) <= samples * PRODUCT_MAX);
}
