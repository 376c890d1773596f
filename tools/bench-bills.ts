// sealmeter bench-bills: how many readings one core verifies in a second in bills of three weeks, from the bytes of
// files to the verdict, and where the time goes.
import type { Command } from "commander";
import { modelBill } from "../host-sim/model-bills.js";
import { ModelStreet } from "../host-sim/model-street.js";
import { type Arithmetic, fastArithmetic, nobleArithmetic } from "../src/proofs/arithmetic.js";
import { withHints } from "../src/proofs/bill-hints.js";
import { coefficientsFor, NotedChecks } from "../src/proofs/evidence-checks.js";
import {
  areOpened,
  decodeLinearBill,
  encodeLinearBill,
  examineLinearBill,
} from "../src/proofs/linear-bill.js";
import { RateTables } from "../src/proofs/rate-classes.js";
import { WeightedSums } from "../src/proofs/weighted-sum.js";
import { BillVerifier, type SetTrust } from "../src/supplier/verify-bills.js";
import { encodeTariff, type SignedTariff } from "../src/tariff/document.js";
import { readUint } from "../src/trusted/encoding/bytes.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { LEAF_BYTES } from "../src/trusted/sealing/batch.js";
import { digest } from "../src/trusted/sealing/keys.js";
import { type Figure, milliseconds, SLIDES_PER_SECOND } from "./bench-figures.js";
import { print, table, wholeNumber } from "./command-line.js";
import { entropy } from "./entropy.js";

/** Three weeks of half-hours, as in the slides: 1,008 readings. */
const DAYS = 21;
const INTERVAL_S = 1800;
const READINGS = (DAYS * DAY_SECONDS) / INTERVAL_S;
const NATION = 27_000_000;
const HOUR_S = 3600;
/** Meters that really differ; their bills are verified over and over. */
const METERS = 8;
const RATE_COUNTS = [3, 48, READINGS];
/** Measurements of which the least counts. */
const ROUNDS = 8;

export function addBenchBills(program: Command): void {
  program
    .command("bench-bills")
    .description("measure and print how many readings in bills one core verifies in a second")
    .option("--bills <n>", "bills of each kind", wholeNumber(8, 100_000), 2048)
    .option("--together <n>", "bills that are verified together", wholeNumber(1, 256), 64)
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter bench-bills --bills 8192")
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

/** Bills of one tariff as their verifier gets them. */
interface BillFiles {
  readonly trust: SetTrust;
  readonly files: readonly Uint8Array[];
}

/** Bills of one tariff, without hints and with. */
interface Kind {
  readonly rateCount: number;
  readonly bare: BillFiles;
  readonly hinted: BillFiles;
}

function kindOf(street: ModelStreet, rateCount: number, { group }: Arithmetic): Kind {
  const tariff = tariffOf(street, rateCount);
  const trust = { authorityKey: street.authorityKey, tariff };
  const made = street.meters.map((_, meter) => modelBill(street, meter, DAYS, tariff));
  const bare = { trust, files: made.map(encodeLinearBill) };
  const hinted = { trust, files: made.map((bill) => encodeLinearBill(withHints(bill, group))) };
  return { rateCount, bare, hinted };
}

/** The figures of all kinds of bills: by the fast arithmetic with hints and without, and by noble's. */
function benchBillSet({ bills, together }: Pick<Options, "bills" | "together">): Figure[] {
  const street = new ModelStreet({ meters: METERS, intervalSeconds: INTERVAL_S });
  const fast = fastArithmetic();
  const kinds = RATE_COUNTS.map((rateCount) => kindOf(street, rateCount, fast));
  const speed = (set: BillFiles, arithmetic: Arithmetic, count: number) =>
    (1e6 * READINGS) / microsecondsOf(new Round(set, arithmetic, together), count);
  // Noble's come last: calls that the engine has seen go to two implementations are slower from then on.
  const speeds = kinds.map(({ bare, hinted }) => ({
    hinted: speed(hinted, fast, bills),
    bare: speed(bare, fast, bills),
    split: splitOf(hinted, fast, together, bills),
  }));
  return kinds.flatMap(({ rateCount, bare }, at) => {
    const noble = speed(bare, nobleArithmetic, METERS);
    const own = speeds[at];
    return [
      { name: `${rateCount} rates, readings a second on one core: noble`, value: noble.toFixed(0) },
      ...(own ? figuresOf("WebAssembly, without hints", own.bare, noble) : []),
      ...(own ? figuresOf("WebAssembly, with hints", own.hinted, noble) : []),
      ...(own?.split ?? []),
    ];
  });
}

function figuresOf(kind: string, readings_s: number, noble_s: number): Figure[] {
  const hours = (NATION * READINGS) / readings_s / HOUR_S;
  const times = (reference: number) => `${(readings_s / reference).toFixed(1)} times`;
  return [
    { name: `  ${kind}`, value: readings_s.toFixed(0) },
    {
      name: "    beside noble, and the slides' 26,000",
      value: `${times(noble_s)}, ${times(SLIDES_PER_SECOND)}`,
    },
    { name: "    27 million meters, three weeks, on one core", value: `${hours.toFixed(1)} h` },
  ];
}

/** CPU time a bill, in the round in which it is least: others on the machine make it more and never less. */
function microsecondsOf(round: { run(count: number): void }, count: number): number {
  const each = Math.ceil(count / ROUNDS);
  round.run(each); // The engine compiles what is hot.
  const times = Array.from({ length: ROUNDS }, () => milliseconds(() => round.run(each)));
  return (1000 * Math.min(...times)) / each;
}

/** From the bytes of files to verdicts. */
class Round {
  readonly #set: BillFiles;
  readonly #verifier: BillVerifier;
  readonly #together: number;

  constructor(set: BillFiles, arithmetic: Arithmetic, together: number) {
    this.#set = set;
    this.#verifier = new BillVerifier(set.trust, arithmetic, entropy);
    this.#together = together;
  }

  run(count: number): void {
    const { files } = this.#set;
    for (let from = 0; from < count; from += this.#together) {
      const length = Math.min(this.#together, count - from);
      for (const { reason } of this.#verifier.verify(copies(files, from, length))) {
        if (reason !== null) throw new Error(`a right bill is refused: ${reason}`);
      }
    }
  }
}

/** Copies of so many files, each made when it is asked for, as a file is read into memory of its own. */
function* copies(files: readonly Uint8Array[], from: number, count: number): Generator<Uint8Array> {
  for (let at = from; at < from + count; at++) yield (files[at % files.length] ?? new Uint8Array(0)).slice();
}

/** Where the time goes: the parts alone, over the same bills, and the rest. */
function splitOf(set: BillFiles, arithmetic: Arithmetic, together: number, count: number): Figure[] {
  const { group, hashes } = arithmetic;
  const [file = new Uint8Array(0)] = set.files;
  const { batches } = decodeLinearBill(file);
  const trees = batches.map(({ leaves }) => leaves);
  const runs = batches.map(({ leaves, hints = null }) => {
    return { firstInterval: readUint(leaves, 0, 4), channelCount: 1, leaves, hints };
  });
  const from = runs[0]?.firstInterval ?? 0;
  const tables = new RateTables(set.trust.tariff.tariff);
  const table = tables.of(["1-0:1.8.0"], { from, to: from + READINGS, intervalSeconds: INTERVAL_S });
  const sums = new WeightedSums(group);
  const examined = Array.from({ length: together }, (_, at) => {
    const noted = new NotedChecks(hashes);
    const bill = decodeLinearBill(set.files[at % set.files.length] ?? file);
    return { noted, ...examineLinearBill(bill, set.trust, { checks: noted, sums, tables }) };
  });
  const [notes, equations] = [examined.map(({ noted }) => noted), examined.map(({ equation }) => equation)];
  const parts: readonly (readonly [name: string, bills: number, work: () => void])[] = [
    ["bytes taken apart", 1, () => decodeLinearBill(file)],
    ["trees", 1, () => hashes.merkleRoots(trees, LEAF_BYTES)],
    ["commitments decoded and added", 1, () => sums.of(runs, table)],
    ["signatures and keys", together, () => NotedChecks.hold(notes, arithmetic, entropy)],
    ["equations", together, () => areOpened(equations, coefficientsFor(together, entropy), group)],
  ];
  const times = parts.map(([name, each, work]) => {
    const run = (bills: number) => {
      for (let done = 0; done < bills; done += each) work();
    };
    return { name, time_us: microsecondsOf({ run }, count) };
  });
  const all_us = microsecondsOf(new Round(set, arithmetic, together), count);
  const rest_us = times.reduce((rest, { time_us }) => rest - time_us, all_us);
  return [...times, { name: "statements, signed messages, and the rest", time_us: rest_us }].map(
    ({ name, time_us }) => ({ name: `    ${name}, a bill`, value: `${time_us.toFixed(0)} us` }),
  );
}
