// What a scenario is: the faults that may happen in it, and the world that its seed makes.

import { SeededRandom } from "../seeded.js";
import { IMPORT_OBIS } from "../trace.js";
import { Dice } from "./dice.js";

/** What can be switched on, one by one. */
export const FAULTS = [
  "outages",
  "power",
  "clock",
  "messages",
  "flash",
  "tenants",
  "tamper",
  "commands",
  "update",
  "network-restarts",
  "rosters",
  "credit",
] as const;
export type Fault = (typeof FAULTS)[number];

/** @throws RangeError for a name that is none: a comma list of faults, or "all". */
export function parseFaults(list: string): ReadonlySet<Fault> {
  const names = list === "all" ? FAULTS : list.split(",");
  return new Set(
    names.map((name) => {
      const fault = FAULTS.find((known) => known === name);
      if (!fault) throw new RangeError(`"${name}" is no fault: ${FAULTS.join(", ")}, or all`);
      return fault;
    }),
  );
}

export interface ScenarioOptions {
  readonly seed: number;
  /** Days of the meter's life, long darkness not counted. */
  readonly days: number;
  readonly faults: ReadonlySet<Fault>;
}

/** What stands at the meter's site, drawn from the seed. */
export interface Plan extends ScenarioOptions {
  /** Up to two days before 1 July 2011, or that day, and some hours: Unix time of provisioning, s. */
  readonly start_s: number;
  readonly intervalSeconds: number;
  readonly channels: readonly string[];
  readonly elements: number;
  readonly nominal_V: number;
  readonly maximum_A: number;
  /** Whether the log comes round within days; then what is not acknowledged in time is overwritten. */
  readonly isSmall: boolean;
  readonly sectors: number;
  /** The first sectors, which are the log's; the state's come after them (docs/journal.md). */
  readonly logSectors: number;
  readonly mode: "plain" | "encrypted";
  /** Whether a torn cell may read differently each time. */
  readonly marginal: boolean;
  readonly latency_ms: number;
  /** Whether its Companion is the credit logic and there is a load switch; else it only counts (companion.ts). */
  readonly isPrepaid: boolean;
  /** Which of the devices that a unit can do without are there. */
  readonly has: {
    readonly rtc: boolean;
    readonly inputs: boolean;
    readonly watchdog: boolean;
    readonly counter: boolean;
    readonly loader: boolean;
    readonly companion: boolean;
  };
}

const START_S = 1_309_478_400;
const DAY_S = 86_400;
const CHANNELS = [IMPORT_OBIS, "1-0:2.8.0", "1-0:3.8.0"];

/** Sectors of the log for a day with many events, and for a world without any. */
const SECTORS_A_DAY = 8;
const SECTORS_MIN = 16;
const STATE_SHARE = 18;
const STATE_SECTORS_MIN = 4;

export function drawPlan(options: ScenarioOptions): Plan {
  const random = new SeededRandom(options.seed);
  const dice = new Dice(random.fork("plan"));
  const prepaid = new Dice(random.fork("prepaid"));
  const isPrepaid = options.faults.has("credit") && prepaid.chance(3, 4);
  // Mostly the smallest meter: its days cost least, and it fails in the same ways.
  const isLarge = dice.chance(1, 6);
  const intervalSeconds = isLarge && dice.chance(1, 2) ? 900 : 1800;
  const channels = CHANNELS.slice(0, isLarge ? dice.between(2, 3) : 1);
  const isSmall = dice.chance(1, 4);
  // Credit is settled as a month ends: mostly it does within the scenario.
  const before_s = isPrepaid ? prepaid.between(0, 2) * DAY_S : 0;
  const start_s = START_S - before_s + dice.between(0, DAY_S - 1);
  const rating = { elements: dice.pick([1, 1, 3]), nominal_V: 230, maximum_A: dice.pick([60, 100]) };
  const large = SECTORS_MIN + SECTORS_A_DAY * options.days;
  const sectors = isSmall ? dice.between(14, 20) : large + dice.between(0, 32);
  return {
    ...options,
    ...rating,
    start_s,
    intervalSeconds,
    channels,
    isSmall,
    sectors,
    logSectors: sectors - Math.max(STATE_SECTORS_MIN, Math.floor(sectors / STATE_SHARE)),
    mode: dice.pick(["plain", "encrypted"]),
    marginal: dice.chance(3, 4),
    latency_ms: dice.pick([0, 0, 200, 2000]),
    isPrepaid,
    has: {
      rtc: dice.chance(1, 2),
      inputs: dice.chance(3, 4),
      watchdog: dice.chance(1, 2),
      counter: dice.chance(1, 2),
      loader: dice.chance(2, 3),
      companion: dice.chance(5, 6) || isPrepaid,
    },
  };
}
