// Meters of a street by their keys alone: shares as a unit makes them, without one (docs/protocol.md, aggregation).
import { createHash } from "node:crypto";
import { makeCommitmentKey } from "../src/proofs/generators.js";
import { masks, pairKey, rosterKey } from "../src/trusted/blinding/pair-keys.js";
import { isMarked, isRepair, type Member, type Roster, Statistic } from "../src/trusted/blinding/roster.js";
import { encodeSums, type Opening, valuesOf } from "../src/trusted/blinding/share.js";
import { bytesOf } from "../src/trusted/sealing/edwards.js";
import { encodeRistretto } from "../src/trusted/sealing/encodings.js";
import { digest, scalarFrom } from "../src/trusted/sealing/keys.js";

const key = makeCommitmentKey();

export interface Neighbour extends Member {
  /** x, its agreement scalar. */
  readonly agreement: bigint;
}

/** A meter whose agreement scalar is the SHA-512 of a text. */
export function neighbour(meterId: string, seed: string): Neighbour {
  const agreement = scalarFrom(Uint8Array.from(createHash("sha512").update(seed).digest()));
  return { meterId, agreement, X: encodeRistretto(key.base.multiply(bytesOf(agreement))) };
}

/** The meters SM-0001 on, of the worked example's streets. */
export const neighbours = (count: number): Neighbour[] =>
  Array.from({ length: count }, (_, k) => {
    const meterId = `SM-${`${k + 1}`.padStart(4, "0")}`;
    return neighbour(meterId, `sealmeter example agreement${k === 0 ? "" : ` ${meterId}`}`);
  });

/** The opening that the worked example's streets use instead of one from K. */
export const exampleOpening = (meterId: string, channel: number) =>
  scalarFrom(digest(new TextEncoder().encode(`opening ${meterId} ${channel}`)));

export interface ShareOptions {
  /** The standing roster's payload and its members in order. */
  readonly roster: Roster;
  /** H of the payload of `roster`. */
  readonly S: Uint8Array;
  /** Of the standing roster, ascending by meterId. */
  readonly members: readonly Neighbour[];
  readonly interval: number;
}

/** The byte string of one member's share. */
export function shareOf(
  { roster, S, members, interval }: ShareOptions,
  own: number,
  openings: readonly Opening[],
): Uint8Array {
  const me = members[own] as Neighbour;
  const { statistics, terms, channels } = roster;
  let sums = valuesOf(statistics, openings);
  for (const [at, peer] of members.entries()) {
    if (at === own || (isRepair(terms) && !isMarked(terms.mask, at))) continue;
    const pair = pairKey(me.agreement, me, peer, roster.groupId);
    const theirs = masks(rosterKey(pair, S), interval, statistics, channels.length);
    sums = sums.map((sum, k) => (at > own ? sum + (theirs[k] as bigint) : sum - (theirs[k] as bigint)));
  }
  const commits = statistics.includes(Statistic.OPENINGS);
  return encodeSums(
    statistics,
    sums,
    commits ? openings.map(({ reading, opening }) => key.commit(reading, opening)) : [],
  );
}
