// The arithmetic of the fast group at the limits that its comments state (assembly/pair.ts): limbs as large as they may
// be, whose products would overflow if a bound were wrong. Compiled from the same files, with an entry of its own.
import { bytesToNumberLE } from "@noble/curves/utils.js";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileModule } from "../../../tools/group-module.js";
import { le32, P } from "./kit.js";

const ENTRY = "src/proofs/group/assembly/limits.ts";
const EXPORTS = `
export { combine, multiply, square } from "./products";
export { butterfly, carry, negateLow, subtract } from "./linear";
export { fromBytes, isCanonical, toBytes } from "./canonical";
`;
/** Limbs of an element, and of a pair with its lanes next to each other. */
const LIMBS = 9;
const LIMB_BITS = 29;
const PAIR_BYTES = 8 * LIMBS;
/** A limb of weight 1 is below. */
const UNIT = 2 ** LIMB_BITS + 2 ** 17;
const U32 = 2 ** 32 - 1;
/** What `freeze` may be given. */
const FREEZABLE = 2 ** 32 - 2 ** 9 - 1;
const [R, A, B, BYTES] = [0, 1, 2, 3].map((at) => 65536 + 128 * at) as [number, number, number, number];

interface Arithmetic {
  readonly memory: WebAssembly.Memory;
  multiply(r: number, a: number, b: number): void;
  square(r: number, a: number): void;
  combine(r: number, m: number, a: number, n: number, b: number): void;
  carry(r: number, a: number): void;
  subtract(r: number, a: number, b: number): void;
  butterfly(r: number, a: number): void;
  negateLow(r: number, a: number): void;
  fromBytes(r: number, low: number, high: number): void;
  toBytes(low: number, high: number, a: number): void;
  isCanonical(bytes: number): number;
}

type Limbs = readonly number[];

const numberOf = (limbs: Limbs) =>
  limbs.reduce((sum, limb, at) => sum + BigInt(limb) * 2n ** BigInt(LIMB_BITS * at), 0n);
const modulo = (value: bigint) => ((value % P) + P) % P;

/** Limbs up to `max`: all of them at it, or some, or any. */
const limbs = (max: number) =>
  fc.oneof(
    fc.constant(new Array<number>(LIMBS).fill(max)),
    fc.array(fc.constantFrom(0, 1, max - 1, max), { minLength: LIMBS, maxLength: LIMBS }),
    fc.array(fc.integer({ min: 0, max }), { minLength: LIMBS, maxLength: LIMBS }),
  );
const weight = (of: number) => limbs(of * UNIT - 1);

describe("the fast group's arithmetic", () => {
  let module: Arithmetic;
  let memory: Uint32Array;

  beforeAll(async () => {
    const wasm = new WebAssembly.Module(await compileModule(ENTRY, new Map([[ENTRY, EXPORTS]])));
    module = new WebAssembly.Instance<Arithmetic>(wasm).exports;
    memory = new Uint32Array(module.memory.buffer);
  });

  const put = (at: number, low: Limbs, high: Limbs) => {
    for (let limb = 0; limb < LIMBS; limb++) memory.set([low[limb] ?? 0, high[limb] ?? 0], at / 4 + 2 * limb);
  };
  const laneOf = (at: number, lane: 0 | 1): Limbs =>
    Array.from(memory.subarray(at / 4, (at + PAIR_BYTES) / 4)).filter((_, limb) => limb % 2 === lane);
  /** That R has these values, and limbs below a bound. */
  const expectResult = (low: bigint, high: bigint, below: number) => {
    const lanes = [laneOf(R, 0), laneOf(R, 1)] as const;
    expect(lanes.map((lane) => modulo(numberOf(lane)))).toEqual([modulo(low), modulo(high)]);
    for (const limb of lanes.flat()) expect(limb).toBeLessThan(below);
  };

  it.each([
    [1, 1],
    [3, 2],
    [2, 3],
    [1, 3],
  ])("multiplies limbs of weights %i and %i, and gives weight 1", (left, right) => {
    fc.assert(
      fc.property(weight(left), weight(left), weight(right), weight(right), (a, b, c, d) => {
        put(A, a, b);
        put(B, c, d);
        module.multiply(R, A, B);
        expectResult(numberOf(a) * numberOf(c), numberOf(b) * numberOf(d), UNIT);
      }),
    );
  });

  it("squares limbs of weight 2, and gives weight 1", () => {
    fc.assert(
      fc.property(weight(2), weight(2), (a, b) => {
        put(A, a, b);
        module.square(R, A);
        expectResult(numberOf(a) ** 2n, numberOf(b) ** 2n, UNIT);
      }),
    );
  });

  it("combines any limbs with small numbers, and gives weight 1", () => {
    const any = limbs(U32);
    fc.assert(
      fc.property(any, any, (a, b) => {
        put(A, a, b);
        put(B, b, a);
        module.combine(R, 131071, A, 121665, B);
        const [x, y] = [numberOf(a), numberOf(b)];
        expectResult(131071n * x + 121665n * y, 131071n * y + 121665n * x, UNIT);
      }),
    );
  });

  it("carries any limbs to weight 1, in place too", () => {
    fc.assert(
      fc.property(limbs(U32), limbs(U32), (a, b) => {
        put(R, a, b);
        module.carry(R, R);
        expectResult(numberOf(a), numberOf(b), UNIT);
      }),
    );
  });

  it("subtracts what has weight 1, and adds 2 to the weight", () => {
    fc.assert(
      fc.property(weight(3), weight(3), weight(1), weight(1), (a, b, c, d) => {
        put(A, a, b);
        put(B, c, d);
        module.subtract(R, A, B);
        expectResult(numberOf(a) - numberOf(c), numberOf(b) - numberOf(d), 5 * UNIT);
        module.butterfly(R, B);
        expectResult(numberOf(d) - numberOf(c), numberOf(d) + numberOf(c), 3 * UNIT);
        module.negateLow(R, B);
        expectResult(-numberOf(c), numberOf(d), 2 * UNIT);
      }),
    );
  });

  const bytesOf = (at: number) => new Uint8Array(module.memory.buffer, at, 32);
  const expectBytes = (a: Limbs, b: Limbs) => {
    put(A, a, b);
    module.toBytes(BYTES, BYTES + 32, A);
    expect([bytesOf(BYTES), bytesOf(BYTES + 32)]).toEqual([numberOf(a), numberOf(b)].map((x) => le32(x % P)));
  };

  it("reduces large limbs to the number below p", () => {
    fc.assert(fc.property(limbs(FREEZABLE), limbs(FREEZABLE), expectBytes));
  });

  it("reduces multiples of p, and what is next to them, to the number below p", () => {
    const rest = 2n ** BigInt(LIMB_BITS);
    const split = (value: bigint) =>
      Array.from({ length: LIMBS }, (_, at) => {
        const above = value >> BigInt(LIMB_BITS * at);
        return Number(at < LIMBS - 1 ? above % rest : above);
      });
    for (const times of [0n, 1n, 2n, 3n, 63n, 64n, 65n, 127n, 128n, 255n, 510n]) {
      for (const away of [-20n, -19n, -18n, -1n, 0n, 1n, 18n, 19n, 20n]) {
        const value = times * P + away;
        if (value >= 0n) expectBytes(split(value), split(value + 1n));
      }
    }
  });

  it("reads bytes without their highest bit, and knows which are numbers below p", () => {
    const edges = [
      0n,
      1n,
      P - 1n,
      P,
      P + 1n,
      P + 18n,
      2n ** 255n - 1n,
      2n ** 255n,
      2n ** 255n + P,
      2n ** 256n - 1n,
    ];
    const holes = [P - 2n ** 64n, P - 2n ** 128n, P - 2n ** 192n, P + 1n - 2n ** 254n];
    const any = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(fc.oneof(fc.constantFrom(...[...edges, ...holes].map(le32)), any), any, (low, high) => {
        bytesOf(BYTES).set(low);
        bytesOf(BYTES + 32).set(high);
        module.fromBytes(R, BYTES, BYTES + 32);
        const [x, y] = [bytesToNumberLE(low), bytesToNumberLE(high)];
        expectResult(x % 2n ** 255n, y % 2n ** 255n, 2 ** LIMB_BITS);
        expect([module.isCanonical(BYTES) !== 0, module.isCanonical(BYTES + 32) !== 0]).toEqual([
          x < P,
          y < P,
        ]);
      }),
    );
  });
});
