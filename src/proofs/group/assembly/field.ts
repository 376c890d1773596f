// Arithmetic modulo p = 2^255 - 19, on two elements at once: each lives in a lane of 128-bit vectors, so that an
// addition of points, whose formulas fall into pairs of independent products, and a batch of decodings, two points
// at a time, fill both. Everything is straight-line code without a branch or an address that depends on an element.
//
// An element is nine limbs of 29 bits, x = sum of x_i·2^(29 i), unsigned and lazily carried: 2^261 = 1216 (mod p). What
// keeps it right are bounds on limbs. Let an element be of *weight* w if its limbs are below w·(2^29 + 2^17).
// Products and `carry` give weight 1, which is called reduced. A product takes weights whose product is at most 6,
// and each below 4: a column is a sum of at most nine products of limbs, 9·6·2^58·(1 + 2^-12)^2 + 2^36 < 2^64, and
// sums of two limbs stay below 2^32.

/** Address of two elements: limbs of 32 bits, x_0 y_0 x_1 y_1 ... x_8 y_8. x is the low one, y the high one. */
export type Pair = usize;

/** Bytes of a pair. */
export const PAIR: usize = 72;

/** 29 bits in each 64-bit lane, and in each 32-bit lane. */
const LIMB = 0x1fffffff;

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
    const h0 = Columns.fold(Columns.limb(f0), Columns.carry(g8));
    const h1 = i64x2.add(Columns.limb(g1), Columns.carry(h0));
    v128.store(r, Columns.pack(Columns.limb(h0), h1));
    v128.store(r, Columns.pack(Columns.limb(g2), Columns.limb(g3)), 16);
    v128.store(r, Columns.pack(Columns.limb(g4), Columns.limb(g5)), 32);
    v128.store(r, Columns.pack(Columns.limb(g6), Columns.limb(g7)), 48);
    v128.store64_lane(r, Columns.pack(Columns.limb(g8), g8), 0, 64);
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

/** The limbs of 128 p that keep differences positive, minus one of which is that of the lowest: 2^30 - 2432. */
const SUB_LOW = 0x3ffff680;
const SUB = 0x3ffffffe;

/** Vectors of two limbs of both lanes: what is done limb by limb. */
class Limbs {
  /** Limbs 2·at and 2·at + 1; those of 8 come alone. */
  @inline static load(a: Pair, at: usize): v128 {
    return at < 4 ? v128.load(a + 16 * at) : v128.load64_zero(a + 64);
  }

  @inline static store(r: Pair, at: usize, value: v128): void {
    if (at < 4) v128.store(r + 16 * at, value);
    else v128.store64_lane(r, value, 0, 64);
  }

  @inline static add(r: Pair, a: Pair, b: Pair, at: usize): void {
    Limbs.store(r, at, i32x4.add(Limbs.load(a, at), Limbs.load(b, at)));
  }

  /** 128 p. */
  @inline static bias(at: usize): v128 {
    return at == 0 ? i32x4(SUB_LOW, SUB_LOW, SUB, SUB) : i32x4.splat(SUB);
  }

  /** 128 p + 1 limbwise in the low lane, 0 in the high one. */
  @inline static lowBias(at: usize): v128 {
    return at == 0 ? i32x4(SUB_LOW + 1, 0, SUB + 1, 0) : i32x4(SUB + 1, 0, SUB + 1, 0);
  }

  @inline static subtract(r: Pair, a: Pair, b: Pair, at: usize): void {
    const minuend = i32x4.add(Limbs.load(a, at), Limbs.bias(at));
    Limbs.store(r, at, i32x4.sub(minuend, Limbs.load(b, at)));
  }

  @inline static swap(a: v128): v128 {
    return v128.shuffle<u32>(a, a, 1, 0, 3, 2);
  }

  /** (128 p - x, y) of (x, y). */
  @inline static negateLow(a: v128, at: usize): v128 {
    return i32x4.add(v128.xor(a, i32x4(-1, 0, -1, 0)), Limbs.lowBias(at));
  }

  @inline static low(a: v128): v128 {
    return v128.and(a, i32x4(-1, 0, -1, 0));
  }

  @inline static high(a: v128): v128 {
    return v128.and(a, i32x4(0, -1, 0, -1));
  }

  @inline static butterfly(r: Pair, a: Pair, at: usize): void {
    const limbs = Limbs.load(a, at);
    Limbs.store(r, at, i32x4.add(Limbs.swap(limbs), Limbs.negateLow(limbs, at)));
  }

  @inline static lows(r: Pair, a: Pair, b: Pair, at: usize): void {
    Limbs.store(r, at, v128.or(Limbs.low(Limbs.load(a, at)), i64x2.shl(Limbs.load(b, at), 32)));
  }

  @inline static highs(r: Pair, a: Pair, b: Pair, at: usize): void {
    Limbs.store(r, at, v128.or(i64x2.shr_u(Limbs.load(a, at), 32), Limbs.high(Limbs.load(b, at))));
  }

  @inline static sumAndHigh(r: Pair, a: Pair, b: Pair, at: usize): void {
    const limbs = Limbs.load(a, at);
    const sum = i32x4.add(limbs, Limbs.swap(limbs));
    Limbs.store(r, at, v128.or(Limbs.low(sum), Limbs.high(Limbs.load(b, at))));
  }

  @inline static lessAndTwice(r: Pair, a: Pair, b: Pair, at: usize): void {
    const limbs = Limbs.load(b, at);
    const change = i32x4.add(Limbs.negateLow(limbs, at), Limbs.high(limbs));
    Limbs.store(r, at, i32x4.add(Limbs.swap(Limbs.load(a, at)), change));
  }

  @inline static select(r: Pair, mask: v128, a: Pair, b: Pair, at: usize): void {
    Limbs.store(r, at, v128.bitselect(Limbs.load(a, at), Limbs.load(b, at), mask));
  }

  /** Two limbs from `at` on, without their carries and with those of the limbs before them. */
  @inline static carried(a: Pair, at: usize): v128 {
    const limbs = v128.and(v128.load(a + 8 * at), i32x4.splat(LIMB));
    return i32x4.add(limbs, i32x4.shr_u(v128.load(a + 8 * at - 8), 29));
  }
}

/** r = a + b; weights add up. */
export function add(r: Pair, a: Pair, b: Pair): void {
  Limbs.add(r, a, b, 0);
  Limbs.add(r, a, b, 1);
  Limbs.add(r, a, b, 2);
  Limbs.add(r, a, b, 3);
  Limbs.add(r, a, b, 4);
}

/** r = a + 128 p - b for a reduced b; adds 2 to the weight of a. */
export function subtract(r: Pair, a: Pair, b: Pair): void {
  Limbs.subtract(r, a, b, 0);
  Limbs.subtract(r, a, b, 1);
  Limbs.subtract(r, a, b, 2);
  Limbs.subtract(r, a, b, 3);
  Limbs.subtract(r, a, b, 4);
}

/** r = (y - x, y + x) of a reduced (x, y); of weights 3 and 2. */
export function butterfly(r: Pair, a: Pair): void {
  Limbs.butterfly(r, a, 0);
  Limbs.butterfly(r, a, 1);
  Limbs.butterfly(r, a, 2);
  Limbs.butterfly(r, a, 3);
  Limbs.butterfly(r, a, 4);
}

/** r = (y, x) of (x, y). */
export function swap(r: Pair, a: Pair): void {
  Limbs.store(r, 0, Limbs.swap(Limbs.load(a, 0)));
  Limbs.store(r, 1, Limbs.swap(Limbs.load(a, 1)));
  Limbs.store(r, 2, Limbs.swap(Limbs.load(a, 2)));
  Limbs.store(r, 3, Limbs.swap(Limbs.load(a, 3)));
  Limbs.store(r, 4, Limbs.swap(Limbs.load(a, 4)));
}

/** r = (-x, y) of a reduced (x, y), of weight 2. */
export function negateLow(r: Pair, a: Pair): void {
  Limbs.store(r, 0, Limbs.negateLow(Limbs.load(a, 0), 0));
  Limbs.store(r, 1, Limbs.negateLow(Limbs.load(a, 1), 1));
  Limbs.store(r, 2, Limbs.negateLow(Limbs.load(a, 2), 2));
  Limbs.store(r, 3, Limbs.negateLow(Limbs.load(a, 3), 3));
  Limbs.store(r, 4, Limbs.negateLow(Limbs.load(a, 4), 4));
}

/** r = (a_low, b_low); r is neither a nor b. */
export function lows(r: Pair, a: Pair, b: Pair): void {
  Limbs.lows(r, a, b, 0);
  Limbs.lows(r, a, b, 1);
  Limbs.lows(r, a, b, 2);
  Limbs.lows(r, a, b, 3);
  Limbs.lows(r, a, b, 4);
}

/** r = (a_high, b_high); r is neither a nor b. */
export function highs(r: Pair, a: Pair, b: Pair): void {
  Limbs.highs(r, a, b, 0);
  Limbs.highs(r, a, b, 1);
  Limbs.highs(r, a, b, 2);
  Limbs.highs(r, a, b, 3);
  Limbs.highs(r, a, b, 4);
}

/** r = (a_low + a_high, b_high). */
export function sumAndHigh(r: Pair, a: Pair, b: Pair): void {
  Limbs.sumAndHigh(r, a, b, 0);
  Limbs.sumAndHigh(r, a, b, 1);
  Limbs.sumAndHigh(r, a, b, 2);
  Limbs.sumAndHigh(r, a, b, 3);
  Limbs.sumAndHigh(r, a, b, 4);
}

/** r = (a_high - b_low, a_low + 2 b_high) for a reduced b; adds 2 to the weights of a. */
export function lessAndTwice(r: Pair, a: Pair, b: Pair): void {
  Limbs.lessAndTwice(r, a, b, 0);
  Limbs.lessAndTwice(r, a, b, 1);
  Limbs.lessAndTwice(r, a, b, 2);
  Limbs.lessAndTwice(r, a, b, 3);
  Limbs.lessAndTwice(r, a, b, 4);
}

/** r = a in the lanes where the mask's bits are ones, else b. */
export function select(r: Pair, mask: v128, a: Pair, b: Pair): void {
  Limbs.select(r, mask, a, b, 0);
  Limbs.select(r, mask, a, b, 1);
  Limbs.select(r, mask, a, b, 2);
  Limbs.select(r, mask, a, b, 3);
  Limbs.select(r, mask, a, b, 4);
}

export function copy(r: Pair, a: Pair): void {
  Limbs.store(r, 0, Limbs.load(a, 0));
  Limbs.store(r, 1, Limbs.load(a, 1));
  Limbs.store(r, 2, Limbs.load(a, 2));
  Limbs.store(r, 3, Limbs.load(a, 3));
  Limbs.store(r, 4, Limbs.load(a, 4));
}

/** r = a, reduced, for limbs of any 32 bits: each gives its carry of at most 7 to the next, limb 8 to limb 0. */
export function carry(r: Pair, a: Pair): void {
  const top = i32x4.mul(i32x4.shr_u(v128.load64_zero(a + 64), 29), i32x4.splat(1216));
  const lowest = i32x4.add(v128.and(v128.load64_zero(a), i32x4.splat(LIMB)), top);
  const limbs7 = Limbs.carried(a, 7);
  const limbs5 = Limbs.carried(a, 5);
  const limbs3 = Limbs.carried(a, 3);
  const limbs1 = Limbs.carried(a, 1);
  v128.store64_lane(r, lowest, 0);
  v128.store(r, limbs1, 8);
  v128.store(r, limbs3, 24);
  v128.store(r, limbs5, 40);
  v128.store(r, limbs7, 56);
}

/** One step of `freeze`: stores limb `at` without its carry, and returns the carry. */
class Freezing {
  @inline static limb(r: Pair, at: usize, value: v128): v128 {
    v128.store64_lane(r + 8 * at, v128.and(value, i32x4.splat(LIMB)), 0);
    return i32x4.shr_u(value, 29);
  }

  @inline static next(r: Pair, a: Pair, at: usize, carry: v128): v128 {
    return Freezing.limb(r, at, i32x4.add(Columns.load(a, at), carry));
  }

  /** Carries limb by limb, after an addition to limb 0; what is from bit 255 up is taken off and returned. */
  @inline static chain(r: Pair, a: Pair, addend: v128): v128 {
    let carry = Freezing.next(r, a, 0, addend);
    carry = Freezing.next(r, a, 1, carry);
    carry = Freezing.next(r, a, 2, carry);
    carry = Freezing.next(r, a, 3, carry);
    carry = Freezing.next(r, a, 4, carry);
    carry = Freezing.next(r, a, 5, carry);
    carry = Freezing.next(r, a, 6, carry);
    carry = Freezing.next(r, a, 7, carry);
    const top = i32x4.add(Columns.load(a, 8), carry);
    v128.store64_lane(r, v128.and(top, i32x4.splat(0x7fffff)), 0, 64);
    return i32x4.shr_u(top, 23);
  }

  /** What `chain` would return, without a store. */
  @inline static excess(a: Pair, addend: v128): v128 {
    let carry = i32x4.shr_u(i32x4.add(Columns.load(a, 0), addend), 29);
    carry = i32x4.shr_u(i32x4.add(Columns.load(a, 1), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Columns.load(a, 2), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Columns.load(a, 3), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Columns.load(a, 4), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Columns.load(a, 5), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Columns.load(a, 6), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Columns.load(a, 7), carry), 29);
    return i32x4.shr_u(i32x4.add(Columns.load(a, 8), carry), 23);
  }

  @inline static times19(a: v128): v128 {
    return i32x4.mul(a, i32x4.splat(19));
  }
}

/** r = a, from 0 to p - 1, limbs exact, for limbs below 2^32 - 2^9. */
export function freeze(r: Pair, a: Pair): void {
  // Below 2^255 + 19·2^9 after the first fold: at most one p too much, which shows when 19 is added.
  const high = Freezing.chain(r, a, i32x4.splat(0));
  const low = Freezing.times19(high);
  const over = Freezing.excess(r, i32x4.add(low, i32x4.splat(19)));
  Freezing.chain(r, r, i32x4.add(low, Freezing.times19(over)));
}

const FROZEN: Pair = memory.data(72, 16);

/** Lanes in which a is zero, as a mask for `select`. */
export function zeroLanes(a: Pair): v128 {
  freeze(FROZEN, a);
  const some = v128.or(
    v128.or(v128.load(FROZEN), v128.load(FROZEN, 16)),
    v128.or(v128.load(FROZEN, 32), v128.load(FROZEN, 48)),
  );
  const all = v128.or(
    v128.or(some, v128.shuffle<u32>(some, some, 2, 3, 0, 1)),
    v128.load64_splat(FROZEN, 64),
  );
  return i32x4.eq(all, i32x4.splat(0));
}

/** Lanes in which a, as a number from 0 to p - 1, is odd: RFC 9496 calls it negative. */
export function oddLanes(a: Pair): v128 {
  freeze(FROZEN, a);
  return i32x4.neg(v128.and(v128.load64_splat(FROZEN), i32x4.splat(1)));
}

const NEGATED: Pair = memory.data(72, 16);

/** r = -a, reduced, in the lanes of the mask, else a; a is reduced. */
export function negateLanes(r: Pair, mask: v128, a: Pair): void {
  subtract(NEGATED, ZERO, a);
  carry(NEGATED, NEGATED);
  select(r, mask, NEGATED, a);
}

/** r = the one of a and -a that is even; a is reduced. */
export function absolute(r: Pair, a: Pair): void {
  negateLanes(r, oddLanes(a), a);
}

/** Limb `at` of the number of 256 little-endian bits, without its highest bit. */
class Bits {
  @inline static limb(bytes: usize, at: usize): u32 {
    const bit: usize = 29 * at;
    const byte = bit >> 3 < 24 ? bit >> 3 : 24;
    const mask: u64 = at < 8 ? LIMB : 0x7fffff;
    return ((load<u64>(bytes + byte) >> (bit - 8 * byte)) & mask) as u32;
  }

  @inline static load(r: Pair, low: usize, high: usize, at: usize): void {
    store<u32>(r + 8 * at, Bits.limb(low, at));
    store<u32>(r + 8 * at + 4, Bits.limb(high, at));
  }
}

/** r = the numbers of 32 little-endian bytes each, without their highest bits; reduced. */
export function fromBytes(r: Pair, low: usize, high: usize): void {
  Bits.load(r, low, high, 0);
  Bits.load(r, low, high, 1);
  Bits.load(r, low, high, 2);
  Bits.load(r, low, high, 3);
  Bits.load(r, low, high, 4);
  Bits.load(r, low, high, 5);
  Bits.load(r, low, high, 6);
  Bits.load(r, low, high, 7);
  Bits.load(r, low, high, 8);
}

/** Stores 32 little-endian bytes of a frozen element, whose limbs are 8 bytes apart. */
function storeLane(bytes: usize, limbs: usize): void {
  const l2 = load<u32>(limbs, 16) as u64;
  const l4 = load<u32>(limbs, 32) as u64;
  const l6 = load<u32>(limbs, 48) as u64;
  store<u64>(bytes, (load<u32>(limbs) as u64) | ((load<u32>(limbs, 8) as u64) << 29) | (l2 << 58));
  store<u64>(bytes, (l2 >> 6) | ((load<u32>(limbs, 24) as u64) << 23) | (l4 << 52), 8);
  store<u64>(bytes, (l4 >> 12) | ((load<u32>(limbs, 40) as u64) << 17) | (l6 << 46), 16);
  store<u64>(
    bytes,
    (l6 >> 18) | ((load<u32>(limbs, 56) as u64) << 11) | ((load<u32>(limbs, 64) as u64) << 40),
    24,
  );
}

/** Stores both elements, 32 little-endian bytes each, from 0 to p - 1. If both go to one place, the low one stays. */
export function toBytes(low: usize, high: usize, a: Pair): void {
  freeze(FROZEN, a);
  storeLane(high, FROZEN + 4);
  storeLane(low, FROZEN);
}

/** Whether 32 little-endian bytes are a number below p. */
export function isCanonical(bytes: usize): bool {
  const top = load<u64>(bytes, 24);
  if (top >> 63 != 0) return false;
  if (top != 0x7fffffffffffffff) return true;
  return ~(load<u64>(bytes, 8) & load<u64>(bytes, 16)) != 0 || load<u64>(bytes) < 0xffffffffffffffed;
}

export const ZERO: Pair = memory.data(72, 16);
/** (1, 1). */
export const ONE: Pair = memory.data<u32>([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 16);
