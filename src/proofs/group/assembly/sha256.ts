// SHA-256 (FIPS 180-4), alone and on four blocks at once, one in each lane of a vector: a vector of this module has the
// same word of four states or of four blocks.

/** Bytes of a block and of a digest. */
export const BLOCK: usize = 64;
export const DIGEST: usize = 32;

const ROUNDS: usize = 64;

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
const K: usize = memory.data<u32>(
  [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  ],
  16,
);

/** Of the square roots of the first 8 primes (section 5.3.3). */
const INITIAL: usize = memory.data<u32>(
  [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  16,
);

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
    const word = i32x4.add(v128.load32_splat(K + 4 * t), v128.load(W + 16 * t));
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

/** The message schedule, of which the caller of `compressFour` fills the first 16 vectors. */
export const W: usize = memory.data(1024, 16);

/** The initial states. */
export function beginFour(states: usize): void {
  for (let at: usize = 0; at < 8; at++) v128.store(states + 16 * at, v128.load32_splat(INITIAL + 4 * at));
}

/** Takes the four blocks in W into the states (section 6.2.2). */
export function compressFour(states: usize): void {
  for (let w: usize = W + 256; w < W + 1024; w += 16) {
    const old = i32x4.add(v128.load(w - 256), Four.sigma0(v128.load(w - 240)));
    v128.store(w, i32x4.add(old, i32x4.add(v128.load(w - 112), Four.sigma1(v128.load(w - 32)))));
  }
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

const ALONE: usize = memory.data(128, 16);

/** Puts a block into all lanes of W: of what is hashed once, little is hashed. */
function spread(block: usize): void {
  for (let at: usize = 0; at < 16; at++)
    v128.store(W + 16 * at, i32x4.splat(bswap(load<u32>(block + 4 * at))));
}

const LAST: usize = memory.data(128, 16);

/** Stores the digest of a message. */
export function sha256(digest: usize, message: usize, length: usize): void {
  beginFour(ALONE);
  const whole = length & ~(BLOCK - 1);
  for (let at: usize = 0; at < whole; at += BLOCK) {
    spread(message + at);
    compressFour(ALONE);
  }
  const rest = length - whole;
  memory.fill(LAST, 0, 2 * BLOCK);
  memory.copy(LAST, message + whole, rest);
  store<u8>(LAST + rest, 0x80);
  const end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
  store<u64>(LAST + end - 8, bswap((length as u64) << 3));
  for (let at: usize = 0; at < end; at += BLOCK) {
    spread(LAST + at);
    compressFour(ALONE);
  }
  for (let at: usize = 0; at < 8; at++) store<u32>(digest + 4 * at, bswap(load<u32>(ALONE + 16 * at)));
}
