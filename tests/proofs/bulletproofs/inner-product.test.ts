import { concatBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { type Equation, holds } from "../../../src/proofs/bulletproofs/equation.js";
import { generatorsOf } from "../../../src/proofs/bulletproofs/generators.js";
import {
  type Basis,
  combiner,
  foldedScalars,
  type InnerProductProof,
  innerProductElements,
  proveInnerProduct,
  readInnerProduct,
  replayInnerProduct,
} from "../../../src/proofs/bulletproofs/inner-product.js";
import { innerProduct, modulo, powers } from "../../../src/proofs/scalars.js";
import { Transcript } from "../../../src/proofs/transcript.js";
import { FormatError } from "../../../src/trusted/encoding/bytes.js";
import { L } from "../../../src/trusted/sealing/edwards.js";
import { GROUPS } from "../groups.js";

const W = 77n;
const vector = (n: number, seed: bigint) => powers(seed, n + 1).slice(1);

describe.each(GROUPS)("inner-product arguments over the group of $name", (group) => {
  const basisOf = (n: number, split: number): Basis => ({
    ...generatorsOf(group).share(0, n),
    split,
    scale: 3n ** 90n,
    hRatio: 5n ** 80n,
  });

  /** That P = <a, G> + <b, H'> + W·product·B is what the proof is about: sections 3 and 6.2, written out. */
  function equation(
    proof: InnerProductProof,
    n: number,
    basis: Basis,
    a: bigint[],
    b: bigint[],
    product: bigint,
  ) {
    const replay = replayInnerProduct(new Transcript("inner"), n, proof);
    const factor = (at: number) => (at < basis.split ? 1n : basis.scale);
    const ratios = powers(basis.hRatio, n);
    const as = foldedScalars(replay, proof.a);
    const bs = foldedScalars(replay, proof.b).reverse();
    const encodings = [...proof.rounds.map(({ left }) => left), ...proof.rounds.map(({ right }) => right)];
    const sum: Equation = {
      base: modulo(W * (product - proof.a * proof.b)),
      blinding: 0n,
      shares: [
        {
          g: as.map((folded, at) => modulo(factor(at) * ((a[at] ?? 0n) - folded))),
          h: bs.map((folded, at) => modulo(factor(at) * (ratios[at] ?? 0n) * ((b[at] ?? 0n) - folded))),
        },
      ],
      points: group.decode(concatBytes(...encodings)),
      scalars: [...replay.squares, ...replay.inverseSquares],
    };
    return sum;
  }

  it.each([
    { n: 1, split: 1 },
    { n: 2, split: 1 },
    ...[0, 1, 3, 4, 6, 7, 8].map((split) => ({ n: 8, split })),
  ])("of $n elements, scaled from $split on, prove the product and no other", ({ n, split }) => {
    const [a, b] = [vector(n, 2n ** 200n + 1n), vector(n, 3n ** 150n)];
    const basis = basisOf(n, split);
    const proof = proveInnerProduct(group, new Transcript("inner"), W, basis, a, b);
    const product = innerProduct(a, b);
    expect(holds(group, equation(proof, n, basis, a, b, product))).toBe(true);
    expect(holds(group, equation(proof, n, basis, a, b, product + 1n))).toBe(false);
    expect(holds(group, equation(proof, n, basis, [...b], a, product))).toBe(false);
  });

  it("have one encoding, of the length of their vectors", () => {
    const proof = proveInnerProduct(
      group,
      new Transcript("inner"),
      W,
      basisOf(4, 4),
      vector(4, 9n),
      vector(4, 11n),
    );
    const elements = innerProductElements(proof);
    expect(elements.length).toBe(2 * 2 + 2);
    expect(readInnerProduct(elements, 4)).toEqual(proof);
    expect(() => readInnerProduct(elements, 8)).toThrow(FormatError);
    expect(() => readInnerProduct(elements.slice(1), 4)).toThrow(FormatError);
    for (const last of [new Uint8Array(32).fill(0xff), new Uint8Array(31), new Uint8Array(33)]) {
      expect(() => readInnerProduct([...elements.slice(0, -1), last], 4)).toThrow(FormatError);
    }
  });

  it("are joined to another check by a challenge that depends on all of them", () => {
    const proof = { rounds: [], a: 1n, b: 2n };
    const transcript = new Transcript("inner");
    const drawn = [proof, { ...proof, a: 2n }, { ...proof, b: L - 1n }].map((one) =>
      combiner(transcript, one),
    );
    expect(new Set(drawn).size).toBe(3);
    expect(combiner(transcript, proof)).toBe(drawn[0]);
    expect(combiner(new Transcript("other"), proof)).not.toBe(drawn[0]);
  });
});
