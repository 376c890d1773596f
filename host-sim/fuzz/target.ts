// What is attacked, and what came of it. A block is a run of mutants at one target that begins from the same
// state whenever it is played, so that a block's number and the seed are all that a replay needs.
import { VerificationError } from "../../src/proofs/signed.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import type { SeededRandom } from "../seeded.js";

/**
 * refused: as it must be. valid: no mutant at all but another message in its one encoding, of a kind that
 * nobody signs. accepted and uncaught are findings.
 */
export type Verdict = "refused" | "valid" | "accepted" | "uncaught";

export interface Shot {
  readonly verdict: Verdict;
  readonly bytes: Uint8Array;
  /** Of a finding, what happened. */
  readonly what: string;
  /** Whether it was well-formed enough to come to a signature or a proof. */
  readonly isDeep: boolean;
}

export interface Attack {
  /** @param wantsDeep whether this mutant may cost the check of a signature. */
  shoot(wantsDeep: boolean): Shot;
  /** What is found only when all is done, or null. */
  finish?(): string | null;
}

export interface Target {
  readonly name: string;
  /** Blocks of it among all, in proportion. */
  readonly share: number;
  /** Whether a mutant may leave something behind that the next one meets. */
  readonly isStateful?: boolean;
  /** @param isThorough whether every mutant is followed by all checks, not only those that came deep. */
  begin(random: SeededRandom, isThorough: boolean): Attack;
}

/** A mutant did what none may do; its text says what. */
export class Harm extends Error {
  override readonly name = "Harm";
}

/** Throws Harm unless the condition holds. */
export function demand(condition: boolean, harm: string): asserts condition {
  if (!condition) throw new Harm(harm);
}

/** Tries to have a message taken. @param take says of what it took whether that was right. */
export function attempt(
  bytes: Uint8Array,
  isDeep: boolean,
  take: () => "valid" | "accepted" | "refused",
  isDocumented: (error: unknown) => boolean = isRefusal,
): Shot {
  try {
    const verdict = take();
    return { verdict, bytes, isDeep, what: verdict === "accepted" ? "was accepted" : "" };
  } catch (error) {
    if (isDocumented(error)) return { verdict: "refused", bytes, isDeep, what: "" };
    if (error instanceof Harm) return { verdict: "accepted", bytes, isDeep, what: error.message };
    return { verdict: "uncaught", bytes, isDeep, what: wordsOf(error) };
  }
}

export const isRefusal = (error: unknown) =>
  error instanceof FormatError || error instanceof VerificationError;

export const wordsOf = (error: unknown) =>
  error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 300) : "a thrown value";
