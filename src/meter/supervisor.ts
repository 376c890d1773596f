// Keeps the network machine in its place, from the unit's machine: answers its requests, a few at a time, and
// restarts it when it is dead, silent, flooding or speaks nonsense. It never waits for it and believes
// nothing: all that the network machine can gain is that it is restarted.
import { answer, LINK_BYTES_MAX, Request } from "./link.js";
import type { UnitSide } from "./outbox.js";

/** The other machine. Nothing here throws; what is posted and polled is copied. */
export interface Neighbour {
  /** Starts it anew, with nothing of what it was. */
  start(): void;
  /** False when it takes nothing more: its queue is full, or it is dead. */
  post(bytes: Uint8Array): boolean;
  /** Its next message, or null; undefined once it is known to be dead. */
  poll(): Uint8Array | null | undefined;
  /** Ends it, whatever it is doing. */
  stop(): void;
}

/** The unit's face as its guard sees it. */
export interface GuardedUnit extends UnitSide {
  /** The network side was made anew and holds nothing any more. */
  networkRestarted(): void;
}

/** Requests answered in one call: the unit's step must not wait for a flood. */
const REQUESTS_PER_STEP = 4;
/** Requests within a minute, at most: 60 a second is more than any transport delivers. */
const REQUESTS_PER_MINUTE = 3_600;
/** Requests to pair and tariffs that reach the unit within a minute, at most; what is more is refused unseen. */
const RARE_PER_MINUTE = 12;
const MINUTE_MS = 60_000;
/** Without a request for this long it is taken for dead; joining a network may block it for a minute. */
const SILENCE_MS = 180_000;
/** Wait before a restart: doubles from the first to the last with each fault, until an hour goes well. */
const BACKOFF_MIN_MS = 1_000;
const BACKOFF_MAX_MS = 600_000;
const GOOD_MS = 3_600_000;

export class Supervisor {
  readonly #unit: GuardedUnit;
  readonly #neighbour: Neighbour;
  /** Faults since power-up; each is followed by a restart. */
  faults = 0;
  #backoff_ms = BACKOFF_MIN_MS;
  /** When it was or will be started. */
  #start_ms = 0;
  #running = false;
  #heard_ms = 0;
  #minute = { begun_ms: 0, requests: 0, rare: 0 };

  constructor(unit: GuardedUnit, neighbour: Neighbour) {
    this.#unit = unit;
    this.#neighbour = neighbour;
  }

  /**
   * Answers waiting requests, REQUESTS_PER_STEP at most, and looks after the neighbour.
   * @param now_ms uptime, whole ms, never falling.
   * @returns whether a request was answered: there may be more.
   */
  step(now_ms: number): boolean {
    if (!this.#running) {
      if (now_ms >= this.#start_ms) this.#start(now_ms);
      return false;
    }
    for (let handled = 0; handled < REQUESTS_PER_STEP; handled++) {
      const request = this.#neighbour.poll();
      if (request === null) {
        if (now_ms - this.#heard_ms > SILENCE_MS) this.#fault(now_ms);
        return handled > 0;
      }
      if (request === undefined || !this.#handle(request, now_ms)) {
        this.#fault(now_ms);
        return false;
      }
    }
    return true;
  }

  #handle(request: Uint8Array, now_ms: number): boolean {
    if (now_ms - this.#minute.begun_ms >= MINUTE_MS)
      this.#minute = { begun_ms: now_ms, requests: 0, rare: 0 };
    if (++this.#minute.requests > REQUESTS_PER_MINUTE || request.length > LINK_BYTES_MAX) return false;
    this.#heard_ms = now_ms;
    const answered = this.#answer(request);
    return answered !== null && this.#neighbour.post(answered);
  }

  #answer(request: Uint8Array): Uint8Array | null {
    const [tag] = request;
    const isRare = tag === Request.PAIR || tag === Request.TARIFF;
    if (isRare && ++this.#minute.rare > RARE_PER_MINUTE) return Uint8Array.of(tag, 0);
    return answer(this.#unit, request);
  }

  #start(now_ms: number): void {
    this.#running = true;
    this.#start_ms = now_ms;
    this.#heard_ms = now_ms;
    this.#minute = { begun_ms: now_ms, requests: 0, rare: 0 };
    this.#unit.networkRestarted();
    this.#neighbour.start();
  }

  #fault(now_ms: number): void {
    this.#neighbour.stop();
    this.faults++;
    this.#running = false;
    if (now_ms - this.#start_ms >= GOOD_MS) this.#backoff_ms = BACKOFF_MIN_MS;
    this.#start_ms = now_ms + this.#backoff_ms;
    this.#backoff_ms = Math.min(2 * this.#backoff_ms, BACKOFF_MAX_MS);
  }
}
