// The statement of a constraint system as both sides know it: how many multipliers there are, which sums of wires are
// zero, and what is left to be said once challenges can be drawn. No value of a wire comes here.
import { assert } from "../../trusted/encoding/bytes.js";
import { L } from "../../trusted/sealing/edwards.js";
import { ensure } from "../signed.js";
import { Linear, type Multiplier, type RandomizedSystem, type Variable } from "./system.js";

/** Most multipliers, and most committed values, of a circuit. */
export const MULTIPLIERS_MAX = 2 ** 16;
export const COMMITTED_MAX = 2 ** 17;
/** Most constraints, those of `multiply` included. */
export const CONSTRAINTS_MAX = 2 ** 20;

/** z·z^Q times each matrix of the constraints W_L·a_L + W_R·a_R + W_O·a_O = W_V·v + c; scalars in [0, l). */
export interface Flattened {
  readonly left: readonly bigint[];
  readonly right: readonly bigint[];
  readonly output: readonly bigint[];
  readonly committed: readonly bigint[];
  readonly constant: bigint;
}

export class Circuit {
  private multiplierCount = 0;
  private committedCount = 0;
  private readonly zeros: Linear[] = [];
  private readonly deferred: ((system: RandomizedSystem) => void)[] = [];
  private isSecondPhase = false;

  get multipliers(): number {
    return this.multiplierCount;
  }

  /** Sums that are zero: two for each `multiply`, and those of `constrain`. */
  get constraints(): readonly Linear[] {
    return this.zeros;
  }

  /** Whether anything is said in the second phase. */
  get isRandomized(): boolean {
    return this.deferred.length > 0;
  }

  /** Length of the vectors of a proof: the power of two from the number of multipliers up, 1 of none. */
  get paddedMultipliers(): number {
    return 2 ** Math.ceil(Math.log2(Math.max(1, this.multiplierCount)));
  }

  /**
   * The next committed value. Asserts that the first phase goes on: challenges depend on all of them.
   * @throws VerificationError for one too many: a bill of all the leaves it may have, and a sum, has that many.
   */
  commit(): Variable {
    assert(!this.isSecondPhase, "values are committed in the first phase");
    ensure(this.committedCount < COMMITTED_MAX, `a statement of more than ${COMMITTED_MAX} committed values`);
    return { kind: "committed", index: this.committedCount++ };
  }

  /** @throws VerificationError for one multiplier too many: how many there are is the statement's matter. */
  allocate(): Multiplier {
    ensure(this.multiplierCount < MULTIPLIERS_MAX, `a statement of more than ${MULTIPLIERS_MAX} multipliers`);
    const index = this.multiplierCount++;
    return {
      left: { kind: "left", index },
      right: { kind: "right", index },
      output: { kind: "output", index },
    };
  }

  multiply(left: Linear, right: Linear): Multiplier {
    const multiplier = this.allocate();
    this.constrain(equal(left, multiplier.left));
    this.constrain(equal(right, multiplier.right));
    return multiplier;
  }

  /** Asserts that all wires of the sum exist. */
  constrain(zero: Linear): void {
    assert(this.zeros.length < CONSTRAINTS_MAX, "constraints within their bound");
    for (const [variable] of zero.terms) assert(this.has(variable), "the wires of a constraint exist");
    this.zeros.push(zero);
  }

  private has({ kind, index }: Variable): boolean {
    if (kind === "one") return true;
    return index < (kind === "committed" ? this.committedCount : this.multiplierCount);
  }

  randomize(callback: (system: RandomizedSystem) => void): void {
    assert(!this.isSecondPhase, "the second phase is asked for in the first");
    this.deferred.push(callback);
  }

  /** Has all callbacks run; once. */
  runSecondPhase(system: RandomizedSystem): void {
    assert(!this.isSecondPhase, "a circuit has one second phase");
    this.isSecondPhase = true;
    for (const callback of this.deferred) callback(system);
  }

  /** The constraints as one, the first times z, the second times z^2 and so on (section 5.1). */
  flatten(z: bigint): Flattened {
    const sums = {
      left: new Array<bigint>(this.multiplierCount).fill(0n),
      right: new Array<bigint>(this.multiplierCount).fill(0n),
      output: new Array<bigint>(this.multiplierCount).fill(0n),
      committed: new Array<bigint>(this.committedCount).fill(0n),
      one: [0n],
    };
    let power = z;
    for (const { terms } of this.zeros) {
      for (const [{ kind, index }, scalar] of terms) {
        const sum = sums[kind];
        sum[index] = (sum[index] ?? 0n) + power * scalar;
      }
      power = (power * z) % L;
    }
    const reduced = (list: readonly bigint[]) => list.map((sum) => sum % L);
    const negated = (list: readonly bigint[]) => list.map((sum) => (L - (sum % L)) % L);
    const [constant = 0n] = negated(sums.one);
    return {
      left: reduced(sums.left),
      right: reduced(sums.right),
      output: reduced(sums.output),
      committed: negated(sums.committed),
      constant,
    };
  }
}

/** sum - variable. */
const equal = (sum: Linear, variable: Variable) => new Linear([...sum.terms, [variable, L - 1n]]);
