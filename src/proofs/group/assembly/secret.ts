// Sums of scalar multiples in uniform time, for a prover's secrets: for any scalars the same instructions run, on the
// same addresses in the same order. All digits of signed windows of four bits are looked up by reading the whole table
// under masks, and zero is added like any other. Loops depend on the number of points only.
import { carry, negateLow, select, swap } from "./linear";
import { PAIR } from "./pair";
import {
  Addend,
  addAddend,
  copyPoint,
  doublePoint,
  NEUTRAL,
  NEUTRAL_ADDEND,
  POINT,
  Point,
  toAddend,
} from "./point";
import { SCALAR } from "./scalars";

/** Bits of a window, and how many cover a scalar. */
const WIDTH = 4;
const WINDOWS: usize = 64;
/** P, 2P ... 8P. */
const MULTIPLES: usize = 8;
const TABLE: usize = MULTIPLES * POINT;

const MULTIPLE: Point = memory.data(144, 16);
const CHOSEN: Addend = memory.data(144, 16);
const OTHER: Addend = memory.data(144, 16);

/** Stores P, 2P ... 8P as addends. */
function writeMultiples(table: Addend, p: Point): void {
  toAddend(table, p);
  copyPoint(MULTIPLE, p);
  for (let at: usize = 1; at < MULTIPLES; at++) {
    addAddend(MULTIPLE, MULTIPLE, table);
    toAddend(table + at * POINT, MULTIPLE);
  }
}

/** Ones throughout if the two small numbers are equal, else zeros. */
function equalMask(a: i32, b: i32): v128 {
  return i32x4.eq(i32x4.splat(a), i32x4.splat(b));
}

/** Sixteen of the bytes of CHOSEN: those of the entry that `magnitude` numbers, from 1 on, or of zero. */
function chooseBytes(table: Addend, magnitude: i32, offset: usize): void {
  let bytes = v128.and(v128.load(NEUTRAL_ADDEND + offset), equalMask(magnitude, 0));
  for (let at: usize = 0; at < MULTIPLES; at++) {
    const entry = v128.load(table + at * POINT + offset);
    bytes = v128.or(bytes, v128.and(entry, equalMask(magnitude, (at as i32) + 1)));
  }
  v128.store(CHOSEN + offset, bytes);
}

/** CHOSEN = digit·P for a digit from -8 to 7. */
function choose(table: Addend, digit: i32): void {
  const sign = digit >> 31;
  const magnitude = (digit ^ sign) - sign;
  for (let offset: usize = 0; offset < POINT; offset += 16) chooseBytes(table, magnitude, offset);
  swap(OTHER, CHOSEN);
  negateLow(OTHER + PAIR, CHOSEN + PAIR);
  carry(OTHER + PAIR, OTHER + PAIR);
  const isNegative = i32x4.splat(sign);
  select(CHOSEN, isNegative, OTHER, CHOSEN);
  select(CHOSEN + PAIR, isNegative, OTHER + PAIR, CHOSEN + PAIR);
}

/** Adds 8 to each of the 64 digits, which makes digits from -8 to 7 of those from 0 to 15: no carry is kept. */
function addEights(scalar: usize): void {
  let carry: u64 = 0;
  for (let at: usize = 0; at < SCALAR; at += 4) {
    const sum = (load<u32>(scalar + at) as u64) + 0x88888888 + carry;
    store<u32>(scalar + at, sum as u32);
    carry = sum >> 32;
  }
}

/** Bytes that `sumSecret` needs for `count` points. */
export function secretBytes(count: usize): usize {
  return count * TABLE;
}

/** r = the sum of scalars times points; overwrites the scalars, which are below 2^253, and in the end with zeros. */
export function sumSecret(r: Point, scalars: usize, points: Point, count: usize, work: usize): void {
  for (let at: usize = 0; at < count; at++) {
    writeMultiples(work + at * TABLE, points + at * POINT);
    addEights(scalars + at * SCALAR);
  }
  copyPoint(r, NEUTRAL);
  for (let window: usize = WINDOWS; window-- > 0; ) {
    for (let bit = 0; bit < WIDTH; bit++) doublePoint(r, r);
    for (let at: usize = 0; at < count; at++) {
      const pair = load<u8>(scalars + at * SCALAR + (window >> 1)) as i32;
      choose(work + at * TABLE, ((pair >> (((window & 1) as i32) << 2)) & 15) - 8);
      addAddend(r, r, CHOSEN);
    }
  }
  memory.fill(scalars, 0, count * SCALAR);
  memory.fill(CHOSEN, 0, POINT);
  memory.fill(OTHER, 0, POINT);
}
