// sealmeter verify-reading: one disclosed reading, checked with the authority's public key and nothing else.
import type { Command } from "commander";
import { verifyDisclosedReading } from "../src/proofs/disclosed-reading.js";
import { inFile, print, readFile, readHexKey, utc } from "./command-line.js";

/** A disclosed reading is two signed documents and a path of at most ten nodes. */
const DISCLOSED_BYTES_MAX = 4096;

export function addVerifyReading(program: Command): void {
  program
    .command("verify-reading")
    .description("check a disclosed reading end to end, with public keys only")
    .argument("<file>", "the disclosed reading")
    .requiredOption("--authority <file>", "the authority's public key")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter verify-reading reading.cbor --authority out/home/authority.pub",
    )
    .action(runVerifyReading);
}

function runVerifyReading(
  file: string,
  options: { readonly authority: string; readonly json?: boolean },
): void {
  const [disclosed, authorityKey] = [readFile(file, DISCLOSED_BYTES_MAX), readHexKey(options.authority)];
  const proven = inFile(file, () => verifyDisclosedReading(disclosed, authorityKey));
  const { meterId, obis, interval, start_s, intervalSeconds, reading, status, batch } = proven;
  const batchNumber = batch.statement.batchNumber;
  const [from, to] = [utc(start_s), utc(start_s + intervalSeconds)];
  const result = { meterId, obis, interval, from, to, reading, status, batchNumber };
  print(options.json, result, [
    `proved: meter ${meterId} measured ${reading} Wh on ${obis} from ${from} to ${to} (status ${status})`,
    `sealed in batch ${batchNumber}, certified by the authority`,
  ]);
}
