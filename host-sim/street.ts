// A street of real units: households of their own behind a feeder, under one authority, network, supplier and
// aggregator. Everything that depends on more than one of them is planned beforehand: keys and certificates, the
// rosters, what flows past which meter, who will be dark, and so which repairs will be ordered. Then each meter is
// lived alone (street-meter.ts), so only one has its flash in memory.
import { Role, readCertificate } from "../src/trusted/authority/certificate.js";
import type { Configuration } from "../src/trusted/authority/configuration.js";
import { leastMembers, MEMBERS_MAX, type Member } from "../src/trusted/blinding/roster.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import { DAY_SECONDS, INTERVAL_SECONDS } from "../src/trusted/metrology/interval.js";
import type { Image } from "../src/trusted/ports.js";
import { householdTrace } from "./household.js";
import { buildImage } from "./image.js";
import { drawCustomer, drawParties, type Parties } from "./parties.js";
import { SeededRandom } from "./seeded.js";
import { createWorld, householdConfiguration } from "./simulation.js";
import type { Letter, MeterPlan } from "./street-meter.js";
import { groupsOf, type StreetRoster, signRepair, signStanding } from "./street-rosters.js";
import type { Trace } from "./trace.js";

export const METERS_MAX = 1_024;
/** Meters times days: what they measure and send is held at once, some 100 kB each at 900 s. */
export const METER_DAYS_MAX = 8_192;
/** Meters are put up so long before the first midnight. */
const EVE_S = 3_600;
/** Rosters are sent so long after that. */
const ROSTERS_AFTER_S = 600;
/** Seconds that a row of a trace covers: power fails and returns with a row. */
const STEP_S = 300;
/** A repair is ordered so long after the last interval that it is of. */
const REPAIR_AFTER_S = 7_200;
export const FEEDER_ID = "SM-FEEDER";
/** What a feeder's meter may carry: three elements of 230 V and 1,000 A. */
const FEEDER = { elements: 3, nominal_V: 230, maximum_A: 1_000 };
const CERTIFICATE_BYTES_MAX = 512;
/** Certificates run for 15 years, in which every instant is a u32. */
const LATEST_S = Date.UTC(2091, 0, 1) / 1000;

/** Meters without power: they record none of the intervals from `first` to `last`, and those around them in part. */
export interface Darkness {
  /** From 0. */
  readonly meters: readonly number[];
  readonly first: number;
  readonly last: number;
}

/** A meter without uplink, `[from_s, to_s)` Unix seconds: it delivers late. */
export interface Silence {
  readonly meter: number;
  readonly from_s: number;
  readonly to_s: number;
}

/** What flows through a street's meters. */
export interface Fed {
  readonly feeder: Trace;
  /** What each household's meter measures. */
  readonly metered: readonly Trace[];
}

export interface StreetOptions {
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** 2 to METERS_MAX. */
  readonly meters: number;
  /** Unix seconds of a UTC midnight: from there on there are shares. */
  readonly start_s: number;
  /** From 1; times `meters` METER_DAYS_MAX at most. */
  readonly days: number;
  /** 900 or 1,800. */
  readonly intervalSeconds: number;
  /** Ascending, of Statistic; 1 is always among them. */
  readonly statistics: readonly number[];
  /** Members of a group, at most: to 128. */
  readonly groupSize?: number;
  /** Least members of a roster that the meters take, 3 to 128. */
  readonly minGroup?: number;
  /** Ascending and apart, over before the run is. */
  readonly dark?: readonly Darkness[];
  /** At most one a meter, from the first midnight on. */
  readonly silent?: readonly Silence[];
  /** What the meters measure where the households draw this: alike traces of import and export. */
  readonly feed: (households: readonly Trace[]) => Fed;
}

export interface Street {
  readonly parties: Parties;
  /** By number: standing rosters, then repairs. */
  readonly rosters: readonly StreetRoster[];
  /** The households by meterId, then the feeder. */
  readonly plans: readonly MeterPlan[];
}

/** Options with nothing left to a default. */
type Terms = Required<StreetOptions>;

/** A meter before it is known what its aggregator sends it. */
interface Planned extends Omit<MeterPlan, "letters"> {
  readonly member: Member;
}

/** What all meters of a street have in common. */
interface Common {
  readonly terms: Terms;
  readonly parties: Parties;
  readonly image: Image;
}

/**
 * Puts up a street and plans the life of each of its meters.
 * @throws RangeError for options out of their range, or groups too small for their statistics.
 */
export function planStreet(options: StreetOptions): Street {
  const terms = { groupSize: MEMBERS_MAX, minGroup: 10, dark: [], silent: [], ...options };
  checkTerms(terms);
  const parties = drawParties(new SeededRandom(terms.seed, "street"));
  const common = { terms, parties, image: buildImage(parties.authority.publicKey) };
  const { feeder, metered } = terms.feed(numbersTo(terms.meters).map((number) => householdOf(terms, number)));
  const households = metered.map((trace, number) => planHousehold(common, number, trace));
  const groups = groupsOf(households, terms.groupSize);
  const standing = groups.map((members, group) => standingOf(common, members, group));
  const repairs = repairsOf(common, standing);
  const plans = groups.flatMap((members, group) => {
    const own = standing[group] as StreetRoster;
    const first = [own.document, ...members.map(({ certificate }) => certificate)];
    return members.map((planned) => ({ ...planned, letters: lettersTo(planned, first, repairs, terms) }));
  });
  return {
    parties,
    rosters: [...standing, ...repairs],
    plans: [...plans, { ...planFeeder(common, feeder), letters: [] }],
  };
}

const numbersTo = (count: number) => Array.from({ length: count }, (_, at) => at);

/** The name of a meter by its number from 0: names ascend with numbers. */
export const meterIdOf = (number: number) => `SM-${`${number + 1}`.padStart(5, "0")}`;

/** The interval with which a street's first day begins. */
const firstIntervalOf = ({ start_s, intervalSeconds }: Terms) => start_s / intervalSeconds;
const endOf_s = ({ start_s, days }: Terms) => start_s + days * DAY_SECONDS;

function checkTerms(terms: Terms): void {
  const { meters, start_s, days, intervalSeconds, statistics, groupSize, minGroup } = terms;
  const isCount = (value: number, from: number, to: number) =>
    Number.isInteger(value) && value >= from && value <= to;
  const demand = (condition: boolean, what: string) => {
    if (!condition) throw new RangeError(`a street ${what}`);
  };
  demand(isCount(meters, 2, METERS_MAX), `has 2 to ${METERS_MAX} meters, not ${meters}`);
  demand(
    isCount(days * meters, meters, METER_DAYS_MAX),
    `is run for ${METER_DAYS_MAX} days of a meter at most`,
  );
  demand(start_s % DAY_SECONDS === 0 && start_s >= DAY_SECONDS, "begins with a UTC day from 1970-01-02 on");
  demand(endOf_s(terms) <= LATEST_S, "ends before 2091");
  demand(INTERVAL_SECONDS.includes(intervalSeconds), `has no intervals of ${intervalSeconds} s`);
  demand(isCount(groupSize, 2, MEMBERS_MAX), `has groups of 2 to ${MEMBERS_MAX} meters, not ${groupSize}`);
  const least = leastMembers(minGroup, statistics);
  const smallest = Math.floor(meters / Math.ceil(meters / groupSize));
  demand(smallest >= least, `with these statistics has groups of ${least} meters at least, not ${smallest}`);
  checkFaults(terms);
}

function checkFaults(terms: Terms): void {
  const { meters, intervalSeconds, dark, silent } = terms;
  const isMeter = (number: number) => Number.isInteger(number) && number >= 0 && number < meters;
  const end = endOf_s(terms) / intervalSeconds;
  let free = firstIntervalOf(terms) + 1;
  for (const { meters: numbers, first, last } of dark) {
    if (!numbers.every(isMeter) || first < free || last < first || last + 1 >= end)
      throw new RangeError("a street's meters are dark for times that ascend within its run");
    // Power is back within the interval that follows.
    free = last + 2;
  }
  const isOnce = new Set(silent.map(({ meter }) => meter)).size === silent.length;
  if (!isOnce || !silent.every(({ meter, from_s }) => isMeter(meter) && from_s >= terms.start_s))
    throw new RangeError("each meter of a street is silent once at most, from its first midnight on");
}

/** What a household draws, and when it has no power: from a row before its dark intervals to a row after them. */
function householdOf({ seed, start_s, days, intervalSeconds, dark }: Terms, number: number): Trace {
  const own = new SeededRandom(seed, "street", meterIdOf(number)).nextU32();
  const from_s = start_s - EVE_S;
  const whole = householdTrace({
    seed: own,
    start_s: from_s,
    days: days + 1,
    step_s: STEP_S,
    utcOffset_h: 0,
  });
  const rows = whole.rows.slice(0, (EVE_S + days * DAY_SECONDS) / STEP_S);
  for (const { meters, first, last } of dark) {
    if (!meters.includes(number)) continue;
    const [off_s, on_s] = [first * intervalSeconds - STEP_S, (last + 1) * intervalSeconds + STEP_S];
    rows.fill(null, (off_s - from_s) / STEP_S, (on_s - from_s) / STEP_S);
  }
  return { ...whole, rows };
}

function planHousehold(common: Common, number: number, trace: Trace): Planned {
  const { terms, parties } = common;
  const meterId = meterIdOf(number);
  const { intervalSeconds, minGroup, silent } = terms;
  const silence = silent.find(({ meter }) => meter === number);
  const configuration = { ...householdConfiguration({ trace, meterId, intervalSeconds }, parties), minGroup };
  const outages = silence ? [[silence.from_s, silence.to_s] as const] : [];
  return planMeter(common, configuration, trace, Role.HOUSEHOLD, outages);
}

function planFeeder(common: Common, trace: Trace): Planned {
  const meterId = FEEDER_ID;
  const { intervalSeconds } = common.terms;
  const { elements, nominal_V, maximum_A } = FEEDER;
  const configuration = {
    ...householdConfiguration({ trace, meterId, intervalSeconds }, common.parties),
    ...FEEDER,
    maximum_Wh: Math.floor((elements * nominal_V * maximum_A * intervalSeconds) / 3600),
  };
  return planMeter(common, configuration, trace, Role.FEEDER, []);
}

/** Puts a meter up once, for its certificate; when its life is lived it comes out the same. */
function planMeter(
  { terms, parties, image }: Common,
  configuration: Configuration,
  trace: Trace,
  role: number,
  outages: readonly (readonly [number, number])[],
): Planned {
  const { meterId } = configuration;
  const { seed, intervalSeconds } = terms;
  const customer = drawCustomer(new SeededRandom(seed, "street", meterId));
  const site = { parties: { ...parties, customer }, image, configuration, role };
  const options = { trace, meterId, intervalSeconds, seed, outages, flashMode: "plain" } as const;
  const { certificate } = createWorld(options, site).enrolment;
  const { payload } = decodeSign1(certificate, "certificate-1", CERTIFICATE_BYTES_MAX);
  const member = { meterId, X: readCertificate(payload).agreementKey };
  return { site, options, certificate, member };
}

function standingOf({ terms, parties }: Common, households: readonly Planned[], group: number): StreetRoster {
  const { statistics, intervalSeconds } = terms;
  const [{ options }] = households as readonly [Planned];
  const roster = {
    groupId: `street-${group + 1}`,
    rosterNumber: group + 1,
    firstInterval: firstIntervalOf(terms),
    statistics,
    intervalSeconds,
    channels: options.trace.channels,
  };
  const members = households.map(({ member }) => member);
  return signStanding(roster, members, parties.aggregator.seed);
}

/** A repair for each group and darkness, as long as it can be ordered while the street is run. */
function repairsOf({ terms, parties }: Common, standing: readonly StreetRoster[]): StreetRoster[] {
  const repairs: StreetRoster[] = [];
  for (const { meters, first: firstInterval, last: lastInterval } of terms.dark) {
    if (orderedAt_s(lastInterval, terms) + terms.intervalSeconds > endOf_s(terms)) continue;
    const dark = new Set(meters.map(meterIdOf));
    for (const own of standing.filter(({ meterIds }) => meterIds.some((meterId) => dark.has(meterId)))) {
      const rosterNumber = standing.length + repairs.length + 1;
      const names = { rosterNumber, firstInterval, lastInterval, minGroup: terms.minGroup };
      const repair = signRepair(own, dark, names, parties.aggregator.seed);
      if (repair) repairs.push(repair);
    }
  }
  return repairs;
}

const orderedAt_s = (lastInterval: number, { intervalSeconds }: Terms) =>
  (lastInterval + 1) * intervalSeconds + REPAIR_AFTER_S;

/** What the aggregator sends a meter: `first` of its group, on the eve; then each repair that it takes part in. */
function lettersTo(
  { member: { meterId } }: Planned,
  first: readonly Uint8Array[],
  repairs: readonly StreetRoster[],
  terms: Terms,
): Letter[] {
  const eve_s = terms.start_s - EVE_S + ROSTERS_AFTER_S;
  const own = repairs.filter(({ meterIds }) => meterIds.includes(meterId));
  return [
    ...first.map((document) => ({ at_s: eve_s, document })),
    ...own.map(({ roster: { lastInterval }, document }) => ({
      at_s: orderedAt_s(lastInterval as number, terms),
      document,
    })),
  ];
}
