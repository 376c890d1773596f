// A household's day on pre-payment, from one local midnight to the next: its credit runs out in the protected hours of
// the night, the supply is cut off when they end, a top-up and a held button bring it back, and in the evening somebody
// keeps the network away and pulls the plug. Supplier and customer act by the clock; the amounts come from what the
// household's own energy costs, so that every seed's day goes the same way.
import { decodeAccount } from "../src/credit/account.js";
import { balance, Switch } from "../src/credit/credit.js";
import { CreditSetting } from "../src/credit/settings.js";
import { CreditTariff } from "../src/credit/valuation.js";
import { Journal } from "../src/trusted/journal/journal.js";
import { intervalAt } from "../src/trusted/metrology/interval.js";
import { householdTrace } from "./household.js";
import { createWorld, runUntil, type SimulationOptions, type World } from "./simulation.js";
import { Supplier } from "./supplier.js";
import type { Trace } from "./trace.js";

const METER_ID = "SM-0002";
const INTERVAL_S = 1800;
/** Of the trace: as short as the power is gone. */
const ROW_S = 300;
const [HOUR_S, DAY_HOURS] = [3600, 24];
const MJ_PER_WH = 3_600_000;
const NANO_PER_CENT = 10_000_000n;
const NANO_PER_MILLI = 1_000_000n;
const CENTS = 100n;
const MILLI_PER_CENT = 10;
const QUARTERS_AN_HOUR = 4;
/** Between two samples while nothing changes, s. */
const SAMPLE_S = 600;

/** Local hours of the day at which something is done, or shall come to pass. */
export const HOURS = {
  begins: 0.05,
  /** Credit and emergency credit are used up about now. */
  usedUp: 7.5,
  protectedTo: 9,
  toppedUp: 10,
  buttonHeld: 10.5,
  protectedFrom: 16,
  /** The network is kept away. */
  blockedFrom: 20 + 1 / 6,
  blockedTo: 21 + 2 / 3,
  /** The account of the day is complete, and the next day's first interval still open. */
  accountRead: 24 + 1 / 6,
  /** What the UTC day leaves to be sealed and told has been sent. */
  ends: 25 + 1 / 6,
} as const;
/** The plug is pulled for one row, twice, while the network is away. */
const UNPLUGGED = [20 + 1 / 4, 21 + 1 / 12] as const;

/** Cents: below `low` credit is low; emergency credit; a debt, and what is collected of it a UTC day. */
export const AMOUNTS = { low: 40, emergency: 30, debt: 500, instalment: 25 } as const;
/** Cents that are left at least when the day ends. */
const LEFT_AT_END = 50n;

/** How far credit has fallen, in the words of the meter's display; null while it is good. */
const LEVELS = ["low", "emergency", "used up"] as const;
export type Level = (typeof LEVELS)[number];
const LEVEL_LINES: readonly (readonly [Level, string])[] = [
  ["low", "credit is low"],
  ["emergency", "emergency credit"],
  ["used up", "credit is used up"],
];
const SWITCH_LINES: readonly (readonly [number, string])[] = [
  [Switch.OPEN, "load switch open"],
  [Switch.READY, "load switch ready"],
  [Switch.CLOSED, "load switch closed"],
];

/** What the meter shows at a moment. */
export interface PrepaidSample {
  /** Local hours since the day's midnight. */
  readonly hour: number;
  /** Whole cents, rounded down. */
  readonly credit: number;
  readonly level: Level | null;
  /** 0 open, 1 ready for reconnection, 2 closed. */
  readonly loadSwitch: number;
  /** Whether the meter knows the time; without it the highest price counts. */
  readonly timed: boolean;
}

export interface TopUp {
  readonly hour: number;
  readonly cents: bigint;
}

export interface PrepaidDay {
  readonly world: World;
  /** COSE_Sign1. */
  readonly tariff: Uint8Array;
  /** Each ten minutes, and before and after anything but the credit changes; none without power. */
  readonly samples: readonly PrepaidSample[];
  readonly topUps: readonly TopUp[];
  /** Nano-currency that the meter holds when the day's last interval has closed. */
  readonly balance: bigint;
  /** Nano-currency of the debt that was collected. */
  readonly collected: bigint;
}

export interface PrepaidPlan {
  readonly seed: number;
  /** Unix time of the local midnight that the day begins with. */
  readonly start_s: number;
  readonly utcOffset_h: number;
  /** Signs the tariff that credit is drawn by, for this world's supplier. */
  readonly signTariff: (supplierSeed: Uint8Array) => Uint8Array;
}

/** Lives the day, and an hour of the next, so that the UTC day is sealed. */
export function livePrepaidDay({ seed, start_s, utcOffset_h, signTariff }: PrepaidPlan): PrepaidDay {
  const at_s = (hour: number) => Math.round(start_s + hour * HOUR_S);
  const whole = householdTrace({ seed, start_s, days: 2, step_s: ROW_S, utcOffset_h });
  const samples = new Samples();
  const options: SimulationOptions = {
    trace: unplugged(whole),
    meterId: METER_ID,
    intervalSeconds: INTERVAL_S,
    seed,
    hasSwitch: true,
    outages: [[at_s(HOURS.blockedFrom), at_s(HOURS.blockedTo)]],
    watch: (live) => samples.add(sampleOf(live, start_s)),
  };
  const world = createWorld(options);
  const document = signTariff(world.parties.supplier.seed);
  const tariff = new CreditTariff(document, whole.channels, INTERVAL_S);
  const supplier = new Supplier(world, at_s(HOURS.ends));
  const until = (hour: number) => runUntil(world, options, at_s(hour));
  const topUps = topUpsFor(whole, tariff);

  until(HOURS.begins);
  supplier.publish(document);
  supplier.order({ kind: "credit-tariff", digest: tariff.signed.digest });
  const [first, second] = topUps;
  supplier.topUp(Number(first.cents));
  supplier.order({ kind: "credit-settings", settings: SETTINGS });
  until(HOURS.toppedUp);
  supplier.topUp(Number(second.cents));
  until(HOURS.buttonHeld);
  world.device.closing.press();
  until(HOURS.accountRead);
  const held = accountOf(world, tariff);
  until(HOURS.ends);
  return { world, tariff: document, samples: samples.kept, topUps, ...held };
}

const SETTINGS: ReadonlyMap<number, number> = new Map([
  [CreditSetting.MODE, 1],
  [CreditSetting.LOW, AMOUNTS.low * MILLI_PER_CENT],
  [CreditSetting.EMERGENCY, AMOUNTS.emergency * MILLI_PER_CENT],
  [CreditSetting.DEBT, AMOUNTS.debt * MILLI_PER_CENT],
  [CreditSetting.DEBT_PER_DAY, AMOUNTS.instalment * MILLI_PER_CENT],
  [CreditSetting.PROTECTED_FROM, HOURS.protectedFrom * QUARTERS_AN_HOUR],
  [CreditSetting.PROTECTED_TO, HOURS.protectedTo * QUARTERS_AN_HOUR],
]);

/** The trace without power where the plug is pulled. */
function unplugged(trace: Trace): Trace {
  const rows = new Set(UNPLUGGED.map((hour) => Math.round((hour * HOUR_S) / ROW_S)));
  return { ...trace, rows: trace.rows.map((row, at) => (rows.has(at) ? null : row)) };
}

/**
 * As much as brings the household past emergency credit at the hour of `usedUp`, and then, in whole currency, as much
 * as lasts until the day is over.
 */
function topUpsFor(trace: Trace, tariff: CreditTariff): readonly [TopUp, TopUp] {
  const [untilUsedUp, untilEnd] = [HOURS.usedUp, DAY_HOURS].map((hour) => costOf(trace, tariff, hour)) as [
    bigint,
    bigint,
  ];
  const instalment = BigInt(AMOUNTS.instalment);
  const first = untilUsedUp / NANO_PER_CENT + instalment - BigInt(AMOUNTS.emergency);
  const missing = untilEnd / NANO_PER_CENT + instalment + LEFT_AT_END - first;
  return [
    { hour: HOURS.begins, cents: first },
    { hour: HOURS.toppedUp, cents: (missing / CENTS + 1n) * CENTS },
  ];
}

/** Nano-currency that the household would cost until this hour, if nothing were ever cut off. */
function costOf({ start_s, rows }: Trace, tariff: CreditTariff, hour: number): bigint {
  const each = INTERVAL_S / ROW_S;
  let [energy, block_Wh] = [0n, 0];
  for (let from = 0; from < (hour * HOUR_S) / ROW_S; from += each) {
    const Wh = [0, 1].map((channel) => {
      const mJ = rows.slice(from, from + each).reduce((sum, row) => sum + (row?.[channel] ?? 0), 0);
      return Math.floor(mJ / MJ_PER_WH);
    });
    const priced = tariff.interval(intervalAt(start_s + from * ROW_S, INTERVAL_S), Wh);
    energy += priced.energy;
    block_Wh += priced.block_Wh;
  }
  return tariff.total({ energy, block_Wh, days: 1 });
}

/** What the meter shows, or null while it shows no credit. */
function sampleOf({ device, clock }: World, start_s: number): PrepaidSample | null {
  const lines = device.creditLines();
  const [, sign, whole, cents] = /^credit (-?)(\d+)\.(\d\d)/.exec(lines[0] ?? "") ?? [];
  if (whole === undefined) return null;
  const shown = device.display();
  const size = 100 * Number(whole) + Number(cents);
  const level = LEVEL_LINES.find(([, text]) => lines.some((line) => line.startsWith(text)));
  const state = SWITCH_LINES.find(([, text]) => shown.includes(text));
  return {
    hour: (clock.now_ms / 1000 - start_s) / HOUR_S,
    credit: sign === "-" ? -size : size,
    level: level?.[0] ?? null,
    loadSwitch: state?.[0] ?? Switch.OPEN,
    timed: !lines.some((line) => line.startsWith("time unknown")),
  };
}

/** What is kept of all samples: one each ten minutes, and those before and after each change but the credit's. */
class Samples {
  readonly kept: PrepaidSample[] = [];
  #latest: PrepaidSample | null = null;

  add(sample: PrepaidSample | null): void {
    if (!sample || sample.hour > DAY_HOURS) return;
    const [last, latest] = [this.kept.at(-1), this.#latest];
    this.#latest = sample;
    const isSame =
      last && (["level", "loadSwitch", "timed"] as const).every((name) => last[name] === sample[name]);
    if (isSame && (sample.hour - last.hour) * HOUR_S < SAMPLE_S) return;
    if (!isSame && latest && latest !== last) this.kept.push(latest);
    this.kept.push(sample);
  }
}

/** The account to the nano-currency, out of the state that lies in the meter's flash, which stays as it is. */
function accountOf(
  { flash, configuration }: World,
  tariff: CreditTariff,
): Pick<PrepaidDay, "balance" | "collected"> {
  const cells = flash.snapshot();
  const journal = new Journal(flash);
  if (!journal.recover()) throw new Error("the meter's flash holds no meter");
  const account = decodeAccount(journal.state.companion);
  flash.restore(cells);
  const { channels, intervalSeconds } = configuration;
  const collected = BigInt(AMOUNTS.debt * MILLI_PER_CENT - account.debt) * NANO_PER_MILLI;
  return { balance: balance(account, { tariff, channels, intervalSeconds }), collected };
}
