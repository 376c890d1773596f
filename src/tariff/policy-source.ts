// Policies as people write them (docs/examples): rates per kWh, hours of days and months, lists of prices. What
// they mean for a period is for evaluate.ts.
import { OBIS } from "../trusted/authority/configuration.js";
import { DAY_SECONDS, U32_MAX } from "../trusted/metrology/interval.js";
import { isoInstant } from "./evaluate.js";
import type { JsonNode } from "./json.js";
import {
  BANDS_MAX,
  type Band,
  DAY_MINUTES,
  type DynamicPrices,
  type EnergyPolicy,
  EVERY_MONTH,
  EVERY_WEEKDAY,
  type Hours,
  PRICES_MAX,
  QUARTER_S,
  RATE_MAX,
  type TimeOfUse,
  type Validity,
} from "./policy.js";

/** Decimal places of currency per kWh that are whole nano-currency per Wh. */
const RATE_PLACES = 6;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HOURS_FIELDS = ["days", "months", "hours"];
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z$/;
const HOURS = /^(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)$/;

export function readInstant(node: JsonNode): number {
  const expected = 'a UTC instant such as "2026-03-29T01:00Z", from 1970 to 2106';
  const text = node.match(INSTANT, expected);
  const time_ms = Date.parse(text);
  const exists = !Number.isNaN(time_ms) && new Date(time_ms).toISOString().startsWith(text.slice(0, -1));
  return exists && time_ms >= 0 && time_ms / 1000 <= U32_MAX ? time_ms / 1000 : node.refuse(expected);
}

/** An OBIS code that stands as the value of a field. */
export const readObis = (node: JsonNode) => node.match(OBIS, 'an OBIS code such as "1-0:1.8.0"');

/** A policy of the channel that the place is named by. */
export function readEnergy(node: JsonNode, validity: Validity): EnergyPolicy {
  if (!OBIS.test(node.name)) node.refuse('an OBIS code such as "1-0:1.8.0" as the name of this field');
  const policy = node.has("prices") ? readDynamic(node, validity) : readTimeOfUse(node);
  return { obis: node.name, policy };
}

/** A decimal of currency per kWh in nano-currency per Wh. */
export const readRate = (node: JsonNode) => node.decimal(RATE_PLACES, -RATE_MAX, RATE_MAX);

function readTimeOfUse(node: JsonNode): TimeOfUse {
  node.fields(["rate"], ["bands"]);
  const bands = node.has("bands") ? node.field("bands").items(0, BANDS_MAX).flatMap(readBands) : [];
  if (bands.length > BANDS_MAX) node.field("bands").refuse(`at most ${BANDS_MAX} bands, one for each hours`);
  return { kind: "time-of-use", rate: readRate(node.field("rate")), bands };
}

/** A band for each of its hours. */
function readBands(node: JsonNode): Band[] {
  node.fields(["rate"], HOURS_FIELDS);
  const rate = readRate(node.field("rate"));
  return readTimes(node).map((hours) => ({ ...hours, rate }));
}

/** A list of hours of days and months, which are those of any of its items. */
export function readDuring(node: JsonNode): Hours[] {
  const hours = node.items(1, BANDS_MAX).flatMap((item) => {
    item.fields([], HOURS_FIELDS);
    return readTimes(item);
  });
  return hours.length > BANDS_MAX ? node.refuse(`at most ${BANDS_MAX} bands, one for each hours`) : hours;
}

/** The days and months of a band with each of its hours. */
function readTimes(node: JsonNode): Hours[] {
  const weekdays = node.has("days") ? readMask(node.field("days"), DAYS) : EVERY_WEEKDAY;
  const months = node.has("months") ? readMask(node.field("months"), MONTHS) : EVERY_MONTH;
  if (!node.has("hours")) return [{ weekdays, months, fromMinute: 0, toMinute: DAY_MINUTES }];
  const hours = node.field("hours").items(1, BANDS_MAX).map(readHours);
  return hours.map(([fromMinute, toMinute]) => ({ weekdays, months, fromMinute, toMinute }));
}

/** Bits of the names, or of ranges of names, which may run over the end: Nov-Feb. */
function readMask(node: JsonNode, names: readonly string[]): number {
  const expected = `one of ${names.join(" ")}, or a range such as "${names[0]}-${names[4]}"`;
  let mask = 0;
  for (const item of node.items(1, names.length)) {
    const [first = -1, last = first, ...more] = item
      .text(expected)
      .split("-")
      .map((name) => names.indexOf(name));
    if (first < 0 || last < 0 || more.length > 0) item.refuse(expected);
    const length = ((last - first + names.length) % names.length) + 1;
    for (let at = first; at < first + length; at++) mask |= 1 << (at % names.length);
  }
  return mask;
}

function readHours(node: JsonNode): readonly [number, number] {
  const expected =
    'hours of one day such as "06:00-22:00", at the latest "24:00"; over midnight in two parts';
  const [, ...parts] = HOURS.exec(node.text(expected)) ?? [];
  const [fromHour = 0, fromPart = 0, toHour = 0, toPart = 0] = parts.map(Number);
  const [from, to] = [60 * fromHour + fromPart, 60 * toHour + toPart];
  return from < to && to <= DAY_MINUTES ? [from, to] : node.refuse(expected);
}

function readDynamic(node: JsonNode, { notBefore_s, notAfter_s }: Validity): DynamicPrices {
  node.fields(["start", "priceMinutes", "prices"]);
  const start_s = readInstant(node.field("start"));
  if (start_s % QUARTER_S !== 0 || start_s > notBefore_s) {
    node.field("start").refuse(`a quarter of an hour at or before ${isoInstant(notBefore_s)}, validFrom`);
  }
  const price_s = 60 * node.field("priceMinutes").wholeNumber();
  if (price_s <= 0 || price_s % QUARTER_S !== 0 || price_s > DAY_SECONDS) {
    node.field("priceMinutes").refuse("a multiple of 15, at most 1440");
  }
  const list = node.field("prices");
  const prices = list.items(1, PRICES_MAX).flatMap((item) => item.words().map(readRate));
  const needed = Math.ceil((notAfter_s - start_s) / price_s);
  if (prices.length < needed || prices.length > PRICES_MAX) {
    list.refuse(`${needed} prices, to cover the validity, to ${PRICES_MAX} of them (${prices.length} here)`);
  }
  return { kind: "dynamic", start_s, price_s, prices };
}
