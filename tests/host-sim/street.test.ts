// A street of real units, lived one after the other: what their shares say together, and who is left out of it.
import { bytesToHex } from "@noble/hashes/utils.js";
import { beforeAll, describe, expect, it } from "vitest";
import { feederTraces, intervalReadings } from "../../host-sim/feeder.js";
import { type Fed, planStreet, type Street, type StreetOptions } from "../../host-sim/street.js";
import { liveMeter, type MeterLife } from "../../host-sim/street-meter.js";
import type { Trace } from "../../host-sim/trace.js";
import { type CheckedInterval, type CheckedMeter, checkMeter } from "../../src/customer/check.js";
import { BASE, BLINDING, Group } from "../../src/proofs/generators.js";
import { Role } from "../../src/trusted/authority/certificate.js";
import { readUint } from "../../src/trusted/encoding/bytes.js";
import { CborReader } from "../../src/trusted/encoding/cbor.js";
import { L, numberOf } from "../../src/trusted/sealing/edwards.js";

const DAY_S = 86_400;
const START_S = 1_767_225_600; // 1 January 2026, 00:00 UTC
const INTERVAL_S = 1_800;
const [FIRST, LAST] = [START_S / INTERVAL_S, START_S / INTERVAL_S + 47];
const METERS = 18;
const [DARK, SILENT] = [7, 11];
const GAP = { first: FIRST + 20, last: FIRST + 22 };
/** With squares a group of 18 may lose 6 to a repair, if 3 are enough for a sum. */
const OPTIONS: StreetOptions = {
  seed: 7,
  meters: METERS,
  start_s: START_S,
  days: 1,
  intervalSeconds: INTERVAL_S,
  statistics: [1, 2, 3],
  minGroup: 3,
  dark: [{ meters: [DARK], ...GAP }],
  silent: [{ meter: SILENT, from_s: START_S + 5 * 3600, to_s: START_S + 20 * 3600 }],
  feed: (households) => feederTraces({ households, seed: 1 }),
};

interface Share {
  readonly interval: number;
  readonly rosterNumber: number;
  readonly status: number;
  readonly sums: Uint8Array;
}

function openShare(message: Uint8Array): Share {
  const reader = new CborReader(message, "share");
  reader.array(7);
  reader.uint(1);
  reader.text(32);
  const interval = reader.uint(0xffffffff);
  reader.text(32);
  const rosterNumber = reader.uint(0xffffffff);
  return { interval, rosterNumber, status: reader.uint(0xff), sums: reader.bytes(1, 1024) };
}

const numbersTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const u64 = (bytes: Uint8Array, at: number) =>
  BigInt(readUint(bytes, at, 4)) * 2n ** 32n + BigInt(readUint(bytes, at + 4, 4));
const addUp = (values: readonly bigint[]) => values.reduce((sum, value) => sum + value, 0n);

/** What all shares of an interval say, by channel. */
const statisticsOf = (shares: readonly Share[]) =>
  [0, 1].map((channel) => {
    const words = (at: number) => BigInt.asUintN(64, addUp(shares.map(({ sums }) => u64(sums, at))));
    const at = 32 + 64 * channel;
    const opening = addUp(shares.map(({ sums }) => numberOf(sums.subarray(at, at + 32)))) % L;
    const commitments = shares.map(({ sums }) => bytesToHex(sums.subarray(at + 32, at + 64)));
    return { sum: words(8 * channel), squares: words(16 + 8 * channel), opening, commitments };
  });

/** What they must say, from the readings that the customers have checked. */
const truthOf = (intervals: readonly CheckedInterval[]) =>
  [0, 1].map((channel) => {
    const readings = intervals.map((interval) => BigInt(interval.readings[channel] as number));
    return {
      sum: addUp(readings),
      squares: addUp(readings.map((reading) => reading * reading)),
      opening: addUp(intervals.map(({ openings }) => openings[channel] as bigint)) % L,
    };
  });

/** Whether r·B + t·B~ is the sum of the commitments. */
function opens(sum: bigint, opening: bigint, commitments: readonly string[]): boolean {
  const total = commitments.reduce((at, hex) => at.add(Group.fromHex(hex)), Group.ZERO);
  return total.equals(BASE.multiplyUnsafe(sum).add(BLINDING.multiplyUnsafe(opening)));
}

describe("a street", () => {
  let street: Street;
  let lives: readonly MeterLife[];
  let checked: readonly CheckedMeter[];
  let shares: readonly (readonly Share[])[];

  const sharesOf = (rosterNumber: number, interval: number) =>
    shares.flatMap((own) =>
      own.filter((share) => share.rosterNumber === rosterNumber && share.interval === interval),
    );
  const intervalsOf = (numbers: readonly number[], interval: number) =>
    numbers.flatMap((number) =>
      (checked[number] as CheckedMeter).batches.flatMap(({ intervals }) =>
        intervals.filter((one) => one.interval === interval),
      ),
    );

  beforeAll(() => {
    street = planStreet(OPTIONS);
    lives = street.plans.map((plan) => liveMeter(plan));
    checked = lives.map(({ record, keys }) => checkMeter(record, keys, street.parties.authority.publicKey));
    shares = lives.map((life) => life.shares.map(openShare));
  });

  it("leaves records that every customer's check accepts, of all that flowed through their meters", () => {
    expect(checked.map(({ certificate }) => certificate.meterId)).toEqual([
      ...numbersTo(METERS).map((number) => `SM-${`${number + 1}`.padStart(5, "0")}`),
      "SM-FEEDER",
    ]);
    checked.forEach(({ totals_Wh, provisional, gaps, events }, at) => {
      const trace = street.plans[at]?.options.trace as Trace;
      const flowed_Wh = [0, 1].map((channel) =>
        Math.floor(trace.rows.reduce((sum, row) => sum + (row?.[channel] ?? 0), 0) / 3_600_000),
      );
      expect(totals_Wh).toEqual(flowed_Wh);
      expect(provisional).toEqual([]);
      expect(gaps).toEqual(at === DARK ? [GAP] : []);
      expect(events.filter(({ type }) => type === 6).length).toBeGreaterThan(at < METERS ? 0 : -1);
    });
  });

  it("has shares of every recorded interval from its first midnight on, and of no other", () => {
    const all = numbersTo(LAST - FIRST + 1).map((at) => FIRST + at);
    shares.slice(0, METERS).forEach((own, at) => {
      const standing = own.filter(({ rosterNumber }) => rosterNumber === 1).map(({ interval }) => interval);
      const dark = at === DARK ? numbersTo(3).map((number) => GAP.first + number) : [];
      expect(standing).toEqual(all.filter((interval) => !dark.includes(interval)));
    });
    expect(shares[METERS]).toEqual([]);
  });

  it("has shares that add up to the readings, their squares and their openings", () => {
    const members = numbersTo(METERS);
    for (let interval = FIRST; interval <= LAST; interval++) {
      const all = sharesOf(1, interval);
      if (all.length < METERS) continue;
      const said = statisticsOf(all);
      const truth = truthOf(intervalsOf(members, interval));
      expect(said.map(({ commitments, ...sums }) => sums)).toEqual(truth);
      if (interval % 8 === 0)
        for (const { sum, opening, commitments } of said) expect(opens(sum, opening, commitments)).toBe(true);
    }
  });

  it("leaves the sum of an interval open in which a meter was dark, and a repair completes it for the others", () => {
    const [standing, repair] = street.rosters;
    expect(street.rosters.length).toBe(2);
    expect(repair?.repaired).toBe(standing);
    const members = numbersTo(METERS).filter((at) => repair?.meterIds.includes(lives[at]?.meterId ?? ""));
    expect(members.length).toBe(12);
    expect(members).not.toContain(DARK);
    for (let interval = GAP.first; interval <= GAP.last; interval++) {
      expect(sharesOf(1, interval).length).toBe(METERS - 1);
      const repaired = sharesOf(2, interval);
      expect(repaired.length).toBe(members.length);
      const said = statisticsOf(repaired);
      expect(said.map(({ commitments, ...sums }) => sums)).toEqual(truthOf(intervalsOf(members, interval)));
      for (const { sum, opening, commitments } of said) expect(opens(sum, opening, commitments)).toBe(true);
    }
    expect(shares.flat().filter(({ rosterNumber }) => rosterNumber === 2).length).toBe(3 * members.length);
  });

  it("is lived again to the same bytes, and to others from another seed", () => {
    const again = planStreet(OPTIONS);
    expect(again.rosters).toEqual(street.rosters);
    for (const at of [DARK, SILENT]) {
      expect(liveMeter(again.plans[at] as (typeof again.plans)[number])).toEqual(lives[at]);
    }
    const other = planStreet({ ...OPTIONS, seed: 8, meters: 6, dark: [], silent: [] });
    expect(other.rosters[0]?.document).not.toEqual(street.rosters[0]?.document);
    expect(other.plans[0]?.options.trace.rows).not.toEqual(street.plans[0]?.options.trace.rows);
  });

  it("has a feeder that measures what its households draw and what is lost on the way", () => {
    const { certificate, batches } = checked[METERS] as CheckedMeter;
    expect(certificate.role).toBe(Role.FEEDER);
    const own = batches.flatMap(({ intervals }) => intervals);
    const fed = (street.plans[METERS] as Street["plans"][number]).options.trace;
    expect(own.map(({ readings }) => readings)).toEqual(intervalReadings(fed, INTERVAL_S));
    expect(own.every(({ status }) => (status & 16) === 0)).toBe(true);
  });
});

describe("a street of several groups", () => {
  const planned = planStreet({
    ...OPTIONS,
    meters: 24,
    statistics: [1],
    groupSize: 13,
    dark: [{ meters: [20], ...GAP }],
    silent: [],
  });

  it("has a roster for each, and repairs the one whose member was dark", () => {
    const named = planned.rosters.map(({ roster: { rosterNumber, groupId, memberCount } }) => {
      return [rosterNumber, groupId, memberCount];
    });
    expect(named).toEqual([
      [1, "street-1", 12],
      [2, "street-2", 12],
      [3, "street-2", 9],
    ]);
  });

  it("sends each meter its group's roster with the members' certificates, and the repairs that it is in", () => {
    const [first, second, repair] = planned.rosters.map(({ document }) => document);
    planned.plans.slice(0, 24).forEach(({ letters }, at) => {
      const group = planned.plans.slice(at < 12 ? 0 : 12, at < 12 ? 12 : 24);
      const isAsked = planned.rosters[2]?.meterIds.includes(planned.plans[at]?.options.meterId ?? "");
      expect(letters.map(({ document }) => document)).toEqual([
        at < 12 ? first : second,
        ...group.map(({ certificate }) => certificate),
        ...(isAsked ? [repair] : []),
      ]);
    });
    expect(planned.plans[24]?.letters).toEqual([]);
  });
});

describe("a street is not put up", () => {
  const none = { ...OPTIONS, feed: (): Fed => expect.unreachable("nothing is fed") };
  it.each<[string, Partial<StreetOptions>, string]>([
    ["of one meter", { meters: 1 }, "2 to 1024 meters"],
    ["for longer than it is kept", { days: 456 }, "8192 days of a meter"],
    ["from noon on", { start_s: START_S + DAY_S / 2 }, "begins with a UTC day"],
    ["beyond its certificates", { start_s: Date.UTC(2091, 0, 1) / 1000 }, "before 2091"],
    ["with other intervals", { intervalSeconds: 600 }, "no intervals of 600 s"],
    ["in groups of more than a unit takes", { groupSize: 129 }, "groups of 2 to 128"],
    ["in groups too small for squares", { groupSize: 5 }, "groups of 6 meters at least, not 4"],
    ["with the dark after its end", { dark: [{ meters: [1], first: LAST - 1, last: LAST }] }, "dark"],
    ["with a strange meter dark", { dark: [{ meters: [METERS], ...GAP }] }, "dark"],
    [
      "with a meter silent twice",
      { silent: [0, 1].map((at) => ({ meter: 1, from_s: START_S + at, to_s: START_S + 9 })) },
      "silent once",
    ],
  ])("%s", (_, changes, reason) => {
    expect(() => planStreet({ ...none, ...changes })).toThrow(RangeError);
    expect(() => planStreet({ ...none, ...changes })).toThrow(reason);
  });
});
