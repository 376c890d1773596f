// All rosters that an aggregator has signed, by their numbers: who blinds with whom, and over which intervals. It is
// what the server sums by, and follows from the signed documents and the members' certificates alone. Units hold
// rosters to the same rules; a server that broke them would only get no shares.
import { bytesToHex } from "@noble/hashes/utils.js";
import { ensure, signWithKey, verifySigned } from "../proofs/signed.js";
import type { Certificate } from "../trusted/authority/certificate.js";
import { STANDING_MIN_S } from "../trusted/blinding/memory.js";
import {
  decodeRoster,
  isMarked,
  isRepair,
  type Member,
  type RepairTerms,
  type Roster,
  Statistic,
} from "../trusted/blinding/roster.js";
import { FormatError, sameBytes } from "../trusted/encoding/bytes.js";
import { DAY_SECONDS, intervalAt, intervalStart_s, U32_MAX } from "../trusted/metrology/interval.js";
import { digest } from "../trusted/sealing/keys.js";
import { DOCUMENT_BYTES_MAX, type Enrolled, inOrder } from "./enrolment.js";
import { encodeRoster, membersDigest } from "./roster.js";
import { layoutOf, type ShareLayout } from "./share.js";

/** Most rosters kept: 20 years of a group of which two repairs a day are ordered, or a week of 10,000 meters. */
const ROSTERS_MAX = 2 ** 14;

export interface SignedRoster {
  readonly roster: Roster;
  /** H of the payload. */
  readonly S: Uint8Array;
  /** The COSE_Sign1, at most 512 bytes. */
  readonly document: Uint8Array;
}

/** A roster that shares are summed by. */
export interface KeptRoster extends SignedRoster {
  /** Those who take part, ascending by meterId. */
  readonly members: readonly Member[];
  /** Place in `members` by meterId. */
  readonly places: ReadonlyMap<string, number>;
  /** The standing roster that a repair is of; null of a standing one. */
  readonly standing: KeptRoster | null;
  readonly layout: ShareLayout;
}

/**
 * Signs a roster.
 * @param seed the aggregator's, 32 bytes (RFC 8032).
 * @throws FormatError for whatever `decodeRoster` would refuse, or a document of more than 512 bytes.
 */
export function signRoster(roster: Roster, seed: Uint8Array): SignedRoster {
  const payload = encodeRoster(roster);
  const document = signWithKey("roster-1", payload, seed);
  if (document.length > DOCUMENT_BYTES_MAX) throw new FormatError(`a roster of ${document.length} bytes`);
  return { roster, S: digest(payload), document };
}

/**
 * @param aggregatorKey Ed25519 public key, 32 bytes.
 * @throws FormatError for malformed bytes, VerificationError if the aggregator has not signed it.
 */
export function verifyRoster(document: Uint8Array, aggregatorKey: Uint8Array): SignedRoster {
  const payload = verifySigned("roster-1", document, aggregatorKey, DOCUMENT_BYTES_MAX);
  return { roster: decodeRoster(payload), S: digest(payload), document };
}

/** What a new standing roster is for. */
export interface StandingPlan {
  readonly groupId: string;
  readonly members: readonly Enrolled[];
  /** The UTC day, since 1970, with which it begins. */
  readonly firstDay: number;
  /** The last UTC day, at least the 7th; null: until a successor. */
  readonly lastDay: number | null;
  readonly statistics: readonly number[];
  readonly intervalSeconds: number;
  /** OBIS codes. */
  readonly channels: readonly string[];
}

export class Rosters {
  readonly #byNumber = new Map<number, KeptRoster>();
  readonly #byMember = new Map<string, KeptRoster[]>();
  readonly #byDigest = new Map<string, KeptRoster>();
  /** Last interval of each standing roster, as far as is known. */
  readonly #last = new Map<KeptRoster, number>();
  #highest = 0;

  get all(): readonly KeptRoster[] {
    return [...this.#byNumber.values()];
  }

  /** Those that are no repairs. */
  get standing(): readonly KeptRoster[] {
    return this.all.filter(({ standing }) => standing === null);
  }

  /** The number of the next roster. */
  get nextNumber(): number {
    return this.#highest + 1;
  }

  get(rosterNumber: number): KeptRoster | undefined {
    return this.#byNumber.get(rosterNumber);
  }

  /** All rosters in which a meter takes part, by number; a repair comes after what it repairs. */
  of(meterId: string): readonly KeptRoster[] {
    return this.#byMember.get(meterId) ?? [];
  }

  /** The repairs of a standing roster, by number; no interval is in two of them. */
  repairsOf(standing: KeptRoster): readonly KeptRoster[] {
    return this.all.filter((kept) => kept.standing === standing);
  }

  /**
   * The last interval of a roster, be it by its own words or by a successor's start; 2^32 - 1 if neither is known.
   * Below its first: a successor has replaced it before it began.
   */
  lastOf(kept: KeptRoster): number {
    return this.#last.get(kept) ?? kept.roster.lastInterval ?? U32_MAX;
  }

  /**
   * A roster to be signed, with the next number.
   * @param now_s Unix time: the roster begins with a UTC day to come, at least 7 days after the start of any that it
   *   succeeds; one that has not begun is replaced.
   * @throws VerificationError with the rule that it would break.
   */
  plan(plan: StandingPlan, now_s: number): Roster {
    const { groupId, firstDay, lastDay, statistics, intervalSeconds, channels } = plan;
    const members = inOrder(plan.members);
    const name = `roster ${this.nextNumber} of ${groupId}`;
    ensure(firstDay * DAY_SECONDS > now_s, `${name}: begins with no day to come`);
    const first = (firstDay * DAY_SECONDS) / intervalSeconds;
    const isLong = lastDay === null || (lastDay + 1 - firstDay) * DAY_SECONDS >= STANDING_MIN_S;
    ensure(isLong, `${name}: ends before 7 days`);
    for (const before of new Set(members.flatMap(({ meterId }) => this.of(meterId)))) {
      if (before.standing !== null || this.lastOf(before) < before.roster.firstInterval) continue;
      const began_s = intervalStart_s(before.roster.firstInterval, before.roster.intervalSeconds);
      const isSuccessor = began_s > now_s || firstDay * DAY_SECONDS >= began_s + STANDING_MIN_S;
      ensure(isSuccessor, `${name}: begins within 7 days of roster ${before.roster.rosterNumber}`);
    }
    const roster = {
      groupId,
      rosterNumber: this.nextNumber,
      memberCount: members.length,
      firstInterval: first,
      lastInterval: lastDay === null ? null : ((lastDay + 1) * DAY_SECONDS) / intervalSeconds - 1,
      statistics,
      intervalSeconds,
      channels,
      terms: { membersDigest: membersDigest(members) },
    };
    checkMembers(roster, members);
    return roster;
  }

  /**
   * Keeps a signed standing roster, and ends the earlier ones that share a member with it.
   * @param members all of its members, in any order.
   * @throws VerificationError if its number is not higher than any, or these are not its members; Error if it is full.
   */
  addStanding(signed: SignedRoster, members: readonly Enrolled[]): KeptRoster {
    const { roster } = signed;
    const { terms, rosterNumber, firstInterval } = roster;
    const sorted = inOrder(members);
    ensure(!isRepair(terms), `roster ${rosterNumber} is a repair`);
    const isOf =
      sameBytes(membersDigest(sorted), terms.membersDigest) && sorted.length === roster.memberCount;
    ensure(isOf, `roster ${rosterNumber}: the members are others`);
    checkMembers(roster, sorted);
    const earlier = new Set(sorted.flatMap(({ meterId }) => this.of(meterId)));
    const kept = this.#keep(signed, sorted, null);
    for (const before of earlier) {
      if (before.standing !== null) continue;
      const start_s = intervalStart_s(firstInterval, roster.intervalSeconds);
      const last = intervalAt(start_s, before.roster.intervalSeconds) - 1;
      this.#last.set(before, Math.min(this.lastOf(before), last));
    }
    return kept;
  }

  /**
   * Keeps a signed repair.
   * @throws VerificationError if its number is not higher than any, its standing roster is unknown, another or not in
   *   force all the time, or it names other members than the bits or an interval of another repair; Error if full.
   */
  addRepair(signed: SignedRoster): KeptRoster {
    const { roster } = signed;
    const name = `repair ${roster.rosterNumber}`;
    ensure(isRepair(roster.terms), `roster ${roster.rosterNumber} is no repair`);
    const standing = this.#byDigest.get(bytesToHex(roster.terms.standing));
    ensure(standing !== undefined, `${name}: its standing roster is unknown`);
    ensure(isAlike(roster, standing.roster), `${name}: not alike roster ${standing.roster.rosterNumber}`);
    const isInForce =
      roster.firstInterval >= standing.roster.firstInterval &&
      (roster.lastInterval ?? U32_MAX) <= this.lastOf(standing);
    ensure(isInForce, `${name}: outside the time of roster ${standing.roster.rosterNumber}`);
    const isAgain = this.repairsOf(standing).some((other) => overlap(other.roster, roster));
    ensure(!isAgain, `${name}: an interval of it is repaired already`);
    return this.#keep(signed, markedMembers(roster, roster.terms, standing.members), standing);
  }

  #keep(signed: SignedRoster, members: readonly Member[], standing: KeptRoster | null): KeptRoster {
    const { rosterNumber } = signed.roster;
    ensure(rosterNumber > this.#highest, `roster ${rosterNumber}: the number is not higher than any before`);
    if (this.#byNumber.size >= ROSTERS_MAX) throw new Error(`${ROSTERS_MAX} rosters are kept already`);
    const places = new Map(members.map(({ meterId }, at) => [meterId, at]));
    const kept = { ...signed, members, places, standing, layout: layoutOf(signed.roster) };
    this.#highest = rosterNumber;
    this.#byNumber.set(rosterNumber, kept);
    if (standing === null) this.#byDigest.set(bytesToHex(signed.S), kept);
    for (const { meterId } of members) this.#byMember.set(meterId, [...this.of(meterId), kept]);
    return kept;
  }
}

/** A standing roster's documents for each of its members, in the order in which a unit takes them. */
export function documentsOf({ document }: SignedRoster, members: readonly Enrolled[]): Uint8Array[] {
  return [document, ...inOrder(members).map((member) => member.document)];
}

/** Whether two rosters have an interval in common; of repairs, which all have an end. */
const overlap = (a: Roster, b: Roster) =>
  a.firstInterval <= (b.lastInterval ?? U32_MAX) && b.firstInterval <= (a.lastInterval ?? U32_MAX);

/** What a repair has in common with its standing roster: fields 1, 6, 8 and 9. */
function isAlike(a: Roster, b: Roster): boolean {
  const fields = ({ groupId, statistics, intervalSeconds, channels }: Roster) =>
    [groupId, statistics, intervalSeconds, channels].join(" ");
  return fields(a) === fields(b);
}

/** The members whose bits are set. @throws VerificationError for other bits than the standing roster has members. */
function markedMembers(roster: Roster, { mask }: RepairTerms, members: readonly Member[]): Member[] {
  const name = `repair ${roster.rosterNumber}`;
  ensure(mask.length === Math.ceil(members.length / 8), `${name}: ${mask.length} bytes of bits`);
  const isPadded = Array.from({ length: 8 * mask.length - members.length }, (_, at) => members.length + at);
  ensure(!isPadded.some((bit) => isMarked(mask, bit)), `${name}: a bit of no member is set`);
  const marked = members.filter((_, at) => isMarked(mask, at));
  const isCounted = marked.length === roster.memberCount && marked.length < members.length;
  ensure(isCounted, `${name}: ${marked.length} bits are set`);
  return marked;
}

/** @throws VerificationError unless every certificate is valid at the start and measures what the roster sums. */
function checkMembers(roster: Roster, members: readonly Enrolled[]): void {
  const start_s = intervalStart_s(roster.firstInterval, roster.intervalSeconds);
  for (const { meterId, certificate } of members) {
    const name = `roster ${roster.rosterNumber}: ${meterId}`;
    const isValid = start_s >= certificate.notBefore_s && start_s < certificate.notAfter_s;
    ensure(isValid, `${name} is not certified for its start`);
    ensure(certificate.intervalSeconds === roster.intervalSeconds, `${name} has other intervals`);
    ensure(measures(certificate, roster), `${name} does not measure its channels in their order`);
  }
}

/** Whether a meter has the channels in their order; with statistic 3 no others besides, as its leaves hold all. */
function measures({ channels }: Certificate, roster: Roster): boolean {
  if (roster.statistics.includes(Statistic.OPENINGS)) return channels.join() === roster.channels.join();
  const places = roster.channels.map((obis) => channels.indexOf(obis));
  return places.every((place, at) => place >= 0 && place > (places[at - 1] ?? -1));
}
