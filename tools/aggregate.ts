// sealmeter aggregate: the group management server's sums over a street, from what its meters have sent.
import type { Command } from "commander";
import { Collector, SPAN_MAX_S, type Span } from "../src/aggregation/collector.js";
import { type GroupResult, resultsOf, type Total, totalsOf } from "../src/aggregation/results.js";
import type { Rosters } from "../src/aggregation/rosters.js";
import { Seals } from "../src/aggregation/seals.js";
import { decodeShares } from "../src/aggregation/share.js";
import { VerificationError } from "../src/proofs/signed.js";
import { MEMBERS_MAX } from "../src/trusted/blinding/roster.js";
import { FormatError } from "../src/trusted/encoding/bytes.js";
import { DAY_SECONDS, intervalStart_s } from "../src/trusted/metrology/interval.js";
import { calendarDate, ExitCode, print, progressBar, UsageError, utc, writeFile } from "./command-line.js";
import { readBatches, readShares, readStreet, type Street, trustIn } from "./street-directory.js";
import { drawStreet } from "./street-picture.js";
import { csvOf, doubtLines, groupTables, isOfGroup, overview } from "./street-tables.js";

/** Shares that are held at a time; 680 MB with all statistics of two channels. */
const SHARES_MAX = 2 ** 22;
/** Refusals that are told one by one. */
const REFUSALS_TOLD = 100;

interface Options {
  readonly date?: string;
  readonly group?: string;
  readonly revocation?: string;
  readonly csv?: string;
  readonly svg?: string;
  readonly json?: boolean;
}

/** What became of the messages. */
interface Received {
  readonly kept: number;
  readonly duplicates: number;
  /** Of rosters that their meters' next ones have ended. */
  readonly ended: number;
  /** At most 100 reasons; a reason once a meter. */
  readonly refused: readonly { readonly meterId: string; readonly reason: string }[];
  readonly refusedCount: number;
}

export function addAggregate(program: Command): void {
  program
    .command("aggregate")
    .description("as the group management server: sum up a street's shares; no reading is seen")
    .argument("<dir>", "the street's folder")
    .option("--date <yyyy-mm-dd>", "only this UTC day", calendarDate)
    .option("--group <id>", "of several groups, print this one's sums instead of the totals")
    .option("--revocation <file>", "the authority's newest revocation")
    .option("--csv <file>", "write the sums of all groups as comma-separated values")
    .option("--svg <file>", "draw the curve of the totals")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExit code 1: something was refused or shown to be false.\n\nExample:\n  $ sealmeter aggregate out/street --date 2026-01-02 --csv sums.csv --svg street.svg",
    )
    .action(runAggregate);
}

function runAggregate(directory: string, options: Options): void {
  const street = readStreet(directory, options.revocation ?? null);
  const { rosters } = street;
  const collector = new Collector(rosters, spanOf(rosters, options.date), SHARES_MAX);
  const received = receive(street, collector);
  const seals = checkSeals(street, collector);
  const results = sumAll(rosters, collector, seals);
  const totals = totalsOf(results);
  const faults = seals.faults.map(({ meterId, reason, isFalse }) => ({ meterId, reason, isFalse }));
  const chosen = options.group === undefined ? null : results.filter(isOfGroup(options.group));
  if (chosen?.length === 0) throw new UsageError(`no sums of a group ${options.group}`);
  if (options.csv !== undefined) writeFile(options.csv, csvOf(results));
  if (options.svg !== undefined) writeFile(options.svg, picture(results, totals));
  const falsehoods = [...new Set(results.flatMap((result) => result.falsehoods))];
  print(options.json, { ...jsonOf(results, totals), received, faults, falsehoods }, [
    ...(chosen ? [...groupTables(chosen), ""] : overview(results, totals)),
    ...doubtLines(chosen ?? results, new Set([...falsehoods, ...faults.map(({ reason }) => reason)])),
    ...faults.map(({ reason }) => `  unsealed: ${reason}`),
    ...falsehoods.map((reason) => `  false: ${reason}`),
    ...receivedLines(received),
  ]);
  const isFalse = falsehoods.length > 0 || faults.some((fault) => fault.isFalse);
  if (isFalse || received.refusedCount > 0) process.exitCode = ExitCode.REFUSED;
}

/** One day, or from the first roster's first interval on as long as can be. */
function spanOf(rosters: Rosters, date: string | undefined): Span {
  if (date !== undefined) {
    const from_s = Date.parse(`${date}T00:00:00Z`) / 1000;
    return { from_s, to_s: from_s + DAY_SECONDS };
  }
  const starts_s = rosters.standing.map(({ roster }) =>
    intervalStart_s(roster.firstInterval, roster.intervalSeconds),
  );
  const from_s = starts_s.reduce((first, start_s) => Math.min(first, start_s), Number.MAX_SAFE_INTEGER);
  return { from_s, to_s: from_s + SPAN_MAX_S };
}

/** Runs work over each of these with a bar. */
function withBar<T>(label: string, items: readonly T[], work: (item: T) => void): void {
  const bar = progressBar(label);
  try {
    for (const [at, item] of items.entries()) {
      work(item);
      bar.update(at + 1, items.length);
    }
  } finally {
    bar.stop();
  }
}

/** Hands every meter's messages to the collector; what it refuses is told and harms nobody else. */
function receive(street: Street, collector: Collector): Received {
  const counts = { kept: 0, duplicate: 0, ended: 0, outside: 0 };
  const refused: { meterId: string; reason: string }[] = [];
  let refusedCount = 0;
  const attempt = (meterId: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof VerificationError)) throw error;
      refusedCount++;
      if (refused.length < REFUSALS_TOLD) refused.push({ meterId, reason: error.message });
    }
  };
  withBar("reading shares", street.meterIds, (meterId) =>
    attempt(meterId, () => {
      for (const share of decodeShares(readShares(street, meterId))) {
        if (collector.room < MEMBERS_MAX)
          throw new UsageError(`more than ${SHARES_MAX} shares: choose a --date`);
        attempt(meterId, () => {
          counts[collector.addShare(share, meterId)]++;
        });
      }
    }),
  );
  return { kept: counts.kept, duplicates: counts.duplicate, ended: counts.ended, refused, refusedCount };
}

/** Checks which shares each member's batches seal. */
function checkSeals(street: Street, collector: Collector): Seals {
  const seals = new Seals(street.rosters, collector);
  const sealing = [...street.members.values()].filter(({ meterId }) =>
    street.rosters.of(meterId).some(({ layout }) => layout.openings !== null),
  );
  withBar("checking batches", sealing, (member) =>
    seals.addBatches(trustIn(street, member), readBatches(street, member.meterId)),
  );
  return seals;
}

function sumAll(rosters: Rosters, collector: Collector, seals: Seals): GroupResult[] {
  const bar = progressBar("summing up");
  try {
    return resultsOf(rosters, collector, seals, bar.update);
  } finally {
    bar.stop();
  }
}

function receivedLines({ kept, duplicates, ended, refused, refusedCount }: Received): string[] {
  return [
    ...refused.map(({ meterId, reason }) => `  refused, sent by ${meterId}: ${reason}`),
    ...(refusedCount > refused.length ? [`  refused: ${refusedCount - refused.length} more`] : []),
    `${kept} shares, ${duplicates} copies, ${ended} of rosters that were over, ${refusedCount} refused`,
  ];
}

function jsonOf(results: readonly GroupResult[], totals: readonly Total[]) {
  const intervals = results.map(({ standing, kept, channels, ...result }) => ({
    interval: result.interval,
    start: utc(result.start_s),
    group: kept.roster.groupId,
    roster: kept.roster.rosterNumber,
    members: channels ? kept.members.length : standing.members.length,
    state: result.state,
    status: result.statusUnion,
    channels: channels && Object.fromEntries(kept.roster.channels.map((obis, at) => [obis, channels[at]])),
    missing: result.missing,
    reason: result.reason,
  }));
  const sums = totals.map(({ start_s, obis, ...total }) => ({
    start: utc(start_s),
    channel: obis,
    ...total,
  }));
  return { intervals, totals: sums };
}

/** @throws UsageError if there is nothing to draw. */
function picture(results: readonly GroupResult[], totals: readonly Total[]): string {
  const [first, last] = [totals[0], totals.at(-1)];
  if (!first || !last) throw new UsageError("there is no sum to draw");
  const intervalSeconds = Math.min(
    ...new Set(results.map(({ standing }) => standing.roster.intervalSeconds)),
  );
  const channels = [...new Set(totals.map(({ obis }) => obis))];
  const meters = totals.reduce((most, total) => Math.max(most, total.meters), 0);
  const [from = "", to = ""] = [first, last].map(({ start_s }) => utc(start_s).slice(0, 10));
  return drawStreet({
    title: `${meters} meters together, ${from === to ? from : `${from} to ${to}`} UTC: no reading was seen`,
    intervalSeconds,
    lines: channels.map((label) => ({
      label,
      totals: totals
        .filter(({ obis }) => obis === label)
        .map((total) => ({ ...total, isPartial: total.groupsWithout > 0 })),
    })),
  });
}
