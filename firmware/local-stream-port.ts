// The local stream on the board: a TCP listener in the house's network over src/meter/local-stream.ts. It moves bytes
// and decides nothing; whoever is not wanted is closed. It is part of the network machine, and off unless it is set.
import Listener from "embedded:io/socket/listener";
import TCP from "embedded:io/socket/tcp";
import Time from "time";
import Timer from "timer";
import type { LocalConnection } from "../src/meter/local-connection.js";
import type { LocalStream } from "../src/meter/local-stream.js";

const STEP_MS = 1_000;
/** Bytes moved at once. */
const PIECE_BYTES = 512;

interface Client {
  readonly connection: LocalConnection;
  readonly socket: TCP;
  /** Bytes that the socket takes now. */
  room: number;
}

export class LocalStreamPort {
  readonly #stream: LocalStream;
  readonly #listener: Listener;
  #clients: Client[] = [];
  #uptime_ms = 0;
  #ticks = Time.ticks;

  /** @param port of TCP, 1 to 65,535, at every address of the chip. */
  constructor(port: number, stream: LocalStream) {
    this.#stream = stream;
    this.#listener = new Listener({ port, onReadable: (count) => this.#accept(count) });
    Timer.repeat(() => this.#step(), STEP_MS);
  }

  /** Sends what there is to send. */
  flush(): void {
    for (const client of this.#clients) this.#send(client);
  }

  /** Those beyond the stream's number are closed at once. */
  #accept(count: number): void {
    for (let at = 0; at < count; at++) {
      const from = this.#listener.read();
      const connection = from && this.#stream.connect();
      if (connection) this.#begin(from, connection);
      else from?.close();
    }
  }

  #begin(from: TCP, connection: LocalConnection): void {
    const socket = new TCP({
      from,
      onReadable: (count) => this.#read(client, count),
      onWritable: (room) => {
        client.room = room;
        this.#send(client);
      },
      onError: () => this.#end(client),
    });
    const client: Client = { connection, socket, room: 0 };
    this.#clients.push(client);
  }

  /** In pieces: what a gateway may say is 38 bytes, and what else comes ends it. */
  #read(client: Client, count: number): void {
    for (let left = count; left > 0 && client.connection.isOpen; ) {
      const piece = client.socket.read(Math.min(left, PIECE_BYTES));
      // The SDK's type has a byte as a number too, which this format never gives.
      if (!(piece instanceof ArrayBuffer)) return;
      left -= piece.byteLength;
      client.connection.receive(new Uint8Array(piece));
    }
    this.#send(client);
  }

  #send(client: Client): void {
    while (client.room > 0) {
      const piece = client.connection.take(Math.min(client.room, PIECE_BYTES));
      if (!piece) break;
      client.room = client.socket.write(piece) ?? 0;
    }
    if (!client.connection.isOpen) this.#end(client);
  }

  #end(client: Client): void {
    if (!this.#clients.includes(client)) return;
    this.#clients = this.#clients.filter((one) => one !== client);
    client.connection.close();
    client.socket.close();
  }

  #step(): void {
    const ticks = Time.ticks;
    this.#uptime_ms += Time.delta(this.#ticks, ticks);
    this.#ticks = ticks;
    this.#stream.step(this.#uptime_ms);
    this.flush();
  }
}
