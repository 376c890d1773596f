// The group by noble's arithmetic: slower, and what the fast one is tested against. A wrong encoding is whatever
// noble refuses.
import { pippenger } from "@noble/curves/abstract/curve.js";
import { ed25519, ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { numberToBytesLE } from "@noble/curves/utils.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { sameBytes } from "../../trusted/encoding/bytes.js";
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

const Edwards = ed25519.Point;
const Ristretto = ristretto255.Point;
type Point = InstanceType<typeof Edwards>;

class NoblePoints implements Points {
  readonly list: readonly Point[];

  constructor(list: readonly Point[]) {
    this.list = list;
  }

  get length(): number {
    return this.list.length;
  }

  slice(from: number, to: number): NoblePoints {
    return new NoblePoints(this.list.slice(from, to));
  }
}

/** The points of a vector. Of another backend's it is a programmer's error. */
function listOf(points: Points): readonly Point[] {
  if (points instanceof NoblePoints) return points.list;
  throw new Error("points of another group");
}

/** Pieces of `size` bytes. */
function pieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const length = countPieces(bytes, size);
  return Array.from({ length }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

/** The point that `read` makes, or what an EncodingError says. */
function decodeOne(index: number, read: () => Point): Point {
  try {
    return read();
  } catch {
    throw new EncodingError(index);
  }
}

/** An element's edwards25519 point; noble keeps that inside, but tells its coordinates. */
const pointOf = (element: InstanceType<typeof Ristretto>): Point => Edwards.fromAffine(element.toAffine());

function hintOf(element: InstanceType<typeof Ristretto>): Uint8Array {
  const { x, y } = element.toAffine();
  return concatBytes(numberToBytesLE(x, ENCODING_BYTES), numberToBytesLE(y, ENCODING_BYTES));
}

/** Decodes without any use of the hint, which is then compared: slower than none, and as strict. */
function decodeElement(bytes: Uint8Array, index: number, hint: Uint8Array | null): Point {
  const element = decodeOne(index, () => pointOf(Ristretto.fromBytes(bytes)));
  if (hint !== null && !sameBytes(hint, hintOf(new Ristretto(element)))) {
    throw new EncodingError(index, "its hint is not its point");
  }
  return element;
}

const single = (point: Point) => new NoblePoints([point]);

/** The sum of non-zero scalars times points; noble's Pippenger takes no empty list. */
function sum(scalars: readonly bigint[], points: Points): NoblePoints {
  const list = listOf(points);
  assertLength(scalars.length, list.length);
  assertScalars(scalars);
  return list.length === 0 ? single(Edwards.ZERO) : single(pippenger(Edwards, [...list], [...scalars]));
}

export const nobleGroup: Group = {
  name: "noble",
  base: single(Edwards.BASE),
  zero: single(Edwards.ZERO),

  decode(encodings, hints) {
    const list = pieces(encodings, ENCODING_BYTES);
    const hintList = hints ? pieces(hints, HINT_BYTES) : null;
    if (hintList) assertLength(hintList.length, list.length);
    return new NoblePoints(list.map((bytes, at) => decodeElement(bytes, at, hintList?.[at] ?? null)));
  },

  encode: (points) => concatBytes(...listOf(points).map((point) => new Ristretto(point).toBytes())),

  hints: (points) =>
    concatBytes(
      ...listOf(points).map((point) => hintOf(Ristretto.fromBytes(new Ristretto(point).toBytes()))),
    ),

  decodeEd25519: (encodings) =>
    new NoblePoints(
      pieces(encodings, ENCODING_BYTES).map((bytes, at) =>
        decodeOne(at, () => Edwards.fromBytes(bytes, false)),
      ),
    ),

  fromUniform: (bytes) =>
    new NoblePoints(
      pieces(bytes, UNIFORM_BYTES).map((piece) =>
        // deriveToCurve is RFC 9496's map; noble types it as optional for other curves.
        pointOf(ristretto255_hasher.deriveToCurve?.(piece) ?? Ristretto.ZERO),
      ),
    ),

  concat: (parts) => new NoblePoints(parts.flatMap((part) => [...listOf(part)])),

  add(a, b) {
    const others = listOf(b);
    assertLength(others.length, a.length);
    return new NoblePoints(listOf(a).map((point, at) => point.add(others[at] ?? Edwards.ZERO)));
  },

  negate: (points) => new NoblePoints(listOf(points).map((point) => point.negate())),
  double: (points) => new NoblePoints(listOf(points).map((point) => point.double())),
  sum,

  sumSecret(scalars, points) {
    assertLength(scalars.length, points.length);
    assertScalars(scalars);
    return single(
      listOf(points).reduce((total, point, at) => {
        const scalar = scalars[at] ?? 0n;
        // noble's multiply takes no zero: l + 0 would be one too many, so zero is multiplied as 1 and not added.
        const product = point.multiply(scalar === 0n ? 1n : scalar);
        return total.add(scalar === 0n ? Edwards.ZERO : product);
      }, Edwards.ZERO),
    );
  },

  fold(points, low, high) {
    const list = listOf(points);
    const half = halfOf(list.length);
    assertScalars([low, high]);
    return new NoblePoints(
      list.slice(0, half).map((point, at) => {
        const other = list[half + at] ?? Edwards.ZERO;
        return point.multiplyUnsafe(low).add(other.multiplyUnsafe(high));
      }),
    );
  },

  sumsByClass(encodings: Encodings, hints, classes, classCount) {
    assertClasses(encodings, classes, classCount);
    const { bytes, offset, stride, count } = encodings;
    const hintList = hints ? pieces(hints, HINT_BYTES) : null;
    if (hintList) assertLength(hintList.length, count);
    const sums = new Array<Point>(classCount).fill(Edwards.ZERO);
    classes.forEach((of, index) => {
      if (of < 0) return;
      const at = offset + index * stride;
      const point = decodeElement(bytes.subarray(at, at + ENCODING_BYTES), index, hintList?.[index] ?? null);
      sums[of] = (sums[of] ?? Edwards.ZERO).add(point);
    });
    return new NoblePoints(sums);
  },

  isZero: (points) => listOf(points).every((point) => new Ristretto(point).is0()),
  isTorsion: (points) => listOf(points).every((point) => point.clearCofactor().is0()),
};
