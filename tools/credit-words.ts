// The words in which a person writes credit settings: amounts in the currency, times and days as on a calendar. Their
// names and numbers are src/credit/settings.ts's; whether a value is within its bounds is decided where it is encoded.
import { CREDIT_SETTINGS, type Setting } from "../src/credit/settings.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { UsageError } from "./command-line.js";
import { parseInstant } from "./instant.js";

const NUMBER = /^(0|[1-9]\d{0,2})$/;
const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** How the value of a setting is written, and what it is in the setting's unit; null for what is none. */
interface Form {
  readonly says: string;
  readonly parse: (text: string) => number | null;
}

const FORMS: Readonly<Record<Setting["unit"], Form>> = {
  mode: { says: "prepayment or off", parse: parseMode },
  amount: { says: "an amount of the currency with at most three decimals", parse: parseThousandths },
  time: { says: "HH:MM on a quarter-hour", parse: parseQuarterHour },
  weekdays: { says: `none, or of ${WEEKDAYS.join(",")}`, parse: parseWeekdays },
  date: { says: "none, or YYYY-MM-DD", parse: parseDay },
};

const namesOf = (unit: string) =>
  [...CREDIT_SETTINGS].flatMap(([name, setting]) => (setting.unit === unit ? [name] : [])).join(", ");

/** For the help: the names, and how their values are written. */
export const CREDIT_SETTING_FORMS = Object.entries(FORMS)
  .map(([unit, { says }]) => `${namesOf(unit)}: ${says}`)
  .join("; ");

/** For who uses another name. */
export const CREDIT_SETTING_WORDS = `${[...CREDIT_SETTINGS.keys()].join(", ")}, or its number`;

/** Whether a word names a setting; a number is one here, whether or not a meter has that setting. */
export const isCreditSetting = (field: string) => CREDIT_SETTINGS.has(field) || NUMBER.test(field);

/**
 * A setting's number and value from NAME=VALUE in a person's forms, or NUMBER=VALUE as on the wire.
 * @throws UsageError for a value that is not of its setting's form.
 */
export function parseCreditSetting(field: string, text: string): readonly [number: number, value: number] {
  const setting = CREDIT_SETTINGS.get(field);
  if (!setting) return [Number(field), wholeNumber(field, text)];
  const { says, parse } = FORMS[setting.unit];
  const value = parse(text);
  if (value === null) throw new UsageError(`${field}: "${text}" is not ${says}`);
  return [setting.number, value];
}

function wholeNumber(field: string, text: string): number {
  if (/^\d{1,20}$/.test(text)) return Number(text);
  throw new UsageError(`${field}: "${text}" is not a whole number`);
}

function parseMode(text: string): number | null {
  const mode = ["off", "prepayment"].indexOf(text);
  return mode < 0 ? null : mode;
}

function parseThousandths(text: string): number | null {
  const [, whole, decimals = ""] = /^(\d{1,10})(?:\.(\d{1,3}))?$/.exec(text) ?? [];
  return whole === undefined ? null : 1000 * Number(whole) + Number(decimals.padEnd(3, "0"));
}

function parseQuarterHour(text: string): number | null {
  const [, hours, minutes] = /^([01]\d|2[0-3]):(00|15|30|45)$/.exec(text) ?? [];
  if (text === "24:00") return 96;
  return hours === undefined ? null : 4 * Number(hours) + Number(minutes) / 15;
}

function parseWeekdays(text: string): number | null {
  if (text === "none") return 0;
  const days = text.split(",").map((day) => WEEKDAYS.indexOf(day));
  return days.includes(-1) ? null : days.reduce((set, day) => set | (1 << day), 0);
}

function parseDay(text: string): number | null {
  if (text === "none") return 0;
  const last_s = /^\d{4}-\d\d-\d\d$/.test(text) ? parseInstant(text) : null;
  return last_s === null ? null : Math.floor(last_s / DAY_SECONDS);
}
