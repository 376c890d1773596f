// sealmeter verify-bills: a supplier's check of all bills of a period, on all cores, without a reading.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Command } from "commander";
import type { BatchLedger } from "../src/proofs/ledger.js";
import { BillSet, type BillSetResult } from "../src/supplier/bill-set.js";
import type { SetTrust, Verdict } from "../src/supplier/verify-bills.js";
import { loadTariff, money } from "./bill.js";
import { billFiles, FileVerifier, portions } from "./bill-files.js";
import { ExitCode, print, progressBar, readHexKey, wholeNumber, writeFile } from "./command-line.js";
import { loadLedger } from "./verify-bill.js";

const JOBS_MAX = 256;
/** Refused bills that are listed for people; JSON lists all. */
const LISTED_MAX = 100;

interface Options {
  readonly tariff: string;
  readonly authority: string;
  readonly supplier?: string;
  readonly jobs: number;
  readonly seen?: string;
  readonly json?: boolean;
}

export function addVerifyBills(program: Command): void {
  program
    .command("verify-bills")
    .description("as the supplier: verify all bills of a folder, on all cores; no reading is seen")
    .argument("<folder>", "its *.cbor files are the bills")
    .requiredOption("--tariff <file>", "the signed tariff that they must be for")
    .requiredOption("--authority <file>", "the authority's public key")
    .option("--supplier <file>", "the supplier's public key, to check the tariff's signature")
    .option("--jobs <n>", "cores to use", wholeNumber(1, JOBS_MAX), availableParallelism())
    .option(
      "--seen <file>",
      "batches seen so far (JSON; made if missing): a second batch of a number is refused",
    )
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter verify-bills bills --tariff tariff.cbor --authority out/home/authority.pub --seen seen.json",
    )
    .action(runVerifyBills);
}

async function runVerifyBills(folder: string, options: Options): Promise<void> {
  const tariff = loadTariff(options.tariff, options.supplier);
  const trust = { authorityKey: readHexKey(options.authority), tariff };
  const { seen } = options;
  const ledger = loadLedger(seen);
  const names = billFiles(folder);
  const result = await new FolderCheck(folder, names, ledger).run(trust, options.jobs);
  // What the bills have shown is remembered before anything is said of them.
  if (seen !== undefined) writeFile(seen, `${JSON.stringify(ledger)}\n`);
  const { currency } = tariff.tariff;
  print(options.json, jsonOf(result, currency), linesOf(result, currency));
  if (result.refused.length > 0) process.exitCode = ExitCode.REFUSED;
}

const jsonOf = ({ verified, readings, total, overlaps, refused }: BillSetResult, currency: string) => ({
  verified,
  readings,
  nanoCurrency: { [currency]: `${total}` },
  overlaps,
  refused,
});

function linesOf(
  { verified, readings, total, overlaps, refused }: BillSetResult,
  currency: string,
): string[] {
  const listed = refused.slice(0, LISTED_MAX).map(({ name, reason }) => `refused: ${name}: ${reason}`);
  const more = refused.length - listed.length;
  return [
    ...listed,
    ...(more > 0 ? [`refused: ${more} more (--json lists all)`] : []),
    `verified: ${verified} bills of ${money(total, currency)} together`,
    `  ${readings} readings went into them; none was seen`,
    ...overlaps.slice(0, LISTED_MAX).map(({ name, other }) => `  counted twice: ${name} overlaps ${other}`),
    ...(overlaps.length > LISTED_MAX ? [`  counted twice: ${overlaps.length - LISTED_MAX} more`] : []),
    ...(refused.length > 0 ? [`  ${refused.length} bills are refused`] : []),
  ];
}

/** Hands out portions of a folder's bills to workers, and gathers what they find. */
class FolderCheck {
  readonly #folder: string;
  readonly #total: number;
  readonly #portions: Generator<readonly string[]>;
  readonly #set: BillSet;
  readonly #bar = progressBar("verifying bills");
  #done = 0;

  constructor(folder: string, names: readonly string[], ledger: BatchLedger) {
    this.#folder = folder;
    this.#total = names.length;
    this.#portions = portions(folder, names);
    this.#set = new BillSet(ledger);
  }

  /** With one job no worker is started. */
  async run(trust: SetTrust, jobs: number): Promise<BillSetResult> {
    try {
      if (jobs === 1) this.#workHere(new FileVerifier(trust));
      else await Promise.all(Array.from({ length: jobs }, () => this.#work(trust)));
    } finally {
      this.#bar.stop();
    }
    return this.#set.result();
  }

  #pathsOf = (names: readonly string[]) => names.map((name) => join(this.#folder, name));

  #workHere(verifier: FileVerifier): void {
    for (const names of this.#portions) this.#take(names, verifier.verify(this.#pathsOf(names)));
  }

  #work(trust: SetTrust): Promise<void> {
    const first = this.#portions.next();
    if (first.done) return Promise.resolve();
    const worker = new Worker(new URL("./verify-bills-worker.mjs", import.meta.url), { workerData: trust });
    let names = first.value;
    return new Promise((resolve, reject) => {
      worker.on("error", reject);
      worker.on("message", (verdicts: readonly Verdict[]) => {
        this.#take(names, verdicts);
        const next = this.#portions.next();
        if (next.done) return void worker.terminate().then(() => resolve());
        names = next.value;
        worker.postMessage(this.#pathsOf(names));
      });
      worker.postMessage(this.#pathsOf(names));
    });
  }

  #take(names: readonly string[], verdicts: readonly Verdict[]): void {
    for (const [at, verdict] of verdicts.entries()) this.#set.add(names[at] ?? "", verdict);
    this.#done += names.length;
    this.#bar.update(this.#done, this.#total);
  }
}
