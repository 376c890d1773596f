// What the energy of a period costs, as a statement of the constraint system: one walk over a tariff's charge, for
// prover and verifier alike. Sums of readings by public weights are not computed in it: the verifier adds up
// commitments, and each such sum is one committed value, so that blocks on a period's total cost a few dozen
// multipliers. Only readings that a table, a spline or a demand looks at are committed values of their own.
import { isAtLeast, maximum, maximumOf, minimum } from "../proofs/constraints/gadgets/comparison.js";
import { bitLength } from "../proofs/constraints/gadgets/domain.js";
import { product } from "../proofs/constraints/gadgets/logic.js";
import { roundedHalfAway, roundedHalfUp } from "../proofs/constraints/gadgets/quotient.js";
import { RangeTable } from "../proofs/constraints/gadgets/range-table.js";
import { splineSum } from "../proofs/constraints/gadgets/spline.js";
import type { Segment } from "../proofs/constraints/gadgets/spline-plan.js";
import { steps } from "../proofs/constraints/gadgets/steps.js";
import { type FirstPhase, Linear, type Variable } from "../proofs/constraints/system.js";
import { blocksCost } from "./blocks.js";
import type { Blocks, ByReading, Demand, Expression, Parts, Spline, Times, When } from "./charge.js";
import { type Bounds, chargeBounds, scaledCoefficients } from "./charge-bounds.js";
import { perOf, SPLINE_SCALE } from "./charge-evaluation.js";
import type { CostInputs, ReadingPlace } from "./circuit-inputs.js";
import type { Tariff } from "./document.js";
import { intervalsDuring, type Period } from "./evaluate.js";

const HOUR_S = 3600;
const MILLION = 1_000_000n;

/** What a node is compiled with. */
interface Compilation {
  readonly system: FirstPhase;
  readonly ranges: RangeTable;
  readonly tariff: Tariff;
  readonly period: Period;
  readonly bounds: ReadonlyMap<Expression, Bounds>;
  /** The committed value of a node that is a sum by public weights. */
  readonly sumOf: (node: Expression) => Linear;
  /** The readings that a node looks at. */
  readonly readingsOf: (node: Demand | ByReading | Spline) => Linear[];
}

/**
 * That the energy costs a total: rates times readings, and the charge.
 *
 * What is proved holds for readings below 2^32, as the meter promises, and of integers: charge-bounds.ts keeps all
 * of them far below l.
 * @param inputs of this tariff's period.
 * @param committed a committed value for each sum and then each reading of the inputs.
 * @param total T, |T| < 2^80.
 * @throws VerificationError as `chargeBounds`; OutOfDomainError in a prover's system for a reading beyond what the
 *   tariff can bill, which `energyCost` names.
 */
export function constrainCost(
  system: FirstPhase,
  inputs: CostInputs,
  tariff: Tariff,
  period: Period,
  committed: readonly Variable[],
  total: bigint,
): void {
  const wires = committed.map((variable) => Linear.of(variable));
  const sums = new Map(inputs.sums.map(({ of }, at) => [of, wires[at] ?? none()]));
  const ranges = new RangeTable(system);
  const readings = wires.slice(inputs.sums.length);
  const { charge } = tariff;
  const compilation = {
    system,
    ranges,
    tariff,
    period,
    bounds: charge ? chargeBounds(charge, tariff, period) : new Map<Expression, Bounds>(),
    sumOf: (node: Expression) => sums.get(node) ?? none(),
    readingsOf: (node: Demand | ByReading | Spline) =>
      lookedAt(node, inputs.readings, readings, tariff, period),
  };
  const cost = sums.get(null) ?? none();
  const charged = charge ? wireOf(charge, compilation) : none();
  system.constrain(cost.plus(charged).minus(Linear.constant(total)));
  ranges.finish();
}

const none = () => Linear.constant(0n);

function lookedAt(
  { obis, during }: Demand | ByReading | Spline,
  places: readonly ReadingPlace[],
  readings: readonly Linear[],
  tariff: Tariff,
  period: Period,
): Linear[] {
  const selected = intervalsDuring(tariff, during, period);
  return readings.filter((_, at) => {
    const place = places[at];
    return place?.obis === obis && selected[place.at] === true;
  });
}

/** A node's value in its unit. */
function wireOf(node: Expression, compilation: Compilation): Linear {
  const { tariff, period } = compilation;
  switch (node.kind) {
    case "energy":
    case "cost":
      return compilation.sumOf(node);
    case "demand":
      return demandWire(node, compilation);
    case "by-reading":
      return byReadingWire(node, compilation);
    case "spline":
      return splineWire(node, compilation);
    case "blocks":
      return blocksWire(node, compilation);
    case "min":
    case "max":
    case "sum":
      return partsWire(node, compilation);
    case "constant":
      return Linear.constant(BigInt(node.value) * perOf(node.per, tariff, period));
    case "times":
      return timesWire(node, compilation);
    case "when":
      return whenWire(node, compilation);
  }
}

function boundsOf(node: Expression, { bounds }: Compilation): Bounds {
  const found = bounds.get(node);
  if (!found) throw new Error("a node without bounds");
  return found;
}

/** Bits that hold the size of every integer within bounds; at least one. */
const bitsOf = ({ low, high }: Bounds) =>
  Math.max(1, bitLength(high < 0n ? 0n : high), bitLength(low > 0n ? 0n : -low));

const difference = (a: Bounds, b: Bounds): Bounds => ({ low: a.low - b.high, high: a.high - b.low });

/** The greatest reading, or zero of none. It is below the limit, so all are. */
function demandWire(node: Demand, compilation: Compilation): Linear {
  const { system, ranges, period } = compilation;
  const readings = compilation.readingsOf(node);
  if (readings.length === 0) return none();
  const factor = BigInt(HOUR_S / period.intervalSeconds);
  const most = BigInt(node.below_Wh - 1);
  const bits = Math.max(1, bitLength(most));
  const greatest = maximumOf(system, ranges, readings, bits, "distance from the highest reading");
  ranges.check(Linear.constant(most).minus(greatest), bits, "distance of the highest reading from its limit");
  return greatest.times(factor);
}

/** A table is a spline whose polynomials go through the origin: rate·start + rate·(r - start). */
function byReadingWire(node: ByReading, compilation: Compilation): Linear {
  const segments = node.ranges.map(({ rate }, at) => {
    const from = BigInt(node.ranges[at - 1]?.below_Wh ?? 0);
    return { from, coefficients: [BigInt(rate) * from, BigInt(rate)] };
  });
  return sumOfSpline(node, segments, node.ranges[node.ranges.length - 1]?.below_Wh ?? 0, compilation);
}

function splineWire(node: Spline, compilation: Compilation): Linear {
  const { segments } = node;
  const exact = sumOfSpline(
    node,
    segments.map(({ coefficients }, at) => ({
      from: BigInt(segments[at - 1]?.below_Wh ?? 0),
      coefficients: scaledCoefficients(coefficients),
    })),
    segments[segments.length - 1]?.below_Wh ?? 0,
    compilation,
  );
  return rounded(exact, boundsOf(node, compilation), SPLINE_SCALE, compilation);
}

function sumOfSpline(
  node: ByReading | Spline,
  segments: readonly Segment[],
  limit_Wh: number,
  compilation: Compilation,
): Linear {
  const { system, ranges } = compilation;
  const readings = compilation.readingsOf(node);
  if (readings.length === 0) return none();
  const spline = { segments: segments.map(trimmed), limit: BigInt(limit_Wh) };
  return splineSum(system, ranges, readings, spline, () => `a reading of ${node.obis}`);
}

/** Without the highest coefficients that are zero: what they cost is by degree. */
function trimmed({ from, coefficients }: Segment): Segment {
  const degree = coefficients.reduce((highest, coefficient, at) => (coefficient === 0n ? highest : at), 0);
  return { from, coefficients: coefficients.slice(0, degree + 1) };
}

/**
 * dividend/divisor, rounded half away from zero.
 * @param within bounds of the result. Where it cannot be negative, the dividend is above -divisor/2, and a half up is right.
 */
function rounded(dividend: Linear, within: Bounds, divisor: bigint, { system, ranges }: Compilation): Linear {
  const bits = bitsOf(within);
  const halfUp = (value: Linear) => roundedHalfUp(system, ranges, value, divisor, bits, "a rounded amount");
  if (within.low >= 0n) return halfUp(dividend);
  if (within.high <= 0n) return halfUp(dividend.times(-1n)).times(-1n);
  return roundedHalfAway(system, ranges, dividend, divisor, bits, "a rounded amount");
}

/**
 * Blocks of the quantity above its lower bound, which is not negative; at the bound the charge is a public number.
 * Limits that the quantity cannot reach, or is always above, are left out.
 */
function blocksWire(node: Blocks, compilation: Compilation): Linear {
  const { system, ranges, tariff, period } = compilation;
  const quantity = wireOf(node.of, compilation);
  const { low, high } = boundsOf(node.of, compilation);
  const per = perOf(node.per, tariff, period);
  const base = blocksCost(node, low, per);
  const limits = [...new Set(node.steps.map(({ upTo }) => BigInt(upTo) * per))];
  const within = limits.filter((limit) => limit > low && limit < high);
  // Between limits the charge is linear, so its rate is a difference of two values.
  const rates = [low, ...within].map(
    (from) => blocksCost(node, from + 1n, per) - blocksCost(node, from, per),
  );
  const above = quantity.minus(Linear.constant(low));
  if (within.length === 0) return above.times(rates[0] ?? 0n).plus(Linear.constant(base));
  const thresholds = within.map((limit) => limit - low);
  const cost = steps(system, ranges, above, thresholds, rates, bitLength(high - low), "quantity of blocks");
  return cost.plus(Linear.constant(base));
}

function partsWire(node: Parts, compilation: Compilation): Linear {
  const wires = node.parts.map((part) => wireOf(part, compilation));
  if (node.kind === "sum") return Linear.sum(wires);
  const { system, ranges } = compilation;
  const parts = wires.map((wire, at) => {
    const part = node.parts[at];
    return { wire, within: part ? boundsOf(part, compilation) : { low: 0n, high: 0n } };
  });
  const [isAbove, choose] = node.kind === "min" ? ([false, minimum] as const) : ([true, maximum] as const);
  return parts.reduce((a, b) => {
    const apart = difference(a.within, b.within);
    const within = isAbove ? greater(a.within, b.within) : lesser(a.within, b.within);
    if (apart.low >= 0n) return { wire: isAbove ? a.wire : b.wire, within };
    if (apart.high <= 0n) return { wire: isAbove ? b.wire : a.wire, within };
    return { wire: choose(system, ranges, a.wire, b.wire, bitsOf(apart), node.kind), within };
  }).wire;
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);
const lesser = (a: Bounds, b: Bounds): Bounds => ({ low: least(a.low, b.low), high: least(a.high, b.high) });
const greater = (a: Bounds, b: Bounds): Bounds => ({
  low: a.low + b.low - least(a.low, b.low),
  high: a.high + b.high - least(a.high, b.high),
});

function timesWire(node: Times, compilation: Compilation): Linear {
  const factor = BigInt(node.ppm);
  const wire = wireOf(node.of, compilation);
  if (factor % MILLION === 0n) return wire.times(factor / MILLION);
  return rounded(wire.times(factor), boundsOf(node, compilation), MILLION, compilation);
}

/** Both choices are compiled: what they ask of the readings holds whichever is taken. */
function whenWire(node: When, compilation: Compilation): Linear {
  const { system, ranges } = compilation;
  const [quantity, atLeast, met, unmet] = [
    wireOf(node.quantity, compilation),
    wireOf(node.atLeast, compilation),
    wireOf(node.met, compilation),
    wireOf(node.unmet, compilation),
  ];
  const apart = difference(boundsOf(node.quantity, compilation), boundsOf(node.atLeast, compilation));
  if (apart.low >= 0n) return met;
  if (apart.high < 0n) return unmet;
  const bit = isAtLeast(system, ranges, quantity, atLeast, bitsOf(apart), "quantity of a choice");
  return unmet.plus(product(system, bit, met.minus(unmet)));
}
