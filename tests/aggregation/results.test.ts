import { describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { Collector } from "../../src/aggregation/collector.js";
import { formGroups } from "../../src/aggregation/enrolment.js";
import { resultsOf, totalsOf } from "../../src/aggregation/results.js";
import type { KeptRoster } from "../../src/aggregation/rosters.js";
import { Seals } from "../../src/aggregation/seals.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";

/** Three groups of ten; a share is sent if `isSent`. */
function setUp(isSent: (group: number, member: number, at: number) => boolean, intervals = 3) {
  const street = new ModelStreet({ meters: 30, statistics: [1] });
  const groups = formGroups(street.meters, { target: 10, minimum: 10 }).map((members, at) =>
    street.stand({ groupId: `group-${at}`, members }),
  );
  const from_s = street.firstDay * DAY_SECONDS;
  const collector = new Collector(street.rosters, { from_s, to_s: from_s + DAY_SECONDS });
  const send = (kept: KeptRoster, group: number, at: number) =>
    kept.members.forEach(({ meterId }, member) => {
      if (isSent(group, member, at))
        collector.add(street.shareOf(kept, member, street.firstOf(0) + at), meterId);
    });
  for (let at = 0; at < intervals; at++) {
    for (const [group, kept] of groups.entries()) send(kept, group, at);
  }
  const results = resultsOf(street.rosters, collector, new Seals(street.rosters, collector));
  const sum = (group: number, at: number) =>
    Array.from(
      { length: 10 },
      (_, k) => street.openingsOf(10 * group + k, street.firstOf(0) + at)[0]?.reading ?? 0,
    ).reduce((a, b) => a + b);
  return { street, results, totals: totalsOf(results), sum };
}

describe("the totals of many groups", () => {
  it("are over all meters where every group has its sum", () => {
    const { totals, sum, street } = setUp(() => true);
    expect(totals).toHaveLength(3);
    const expected = [0, 1, 2].map((group) => sum(group, 1)).reduce((a, b) => a + b);
    const start_s = street.firstDay * DAY_SECONDS + 1800;
    const counts = { meters: 30, groups: 3, groupsWithout: 0, isVerified: false };
    expect(totals[1]).toEqual({ start_s, obis: "1-0:1.8.0", sum_Wh: expected, ...counts });
  });

  it("say how many meters and groups are not in them", () => {
    const { totals, sum } = setUp((group, member, at) => !(group === 1 && member === 4 && at === 2));
    expect(totals[1]).toMatchObject({ meters: 30, groupsWithout: 0 });
    expect(totals[2]).toMatchObject({
      sum_Wh: sum(0, 2) + sum(2, 2),
      meters: 20,
      groups: 2,
      groupsWithout: 1,
    });
  });

  it("of an interval in which no group has a sum are of nobody, and not verified", () => {
    const { totals } = setUp((_, member) => member > 0);
    expect(totals[0]).toMatchObject({ sum_Wh: 0, meters: 0, groups: 0, groupsWithout: 3, isVerified: false });
  });
});

describe("what is told of a roster", () => {
  it("is every interval up to the last that most members have sent, dark ones included, and single shares besides", () => {
    const { results, street } = setUp(
      (_, member, at) => at !== 1 && (at < 4 || (at === 9 && member < 5)),
      12,
    );
    const told = results.filter(({ standing }) => standing.roster.groupId === "group-0");
    expect(
      told.map(({ interval, state, missing }) => [interval - street.firstOf(0), state, missing.length]),
    ).toEqual([
      [0, "unverified", 0],
      [1, "open", 10],
      [2, "unverified", 0],
      [3, "unverified", 0],
      [9, "open", 5],
    ]);
  });
});
