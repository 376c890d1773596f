// SHA-256 (FIPS 180-4) on four blocks at once, one in each lane of a vector: a vector has the same word of four states
// or of four blocks.
import { INITIAL, K, ROUNDS } from "./sha256";

/** The functions of section 4.1.2 on four words. */
class Four {
  @inline static turn(x: v128, bits: i32): v128 {
    return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
  }

  @inline static xor3(a: v128, b: v128, c: v128): v128 {
    return v128.xor(v128.xor(a, b), c);
  }

  @inline static sum0(x: v128): v128 {
    return Four.xor3(Four.turn(x, 2), Four.turn(x, 13), Four.turn(x, 22));
  }

  @inline static sum1(x: v128): v128 {
    return Four.xor3(Four.turn(x, 6), Four.turn(x, 11), Four.turn(x, 25));
  }

  @inline static sigma0(x: v128): v128 {
    return Four.xor3(Four.turn(x, 7), Four.turn(x, 18), i32x4.shr_u(x, 3));
  }

  @inline static sigma1(x: v128): v128 {
    return Four.xor3(Four.turn(x, 17), Four.turn(x, 19), i32x4.shr_u(x, 10));
  }

  @inline static choice(x: v128, y: v128, z: v128): v128 {
    return v128.xor(z, v128.and(x, v128.xor(y, z)));
  }

  @inline static majority(x: v128, y: v128, z: v128): v128 {
    return v128.xor(y, v128.and(v128.xor(x, y), v128.xor(y, z)));
  }

  /** What a round adds to d, and with `second` makes the new a. */
  @inline static first(e: v128, f: v128, g: v128, h: v128, t: usize): v128 {
    const word = v128.load(ADDENDS + 16 * t);
    return i32x4.add(i32x4.add(h, word), i32x4.add(Four.sum1(e), Four.choice(e, f, g)));
  }

  @inline static second(a: v128, b: v128, c: v128): v128 {
    return i32x4.add(Four.sum0(a), Four.majority(a, b, c));
  }

  /** Adds to vector `at` of the states. */
  @inline static accumulate(states: usize, at: usize, value: v128): void {
    v128.store(states + 16 * at, i32x4.add(v128.load(states + 16 * at), value));
  }
}

/** The message schedule, of which the caller of `scheduleFour` fills the first 16 vectors. */
export const W: usize = memory.data(1024, 16);
/** What each round adds: its word of the schedule and its constant. */
export const ADDENDS: usize = memory.data(1024, 16);

/** The initial states. */
export function beginFour(states: usize): void {
  for (let at: usize = 0; at < 8; at++) v128.store(states + 16 * at, v128.load32_splat(INITIAL + 4 * at));
}

/** The schedule of the four blocks in W (section 6.2.2, step 1), with the constants, to ADDENDS. */
export function scheduleFour(): void {
  for (let t: usize = 0; t < 16; t++) {
    v128.store(ADDENDS + 16 * t, i32x4.add(v128.load(W + 16 * t), v128.load32_splat(K + 4 * t)));
  }
  for (let t: usize = 16; t < ROUNDS; t++) {
    const w = W + 16 * t;
    const old = i32x4.add(v128.load(w - 256), Four.sigma0(v128.load(w - 240)));
    const word = i32x4.add(old, i32x4.add(v128.load(w - 112), Four.sigma1(v128.load(w - 32))));
    v128.store(w, word);
    v128.store(ADDENDS + 16 * t, i32x4.add(word, v128.load32_splat(K + 4 * t)));
  }
}

/** Takes four blocks into the states, of which ADDENDS has the schedule (section 6.2.2, steps 2 to 4). */
export function compressFour(states: usize): void {
  let a = v128.load(states);
  let b = v128.load(states, 16);
  let c = v128.load(states, 32);
  let d = v128.load(states, 48);
  let e = v128.load(states, 64);
  let f = v128.load(states, 80);
  let g = v128.load(states, 96);
  let h = v128.load(states, 112);
  for (let t: usize = 0; t < ROUNDS; t += 8) {
    h = Four.first(e, f, g, h, t);
    d = i32x4.add(d, h);
    h = i32x4.add(h, Four.second(a, b, c));
    g = Four.first(d, e, f, g, t + 1);
    c = i32x4.add(c, g);
    g = i32x4.add(g, Four.second(h, a, b));
    f = Four.first(c, d, e, f, t + 2);
    b = i32x4.add(b, f);
    f = i32x4.add(f, Four.second(g, h, a));
    e = Four.first(b, c, d, e, t + 3);
    a = i32x4.add(a, e);
    e = i32x4.add(e, Four.second(f, g, h));
    d = Four.first(a, b, c, d, t + 4);
    h = i32x4.add(h, d);
    d = i32x4.add(d, Four.second(e, f, g));
    c = Four.first(h, a, b, c, t + 5);
    g = i32x4.add(g, c);
    c = i32x4.add(c, Four.second(d, e, f));
    b = Four.first(g, h, a, b, t + 6);
    f = i32x4.add(f, b);
    b = i32x4.add(b, Four.second(c, d, e));
    a = Four.first(f, g, h, a, t + 7);
    e = i32x4.add(e, a);
    a = i32x4.add(a, Four.second(b, c, d));
  }
  Four.accumulate(states, 0, a);
  Four.accumulate(states, 1, b);
  Four.accumulate(states, 2, c);
  Four.accumulate(states, 3, d);
  Four.accumulate(states, 4, e);
  Four.accumulate(states, 5, f);
  Four.accumulate(states, 6, g);
  Four.accumulate(states, 7, h);
}
