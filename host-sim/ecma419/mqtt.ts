// "embedded:network/mqtt/client" as the SDK's client behaves, its rough edges kept because the firmware must live
// with them: what `write` refuses, that an acknowledgement goes out before anybody has read the message, that
// messages stop until one is read whole, that a publication without content stops them for good, that only a ping
// response counts as a sign of life, and that a client closed before its name is resolved throws later on.
import type { Packet } from "./broker.js";
import type { Machine, MachineTimer } from "./machine.js";
import type { PacketSocket, ResolverClass, ResolverOptions, SocketClass, TlsOptions } from "./network.js";
import { bufferOf, bytesOf, objectOf } from "./realm.js";

/** Bytes that the client keeps back of what its socket takes. */
const OVERHEAD = 8;
/** A PUBLISH arrives in pieces of at most this, as it would over records and segments. */
const PIECE_BYTES = 200;
const CONNECTING_MS = 30_000;

const Operation = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
} as const;

/** Of any control packet: what it has. */
interface ControlMessage {
  readonly operation: number;
  readonly id?: number;
  readonly returnCode?: number;
  readonly payload?: readonly number[];
}

interface ReadOptions {
  readonly topic?: string;
  readonly byteLength?: number;
  readonly QoS?: number;
  readonly more: boolean;
}

export interface ClientOptions {
  readonly host: string;
  readonly port?: number;
  readonly id?: string;
  readonly user?: string;
  readonly password?: string;
  readonly clean?: boolean;
  /** ms; the SDK's client takes both spellings, this one first. */
  readonly keepAlive?: number;
  readonly keepalive?: number;
  readonly format?: string;
  readonly dns: ResolverOptions & { readonly io: unknown };
  readonly socket: Pick<TlsOptions, "TCP" | "secure"> & { readonly io: unknown };
  readonly onControl?: (message: ControlMessage) => void;
  readonly onReadable?: (count: number, options: ReadOptions) => void;
  readonly onWritable?: (count: number) => void;
  readonly onError?: () => void;
}

interface WriteOptions {
  readonly operation?: number;
  readonly id?: number;
  readonly topic?: string;
  readonly QoS?: number;
  readonly byteLength?: number;
  readonly items?: readonly { readonly topic: string; readonly QoS?: number }[];
}

type Publish = Extract<Packet, { kind: "publish" }>;

const utf8 = (text: string) => new TextEncoder().encode(text).length;

/** Length of a packet of this content, bytes (MQTT 3.1.1, 2.2.3). */
function packetLength(content: number): number {
  return 1 + (content < 0x80 ? 1 : content < 0x4000 ? 2 : content < 0x20_0000 ? 3 : 4) + content;
}

/** A PUBLISH that is being read: what of it waits to be read, and what has not been shown yet. */
interface Reading {
  readonly message: Publish;
  at: number;
  shown: number;
}

export function mqttModule(machine: Machine) {
  const { realm } = machine;

  class MQTTClient {
    static readonly CONNECT = Operation.CONNECT;
    static readonly CONNACK = Operation.CONNACK;
    static readonly PUBLISH = Operation.PUBLISH;
    static readonly PUBACK = Operation.PUBACK;
    static readonly SUBSCRIBE = Operation.SUBSCRIBE;
    static readonly SUBACK = Operation.SUBACK;
    static readonly PINGREQ = Operation.PINGREQ;
    static readonly PINGRESP = Operation.PINGRESP;
    static readonly DISCONNECT = Operation.DISCONNECT;

    #options: ClientOptions | undefined;
    #state: "resolving" | "connecting" | "login" | "connected" | "closed" = "resolving";
    #socket: PacketSocket | undefined;
    #writable = 0;
    #id = 1;
    /** Acknowledgements and pings that wait for room. */
    #pending: { readonly packet: Packet; readonly length: number }[] = [];
    #flush: MachineTimer | null = null;
    #connecting: MachineTimer | null = null;
    #keepalive: MachineTimer | null = null;
    #pinged_ms = 0;
    #answered_ms = 0;
    #reading: Reading | null = null;
    readonly #unread: Packet[] = [];
    #wedged = false;

    constructor(options: ClientOptions) {
      if (options.format !== undefined && options.format !== "buffer") throw new realm.RangeError();
      if (!options.host) throw new realm.Error("host required");
      this.#options = { ...options };
      const { host, port = 1883, dns, socket } = options;
      new (dns.io as ResolverClass)(dns).resolve({
        host,
        onResolved: (_, address) => this.#resolved(host, address, port, socket),
        onError: () => this.#fail(),
      });
    }

    #resolved(host: string, address: string, port: number, socket: ClientOptions["socket"]): void {
      // Closed meanwhile: the SDK's client looks into options that it has no more.
      if (!this.#options) throw new realm.TypeError("cannot coerce undefined to object");
      this.#state = "connecting";
      this.#socket = new (socket.io as SocketClass)({
        ...socket,
        address,
        host,
        port,
        onReadable: (packet) => this.#hear(packet),
        onWritable: (count) => this.#drain(count),
        onError: () => this.#fail(),
      });
      this.#connecting = machine.addTimer(CONNECTING_MS, 0, () => this.#fail());
    }

    close(): void {
      for (const timer of [this.#flush, this.#connecting, this.#keepalive])
        if (timer) machine.removeTimer(timer);
      this.#state = "closed";
      this.#socket?.close();
      this.#socket = undefined;
      this.#options = undefined;
      this.#writable = 0;
      this.#reading = null;
    }

    /** @returns bytes that may be written then. */
    write(data: ArrayBufferLike | ArrayBufferView | null, options: WriteOptions): number {
      if (!this.#socket) throw new realm.TypeError("no socket");
      if (this.#state !== "connected") throw new realm.Error();
      const id = (options.id ?? ++this.#id) & 0xffff;
      const operation = options.operation ?? Operation.PUBLISH;
      if (operation === Operation.PUBLISH) this.#publish(data, id, options);
      else if (operation === Operation.SUBSCRIBE) this.#subscribe(id, options);
      else if (operation === Operation.PINGREQ) this.#put({ kind: "pingreq" }, packetLength(0));
      else throw new realm.Error("unknown");
      return Math.max(0, this.#writable - OVERHEAD);
    }

    #publish(data: ArrayBufferLike | ArrayBufferView | null, id: number, options: WriteOptions): void {
      if (data === null) throw new realm.TypeError("no data");
      const [payload, QoS, topic] = [bytesOf(realm, data).slice(), options.QoS ?? 0, `${options.topic}`];
      if ((options.byteLength ?? payload.length) !== payload.length)
        throw new realm.Error("pieces are not modelled");
      const length = packetLength(2 + utf8(topic) + payload.length + (QoS > 0 ? 2 : 0));
      this.#put({ kind: "publish", topic, payload, QoS: QoS & 3, id }, length);
    }

    #subscribe(id: number, { items = [] }: WriteOptions): void {
      const wanted = items.map(({ topic, QoS = 0 }) => ({ topic: `${topic}`, QoS: QoS & 3 }));
      const content = wanted.reduce((sum, { topic }) => sum + 3 + utf8(topic), 2);
      this.#put({ kind: "subscribe", id, items: wanted }, packetLength(content));
    }

    #put(packet: Packet, length: number): void {
      if (length > this.#writable) throw new realm.Error("overflow");
      this.#writable = this.#socket?.send(packet, length) ?? 0;
    }

    /** A buffer of at most `count` bytes, or undefined when nothing waits to be read. */
    read(count: number = this.#waiting): ArrayBuffer | undefined {
      const reading = this.#reading;
      const wanted = Math.min(count, this.#waiting);
      if (!reading || wanted === 0) return undefined;
      const bytes = reading.message.payload.subarray(reading.at, reading.at + wanted);
      reading.at += wanted;
      if (this.#waiting === 0) this.#later();
      return bufferOf(realm, bytes);
    }

    get #waiting(): number {
      return this.#reading ? this.#reading.shown - this.#reading.at : 0;
    }

    /** Goes on with what has come, in a later turn. */
    #later(): void {
      machine.addTimer(0, 0, () => this.#parse());
    }

    #hear(packet: Packet): void {
      this.#unread.push(packet);
      this.#parse();
    }

    #parse(): void {
      while (!this.#wedged && this.#options && this.#waiting === 0) {
        if (this.#reading) this.#show(this.#reading);
        else {
          const packet = this.#unread.shift();
          if (!packet) return;
          if (packet.kind === "publish") this.#begin(packet);
          else this.#control(packet);
        }
      }
    }

    #begin(message: Publish): void {
      this.#reading = { message, at: 0, shown: 0 };
      if (message.payload.length === 0) this.#wedged = true;
    }

    /** Shows the next piece; what the callback leaves unread holds everything behind it up. */
    #show(reading: Reading): void {
      const { message } = reading;
      const { length } = message.payload;
      if (reading.at === length) {
        this.#reading = null;
        return;
      }
      const first = reading.shown === 0;
      reading.shown = Math.min(length, reading.shown + PIECE_BYTES);
      const more = reading.shown < length;
      if (!more && message.QoS > 0) this.#queue({ kind: "puback", id: message.id });
      const head = first ? { topic: message.topic, byteLength: length, QoS: message.QoS } : {};
      this.#options?.onReadable?.call(this, this.#waiting, objectOf(realm, { ...head, more }));
    }

    #control(packet: Packet): void {
      if (packet.kind === "connack") {
        if (packet.returnCode !== 0) {
          this.#fail();
          return;
        }
        this.#state = "connected";
        const { returnCode } = packet;
        this.#options?.onControl?.call(this, objectOf(realm, { operation: Operation.CONNACK, returnCode }));
        this.#tellWritable();
      } else if (packet.kind === "pingresp") {
        this.#answered_ms = machine.look_ms();
        this.#options?.onControl?.call(this, objectOf(realm, { operation: Operation.PINGRESP }));
      } else if (packet.kind === "puback") {
        this.#options?.onControl?.call(this, objectOf(realm, { operation: Operation.PUBACK, id: packet.id }));
      } else if (packet.kind === "suback") {
        const payload = realm.Array.from(packet.granted);
        const { id } = packet;
        this.#options?.onControl?.call(this, objectOf(realm, { operation: Operation.SUBACK, id, payload }));
      }
    }

    #drain(count: number): void {
      this.#writable = count;
      if (this.#state === "connecting") this.#login();
      else if (this.#state === "connected") {
        while (this.#pending.length > 0) {
          const [next] = this.#pending;
          if (!next || this.#writable < next.length) return;
          this.#pending.shift();
          this.#put(next.packet, next.length);
        }
        this.#tellWritable();
      }
    }

    #tellWritable(): void {
      if (this.#writable > OVERHEAD) this.#options?.onWritable?.call(this, this.#writable - OVERHEAD);
    }

    #login(): void {
      if (this.#connecting) machine.removeTimer(this.#connecting);
      const { id = "", user = "", password = "", clean = true, keepAlive, keepalive } = this.#options ?? {};
      const keepalive_s = Math.ceil((keepAlive ?? keepalive ?? 0) / 1000);
      const texts = [id, user, password].filter((text) => text !== "");
      const length = packetLength(texts.reduce((sum, text) => sum + 2 + utf8(text), 10));
      this.#put({ kind: "connect", id, user, password, clean, keepalive_s }, length);
      this.#state = "login";
      if (keepalive_s === 0) return;
      this.#pinged_ms = this.#answered_ms = machine.look_ms();
      this.#keepalive = machine.addTimer(keepalive_s * 250, keepalive_s * 250, () =>
        this.#stayAlive(keepalive_s),
      );
    }

    #stayAlive(keepalive_s: number): void {
      const now_ms = machine.look_ms();
      const isDeaf = now_ms - this.#answered_ms >= keepalive_s * 1500;
      const isDue = now_ms - this.#pinged_ms >= keepalive_s * 750 - 500;
      if (isDeaf || (isDue && this.#pending.some(({ packet }) => packet.kind === "pingreq"))) this.#fail();
      else if (isDue) {
        this.#pinged_ms = now_ms;
        this.#queue({ kind: "pingreq" });
      }
    }

    /** Sends it from a timer, as soon as there is room. */
    #queue(packet: Packet): void {
      this.#pending.push({ packet, length: packetLength(packet.kind === "pingreq" ? 0 : 2) });
      this.#flush ??= machine.addTimer(0, 0, () => {
        this.#flush = null;
        this.#drain(this.#writable);
      });
    }

    /** The callback first, then the client closes itself. */
    #fail(): void {
      if (!this.#options) throw new realm.TypeError("cannot coerce undefined to object");
      this.#options.onError?.call(this);
      this.close();
    }
  }
  return { default: MQTTClient };
}
