// sealmeter start: the main job, told from beginning to end. A meter lives a month, its customer proves the
// bill under two kinds of tariff, its supplier checks it and sees no reading; then five ways to cheat are tried,
// each for real, ten neighbours are summed up, and one household lives a day on pre-payment.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ed25519 } from "@noble/curves/ed25519.js";
import { concatBytes } from "@noble/hashes/utils.js";
import type { Command } from "commander";
import { FRONT_END_NAMES, frontEndOver } from "../host-sim/front-ends.js";
import { householdTrace } from "../host-sim/household.js";
import {
  customerOf,
  type RolledBack,
  recordOf,
  rememberFlash,
  rollBack,
  runUntil,
  type SimulationOptions,
  simulate,
  type World,
} from "../host-sim/simulation.js";
import { makeBill } from "../src/customer/bill.js";
import { type CheckedMeter, type CustomerKeys, checkMeter, type MeterRecord } from "../src/customer/check.js";
import { linkOf, verifyStatement } from "../src/proofs/batch.js";
import { verifyCertificate } from "../src/proofs/certificate.js";
import type { BillTrust } from "../src/proofs/completeness.js";
import { BatchLedger } from "../src/proofs/ledger.js";
import {
  decodeLinearBill,
  encodeLinearBill,
  type LinearBill,
  verifyLinearBill,
} from "../src/proofs/linear-bill.js";
import { encodeProvedBill } from "../src/proofs/proved-bill.js";
import { VerificationError } from "../src/proofs/signed.js";
import { verifyBill } from "../src/supplier/verify-bill.js";
import { encodeTariff } from "../src/tariff/document.js";
import { billLines } from "../src/tariff/evaluate.js";
import { signTariff, verifyTariff } from "../src/tariff/signed-tariff.js";
import { parseTariff } from "../src/tariff/source.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { billTable, money, proving } from "./bill.js";
import { kWh, print, progressBar, readText, table, utc, wholeNumber, writeFile } from "./command-line.js";
import { drawDay } from "./day-picture.js";
import { assertNew } from "./meter-directory.js";
import { writeWorld } from "./simulate.js";
import { tellPrepaidDay } from "./start-prepayment.js";
import { billBySpline } from "./start-spline.js";
import { sumNeighbours } from "./start-street.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HOUR_S = 3600;
/** The story's household: local time is an hour ahead of UTC; its month is January 2026. */
const [UTC_OFFSET_H, DAYS, INTERVAL_S] = [1, 31, 1800];
const [FROM, TO] = ["2026-01-01", "2026-02-01"];
const START_S = Date.UTC(2026, 0, 1) / 1000 - UTC_OFFSET_H * HOUR_S;
/** Local times within the month, days from its beginning. */
const UPLINK_FAILS = [9.5, 10.5] as const;
const POWER_FAILS = [19 + 2 / 24, 19 + 5 / 24] as const;
const [FLASH_IS_COPIED, DAY_DRAWN] = [22.5, 14];
/** Local hour of the day at which four front ends measure the same. */
const HOUR_DRAWN = 18;
/** The day of the neighbours: 15 January. */
const STREET_S = Date.UTC(2026, 0, 15) / 1000;
const PICTURE = "day.svg";
const CREDIT_PICTURE = "prepayment.svg";
const ONE_EURO = 1_000_000_000n;

interface Attempt {
  readonly cheat: string;
  readonly refusedBy: string;
  readonly reason: string;
}

export function addStart(program: Command): void {
  program
    .command("start")
    .description(
      "the main job from beginning to end: a month of one household, its bill, five cheats refused, a street's sums, a day on pre-payment",
    )
    .option("--seed <n>", "seed of the household and of all keys", wholeNumber(0, 0xffffffff), 7)
    .option(
      "--out <dir>",
      "folder for the files; those of an earlier start are replaced",
      join(ROOT, "out", "start"),
    )
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter start --seed 42 --out out/start")
    .action(runStart);
}

/** January in the household, with three hours without power. */
function storyOptions(seed: number): SimulationOptions {
  const trace = householdTrace({
    seed,
    start_s: START_S,
    days: DAYS,
    step_s: INTERVAL_S,
    utcOffset_h: UTC_OFFSET_H,
  });
  const rowAt = (day: number) => Math.round((day * DAY_SECONDS) / INTERVAL_S);
  const rows = trace.rows.map((row, at) =>
    at >= rowAt(POWER_FAILS[0]) && at < rowAt(POWER_FAILS[1]) ? null : row,
  );
  const outage = [START_S + UPLINK_FAILS[0] * DAY_SECONDS, START_S + UPLINK_FAILS[1] * DAY_SECONDS] as const;
  const meterId = "SM-0001";
  return { trace: { ...trace, rows }, meterId, intervalSeconds: INTERVAL_S, seed, outages: [outage] };
}

function runStart({
  seed,
  out,
  json,
}: {
  readonly seed: number;
  readonly out: string;
  readonly json?: boolean;
}): void {
  if (!isOurs(out)) assertNew(out);
  const say = (line: string) => json || process.stdout.write(`${line}\n`);
  say("1. A meter is enrolled and paired, and lives a month of half-hours.");
  const { world, copied, options } = liveMonth(seed);
  const { headEnd, device } = world;
  say(
    `   ${headEnd.messages("reading").length} readings and ${headEnd.messages("batch").length} signed batches arrived;`,
  );
  say(
    `   the uplink failed for a day and the power for three hours; ${headEnd.duplicates} messages came twice.`,
  );

  say("2. The customer decrypts and checks everything.");
  const [record, keys] = [recordOf(world), customerOf(world)];
  const checked = check(record, keys, world);
  const [imported = 0, exported = 0] = checked.totals_Wh;
  say(`   every commitment recomputed: ${kWh(imported)} kWh taken, ${kWh(exported)} kWh fed in.`);

  say("3. The customer bills January and proves it; the supplier verifies, and sees no reading.");
  const source = parseTariff(readText(join(ROOT, "docs", "examples", "time-of-use.json")));
  const tariffDocument = signTariff(encodeTariff(source), world.parties.supplier.seed);
  const tariff = verifyTariff(tariffDocument, world.parties.supplier.publicKey);
  const made = makeBill(checked, record.certificate, tariff, { from: FROM, to: TO }, proving());
  const bill = decodeLinearBill(encodeProvedBill(made));
  const ledger = new BatchLedger();
  const trust = { authorityKey: world.parties.authority.publicKey, tariff, ledger };
  const verified = verifyBill(encodeLinearBill(bill), trust);
  for (const line of billTable(tariff.tariff, verified.lines)) say(` ${line}`);
  say(`   ${verified.readings} readings went into it, ${verified.absentIntervals} intervals had no power.`);

  say(
    "4. The same month at a price that rises with each half-hour's energy, by a cubic spline: no opening is shown.",
  );
  const { supplier } = world.parties;
  const spline = billBySpline(checked, record.certificate, { from: FROM, to: TO }, { supplier, trust });
  say(
    `   ${spline.total}, proved over the meter's own commitments in ${spline.proofBytes} bytes, and verified.`,
  );

  say("5. Five ways to cheat.");
  const attempts = cheat(world, options, copied, {
    checked,
    record,
    keys,
    bill,
    trust,
    standingDays: verified.standingDays,
  });
  const rows = attempts.map(({ cheat: name, refusedBy, reason }) => [
    name,
    `refused by ${refusedBy}: ${reason}`,
  ]);
  for (const [name, reason] of rows) say(`   ${`${name}`.padEnd(28)}${reason}`);

  say("6. One hour of another such home, through each front end that a meter may have.");
  const measured = measureHour(seed);
  for (const { name, taken_Wh, fed_Wh } of measured)
    say(`   ${name.padEnd(28)}${`${taken_Wh}`.padStart(5)} Wh taken, ${`${fed_Wh}`.padStart(5)} Wh fed in`);

  say(
    "7. Ten neighbours for a day: their aggregator learns sums, verified by what their meters have sealed.",
  );
  const street = sumNeighbours(seed, STREET_S);
  say(
    `   ${street.verified} of ${street.intervals} half-hours verified; the most at ${utc(street.peak_s).slice(11, 16)} UTC, ${kWh(street.peak_Wh)} kWh together.`,
  );
  say(`   One home's share of it alone: ${street.share}, any number of 64 bits with equal chance.`);

  say("8. A day on pre-payment: the meter itself draws credit by the signed tariff.");
  const prepaid = tellPrepaidDay(seed);
  for (const line of prepaid.lines) say(`   ${line}`);

  const total = money(verified.lines.total, tariff.tariff.currency);
  const more = (partial: string) => {
    writeFile(join(partial, "tariff.cbor"), tariffDocument);
    writeFile(join(partial, "bill.cbor"), encodeLinearBill(bill));
    writeFile(join(partial, "spline-tariff.cbor"), spline.tariff);
    writeFile(join(partial, "spline-bill.cbor"), spline.bill);
    writeFile(join(partial, PICTURE), picture(checked, total));
    writeFile(join(partial, CREDIT_PICTURE), prepaid.picture);
  };
  writeWorld(out, world, { more, isReplaced: isOurs(out) });
  const { readings } = verified;
  const bySpline = { total: spline.total, proofBytes: spline.proofBytes };
  const result = {
    directory: out,
    total,
    readings,
    bySpline,
    attempts,
    measured,
    street,
    prepayment: prepaid.result,
    display: device.display(),
  };
  print(json, result, [
    "",
    ...table([
      ["what", "the customer knows", "the supplier knows"],
      ["readings", `${2 * headEnd.messages("reading").length}`, "0"],
      ["commitments checked", `${2 * headEnd.messages("reading").length}`, `${verified.readings}`],
      ["energy taken", `${kWh(imported)} kWh`, "-"],
      ["the bill of January", total, total],
      ["the same by the spline", spline.total, spline.total],
      ["credit after the prepaid day", prepaid.result.left, "-"],
    ]),
    "",
    `files in ${out}; open ${PICTURE} for one day as each of them sees it, ${CREDIT_PICTURE} for the day on pre-payment`,
  ]);
}

/** The same load before four meters of their own: as the trace has it, as pulses, by a chip, as waveforms. */
function measureHour(seed: number) {
  const day = { seed, start_s: START_S, days: 1, step_s: 900, utcOffset_h: UTC_OFFSET_H };
  const whole = householdTrace(day);
  const first = (HOUR_DRAWN * HOUR_S) / 900;
  const trace = {
    ...whole,
    start_s: START_S + HOUR_DRAWN * HOUR_S,
    rows: whole.rows.slice(first, first + 4),
  };
  return FRONT_END_NAMES.map((name) => {
    const frontEnd = frontEndOver(name, trace, seed);
    const world = simulate({ trace, meterId: "SM-0001", intervalSeconds: 900, seed, frontEnd });
    const { totals_Wh } = checkMeter(recordOf(world), customerOf(world), world.parties.authority.publicKey);
    const [taken_Wh = 0, fed_Wh = 0] = totals_Wh;
    return { name, taken_Wh, fed_Wh };
  });
}

/** Whether an earlier start has made this folder; anybody else's is not replaced. */
const isOurs = (out: string) =>
  ["authority.pub", "SM-0001", PICTURE].every((name) => existsSync(join(out, name)));

function liveMonth(seed: number): { world: World; copied: RolledBack; options: SimulationOptions } {
  const options = storyOptions(seed);
  const bar = progressBar("   the meter's month");
  let copied: RolledBack | null = null;
  const watch = (world: World) => {
    if (!copied && world.clock.now_ms >= (START_S + FLASH_IS_COPIED * DAY_SECONDS) * 1000)
      copied = rememberFlash(world);
  };
  try {
    const world = simulate({ ...options, watch, progress: bar.update });
    if (!copied) throw new Error("the flash was not copied");
    return { world, copied, options };
  } finally {
    bar.stop();
  }
}

function check(record: MeterRecord, keys: CustomerKeys, { parties }: World): CheckedMeter {
  const bar = progressBar("   checking");
  try {
    return checkMeter(record, keys, parties.authority.publicKey, { progress: bar.update });
  } finally {
    bar.stop();
  }
}

interface Honest {
  readonly checked: CheckedMeter;
  readonly record: MeterRecord;
  readonly keys: CustomerKeys;
  readonly bill: LinearBill;
  readonly trust: BillTrust & { readonly ledger: BatchLedger };
  readonly standingDays: number;
}

/** Tries each cheat; every one must be refused with a VerificationError. */
function cheat(world: World, options: SimulationOptions, copied: RolledBack, honest: Honest): Attempt[] {
  const { record, keys, bill, trust, standingDays } = honest;
  const claim = (energy: bigint) => ({
    ...bill,
    lines: billLines(trust.tariff.tariff, energy, standingDays),
  });
  const middle = Math.floor(bill.batches.length / 2);
  return [
    attempt("a forged reading", "the customer", () =>
      check({ ...record, readings: forgeReading(world) }, keys, world),
    ),
    attempt("a bill one euro lower", "the supplier", () =>
      verifyLinearBill(claim(bill.lines.energy - ONE_EURO), trust),
    ),
    attempt("a day's batch left out", "the supplier", () =>
      verifyLinearBill({ ...bill, batches: bill.batches.filter((_, at) => at !== middle) }, trust),
    ),
    attempt("a total off by the order l", "the supplier", () =>
      verifyLinearBill(claim(bill.lines.energy + ed25519.Point.Fn.ORDER), trust),
    ),
    attempt("a batch signed twice", "the supplier", () => {
      const certificate = verifyCertificate(record.certificate, trust.authorityKey);
      for (const fork of forkBatches(world, options, copied)) {
        trust.ledger.record(linkOf(verifyStatement(fork, { certificate, revocation: null })));
      }
    }),
  ];
}

function attempt(name: string, refusedBy: string, act: () => unknown): Attempt {
  try {
    act();
  } catch (error) {
    if (error instanceof VerificationError) return { cheat: name, refusedBy, reason: error.message };
    throw error;
  }
  throw new Error(`${name} was accepted`);
}

/** One Wh less in the evening of the eighth day: the pad does not protect a bit from being turned. */
function forgeReading({ headEnd }: World): Uint8Array {
  const messages = headEnd.messages("reading").map((message) => message.slice());
  const forged = messages[7 * 48 + 40];
  const at = (forged?.length ?? 0) - 5; // last byte of channel 0; channel 1 follows
  if (forged) forged[at] = (forged[at] ?? 0) ^ 1;
  return concatBytes(...messages);
}

/** The same certified meter, its flash put back by hours, seals the day again with other readings. */
function forkBatches(world: World, options: SimulationOptions, copied: RolledBack): readonly Uint8Array[] {
  const other = storyOptions(options.seed + 1);
  const rolledBack = rollBack(world, { ...options, trace: other.trace, outages: [] }, copied);
  const endOfDay_s = (Math.floor(copied.now_ms / 1000 / DAY_SECONDS) + 1) * DAY_SECONDS;
  runUntil(rolledBack, { ...options, trace: other.trace }, endOfDay_s + 2 * INTERVAL_S);
  return rolledBack.headEnd.messages("batch");
}

function picture({ batches }: CheckedMeter, total: string): string {
  const first = (START_S + DAY_DRAWN * DAY_SECONDS) / INTERVAL_S;
  const all = batches.flatMap(({ intervals, leaves }) =>
    intervals.map(({ interval, readings: [import_Wh = 0, export_Wh = 0] }) => {
      const leaf = leaves.find((candidate) => candidate.interval === interval && candidate.channel === 0);
      return { interval, import_Wh, export_Wh, commitment: leaf?.commitment ?? new Uint8Array(32) };
    }),
  );
  const intervals = Array.from(
    { length: DAY_SECONDS / INTERVAL_S },
    (_, at) => all.find(({ interval }) => interval === first + at) ?? null,
  );
  const supplierLines = [`and the bill of January, ${total}, proved exact`, "no reading, no profile"];
  return drawDay({ title: "15 January 2026 in one household", intervals, supplierLines });
}
