// What all shares of an interval together say: the masks cancel, and sum, mean and variance of the readings are left.
// If one share is missing or made under another roster, noise is left, and noise of 64 bits shows itself: a sum of so
// few readings below 2^32 it is not.
import { ensure } from "../proofs/signed.js";
import { SQUARED_MAX } from "../trusted/blinding/share.js";
import { readUint } from "../trusted/encoding/bytes.js";
import { READING_MAX } from "../trusted/sealing/commitment.js";
import { L, numberOf } from "../trusted/sealing/edwards.js";
import type { Tally } from "./collector.js";
import { openingAt, SCALAR_BYTES, WORD_BYTES } from "./share.js";

/** Of the readings of one channel: in Wh, or varh or dm3, as its OBIS code says. Exact but for the last rounding. */
export interface ChannelSum {
  /** Below 2^39. */
  readonly sum_Wh: number;
  readonly mean_Wh: number;
  /**
   * Of the population, in Wh²; null without statistic 2, and where the sum is so large that a square may be capped.
   */
  readonly variance_Wh2: number | null;
  /** Its root. */
  readonly deviation_Wh: number | null;
}

const HALF = 2 ** 32;

/** The sum of the words at an offset of all shares, modulo 2^64; halves of at most 128 words stay below 2^53. */
function addWords(tally: Tally, offset: number): bigint {
  let high = 0;
  let low = 0;
  for (let member = 0; member < tally.kept.members.length; member++) {
    const sums = tally.sumsOf(member);
    high += readUint(sums, offset, WORD_BYTES / 2);
    low += readUint(sums, offset + WORD_BYTES / 2, WORD_BYTES / 2);
  }
  return BigInt.asUintN(64, BigInt(high) * BigInt(HALF) + BigInt(low));
}

/** The sum of a channel's openings modulo l. @param openings offset of statistic 3. */
export function addOpenings(tally: Tally, openings: number, channel: number): bigint {
  const at = openingAt(openings, channel);
  let sum = 0n;
  for (let member = 0; member < tally.kept.members.length; member++) {
    sum += numberOf(tally.sumsOf(member).subarray(at, at + SCALAR_BYTES));
  }
  return sum % L;
}

/** Whether S and Q can be the sum and the sum of squares of n whole numbers that are not negative. */
function areMoments(n: bigint, S: bigint, Q: bigint): boolean {
  return n * Q >= S * S && Q <= S * S && (Q - S) % 2n === 0n;
}

/**
 * Sum, mean and variance of each channel over a complete tally.
 * @throws VerificationError if they are not those of so many readings, so a share is false or made under another
 *   roster; which one cannot be told. Of false shares that keep within these bounds nothing is seen here.
 */
export function sumUp(tally: Tally): ChannelSum[] {
  const { kept, interval } = tally;
  const name = `interval ${interval} of roster ${kept.roster.rosterNumber}`;
  ensure(tally.isComplete, `${name}: shares are missing`);
  const { channels, squares } = kept.layout;
  const n = kept.members.length;
  return Array.from({ length: channels }, (_, channel) => {
    const S = addWords(tally, channel * WORD_BYTES);
    ensure(S <= BigInt(n) * BigInt(READING_MAX), `${name}: the shares of channel ${channel} add up to noise`);
    const sum_Wh = Number(S);
    const mean = { sum_Wh, mean_Wh: sum_Wh / n };
    if (squares === null || sum_Wh > SQUARED_MAX) return { ...mean, variance_Wh2: null, deviation_Wh: null };
    const Q = addWords(tally, squares + channel * WORD_BYTES);
    ensure(
      areMoments(BigInt(n), S, Q),
      `${name}: the squares of channel ${channel} belong to other readings`,
    );
    const variance_Wh2 = Number(BigInt(n) * Q - S * S) / n ** 2;
    return { ...mean, variance_Wh2, deviation_Wh: Math.sqrt(variance_Wh2) };
  });
}
