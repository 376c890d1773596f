// sealmeter bill: the customer's bill of a period with its proof, computed on their own device.
import type { Command } from "commander";
import { billAnswer } from "../src/customer/answers.js";
import { makeBill } from "../src/customer/bill.js";
import { fastArithmetic } from "../src/proofs/arithmetic.js";
import { withHints } from "../src/proofs/bill-hints.js";
import type { Proving } from "../src/proofs/general-bill.js";
import { fastGroup } from "../src/proofs/group/wasm.js";
import { encodeProvedBill } from "../src/proofs/proved-bill.js";
import { readTariff, type SignedTariff, type Tariff } from "../src/tariff/document.js";
import type { BillLines } from "../src/tariff/evaluate.js";
import { verifyTariff } from "../src/tariff/signed-tariff.js";
import { type LedgerOptions, settleAnswer, withLedger } from "./answer-ledger.js";
import {
  calendarDate,
  inFile,
  print,
  readFile,
  readHexKey,
  table,
  UsageError,
  utc,
  writeFile,
} from "./command-line.js";
import { entropy } from "./entropy.js";
import { type CheckSources, checkDirectory } from "./meter-directory.js";

interface Options extends CheckSources, LedgerOptions {
  readonly tariff: string;
  readonly supplier?: string;
  readonly from: string;
  readonly to: string;
  readonly out: string;
  readonly hints?: boolean;
  readonly json?: boolean;
}

export function addBill(program: Command): void {
  withLedger(program.command("bill"))
    .description("as the customer: compute the bill of a period and prove it")
    .argument("<meterdir>", "the meter's folder")
    .requiredOption("--key <file>", "the customer's file")
    .option("--authority <file>", "the authority's public key (default: authority.pub beside <meterdir>)")
    .requiredOption("--tariff <file>", "the signed tariff")
    .option("--supplier <file>", "the supplier's public key, to check the tariff's signature")
    .requiredOption("--from <date>", "first local day of the period", calendarDate)
    .requiredOption("--to <date>", "first local day after the period", calendarDate)
    .requiredOption("--out <file>", "where the bill goes")
    .option(
      "--hints",
      "add what saves the supplier time: a bill of almost three times the bytes, no less private",
    )
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter bill out/home/SM-0001 --key out/home/customer/SM-0001.json --tariff tariff.cbor \\\n" +
        "      --from 2026-01-02 --to 2026-01-31 --out bill.cbor",
    )
    .action(runBill);
}

/** The tariff of a file; its signature is checked when the supplier's key is given. */
export function loadTariff(path: string, supplierKeyPath: string | undefined): SignedTariff {
  const document = readFile(path);
  const supplierKey = supplierKeyPath === undefined ? null : readHexKey(supplierKeyPath);
  return inFile(path, () => (supplierKey ? verifyTariff(document, supplierKey) : readTariff(document)));
}

const NANO = 1_000_000_000n;

/** Nano-currency in whole currency with six decimals, rounded half away from zero. */
export function money(nano: bigint, currency: string): string {
  const micro = ((nano < 0n ? -nano : nano) + 500n) / 1000n;
  const sign = nano < 0n && micro > 0n ? "-" : "";
  const whole = (micro * 1000n) / NANO;
  return `${sign}${whole}.${`${micro % 1_000_000n}`.padStart(6, "0")} ${currency}`;
}

/** The lines of a bill for people. */
export function billTable({ currency, levies }: Tariff, lines: BillLines): string[] {
  return table([
    ["energy, feed-in subtracted", money(lines.energy, currency)],
    ["standing charge", money(lines.standing, currency)],
    ...levies.map(({ name }, at) => [name, money(lines.levies[at] ?? 0n, currency)]),
    ["VAT", money(lines.vat, currency)],
    ["total", money(lines.total, currency)],
  ]).map((line) => `  ${line}`);
}

/** The amounts as JSON: decimal strings of nano-currency. */
export const linesJson = ({ energy, standing, levies, vat, total }: BillLines) => ({
  energy: `${energy}`,
  standing: `${standing}`,
  levies: levies.map(String),
  vat: `${vat}`,
  total: `${total}`,
});

/** What general bills are proved with. */
export const proving = (): Proving => ({
  group: fastGroup(),
  entropy,
});

function runBill(directory: string, options: Options): void {
  const { from, to } = options;
  // Dates of this form stand in the order of their texts.
  if (from >= to) throw new UsageError(`--from ${from} is not before --to ${to}`);
  const signed = loadTariff(options.tariff, options.supplier);
  const checked = checkDirectory(directory, options);
  const { intervalSeconds, meterId } = checked.certificate;
  if (signed.tariff.charge && !options.json) process.stdout.write("proving; this takes seconds ...\n");
  const bill = makeBill(checked, checked.certificateDocument, signed, { from, to }, proving());
  const { group } = fastArithmetic();
  const bytes = encodeProvedBill(options.hints ? withHints(bill, group) : bill);
  const disclosure = settleAnswer(checked, (asker) => billAnswer(asker, checked, signed, bill), options);
  writeFile(options.out, bytes);
  const [begin, end] = [utc(bill.from * intervalSeconds), utc(bill.to * intervalSeconds)];
  const amounts = { nanoCurrency: linesJson(bill.lines), bytes: bytes.length };
  const result = { meterId, from: begin, to: end, ...amounts, disclosure: disclosure.json };
  print(options.json, result, [
    `bill of ${meterId} from ${begin} to ${end}, "${signed.tariff.name}"`,
    ...billTable(signed.tariff, bill.lines),
    `proved over ${bill.batches.length} batches; ${bytes.length} bytes in ${options.out}`,
    ...disclosure.lines,
  ]);
}
