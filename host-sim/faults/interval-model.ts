// Intervals as the Companion hears them close: in strictly rising order, each once (twice only where a power cut
// took the first time back), and with the status bits that what happened in them demands, and no others. What has
// happened is told by the ports as the unit polls them, so the order of things within a step is the unit's.
import { intervalAt, intervalStart_s, Status } from "../../src/trusted/metrology/interval.js";
import type { ClosedInterval } from "./companion.js";
import { holds } from "./violation.js";

/** The state is written at least this often; a flag younger than that may go with the power. */
const DURABLE_MS = 370_000;
/** Corrections up to this are no set, s, and the display shows whole seconds. */
const SYNCHRONISATION_MAX_S = 9;
/** Further ahead only the authority sets the clock, s. */
const FORWARD_MAX_S = 45 * 86_400;
/** Steps with nothing in the way after which an interval that is over must have closed. */
const STEPS_TO_CLOSE_MAX = 200;

interface Flag {
  readonly bit: number;
  readonly at_ms: number;
}

/** What a step has done to time and intervals so far. */
interface Step {
  closed: ClosedInterval | null;
  /** The flags that went into the interval that was closed. */
  closedFlags: readonly Flag[];
  rtc_s: number | null;
}

export interface Circumstances {
  readonly now_ms: number;
  /** Uptime, ms. */
  readonly uptime_ms: number;
  readonly time_s: number | null;
  /** Whether an answer to a question of the unit for the time is, or was in this step, in its hand. */
  readonly answer: {
    readonly unix_s: number;
    readonly arrival_ms: number;
    readonly byAuthority: boolean;
  } | null;
  /** Whether the unit can close intervals: its self-test holds and the mains do not fail. */
  readonly able: boolean;
}

export class IntervalModel {
  readonly #seconds: number;
  /** What closed, as the last call for each interval said; a call that a power cut may have undone is uncertain. */
  readonly #closed = new Map<number, ClosedInterval & { certain: boolean }>();
  #lastClosed = -1;
  /** The interval that is measured, or null where a power cut has left two possibilities. */
  #open: number | null;
  /** Whether the open interval had power at a known time. */
  #begun = false;
  #must: Flag[] = [];
  /** Flags for the interval in which the time will be known, and those of an interval that may close again. */
  #untimed: Flag[] = [];
  #again: { readonly interval: number; readonly flags: readonly Flag[] } | null = null;
  /** What the open interval may say, and what the one may in which the time will be known. */
  #may: number = Status.INCOMPLETE;
  #mayUntimed = 0;
  #time_s: number | null = null;
  #lastTime_s = Number.POSITIVE_INFINITY;
  #now_ms = 0;
  #step: Step = { closed: null, closedFlags: [], rtc_s: null };
  #waited = 0;
  /** The first interval that closes after a power cut says so, if it had begun. */
  #owesPowerLost = false;
  maximum_Wh = 0;

  constructor(seconds: number, firstInterval: number) {
    this.#seconds = seconds;
    this.#open = firstInterval;
  }

  /** What the last call for an interval said. */
  closedAs(interval: number): ClosedInterval | null {
    return this.#closed.get(interval) ?? null;
  }

  get lastClosed(): number {
    return this.#lastClosed;
  }

  get open(): number | null {
    return this.#open;
  }

  /** A port has told the unit something that its interval must say. */
  raise(bit: number, now_ms: number): void {
    if (bit === 0) return;
    this.allow(bit);
    for (let one = 1; one <= bit; one <<= 1) {
      if ((bit & one) === 0) continue;
      const flags = this.#time_s === null ? this.#untimed : this.#must;
      if (!flags.some((flag) => flag.bit === one)) flags.push({ bit: one, at_ms: now_ms });
    }
  }

  /** The interval may say this from now on. */
  allow(bit: number): void {
    this.#may |= bit;
    if (this.#time_s === null) this.#mayUntimed |= bit;
  }

  rtcRead(unix_s: number | null): void {
    this.#step.rtc_s = unix_s;
  }

  /** The unit closes an interval. `switchOpen` is what the Companion knows of the load switch. */
  close(
    closed: ClosedInterval,
    { switchOpen, timeInHand }: { switchOpen: boolean; timeInHand: boolean },
  ): void {
    const { interval, status, readings } = closed;
    const named = () => `interval ${interval}, status ${status}, open ${this.#open}`;
    holds(this.#step.closed === null, "a step closes one interval", named);
    holds(this.#open === null || interval === this.#open, "the open interval is the one that closes", named);
    holds(interval > this.#lastClosed, "intervals close in rising order", () => {
      return `${named()}, after ${this.#lastClosed}`;
    });
    const again = this.#again?.interval === interval ? this.#again.flags : [];
    const flags = [...again, ...this.#must];
    const owes = this.#owesPowerLost ? Status.POWER_LOST : 0;
    const must = flags.reduce((bits, { bit }) => bits | bit, owes);
    holds(
      (must & ~status) === 0,
      "a status bit stands where it must",
      () => `${named()} lacks ${must & ~status}`,
    );
    const isOver = readings.some((Wh) => Wh > this.maximum_Wh);
    holds(!isOver || (status & Status.FAULT) !== 0, "a reading above the maximum is flagged", named);
    const expected = switchOpen ? Status.SWITCH_OPEN : 0;
    holds((expected & ~status) === 0, "the load switch stands in the status", named);
    const set = timeInHand || this.#step.rtc_s !== null ? Status.CLOCK_SET | Status.INCOMPLETE : 0;
    const late = this.#waited > 1 ? Status.INCOMPLETE : 0;
    const may = this.#may | must | set | late | expected | (isOver ? Status.FAULT : 0);
    holds(
      (status & ~may) === 0,
      "no status bit stands without a reason",
      () => `${named()} has ${status & ~may}`,
    );
    this.#step.closed = closed;
    this.#step.closedFlags = flags;
    this.#must = [];
  }

  /** @returns whether the unit has followed an answer. */
  stepped(circumstances: Circumstances): boolean {
    const { now_ms, time_s } = circumstances;
    const { closed } = this.#step;
    const jumped = this.#jumped(circumstances);
    if (closed) this.#settleClose(closed, circumstances, jumped);
    else if (jumped && !this.#begun) this.#open = null;
    else if (time_s !== null && this.#open !== null) this.#watchOpen(this.#open, time_s, circumstances.able);
    if (jumped) this.#flagSet(circumstances, jumped);
    // Set back before its beginning, an interval in which nothing was measured counts as never begun.
    if (jumped && this.#open !== null && (time_s ?? 0) < intervalStart_s(this.#open, this.#seconds)) {
      this.#open = null;
      this.#begun = false;
      this.#owesPowerLost = false;
    }
    if (time_s !== null && this.#open !== null) {
      this.#begun ||= time_s >= intervalStart_s(this.#open, this.#seconds);
    }
    this.#time_s = time_s;
    this.#lastTime_s = time_s ?? this.#lastTime_s;
    this.#now_ms = now_ms;
    this.#step = { closed: null, closedFlags: [], rtc_s: null };
    return jumped !== null && circumstances.answer !== null;
  }

  /** The power failed, in the middle of a step or between two. */
  cut(
    now_ms: number,
    { inStep, timeInHand, isDark }: { inStep: boolean; timeInHand: boolean; isDark: boolean },
  ): void {
    const durable = ({ at_ms }: Flag) => now_ms - at_ms > DURABLE_MS;
    const { closed, closedFlags, rtc_s } = this.#step;
    this.#owesPowerLost = this.#begun || this.#owesPowerLost;
    if (closed) {
      this.#again = { interval: closed.interval, flags: closedFlags.filter(durable) };
      this.#closed.set(closed.interval, { ...closed, certain: false });
      this.#open = null;
      // Restarted at once, the power may come back before the second in which the interval began.
      if (!isDark) this.#owesPowerLost = false;
    }
    if (inStep && (timeInHand || rtc_s !== null || !this.#begun)) this.#open = null;
    this.#must = this.#must.filter(durable);
    this.#untimed = this.#untimed.filter(durable);
    this.#time_s = null;
    this.#waited = 0;
    this.#may |= Status.POWER_LOST | Status.INCOMPLETE | closedFlags.reduce((bits, { bit }) => bits | bit, 0);
    this.#step = { closed: null, closedFlags: [], rtc_s: null };
  }

  #jumped({ now_ms, time_s }: Circumstances): "confirmed" | "set" | "corrected" | null {
    if (time_s === null) {
      holds(this.#time_s === null, "a known time stays known", () => "it is unconfirmed again");
      return null;
    }
    if (this.#time_s === null) return "confirmed";
    const passed_s = (now_ms - this.#now_ms) / 1000;
    const off_s = Math.abs(time_s - this.#time_s - passed_s);
    if (off_s < 1) return null;
    return off_s > SYNCHRONISATION_MAX_S + 1 ? "set" : "corrected";
  }

  #settleClose(closed: ClosedInterval, { time_s, answer }: Circumstances, jumped: string | null): void {
    const { interval, status } = closed;
    const known = this.#closed.get(interval);
    holds(
      known === undefined || !known.certain,
      "an interval closes once",
      () => `interval ${interval} again`,
    );
    const needs = jumped === "set" ? Status.CLOCK_SET : jumped ? Status.POWER_LOST | Status.INCOMPLETE : 0;
    const isSet = jumped === "corrected" || (needs & ~status) === 0;
    holds(
      isSet,
      "a changed time stands in the interval that it closes",
      () => `interval ${interval}: ${status}`,
    );
    this.#closed.set(interval, { ...closed, certain: true });
    this.#lastClosed = interval;
    // An answer counts from its arrival, which may be an interval earlier.
    const opened_s = jumped && answer ? answer.unix_s : time_s;
    this.#open = opened_s === null ? null : Math.max(interval + 1, intervalAt(opened_s, this.#seconds));
    this.#begun = false;
    this.#owesPowerLost = false;
    this.#again = null;
    this.#waited = 0;
    // What was raised after the interval had closed, in the same step, is of the next one.
    this.#may = this.#must.reduce((bits, { bit }) => bits | bit, 0);
  }

  /** An interval that is over closes, unless something is in the way; one without power is passed over. */
  #watchOpen(open: number, time_s: number, able: boolean): void {
    const current = intervalAt(time_s, this.#seconds);
    if (current <= open) this.#waited = 0;
    else if (!this.#begun) this.#open = current;
    else if (able) this.#waited++;
    holds(this.#waited <= STEPS_TO_CLOSE_MAX, "an interval closes when its end has passed", () => {
      return `interval ${open} is open in interval ${current}`;
    });
  }

  /** Whether a shown time is that of an answer, and one that its sender may give. */
  #follows(
    { unix_s, arrival_ms, byAuthority }: NonNullable<Circumstances["answer"]>,
    now_ms: number,
    shown_s: number,
  ) {
    const isOf = Math.abs(unix_s + (now_ms - arrival_ms) / 1000 - shown_s) < 2;
    const isFar = unix_s > this.#lastTime_s + FORWARD_MAX_S + 3600;
    const isBack = this.#open !== null && intervalAt(unix_s, this.#seconds) < this.#open - 1;
    return isOf && (byAuthority || !(isFar || isBack));
  }

  #flagSet(
    { now_ms, uptime_ms, time_s, answer }: Circumstances,
    jumped: "confirmed" | "set" | "corrected",
  ): void {
    const { rtc_s } = this.#step;
    const shown_s = time_s as number;
    const answered = answer !== null && this.#follows(answer, now_ms, shown_s);
    const byRtc = jumped === "confirmed" && rtc_s !== null && Math.abs(rtc_s - shown_s) < 2;
    holds(answered || byRtc, "the time changes by an answer to the meter, or by its own clock", () => {
      return `it is ${shown_s} after ${this.#time_s}, answered ${answer?.unix_s}, by its clock ${rtc_s}`;
    });
    const durable_ms = Number.NEGATIVE_INFINITY;
    this.#may |= Status.CLOCK_SET | Status.INCOMPLETE;
    if (jumped === "confirmed") {
      this.#must.push(...this.#untimed);
      this.#untimed = [];
      const mayUntimed = this.#mayUntimed;
      this.#mayUntimed = 0;
      this.#may |= Status.POWER_LOST | mayUntimed | this.#must.reduce((bits, { bit }) => bits | bit, 0);
      if (this.#open === null) return;
      const powerUp_s = shown_s - uptime_ms / 1000;
      const cameBack = powerUp_s > intervalStart_s(this.#open, this.#seconds) + 2;
      if (cameBack) this.#must.push({ bit: Status.POWER_LOST, at_ms: durable_ms });
    }
    const sets = (jumped === "confirmed" && !byRtc) || jumped === "set";
    if (sets) this.#must.push({ bit: Status.CLOCK_SET, at_ms: durable_ms });
  }
}
