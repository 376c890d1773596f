// What the server knows of each interval of each group: its sums and how far they are to be believed, or who is
// missing. And the totals of many groups, over those that have a sum.

import { VerificationError } from "../proofs/signed.js";
import { assert } from "../trusted/encoding/bytes.js";
import { intervalAt, intervalStart_s } from "../trusted/metrology/interval.js";
import type { Collector, Tally } from "./collector.js";
import type { KeptRoster, Rosters } from "./rosters.js";
import type { Doubt, Seals } from "./seals.js";
import { type ChannelSum, sumUp } from "./sums.js";

/**
 * `verified`: the meters have sealed what was added. `unverified`: a sum that is not, or not yet, or cannot be.
 * `repaired`: a sum over the members of a repair, verified if the roster has statistic 3. `open`: no sum.
 */
export type SumState = "verified" | "unverified" | "repaired" | "open";

export interface GroupResult {
  /** The standing roster in force. */
  readonly standing: KeptRoster;
  /** The roster that was summed by: the standing one or its repair. */
  readonly kept: KeptRoster;
  readonly interval: number;
  readonly start_s: number;
  readonly state: SumState;
  /** By channel of the roster; null: open. */
  readonly channels: readonly ChannelSum[] | null;
  /** Bitwise or of the statuses of the shares. */
  readonly statusUnion: number;
  /** Members of the standing roster without an undisputed share, ascending. */
  readonly missing: readonly string[];
  /** Why it is not verified; null if it is. */
  readonly reason: string | null;
  /** Whether that is because something was shown to be false. Such a sum is in no total. */
  readonly isFalse: boolean;
  /** What was shown to be false, under the standing roster or its repair. */
  readonly falsehoods: readonly string[];
}

/** The sum of a channel over all groups that have one. */
export interface Total {
  readonly start_s: number;
  readonly obis: string;
  /** Below 2^53. */
  readonly sum_Wh: number;
  readonly meters: number;
  readonly groups: number;
  /** Groups that have none: nothing of their meters is in the total. */
  readonly groupsWithout: number;
  /** Whether every sum in it is verified, and there is one. */
  readonly isVerified: boolean;
}

/** Groups of 128 whose sums below 2^39 a total holds. */
const GROUPS_MAX = 2 ** 14;

/** A sum under one roster, or why there is none. */
interface Judged {
  readonly kept: KeptRoster;
  readonly channels: readonly ChannelSum[] | null;
  readonly doubt: Doubt | null;
}

function judge(kept: KeptRoster, tally: Tally | undefined, seals: Seals): Judged {
  const without = (reason: string, isFalse: boolean) => ({
    kept,
    channels: null,
    doubt: { reason, isFalse },
  });
  if (!tally?.isComplete) return without("shares are missing", false);
  try {
    const channels = sumUp(tally);
    return { kept, channels, doubt: seals.doubtOf(tally, channels) };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return without(error.message, true);
  }
}

/** Members whose undisputed share is not here. */
export function missingOf(kept: KeptRoster, tally: Tally | undefined): string[] {
  return kept.members.filter((_, at) => !tally?.isHeld(at)).map(({ meterId }) => meterId);
}

/** The repair of a standing roster that an interval is in. */
export function repairAt(rosters: Rosters, standing: KeptRoster, interval: number): KeptRoster | undefined {
  return rosters
    .repairsOf(standing)
    .find(({ roster }) => roster.firstInterval <= interval && interval <= (roster.lastInterval ?? 0));
}

/** What is known of one interval of a standing roster: by itself or, where it has no sum, by its repair. */
export function resultAt(
  rosters: Rosters,
  collector: Collector,
  seals: Seals,
  standing: KeptRoster,
  interval: number,
): GroupResult {
  const tally = collector.tally(standing, interval);
  const own = judge(standing, tally, seals);
  const repair = repairAt(rosters, standing, interval);
  const repairTally = repair && collector.tally(repair, interval);
  const isNeeded = own.channels === null || own.doubt?.isFalse === true;
  const other = isNeeded && repair && repairTally?.isComplete ? judge(repair, repairTally, seals) : null;
  const used = other?.channels ? other : own;
  const { kept, channels, doubt } = used;
  return {
    standing,
    kept,
    interval,
    start_s: intervalStart_s(interval, standing.roster.intervalSeconds),
    state: stateOf(used),
    channels,
    statusUnion: (used === own ? tally : repairTally)?.statusUnion ?? 0,
    missing: missingOf(standing, tally),
    reason: doubt?.reason ?? null,
    isFalse: doubt?.isFalse ?? false,
    falsehoods: [own, other].flatMap((one) => (one?.doubt?.isFalse ? [one.doubt.reason] : [])),
  };
}

function stateOf({ kept, channels, doubt }: Judged): SumState {
  if (channels === null) return "open";
  if (kept.standing !== null && (doubt === null || kept.layout.openings === null)) return "repaired";
  return doubt === null ? "verified" : "unverified";
}

/**
 * All that is known, by roster and interval: from the first interval that is collected to the last of which most
 * members have sent a share, and single shares besides.
 * @param progress called after each interval.
 */
export function resultsOf(
  rosters: Rosters,
  collector: Collector,
  seals: Seals,
  progress?: (done: number, total: number) => void,
): GroupResult[] {
  const work = rosters.standing.flatMap((standing) =>
    intervalsOf(rosters, collector, standing).map((interval) => ({ standing, interval })),
  );
  return work.map(({ standing, interval }, at) => {
    const result = resultAt(rosters, collector, seals, standing, interval);
    progress?.(at + 1, work.length);
    return result;
  });
}

/** The intervals of a standing roster to be told of, ascending: never more than the collector's span holds. */
export function intervalsOf(rosters: Rosters, collector: Collector, standing: KeptRoster): number[] {
  const { firstInterval, intervalSeconds } = standing.roster;
  const tallies = [standing, ...rosters.repairsOf(standing)].flatMap((kept) => collector.talliesOf(kept));
  const intervals = new Set(tallies.map(({ interval }) => interval));
  const from = Math.max(
    firstInterval,
    intervalAt(collector.span.from_s + intervalSeconds - 1, intervalSeconds),
  );
  const through = tallies
    .filter(({ held, kept }) => 2 * held > kept.members.length)
    .reduce((last, { interval }) => Math.max(last, interval), from - 1);
  for (let interval = from; interval <= through; interval++) intervals.add(interval);
  return [...intervals].sort((a, b) => a - b);
}

/** The totals of all groups, by time and channel. A sum that is shown to be false is none. */
export function totalsOf(results: readonly GroupResult[]): Total[] {
  const totals = new Map<string, Total>();
  for (const { start_s, kept, state, channels, isFalse } of results) {
    const hasSum = channels !== null && !isFalse;
    kept.roster.channels.forEach((obis, channel) => {
      const name = `${start_s} ${obis}`;
      const none = { start_s, obis, sum_Wh: 0, meters: 0, groups: 0, groupsWithout: 0, isVerified: true };
      const total = totals.get(name) ?? none;
      assert(total.groups < GROUPS_MAX, "a total is below 2^53");
      totals.set(name, {
        ...total,
        sum_Wh: total.sum_Wh + (hasSum ? (channels[channel]?.sum_Wh ?? 0) : 0),
        meters: total.meters + (hasSum ? kept.members.length : 0),
        groups: total.groups + (hasSum ? 1 : 0),
        groupsWithout: total.groupsWithout + (hasSum ? 0 : 1),
        isVerified: total.isVerified && (!hasSum || isProved(state, kept)),
      });
    });
  }
  const known = [...totals.values()].map((total) => ({
    ...total,
    isVerified: total.isVerified && total.groups > 0,
  }));
  return known.sort((a, b) => a.start_s - b.start_s || (a.obis < b.obis ? -1 : 1));
}

/** Whether a sum was verified, be it under a repair. */
const isProved = (state: SumState, { layout }: KeptRoster) =>
  state === "verified" || (state === "repaired" && layout.openings !== null);
