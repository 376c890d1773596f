// Products modulo p of pairs of elements, and linear combinations with small numbers: whatever has columns of 64 bits
// (pair.ts has the form and the bounds).
import { LIMB, Pair } from "./pair";

/** Columns of the products of three limbs by three, both lanes at once. */
class Columns {
  @inline static one(a: v128, b: v128): v128 {
    return i64x2.extmul_low_i32x4_u(a, b);
  }

  @inline static two(a: v128, b: v128, c: v128, d: v128): v128 {
    return i64x2.add(Columns.one(a, b), Columns.one(c, d));
  }

  @inline static three(a: v128, b: v128, c: v128, d: v128, e: v128, f: v128): v128 {
    return i64x2.add(Columns.two(a, b, c, d), Columns.one(e, f));
  }

  /** 2ab. */
  @inline static twice(a: v128, b: v128): v128 {
    return i64x2.shl(Columns.one(a, b), 1);
  }

  /** 2ab + c^2. */
  @inline static middle(a: v128, b: v128, c: v128): v128 {
    return i64x2.add(Columns.twice(a, b), Columns.one(c, c));
  }

  /** sum - a - b: of (x + y)^2, x^2 and y^2, or products likewise, what is mixed. */
  @inline static mixed(sum: v128, a: v128, b: v128): v128 {
    return i64x2.sub(sum, i64x2.add(a, b));
  }

  @inline static load(a: Pair, limb: usize): v128 {
    return v128.load64_zero(a + 8 * limb);
  }

  @inline static carry(column: v128): v128 {
    return i64x2.shr_u(column, 29);
  }

  @inline static limb(column: v128): v128 {
    return v128.and(column, i64x2.splat(LIMB));
  }

  /** column + 1216·high. */
  @inline static fold(column: v128, high: v128): v128 {
    // 1216 = 2^10 + 3·2^6; there is no product of 64-bit lanes in SSE or AVX2.
    const three = i64x2.add(high, i64x2.shl(high, 1));
    return i64x2.add(column, i64x2.add(i64x2.shl(high, 10), i64x2.shl(three, 6)));
  }

  /** Low halves of the 64-bit lanes. */
  @inline static pack(a: v128, b: v128): v128 {
    return v128.shuffle<u32>(a, b, 0, 2, 4, 6);
  }

  /**
   * Folds columns 9 to 16 into 0 to 8, carries, and stores. The high columns are carried once only: below 2^29 + 2^35,
   * they add less than 2^46. So the last carry is below 2^36, limb 0 is exact, and limb 1 below 2^29 + 2^17.
   */
  @inline static reduce(
    r: Pair,
    c0: v128,
    c1: v128,
    c2: v128,
    c3: v128,
    c4: v128,
    c5: v128,
    c6: v128,
    c7: v128,
    c8: v128,
    c9: v128,
    c10: v128,
    c11: v128,
    c12: v128,
    c13: v128,
    c14: v128,
    c15: v128,
    c16: v128,
  ): void {
    const f0 = Columns.fold(c0, Columns.limb(c9));
    const f1 = Columns.fold(c1, i64x2.add(Columns.limb(c10), Columns.carry(c9)));
    const f2 = Columns.fold(c2, i64x2.add(Columns.limb(c11), Columns.carry(c10)));
    const f3 = Columns.fold(c3, i64x2.add(Columns.limb(c12), Columns.carry(c11)));
    const f4 = Columns.fold(c4, i64x2.add(Columns.limb(c13), Columns.carry(c12)));
    const f5 = Columns.fold(c5, i64x2.add(Columns.limb(c14), Columns.carry(c13)));
    const f6 = Columns.fold(c6, i64x2.add(Columns.limb(c15), Columns.carry(c14)));
    const f7 = Columns.fold(c7, i64x2.add(Columns.limb(c16), Columns.carry(c15)));
    const f8 = Columns.fold(c8, Columns.carry(c16));
    const g1 = i64x2.add(f1, Columns.carry(f0));
    const g2 = i64x2.add(f2, Columns.carry(g1));
    const g3 = i64x2.add(f3, Columns.carry(g2));
    const g4 = i64x2.add(f4, Columns.carry(g3));
    const g5 = i64x2.add(f5, Columns.carry(g4));
    const g6 = i64x2.add(f6, Columns.carry(g5));
    const g7 = i64x2.add(f7, Columns.carry(g6));
    const g8 = i64x2.add(f8, Columns.carry(g7));
    Columns.finish(r, f0, g1, g2, g3, g4, g5, g6, g7, g8);
  }

  /** Folds what columns 0 to 8 have carried, with that of 8 below 2^36 left to fold, and stores them. */
  @inline static finish(
    r: Pair,
    f0: v128,
    g1: v128,
    g2: v128,
    g3: v128,
    g4: v128,
    g5: v128,
    g6: v128,
    g7: v128,
    g8: v128,
  ): void {
    const h0 = Columns.fold(Columns.limb(f0), Columns.carry(g8));
    const h1 = i64x2.add(Columns.limb(g1), Columns.carry(h0));
    v128.store(r, Columns.pack(Columns.limb(h0), h1));
    v128.store(r, Columns.pack(Columns.limb(g2), Columns.limb(g3)), 16);
    v128.store(r, Columns.pack(Columns.limb(g4), Columns.limb(g5)), 32);
    v128.store(r, Columns.pack(Columns.limb(g6), Columns.limb(g7)), 48);
    v128.store64_lane(r, Columns.pack(Columns.limb(g8), g8), 0, 64);
  }

  /** Column `at` of m·a + n·b. */
  @inline static combined(m: v128, a: Pair, n: v128, b: Pair, at: usize): v128 {
    return Columns.two(Columns.load(a, at), m, Columns.load(b, at), n);
  }
}

/**
 * r = a·b, by Karatsuba's method on three blocks of three limbs: 54 products instead of 81. Differences of columns wrap
 * around modulo 2^64 underway; the columns themselves do not.
 */
export function multiply(r: Pair, a: Pair, b: Pair): void {
  const a0 = Columns.load(a, 0),
    a1 = Columns.load(a, 1),
    a2 = Columns.load(a, 2);
  const a3 = Columns.load(a, 3),
    a4 = Columns.load(a, 4),
    a5 = Columns.load(a, 5);
  const a6 = Columns.load(a, 6),
    a7 = Columns.load(a, 7),
    a8 = Columns.load(a, 8);
  const b0 = Columns.load(b, 0),
    b1 = Columns.load(b, 1),
    b2 = Columns.load(b, 2);
  const b3 = Columns.load(b, 3),
    b4 = Columns.load(b, 4),
    b5 = Columns.load(b, 5);
  const b6 = Columns.load(b, 6),
    b7 = Columns.load(b, 7),
    b8 = Columns.load(b, 8);
  const p0 = Columns.one(a0, b0);
  const p1 = Columns.two(a0, b1, a1, b0);
  const p2 = Columns.three(a0, b2, a1, b1, a2, b0);
  const p3 = Columns.two(a1, b2, a2, b1);
  const p4 = Columns.one(a2, b2);
  const q0 = Columns.one(a3, b3);
  const q1 = Columns.two(a3, b4, a4, b3);
  const q2 = Columns.three(a3, b5, a4, b4, a5, b3);
  const q3 = Columns.two(a4, b5, a5, b4);
  const q4 = Columns.one(a5, b5);
  const s0 = Columns.one(a6, b6);
  const s1 = Columns.two(a6, b7, a7, b6);
  const s2 = Columns.three(a6, b8, a7, b7, a8, b6);
  const s3 = Columns.two(a7, b8, a8, b7);
  const s4 = Columns.one(a8, b8);
  const d0 = i32x4.add(a0, a3),
    d1 = i32x4.add(a1, a4),
    d2 = i32x4.add(a2, a5);
  const e0 = i32x4.add(b0, b3),
    e1 = i32x4.add(b1, b4),
    e2 = i32x4.add(b2, b5);
  const u0 = Columns.mixed(Columns.one(d0, e0), p0, q0);
  const u1 = Columns.mixed(Columns.two(d0, e1, d1, e0), p1, q1);
  const u2 = Columns.mixed(Columns.three(d0, e2, d1, e1, d2, e0), p2, q2);
  const u3 = Columns.mixed(Columns.two(d1, e2, d2, e1), p3, q3);
  const u4 = Columns.mixed(Columns.one(d2, e2), p4, q4);
  const f0 = i32x4.add(a0, a6),
    f1 = i32x4.add(a1, a7),
    f2 = i32x4.add(a2, a8);
  const g0 = i32x4.add(b0, b6),
    g1 = i32x4.add(b1, b7),
    g2 = i32x4.add(b2, b8);
  const v0 = Columns.mixed(Columns.one(f0, g0), p0, s0);
  const v1 = Columns.mixed(Columns.two(f0, g1, f1, g0), p1, s1);
  const v2 = Columns.mixed(Columns.three(f0, g2, f1, g1, f2, g0), p2, s2);
  const v3 = Columns.mixed(Columns.two(f1, g2, f2, g1), p3, s3);
  const v4 = Columns.mixed(Columns.one(f2, g2), p4, s4);
  const h0 = i32x4.add(a3, a6),
    h1 = i32x4.add(a4, a7),
    h2 = i32x4.add(a5, a8);
  const i0 = i32x4.add(b3, b6),
    i1 = i32x4.add(b4, b7),
    i2 = i32x4.add(b5, b8);
  const w0 = Columns.mixed(Columns.one(h0, i0), q0, s0);
  const w1 = Columns.mixed(Columns.two(h0, i1, h1, i0), q1, s1);
  const w2 = Columns.mixed(Columns.three(h0, i2, h1, i1, h2, i0), q2, s2);
  const w3 = Columns.mixed(Columns.two(h1, i2, h2, i1), q3, s3);
  const w4 = Columns.mixed(Columns.one(h2, i2), q4, s4);
  Columns.reduce(
    r,
    p0,
    p1,
    p2,
    i64x2.add(p3, u0),
    i64x2.add(p4, u1),
    u2,
    i64x2.add(u3, i64x2.add(v0, q0)),
    i64x2.add(u4, i64x2.add(v1, q1)),
    i64x2.add(v2, q2),
    i64x2.add(w0, i64x2.add(v3, q3)),
    i64x2.add(w1, i64x2.add(v4, q4)),
    w2,
    i64x2.add(w3, s0),
    i64x2.add(w4, s1),
    s2,
    s3,
    s4,
  );
}

/** r = a^2: as `multiply`, with the symmetric products once, 36 of them. */
export function square(r: Pair, a: Pair): void {
  const a0 = Columns.load(a, 0),
    a1 = Columns.load(a, 1),
    a2 = Columns.load(a, 2);
  const a3 = Columns.load(a, 3),
    a4 = Columns.load(a, 4),
    a5 = Columns.load(a, 5);
  const a6 = Columns.load(a, 6),
    a7 = Columns.load(a, 7),
    a8 = Columns.load(a, 8);
  const p0 = Columns.one(a0, a0);
  const p1 = Columns.twice(a0, a1);
  const p2 = Columns.middle(a0, a2, a1);
  const p3 = Columns.twice(a1, a2);
  const p4 = Columns.one(a2, a2);
  const q0 = Columns.one(a3, a3);
  const q1 = Columns.twice(a3, a4);
  const q2 = Columns.middle(a3, a5, a4);
  const q3 = Columns.twice(a4, a5);
  const q4 = Columns.one(a5, a5);
  const s0 = Columns.one(a6, a6);
  const s1 = Columns.twice(a6, a7);
  const s2 = Columns.middle(a6, a8, a7);
  const s3 = Columns.twice(a7, a8);
  const s4 = Columns.one(a8, a8);
  const d0 = i32x4.add(a0, a3),
    d1 = i32x4.add(a1, a4),
    d2 = i32x4.add(a2, a5);
  const u0 = Columns.mixed(Columns.one(d0, d0), p0, q0);
  const u1 = Columns.mixed(Columns.twice(d0, d1), p1, q1);
  const u2 = Columns.mixed(Columns.middle(d0, d2, d1), p2, q2);
  const u3 = Columns.mixed(Columns.twice(d1, d2), p3, q3);
  const u4 = Columns.mixed(Columns.one(d2, d2), p4, q4);
  const f0 = i32x4.add(a0, a6),
    f1 = i32x4.add(a1, a7),
    f2 = i32x4.add(a2, a8);
  const v0 = Columns.mixed(Columns.one(f0, f0), p0, s0);
  const v1 = Columns.mixed(Columns.twice(f0, f1), p1, s1);
  const v2 = Columns.mixed(Columns.middle(f0, f2, f1), p2, s2);
  const v3 = Columns.mixed(Columns.twice(f1, f2), p3, s3);
  const v4 = Columns.mixed(Columns.one(f2, f2), p4, s4);
  const h0 = i32x4.add(a3, a6),
    h1 = i32x4.add(a4, a7),
    h2 = i32x4.add(a5, a8);
  const w0 = Columns.mixed(Columns.one(h0, h0), q0, s0);
  const w1 = Columns.mixed(Columns.twice(h0, h1), q1, s1);
  const w2 = Columns.mixed(Columns.middle(h0, h2, h1), q2, s2);
  const w3 = Columns.mixed(Columns.twice(h1, h2), q3, s3);
  const w4 = Columns.mixed(Columns.one(h2, h2), q4, s4);
  Columns.reduce(
    r,
    p0,
    p1,
    p2,
    i64x2.add(p3, u0),
    i64x2.add(p4, u1),
    u2,
    i64x2.add(u3, i64x2.add(v0, q0)),
    i64x2.add(u4, i64x2.add(v1, q1)),
    i64x2.add(v2, q2),
    i64x2.add(w0, i64x2.add(v3, q3)),
    i64x2.add(w1, i64x2.add(v4, q4)),
    w2,
    i64x2.add(w3, s0),
    i64x2.add(w4, s1),
    s2,
    s3,
    s4,
  );
}

/** r = a^(2^times), times > 0. */
export function squareTimes(r: Pair, a: Pair, times: i32): void {
  square(r, a);
  for (let time = 1; time < times; time++) square(r, r);
}

/** r = m·a + n·b for numbers m and n below 2^17; a has any limbs of 32 bits, and so has b. */
export function combine(r: Pair, m: u32, a: Pair, n: u32, b: Pair): void {
  const ms = i32x4.splat(m);
  const ns = i32x4.splat(n);
  const c0 = Columns.combined(ms, a, ns, b, 0);
  const c1 = i64x2.add(Columns.combined(ms, a, ns, b, 1), Columns.carry(c0));
  const c2 = i64x2.add(Columns.combined(ms, a, ns, b, 2), Columns.carry(c1));
  const c3 = i64x2.add(Columns.combined(ms, a, ns, b, 3), Columns.carry(c2));
  const c4 = i64x2.add(Columns.combined(ms, a, ns, b, 4), Columns.carry(c3));
  const c5 = i64x2.add(Columns.combined(ms, a, ns, b, 5), Columns.carry(c4));
  const c6 = i64x2.add(Columns.combined(ms, a, ns, b, 6), Columns.carry(c5));
  const c7 = i64x2.add(Columns.combined(ms, a, ns, b, 7), Columns.carry(c6));
  const c8 = i64x2.add(Columns.combined(ms, a, ns, b, 8), Columns.carry(c7));
  Columns.finish(r, c0, c1, c2, c3, c4, c5, c6, c7, c8);
}
