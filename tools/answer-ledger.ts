// What commands that answer for a customer share: the disclosure ledger is asked before an answer is written, and
// told of it; without one, the answer is looked at by itself.
import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { Answer } from "../src/customer/answers.js";
import type { CheckedMeter } from "../src/customer/check.js";
import { DisclosureLedger, type Findings, refusalOf } from "../src/customer/disclosure-ledger.js";
import { readingsOf } from "../src/customer/unknowns.js";
import { FileMode, inFile, readJson, UsageError, writeFile } from "./command-line.js";

export interface LedgerOptions {
  readonly ledger?: string;
  readonly asker?: string;
  readonly confirm?: boolean;
}

/** Who gets an answer if nobody is named. */
const SUPPLIER = "supplier";

export const withLedger = (command: Command) =>
  command
    .option(
      "--ledger <file>",
      "the customer's answers so far (JSON; made if missing): refuses what gives a reading away",
    )
    .option("--asker <name>", `who gets the answer, for the ledger (default: ${SUPPLIER})`)
    .option("--confirm", "answer and record it, whatever the ledger says");

/** What to tell the customer of an answer. */
export interface Disclosure {
  readonly json: {
    readonly pinned: number;
    readonly pinnedTogether: number;
    readonly reasons: readonly string[];
    readonly warnings: readonly string[];
  };
  readonly lines: readonly string[];
}

/**
 * Settles that an answer may be given, and has it in the ledger before it is.
 * @throws VerificationError when the ledger refuses it; UsageError or FormatError for a ledger that is none.
 */
export function settleAnswer(
  meter: CheckedMeter,
  answerTo: (asker: string) => Answer,
  { ledger: path, asker = SUPPLIER, confirm }: LedgerOptions,
): Disclosure {
  const [answer, readingAt] = [answerTo(asker), readingsOf(meter)];
  if (path === undefined) {
    if (confirm) throw new UsageError("--confirm needs a --ledger");
    return disclosureOf(DisclosureLedger.of(meter, undefined).consider(answer, readingAt));
  }
  const stored = existsSync(path) ? readJson(path) : undefined;
  const ledger = inFile(path, () => DisclosureLedger.of(meter, stored));
  const findings = confirm ? ledger.recordConfirmed(answer, readingAt) : ledger.record(answer, readingAt);
  writeFile(path, `${JSON.stringify(ledger)}\n`, FileMode.SECRET);
  return disclosureOf(findings);
}

function disclosureOf(findings: Findings): Disclosure {
  const { asker, together, reasons, warnings } = findings;
  const refusal = refusalOf(findings);
  return {
    json: { pinned: asker.pinnedCount, pinnedTogether: together.pinnedCount, reasons, warnings },
    lines: [...(refusal === null ? [] : [refusal]), ...warnings].map((text) => `warning: ${text}`),
  };
}
