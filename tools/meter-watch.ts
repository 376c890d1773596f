// A simulated meter's display live: what a person at the meter would see and press, while its time runs faster than
// theirs. Pages turn in the time of who looks; the meter's time is taken in slices, so that keys are heard at any
// speed, and where the machine is too slow for a speed the meter lags rather than the terminal.
import { brailleLines, halfBlockLines } from "../host-sim/display.js";
import type { LiveMeter } from "../host-sim/live-meter.js";
import { Display } from "../src/display/display.js";
import { Picture } from "../src/display/picture.js";
import { utc } from "./command-line.js";

/** Fastest: a day in a second. */
export const SPEED_MAX = 86_400;
const SPEEDS = [1, 5, 20, 60, 300, 900, 3_600, 14_400, SPEED_MAX];
/** A pause of the machine longer than this is not made up for, ms. */
const FRAME_MS_MAX = 250;
/** Without power, of real time. */
const CUT_MS = 2_000;
/** Ticks of the meter: what a front end over a trace bears, and finer where one can see it. */
const [FINE_TICK_MS, TICK_MS] = [1_000, 10_000];
const FINE_SPEED_MAX = 120;
const MESSAGE_MS = 4_000;
/** Room for the picture of half blocks and the lines around it. */
const [LARGE_COLUMNS, LARGE_ROWS] = [130, 38];

/** What one press of the key buys, hundredths of the currency. */
const TOP_UP_CENTS = 500;

const HELP = "space page  h hold button  t top-up  p pairing  c power cut  + - speed  q quit";
const CTRL_C = "\x03";

export interface WatchOptions {
  /** Virtual time for real time, 1 to SPEED_MAX. */
  readonly speed: number;
  /** Virtual time to end at, ms, or never. */
  readonly until_ms: number;
  /** Taps before the first picture. */
  readonly taps: number;
  /** Where a gateway can hear the meter, and be paired with it. */
  readonly localPort?: string;
}

export class MeterWatch {
  readonly #meter: LiveMeter;
  readonly #until_ms: number;
  readonly #dark = new Picture();
  #display = new Display();
  #speed: number;
  #taps: number;
  #real_ms = 0;
  /** Real time at which the power comes back; null while it is on. */
  #back_ms: number | null = null;
  #message = { text: "", until_ms: 0 };
  readonly #localPort: string | null;
  #hasQuit = false;

  constructor(meter: LiveMeter, { speed, until_ms, taps, localPort }: WatchOptions) {
    this.#meter = meter;
    this.#until_ms = until_ms;
    this.#speed = speed;
    this.#taps = taps;
    this.#localPort = localPort ?? null;
    meter.hasPhone = localPort === undefined;
  }

  /** Whether it was asked to end, or has come to its end. */
  get isOver(): boolean {
    return this.#hasQuit || this.#meter.isOver || this.#meter.now_ms >= this.#until_ms;
  }

  /** Takes a key; one that means nothing does nothing. */
  press(key: string): void {
    if (key === " ") this.#taps++;
    else if (key === "h") this.#hold();
    else if (key === "t") this.#topUp();
    else if (key === "p") this.#pair();
    else if (key === "c") this.#cut();
    else if (key === "+" || key === "=")
      this.#speed = SPEEDS.find((speed) => speed > this.#speed) ?? SPEED_MAX;
    else if (key === "-") this.#speed = SPEEDS.filter((speed) => speed < this.#speed).at(-1) ?? 1;
    else if (key === "q" || key === "end" || key === CTRL_C) this.#hasQuit = true;
  }

  /**
   * Lets real time pass, and the meter's with it.
   * @param by_ms of real time. @param hasTime asked before each tick of the meter.
   */
  pass(by_ms: number, hasTime: () => boolean): void {
    const passed_ms = Math.min(by_ms, FRAME_MS_MAX);
    this.#real_ms += passed_ms;
    if (this.#back_ms !== null && this.#real_ms >= this.#back_ms) {
      this.#back_ms = null;
      this.#meter.restorePower();
    }
    const speed = this.#effectiveSpeed();
    const tick_ms = speed <= FINE_SPEED_MAX ? FINE_TICK_MS : TICK_MS;
    const to_ms = Math.min(this.#meter.now_ms + Math.round(passed_ms * speed), this.#until_ms);
    this.#meter.runUntil(to_ms, tick_ms, hasTime);
  }

  /** The picture of this moment; taps turn one page each. */
  picture(): Picture {
    if (!this.#meter.powered) return this.#dark;
    const [unit, credit] = [this.#meter.unitLines(), this.#meter.creditLines()];
    for (; this.#taps > 0; this.#taps--) this.#display.step(this.#real_ms, unit, credit, true);
    return this.#display.step(this.#real_ms, unit, credit, false);
  }

  /** A screen of this size: the picture, what goes on around the meter, and the keys. */
  screen({ columns, rows }: { readonly columns: number; readonly rows: number }): readonly string[] {
    const isLarge = columns >= LARGE_COLUMNS && rows >= LARGE_ROWS;
    const picture = this.picture();
    return [
      ...(isLarge ? halfBlockLines(picture) : brailleLines(picture)),
      this.status(),
      this.#real_ms < this.#message.until_ms ? this.#message.text : "",
      HELP,
    ];
  }

  /** True time and speed, which no meter shows. */
  status(): string {
    const asks = this.#meter.asks && this.#speed > 1 ? ", slowed down while the meter asks" : "";
    const time = utc(Math.floor(this.#meter.now_ms / 1000));
    const at = this.#localPort === null ? "" : `   local port ${this.#localPort}`;
    return `${time}   x${this.#speed}${asks}${this.#meter.powered ? "" : "   no power"}${at}`;
  }

  /** A question stands for two minutes of the meter's: a person must be able to read it. */
  #effectiveSpeed(): number {
    return this.#meter.asks ? 1 : this.#speed;
  }

  /** Whoever is to ask at the local port does it in real time. */
  #pair(): void {
    if (this.#localPort !== null) {
      this.#speed = 1;
      this.#tell("real time now: the window is open for two minutes");
    }
    this.#meter.pressPairing();
  }

  #hold(): void {
    if (!this.#meter.holdClosing()) this.#tell("this meter has no load switch");
  }

  #topUp(): void {
    const text = this.#meter.topUp(TOP_UP_CENTS)
      ? "5.00 EUR bought, at most four times a day"
      : "no pre-payment here";
    this.#tell(text);
  }

  #cut(): void {
    if (!this.#meter.powered) return;
    this.#meter.cutPower();
    this.#back_ms = this.#real_ms + CUT_MS;
    this.#taps = 0;
    this.#display = new Display();
  }

  #tell(text: string): void {
    this.#message = { text, until_ms: this.#real_ms + MESSAGE_MS };
  }
}
