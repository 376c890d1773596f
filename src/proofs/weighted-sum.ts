// The sum of rate times commitment over the leaves of a period: a commitment to what the readings cost. It is nearly
// all of the arithmetic of a linear bill, so leaves are handed to the group as they lie in the bill, many at once, and
// commitments of one rate are added before they are multiplied.
import { LEAF_BYTES } from "../trusted/sealing/batch.js";
import { COMMITMENT_AT } from "./batch.js";
import type { LeafRun } from "./completeness.js";
import { EncodingError, type Group, HINT_BYTES, type Points } from "./group/group.js";
import type { RateClasses } from "./rate-classes.js";
import { VerificationError } from "./signed.js";

/** Adds up commitments by rates. The buffers in which it gathers leaves are kept from one bill to the next. */
export class WeightedSums {
  readonly #group: Group;
  #leaves = new Uint8Array(0);
  #hints = new Uint8Array(0);
  #classes = new Int32Array(0);

  constructor(group: Group) {
    this.#group = group;
  }

  /**
   * The sum of rate·C, one point; of no leaves the identity.
   * @param runs of leaves of the table's period and channels, at most BILL_LEAVES_MAX.
   * @throws VerificationError naming the first leaf with a rate whose commitment is no group element, or comes
   *   with a wrong hint.
   */
  of(runs: readonly LeafRun[], table: RateClasses): Points {
    const kinds = [runs.filter(({ hints }) => hints !== null), runs.filter(({ hints }) => hints === null)];
    const sums = kinds
      .filter((kind) => kind.length > 0)
      .map((kind) => sumOfRates(table.rates, this.#sumsByRate(kind, table), this.#group));
    return sums.reduce((sum, part) => this.#group.add(sum, part), this.#group.zero);
  }

  /** Runs that all have hints, or none: their commitments added up, a sum for each rate. */
  #sumsByRate(runs: readonly LeafRun[], table: RateClasses): Points {
    const count = runs.reduce((sum, { leaves }) => sum + leaves.length / LEAF_BYTES, 0);
    const isHinted = runs[0]?.hints !== null;
    this.#makeRoom(count);
    let at = 0;
    for (const { firstInterval, leaves, hints } of runs) {
      const leafCount = leaves.length / LEAF_BYTES;
      const first = (firstInterval - table.from) * table.channelCount;
      this.#leaves.set(leaves, at * LEAF_BYTES);
      if (hints) this.#hints.set(hints, at * HINT_BYTES);
      this.#classes.set(table.classes.subarray(first, first + leafCount), at);
      at += leafCount;
    }
    const bytes = this.#leaves.subarray(0, count * LEAF_BYTES);
    const encodings = { bytes, offset: COMMITMENT_AT, stride: LEAF_BYTES, count };
    const hints = isHinted ? this.#hints.subarray(0, count * HINT_BYTES) : null;
    const classes = this.#classes.subarray(0, count);
    try {
      return this.#group.sumsByClass(encodings, hints, classes, table.rates.length);
    } catch (error) {
      if (error instanceof EncodingError) throw badLeaf(runs, error.index);
      throw error;
    }
  }

  #makeRoom(count: number): void {
    if (count <= this.#classes.length) return;
    this.#leaves = new Uint8Array(count * LEAF_BYTES);
    this.#hints = new Uint8Array(count * HINT_BYTES);
    this.#classes = new Int32Array(count);
  }
}

/** Names the leaf of an index that counts through all runs. */
function badLeaf(runs: readonly LeafRun[], index: number): VerificationError {
  let at = index;
  for (const { firstInterval, channelCount, leaves, hints } of runs) {
    const count = leaves.length / LEAF_BYTES;
    if (at < count) {
      const name = `commitment of interval ${firstInterval + Math.floor(at / channelCount)}, channel ${at % channelCount}`;
      const what = hints ? "is no group element, or its hint is not its point" : "is no group element";
      return new VerificationError(`${name} ${what}`);
    }
    at -= count;
  }
  throw new Error(`no leaf ${index} in the bill`);
}

/**
 * The sum of rate·point, one point. Scalars stay as small as the rates: where a rate is negative, the point is
 * negated and not the scalar.
 * @param rates whole, falling, none zero, below 2^31 in size.
 */
export function sumOfRates(rates: readonly number[], points: Points, group: Group): Points {
  const positive = rates.filter((rate) => rate > 0).length;
  const negated = group.negate(points.slice(positive, points.length));
  const scalars = rates.map((rate) => BigInt(Math.abs(rate)));
  return group.sum(scalars, group.concat([points.slice(0, positive), negated]));
}
