// The unit's face across the border between its machine and the network machine: byte arrays only, copied. The
// network side asks, the unit's side answers each request once and in order. A request is also the network
// side's sign of life.
import type { UnitSide } from "./outbox.js";

/**
 * Requests: TAKE alone asks for the next message; RECEIVE is followed by the bytes for the unit; ALIVE alone asks
 * for nothing; PAIR is followed by a request to pair from the home's network, TARIFF by a tariff for the credit logic.
 */
export const Request = { TAKE: 1, RECEIVE: 2, ALIVE: 3, PAIR: 4, TARIFF: 5 } as const;
/** Those that give something, by turns. */
const GIVING = [Request.RECEIVE, Request.PAIR, Request.TARIFF] as const;
type Giving = (typeof GIVING)[number];
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
 * Answers one request out of the unit: `TAKE || message`, empty if there is none; `RECEIVE || 1` when the unit took
 * the bytes and 0 when its place is taken; `PAIR || 1` or `TARIFF || 1` when it was taken and 0 when it was refused;
 * `ALIVE`.
 * @returns null for what is no request.
 */
export function answer(unit: UnitSide, request: Uint8Array): Uint8Array | null {
  if (request.length > LINK_BYTES_MAX) return null;
  if (request[0] === Request.TAKE && request.length === 1) {
    return tagged(Request.TAKE, unit.take() ?? new Uint8Array(0));
  }
  if (request[0] === Request.ALIVE && request.length === 1) return Uint8Array.of(Request.ALIVE);
  const tag = GIVING.find((giving) => giving === request[0]);
  return tag === undefined ? null : Uint8Array.of(tag, give(unit, tag, request.slice(1)) ? 1 : 0);
}

function give(unit: UnitSide, tag: Giving, bytes: Uint8Array): boolean {
  if (tag === Request.RECEIVE) return unit.receive(bytes);
  return tag === Request.PAIR ? unit.receiveLocal(bytes) : unit.offerTariff(bytes);
}

/**
 * The unit as the network machine's outbox and its local stream see it. One request of each kind is on its way at
 * most, and one of those that give, so that none of them raises the number of requests in a minute.
 */
export class UnitLink implements UnitSide {
  readonly #post: (request: Uint8Array) => void;
  #taking = false;
  /** The message that came and was not taken yet. */
  #message: Uint8Array | null = null;
  /** What waits to be given or is on its way, of each kind one. */
  readonly #offers = new Map<Giving, Uint8Array>();
  #onItsWay: { readonly tag: Giving; readonly bytes: Uint8Array } | null = null;
  #lastGiven: Giving = Request.TARIFF;
  #pairingAnswer: boolean | null = null;
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
    return !this.#offers.has(Request.RECEIVE) && this.#offer(Request.RECEIVE, bytes);
  }

  /** True when the request is on its way: what the unit says to it, `pairingAnswer` tells later. */
  receiveLocal(bytes: Uint8Array): boolean {
    return !this.#offers.has(Request.PAIR) && this.#offer(Request.PAIR, bytes);
  }

  /** What the unit said to the last request to pair, once; null while there is nothing new. */
  pairingAnswer(): boolean | null {
    const answered = this.#pairingAnswer;
    this.#pairingAnswer = null;
    return answered;
  }

  /** True: it is on its way, or will be, in the place of an older one that still waits. */
  offerTariff(document: Uint8Array): boolean {
    return this.#offer(Request.TARIFF, document);
  }

  #offer(tag: Giving, bytes: Uint8Array): boolean {
    if (bytes.length >= LINK_BYTES_MAX) return false;
    this.#offers.set(tag, bytes.slice());
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
    if (!this.#onItsWay) this.#giveNext();
  }

  /** The kind after the last one comes first: a flood of one does not hold up the others. */
  #giveNext(): void {
    const after = GIVING.indexOf(this.#lastGiven) + 1;
    for (const tag of [...GIVING.slice(after), ...GIVING.slice(0, after)]) {
      const bytes = this.#offers.get(tag);
      if (!bytes) continue;
      this.#lastGiven = tag;
      this.#onItsWay = { tag, bytes };
      this.#post(tagged(tag, bytes));
      return;
    }
  }

  /**
   * Takes an answer of the unit's side.
   * @returns whether there may be more to do at once: a message came, or a place became free.
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
    const given = this.#onItsWay;
    if (!given || given.tag !== bytes[0]) return false;
    this.#onItsWay = null;
    return this.#settle(given, bytes[1] === 1);
  }

  /** What RECEIVE does not take is offered again; of the others a refusal is final, and a newer one stays. */
  #settle({ tag, bytes }: { readonly tag: Giving; readonly bytes: Uint8Array }, taken: boolean): boolean {
    if (tag === Request.RECEIVE && !taken) return false;
    if (this.#offers.get(tag) === bytes) this.#offers.delete(tag);
    if (tag === Request.PAIR) this.#pairingAnswer = taken;
    return true;
  }
}
