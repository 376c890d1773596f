// The sums of all pairs of columns, to be found again by their value: two linear hashes of a column, so that the
// hash of a sum is the sum of the hashes, and buckets in typed arrays. A pair that is found has very likely the sum
// that was asked for; whoever relies on it adds up the columns themselves.
import type { Column } from "./column.js";

/** The largest prime below 2^26: products of two residues are exact. */
const PRIME = 67_108_859;

export class PairSums {
  /** Pairs there are; they are numbered from 0. */
  readonly size: number;
  readonly #wrapping: Int32Array;
  readonly #residue: Int32Array;
  readonly #heads: Int32Array;
  /** By pair: its columns, 16 bits each, and the next pair of its bucket. Side by side, for they are read together. */
  readonly #nodes: Int32Array;
  readonly #stepsMax: number;
  #soughtWrapping = 0;
  #soughtResidue = 0;
  #steps = 0;

  /**
   * 12 to 16 bytes a pair.
   * @param columns at most 2^16; the first, of zeros, pairs with itself and all others.
   * @param isRepeated by column: whether it pairs with itself.
   * @param stepsMax pairs looked at, at most: after that no search finds one.
   */
  constructor(columns: readonly Column[], isRepeated: readonly boolean[], stepsMax: number) {
    this.#stepsMax = stepsMax;
    const count = columns.length;
    const pairsMax = (count * (count + 1)) / 2;
    this.#wrapping = Int32Array.from(columns, wrappingHash);
    this.#residue = Int32Array.from(columns, residueHash);
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(pairsMax + 1))).fill(-1);
    this.#nodes = new Int32Array(2 * pairsMax);
    let pair = 0;
    for (let left = 0; left < count; left++) {
      for (let right = isRepeated[left] ? left : left + 1; right < count; right++) {
        const bucket = this.#bucket(this.#sumWrapping(left, right), this.#sumResidue(left, right));
        this.#nodes[2 * pair] = (left << 16) | right;
        this.#nodes[2 * pair + 1] = this.#heads[bucket] ?? -1;
        this.#heads[bucket] = pair++;
      }
    }
    this.size = pair;
  }

  /** Pairs made and looked at so far. */
  get steps(): number {
    return this.size + this.#steps;
  }

  /** The first column of a pair. */
  left(pair: number): number {
    return (this.#nodes[2 * pair] ?? 0) >>> 16;
  }

  /** The second column of a pair; not before the first. */
  right(pair: number): number {
    return (this.#nodes[2 * pair] ?? 0) & 0xffff;
  }

  /** The first pair whose sum seems to be column_j + column_k; -1 if there is none. */
  equalTo(j: number, k: number): number {
    return this.#seek(this.#sumWrapping(j, k), this.#sumResidue(j, k));
  }

  /** The first pair whose sum seems to be column_j + column_k + column_added - column_subtracted; -1 if there is none. */
  equalToFour(j: number, k: number, added: number, subtracted: number): number {
    const wrapping = this.#sumWrapping(j, k) + this.#wrappingAt(added) - this.#wrappingAt(subtracted);
    const residue = this.#sumResidue(j, k) + this.#residueAt(added) - this.#residueAt(subtracted);
    return this.#seek(wrapping | 0, (residue + PRIME) % PRIME);
  }

  /** The next pair of the same sum after one that was found. */
  next(pair: number): number {
    return this.#settle(this.#nodes[2 * pair + 1] ?? -1);
  }

  #seek(wrapping: number, residue: number): number {
    this.#soughtWrapping = wrapping;
    this.#soughtResidue = residue;
    return this.#settle(this.#heads[this.#bucket(wrapping, residue)] ?? -1);
  }

  /** From a place in a bucket to the first pair with the hashes sought. */
  #settle(from: number): number {
    let pair = from;
    while (pair >= 0 && this.#steps < this.#stepsMax) {
      this.#steps++;
      const columns = this.#nodes[2 * pair] ?? 0;
      const left = columns >>> 16;
      const right = columns & 0xffff;
      const isSought =
        this.#sumWrapping(left, right) === this.#soughtWrapping &&
        this.#sumResidue(left, right) === this.#soughtResidue;
      if (isSought) return pair;
      pair = this.#nodes[2 * pair + 1] ?? -1;
    }
    return -1;
  }

  #wrappingAt(column: number): number {
    return this.#wrapping[column] ?? 0;
  }

  #residueAt(column: number): number {
    return this.#residue[column] ?? 0;
  }

  #sumWrapping(left: number, right: number): number {
    return (this.#wrappingAt(left) + this.#wrappingAt(right)) | 0;
  }

  #sumResidue(left: number, right: number): number {
    const sum = this.#residueAt(left) + this.#residueAt(right);
    return sum >= PRIME ? sum - PRIME : sum;
  }

  #bucket(wrapping: number, residue: number): number {
    const mixed = Math.imul(wrapping, 0x9e3779b1) ^ Math.imul(residue, 0x85ebca6b);
    return (mixed ^ (mixed >>> 15)) & (this.#heads.length - 1);
  }
}

/** Modulo 2^32, each answer with an odd weight of its own. */
const wrappingHash = (column: Column) =>
  column.reduce(
    (sum, [answer, rate]) => (sum + Math.imul(rate | 0, Math.imul(answer + 1, 0x9e3779b1) | 1)) | 0,
    0,
  );

/** Modulo the prime. */
const residueHash = (column: Column) =>
  column.reduce((sum, [answer, rate]) => {
    const weight = 1 + ((Math.imul(answer + 1, 0x85ebca6b) >>> 0) % (PRIME - 1));
    return (sum + (((rate % PRIME) + PRIME) % PRIME) * weight) % PRIME;
  }, 0);
