import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelStreet } from "../../host-sim/model-street.js";
import { Collector, Tally } from "../../src/aggregation/collector.js";
import { enrolMeter } from "../../src/aggregation/enrolment.js";
import { type KeptRoster, Rosters, verifyRoster } from "../../src/aggregation/rosters.js";
import { addOpenings, sumUp } from "../../src/aggregation/sums.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { decodeRoster } from "../../src/trusted/blinding/roster.js";
import { encodeShare, encodeSums, SQUARED_MAX } from "../../src/trusted/blinding/share.js";
import { bytesOf } from "../../src/trusted/sealing/edwards.js";
import { example, seedOf, signCertificate, vector } from "../example.js";
import { neighbours } from "../street.js";

const { aggregation } = vector;

interface ExampleStreet {
  readonly shares: readonly { readonly meterId: string; readonly share: string }[];
  readonly sums: { readonly "1": string[]; readonly "2"?: string[]; readonly opening?: string[] };
}

describe("the worked example's sums", () => {
  const enrolledWith = (channels: readonly string[], count: number) =>
    neighbours(count).map(({ meterId, X }) =>
      enrolMeter(signCertificate({ meterId, agreementKey: X, channels }), example.authorityKey, null),
    );
  const signed = (payload: string) =>
    verifyRoster(
      signWithKey("roster-1", hexToBytes(payload), seedOf("aggregator")),
      hexToBytes(aggregation.aggregatorPublic),
    );
  const standIn = (rosters: Rosters, payload: string) => {
    const { channels, memberCount } = decodeRoster(hexToBytes(payload));
    return rosters.addStanding(signed(payload), enrolledWith(channels, memberCount));
  };

  const three = (rosters: Rosters) => standIn(rosters, aggregation.three.rosterPayload);
  const five = (rosters: Rosters) => standIn(rosters, aggregation.fiveChannels.rosterPayload);
  const repair = (rosters: Rosters) => {
    standIn(rosters, aggregation.fiveChannels.rosterPayload);
    return rosters.addRepair(signed(aggregation.repair.rosterPayload));
  };

  it.each<[string, (rosters: Rosters) => KeptRoster, ExampleStreet]>([
    ["three meters", three, aggregation.three],
    ["five channels", five, aggregation.fiveChannels],
    ["a repair", repair, aggregation.repair],
  ])("of %s come out", (_, keep, { shares, sums }) => {
    const { interval } = aggregation;
    const rosters = new Rosters();
    const kept = keep(rosters);
    const { groupId, rosterNumber, intervalSeconds } = kept.roster;
    const from_s = interval * intervalSeconds;
    const collector = new Collector(rosters, { from_s, to_s: from_s + intervalSeconds });
    for (const { meterId, share } of shares) {
      const names = { meterId, interval, groupId, rosterNumber, status: 0 };
      collector.add(encodeShare(names, hexToBytes(share)), meterId);
    }
    const tally = collector.tally(kept, interval) as Tally;
    const channels = sumUp(tally);
    expect(channels.map(({ sum_Wh }) => `${sum_Wh}`)).toEqual(sums["1"]);
    if (!sums["2"] || !sums.opening) return;
    const n = shares.length;
    expect(channels.map(({ variance_Wh2 }) => variance_Wh2)).toEqual(
      sums["2"].map((Q, at) => (n * Number(Q) - Number(sums["1"][at]) ** 2) / n ** 2),
    );
    const openings = sums.opening.map((__, at) => bytesToHex(bytesOf(addOpenings(tally, 32, at))));
    expect(openings).toEqual(sums.opening);
  });
});

const street = new ModelStreet({ meters: 12, channels: ["1-0:1.8.0", "1-0:2.8.0"], statistics: [1, 2] });
const kept = street.stand();

/** A tally of these values of statistic 1 and 2, without masks: as a sum sees them, masked or not. */
function tallyOf(values: readonly (readonly bigint[])[], status: (at: number) => number = () => 0): Tally {
  const tally = new Tally(kept as KeptRoster, 0);
  values.forEach((sums, at) => {
    const { meterId } = street.meters[at] as (typeof street.meters)[0];
    const names = { meterId, interval: 0, groupId: "street-1", rosterNumber: 1, status: status(at) };
    tally.put(at, { ...names, sums: encodeSums([1, 2], sums, []) });
  });
  return tally;
}

const momentsOf = (rows: readonly (readonly number[])[]) =>
  rows.map((row) => [...row.map(BigInt), ...row.map((reading) => BigInt(reading) ** 2n)]);

describe("the sums of a complete tally", () => {
  it("are sum, mean, variance and standard deviation of the readings", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400_000), { minLength: 12, maxLength: 12 }), (values) => {
        const [channel] = sumUp(tallyOf(momentsOf(values.map((value) => [value, 0]))));
        const sum = values.reduce((total, value) => total + value, 0);
        const mean = sum / 12;
        const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / 12;
        expect([channel?.sum_Wh, channel?.mean_Wh]).toEqual([sum, mean]);
        expect(channel?.variance_Wh2).toBeCloseTo(variance, 2);
        expect(channel?.deviation_Wh).toBeCloseTo(Math.sqrt(variance), 2);
      }),
      { numRuns: 50 },
    );
  });

  it("are exact up to the largest reading of every member", () => {
    const sums = sumUp(tallyOf(momentsOf(Array.from({ length: 12 }, () => [0xffff_ffff, 0]))));
    expect(sums[0]?.sum_Wh).toBe(12 * 0xffff_ffff);
  });

  it("have a variance as long as no square can be capped, whoever is flagged", () => {
    fc.assert(
      fc.property(fc.nat(11), fc.integer({ min: -3, max: 3 }), (large, beyond) => {
        const reading = SQUARED_MAX - 11 + beyond;
        const rows = Array.from({ length: 12 }, (_, at) => [at === large ? reading : 1, 7]);
        const capped = momentsOf(rows.map((row) => row.map((one) => Math.min(one, SQUARED_MAX))));
        const moments = capped.map((row, at) => [
          ...(momentsOf(rows)[at]?.slice(0, 2) as bigint[]),
          ...row.slice(2),
        ]);
        const [first, second] = sumUp(tallyOf(moments, (at) => (at === large ? 17 : 0)));
        expect(first?.sum_Wh).toBe(reading + 11);
        expect(first?.variance_Wh2 === null).toBe(beyond > 0);
        expect(second?.variance_Wh2).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it("of a member under another roster are noise, and are refused as that", () => {
    const other = new ModelStreet({ meters: 12, channels: street.channels, statistics: [1, 2] });
    const shown = other.stand({ groupId: "street-2" });
    const collector = new Tally(kept, 0);
    const interval = street.firstOf(0);
    street.meters.forEach(({ meterId }, at) => {
      const from = at === 5 ? shown : kept;
      const names = { meterId, interval, groupId: "street-1", rosterNumber: 1, status: 0 };
      collector.put(at, { ...names, sums: street.sumsOf(from, at, interval) });
    });
    expect(() => sumUp(collector)).toThrow("the shares of channel 0 add up to noise");
  });

  it("are no more than so many readings can be, and never below zero", () => {
    const limit = 12n * 0xffff_ffffn;
    const withSum = (sum: bigint) =>
      tallyOf(Array.from({ length: 12 }, (_, at) => [at === 0 ? sum : 0n, 0n, 0n, 0n]));
    expect(sumUp(withSum(limit))[0]?.sum_Wh).toBe(Number(limit));
    expect(() => sumUp(withSum(limit + 1n))).toThrow("noise");
    expect(() => sumUp(withSum(-1n))).toThrow("noise");
  });

  it("have squares that can be theirs", () => {
    const values = momentsOf(Array.from({ length: 12 }, (_, at) => [100 + at, 0]));
    const withSquares = (change: bigint) => {
      const [[a, b, aa, bb], ...rest] = values as [[bigint, bigint, bigint, bigint], ...bigint[][]];
      return () => sumUp(tallyOf([[a, b, aa + change, bb], ...rest]));
    };
    expect(withSquares(0n)).not.toThrow();
    // Twice the variance, and more squares than the sum's own: only what no readings can give is seen.
    expect(withSquares(2n)).not.toThrow();
    for (const change of [1n, -144n, 2n ** 40n]) expect(withSquares(change)).toThrow("squares of channel 0");
  });
});
