// sealmeter gateway: a home gateway at a meter's local stream. It shows readings as they come, says when the meter has
// sealed them, and keeps them as a folder that `sealmeter check` reads; or pairs a new key through it. The certificate
// is given, never heard: it is what ties the stream to a meter.
import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { type Command, InvalidArgumentError } from "commander";
import { Gateway, type GatewayNews } from "../src/customer/gateway.js";
import { pairingRequest } from "../src/meter/local-frames.js";
import { verifyCertificate } from "../src/proofs/certificate.js";
import { VerificationError } from "../src/proofs/signed.js";
import type { Certificate } from "../src/trusted/authority/certificate.js";
import { agree, randomScalar } from "../src/trusted/authority/pairing.js";
import { sameBytes } from "../src/trusted/encoding/bytes.js";
import { bytesOf } from "../src/trusted/sealing/edwards.js";
import { encodeRistretto } from "../src/trusted/sealing/encodings.js";
import { customerKey, digest } from "../src/trusted/sealing/keys.js";
import {
  FileMode,
  fromHex,
  inFile,
  kWh,
  print,
  readFile,
  readHexKey,
  readJson,
  systemReason,
  toHex,
  UsageError,
  utc,
  wholeNumber,
  writeFile,
} from "./command-line.js";
import { entropy } from "./entropy.js";
import { eventName } from "./event-names.js";
import { encodeCustomer, readCustomer, readMeter, writeMeter } from "./meter-directory.js";

interface Options {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
  readonly pair?: true;
  readonly out?: string;
  readonly for?: number;
  readonly json?: true;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const SECONDS_MAX = 31_536_000;
/** Between two requests to pair; the meter passes four a minute on. */
const ASK_AGAIN_MS = 20_000;
const BAR_WIDTH = 24;

const EXAMPLES = `
Examples:
  $ sealmeter gateway meter.local:6419 --key customer.json --certificate certificate.cbor --authority authority.pub
  $ sealmeter gateway meter.local:6419 --pair --key new.json --certificate certificate.cbor --authority authority.pub`;

export function addGateway(program: Command): void {
  program
    .command("gateway")
    .description(
      "as the customer: readings from the meter's local port as they come, or a new pairing through it",
    )
    .argument("<host:port>", "the meter in the home's network", address)
    .requiredOption("--key <file>", "the customer's file; with --pair it is made")
    .requiredOption("--certificate <file>", "the meter's certificate")
    .requiredOption("--authority <file>", "the authority's public key")
    .option("--pair", "ask the meter to pair with a new key")
    .option("--out <dir>", "keep what comes in DIR/<meterId>, for `sealmeter check`")
    .option("--for <seconds>", "end after so long (default: never)", wholeNumber(1, SECONDS_MAX))
    .option("--json", "print the result as JSON, at the end")
    .addHelpText("after", EXAMPLES)
    .action(runGateway);
}

function address(text: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new InvalidArgumentError("expected HOST:PORT.");
  return { host, port: Number(port) };
}

async function runGateway(at: Address, options: Options): Promise<void> {
  const document = readFile(options.certificate);
  const authorityKey = readHexKey(options.authority);
  const certificate = inFile(options.certificate, () => verifyCertificate(document, authorityKey));
  if (options.pair) await pair(at, certificate, options);
  else await listen(at, certificate, document, options);
}

/** What a conversation with the meter does with its news; true ends it. */
type Hear = (news: GatewayNews, socket: Socket) => boolean;

/**
 * Hears a meter until `hear` has enough or the time is over.
 * @returns whether `hear` ended it.
 * @throws UsageError when there is no connection, or the meter ends it; FormatError for what no meter sends.
 */
function converse(
  { host, port }: Address,
  gateway: Gateway,
  { seconds, begin, hear }: { seconds: number | undefined; begin: (socket: Socket) => void; hear: Hear },
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => begin(socket));
    const timer = seconds === undefined ? null : setTimeout(() => end(() => resolve(false)), seconds * 1000);
    const end = (settle: () => void) => {
      if (timer) clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => {});
      socket.destroy();
      settle();
    };
    socket.on("data", (bytes) => {
      try {
        if (gateway.hear(bytes).some((news) => hear(news, socket))) end(() => resolve(true));
      } catch (error) {
        end(() => reject(error));
      }
    });
    const fail = (why: string) => end(() => reject(new UsageError(`${host}:${port}: ${why}`)));
    socket.on("error", (error) => fail(`no connection (${systemReason(error)})`));
    socket.on("close", () => fail("the meter ended the connection"));
  });
}

async function listen(
  at: Address,
  certificate: Certificate,
  document: Uint8Array,
  options: Options,
): Promise<void> {
  const { meterId } = certificate;
  const keys = readCustomer(options.key);
  if (keys.meterId !== meterId)
    throw new UsageError(`${options.key}: of ${keys.meterId}, the certificate of ${meterId}`);
  const gateway = new Gateway({ certificate, revocation: null }, keys);
  const folder = options.out === undefined ? null : join(options.out, meterId);
  if (folder && existsSync(join(folder, "readings.cbor"))) gateway.remember(readMeter(folder));
  const told = new Teller(certificate, options.json ?? false);
  await converse(at, gateway, {
    seconds: options.for,
    begin: () => {},
    hear: (news) => {
      told.tell(news);
      if (options.out !== undefined && (news.kind === "sealed" || news.kind === "paired"))
        writeMeter(options.out, meterId, gateway.record(document));
      return false;
    },
  }).finally(() => {
    if (options.out !== undefined) writeMeter(options.out, meterId, gateway.record(document));
  });
  if (options.json) print(true, told.result, []);
}

/** News in lines for people, and all of them as a value for machines. */
class Teller {
  readonly #certificate: Certificate;
  readonly #isQuiet: boolean;
  #largest_Wh = 1;
  readonly #readings: object[] = [];
  readonly #sealed: number[] = [];
  readonly #unproved: string[] = [];
  #status: object | null = null;
  #shown = "";

  constructor(certificate: Certificate, isQuiet: boolean) {
    this.#certificate = certificate;
    this.#isQuiet = isQuiet;
  }

  get result() {
    return {
      meterId: this.#certificate.meterId,
      status: this.#status,
      readings: this.#readings,
      sealedBatches: this.#sealed,
      unproved: this.#unproved,
    };
  }

  tell(news: GatewayNews): void {
    const line = this.#line(news);
    if (line !== null && !this.#isQuiet) process.stdout.write(`${line}\n`);
  }

  #line(news: GatewayNews): string | null {
    if (news.kind === "status") return this.#statusLine(news);
    if (news.kind === "reading") return this.#readingLine(news);
    if (news.kind === "sealed") {
      const { batchNumber, firstInterval, intervalCount } = news.statement;
      this.#sealed.push(batchNumber);
      return `${this.#time(firstInterval)}  batch ${batchNumber}: ${intervalCount} intervals are as the meter has sealed them`;
    }
    if (news.kind === "unproved") {
      this.#unproved.push(news.reason);
      return `unproved: ${news.reason}`;
    }
    if (news.kind === "event") return `event ${news.event.sequence}: ${eventName(news.event.type)}`;
    return news.kind === "paired"
      ? `epoch ${news.pairing.epoch} from ${this.#time(news.pairing.firstInterval)}`
      : null;
  }

  /** A status that says nothing new is not shown. */
  #statusLine({ status }: Extract<GatewayNews, { kind: "status" }>): string | null {
    this.#status = status;
    const { meterId, connected, waiting, loadSwitch } = status;
    const state = loadSwitch === null ? "" : `, load switch ${["open", "ready", "closed"][loadSwitch]}`;
    const shown = `${meterId}: ${connected ? "connected" : "not connected"}, ${waiting} messages wait${state}`;
    if (shown === this.#shown) return null;
    this.#shown = shown;
    return shown;
  }

  #readingLine({
    opened: { interval, status, readings },
  }: Extract<GatewayNews, { kind: "reading" }>): string {
    const start = this.#time(interval);
    this.#readings.push({ start, interval, status, readings });
    const [first = 0] = readings;
    this.#largest_Wh = Math.max(this.#largest_Wh, first);
    const bar = "#".repeat(Math.round((BAR_WIDTH * first) / this.#largest_Wh)).padEnd(BAR_WIDTH);
    const values = readings.map((Wh, at) => `${this.#certificate.channels[at]} ${kWh(Wh)} kWh`).join("  ");
    return `${start}  ${bar}  ${values}${status === 0 ? "" : `  status ${status}`}`;
  }

  #time(interval: number): string {
    return utc(interval * this.#certificate.intervalSeconds);
  }
}

interface OwnKey {
  readonly secret: bigint;
  readonly user: Uint8Array;
}

/** The key in a file that no pairing has completed yet, or a new one, which is in its file before it is used. */
function pendingKey(path: string): OwnKey {
  if (!existsSync(path)) {
    const secret = randomScalar({ fill: (into) => into.set(entropy(into.length)) });
    const user = encodeRistretto(ed25519.Point.BASE.multiply(secret));
    const fields = { U: toHex(user), u: toHex(bytesOf(secret)) };
    writeFile(path, `${JSON.stringify(fields, null, 2)}\n`, FileMode.SECRET);
    return { secret, user };
  }
  const parsed = readJson(path);
  const fields: Record<string, unknown> = typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  const { K, u } = fields;
  if (K !== undefined) throw new UsageError(`${path}: is paired already`);
  if (typeof u !== "string" || !/^[0-9a-f]{64}$/.test(u))
    throw new UsageError(`${path}: "u" is not 32 bytes in lower-case hex`);
  const secret = bytesToNumberLE(fromHex(u));
  if (secret === 0n || secret >= ed25519.Point.Fn.ORDER)
    throw new UsageError(`${path}: "u" is no scalar from 1 to l - 1`);
  return { secret, user: encodeRistretto(ed25519.Point.BASE.multiply(secret)) };
}

async function pair(at: Address, certificate: Certificate, options: Options): Promise<void> {
  const { secret, user } = pendingKey(options.key);
  const { meterId } = certificate;
  const shown = toHex(digest(user).slice(0, 8));
  const say = (line: string) => void (options.json || process.stdout.write(`${line}\n`));
  say(`press the button of ${meterId}; when it shows ${shown}, and only then, press it again`);
  const request = pairingRequest(user);
  let again: NodeJS.Timeout | undefined;
  let epoch: number | null = null;
  const hear: Hear = (news, socket) => {
    if (news.kind === "pairing answer" && news.taken) say(`the meter has the key: compare ${shown}`);
    if (news.kind === "pairing answer" && !news.taken)
      again = setTimeout(() => socket.write(request), ASK_AGAIN_MS);
    if (news.kind !== "paired" || !sameBytes(news.pairing.user, user)) return false;
    const K = customerKey(agree(secret, news.pairing.ephemeral), news.pairing);
    epoch = news.pairing.epoch;
    const keys = { meterId, epoch, K, user, userSecret: bytesOf(secret), role: certificate.role };
    writeFile(options.key, encodeCustomer(keys), FileMode.SECRET);
    return true;
  };
  const gateway = new Gateway({ certificate, revocation: null }, null);
  const begin = (socket: Socket) => void socket.write(request);
  const done = await converse(at, gateway, { seconds: options.for, begin, hear }).finally(() =>
    clearTimeout(again),
  );
  if (!done) throw new VerificationError(`${meterId} has not paired within ${options.for} s`);
  print(options.json, { meterId, epoch, shown }, [`paired: epoch ${epoch}, kept in ${options.key}`]);
}
