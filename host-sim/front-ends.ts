// The front ends that a simulated meter may have, each over the same load: the trace itself, the S0 pulses of a
// counted meter, a metering chip on its bus, and waveforms sampled from a shunt and a divider. Each comes with what its counts are worth, and how often a meter
// must step: a device steps every second or so, a simulation only as often as its front end bears.
import { ADE7953 } from "../firmware/ade7953.js";
import type { I2CBus, I2CSensor } from "../firmware/ade7953-registers.js";
import { BoardFrontEnd } from "../firmware/front-end.js";
import type { Calibration } from "../src/trusted/metrology/calibration.js";
import type { FrontEnd, FrontEndReading } from "../src/trusted/ports.js";
import { ADE7953Model } from "./ade7953.js";
import { MJ_PER_KWH, pulseCalibration, pulseSource } from "./calibration.js";
import type { VirtualClock } from "./clock.js";
import type { I2cDevice } from "./ecma419/i2c.js";
import type { HouseholdMinutes } from "./household.js";
import { TraceEnergy } from "./ports.js";
import { SeededRandom } from "./seeded.js";
import type { Trace } from "./trace.js";
import { calibrate } from "./waveform/calibration.js";
import { ClockedWaveform } from "./waveform/front-end.js";
import { EXTERNAL_16, RATED } from "./waveform/models.js";
import { Sampler } from "./waveform/sampler.js";
import { householdSupply } from "./waveform/supply.js";

/** What a simulated meter measures with. */
export interface SimulatedFrontEnd {
  readonly calibration: Calibration | null;
  /** Made anew at each power-up: it measures from then on. */
  readonly make: (clock: VirtualClock) => FrontEnd;
  /** Time between steps of the unit, ms. */
  readonly tick_ms: number;
}

export const FRONT_END_NAMES = ["trace", "pulse", "chip", "waveform"] as const;
export type FrontEndName = (typeof FRONT_END_NAMES)[number];

const PULSES_PER_KWH = 1000;
const PULSE_MJ = MJ_PER_KWH / PULSES_PER_KWH;
/** Pulses are believed to 16 a second and for 3 s unread. */
const PULSE_TICK_MS = 2_000;
/** The chip's driver wants to be asked every 10 s. */
const CHIP_TICK_MS = 5_000;
const TRACE_TICK_MS = 10_000;
/** The accumulator queues 5 s. */
const WAVEFORM_TICK_MS = 2_000;

/** The chip's full scale here, 230 V and 100 A, and the counts that its register makes of it (data sheet, Rev. C). */
const FULL_SCALE_W = 23_000;
const FULL_SCALE_COUNTS = 206_900;
/** The chip starts before its driver asks, ms. */
const CHIP_START_MS = 1_000;

/** Pulses of a counted meter at each channel; what is less than a pulse waits. */
class TracePulses implements FrontEnd {
  readonly #energy: TraceEnergy;
  #waiting_mJ: readonly number[];

  constructor(trace: Trace, clock: VirtualClock) {
    this.#energy = new TraceEnergy(trace, clock);
    this.#waiting_mJ = trace.channels.map(() => 0);
  }

  read(): FrontEndReading {
    const { counts, status } = this.#energy.read();
    const total_mJ = counts.map((mJ, at) => mJ + (this.#waiting_mJ[at] ?? 0));
    this.#waiting_mJ = total_mJ.map((mJ) => mJ % PULSE_MJ);
    return { counts: total_mJ.map((mJ) => Math.floor(mJ / PULSE_MJ)), status };
  }
}

/** Two wires without faults to one device. */
const wiredTo = (device: I2cDevice): I2CSensor["io"] =>
  class implements I2CBus {
    write(bytes: Uint8Array): void {
      device.start(false);
      for (const byte of bytes) device.write(byte);
      device.end(true);
    }

    writeRead(bytes: Uint8Array, count: number): ArrayBuffer {
      this.write(bytes);
      device.start(true);
      const { buffer } = Uint8Array.from({ length: count }, () => device.read());
      device.end(true);
      return buffer;
    }

    close(): void {}
  };

/** Gives the chip the trace's power: what is drawn less what is fed in, as one element has it. */
class TraceChip implements FrontEnd {
  readonly #trace: Trace;
  readonly #clock: VirtualClock;
  readonly #chip = new ADE7953Model();
  readonly #frontEnd: BoardFrontEnd;
  #passed_ms: number;

  constructor(trace: Trace, clock: VirtualClock) {
    this.#trace = trace;
    this.#clock = clock;
    this.#passed_ms = clock.now_ms;
    this.#chip.powerUp();
    this.#chip.advance(CHIP_START_MS);
    const driver = new ADE7953({
      sensor: { io: wiredTo(this.#chip), data: 0, clock: 0 },
      registers: ["activeA"],
      countsPerSecondMax: FULL_SCALE_COUNTS,
      gainCodes: { voltage: 0, currentA: 0, currentB: 0 },
      now_ms: () => clock.now_ms,
    });
    this.#frontEnd = new BoardFrontEnd(() => clock.now_ms, [], driver);
  }

  read(): FrontEndReading {
    const { start_s, step_s } = this.#trace;
    while (this.#passed_ms < this.#clock.now_ms) {
      const row = Math.floor((this.#passed_ms / 1000 - start_s) / step_s);
      const end_ms = Math.min(this.#clock.now_ms, (start_s + (row + 1) * step_s) * 1000);
      this.#chip.power = { activeA: this.#ppm(row), activeB: 0, reactiveA: 0, reactiveB: 0 };
      this.#chip.advance(end_ms - this.#passed_ms);
      this.#passed_ms = end_ms;
    }
    return this.#frontEnd.read();
  }

  #ppm(row: number): number {
    const [drawn_mJ = 0, fed_mJ = 0] = this.#trace.rows[row] ?? [];
    const power_W = (drawn_mJ - fed_mJ) / 1000 / this.#trace.step_s;
    return Math.round((power_W / FULL_SCALE_W) * 1e6);
  }
}

/** The trace's load from a moment on, minute by minute: what is drawn as a home's, what is fed in as panels'. */
function minutesOf({ start_s, step_s, rows }: Trace, from_ms: number): HouseholdMinutes {
  const first = Math.floor((from_ms / 1000 - start_s) / 60);
  const count = Math.max(1, (rows.length * step_s) / 60 - first);
  const power = (channel: number) =>
    Int32Array.from({ length: count }, (_, at) => {
      const row = rows[Math.floor(((first + at) * 60) / step_s)];
      return Math.round((row?.[channel] ?? 0) / 1000 / step_s);
    });
  return { home_W: power(0), car_W: new Int32Array(count), solar_W: power(1) };
}

/** One unit of the 16-bit front end with a shunt, calibrated on its bench, in front of the trace's load. */
function waveformOver(trace: Trace, seed: number): SimulatedFrontEnd {
  const model = EXTERNAL_16;
  const { calibration: waveform } = calibrate({ model, elements: 1, seed });
  const unit = new SeededRandom(seed).fork(model.name);
  const make = (clock: VirtualClock) => {
    const random = unit.fork(`load from ${clock.now_ms}`);
    const supply = householdSupply(minutesOf(trace, clock.now_ms), 1, RATED.frequency_Hz, random);
    const noise = random.fork("noise");
    const sampler = new Sampler({ frontEnd: model, supply, rate_Hz: RATED.rate_Hz, random: unit, noise });
    return new ClockedWaveform({ sampler, rate_Hz: RATED.rate_Hz }, clock);
  };
  const sources = trace.channels.map(() => null);
  return {
    calibration: { sources, waveform, testPulses: PULSES_PER_KWH },
    make,
    tick_ms: WAVEFORM_TICK_MS,
  };
}

/**
 * The front end of this name over the load of a trace of import, or of import and export.
 * @param seed of a unit's own errors and noise, where it has any.
 */
export function frontEndOver(name: FrontEndName, trace: Trace, seed = 1): SimulatedFrontEnd {
  switch (name) {
    case "waveform":
      return waveformOver(trace, seed);
    case "trace":
      return { calibration: null, make: (clock) => new TraceEnergy(trace, clock), tick_ms: TRACE_TICK_MS };
    case "pulse": {
      const sources = trace.channels.map((_, input) => pulseSource(input, MJ_PER_KWH, PULSES_PER_KWH));
      return {
        calibration: pulseCalibration(...sources),
        make: (clock) => new TracePulses(trace, clock),
        tick_ms: PULSE_TICK_MS,
      };
    }
    case "chip": {
      const source = {
        input: 0,
        numerator: FULL_SCALE_W * 1000,
        denominator: FULL_SCALE_COUNTS,
        maxPerSecond: 2 * FULL_SCALE_COUNTS,
      };
      const sources = trace.channels.map((_, channel) => ({ ...source, isBackward: channel === 1 }));
      return {
        calibration: { sources, waveform: null, testPulses: PULSES_PER_KWH },
        make: (clock) => new TraceChip(trace, clock),
        tick_ms: CHIP_TICK_MS,
      };
    }
  }
}
