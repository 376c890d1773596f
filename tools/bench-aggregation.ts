// sealmeter bench-aggregation: how fast one core sums up ten thousand meters, and verifies a day of them.
import type { Command } from "commander";
import { ModelStreet } from "../host-sim/model-street.js";
import { Collector } from "../src/aggregation/collector.js";
import { formGroups } from "../src/aggregation/enrolment.js";
import { resultsOf } from "../src/aggregation/results.js";
import type { KeptRoster } from "../src/aggregation/rosters.js";
import { Seals } from "../src/aggregation/seals.js";
import { decodeShare } from "../src/aggregation/share.js";
import { sumUp } from "../src/aggregation/sums.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { type Figure, milliseconds } from "./bench-figures.js";
import { print, progressBar, table, wholeNumber } from "./command-line.js";

const METERS = 10_000;
const GROUPS = 79;
const INTERVAL_S = 900;
const ROUNDS = 5;

export function addBenchAggregation(program: Command): void {
  program
    .command("bench-aggregation")
    .description("measure and print how fast a street's shares are summed up and verified")
    .option("--groups <n>", "of 79 groups, those whose day is verified", wholeNumber(1, GROUPS), 1)
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter bench-aggregation --groups 2")
    .action(runBench);
}

function runBench({ groups, json }: { readonly groups: number; readonly json?: boolean }): void {
  const figures = [...benchInterval(), ...benchDay(groups)];
  print(json, figures, table(figures.map(({ name, value }) => [name, value])));
}

/** The median of several rounds, of which the first warms the engine up. */
function median(work: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => milliseconds(work)).sort((a, b) => a - b);
  return times[Math.floor(ROUNDS / 2)] ?? 0;
}

const spanOf = (street: ModelStreet) => ({
  from_s: street.firstDay * DAY_SECONDS,
  to_s: (street.firstDay + 1) * DAY_SECONDS,
});

/** Groups of a street as large as those of ten thousand meters. */
function groupsOf(street: ModelStreet): KeptRoster[] {
  const bounds = { target: 127, minimum: 40 };
  return formGroups(street.meters, bounds).map((members, at) =>
    street.stand({ groupId: `group-${at}`, members }),
  );
}

/** One interval of all meters with statistic 1: messages made, taken apart, collected and added up. */
function benchInterval(): Figure[] {
  const street = new ModelStreet({ meters: METERS, intervalSeconds: INTERVAL_S, statistics: [1] });
  const groups = groupsOf(street);
  const interval = street.firstOf(0);
  const messages = groups.flatMap((kept) =>
    kept.members.map(({ meterId }, at) => ({ meterId, message: street.shareOf(kept, at, interval) })),
  );
  const shares = messages.map(({ message }) => decodeShare(message));
  let sum_Wh = 0;
  const sumAll = (collector: Collector) => {
    sum_Wh = 0;
    for (const kept of groups) {
      const tally = collector.tally(kept, interval);
      if (tally) sum_Wh += sumUp(tally)[0]?.sum_Wh ?? 0;
    }
  };
  const fromMessages = median(() => {
    const collector = new Collector(street.rosters, spanOf(street));
    for (const { message, meterId } of messages) collector.add(message, meterId);
    sumAll(collector);
  });
  const fromShares = median(() => {
    const collector = new Collector(street.rosters, spanOf(street));
    for (const share of shares) collector.addShare(share, share.meterId);
    sumAll(collector);
  });
  return [
    {
      name: `${METERS} meters in ${groups.length} groups, statistic 1, an interval from messages`,
      value: `${fromMessages.toFixed(0)} ms`,
    },
    { name: "  from shares that were taken apart", value: `${fromShares.toFixed(0)} ms` },
    {
      name: "  shares a second on one core, from messages",
      value: ((1000 * METERS) / fromMessages).toFixed(0),
    },
    { name: "  their sum", value: `${sum_Wh} Wh` },
  ];
}

/** A day of so many groups with all statistics: roots rebuilt, signatures checked, sums opened. */
function benchDay(count: number): Figure[] {
  const meters = Math.round((METERS * count) / GROUPS);
  const street = new ModelStreet({ meters, intervalSeconds: INTERVAL_S });
  const groups = groupsOf(street);
  const collector = new Collector(street.rosters, spanOf(street));
  const seals = new Seals(street.rosters, collector);
  let collect_ms = 0;
  const bar = progressBar("making shares");
  for (const [at, kept] of groups.entries()) {
    for (let interval = street.firstOf(0); interval < street.firstOf(1); interval++) {
      const messages = kept.members.map((_, member) => street.shareOf(kept, member, interval));
      collect_ms += milliseconds(() => {
        for (const [member, message] of messages.entries())
          collector.add(message, kept.members[member]?.meterId ?? "");
      });
    }
    bar.update(at + 1, groups.length);
  }
  bar.stop();
  const batches = street.meters.map((_, meter) => street.batchesOf(meter, 1));
  const seal_ms = milliseconds(() => {
    for (const [meter, { certificate }] of street.meters.entries()) {
      seals.addBatches({ certificate, revocation: null }, batches[meter] ?? []);
    }
  });
  let verified = 0;
  const sum_ms = milliseconds(() => {
    const results = resultsOf(street.rosters, collector, seals);
    verified = results.filter(({ state }) => state === "verified").length;
  });
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} CPU s`;
  const all_ms = collect_ms + seal_ms + sum_ms;
  return [
    {
      name: `a day of ${meters} meters in ${groups.length} groups at ${INTERVAL_S} s, all statistics: sums verified`,
      value: `${verified}`,
    },
    { name: "  messages taken apart and collected", value: seconds(collect_ms) },
    { name: "  roots rebuilt, signatures checked", value: seconds(seal_ms) },
    { name: "  commitments added and opened, sums", value: seconds(sum_ms) },
    { name: "  together", value: seconds(all_ms) },
    ...(count < GROUPS
      ? [
          {
            name: `  times ${METERS} / ${meters}, for ${METERS} meters (not run)`,
            value: seconds((all_ms * METERS) / meters),
          },
        ]
      : []),
    { name: "  memory of the process", value: `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB` },
  ];
}
