// sealmeter firmware-provision: enrols a blank board over its local port (firmware/README.md), as the authority
// does on the bench: the board makes its keys, proves that it holds them, pairs for the first time and is
// certified. The parties' keys come from a seed, as those of `simulate` do: a demonstration's, nobody's secret.
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { MJ_PER_DM3, MJ_PER_KWH, pulseCalibration, pulseSource } from "../host-sim/calibration.js";
import { buildImage } from "../host-sim/image.js";
import { drawParties, type Enrolment, enrol, type Parties } from "../host-sim/parties.js";
import { SeededRandom } from "../host-sim/seeded.js";
import { EXPORT_OBIS, IMPORT_OBIS } from "../host-sim/trace.js";
import { decodePairing } from "../src/customer/messages.js";
import { verifySigned } from "../src/proofs/signed.js";
import { type Configuration, METER_ID } from "../src/trusted/authority/configuration.js";
import { agree } from "../src/trusted/authority/pairing.js";
import { bytesOf } from "../src/trusted/sealing/edwards.js";
import { customerKey } from "../src/trusted/sealing/keys.js";
import {
  FileMode,
  fromHex,
  print,
  systemReason,
  toHex,
  UsageError,
  wholeNumber,
  writeFile,
} from "./command-line.js";
import { assertNew, createDirectory, encodeCustomer } from "./meter-directory.js";

/** A board that computes keys answers within this many silences of READ_DECISECONDS each. */
const SILENCES_MAX = 12;
const READ_DECISECONDS = 50;
/** Reads of a line that never falls silent, at most. */
const READS_MAX = 10_000;
/** The board's UART holds 128 bytes and has no flow control: so many at once, then a pause. */
const PIECE_BYTES = 32;
const PAUSE_MS = 10;
/** Longest line of the local port, bytes, with room for what is no such line. */
const LINE_BYTES_MAX = 4_096;
/** Volume of gas, dm3 (IEC 62056-6-1). */
const GAS_OBIS = "7-0:3.0.0";
const [NOMINAL_V, MAXIMUM_A] = [230, 60];

interface Options {
  readonly port: string;
  readonly out: string;
  readonly meter: string;
  readonly channels: "import" | "both";
  readonly pulses: number;
  readonly gas?: number;
  readonly interval: "900" | "1800";
  readonly seed: number;
  readonly json?: boolean;
}

export function addFirmwareProvision(program: Command): void {
  program
    .command("firmware-provision")
    .description("enrol a blank board over its serial port, with a demonstration's keys")
    .requiredOption("--port <device>", "the board's serial port, such as /dev/ttyUSB0")
    .requiredOption("--out <dir>", "new folder for certificate, pairing and the parties' keys")
    .option("--meter <id>", "the meter's id", "SM-0001")
    .addOption(new Option("--channels <which>", "pulse inputs").choices(["import", "both"]).default("import"))
    .option("--pulses <n>", "pulses a kWh of the counted meter", wholeNumber(1, 1_000_000), 1000)
    .option("--gas <dm3>", "a last pulse input that counts gas, dm3 a pulse", wholeNumber(1, 100_000))
    .addOption(
      new Option("--interval <seconds>", "length of an interval").choices(["900", "1800"]).default("1800"),
    )
    .option("--seed <n>", "seed of the parties' keys, as of simulate", wholeNumber(0, 0xffffffff), 1)
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealmeter firmware-provision --port /dev/ttyUSB0 --out out/board --seed 7",
    )
    .action(provisionBoard);
}

function provisionBoard(options: Options): void {
  if (!METER_ID.test(options.meter)) throw new UsageError(`${options.meter}: no meter id`);
  assertNew(options.out);
  const random = new SeededRandom(options.seed).fork(options.meter);
  const parties = drawParties(random);
  const { softwareId } = buildImage(parties.authority.publicKey);
  const configuration = configurationOf(options, parties);
  const now_s = Math.floor(Date.now() / 1000);
  const enrolment = withPort(options.port, (ask) =>
    enrol(parties, random, configuration, softwareId, now_s, (request) => ask("provision", request)),
  );
  writeBoard(options, parties, enrolment);
  const { meter, out } = options;
  print(options.json, { meterId: meter, directory: out, signingKey: toHex(enrolment.signingKey) }, [
    `${meter} is provisioned; its signing key is ${toHex(enrolment.signingKey)}`,
    `in ${out}`,
  ]);
}

function configurationOf(
  { meter, channels, pulses, gas, interval }: Options,
  parties: Parties,
): Configuration {
  const intervalSeconds = Number(interval);
  const energy = channels === "both" ? [IMPORT_OBIS, EXPORT_OBIS] : [IMPORT_OBIS];
  const sources = energy.map((_, input) => pulseSource(input, MJ_PER_KWH, pulses));
  if (gas !== undefined) sources.push(pulseSource(energy.length, gas * MJ_PER_DM3, 1));
  return {
    meterId: meter,
    intervalSeconds,
    channels: gas === undefined ? energy : [...energy, GAS_OBIS],
    maximum_Wh: Math.floor((NOMINAL_V * MAXIMUM_A * intervalSeconds) / 3600),
    elements: 1,
    nominal_V: NOMINAL_V,
    maximum_A: MAXIMUM_A,
    supplier: parties.supplier.publicKey,
    network: parties.network.publicKey,
    aggregator: parties.aggregator.publicKey,
    minGroup: 10,
    revokedPeers: [],
    update: null,
    calibration: pulseCalibration(...sources),
  };
}

function writeBoard({ out, meter }: Options, parties: Parties, enrolment: Enrolment): void {
  const { secret, user } = parties.customer;
  const { epoch, ephemeral } = decodePairing(
    verifySigned("pairing-1", enrolment.pairing, enrolment.signingKey, 512),
  );
  const K = customerKey(agree(secret, ephemeral), { meterId: meter, epoch, user, ephemeral });
  const customer = encodeCustomer({ meterId: meter, epoch, K, user, userSecret: bytesOf(secret) });
  createDirectory(out, (partial) => {
    writeFile(join(partial, meter, "certificate.cbor"), enrolment.certificate);
    writeFile(join(partial, meter, "pairing-00000.cbor"), enrolment.pairing);
    writeFile(join(partial, "authority.pub"), `${toHex(parties.authority.publicKey)}\n`);
    for (const name of ["supplier", "network"] as const) {
      writeFile(join(partial, `${name}.pub`), `${toHex(parties[name].publicKey)}\n`);
      writeFile(join(partial, `${name}.key`), `${toHex(parties[name].seed)}\n`, FileMode.SECRET);
    }
    writeFile(join(partial, "customer", `${meter}.json`), customer, FileMode.SECRET);
  });
}

/** One word and its argument to the board. @returns the argument of its `ok`. @throws UsageError. */
type Ask = (word: string, argument: Uint8Array) => Uint8Array;

/** Opens the serial line, 115,200 baud, raw, for as long as the work takes. */
function withPort<T>(port: string, work: (ask: Ask) => T): T {
  const settings = ["115200", "raw", "-echo", "-crtscts", "min", "0", "time", `${READ_DECISECONDS}`];
  const flag = process.platform === "darwin" ? "-f" : "-F";
  const { status } = spawnSync("stty", [flag, port, ...settings], { encoding: "utf8" });
  if (status !== 0)
    throw new UsageError(`${port}: not a serial port that can be set (plugged in? group dialout?)`);
  const line = openPort(port);
  try {
    return work((word, argument) => {
      send(line, `\n${word} ${toHex(argument)}\n`);
      return answerOf(port, line);
    });
  } finally {
    closeSync(line);
  }
}

function openPort(port: string): number {
  try {
    return openSync(port, constants.O_RDWR | constants.O_NOCTTY);
  } catch (error) {
    throw new UsageError(`${port}: cannot be opened (${systemReason(error)})`);
  }
}

function send(line: number, text: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let at = 0; at < text.length; at += PIECE_BYTES) {
    writeSync(line, text.slice(at, at + PIECE_BYTES));
    Atomics.wait(pause, 0, 0, PAUSE_MS);
  }
}

/** The next line that is for programs; those that begin with # are for people. */
function answerOf(port: string, line: number): Uint8Array {
  const buffer = new Uint8Array(LINE_BYTES_MAX);
  let waiting = "";
  for (let reads = 0, silences = 0; reads < READS_MAX && silences < SILENCES_MAX; reads++) {
    const length = readSync(line, buffer);
    if (length === 0) silences++;
    const lines = `${waiting}${Buffer.from(buffer.subarray(0, length)).toString("latin1")}`.split("\n");
    waiting = (lines.pop() ?? "").slice(-LINE_BYTES_MAX);
    for (const text of lines) {
      const [, hex, reason] = /^ok ([0-9a-f]+)\r?$|^refused (.*?)\r?$/.exec(text) ?? [];
      if (reason !== undefined) throw new UsageError(`${port}: the board refuses: ${reason}`);
      if (hex !== undefined) return fromHex(hex);
    }
  }
  throw new UsageError(`${port}: the board does not answer (is it flashed, and is this its port?)`);
}
