// Many bills at once, as a supplier gets them at a period's end. What all bills claim, signatures, keys and
// equations, is put off and checked together with random coefficients; where that fails, each bill is verified by
// itself, so that the wrong ones are named with their reasons and no right one suffers. No set passes in which one
// is wrong: a bill is accepted exactly if it would be alone.
//
// What the supplier remembers stands apart (bill-set.ts): bills may be verified on many cores, but memory is one.
import type { Arithmetic } from "../proofs/arithmetic.js";
import type { BillTrust, VerifiedBill } from "../proofs/completeness.js";
import { coefficientsFor, NotedChecks } from "../proofs/evidence-checks.js";
import { BatchLedger, type ChainLink } from "../proofs/ledger.js";
import { areOpened, decodeLinearBill, type ExaminedBill, examineLinearBill } from "../proofs/linear-bill.js";
import { verifyProvedBill } from "../proofs/proved-bill.js";
import { RateTables } from "../proofs/rate-classes.js";
import { VerificationError } from "../proofs/signed.js";
import type { Entropy } from "../proofs/transcript.js";
import { WeightedSums } from "../proofs/weighted-sum.js";
import { FormatError } from "../trusted/encoding/bytes.js";

/** Most bills that are verified together; more make nothing faster. */
export const BILLS_TOGETHER_MAX = 256;

/** What came of a bill. */
export interface Verdict {
  /** Null if the bill is refused. */
  readonly verified: VerifiedBill | null;
  /** Why it is refused, as `verifyBill` says it. */
  readonly reason: string | null;
  /** The batches that it shows and that the meter has signed: of a refused bill, those before what is wrong. */
  readonly links: readonly ChainLink[];
}

/** Whom the supplier believes, but for what they remember. */
export type SetTrust = Omit<BillTrust, "ledger">;

/** A bill of which only what was put off may still be wrong. */
interface Pending extends ExaminedBill {
  readonly noted: NotedChecks;
  readonly links: readonly ChainLink[];
}

/** Verifies bills under one tariff. It remembers nothing of them but the tariff's rates. */
export class BillVerifier {
  readonly #trust: SetTrust;
  readonly #arithmetic: Arithmetic;
  readonly #entropy: Entropy;
  readonly #tables: RateTables;
  readonly #sums: WeightedSums;

  /** @param entropy unforeseeable to whoever makes bills: with bytes that they know, they could make false ones pass. */
  constructor(trust: SetTrust, arithmetic: Arithmetic, entropy: Entropy) {
    this.#trust = trust;
    this.#arithmetic = arithmetic;
    this.#entropy = entropy;
    this.#tables = new RateTables(trust.tariff.tariff);
    this.#sums = new WeightedSums(arithmetic.group);
  }

  /**
   * Verifies bills as they came, at most BILLS_TOGETHER_MAX; each gets its verdict, in their order. Whether their
   * batches fork a meter's history is for a `BillSet` to say.
   * @param bills each is asked for when the one before it has been examined, and best read only then: what was
   *   just read is still near the processor.
   */
  verify(bills: Iterable<Uint8Array>): Verdict[] {
    const files: Uint8Array[] = [];
    const examined: (Pending | null)[] = [];
    for (const file of bills) {
      if (files.push(file) > BILLS_TOGETHER_MAX)
        throw new Error(`more than ${BILLS_TOGETHER_MAX} bills at once`);
      examined.push(this.#examine(file));
    }
    const pending = examined.filter((bill) => bill !== null);
    const areRight = this.#hold(pending);
    return examined.map((bill, at) =>
      bill !== null && (areRight || this.#hold([bill]))
        ? { verified: bill.verified, reason: null, links: bill.links }
        : this.#verifyAlone(files[at] ?? new Uint8Array(0)),
    );
  }

  /** Null if anything is wrong with the bill already, or it is general: those are verified one by one. */
  #examine(file: Uint8Array): Pending | null {
    if (this.#trust.tariff.tariff.charge !== undefined) return null;
    const noted = new NotedChecks(this.#arithmetic.hashes);
    const links: ChainLink[] = [];
    const ledger = { record: (link: ChainLink) => void links.push(link) };
    const examination = { checks: noted, sums: this.#sums, tables: this.#tables };
    try {
      const bill = decodeLinearBill(file);
      return { ...examineLinearBill(bill, { ...this.#trust, ledger }, examination), noted, links };
    } catch (error) {
      reasonOf(error);
      return null;
    }
  }

  /** Whether everything that was put off is right, of all of these bills. */
  #hold(bills: readonly Pending[]): boolean {
    const { group } = this.#arithmetic;
    const equations = bills.map(({ equation }) => equation);
    const noted = bills.map((bill) => bill.noted);
    return (
      areOpened(equations, coefficientsFor(equations.length, this.#entropy), group) &&
      NotedChecks.hold(noted, this.#arithmetic, this.#entropy)
    );
  }

  #verifyAlone(file: Uint8Array): Verdict {
    const links: ChainLink[] = [];
    const seen = new BatchLedger();
    const ledger = {
      record(link: ChainLink) {
        links.push(link);
        seen.record(link);
      },
    };
    try {
      const trust = { ...this.#trust, ledger };
      const verified = verifyProvedBill(file, trust, this.#arithmetic);
      return { verified, reason: null, links };
    } catch (error) {
      return { verified: null, reason: reasonOf(error), links };
    }
  }
}

/** Why evidence is refused; an error that is none of evidence goes through. */
export function reasonOf(error: unknown): string {
  if (error instanceof FormatError || error instanceof VerificationError) return error.message;
  throw error;
}
