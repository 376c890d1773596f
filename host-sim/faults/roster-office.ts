// The aggregator of the meter's street, and those who would like to be it. Its neighbours are there by their keys
// alone. Standing rosters come with their members' certificates; some are unlawful and say so at once, of some only
// the members tell.
import { bytesToHex } from "@noble/hashes/utils.js";
import { encodeRoster, maskOf, membersDigest } from "../../src/aggregation/roster.js";
import { decodeCertificate, encodeCertificate } from "../../src/proofs/certificate.js";
import { BASE } from "../../src/proofs/generators.js";
import { randomScalar } from "../../src/trusted/authority/pairing.js";
import { isFairRepair, isRepair, leastMembers, type Roster } from "../../src/trusted/blinding/roster.js";
import { NIL } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { DAY_SECONDS, intervalAt } from "../../src/trusted/metrology/interval.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { SeededEntropy } from "../ports.js";
import { MEMBER_KIND, type Order, ROSTER_KIND } from "./command-model.js";
import type { Dice } from "./dice.js";
import type { Office } from "./office.js";
import type { MadeRoster, Neighbour } from "./share-model.js";
import { METER_ID, type Site } from "./site.js";

/** By their ids, before and after the meter. */
const NEIGHBOURS = ["A-1", "A-2", "A-3", "A-4", "Z-1", "Z-2", "Z-3", "Z-4", "Z-5", "Z-6", "Z-7"];
const DOCUMENT_BYTES_MAX = 512;
/** Numbers that a roster's skips at most. */
const SKIPPED_MAX = 3;
/** Intervals that a repair covers at most. */
const REPAIRED_MAX = 12;
const STATISTICS = [[1], [1], [1, 2], [1, 3], [1, 2, 3]];

/** A standing roster and the certificates of its members, in their order. */
export interface Delivery {
  readonly order: Order;
  readonly certificates: readonly Order[];
  readonly S: Uint8Array;
}

interface Person {
  readonly member: MadeRoster["members"][number];
  readonly certificate: Order;
}

/** What of a roster is not as it must be. */
interface Flaw {
  readonly name: string;
  readonly changes: Partial<Roster>;
}

export class RosterOffice {
  readonly #site: Site;
  readonly #office: Office;
  readonly #dice: Dice;
  readonly #neighbours: readonly Person[];
  readonly #self: Person;
  #number = 0;

  constructor(site: Site, office: Office, dice: Dice) {
    this.#site = site;
    this.#office = office;
    this.#dice = dice;
    const { certificate } = site.enrolment;
    const own = decodeCertificate(decodeSign1(certificate, "certificate-1", DOCUMENT_BYTES_MAX).payload);
    const entropy = new SeededEntropy(dice.random.fork("neighbours"));
    this.#neighbours = NEIGHBOURS.map((meterId) => {
      const agreement = randomScalar(entropy);
      const X = BASE.multiply(agreement).toBytes();
      const payload = encodeCertificate({ ...own, meterId, agreementKey: X });
      const document = office.sign(site.parties.authority, "certificate-1", payload);
      const member: Neighbour = { meterId, X, agreement };
      return { member, certificate: this.#certificateOf(meterId, document) };
    });
    this.#self = {
      member: { meterId: METER_ID, X: own.agreementKey },
      certificate: this.#certificateOf(METER_ID, certificate),
    };
  }

  /** A standing roster that the unit may accept, as far as the aggregator knows. */
  standing(): Delivery {
    const people = this.#people();
    return this.#deliver(this.#standingOf(people), people, true, "");
  }

  /** A standing roster that is lawful but for its members: not those of its digest, or the meter is not one. */
  incomplete(): Delivery {
    const people = this.#people();
    const others = people.filter((person) => person !== this.#self);
    const [spare] = this.#neighbours.filter((person) => !people.includes(person));
    if (spare && this.#dice.chance(1, 2)) {
      const absent = [...others, spare].sort(byId);
      return this.#deliver(this.#standingOf(absent), absent, false, "without the meter, ");
    }
    const terms = { membersDigest: this.#dice.bytes(32) };
    return this.#deliver({ ...this.#standingOf(people), terms }, people, false, "with another digest, ");
  }

  /** A repair of a few intervals that are over, or null where there is nothing that can be repaired. */
  repair(): Order | null {
    const repair = this.#repair();
    return repair && this.#sign(repair.roster, repair.members, true, "");
  }

  /** A roster or repair that must be refused whenever it comes. */
  improper(): Order {
    const repair = this.#dice.chance(1, 2) ? this.#repair() : null;
    const people = this.#people();
    const lawful = repair?.roster ?? this.#standingOf(people);
    const members = repair?.members ?? people.map(({ member }) => member);
    const by = this.#dice.pick(["authority", "supplier", "network"] as const);
    if (this.#dice.chance(1, 4)) return this.#sign(lawful, members, false, `by ${by}, `, by);
    const { name, changes } = this.#dice.pick([...this.#flaws(lawful), ...(repair ? flawsOf(lawful) : [])]);
    return this.#sign({ ...lawful, ...changes }, members, false, `${name}, `);
  }

  #certificateOf(meterId: string, document: Uint8Array): Order {
    return this.#order(`certificate of ${meterId}`, document, MEMBER_KIND, "", true);
  }

  #order(name: string, document: Uint8Array, kind: number, signer: string, isWellFormed: boolean): Order {
    const rest = { isAuthentic: true, isForThisMeter: true, counter: 0, notAfter_s: null, argument: NIL };
    return this.#site.made({
      name,
      document,
      signer,
      kind,
      isWellFormed,
      changes: {},
      answer: null,
      ...rest,
    });
  }

  /** The meter among a few neighbours, or among enough for a repair. */
  #people(): readonly Person[] {
    const { minGroup } = this.#site.commands.configuration;
    const wanted = this.#dice.pick([minGroup, 2 * minGroup, 3 * minGroup, 3 * minGroup, 3 * minGroup]);
    const left = [...this.#neighbours];
    const count = Math.min(Math.max(wanted, 3), NEIGHBOURS.length + 1);
    const others = Array.from(
      { length: count - 1 },
      () => left.splice(this.#dice.between(0, left.length - 1), 1)[0] as Person,
    );
    return [...others, this.#self].sort(byId);
  }

  #standingOf(people: readonly Person[]): Roster {
    const { intervalSeconds, channels } = this.#site.plan;
    const { minGroup } = this.#site.commands.configuration;
    const fitting = STATISTICS.filter((statistics) => people.length >= leastMembers(minGroup, statistics));
    const statistics = this.#dice.pick(fitting.length > 0 ? fitting : [[1]]);
    const day = Math.floor(this.#site.now_s / DAY_SECONDS) + this.#dice.pick([1, 1, 1, 2, 9]);
    const firstInterval = (day * DAY_SECONDS) / intervalSeconds;
    const days = this.#dice.pick([7, 8, 30]);
    const isOpen = this.#dice.chance(2, 3);
    const areAll = statistics.includes(3) || this.#dice.chance(2, 3);
    return {
      groupId: this.#dice.pick(["street-1", "street-2", "9"]),
      rosterNumber: this.#nextNumber(),
      memberCount: people.length,
      firstInterval,
      lastInterval: isOpen ? null : firstInterval + (days * DAY_SECONDS) / intervalSeconds - 1,
      statistics,
      intervalSeconds,
      channels: areAll ? channels : channels.slice(-1),
      terms: { membersDigest: membersDigest(people.map(({ member }) => member)) },
    };
  }

  #nextNumber(): number {
    this.#number = Math.max(this.#number, this.#site.shares.lastNumber) + this.#dice.between(1, SKIPPED_MAX);
    return this.#number;
  }

  #repair(): { roster: Roster; members: MadeRoster["members"] } | null {
    const { shares, now_s, plan, commands } = this.#site;
    const standing = shares.accepted.filter(({ roster }) => {
      const least = leastMembers(commands.configuration.minGroup, roster.statistics);
      const isFair = isFairRepair(roster.memberCount - least, roster.memberCount, least);
      return !isRepair(roster.terms) && isFair && roster.firstInterval * plan.intervalSeconds < now_s;
    });
    if (standing.length === 0) return null;
    const current = intervalAt(now_s, plan.intervalSeconds);
    const inForce = standing.filter((one) => one === shares.inForce(current - 1));
    const { roster, S, members } = this.#dice.pick(inForce.length > 0 ? inForce : standing);
    const lastInterval = Math.max(roster.firstInterval, current - this.#dice.between(1, 2 * REPAIRED_MAX));
    const from = lastInterval - this.#dice.between(0, REPAIRED_MAX - 1);
    const left = members.flatMap(({ meterId }, at) => (meterId === METER_ID ? [] : [at]));
    const least = leastMembers(commands.configuration.minGroup, roster.statistics);
    for (let dark = least; dark > 0; dark--) left.splice(this.#dice.between(0, left.length - 1), 1);
    const marked = [...left, members.findIndex(({ meterId }) => meterId === METER_ID)];
    const terms = { standing: S, mask: maskOf(members.length, marked) };
    const firstInterval = Math.max(roster.firstInterval, from);
    const range = { firstInterval, lastInterval, rosterNumber: this.#nextNumber() };
    return { roster: { ...roster, ...range, memberCount: marked.length, terms }, members };
  }

  /** What neither a standing roster nor a repair may be, at any time. */
  #flaws({ intervalSeconds, terms }: Roster): Flaw[] {
    const { lastNumber } = this.#site.shares;
    const other = intervalSeconds === 900 ? 1800 : 900;
    return [
      { name: "for other intervals", changes: { intervalSeconds: other } },
      { name: "for a foreign channel", changes: { channels: ["1-0:9.8.0"] } },
      ...(lastNumber >= 0 ? [{ name: "numbered as another", changes: { rosterNumber: lastNumber } }] : []),
      ...(isRepair(terms)
        ? []
        : [
            { name: "of two", changes: { memberCount: 2 } },
            { name: "from long ago", changes: { firstInterval: 0, lastInterval: null } },
            { name: "at no midnight", changes: { firstInterval: 0xffffff01, lastInterval: null } },
            { name: "for a moment", changes: { firstInterval: 48_000_000, lastInterval: 48_000_000 } },
          ]),
    ];
  }

  #deliver(roster: Roster, people: readonly Person[], isLawful: boolean, flaw: string): Delivery {
    const members = people.map(({ member }) => member);
    const order = this.#sign(roster, members, isLawful, flaw, "aggregator", true);
    const S = digest(encodeRoster(roster));
    return { order, S, certificates: people.map(({ certificate }) => certificate) };
  }

  /** @param isWellFormed whether it is not refused at once. */
  #sign(
    roster: Roster,
    members: MadeRoster["members"],
    isLawful: boolean,
    flaw: string,
    by: "aggregator" | "authority" | "supplier" | "network" = "aggregator",
    isWellFormed = isLawful,
  ): Order {
    const payload = encodeRoster(roster);
    const S = digest(payload);
    this.#site.shares.made({ roster, S, members, isLawful });
    const { rosterNumber, firstInterval, lastInterval, memberCount } = roster;
    const kind = isRepair(roster.terms) ? "repair" : "roster";
    const name = `${flaw}${kind} ${rosterNumber} of ${memberCount}, ${firstInterval} to ${lastInterval}`;
    const signer = this.#office.holder(by);
    const document = this.#office.sign(signer, "roster-1", payload);
    return this.#order(name, document, ROSTER_KIND, bytesToHex(signer.publicKey), isWellFormed);
  }
}

const byId = (a: Person, b: Person) => (a.member.meterId < b.member.meterId ? -1 : 1);

/** What no repair may be, at any time. */
function flawsOf(lawful: Roster): Flaw[] {
  const { terms, memberCount } = lawful;
  if (!isRepair(terms)) return [];
  const none = new Uint8Array(terms.mask.length);
  return [
    { name: "of no roster", changes: { terms: { ...terms, standing: new Uint8Array(32) } } },
    { name: "not over", changes: { lastInterval: 0xfffffff0 } },
    { name: "of another group", changes: { groupId: "street-0" } },
    { name: "of nobody", changes: { terms: { ...terms, mask: none } } },
    { name: "of one more", changes: { memberCount: memberCount + 1 } },
  ];
}
