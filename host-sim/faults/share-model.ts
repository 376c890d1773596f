// Rosters and shares as the street's other members know them: what was made, what event 6 says was accepted, which
// roster that puts in force for an interval, and the bytes that the meter's share of it then must be. The masks are
// computed from the neighbours' side of each pair, without the meter's own scalar.
import { bytesToHex } from "@noble/hashes/utils.js";
import { makeCommitmentKey } from "../../src/proofs/generators.js";
import { WINDOW_S } from "../../src/trusted/blinding/memory.js";
import { masks, pairKey, rosterKey } from "../../src/trusted/blinding/pair-keys.js";
import {
  isMarked,
  isRepair,
  type Member,
  type Roster,
  Statistic,
} from "../../src/trusted/blinding/roster.js";
import { encodeShare, encodeSums, type Opening, valuesOf } from "../../src/trusted/blinding/share.js";
import { CborReader } from "../../src/trusted/encoding/cbor.js";
import { DAY_SECONDS, dayOf, U32_MAX } from "../../src/trusted/metrology/interval.js";
import { dayKey, ReadingKeys } from "../../src/trusted/sealing/keys.js";
import type { OpenedReading } from "./message-model.js";
import { holds } from "./violation.js";

export const KIND_SHARE = 2;
const SHARE_BYTES_MAX = 4096;
/** Two rosters that begin less far apart cannot both come into force, s. */
const STANDING_MIN_S = 7 * DAY_SECONDS;

const key = makeCommitmentKey();

/** A member of the street that is there by its keys alone. */
export interface Neighbour extends Member {
  /** x, its agreement scalar. */
  readonly agreement: bigint;
}

/** A roster that was signed. */
export interface MadeRoster {
  readonly roster: Roster;
  /** H of its payload. */
  readonly S: Uint8Array;
  /** Of a standing roster, ascending by meterId; the meter itself has no scalar here. */
  readonly members: readonly (Neighbour | Member)[];
  /** Whether a unit may ever accept it. */
  readonly isLawful: boolean;
}

export interface ShareModelOptions {
  readonly meterId: string;
  readonly intervalSeconds: number;
  /** OBIS codes of the meter. */
  readonly channels: readonly string[];
  /** What was read in an interval, or null if it has not left the unit. */
  readonly reading: (interval: number) => OpenedReading | null;
  readonly K: (epoch: number) => Uint8Array | null;
  /** The open interval as the flash has it: not below the one in which the last event happened. */
  readonly openInterval: () => number;
  /** Whether an event or a reading may be overwritten before it has left. */
  readonly isSmall: boolean;
}

const nameOf = (interval: number, rosterNumber: number) => `${interval}, roster ${rosterNumber}`;

export class ShareModel {
  readonly #options: ShareModelOptions;
  /** By S, hex. */
  readonly #made = new Map<string, MadeRoster>();
  readonly #accepted = new Map<number, MadeRoster>();
  /** Those that event 6 leaves in force one after the other. */
  #standing: MadeRoster[] = [];
  /** By name, hex of the share. */
  readonly #known = new Map<string, string>();
  readonly #arrived = new Set<string>();
  /** By interval the numbers of the standing roster and of the repair that it has a share of. */
  readonly #numbers = new Map<number, { standing?: number; repair?: number }>();
  readonly #pairs = new Map<string, readonly (Uint8Array | null)[]>();
  /** Names of the shares that were given since this was emptied. */
  readonly heard = new Set<string>();

  constructor(options: ShareModelOptions) {
    this.#options = options;
  }

  made(roster: MadeRoster): void {
    this.#made.set(bytesToHex(roster.S), roster);
  }

  get count(): number {
    return this.#known.size;
  }

  /** All that were accepted, by rising number. */
  get accepted(): readonly MadeRoster[] {
    return [...this.#accepted.values()];
  }

  get lastNumber(): number {
    return this.accepted.at(-1)?.roster.rosterNumber ?? -1;
  }

  /** The newest share that the unit has given of a standing roster, or zeros. */
  get newest(): readonly [interval: number, rosterNumber: number] {
    const [interval, { standing = 0 } = {}] = [...this.#numbers].at(-1) ?? [0];
    return [interval, standing];
  }

  /** The standing roster in force for an interval. */
  inForce(interval: number): MadeRoster | null {
    const at = this.#standing.findIndex(({ roster }, place) => {
      const successor = this.#standing[place + 1]?.roster.firstInterval ?? U32_MAX;
      return roster.firstInterval <= interval && interval <= endOf(roster, successor);
    });
    return this.#standing[at] ?? null;
  }

  /** An event tells that the unit has accepted a roster. */
  tells(S: unknown): void {
    const name = S instanceof Uint8Array ? bytesToHex(S) : "a count";
    const made = this.#made.get(name);
    holds(made?.isLawful === true, "a roster that is accepted is a lawful one", () => name);
    const { rosterNumber, terms, firstInterval, intervalSeconds } = made.roster;
    holds(rosterNumber > this.lastNumber, "a roster is accepted once, and numbers rise", () => {
      return `${rosterNumber} after ${this.lastNumber}`;
    });
    this.#accepted.set(rosterNumber, made);
    if (isRepair(terms)) return;
    const open = this.#options.openInterval();
    this.#standing = this.#standing.filter(({ roster }) => {
      const since_s = (firstInterval - roster.firstInterval) * intervalSeconds;
      return roster.firstInterval <= open && since_s >= STANDING_MIN_S;
    });
    this.#standing.push(made);
  }

  /** The unit gives a share, framed. */
  given(frame: Uint8Array): void {
    const reader = new CborReader(frame, "frame of the unit");
    reader.array(3);
    reader.key(KIND_SHARE);
    reader.array(2);
    const [interval, rosterNumber] = [reader.uint(U32_MAX), reader.uint(U32_MAX)];
    const message = bytesToHex(reader.bytes(1, SHARE_BYTES_MAX));
    reader.end();
    const name = nameOf(interval, rosterNumber);
    this.heard.add(name);
    const known = this.#known.get(name);
    if (known === undefined) this.#learn(interval, rosterNumber, message);
    holds(known === undefined || known === message, "a share is the same bytes for ever", () => name);
    this.#known.set(name, message);
  }

  /** A share has come to the head end. */
  arrives(message: Uint8Array): void {
    const reader = new CborReader(message, "share");
    reader.array(7);
    reader.key(1);
    reader.text(32);
    const interval = reader.uint(U32_MAX);
    reader.text(32);
    const name = nameOf(interval, reader.uint(U32_MAX));
    const isGiven = this.#known.get(name) === bytesToHex(message);
    holds(isGiven, "a share arrives as it was given", () => name);
    this.#arrived.add(name);
  }

  hasArrived(name: string): boolean {
    return this.#arrived.has(name);
  }

  /** What the unit's memory says must have been accepted, as far as events have told. */
  compare(nextNumber: number): void {
    holds(nextNumber > this.lastNumber, "an event tells of a roster once it is remembered", () => {
      return `next is ${nextNumber} after ${this.lastNumber}`;
    });
  }

  /** Names of the shares that can be had at this time, of these recorded intervals. */
  due(intervals: Iterable<number>, now_s: number): readonly string[] {
    const { intervalSeconds } = this.#options;
    return [...intervals].flatMap((interval) => {
      const standing = this.inForce(interval);
      if (!standing || now_s >= (interval + 1) * intervalSeconds + WINDOW_S) return [];
      const repairs = this.accepted.filter(
        ({ roster }) => isRepair(roster.terms) && covers(roster, interval),
      );
      return [standing, ...repairs].map(({ roster }) => nameOf(interval, roster.rosterNumber));
    });
  }

  #learn(interval: number, rosterNumber: number, message: string): void {
    const { reading, isSmall } = this.#options;
    const name = () => nameOf(interval, rosterNumber);
    const made = this.#accepted.get(rosterNumber);
    holds(made !== undefined, "a share is of a roster that was accepted", name);
    holds(covers(made.roster, interval), "a share is of an interval of its roster", name);
    this.#claim(interval, made, name);
    const read = reading(interval);
    holds(read !== null || isSmall, "there is no share of an interval without a record", name);
    if (!read) return;
    const expected = this.#expected(made, interval, read);
    holds(expected === message, "a share is what reading, roster and keys make of it", () => {
      return `${name()}: ${message} for ${expected}`;
    });
  }

  /** For any interval there is one standing roster and one repair, of all that were ever accepted. */
  #claim(interval: number, made: MadeRoster, name: () => string): void {
    const { roster } = made;
    const numbers = this.#numbers.get(interval) ?? {};
    const kind = isRepair(roster.terms) ? "repair" : "standing";
    const claimed = numbers[kind] ?? roster.rosterNumber;
    holds(claimed === roster.rosterNumber, "an interval is in one standing roster and one repair", name);
    this.#numbers.set(interval, { ...numbers, [kind]: roster.rosterNumber });
    const standing = this.inForce(interval);
    const S = isRepair(roster.terms) ? roster.terms.standing : made.S;
    const isInForce = standing !== null && bytesToHex(standing.S) === bytesToHex(S);
    holds(isInForce, "a share is of the roster in force", name);
  }

  #expected({ roster, S }: MadeRoster, interval: number, read: OpenedReading): string {
    const { meterId, intervalSeconds, channels, K } = this.#options;
    const { statistics, terms, groupId, rosterNumber } = roster;
    const customer = K(read.epoch);
    holds(customer !== null, "a share is of a known epoch", () => nameOf(interval, rosterNumber));
    const keys = new ReadingKeys(dayKey(customer, dayOf(interval, intervalSeconds)));
    const openings = roster.channels.map((code) => {
      const channel = channels.indexOf(code);
      return { reading: read.readings[channel] as number, opening: keys.of(channel, interval).opening };
    });
    const standing = isRepair(terms)
      ? this.#made.get(bytesToHex(terms.standing))
      : this.#made.get(bytesToHex(S));
    const pairs = standing ? this.#pairsOf(standing) : [];
    const own = pairs.indexOf(null);
    let sums = valuesOf(statistics, openings);
    for (const [at, pair] of pairs.entries()) {
      if (!pair || (isRepair(terms) && !isMarked(terms.mask, at))) continue;
      const theirs = masks(rosterKey(pair, S), interval, statistics, roster.channels.length);
      sums = sums.map((sum, k) => (at > own ? sum + (theirs[k] as bigint) : sum - (theirs[k] as bigint)));
    }
    const names = { meterId, interval, groupId, rosterNumber, status: read.status };
    return bytesToHex(encodeShare(names, encodeSums(statistics, sums, commitmentsOf(statistics, openings))));
  }

  /** Kab of each member with the meter, null for the meter itself. */
  #pairsOf({ S, members, roster }: MadeRoster): readonly (Uint8Array | null)[] {
    const name = bytesToHex(S);
    const self = members.find((member) => !("agreement" in member)) as Member;
    const pairs =
      this.#pairs.get(name) ??
      members.map((member) =>
        "agreement" in member ? pairKey(member.agreement, member, self, roster.groupId) : null,
      );
    this.#pairs.set(name, pairs);
    return pairs;
  }
}

const commitmentsOf = (statistics: readonly number[], openings: readonly Opening[]) =>
  statistics.includes(Statistic.OPENINGS)
    ? openings.map(({ reading, opening }) => key.commit(reading, opening))
    : [];

const endOf = (roster: Roster, successor: number) => Math.min(roster.lastInterval ?? U32_MAX, successor - 1);

const covers = (roster: Roster, interval: number) =>
  roster.firstInterval <= interval && interval <= endOf(roster, U32_MAX);
