// The attack: sums of squares say more than sums. With them two readings are solved from one answer, one large reading
// shows, and squares of faulty readings would pass what 64 bits hold. What is a limit of the method is shown as such.
import { describe, expect, it } from "vitest";
import { isFairRepair, leastMembers } from "../../../src/trusted/blinding/roster.js";
import { valuesOf } from "../../../src/trusted/blinding/share.js";
import { Status, U32_MAX } from "../../../src/trusted/metrology/interval.js";
import { type Blinding, blinded, keyOf, minus, pairOf, signedMasks, summed } from "./pairs.js";

const BOTH = [1, 2];
const hidden = (reading: number, status = 0) => valuesOf(BOTH, [{ reading, opening: 0n }], status);
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
  /** The most that a configuration lets pass unflagged: 3 elements, 1,000 V, 1,000 A, 1,800 s. */
  const PROVISIONED_MAX = 1_500_000;
  const count = 128;
  const street = streetOf(count);
  // Masks cancel modulo 2^64, so that sums of shares are these sums.
  const totalsOf = (reading: number, status: number) =>
    summed(new Array(count).fill(hidden(reading, status)), street);

  it("hold the sum of 128 of the largest readings, and of their squares as far as they are unflagged", () => {
    const largest = totalsOf(U32_MAX, Status.FAULT);
    expect(largest).toEqual([BigInt(count) * BigInt(U32_MAX), 0n]);
    expect(largest[0]).toBeLessThan(2n ** 39n);
    const most = totalsOf(PROVISIONED_MAX, 0);
    expect(most).toEqual([BigInt(count * PROVISIONED_MAX), BigInt(count) * BigInt(PROVISIONED_MAX) ** 2n]);
    expect(most[1]).toBeLessThan(2n ** 49n);
  });

  it("would not hold two squares of readings above the maximum: flagged, they count for nothing", () => {
    const pair = { ...street, members: [0, 1] };
    const both = (status: number) =>
      summed(
        [0, 1].map((own) => blinded(pair, own, hidden(U32_MAX, status))),
        pair,
      )[1];
    const square = BigInt(U32_MAX) ** 2n;
    expect(both(0)).toBe(2n * square - 2n ** 64n);
    expect(both(Status.FAULT)).toBe(0n);
    for (const status of [1, 2, 4, 8, 32]) expect(both(status)).toBe(both(0));
    for (const other of [1, 2, 4, 8, 32]) expect(both(Status.FAULT | other)).toBe(0n);
  });

  // A flag is in the clear, so that a zero is known: what is left has fewer members than the rule counts. A limit.
  it("and these known zeros leave one reading bare, where a repair leaves out but one that is not flagged", () => {
    const least = leastMembers(3, BOTH);
    const standing = streetOf(18);
    const repair = { ...standing, S: keyOf("repair"), members: standing.members.slice(0, 12) };
    expect(isFairRepair(12, 18, least)).toBe(true);
    const victim = 17;
    const totalsOf = (by: Blinding, flagged: readonly number[]) =>
      summed(
        by.members.map((own) =>
          blinded(by, own, hidden(845 + own, flagged.includes(own) ? Status.FAULT : 0)),
        ),
        by,
      );
    const leftOut = (flagged: readonly number[]) =>
      minus(totalsOf(standing, flagged), totalsOf(repair, flagged));
    const faulty = [12, 13, 14, 15, 16];
    expect(leftOut(faulty)[1]).toBe(862n * 862n);
    expect(leftOut(faulty)[0]).toBe([...faulty, victim].reduce((sum, own) => sum + 845n + BigInt(own), 0n));
    expect(squareRoot(leftOut(faulty)[1] as bigint)).toBe(862n);
    // Were no one faulty, it would be six squares.
    expect(leftOut([])[1]).toBeGreaterThan(6n * 850n * 850n);
  });
});
