// The column of a reading: its rates in all linear answers, which is all that these see of it. Readings of equal
// columns can be exchanged for one another unseen.

/** Rates lie between -2^50 and 2^50, so that sums of six are safe integers. */
export const COLUMN_RATE_MAX = 2 ** 50;

/** The rates of one reading in linear answers: [answer, rate], answers ascending, rates not zero. */
export type Column = readonly (readonly [answer: number, rate: number])[];

/** Equal for equal columns. */
export const keyOf = (column: Column) => column.join(";");

/** The rate in one answer; 0 if it is not in it. */
export const rateIn = (column: Column, answer: number) => column.find(([at]) => at === answer)?.[1] ?? 0;

/** The coprime integers a > 0 and b for which a·column + b·other = 0; both 0 for columns that are not parallel. */
export function ratioOf(column: Column, other: Column): readonly [a: number, b: number] {
  const [rate, otherRate] = [BigInt(column[0]?.[1] ?? 0), BigInt(other[0]?.[1] ?? 0)];
  const isParallel =
    column.length === other.length &&
    column.every(([answer, value], at) => {
      const [otherAnswer, otherValue] = other[at] ?? [-1, 0];
      return answer === otherAnswer && BigInt(value) * otherRate === BigInt(otherValue) * rate;
    });
  if (!isParallel || rate === 0n || otherRate === 0n) return [0, 0];
  const divisor = greatestCommonDivisor(rate, otherRate);
  const sign = otherRate < 0n ? -1n : 1n;
  return [Number((sign * otherRate) / divisor), Number((-sign * rate) / divisor)];
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [larger, smaller] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (smaller > 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}
