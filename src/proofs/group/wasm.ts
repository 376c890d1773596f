// The group in WebAssembly (assembly/): the fast one. The module does the arithmetic on points in its memory; here
// vectors are copied in and out, in pieces of a bounded size, and nothing stays in there between calls. In variable
// time, but for `sumSecret`.
import { assertClasses, assertLength, assertScalars, countPieces, halfOf } from "./assertions.js";
import {
  ENCODING_BYTES,
  EncodingError,
  type Encodings,
  type Group,
  HINT_BYTES,
  type Points,
  UNIFORM_BYTES,
} from "./group.js";
import { type Area, type Exports, type Machine, sharedMachine } from "./machine.js";

/** Limbs of a point in the module's form, and their bytes (assembly/point.ts). */
const LIMBS = 36;
const POINT_BYTES = 4 * LIMBS;

/** Points of one call into the module, at most. The memory's maximum is 32 MiB; 2^16 points sum up in 24 MiB. */
const POINTS_MAX = 1 << 16;
/** The same for secret sums, whose tables are of 1,152 bytes a point. */
const SECRET_POINTS_MAX = 1 << 10;
/** Elements of one call for sums by class, at most, and the bytes in which these may stand. */
const ELEMENTS_MAX = 1 << 15;
const ELEMENTS_BYTES_MAX = 1 << 22;
/** Classes, at most. */
const CLASSES_MAX = 1 << 16;
/** With fewer elements a class they are added one by one: a class by itself has a sum to begin and one to end. */
const CLASS_ELEMENTS_MIN = 4;
/** Up to so many points Straus's method is faster than Pippenger's. */
const STRAUS_POINTS_MAX = 160;

/** Points in the module's form; their limbs are copies, which nobody changes. */
class WasmPoints implements Points {
  readonly limbs: Uint32Array;

  constructor(limbs: Uint32Array) {
    this.limbs = limbs;
  }

  get length(): number {
    return this.limbs.length / LIMBS;
  }

  slice(from: number, to: number): WasmPoints {
    return new WasmPoints(this.limbs.subarray(from * LIMBS, to * LIMBS));
  }
}

/** The limbs of a vector. Of another backend's it is a programmer's error. */
function limbsOf(points: Points): Uint32Array {
  if (points instanceof WasmPoints) return points.limbs;
  throw new Error("points of another group");
}

/** A part of a vector that goes through the module in one call. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** The parts of `length`, of at most `max` each. */
function piecesOf(length: number, max: number): Piece[] {
  return Array.from({ length: Math.ceil(length / max) }, (_, at) => {
    const from = at * max;
    const to = Math.min(length, from + max);
    return { from, to, count: to - from };
  });
}

/** Addresses of encodings and hints in the module's memory; 0 for no hints. */
interface Place {
  readonly encodings: number;
  readonly stride: number;
  readonly hints: number;
}

/** The numbers of elements by class: those of class c are order[starts[c]] up to, not with, order[starts[c + 1]]. */
function orderByClass(classes: Int32Array, classCount: number): { order: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(classCount + 1);
  // Loops by index: iterators of typed arrays cost more than the additions of the points do.
  for (let index = 0; index < classes.length; index++) {
    const of = classes[index] ?? -1;
    if (of >= 0) starts[of + 1] = (starts[of + 1] ?? 0) + 1;
  }
  for (let of = 0; of < classCount; of++) starts[of + 1] = (starts[of + 1] ?? 0) + (starts[of] ?? 0);
  const next = starts.slice();
  const order = new Int32Array(starts[classCount] ?? 0);
  for (let index = 0; index < classes.length; index++) {
    const of = classes[index] ?? -1;
    if (of < 0) continue;
    const at = next[of] ?? 0;
    order[at] = index;
    next[of] = at + 1;
  }
  return { order, starts };
}

/** The numbers of the elements that have a class. */
function indicesOfClasses(classes: Int32Array): Int32Array {
  const indices = new Int32Array(classes.length);
  let count = 0;
  for (let index = 0; index < classes.length; index++) {
    if ((classes[index] ?? -1) >= 0) indices[count++] = index;
  }
  return indices.subarray(0, count);
}

type Decoding = (points: number, area: Area, piece: Piece) => number;

class WasmGroup implements Group {
  readonly name = "wasm";
  readonly base: WasmPoints;
  readonly zero: WasmPoints;
  readonly #module: Exports;
  readonly #area: Area;

  constructor({ module, area }: Machine) {
    this.#module = module;
    this.#area = area;
    this.base = this.#take(module.BASE.value, 1);
    this.zero = this.#take(module.NEUTRAL.value, 1);
  }

  decode(encodings: Uint8Array, hints?: Uint8Array): WasmPoints {
    const length = countPieces(encodings, ENCODING_BYTES);
    if (!hints) return this.#decode(encodings, this.#module.decode);
    assertLength(countPieces(hints, HINT_BYTES), length);
    return this.#decodeAll(length, (points, area, { from, to, count }) => {
      const at = area.put(encodings.subarray(from * ENCODING_BYTES, to * ENCODING_BYTES));
      const hintsAt = area.put(hints.subarray(from * HINT_BYTES, to * HINT_BYTES));
      return this.#module.decodeHinted(points, at, hintsAt, count);
    });
  }

  decodeEd25519(encodings: Uint8Array): WasmPoints {
    return this.#decode(encodings, this.#module.decodeEd25519);
  }

  fromUniform(bytes: Uint8Array): WasmPoints {
    return this.#decodeAll(countPieces(bytes, UNIFORM_BYTES), (points, area, { from, to, count }) => {
      const at = area.put(bytes.subarray(from * UNIFORM_BYTES, to * UNIFORM_BYTES));
      this.#module.fromUniform(points, at, count);
      return -1;
    });
  }

  encode(points: Points): Uint8Array {
    return this.#toBytes(points, ENCODING_BYTES, this.#module.encode);
  }

  hints(points: Points): Uint8Array {
    return this.#toBytes(points, HINT_BYTES, this.#module.hints);
  }

  concat(parts: readonly Points[]): WasmPoints {
    const limbs = new Uint32Array(parts.reduce((sum, part) => sum + limbsOf(part).length, 0));
    let at = 0;
    for (const part of parts) {
      limbs.set(limbsOf(part), at);
      at += limbsOf(part).length;
    }
    return new WasmPoints(limbs);
  }

  add(a: Points, b: Points): WasmPoints {
    assertLength(limbsOf(b).length / LIMBS, a.length);
    return this.#each(a, (result, at, { from, to, count }) => {
      this.#module.addAll(result, at, this.#put(b, from, to), count);
    });
  }

  negate(points: Points): WasmPoints {
    return this.#each(points, (result, at, { count }) => this.#module.negateAll(result, at, count));
  }

  double(points: Points): WasmPoints {
    return this.#each(points, (result, at, { count }) => this.#module.doubleAll(result, at, count));
  }

  sum(scalars: readonly bigint[], points: Points): WasmPoints {
    return this.#sum(scalars, points, POINTS_MAX, (sum, scalarsAt, pointsAt, count) => {
      const module = this.#module;
      if (count <= STRAUS_POINTS_MAX) {
        module.straus(sum, scalarsAt, pointsAt, count, this.#area.take(module.strausBytes(count)));
      } else {
        const work = this.#area.take(module.pippengerBytes(scalarsAt, count));
        module.pippenger(sum, scalarsAt, pointsAt, count, work);
      }
    });
  }

  sumSecret(scalars: readonly bigint[], points: Points): WasmPoints {
    return this.#sum(scalars, points, SECRET_POINTS_MAX, (sum, scalarsAt, pointsAt, count) => {
      const work = this.#area.take(this.#module.secretBytes(count));
      this.#module.sumSecret(sum, scalarsAt, pointsAt, count, work);
    });
  }

  fold(points: Points, low: bigint, high: bigint): WasmPoints {
    const half = halfOf(limbsOf(points).length / LIMBS);
    assertScalars([low, high]);
    const parts = piecesOf(half, POINTS_MAX / 2).map(({ from, to, count }) => {
      this.#area.clear();
      const result = this.#area.take(count * POINT_BYTES);
      const scalars = this.#area.putScalars([low, high]);
      const at = this.#put(points, from, to);
      this.#put(points, half + from, half + to);
      this.#module.fold(result, scalars, at, count, this.#area.take(this.#module.FOLD_WORK.value));
      return this.#take(result, count);
    });
    return this.concat(parts);
  }

  sumsByClass(
    encodings: Encodings,
    hints: Uint8Array | null,
    classes: Int32Array,
    classCount: number,
  ): WasmPoints {
    assertClasses(encodings, classes, classCount);
    if (classCount > CLASSES_MAX) throw new Error(`${classCount} classes are more than ${CLASSES_MAX}`);
    if (hints) assertLength(countPieces(hints, HINT_BYTES), encodings.count);
    const max = Math.max(1, Math.min(ELEMENTS_MAX, Math.floor(ELEMENTS_BYTES_MAX / (encodings.stride || 1))));
    const none = Array.from({ length: classCount }, () => this.zero);
    return piecesOf(encodings.count, max).reduce((sums, piece, at) => {
      const more = this.#sumPiece(encodings, hints, classes, classCount, piece);
      return at === 0 ? more : this.add(sums, more);
    }, this.concat(none));
  }

  isZero(points: Points): boolean {
    return this.#all(points, this.#module.areIdentity);
  }

  isTorsion(points: Points): boolean {
    return this.#all(points, this.#module.areTorsion);
  }

  /** Puts the points [from, to) into the area. */
  #put(points: Points, from: number, to: number): number {
    return this.#area.putPoints(limbsOf(points).subarray(from * LIMBS, to * LIMBS));
  }

  /** A copy of points in the memory. */
  #take(at: number, count: number): WasmPoints {
    return new WasmPoints(this.#area.limbs(at, count * LIMBS).slice());
  }

  /** Decodes by pieces; `decoding` gives the number of the piece's first element that is refused, or -1. */
  #decodeAll(length: number, decoding: Decoding): WasmPoints {
    const parts = piecesOf(length, POINTS_MAX).map((piece) => {
      this.#area.clear();
      const points = this.#area.take(piece.count * POINT_BYTES);
      const failed = decoding(points, this.#area, piece);
      if (failed >= 0) throw new EncodingError(piece.from + failed);
      return this.#take(points, piece.count);
    });
    return this.concat(parts);
  }

  #decode(encodings: Uint8Array, decode: Exports["decode"]): WasmPoints {
    const length = countPieces(encodings, ENCODING_BYTES);
    return this.#decodeAll(length, (points, area, { from, to, count }) =>
      decode(points, area.put(encodings.subarray(from * ENCODING_BYTES, to * ENCODING_BYTES)), count),
    );
  }

  /** Bytes, `size` for each point. */
  #toBytes(points: Points, size: number, write: Exports["encode"]): Uint8Array {
    const all = new Uint8Array(limbsOf(points).length * (size / LIMBS));
    for (const { from, to, count } of piecesOf(points.length, POINTS_MAX)) {
      this.#area.clear();
      const bytes = this.#area.take(count * size);
      write(bytes, this.#put(points, from, to), count);
      all.set(this.#area.bytes(bytes, count * size), from * size);
    }
    return all;
  }

  /** A point for each. */
  #each(points: Points, change: (result: number, at: number, piece: Piece) => void): WasmPoints {
    const parts = piecesOf(limbsOf(points).length / LIMBS, POINTS_MAX).map((piece) => {
      this.#area.clear();
      const result = this.#area.take(piece.count * POINT_BYTES);
      change(result, this.#put(points, piece.from, piece.to), piece);
      return this.#take(result, piece.count);
    });
    return this.concat(parts);
  }

  #all(points: Points, are: Exports["areIdentity"]): boolean {
    return piecesOf(limbsOf(points).length / LIMBS, POINTS_MAX).every(({ from, to, count }) => {
      this.#area.clear();
      return are(this.#put(points, from, to), count) !== 0;
    });
  }

  /** The sum over pieces of at most `max` points. */
  #sum(
    scalars: readonly bigint[],
    points: Points,
    max: number,
    method: (sum: number, scalarsAt: number, pointsAt: number, count: number) => void,
  ): WasmPoints {
    assertLength(scalars.length, limbsOf(points).length / LIMBS);
    assertScalars(scalars);
    return piecesOf(scalars.length, max).reduce((total, { from, to, count }) => {
      this.#area.clear();
      const sum = this.#area.take(POINT_BYTES);
      const scalarsAt = this.#area.putScalars(scalars.slice(from, to));
      method(sum, scalarsAt, this.#put(points, from, to), count);
      return from === 0 ? this.#take(sum, 1) : this.add(total, this.#take(sum, 1));
    }, this.zero);
  }

  /** The sums over one piece. */
  #sumPiece(
    { bytes, offset, stride }: Encodings,
    hints: Uint8Array | null,
    classes: Int32Array,
    classCount: number,
    { from, to, count }: Piece,
  ): WasmPoints {
    this.#area.clear();
    const first = offset + from * stride;
    const place: Place = {
      encodings: this.#area.put(bytes.subarray(first, first + (count - 1) * stride + ENCODING_BYTES)),
      stride,
      hints: hints ? this.#area.put(hints.subarray(from * HINT_BYTES, to * HINT_BYTES)) : 0,
    };
    const own = classes.subarray(from, to);
    const isSparse = count < CLASS_ELEMENTS_MIN * classCount;
    const { sums, refused } = isSparse
      ? this.#addOneByOne(place, own, classCount)
      : this.#addClassByClass(place, own, classCount);
    if (refused >= 0) throw new EncodingError(from + refused);
    return this.#take(sums, classCount);
  }

  /** The address of the sums, and the number of the first element that is refused, or -1. */
  #addClassByClass(place: Place, classes: Int32Array, classCount: number): { sums: number; refused: number } {
    const { order, starts } = orderByClass(classes, classCount);
    const orderAt = this.#area.putNumbers(order);
    const sums = this.#area.take(classCount * POINT_BYTES);
    let refused = -1;
    for (let of = 0; of < classCount; of++) {
      const [begin = 0, end = 0] = [starts[of], starts[of + 1]];
      this.#module.setElements(place.encodings, place.stride, place.hints, orderAt + 4 * begin, end - begin);
      const failed = this.#module.sumElements(sums + of * POINT_BYTES);
      if (failed >= 0 && (refused < 0 || failed < refused)) refused = failed;
    }
    return { sums, refused };
  }

  #addOneByOne(place: Place, classes: Int32Array, classCount: number): { sums: number; refused: number } {
    const order = indicesOfClasses(classes);
    const orderAt = this.#area.putNumbers(order);
    const classesAt = this.#area.putNumbers(classes);
    const sums = this.#area.take(classCount * POINT_BYTES);
    const limbs = this.#area.limbs(sums, classCount * LIMBS);
    for (let of = 0; of < classCount; of++) limbs.set(this.zero.limbs, of * LIMBS);
    this.#module.setElements(place.encodings, place.stride, place.hints, orderAt, order.length);
    return { sums, refused: this.#module.addElements(sums, classesAt) };
  }
}

let group: WasmGroup | undefined;

/** The fast group; the same one at each call. */
export function fastGroup(): Group {
  group ??= new WasmGroup(sharedMachine());
  return group;
}
