// The attack: a customer lowers the share of their own meter on its way, and with it what the commitments must open.
// The equation of a sum, y1·B + y3·B~ = sum of C, holds for every such change of both sides; it is the batch root,
// signed by the meter, that says which C are summed.
import { concatBytes } from "@noble/hashes/utils.js";
import { describe, expect, it } from "vitest";
import { encodeRoster } from "../../../src/aggregation/roster.js";
import { rebuildRoot } from "../../../src/proofs/batch.js";
import { BASE, BLINDING, Group, makeCommitmentKey } from "../../../src/proofs/generators.js";
import type { Roster } from "../../../src/trusted/blinding/roster.js";
import { sameBytes } from "../../../src/trusted/encoding/bytes.js";
import { encodeLeaf } from "../../../src/trusted/sealing/batch.js";
import { bytesOf, L, numberOf } from "../../../src/trusted/sealing/edwards.js";
import { digest } from "../../../src/trusted/sealing/keys.js";
import { exampleOpening, neighbours, shareOf } from "../../street.js";
import { INTERVAL, ROSTER } from "./pairs.js";

const WITH_OPENINGS: Roster = { ...ROSTER, statistics: [1, 3] };
const key = makeCommitmentKey();
const members = neighbours(3);
const homes = members.map(({ meterId }, own) => ({
  reading: 500 + own,
  opening: exampleOpening(meterId, 0),
}));
type Home = (typeof homes)[number];

/** y1, y3 and C of one share. */
interface Sent {
  readonly y1: bigint;
  readonly y3: bigint;
  readonly C: Uint8Array;
}

const SENT: readonly Sent[] = homes.map((home, own) => {
  const S = digest(encodeRoster(WITH_OPENINGS));
  const bytes = shareOf({ roster: WITH_OPENINGS, S, members, interval: INTERVAL }, own, [home]);
  const y1 = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  return { y1, y3: numberOf(bytes.subarray(8, 40)), C: bytes.slice(40) };
});

const sumOf = (sent: readonly Sent[]) =>
  BigInt.asUintN(
    64,
    sent.reduce((sum, { y1 }) => sum + y1, 0n),
  );

/** Whether the sums open the sum of the commitments. */
function opens(sent: readonly Sent[]): boolean {
  const opening = sent.reduce((sum, { y3 }) => sum + y3, 0n) % L;
  const left = BASE.multiplyUnsafe(sumOf(sent)).add(BLINDING.multiplyUnsafe(opening));
  return left.equals(sent.reduce((sum, { C }) => sum.add(Group.fromBytes(C)), Group.ZERO));
}

/** The leaf of the interval, and with it two more of the meter's batch. */
const rootWith = (C: Uint8Array, own: number) =>
  rebuildRoot(
    concatBytes(
      ...[-1, 0, 1].map((step) =>
        encodeLeaf(INTERVAL + step, 0, 0, step === 0 ? C : key.commit(40 + own, BigInt(7 + step))),
      ),
    ),
  );
const SIGNED = homes.map(({ reading, opening }, own) => rootWith(key.commit(reading, opening), own));
const isUnderRoots = (sent: readonly Sent[]) =>
  sent.map(({ C }, own) => sameBytes(rootWith(C, own), SIGNED[own] as Uint8Array));

const [first, second, third] = SENT as [Sent, Sent, Sent];
const [home] = homes as [Home];
const less = (value: bigint, by: bigint) => (((value - by) % L) + L) % L;

describe("the opening of a sum", () => {
  it("holds for the shares as they were made, under the roots as they were signed", () => {
    expect(sumOf(SENT)).toBe(1503n);
    expect(opens(SENT)).toBe(true);
    expect(isUnderRoots(SENT)).toEqual([true, true, true]);
  });

  it.each([1n, -1n, 500n, 2n ** 32n, 2n ** 63n])("fails for a reading lowered by %d alone", (by) => {
    expect(opens([{ ...first, y1: BigInt.asUintN(64, first.y1 - by) }, second, third])).toBe(false);
  });

  it("fails for an opening or a commitment changed alone", () => {
    expect(opens([{ ...first, y3: less(first.y3, 1n) }, second, third])).toBe(false);
    expect(opens([{ ...first, C: second.C }, second, third])).toBe(false);
    expect(opens([{ ...first, C: bytesOf(0n) }, second, third])).toBe(false);
  });

  it("holds for a home that takes itself out whole, with the identity for a commitment: it is to be refused", () => {
    const gone = {
      y1: BigInt.asUintN(64, first.y1 - BigInt(home.reading)),
      y3: less(first.y3, home.opening),
      C: Group.ZERO.toBytes(),
    };
    expect(gone.C).toEqual(new Uint8Array(32));
    expect(opens([gone, second, third])).toBe(true);
    expect(sumOf([gone, second, third])).toBe(1503n - 500n);
    expect(isUnderRoots([gone, second, third])).toEqual([false, true, true]);
  });

  it("holds as well for a home that lowers itself a little, with no identity to see: the root alone refuses it", () => {
    for (const [by, shift] of [
      [100n, 0n],
      [500n, 12345n],
      [499n, home.opening],
    ] as const) {
      const C = Group.fromBytes(first.C)
        .subtract(BASE.multiplyUnsafe(by))
        .subtract(BLINDING.multiplyUnsafe(shift));
      const lowered = {
        y1: BigInt.asUintN(64, first.y1 - by),
        y3: less(first.y3, shift),
        C: C.toBytes(),
      };
      expect(C.equals(Group.ZERO)).toBe(false);
      expect(opens([lowered, second, third])).toBe(true);
      expect(sumOf([lowered, second, third])).toBe(1503n - by);
      expect(isUnderRoots([lowered, second, third])).toEqual([false, true, true]);
    }
  });

  it("holds for commitments that two members exchange, and the roots of both refuse them", () => {
    const exchanged = [{ ...first, C: second.C }, { ...second, C: first.C }, third];
    expect(opens(exchanged)).toBe(true);
    expect(isUnderRoots(exchanged)).toEqual([false, false, true]);
  });

  it("holds for what one member gives another, which leaves the sum as it was", () => {
    const given = [
      { ...first, y1: BigInt.asUintN(64, first.y1 - 100n) },
      { ...second, y1: BigInt.asUintN(64, second.y1 + 100n) },
      third,
    ];
    expect(opens(given)).toBe(true);
    expect(sumOf(given)).toBe(1503n);
    expect(isUnderRoots(given)).toEqual([true, true, true]);
  });

  it("is of an interval and a status too: under the root, a commitment does not fit another", () => {
    const leaf = (interval: number, status: number) => encodeLeaf(interval, 0, status, first.C);
    const roots = [leaf(INTERVAL, 0), leaf(INTERVAL + 1, 0), leaf(INTERVAL, 16)].map((one) =>
      rebuildRoot(one).join(),
    );
    expect(new Set(roots).size).toBe(3);
  });
});
