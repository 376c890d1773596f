import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Channel, newState } from "../../../src/trusted/journal/state.js";
import {
  DAY_SECONDS,
  dayOf,
  INTERVAL_SECONDS,
  intervalAt,
  intervalStart_s,
  Status,
} from "../../../src/trusted/metrology/interval.js";
import {
  closeChannel,
  integrate,
  isEnergy,
  MILLIJOULES_PER_WH,
  placeUntimed,
  registerNow_Wh,
} from "../../../src/trusted/metrology/registers.js";

const newChannel = () => newState(1).channels[0] as Channel;

const MEGAWATT_HOUR_MJ = 1e6 * MILLIJOULES_PER_WH;

describe("a channel", () => {
  it("loses nothing to rounding: readings add up to the register's advance, and the rest is carried", () => {
    const happening = fc.oneof(
      { weight: 6, arbitrary: fc.record({ energy_mJ: fc.nat(4e10), timed: fc.boolean() }) },
      { weight: 2, arbitrary: fc.constant("close" as const) },
      { weight: 1, arbitrary: fc.constant("confirm" as const) },
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const channel = newChannel();
        let measured_mJ = 0;
        let readings_Wh = 0;
        for (const happened of happenings) {
          const before_Wh = registerNow_Wh(channel);
          if (happened === "close") {
            closeChannel(channel);
            readings_Wh += channel.closed_Wh;
            expect(channel.carried_mJ).toBeLessThan(MILLIJOULES_PER_WH);
            expect(registerNow_Wh(channel)).toBe(before_Wh);
          } else if (happened === "confirm") {
            placeUntimed(channel);
            expect(registerNow_Wh(channel)).toBe(before_Wh);
          } else {
            integrate(channel, happened.energy_mJ, happened.timed);
            measured_mJ += happened.energy_mJ;
          }
          expect(channel.register_Wh).toBe(readings_Wh);
          expect(registerNow_Wh(channel)).toBe(Math.floor(measured_mJ / MILLIJOULES_PER_WH));
          expect(readings_Wh * MILLIJOULES_PER_WH + restOf(channel)).toBe(measured_mJ);
        }
      }),
    );
  });

  it("keeps energy measured without knowing the time apart until it is placed", () => {
    const channel = newChannel();
    integrate(channel, 5 * MILLIJOULES_PER_WH, false);
    closeChannel(channel);
    expect(channel).toMatchObject({ closed_Wh: 0, register_Wh: 0, untimed_mJ: 5 * MILLIJOULES_PER_WH });
    placeUntimed(channel);
    closeChannel(channel);
    expect(channel).toMatchObject({ closed_Wh: 5, register_Wh: 5, untimed_mJ: 0, open_mJ: 0 });
  });

  it("saturates a reading at 2^32 - 1 and carries what is above", () => {
    const channel = { ...newChannel(), open_mJ: 3_600_000 * 0x100000000 };
    closeChannel(channel);
    expect(channel).toMatchObject({ closed_Wh: 0xffffffff, carried_mJ: MILLIJOULES_PER_WH });
    closeChannel(channel);
    expect(channel).toMatchObject({ closed_Wh: 1, register_Wh: 0x100000000, carried_mJ: 0 });
  });

  it("stops before it holds more than its six bytes in the state record", () => {
    const channel = newChannel();
    integrate(channel, 2 ** 47, true);
    integrate(channel, 2 ** 47 - 1, false);
    expect(() => integrate(channel, 1, true)).toThrow("fits the state record");
  });
});

const restOf = ({ open_mJ, untimed_mJ, carried_mJ }: Channel) => open_mJ + untimed_mJ + carried_mJ;

describe("energy between two readings", () => {
  it("is whole mJ, not negative, and no more than a megawatt hour", () => {
    expect([0, 1, MEGAWATT_HOUR_MJ].every(isEnergy)).toBe(true);
    const absurd = [0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, MEGAWATT_HOUR_MJ + 1];
    expect(absurd.some(isEnergy)).toBe(false);
  });
});

describe("intervals and days", () => {
  it("count from the Unix epoch, and the instant of a border belongs to the later one", () => {
    for (const seconds of INTERVAL_SECONDS) {
      expect(intervalAt(seconds - 1, seconds)).toBe(0);
      expect(intervalAt(seconds, seconds)).toBe(1);
      expect(intervalStart_s(727488, seconds)).toBe(727488 * seconds);
      fc.assert(
        fc.property(fc.nat(0xffffffff), (unix_s) => {
          const interval = intervalAt(unix_s, seconds);
          const start_s = intervalStart_s(interval, seconds);
          expect(unix_s - start_s).toBeGreaterThanOrEqual(0);
          expect(unix_s - start_s).toBeLessThan(seconds);
          expect(dayOf(interval, seconds)).toBe(Math.floor(unix_s / DAY_SECONDS));
        }),
      );
    }
    expect(dayOf(727488, 1800)).toBe(15156);
  });

  it("have quality flags that are one bit each", () => {
    expect(Object.values(Status)).toEqual([1, 2, 4, 8, 16, 32]);
  });
});
