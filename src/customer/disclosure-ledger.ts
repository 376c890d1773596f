// The customer's memory of what they have answered in an epoch, asked before each answer: what would the asker, or
// all askers together, then know? An answer that leaves a reading without an exchange (exchanges.ts) gives it away
// and is refused with the reason, unless the customer confirms. It holds questions, never readings; it belongs
// beside K and goes where K goes.
//
// Readings at hand make the verdict sharper (all zero means all known), but whether an answer comes then depends on
// them, and a refusal that the asker sees tells something (Kenthapadi, Mishra & Nissim 2005, "Simulatable Auditing").
import { ensure } from "../proofs/signed.js";
import { isoInstant } from "../tariff/evaluate.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { intervalStart_s } from "../trusted/metrology/interval.js";
import { type Answer, EVERYONE } from "./answers.js";
import {
  answerJson,
  checkAnswer,
  type EpochNames,
  namesOf,
  readAnswer,
  readNames,
  refuseStored,
} from "./answers-json.js";
import type { CheckedMeter } from "./check.js";
import { ALIKE_MIN, findExchanges } from "./exchanges.js";
import {
  answersAround,
  askedBy,
  type Place,
  type PlacedUnknown,
  placeKey,
  type ReadingAt,
  unknownsOf,
} from "./unknowns.js";

/** Answers that a ledger holds: 13 months of ten a day. It never forgets: a full one refuses. */
const ANSWERS_MAX = 4096;
/** Readings that they ask for, each counted in each sum and range. */
const ASKED_MAX = 2 ** 24;
/** Pinned readings that are listed one by one. */
const LISTED_MAX = 64;
/** With fewer unknown neighbours than a least group has, the sum of a group is warned of. */
const NEIGHBOURS_MIN = 9;
const VERSION = 1;

/** A reading that an answer would give away. */
export interface Pinned extends Place {
  /** Readings alike in every answer, itself included. */
  readonly alike: number;
  readonly reason: string;
}

/** What someone would know who has a number of answers, the new one included. */
export interface Exposure {
  /** Readings that the new answer gives away, beyond those it tells outright: the first 64, by channel and time. */
  readonly pinned: readonly Pinned[];
  readonly pinnedCount: number;
  /** Readings still hidden that are alike in every answer with fewer than 16, themselves included. */
  readonly fewAlikeCount: number;
}

export interface Findings {
  /** From this asker's answers, and what is published. */
  readonly asker: Exposure;
  /** From all answers to everyone. */
  readonly together: Exposure;
  /** In words, for the customer: what would be given away, first of all. */
  readonly reasons: readonly string[];
  /** What is no reason to refuse, but to think. */
  readonly warnings: readonly string[];
  /** Steps of the search. */
  readonly steps: number;
}

export class DisclosureLedger {
  readonly names: EpochNames;
  readonly #answers: Answer[] = [];
  #asked = 0;

  /** An empty ledger of an epoch of a meter. */
  constructor(names: EpochNames) {
    this.names = names;
  }

  /**
   * The ledger of a checked meter and its epoch: a stored one, or an empty one for undefined.
   * @throws FormatError for a value that `toJSON` does not give, or one of another meter or epoch.
   */
  static of(meter: CheckedMeter, stored: unknown): DisclosureLedger {
    const names = namesOf(meter);
    if (stored === undefined) return new DisclosureLedger(names);
    const ledger = DisclosureLedger.fromJSON(stored);
    const { meterId, epoch, intervalSeconds, channels } = ledger.names;
    const isSame = intervalSeconds === names.intervalSeconds && channels === names.channels;
    if (meterId !== names.meterId || epoch !== names.epoch || !isSame)
      refuseStored(`it is of ${meterId}, epoch ${epoch}, instead of ${names.meterId}, epoch ${names.epoch}`);
    return ledger;
  }

  /** In the order in which they were recorded. */
  get answers(): readonly Answer[] {
    return this.#answers;
  }

  /**
   * What a new answer would give away; nothing is recorded. A year of answers takes a second or two.
   * @param readingAt the customer's readings; null for one that they will not look at, which is then taken to be free
   *   to move by one and unlike the others.
   * @throws FormatError for an answer that no ledger can hold.
   */
  consider(answer: Answer, readingAt: ReadingAt): Findings {
    checkAnswer(answer, this.names);
    const readers = [answer.asker, EVERYONE];
    const isPublic = answer.asker === EVERYONE;
    const theirs = this.#answers.filter(({ asker }) => isPublic || readers.includes(asker));
    const together = this.#expose(answer, this.#answers, readingAt);
    const alone = theirs.length < this.#answers.length ? this.#expose(answer, theirs, readingAt) : null;
    const asker = (alone ?? together).exposure;
    return {
      asker,
      together: together.exposure,
      reasons: reasonsOf(asker, together.exposure),
      warnings: warningsOf(answer, together.exposure),
      steps: together.steps + (alone?.steps ?? 0),
    };
  }

  /**
   * Records an answer before it is given; the same one again changes nothing.
   * @throws VerificationError, and nothing is recorded, if it would give a reading away or the ledger is full. Otherwise
   *   as `consider`.
   */
  record(answer: Answer, readingAt: ReadingAt): Findings {
    const findings = this.consider(answer, readingAt);
    const reason = refusalOf(findings);
    ensure(reason === null, reason ?? "");
    this.#keep(answer);
    return findings;
  }

  /**
   * Records an answer that the customer has confirmed, whatever it gives away.
   * @throws VerificationError if the ledger is full; otherwise as `consider`.
   */
  recordConfirmed(answer: Answer, readingAt: ReadingAt): Findings {
    const findings = this.consider(answer, readingAt);
    this.#keep(answer);
    return findings;
  }

  /** The ledger as a JSON value; `fromJSON` reads it. */
  toJSON(): unknown {
    return { version: VERSION, ...this.names, answers: this.#answers.map(answerJson) };
  }

  /**
   * Restores a stored ledger.
   * @throws FormatError naming what is not as `toJSON` gives it.
   */
  static fromJSON(value: unknown): DisclosureLedger {
    const { answers, ...names } = readNames(value, VERSION);
    if (answers.length > ANSWERS_MAX) refuseStored(`more than ${ANSWERS_MAX} answers`);
    const ledger = new DisclosureLedger(names);
    for (const [at, answer] of answers.entries()) ledger.#restore(answer, at);
    return ledger;
  }

  #restore(value: unknown, at: number): void {
    const answer = readAnswer(value, `answers[${at}]`);
    try {
      checkAnswer(answer, this.names);
    } catch (error) {
      if (error instanceof FormatError) refuseStored(`answers[${at}]: ${error.message}`);
      throw error;
    }
    if (!this.#hasRoomFor(answer))
      refuseStored(`answers[${at}]: more than ${ASKED_MAX} readings are asked for`);
    this.#add(answer);
  }

  #hasRoomFor(answer: Answer): boolean {
    return this.#answers.length < ANSWERS_MAX && this.#asked + askedBy(answer) <= ASKED_MAX;
  }

  #add(answer: Answer): void {
    this.#asked += askedBy(answer);
    this.#answers.push(answer);
  }

  #keep(answer: Answer): void {
    const text = JSON.stringify(answerJson(answer));
    if (this.#answers.some((one) => JSON.stringify(answerJson(one)) === text)) return;
    ensure(this.#hasRoomFor(answer), `the disclosure ledger is full with ${this.#answers.length} answers`);
    this.#add(answer);
  }

  /** What the new answer adds to earlier ones. */
  #expose(answer: Answer, earlier: readonly Answer[], readingAt: ReadingAt) {
    // A copy, for the same answer may be among the earlier ones.
    const added = { ...answer };
    const around = answersAround(added, earlier);
    const after = judge(around, readingAt);
    const open = after.verdicts.filter(({ isHidden }) => !isHidden);
    const others = around.filter((one) => one !== added);
    const before = open.length > 0 ? judge(others, readingAt) : null;
    const known = new Set(
      before?.verdicts.filter(({ isHidden }) => !isHidden).map(({ unknown }) => placeKey(unknown)),
    );
    const pinned = open.filter(({ unknown }) => !known.has(placeKey(unknown)));
    const exposure: Exposure = {
      pinned: pinned.slice(0, LISTED_MAX).map((verdict) => this.#pinned(answer, verdict)),
      pinnedCount: pinned.length,
      fewAlikeCount: after.verdicts.filter(({ isHidden, alike }) => isHidden && alike < ALIKE_MIN).length,
    };
    return { exposure, steps: after.steps + (before?.steps ?? 0) };
  }

  #pinned({ kind }: Answer, { unknown, alike }: Verdict): Pinned {
    const { channel, interval, column, value } = unknown;
    const instant = isoInstant(intervalStart_s(interval, this.names.intervalSeconds));
    const rates = `rate ${column.map(([, rate]) => rate).join(", ")}`;
    const why =
      alike > 1
        ? `the ${alike} readings of its ${rates} are all ${value}`
        : `no other reading has its ${rates} in all answers, and no few others make up for it`;
    const reason = `the ${kind} gives the reading of channel ${channel} at ${instant} away: ${why}`;
    return { channel, interval, alike, reason };
  }
}

interface Verdict {
  readonly unknown: PlacedUnknown;
  readonly isHidden: boolean;
  readonly alike: number;
}

/** What is hidden from who has these answers. */
function judge(answers: readonly Answer[], readingAt: ReadingAt) {
  const unknowns = unknownsOf(answers, readingAt);
  const { isHidden, alike, steps } = findExchanges(unknowns);
  const verdicts = unknowns.map(
    (unknown, at): Verdict => ({ unknown, isHidden: isHidden[at] === true, alike: alike[at] ?? 1 }),
  );
  return { verdicts, steps };
}

/** Why an answer is refused, in one line; null if it is not. */
export function refusalOf({ reasons, asker, together }: Findings): string | null {
  const [first] = reasons;
  if (first === undefined) return null;
  const count = Math.max(asker.pinnedCount, together.pinnedCount);
  return count > 1 ? `${first}; ${count} readings in all` : first;
}

function reasonsOf(asker: Exposure, together: Exposure): string[] {
  const alone = asker.pinned.map(({ reason }) => reason);
  const joined = together.pinned
    .map(({ reason }) => reason)
    .filter((reason) => !alone.includes(reason))
    .map((reason) => `${reason}, once all askers compare their answers`);
  return [...alone, ...joined];
}

function warningsOf({ groupSums }: Answer, { fewAlikeCount }: Exposure): string[] {
  const few = groupSums.filter(({ others }) => others > 0 && others < NEIGHBOURS_MIN);
  return [
    ...(fewAlikeCount > 0
      ? [`${fewAlikeCount} readings have fewer than ${ALIKE_MIN} that are alike in every answer`]
      : []),
    ...(few.length > 0
      ? [`a sum has fewer than ${NEIGHBOURS_MIN} neighbours whose readings are unknown`]
      : []),
  ];
}
