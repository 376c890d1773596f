// The newest frames of a stream in one buffer of fixed size, for readers that each have a place of their own in it:
// a reader costs a number, not a queue. The oldest frames give way; who has not read them by then has lost them.
import { assert, readUint, uintBytes } from "../trusted/encoding/bytes.js";
import { FRAME_BYTES_MAX, FRAME_HEAD_BYTES } from "./local-frames.js";

export class FrameRing {
  readonly #bytes: Uint8Array;
  #start = 0;
  #end = 0;

  /** @param size bytes: one frame of the largest size must fit. */
  constructor(size: number) {
    assert(size >= FRAME_HEAD_BYTES + FRAME_BYTES_MAX, "the ring holds the largest frame");
    this.#bytes = new Uint8Array(size);
  }

  /** Where the oldest frame begins, in bytes since the ring was made: it never falls. */
  get start(): number {
    return this.#start;
  }

  /** Where the next frame will begin. */
  get end(): number {
    return this.#end;
  }

  /** Appends a frame of 1 to FRAME_BYTES_MAX bytes under its length. */
  add(item: Uint8Array): void {
    assert(item.length > 0 && item.length <= FRAME_BYTES_MAX, "a frame of the stream");
    const length = FRAME_HEAD_BYTES + item.length;
    while (this.#end + length - this.#start > this.#bytes.length) this.#start = this.endOf(this.#start);
    for (const byte of uintBytes(item.length, FRAME_HEAD_BYTES)) this.#put(byte);
    for (const byte of item) this.#put(byte);
  }

  /** Where the frame that begins at `at` ends. */
  endOf(at: number): number {
    return at + FRAME_HEAD_BYTES + readUint(this.copy(at, at + FRAME_HEAD_BYTES), 0, FRAME_HEAD_BYTES);
  }

  /** Bytes between two places that are both in the ring. */
  copy(from: number, to: number): Uint8Array {
    assert(from >= this.#start && from <= to && to <= this.#end, "what is read is in the ring");
    const size = this.#bytes.length;
    const out = new Uint8Array(to - from);
    const first = this.#bytes.subarray(from % size, Math.min(size, (from % size) + out.length));
    out.set(first);
    out.set(this.#bytes.subarray(0, out.length - first.length), first.length);
    return out;
  }

  #put(byte: number): void {
    this.#bytes[this.#end++ % this.#bytes.length] = byte;
  }
}
