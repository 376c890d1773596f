// The account of a meter on pre-payment: 64 bytes that the metrology unit keeps in its state record, so that what an
// interval, a command or a day does to them has happened once, whatever the moment of a power cut. Amounts of the
// account are nano-currency, amounts of settings thousandths of the currency.
import { assert, FormatError, putUint, readUint } from "../trusted/encoding/bytes.js";
import { COMPANION_BYTES } from "../trusted/journal/state.js";

const FORMAT = 1;
/** How much of a tariff's digest names it: what was accepted was compared whole. */
export const TARIFF_ID_BYTES = 6;
const WIDE_MAX = 2n ** 63n - 1n;
const BLOCK_MAX = 2 ** 40 - 1;
const U16_MAX = 0xffff;
export const TOP_UPS_A_DAY = 4;

/** How far credit has fallen. Used up is left only for credit above zero: emergency credit is paid back first. */
export const Level = { GOOD: 0, LOW: 1, EMERGENCY: 2, USED_UP: 3 } as const;

/** Numbers of the account, in the order in which they are stored after the flags: name and bytes. */
const NUMBERS = [
  /** UTC day that top-ups, the tariff's change and the debt's instalment are counted in. */
  ["day", 2],
  /** Everything below this interval is valued; 0 before the first one of a period. */
  ["valuedTo", 4],
  /** Standing days of the period. */
  ["days", 2],
  /** Energy of the period that block rates count, Wh. */
  ["block_Wh", 5],
  /** What 1 Wh can cost at most, taxes included, nano-currency: for when the tariff is lost. */
  ["highest", 4],
  /** Thousandths of the currency: debt that is left, its instalment a day, emergency credit, and where credit is low. */
  ["debt", 4],
  ["debtPerDay", 4],
  ["emergency", 4],
  ["low", 4],
  /** Protected hours, quarters of the local day; weekdays, bit 0 Monday; local days since 1970, 0 for none. */
  ["protectedFrom", 1],
  ["protectedTo", 1],
  ["protectedWeekdays", 1],
  ["protectedFirst", 2],
  ["protectedLast", 2],
] as const;

type NumberField = (typeof NUMBERS)[number][0];

export interface Account extends Readonly<Record<NumberField, number>> {
  readonly prepayment: boolean;
  /** The supplier or the network operator wants the switch open. */
  readonly isOrderedOpen: boolean;
  /** A level was crossed downward and not told yet. */
  readonly crossed: boolean;
  readonly tariffChangedToday: boolean;
  /** Something is drawn in this period: an interval, or a standing day. */
  readonly isBegun: boolean;
  readonly topUpsToday: number;
  readonly level: number;
  /** Top-ups less instalments and less what earlier periods cost, nano-currency, within 2^63. */
  readonly settled: bigint;
  /** What the period's energy costs by rates, nano-currency, before block rates, standing charge and taxes. */
  readonly energy: bigint;
  /** First bytes of H of the tariff's payload; zeros while there is none. */
  readonly tariffId: Uint8Array;
}

/** Bits of the flags from the lowest on; the three above are the count of top-ups. */
const FLAGS = ["prepayment", "isOrderedOpen", "crossed", "tariffChangedToday", "isBegun"] as const;
type Flag = (typeof FLAGS)[number];
const [FLAGS_AT, WIDE_AT, TARIFF_AT, NUMBERS_AT] = [1, 2, 18, 24];

/** Of a meter that never heard of credit: what the unit keeps is zeros. */
export const NEW_ACCOUNT: Account = {
  ...(Object.fromEntries(NUMBERS.map(([name]) => [name, 0])) as Record<NumberField, number>),
  prepayment: false,
  isOrderedOpen: false,
  crossed: false,
  tariffChangedToday: false,
  isBegun: false,
  topUpsToday: 0,
  level: Level.GOOD,
  settled: 0n,
  energy: 0n,
  tariffId: new Uint8Array(TARIFF_ID_BYTES),
};

/**
 * The account as the unit keeps it: format and level, flags, settled, energy, the tariff's id, and the numbers. What
 * is too large for its place stays at the end of its range.
 */
export function encodeAccount(account: Account): Uint8Array {
  const out = new Uint8Array(COMPANION_BYTES);
  const { topUpsToday, level } = account;
  assert(topUpsToday <= TOP_UPS_A_DAY && level <= Level.USED_UP, "counts of the account fit their bits");
  out[0] = (FORMAT << 2) | level;
  out[FLAGS_AT] = FLAGS.reduce(
    (bits, name, at) => (account[name] ? bits | (1 << at) : bits),
    topUpsToday << 5,
  );
  const view = new DataView(out.buffer);
  view.setBigInt64(WIDE_AT, within(account.settled));
  view.setBigInt64(WIDE_AT + 8, within(account.energy));
  out.set(account.tariffId, TARIFF_AT);
  let at = NUMBERS_AT;
  for (const [name, width] of NUMBERS) {
    putUint(out, at, account[name], width);
    at += width;
  }
  assert(at === COMPANION_BYTES, "the account fills its place");
  return out;
}

/** @throws FormatError for bytes that this program's account does not look like. */
export function decodeAccount(bytes: Uint8Array): Account {
  if (bytes.length !== COMPANION_BYTES) throw new FormatError("credit account: not of its length");
  if (bytes.every((byte) => byte === 0)) return NEW_ACCOUNT;
  const [first = 0, flags = 0] = bytes;
  const topUpsToday = flags >> 5;
  if (first >> 2 !== FORMAT || topUpsToday > TOP_UPS_A_DAY)
    throw new FormatError("credit account: format of another version");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = NUMBERS_AT;
  const numbers = NUMBERS.map(([name, width]) => {
    at += width;
    return [name, readUint(bytes, at - width, width)] as const;
  });
  const flagged = FLAGS.map((name, bit) => [name, ((flags >> bit) & 1) === 1] as const);
  return {
    ...(Object.fromEntries(numbers) as Record<NumberField, number>),
    ...(Object.fromEntries(flagged) as Record<Flag, boolean>),
    topUpsToday,
    level: first & 3,
    settled: view.getBigInt64(WIDE_AT),
    energy: view.getBigInt64(WIDE_AT + 8),
    tariffId: bytes.slice(TARIFF_AT, NUMBERS_AT),
  };
}

/** A balance that no meter reaches in its life: 9.2 thousand million of the currency. */
const within = (amount: bigint) => (amount > WIDE_MAX ? WIDE_MAX : amount < -WIDE_MAX ? -WIDE_MAX : amount);

/** Energy and days of a period within their places. */
export const countedWh = (Wh: number) => Math.min(Wh, BLOCK_MAX);
export const countedDays = (days: number) => Math.min(days, U16_MAX);
