// The account of a meter on pre-payment as it must be, said before the meter says it: whatever the Companion is asked,
// the model knows what must come of it, and what the unit has made durable is where it goes on from. Amounts come from
// the bills of the whole history (credit-ledger.ts); of the meter's own account only the balance is asked for.
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Account } from "../../src/credit/account.js";
import { decodeAccount } from "../../src/credit/account.js";
import { balance } from "../../src/credit/credit.js";
import { CreditTariff } from "../../src/credit/valuation.js";
import type { Tariff } from "../../src/tariff/document.js";
import { offsetAt_s } from "../../src/tariff/evaluate.js";
import { sameBytes } from "../../src/trusted/encoding/bytes.js";
import { DAY_SECONDS } from "../../src/trusted/metrology/interval.js";
import type { CompanionAnswer } from "../../src/trusted/ports.js";
import type { CompanionModel } from "./companion-model.js";
import { type BilledPeriod, Bills, type DrawnInterval, type Flowing } from "./credit-ledger.js";
import { type AmountName, type Meaning, meaningOf } from "./credit-meaning.js";
import { holds } from "./violation.js";

const [OPEN, READY, CLOSED] = [0, 1, 2];
const [GOOD, LOW, EMERGENCY, USED_UP] = [0, 1, 2, 3] as const;
const MILLI = 1_000_000n;
const MICRO = 1_000n;
const TOP_UPS_A_DAY = 4;
/** Credit is looked at so often, and an answer is heard so long after the last, ms. */
const VALUED_EVERY_MS = 1_000;
const HEARD_EVERY_MS = 10_000;
/** Events of a type that a day tells one by one. */
const SINGLY_A_DAY = 8;
/** Of looks that change nothing one in so many is gone into: each makes a bill. */
const LOOKS = 4;
const QUARTER_S = 900;

/** A tariff whose bytes were handed to the meter. */
export interface HandedTariff {
  readonly tariff: Tariff;
  readonly digest: Uint8Array;
  readonly document: Uint8Array;
}

/** What must be in the account. Amounts of settings are thousandths of the currency. */
interface Book {
  readonly prepayment: boolean;
  readonly isOrderedOpen: boolean;
  readonly crossed: boolean;
  readonly tariffChangedToday: boolean;
  readonly topUpsToday: number;
  readonly level: number;
  /** UTC day. */
  readonly day: number;
  readonly amounts: Readonly<Record<AmountName, number>>;
  readonly tariff: HandedTariff | null;
  /** Nano-currency: top-ups, instalments, and what was billed for good. */
  readonly paid: bigint;
  readonly collected: bigint;
  readonly billed: bigint;
  readonly period: BilledPeriod | null;
}

/** Something that the unit must have told of by an event. */
export interface ToldEvent {
  readonly type: number;
  readonly detail: number | null;
  /** Whether others before it may have used up what is told singly of its type that day. */
  readonly isMany: boolean;
}

/** How often what has happened: tells whether a scenario was worth its while. */
export interface CreditCounts {
  readonly topUps: number;
  readonly tariffs: number;
  readonly disconnections: number;
  /** Disconnections while the time was unknown. */
  readonly untimed: number;
  readonly closings: number;
  readonly crossings: number;
}

const NEW_BOOK: Book = {
  prepayment: false,
  isOrderedOpen: false,
  crossed: false,
  tariffChangedToday: false,
  topUpsToday: 0,
  level: GOOD,
  day: 0,
  amounts: {
    low: 0,
    emergency: 0,
    debt: 0,
    debtPerDay: 0,
    protectedFrom: 0,
    protectedTo: 0,
    protectedWeekdays: 0,
    protectedFirst: 0,
    protectedLast: 0,
  },
  tariff: null,
  paid: 0n,
  collected: 0n,
  billed: 0n,
  period: null,
};

/** What the model asks of the site. */
export interface Stored {
  /** The tariff of this digest among what the meter holds; null for none. */
  readonly find: (digest: Uint8Array) => HandedTariff | null;
  /** Whether the tariff in force is lost. */
  readonly isLost: () => boolean;
}

interface Options extends Stored {
  readonly channels: readonly string[];
  readonly intervalSeconds: number;
  readonly companion: CompanionModel;
}

export class CreditModel {
  readonly #options: Options;
  readonly #bills: Bills;
  /** As it is durable, and with this step's answers. */
  #book = NEW_BOOK;
  #newest = NEW_BOOK;
  #switch = CLOSED;
  #valued_ms = Number.NEGATIVE_INFINITY;
  #heard_ms = Number.NEGATIVE_INFINITY;
  #looks = 0;
  #mayRise = false;
  #wasTimed = false;
  /** A person has asked for the supply since the last look that counted. */
  isAsked = false;
  /** What the meter must show of credit after a look, nano-currency; null where that was not gone into. */
  shown: bigint | null = null;
  /** Every interval that was drawn; and those that were not, since nothing is pre-paid or the tariff was lost. */
  readonly drawn = new Map<number, readonly number[]>();
  readonly passed = new Set<number>();
  readonly events: ToldEvent[] = [];
  /** Moves of the switch since a day of the unit was seen to begin, and in the one before: it began somewhat earlier. */
  #moves = { today: 0, before: 0 };
  readonly counts = { topUps: 0, tariffs: 0, disconnections: 0, untimed: 0, closings: 0, crossings: 0 };
  readonly #valuations = new Map<string, CreditTariff>();

  constructor(options: Options) {
    this.#options = options;
    this.#bills = new Bills(options.channels, options.intervalSeconds);
  }

  get tariff(): HandedTariff | null {
    return this.#newest.tariff;
  }

  get prepayment(): boolean {
    return this.#newest.prepayment;
  }

  /** Nano-currency, up to the last interval. */
  get balance(): bigint {
    return this.#balance(this.#newest);
  }

  get level(): number {
    return this.#newest.level;
  }

  /** The unit is powered up; what it holds is settled. */
  restarted(loadSwitch: number): void {
    this.#newest = this.#book;
    this.#switch = loadSwitch;
    this.#valued_ms = Number.NEGATIVE_INFINITY;
    this.#heard_ms = Number.NEGATIVE_INFINITY;
    this.#mayRise = false;
    this.#wasTimed = false;
    this.isAsked = false;
  }

  /** A day of the unit has begun for certain. */
  dayBegun(): void {
    this.#moves = { today: 0, before: this.#moves.today };
  }

  /** An interval closes. */
  closed(answer: CompanionAnswer, one: DrawnInterval): void {
    const before = this.#newest;
    const isDrawn = before.prepayment && !this.#options.isLost();
    const next = this.#drawn(before, one);
    this.#mayRise = true;
    this.#expect(answer, next, this.#switch);
    if (!isDrawn) this.passed.add(one.interval);
    this.#options.companion.answered(answer, () => {
      this.#book = next;
      if (isDrawn) this.drawn.set(one.interval, one.Wh);
    });
  }

  #drawn(book: Book, one: DrawnInterval): Book {
    if (!book.prepayment || !book.tariff) return book;
    const { tariff } = book.tariff;
    if (this.#options.isLost())
      return { ...book, billed: book.billed + this.#bills.mostWithTaxes(tariff, one.Wh) };
    const periods = this.#bills.record(tariff, book.period, one);
    const ended = periods.slice(0, -1).reduce((sum, period) => sum + this.#bills.total(tariff, period), 0n);
    return { ...book, billed: book.billed + ended, period: periods.at(-1) ?? null };
  }

  /** The Companion looks. */
  looked(answer: CompanionAnswer | null, now_ms: number, flowing: Flowing): void {
    this.shown = null;
    const isValued = this.isAsked || now_ms - this.#valued_ms >= VALUED_EVERY_MS;
    if (!isValued || now_ms - this.#heard_ms < HEARD_EVERY_MS) {
      holds(answer === null, "the credit logic says nothing that is not heard", () => `at ${now_ms} ms`);
      return;
    }
    this.#valued_ms = now_ms;
    const mayRise = this.#mayRise || (flowing.time_s !== null) !== this.#wasTimed;
    const before = this.#newest;
    const begun = beginDay(before, flowing.time_s);
    const isTold = before.crossed && begun.day !== before.day;
    this.#looks++;
    const isGoneInto = answer !== null || mayRise || this.#looks % LOOKS === 0;
    const told = isTold ? { ...begun, crossed: false } : begun;
    const next = isGoneInto ? this.#levelled(told, flowing, mayRise, answer) : told;
    const wanted = this.#wanted(next, flowing.time_s, this.isAsked);
    this.#mayRise = false;
    this.#wasTimed = flowing.time_s !== null;
    this.isAsked = false;
    if (!answer) {
      const isSame = next === before && wanted === this.#switch;
      holds(isSame, "credit, its day and the switch are followed at once", () => {
        return `nothing is said: ${this.#text(before)}, then ${this.#text(next)}; switch ${this.#switch}, then ${wanted}`;
      });
      return;
    }
    this.#heard_ms = now_ms;
    holds((answer.crossed === true) === isTold, "what was crossed is told the next day, once", () => {
      return `told ${answer.crossed}, due ${isTold}`;
    });
    this.#expect(answer, next, wanted);
    this.#disconnects(before, next, wanted, flowing);
    this.#options.companion.answered(answer, this.#adopting(next, wanted, isTold));
    this.#switch = wanted;
  }

  /** The level at what the balance is now. Where a bill could not say it, it is as the meter says. */
  #levelled(book: Book, flowing: Flowing, mayRise: boolean, answer: CompanionAnswer | null): Book {
    if (!book.prepayment || !book.tariff) return book;
    const now = this.#now(book, flowing);
    this.shown = now;
    if (now === null && !answer) return book;
    const level =
      now === null ? decodeAccount(answer?.companion ?? new Uint8Array(64)).level : levelAt(book, now);
    if (level === book.level || (level < book.level && !mayRise)) return book;
    return { ...book, level, crossed: book.crossed || level > book.level };
  }

  #now(book: Book, flowing: Flowing): bigint | null {
    const { tariff } = book.tariff ?? { tariff: null };
    if (!tariff) return null;
    const settled = book.paid - book.collected - book.billed;
    if (this.#options.isLost()) {
      return this.#balance(book) - this.#bills.mostWithTaxes(tariff, flowing.Wh);
    }
    const total = this.#bills.totalNow(tariff, book.period, flowing);
    return total === null ? null : settled - total;
  }

  /** Whoever cuts a supply for want of credit is right, and this is no time in which nobody is cut off. */
  #disconnects(before: Book, next: Book, wanted: number, flowing: Flowing): void {
    if (this.#switch !== CLOSED || wanted !== OPEN || next.isOrderedOpen) return;
    this.counts.disconnections++;
    if (flowing.time_s === null) this.counts.untimed++;
    const now = this.#now(next, flowing);
    const isDue = before.level === USED_UP || now === null || now <= -BigInt(next.amounts.emergency) * MILLI;
    holds(next.prepayment && isDue, "nobody is cut off who has credit", () => this.#text(next));
    const isProtected = flowing.time_s !== null && this.#protects(next, flowing.time_s);
    holds(
      !isProtected,
      "nobody is cut off in protected times",
      () => `${flowing.time_s} ${this.#text(next)}`,
    );
  }

  /** A command is judged. @param answer null where it was refused. */
  judged(answer: CompanionAnswer | null, kind: number, argument: Uint8Array, time_s: number | null): void {
    const before = this.#newest;
    const meaning = meaningOf(kind, argument);
    const next = meaning && this.#obeyed(before, meaning, time_s);
    holds((answer !== null) === (next !== null), "the credit logic takes what it must, and no more", () => {
      return `kind ${kind}, ${bytesToHex(argument)}: ${answer ? "taken" : "refused"}; ${this.#text(before)}`;
    });
    if (!answer || !next || !meaning) {
      this.#options.companion.judge(null);
      return;
    }
    this.#mayRise = true;
    const wanted = this.#wanted(next, time_s, false);
    holds(!answer.crossed, "a command tells of no crossing", () => `kind ${kind}`);
    this.#expect(answer, next, wanted);
    const adopt = this.#adopting(next, wanted, false);
    this.#options.companion.judge(answer, () => {
      adopt();
      if (meaning.kind === "top-up") this.counts.topUps++;
      if (meaning.kind === "tariff") this.counts.tariffs++;
    });
    this.#switch = wanted;
  }

  #obeyed(book: Book, meaning: Meaning, time_s: number | null): Book | null {
    switch (meaning.kind) {
      case "switch":
        return { ...book, isOrderedOpen: meaning.isOpen };
      case "top-up": {
        if (book.topUpsToday === TOP_UPS_A_DAY) return null;
        const paid = book.paid + BigInt(meaning.micro) * MICRO;
        return { ...book, paid, topUpsToday: book.topUpsToday + 1 };
      }
      case "tariff": {
        const tariff = this.#options.find(meaning.digest);
        if (!tariff || book.tariffChangedToday || !isInForce(tariff.tariff, time_s)) return null;
        const { to } = book.period ?? { to: 0 };
        const period = book.period ? { from: to, to, drawn: [] } : null;
        return { ...this.#ended(book), tariff, tariffChangedToday: true, period };
      }
      default:
        return this.#set(book, meaning.values);
    }
  }

  #set(book: Book, values: Extract<Meaning, { kind: "settings" }>["values"]): Book | null {
    const { mode, ...amounts } = Object.fromEntries(values);
    const changed = { ...book, amounts: { ...book.amounts, ...amounts } };
    const prepayment = mode === undefined ? book.prepayment : mode === 1;
    if (prepayment && (!book.tariff || this.#options.isLost())) return null;
    if (prepayment === book.prepayment) return changed;
    return { ...this.#ended(changed), prepayment, level: GOOD, period: null };
  }

  /** The period is billed. Of a lost tariff the meter remembers no more than what rates have come to. */
  #ended(book: Book): Book {
    const { period, tariff } = book;
    if (!period || !tariff) return book;
    const total = this.#owed(tariff.tariff, period);
    return { ...book, billed: book.billed + total };
  }

  #owed(tariff: Tariff, period: BilledPeriod): bigint {
    return this.#options.isLost() ? this.#bills.net(tariff, period) : this.#bills.total(tariff, period);
  }

  #balance({ paid, collected, billed, tariff, period }: Book): bigint {
    return paid - collected - billed - (tariff && period ? this.#owed(tariff.tariff, period) : 0n);
  }

  #wanted(book: Book, time_s: number | null, isAsked: boolean): number {
    const isUsedUp = book.prepayment && book.level === USED_UP;
    if (book.isOrderedOpen) return OPEN;
    if (this.#switch === CLOSED)
      return isUsedUp && (time_s === null || !this.#protects(book, time_s)) ? OPEN : CLOSED;
    if (isUsedUp) return OPEN;
    return isAsked && this.#switch === READY ? CLOSED : READY;
  }

  /** By the tariff's clock; a meter that has lost it goes by UTC. */
  #protects(book: Book, time_s: number): boolean {
    const { tariff } = this.#options.isLost() ? { tariff: null } : book;
    return protects(book, time_s + (tariff ? offsetAt_s(tariff.tariff, time_s) : 0));
  }

  /** What the meter keeps is what must come of what it was asked. */
  #expect({ companion, loadSwitch }: CompanionAnswer, book: Book, wanted: number): void {
    const account = decodeAccount(companion);
    const found = factsOf(account);
    const due = { ...book.amounts, ...flagsOf(book), valuedTo: book.period?.to ?? 0 };
    const names = Object.keys(due).filter((name) => Reflect.get(found, name) !== Reflect.get(due, name));
    holds(names.length === 0, "the account is what has happened", () => {
      return names
        .map((name) => `${name} ${Reflect.get(found, name)} for ${Reflect.get(due, name)}`)
        .join(", ");
    });
    const id =
      book.tariff?.digest.subarray(0, account.tariffId.length) ?? new Uint8Array(account.tariffId.length);
    holds(sameBytes(account.tariffId, id), "the tariff in force is the one that was named", () => {
      return bytesToHex(account.tariffId);
    });
    const has = balance(account, this.#terms(book));
    holds(has === this.#balance(book), "credit is top-ups less bills and instalments", () => {
      return `${has} for ${this.#balance(book)}, ${this.#text(book)}`;
    });
    holds(loadSwitch === wanted, "the load switch is asked for as credit and orders are", () => {
      return `${loadSwitch} for ${wanted} after ${this.#switch}, ${this.#text(book)}`;
    });
    this.#newest = book;
  }

  #terms({ tariff }: Book) {
    const { channels, intervalSeconds } = this.#options;
    if (!tariff || this.#options.isLost()) return { tariff: null, channels, intervalSeconds };
    const name = bytesToHex(tariff.digest);
    const valuation =
      this.#valuations.get(name) ?? new CreditTariff(tariff.document, channels, intervalSeconds);
    this.#valuations.set(name, valuation);
    return { tariff: valuation, channels, intervalSeconds };
  }

  /** What follows once an answer is durable. */
  #adopting(next: Book, wanted: number, isTold: boolean): () => void {
    const before = this.#switch;
    return () => {
      this.#book = next;
      if (wanted !== before) {
        const isMany = this.#moves.before + this.#moves.today++ >= SINGLY_A_DAY;
        this.events.push({ type: 10, detail: wanted, isMany });
        if (wanted === CLOSED) this.counts.closings++;
      }
      if (!isTold) return;
      this.events.push({ type: 11, detail: null, isMany: false });
      this.counts.crossings++;
    };
  }

  #text(book: Book): string {
    const { prepayment, level, day, topUpsToday, amounts, period } = book;
    const facts = { prepayment, level, day, topUpsToday, ...amounts, from: period?.from, to: period?.to };
    const tariff = book.tariff?.tariff.name ?? "none";
    return `${JSON.stringify(facts)} by "${tariff}", balance ${this.#balance(book)}`;
  }
}

const flagsOf = ({
  prepayment,
  isOrderedOpen,
  crossed,
  tariffChangedToday,
  topUpsToday,
  level,
  day,
}: Book) => ({
  prepayment,
  isOrderedOpen,
  crossed,
  tariffChangedToday,
  topUpsToday,
  level,
  day,
});

/** Of an account what is neither an amount of money that was counted nor a name. */
const factsOf = ({ settled: _, energy: __, tariffId: ___, ...facts }: Account) => facts;

/** A UTC day begins at its first look: counts begin anew, and a debt's instalments are collected. */
function beginDay(book: Book, time_s: number | null): Book {
  const day = time_s === null ? book.day : Math.floor(time_s / DAY_SECONDS);
  if (day === book.day) return book;
  const days = book.day > 0 && book.prepayment && day > book.day ? day - book.day : 0;
  const { debt, debtPerDay } = book.amounts;
  const instalment = debtPerDay * days < debt ? debtPerDay * days : debt;
  return {
    ...book,
    day,
    topUpsToday: 0,
    tariffChangedToday: false,
    amounts: { ...book.amounts, debt: debt - instalment },
    collected: book.collected + BigInt(instalment) * MILLI,
  };
}

function levelAt({ level, amounts }: Book, nano: bigint): number {
  if (nano > 0n) return nano > BigInt(amounts.low) * MILLI ? GOOD : LOW;
  if (level === USED_UP) return USED_UP;
  return nano + BigInt(amounts.emergency) * MILLI > 0n ? EMERGENCY : USED_UP;
}

/** Whether nobody is cut off for want of credit at a time, by the clock on the wall: Unix time as if it were UTC. */
function protects({ amounts }: Book, wall_s: number): boolean {
  const wall = new Date(wall_s * 1000);
  const weekday = (wall.getUTCDay() + 6) % 7;
  const midnight = new Date(wall).setUTCHours(0, 0, 0, 0);
  const date = midnight / 1000 / DAY_SECONDS;
  const quarter = Math.floor((wall.getTime() - midnight) / 1000 / QUARTER_S);
  const { protectedFrom, protectedTo, protectedWeekdays, protectedFirst, protectedLast } = amounts;
  if ((protectedWeekdays & (2 ** weekday)) !== 0) return true;
  if (protectedFirst !== 0 && date >= protectedFirst && date <= protectedLast) return true;
  return protectedFrom <= protectedTo
    ? quarter >= protectedFrom && quarter < protectedTo
    : quarter >= protectedFrom || quarter < protectedTo;
}

const isInForce = ({ notBefore_s, notAfter_s }: Tariff, time_s: number | null) =>
  time_s === null || (time_s >= notBefore_s && time_s < notAfter_s);
