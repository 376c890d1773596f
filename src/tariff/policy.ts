// What the energy of a channel costs where no price depends on a reading: rates by the hour of the local day, or
// prices one after the other. Their part of a signed tariff's bytes is here too. A policy knows neither the period
// that is billed nor the offsets from UTC that its hours are counted by.
import { OBIS } from "../trusted/authority/configuration.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { array, bstr, type CborReader, int, tstr } from "../trusted/encoding/cbor.js";
import { DAY_SECONDS, U32_MAX } from "../trusted/metrology/interval.js";

/** Rates lie strictly between -2^31 and 2^31 nano-currency per Wh. */
export const RATE_MAX = 0x7fffffff;
/** Offsets and the starts and lengths of prices are multiples of a quarter of an hour, s. */
export const QUARTER_S = 900;
export const POLICIES_MAX = 8;
export const BANDS_MAX = 64;
export const PRICES_MAX = 36_000;
export const DAY_MINUTES = 1440;
export const EVERY_WEEKDAY = 0x7f;
export const EVERY_MONTH = 0xfff;

const OBIS_CHARACTERS_MAX = 19;
const RATE_BYTES = 4;
const TIME_OF_USE = 1;
const DYNAMIC = 2;

/** Hours of the local day, on some weekdays of some months. */
export interface Hours {
  /** Bit 0 is Monday, bit 6 Sunday; at least one is set. */
  readonly weekdays: number;
  /** Bit 0 is January, bit 11 December; at least one is set. */
  readonly months: number;
  /** Minutes after local midnight, by the clock on the wall: [from, to), 0 to 1440. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** Hours that have a rate of their own. */
export interface Band extends Hours {
  /** Nano-currency per Wh. */
  readonly rate: number;
}

/** A rate by the local time at which an interval starts: the first band that fits, else the default. */
export interface TimeOfUse {
  readonly kind: "time-of-use";
  /** Nano-currency per Wh. */
  readonly rate: number;
  /** At most 64. */
  readonly bands: readonly Band[];
}

/** Prices that follow one another without a gap and cover the tariff's whole validity. */
export interface DynamicPrices {
  readonly kind: "dynamic";
  /** Unix time at which the first price begins, a multiple of 900 s. */
  readonly start_s: number;
  /** Seconds that a price is for: a multiple of 900 of at most a day. */
  readonly price_s: number;
  /** Nano-currency per Wh, 1 to 36,000 of them. */
  readonly prices: readonly number[];
}

/**
 * What the energy of one channel costs. Feed-in is a negative rate on the export channel. A pulse channel's
 * rate is per dm3: the OBIS code gives the unit.
 */
export interface EnergyPolicy {
  readonly obis: string;
  readonly policy: TimeOfUse | DynamicPrices;
}

/**
 * A policy's bytes: `[obis, 1, rate, [[weekdays, months, from minute, to minute, rate]...]]` or
 * `[obis, 2, start, seconds, prices]`, prices a byte string of 4 bytes each, big-endian two's complement.
 * @throws FormatError for a price that is out of range.
 */
export function encodePolicy({ obis, policy }: EnergyPolicy): Uint8Array {
  if (policy.kind === "time-of-use") {
    const bands = policy.bands.map((band) => array(...hoursItems(band), int(band.rate)));
    return array(tstr(obis), int(TIME_OF_USE), int(policy.rate), array(...bands));
  }
  const { start_s, price_s, prices } = policy;
  return array(tstr(obis), int(DYNAMIC), int(start_s), int(price_s), bstr(packPrices(prices)));
}

const hoursItems = ({ weekdays, months, fromMinute, toMinute }: Hours) =>
  [weekdays, months, fromMinute, toMinute].map(int);

/** `[weekdays, months, from minute, to minute]`. */
export const encodeHours = (hours: Hours) => array(...hoursItems(hours));

/** Prices as big-endian 32-bit two's complement, one after the other. */
function packPrices(prices: readonly number[]): Uint8Array {
  const packed = new Uint8Array(RATE_BYTES * prices.length);
  const view = new DataView(packed.buffer);
  prices.forEach((price, at) => {
    if (!(Math.abs(price) <= RATE_MAX)) throw new FormatError(`tariff: price ${at} is out of range`);
    view.setInt32(RATE_BYTES * at, price);
  });
  return packed;
}

/** A multiple of a quarter of an hour, of at most `max_s` in size. */
export function readQuarters(reader: CborReader, max_s: number): number {
  const seconds = reader.int(max_s);
  return seconds % QUARTER_S === 0 ? seconds : reader.refuse(`${seconds} s is no multiple of ${QUARTER_S} s`);
}

/** The next item, an OBIS code. */
export function readObis(reader: CborReader): string {
  const obis = reader.text(OBIS_CHARACTERS_MAX);
  return OBIS.test(obis) ? obis : reader.refuse(`"${obis}" is no OBIS code`);
}

/** The next item, a policy. @throws FormatError for whatever the types above do not allow. */
export function readPolicy(reader: CborReader): EnergyPolicy {
  const items = reader.array(4, 5);
  const obis = readObis(reader);
  const kind = reader.uint(DYNAMIC);
  if (kind === TIME_OF_USE && items === 4) {
    const rate = reader.int(RATE_MAX);
    const bands = Array.from({ length: reader.array(0, BANDS_MAX) }, () => readBand(reader));
    return { obis, policy: { kind: "time-of-use", rate, bands } };
  }
  if (kind === DYNAMIC && items === 5) {
    const start_s = readQuarters(reader, U32_MAX);
    const price_s = readQuarters(reader, DAY_SECONDS);
    if (start_s < 0 || price_s <= 0) reader.refuse("a time before 1970, or a price for no time");
    return { obis, policy: { kind: "dynamic", start_s, price_s, prices: readPrices(reader) } };
  }
  return reader.refuse(`no policy of kind ${kind} with ${items} items`);
}

/** In Unix seconds: [notBefore, notAfter). */
export interface Validity {
  readonly notBefore_s: number;
  readonly notAfter_s: number;
}

/** Policies of one list that stand together: each channel once, prices for the whole validity. */
export function checkPolicies(
  reader: CborReader,
  policies: readonly EnergyPolicy[],
  { notBefore_s, notAfter_s }: Validity,
): void {
  if (new Set(policies.map(({ obis }) => obis)).size !== policies.length) reader.refuse("an OBIS code twice");
  for (const { obis, policy } of policies) {
    if (policy.kind !== "dynamic") continue;
    const { start_s, price_s, prices } = policy;
    if (start_s > notBefore_s || start_s + price_s * prices.length < notAfter_s) {
      reader.refuse(`the prices of ${obis} do not cover the validity`);
    }
  }
}

function readBand(reader: CborReader): Band {
  reader.array(5);
  const band = { ...readHoursItems(reader), rate: reader.int(RATE_MAX) };
  checkHours(reader, band);
  return band;
}

/** The next item, hours as `encodeHours` writes them. */
export function readHours(reader: CborReader): Hours {
  reader.array(4);
  const hours = readHoursItems(reader);
  checkHours(reader, hours);
  return hours;
}

const readHoursItems = (reader: CborReader): Hours => ({
  weekdays: reader.uint(EVERY_WEEKDAY),
  months: reader.uint(EVERY_MONTH),
  fromMinute: reader.uint(DAY_MINUTES),
  toMinute: reader.uint(DAY_MINUTES),
});

function checkHours(reader: CborReader, hours: Hours): void {
  if (hours.weekdays === 0 || hours.months === 0) reader.refuse("a band of no day");
  if (hours.fromMinute >= hours.toMinute) reader.refuse("a band that ends before it begins");
}

function readPrices(reader: CborReader): number[] {
  const packed = reader.bytes(RATE_BYTES, RATE_BYTES * PRICES_MAX);
  if (packed.length % RATE_BYTES !== 0) reader.refuse("prices are 4 bytes each");
  const view = new DataView(packed.buffer);
  return Array.from({ length: packed.length / RATE_BYTES }, (_, at) => {
    const price = view.getInt32(RATE_BYTES * at);
    return Math.abs(price) <= RATE_MAX ? price : reader.refuse(`price ${at} is -2^31`);
  });
}
