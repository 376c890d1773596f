// A provisioned metrology unit on a test bench: small flash, no network side, and every port in the test's
// hand. A scenario says what differs (energy, power cuts, the button, what is answered and when) and reads
// what the unit gave, decrypted.
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import { VirtualClock } from "../host-sim/clock.js";
import { NorFlash } from "../host-sim/flash.js";
import { drawParties, type Enrolment, enrol, type Parties, type Signer } from "../host-sim/parties.js";
import { MemorySecretStore, ScriptedButton, SeededEntropy } from "../host-sim/ports.js";
import { SeededRandom } from "../host-sim/seeded.js";
import { type CheckedMeter, checkMeter } from "../src/customer/check.js";
import { decodeEvent, decodePairing, decodeReading, type EventMessage } from "../src/customer/messages.js";
import { decodeStatement } from "../src/proofs/batch.js";
import { makeTables } from "../src/proofs/generators.js";
import { signWithKey } from "../src/proofs/signed.js";
import { type Certificate, readCertificate } from "../src/trusted/authority/certificate.js";
import { type Configuration, decodeConfiguration } from "../src/trusted/authority/configuration.js";
import { agree } from "../src/trusted/authority/pairing.js";
import { asciiBytes, readUint } from "../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, NIL, tstr } from "../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../src/trusted/encoding/cose.js";
import { Journal } from "../src/trusted/journal/journal.js";
import type { MeterState } from "../src/trusted/journal/state.js";
import { dayOf, intervalAt } from "../src/trusted/metrology/interval.js";
import type { Entropy, Flash, FrontEnd, Image, Ports } from "../src/trusted/ports.js";
import type { BatchStatement } from "../src/trusted/sealing/batch.js";
import { customerKey, dayKey, digest, ReadingKeys } from "../src/trusted/sealing/keys.js";
import { MetrologyUnit, provision } from "../src/trusted/unit.js";

export const METER_ID = "SM-0001";
/** 1 July 2011, 00:00 UTC: the worked example's first day. */
export const MIDNIGHT_S = 1_309_478_400;
export const DAY_S = 86_400;
export const HALF_HOUR_S = 1800;
export const MJ_PER_WH = 3_600_000;

const tables = makeTables(4);

/** An image without the bundling: its software identity is made up. */
export const benchImage = (authorityKey: Uint8Array): Image => ({
  softwareId: digest(asciiBytes("bench software")),
  version: 1,
  authorityKey,
  ...tables,
});

export interface BenchOptions {
  readonly seed?: number;
  readonly sectors?: number;
  readonly mode?: "plain" | "encrypted";
  /** Unix time of provisioning, s: by default a minute before midnight. */
  readonly provisioned_s?: number;
  readonly configuration?: Partial<Configuration>;
  readonly entropy?: Entropy;
  readonly image?: Image;
  /** Parties that are not drawn from the seed. */
  readonly parties?: Partial<Parties>;
  /** False leaves the unit blank and unpowered. */
  readonly provisioned?: boolean;
  /** What a device may have besides. */
  readonly devices?: Partial<Ports>;
}

export interface Message {
  readonly kind: number;
  readonly sequence: number;
  readonly message: Uint8Array;
}

export interface Share {
  readonly interval: number;
  readonly rosterNumber: number;
  readonly message: Uint8Array;
}

export interface OpenedReading {
  readonly interval: number;
  readonly epoch: number;
  readonly status: number;
  readonly readings: readonly number[];
}

/** What a time answer says; by default what an honest network operator would. */
export interface Answer {
  readonly by?: keyof Omit<Parties, "customer">;
  readonly unix_s?: number;
  readonly nonce?: Uint8Array;
  readonly meterId?: string;
  readonly kind?: number;
  readonly counter?: number;
  readonly notAfter?: Uint8Array;
}

/** A command to sign: the first of its signer's, unless another counter is said. */
export interface Order extends Omit<Answer, "unix_s" | "nonce"> {
  readonly by: keyof Omit<Parties, "customer">;
  readonly kind: number;
  /** Encoded CBOR. */
  readonly argument?: Uint8Array;
}

/** Energy that a test feeds in, handed out at the next read; status stays until it is changed. */
class FedEnergy implements FrontEnd {
  readonly #zeros: readonly number[];
  waiting_mJ: readonly number[];
  status = 0;

  constructor(channels: number) {
    this.#zeros = new Array<number>(channels).fill(0);
    this.waiting_mJ = this.#zeros;
  }

  /** What was fed and not read goes with the power. */
  powerUp(): void {
    this.waiting_mJ = this.#zeros;
  }

  read() {
    const energy_mJ = this.waiting_mJ;
    this.waiting_mJ = this.#zeros;
    return { counts: energy_mJ, status: this.status };
  }
}

export class BenchMeter {
  readonly parties: Parties;
  image: Image;
  readonly flash: NorFlash;
  readonly configuration: Configuration;
  readonly button = new ScriptedButton();
  readonly energy: FedEnergy;
  clock: VirtualClock;
  messages: Message[] = [];
  /** Shares in the order in which they were given. */
  shares: Share[] = [];
  secrets: MemorySecretStore;
  /** What the unit writes to from the next boot on: a test may put itself between. */
  port: Flash;
  /** The ports that not every device has, and other software: from the next boot on. */
  devices: Partial<Ports>;
  /** Whether `run` takes what the unit gives, and whether each message is acknowledged when it is taken. */
  takes = true;
  acknowledges = true;
  /** The last nonce that the unit has asked the time with. */
  nonce: Uint8Array | null = null;
  #entropy: Entropy;
  #unit: MetrologyUnit | null = null;
  #booted_ms = 0;
  #enrolment: Enrolment | null = null;
  readonly #random: SeededRandom;
  /** Answers that were signed, and each K by its pairing: a scenario that is played often asks for the same. */
  readonly #signed = new Map<string, Uint8Array>();
  readonly #keys = new Map<string, Uint8Array>();

  constructor(options: BenchOptions = {}) {
    const { seed = 1, sectors = 16, mode = "encrypted", provisioned_s = MIDNIGHT_S - 60 } = options;
    this.#random = new SeededRandom(seed);
    this.parties = { ...drawParties(this.#random), ...options.parties };
    this.image = options.image ?? benchImage(this.parties.authority.publicKey);
    this.flash = new NorFlash({ sectors, mode, random: this.#random.fork("flash") });
    this.port = this.flash;
    this.devices = options.devices ?? {};
    this.secrets = new MemorySecretStore(this.#random);
    this.#entropy = options.entropy ?? new SeededEntropy(this.#random);
    this.clock = new VirtualClock(provisioned_s * 1000);
    this.configuration = this.#configure(options.configuration);
    this.energy = new FedEnergy(this.configuration.channels.length);
    if (options.provisioned === false) return;
    this.provision();
    this.boot();
  }

  #configure(changes: Partial<Configuration> = {}): Configuration {
    const { supplier, network, aggregator } = this.parties;
    const anchors = {
      supplier: supplier.publicKey,
      network: network.publicKey,
      aggregator: aggregator.publicKey,
    };
    const [intervalSeconds, maximum_Wh] = [HALF_HOUR_S, 5000];
    const rating = { elements: 1, nominal_V: 230, maximum_A: 100, minGroup: 10 };
    const channels = ["1-0:1.8.0", "1-0:2.8.0"];
    const later = { revokedPeers: [], update: null, calibration: null };
    const fixed = { meterId: METER_ID, intervalSeconds, channels, maximum_Wh };
    return { ...fixed, ...rating, ...anchors, ...later, ...changes };
  }

  get ports(): Ports {
    const { image, port: flash, secrets, energy, button } = this;
    return { image, flash, secrets, entropy: this.#entropy, energy, button, ...this.devices };
  }

  get unit(): MetrologyUnit {
    if (!this.#unit) throw new Error("the bench meter is not powered");
    return this.#unit;
  }

  get uptime_ms(): number {
    return this.clock.now_ms - this.#booted_ms;
  }

  get now_s(): number {
    return Math.floor(this.clock.now_ms / 1000);
  }

  /** The interval of true time. */
  get interval(): number {
    return intervalAt(this.now_s, this.configuration.intervalSeconds);
  }

  provision(): void {
    const { parties, configuration, image } = this;
    this.#enrolment = enrol(parties, this.#random, configuration, image.softwareId, this.now_s, (request) =>
      provision(this.ports, request),
    );
  }

  get enrolment(): Enrolment {
    if (!this.#enrolment) throw new Error("the bench meter is not provisioned");
    return this.#enrolment;
  }

  /** What the authority has certified of the meter. */
  get certificate(): Certificate {
    return readCertificate(decodeSign1(this.enrolment.certificate, "certificate-1", 512).payload);
  }

  /** Whatever was in RAM is gone, and what waited in the front end; then the power is back. */
  cutPower(): void {
    this.#unit = null;
    this.nonce = null;
    this.flash.powerUp();
    this.secrets.powerUp();
    this.energy.powerUp();
  }

  /** Boots the unit, after a power cut if it is running. */
  boot(): void {
    if (this.#unit) this.cutPower();
    this.#booted_ms = this.clock.now_ms;
    this.#unit = new MetrologyUnit(this.ports);
  }

  /** Steps until there is nothing to do. */
  run(): void {
    let busy = true;
    for (let steps = 0; busy && steps < 10_000; steps++) {
      busy = this.unit.step(this.uptime_ms);
      if (this.takes && this.takeAll() && this.acknowledges) busy = true;
    }
    if (busy) throw new Error("the unit does not come to rest");
  }

  /** Takes what the unit has to give. @returns whether there was any message. */
  takeAll(): boolean {
    const before = this.messages.length + this.shares.length;
    for (let frame = this.unit.take(this.uptime_ms); frame; frame = this.unit.take(this.uptime_ms)) {
      const reader = new CborReader(frame, "frame");
      reader.array(3);
      const kind = reader.uint(7);
      if (kind === 7) {
        this.nonce = reader.bytes(16);
        continue;
      }
      if (kind === 2) {
        this.#takeShare(reader);
        continue;
      }
      const sequence = reader.uint(0xffffffff);
      this.messages.push({ kind, sequence, message: reader.bytes(1, 4096) });
      if (this.acknowledges) this.#deliver(acknowledgement(kind, sequence));
    }
    return this.messages.length + this.shares.length > before;
  }

  #takeShare(reader: CborReader): void {
    reader.array(2);
    const [interval, rosterNumber] = [reader.uint(0xffffffff), reader.uint(0xffffffff)];
    this.shares.push({ interval, rosterNumber, message: reader.bytes(1, 4096) });
    const sequence = array(int(interval), int(rosterNumber));
    if (this.acknowledges) this.#deliver(array(int(1), int(2), sequence));
  }

  #deliver(frame: Uint8Array): void {
    while (!this.unit.receive(this.uptime_ms, frame)) this.unit.step(this.uptime_ms);
  }

  /** Lets the unit take a message from the network and do what it makes of it. */
  receive(frame: Uint8Array): void {
    this.#deliver(frame);
    this.run();
  }

  /** What outlives a power cut, and the bench's own notes. The unit is to be booted after `restore`. */
  save(): () => void {
    const [flash, secrets] = [this.flash.snapshot(), this.secrets.load()];
    const [now_ms, messages, enrolment] = [this.clock.now_ms, [...this.messages], this.#enrolment];
    const shares = [...this.shares];
    return () => {
      this.cutPower();
      this.flash.restore(flash);
      this.secrets = new MemorySecretStore(this.#random);
      if (secrets) this.secrets.save(secrets);
      this.#entropy = new SeededEntropy(this.#random);
      this.clock = new VirtualClock(now_ms);
      this.messages = [...messages];
      this.shares = [...shares];
      this.#enrolment = enrolment;
    };
  }

  /** Adds energy to what the front end will report next, by channel. */
  feed(...energy_mJ: readonly number[]): void {
    this.energy.waiting_mJ = this.energy.waiting_mJ.map((waiting, at) => waiting + (energy_mJ[at] ?? 0));
  }

  /** Lets time pass with this mean power by channel, stepping at whole multiples of `every_s`. */
  pass(seconds: number, power_W: readonly number[] = [], every_s = 300): void {
    for (let left = seconds, step_s = 0; left > 0; left -= step_s) {
      step_s = Math.min(left, every_s - (this.now_s % every_s));
      this.clock.advance(step_s * 1000);
      this.feed(...power_W.map((watts) => watts * step_s * 1000));
      this.run();
    }
  }

  /** Passes until this time after midnight of the first day, s. */
  passUntil(after_s: number, power_W: readonly number[] = [], every_s = 300): void {
    this.pass(MIDNIGHT_S + after_s - this.now_s, power_W, every_s);
  }

  /** The frame of an answer to the meter's request for the time, with these changes. */
  answer(changes: Answer = {}): Uint8Array {
    const { by = "network", unix_s = this.now_s, nonce = this.nonce ?? new Uint8Array(16) } = changes;
    return this.command({ kind: 1, counter: 0, ...changes, by, argument: array(bstr(nonce), int(unix_s)) });
  }

  /** The frame of a signed command; by default it is this meter's next of the signer's. */
  command({ by, kind, argument = NIL, ...changes }: Order): Uint8Array {
    const { meterId = METER_ID, counter = 1, notAfter = NIL } = changes;
    const payload = map([1, tstr(meterId)], [2, int(counter)], [3, notAfter], [4, int(kind)], [5, argument]);
    const name = `${by} ${bytesToHex(payload)}`;
    const { seed }: Signer = this.parties[by];
    const document = this.#signed.get(name) ?? signWithKey("command-1", payload, seed);
    this.#signed.set(name, document);
    return array(int(3), bstr(document));
  }

  /** Has the unit's request for the time answered. */
  confirm(changes: Answer = {}): void {
    this.run();
    this.receive(this.answer(changes));
  }

  /** State and configuration as a boot would find them now. The flash stays as it is. */
  get stored(): { readonly state: MeterState; readonly configuration: Configuration } {
    const cells = this.flash.snapshot();
    const journal = new Journal(this.flash);
    if (!journal.recover()) throw new Error("the bench meter is not provisioned");
    const stored = { state: journal.state, configuration: decodeConfiguration(journal.configuration()) };
    this.flash.restore(cells);
    return stored;
  }

  /** Presses the button, asks to pair with U, presses again. */
  pair(user: Uint8Array = this.parties.customer.user): void {
    this.button.press();
    this.run();
    if (!this.unit.receiveLocal(array(int(4), bstr(user)))) throw new Error("the window is closed");
    this.button.press();
    this.run();
  }

  /** The registers on the display, Wh. */
  get shown_Wh(): readonly number[] {
    const lines = this.unit.display(this.uptime_ms).slice(2, 2 + this.configuration.channels.length);
    return lines.map((line) => Math.round(1000 * Number(line.split(" ")[1])));
  }

  /** Messages refused since power-up, as the display tells. */
  get refused(): number {
    const line = this.unit.display(this.uptime_ms).find((text) => text.endsWith("messages refused"));
    return Number(line?.split(" ")[0] ?? 0);
  }

  /** Messages of a kind, each sequence once, by rising sequence. */
  kept(kind: number): readonly Uint8Array[] {
    const kept = new Map<number, Uint8Array>();
    for (const one of this.messages) {
      if (one.kind === kind && !kept.has(one.sequence)) kept.set(one.sequence, one.message);
    }
    return [...kept].sort(([a], [b]) => a - b).map(([, message]) => message);
  }

  get events(): readonly EventMessage[] {
    return this.kept(4).map(decodeEvent);
  }

  /** The types of all events so far, in order. */
  get eventTypes(): readonly number[] {
    return this.events.map(({ type }) => type);
  }

  get batches(): readonly BatchStatement[] {
    return this.kept(3).map((document) => decodeStatement(decodeSign1(document, "batch-1", 1024).payload));
  }

  /** K of an epoch, as its customer derives it from the pairing. */
  K(epoch: number): Uint8Array {
    for (const document of this.kept(5)) {
      const pairing = decodePairing(decodeSign1(document, "pairing-1", 512).payload);
      if (pairing.epoch !== epoch) continue;
      const name = bytesToHex(document);
      const { secret } = this.parties.customer;
      const key = this.#keys.get(name) ?? customerKey(agree(secret, pairing.ephemeral), pairing);
      this.#keys.set(name, key);
      return key;
    }
    throw new Error(`no pairing of epoch ${epoch} was given`);
  }

  /** The readings given so far, decrypted. */
  get readings(): readonly OpenedReading[] {
    return this.kept(1).map((message) => {
      const { interval, epoch, status, padded } = decodeReading(message);
      const day = dayOf(interval, this.configuration.intervalSeconds);
      const keys = new ReadingKeys(dayKey(this.K(epoch), day));
      const readings = this.configuration.channels.map((_, channel) => {
        const mask = readUint(keys.pad(channel, interval), 0, 4);
        return (readUint(padded, 4 * channel, 4) ^ mask) >>> 0;
      });
      return { interval, epoch, status, readings };
    });
  }

  /** The sum of all readings of a channel, Wh. */
  total_Wh(channel = 0): number {
    return this.readings.reduce((sum, { readings }) => sum + (readings[channel] ?? 0), 0);
  }

  /** The customer's whole check: signatures, chains, every commitment of the epoch. Throws if it fails. */
  check(epoch = 0): CheckedMeter {
    const record = {
      certificate: this.enrolment.certificate,
      batches: this.kept(3),
      readings: concatBytes(...this.kept(1)),
      events: concatBytes(...this.kept(4)),
      pairings: this.kept(5),
    };
    const keys = { meterId: METER_ID, epoch, K: this.K(epoch) };
    return checkMeter(record, keys, this.parties.authority.publicKey);
  }
}

export const acknowledgement = (kind: number, sequence: number) => array(int(1), int(kind), int(sequence));
export const sendAgain = (kind: number, first: number, last: number) =>
  array(int(2), int(kind), int(first), int(last));

/** Entropy that hands out these bytes in order, and fails when they are used up. */
export function scriptedEntropy(...draws: readonly Uint8Array[]): Entropy {
  const left = [...draws];
  return {
    fill(into) {
      const next = left.shift();
      if (next?.length !== into.length) throw new Error(`${into.length} bytes were drawn out of turn`);
      into.set(next);
    },
  };
}
