// A demonstration board on a wall: the firmware's own two programs on a simulated chip, the installer's terminal,
// the counted meter's pulses, the access point, the broker and the head end behind it. A scenario says what
// differs and reads what arrived, as the customer would.

import { readFileSync } from "node:fs";
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import { TARIFF_SECTORS } from "../../firmware/tariff-store.js";
import { MJ_PER_KWH, pulseCalibration, pulseSource } from "../../host-sim/calibration.js";
import { VirtualClock } from "../../host-sim/clock.js";
import { Board, type BoardOptions } from "../../host-sim/ecma419/board.js";
import { Broker } from "../../host-sim/ecma419/broker.js";
import { bundle, readManifest } from "../../host-sim/ecma419/bundle.js";
import { NETWORK_MODULES, UNIT_MODULES } from "../../host-sim/ecma419/platform.js";
import { NorFlash } from "../../host-sim/flash.js";
import { HeadEnd } from "../../host-sim/head-end.js";
import { drawParties, type Enrolment, enrol, type Parties } from "../../host-sim/parties.js";
import { SeededEntropy } from "../../host-sim/ports.js";
import { SeededRandom } from "../../host-sim/seeded.js";
import { type CheckedMeter, checkMeter } from "../../src/customer/check.js";
import { decodeEvent, decodePairing, type EventMessage } from "../../src/customer/messages.js";
import { topicOf } from "../../src/meter/outbox.js";
import { makeTables } from "../../src/proofs/generators.js";
import { type Order, signCommand } from "../../src/supplier/command.js";
import type { Configuration } from "../../src/trusted/authority/configuration.js";
import { agree } from "../../src/trusted/authority/pairing.js";
import { asciiBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, int } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import type { Calibration } from "../../src/trusted/metrology/calibration.js";
import { customerKey, digest } from "../../src/trusted/sealing/keys.js";

export const METER_ID = "SM-0001";
/** 1 January 2026, 00:00 UTC. */
export const MIDNIGHT_S = 1_767_225_600;
export const HOUR_MS = 3_600_000;
export const HALF_HOUR_S = 1800;
export const PULSES_PER_KWH = 1000;
const pulses = (input: number) => pulseSource(input, MJ_PER_KWH, PULSES_PER_KWH);
export const BROKER = "broker.example";
export const BROKER_PORT = 8883;

export const unitProgram = { machine: "unit", entry: "firmware/unit.ts", modules: UNIT_MODULES };
export const networkProgram = { machine: "network", entry: "firmware/network.ts", modules: NETWORK_MODULES };
/** Built once a test file. */
const programs = Promise.all([bundle(unitProgram), bundle(networkProgram)]);
const tables = makeTables(4);
const [, watchdog_s = ""] =
  /^CONFIG_ESP_TASK_WDT_TIMEOUT_S=(\d+)$/m.exec(readFileSync("firmware/sdkconfig.defaults", "utf8")) ?? [];
/** Of the task watchdog, until the unit reports to it. */
export const WATCHDOG_MS = Number(watchdog_s) * 1000;
const authorityOfBroker = asciiBytes("DER of the broker's certificate authority");

export interface SiteOptions {
  readonly seed?: number;
  readonly mode?: "plain" | "encrypted";
  readonly chip?: BoardOptions["chip"];
  readonly config?: Readonly<Record<string, unknown>>;
  readonly intervalSeconds?: number;
  /** What the counts are worth, if not pulses of PULSES_PER_KWH at both inputs. */
  readonly calibration?: Calibration;
  /** False leaves the board blank, but powered. */
  readonly provisioned?: boolean;
}

const manifest = readManifest();
/** What every machine finds in ROM: the SDK's own preloads of the base manifest, and ours. */
const IN_ROM = ["Resource", "time", "timer", ...manifest.preload];
/** Beside the pins of the manifest: a second pulse input, and where the network is. */
const SITE_CONFIG = {
  exportPin: 5,
  ssid: "meters",
  password: "a long password",
  broker: BROKER,
  brokerUser: METER_ID,
  brokerPassword: "its password",
  timeServer: "time.example",
} as const;

/** The state is written this often at least, and a little more, s. */
const STATE_S = 310;
/** While long times pass each turn takes this, ms: far below the 3 s that the unit may go without a step. */
const LONG_TURN_MS = 1000;

export class Site {
  readonly parties: Parties;
  readonly configuration: Configuration;
  readonly clock = new VirtualClock((MIDNIGHT_S - 120) * 1000);
  readonly board: Board;
  readonly broker: Broker;
  readonly headEnd: HeadEnd;
  readonly journal: NorFlash;
  readonly secrets: NorFlash;
  readonly credit: NorFlash;
  readonly partitions: Map<string, NorFlash>;
  readonly softwareId = digest(asciiBytes("software of the demonstration board"));
  /** Pulses that each input has counted. */
  readonly pulses = [0, 0];
  readonly #random: SeededRandom;
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #entropy: SeededEntropy;
  #enrolment: Enrolment | null = null;
  /** Commands that the supplier has sent. */
  #orders = 0;
  /** While set, the chip's noise source is broken. */
  entropyFails = false;

  static async open(options: SiteOptions = {}): Promise<Site> {
    const [unit, network] = await programs;
    return new Site(options, unit, network);
  }

  private constructor(options: SiteOptions, unit: string, network: string) {
    const { seed = 1, mode = "encrypted", chip = "esp32" } = options;
    this.#config = {
      ...manifest.config,
      ...(chip === "esp32" ? {} : manifest.platforms[`esp32/${chip}`]?.config),
      ...SITE_CONFIG,
      ...options.config,
    };
    this.#random = new SeededRandom(seed);
    this.#entropy = new SeededEntropy(this.#random);
    this.parties = drawParties(this.#random);
    this.configuration = this.#configure(options);
    this.journal = new NorFlash({ sectors: 576, mode, random: this.#random.fork("journal") });
    this.secrets = new NorFlash({ sectors: 4, mode, random: this.#random.fork("secrets") });
    this.credit = new NorFlash({ sectors: TARIFF_SECTORS, mode, random: this.#random.fork("credit") });
    this.partitions = new Map([
      ["journal", this.journal],
      ["secrets", this.secrets],
      ["credit", this.credit],
    ]);
    this.board = new Board({
      clock: this.clock,
      chip,
      unitProgram: unit,
      networkPrograms: new Map([["network", network]]),
      partitions: this.partitions,
      resources: new Map([
        ["tableB.bin", tables.tableB],
        ["tableBlinding.bin", tables.tableBlinding],
        ["broker-ca.der", authorityOfBroker],
      ]),
      image: {
        softwareId: bytesToHex(this.softwareId),
        version: 1,
        authorityKey: bytesToHex(this.parties.authority.publicKey),
        tableWindow: tables.tableWindow,
        built_s: MIDNIGHT_S - 86_400,
      },
      config: this.#config,
      inRom: IN_ROM,
      queueLength: manifest.defines.task.queueLength,
      entropy: { fill: (into) => this.#fill(into) },
      watchdog_ms: WATCHDOG_MS,
    });
    this.broker = this.#makeBroker();
    this.headEnd = new HeadEnd({
      meterId: METER_ID,
      networkSeed: this.parties.network.seed,
      time_s: () => Math.floor(this.clock.now_ms / 1000),
      sendCommand: (document) => this.broker.publish(topicOf(METER_ID, "command"), document),
    });
    this.#connectWorld();
    this.board.powerUp();
    this.run(2);
    if (options.provisioned !== false) this.provision();
  }

  #configure({ intervalSeconds = HALF_HOUR_S, calibration }: SiteOptions): Configuration {
    const { supplier, network, aggregator } = this.parties;
    return {
      meterId: METER_ID,
      intervalSeconds,
      channels: ["1-0:1.8.0", "1-0:2.8.0"],
      maximum_Wh: Math.floor((230 * 100 * intervalSeconds) / 3600),
      elements: 1,
      nominal_V: 230,
      maximum_A: 100,
      minGroup: 10,
      revokedPeers: [],
      update: null,
      calibration: calibration ?? pulseCalibration(pulses(0), pulses(1)),
      supplier: supplier.publicKey,
      network: network.publicKey,
      aggregator: aggregator.publicKey,
    };
  }

  #makeBroker(): Broker {
    const identity = {
      authority: authorityOfBroker,
      notBefore_ms: (MIDNIGHT_S - 86_400) * 1000,
      notAfter_ms: (MIDNIGHT_S + 90 * 86_400) * 1000,
    };
    return new Broker({
      identity,
      scheduler: this.board.scheduler,
      user: SITE_CONFIG.brokerUser,
      password: SITE_CONFIG.brokerPassword,
      deliver: (topic, payload) => this.headEnd.deliver(topic, payload),
    });
  }

  #connectWorld(): void {
    const { internet } = this.board;
    internet.servers.set(`${BROKER}:${BROKER_PORT}`, this.broker);
    for (const name of [BROKER, SITE_CONFIG.timeServer]) internet.names.add(name);
    internet.timeServers.add(SITE_CONFIG.timeServer);
  }

  #fill(into: Uint8Array): void {
    if (this.entropyFails) throw new Error("no entropy");
    this.#entropy.fill(into);
  }

  #number(name: string): number {
    return Number(this.#config[name]);
  }

  get now_s(): number {
    return Math.floor(this.clock.now_ms / 1000);
  }

  get terminal() {
    return this.board.line(this.#number("localPort"));
  }

  get enrolment(): Enrolment {
    if (!this.#enrolment) throw new Error("the board is blank");
    return this.#enrolment;
  }

  /** Lets seconds pass with this power at each input, in pulses that come evenly, to the second. */
  run(seconds: number, ...power_W: readonly number[]): void {
    for (let passed = 0; passed < seconds; passed++) {
      power_W.forEach((watts, input) => {
        const pulses = (at_s: number) => Math.floor((watts * at_s * PULSES_PER_KWH) / 3_600_000);
        this.pulse(input, pulses(passed + 1) - pulses(passed));
      });
      this.everySecond();
      this.board.run(1000);
    }
  }

  /** What happens around the board meanwhile: a test's to say. */
  everySecond: () => void = () => {};

  /** The same in long turns, until so many seconds after the first midnight. */
  runUntil(after_s: number, ...power_W: readonly number[]): void {
    const { pace } = this.board;
    pace.turn_ms = LONG_TURN_MS;
    this.run(MIDNIGHT_S + after_s - this.now_s, ...power_W);
    pace.turn_ms = 1;
  }

  /** Gives pulses at once; those that nobody counts, the board being off, are not kept either. */
  pulse(input: number, pulses: number): void {
    const counted = this.board.pins.pulse(this.#number(input === 0 ? "importPin" : "exportPin"), pulses);
    if (counted) this.pulses[input] = (this.pulses[input] ?? 0) + pulses;
  }

  /** Closes the contact between an input's pin and ground, or opens it. */
  contact(setting: string, closed: boolean): void {
    this.board.pins.ground(this.#number(setting), closed);
  }

  press(): void {
    this.board.pins.close(this.#number("buttonPin"));
  }

  /** Sends a line at the local port. @returns the answer, within a minute. */
  ask(line: string): string {
    const before = this.terminal.answers.length;
    this.terminal.send(`${line}\r\n`);
    for (let waited = 0; waited < 60 && this.terminal.answers.length === before; waited++) this.run(1);
    return this.terminal.answers[before] ?? "no answer";
  }

  /** The meter's authority certifies the board on the bench. */
  provision(): void {
    const { parties, configuration, softwareId } = this;
    this.#enrolment = enrol(parties, this.#random, configuration, softwareId, this.now_s, (request) => {
      const answer = this.ask(`provision ${bytesToHex(request)}`);
      if (!answer.startsWith("ok ")) throw new Error(answer);
      return Uint8Array.from(Buffer.from(answer.slice(3), "hex"));
    });
  }

  /** Asks to pair with a customer's U, the window being open. */
  askToPair(user: Uint8Array): string {
    return this.ask(`pair ${bytesToHex(array(int(4), bstr(user)))}`);
  }

  /** The supplier sends a command, as its next one. */
  order(order: Order): void {
    const command = { ...order, meterId: METER_ID, counter: ++this.#orders, notAfter_s: this.now_s + 3600 };
    this.broker.publish(topicOf(METER_ID, "command"), signCommand(command, this.parties.supplier.seed));
  }

  /** What the meter shows now. */
  get display(): readonly string[] {
    const before = this.terminal.shown.length;
    this.ask("show");
    this.run(1);
    return this.terminal.shown.slice(before);
  }

  /** Lets everything that was counted become durable, and so be shown. */
  settle(): void {
    this.runUntil(this.now_s - MIDNIGHT_S + STATE_S);
  }

  /** The registers on the display, Wh. */
  get registers_Wh(): readonly number[] {
    const lines = this.display.filter((line) => line.endsWith("kWh"));
    return lines.map((line) => Math.round(1000 * Number(line.split(" ")[1])));
  }

  get events(): readonly EventMessage[] {
    return this.headEnd.messages("event").map(decodeEvent);
  }

  /** K of an epoch, as its customer derives it from the pairing that arrived. */
  K(epoch: number): Uint8Array {
    const documents = this.headEnd.messages("pairing");
    const pairings = documents.map((document) =>
      decodePairing(decodeSign1(document, "pairing-1", 512).payload),
    );
    const pairing = pairings.find((one) => one.epoch === epoch);
    if (!pairing) throw new Error(`no pairing of epoch ${epoch} arrived`);
    return customerKey(agree(this.parties.customer.secret, pairing.ephemeral), pairing);
  }

  /** The customer's whole check of what the head end has. Throws if it fails. */
  check(epoch = 0): CheckedMeter {
    const { headEnd } = this;
    const record = {
      certificate: this.enrolment.certificate,
      batches: headEnd.messages("batch"),
      readings: concatBytes(...headEnd.messages("reading")),
      events: concatBytes(...headEnd.messages("event")),
      pairings: headEnd.messages("pairing"),
    };
    const keys = { meterId: METER_ID, epoch, K: this.K(epoch) };
    return checkMeter(record, keys, this.parties.authority.publicKey);
  }
}
