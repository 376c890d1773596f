// From the front end into intervals: what is measured belongs to the open interval, or waits as untimed
// energy until the time is known; an interval closes when its end has passed; and no more energy is ever
// unwritten than a power cut may take.
import type { Configuration } from "../authority/configuration.js";
import type { Journal } from "../journal/journal.js";
import { SWITCH_CLOSED } from "../journal/state.js";
import type { Ports } from "../ports.js";
import { EnergyMeter } from "./energy-meter.js";
import { intervalAt, intervalStart_s, Status } from "./interval.js";
import { closeChannel, integrate, MILLIJOULES_PER_WH, placeUntimed, registerNow_Wh } from "./registers.js";
import { quantityOf } from "./waveform.js";

/** The state is written at least this often. */
const PERSIST_EVERY_MS = 300_000;
/** 0.7e-6·m·Un·Imax kWh in mJ per V·A of an element: EN 50470-1 allows a power cut to take 1e-6. */
const PERSIST_MJ_PER_VA = 2520;
/** How long a step with its other work may last; what flows meanwhile at present power counts as unwritten. */
const STEP_MS = 1_000;
/** No more than Imax flows in that time: a pulse in a short step stands for what flowed long before it. */
const STEP_MJ_PER_VA = STEP_MS;

const MILLIJOULES_PER_KWH = 1000 * MILLIJOULES_PER_WH;

/** A time that was just confirmed or set. */
export interface TimeSet {
  readonly unix_s: number;
  /** Unix time of power-up, ms; it is in an interval that had no power before. */
  readonly powerUp_ms: number;
  readonly wasConfirmed: boolean;
  /** Whether it is the word of a clock that ran on without power: then what was measured here was timed. */
  readonly byRtc: boolean;
}

export class Measurement {
  readonly #journal: Journal;
  /** In force; replaced by a configuration command. */
  configuration: Configuration;
  readonly #ports: Pick<Ports, "companion" | "testOutput">;
  readonly #meter: EnergyMeter;
  /** Whether the test output shows a channel; a step is no place to take OBIS codes apart. */
  readonly #isShown: readonly boolean[];
  /** Energy that the test output has not shown yet, mJ times its constant. */
  #untested = 0;
  readonly #rating_VA: number;
  #unwritten_mJ = 0;
  #measured_ms = 0;
  #written_ms = 0;
  /** Registers as last persisted, Wh: only these are shown. */
  registers_Wh: readonly number[];
  /** Intervals in which the front end has failed, or said what is no energy, since power-up. */
  faults = 0;
  /** Whether the time was known at the last reading. */
  #timed = false;

  constructor(
    journal: Journal,
    configuration: Configuration,
    ports: Pick<Ports, "energy" | "companion" | "testOutput">,
  ) {
    this.#journal = journal;
    this.#meter = new EnergyMeter(ports.energy, configuration.channels);
    const quantities = configuration.channels.map(quantityOf);
    this.#isShown = quantities.map((quantity) => quantity?.element === null && !quantity.isReactive);
    this.configuration = configuration;
    this.#ports = ports;
    const { elements, nominal_V, maximum_A } = configuration;
    this.#rating_VA = elements * nominal_V * maximum_A;
    this.registers_Wh = journal.state.channels.map(registerNow_Wh);
    const isUntimed = journal.state.channels.some(({ untimed_mJ }) => untimed_mJ > 0);
    if (isUntimed) journal.state.untimedStatus |= Status.CLOCK_SET;
  }

  /**
   * Reads the front end, closes the open interval if its time has passed, and persists what is due.
   * @param time_s Unix time, or null while it is unconfirmed.
   * @param mayClose false while the last closed interval still waits to be stored: the open one goes on.
   */
  measure(now_ms: number, time_s: number | null, mayClose: boolean): void {
    const { state } = this.#journal;
    this.#timed = time_s !== null;
    const elapsed_ms = now_ms - this.#measured_ms;
    const step_mJ = this.#integrate(elapsed_ms);
    this.#unwritten_mJ += step_mJ;
    const projected_mJ = (step_mJ * STEP_MS) / Math.max(1, elapsed_ms);
    const next_mJ = Math.max(step_mJ, Math.min(projected_mJ, STEP_MJ_PER_VA * this.#rating_VA));
    this.#measured_ms = now_ms;
    const enough = this.#unwritten_mJ + next_mJ >= PERSIST_MJ_PER_VA * this.#rating_VA;
    let due = enough || now_ms - this.#written_ms >= PERSIST_EVERY_MS;
    if (time_s !== null) {
      state.lastTime_s = time_s;
      const interval = intervalAt(time_s, this.configuration.intervalSeconds);
      if (interval > state.openInterval && mayClose) {
        // What was measured while nothing could be closed is in one interval's reading.
        if (interval > state.openInterval + 1) state.openStatus |= Status.INCOMPLETE;
        this.#close(interval);
        due = true;
      }
    }
    if (due) this.persist(now_ms);
  }

  /** Makes the state durable; from now on the registers in it may be shown. */
  persist(now_ms: number): void {
    this.#journal.writeState();
    this.#written_ms = now_ms;
    this.#unwritten_mJ = 0;
    this.registers_Wh = this.#journal.state.channels.map(registerNow_Wh);
  }

  /**
   * Takes a confirmed or changed time: forward, the open interval closes with what it had; within it or
   * back, it goes on. Untimed energy goes into the interval that is then open.
   */
  setTime({ unix_s, powerUp_ms, wasConfirmed, byRtc }: TimeSet, now_ms: number): void {
    const { state } = this.#journal;
    const { intervalSeconds } = this.configuration;
    const interval = intervalAt(unix_s, intervalSeconds);
    const goesOn = interval <= state.openInterval;
    const hasBegun = this.#hasBegun();
    if (!goesOn) {
      if (hasBegun) {
        state.openStatus |= wasConfirmed ? Status.CLOCK_SET : Status.POWER_LOST | Status.INCOMPLETE;
        this.#close(interval);
      }
      state.openInterval = interval;
    }
    // Whether what was measured since power-up may be an earlier interval's.
    const isUntimed = !byRtc || powerUp_ms < 1000 * intervalStart_s(interval, intervalSeconds);
    if (isUntimed) state.openStatus |= Status.CLOCK_SET;
    if (isUntimed && !wasConfirmed && !goesOn) state.openStatus |= Status.INCOMPLETE;
    if (!wasConfirmed) {
      for (const channel of state.channels) placeUntimed(channel);
      state.openStatus |= state.untimedStatus;
      state.untimedStatus = 0;
      // Of an interval that goes on the power was lost, even where the time says now that it is yet to come.
      const cameBack = powerUp_ms > 1000 * intervalStart_s(state.openInterval, intervalSeconds);
      if (cameBack || (goesOn && hasBegun)) state.openStatus |= Status.POWER_LOST;
    }
    state.lastTime_s = unix_s;
    this.persist(now_ms);
  }

  /** Raises quality flags of the interval that is measured now. */
  flag(status: number): void {
    this.#journal.state[this.#timed ? "openStatus" : "untimedStatus"] |= status;
  }

  /** Energy of all channels since the last step, mJ. */
  #integrate(elapsed_ms: number): number {
    const { state } = this.#journal;
    const { calibration } = this.configuration;
    const { energy_mJ, status } = this.#meter.read(calibration, state.channels.length, elapsed_ms);
    const before = state[this.#timed ? "openStatus" : "untimedStatus"];
    if ((status & ~before & Status.FAULT) !== 0) this.faults++;
    this.flag(status | this.#switchStatus);
    this.#showTest(energy_mJ);
    for (const [at, channel] of state.channels.entries())
      integrate(channel, energy_mJ[at] as number, this.#timed);
    return energy_mJ.reduce((sum, mJ) => sum + mJ, 0);
  }

  /** Active energy of all elements, in either direction, as pulses of the test output. */
  #showTest(energy_mJ: readonly number[]): void {
    const shown_mJ = energy_mJ.reduce((sum, mJ, channel) => (this.#isShown[channel] ? sum + mJ : sum), 0);
    this.#untested += shown_mJ * (this.configuration.calibration?.testPulses ?? 0);
    const pulses = Math.floor(this.#untested / MILLIJOULES_PER_KWH);
    this.#untested -= pulses * MILLIJOULES_PER_KWH;
    if (pulses > 0) this.#ports.testOutput?.pulse(pulses);
  }

  get #switchStatus(): number {
    return this.#journal.state.loadSwitch === SWITCH_CLOSED ? 0 : Status.SWITCH_OPEN;
  }

  /** Whether the open interval had power: provisioning opens one that may begin in the dark. */
  #hasBegun(): boolean {
    const { lastTime_s, openInterval, channels } = this.#journal.state;
    const begin_s = intervalStart_s(openInterval, this.configuration.intervalSeconds);
    return lastTime_s >= begin_s || channels.some(({ open_mJ }) => open_mJ > 0);
  }

  #close(next: number): void {
    const { state } = this.#journal;
    for (const channel of state.channels) closeChannel(channel);
    const overMaximum = state.channels.some(({ closed_Wh }) => closed_Wh > this.configuration.maximum_Wh);
    const interval = state.openInterval;
    // The last flags may have gone with the power.
    const status = state.openStatus | (overMaximum ? Status.FAULT : 0) | this.#switchStatus;
    Object.assign(state, { closedInterval: interval, closedStatus: status });
    Object.assign(state, { openInterval: next, openStatus: 0 });
    const readings = state.channels.map(({ closed_Wh }) => closed_Wh);
    const answer = this.#ports.companion?.intervalClosed(state.companion.slice(), interval, status, readings);
    if (answer) Object.assign(state, { companion: answer.companion, loadSwitch: answer.loadSwitch });
  }
}
