// What a unit remembers of rosters, and what it accepts by it. For any interval there is at most one standing roster
// and one repair, over all groups and aggregators; what is accepted is stored before a share is made, and is final.
// Each rule closes a way of making a group show one home (docs/security.md).
import { CHANNELS_MAX, type Configuration } from "../authority/configuration.js";
import { FormatError, sameBytes } from "../encoding/bytes.js";
import { array, bstr, CborReader, int, tstr } from "../encoding/cbor.js";
import type { Place } from "../journal/sector-ring.js";
import { DAY_SECONDS, U32_MAX } from "../metrology/interval.js";
import * as form from "./roster.js";

/** Shares and repairs are made for this long after an interval's end, s. */
export const WINDOW_S = 8 * DAY_SECONDS;
/** A standing roster is in force for at least this long, unless a later one comes before it begins, s. */
export const STANDING_MIN_S = 7 * DAY_SECONDS;
/** Those of the window: the one in force, two that it followed within eight days, and one to come. */
const STANDING_MAX = 4;
/** Repairs in the window. */
export const REPAIRS_MAX = 8;

/** A standing roster that was accepted. */
export interface Standing {
  /** H of its payload. */
  readonly S: Uint8Array;
  /** The key that has signed it, and alone can repair it. */
  readonly anchor: Uint8Array;
  readonly groupId: string;
  readonly rosterNumber: number;
  readonly memberCount: number;
  readonly firstInterval: number;
  /** U32_MAX if it ends with its successor. */
  readonly lastInterval: number;
  readonly statistics: readonly number[];
  /** The unit's own numbers of its channels. */
  readonly channels: readonly number[];
  /** This unit's place among the members, from 0. */
  readonly own: number;
  /** Where in the log its first members lie; 0 when they are lost. */
  place: Place;
}

export interface Repair {
  readonly S: Uint8Array;
  readonly rosterNumber: number;
  readonly firstInterval: number;
  readonly lastInterval: number;
  /** Which members of the standing roster take part. */
  readonly mask: Uint8Array;
}

export interface RosterMemory {
  /** The least number that a roster may have. */
  readonly nextNumber: number;
  /** By rising firstInterval. */
  readonly standing: readonly Standing[];
  readonly repairs: readonly Repair[];
}

/** When a roster is judged. */
export interface Moment {
  readonly configuration: Configuration;
  /** Confirmed, Unix seconds. */
  readonly time_s: number;
  /** Interval that is being measured; it never falls. */
  readonly openInterval: number;
}

/** Throws FormatError with this reason unless the condition holds. */
export function demand(condition: boolean, why: string): asserts condition {
  if (!condition) throw new FormatError(`roster: ${why}`);
}

/** The last interval for which a standing roster is in force: its own, or the one before its successor. */
function endOf({ standing }: RosterMemory, roster: Standing): number {
  const successor = standing[standing.indexOf(roster) + 1];
  return Math.min(roster.lastInterval, (successor?.firstInterval ?? U32_MAX) - 1);
}

/** The standing roster in force for every interval of [first, last]. */
export const inForce = (memory: RosterMemory, first: number, last: number) =>
  memory.standing.find((roster) => roster.firstInterval <= first && last <= endOf(memory, roster));

/** The repair of an interval. */
export const repairOf = ({ repairs }: RosterMemory, interval: number) =>
  repairs.find(({ firstInterval, lastInterval }) => firstInterval <= interval && interval <= lastInterval);

/** Whether shares of an interval may still be made. */
export const isInWindow = (interval: number, time_s: number, intervalSeconds: number) =>
  time_s < (interval + 1) * intervalSeconds + WINDOW_S;

/** The memory without what no interval of the window needs; nor will any later one, as the open interval never falls. */
export function forget(memory: RosterMemory, { openInterval, configuration }: Moment): RosterMemory {
  const { intervalSeconds } = configuration;
  const isNeeded = (last: number) => isInWindow(last, openInterval * intervalSeconds, intervalSeconds);
  return {
    ...memory,
    standing: memory.standing.filter((roster) => isNeeded(endOf(memory, roster))),
    repairs: memory.repairs.filter(({ lastInterval }) => isNeeded(lastInterval)),
  };
}

/** The standing rosters that have begun: one that has not is replaced by another that is accepted. */
export const begun = ({ standing }: RosterMemory, { openInterval }: Moment) =>
  standing.filter(({ firstInterval }) => firstInterval <= openInterval);

/** What rosters of both kinds must keep. @returns the unit's own numbers of its channels. */
function checkForm(roster: form.Roster, memory: RosterMemory, { configuration }: Moment): number[] {
  const { rosterNumber, intervalSeconds, statistics } = roster;
  demand(rosterNumber >= memory.nextNumber, "number does not rise");
  demand(intervalSeconds === configuration.intervalSeconds, "intervals of another length");
  const channels = roster.channels.map((code) => configuration.channels.indexOf(code));
  const ascend = channels.every((channel, at) => channel > (channels[at - 1] ?? -1));
  demand(ascend, "channels are not this meter's in its order");
  const areAll = channels.length === configuration.channels.length;
  demand(areAll || !statistics.includes(form.Statistic.OPENINGS), "openings of some channels only");
  return channels;
}

/**
 * Whether a standing roster may be accepted now, its members apart.
 * @param memory without what can be forgotten.
 * @returns the unit's own numbers of its channels.
 * @throws FormatError with the rule that it breaks.
 */
export function checkStanding(roster: form.Roster, memory: RosterMemory, moment: Moment): readonly number[] {
  const { intervalSeconds, memberCount, firstInterval, lastInterval, statistics } = roster;
  const { configuration, time_s, openInterval } = moment;
  const channels = checkForm(roster, memory, moment);
  const least = form.leastMembers(configuration.minGroup, statistics);
  demand(memberCount >= least, "too few members");
  const first_s = firstInterval * intervalSeconds;
  const isFuture = firstInterval > openInterval && first_s > time_s;
  demand(first_s % DAY_SECONDS === 0 && isFuture, "begins with no UTC day to come");
  if (lastInterval !== null) {
    const end_s = (lastInterval + 1) * intervalSeconds;
    const isLong = end_s % DAY_SECONDS === 0 && end_s - first_s >= STANDING_MIN_S;
    demand(isLong, "does not end with a UTC day after a week");
  }
  const predecessor = begun(memory, moment).at(-1);
  const since_s = first_s - (predecessor?.firstInterval ?? 0) * intervalSeconds;
  demand(since_s >= STANDING_MIN_S, "begins within a week of its predecessor");
  return channels;
}

/** Whether the bits of a mask are those of `marked` out of so many members. */
function isMask(mask: Uint8Array, members: number, marked: number): boolean {
  const bits = Array.from({ length: 8 * mask.length }, (_, member) => form.isMarked(mask, member));
  const isFull = mask.length === Math.ceil(members / 8) && !bits.slice(members).includes(true);
  return isFull && bits.filter((bit) => bit).length === marked;
}

/**
 * Whether a repair may be accepted now.
 * @param anchor the key that has signed it. @param memory without what can be forgotten.
 * @throws FormatError with the rule that it breaks.
 */
export function checkRepair(
  { roster, standing: S, mask }: { roster: form.Roster } & form.RepairTerms,
  anchor: Uint8Array,
  memory: RosterMemory,
  moment: Moment,
): void {
  const { intervalSeconds, memberCount, firstInterval, groupId, statistics } = roster;
  const { configuration, time_s, openInterval } = moment;
  const channels = checkForm(roster, memory, moment);
  const lastInterval = roster.lastInterval ?? U32_MAX;
  demand(lastInterval < openInterval, "repairs what is not over");
  // The later of both: a clock that was set back opens no window again.
  const now_s = Math.max(time_s, openInterval * intervalSeconds);
  demand(isInWindow(firstInterval, now_s, intervalSeconds), "repairs what is too long ago");
  const standing = inForce(memory, firstInterval, lastInterval);
  demand(standing !== undefined && sameBytes(standing.S, S), "repairs what is not in force throughout");
  demand(sameBytes(standing.anchor, anchor), "repairs another aggregator's roster");
  const isAlike = groupId === standing.groupId && `${statistics}` === `${standing.statistics}`;
  demand(isAlike && `${channels}` === `${standing.channels}`, "repairs a roster of another kind");
  demand(isMask(mask, standing.memberCount, memberCount), "bits are not those of its members");
  demand(form.isMarked(mask, standing.own), "repairs without this meter");
  const least = form.leastMembers(configuration.minGroup, statistics);
  demand(form.isFairRepair(memberCount, standing.memberCount, least), "too few in it or out of it");
  const isFree = memory.repairs.every(
    (other) => other.lastInterval < firstInterval || lastInterval < other.firstInterval,
  );
  demand(isFree, "repairs an interval again");
  demand(memory.repairs.length < REPAIRS_MAX, "enough repairs for these days");
}

/** At most 1,124 bytes. */
export function encodeRosters({ nextNumber, standing, repairs }: RosterMemory): Uint8Array {
  const standings = standing.map((roster) => {
    const { S, anchor, groupId, rosterNumber, memberCount, firstInterval, lastInterval, own, place } = roster;
    const numbers = [rosterNumber, memberCount, firstInterval, lastInterval, own, place].map(int);
    const lists = [roster.statistics, roster.channels].map((list) => array(...list.map(int)));
    return array(bstr(S), bstr(anchor), tstr(groupId), ...numbers, ...lists);
  });
  const others = repairs.map(({ S, rosterNumber, firstInterval, lastInterval, mask }) =>
    array(bstr(S), int(rosterNumber), int(firstInterval), int(lastInterval), bstr(mask)),
  );
  return array(int(nextNumber), array(...standings), array(...others));
}

const readList = (reader: CborReader) =>
  Array.from({ length: reader.array(0, CHANNELS_MAX) }, () => reader.uint(CHANNELS_MAX));

function readStanding(reader: CborReader): Standing {
  reader.array(11);
  return {
    S: reader.bytes(32),
    anchor: reader.bytes(32),
    groupId: form.readGroupId(reader),
    rosterNumber: reader.uint(U32_MAX),
    memberCount: reader.uint(form.MEMBERS_MAX),
    firstInterval: reader.uint(U32_MAX),
    lastInterval: reader.uint(U32_MAX),
    own: reader.uint(form.MEMBERS_MAX),
    place: reader.uint(),
    statistics: readList(reader),
    channels: readList(reader),
  };
}

function readRepair(reader: CborReader): Repair {
  reader.array(5);
  return {
    S: reader.bytes(32),
    rosterNumber: reader.uint(U32_MAX),
    firstInterval: reader.uint(U32_MAX),
    lastInterval: reader.uint(U32_MAX),
    mask: reader.bytes(1, form.MEMBERS_MAX / 8),
  };
}

/** @throws FormatError for a memory that this program did not write. */
export function decodeRosters(bytes: Uint8Array): RosterMemory {
  const reader = new CborReader(bytes, "memory of rosters");
  reader.array(3);
  const memory = {
    nextNumber: reader.uint(),
    standing: Array.from({ length: reader.array(0, STANDING_MAX) }, () => readStanding(reader)),
    repairs: Array.from({ length: reader.array(0, REPAIRS_MAX) }, () => readRepair(reader)),
  };
  reader.end();
  return memory;
}
