// The root of the Merkle tree of RFC 9162, section 2.1, with SHA-256, four leaves or four nodes at a time. A level is the
// hashes of the pairs of the one below, and a last node without a pair goes up as it is: that is the tree that
// the standard splits at powers of two.
import { BLOCK, DIGEST } from "./sha256";
import { beginFour, compressFour, W } from "./sha256-four";

/** What of a leaf's block is the leaf, as ones, and the rest of it. */
const MASK: usize = memory.data(64, 16);
const PADDING: usize = memory.data(64, 16);
const HASHES: usize = memory.data(128, 16);

/** MASK and PADDING for the block of 0x00, the leaf, 0x80, zeros, and the bits in 64 (FIPS 180-4, section 5.1.1). */
function prepare(leafBytes: usize): void {
  memory.fill(MASK, 0, BLOCK);
  memory.fill(MASK + 1, 0xff, leafBytes);
  memory.fill(PADDING, 0, BLOCK);
  store<u8>(PADDING + leafBytes + 1, 0x80);
  store<u64>(PADDING + BLOCK - 8, bswap(((leafBytes as u64) + 1) << 3));
}

/** Four words of big-endian bytes of a leaf's block. The byte before the leaf, and those after it, are masked. */
function leafWords(leaf: usize, offset: usize): v128 {
  const bytes = v128.and(v128.load(leaf - 1 + offset), v128.load(MASK + offset));
  const padded = v128.or(bytes, v128.load(PADDING + offset));
  return v128.shuffle<u8>(padded, padded, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Stores four vectors transposed: each is of one block, and each stored one of one word. */
function transpose(r: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  v128.store(r, v128.shuffle<u64>(ab, cd, 0, 2));
  v128.store(r, v128.shuffle<u64>(ab, cd, 1, 3), 16);
  const efAb = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const efCd = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(r, v128.shuffle<u64>(efAb, efCd, 0, 2), 32);
  v128.store(r, v128.shuffle<u64>(efAb, efCd, 1, 3), 48);
}

/** Stores the four hashes, 8 words each, in the machine's order of bytes. */
function storeHashes(nodes: usize): void {
  for (let half: usize = 0; half < 2; half++) {
    const at = HASHES + 64 * half;
    transpose(W, v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48));
    for (let lane: usize = 0; lane < 4; lane++) {
      v128.store(nodes + lane * DIGEST + 16 * half, v128.load(W + 16 * lane));
    }
  }
}

/** Stores the hashes of four leaves; from the last on, of that. */
function hashLeaves(nodes: usize, leaves: usize, leafBytes: usize, count: usize): void {
  const second = leaves + leafBytes * min<usize>(1, count - 1);
  const third = leaves + leafBytes * min<usize>(2, count - 1);
  const fourth = leaves + leafBytes * min<usize>(3, count - 1);
  for (let offset: usize = 0; offset < BLOCK; offset += 16) {
    transpose(
      W + 4 * offset,
      leafWords(leaves, offset),
      leafWords(second, offset),
      leafWords(third, offset),
      leafWords(fourth, offset),
    );
  }
  beginFour(HASHES);
  compressFour(HASHES);
  storeHashes(nodes);
}

/** The words of four pairs of nodes, one byte late, after the prefix 0x01. */
const PAIRS: usize = memory.data(256, 16);

/** Stores the hashes of four pairs of nodes; what lies beyond the last is hashed too. */
function hashPairs(nodes: usize, pairs: usize): void {
  for (let offset: usize = 0; offset < 2 * DIGEST; offset += 16) {
    const at = pairs + offset;
    transpose(PAIRS + 4 * offset, v128.load(at), v128.load(at, 64), v128.load(at, 128), v128.load(at, 192));
  }
  let before = i32x4.splat(1);
  for (let at: usize = 0; at < 256; at += 16) {
    const word = v128.load(PAIRS + at);
    v128.store(W + at, v128.or(i32x4.shl(before, 24), i32x4.shr_u(word, 8)));
    before = word;
  }
  beginFour(HASHES);
  compressFour(HASHES);
  v128.store(W, v128.or(i32x4.shl(before, 24), i32x4.splat(0x800000)));
  for (let at: usize = 16; at < 240; at += 16) v128.store(W + at, i32x4.splat(0));
  v128.store(W + 240, i32x4.splat(65 * 8));
  compressFour(HASHES);
  storeHashes(nodes);
}

/** Bytes that `merkleRoot` needs for `count` leaves: nodes, up to the next four, and two pairs more. */
export function merkleBytes(count: usize): usize {
  return (count + 11) * DIGEST;
}

/**
 * Stores the root over `count` > 0 leaves of up to 54 bytes each, one after the other. Reads up to 64 bytes around them.
 */
export function merkleRoot(root: usize, leaves: usize, leafBytes: usize, count: usize, work: usize): void {
  prepare(leafBytes);
  for (let at: usize = 0; at < count; at += 4) {
    hashLeaves(work + at * DIGEST, leaves + at * leafBytes, leafBytes, count - at);
  }
  for (let left = count; left > 1; left = (left + 1) >> 1) {
    const pairs = left >> 1;
    const last = work + (left - 1) * DIGEST;
    const low = v128.load(last);
    const high = v128.load(last, 16);
    for (let at: usize = 0; at < pairs; at += 4) hashPairs(work + at * DIGEST, work + 2 * at * DIGEST);
    if ((left & 1) != 0) {
      v128.store(work + pairs * DIGEST, low);
      v128.store(work + pairs * DIGEST, high, 16);
    }
  }
  for (let at: usize = 0; at < DIGEST; at += 4) store<u32>(root + at, bswap(load<u32>(work + at)));
}
