// A share as the server reads it. Statistic 1 and 2 are noise until all shares of a roster are added, so little
// can be wrong with one share alone: its form, its length, a scalar that is written in two ways, and a commitment
// that hides nothing. Who has sent it is the channel's to say.

import { readMeterId } from "../trusted/authority/configuration.js";
import { type Roster, readGroupId, Statistic } from "../trusted/blinding/roster.js";
import type { ShareNames } from "../trusted/blinding/share.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { CborReader } from "../trusted/encoding/cbor.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { L, numberOf } from "../trusted/sealing/edwards.js";

const FORMAT = 1;
const U8_MAX = 0xff;
/** Bytes of a sum modulo 2^64, of an opening, and of a commitment. */
export const WORD_BYTES = 8;
export const SCALAR_BYTES = 32;
export const COMMITMENT_BYTES = 32;
const OPENED_BYTES = SCALAR_BYTES + COMMITMENT_BYTES;
/** Three statistics of eight channels. */
const SUMS_BYTES_MAX = 8 * (2 * WORD_BYTES + OPENED_BYTES);

export interface Share extends ShareNames {
  /** For each statistic in roster order, for each channel in roster order. */
  readonly sums: Uint8Array;
}

/** Where a roster's statistics stand in the byte string of its shares; statistic 1 begins it. */
export interface ShareLayout {
  readonly channels: number;
  /** Offset of statistic 2; null without it. */
  readonly squares: number | null;
  /** Offset of statistic 3, of each channel the scalar and C; null without it. */
  readonly openings: number | null;
  /** Bytes in all. */
  readonly length: number;
}

export function layoutOf({ statistics, channels }: Roster): ShareLayout {
  const words = channels.length * WORD_BYTES;
  const squares = statistics.includes(Statistic.SQUARES) ? words : null;
  const plain = squares === null ? words : 2 * words;
  const openings = statistics.includes(Statistic.OPENINGS) ? plain : null;
  const length = openings === null ? plain : plain + channels.length * OPENED_BYTES;
  return { channels: channels.length, squares, openings, length };
}

/** Offset of a channel's scalar; its commitment follows. */
export const openingAt = (openings: number, channel: number) => openings + channel * OPENED_BYTES;
export const commitmentAt = (openings: number, channel: number) =>
  openingAt(openings, channel) + SCALAR_BYTES;

function readShare(reader: CborReader): Share {
  reader.array(7);
  const format = reader.uint(U8_MAX);
  if (format !== FORMAT) reader.refuse(`format ${format}`);
  return {
    meterId: readMeterId(reader),
    interval: reader.uint(U32_MAX),
    groupId: readGroupId(reader),
    rosterNumber: reader.uint(U32_MAX),
    status: reader.uint(U8_MAX),
    sums: reader.bytes(WORD_BYTES, SUMS_BYTES_MAX),
  };
}

/** One share message; its sums are for `checkSums`. @throws FormatError for malformed bytes. */
export function decodeShare(bytes: Uint8Array): Share {
  const reader = new CborReader(bytes, "share");
  const share = readShare(reader);
  reader.end();
  return share;
}

/**
 * The messages of a CBOR sequence (RFC 8742), one after the other, so that those before a malformed one count.
 * @throws FormatError at the first malformed message, behind which nothing can be told apart.
 */
export function* decodeShares(bytes: Uint8Array): Generator<Share, void> {
  const reader = new CborReader(bytes, "shares");
  while (reader.position < bytes.length) yield readShare(reader);
}

/**
 * Checks the sums of a share against the layout of its roster.
 * @throws FormatError for another length, a scalar of l or more, and an identity commitment: whoever subtracts their
 *   own reading and opening from a share can open the rest with a commitment to nothing.
 */
export function checkSums(
  { meterId, interval, sums }: Share,
  { openings, channels, length }: ShareLayout,
): void {
  const refuse = (why: string): never => {
    throw new FormatError(`share of ${meterId} for interval ${interval}: ${why}`);
  };
  if (sums.length !== length) refuse(`${sums.length} bytes of sums instead of ${length}`);
  for (let channel = 0; openings !== null && channel < channels; channel++) {
    const at = openingAt(openings, channel);
    const split = commitmentAt(openings, channel);
    if (numberOf(sums.subarray(at, split)) >= L) refuse(`opening of channel ${channel} is not canonical`);
    const isIdentity = sums.subarray(split, split + COMMITMENT_BYTES).every((byte) => byte === 0);
    if (isIdentity) refuse(`commitment of channel ${channel} is the identity`);
  }
}
