// That every one of many secret numbers is an entry of a public list, by logarithmic derivatives (Haböck 2022,
// "Multivariate lookups based on logarithmic derivatives", ePrint 2022/1530): the numbers v_j are all
// among the entries t exactly if there are multiplicities m_t with
//
//     sum_j 1/(X + v_j) = sum_t m_t/(X + t)
//
// as rational functions, provided that there are fewer v_j than l. A v_j that is no entry is a pole of the left
// side with residue 1, 2, ..., never 0 modulo l, and no pole of the right side. At an entry t the residues say
// that m_t is the number of v_j = t: multiplicities need no range of their own, fractions and wrapped numbers of
// the field included.
//
// The identity is checked at X = beta, a challenge that nobody knows before every v_j and m_t is committed. For N
// numbers and E entries, two sides that differ agree at fewer than N + E of the l points, so a false statement
// passes with a probability below (N + E)/l: with 2^20 of both, 2^-231. A beta that is minus some v_j or t, as
// improbable, makes no false statement pass: the prover cannot go on, the verifier refuses.

import { FpInvertBatch } from "@noble/curves/abstract/modular.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { assert } from "../../../trusted/encoding/bytes.js";
import { ensure } from "../../signed.js";
import { Linear, type RandomizedSystem } from "../system.js";

const Fn = ed25519.Point.Fn;

/**
 * sum_j 1/numbers_j = sum_t multiplicities_t/entries_t. Numbers and multiplicities are sums of wires of the first
 * phase, the numbers shifted, as the entries are, by a challenge of the second.
 *
 * Cost in the second phase: 1 multiplier a number, y_j·numbers_j = 1; entries cost nothing, since the right side
 * is linear in the multiplicities.
 * @param entries in [0, l), as many as multiplicities.
 * @throws VerificationError if an entry is zero: the challenge hit it, see above.
 */
export function proveLookUps(
  system: RandomizedSystem,
  numbers: readonly Linear[],
  entries: readonly bigint[],
  multiplicities: readonly Linear[],
): void {
  ensure(!entries.includes(0n), "a challenge is minus an entry of a table");
  const values = numbers.map((number) => system.evaluate(number));
  const known = values.filter((value) => value !== null);
  const isProver = known.length === values.length;
  const inverses = isProver ? FpInvertBatch(Fn, known, true) : [];
  const reciprocals = numbers.map((number, at) => {
    const inverse = inverses[at];
    const { left, right, output } = system.allocate(
      inverse === undefined ? null : [inverse, known[at] ?? 0n],
    );
    system.constrain(Linear.of(right).minus(number));
    system.constrain(Linear.of(output).minus(Linear.constant(1n)));
    return Linear.of(left);
  });
  const weights = FpInvertBatch(Fn, [...entries], true);
  const counted = multiplicities.map((multiplicity, at) => multiplicity.times(weights[at] ?? 0n));
  system.constrain(Linear.sum(reciprocals).minus(Linear.sum(counted)));
}

/**
 * How often each of `entries` entries was looked up, for a prover's multiplicities.
 * @param lookedUp their places, from 0 on; null in a verifier's system, which then has no multiplicities either.
 */
export function countEntries(entries: number, lookedUp: readonly (number | null)[]): (bigint | null)[] {
  const counts = new Array<bigint>(entries).fill(0n);
  for (const entry of lookedUp) {
    if (entry === null) return counts.map(() => null);
    assert(entry >= 0 && entry < entries, "a look-up is of an entry");
    counts[entry] = (counts[entry] ?? 0n) + 1n;
  }
  return counts;
}
