// The slides' "polynomial spline" and "look-up by range": a function of a secret number that is one polynomial in
// each of several segments. Which segment it is stays secret, and so do the coefficients: they are looked up in a
// public table together with where the segment begins. A look-up by range is a spline of degree 0, a table of all
// values of any function one with a segment for each number.
import { assert } from "../../../trusted/encoding/bytes.js";
import { type FirstPhase, Linear, modulo } from "../system.js";
import { OutOfDomainError, signed } from "./domain.js";
import { freeWires } from "./free-wires.js";
import { freePolynomial } from "./polynomial.js";
import type { RangeTable } from "./range-table.js";
import { RowTable } from "./row-table.js";
import { type Piece, planSpline, type Spline, type SplinePlan, type Wanted } from "./spline-plan.js";

/** Most arguments in one call. */
export const USES_MAX = 131_072;

/**
 * The function's value for each of these numbers, each of which is thereby proved to be in the spline's domain.
 *
 * Cost with R rows, by the cheapest plan (spline-plan.ts): R/2 once; for each number, with a table of single
 * numbers 1.5; with blocks its degree + 1.5 (at least 2) and a range; with whole segments half of one more, and
 * two ranges.
 * @param numbers at most 131,072.
 * @param what names a number, by its place, to a prover for whom it is out of the domain.
 * @throws OutOfDomainError in a prover's system in which a number is not in [first segment's from, limit).
 */
export function splineValues(
  system: FirstPhase,
  ranges: RangeTable,
  numbers: readonly Linear[],
  spline: Spline,
  what: (at: number) => string,
): Linear[] {
  const { values } = lookUpPieces(system, ranges, numbers, spline, "each", what);
  return values;
}

/**
 * The sum of the function's values for these numbers. It costs half a multiplier a number less than
 * `splineValues`: constant terms are added up by how often each row is looked up (`RowTable.total`).
 */
export function splineSum(
  system: FirstPhase,
  ranges: RangeTable,
  numbers: readonly Linear[],
  spline: Spline,
  what: (at: number) => string,
): Linear {
  const { values, table, plan } = lookUpPieces(system, ranges, numbers, spline, "sum", what);
  const constants = table.total(plan.pieces.map(({ coefficients }) => coefficients[0] ?? 0n));
  return Linear.sum([...values, constants]);
}

function lookUpPieces(
  system: FirstPhase,
  ranges: RangeTable,
  numbers: readonly Linear[],
  spline: Spline,
  wanted: Wanted,
  what: (at: number) => string,
) {
  assert(numbers.length <= USES_MAX, "a spline is of at most 131,072 numbers");
  const plan = planSpline(spline, numbers.length, wanted);
  const table = new RowTable(
    system,
    plan.pieces.map((piece) => columnsOf(piece, plan, wanted)),
  );
  const places = numbers.map((x, at) => findPiece(system.evaluate(x), plan.pieces, () => what(at)));
  const own = places.map((place) => ownValues(place, plan, wanted));
  const wires = freeWires(system, own.flat());
  const values = numbers.map((x, at) => {
    const place = places[at] ?? null;
    const mine = wires.slice(at * plan.wires, (at + 1) * plan.wires);
    const { value, columns } = applyPiece(system, ranges, { x, plan, wanted, place, wires: mine });
    table.require(columns, place?.row ?? null);
    return value;
  });
  table.finish();
  return { values, table, plan };
}

/** Where a prover's number lies. */
interface Place {
  readonly x: bigint;
  readonly piece: Piece;
  readonly row: number;
}

function findPiece(scalar: bigint | null, pieces: readonly Piece[], what: () => string): Place | null {
  if (scalar === null) return null;
  const x = signed(scalar);
  let [row, beyond] = [0, pieces.length];
  while (beyond - row > 1) {
    const middle = (row + beyond) >> 1;
    if ((pieces[middle]?.start ?? 0n) <= x) row = middle;
    else beyond = middle;
  }
  const piece = pieces[row];
  const first = pieces[0]?.start ?? 0n;
  const last = pieces[pieces.length - 1]?.end ?? 0n;
  if (piece === undefined || x < first || x > last) {
    throw new OutOfDomainError(what(), scalar, `in [${first}, ${last}]`);
  }
  return { x, piece, row };
}

/** A row of the table: start, c1, c2, ..., then end and c0 if there is a wire for them. */
function columnsOf({ start, end, coefficients }: Piece, { degree, kind }: SplinePlan, wanted: Wanted) {
  const slopes = Array.from({ length: degree }, (_, at) => coefficients[at + 1] ?? 0n);
  const ends = kind === "segment" ? [end] : [];
  return [start, ...slopes, ...ends, ...(wanted === "each" ? [coefficients[0] ?? 0n] : [])];
}

/** Values of the wires that an argument has besides its polynomial's: x - start if there is none, end, c0. */
function ownValues(
  place: Place | null,
  { degree, kind, wires }: SplinePlan,
  wanted: Wanted,
): (bigint | null)[] {
  if (place === null) return new Array<null>(wires).fill(null);
  const { x, piece } = place;
  const offset = kind !== "number" && degree === 0 ? [x - piece.start] : [];
  const ends = kind === "segment" ? [piece.end] : [];
  return [...offset, ...ends, ...(wanted === "each" ? [piece.coefficients[0] ?? 0n] : [])].map(modulo);
}

interface Application {
  readonly x: Linear;
  readonly plan: SplinePlan;
  readonly wanted: Wanted;
  readonly place: Place | null;
  readonly wires: readonly Linear[];
}

/**
 * The value for one argument, without c0 if only the sum is wanted, and the row that it rests on. Whatever the
 * prover chose is the row's once that is looked up: start is x less the offset, and the offset is in range.
 */
function applyPiece(system: FirstPhase, ranges: RangeTable, application: Application) {
  const { x, plan, wanted, place } = application;
  const { kind, bits, degree } = plan;
  const wires = [...application.wires];
  const constant = wanted === "each" ? [wires.pop() ?? Linear.constant(0n)] : [];
  if (kind === "number") return { value: Linear.sum(constant), columns: [x, ...constant] };
  const { offset, coefficients, value } = rise(system, degree, place, wires[0] ?? Linear.constant(0n));
  ranges.check(offset, bits, "distance from a segment's begin");
  const ends = kind === "segment" ? wires.slice(-1) : [];
  for (const end of ends) ranges.check(end.minus(x), bits, "distance to a segment's end");
  return {
    value: Linear.sum([value, ...constant]),
    columns: [x.minus(offset), ...coefficients, ...ends, ...constant],
  };
}

/** c1·offset + c2·offset^2 + ..., by a free polynomial; without one the offset is a wire of its own. */
function rise(system: FirstPhase, degree: number, place: Place | null, wire: Linear) {
  if (degree === 0) return { offset: wire, coefficients: [], value: Linear.constant(0n) };
  const witness = place && {
    x: modulo(place.x - place.piece.start),
    coefficients: Array.from({ length: degree }, (_, at) => modulo(place.piece.coefficients[at + 1] ?? 0n)),
  };
  const { x, coefficients, value } = freePolynomial(system, degree, witness);
  return { offset: x, coefficients, value };
}
