// The general bill: what a period costs under a tariff with a charge, which is not linear in the readings. Its total
// is proved by a constraint system (Bünz et al. 2018, section 5) over the commitments that the meter has signed, and
// over sums of them; the supplier learns the lines and no reading, as of a linear bill. Which readings these are, and
// that none is missing, is verified as there (completeness.ts).
import { nodesOf } from "../tariff/charge.js";
import { energyCost } from "../tariff/charge-evaluation.js";
import { constrainCost } from "../tariff/circuit.js";
import { costInputs } from "../tariff/circuit-inputs.js";
import type { SignedTariff, Tariff } from "../tariff/document.js";
import { billLines, daysOf } from "../tariff/evaluate.js";
import { array, bstr, int } from "../trusted/encoding/cbor.js";
import { type Arithmetic, fastArithmetic } from "./arithmetic.js";
import { checkLines, checkTotal } from "./bill-lines.js";
import { billTranscript } from "./bill-transcript.js";
import { type Bill, decodeBill, encodeBill } from "./billed-period.js";
import { type Equation, holds } from "./bulletproofs/equation.js";
import { commitmentsOf, knownOf, openedValues, presentIn, runsOf } from "./committed-cost.js";
import {
  type BillTrust,
  checkPeriod,
  type VerifiedBill,
  verifiedBill,
  verifyBatches,
  verifyPeriod,
} from "./completeness.js";
import { Prover } from "./constraints/prover.js";
import { Verifier } from "./constraints/verifier.js";
import { checksAtOnce } from "./evidence-checks.js";
import type { Group } from "./group/group.js";
import { type OpenedMeter, openPeriod } from "./opened-meter.js";
import { type EvidenceChecks, ensure } from "./signed.js";
import type { Entropy } from "./transcript.js";

/** The proof's kind: a constraint system. */
const CONSTRAINT_SYSTEM = 1;
/** Largest proof, bytes: one of 2^16 multipliers has 1,537. */
export const PROOF_BYTES_MAX = 4096;

/** A bill with its proof. */
export interface GeneralBill extends Bill {
  /** Of the constraint system, at most 4,096 bytes. */
  readonly proof: Uint8Array;
}

/** What a proof is made with. */
export interface Proving {
  readonly group: Group;
  /** Random bytes, fit for keys: what hides the readings. */
  readonly entropy: Entropy;
}

/**
 * The bytes of a bill: see `encodeBill`. The item of its proof is `[1, proof bstr]`, which is none of a linear bill.
 * @throws FormatError for what `decodeGeneralBill` would refuse.
 */
export function encodeGeneralBill(bill: GeneralBill): Uint8Array {
  const bytes = encodeBill(bill, array(int(CONSTRAINT_SYSTEM), bstr(bill.proof)));
  decodeGeneralBill(bytes);
  return bytes;
}

/**
 * Takes a bill apart; nothing in it is verified.
 * @throws FormatError for malformed bytes, more of them than a bill can have, or a linear bill.
 */
export function decodeGeneralBill(bytes: Uint8Array): GeneralBill {
  const { bill, proof } = decodeBill(bytes, (reader) => {
    reader.array(2);
    if (reader.uint(CONSTRAINT_SYSTEM) !== CONSTRAINT_SYSTEM) reader.refuse("a proof of no known kind");
    return reader.bytes(0, PROOF_BYTES_MAX);
  });
  return { ...bill, proof };
}

/**
 * Makes the bill of intervals [from, to) and its proof, which takes seconds for a month of readings that a table or
 * a spline looks at.
 * @param certificate the COSE_Sign1 of `meter.certificate`.
 * @throws VerificationError if an interval of the period is neither sealed nor known to be absent, if a reading is
 *   beyond what the tariff can bill (both are named), if the tariff is not for this meter or period or has no
 *   charge, or if the bill or its statement is too long; FormatError if the tariff's prices do not fit the meter's
 *   intervals.
 */
export function proveGeneralBill(
  meter: OpenedMeter,
  certificate: Uint8Array,
  { tariff, digest: tariffDigest }: SignedTariff,
  { from, to }: { readonly from: number; readonly to: number },
  { group, entropy }: Proving,
): GeneralBill {
  const { channels, intervalSeconds } = meter.certificate;
  const period = { from, to, intervalSeconds };
  checkPeriod(tariff, period);
  checkCharged(tariff, channels);
  const { billed, opened } = openPeriod(meter, certificate, tariffDigest, period);
  const { measured, openings, present } = knownOf(opened, channels, period);
  const energy = energyCost(tariff, measured);
  const bill = { ...billed, lines: billLines(tariff, energy, daysOf(tariff, period)) };
  checkTotal(bill.lines);
  const inputs = costInputs(tariff, channels, present, period);
  const prover = new Prover(group, billTranscript(bill));
  const committed = openedValues(inputs, { measured, openings, runs: runsOf(opened), group }).map(
    ({ commitment, value, opening }) => prover.commitExisting(commitment, value, opening),
  );
  constrainCost(prover, inputs, tariff, period, committed, energy);
  return { ...bill, proof: prover.prove(entropy) };
}

/** A tariff that needs a general bill, and this meter at all. */
function checkCharged(tariff: Tariff, channels: readonly string[]): void {
  ensure(tariff.charge !== undefined, "the tariff has no charge: its bills are linear");
  const named = nodesOf(tariff.charge).flatMap((node) => {
    if (node.kind === "cost") return node.policies.map(({ obis }) => obis);
    return "obis" in node ? [node.obis] : [];
  });
  const isPriced = [...tariff.energy.map(({ obis }) => obis), ...named].some((obis) =>
    channels.includes(obis),
  );
  ensure(isPriced, "the tariff prices no channel of this meter");
}

/**
 * Verifies a bill: the documents, that no interval of the period is left out, and that the amounts are those of the
 * readings that the meter sealed.
 * @param arithmetic what to compute with.
 * @throws VerificationError with the reason; FormatError for malformed documents in the bill.
 */
export function verifyGeneralBill(
  bill: GeneralBill,
  trust: BillTrust,
  arithmetic: Arithmetic = fastArithmetic(),
): VerifiedBill {
  const { group } = arithmetic;
  const { verified, equation } = examineGeneralBill(bill, trust, { checks: checksAtOnce(arithmetic), group });
  ensure(holds(group, equation), "the total is not proved of the readings which the meter sealed");
  return verified;
}

/** How a bill is examined. */
export interface GeneralExamination {
  readonly checks: EvidenceChecks;
  readonly group: Group;
}

/** A bill that is right if what the examination has put off is, and its equation. */
export interface ExaminedGeneralBill {
  readonly verified: VerifiedBill;
  /** That of its proof: of many at once, `refusals` tells which do not hold. */
  readonly equation: Equation;
}

/**
 * All of `verifyGeneralBill` but the equation and what the examination's checks put off.
 * @throws as `verifyGeneralBill`.
 */
export function examineGeneralBill(
  bill: GeneralBill,
  trust: BillTrust,
  { checks, group }: GeneralExamination,
): ExaminedGeneralBill {
  const { tariff } = trust.tariff;
  checkTotal(bill.lines);
  const certified = verifyPeriod(bill, trust, checks);
  const { period, certificate } = certified;
  checkCharged(tariff, certificate.channels);
  const standingDays = daysOf(tariff, period);
  checkLines(bill.lines, tariff, standingDays);
  const runs = verifyBatches(bill, certified, trust, checks);
  const inputs = costInputs(tariff, certificate.channels, presentIn(runs, period), period);
  const verifier = new Verifier(group, billTranscript(bill));
  const committed = commitmentsOf(inputs, runs, period, group).map((each) => verifier.commit(each));
  constrainCost(verifier, inputs, tariff, period, committed, bill.lines.energy);
  return {
    verified: verifiedBill(bill, certified, standingDays, runs),
    equation: verifier.equation(bill.proof),
  };
}
