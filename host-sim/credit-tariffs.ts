// The tariffs of the engines' meters on pre-payment, signed by the supplier of the run: one with everything that credit
// can be drawn by, and the largest that a meter takes.

import { CREDIT_TARIFF_BYTES_MAX } from "../src/credit/ports.js";
import { signWithKey } from "../src/proofs/signed.js";
import { encodeTariff, readTariff, type Tariff } from "../src/tariff/document.js";
import { EVERY_MONTH, EVERY_WEEKDAY } from "../src/tariff/policy.js";
import { assert } from "../src/trusted/encoding/bytes.js";
import type { Signer } from "./parties.js";
import type { Offered } from "./scenario-input.js";

const [IMPORT, EXPORT] = ["1-0:1.8.0", "1-0:2.8.0"] as const;
const HOUR_S = 3_600;
const WORKDAYS = 0x1f;
const WEEKEND = 0x60;
/** 1 June 2011, 00:00 in Central Europe, and 1 June 2012. */
const [FROM_S, TO_S] = [1_306_879_200, 1_338_501_600];
/** Central European time: the changes of 2011 and of spring 2012. */
const OFFSETS = [
  { from_s: 1_301_187_600, offset_s: 2 * HOUR_S },
  { from_s: 1_319_936_400, offset_s: HOUR_S },
  { from_s: 1_332_637_200, offset_s: 2 * HOUR_S },
];
/** 16 October 2011, 16:00 UTC. */
const PRICES_FROM_S = 1_318_780_800;
/** As many hours as there is room for beside the rest. */
const PRICES = 425;

const hours = (weekdays: number, fromMinute: number, toMinute: number) => ({
  weekdays,
  months: EVERY_MONTH,
  fromMinute,
  toMinute,
});

const TIME_OF_USE: Tariff = {
  name: "Day, night and weekend",
  currency: "EUR",
  notBefore_s: FROM_S,
  notAfter_s: TO_S,
  offsets: OFFSETS,
  energy: [
    {
      obis: IMPORT,
      policy: {
        kind: "time-of-use",
        rate: 214_900,
        bands: [
          { ...hours(EVERY_WEEKDAY, 0, 360), rate: 128_700 },
          { ...hours(EVERY_WEEKDAY, 1_320, 1_440), rate: 128_700 },
          { ...hours(WEEKEND, 360, 1_320), rate: 173_600 },
        ],
      },
    },
    { obis: EXPORT, policy: { kind: "time-of-use", rate: -81_100, bands: [] } },
  ],
  charge: {
    kind: "blocks",
    of: { kind: "energy", obis: IMPORT, during: [hours(WORKDAYS, 420, 1_200)] },
    per: "day",
    steps: [{ upTo: 2_000, rate: 10_000 }],
    rate: 55_000,
  },
  standing: 327_500_000,
  levies: [
    { kind: "proportional", name: "Concession levy", ppm: 16_600 },
    { kind: "per-day", name: "Metering", amount: 41_000_000 },
  ],
  vat_ppm: 190_000,
};

const PRICES_BY_THE_HOUR: Tariff = {
  ...TIME_OF_USE,
  name: "By the hour",
  notBefore_s: PRICES_FROM_S,
  notAfter_s: PRICES_FROM_S + PRICES * HOUR_S,
  energy: [
    {
      obis: IMPORT,
      policy: {
        kind: "dynamic",
        start_s: PRICES_FROM_S,
        price_s: HOUR_S,
        prices: Array.from({ length: PRICES }, (_, hour) => 150_000 + ((hour * 7_919) % 130_001)),
      },
    },
  ],
};

/** The time-of-use tariff, and the one of prices by the hour. */
export function creditTariffs(supplier: Signer): readonly [Offered, Offered] {
  const signed = (tariff: Tariff): Offered => {
    const document = signWithKey("tariff-1", encodeTariff(tariff), supplier.seed);
    assert(document.length <= CREDIT_TARIFF_BYTES_MAX, "a meter takes it");
    return { document, digest: readTariff(document).digest };
  };
  const tariffs = [signed(TIME_OF_USE), signed(PRICES_BY_THE_HOUR)] as const;
  assert(tariffs[1].document.length > CREDIT_TARIFF_BYTES_MAX - 200, "it is as large as there are");
  return tariffs;
}
