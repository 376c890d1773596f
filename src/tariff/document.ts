// A tariff as the supplier signs it: everything that a bill depends on, as integers. Nobody who checks a bill
// looks anything up: the UTC offsets are listed here instead of in a time-zone database, and prices are whole
// nano-currency, so that two programs that read the same bytes compute the same bill.
//
// There is no levy per Wh beside the rates: it belongs in the rate. On a line of its own it would be the
// period's total times a published number, and so reveal that total.
import { FormatError } from "../trusted/encoding/bytes.js";
import { array, CborReader, int, map, tstr } from "../trusted/encoding/cbor.js";
import { decodeSign1 } from "../trusted/encoding/cose.js";
import { U32_MAX } from "../trusted/metrology/interval.js";
import { digest } from "../trusted/sealing/keys.js";
import type { Expression } from "./charge.js";
import { encodeCharge, readCharge } from "./charge-document.js";
import {
  checkPolicies,
  type EnergyPolicy,
  encodePolicy,
  POLICIES_MAX,
  readPolicy,
  readQuarters,
} from "./policy.js";

/** Largest payload of a tariff, bytes. */
export const TARIFF_BYTES_MAX = 262_144;
/** Largest amount per day of either sign, nano-currency: a million units of currency. */
export const DAILY_AMOUNT_MAX = 1_000_000_000_000_000;
/** Largest proportion of either sign, parts per million: ten times the amount. */
export const PROPORTION_MAX = 10_000_000;
export const VAT_MAX = 1_000_000;
export const NAME_CHARACTERS_MAX = 64;
export const OFFSETS_MAX = 512;
export const OFFSET_MAX_S = 18 * 3600;
export const LEVIES_MAX = 8;
export const CURRENCY = /^[A-Z]{3}$/;

const PER_DAY = 1;
const PROPORTIONAL = 2;

/** From a Unix time on, local time is UTC plus an offset, both in seconds. */
export interface OffsetChange {
  readonly from_s: number;
  /** A multiple of 900 within 18 hours of UTC. */
  readonly offset_s: number;
}

export type Levy =
  /** Nano-currency per local day; negative for a rebate. */
  | { readonly kind: "per-day"; readonly name: string; readonly amount: number }
  /** Parts per million of energy, charge included, and standing charge; negative for a rebate. */
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
  /** Of distinct OBIS codes: 1 to 8, or none if there is a charge. A channel that is not among them costs nothing. */
  readonly energy: readonly EnergyPolicy[];
  /** Nano-currency: what energy costs besides, if that is more than rates times readings. */
  readonly charge?: Expression;
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
 * 6: [policy...], 7: standing charge, 8: [[name, 1 (per day) or 2 (ppm), amount]...], 9: VAT}` and, where there
 * is one, `10: charge`; policies as in policy.ts, the charge as in charge-document.ts.
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
    ...(tariff.charge ? [[10, encodeCharge(tariff.charge)] as const] : []),
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
  const hasCharge = reader.map(9, 10) === 10;
  const linear = {
    name: readName(reader.key(1)),
    currency: readCurrency(reader.key(2)),
    notBefore_s: reader.key(3).uint(U32_MAX),
    notAfter_s: reader.key(4).uint(U32_MAX),
    offsets: readOffsets(reader.key(5)),
    energy: Array.from({ length: reader.key(6).array(hasCharge ? 0 : 1, POLICIES_MAX) }, () =>
      readPolicy(reader),
    ),
    standing: reader.key(7).uint(DAILY_AMOUNT_MAX),
    levies: Array.from({ length: reader.key(8).array(0, LEVIES_MAX) }, () => readLevy(reader)),
    vat_ppm: reader.key(9).uint(VAT_MAX),
  };
  const tariff = hasCharge ? { ...linear, charge: readCharge(reader.key(10), linear) } : linear;
  reader.end();
  checkTogether(reader, tariff);
  return tariff;
}

/** What no single item shows. */
function checkTogether(reader: CborReader, tariff: Tariff): void {
  const { notBefore_s, notAfter_s, offsets, energy } = tariff;
  if (notAfter_s <= notBefore_s) reader.refuse("validity ends before it begins");
  if (offsets.some(({ from_s }, at) => at === 0 && from_s > notBefore_s)) {
    reader.refuse("the first UTC offset begins after the validity");
  }
  checkPolicies(reader, energy, tariff);
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

function readLevy(reader: CborReader): Levy {
  reader.array(3);
  const name = readName(reader);
  const kind = reader.uint(PROPORTIONAL);
  if (kind === PER_DAY) return { kind: "per-day", name, amount: reader.int(DAILY_AMOUNT_MAX) };
  if (kind === PROPORTIONAL) return { kind: "proportional", name, ppm: reader.int(PROPORTION_MAX) };
  return reader.refuse(`no levy of kind ${kind}`);
}
