// sealmeter command send: hands a command or a signed tariff to the board of `provision` as its network would, and
// tells what the board made of it. Anything can be sent, for a meter must bear anything.
import type { Command } from "commander";
import type { Bench } from "../host-sim/bench.js";
import type { Received } from "../host-sim/stored-board.js";
import { decodeEvent, type EventMessage } from "../src/customer/messages.js";
import { VerificationError } from "../src/proofs/signed.js";
import { type Receipt, receiptOf } from "../src/supplier/receipt.js";
import { type RegisterStatement, verifyRegisterStatement } from "../src/supplier/register-statement.js";
import { isOfType } from "../src/trusted/encoding/cose.js";
import { digest } from "../src/trusted/sealing/keys.js";
import { type OpenBench, openBench, powerUpBench, storeBench } from "./bench-directory.js";
import {
  kWh,
  print,
  progressBar,
  readFile,
  report,
  toHex,
  UsageError,
  utc,
  wholeNumber,
} from "./command-line.js";
import { eventName } from "./event-names.js";

/** What a network carries at most of one message, bytes: more than a meter takes. */
const FILE_BYTES_MAX = 4096;
/** As long as a meter's journal: 396 days. */
const ADVANCE_MAX_S = 396 * 86_400;

interface Options {
  readonly advance: number;
  readonly holdButton?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Accepted is exit code 0; refused, or unanswered since no party's key has signed it, is 1. The board is stored in
any case: its time has passed. A signed tariff goes where tariffs go, and stays with the network for later
power-ups: nothing answers it, but a credit-tariff command that names one which the board lacks is refused.

Examples:
  $ sealmeter command send out/bench ask.cbor
  $ sealmeter command send out/bench late.cbor --advance 86400
  $ sealmeter command send out/prepaid tariff.cbor
  $ sealmeter command send out/prepaid top-up.cbor --hold-button`;

export function addCommandSend(group: Command): void {
  group
    .command("send")
    .description("power up the board of provision, send it a command or a signed tariff and see what it does")
    .argument("<dir>", "the folder of provision")
    .argument("<file>", "the document to send")
    .option("--advance <seconds>", "let the board live so long before", wholeNumber(0, ADVANCE_MAX_S), 0)
    .option("--hold-button", "after it a person holds the button that closes a load switch which is ready")
    .option("--json", "print the result as JSON")
    .addHelpText("after", EXAMPLES)
    .action(runSend);
}

/** What the board said of the document, and what else it sent after it. */
interface Answer {
  /** Nothing answers a tariff. */
  readonly outcome: Receipt | "offered";
  readonly events: readonly EventMessage[];
  readonly statements: readonly RegisterStatement[];
  readonly readings: number;
  readonly batches: number;
}

function runSend(directory: string, file: string, { advance, holdButton = false, json }: Options): void {
  const document = readFile(file, FILE_BYTES_MAX);
  const opened = openBench(directory);
  if (holdButton && !opened.board.supply)
    throw new UsageError(`${directory}: the board has no load switch to be closed by a button`);
  const bench = powerUp(directory, opened, advance);
  const before = bench.received.length;
  if (isOfType(document, "tariff-1")) bench.offer(document);
  else bench.handOver(document);
  if (holdButton) bench.holdButton();
  const answer = answerOf(document, bench.received.slice(before), opened);
  const [display, credit] = [bench.device.display(), bench.device.creditLines()];
  storeBench(directory, opened, bench);
  const { meterId } = opened.board;
  const { outcome, events, statements, ...counts } = answer;
  const time = utc(Math.floor(bench.clock.now_ms / 1000));
  const told = { events: events.map(eventJson), registers: statements, ...counts };
  const result = { meterId, outcome, digest: toHex(digest(document)), time, sent: told, display, credit };
  print(json, result, linesOf(answer, opened, [...display, ...credit]));
  if (outcome === "refused" || outcome === "unanswered")
    process.exitCode = report(new VerificationError(`${file}: ${REASONS[outcome]}`));
}

const REASONS: Readonly<Record<Exclude<Receipt, "accepted">, string>> = {
  refused: "the meter refuses it: its kind, sender, counter or time does not count",
  unanswered: "the meter says nothing of it: signed by no key that it knows, or too many today",
};

/** The board at rest, its clock confirmed, after `advance` seconds of life. */
function powerUp(directory: string, opened: OpenBench, advance: number): Bench {
  const bar = progressBar("meter");
  try {
    const bench = powerUpBench(directory, opened);
    bench.live(advance, bar.update);
    if (advance > 0) bench.settle();
    return bench;
  } finally {
    bar.stop();
  }
}

function answerOf(document: Uint8Array, sent: readonly Received[], { certificate }: OpenBench): Answer {
  const of = (topic: string) => sent.filter((received) => received.topic === topic);
  const events = of("event").map(({ message }) => decodeEvent(message));
  const statements = of("register").map(({ message }) =>
    verifyRegisterStatement(message, { certificate, revocation: null }),
  );
  return {
    outcome: isOfType(document, "tariff-1") ? "offered" : receiptOf(document, events),
    events,
    statements,
    readings: of("reading").length,
    batches: of("batch").length,
  };
}

const eventJson = ({ sequence, time_s, type, detail }: EventMessage) => ({
  sequence,
  time: time_s === null ? null : utc(time_s),
  type,
  name: eventName(type),
  detail: detail instanceof Uint8Array ? toHex(detail) : detail,
});

function linesOf(answer: Answer, { certificate }: OpenBench, shown: readonly string[]): string[] {
  const { outcome, events, statements, readings, batches } = answer;
  const sent = events.map(eventJson).map(({ time, type, name, detail }) => {
    const told = detail === null ? "" : ` ${typeof detail === "object" ? JSON.stringify(detail) : detail}`;
    return `  event ${type}, ${name}, ${time ?? "time unconfirmed"}${told}`;
  });
  for (const { interval, registers } of statements) {
    const values = registers.map((register, at) => `${certificate.channels[at]} ${kWh(register)}`);
    sent.push(`  registers at ${utc(interval * certificate.intervalSeconds)}: ${values.join(", ")}`);
  }
  if (readings > 0) sent.push(`  ${readings} readings`);
  if (batches > 0) sent.push(`  ${batches} batches`);
  return [
    outcome,
    sent.length > 0 ? "it sent" : "it sent nothing",
    ...sent,
    "it shows",
    ...shown.map((line) => `  ${line}`),
  ];
}
