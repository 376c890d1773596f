// The server and a whole metrology unit: the unit accepts the rosters and repairs that the server plans, and its
// shares and batch fit the server's sums.
import { describe, expect, it } from "vitest";
import { Collector } from "../../src/aggregation/collector.js";
import { enrolMeter } from "../../src/aggregation/enrolment.js";
import { planRepairs } from "../../src/aggregation/repair.js";
import { resultAt } from "../../src/aggregation/results.js";
import { documentsOf, type KeptRoster, Rosters, signRoster } from "../../src/aggregation/rosters.js";
import { Seals } from "../../src/aggregation/seals.js";
import { encodeShare } from "../../src/trusted/blinding/share.js";
import { dayOf } from "../../src/trusted/metrology/interval.js";
import { BenchMeter, DAY_S, METER_ID, MIDNIGHT_S } from "../bench-meter.js";
import { BenchStreet } from "../bench-street.js";
import { exampleOpening, shareOf } from "../street.js";

const MEMBERS = 10;
const DARK = 0;

describe("a unit among the members of a server's roster", () => {
  it("makes the share that completes the sum, seals it, and takes part in the repair", () => {
    const meter = new BenchMeter({ configuration: { minGroup: 3 } });
    meter.confirm();
    const street = new BenchStreet(meter, MEMBERS);
    const { authority, aggregator } = meter.parties;
    const members = street.certificates.map((document) => enrolMeter(document, authority.publicKey, null));
    const rosters = new Rosters();
    const { channels, intervalSeconds } = meter.configuration;
    const first = street.dayBegin(1);
    const terms = { groupId: "street-1", channels, intervalSeconds, statistics: [1, 3], lastDay: null };
    const plan = { ...terms, members, firstDay: dayOf(first, intervalSeconds) };
    const kept = rosters.addStanding(signRoster(rosters.plan(plan, MIDNIGHT_S), aggregator.seed), members);
    for (const document of documentsOf(kept, members)) street.send(document);
    meter.passUntil(2 * DAY_S + 60, [800, 90]);

    const from_s = MIDNIGHT_S + DAY_S;
    const collector = new Collector(rosters, { from_s, to_s: from_s + DAY_S });
    const seals = new Seals(rosters, collector);
    const readingOf = (member: number, channel: number) => 100 * member + channel;
    const sendNeighbours = (roster: KeptRoster, interval: number, isSent: (member: number) => boolean) => {
      street.members.forEach(({ meterId }, member) => {
        if (member === street.own || !isSent(member)) return;
        const openings = channels.map((_, channel) => ({
          reading: readingOf(member, channel),
          opening: exampleOpening(meterId, channel),
        }));
        const terms = { roster: roster.roster, S: roster.S, members: street.members, interval };
        const { groupId, rosterNumber } = roster.roster;
        const names = { meterId, interval, groupId, rosterNumber, status: 0 };
        collector.add(encodeShare(names, shareOf(terms, member, openings)), meterId);
      });
    };
    const sendOwn = () => {
      for (const { message } of meter.shares) collector.add(message, METER_ID);
      seals.addBatches({ certificate: meter.certificate, revocation: null }, meter.kept(3));
    };
    const sumOf = (interval: number, inside: (member: number) => boolean) =>
      channels.map((_, channel) => {
        const own = meter.readings.find((reading) => reading.interval === interval)?.readings[channel] ?? 0;
        return street.members.reduce((sum, __, member) => {
          return member === street.own || !inside(member) ? sum : sum + readingOf(member, channel);
        }, own);
      });
    const sums = (interval: number) => {
      const { channels, state, reason } = resultAt(rosters, collector, seals, kept, interval);
      return { sums: channels?.map(({ sum_Wh }) => sum_Wh), state, reason };
    };

    sendNeighbours(kept, first, () => true);
    sendNeighbours(kept, first + 1, (member) => member !== DARK);
    sendOwn();
    // The neighbours have sealed nothing; of the unit's own batch nothing is wanting.
    const reason = "no batch of SM-0000-000 holds it yet";
    expect(sums(first)).toEqual({ sums: sumOf(first, () => true), state: "unverified", reason });
    expect(seals.faults).toEqual([]);
    expect(sums(first + 1)).toMatchObject({ sums: undefined, state: "open" });

    const now_s = MIDNIGHT_S + 2 * DAY_S + 60;
    const { repairs } = planRepairs(rosters, collector, kept, { now_s, minGroup: 3, patience_s: 0 });
    expect(repairs.map(({ firstInterval, memberCount }) => [firstInterval, memberCount])).toEqual([
      [first + 1, 7],
    ]);
    for (const roster of repairs) {
      const repair = rosters.addRepair(signRoster(roster, aggregator.seed));
      street.send(repair.document);
      sendNeighbours(repair, first + 1, (member) => repair.places.has(street.members[member]?.meterId ?? ""));
    }
    sendOwn();
    const inside = (member: number) => member > 2;
    expect(sums(first + 1).sums).toEqual(sumOf(first + 1, inside));
  });
});
