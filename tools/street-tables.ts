// A street's sums as tables: for people, a table a channel; for other programs, comma-separated values.
import type { GroupResult, Total } from "../src/aggregation/results.js";
import { table, utc } from "./command-line.js";

/** Missing meters that are named in a line. */
const NAMES_TOLD = 6;

export const isOfGroup = (groupId: string) => (result: GroupResult) =>
  result.standing.roster.groupId === groupId;

const rounded = (value: number | null | undefined) => (value == null ? "" : `${Number(value.toFixed(1))}`);

/** A result's line for each channel. */
function cellsOf({ interval, start_s, standing, kept, channels, state }: GroupResult): string[][] {
  const { groupId, rosterNumber, channels: codes } = kept.roster;
  const members = channels ? kept.members.length : standing.members.length;
  return codes.map((obis, at) => {
    const sum = channels?.[at];
    const figures = [rounded(sum?.sum_Wh), rounded(sum?.mean_Wh), rounded(sum?.deviation_Wh)];
    return [`${interval}`, utc(start_s), obis, groupId, `${rosterNumber}`, `${members}`, ...figures, state];
  });
}

export function csvOf(results: readonly GroupResult[]): string {
  const header = "interval,start,channel,group,roster,members,sum_Wh,mean_Wh,deviation_Wh,state";
  return `${[header, ...results.flatMap(cellsOf).map((cells) => cells.join(","))].join("\n")}\n`;
}

/** The sums of one group, a table a channel. */
export function groupTables(results: readonly GroupResult[]): string[] {
  const rows = results.flatMap(cellsOf);
  const channels = [...new Set(rows.map(([, , obis = ""]) => obis))];
  return channels.flatMap((channel, at) => {
    const [, , , groupId = ""] = rows[0] ?? [];
    const header = ["start", "members", "sum Wh", "mean Wh", "deviation Wh", "state"];
    const lines = rows
      .filter(([, , obis]) => obis === channel)
      .map(([, start = "", , , , ...rest]) => [start, ...rest.map((cell) => (cell === "" ? "-" : cell))]);
    return [...(at > 0 ? [""] : []), `${groupId}, ${channel}`, ...table([header, ...lines])];
  });
}

/** The sums of the only group, or the totals and a line for each group. */
export function overview(results: readonly GroupResult[], totals: readonly Total[]): string[] {
  const groups = [...new Set(results.map(({ standing }) => standing.roster.groupId))];
  if (groups.length === 0) return ["no shares"];
  if (groups.length === 1) return [...groupTables(results), ""];
  const channels = [...new Set(totals.map(({ obis }) => obis))];
  const lines = channels.flatMap((channel) => [
    `all groups, ${channel}`,
    ...table([
      ["start", "meters", "groups", "sum Wh", "state"],
      ...totals.filter(({ obis }) => obis === channel).map(totalCells),
    ]),
    "",
  ]);
  return [...lines, ...table([["group", "members", ...STATES], ...groups.map(groupCells(results))]), ""];
}

const STATES = ["verified", "unverified", "repaired", "open"] as const;

function totalCells({ start_s, meters, groups, groupsWithout, sum_Wh, isVerified }: Total): string[] {
  const state = isVerified ? "verified" : groups > 0 ? "unverified" : "open";
  return [
    utc(start_s),
    `${meters}`,
    `${groups} of ${groups + groupsWithout}`,
    groups > 0 ? `${sum_Wh}` : "-",
    state,
  ];
}

const groupCells = (results: readonly GroupResult[]) => (groupId: string) => {
  const own = results.filter(isOfGroup(groupId));
  const members = Math.max(...own.map(({ standing }) => standing.members.length));
  return [
    groupId,
    `${members}`,
    ...STATES.map((one) => `${own.filter(({ state }) => state === one).length}`),
  ];
};

/**
 * What is not verified and why, or who is missing: a line for each run of intervals of which the same is to be said.
 * @param told what is said elsewhere.
 */
export function doubtLines(results: readonly GroupResult[], told: ReadonlySet<string>): string[] {
  const runs: { readonly first: GroupResult; last: GroupResult; readonly words: string }[] = [];
  for (const result of results) {
    const words = wordsOf(result);
    if (words === null || told.has(words)) continue;
    const run = runs.at(-1);
    const isNext = run?.last.standing === result.standing && run.last.interval === result.interval - 1;
    if (run && isNext && run.last.state === result.state && run.words === words) run.last = result;
    else runs.push({ first: result, last: result, words });
  }
  return runs.map(({ first: { start_s, standing, state }, last, words }) => {
    const end_s = last.start_s + standing.roster.intervalSeconds;
    return `  ${state}: ${standing.roster.groupId}, ${utc(start_s)} to ${utc(end_s)}: ${words}`;
  });
}

function wordsOf({ missing, reason }: GroupResult): string | null {
  if (missing.length === 0) return reason;
  const more = missing.length > NAMES_TOLD ? ` and ${missing.length - NAMES_TOLD} more` : "";
  return `without ${missing.slice(0, NAMES_TOLD).join(", ")}${more}`;
}
