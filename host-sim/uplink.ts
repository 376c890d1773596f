/**
 * A wide-area link between one meter and the head end, in memory: fixed latency, outages at given times,
 * delivery at least once. The fate of a message is settled when it is handed over, because the outages of a
 * simulation are known beforehand; it becomes visible when the virtual clock reaches it and the meter polls.
 */
import type { Uplink, UplinkEvent } from "../src/meter/uplink.js";
import { assert } from "../src/trusted/encoding/bytes.js";
import type { VirtualClock } from "./clock.js";
import type { SeededRandom } from "./seeded.js";

/** Messages that the transport holds unacknowledged, and likewise commands on their way, before it refuses. */
export const QUEUE_LIMIT = 64;

export interface MemoryUplinkOptions {
  readonly clock: Pick<VirtualClock, "now_ms">;
  readonly random: SeededRandom;
  /** The head end: takes each message that arrives, a copy, as often as it arrives. */
  readonly deliver: (topic: string, payload: Uint8Array) => void;
  /** From handing over to the acknowledgement, and from the head end to the meter; default 0. */
  readonly latency_ms?: number;
  /** Times without a link, `[from_ms, to_ms)` of the virtual clock, ascending and apart; default none. */
  readonly outages?: readonly (readonly [from_ms: number, to_ms: number])[];
}

interface InFlight {
  readonly due_ms: number;
  readonly event: UplinkEvent;
  /** Hands the message to the head end, if it arrives there. */
  readonly arrive: () => void;
}

export class MemoryUplink implements Uplink {
  readonly #clock: Pick<VirtualClock, "now_ms">;
  readonly #random: SeededRandom;
  readonly #deliver: (topic: string, payload: Uint8Array) => void;
  readonly #latency_ms: number;
  readonly #outages: readonly (readonly [from_ms: number, to_ms: number])[];
  /** Both in the order of sending, which is also that of falling due: latency is fixed, outages ascend. */
  #messages: InFlight[] = [];
  #commands: InFlight[] = [];

  /** Asserts that the outages ascend, do not overlap and are not empty. */
  constructor({ clock, random, deliver, latency_ms = 0, outages = [] }: MemoryUplinkOptions) {
    let end = Number.NEGATIVE_INFINITY;
    for (const [from_ms, to_ms] of outages) {
      assert(from_ms >= end && to_ms > from_ms, "outages ascend");
      end = to_ms;
    }
    this.#clock = clock;
    this.#random = random.fork("uplink");
    this.#deliver = deliver;
    this.#latency_ms = latency_ms;
    this.#outages = outages;
  }

  /** Whether the link is up now. */
  get online(): boolean {
    const now_ms = this.#clock.now_ms;
    return !this.#outages.some(([from_ms, to_ms]) => now_ms >= from_ms && now_ms < to_ms);
  }

  publish(id: number, topic: string, payload: Uint8Array): boolean {
    if (!this.online || this.#messages.length >= QUEUE_LIMIT) return false;
    const copy = payload.slice();
    const arrive = () => this.#deliver(topic, copy);
    const { at_ms, cut } = this.#fate();
    this.#messages.push(
      cut
        ? { due_ms: at_ms, event: { kind: "lost", id }, arrive: this.#perhaps(arrive) }
        : { due_ms: at_ms, event: { kind: "delivered", id }, arrive },
    );
    return true;
  }

  /** In order of time; a message and a command of the same moment in this order. */
  poll(): UplinkEvent | null {
    const [message] = this.#messages;
    const [command] = this.#commands;
    const queue =
      message !== undefined && message.due_ms <= (command?.due_ms ?? Number.POSITIVE_INFINITY)
        ? this.#messages
        : this.#commands;
    const next = queue[0];
    if (next === undefined || next.due_ms > this.#clock.now_ms) return null;
    queue.shift();
    next.arrive();
    return next.event;
  }

  /**
   * Sends a command to the meter, copied. False when it is dropped: the link is down now or will go down
   * before it arrives, or the meter has not taken the last ones.
   */
  sendCommand(payload: Uint8Array): boolean {
    return this.#send({ kind: "command", payload: payload.slice() });
  }

  /** The same for a signed tariff. */
  sendTariff(document: Uint8Array): boolean {
    return this.#send({ kind: "tariff", payload: document.slice() });
  }

  #send(event: UplinkEvent): boolean {
    if (!this.online || this.#commands.length >= QUEUE_LIMIT) return false;
    const { at_ms, cut } = this.#fate();
    if (cut) return false;
    this.#commands.push({ due_ms: at_ms, event, arrive: nothing });
    return true;
  }

  /**
   * The meter lost power: its transport forgets what it held, without an event. Messages that were due arrive
   * at the head end, those in flight perhaps.
   */
  restart(): void {
    const messages = this.#messages;
    this.#messages = [];
    this.#commands = [];
    for (const { due_ms, event, arrive } of messages) {
      if (due_ms <= this.#clock.now_ms || event.kind === "lost") arrive();
      else this.#perhaps(arrive)();
    }
  }

  /** When what is sent now arrives, or the link fails under it. */
  #fate(): { readonly at_ms: number; readonly cut: boolean } {
    const now_ms = this.#clock.now_ms;
    const due_ms = now_ms + this.#latency_ms;
    const failure = this.#outages.find(([from_ms]) => from_ms > now_ms && from_ms < due_ms);
    return failure === undefined ? { at_ms: due_ms, cut: false } : { at_ms: failure[0], cut: true };
  }

  /** A failing link loses the message or only its acknowledgement, with even odds. */
  #perhaps(arrive: () => void): () => void {
    return this.#random.below(2) === 0 ? arrive : nothing;
  }
}

const nothing = () => {};
