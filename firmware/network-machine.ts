// The network machine as the supervisor sees it: bytes in, bytes out, started and ended at will. It has its
// own memory, task and list of modules; what it can do to this machine is to fill a queue of fixed size.
import NeighbourMachine, { type Creation } from "sealmeter/neighbour";
import { tagged } from "../src/meter/link.js";
import type { Neighbour } from "../src/meter/supervisor.js";

/** First byte of the one message that is no answer of the link: the meter's id, in ASCII, before all others. */
export const HELLO = 0;

/** Its whole memory is taken at the start, so that it can neither starve this machine nor be starved. */
const CREATION: Creation = {
  static: 98_304,
  chunk: { initial: 24_576, incremental: 1_024 },
  heap: { initial: 3_072, incremental: 64 },
  stack: 512,
  keys: { initial: 128, incremental: 32 },
  nativeStack: 10_240,
};

/**
 * What can be imported there besides the modules in ROM (Wi-Fi has none; sockets, TLS, MQTT, timers): nothing
 * with flash, pins, entropy or the unit in it.
 */
const ALLOWED = ["network", "mc/config", "sealmeter/image", "sealmeter/port", "sealmeter/station"] as const;

export class NetworkMachine implements Neighbour {
  readonly #meterId: string;
  #machine: NeighbourMachine | null = null;

  constructor(meterId: string) {
    this.#meterId = meterId;
  }

  start(): void {
    this.stop();
    try {
      this.#machine = new NeighbourMachine("network", ALLOWED, CREATION);
      const id = Uint8Array.from(this.#meterId, (character) => character.charCodeAt(0));
      this.#machine.post(tagged(HELLO, id));
    } catch {
      // No memory for it: it counts as dead, and the supervisor tries again later.
      this.#machine = null;
    }
  }

  post(bytes: Uint8Array): boolean {
    return this.#machine?.alive === true && this.#machine.post(bytes);
  }

  poll(): Uint8Array | null | undefined {
    if (!this.#machine?.alive) return undefined;
    const message = this.#machine.poll();
    return message ? new Uint8Array(message) : null;
  }

  stop(): void {
    this.#machine?.close();
    this.#machine = null;
  }
}
