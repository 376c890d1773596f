// sealmeter bench: the figures of docs/performance.md, each beside a reference measured in the same run.

import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { householdTrace } from "../host-sim/household.js";
import {
  createWorld,
  customerOf,
  FLASH_SECTORS,
  recordOf,
  runUntil,
  type SimulationOptions,
  simulate,
  type World,
} from "../host-sim/simulation.js";
import { makeBill } from "../src/customer/bill.js";
import { checkMeter } from "../src/customer/check.js";
import { BASE, BLINDING, makeCommitmentKey } from "../src/proofs/generators.js";
import { decodeLinearBill, verifyLinearBill } from "../src/proofs/linear-bill.js";
import { encodeProvedBill } from "../src/proofs/proved-bill.js";
import { encodeTariff } from "../src/tariff/document.js";
import { signTariff, verifyTariff } from "../src/tariff/signed-tariff.js";
import { parseTariff } from "../src/tariff/source.js";
import { array, bstr, int, tstr } from "../src/trusted/encoding/cbor.js";
import { Journal } from "../src/trusted/journal/journal.js";
import { DAY_SECONDS } from "../src/trusted/metrology/interval.js";
import { SECTOR_BYTES } from "../src/trusted/ports.js";
import { type Figure, figuresOf, milliseconds, SLIDES_PER_SECOND } from "./bench-figures.js";
import { proving } from "./bill.js";
import { print, readText, table, wholeNumber } from "./command-line.js";

/** Days of the two stretches whose cost is compared. */
const STRETCH_DAYS = 30;
const COMMITMENTS = 400;
const EXAMPLE_TARIFF = fileURLToPath(new URL("../docs/examples/time-of-use.json", import.meta.url));

export function addBench(program: Command): void {
  program
    .command("bench")
    .description(
      "measure and print the figures of docs/performance.md; bills and proofs take five minutes of it",
    )
    .option("--days <n>", "days of the meter's journal", wholeNumber(60, 396), 396)
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExample:\n  $ sealmeter bench --days 60")
    .action(runBench);
}

function runBench(options: { readonly days: number; readonly json?: boolean }): void {
  const figures = [
    ...benchCommitments(),
    ...benchMeter(options.days),
    ...benchWan(1800),
    ...benchWan(900),
    ...benchBills(),
    ...figuresOf("bench-bills"),
    ...figuresOf("bench-proofs"),
  ];
  print(options.json, figures, table(figures.map(({ name, value }) => [name, value])));
}

function benchCommitments(): Figure[] {
  const key = makeCommitmentKey();
  const opening = (at: number) => 2n ** 251n + BigInt(at) ** 9n;
  const each = (commit: (at: number) => void) => {
    for (let at = 0; at < 100; at++) commit(at);
    return (
      milliseconds(() => {
        for (let at = 0; at < COMMITMENTS; at++) commit(at);
      }) / COMMITMENTS
    );
  };
  const ours = each((at) => key.commit(at + 1, opening(at)));
  const noble = each((at) =>
    BASE.multiply(BigInt(at + 1))
      .add(BLINDING.multiply(opening(at)))
      .toBytes(),
  );
  return [
    { name: "a commitment over 4-bit tables", value: `${ours.toFixed(3)} ms` },
    { name: "  beside noble's two multiplications", value: `${(noble / ours).toFixed(2)} times as fast` },
  ];
}

function household(days: number, intervalSeconds: number): SimulationOptions {
  const start_s = Date.UTC(2026, 0, 1) / 1000;
  const trace = householdTrace({ seed: 1, start_s, days, step_s: 900, utcOffset_h: 0 });
  return { trace, meterId: "SM-0001", intervalSeconds, seed: 1, tick_ms: 30_000 };
}

/** A journal of `days` at 900 s and two channels: time, growth, memory, and the recovery of it. */
function benchMeter(days: number): Figure[] {
  const options = household(days, 900);
  const world = createWorld(options);
  const { start_s } = options.trace;
  const stretches: number[] = [];
  const stretch = (to_day: number) =>
    stretches.push(milliseconds(() => runUntil(world, options, start_s + to_day * DAY_SECONDS)));
  stretch(STRETCH_DAYS);
  stretch(days - STRETCH_DAYS);
  stretch(days);
  const total_ms = stretches.reduce((sum, ms) => sum + ms, 0);
  const ratio = (stretches.at(-1) ?? 0) / (stretches[0] ?? 1);
  const stateErases = world.flash.eraseCounts.slice(FLASH_SECTORS - 32);
  const rss_MB = process.memoryUsage().rss / 1e6;
  return [
    {
      name: `${days} days at 900 s, 2 channels, meter, journal and outbox`,
      value: `${(total_ms / 1000).toFixed(1)} CPU s`,
    },
    { name: "  last 30 days over the first 30", value: ratio.toFixed(2) },
    { name: "  memory of the process", value: `${rss_MB.toFixed(0)} MB` },
    { name: "  commitments", value: `${world.headEnd.messages("reading").length * 2}` },
    { name: "  erases of a state sector, most", value: `${Math.max(...stateErases)}` },
    ...recoveryOf(world),
  ];
}

function recoveryOf({ flash }: World): Figure[] {
  flash.resetStatistics();
  new Journal(flash).recover();
  const { bytes, sectors } = flash.reads;
  return [
    { name: "recovery of that journal: bytes read", value: `${bytes}` },
    { name: "  sectors touched, headers included", value: `${sectors}` },
    { name: "  in whole sectors", value: `${(bytes / SECTOR_BYTES).toFixed(1)}` },
  ];
}

/** Bytes of a day on the WAN beside the same readings in clear in the same CBOR. */
function benchWan(intervalSeconds: number): Figure[] {
  const options = household(8, intervalSeconds);
  const world = createWorld(options);
  const from_s = options.trace.start_s;
  runUntil(world, options, from_s + DAY_SECONDS);
  const before = world.headEnd.bytes;
  runUntil(world, options, from_s + 8 * DAY_SECONDS);
  const daily = (world.headEnd.bytes - before) / 7;
  const plainMessage = array(int(1), tstr("SM-0001"), int(0), int(981_793), int(0), bstr(new Uint8Array(8)));
  const plain = (plainMessage.length * DAY_SECONDS) / intervalSeconds;
  return [
    {
      name: `WAN at ${intervalSeconds} s: bytes a day, signature and events counted`,
      value: daily.toFixed(0),
    },
    { name: "  beside the readings in clear in the same CBOR", value: `${(daily / plain).toFixed(3)} times` },
  ];
}

/** Verifying a month's linear bill, from bytes to verdict, beside the 26,000 readings a second of the slides. */
function benchBills(): Figure[] {
  const options = { ...household(33, 1800), seed: 3 };
  const world = simulate(options);
  const checked = checkMeter(recordOf(world), customerOf(world), world.parties.authority.publicKey);
  const source = parseTariff(readText(EXAMPLE_TARIFF));
  const tariff = verifyTariff(
    signTariff(encodeTariff(source), world.parties.supplier.seed),
    world.parties.supplier.publicKey,
  );
  const dates = {
    from: "2026-01-02",
    to: "2026-02-02",
  };
  const bytes = encodeProvedBill(makeBill(checked, world.enrolment.certificate, tariff, dates, proving()));
  const trust = { authorityKey: world.parties.authority.publicKey, tariff };
  let readings = 0;
  const ms = milliseconds(() => {
    for (let run = 0; run < 3; run++) readings += verifyLinearBill(decodeLinearBill(bytes), trust).readings;
  });
  const perSecond = (1000 * readings) / ms;
  return [
    { name: "verifying a linear bill, readings a second on one core", value: perSecond.toFixed(0) },
    { name: "  beside the slides' 26,000", value: `${(perSecond / SLIDES_PER_SECOND).toFixed(2)} times` },
    { name: "  bytes of the bill of a month", value: `${bytes.length}` },
  ];
}
