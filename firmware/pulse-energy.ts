// The front end of the demonstration board: the S0 pulse outputs (IEC 62053-31) of a meter that is there
// already, counted in hardware. A constant that does not divide 3.6e9 mJ leaves a remainder, which is carried
// as a fraction: no energy is lost or made by rounding. Sampling a voltage and a current is another front end
// and not this one.
import { Status } from "../src/trusted/metrology/interval.js";
import type { EnergyIncrement, EnergySource } from "../src/trusted/ports.js";

const MJ_PER_KWH = 3_600_000_000;
/** Pulses converted at once: their energy in mJ times the constant stays below 2^53. */
const PULSES_AT_ONCE = 1_000_000;
/** More in a reading is no meter but a defect: 1 kHz over the 3 s between readings, ten times over. */
const PULSES_MAX = 30_000;

/** A counter that runs from 0 and overflows at 2^32. */
export interface Counter {
  read(): number;
}

export interface PulseInput {
  readonly counter: Counter;
  /** Pulses in a kWh, 1 to 1,000,000. */
  readonly pulsesPer_kWh: number;
}

export class PulseEnergy implements EnergySource {
  readonly #inputs: readonly PulseInput[];
  readonly #counted: number[];
  /** Of each input: mJ times its constant, below the constant. */
  readonly #remainder: number[];

  /** @param inputs in the order of the configuration's channels; what they count from now on is energy. */
  constructor(inputs: readonly PulseInput[]) {
    this.#inputs = inputs;
    this.#counted = inputs.map(({ counter }) => counter.read());
    this.#remainder = inputs.map(() => 0);
  }

  read(): EnergyIncrement {
    let status = 0;
    const energy_mJ = this.#inputs.map(({ counter, pulsesPer_kWh }, at) => {
      const count = counter.read();
      // Unsigned 32-bit difference: right across the overflow.
      const pulses = (count - (this.#counted[at] ?? 0)) >>> 0;
      this.#counted[at] = count;
      if (pulses > PULSES_MAX) status |= Status.FAULT;
      return this.#convert(at, pulses, pulsesPer_kWh);
    });
    return { energy_mJ, status };
  }

  #convert(at: number, pulses: number, pulsesPer_kWh: number): number {
    let energy_mJ = 0;
    for (let left = pulses; left > 0; left -= PULSES_AT_ONCE) {
      const numerator = Math.min(left, PULSES_AT_ONCE) * MJ_PER_KWH + (this.#remainder[at] ?? 0);
      this.#remainder[at] = numerator % pulsesPer_kWh;
      energy_mJ += (numerator - (numerator % pulsesPer_kWh)) / pulsesPer_kWh;
    }
    return energy_mJ;
  }
}
