// The aggregator of a simulated street: cuts its meters into groups, signs a standing roster for each, and a repair
// where members will be dark. It keeps to the units' own rules (src/trusted/blinding): others bring no shares.
import { cutEvenly } from "../src/aggregation/enrolment.js";
import { maskOf, membersDigest } from "../src/aggregation/roster.js";
import { type SignedRoster, signRoster } from "../src/aggregation/rosters.js";
import { isFairRepair, leastMembers, type Member, type Roster } from "../src/trusted/blinding/roster.js";

/** A roster of the street as it was signed. */
export interface StreetRoster extends SignedRoster {
  /** Those who take part, ascending. */
  readonly meterIds: readonly string[];
  /** Null of a standing roster. */
  readonly repaired: StreetRoster | null;
}

/** Neighbours into as few groups as so many members at most allow. */
export const groupsOf = <M>(meters: readonly M[], membersMax: number): M[][] =>
  cutEvenly(meters, Math.ceil(meters.length / membersMax));

/** @param seed Ed25519 seed of the aggregator. @throws FormatError for members that do not ascend. */
export function signStanding(
  terms: Omit<Roster, "memberCount" | "lastInterval" | "terms">,
  members: readonly Member[],
  seed: Uint8Array,
): StreetRoster {
  const roster = {
    ...terms,
    memberCount: members.length,
    lastInterval: null,
    terms: { membersDigest: membersDigest(members) },
  };
  const meterIds = members.map(({ meterId }) => meterId);
  return { ...signRoster(roster, seed), meterIds, repaired: null };
}

/** What a repair is of. */
export interface RepairNames {
  readonly rosterNumber: number;
  readonly firstInterval: number;
  readonly lastInterval: number;
}

/**
 * The repair of a standing roster without its dark members. Where fewer are dark than a repair must leave out, the
 * first others stay out with them.
 * @returns null where no repair is allowed: the sum stays open.
 */
export function signRepair(
  standing: StreetRoster,
  dark: ReadonlySet<string>,
  { minGroup, ...names }: RepairNames & { readonly minGroup: number },
  seed: Uint8Array,
): StreetRoster | null {
  const { roster, meterIds, S } = standing;
  const least = leastMembers(minGroup, roster.statistics);
  const lit = meterIds.filter((meterId) => !dark.has(meterId));
  const taking = lit.slice(Math.max(0, least - (meterIds.length - lit.length)));
  if (!isFairRepair(taking.length, meterIds.length, least)) return null;
  const marked = meterIds.flatMap((meterId, at) => (taking.includes(meterId) ? [at] : []));
  const terms = { standing: S, mask: maskOf(meterIds.length, marked) };
  const repair = { ...roster, ...names, memberCount: taking.length, terms };
  return { ...signRoster(repair, seed), meterIds: taking, repaired: standing };
}
