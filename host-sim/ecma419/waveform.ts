// "sealmeter/waveform" as the firmware meets it: one converter on pins of the first ADC, and the mains cycles that it
// has made records of, which a scenario brings. The records themselves are the accumulator's (host-sim/waveform).
import type { Cycle } from "../../src/trusted/ports.js";
import { RATE_HZ_MAX, RATE_HZ_MIN } from "../waveform/accumulator.js";
import type { Machine } from "./machine.js";
import { type Pins, usePin } from "./pins.js";

/** Two pins an element, three elements. */
const PIN_COUNTS = [2, 4, 6];
/** Records a call, as native/waveform.js bounds them. */
const CYCLES_AT_ONCE = 70;

/** What the converter's task has queued. */
export class CycleQueue {
  readonly cycles: Cycle[] = [];
  /** As the firmware asked for them; null while nobody samples. */
  sampling: { readonly rate_Hz: number; readonly pins: readonly number[] } | null = null;
}

export function waveformModule(machine: Machine, pins: Pins, queue: CycleQueue, powered: () => void) {
  const { realm } = machine;
  return {
    WaveformInput: class {
      #close: (() => void) | null;
      constructor(rate_Hz: number, inputs: readonly number[]) {
        powered();
        const given = Array.from(inputs);
        const isRate = Number.isInteger(rate_Hz) && rate_Hz >= RATE_HZ_MIN && rate_Hz <= RATE_HZ_MAX;
        if (!isRate || !PIN_COUNTS.includes(given.length)) throw new realm.RangeError("rate or pins");
        if (queue.sampling) throw new realm.Error("the converter is taken");
        if (given.some((pin) => !pins.exists(pin) || pins.at(pin).used)) throw new realm.RangeError("pins");
        const free = given.map((pin) => usePin(machine, pins, pin));
        queue.sampling = { rate_Hz, pins: given };
        queue.cycles.length = 0;
        this.#close = () => {
          for (const release of free) release();
          queue.sampling = null;
        };
      }
      read(): Cycle[] {
        powered();
        if (!this.#close) throw new realm.SyntaxError("C: xsGetHostData: invalid host data");
        return queue.cycles.splice(0, CYCLES_AT_ONCE);
      }
      close(): void {
        this.#close?.();
        this.#close = null;
      }
    },
  };
}
