// The module in WebAssembly (assembly/) and its memory, which the group and the hashes share: made once, at the first
// use. It needs no import, sees no clock and no randomness, and keeps nothing between calls that anybody relies on.
import { MODULE } from "./module.js";

const SCALAR_WORDS = 4;
const SCALAR_BYTES = 8 * SCALAR_WORDS;
const PAGE_BYTES = 65536;

/** What assembly/index.ts exports; addresses and counts are u32. */
export interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly BASE: { readonly value: number };
  readonly NEUTRAL: { readonly value: number };
  readonly FOLD_WORK: { readonly value: number };
  heap(): number;
  decode(points: number, encodings: number, count: number): number;
  decodeHinted(points: number, encodings: number, hints: number, count: number): number;
  decodeEd25519(points: number, encodings: number, count: number): number;
  encode(encodings: number, points: number, count: number): void;
  hints(hints: number, points: number, count: number): void;
  fromUniform(points: number, bytes: number, count: number): void;
  addAll(sums: number, a: number, b: number, count: number): void;
  negateAll(negatives: number, points: number, count: number): void;
  doubleAll(doubles: number, points: number, count: number): void;
  areIdentity(points: number, count: number): number;
  areTorsion(points: number, count: number): number;
  straus(sum: number, scalars: number, points: number, count: number, work: number): void;
  strausBytes(count: number): number;
  pippenger(sum: number, scalars: number, points: number, count: number, work: number): void;
  pippengerBytes(scalars: number, count: number): number;
  sumSecret(sum: number, scalars: number, points: number, count: number, work: number): void;
  secretBytes(count: number): number;
  fold(folded: number, scalars: number, points: number, count: number, work: number): void;
  sha256(digest: number, message: number, length: number): void;
  sha512(digest: number, message: number, length: number): void;
  merkleRoots(
    roots: number,
    leaves: number,
    leafBytes: number,
    counts: number,
    trees: number,
    count: number,
    work: number,
  ): void;
  merkleBytes(count: number, trees: number): number;
  setElements(encodings: number, stride: number, hints: number, order: number, count: number): void;
  sumElements(sum: number): number;
  addElements(sums: number, classes: number): number;
}

/** The module's memory, handed out from the heap on for the length of one call. */
export class Area {
  readonly #memory: WebAssembly.Memory;
  readonly #heap: number;
  #top: number;
  #view: Uint8Array;

  constructor(memory: WebAssembly.Memory, heap: number) {
    this.#memory = memory;
    this.#view = new Uint8Array(memory.buffer);
    this.#heap = heap;
    this.#top = heap;
  }

  /** Forgets all that was handed out. */
  clear(): void {
    this.#top = this.#heap;
  }

  /** The address of so many bytes, in whole vectors. @throws RangeError beyond the memory's maximum. */
  take(bytes: number): number {
    const at = this.#top;
    this.#top += (bytes + 15) & -16;
    const missing = this.#top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    return at;
  }

  put(bytes: Uint8Array): number {
    const at = this.take(bytes.length);
    this.#all().set(bytes, at);
    return at;
  }

  /** Puts pieces of bytes, `length` in all, one after the other. */
  putAll(pieces: readonly Uint8Array[], length: number): number {
    const at = this.take(length);
    const all = this.#all();
    let end = at;
    for (const piece of pieces) {
      all.set(piece, end);
      end += piece.length;
    }
    return at;
  }

  /** A copy of bytes. */
  copy(at: number, length: number): Uint8Array {
    return this.#all().slice(at, at + length);
  }

  /** One view for all small reads and writes: to make one for each costs more than to hash a block. */
  #all(): Uint8Array {
    const { buffer } = this.#memory;
    if (this.#view.buffer !== buffer) this.#view = new Uint8Array(buffer);
    return this.#view;
  }

  putPoints(limbs: Uint32Array): number {
    const at = this.take(limbs.byteLength);
    this.limbs(at, limbs.length).set(limbs);
    return at;
  }

  /** Puts scalars straight into the memory, so that a secret one leaves no copy here. */
  putScalars(scalars: readonly bigint[]): number {
    const at = this.take(scalars.length * SCALAR_BYTES);
    // Typed arrays take numbers modulo 2^64.
    const words = new BigUint64Array(this.#memory.buffer, at, scalars.length * SCALAR_WORDS);
    scalars.forEach((scalar, index) => {
      let rest = scalar;
      for (let word = 0; word < SCALAR_WORDS; word++) {
        words[index * SCALAR_WORDS + word] = rest;
        rest >>= 64n;
      }
    });
    return at;
  }

  putNumbers(numbers: Int32Array): number {
    const at = this.take(numbers.byteLength);
    new Int32Array(this.#memory.buffer, at, numbers.length).set(numbers);
    return at;
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  limbs(at: number, length: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, at, length);
  }
}

export interface Machine {
  readonly module: Exports;
  readonly area: Area;
}

let machine: Machine | undefined;

/** The module and its memory: the same ones at each call. The first compiles 52 kB of code, in milliseconds. */
export function sharedMachine(): Machine {
  machine ??= instantiate();
  return machine;
}

function instantiate(): Machine {
  const bytes = Uint8Array.from(atob(MODULE), (char) => char.charCodeAt(0));
  const { exports: module } = new WebAssembly.Instance<Exports>(new WebAssembly.Module(bytes));
  return { module, area: new Area(module.memory, module.heap()) };
}
