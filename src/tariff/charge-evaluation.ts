// What a charge comes to over readings in clear: for the customer, who has them and wants to know their bill, and
// as the meaning that the constraint system (circuit.ts) is tested against. It shares no arithmetic with that one.
import { VerificationError } from "../proofs/signed.js";
import { intervalStart_s } from "../trusted/metrology/interval.js";
import { blocksCost } from "./blocks.js";
import type { Expression, Segment, When } from "./charge.js";
import type { Tariff } from "./document.js";
import {
  daysOf,
  intervalsDuring,
  isoInstant,
  type Period,
  partsPerMillion,
  policyRates,
  roundedQuotient,
} from "./evaluate.js";
import type { EnergyPolicy, Hours } from "./policy.js";

/** A spline's exact values are in 10^-9 nano-currency. */
export const SPLINE_SCALE = 1_000_000_000n;
const HOUR_S = 3600;

/** What a meter measured in a period. */
export interface PeriodReadings {
  readonly period: Period;
  /** OBIS codes by channel. */
  readonly channels: readonly string[];
  /** Wh, by channel, then by interval from the period's first on; null where there is none. */
  readonly readings: readonly (readonly (number | null)[])[];
}

/** Where a reading stands: `at` counts from the period's first interval. */
interface Placed {
  readonly at: number;
  readonly reading: number;
}

/**
 * What the energy of a period costs: rates times readings, and the charge. Nano-currency; T of a bill.
 * @param measured of a period within the tariff's validity.
 * @throws VerificationError naming the interval of a reading beyond what the tariff can bill; FormatError if its
 *   prices do not fit the meter's intervals.
 */
export function energyCost(tariff: Tariff, measured: PeriodReadings): bigint {
  const { energy, charge } = tariff;
  return linearCost(tariff, energy, measured) + (charge ? chargeValue(charge, tariff, measured) : 0n);
}

function linearCost(tariff: Tariff, policies: readonly EnergyPolicy[], measured: PeriodReadings): bigint {
  let sum = 0n;
  for (const policy of policies) {
    const list = policyRates(tariff, policy, measured.period);
    for (const { at, reading } of readingsDuring(tariff, policy.obis, [], measured)) {
      sum += BigInt(list[at] ?? 0) * BigInt(reading);
    }
  }
  return sum;
}

/** Readings of a channel that the meter has, in intervals that start during the hours. */
function readingsDuring(
  tariff: Tariff,
  obis: string,
  hours: readonly Hours[],
  { period, channels, readings }: PeriodReadings,
): Placed[] {
  const selected = intervalsDuring(tariff, hours, period);
  return (readings[channels.indexOf(obis)] ?? []).flatMap((reading, at) =>
    reading !== null && selected[at] === true ? [{ at, reading }] : [],
  );
}

/** The value of a node, in its unit. */
export function chargeValue(expression: Expression, tariff: Tariff, measured: PeriodReadings): bigint {
  const value = (part: Expression) => chargeValue(part, tariff, measured);
  const least = (a: bigint, b: bigint) => (b < a ? b : a);
  const greatest = (a: bigint, b: bigint) => (b > a ? b : a);
  const { period } = measured;
  switch (expression.kind) {
    case "energy":
      return readingsDuring(tariff, expression.obis, expression.during, measured).reduce(
        (sum, { reading }) => sum + BigInt(reading),
        0n,
      );
    case "cost":
      return linearCost(tariff, expression.policies, measured);
    case "demand": {
      const placed = readingsDuring(tariff, expression.obis, expression.during, measured);
      for (const one of placed) rangeOf(expression.obis, [expression], one, period);
      const highest = placed.reduce((high, { reading }) => Math.max(high, reading), 0);
      return BigInt(highest) * BigInt(HOUR_S / period.intervalSeconds);
    }
    case "by-reading":
      return readingsDuring(tariff, expression.obis, expression.during, measured).reduce((sum, placed) => {
        const { range } = rangeOf(expression.obis, expression.ranges, placed, period);
        return sum + BigInt(range.rate) * BigInt(placed.reading);
      }, 0n);
    case "spline": {
      const placed = readingsDuring(tariff, expression.obis, expression.during, measured);
      const exact = placed.reduce((sum, one) => {
        const { range, start_Wh } = rangeOf(expression.obis, expression.segments, one, period);
        return sum + polynomial(range, one.reading - start_Wh);
      }, 0n);
      return roundedQuotient(exact, SPLINE_SCALE);
    }
    case "blocks":
      return blocksCost(expression, value(expression.of), perOf(expression.per, tariff, period));
    case "min":
      return expression.parts.map(value).reduce(least);
    case "max":
      return expression.parts.map(value).reduce(greatest);
    case "sum":
      return expression.parts.map(value).reduce((a, b) => a + b);
    case "constant":
      return BigInt(expression.value) * perOf(expression.per, tariff, period);
    case "times":
      return partsPerMillion(value(expression.of), expression.ppm);
    case "when":
      return choose(expression, value);
  }
}

/** Both choices are evaluated: each may find a reading that it cannot bill. */
function choose({ quantity, atLeast, met, unmet }: When, value: (part: Expression) => bigint): bigint {
  const [ifMet, ifUnmet] = [value(met), value(unmet)];
  return value(quantity) >= value(atLeast) ? ifMet : ifUnmet;
}

/** How often a period has what is stated per day, or per period. */
export const perOf = (per: "period" | "day", tariff: Tariff, period: Period): bigint =>
  per === "day" ? BigInt(daysOf(tariff, period)) : 1n;

function rangeOf<T extends { readonly below_Wh: number }>(
  obis: string,
  ranges: readonly T[],
  { at, reading }: Placed,
  { from, intervalSeconds }: Period,
): { readonly range: T; readonly start_Wh: number } {
  const index = ranges.findIndex(({ below_Wh }) => reading < below_Wh);
  const range = ranges[index];
  if (range) return { range, start_Wh: ranges[index - 1]?.below_Wh ?? 0 };
  const interval = from + at;
  const instant = isoInstant(intervalStart_s(interval, intervalSeconds));
  const limit = ranges[ranges.length - 1]?.below_Wh ?? 0;
  throw new VerificationError(
    `interval ${interval} (${instant}): the reading of ${obis} is not below ${limit} Wh, the end of what the tariff can bill`,
  );
}

/** A segment's polynomial at x Wh above its start, in 10^-9 nano-currency. */
function polynomial({ coefficients }: Segment, x_Wh: number): bigint {
  return coefficients.reduce(
    (sum, coefficient, power) =>
      sum + BigInt(coefficient) * 1000n ** BigInt(COEFFICIENT_SCALE - power) * BigInt(x_Wh) ** BigInt(power),
    0n,
  );
}

/** 10^-9 currency per kWh^k is 1000^(3-k) times 10^-9 nano-currency per Wh^k. */
const COEFFICIENT_SCALE = 3;
