// Sums of many scalar multiples (Pippenger, 1976): for each window of digits, points of the same digit are first added
// up in a bucket, then the buckets times their digits by running sums. In variable time, as Straus's method.
import {
  Addend,
  addAddend,
  addPoint,
  copyPoint,
  doublePoint,
  NEUTRAL,
  negatePoint,
  POINT,
  Point,
  subtractAddend,
  toAddend,
} from "./point";
import { bitLength, bitsOf, SCALAR } from "./scalars";

/** Bits of a window, at most; digits are from -2^(width - 1) to 2^(width - 1). */
const WIDTH_MAX = 13;

/** Windows of `width` bits for scalars of `bits` bits and a carry. */
function windowCount(bits: i32, width: i32): i32 {
  return bits / width + 1;
}

/** The width with the least work: a bucket costs about as much as 2.5 additions. */
function widthFor(count: usize, bits: i32): i32 {
  let best = 1;
  let least = i32.MAX_VALUE;
  for (let width = 1; width <= WIDTH_MAX; width++) {
    const work = windowCount(bits, width) * ((count as i32) + 5 * ((1 << width) >> 2));
    if (work < least) {
      least = work;
      best = width;
    }
  }
  return best;
}

/** Bytes that `pippenger` needs for `count` points: addends, digits, buckets and whether these have something. */
export function pippengerBytes(scalars: usize, count: usize): usize {
  const bits = bitLength(scalars, count);
  const width = widthFor(count, bits);
  const n = count;
  return (
    n * POINT + 2 * n * (windowCount(bits, width) as usize) + (POINT + 1) * ((1 << (width - 1)) as usize)
  );
}

/** Stores the digits of all scalars, 16 bits each, a window after the other. */
function writeDigits(digits: usize, scalars: usize, count: usize, bits: i32, width: i32): void {
  const windows = windowCount(bits, width);
  const half = 1 << (width - 1);
  for (let at: usize = 0; at < count; at++) {
    const scalar = scalars + at * SCALAR;
    let carry = 0;
    for (let window = 0; window < windows; window++) {
      const digit = bitsOf(scalar, window * width, width) + carry;
      carry = digit > half ? 1 : 0;
      store<i16>(digits + 2 * ((window as usize) * count + at), (digit - (carry << width)) as i16);
    }
  }
}

/** Adds each point to the bucket of its digit, or subtracts it. */
function fillBuckets(
  buckets: Point,
  filled: usize,
  digits: usize,
  points: Point,
  addends: Addend,
  count: usize,
): void {
  for (let at: usize = 0; at < count; at++) {
    const digit = load<i16>(digits + 2 * at) as i32;
    if (digit == 0) continue;
    const index = (abs(digit) - 1) as usize;
    const bucket = buckets + index * POINT;
    if (load<u8>(filled + index) == 0) {
      store<u8>(filled + index, 1);
      if (digit > 0) copyPoint(bucket, points + at * POINT);
      else negatePoint(bucket, points + at * POINT);
    } else if (digit > 0) {
      addAddend(bucket, bucket, addends + at * POINT);
    } else {
      subtractAddend(bucket, bucket, addends + at * POINT);
    }
  }
}

const RUNNING: Point = memory.data(144, 16);

/** r = r + the sum of each bucket times its digit: from the highest on, each counts once more than the one before. */
function addBuckets(r: Point, buckets: Point, filled: usize, count: i32): void {
  let isEmpty = true;
  copyPoint(RUNNING, NEUTRAL);
  for (let index = count - 1; index >= 0; index--) {
    if (load<u8>(filled + (index as usize)) != 0) {
      addPoint(RUNNING, RUNNING, buckets + (index as usize) * POINT);
      isEmpty = false;
    }
    if (!isEmpty) addPoint(r, r, RUNNING);
  }
}

/** r = the sum of scalars times points. */
export function pippenger(r: Point, scalars: usize, points: Point, count: usize, work: usize): void {
  const bits = bitLength(scalars, count);
  const width = widthFor(count, bits);
  const bucketCount = 1 << (width - 1);
  const windows = windowCount(bits, width);
  const buckets = work + count * POINT;
  const filled = buckets + (bucketCount as usize) * POINT;
  const digits = filled + (bucketCount as usize);
  for (let at: usize = 0; at < count; at++) toAddend(work + at * POINT, points + at * POINT);
  writeDigits(digits, scalars, count, bits, width);
  copyPoint(r, NEUTRAL);
  for (let window = windows - 1; window >= 0; window--) {
    for (let bit = 0; bit < width; bit++) doublePoint(r, r);
    memory.fill(filled, 0, bucketCount as usize);
    fillBuckets(buckets, filled, digits + 2 * (window as usize) * count, points, work, count);
    addBuckets(r, buckets, filled, bucketCount);
  }
}
