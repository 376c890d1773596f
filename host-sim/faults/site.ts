// A meter on its site, every port of it in the scenario's hand, and the model beside it: time passes, energy flows, the
// unit steps, and after each step what holds is checked. Busy steps take the time that they take on the device.
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { Outbox, topicOf } from "../../src/meter/outbox.js";
import { nonceOf } from "../../src/meter/time-request.js";
import { decodeCertificate, encodeCertificate } from "../../src/proofs/certificate.js";
import { makeTables } from "../../src/proofs/generators.js";
import { signWithKey } from "../../src/proofs/signed.js";
import type { Configuration } from "../../src/trusted/authority/configuration.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { decodeRosters, type RosterMemory } from "../../src/trusted/blinding/memory.js";
import { asciiBytes, FormatError, sameBytes } from "../../src/trusted/encoding/bytes.js";
import { CborReader } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { decodeMessages, Journal, RecordType } from "../../src/trusted/journal/journal.js";
import { sequenceOf } from "../../src/trusted/journal/sector-ring.js";
import { intervalAt, Status } from "../../src/trusted/metrology/interval.js";
import type { Companion, Image, Ports } from "../../src/trusted/ports.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { MetrologyUnit, provision } from "../../src/trusted/unit.js";
import { VirtualClock } from "../clock.js";
import { NorFlash } from "../flash.js";
import { HeadEnd } from "../head-end.js";
import { type Customer, drawParties, type Enrolment, enrol, type Parties, type Signer } from "../parties.js";
import { MemorySecretStore, ScriptedButton, SeededEntropy } from "../ports.js";
import { SeededRandom } from "../seeded.js";
import { MemoryUplink } from "../uplink.js";
import { CommandModel, type FrameKind, type Order } from "./command-model.js";
import { type ClosedInterval, closeInterval, obey } from "./companion.js";
import { CreditSite } from "./credit-site.js";
import { Dice } from "./dice.js";
import { readDisplay, type Shown } from "./display.js";
import { type Circumstances, IntervalModel } from "./interval-model.js";
import { KeyModel } from "./key-model.js";
import { Kind, MessageModel } from "./message-model.js";
import { LossyUplink, LyingSide } from "./network.js";
import type { Plan } from "./plan.js";
import {
  DriftingClock,
  FuseCounter,
  SiteFrontEnd,
  SiteInputs,
  SiteLoader,
  SiteWatchdog,
  WatchedSecrets,
} from "./ports.js";
import { RegisterModel } from "./register-model.js";
import { KIND_SHARE, ShareModel } from "./share-model.js";
import { holds } from "./violation.js";

export const METER_ID = "SM-0001";
/** Most time that a busy step takes, ms: 147 M rv32 instructions at 160 MHz. */
const BUSY_MS_MAX = 920;
/** Busy steps one after the other, at most: days of shares of 8 channels, 21 steps each, are below. */
const BUSY_STEPS_MAX = 20_000;
/** Least members of a roster, where there are any: nine are enough for repairs. */
const MIN_GROUP = 3;
/** Tenants that may pair. */
const CUSTOMERS = 3;

const tables = makeTables(4);

/** An image that was released; its software identity is made up. */
const imageOf = (version: number, authorityKey: Uint8Array): Image => ({
  softwareId: digest(asciiBytes(`software ${version}`)),
  version,
  authorityKey,
  ...tables,
});
/** The digest by which an update names an image. */
export const imageDigest = (version: number) => digest(asciiBytes(`image ${version}`));

/** Lets a test plant a bug between a unit and its ports, or in the unit itself. */
export interface Sabotage {
  readonly ports?: (ports: Ports) => Ports;
}

export class Site {
  readonly plan: Plan;
  readonly dice: Dice;
  readonly clock: VirtualClock;
  readonly parties: Parties;
  readonly customers: readonly Customer[];
  readonly flash: NorFlash;
  readonly secrets: MemorySecretStore;
  readonly button = new ScriptedButton();
  readonly frontEnd: SiteFrontEnd;
  readonly rtc: DriftingClock;
  readonly inputs: SiteInputs;
  readonly watchdog = new SiteWatchdog();
  readonly counter = new FuseCounter();
  readonly loader: SiteLoader;
  readonly uplink: LossyUplink;
  readonly headEnd: HeadEnd;
  readonly registers: RegisterModel;
  readonly intervals: IntervalModel;
  readonly messages: MessageModel;
  readonly commands: CommandModel;
  readonly keys: KeyModel;
  /** Of a meter on pre-payment, else null. */
  readonly credit: CreditSite | null;
  readonly shares: ShareModel;
  readonly enrolment: Enrolment;
  /** Versions of the software that have run, and the one that runs. */
  version = 1;
  readonly #softwareIds: string[] = [];
  /** By channel, mean power of the load now, whole W. */
  power_W: readonly number[];
  /** Hears the nonces of the unit's questions for the time. */
  operator: (nonce: Uint8Array) => void = () => {};
  readonly link: MemoryUplink;
  readonly lastOutage_ms: number;
  /** Documents that were made, by hex. */
  readonly #orders = new Map<string, Order>();
  readonly #work: Dice;
  readonly #probeFlash: NorFlash;
  readonly #sabotage: Sabotage;
  #unit: MetrologyUnit | null = null;
  #outbox: Outbox | null = null;
  #side: LyingSide | null = null;
  lies = false;
  #booted_ms = 0;
  shown: Shown;
  steps = 0;
  boots = 0;
  /** Whether the last step has left nothing to do. */
  idle = false;
  #switched: number | null = null;

  constructor(plan: Plan, outages: readonly (readonly [number, number])[], sabotage: Sabotage = {}) {
    this.plan = plan;
    this.#sabotage = sabotage;
    const random = new SeededRandom(plan.seed).fork("site");
    this.dice = new Dice(random.fork("dice"));
    this.#work = new Dice(random.fork("work"));
    this.clock = new VirtualClock(plan.start_s * 1000);
    this.parties = drawParties(random);
    const others = Array.from(
      { length: CUSTOMERS - 1 },
      (_, at) => drawParties(random.fork(`tenant ${at}`)).customer,
    );
    this.customers = [this.parties.customer, ...others];
    const flash = { sectors: plan.sectors, mode: plan.mode, marginal: plan.marginal };
    this.flash = new NorFlash({ ...flash, random: random.fork("flash") });
    this.#probeFlash = new NorFlash({ ...flash, random: random.fork("flash") });
    this.secrets = new MemorySecretStore(random);
    const channels = plan.channels.length;
    const voltAmperes = plan.elements * plan.nominal_V * plan.maximum_A;
    this.registers = new RegisterModel(channels, voltAmperes);
    const firstInterval = intervalAt(plan.start_s, plan.intervalSeconds) + 1;
    this.intervals = new IntervalModel(plan.intervalSeconds, firstInterval);
    const configuration = this.#configuration();
    this.intervals.maximum_Wh = configuration.maximum_Wh;
    const authorityKey = this.parties.authority.publicKey;
    this.commands = new CommandModel({
      configuration,
      authorityKey,
      hasCompanion: plan.has.companion,
      version: () => this.version,
    });
    this.credit = plan.isPrepaid ? this.#prepaid() : null;
    this.#softwareIds.push(bytesToHex(this.image.softwareId));
    this.messages = new MessageModel({
      meterId: METER_ID,
      intervalSeconds: plan.intervalSeconds,
      channels,
      isSmall: plan.isSmall,
      customers: this.customers,
      softwareIds: this.#softwareIds,
      closedAs: (interval) => this.intervals.closedAs(interval),
      shown_Wh: () => this.registers.shown_Wh,
      isOverwritten: (kind, number) => !this.stored(kind).has(number),
      event: (event) => {
        this.commands.event(event, this.shown.time_s);
        if (event.type === EventType.ROSTER) this.shares.tells(event.detail);
      },
    });
    this.shares = new ShareModel({
      meterId: METER_ID,
      intervalSeconds: plan.intervalSeconds,
      channels: plan.channels,
      reading: (interval) => this.messages.readings.get(interval) ?? null,
      K: (epoch) => this.messages.epochs.find((one) => one.epoch === epoch)?.K ?? null,
      openInterval: () => this.peek().state.openInterval,
      isSmall: plan.isSmall,
    });
    this.keys = new KeyModel(plan.intervalSeconds, () => this.messages.epochs.at(-1)?.epoch ?? 0);
    this.power_W = new Array<number>(channels).fill(0);
    this.frontEnd = new SiteFrontEnd(
      channels,
      (status, isReport) => this.#frontEndHeard(status, isReport),
      (energy_mJ) => this.registers.spoil(energy_mJ),
    );
    this.rtc = new DriftingClock(this.clock, (unix_s) => this.intervals.rtcRead(unix_s));
    this.inputs = new SiteInputs((tamper, failing) => this.#inputsHeard(tamper, failing));
    this.inputs.contacts = () => this.credit?.tampered ?? false;
    this.loader = new SiteLoader((digest) => this.#installing(digest));
    this.lastOutage_ms = outages.at(-1)?.[1] ?? 0;
    this.link = new MemoryUplink({
      clock: this.clock,
      random,
      latency_ms: plan.latency_ms,
      outages,
      deliver: (topic, message) => {
        if (topic === topicOf(METER_ID, "time")) this.operator(nonceOf(message));
        else if (topic === topicOf(METER_ID, "share")) this.shares.arrives(message);
        else this.headEnd.deliver(topic, message);
      },
    });
    this.uplink = new LossyUplink(this.link, this.dice.fork("uplink"));
    this.headEnd = new HeadEnd({
      meterId: METER_ID,
      networkSeed: this.parties.network.seed,
      time_s: () => this.now_s,
      sendCommand: (document) => void this.link.sendCommand(document),
    });
    this.shown = { registers_Wh: this.power_W, time_s: null, refused: 0, failed: 0 };
    this.enrolment = enrol(
      this.parties,
      random,
      configuration,
      this.image.softwareId,
      this.now_s,
      (request) => provision(this.#ports(), request),
    );
  }

  get now_s(): number {
    return Math.floor(this.clock.now_ms / 1000);
  }

  get uptime_ms(): number {
    return this.clock.now_ms - this.#booted_ms;
  }

  get powered(): boolean {
    return this.#unit !== null;
  }

  get unit(): MetrologyUnit {
    if (!this.#unit) throw new Error("the meter has no power");
    return this.#unit;
  }

  get voltAmperes(): number {
    return this.plan.elements * this.plan.nominal_V * this.plan.maximum_A;
  }

  get image(): Image {
    return imageOf(this.version, this.parties.authority.publicKey);
  }

  /** The certificate of each software that has run, in order: the same meter's, for other software. */
  certificates(): readonly Uint8Array[] {
    const { certificate } = this.enrolment;
    const first = decodeCertificate(decodeSign1(certificate, "certificate-1", 512).payload);
    return this.#softwareIds.map((name) => {
      const payload = encodeCertificate({ ...first, softwareId: hexToBytes(name) });
      return signWithKey("certificate-1", payload, this.parties.authority.seed);
    });
  }

  /** Remembers a document that someone has made, so that the model knows it when it comes to the unit. */
  made(order: Order): Order {
    this.#orders.set(bytesToHex(order.document), order);
    return order;
  }

  #configuration(): Configuration {
    const { supplier, network, aggregator } = this.parties;
    const { intervalSeconds, channels, elements, nominal_V, maximum_A } = this.plan;
    const maximum_Wh = Math.floor((elements * nominal_V * maximum_A * intervalSeconds) / 3600);
    const anchors: Record<string, Signer> = { supplier, network, aggregator };
    const keyOf = (name: string) => (anchors[name] as Signer).publicKey;
    return {
      meterId: METER_ID,
      intervalSeconds,
      channels,
      maximum_Wh,
      elements,
      nominal_V,
      maximum_A,
      supplier: keyOf("supplier"),
      network: keyOf("network"),
      aggregator: keyOf("aggregator"),
      minGroup: this.plan.faults.has("rosters") ? MIN_GROUP : 10,
      revokedPeers: [],
      update: null,
      calibration: null,
    };
  }

  #ports(): Ports {
    const { plan, flash, button, frontEnd: energy, image } = this;
    const secrets = new WatchedSecrets(this.secrets, (saved) => {
      this.keys.stored(saved, this.#time_s, this.messages.sealedTo);
    });
    this.#entropy ??= new SeededEntropy(this.dice.random);
    const ports: Ports = {
      image,
      flash,
      secrets,
      entropy: this.#entropy,
      energy,
      button,
      ...(plan.has.rtc && { rtc: this.rtc }),
      ...(plan.has.inputs && { inputs: this.inputs }),
      ...(plan.has.watchdog && { watchdog: this.watchdog }),
      ...(plan.has.counter && { counter: this.counter }),
      ...(plan.has.loader && { loader: this.loader }),
      ...(plan.has.companion && { companion: this.credit?.powerUp() ?? this.#companion() }),
    };
    return this.#sabotage.ports?.(ports) ?? ports;
  }

  /** The unit's time in a step that has begun: what it showed after the last one, and what has passed since. */
  get #time_s(): number | null {
    const { time_s } = this.shown;
    return time_s === null ? null : time_s + Math.ceil((this.clock.now_ms - this.#shown_ms) / 1000);
  }

  #shown_ms = 0;
  #entropy: SeededEntropy | null = null;

  #closes(closed: ClosedInterval): void {
    const timeInHand = this.#answer() !== null;
    this.intervals.close(closed, { switchOpen: this.commands.switchOpen, timeInHand });
  }

  #prepaid(): CreditSite {
    const { channels, intervalSeconds } = this.plan;
    const { companion } = this.commands;
    return new CreditSite({ channels, intervalSeconds, companion, closes: (closed) => this.#closes(closed) });
  }

  /** A Companion that only counts. */
  #companion(): Companion {
    const { companion } = this.commands;
    return {
      begin: () => undefined,
      look: () => null,
      intervalClosed: (state, interval, status, readings) => {
        this.#closes({ interval, status, readings });
        companion.asked(state);
        const answer = closeInterval(state);
        companion.answered(answer);
        return answer;
      },
      command: (state, kind, argument) => {
        companion.asked(state);
        const answer = obey(state, kind, argument);
        companion.judge(answer);
        return answer;
      },
      switched: (loadSwitch) => {
        this.#switched = loadSwitch;
      },
    };
  }

  #frontEndHeard(status: number, isReport: boolean): void {
    const own = status & (Status.INCOMPLETE | Status.TAMPER | Status.FAULT);
    if (this.commands.switchOpen) this.intervals.raise(Status.SWITCH_OPEN, this.clock.now_ms);
    this.intervals.raise(own | (isReport ? 0 : Status.FAULT), this.clock.now_ms);
  }

  #failing = false;
  /** Sectors that wore out. */
  readonly worn = new Set<number>();
  /** Tamper inputs that the unit has seen active, and whether more were than before. */
  #active = 0;
  #hasRisen = false;
  /** By the time of the unit at which an input became active, the interval that was open; of a time twice, none. */
  readonly tampered = new Map<number, number | undefined>();

  #inputsHeard(tamper: number | null, failing: boolean | null): void {
    if (tamper !== null) {
      this.#hasRisen = (tamper & ~this.#active) > 0;
      this.#active = tamper;
      if (tamper > 0) this.intervals.raise(Status.TAMPER, this.clock.now_ms);
    }
    if (failing !== null && failing !== this.#failing) {
      this.#failing = failing;
      this.intervals.raise(Status.POWER_LOST, this.clock.now_ms);
    }
  }

  /** Only what was approved is installed, and nothing is left for it to seal. */
  #installing(digest: Uint8Array): void {
    holds(this.commands.isApproved(digest), "only approved software is installed", () => bytesToHex(digest));
    const { log, state } = this.peek();
    for (let found = log.find(log.start); found; found = log.find(found.next)) {
      const { type, number } = found;
      holds(
        type !== RecordType.INTERVAL || number < state.sealedTo,
        "software seals what it has recorded",
        () => {
          return `interval ${number}, sealed to ${state.sealedTo}`;
        },
      );
    }
  }

  /** Time passes; with power, energy flows. */
  advance(ms: number): void {
    this.clock.advance(ms);
    if (!this.#unit) return;
    const conducting = this.credit?.conducting ?? true;
    const energy_mJ = this.power_W.map((watts) => (conducting ? watts * ms : 0));
    this.frontEnd.flow(energy_mJ);
    this.registers.flow(energy_mJ, ms);
  }

  /**
   * Power is back.
   * @param watchdog whether it was never away: the watchdog has reset the device.
   * @param cutAfter bytes written after which it fails again; it may fail while the unit boots.
   */
  powerUp({
    watchdog = false,
    cutAfter = null,
  }: {
    watchdog?: boolean;
    cutAfter?: number | null;
  } = {}): void {
    this.flash.powerUp();
    if (cutAfter !== null) this.flash.cutAfter(cutAfter);
    this.secrets.powerUp();
    this.frontEnd.powerUp();
    this.watchdog.restarted = watchdog;
    if (watchdog && this.plan.has.watchdog) this.intervals.raise(Status.FAULT, this.clock.now_ms);
    this.#failing = false;
    this.#active = 0;
    this.#booted_ms = this.clock.now_ms;
    this.boots++;
    this.#unit = new MetrologyUnit(this.#ports());
    this.messages.begin();
    this.#connect();
    const shown = readDisplay(this.unit.display(0), this.plan.channels.length);
    this.registers.booted(shown.registers_Wh);
    this.shown = shown;
    this.#shown_ms = this.clock.now_ms;
    this.idle = false;
    this.#afterBoot();
  }

  #afterBoot(): void {
    const journal = this.peek();
    const { counters, companion, loadSwitch, statementDay } = journal.state;
    const configuration = journal.configuration();
    this.shares.compare(this.remembered(journal).nextNumber);
    this.commands.restarted({ counters, companion, loadSwitch, statementDay, configuration });
    this.credit?.restarted(companion, loadSwitch);
    const told = this.credit?.told ?? this.#switched;
    holds(!this.plan.has.companion || told === loadSwitch, "a switch that was told has moved", () => {
      return `told ${told}, stored ${loadSwitch}`;
    });
    const stored = this.secrets.load();
    if (stored) this.keys.stored(stored, this.shown.time_s, this.messages.sealedTo);
  }

  /** What the unit remembers of rosters. */
  remembered(journal = this.peek()): RosterMemory {
    const rosters = journal.rosters();
    return rosters ? decodeRosters(rosters) : { nextNumber: 0, standing: [], repairs: [] };
  }

  /** The numbers of a kind of which messages can still be made of what the flash holds. */
  stored(kind: number): ReadonlySet<number> {
    const { log } = this.peek();
    const numbers = new Set<number>();
    for (let found = log.find(log.start); found; found = log.find(found.next)) {
      // What a worn sector still shows is passed by once it could not be erased.
      if (this.worn.has(sequenceOf(found.place) % this.plan.logSectors)) continue;
      if (found.type === RecordType.INTERVAL && kind === Kind.READING) numbers.add(found.number);
      for (const message of decodeMessages(found)) if (message.kind === kind) numbers.add(message.number);
    }
    return numbers;
  }

  /** What a copy of the flash says to a recovery of its own. */
  peek(): Journal {
    this.#probeFlash.restore(this.flash.snapshot());
    const journal = new Journal(this.#probeFlash);
    holds(journal.recover(), "a flash that was recovered once is recovered again", () => "nothing is found");
    return journal;
  }

  #connect(): void {
    const unit = this.unit;
    const side = {
      take: () => {
        const frame = unit.take(this.uptime_ms);
        if (frame?.[1] === KIND_SHARE) this.shares.given(frame);
        else if (frame) this.messages.given(frame);
        return frame;
      },
      receive: (bytes: Uint8Array) => this.receive(bytes),
      receiveLocal: (bytes: Uint8Array) => unit.receiveLocal(bytes),
      offerTariff: (document: Uint8Array) => this.credit?.offer(document, null) ?? false,
    };
    this.#side = new LyingSide(side, this.dice.fork(`lies ${this.boots}`));
    this.#side.lies = this.lies;
    this.#outbox = new Outbox(this.#side, this.uplink, METER_ID);
  }

  /** Whether the network side lies from now on. */
  lie(lies: boolean): void {
    this.lies = lies;
    if (this.#side) this.#side.lies = lies;
  }

  /** The network side dies and is made anew, and the unit is told. */
  restartNetwork(): void {
    this.uplink.restart();
    this.unit.networkRestarted();
    this.#settleAcknowledgement();
    this.messages.begin();
    this.#connect();
  }

  /** A made-up request of a lying network side. */
  inventRequest(): boolean {
    const numberOf = (kind: number) => this.messages.numbers(kind).at(-1) ?? 0;
    return this.receive((this.#side as LyingSide).invent(numberOf));
  }

  /** Gives the unit a frame, if it takes one. */
  receive(bytes: Uint8Array): boolean {
    if (!this.unit.receive(this.uptime_ms, bytes)) return false;
    const { kind, order, acknowledged } = this.#classify(bytes);
    this.#settleAcknowledgement();
    this.#acknowledged = acknowledged;
    this.commands.received(kind, order, this.clock.now_ms, this.shown.time_s);
    return true;
  }

  #acknowledged: { readonly kind: number; readonly number: number } | null = null;

  /** By now the unit may have followed the last acknowledgement that it was given. */
  #settleAcknowledgement(): void {
    const { kind, number } = this.#acknowledged ?? { kind: 0, number: 0 };
    this.messages.acknowledge(kind, number);
    this.#acknowledged = null;
  }

  /** What a frame is, by its bytes. */
  #classify(bytes: Uint8Array): {
    kind: FrameKind;
    order: Order | null;
    acknowledged: { kind: number; number: number } | null;
  } {
    const nothing = { order: null, acknowledged: null };
    try {
      const reader = new CborReader(bytes, "frame");
      const items = reader.array(2, 4);
      const action = reader.uint(3);
      if (items === 2 && action === 3) {
        const document = reader.bytes(1, 512);
        reader.end();
        return { ...nothing, kind: "document", order: this.#orders.get(bytesToHex(document)) ?? null };
      }
      const kind = reader.uint(6);
      if (kind === KIND_SHARE) return { ...nothing, kind: isShareRequest(reader, items, action) };
      const number = reader.uint(0xffffffff);
      const last = action === 2 ? reader.uint(0xffffffff) : number;
      reader.end();
      if (kind === 0 || items !== action + 2) return { ...nothing, kind: "malformed" };
      if (action === 2) this.messages.ask(kind, number, last);
      return { ...nothing, kind: "request", ...(action === 1 && { acknowledged: { kind, number } }) };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { ...nothing, kind: "malformed" };
    }
  }

  /**
   * Lets time pass and the unit do all that there is to do.
   * @throws PowerCut or Restarted when the device goes down in it.
   */
  tick(ms: number): void {
    this.advance(ms);
    for (let busy = 0; busy < BUSY_STEPS_MAX; busy++) {
      if (!this.step()) return;
      this.advance(this.#work.between(1, BUSY_MS_MAX));
    }
    holds(false, "the unit comes to rest", () => `${BUSY_STEPS_MAX} steps were busy`);
  }

  /** One step of the unit and one of its network side, and everything that must hold after it. */
  step(): boolean {
    this.steps++;
    const { fed } = this.watchdog;
    const busy = this.unit.step(this.uptime_ms);
    const isFed = !this.plan.has.watchdog || this.watchdog.fed === fed + 1;
    holds(isFed, "every step feeds the watchdog", () => `${this.watchdog.fed - fed} times`);
    this.#check(busy);
    this.#outbox?.step();
    return busy;
  }

  #check(busy: boolean): void {
    const { intervals, commands, messages } = this;
    const shown = readDisplay(this.unit.display(this.uptime_ms), this.plan.channels.length);
    const failing = this.plan.has.inputs && this.inputs.failing;
    if (shown.failed > this.shown.failed) intervals.raise(Status.FAULT, this.clock.now_ms);
    this.shown = shown;
    this.#shown_ms = this.clock.now_ms;
    this.registers.stepped(shown.registers_Wh, failing);
    commands.companion.stepped();
    if (commands.companion.judged) commands.settle(shown.time_s);
    if (this.plan.has.companion) {
      const isAnswered = intervals.stepped({
        now_ms: this.clock.now_ms,
        uptime_ms: this.uptime_ms,
        time_s: shown.time_s,
        answer: this.#answer(),
        able: !failing && shown.failed === 0,
      });
      if (isAnswered) messages.answered();
      else if (this.#hasRisen && shown.time_s !== null) this.#noteTamper(shown.time_s);
    }
    this.idle = !busy && !failing;
    if (this.idle) {
      commands.settle(shown.time_s);
      this.#settleAcknowledgement();
      intervals.maximum_Wh = commands.configuration.maximum_Wh;
    }
    if (commands.dayIs(shown.time_s, this.clock.now_ms)) this.credit?.model.dayBegun();
    commands.compareRefusals(shown.refused);
    this.keys.timeIs(shown.time_s, messages.sealedTo);
  }

  #noteTamper(time_s: number): void {
    const open = this.intervals.open ?? undefined;
    const isKnown = !this.tampered.has(time_s) || this.tampered.get(time_s) === open;
    this.tampered.set(time_s, isKnown ? open : undefined);
  }

  /** The time in the unit's hand, if it is one that the unit may follow. */
  #answer(): Circumstances["answer"] {
    const { timeInHand } = this.commands;
    const { nonce } = this.messages;
    if (!timeInHand || !nonce || !sameBytes(timeInHand.nonce, nonce)) return null;
    return timeInHand;
  }

  /** What was only in RAM is gone. @param inStep whether it went in the middle of a step. */
  powerDown(inStep: boolean, isDark = true): void {
    const { time_s } = this.shown;
    const timeInHand = this.#answer() !== null;
    this.messages.answered();
    this.intervals.cut(this.clock.now_ms, { inStep, timeInHand, isDark });
    this.registers.cut();
    this.commands.cut(time_s);
    this.#settleAcknowledgement();
    this.messages.begin();
    this.#unit = null;
    this.#outbox = null;
    this.#side = null;
    this.#acknowledged = null;
    this.uplink.restart();
    this.inputs.failing = false;
    this.shown = { ...this.shown, time_s: null };
    this.counter.cut = null;
  }

  /** The software that the loader has installed runs from the next power-up on. */
  install(version: number): void {
    this.version = version;
    this.#softwareIds.push(bytesToHex(this.image.softwareId));
    this.loader.installed = null;
  }
}

/** The rest of `[1, 2, [i, n]]` or `[2, 2, [i, n], [i, n]]`. */
function isShareRequest(reader: CborReader, items: number, action: number): FrameKind {
  if (action === 0 || items !== action + 2) return "malformed";
  for (let left = action; left > 0; left--) {
    reader.array(2);
    reader.uint(0xffffffff);
    reader.uint(0xffffffff);
  }
  reader.end();
  return "request";
}
