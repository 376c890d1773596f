// A tariff as the supplier signs it: everything that a bill depends on, as integers. Nobody who checks a bill
// looks anything up: the UTC offsets are listed here instead of in a time-zone database, and prices are whole
// nano-currency, so that two programs that read the same bytes compute the same bill.
//
// There is no levy per Wh beside the rates: it belongs in the rate. On a line of its own it would be the
// period's total times a published number, and so reveal that total.
import { signWithKey, verifySigned } from "../proofs/signed.js";
import { OBIS } from "../trusted/authority/configuration.js";
import { FormatError } from "../trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, tstr } from "../trusted/encoding/cbor.js";
import { decodeSign1 } from "../trusted/encoding/cose.js";
import { DAY_SECONDS, U32_MAX } from "../trusted/metrology/interval.js";
import { digest } from "../trusted/sealing/keys.js";

/** Largest payload of a tariff, bytes. */
export const TARIFF_BYTES_MAX = 262_144;
/** Rates lie strictly between -2^31 and 2^31 nano-currency per Wh. */
export const RATE_MAX = 0x7fffffff;
/** Largest amount per day of either sign, nano-currency: a million units of currency. */
export const DAILY_AMOUNT_MAX = 1_000_000_000_000_000;
/** Largest proportion of either sign, parts per million: ten times the amount. */
export const PROPORTION_MAX = 10_000_000;
export const VAT_MAX = 1_000_000;
export const NAME_CHARACTERS_MAX = 64;
export const OFFSETS_MAX = 512;
export const OFFSET_MAX_S = 18 * 3600;
/** Offsets and the starts and lengths of prices are multiples of a quarter of an hour, s. */
export const QUARTER_S = 900;
export const POLICIES_MAX = 8;
export const BANDS_MAX = 64;
export const PRICES_MAX = 36_000;
export const LEVIES_MAX = 8;
export const DAY_MINUTES = 1440;
export const EVERY_WEEKDAY = 0x7f;
export const EVERY_MONTH = 0xfff;
export const CURRENCY = /^[A-Z]{3}$/;

const OBIS_CHARACTERS_MAX = 19;
const RATE_BYTES = 4;
const TIME_OF_USE = 1;
const DYNAMIC = 2;
const PER_DAY = 1;
const PROPORTIONAL = 2;

/** From a Unix time on, local time is UTC plus an offset, both in seconds. */
export interface OffsetChange {
  readonly from_s: number;
  /** A multiple of 900 within 18 hours of UTC. */
  readonly offset_s: number;
}

/** Hours of the local day, on some weekdays of some months, that have a rate of their own. */
export interface Band {
  /** Bit 0 is Monday, bit 6 Sunday; at least one is set. */
  readonly weekdays: number;
  /** Bit 0 is January, bit 11 December; at least one is set. */
  readonly months: number;
  /** Minutes after local midnight, by the clock on the wall: [from, to), 0 to 1440. */
  readonly fromMinute: number;
  readonly toMinute: number;
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

export type Levy =
  /** Nano-currency per local day; negative for a rebate. */
  | { readonly kind: "per-day"; readonly name: string; readonly amount: number }
  /** Parts per million of energy and standing charge; negative for a rebate. */
  | { readonly kind: "proportional"; readonly name: string; readonly ppm: number };

export interface Tariff {
  /** 1 to 64 characters of printable ASCII. */
  readonly name: string;
  /** Three capital letters (ISO 4217). */
  readonly currency: string;
  /** Validity in Unix seconds: [notBefore, notAfter). */
  readonly notBefore_s: number;
  readonly notAfter_s: number;
  /** Ascending, 1 to 512; the first is at or before notBefore. */
  readonly offsets: readonly OffsetChange[];
  /** 1 to 8, of distinct OBIS codes. A channel that is not among them costs nothing. */
  readonly energy: readonly EnergyPolicy[];
  /** Standing charge, nano-currency per local day, not negative. */
  readonly standing: number;
  /** At most 8. */
  readonly levies: readonly Levy[];
  /** Value added tax on everything before it, parts per million, at most 1,000,000. */
  readonly vat_ppm: number;
}

/** A tariff and what bills call it. */
export interface SignedTariff {
  readonly tariff: Tariff;
  /** H of the payload, 32 bytes. */
  readonly digest: Uint8Array;
}

/**
 * The payload that is signed: a CBOR map `{1: name, 2: currency, 3: notBefore, 4: notAfter, 5: [[from, offset]...],
 * 6: [policy...], 7: standing charge, 8: [[name, 1 (per day) or 2 (ppm), amount]...], 9: VAT}`. A policy is
 * `[obis, 1, rate, [[weekdays, months, from minute, to minute, rate]...]]` or `[obis, 2, start, seconds, prices]`,
 * prices a byte string of 4 bytes each, big-endian two's complement.
 * @throws FormatError for whatever `decodeTariff` refuses, by the same words.
 */
export function encodeTariff(tariff: Tariff): Uint8Array {
  const payload = map(
    [1, tstr(tariff.name)],
    [2, tstr(tariff.currency)],
    [3, int(tariff.notBefore_s)],
    [4, int(tariff.notAfter_s)],
    [5, array(...tariff.offsets.map(({ from_s, offset_s }) => array(int(from_s), int(offset_s))))],
    [6, array(...tariff.energy.map(encodePolicy))],
    [7, int(tariff.standing)],
    [8, array(...tariff.levies.map(encodeLevy))],
    [9, int(tariff.vat_ppm)],
  );
  decodeTariff(payload);
  return payload;
}

/**
 * Takes the payload of a tariff apart. All that the types above say holds for what it returns.
 * @throws FormatError for malformed bytes and for values out of their stated ranges.
 */
export function decodeTariff(payload: Uint8Array): Tariff {
  if (payload.length > TARIFF_BYTES_MAX) {
    throw new FormatError(`tariff: ${payload.length} bytes instead of at most ${TARIFF_BYTES_MAX}`);
  }
  const reader = new CborReader(payload, "tariff");
  reader.map(9);
  const tariff = {
    name: readName(reader.key(1)),
    currency: readCurrency(reader.key(2)),
    notBefore_s: reader.key(3).uint(U32_MAX),
    notAfter_s: reader.key(4).uint(U32_MAX),
    offsets: readOffsets(reader.key(5)),
    energy: Array.from({ length: reader.key(6).array(1, POLICIES_MAX) }, () => readPolicy(reader)),
    standing: reader.key(7).uint(DAILY_AMOUNT_MAX),
    levies: Array.from({ length: reader.key(8).array(0, LEVIES_MAX) }, () => readLevy(reader)),
    vat_ppm: reader.key(9).uint(VAT_MAX),
  };
  reader.end();
  checkTogether(reader, tariff);
  return tariff;
}

/** What no single item shows. */
function checkTogether(reader: CborReader, { notBefore_s, notAfter_s, offsets, energy }: Tariff): void {
  if (notAfter_s <= notBefore_s) reader.refuse("validity ends before it begins");
  if (offsets.some(({ from_s }, at) => at === 0 && from_s > notBefore_s)) {
    reader.refuse("the first UTC offset begins after the validity");
  }
  if (new Set(energy.map(({ obis }) => obis)).size !== energy.length) reader.refuse("an OBIS code twice");
  for (const { obis, policy } of energy) {
    if (policy.kind !== "dynamic") continue;
    const { start_s, price_s, prices } = policy;
    if (start_s > notBefore_s || start_s + price_s * prices.length < notAfter_s) {
      reader.refuse(`the prices of ${obis} do not cover the validity`);
    }
  }
}

/** A signed tariff: COSE_Sign1 of type `tariff-1` around the payload. */
export function signTariff(payload: Uint8Array, supplierSeed: Uint8Array): Uint8Array {
  decodeTariff(payload);
  return signWithKey("tariff-1", payload, supplierSeed);
}

/**
 * The tariff of a document that the supplier has signed.
 * @throws FormatError for malformed bytes, VerificationError for another key or a signature that fails.
 */
export function verifyTariff(document: Uint8Array, supplierKey: Uint8Array): SignedTariff {
  const payload = verifySigned("tariff-1", document, supplierKey, TARIFF_BYTES_MAX);
  return { tariff: decodeTariff(payload), digest: digest(payload) };
}

/**
 * The tariff of a document whose signature is not looked at: for a reader who has it from the supplier by a
 * way they trust, or is the supplier.
 * @throws FormatError for malformed bytes.
 */
export function readTariff(document: Uint8Array): SignedTariff {
  const { payload } = decodeSign1(document, "tariff-1", TARIFF_BYTES_MAX);
  return { tariff: decodeTariff(payload), digest: digest(payload) };
}

function encodePolicy({ obis, policy }: EnergyPolicy): Uint8Array {
  if (policy.kind === "time-of-use") {
    const bands = policy.bands.map(({ weekdays, months, fromMinute, toMinute, rate }) =>
      array(...[weekdays, months, fromMinute, toMinute, rate].map(int)),
    );
    return array(tstr(obis), int(TIME_OF_USE), int(policy.rate), array(...bands));
  }
  const { start_s, price_s, prices } = policy;
  return array(tstr(obis), int(DYNAMIC), int(start_s), int(price_s), bstr(packPrices(prices)));
}

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

function encodeLevy(levy: Levy): Uint8Array {
  return levy.kind === "per-day"
    ? array(tstr(levy.name), int(PER_DAY), int(levy.amount))
    : array(tstr(levy.name), int(PROPORTIONAL), int(levy.ppm));
}

function readName(reader: CborReader): string {
  const name = reader.text(NAME_CHARACTERS_MAX);
  return name.length > 0 ? name : reader.refuse("an empty name");
}

function readCurrency(reader: CborReader): string {
  const currency = reader.text(3);
  return CURRENCY.test(currency) ? currency : reader.refuse(`"${currency}" is no currency code`);
}

/** A multiple of a quarter of an hour, of at most `max_s` in size. */
function readQuarters(reader: CborReader, max_s: number): number {
  const seconds = reader.int(max_s);
  return seconds % QUARTER_S === 0 ? seconds : reader.refuse(`${seconds} s is no multiple of ${QUARTER_S} s`);
}

function readOffsets(reader: CborReader): OffsetChange[] {
  let last_s = -1;
  return Array.from({ length: reader.array(1, OFFSETS_MAX) }, () => {
    reader.array(2);
    const from_s = reader.uint(U32_MAX);
    if (from_s <= last_s) reader.refuse("UTC offsets do not ascend");
    last_s = from_s;
    return { from_s, offset_s: readQuarters(reader, OFFSET_MAX_S) };
  });
}

function readPolicy(reader: CborReader): EnergyPolicy {
  const items = reader.array(4, 5);
  const obis = reader.text(OBIS_CHARACTERS_MAX);
  if (!OBIS.test(obis)) reader.refuse(`"${obis}" is no OBIS code`);
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

function readBand(reader: CborReader): Band {
  reader.array(5);
  const band = {
    weekdays: reader.uint(EVERY_WEEKDAY),
    months: reader.uint(EVERY_MONTH),
    fromMinute: reader.uint(DAY_MINUTES),
    toMinute: reader.uint(DAY_MINUTES),
    rate: reader.int(RATE_MAX),
  };
  if (band.weekdays === 0 || band.months === 0) reader.refuse("a band of no day");
  if (band.fromMinute >= band.toMinute) reader.refuse("a band that ends before it begins");
  return band;
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

function readLevy(reader: CborReader): Levy {
  reader.array(3);
  const name = readName(reader);
  const kind = reader.uint(PROPORTIONAL);
  if (kind === PER_DAY) return { kind: "per-day", name, amount: reader.int(DAILY_AMOUNT_MAX) };
  if (kind === PROPORTIONAL) return { kind: "proportional", name, ppm: reader.int(PROPORTION_MAX) };
  return reader.refuse(`no levy of kind ${kind}`);
}
