import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { NorFlash } from "../../../host-sim/flash.js";
import { SeededRandom } from "../../../host-sim/seeded.js";
import type { Configuration } from "../../../src/trusted/authority/configuration.js";
import { Journal } from "../../../src/trusted/journal/journal.js";
import { dayOf, intervalAt, intervalStart_s, Status } from "../../../src/trusted/metrology/interval.js";
import { Measurement } from "../../../src/trusted/metrology/measurement.js";
import { MILLIJOULES_PER_WH } from "../../../src/trusted/metrology/registers.js";
import type { Companion } from "../../../src/trusted/ports.js";

const INTERVAL_S = 1800;
const START_S = 727_488 * INTERVAL_S;
/** 2,520 mJ per V·A of each of three elements. */
const PERSIST_MJ = 2520 * 3 * 230 * 60;

function measuring({ maximum_Wh = 20_000, companion }: { maximum_Wh?: number; companion?: Companion } = {}) {
  const journal = new Journal(new NorFlash({ sectors: 8, mode: "plain", random: new SeededRandom(1) }));
  journal.format(1);
  journal.state.openInterval = intervalAt(START_S, INTERVAL_S);
  const anchor = (name: number) => new Uint8Array(32).fill(name);
  const configuration: Configuration = {
    meterId: "SM-0001",
    intervalSeconds: INTERVAL_S,
    channels: ["1-0:1.8.0"],
    maximum_Wh,
    elements: 3,
    nominal_V: 230,
    maximum_A: 60,
    supplier: anchor(1),
    network: anchor(2),
    aggregator: anchor(3),
    minGroup: 10,
    revokedPeers: [],
    update: null,
    calibration: null,
  };
  const next = { counts: [0], status: 0 };
  const measurement = new Measurement(journal, configuration, {
    energy: { read: () => next },
    ...(companion ? { companion } : {}),
  });
  const writes = vi.spyOn(journal, "writeState");
  /** Measures this energy at a time after the first interval's start, or an unknown one. */
  const measure = (energy_mJ: number, after_s: number, { timed = true, mayClose = true } = {}) => {
    next.counts = [energy_mJ];
    measurement.measure(1000 * after_s, timed ? START_S + after_s : null, mayClose);
    return writes.mock.calls.length;
  };
  return { journal, measurement, measure, next };
}

describe("intervals and days", () => {
  it("are counted from 1970 in UTC", () => {
    expect([intervalAt(START_S - 1, 1800), intervalAt(START_S, 1800)]).toEqual([727_487, 727_488]);
    expect(intervalStart_s(727_488, 1800)).toBe(START_S);
    expect([dayOf(727_487, 1800), dayOf(727_488, 1800), dayOf(727_488 * 2, 900)]).toEqual([
      15_155, 15_156, 15_156,
    ]);
  });
});

describe("the state", () => {
  it("is written before the unwritten energy, at present power, could pass the limit", () => {
    const { measure } = measuring();
    const third = PERSIST_MJ / 3;
    expect([measure(third, 1), measure(third - 1, 2), measure(third, 3), measure(0, 4)]).toEqual([
      0, 0, 1, 1,
    ]);
    expect(measure(PERSIST_MJ / 2, 5)).toBe(2);
    expect(measure(PERSIST_MJ / 2 - 1, 6)).toBe(2);
    expect(measure(1, 7)).toBe(2);
    expect(measure(PERSIST_MJ / 2, 8)).toBe(3);
  });

  it("is written a second of the present power ahead when steps are short, and of no more than Imax", () => {
    const { measure } = measuring();
    // A third of the limit a second: after two of them the third second could pass it.
    const writes = Array.from({ length: 40 }, (_, at) => measure(PERSIST_MJ / 30, (at + 1) / 10));
    expect(writes.lastIndexOf(0)).toBe(18);
    expect(writes.slice(19)).toEqual([...new Array<number>(20).fill(1), 2]);
  });

  it("is not written for every pulse, which in a short step looks like a great power", () => {
    const { measure } = measuring();
    let writes = 0;
    for (let step = 1; step <= 10_000; step++) {
      writes = measure(step % 100 === 0 ? MILLIJOULES_PER_WH : 0, step / 50);
    }
    // 100 Wh in 200 s, where the limit is 29 Wh and a second at Imax is 11.5 Wh.
    expect(writes).toBe(Math.floor(100 / 18));
  });

  it("is written every five minutes, and at each interval's close", () => {
    const { measure } = measuring();
    expect([measure(0, 299), measure(0, 300), measure(0, 301), measure(0, 600)]).toEqual([0, 1, 1, 2]);
    expect([measure(0, 601), measure(0, 1800), measure(0, 1801)]).toEqual([2, 3, 3]);
  });

  it("is what is shown: energy that is not yet written is not", () => {
    const { measure, measurement } = measuring();
    measure(10 * MILLIJOULES_PER_WH, 1);
    expect(measurement.registers_Wh).toEqual([0]);
    measure(0, 300);
    expect(measurement.registers_Wh).toEqual([10]);
  });
});

describe("an interval", () => {
  it("stays open while the one before it waits to be stored, and takes the energy", () => {
    const { journal, measure } = measuring();
    measure(MILLIJOULES_PER_WH, 1900, { mayClose: false });
    expect(journal.state.openInterval).toBe(727_488);
    measure(MILLIJOULES_PER_WH, 1901);
    expect(journal.state).toMatchObject({ openInterval: 727_489, closedInterval: 727_488 });
    expect(journal.state.channels[0]?.closed_Wh).toBe(2);
  });

  it("skips those in which nobody measured, and says of the one before that it holds what came in them", () => {
    const { journal, measure } = measuring();
    measure(0, 5 * INTERVAL_S);
    const closed = { closedInterval: 727_488, closedStatus: Status.INCOMPLETE };
    expect(journal.state).toMatchObject({ openInterval: 727_493, openStatus: 0, ...closed });
    measure(0, 6 * INTERVAL_S);
    expect(journal.state).toMatchObject({ closedInterval: 727_493, closedStatus: 0 });
  });

  it("is flagged above the maximum, not at it, and only that one", () => {
    const { journal, measure } = measuring({ maximum_Wh: 3 });
    const statuses = [3, 4, 0].map((Wh, at) => {
      measure(Wh * MILLIJOULES_PER_WH, (at + 1) * INTERVAL_S);
      return journal.state.closedStatus;
    });
    expect(statuses).toEqual([0, Status.FAULT, 0]);
  });

  it("takes of the front end's flags the three that a front end may raise", () => {
    const { journal, measure, next } = measuring();
    next.status = 0xff;
    measure(0, 1);
    expect(journal.state.openStatus).toBe(Status.INCOMPLETE | Status.TAMPER | Status.FAULT);
  });
});

describe("an interval that never began", () => {
  const set = { unix_s: START_S + 10 * INTERVAL_S, powerUp_ms: 0, wasConfirmed: false, byRtc: false };

  it("is skipped when the time is confirmed after it, and its flags go on", () => {
    const { journal, measurement } = measuring();
    Object.assign(journal.state, { lastTime_s: START_S - 1, openStatus: Status.TAMPER });
    measurement.setTime(set, 0);
    const { openInterval, openStatus } = journal.state;
    expect([openInterval, journal.intervalPending]).toEqual([727_498, false]);
    expect(openStatus).toBe(Status.TAMPER | Status.CLOCK_SET | Status.INCOMPLETE);
  });

  it("has begun with its first second, and with energy that was carried into it", () => {
    const timed = measuring();
    timed.measure(0, 0);
    timed.measurement.setTime(set, 0);
    expect(timed.journal.state).toMatchObject({ closedInterval: 727_488, openInterval: 727_498 });
    const carried = measuring();
    carried.measure(1, -1);
    carried.measurement.setTime(set, 0);
    expect(carried.journal.state.closedInterval).toBe(727_488);
  });
});

describe("whatever is measured, timed or not", () => {
  const step = fc.record({
    energy_mJ: fc.oneof(fc.nat(1e9), fc.constantFrom(-1, 0.5, 2 ** 53 - 1)),
    after_s: fc.nat(4000),
    timed: fc.boolean(),
    mayClose: fc.boolean(),
  });

  it("the readings and what is still open add up to the energy, to the millijoule", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { journal, measure, measurement } = measuring();
        const [channel] = journal.state.channels;
        let total_mJ = 0;
        let readings_Wh = 0;
        let now_s = 0;
        const summed = (act: () => void) => {
          const open = journal.state.openInterval;
          act();
          if (journal.state.openInterval !== open) readings_Wh += channel?.closed_Wh ?? 0;
        };
        for (const { energy_mJ, after_s, timed, mayClose } of steps) {
          now_s += after_s;
          summed(() => void measure(energy_mJ, now_s, { timed, mayClose }));
          if (energy_mJ <= 1e9 && energy_mJ >= 0 && energy_mJ !== 0.5) total_mJ += energy_mJ;
        }
        const unix_s = START_S + now_s;
        summed(() => measurement.setTime({ unix_s, powerUp_ms: 0, wasConfirmed: false, byRtc: false }, 0));
        const { register_Wh = 0, open_mJ = 0, carried_mJ = 0, untimed_mJ } = channel ?? {};
        expect(register_Wh).toBe(readings_Wh);
        expect(untimed_mJ).toBe(0);
        expect(register_Wh * MILLIJOULES_PER_WH + open_mJ + carried_mJ).toBe(total_mJ);
      }),
    );
  });
});
