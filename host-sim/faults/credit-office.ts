// What a supplier's office sends to a meter on pre-payment: small tariffs of every kind, some by which no meter can draw
// credit, and the commands for credit. Whether a command is obeyed is not for the office to know.
import { concatBytes } from "@noble/hashes/utils.js";
import type { Expression } from "../../src/tariff/charge.js";
import { encodeTariff, type Levy, type OffsetChange, type Tariff } from "../../src/tariff/document.js";
import { type EnergyPolicy, EVERY_MONTH, EVERY_WEEKDAY, type Hours } from "../../src/tariff/policy.js";
import { bstr, int } from "../../src/trusted/encoding/cbor.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import type { Order } from "./command-model.js";
import type { Dice } from "./dice.js";
import type { Office } from "./office.js";
import type { Site } from "./site.js";

/** Nano-currency: of a cent, and of a cent a kWh for each Wh. */
const CENT = 10_000_000;
const CENT_PER_KWH = 10_000;
/** Validity of what is valid for as long as any scenario goes: 2000 to 2038. */
const FOREVER = { notBefore_s: 946_684_800, notAfter_s: 2_145_916_800 };
const HALF_HOUR_S = 1800;
/** Major type of a map in CBOR. */
const MAP = 0xa0;
/** Prices of a tariff that fits into a meter, at most, and of one that does not. */
const PRICES_MAX = 400;
const PRICES_TOO_MANY = 1_100;

/** A tariff's document, its payload's digest, and whether credit can be drawn by it. */
export interface OfferedTariff {
  readonly name: string;
  readonly document: Uint8Array;
  readonly digest: Uint8Array;
  readonly isUsable: boolean;
}

export class CreditOffice {
  readonly #site: Site;
  readonly #office: Office;
  readonly #dice: Dice;
  #tariffs = 0;
  /** What was published so far. */
  readonly published: OfferedTariff[] = [];

  constructor(site: Site, office: Office, dice: Dice) {
    this.#site = site;
    this.#office = office;
    this.#dice = dice;
  }

  /** A tariff by which credit can be drawn, but perhaps not now. */
  tariff(): OfferedTariff {
    const choices = [
      () => this.#linear("time of use"),
      () => this.#linear("time of use"),
      () => this.#blocks(),
      () => this.#blocks(),
      () => this.#dynamic(PRICES_MAX),
    ];
    return this.#publish(this.#dice.pick(choices)(), true);
  }

  /** A tariff by which none can: of another kind of charge, or too long. */
  unusable(): OfferedTariff {
    const { plan } = this.#site;
    const [obis] = plan.channels as [string];
    const power: Expression = { kind: "demand", obis, during: [], below_Wh: 2 ** 31 };
    const energy: Expression = { kind: "energy", obis, during: [] };
    const reactive: Expression = { ...energy, during: [this.#hours()] };
    const choices: (() => Tariff)[] = [
      () => ({ ...this.#linear("demand"), charge: this.#blocksOf(power) }),
      () => ({
        ...this.#linear("times"),
        charge: { kind: "times", ppm: 2_000_000, of: this.#blocksOf(energy) },
      }),
      () => ({
        ...this.#linear("two energies"),
        charge: { kind: "sum", parts: [this.#blocksOf(energy), this.#blocksOf(reactive)] },
      }),
      () => this.#dynamic(PRICES_TOO_MANY),
    ];
    return this.#publish(this.#dice.pick(choices)(), false);
  }

  /** Credit is drawn by a tariff from now on. */
  change({ digest: name }: OfferedTariff): Order {
    return this.#office.draft({ by: "supplier", kind: 6, argument: bstr(name) });
  }

  /** Of a size that flows in hours, or a trifle. */
  topUp(): Order {
    const micro = this.#dice.pick([1, this.#dice.between(1, 999_999), this.#dice.between(1, 40) * 1_000_000]);
    return this.#office.draft({ by: "supplier", kind: 5, argument: int(micro) });
  }

  loadSwitch(order: "open" | "arm"): Order {
    const by = this.#dice.pick(["supplier", "network"] as const);
    return this.#office.draft({ by, kind: 4, argument: int(order === "open" ? 0 : 1), name: order });
  }

  /** Pre-payment on or off. */
  mode(isPrepaid: boolean): Order {
    return this.#settings([[1, isPrepaid ? 1 : 0]]);
  }

  /** Settings, of which some may be none, or out of their range. */
  settings(): Order {
    const dice = this.#dice;
    const date = Math.floor(this.#site.now_s / DAY_SECONDS) + dice.between(-2, 2);
    const drawn: (readonly [number, number])[] = [
      [2, dice.between(0, 5_000)],
      [3, dice.pick([0, 0, 500, dice.between(1, 10_000)])],
      [4, dice.pick([0, dice.between(1, 60_000)])],
      [5, dice.pick([0, dice.between(1, 20_000)])],
      [6, dice.pick([0, 0, dice.between(0, 96)])],
      [7, dice.pick([0, 0, dice.between(0, 96)])],
      [8, dice.pick([0, 0, 0, dice.between(0, 127)])],
      [9, dice.pick([0, 0, date])],
      [10, dice.pick([0, 0, date + dice.between(0, 2)])],
    ];
    const some = drawn.filter(() => dice.chance(1, 2));
    const [first = [2, 0] as const, ...rest] = some;
    const invalid: (readonly (readonly [number, number])[])[] = [
      [first, first],
      [[1, 2]],
      [[6, 97], ...rest.filter(([number]) => number > 6)],
      [[8, 128]],
      [[11, 0]],
      [[0, 0], first],
      [...rest.filter(([number]) => number > first[0]), first],
    ];
    return this.#settings(dice.chance(1, 5) ? dice.pick(invalid) : [first, ...rest]);
  }

  /** Nobody is cut off for want of credit, or everybody is at any time. */
  protection(isProtected: boolean): Order {
    return this.#settings(isProtected ? [[8, 127]] : [6, 7, 8, 9, 10].map((number) => [number, 0]));
  }

  #settings(values: readonly (readonly [number, number])[]): Order {
    // By hand: what does not ascend cannot be written otherwise.
    const items = values.flatMap(([number, value]) => [int(number), int(value)]);
    const argument = concatBytes(Uint8Array.of(MAP | values.length), ...items);
    return this.#office.draft({ by: "supplier", kind: 7, argument, name: `settings ${values.join(" ")}` });
  }

  #publish(tariff: Tariff, isUsable: boolean): OfferedTariff {
    const payload = encodeTariff(tariff);
    const document = this.#office.sign(this.#office.holder("supplier"), "tariff-1", payload);
    const published = { name: tariff.name, document, digest: digest(payload), isUsable };
    this.published.push(published);
    return published;
  }

  #linear(kind: string): Tariff {
    const dice = this.#dice;
    const levies: Levy[] = [
      { kind: "per-day", name: "grid", amount: dice.between(-20, 20) * CENT + dice.between(0, 999) },
      { kind: "proportional", name: "levy", ppm: dice.between(-50_000, 100_000) },
    ];
    return {
      name: `${kind} ${this.#tariffs++}`,
      currency: "EUR",
      ...FOREVER,
      offsets: this.#offsets(),
      energy: this.#policies(),
      standing: dice.pick([0, dice.between(0, 100) * CENT + 7]),
      levies: levies.filter(() => dice.chance(1, 2)),
      vat_ppm: dice.pick([0, 50_000, 199_999]),
    };
  }

  /** Block rates, alone or with rates, standing amounts and more rates beside them. */
  #blocks(): Tariff {
    const dice = this.#dice;
    const [obis] = this.#site.plan.channels as [string];
    const of: Expression = { kind: "energy", obis, during: dice.chance(1, 2) ? [] : [this.#hours()] };
    const steps = this.#blocksOf(of);
    const parts: Expression[] = [
      steps,
      { kind: "constant", unit: "money", per: "day", value: dice.between(-10, 50) * CENT },
      { kind: "constant", unit: "money", per: "period", value: dice.between(0, 90) * CENT + 1 },
      { kind: "cost", policies: [this.#rate(obis, dice.between(1, 9))] },
    ];
    const linear = this.#linear("blocks");
    if (dice.chance(1, 4) && of.during.length === 0) return { ...linear, energy: [], charge: steps };
    const some = parts.filter((part) => part === steps || dice.chance(2, 3));
    return { ...linear, charge: some.length > 1 ? { kind: "sum", parts: some } : steps };
  }

  #blocksOf(of: Expression): Expression {
    const dice = this.#dice;
    const per = dice.pick(["day", "period"] as const);
    const steps = [
      { upTo: dice.between(0, 5_000), rate: dice.between(1, 30) * CENT_PER_KWH + 3 },
      { upTo: dice.between(5_001, 40_000), rate: dice.between(1, 60) * CENT_PER_KWH },
    ];
    return { kind: "blocks", of, per, steps, rate: dice.between(1, 60) * CENT_PER_KWH + 1 };
  }

  /** Prices one after the other, from before now on or only later, and for long enough or not. */
  #dynamic(prices: number): Tariff {
    const dice = this.#dice;
    const [obis] = this.#site.plan.channels as [string];
    const price_s = dice.pick([HALF_HOUR_S, 3600, 6 * 3600]);
    const begin_s = this.#site.now_s + dice.pick([0, -1, -2, -3, 1]) * DAY_SECONDS;
    const start_s = Math.floor(begin_s / DAY_SECONDS) * DAY_SECONDS;
    const count = prices > PRICES_MAX ? prices : dice.between(48, prices);
    const list = Array.from(
      { length: count },
      () => dice.between(1, 60) * CENT_PER_KWH + dice.between(0, 99),
    );
    return {
      ...this.#linear("dynamic"),
      notBefore_s: start_s,
      notAfter_s: start_s + count * price_s,
      energy: [{ obis, policy: { kind: "dynamic", start_s, price_s, prices: list } }],
    };
  }

  /** Rates of the channels; that of a channel beyond the first may be missing, and what is fed in is paid for. */
  #policies(): readonly EnergyPolicy[] {
    const dice = this.#dice;
    const [first, ...others] = this.#site.plan.channels as [string, ...string[]];
    const priced = others.filter(() => dice.chance(2, 3));
    return [
      this.#rate(first, dice.between(5, 40)),
      ...priced.map((obis) => this.#rate(obis, obis.startsWith("1-0:2.") ? -dice.between(1, 10) : 1)),
    ];
  }

  #rate(obis: string, cents: number): EnergyPolicy {
    const bands = Array.from({ length: this.#dice.between(0, 2) }, () => ({
      ...this.#hours(),
      rate: (cents + (cents > 0 ? this.#dice.between(0, 20) : 0)) * CENT_PER_KWH + 11,
    }));
    return { obis, policy: { kind: "time-of-use", rate: cents * CENT_PER_KWH, bands } };
  }

  #hours(): Hours {
    const fromMinute = 30 * this.#dice.between(0, 40);
    return {
      weekdays: this.#dice.pick([EVERY_WEEKDAY, this.#dice.between(1, EVERY_WEEKDAY)]),
      months: EVERY_MONTH,
      fromMinute,
      toMinute: fromMinute + 30 * this.#dice.between(1, 7),
    };
  }

  /** Hours ahead of UTC, or behind; the clocks may change within the scenario. Midnights begin intervals. */
  #offsets(): readonly OffsetChange[] {
    const dice = this.#dice;
    const offset_s = dice.pick([0, 1, 2, 9, -5, -10, 11]) * 2 * HALF_HOUR_S + dice.pick([0, 0, HALF_HOUR_S]);
    const first = { from_s: 0, offset_s };
    if (dice.chance(1, 2)) return [first];
    const now_s = Math.floor(this.#site.now_s / 3600) * 3600;
    const from_s = now_s + dice.between(-24, 48) * 3600;
    return [first, { from_s, offset_s: offset_s + dice.pick([-1, 1]) * 3600 }];
  }
}
