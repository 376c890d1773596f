// "embedded:io/socket/tcp" and "embedded:io/socket/listener" as the ESP32 build of the SDK has them, for connections
// that begin outside: a listener's queue, a socket taken over from it, callbacks in later turns of the machine. And
// who connects: somebody in the house's network, who sends, takes or does not take, and goes.
import { concatBytes } from "@noble/hashes/utils.js";
import { type Internet, SEND_BUFFER } from "./internet.js";
import type { Machine } from "./machine.js";
import { bufferOf, bytesOf } from "./realm.js";
import { type FarEnd, Wire } from "./wire.js";

/** The other end of a connection to the board. */
export class Visitor implements FarEnd {
  readonly #internet: Internet<unknown>;
  #wire: Wire | null = null;
  #heard: Uint8Array[] = [];
  /** While false, nothing of what comes is acknowledged. */
  takes = true;
  #untaken = 0;
  /** The board has closed it, or nobody listens there. */
  ended = false;

  /** Connects to a port of the board. */
  constructor(internet: Internet<unknown>, port: number) {
    this.#internet = internet;
    internet.carry(() => {
      const accept = internet.ports.get(port);
      if (!accept) this.ended = true;
      else {
        this.#wire = new Wire(this, SEND_BUFFER);
        accept(this.#wire);
      }
    });
  }

  /** All that has come. */
  get heard(): Uint8Array {
    return concatBytes(...this.#heard);
  }

  send(bytes: Uint8Array): void {
    const copy = bytes.slice();
    this.#internet.carry(() => this.#wire?.arrive(copy));
  }

  close(): void {
    this.#internet.carry(() => this.#wire?.hangUp());
  }

  /** From the board: bytes, after the latency. */
  receive(bytes: Uint8Array): void {
    this.#internet.carry(() => {
      this.#heard.push(bytes);
      this.#untaken += bytes.length;
      if (!this.takes) return;
      const taken = this.#untaken;
      this.#untaken = 0;
      this.#internet.carry(() => this.#wire?.acknowledge(taken));
    });
  }

  /** From the board: it has closed. */
  end(): void {
    this.#internet.carry(() => {
      this.ended = true;
    });
  }
}

export interface SocketOptions {
  readonly from: object;
  readonly onReadable: (bytes: number) => void;
  readonly onWritable: (bytes: number) => void;
  readonly onError: () => void;
}

export interface ListenerOptions {
  readonly port: number;
  readonly onReadable: (count: number) => void;
}

/** The connections that sockets hold; a socket without one is a listener's, or closed. */
type Wires = WeakMap<object, Wire>;

export function socketModules(machine: Machine, internet: Internet<unknown>) {
  const wires: Wires = new WeakMap();
  const TCP = tcpClass(machine, internet, wires);
  return { TCP, Listener: listenerClass(machine, internet, () => new TCP(), wires) };
}

function tcpClass(machine: Machine, internet: Internet<unknown>, wires: Wires) {
  const { realm } = machine;
  return class TCP {
    /** Without options it is a listener's, to be taken over or closed. */
    constructor(options?: SocketOptions) {
      if (!options) return;
      const wire = wires.get(options.from);
      if (!wire) throw new realm.Error("invalid from");
      wires.delete(options.from);
      wires.set(this, wire);
      machine.closing(() => this.close());
      const tell = (run: () => void) => internet.tell(machine, () => void (wires.has(this) && run()));
      wire.ears = {
        readable: () =>
          tell(() => void (wire.available > 0 && options.onReadable.call(this, wire.available))),
        writable: () => tell(() => options.onWritable.call(this, wire.room)),
        failed: () => tell(() => options.onError.call(this)),
      };
      wire.ears.writable();
      if (wire.available > 0) wire.ears.readable();
      else if (wire.gone) wire.ears.failed();
    }

    read(count: number): ArrayBuffer | undefined {
      const wire = this.#wire();
      if (wire.available === 0) return undefined;
      if (count <= 0 || count > wire.available) throw new realm.Error("invalid");
      return bufferOf(realm, wire.read(count));
    }

    write(bytes: ArrayBufferLike | ArrayBufferView): number | undefined {
      const wire = this.#wire();
      if (wire.gone) return undefined;
      const sent = bytesOf(realm, bytes);
      if (sent.length > wire.room) throw new realm.Error("would block");
      wire.write(sent);
      return wire.room;
    }

    close(): void {
      wires.get(this)?.close();
      wires.delete(this);
    }

    #wire(): Wire {
      const wire = wires.get(this);
      if (!wire) throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
      return wire;
    }
  };
}

function listenerClass<Socket extends object>(
  machine: Machine,
  internet: Internet<unknown>,
  socket: () => Socket,
  wires: Wires,
) {
  const { realm } = machine;
  return class Listener {
    readonly #pending: Wire[] = [];
    readonly #close: () => void;

    constructor({ port, onReadable }: ListenerOptions) {
      if (!(port >= 0 && port <= 65_535)) throw new realm.RangeError("invalid port");
      if (internet.ports.has(port)) throw new realm.Error("socket bind");
      internet.ports.set(port, (wire) => {
        this.#pending.push(wire);
        internet.tell(machine, () => {
          if (this.#pending.length > 0) onReadable.call(this, this.#pending.length);
        });
      });
      const free = () => {
        internet.ports.delete(port);
        for (const wire of this.#pending.splice(0)) wire.close();
      };
      const forget = machine.closing(free);
      this.#close = () => {
        forget();
        free();
      };
    }

    read(): Socket | undefined {
      const wire = this.#pending.shift();
      if (!wire) return undefined;
      const made = socket();
      wires.set(made, wire);
      return made;
    }

    close(): void {
      this.#close();
    }
  };
}
