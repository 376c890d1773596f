// Tariffs as people write them: JSON with prices as decimal text per kWh, hours, dates and percentages
// (docs/examples; docs/tariff.schema.json). Nothing is guessed: a field that is missing, unknown or written
// otherwise is refused by its path and with what belongs there.
import { DAY_SECONDS, U32_MAX } from "../trusted/metrology/interval.js";
import { readCharge } from "./charge-source.js";
import {
  CURRENCY,
  DAILY_AMOUNT_MAX,
  encodeTariff,
  LEVIES_MAX,
  type Levy,
  NAME_CHARACTERS_MAX,
  OFFSET_MAX_S,
  OFFSETS_MAX,
  type OffsetChange,
  PROPORTION_MAX,
  type Tariff,
  VAT_MAX,
} from "./document.js";
import { isoInstant, localMidnight_s, parseDate } from "./evaluate.js";
import { JsonNode, parseJson } from "./json.js";
import { POLICIES_MAX, QUARTER_S, type Validity } from "./policy.js";
import { readEnergy, readInstant } from "./policy-source.js";

/** Decimal places of currency that are whole nano-currency. */
const AMOUNT_PLACES = 9;
const OFFSET = /^([+-])(\d{2}):([0-5]\d)$/;
const NAME = /^[\x20-\x7e]+$/;
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
    ["charge", "comment"],
  );
  const { validity, offsets } = readCalendar(root);
  const hasCharge = root.has("charge");
  const tariff = {
    name: readName(root.field("name")),
    currency: root.field("currency").match(CURRENCY, 'three capital letters such as "EUR"'),
    ...validity,
    offsets,
    energy: root
      .field("energy")
      .entries(hasCharge ? 0 : 1, POLICIES_MAX)
      .map((node) => readEnergy(node, validity)),
    ...(hasCharge && { charge: readCharge(root.field("charge"), validity) }),
    standing: root.field("standingPerDay").decimal(AMOUNT_PLACES, 0, DAILY_AMOUNT_MAX),
    levies: root.field("levies").items(0, LEVIES_MAX).map(readLevy),
    vat_ppm: root.field("vat").percent(0, VAT_MAX),
  };
  encodeTariff(tariff); // refuses what is too long as a whole
  return tariff;
}

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
