// The meter that is fuzzed: a real unit with every port watched, small flash, and a short eventful life behind
// it: two days in which it was mostly off, a second customer, a new configuration, a register statement, a load
// switch that moved, a roster and a few shares. What it has sent and obeyed is what mutants are made from, and what
// is durable in it at the end of that life is where each block of mutants begins.
import { concatBytes } from "@noble/hashes/utils.js";
import type { MeterRecord } from "../../src/customer/check.js";
import { decodePairing } from "../../src/customer/messages.js";
import { makeTables } from "../../src/proofs/generators.js";
import { signWithKey } from "../../src/proofs/signed.js";
import { CommandKind, ROLES, type Role } from "../../src/trusted/authority/command.js";
import type { Configuration } from "../../src/trusted/authority/configuration.js";
import { agree } from "../../src/trusted/authority/pairing.js";
import { decodeRosters, type RosterMemory } from "../../src/trusted/blinding/memory.js";
import { asciiBytes, sameBytes } from "../../src/trusted/encoding/bytes.js";
import { array, bstr, CborReader, int, map, NIL, tstr } from "../../src/trusted/encoding/cbor.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { Journal } from "../../src/trusted/journal/journal.js";
import type { MeterState } from "../../src/trusted/journal/state.js";
import { intervalAt } from "../../src/trusted/metrology/interval.js";
import type { Companion, CompanionAnswer, Image, Ports, SecretStore } from "../../src/trusted/ports.js";
import { customerKey, digest } from "../../src/trusted/sealing/keys.js";
import { MetrologyUnit, provision } from "../../src/trusted/unit.js";
import { type FlashSnapshot, NorFlash } from "../flash.js";
import { drawParties, type Enrolment, enrol, type Parties, type Signer } from "../parties.js";
import { ScriptedButton, SeededEntropy } from "../ports.js";
import { SeededRandom } from "../seeded.js";
import { FuzzedStreet } from "./street.js";

/** 1 July 2011, 00:00 UTC. */
const MIDNIGHT_S = 1_309_478_400;
const HOUR_S = 3600;
const DAY_S = 86_400;
export const INTERVAL_S = 1800;
const SECTORS = 16;
const STEPS_MAX = 2_000;
/** More than 0.7e-6·m·Un·Imax kWh, which the standard's share is that may be unwritten. */
const PERSISTED_MJ = 60_000_000;
const KIND_SHARE = 2;
const KIND_TIME = 7;
const CHANNELS = ["1-0:1.8.0", "1-0:2.8.0"];

const tables = makeTables(4);

/** Keys in memory; whether they were saved again is what is watched. */
class WatchedSecrets implements SecretStore {
  living: Uint8Array | null = null;
  saves = 0;

  load(): Uint8Array | null {
    return this.living?.slice() ?? null;
  }

  save(secrets: Uint8Array): void {
    this.living = secrets.slice();
    this.saves++;
  }
}

/** Obeys what is well-formed, so that a command which should not have come this far shows. */
class WatchedCompanion implements Companion {
  asked = 0;

  begin(): void {}

  look(): null {
    return null;
  }

  intervalClosed(state: Uint8Array): CompanionAnswer {
    return { companion: state, loadSwitch: 2 };
  }

  command(state: Uint8Array, kind: number, argument: Uint8Array): CompanionAnswer | null {
    this.asked++;
    if (argument.length !== 1 || (argument[0] as number) > 1) return null;
    const next = state.slice();
    next[0] = (next[0] as number) + 1;
    next[1] = kind;
    return { companion: next, loadSwitch: argument[0] as number };
  }

  switched(): void {}
}

/** A message of the unit: its kind, its number (of a share its interval, as there is no repair), and what it says. */
export interface Given {
  readonly kind: number;
  readonly sequence: number;
  readonly message: Uint8Array;
}

/** A command to sign; by default it is the next of its signer. */
export interface Order {
  readonly by: Role;
  readonly kind: number;
  readonly counter?: number;
  readonly meterId?: string;
  readonly notAfter_s?: number;
  /** Encoded CBOR. */
  readonly argument?: Uint8Array;
}

/** State, configuration and what is remembered of rosters, as a restart finds them. */
export interface Durable {
  readonly state: MeterState;
  readonly configuration: Uint8Array;
  readonly rosters: RosterMemory;
}

interface Rest {
  readonly flash: FlashSnapshot;
  readonly secrets: Uint8Array | null;
  readonly now_s: number;
}

export class FuzzedMeter {
  readonly meterId: string;
  readonly parties: Parties;
  readonly image: Image;
  readonly flash: NorFlash;
  readonly secrets = new WatchedSecrets();
  readonly companion = new WatchedCompanion();
  readonly button = new ScriptedButton();
  /** Fed by `persist` since the last restart, mJ. */
  fed_mJ = 0;
  /** Energy that waits at the front end, mJ by channel. */
  #waiting_mJ = [0, 0];
  /** Frames of commands that the unit obeyed, in order. */
  readonly obeyed: Uint8Array[] = [];
  readonly given: Given[] = [];
  nonce = new Uint8Array(16);
  #entropy: SeededEntropy;
  readonly #random: SeededRandom;
  #unit: MetrologyUnit | null = null;
  #enrolment: Enrolment | null = null;
  #street: FuzzedStreet | null = null;
  /** True time, and uptime, ms. */
  #now_ms: number;
  #booted_ms = 0;
  #rest: Rest | null = null;
  readonly #counters: Record<Role, number> = { authority: 0, supplier: 0, network: 0, aggregator: 0 };

  /** Blank and without power. @param parties whom it obeys: by default its own. */
  constructor(seed: number, meterId: string, parties?: Parties) {
    this.meterId = meterId;
    this.#random = new SeededRandom(seed).fork(meterId);
    this.parties = parties ?? drawParties(this.#random);
    const softwareId = digest(asciiBytes("fuzzed software"));
    this.image = { softwareId, version: 1, authorityKey: this.parties.authority.publicKey, ...tables };
    this.flash = new NorFlash({ sectors: SECTORS, mode: "plain", random: this.#random });
    this.#entropy = new SeededEntropy(this.#random);
    this.#now_ms = (MIDNIGHT_S - 60) * 1000;
  }

  get configuration(): Configuration {
    const { meterId, parties } = this;
    const [elements, nominal_V, maximum_A] = [1, 230, 100];
    const anchors = {
      supplier: parties.supplier.publicKey,
      network: parties.network.publicKey,
      aggregator: parties.aggregator.publicKey,
    };
    const rest = { maximum_Wh: 5000, minGroup: 3, revokedPeers: [], update: null, calibration: null };
    return {
      meterId,
      intervalSeconds: INTERVAL_S,
      channels: CHANNELS,
      elements,
      nominal_V,
      maximum_A,
      ...anchors,
      ...rest,
    };
  }

  get ports(): Ports {
    const { image, flash, secrets, button, companion } = this;
    const energy = { read: () => ({ counts: this.#waiting_mJ.splice(0, 2, 0, 0), status: 0 }) };
    return { image, flash, secrets, entropy: this.#entropy, energy, button, companion };
  }

  get unit(): MetrologyUnit {
    if (!this.#unit) throw new Error("the meter has no power");
    return this.#unit;
  }

  get enrolment(): Enrolment {
    if (!this.#enrolment) throw new Error("the meter is blank");
    return this.#enrolment;
  }

  get street(): FuzzedStreet {
    if (!this.#street) throw new Error("the meter is in no street");
    return this.#street;
  }

  get uptime_ms(): number {
    return this.#now_ms - this.#booted_ms;
  }

  get now_s(): number {
    return Math.floor(this.#now_ms / 1000);
  }

  /** Provisioned, and through its two days. What it has sent is in `given`. */
  static lived(seed: number, meterId: string, parties?: Parties): FuzzedMeter {
    const meter = new FuzzedMeter(seed, meterId, parties);
    meter.#live();
    return meter;
  }

  #live(): void {
    const { parties, configuration, image, now_s } = this;
    this.#enrolment = enrol(parties, this.#random, configuration, image.softwareId, now_s, (request) =>
      provision(this.ports, request),
    );
    this.#spell(MIDNIGHT_S + HOUR_S, 3);
    this.obey({ by: "authority", kind: CommandKind.CONFIGURATION, argument: map([4, int(4000)]) });
    this.obey({ by: "supplier", kind: CommandKind.REGISTER_STATEMENT });
    this.obey({ by: "supplier", kind: CommandKind.LOAD_SWITCH, argument: int(1) });
    this.obey({ by: "network", kind: CommandKind.LOAD_SWITCH, argument: int(0) });
    this.#joinStreet(this.#enrolment);
    this.#spell(MIDNIGHT_S + 5 * HOUR_S, 2);
    this.pair();
    this.pass(INTERVAL_S, 1000);
    this.#spell(MIDNIGHT_S + DAY_S + HOUR_S, 2);
    this.#spell(MIDNIGHT_S + 2 * DAY_S + HOUR_S, 1);
    this.#rest = { flash: this.flash.snapshot(), secrets: this.secrets.load(), now_s: this.now_s };
  }

  /** A roster of its neighbours from the next day on. */
  #joinStreet({ certificate }: Enrolment): void {
    const [parties, random] = [this.parties, this.#random.fork("street")];
    this.#street = new FuzzedStreet({ parties, random, certificate, midnight_s: MIDNIGHT_S });
    const { accepted, certificates } = this.#street;
    this.hand(accepted, ...certificates);
    if (this.durable().rosters.standing.length !== 1) throw new Error("a roster was not accepted");
  }

  /** Delivers signed documents, and lets the unit come to rest. */
  hand(...documents: readonly Uint8Array[]): void {
    for (const document of documents) this.deliver(frameOf(document));
    this.settle();
  }

  /** The power comes back at this time, for some intervals and a minute. */
  #spell(from_s: number, intervals: number): void {
    this.#now_ms = from_s * 1000;
    this.boot();
    this.confirm();
    this.pass(intervals * INTERVAL_S + 60, 1000);
  }

  /** As it was at the end of its life, with the power just back. */
  restart(): void {
    if (!this.#rest) throw new Error("the meter has not lived");
    this.flash.restore(this.#rest.flash);
    this.secrets.living = this.#rest.secrets;
    this.#entropy = new SeededEntropy(this.#random);
    this.#now_ms = this.#rest.now_s * 1000;
    this.#waiting_mJ = [0, 0];
    this.given.length = 0;
    this.fed_mJ = 0;
    this.boot();
    this.settle();
  }

  boot(): void {
    this.#booted_ms = this.#now_ms;
    this.#unit = new MetrologyUnit(this.ports);
  }

  advance(ms: number, energy_mJ = 0): void {
    this.#now_ms += ms;
    this.#waiting_mJ[0] = (this.#waiting_mJ[0] as number) + energy_mJ;
  }

  /** Lets time pass under this power, W. */
  pass(seconds: number, power_W: number): void {
    for (let left_s = seconds; left_s > 0; left_s -= 60) {
      const step_s = Math.min(60, left_s);
      this.advance(step_s * 1000, power_W * step_s * 1000);
      this.settle();
    }
  }

  /** Steps until there is nothing to do and nothing to give. All that it gives is acknowledged. */
  settle(): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const busy = this.unit.step(this.uptime_ms);
      const got = this.take();
      if (!busy && !got) return;
    }
    throw new Error("the unit does not come to rest");
  }

  /** The next message of the unit, noted and acknowledged, or null. */
  take(): Given | null {
    const frame = this.unit.take(this.uptime_ms);
    if (!frame) return null;
    const reader = new CborReader(frame, "frame");
    reader.array(3);
    const kind = reader.uint(KIND_TIME);
    if (kind === KIND_TIME) this.nonce = reader.bytes(16) as Uint8Array<ArrayBuffer>;
    if (kind === KIND_SHARE) reader.array(2);
    const sequence = kind === KIND_TIME ? 0 : reader.uint(0xffffffff);
    const rosterNumber = kind === KIND_SHARE ? reader.uint(0xffffffff) : 0;
    const given = { kind, sequence, message: reader.bytes(1, 4096) };
    reader.end();
    this.given.push(given);
    const named = kind === KIND_SHARE ? array(int(sequence), int(rosterNumber)) : int(sequence);
    if (kind !== KIND_TIME) this.deliver(array(int(1), int(kind), named));
    return given;
  }

  /** Hands a frame over, after what was in its place. */
  deliver(frame: Uint8Array): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      if (this.unit.receive(this.uptime_ms, frame)) return;
      this.unit.step(this.uptime_ms);
    }
    throw new Error("the unit does not look at what it received");
  }

  /** Messages that it has refused since it booted, as it shows them. */
  get refused(): number {
    const line = this.display.find((text) => text.endsWith(" messages refused"));
    return line === undefined ? 0 : Number(line.split(" ")[0]);
  }

  get display(): readonly string[] {
    return this.unit.display(this.uptime_ms);
  }

  get isTimed(): boolean {
    return !this.display.includes("time unconfirmed");
  }

  /** What a restart would find, from a copy of the flash. */
  durable(): Durable {
    const random = new SeededRandom(0);
    const copy = new NorFlash({ sectors: SECTORS, mode: "plain", random, content: this.flash.image() });
    const journal = new Journal(copy);
    if (!journal.recover()) throw new Error("the journal is lost");
    const rosters = journal.rosters();
    return {
      state: journal.state,
      configuration: journal.configuration(),
      rosters: rosters ? decodeRosters(rosters) : { nextNumber: 0, standing: [], repairs: [] },
    };
  }

  /** Feeds what is too much to be unwritten, so that the living state becomes durable. */
  persist(): void {
    this.advance(1, PERSISTED_MJ);
    this.fed_mJ += PERSISTED_MJ;
    this.unit.step(this.uptime_ms);
  }

  /** The frame of the right answer to its last request for the time. */
  timeAnswer(unix_s = this.now_s, by: Role = "network"): Uint8Array {
    return this.command({
      by,
      kind: CommandKind.TIME,
      counter: 0,
      argument: array(bstr(this.nonce), int(unix_s)),
    });
  }

  confirm(): void {
    this.settle();
    this.deliver(this.timeAnswer());
    this.settle();
    if (!this.isTimed) throw new Error("the time was not confirmed");
  }

  /** The frame of a signed command. */
  command(order: Order): Uint8Array {
    return frameOf(signWithKey("command-1", this.payload(order), this.signerOf(order.by).seed));
  }

  payload({ by, kind, argument = NIL, ...order }: Order): Uint8Array {
    const { counter = this.#counters[by] + 1, meterId = this.meterId, notAfter_s } = order;
    const notAfter = notAfter_s === undefined ? NIL : int(notAfter_s);
    return map([1, tstr(meterId)], [2, int(counter)], [3, notAfter], [4, int(kind)], [5, argument]);
  }

  /** The counter that the unit expects of an order's signer. */
  nextOf({ by }: Order): { readonly counter: number } {
    return { counter: this.#counters[by] + 1 };
  }

  signerOf(role: Role): Signer {
    return this.parties[role];
  }

  /** Has a command obeyed. */
  obey(order: Order): void {
    const frame = this.command(order);
    const before = this.durable().state.counters;
    this.deliver(frame);
    this.settle();
    const at = ROLES.indexOf(order.by);
    if (this.durable().state.counters[at] !== (before[at] as number) + 1)
      throw new Error("a command was not obeyed");
    this.#counters[order.by]++;
    this.obeyed.push(frame);
  }

  /** Pairs with the customer once more, at the button. */
  pair(): void {
    this.button.press();
    this.settle();
    if (!this.unit.receiveLocal(array(int(4), bstr(this.parties.customer.user))))
      throw new Error("no window");
    this.button.press();
    this.settle();
  }

  /** Messages of a kind, by their numbers. */
  messages(kind: number): readonly Uint8Array[] {
    const kept = new Map(
      this.given.filter((one) => one.kind === kind).map((one) => [one.sequence, one.message]),
    );
    return [...kept].sort(([a], [b]) => a - b).map(([, message]) => message);
  }

  /** What its customer has from it. */
  record(): MeterRecord {
    return {
      certificate: this.enrolment.certificate,
      batches: this.messages(3),
      readings: concatBytes(...this.messages(1)),
      events: concatBytes(...this.messages(4)),
      pairings: this.messages(5),
    };
  }

  /** K of an epoch. */
  K(epoch: number): Uint8Array {
    for (const document of this.messages(5)) {
      const pairing = decodePairing(decodeSign1(document, "pairing-1", 512).payload);
      const { secret } = this.parties.customer;
      if (pairing.epoch === epoch) return customerKey(agree(secret, pairing.ephemeral), pairing);
    }
    throw new Error(`there is no pairing of epoch ${epoch}`);
  }

  get interval(): number {
    return intervalAt(this.now_s, INTERVAL_S);
  }
}

/** A signed document as the unit receives it. */
export const frameOf = (document: Uint8Array) => array(int(3), bstr(document));

export const isOneOf = (bytes: Uint8Array, known: readonly Uint8Array[]) =>
  known.some((one) => sameBytes(one, bytes));
