// How a piecewise polynomial of secret numbers is proved at the least cost: over which rows of a table its
// argument is looked up. A function of public things alone, so that prover and verifier arrive at the same plan.
import { assert } from "../../../trusted/encoding/bytes.js";
import { bitLength } from "./domain.js";
import { DEGREE_MAX } from "./polynomial.js";
import { planRanges } from "./range-plan.js";
import { ROWS_MAX } from "./row-table.js";

/** From `from` on, a polynomial in x - from. */
export interface Segment {
  readonly from: bigint;
  /** c0, c1, ...: 1 to 9 integers of either sign. */
  readonly coefficients: readonly bigint[];
}

/** A function of the integers in [first segment's from, limit), fewer than 2^64. */
export interface Spline {
  /** 1 to 65,536, ascending, each up to where the next begins. */
  readonly segments: readonly Segment[];
  readonly limit: bigint;
}

/** A row of the table: for x from start to end, both included, the function is this polynomial in x - start. */
export interface Piece {
  readonly start: bigint;
  readonly end: bigint;
  readonly coefficients: readonly bigint[];
}

/**
 * Pieces by ascending start. Of kind "number" each is a single number; of "block", 2^bits of them, so that
 * x - start in [0, 2^bits) is all there is to prove; of "segment" at most 2^bits, and end - x has to be in that
 * range as well.
 */
export interface SplinePlan {
  readonly kind: "number" | "block" | "segment";
  readonly pieces: readonly Piece[];
  readonly bits: number;
  /** Of the pieces' polynomials. */
  readonly degree: number;
  /** Wires of their own that each argument takes. */
  readonly wires: number;
  /** Multipliers of both phases, with ranges counted as if there were no others. */
  readonly multipliers: number;
}

/** What is wanted of many arguments: each one's value, which takes a wire, or the sum of all, which takes none. */
export type Wanted = "each" | "sum";

/** Widest domain, bits. */
export const DOMAIN_BITS_MAX = 64;

/** Asserts that a spline is what its type says. */
function checkSpline({ segments, limit }: Spline): void {
  assert(segments.length >= 1 && segments.length <= ROWS_MAX, "a spline has 1 to 65,536 segments");
  segments.forEach(({ from, coefficients }, at) => {
    assert(from < (segments[at + 1]?.from ?? limit), "segments ascend and end below the limit");
    assert(
      coefficients.length >= 1 && coefficients.length <= DEGREE_MAX + 1,
      "a segment has a degree of 0 to 8",
    );
  });
  assert(
    bitLength(limit - 1n - (segments[0]?.from ?? 0n)) <= DOMAIN_BITS_MAX,
    "a domain has at most 64 bits",
  );
}

/**
 * The cheapest plan for so many arguments.
 *
 * Whole segments are the fewest rows and need two ranges an argument. Blocks of 2^b numbers need one of b bits,
 * and no column for their end, but are more rows; a segment's last block may overlap the one before it, where both
 * say the same, so a segment's length need be no multiple of 2^b. Single numbers hold the function itself: they
 * need no range and no polynomial.
 */
export function planSpline(spline: Spline, uses: number, wanted: Wanted): SplinePlan {
  checkSpline(spline);
  const shapes = shapesOf(spline).filter(({ rows }) => rows <= BigInt(ROWS_MAX));
  const costed = shapes.map((shape) => ({ ...shape, ...costOf(shape, uses, wanted) }));
  const { rows, ...best } = costed.reduce((a, b) => (b.multipliers < a.multipliers ? b : a));
  const pieces = spline.segments.flatMap((segment, at) =>
    piecesOf(segment, (spline.segments[at + 1]?.from ?? spline.limit) - segment.from, best),
  );
  assert(BigInt(pieces.length) === rows, "a plan has the rows that it was chosen for");
  return { ...best, pieces };
}

interface Shape {
  readonly kind: SplinePlan["kind"];
  readonly bits: number;
  readonly degree: number;
  readonly rows: bigint;
}

function shapesOf({ segments, limit }: Spline): Shape[] {
  const lengths = segments.map(({ from }, at) => (segments[at + 1]?.from ?? limit) - from);
  const least = lengths.reduce((a, b) => (a < b ? a : b));
  const most = lengths.reduce((a, b) => (a > b ? a : b));
  const degree = Math.max(...segments.map(({ coefficients }) => coefficients.length - 1));
  const blocks = Array.from({ length: bitLength(least) - 1 }, (_, at): Shape => {
    const bits = at + 1;
    const rows = lengths.reduce((sum, length) => sum + ceilShift(length, bits), 0n);
    return { kind: "block", bits, degree, rows };
  });
  return [
    {
      kind: "segment",
      bits: Math.max(1, bitLength(most - 1n)),
      degree,
      rows: BigInt(segments.length),
    },
    ...blocks,
    { kind: "number", bits: 0, degree: 0, rows: lengths.reduce((sum, length) => sum + length, 0n) },
  ];
}

/** Blocks of 2^bits numbers that cover so many. */
const ceilShift = (length: bigint, bits: number) => (length + 2n ** BigInt(bits) - 1n) >> BigInt(bits);

function costOf({ kind, bits, degree, rows }: Shape, uses: number, wanted: Wanted) {
  const value = wanted === "each" ? 1 : 0;
  const offset = kind !== "number" && degree === 0 ? 1 : 0;
  const end = kind === "segment" ? 1 : 0;
  const wires = value + offset + end;
  const rangesEach = { number: 0, block: 1, segment: 2 }[kind];
  const ranges = planRanges(new Map(rangesEach === 0 ? [] : [[bits, rangesEach * uses]]));
  const free = Math.ceil((uses * wires) / 2) + Math.ceil(Number(rows) / 2);
  return { wires, multipliers: free + uses * (degree + 1) + ranges.first + ranges.second };
}

/** A segment's rows. */
function piecesOf(
  { from, coefficients }: Segment,
  length: bigint,
  { kind, bits, degree }: Omit<Shape, "rows">,
) {
  const size = kind === "segment" ? length : 2n ** BigInt(bits);
  const count = kind === "segment" ? 1 : Number(ceilShift(length, bits));
  return Array.from({ length: count }, (_, at): Piece => {
    const offset = at === count - 1 ? length - size : BigInt(at) * size;
    const moved = shift(coefficients, offset).slice(0, degree + 1);
    return { start: from + offset, end: from + offset + size - 1n, coefficients: moved };
  });
}

/** The coefficients in x - offset of a polynomial in x: repeated division by x - offset. */
function shift(coefficients: readonly bigint[], offset: bigint): bigint[] {
  const shifted = [...coefficients];
  for (let done = 0; done < shifted.length; done++) {
    for (let power = shifted.length - 2; power >= done; power--) {
      shifted[power] = (shifted[power] ?? 0n) + offset * (shifted[power + 1] ?? 0n);
    }
  }
  return shifted;
}

/** The value of a piece at x: in clear, for a prover or a test. */
export const valueAt = ({ start, coefficients }: Piece, x: bigint) =>
  coefficients.reduceRight((sum, coefficient) => sum * (x - start) + coefficient, 0n);
