// The attack: a server asks for several sums of one interval whose difference is a few homes, or one. What repairs
// and groups a unit answers leaves no such difference; without any one of the rules the search finds it.
import { describe, expect, it } from "vitest";
import { isFairRepair } from "../../../src/trusted/blinding/roster.js";
import { type Answer, everyone, fewestShown, isIn, learnt, type Members, setsOf, sizeOf } from "./sums.js";

type IsFair = typeof isFairRepair;

const sizesOf = (members: number, least: number, isFair: IsFair = isFairRepair) =>
  Array.from({ length: members }, (_, k) => k + 1).filter((k) => isFair(k, members, least));
const repairsOf = (members: number, least: number, isFair: IsFair = isFairRepair) =>
  setsOf(members, (size) => isFair(size, members, least));

/**
 * The fewest readings that a server learns of by a standing roster and these repairs of it.
 * @param count repairs that a member answers for one interval.
 */
function fewestByRepairs(
  members: number,
  repairs: readonly Members[],
  { count = 1, colluders = 0 }: { readonly count?: 1 | 2; readonly colluders?: Members } = {},
): number {
  const standing = everyone(members);
  const offered = [standing, ...repairs];
  const all = offered.map((_, at) => at);
  const answersOf = (member: number): Answer[] => {
    // Who colludes has no rules.
    if (isIn(member, colluders)) return [all];
    const mine = all.slice(1).filter((at) => isIn(member, offered[at] as Members));
    const one: Answer[] = [[], ...mine.map((at) => [at])];
    const answers = count === 1 ? one : one.flatMap((first) => one.map((second) => [...first, ...second]));
    return answers.flatMap((answer) => [answer, [0, ...answer]]);
  };
  const shown = learnt(offered, members, answersOf).map((sums) => fewestShown(sums, standing ^ colluders));
  return Math.min(...shown);
}

/** The first pair of repairs by which a server learns of fewer than `least` readings. */
function isolatingPair(
  members: number,
  least: number,
  { isFair = isFairRepair, count = 1 }: { readonly isFair?: IsFair; readonly count?: 1 | 2 },
): readonly [Members, Members] | null {
  const repairs = repairsOf(members, least, isFair);
  for (const [at, one] of repairs.entries()) {
    for (const other of repairs.slice(at)) {
      if (fewestByRepairs(members, [one, other], { count }) < least) return [one, other];
    }
  }
  return null;
}

/** A set of members as a string of bits, member 0 first. */
const bits = (sum: Members, members: number) =>
  [...sum.toString(2).padStart(members, "0")].reverse().join("");

describe("a repair is fair", () => {
  it.each([
    [5, 2, []],
    [6, 2, [4]],
    [7, 2, [5]],
    [8, 2, [6]],
    [9, 2, [6, 7]],
    [10, 2, [7, 8]],
    [8, 3, []],
    [9, 3, [6]],
    [10, 3, [7]],
    [11, 3, [8]],
    [12, 3, [8, 9]],
    [29, 10, []],
    [30, 10, [20]],
    [40, 10, [27, 28, 29, 30]],
  ])("of %d members with a least of %d at these sizes: %j", (members, least, sizes) => {
    expect(sizesOf(members, least)).toEqual(sizes);
  });

  it("at a size at all if and only if the group has three times the least", () => {
    for (let members = 2; members <= 128; members++) {
      for (let least = 2; least <= members; least++) {
        expect(sizesOf(members, least).length > 0, `${members}, ${least}`).toBe(members >= 3 * least);
      }
    }
  });
});

describe("whatever repairs are offered and however members answer", () => {
  // One repair a member of all there are, one by one: 22 answers each of six members, 170 each of nine.
  it.each([
    [6, 2, 15],
    [7, 2, 21],
    [8, 2, 28],
    [9, 2, 120],
    [9, 3, 84],
    [10, 3, 120],
  ])("of %d members nothing is learnt about fewer than %d readings, and of so many it is", (members, least, count) => {
    const repairs = repairsOf(members, least);
    // The search is for so many; with more it would not end.
    expect(repairs).toHaveLength(count);
    expect(fewestByRepairs(members, repairs)).toBe(least);
  });

  it("of a pair of repairs at most one sum is learnt, in each of 46,656 ways of six members to answer", () => {
    const repairs = repairsOf(6, 2);
    const standing = everyone(6);
    expect(repairs).toHaveLength(15);
    let both = 0;
    for (const one of repairs) {
      for (const other of repairs.filter((repair) => repair > one)) {
        const found = new Set<string>();
        for (let way = 0; way < 6 ** 6; way++) {
          const answered = [0, 0, 0];
          for (let member = 0, rest = way; member < 6; member++, rest = Math.floor(rest / 6)) {
            if (rest % 2 === 1) answered[0] = (answered[0] as number) | (1 << member);
            const which = Math.floor(rest / 2) % 3;
            if (which > 0) answered[which] = (answered[which] as number) | (1 << member);
          }
          const complete = [standing, one, other].filter(
            (sum, at) => (sum & ~(answered[at] as number)) === 0,
          );
          found.add(complete.join());
        }
        if ([...found].some((sums) => sums.endsWith(`${one},${other}`))) both++;
        // The search that takes members one by one finds the same.
        const answers = [[], [1], [2]].flatMap((answer) => [answer, [0, ...answer]]);
        const searched = learnt([standing, one, other], 6, () => answers).map((sums) => sums.join());
        expect(new Set(searched)).toEqual(found);
        expect(found.size).toBe(6);
      }
    }
    expect(both).toBe(0);
  });
});

describe("each rule is needed", () => {
  it.each([
    [6, 2],
    [8, 2],
  ])("with all of them no pair isolates fewer of %d members than %d", (members, least) => {
    expect(isolatingPair(members, least, {})).toBeNull();
  });

  it("without two thirds, two repairs that share nobody leave one home", () => {
    const isFair: IsFair = (members, standing, least) => members >= least && standing - members >= least;
    const pair = isolatingPair(6, 2, { isFair }) as readonly [Members, Members];
    expect(pair.map((repair) => bits(repair, 6))).toEqual(["110000", "001110"]);
    expect(fewestShown([everyone(6), ...pair], everyone(6))).toBe(1);
    expect(isFairRepair(2, 6, 2) || isFairRepair(3, 6, 2)).toBe(false);
  });

  it("without as many left out, one repair leaves one home", () => {
    const isFair: IsFair = (members, standing) => 3 * members >= 2 * standing;
    const [one, other] = isolatingPair(6, 2, { isFair }) as readonly [Members, Members];
    expect([one, other].map((repair) => bits(repair, 6))).toEqual(["111100", "111110"]);
    expect(fewestShown([everyone(6), one], everyone(6))).toBe(2);
    expect(fewestShown([everyone(6), other], everyone(6))).toBe(1);
  });

  it("without one repair a member, two that differ by one home give its reading", () => {
    const pair = isolatingPair(9, 2, { count: 2 }) as readonly [Members, Members];
    expect(pair.map((repair) => bits(repair, 9))).toEqual(["111111000", "111111100"]);
    expect(fewestShown(pair, everyone(9))).toBe(1);
    // Where all fair repairs are of one size, they give a difference of two homes.
    const [one, other] = isolatingPair(9, 3, { count: 2 }) as readonly [Members, Members];
    expect(fewestShown([one, other], everyone(9))).toBe(2);
  });

  it("members of a repair need no least of their own: it follows from the other two", () => {
    for (let standing = 1; standing <= 128; standing++) {
      for (let members = 1; members < standing; members++) {
        for (let least = 1; least <= standing; least++) {
          const others = standing - members >= least && 3 * members >= 2 * standing;
          if (others && members < 2 * least) expect.fail(`${members} of ${standing}, least ${least}`);
        }
      }
    }
  });
});

describe("against members who collude, and answer whatever they are asked", () => {
  // Who they are does not matter: all repairs are on offer, so the first ones stand for any.
  it.each([
    [9, 3, 1, 84],
    [9, 3, 2, 84],
    [10, 3, 1, 120],
    [10, 3, 2, 120],
  ])("of %d members with a least of %d and %d colluders, sums over the least but these", (members, least, f, count) => {
    const repairs = repairsOf(members, least);
    expect(repairs).toHaveLength(count);
    expect(fewestByRepairs(members, repairs, { colluders: everyone(f) })).toBe(least - f);
  });

  it("a majority instead of two thirds would not do: two repairs that share but colluders leave one home", () => {
    const colluders = everyone(2);
    const one = everyone(6);
    const others = setsOf(11, (size) => size === 6);
    const isolating = others.filter((other) => fewestByRepairs(11, [one, other], { colluders }) < 4 - 2);
    // Both colluders, and four of the five who are not in the first.
    expect(isolating.map((repair) => bits(repair, 11))).toContain("11000011110");
    expect(isolating).toHaveLength(5);
    expect(sizesOf(11, 4)).toEqual([]);
  });

  it("two thirds make two repairs share at least as many as the least of the group", () => {
    for (let members = 2; members <= 128; members++) {
      for (let least = 2; 3 * least <= members; least++) {
        const [smallest = 0] = sizesOf(members, least);
        expect(2 * smallest - members, `${members}, ${least}`).toBeGreaterThanOrEqual(least);
      }
    }
  });
});

describe("of several groups", () => {
  /** All standing rosters of some of these members, and all repairs of each. */
  const groupsOf = (members: number, least: number) =>
    setsOf(members, (size) => size >= least).map((standing) => ({
      standing,
      repairs: setsOf(members, (size) => isFairRepair(size, sizeOf(standing), least)).filter(
        (repair) => (repair & ~standing) === 0,
      ),
    }));

  it("with one standing roster a member, and repairs of that only, nothing is learnt of fewer than the least", () => {
    const groups = groupsOf(6, 2);
    const offered = groups.flatMap(({ standing, repairs }) => [standing, ...repairs]);
    expect(offered).toHaveLength(57 + 15);
    const answers: Answer[] = [];
    for (const { repairs } of groups) {
      const at = answers.reduce((sum, answer) => Math.max(sum, ...answer), -1) + 1;
      // What answers less completes less, and less is learnt: so each answers all that it may.
      answers.push([at], ...repairs.map((_, k) => [at, at + 1 + k]));
    }
    const isMine = (member: number) => (answer: Answer) =>
      answer.every((at) => isIn(member, offered[at] as Members));
    const families = learnt(offered, 6, (member) => answers.filter(isMine(member)));
    expect(Math.min(...families.map((sums) => fewestShown(sums, everyone(6))))).toBe(2);
  });

  it("with two standing rosters a member, two groups that differ by one home give its reading", () => {
    const standing = setsOf(6, (size) => size >= 3);
    const pairs = standing.flatMap((one) => standing.map((other) => [one, other] as const));
    const isolating = pairs.filter((pair) => fewestShown(pair, everyone(6)) === 1);
    expect(isolating.map((pair) => pair.map((sum) => bits(sum, 6)))).toContainEqual(["111110", "111111"]);
    // Also two groups of one size, by the difference of two homes.
    const pair = [0b011111, 0b111110];
    expect(fewestShown(pair, everyone(6))).toBe(2);
  });

  it("with repairs of a roster that is not the member's own, a repair that leaves one home out gives it", () => {
    const groups = groupsOf(8, 2);
    const repairs = groups.flatMap((group) =>
      group.repairs.map((repair) => [group.standing, repair] as const),
    );
    const pairs = groups.flatMap(({ standing }) => repairs.map((repair) => [standing, ...repair] as const));
    const found = pairs.find(([own, , repair]) => fewestShown([own, repair], everyone(8)) === 1);
    const [own, foreign, repair] = found as readonly [Members, Members, Members];
    expect(repair & ~foreign).toBe(0);
    expect(isFairRepair(sizeOf(repair), sizeOf(foreign), 2)).toBe(true);
    expect(sizeOf(own ^ repair)).toBe(1);
  });
});
