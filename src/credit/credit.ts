// The rules of pre-payment, as changes of the account: what an interval costs, what a day and a command do, when the
// switch may not stay closed. Nothing here waits, stores or switches; the same account and the same happening give
// the same account. What comes out of it in public (the switch, one crossed limit a day, whether a command was taken)
// never depends on energy in a way that could be asked again and again: top-ups and tariff changes are counted a day,
// and no command is refused for what the balance is.
import { daysOf, localTime, standingDays } from "../tariff/evaluate.js";
import { CborReader } from "../trusted/encoding/cbor.js";
import { SWITCH_CLOSED } from "../trusted/journal/state.js";
import { intervalAt, intervalStart_s } from "../trusted/metrology/interval.js";
import { type Account, countedDays, countedWh, Level, TARIFF_ID_BYTES, TOP_UPS_A_DAY } from "./account.js";
import { CreditSetting, settingMax, TOP_UP_MAX } from "./settings.js";
import type { Counted, CreditTariff } from "./valuation.js";

/** Nano-currency in a thousandth and in a millionth of the currency. */
const NANO_PER_MILLI = 1_000_000n;
const NANO_PER_MICRO = 1_000n;
const QUARTER_MINUTES = 15;
/** Local time where the tariff that would tell it was lost. */
const UTC = { offsets: [{ from_s: 0, offset_s: 0 }] };
const SETTINGS_MAX = 10;
/** Imported active energy, of all phases or one: what costs when the tariff is lost. */
const IMPORT = /^1-\d+:([246]?1)\.8\./;

export const Switch = { OPEN: 0, READY: 1, CLOSED: SWITCH_CLOSED } as const;

/** What an account is valued with: null where its tariff was lost, or there never was one. */
export interface Terms {
  readonly tariff: CreditTariff | null;
  readonly channels: readonly string[];
  readonly intervalSeconds: number;
}

/** Nano-currency that the period so far has cost. */
const owed = (account: Account, { tariff }: Terms): bigint =>
  account.isBegun ? (tariff?.total(account) ?? account.energy) : 0n;

/** Nano-currency: top-ups less all that was drawn, up to the last closed interval. */
export const balance = (account: Account, terms: Terms): bigint => account.settled - owed(account, terms);

/**
 * The balance with what has flowed since: at the rate of now, or at the highest there is while the time is unknown, so
 * that nobody gains by keeping it so.
 * @param Wh by channel, in no closed interval.
 */
export function balanceNow(
  account: Account,
  terms: Terms,
  time_s: number | null,
  Wh: readonly number[],
): bigint {
  const { tariff, intervalSeconds } = terms;
  if (!tariff) return balance(account, terms) - lostTariffCost(account, terms, Wh);
  if (time_s === null) {
    const energy = account.energy + tariff.highest(Wh);
    return account.settled - tariff.total({ ...account, energy });
  }
  const now = tariff.interval(intervalAt(time_s, intervalSeconds), Wh);
  const from_s = account.valuedTo === 0 ? time_s : intervalStart_s(account.valuedTo, intervalSeconds);
  const days = from_s < time_s ? standingDays(tariff.signed.tariff, from_s, time_s) : 0;
  return account.settled - tariff.total(add(account, { ...now, days }));
}

const add = (counted: Counted, more: Counted): Counted => ({
  energy: counted.energy + more.energy,
  block_Wh: countedWh(counted.block_Wh + more.block_Wh),
  days: countedDays(counted.days + more.days),
});

/** Nano-currency, taxes included. */
function lostTariffCost({ highest }: Account, { channels }: Terms, Wh: readonly number[]): bigint {
  const imported_Wh = Wh.reduce(
    (sum, each, channel) => (IMPORT.test(channels[channel] ?? "") ? sum + each : sum),
    0,
  );
  return BigInt(highest) * BigInt(imported_Wh);
}

/** The period ends: what it has cost is drawn for good. Another begins where it ended. */
export const settle = (account: Account, terms: Terms): Account => ({
  ...account,
  settled: balance(account, terms),
  energy: 0n,
  block_Wh: 0,
  days: 0,
  isBegun: false,
});

/**
 * Draws what a closed interval has cost. Local months are periods of their own: in the first interval of one the last
 * is settled, with the days that were left of it.
 * @param Wh its readings by channel.
 */
export function drawInterval(
  account: Account,
  terms: Terms,
  interval: number,
  Wh: readonly number[],
): Account {
  if (!account.prepayment) return account;
  const { tariff, intervalSeconds } = terms;
  // While it is lost no day is counted: they are when it is there again.
  if (!tariff) return { ...account, settled: account.settled - lostTariffCost(account, terms, Wh) };
  const valuedTo = account.valuedTo === 0 ? interval : account.valuedTo;
  const begun = rollMonth({ ...account, valuedTo }, tariff, terms, interval);
  const days = daysOf(tariff.signed.tariff, { from: begun.valuedTo, to: interval + 1, intervalSeconds });
  const counted = add(begun, { ...tariff.interval(interval, Wh), days });
  return { ...begun, ...counted, valuedTo: interval + 1, isBegun: true };
}

function rollMonth(account: Account, tariff: CreditTariff, terms: Terms, interval: number): Account {
  const { intervalSeconds } = terms;
  const month_s = tariff.monthStart_s(intervalStart_s(interval, intervalSeconds));
  const from_s = intervalStart_s(account.valuedTo, intervalSeconds);
  if (tariff.monthStart_s(from_s - 1) === month_s) return account;
  const days = from_s < month_s ? standingDays(tariff.signed.tariff, from_s, month_s) : 0;
  const isBegun = account.isBegun || days > 0;
  const ended = settle({ ...account, days: countedDays(account.days + days), isBegun }, terms);
  return { ...ended, valuedTo: Math.max(account.valuedTo, Math.floor(month_s / intervalSeconds)) };
}

/** A UTC day has begun: counts begin anew, and the instalments of the days since the last one are drawn. */
export function beginDay(account: Account, day: number): Account {
  const began = { ...account, day, topUpsToday: 0, tariffChangedToday: false };
  const days = account.day === 0 || !account.prepayment ? 0 : Math.max(0, day - account.day);
  const instalment = Math.min(account.debt, days * account.debtPerDay);
  const settled = account.settled - BigInt(instalment) * NANO_PER_MILLI;
  return { ...began, debt: account.debt - instalment, settled };
}

/** Where a balance stands, nano-currency; used-up credit stays so until it is above zero again. */
export function levelOf({ level, low, emergency }: Account, nano: bigint): number {
  if (nano > 0n) return nano > BigInt(low) * NANO_PER_MILLI ? Level.GOOD : Level.LOW;
  const isLeft = nano > -BigInt(emergency) * NANO_PER_MILLI;
  return isLeft && level !== Level.USED_UP ? Level.EMERGENCY : Level.USED_UP;
}

/** The account at this balance; a level that is crossed downward is to be told at the day's end. */
export function relevel(account: Account, nano: bigint): Account {
  const level = levelOf(account, nano);
  return { ...account, level, crossed: account.crossed || (account.prepayment && level > account.level) };
}

/** Whether credit that is used up may not open the switch now. Unix time; the hours are those of the tariff's clock. */
export function isProtected(account: Account, { tariff }: Terms, time_s: number): boolean {
  const { day, weekday, minute } = localTime(tariff?.signed.tariff ?? UTC, time_s);
  const { protectedFirst, protectedLast, protectedWeekdays, protectedFrom, protectedTo } = account;
  const inDays = protectedFirst > 0 && protectedFirst <= day && day <= protectedLast;
  const quarter = Math.floor(minute / QUARTER_MINUTES);
  const overMidnight = protectedFrom > protectedTo;
  const inHours = overMidnight
    ? quarter >= protectedFrom || quarter < protectedTo
    : protectedFrom <= quarter && quarter < protectedTo;
  return inDays || (protectedWeekdays & weekday) !== 0 || inHours;
}

/** Whether the switch may not be closed. While the time is unknown nothing is protected. */
export function mustBeOpen(account: Account, terms: Terms, time_s: number | null): boolean {
  const { isOrderedOpen, prepayment, level } = account;
  const isUsedUp = prepayment && level === Level.USED_UP;
  return isOrderedOpen || (isUsedUp && (time_s === null || !isProtected(account, terms, time_s)));
}

/** A top-up: millionths of the currency. @returns null after the fourth of a day. @throws FormatError */
export function topUp(account: Account, argument: Uint8Array): Account | null {
  const reader = new CborReader(argument, "top-up");
  const amount = reader.uint(TOP_UP_MAX);
  reader.end();
  if (amount === 0 || account.topUpsToday >= TOP_UPS_A_DAY) return null;
  const settled = account.settled + BigInt(amount) * NANO_PER_MICRO;
  return { ...account, settled, topUpsToday: account.topUpsToday + 1 };
}

/** Draws by another tariff from now on: what was drawn by the last is settled. @returns null for a second one a day. */
export function changeTariff(account: Account, terms: Terms, next: CreditTariff): Account | null {
  if (account.tariffChangedToday) return null;
  return {
    ...settle(account, terms),
    tariffId: next.signed.digest.slice(0, TARIFF_ID_BYTES),
    highest: next.highestGross,
    tariffChangedToday: true,
  };
}

/**
 * Settings by number (settings.ts). Pre-payment begins with the next interval that closes, and needs a tariff.
 * @returns null for pre-payment without one. @throws FormatError for a setting that there is not, or out of its range.
 */
export function changeSettings(account: Account, terms: Terms, argument: Uint8Array): Account | null {
  const reader = new CborReader(argument, "credit settings");
  let changed = account;
  let last = 0;
  for (let left = reader.map(1, SETTINGS_MAX); left > 0; left--) {
    const number = reader.uint(SETTINGS_MAX);
    const max = settingMax(number);
    if (number <= last || max === null) reader.refuse("settings do not ascend, or one that there is not");
    else changed = set(changed, terms, number, reader.uint(max));
    last = number;
  }
  reader.end();
  return changed.prepayment && !terms.tariff ? null : changed;
}

function set(account: Account, terms: Terms, number: number, value: number): Account {
  switch (number) {
    case CreditSetting.MODE:
      if ((value === 1) === account.prepayment) return account;
      return { ...settle(account, terms), prepayment: value === 1, valuedTo: 0, level: Level.GOOD };
    case CreditSetting.LOW:
      return { ...account, low: value };
    case CreditSetting.EMERGENCY:
      return { ...account, emergency: value };
    case CreditSetting.DEBT:
      return { ...account, debt: value };
    case CreditSetting.DEBT_PER_DAY:
      return { ...account, debtPerDay: value };
    case CreditSetting.PROTECTED_FROM:
      return { ...account, protectedFrom: value };
    case CreditSetting.PROTECTED_TO:
      return { ...account, protectedTo: value };
    case CreditSetting.PROTECTED_WEEKDAYS:
      return { ...account, protectedWeekdays: value };
    case CreditSetting.PROTECTED_FIRST:
      return { ...account, protectedFirst: value };
    default:
      return { ...account, protectedLast: value };
  }
}
