// The pins of an ESP32 or ESP32-C3 and what is wired to them: who uses which, levels driven by the chip and by
// what is outside, pulses and contacts counted for it. `Digital` is "embedded:io/digital" as far as a lamp and a
// contact to ground need it, with the natives' checks.
import type { Machine } from "./machine.js";

/** GPIOs of each chip, those that cannot drive, those of its SPI flash, and its hardware pulse counters. */
const CHIPS = {
  esp32: {
    missing: [24, 28, 29, 30, 31],
    count: 40,
    listenFrom: 34,
    flash: [6, 7, 8, 9, 10, 11],
    counters: 8,
  },
  esp32c3: { missing: [], count: 22, listenFrom: 22, flash: [12, 13, 14, 15, 16, 17], counters: 22 },
} as const;
export type Chip = keyof typeof CHIPS;

/** A contact closed for less is noise, ms. */
const CONTACT_MS = 10;
const COUNTS = 2 ** 32;

export interface Pin {
  used: boolean;
  /** What the chip drives it to, or null. */
  level: 0 | 1 | null;
  /** Whether something outside connects it to ground. */
  grounded: boolean;
  /** Counts what happens on the pin, or null. */
  counter: { readonly kind: "pulse" | "contact"; count: number } | null;
}

/** A circuit at a pin that answers by itself. */
export interface Circuit {
  /** Hears each change of what the chip drives the pin to; null: nothing drives it. @param at_ms of the clock. */
  hear?(level: 0 | 1 | null, at_ms: number): void;
  /** Whether it connects the pin to ground now. */
  grounds?(): boolean;
}

export class Pins {
  readonly chip: Chip;
  readonly #pins = new Map<number, Pin>();
  readonly #circuits = new Map<number, Circuit>();

  constructor(chip: Chip) {
    this.chip = chip;
  }

  at(pin: number): Pin {
    const found = this.#pins.get(pin) ?? { used: false, level: null, grounded: false, counter: null };
    this.#pins.set(pin, found);
    return found;
  }

  /** Wires a circuit to a pin. */
  wire(pin: number, circuit: Circuit): void {
    this.#circuits.set(pin, circuit);
  }

  drive(pin: number, level: 0 | 1 | null, at_ms: number): void {
    if (this.at(pin).level === level) return;
    this.at(pin).level = level;
    this.#circuits.get(pin)?.hear?.(level, at_ms);
  }

  exists(pin: number): boolean {
    const { missing, count, flash } = CHIPS[this.chip];
    const away: readonly number[] = [...missing, ...flash];
    return Number.isInteger(pin) && pin >= 0 && pin < count && !away.includes(pin);
  }

  drives(pin: number): boolean {
    return this.exists(pin) && pin < CHIPS[this.chip].listenFrom;
  }

  /** What the chip reads: an open pin that has no pull-up may read as anything, here as the worst. */
  read(pin: number): 0 | 1 {
    const grounded = this.at(pin).grounded || this.#circuits.get(pin)?.grounds?.() === true;
    return grounded || !this.drives(pin) ? 0 : 1;
  }

  /** Somebody closes a contact between the pin and ground, or opens it; it stays so. */
  ground(pin: number, grounded: boolean): void {
    this.at(pin).grounded = grounded;
  }

  /** Whether a pulse counter is left. */
  get hasCounter(): boolean {
    const taken = [...this.#pins.values()].filter(({ counter }) => counter?.kind === "pulse").length;
    return taken < CHIPS[this.chip].counters;
  }

  /** So many falling edges come, at S0's pace. @returns whether they are counted. */
  pulse(pin: number, pulses: number): boolean {
    const { counter } = this.at(pin);
    if (counter?.kind !== "pulse") return false;
    counter.count = (counter.count + pulses) % COUNTS;
    return true;
  }

  /** Somebody holds the contact closed for so long. */
  close(pin: number, held_ms = 100): void {
    const { counter } = this.at(pin);
    if (counter?.kind === "contact" && held_ms >= CONTACT_MS) counter.count = (counter.count + 1) % COUNTS;
  }
}

/** Takes a pin for a machine until it is given back or the machine ends. @returns how to give it back. */
export function usePin(machine: Machine, pins: Pins, pin: number): () => void {
  const wire = pins.at(pin);
  wire.used = true;
  const free = () => {
    pins.drive(pin, null, machine.at_ms);
    Object.assign(wire, { used: false, counter: null });
  };
  const forget = machine.closing(free);
  return () => {
    forget();
    free();
  };
}

const INPUT_PULL_UP = 1;
const OUTPUT = 8;
const OUTPUT_OPEN_DRAIN = 9;
const MODES = [INPUT_PULL_UP, OUTPUT, OUTPUT_OPEN_DRAIN];

export interface DigitalOptions {
  readonly pin: number;
  readonly mode: number;
}

export function digitalModule(machine: Machine, pins: Pins, powered: () => void) {
  const { realm } = machine;
  return {
    default: class Digital {
      static readonly InputPullUp: number = INPUT_PULL_UP;
      static readonly Output: number = OUTPUT;
      static readonly OutputOpenDrain: number = OUTPUT_OPEN_DRAIN;
      readonly #pin: number;
      readonly #isInput: boolean;
      #close: (() => void) | null;
      constructor({ pin, mode }: DigitalOptions) {
        powered();
        if (pin === undefined || mode === undefined) throw new realm.Error("invalid");
        if (!pins.exists(pin)) throw new realm.Error("invalid pin");
        if (pins.at(pin).used) throw new realm.Error("in use");
        if (!MODES.includes(mode)) throw new realm.RangeError("invalid mode");
        this.#isInput = mode === INPUT_PULL_UP;
        if (!this.#isInput && !pins.drives(pin)) throw new realm.RangeError("input only");
        this.#pin = pin;
        this.#close = usePin(machine, pins, pin);
        if (!this.#isInput) pins.drive(pin, 0, machine.at_ms);
      }
      read(): 0 | 1 {
        this.#check();
        if (!this.#isInput) throw new realm.Error("can't read output");
        return pins.read(this.#pin);
      }
      write(value: 0 | 1): void {
        this.#check();
        if (this.#isInput) throw new realm.Error("can't write input");
        pins.drive(this.#pin, Number(value) ? 1 : 0, machine.at_ms);
      }
      #check(): void {
        powered();
        if (!this.#close) throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
      }
      close(): void {
        this.#close?.();
        this.#close = null;
      }
    },
  };
}

/** "sealmeter/pulse": counters that go on counting while JavaScript is busy. */
export function pulseModule(machine: Machine, pins: Pins, powered: () => void) {
  const { realm } = machine;
  const counterClass = (kind: "pulse" | "contact") =>
    class Counter {
      readonly #pin: number;
      #close: (() => void) | null;
      constructor(pin: number) {
        powered();
        const free = pins.exists(pin) && !pins.at(pin).used;
        if (!free || (kind === "pulse" && !pins.hasCounter))
          throw new realm.Error(`no ${kind} counter for the pin`);
        this.#pin = pin;
        this.#close = usePin(machine, pins, pin);
        pins.at(pin).counter = { kind, count: 0 };
      }
      read(): number {
        powered();
        const { counter } = pins.at(this.#pin);
        if (!this.#close || !counter) throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
        return counter.count;
      }
      close(): void {
        this.#close?.();
        this.#close = null;
      }
    };
  return { PulseCounter: counterClass("pulse"), ContactCounter: counterClass("contact") };
}
