// The contacts in the supply at the chip's pins, as the port of the credit logic: the two coils of a bistable relay,
// or the one of a contactor. It drives what it is told and says what the sense pin shows; when and whether is decided
// in src/credit/load-switch.ts. No coil has current but in a call of `drive`, so never both, and never for longer
// because the unit is signing; the transistors before the coils keep them off while the chip starts.
import Digital from "embedded:io/digital";
import Timer from "timer";
import type { Relay } from "../src/credit/ports.js";
import type { RelaySettings } from "./settings.js";

/** Of a coil, ms: some three times what relays of 60 to 100 A ask for. The machine waits; counters and DMA go on. */
const PULSE_MS = 50;

/** An output that is low from the start. @throws Error naming the setting if the pin cannot be had. */
const output = (name: string, pin: number) => opened(name, pin, Digital.Output);

function opened(name: string, pin: number, mode: number): Digital {
  try {
    return new Digital({ pin, mode });
  } catch (error) {
    throw new Error(`config ${name}: GPIO ${pin}: ${error instanceof Error ? error.message : "not usable"}`);
  }
}

export class PinRelay implements Relay {
  readonly #close: Digital;
  /** Null: a contactor. */
  readonly #open: Digital | null;
  readonly #sense: Digital | null;

  /** Moves nothing; a contactor is open, as it was without power. @throws Error naming the setting that is wrong. */
  constructor({ close, open, sense }: RelaySettings) {
    this.#close = output("relayClosePin", close);
    this.#open = open < 0 ? null : output("relayOpenPin", open);
    this.#sense = sense < 0 ? null : opened("relaySensePin", sense, Digital.InputPullUp);
  }

  /** Takes PULSE_MS with a bistable relay. */
  drive(closed: boolean): void {
    if (!this.#open) {
      this.#close.write(closed ? 1 : 0);
      return;
    }
    const coil = closed ? this.#close : this.#open;
    coil.write(1);
    Timer.delay(PULSE_MS);
    coil.write(0);
  }

  feedback(): boolean | null {
    return this.#sense ? this.#sense.read() === 0 : null;
  }
}
