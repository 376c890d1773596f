// Makes the unit's shares, a bounded piece a step, in the order of the recorded intervals: the standing roster's and
// a repair's of each. At most one share is made ahead of who takes it. Nothing of it is stored but how far it was
// acknowledged: whatever is needed again is computed again, the same bytes.
import type { Configuration } from "../authority/configuration.js";
import { array, bstr, int } from "../encoding/cbor.js";
import {
  decodeInterval,
  type IntervalRecord,
  type Journal,
  MessageKind,
  RecordType,
} from "../journal/journal.js";
import { Mark, type Place } from "../journal/sector-ring.js";
import { dayOf } from "../metrology/interval.js";
import type { CommitmentKey } from "../sealing/commitment.js";
import { DailyKeys } from "../sealing/keys.js";
import { openReading } from "../sealing/sealer.js";
import { inForce, isInWindow, type Repair, repairOf, type Standing, WINDOW_S } from "./memory.js";
import { masks, masksCost } from "./pair-keys.js";
import { PeerKeys } from "./peers.js";
import { isMarked, type Member, Statistic } from "./roster.js";
import type { Rosters } from "./rosters.js";
import { encodeShare, encodeSums, type Opening, valuesOf } from "./share.js";

/** Records looked at in one step. */
const RECORDS_MAX = 256;
/** PRFs of one step; twice as many when a roster's keys are new. */
const PRFS_MAX = 16;
/** Shares are made again on request at most this often, s. */
const AGAIN_EVERY_S = 3600;
/** Place of shares among what is acknowledged. */
const SHARES = MessageKind.SHARE - 1;

export interface BlinderContext {
  readonly journal: Journal;
  readonly rosters: Pick<Rosters, "memory">;
  readonly configuration: Pick<Configuration, "meterId" | "intervalSeconds">;
  readonly key: CommitmentKey;
  readonly own: Member;
  /** x, the unit's agreement scalar. */
  readonly agreement: bigint;
  /** K of an epoch, or null if it was erased. */
  readonly customerKey: (epoch: number) => Uint8Array | null;
}

/** A share that is being made. */
interface Share {
  readonly standing: Standing;
  readonly repair: Repair | null;
  readonly record: IntervalRecord;
  readonly openings: readonly Opening[];
  readonly commitments: Uint8Array[];
  sums: readonly bigint[];
  /** The member whose masks come next. */
  member: number;
}

export class Blinder {
  readonly #context: BlinderContext;
  readonly #daily: DailyKeys;
  /** Where in the log the next record is looked for; null when it must be sought. */
  #cursor: Place | null = null;
  /** What was recorded before this interval needs no share of a standing roster. */
  #next = 0;
  /** Repairs below this number need no shares, of whatever interval; nor below the second once the log's end is reached. */
  #nextRepair = 0;
  #sought = 0;
  /** Of the record in hand what is still to be made. */
  #waiting: Share[] = [];
  #ready: { readonly frame: Uint8Array; readonly next: number } | null = null;
  /** Shares of standing rosters below this interval were given since the last restart, or have arrived before. */
  #given = 0;
  #keys: PeerKeys | null = null;
  #again_s = Number.NEGATIVE_INFINITY;

  constructor(context: BlinderContext) {
    this.#context = context;
    this.#daily = new DailyKeys(context.customerKey);
    this.rewind();
  }

  /** All shares are given again from an interval on: those that are not acknowledged, and of repairs all. */
  rewind(next = this.#acknowledged): void {
    this.#cursor = null;
    this.#next = next;
    this.#given = this.#acknowledged;
    this.#nextRepair = 0;
    this.#waiting = [];
    this.#ready = null;
  }

  /** The share that is ready, framed, or null. */
  take(): Uint8Array | null {
    const ready = this.#ready;
    this.#ready = null;
    this.#given = Math.max(this.#given, ready?.next ?? 0);
    return ready?.frame ?? null;
  }

  /** The shares of a standing roster up to an interval have arrived. Of a repair nothing is noted. */
  acknowledge(interval: number, rosterNumber: number): void {
    const { journal, rosters } = this.#context;
    const isStanding = inForce(rosters.memory, interval, interval)?.rosterNumber === rosterNumber;
    if (!isStanding || interval >= this.#given) return;
    journal.state.acknowledged[SHARES] = Math.max(this.#acknowledged, interval + 1);
  }

  /** Shares from an interval on are given again, and all that are not acknowledged; at most once an hour. */
  sendAgain(interval: number, now_s: number): void {
    if (now_s - this.#again_s < AGAIN_EVERY_S) return;
    this.#again_s = now_s;
    this.rewind(Math.min(interval, this.#acknowledged));
  }

  /**
   * Looks for the next record, pairs with one member, commits to one reading, or adds some masks.
   * @param time_s confirmed, or null.
   * @returns whether there was something to do.
   */
  step(time_s: number | null): boolean {
    const { memory } = this.#context.rosters;
    if (this.#ready || time_s === null || memory.standing.length === 0) return false;
    const [share] = this.#waiting;
    if (share) this.#proceed(share);
    // Intervals of a repair that has just been accepted lie behind.
    else if (this.#cursor === null || this.#sought !== memory.nextNumber) this.#cursor = this.#seek(time_s);
    else return this.#look(this.#cursor, time_s);
    return true;
  }

  get #acknowledged(): number {
    return this.#context.journal.state.acknowledged[SHARES] as number;
  }

  /** Where the first record lies that a share may be made for. */
  #seek(time_s: number): Place {
    const { journal, rosters, configuration } = this.#context;
    const { repairs, nextNumber } = rosters.memory;
    const waiting = repairs.filter(({ rosterNumber }) => rosterNumber >= this.#nextRepair);
    const first = Math.min(this.#next, ...waiting.map(({ firstInterval }) => firstInterval));
    const oldest = Math.floor((time_s - WINDOW_S) / configuration.intervalSeconds);
    this.#sought = nextNumber;
    return journal.log.seek([Mark.INTERVAL, Math.max(first, oldest, 0)]);
  }

  /** Begins the shares of the next record that has any; false at the log's end. */
  #look(from: Place, time_s: number): boolean {
    this.#cursor = from;
    for (let looked = 0; looked < RECORDS_MAX && this.#waiting.length === 0; looked++) {
      const found = this.#context.journal.log.find(this.#cursor);
      if (!found) {
        this.#nextRepair = this.#sought;
        return false;
      }
      this.#cursor = found.next;
      if (found.type === RecordType.INTERVAL) this.#waiting = this.#sharesOf(decodeInterval(found), time_s);
    }
    return true;
  }

  /** The shares of a record; none where no roster asks for one, its time is over, or its K is erased. */
  #sharesOf(record: IntervalRecord, time_s: number): Share[] {
    const { memory } = this.#context.rosters;
    const { intervalSeconds } = this.#context.configuration;
    const { interval, epoch } = record;
    const standing = inForce(memory, interval, interval);
    const repair = repairOf(memory, interval) ?? null;
    const isDue = [interval >= this.#next, repair !== null && repair.rosterNumber >= this.#nextRepair];
    this.#next = Math.max(this.#next, interval + 1);
    if (!standing || standing.place === 0 || !isInWindow(interval, time_s, intervalSeconds)) return [];
    const due = [null, repair].filter((_, at) => isDue[at]);
    const keys = due.length > 0 ? this.#daily.of(epoch, dayOf(interval, intervalSeconds)) : null;
    if (!keys) return [];
    const openings = standing.channels.map((channel) => openReading(record, channel, keys));
    const sums = valuesOf(standing.statistics, openings);
    return due.map((one) => ({ standing, repair: one, record, openings, commitments: [], sums, member: 0 }));
  }

  #proceed(share: Share): void {
    const { standing, openings, commitments } = share;
    const { journal, key, own, agreement } = this.#context;
    const opening = openings[commitments.length];
    if (opening && standing.statistics.includes(Statistic.OPENINGS)) {
      commitments.push(key.commit(opening.reading, opening.opening));
      return;
    }
    if (this.#keys?.standing !== standing) this.#keys = new PeerKeys(standing);
    if (this.#keys.paired === standing.memberCount) this.#addMasks(share, this.#keys);
    else if (!this.#keys.pairNext(journal, own, agreement)) {
      // Without its members a roster is of no use; what it forbids stays forbidden.
      standing.place = 0;
      this.#waiting = [];
    }
  }

  #addMasks(share: Share, keys: PeerKeys): void {
    const { standing, repair, record } = share;
    const { statistics, channels, memberCount, own } = standing;
    const cost = masksCost(statistics, channels.length);
    for (let left = PRFS_MAX; left > 0 && share.member < memberCount; share.member++) {
      const { member } = share;
      if (member === own || (repair && !isMarked(repair.mask, member))) continue;
      const key = keys.keyOf(member, (repair ?? standing).S);
      const theirs = masks(key, record.interval, statistics, channels.length);
      const sign = member > own ? 1n : -1n;
      share.sums = share.sums.map((sum, at) => sum + sign * (theirs[at] as bigint));
      left -= cost;
    }
    if (share.member === memberCount) this.#finish(share);
  }

  #finish({ standing, repair, record, sums, commitments }: Share): void {
    const { statistics, groupId } = standing;
    const { interval, status } = record;
    const { rosterNumber } = repair ?? standing;
    const { meterId } = this.#context.configuration;
    const names = { meterId, interval, groupId, rosterNumber, status };
    const message = encodeShare(names, encodeSums(statistics, sums, commitments));
    const frame = array(int(MessageKind.SHARE), array(int(interval), int(rosterNumber)), bstr(message));
    this.#ready = { frame, next: repair ? 0 : interval + 1 };
    this.#waiting.shift();
  }
}
