// Collects shares as they come: late, twice, in any order. What it holds is a pure function of the rosters and of
// the messages, so a stored sequence of messages is the store, and replaying it the way back. A second share of one
// meter for one interval and roster that is not the first's copy makes both worthless: nobody can tell which is true,
// and whichever came first must not decide.

import { ensure, VerificationError } from "../proofs/signed.js";
import { WINDOW_S } from "../trusted/blinding/memory.js";
import { assert, sameBytes } from "../trusted/encoding/bytes.js";
import { DAY_SECONDS, intervalStart_s } from "../trusted/metrology/interval.js";
import type { KeptRoster, Rosters } from "./rosters.js";
import { checkSums, decodeShare, type Share } from "./share.js";

/** Shares that there is room for unless told otherwise: a day of 10,000 meters at 900 s. */
const SHARES_MAX = 2 ** 20;

/** Longest time that is collected of, seconds: 13 months of a meter's journal, and some. */
export const SPAN_MAX_S = 400 * DAY_SECONDS;

const Place = { EMPTY: 0, HELD: 1, CONTESTED: 2 } as const;

/** The time whose intervals are collected, Unix seconds: those that begin and end in it. */
export interface Span {
  readonly from_s: number;
  readonly to_s: number;
}

/** What a server collects at a time: intervals that have ended, as long as units make shares of them. */
export const windowAt = (now_s: number, intervalSeconds: number): Span => ({
  from_s: now_s - WINDOW_S - intervalSeconds,
  to_s: now_s,
});

/** Asserts that it is not longer than a server ever looks back. */
function checked(span: Span): Span {
  assert(span.to_s - span.from_s <= SPAN_MAX_S, "a span has at most 400 days");
  return span;
}

/** A meter that has sent two different shares. */
export interface Equivocation {
  readonly meterId: string;
  readonly rosterNumber: number;
  readonly interval: number;
}

/** The shares of one interval under one roster. */
export class Tally {
  readonly kept: KeptRoster;
  readonly interval: number;
  readonly #sums: Uint8Array;
  readonly #statuses: Uint8Array;
  readonly #places: Uint8Array;
  #held = 0;

  constructor(kept: KeptRoster, interval: number) {
    const count = kept.members.length;
    this.kept = kept;
    this.interval = interval;
    this.#sums = new Uint8Array(count * kept.layout.length);
    this.#statuses = new Uint8Array(count);
    this.#places = new Uint8Array(count);
  }

  /** Whether one undisputed share of every member is here. */
  get isComplete(): boolean {
    return this.#held === this.kept.members.length;
  }

  /** Undisputed shares. */
  get held(): number {
    return this.#held;
  }

  /** Bitwise or of the statuses of all undisputed shares. */
  get statusUnion(): number {
    return this.#statuses.reduce((union, status, at) => (this.isHeld(at) ? union | status : union), 0);
  }

  /** Whether a member's undisputed share is here. */
  isHeld(member: number): boolean {
    return this.#places[member] === Place.HELD;
  }

  isContested(member: number): boolean {
    return this.#places[member] === Place.CONTESTED;
  }

  /** The byte string of a member's share: a view, for reading. */
  sumsOf(member: number): Uint8Array {
    const { length } = this.kept.layout;
    return this.#sums.subarray(member * length, (member + 1) * length);
  }

  statusOf(member: number): number {
    return this.#statuses[member] ?? 0;
  }

  /** @returns whether it is new; false for a copy. @throws VerificationError if there is another one. */
  put(member: number, { meterId, status, sums }: Share): boolean {
    if (this.#places[member] === Place.EMPTY) {
      this.sumsOf(member).set(sums);
      this.#statuses[member] = status;
      this.#places[member] = Place.HELD;
      this.#held++;
      return true;
    }
    const isCopy = this.isHeld(member) && this.statusOf(member) === status;
    if (isCopy && sameBytes(this.sumsOf(member), sums)) return false;
    if (this.isHeld(member)) this.#held--;
    this.#places[member] = Place.CONTESTED;
    const where = `interval ${this.interval} in roster ${this.kept.roster.rosterNumber}`;
    throw new VerificationError(`${meterId} has sent two different shares for ${where}`);
  }
}

/**
 * What became of a share that was not refused. `outside`: its interval is not collected, or no more. `ended`: its
 * meter's next roster has begun, which it seems not to have got.
 */
export type Outcome = "kept" | "duplicate" | "outside" | "ended";

export class Collector {
  readonly #rosters: Rosters;
  readonly #sharesMax: number;
  readonly #tallies = new Map<number, Map<number, Tally>>();
  #span: Span;
  #room: number;

  /**
   * @param sharesMax shares that there is room for: each takes its sums and 2 bytes, and room is made for a whole
   *   roster at its first share. A full collector refuses: forgetting would let a second share pass for the first.
   */
  constructor(rosters: Rosters, span: Span, sharesMax = SHARES_MAX) {
    this.#rosters = rosters;
    this.#span = checked(span);
    this.#sharesMax = sharesMax;
    this.#room = sharesMax;
  }

  get span(): Span {
    return this.#span;
  }

  /** Shares that there is room for without forgetting. */
  get room(): number {
    return this.#room;
  }

  /** Moves on, and forgets the intervals that lie outside. */
  move(span: Span): void {
    this.#span = checked(span);
    for (const tallies of this.#tallies.values()) {
      for (const [interval, { kept }] of tallies) {
        if (!this.#isInSpan(kept, interval)) tallies.delete(interval);
      }
    }
    const taken = this.tallies.reduce((sum, { kept }) => sum + kept.members.length, 0);
    this.#room = this.#sharesMax - taken;
  }

  /** Everything that is held, by roster and interval. */
  get tallies(): Tally[] {
    return this.#rosters.all.flatMap((kept) => this.talliesOf(kept));
  }

  /** The intervals of a roster of which there is a share, ascending. */
  talliesOf({ roster }: KeptRoster): Tally[] {
    const tallies = this.#tallies.get(roster.rosterNumber) ?? new Map<number, Tally>();
    return [...tallies.values()].sort((a, b) => a.interval - b.interval);
  }

  tally({ roster }: KeptRoster, interval: number): Tally | undefined {
    return this.#tallies.get(roster.rosterNumber)?.get(interval);
  }

  /** Every contested share, by roster, interval and meter: to be reported. */
  get equivocations(): Equivocation[] {
    return this.tallies.flatMap((tally) =>
      tally.kept.members
        .filter((_, at) => tally.isContested(at))
        .map(({ meterId }) => ({
          meterId,
          rosterNumber: tally.kept.roster.rosterNumber,
          interval: tally.interval,
        })),
    );
  }

  /**
   * Takes one share message.
   * @param sender the meter that the channel has authenticated.
   * @throws FormatError for malformed bytes or sums; VerificationError for a share of another meter, of no member of
   *   its roster, for an interval outside of the roster, or different from one that came before; Error if the
   *   collector is full.
   */
  add(message: Uint8Array, sender: string): Outcome {
    return this.addShare(decodeShare(message), sender);
  }

  /** As `add`, of a message that was taken apart. */
  addShare(share: Share, sender: string): Outcome {
    const { meterId, interval, groupId, rosterNumber } = share;
    const name = `share of ${meterId} for interval ${interval}`;
    ensure(meterId === sender, `${name}: sent by ${sender}`);
    const kept = this.#rosters.get(rosterNumber);
    ensure(kept !== undefined, `${name}: roster ${rosterNumber} is unknown`);
    ensure(kept.roster.groupId === groupId, `${name}: roster ${rosterNumber} is not of ${groupId}`);
    const member = kept.places.get(meterId);
    ensure(member !== undefined, `${name}: no member of roster ${rosterNumber}`);
    const { firstInterval, lastInterval } = kept.roster;
    const isOf = interval >= firstInterval && (lastInterval === null || interval <= lastInterval);
    ensure(isOf, `${name}: not an interval of roster ${rosterNumber}`);
    checkSums(share, kept.layout);
    if (!this.#isInSpan(kept, interval)) return "outside";
    if (interval > this.#rosters.lastOf(kept)) return "ended";
    return this.#tallyOf(kept, interval).put(member, share) ? "kept" : "duplicate";
  }

  #isInSpan({ roster: { intervalSeconds } }: KeptRoster, interval: number): boolean {
    const { from_s, to_s } = this.#span;
    const isAfter = intervalStart_s(interval, intervalSeconds) >= from_s;
    return isAfter && intervalStart_s(interval + 1, intervalSeconds) <= to_s;
  }

  #tallyOf(kept: KeptRoster, interval: number): Tally {
    const { rosterNumber } = kept.roster;
    const tallies = this.#tallies.get(rosterNumber) ?? new Map<number, Tally>();
    const known = tallies.get(interval);
    if (known) return known;
    if (this.#room < kept.members.length) throw new Error("the collector of shares is full");
    this.#room -= kept.members.length;
    const tally = new Tally(kept, interval);
    this.#tallies.set(rosterNumber, tallies.set(interval, tally));
    return tally;
  }
}
