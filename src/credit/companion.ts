// Pre-payment and the load switch beside the metrology unit, behind its Companion port. All that has happened is in
// the unit's 64 bytes; here is what can be made anew: the tariff, decoded, the contacts, and what is shown. The
// unit asks, at each step, each close of an interval and each command; nothing here calls it, and nothing has a network:
// a tariff's bytes are handed in by whoever carries them, and count once a signed command names their digest.
import { FormatError, sameBytes } from "../trusted/encoding/bytes.js";
import { CborReader } from "../trusted/encoding/cbor.js";
import { DAY_SECONDS } from "../trusted/metrology/interval.js";
import type { Button, Companion, CompanionAnswer } from "../trusted/ports.js";
import { type Account, decodeAccount, encodeAccount, Level, NEW_ACCOUNT } from "./account.js";
import {
  balance,
  balanceNow,
  beginDay,
  changeSettings,
  changeTariff,
  drawInterval,
  mustBeOpen,
  relevel,
  Switch,
  type Terms,
  topUp,
} from "./credit.js";
import { LoadSwitch } from "./load-switch.js";
import type { Relay, TariffStore } from "./ports.js";
import { creditLines } from "./shown.js";
import { CreditTariff, hasForm, isOfId } from "./valuation.js";

/** Between two valuations of what flows, ms: steps come as fast as there is work. */
const VALUE_EVERY_MS = 1_000;
/** From an answer to the next, ms: the unit would not hear one before (ports.ts). */
const ANSWER_EVERY_MS = 10_000;
const DIGEST_BYTES = 32;
const Kind = { LOAD_SWITCH: 4, TOP_UP: 5, TARIFF: 6, SETTINGS: 7 } as const;
const Order = { OPEN: 0, ARM: 1 } as const;
const SLOTS = [0, 1] as const;

export interface CompanionParts {
  readonly relay: Relay;
  readonly tariffs: TariffStore;
  /** A person asks for the supply to be closed. */
  readonly closing: Button;
}

export class CreditCompanion implements Companion {
  readonly #parts: CompanionParts;
  readonly #contacts: LoadSwitch;
  #channels: readonly string[] = [];
  #intervalSeconds = 0;
  #tariff: CreditTariff | null = null;
  /** The newest tariff that was handed in, until a command names it. */
  #offered: Uint8Array | null = null;
  /** The switch as it is durable. */
  #switch: number = Switch.OPEN;
  #valued_ms = Number.NEGATIVE_INFINITY;
  #answered_ms = Number.NEGATIVE_INFINITY;
  /** A person has asked for the switch to be closed, since the last answer. */
  #isAsked = false;
  /** Whether the time was known at the last valuation. */
  #wasTimed = false;
  /** The level may rise: what it rests on has changed otherwise than by what flows. */
  #mayRise = false;
  /** For the display: the account, and its balance with what flows, nano-currency. */
  #account: Account = NEW_ACCOUNT;
  #balance = 0n;

  constructor(parts: CompanionParts) {
    this.#parts = parts;
    this.#contacts = new LoadSwitch(parts.relay);
  }

  /** @throws FormatError for an account of another version. */
  begin(state: Uint8Array, channels: readonly string[], intervalSeconds: number): void {
    this.#channels = channels;
    this.#intervalSeconds = intervalSeconds;
    this.#account = decodeAccount(state);
    for (const slot of SLOTS) {
      const document = this.#parts.tariffs.load(slot);
      if (document && isOfId(document, this.#account.tariffId)) this.#tariff = this.#read(document);
    }
    this.#balance = balance(this.#account, this.#terms);
  }

  intervalClosed(
    state: Uint8Array,
    interval: number,
    _status: number,
    Wh: readonly number[],
  ): CompanionAnswer {
    this.#mayRise = true;
    const drawn = drawInterval(decodeAccount(state), this.#terms, interval, Wh);
    // What follows for the switch is for the look that comes with the next step.
    return this.#answer(drawn, this.#switch);
  }

  look(
    state: Uint8Array,
    now_ms: number,
    time_s: number | null,
    Wh: readonly number[],
  ): CompanionAnswer | null {
    this.#contacts.step(now_ms);
    if (this.#parts.closing.pressed()) this.#isAsked = true;
    const isDue = this.#isAsked || now_ms - this.#valued_ms >= VALUE_EVERY_MS;
    if (!isDue || now_ms - this.#answered_ms < ANSWER_EVERY_MS) return null;
    this.#valued_ms = now_ms;
    const account = decodeAccount(state);
    const day = time_s === null ? account.day : Math.floor(time_s / DAY_SECONDS);
    const begun = day === account.day ? account : beginDay(account, day);
    // What was crossed yesterday is told now; what is crossed in this very look, tomorrow.
    const isTold = day !== account.day && account.crossed;
    const next = this.#value(isTold ? { ...begun, crossed: false } : begun, time_s, Wh);
    const loadSwitch = this.#wanted(next, time_s, this.#isAsked);
    this.#isAsked = false;
    const answer = this.#answer(next, loadSwitch);
    if (!isTold && loadSwitch === this.#switch && sameBytes(answer.companion, state)) return null;
    this.#answered_ms = now_ms;
    return { ...answer, crossed: isTold };
  }

  command(state: Uint8Array, kind: number, item: Uint8Array, time_s: number | null): CompanionAnswer | null {
    const changed = this.#obeyed(decodeAccount(state), kind, item, time_s);
    if (!changed) return null;
    this.#mayRise = true;
    return this.#answer(changed, this.#wanted(changed, time_s, false));
  }

  switched(loadSwitch: number): void {
    this.#switch = loadSwitch;
    this.#contacts.put(loadSwitch);
  }

  /**
   * Takes a signed tariff from whoever carries it, to be named by a command later; the newest one counts. One that the
   * account names and that was lost is stored again at once. Others are not taken apart: decoded, a tariff is many
   * times as large, and anyone may offer one.
   * @returns whether it is kept: it has the form of a signed tariff, and its size is no more than a meter takes.
   */
  offer(document: Uint8Array): boolean {
    if (!hasForm(document)) return false;
    const { tariffId } = this.#account;
    if (!this.#tariff && isOfId(document, tariffId)) return this.#restore(document);
    this.#offered = document.slice();
    return true;
  }

  /** What the meter shows of credit and switch beside what the unit shows; nothing while there is nothing to say. */
  lines(): readonly string[] {
    return creditLines({
      account: this.#account,
      balance: this.#balance,
      tariff: this.#tariff?.signed.tariff ?? null,
      timed: this.#wasTimed,
      loadSwitch: this.#switch,
      fault: this.#contacts.fault,
    });
  }

  /** Whether the contacts are not where they were put: the unit's tamper input 5. */
  get tampered(): boolean {
    return this.#contacts.fault !== null;
  }

  get #terms(): Terms {
    return { tariff: this.#tariff, channels: this.#channels, intervalSeconds: this.#intervalSeconds };
  }

  #answer(account: Account, loadSwitch: number): CompanionAnswer {
    this.#account = account;
    return { companion: encodeAccount(account), loadSwitch };
  }

  /** What flows is valued. It lowers the level at any time, and does not raise it: export would by fits and starts. */
  #value(account: Account, time_s: number | null, Wh: readonly number[]): Account {
    const mayRise = this.#mayRise || (time_s !== null) !== this.#wasTimed;
    this.#mayRise = false;
    this.#wasTimed = time_s !== null;
    if (!account.prepayment) return account;
    this.#balance = balanceNow(account, this.#terms, time_s, Wh);
    const relevelled = relevel(account, this.#balance);
    return relevelled.level < account.level && !mayRise ? account : relevelled;
  }

  /** Nothing closes without credit, in protected times either; these only keep closed what is. */
  #wanted(account: Account, time_s: number | null, isAsked: boolean): number {
    if (mustBeOpen(account, this.#terms, time_s)) return Switch.OPEN;
    if (this.#switch === Switch.CLOSED) return Switch.CLOSED;
    if (account.prepayment && account.level === Level.USED_UP) return Switch.OPEN;
    return isAsked && this.#switch === Switch.READY ? Switch.CLOSED : Switch.READY;
  }

  /** Null for a malformed argument: on a device the unit is linked apart, and this FormatError is none of its own. */
  #obeyed(account: Account, kind: number, item: Uint8Array, time_s: number | null): Account | null {
    try {
      return this.#obey(account, kind, item, time_s);
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }

  /** @throws FormatError for a malformed argument. */
  #obey(account: Account, kind: number, item: Uint8Array, time_s: number | null): Account | null {
    switch (kind) {
      case Kind.LOAD_SWITCH: {
        const reader = new CborReader(item, "load switch");
        const order = reader.uint(Order.ARM);
        reader.end();
        return { ...account, isOrderedOpen: order === Order.OPEN };
      }
      case Kind.TOP_UP:
        return topUp(account, item);
      case Kind.TARIFF:
        return this.#changeTariff(account, item, time_s);
      case Kind.SETTINGS:
        return changeSettings(account, this.#terms, item);
      default:
        return null;
    }
  }

  /** The bytes are stored before the state that names them; until then the state names the other slot's. */
  #changeTariff(account: Account, item: Uint8Array, time_s: number | null): Account | null {
    const reader = new CborReader(item, "credit tariff");
    const digest = reader.bytes(DIGEST_BYTES);
    reader.end();
    const found = this.#find(digest);
    if (!found || !isValidAt(found.tariff, time_s)) return null;
    const changed = changeTariff(account, this.#terms, found.tariff);
    if (!changed) return null;
    if (!this.#parts.tariffs.save(this.#freeSlot(account), found.document)) return null;
    this.#tariff = found.tariff;
    this.#offered = null;
    return changed;
  }

  /** A tariff of this digest among what was handed in and what is stored. */
  #find(digest: Uint8Array): { readonly tariff: CreditTariff; readonly document: Uint8Array } | null {
    for (const document of [this.#offered, ...SLOTS.map((slot) => this.#parts.tariffs.load(slot))]) {
      const tariff = document && isOfId(document, digest) ? this.#read(document) : null;
      if (document && tariff) return { tariff, document };
    }
    return null;
  }

  /** The slot that does not hold what the account names. */
  #freeSlot({ tariffId }: Account): 0 | 1 {
    const document = this.#parts.tariffs.load(0);
    return document && isOfId(document, tariffId) ? 1 : 0;
  }

  #restore(document: Uint8Array): boolean {
    const tariff = this.#read(document);
    if (!tariff) return false;
    // If it cannot be stored it does until the power fails, and is lost again then.
    this.#parts.tariffs.save(0, document);
    this.#tariff = tariff;
    return true;
  }

  #read(document: Uint8Array): CreditTariff | null {
    try {
      return new CreditTariff(document, this.#channels, this.#intervalSeconds);
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }
}

/** Whether a tariff is in force; while the time is unknown it is taken to be. */
function isValidAt({ signed }: CreditTariff, time_s: number | null): boolean {
  const { notBefore_s, notAfter_s } = signed.tariff;
  return time_s === null || (notBefore_s <= time_s && time_s < notAfter_s);
}
