// An instant as people write it: a time of UTC to the second, or a day for its last second.
import { InvalidArgumentError } from "commander";
import { utc } from "./command-line.js";

/** Unix seconds of YYYY-MM-DDTHH:MM:SSZ or YYYY-MM-DD; null for anything else. */
export function parseInstant(text: string): number | null {
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59Z` : text;
  const time_s = Date.parse(whole) / 1000;
  // Written back it must be the same: 30 February is no day, and "1" would be one.
  return Number.isNaN(time_s) || utc(time_s) !== whole ? null : time_s;
}

export const INSTANT_FORMS = "a date YYYY-MM-DD or a time YYYY-MM-DDTHH:MM:SSZ";

/** Parser of an option. @returns Unix seconds. */
export function instant(text: string): number {
  const time_s = parseInstant(text);
  if (time_s === null) throw new InvalidArgumentError(`expected ${INSTANT_FORMS}.`);
  return time_s;
}
