// SHA-256 (FIPS 180-4) of single messages.

/** Bytes of a block and of a digest. */
export const BLOCK: usize = 64;
export const DIGEST: usize = 32;

export const ROUNDS: usize = 64;

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
export const K: usize = memory.data<u32>(
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
export const INITIAL: usize = memory.data<u32>(
  [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
  16,
);

const STATE: usize = memory.data(32, 16);
const W: usize = memory.data(256, 16);

/** The functions of section 4.1.2. */
class Word {
  @inline static sum0(x: u32): u32 {
    return rotr<u32>(x, 2) ^ rotr<u32>(x, 13) ^ rotr<u32>(x, 22);
  }

  @inline static sum1(x: u32): u32 {
    return rotr<u32>(x, 6) ^ rotr<u32>(x, 11) ^ rotr<u32>(x, 25);
  }

  @inline static sigma0(x: u32): u32 {
    return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3);
  }

  @inline static sigma1(x: u32): u32 {
    return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10);
  }

  /** What a round adds to d, and with `second` makes the new a. */
  @inline static first(e: u32, f: u32, g: u32, h: u32, t: usize): u32 {
    const word = load<u32>(K + 4 * t) + load<u32>(W + 4 * t);
    return h + word + Word.sum1(e) + (g ^ (e & (f ^ g)));
  }

  @inline static second(a: u32, b: u32, c: u32): u32 {
    return Word.sum0(a) + (b ^ ((a ^ b) & (b ^ c)));
  }

  @inline static accumulate(at: usize, value: u32): void {
    store<u32>(STATE + 4 * at, load<u32>(STATE + 4 * at) + value);
  }
}

/** Takes a block into the state (section 6.2.2). */
function compress(block: usize): void {
  for (let at: usize = 0; at < BLOCK; at += 4) store<u32>(W + at, bswap(load<u32>(block + at)));
  for (let w: usize = W + 64; w < W + 256; w += 4) {
    const old = load<u32>(w - 64) + Word.sigma0(load<u32>(w - 60));
    store<u32>(w, old + load<u32>(w - 28) + Word.sigma1(load<u32>(w - 8)));
  }
  let a = load<u32>(STATE);
  let b = load<u32>(STATE, 4);
  let c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12);
  let e = load<u32>(STATE, 16);
  let f = load<u32>(STATE, 20);
  let g = load<u32>(STATE, 24);
  let h = load<u32>(STATE, 28);
  for (let t: usize = 0; t < ROUNDS; t += 8) {
    h = Word.first(e, f, g, h, t);
    d += h;
    h += Word.second(a, b, c);
    g = Word.first(d, e, f, g, t + 1);
    c += g;
    g += Word.second(h, a, b);
    f = Word.first(c, d, e, f, t + 2);
    b += f;
    f += Word.second(g, h, a);
    e = Word.first(b, c, d, e, t + 3);
    a += e;
    e += Word.second(f, g, h);
    d = Word.first(a, b, c, d, t + 4);
    h += d;
    d += Word.second(e, f, g);
    c = Word.first(h, a, b, c, t + 5);
    g += c;
    c += Word.second(d, e, f);
    b = Word.first(g, h, a, b, t + 6);
    f += b;
    b += Word.second(c, d, e);
    a = Word.first(f, g, h, a, t + 7);
    e += a;
    a += Word.second(b, c, d);
  }
  Word.accumulate(0, a);
  Word.accumulate(1, b);
  Word.accumulate(2, c);
  Word.accumulate(3, d);
  Word.accumulate(4, e);
  Word.accumulate(5, f);
  Word.accumulate(6, g);
  Word.accumulate(7, h);
}

const LAST: usize = memory.data(128, 16);

/** Stores the digest of a message. */
export function sha256(digest: usize, message: usize, length: usize): void {
  memory.copy(STATE, INITIAL, DIGEST);
  const whole = length & ~(BLOCK - 1);
  for (let at: usize = 0; at < whole; at += BLOCK) compress(message + at);
  const rest = length - whole;
  memory.fill(LAST, 0, 2 * BLOCK);
  memory.copy(LAST, message + whole, rest);
  store<u8>(LAST + rest, 0x80);
  const end = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
  store<u64>(LAST + end - 8, bswap((length as u64) << 3));
  for (let at: usize = 0; at < end; at += BLOCK) compress(LAST + at);
  for (let at: usize = 0; at < DIGEST; at += 4) store<u32>(digest + at, bswap(load<u32>(STATE + at)));
}
