// Elements as the numbers from 0 to p - 1: to compare them with zero, to tell even from odd, and as bytes.
import { negateLanes } from "./linear";
import { LIMB, Pair } from "./pair";

/** Two pairs, frozen: limb i of both, x_i y_i of the one and of the other, at 16·i. */
const FROZEN: usize = memory.data(144, 16);

/** Carries from limb to limb of two pairs at once, which takes no longer than of one. */
class Freezing {
  /** Limb `at` of both. */
  @inline static gather(a: Pair, b: Pair, at: usize): v128 {
    return v128.load64_lane(b + 8 * at, v128.load64_zero(a + 8 * at), 1);
  }

  /** Stores limb `at` without its carry, which is returned. */
  @inline static store(at: usize, value: v128): v128 {
    v128.store(FROZEN + 16 * at, v128.and(value, i32x4.splat(LIMB)));
    return i32x4.shr_u(value, 29);
  }

  /** Stores limb 8; what is from bit 255 up is taken off and returned. */
  @inline static storeTop(value: v128): v128 {
    v128.store(FROZEN + 128, v128.and(value, i32x4.splat(0x7fffff)));
    return i32x4.shr_u(value, 23);
  }

  @inline static load(at: usize): v128 {
    return v128.load(FROZEN + 16 * at);
  }

  @inline static first(a: Pair, b: Pair): v128 {
    let carry = Freezing.store(0, Freezing.gather(a, b, 0));
    carry = Freezing.store(1, i32x4.add(Freezing.gather(a, b, 1), carry));
    carry = Freezing.store(2, i32x4.add(Freezing.gather(a, b, 2), carry));
    carry = Freezing.store(3, i32x4.add(Freezing.gather(a, b, 3), carry));
    carry = Freezing.store(4, i32x4.add(Freezing.gather(a, b, 4), carry));
    carry = Freezing.store(5, i32x4.add(Freezing.gather(a, b, 5), carry));
    carry = Freezing.store(6, i32x4.add(Freezing.gather(a, b, 6), carry));
    carry = Freezing.store(7, i32x4.add(Freezing.gather(a, b, 7), carry));
    return Freezing.storeTop(i32x4.add(Freezing.gather(a, b, 8), carry));
  }

  /** What is from bit 255 up after an addition to limb 0. */
  @inline static excess(addend: v128): v128 {
    let carry = i32x4.shr_u(i32x4.add(Freezing.load(0), addend), 29);
    carry = i32x4.shr_u(i32x4.add(Freezing.load(1), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Freezing.load(2), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Freezing.load(3), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Freezing.load(4), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Freezing.load(5), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Freezing.load(6), carry), 29);
    carry = i32x4.shr_u(i32x4.add(Freezing.load(7), carry), 29);
    return i32x4.shr_u(i32x4.add(Freezing.load(8), carry), 23);
  }

  /** Adds to limb 0, and drops what is from bit 255 up. */
  @inline static last(addend: v128): void {
    let carry = Freezing.store(0, i32x4.add(Freezing.load(0), addend));
    carry = Freezing.store(1, i32x4.add(Freezing.load(1), carry));
    carry = Freezing.store(2, i32x4.add(Freezing.load(2), carry));
    carry = Freezing.store(3, i32x4.add(Freezing.load(3), carry));
    carry = Freezing.store(4, i32x4.add(Freezing.load(4), carry));
    carry = Freezing.store(5, i32x4.add(Freezing.load(5), carry));
    carry = Freezing.store(6, i32x4.add(Freezing.load(6), carry));
    carry = Freezing.store(7, i32x4.add(Freezing.load(7), carry));
    Freezing.storeTop(i32x4.add(Freezing.load(8), carry));
  }

  @inline static times19(a: v128): v128 {
    return i32x4.mul(a, i32x4.splat(19));
  }
}

/** FROZEN = a and b, from 0 to p - 1, limbs exact, for limbs below 2^32 - 2^9. */
function freeze(a: Pair, b: Pair): void {
  // Below 2^255 + 19·2^9 after the first fold: at most one p too much, which shows when 19 is added.
  const low = Freezing.times19(Freezing.first(a, b));
  const over = Freezing.excess(i32x4.add(low, i32x4.splat(19)));
  Freezing.last(i32x4.add(low, Freezing.times19(over)));
}

/** Lanes in which a and b are zero, as a mask for `select`; limbs as for `freeze`. */
export function bothZeroLanes(a: Pair, b: Pair): v128 {
  freeze(a, b);
  const low = v128.or(
    v128.or(Freezing.load(0), Freezing.load(1)),
    v128.or(Freezing.load(2), Freezing.load(3)),
  );
  const high = v128.or(
    v128.or(Freezing.load(4), Freezing.load(5)),
    v128.or(Freezing.load(6), Freezing.load(7)),
  );
  const some = v128.or(v128.or(low, high), Freezing.load(8));
  return i32x4.eq(v128.or(some, v128.shuffle<u32>(some, some, 2, 3, 0, 1)), i32x4.splat(0));
}

/** Lanes in which a is zero. */
export function zeroLanes(a: Pair): v128 {
  return bothZeroLanes(a, a);
}

/** Lanes in which a, as a number from 0 to p - 1, is odd: RFC 9496 calls it negative. */
export function oddLanes(a: Pair): v128 {
  freeze(a, a);
  return i32x4.neg(v128.and(Freezing.load(0), i32x4.splat(1)));
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

/** Stores 32 little-endian bytes of a frozen element, whose limbs are 16 bytes apart. */
function storeLane(bytes: usize, limbs: usize): void {
  const l2 = load<u32>(limbs, 32) as u64;
  const l4 = load<u32>(limbs, 64) as u64;
  const l6 = load<u32>(limbs, 96) as u64;
  store<u64>(bytes, (load<u32>(limbs) as u64) | ((load<u32>(limbs, 16) as u64) << 29) | (l2 << 58));
  store<u64>(bytes, (l2 >> 6) | ((load<u32>(limbs, 48) as u64) << 23) | (l4 << 52), 8);
  store<u64>(bytes, (l4 >> 12) | ((load<u32>(limbs, 80) as u64) << 17) | (l6 << 46), 16);
  store<u64>(
    bytes,
    (l6 >> 18) | ((load<u32>(limbs, 112) as u64) << 11) | ((load<u32>(limbs, 128) as u64) << 40),
    24,
  );
}

/** Stores both elements, 32 little-endian bytes each, from 0 to p - 1. If both go to one place, the low one stays. */
export function toBytes(low: usize, high: usize, a: Pair): void {
  freeze(a, a);
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
