// How tests/vectors/sealmeter-bills.json was made: bills of the example's meter over a day and a half with a gap, a
// time of day, a feed-in and every kind of node in them. Bills of this format verify for ever, whatever becomes of the
// code that made them.
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { withHints } from "../../src/proofs/bill-hints.js";
import { allOf } from "../../src/proofs/bill-lines.js";
import { proveGeneralBill } from "../../src/proofs/general-bill.js";
import { nobleGroup } from "../../src/proofs/group/noble.js";
import { fastGroup } from "../../src/proofs/group/wasm.js";
import { encodeProvedBill, type ProvedBill } from "../../src/proofs/proved-bill.js";
import type { Expression } from "../../src/tariff/charge.js";
import { encodeTariff, type Tariff } from "../../src/tariff/document.js";
import { signTariff, verifyTariff } from "../../src/tariff/signed-tariff.js";
import { example, seedOf } from "../example.js";
import { billOf, DAY, EXPORT, IMPORT, JULY, meterOf } from "./billing.js";
import { entropyOf } from "./entropy.js";

const EVENING = { weekdays: 127, months: 4095, fromMinute: 17 * 60, toMinute: 21 * 60 };

/** Summer time, a dear evening. */
const LINEAR: Tariff = {
  ...JULY,
  offsets: [{ from_s: 0, offset_s: 7200 }],
  energy: [
    {
      obis: IMPORT,
      policy: { kind: "time-of-use", rate: 260_000, bands: [{ ...EVENING, rate: 410_000 }] },
    },
    { obis: EXPORT, policy: { kind: "time-of-use", rate: -80_000, bands: [] } },
  ],
};

const imported: Expression = { kind: "energy", obis: IMPORT, during: [] };
const demand: Expression = { kind: "demand", obis: IMPORT, during: [EVENING], below_Wh: 1024 };
const money = (value: number): Expression => ({ kind: "constant", unit: "money", per: "day", value });

/** Blocks on the day's energy, but at most so much a day. */
const CAPPED: Expression = {
  kind: "min",
  parts: [
    {
      kind: "blocks",
      of: imported,
      per: "day",
      steps: [
        { upTo: 1000, rate: 20_000 },
        { upTo: 2500, rate: 45_000 },
        { upTo: 4000, rate: 70_000 },
      ],
      rate: 110_000,
    },
    money(200_000_000),
  ],
};

/** What a congested evening costs: linear, then cubic. */
const CONGESTION: Expression = {
  kind: "spline",
  obis: IMPORT,
  during: [EVENING],
  segments: [
    { below_Wh: 300, coefficients: [0, 20_000_000, 0, 0] },
    { below_Wh: 1024, coefficients: [6_000_000, 20_000_000, 5_000_000, 1_234_567] },
  ],
};

const FEED_IN: Expression = {
  kind: "by-reading",
  obis: EXPORT,
  during: [],
  ranges: [
    { below_Wh: 40, rate: -1_000 },
    { below_Wh: 512, rate: -3_500 },
  ],
};

/** A surcharge by demand, where at least a kilowatt was reached. */
const CAPACITY: Expression = {
  kind: "when",
  quantity: demand,
  atLeast: { kind: "constant", unit: "power", per: "period", value: 1000 },
  met: { kind: "blocks", of: demand, per: "period", steps: [{ upTo: 800, rate: 30_000 }], rate: 90_000 },
  unmet: money(0),
};

/** A rebate of 3.3 % on what the energy costs at a flat rate, of no more than a tenth of a euro. */
const REBATE: Expression = {
  kind: "max",
  parts: [
    {
      kind: "times",
      ppm: -33_333,
      of: {
        kind: "cost",
        policies: [{ obis: IMPORT, policy: { kind: "time-of-use", rate: 300_001, bands: [] } }],
      },
    },
    money(-100_000_000),
  ],
};

const GENERAL: Tariff = {
  ...LINEAR,
  name: "July by charge",
  charge: { kind: "sum", parts: [CAPPED, CONGESTION, FEED_IN, CAPACITY, REBATE] },
};

/** A home with an oven and a few panels: Wh by interval of [first, first + count), import and export. */
function home(first: number, count: number) {
  const readings = Array.from({ length: count }, (_, at) => {
    const hour = (((first - DAY + at) / 2 + 2) % 24) + 0.25;
    const oven = hour > 18 && hour < 20 ? 430 + 37 * (at % 5) : 0;
    const sun = hour > 9 && hour < 17 ? Math.round(220 * Math.sin(((hour - 9) / 8) * Math.PI)) : 0;
    return [70 + ((at * 29) % 53) + oven, Math.max(0, sun - 90 - ((at * 17) % 31))];
  });
  return { firstInterval: first, readings };
}

/** Batches of two days; a gap of two intervals, then one of half an hour after which the period ends. */
const METER = meterOf([home(DAY + 24, 24), home(DAY + 50, 14), home(DAY + 65, 2)]);
const PERIOD = { from: DAY + 26, to: DAY + 65 };

/** A bill by what its verifier is told; hex. */
interface BillVector {
  readonly name: string;
  /** COSE_Sign1. */
  readonly tariff: string;
  readonly bill: string;
  /** Nano-currency, decimal: T, standing charge, levies, VAT, total. */
  readonly lines: readonly string[];
}

function vectorOf(name: string, tariff: Uint8Array, bill: ProvedBill): BillVector {
  const lines = allOf(bill.lines).map(String);
  return { name, tariff: bytesToHex(tariff), bill: bytesToHex(encodeProvedBill(bill)), lines };
}

/** All vectors, made anew: the same bytes, while provers draw their blinding scalars as they did. */
export function makeVectors() {
  const supplier = seedOf("supplier");
  const supplierPublic = ed25519.getPublicKey(supplier);
  const [forLinear, forGeneral] = [LINEAR, GENERAL].map((tariff) =>
    signTariff(encodeTariff(tariff), supplier),
  );
  if (!forLinear || !forGeneral) throw new Error("two tariffs");
  const linear = billOf(METER, verifyTariff(forLinear, supplierPublic), PERIOD.from, PERIOD.to);
  const general = proveGeneralBill(
    METER,
    example.certificateBytes,
    verifyTariff(forGeneral, supplierPublic),
    PERIOD,
    { group: fastGroup(), entropy: entropyOf("sealmeter-bills.json") },
  );
  return {
    authorityPublic: bytesToHex(example.authorityKey),
    supplierPublic: bytesToHex(supplierPublic),
    bills: [
      vectorOf("linear", forLinear, linear),
      vectorOf("linear, with hints", forLinear, withHints(linear, nobleGroup)),
      vectorOf("general", forGeneral, general),
    ],
  };
}
