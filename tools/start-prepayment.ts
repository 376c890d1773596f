// The end of the story of start: a household's day on pre-payment, what its supplier has learnt of it, and the
// customer's proof that the meter drew what the day's bill is, to the last nano-currency.
import { fileURLToPath } from "node:url";
import { AMOUNTS, HOURS, type Level, livePrepaidDay, type PrepaidDay } from "../host-sim/prepaid-day.js";
import { customerOf, recordOf } from "../host-sim/simulation.js";
import { Switch } from "../src/credit/credit.js";
import { makeBill } from "../src/customer/bill.js";
import { type CheckedMeter, checkMeter } from "../src/customer/check.js";
import { decodeEvent } from "../src/customer/messages.js";
import { BatchLedger } from "../src/proofs/ledger.js";
import { encodeProvedBill } from "../src/proofs/proved-bill.js";
import { verifyBill } from "../src/supplier/verify-bill.js";
import { encodeTariff } from "../src/tariff/document.js";
import { signTariff, verifyTariff } from "../src/tariff/signed-tariff.js";
import { parseTariff } from "../src/tariff/source.js";
import { intervalStart_s, Status } from "../src/trusted/metrology/interval.js";
import { money, proving } from "./bill.js";
import { readText } from "./command-line.js";
import { amount, type CreditPicture, chartCredit, drawCredit } from "./prepayment-picture.js";

const EXAMPLE = fileURLToPath(new URL("../docs/examples/time-of-use.json", import.meta.url));
/** 15 January 2026 where the clock is an hour ahead of UTC. */
const UTC_OFFSET_H = 1;
const HOUR_S = 3600;
const START_S = Date.UTC(2026, 0, 15) / 1000 - UTC_OFFSET_H * HOUR_S;
const [FROM, TO] = ["2026-01-15", "2026-01-16"];
const NANO = 1_000_000_000n;
const NANO_PER_CENT = 10_000_000n;
/** Types of events (docs/protocol.md). */
const [ACCEPTED, LOAD_SWITCH, CREDIT] = [8, 10, 11];
const MINUTES_AN_HOUR = 60;

/** All that the supplier has learnt of the day, beside commitments and the bill. */
export interface SupplierKnowledge {
  readonly accepted: number;
  /** The switch's states in the order of its events: 0 open, 1 ready, 2 closed. */
  readonly switchStates: readonly number[];
  readonly crossedLimits: number;
}

export interface Prepayment {
  /** Paid in, collected of the debt, and drawn for energy and standing charge. */
  readonly toppedUp: string;
  readonly collected: string;
  readonly drawn: string;
  /** The customer's proved bill of the same day: equal to `drawn` in every nano-currency. */
  readonly billed: string;
  readonly left: string;
  /** When credit was first so low, local time HH:MM. */
  readonly levels: Readonly<Record<Level, string>>;
  /** Sealed intervals in which the switch was open from beginning to end, and what was measured in them. */
  readonly cutOff: { readonly intervals: number; readonly energy_Wh: number };
  readonly supplier: SupplierKnowledge;
}

/** The result, the lines that tell it, and an SVG document of the day. */
export interface PrepaymentStory {
  readonly result: Prepayment;
  readonly lines: readonly string[];
  readonly picture: string;
}

/** Lives, bills and tells the day. @throws Error when the meter has drawn anything but the bill. */
export function tellPrepaidDay(seed: number): PrepaymentStory {
  const source = encodeTariff(parseTariff(readText(EXAMPLE)));
  const day = livePrepaidDay({
    seed,
    start_s: START_S,
    utcOffset_h: UTC_OFFSET_H,
    signTariff: (supplierSeed) => signTariff(source, supplierSeed),
  });
  const { world, topUps, collected, balance } = day;
  const record = recordOf(world);
  const checked = checkMeter(record, customerOf(world), world.parties.authority.publicKey);
  const { billed, currency } = bill(day, checked, record.certificate);
  const toppedUp = topUps.reduce((sum, { cents }) => sum + cents * NANO_PER_CENT, 0n);
  const drawn = toppedUp - collected - balance;
  if (drawn !== billed) throw new Error(`the meter has drawn ${drawn} and the bill is ${billed}`);
  const told = (nano: bigint) => money(nano, currency);
  const exact = (nano: bigint) => `${nano / NANO}.${`${nano % NANO}`.padStart(9, "0")} ${currency}`;
  const result = {
    toppedUp: told(toppedUp),
    collected: told(collected),
    drawn: exact(drawn),
    billed: exact(billed),
    left: told(balance),
    levels: {
      low: reached(day, "low"),
      emergency: reached(day, "emergency"),
      "used up": reached(day, "used up"),
    },
    cutOff: cutOff(checked),
    supplier: supplierKnowledge(day),
  };
  const picture = pictureOf(day, currency, result);
  return { result, lines: linesOf(day, currency, result, picture), picture: drawCredit(picture) };
}

/** The customer's bill of the day, proved, and verified as the supplier does. */
function bill({ world, tariff: document }: PrepaidDay, checked: CheckedMeter, certificate: Uint8Array) {
  const { authority, supplier } = world.parties;
  const tariff = verifyTariff(document, supplier.publicKey);
  const made = makeBill(checked, certificate, tariff, { from: FROM, to: TO }, proving());
  const trust = { authorityKey: authority.publicKey, tariff, ledger: new BatchLedger() };
  const { lines } = verifyBill(encodeProvedBill(made), trust);
  return { billed: lines.total, currency: tariff.tariff.currency };
}

/** Local time of an hour, HH:MM. */
function clock(hour: number): string {
  const minutes = Math.floor(hour * MINUTES_AN_HOUR + 1e-6);
  const two = (value: number) => `${value}`.padStart(2, "0");
  return `${two(Math.floor(minutes / MINUTES_AN_HOUR))}:${two(minutes % MINUTES_AN_HOUR)}`;
}

function reached({ samples }: PrepaidDay, level: Level): string {
  const first = samples.find((sample) => sample.level === level);
  if (!first) throw new Error(`credit was never ${level} in the story's day`);
  return clock(first.hour);
}

/** Their signed status says that the switch was open. */
function cutOff({ batches, certificate }: CheckedMeter): Prepayment["cutOff"] {
  const { intervalSeconds } = certificate;
  const found = batches
    .flatMap(({ intervals }) => intervals)
    .filter(({ interval, status }) => {
      const hour = (intervalStart_s(interval, intervalSeconds) - START_S) / HOUR_S;
      // In the first one of this status energy has flowed until the switch opened.
      const isWhole = hour > HOURS.protectedTo && hour + intervalSeconds / HOUR_S <= HOURS.buttonHeld;
      return isWhole && (status & Status.SWITCH_OPEN) !== 0;
    });
  const energy_Wh = found.reduce(
    (sum, { readings }) => sum + readings.reduce((all, each) => all + each, 0),
    0,
  );
  return { intervals: found.length, energy_Wh };
}

function supplierKnowledge({ world }: PrepaidDay): SupplierKnowledge {
  const events = world.headEnd.messages("event").map(decodeEvent);
  const of = (wanted: number) => events.filter(({ type }) => type === wanted);
  return {
    accepted: of(ACCEPTED).length,
    switchStates: of(LOAD_SWITCH).map(({ detail }) => Number(detail)),
    crossedLimits: of(CREDIT).length,
  };
}

function pictureOf({ samples, topUps }: PrepaidDay, currency: string, { billed }: Prepayment): CreditPicture {
  return {
    title: "15 January 2026 on pre-payment",
    currency,
    points: samples,
    topUps,
    emergency: AMOUNTS.emergency,
    protectedTimes: [
      { from: 0, to: HOURS.protectedTo },
      { from: HOURS.protectedFrom, to: 24 },
    ],
    blocked: { from: HOURS.blockedFrom, to: HOURS.blockedTo },
    captions: [
      `The customer's own bill of the day, ${billed}, is what the meter has drawn, to the nano-currency.`,
      "The supplier learned which commands were accepted, the switch's moves, and that a limit was crossed; no balance.",
    ],
  };
}

function linesOf(day: PrepaidDay, currency: string, told: Prepayment, picture: CreditPicture): string[] {
  const { samples, topUps } = day;
  const [first, second] = topUps.map(({ cents }) => `${amount(cents)} ${currency}`);
  const { debt, instalment, emergency } = AMOUNTS;
  const before = samples.filter(({ hour }) => hour < HOURS.blockedFrom).at(-1)?.credit ?? 0;
  const untimed = samples.filter(({ timed }) => !timed);
  const during = untimed.at(-1)?.credit ?? 0;
  const after = samples.find(({ hour }) => hour > (untimed.at(-1)?.hour ?? 0))?.credit ?? 0;
  const { accepted, switchStates, crossedLimits } = told.supplier;
  const moments: readonly (readonly [string, string])[] = [
    [
      clock(HOURS.begins),
      `tariff, settings and a top-up of ${first}; a debt of ${amount(debt)}, ${amount(instalment)} a day`,
    ],
    [told.levels.low, "credit is low"],
    [told.levels.emergency, `it is gone; emergency credit of ${amount(emergency)} ${currency}`],
    [
      told.levels["used up"],
      `that is used up too, but until ${clock(HOURS.protectedTo)} the hours are protected: the supply stays on`,
    ],
    [
      clock(HOURS.protectedTo),
      `the load switch opens: ${told.cutOff.energy_Wh} Wh in ${told.cutOff.intervals} half-hours, sealed with the status of an open switch`,
    ],
    [clock(HOURS.toppedUp), `a top-up of ${second} makes the switch ready; nothing remote closes it`],
    [clock(HOURS.buttonHeld), "a person holds the button, and the light is on"],
    [
      clock(HOURS.blockedFrom),
      `somebody keeps the network away and pulls the plug, twice: ${amount(before)} falls to ${amount(during)}, at the highest price`,
    ],
    [
      clock(HOURS.blockedTo),
      `the network is back and the time confirmed: ${amount(after)}, at the price of the hour`,
    ],
  ];
  const states: Readonly<Record<number, string>> = {
    [Switch.OPEN]: "open",
    [Switch.READY]: "ready",
    [Switch.CLOSED]: "closed",
  };
  return [
    ...moments.map(([time, happened]) => `${time}  ${happened}`),
    ...chartCredit(picture),
    `The supplier learned: ${accepted} commands accepted, the switch ${switchStates.map((state) => states[state]).join(", ")}, ${crossedLimits} crossed limit at the day's end; no balance.`,
    `The customer's bill of the same day: ${told.billed}. Top-ups less debt and what is left: ${told.drawn}, equal in every digit.`,
  ];
}
