// Members by the keys of their pairs alone, whichever a test likes: no curve, so that thousands of groups take a
// second, and so that a test can say what a share would be under another key.
import { masks, rosterKey } from "../../../src/trusted/blinding/pair-keys.js";
import { type Roster, Statistic } from "../../../src/trusted/blinding/roster.js";
import type { Opening } from "../../../src/trusted/blinding/share.js";
import { L } from "../../../src/trusted/sealing/edwards.js";
import { digest } from "../../../src/trusted/sealing/keys.js";

export const bytes = (text: string) => new TextEncoder().encode(text);

/** A key that depends on a text. */
export const keyOf = (text: string) => digest(bytes(text));

export const INTERVAL = 727536;

/** Sums of one channel over three members. */
export const ROSTER: Roster = {
  groupId: "street-1",
  rosterNumber: 1,
  memberCount: 3,
  firstInterval: INTERVAL,
  lastInterval: null,
  statistics: [1],
  intervalSeconds: 1800,
  channels: ["1-0:1.8.0"],
  terms: { membersDigest: keyOf("members") },
};

/** The key of two members of a group that depends on a text. */
export const pairOf = (text: string) => (a: number, b: number) =>
  keyOf(`${text} ${Math.min(a, b)} ${Math.max(a, b)}`);

export interface Blinding {
  /** Kab of members a and b. */
  readonly pair: (a: number, b: number) => Uint8Array;
  readonly S: Uint8Array;
  readonly interval: number;
  readonly statistics: readonly number[];
  readonly channels: number;
  /** Who takes part, ascending. */
  readonly members: readonly number[];
}

/** The masks that member `own` adds for one peer, with their sign. */
export function signedMasks(blinding: Blinding, own: number, peer: number): bigint[] {
  const { pair, S, interval, statistics, channels } = blinding;
  const all = masks(rosterKey(pair(own, peer), S), interval, statistics, channels);
  return all.map((mask) => (peer > own ? mask : -mask));
}

export const plus = (a: readonly bigint[], b: readonly bigint[]) =>
  a.map((value, at) => value + (b[at] as bigint));
export const minus = (a: readonly bigint[], b: readonly bigint[]) =>
  a.map((value, at) => value - (b[at] as bigint));

/** Values modulo 2^64, and for statistic 3 modulo l, as a share has them. */
export const reduced = (values: readonly bigint[], { statistics, channels }: Blinding) =>
  values.map((value, at) =>
    statistics[Math.floor(at / channels)] === Statistic.OPENINGS
      ? ((value % L) + L) % L
      : BigInt.asUintN(64, value),
  );

/** The numbers of a member's share, reduced. */
export function blinded(blinding: Blinding, own: number, values: readonly bigint[]): bigint[] {
  const peers = blinding.members.filter((member) => member !== own);
  const sums = peers.reduce((sum, peer) => plus(sum, signedMasks(blinding, own, peer)), [...values]);
  return reduced(sums, blinding);
}

/** What an aggregator makes of shares: their sums, reduced. */
export const summed = (shares: readonly (readonly bigint[])[], blinding: Blinding) =>
  reduced(
    shares.reduce((sum, share) => plus(sum, share)),
    blinding,
  );

/** What a member hides, by numbers that depend on a text. */
export function openingsOf(text: string, channels: number): Opening[] {
  return Array.from({ length: channels }, (_, channel) => {
    const seed = new DataView(keyOf(`${text} ${channel}`).buffer);
    return { reading: seed.getUint16(0) % 2000, opening: seed.getBigUint64(8) * seed.getBigUint64(16) };
  });
}
