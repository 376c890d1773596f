// Repairs: where members were dark, the others are asked for shares among themselves. A unit answers one repair an
// interval for ever and holds eight at a time, so a server orders none before late shares have had their time, and
// then one for a run of a UTC day. Which repairs may be ordered at all is for the units' own rules to say
// (src/trusted/blinding/roster.ts): what would show the sum of a few meters stays open.

import { REPAIRS_MAX, WINDOW_S } from "../trusted/blinding/memory.js";
import { isFairRepair, leastMembers, type Roster } from "../trusted/blinding/roster.js";
import { DAY_SECONDS, intervalAt, intervalStart_s } from "../trusted/metrology/interval.js";
import type { Collector } from "./collector.js";
import { missingOf, repairAt } from "./results.js";
import { maskOf } from "./roster.js";
import type { KeptRoster, Rosters } from "./rosters.js";

export interface RepairOptions {
  /** Unix time. */
  readonly now_s: number;
  /** The largest minGroup that a member is provisioned with. */
  readonly minGroup?: number;
  /** How long after a UTC day's end late shares are waited for, at most 7 days. */
  readonly patience_s?: number;
  /** What is left of the window, at least, for a repair to reach its members. */
  readonly reach_s?: number;
}

/** Intervals that stay without a sum. */
export interface Unrepaired {
  readonly first: number;
  readonly last: number;
  readonly missing: readonly string[];
  readonly reason: string;
}

export interface RepairPlan {
  /** To be signed and kept in this order: their numbers are the next ones. */
  readonly repairs: readonly Roster[];
  readonly unrepaired: readonly Unrepaired[];
}

/** Consecutive intervals of a day in which members are missing, all of them together. */
interface Run {
  readonly first: number;
  readonly last: number;
  readonly missing: ReadonlySet<string>;
}

/**
 * Plans the repairs of a standing roster. Intervals that have a repair, whatever came of it, get no other.
 * Where fewer members are missing than a repair must leave out, the first others by meterId stay out with them.
 */
export function planRepairs(
  rosters: Rosters,
  collector: Collector,
  standing: KeptRoster,
  { now_s, minGroup = 10, patience_s = 2 * DAY_SECONDS, reach_s = DAY_SECONDS / 4 }: RepairOptions,
): RepairPlan {
  const { roster, members } = standing;
  const least = leastMembers(minGroup, roster.statistics);
  const leftOut = (missing: number) => Math.max(missing, least);
  const isFair = (missing: number) => isFairRepair(members.length - leftOut(missing), members.length, least);
  const closed_s = Math.floor((now_s - patience_s) / DAY_SECONDS) * DAY_SECONDS;
  const reached_s = now_s + reach_s - WINDOW_S;
  const open = openIntervals(rosters, collector, standing, reached_s, closed_s);
  const runs = runsOf(open, roster.intervalSeconds, isFair);
  const fair = runs.filter(({ missing }) => isFair(missing.size)).sort((a, b) => lengthOf(b) - lengthOf(a));
  const room = Math.max(0, REPAIRS_MAX - repairsHeld(rosters, standing, now_s));
  const chosen = fair.slice(0, room).sort((a, b) => a.first - b.first);
  const repairs = chosen.map(({ first, last, missing }, at) => {
    const present = members.filter(({ meterId }) => !missing.has(meterId));
    const taken = new Set(present.slice(leftOut(missing.size) - missing.size).map(({ meterId }) => meterId));
    const rosterNumber = rosters.nextNumber + at;
    return repairOf(standing, taken, { rosterNumber, firstInterval: first, lastInterval: last });
  });
  const because = (reason: string) => (run: Run) => ({ ...run, missing: [...run.missing].sort(), reason });
  const unrepaired = [
    ...runs
      .filter(({ missing }) => !isFair(missing.size))
      .map(
        because(`a repair without them would not leave two thirds, or not ${least} meters in and out of it`),
      ),
    ...fair.slice(room).map(because(`its members hold ${REPAIRS_MAX} repairs already`)),
  ];
  return { repairs, unrepaired: unrepaired.sort((a, b) => a.first - b.first) };
}

const lengthOf = ({ first, last }: Run) => last - first + 1;

/** A repair of a standing roster over those of its members that are named. */
export function repairOf(
  { roster, members, S }: KeptRoster,
  taken: ReadonlySet<string>,
  names: Pick<Roster, "rosterNumber" | "firstInterval" | "lastInterval">,
): Roster {
  const marked = members.flatMap(({ meterId }, at) => (taken.has(meterId) ? [at] : []));
  const terms = { standing: S, mask: maskOf(members.length, marked) };
  return { ...roster, ...names, memberCount: taken.size, terms };
}

/** The intervals in [from_s, to_s) of a roster that lack shares and have no repair: at most those of the window. */
function openIntervals(
  rosters: Rosters,
  collector: Collector,
  standing: KeptRoster,
  from_s: number,
  to_s: number,
): Run[] {
  const { firstInterval, intervalSeconds } = standing.roster;
  const first = Math.max(firstInterval, intervalAt(from_s, intervalSeconds));
  const last = Math.min(rosters.lastOf(standing), intervalAt(to_s, intervalSeconds) - 1);
  const open: Run[] = [];
  for (let interval = first; interval <= last; interval++) {
    const tally = collector.tally(standing, interval);
    if (tally?.isComplete || repairAt(rosters, standing, interval)) continue;
    open.push({ first: interval, last: interval, missing: new Set(missingOf(standing, tally)) });
  }
  return open;
}

/** Joins neighbours of one UTC day, as long as a repair can leave out all who are missing in any of them. */
function runsOf(open: readonly Run[], intervalSeconds: number, isFair: (missing: number) => boolean): Run[] {
  const runs: Run[] = [];
  for (const one of open) {
    const before = runs.at(-1);
    const isNext =
      before?.last === one.first - 1 && intervalStart_s(one.first, intervalSeconds) % DAY_SECONDS !== 0;
    const missing = new Set([...(before?.missing ?? []), ...one.missing]);
    // Where none can be repaired alone, neither can both: they are told of as one.
    const isJoined =
      isFair(missing.size) || (!isFair(one.missing.size) && !isFair(before?.missing.size ?? 0));
    if (before && isNext && isJoined)
      runs[runs.length - 1] = { first: before.first, last: one.last, missing };
    else runs.push(one);
  }
  return runs;
}

/** The repairs that the busiest member of a roster holds, whatever roster they are of. */
function repairsHeld(rosters: Rosters, { members }: KeptRoster, now_s: number): number {
  const isHeld = ({ standing, roster }: KeptRoster) =>
    standing !== null &&
    intervalStart_s((roster.lastInterval ?? 0) + 1, roster.intervalSeconds) + WINDOW_S > now_s;
  return Math.max(...members.map(({ meterId }) => rosters.of(meterId).filter(isHeld).length));
}
