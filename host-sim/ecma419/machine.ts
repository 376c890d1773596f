// One XS machine of the ESP32 build as its task sees it: a world of its own, a queue of messages that
// interrupts and the network stack post to, timers, and turns in which the due timers fire and then the waiting
// messages are delivered. An exception that nobody catches ends it, as XS does: what that means for the chip is
// for the board to say.

import { makeRealm, type Realm } from "./realm.js";
import type { Scheduler } from "./scheduler.js";

/** Thrown through a machine's code when the power is off or the chip restarts: nothing of it runs on. */
export class Gone extends Error {
  override readonly name = "Gone";
}

export interface MachineOptions {
  readonly name: string;
  readonly scheduler: Scheduler;
  /** Bundled code whose imports `require` answers (bundle.ts). */
  readonly code: string;
  /** The modules of the build that it may import. */
  readonly modules: (machine: Machine) => Readonly<Record<string, unknown>>;
  /** Nobody caught this. */
  readonly abort: (machine: Machine, error: unknown) => void;
  readonly trace: (machine: string, text: string) => void;
  /** The chip's clock, which all machines share and any may set: Date, certificates. */
  readonly systemTime: SystemTime;
  readonly pace: Pace;
  /** Messages that wait for it, at most (`task.queueLength` of the manifest). */
  readonly queueLength: number;
  /** Told the end of each turn, where the SDK's main loop reports to the task watchdog; null if it does not. */
  readonly turned: ((end_ms: number) => void) | null;
}

/** How slow the chip is: what each turn takes at least, and each look at the clock, ms. May change any time. */
export interface Pace {
  turn_ms: number;
  look_ms: number;
}

/** Unix time as the chip believes it, ms: 1970 and its uptime until someone sets it. */
export interface SystemTime {
  now_ms(): number;
  set(unix_s: number): void;
}

interface TimerRecord {
  trigger_ms: number;
  repeat_ms: number;
  fire: boolean;
  scheduled: boolean;
  readonly call: () => void;
}

/** A timer as the machine's natives see it. */
export type MachineTimer = TimerRecord;

export class Machine {
  readonly name: string;
  readonly realm: Realm;
  readonly #options: MachineOptions;
  readonly #booted_ms: number;
  readonly #queue: (() => void)[] = [];
  #timers: TimerRecord[] = [];
  /** When the next turn begins, and its place in the schedule. */
  #next: { readonly at_ms: number; readonly cancel: () => void } | null = null;
  #free_ms = 0;
  /** What the running turn has taken so far. */
  #spent_ms = 0;
  #inTurn = false;
  /** What must not be called any more once the machine is gone: sockets, pins. */
  readonly #closers = new Set<() => void>();
  #state: "running" | "hung" | "deleted" = "running";

  constructor(options: MachineOptions) {
    this.#options = options;
    this.name = options.name;
    this.#booted_ms = options.scheduler.now_ms;
    this.realm = makeRealm({
      name: options.name,
      now_ms: () => options.systemTime.now_ms(),
      trace: (text) => options.trace(options.name, text),
    });
  }

  get systemTime(): SystemTime {
    return this.#options.systemTime;
  }

  /** ms since the machine was made, what this turn has taken included; looking takes time too. */
  look_ms(): number {
    this.#spent_ms += this.#options.pace.look_ms;
    return this.at_ms - this.#booted_ms;
  }

  /** This moment of the clock, what the turn has taken included. */
  get at_ms(): number {
    return this.#options.scheduler.now_ms + this.#spent_ms;
  }

  /** Something takes so long: the machine's next turn begins that much later. */
  spend(time_ms: number): void {
    this.#spent_ms += time_ms;
  }

  get running(): boolean {
    return this.#state === "running";
  }

  get deleted(): boolean {
    return this.#state === "deleted";
  }

  /**
   * Evaluates the modules and calls the main one's default export, as the host does before the first turn.
   * @throws what the code throws.
   */
  start(): void {
    const modules = this.#options.modules(this);
    const load = this.realm.run(this.#options.code, `${this.name} (bundled)`) as (
      require: (specifier: string) => unknown,
    ) => { readonly default?: unknown };
    const main = load((specifier) => {
      if (specifier in modules) return modules[specifier];
      throw new this.realm.Error(`module "${specifier}" not found`);
    });
    if (typeof main.default === "function") main.default();
    this.#wake();
  }

  /** Puts a message into the queue; false when it is full or the machine is gone. */
  post(deliver: () => void): boolean {
    if (this.#state === "deleted" || this.#queue.length >= this.#options.queueLength) return false;
    this.#queue.push(deliver);
    this.#wake();
    return true;
  }

  addTimer(first_ms: number, repeat_ms: number, call: (timer: TimerRecord) => void): TimerRecord {
    const trigger_ms = this.#options.scheduler.now_ms + first_ms;
    const timer: TimerRecord = {
      trigger_ms,
      repeat_ms,
      fire: false,
      scheduled: true,
      call: () => call(timer),
    };
    this.#timers.push(timer);
    this.#wake();
    return timer;
  }

  reschedule(timer: TimerRecord, first_ms: number, repeat_ms: number): void {
    timer.trigger_ms = this.#options.scheduler.now_ms + first_ms;
    timer.repeat_ms = repeat_ms;
    timer.scheduled = true;
    this.#wake();
  }

  unschedule(timer: TimerRecord): void {
    Object.assign(timer, { scheduled: false, fire: false, repeat_ms: -1 });
  }

  removeTimer(timer: TimerRecord): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    timer.scheduled = false;
  }

  /** Has `close` called when the machine is deleted, as destructors are. @returns how to take that back. */
  closing(close: () => void): () => void {
    this.#closers.add(close);
    return () => void this.#closers.delete(close);
  }

  /** Its code goes round for ever from now on: nothing of it runs, and nothing is taken from its queue. */
  hang(): void {
    if (this.#state === "running") this.#state = "hung";
    this.#next?.cancel();
    this.#next = null;
  }

  /** Ends its task, whatever it is doing, and frees what it holds. */
  delete(): void {
    if (this.#state === "deleted") return;
    this.#state = "deleted";
    this.#next?.cancel();
    this.#next = null;
    this.#timers = [];
    this.#queue.length = 0;
    for (const close of [...this.#closers]) close();
    this.#closers.clear();
  }

  /**
   * Runs something of this machine outside its turns (its start, a destructor) as a turn would.
   * @returns false when that ended the machine.
   */
  guard(run: () => void): boolean {
    try {
      run();
    } catch (error) {
      this.#options.abort(this, error);
    }
    return this.running;
  }

  #wake(): void {
    if (!this.running || this.#inTurn) return;
    const { scheduler } = this.#options;
    const at_ms = Math.max(this.#free_ms, this.#queue.length > 0 ? scheduler.now_ms : this.#firstTimer_ms());
    if (at_ms === Number.POSITIVE_INFINITY || (this.#next && this.#next.at_ms <= at_ms)) return;
    this.#next?.cancel();
    const { cancel } = scheduler.after(Math.max(0, at_ms - scheduler.now_ms), () => this.#turn());
    this.#next = { at_ms, cancel };
  }

  #firstTimer_ms(): number {
    const waiting = this.#timers.filter(({ scheduled }) => scheduled).map(({ trigger_ms }) => trigger_ms);
    return waiting.length > 0 ? Math.min(...waiting) : Number.POSITIVE_INFINITY;
  }

  #turn(): void {
    const now_ms = this.#options.scheduler.now_ms;
    this.#next = null;
    this.#inTurn = true;
    this.#fireTimers(now_ms);
    // With a timer due again the SDK's loop takes one message and goes round.
    const most = this.#firstTimer_ms() <= now_ms ? 1 : this.#queue.length;
    for (let taken = 0; taken < most && this.running; taken++) {
      const deliver = this.#queue.shift();
      if (!deliver) break;
      this.guard(deliver);
    }
    this.#free_ms = now_ms + Math.max(this.#spent_ms, this.#options.pace.turn_ms);
    this.#spent_ms = 0;
    this.#inTurn = false;
    if (this.running) this.#options.turned?.(this.#free_ms);
    this.#wake();
  }

  /** Fires those that are due now; one that is added meanwhile waits for the next turn. */
  #fireTimers(now_ms: number): void {
    for (const timer of this.#timers) timer.fire = timer.scheduled && timer.trigger_ms <= now_ms;
    for (const timer of [...this.#timers]) {
      if (!timer.fire || !this.running) continue;
      timer.fire = false;
      timer.trigger_ms += timer.repeat_ms;
      this.guard(timer.call);
      if (timer.repeat_ms === 0) this.removeTimer(timer);
    }
  }
}
