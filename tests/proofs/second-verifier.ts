// A second verifier of constraint proofs, written from section "constraint systems" of docs/gadgets.md: both of its
// equations by themselves, over the statement of the second compiler. It shares the transcript and the group with src.
import { shake256 } from "@noble/hashes/sha3.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { BLINDING } from "../../src/proofs/generators.js";
import type { Group } from "../../src/proofs/group/group.js";
import type { Transcript } from "../../src/proofs/transcript.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";
import { L, numberOf } from "../../src/trusted/sealing/edwards.js";
import { inverse, type WrittenStatement } from "./second-compiler.js";

const reduced = (value: bigint) => ((value % L) + L) % L;

/** An encoded point and its scalar. */
type Term = readonly [scalar: bigint, point: Uint8Array];

/** wL, wR, wO, wV of N or as many as there are, and wc. */
function flatten({ constraints }: WrittenStatement, z: bigint) {
  const weights = new Map<string, bigint>();
  let power = 1n;
  for (const sum of constraints) {
    power = (power * z) % L;
    for (const [wire, scalar] of sum) weights.set(wire, reduced((weights.get(wire) ?? 0n) + power * scalar));
  }
  const of = (wire: string) => weights.get(wire) ?? 0n;
  return {
    wL: (j: number) => of(`L ${j}`),
    wR: (j: number) => of(`R ${j}`),
    wO: (j: number) => of(`O ${j}`),
    wV: (i: number) => -of(`v ${i}`),
    wc: -of("1"),
  };
}

function generators(group: Group, letter: string, count: number): Uint8Array[] {
  const stream = shake256(concatBytes(asciiBytes(`GeneratorsChain${letter}`), new Uint8Array(4)), {
    dkLen: 64 * count,
  });
  const encoded = group.encode(group.fromUniform(stream));
  return Array.from({ length: count }, (_, at) => encoded.slice(32 * at, 32 * at + 32));
}

/** What a proof holds, and the challenges to it. */
interface Replay {
  readonly written: WrittenStatement;
  /** Of both phases, with the powers of x and u that they count times. */
  readonly wirePoints: readonly Term[];
  readonly T: readonly Term[];
  readonly evaluation: readonly bigint[];
  /** L and R of each round. */
  readonly rounds: readonly Term[];
  /** By which a generator counts in the end. */
  readonly s: readonly bigint[];
  readonly ends: readonly bigint[];
  readonly y: bigint;
  readonly z: bigint;
  readonly u: bigint;
  readonly x: bigint;
  readonly w: bigint;
}

type Statement = (challenge: (label: string) => bigint) => WrittenStatement;

/** Null for a proof of another size than the statement's. */
function replay(
  transcript: Transcript,
  commitments: readonly Uint8Array[],
  statement: Statement,
  proof: Uint8Array,
): Replay | null {
  const elements = Array.from({ length: (proof.length - 1) / 32 }, (_, at) =>
    proof.slice(1 + 32 * at, 33 + 32 * at),
  );
  const take = (count: number) => elements.splice(0, count);
  const append = (labels: readonly string[], taken: readonly Uint8Array[]) => {
    labels.forEach((label, at) => {
      transcript.append(label, taken[at] ?? new Uint8Array(32));
    });
    return taken;
  };
  const challenge = (label: string) => transcript.challenge(label);
  transcript.append("dom-sep", asciiBytes("r1cs v1"));
  for (const commitment of commitments) transcript.append("V", commitment);
  transcript.appendUint("m", commitments.length);
  const one = append(["A_I1", "A_O1", "S1"], take(3));
  transcript.append("dom-sep", asciiBytes("r1cs-2phase"));
  const written = statement(challenge);
  const two = append(["A_I2", "A_O2", "S2"], take(proof[0] === 1 ? 3 : 0));
  const [y, z] = [challenge("y"), challenge("z")];
  const polynomial = append(["T_1", "T_3", "T_4", "T_5", "T_6"], take(5));
  const [u, x] = [challenge("u"), challenge("x")];
  const evaluation = append(["t_x", "t_x_blinding", "e_blinding"], take(3)).map(numberOf);
  const w = challenge("w");
  const count = Math.ceil(Math.log2(written.first + written.second));
  if (proof[0] !== (written.second > 0 ? 1 : 0) || elements.length !== 2 * count + 2) return null;
  const rounds: Term[] = [];
  let s = [1n];
  transcript.append("dom-sep", asciiBytes("ipp v1"));
  transcript.appendUint("n", 2 ** count);
  while (elements.length > 2) {
    const [L = elements[0], R = elements[0]] = append(["L", "R"], take(2));
    const [of, inverted] = ((drawn) => [drawn, inverse(drawn)] as const)(challenge("u"));
    if (L && R) rounds.push([of ** 2n, L], [inverted ** 2n, R]);
    s = s.flatMap((factor) => [reduced(factor * inverted), reduced(factor * of)]);
  }
  const wirePoints = [
    ...one.map((point, at): Term => [x ** BigInt(at + 1), point]),
    ...two.map((point, at): Term => [u * x ** BigInt(at + 1), point]),
  ];
  const T = [1n, 3n, 4n, 5n, 6n].flatMap((power, at): Term[] => {
    const point = polynomial[at];
    return point ? [[x ** power, point]] : [];
  });
  return { written, wirePoints, T, evaluation, rounds, s, ends: elements.map(numberOf), y, z, u, x, w };
}

/**
 * Whether the proof is one of the statement.
 * @param transcript holds what the proof is about.
 * @param commitments V, encoded.
 * @param statement of the same size whatever the challenges.
 */
export function isProved(
  group: Group,
  transcript: Transcript,
  commitments: readonly Uint8Array[],
  statement: Statement,
  proof: Uint8Array,
): boolean {
  const replayed = replay(transcript, commitments, statement, proof);
  if (!replayed) return false;
  const { written, wirePoints, T, rounds, s, y, z, u, x, w } = replayed;
  const [t = 0n, tau = 0n, e = 0n] = replayed.evaluation;
  const [a = 0n, b = 0n] = replayed.ends;
  const { wL, wR, wO, wV, wc } = flatten(written, z);
  const base = group.encode(group.base);
  const blinding = BLINDING.toBytes();
  const H = generators(group, "H", s.length);
  let [delta, power] = [0n, 1n];
  const vectors = generators(group, "G", s.length).flatMap((point, j): Term[] => {
    const unpower = inverse(power);
    const f = j < written.first ? 1n : u;
    const folded = s[j] ?? 0n;
    delta += unpower * wR(j) * wL(j);
    const g = f * (x * unpower * wR(j) - a * folded);
    const h = f * unpower * (x * wL(j) + wO(j) - power - b * inverse(folded));
    power = (power * y) % L;
    return [
      [g, point],
      [h, H[j] ?? base],
    ];
  });
  const polynomial: Term[] = [
    [x ** 2n * (wc + delta) - t, base],
    [-tau, blinding],
    ...commitments.map((V, i): Term => [x ** 2n * wV(i), V]),
    ...T,
  ];
  const innerProduct: Term[] = [
    ...vectors,
    ...wirePoints,
    ...rounds,
    [-e, blinding],
    [w * (t - a * b), base],
  ];
  return isZero(group, polynomial) && isZero(group, innerProduct);
}

function isZero(group: Group, terms: readonly Term[]): boolean {
  const sum = group.sum(
    terms.map(([scalar]) => reduced(scalar)),
    group.decode(concatBytes(...terms.map(([, point]) => point))),
  );
  return group.isZero(sum);
}
