// The general bill: what a period costs under a tariff with a charge, which is not linear in the readings. Its total
// is proved by a constraint system (Bünz et al. 2018, section 5) over the commitments that the meter has signed, and
// over sums of them; the supplier learns the lines and no reading, as of a linear bill. Which readings these are, and
// that none is missing, is verified as there (completeness.ts).
import { ed25519 } from "@noble/curves/ed25519.js";
import { nodesOf } from "../tariff/charge.js";
import { energyCost, type PeriodReadings } from "../tariff/charge-evaluation.js";
import { constrainCost } from "../tariff/circuit.js";
import { type CostInputs, costInputs, type Weights } from "../tariff/circuit-inputs.js";
import type { SignedTariff, Tariff } from "../tariff/document.js";
import { billLines, daysOf, type Period } from "../tariff/evaluate.js";
import { array, bstr, int } from "../trusted/encoding/cbor.js";
import { type DocumentType, decodeSign1 } from "../trusted/encoding/cose.js";
import { LEAF_BYTES } from "../trusted/sealing/batch.js";
import { digest } from "../trusted/sealing/keys.js";
import { type Arithmetic, fastArithmetic } from "./arithmetic.js";
import { COMMITMENT_AT } from "./batch.js";
import { allOf, checkLines, checkTotal } from "./bill-lines.js";
import {
  amountBytes,
  type Bill,
  type BilledPeriod,
  DOCUMENT_BYTES_MAX,
  decodeBill,
  encodeBill,
} from "./billed-period.js";
import { type Equation, holds } from "./bulletproofs/equation.js";
import { pedersen } from "./bulletproofs/generators.js";
import {
  type BillTrust,
  checkPeriod,
  type LeafRun,
  type VerifiedBill,
  verifiedBill,
  verifyBatches,
  verifyPeriod,
} from "./completeness.js";
import { Prover } from "./constraints/prover.js";
import type { Variable } from "./constraints/system.js";
import { Verifier } from "./constraints/verifier.js";
import { checksAtOnce } from "./evidence-checks.js";
import type { Group } from "./group/group.js";
import { type OpenedBatch, type OpenedMeter, openPeriod } from "./opened-meter.js";
import { rateClasses } from "./rate-classes.js";
import { type EvidenceChecks, ensure } from "./signed.js";
import { type Entropy, Transcript } from "./transcript.js";
import { WeightedSums } from "./weighted-sum.js";

const Fn = ed25519.Point.Fn;

const TRANSCRIPT_LABEL = "sealmeter/general-bill-1";
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
  const { readings, openings, present } = opensOf(opened, channels, period);
  const measured = { period, channels, readings };
  const energy = energyCost(tariff, measured);
  const bill = { ...billed, lines: billLines(tariff, energy, daysOf(tariff, period)) };
  checkTotal(bill.lines);
  const inputs = costInputs(tariff, channels, present, period);
  const prover = new Prover(group, transcriptOf(bill));
  const committed = commitOpened(prover, inputs, { measured, openings, runs: runsOf(opened), group });
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

type ByChannel<T> = readonly (readonly (T | null)[])[];

/** What the customer knows of a period: by channel, then by interval from the first; null where there is nothing. */
interface Opened {
  readonly readings: ByChannel<number>;
  readonly openings: ByChannel<bigint>;
  readonly present: readonly boolean[];
}

function opensOf(batches: readonly OpenedBatch[], channels: readonly string[], { from, to }: Period): Opened {
  const present = new Array<boolean>(to - from).fill(false);
  const readings = channels.map(() => new Array<number | null>(to - from).fill(null));
  const openings = channels.map(() => new Array<bigint | null>(to - from).fill(null));
  for (const opened of batches.flatMap(({ intervals }) => intervals)) {
    const at = opened.interval - from;
    if (at < 0 || at >= present.length) continue;
    present[at] = true;
    for (const [channel, row] of readings.entries()) row[at] = opened.readings[channel] ?? null;
    for (const [channel, row] of openings.entries()) row[at] = opened.openings[channel] ?? null;
  }
  return { readings, openings, present };
}

const runsOf = (batches: readonly OpenedBatch[]): LeafRun[] =>
  batches.map(({ statement, leafBytes }) => ({
    firstInterval: statement.firstInterval,
    channelCount: statement.channelCount,
    leaves: leafBytes,
    hints: null,
  }));

/** The encoded commitment of each reading that is looked at. */
function commitmentsOf({ readings }: CostInputs, runs: readonly LeafRun[], { from }: Period): Uint8Array[] {
  const found = new Map<number, Uint8Array>();
  for (const { firstInterval, channelCount, leaves } of runs) {
    const bytes = channelCount * LEAF_BYTES;
    for (let at = 0; at < leaves.length / bytes; at++) {
      found.set(firstInterval + at, leaves.subarray(at * bytes, (at + 1) * bytes));
    }
  }
  return readings.map(({ at, channel }) => {
    const leaf = found.get(from + at)?.subarray(channel * LEAF_BYTES, (channel + 1) * LEAF_BYTES);
    if (!leaf) throw new Error("a reading that is there has a leaf");
    return leaf.slice(COMMITMENT_AT);
  });
}

interface Commitments {
  readonly measured: PeriodReadings;
  readonly openings: ByChannel<bigint>;
  readonly runs: readonly LeafRun[];
  readonly group: Group;
}

/** The committed values of a statement, in order, with what they open to. */
function commitOpened(prover: Prover, inputs: CostInputs, known: Commitments): Variable[] {
  const { measured, openings, runs, group } = known;
  const sums = inputs.sums.map(({ weights }) => {
    const value = Fn.create(weighted(weights, measured.readings));
    const opening = Fn.create(weighted(weights, openings));
    return prover.commitExisting(pedersen(group, value, opening), value, opening);
  });
  const commitments = commitmentsOf(inputs, runs, measured.period);
  const readings = inputs.readings.map(({ channel, at }, index) => {
    const value = BigInt(measured.readings[channel]?.[at] ?? 0);
    const commitment = commitments[index] ?? new Uint8Array(0);
    return prover.commitExisting(commitment, value, openings[channel]?.[at] ?? 0n);
  });
  return [...sums, ...readings];
}

/** The sum of weight times number, over what is there. */
function weighted(weights: Weights, numbers: ByChannel<number | bigint>): bigint {
  let sum = 0n;
  for (const [channel, row] of weights.entries()) {
    for (const [at, weight] of (row ?? []).entries()) {
      sum += BigInt(weight) * BigInt(numbers[channel]?.[at] ?? 0);
    }
  }
  return sum;
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
  const verifier = new Verifier(group, transcriptOf(bill));
  const adder = new WeightedSums(group);
  const sums = inputs.sums.map(({ weights }) => group.encode(adder.of(runs, rateClasses(weights, period))));
  const committed = [...sums, ...commitmentsOf(inputs, runs, period)].map((each) => verifier.commit(each));
  constrainCost(verifier, inputs, tariff, period, committed, bill.lines.energy);
  return {
    verified: verifiedBill(bill, certified, standingDays, runs),
    equation: verifier.equation(bill.proof),
  };
}

/** For each interval of the period whether it has leaves. */
function presentIn(runs: readonly LeafRun[], { from, to }: Period): boolean[] {
  const present = new Array<boolean>(to - from).fill(false);
  for (const { firstInterval, channelCount, leaves } of runs) {
    const begin = firstInterval - from;
    present.fill(true, begin, begin + leaves.length / LEAF_BYTES / channelCount);
  }
  return present;
}

/**
 * The transcript of a bill's proof with all that it is about, but for the commitments that follow: the documents of
 * meter and batches by their payloads' digests, the tariff, the period, and every line.
 */
function transcriptOf(bill: BilledPeriod & Pick<Bill, "lines">): Transcript {
  const transcript = new Transcript(TRANSCRIPT_LABEL);
  const renewals = bill.renewals ?? [];
  transcript.append("certificate", payloadDigest("certificate-1", bill.certificate));
  transcript.appendUint("renewals", renewals.length);
  for (const renewal of renewals) transcript.append("renewal", payloadDigest("certificate-1", renewal));
  transcript.append("tariff", bill.tariffDigest);
  transcript.appendUint("epoch", bill.epoch);
  transcript.appendUint("from", bill.from);
  transcript.appendUint("to", bill.to);
  transcript.appendUint("batches", bill.batches.length);
  for (const { document } of bill.batches) transcript.append("batch", payloadDigest("batch-1", document));
  const amounts = allOf(bill.lines);
  transcript.appendUint("lines", amounts.length);
  for (const amount of amounts) transcript.append("line", amountBytes(amount));
  return transcript;
}

const payloadDigest = (type: DocumentType, document: Uint8Array) =>
  digest(decodeSign1(document, type, DOCUMENT_BYTES_MAX).payload);
