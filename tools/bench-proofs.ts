// sealmeter bench-proofs: what a range proof and a month's bill cost to prove and to verify, with the fast group and
// beside it noble's. Each bill is measured in a process of its own, so that its peak of memory is its own too.
import { fileURLToPath } from "node:url";
import { type Command, Option } from "commander";
import { openedMeter } from "../host-sim/model-bills.js";
import { ModelStreet } from "../host-sim/model-street.js";
import { type Arithmetic, fastArithmetic, nobleArithmetic } from "../src/proofs/arithmetic.js";
import { generatorsOf } from "../src/proofs/bulletproofs/generators.js";
import { proveRange, verifyRange } from "../src/proofs/bulletproofs/range-proof.js";
import { proveGeneralBill } from "../src/proofs/general-bill.js";
import { proveLinearBill } from "../src/proofs/linear-bill.js";
import { encodeProvedBill, verifyProvedBill } from "../src/proofs/proved-bill.js";
import { Transcript } from "../src/proofs/transcript.js";
import { encodeTariff, type SignedTariff } from "../src/tariff/document.js";
import { parseTariff } from "../src/tariff/source.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { digest } from "../src/trusted/sealing/keys.js";
import { type Figure, figuresOf, milliseconds, timed } from "./bench-figures.js";
import { print, readText, table } from "./command-line.js";
import { entropy } from "./entropy.js";

/** A month of half-hours: 1,488 readings. */
const DAYS = 31;
const INTERVAL_S = 1800;

/** The tariffs of docs/examples that stand for the three kinds, and the generators that their statements need. */
const BILLS = {
  "time-of-use": { title: "(a) time-of-use", generators: 0 },
  "block-rates": { title: "(b) blocks on the total", generators: 64 },
  congestion: { title: "(c) a cubic spline of 4 segments by reading", generators: 8192 },
} as const;
type BillName = keyof typeof BILLS;
const BILL_NAMES: readonly string[] = Object.keys(BILLS);
const isBillName = (name: string): name is BillName => BILL_NAMES.includes(name);

interface Options {
  readonly only?: string;
  readonly group?: string;
  readonly json?: boolean;
}

export function addBenchProofs(program: Command): void {
  program
    .command("bench-proofs")
    .description("measure and print what range proofs and a month's bills cost, beside noble's arithmetic")
    .addOption(new Option("--only <what>", "one proof alone").choices(["range", ...BILL_NAMES]))
    .addOption(new Option("--group <name>", "one arithmetic alone").choices(["wasm", "noble"]))
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter bench-proofs --group wasm\n  $ sealmeter bench-proofs --only congestion",
    )
    .action(runBenchProofs);
}

function runBenchProofs(options: Options): void {
  const figures = benchProofs(options);
  print(options.json, figures, table(figures.map(({ name, value }) => [name, value])));
}

/** All that is asked for; by default everything, with noble's arithmetic last: it takes minutes. */
function benchProofs({ only, group }: Options): Figure[] {
  const groups = group === undefined ? ["wasm", "noble"] : [group];
  const whats = only === undefined ? ["range", ...BILL_NAMES] : [only];
  const alone = only !== undefined && group !== undefined;
  return groups.flatMap((name) =>
    whats.flatMap((what) => {
      if (!alone) return figuresOf("bench-proofs", "--only", what, "--group", name);
      const arithmetic = name === "wasm" ? fastArithmetic() : nobleArithmetic;
      return isBillName(what) ? benchBill(what, arithmetic) : benchRange(arithmetic);
    }),
  );
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} CPU s`;

/** The mean of some runs after the first. */
function warm(work: () => void, runs: number): string {
  work();
  const ms = milliseconds(() => {
    for (let run = 0; run < runs; run++) work();
  });
  return `${(ms / runs).toFixed(2)} ms`;
}

function benchRange({ group }: Arithmetic): Figure[] {
  const witness = { bits: 64, values: [0x0123_4567_89ab_cdefn], blindings: [2n ** 250n + 7n] } as const;
  const prove = () => proveRange(group, new Transcript("bench"), witness, entropy);
  const { proof, commitments } = prove();
  const verify = () => verifyRange(group, new Transcript("bench"), { bits: 64, commitments }, proof);
  const runs = group.name === "wasm" ? 50 : 3;
  return [
    { name: `64-bit range proof, ${group.name}: ${proof.length} bytes; prove`, value: warm(prove, runs) },
    { name: "  verify (dalek's README, i7: 7.3 and 1.04 ms)", value: warm(verify, runs) },
  ];
}

/** A tariff of docs/examples, made valid when the model street lives: its prices are what matters here. */
function tariffOf(name: BillName, street: ModelStreet): SignedTariff {
  const example = fileURLToPath(new URL(`../docs/examples/${name}.json`, import.meta.url));
  const start_s = street.firstDay * DAY_SECONDS;
  const tariff = {
    ...parseTariff(readText(example)),
    offsets: [{ from_s: 0, offset_s: 0 }],
    notBefore_s: start_s,
    notAfter_s: start_s + DAYS * DAY_SECONDS,
  };
  return { tariff, digest: digest(encodeTariff(tariff)) };
}

function benchBill(name: BillName, arithmetic: Arithmetic): Figure[] {
  const street = new ModelStreet({ meters: 1, intervalSeconds: INTERVAL_S });
  const signed = tariffOf(name, street);
  const meter = openedMeter(street, 0, DAYS);
  const { document } = street.meters[0] ?? street.enrol(0);
  const period = { from: street.firstOf(0), to: street.firstOf(DAYS) };
  const { group } = arithmetic;
  const isLinear = signed.tariff.charge === undefined;
  const { title, generators: count } = BILLS[name];
  const generators = timed(() => generatorsOf(group).share(0, count));
  const proved = timed(() =>
    isLinear
      ? proveLinearBill(meter, document, signed, period)
      : proveGeneralBill(meter, document, signed, period, { group, entropy }),
  );
  const bytes = encodeProvedBill(proved.result);
  const trust = { authorityKey: street.authorityKey, tariff: signed };
  const verified = timed(() => verifyProvedBill(bytes, trust, arithmetic));
  const proofBytes = "proof" in proved.result ? proved.result.proof.length : proved.result.opening.length;
  const readings = verified.result.readings;
  return [
    { name: `${title}, ${readings} readings, ${group.name}: prove`, value: seconds(proved.ms) },
    { name: "  verify, from bytes to verdict", value: seconds(verified.ms) },
    { name: "  generators, once in a process", value: seconds(generators.ms) },
    { name: "  bytes of the proof; of the bill", value: `${proofBytes}; ${bytes.length}` },
    {
      name: "  peak memory of the process",
      value: `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`,
    },
  ];
}
