// The roots of Merkle trees of RFC 9162, section 2.1, with SHA-256, four leaves or four nodes at a time, whichever trees
// they are of. A level is the hashes of the pairs of the one below, and a last node without a pair goes up as it is:
// that is the tree that the standard splits at powers of two.
import { BLOCK, DIGEST, ROUNDS } from "./sha256";
import { ADDENDS, beginFour, compressFour, scheduleFour, W } from "./sha256-four";

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

/** Stores four hashes, 8 words each, in the machine's order of bytes. */
function storeHashes(first: usize, second: usize, third: usize, fourth: usize): void {
  for (let half: usize = 0; half < DIGEST; half += 16) {
    const at = HASHES + 4 * half;
    transpose(W, v128.load(at), v128.load(at, 16), v128.load(at, 32), v128.load(at, 48));
    v128.store(first + half, v128.load(W));
    v128.store(second + half, v128.load(W, 16));
    v128.store(third + half, v128.load(W, 32));
    v128.store(fourth + half, v128.load(W, 48));
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
  scheduleFour();
  compressFour(HASHES);
  storeHashes(nodes, nodes + DIGEST, nodes + 2 * DIGEST, nodes + 3 * DIGEST);
}

/**
 * A node's second block is the last byte of its pair, 0x80, zeros and the bits in 64: 256 schedules, with the rounds'
 * constants, 64 words each, made when the first is needed.
 */
const SECOND: usize = memory.data(256 * 4 * 64, 16);
let isSecondMade = false;

function makeSecond(): void {
  for (let byte: usize = 0; byte < 256; byte += 4) {
    const bytes = i32x4.add(i32x4.splat(byte as i32), i32x4(0, 1, 2, 3));
    v128.store(W, v128.or(i32x4.shl(bytes, 24), i32x4.splat(0x800000)));
    for (let at: usize = 16; at < 240; at += 16) v128.store(W + at, i32x4.splat(0));
    v128.store(W + 240, i32x4.splat(65 * 8));
    scheduleFour();
    for (let t: usize = 0; t < ROUNDS; t++) {
      const words = v128.load(ADDENDS + 16 * t);
      const row = SECOND + 4 * ROUNDS * byte + 4 * t;
      store<u32>(row, i32x4.extract_lane(words, 0));
      store<u32>(row + 4 * ROUNDS, i32x4.extract_lane(words, 1));
      store<u32>(row + 8 * ROUNDS, i32x4.extract_lane(words, 2));
      store<u32>(row + 12 * ROUNDS, i32x4.extract_lane(words, 3));
    }
  }
  isSecondMade = true;
}

/** The schedules of four second blocks to ADDENDS. @param last the last words of the four pairs. */
function scheduleSecond(last: v128): void {
  const first = SECOND + 4 * ROUNDS * ((i32x4.extract_lane(last, 0) as usize) & 0xff);
  const second = SECOND + 4 * ROUNDS * ((i32x4.extract_lane(last, 1) as usize) & 0xff);
  const third = SECOND + 4 * ROUNDS * ((i32x4.extract_lane(last, 2) as usize) & 0xff);
  const fourth = SECOND + 4 * ROUNDS * ((i32x4.extract_lane(last, 3) as usize) & 0xff);
  for (let at: usize = 0; at < 4 * ROUNDS; at += 16) {
    transpose(
      ADDENDS + 4 * at,
      v128.load(first + at),
      v128.load(second + at),
      v128.load(third + at),
      v128.load(fourth + at),
    );
  }
}

/** The words of four pairs of nodes, one byte late, after the prefix 0x01. */
const PAIRS: usize = memory.data(256, 16);
/** The pairs that wait for a fourth: where each is, and where its hash goes. */
const SOURCES: usize = memory.data(16, 16);
const TARGETS: usize = memory.data(16, 16);

/** Stores the hashes of the four pairs that wait. */
function hashPairs(): void {
  const first: usize = load<u32>(SOURCES);
  const second: usize = load<u32>(SOURCES, 4);
  const third: usize = load<u32>(SOURCES, 8);
  const fourth: usize = load<u32>(SOURCES, 12);
  for (let at: usize = 0; at < 2 * DIGEST; at += 16) {
    transpose(
      PAIRS + 4 * at,
      v128.load(first + at),
      v128.load(second + at),
      v128.load(third + at),
      v128.load(fourth + at),
    );
  }
  let before = i32x4.splat(1);
  for (let at: usize = 0; at < 256; at += 16) {
    const word = v128.load(PAIRS + at);
    v128.store(W + at, v128.or(i32x4.shl(before, 24), i32x4.shr_u(word, 8)));
    before = word;
  }
  beginFour(HASHES);
  scheduleFour();
  compressFour(HASHES);
  scheduleSecond(before);
  compressFour(HASHES);
  storeHashes(load<u32>(TARGETS), load<u32>(TARGETS, 4), load<u32>(TARGETS, 8), load<u32>(TARGETS, 12));
}

/** Lets a pair wait, and hashes if it is the fourth. Returns how many wait. */
function addPair(source: usize, target: usize, waiting: usize): usize {
  store<u32>(SOURCES + 4 * waiting, source as u32);
  store<u32>(TARGETS + 4 * waiting, target as u32);
  if (waiting < 3) return waiting + 1;
  hashPairs();
  return 0;
}

/**
 * Takes all trees up by a level. The nodes of a tree stay where its first one is, so a hash goes where no pair of its
 * tree waits any more.
 * @param counts the nodes of each tree; those of the next level are stored.
 * @returns whether any tree has more than its root.
 */
function hashLevel(nodes: usize, capacities: usize, counts: usize, trees: usize): bool {
  let waiting: usize = 0;
  let tree = nodes;
  for (let at: usize = 0; at < 4 * trees; at += 4) {
    const pairs: usize = load<u32>(counts + at) >> 1;
    for (let pair: usize = 0; pair < pairs; pair++) {
      waiting = addPair(tree + 2 * pair * DIGEST, tree + pair * DIGEST, waiting);
    }
    tree += load<u32>(capacities + at) * DIGEST;
  }
  if (waiting > 0) {
    // The last pair fills the lanes that are left.
    const source: usize = load<u32>(SOURCES + 4 * (waiting - 1));
    const target: usize = load<u32>(TARGETS + 4 * (waiting - 1));
    while (waiting > 0) waiting = addPair(source, target, waiting);
  }
  let isMore = false;
  tree = nodes;
  for (let at: usize = 0; at < 4 * trees; at += 4) {
    const count: usize = load<u32>(counts + at);
    if ((count & 1) != 0) memory.copy(tree + (count >> 1) * DIGEST, tree + (count - 1) * DIGEST, DIGEST);
    const left = (count + 1) >> 1;
    store<u32>(counts + at, left as u32);
    if (left > 1) isMore = true;
    tree += load<u32>(capacities + at) * DIGEST;
  }
  return isMore;
}

/** Bytes that `merkleRoots` needs for `count` leaves of so many trees: nodes, up to the next four, and counts. */
export function merkleBytes(count: usize, trees: usize): usize {
  return (count + 3) * DIGEST + 4 * trees;
}

/**
 * Stores the roots over leaves of up to 54 bytes each, one after the other, of one tree after the other. Reads up to 64
 * bytes around them.
 * @param counts the leaves of each tree, u32 > 0; `count` in all.
 */
export function merkleRoots(
  roots: usize,
  leaves: usize,
  leafBytes: usize,
  counts: usize,
  trees: usize,
  count: usize,
  work: usize,
): void {
  prepare(leafBytes);
  if (!isSecondMade) makeSecond();
  for (let at: usize = 0; at < count; at += 4) {
    hashLeaves(work + at * DIGEST, leaves + at * leafBytes, leafBytes, count - at);
  }
  const left = work + (count + 3) * DIGEST;
  memory.copy(left, counts, 4 * trees);
  while (hashLevel(work, counts, left, trees)) {}
  let tree = work;
  for (let at: usize = 0; at < trees; at++) {
    for (let word: usize = 0; word < DIGEST; word += 4) {
      store<u32>(roots + at * DIGEST + word, bswap(load<u32>(tree + word)));
    }
    tree += load<u32>(counts + 4 * at) * DIGEST;
  }
}
