// The unit's face across the border between its machine and the network machine: byte arrays only, copied. The
// network side asks, the unit's side answers each request once and in order. A request is also the network
// side's sign of life.
import type { UnitSide } from "./outbox.js";

/**
 * Requests: TAKE alone asks for the next message; RECEIVE is followed by the bytes for the unit; ALIVE alone asks
 * for nothing.
 */
export const Request = { TAKE: 1, RECEIVE: 2, ALIVE: 3 } as const;
/** Largest request or answer, bytes: a message of the unit and its first byte. */
export const LINK_BYTES_MAX = 4_200;

/** One tagged byte array. */
export function tagged(tag: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + bytes.length);
  out[0] = tag;
  out.set(bytes, 1);
  return out;
}

/**
 * Answers one request out of the unit: `TAKE || message`, empty if there is none; `RECEIVE || 1` when the unit
 * took the bytes and 0 when its place is taken; `ALIVE`.
 * @returns null for what is no request.
 */
export function answer(unit: UnitSide, request: Uint8Array): Uint8Array | null {
  if (request.length > LINK_BYTES_MAX) return null;
  if (request[0] === Request.TAKE && request.length === 1) {
    return tagged(Request.TAKE, unit.take() ?? new Uint8Array(0));
  }
  if (request[0] === Request.ALIVE && request.length === 1) return Uint8Array.of(Request.ALIVE);
  if (request[0] !== Request.RECEIVE) return null;
  return Uint8Array.of(Request.RECEIVE, unit.receive(request.slice(1)) ? 1 : 0);
}

/** The unit as the network machine's outbox sees it. One request of each kind is on its way at most. */
export class UnitLink implements UnitSide {
  readonly #post: (request: Uint8Array) => void;
  #taking = false;
  /** The message that came and was not taken yet. */
  #message: Uint8Array | null = null;
  /** What the unit has not accepted yet, and whether its answer is awaited. */
  #offered: Uint8Array | null = null;
  #offering = false;
  #living = false;

  /** @param post sends a request to the unit's machine. */
  constructor(post: (request: Uint8Array) => void) {
    this.#post = post;
  }

  take(): Uint8Array | null {
    const message = this.#message;
    this.#message = null;
    return message;
  }

  receive(bytes: Uint8Array): boolean {
    if (this.#offered) return false;
    this.#offered = bytes.slice();
    this.step();
    return true;
  }

  /**
   * Asks for what is wanted and not asked for yet, and gives a sign of life where nothing is: an outbox that is
   * full wants nothing for days. To be called at least once a minute.
   */
  step(): void {
    if (!this.#taking && !this.#message) {
      this.#taking = true;
      this.#post(Uint8Array.of(Request.TAKE));
    } else if (!this.#living) {
      this.#living = true;
      this.#post(Uint8Array.of(Request.ALIVE));
    }
    if (this.#offered && !this.#offering) {
      this.#offering = true;
      this.#post(tagged(Request.RECEIVE, this.#offered));
    }
  }

  /**
   * Takes an answer of the unit's side.
   * @returns whether there may be more to do at once: a message came, or the unit took what was offered.
   */
  hear(bytes: Uint8Array): boolean {
    if (bytes[0] === Request.TAKE) {
      this.#taking = false;
      if (bytes.length > 1) this.#message = bytes.slice(1);
      return bytes.length > 1;
    }
    if (bytes[0] === Request.ALIVE) {
      this.#living = false;
      return false;
    }
    this.#offering = false;
    if (bytes[1] === 1) this.#offered = null;
    return bytes[1] === 1;
  }
}
