// The local stream: a home gateway in the house's network hears what the meter sends to its customer, as the WAN hears
// it, and how the meter is. It is the network side's own and knows no more than that: ciphertexts, signatures, status.
// The one thing that can be said to it is a request to pair, of fixed form; nothing here can reach `receive`.
import { CborReader } from "../trusted/encoding/cbor.js";
import { FrameRing } from "./frame-ring.js";
import { LocalConnection, type StreamHost } from "./local-connection.js";
import { encodeMessage, encodeStatus, type LocalStatus } from "./local-frames.js";
import type { Given } from "./outbox.js";

/** Connections at a time. */
const CONNECTIONS_MAX = 2;
/** Requests to pair that are passed on within a minute, over all connections. */
const REQUESTS_PER_MINUTE = 4;
const MINUTE_MS = 60_000;
/** A status is sent this often though nothing has changed: it also shows that the connection lives. */
const STATUS_MS = 60_000;
/** Who takes nothing for so long though something is there for them is dropped. */
const STALL_MS = 60_000;
const SECOND_MS = 1_000;

const Kind = { READING: 1, BATCH: 3, EVENT: 4, PAIRING: 5 } as const;
/**
 * What goes by here. Not shares: they are for the aggregator, tell the customer nothing and would push the readings
 * out of the ring. Not register statements: they have registers in clear, and the house's network is not their
 * addressee; an event tells the customer of each. Not requests for the time, which nobody here can answer.
 */
const KINDS: readonly number[] = Object.values(Kind);
const EVENT_LOAD_SWITCH = 10;
const EVENT_TYPE_MAX = 255;
const METER_ID_MAX = 32;
const U32_MAX = 0xffffffff;
const SWITCH_STATE_MAX = 2;

/** Whom requests to pair are handed to; the link is one (link.ts). */
export interface PairingDoor {
  /** False when it is not handed in: another one is on its way. */
  receiveLocal(request: Uint8Array): boolean;
  /** What was said to the one handed in, once; null until then. */
  pairingAnswer(): boolean | null;
}

export interface LocalStreamParts {
  readonly meterId: string;
  readonly door: PairingDoor;
  /** Whether the WAN's other end is reached now. */
  readonly isConnected: () => boolean;
  /** Messages that wait for the WAN. */
  readonly waiting: () => number;
  /** Memory for the newest messages, bytes; a reading of two channels takes about 30. */
  readonly ringBytes: number;
}

export class LocalStream implements StreamHost {
  readonly #parts: LocalStreamParts;
  readonly #ring: FrameRing;
  #connections: LocalConnection[] = [];
  #now_ms = 0;
  /** Connections that were ended here: for what they sent, for being slow, or because there were enough. */
  refused = 0;
  #known: Pick<LocalStatus, "lastReading" | "lastBatch" | "loadSwitch"> = {
    lastReading: null,
    lastBatch: null,
    loadSwitch: null,
  };
  #told = { at_ms: 0, connected: false, loadSwitch: null as number | null };
  #minute = { begun_ms: 0, requests: 0 };
  /** Whose request is with the unit. */
  #asker: LocalConnection | null = null;

  constructor(parts: LocalStreamParts) {
    this.#parts = parts;
    this.#ring = new FrameRing(parts.ringBytes);
  }

  /** Hears a message that the unit has given. @throws FormatError for a reading or event that no unit gives. */
  observe({ kind, sequence, message }: Given): void {
    if (!KINDS.includes(kind)) return;
    if (kind === Kind.READING) this.#known = { ...this.#known, lastReading: readReading(message) };
    if (kind === Kind.BATCH)
      this.#known = { ...this.#known, lastBatch: new CborReader(sequence, "sequence").uint(U32_MAX) };
    const loadSwitch = kind === Kind.EVENT ? readSwitchState(message) : null;
    if (loadSwitch !== null) this.#known = { ...this.#known, loadSwitch };
    this.#ring.add(encodeMessage(kind, message));
    for (const connection of this.#connections) if (connection.isBehind) this.refuse(connection);
  }

  /** A new connection, or null when there are enough. */
  connect(): LocalConnection | null {
    if (this.#connections.length >= CONNECTIONS_MAX) {
      this.refused++;
      return null;
    }
    const connection = new LocalConnection(this, this.#ring);
    this.#connections.push(connection);
    return connection;
  }

  /**
   * Sees to what is due; to be called every few seconds at least.
   * @param now_ms uptime of the network side, whole ms, never falling.
   */
  step(now_ms: number): void {
    this.#now_ms = now_ms;
    this.#answer();
    this.#tell();
    for (const connection of this.#connections) {
      if (connection.stalledFor(now_ms) >= STALL_MS) this.refuse(connection);
    }
  }

  status(): Uint8Array {
    const { meterId, isConnected, waiting } = this.#parts;
    const uptime_s = Math.floor(this.#now_ms / SECOND_MS);
    return encodeStatus({ meterId, uptime_s, connected: isConnected(), waiting: waiting(), ...this.#known });
  }

  /** Ends a connection for good reason. */
  refuse(connection: LocalConnection): void {
    this.refused++;
    connection.close();
  }

  /** A connection has ended. */
  forget(connection: LocalConnection): void {
    this.#connections = this.#connections.filter((one) => one !== connection);
  }

  /** Passes a request on; who asks too often is sent away, and two do not ask at once. */
  ask(connection: LocalConnection, request: Uint8Array): void {
    if (this.#now_ms - this.#minute.begun_ms >= MINUTE_MS)
      this.#minute = { begun_ms: this.#now_ms, requests: 0 };
    if (++this.#minute.requests > REQUESTS_PER_MINUTE) {
      this.refuse(connection);
    } else if (this.#asker || !this.#parts.door.receiveLocal(request)) {
      connection.answered(false);
    } else {
      this.#asker = connection;
      this.#answer();
    }
  }

  #answer(): void {
    if (!this.#asker) return;
    const taken = this.#parts.door.pairingAnswer();
    if (taken === null) return;
    this.#asker.answered(taken);
    this.#asker = null;
  }

  /** A status where there is one to tell: what the messages themselves tell is not waited for. */
  #tell(): void {
    const connected = this.#parts.isConnected();
    const { loadSwitch } = this.#known;
    const isNews = connected !== this.#told.connected || loadSwitch !== this.#told.loadSwitch;
    if (!isNews && this.#now_ms - this.#told.at_ms < STATUS_MS) return;
    this.#told = { at_ms: this.#now_ms, connected, loadSwitch };
    for (const connection of this.#connections) connection.statusDue();
  }
}

function readReading(message: Uint8Array): { interval: number; status: number } {
  const reader = new CborReader(message, "unit's reading");
  reader.array(6);
  reader.uint(1);
  reader.text(METER_ID_MAX);
  reader.uint(0xffff);
  return { interval: reader.uint(U32_MAX), status: reader.uint(0xff) };
}

/** Null for events of other types. */
function readSwitchState(message: Uint8Array): number | null {
  const reader = new CborReader(message, "unit's event");
  reader.array(6);
  reader.uint(1);
  reader.text(METER_ID_MAX);
  reader.uint(U32_MAX);
  if (!reader.nil()) reader.uint(U32_MAX);
  const type = reader.uint(EVENT_TYPE_MAX);
  return type === EVENT_LOAD_SWITCH ? reader.uint(SWITCH_STATE_MAX) : null;
}
