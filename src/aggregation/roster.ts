// Rosters as their aggregator makes them: the payload that is signed, and the digest of the members that a
// standing roster stands for. Their form is the unit's (src/trusted/blinding/roster.ts).

import {
  decodeRoster,
  encodeMember,
  isRepair,
  type Member,
  type Roster,
} from "../trusted/blinding/roster.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { array, bstr, int, map, orNil, tstr } from "../trusted/encoding/cbor.js";
import { digest } from "../trusted/sealing/keys.js";

/**
 * H over the members, which ascend by meterId.
 * @throws FormatError unless they do, strictly.
 */
export function membersDigest(members: readonly Member[]): Uint8Array {
  const ascends = members.every(
    ({ meterId }, at) => at === 0 || meterId > (members[at - 1] as Member).meterId,
  );
  if (!ascends) throw new FormatError("members do not ascend by meter id");
  return digest(...members.map(({ meterId, X }) => encodeMember(meterId, X)));
}

/** The bits of a repair: of `count` members of a standing roster those with these numbers take part. */
export function maskOf(count: number, marked: readonly number[]): Uint8Array {
  const mask = new Uint8Array(Math.ceil(count / 8));
  for (const member of marked) mask[member >> 3] = (mask[member >> 3] ?? 0) | (1 << (member & 7));
  return mask;
}

/** The payload to be signed. @throws FormatError for whatever `decodeRoster` would refuse. */
export function encodeRoster(roster: Roster): Uint8Array {
  const { terms } = roster;
  const tail = [
    [8, int(roster.intervalSeconds)],
    [9, array(...roster.channels.map(tstr))],
  ] as const;
  const payload = map(
    [1, tstr(roster.groupId)],
    [2, int(roster.rosterNumber)],
    [3, int(roster.memberCount)],
    [4, int(roster.firstInterval)],
    [5, orNil(roster.lastInterval === null ? null : int(roster.lastInterval))],
    [6, array(...roster.statistics.map(int))],
    ...(isRepair(terms)
      ? ([...tail, [10, bstr(terms.standing)], [11, bstr(terms.mask)]] as const)
      : ([[7, bstr(terms.membersDigest)], ...tail] as const)),
  );
  decodeRoster(payload);
  return payload;
}
