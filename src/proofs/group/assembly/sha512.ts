// SHA-512 (FIPS 180-4), for the equations of Ed25519.

const BLOCK: usize = 128;
const ROUNDS: usize = 80;

/** First 64 bits of the fractional parts of the cube roots of the first 80 primes (section 4.2.3). */
const K: usize = memory.data<u64>(
  [
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
  ],
  16,
);

/** Of the square roots of the first 8 primes (section 5.3.5). */
const INITIAL: usize = memory.data<u64>(
  [
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
    0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
  ],
  16,
);

const STATE: usize = memory.data(64, 16);
const W: usize = memory.data(640, 16);

/** The functions of section 4.1.3. */
class Word {
  @inline static sum0(x: u64): u64 {
    return rotr<u64>(x, 28) ^ rotr<u64>(x, 34) ^ rotr<u64>(x, 39);
  }

  @inline static sum1(x: u64): u64 {
    return rotr<u64>(x, 14) ^ rotr<u64>(x, 18) ^ rotr<u64>(x, 41);
  }

  @inline static sigma0(x: u64): u64 {
    return rotr<u64>(x, 1) ^ rotr<u64>(x, 8) ^ (x >> 7);
  }

  @inline static sigma1(x: u64): u64 {
    return rotr<u64>(x, 19) ^ rotr<u64>(x, 61) ^ (x >> 6);
  }

  /** What a round adds to d, and with `second` makes the new a. */
  @inline static first(e: u64, f: u64, g: u64, h: u64, t: usize): u64 {
    const word = load<u64>(K + 8 * t) + load<u64>(W + 8 * t);
    return h + word + Word.sum1(e) + (g ^ (e & (f ^ g)));
  }

  @inline static second(a: u64, b: u64, c: u64): u64 {
    return Word.sum0(a) + (b ^ ((a ^ b) & (b ^ c)));
  }

  @inline static accumulate(at: usize, value: u64): void {
    store<u64>(STATE + 8 * at, load<u64>(STATE + 8 * at) + value);
  }
}

/** Takes a block into the state (section 6.4.2). */
function compress(block: usize): void {
  for (let at: usize = 0; at < BLOCK; at += 8) store<u64>(W + at, bswap(load<u64>(block + at)));
  for (let w: usize = W + 128; w < W + 640; w += 8) {
    const old = load<u64>(w - 128) + Word.sigma0(load<u64>(w - 120));
    store<u64>(w, old + load<u64>(w - 56) + Word.sigma1(load<u64>(w - 16)));
  }
  let a = load<u64>(STATE);
  let b = load<u64>(STATE, 8);
  let c = load<u64>(STATE, 16);
  let d = load<u64>(STATE, 24);
  let e = load<u64>(STATE, 32);
  let f = load<u64>(STATE, 40);
  let g = load<u64>(STATE, 48);
  let h = load<u64>(STATE, 56);
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

const LAST: usize = memory.data(256, 16);

/** Stores the digest of a message, 64 bytes. */
export function sha512(digest: usize, message: usize, length: usize): void {
  memory.copy(STATE, INITIAL, 64);
  const whole = length & ~(BLOCK - 1);
  for (let at: usize = 0; at < whole; at += BLOCK) compress(message + at);
  const rest = length - whole;
  memory.fill(LAST, 0, 2 * BLOCK);
  memory.copy(LAST, message + whole, rest);
  store<u8>(LAST + rest, 0x80);
  const end = rest < BLOCK - 16 ? BLOCK : 2 * BLOCK;
  store<u64>(LAST + end - 8, bswap((length as u64) << 3));
  for (let at: usize = 0; at < end; at += BLOCK) compress(LAST + at);
  for (let at: usize = 0; at < 64; at += 8) store<u64>(digest + at, bswap(load<u64>(STATE + at)));
}
