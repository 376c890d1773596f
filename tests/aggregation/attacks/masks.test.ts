// The attacks: a peer that is not one, members that are shown different rosters, shares taken for others, colluders.
// Masks are a secret of exactly two keys, two names, one group, one roster, one interval, one statistic and one channel.
import { bytesToHex, concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { encodeRoster, membersDigest } from "../../../src/aggregation/roster.js";
import { agree } from "../../../src/trusted/authority/pairing.js";
import { masks, pairKey, rosterKey } from "../../../src/trusted/blinding/pair-keys.js";
import type { Member, Roster } from "../../../src/trusted/blinding/roster.js";
import { valuesOf } from "../../../src/trusted/blinding/share.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { bytesOf, multiply } from "../../../src/trusted/sealing/edwards.js";
import { decodeRistretto, encodeRistretto } from "../../../src/trusted/sealing/encodings.js";
import { digest, prf } from "../../../src/trusted/sealing/keys.js";
import { type Neighbour, neighbour, neighbours, shareOf } from "../../street.js";
import vectors from "../../vectors/rfc9496-ristretto255.json" with { type: "json" };
import {
  type Blinding,
  blinded,
  bytes,
  INTERVAL,
  keyOf,
  openingsOf,
  pairOf,
  ROSTER,
  summed,
} from "./pairs.js";

/** Far above every sum of readings or squares here; a number below 2^64 is smaller with a chance of 2^-24. */
const NOISE = 2n ** 40n;
const PLAIN = { S: keyOf("roster"), interval: INTERVAL, statistics: [1], channels: 1 };
const SOf = (roster: Roster) => digest(encodeRoster(roster));
const number = (share: Uint8Array) => new DataView(share.buffer, share.byteOffset).getBigUint64(0);
const sum64 = (values: readonly bigint[]) =>
  BigInt.asUintN(
    64,
    values.reduce((sum, value) => sum + value, 0n),
  );

/** The share of one reading of member `own`. */
const simpleShare = (
  members: readonly Neighbour[],
  own: number,
  reading: number,
  { roster = ROSTER, interval = INTERVAL }: { readonly roster?: Roster; readonly interval?: number } = {},
) => number(shareOf({ roster, S: SOf(roster), members, interval }, own, [{ reading, opening: 0n }]));

/** The mask between a key that the attacker holds and a victim. */
const maskWith = (attacker: Neighbour, victim: Neighbour, roster = ROSTER) => {
  const pair = pairKey(attacker.agreement, attacker, victim, roster.groupId);
  return masks(rosterKey(pair, SOf(roster)), INTERVAL, [1], 1)[0] as bigint;
};

describe("a key that is not a neighbour's", () => {
  const [victim] = neighbours(1) as [Neighbour];
  const before = neighbour("SM-0000", "one key");
  const after = neighbour("SM-9999", "one key");

  it("under two names does not cancel its own masks, because the names are in the pair's key", () => {
    expect(bytesToHex(before.X)).toBe(bytesToHex(after.X));
    const share = simpleShare([before, victim, after], 1, 1234);
    expect(share).not.toBe(1234n);
    // One before and one after: were the two keys one, the share would be bare.
    const key = pairKey(before.agreement, before, victim, "street-1");
    const mask = masks(rosterKey(key, SOf(ROSTER)), INTERVAL, [1], 1)[0] as bigint;
    expect(sum64([1234n, mask, -mask])).toBe(1234n);
    expect(maskWith(after, victim)).not.toBe(mask);
  });

  it("under two names is one party all the same, who takes off both masks: distinct keys make the least count", () => {
    const share = simpleShare([before, victim, after], 1, 1234);
    expect(sum64([share, maskWith(before, victim), -maskWith(after, victim)])).toBe(1234n);
    // With a neighbour who is another, the same party is left with noise.
    const other = neighbour("SM-9999", "another key");
    const hidden = simpleShare([before, victim, other], 1, 1234);
    expect(sum64([hidden, maskWith(before, victim), -maskWith(after, victim)])).toBeGreaterThan(NOISE);
  });

  it("that is the victim's own gives a mask that nobody else can take off: such a sum is lost", () => {
    const [, second, third] = neighbours(3) as [Neighbour, Neighbour, Neighbour];
    const double: Neighbour = { ...victim, meterId: "SM-9999" };
    const members = [victim, second, third, double];
    const shares = members.slice(0, 3).map((_, own) => simpleShare(members, own, 1000));
    // Without the share of a member who does not exist the sum is noise; the victim alone could make it.
    expect(sum64(shares)).toBeGreaterThan(NOISE);
    expect(sum64([...shares, simpleShare(members, 3, 0)])).toBe(3000n);
  });

  it("that is the identity would make the pair's key public, so the unit makes none with it", () => {
    const peer = neighbour("SM-9999", "a stranger");
    const identity = { meterId: "SM-9999", X: hexToBytes(vectors.multiples[0] as string) };
    /** The key as everyone computes it who knows the shared point. */
    const keyFrom = (shared: Uint8Array, { X, meterId }: Member) => {
      const names = [bytes(victim.meterId), Uint8Array.of(0), bytes(meterId)];
      const info = [bytes("sealmeter/1/pair"), victim.X, X, ...names];
      return prf(prf(bytes("street-1"), shared), ...info, Uint8Array.of(1));
    };
    const shared = agree(peer.agreement, victim.X);
    expect(keyFrom(shared, peer)).toEqual(pairKey(victim.agreement, victim, peer, "street-1"));
    // Every multiple of the identity is the identity: there is nothing that only the victim knows.
    for (const { agreement } of neighbours(3)) {
      const multiple = multiply(decodeRistretto(identity.X), bytesOf(agreement));
      expect(encodeRistretto(multiple)).toEqual(new Uint8Array(32));
    }
    expect(keyFrom(new Uint8Array(32), identity)).toHaveLength(32);
    expect(() => pairKey(victim.agreement, victim, identity, "street-1")).toThrow(FormatError);
  });

  it.each(vectors.invalid)("is refused as %s, which is no encoding", (encoding) => {
    const peer = { meterId: "SM-9999", X: hexToBytes(encoding) };
    expect(() => pairKey(victim.agreement, victim, peer, "street-1")).toThrow(FormatError);
  });

  it("is refused cut short or long, while multiples of the base point are taken", () => {
    for (const [k, encoding] of vectors.multiples.entries()) {
      const X = hexToBytes(encoding);
      const pairing = (peer: Uint8Array) => () =>
        pairKey(victim.agreement, victim, { meterId: "SM-9999", X: peer }, "street-1");
      if (k > 0) expect(pairing(X)()).toHaveLength(32);
      expect(pairing(X.subarray(1))).toThrow(FormatError);
      expect(pairing(concatBytes(X, Uint8Array.of(0)))).toThrow(FormatError);
    }
  });
});

describe("a server that shows its members different rosters", () => {
  const members = neighbours(3);
  const repair = { standing: SOf(ROSTER), mask: Uint8Array.of(0b111) };
  const changes: readonly (readonly [string, Partial<Roster>])[] = [
    ["another number", { rosterNumber: 2 }],
    ["another count", { memberCount: 4 }],
    ["another beginning", { firstInterval: INTERVAL - 48 }],
    ["an end", { lastInterval: INTERVAL + 480 }],
    ["another statistic", { statistics: [1, 3] }],
    ["another length of intervals", { intervalSeconds: 900 }],
    ["another channel", { channels: ["1-0:2.8.0"] }],
    ["another member", { terms: { membersDigest: membersDigest(neighbours(4)) } }],
    ["a repair", { lastInterval: INTERVAL, terms: repair }],
    [
      "a repair of another roster",
      { lastInterval: INTERVAL, terms: { ...repair, standing: keyOf("other") } },
    ],
    ["another repair", { lastInterval: INTERVAL, terms: { ...repair, mask: Uint8Array.of(0b1011) } }],
  ];

  it("gets masks that have nothing in common, whichever field differs", () => {
    const key = keyOf("a pair");
    const all = changes.map(([, change]) => SOf({ ...ROSTER, ...change })).concat(SOf(ROSTER));
    const words = all.flatMap((S) => masks(rosterKey(key, S), INTERVAL, [1, 2, 3], 5));
    expect(new Set(words).size).toBe(words.length);
    // The group's name is in the pair's key already.
    const [a, b] = members as [Neighbour, Neighbour, Neighbour];
    const keys = ["street-1", "street-2"].map((groupId) => bytesToHex(pairKey(a.agreement, a, b, groupId)));
    expect(new Set(keys).size).toBe(2);
  });

  it.each(changes)("gets noise: %s", (_, change) => {
    const fair = [100, 200, 300].map((reading, own) => simpleShare(members, own, reading));
    expect(sum64(fair)).toBe(600n);
    const deceived = simpleShare(members, 0, 100, { roster: { ...ROSTER, ...change } });
    expect(sum64([deceived, ...fair.slice(1)])).toBeGreaterThan(NOISE);
  });

  // 2^64 values, of which n·2^32 are sums of readings: noise passes for one with a chance of n/2^32. Noise in windows
  // 2^30 times as wide is counted here instead: of 1,000 totals of 4 members, a quarter lies below 2^62.
  it("gets a total that could be a sum of readings once in 2^32 / n times", () => {
    const members = [0, 1, 2, 3];
    let below = 0;
    for (let trial = 0; trial < 1000; trial++) {
      const one = { ...PLAIN, members, pair: pairOf(`trial ${trial}`), S: keyOf("one roster") };
      const other = { ...one, S: keyOf("another roster") };
      const values = [1000n];
      const shares = members.map((own) => blinded(own < 2 ? one : other, own, values));
      const [total = 0n] = summed(shares, one);
      expect(total).toBeGreaterThan(4n * 2n ** 32n);
      if (total < 2n ** 62n) below++;
      const alike = members.map((own) => blinded(one, own, values));
      expect(summed(alike, one)).toEqual([4000n]);
    }
    // 250, and at most five standard deviations of 13.7: a false alarm of 6e-7.
    expect(Math.abs(below - 250)).toBeLessThan(69);
  });
});

describe("a share that is taken for another", () => {
  const members = [0, 1, 2];
  const all: Blinding = { ...PLAIN, statistics: [1, 2], channels: 5, members, pair: pairOf("street") };
  const values = members.map((own) => valuesOf(all.statistics, openingsOf(`${own}`, all.channels)));
  const shares = members.map((own) => blinded(all, own, values[own] as bigint[]));
  const totals = summed(values, all);

  it.each<readonly [string, Partial<Blinding>]>([
    ["interval", { interval: INTERVAL + 1 }],
    ["roster", { S: keyOf("another roster") }],
    ["group", { pair: pairOf("another street") }],
  ])("of another %s gives noise in every channel and statistic", (_, change) => {
    expect(summed(shares, all)).toEqual(totals);
    const replayed = blinded({ ...all, ...change }, 0, values[0] as bigint[]);
    const mixed = summed([replayed, ...shares.slice(1)], all);
    for (const total of mixed) expect(total).toBeGreaterThan(NOISE);
  });

  it("of another channel or statistic gives noise", () => {
    const [first = [], ...others] = shares;
    for (let turn = 1; turn < first.length; turn++) {
      const turned = [...first.slice(turn), ...first.slice(0, turn)];
      for (const total of summed([turned, ...others], all)) expect(total).toBeGreaterThan(NOISE);
    }
  });

  it("of another member gives noise", () => {
    const [first = [], , third = []] = shares;
    for (const total of summed([first, first, third], all)) expect(total).toBeGreaterThan(NOISE);
  });
});
