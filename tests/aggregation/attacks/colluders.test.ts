// The attack: members hand their keys to the server, which takes their masks off the others' shares. Two who stay
// honest hide each other: only their sum shows. One alone does not hide, and known zeros make one alone.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFairRepair } from "../../../src/trusted/blinding/roster.js";
import { valuesOf } from "../../../src/trusted/blinding/share.js";
import {
  type Blinding,
  blinded,
  keyOf,
  minus,
  openingsOf,
  pairOf,
  plus,
  reduced,
  signedMasks,
  summed,
} from "./pairs.js";

const members = [0, 1, 2, 3, 4, 5];
const blinding: Blinding = {
  pair: pairOf("street"),
  S: keyOf("roster"),
  interval: 727536,
  statistics: [1, 2, 3],
  channels: 2,
  members,
};
const valuesFor = (own: number) => valuesOf(blinding.statistics, openingsOf(`home ${own}`, 2));

/** A share without the masks of these colluders. */
const stripped = (share: readonly bigint[], own: number, colluders: readonly number[]) =>
  reduced(
    colluders.reduce((rest, peer) => minus(rest, signedMasks(blinding, own, peer)), [...share]),
    blinding,
  );

describe("the shares of two honest members", () => {
  const [a, b] = [2, 4];
  const colluders = members.filter((member) => member !== a && member !== b);
  const seen = [a, b].map((own) => stripped(blinded(blinding, own, valuesFor(own)), own, colluders));
  const between = signedMasks(blinding, a, b);
  /** What the server would see, were these the values and the pair's masks. */
  const wouldSee = (values: readonly (readonly bigint[])[], masks: readonly bigint[]) => [
    reduced(plus(values[0] as bigint[], masks), blinding),
    reduced(minus(values[1] as bigint[], masks), blinding),
  ];

  it("show their sums to all the others together", () => {
    expect(seen).toEqual(wouldSee([valuesFor(a), valuesFor(b)], between));
    expect(summed(seen, blinding)).toEqual(summed([valuesFor(a), valuesFor(b)], blinding));
  });

  it("are the same for every way to divide these sums, each under one other mask", () => {
    const sums = summed([valuesFor(a), valuesFor(b)], blinding);
    const parts = fc.array(fc.bigInt({ min: 0n, max: 2n ** 40n }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(parts, (parts) => {
        const divided = [parts, minus(sums, parts)];
        const masks = plus(between, minus(valuesFor(a), parts));
        expect(wouldSee(divided, masks)).toEqual(seen);
        // And by no other mask.
        expect(wouldSee(divided, plus(masks, [0n, 1n, 0n, 0n, 0n, 0n]))).not.toEqual(seen);
      }),
    );
    // For other sums there is no mask: what the server sees fixes them.
    const wrong = [valuesFor(a), plus(valuesFor(b), [1n, 0n, 0n, 0n, 0n, 0n])];
    expect(summed(wouldSee(wrong, between), blinding)).not.toEqual(sums);
  });

  it("are as often the same for every division, counted over all masks of one byte", () => {
    const modulus = 256;
    const countsOf = (one: number, other: number) => {
      const counts = new Map<string, number>();
      for (let mask = 0; mask < modulus; mask++) {
        const shares = [(one + mask) % modulus, (other - mask + modulus) % modulus];
        counts.set(shares.join(), (counts.get(shares.join()) ?? 0) + 1);
      }
      return counts;
    };
    const expected = countsOf(0, 200);
    for (let one = 1; one <= 200; one++) expect(countsOf(one, 200 - one)).toEqual(expected);
    expect(countsOf(0, 201)).not.toEqual(expected);
  });
});

describe("the limits", () => {
  it("the share of one honest member is bare to all the others together", () => {
    for (const own of members) {
      const others = members.filter((member) => member !== own);
      const share = blinded(blinding, own, valuesFor(own));
      expect(share).not.toEqual(valuesFor(own));
      expect(stripped(share, own, others)).toEqual(valuesFor(own));
      // But for one of the others, it is noise.
      expect(stripped(share, own, others.slice(1))[0]).toBeGreaterThan(2n ** 40n);
    }
  });

  it("zeros of nine dark members and one fair repair would give the tenth's reading: no share without a record", () => {
    const standing: Blinding = {
      ...blinding,
      statistics: [1],
      channels: 1,
      members: Array.from({ length: 30 }, (_, member) => member),
    };
    const dark = [20, 21, 22, 23, 24, 25, 26, 27, 28];
    const victim = 29;
    const repair: Blinding = { ...standing, S: keyOf("repair"), members: standing.members.slice(0, 20) };
    expect(isFairRepair(repair.members.length, standing.members.length, 10)).toBe(true);
    const reading = (member: number) => BigInt(100 + member);
    const totalOf = (by: Blinding, sends: (member: number) => bigint) =>
      summed(
        by.members.map((own) => blinded(by, own, [sends(own)])),
        by,
      );
    const withZeros = totalOf(standing, (member) => (dark.includes(member) ? 0n : reading(member)));
    const repaired = totalOf(repair, reading);
    expect(minus(withZeros, repaired)).toEqual([reading(victim)]);
    // Had they measured, it would be the sum of ten.
    const whole = totalOf(standing, reading);
    const ten = [...dark, victim].reduce((sum, member) => sum + reading(member), 0n);
    expect(minus(whole, repaired)).toEqual([ten]);
    // And as they send nothing, the standing roster's sum is noise.
    const some = standing.members.filter((member) => !dark.includes(member));
    const [open = 0n] = summed(
      some.map((own) => blinded(standing, own, [reading(own)])),
      standing,
    );
    expect(open).toBeGreaterThan(2n ** 40n);
  });
});
