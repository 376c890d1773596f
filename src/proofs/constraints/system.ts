// What a gadget speaks to: a system of constraints over the scalars modulo l, in two phases (Bünz et al. 2018,
// "Bulletproofs", section 5; the second phase as in dalek's bulletproofs). The prover's system knows the values of
// wires, the verifier's does not; a gadget is one function for both, so that what is proved and what is verified
// cannot differ.
import { L } from "../../trusted/sealing/edwards.js";
import { modulo } from "../scalars.js";

export { modulo };

/** A wire: the constant one, a committed value, or one of the three wires of a multiplier. */
export interface Variable {
  readonly kind: "one" | "committed" | "left" | "right" | "output";
  readonly index: number;
}

export const ONE: Variable = { kind: "one", index: 0 };

/** A sum of wires, each times a scalar in [0, l). A wire may stand in it more than once. */
export class Linear {
  readonly terms: readonly (readonly [Variable, bigint])[];

  constructor(terms: readonly (readonly [Variable, bigint])[]) {
    this.terms = terms;
  }

  /** Any integer, taken modulo l. */
  static constant(value: bigint): Linear {
    return new Linear([[ONE, modulo(value)]]);
  }

  static of(variable: Variable): Linear {
    return new Linear([[variable, 1n]]);
  }

  static sum(parts: readonly Linear[]): Linear {
    return new Linear(parts.flatMap(({ terms }) => terms));
  }

  plus(other: Linear): Linear {
    return new Linear([...this.terms, ...other.terms]);
  }

  minus(other: Linear): Linear {
    return this.plus(other.times(-1n));
  }

  /** Times any integer, taken modulo l. */
  times(factor: bigint): Linear {
    const reduced = modulo(factor);
    return new Linear(this.terms.map(([variable, scalar]) => [variable, (scalar * reduced) % L]));
  }
}

/** The wires of a multiplier: left times right is output. */
export interface Multiplier {
  readonly left: Variable;
  readonly right: Variable;
  readonly output: Variable;
}

export interface ConstraintSystem {
  /** A multiplier whose inputs are these sums. */
  multiply(left: Linear, right: Linear): Multiplier;
  /**
   * A multiplier whose inputs are free: their values are the prover's choice until constrained.
   * @param inputs what the prover puts on left and right, in [0, l); null in a verifier's system.
   */
  allocate(inputs: readonly [bigint, bigint] | null): Multiplier;
  /** That this sum is zero modulo l. */
  constrain(zero: Linear): void;
  /** The value of a sum in [0, l), or null in a verifier's system. */
  evaluate(sum: Linear): bigint | null;
}

/** The second phase: whatever the prover chose in the first one is committed, so challenges may be drawn. */
export interface RandomizedSystem extends ConstraintSystem {
  /** A scalar that nobody can foresee who has not yet chosen every wire of the first phase. */
  challenge(label: string): bigint;
}

/** The first phase. */
export interface FirstPhase extends ConstraintSystem {
  /** Has `callback` run in the second phase, in the order in which they were given. */
  randomize(callback: (system: RandomizedSystem) => void): void;
}
