// The bounds on limbs, checked for every formula of the fast group: its files are compiled with other ones beneath, in
// which a pair has not limbs but the weights of both lanes (assembly/pair.ts), and whatever takes more weight than it
// may traps. Values cannot show this: limbs near their bounds do not come up by chance.
import { beforeAll, describe, expect, it } from "vitest";
import { compileModule } from "../../../tools/group-module.js";

const FOLDER = "src/proofs/group/assembly";
const ENTRY = `${FOLDER}/shadow.ts`;

/** Weights stand where limb 0 would, and a mark where limb 1 would; without it a pair is a constant, and reduced. */
const WEIGHTS = `
import { Pair } from "./pair";
const MARK: u32 = 0xfedcba98;
let mask: i32 = 0;
export function setMask(to: i32): void { mask = to; }
export function lanes(): v128 { return i32x4.splat(mask); }
export function low(a: Pair): u32 { return load<u32>(a, 8) == MARK ? load<u32>(a) : 1; }
export function high(a: Pair): u32 { return load<u32>(a, 8) == MARK ? load<u32>(a, 4) : 1; }
export function set(r: Pair, l: u32, h: u32): void { store<u32>(r, l); store<u32>(r, h, 4); store<u32>(r, MARK, 8); }
export function limit(weight: u32, to: u32): void { if (weight > to) unreachable(); }
export function limitBoth(a: Pair, to: u32): void { limit(low(a), to); limit(high(a), to); }
`;
const LINEAR = `
import { Pair } from "./pair";
import { high, limit, limitBoth, low, set } from "./weights";
export function add(r: Pair, a: Pair, b: Pair): void { set(r, low(a) + low(b), high(a) + high(b)); limitBoth(r, 7); }
export function subtract(r: Pair, a: Pair, b: Pair): void {
  limitBoth(b, 1);
  set(r, low(a) + 2, high(a) + 2);
  limitBoth(r, 7);
}
export function butterfly(r: Pair, a: Pair): void { limitBoth(a, 1); set(r, 3, 2); }
export function swap(r: Pair, a: Pair): void { set(r, high(a), low(a)); }
export function negateLow(r: Pair, a: Pair): void { limit(low(a), 1); set(r, 2, high(a)); }
export function lows(r: Pair, a: Pair, b: Pair): void { set(r, low(a), low(b)); }
export function highs(r: Pair, a: Pair, b: Pair): void { set(r, high(a), high(b)); }
export function sumAndHigh(r: Pair, a: Pair, b: Pair): void { set(r, low(a) + high(a), high(b)); }
export function lessAndTwice(r: Pair, a: Pair, b: Pair): void {
  limitBoth(b, 1);
  set(r, high(a) + 2, low(a) + 2);
  limitBoth(r, 7);
}
export function select(r: Pair, mask: v128, a: Pair, b: Pair): void {
  set(r, max(low(a), low(b)), max(high(a), high(b)));
}
export function copy(r: Pair, a: Pair): void { set(r, low(a), high(a)); }
export function carry(r: Pair, a: Pair): void { limitBoth(a, 7); set(r, 1, 1); }
export function negateLanes(r: Pair, mask: v128, a: Pair): void { limitBoth(a, 1); set(r, 1, 1); }
`;
const PRODUCTS = `
import { Pair } from "./pair";
import { high, limit, limitBoth, low, set } from "./weights";
export function multiply(r: Pair, a: Pair, b: Pair): void {
  limitBoth(a, 3);
  limitBoth(b, 3);
  limit(low(a) * low(b), 6);
  limit(high(a) * high(b), 6);
  set(r, 1, 1);
}
export function square(r: Pair, a: Pair): void { limitBoth(a, 2); set(r, 1, 1); }
export function squareTimes(r: Pair, a: Pair, times: i32): void { square(r, a); }
export function combine(r: Pair, m: u32, a: Pair, n: u32, b: Pair): void {
  limitBoth(a, 7);
  limitBoth(b, 7);
  set(r, 1, 1);
}
`;
/** Comparisons say what the test has set, but for decodings with hints, which succeed. */
const CANONICAL = `
import { Pair } from "./pair";
import { lanes, limitBoth, set } from "./weights";
export function bothZeroLanes(a: Pair, b: Pair): v128 { limitBoth(a, 7); limitBoth(b, 7); return i32x4.splat(-1); }
export function zeroLanes(a: Pair): v128 { limitBoth(a, 7); return lanes(); }
export function oddLanes(a: Pair): v128 { limitBoth(a, 7); return i32x4.splat(0); }
export function absolute(r: Pair, a: Pair): void { limitBoth(a, 1); set(r, 1, 1); }
export function fromBytes(r: Pair, low: usize, high: usize): void { set(r, 1, 1); }
export function toBytes(low: usize, high: usize, a: Pair): void { limitBoth(a, 7); }
export function isCanonical(bytes: usize): bool { return true; }
`;
const EXPORTS = `
export { addElements, setElements, sumElements } from "./classes";
export { pippenger } from "./pippenger";
export { decode, decodeEd25519, decodeHinted, encode, fromUniform, hints } from "./ristretto";
export { sumSecret } from "./secret";
export { fold, straus } from "./straus";
export { addAll, areIdentity, areTorsion, doubleAll, negateAll } from "./vectors";
export { setMask } from "./weights";
import { butterfly } from "./linear";
import { multiply } from "./products";
/** What must trap: weights 3 and 3. */
export function overflow(pair: usize): void {
  butterfly(pair, pair);
  multiply(pair, pair, pair);
}
export function heap(): usize { return __heap_base; }
`;

type Call = (...values: number[]) => number;
type Shadow = { readonly memory: WebAssembly.Memory } & Record<
  | "addAll"
  | "addElements"
  | "areIdentity"
  | "areTorsion"
  | "decode"
  | "decodeEd25519"
  | "decodeHinted"
  | "doubleAll"
  | "encode"
  | "fold"
  | "fromUniform"
  | "heap"
  | "hints"
  | "negateAll"
  | "overflow"
  | "pippenger"
  | "setElements"
  | "setMask"
  | "straus"
  | "sumElements"
  | "sumSecret",
  Call
>;

describe("the fast group's formulas", () => {
  let wasm: Uint8Array;

  beforeAll(async () => {
    const files = { weights: WEIGHTS, linear: LINEAR, products: PRODUCTS, canonical: CANONICAL };
    const written = Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}.ts`, text] as const);
    wasm = await compileModule(ENTRY, new Map([...written, [ENTRY, EXPORTS]]));
  });

  /** A module of its own, with memory at places 4 KiB apart; scalars and bytes are of twos, even numbers. */
  const shadow = (mask: number) => {
    const { exports } = new WebAssembly.Instance<Shadow>(new WebAssembly.Module(wasm));
    exports.memory.grow(16);
    const at = (place: number) => (exports.heap() + 4096 * (place + 1)) & -16;
    new Uint8Array(exports.memory.buffer, at(0), 2 * 4096).fill(2);
    exports.setMask(mask);
    return { exports, at };
  };

  it.each([0, -1])("keep weights within their bounds, comparisons being %i", (mask) => {
    const { exports: m, at } = shadow(mask);
    const [bytes, points, more, result, work] = [at(0), at(2), at(3), at(4), at(8)];
    m.decode(points, bytes, 3);
    m.decodeEd25519(points, bytes, 3);
    expect(m.decodeHinted(points, bytes, bytes, 3)).toBe(-1);
    m.fromUniform(more, bytes, 3);
    m.addAll(result, points, more, 3);
    m.doubleAll(result, result, 3);
    m.negateAll(result, result, 3);
    m.addAll(result, result, points, 3);
    m.straus(result, bytes, more, 3, work);
    m.pippenger(result, bytes, points, 3, work);
    m.sumSecret(result, at(1), points, 3, work);
    m.fold(result, bytes, more, 1, work);
    m.doubleAll(result, result, 1);
    m.encode(work, result, 1);
    m.hints(work, result, 1);
    m.areIdentity(result, 1);
    m.areTorsion(result, 1);
  });

  it.each([0, -1])("keep them in sums by class, comparisons being %i", (mask) => {
    const { exports: m, at } = shadow(mask);
    const [bytes, numbers, sums] = [at(0), at(2), at(4)];
    m.setElements(bytes, 32, bytes, numbers, 5);
    expect(m.sumElements(sums)).toBe(-1);
    expect(m.addElements(sums, numbers)).toBe(-1);
    m.doubleAll(sums, sums, 1);
  });

  it("would be seen not to", () => {
    const { exports, at } = shadow(0);
    expect(() => exports.overflow(at(2))).toThrow("unreachable");
  });
});
