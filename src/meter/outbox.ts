// The network side of a meter: takes messages from the metrology unit, hands them to the transport, tells the
// unit what has arrived, and passes commands and tariffs in. It is not trusted: it sees ciphertexts, signatures and
// commitments only, and if it lies or dies the unit gives everything that was not acknowledged again.
import { CREDIT_TARIFF_BYTES_MAX } from "../credit/ports.js";
import { FormatError, sameBytes } from "../trusted/encoding/bytes.js";
import { array, bstr, CborReader, int } from "../trusted/encoding/cbor.js";
import type { Uplink } from "./uplink.js";

/** The unit's face as the network side sees it: bytes in, bytes out. */
export interface UnitSide {
  take(): Uint8Array | null;
  /** False when the unit's one place is taken: offer it again later. */
  receive(bytes: Uint8Array): boolean;
  /** A request to pair from the home's network, CBOR `[4, U]`; false when it was refused. */
  receiveLocal(bytes: Uint8Array): boolean;
  /** A tariff for the credit logic, in the place of one before it; false when it was refused: nobody offers it again. */
  offerTariff(document: Uint8Array): boolean;
}

/** Messages held at most, in flight or waiting: the unit gives whatever it is asked for. */
const WINDOW = 64;
/** Commands, and acknowledgements, waiting for the unit at most; a command beyond that is dropped. */
const INBOUND_MAX = 128;
const MESSAGE_BYTES_MAX = 4096;
const U32_MAX = 0xffffffff;
const KIND_SHARE = 2;
const KIND_TIME = 7;

/** Topic name of each kind of message that the unit gives. */
const TOPICS: Readonly<Record<number, string>> = {
  1: "reading",
  [KIND_SHARE]: "share",
  3: "batch",
  4: "event",
  5: "pairing",
  6: "register",
  [KIND_TIME]: "time",
};

/** The topic of a meter's messages of one kind, of its commands or of its tariffs. */
export const topicOf = (meterId: string, name: string) => `sealmeter/1/${meterId}/${name}`;

function readSequence(reader: CborReader, kind: number): Uint8Array {
  if (kind === KIND_TIME) return bstr(reader.bytes(16));
  if (kind !== KIND_SHARE) return int(reader.uint(U32_MAX));
  reader.array(2);
  return array(int(reader.uint(U32_MAX)), int(reader.uint(U32_MAX)));
}

/** A message as the unit gave it. */
export interface Given {
  readonly kind: number;
  /** As the unit encodes it: a number, of a share its interval and its roster's number. */
  readonly sequence: Uint8Array;
  readonly message: Uint8Array;
}

interface Held extends Given {
  readonly id: number;
  state: "waiting" | "in flight" | "delivered";
}

export class Outbox {
  readonly #unit: UnitSide;
  readonly #uplink: Uplink;
  readonly #meterId: string;
  readonly #took: (given: Given) => void;
  /** In the order in which the unit gave them. */
  #held: Held[] = [];
  /**
   * What the unit shall be given, by turns: an answer for the time, which is taken for 30 s, must not wait behind the
   * acknowledgements of all that an outage held up, nor they behind a flood of commands.
   */
  readonly #commands: Uint8Array[] = [];
  readonly #acknowledgements: Uint8Array[] = [];
  #isCommandsTurn = true;
  #nextId = 0;

  /** @param took hears each message that the unit gives, once while it is held, before it is published. */
  constructor(unit: UnitSide, uplink: Uplink, meterId: string, took: (given: Given) => void = () => {}) {
    this.#unit = unit;
    this.#uplink = uplink;
    this.#meterId = meterId;
    this.#took = took;
  }

  /** Messages that have not arrived at the other end yet, at most WINDOW. */
  get waiting(): number {
    return this.#held.length;
  }

  /** Moves what can be moved now; bounded by the window and the transport's queue. */
  step(): void {
    this.#hear();
    this.#acknowledge();
    this.#give();
    this.#fill();
    this.#publish();
  }

  #give(): void {
    for (;;) {
      const queues = [this.#commands, this.#acknowledgements];
      if (!this.#isCommandsTurn) queues.reverse();
      const queue = queues.find(({ length }) => length > 0);
      if (!queue || !this.#unit.receive(queue[0] as Uint8Array)) return;
      queue.shift();
      this.#isCommandsTurn = queue === this.#acknowledgements;
    }
  }

  #hear(): void {
    for (let heard = 0; heard < 2 * WINDOW; heard++) {
      const event = this.#uplink.poll();
      if (!event) return;
      if (event.kind === "command") {
        if (this.#commands.length < INBOUND_MAX) this.#commands.push(array(int(3), bstr(event.payload)));
        continue;
      }
      if (event.kind === "tariff") {
        if (event.payload.length <= CREDIT_TARIFF_BYTES_MAX) this.#unit.offerTariff(event.payload);
        continue;
      }
      const held = this.#held.find(({ id }) => id === event.id);
      if (held) held.state = event.kind === "delivered" ? "delivered" : "waiting";
    }
  }

  /** Acknowledges in order within each kind, since an acknowledgement covers what came before it. */
  #acknowledge(): void {
    const blocked = new Set<number>();
    this.#held = this.#held.filter(({ kind, sequence, state }) => {
      if (state !== "delivered" || blocked.has(kind) || this.#acknowledgements.length >= INBOUND_MAX) {
        blocked.add(kind);
        return true;
      }
      if (kind !== KIND_TIME) this.#acknowledgements.push(array(int(1), int(kind), sequence));
      return false;
    });
  }

  #fill(): void {
    while (this.#held.length < WINDOW) {
      const frame = this.#unit.take();
      if (!frame) return;
      const held = this.#open(frame);
      const known = this.#held.some(
        ({ kind, sequence }) => kind === held.kind && sameBytes(sequence, held.sequence),
      );
      if (known && held.kind !== KIND_TIME) continue;
      this.#held.push(held);
      this.#took(held);
    }
  }

  #open(frame: Uint8Array): Held {
    const reader = new CborReader(frame, "unit's message");
    reader.array(3);
    const kind = reader.uint(KIND_TIME);
    const sequence = readSequence(reader, kind);
    const message = reader.bytes(1, MESSAGE_BYTES_MAX);
    reader.end();
    return { id: this.#nextId++, kind, sequence, message, state: "waiting" };
  }

  /** Hands over what waits, oldest first. A request for the time is never sent late: it goes now or not at all. */
  #publish(): void {
    let open = true;
    this.#held = this.#held.filter((held) => {
      if (held.state !== "waiting") return true;
      const topic = TOPICS[held.kind];
      if (topic === undefined) throw new FormatError(`unit's message: unknown kind ${held.kind}`);
      open &&= this.#uplink.publish(held.id, topicOf(this.#meterId, topic), held.message);
      if (open) held.state = "in flight";
      return open || held.kind !== KIND_TIME;
    });
  }
}
