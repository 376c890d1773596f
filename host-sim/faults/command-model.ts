// Commands as their senders count them: what is accepted takes effect exactly once, what is refused never. A document
// that was in the unit's hand when the power failed may have taken effect or not; its counter tells which. Nothing
// here calls the code that judges commands in the unit.
import { bytesToHex } from "@noble/hashes/utils.js";
import type { EventMessage } from "../../src/customer/messages.js";
import { type Configuration, encodeConfiguration } from "../../src/trusted/authority/configuration.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { SWITCH_CLOSED } from "../../src/trusted/journal/state.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import { digest } from "../../src/trusted/sealing/keys.js";
import { CompanionModel } from "./companion-model.js";
import { holds } from "./violation.js";

export type Sender = "authority" | "supplier" | "network" | "aggregator";
/** In the order of their counters. */
export const SENDERS: readonly Sender[] = ["authority", "supplier", "network", "aggregator"];

const TIME = 1;
const CONFIGURATION = 2;
const REGISTER_STATEMENT = 3;
const REVOKED_PEERS = 8;
const UPDATE = 9;
/** Kinds that the Companion judges. */
const isForCompanion = (kind: number) => kind >= 4 && kind <= 7;
const ALLOWED: Readonly<Record<number, readonly Sender[]>> = {
  1: ["network", "authority"],
  2: ["authority"],
  3: ["supplier"],
  4: ["supplier", "network"],
  5: ["supplier"],
  6: ["supplier"],
  7: ["supplier"],
  8: ["authority"],
  9: ["authority"],
};
const STATEMENT_EVERY_DAYS = 28;
/** The state is written at least this often, ms. */
const DURABLE_MS = 370_000;
/** Commands of a day that the unit obeys, and those that change its configuration; a scenario stays below. */
export const COMMANDS_A_DAY = 40;
export const CONFIGURATIONS_A_DAY = 5;
/** Kinds of documents that are no commands: a roster, and a certificate of one of its members. */
export const ROSTER_KIND = 256;
export const MEMBER_KIND = 257;
const EVENT_ACCEPTED = 8;
const EVENT_REFUSED = 9;

/** A document made by whoever it may be. */
export interface Order {
  /** What it is, for people. */
  readonly name: string;
  readonly document: Uint8Array;
  /** Whether it is a well-formed document by `signer`, hex of its public key. */
  readonly isAuthentic: boolean;
  readonly signer: string;
  readonly isForThisMeter: boolean;
  readonly kind: number;
  readonly counter: number;
  readonly notAfter_s: number | null;
  /** Its CBOR argument; whether that is one of its kind. */
  readonly argument: Uint8Array;
  readonly isWellFormed: boolean;
  /** What kinds 2, 8 and 9 change. */
  readonly changes: Partial<Configuration>;
  /** What kind 1 says. */
  readonly answer: { readonly nonce: Uint8Array; readonly unix_s: number } | null;
}

/** A time that a role has signed, and when it arrived. */
export interface TimeInHand {
  readonly nonce: Uint8Array;
  readonly unix_s: number;
  readonly arrival_ms: number;
  readonly byAuthority: boolean;
}

/** What kind of frame was received: a document, a request of the network side, or nothing that there is. */
export type FrameKind = "document" | "request" | "malformed";

/** What the unit has in its one place for what it received. */
interface InHand {
  readonly frame: FrameKind;
  readonly order: Order | null;
  readonly arrival_ms: number;
}

/** What the power cut has left in doubt, and the time of the unit then. */
interface Unsettled {
  readonly order: Order | null;
  readonly verdict: Verdict;
  readonly time_s: number | null;
}

const NOTHING: Unsettled = { order: null, verdict: "counted", time_s: null };

/** Of times and rosters, and of a member, it is not foretold whether they are refused: with an event, or without. */
export type Verdict = "accepted" | "refused" | "counted" | "time" | "roster" | "member";
const UNFORETOLD: readonly Verdict[] = ["time", "roster", "member"];
const UNHEARD: readonly Verdict[] = ["counted", "member"];

/** What the unit's state says, read after a restart from a copy of its flash. */
export interface Probe {
  readonly counters: readonly number[];
  readonly companion: Uint8Array;
  readonly loadSwitch: number;
  readonly statementDay: number;
  readonly configuration: Uint8Array;
}

export interface CommandModelOptions {
  readonly configuration: Configuration;
  readonly authorityKey: Uint8Array;
  readonly hasCompanion: boolean;
  /** The version of the software that runs. */
  readonly version: () => number;
}

export class CommandModel {
  readonly #options: CommandModelOptions;
  configuration: Configuration;
  readonly counters: Record<Sender, number> = { authority: 0, supplier: 0, network: 0, aggregator: 0 };
  readonly companion = new CompanionModel();
  #statementDay = 0;
  inHand: InHand | null = null;
  /** Uncertain since a power cut. */
  #unsettled: Unsettled | null = null;
  /** By digest of the document, hex: how often each was refused by its signature's word, and who was accepted. */
  readonly #refused = new Map<string, number>();
  readonly #accepted = new Map<string, Order>();
  readonly #receipts = new Set<string>();
  readonly #refusals = new Map<string, number>();
  /** Accepted on this day of the unit. */
  acceptedToday = 0;
  configuredToday = 0;
  #day = 0;
  #begun = { day: 0, at_ms: 0 };
  /** Documents that were refused. */
  refused = 0;
  /** Refused since power-up. */
  refusals = { least: 0, most: 0 };

  constructor(options: CommandModelOptions) {
    this.#options = options;
    this.configuration = options.configuration;
  }

  get accepted(): number {
    return this.#accepted.size;
  }

  /** Which role a key has now, hex; null for none. */
  roleOf(key: string): Sender | null {
    const { supplier, network, aggregator } = this.configuration;
    const keys = { authority: this.#options.authorityKey, supplier, network, aggregator };
    return SENDERS.find((sender) => bytesToHex(keys[sender]) === key) ?? null;
  }

  /** The unit has taken a frame: what was in its place before has been dealt with. */
  received(frame: FrameKind, order: Order | null, now_ms: number, time_s: number | null): void {
    this.settle(time_s);
    this.inHand = { frame, order, arrival_ms: now_ms };
  }

  /** The time that the unit may be about to be told, or has just been, by whom it obeys. */
  get timeInHand(): TimeInHand | null {
    const { order, arrival_ms } = this.inHand ?? { order: null, arrival_ms: 0 };
    if (!order?.answer || this.verdict(order, null) !== "time") return null;
    return { ...order.answer, arrival_ms, byAuthority: this.roleOf(order.signer) === "authority" };
  }

  /** Nothing is in the unit's place any more: the verdict of what was there is due. */
  settle(time_s: number | null): void {
    const { inHand } = this;
    this.inHand = null;
    if (inHand?.frame === "malformed") this.refuse(1);
    if (inHand?.frame === "document") {
      const isJudged = this.companion.judged !== null || !this.#isForCompanion(inHand.order, time_s);
      holds(isJudged, "a command in its turn is put to the Companion", () => `${inHand.order?.name}`);
      this.#carryOut(inHand.order, this.verdict(inHand.order, time_s), time_s);
    }
    this.companion.judged = null;
  }

  /** So much more was refused since power-up; a refusal that is only possible counts for `most` alone. */
  refuse(least: number): void {
    this.refusals = { least: this.refusals.least + least, most: this.refusals.most + 1 };
  }

  /** What is refused is counted on the display, and nothing else is. */
  compareRefusals(shown: number): void {
    const { least, most } = this.refusals;
    const pending = this.inHand ? 1 : 0;
    holds(shown >= least && shown <= most + pending, "what is refused is counted, once", () => {
      return `${shown} are shown, ${least} to ${most} were refused`;
    });
  }

  /**
   * A day's counts begin anew with it; a power cut takes that back, until the state has been written.
   * @returns whether another has begun for certain.
   */
  dayIs(time_s: number | null, now_ms: number): boolean {
    if (time_s === null) return false;
    const day = Math.floor(time_s / DAY_SECONDS);
    if (day !== this.#begun.day) this.#begun = { day, at_ms: now_ms };
    if (day === this.#day || now_ms - this.#begun.at_ms < DURABLE_MS) return false;
    this.acceptedToday = 0;
    this.configuredToday = 0;
    this.#day = day;
    return true;
  }

  /** What is to become of a document that the unit looks at now. */
  verdict(order: Order | null, time_s: number | null): Verdict {
    if (!order?.isAuthentic) return "counted";
    if (order.kind === MEMBER_KIND) return "member";
    const role = this.roleOf(order.signer);
    if (!role) return "counted";
    if (order.kind === ROSTER_KIND) return role === "aggregator" && order.isWellFormed ? "roster" : "refused";
    if (!order.isForThisMeter || !ALLOWED[order.kind]?.includes(role)) return "refused";
    if (order.kind === TIME) return "time";
    return this.#isInTurn(order, role, time_s) && this.#isDue(order, time_s) ? "accepted" : "refused";
  }

  #isInTurn({ counter, notAfter_s }: Order, role: Sender, time_s: number | null): boolean {
    const inTime = notAfter_s === null || (time_s !== null && time_s <= notAfter_s);
    return counter === this.counters[role] + 1 && inTime;
  }

  /** Whether the unit must put a document to the Companion. */
  #isForCompanion(order: Order | null, time_s: number | null): boolean {
    if (!order?.isAuthentic || !order.isForThisMeter || !isForCompanion(order.kind)) return false;
    const role = this.roleOf(order.signer);
    const isAllowed = role !== null && ALLOWED[order.kind]?.includes(role) === true;
    return isAllowed && this.#options.hasCompanion && this.#isInTurn(order, role, time_s);
  }

  #isDue({ kind, isWellFormed, changes }: Order, time_s: number | null): boolean {
    if (!isWellFormed) return false;
    if (kind === REGISTER_STATEMENT) {
      return time_s !== null && Math.floor(time_s / DAY_SECONDS) >= this.#statementDay + STATEMENT_EVERY_DAYS;
    }
    if (kind === UPDATE) {
      const floor = Math.max(this.#options.version(), this.configuration.update?.version ?? 0);
      return (changes.update?.version ?? 0) > floor;
    }
    if (kind === CONFIGURATION || kind === REVOKED_PEERS) return true;
    return this.companion.judged === "taken";
  }

  #carryOut(order: Order | null, verdict: Verdict, time_s: number | null): void {
    if (verdict === "refused" || verdict === "counted") this.refused++;
    if (!order || verdict === "counted") {
      this.refuse(1);
      return;
    }
    const name = bytesToHex(digest(order.document));
    if (verdict !== "accepted") {
      this.refuse(UNFORETOLD.includes(verdict) ? 0 : 1);
      if (verdict !== "member") this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1);
      return;
    }
    holds(!this.#accepted.has(name), "a command takes effect once", () => order.name);
    this.#accepted.set(name, order);
    this.acceptedToday++;
    const role = this.roleOf(order.signer) as Sender;
    this.counters[role]++;
    if (order.kind === REGISTER_STATEMENT && time_s !== null)
      this.#statementDay = Math.floor(time_s / DAY_SECONDS);
    if (Object.keys(order.changes).length > 0) this.configuredToday++;
    this.#reconfigure(order.changes);
  }

  #reconfigure(changes: Partial<Configuration>): void {
    const before = this.configuration;
    this.configuration = { ...before, ...changes };
    for (const role of ["supplier", "network", "aggregator"] as const) {
      if (!sameBytes(before[role], this.configuration[role])) this.counters[role] = 0;
    }
  }

  get switchOpen(): boolean {
    return this.companion.loadSwitch !== SWITCH_CLOSED;
  }

  cut(time_s: number | null): void {
    this.refusals = { least: 0, most: 0 };
    this.#begun = { day: this.#day, at_ms: 0 };
    // It failed again before anything could be seen.
    if (this.#unsettled) return;
    const { order = null } = this.inHand ?? {};
    this.#unsettled = { order, verdict: this.verdict(order, time_s), time_s };
    this.inHand = null;
    this.companion.cut();
  }

  /** The unit is powered up again: what it holds is what was settled, or what was in its hand as well. */
  restarted(probe: Probe): void {
    const { order, verdict, time_s } = this.#unsettled ?? NOTHING;
    this.#unsettled = null;
    const isAccepted = order !== null && verdict === "accepted" && this.#hasCounted(order, probe);
    this.companion.restarted(probe, isAccepted && isForCompanion(order.kind));
    if (isAccepted) {
      this.#carryOut(order, verdict, time_s);
    } else if (order && !UNHEARD.includes(verdict)) {
      // It may have been refused before the power failed, and its event written.
      const name = bytesToHex(digest(order.document));
      this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1);
    }
    this.compare(probe);
  }

  /** Whether the counter of a command's sender has gone on; a change of its anchor begins with a new one. */
  #hasCounted(order: Order, probe: Probe): boolean {
    const role = this.roleOf(order.signer) as Sender;
    return probe.counters[SENDERS.indexOf(role)] === order.counter;
  }

  /** Whether the authority has approved an image, or is about to have. */
  isApproved(imageDigest: Uint8Array): boolean {
    const updates = [this.configuration.update, this.inHand?.order?.changes.update];
    return updates.some((update) => update && sameBytes(update.imageDigest, imageDigest));
  }

  compare({ counters, companion, loadSwitch, statementDay, configuration }: Probe): void {
    const own = SENDERS.map((sender) => this.counters[sender]);
    holds(`${own}` === `${counters}`, "a command takes effect once, and a refused one never", () => {
      return `counters ${counters} for ${own}`;
    });
    this.companion.compare({ companion, loadSwitch });
    holds(statementDay === this.#statementDay, "a register statement comes when it is due", () => {
      return `day ${statementDay} for ${this.#statementDay}`;
    });
    const same = sameBytes(configuration, encodeConfiguration(this.configuration));
    holds(same, "the configuration is what was accepted", () => bytesToHex(configuration));
  }

  /** An event was given: a receipt for what was accepted, or a refusal of what was refused. */
  event({ type, detail, sequence }: EventMessage, time_s: number | null): void {
    if ((type !== EVENT_ACCEPTED && type !== EVENT_REFUSED) || !(detail instanceof Uint8Array)) return;
    const name = bytesToHex(detail);
    const order = this.inHand?.order;
    const isInHand = order && bytesToHex(digest(order.document)) === name;
    if (type === EVENT_ACCEPTED) {
      if (isInHand && !this.#accepted.has(name)) this.settle(time_s);
      const isReceipt = this.#accepted.has(name) && !this.#receipts.has(name);
      holds(isReceipt, "an accepted command has one receipt", () => `event ${sequence}`);
      this.#receipts.add(name);
      return;
    }
    const refusals = (this.#refusals.get(name) ?? 0) + 1;
    if (isInHand && (this.#refused.get(name) ?? 0) < refusals) this.settle(time_s);
    const due = this.#refused.get(name) ?? 0;
    holds(refusals <= due, "a refusal is of what was refused", () => `event ${sequence}, ${order?.name}`);
    this.#refusals.set(name, refusals);
  }
}
