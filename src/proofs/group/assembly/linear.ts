// What is done limb by limb: sums, differences, exchanges of lanes, carries (pair.ts has the form and the bounds).
import { LIMB, Pair, ZERO } from "./pair";

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

const NEGATED: Pair = memory.data(72, 16);

/** r = -a, reduced, in the lanes of the mask, else a; a is reduced. */
export function negateLanes(r: Pair, mask: v128, a: Pair): void {
  subtract(NEGATED, ZERO, a);
  carry(NEGATED, NEGATED);
  select(r, mask, NEGATED, a);
}
