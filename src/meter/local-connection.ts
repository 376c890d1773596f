// One gateway's connection to the local stream: bytes in, bytes out, whatever carries them. It keeps a place in the
// ring of messages, not a queue, and of what comes in the bytes of one request; the first byte that is not part of one
// ends it.
import { sameBytes } from "../trusted/encoding/bytes.js";
import type { FrameRing } from "./frame-ring.js";
import { encodePairingAnswer, FRAME_HEAD_BYTES, frame, pairingRequest } from "./local-frames.js";

/** What a connection needs of its stream. */
export interface StreamHost {
  /** The item of a status, as it is now. */
  status(): Uint8Array;
  /** Passes `[4, U]` on: 36 bytes of that form, and nothing is known of U. */
  ask(connection: LocalConnection, request: Uint8Array): void;
  /** Ends a connection for good reason. */
  refuse(connection: LocalConnection): void;
  /** A connection has ended. */
  forget(connection: LocalConnection): void;
}

/** What a request begins with, the frame's length included; U follows. */
const REQUEST = pairingRequest(new Uint8Array(32));
const REQUEST_HEAD = REQUEST.subarray(0, REQUEST.length - 32);

export class LocalConnection {
  readonly #stream: StreamHost;
  readonly #ring: FrameRing;
  #isOpen = true;
  /** Next byte of the ring to be sent, and where the frame that it belongs to ends. */
  #cursor: number;
  #frameEnd: number;
  /** The rest of a frame for this connection alone. */
  #own: Uint8Array = new Uint8Array(0);
  #isStatusDue = true;
  #answer: boolean | null = null;
  readonly #request = new Uint8Array(REQUEST.length);
  #received = 0;
  /** Since when something is there that was not taken. */
  #due_ms: number | null = null;

  constructor(stream: StreamHost, ring: FrameRing) {
    this.#stream = stream;
    this.#ring = ring;
    this.#cursor = ring.start;
    this.#frameEnd = ring.start;
  }

  /** Once false, whatever carries it has to be closed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What it was to read next is not there any more. */
  get isBehind(): boolean {
    return this.#cursor < this.#ring.start;
  }

  statusDue(): void {
    this.#isStatusDue = true;
  }

  answered(taken: boolean): void {
    this.#answer = taken;
  }

  /** How long something has been there that was not taken, ms. */
  stalledFor(now_ms: number): number {
    this.#due_ms = this.#isIdle() ? null : (this.#due_ms ?? now_ms);
    return this.#due_ms === null ? 0 : now_ms - this.#due_ms;
  }

  #isIdle(): boolean {
    return (
      this.#own.length === 0 && !this.#isStatusDue && this.#answer === null && this.#cursor === this.#ring.end
    );
  }

  /** What to send next, at most `room` bytes, at most one frame; null when there is nothing. */
  take(room: number): Uint8Array | null {
    if (!this.#isOpen || room < 1) return null;
    if (this.#own.length === 0 && this.#cursor === this.#frameEnd) this.#begin();
    const piece = this.#own.length > 0 ? this.#takeOwn(room) : this.#takeRing(room);
    if (piece.length === 0) return null;
    this.#due_ms = null;
    return piece;
  }

  #begin(): void {
    if (this.#answer !== null) {
      this.#own = frame(encodePairingAnswer(this.#answer));
      this.#answer = null;
    } else if (this.#isStatusDue) {
      this.#own = frame(this.#stream.status());
      this.#isStatusDue = false;
    } else if (this.#cursor < this.#ring.end) this.#frameEnd = this.#ring.endOf(this.#cursor);
  }

  #takeOwn(room: number): Uint8Array {
    const piece = this.#own.slice(0, room);
    this.#own = this.#own.slice(piece.length);
    return piece;
  }

  #takeRing(room: number): Uint8Array {
    const piece = this.#ring.copy(this.#cursor, Math.min(this.#frameEnd, this.#cursor + room));
    this.#cursor += piece.length;
    return piece;
  }

  /** Takes what the gateway sent: a request to pair, in any pieces, or the connection ends at the first other byte. */
  receive(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (!this.#isOpen) return;
      this.#request[this.#received++] = byte;
      const head = this.#request.subarray(0, Math.min(this.#received, REQUEST_HEAD.length));
      if (!sameBytes(head, REQUEST_HEAD.subarray(0, head.length))) this.#stream.refuse(this);
      else if (this.#received === this.#request.length) {
        this.#received = 0;
        this.#stream.ask(this, this.#request.slice(FRAME_HEAD_BYTES));
      }
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream.forget(this);
  }
}
