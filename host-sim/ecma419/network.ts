// The SDK's network classes as the network machine imports them: TCP and its listener, UDP, which is only named, the name
// resolver, the TLS socket and the NTP client. They ask and answer as the SDK's own do, over the board's
// internet; packets stay whole on the way.
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import type { Packet } from "./broker.js";
import type { Connection, Internet } from "./internet.js";
import type { Machine } from "./machine.js";
import { bytesOf } from "./realm.js";
import { socketModules } from "./sockets.js";

/** A name server is asked this often, a second apart. */
const QUERIES = 5;
const QUERY_MS = 1_000;
/** A time server is asked this often, so far apart. */
const TIME_QUERIES = 5;
const TIME_QUERY_MS = 2_000;
/** Bytes that TLS adds to a write, as the SDK's socket estimates when told of room, and after a write. */
const TLS_OVERHEAD = 96;
const RECORD_OVERHEAD = 32;
/** TCP connect and TLS handshake, ms: the SDK's runs in JavaScript. */
const HANDSHAKE_MS = 4_000;

/** What was agreed in one TLS handshake. */
export interface TlsSession {
  readonly serverName: string;
  readonly protocolVersion: number;
  readonly port: number;
}

export interface ResolverOptions {
  readonly servers: readonly string[];
  readonly socket: { readonly io: unknown };
}

export interface ResolveRequest {
  readonly host: string;
  readonly onResolved: (host: string, address: string) => void;
  readonly onError: (host: string) => void;
}

export interface TlsOptions {
  readonly TCP: { readonly io: unknown };
  readonly secure?: {
    readonly certificate?: unknown;
    readonly protocolVersion?: number;
    readonly serverName?: string;
  };
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly onReadable: (packet: Packet) => void;
  readonly onWritable: (count: number) => void;
  readonly onError: () => void;
}

export interface NtpOptions {
  readonly servers: readonly string[];
  readonly socket: { readonly io: unknown };
  readonly dns: ResolverOptions & { readonly io: unknown };
}

/** What MQTT and NTP make of the class that they are given as `dns.io`. */
export type ResolverClass = new (options: ResolverOptions) => Resolving;

interface Resolving {
  resolve(request: ResolveRequest): void;
  close(): void;
}

const IPV4 = /^(\d{1,3})(\.\d{1,3}){3}$/;

/** @param handshakes every TLS session that was agreed. */
export function networkModules(machine: Machine, internet: Internet<Packet>, handshakes: TlsSession[]) {
  const { TCP, Listener } = socketModules(machine, internet);
  class UDP {}
  const Resolver = resolverClass(machine, internet, UDP);
  const TLSSocket = tlsClass(machine, internet, TCP, handshakes);
  const NTP = ntpClass(machine, internet, UDP);
  return { TCP, Listener, UDP, Resolver, TLSSocket, NTP };
}

function resolverClass(machine: Machine, internet: Internet<Packet>, UDP: unknown) {
  const { realm } = machine;
  return class Resolver implements Resolving {
    #servers: readonly string[] | null;
    constructor({ servers, socket }: ResolverOptions) {
      if (socket.io !== UDP) throw new realm.TypeError("socket.io is no constructor");
      this.#servers = servers.slice();
    }
    resolve({ host, onResolved, onError }: ResolveRequest): void {
      if (!host || (!onResolved && !onError) || !this.#servers) throw new realm.Error();
      let asked = 0;
      let answered = false;
      const answer = (call: () => void) => {
        machine.removeTimer(timer);
        if (!answered && this.#servers) call();
        answered = true;
      };
      const ask = () => {
        if (IPV4.test(host)) return answer(() => onResolved(host, host));
        const servers = this.#servers ?? [];
        const server = servers[++asked % Math.max(1, servers.length)] ?? "";
        if (asked === servers.length * QUERIES) return answer(() => onError(host));
        // What is sent without a link is lost, and a name server is an address.
        if (!internet.online || !IPV4.test(server) || !internet.names.has(host)) return undefined;
        internet.carry(() => internet.tell(machine, () => answer(() => onResolved(host, "192.0.2.1"))));
        return undefined;
      };
      const timer = machine.addTimer(0, QUERY_MS, ask);
    }
    close(): void {
      this.#servers = null;
    }
  };
}

/** What MQTT makes of the class that it is given as `socket.io`. */
export type SocketClass = new (options: TlsOptions) => PacketSocket;

/** The MQTT client's way into a TLS socket, which passes whole packets here. */
export interface PacketSocket {
  /** Sends it. @returns bytes that may be written then. */
  send(packet: Packet, length: number): number;
  close(): void;
}

function tlsClass(machine: Machine, internet: Internet<Packet>, TCP: unknown, handshakes: TlsSession[]) {
  const { realm } = machine;
  return class TLSSocket implements PacketSocket {
    #connection: Connection<Packet> | null = null;
    #closed = false;
    constructor(options: TlsOptions) {
      if (options.TCP.io !== TCP) throw new realm.TypeError("TCP.io is no constructor");
      const { host, port, onReadable, onWritable, onError } = options;
      const fail = () => void (this.#closed || onError());
      const shake = () => {
        const server = internet.servers.get(`${host}:${port}`);
        if (!internet.online || this.#closed) return;
        if (!server || !trusts(machine, options, server.identity)) return internet.tell(machine, fail);
        // The class sets the version after the options: TLS 1.2 whatever they say.
        handshakes.push({ serverName: options.secure?.serverName ?? host, protocolVersion: 0x303, port });
        const connection = internet.connect(machine, server, {
          heard: (packet) => void (this.#closed || onReadable(packet)),
          ended: fail,
          drained: () => void (this.#closed || onWritable(Math.max(0, connection.room - TLS_OVERHEAD))),
        });
        this.#connection = connection;
        internet.tell(machine, () => void (this.#closed || onWritable(connection.room - TLS_OVERHEAD)));
        return undefined;
      };
      machine.addTimer(HANDSHAKE_MS, 0, shake);
    }
    send(packet: Packet, length: number): number {
      if (!this.#connection || this.#closed) throw new realm.TypeError("no socket");
      this.#connection.send(packet, length + RECORD_OVERHEAD);
      return Math.max(0, this.#connection.room - RECORD_OVERHEAD);
    }
    close(): void {
      this.#closed = true;
      this.#connection?.close();
    }
  };
}

/** Certificates are judged by the machine's clock. */
function trusts(
  machine: Machine,
  { secure }: TlsOptions,
  {
    authority,
    notBefore_ms,
    notAfter_ms,
  }: { authority: Uint8Array; notBefore_ms: number; notAfter_ms: number },
): boolean {
  const known =
    secure?.certificate === undefined ? new Uint8Array(0) : bytesOf(machine.realm, secure.certificate);
  const now_ms = machine.systemTime.now_ms();
  return sameBytes(known, authority) && now_ms >= notBefore_ms && now_ms <= notAfter_ms;
}

function ntpClass(machine: Machine, internet: Internet<Packet>, UDP: unknown) {
  const { realm } = machine;
  return class NTP {
    readonly #servers: readonly string[];
    readonly #dns: Resolving;
    #callback: ((error: Error | null, time_ms?: number) => void) | null = null;
    #closed = false;
    constructor({ servers, socket, dns }: NtpOptions) {
      if (!servers?.length || !socket || !dns) throw new realm.Error("invalid");
      if (socket.io !== UDP) throw new realm.TypeError("socket.io is no constructor");
      this.#servers = servers;
      this.#dns = new (dns.io as ResolverClass)(dns);
    }
    /** Tries server after server; then an Error. @throws Error while a call waits. */
    getTime(callback: (error: Error | null, time_ms?: number) => void): void {
      if (this.#callback) throw new realm.Error("in use");
      this.#callback = callback;
      this.#next(0);
    }
    close(): void {
      this.#closed = true;
      this.#dns.close();
    }
    #answer(error: Error | null, time_ms?: number): void {
      const callback = this.#callback;
      this.#callback = null;
      if (!this.#closed) callback?.(error, time_ms);
    }
    #next(at: number): void {
      const host = this.#servers[at];
      if (host === undefined) {
        this.#answer(new realm.Error());
        return;
      }
      this.#dns.resolve({
        host,
        onResolved: () => this.#ask(host, at, TIME_QUERIES),
        onError: () => this.#next(at + 1),
      });
    }
    #ask(host: string, at: number, left: number): void {
      if (this.#closed || !this.#callback) return;
      if (left === 0) {
        this.#next(at + 1);
        return;
      }
      machine.addTimer(TIME_QUERY_MS, 0, () => this.#ask(host, at, left - 1));
      if (!internet.online || !internet.timeServers.has(host)) return;
      const answer = () => this.#answer(null, Math.floor(internet.now_ms / 1000) * 1000);
      internet.carry(() => internet.tell(machine, answer));
    }
  };
}
