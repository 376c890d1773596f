// A constraint system with all of its values and no proof: the prover keeps its witness here, and whoever only wants to
// know whether a statement holds, or what it costs, asks here.
import { assert } from "../../trusted/encoding/bytes.js";
import { L } from "../../trusted/sealing/edwards.js";
import { modulo } from "../scalars.js";
import { Circuit } from "./circuit.js";
import type { FirstPhase, Linear, Multiplier, RandomizedSystem, Variable } from "./system.js";

/** The values of all wires by index, in [0, l). */
export interface Wires {
  readonly one: readonly bigint[];
  readonly committed: bigint[];
  readonly left: bigint[];
  readonly right: bigint[];
  readonly output: bigint[];
}

export class Assignment implements FirstPhase {
  readonly circuit = new Circuit();
  readonly wires: Wires = { one: [1n], committed: [], left: [], right: [], output: [] };

  /** A committed value: any integer, taken modulo l. */
  commit(value: bigint): Variable {
    this.wires.committed.push(modulo(value));
    return this.circuit.commit();
  }

  multiply(left: Linear, right: Linear): Multiplier {
    this.assign(this.evaluate(left), this.evaluate(right));
    return this.circuit.multiply(left, right);
  }

  allocate(inputs: readonly [bigint, bigint] | null): Multiplier {
    assert(inputs !== null, "a prover has values for its wires");
    this.assign(...inputs);
    return this.circuit.allocate();
  }

  private assign(left: bigint, right: bigint): void {
    const { wires } = this;
    wires.left.push(modulo(left));
    wires.right.push(modulo(right));
    wires.output.push(modulo(left * right));
  }

  constrain(zero: Linear): void {
    this.circuit.constrain(zero);
  }

  evaluate({ terms }: Linear): bigint {
    let sum = 0n;
    for (const [{ kind, index }, scalar] of terms) {
      const value = this.wires[kind][index];
      assert(value !== undefined, "the wires of a sum exist");
      sum += value * scalar;
    }
    return sum % L;
  }

  randomize(callback: (system: RandomizedSystem) => void): void {
    this.circuit.randomize(callback);
  }

  /** Has the callbacks of the first phase run; once, and even if there are none. */
  runSecondPhase(challenge: (label: string) => bigint): void {
    this.circuit.runSecondPhase({
      multiply: (left, right) => this.multiply(left, right),
      allocate: (inputs) => this.allocate(inputs),
      constrain: (zero) => this.constrain(zero),
      evaluate: (sum) => this.evaluate(sum),
      challenge,
    });
  }

  /** What does not hold, of the constraints and multipliers so far; null if all do. */
  firstFault(): string | null {
    const { left, right, output } = this.wires;
    const multiplier = output.findIndex(
      (product, at) => product !== modulo((left[at] ?? 0n) * (right[at] ?? 0n)),
    );
    if (multiplier >= 0) return `multiplier ${multiplier} does not hold`;
    const constraint = this.circuit.constraints.findIndex((zero) => this.evaluate(zero) !== 0n);
    return constraint >= 0 ? `constraint ${constraint} does not hold` : null;
  }
}
