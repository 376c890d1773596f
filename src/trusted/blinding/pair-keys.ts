// Keys that two meters share without a message: a Diffie-Hellman of their certified agreement keys, bound to the
// group and both names (Kursawe, Danezis and Kohlweiss 2011, section 3), and from it a key for each roster. Masks
// are bound to the roster's digest: a server that shows its members different rosters gets noise.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { agree } from "../authority/pairing.js";
import { asciiBytes, uintBytes } from "../encoding/bytes.js";
import { prf, scalarFrom } from "../sealing/keys.js";
import { type Member, Statistic } from "./roster.js";

/**
 * Kab of two members, HKDF (RFC 5869) with one block of 32 bytes: the same whichever of the two computes it.
 * @param agreement x, the own scalar. @param peer the other one, whose name differs.
 * @throws FormatError unless the peer's X is canonical and not the identity.
 */
export function pairKey(agreement: bigint, own: Member, peer: Member, groupId: string): Uint8Array {
  const [low, high] = own.meterId < peer.meterId ? [own, peer] : [peer, own];
  const names = [asciiBytes(low.meterId), Uint8Array.of(0), asciiBytes(high.meterId)];
  const info = [asciiBytes("sealmeter/1/pair"), low.X, high.X, ...names];
  return prf(prf(asciiBytes(groupId), agree(agreement, peer.X)), ...info, Uint8Array.of(1));
}

/** Kr: a pair's key in the roster whose payload has the digest S. */
export const rosterKey = (pair: Uint8Array, S: Uint8Array) => prf(pair, S);

/** PRFs that one peer's masks of an interval take. */
export const masksCost = (statistics: readonly number[], channels: number) =>
  statistics.reduce((sum, statistic) => {
    return sum + (statistic === Statistic.OPENINGS ? 2 * channels : Math.ceil(channels / 4));
  }, 0);

/**
 * A pair's masks of one interval: for each statistic in order, for each channel in order; of 1 and 2 below 2^64,
 * of 3 below l. The blocks of HMAC that hold the key are hashed once.
 */
export function masks(key: Uint8Array, interval: number, statistics: readonly number[], channels: number) {
  const keyed = hmac.create(sha256, key);
  const block = (...tail: readonly number[]) =>
    keyed
      .clone()
      .update(concatBytes(uintBytes(interval, 4), Uint8Array.from(tail)))
      .digest();
  return statistics.flatMap((statistic) => {
    const masks: bigint[] = [];
    let words: DataView | null = null;
    for (let channel = 0; channel < channels; channel++) {
      if (statistic === Statistic.OPENINGS) {
        const [low, high] = [block(statistic, channel, 1), block(statistic, channel, 2)];
        masks.push(scalarFrom(concatBytes(low, high.subarray(0, 16))));
        continue;
      }
      if (channel % 4 === 0) words = new DataView(block(statistic, channel / 4).buffer);
      masks.push((words as DataView).getBigUint64(8 * (channel % 4)));
    }
    return masks;
  });
}
