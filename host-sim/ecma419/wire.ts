// A TCP connection to the board as the chip's stack keeps it: bytes that came and were not read, room for those that
// are sent, and the end of it, which is told once all that came has been read.
import { concatBytes } from "@noble/hashes/utils.js";

/** Who connected, as the connection knows it. */
export interface FarEnd {
  receive(bytes: Uint8Array): void;
  end(): void;
}

/** What a socket of the board hears of its connection. */
export interface SocketEars {
  readable(): void;
  writable(): void;
  failed(): void;
}

/** A connection as the chip's TCP keeps it: what has come and was not read, and how much may be sent. */
export class Wire {
  readonly #far: FarEnd;
  #input: Uint8Array = new Uint8Array(0);
  room: number;
  /** The other end has gone; told once all that came has been read. */
  gone = false;
  ears: SocketEars | null = null;

  /** @param room bytes that may be on their way at a time. */
  constructor(far: FarEnd, room: number) {
    this.#far = far;
    this.room = room;
  }

  get available(): number {
    return this.#input.length;
  }

  read(count: number): Uint8Array {
    const bytes = this.#input.slice(0, count);
    this.#input = this.#input.slice(count);
    if (this.#input.length === 0 && this.gone) this.ears?.failed();
    return bytes;
  }

  write(bytes: Uint8Array): void {
    this.room -= bytes.length;
    this.#far.receive(bytes.slice());
  }

  close(): void {
    this.ears = null;
    this.#far.end();
  }

  arrive(bytes: Uint8Array): void {
    this.#input = concatBytes(this.#input, bytes);
    this.ears?.readable();
  }

  acknowledge(count: number): void {
    this.room += count;
    this.ears?.writable();
  }

  hangUp(): void {
    this.gone = true;
    if (this.#input.length === 0) this.ears?.failed();
  }
}
