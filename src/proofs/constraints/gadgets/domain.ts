// Secret amounts as the scalars that stand for them: the integers of less than l/2 in size, negative ones
// counted down from l. Everything here is the prover's: a verifier has no values, and learns that one is out of
// its domain by a proof that fails.
import { L } from "../../../trusted/sealing/edwards.js";
import { VerificationError } from "../../signed.js";

/**
 * A statement that cannot be proved: a secret amount lies outside what it allows. The text names the amount and
 * tells its value, so it is for the eyes of the prover alone.
 */
export class OutOfDomainError extends VerificationError {
  constructor(what: string, value: bigint, domain: string) {
    super(`${what}: ${signed(value)} is not ${domain}`);
  }
}

/** The integer of least size that a scalar in [0, l) stands for. */
export const signed = (scalar: bigint) => (scalar > L / 2n ? scalar - L : scalar);

/** Length in bits of an integer that is not negative; 0 of zero. */
export const bitLength = (value: bigint) => (value === 0n ? 0 : value.toString(2).length);

/** The greatest integer at most dividend/divisor; the divisor is positive. */
export const floorDivide = (dividend: bigint, divisor: bigint) =>
  dividend / divisor - (dividend < 0n && dividend % divisor !== 0n ? 1n : 0n);
