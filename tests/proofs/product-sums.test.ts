import { bytesToNumberLE } from "@noble/curves/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { limbsOf, ProductSum } from "../../src/proofs/product-sums.js";

const short = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 64n, 2n ** 128n - 1n),
);
const long = fc.oneof(
  fc.constantFrom(32, 64).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  fc.constant(new Uint8Array(64).fill(0xff)),
);

describe("a sum of products", () => {
  it("is exact for factors of any size", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(short, long), { maxLength: 20 }), (pairs) => {
        const sum = new ProductSum();
        const limbs = limbsOf(pairs.map(([factor]) => factor));
        for (const [at, [, bytes]] of pairs.entries()) sum.add(limbs[at] ?? new Uint16Array(0), bytes);
        const expected = pairs.reduce(
          (total, [factor, bytes]) => total + factor * bytesToNumberLE(bytes),
          0n,
        );
        expect(sum.value()).toBe(expected);
        expect(sum.value()).toBe(expected);
      }),
    );
  });

  it("stays exact beyond the largest sum that its limbs hold", () => {
    const sum = new ProductSum();
    const [a = new Uint16Array(0)] = limbsOf([2n ** 128n - 1n]);
    const b = new Uint8Array(64).fill(0xff);
    const count = 300_000;
    for (let at = 0; at < count; at++) sum.add(a, b);
    expect(sum.value()).toBe(BigInt(count) * (2n ** 128n - 1n) * (2n ** 512n - 1n));
  });

  it("takes no longer factors", () => {
    const sum = new ProductSum();
    expect(() => sum.add(new Uint16Array(9), new Uint8Array(32))).toThrow("too long");
    expect(() => sum.add(new Uint16Array(8), new Uint8Array(66))).toThrow("too long");
  });
});
