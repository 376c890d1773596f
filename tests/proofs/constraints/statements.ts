// Small statements for the tests of constraint proofs, made of the bare interface.

import { pedersen } from "../../../src/proofs/bulletproofs/generators.js";
import { Prover } from "../../../src/proofs/constraints/prover.js";
import {
  type ConstraintSystem,
  type FirstPhase,
  Linear,
  ONE,
  type Variable,
} from "../../../src/proofs/constraints/system.js";
import { Verifier } from "../../../src/proofs/constraints/verifier.js";
import type { Group } from "../../../src/proofs/group/group.js";
import { Transcript } from "../../../src/proofs/transcript.js";
import { entropyOf } from "../entropy.js";

export const LABEL = "constraint proof test";

/** What is said of the committed values. */
export type Statement = (system: FirstPhase, values: readonly Variable[]) => void;

/** A value with its commitment. */
export interface Opened {
  readonly value: bigint;
  readonly blinding: bigint;
  readonly commitment: Uint8Array;
}

export const commitTo = (group: Group, values: readonly bigint[]): Opened[] =>
  values.map((value, at) => {
    const blinding = 1000n + BigInt(at);
    return { value, blinding, commitment: pedersen(group, value, blinding) };
  });

export const commitmentsOf = (opened: readonly Opened[]) => opened.map(({ commitment }) => commitment);

/** Has a prover of any kind prove the statement. */
export function proveWith(
  prover: Prover,
  opened: readonly Opened[],
  statement: Statement,
  seed = "seed",
): Uint8Array {
  const variables = opened.map(({ commitment, value, blinding }) =>
    prover.commitExisting(commitment, value, blinding),
  );
  statement(prover, variables);
  return prover.prove(entropyOf(seed));
}

export const prove = (group: Group, opened: readonly Opened[], statement: Statement) =>
  proveWith(new Prover(group, new Transcript(LABEL)), opened, statement);

export function verifierOf(
  group: Group,
  commitments: readonly Uint8Array[],
  statement: Statement,
  transcript = new Transcript(LABEL),
): Verifier {
  const verifier = new Verifier(group, transcript);
  statement(
    verifier,
    commitments.map((commitment) => verifier.commit(commitment)),
  );
  return verifier;
}

/** The wire at a place of a list. */
export const wire = (variables: readonly Variable[], at: number) => Linear.of(variables[at] ?? ONE);

/** x·x, and so on `count` times: the first value to the power of count + 1. */
export function power(system: ConstraintSystem, base: Linear, count: number): Linear {
  return Array.from({ length: count }).reduce<Linear>(
    (product) => Linear.of(system.multiply(product, base).output),
    base,
  );
}

/** That the first two values have this product. */
export const product =
  (result: bigint): Statement =>
  (system, values) => {
    const { output } = system.multiply(wire(values, 0), wire(values, 1));
    system.constrain(Linear.of(output).minus(Linear.constant(result)));
  };

/** That the second half of the values is the first in another order, by the product of their distances to a challenge. */
export const shuffle: Statement = (system, values) => {
  system.randomize((second) => {
    const point = Linear.constant(second.challenge("shuffle"));
    const distances = (half: readonly Variable[]) =>
      half
        .map((value) => Linear.of(value).minus(point))
        .reduce((left, right) => Linear.of(second.multiply(left, right).output));
    const half = values.length / 2;
    second.constrain(distances(values.slice(0, half)).minus(distances(values.slice(half))));
  });
};

/** Powers of the first value in both phases, which the second value is the sum of. */
export const powersInPhases =
  (first: number, second: number): Statement =>
  (system, values) => {
    const early = power(system, wire(values, 0), first);
    system.randomize((later) => {
      const late = power(later, wire(values, 0), second);
      later.constrain(early.plus(late).minus(wire(values, 1)).times(later.challenge("powers")));
    });
  };
