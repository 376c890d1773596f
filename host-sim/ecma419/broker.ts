// An MQTT 3.1.1 broker and the packets that it exchanges with one kind of client: QoS 0 and 1, sessions that
// outlive a connection, acknowledgements that can be made to fail, a record of who connected and how. It judges
// nothing of what it passes on.
import type { Ears, Identity, Pipe, Server } from "./internet.js";
import type { Appointment, Scheduler } from "./scheduler.js";

export interface Connect {
  readonly kind: "connect";
  readonly id: string;
  readonly user: string;
  readonly password: string;
  readonly clean: boolean;
  readonly keepalive_s: number;
}

export type Packet =
  | Connect
  | { readonly kind: "connack"; readonly returnCode: number }
  | {
      readonly kind: "publish";
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly QoS: number;
      readonly id: number;
    }
  | { readonly kind: "puback"; readonly id: number }
  | { readonly kind: "subscribe"; readonly id: number; readonly items: readonly Subscription[] }
  | { readonly kind: "suback"; readonly id: number; readonly granted: readonly number[] }
  | { readonly kind: "pingreq" }
  | { readonly kind: "pingresp" };

export interface Subscription {
  readonly topic: string;
  readonly QoS: number;
}

type Publish = Extract<Packet, { kind: "publish" }>;

/** Messages kept for a client that is away, at most. */
const KEPT_MAX = 100;

/** What a broker remembers of a client by its identifier. */
interface Session {
  subscriptions: readonly Subscription[];
  /** Sent or waiting, and not acknowledged. */
  unacknowledged: Publish[];
  pipe: Pipe<Packet> | null;
}

export interface BrokerOptions {
  readonly identity: Identity;
  readonly scheduler: Scheduler;
  readonly user: string;
  readonly password: string;
  /** Each message that a client published, as often as it arrives. */
  readonly deliver: (topic: string, payload: Uint8Array) => void;
}

export class Broker implements Server<Packet> {
  readonly identity: Identity;
  readonly #options: BrokerOptions;
  readonly #sessions = new Map<string, Session>();
  #nextId = 1;
  /** Every CONNECT that came, accepted or not. */
  readonly connects: Connect[] = [];
  /** Filters whose subscription is refused. */
  readonly refused = new Set<string>();
  /** While set, publications arrive and are not acknowledged. */
  withholdsAcknowledgements = false;
  /** While set, whoever connects is sent away. */
  rejectsAll = false;

  constructor(options: BrokerOptions) {
    this.identity = options.identity;
    this.#options = options;
  }

  /** Identifiers of the clients that are connected. */
  get connected(): readonly string[] {
    return [...this.#sessions].filter(([, { pipe }]) => pipe).map(([id]) => id);
  }

  /** What a client has subscribed to. */
  subscriptions(id: string): readonly Subscription[] {
    return this.#sessions.get(id)?.subscriptions ?? [];
  }

  accept(pipe: Pipe<Packet>): Ears<Packet> {
    let session: Session | null = null;
    let keepalive_s = 0;
    let watch: Appointment | null = null;
    const end = () => {
      watch?.cancel();
      if (session?.pipe === pipe) session.pipe = null;
      session = null;
    };
    const heard = (packet: Packet) => {
      watch?.cancel();
      if (packet.kind === "connect") {
        keepalive_s = packet.keepalive_s;
        session = this.#connect(packet, pipe);
      } else if (session) this.#handle(packet, session, pipe);
      if (!session) return;
      const giveUp = () => {
        end();
        pipe.close();
      };
      if (keepalive_s > 0) watch = this.#options.scheduler.after(keepalive_s * 1500, giveUp);
    };
    return { heard, ended: end };
  }

  /** Publishes to whoever subscribed to exactly this topic. */
  publish(topic: string, payload: Uint8Array): void {
    for (const session of this.#sessions.values()) {
      const found = session.subscriptions.find((subscription) => subscription.topic === topic);
      if (!found) continue;
      const message: Publish = {
        kind: "publish",
        topic,
        payload: payload.slice(),
        QoS: found.QoS,
        id: this.#nextId++,
      };
      if (found.QoS > 0 && session.unacknowledged.length < KEPT_MAX) session.unacknowledged.push(message);
      session.pipe?.send(message);
    }
  }

  /** Closes every connection, as a broker that restarts does. */
  dropAll(): void {
    for (const session of this.#sessions.values()) {
      session.pipe?.close();
      session.pipe = null;
    }
  }

  #connect(packet: Connect, pipe: Pipe<Packet>): Session | null {
    this.connects.push(packet);
    const welcome = packet.user === this.#options.user && packet.password === this.#options.password;
    if (!welcome || this.rejectsAll) {
      pipe.send({ kind: "connack", returnCode: welcome ? 3 : 5 });
      pipe.close();
      return null;
    }
    const known = this.#sessions.get(packet.id);
    known?.pipe?.close();
    const fresh: Session = { subscriptions: [], unacknowledged: [], pipe: null };
    const session = packet.clean || !known ? fresh : known;
    session.pipe = pipe;
    this.#sessions.set(packet.id, session);
    pipe.send({ kind: "connack", returnCode: 0 });
    for (const message of session.unacknowledged) pipe.send(message);
    return session;
  }

  #handle(packet: Packet, session: Session, pipe: Pipe<Packet>): void {
    if (packet.kind === "pingreq") pipe.send({ kind: "pingresp" });
    if (packet.kind === "puback") {
      session.unacknowledged = session.unacknowledged.filter(({ id }) => id !== packet.id);
    }
    if (packet.kind === "subscribe") {
      session.subscriptions = packet.items.filter(({ topic }) => !this.refused.has(topic));
      const granted = packet.items.map(({ topic, QoS }) => (this.refused.has(topic) ? 0x80 : QoS));
      pipe.send({ kind: "suback", id: packet.id, granted });
    }
    if (packet.kind === "publish") {
      this.#options.deliver(packet.topic, packet.payload);
      if (packet.QoS > 0 && !this.withholdsAcknowledgements) pipe.send({ kind: "puback", id: packet.id });
    }
  }
}
