// A street of meters by their documents alone: certificates, batches and shares as units make them, without the units.
// For the benches and tests of the group management server, which sees no more of a meter than this. The masks are not
// those of pair keys (tests/street.ts has them): each member shares one with the next, so that a street of ten thousand
// is made in seconds, and to a server all masks that cancel are alike.
import { ed25519 } from "@noble/curves/ed25519.js";
import { concatBytes } from "@noble/hashes/utils.js";
import type { Enrolled } from "../src/aggregation/enrolment.js";
import { type KeptRoster, Rosters, type StandingPlan, signRoster } from "../src/aggregation/rosters.js";
import { rebuildRoot } from "../src/proofs/batch.js";
import { decodeCertificate, encodeCertificate } from "../src/proofs/certificate.js";
import { makeCommitmentKey } from "../src/proofs/generators.js";
import { signWithKey } from "../src/proofs/signed.js";
import type { Certificate } from "../src/trusted/authority/certificate.js";
import { masks } from "../src/trusted/blinding/pair-keys.js";
import { encodeShare, encodeSums, type Opening, valuesOf } from "../src/trusted/blinding/share.js";
import { asciiBytes, uintBytes } from "../src/trusted/encoding/bytes.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import { DAY_SECONDS, intervalStart_s } from "../src/trusted/metrology/interval.js";
import { encodeLeaf, encodeStatement } from "../src/trusted/sealing/batch.js";
import { bytesOf } from "../src/trusted/sealing/edwards.js";
import { encodeRistretto } from "../src/trusted/sealing/encodings.js";
import { digest, scalarFrom } from "../src/trusted/sealing/keys.js";

/** What a party's or meter's keys are made from: nothing secret. */
const named = (...names: readonly string[]) => digest(asciiBytes(["model street", ...names].join(" ")));
const scalarOf = (...names: readonly string[]) => scalarFrom(named(...names));

const key = makeCommitmentKey();
const SOFTWARE = named("software");

export interface ModelOptions {
  readonly meters: number;
  /** UTC day since 1970 with which all begins. */
  readonly firstDay?: number;
  readonly intervalSeconds?: number;
  readonly channels?: readonly string[];
  readonly statistics?: readonly number[];
  /** Status of a meter's interval; 0 by default. */
  readonly status?: (meter: number, interval: number) => number;
  /** Whether a meter has a record of an interval; by default it has. */
  readonly hasPower?: (meter: number, interval: number) => boolean;
  /** A certificate that is not like the others. */
  readonly certificate?: Partial<Certificate>;
}

export class ModelStreet {
  readonly authoritySeed = named("authority");
  readonly aggregatorSeed = named("aggregator");
  readonly authorityKey = ed25519.getPublicKey(this.authoritySeed);
  readonly aggregatorKey = ed25519.getPublicKey(this.aggregatorSeed);
  readonly firstDay: number;
  readonly intervalSeconds: number;
  readonly channels: readonly string[];
  readonly statistics: readonly number[];
  readonly meters: readonly Enrolled[];
  readonly rosters = new Rosters();
  readonly #status: (meter: number, interval: number) => number;
  readonly #hasPower: (meter: number, interval: number) => boolean;
  readonly #commitments = new Map<string, Uint8Array>();

  constructor(options: ModelOptions) {
    this.firstDay = options.firstDay ?? 20_454;
    this.intervalSeconds = options.intervalSeconds ?? 1800;
    this.channels = options.channels ?? ["1-0:1.8.0"];
    this.statistics = options.statistics ?? [1, 2, 3];
    this.#status = options.status ?? (() => 0);
    this.#hasPower = options.hasPower ?? (() => true);
    this.meters = Array.from({ length: options.meters }, (_, at) => this.enrol(at, options.certificate));
  }

  get intervalsPerDay(): number {
    return DAY_SECONDS / this.intervalSeconds;
  }

  /** The first interval of a day, counted from the street's first. */
  firstOf(day: number): number {
    return (this.firstDay + day) * this.intervalsPerDay;
  }

  static meterId(at: number): string {
    return `SM-${`${at + 1}`.padStart(5, "0")}`;
  }

  /** A meter as the authority certifies it. */
  enrol(at: number, changes: Partial<Certificate> = {}): Enrolled {
    const meterId = ModelStreet.meterId(at);
    const payload = encodeCertificate({
      meterId,
      signingKey: ed25519.getPublicKey(named(meterId, "signing")),
      agreementKey: encodeRistretto(key.base.multiply(bytesOf(scalarOf(meterId, "agreement")))),
      softwareId: SOFTWARE,
      intervalSeconds: this.intervalSeconds,
      channels: this.channels,
      notBefore_s: (this.firstDay - 1000) * DAY_SECONDS,
      notAfter_s: (this.firstDay + 1000) * DAY_SECONDS,
      role: 0,
      ...changes,
    });
    const document = signWithKey("certificate-1", payload, this.authoritySeed);
    const certificate = decodeCertificate(decodeSign1(document, "certificate-1", 512).payload);
    return { meterId: certificate.meterId, X: certificate.agreementKey, certificate, document };
  }

  /** A standing roster, signed and kept; by default of all meters from the first day on. */
  stand(changes: Partial<StandingPlan> = {}): KeptRoster {
    const { meters, channels, statistics, intervalSeconds, firstDay } = this;
    const common = { groupId: "street-1", lastDay: null, channels, statistics, intervalSeconds };
    const plan = { ...common, members: meters, firstDay, ...changes };
    const roster = this.rosters.plan(plan, plan.firstDay * DAY_SECONDS - 1);
    return this.rosters.addStanding(signRoster(roster, this.aggregatorSeed), plan.members);
  }

  statusOf(meter: number, interval: number): number {
    return this.#status(meter, interval);
  }

  /** What a meter has measured, Wh, and the openings, by channel. */
  openingsOf(meter: number, interval: number): Opening[] {
    return this.channels.map((_, channel) => {
      const bytes = named(`${meter} ${interval} ${channel}`);
      const hour = (intervalStart_s(interval, this.intervalSeconds) % DAY_SECONDS) / 3600;
      const day_Wh = 150 + 120 * Math.sin(((hour - 10) * Math.PI) / 12);
      return {
        reading: Math.round((day_Wh * ((bytes[0] as number) + 64)) / 192),
        opening: scalarFrom(concatBytes(bytes, bytes.subarray(0, 16))),
      };
    });
  }

  /** C of a meter's interval by channel; made once. */
  commitmentsOf(meter: number, interval: number): Uint8Array[] {
    return this.openingsOf(meter, interval).map(({ reading, opening }, channel) => {
      const name = `${meter} ${interval} ${channel}`;
      const commitment = this.#commitments.get(name) ?? key.commit(reading, opening);
      this.#commitments.set(name, commitment);
      return commitment;
    });
  }

  /** The byte string of a member's share. */
  sumsOf({ roster, S, members, layout }: KeptRoster, member: number, interval: number): Uint8Array {
    const meter = this.#meterOf((members[member] as Enrolled).meterId);
    const { statistics, channels } = roster;
    const after = (at: number) => masks(digest(S, uintBytes(at, 2)), interval, statistics, channels.length);
    const [own, before] = [after(member), after((member + members.length - 1) % members.length)];
    const values = valuesOf(statistics, this.openingsOf(meter, interval));
    const sums = values.map((value, at) => value + (own[at] as bigint) - (before[at] as bigint));
    return encodeSums(statistics, sums, layout.openings === null ? [] : this.commitmentsOf(meter, interval));
  }

  /** A member's share message. */
  shareOf(kept: KeptRoster, member: number, interval: number): Uint8Array {
    const { meterId } = kept.members[member] as Enrolled;
    const { groupId, rosterNumber } = kept.roster;
    const status = this.#status(this.#meterOf(meterId), interval);
    return encodeShare(
      { meterId, interval, groupId, rosterNumber, status },
      this.sumsOf(kept, member, interval),
    );
  }

  hasPower(meter: number, interval: number): boolean {
    return this.#hasPower(meter, interval);
  }

  /** A meter's batches of the first days: one a day, and another after each gap. */
  batchesOf(meter: number, days: number): Uint8Array[] {
    const meterId = ModelStreet.meterId(meter);
    let previousBatchDigest: Uint8Array = new Uint8Array(32);
    return this.#runsOf(meter, days).map((intervals, batchNumber) => {
      const leaves = intervals.flatMap((interval) =>
        this.commitmentsOf(meter, interval).map((C, channel) =>
          encodeLeaf(interval, channel, this.#status(meter, interval), C),
        ),
      );
      const payload = encodeStatement({
        ...{ meterId, batchNumber, epoch: 0, firstInterval: intervals[0] ?? 0 },
        ...{ intervalSeconds: this.intervalSeconds, intervalCount: intervals.length },
        ...{ channelCount: this.channels.length, merkleRoot: rebuildRoot(concatBytes(...leaves)) },
        ...{ previousBatchDigest, softwareId: SOFTWARE, eventDigest: named("events") },
        statusUnion: intervals.reduce((union, interval) => union | this.#status(meter, interval), 0),
      });
      previousBatchDigest = digest(payload);
      return signWithKey("batch-1", payload, named(meterId, "signing"));
    });
  }

  /** Consecutive intervals of one day in which a meter had power. */
  #runsOf(meter: number, days: number): number[][] {
    const runs: number[][] = [];
    for (let interval = this.firstOf(0); interval < this.firstOf(days); interval++) {
      const run = runs.at(-1);
      if (!this.#hasPower(meter, interval)) continue;
      const isNext = run?.at(-1) === interval - 1 && interval % this.intervalsPerDay !== 0;
      if (run && isNext) run.push(interval);
      else runs.push([interval]);
    }
    return runs;
  }

  #meterOf = (meterId: string) => Number(meterId.slice(3)) - 1;
}
