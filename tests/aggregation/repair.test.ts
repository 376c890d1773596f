import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { Collector } from "../../src/aggregation/collector.js";
import { planRepairs, type RepairOptions, type RepairPlan } from "../../src/aggregation/repair.js";
import { resultAt, resultsOf } from "../../src/aggregation/results.js";
import { type KeptRoster, signRoster } from "../../src/aggregation/rosters.js";
import { Seals } from "../../src/aggregation/seals.js";
import { WINDOW_S } from "../../src/trusted/blinding/memory.js";
import { isFairRepair, isMarked, type RepairTerms, type Roster } from "../../src/trusted/blinding/roster.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";

const MEMBERS = 36;
const source = new ModelStreet({ meters: MEMBERS, statistics: [1] });

/** A street of 36, some of whose meters are dark at times: intervals are counted from the first day's first. */
class Streetful {
  readonly street = source;
  readonly rosters: ModelStreet["rosters"];
  readonly standing: KeptRoster;
  readonly collector: Collector;
  readonly #isDark: (member: number, at: number) => boolean;

  constructor(isDark: (member: number, at: number) => boolean, days = 1, statistics = [1]) {
    const fresh = new ModelStreet({ meters: 0 });
    this.rosters = fresh.rosters;
    const { channels, intervalSeconds, firstDay, meters: members } = source;
    const terms = {
      groupId: "street-1",
      channels,
      statistics,
      intervalSeconds,
      firstDay,
      members,
      lastDay: null,
    };
    const plan = this.rosters.plan(terms, firstDay * DAY_SECONDS - 1);
    this.standing = this.rosters.addStanding(signRoster(plan, fresh.aggregatorSeed), members);
    const from_s = firstDay * DAY_SECONDS;
    this.collector = new Collector(this.rosters, { from_s, to_s: from_s + 20 * DAY_SECONDS });
    this.#isDark = isDark;
    for (let at = 0; at < 48 * days; at++) this.#send(this.standing, at);
  }

  #send(kept: KeptRoster, at: number): void {
    kept.members.forEach(({ meterId }, member) => {
      const place = this.standing.places.get(meterId) ?? -1;
      if (this.#isDark(place, at)) return;
      this.collector.add(source.shareOf(kept, member, this.interval(at)), meterId);
    });
  }

  interval(at: number): number {
    return source.firstOf(0) + at;
  }

  plan(days: number, options: Partial<RepairOptions> = {}): RepairPlan {
    const now_s = (source.firstDay + days) * DAY_SECONDS;
    return planRepairs(this.rosters, this.collector, this.standing, { now_s, ...options });
  }

  /** Signs and answers repairs. */
  order(repairs: readonly Roster[]): void {
    for (const roster of repairs) {
      const kept = this.rosters.addRepair(signRoster(roster, source.aggregatorSeed));
      for (let interval = roster.firstInterval; interval <= (roster.lastInterval ?? 0); interval++) {
        this.#send(kept, interval - this.interval(0));
      }
    }
  }

  result(at: number) {
    const seals = new Seals(this.rosters, this.collector);
    return resultAt(this.rosters, this.collector, seals, this.standing, this.interval(at));
  }

  membersIn(roster: Roster): number[] {
    const { mask } = roster.terms as RepairTerms;
    return Array.from({ length: MEMBERS }, (_, at) => at).filter((at) => isMarked(mask, at));
  }

  ranges(repairs: readonly { firstInterval: number; lastInterval: number | null }[]): number[][] {
    const first = this.interval(0);
    return repairs.map(({ firstInterval, lastInterval }) => [
      firstInterval - first,
      (lastInterval ?? 0) - first,
    ]);
  }
}

describe("repairs", () => {
  it("are none where all have sent", () => {
    expect(new Streetful(() => false).plan(3)).toEqual({ repairs: [], unrepaired: [] });
  });

  it("are one for a run of intervals, leave out who was dark and others up to the least, and give the rest's sum", () => {
    const streetful = new Streetful((member, at) => member === 20 && at >= 10 && at < 30);
    const { repairs, unrepaired } = streetful.plan(3);
    expect(streetful.ranges(repairs)).toEqual([[10, 29]]);
    const [repair] = repairs as [Roster];
    const inside = streetful.membersIn(repair);
    const outside = [0, 1, 2, 3, 4, 5, 6, 7, 8, 20];
    expect(inside).toEqual(
      Array.from({ length: MEMBERS }, (_, at) => at).filter((at) => !outside.includes(at)),
    );
    expect(unrepaired).toEqual([]);
    expect(streetful.result(15)).toMatchObject({ state: "open", missing: ["SM-00021"] });
    streetful.order(repairs);
    const { state, channels, kept } = streetful.result(15);
    const readings = inside.map((at) => source.openingsOf(at, streetful.interval(15))[0]?.reading ?? 0);
    expect([state, kept.members.length]).toEqual(["repaired", 26]);
    expect(channels?.[0]?.sum_Wh).toBe(readings.reduce((a, b) => a + b));
    expect(streetful.result(30).state).toBe("unverified");
    expect(streetful.plan(3)).toEqual({ repairs: [], unrepaired: [] });
  });

  it("join meters that were dark one after the other", () => {
    const streetful = new Streetful((member, at) => at >= 10 && at < 22 && member === at - 10);
    const { repairs } = streetful.plan(3);
    expect(streetful.ranges(repairs)).toEqual([[10, 21]]);
    expect(streetful.membersIn(repairs[0] as Roster)).toEqual(Array.from({ length: 24 }, (_, at) => at + 12));
  });

  it("are cut where together too many would be left out", () => {
    const streetful = new Streetful((member, at) => at < 16 && member === at);
    const { repairs } = streetful.plan(3);
    expect(streetful.ranges(repairs)).toEqual([
      [0, 11],
      [12, 15],
    ]);
  });

  it("wait until a day is over and late shares have had their time", () => {
    const streetful = new Streetful((member, at) => member === 3 && at < 4, 1);
    expect(streetful.plan(2.99).repairs).toEqual([]);
    expect(streetful.plan(3).repairs).toHaveLength(1);
    expect(streetful.plan(1, { patience_s: 0 }).repairs).toHaveLength(1);
    expect(streetful.plan(0.99, { patience_s: 0 }).repairs).toEqual([]);
  });

  it("reach their members while these make shares of all their intervals", () => {
    const streetful = new Streetful((member, at) => member === 3 && at < 4);
    const reach_s = 3600;
    const begin = (at: number) => (8 * DAY_SECONDS + at * 1800 - reach_s) / DAY_SECONDS;
    // Until (i + 1) · 1800 s + 8 days, an hour before.
    expect(streetful.ranges(streetful.plan(begin(1) - 1e-4, { reach_s }).repairs)).toEqual([[0, 3]]);
    expect(streetful.ranges(streetful.plan(begin(1), { reach_s }).repairs)).toEqual([[1, 3]]);
    expect(streetful.plan(begin(4), { reach_s }).repairs).toEqual([]);
    expect(WINDOW_S).toBe(8 * DAY_SECONDS);
  });

  it("are of no time that a successor has taken over", () => {
    const streetful = new Streetful(() => true, 0);
    const { roster, members } = streetful.standing;
    const firstDay = source.firstDay + 7;
    const terms = { ...roster, members: source.meters, firstDay, lastDay: null };
    const successor = streetful.rosters.plan(terms, source.firstDay * DAY_SECONDS);
    streetful.rosters.addStanding(signRoster(successor, source.aggregatorSeed), source.meters);
    const { unrepaired } = streetful.plan(10.5);
    expect(unrepaired.at(-1)).toMatchObject({
      last: source.firstOf(7) - 1,
      missing: members.map(({ meterId }) => meterId),
    });
  });

  it("are at most eight among those that a member holds, the longest first", () => {
    // Ten gaps of one to five intervals, two days of five.
    const starts = [0, 3, 6, 10, 15, 48, 51, 60, 70, 80];
    const isDark = (member: number, at: number) =>
      member === 3 && starts.some((start, n) => at >= start && at <= start + (n % 5));
    const streetful = new Streetful(isDark, 2);
    const { repairs, unrepaired } = streetful.plan(4);
    expect(repairs).toHaveLength(8);
    expect(repairs.map(({ rosterNumber }) => rosterNumber)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(unrepaired.map(({ first, last }) => last - first)).toEqual([0, 0]);
    expect(unrepaired[0]?.reason).toContain("hold 8 repairs already");
    streetful.order(repairs);
    expect(streetful.plan(4).repairs).toEqual([]);
    expect(streetful.plan(4).unrepaired).toHaveLength(2);
  });

  it("are none for groups that are too small, and that is said once", () => {
    const streetful = new Streetful((member, at) => member < 2 && at < 20);
    for (const options of [{ minGroup: 13 }, { minGroup: 30 }]) {
      const { repairs, unrepaired } = streetful.plan(3, options);
      expect(repairs).toEqual([]);
      expect(unrepaired).toEqual([
        {
          first: streetful.interval(0),
          last: streetful.interval(19),
          missing: ["SM-00001", "SM-00002"],
          reason: expect.stringContaining(`not ${options.minGroup} meters`),
        },
      ]);
    }
    expect(streetful.plan(3, { minGroup: 12 }).repairs).toHaveLength(1);
  });

  it("take twice the least meters with statistic 2", () => {
    const streetful = new Streetful((member, at) => member < 2 && at < 20, 0, [1, 2]);
    expect(streetful.plan(3, { minGroup: 7 }).repairs).toEqual([]);
    expect(streetful.plan(3, { minGroup: 7 }).unrepaired[0]?.reason).toContain("not 14 meters");
  });

  it("keep the units' rules whatever is missing", () => {
    const gaps = fc.array(
      fc.record({ member: fc.nat(MEMBERS - 1), from: fc.nat(95), length: fc.integer({ min: 1, max: 60 }) }),
      { maxLength: 24 },
    );
    fc.assert(
      fc.property(gaps, fc.integer({ min: 3, max: 12 }), (dark, minGroup) => {
        const isDark = (member: number, at: number) =>
          dark.some((gap) => gap.member === member && at >= gap.from && at < gap.from + gap.length);
        const streetful = new Streetful(isDark, 2);
        const { repairs, unrepaired } = streetful.plan(5, { minGroup });
        expect(repairs.length).toBeLessThanOrEqual(8);
        for (const repair of repairs) {
          expect(isFairRepair(repair.memberCount, MEMBERS, minGroup)).toBe(true);
          expect(Math.floor(repair.firstInterval / 48)).toBe(Math.floor((repair.lastInterval ?? 0) / 48));
        }
        streetful.order(repairs);
        const told = new Set(
          unrepaired.flatMap(({ first, last }) =>
            Array.from({ length: last - first + 1 }, (_, at) => first + at),
          ),
        );
        for (let at = 0; at < 96; at++) {
          const isWhole = !dark.some(({ from, length }) => at >= from && at < from + length);
          const expected = isWhole ? "unverified" : told.has(streetful.interval(at)) ? "open" : "repaired";
          expect(streetful.result(at).state).toBe(expected);
        }
        expect(streetful.plan(5, { minGroup }).repairs).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

describe("a meter that is dead for days", () => {
  it("costs a repair a day, and all sums but its own and those left out with it come out", () => {
    const streetful = new Streetful((member) => member === 0, 6);
    for (let days = 3; days <= 8; days++) {
      const { repairs, unrepaired } = streetful.plan(days);
      expect([repairs.length, unrepaired.length]).toEqual([1, 0]);
      streetful.order(repairs);
    }
    const seals = new Seals(streetful.rosters, streetful.collector);
    const states = resultsOf(streetful.rosters, streetful.collector, seals).map(({ state }) => state);
    expect(states).toEqual(Array.from({ length: 6 * 48 }, () => "repaired"));
  });
});
