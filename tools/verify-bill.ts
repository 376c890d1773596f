// sealmeter verify-bill: the supplier's check of a bill, without a reading.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { BILL_BYTES_MAX } from "../src/proofs/billed-period.js";
import { BatchLedger } from "../src/proofs/ledger.js";
import { type SupplierTrust, verifyBill } from "../src/supplier/verify-bill.js";
import { billTable, linesJson, loadTariff } from "./bill.js";
import { FILES_MAX } from "./bill-files.js";
import { inFile, print, readFile, readHexKey, readJson, utc, writeFile } from "./command-line.js";

interface Options {
  readonly tariff: string;
  readonly authority: string;
  readonly supplier?: string;
  readonly seen?: string;
  readonly json?: boolean;
}

export function addVerifyBill(program: Command): void {
  program
    .command("verify-bill")
    .description("as the supplier: verify a bill; no reading is seen")
    .argument("<file>", "the bill")
    .requiredOption("--tariff <file>", "the signed tariff that it must be for")
    .requiredOption("--authority <file>", "the authority's public key")
    .option("--supplier <file>", "the supplier's public key, to check the tariff's signature")
    .option(
      "--seen <file>",
      "batches seen so far (JSON; made if missing): a second batch of a number is refused",
    )
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter verify-bill bill.cbor --tariff tariff.cbor --authority out/home/authority.pub --seen seen.json",
    )
    .action(runVerifyBill);
}

/** Most batches that are remembered: 32 of each bill of a full folder. */
const BATCHES_MAX = 32 * FILES_MAX;
/** Bytes of a batch in the file at most; that of all of them stays below V8's longest text, of 2^29 characters. */
const BATCH_BYTES_MAX = 192;

/** The supplier's memory in a file, which may be longer than others; an empty one where there is none. */
export function loadLedger(path: string | undefined): BatchLedger {
  if (path === undefined || !existsSync(path)) return new BatchLedger(BATCHES_MAX);
  const stored = readJson(path, BATCHES_MAX * BATCH_BYTES_MAX);
  return inFile(path, () => BatchLedger.fromJSON(stored, BATCHES_MAX));
}

function runVerifyBill(file: string, options: Options): void {
  const signed = loadTariff(options.tariff, options.supplier);
  const ledger = loadLedger(options.seen);
  const bytes = readFile(file, BILL_BYTES_MAX);
  const trust = { authorityKey: readHexKey(options.authority), tariff: signed, ledger };
  const verified = checkBill(file, bytes, trust, options.seen);
  const { meterId, from, to, intervalSeconds, readings, absentIntervals, lines } = verified;
  const [begin, end] = [utc(from * intervalSeconds), utc(to * intervalSeconds)];
  const result = { meterId, from: begin, to: end, readings, absentIntervals, nanoCurrency: linesJson(lines) };
  print(options.json, result, [
    `verified: ${meterId} owes for ${begin} to ${end}, "${signed.tariff.name}"`,
    ...billTable(signed.tariff, lines),
    `  ${readings} readings went into it; none was seen`,
    ...(absentIntervals > 0 ? [`  ${absentIntervals} intervals without power`] : []),
  ]);
}

/** What the bill has shown is remembered before anything is said of it, and above all when it is refused. */
function checkBill(file: string, bytes: Uint8Array, trust: SupplierTrust, seen: string | undefined) {
  try {
    return inFile(file, () => verifyBill(bytes, trust));
  } finally {
    if (seen !== undefined) writeFile(seen, `${JSON.stringify(trust.ledger)}\n`);
  }
}
