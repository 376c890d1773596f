// Which committed values the cost of a period is a statement about (circuit.ts): sums of readings by public weights,
// and single readings. A function of what is public alone: the tariff, the meter's channels, and in which
// intervals it has readings.
import { type Expression, nodesOf } from "./charge.js";
import type { Tariff } from "./document.js";
import { intervalsDuring, type Period, policyRates } from "./evaluate.js";
import type { EnergyPolicy } from "./policy.js";

/** Weights by channel, then by interval from the period's first on; null for a channel of no weight. */
export type Weights = readonly (readonly number[] | null)[];

/** A sum of readings by public weights. */
export interface ReadingSum {
  /** The node that it is the value of; null for the linear part of the tariff. */
  readonly of: Expression | null;
  /** Integers below 2^31 in size. */
  readonly weights: Weights;
}

/** A reading that is there. */
export interface ReadingPlace {
  readonly channel: number;
  readonly obis: string;
  /** Intervals after the period's first. */
  readonly at: number;
}

export interface CostInputs {
  /** Each of at least one reading that is there. */
  readonly sums: readonly ReadingSum[];
  /** By interval, then by channel, each once. */
  readonly readings: readonly ReadingPlace[];
}

/**
 * The committed values of a period's cost: the linear part first, then sums in the order of the charge's nodes, each
 * node after those below it, then readings.
 * @param channels OBIS codes by channel.
 * @param present for each interval of the period whether the meter has readings.
 * @param period within the tariff's validity.
 * @throws FormatError if the tariff's prices do not fit the meter's intervals.
 */
export function costInputs(
  tariff: Tariff,
  channels: readonly string[],
  present: readonly boolean[],
  period: Period,
): CostInputs {
  const nodes = tariff.charge ? nodesOf(tariff.charge) : [];
  const linear = { of: null, weights: costWeights(tariff.energy, tariff, channels, period) };
  const others = nodes.flatMap((of): ReadingSum[] => {
    if (of.kind === "cost") return [{ of, weights: costWeights(of.policies, tariff, channels, period) }];
    if (of.kind !== "energy") return [];
    const counted = intervalsDuring(tariff, of.during, period).map((isWithin) => (isWithin ? 1 : 0));
    return [{ of, weights: channels.map((obis) => (obis === of.obis ? counted : null)) }];
  });
  const isOfReadings = ({ weights }: ReadingSum) =>
    weights.some((row) => row?.some((weight, at) => weight !== 0 && present[at] === true));
  return {
    sums: [linear, ...others].filter(isOfReadings),
    readings: placesOf(nodes, tariff, channels, present, period),
  };
}

function costWeights(
  policies: readonly EnergyPolicy[],
  tariff: Tariff,
  channels: readonly string[],
  period: Period,
): Weights {
  return channels.map((obis) => {
    const found = policies.find((policy) => policy.obis === obis);
    return found ? policyRates(tariff, found, period) : null;
  });
}

/** Readings that any node looks at. */
function placesOf(
  nodes: readonly Expression[],
  tariff: Tariff,
  channels: readonly string[],
  present: readonly boolean[],
  period: Period,
): ReadingPlace[] {
  const looked = nodes.flatMap((node) =>
    node.kind === "demand" || node.kind === "by-reading" || node.kind === "spline"
      ? [{ obis: node.obis, selected: intervalsDuring(tariff, node.during, period) }]
      : [],
  );
  return present.flatMap((isThere, at) =>
    channels.flatMap((obis, channel) =>
      isThere && looked.some((one) => one.obis === obis && one.selected[at] === true)
        ? [{ channel, obis, at }]
        : [],
    ),
  );
}
