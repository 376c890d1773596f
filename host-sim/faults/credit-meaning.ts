// What commands 4 to 7 say to a meter on pre-payment, by docs/protocol.md: each is taken apart whole, and is either one
// of these or malformed.
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { CborReader } from "../../src/trusted/encoding/cbor.js";

const U32 = 0xffffffff;
/** By number the setting's name and its largest value. */
const SETTINGS: Readonly<Record<number, readonly [name: SettingName, max: number]>> = {
  1: ["mode", 1],
  2: ["low", U32],
  3: ["emergency", U32],
  4: ["debt", U32],
  5: ["debtPerDay", U32],
  6: ["protectedFrom", 96],
  7: ["protectedTo", 96],
  8: ["protectedWeekdays", 127],
  9: ["protectedFirst", 65535],
  10: ["protectedLast", 65535],
};
const SETTINGS_MAX = 10;
const TOP_UP_MAX = 100_000_000_000;

export type AmountName =
  | "low"
  | "emergency"
  | "debt"
  | "debtPerDay"
  | "protectedFrom"
  | "protectedTo"
  | "protectedWeekdays"
  | "protectedFirst"
  | "protectedLast";
type SettingName = AmountName | "mode";

export type Meaning =
  | { readonly kind: "switch"; readonly isOpen: boolean }
  /** Millionths of the currency. */
  | { readonly kind: "top-up"; readonly micro: number }
  | { readonly kind: "tariff"; readonly digest: Uint8Array }
  | { readonly kind: "settings"; readonly values: ReadonlyMap<SettingName, number> };

/** Null for what is malformed, or out of its range. */
export function meaningOf(kind: number, argument: Uint8Array): Meaning | null {
  try {
    const reader = new CborReader(argument, "argument");
    const meaning = readMeaning(kind, reader);
    reader.end();
    return meaning;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return null;
  }
}

function readMeaning(kind: number, reader: CborReader): Meaning | null {
  if (kind === 4) return { kind: "switch", isOpen: reader.uint(1) === 0 };
  if (kind === 5) {
    const micro = reader.uint(TOP_UP_MAX);
    return micro > 0 ? { kind: "top-up", micro } : null;
  }
  if (kind === 6) return { kind: "tariff", digest: reader.bytes(32) };
  return readSettings(reader);
}

function readSettings(reader: CborReader): Meaning | null {
  const values = new Map<SettingName, number>();
  let last = 0;
  for (let left = reader.map(0, SETTINGS_MAX + 1); left > 0; left--) {
    const number = reader.uint(U32);
    const setting = SETTINGS[number];
    if (!setting || number <= last) return null;
    const [name, max] = setting;
    values.set(name, reader.uint(max));
    last = number;
  }
  return values.size > 0 ? { kind: "settings", values } : null;
}
