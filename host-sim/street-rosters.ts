// The aggregator of a simulated street: cuts its meters into groups, signs a standing roster for each, and a repair
// where members will be dark. It keeps to the units' own rules (src/trusted/blinding): others bring no shares.
import { encodeRoster, membersDigest } from "../src/aggregation/roster.js";
import { signWithKey } from "../src/proofs/signed.js";
import { isFairRepair, leastMembers, type Member, type Roster } from "../src/trusted/blinding/roster.js";
import { digest } from "../src/trusted/sealing/keys.js";

/** A roster of the street as it was signed. */
export interface StreetRoster {
  readonly roster: Roster;
  /** COSE_Sign1 by the aggregator. */
  readonly document: Uint8Array;
  /** H of the payload. */
  readonly S: Uint8Array;
  /** Those who take part, ascending. */
  readonly meterIds: readonly string[];
  /** Null of a standing roster. */
  readonly repaired: StreetRoster | null;
}

/** Neighbours into as few groups as so many members at most allow, of sizes that differ by one at most. */
export function formGroups<M>(meters: readonly M[], membersMax: number): M[][] {
  const count = Math.ceil(meters.length / membersMax);
  const edge = (group: number) => Math.floor((group * meters.length) / count);
  return Array.from({ length: count }, (_, group) => meters.slice(edge(group), edge(group + 1)));
}

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
  return { ...sign(roster, seed), meterIds, repaired: null };
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
  const mask = new Uint8Array(Math.ceil(meterIds.length / 8));
  for (const [at, meterId] of meterIds.entries()) {
    if (taking.includes(meterId)) mask[at >> 3] = (mask[at >> 3] ?? 0) | (1 << (at & 7));
  }
  const repair = { ...roster, ...names, memberCount: taking.length, terms: { standing: S, mask } };
  return { ...sign(repair, seed), meterIds: taking, repaired: standing };
}

function sign(roster: Roster, seed: Uint8Array): Pick<StreetRoster, "roster" | "document" | "S"> {
  const payload = encodeRoster(roster);
  return { roster, document: signWithKey("roster-1", payload, seed), S: digest(payload) };
}
