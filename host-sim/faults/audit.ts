// After a scenario, with all faults over: everything that ever left the unit is given again and has arrived, the
// readings add up to the registers, and every customer's own check of the meter passes whole.
import { type CheckedMeter, checkMeter } from "../../src/customer/check.js";
import { decodeEvent } from "../../src/customer/messages.js";
import { decodeStatement } from "../../src/proofs/batch.js";
import { VerificationError, verifySigned } from "../../src/proofs/signed.js";
import { EventType } from "../../src/trusted/authority/events.js";
import { FormatError } from "../../src/trusted/encoding/bytes.js";
import { decodeSign1 } from "../../src/trusted/encoding/cose.js";
import { Status } from "../../src/trusted/metrology/interval.js";
import type { StoredTopic } from "../head-end.js";
import { checkCredit } from "./credit-audit.js";
import type { Driver } from "./driver.js";
import type { Epoch } from "./message-model.js";
import { sendAgain } from "./network.js";
import { checkRollBack } from "./roll-back.js";
import { checkShares } from "./share-audit.js";
import { METER_ID, type Site } from "./site.js";
import { holds, Violation } from "./violation.js";

const TOPICS: Readonly<Record<number, StoredTopic>> = {
  1: "reading",
  3: "batch",
  4: "event",
  5: "pairing",
  6: "register",
};
const DOCUMENT_BYTES_MAX = 1024;
const KINDS = Object.keys(TOPICS).map(Number);
const epochOf = (document: Uint8Array) =>
  decodeStatement(decodeSign1(document, "batch-1", DOCUMENT_BYTES_MAX).payload).epoch;

/** Messages that are asked for in one request: what the network side holds at a time. */
const ASKED_AT_ONCE = 60;
const ROUNDS_MAX = 400;
/** Messages of a kind that one record carries, at most. */
const RECORD_MESSAGES_MAX = 3;

export class Audit {
  readonly #site: Site;
  readonly #driver: Driver;

  constructor(site: Site, driver: Driver) {
    this.#site = site;
    this.#driver = driver;
  }

  run(): void {
    this.#giveAgain();
    this.#fetch();
    this.#compareSums();
    const isWhole = this.#isWhole();
    if (isWhole) this.#checkCustomers();
    const { credit } = this.#site;
    if (credit) checkCredit(this.#site, credit.model, isWhole && !this.#site.plan.isSmall);
    this.#checkStatements();
    this.#checkTamper();
    if (this.#site.plan.faults.has("rosters")) checkShares(this.#site, this.#driver);
    const { remembered } = this.#driver;
    if (remembered) checkRollBack(this.#site, remembered);
    this.#site.keys.ended();
  }

  /** Everything that has ever left comes again, to the byte: the model compares. */
  #giveAgain(): void {
    const { messages, plan, worn } = this.#site;
    for (const kind of KINDS) {
      const numbers = [...messages.numbers(kind)];
      const kept = this.#kept(kind);
      const heard = messages.hearAgain(kind);
      for (let from = 0; from < kept.length; from += ASKED_AT_ONCE) {
        const asked = kept.slice(from, from + ASKED_AT_ONCE);
        const isHeard = () => asked.every((number) => heard.has(number));
        this.#driver.request(sendAgain(kind, asked[0] as number, asked.at(-1) as number));
        // No more than a thousand an hour are sent again.
        for (let minute = 0; minute < 70 && !isHeard(); minute++) this.#driver.wait();
      }
      const lost = kept.filter((number) => !heard.has(number));
      holds(lost.length === 0, "everything that has left can be given again", () => {
        return `${TOPICS[kind]} ${lost} of ${kept.length}`;
      });
      const gone = numbers.length - kept.length;
      const isExplained = plan.isSmall || worn.size > 0 || gone <= RECORD_MESSAGES_MAX * this.#driver.rotten;
      holds(
        isExplained,
        "a bit that rots costs a record",
        () => `${gone} of ${numbers.length} ${TOPICS[kind]}`,
      );
    }
  }

  /** What is still to be had of a kind: a small journal overwrites the oldest, and rot costs a record. */
  #kept(kind: number): readonly number[] {
    const numbers = [...this.#site.messages.numbers(kind)];
    const { plan, worn } = this.#site;
    if (!plan.isSmall && this.#driver.rotten + worn.size === 0) return numbers;
    const stored = this.#site.stored(kind);
    return numbers.filter((number) => stored.has(number));
  }

  /** What has not arrived is asked for until it has. */
  #fetch(): void {
    for (const kind of KINDS) {
      for (let round = 0; round < ROUNDS_MAX; round++) {
        const [first] = this.#missing(kind);
        if (first === undefined) break;
        this.#driver.request(sendAgain(kind, first, first + ASKED_AT_ONCE));
        this.#driver.wait();
      }
      const missing = this.#missing(kind);
      holds(missing.length === 0, "everything arrives", () => `${TOPICS[kind]} ${missing}`);
    }
  }

  #missing(kind: number): readonly number[] {
    const arrived = new Set(this.#site.headEnd.sequences(TOPICS[kind] as StoredTopic));
    const missing = this.#site.messages.numbers(kind).filter((number) => !arrived.has(number));
    if (missing.length === 0) return missing;
    const kept = new Set(this.#kept(kind));
    return missing.filter((number) => kept.has(number));
  }

  /** Whether nothing was overwritten before it had arrived. */
  #isWhole(): boolean {
    const { messages, headEnd } = this.#site;
    return KINDS.every((kind) => {
      return messages.numbers(kind).length === headEnd.sequences(TOPICS[kind] as StoredTopic).length;
    });
  }

  #compareSums(): void {
    const { messages, registers } = this.#site;
    const same = `${messages.sums_Wh}` === `${registers.shown_Wh}`;
    holds(same, "readings add up to the register's advance", () => {
      return `${messages.sums_Wh} Wh for ${registers.shown_Wh} Wh`;
    });
    const end = this.#driver.midnight_s / this.#site.plan.intervalSeconds;
    const unsealed = messages
      .numbers(1)
      .filter((interval) => interval >= messages.sealedTo && interval < end);
    holds(unsealed.length === 0, "every recorded interval is sealed at its day's end", () => `${unsealed}`);
  }

  /** The customer of each epoch checks the meter, by the certificates of all its software. */
  #checkCustomers(): void {
    const { messages, plan } = this.#site;
    const [certificate, ...renewals] = this.#site.certificates() as [Uint8Array, ...Uint8Array[]];
    const totals = plan.channels.map(() => 0);
    for (const epoch of messages.epochs) {
      const checked = this.#check(epoch, certificate, renewals);
      holds(
        checked.provisional.length === 0 || epoch === messages.epochs.at(-1),
        "every reading is sealed",
        () => {
          return `epoch ${epoch.epoch}: ${checked.provisional.map(({ interval }) => interval)}`;
        },
      );
      checked.totals_Wh.forEach((Wh, channel) => {
        totals[channel] = (totals[channel] as number) + Wh;
      });
    }
    const shown = this.#site.registers.shown_Wh;
    holds(`${totals}` === `${shown}`, "what the customers check adds up to the registers", () => {
      return `${totals} Wh for ${shown} Wh`;
    });
  }

  /** The newest customer checks the meter's whole life, the others what is of their epoch. */
  #check({ epoch, K, user }: Epoch, certificate: Uint8Array, renewals: readonly Uint8Array[]): CheckedMeter {
    const { headEnd, parties, messages } = this.#site;
    const isNewest = messages.epochs.at(-1)?.epoch === epoch;
    const isOwn = (document: Uint8Array) => isNewest || epochOf(document) === epoch;
    const record = {
      certificate,
      renewals,
      batches: headEnd.messages("batch").filter(isOwn),
      readings: headEnd.sequence("reading"),
      events: headEnd.sequence("event"),
      pairings: headEnd.messages("pairing").filter((_, at) => isNewest || at === epoch || at === epoch + 1),
    };
    try {
      return checkMeter(record, { meterId: METER_ID, epoch, K, user }, parties.authority.publicKey);
    } catch (error) {
      if (!(error instanceof VerificationError || error instanceof FormatError)) throw error;
      throw new Violation(`a customer's check passes: epoch ${epoch}: ${error.message}`);
    }
  }

  /** A tamper that is an event is in the status of the interval that was open then, if that was recorded. */
  #checkTamper(): void {
    const { messages, headEnd, tampered } = this.#site;
    for (const { type, time_s, sequence } of headEnd.messages("event").map(decodeEvent)) {
      // What a day had above eight is one count at its end, when nothing need be active.
      const open = type === EventType.TAMPER && time_s !== null ? tampered.get(time_s) : undefined;
      const status =
        open === undefined ? Status.TAMPER : (messages.readings.get(open)?.status ?? Status.TAMPER);
      holds((status & Status.TAMPER) !== 0, "a tamper that is an event stands in its interval", () => {
        return `event ${sequence}, interval ${open}, status ${status}`;
      });
    }
  }

  #checkStatements(): void {
    for (const document of this.#site.headEnd.messages("register")) {
      verifySigned("register-1", document, this.#site.enrolment.signingKey, 512);
    }
  }
}
