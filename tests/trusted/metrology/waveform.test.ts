// Sums over mains cycles to energy, against what sines hold by their formula: netting, direction, reactive energy,
// phase errors, offsets, the load that is none; and records that can be no cycle's.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WaveformCalibration } from "../../../src/trusted/metrology/calibration.js";
import { Status } from "../../../src/trusted/metrology/interval.js";
import { quantityOf, WaveformEnergy } from "../../../src/trusted/metrology/waveform.js";
import type { Cycle } from "../../../src/trusted/ports.js";

const RATE_Hz = 4000;
/** Volts and amperes of a code, so that a product of codes is 40 mW. */
const V_PER_CODE = 0.02;
const A_PER_CODE = 0.002;
const MJ_PER_PRODUCT = (V_PER_CODE * A_PER_CODE * 1000) / RATE_Hz;
const GAIN = Math.round(MJ_PER_PRODUCT * 2 ** 40);
const ALL = ["1-0:1.8.0", "1-0:2.8.0", "1-0:3.8.0", "1-0:4.8.0"];

interface Sine {
  readonly volts?: number;
  readonly amperes: number;
  /** The current lags by this, degrees. */
  readonly lag_deg?: number;
  readonly offsets?: readonly [v: number, i: number];
  readonly delay_ns?: number;
}

/** Cycles of 50 Hz as an accumulator gives them: rounded codes, the voltage of a quarter period ago with them. */
function cyclesOf(count: number, elements: readonly Sine[], frequency_Hz = 50): Cycle[] {
  const samples = Math.round(RATE_Hz / frequency_Hz);
  return Array.from({ length: count }, (_, cycle) => {
    const sums = elements.flatMap(({ volts = 230, amperes, lag_deg = 0, offsets = [0, 0], delay_ns = 0 }) => {
      const own = [0, 0, 0, 0, 0, 0] as [number, number, number, number, number, number];
      for (let at = 0; at < samples; at++) {
        const angle = (2 * Math.PI * (cycle * samples + at)) / samples;
        const lag = (lag_deg * Math.PI) / 180 + 2 * Math.PI * frequency_Hz * delay_ns * 1e-9;
        const code = (peak: number, phase: number, offset: number) =>
          Math.round(peak * Math.cos(phase)) + offset;
        const [peakV, peakI] = [(volts * Math.SQRT2) / V_PER_CODE, (amperes * Math.SQRT2) / A_PER_CODE];
        const v = code(peakV, angle, offsets[0]);
        const quarter = code(peakV, angle - Math.PI / 2, offsets[0]);
        const i = code(peakI, angle - lag, offsets[1]);
        [v, i, v * v, i * i, v * i, quarter * i].forEach((value, which) => {
          own[which] = (own[which] ?? 0) + value;
        });
      }
      return own;
    });
    return { samples, lost: 0, sums };
  });
}

const calibrationOf = (elements: number, change: Partial<WaveformCalibration> = {}): WaveformCalibration => ({
  samplesPerSecond: RATE_Hz,
  starting_mW: 4600,
  elements: Array.from({ length: elements }, () => ({ gain: GAIN, delay_ns: 0 })),
  ...change,
});

/** Energy of each channel, mJ, of these cycles taken at once, and the flags. */
function measured(channels: readonly string[], cycles: readonly Cycle[], calibration = calibrationOf(1)) {
  const energy = new WaveformEnergy(channels);
  let status = 0;
  for (let at = 0; at < cycles.length; at += 50)
    status |= energy.take(cycles.slice(at, at + 50), calibration);
  return { energy_mJ: channels.map((_, channel) => energy.drain(channel)), status };
}

/** Within this part of the apparent energy: what rounding to codes leaves. */
const near = (actual: number, expected: number, apparent: number, part = 1e-4) =>
  expect(Math.abs(actual - expected) / apparent).toBeLessThan(part);

describe("quantities", () => {
  it("are named by OBIS codes, of all elements and of each", () => {
    expect(quantityOf("1-0:1.8.0")).toEqual({ element: null, isReactive: false, isBackward: false });
    expect(quantityOf("1-0:22.8.0")).toEqual({ element: 0, isReactive: false, isBackward: true });
    expect(quantityOf("1-1:43.8.0")).toEqual({ element: 1, isReactive: true, isBackward: false });
    expect(quantityOf("1-0:64.8.0")).toEqual({ element: 2, isReactive: true, isBackward: true });
    for (const other of ["7-0:3.0.0", "1-0:5.8.0", "1-0:81.8.0", "1-0:1.7.0", "1-0:1.8.1", "1-0:31.8.0"]) {
      expect(quantityOf(other)).toBeNull();
    }
  });
});

describe("energy of a sine", () => {
  it("is active and reactive, imported and exported, by the angle of the current", () => {
    const lags = fc.integer({ min: 0, max: 359 });
    fc.assert(
      fc.property(
        lags,
        fc.constantFrom(0.5, 5, 60),
        fc.constantFrom(50, 49, 51, 60),
        (lag_deg, amperes, hertz) => {
          const cycles = cyclesOf(120, [{ amperes, lag_deg }], hertz);
          const { energy_mJ, status } = measured(ALL, cycles);
          expect(status).toBe(0);
          const seconds = cycles.reduce((sum, { samples }) => sum + samples, 0) / RATE_Hz;
          const apparent = 230 * amperes * seconds * 1000;
          const [active, reactive] = [Math.cos, Math.sin].map(
            (of) => apparent * of((lag_deg * Math.PI) / 180),
          );
          const expected = [active, -(active as number), reactive, -(reactive as number)];
          // Of windows of 10 or 12 cycles, 120 cycles are whole ones.
          expected.forEach((mJ, channel) => {
            near(energy_mJ[channel] ?? 0, Math.max(0, mJ as number), apparent, amperes < 1 ? 2e-3 : 2e-4);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is the same in both directions, to the millijoule", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 90 }), fc.constantFrom(0.3, 3, 30), (lag_deg, amperes) => {
        const cycles = cyclesOf(100, [{ amperes, lag_deg }]);
        const turned = cycles.map(({ samples, lost, sums }) => {
          return { samples, lost, sums: sums.map((sum, which) => ([1, 4, 5].includes(which) ? -sum : sum)) };
        });
        const [a, b, c, d] = measured(ALL, cycles).energy_mJ;
        expect(measured(ALL, turned).energy_mJ).toEqual([b, a, d, c]);
      }),
      { numRuns: 20 },
    );
  });

  it("does not depend on how many cycles are read at once", () => {
    const cycles = cyclesOf(90, [{ amperes: 7, lag_deg: 20 }]);
    const whole = measured(ALL, cycles).energy_mJ;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 30 }), (reads) => {
        const energy = new WaveformEnergy(ALL);
        const totals = ALL.map(() => 0);
        let from = 0;
        for (const count of [...reads, cycles.length]) {
          energy.take(cycles.slice(from, from + count), calibrationOf(1));
          from += count;
          for (const channel of totals.keys())
            totals[channel] = (totals[channel] ?? 0) + energy.drain(channel);
        }
        expect(totals).toEqual(whole);
      }),
    );
  });

  it("has nothing of the converter's offsets", () => {
    const offsets = [300, -200] as const;
    const { energy_mJ } = measured(ALL, cyclesOf(100, [{ amperes: 5, offsets }]));
    near(energy_mJ[0] ?? 0, 230 * 5 * 2000, 230 * 5 * 2000);
    expect(measured(ALL, cyclesOf(100, [{ amperes: 0, offsets }])).energy_mJ).toEqual([0, 0, 0, 0]);
  });

  it("is right again where the calibration knows the sensor's delay", () => {
    const apparent = 230 * 10 * 2000;
    for (const delay_ns of [20_000, -20_000, 100_000]) {
      for (const lag_deg of [0, 60, -37, 180]) {
        const cycles = cyclesOf(100, [{ amperes: 10, lag_deg, delay_ns }]);
        const expected = apparent * Math.cos((lag_deg * Math.PI) / 180);
        const element = { gain: GAIN, delay_ns };
        const [imported, exported] = measured(
          ALL,
          cycles,
          calibrationOf(1, { elements: [element] }),
        ).energy_mJ;
        // A turn by a small angle is off by half of its square: 100 us are 1.8 degrees and 0.05 %.
        near((imported ?? 0) - (exported ?? 0), expected, apparent, 6e-4);
        const off = measured(ALL, cycles).energy_mJ;
        if (lag_deg === 60) expect(Math.abs((off[0] ?? 0) - expected) / expected).toBeGreaterThan(0.009);
      }
    }
  });

  it("takes the gain of its element", () => {
    const doubled = calibrationOf(1, { elements: [{ gain: 2 * GAIN, delay_ns: 0 }] });
    const cycles = cyclesOf(100, [{ amperes: 10 }]);
    const [once, twice] = [measured(ALL, cycles), measured(ALL, cycles, doubled)].map(
      (at) => at.energy_mJ[0] ?? 0,
    );
    expect(Math.abs((twice ?? 0) - 2 * (once ?? 0))).toBeLessThanOrEqual(1);
  });
});

describe("netting", () => {
  const PHASES = [
    "1-0:1.8.0",
    "1-0:2.8.0",
    "1-0:21.8.0",
    "1-0:22.8.0",
    "1-0:41.8.0",
    "1-0:42.8.0",
    "1-0:62.8.0",
  ];

  it("is of all elements in the totals, and of none in the phases", () => {
    const cycles = cyclesOf(100, [{ amperes: 10 }, { amperes: 4, lag_deg: 180 }, { amperes: 0 }]);
    const { energy_mJ } = measured(PHASES, cycles, calibrationOf(3));
    const ampere = 230 * 2000;
    const expected = [6, 0, 10, 0, 0, 4, 0].map((amperes) => amperes * ampere);
    expected.forEach((mJ, channel) => {
      near(energy_mJ[channel] ?? 0, mJ, 10 * ampere);
    });
  });

  it("is within a window and never across windows", () => {
    const taken = cyclesOf(10, [{ amperes: 10 }]);
    const given = cyclesOf(10, [{ amperes: 10, lag_deg: 180 }]);
    const turns = Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? taken : given)).flat();
    const [imported, exported] = measured(ALL, turns).energy_mJ;
    near(imported ?? 0, 230 * 10 * 1000, 230 * 10 * 1000);
    near(exported ?? 0, 230 * 10 * 1000, 230 * 10 * 1000);
    const within = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? taken : given)[0] as Cycle);
    expect(measured(ALL, within).energy_mJ).toEqual([0, 0, 0, 0]);
  });

  it("leaves channels alone that are no quantity of a waveform, or of an element that is not there", () => {
    const { energy_mJ } = measured(["7-0:3.0.0", "1-0:61.8.0", "1-0:1.8.0"], cyclesOf(10, [{ amperes: 10 }]));
    expect(energy_mJ.slice(0, 2)).toEqual([0, 0]);
    expect(energy_mJ[2]).toBeGreaterThan(0);
  });
});

describe("a load that is none", () => {
  /** Amperes at 230 V that are this part of the starting power of 4.6 W. */
  const part = (share: number) => (share * 4.6) / 230;
  const seconds = (count: number, share: number) => cyclesOf(50 * count, [{ amperes: part(share) }]);

  it("is below half of the starting power: after its first second nothing is counted", () => {
    const first = measured(ALL, seconds(1, 0.45)).energy_mJ[0] ?? 0;
    expect(measured(ALL, seconds(60, 0.45)).energy_mJ[0]).toBe(first);
    expect(first).toBeLessThan(0.5 * 4600);
    near(measured(ALL, seconds(60, 0.55)).energy_mJ[0] ?? 0, 0.55 * 4600 * 60, 4600 * 60, 0.05);
  });

  it("ends at three quarters, and then all of its second is counted", () => {
    const idle = seconds(2, 0);
    const counted = (share: number) => measured(ALL, [...idle, ...seconds(10, share)]).energy_mJ[0] ?? 0;
    expect(counted(0.7)).toBe(0);
    near(counted(0.8), 0.8 * 46_000, 46_000, 0.05);
    near(counted(1), 46_000, 46_000, 0.05);
  });

  it("ends with the window in which a load is switched on, and takes it whole", () => {
    const energy = new WaveformEnergy(ALL);
    energy.take(seconds(3, 0), calibrationOf(1));
    energy.take(cyclesOf(10, [{ amperes: 10 }]), calibrationOf(1));
    near(energy.drain(0), 230 * 10 * 200, 230 * 10 * 200);
  });

  it("is none either way: export and reactive power are loads too", () => {
    for (const lag_deg of [90, 180, 270]) {
      const { energy_mJ } = measured(ALL, cyclesOf(100, [{ amperes: 1, lag_deg }]));
      near(Math.max(...energy_mJ), 230 * 2000, 230 * 2000, 2e-3);
    }
  });
});

describe("a record of a cycle", () => {
  const [good] = cyclesOf(1, [{ amperes: 10 }]) as [Cycle];
  const take = (cycles: readonly Cycle[], calibration = calibrationOf(1)) => {
    const energy = new WaveformEnergy(ALL);
    return { status: energy.take(cycles, calibration), energy };
  };

  it("that cannot be one's raises the fault flag and adds nothing", () => {
    const product = 80 * 2 ** 30;
    const bad: Cycle[] = [
      { ...good, samples: 0 },
      { ...good, samples: 56 },
      { ...good, samples: 102 },
      { ...good, samples: 80.5 },
      { ...good, samples: Number.NaN },
      { ...good, sums: good.sums.slice(1) },
      { ...good, sums: [...good.sums, 0] },
      { ...good, sums: good.sums.map((sum, at) => (at === 4 ? product + 1 : sum)) },
      { ...good, sums: good.sums.map((sum, at) => (at === 4 ? -product - 1 : sum)) },
      { ...good, sums: good.sums.map((sum, at) => (at === 5 ? Number.NaN : sum)) },
      { ...good, sums: good.sums.map((sum, at) => (at === 0 ? 0.5 : sum)) },
    ];
    for (const cycle of bad) {
      const { status, energy } = take(new Array<Cycle>(300).fill(cycle));
      expect(status).toBe(Status.FAULT);
      expect(energy.drain(0)).toBe(0);
    }
  });

  it("may be as short as at 70 Hz and as long as at 40 Hz, with sums of full scale", () => {
    const full = 80 * 2 ** 30;
    for (const samples of [57, 80, 101]) expect(take([{ ...good, samples }]).status).toBe(0);
    expect(take([{ ...good, sums: [0, 0, full, full, full, -full] }]).status).toBe(0);
  });

  it("says how many cycles were lost before it, and more than a front end can queue is a fault", () => {
    expect(take([{ ...good, lost: 1 }]).status).toBe(Status.INCOMPLETE);
    // What the lost ones cut short is a cycle all the same, but for one without a sample.
    expect(take([{ ...good, lost: 1, samples: 5, sums: [0, 0, 0, 0, 5, 5] }]).status).toBe(Status.INCOMPLETE);
    expect(take([{ ...good, lost: 1, samples: 0, sums: [0, 0, 0, 0, 0, 0] }]).status).toBe(
      Status.INCOMPLETE | Status.FAULT,
    );
    expect(take(new Array<Cycle>(400).fill(good)).status).toBe(0);
    const { status, energy } = take(new Array<Cycle>(450).fill(good));
    expect(status).toBe(Status.FAULT);
    expect(energy.drain(0)).toBe(take(new Array<Cycle>(400).fill(good)).energy.drain(0));
  });
});
