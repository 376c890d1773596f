// The attack: sums of squares say more than sums. With them two readings are solved from one answer, one large reading
// shows, and squares of faulty readings would pass what 64 bits hold. What is a limit of the method is shown as such.
import { describe, expect, it } from "vitest";
import { isFairRepair, leastMembers } from "../../../src/trusted/blinding/roster.js";
import { SQUARED_MAX, valuesOf } from "../../../src/trusted/blinding/share.js";
import { U32_MAX } from "../../../src/trusted/metrology/interval.js";
import { type Blinding, blinded, keyOf, minus, pairOf, signedMasks, summed } from "./pairs.js";

const BOTH = [1, 2];
const hidden = (reading: number) => valuesOf(BOTH, [{ reading, opening: 0n }]);
const streetOf = (count: number): Blinding => ({
  pair: pairOf("street"),
  S: keyOf("roster"),
  interval: 727536,
  statistics: BOTH,
  channels: 1,
  members: Array.from({ length: count }, (_, member) => member),
});

function squareRoot(value: bigint): bigint {
  let root = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (root * root > value) root--;
  while ((root + 1n) * (root + 1n) <= value) root++;
  return root;
}

/** The two numbers of this sum and this sum of squares: (s -+ sqrt(2q - s²)) / 2. */
function solve([sum = 0n, squares = 0n]: readonly bigint[]): [bigint, bigint] {
  const difference = squareRoot(2n * squares - sum * sum);
  return [(sum - difference) / 2n, (sum + difference) / 2n];
}

describe("sum and squares of two readings", () => {
  it.each([
    [0, 0],
    [1, 0],
    [137, 862],
    [862, 137],
    [1_500_000, 1_499_999],
    [25_000, 24_999],
  ])("give both to all other members together: %d and %d", (a, b) => {
    const street = streetOf(6);
    const readings = [a, 500, 600, 700, 800, b];
    const shares = readings.map((reading, own) => blinded(street, own, hidden(reading)));
    const totals = summed(shares, street);
    const rest = readings.slice(1, 5).map((reading) => hidden(reading));
    const known = summed(rest, street);
    const left = summed([totals, known.map((value) => -value)], street);
    expect(solve(left)).toEqual([BigInt(Math.min(a, b)), BigInt(Math.max(a, b))]);
    // By colluders' keys alone, without their shares, it is the same.
    const seen = [0, 5].map((own) =>
      [1, 2, 3, 4].reduce(
        (share, peer) => minus(share, signedMasks(street, own, peer)),
        shares[own] as readonly bigint[],
      ),
    );
    expect(summed(seen, street)).toEqual(left);
  });
});

describe("sum and squares of more readings", () => {
  /** How many multisets of `count` readings of at most `max` have this sum, and this sum of squares if any is given. */
  function candidates(count: number, max: number, sum: number, squares: number | null): number {
    if (count === 0) return sum === 0 && (squares === null || squares === 0) ? 1 : 0;
    let found = 0;
    for (let r = Math.min(max, sum); r * count >= sum; r--) {
      if (squares !== null && (count * r * r < squares || r * r > squares)) continue;
      found += candidates(count - 1, r, sum - r, squares === null ? null : squares - r * r);
    }
    return found;
  }
  const sumOf = (readings: readonly number[]) => readings.reduce((sum, r) => sum + r, 0);
  const squaresOf = (readings: readonly number[]) => readings.reduce((sum, r) => sum + r * r, 0);

  it.each([
    [[61, 140], 101, 1],
    [[61, 140, 97], 7550, 3],
    [[61, 140, 97, 83], 399_360, 9],
  ])("leave fewer ways than the sum alone: %j", (readings, bySum, byBoth) => {
    const [count, sum] = [readings.length, sumOf(readings)];
    const alone = candidates(count, sum, sum, null);
    const both = candidates(count, sum, sum, squaresOf(readings));
    expect([alone, both]).toEqual([bySum, byBoth]);
  });

  it("show about how large the largest is, however many they are: a limit", () => {
    const readings = [5000, ...new Array<number>(19).fill(50)];
    const [sum, squares] = [sumOf(readings), squaresOf(readings)];
    // q <= s·max and max² <= q: between 4,209 and 5,004 of 5,950 Wh.
    expect([Math.floor(squares / sum), Math.floor(Math.sqrt(squares))]).toEqual([4209, 5004]);
  });

  it("so rosters with squares, and what their repairs leave out, need twice the least members", () => {
    expect([[1], [1, 3], [1, 2], [1, 2, 3]].map((statistics) => leastMembers(10, statistics))).toEqual([
      10, 10, 20, 20,
    ]);
    expect(isFairRepair(40, 60, leastMembers(10, BOTH))).toBe(true);
    expect(isFairRepair(41, 60, leastMembers(10, BOTH))).toBe(false);
    expect(isFairRepair(41, 60, leastMembers(10, [1]))).toBe(true);
  });
});

describe("64 bits", () => {
  const count = 128;
  const street = streetOf(count);
  // Masks cancel modulo 2^64, so that sums of shares are these sums.
  const totalsOf = (reading: number) => summed(new Array(count).fill(hidden(reading)), street);

  it("hold the sum of 128 of the largest readings, and of their squares, which count as 2^28 - 1 at most", () => {
    const largest = totalsOf(U32_MAX);
    expect(largest).toEqual([BigInt(count) * BigInt(U32_MAX), BigInt(count) * BigInt(SQUARED_MAX) ** 2n]);
    expect(largest[0]).toBeLessThan(2n ** 39n);
    expect(largest[1]).toBeLessThan(2n ** 63n);
    expect(totalsOf(SQUARED_MAX)[1]).toBe(largest[1]);
    expect(totalsOf(SQUARED_MAX - 1)[1]).toBeLessThan(largest[1] as bigint);
  });

  it("would not hold two squares of the largest readings", () => {
    const square = BigInt(U32_MAX) ** 2n;
    expect(BigInt.asUintN(64, 2n * square)).not.toBe(2n * square);
  });

  // Why the square of a faulty reading is no zero: a flag is in the clear, so that what is left would have fewer
  // members than the rule counts.
  it("and zeros for faulty readings would leave one reading bare, where a repair leaves out one that is not", () => {
    const least = leastMembers(3, BOTH);
    const standing = streetOf(18);
    const repair = { ...standing, S: keyOf("repair"), members: standing.members.slice(0, 12) };
    expect(isFairRepair(12, 18, least)).toBe(true);
    const victim = 17;
    const faulty = [12, 13, 14, 15, 16];
    const totals = (by: Blinding, zeros: readonly number[]) =>
      summed(
        by.members.map((own) => {
          const [sum, squares] = hidden(845 + own) as [bigint, bigint];
          return blinded(by, own, [sum, zeros.includes(own) ? 0n : squares]);
        }),
        by,
      );
    const leftOut = (zeros: readonly number[]) => minus(totals(standing, zeros), totals(repair, zeros));
    expect(leftOut(faulty)[1]).toBe(862n * 862n);
    expect(leftOut([])[0]).toBe([...faulty, victim].reduce((sum, own) => sum + 845n + BigInt(own), 0n));
    // As the unit makes them there are six squares in it, whoever is flagged.
    expect(leftOut([])[1]).toBeGreaterThan(6n * 850n * 850n);
  });
});
