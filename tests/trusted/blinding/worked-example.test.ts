// The streets of the worked example, made by an independent program: pair keys, digests, and every share.
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { encodeRoster, membersDigest } from "../../../src/aggregation/roster.js";
import { signWithKey } from "../../../src/proofs/signed.js";
import { pairKey } from "../../../src/trusted/blinding/pair-keys.js";
import { decodeRoster, type Member } from "../../../src/trusted/blinding/roster.js";
import { encodeShare } from "../../../src/trusted/blinding/share.js";
import { digest } from "../../../src/trusted/sealing/keys.js";
import { seedOf, vector } from "../../example.js";
import { exampleOpening, neighbours, shareOf } from "../../street.js";

const { aggregation } = vector;
const { interval } = aggregation;

describe("the worked example's streets", () => {
  const members = neighbours(4);
  const byId = new Map(members.map((member) => [member.meterId, member]));

  it("has these pair keys, whichever of the two computes them", () => {
    for (const { between, key } of aggregation.pairKeys) {
      const [a, b] = between.map((meterId) => byId.get(meterId) as (typeof members)[number]) as [
        (typeof members)[number],
        (typeof members)[number],
      ];
      expect(bytesToHex(pairKey(a.agreement, a, b, "street-1"))).toBe(key);
      expect(bytesToHex(pairKey(b.agreement, b, a, "street-1"))).toBe(key);
    }
  });

  it("has this digest of members and this signed roster", () => {
    expect(bytesToHex(membersDigest(members.slice(0, 3)))).toBe(aggregation.membersDigest);
    const payload = hexToBytes(aggregation.three.rosterPayload);
    expect(bytesToHex(signWithKey("roster-1", payload, seedOf("aggregator")))).toBe(aggregation.roster);
  });

  it.each([
    ["three", aggregation.three, 3],
    ["five channels", aggregation.fiveChannels, 4],
    ["a repair", aggregation.repair, 4],
  ] as const)("has these shares: %s", (_, street, count) => {
    const payload = hexToBytes(street.rosterPayload);
    const roster = decodeRoster(payload);
    expect(encodeRoster(roster)).toEqual(payload);
    const S = digest(payload);
    expect(bytesToHex(S)).toBe(street.S);
    const options = { roster, S, members: members.slice(0, count), interval };
    for (const { meterId, readings, share } of street.shares) {
      const own = members.findIndex((member: Member) => member.meterId === meterId);
      const openings = readings.map((reading, channel) => ({
        reading,
        opening: exampleOpening(meterId, channel),
      }));
      expect(bytesToHex(shareOf(options, own, openings))).toBe(share);
    }
  });

  it("has this message", () => {
    const { share, meterId } = aggregation.three.shares[0] as { share: string; meterId: string };
    const names = { meterId, interval, groupId: "street-1", rosterNumber: 1, status: 0 };
    expect(bytesToHex(encodeShare(names, hexToBytes(share)))).toBe(aggregation.messageOfFirst);
  });
});
