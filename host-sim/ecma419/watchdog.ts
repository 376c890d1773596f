// ESP-IDF's task watchdog, and the firmware's own native over it, "sealmeter/watchdog". The chip has one timer: it
// begins anew once everybody on the list has reported since it last did, and when it runs out the chip panics. The
// SDK's main loop reports at the end of each of its turns.
import type { Machine } from "./machine.js";
import type { Appointment, Scheduler } from "./scheduler.js";

/** What the native sets the limit to once the unit reports, but for a start by a watchdog (native/watchdog.c). */
export const UNIT_LIMIT_MS = 10_000;

export class TaskWatchdog {
  readonly #scheduler: Scheduler;
  readonly #bite: (why: string) => void;
  /** Who is on the list, and whether each has reported since the timer began. */
  readonly #reported = new Map<string, boolean>();
  #limit_ms: number;
  #begun_ms = 0;
  #alarm: Appointment | null = null;

  /** @param bite restarts the chip. */
  constructor(scheduler: Scheduler, limit_ms: number, bite: (why: string) => void) {
    this.#scheduler = scheduler;
    this.#limit_ms = limit_ms;
    this.#bite = bite;
  }

  /** Puts somebody on the list; the timer begins if all others have reported. */
  add(name: string, now_ms: number): void {
    const others = [...this.#reported.values()];
    this.#reported.set(name, false);
    if (others.every((reported) => reported)) this.#begin(now_ms);
  }

  /** @param now_ms what a turn has taken so far included: a turn that took too long is found here. */
  report(name: string, now_ms: number): void {
    if (!this.#alarm || !this.#reported.has(name)) return;
    if (now_ms - this.#begun_ms >= this.#limit_ms) {
      this.#runOut();
      return;
    }
    this.#reported.set(name, true);
    if ([...this.#reported.values()].every((reported) => reported)) this.#begin(now_ms);
  }

  /** Another limit for all; the timer begins anew. */
  reconfigure(limit_ms: number, now_ms: number): void {
    this.#limit_ms = limit_ms;
    if (this.#reported.size > 0) this.#restart(now_ms);
  }

  /** The chip is off, or starts again. */
  stop(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#reported.clear();
  }

  #begin(now_ms: number): void {
    for (const name of this.#reported.keys()) this.#reported.set(name, false);
    this.#restart(now_ms);
  }

  #restart(now_ms: number): void {
    this.#alarm?.cancel();
    this.#begun_ms = now_ms;
    const due_ms = now_ms + this.#limit_ms - this.#scheduler.now_ms;
    this.#alarm = this.#scheduler.after(due_ms, () => this.#runOut());
  }

  #runOut(): void {
    const silent = [...this.#reported].filter(([, reported]) => !reported).map(([name]) => name);
    this.stop();
    this.#bite(`task watchdog: ${silent.join(", ")}`);
  }
}

/** @param restarted whether a watchdog restarted the chip. */
export function watchdogModule(
  machine: Machine,
  { watchdog, restarted }: { watchdog: TaskWatchdog; restarted: boolean },
  powered: () => void,
) {
  let watches = false;
  return {
    restarted: (): boolean => {
      powered();
      return restarted;
    },
    feed: (): void => {
      powered();
      if (!watches) {
        if (!restarted) watchdog.reconfigure(UNIT_LIMIT_MS, machine.at_ms);
        watchdog.add("unit", machine.at_ms);
        watches = true;
      }
      watchdog.report("unit", machine.at_ms);
      // It may have bitten, and then nothing of this program runs on.
      powered();
    },
  };
}
