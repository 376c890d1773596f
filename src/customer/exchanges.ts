// Which readings do answers leave open? A reading is hidden if a unit exchange exists: some readings one Wh up,
// others one Wh down, and every answer stays as it is. Rank over the rationals would miss what small integers give
// away (one odd rate among equal ones gives its reading by a remainder); an exchange that is found is a proof,
// one that is not found counts as none. It knows columns of rates and nothing of bills or askers.
import { assert } from "../trusted/encoding/bytes.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { COLUMN_RATE_MAX, type Column, keyOf, rateIn, ratioOf } from "./column.js";
import { PairSums } from "./pair-sums.js";

/** Readings that are alike in every answer, from which on nothing is warned of. */
export const ALIKE_MIN = 16;
/** Most that one reading takes in a move shared by at least 16 readings of 0 Wh. */
const SHARED_MOVE_MAX_Wh = 100;
/**
 * Columns searched together, and how many of them have their exchange sought; the rest are partners. Most prices of
 * tariffs find theirs in the small pool, of 131,000 pairs; the large one has 2.1 M in 30 MB.
 */
const SMALL_POOL = { columns: 512, sought: 256 };
const LARGE_POOL = { columns: 2048, sought: 1536 };
/** Pairs made and looked at in all: some seconds. What is undecided then counts as not hidden. */
const STEPS_MAX = 2 ** 26;
/** Sampled exchanges of six: in all, and for one column. */
const SAMPLES_MAX = 2 ** 22;
const SAMPLES_EACH_MAX = 2 ** 17;

/** A reading that the asker does not know beforehand. */
export interface Unknown {
  readonly column: Column;
  /** How answers that are symmetric functions treat it; "" if it is in none. Equal tags are treated alike. */
  readonly tags: string;
  /** Null if the customer does not say: it is then taken to be between the bounds and unlike the others. */
  readonly value: number | null;
  /** Whether one Wh more, or less, stays within bounds and leaves every symmetric function as it is. */
  readonly up: boolean;
  readonly down: boolean;
}

export interface Exchanges {
  /** By unknown. */
  readonly isHidden: readonly boolean[];
  /** By unknown: how many are alike in every answer, itself included. */
  readonly alike: readonly number[];
  /** Work done, for tests: pairs made, looked at, and sampled. */
  readonly steps: number;
}

/**
 * Looks for an exchange for every unknown. The exchanges sought, each verified exactly:
 * 1. with another of the same column: one up, one down; or two of the same column and tags swap unlike values;
 * 2. of four, column_j + column_k = column_l + column_m, all pairs of a pool of 2,047 columns at most; the column of
 *    zeros (a reading outside all answers) may stand in for any but j;
 * 3. of six, three up and three down, sampled: 31-bit rates of one month are too sparse for exchanges of four;
 * 4. for at least 16 readings alike that are all 0 Wh, which cannot go down: all of them together up, by as much as two
 *    other readings, moved by one, or one other column, no reading moved by more than 100 Wh, make up for.
 * Complete for 1 and, up to 2,047 columns, for 2. Time: quadratic in a pool, at most 2^26 steps in all.
 */
export function findExchanges(unknowns: readonly Unknown[]): Exchanges {
  return new Search(unknowns).run();
}

/** All readings of one column. */
interface Entry {
  readonly column: Column;
  /** Indices of unknowns. */
  readonly members: number[];
  /** How many can go up, and down. */
  ups: number;
  downs: number;
}

/** Looks for exchanges of column j of a pool. */
type Rule = (pool: readonly Entry[], sums: PairSums, j: number) => void;

/** What no answer sees: as many readings as one likes, up or down. */
const outside = (): Entry => ({ column: [], members: [], ups: 2, downs: 2 });

class Search {
  readonly #unknowns: readonly Unknown[];
  readonly #isHidden: boolean[];
  readonly #entries = new Map<string, Entry>();
  #steps = 0;
  #samples = 0;
  #random = 0x2545f491;

  constructor(unknowns: readonly Unknown[]) {
    this.#unknowns = unknowns;
    this.#isHidden = unknowns.map(({ column, up, down }) => column.length === 0 && (up || down));
    unknowns.forEach(({ column, up, down }, at) => {
      const key = keyOf(column);
      const entry = this.#entries.get(key) ?? { column, members: [], ups: 0, downs: 0 };
      entry.members.push(at);
      if (up) entry.ups++;
      if (down) entry.downs++;
      this.#entries.set(key, entry);
    });
  }

  run(): Exchanges {
    const alike = this.#swapAlike();
    const entries = [...this.#entries.values()];
    for (const entry of entries) this.#exchangeWithin(entry);
    const partners = entries
      .filter(({ column, ups, downs }) => column.length > 0 && ups + downs > 0)
      .sort((a, b) => b.members.length - a.members.length);
    const rules: Rule[] = [
      (...place) => this.#exchangeOfFour(...place),
      (...place) => this.#moveTogether(...place),
    ];
    this.#searchPools(partners, SMALL_POOL, rules);
    this.#searchPools(partners, LARGE_POOL, [...rules, (...place) => this.#exchangeOfSix(...place)]);
    return { isHidden: this.#isHidden, alike, steps: this.#steps + this.#samples };
  }

  #isOpen({ members }: Entry): boolean {
    return members.some((member) => !this.#isHidden[member]);
  }

  /** Rule 1, swaps: of the same column and tags, unless all have one value. @returns how many are alike. */
  #swapAlike(): number[] {
    const groups = new Map<string, number[]>();
    this.#unknowns.forEach(({ column, tags }, at) => {
      const key = `${keyOf(column)}/${tags}`;
      const group = groups.get(key) ?? [];
      group.push(at);
      groups.set(key, group);
    });
    const alike = this.#unknowns.map(() => 1);
    for (const group of groups.values()) {
      const values = new Set(group.map((member) => this.#unknowns[member]?.value));
      const isMixed = group.length > 1 && (values.size > 1 || values.has(null));
      for (const member of group) {
        alike[member] = group.length;
        if (isMixed) this.#isHidden[member] = true;
      }
    }
    return alike;
  }

  /** Rule 1, one up and one down. */
  #exchangeWithin({ members, ups, downs }: Entry): void {
    for (const member of members) {
      const { up = false, down = false } = this.#unknowns[member] ?? {};
      const otherUps = ups - (up ? 1 : 0);
      const otherDowns = downs - (down ? 1 : 0);
      if ((up && otherDowns > 0) || (down && otherUps > 0)) this.#isHidden[member] = true;
    }
  }

  /**
   * Applies rules to every column that is open, in pools: the column of zeros, columns sought, partners. Those that
   * are in the same answers come first, for their exchanges have the fewest sums to keep.
   */
  #searchPools(partners: readonly Entry[], size: typeof LARGE_POOL, rules: readonly Rule[]): void {
    for (const [answers, open] of this.#openByAnswers(partners)) {
      const near = partners.filter(({ column }) => answersOf(column) === answers);
      const all = [...new Set([...near, ...partners])];
      for (let at = 0; at < open.length && this.#steps < STEPS_MAX; at += size.sought) {
        const sought = open.slice(at, at + size.sought);
        const among = new Set(sought);
        const rest = all.filter((entry) => !among.has(entry)).slice(0, size.columns - 1 - sought.length);
        this.#searchPool([outside(), ...sought, ...rest], sought.length, rules);
      }
    }
  }

  #openByAnswers(entries: readonly Entry[]): Map<string, Entry[]> {
    const groups = new Map<string, Entry[]>();
    for (const entry of entries) {
      if (!this.#isOpen(entry)) continue;
      const answers = answersOf(entry.column);
      const group = groups.get(answers) ?? [];
      group.push(entry);
      groups.set(answers, group);
    }
    return groups;
  }

  #searchPool(pool: readonly Entry[], sought: number, rules: readonly Rule[]): void {
    const columns = pool.map(({ column }) => column);
    const isRepeated = pool.map(({ ups, downs }) => Math.max(ups, downs) > 1);
    const sums = new PairSums(columns, isRepeated, STEPS_MAX - this.#steps);
    for (const rule of rules) for (let j = 1; j <= sought; j++) rule(pool, sums, j);
    this.#steps += sums.steps;
  }

  /** Rule 2: for every k all pairs of the sum column_j + column_k. */
  #exchangeOfFour(pool: readonly Entry[], sums: PairSums, j: number): void {
    const own = entryAt(pool, j);
    if (!this.#isOpen(own)) return;
    for (let k = 0; k < pool.length; k++) {
      // A k that has been sought in vain has been tried with j.
      if (k > 0 && k < j && this.#isOpen(entryAt(pool, k))) continue;
      for (let pair = sums.equalTo(j, k); pair >= 0; pair = sums.next(pair)) {
        const l = sums.left(pair);
        const m = sums.right(pair);
        // A shared column would leave another shared one, or nothing: no exchange.
        if (l === j || m === j || (k > 0 && (l === k || m === k))) continue;
        if (this.#exchange(pool, [j, k], [l, m]) && !this.#isOpen(own)) return;
      }
    }
  }

  /** Rule 3: random k, k', l, and all pairs that make up for them. */
  #exchangeOfSix(pool: readonly Entry[], sums: PairSums, j: number): void {
    const own = entryAt(pool, j);
    for (let tries = 0; tries < SAMPLES_EACH_MAX && this.#samples < SAMPLES_MAX; tries++) {
      if (pool.length < 7 || !this.#isOpen(own)) return;
      this.#samples++;
      const k = this.#draw(pool.length);
      const k2 = this.#draw(pool.length);
      const l = this.#draw(pool.length);
      if (k === j || k2 === j || l === j || k === k2 || l === k || l === k2) continue;
      for (
        let pair = sums.equalToFour(j, k, k2, l);
        pair >= 0 && this.#steps < STEPS_MAX;
        pair = sums.next(pair)
      ) {
        this.#steps++;
        const [m, m2] = [sums.left(pair), sums.right(pair)];
        if ([j, k, k2, l].some((taken) => taken === m || taken === m2)) continue;
        if (this.#exchange(pool, [j, k, k2], [l, m, m2]) && !this.#isOpen(own)) return;
      }
    }
  }

  /** An index of a pool but the first, uniform enough (xorshift of 32 bits, Marsaglia 2003). */
  #draw(length: number): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return 1 + ((this.#random >>> 0) % (length - 1));
  }

  /** Whether one side up and the other down, or the reverse, changes no answer and is possible; then all are hidden. */
  #exchange(pool: readonly Entry[], some: readonly number[], others: readonly number[]): boolean {
    const [side, other] = [some, others].map((indices) => indices.map((at) => entryAt(pool, at)));
    if (!side || !other) return false;
    const forwards = canMove(side, "ups") && canMove(other, "downs");
    const backwards = canMove(side, "downs") && canMove(other, "ups");
    if (!forwards && !backwards) return false;
    if (!isBalanced(side, other)) return false;
    if (forwards) this.#hide(side, other);
    if (backwards) this.#hide(other, side);
    return true;
  }

  /** Any member of a column that can go its way may be the one that goes. */
  #hide(ups: readonly Entry[], downs: readonly Entry[]): void {
    for (const { members } of ups)
      for (const member of members) if (this.#unknowns[member]?.up) this.#isHidden[member] = true;
    for (const { members } of downs)
      for (const member of members) if (this.#unknowns[member]?.down) this.#isHidden[member] = true;
  }

  /** Rule 4. */
  #moveTogether(pool: readonly Entry[], sums: PairSums, j: number): void {
    const own = entryAt(pool, j);
    if (!this.#isOpen(own) || own.members.length < ALIKE_MIN) return;
    const zeros = own.members.filter((member) => this.#isPlainZero(member));
    if (zeros.length < own.members.length) return;
    const limit = zeros.length * SHARED_MOVE_MAX_Wh;
    const isFound =
      pool.some((entry, k) => k > 0 && k !== j && this.#makesUp(own, entry, limit)) ||
      this.#pairMakesUp(pool, sums, j, limit);
    if (isFound) for (const member of zeros) this.#isHidden[member] = true;
  }

  #isPlainZero(member: number): boolean {
    const { value, tags, up } = this.#unknowns[member] ?? {};
    return value === 0 && tags === "" && up === true;
  }

  /** Whether one other column can make up for a common move: a·own + b·other = 0 in lowest terms. */
  #makesUp(own: Entry, other: Entry, limit: number): boolean {
    const [a, b] = ratioOf(own.column, other.column);
    if (a === 0 || a > limit) return false;
    const capacity = other.members.reduce((sum, member) => sum + this.#capacity(member, b), 0);
    return Math.abs(b) <= capacity;
  }

  /** What a reading can give way in a direction, at most 100 Wh; nothing if a symmetric function looks at it. */
  #capacity(member: number, direction: number): number {
    const { value, tags } = this.#unknowns[member] ?? {};
    if (tags !== "" || value === undefined) return 0;
    if (value === null) return 1;
    return Math.min(SHARED_MOVE_MAX_Wh, direction > 0 ? U32_MAX - value : value);
  }

  /** Whether two other readings, both one up or both one down, make up for a common move. */
  #pairMakesUp(pool: readonly Entry[], sums: PairSums, j: number, limit: number): boolean {
    const own = entryAt(pool, j);
    for (let pair = 0; pair < sums.size; pair++) {
      const indices = [sums.left(pair), sums.right(pair)];
      if (indices.includes(j)) continue;
      const others = indices.map((at) => entryAt(pool, at));
      const times = timesOf(own.column, others);
      if (times === 0 || Math.abs(times) > limit) continue;
      if (canMove(others, times > 0 ? "downs" : "ups")) return true;
    }
    return false;
  }
}

/** Equal for columns that are in the same answers. */
const answersOf = (column: Column) => column.map(([answer]) => answer).join(";");

function entryAt(pool: readonly Entry[], at: number): Entry {
  const entry = pool[at];
  assert(entry !== undefined, "index lies within its pool");
  return entry;
}

/** Whether each column has a reading of its own that can go that way. */
const canMove = (side: readonly Entry[], way: "ups" | "downs") =>
  side.every((entry) => entry[way] >= side.filter((one) => one === entry).length);

/** The sum of some columns less that of others, by answer. */
function difference(some: readonly Entry[], others: readonly Entry[]): Map<number, number> {
  const sums = new Map<number, number>();
  const add = (entries: readonly Entry[], sign: number) => {
    for (const { column } of entries)
      for (const [answer, rate] of column) sums.set(answer, (sums.get(answer) ?? 0) + sign * rate);
  };
  add(some, 1);
  add(others, -1);
  return sums;
}

const isBalanced = (some: readonly Entry[], others: readonly Entry[]) =>
  [...difference(some, others).values()].every((sum) => sum === 0);

/** The integer n for which the sum of some columns is n times a column; 0 if there is none. */
function timesOf(column: Column, some: readonly Entry[]): number {
  const [answer, rate] = column[0] ?? [0, 1];
  // Most pairs end here, before a map is made.
  const first = some.reduce((sum, entry) => sum + rateIn(entry.column, answer), 0);
  const times = first / rate;
  if (times === 0 || !Number.isInteger(times) || Math.abs(times) > 2 ** 20) return 0;
  const sums = difference(some, []);
  for (const [at, own] of column) sums.set(at, (sums.get(at) ?? 0) - times * own);
  const isExact = column.every(([, own]) => Math.abs(times * own) <= COLUMN_RATE_MAX);
  return isExact && [...sums.values()].every((sum) => sum === 0) ? times : 0;
}
