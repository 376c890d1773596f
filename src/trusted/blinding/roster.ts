// A roster as its aggregator signs it: which meters blind for each other, over which intervals, channels and
// statistics. A standing roster names its members by a digest; a repair names some of those of its standing
// roster by bits, for intervals in which others were dark. Here is their form; what a unit accepts is in
// rosters.ts.
import { concatBytes } from "@noble/hashes/utils.js";
import { readChannels, readIntervalSeconds } from "../authority/configuration.js";
import { asciiBytes, uintBytes } from "../encoding/bytes.js";
import { CborReader } from "../encoding/cbor.js";
import { U32_MAX } from "../metrology/interval.js";

export const GROUP_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/;
/** Most members of a group. */
export const MEMBERS_MAX = 128;
/** Sum; sum of squares, for the variance; openings, by which a sum is verified. */
export const Statistic = { SUM: 1, SQUARES: 2, OPENINGS: 3 } as const;

/** Of a roster that is not a repair. */
export interface StandingTerms {
  /** H over the members in their order. */
  readonly membersDigest: Uint8Array;
}

export interface RepairTerms {
  /** S of the standing roster that is repaired. */
  readonly standing: Uint8Array;
  /** Bit j of byte k, least significant first: whether member 8k + j of the standing roster takes part. */
  readonly mask: Uint8Array;
}

export interface Roster {
  readonly groupId: string;
  /** u32, strictly rising over all that a unit accepts. */
  readonly rosterNumber: number;
  /** 2 to 128. */
  readonly memberCount: number;
  readonly firstInterval: number;
  /** Null: until a successor. A repair has one. */
  readonly lastInterval: number | null;
  /** Ascending, of Statistic; 1 is always among them. */
  readonly statistics: readonly number[];
  readonly intervalSeconds: number;
  /** OBIS codes; a channel's position here is its number in shares. */
  readonly channels: readonly string[];
  readonly terms: StandingTerms | RepairTerms;
}

export const isRepair = (terms: StandingTerms | RepairTerms): terms is RepairTerms => "mask" in terms;

/** A member as its peers know it. */
export interface Member {
  readonly meterId: string;
  /** X = x·B, 32 bytes. */
  readonly X: Uint8Array;
}

/** Least members of a roster, and of those that a repair leaves out: known squares tell more than known sums. */
export const leastMembers = (minGroup: number, statistics: readonly number[]) =>
  statistics.includes(Statistic.SQUARES) ? 2 * minGroup : minGroup;

/**
 * Whether a repair with so many members of a standing roster shows nothing but sums over `least` meters and more. Two
 * repairs of two thirds share `least` members at least, who answer one of them only: fewer colluders than that cannot
 * complete both, and no two sums differ by a few meters. It has twice `least` members itself.
 */
export const isFairRepair = (members: number, standing: number, least: number) =>
  standing - members >= least && 3 * members >= 2 * standing;

/** One member in the order of the digest: u8(length of id) || id || X. */
export const encodeMember = (meterId: string, X: Uint8Array) =>
  concatBytes(uintBytes(meterId.length, 1), asciiBytes(meterId), X);

/** Whether the bit of a member is set. */
export const isMarked = (mask: Uint8Array, member: number) =>
  (((mask[member >> 3] ?? 0) >> (member & 7)) & 1) === 1;

/** The next item, a groupId. @throws FormatError for a text that is not one. */
export function readGroupId(reader: CborReader): string {
  const groupId = reader.text(32);
  return GROUP_ID.test(groupId) ? groupId : reader.refuse(`"${groupId}" is no group id`);
}

function readStatistics(reader: CborReader): number[] {
  const statistics = Array.from({ length: reader.array(1, 3) }, () => reader.uint(Statistic.OPENINGS));
  const ascends =
    statistics[0] === Statistic.SUM && statistics.every((one, at) => one > (statistics[at - 1] ?? 0));
  return ascends ? statistics : reader.refuse("statistics do not ascend from 1");
}

/**
 * Takes the payload of a roster apart; its signature is the caller's to have checked.
 * @throws FormatError for malformed bytes or a value out of its range.
 */
export function decodeRoster(payload: Uint8Array): Roster {
  const reader = new CborReader(payload, "roster");
  const isStanding = reader.map(9, 10) === 9;
  const head = {
    groupId: readGroupId(reader.key(1)),
    rosterNumber: reader.key(2).uint(U32_MAX),
    memberCount: reader.key(3).uint(MEMBERS_MAX),
    firstInterval: reader.key(4).uint(U32_MAX),
    lastInterval: reader.key(5).nil() ? null : reader.uint(U32_MAX),
    statistics: readStatistics(reader.key(6)),
  };
  const membersDigest = isStanding ? reader.key(7).bytes(32) : null;
  const intervalSeconds = readIntervalSeconds(reader.key(8));
  const channels = readChannels(reader.key(9));
  const terms = membersDigest
    ? { membersDigest }
    : { standing: reader.key(10).bytes(32), mask: reader.key(11).bytes(1, MEMBERS_MAX / 8) };
  reader.end();
  if (head.memberCount < 2) reader.refuse("a roster of less than two members");
  if ((head.lastInterval ?? U32_MAX) < head.firstInterval)
    reader.refuse("a roster that ends before it begins");
  if (!membersDigest && head.lastInterval === null) reader.refuse("a repair without an end");
  return { ...head, intervalSeconds, channels, terms };
}
