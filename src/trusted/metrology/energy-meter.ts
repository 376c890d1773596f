// What the front end says, as energy of each channel. Whatever it says is checked here: a front end is a driver on a
// bus, and not legally relevant; what is no energy raises a flag and nothing else.
import type { FrontEnd } from "../ports.js";
import type { Calibration } from "./calibration.js";
import { CountedEnergy } from "./counted.js";
import { Status } from "./interval.js";
import { isEnergy } from "./registers.js";
import { WaveformEnergy } from "./waveform.js";

/** Flags that a front end may raise. */
const FRONT_END = Status.INCOMPLETE | Status.TAMPER | Status.FAULT;
/** A waveform has a cycle at least this often, whatever the mains do. */
const SILENT_MAX_MS = 3_000;

/** Energy of each channel since the last reading, whole mJ, not negative, and the quality flags that it raises. */
export interface EnergyIncrement {
  readonly energy_mJ: readonly number[];
  readonly status: number;
}

export class EnergyMeter {
  readonly #frontEnd: FrontEnd;
  readonly #waveform: WaveformEnergy;
  /** Of each channel that is counted, by the calibration in force. */
  #counted: readonly (CountedEnergy | null)[] = [];
  #calibration: Calibration | null = null;
  #silent_ms = 0;

  /** @param channels OBIS codes. */
  constructor(frontEnd: FrontEnd, channels: readonly string[]) {
    this.#frontEnd = frontEnd;
    this.#waveform = new WaveformEnergy(channels);
  }

  /** @param calibration null for a front end whose counts are the channels' mJ, as a simulated one's may be. */
  read(calibration: Calibration | null, channels: number, elapsed_ms: number): EnergyIncrement {
    if (calibration !== this.#calibration) {
      this.#counted = calibration?.sources.map((source) => source && new CountedEnergy(source)) ?? [];
      this.#calibration = calibration;
    }
    const { counts, cycles = [], status } = this.#frontEnd.read();
    const waveform = calibration?.waveform;
    let flags = status & FRONT_END;
    if (waveform) {
      this.#silent_ms = cycles.length > 0 ? 0 : this.#silent_ms + elapsed_ms;
      flags |= this.#waveform.take(cycles, waveform);
      if (this.#silent_ms > SILENT_MAX_MS) flags |= Status.INCOMPLETE | Status.FAULT;
    }
    const energies = calibration
      ? calibration.sources.map((source, channel) => {
          const steps = counts[source?.input ?? 0] ?? Number.NaN;
          return this.#counted[channel]?.convert(steps, elapsed_ms) ?? this.#waveform.drain(channel);
        })
      : counts;
    if (energies.length !== channels || !energies.every(isEnergy)) flags |= Status.FAULT;
    const energy_mJ = Array.from({ length: channels }, (_, channel) => {
      const energy = energies[channel] ?? 0;
      return isEnergy(energy) ? energy : 0;
    });
    return { energy_mJ, status: flags };
  }
}
