// sealmeter bench-bills: how many readings one core verifies in a second in bills of three weeks, from the bytes of
// files to the verdict, and where the time goes.
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { modelBill } from "../host-sim/model-bills.js";
import { ModelStreet } from "../host-sim/model-street.js";
import { type Arithmetic, fastArithmetic, nobleArithmetic } from "../src/proofs/arithmetic.js";
import { withHints } from "../src/proofs/bill-hints.js";
import { encodeLinearBill, type LinearBill } from "../src/proofs/linear-bill.js";
import { BillVerifier } from "../src/supplier/verify-bills.js";
import { encodeTariff, type SignedTariff } from "../src/tariff/document.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { digest } from "../src/trusted/sealing/keys.js";
import { print, table, wholeNumber } from "./command-line.js";

/** Three weeks of half-hours, as in the slides: 1,008 readings. */
const DAYS = 21;
const INTERVAL_S = 1800;
const READINGS = (DAYS * DAY_SECONDS) / INTERVAL_S;
/** 27 million meters x 1,008 readings in 12 days (Rial & Danezis, slides). */
const SLIDES_PER_SECOND = 26_000;
const NATION = 27_000_000;
const HOUR_S = 3600;
/** Meters that really differ; their bills are verified over and over. */
const METERS = 8;
const RATE_COUNTS = [3, 48, READINGS];

interface Figure {
  readonly name: string;
  readonly value: string;
}

export function addBenchBills(program: Command): void {
  program
    .command("bench-bills")
    .description("measure and print how many readings in bills one core verifies in a second")
    .option("--bills <n>", "bills of each kind", wholeNumber(8, 100_000), 512)
    .option("--together <n>", "bills that are verified together", wholeNumber(1, 256), 128)
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter bench-bills --bills 2000")
    .action(runBench);
}

interface Options {
  readonly bills: number;
  readonly together: number;
  readonly json?: boolean;
}

function runBench(options: Options): void {
  const figures = benchBillSet(options);
  print(options.json, figures, table(figures.map(({ name, value }) => [name, value])));
}

/** CPU time of this process, ms: on a shared machine it says more than the clock on the wall. */
function milliseconds(work: () => void): number {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

/** A tariff with so many distinct rates, which alternate from interval to interval. */
function tariffOf(street: ModelStreet, rateCount: number): SignedTariff {
  const start_s = street.firstDay * DAY_SECONDS;
  const prices = Array.from({ length: READINGS }, (_, at) => 228_700 + 1_009 * (at % rateCount));
  const tariff = {
    name: `${rateCount} rates`,
    currency: "GBP",
    notBefore_s: start_s,
    notAfter_s: start_s + DAYS * DAY_SECONDS,
    offsets: [{ from_s: 0, offset_s: 0 }],
    energy: [
      { obis: "1-0:1.8.0", policy: { kind: "dynamic", start_s, price_s: INTERVAL_S, prices } as const },
    ],
    standing: 300_000_000,
    levies: [],
    vat_ppm: 50_000,
  };
  return { tariff, digest: digest(encodeTariff(tariff)) };
}

/** The figures of all kinds of bills, with the fast arithmetic and beside it noble's. */
export function benchBillSet({ bills, together }: Pick<Options, "bills" | "together">): Figure[] {
  const street = new ModelStreet({ meters: METERS, intervalSeconds: INTERVAL_S });
  const fast = fastArithmetic();
  return RATE_COUNTS.flatMap((rateCount) => {
    const tariff = tariffOf(street, rateCount);
    const bare = street.meters.map((_, meter) => modelBill(street, meter, DAYS, tariff));
    const hinted = bare.map((bill) => withHints(bill, fast.group));
    const rate = (made: readonly LinearBill[], arithmetic: Arithmetic, count: number) =>
      perSecond(street, tariff, made.map(encodeLinearBill), arithmetic, count, together);
    return [
      { name: `${rateCount} rates, readings a second on one core`, value: "" },
      { name: "  by noble's arithmetic", value: rate(bare, nobleArithmetic, METERS).toFixed(0) },
      ...speed("  in WebAssembly, without hints", rate(bare, fast, bills)),
      ...speed("  in WebAssembly, with hints", rate(hinted, fast, bills)),
    ];
  });
}

function speed(name: string, readings_s: number): Figure[] {
  const hours = (NATION * READINGS) / readings_s / HOUR_S;
  return [
    { name, value: readings_s.toFixed(0) },
    { name: "    beside the slides' 26,000", value: `${(readings_s / SLIDES_PER_SECOND).toFixed(1)} times` },
    { name: "    27 million meters on one core", value: `${hours.toFixed(1)} h` },
  ];
}

/** Readings a second of CPU time, from the bytes of files to verdicts. */
function perSecond(
  street: ModelStreet,
  tariff: SignedTariff,
  files: readonly Uint8Array[],
  arithmetic: Arithmetic,
  count: number,
  together: number,
): number {
  const trust = { authorityKey: street.authorityKey, tariff };
  const verifier = new BillVerifier(trust, arithmetic, (length) => new Uint8Array(randomBytes(length)));
  const portion = (from: number) =>
    Array.from(
      { length: Math.min(together, count - from) },
      (_, at) => files[(from + at) % files.length] ?? new Uint8Array(0),
    );
  let readings = 0;
  const verifyAll = () => {
    for (let from = 0; from < count; from += together) {
      for (const { verified, reason } of verifier.verify(portion(from))) {
        if (verified === null) throw new Error(`a right bill is refused: ${reason}`);
        readings += verified.readings;
      }
    }
  };
  const ms = milliseconds(verifyAll);
  return (1000 * readings) / ms;
}
