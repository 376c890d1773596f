// The meter's time: uptime plus an offset that a signed answer to the meter's own nonce sets. After power-up
// it is unconfirmed, and nothing that depends on the time happens until it is.
import { sameBytes } from "../encoding/bytes.js";
import { DAY_SECONDS, intervalAt } from "../metrology/interval.js";
import type { Entropy } from "../ports.js";
import { NONCE_BYTES } from "./command.js";

/** How long an answer to a nonce is taken, ms of uptime. */
const ANSWER_MS = 30_000;
/** Corrections up to this are synchronisation, ms, at most one an hour. */
const SYNCHRONISATION_MAX_MS = 9_000;
const SYNCHRONISATION_EVERY_MS = 3_600_000;
/** An answer says whole seconds: a smaller difference is no correction. */
const RESOLUTION_MS = 1_000;
/** Further ahead of the last confirmed time only the authority sets the clock. */
const FORWARD_MAX_S = 45 * DAY_SECONDS;
/** Unconfirmed, the meter asks this often; confirmed, this often. */
const ASK_UNCONFIRMED_MS = 60_000;
const ASK_CONFIRMED_MS = 6 * 3_600_000;
/** Unconfirmed for this long after power-up is an event. */
const UNCONFIRMED_MS = 3_600_000;

export type TimeStep = "refused" | "unchanged" | "synchronised" | "set";

/** What a time that is offered would mean, apart from the clock's own state. */
export interface TimeOffer {
  readonly unix_s: number;
  /** Uptime at which the answer arrived, ms. */
  readonly arrival_ms: number;
  readonly byAuthority: boolean;
  readonly openInterval: number;
  readonly lastTime_s: number;
  readonly intervalSeconds: number;
}

export class Clock {
  #offset_ms: number | null = null;
  #reported = false;
  #corrected_ms = Number.NEGATIVE_INFINITY;
  #asked_ms = Number.NEGATIVE_INFINITY;
  #nonce: Uint8Array | null = null;

  get confirmed(): boolean {
    return this.#offset_ms !== null;
  }

  /** Unix time at this uptime, whole seconds, or null while unconfirmed. */
  time_s(now_ms: number): number | null {
    return this.#offset_ms === null ? null : Math.floor((now_ms + this.#offset_ms) / 1000);
  }

  /**
   * Confirms the time by the clock that ran without power, where that is not before the last known time and not
   * too far beyond it.
   * @returns whether it did.
   */
  confirm(unix_s: number, lastTime_s: number, now_ms: number): boolean {
    const plausible = unix_s >= lastTime_s && unix_s <= lastTime_s + FORWARD_MAX_S;
    if (plausible) this.#offset_ms = unix_s * 1000 - now_ms;
    return plausible;
  }

  /** True once when the time has been unconfirmed for an hour. */
  isOverdue(now_ms: number): boolean {
    const overdue = !this.confirmed && !this.#reported && now_ms >= UNCONFIRMED_MS;
    this.#reported ||= overdue;
    return overdue;
  }

  /** A fresh nonce when it is time to ask, else null. */
  ask(now_ms: number, entropy: Entropy): Uint8Array | null {
    const every_ms = this.confirmed ? ASK_CONFIRMED_MS : ASK_UNCONFIRMED_MS;
    if (now_ms - this.#asked_ms < every_ms) return null;
    this.#asked_ms = now_ms;
    this.#nonce = new Uint8Array(NONCE_BYTES);
    entropy.fill(this.#nonce);
    return this.#nonce;
  }

  /** Whether an answer that arrives now is in time. */
  awaitsAnswer(now_ms: number): boolean {
    return now_ms - this.#asked_ms <= ANSWER_MS;
  }

  /** Whether this answers the living nonce in time; a nonce is answered once. */
  takeAnswer(nonce: Uint8Array, arrival_ms: number): boolean {
    const answered = this.#nonce !== null && sameBytes(nonce, this.#nonce) && this.awaitsAnswer(arrival_ms);
    if (answered) this.#nonce = null;
    return answered;
  }

  /** Judges an authentic offer and, unless it is refused, follows it. */
  follow(offer: TimeOffer): TimeStep {
    const { unix_s, arrival_ms, byAuthority, openInterval } = offer;
    const tooFarAhead = unix_s > offer.lastTime_s + FORWARD_MAX_S;
    const tooFarBack = openInterval - intervalAt(unix_s, offer.intervalSeconds) > 1;
    if (!byAuthority && (tooFarAhead || tooFarBack)) return "refused";
    const offset_ms = unix_s * 1000 - arrival_ms;
    const correction_ms = this.#offset_ms === null ? null : Math.abs(offset_ms - this.#offset_ms);
    if (correction_ms !== null && correction_ms <= RESOLUTION_MS) return "unchanged";
    const due = arrival_ms - this.#corrected_ms >= SYNCHRONISATION_EVERY_MS;
    this.#offset_ms = offset_ms;
    this.#corrected_ms = arrival_ms;
    return correction_ms !== null && correction_ms <= SYNCHRONISATION_MAX_MS && due ? "synchronised" : "set";
  }
}
