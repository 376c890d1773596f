// Verifies sums by what meters have sealed. Where a roster has statistic 3, each share brings the commitments of its
// interval: from them the server rebuilds the root of each member's batch, compares it with the one that the meter has
// signed, and checks that the sum of the commitments opens to the sum of readings and openings. Then no member,
// no customer and no network between them can have altered the sum.
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import { linkOf, type SignedBatch, type Trust, verifyLeaves, verifyStatement } from "../proofs/batch.js";
import { makeCommitmentKey } from "../proofs/generators.js";
import { BatchLedger } from "../proofs/ledger.js";
import { ensure, VerificationError } from "../proofs/signed.js";
import { FormatError, sameBytes, uintBytes } from "../trusted/encoding/bytes.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { encodeLeaf } from "../trusted/sealing/batch.js";
import { add, bytesOf, type Extended, NEUTRAL } from "../trusted/sealing/edwards.js";
import { decodeRistretto, encodeRistretto } from "../trusted/sealing/encodings.js";
import { digest } from "../trusted/sealing/keys.js";
import type { Collector, Tally } from "./collector.js";
import type { Rosters } from "./rosters.js";
import { COMMITMENT_BYTES, commitmentAt, WORD_BYTES } from "./share.js";
import { addOpenings, type ChannelSum } from "./sums.js";

/** Most faults of a meter that are kept. */
const FAULTS_MAX = 256;
/** In place of a batch number: the share is under no root. */
const UNSEALED = -1;

/** Why a batch seals no shares. */
export interface SealFault {
  readonly meterId: string;
  readonly reason: string;
  /** Whether something is false; otherwise something has not come yet. */
  readonly isFalse: boolean;
}

/** Why a sum is not verified. */
export interface Doubt {
  readonly reason: string;
  /** Whether a share is false; otherwise something has not come, or cannot be known. */
  readonly isFalse: boolean;
}

/** Intervals of a meter; of a document that says nothing, all. */
interface MeterRange {
  readonly meterId: string;
  readonly first: number;
  readonly last: number;
}

type BatchFault = SealFault & MeterRange;

export class Seals {
  readonly #rosters: Rosters;
  readonly #collector: Collector;
  readonly #ledger: BatchLedger;
  /** For each member of a tally the number of the batch that seals its share, or UNSEALED. */
  readonly #sealed = new WeakMap<Tally, Float64Array>();
  /** By meter, then by batch, document or reason. */
  readonly #faults = new Map<string, Map<string, BatchFault>>();

  /** @param ledger the server's memory of batches; every batch whose signature verifies is recorded in it. */
  constructor(rosters: Rosters, collector: Collector, ledger = new BatchLedger()) {
    this.#rosters = rosters;
    this.#collector = collector;
    this.#ledger = ledger;
  }

  /** Why batches seal nothing: one a batch, at most 256 a meter. */
  get faults(): readonly SealFault[] {
    return [...this.#faults.values()].flatMap((faults) => [...faults.values()]);
  }

  /**
   * Takes batches of a meter, and finds out which of the shares held they seal. May be called again with the same
   * ones when more shares have come. What does not verify is kept as a fault and seals nothing.
   */
  addBatches(trust: Trust, documents: readonly Uint8Array[]): void {
    for (const document of documents) {
      const batch = this.#verify(trust, document);
      if (batch) this.#seal(batch);
    }
  }

  /**
   * Why a complete sum is not verified; null if it is: every member's share is under a signed root, and the
   * commitments open to the sums.
   * @param sums of the tally, as `sumUp` returned them.
   */
  doubtOf(tally: Tally, sums: readonly ChannelSum[]): Doubt | null {
    const { openings } = tally.kept.layout;
    if (openings === null) {
      return { reason: "without statistic 3 only the channel vouches for a share", isFalse: false };
    }
    for (const [member, { meterId }] of tally.kept.members.entries()) {
      const doubt = this.#doubtOfMember(tally, member, meterId);
      if (doubt) return doubt;
    }
    try {
      for (const [channel, { sum_Wh }] of sums.entries()) checkOpening(tally, openings, channel, sum_Wh);
      return null;
    } catch (error) {
      if (error instanceof VerificationError) return { reason: error.message, isFalse: true };
      throw error;
    }
  }

  #verify(trust: Trust, document: Uint8Array): SignedBatch | null {
    const { meterId } = trust.certificate;
    const unknown = { meterId, first: 0, last: U32_MAX };
    const batch = this.#attempt(bytesToHex(digest(document)), unknown, () =>
      verifyStatement(document, trust),
    );
    if (batch === null) return null;
    const isRecorded = this.#attempt(nameOf(batch), rangeOf(batch), () => {
      this.#ledger.record(linkOf(batch));
      return true;
    });
    return isRecorded === null ? null : batch;
  }

  /** Rebuilds the root of a batch from shares, and marks those that are under it. */
  #seal(batch: SignedBatch): void {
    const { meterId, batchNumber, intervalCount } = batch.statement;
    const [name, range] = [nameOf(batch), rangeOf(batch)];
    const leaves = Array.from({ length: intervalCount }, (_, at) => this.#leafOf(meterId, range.first + at));
    const whole = leaves.filter((leaf) => leaf !== null);
    if (whole.length === 0) return;
    const missing = leaves.indexOf(null);
    if (missing >= 0) {
      const reason = `${name}: no undisputed share of interval ${range.first + missing} has come`;
      this.#blame(name, { ...range, reason, isFalse: false });
      return;
    }
    const isWhole = this.#attempt(name, range, () => verifyLeaves(batch, concatBytes(...whole)));
    if (isWhole === null) {
      const reason = `${name}: the shares of intervals ${range.first} to ${range.last} are not what it has sealed`;
      this.#blame(name, { ...range, reason, isFalse: true });
      return;
    }
    whole.forEach((leaf, at) => {
      this.#mark(meterId, range.first + at, leaf, batchNumber);
    });
  }

  /** The tallies of statistic 3 in which an undisputed share of a meter is. */
  #talliesWith(meterId: string, interval: number): (readonly [tally: Tally, member: number])[] {
    return this.#rosters.of(meterId).flatMap((kept) => {
      const member = kept.places.get(meterId) as number;
      const tally = kept.layout.openings === null ? undefined : this.#collector.tally(kept, interval);
      return tally?.isHeld(member) ? [[tally, member] as const] : [];
    });
  }

  /** The leaves of an interval by the first share that has them; null without one. */
  #leafOf(meterId: string, interval: number): Uint8Array | null {
    const [first] = this.#talliesWith(meterId, interval);
    return first ? leavesOf(...first) : null;
  }

  #mark(meterId: string, interval: number, leaf: Uint8Array, batchNumber: number): void {
    for (const [tally, member] of this.#talliesWith(meterId, interval)) {
      const sealed = this.#sealed.get(tally) ?? new Float64Array(tally.kept.members.length).fill(UNSEALED);
      this.#sealed.set(tally, sealed);
      if (sameBytes(leavesOf(tally, member), leaf)) sealed[member] = batchNumber;
      else {
        const { rosterNumber } = tally.kept.roster;
        const reason = `${meterId}: its share of interval ${interval} in roster ${rosterNumber} is not what it has sealed`;
        this.#blame(reason, { meterId, first: interval, last: interval, reason, isFalse: true });
      }
    }
  }

  /** Why a member's share is not known to be sealed; null if it is. */
  #doubtOfMember(tally: Tally, member: number, meterId: string): Doubt | null {
    const { interval } = tally;
    const batchNumber = this.#sealed.get(tally)?.[member] ?? UNSEALED;
    if (batchNumber !== UNSEALED) {
      const conflicts = this.#ledger.conflicts.filter((one) => one.batchNumber === batchNumber);
      const conflict = conflicts.find((one) => one.meterId === meterId);
      return conflict ? { reason: conflict.reason, isFalse: true } : null;
    }
    const faults = [...(this.#faults.get(meterId)?.values() ?? [])];
    const fault = faults.find(({ first, last }) => first <= interval && interval <= last);
    return fault ?? { reason: `no batch of ${meterId} holds it yet`, isFalse: false };
  }

  /** Does what may find evidence wanting, and keeps why; null then. What succeeds takes an earlier reason back. */
  #attempt<T>(name: string, range: MeterRange, work: () => T): T | null {
    try {
      const done = work();
      this.#faults.get(range.meterId)?.delete(name);
      return done;
    } catch (error) {
      if (!(error instanceof VerificationError || error instanceof FormatError)) throw error;
      this.#blame(name, { ...range, reason: error.message, isFalse: true });
      return null;
    }
  }

  #blame(name: string, fault: BatchFault): void {
    const faults = this.#faults.get(fault.meterId) ?? new Map<string, BatchFault>();
    if (faults.size < FAULTS_MAX || faults.has(name)) faults.set(name, fault);
    this.#faults.set(fault.meterId, faults);
  }
}

const nameOf = ({ statement }: SignedBatch) => `batch ${statement.batchNumber} of ${statement.meterId}`;

function rangeOf({ statement: { meterId, firstInterval, intervalCount } }: SignedBatch): MeterRange {
  return { meterId, first: firstInterval, last: firstInterval + intervalCount - 1 };
}

/** The leaves of an interval as a share has them. */
function leavesOf(tally: Tally, member: number): Uint8Array {
  const { openings, channels } = tally.kept.layout;
  const sums = tally.sumsOf(member);
  const leaves = Array.from({ length: channels }, (_, channel) => {
    const at = commitmentAt(openings as number, channel);
    const commitment = sums.subarray(at, at + COMMITMENT_BYTES);
    return encodeLeaf(tally.interval, channel, tally.statusOf(member), commitment);
  });
  return concatBytes(...leaves);
}

/**
 * Checks that the sum of a channel's commitments is r·B + t·B~ of its sums. Nearly all of the cost is decoding the
 * commitments, 0.08 ms each, which no batching of the checks would save: so each interval is checked by itself, and
 * a false one is known by its name.
 * @throws VerificationError if it is not, or a commitment is no group element.
 */
function checkOpening(tally: Tally, openings: number, channel: number, sum_Wh: number): void {
  const { kept, interval } = tally;
  const at = commitmentAt(openings, channel);
  let sum: Extended = NEUTRAL;
  for (const [member, { meterId }] of kept.members.entries()) {
    const bytes = tally.sumsOf(member).subarray(at, at + COMMITMENT_BYTES);
    sum = add(sum, decodeCommitment(bytes, `${meterId}: its commitment of interval ${interval}`));
  }
  const key = makeCommitmentKey();
  const reading = key.base.multiply(uintBytes(sum_Wh, WORD_BYTES).reverse());
  const blinding = key.blinding.multiply(bytesOf(addOpenings(tally, openings, channel)));
  const isOpen = sameBytes(encodeRistretto(sum), encodeRistretto(add(reading, blinding)));
  const name = `interval ${interval} of roster ${kept.roster.rosterNumber}, channel ${channel}`;
  ensure(
    isOpen,
    `${name}: a member's share is false, of whom cannot be told: the commitments open to another sum`,
  );
}

function decodeCommitment(bytes: Uint8Array, name: string): Extended {
  try {
    return decodeRistretto(bytes);
  } catch (error) {
    if (error instanceof FormatError) throw new VerificationError(`${name} is no group element`);
    throw error;
  }
}
