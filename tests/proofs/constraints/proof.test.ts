import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import type { Wires } from "../../../src/proofs/constraints/assignment.js";
import { constraintProofBytes } from "../../../src/proofs/constraints/proof.js";
import { Prover } from "../../../src/proofs/constraints/prover.js";
import { Linear } from "../../../src/proofs/constraints/system.js";
import type { Group } from "../../../src/proofs/group/group.js";
import { Transcript } from "../../../src/proofs/transcript.js";
import { flipBit, isRefused, survivors } from "../../mutants.js";
import dalek from "../../vectors/bulletproofs-dalek-made.json" with { type: "json" };
import { spoiledElements, wrongLengths } from "../bulletproofs/mutants.js";
import { UnblindedTranscript } from "../entropy.js";
import { GROUPS } from "../groups.js";
import {
  commitmentsOf,
  commitTo,
  LABEL,
  type Opened,
  power,
  powersInPhases,
  product,
  prove,
  proveWith,
  type Statement,
  shuffle,
  verifierOf,
  wire,
} from "./statements.js";

/** A prover that looks away, and changes wires when they are told: before the first phase ends, or after it. */
class CheatingProver extends Prover {
  private readonly late: (wires: Wires) => void;

  constructor(group: Group, late: (wires: Wires) => void = () => {}) {
    super(group, new Transcript(LABEL));
    this.late = late;
  }

  get wires(): Wires {
    return this.assignment.wires;
  }

  protected override assertWitness(): void {
    this.late(this.assignment.wires);
  }
}

describe.each(GROUPS)("constraint proofs over the group of $name", (group) => {
  const verify = (opened: readonly Opened[], statement: Statement, proof: Uint8Array) =>
    verifierOf(group, commitmentsOf(opened), statement).verify(proof);

  it.each([
    [0, 0],
    [1, 0],
    [3, 0],
    [0, 1],
    [0, 3],
    [1, 1],
    [1, 4],
    [2, 2],
    [3, 2],
    [4, 1],
    [6, 1],
  ])("verify with %i multipliers in the first phase and %i in the second, with the length of the formula", (first, second) => {
    const opened = commitTo(group, [3n, 3n ** BigInt(first + 1) + 3n ** BigInt(second + 1)]);
    const statement = powersInPhases(first, second);
    const proof = prove(group, opened, statement);
    verify(opened, statement, proof);
    const n = 2 ** Math.ceil(Math.log2(Math.max(1, first + second)));
    expect(proof.length).toBe(1 + 32 * (13 + (second > 0 ? 3 : 0) + 2 * Math.log2(n)));
    expect(proof.length).toBe(constraintProofBytes(n, second > 0));
  });

  it.each(
    dalek.constraintProofs,
  )("verify where dalek made them, for $first and $second multipliers", (made) => {
    const statement = powersInPhases(made.first, made.second);
    verifierOf(group, made.commitments.map(hexToBytes), statement).verify(hexToBytes(made.proof));
  });

  it("verify for a statement of one phase, of free wires, and of no committed value", () => {
    const statement: Statement = (system) => {
      const { left, right, output } = system.allocate([6n, 7n]);
      system.constrain(Linear.of(output).minus(Linear.constant(42n)));
      system.constrain(Linear.sum([Linear.of(left), Linear.constant(1n), Linear.of(right).times(-1n)]));
    };
    verify([], statement, prove(group, [], statement));
  });

  describe("of a shuffle of five values, with a product in the first phase,", () => {
    const both: Statement = (system, values) => {
      product(10n)(system, values);
      shuffle(system, values);
    };
    const opened = commitTo(group, [2n, 5n, 5n, 2n]);
    const proof = prove(group, opened, both);

    it("verify, and depend on entropy in each element", () => {
      verify(opened, both, proof);
      const other = proveWith(new Prover(group, new Transcript(LABEL)), opened, both, "other");
      const elements = Array.from({ length: (proof.length - 1) / 32 }, (_, at) => 1 + at * 32);
      const isAlike = (at: number) =>
        Buffer.compare(proof.slice(at, at + 32), other.slice(at, at + 32)) === 0;
      expect(elements.filter(isAlike)).toEqual([]);
    });

    it("are refused once any element is another, another's, the identity or not canonical", () => {
      const mutants = spoiledElements(proof, 1);
      expect(mutants.length).toBeGreaterThan(20 * 5);
      expect(survivors(mutants, (bytes) => verify(opened, both, bytes))).toEqual([]);
    });

    it("are refused of another version, cut or extended", () => {
      const versions = [7, 6, 0].map((bit) => ({ what: `version bit ${bit}`, bytes: flipBit(proof, bit) }));
      const mutants = [...versions, ...wrongLengths(proof)];
      expect(survivors(mutants, (bytes) => verify(opened, both, bytes))).toEqual([]);
    });

    it("are refused for other commitments, another order, label, public input, constant or number of multipliers", () => {
      const commitments = commitmentsOf(opened);
      const [first = new Uint8Array(0), ...rest] = commitments;
      const input = new Transcript(LABEL);
      input.append("public", new Uint8Array(1));
      const more: Statement = (system, values) => {
        both(system, values);
        power(system, wire(values, 0), 2);
      };
      const verifiers = {
        "another commitment": () =>
          verifierOf(group, [commitTo(group, [2n, 2n])[1]?.commitment ?? first, ...rest], both),
        "another order": () => verifierOf(group, [...rest, first], both),
        "one commitment more": () =>
          verifierOf(group, [...commitments, first], (system, values) => both(system, values.slice(0, 4))),
        "another label": () => verifierOf(group, commitments, both, new Transcript("another")),
        "a public input": () => verifierOf(group, commitments, both, input),
        "another constant": () =>
          verifierOf(group, commitments, (system, values) => {
            product(11n)(system, values);
            shuffle(system, values);
          }),
        "more multipliers": () => verifierOf(group, commitments, more),
        "no second phase": () => verifierOf(group, commitments, product(10n)),
        "no first phase": () => verifierOf(group, commitments, shuffle),
      };
      const taken = Object.entries(verifiers).filter(([, make]) => !isRefused(() => make().verify(proof)));
      expect(taken.map(([what]) => what)).toEqual([]);
    });
  });

  it("have no points of a second phase that has no multiplier, not even the identity", () => {
    const opened = commitTo(group, [2n, 5n]);
    const proof = prove(group, opened, product(10n));
    const written = concatBytes(
      Uint8Array.of(1),
      proof.subarray(1, 97),
      new Uint8Array(96),
      proof.subarray(97),
    );
    const point = concatBytes(
      Uint8Array.of(1),
      proof.subarray(1, 97),
      proof.subarray(1, 97),
      proof.subarray(97),
    );
    verify(opened, product(10n), proof);
    expect(isRefused(() => verify(opened, product(10n), written))).toBe(true);
    expect(isRefused(() => verify(opened, product(10n), point))).toBe(true);
  });

  it("have the points of a second phase that has multipliers, even where those would be the identity", () => {
    const zeros: Statement = (system) => {
      system.randomize((second) => {
        second.multiply(Linear.constant(0n), Linear.constant(0n));
      });
    };
    // Of the second phase, the wires' blinding scalars come first: three and two vectors.
    const transcript = new UnblindedTranscript(LABEL, (draw, request) => draw === 0 || request >= 5);
    const proof = proveWith(new Prover(group, transcript), [], zeros);
    const left = concatBytes(Uint8Array.of(0), proof.subarray(1, 97), proof.subarray(193));
    expect(proof.slice(97, 193)).toEqual(new Uint8Array(96));
    expect(() => verify([], zeros, proof)).toThrow("identity");
    expect(() => verify([], zeros, left)).toThrow("phases");
  });

  it("are refused for what they are: of no known version, about other vectors, of half a commitment", () => {
    const opened = commitTo(group, [2n, 5n]);
    const proof = prove(group, opened, product(10n));
    const later = concatBytes(Uint8Array.of(2), proof.subarray(1), new Uint8Array(192));
    const more: Statement = (system, values) => {
      product(10n)(system, values);
      power(system, wire(values, 0), 2);
    };
    expect(() => verify(opened, product(10n), later)).toThrow("version");
    expect(() => verify(opened, more, proof)).toThrow("4 multipliers");
    expect(() => verifierOf(group, [new Uint8Array(31)], product(10n))).toThrow("commitment: 31 bytes");
  });

  it("are refused where a point is the identity because nothing was blinded", () => {
    const opened = commitTo(group, [2n, 5n]);
    const proof = proveWith(new Prover(group, new UnblindedTranscript(LABEL)), opened, product(10n));
    expect(() => verify(opened, product(10n), proof)).toThrow("identity");
    expect(proof.slice(65, 97)).toEqual(new Uint8Array(32));
  });

  describe("of what is not so", () => {
    it("are not made: a wrong product, a wrong shuffle, a commitment to another value or with another blinding", () => {
      const opened = commitTo(group, [2n, 5n, 5n, 3n]);
      const [first, ...rest] = opened as [Opened, ...Opened[]];
      expect(() => prove(group, opened, product(11n))).toThrow("constraint 2 does not hold");
      expect(() => prove(group, opened, shuffle)).toThrow(/constraint \d does not hold/);
      expect(() => prove(group, [{ ...first, value: 7n }, ...rest], product(35n))).toThrow("opens");
      expect(() => prove(group, [{ ...first, blinding: 7n }, ...rest], product(10n))).toThrow("opens");
    });

    it("are refused where a prover makes them all the same", () => {
      const opened = commitTo(group, [2n, 5n, 5n, 3n]);
      const attempts: Record<string, [Statement, (wires: Wires) => void]> = {
        "a wrong constraint": [product(11n), () => {}],
        "a wrong shuffle": [shuffle, () => {}],
        "a wrong product": [product(11n), (wires) => wires.output.splice(0, 1, 11n)],
        "a wrong input": [
          product(15n),
          (wires) => {
            wires.left.splice(0, 1, 3n);
            wires.output.splice(0, 1, 15n);
          },
        ],
      };
      const taken = Object.entries(attempts).filter(([, [statement, cheat]]) => {
        const prover = new CheatingProver(group);
        const proof = proveWith(prover, opened, (system, values) => {
          statement(system, values);
          cheat(prover.wires);
        });
        return !isRefused(() => verify(opened, statement, proof));
      });
      expect(taken.map(([what]) => what)).toEqual([]);
    });

    it("are refused where a prover chooses a wire of the first phase once it has seen the challenge", () => {
      let drawn = 0n;
      const guess: Statement = (system) => {
        const { left, output } = system.allocate([1n, 1n]);
        system.randomize((second) => {
          drawn = second.challenge("guess");
          second.constrain(Linear.of(left).minus(Linear.constant(drawn)));
          second.constrain(Linear.of(output).minus(Linear.constant(drawn)));
        });
      };
      const late = new CheatingProver(group, (wires) => {
        wires.left.splice(0, 1, drawn);
        wires.output.splice(0, 1, drawn);
      });
      const proof = proveWith(late, [], guess);
      expect(late.wires.left).toEqual([drawn]);
      expect(isRefused(() => verify([], guess, proof))).toBe(true);
    });
  });

  it("have a challenge of the second phase that depends on every wire and commitment of the first, and the label", () => {
    const drawn: bigint[] = [];
    const free =
      (left: bigint, right: bigint): Statement =>
      (system) => {
        system.allocate([left, right]);
        system.randomize((second) => {
          drawn.push(second.challenge("depends"));
        });
      };
    prove(group, [], free(1n, 1n));
    prove(group, [], free(2n, 1n));
    prove(group, [], free(1n, 2n));
    prove(group, commitTo(group, [1n]), free(1n, 1n));
    proveWith(new Prover(group, new Transcript("another")), [], free(1n, 1n));
    expect(new Set(drawn).size).toBe(5);
    prove(group, [], free(1n, 1n));
    expect(drawn.at(-1)).toBe(drawn[0]);
  });
});
