// Runs mutants in blocks and counts what came of them. Everything follows from the seed and a mutant's number: a
// block draws from a stream of its own and begins from the same state, so a finding is replayed by playing its
// block up to it, and blocks can be played by any process in any order.
import { SeededRandom } from "../seeded.js";
import { type Corpus, makeCorpus } from "./corpus.js";
import { documentTargets } from "./documents.js";
import { Mutator } from "./mutator.js";
import { networkTargets } from "./network.js";
import { recordTarget } from "./records.js";
import { signatureTarget } from "./signatures.js";
import type { Attack, Shot, Target, Verdict } from "./target.js";
import { wordsOf } from "./target.js";
import { textTargets } from "./texts.js";
import { unitTargets } from "./unit.js";

export const BLOCK_MUTANTS = 250;
/** One mutant of so many may come as deep as a signature: checking one costs as much as 200 others. */
const DEEP_EVERY = 20;
const FINDINGS_MAX = 100;
const SHOWN_BYTES = 200;

export interface Finding {
  /** The mutant's number. */
  readonly mutant: number;
  readonly target: string;
  readonly what: string;
  /** The beginning of the mutant, hex. */
  readonly bytes: string;
}

export type Counts = Record<Verdict | "deep", number>;

export interface BlockResult {
  readonly target: string;
  readonly counts: Counts;
  readonly findings: readonly Finding[];
}

const noCounts = (): Counts => ({ refused: 0, valid: 0, accepted: 0, uncaught: 0, deep: 0 });

export class Fuzzer {
  readonly #seed: number;
  readonly #schedule: readonly Target[];

  /** @param seed of the documents and of all mutants, u32. */
  constructor(seed: number) {
    this.#seed = seed;
    const corpus: Corpus = makeCorpus(seed);
    const mutatorOf = (random: SeededRandom) => new Mutator(random, corpus.pool);
    this.#schedule = spread([
      ...unitTargets(corpus, seed, mutatorOf),
      ...documentTargets(corpus, mutatorOf),
      ...networkTargets(corpus, mutatorOf),
      ...textTargets(corpus, mutatorOf),
      signatureTarget(mutatorOf),
      recordTarget(corpus, mutatorOf),
    ]);
  }

  /**
   * Plays the mutants of a block, BLOCK_MUTANTS of them or the first `mutants`. What is only found at its end is
   * looked for again with all checks after each, to name the one that did it.
   */
  playBlock(block: number, mutants = BLOCK_MUTANTS): BlockResult {
    const played = this.#play(block, mutants, false);
    return played.isLate ? this.#play(block, mutants, true) : played;
  }

  /** Plays a mutant in its place, and says what came of it. */
  playOnly(mutant: number): { readonly target: string; readonly shot: Shot; readonly late: string | null } {
    const block = Math.floor(mutant / BLOCK_MUTANTS);
    const { target, attack } = this.#begin(block, true);
    const within = mutant % BLOCK_MUTANTS;
    const shots = Array.from({ length: within + 1 }, (_, at) =>
      shotOf(attack, at, `${target.name}, ${at} of ${block}`),
    );
    const shot = shots[within] as Shot;
    return { target: target.name, shot, late: finishOf(attack) };
  }

  #begin(block: number, isThorough: boolean) {
    const target = this.#schedule[block % this.#schedule.length] as Target;
    const random = new SeededRandom(this.#seed).fork(`block ${block}`);
    return { target, attack: target.begin(random, isThorough) };
  }

  #play(block: number, mutants: number, isThorough: boolean): BlockResult & { readonly isLate: boolean } {
    const { target, attack } = this.#begin(block, isThorough);
    const counts = noCounts();
    const findings: Finding[] = [];
    const first = block * BLOCK_MUTANTS;
    for (let at = 0; at < mutants; at++) {
      const { verdict, isDeep, what, bytes } = shotOf(attack, at, `${target.name}, mutant ${first + at}`);
      counts[verdict]++;
      if (isDeep) counts.deep++;
      if (verdict === "refused" || verdict === "valid") continue;
      findings.push({ mutant: first + at, target: target.name, what, bytes: shown(bytes) });
      // After a finding the target may be in a state of its own.
      if (findings.length === FINDINGS_MAX || target.isStateful)
        return { target: target.name, counts, findings, isLate: false };
    }
    const late = finishOf(attack);
    if (late === null) return { target: target.name, counts, findings, isLate: false };
    counts.accepted++;
    findings.push({
      mutant: first + mutants - 1,
      target: target.name,
      what: `at the block's end: ${late}`,
      bytes: "",
    });
    return { target: target.name, counts, findings, isLate: true };
  }
}

const VERDICTS = ["refused", "valid", "accepted", "uncaught", "deep"] as const;

const isDeepTurn = (at: number) => at % DEEP_EVERY === DEEP_EVERY - 1;

/** What goes wrong while a mutant is made is the fuzzer's own fault, and is told with the mutant's name. */
function shotOf(attack: Attack, at: number, name: string): Shot {
  try {
    return attack.shoot(isDeepTurn(at));
  } catch (error) {
    throw new Error(`the fuzzer failed at ${name}: ${wordsOf(error)}`);
  }
}

const shown = (bytes: Uint8Array) => Buffer.from(bytes.slice(0, SHOWN_BYTES)).toString("hex");

function finishOf(attack: Attack): string | null {
  try {
    return attack.finish?.() ?? null;
  } catch (error) {
    return wordsOf(error);
  }
}

/** Each target as often as its share, and at even distances, so that a short run meets all of them. */
function spread(targets: readonly Target[]): Target[] {
  const places = targets.flatMap((target) =>
    Array.from({ length: target.share }, (_, at) => ({ target, place: (at + 0.5) / target.share })),
  );
  return places.sort((a, b) => a.place - b.place).map(({ target }) => target);
}

/** Blocks of so many mutants; the last may be shorter. */
export const blocksOf = (mutants: number) => Math.ceil(mutants / BLOCK_MUTANTS);

/** Mutants of a block, where `mutants` are played in all. */
export const mutantsOf = (block: number, mutants: number) =>
  Math.min(BLOCK_MUTANTS, mutants - block * BLOCK_MUTANTS);

export type TargetCounts = Counts & { readonly target: string };

/** What came of all blocks, by target; in whatever order they were played. */
export class Tally {
  readonly #counts = new Map<string, Counts>();
  readonly #findings: Finding[] = [];

  add({ target, counts, findings }: BlockResult): void {
    const sum = this.#counts.get(target) ?? noCounts();
    for (const name of VERDICTS) sum[name] += counts[name];
    this.#counts.set(target, sum);
    this.#findings.push(...findings);
  }

  /** By falling number of mutants. */
  get targets(): readonly TargetCounts[] {
    const rows = [...this.#counts].map(([target, counts]) => ({ target, ...counts }));
    return rows.sort((a, b) => mutantsIn(b) - mutantsIn(a) || (a.target < b.target ? -1 : 1));
  }

  get total(): Counts {
    const sum = noCounts();
    for (const counts of this.#counts.values()) for (const name of VERDICTS) sum[name] += counts[name];
    return sum;
  }

  get findings(): readonly Finding[] {
    return [...this.#findings].sort((a, b) => a.mutant - b.mutant);
  }
}

export const mutantsIn = ({ refused, valid, accepted, uncaught }: Counts) =>
  refused + valid + accepted + uncaught;
