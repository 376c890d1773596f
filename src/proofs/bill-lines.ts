// What every bill's lines have to be, whatever proves their total: bounded, and such as follow from it.
import type { Tariff } from "../tariff/document.js";
import { type BillLines, billLines } from "../tariff/evaluate.js";
import { ensure } from "./signed.js";

const TOTAL_LIMIT = 2n ** 80n;

/**
 * What keeps T from being another number of the same class modulo l.
 * @throws VerificationError unless |T| < 2^80.
 */
export function checkTotal({ energy }: BillLines): void {
  ensure(energy < TOTAL_LIMIT && energy > -TOTAL_LIMIT, "the total is 2^80 nano-currency or more");
}

/**
 * @param days standing days of the period.
 * @throws VerificationError if any line is not what the tariff makes of T.
 */
export function checkLines(lines: BillLines, tariff: Tariff, days: number): void {
  const isSame = allOf(lines).join() === allOf(billLines(tariff, lines.energy, days)).join();
  ensure(isSame, "the lines do not follow from the total");
}

/** T, standing charge, levies, VAT and total. */
export const allOf = ({ energy, standing, levies, vat, total }: BillLines): bigint[] => [
  energy,
  standing,
  ...levies,
  vat,
  total,
];
