// A constraint system without cryptography, for tests of gadgets: it holds the values of all wires in clear and
// tells which multipliers and constraints they break. A proof could be made exactly if there are none. A cheat
// may put other values on wires, or make the gadget believe others; the rest of the gadget then follows them, as
// a clever prover would.
import { sha512 } from "@noble/hashes/sha2.js";
import { OutOfDomainError } from "../../../../src/proofs/constraints/gadgets/domain.js";
import {
  type FirstPhase,
  Linear,
  type Multiplier,
  modulo,
  type RandomizedSystem,
  type Variable,
} from "../../../../src/proofs/constraints/system.js";
import { L } from "../../../../src/trusted/sealing/edwards.js";

/** What is proved of committed values; it returns sums of wires for the test to look at. */
export type Statement = (system: FirstPhase, committed: readonly Linear[]) => readonly Linear[];

export interface Cheat {
  /** Values by wire, such as "left 3" or "output 0". Without one of its own an output is the product. */
  readonly wires?: Readonly<Record<string, bigint>>;
  /** What the gadget is told in the first phase instead of a sum's value. */
  readonly believe?: (value: bigint) => bigint;
  /** What it is told instead, one evaluation after the other, as an honest run heard it. */
  readonly replay?: readonly bigint[];
  /** Every challenge, known beforehand; otherwise a hash of the first phase's values. */
  readonly challenge?: bigint;
  /** Enters the hash. */
  readonly seed?: number;
}

export interface Outcome {
  /** Broken multipliers and constraints, such as "constraint 7", and by how much. */
  readonly broken: ReadonlyMap<string, bigint>;
  readonly values: readonly bigint[];
  /** By their names. */
  readonly wires: ReadonlyMap<string, bigint>;
  /** What the gadget was told in the first phase. */
  readonly evaluations: readonly bigint[];
  /** Multipliers of the first phase, of the second, and constraints. */
  readonly first: number;
  readonly second: number;
  readonly constraints: readonly Linear[];
}

class CheatingSystem implements FirstPhase, RandomizedSystem {
  readonly wires = new Map<string, bigint>([["one 0", 1n]]);
  readonly constraints: Linear[] = [];
  readonly evaluations: bigint[] = [];
  multipliers = 0;
  readonly #callbacks: ((system: RandomizedSystem) => void)[] = [];
  readonly #isProver: boolean;
  readonly #cheat: Cheat;
  #secondPhase: string | null = null;
  #challenges = 0;

  constructor(committed: readonly bigint[], isProver: boolean, cheat: Cheat) {
    this.#isProver = isProver;
    this.#cheat = cheat;
    committed.forEach((value, at) => {
      this.wires.set(`committed ${at}`, modulo(value));
    });
  }

  allocate(inputs: readonly [bigint, bigint] | null): Multiplier {
    if ((inputs !== null) !== this.#isProver) throw new Error("a prover allocates values, a verifier none");
    for (const input of inputs ?? []) if (input < 0n || input >= L) throw new Error("a wire is in [0, l)");
    const index = this.multipliers++;
    const left = this.#assign(`left ${index}`, inputs?.[0] ?? 0n);
    const right = this.#assign(`right ${index}`, inputs?.[1] ?? 0n);
    this.#assign(`output ${index}`, modulo(left * right));
    return {
      left: { kind: "left", index },
      right: { kind: "right", index },
      output: { kind: "output", index },
    };
  }

  multiply(left: Linear, right: Linear): Multiplier {
    const multiplier = this.allocate(this.#isProver ? [this.valueOf(left), this.valueOf(right)] : null);
    this.constrain(left.minus(Linear.of(multiplier.left)));
    this.constrain(right.minus(Linear.of(multiplier.right)));
    return multiplier;
  }

  constrain(zero: Linear): void {
    this.constraints.push(zero);
  }

  evaluate(sum: Linear): bigint | null {
    if (!this.#isProver) return null;
    const value = this.valueOf(sum);
    if (this.#secondPhase !== null) return value;
    const told = this.#cheat.replay?.[this.evaluations.length] ?? this.#cheat.believe?.(value) ?? value;
    this.evaluations.push(told);
    return told;
  }

  randomize(callback: (system: RandomizedSystem) => void): void {
    this.#callbacks.push(callback);
  }

  challenge(label: string): bigint {
    if (this.#cheat.challenge !== undefined) return this.#cheat.challenge;
    const text = `${this.#secondPhase} ${label} ${this.#challenges++}`;
    return sha512(new TextEncoder().encode(text)).reduce((sum, byte) => (sum * 256n + BigInt(byte)) % L, 0n);
  }

  runSecondPhase(): void {
    const isKnown = this.#cheat.challenge !== undefined;
    this.#secondPhase = isKnown ? "" : `${this.#cheat.seed ?? 0} ${[...this.wires.values()].join()}`;
    for (const callback of this.#callbacks) callback(this);
  }

  valueOf(sum: Linear): bigint {
    return modulo(
      sum.terms.reduce((total, [variable, scalar]) => total + scalar * this.#value(variable), 0n),
    );
  }

  broken(): Map<string, bigint> {
    const broken = new Map<string, bigint>();
    for (let index = 0; index < this.multipliers; index++) {
      const [a, b, c] = (["left", "right", "output"] as const).map((kind) => this.#value({ kind, index }));
      const difference = modulo((a ?? 0n) * (b ?? 0n) - (c ?? 0n));
      if (difference !== 0n) broken.set(`multiplier ${index}`, difference);
    }
    this.constraints.forEach((zero, at) => {
      const value = this.valueOf(zero);
      if (value !== 0n) broken.set(`constraint ${at}`, value);
    });
    return broken;
  }

  #value({ kind, index }: Variable): bigint {
    const value = this.wires.get(`${kind} ${index}`);
    if (value === undefined) throw new Error(`no wire ${kind} ${index}`);
    return value;
  }

  #assign(wire: string, honest: bigint): bigint {
    const value = modulo(this.#cheat.wires?.[wire] ?? honest);
    this.wires.set(wire, value);
    return value;
  }
}

function run(statement: Statement, committed: readonly bigint[], isProver: boolean, cheat: Cheat): Outcome {
  const system = new CheatingSystem(committed, isProver, cheat);
  const results = statement(
    system,
    committed.map((_, index) => Linear.of({ kind: "committed", index })),
  );
  const first = system.multipliers;
  system.runSecondPhase();
  return {
    broken: isProver ? system.broken() : new Map(),
    values: results.map((sum) => system.valueOf(sum)),
    wires: system.wires,
    evaluations: system.evaluations,
    first,
    second: system.multipliers - first,
    constraints: system.constraints,
  };
}

/** The statement as a prover of these committed integers builds it, honest or not. */
export const prove = (statement: Statement, committed: readonly bigint[], cheat: Cheat = {}): Outcome =>
  run(statement, committed, true, cheat);

/** The statement as a verifier builds it, who knows only how many values are committed. */
export const verify = (statement: Statement, committed: number, challenge: bigint): Outcome =>
  run(statement, new Array<bigint>(committed).fill(0n), false, { challenge });

export const isRefused = (outcome: Outcome) => outcome.broken.size > 0;

/** Refused whatever the challenges are. */
export const isRefusedAlways = (statement: Statement, committed: readonly bigint[], cheat: Cheat) =>
  [1, 2, 3].every((seed) => isRefused(prove(statement, committed, { ...cheat, seed })));

/**
 * Inputs of multipliers that can be changed, one at a time, without breaking anything: whether the rest of the
 * gadget follows the change or stays as it was.
 */
export function looseWires(statement: Statement, committed: readonly bigint[]): string[] {
  const { first, second, wires, evaluations } = prove(statement, committed);
  const names = Array.from({ length: first + second }, (_, at) => [`left ${at}`, `right ${at}`]).flat();
  return names.filter((name) =>
    [1n, -(2n ** 64n)].some((delta) => {
      const changed = { wires: { [name]: (wires.get(name) ?? 0n) + delta } };
      return (
        passes(statement, committed, changed) ||
        passes(statement, committed, { ...changed, replay: evaluations })
      );
    }),
  );
}

function passes(statement: Statement, committed: readonly bigint[], cheat: Cheat): boolean {
  try {
    return !isRefused(prove(statement, committed, cheat));
  } catch (error) {
    if (error instanceof OutOfDomainError) return false;
    throw error;
  }
}
