// A meter's share of a group's sums in one interval: its values under the masks of its pairs, which cancel when all
// members' shares are added. A share is a function of the interval record, the unit's keys and the roster alone.
import { concatBytes } from "@noble/hashes/utils.js";
import { array, bstr, int, tstr } from "../encoding/cbor.js";
import { bytesOf, L } from "../sealing/edwards.js";
import { Statistic } from "./roster.js";

/** What a share hides: a reading in Wh, u32, and the opening of its commitment. */
export interface Opening {
  readonly reading: number;
  readonly opening: bigint;
}

/**
 * A larger reading counts as this in a sum of squares, Wh, so that 128 of them stay below 2^63: 268 MWh in an interval.
 * A zero in its place would be known to all, and make a group smaller than its members.
 */
export const SQUARED_MAX = 2 ** 28 - 1;

/** For each statistic in order, for each channel in order: r, r², or t. */
export function valuesOf(statistics: readonly number[], openings: readonly Opening[]): bigint[] {
  return statistics.flatMap((statistic) =>
    openings.map(({ reading, opening }) => {
      if (statistic === Statistic.OPENINGS) return opening;
      return statistic === Statistic.SUM ? BigInt(reading) : BigInt(Math.min(reading, SQUARED_MAX)) ** 2n;
    }),
  );
}

/** A number in 8 bytes, modulo 2^64. */
function u64be(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value));
  return bytes;
}

/**
 * The byte string of a share: u64be for statistics 1 and 2; for 3 the scalar, 32 bytes little-endian, then C.
 * @param sums values and masks, in the order of `valuesOf`; of any size and sign.
 * @param commitments of the channels in order, for statistic 3.
 */
export function encodeSums(
  statistics: readonly number[],
  sums: readonly bigint[],
  commitments: readonly Uint8Array[],
): Uint8Array {
  const channels = sums.length / statistics.length;
  const parts = sums.map((sum, at) => {
    if (statistics[Math.floor(at / channels)] !== Statistic.OPENINGS) return u64be(sum);
    return concatBytes(bytesOf(((sum % L) + L) % L), commitments[at % channels] as Uint8Array);
  });
  return concatBytes(...parts);
}

/** What a share belongs to. */
export interface ShareNames {
  readonly meterId: string;
  readonly interval: number;
  readonly groupId: string;
  readonly rosterNumber: number;
  readonly status: number;
}

/** The share message, as it is sent. */
export const encodeShare = (
  { meterId, interval, groupId, rosterNumber, status }: ShareNames,
  sums: Uint8Array,
) => array(int(1), tstr(meterId), int(interval), tstr(groupId), int(rosterNumber), int(status), bstr(sums));
