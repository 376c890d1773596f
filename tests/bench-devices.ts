// What a device may have besides flash, keys, energy and a button, in a test's hand: a clock that runs without
// power, sensors, a watchdog, a counter, a loader, and a Companion that counts what it is asked.
import { readUint } from "../src/trusted/encoding/bytes.js";
import type {
  Companion,
  CompanionAnswer,
  Inputs,
  Loader,
  MonotonicCounter,
  RealTimeClock,
  Watchdog,
} from "../src/trusted/ports.js";

/** Right at first, and off by what the test says; `null` once it has stopped. */
export class TestRtc implements RealTimeClock {
  readonly #true_s: () => number;
  off_s: number | null = 0;
  /** The times it was set to. */
  readonly sets: number[] = [];

  /** @param true_s true Unix time, s. */
  constructor(true_s: () => number) {
    this.#true_s = true_s;
  }

  read(): number | null {
    return this.off_s === null ? null : this.#true_s() + this.off_s;
  }

  set(unix_s: number): void {
    this.sets.push(unix_s);
    this.off_s = unix_s - this.#true_s();
  }
}

export class TestInputs implements Inputs {
  bits = 0;
  failing = false;
  tamper = () => this.bits;
  mainsFailing = () => this.failing;
}

export class TestWatchdog implements Watchdog {
  restarted = false;
  fed = 0;
  feed(): void {
    this.fed++;
  }
}

/** Holds its value as a fuse row does; a lower one is a fault of the unit. */
export class TestCounter implements MonotonicCounter {
  value = 0;
  read = () => this.value;
  advance(value: number): void {
    if (value < this.value) throw new Error(`the counter is at ${this.value} and was to be ${value}`);
    this.value = value;
  }
}

/** A restart that the loader has caused: whatever the unit was doing ends here. */
export class Restarted extends Error {}

/** Has no image at first: asked for one, it returns. */
export class TestLoader implements Loader {
  has: Uint8Array | null = null;
  readonly asked: string[] = [];
  install(imageDigest: Uint8Array): void {
    this.asked.push(Buffer.from(imageDigest).toString("hex"));
    if (this.has && Buffer.compare(this.has, imageDigest) === 0) throw new Restarted();
  }
}

export interface ClosedInterval {
  readonly interval: number;
  readonly status: number;
  readonly readings: readonly number[];
}

/** Bytes of a CountingCompanion's state: intervals closed, commands obeyed, energy seen. */
const COUNTS = { closed: 0, commands: 4, energy_Wh: 8 } as const;

/**
 * Counts intervals, commands and energy in the state that the unit keeps for it; moves the switch as command 4
 * says, or as the test asks at the next close; refuses an argument of null.
 */
export class CountingCompanion implements Companion {
  loadSwitch = 2;
  /** Its answer at every look. */
  answer: CompanionAnswer | null = null;
  /** What it was shown last: uptime, time, energy in no closed interval. */
  looked: readonly [number, number | null, readonly number[]] | null = null;
  /** The meter as it was told at the last power-up. */
  meter: readonly [readonly string[], number] | null = null;
  /** What it was told of the switch. */
  readonly told: number[] = [];
  /** What it was asked, to be compared with what the unit has kept. */
  readonly closed: ClosedInterval[] = [];
  readonly commands: { readonly kind: number; readonly argument: string }[] = [];

  intervalClosed(
    state: Uint8Array,
    interval: number,
    status: number,
    readings: readonly number[],
  ): CompanionAnswer {
    this.closed.push({ interval, status, readings });
    return this.#count(state, { closed: 1, energy_Wh: readings[0] ?? 0 });
  }

  begin(_state: Uint8Array, channels: readonly string[], intervalSeconds: number): void {
    this.meter = [channels, intervalSeconds];
  }

  look(_state: Uint8Array, now_ms: number, time_s: number | null, Wh: readonly number[]) {
    this.looked = [now_ms, time_s, Wh];
    return this.answer;
  }

  command(state: Uint8Array, kind: number, argument: Uint8Array): CompanionAnswer | null {
    this.commands.push({ kind, argument: Buffer.from(argument).toString("hex") });
    if (argument[0] === 0xf6) return null;
    if (kind === 4) this.loadSwitch = argument[0] ?? 2;
    return this.#count(state, { commands: 1 });
  }

  switched(loadSwitch: number): void {
    this.told.push(loadSwitch);
    this.loadSwitch = loadSwitch;
  }

  #count(state: Uint8Array, more: Partial<Record<keyof typeof COUNTS, number>>): CompanionAnswer {
    const view = new DataView(state.slice().buffer);
    for (const [name, by] of Object.entries(more)) {
      const at = COUNTS[name as keyof typeof COUNTS];
      view.setUint32(at, view.getUint32(at) + by);
    }
    return { companion: new Uint8Array(view.buffer), loadSwitch: this.loadSwitch };
  }
}

/** What a CountingCompanion has counted, as the unit keeps it. */
export const countsIn = (state: Uint8Array) => ({
  closed: readUint(state, COUNTS.closed, 4),
  commands: readUint(state, COUNTS.commands, 4),
  energy_Wh: readUint(state, COUNTS.energy_Wh, 4),
});
