// Sensors of the case and the connection, and the mains, as the unit's port: contacts between a pin and ground,
// looked at whenever the unit steps. A pin that is low is active: with the chip's pull-up an input that nothing
// is connected to is silent, and one kind of contact does for all. What lasts less than the time between two
// looks, at most 3 s while the unit signs, may go unseen.
import Digital from "embedded:io/digital";
import type { Inputs } from "../src/trusted/ports.js";
import type { Uptime } from "./ports.js";
import type { InputSettings, PinSetting } from "./settings.js";

/** Contacts bounce for less than this: a sensor counts when two looks so far apart, and all between, agree. */
const STEADY_MS = 50;
/**
 * The mains count as back after this long without a failing look. Each change is a record in the flash: a pin
 * that chatters for ever writes some 17,000 a day, 50 erases of a sector, which the flash bears for years.
 */
const MAINS_BACK_MS = 10_000;

export interface Debounce {
  /** How long the contact must be seen closed to be closed, and open to be open. */
  readonly closes_ms: number;
  readonly opens_ms: number;
  /** What it is taken to be at first. */
  readonly closed: boolean;
}

/** A contact to ground, debounced by time: looks come 20 ms apart, or seconds. */
export class Contact {
  readonly #digital: Digital;
  readonly #uptime: Uptime;
  readonly #debounce: Debounce;
  #closed: boolean;
  /** Since when it has been seen otherwise than it is taken to be; null while it is seen so. */
  #otherwise_ms: number | null = null;

  /** @throws Error naming the setting if the pin cannot be had. */
  constructor({ name, pin }: PinSetting, uptime: Uptime, debounce: Debounce) {
    try {
      this.#digital = new Digital({ pin, mode: Digital.InputPullUp });
    } catch (error) {
      throw new Error(`config ${name}: GPIO ${pin}: ${error instanceof Error ? error.message : "no input"}`);
    }
    this.#uptime = uptime;
    this.#debounce = debounce;
    this.#closed = debounce.closed;
  }

  /** Looks once. */
  look(): boolean {
    const seen = this.#digital.read() === 0;
    if (seen === this.#closed) {
      this.#otherwise_ms = null;
      return seen;
    }
    const now_ms = this.#uptime.now_ms();
    const { closes_ms, opens_ms } = this.#debounce;
    this.#otherwise_ms ??= now_ms;
    if (now_ms - this.#otherwise_ms >= (seen ? closes_ms : opens_ms)) {
      this.#closed = seen;
      this.#otherwise_ms = null;
    }
    return this.#closed;
  }
}

class PinInputs implements Inputs {
  /** Null where there is no pin: that input is never active. */
  readonly #tamper: readonly (Contact | null)[];
  readonly #mainsFail: Contact | null;

  constructor({ tamper, mainsFail }: InputSettings, uptime: Uptime) {
    const contact = (setting: PinSetting, closes_ms: number, opens_ms: number) =>
      setting.pin < 0 ? null : new Contact(setting, uptime, { closes_ms, opens_ms, closed: false });
    this.#tamper = tamper.map((setting) => contact(setting, STEADY_MS, STEADY_MS));
    // Believed at the first look: the supply may last for one more, and a false alarm costs one record.
    this.#mainsFail = contact(mainsFail, 0, MAINS_BACK_MS);
  }

  tamper(): number {
    return this.#tamper.reduce((bits, contact, at) => (contact?.look() ? bits | (1 << at) : bits), 0);
  }

  mainsFailing(): boolean {
    return this.#mainsFail?.look() ?? false;
  }
}

/** The port, or null for a board without such inputs. @throws Error naming the setting that is wrong. */
export function boardInputs(settings: InputSettings, uptime: Uptime): Inputs | null {
  const wired = [...settings.tamper, settings.mainsFail].some(({ pin }) => pin >= 0);
  return wired ? new PinInputs(settings, uptime) : null;
}
