// The end of the story of start: ten neighbours' meters for a day, and what their aggregator learns of them. Each of
// them is a whole unit with its own journal; the rosters, the shares and the batches are the bytes that they send.
import { stationTraces } from "../host-sim/station.js";
import { planStreet } from "../host-sim/street.js";
import { liveMeter } from "../host-sim/street-meter.js";
import { Collector } from "../src/aggregation/collector.js";
import { enrolMeter } from "../src/aggregation/enrolment.js";
import { resultsOf } from "../src/aggregation/results.js";
import { Rosters } from "../src/aggregation/rosters.js";
import { Seals } from "../src/aggregation/seals.js";
import { decodeShare } from "../src/aggregation/share.js";
import { Statistic } from "../src/trusted/blinding/roster.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { progressBar } from "./command-line.js";

/** As few as a unit accepts. */
const NEIGHBOURS = 10;
const INTERVAL_S = 1800;

export interface Neighbourhood {
  readonly meters: number;
  /** Intervals of a day whose sum is verified, of so many. */
  readonly verified: number;
  readonly intervals: number;
  /** The half hour in which they took most: its beginning, Unix seconds, and their sum. */
  readonly peak_s: number;
  readonly peak_Wh: number;
  /** What one of them said of it to the aggregator: its share, a number of 64 bits. */
  readonly share: string;
}

/** @param start_s a UTC midnight. */
export function sumNeighbours(seed: number, start_s: number): Neighbourhood {
  const street = planStreet({
    seed,
    meters: NEIGHBOURS,
    start_s,
    days: 1,
    intervalSeconds: INTERVAL_S,
    statistics: [Statistic.SUM, Statistic.OPENINGS],
    feed: (households) => stationTraces(households, seed, null),
  });
  const { rosters: signed, parties } = street;
  const households = street.plans.slice(0, NEIGHBOURS);
  const authorityKey = parties.authority.publicKey;
  const members = households.map(({ certificate }) => enrolMeter(certificate, authorityKey, null));
  const rosters = new Rosters();
  for (const one of signed) rosters.addStanding(one, members);
  const collector = new Collector(rosters, { from_s: start_s, to_s: start_s + DAY_SECONDS });
  const seals = new Seals(rosters, collector);
  const bar = progressBar("   ten meters' day");
  const shares: Uint8Array[] = [];
  for (const [at, plan] of households.entries()) {
    const { meterId, record, shares: sent } = liveMeter(plan);
    for (const message of sent) collector.add(message, meterId);
    const { certificate } = members[at] as (typeof members)[number];
    seals.addBatches({ certificate, revocation: null }, record.batches);
    if (at === 0) shares.push(...sent);
    bar.update(at + 1, NEIGHBOURS);
  }
  bar.stop();
  const results = resultsOf(rosters, collector, seals);
  const sumOf = ({ channels }: (typeof results)[number]) => channels?.[0]?.sum_Wh ?? 0;
  const peak = results.reduce((most, result) => (sumOf(result) > sumOf(most) ? result : most));
  const share = shares.map(decodeShare).find(({ interval }) => interval === peak.interval);
  return {
    meters: NEIGHBOURS,
    verified: results.filter(({ state }) => state === "verified").length,
    intervals: results.length,
    peak_s: peak.start_s,
    peak_Wh: sumOf(peak),
    share: new DataView((share?.sums ?? new Uint8Array(8)).slice(0, 8).buffer).getBigUint64(0).toString(),
  };
}
