// The contacts behind the load switch: put where the unit's durable state wants them, with the rests that contacts
// and appliances need, and looked at to see whether they went there. It decides nothing: it never closes what the
// unit has not made durable as closed, and never waits longer to open than the relay itself needs.
//
// Until the unit has spoken nothing is driven. A bistable relay then is where it was before the power failed, which is
// where the last durable state or a step before it put it; a contactor with a spring is open. A meter that cannot
// read its journal, or that is blank, thus cuts nobody off and supplies nobody who was cut off.
import { SWITCH_CLOSED } from "../trusted/journal/state.js";
import type { Relay } from "./ports.js";

/** Between two operations, ms: the coil's driver charges, and the contacts come to rest. */
export const OPERATION_MS = 2_000;
/**
 * Contacts stay open this long at least, ms: motors stop, and a supply that flickers does not hammer them. Nobody
 * knows when they opened before the power failed, so power-up counts as an opening.
 */
export const OPEN_MS = 10_000;
/** Feedback says nothing this soon after an operation, and must then be wrong for as long again, ms. */
export const SETTLE_MS = 2_000;
/** Feedback has to be right for so long, ms, before a fault is over. */
export const MENDED_MS = 5_000;
/** Contacts that are not where they were put are driven again so often, */
export const REDRIVES = 3;
/** and as often again after they have been right for this long, ms. Who fakes the feedback wears nothing out. */
export const REDRIVES_BACK_MS = 3_600_000;

export type ContactFault = "welded" | "stuck open";

/** All times are of the uptime's clock, ms; it is stepped at least every few seconds. */
export class LoadSwitch {
  readonly #relay: Relay;
  /** Null until the unit has said what is durable. */
  #closed: boolean | null = null;
  /** Where the contacts were put since power-up; null: nowhere yet. */
  #driven: boolean | null = null;
  #operated_ms = Number.NEGATIVE_INFINITY;
  /** When they were last put open; at first, power-up. */
  #opened_ms: number | null = null;
  #redrives = REDRIVES;
  /** Since when feedback has been wrong, and right; null while it is not. */
  #wrong_ms: number | null = null;
  #right_ms: number | null = null;
  #fault: ContactFault | null = null;

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  /** What is durable: at power-up and at each change. @param state 2 closed; anything else is open. */
  put(state: number): void {
    this.#closed = state === SWITCH_CLOSED;
  }

  /** Drives what is due, at most one operation, and looks at the contacts once. */
  step(now_ms: number): void {
    this.#opened_ms ??= now_ms;
    if (this.#closed === null) return;
    if (this.#closed !== this.#driven && this.#mayPut(this.#closed, this.#opened_ms, now_ms)) {
      this.#redrives = REDRIVES;
      this.#operate(this.#closed, now_ms);
    }
    this.#look(now_ms);
  }

  /** Whether the contacts are not where they were put, seen for SETTLE_MS; null too where nothing senses them. */
  get fault(): ContactFault | null {
    return this.#fault;
  }

  #mayPut(closed: boolean, opened_ms: number, now_ms: number): boolean {
    const rested = now_ms - this.#operated_ms >= OPERATION_MS;
    return rested && (!closed || now_ms - opened_ms >= OPEN_MS);
  }

  #operate(closed: boolean, now_ms: number): void {
    this.#relay.drive(closed);
    this.#driven = closed;
    this.#operated_ms = now_ms;
    if (!closed) this.#opened_ms = now_ms;
    this.#wrong_ms = null;
    this.#right_ms = null;
  }

  #look(now_ms: number): void {
    const conducting = this.#driven === null ? null : this.#relay.feedback();
    if (conducting === null || now_ms - this.#operated_ms < SETTLE_MS) return;
    if (conducting === this.#driven) this.#seeRight(now_ms);
    else this.#seeWrong(conducting, now_ms);
  }

  #seeRight(now_ms: number): void {
    this.#wrong_ms = null;
    this.#right_ms ??= now_ms;
    const lasted_ms = now_ms - this.#right_ms;
    if (lasted_ms >= MENDED_MS) this.#fault = null;
    if (lasted_ms >= REDRIVES_BACK_MS) this.#redrives = REDRIVES;
  }

  #seeWrong(conducting: boolean, now_ms: number): void {
    this.#right_ms = null;
    this.#wrong_ms ??= now_ms;
    if (now_ms - this.#wrong_ms < SETTLE_MS) return;
    this.#fault = conducting ? "welded" : "stuck open";
    // What is wanted otherwise by now waits for its own rest, and is not driven back meanwhile.
    if (this.#redrives === 0 || this.#closed !== !conducting) return;
    this.#redrives--;
    this.#operate(!conducting, now_ms);
  }
}
