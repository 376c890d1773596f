// A bench meter among neighbours that are there by their keys alone: rosters that its aggregator signs, the members'
// certificates, and what the unit's shares must be, computed from the pure functions.
import { concatBytes } from "@noble/hashes/utils.js";
import { encodeRoster, maskOf, membersDigest } from "../src/aggregation/roster.js";
import { encodeCertificate } from "../src/proofs/certificate.js";
import { signWithKey } from "../src/proofs/signed.js";
import type { Certificate } from "../src/trusted/authority/certificate.js";
import { decodeSecrets } from "../src/trusted/authority/secrets.js";
import { type Roster, Statistic } from "../src/trusted/blinding/roster.js";
import { encodeShare } from "../src/trusted/blinding/share.js";
import { array, bstr, int } from "../src/trusted/encoding/cbor.js";
import { dayOf } from "../src/trusted/metrology/interval.js";
import { numberOf } from "../src/trusted/sealing/edwards.js";
import { dayKey, digest, ReadingKeys } from "../src/trusted/sealing/keys.js";
import { type BenchMeter, DAY_S, METER_ID, MIDNIGHT_S } from "./bench-meter.js";
import { type Neighbour, neighbour, shareOf } from "./street.js";

/** A signed roster, and what its members know of it. */
export interface SignedRoster {
  readonly roster: Roster;
  readonly S: Uint8Array;
  readonly document: Uint8Array;
}

export const numbersTo = (count: number) => Array.from({ length: count }, (_, at) => at);

export class BenchStreet {
  readonly meter: BenchMeter;
  /** Ascending by id, the bench meter among them. */
  readonly members: readonly Neighbour[];
  readonly own: number;
  readonly seed: Uint8Array;

  /** @param count members in all; by default the bench meter is in their middle. */
  constructor(meter: BenchMeter, count: number, before = Math.floor(count / 2)) {
    this.meter = meter;
    const secrets = meter.secrets.load();
    if (!secrets) throw new Error("the bench meter has no keys");
    const agreement = numberOf(decodeSecrets(secrets).agreement);
    const self: Neighbour = { meterId: METER_ID, agreement, X: this.#ownX };
    const name = (at: number) => (at < before ? "SM-0000-" : "SM-0002-") + `${at}`.padStart(3, "0");
    const others = numbersTo(count - 1).map((at) => neighbour(name(at), `bench street ${at}`));
    this.members = [...others, self].sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
    this.own = this.members.indexOf(self);
    this.seed = meter.parties.aggregator.seed;
  }

  get #certificate(): Certificate {
    return this.meter.certificate;
  }

  get #ownX(): Uint8Array {
    return this.#certificate.agreementKey;
  }

  /** First interval of the day that begins so many days after the bench's first midnight. */
  dayBegin(day: number): number {
    return (MIDNIGHT_S + day * DAY_S) / this.meter.configuration.intervalSeconds;
  }

  /** The certificate of a neighbour, or of the meter itself, with these changes. */
  certificate(
    member: Neighbour,
    changes: Partial<Certificate> = {},
    seed = this.meter.parties.authority.seed,
  ): Uint8Array {
    if (member.meterId === METER_ID && Object.keys(changes).length === 0)
      return this.meter.enrolment.certificate;
    const { meterId, X: agreementKey } = member;
    const payload = encodeCertificate({ ...this.#certificate, meterId, agreementKey, ...changes });
    return signWithKey("certificate-1", payload, seed);
  }

  get certificates(): readonly Uint8Array[] {
    return this.members.map((member) => this.certificate(member));
  }

  /** A roster of all members from the next day on, sums of all channels, with these changes. */
  standing(
    changes: Partial<Roster> = {},
    members: readonly Neighbour[] = this.members,
    seed = this.seed,
  ): SignedRoster {
    const { intervalSeconds, channels } = this.meter.configuration;
    const roster: Roster = {
      groupId: "street-1",
      rosterNumber: 1,
      memberCount: members.length,
      firstInterval: this.dayBegin(1),
      lastInterval: null,
      statistics: [Statistic.SUM],
      intervalSeconds,
      channels,
      terms: { membersDigest: membersDigest(members) },
      ...changes,
    };
    return this.sign(roster, seed);
  }

  /** A repair of a standing roster without these members, for [first, last], with these changes. */
  repair(
    { roster, S: standing }: SignedRoster,
    dark: readonly number[],
    [firstInterval, lastInterval]: readonly [number, number],
    changes: Partial<Roster> = {},
    seed = this.seed,
  ): SignedRoster {
    const marked = numbersTo(roster.memberCount).filter((member) => !dark.includes(member));
    const terms = { standing, mask: maskOf(roster.memberCount, marked) };
    const rosterNumber = roster.rosterNumber + 1;
    const range = { firstInterval, lastInterval, rosterNumber, memberCount: marked.length };
    return this.sign({ ...roster, ...range, terms, ...changes }, seed);
  }

  sign(roster: Roster, seed = this.seed): SignedRoster {
    const payload = encodeRoster(roster);
    return { roster, S: digest(payload), document: signWithKey("roster-1", payload, seed) };
  }

  /** Hands the unit a document. */
  send(document: Uint8Array): void {
    this.meter.receive(array(int(3), bstr(document)));
  }

  /** Hands the unit a standing roster and its members' certificates. */
  install(signed: SignedRoster, certificates = this.certificates): void {
    this.send(signed.document);
    for (const certificate of certificates) this.send(certificate);
  }

  /** The share messages that the unit must give of a roster, in the order of its readings. */
  expected({ roster, S }: SignedRoster, intervals: readonly number[]): Uint8Array[] {
    const { meter } = this;
    const { intervalSeconds, channels } = meter.configuration;
    const numbers = roster.channels.map((code) => channels.indexOf(code));
    return meter.readings.flatMap(({ interval, epoch, status, readings }) => {
      if (!intervals.includes(interval)) return [];
      const keys = new ReadingKeys(dayKey(meter.K(epoch), dayOf(interval, intervalSeconds)));
      const openings = numbers.map((channel) => {
        return { reading: readings[channel] as number, opening: keys.of(channel, interval).opening };
      });
      const sums = shareOf({ roster, S, members: this.members, interval }, this.own, openings);
      const { groupId, rosterNumber } = roster;
      return [encodeShare({ meterId: METER_ID, interval, groupId, rosterNumber, status }, sums)];
    });
  }
}

/** All given shares as one CBOR sequence, in the order in which they were given. */
export const sharesOf = (meter: BenchMeter) => concatBytes(...meter.shares.map(({ message }) => message));
