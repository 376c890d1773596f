// What energy costs by the signed tariff of the bills, as a meter can tell it while time goes on: rates an interval,
// one quantity for block rates, standing charge, levies and VAT. A period's total is the total of a bill of the same
// intervals to the last nano-currency, since both are the same lines of code over the same sums.
import { blocksCost } from "../tariff/blocks.js";
import type { Blocks, Energy, Expression } from "../tariff/charge.js";
import { readTariff, type SignedTariff } from "../tariff/document.js";
import { billLines, intervalsDuring, localMidnight_s, offsetAt_s, policyRates } from "../tariff/evaluate.js";
import type { EnergyPolicy, TimeOfUse } from "../tariff/policy.js";
import { FormatError, sameBytes } from "../trusted/encoding/bytes.js";
import { decodeSign1 } from "../trusted/encoding/cose.js";
import { DAY_SECONDS, intervalStart_s, U32_MAX } from "../trusted/metrology/interval.js";
import { digest } from "../trusted/sealing/keys.js";
import { CREDIT_TARIFF_BYTES_MAX } from "./ports.js";

const MILLION_WH = 1_000_000n;

/** What a charge adds to a period's energy: parts of a sum. */
interface Charge {
  readonly policies: readonly EnergyPolicy[];
  readonly blocks: readonly Blocks[];
  /** Nano-currency once a period, and a day. */
  readonly perPeriod: bigint;
  readonly perDay: bigint;
}

/** What is counted of a period. */
export interface Counted {
  /** Cost by rates, nano-currency. */
  readonly energy: bigint;
  readonly block_Wh: number;
  readonly days: number;
}

/** A signed tariff that credit can be drawn by. */
export class CreditTariff {
  readonly signed: SignedTariff;
  readonly #channels: readonly string[];
  readonly #intervalSeconds: number;
  readonly #policies: readonly EnergyPolicy[];
  readonly #charge: Charge;
  /** The one quantity that block rates are of; null without them. */
  readonly #quantity: Energy | null;
  /** What 1 Wh can cost at most by channel, nano-currency, before taxes. */
  readonly #highest: readonly bigint[];

  /**
   * @param document the signed tariff as the supplier publishes it. Its signature is not looked at: who orders it
   *   names its digest.
   * @param channels OBIS codes of the meter, whose intervals have this length.
   * @throws FormatError for malformed bytes and for a tariff that a meter cannot draw credit by: prices that do not
   *   fit its intervals, a validity of none, a charge that is more than a sum of block rates of one energy, costs and constants.
   */
  constructor(document: Uint8Array, channels: readonly string[], intervalSeconds: number) {
    if (document.length > CREDIT_TARIFF_BYTES_MAX)
      throw new FormatError(`credit tariff: more than ${CREDIT_TARIFF_BYTES_MAX} bytes`);
    this.signed = readTariff(document);
    const { energy, charge, notBefore_s } = this.signed.tariff;
    this.#channels = channels;
    this.#intervalSeconds = intervalSeconds;
    this.#charge = chargeOf(charge ? partsOf(charge) : []);
    this.#policies = [...energy, ...this.#charge.policies];
    this.#quantity = quantityOf(this.#charge.blocks);
    this.#highest = channels.map((obis) => this.#highestRate(obis));
    const first = Math.ceil(notBefore_s / intervalSeconds);
    if (!this.#isValid(first))
      throw new FormatError("credit tariff: no interval is whole within its validity");
    this.#rates(first);
  }

  /**
   * What an interval's energy costs by rates, nano-currency, and what of it block rates count. Outside the tariff's
   * validity it costs the most that it can.
   * @param Wh by channel.
   */
  interval(interval: number, Wh: readonly number[]): Omit<Counted, "days"> {
    if (!this.#isValid(interval)) return { energy: this.highest(Wh), block_Wh: 0 };
    const rates = this.#rates(interval);
    const energy = Wh.reduce((sum, each, channel) => sum + BigInt(each) * (rates[channel] ?? 0n), 0n);
    return { energy, block_Wh: this.#blockWh(interval, Wh) };
  }

  /** Nano-currency that energy of an unknown time costs at most. @param Wh by channel. */
  highest(Wh: readonly number[]): bigint {
    return Wh.reduce((sum, each, channel) => sum + BigInt(each) * (this.#highest[channel] ?? 0n), 0n);
  }

  /** What 1 Wh can cost at most with all taxes, nano-currency, rounded up; u32. */
  get highestGross(): number {
    const net = this.#highest.reduce((most, rate) => (rate > most ? rate : most), 0n);
    const gross = billLines(this.signed.tariff, net * MILLION_WH, 0).total;
    const perWh = (gross + MILLION_WH - 1n) / MILLION_WH;
    return perWh > BigInt(U32_MAX) ? U32_MAX : perWh < 0n ? 0 : Number(perWh);
  }

  /** What a period costs, nano-currency: the total of its bill. */
  total({ energy, block_Wh, days }: Counted): bigint {
    const { blocks, perPeriod, perDay } = this.#charge;
    const per = (one: Blocks) => (one.per === "day" ? BigInt(days) : 1n);
    const byBlocks = blocks.reduce((sum, one) => sum + blocksCost(one, BigInt(block_Wh), per(one)), 0n);
    const constant = perPeriod + perDay * BigInt(days);
    return billLines(this.signed.tariff, energy + byBlocks + constant, days).total;
  }

  /** Unix time at which the local month of a moment began. */
  monthStart_s(unix_s: number): number {
    const { tariff } = this.signed;
    const date = new Date((unix_s + offsetAt_s(tariff, unix_s)) * 1000);
    const first_ms = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    return localMidnight_s(tariff, first_ms / 1000 / DAY_SECONDS);
  }

  #isValid(interval: number): boolean {
    const { notBefore_s, notAfter_s } = this.signed.tariff;
    const start_s = intervalStart_s(interval, this.#intervalSeconds);
    return start_s >= notBefore_s && start_s + this.#intervalSeconds <= notAfter_s;
  }

  /** Rates by channel. */
  #rates(interval: number): bigint[] {
    const period = { from: interval, to: interval + 1, intervalSeconds: this.#intervalSeconds };
    const { tariff } = this.signed;
    return this.#channels.map((channel) => {
      const found = this.#policies.filter(({ obis }) => obis === channel);
      return found.reduce((sum, policy) => sum + BigInt(policyRates(tariff, policy, period)[0] ?? 0), 0n);
    });
  }

  #blockWh(interval: number, Wh: readonly number[]): number {
    const quantity = this.#quantity;
    if (!quantity) return 0;
    const period = { from: interval, to: interval + 1, intervalSeconds: this.#intervalSeconds };
    const counts = intervalsDuring(this.signed.tariff, quantity.during, period)[0] === true;
    return counts ? (Wh[this.#channels.indexOf(quantity.obis)] ?? 0) : 0;
  }

  #highestRate(channel: string): bigint {
    const policies = this.#policies.filter(({ obis }) => obis === channel);
    const byRates = policies.reduce((sum, { policy }) => {
      const rates = policy.kind === "dynamic" ? policy.prices : bandRates(policy);
      return sum + BigInt(highestOf(rates));
    }, 0n);
    if (this.#quantity?.obis !== channel) return byRates;
    const steps = this.#charge.blocks.map(({ steps: list, rate }) =>
      highestOf([rate, ...list.map((step) => step.rate)]),
    );
    return steps.reduce((sum, rate) => sum + BigInt(rate), byRates);
  }
}

/** Not spread over arguments: each takes a slot of the engine's stack, and there may be hundreds. */
const highestOf = (rates: readonly number[]) => rates.reduce((most, rate) => Math.max(most, rate));

const bandRates = ({ rate, bands }: TimeOfUse) => [rate, ...bands.map((band) => band.rate)];

/** The parts of a charge that is one, or a sum of them; sums within it are of at most the charge's depth. */
const partsOf = (charge: Expression): readonly Expression[] =>
  charge.kind === "sum" ? charge.parts.flatMap(partsOf) : [charge];

function chargeOf(parts: readonly Expression[]): Charge {
  const [policies, blocks]: [EnergyPolicy[], Blocks[]] = [[], []];
  let [perPeriod, perDay] = [0n, 0n];
  for (const part of parts) {
    if (part.kind === "cost") policies.push(...part.policies);
    else if (part.kind === "blocks") blocks.push(part);
    else if (part.kind !== "constant")
      throw new FormatError(`credit tariff: credit is not drawn by "${part.kind}"`);
    else if (part.per === "day") perDay += BigInt(part.value);
    else perPeriod += BigInt(part.value);
  }
  return { policies, blocks, perPeriod, perDay };
}

function quantityOf(blocks: readonly Blocks[]): Energy | null {
  const quantities = blocks.map(({ of }) => {
    if (of.kind !== "energy") throw new FormatError("credit tariff: block rates are of an energy");
    return of;
  });
  const [first = null] = quantities;
  const isOne = quantities.every((other) => first && JSON.stringify(other) === JSON.stringify(first));
  if (!isOne) throw new FormatError("credit tariff: block rates are of one energy");
  return first;
}

/** The payload of a document that may be a signed tariff; null for what is none, or is too long for a meter. */
function payloadOf(document: Uint8Array): Uint8Array | null {
  if (document.length > CREDIT_TARIFF_BYTES_MAX) return null;
  try {
    return decodeSign1(document, "tariff-1", CREDIT_TARIFF_BYTES_MAX).payload;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** Whether a document may be a signed tariff that a meter takes; its payload is not looked at. */
export const hasForm = (document: Uint8Array) => payloadOf(document) !== null;

/** Whether H of a document's payload begins with an id: found before anything of it is believed or decoded. */
export function isOfId(document: Uint8Array, id: Uint8Array): boolean {
  const payload = payloadOf(document);
  return payload !== null && sameBytes(digest(payload).subarray(0, id.length), id);
}
