// sealmeter check: the customer's check of everything that a meter has sent.
import type { Command } from "commander";
import { kWh, print, table, utc } from "./command-line.js";
import { type CheckSources, checkDirectory } from "./meter-directory.js";

interface Options extends CheckSources {
  readonly json?: boolean;
}

export function addCheck(program: Command): void {
  program
    .command("check")
    .description(
      "as the customer: verify certificate, pairing, signatures, chain and events, open every reading",
    )
    .argument("<meterdir>", "the meter's folder")
    .requiredOption("--key <file>", "the customer's file")
    .requiredOption("--authority <file>", "the authority's public key")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter check out/home/SM-0001 --key out/home/customer/SM-0001.json --authority out/home/authority.pub",
    )
    .action(runCheck);
}

function runCheck(directory: string, options: Options): void {
  const checked = checkDirectory(directory, options);
  const { certificate, batches, otherBatches, totals_Wh, provisional, gaps, events, sealedEvents } = checked;
  const { meterId, channels, intervalSeconds } = certificate;
  const intervals = batches.reduce((sum, { statement }) => sum + statement.intervalCount, 0);
  const gapTimes = gaps.map(({ first, last }) => ({
    from: utc(first * intervalSeconds),
    to: utc((last + 1) * intervalSeconds),
  }));
  const result = {
    meterId,
    batches: batches.length,
    batchesOfOtherEpochs: otherBatches.length,
    intervals,
    provisionalIntervals: provisional.length,
    gaps: gapTimes,
    events: events.length,
    sealedEvents,
    totals_Wh: Object.fromEntries(channels.map((obis, at) => [obis, totals_Wh[at] ?? 0])),
  };
  print(options.json, result, [
    `${meterId}: every signature, commitment and event checks out`,
    `  ${batches.length} batches, ${intervals} intervals of ${intervalSeconds} s, ${events.length} events`,
    ...(provisional.length > 0 ? [`  ${provisional.length} intervals are not sealed yet`] : []),
    ...(otherBatches.length > 0
      ? [`  ${otherBatches.length} batches belong to other epochs: signed, not opened`]
      : []),
    ...gapTimes.map(({ from, to }) => `  no power from ${from} to ${to}`),
    ...table(channels.map((obis, at) => [`  ${obis}`, `${kWh(totals_Wh[at] ?? 0)} kWh`])),
  ]);
}
