// What commands may set of the credit logic (docs/protocol.md, kinds 5 and 7): the settings by number, and by the name
// that a person writes. Both ends take the bounds from here: who signs such a command, and the meter that obeys it. What
// a setting does is not decided here.
import { U32_MAX } from "../trusted/metrology/interval.js";

/** Largest top-up, millionths of the currency; the least is 1. */
export const TOP_UP_MAX = 100_000_000_000;

/** Numbers on the wire. They are never given to another setting. */
export const CreditSetting = {
  /** 0 off, 1 pre-payment. */
  MODE: 1,
  /** Credit at which the customer is warned. */
  LOW: 2,
  /** Emergency credit: how far below zero credit may go. */
  EMERGENCY: 3,
  /** Debt that is left to collect. */
  DEBT: 4,
  /** Debt collected in a UTC day. */
  DEBT_PER_DAY: 5,
  /** No disconnection from the one time of the local day to the other, over midnight where it is later; equal: none. */
  PROTECTED_FROM: 6,
  PROTECTED_TO: 7,
  /** Local days without disconnection: bit 0 is Monday, bit 6 Sunday. */
  PROTECTED_WEEKDAYS: 8,
  /** A range of local days without disconnection, last one included; 0: none. */
  PROTECTED_FIRST: 9,
  PROTECTED_LAST: 10,
} as const;

/** What the value of a setting counts, and the largest there is. */
export const SettingUnit = {
  mode: 1,
  /** Thousandths of the currency. */
  amount: U32_MAX,
  /** Quarter-hours since local midnight. */
  time: 96,
  /** A bit each. */
  weekdays: 0x7f,
  /** Days since 1970-01-01. */
  date: 0xffff,
} as const;

export interface Setting {
  readonly number: number;
  readonly unit: keyof typeof SettingUnit;
}

/** By the name that a person writes. */
export const CREDIT_SETTINGS: ReadonlyMap<string, Setting> = new Map<string, Setting>([
  ["mode", { number: CreditSetting.MODE, unit: "mode" }],
  ["low", { number: CreditSetting.LOW, unit: "amount" }],
  ["emergency", { number: CreditSetting.EMERGENCY, unit: "amount" }],
  ["debt", { number: CreditSetting.DEBT, unit: "amount" }],
  ["debt-per-day", { number: CreditSetting.DEBT_PER_DAY, unit: "amount" }],
  ["protected-from", { number: CreditSetting.PROTECTED_FROM, unit: "time" }],
  ["protected-to", { number: CreditSetting.PROTECTED_TO, unit: "time" }],
  ["protected-weekdays", { number: CreditSetting.PROTECTED_WEEKDAYS, unit: "weekdays" }],
  ["protected-first", { number: CreditSetting.PROTECTED_FIRST, unit: "date" }],
  ["protected-last", { number: CreditSetting.PROTECTED_LAST, unit: "date" }],
]);

/** Largest value of the setting of this number, the least being 0; null if there is no such setting. */
export function settingMax(number: number): number | null {
  for (const setting of CREDIT_SETTINGS.values())
    if (setting.number === number) return SettingUnit[setting.unit];
  return null;
}
