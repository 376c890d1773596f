// A scenario of faults, from its seed: the same seed does the same things, so a seed that fails is a test.

import { SeededRandom } from "../seeded.js";
import { Audit } from "./audit.js";
import type { CreditCounts } from "./credit-model.js";
import { Dice } from "./dice.js";
import { Driver } from "./driver.js";
import { drawPlan, FAULTS, type Plan, type ScenarioOptions } from "./plan.js";
import { type Sabotage, Site } from "./site.js";
import { Violation } from "./violation.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Actions told of a scenario that failed. */
const TOLD = 15;

export interface ScenarioResult {
  readonly steps: number;
  readonly boots: number;
  readonly readings: number;
  readonly batches: number;
  readonly events: number;
  readonly epochs: number;
  readonly rosters: number;
  readonly shares: number;
  readonly accepted: number;
  readonly refused: number;
  readonly software: number;
  /** Of a meter on pre-payment: top-ups and tariffs that took effect, and what the switch did. */
  readonly credit: CreditCounts | null;
  /** What was done, each with its virtual time. */
  readonly actions: readonly string[];
}

/** What did not hold, when, and what had been done. */
export interface Failure {
  /** What was violated, or thrown. */
  readonly reason: string;
  /** Virtual time, Unix ms. */
  readonly at_ms: number;
  readonly actions: readonly string[];
}

/** A scenario did not hold. */
export class ScenarioFailure extends Error implements Failure {
  override readonly name = "ScenarioFailure";
  readonly reason: string;
  readonly at_ms: number;
  readonly actions: readonly string[];

  constructor(cause: unknown, at_ms: number, actions: readonly string[]) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const reason = cause instanceof Violation ? text : `the unit does not throw: ${text}`;
    super(reason, { cause });
    this.reason = reason;
    this.at_ms = at_ms;
    this.actions = actions;
  }
}

/** The command that does it again. */
export function replayOf({ seed, days, faults }: ScenarioOptions): string {
  const list = faults.size === FAULTS.length ? "all" : [...faults].join(",");
  return `npm run simulate -- --seed ${seed} --days ${days} --faults ${list}`;
}

/** A failure for people: what did not hold, when, after what, and how to see it again. */
export const failureLines = ({ reason, at_ms, actions }: Failure, replay: string) => [
  `does not hold: ${reason}`,
  `at ${new Date(at_ms).toISOString()} of the scenario, after`,
  ...actions.slice(-TOLD).map((action) => `  ${action}`),
  replay,
];

/** Times without a link, drawn for the whole scenario: mostly short, some for days. */
export function drawOutages({ seed, days, faults, start_s }: Plan): (readonly [number, number])[] {
  if (!faults.has("outages")) return [];
  const dice = new Dice(new SeededRandom(seed).fork("outages"));
  const outages: (readonly [number, number])[] = [];
  let at_ms = start_s * 1000 + dice.between(0, 12 * HOUR_MS);
  const end_ms = start_s * 1000 + days * DAY_MS;
  while (at_ms < end_ms) {
    const length_ms = dice.between(1000, dice.pick([60_000, HOUR_MS, 6 * HOUR_MS, 36 * HOUR_MS]));
    outages.push([at_ms, at_ms + length_ms]);
    at_ms += length_ms + dice.between(60_000, 24 * HOUR_MS);
  }
  return outages;
}

/**
 * Runs a scenario to its end.
 * @throws ScenarioFailure with what did not hold.
 */
export function runFaults(options: ScenarioOptions, sabotage: Sabotage = {}): ScenarioResult {
  const plan = drawPlan(options);
  const site = new Site(plan, drawOutages(plan), sabotage);
  const actions: string[] = [];
  const log = (action: string) => {
    actions.push(`${new Date(site.clock.now_ms).toISOString()} ${action}`);
  };
  try {
    const driver = new Driver(site, log);
    driver.run();
    new Audit(site, driver).run();
  } catch (error) {
    throw new ScenarioFailure(error, site.clock.now_ms, actions);
  }
  const { messages, commands, shares } = site;
  return {
    steps: site.steps,
    boots: site.boots,
    readings: messages.numbers(1).length,
    batches: messages.numbers(3).length,
    events: messages.numbers(4).length,
    epochs: messages.epochs.length,
    rosters: shares.accepted.length,
    shares: shares.count,
    accepted: commands.accepted,
    refused: commands.refused,
    software: site.version,
    credit: site.credit?.model.counts ?? null,
    actions,
  };
}
