/**
 * The simulator's only source of chance: a small seeded generator whose every step is 32-bit integer
 * arithmetic, so the same seed gives the same bytes on every engine.
 *
 * The generator is xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators",
 * ACM TOMS 47(4), 2021); seeds and labels are spread over its state with the 32-bit finaliser of
 * MurmurHash3. It is for simulation and never for keys that protect anything: 128 bits of state can be
 * computed from a few outputs.
 */

/** Four 32-bit words, not all zero: all zero would stay zero for ever. */
export interface XoshiroState {
  a: number;
  b: number;
  c: number;
  d: number;
}

/** One step of xoshiro128**: advances `state` in place and returns a u32. */
export function xoshiroStep(state: XoshiroState): number {
  const word = Math.imul(rotateLeft(Math.imul(state.b, 5), 7), 9) >>> 0;
  const shifted = state.b << 9;
  state.c ^= state.a;
  state.d ^= state.b;
  state.b ^= state.c;
  state.a ^= state.d;
  state.c ^= shifted;
  state.d = rotateLeft(state.d, 11);
  return word;
}

/** A stream of reproducible draws. Streams of different seeds or labels are independent of each other. */
export class SeededRandom {
  readonly #seed: number;
  readonly #labels: readonly string[];
  readonly #state: XoshiroState;

  /**
   * @param seed a whole number from 0 to 2^53 - 1
   * @param labels the names of the forks on the way here, outermost first
   * @throws RangeError for any other seed
   */
  constructor(seed: number, ...labels: readonly string[]) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new RangeError(`a seed is a whole number from 0 to 2^53 - 1, not ${seed}`);
    }
    this.#seed = seed;
    this.#labels = labels;
    const words = wordsOf(seed, labels);
    // Any four different lane constants do; these start the fractional parts of the square roots
    // of 2, 3, 5 and 7, so that they plainly hide nothing. All four lanes coming out as zero,
    // the one state that xoshiro cannot leave, has a chance of 2^-128.
    this.#state = {
      a: digest(0x6a09e667, words),
      b: digest(0xbb67ae85, words),
      c: digest(0x3c6ef372, words),
      d: digest(0xa54ff53a, words),
    };
  }

  /** A whole number from 0 to 2^32 - 1, each equally likely. */
  nextU32(): number {
    return xoshiroStep(this.#state);
  }

  /** A number in [0, 1), a whole multiple of 2^-32. */
  fraction(): number {
    return this.nextU32() / 0x1_0000_0000;
  }

  /**
   * A whole number from 0 to n - 1, each exactly equally likely (draws that would favour the small ones are
   * thrown away).
   *
   * @param n a whole number from 1 to 2^32
   * @throws RangeError for any other number
   */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 0x1_0000_0000) {
      throw new RangeError(`below() takes a whole number from 1 to 2^32, not ${n}`);
    }
    const fair = 0x1_0000_0000 - (0x1_0000_0000 % n);
    let word = this.nextU32();
    while (word >= fair) word = this.nextU32();
    return word % n;
  }

  /** Overwrites every byte. Words are laid out little-endian; what is left of the last word is dropped. */
  fill(into: Uint8Array): void {
    let word = 0;
    for (let at = 0; at < into.length; at++) {
      word = at % 4 === 0 ? this.nextU32() : word >>> 8;
      into[at] = word;
    }
  }

  /**
   * A stream of its own for one purpose. It depends on the seed and the labels on the way and nothing else:
   * draws made here before or after leave it alone, so one part of a simulation can start to draw more
   * without disturbing the others. The same label gives the same stream again.
   */
  fork(label: string): SeededRandom {
    return new SeededRandom(this.#seed, ...this.#labels, label);
  }
}

/** The seed and the labels as u32 words. Each label follows its length, so ["ab"] and ["a", "b"] differ. */
function wordsOf(seed: number, labels: readonly string[]): number[] {
  const words = [seed >>> 0, Math.floor(seed / 0x1_0000_0000)];
  for (const label of labels) {
    words.push(label.length);
    for (let at = 0; at < label.length; at++) words.push(label.charCodeAt(at));
  }
  return words;
}

/** A u32 that depends on every word and its place. */
function digest(lane: number, words: readonly number[]): number {
  let mixed = lane;
  for (const word of words) mixed = finalise((mixed ^ word) + 0x9e3779b9);
  return mixed;
}

/** MurmurHash3's 32-bit finaliser: one-to-one on u32, and each bit of the input moves half of the output. */
function finalise(word: number): number {
  let mixed = word >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
