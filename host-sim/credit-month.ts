// Five weeks of a meter on pre-payment, of its credit logic alone: the real one behind its port, asked as the unit asks
// it, with made-up energy. It is for engines that have no room for the scenario beside it, and to see what credit costs
// by itself. It never compares anything: what it leaves must be the same bytes on every engine.
import { CreditCompanion } from "../src/credit/companion.js";
import { CreditSetting } from "../src/credit/settings.js";
import { Display } from "../src/display/display.js";
import { assert, sameBytes } from "../src/trusted/encoding/bytes.js";
import { bstr, int, map } from "../src/trusted/encoding/cbor.js";
import { COMPANION_BYTES } from "../src/trusted/journal/state.js";
import { intervalAt, intervalStart_s } from "../src/trusted/metrology/interval.js";
import type { CompanionAnswer } from "../src/trusted/ports.js";
import { MemoryTariffStore, ScriptedButton } from "./ports.js";
import { BistableRelay } from "./relay.js";
import type { Offered } from "./scenario-input.js";

export const CREDIT_CHANNELS = ["1-0:1.8.0", "1-0:2.8.0"];
/** Long ones, since an emulated engine lives through each. */
export const CREDIT_INTERVAL_S = 3_600;
/** 29 September 2011, 00:00 UTC: two local months begin in the time, and the clocks go back. */
const BEGIN_S = 1_317_254_400;
const INTERVALS = 35 * 24;
/** Most of an hour, Wh. */
const HOUR_WH = 900;
/** The power fails in the interval after so many, and for so many the time is then unknown. */
const CUT_AT = 500;
const UNTIMED = 5;
/** A person holds the button in the intervals after so many. */
const HELD: readonly number[] = [204, 301, 401, 602, 700];
/** Of the states of the load switch; a new one is closed. */
const CLOSED = 2;
const MINUTE_MS = 60_000;
const PAGES = 8;
const TURN_MS = 5_000;
const UNIT_LINES = ["1-0:1.8.0 1234.567 kWh", "software 0123456789abcdef", "2011-10-30T00:59:59Z"];

const Kind = { LOAD_SWITCH: 4, TOP_UP: 5, TARIFF: 6, SETTINGS: 7 } as const;
type Order = readonly [at: number, kind: number, argument: Uint8Array];

const SETTINGS = map(
  [CreditSetting.MODE, int(1)],
  [CreditSetting.LOW, int(5_000)],
  [CreditSetting.EMERGENCY, int(4_000)],
  [CreditSetting.DEBT, int(20_000)],
  [CreditSetting.DEBT_PER_DAY, int(500)],
  [CreditSetting.PROTECTED_FROM, int(88)],
  [CreditSetting.PROTECTED_TO, int(28)],
);

/** What the head end sends in the intervals after so many. One top-up is too many a day, and so is one tariff. */
const ordersOf = ([first, second]: Pair<Uint8Array>): readonly Order[] => [
  [2, Kind.TARIFF, bstr(first)],
  [3, Kind.SETTINGS, SETTINGS],
  [4, Kind.TOP_UP, int(12_500_000)],
  [200, Kind.LOAD_SWITCH, int(0)],
  [203, Kind.LOAD_SWITCH, int(1)],
  [300, Kind.TOP_UP, int(20_000_000)],
  [400, Kind.TOP_UP, int(25_000_000)],
  [430, Kind.TARIFF, bstr(second)],
  [431, Kind.TARIFF, bstr(first)],
  [600, Kind.TOP_UP, int(30_000_000)],
  ...[601, 602, 603, 604].map((at) => [at, Kind.TOP_UP, int(9_000_000)] as const),
];

type Pair<T> = readonly [T, T];

export type CreditWork = "a look" | "an interval closed" | "a tariff ordered" | "a page drawn";

export interface CreditMonthHost {
  /** The second one is ordered in the course of the first's month. */
  readonly tariffs: Pair<Offered>;
  /** Appends to a file of the run. */
  write(file: string, bytes: Uint8Array): void;
  /** Runs and measures a piece of work. */
  measured<T>(work: CreditWork, run: () => T): T;
}

/** What the unit keeps for the credit logic, and what it tells it. */
class Keeper {
  readonly #host: CreditMonthHost;
  readonly #tariffs = new MemoryTariffStore();
  readonly #relay = new BistableRelay();
  #closing = new ScriptedButton();
  #state = new Uint8Array(COMPANION_BYTES);
  #loadSwitch: number = CLOSED;
  #uptime_ms = 0;
  companion: CreditCompanion;

  constructor(host: CreditMonthHost) {
    this.#host = host;
    this.companion = this.powerUp();
  }

  powerUp(): CreditCompanion {
    this.#uptime_ms = 0;
    this.#closing = new ScriptedButton();
    this.companion = new CreditCompanion({
      relay: this.#relay,
      tariffs: this.#tariffs,
      closing: this.#closing,
    });
    this.companion.begin(this.#state.slice(), CREDIT_CHANNELS, CREDIT_INTERVAL_S);
    this.companion.switched(this.#loadSwitch);
    return this.companion;
  }

  hold(): void {
    this.#closing.press();
  }

  get supplied(): boolean {
    return this.#relay.conducting;
  }

  look(time_s: number | null, Wh: readonly number[]): void {
    this.#uptime_ms += MINUTE_MS;
    const { companion } = this;
    this.#keep(
      this.#host.measured("a look", () => companion.look(this.#state.slice(), this.#uptime_ms, time_s, Wh)),
    );
  }

  close(interval: number, Wh: readonly number[]): void {
    const { companion } = this;
    this.#keep(
      this.#host.measured("an interval closed", () =>
        companion.intervalClosed(this.#state.slice(), interval, 0, Wh),
      ),
    );
  }

  order(kind: number, argument: Uint8Array, time_s: number | null): void {
    const obey = () => this.companion.command(this.#state.slice(), kind, argument, time_s);
    const answer = kind === Kind.TARIFF ? this.#host.measured("a tariff ordered", obey) : obey();
    this.#host.write("orders", Uint8Array.of(kind, answer ? 1 : 0));
    this.#keep(answer);
  }

  /** Each state that is another than the last is a line of the file: the account, and the switch. */
  #keep(answer: CompanionAnswer | null): void {
    if (!answer) return;
    const { companion, loadSwitch, crossed = false } = answer;
    const isNew = crossed || loadSwitch !== this.#loadSwitch || !sameBytes(companion, this.#state);
    this.#state = companion.slice();
    if (isNew) this.#host.write("accounts", Uint8Array.of(...companion, loadSwitch, crossed ? 1 : 0));
    if (loadSwitch === this.#loadSwitch) return;
    this.#loadSwitch = loadSwitch;
    this.companion.switched(loadSwitch);
  }
}

/** Wh of an interval by channel: some export at noon. */
function energyOf(at: number): readonly number[] {
  const drawn = Math.imul(at + 1, 0x9e3779b1) >>> 8;
  return [drawn % HOUR_WH, at % 24 === 12 ? drawn % 700 : 0];
}

/**
 * Lives through it. Files: `accounts` (each state of the account, 64 bytes, with the switch and whether a crossing
 * was told), `orders` (kind and whether it was obeyed), `lines` (what is shown of credit at the end of each day) and `pages`
 * (pictures of the display, 1,024 bytes each).
 */
export function liveOnCredit(host: CreditMonthHost): void {
  const keeper = new Keeper(host);
  const [first, second] = host.tariffs;
  const orders = ordersOf([first.digest, second.digest]);
  const begin = intervalAt(BEGIN_S, CREDIT_INTERVAL_S);
  let waiting: (readonly [interval: number, Wh: readonly number[]])[] = [];
  for (let at = 0; at < INTERVALS; at++) {
    if (at === CUT_AT) keeper.powerUp();
    const isTimed = at < CUT_AT || at >= CUT_AT + UNTIMED;
    const start_s = intervalStart_s(begin + at, CREDIT_INTERVAL_S);
    if (at === 1) assert(keeper.companion.offer(first.document), "it may be a tariff");
    if (at === 420) assert(keeper.companion.offer(second.document), "and so may this");
    if (at === 431) keeper.companion.offer(first.document);
    const time_s = isTimed ? start_s + CREDIT_INTERVAL_S / 2 : null;
    if (HELD.includes(at)) keeper.hold();
    const Wh = keeper.supplied ? energyOf(at) : CREDIT_CHANNELS.map(() => 0);
    waiting.push([begin + at, Wh]);
    const flowing = CREDIT_CHANNELS.map((_, channel) =>
      waiting.reduce((sum, [, each]) => sum + (each[channel] ?? 0), 0),
    );
    keeper.look(time_s, flowing);
    for (const [when, kind, argument] of orders) if (when === at) keeper.order(kind, argument, time_s);
    if (isTimed) {
      for (const [interval, each] of waiting) keeper.close(interval, each);
      waiting = [];
    }
    if (at % 24 === 0) host.write("lines", lineBytes(keeper.companion.lines()));
  }
  drawPages(host, keeper.companion.lines());
}

const lineBytes = (lines: readonly string[]) =>
  Uint8Array.from(`${lines.join(" | ")}\n`, (character) => character.charCodeAt(0));

function drawPages(host: CreditMonthHost, creditLines: readonly string[]): void {
  const display = new Display();
  for (let page = 0; page < PAGES; page++) {
    const draw = () => display.step(page * TURN_MS, UNIT_LINES, creditLines, false);
    host.write("pages", host.measured("a page drawn", draw).bytes.slice());
  }
}
