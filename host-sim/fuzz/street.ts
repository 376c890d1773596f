// The street around the meter that is fuzzed: neighbours that are there by their keys alone, the roster that they are
// in and that the meter gives shares of, and what its aggregator could still have it accept. Beside that, rosters and
// certificates that are rightly signed and break a rule.
import { encodeRoster, membersDigest } from "../../src/aggregation/roster.js";
import { decodeCertificate, encodeCertificate } from "../../src/proofs/certificate.js";
import { BASE } from "../../src/proofs/generators.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { type Certificate, Role as MeterRole } from "../../src/trusted/authority/certificate.js";
import type { Role } from "../../src/trusted/authority/command.js";
import { randomScalar } from "../../src/trusted/authority/pairing.js";
import { type RepairTerms, type Roster, Statistic } from "../../src/trusted/blinding/roster.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import type { Parties } from "../parties.js";
import { SeededEntropy } from "../ports.js";
import type { SeededRandom } from "../seeded.js";

/** Before and after the meters themselves, whose ids begin with S. */
const NEIGHBOURS = ["A-1", "A-2", "A-3", "Z-1", "Z-2", "Z-3", "Z-4", "Z-5"];
/** Members of a roster that have come while it waits for the others: all up to Z-1. */
const CAME = 5;
const DOCUMENT_BYTES_MAX = 512;
/** Days of the meter's life on which the accepted and the waiting roster begin. */
const ACCEPTED_DAY = 1;
const WAITING_DAY = 9;
const { SUM, SQUARES, OPENINGS } = Statistic;

interface CertifiedMember {
  readonly meterId: string;
  readonly X: Uint8Array;
  /** Its certificate, COSE_Sign1. */
  readonly document: Uint8Array;
}

export interface StreetOptions {
  readonly parties: Parties;
  readonly random: SeededRandom;
  /** The meter's own, COSE_Sign1. */
  readonly certificate: Uint8Array;
  /** The meter's first midnight, Unix s. */
  readonly midnight_s: number;
}

export class FuzzedStreet {
  /** The roster in force, and the certificates of its members. */
  readonly accepted: Uint8Array;
  readonly certificates: readonly Uint8Array[];
  /** What the meter would accept at the end of its life: a repair at once, and a roster with all its members. */
  readonly repair: Uint8Array;
  readonly waiting: Uint8Array;
  readonly came: readonly Uint8Array[];
  readonly missing: readonly Uint8Array[];
  /** The last member that has come. */
  readonly lastId: string;
  /** Signed by the aggregator, and breaking a rule each. */
  readonly unlawful: readonly Uint8Array[];
  /** Lawful, and signed by an anchor that is not the aggregator. */
  readonly usurped: readonly Uint8Array[];
  /** Signed by the authority, and of nobody who could be the next member. */
  readonly unfit: readonly Uint8Array[];
  readonly #parties: Parties;
  readonly #own: Certificate;
  readonly #members: readonly CertifiedMember[];
  readonly #standing: Roster;

  constructor({ parties, random, certificate, midnight_s }: StreetOptions) {
    this.#parties = parties;
    this.#own = decodeCertificate(decodeSign1(certificate, "certificate-1", DOCUMENT_BYTES_MAX).payload);
    const { meterId, agreementKey, intervalSeconds, channels } = this.#own;
    const entropy = new SeededEntropy(random);
    const others = NEIGHBOURS.map((name) => {
      const X = BASE.multiply(randomScalar(entropy)).toBytes();
      return { meterId: name, X, document: this.#certify({ meterId: name, agreementKey: X }) };
    });
    const self = { meterId, X: agreementKey, document: certificate };
    this.#members = [...others, self].sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
    this.certificates = this.#members.map(({ document }) => document);
    this.came = this.certificates.slice(0, CAME);
    this.missing = this.certificates.slice(CAME);
    this.lastId = (this.#members[CAME - 1] as CertifiedMember).meterId;
    const dayBegin = (day: number) => (midnight_s + day * DAY_SECONDS) / intervalSeconds;
    this.#standing = {
      groupId: "street-1",
      rosterNumber: 1,
      memberCount: this.#members.length,
      firstInterval: dayBegin(ACCEPTED_DAY),
      lastInterval: null,
      statistics: [SUM],
      intervalSeconds,
      channels,
      terms: { membersDigest: membersDigest(this.#members) },
    };
    const repair = this.#repairOf(this.#standing);
    const waiting = { ...this.#standing, rosterNumber: 3, firstInterval: dayBegin(WAITING_DAY) };
    [this.accepted, this.repair, this.waiting] = [
      this.#sign(this.#standing),
      this.#sign(repair),
      this.#sign(waiting),
    ];
    const unlawful = [...unlawfulStandings(waiting, dayBegin), ...unlawfulRepairs(repair)];
    this.unlawful = unlawful.map((roster) => this.#sign(roster));
    this.usurped = [repair, waiting].flatMap((roster) =>
      (["authority", "supplier", "network"] as const).map((role) => this.#sign(roster, role)),
    );
    this.unfit = this.#unfitCertificates(midnight_s + WAITING_DAY * DAY_SECONDS);
  }

  #certify(changes: Partial<Certificate>): Uint8Array {
    const payload = encodeCertificate({ ...this.#own, ...changes });
    return signWithKey("certificate-1", payload, this.#parties.authority.seed);
  }

  #sign(roster: Roster, by: Role = "aggregator"): Uint8Array {
    return signWithKey("roster-1", encodeRoster(roster), this.#parties[by].seed);
  }

  /** Of the two intervals that the meter has measured on the roster's first day, without the first three members. */
  #repairOf(standing: Roster): Roster & { terms: RepairTerms } {
    const terms = { standing: digest(encodeRoster(standing)), mask: Uint8Array.of(0xf8, 0x01) };
    const [firstInterval, lastInterval] = [2, 3].map((at) => standing.firstInterval + at) as [number, number];
    return { ...standing, rosterNumber: 2, memberCount: 6, firstInterval, lastInterval, terms };
  }

  #unfitCertificates(begin_s: number): Uint8Array[] {
    const [first, second] = this.#members.slice(CAME) as [CertifiedMember, CertifiedMember];
    const fit = { meterId: first.meterId, agreementKey: first.X };
    const changes: readonly Partial<Certificate>[] = [
      { role: MeterRole.FEEDER },
      { notBefore_s: begin_s + 1 },
      { notAfter_s: begin_s },
      { agreementKey: (this.#members[0] as CertifiedMember).X },
      { agreementKey: this.#own.agreementKey },
    ];
    const { authority, aggregator } = this.#parties;
    const payload = encodeCertificate({ ...this.#own, ...fit });
    // No authority's tool would encode these: the identity, and what is no element at all.
    const hopeless = [0, 0xff].map((fill) => {
      const spoiled = payload.slice();
      spoiled.fill(fill, indexOf(payload, first.X), indexOf(payload, first.X) + first.X.length);
      return signWithKey("certificate-1", spoiled, authority.seed);
    });
    return [
      ...hopeless,
      ...changes.map((change) => this.#certify({ ...fit, ...change })),
      signWithKey("certificate-1", payload, aggregator.seed),
      signWithKey("roster-1", payload, authority.seed),
      // Everything of another member but the name.
      this.#certify({ meterId: second.meterId, agreementKey: this.#own.agreementKey }),
    ];
  }
}

const indexOf = (bytes: Uint8Array, part: Uint8Array) => Buffer.from(bytes).indexOf(part);

/** A lawful standing roster with one thing changed that no meter of the street may accept. */
function unlawfulStandings(lawful: Roster, dayBegin: (day: number) => number): Roster[] {
  const changes: readonly Partial<Roster>[] = [
    { rosterNumber: 0 },
    { rosterNumber: 1 },
    // Another waits for its members, with a higher number.
    { rosterNumber: 2 },
    { memberCount: 2 },
    { memberCount: 5, statistics: [SUM, SQUARES] },
    { intervalSeconds: 900 },
    { channels: ["1-0:3.8.0"] },
    { channels: [...lawful.channels].reverse() },
    { channels: lawful.channels.slice(0, 1), statistics: [SUM, OPENINGS] },
    { firstInterval: lawful.firstInterval + 1 },
    { firstInterval: dayBegin(2) },
    { firstInterval: dayBegin(1) },
    // Within a week of its predecessor.
    { firstInterval: dayBegin(7) },
    { lastInterval: lawful.firstInterval },
    { lastInterval: dayBegin(WAITING_DAY + 6) - 1 },
    { lastInterval: dayBegin(WAITING_DAY + 7) },
  ];
  return changes.map((change) => ({ ...lawful, ...change }));
}

/** The same of a repair. */
function unlawfulRepairs(lawful: Roster & { terms: RepairTerms }): Roster[] {
  const { terms, firstInterval } = lawful;
  const masked = (memberCount: number, ...mask: number[]) => ({
    memberCount,
    terms: { ...terms, mask: Uint8Array.from(mask) },
  });
  const changes: readonly Partial<Roster>[] = [
    { rosterNumber: 1 },
    { intervalSeconds: 900 },
    { channels: lawful.channels.slice(0, 1) },
    { statistics: [SUM, SQUARES] },
    { groupId: "street-2" },
    { lastInterval: firstInterval + 20 * 48 },
    { firstInterval: firstInterval - 3 },
    { firstInterval: 0, lastInterval: 0 },
    { terms: { ...terms, standing: new Uint8Array(32) } },
    { memberCount: 7 },
    masked(6, 0xf8),
    masked(6, 0xf8, 0x01, 0),
    masked(6, 0xf8, 0x03),
    // Without this meter, with too many, with too few.
    masked(6, 0xf7, 0),
    masked(7, 0xfc, 0x01),
    masked(5, 0xf8, 0),
  ];
  return changes.map((change) => ({ ...lawful, ...change }));
}
