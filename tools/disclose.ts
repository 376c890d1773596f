// sealmeter disclose: the customer opens one reading for somebody, and no other.
import type { Command } from "commander";
import { readingAnswer } from "../src/customer/answers.js";
import { isCertified } from "../src/proofs/batch.js";
import { makeDisclosedReading } from "../src/proofs/disclosed-reading.js";
import { type LedgerOptions, settleAnswer, withLedger } from "./answer-ledger.js";
import { print, UsageError, wholeNumber, writeFile } from "./command-line.js";
import { type CheckSources, checkDirectory } from "./meter-directory.js";

interface Options extends CheckSources, LedgerOptions {
  readonly interval: number;
  readonly channel: number;
  readonly out: string;
  readonly json?: boolean;
}

export function addDisclose(program: Command): void {
  withLedger(program.command("disclose"))
    .description("as the customer: open one sealed reading for anyone to verify")
    .argument("<meterdir>", "the meter's folder")
    .requiredOption("--key <file>", "the customer's file")
    .option("--authority <file>", "the authority's public key (default: authority.pub beside <meterdir>)")
    .requiredOption("--interval <i>", "interval index", wholeNumber(0, 0xffffffff))
    .requiredOption("--channel <c>", "channel number, from 0", wholeNumber(0, 7))
    .requiredOption("--out <file>", "where the disclosed reading goes")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter disclose out/home/SM-0001 --key out/home/customer/SM-0001.json \\\n" +
        "      --interval 981793 --channel 0 --out reading.cbor",
    )
    .action(runDisclose);
}

function runDisclose(directory: string, options: Options): void {
  const { interval, channel, out } = options;
  const checked = checkDirectory(directory, options);
  const { batches, certificate, renewals, certificateDocument } = checked;
  const batch = batches.find(({ intervals }) => intervals.some((opened) => opened.interval === interval));
  const opened = batch?.intervals.find((candidate) => candidate.interval === interval);
  const [reading, opening] = [opened?.readings[channel], opened?.openings[channel]];
  if (!batch || !opened) throw new UsageError(`--interval ${interval}: is in no sealed batch`);
  if (reading === undefined || opening === undefined)
    throw new UsageError(`--channel ${channel}: the meter has ${certificate.channels.length} channels`);
  const renewal = renewals.find((one) => isCertified(batch.statement, one.certificate));
  const leafIndex = (interval - batch.statement.firstInterval) * certificate.channels.length + channel;
  const disclosed = makeDisclosedReading({
    certificate: renewal?.document ?? certificateDocument,
    batch: batch.document,
    leaves: batch.leafBytes,
    leafIndex,
    reading,
    opening,
  });
  const disclosure = settleAnswer(checked, (asker) => readingAnswer(asker, channel, interval), options);
  writeFile(out, disclosed);
  const { meterId } = certificate;
  const bytes = disclosed.length;
  const result = { meterId, interval, channel, reading, bytes, disclosure: disclosure.json };
  print(options.json, result, [
    `reading ${reading} of ${certificate.channels[channel]} in interval ${interval}, opened for whoever gets ${out}`,
    ...disclosure.lines,
  ]);
}
