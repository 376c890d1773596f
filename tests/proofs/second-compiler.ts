// A second compiler of general bills' statements, written from docs/gadgets.md and section 13 of docs/protocol.md: it
// shares with src what a charge looks like and which intervals lie within hours, and no gadget, plan or bound. So the
// text is tested, and code that departs from it is found.
import type { Blocks, ByReading, Demand, Expression, Spline } from "../../src/tariff/charge.js";
import type { Tariff } from "../../src/tariff/document.js";
import { daysOf, intervalsDuring, type Period, policyRates } from "../../src/tariff/evaluate.js";
import { L } from "../../src/trusted/sealing/edwards.js";

/** Scalars by wire: "1", "v 0", "L 3", "R 3", "O 3". */
export type Sum = ReadonlyMap<string, bigint>;

const reduced = (value: bigint) => ((value % L) + L) % L;
const constant = (value: bigint): Sum => new Map([["1", value]]);
const wire = (name: string): Sum => new Map([[name, 1n]]);

/** The sum of factor times sum, without what cancels out. */
export function add(...parts: readonly (readonly [factor: bigint, sum: Sum])[]): Sum {
  const total = new Map<string, bigint>();
  for (const [factor, sum] of parts) {
    for (const [name, scalar] of sum) {
      total.set(name, reduced((total.get(name) ?? 0n) + factor * scalar));
    }
  }
  for (const [name, scalar] of total) if (scalar === 0n) total.delete(name);
  return total;
}

export function inverse(value: bigint): bigint {
  let [result, base, exponent] = [1n, reduced(value), L - 2n];
  for (; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % L;
    base = (base * base) % L;
  }
  return result;
}

const len = (n: bigint) => (n === 0n ? 0 : n.toString(2).length);
const ceilDivide = (a: bigint, b: bigint) => (a + b - 1n) / b;
const least = (values: readonly bigint[]) => values.reduce((a, b) => (b < a ? b : a));
const greatest = (values: readonly bigint[]) => values.reduce((a, b) => (b > a ? b : a));
const power = (bits: number) => 2n ** BigInt(bits);

/** Section "ranges": the plan. */
function planRanges(counts: ReadonlyMap<number, number>) {
  const plans = Array.from({ length: 14 }, (_, at) => {
    const w = at + 1;
    const limbs = (b: number) => Math.ceil(b / w);
    const t = (b: number) => ((b - 1) % w) + 1;
    const top = (b: number) => {
      if (t(b) === w) return "full";
      const c = [...counts].reduce((sum, [other, count]) => sum + (t(other) === t(b) ? count : 0), 0);
      return c <= 2 ** (t(b) - 1) ? "scaled" : "table";
    };
    const all = [...counts.keys()];
    const tables = new Set([
      ...(all.some((b) => limbs(b) > 1 || top(b) !== "table") ? [w] : []),
      ...all.filter((b) => top(b) === "table").map(t),
    ]);
    const sum = (of: (b: number) => number) => [...counts].reduce((s, [b, count]) => s + count * of(b), 0);
    const entries = [...tables].reduce((s, table) => s + 2 ** table, 0);
    const first = Math.ceil((sum((b) => limbs(b) - 1) + entries) / 2);
    const second = sum((b) => limbs(b) + (top(b) === "scaled" ? 1 : 0));
    return { w, limbs, t, top, tables: [...tables].sort((a, b) => a - b), cost: first + second };
  });
  return plans.reduce((best, plan) => (plan.cost < best.cost ? plan : best));
}

interface Segment {
  readonly from: bigint;
  readonly c: readonly bigint[];
}
interface Function {
  readonly segments: readonly Segment[];
  readonly limit: bigint;
}
type Wanted = "each" | "sum";

/** Section "splines": the plan and its rows. */
function planSpline({ segments, limit }: Function, n: number, wanted: Wanted) {
  const sizes = segments.map(({ from }, at) => (segments[at + 1]?.from ?? limit) - from);
  const D = Math.max(...segments.map(({ c }) => c.length - 1));
  const shapes = [
    { kind: "segment", bits: Math.max(1, len(greatest(sizes) - 1n)), degree: D, checks: 2 },
    ...Array.from({ length: len(least(sizes)) - 1 }, (_, at) => ({
      kind: "block",
      bits: at + 1,
      degree: D,
      checks: 1,
    })),
    { kind: "number", bits: 0, degree: 0, checks: 0 },
  ].map((shape) => {
    const step = (size: bigint) => (shape.kind === "segment" ? size : power(shape.bits));
    const rows = sizes.reduce((sum, size) => sum + ceilDivide(size, step(size)), 0n);
    const offset = shape.degree === 0 && shape.kind !== "number";
    const own = (wanted === "each" ? 1 : 0) + (offset ? 1 : 0) + (shape.kind === "segment" ? 1 : 0);
    const ranges = planRanges(new Map(shape.checks > 0 ? [[shape.bits, n * shape.checks]] : [])).cost;
    const free = Math.ceil((n * own) / 2) + Math.ceil(Number(rows) / 2);
    return { ...shape, step, rows, own, offset, cost: free + n * (shape.degree + 1) + ranges };
  });
  const plan = shapes
    .filter(({ rows }) => rows <= 65_536n)
    .reduce((best, shape) => (shape.cost < best.cost ? shape : best));
  const rows = segments.flatMap(({ from, c }, at) => {
    const size = sizes[at] ?? 0n;
    const step = plan.step(size);
    const count = Number(ceilDivide(size, step));
    return Array.from({ length: count }, (_, k) => {
      const start = k === count - 1 ? size - step : BigInt(k) * step;
      return { start: from + start, end: from + start + step - 1n, c: movedBy(c, start, plan.degree) };
    });
  });
  return { ...plan, rows };
}

/** Coefficients in x - start of a polynomial in x, by the binomial theorem. */
function movedBy(c: readonly bigint[], start: bigint, degree: number): bigint[] {
  const choose = (n: number, k: number): bigint =>
    k === 0 || k === n ? 1n : choose(n - 1, k - 1) + choose(n - 1, k);
  return Array.from({ length: degree + 1 }, (_, k) =>
    c.reduce((sum, one, n) => (n < k ? sum : sum + one * choose(n, k) * start ** BigInt(n - k)), 0n),
  );
}

/** The system and the gadgets, under the names of the text. */
class Writer {
  multipliers = 0;
  readonly constraints: Sum[] = [];
  readonly later: (() => void)[] = [];
  readonly #checks: { readonly e: Sum; readonly b: number }[] = [];
  readonly #challenge: (label: string) => bigint;

  constructor(challenge: (label: string) => bigint) {
    this.#challenge = challenge;
  }

  zero(e: Sum): void {
    this.constraints.push(e);
  }

  alloc() {
    const j = this.multipliers++;
    return { l: wire(`L ${j}`), r: wire(`R ${j}`), o: wire(`O ${j}`) };
  }

  mul(a: Sum, b: Sum): Sum {
    const { l, r, o } = this.alloc();
    this.zero(add([1n, a], [-1n, l]));
    this.zero(add([1n, b], [-1n, r]));
    return o;
  }

  free(n: number): Sum[] {
    const wires = Array.from({ length: Math.ceil(n / 2) }, () => this.alloc());
    return wires.flatMap(({ l, r }) => [l, r]).slice(0, n);
  }

  check(e: Sum, b: number): void {
    this.#checks.push({ e, b });
  }

  lookups(X: readonly Sum[], E: readonly bigint[], m: readonly Sum[]): void {
    const y = X.map((x) => {
      const { l, r, o } = this.alloc();
      this.zero(add([1n, r], [-1n, x]));
      this.zero(add([1n, o], [-1n, constant(1n)]));
      return l;
    });
    const counted = m.map((wires, t) => [-inverse(E[t] ?? 0n), wires] as const);
    this.zero(add(...y.map((one) => [1n, one] as const), ...counted));
  }

  /** The multiplicities. */
  table(rows: readonly (readonly bigint[])[], lookups: readonly (readonly Sum[])[]): Sum[] {
    const m = this.free(rows.length);
    this.later.push(() => {
      const beta = this.#challenge("row");
      const gamma = this.#challenge("column");
      const weighted = (columns: readonly Sum[]) =>
        add([beta, constant(1n)], ...columns.map((c, k) => [gamma ** BigInt(k), c] as const));
      const numbers = rows.map((row) => weighted(row.map(constant)).get("1") ?? 0n);
      this.lookups(lookups.map(weighted), numbers, m);
    });
    return m;
  }

  finish(): void {
    const counts = new Map<number, number>();
    for (const { b } of this.#checks) counts.set(b, (counts.get(b) ?? 0) + 1);
    const { w, limbs, t, top, tables } = planRanges(counts);
    const u = this.free(this.#checks.reduce((sum, { b }) => sum + limbs(b) - 1, 0));
    const lookups = this.#checks.flatMap(({ e, b }) => {
      const upper = u.splice(0, limbs(b) - 1);
      const lowest = add([1n, e], ...upper.map((limb, k) => [-power((k + 1) * w), limb] as const));
      const all = [lowest, ...upper].map((number) => ({ number, table: w }));
      const last = all[all.length - 1];
      if (!last) throw new Error("no limb");
      if (top(b) === "table") return [...all.slice(0, -1), { ...last, table: t(b) }];
      if (top(b) === "full") return all;
      return [...all, { number: add([power(w - t(b)), last.number]), table: w }];
    });
    for (const table of tables) {
      const entries = Array.from({ length: 2 ** table }, (_, entry) => BigInt(entry));
      const m = this.free(entries.length);
      this.later.push(() => {
        const beta = this.#challenge("range");
        const X = lookups.filter((one) => one.table === table);
        this.lookups(
          X.map(({ number }) => add([1n, number], [beta, constant(1n)])),
          entries.map((entry) => entry + beta),
          m,
        );
      });
    }
  }

  spline(X: readonly Sum[], f: Function, wanted: Wanted): Sum {
    const plan = planSpline(f, X.length, wanted);
    const { kind, degree, bits, own, rows } = plan;
    const isEach = wanted === "each";
    const wires = this.free(X.length * own);
    const values: Sum[] = [];
    const lookups = X.map((x) => {
      const mine = wires.splice(0, own);
      const offsetWire = plan.offset ? mine.splice(0, 1) : [];
      const end = kind === "segment" ? mine.splice(0, 1) : [];
      const c0 = isEach ? mine.splice(0, 1) : [];
      const sumOf = (parts: readonly Sum[]) => add(...parts.map((part) => [1n, part] as const));
      if (kind === "number") {
        values.push(sumOf(c0));
        return [x, ...c0];
      }
      const { offset, c, v } = this.#rise(degree, offsetWire);
      this.check(offset, bits);
      for (const e of end) this.check(add([1n, e], [-1n, x]), bits);
      values.push(sumOf([v, ...c0]));
      return [add([1n, x], [-1n, offset]), ...c, ...end, ...c0];
    });
    const m = this.table(
      rows.map(({ start, end, c }) => [
        start,
        ...c.slice(1),
        ...(kind === "segment" ? [end] : []),
        ...(isEach ? [c[0] ?? 0n] : []),
      ]),
      lookups,
    );
    const total = isEach ? [] : m.map((wires, row) => [rows[row]?.c[0] ?? 0n, wires] as const);
    return add(...values.map((value) => [1n, value] as const), ...total);
  }

  #rise(degree: number, own: readonly Sum[]) {
    const none: Sum = new Map();
    const c: Sum[] = [];
    let [offset, v] = [own[0] ?? none, none];
    for (let k = degree; k >= 1; k--) {
      const { l, r, o } = this.alloc();
      c.unshift(add([1n, l], [-1n, v]));
      if (k === degree) offset = r;
      else this.zero(add([1n, r], [-1n, offset]));
      v = o;
    }
    return { offset, c, v };
  }

  atLeast(a: Sum, b: Sum, n: number): Sum {
    const { l, r, o } = this.alloc();
    this.zero(add([1n, l], [1n, r], [-1n, constant(1n)]));
    this.zero(o);
    this.check(add([1n, a], [-1n, b], [power(n), constant(1n)], [-power(n), l]), n);
    return l;
  }

  excess(a: Sum, b: Sum, n: number): Sum {
    return this.mul(this.atLeast(a, b, n), add([1n, a], [-1n, b]));
  }

  maximumOf(numbers: readonly Sum[], n: number): Sum {
    const [first, second, ...others] = numbers;
    if (!first) throw new Error("of no numbers");
    if (!second) return first;
    const { l, r, o } = this.alloc();
    const M = add([1n, first], [1n, l]);
    this.zero(add([1n, r], [-1n, M], [1n, second]));
    let p = o;
    for (const other of others) p = this.mul(p, add([1n, M], [-1n, other]));
    this.zero(p);
    for (const number of numbers) this.check(add([1n, M], [-1n, number]), n);
    return M;
  }

  quotient(a: Sum, d: bigint, n: number): Sum {
    const { l: q } = this.alloc();
    this.check(add([1n, q], [power(n), constant(1n)]), n + 1);
    const e = add([1n, a], [-d, q]);
    this.check(e, len(d - 1n));
    this.check(add([d - 1n, constant(1n)], [-1n, e]), len(d - 1n));
    return q;
  }

  roundedHalfUp(a: Sum, d: bigint, n: number): Sum {
    return this.quotient(add([2n, a], [d, constant(1n)]), 2n * d, n);
  }

  roundedHalfAway(a: Sum, d: bigint, n: number): Sum {
    const s = this.atLeast(a, new Map(), n + len(d));
    return this.quotient(add([2n, a], [d - 1n, constant(1n)], [1n, s]), 2n * d, n);
  }

  steps(x: Sum, t: readonly bigint[], p: readonly bigint[], n: number): Sum {
    const step = (i: number) => (p[i + 1] ?? 0n) - (p[i] ?? 0n);
    if (t.length > 2) {
      let [from, base] = [0n, 0n];
      const segments = p.map((rate, i) => {
        const segment = { from, c: [base, rate] };
        const to = t[i] ?? from;
        [base, from] = [base + rate * (to - from), to];
        return segment;
      });
      return this.spline([x], { segments, limit: power(n) }, "each");
    }
    const s = t.map((threshold) => this.atLeast(x, constant(threshold), n));
    const rate = add([p[0] ?? 0n, constant(1n)], ...s.map((bit, i) => [step(i), bit] as const));
    const base = s.map((bit, i) => [-step(i) * (t[i] ?? 0n), bit] as const);
    return add([1n, this.mul(x, rate)], ...base);
  }
}

interface Bounds {
  readonly low: bigint;
  readonly high: bigint;
}
const hull = (values: readonly bigint[]): Bounds => ({ low: least(values), high: greatest(values) });
const apart = (a: Bounds, b: Bounds): Bounds => ({ low: a.low - b.high, high: a.high - b.low });
const bitsOf = ({ low, high }: Bounds) => Math.max(1, len(greatest([low, -low, high, -high])));

function rounded(value: bigint, divisor: bigint): bigint {
  const size = value < 0n ? -value : value;
  const nearest = (2n * size + divisor) / (2n * divisor);
  return value < 0n ? -nearest : nearest;
}

/** A node's wires and its bounds. */
interface Compiled extends Bounds {
  readonly sum: Sum;
}

export interface Described {
  readonly tariff: Tariff & { readonly charge: Expression };
  readonly period: Period;
  readonly channels: readonly string[];
  /** By interval of the period. */
  readonly present: readonly boolean[];
}

/** The committed values: sums of readings by weights, by channel, then by interval; then readings. */
export interface Values {
  readonly sums: readonly { readonly weights: readonly (readonly bigint[])[] }[];
  readonly readings: readonly { readonly at: number; readonly channel: number }[];
}

/** Nodes of the charge, each after those below it. */
function walk(node: Expression): Expression[] {
  if ("parts" in node) return [...node.parts.flatMap(walk), node];
  if ("of" in node) return [...walk(node.of), node];
  if (node.kind !== "when") return [node];
  return [...[node.quantity, node.atLeast, node.met, node.unmet].flatMap(walk), node];
}

class Compiler {
  readonly writer: Writer;
  readonly sums: { readonly of: Expression | null; readonly weights: readonly (readonly bigint[])[] }[];
  readonly readings: { readonly at: number; readonly channel: number }[];
  readonly #described: Described;

  constructor(described: Described, challenge: (label: string) => bigint) {
    this.#described = described;
    this.writer = new Writer(challenge);
    const { tariff, channels, present } = described;
    const nodes = walk(tariff.charge);
    this.sums = [null, ...nodes].flatMap((of) => {
      const weights = channels.map((obis) =>
        present.map((isThere, at) => (isThere ? this.#weight(of, obis, at) : 0n)),
      );
      return weights.flat().some((weight) => weight !== 0n) ? [{ of, weights }] : [];
    });
    this.readings = present.flatMap((isThere, at) =>
      channels.flatMap((obis, channel) =>
        isThere && nodes.some((node) => this.#looksAt(node, obis, at)) ? [{ at, channel }] : [],
      ),
    );
  }

  #isDuring(node: { readonly during: Parameters<typeof intervalsDuring>[1] }, at: number): boolean {
    return intervalsDuring(this.#described.tariff, node.during, this.#described.period)[at] === true;
  }

  #looksAt(node: Expression, obis: string, at: number): boolean {
    const isReader = node.kind === "demand" || node.kind === "by-reading" || node.kind === "spline";
    return isReader && node.obis === obis && this.#isDuring(node, at);
  }

  #weight(of: Expression | null, obis: string, at: number): bigint {
    const { tariff, period } = this.#described;
    if (of?.kind === "energy") return of.obis === obis && this.#isDuring(of, at) ? 1n : 0n;
    if (of !== null && of.kind !== "cost") return 0n;
    const policy = (of?.policies ?? tariff.energy).find((one) => one.obis === obis);
    return policy ? BigInt(policyRates(tariff, policy, period)[at] ?? 0) : 0n;
  }

  #sum(of: Expression | null): Sum {
    const at = this.sums.findIndex((one) => one.of === of);
    return at < 0 ? new Map() : wire(`v ${at}`);
  }

  #count(node: { readonly during: Parameters<typeof intervalsDuring>[1] }): bigint {
    const { tariff, period } = this.#described;
    return BigInt(intervalsDuring(tariff, node.during, period).filter((one) => one).length);
  }

  #days(per: "period" | "day"): bigint {
    const { tariff, period } = this.#described;
    return per === "day" ? BigInt(daysOf(tariff, period)) : 1n;
  }

  #looked(node: Expression): Sum[] {
    return this.readings.flatMap(({ at, channel }, index) =>
      this.#looksAt(node, this.#described.channels[channel] ?? "", at)
        ? [wire(`v ${this.sums.length + index}`)]
        : [],
    );
  }

  /** The charge's bounds. */
  statement(charge: Expression, total: bigint): Bounds {
    const { sum, low, high } = this.node(charge);
    this.writer.zero(add([1n, this.#sum(null)], [1n, sum], [-total, constant(1n)]));
    this.writer.finish();
    return { low, high };
  }

  /** Sections "statement" of the protocol and "bounds". */
  node(node: Expression): Compiled {
    const { writer } = this;
    const { tariff, period } = this.#described;
    const READING_MAX = 2n ** 32n - 1n;
    switch (node.kind) {
      case "energy":
        return { sum: this.#sum(node), low: 0n, high: this.#count(node) * READING_MAX };
      case "cost": {
        const all = node.policies.flatMap((policy) => policyRates(tariff, policy, period)).map(BigInt);
        const of = (isCounted: (rate: bigint) => boolean) =>
          all.filter(isCounted).reduce((a, b) => a + b, 0n) * READING_MAX;
        return { sum: this.#sum(node), low: of((rate) => rate < 0n), high: of((rate) => rate > 0n) };
      }
      case "demand":
        return this.#demand(node);
      case "by-reading":
        return this.#byReading(node);
      case "spline":
        return this.#splined(node);
      case "blocks":
        return this.#blocks(node);
      case "sum": {
        const parts = node.parts.map((part) => this.node(part));
        return parts.reduce((a, b) => ({
          sum: add([1n, a.sum], [1n, b.sum]),
          low: a.low + b.low,
          high: a.high + b.high,
        }));
      }
      case "min":
        return node.parts.map((part) => this.node(part)).reduce((a, b) => this.#minimum(a, b));
      case "max":
        return node.parts.map((part) => this.node(part)).reduce((a, b) => this.#maximum(a, b));
      case "constant": {
        const value = BigInt(node.value) * this.#days(node.per);
        return { sum: constant(value), low: value, high: value };
      }
      case "times": {
        const { sum, low, high } = this.node(node.of);
        const factor = BigInt(node.ppm);
        const bounds = hull([low, high].map((value) => rounded(value * factor, 1_000_000n)));
        if (factor % 1_000_000n === 0n) return { sum: add([factor / 1_000_000n, sum]), ...bounds };
        return { sum: this.#rounded(add([factor, sum]), bounds, 1_000_000n), ...bounds };
      }
      case "when": {
        const quantity = this.node(node.quantity);
        const atLeast = this.node(node.atLeast);
        const [met, unmet] = [this.node(node.met), this.node(node.unmet)];
        const bounds = hull([met.low, met.high, unmet.low, unmet.high]);
        const difference = apart(quantity, atLeast);
        if (difference.low >= 0n) return { ...bounds, sum: met.sum };
        if (difference.high < 0n) return { ...bounds, sum: unmet.sum };
        const s = writer.atLeast(quantity.sum, atLeast.sum, bitsOf(difference));
        const risen = writer.mul(s, add([1n, met.sum], [-1n, unmet.sum]));
        return { ...bounds, sum: add([1n, unmet.sum], [1n, risen]) };
      }
    }
  }

  #summed(node: Expression, f: Function): Sum {
    const looked = this.#looked(node);
    return looked.length === 0 ? new Map() : this.writer.spline(looked, f, "sum");
  }

  #rounded(a: Sum, within: Bounds, d: bigint): Sum {
    const n = bitsOf(within);
    if (within.low >= 0n) return this.writer.roundedHalfUp(a, d, n);
    if (within.high <= 0n) return add([-1n, this.writer.roundedHalfUp(add([-1n, a]), d, n)]);
    return this.writer.roundedHalfAway(a, d, n);
  }

  #minimum(a: Compiled, b: Compiled): Compiled {
    const bounds = { low: least([a.low, b.low]), high: least([a.high, b.high]) };
    const difference = apart(a, b);
    if (difference.low >= 0n) return { ...bounds, sum: b.sum };
    if (difference.high <= 0n) return { ...bounds, sum: a.sum };
    const over = this.writer.excess(a.sum, b.sum, bitsOf(difference));
    return { ...bounds, sum: add([1n, a.sum], [-1n, over]) };
  }

  #maximum(a: Compiled, b: Compiled): Compiled {
    const bounds = { low: greatest([a.low, b.low]), high: greatest([a.high, b.high]) };
    const difference = apart(a, b);
    if (difference.low >= 0n) return { ...bounds, sum: a.sum };
    if (difference.high <= 0n) return { ...bounds, sum: b.sum };
    const over = this.writer.excess(a.sum, b.sum, bitsOf(difference));
    return { ...bounds, sum: add([1n, b.sum], [1n, over]) };
  }

  #demand(node: Demand): Compiled {
    const factor = BigInt(3600 / this.#described.period.intervalSeconds);
    const most = BigInt(node.below_Wh) - 1n;
    const bounds = { low: 0n, high: most * factor };
    const looked = this.#looked(node);
    if (looked.length === 0) return { sum: new Map(), ...bounds };
    const bits = Math.max(1, len(most));
    const M = this.writer.maximumOf(looked, bits);
    this.writer.check(add([most, constant(1n)], [-1n, M]), bits);
    return { sum: add([factor, M]), ...bounds };
  }

  #byReading(node: ByReading): Compiled {
    const ranges = node.ranges.map(({ below_Wh, rate }, at) => {
      const from = BigInt(node.ranges[at - 1]?.below_Wh ?? 0);
      return { from, below: BigInt(below_Wh), rate: BigInt(rate) };
    });
    const { low, high } = hull([
      0n,
      ...ranges.flatMap(({ from, below, rate }) => [rate * from, rate * below]),
    ]);
    const segments = ranges.map(({ from, rate }) => ({ from, c: rate === 0n ? [0n] : [rate * from, rate] }));
    const sum = this.#summed(node, { segments, limit: greatest(ranges.map(({ below }) => below)) });
    return { sum, low: low * this.#count(node), high: high * this.#count(node) };
  }

  #splined(node: Spline): Compiled {
    const segments = node.segments.map(({ below_Wh, coefficients }, at) => {
      const from = BigInt(node.segments[at - 1]?.below_Wh ?? 0);
      const c = coefficients.map((n, k) => BigInt(n) * 1000n ** BigInt(3 - k));
      while (c.length > 1 && c[c.length - 1] === 0n) c.pop();
      return { from, below: BigInt(below_Wh), c };
    });
    const ends = segments.flatMap(({ from, below, c: [c0 = 0n, ...others] }) => {
      const terms = others.map((one, k) => one * (below - from) ** BigInt(k + 1));
      return [least, greatest].map((of) => terms.reduce((sum, term) => sum + of([0n, term]), c0));
    });
    const { low, high } = hull([0n, ...ends.map((end) => end * this.#count(node))]);
    const bounds = { low: rounded(low, 10n ** 9n), high: rounded(high, 10n ** 9n) };
    const exact = this.#summed(node, { segments, limit: greatest(segments.map(({ below }) => below)) });
    return { sum: this.#rounded(exact, bounds, 10n ** 9n), ...bounds };
  }

  #blocks(node: Blocks): Compiled {
    const { sum: quantity, low, high } = this.node(node.of);
    const limits = node.steps.map(({ upTo }) => BigInt(upTo) * this.#days(node.per));
    const rates = [...node.steps.map(({ rate }) => rate), node.rate].map(BigInt);
    /** Each part of [from, to) costs the rate of the first limit beyond it. */
    const charge = (q: bigint) => {
      const edges = [...limits.map((limit) => greatest([0n, limit])), null];
      let [from, cost] = [0n, 0n];
      edges.forEach((edge, at) => {
        const to = edge === null ? greatest([q, from]) : greatest([from, least([q, edge])]);
        cost += (to - from) * (rates[at] ?? 0n);
        from = greatest([from, edge ?? from]);
      });
      return cost + (q < 0n ? q * (rates[0] ?? 0n) : 0n);
    };
    const within = [...new Set(limits.filter((limit) => limit > low && limit < high))];
    const bounds = hull([low, high, ...within].map(charge));
    const x = add([1n, quantity], [-low, constant(1n)]);
    const p = [low, ...within].map((from) => charge(from + 1n) - charge(from));
    const cost =
      within.length === 0
        ? add([p[0] ?? 0n, x])
        : this.writer.steps(
            x,
            within.map((limit) => limit - low),
            p,
            len(high - low),
          );
    return { ...bounds, sum: add([1n, cost], [charge(low), constant(1n)]) };
  }
}

export interface WrittenStatement {
  readonly values: Values;
  /** Of the charge. */
  readonly bounds: Bounds;
  /** Multipliers of each phase. */
  readonly first: number;
  readonly second: number;
  readonly constraints: readonly Sum[];
}

/** The statement that the period costs `total`, by the text. */
export function writtenStatement(
  described: Described,
  total: bigint,
  challenge: (label: string) => bigint,
): WrittenStatement {
  const compiler = new Compiler(described, challenge);
  const { writer, sums, readings } = compiler;
  const bounds = compiler.statement(described.tariff.charge, total);
  const first = writer.multipliers;
  for (const say of writer.later) say();
  const { constraints, multipliers } = writer;
  const values = { sums: sums.map(({ weights }) => ({ weights })), readings };
  return { values, bounds, first, second: multipliers - first, constraints };
}
