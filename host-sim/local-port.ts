// The local stream of a simulated meter at a TCP port of this computer, for a home gateway to try itself on. The
// stream's logic is the device's own (src/meter/local-stream.ts); here are sockets of Node in the place of the chip's,
// and one difference: the ring of messages outlives the meter's power.
import { createServer, type Server, type Socket } from "node:net";
import type { LocalConnection } from "../src/meter/local-connection.js";
import { LocalStream, type PairingDoor } from "../src/meter/local-stream.js";
import type { Device } from "./device.js";

const RING_BYTES = 16_384;
/** Bytes that a socket may hold unsent. */
const UNSENT_MAX = 8_192;

/** A device answers at once whether it takes a request. */
class DeviceDoor implements PairingDoor {
  readonly #device: Device;
  #answer: boolean | null = null;

  constructor(device: Device) {
    this.#device = device;
  }

  receiveLocal(request: Uint8Array): boolean {
    this.#answer = this.#device.receiveLocal(request);
    return true;
  }

  pairingAnswer(): boolean | null {
    const answer = this.#answer;
    this.#answer = null;
    return answer;
  }
}

export interface StreamedMeter {
  readonly device: Device;
  readonly uplink: { readonly online: boolean };
  readonly meterId: string;
}

/** The local stream of a device, which hears everything from now on. */
export function localStreamOf({ device, uplink, meterId }: StreamedMeter): LocalStream {
  const stream = new LocalStream({
    meterId,
    door: new DeviceDoor(device),
    isConnected: () => device.powered && uplink.online,
    waiting: () => device.waiting,
    ringBytes: RING_BYTES,
  });
  device.observe = (given) => stream.observe(given);
  return stream;
}

/** A local stream at a port. */
export class LocalPortServer {
  readonly #server: Server;
  readonly #stream: LocalStream;
  readonly #clients = new Map<Socket, LocalConnection>();

  private constructor(stream: LocalStream) {
    this.#stream = stream;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @param port 0 for any that is free. @throws the system's error, as when the port is taken. */
  static async listen(stream: LocalStream, port: number, host = "127.0.0.1"): Promise<LocalPortServer> {
    const made = new LocalPortServer(stream);
    await new Promise<void>((resolve, reject) => {
      made.#server.once("error", reject);
      made.#server.listen(port, host, resolve);
    });
    return made;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" ? (address?.port ?? 0) : 0;
  }

  /** Sees to what is due and sends it; to be called every second or so. @param now_ms uptime, never falling. */
  step(now_ms: number): void {
    this.#stream.step(now_ms);
    for (const socket of [...this.#clients.keys()]) this.#send(socket);
  }

  /** Ends every connection, and listens no more. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of [...this.#clients.keys()]) this.#end(socket);
    await closed;
  }

  #accept(socket: Socket): void {
    const connection = this.#stream.connect();
    socket.on("error", () => this.#end(socket));
    if (!connection) {
      socket.destroy();
      return;
    }
    this.#clients.set(socket, connection);
    socket.on("close", () => this.#end(socket));
    socket.on("drain", () => this.#send(socket));
    socket.on("data", (bytes) => {
      connection.receive(bytes);
      this.#send(socket);
    });
    this.#send(socket);
  }

  #send(socket: Socket): void {
    const connection = this.#clients.get(socket);
    if (!connection) return;
    while (socket.writableLength < UNSENT_MAX) {
      const piece = connection.take(UNSENT_MAX - socket.writableLength);
      if (!piece) break;
      socket.write(piece);
    }
    if (!connection.isOpen) this.#end(socket);
  }

  #end(socket: Socket): void {
    this.#clients.get(socket)?.close();
    this.#clients.delete(socket);
    socket.destroy();
  }
}
