// Between which numbers each node of a charge lies, whatever the readings: from the tariff and the period alone, so
// that prover and verifier give the wires of a proof the same widths, and so that no number can be another one
// modulo l. It rests on what the meter promises of a reading, r < 2^32, and on the limits that a table proves.
import { ensure } from "../proofs/signed.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { blocksCost } from "./blocks.js";
import { type Blocks, type Expression, nodesOf, type Segment, unitOf } from "./charge.js";
import { perOf, SPLINE_SCALE } from "./charge-evaluation.js";
import type { Tariff } from "./document.js";
import { intervalsDuring, type Period, partsPerMillion, policyRates, roundedQuotient } from "./evaluate.js";
import type { EnergyPolicy, Hours } from "./policy.js";

/**
 * No node's value is of this size or more. What is computed on the way to one, at most 2^30 times that (the exact sum
 * of a spline, a product before its division), stays far below l, which is above 2^252.
 */
const VALUE_LIMIT = 2n ** 96n;
/** Nor is a quantity, of Wh or W, of this size: the difference of two has at most 64 bits. */
const QUANTITY_LIMIT = 2n ** 63n;
const READING_MAX = BigInt(U32_MAX);
const HOUR_S = 3600;

/** Both can be reached, or nearly. */
export interface Bounds {
  readonly low: bigint;
  readonly high: bigint;
}

function checkLimit(node: Expression, { low, high }: Bounds): void {
  const [limit, name] = unitOf(node) === "money" ? [VALUE_LIMIT, "2^96"] : [QUANTITY_LIMIT, "2^63"];
  ensure(
    low > -limit && high < limit,
    `a ${node.kind} of the tariff's charge could reach ${name} in this period`,
  );
}

/** From the least to the greatest of some numbers. */
function hull(values: readonly bigint[]): Bounds {
  const [first = 0n] = values;
  return values.reduce<Bounds>(
    ({ low, high }, value) => ({ low: value < low ? value : low, high: value > high ? value : high }),
    { low: first, high: first },
  );
}

/**
 * Bounds of every node of a charge in a period, in its unit.
 * @param period within the tariff's validity.
 * @throws VerificationError for a charge of which a part could reach 2^96, or 2^63 Wh or W; FormatError if prices do not fit the meter's
 *   intervals.
 */
export function chargeBounds(
  charge: Expression,
  tariff: Tariff,
  period: Period,
): ReadonlyMap<Expression, Bounds> {
  const bounds = new Map<Expression, Bounds>();
  const below = (part: Expression): Bounds => {
    const found = bounds.get(part);
    if (!found) throw new Error("a node stands before those below it");
    return found;
  };
  for (const node of nodesOf(charge)) {
    const found = boundsOf(node, below, tariff, period);
    checkLimit(node, found);
    bounds.set(node, found);
  }
  return bounds;
}

function boundsOf(
  node: Expression,
  below: (part: Expression) => Bounds,
  tariff: Tariff,
  period: Period,
): Bounds {
  switch (node.kind) {
    case "energy":
      return { low: 0n, high: READING_MAX * countDuring(tariff, node.during, period) };
    case "cost":
      return costBounds(node.policies, tariff, period);
    case "demand":
      return { low: 0n, high: BigInt(node.below_Wh - 1) * BigInt(HOUR_S / period.intervalSeconds) };
    case "by-reading": {
      const least = node.ranges.map((_, at) => BigInt(node.ranges[at - 1]?.below_Wh ?? 0));
      const costs = node.ranges.flatMap(({ rate, below_Wh }, at) =>
        [least[at] ?? 0n, BigInt(below_Wh)].map((reading) => BigInt(rate) * reading),
      );
      return repeated(hull([0n, ...costs]), countDuring(tariff, node.during, period));
    }
    case "spline": {
      const { low, high } = splineBounds(node.segments, countDuring(tariff, node.during, period));
      return { low: roundedQuotient(low, SPLINE_SCALE), high: roundedQuotient(high, SPLINE_SCALE) };
    }
    case "blocks":
      return blocksBounds(node, below(node.of), perOf(node.per, tariff, period));
    case "min":
    case "max": {
      const parts = node.parts.map(below);
      const [lows, highs] = [hull(parts.map(({ low }) => low)), hull(parts.map(({ high }) => high))];
      return node.kind === "min" ? { low: lows.low, high: highs.low } : { low: lows.high, high: highs.high };
    }
    case "sum":
      return node.parts
        .map(below)
        .reduce((sum, { low, high }) => ({ low: sum.low + low, high: sum.high + high }), {
          low: 0n,
          high: 0n,
        });
    case "constant": {
      const value = BigInt(node.value) * perOf(node.per, tariff, period);
      return { low: value, high: value };
    }
    case "times": {
      const { low, high } = below(node.of);
      return hull([low, high].map((value) => partsPerMillion(value, node.ppm)));
    }
    case "when":
      return hull([node.met, node.unmet].map(below).flatMap(({ low, high }) => [low, high]));
  }
}

const countDuring = (tariff: Tariff, hours: readonly Hours[], period: Period) =>
  BigInt(intervalsDuring(tariff, hours, period).filter((isWithin) => isWithin).length);

/** Of a sum of so many numbers, each of them between these bounds or absent. */
const repeated = ({ low, high }: Bounds, count: bigint): Bounds => ({
  low: low * count,
  high: high * count,
});

function costBounds(policies: readonly EnergyPolicy[], tariff: Tariff, period: Period): Bounds {
  const each = policies.flatMap((policy) => policyRates(tariff, policy, period));
  const sum = (sign: 1 | -1) =>
    BigInt(each.reduce((total, rate) => (rate * sign > 0 ? total + rate : total), 0)) * READING_MAX;
  return { low: sum(-1), high: sum(1) };
}

/**
 * Bounds of a spline's exact sum over so many readings, in 10^-9 nano-currency: of each power of x by itself, so
 * somewhat beyond what the polynomials reach.
 */
function splineBounds(segments: readonly Segment[], count: bigint): Bounds {
  const each = segments.flatMap(({ below_Wh, coefficients }, at) => {
    const width = BigInt(below_Wh - (segments[at - 1]?.below_Wh ?? 0));
    const [c0, ...others] = scaledCoefficients(coefficients);
    const terms = others.map((coefficient, power) => coefficient * width ** BigInt(power + 1));
    const sum = (isCounted: (term: bigint) => boolean) =>
      terms.filter(isCounted).reduce((total, term) => total + term, c0 ?? 0n);
    return [sum((term) => term < 0n), sum((term) => term > 0n)];
  });
  return repeated(hull([0n, ...each]), count);
}

/** Coefficients in 10^-9 nano-currency per Wh^k; they are stated in 10^-9 currency per kWh^k. */
export const scaledCoefficients = (coefficients: readonly number[]): bigint[] =>
  coefficients.map((coefficient, power) => BigInt(coefficient) * 1000n ** BigInt(3 - power));

/** The cost falls or rises throughout a block, so it is least and greatest at a limit or at an end. */
function blocksBounds(blocks: Blocks, { low, high }: Bounds, per: bigint): Bounds {
  const limits = blocks.steps.map(({ upTo }) => BigInt(upTo) * per);
  const within = limits.filter((limit) => limit > low && limit < high);
  return hull([low, high, ...within].map((quantity) => blocksCost(blocks, quantity, per)));
}
