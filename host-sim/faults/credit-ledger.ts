// What a meter on pre-payment owes, told from the whole history as a supplier would tell it: top-ups less instalments,
// less the bills of the periods so far, each made anew from all its readings by the code that bills customers. It
// shares neither sums nor rounding with the meter, which counts as time goes on (src/credit).
import { blocksCost } from "../../src/tariff/blocks.js";
import type { Blocks, Cost, Expression } from "../../src/tariff/charge.js";
import { energyCost, type PeriodReadings } from "../../src/tariff/charge-evaluation.js";
import type { Tariff } from "../../src/tariff/document.js";
import { billLines, daysOf, localMidnight_s, offsetAt_s, standingDays } from "../../src/tariff/evaluate.js";
import type { EnergyPolicy } from "../../src/tariff/policy.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";

const MILLION = 1_000_000n;
/** Only what is imported costs when nobody knows the prices. */
const IMPORT_OBIS = "1-0:1.8.0";

export interface DrawnInterval {
  readonly interval: number;
  /** By channel. */
  readonly Wh: readonly number[];
}

/** A stretch that is billed at once: intervals [from, to), and those of them that were recorded. */
export interface BilledPeriod {
  readonly from: number;
  readonly to: number;
  readonly drawn: readonly DrawnInterval[];
}

/** A moment, and what has flowed in no closed interval yet; the time is null while nobody knows it. */
export interface Flowing {
  readonly time_s: number | null;
  readonly Wh: readonly number[];
}

export class Bills {
  readonly #channels: readonly string[];
  readonly #seconds: number;
  /** What a period that is over, or goes on, has cost. */
  readonly #totals = new WeakMap<BilledPeriod, bigint>();

  constructor(channels: readonly string[], intervalSeconds: number) {
    this.#channels = channels;
    this.#seconds = intervalSeconds;
  }

  /** The bill of a period, nano-currency. */
  total(tariff: Tariff, period: BilledPeriod): bigint {
    const known = this.#totals.get(period);
    if (known !== undefined) return known;
    const days = daysOf(tariff, { ...period, intervalSeconds: this.#seconds });
    // A period that has not begun costs nothing, whatever it costs to be a customer.
    const hasBegun = period.drawn.length > 0 || days > 0;
    const total = hasBegun ? billLines(tariff, this.#energy(tariff, period), days).total : 0n;
    this.#totals.set(period, total);
    return total;
  }

  /**
   * The bill of a period and of what flows: at the rate of now, or at the highest.
   * @returns null where no bill could say it: of a charge at a midnight, or of a time that was before.
   */
  totalNow(tariff: Tariff, period: BilledPeriod | null, { time_s, Wh }: Flowing): bigint | null {
    if (time_s === null) return this.#totalUntimed(tariff, period, Wh);
    const interval = Math.floor(time_s / this.#seconds);
    const { from, to, drawn } = period ?? { from: interval, to: interval, drawn: [] };
    const days = period ? this.#daysTo(tariff, period, time_s) : 0;
    const whole = { from, to: Math.max(to, interval + 1), drawn: [...drawn, { interval, Wh }] };
    const billed = daysOf(tariff, { ...whole, intervalSeconds: this.#seconds });
    if (tariff.charge && (interval < to || billed !== days)) return null;
    const isAgain = drawn.some((one) => one.interval === interval);
    const energy = isAgain
      ? this.#energy(tariff, { from, to, drawn }) + this.#alone(tariff, { interval, Wh })
      : this.#energy(tariff, { ...whole, from: Math.min(from, interval) });
    return billLines(tariff, energy, days).total;
  }

  /** Energy at the highest rates, block rates and days as they were. */
  #totalUntimed(tariff: Tariff, period: BilledPeriod | null, Wh: readonly number[]): bigint {
    const most = this.most(tariff, Wh);
    const days = period ? daysOf(tariff, { ...period, intervalSeconds: this.#seconds }) : 0;
    const energy = period ? this.#energy(tariff, period) : constantOf(tariff);
    return billLines(tariff, energy + most, days).total;
  }

  /** Energy by rates alone, without block rates, standing charge and taxes. */
  net(tariff: Tariff, { from, to, drawn }: BilledPeriod): bigint {
    const { charge: _, ...linear } = tariff;
    const parts = policiesOf(tariff).map((policy) =>
      this.#energy({ ...linear, energy: [policy] }, { from, to, drawn }),
    );
    return parts.reduce((sum, part) => sum + part, 0n);
  }

  /** The most that energy can cost before taxes, nano-currency. */
  most(tariff: Tariff, Wh: readonly number[]): bigint {
    return this.#channels.reduce((sum, obis, at) => sum + BigInt(Wh[at] ?? 0) * mostOf(tariff, obis), 0n);
  }

  /** The most that imported energy can cost with taxes, nano-currency. */
  mostWithTaxes(tariff: Tariff, Wh: readonly number[]): bigint {
    const rates = this.#channels.map((obis) => mostOf(tariff, obis));
    const highest = rates.reduce((high, rate) => (rate > high ? rate : high), 0n);
    const perMillion = billLines(tariff, highest * MILLION, 0).total;
    const perWh = perMillion / MILLION + (perMillion % MILLION > 0n ? 1n : 0n);
    return perWh * BigInt(Wh[this.#channels.indexOf(IMPORT_OBIS)] ?? 0);
  }

  /** Of an interval the first moment of its local month, Unix s. */
  monthOf_s(tariff: Tariff, unix_s: number): number {
    const local = new Date((unix_s + offsetAt_s(tariff, unix_s)) * 1000);
    local.setUTCHours(0, 0, 0, 0);
    local.setUTCDate(1);
    return localMidnight_s(tariff, local.getTime() / 1000 / DAY_SECONDS);
  }

  /** The periods that come out of a period as another interval is recorded: what has ended, and what goes on. */
  record(tariff: Tariff, period: BilledPeriod | null, next: DrawnInterval): readonly BilledPeriod[] {
    const { from, to, drawn } = period ?? { from: next.interval, to: next.interval, drawn: [] };
    const month_s = this.monthOf_s(tariff, next.interval * this.#seconds);
    const isSame = this.monthOf_s(tariff, to * this.#seconds - 1) === month_s;
    if (isSame) return [{ from, to: next.interval + 1, drawn: [...drawn, next] }];
    const end = Math.max(to, Math.floor(month_s / this.#seconds));
    return [
      { from, to: end, drawn },
      { from: end, to: next.interval + 1, drawn: [next] },
    ];
  }

  /** Outside the tariff's validity it costs the most that it can. Tariffs with a charge are valid for ever here. */
  #energy(tariff: Tariff, { from, to, drawn }: BilledPeriod): bigint {
    const first = Math.max(from, Math.ceil(tariff.notBefore_s / this.#seconds));
    const end = Math.min(to, Math.floor(tariff.notAfter_s / this.#seconds));
    const [inside, outside]: [DrawnInterval[], DrawnInterval[]] = [[], []];
    for (const one of drawn) (one.interval >= first && one.interval < end ? inside : outside).push(one);
    const most = outside.reduce((sum, { Wh }) => sum + this.most(tariff, Wh), 0n);
    if (end <= first) return most + constantOf(tariff);
    return energyCost(tariff, this.#measured(first, end, inside)) + most;
  }

  /** A clock that was set back takes no day back. */
  #daysTo(tariff: Tariff, { from, to }: BilledPeriod, time_s: number): number {
    const to_s = Math.max(to * this.#seconds, time_s);
    const from_s = from * this.#seconds;
    return from_s < to_s ? standingDays(tariff, from_s, to_s) : 0;
  }

  #measured(from: number, to: number, drawn: readonly DrawnInterval[]): PeriodReadings {
    const readings = this.#channels.map(() => new Array<number | null>(to - from).fill(null));
    for (const { interval, Wh } of drawn) {
      for (const [channel, list] of readings.entries()) list[interval - from] = Wh[channel] ?? null;
    }
    return {
      period: { from, to, intervalSeconds: this.#seconds },
      channels: this.#channels,
      readings,
    };
  }

  #alone(tariff: Tariff, one: DrawnInterval): bigint {
    return this.#energy(tariff, { from: one.interval, to: one.interval + 1, drawn: [one] });
  }
}

const obisOf = (part: EnergyPolicy | Expression) => ("obis" in part ? part.obis : "");

const partsOf = ({ charge }: Tariff): readonly Expression[] =>
  charge?.kind === "sum" ? charge.parts : charge ? [charge] : [];

const blocksOf = (tariff: Tariff) => partsOf(tariff).filter((part): part is Blocks => part.kind === "blocks");

const policiesOf = (tariff: Tariff): readonly EnergyPolicy[] => [
  ...tariff.energy,
  ...partsOf(tariff)
    .filter((part): part is Cost => part.kind === "cost")
    .flatMap(({ policies }) => policies),
];

/** What is charged once a period, nano-currency. */
const constantOf = (tariff: Tariff): bigint =>
  partsOf(tariff).reduce((sum, part) => {
    if (part.kind === "blocks") return sum + blocksCost(part, 0n, part.per === "day" ? 0n : 1n);
    return part.kind === "constant" && part.per === "period" ? sum + BigInt(part.value) : sum;
  }, 0n);

function mostOf(tariff: Tariff, obis: string): bigint {
  let most = 0;
  for (const one of policiesOf(tariff).filter((policy) => policy.obis === obis)) {
    const { policy } = one;
    most += Math.max(
      ...(policy.kind === "dynamic" ? policy.prices : [policy.rate, ...policy.bands.map(({ rate }) => rate)]),
    );
  }
  for (const { of, steps, rate } of blocksOf(tariff)) {
    if (obisOf(of) === obis) most += Math.max(rate, ...steps.map((step) => step.rate));
  }
  return BigInt(most);
}
