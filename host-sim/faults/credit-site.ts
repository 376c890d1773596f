// Where a meter on pre-payment stands: the credit logic between the unit and its contacts, the place for its tariffs,
// and the button that closes. What the unit asks the logic, the model is told with the answer; what drives the contacts
// and what is stored is looked at as it happens.
import { bytesToHex } from "@noble/hashes/utils.js";
import { CreditCompanion } from "../../src/credit/companion.js";
import type { Relay, TariffStore } from "../../src/credit/ports.js";
import { CreditTariff } from "../../src/credit/valuation.js";
import { readTariff } from "../../src/tariff/document.js";
import { FormatError, sameBytes } from "../../src/trusted/encoding/bytes.js";
import { SWITCH_CLOSED } from "../../src/trusted/journal/state.js";
import type { Button, Companion } from "../../src/trusted/ports.js";
import { PowerCut } from "../flash.js";
import { BistableRelay } from "../relay.js";
import type { ClosedInterval } from "./companion.js";
import type { CompanionModel } from "./companion-model.js";
import { CreditModel, type HandedTariff } from "./credit-model.js";
import { holds } from "./violation.js";

const SLOTS = [0, 1] as const;
/** Nano-currency of a hundredth. */
const CENT = 10_000_000n;
/** Contacts that are wanted open have opened after this; to close they and what is behind them need a rest, ms. */
const OPENS_MS = 5_000;
const CLOSES_MS = 25_000;

/** Two places for tariffs, and what may go wrong with them. */
export class SiteTariffs implements TariffStore {
  readonly #slots: (Uint8Array | null)[] = [null, null];
  /** Whether the power fails in the next save: before anything was written, in it, or after. */
  cut: "before" | "torn" | "after" | null = null;
  /** Called before and after each save. */
  watch: () => void = () => {};

  load(slot: 0 | 1): Uint8Array | null {
    return this.#slots[slot]?.slice() ?? null;
  }

  save(slot: 0 | 1, document: Uint8Array): boolean {
    const { cut } = this;
    this.cut = null;
    if (cut === "before") throw new PowerCut("the power failed before a tariff was stored");
    this.#slots[slot] = cut === "torn" ? null : document.slice();
    this.watch();
    if (cut) throw new PowerCut(`the power failed, a tariff being ${cut === "torn" ? "torn" : "stored"}`);
    return true;
  }

  /** What is in it rots. */
  lose(slot: 0 | 1): void {
    this.#slots[slot] = null;
  }
}

interface Options {
  readonly channels: readonly string[];
  readonly intervalSeconds: number;
  readonly companion: CompanionModel;
  /** Told of an interval that closes before anything else is. */
  readonly closes: (closed: ClosedInterval) => void;
}

export class CreditSite {
  readonly #options: Options;
  readonly relay = new BistableRelay();
  readonly tariffs = new SiteTariffs();
  readonly model: CreditModel;
  /** Held down by a person. */
  isHeld = false;
  #credit: CreditCompanion | null = null;
  /** Handed in since power-up, and not in force yet. */
  #offered: HandedTariff | null = null;
  /** Whether the tariff in force was found at power-up, or handed in again. */
  #isFound = false;
  /** Whether it is in RAM alone. */
  #isRotten = false;
  #begun: Uint8Array | null = null;
  #told: number | null = null;
  #wanted: { readonly isClosed: boolean; readonly since_ms: number } | null = null;

  constructor(options: Options) {
    this.#options = options;
    const { channels, intervalSeconds, companion } = options;
    this.model = new CreditModel({
      channels,
      intervalSeconds,
      companion,
      find: (digest) => this.#find(digest),
      isLost: () => this.model.tariff !== null && !this.#isFound,
    });
    this.tariffs.watch = () => this.#saved();
  }

  /** The credit logic of a device that is powered up, with the model beside it. */
  powerUp(): Companion {
    const { closes, companion } = this.#options;
    const credit = new CreditCompanion({
      relay: this.#relay(),
      tariffs: this.tariffs,
      closing: this.#button(),
    });
    this.#credit = credit;
    this.#offered = null;
    this.#begun = null;
    this.#wanted = null;
    this.tariffs.cut = null;
    return {
      begin: (state, ...configuration) => {
        this.#begun = state.slice();
        credit.begin(state, ...configuration);
      },
      intervalClosed: (state, interval, status, Wh) => {
        closes({ interval, status, readings: Wh });
        companion.asked(state);
        const answer = credit.intervalClosed(state, interval, status, Wh);
        this.model.closed(answer, { interval, Wh: [...Wh] });
        return answer;
      },
      look: (state, now_ms, time_s, Wh) => {
        companion.asked(state);
        const answer = credit.look(state, now_ms, time_s, Wh);
        this.#checkContacts(now_ms);
        this.model.looked(answer, now_ms, { time_s, Wh });
        this.#checkDisplay();
        return answer;
      },
      command: (state, kind, item, time_s) => {
        companion.asked(state);
        const { tariff } = this.model;
        const answer = unlessMalformed(() => credit.command(state, kind, item, time_s));
        this.model.judged(answer, kind, item, time_s);
        if (answer && this.model.tariff !== tariff) this.#takenUp();
        return answer;
      },
      switched: (loadSwitch) => {
        this.#told = loadSwitch;
        credit.switched(loadSwitch);
      },
    };
  }

  /** Power is back, and what the unit holds is settled. */
  restarted(companion: Uint8Array, loadSwitch: number): void {
    const begun = this.#begun;
    holds(
      begun !== null && sameBytes(begun, companion),
      "the credit logic begins with what is durable",
      () => {
        return bytesToHex(begun ?? new Uint8Array());
      },
    );
    this.model.restarted(loadSwitch);
    const { tariff } = this.model;
    this.#isFound = tariff !== null && this.#isStored(tariff);
    this.#isRotten = false;
  }

  /** Where the switch was said to be last. */
  get told(): number | null {
    return this.#told;
  }

  get tampered(): boolean {
    return this.#credit?.tampered ?? false;
  }

  /** Whether what flows reaches the home. */
  get conducting(): boolean {
    return this.relay.conducting;
  }

  /**
   * Hands a tariff's bytes to the logic, as its network machine does. The newest one counts, whatever it is worth: that
   * is found out when a command names it.
   * @param isUsable whether credit can be drawn by it; null where that is not known.
   * @returns whether it is kept.
   */
  offer(document: Uint8Array, isUsable: boolean | null): boolean {
    const isTaken = this.#credit?.offer(document) ?? false;
    const isDrawn = this.#isDrawable(document);
    holds(
      isTaken || !isDrawn,
      "a tariff is kept that credit can be drawn by",
      () => `${document.length} bytes`,
    );
    holds(
      isUsable === null || isDrawn === isUsable,
      "credit is drawn by what the supplier makes for it",
      () => {
        return `${document.length} bytes are ${isDrawn ? "a tariff" : "none"}`;
      },
    );
    if (!isTaken) return false;
    const handed = isDrawn ? { ...readTariff(document), document: document.slice() } : null;
    const { tariff } = this.model;
    if (handed && tariff && !this.#isFound && sameBytes(tariff.digest, handed.digest)) this.#isFound = true;
    else this.#offered = handed;
    return true;
  }

  #isDrawable(document: Uint8Array): boolean {
    const { channels, intervalSeconds } = this.#options;
    try {
      return new CreditTariff(document, channels, intervalSeconds) !== null;
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  }

  /** The tariff in force rots, and nobody knows before the next power-up. */
  rot(): void {
    const { tariff } = this.model;
    this.#isRotten = true;
    for (const slot of SLOTS) {
      const document = this.tariffs.load(slot);
      if (document && tariff && sameBytes(readTariff(document).digest, tariff.digest))
        this.tariffs.lose(slot);
    }
  }

  /** Faults of the contacts end. */
  mend(): void {
    this.relay.jam = null;
    this.relay.backFed = false;
    this.tariffs.cut = null;
  }

  #find(digest: Uint8Array): HandedTariff | null {
    const stored = SLOTS.flatMap((slot) => {
      const document = this.tariffs.load(slot);
      return document ? [{ ...readTariff(document), document }] : [];
    });
    const all = this.#offered ? [this.#offered, ...stored] : stored;
    return all.find((one) => sameBytes(one.digest, digest)) ?? null;
  }

  #isStored({ digest }: HandedTariff): boolean {
    return SLOTS.some((slot) => {
      const document = this.tariffs.load(slot);
      return document !== null && sameBytes(readTariff(document).digest, digest);
    });
  }

  #takenUp(): void {
    this.#isFound = true;
    this.#isRotten = false;
    this.#offered = null;
  }

  /** Until the unit names another, the tariff in force stays where it is. */
  #saved(): void {
    const { tariff } = this.model;
    if (!tariff || !this.#isFound || this.#isRotten) return;
    holds(this.#isStored(tariff), "the tariff in force is not overwritten", () => tariff.tariff.name);
  }

  #button(): Button {
    return {
      pressed: () => {
        const { isHeld } = this;
        this.isHeld = false;
        if (isHeld) this.model.isAsked = true;
        return isHeld;
      },
    };
  }

  #relay(): Relay {
    return {
      drive: (closed) => {
        const { loadSwitch } = this.#options.companion;
        holds(!closed || loadSwitch === SWITCH_CLOSED, "contacts close once that is durable", () => {
          return `the switch is ${loadSwitch}`;
        });
        this.relay.drive(closed);
      },
      feedback: () => this.relay.feedback(),
    };
  }

  /** Credit is shown with what flows, to the hundredth, and rounded down. */
  #checkDisplay(): void {
    const { shown } = this.model;
    const [line = ""] = this.#credit?.lines() ?? [];
    if (shown === null) return;
    const cents = (shown - (((shown % CENT) + CENT) % CENT)) / CENT;
    const [, sign = "", whole = "", part = ""] = /^credit (-?)(\d+)\.(\d\d)/.exec(line) ?? [];
    holds(BigInt(`${sign}${whole}${part}`) === cents, "the display shows what is left", () => {
      return `"${line}" for ${shown}`;
    });
  }

  /** Contacts that can move are where the durable state wants them. */
  #checkContacts(now_ms: number): void {
    const isClosed = this.#options.companion.loadSwitch === SWITCH_CLOSED;
    if (this.#wanted?.isClosed !== isClosed) this.#wanted = { isClosed, since_ms: now_ms };
    const waited_ms = now_ms - this.#wanted.since_ms;
    if (this.relay.jam || waited_ms < (isClosed ? CLOSES_MS : OPENS_MS)) return;
    holds(this.relay.conducting === isClosed, "the contacts go where the durable state wants them", () => {
      return `${waited_ms} ms after it wants them ${isClosed ? "closed" : "open"}`;
    });
  }
}

/** The unit refuses what the logic finds malformed as it refuses everything else. */
function unlessMalformed<Answer>(ask: () => Answer): Answer | null {
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return null;
  }
}
