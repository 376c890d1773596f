// What lies beyond the antenna: an access point that comes and goes, a name server, a time server, and servers
// that answer on a host and port. Everything arrives after a latency and in order; what is on its way while the
// link is down waits, as TCP's retransmissions make it. Nothing here knows MQTT.
import type { Machine } from "./machine.js";
import type { Scheduler } from "./scheduler.js";
import type { Wire } from "./wire.js";

/** From one end to the other, ms. */
const LATENCY_MS = 40;
/** From the access point being there to an address, ms. */
const JOIN_MS = 3_000;
/** A machine whose queue is full is offered a callback again after this long, ms. */
const AGAIN_MS = 10;
/** Bytes that TCP holds unacknowledged (TCP_SND_BUF of the ESP32's lwIP). */
export const SEND_BUFFER = 5_744;

/** One end of a connection hears this. */
export interface Ears<Packet> {
  heard(packet: Packet): void;
  /** The other end has closed it or knows it no more. */
  ended(): void;
}

/** What a server shows in a TLS handshake. */
export interface Identity {
  /** DER of the authority that the client must know. */
  readonly authority: Uint8Array;
  readonly notBefore_ms: number;
  readonly notAfter_ms: number;
}

export interface Server<Packet> {
  readonly identity: Identity;
  /** A new connection; gives the server's ears. */
  accept(connection: Pipe<Packet>): Ears<Packet>;
}

/** A connection between a client and a server, as the server holds it. */
export interface Pipe<Packet> {
  send(packet: Packet): void;
  close(): void;
}

/** The same, as the client holds it. */
export interface Connection<Packet> {
  /** Bytes that may be sent now. */
  readonly room: number;
  send(packet: Packet, length: number): void;
  close(): void;
}

export interface ClientEars<Packet> extends Ears<Packet> {
  /** What was sent has arrived: there is more room. */
  drained(): void;
}

export class Internet<Packet> {
  readonly #scheduler: Scheduler;
  /** The access point's. */
  readonly ssid = "meters";
  readonly password = "a long password";
  readonly servers = new Map<string, Server<Packet>>();
  readonly names = new Set<string>();
  /** Ports on which the board listens for connections that begin in the house's network. */
  readonly ports = new Map<number, (wire: Wire) => void>();
  /** Names of time servers; they tell the true time. */
  readonly timeServers = new Set<string>();
  /** Whether the access point is there. */
  #up = true;
  /** The station of the board's chip, since its last start. */
  #station: { readonly ssid: string; readonly password: string } | null = null;
  #online = false;
  #held: (() => void)[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get now_ms(): number {
    return this.#scheduler.now_ms;
  }

  /** Whether the board has an address now. */
  get online(): boolean {
    return this.#online;
  }

  /** The chip joins: it is online some time after, whenever the access point is there, until it restarts. */
  join(ssid: string, password: string): void {
    if (this.#online) return;
    this.#station = { ssid, password };
    this.#associate();
  }

  /** The chip has restarted, or lost its power. */
  leave(): void {
    this.#station = null;
    this.#online = false;
    this.#held = [];
  }

  /** The access point goes away or comes back. */
  setUp(up: boolean): void {
    this.#up = up;
    if (up) this.#associate();
    else this.#online = false;
  }

  #associate(): void {
    this.#scheduler.after(JOIN_MS, () => {
      const known = this.#station?.ssid === this.ssid && this.#station.password === this.password;
      if (!known || !this.#up || this.#online) return;
      this.#online = true;
      for (const run of this.#held.splice(0)) this.carry(run);
    });
  }

  /** Runs something at the other end of the link, after the latency, once the link is up. */
  carry(run: () => void): void {
    this.#scheduler.after(LATENCY_MS, () => {
      if (this.#online) run();
      else this.#held.push(run);
    });
  }

  /** Runs a callback in a turn of the machine, unless it is gone by then. */
  tell(machine: Machine, run: () => void): void {
    if (machine.post(run) || machine.deleted) return;
    this.#scheduler.after(AGAIN_MS, () => this.tell(machine, run));
  }

  /** A connection to a server that exists; the client's ears are called in turns of its machine. */
  connect(machine: Machine, server: Server<Packet>, ears: ClientEars<Packet>): Connection<Packet> {
    let [open, known, room] = [true, true, SEND_BUFFER];
    const tell = (run: () => void) => this.tell(machine, () => void (open && run()));
    const pipe: Pipe<Packet> = {
      send: (packet) => void (known && this.carry(() => tell(() => ears.heard(packet)))),
      close: () => {
        if (!known) return;
        known = false;
        this.carry(() => tell(() => ears.ended()));
      },
    };
    const theirs = server.accept(pipe);
    const close = () => {
      if (!open) return;
      open = false;
      this.carry(() => {
        if (known) theirs.ended();
        known = false;
      });
    };
    const arrive = (packet: Packet, length: number) => {
      room += length;
      if (known) theirs.heard(packet);
      else tell(() => ears.ended());
      tell(() => ears.drained());
    };
    const send = (packet: Packet, length: number) => {
      room -= length;
      this.carry(() => arrive(packet, length));
    };
    machine.closing(close);
    return {
      get room() {
        return room;
      },
      send,
      close,
    };
  }
}
