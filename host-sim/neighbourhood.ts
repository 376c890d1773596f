/**
 * Streets with a feeder, many from the same few households: each seed draws who lives there, which cable and which
 * meters, and the energies of a street come out interval by interval, as the aggregator has them. Households are
 * simulated once, which is most of the work.
 */

import type { FeederComparison } from "../src/aggregation/losses.js";
import { type Bypass, type FeederTraces, feederTraces, intervalReadings } from "./feeder.js";
import { householdTrace } from "./household.js";
import { SeededRandom } from "./seeded.js";
import type { Trace } from "./trace.js";

/** Rows of the households: short, as the cable's loss follows the square of what flows at the moment. */
const STEP_SECONDS = 300;
/** Households beyond the members, from which each street draws its own. */
const SPARE_HOUSEHOLDS = 20;

export interface NeighbourhoodOptions {
  /** Households of a street, 1 to 128. */
  readonly members: number;
  /** 1 to 1,100 days from `start_s` on, a midnight of UTC. */
  readonly days: number;
  readonly start_s: number;
  /** 900 or 1,800. */
  readonly intervalSeconds: number;
}

export interface Street extends FeederTraces {
  readonly comparison: FeederComparison;
  /** What goes past the meter in each interval, to the Wh that the meter's readings lack. */
  readonly taken_Wh: readonly number[];
}

export class Neighbourhood {
  readonly start_s: number;
  readonly #intervalSeconds: number;
  readonly #members: number;
  readonly #households: readonly Trace[];
  readonly #net_Wh: readonly (readonly number[])[];

  /** @throws RangeError for options outside their ranges. */
  constructor({ members, days, start_s, intervalSeconds }: NeighbourhoodOptions) {
    this.start_s = start_s;
    this.#members = members;
    this.#intervalSeconds = intervalSeconds;
    this.#households = Array.from({ length: members + SPARE_HOUSEHOLDS }, (_, at) =>
      householdTrace({ seed: at + 1, start_s, days, step_s: STEP_SECONDS, utcOffset_h: 0 }),
    );
    this.#net_Wh = this.#households.map((trace) => netReadings(trace, intervalSeconds));
  }

  /**
   * The street of a seed.
   * @param bypass of one of its households, which the seed chooses too.
   * @throws RangeError for a seed or bypass outside its range.
   */
  street(seed: number, bypass?: Omit<Bypass, "household">): Street {
    const random = new SeededRandom(seed, "street");
    const left = this.#households.map((_, at) => at);
    const chosen = Array.from(
      { length: this.#members },
      () => left.splice(random.below(left.length), 1)[0] as number,
    );
    const households = chosen.map((at) => this.#households[at] as Trace);
    // The first of those drawn is as good as any other.
    const traces = feederTraces({ households, seed, ...(bypass && { bypass: { household: 0, ...bypass } }) });
    const drawn_Wh = chosen.map((at) => this.#net_Wh[at] as readonly number[]);
    const first_Wh = netReadings(traces.metered[0] as Trace, this.#intervalSeconds);
    const metered_Wh = [first_Wh, ...drawn_Wh.slice(1)];
    const feeder_Wh = netReadings(traces.feeder, this.#intervalSeconds);
    const comparison = {
      intervalSeconds: this.#intervalSeconds,
      firstInterval: this.start_s / this.#intervalSeconds,
      feeder_Wh,
      street_Wh: feeder_Wh.map((_, at) => metered_Wh.reduce((sum, net) => sum + (net[at] as number), 0)),
    };
    const taken_Wh = first_Wh.map((net, at) => (drawn_Wh[0]?.[at] as number) - net);
    return { ...traces, comparison, taken_Wh };
  }
}

/** Import minus export of each interval, Wh. */
const netReadings = (trace: Trace, intervalSeconds: number): readonly number[] =>
  intervalReadings(trace, intervalSeconds).map((reading) => (reading?.[0] ?? 0) - (reading?.[1] ?? 0));
