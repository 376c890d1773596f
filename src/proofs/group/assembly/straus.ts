// Sums of few scalar multiples (Straus, 1964): one chain of doublings for all, and for each point a table of odd
// multiples for the digits of its scalar. In variable time: branches and addresses depend on the scalars.
import {
  Addend,
  addAddend,
  copyPoint,
  doublePoint,
  NEUTRAL,
  POINT,
  Point,
  subtractAddend,
  toAddend,
} from "./point";
import { bitLength, NAF_DIGITS, SCALAR, writeNaf } from "./scalars";

/** P, 3P ... 15P. */
const MULTIPLES: usize = 8;
/** Bytes of a table of odd multiples. */
export const NAF_TABLE: usize = MULTIPLES * POINT;
/** Bytes of work area a point. */
const WORK: usize = NAF_TABLE + (NAF_DIGITS as usize);

const TWICE: Point = memory.data(144, 16);
const ODD: Point = memory.data(144, 16);

/** Stores P, 3P ... 15P as addends. */
export function writeOddMultiples(table: Addend, p: Point): void {
  doublePoint(TWICE, p);
  toAddend(table, p);
  for (let at: usize = 1; at < MULTIPLES; at++) {
    // The sum of 2P and the last multiple.
    addAddend(ODD, TWICE, table + (at - 1) * POINT);
    toAddend(table + at * POINT, ODD);
  }
}

/** r = r + digit·P out of the table of P's odd multiples. */
export function addDigit(r: Point, table: Addend, digit: i32): void {
  if (digit > 0) addAddend(r, r, table + ((digit as usize) >> 1) * POINT);
  if (digit < 0) subtractAddend(r, r, table + ((-digit as usize) >> 1) * POINT);
}

/** Bytes that `straus` needs for `count` points. */
export function strausBytes(count: usize): usize {
  return count * WORK;
}

/** r = the sum of scalars times points. */
export function straus(r: Point, scalars: usize, points: Point, count: usize, work: usize): void {
  const bits = bitLength(scalars, count);
  const digits = work + count * NAF_TABLE;
  for (let at: usize = 0; at < count; at++) {
    writeOddMultiples(work + at * NAF_TABLE, points + at * POINT);
    writeNaf(digits + at, count as usize, scalars + at * SCALAR, bits);
  }
  copyPoint(r, NEUTRAL);
  for (let bit = bits; bit >= 0; bit--) {
    doublePoint(r, r);
    const row = digits + (bit as usize) * count;
    for (let at: usize = 0; at < count; at++) {
      const digit = load<i8>(row + at) as i32;
      if (digit != 0) addDigit(r, work + at * NAF_TABLE, digit);
    }
  }
}

/** Bytes that `fold` needs besides the points. */
export const FOLD_WORK: usize = 2 * NAF_TABLE + 2 * (NAF_DIGITS as usize);

/** r_i = low·P_i + high·P_(count + i) for i < count; the scalars follow each other. */
export function fold(r: Point, scalars: usize, points: Point, count: usize, work: usize): void {
  const bits = bitLength(scalars, 2);
  const digits = work + 2 * NAF_TABLE;
  writeNaf(digits, 2, scalars, bits);
  writeNaf(digits + 1, 2, scalars + SCALAR, bits);
  for (let at: usize = 0; at < count; at++) {
    writeOddMultiples(work, points + at * POINT);
    writeOddMultiples(work + NAF_TABLE, points + (at + count) * POINT);
    const sum = r + at * POINT;
    copyPoint(sum, NEUTRAL);
    for (let bit = bits; bit >= 0; bit--) {
      doublePoint(sum, sum);
      const pair = digits + 2 * (bit as usize);
      addDigit(sum, work, load<i8>(pair) as i32);
      addDigit(sum, work + NAF_TABLE, load<i8>(pair, 1) as i32);
    }
  }
}
