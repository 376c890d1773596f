// MQTT 3.1.1 over TLS 1.2 as the outbox's transport: QoS 1, one connection, made again for ever. What was in
// flight when a connection ends is reported lost and comes again. The broker is trusted with nothing but
// delivery: its certificate is checked so that nobody else learns when a home's messages are sent.

import Resource from "Resource";
import TCP from "embedded:io/socket/tcp";
import TLSSocket from "embedded:io/socket/tcp/tls";
import UDP from "embedded:io/socket/udp";
import Resolver from "embedded:network/dns/resolver/udp";
import MQTTClient from "embedded:network/mqtt/client";
import Timer from "timer";
import { CREDIT_TARIFF_BYTES_MAX } from "../src/credit/ports.js";
import { topicOf } from "../src/meter/outbox.js";
import type { Uplink, UplinkEvent } from "../src/meter/uplink.js";
import type { NetworkSettings } from "./settings.js";

const KEEPALIVE_MS = 60_000;
/** Wait before a new connection: doubles with each failure, until a connection is accepted. */
const RETRY_MIN_MS = 5_000;
const RETRY_MAX_MS = 600_000;
/**
 * What is subscribed to, and the largest message of each that is read whole, bytes: a document and its frame, and a
 * tariff. Longer ones are dropped.
 */
const INBOUND = { command: 600, tariff: CREDIT_TARIFF_BYTES_MAX } as const;
type Inbound = keyof typeof INBOUND;
const INBOUND_NAMES: readonly Inbound[] = ["command", "tariff"];
/** Events that wait to be polled: what is in flight, and commands. */
const EVENTS_MAX = 160;
const COMMANDS_MAX = 32;
/** The newest one is left: one buffer while it is read, and one that waits. */
const TARIFFS_MAX = 1;
/** Bytes around topic and payload of a PUBLISH. */
const PUBLISH_OVERHEAD = 7;
const QOS = 1;
const REFUSED = 0x80;
const NOTHING = new Uint8Array(0);

/** What `onControl` is given (the SDK's typings say two arguments, its code passes this one). */
interface ControlMessage {
  readonly operation: number;
  readonly id?: number;
  /** Of a SUBACK: a byte for each topic. */
  readonly payload?: ArrayLike<number>;
}

/** With a piece of a PUBLISH: topic and length with the first. */
interface Piece {
  readonly topic?: string;
  readonly byteLength?: number;
  readonly more: boolean;
}

/** A message that is being read. */
interface Reading {
  readonly kind: Inbound;
  readonly bytes: Uint8Array;
  length: number;
}

export class MqttUplink implements Uplink {
  readonly #settings: NetworkSettings;
  readonly #meterId: string;
  #client: MQTTClient | null = null;
  #ready = false;
  /** Bytes that the connection takes now. */
  #room = 0;
  #retry_ms = RETRY_MIN_MS;
  /**
   * Between CONNACK and SUBACK, and so for the connection after one that ended there: the SDK's client reads
   * nothing after a message without content, and the broker repeats it in each session that it keeps.
   */
  #startsAnew = false;
  #packet = 0;
  /** MQTT packet identifier to the outbox's id. */
  readonly #inFlight = new Map<number, number>();
  readonly #events: UplinkEvent[] = [];
  #reading: Reading | null = null;

  constructor(settings: NetworkSettings, meterId: string) {
    this.#settings = settings;
    this.#meterId = meterId;
  }

  /** Whether the broker has taken the meter in. */
  get connected(): boolean {
    return this.#ready;
  }

  /** Makes the connection; call it once the network is there. */
  connect(): void {
    const { broker, brokerPort, user, userPassword, nameServer } = this.#settings;
    const client = new MQTTClient({
      host: broker,
      port: brokerPort,
      id: this.#meterId,
      ...(user === "" ? {} : { user, password: userPassword }),
      clean: this.#startsAnew,
      keepAlive: KEEPALIVE_MS,
      dns: { io: Resolver, servers: [nameServer], socket: { io: UDP } },
      socket: { io: TLSSocket, TCP: { io: TCP }, secure: { certificate: new Resource("broker-ca.der") } },
      onControl: (message: unknown) => this.#control(client, message as ControlMessage),
      onReadable: (count, piece) => this.#read(client, count, piece),
      onWritable: (count) => {
        this.#room = count;
      },
      onError: () => this.#lose(),
    });
    this.#client = client;
  }

  publish(id: number, topic: string, payload: Uint8Array): boolean {
    const bytes = topic.length + payload.length + PUBLISH_OVERHEAD;
    if (!this.#client || !this.#ready || bytes > this.#room) return false;
    if (this.#inFlight.size + this.#events.length >= EVENTS_MAX) return false;
    // 1 to 65,535; with far fewer in flight than that, one that comes round is free.
    this.#packet = (this.#packet % 0xffff) + 1;
    this.#room = this.#client.write(payload, { topic, QoS: QOS, id: this.#packet });
    this.#inFlight.set(this.#packet, id);
    return true;
  }

  poll(): UplinkEvent | null {
    return this.#events.shift() ?? null;
  }

  #control(client: MQTTClient, { operation, id, payload }: ControlMessage): void {
    if (operation === MQTTClient.CONNACK) {
      this.#startsAnew = true;
      const topics = INBOUND_NAMES.map((name) => topicOf(this.#meterId, name));
      const items = topics.map((topic) => ({ topic, QoS: QOS }));
      client.write(NOTHING, { operation: MQTTClient.SUBSCRIBE, topic: "", items });
    } else if (operation === MQTTClient.SUBACK) {
      INBOUND_NAMES.forEach((name, at) => {
        if (payload?.[at] === REFUSED) trace(`the broker refuses the ${name} topic\n`);
      });
      this.#ready = true;
      this.#startsAnew = false;
      this.#retry_ms = RETRY_MIN_MS;
    } else if (operation === MQTTClient.PUBACK && id !== undefined) {
      const delivered = this.#inFlight.get(id);
      if (delivered === undefined) return;
      this.#inFlight.delete(id);
      this.#events.push({ kind: "delivered", id: delivered });
    }
  }

  /** Collects a message from its pieces; one that is too long is read and forgotten. */
  #read(client: MQTTClient, count: number, { topic, byteLength = 0, more }: Piece): void {
    const piece = client.read(count);
    if (topic !== undefined) this.#reading = this.#begin(topic, byteLength);
    const reading = this.#reading;
    if (!reading || !piece || reading.length + piece.byteLength > reading.bytes.length) {
      this.#reading = null;
      return;
    }
    reading.bytes.set(new Uint8Array(piece), reading.length);
    reading.length += piece.byteLength;
    if (more) return;
    this.#reading = null;
    this.#take({ kind: reading.kind, payload: reading.bytes });
  }

  #begin(topic: string, byteLength: number): Reading | null {
    const kind = INBOUND_NAMES.find((name) => topicOf(this.#meterId, name) === topic);
    if (kind === undefined || byteLength > INBOUND[kind]) return null;
    return { kind, bytes: new Uint8Array(byteLength), length: 0 };
  }

  /** Of commands the first ones are kept, of tariffs the newest. */
  #take(event: UplinkEvent): void {
    const waiting = this.#events.filter(({ kind }) => kind === event.kind).length;
    if (event.kind === "tariff" && waiting >= TARIFFS_MAX) {
      this.#events.splice(
        this.#events.findIndex(({ kind }) => kind === "tariff"),
        1,
      );
    } else if (waiting >= COMMANDS_MAX) return;
    this.#events.push(event);
  }

  /** The client closes itself. */
  #lose(): void {
    this.#client = null;
    this.#ready = false;
    this.#room = 0;
    this.#reading = null;
    for (const id of this.#inFlight.values()) this.#events.push({ kind: "lost", id });
    this.#inFlight.clear();
    Timer.set(() => this.connect(), this.#retry_ms);
    this.#retry_ms = Math.min(2 * this.#retry_ms, RETRY_MAX_MS);
  }
}
