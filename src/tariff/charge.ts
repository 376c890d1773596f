// The part of a tariff that is not linear in the readings, as one expression: what a period costs by its total, its
// highest demand, or each reading by itself. "Any tariff expressed as table look-ups and polynomial splines" (Rial
// & Danezis 2011, section 5) is put together here from a dozen kinds of nodes. What an expression comes to is for
// charge-evaluation.ts to say, and how it is proved for circuit.ts.
import type { EnergyPolicy, Hours } from "./policy.js";

/** Most nodes of an expression, and most of them from its root to a leaf, both counted. */
export const NODES_MAX = 64;
export const DEPTH_MAX = 8;
/** Most nodes of an expression that look at each reading by itself: demands, tables by range and splines. */
export const READERS_MAX = 8;
/** Most parts of a sum, a minimum or a maximum. */
export const PARTS_MAX = 16;
/** Most rates of `blocks`, the last included. */
export const STEPS_MAX = 16;
/** Most ranges of a table, and segments of a spline. */
export const RANGES_MAX = 64;
/** Readings are below this, Wh. */
export const READINGS = 2 ** 32;
/** Coefficients of a segment: a polynomial of degree 3. */
export const COEFFICIENTS = 4;
/** Largest coefficient of either sign: a million of currency per kWh^k, in 10^-9. */
export const COEFFICIENT_MAX = 1_000_000_000_000_000;
/** Largest constant of either sign, in whatever unit. */
export const CONSTANT_MAX = 1_000_000_000_000_000;
/** Largest factor of either sign, parts per million: a thousand. */
export const FACTOR_MAX = 1_000_000_000;

/** What a number counts: energy Wh, power W, money nano-currency. */
export type Unit = "energy" | "power" | "money";

/** Once in the period, or times its standing days. */
export type Per = "period" | "day";

/** Energy of a channel: the sum of the readings whose interval starts during the hours; of all, if there are none. */
export interface Energy {
  readonly kind: "energy";
  readonly obis: string;
  /** At most 64. */
  readonly during: readonly Hours[];
}

/** What readings cost by policies such as a tariff without charge has: 1 to 8 of distinct OBIS codes. */
export interface Cost {
  readonly kind: "cost";
  readonly policies: readonly EnergyPolicy[];
}

/**
 * Power of the highest of the readings whose interval starts during the hours, as the mean over its interval: Wh
 * times 3600 over the interval's seconds. Zero where there is no reading.
 */
export interface Demand {
  readonly kind: "demand";
  readonly obis: string;
  readonly during: readonly Hours[];
  /** Wh, 1 to 2^32: only readings below it can be billed. The lower it is, the less a proof costs. */
  readonly below_Wh: number;
}

/** Readings below a limit, from the limit of the range before it on, or from 0. */
export interface Range {
  /** Wh, 1 to 2^32, ascending. Only readings below that of the last range can be billed. */
  readonly below_Wh: number;
  /** Nano-currency per Wh of the whole reading. */
  readonly rate: number;
}

/** A table: each reading at the rate of its range, summed. A reading of none, in an interval without power, costs nothing. */
export interface ByReading {
  readonly kind: "by-reading";
  readonly obis: string;
  readonly during: readonly Hours[];
  /** 1 to 64. */
  readonly ranges: readonly Range[];
}

export interface Segment {
  /** As in a range. */
  readonly below_Wh: number;
  /** c0 to c3, in 10^-9 currency per kWh^k. */
  readonly coefficients: readonly [number, number, number, number];
}

/**
 * A spline: for each reading the polynomial c0 + c1·x + c2·x² + c3·x³ of its segment, x being the kWh of the reading
 * above the segment's start, which is the limit of the segment before it. Exact, summed, and the sum rounded once
 * to nano-currency, half away from zero.
 */
export interface Spline {
  readonly kind: "spline";
  readonly obis: string;
  readonly during: readonly Hours[];
  /** 1 to 64. */
  readonly segments: readonly Segment[];
}

/** A part of a quantity up to a limit, in the quantity's unit, and what each Wh or W of that part costs. */
export interface Step {
  /** 0 to 10^15, ascending. */
  readonly upTo: number;
  /** Nano-currency per Wh or W. */
  readonly rate: number;
}

/** Stepped rates of an energy or power. What is below zero costs the first rate. */
export interface Blocks {
  readonly kind: "blocks";
  readonly of: Expression;
  /** What the limits are for. */
  readonly per: Per;
  /** At most 15. */
  readonly steps: readonly Step[];
  /** Of what is beyond the last step. */
  readonly rate: number;
}

/** The least, the greatest or the sum of 2 to 16 parts of one unit. */
export interface Parts {
  readonly kind: "min" | "max" | "sum";
  readonly parts: readonly Expression[];
}

export interface Constant {
  readonly kind: "constant";
  readonly unit: Unit;
  readonly per: Per;
  /** |value| <= 10^15; not negative unless it is money. */
  readonly value: number;
}

/** A multiple in parts per million, rounded once to the unit, half away from zero. */
export interface Times {
  readonly kind: "times";
  readonly ppm: number;
  readonly of: Expression;
}

/** One of two parts of one unit: the first where a quantity is at least another of its unit. */
export interface When {
  readonly kind: "when";
  readonly quantity: Expression;
  readonly atLeast: Expression;
  readonly met: Expression;
  readonly unmet: Expression;
}

export type Expression =
  | Energy
  | Cost
  | Demand
  | ByReading
  | Spline
  | Blocks
  | Parts
  | Constant
  | Times
  | When;

/** Nodes directly below a node. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "min":
    case "max":
    case "sum":
      return expression.parts;
    case "blocks":
    case "times":
      return [expression.of];
    case "when":
      return [expression.quantity, expression.atLeast, expression.met, expression.unmet];
    default:
      return [];
  }
}

/** All nodes, each after those below it. */
export const nodesOf = (expression: Expression): Expression[] => [
  ...partsOf(expression).flatMap(nodesOf),
  expression,
];

/** What an expression counts; parts that must agree are taken to do so. */
export function unitOf(expression: Expression): Unit {
  switch (expression.kind) {
    case "energy":
      return "energy";
    case "demand":
      return "power";
    case "constant":
      return expression.unit;
    case "min":
    case "max":
    case "sum":
      return expression.parts[0] ? unitOf(expression.parts[0]) : "money";
    case "times":
      return unitOf(expression.of);
    case "when":
      return unitOf(expression.met);
    default:
      return "money";
  }
}

/** A part that counts something else than what has to stand there. */
export interface Misfit {
  readonly part: Expression;
  readonly expected: Unit | "energy or power";
}

/** The first part directly below a node whose unit does not fit there, or null if all fit. */
export function misfitOf(expression: Expression): Misfit | null {
  const unlike = (parts: readonly Expression[], unit: Unit) => {
    const part = parts.find((one) => unitOf(one) !== unit);
    return part ? { part, expected: unit } : null;
  };
  switch (expression.kind) {
    case "min":
    case "max":
    case "sum":
      return unlike(expression.parts, unitOf(expression));
    case "blocks": {
      const { of } = expression;
      return unitOf(of) === "money" ? { part: of, expected: "energy or power" } : null;
    }
    case "when": {
      const { quantity, atLeast, met, unmet } = expression;
      return unlike([atLeast], unitOf(quantity)) ?? unlike([unmet], unitOf(met));
    }
    default:
      return null;
  }
}

/** Whether a node looks at each reading by itself. */
export const isReader = ({ kind }: Expression): boolean =>
  kind === "demand" || kind === "by-reading" || kind === "spline";
