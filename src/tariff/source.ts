// Tariffs as people write them: JSON with prices as decimal text per kWh, hours, dates and percentages
// (docs/examples). Decimals become integers digit by digit, never by way of a float, and nothing is guessed:
// a field that is missing, unknown or written otherwise is refused by its path and with what belongs there.
import { OBIS } from "../trusted/authority/configuration.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { DAY_SECONDS, U32_MAX } from "../trusted/metrology/interval.js";
import {
  BANDS_MAX,
  type Band,
  CURRENCY,
  DAILY_AMOUNT_MAX,
  DAY_MINUTES,
  type DynamicPrices,
  type EnergyPolicy,
  EVERY_MONTH,
  EVERY_WEEKDAY,
  encodeTariff,
  LEVIES_MAX,
  type Levy,
  NAME_CHARACTERS_MAX,
  OFFSET_MAX_S,
  OFFSETS_MAX,
  type OffsetChange,
  POLICIES_MAX,
  PRICES_MAX,
  PROPORTION_MAX,
  QUARTER_S,
  RATE_MAX,
  type Tariff,
  type TimeOfUse,
  VAT_MAX,
} from "./document.js";
import { isoInstant, localMidnight_s, parseDate } from "./evaluate.js";

const TEXT_CHARACTERS_MAX = 4_000_000;
const SHOWN_CHARACTERS_MAX = 40;

/** Decimal places that are exact: of currency per kWh in nano per Wh, of currency in nano, of % in ppm. */
const RATE_PLACES = 6;
const AMOUNT_PLACES = 9;
const PERCENT_PLACES = 4;

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z$/;
const OFFSET = /^([+-])(\d{2}):([0-5]\d)$/;
const HOURS = /^(\d{2}):([0-5]\d)-(\d{2}):([0-5]\d)$/;
const NAME = /^[\x20-\x7e]+$/;
const DECIMAL = /^(-?)(0|[1-9]\d{0,11})(?:\.(\d+))?$/;
/** Summer time by Directive 2000/84/EC: last Sundays of March and October, 01:00 UTC; in force since 1996. */
const EU_RULE_SINCE = 1996;
const YEAR_MAX = 2106;
const EU_DAYLIGHT_MONTH = 2;
const EU_STANDARD_MONTH = 9;
const EU_CHANGE_S = 3600;

/**
 * Reads a tariff from JSON text.
 * @throws FormatError naming the place in the JSON (`$.energy["1-0:1.8.0"].bands[0].rate`) and what is
 *   expected there.
 */
export function parseTariff(text: string): Tariff {
  const root = new JsonNode(parseJson(text), "$");
  root.fields(
    [
      "name",
      "currency",
      "validFrom",
      "validBefore",
      "utcOffset",
      "energy",
      "standingPerDay",
      "levies",
      "vat",
    ],
    ["comment"],
  );
  const { validity, offsets } = readCalendar(root);
  const tariff = {
    name: readName(root.field("name")),
    currency: root.field("currency").match(CURRENCY, 'three capital letters such as "EUR"'),
    ...validity,
    offsets,
    energy: root
      .field("energy")
      .entries(POLICIES_MAX)
      .map((node) => readEnergy(node, validity)),
    standing: root.field("standingPerDay").decimal(AMOUNT_PLACES, 0, DAILY_AMOUNT_MAX),
    levies: root.field("levies").items(0, LEVIES_MAX).map(readLevy),
    vat_ppm: root.field("vat").percent(0, VAT_MAX),
  };
  encodeTariff(tariff); // refuses what is too long as a whole
  return tariff;
}

function parseJson(text: string): unknown {
  if (text.length > TEXT_CHARACTERS_MAX) {
    throw new FormatError(`$: more than ${TEXT_CHARACTERS_MAX} characters`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(`$: not JSON: ${error instanceof Error ? error.message : "unreadable"}`);
  }
}

type Validity = Pick<Tariff, "notBefore_s" | "notAfter_s">;

/** Validity, between two local midnights, and the offsets that are in force around it. */
function readCalendar(root: JsonNode): { validity: Validity; offsets: OffsetChange[] } {
  const firstDay = readDate(root.field("validFrom"));
  const endDay = readDate(root.field("validBefore"));
  const node = root.field("utcOffset");
  const changes = readOffsets(node, yearOf(firstDay), yearOf(endDay));
  const notBefore_s = localMidnight_s({ offsets: changes }, firstDay);
  const notAfter_s = localMidnight_s({ offsets: changes }, endDay);
  if (notBefore_s < 0) root.field("validFrom").refuse("a date from 1970 on");
  if (notAfter_s <= notBefore_s || notAfter_s > U32_MAX) {
    root.field("validBefore").refuse("a date after validFrom, at most in 2106");
  }
  const early = changes.filter(({ from_s }) => from_s < notBefore_s).length;
  if ((changes[0]?.from_s ?? 0) > notBefore_s) {
    node.refuse(`a first change at or before ${isoInstant(notBefore_s)}, when the validity begins`);
  }
  // The one before the validity tells where its first day begins, if the clocks change in that moment.
  const offsets = changes.slice(Math.max(0, early - 1)).filter(({ from_s }) => from_s <= notAfter_s);
  return { validity: { notBefore_s, notAfter_s }, offsets };
}

function readDate(node: JsonNode): number {
  const expected = 'a date such as "2026-01-31"';
  const text = node.text(expected);
  try {
    return parseDate(text);
  } catch {
    return node.refuse(expected);
  }
}

/** A constant offset, a rule with its two offsets, or a list of changes. */
function readOffsets(node: JsonNode, firstYear: number, lastYear: number): OffsetChange[] {
  if (node.isText) return [{ from_s: 0, offset_s: readOffset(node) }];
  if (!node.isList) return readRule(node, firstYear, lastYear);
  let last_s = -1;
  return node.items(1, OFFSETS_MAX).map((item) => {
    item.fields(["from", "offset"]);
    const from_s = readInstant(item.field("from"));
    if (from_s <= last_s) item.field("from").refuse("an instant after the one before it");
    last_s = from_s;
    return { from_s, offset_s: readOffset(item.field("offset")) };
  });
}

/** The changes of a rule from the year before the validity to the year of its end. */
function readRule(node: JsonNode, firstYear: number, lastYear: number): OffsetChange[] {
  node.fields(["standard", "daylight", "rule"]);
  node.field("rule").match(/^EU$/, '"EU"');
  const standard_s = readOffset(node.field("standard"));
  const daylight_s = readOffset(node.field("daylight"));
  if (firstYear <= EU_RULE_SINCE || lastYear > YEAR_MAX || lastYear < firstYear) {
    node.refuse(`a list of changes for a validity outside ${EU_RULE_SINCE + 1} to ${YEAR_MAX}`);
  }
  const years = Array.from({ length: lastYear - firstYear + 2 }, (_, at) => firstYear - 1 + at);
  return years.flatMap((year) => [
    { from_s: lastSunday_s(year, EU_DAYLIGHT_MONTH) + EU_CHANGE_S, offset_s: daylight_s },
    { from_s: lastSunday_s(year, EU_STANDARD_MONTH) + EU_CHANGE_S, offset_s: standard_s },
  ]);
}

const yearOf = (day: number) => new Date(day * DAY_SECONDS * 1000).getUTCFullYear();

/** Unix time at which the last Sunday of a month begins in UTC; `month` counts from 0. */
function lastSunday_s(year: number, month: number): number {
  const lastDay = new Date(Date.UTC(year, month + 1, 0));
  return lastDay.getTime() / 1000 - lastDay.getUTCDay() * DAY_SECONDS;
}

function readInstant(node: JsonNode): number {
  const expected = 'a UTC instant such as "2026-03-29T01:00Z", from 1970 to 2106';
  const text = node.match(INSTANT, expected);
  const time_ms = Date.parse(text);
  const exists = !Number.isNaN(time_ms) && new Date(time_ms).toISOString().startsWith(text.slice(0, -1));
  return exists && time_ms >= 0 && time_ms / 1000 <= U32_MAX ? time_ms / 1000 : node.refuse(expected);
}

function readOffset(node: JsonNode): number {
  const expected = 'an offset from UTC in quarters of an hour within 18 hours, such as "+01:00"';
  const [, sign, hours, minutes] = OFFSET.exec(node.text(expected)) ?? [];
  const seconds = Number(hours) * 3600 + Number(minutes) * 60;
  if (seconds % QUARTER_S !== 0 || seconds > OFFSET_MAX_S) node.refuse(expected);
  return sign === "-" ? 0 - seconds : seconds;
}

function readName(node: JsonNode): string {
  const expected = `1 to ${NAME_CHARACTERS_MAX} characters of printable ASCII`;
  const name = node.match(NAME, expected);
  return name.length <= NAME_CHARACTERS_MAX ? name : node.refuse(expected);
}

function readEnergy(node: JsonNode, validity: Validity): EnergyPolicy {
  if (!OBIS.test(node.name)) node.refuse('an OBIS code such as "1-0:1.8.0" as the name of this field');
  const policy = node.has("prices") ? readDynamic(node, validity) : readTimeOfUse(node);
  return { obis: node.name, policy };
}

const readRate = (node: JsonNode) => node.decimal(RATE_PLACES, -RATE_MAX, RATE_MAX);

function readTimeOfUse(node: JsonNode): TimeOfUse {
  node.fields(["rate"], ["bands"]);
  const bands = node.has("bands") ? node.field("bands").items(0, BANDS_MAX).flatMap(readBands) : [];
  if (bands.length > BANDS_MAX) node.field("bands").refuse(`at most ${BANDS_MAX} bands, one for each hours`);
  return { kind: "time-of-use", rate: readRate(node.field("rate")), bands };
}

/** A band for each of its hours. */
function readBands(node: JsonNode): Band[] {
  node.fields(["rate"], ["days", "months", "hours"]);
  const weekdays = node.has("days") ? readMask(node.field("days"), DAYS) : EVERY_WEEKDAY;
  const months = node.has("months") ? readMask(node.field("months"), MONTHS) : EVERY_MONTH;
  const rate = readRate(node.field("rate"));
  if (!node.has("hours")) return [{ weekdays, months, fromMinute: 0, toMinute: DAY_MINUTES, rate }];
  const hours = node.field("hours").items(1, BANDS_MAX).map(readHours);
  return hours.map(([fromMinute, toMinute]) => ({ weekdays, months, fromMinute, toMinute, rate }));
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

function readLevy(node: JsonNode): Levy {
  if (node.has("proportion")) {
    node.fields(["name", "proportion"]);
    const ppm = node.field("proportion").percent(-PROPORTION_MAX, PROPORTION_MAX);
    return { kind: "proportional", name: readName(node.field("name")), ppm };
  }
  node.fields(["name", "perDay"]);
  const amount = node.field("perDay").decimal(AMOUNT_PLACES, -DAILY_AMOUNT_MAX, DAILY_AMOUNT_MAX);
  return { kind: "per-day", name: readName(node.field("name")), amount };
}

/** A decimal text times 10^places if that is an integer within [min, max]. */
function scale(text: string, places: number, min: number, max: number): number | null {
  const [, sign, whole, fraction = ""] = DECIMAL.exec(text) ?? [];
  if (whole === undefined || fraction.length > places) return null;
  const size = BigInt(whole + fraction.padEnd(places, "0"));
  const value = sign === "-" ? -size : size;
  return value >= BigInt(min) && value <= BigInt(max) ? Number(value) : null;
}

/** A place in the JSON: what stands there, and how to name it. */
class JsonNode {
  readonly #value: unknown;
  readonly #path: string;
  /** The last step of the path, if it is a field. */
  readonly name: string;

  constructor(value: unknown, path: string, name = "") {
    this.#value = value;
    this.#path = path;
    this.name = name;
  }

  refuse(expected: string): never {
    const found = this.#value === undefined ? "nothing" : JSON.stringify(this.#value);
    const shown = found.length > SHOWN_CHARACTERS_MAX ? `${found.slice(0, SHOWN_CHARACTERS_MAX)}...` : found;
    throw new FormatError(`${this.#path}: expected ${expected}, found ${shown}`);
  }

  get isText(): boolean {
    return typeof this.#value === "string";
  }

  get isList(): boolean {
    return Array.isArray(this.#value);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object(), name);
  }

  /** An object with all `needed` fields and none beyond the `optional`. */
  fields(needed: readonly string[], optional: readonly string[] = []): void {
    const names = Object.keys(this.#object());
    const missing = needed.find((name) => !names.includes(name));
    if (missing !== undefined) this.refuse(`a field "${missing}"`);
    const unknown = names.find((name) => !needed.includes(name) && !optional.includes(name));
    if (unknown !== undefined) this.refuse(`no field ${JSON.stringify(unknown)}`);
  }

  field(name: string): JsonNode {
    return new JsonNode(this.#object()[name], `${this.#path}.${name}`, name);
  }

  /** The fields of an object whose names are data, 1 to `max` of them. */
  entries(max: number): JsonNode[] {
    const entries = Object.entries(this.#object());
    if (entries.length < 1 || entries.length > max) this.refuse(`an object of 1 to ${max} fields`);
    return entries.map(
      ([name, value]) => new JsonNode(value, `${this.#path}[${JSON.stringify(name)}]`, name),
    );
  }

  items(min: number, max: number): JsonNode[] {
    const value = this.#value;
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return this.refuse(`a list of ${min} to ${max}`);
    }
    return value.map((item: unknown, at) => new JsonNode(item, `${this.#path}[${at}]`));
  }

  text(expected: string): string {
    return typeof this.#value === "string" ? this.#value : this.refuse(expected);
  }

  match(pattern: RegExp, expected: string): string {
    return pattern.test(this.text(expected)) ? this.text(expected) : this.refuse(expected);
  }

  /** The words of a text, each as a place of its own. */
  words(): JsonNode[] {
    const words = this.text('one or more decimals such as "0.2874 0.2791"').split(" ");
    return words.map((word, at) => new JsonNode(word, `${this.#path} word ${at + 1}`));
  }

  /** A decimal text times 10^places, an integer within [min, max]. */
  decimal(places: number, min: number, max: number): number {
    const [low, high] = [min, max].map((bound) => bound / 10 ** places);
    const expected = `a decimal in quotes from ${low} to ${high} of at most ${places} places such as "0.2874"`;
    return scale(this.text(expected), places, min, max) ?? this.refuse(expected);
  }

  /** A percentage in parts per million, within [min, max]. */
  percent(min: number, max: number): number {
    const [low, high] = [min, max].map((bound) => bound / 10 ** PERCENT_PLACES);
    const expected = `a percentage from ${low} to ${high} of at most ${PERCENT_PLACES} places such as "19 %"`;
    const text = this.text(expected);
    if (!text.endsWith("%")) this.refuse(expected);
    return scale(text.slice(0, -1).trimEnd(), PERCENT_PLACES, min, max) ?? this.refuse(expected);
  }

  /** A whole number, not in quotes; zero, which no field takes, for anything else. */
  wholeNumber(): number {
    return Number.isSafeInteger(this.#value) ? Number(this.#value) : 0;
  }

  #object(): Record<string, unknown> {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) return this.refuse("an object");
    return value as Record<string, unknown>;
  }
}
