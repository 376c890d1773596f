// The certified metrology unit. A step measures first, always: energy into the open interval, the interval
// closed when its time has passed, the state made durable before more energy than the standard allows could
// be lost. Then it does one bounded piece of the other work: pass the self-test, store the closed interval,
// write an event, obey a command, pair, ask for the time, commit to a reading, sign a batch. Nothing calls
// back into the unit; only bytes go in and out, and they are copied.
import { bytesToHex } from "@noble/hashes/utils.js";
import { Clock } from "./authority/clock.js";
import {
  authenticate,
  type Command,
  CommandKind,
  DOCUMENT_BYTES_MAX,
  decodeCommand,
  type Effect,
  effectOf,
  effectOfAnswer,
  type Role,
  readTimeAnswer,
} from "./authority/command.js";
import { type Configuration, decodeConfiguration } from "./authority/configuration.js";
import { EventLog, EventType } from "./authority/events.js";
import { makePairing } from "./authority/pairing.js";
import { CUSTOMER_KEYS_MAX, decodeSecrets, encodeSecrets, type Secrets } from "./authority/secrets.js";
import { Blinder } from "./blinding/blinder.js";
import { Rosters } from "./blinding/rosters.js";
import { Dispatch, STORED_KINDS, type StoredKind } from "./dispatch.js";
import { FormatError } from "./encoding/bytes.js";
import { array, bstr, CborReader, int, NIL, tstr } from "./encoding/cbor.js";
import { isOfType } from "./encoding/cose.js";
import { Journal, MessageKind, RecordType } from "./journal/journal.js";
import { DAY_SECONDS, intervalStart_s, Status } from "./metrology/interval.js";
import { Measurement } from "./metrology/measurement.js";
import { registerNow_Wh } from "./metrology/registers.js";
import type { Ports } from "./ports.js";
import { CommitmentKey } from "./sealing/commitment.js";
import { numberOf } from "./sealing/edwards.js";
import { encodeRistretto } from "./sealing/encodings.js";
import { digest } from "./sealing/keys.js";
import { Sealer } from "./sealing/sealer.js";
import { passes, SELF_TESTS } from "./sealing/self-test.js";
import { SigningKey } from "./sealing/signature.js";

export { provision } from "./authority/provisioning.js";

/** Largest message that `receive` takes: a frame around a document, bytes. */
const RECEIVED_BYTES_MAX = DOCUMENT_BYTES_MAX + 8;
/** The pairing button opens the local port this long. */
const PAIRING_MS = 120_000;
/** A customer's K lives this long after its last interval, s: as long as shares and repairs need it. */
const KEY_LIFE_S = 8 * DAY_SECONDS;
/** Commands obeyed in a day, at most: each wears the flash. */
const COMMANDS_A_DAY = 64;
/** Faults that are no known answer: flash or software older than what has run; the watchdog; the front end. */
const ROLLED_BACK = 100;
const WATCHDOG = 255;
const FRONT_END = 101;
const TAMPER_INPUTS = 5;
/** From an answer of the Companion, which is a record, to the next that is heard, ms. */
const COMPANION_EVERY_MS = 10_000;
const SWITCH = ["open", "ready", "closed"];

/** Unit of a thousand of a channel's counts, by the OBIS medium and quantity (IEC 62056-6-1). */
const unitOf = (obis: string) =>
  !obis.startsWith("1-") ? "m3" : /:[246]?[34]\./.test(obis) ? "kvarh" : "kWh";

export class MetrologyUnit {
  readonly #ports: Ports;
  readonly #journal: Journal;
  #configuration: Configuration;
  readonly #key: CommitmentKey;
  readonly #measurement: Measurement;
  readonly #clock = new Clock();
  readonly #events: EventLog;
  readonly #dispatch: Dispatch;
  #secrets: Secrets;
  /** Self-tests passed since power-up or the day's beginning, and the number of the one that failed. */
  #testsPassed = 0;
  #testFailed = 0;
  /** Null until the self-test has passed. */
  #sealer: Sealer | null = null;
  /** Aggregation, from the first sealing on. */
  #blinding: { readonly rosters: Rosters; readonly blinder: Blinder } | null = null;
  #received: { readonly bytes: Uint8Array; readonly arrival_ms: number } | null = null;
  #timeRequest: Uint8Array | null = null;
  /** Whether the clock that runs without power was asked since power-up. */
  #askedRtc = false;
  /** Whether this step may look at what was received: every other one, so that a flood stops no other work. */
  #listens = false;
  /** The pairing window: when it opened, and the U that asks. */
  #pairing: { readonly opened_ms: number; user: Uint8Array | null } | null = null;
  /** Bad sectors that were reported. */
  #badSectors = 0;
  #refused = 0;
  /** Tamper inputs active, whether the mains were failing, and the load switch, as of the last step. */
  #tamper = 0;
  #mainsFailing = false;
  #loadSwitch: number;
  /** When the Companion's last answer was recorded. */
  #consulted_ms = -COMPANION_EVERY_MS;
  /** Whether the loader was asked today to install what was approved. */
  #askedLoader = false;

  /**
   * Boots the unit from its flash; energy is measured from the first step on.
   * @throws Error if the unit was never provisioned, FormatError if a store holds what this program did not
   *   write.
   */
  constructor(ports: Ports) {
    this.#ports = ports;
    this.#journal = new Journal(ports.flash);
    const stored = ports.secrets.load();
    if (!this.#journal.recover() || !stored) throw new Error("the meter is not provisioned");
    this.#configuration = decodeConfiguration(this.#journal.configuration());
    const secrets = decodeSecrets(stored);
    const { state } = this.#journal;
    this.#secrets = { ...secrets, customers: secrets.customers.filter(({ epoch }) => epoch <= state.epoch) };
    this.#key = new CommitmentKey(ports.image);
    this.#measurement = new Measurement(this.#journal, this.#configuration, ports);
    this.#events = new EventLog(this.#journal, this.#configuration.meterId);
    this.#dispatch = new Dispatch(this.#journal, this.#configuration.meterId);
    this.#loadSwitch = state.loadSwitch;
    this.#events.raise(EventType.POWER_DOWN, NIL, state.lastTime_s);
    this.#events.raise(EventType.POWER_UP);
    if (ports.watchdog?.restarted) this.#fault(WATCHDOG);
    // The counts must outlive the next power cut, or a loose contact writes events without end.
    this.#journal.writeState();
    const { channels, intervalSeconds } = this.#configuration;
    ports.companion?.begin(state.companion.slice(), channels, intervalSeconds);
    ports.companion?.switched(state.loadSwitch);
  }

  /**
   * Measures, then does at most one bounded piece of other work.
   * @param now_ms uptime since power-up, whole ms, never falling. No energy is lost while it is called every
   *   3 s; what a sudden power cut may take is within the standard while it is called every second.
   * @returns whether there was other work: there may be more.
   */
  step(now_ms: number): boolean {
    const time_s = this.#clock.time_s(now_ms);
    this.#events.now_s = time_s;
    const { faults } = this.#measurement;
    this.#measurement.measure(now_ms, time_s, this.#sealer !== null && !this.#journal.intervalPending);
    if (this.#measurement.faults > faults) this.#fault(FRONT_END);
    this.#watchInputs(now_ms);
    if (this.#switchMoved()) this.#events.raise(EventType.LOAD_SWITCH, int(this.#loadSwitch));
    this.#ports.watchdog?.feed();
    // Nothing is begun that a failing supply may not let end.
    if (this.#mainsFailing) return false;
    this.#consultCompanion(now_ms, time_s);
    if (time_s !== null) this.#beginDay(time_s);
    return this.#work(now_ms, time_s);
  }

  /**
   * Takes one message from the network, to be looked at in a later step.
   * @returns false when the one place for it is taken: give it again later.
   */
  receive(now_ms: number, bytes: Uint8Array): boolean {
    if (this.#received) return false;
    if (bytes.length > RECEIVED_BYTES_MAX) this.#refused++;
    else this.#received = { bytes: bytes.slice(), arrival_ms: now_ms };
    return true;
  }

  /**
   * Takes a pairing request `[4, U]` from the local port; it is shown, and a second press of the button
   * takes it. One request a window.
   * @returns whether the window is open and the request was taken up.
   */
  receiveLocal(bytes: Uint8Array): boolean {
    if (!this.#pairing || this.#pairing.user) return false;
    try {
      const reader = new CborReader(bytes.slice(0, RECEIVED_BYTES_MAX), "local request");
      reader.array(2);
      reader.key(4);
      const user = reader.bytes(32);
      reader.end();
      this.#pairing.user = user;
      return true;
    } catch (error) {
      this.#refuse(error);
      return false;
    }
  }

  /** The next message to send as CBOR `[kind, sequence, message]`, or null. */
  take(now_ms: number): Uint8Array | null {
    const nonce = this.#timeRequest;
    this.#timeRequest = null;
    if (!nonce || !this.#clock.awaitsAnswer(now_ms))
      return this.#dispatch.take(now_ms) ?? this.#blinding?.blinder.take() ?? null;
    const message = array(int(1), tstr(this.#configuration.meterId), bstr(nonce));
    return array(int(MessageKind.TIME), bstr(nonce), bstr(message));
  }

  /**
   * The network side was made anew and holds nothing of what it was given: all that it has not acknowledged is
   * given again, before an acknowledgement of later messages covers it.
   */
  networkRestarted(): void {
    this.#dispatch.rewind();
    this.#blinding?.blinder.rewind();
  }

  /** What the meter shows, line by line: the legally relevant result. Registers are the persisted ones. */
  display(now_ms: number): readonly string[] {
    const { meterId, channels, intervalSeconds } = this.#configuration;
    const { nextBatch, sealedTo } = this.#journal.state;
    const time_s = this.#clock.time_s(now_ms);
    const lines = [`${meterId}`, `software ${bytesToHex(this.#ports.image.softwareId).slice(0, 16)}`];
    this.#measurement.registers_Wh.forEach((register_Wh, at) => {
      const obis = channels[at] as string;
      const Wh = `${register_Wh % 1000}`.padStart(3, "0");
      lines.push(`${obis} ${`${Math.floor(register_Wh / 1000)}`.padStart(6, "0")}.${Wh} ${unitOf(obis)}`);
    });
    lines.push(time_s === null ? "time unconfirmed" : new Date(time_s * 1000).toISOString());
    if (this.#ports.companion) lines.push(`load switch ${SWITCH[this.#loadSwitch]}`);
    const sealed = new Date(intervalStart_s(sealedTo, intervalSeconds) * 1000).toISOString();
    if (nextBatch > 0) lines.push(`batch ${nextBatch - 1} sealed to ${sealed}`);
    if (this.#testFailed > 0) lines.push(`self-test ${this.#testFailed} failed: not sealing`);
    if (this.#badSectors > 0) lines.push("flash fault");
    if (this.#tamper > 0) lines.push("tamper");
    if (this.#refused > 0) lines.push(`${this.#refused} messages refused`);
    const user = this.#pairing?.user;
    if (user) lines.push(`pair with ${bytesToHex(digest(user).slice(0, 8))}? press again`);
    return lines;
  }

  #work(now_ms: number, time_s: number | null): boolean {
    const tested = this.#sealer !== null && this.#testsPassed === SELF_TESTS.length;
    if (!tested && this.#testFailed === 0) return this.#prepareSealing();
    if (this.#sealer?.store() || this.#events.writeOne() || this.#blinding?.rosters.keepMembers())
      return true;
    this.#listens = !this.#listens;
    if (this.#listens && this.#handleReceived(now_ms)) return true;
    this.#reportFaults(now_ms);
    const waiting = this.#received !== null;
    if (!this.#sealer) return waiting;
    if (!this.#askedRtc) this.#askRtc(now_ms);
    if (this.#pair(now_ms, time_s, this.#sealer.context.signer)) return true;
    this.#timeRequest = this.#clock.ask(now_ms, this.#ports.entropy) ?? this.#timeRequest;
    const approved = this.#approvedImage();
    const sealed = this.#sealer.step(approved !== null);
    this.#ports.counter?.advance(this.#journal.state.nextBatch);
    if (sealed) return true;
    // All that this software has recorded is sealed by it; from here the loader takes over, or it returns.
    if (approved) {
      this.#askedLoader = true;
      this.#measurement.persist(now_ms);
      this.#ports.loader?.install(approved);
    }
    return this.#blinding?.blinder.step(time_s) || waiting;
  }

  /** Sensors count whenever they are seen active; what they saw first is an event. */
  #watchInputs(now_ms: number): void {
    const { inputs } = this.#ports;
    if (!inputs) return;
    const tamper = inputs.tamper();
    const began = tamper & ~this.#tamper;
    const isTold = began > 0 && this.#events.hasRoom(EventType.TAMPER);
    for (let input = 1; input <= TAMPER_INPUTS; input++) {
      if ((began >> (input - 1)) & 1) this.#events.raise(EventType.TAMPER, int(input));
    }
    this.#tamper = tamper;
    if (tamper > 0) this.#measurement.flag(Status.TAMPER);
    // No power cut may leave the event and take the flag.
    if (isTold) this.#measurement.persist(now_ms);
    const failing = inputs.mainsFailing();
    if (failing === this.#mainsFailing) return;
    this.#mainsFailing = failing;
    this.#events.raise(failing ? EventType.POWER_DOWN : EventType.POWER_UP);
    this.#measurement.flag(Status.POWER_LOST);
    this.#measurement.persist(now_ms);
  }

  /** Whether the switch was asked to move since the last look; it is told so, since that is durable. */
  #switchMoved(): boolean {
    const { loadSwitch } = this.#journal.state;
    if (loadSwitch === this.#loadSwitch) return false;
    this.#loadSwitch = loadSwitch;
    this.#ports.companion?.switched(loadSwitch);
    return true;
  }

  /** Credit runs out, and a person closes what is ready, at any time; while the time is unknown no interval closes. */
  #consultCompanion(now_ms: number, time_s: number | null): void {
    const { companion } = this.#ports;
    const { state } = this.#journal;
    if (!companion) return;
    const Wh = state.channels.map((channel) => registerNow_Wh(channel) - channel.register_Wh);
    const answer = companion.look(state.companion.slice(), now_ms, time_s, Wh);
    if (!answer || now_ms - this.#consulted_ms < COMPANION_EVERY_MS) return;
    this.#consulted_ms = now_ms;
    this.#carryOut(effectOfAnswer(answer, state));
  }

  #reportFaults(now_ms: number): void {
    if (this.#clock.isOverdue(now_ms)) this.#events.raise(EventType.CLOCK_UNCONFIRMED);
    for (const sector of this.#journal.badSectors.slice(this.#badSectors)) {
      this.#badSectors++;
      this.#events.raise(EventType.FLASH_FAULT, int(sector));
    }
  }

  #fault(number: number): void {
    this.#measurement.flag(Status.FAULT);
    this.#events.raise(EventType.SELF_TEST_FAILED, int(number));
  }

  /** One known answer, or, when all came out, the signing key. */
  #prepareSealing(): boolean {
    const { image, counter } = this.#ports;
    const { state } = this.#journal;
    const test = SELF_TESTS[this.#testsPassed];
    const rolledBack = image.version < state.softwareVersion || (counter?.read() ?? 0) > state.nextBatch;
    if (!rolledBack && !test) {
      this.#sealer ??= this.#startSealing();
    } else if (!rolledBack && test && passes(test, this.#key)) {
      this.#testsPassed++;
    } else {
      this.#testFailed = rolledBack ? ROLLED_BACK : this.#testsPassed + 1;
      this.#sealer = null;
      this.#fault(this.#testFailed);
    }
    return true;
  }

  /** From here on older software is refused: newer has shown that it works. */
  #startSealing(): Sealer {
    const { state } = this.#journal;
    if (this.#ports.image.version > state.softwareVersion) {
      // The event is durable before the version is, lest a power cut hide that the software is another.
      this.#events.commit([[EventType.CONFIGURATION, NIL]]);
      state.softwareVersion = this.#ports.image.version;
      this.#journal.writeState();
    }
    const signer = new SigningKey(this.#secrets.signingSeed, this.#key.base);
    const customerKey = (epoch: number) =>
      this.#secrets.customers.find((known) => known.epoch === epoch)?.key ?? null;
    this.#blinding ??= this.#startBlinding(customerKey);
    const { softwareId } = this.#ports.image;
    const context = { configuration: this.#configuration, softwareId, key: this.#key, signer, customerKey };
    return new Sealer(context, this.#journal);
  }

  #startBlinding(customerKey: (epoch: number) => Uint8Array | null) {
    const { agreement } = this.#secrets;
    const [journal, key, configuration] = [this.#journal, this.#key, this.#configuration];
    const own = { meterId: configuration.meterId, X: encodeRistretto(key.base.multiply(agreement)) };
    const { authorityKey } = this.#ports.image;
    const rosters = new Rosters({ journal, events: this.#events, authorityKey, base: key.base, own });
    const context = {
      journal,
      rosters,
      configuration,
      key,
      own,
      agreement: numberOf(agreement),
      customerKey,
    };
    return { rosters, blinder: new Blinder(context) };
  }

  /** Tests the unit, counts events and forgets old keys anew each day. */
  #beginDay(time_s: number): void {
    const { state } = this.#journal;
    if (!this.#events.beginDay(Math.floor(time_s / DAY_SECONDS))) return;
    this.#testsPassed = 0;
    this.#askedLoader = false;
    for (const { kind, first, last } of this.#dispatch.overwritten()) {
      this.#events.raise(EventType.OVERWRITTEN, array(int(kind), int(first), int(last)));
    }
    const { intervalSeconds } = this.#configuration;
    const customers = this.#secrets.customers.filter((_, at, all) => {
      const successor = all[at + 1];
      if (!successor || state.sealedTo < successor.firstInterval) return true;
      return time_s < intervalStart_s(successor.firstInterval, intervalSeconds) + KEY_LIFE_S;
    });
    if (customers.length < this.#secrets.customers.length) this.#saveSecrets({ ...this.#secrets, customers });
  }

  #saveSecrets(secrets: Secrets): void {
    this.#ports.secrets.save(encodeSecrets(secrets));
    this.#secrets = secrets;
  }

  #handleReceived(now_ms: number): boolean {
    const received = this.#received;
    this.#received = null;
    if (!received) return false;
    try {
      this.#handle(received.bytes, received.arrival_ms, now_ms);
    } catch (error) {
      this.#refuse(error);
    }
    return true;
  }

  /** Only what is malformed is refused here; anything else is a fault of the program. */
  #refuse(error: unknown): void {
    if (!(error instanceof FormatError)) throw error;
    this.#refused++;
  }

  #handle(bytes: Uint8Array, arrival_ms: number, now_ms: number): void {
    const reader = new CborReader(bytes, "received message");
    const items = reader.array(2, 4);
    const action = reader.uint(3);
    if (action === 3 && items === 2) {
      const document = reader.bytes(1, DOCUMENT_BYTES_MAX);
      reader.end();
      this.#handleDocument(document, arrival_ms, now_ms);
      return;
    }
    const kind = reader.uint(7);
    const isKnown = kind === MessageKind.SHARE || STORED_KINDS.includes(kind as StoredKind);
    if (action === 0 || !isKnown || items !== action + 2) reader.refuse("no such message");
    if (kind === MessageKind.SHARE) {
      this.#handleShares(action, reader, now_ms);
      return;
    }
    const first = reader.uint(0xffffffff);
    const last = action === 2 ? reader.uint(0xffffffff) : first;
    reader.end();
    if (action === 1) this.#dispatch.acknowledge(kind as StoredKind, first);
    else this.#dispatch.sendAgain(kind as StoredKind, first, last);
  }

  /** A share's sequence is its interval and its roster's number; all that follow the first are sent again too. */
  #handleShares(action: number, reader: CborReader, now_ms: number): void {
    const sequences = Array.from({ length: action }, () => {
      reader.array(2);
      return [reader.uint(0xffffffff), reader.uint(0xffffffff)] as const;
    });
    const [interval, rosterNumber] = sequences[0] as readonly [number, number];
    reader.end();
    if (action === 1) this.#blinding?.blinder.acknowledge(interval, rosterNumber);
    else this.#blinding?.blinder.sendAgain(interval, now_ms / 1000);
  }

  /** Whatever is signed by an anchor and not obeyed is an event; anything else is only counted. */
  #handleDocument(bytes: Uint8Array, arrival_ms: number, now_ms: number): void {
    if (!this.#sealer) throw new FormatError("no document is judged while the self-test fails");
    const keyOf = (role: Role) =>
      role === "authority" ? this.#ports.image.authorityKey : this.#configuration[role];
    const time_s = this.#clock.time_s(now_ms);
    if (isOfType(bytes, "certificate-1")) {
      this.#blinding?.rosters.admit(bytes, this.#moment(time_s));
      return;
    }
    const isRoster = isOfType(bytes, "roster-1");
    const { role, payload } = authenticate(bytes, isRoster ? "roster-1" : "command-1", keyOf, this.#key.base);
    const receipt = bstr(digest(bytes));
    try {
      if (isRoster) {
        if (role !== "aggregator") throw new FormatError(`rosters are not for the ${role} to send`);
        this.#blinding?.rosters.offer(payload, this.#configuration.aggregator, this.#moment(time_s));
        return;
      }
      const command = decodeCommand(payload, role, this.#configuration.meterId);
      if (command.kind === CommandKind.TIME) this.#followTime(command, arrival_ms, now_ms);
      else this.#obey(command, receipt, time_s, this.#sealer.context.signer);
    } catch (error) {
      this.#refuse(error);
      this.#events.raise(EventType.COMMAND_REFUSED, receipt);
    }
  }

  /** When a roster is judged. @throws FormatError while the clock is unconfirmed. */
  #moment(time_s: number | null) {
    if (time_s === null) throw new FormatError("no roster is judged while the time is unknown");
    return { configuration: this.#configuration, time_s, openInterval: this.#journal.state.openInterval };
  }

  /** What is ordered is one record: it is done whole, or not at all. */
  #obey(command: Command, receipt: Uint8Array, time_s: number | null, signer: SigningKey): void {
    const { state } = this.#journal;
    if (this.#events.count(EventType.COMMAND_ACCEPTED) >= COMMANDS_A_DAY)
      throw new FormatError("enough commands for today");
    const circumstances = { ...this.#ports, state, configuration: this.#configuration, signer, time_s };
    const effect = effectOf(command, receipt, circumstances);
    const { configuration, events, documents } = effect;
    // What is stored with an event needs one that is written singly.
    if (documents && !events.some(([type]) => this.#events.hasRoom(type)))
      throw new FormatError("enough of these for today");
    this.#carryOut(effect);
    if (!configuration) return;
    this.#configuration = configuration;
    this.#measurement.configuration = configuration;
  }

  #carryOut({ change, events, documents }: Effect): void {
    Object.assign(this.#journal.state, change);
    this.#events.commit(events, documents, change.companion ? RecordType.COMMAND : RecordType.EVENT);
    this.#switchMoved();
  }

  #followTime(command: Command, arrival_ms: number, now_ms: number): void {
    const { nonce, unix_s } = readTimeAnswer(command);
    const { openInterval, lastTime_s } = this.#journal.state;
    const { intervalSeconds } = this.#configuration;
    const wasConfirmed = this.#clock.confirmed;
    const byAuthority = command.role === "authority";
    const offer = { unix_s, arrival_ms, byAuthority, openInterval, lastTime_s, intervalSeconds };
    const step = this.#clock.takeAnswer(nonce, arrival_ms) ? this.#clock.follow(offer) : "refused";
    if (step === "refused")
      throw new FormatError("time is no answer to this meter, or not for this role to set");
    if (step === "unchanged") return;
    this.#ports.rtc?.set(unix_s + Math.floor((now_ms - arrival_ms) / 1000));
    if (step === "synchronised") return;
    this.#events.raise(EventType.CLOCK_SET, NIL, unix_s);
    this.#measurement.setTime(
      { unix_s, powerUp_ms: unix_s * 1000 - arrival_ms, wasConfirmed, byRtc: false },
      now_ms,
    );
  }

  /** A clock that ran on without power confirms the time; what it says too late or too early is left alone. */
  #askRtc(now_ms: number): void {
    this.#askedRtc = true;
    const unix_s = this.#ports.rtc?.read() ?? null;
    if (unix_s === null || !this.#clock.confirm(unix_s, this.#journal.state.lastTime_s, now_ms)) return;
    this.#measurement.setTime(
      { unix_s, powerUp_ms: unix_s * 1000 - now_ms, wasConfirmed: false, byRtc: true },
      now_ms,
    );
  }

  /** Digest of the image that was approved, is newer than what runs, and was not asked for today; or null. */
  #approvedImage(): Uint8Array | null {
    const { update } = this.#configuration;
    if (!update || !this.#ports.loader || this.#askedLoader) return null;
    return update.version > this.#ports.image.version ? update.imageDigest : null;
  }

  /** The button opens the window; pressed again with a request shown, it pairs from the next interval on. */
  #pair(now_ms: number, time_s: number | null, signer: SigningKey): boolean {
    const pressed = this.#ports.button.pressed();
    if (this.#pairing && now_ms - this.#pairing.opened_ms > PAIRING_MS) this.#pairing = null;
    if (!pressed) return false;
    const user = this.#pairing?.user ?? null;
    this.#pairing = user ? null : { opened_ms: now_ms, user: null };
    if (!user || time_s === null) return false;
    const { state } = this.#journal;
    const full =
      this.#secrets.customers.length >= CUSTOMER_KEYS_MAX || !this.#events.hasRoom(EventType.PAIRING);
    if (full || state.openInterval < state.epochFirst || state.epoch === 0xffff) return false;
    this.#makePairing(user, signer);
    return true;
  }

  /** K first, then one record of the signed pairing and its event, which puts K in force. */
  #makePairing(user: Uint8Array, signer: SigningKey): void {
    const { state } = this.#journal;
    const [epoch, firstInterval] = [state.epoch + 1, state.openInterval + 1];
    const names = { meterId: this.#configuration.meterId, epoch, user, firstInterval };
    try {
      const { customer, payload, document } = makePairing(this.#ports.entropy, this.#key, signer, names);
      const customers = [...this.#secrets.customers, { epoch, firstInterval, key: customer }];
      this.#saveSecrets({ ...this.#secrets, customers });
      Object.assign(state, { epoch, epochFirst: firstInterval });
      const event = [EventType.PAIRING, bstr(digest(payload))] as const;
      this.#events.commit([event], [{ kind: MessageKind.PAIRING, number: epoch, bytes: document }]);
    } catch (error) {
      this.#refuse(error);
    }
  }
}
